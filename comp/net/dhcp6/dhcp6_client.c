/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_client.c - a client's life on its interface
 *
 * Whatever happens only pokes the client: the queue's thread then looks at what there
 * is (a wish to end, messages, addresses that were probed, the timer), lets the state
 * machine decide and does what it says.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/if_arp.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/log.h>
#include <sys/random.h>

#include "dhcp6_impl.h"

static void
client_free(struct ifclient *ic)
{
	kmem_free(dhcp6_of(ic), sizeof(struct dhcp6_client));
}

/* --- what the queue's thread does ------------------------------------------------------ */

static void
client_publish(struct dhcp6_client *dc)
{
	const struct dhcp6_fsm *df = &dc->dc_fsm;

	mutex_enter(&dc->dc_ic.ic_lock);
	dc->dc_state = df->df_state;
	dc->dc_lease = df->df_lease;
	dc->dc_server = df->df_server;
	cv_broadcast(&dc->dc_ic.ic_cv);
	mutex_exit(&dc->dc_ic.ic_lock);
}

/* What the state machine said last.  It listens first: the answer may be here at once. */
static int
client_act(struct dhcp6_client *dc)
{
	const struct dhcp6_act *act = &dc->dc_act;
	int error = 0;

	mutex_enter(&dc->dc_ic.ic_set->cs_lock);
	dc->dc_ic.ic_listening = dc->dc_fsm.df_state != DHCP6_STOPPED;
	dc->dc_xid = dc->dc_fsm.df_xid;
	mutex_exit(&dc->dc_ic.ic_set->cs_lock);
	if (act->da_sync)
		error = dhcp6_sync(dc);
	if (act->da_send)
		dhcp6_send(dc, &act->da_msg);
	return error;
}

static void
client_end(struct dhcp6_client *dc, int error)
{
	dhcp6_fsm_stop(&dc->dc_fsm, clock_mono(), random_u64(), &dc->dc_act);
	(void)client_act(dc);
	dhcp6_unsync(dc);
	mutex_enter(&dc->dc_ic.ic_lock);
	dc->dc_state = DHCP6_STOPPED;
	memset(&dc->dc_lease, 0, sizeof(dc->dc_lease));
	mutex_exit(&dc->dc_ic.ic_lock);
	ifclient_end(&dc->dc_ic, error);
}

static struct log_limit refused_limit;

static int
client_messages(struct dhcp6_client *dc)
{
	struct dhcp6_msg *dm = &dc->dc_msg;
	struct ifclient_heard *ch;
	int error = 0;

	while (error == 0 && (ch = ifclient_heard_get(&dc->dc_ic)) != NULL) {
		if (dhcp6_parse(ch->ch_data, ch->ch_len, dc->dc_fsm.df_iaid, dm) == 0) {
			if (dm->dm_text[0] != '\0' && log_allowed(&refused_limit, 5))
				log_printf(LOG_INFO, "%s: DHCPv6: %s", dc->dc_ic.ic_ifp->if_name,
				    dm->dm_text);
			dhcp6_fsm_message(&dc->dc_fsm, dm, clock_mono(), random_u64(),
			    &dc->dc_act);
			error = client_act(dc);
		}
		ifclient_heard_free(ch);
	}
	return error;
}

/* What duplicate address detection has found by now. */
static int
client_probes(struct dhcp6_client *dc)
{
	struct dhcp6_lease *dl = &dc->dc_fsm.df_lease;
	int error = 0;

	for (unsigned int i = 0; error == 0 && i < dl->dl_n;) {
		struct inaddr addr = dl->dl_addr[i].db_addr;
		enum dhcp6_probe found = dl->dl_addr[i].db_unique ? DHCP6_PROBE_OPEN :
		    dhcp6_probe(dc, &addr);

		if (found != DHCP6_PROBE_OPEN) {
			dhcp6_fsm_probed(&dc->dc_fsm, &addr, found == DHCP6_PROBE_UNIQUE,
			    clock_mono(), random_u64(), &dc->dc_act);
			error = client_act(dc);
		}
		/* A duplicate is gone, another has its place. */
		if (found != DHCP6_PROBE_DUPLICATE)
			i++;
	}
	return error;
}

static int
client_look(struct dhcp6_client *dc)
{
	struct dhcp6_fsm *df = &dc->dc_fsm;
	struct inaddr ll;
	int error;

	if (ifclient_asked(&dc->dc_ic, &dc->dc_manage, false) && !df->df_managed) {
		dhcp6_fsm_manage(df, clock_mono(), random_u64(), &dc->dc_act);
		error = client_act(dc);
		if (error)
			return error;
	}
	if (df->df_state == DHCP6_STOPPED) {
		if (!dhcp6_linklocal(dc, &ll))
			return 0;	/* we are poked when there is one */
		dhcp6_fsm_start(df, clock_mono(), random_u64(), &dc->dc_act);
		return client_act(dc);
	}
	error = client_messages(dc);
	if (error == 0)
		error = client_probes(dc);
	if (error == 0 && clock_mono() >= df->df_timer) {
		dhcp6_fsm_timer(df, clock_mono(), random_u64(), &dc->dc_act);
		error = client_act(dc);
	}
	return error;
}

/* Its user's wish: the server is told, and may answer. */
static int
client_goodbye(struct dhcp6_client *dc)
{
	if (dc->dc_ending)
		return client_look(dc);
	dc->dc_ending = true;
	dhcp6_fsm_stop(&dc->dc_fsm, clock_mono(), random_u64(), &dc->dc_act);
	return client_act(dc);
}

static void
client_work(struct ifclient *ic)
{
	struct dhcp6_client *dc = dhcp6_of(ic);
	int error;

	if (ifclient_asked(ic, &ic->ic_abort, false)) {
		client_end(dc, ECANCELED);
		return;
	}
	error = ifclient_asked(ic, &ic->ic_stop, false) ? client_goodbye(dc) : client_look(dc);
	if (error == 0 && dc->dc_ending && dc->dc_fsm.df_state == DHCP6_STOPPED)
		error = ECANCELED;
	if (error == 0 && dc->dc_fsm.df_timer != KTIME_NEVER)
		error = callout_schedule(&dc->dc_ic.ic_timer, dc->dc_fsm.df_timer);
	if (error)
		client_end(dc, error);
	else
		client_publish(dc);
}

static const struct ifclient_ops dhcp6_ifclient_ops = {
	.ico_name	= "dhcp6 client",
	.ico_work	= client_work,
	.ico_free	= client_free,
};

/* --- birth -------------------------------------------------------------------------------- */

/*
 * Who we are, as long as the link has its address: the same DUID each time, and an
 * association of which the interface has but one (RFC 8415 section 12).
 */
static void
identity_set(struct dhcp6_fsm *df, const struct ifnet *ifp)
{
	dhcp6_duid_ll(ifp->if_lladdr, &df->df_client);
	df->df_iaid = be32_get(ifp->if_lladdr + 2);
}

/* One reference, the list's. */
static struct dhcp6_client *
client_create(struct ifnet *ifp, bool managed, bool delay)
{
	struct dhcp6_client *dc = kmem_zalloc(sizeof(*dc), KM_NOSLEEP);
	struct netns *ns = ifp->if_ns;

	if (dc == NULL)
		return NULL;
	ifclient_init(&dc->dc_ic, &dhcp6_ifclient_ops, dhcp6_set(ns), ifp);
	identity_set(&dc->dc_fsm, ifp);
	dc->dc_fsm.df_timer = KTIME_NEVER;
	dc->dc_fsm.df_managed = dc->dc_manage = managed;
	dc->dc_fsm.df_rapid = netvar_get(ns, &dhcp6_var_rapid) != 0;
	dc->dc_fsm.df_delay = delay;
	return dc;
}

/* ns_lock held.  The client of the interface, an old or a new one; EEXIST: an old one. */
static int
client_get(struct ifnet *ifp, bool managed, bool delay, struct dhcp6_client **ret_dc)
{
	struct ifclient_set *cs = dhcp6_set(ifp->if_ns);
	struct ifclient *ic = NULL;
	struct dhcp6_client *dc;
	int error;

	mutex_enter(&cs->cs_lock);
	error = ifclient_look_locked(cs, ifp, &ic);
	dc = dhcp6_of(ic);
	if (error == 0) {
		dc = client_create(ifp, managed, delay);
		if (dc == NULL)
			error = ENOMEM;
		else
			ifclient_enlist_locked(&dc->dc_ic);
	}
	if (dc != NULL) {
		dc->dc_manage |= managed;
		ifclient_poke_locked(&dc->dc_ic);
		if (ret_dc != NULL) {
			ifclient_hold(&dc->dc_ic);
			*ret_dc = dc;
		}
	}
	mutex_exit(&cs->cs_lock);
	return error;
}

static int
interface_check(const struct ifnet *ifp)
{
	if (ifp->if_type != ARPHRD_ETHER || ifp->if_inet6 == NULL)
		return EOPNOTSUPP;
	return ifp->if_dying ? ENODEV : 0;
}

int
dhcp6_client_start(struct netns *ns, const char *ifname, bool managed,
    struct dhcp6_client **ret_dc)
{
	struct ifnet *ifp;
	int error;

	mutex_enter(&ns->ns_lock);
	ifp = if_byname(ns, ifname);
	error = ifp == NULL ? ENODEV : interface_check(ifp);
	if (error == 0)
		error = if_setflags(ifp, IFF_UP, IFF_UP);
	if (error == 0)
		error = client_get(ifp, managed, false, ret_dc);
	mutex_exit(&ns->ns_lock);
	/* If the host has no thread to give, this one does the work. */
	if (error == 0)
		workqueue_drain(dhcp6_set(ns)->cs_queue);
	return error;
}

/* Without memory there is none; the next advertisement tries again. */
void
dhcp6_client_advised(struct ifnet *ifp, bool managed)
{
	if (dhcp6_set(ifp->if_ns) == NULL || interface_check(ifp) != 0 ||
	    netvar_get(ifp->if_ns, &dhcp6_var_auto) == 0)
		return;
	(void)client_get(ifp, managed, true, NULL);
}

int
dhcp6_client_wait(struct dhcp6_client *dc, bool managed, int64_t deadline)
{
	int error = 0;

	mutex_enter(&dc->dc_ic.ic_lock);
	while (error == 0 && !dc->dc_ic.ic_over && !dhcp6_state_bound(dc->dc_state) &&
	    (managed || dc->dc_state != DHCP6_INFORMED))
		error = cv_timedwait_sig(&dc->dc_ic.ic_cv, &dc->dc_ic.ic_lock, deadline);
	if (dc->dc_ic.ic_over)
		error = dc->dc_ic.ic_error;
	mutex_exit(&dc->dc_ic.ic_lock);
	return error;
}

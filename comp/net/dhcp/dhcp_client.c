/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_client.c - a client's life on its interface
 *
 * Whatever happens only pokes the client: the queue's thread then looks at what there
 * is (a wish to end, a conflict, messages, the timer), lets the state machine
 * decide and does what it says.
 */

#include <lib/string.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/log.h>
#include <sys/random.h>

#include "dhcp_impl.h"

#define NPROBES		3		/* RFC 5227 section 1.1: PROBE_NUM */

static void
client_free(struct ifclient *ic)
{
	kmem_free(dhcp_of(ic), sizeof(struct dhcp_client));
}

/* --- what the queue's thread does ------------------------------------------------------ */

static bool
state_listens(enum dhcp_state state)
{
	return state != DHCP_STOPPED && state != DHCP_BOUND && state != DHCP_WAITING;
}

/* Before anything is sent: the answer may be here before if_transmit() returns. */
static void
client_listen(struct dhcp_client *dc)
{
	const struct dhcp_fsm *df = &dc->dc_fsm;
	bool on = state_listens(df->df_state);
	bool was;

	mutex_enter(&dc->dc_ic.ic_set->cs_lock);
	was = dc->dc_ic.ic_listening;
	dc->dc_ic.ic_listening = on;
	dc->dc_xid = df->df_xid;
	dc->dc_watch = df->df_state == DHCP_PROBING ? df->df_addr : 0;
	dc->dc_defend = dhcp_fsm_bound(df) ? df->df_addr : 0;
	if (dc->dc_watch == 0 && dc->dc_defend == 0)
		dc->dc_conflict = false;
	mutex_exit(&dc->dc_ic.ic_set->cs_lock);
	if (on == was)
		return;
	mutex_enter(&dc->dc_ic.ic_ns->ns_lock);
	if (on && dc->dc_ic.ic_ifp->if_rxhook == NULL)
		atomic_store_rel(&dc->dc_ic.ic_ifp->if_rxhook, dhcp_input_hook);
	else if (!on && dc->dc_ic.ic_ifp->if_rxhook == dhcp_input_hook)
		atomic_store_rel(&dc->dc_ic.ic_ifp->if_rxhook, NULL);
	mutex_exit(&dc->dc_ic.ic_ns->ns_lock);
}

static void
client_publish(struct dhcp_client *dc)
{
	mutex_enter(&dc->dc_ic.ic_lock);
	dc->dc_state = dc->dc_fsm.df_state;
	if (dhcp_fsm_bound(&dc->dc_fsm))
		dc->dc_lease = dc->dc_fsm.df_lease;
	else
		memset(&dc->dc_lease, 0, sizeof(dc->dc_lease));
	cv_broadcast(&dc->dc_ic.ic_cv);
	mutex_exit(&dc->dc_ic.ic_lock);
}

/* What the state machine said last. */
static int
client_act(struct dhcp_client *dc)
{
	const struct dhcp_act *act = &dc->dc_act;
	int error = 0;

	client_listen(dc);
	if (act->da_send)
		dhcp_send(dc, act);
	if (act->da_unconfigure)
		dhcp_unconfigure(dc);
	if (act->da_configure)
		error = dhcp_configure(dc);
	if (act->da_probe)
		dhcp_send_probe(dc);
	return error;
}

static void
client_end(struct dhcp_client *dc, int error)
{
	dhcp_fsm_stop(&dc->dc_fsm, clock_mono(), random_u64(), &dc->dc_act);
	(void)client_act(dc);
	dhcp_unconfigure(dc);
	mutex_enter(&dc->dc_ic.ic_lock);
	dc->dc_state = DHCP_STOPPED;
	memset(&dc->dc_lease, 0, sizeof(dc->dc_lease));
	mutex_exit(&dc->dc_ic.ic_lock);
	ifclient_end(&dc->dc_ic, error);
}

static int
client_messages(struct dhcp_client *dc)
{
	struct ifclient_heard *ch;
	int error = 0;

	while (error == 0 && (ch = ifclient_heard_get(&dc->dc_ic)) != NULL) {
		if (dhcp_parse(ch->ch_data, ch->ch_len, &dc->dc_msg) == 0) {
			if (dc->dc_msg.dm_type == DHCP_NAK)
				log_printf(LOG_INFO, "%s: DHCP: refused: %s",
				    dc->dc_ic.ic_ifp->if_name, dc->dc_msg.dm_message);
			dhcp_fsm_message(&dc->dc_fsm, &dc->dc_msg, clock_mono(), random_u64(),
			    &dc->dc_act);
			error = client_act(dc);
		}
		ifclient_heard_free(ch);
	}
	return error;
}

static int
client_look(struct dhcp_client *dc)
{
	struct dhcp_fsm *df = &dc->dc_fsm;
	int64_t now = clock_mono();
	int error;

	if (df->df_state == DHCP_STOPPED) {
		dhcp_fsm_start(df, now, random_u64(), &dc->dc_act);
		return client_act(dc);
	}
	if (ifclient_asked(&dc->dc_ic, &dc->dc_conflict, true)) {
		dhcp_fsm_conflict(df, now, random_u64(), &dc->dc_act);
		error = client_act(dc);
		if (error)
			return error;
	}
	error = client_messages(dc);
	if (error == 0 && clock_mono() >= df->df_timer) {
		dhcp_fsm_timer(df, clock_mono(), random_u64(), &dc->dc_act);
		error = client_act(dc);
	}
	return error;
}

static void
client_work(struct ifclient *ic)
{
	struct dhcp_client *dc = dhcp_of(ic);
	int error;

	if (ifclient_asked(ic, &ic->ic_stop, false) || ifclient_asked(ic, &ic->ic_abort, false)) {
		client_end(dc, ECANCELED);
		return;
	}
	error = client_look(dc);
	if (error == 0 && dc->dc_fsm.df_timer != KTIME_NEVER)
		error = callout_schedule(&dc->dc_ic.ic_timer, dc->dc_fsm.df_timer);
	if (error)
		client_end(dc, error);
	else
		client_publish(dc);
}

static const struct ifclient_ops dhcp_ifclient_ops = {
	.ico_name	= "dhcp client",
	.ico_work	= client_work,
	.ico_free	= client_free,
};

/* --- for users --------------------------------------------------------------------------- */

/* One reference, the list's. */
static struct dhcp_client *
client_create(struct ifnet *ifp)
{
	struct dhcp_client *dc = kmem_zalloc(sizeof(*dc), KM_NOSLEEP);
	struct netns *ns = ifp->if_ns;
	struct dhcp_fsm *df;

	if (dc == NULL)
		return NULL;
	ifclient_init(&dc->dc_ic, &dhcp_ifclient_ops, dhcp_set(ns), ifp);
	df = &dc->dc_fsm;
	df->df_timer = KTIME_NEVER;
	memcpy(df->df_chaddr, ifp->if_lladdr, ETH_ALEN);
	if (strcmp(kernel_hostname, "(none)") != 0)
		strlcpy(df->df_hostname, kernel_hostname, sizeof(df->df_hostname));
	if (netvar_get(ns, &dhcp_probe_ms) > 0)
		df->df_nprobes = NPROBES;
	df->df_probetime = netvar_get(ns, &dhcp_probe_ms) * (NSEC_PER_SEC / 1000);
	return dc;
}

static int
interface_prepare(struct ifnet *ifp)
{
	if (ifp->if_type != ARPHRD_ETHER)
		return EOPNOTSUPP;
	/* A port of a bridge has no address of its own. */
	if (ifp->if_rxhook != NULL && ifp->if_rxhook != dhcp_input_hook)
		return EBUSY;
	if (ifp->if_dying)
		return ENODEV;
	return if_setflags(ifp, IFF_UP, IFF_UP);
}

/* ns_lock held.  The client of the interface, an old or a new one; EEXIST: an old one. */
static int
client_get(struct ifnet *ifp, struct dhcp_client **ret_dc)
{
	struct ifclient_set *cs = dhcp_set(ifp->if_ns);
	struct ifclient *ic = NULL;
	struct dhcp_client *dc;
	int error;

	mutex_enter(&cs->cs_lock);
	error = ifclient_look_locked(cs, ifp, &ic);
	if (error == 0) {
		dc = client_create(ifp);
		if (dc == NULL) {
			error = ENOMEM;
		} else {
			ic = &dc->dc_ic;
			ifclient_enlist_locked(ic);
			ifclient_poke_locked(ic);
		}
	}
	if (ic != NULL) {
		ifclient_hold(ic);
		*ret_dc = dhcp_of(ic);
	}
	mutex_exit(&cs->cs_lock);
	return error;
}

int
dhcp_client_start(struct netns *ns, const char *ifname, struct dhcp_client **ret_dc)
{
	struct ifnet *ifp;
	int error;

	mutex_enter(&ns->ns_lock);
	ifp = if_byname(ns, ifname);
	error = ifp == NULL ? ENODEV : interface_prepare(ifp);
	if (error == 0)
		error = client_get(ifp, ret_dc);
	mutex_exit(&ns->ns_lock);
	/* If the host has no thread to give, this one does the work. */
	if (error == 0)
		workqueue_drain(dhcp_set(ns)->cs_queue);
	return error;
}

int
dhcp_client_wait(struct dhcp_client *dc, int64_t deadline)
{
	int error = 0;

	mutex_enter(&dc->dc_ic.ic_lock);
	while (error == 0 && !dc->dc_ic.ic_over &&
	    (dc->dc_state < DHCP_BOUND || dc->dc_state > DHCP_REBINDING))
		error = cv_timedwait_sig(&dc->dc_ic.ic_cv, &dc->dc_ic.ic_lock, deadline);
	if (dc->dc_ic.ic_over)
		error = dc->dc_ic.ic_error;
	mutex_exit(&dc->dc_ic.ic_lock);
	return error;
}

void
dhcp_client_conflict(struct ifnet *ifp, uint32_t addr)
{
	struct ifclient_set *cs = dhcp_set(ifp->if_ns);
	struct dhcp_client *dc;

	if (cs == NULL)
		return;
	mutex_enter(&cs->cs_lock);
	dc = dhcp_of(ifclient_of_locked(cs, ifp));
	if (dc != NULL && dc->dc_defend == addr) {
		dc->dc_conflict = true;
		ifclient_poke_locked(&dc->dc_ic);
	}
	mutex_exit(&cs->cs_lock);
}

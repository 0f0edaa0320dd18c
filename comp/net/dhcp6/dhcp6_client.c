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

void
dhcp6_client_poke_locked(struct dhcp6_client *dc)
{
	KASSERT(mutex_owned(&dc->dc_home->dn_lock));
	(void)workqueue_enqueue(dc->dc_home->dn_queue, &dc->dc_work);
}

void
dhcp6_client_rele(struct dhcp6_client *dc)
{
	if (atomic_sub_ar(&dc->dc_refs, 1) != 1)
		return;
	KASSERT(dc->dc_dead && list_empty(&dc->dc_heard));
	if_rele(dc->dc_ifp);
	cv_destroy(&dc->dc_cv);
	mutex_destroy(&dc->dc_lock);
	kmem_free(dc, sizeof(*dc));
}

/* --- what the queue's thread does ------------------------------------------------------ */

static void
client_publish(struct dhcp6_client *dc)
{
	const struct dhcp6_fsm *df = &dc->dc_fsm;

	mutex_enter(&dc->dc_lock);
	dc->dc_state = df->df_state;
	dc->dc_lease = df->df_lease;
	dc->dc_server = df->df_server;
	cv_broadcast(&dc->dc_cv);
	mutex_exit(&dc->dc_lock);
}

/* What the state machine said last.  It listens first: the answer may be here at once. */
static int
client_act(struct dhcp6_client *dc)
{
	const struct dhcp6_act *act = &dc->dc_act;
	int error = 0;

	mutex_enter(&dc->dc_home->dn_lock);
	dc->dc_listening = dc->dc_fsm.df_state != DHCP6_STOPPED;
	dc->dc_xid = dc->dc_fsm.df_xid;
	mutex_exit(&dc->dc_home->dn_lock);
	if (act->da_sync)
		error = dhcp6_sync(dc);
	if (act->da_send)
		dhcp6_send(dc, &act->da_msg);
	return error;
}

static void
heard_drop(struct dhcp6_client *dc)
{
	struct dhcp6_heard *dh;

	while ((dh = dhcp6_heard_get(dc)) != NULL)
		dhcp6_heard_free(dh);
}

/*
 * The end.  When this returns nobody can poke it any more, but its work may be queued
 * for the last time: so it is queued once more, unless it is, to be let go then.
 */
static void
client_end(struct dhcp6_client *dc, int error)
{
	struct dhcp6_netns *dn = dc->dc_home;

	dhcp6_fsm_stop(&dc->dc_fsm, clock_mono(), random_u64(), &dc->dc_act);
	(void)client_act(dc);
	dhcp6_unsync(dc);
	callout_halt(&dc->dc_timer);
	mutex_enter(&dn->dn_lock);
	list_remove(&dc->dc_link);
	dc->dc_listening = false;
	mutex_exit(&dn->dn_lock);
	heard_drop(dc);
	dc->dc_dead = true;
	(void)workqueue_enqueue(dc->dc_home->dn_queue, &dc->dc_work);

	mutex_enter(&dc->dc_lock);
	dc->dc_state = DHCP6_STOPPED;
	memset(&dc->dc_lease, 0, sizeof(dc->dc_lease));
	dc->dc_over = true;
	dc->dc_error = error;
	cv_broadcast(&dc->dc_cv);
	mutex_exit(&dc->dc_lock);
}

static bool
client_asked(struct dhcp6_client *dc, const bool *flag)
{
	bool asked;

	mutex_enter(&dc->dc_home->dn_lock);
	asked = *flag;
	mutex_exit(&dc->dc_home->dn_lock);
	return asked;
}

static struct log_limit refused_limit;

static int
client_messages(struct dhcp6_client *dc)
{
	struct dhcp6_msg *dm = &dc->dc_msg;
	struct dhcp6_heard *dh;
	int error = 0;

	while (error == 0 && (dh = dhcp6_heard_get(dc)) != NULL) {
		if (dhcp6_parse(dh->dh_data, dh->dh_len, dc->dc_fsm.df_iaid, dm) == 0) {
			if (dm->dm_text[0] != '\0' && log_allowed(&refused_limit, 5))
				log_printf(LOG_INFO, "%s: DHCPv6: %s", dc->dc_ifp->if_name,
				    dm->dm_text);
			dhcp6_fsm_message(&dc->dc_fsm, dm, clock_mono(), random_u64(),
			    &dc->dc_act);
			error = client_act(dc);
		}
		dhcp6_heard_free(dh);
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

	if (client_asked(dc, &dc->dc_manage) && !df->df_managed) {
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
client_work(struct work *w)
{
	struct dhcp6_client *dc = container_of(w, struct dhcp6_client, dc_work);
	int error;

	if (dc->dc_dead) {
		dhcp6_client_rele(dc);
		return;
	}
	if (client_asked(dc, &dc->dc_abort)) {
		client_end(dc, ECANCELED);
		return;
	}
	error = client_asked(dc, &dc->dc_stop) ? client_goodbye(dc) : client_look(dc);
	if (error == 0 && dc->dc_ending && dc->dc_fsm.df_state == DHCP6_STOPPED)
		error = ECANCELED;
	if (error == 0 && dc->dc_fsm.df_timer != KTIME_NEVER)
		error = callout_schedule(&dc->dc_timer, dc->dc_fsm.df_timer);
	if (error)
		client_end(dc, error);
	else
		client_publish(dc);
}

static void
client_timer(void *arg)
{
	struct dhcp6_client *dc = arg;

	(void)workqueue_enqueue(dc->dc_home->dn_queue, &dc->dc_work);
}

/* --- birth -------------------------------------------------------------------------------- */

struct dhcp6_client *
dhcp6_client_of_locked(struct dhcp6_netns *dn, const struct ifnet *ifp)
{
	struct list_node *n;

	KASSERT(mutex_owned(&dn->dn_lock));
	LIST_FOREACH(n, &dn->dn_clients) {
		struct dhcp6_client *dc = container_of(n, struct dhcp6_client, dc_link);

		if (dc->dc_ifp == ifp)
			return dc;
	}
	return NULL;
}

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
	dc->dc_home = netns_data(ns, NETNS_SLOT_DHCP6);
	dc->dc_ns = ns;
	dc->dc_ifp = ifp;
	if_hold(ifp);
	dc->dc_refs = 1;
	list_init(&dc->dc_heard);
	work_init(&dc->dc_work, client_work);
	callout_init(&dc->dc_timer, client_timer, dc);
	mutex_init(&dc->dc_lock, "dhcp6 client");
	cv_init(&dc->dc_cv, "dhcp6 client");
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
	struct dhcp6_netns *dn = netns_data(ifp->if_ns, NETNS_SLOT_DHCP6);
	struct dhcp6_client *dc;
	int error = 0;

	mutex_enter(&dn->dn_lock);
	dc = dhcp6_client_of_locked(dn, ifp);
	if (dc != NULL) {
		error = dc->dc_stop || dc->dc_abort ? EBUSY : EEXIST;
	} else if (dn->dn_dying) {
		error = ENODEV;
	} else {
		dc = client_create(ifp, managed, delay);
		if (dc == NULL)
			error = ENOMEM;
		else
			list_insert_tail(&dn->dn_clients, &dc->dc_link);
	}
	if (error == 0 || error == EEXIST) {
		dc->dc_manage |= managed;
		dhcp6_client_poke_locked(dc);
		if (ret_dc != NULL) {
			atomic_add(&dc->dc_refs, 1);
			*ret_dc = dc;
		}
	}
	mutex_exit(&dn->dn_lock);
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
	struct dhcp6_netns *dn = netns_data(ns, NETNS_SLOT_DHCP6);
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
		workqueue_drain(dn->dn_queue);
	return error;
}

/* Without memory there is none; the next advertisement tries again. */
void
dhcp6_client_advised(struct ifnet *ifp, bool managed)
{
	if (netns_data(ifp->if_ns, NETNS_SLOT_DHCP6) == NULL || interface_check(ifp) != 0 ||
	    netvar_get(ifp->if_ns, &dhcp6_var_auto) == 0)
		return;
	(void)client_get(ifp, managed, true, NULL);
}

/* --- for users ------------------------------------------------------------------------------ */

struct dhcp6_client *
dhcp6_client_find(struct netns *ns, const char *ifname)
{
	struct dhcp6_netns *dn = netns_data(ns, NETNS_SLOT_DHCP6);
	struct dhcp6_client *dc = NULL;
	struct list_node *n;

	mutex_enter(&dn->dn_lock);
	LIST_FOREACH(n, &dn->dn_clients) {
		dc = container_of(n, struct dhcp6_client, dc_link);
		if (strcmp(dc->dc_ifp->if_name, ifname) == 0)
			break;
		dc = NULL;
	}
	if (dc != NULL)
		atomic_add(&dc->dc_refs, 1);
	mutex_exit(&dn->dn_lock);
	return dc;
}

void
dhcp6_client_stop(struct dhcp6_client *dc)
{
	struct dhcp6_netns *dn = dc->dc_home;

	mutex_enter(&dn->dn_lock);
	dc->dc_stop = true;
	if (list_onlist(&dc->dc_link))
		dhcp6_client_poke_locked(dc);
	mutex_exit(&dn->dn_lock);
	workqueue_drain(dn->dn_queue);
	mutex_enter(&dc->dc_lock);
	while (!dc->dc_over)
		cv_wait(&dc->dc_cv, &dc->dc_lock);
	mutex_exit(&dc->dc_lock);
}

int
dhcp6_client_wait(struct dhcp6_client *dc, bool managed, int64_t deadline)
{
	int error = 0;

	mutex_enter(&dc->dc_lock);
	while (error == 0 && !dc->dc_over && !dhcp6_state_bound(dc->dc_state) &&
	    (managed || dc->dc_state != DHCP6_INFORMED))
		error = cv_timedwait_sig(&dc->dc_cv, &dc->dc_lock, deadline);
	if (dc->dc_over)
		error = dc->dc_error;
	mutex_exit(&dc->dc_lock);
	return error;
}

/* --- what moves and ends them ----------------------------------------------------------------- */

static void
poke(struct ifnet *ifp, bool abort)
{
	struct dhcp6_netns *dn = netns_data(ifp->if_ns, NETNS_SLOT_DHCP6);
	struct dhcp6_client *dc;

	if (dn == NULL)
		return;
	mutex_enter(&dn->dn_lock);
	dc = dhcp6_client_of_locked(dn, ifp);
	if (dc != NULL) {
		dc->dc_abort |= abort;
		dhcp6_client_poke_locked(dc);
	}
	mutex_exit(&dn->dn_lock);
}

void
dhcp6_client_ifgone(struct ifnet *ifp)
{
	poke(ifp, true);
}

void
dhcp6_client_ifchanged(struct ifnet *ifp)
{
	poke(ifp, false);
}

void
dhcp6_client_netns_exit(struct dhcp6_netns *dn)
{
	struct list_node *n;

	mutex_enter(&dn->dn_lock);
	dn->dn_dying = true;
	LIST_FOREACH(n, &dn->dn_clients) {
		struct dhcp6_client *dc = container_of(n, struct dhcp6_client, dc_link);

		dc->dc_abort = true;
		(void)workqueue_enqueue(dn->dn_queue, &dc->dc_work);
	}
	mutex_exit(&dn->dn_lock);
	workqueue_drain(dn->dn_queue);
	KASSERT(list_empty(&dn->dn_clients));
}

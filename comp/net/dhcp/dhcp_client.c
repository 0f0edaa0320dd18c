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

void
dhcp_client_poke_locked(struct dhcp_client *dc)
{
	KASSERT(mutex_owned(&dc->dc_home->dn_lock));
	(void)workqueue_enqueue(dc->dc_home->dn_queue, &dc->dc_work);
}

void
dhcp_client_rele(struct dhcp_client *dc)
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

	mutex_enter(&dc->dc_home->dn_lock);
	was = dc->dc_listening;
	dc->dc_listening = on;
	dc->dc_xid = df->df_xid;
	dc->dc_watch = df->df_state == DHCP_PROBING ? df->df_addr : 0;
	dc->dc_defend = dhcp_fsm_bound(df) ? df->df_addr : 0;
	if (dc->dc_watch == 0 && dc->dc_defend == 0)
		dc->dc_conflict = false;
	mutex_exit(&dc->dc_home->dn_lock);
	if (on == was)
		return;
	mutex_enter(&dc->dc_ns->ns_lock);
	if (on && dc->dc_ifp->if_rxhook == NULL)
		atomic_store_rel(&dc->dc_ifp->if_rxhook, dhcp_input_hook);
	else if (!on && dc->dc_ifp->if_rxhook == dhcp_input_hook)
		atomic_store_rel(&dc->dc_ifp->if_rxhook, NULL);
	mutex_exit(&dc->dc_ns->ns_lock);
}

static void
client_publish(struct dhcp_client *dc)
{
	mutex_enter(&dc->dc_lock);
	dc->dc_state = dc->dc_fsm.df_state;
	if (dhcp_fsm_bound(&dc->dc_fsm))
		dc->dc_lease = dc->dc_fsm.df_lease;
	else
		memset(&dc->dc_lease, 0, sizeof(dc->dc_lease));
	cv_broadcast(&dc->dc_cv);
	mutex_exit(&dc->dc_lock);
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
heard_drop(struct dhcp_client *dc)
{
	struct dhcp_heard *dh;

	while ((dh = dhcp_heard_get(dc)) != NULL)
		dhcp_heard_free(dh);
}

/*
 * The end.  When this returns nobody can poke it any more, but its work may be queued
 * for the last time: so it is queued once more, unless it is, to be let go then.
 */
static void
client_end(struct dhcp_client *dc, int error)
{
	struct dhcp_netns *dn = dc->dc_home;

	dhcp_fsm_stop(&dc->dc_fsm, clock_mono(), random_u64(), &dc->dc_act);
	(void)client_act(dc);
	dhcp_unconfigure(dc);
	callout_halt(&dc->dc_timer);
	mutex_enter(&dn->dn_lock);
	list_remove(&dc->dc_link);
	mutex_exit(&dn->dn_lock);
	heard_drop(dc);
	dc->dc_dead = true;
	(void)workqueue_enqueue(dc->dc_home->dn_queue, &dc->dc_work);

	mutex_enter(&dc->dc_lock);
	dc->dc_state = DHCP_STOPPED;
	memset(&dc->dc_lease, 0, sizeof(dc->dc_lease));
	dc->dc_over = true;
	dc->dc_error = error;
	cv_broadcast(&dc->dc_cv);
	mutex_exit(&dc->dc_lock);
}

static bool
client_asked(struct dhcp_client *dc, bool *flag, bool clear)
{
	bool asked;

	mutex_enter(&dc->dc_home->dn_lock);
	asked = *flag;
	if (clear)
		*flag = false;
	mutex_exit(&dc->dc_home->dn_lock);
	return asked;
}

static int
client_messages(struct dhcp_client *dc)
{
	struct dhcp_heard *dh;
	int error = 0;

	while (error == 0 && (dh = dhcp_heard_get(dc)) != NULL) {
		if (dhcp_parse(dh->dh_data, dh->dh_len, &dc->dc_msg) == 0) {
			if (dc->dc_msg.dm_type == DHCP_NAK)
				log_printf(LOG_INFO, "%s: DHCP: refused: %s",
				    dc->dc_ifp->if_name, dc->dc_msg.dm_message);
			dhcp_fsm_message(&dc->dc_fsm, &dc->dc_msg, clock_mono(), random_u64(),
			    &dc->dc_act);
			error = client_act(dc);
		}
		dhcp_heard_free(dh);
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
	if (client_asked(dc, &dc->dc_conflict, true)) {
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
client_work(struct work *w)
{
	struct dhcp_client *dc = container_of(w, struct dhcp_client, dc_work);
	int error;

	if (dc->dc_dead) {
		dhcp_client_rele(dc);
		return;
	}
	if (client_asked(dc, &dc->dc_stop, false)) {
		client_end(dc, ECANCELED);
		return;
	}
	error = client_look(dc);
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
	struct dhcp_client *dc = arg;

	(void)workqueue_enqueue(dc->dc_home->dn_queue, &dc->dc_work);
}

/* --- for users --------------------------------------------------------------------------- */

static struct dhcp_client *
find_locked(struct dhcp_netns *dn, const char *ifname) REQUIRES(dn->dn_lock)
{
	struct list_node *n;

	LIST_FOREACH(n, &dn->dn_clients) {
		struct dhcp_client *dc = container_of(n, struct dhcp_client, dc_link);

		if (strcmp(dc->dc_ifp->if_name, ifname) == 0)
			return dc;
	}
	return NULL;
}

struct dhcp_client *
dhcp_client_find(struct netns *ns, const char *ifname)
{
	struct dhcp_netns *dn = netns_data(ns, NETNS_SLOT_DHCP);
	struct dhcp_client *dc;

	mutex_enter(&dn->dn_lock);
	dc = find_locked(dn, ifname);
	if (dc != NULL)
		atomic_add(&dc->dc_refs, 1);
	mutex_exit(&dn->dn_lock);
	return dc;
}

/* Two references: the list's and the caller's. */
static int
client_create(struct netns *ns, struct ifnet *ifp, struct dhcp_client **ret_dc)
{
	struct dhcp_client *dc = kmem_zalloc(sizeof(*dc), KM_SLEEP);
	struct dhcp_fsm *df;

	if (dc == NULL)
		return ENOMEM;
	dc->dc_home = netns_data(ns, NETNS_SLOT_DHCP);
	dc->dc_ns = ns;
	dc->dc_ifp = ifp;
	if_hold(ifp);
	dc->dc_refs = 2;
	list_init(&dc->dc_heard);
	work_init(&dc->dc_work, client_work);
	callout_init(&dc->dc_timer, client_timer, dc);
	mutex_init(&dc->dc_lock, "dhcp client");
	cv_init(&dc->dc_cv, "dhcp client");

	df = &dc->dc_fsm;
	df->df_timer = KTIME_NEVER;
	memcpy(df->df_chaddr, ifp->if_lladdr, ETH_ALEN);
	if (strcmp(kernel_hostname, "(none)") != 0)
		strlcpy(df->df_hostname, kernel_hostname, sizeof(df->df_hostname));
	if (netvar_get(ns, &dhcp_probe_ms) > 0)
		df->df_nprobes = NPROBES;
	df->df_probetime = netvar_get(ns, &dhcp_probe_ms) * (NSEC_PER_SEC / 1000);
	*ret_dc = dc;
	return 0;
}

/* ns_lock and dn_lock held. */
static int
start_locked(struct netns *ns, struct ifnet *ifp, struct dhcp_client **ret_dc)
    REQUIRES(ns->ns_lock)
{
	int error;

	if (ifp->if_type != ARPHRD_ETHER)
		return EOPNOTSUPP;
	/* A port of a bridge has no address of its own. */
	if (ifp->if_rxhook != NULL && ifp->if_rxhook != dhcp_input_hook)
		return EBUSY;
	if (ifp->if_dying)
		return ENODEV;
	error = if_setflags(ifp, IFF_UP, IFF_UP);
	return error ? error : client_create(ns, ifp, ret_dc);
}

/* Lists it, unless another was faster. */
static int
client_enlist(struct dhcp_client *dc, const char *ifname, struct dhcp_client **ret_dc)
{
	struct dhcp_netns *dn = dc->dc_home;
	struct dhcp_client *other;
	int error = 0;

	mutex_enter(&dn->dn_lock);
	other = find_locked(dn, ifname);
	if (other == NULL) {
		list_insert_tail(&dn->dn_clients, &dc->dc_link);
		dhcp_client_poke_locked(dc);
	} else if (other->dc_stop) {
		error = EBUSY;
	} else {
		atomic_add(&other->dc_refs, 1);
		error = EEXIST;
	}
	mutex_exit(&dn->dn_lock);
	if (error) {
		dc->dc_dead = true;
		dc->dc_refs = 1;
		dhcp_client_rele(dc);
		dc = other;
	}
	*ret_dc = dc;
	return error;
}

int
dhcp_client_start(struct netns *ns, const char *ifname, struct dhcp_client **ret_dc)
{
	struct dhcp_client *dc = NULL;
	struct ifnet *ifp;
	int error;

	mutex_enter(&ns->ns_lock);
	ifp = if_byname(ns, ifname);
	error = ifp == NULL ? ENODEV : start_locked(ns, ifp, &dc);
	if (error == 0)
		error = client_enlist(dc, ifname, ret_dc);
	mutex_exit(&ns->ns_lock);
	/* If the host has no thread to give, this one does the work. */
	if (error == 0)
		workqueue_drain((*ret_dc)->dc_home->dn_queue);
	return error;
}

static void
client_ask_stop_locked(struct dhcp_netns *dn, struct dhcp_client *dc) REQUIRES(dn->dn_lock)
{
	dc->dc_stop = true;
	if (list_onlist(&dc->dc_link))
		dhcp_client_poke_locked(dc);
}

void
dhcp_client_stop(struct dhcp_client *dc)
{
	struct dhcp_netns *dn = dc->dc_home;

	mutex_enter(&dn->dn_lock);
	client_ask_stop_locked(dn, dc);
	mutex_exit(&dn->dn_lock);
	workqueue_drain(dn->dn_queue);
	mutex_enter(&dc->dc_lock);
	while (!dc->dc_over)
		cv_wait(&dc->dc_cv, &dc->dc_lock);
	mutex_exit(&dc->dc_lock);
}

int
dhcp_client_wait(struct dhcp_client *dc, int64_t deadline)
{
	int error = 0;

	mutex_enter(&dc->dc_lock);
	while (error == 0 && !dc->dc_over &&
	    (dc->dc_state < DHCP_BOUND || dc->dc_state > DHCP_REBINDING))
		error = cv_timedwait_sig(&dc->dc_cv, &dc->dc_lock, deadline);
	if (dc->dc_over)
		error = dc->dc_error;
	mutex_exit(&dc->dc_lock);
	return error;
}

/* --- what ends them ------------------------------------------------------------------------ */

void
dhcp_client_ifgone(struct ifnet *ifp)
    NO_THREAD_SAFETY
{
	struct dhcp_netns *dn = netns_data(ifp->if_ns, NETNS_SLOT_DHCP);
	struct list_node *n;

	if (dn == NULL)
		return;
	mutex_enter(&dn->dn_lock);
	LIST_FOREACH(n, &dn->dn_clients) {
		struct dhcp_client *dc = container_of(n, struct dhcp_client, dc_link);

		if (dc->dc_ifp == ifp)
			client_ask_stop_locked(dn, dc);
	}
	mutex_exit(&dn->dn_lock);
}

void
dhcp_client_conflict(struct ifnet *ifp, uint32_t addr)
{
	struct dhcp_netns *dn = netns_data(ifp->if_ns, NETNS_SLOT_DHCP);
	struct list_node *n;

	if (dn == NULL)
		return;
	mutex_enter(&dn->dn_lock);
	LIST_FOREACH(n, &dn->dn_clients) {
		struct dhcp_client *dc = container_of(n, struct dhcp_client, dc_link);

		if (dc->dc_ifp == ifp && dc->dc_defend == addr) {
			dc->dc_conflict = true;
			(void)workqueue_enqueue(dn->dn_queue, &dc->dc_work);
		}
	}
	mutex_exit(&dn->dn_lock);
}

void
dhcp_client_netns_exit(struct dhcp_netns *dn)
    NO_THREAD_SAFETY
{
	struct list_node *n;

	mutex_enter(&dn->dn_lock);
	LIST_FOREACH(n, &dn->dn_clients)
		client_ask_stop_locked(dn, container_of(n, struct dhcp_client, dc_link));
	mutex_exit(&dn->dn_lock);
	workqueue_drain(dn->dn_queue);
	KASSERT(list_empty(&dn->dn_clients));
}

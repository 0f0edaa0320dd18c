/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * route_sweep.c - routes that go by themselves
 *
 * With the address that they name as their source, with the interface that they lead through, when
 * their time is over.  Each is a walk through all tables.  A route with several hops only
 * has the dead ones marked, and goes with the last.
 *
 * Look-ups heed an end (rc_expires) at once; the timer takes the route out and has decisions
 * of the past taken again.
 *
 * Locking: under ns_lock.
 *
 * References: ip-route(8).
 */

#include "route_impl.h"

#include <sys/atomic.h>
#include <sys/kassert.h>
#include <sys/ktime.h>

#include "net_impl.h"

/* --- an address goes ------------------------------------------------------------- */

/* Sets the flag of the hops through ifp; true: no hop is left alive. */
static bool
hops_mark(struct rtconfig *rc, uint32_t ifindex, bool dead)
{
	unsigned int alive = 0;

	for (unsigned int i = 0; i < rc->rc_nhops; i++) {
		struct rthop *nh = &rc->rc_hop[i];
		uint8_t flags = nh->nh_flags & (uint8_t)~RTNH_F_DEAD;

		if (nh->nh_ifindex == ifindex)
			atomic_store(&nh->nh_flags, dead ? flags | RTNH_F_DEAD : flags);
		alive += (nh->nh_flags & RTNH_F_DEAD) == 0;
	}
	return rc->rc_nhops > 0 && alive == 0;
}

static bool
hops_through(const struct rtconfig *rc, uint32_t ifindex)
{
	for (unsigned int i = 0; i < rc->rc_nhops; i++) {
		if (rc->rc_hop[i].nh_ifindex == ifindex)
			return true;
	}
	return false;
}

struct addrgone {
	const struct ifnet *ag_ifp;
	const struct inaddr *ag_src;	/* NULL: it is still somebody's */
	bool		 ag_last;	/* the interface has no other */
};

static int
addrgone_node(struct rtnode *rn, void *arg)
{
	const struct addrgone *ag = arg;
	struct route **link = &rn->rn_routes, *r;

	while ((r = *link) != NULL) {
		if ((ag->ag_src == NULL || !inaddr_eq(&r->r_conf.rc_prefsrc, ag->ag_src)) &&
		    (!ag->ag_last || !hops_through(&r->r_conf, ag->ag_ifp->if_index) ||
		    !hops_mark(&r->r_conf, ag->ag_ifp->if_index, true))) {
			link = &r->r_next;
			continue;
		}
		atomic_store_rel(link, r->r_next);
		qsbr_call(&r->r_qsbr, route_free);
	}
	return 0;
}

void
route_addrgone(struct ifnet *ifp, const struct inaddr *addr, bool last)
{
	struct netns *ns = ifp->if_ns;
	struct addrgone ag = { ifp, addr, last };

	KASSERT(mutex_owned(&ns->ns_lock));
	if (ifaddr_find(ns, AF_INET, addr, NULL) != NULL)
		ag.ag_src = NULL;
	if (ag.ag_src == NULL && !last)
		return;
	for (struct rttable *rt = netns_route(ns)->nr_tables; rt != NULL; rt = rt->rt_next) {
		(void)rttrie_walk(rt->rt_root[family_index(AF_INET)], addrgone_node, &ag);
		rttrie_prune_all(&rt->rt_root[family_index(AF_INET)]);
	}
	route_changed(ns);
}

/* --- an interface goes up or down ------------------------------------------------ */

/* Addresses of an interface that is down are still ours (ip(8) shows it so). */
static int
ifdown_node(struct rtnode *rn, void *arg)
{
	struct ifnet *ifp = arg;
	struct route **link = &rn->rn_routes;

	while (*link != NULL) {
		struct rtconfig *rc = &(*link)->r_conf;

		if (hops_through(rc, ifp->if_index) &&
		    (ifp->if_dying || rc->rc_type != RTN_LOCAL) &&
		    hops_mark(rc, ifp->if_index, true))
			route_unlink(ifp->if_ns, link);
		else
			link = &(*link)->r_next;
	}
	return 0;
}

static int
ifup_node(struct rtnode *rn, void *arg)
{
	struct ifnet *ifp = arg;

	for (struct route *r = rn->rn_routes; r != NULL; r = r->r_next)
		(void)hops_mark(&r->r_conf, ifp->if_index, false);
	return 0;
}

static void
tables_walk(struct ifnet *ifp, int (*fn)(struct rtnode *, void *), bool prune)
{
	struct rttable *rt = netns_route(ifp->if_ns)->nr_tables;

	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	for (; rt != NULL; rt = rt->rt_next) {
		for (unsigned int i = 0; i < 2; i++) {
			(void)rttrie_walk(rt->rt_root[i], fn, ifp);
			if (prune)
				rttrie_prune_all(&rt->rt_root[i]);
		}
	}
	route_changed(ifp->if_ns);
}

void
route_ifdown(struct ifnet *ifp)
{
	tables_walk(ifp, ifdown_node, true);
}

void
route_ifup(struct ifnet *ifp)
{
	tables_walk(ifp, ifup_node, false);
}

/* --- routes that have an end ----------------------------------------------------- */

struct expiry {
	struct netns	*ex_ns;
	int64_t		 ex_now;
	int64_t		 ex_next;	/* of those that are left */
};

static int
expire_node(struct rtnode *rn, void *arg)
{
	struct expiry *ex = arg;
	struct route **link = &rn->rn_routes;

	while (*link != NULL) {
		int64_t end = (*link)->r_conf.rc_expires;

		if (end != 0 && end <= ex->ex_now) {
			route_unlink(ex->ex_ns, link);
			continue;
		}
		if (end != 0 && end < ex->ex_next)
			ex->ex_next = end;
		link = &(*link)->r_next;
	}
	return 0;
}

void
route_expiry_arm(struct netns_route *nr, int64_t when)
{
	if (when < nr->nr_expires &&
	    callout_schedule(&nr->nr_expiry, when) == 0)
		nr->nr_expires = when;
}

/* The timer thread waits for nobody: if the lock is taken it comes again. */
void
route_expiry_timer(void *arg)
{
	struct netns_route *nr = arg;
	struct expiry ex = { nr->nr_ns, clock_mono(), KTIME_NEVER };

	if (!mutex_tryenter(&nr->nr_ns->ns_lock)) {
		(void)callout_schedule(&nr->nr_expiry, ex.ex_now + NSEC_PER_SEC / 10);
		return;
	}
	for (struct rttable *rt = nr->nr_tables; rt != NULL; rt = rt->rt_next) {
		for (unsigned int i = 0; i < 2; i++) {
			(void)rttrie_walk(rt->rt_root[i], expire_node, &ex);
			rttrie_prune_all(&rt->rt_root[i]);
		}
	}
	nr->nr_expires = KTIME_NEVER;
	if (ex.ex_next != KTIME_NEVER)
		route_expiry_arm(nr, ex.ex_next);
	mutex_exit(&nr->nr_ns->ns_lock);
}

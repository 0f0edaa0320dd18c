/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * route.c - tables of routes: adding, removing, listing
 *
 * A table is a trie a family (rttrie.c); routes of one prefix stand in the
 * order in which a look-up tries them: those for one type of service first,
 * then by metric, then as they came.  A route never changes but for the flag
 * of a dead hop: replacing is putting another in its place.
 *
 * Adding follows Linux's netlink flags: CREATE, EXCL, REPLACE, APPEND.
 *
 * A route may have an end (rc_expires).  Look-ups heed it at once; the timer
 * takes the route out and has decisions of the past taken again.
 *
 * Locking: changes under ns_lock; each moves ns_routegen, so that decisions
 * that were taken before are taken again.
 *
 * References: rtnetlink(7), ip-route(8).
 */

#include "route_impl.h"

#include <linux/netlink.h>
#include <lib/string.h>
#include <net/netevent.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>

#include "net_impl.h"

/* --- tables ---------------------------------------------------------------------- */

struct rttable *
rttable_find(struct netns *ns, uint32_t id)
{
	struct rttable *rt = atomic_load_acq(&netns_route(ns)->nr_tables);

	while (rt != NULL && rt->rt_id != id)
		rt = atomic_load_acq(&rt->rt_next);
	return rt;
}

static int
rttable_create(struct netns_route *nr, uint32_t id, struct rttable **ret_rt)
{
	struct rttable *rt = kmem_zalloc(sizeof(*rt), KM_SLEEP);

	if (rt == NULL)
		return ENOMEM;
	rt->rt_id = id;
	rt->rt_next = nr->nr_tables;
	atomic_store_rel(&nr->nr_tables, rt);
	*ret_rt = rt;
	return 0;
}

bool
route_hastable(struct netns *ns, int family, uint32_t id)
{
	const struct rttable *rt = rttable_find(ns, id);

	/* The usual three are there from the start. */
	return rt != NULL && (id >= RT_TABLE_DEFAULT || !family_ok(family) ||
	    atomic_load_acq(&rt->rt_root[family_index(family)]) != NULL);
}

/* --- single routes --------------------------------------------------------------- */

static size_t
conf_size(const struct rtconfig *rc)
{
	return offsetof(struct rtconfig, rc_hop) + rc->rc_nhops * sizeof(rc->rc_hop[0]);
}

static size_t
route_size(const struct rtconfig *rc)
{
	return offsetof(struct route, r_conf) + conf_size(rc);
}

static struct route *
route_create(const struct rtconfig *rc)
{
	struct route *r = kmem_alloc(route_size(rc), KM_SLEEP);

	if (r != NULL) {
		r->r_next = NULL;
		memcpy(&r->r_conf, rc, conf_size(rc));
	}
	return r;
}

static void
route_free(struct qsbr_head *qh)
{
	struct route *r = container_of(qh, struct route, r_qsbr);

	kmem_free(r, route_size(&r->r_conf));
}

static void
conf_copy(struct rtconfig *to, const struct route *r)
{
	memset(to, 0, sizeof(*to));
	memcpy(to, &r->r_conf, conf_size(&r->r_conf));
}

static void
route_told(struct netns *ns, enum netevent ev, const struct rtconfig *rc,
    unsigned int nlflags)
{
	struct netevent_info ne = {
		.ne_ns = ns, .ne_route = rc, .ne_nlflags = nlflags,
	};

	route_changed(ns);
	netevent_tell(ev, &ne);
}

static void
route_unlink(struct netns *ns, struct route **link)
{
	struct route *r = *link;
	struct rtconfig rc;

	conf_copy(&rc, r);
	atomic_store_rel(link, r->r_next);
	route_told(ns, NETEVENT_ROUTE_DEL, &rc, 0);
	qsbr_call(&r->r_qsbr, route_free);
}

/* --- is it sound? ---------------------------------------------------------------- */

/*
 * A gateway must be a neighbour: reached on link, through the interface of
 * the hop if that is given.  Fills in the interface.
 */
static int
gateway_check(struct netns *ns, const struct rtconfig *rc, struct rthop *nh)
{
	struct rtkey rk = {
		.rk_family = nh->nh_gwfamily, .rk_dst = nh->nh_gw,
		.rk_oif = nh->nh_ifindex, .rk_flags = RTK_DONTROUTE | RTK_ROUTED,
	};
	struct rtdst *rd;
	int error;

	if (!family_ok(nh->nh_gwfamily) || inaddr_zero(&nh->nh_gw) ||
	    inaddr_multicast(nh->nh_gwfamily, &nh->nh_gw) ||
	    (rc->rc_family == AF_INET6 && nh->nh_gwfamily != AF_INET6))
		return EINVAL;
	if ((nh->nh_flags & RTNH_F_ONLINK) != 0 ||
	    (nh->nh_gwfamily == AF_INET6 && inaddr_linklocal6(&nh->nh_gw)))
		return nh->nh_ifindex != 0 ? 0 : EINVAL;
	error = route_lookup(ns, &rk, &rd);
	if (error)
		/* Linux says so of each gateway of IPv6 that is no neighbour. */
		return error == ENOMEM ? ENOMEM :
		    nh->nh_gwfamily == AF_INET6 ? EHOSTUNREACH : ENETUNREACH;
	if ((rd->rd_flags & (RTD_LOCAL | RTD_BROADCAST)) != 0)
		error = EINVAL;
	else if (nh->nh_ifindex == 0)
		nh->nh_ifindex = rd->rd_ifp->if_index;
	rtdst_rele(rd);
	return error;
}

static int
hop_check(struct netns *ns, const struct rtconfig *rc, struct rthop *nh)
{
	struct ifnet *ifp = NULL;
	int error = 0;

	if (nh->nh_weight == 0)
		nh->nh_weight = 1;
	nh->nh_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE;
	if (nh->nh_ifindex != 0) {
		ifp = if_byindex(ns, nh->nh_ifindex);
		/* IPv4 asks for the gateway first. */
		if (ifp == NULL)
			return nh->nh_gwfamily == AF_INET ? ENETUNREACH : ENODEV;
		if ((atomic_load(&ifp->if_flags) & IFF_UP) == 0 &&
		    rc->rc_type != RTN_LOCAL)
			return ENETDOWN;
	} else if (nh->nh_gwfamily == 0) {
		return ENODEV;
	}
	if (nh->nh_gwfamily != 0)
		error = gateway_check(ns, rc, nh);
	return error;
}

static bool
type_has_hops(uint8_t type)
{
	return type == RTN_UNICAST || type == RTN_LOCAL || type == RTN_BROADCAST ||
	    type == RTN_ANYCAST || type == RTN_MULTICAST;
}

/* A source that is to be preferred is ours, or of a local route to be. */
static bool
prefsrc_ok(struct netns *ns, const struct rtconfig *rc)
{
	return inaddr_zero(&rc->rc_prefsrc) ||
	    (rc->rc_type == RTN_LOCAL && inaddr_eq(&rc->rc_prefsrc, &rc->rc_dst)) ||
	    ifaddr_find(ns, rc->rc_family, &rc->rc_prefsrc, NULL) != NULL;
}

/* Looks at everything; fills in what has a default. */
static int
route_check(struct netns *ns, struct rtconfig *rc)
{
	struct inaddr masked = rc->rc_dst;
	int error = 0;

	if (!family_ok(rc->rc_family) || rc->rc_plen > family_bits(rc->rc_family) ||
	    rc->rc_nhops > RT_MAXHOPS)
		return EINVAL;
	inaddr_mask(&masked, rc->rc_plen);
	if (!inaddr_eq(&masked, &rc->rc_dst) || rc->rc_type > RTN_THROW ||
	    rc->rc_type == RTN_UNSPEC)
		return EINVAL;
	if (rc->rc_table == RT_TABLE_UNSPEC)
		rc->rc_table = RT_TABLE_MAIN;
	if (rc->rc_family == AF_INET6 && rc->rc_metric == 0 && rc->rc_type != RTN_LOCAL)
		rc->rc_metric = 1024;
	if (rc->rc_family == AF_INET && (rc->rc_scope == RT_SCOPE_NOWHERE ||
	    !prefsrc_ok(ns, rc)))
		return EINVAL;
	if (!type_has_hops(rc->rc_type)) {
		if (rc->rc_nhops > 0 && rc->rc_family == AF_INET)
			return EINVAL;
		rc->rc_nhops = 0;
		return 0;
	}
	if (rc->rc_nhops == 0)
		return ENODEV;
	for (unsigned int i = 0; error == 0 && i < rc->rc_nhops; i++)
		error = hop_check(ns, rc, &rc->rc_hop[i]);
	return error;
}

/* --- adding ---------------------------------------------------------------------- */

static bool
hop_same(const struct rthop *a, const struct rthop *b)
{
	return a->nh_ifindex == b->nh_ifindex && a->nh_gwfamily == b->nh_gwfamily &&
	    (a->nh_gwfamily == 0 || inaddr_eq(&a->nh_gw, &b->nh_gw));
}

static bool
conf_same(const struct rtconfig *a, const struct rtconfig *b)
{
	if (a->rc_type != b->rc_type || a->rc_scope != b->rc_scope ||
	    a->rc_nhops != b->rc_nhops || !inaddr_eq(&a->rc_prefsrc, &b->rc_prefsrc))
		return false;
	/* IPv6 does not ask who made it. */
	if (a->rc_family == AF_INET && (a->rc_protocol != b->rc_protocol ||
	    a->rc_mtu != b->rc_mtu || a->rc_advmss != b->rc_advmss ||
	    a->rc_window != b->rc_window || a->rc_initcwnd != b->rc_initcwnd ||
	    a->rc_hoplimit != b->rc_hoplimit))
		return false;
	for (unsigned int i = 0; i < a->rc_nhops; i++) {
		if (!hop_same(&a->rc_hop[i], &b->rc_hop[i]))
			return false;
	}
	return true;
}

/* <0, 0, >0: where a stands to b among the routes of a prefix. */
static int
conf_order(const struct rtconfig *a, const struct rtconfig *b)
{
	if (a->rc_tos != b->rc_tos)
		return a->rc_tos > b->rc_tos ? -1 : 1;
	if (a->rc_metric != b->rc_metric)
		return a->rc_metric < b->rc_metric ? -1 : 1;
	return 0;
}

/* The first that does not come before rc: its equal, or where rc belongs. */
static struct route **
route_place(struct rtnode *rn, const struct rtconfig *rc)
{
	struct route **link = &rn->rn_routes;

	while (*link != NULL && conf_order(&(*link)->r_conf, rc) < 0)
		link = &(*link)->r_next;
	return link;
}

static bool
route_isequal(const struct route *r, const struct rtconfig *rc)
{
	return r != NULL && conf_order(&r->r_conf, rc) == 0;
}

/*
 * What the flags say about routes that are there; *link is moved to where the
 * new one goes.  EALREADY: it would replace itself.
 */
static int
flags_check(struct route ***link, const struct rtconfig *rc, unsigned int nlflags)
{
	/* Routes of IPv6 were made without NLM_F_CREATE once, and still are. */
	if (!route_isequal(**link, rc))
		return (nlflags & NLM_F_CREATE) != 0 || (rc->rc_family == AF_INET6 &&
		    (nlflags & NLM_F_REPLACE) == 0) ? 0 : ENOENT;
	if ((nlflags & NLM_F_EXCL) != 0)
		return EEXIST;
	if ((nlflags & NLM_F_REPLACE) != 0 && rc->rc_family == AF_INET6)
		return 0;
	for (struct route *r = **link; route_isequal(r, rc); r = r->r_next) {
		if (conf_same(&r->r_conf, rc))
			return r == **link && (nlflags & NLM_F_REPLACE) != 0 ? EALREADY : EEXIST;
	}
	if ((nlflags & NLM_F_REPLACE) != 0)
		return 0;
	if ((nlflags & NLM_F_CREATE) == 0)
		return ENOENT;
	while ((nlflags & NLM_F_APPEND) != 0 && route_isequal(**link, rc))
		*link = &(**link)->r_next;
	return 0;
}

/* If the timer cannot be had the route is skipped all the same, only later removed. */
static void
expiry_arm(struct netns_route *nr, int64_t when)
{
	if (when < nr->nr_expires &&
	    callout_schedule(&nr->nr_expiry, when) == 0)
		nr->nr_expires = when;
}

static int
node_add(struct netns *ns, struct rtnode *rn, const struct rtconfig *rc,
    unsigned int nlflags)
{
	struct route **link = route_place(rn, rc), *r, *old;
	bool alone = !route_isequal(*link, rc);
	int error;

	error = flags_check(&link, rc, nlflags);
	if (error)
		return error == EALREADY ? 0 : error;
	r = route_create(rc);
	if (r == NULL)
		return ENOMEM;
	old = (nlflags & NLM_F_REPLACE) != 0 && route_isequal(*link, rc) ? *link : NULL;
	r->r_next = old != NULL ? old->r_next : *link;
	atomic_store_rel(link, r);
	if (old != NULL)
		qsbr_call(&old->r_qsbr, route_free);
	if (rc->rc_expires != 0)
		expiry_arm(netns_route(ns), rc->rc_expires);
	if (old != NULL)
		nlflags = NLM_F_REPLACE;
	else
		nlflags = NLM_F_CREATE | (alone ? NLM_F_EXCL : nlflags & NLM_F_APPEND);
	route_told(ns, NETEVENT_ROUTE_NEW, rc, nlflags);
	return 0;
}

int
route_add(struct netns *ns, const struct rtconfig *conf, unsigned int nlflags)
{
	struct rtconfig rc = *conf;
	struct rtnode **root, *rn;
	struct rttable *rt;
	int error;

	KASSERT(mutex_owned(&ns->ns_lock));
	error = route_check(ns, &rc);
	if (error)
		return error;
	rt = rttable_find(ns, rc.rc_table);
	if (rt == NULL)
		error = rttable_create(netns_route(ns), rc.rc_table, &rt);
	if (error)
		return error;
	root = &rt->rt_root[family_index(rc.rc_family)];
	error = rttrie_insert(root, &rc.rc_dst, rc.rc_plen, &rn);
	if (error)
		return error;
	error = node_add(ns, rn, &rc, nlflags);
	if (error)
		rttrie_prune(root, &rc.rc_dst, rc.rc_plen);
	return error;
}

/* --- removing -------------------------------------------------------------------- */

/* Does the route have the hops that rc names, as far as it names them? */
static bool
hops_fit(const struct rtconfig *r, const struct rtconfig *rc)
{
	if (rc->rc_nhops == 0)
		return true;
	if (rc->rc_nhops != r->rc_nhops)
		return false;
	for (unsigned int i = 0; i < rc->rc_nhops; i++) {
		const struct rthop *want = &rc->rc_hop[i], *have = &r->rc_hop[i];

		if (want->nh_ifindex != 0 && want->nh_ifindex != have->nh_ifindex)
			return false;
		if (want->nh_gwfamily != 0 && (want->nh_gwfamily != have->nh_gwfamily ||
		    !inaddr_eq(&want->nh_gw, &have->nh_gw)))
			return false;
	}
	return true;
}

/* What is 0 (scope: RT_SCOPE_NOWHERE) in rc does not matter. */
static bool
conf_fits(const struct rtconfig *r, const struct rtconfig *rc)
{
	return r->rc_tos == rc->rc_tos &&
	    (rc->rc_type == 0 || rc->rc_type == r->rc_type) &&
	    (rc->rc_scope == RT_SCOPE_NOWHERE || rc->rc_family == AF_INET6 ||
	    rc->rc_scope == r->rc_scope) &&
	    (rc->rc_protocol == 0 || rc->rc_protocol == r->rc_protocol) &&
	    (rc->rc_metric == 0 || rc->rc_metric == r->rc_metric) &&
	    (inaddr_zero(&rc->rc_prefsrc) || inaddr_eq(&rc->rc_prefsrc, &r->rc_prefsrc)) &&
	    hops_fit(r, rc);
}

int
route_del(struct netns *ns, const struct rtconfig *rc)
{
	uint32_t id = rc->rc_table != RT_TABLE_UNSPEC ? rc->rc_table : RT_TABLE_MAIN;
	struct rtnode **root, *rn = NULL;
	struct rttable *rt;
	struct route **link;

	KASSERT(mutex_owned(&ns->ns_lock));
	if (!family_ok(rc->rc_family) || rc->rc_plen > family_bits(rc->rc_family))
		return EINVAL;
	rt = rttable_find(ns, id);
	if (rt != NULL)
		rn = rttrie_find(rt->rt_root[family_index(rc->rc_family)], &rc->rc_dst,
		    rc->rc_plen);
	if (rn == NULL)
		return ESRCH;
	link = &rn->rn_routes;
	while (*link != NULL && !conf_fits(&(*link)->r_conf, rc))
		link = &(*link)->r_next;
	if (*link == NULL)
		return ESRCH;
	route_unlink(ns, link);
	root = &rt->rt_root[family_index(rc->rc_family)];
	rttrie_prune(root, &rc->rc_dst, rc->rc_plen);
	return 0;
}

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

/* The timer thread waits for nobody: if the lock is taken it comes again. */
static void
expiry_timer(void *arg)
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
		expiry_arm(nr, ex.ex_next);
	mutex_exit(&nr->nr_ns->ns_lock);
}

/* --- listing --------------------------------------------------------------------- */

struct listing {
	int		(*li_fn)(const struct rtconfig *, void *);
	void		*li_arg;
};

static int
list_node(struct rtnode *rn, void *arg)
{
	const struct listing *li = arg;
	struct rtconfig rc;
	int result = 0;

	for (struct route *r = rn->rn_routes; r != NULL && result == 0; r = r->r_next) {
		conf_copy(&rc, r);
		result = li->li_fn(&rc, li->li_arg);
	}
	return result;
}

int
route_iterate(struct netns *ns, int family, uint32_t table,
    int (*fn)(const struct rtconfig *, void *), void *arg)
{
	struct listing li = { fn, arg };
	struct rttable *rt;
	int result = 0;

	mutex_enter(&ns->ns_lock);
	for (rt = netns_route(ns)->nr_tables; rt != NULL; rt = rt->rt_next) {
		if (table != 0 && rt->rt_id != table)
			continue;
		for (unsigned int i = 0; i < 2 && result == 0; i++) {
			if (family == 0 || (family_ok(family) && family_index(family) == i))
				result = rttrie_walk(rt->rt_root[i], list_node, &li);
		}
	}
	mutex_exit(&ns->ns_lock);
	return result;
}

/* --- the name space's ------------------------------------------------------------ */

static int
free_node(struct rtnode *rn, void *arg __unused_arg)
{
	while (rn->rn_routes != NULL) {
		struct route *r = rn->rn_routes;

		rn->rn_routes = r->r_next;
		kmem_free(r, route_size(&r->r_conf));
	}
	return 0;
}

/* Nobody adds routes any more; what is added by mistake later does not expire. */
static void
route_netns_exit(struct netns *ns, void *data)
{
	struct netns_route *nr = data;

	mutex_enter(&ns->ns_lock);
	nr->nr_expires = INT64_MIN;
	mutex_exit(&ns->ns_lock);
	callout_halt(&nr->nr_expiry);
}

static void
route_netns_fini(struct netns *ns __unused_arg, void *data)
{
	struct netns_route *nr = data;
	struct rttable *rt;

	rtcache_flush(nr);
	rtexc_flush(nr);
	rules_destroy(nr);
	while ((rt = nr->nr_tables) != NULL) {
		nr->nr_tables = rt->rt_next;
		for (unsigned int i = 0; i < 2; i++) {
			(void)rttrie_walk(rt->rt_root[i], free_node, NULL);
			rttrie_prune_all(&rt->rt_root[i]);
		}
		kmem_free(rt, sizeof(*rt));
	}
	mutex_destroy(&nr->nr_exclock);
	kmem_free(nr, sizeof(*nr));
}

static int
route_netns_init(struct netns *ns, void **ret_data)
{
	static const uint32_t ids[] = { RT_TABLE_DEFAULT, RT_TABLE_MAIN, RT_TABLE_LOCAL };
	struct netns_route *nr = kmem_zalloc(sizeof(*nr), KM_SLEEP);
	struct rttable *rt;
	int error;

	if (nr == NULL)
		return ENOMEM;
	mutex_init(&nr->nr_exclock, "rtexc");
	callout_init(&nr->nr_expiry, expiry_timer, nr);
	nr->nr_expires = KTIME_NEVER;
	nr->nr_ns = ns;
	error = rules_create(nr);
	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(ids); i++)
		error = rttable_create(nr, ids[i], &rt);
	if (error) {
		route_netns_fini(ns, nr);
		return error;
	}
	*ret_data = nr;
	return 0;
}

static struct netns_ops route_netns_ops = {
	.no_slot	= NETNS_SLOT_ROUTE,
	.no_name	= "route",
	.no_init	= route_netns_init,
	.no_exit	= route_netns_exit,
	.no_fini	= route_netns_fini,
};

int
route_boot(void)
{
	int error = rtdst_boot();

	return error ? error : netns_register(&route_netns_ops);
}

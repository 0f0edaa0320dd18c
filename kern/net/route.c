/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * route.c - tables of routes: adding, removing, listing
 *
 * A table is a trie a family (rttrie.c); routes of one prefix stand in the
 * order in which a look-up tries them: those for one type of service first,
 * then by metric, then as they came.  A route never changes but for the flag
 * of a dead hop: replacing is putting another in its place.
 *
 * What a route may say is in route_conf.c, what takes it out by itself in
 * route_sweep.c.
 *
 * Adding follows Linux's netlink flags: CREATE, EXCL, REPLACE, APPEND.
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

void
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

void
route_unlink(struct netns *ns, struct route **link)
{
	struct route *r = *link;
	struct rtconfig rc;

	conf_copy(&rc, r);
	atomic_store_rel(link, r->r_next);
	route_told(ns, NETEVENT_ROUTE_DEL, &rc, 0);
	qsbr_call(&r->r_qsbr, route_free);
}

/* --- adding ---------------------------------------------------------------------- */

/* The first that does not come before rc: its equal, or where rc belongs. */
static struct route **
route_place(struct rtnode *rn, const struct rtconfig *rc)
{
	struct route **link = &rn->rn_routes;

	while (*link != NULL && routeconf_order(&(*link)->r_conf, rc) < 0)
		link = &(*link)->r_next;
	return link;
}

static bool
route_isequal(const struct route *r, const struct rtconfig *rc)
{
	return r != NULL && routeconf_order(&r->r_conf, rc) == 0;
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
		if (routeconf_same(&r->r_conf, rc))
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
		route_expiry_arm(netns_route(ns), rc->rc_expires);
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
	while (*link != NULL && !routeconf_fits(&(*link)->r_conf, rc))
		link = &(*link)->r_next;
	if (*link == NULL)
		return ESRCH;
	route_unlink(ns, link);
	root = &rt->rt_root[family_index(rc->rc_family)];
	rttrie_prune(root, &rc->rc_dst, rc->rc_plen);
	return 0;
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
	callout_init(&nr->nr_expiry, route_expiry_timer, nr);
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

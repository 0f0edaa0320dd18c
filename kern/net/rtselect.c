/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtselect.c - what the rules and their tables say about a flow
 *
 * A look-up walks the rules, asks their tables, and takes the longest prefix with
 * a hop that is alive; of several hops the flow's hash takes one, by weight.
 *
 * Locking: none.  What the verdict points to lives until the caller sleeps.
 *
 * References: RFC 1122 section 3.3.1, ip-rule(8).
 */

#include "route_impl.h"

#include <lib/hash.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/ktime.h>

#include "net_impl.h"

/* --- hops ------------------------------------------------------------------------ */

/* The interface of a hop that may be used; NULL: it may not. */
static struct ifnet *
hop_if(struct netns *ns, const struct rthop *nh, uint8_t type, const struct rtkey *rk)
{
	struct ifnet *ifp;

	if ((rk->rk_oif != 0 && rk->rk_oif != nh->nh_ifindex) ||
	    ((rk->rk_flags & RTK_DONTROUTE) != 0 && nh->nh_gwfamily != 0) ||
	    (atomic_load(&nh->nh_flags) & RTNH_F_DEAD) != 0)
		return NULL;
	ifp = if_byindex(ns, nh->nh_ifindex);
	if (ifp == NULL || (type != RTN_LOCAL &&
	    (atomic_load(&ifp->if_flags) & IFF_UP) == 0))
		return NULL;
	return ifp;
}

static uint32_t
flow_hash(const struct rtkey *rk)
{
	uint64_t h = rk->rk_hash;

	if (h == 0)
		h = hash_bytes(&rk->rk_dst, sizeof(rk->rk_dst),
		    hash_bytes(&rk->rk_src, sizeof(rk->rk_src), 0));
	return (uint32_t)(hash_u64(hash_u64(h) + h) >> 16);
}

/* By weight, among those that are alive.  Which share a flow gets, its hash says. */
static bool
hop_choose(struct netns *ns, const struct rtconfig *conf, const struct rtkey *rk,
    struct verdict *ve)
{
	struct ifnet *ifp[RT_MAXHOPS];
	uint32_t total = 0, point;

	for (unsigned int i = 0; i < conf->rc_nhops; i++) {
		ifp[i] = hop_if(ns, &conf->rc_hop[i], conf->rc_type, rk);
		if (ifp[i] != NULL)
			total += conf->rc_hop[i].nh_weight;
	}
	if (total == 0)
		return false;
	point = conf->rc_nhops > 1 ?
	    (uint32_t)((uint64_t)flow_hash(rk) * total >> 32) : 0;
	for (unsigned int i = 0; i < conf->rc_nhops; i++) {
		if (ifp[i] == NULL)
			continue;
		ve->ve_ifp = ifp[i];
		ve->ve_hop = &conf->rc_hop[i];
		if (point < conf->rc_hop[i].nh_weight)
			break;
		point -= conf->rc_hop[i].nh_weight;
	}
	ve->ve_hashed = conf->rc_nhops > 1;
	return true;
}

/* --- tables and rules ------------------------------------------------------------ */

static int
type_error(uint8_t type)
{
	switch (type) {
	case RTN_BLACKHOLE:
		return EINVAL;
	case RTN_UNREACHABLE:
		return EHOSTUNREACH;
	case RTN_PROHIBIT:
		return EACCES;
	default:
		return 0;
	}
}

/* ENOENT: the route does not serve; EAGAIN: the next rule is to be asked. */
static int
route_try(struct netns *ns, const struct rtconfig *conf, const struct rtkey *rk,
    struct verdict *ve)
{
	if ((conf->rc_tos != 0 && conf->rc_tos != rk->rk_tos) ||
	    (conf->rc_expires != 0 && conf->rc_expires <= clock_mono()))
		return ENOENT;
	ve->ve_type = conf->rc_type;
	ve->ve_scope = conf->rc_scope;
	ve->ve_conf = conf;
	if (conf->rc_type == RTN_THROW)
		return EAGAIN;
	if (conf->rc_nhops == 0)
		return type_error(conf->rc_type);
	return hop_choose(ns, conf, rk, ve) ? 0 : ENOENT;
}

static int
table_lookup(struct netns *ns, uint32_t id, const struct rtkey *rk, struct verdict *ve)
{
	struct rttable *rt = rttable_find(ns, id);
	const struct rtnode *nodes[RTTRIE_DEPTH];
	unsigned int n;
	int error;

	if (rt == NULL)
		return EAGAIN;
	n = rttrie_match(&rt->rt_root[family_index(rk->rk_family)], &rk->rk_dst,
	    family_bits(rk->rk_family), nodes);
	while (n-- > 0) {
		const struct route *r = atomic_load_acq(&nodes[n]->rn_routes);

		for (; r != NULL; r = atomic_load_acq(&r->r_next)) {
			error = route_try(ns, &r->r_conf, rk, ve);
			if (error != ENOENT)
				return error;
		}
	}
	return EAGAIN;
}

/* "ip rule ... suppress_prefixlength": say, the default route of a table. */
static bool
rule_suppresses(const struct rtrule *rr, const struct verdict *ve)
{
	return rr->rr_suppress && ve->ve_conf != NULL && ve->ve_conf->rc_plen <= rr->rr_suppresslen;
}

static int
rules_lookup(struct netns *ns, const struct rtkey *rk, struct verdict *ve)
{
	const struct rule *ru;
	int error;

	ru = atomic_load_acq(&netns_route(ns)->nr_rules[family_index(rk->rk_family)]);
	for (; ru != NULL; ru = atomic_load_acq(&ru->ru_next)) {
		const struct rtrule *rr = &ru->ru_rule;

		if (!rule_matches(ns, rr, rk))
			continue;
		if (rr->rr_action == FR_ACT_TO_TBL) {
			error = table_lookup(ns, rr->rr_table, rk, ve);
			if (error != EAGAIN && !rule_suppresses(rr, ve))
				return error;
		} else if (rr->rr_action == FR_ACT_BLACKHOLE) {
			return EINVAL;
		} else if (rr->rr_action == FR_ACT_UNREACHABLE) {
			return ENETUNREACH;
		} else if (rr->rr_action == FR_ACT_PROHIBIT) {
			return EACCES;
		}
	}
	return ENETUNREACH;
}

/* The interface that a sender has named, by index or by its source. */
static struct ifnet *
named_if(struct netns *ns, const struct rtkey *rk)
{
	const struct ifaddr *ifa = NULL;
	struct ifnet *ifp = NULL;

	if (rk->rk_oif != 0)
		ifp = if_byindex(ns, rk->rk_oif);
	else if (!inaddr_zero(&rk->rk_src))
		ifa = ifaddr_find(ns, rk->rk_family, &rk->rk_src, NULL);
	if (ifa != NULL)
		ifp = ifa->ifa_ifp;
	if (ifp == NULL || (atomic_load(&ifp->if_flags) & IFF_UP) == 0)
		return NULL;
	return ifp;
}

/*
 * Groups and the limited broadcast go where the sender says, else by the
 * routes, and IPv4 takes it that anything is on a link that was named.
 */
int
route_decide(struct netns *ns, const struct rtkey *rk, struct verdict *ve)
{
	bool group = inaddr_multicast(rk->rk_family, &rk->rk_dst);
	bool lbcast = inaddr_lbcast(rk->rk_family, &rk->rk_dst);
	int error = ENETUNREACH;

	*ve = (struct verdict){ .ve_type = RTN_UNICAST, .ve_scope = RT_SCOPE_LINK };
	if (group || lbcast)
		ve->ve_ifp = named_if(ns, rk);
	if (ve->ve_ifp == NULL)
		error = rules_lookup(ns, rk, ve);
	else
		error = 0;
	if (error == ENETUNREACH && rk->rk_oif != 0 && rk->rk_family == AF_INET &&
	    (rk->rk_flags & RTK_ROUTED) == 0) {
		/* Forget what was tried in vain. */
		*ve = (struct verdict){ .ve_type = RTN_UNICAST, .ve_scope = RT_SCOPE_LINK };
		ve->ve_ifp = named_if(ns, rk);
		error = ve->ve_ifp != NULL ? 0 : ENETUNREACH;
	}
	if (group)
		ve->ve_type = RTN_MULTICAST;
	else if (lbcast)
		ve->ve_type = RTN_BROADCAST;
	return error;
}

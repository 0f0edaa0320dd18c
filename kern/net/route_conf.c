/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * route_conf.c - what a route may say, and which says the same as another
 *
 * A route that is to be added is looked at as a whole before anything changes: its
 * prefix, its gateways, which must be neighbours, its source.  What has a default is
 * filled in.
 *
 * Changing and removing name a route by a part of what it says; how large the part is differs
 * between the families, as on Linux.
 *
 * Locking: none; route_check() wants ns_lock, since what it found shall be so still when the
 * route goes in.
 *
 * References: rtnetlink(7), ip-route(8).
 */

#include "route_impl.h"

#include <net/route.h>
#include <sys/atomic.h>
#include <sys/errno.h>

#include "net_impl.h"

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

int
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
/* --- one and another -------------------------------------------------------------- */

static bool
hop_same(const struct rthop *a, const struct rthop *b)
{
	return a->nh_ifindex == b->nh_ifindex && a->nh_gwfamily == b->nh_gwfamily &&
	    (a->nh_gwfamily == 0 || inaddr_eq(&a->nh_gw, &b->nh_gw));
}

bool
routeconf_same(const struct rtconfig *a, const struct rtconfig *b)
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

int
routeconf_order(const struct rtconfig *a, const struct rtconfig *b)
{
	if (a->rc_tos != b->rc_tos)
		return a->rc_tos > b->rc_tos ? -1 : 1;
	if (a->rc_metric != b->rc_metric)
		return a->rc_metric < b->rc_metric ? -1 : 1;
	return 0;
}

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

bool
routeconf_fits(const struct rtconfig *r, const struct rtconfig *rc)
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

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifaddr_route.c - the routes that an address brings
 *
 *	local		to the address, by itself; there as long as it is
 *	prefix		to its neighbours, on link; while the interface is up,
 *			unless IFA_F_NOPREFIXROUTE says otherwise
 *	broadcast	IPv4: of the subnet, and the one that was set
 *	ff00::/8	IPv6: groups are on every link that is up
 *
 * Tables, scopes and metrics are those that "ip route show table all" shows on
 * Linux.
 *
 * Locking: ns_lock.
 */

#include "route_impl.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <sys/errno.h>

#include "ifaddr_impl.h"

#define METRIC6		256	/* of what the kernel adds */

enum { R_LOCAL, R_PREFIX, R_PEER, R_BROADCAST, R_SETBROADCAST, R_NROUTES };

static struct rtconfig
route_model(const struct ifaddr *ifa)
{
	struct rtconfig rc = {
		.rc_family = ifa->ifa_family, .rc_protocol = RTPROT_KERNEL,
		.rc_table = RT_TABLE_LOCAL, .rc_nhops = 1,
		.rc_plen = (uint8_t)family_bits(ifa->ifa_family),
	};

	rc.rc_hop[0].nh_ifindex = ifa->ifa_ifp->if_index;
	if (ifa->ifa_family == AF_INET)
		rc.rc_prefsrc = ifa->ifa_addr;
	return rc;
}

static bool
model_local(const struct ifaddr *ifa, struct rtconfig *rc)
{
	const struct ifaddr *first;

	rc->rc_type = RTN_LOCAL;
	rc->rc_dst = ifa->ifa_addr;
	if (ifa->ifa_family != AF_INET)
		return true;
	rc->rc_scope = RT_SCOPE_HOST;
	/* A secondary address answers with the first of its prefix. */
	first = (ifa->ifa_flags & IFA_F_SECONDARY) != 0 ? ifaddr_primary(ifa) : NULL;
	if (first != NULL)
		rc->rc_prefsrc = first->ifa_addr;
	return true;
}

static bool
model_prefix(const struct ifaddr *ifa, struct rtconfig *rc)
{
	bool ip4 = ifa->ifa_family == AF_INET;

	if ((ifa->ifa_flags & (IFA_F_NOPREFIXROUTE | IFA_F_SECONDARY)) != 0)
		return false;
	rc->rc_dst = ip4 ? ifa->ifa_peer : ifa->ifa_addr;
	rc->rc_plen = ifa->ifa_plen;
	inaddr_mask(&rc->rc_dst, ifa->ifa_plen);
	if (ip4 && ifa->ifa_plen == 32 && inaddr_eq(&ifa->ifa_peer, &ifa->ifa_addr))
		return false;
	/* 0.0.0.0/8 is no network (RFC 1122 section 3.2.1.3), and ::1 is alone. */
	if (ip4 ? rc->rc_dst.ia_b[0] == 0 : ifa->ifa_plen == 128 &&
	    (ifa->ifa_ifp->if_flags & IFF_LOOPBACK) != 0)
		return false;
	rc->rc_metric = ifa->ifa_metric;
	if (ip4 && (ifa->ifa_ifp->if_flags & IFF_LOOPBACK) != 0) {
		rc->rc_type = RTN_LOCAL;
		rc->rc_scope = RT_SCOPE_HOST;
		return true;
	}
	rc->rc_type = RTN_UNICAST;
	rc->rc_table = RT_TABLE_MAIN;
	if (ip4)
		rc->rc_scope = RT_SCOPE_LINK;
	else if (rc->rc_metric == 0)
		rc->rc_metric = METRIC6;
	return true;
}

/* IPv6: the far end, which need not be of our prefix. */
static bool
model_peer(const struct ifaddr *ifa, struct rtconfig *rc)
{
	if (ifa->ifa_family != AF_INET6 || inaddr_eq(&ifa->ifa_peer, &ifa->ifa_addr) ||
	    inaddr_zero(&ifa->ifa_peer))
		return false;
	rc->rc_type = RTN_UNICAST;
	rc->rc_table = RT_TABLE_MAIN;
	rc->rc_dst = ifa->ifa_peer;
	rc->rc_metric = ifa->ifa_metric != 0 ? ifa->ifa_metric : METRIC6;
	return true;
}

static bool
model_broadcast(const struct ifaddr *ifa, struct rtconfig *rc)
{
	if (ifa->ifa_family != AF_INET || ifa->ifa_plen > 30 ||
	    (ifa->ifa_flags & IFA_F_SECONDARY) != 0 || ifa->ifa_plen == 0)
		return false;
	rc->rc_type = RTN_BROADCAST;
	rc->rc_scope = RT_SCOPE_LINK;
	rc->rc_dst = ifa->ifa_peer;
	for (unsigned int i = ifa->ifa_plen; i < 32; i++)
		rc->rc_dst.ia_b[i / 8] |= (uint8_t)(0x80 >> i % 8);
	return true;
}

static bool
model_setbroadcast(const struct ifaddr *ifa, struct rtconfig *rc)
{
	struct rtconfig usual = *rc;

	if (ifa->ifa_family != AF_INET || inaddr_zero(&ifa->ifa_broadcast) ||
	    inaddr_lbcast(AF_INET, &ifa->ifa_broadcast) ||
	    (model_broadcast(ifa, &usual) &&
	    inaddr_eq(&usual.rc_dst, &ifa->ifa_broadcast)))
		return false;
	rc->rc_type = RTN_BROADCAST;
	rc->rc_scope = RT_SCOPE_LINK;
	rc->rc_dst = ifa->ifa_broadcast;
	return true;
}

static bool (*const models[])(const struct ifaddr *, struct rtconfig *) = {
	[R_LOCAL] = model_local, [R_PREFIX] = model_prefix, [R_PEER] = model_peer,
	[R_BROADCAST] = model_broadcast, [R_SETBROADCAST] = model_setbroadcast,
};

static int
model_add(struct ifaddr *ifa, unsigned int which)
{
	struct rtconfig rc = route_model(ifa);
	int error;

	if (!models[which](ifa, &rc))
		return 0;
	error = route_add(ifa->ifa_ifp->if_ns, &rc, NLM_F_CREATE | NLM_F_APPEND);
	if (which == R_LOCAL && inaddr_zero(&ifa->ifa_localsrc))
		ifa->ifa_localsrc = rc.rc_prefsrc;
	return error == EEXIST ? 0 : error;
}

/* IPv4 may have the same address with another length of prefix. */
static bool
local_shared(const struct ifaddr *ifa)
{
	struct list_node *n;

	LIST_FOREACH(n, &ifa->ifa_ifp->if_addrs) {
		const struct ifaddr *other = container_of(n, struct ifaddr, ifa_iflink);

		if (other != ifa && other->ifa_family == ifa->ifa_family &&
		    inaddr_eq(&other->ifa_addr, &ifa->ifa_addr) &&
		    inaddr_eq(&other->ifa_localsrc, &ifa->ifa_localsrc))
			return true;
	}
	return false;
}

/*
 * The address is out of the tables.  Routes of a prefix that another address of the
 * interface has as well stay.
 */
static void
model_del(struct ifaddr *ifa, unsigned int which)
{
	struct rtconfig rc = route_model(ifa);

	if (!models[which](ifa, &rc))
		return;
	if (which != R_LOCAL && ifa->ifa_family == AF_INET6 && ifaddr_primary(ifa) != NULL)
		return;
	if (which == R_LOCAL && local_shared(ifa))
		return;
	/* Which address is the first of the prefix may have changed since. */
	if (which == R_LOCAL)
		rc.rc_prefsrc = ifa->ifa_localsrc;
	(void)route_del(ifa->ifa_ifp->if_ns, &rc);
}

int
ifaddr_routes_add(struct ifaddr *ifa)
{
	bool up = (ifa->ifa_ifp->if_flags & IFF_UP) != 0;
	int error = 0;

	for (unsigned int i = 0; error == 0 && i < (up ? R_NROUTES : R_LOCAL + 1); i++)
		error = model_add(ifa, i);
	return error;
}

void
ifaddr_routes_del(struct ifaddr *ifa)
{
	for (unsigned int i = 0; i < R_NROUTES; i++)
		model_del(ifa, i);
}

static void
groups_add(struct ifnet *ifp)
{
	struct rtconfig rc = {
		.rc_family = AF_INET6, .rc_protocol = RTPROT_KERNEL, .rc_plen = 8,
		.rc_type = RTN_MULTICAST, .rc_table = RT_TABLE_LOCAL,
		.rc_metric = METRIC6, .rc_nhops = 1,
	};

	rc.rc_dst.ia_b[0] = 0xff;
	rc.rc_hop[0].nh_ifindex = ifp->if_index;
	(void)route_add(ifp->if_ns, &rc, NLM_F_CREATE | NLM_F_APPEND);
}

/* No memory: then the route is missing, as after "ip route del". */
void
ifaddr_ifup(struct ifnet *ifp)
{
	struct list_node *n;

	route_ifup(ifp);
	if (ifaddr_family(AF_INET6) != NULL &&
	    (ifp->if_flags & (IFF_MULTICAST | IFF_LOOPBACK)) == IFF_MULTICAST)
		groups_add(ifp);
	LIST_FOREACH(n, &ifp->if_addrs)
		(void)ifaddr_routes_add(container_of(n, struct ifaddr, ifa_iflink));
}

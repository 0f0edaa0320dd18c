/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_af.c - what TCP and UDP see of IPv4, and which addresses are ours
 */

#include "ip_impl.h"

#include <lib/bytes.h>
#include <net/ifnet.h>

uint32_t
ip_pseudo(const struct inaddr *src, const struct inaddr *dst, uint8_t proto, uint32_t len)
{
	uint32_t s = src->ia_w[0], d = dst->ia_w[0];

	return (s & 0xffff) + (s >> 16) + (d & 0xffff) + (d >> 16) + net16(proto) +
	    net16(len & 0xffff) + net16(len >> 16);
}

bool
ip_islocal(struct netns *ns, const struct inaddr *a, uint32_t ifindex)
{
	struct ifnet *ifp = NULL;
	struct rtdst *rd;
	bool local;

	if (in_loopback(a))
		return true;
	if (ifindex != 0) {
		ifp = if_byindex(ns, ifindex);
		if (ifp == NULL)
			return false;
	}
	if (ifaddr_find(ns, AF_INET, a, ifp) != NULL)
		return true;
	if (ifindex != 0 || inaddr_zero(a))
		return false;
	/* Whole prefixes may be local by a route. */
	if (route_lookup(ns, &(struct rtkey){ .rk_family = AF_INET, .rk_dst = *a }, &rd) != 0)
		return false;
	local = rd->rd_type == RTN_LOCAL;
	rtdst_rele(rd);
	return local;
}

static bool
is_subnet_broadcast(const struct ifaddr *ifa, const struct inaddr *a)
{
	uint32_t mask;

	if (ifa->ifa_family != AF_INET)
		return false;
	if (!inaddr_zero(&ifa->ifa_broadcast) && inaddr_eq(&ifa->ifa_broadcast, a))
		return true;
	/* All ones of the host part; a point-to-point prefix has none (RFC 3021). */
	if (ifa->ifa_plen == 0 || ifa->ifa_plen >= 31)
		return false;
	mask = net32(~0u << (32 - ifa->ifa_plen));
	return ((a->ia_w[0] ^ ifa->ifa_addr.ia_w[0]) & mask) == 0 && (a->ia_w[0] | mask) == ~0u &&
	    (ifa->ifa_ifp->if_flags & IFF_BROADCAST) != 0;
}

static bool
if_isbroadcast(const struct ifnet *ifp, const struct inaddr *a)
{
	const struct list_node *n;

	for (n = __atomic_load_n(&ifp->if_addrs.l_head.ln_next, __ATOMIC_ACQUIRE);
	     n != &ifp->if_addrs.l_head; n = __atomic_load_n(&n->ln_next, __ATOMIC_ACQUIRE))
		if (is_subnet_broadcast(container_of(n, const struct ifaddr, ifa_iflink), a))
			return true;
	return false;
}

bool
ip_isbroadcast(struct netns *ns, const struct inaddr *a, uint32_t ifindex)
{
	struct rtdst *rd;
	struct ifnet *ifp;
	bool broadcast;

	if (a->ia_w[0] == INADDR_BROADCAST)
		return true;
	if (ifindex != 0) {
		ifp = if_byindex(ns, ifindex);
		return ifp != NULL && if_isbroadcast(ifp, a);
	}
	if (inaddr_zero(a) ||
	    route_lookup(ns, &(struct rtkey){ .rk_family = AF_INET, .rk_dst = *a }, &rd) != 0)
		return false;
	broadcast = (rd->rd_flags & RTD_BROADCAST) != 0;
	rtdst_rele(rd);
	return broadcast;
}

const struct inet_af ip_af = {
	.ia_family	= AF_INET,
	.ia_addrlen	= 4,
	.ia_hdrlen	= IP_HDRLEN,
	.ia_minmtu	= 68,
	.ia_output	= ip_output,
	.ia_pseudo	= ip_pseudo,
	.ia_islocal	= ip_islocal,
	.ia_ismulticast	= in_multicast,
	.ia_isbroadcast	= ip_isbroadcast,
	.ia_error	= ip_error,
	.ia_setopt	= ip_setopt,
	.ia_getopt	= ip_getopt,
	.ia_mcast_allowed = ip_mcast_allowed,
	.ia_pcbfree	= ip_mcast_pcbfree,
	.ia_put_cmsgs	= ip_put_cmsgs,
	.ia_get_cmsg	= ip_get_cmsg,
};

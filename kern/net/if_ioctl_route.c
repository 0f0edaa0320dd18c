/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * if_ioctl_route.c - routes and the ARP table by ioctl
 *
 * References: arp(7), route(8) and <linux/route.h>, <linux/ipv6_route.h>.
 */

#include "if_ioctl_impl.h"

#include <lib/string.h>
#include <linux/if_arp.h>
#include <linux/in6.h>
#include <linux/ipv6_route.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/route.h>
#include <linux/sockios.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/kmem.h>

/* --- IPv4 routes ------------------------------------------------------------------ */

static int
rtentry_dst(const struct rtentry *rt, struct rtconfig *rc)
{
	struct inaddr mask;
	unsigned int plen = 32;
	int error;

	error = ifioctl_sin_get(&rt->rt_dst, &rc->rc_dst);
	if (error)
		return error;
	if ((rt->rt_flags & RTF_HOST) == 0) {
		/* A mask of family 0 is a mask too: route(8) never set it. */
		memset(&mask, 0, sizeof(mask));
		memcpy(&mask.ia_w[0], rt->rt_genmask.sa_data + 2, 4);
		error = ifioctl_mask_len(&mask, &plen);
		if (error == 0 && (rc->rc_dst.ia_w[0] & ~mask.ia_w[0]) != 0)
			error = EINVAL;
	}
	rc->rc_plen = (uint8_t)plen;
	return error;
}

static int
rtentry_hop(struct netns *ns, const struct rtentry *rt, const char *dev, struct rtconfig *rc)
{
	struct rthop *hop = &rc->rc_hop[0];
	struct ifnet *ifp;
	int error;

	hop->nh_weight = 1;
	rc->rc_scope = RT_SCOPE_LINK;
	if (dev[0] != '\0') {
		ifp = if_byname(ns, dev);
		if (ifp == NULL)
			return ENODEV;
		hop->nh_ifindex = ifp->if_index;
		rc->rc_nhops = 1;
	}
	if ((rt->rt_flags & RTF_GATEWAY) != 0) {
		error = ifioctl_sin_get(&rt->rt_gateway, &hop->nh_gw);
		if (error != 0 || inaddr_zero(&hop->nh_gw))
			return EINVAL;
		hop->nh_gwfamily = AF_INET;
		rc->rc_scope = RT_SCOPE_UNIVERSE;
		rc->rc_nhops = 1;
	}
	return 0;
}

static int
rtentry_parse(struct netns *ns, const struct rtentry *rt, struct rtconfig *rc)
{
	char dev[IFNAMSIZ] = "", *colon;
	int error;

	if (rt->rt_dev != NULL) {
		error = copyinstr(rt->rt_dev, dev, sizeof(dev), NULL);
		if (error)
			return error == ENAMETOOLONG ? ENODEV : error;
		colon = strchr(dev, ':');
		if (colon != NULL)
			*colon = '\0';
	}
	rc->rc_family = AF_INET;
	rc->rc_table = RT_TABLE_MAIN;
	rc->rc_protocol = RTPROT_BOOT;
	rc->rc_type = (rt->rt_flags & RTF_REJECT) != 0 ? RTN_UNREACHABLE : RTN_UNICAST;
	rc->rc_metric = rt->rt_metric > 0 ? (uint32_t)rt->rt_metric - 1 : 0;
	if ((rt->rt_flags & RTF_MTU) != 0)
		rc->rc_advmss = rt->rt_mss > 40 ? (uint32_t)rt->rt_mss - 40 : 0;
	if ((rt->rt_flags & RTF_WINDOW) != 0)
		rc->rc_window = (uint32_t)rt->rt_window;
	error = rtentry_dst(rt, rc);
	return error != 0 || rc->rc_type == RTN_UNREACHABLE ? error :
	    rtentry_hop(ns, rt, dev, rc);
}

/* --- IPv6 routes --------------------------------------------------------------------- */

static int
rtmsg6_parse(const struct in6_rtmsg *rm, struct rtconfig *rc)
{
	struct rthop *hop = &rc->rc_hop[0];

	if (rm->rtmsg_dst_len > 128 || rm->rtmsg_src_len != 0 || rm->rtmsg_ifindex < 0)
		return EINVAL;
	rc->rc_family = AF_INET6;
	rc->rc_table = RT_TABLE_MAIN;
	rc->rc_protocol = RTPROT_BOOT;
	rc->rc_type = (rm->rtmsg_flags & RTF_REJECT) != 0 ? RTN_UNREACHABLE : RTN_UNICAST;
	rc->rc_metric = rm->rtmsg_metric;
	memcpy(&rc->rc_dst, &rm->rtmsg_dst, sizeof(rm->rtmsg_dst));
	rc->rc_plen = (uint8_t)rm->rtmsg_dst_len;
	hop->nh_weight = 1;
	hop->nh_ifindex = (uint32_t)rm->rtmsg_ifindex;
	if ((rm->rtmsg_flags & RTF_GATEWAY) != 0) {
		memcpy(&hop->nh_gw, &rm->rtmsg_gateway, sizeof(rm->rtmsg_gateway));
		hop->nh_gwfamily = AF_INET6;
	}
	rc->rc_nhops = hop->nh_ifindex != 0 || hop->nh_gwfamily != 0 ? 1 : 0;
	return 0;
}

int
ifioctl_route(struct netns *ns, int family, unsigned long cmd, void *uarg)
{
	struct rtconfig *rc = kmem_zalloc(sizeof(*rc), KM_SLEEP);
	struct in6_rtmsg rm;
	struct rtentry rt;
	int error;

	if (rc == NULL)
		return ENOMEM;
	mutex_enter(&ns->ns_lock);
	if (family == AF_INET6) {
		error = copyin(uarg, &rm, sizeof(rm));
		if (error == 0)
			error = rtmsg6_parse(&rm, rc);
	} else {
		error = copyin(uarg, &rt, sizeof(rt));
		if (error == 0)
			error = rtentry_parse(ns, &rt, rc);
	}
	if (error == 0 && cmd == SIOCADDRT)
		error = route_add(ns, rc, NLM_F_CREATE | NLM_F_EXCL);
	else if (error == 0)
		error = route_del(ns, rc);
	mutex_exit(&ns->ns_lock);
	kmem_free(rc, sizeof(*rc));
	return error;
}

/* --- ARP -------------------------------------------------------------------------------- */

/* Without a name: the interface by which the address is reached. */
static int
arp_link(struct netns *ns, struct arpreq *ar, const struct inaddr *addr, struct ifnet **ret_ifp)
{
	struct rtkey rk = { .rk_family = AF_INET, .rk_dst = *addr, .rk_flags = RTK_DONTROUTE };
	struct rtdst *rd;
	int error;

	ar->arp_dev[IFNAMSIZ - 1] = '\0';
	if (ar->arp_dev[0] != '\0') {
		*ret_ifp = if_byname(ns, ar->arp_dev);
		return *ret_ifp == NULL ? ENODEV : 0;
	}
	error = route_lookup(ns, &rk, &rd);
	if (error)
		return error;
	/* ns_lock keeps it from going away. */
	*ret_ifp = rd->rd_ifp;
	rtdst_rele(rd);
	return 0;
}

static int
arp_get(struct ifnet *ifp, const struct inaddr *addr, struct arpreq *ar)
{
	struct neigh_info ni;
	int error;

	error = neigh_lookup(ifp, AF_INET, addr, &ni);
	if (error)
		return ENXIO;
	memset(&ar->arp_ha, 0, sizeof(ar->arp_ha));
	ar->arp_ha.sa_family = ifp->if_type;
	memcpy(ar->arp_ha.sa_data, ni.ni_lladdr, ni.ni_addrlen < sizeof(ar->arp_ha.sa_data) ?
	    ni.ni_addrlen : sizeof(ar->arp_ha.sa_data));
	ar->arp_flags = (ni.ni_addrlen > 0 ? ATF_COM : 0) |
	    (ni.ni_state == NUD_PERMANENT ? ATF_PERM : 0);
	(void)strlcpy(ar->arp_dev, ifp->if_name, sizeof(ar->arp_dev));
	return 0;
}

static int
arp_set(struct ifnet *ifp, const struct inaddr *addr, const struct arpreq *ar)
{
	struct neigh_info ni;

	if (ifp->if_addrlen == 0 || ifp->if_addrlen > sizeof(ar->arp_ha.sa_data) ||
	    (ar->arp_ha.sa_family != ifp->if_type && ar->arp_ha.sa_family != AF_UNSPEC))
		return EINVAL;
	memset(&ni, 0, sizeof(ni));
	ni.ni_family = AF_INET;
	ni.ni_ifindex = ifp->if_index;
	ni.ni_addr = *addr;
	ni.ni_addrlen = ifp->if_addrlen;
	memcpy(ni.ni_lladdr, ar->arp_ha.sa_data, ni.ni_addrlen);
	ni.ni_state = (ar->arp_flags & ATF_PERM) != 0 ? NUD_PERMANENT : NUD_STALE;
	return neigh_set(ifp, &ni, NLM_F_CREATE | NLM_F_REPLACE);
}

int
ifioctl_arp(struct netns *ns, unsigned long cmd, void *uarg)
{
	struct inaddr addr;
	struct ifnet *ifp;
	struct arpreq ar;
	int error;

	error = copyin(uarg, &ar, sizeof(ar));
	if (error)
		return error;
	if (cmd != SIOCGARP && !ifioctl_privileged())
		return EPERM;
	if ((ar.arp_flags & ATF_PUBL) != 0)
		return EOPNOTSUPP;		/* no proxy entries */
	error = ifioctl_sin_get(&ar.arp_pa, &addr);
	if (error)
		return ar.arp_pa.sa_family == AF_UNSPEC ? EINVAL : EPFNOSUPPORT;
	mutex_enter(&ns->ns_lock);
	error = arp_link(ns, &ar, &addr, &ifp);
	if (error == 0) {
		if (cmd == SIOCGARP)
			error = arp_get(ifp, &addr, &ar);
		else if (cmd == SIOCSARP)
			error = arp_set(ifp, &addr, &ar);
		else
			error = neigh_del(ifp, AF_INET, &addr) != 0 ? ENXIO : 0;
	}
	mutex_exit(&ns->ns_lock);
	return error == 0 && cmd == SIOCGARP ? copyout(&ar, uarg, sizeof(ar)) : error;
}

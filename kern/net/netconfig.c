/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netconfig.c - setting up the network from C, for programs that have no shell
 *
 * Each function enters the kernel, does one thing in the name space of the calling
 * proc, and leaves.  Texts are the program's own, and trusted as its code is.
 */

#include <rump/netconfig.h>

#include <lib/ipaddr.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/ifnet.h>
#include <net/netns.h>
#include <net/route.h>
#include <sys/errno.h>
#include <sys/kcontext.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/kvar.h>
#include <sys/socket.h>

/*
 * Finds the interface and runs fn on it, under ns_lock.
 */
static int
with_interface(const char *ifname, int (*fn)(struct ifnet *, const void *), const void *arg)
{
	struct netns *ns;
	struct ifnet *ifp;
	int error;

	error = kcontext_enter();
	if (error)
		return error;
	ns = netns_current();
	mutex_enter(&ns->ns_lock);
	ifp = if_byname(ns, ifname);
	error = ifp == NULL ? ENODEV : fn(ifp, arg);
	mutex_exit(&ns->ns_lock);
	kcontext_leave();
	return error;
}

/* --- interfaces --------------------------------------------------------------------- */

static int
create(const char *ifname)
{
	const struct ifkind *ik = ifkind_ofname(ifname);
	struct ifnet *ifp;
	int error;

	if (ik == NULL || strlen(ifname) >= IFNAMSIZ)
		return EINVAL;
	error = ik->ik_create(netns_current(), ifname, NULL, NULL, &ifp);
	if (error == 0)
		if_rele(ifp);
	return error;
}

int
rump_pub_netconfig_ifcreate(const char *ifname)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = create(ifname);
	kcontext_leave();
	return error;
}

static int
destroy(const char *ifname)
{
	const struct ifkind *ik = NULL;
	struct ifnet *ifp = if_byname(netns_current(), ifname);

	if (ifp == NULL)
		return ENODEV;
	if_hold(ifp);
	if (ifp->if_ops->ifo_kind != NULL)
		ik = ifkind_find(ifp->if_ops->ifo_kind);
	if (ik != NULL && ik->ik_destroy != NULL)
		ik->ik_destroy(ifp);
	if_rele(ifp);
	return ik != NULL && ik->ik_destroy != NULL ? 0 : EOPNOTSUPP;
}

int
rump_pub_netconfig_ifdestroy(const char *ifname)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = destroy(ifname);
	kcontext_leave();
	return error;
}

static int
set_linkstr(struct ifnet *ifp, const void *arg)
{
	return ifp->if_ops->ifo_setlink == NULL ? EOPNOTSUPP : ifp->if_ops->ifo_setlink(ifp, arg);
}

int
rump_pub_netconfig_ifsetlinkstr(const char *ifname, const char *linkstr)
{
	return with_interface(ifname, set_linkstr, linkstr);
}

static int
set_flags(struct ifnet *ifp, const void *arg)
{
	return if_setflags(ifp, *(const uint32_t *)arg, IFF_UP);
}

int
rump_pub_netconfig_ifup(const char *ifname)
{
	static const uint32_t up = IFF_UP;

	return with_interface(ifname, set_flags, &up);
}

int
rump_pub_netconfig_ifdown(const char *ifname)
{
	static const uint32_t down;

	return with_interface(ifname, set_flags, &down);
}

static int
set_mtu(struct ifnet *ifp, const void *arg)
{
	return if_setmtu(ifp, *(const uint32_t *)arg);
}

int
rump_pub_netconfig_ifsetmtu(const char *ifname, uint32_t mtu)
{
	return with_interface(ifname, set_mtu, &mtu);
}

static int
hex_byte(const char *s, uint8_t *ret_byte)
{
	unsigned int value = 0;

	for (int i = 0; i < 2; i++) {
		char c = s[i] | 0x20;

		if (s[i] >= '0' && s[i] <= '9')
			value = value << 4 | (unsigned int)(s[i] - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (unsigned int)(c - 'a' + 10);
		else
			return EINVAL;
	}
	*ret_byte = (uint8_t)value;
	return 0;
}

static int
set_lladdr(struct ifnet *ifp, const void *arg)
{
	return ifp->if_addrlen == 6 ? if_setlladdr(ifp, arg) : EOPNOTSUPP;
}

int
rump_pub_netconfig_ifsetlladdr(const char *ifname, const char *lladdr)
{
	uint8_t addr[6];

	for (int i = 0; i < 6; i++) {
		if (hex_byte(lladdr, &addr[i]) != 0 || lladdr[2] != (i < 5 ? ':' : '\0'))
			return EINVAL;
		lladdr += 3;
	}
	return with_interface(ifname, set_lladdr, addr);
}

/* --- addresses ---------------------------------------------------------------------- */

static int
add_address(struct ifnet *ifp, const void *arg)
{
	int error = ifaddr_add(ifp, arg, NULL);

	return error != 0 ? error : if_setflags(ifp, IFF_UP, IFF_UP);
}

static void
model_init(struct ifaddr *model, int family, int plen)
{
	memset(model, 0, sizeof(*model));
	model->ifa_family = family;
	model->ifa_plen = (uint8_t)plen;
	model->ifa_scope = RT_SCOPE_UNIVERSE;
	model->ifa_preferred = model->ifa_valid = KTIME_NEVER;
}

int
rump_pub_netconfig_ipv4_ifaddr_cidr(const char *ifname, const char *addr, int plen)
{
	struct ifaddr model;

	if (plen < 0 || plen > 32)
		return EINVAL;
	model_init(&model, AF_INET, plen);
	if (ipaddr_parse4(addr, model.ifa_addr.ia_b) != 0)
		return EINVAL;
	model.ifa_peer = model.ifa_addr;
	/* All ones in the host part, where there is one (RFC 919, RFC 3021). */
	if (plen < 31)
		model.ifa_broadcast.ia_w[0] = model.ifa_addr.ia_w[0] |
		    __builtin_bswap32(plen == 0 ? ~0u : (1u << (32 - plen)) - 1);
	if (model.ifa_addr.ia_b[0] == 127)
		model.ifa_scope = RT_SCOPE_HOST;
	return with_interface(ifname, add_address, &model);
}

int
rump_pub_netconfig_ipv4_ifaddr(const char *ifname, const char *addr, const char *mask)
{
	uint8_t bytes[4];
	uint32_t m;

	if (ipaddr_parse4(mask, bytes) != 0)
		return EINVAL;
	m = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
	if ((~m & (~m + 1)) != 0)
		return EINVAL;
	return rump_pub_netconfig_ipv4_ifaddr_cidr(ifname, addr, __builtin_popcount(m));
}

int
rump_pub_netconfig_ipv6_ifaddr(const char *ifname, const char *addr, int plen)
{
	struct ifaddr model;

	if (plen < 0 || plen > 128)
		return EINVAL;
	model_init(&model, AF_INET6, plen);
	if (ipaddr_parse6(addr, model.ifa_addr.ia_b) != 0)
		return EINVAL;
	model.ifa_peer = model.ifa_addr;
	/* fe80::/10 is good on its link only (RFC 4291 section 2.5.6). */
	if (inaddr_linklocal6(&model.ifa_addr))
		model.ifa_scope = RT_SCOPE_LINK;
	return with_interface(ifname, add_address, &model);
}

/* --- routes ---------------------------------------------------------------------------- */

static int
add_default(int family, const struct inaddr *gateway)
{
	struct netns *ns = netns_current();
	struct rtconfig *rc = kmem_zalloc(sizeof(*rc), KM_SLEEP);
	int error;

	if (rc == NULL)
		return ENOMEM;
	rc->rc_family = family;
	rc->rc_type = RTN_UNICAST;
	rc->rc_scope = RT_SCOPE_UNIVERSE;
	rc->rc_protocol = RTPROT_STATIC;
	rc->rc_table = RT_TABLE_MAIN;
	rc->rc_nhops = 1;
	rc->rc_hop[0].nh_gwfamily = family;
	rc->rc_hop[0].nh_gw = *gateway;
	rc->rc_hop[0].nh_weight = 1;
	mutex_enter(&ns->ns_lock);
	error = route_add(ns, rc, NLM_F_CREATE | NLM_F_EXCL);
	mutex_exit(&ns->ns_lock);
	kmem_free(rc, sizeof(*rc));
	return error;
}

static int
gateway(int family, const struct inaddr *addr)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = add_default(family, addr);
	kcontext_leave();
	return error;
}

int
rump_pub_netconfig_ipv4_gw(const char *addr)
{
	struct inaddr a = { .ia_d = { 0, 0 } };

	return ipaddr_parse4(addr, a.ia_b) != 0 ? EINVAL : gateway(AF_INET, &a);
}

int
rump_pub_netconfig_ipv6_gw(const char *addr)
{
	struct inaddr a = { .ia_d = { 0, 0 } };

	return ipaddr_parse6(addr, a.ia_b) != 0 ? EINVAL : gateway(AF_INET6, &a);
}

int
rump_pub_netconfig_auto_ipv6(const char *ifname)
{
	static const char *const wanted[] = { "accept_ra", "autoconf" };
	char name[64];
	int error;

	error = kcontext_enter();
	if (error)
		return error;
	/* Routers do not listen to routers; whoever asks for this is a host. */
	for (size_t i = 0; error == 0 && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		(void)snprintf(name, sizeof(name), "net.ipv6.conf.all.%s", wanted[i]);
		error = kvar_write(name, "1");
	}
	kcontext_leave();
	/* Kernels without IPv6 do not know the names. */
	if (error)
		return error == ENOENT ? EAFNOSUPPORT : error;
	return rump_pub_netconfig_ifup(ifname);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * if_ioctl.c - the ioctls of interfaces
 *
 * What programs used before there was netlink, and many still do.  Any socket will
 * do for them; its family only says which routes and addresses are meant.
 *
 * A request is copied in, answered in the copy, and copied back.
 *
 * References: netdevice(7), arp(7), ip(7), ipv6(7).
 */

#include "if_ioctl_impl.h"

#include <lib/string.h>
#include <linux/capability.h>
#include <linux/if_arp.h>
#include <linux/sockios.h>
#include <net/ifnet.h>
#include <net/socket.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>

bool
ifioctl_privileged(void)
{
	return cred_capable(curcred(), CAP_NET_ADMIN);
}

/* --- what is asked ---------------------------------------------------------------- */

static short
flags_shown(const struct ifnet *ifp)
{
	uint32_t flags = __atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED) & 0xffff;

	flags &= ~(uint32_t)IFF_RUNNING;
	if (if_running(ifp))
		flags |= IFF_RUNNING;
	return (short)flags;
}

static void
hwaddr_get(const struct ifnet *ifp, struct sockaddr *sa)
{
	size_t len = ifp->if_addrlen;

	memset(sa, 0, sizeof(*sa));
	sa->sa_family = ifp->if_type;
	memcpy(sa->sa_data, ifp->if_lladdr, len < sizeof(sa->sa_data) ? len : sizeof(sa->sa_data));
}

/* ns_lock held. */
static int
link_get(const struct ifnet *ifp, unsigned long cmd, struct ifreq *ifr)
{
	switch (cmd) {
	case SIOCGIFFLAGS:
		ifr->ifr_flags = flags_shown(ifp);
		return 0;
	case SIOCGIFMTU:
		ifr->ifr_mtu = (int)ifp->if_mtu;
		return 0;
	case SIOCGIFHWADDR:
		hwaddr_get(ifp, &ifr->ifr_hwaddr);
		return 0;
	case SIOCGIFINDEX:
		ifr->ifr_ifindex = (int)ifp->if_index;
		return 0;
	case SIOCGIFTXQLEN:
		ifr->ifr_qlen = (int)ifp->if_txqlen;
		return 0;
	case SIOCGIFMETRIC:
		ifr->ifr_metric = 0;		/* metrics are of routes */
		return 0;
	case SIOCGIFMAP:
		memset(&ifr->ifr_map, 0, sizeof(ifr->ifr_map));
		return 0;
	default:
		return ENOTTY;
	}
}

/* --- what is changed ---------------------------------------------------------------- */

static int
hwaddr_set(struct ifnet *ifp, const struct sockaddr *sa)
{
	if (ifp->if_addrlen == 0)
		return EOPNOTSUPP;
	if (sa->sa_family != ifp->if_type || ifp->if_addrlen > sizeof(sa->sa_data))
		return EINVAL;
	return if_setlladdr(ifp, (const uint8_t *)sa->sa_data);
}

static int
multicast_set(struct ifnet *ifp, const struct sockaddr *sa, bool join)
{
	if (sa->sa_family != AF_UNSPEC || ifp->if_addrlen != 6 || (sa->sa_data[0] & 1) == 0)
		return EINVAL;
	return if_multicast(ifp, (const uint8_t *)sa->sa_data, join);
}

static int
name_set(struct ifnet *ifp, struct ifreq *ifr)
{
	if (strnlen(ifr->ifr_newname, IFNAMSIZ) == IFNAMSIZ)
		ifr->ifr_newname[IFNAMSIZ - 1] = '\0';
	return if_rename(ifp, ifr->ifr_newname);
}

/* ns_lock held. */
static int
link_set(struct ifnet *ifp, unsigned long cmd, struct ifreq *ifr)
{
	/* The flags that fit: the others are left as they are. */
	static const uint32_t settable = IFF_UP | IFF_NOARP | IFF_PROMISC | IFF_ALLMULTI |
	    IFF_MULTICAST | IFF_DEBUG | IFF_NOTRAILERS | IFF_PORTSEL | IFF_AUTOMEDIA |
	    IFF_DYNAMIC;

	switch (cmd) {
	case SIOCSIFFLAGS:
		return if_setflags(ifp, (uint32_t)(uint16_t)ifr->ifr_flags, settable);
	case SIOCSIFMTU:
		return ifr->ifr_mtu < 0 ? EINVAL : if_setmtu(ifp, (uint32_t)ifr->ifr_mtu);
	case SIOCSIFHWADDR:
		return hwaddr_set(ifp, &ifr->ifr_hwaddr);
	case SIOCSIFTXQLEN:
		if (ifr->ifr_qlen < 0)
			return EINVAL;
		__atomic_store_n(&ifp->if_txqlen, (uint32_t)ifr->ifr_qlen, __ATOMIC_RELAXED);
		return 0;
	case SIOCSIFNAME:
		return name_set(ifp, ifr);
	case SIOCADDMULTI:
	case SIOCDELMULTI:
		return multicast_set(ifp, &ifr->ifr_hwaddr, cmd == SIOCADDMULTI);
	case SIOCSIFMETRIC:
	case SIOCSIFMAP:
		return EOPNOTSUPP;
	default:
		return ENOTTY;
	}
}

/* --- dispatch --------------------------------------------------------------------------- */

enum ioctl_kind { IOCTL_OTHER, IOCTL_GET, IOCTL_SET, IOCTL_ADDR };

static enum ioctl_kind
kind_of(unsigned long cmd)
{
	switch (cmd) {
	case SIOCGIFFLAGS:
	case SIOCGIFMTU:
	case SIOCGIFHWADDR:
	case SIOCGIFINDEX:
	case SIOCGIFTXQLEN:
	case SIOCGIFMETRIC:
	case SIOCGIFMAP:
		return IOCTL_GET;
	case SIOCSIFFLAGS:
	case SIOCSIFMTU:
	case SIOCSIFHWADDR:
	case SIOCSIFTXQLEN:
	case SIOCSIFNAME:
	case SIOCADDMULTI:
	case SIOCDELMULTI:
	case SIOCSIFMETRIC:
	case SIOCSIFMAP:
		return IOCTL_SET;
	case SIOCGIFADDR:
	case SIOCSIFADDR:
	case SIOCGIFNETMASK:
	case SIOCSIFNETMASK:
	case SIOCGIFBRDADDR:
	case SIOCSIFBRDADDR:
	case SIOCGIFDSTADDR:
	case SIOCSIFDSTADDR:
		return IOCTL_ADDR;
	default:
		return IOCTL_OTHER;
	}
}

/* "eth0:1" is an address of eth0: the links behind both are the same. */
static void
name_cut(char *name)
{
	char *colon = strchr(name, ':');

	if (colon != NULL)
		*colon = '\0';
}

static int
link_ioctl(struct netns *ns, enum ioctl_kind kind, unsigned long cmd, struct ifreq *ifr)
{
	char name[IFNAMSIZ];
	struct ifnet *ifp;
	int error;

	(void)strlcpy(name, ifr->ifr_name, sizeof(name));
	name_cut(name);
	mutex_enter(&ns->ns_lock);
	ifp = if_byname(ns, name);
	if (ifp == NULL)
		error = ENODEV;
	else
		error = kind == IOCTL_GET ? link_get(ifp, cmd, ifr) : link_set(ifp, cmd, ifr);
	mutex_exit(&ns->ns_lock);
	return error;
}

static int
ifreq_ioctl(struct netns *ns, enum ioctl_kind kind, unsigned long cmd, void *uarg)
{
	struct ifreq ifr;
	bool out = kind == IOCTL_GET;
	int error;

	error = copyin(uarg, &ifr, sizeof(ifr));
	if (error)
		return error;
	ifr.ifr_name[IFNAMSIZ - 1] = '\0';
	if (kind == IOCTL_SET && !ifioctl_privileged())
		return EPERM;
	if (kind == IOCTL_ADDR)
		error = ifioctl_addr(ns, cmd, &ifr, &out);
	else
		error = link_ioctl(ns, kind, cmd, &ifr);
	return error == 0 && out ? copyout(&ifr, uarg, sizeof(ifr)) : error;
}

/* SIOCGIFNAME goes from the number to the name. */
static int
name_ioctl(struct netns *ns, void *uarg)
{
	struct ifreq ifr;
	struct ifnet *ifp;
	int error;

	error = copyin(uarg, &ifr, sizeof(ifr));
	if (error)
		return error;
	mutex_enter(&ns->ns_lock);
	ifp = if_byindex(ns, (uint32_t)ifr.ifr_ifindex);
	if (ifp == NULL)
		error = ENODEV;
	else
		(void)strlcpy(ifr.ifr_name, ifp->if_name, sizeof(ifr.ifr_name));
	mutex_exit(&ns->ns_lock);
	return error != 0 ? error : copyout(&ifr, uarg, sizeof(ifr));
}

static int
ethtool_ioctl(struct netns *ns, void *uarg)
{
	struct ifnet *ifp;
	struct ifreq ifr;
	int error;

	error = copyin(uarg, &ifr, sizeof(ifr));
	if (error)
		return error;
	ifr.ifr_name[IFNAMSIZ - 1] = '\0';
	ifp = if_byname(ns, ifr.ifr_name);
	if (ifp == NULL)
		return ENODEV;
	if_hold(ifp);
	error = ifioctl_ethtool(ifp, ifr.ifr_data);
	if_rele(ifp);
	return error;
}

int
if_ioctl(struct netns *ns, int family, unsigned long cmd, void *uarg)
{
	enum ioctl_kind kind = kind_of(cmd);

	switch (cmd) {
	case SIOCGIFCONF:
		return ifioctl_conf(ns, uarg);
	case SIOCGIFNAME:
		return name_ioctl(ns, uarg);
	case SIOCADDRT:
	case SIOCDELRT:
		return ifioctl_privileged() ? ifioctl_route(ns, family, cmd, uarg) : EPERM;
	case SIOCGARP:
	case SIOCSARP:
	case SIOCDARP:
		return ifioctl_arp(ns, cmd, uarg);
	case SIOCETHTOOL:
		return ethtool_ioctl(ns, uarg);
	case SIOCDIFADDR:
		return family == AF_INET6 ? ifioctl_addr6(ns, cmd, uarg) : EINVAL;
	default:
		break;
	}
	if (kind == IOCTL_OTHER)
		return ENOTTY;
	if (kind == IOCTL_ADDR && family == AF_INET6)
		return ifioctl_addr6(ns, cmd, uarg);
	return ifreq_ioctl(ns, kind, cmd, uarg);
}

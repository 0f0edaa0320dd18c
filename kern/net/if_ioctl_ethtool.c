/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * if_ioctl_ethtool.c - SIOCETHTOOL: what tcpdump, dhclient and ethtool(8) look at
 *
 * Whether there is a link, who drives it, and which offloads are in force: the last
 * may be switched off and on again within what the driver can do.
 *
 * References: <linux/ethtool.h>.
 */

#include "if_ioctl_impl.h"

#include <lib/string.h>
#include <linux/ethtool.h>
#include <sys/copy.h>
#include <sys/errno.h>

static int
value_put(void *uarg, uint32_t cmd, uint32_t value)
{
	struct ethtool_value ev = { .cmd = cmd, .data = value };

	return copyout(&ev, uarg, sizeof(ev));
}

static int
drvinfo(const struct ifnet *ifp, void *uarg)
{
	struct ethtool_drvinfo di;

	memset(&di, 0, sizeof(di));
	di.cmd = ETHTOOL_GDRVINFO;
	(void)strlcpy(di.driver, ifp->if_ops->ifo_kind != NULL ? ifp->if_ops->ifo_kind :
	    ifp->if_name, sizeof(di.driver));
	(void)strlcpy(di.version, "1.0", sizeof(di.version));
	return copyout(&di, uarg, sizeof(di));
}

/* Speed and duplex mean nothing on links of this kind. */
static int
settings(const struct ifnet *ifp, void *uarg)
{
	struct ethtool_cmd ec;

	memset(&ec, 0, sizeof(ec));
	ec.cmd = ETHTOOL_GSET;
	ethtool_cmd_speed_set(&ec, (uint32_t)SPEED_UNKNOWN);
	ec.duplex = DUPLEX_UNKNOWN;
	ec.port = PORT_OTHER;
	return copyout(&ec, uarg, sizeof(ec));
}

/* Offloads by the numbers of the old commands; 0: not one of them. */
static const struct {
	uint32_t	 get, set, caps;
} offloads[] = {
	{ ETHTOOL_GTXCSUM, ETHTOOL_STXCSUM, IFCAP_TXCSUM },
	{ ETHTOOL_GRXCSUM, ETHTOOL_SRXCSUM, IFCAP_RXCSUM },
	{ ETHTOOL_GSG, ETHTOOL_SSG, IFCAP_FRAGS },
	{ ETHTOOL_GTSO, ETHTOOL_STSO, IFCAP_TSO4 | IFCAP_TSO6 },
	{ ETHTOOL_GUFO, ETHTOOL_SUFO, IFCAP_USO },
};

static int
offload(struct ifnet *ifp, uint32_t cmd, void *uarg)
{
	struct ethtool_value ev;
	uint32_t caps;
	int error;

	for (size_t i = 0; i < ARRAY_SIZE(offloads); i++) {
		caps = offloads[i].caps & ifp->if_hwcaps;
		if (cmd == offloads[i].get)
			return value_put(uarg, cmd, (ifp->if_caps & caps) != 0 ? 1 : 0);
		if (cmd != offloads[i].set)
			continue;
		if (!ifioctl_privileged())
			return EPERM;
		error = copyin(uarg, &ev, sizeof(ev));
		if (error)
			return error;
		if (ev.data != 0 && caps == 0)
			return EOPNOTSUPP;
		if (ev.data != 0)
			__atomic_fetch_or(&ifp->if_caps, caps, __ATOMIC_RELAXED);
		else
			__atomic_fetch_and(&ifp->if_caps, ~offloads[i].caps, __ATOMIC_RELAXED);
		return 0;
	}
	return EOPNOTSUPP;
}

int
ifioctl_ethtool(struct ifnet *ifp, void *uarg)
{
	uint32_t cmd;
	int error;

	error = copyin(uarg, &cmd, sizeof(cmd));
	if (error)
		return error;
	switch (cmd) {
	case ETHTOOL_GLINK:
		return value_put(uarg, cmd, if_running(ifp) ? 1 : 0);
	case ETHTOOL_GDRVINFO:
		return drvinfo(ifp, uarg);
	case ETHTOOL_GSET:
		return settings(ifp, uarg);
	case ETHTOOL_GGSO:
	case ETHTOOL_GGRO:
		return value_put(uarg, cmd, 1);	/* the stack's own, always there */
	default:
		return offload(ifp, cmd, uarg);
	}
}

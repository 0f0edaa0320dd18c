/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtlink_put.c - an interface as a message
 */

#include "rtnl_impl.h"

#include <lib/string.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>

#define IF_RUNNING_FLAGS	(IFF_RUNNING | IFF_LOWER_UP)

static uint32_t
flags_shown(const struct ifnet *ifp)
{
	uint32_t flags = __atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED);

	flags &= ~(uint32_t)IF_RUNNING_FLAGS;
	return if_running(ifp) ? flags | IF_RUNNING_FLAGS : flags;
}

/* RFC 2863 section 3.1.14, as far as we can tell. */
static uint8_t
operstate(const struct ifnet *ifp)
{
	if ((ifp->if_flags & IFF_LOOPBACK) != 0)
		return IF_OPER_UNKNOWN;
	return if_running(ifp) ? IF_OPER_UP : IF_OPER_DOWN;
}

static void
stats_put(struct nlbuf *nb, const struct ifnet *ifp)
{
	struct rtnl_link_stats64 st64 = { 0 };
	struct rtnl_link_stats st = { 0 };
	struct if_counters ic;

	if_stats(ifp, &ic);
	st64.rx_packets = ic.ic_rx_packets;
	st64.rx_bytes = ic.ic_rx_bytes;
	st64.rx_errors = ic.ic_rx_errors;
	st64.rx_dropped = ic.ic_rx_dropped;
	st64.tx_packets = ic.ic_tx_packets;
	st64.tx_bytes = ic.ic_tx_bytes;
	st64.tx_errors = ic.ic_tx_errors;
	st64.tx_dropped = ic.ic_tx_dropped;
	st64.multicast = ic.ic_multicast;
	nlbuf_attr64(nb, IFLA_STATS64, &st64, sizeof(st64), IFLA_PAD);

	/* The old form has 32 bits a number, and wraps. */
	st.rx_packets = (uint32_t)ic.ic_rx_packets;
	st.rx_bytes = (uint32_t)ic.ic_rx_bytes;
	st.rx_errors = (uint32_t)ic.ic_rx_errors;
	st.rx_dropped = (uint32_t)ic.ic_rx_dropped;
	st.tx_packets = (uint32_t)ic.ic_tx_packets;
	st.tx_bytes = (uint32_t)ic.ic_tx_bytes;
	st.tx_errors = (uint32_t)ic.ic_tx_errors;
	st.tx_dropped = (uint32_t)ic.ic_tx_dropped;
	st.multicast = (uint32_t)ic.ic_multicast;
	nlbuf_attr(nb, IFLA_STATS, &st, sizeof(st));
}

static void
queues_put(struct nlbuf *nb, const struct ifnet *ifp)
{
	bool gso = (ifp->if_caps & IFCAP_GSO) != 0;

	nlbuf_u32(nb, IFLA_NUM_TX_QUEUES, 1);
	nlbuf_u32(nb, IFLA_NUM_RX_QUEUES, 1);
	nlbuf_u32(nb, IFLA_GSO_MAX_SEGS, 65535);
	nlbuf_u32(nb, IFLA_GSO_MAX_SIZE, gso ? 65536 : ifp->if_mtu);
	nlbuf_u32(nb, IFLA_TSO_MAX_SEGS, 65535);
	nlbuf_u32(nb, IFLA_TSO_MAX_SIZE, gso ? 65536 : ifp->if_mtu);
	nlbuf_u32(nb, IFLA_GRO_MAX_SIZE, 65536);
	nlbuf_string(nb, IFLA_QDISC, "noqueue");
}

static void
kind_put(struct nlbuf *nb, const struct ifnet *ifp)
{
	size_t nest;

	if (ifp->if_ops->ifo_kind == NULL || (ifp->if_flags & IFF_LOOPBACK) != 0)
		return;
	nest = nlbuf_nest(nb, IFLA_LINKINFO);
	nlbuf_string(nb, IFLA_INFO_KIND, ifp->if_ops->ifo_kind);
	nlbuf_nest_end(nb, nest);
}

static void
carrier_put(struct nlbuf *nb, const struct ifnet *ifp)
{
	uint32_t ups = __atomic_load_n(&ifp->if_carrierups, __ATOMIC_RELAXED);
	uint32_t downs = __atomic_load_n(&ifp->if_carrierdowns, __ATOMIC_RELAXED);

	nlbuf_u8(nb, IFLA_CARRIER, ifp->if_carrier ? 1 : 0);
	nlbuf_u32(nb, IFLA_CARRIER_CHANGES, ups + downs);
	nlbuf_u32(nb, IFLA_CARRIER_UP_COUNT, ups);
	nlbuf_u32(nb, IFLA_CARRIER_DOWN_COUNT, downs);
	nlbuf_u8(nb, IFLA_PROTO_DOWN, 0);
}

/* What the families keep for it.  ip(8) shows how IPv6 makes addresses. */
static void
families_put(struct nlbuf *nb, const struct ifnet *ifp)
{
	size_t spec = nlbuf_nest(nb, IFLA_AF_SPEC), nest;

	if (ifp->if_inet6 != NULL) {
		nest = nlbuf_nest(nb, AF_INET6);
		nlbuf_u8(nb, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_EUI64);
		nlbuf_nest_end(nb, nest);
	}
	nlbuf_nest_end(nb, spec);
}

static void
labels_put(struct nlbuf *nb, struct ifnet *ifp)
{
	uint32_t peer = ifp->if_ops->ifo_peer != NULL ? ifp->if_ops->ifo_peer(ifp) : 0;
	struct rtnl_link_ifmap map = { 0 };	/* of the days of I/O ports */

	nlbuf_u32(nb, IFLA_GROUP, ifp->if_group);
	nlbuf_attr(nb, IFLA_MAP, &map, sizeof(map));
	if (peer != 0)
		nlbuf_u32(nb, IFLA_LINK, peer);
	if (ifp->if_alias != NULL)
		nlbuf_string(nb, IFLA_IFALIAS, ifp->if_alias);
}

static void
name_put(struct nlbuf *nb, const struct ifnet *ifp)
{
	char name[IFNAMSIZ];

	(void)strlcpy(name, ifp->if_name, sizeof(name));
	nlbuf_string(nb, IFLA_IFNAME, name);
}

void
rtlink_put(struct nlbuf *nb, const struct nlhead *head, struct ifnet *ifp, uint32_t change)
{
	struct ifinfomsg ifi = {
		.ifi_family = AF_UNSPEC, .ifi_type = ifp->if_type,
		.ifi_index = (int)ifp->if_index, .ifi_flags = flags_shown(ifp),
		.ifi_change = change,
	};

	nlbuf_begin(nb, head);
	nlbuf_bytes(nb, &ifi, sizeof(ifi));
	name_put(nb, ifp);
	nlbuf_u32(nb, IFLA_TXQLEN, ifp->if_txqlen);
	nlbuf_u8(nb, IFLA_OPERSTATE, operstate(ifp));
	nlbuf_u8(nb, IFLA_LINKMODE, IF_LINK_MODE_DEFAULT);
	nlbuf_u32(nb, IFLA_MTU, ifp->if_mtu);
	nlbuf_u32(nb, IFLA_MIN_MTU, IF_MTU_MIN);
	nlbuf_u32(nb, IFLA_MAX_MTU, IF_MTU_MAX);
	nlbuf_u32(nb, IFLA_PROMISCUITY, ifp->if_promisc);
	nlbuf_u32(nb, IFLA_ALLMULTI, ifp->if_allmulti);
	labels_put(nb, ifp);
	carrier_put(nb, ifp);
	queues_put(nb, ifp);
	if (ifp->if_addrlen > 0) {
		nlbuf_attr(nb, IFLA_ADDRESS, ifp->if_lladdr, ifp->if_addrlen);
		nlbuf_attr(nb, IFLA_BROADCAST, ifp->if_broadcast, ifp->if_addrlen);
	} else if ((ifp->if_flags & IFF_LOOPBACK) != 0) {
		static const uint8_t zero[6];

		nlbuf_attr(nb, IFLA_ADDRESS, zero, sizeof(zero));
		nlbuf_attr(nb, IFLA_BROADCAST, zero, sizeof(zero));
	}
	stats_put(nb, ifp);
	families_put(nb, ifp);
	kind_put(nb, ifp);
}

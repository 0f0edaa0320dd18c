/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_output.c - what a client says
 *
 * To everybody as a frame of its own making; to one server, once there is an
 * address, as a packet for the stack, which knows the way.  What cannot be sent
 * for lack of memory is as good as lost on the link: it will be said again.
 */

#include <lib/string.h>
#include <linux/if_ether.h>
#include <net/inet.h>
#include <sys/socket.h>
#include <sys/kmem.h>

#include "dhcp_impl.h"

#define UDP_HDR		8

static void
frame_send(struct ifnet *ifp, struct packet *p, uint16_t ethertype)
{
	struct packetq q = PACKETQ_INITIALIZER;

	p->p_l3 = packet_offset(p);
	p->p_ethertype = ethertype;
	if_l2header(ifp, p, ethertype, ifp->if_broadcast);
	packetq_put(&q, p);
	if_transmit(ifp, &q);
}

/* By the way that the routes say, p_data at the UDP header. */
static void
stack_send(struct dhcp_client *dc, struct packet *p, uint32_t src, uint32_t dst)
{
	struct rtkey rk = { .rk_family = AF_INET, .rk_oif = dc->dc_ic.ic_ifp->if_index };
	struct inet_tx tx = { .it_ns = dc->dc_ic.ic_ns, .it_family = AF_INET,
	    .it_proto = IPPROTO_UDP, .it_ttl = -1 };
	const struct inet_af *af = inet_af(AF_INET);
	struct packetq q = PACKETQ_INITIALIZER;
	struct rtdst *rd;

	rk.rk_src.ia_w[0] = tx.it_src.ia_w[0] = src;
	rk.rk_dst.ia_w[0] = tx.it_dst.ia_w[0] = dst;
	if (af == NULL || route_lookup(dc->dc_ic.ic_ns, &rk, &rd) != 0) {
		packet_free(p);
		return;
	}
	packetq_put(&q, p);
	(void)af->ia_output(&tx, rd, &q);
	rtdst_rele(rd);
}

void
dhcp_send(struct dhcp_client *dc, const struct dhcp_act *act)
{
	uint8_t buf[DHCP_WRAP + DHCP_MAXLEN];
	const struct dhcp_msg *dm = &act->da_msg;
	size_t len = dhcp_build(dm, buf + DHCP_WRAP);
	struct packet *p;

	dhcp_wrap(buf, len, dm->dm_ciaddr, act->da_dst);
	if (act->da_unicast) {
		p = packet_from(buf + DHCP_WRAP - UDP_HDR, UDP_HDR + len, KM_SLEEP);
		if (p != NULL)
			stack_send(dc, p, dm->dm_ciaddr, act->da_dst);
		return;
	}
	p = packet_from(buf, DHCP_WRAP + len, KM_SLEEP);
	if (p != NULL)
		frame_send(dc->dc_ic.ic_ifp, p, ETH_P_IP);
}

void
dhcp_send_probe(struct dhcp_client *dc)
{
	struct packet *p = packet_alloc(KM_SLEEP);

	if (p == NULL)
		return;
	dhcp_arp_probe(dc->dc_ic.ic_ifp->if_lladdr, dc->dc_fsm.df_addr,
	    packet_append(p, ARP_LEN));
	frame_send(dc->dc_ic.ic_ifp, p, ETH_P_ARP);
}

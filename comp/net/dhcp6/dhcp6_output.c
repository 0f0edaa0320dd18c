/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_output.c - what a client says
 *
 * From a link-local address to all servers and relays of the link (RFC 8415 section
 * 7.1).  What cannot be sent, for lack of memory or of an address, is as good as lost on
 * the link: it will be said again.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <net/inet.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/socket.h>

#include "dhcp6_impl.h"

#define UDP_HDR		8

static const struct inaddr all_servers = { .ia_b = { 0xff, 2, [13] = 1, 0, 2 } };

static void
udp_put(const struct inet_af *af, uint8_t *udp, size_t len, const struct inaddr *src)
{
	uint32_t sum = af->ia_pseudo(src, &all_servers, IPPROTO_UDP, (uint32_t)len);
	uint16_t folded;

	be16_put(udp, DHCP6_CLIENT_PORT);
	be16_put(udp + 2, DHCP6_SERVER_PORT);
	be16_put(udp + 4, (uint16_t)len);
	be16_put(udp + 6, 0);
	folded = packet_sum_fold(packet_sum_bytes(udp, len, sum));
	if (folded == 0)
		folded = 0xffff;	/* 0 is for none, which IPv6 forbids: RFC 8200 section 8.1 */
	memcpy(udp + 6, &folded, sizeof(folded));
}

void
dhcp6_send(struct dhcp6_client *dc, const struct dhcp6_msg *dm)
{
	struct rtkey rk = { .rk_family = AF_INET6, .rk_dst = all_servers,
	    .rk_oif = dc->dc_ic.ic_ifp->if_index };
	struct inet_tx tx = { .it_ns = dc->dc_ic.ic_ns, .it_family = AF_INET6,
	    .it_proto = IPPROTO_UDP, .it_ttl = -1, .it_flags = INET_TX_NOLOOP,
	    .it_dst = all_servers };
	const struct inet_af *af = inet_af(AF_INET6);
	struct packetq q = PACKETQ_INITIALIZER;
	uint8_t buf[UDP_HDR + DHCP6_BUILDMAX];
	struct packet *p;
	struct rtdst *rd;
	size_t len;

	if (af == NULL || !dhcp6_linklocal(dc, &tx.it_src))
		return;
	rk.rk_src = tx.it_src;
	len = UDP_HDR + dhcp6_build(dm, buf + UDP_HDR);
	udp_put(af, buf, len, &tx.it_src);
	p = packet_from(buf, len, KM_SLEEP);
	if (p == NULL)
		return;
	if (route_lookup(dc->dc_ic.ic_ns, &rk, &rd) != 0) {
		packet_free(p);
		return;
	}
	packetq_put(&q, p);
	(void)af->ia_output(&tx, rd, &q);
	rtdst_rele(rd);
}

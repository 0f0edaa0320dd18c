/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * frame_wire.c - the frames in which DHCP travels before there is an address
 *
 * A client without an address can neither use the stack to send nor be found by it:
 * it makes its own IP and UDP headers, and its own ARP to see whether somebody
 * has the address it was offered (RFC 5227 section 2.1.1).
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <net/packet.h>
#include <sys/errno.h>

#include "dhcp_wire.h"

#define IP_HDR		20
#define UDP_HDR		8
#define IPPROTO_UDP	17

/* Sum of a UDP datagram at ip with its pseudo header, not folded. */
static uint32_t
udp_sum(const uint8_t *ip, const uint8_t *udp, size_t len)
{
	uint32_t sum = net16(IPPROTO_UDP) + net16(len);

	sum = packet_sum_bytes(ip + 12, 8, sum);
	return packet_sum_bytes(udp, len, sum);
}

int
dhcp_unwrap(const uint8_t *data, size_t len, uint16_t port, bool sum_good,
    const uint8_t **ret_payload, size_t *ret_len)
{
	const uint8_t *udp;
	size_t hdr, total, ulen;

	if (len < IP_HDR || data[0] >> 4 != 4)
		return EINVAL;
	hdr = (size_t)(data[0] & 15) * 4;
	total = be16_get(data + 2);
	if (hdr < IP_HDR || total < hdr + UDP_HDR || total > len)
		return EINVAL;
	if (data[9] != IPPROTO_UDP)
		return ENOENT;
	if ((be16_get(data + 6) & 0x3fff) != 0)
		return EINVAL;		/* a fragment */
	udp = data + hdr;
	if (be16_get(udp + 2) != port)
		return ENOENT;
	ulen = be16_get(udp + 4);
	if (ulen < UDP_HDR || ulen > total - hdr)
		return EINVAL;
	if (packet_sum_fold(packet_sum_bytes(data, hdr, 0)) != 0)
		return EINVAL;
	if (!sum_good && be16_get(udp + 6) != 0 &&
	    packet_sum_fold(udp_sum(data, udp, ulen)) != 0)
		return EINVAL;
	*ret_payload = udp + UDP_HDR;
	*ret_len = ulen - UDP_HDR;
	return 0;
}

void
dhcp_wrap(uint8_t *buf, size_t len, uint32_t src, uint32_t dst)
{
	uint8_t *udp = buf + IP_HDR;
	uint16_t sum;

	memset(buf, 0, IP_HDR + UDP_HDR);
	buf[0] = 0x45;
	be16_put(buf + 2, (uint16_t)(IP_HDR + UDP_HDR + len));
	buf[8] = 64;
	buf[9] = IPPROTO_UDP;
	memcpy(buf + 12, &src, 4);
	memcpy(buf + 16, &dst, 4);
	sum = packet_sum_fold(packet_sum_bytes(buf, IP_HDR, 0));
	memcpy(buf + 10, &sum, 2);

	be16_put(udp, DHCP_CLIENT_PORT);
	be16_put(udp + 2, DHCP_SERVER_PORT);
	be16_put(udp + 4, (uint16_t)(UDP_HDR + len));
	sum = packet_sum_fold(udp_sum(buf, udp, UDP_HDR + len));
	if (sum == 0)
		sum = 0xffff;		/* 0 says that there is none: RFC 768 */
	memcpy(udp + 6, &sum, 2);
}

static const uint8_t arp_head[6] = { 0, 1, 8, 0, 6, 4 };

int
dhcp_arp_parse(const uint8_t *data, size_t len, struct dhcp_arp *ret_am)
{
	if (len < ARP_LEN || memcmp(data, arp_head, sizeof(arp_head)) != 0)
		return EINVAL;
	ret_am->am_op = be16_get(data + 6);
	memcpy(ret_am->am_sha, data + 8, 6);
	memcpy(&ret_am->am_spa, data + 14, 4);
	memcpy(ret_am->am_tha, data + 18, 6);
	memcpy(&ret_am->am_tpa, data + 24, 4);
	return 0;
}

void
dhcp_arp_probe(const uint8_t sha[6], uint32_t tpa, uint8_t buf[ARP_LEN])
{
	memset(buf, 0, ARP_LEN);
	memcpy(buf, arp_head, sizeof(arp_head));
	be16_put(buf + 6, 1);
	memcpy(buf + 8, sha, 6);
	memcpy(buf + 24, &tpa, 4);
}

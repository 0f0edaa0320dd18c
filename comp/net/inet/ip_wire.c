/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_wire.c - IPv4 headers and ARP messages, to and from bytes
 *
 * References: RFC 791 section 3.1, RFC 1071, RFC 1624, RFC 826.
 */

#include "ip_wire.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>

static uint16_t
fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Words as they lie in memory; hdrlen is a multiple of four. */
static uint16_t
hdr_sum(const uint8_t *h, size_t hdrlen)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < hdrlen; i += 4) {
		uint32_t w;

		memcpy(&w, h + i, sizeof(w));
		sum += w;
	}
	return fold(sum);
}

int
ip_hdr_parse(const uint8_t *h, size_t len, struct ip_hdr *ret_ih)
{
	size_t hdrlen = ip_hdrlen_of(h), total;

	if (hdrlen == 0 || hdrlen > len)
		return EINVAL;
	if (hdr_sum(h, hdrlen) != 0xffff)
		return EBADMSG;
	total = be16_get(h + 2);
	if (total < hdrlen)
		return EINVAL;
	if (total > len)
		return EMSGSIZE;
	ret_ih->ih_hdrlen = (uint8_t)hdrlen;
	ret_ih->ih_tos = h[1];
	ret_ih->ih_len = (uint16_t)total;
	ret_ih->ih_id = be16_get(h + 4);
	ret_ih->ih_frag = be16_get(h + 6);
	ret_ih->ih_ttl = h[8];
	ret_ih->ih_proto = h[9];
	ret_ih->ih_src = ret_ih->ih_dst = (struct inaddr){ .ia_d = { 0, 0 } };
	memcpy(&ret_ih->ih_src.ia_w[0], h + 12, 4);
	memcpy(&ret_ih->ih_dst.ia_w[0], h + 16, 4);
	return 0;
}

void
ip_hdr_sum(uint8_t *h, size_t hdrlen)
{
	uint16_t sum;

	memset(h + 10, 0, 2);
	sum = (uint16_t)~hdr_sum(h, hdrlen);
	memcpy(h + 10, &sum, sizeof(sum));
}

void
ip_hdr_build(uint8_t *h, const struct ip_hdr *ih)
{
	h[0] = (uint8_t)(0x40 | ih->ih_hdrlen / 4);
	h[1] = ih->ih_tos;
	be16_put(h + 2, ih->ih_len);
	be16_put(h + 4, ih->ih_id);
	be16_put(h + 6, ih->ih_frag);
	h[8] = ih->ih_ttl;
	h[9] = ih->ih_proto;
	memcpy(h + 12, &ih->ih_src.ia_w[0], 4);
	memcpy(h + 16, &ih->ih_dst.ia_w[0], 4);
	ip_hdr_sum(h, ih->ih_hdrlen);
}

void
ip_hdr_dec_ttl(uint8_t *h)
{
	/* The word TTL, protocol goes down by 0x0100: the inverted sum goes up by it. */
	uint32_t sum = be16_get(h + 10) + 0x0100u;

	h[8]--;
	be16_put(h + 10, (uint16_t)(sum + (sum >> 16)));
}

/* --- ARP ------------------------------------------------------------------ */

int
arpmsg_parse(const uint8_t *b, size_t len, struct arp_msg *ret_am)
{
	static const uint8_t fixed[6] = { 0, 1, 8, 0, 6, 4 };	/* Ethernet, IPv4, lengths */

	if (len < ARP_LEN || memcmp(b, fixed, sizeof(fixed)) != 0)
		return EINVAL;
	*ret_am = (struct arp_msg){ .am_op = be16_get(b + 6) };
	memcpy(ret_am->am_sha, b + 8, 6);
	memcpy(&ret_am->am_sip.ia_w[0], b + 14, 4);
	memcpy(ret_am->am_tha, b + 18, 6);
	memcpy(&ret_am->am_tip.ia_w[0], b + 24, 4);
	return 0;
}

void
arpmsg_build(uint8_t b[ARP_LEN], const struct arp_msg *am)
{
	static const uint8_t fixed[6] = { 0, 1, 8, 0, 6, 4 };

	memcpy(b, fixed, sizeof(fixed));
	be16_put(b + 6, am->am_op);
	memcpy(b + 8, am->am_sha, 6);
	memcpy(b + 14, &am->am_sip.ia_w[0], 4);
	memcpy(b + 18, am->am_tha, 6);
	memcpy(b + 24, &am->am_tip.ia_w[0], 4);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_gro.c - trains of packets of one flow, merged
 *
 * IP's part: the headers are the same but for their length, without extension
 * headers.  What may be joined beyond that is the upper protocol's matter.
 */

#include "ip6_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>

static bool
headers_alike(const struct packet *a, const struct packet *b)
{
	return packet_linear(a) >= IP6_HDRLEN && packet_linear(b) >= IP6_HDRLEN &&
	    a->p_data[0] >> 4 == 6 && memcmp(a->p_data, b->p_data, 4) == 0 &&
	    memcmp(a->p_data + 6, b->p_data + 6, 34) == 0;
}

/* At their upper headers; back again unless it worked. */
static bool
upper_merge(const struct inet_proto *proto, struct packet *head, struct packet *p)
{
	head->p_l3 = packet_offset(head);
	p->p_l3 = packet_offset(p);
	(void)packet_pull(head, IP6_HDRLEN);
	(void)packet_pull(p, IP6_HDRLEN);
	head->p_l4 = packet_offset(head);
	p->p_l4 = packet_offset(p);
	if (proto->ip_merge(&ip6_af, head, p)) {
		(void)packet_push(head, IP6_HDRLEN);
		return true;
	}
	(void)packet_push(head, IP6_HDRLEN);
	(void)packet_push(p, IP6_HDRLEN);
	return false;
}

bool
ip6_merge(struct packet *head, struct packet *p)
{
	const struct inet_proto *proto;
	uint32_t plen;

	if (!headers_alike(head, p))
		return false;
	proto = inet_proto(p->p_data[6]);
	plen = be16_get(p->p_data + 4);
	if (proto == NULL || proto->ip_merge == NULL || p->p_len - IP6_HDRLEN < plen ||
	    head->p_len != IP6_HDRLEN + (uint32_t)be16_get(head->p_data + 4) ||
	    head->p_len - IP6_HDRLEN + plen > IP6_PAYLOAD_MAX)
		return false;
	packet_trim(p, IP6_HDRLEN + plen);
	if (!upper_merge(proto, head, p))
		return false;
	be16_put(head->p_data + 4, (uint16_t)(head->p_len - IP6_HDRLEN));
	return true;
}

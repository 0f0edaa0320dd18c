/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_frag.c - a packet cut into fragments (RFC 8200 section 4.5)
 *
 * Each fragment repeats the unfragmentable part, has a fragment header, and shares
 * the packet's blocks.  The identification is a counter that started at random,
 * hashed with the destination, so that one cannot count what we send to others (RFC 7739
 * section 5.3).
 */

#include "ip6_impl.h"

#include <lib/bytes.h>
#include <lib/hash.h>
#include <lib/string.h>

/* The room that each fragment has for headers. */
#define UNFRAG_MAX	(PKT_HEADROOM - IP6_FRAGLEN - 16)

static uint32_t
fragment_id(struct ip6_ns *n, const uint8_t *dst)
{
	uint64_t seed;

	memcpy(&seed, n->n_flowkey + 8, sizeof(seed));
	return atomic_add(&n->n_fragid, 1) + (uint32_t)hash_bytes(dst, 16, seed);
}

/* hdr: unfrag bytes and the fragment header. */
static struct packet *
fragment_create(const struct packet *p, const uint8_t *hdr, size_t hdrlen, size_t off, size_t len)
{
	struct packet *f = packet_clone(p, KM_NOSLEEP);

	if (f == NULL)
		return NULL;
	packet_skip(f, hdrlen - IP6_FRAGLEN + off);
	packet_trim(f, len);
	packet_recharge(f);
	if (packet_headroom(f) < hdrlen + 16) {
		packet_free(f);
		return NULL;
	}
	memcpy(packet_push(f, hdrlen), hdr, hdrlen);
	be16_put(f->p_data + 4, (uint16_t)(f->p_len - IP6_HDRLEN));
	f->p_l3 = packet_offset(f);
	f->p_l4 = (uint16_t)(f->p_l3 + hdrlen);
	f->p_csum = PKT_CSUM_NONE;
	return f;
}

/* The unfragmentable part with its last next-header value set to a fragment header's. */
static uint8_t
header_prepare(uint8_t *hdr, const struct packet *p, uint32_t unfrag)
{
	uint32_t nextoff = 6, off = IP6_HDRLEN;
	uint8_t next;

	memcpy(hdr, p->p_data, unfrag);
	while (off < unfrag) {
		uint32_t len = (uint32_t)ip6_ext_len(hdr[nextoff], hdr + off);

		nextoff = off;
		off += len;
	}
	next = hdr[nextoff];
	hdr[nextoff] = IP6_NH_FRAGMENT;
	return next;
}

static int
fragment_plain(struct ip6_ns *n, struct packet *p, uint32_t mtu, uint32_t unfrag,
    struct packetq *q)
{
	size_t payload = p->p_len - unfrag, hdrlen = unfrag + IP6_FRAGLEN, len;
	struct packetq made = PACKETQ_INITIALIZER;
	uint8_t hdr[UNFRAG_MAX + IP6_FRAGLEN];
	struct ip6_frag fr;
	struct packet *f;

	fr.fr_next = header_prepare(hdr, p, unfrag);
	fr.fr_id = fragment_id(n, p->p_data + 24);
	for (size_t off = 0; off < payload; off += len) {
		len = (mtu - hdrlen) & ~(size_t)7;
		if (payload - off <= mtu - hdrlen)
			len = payload - off;
		fr.fr_off = (uint32_t)off;
		fr.fr_more = off + len < payload;
		ip6_frag_build(hdr + unfrag, &fr);
		f = fragment_create(p, hdr, hdrlen, off, len);
		if (f == NULL) {
			ip6_count(frag_failed);
			packetq_drop(&made);
			packet_free(p);
			return ENOBUFS;
		}
		packetq_put(&made, f);
	}
	counter_add(&ip6_count_frag_made, made.pq_n);
	/* The sender's account is settled when the last one goes. */
	made.pq_tail->p_destroy = p->p_destroy;
	made.pq_tail->p_owner = p->p_owner;
	p->p_destroy = NULL;
	p->p_owner = NULL;
	packet_free(p);
	packetq_join(q, &made);
	return 0;
}

int
ip6_fragment(struct ip6_ns *n, struct packet *p, uint32_t mtu, uint32_t unfrag,
    struct packetq *q)
{
	struct packetq segs = PACKETQ_INITIALIZER;
	int error = 0, first = 0;

	if (mtu < unfrag + IP6_FRAGLEN + 8 || unfrag > UNFRAG_MAX ||
	    packet_pullup(p, unfrag) || p->p_len <= unfrag) {
		ip6_count(frag_failed);
		packet_free(p);
		return EMSGSIZE;
	}
	if (p->p_gso == PKT_GSO_NONE)
		packetq_put(&segs, p);
	else
		error = packet_segment(p, &segs);
	if (error)
		return error;
	while ((p = packetq_get(&segs)) != NULL) {
		/* Nobody below can sum up what goes in pieces. */
		error = p->p_csum == PKT_CSUM_PARTIAL ? packet_csum_fill(p) : 0;
		if (error)
			packet_free(p);
		else
			error = fragment_plain(n, p, mtu, unfrag, q);
		if (first == 0)
			first = error;
	}
	return first;
}

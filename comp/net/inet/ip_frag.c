/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_frag.c - a datagram cut into fragments (RFC 791 section 3.2)
 *
 * Fragments share the datagram's blocks; each gets a header with what options
 * must be copied.  All but the last carry a multiple of eight bytes.
 */

#include "ip_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>

/* One fragment: bytes [off, off + len) of the payload of p, whose header is hdrlen long. */
static struct packet *
fragment_create(const struct packet *p, size_t hdrlen, size_t off, size_t len,
    const uint8_t *hdr, size_t newlen)
{
	struct packet *f = packet_clone(p, 0);

	if (f == NULL)
		return NULL;
	packet_skip(f, hdrlen + off);
	packet_trim(f, len);
	packet_recharge(f);
	/* There is headroom: where the datagram's header was, at least. */
	memcpy(packet_push(f, newlen), hdr, newlen);
	f->p_l3 = packet_offset(f);
	f->p_l4 = (uint16_t)(f->p_l3 + newlen);
	return f;
}

static int
fragment_plain(struct packet *p, uint32_t mtu, struct packetq *q)
{
	size_t hdrlen = ip_hdrlen_of(p->p_data), payload = p->p_len - hdrlen, len, room;
	struct packetq made = PACKETQ_INITIALIZER;
	uint8_t hdr[IP_HDRMAX];
	struct packet *f;
	struct ip_hdr ih;
	uint16_t frag;

	if (ip_hdr_parse(p->p_data, p->p_len, &ih) != 0) {
		packet_free(p);
		return EINVAL;
	}
	frag = ih.ih_frag;
	memcpy(hdr, p->p_data, hdrlen);
	for (size_t off = 0; off < payload; off += len) {
		room = (mtu - ih.ih_hdrlen) & ~(size_t)7;
		len = payload - off <= mtu - ih.ih_hdrlen ? payload - off : room;
		/* A fragment that is cut again keeps MF in its last piece. */
		ih.ih_frag = (uint16_t)((frag & IP_OFFMASK) + off / 8);
		if (off + len < payload || (frag & IP_MF) != 0)
			ih.ih_frag |= IP_MF;
		ih.ih_len = (uint16_t)(ih.ih_hdrlen + len);
		ip_hdr_build(hdr, &ih);
		f = fragment_create(p, hdrlen, off, len, hdr, ih.ih_hdrlen);
		if (f == NULL) {
			inet_count(IPSTAT_FRAGFAILS);
			packetq_drop(&made);
			packet_free(p);
			return ENOBUFS;
		}
		packetq_put(&made, f);
		if (off == 0)
			ih.ih_hdrlen = (uint8_t)(IP_HDRLEN + ip_opt_copied(p->p_data + IP_HDRLEN,
			    hdrlen - IP_HDRLEN, hdr + IP_HDRLEN));
	}
	inet_count(IPSTAT_FRAGOKS);
	inet_count_n(IPSTAT_FRAGCREATES, made.pq_n);
	/* The account of who sent it is settled when the last fragment goes. */
	if (made.pq_tail != NULL) {
		made.pq_tail->p_destroy = p->p_destroy;
		made.pq_tail->p_owner = p->p_owner;
		p->p_destroy = NULL;
		p->p_owner = NULL;
	}
	packetq_join(q, &made);
	packet_free(p);
	return 0;
}

int
ip_fragment(struct packet *p, uint32_t mtu, struct packetq *q)
{
	struct packetq segs = PACKETQ_INITIALIZER;
	int error, first = 0;

	if (mtu < IP_HDRMAX + 8) {
		packet_free(p);
		return EMSGSIZE;
	}
	if (p->p_gso != PKT_GSO_NONE) {
		error = packet_segment(p, &segs);
		if (error)
			return error;
	} else {
		packetq_put(&segs, p);
	}
	/* A sum over the whole cannot be left to the link any more. */
	while ((p = packetq_get(&segs)) != NULL) {
		if (p->p_csum == PKT_CSUM_PARTIAL && packet_csum_fill(p) != 0) {
			packet_free(p);
			first = EINVAL;
			continue;
		}
		error = fragment_plain(p, mtu, q);
		if (first == 0)
			first = error;
	}
	return first;
}

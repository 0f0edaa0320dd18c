/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * packet_segment.c - large packets cut into what a link can carry
 *
 * A packet with p_gso set is one TCP segment, or one UDP datagram, that
 * stands for a train of equal ones.  Cutting it copies the headers, shares
 * the blocks, and makes each header right: lengths, the IPv4 identification
 * and sum, TCP's sequence number and flags.
 *
 * The checksum of L4 stays PARTIAL: its field holds the sum of the pseudo
 * header with the length of the whole packet, as in virtio-net; here that
 * length is exchanged for the segment's (RFC 1624).
 */

#include "net_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>

#define SEGS_MAX	4096	/* a peer may ask for nonsense */

#define TCP_SEQ		4
#define TCP_DOFF	12
#define TCP_FLAGS	13
#define TCP_CSUM	16
#define TCP_FIN		0x01
#define TCP_PSH		0x08
#define TCP_CWR		0x80

#define UDP_LEN		4
#define UDP_CSUM	6

#define IP4_LEN		2
#define IP4_ID		4
#define IP4_CSUM	10
#define IP6_PLEN	4
#define IP6_HDRLEN	40

/* What is the same for all segments of a packet. */
struct cut {
	struct packet	*ct_p;
	size_t		 ct_front;	/* offset in the room of the first header */
	size_t		 ct_hdrlen;	/* from there to the payload */
	size_t		 ct_l4len;	/* of L4's header */
	size_t		 ct_payload;
	bool		 ct_ip6;
	bool		 ct_udp;
	uint32_t	 ct_csumbase;	/* field of the checksum without the length */
	unsigned int	 ct_frag;	/* where the next segment begins: */
	uint32_t	 ct_fragoff;	/* ... in the fragments */
	size_t		 ct_linear;	/* ... or so far into the linear payload */
};

/* --- is it fit to be cut? -------------------------------------------------------- */

static int
cut_l3(struct cut *ct)
{
	const struct packet *p = ct->ct_p;
	const uint8_t *l3 = p->p_room + p->p_l3;
	size_t room = (size_t)(p->p_room + p->p_l4 - l3);

	ct->ct_ip6 = l3[0] >> 4 == 6;
	if (p->p_gso == PKT_GSO_TCP4 && ct->ct_ip6)
		return EINVAL;
	if (p->p_gso == PKT_GSO_TCP6 && !ct->ct_ip6)
		return EINVAL;
	if (ct->ct_ip6)
		return room >= IP6_HDRLEN ? 0 : EINVAL;
	if (l3[0] >> 4 != 4 || (l3[0] & 15) < 5 || (size_t)(l3[0] & 15) * 4 != room)
		return EINVAL;
	return 0;
}

static int
cut_l4(struct cut *ct)
{
	struct packet *p = ct->ct_p;
	size_t l4 = p->p_l4 - ct->ct_front;

	ct->ct_udp = p->p_gso == PKT_GSO_UDP;
	if (packet_pullup(p, l4 + (ct->ct_udp ? 8 : 20)) != 0)
		return EINVAL;
	/* The room may have moved. */
	ct->ct_front = packet_offset(p);
	ct->ct_l4len = 8;
	if (!ct->ct_udp)
		ct->ct_l4len = (p->p_room[p->p_l4 + TCP_DOFF] >> 4) * 4u;
	if (ct->ct_l4len < (ct->ct_udp ? 8u : 20u))
		return EINVAL;
	ct->ct_hdrlen = l4 + ct->ct_l4len;
	if (packet_pullup(p, ct->ct_hdrlen) != 0)
		return EINVAL;
	ct->ct_front = packet_offset(p);
	return 0;
}

/* The checksum's field less the length of the whole. */
static void
cut_csum(struct cut *ct)
{
	const struct packet *p = ct->ct_p;
	uint16_t field, len;
	uint8_t raw[2];

	be16_put(raw, (uint16_t)(ct->ct_l4len + ct->ct_payload));
	memcpy(&len, raw, sizeof(len));
	memcpy(&field, p->p_room + p->p_csum_start + p->p_csum_off, sizeof(field));
	ct->ct_csumbase = (uint32_t)field + (uint16_t)~len;
}

static int
cut_check(struct cut *ct, struct packet *p)
{
	int error;

	*ct = (struct cut){ .ct_p = p, .ct_front = packet_offset(p) };
	if (p->p_gso_size == 0 || p->p_csum != PKT_CSUM_PARTIAL ||
	    p->p_l3 < ct->ct_front || p->p_l4 <= p->p_l3 ||
	    p->p_csum_start != p->p_l4 ||
	    packet_pullup(p, p->p_l4 - ct->ct_front) != 0)
		return EINVAL;
	ct->ct_front = packet_offset(p);
	error = cut_l3(ct);
	if (error == 0)
		error = cut_l4(ct);
	if (error)
		return error;
	if (p->p_csum_off != (ct->ct_udp ? UDP_CSUM : TCP_CSUM))
		return EINVAL;
	ct->ct_payload = p->p_len - ct->ct_hdrlen;
	if (ct->ct_payload / p->p_gso_size >= SEGS_MAX)
		return EINVAL;
	cut_csum(ct);
	return 0;
}

/* --- cutting --------------------------------------------------------------------- */

/* Everything about the packet that its segments inherit, and the headers. */
static struct packet *
seg_create(const struct cut *ct)
{
	const struct packet *p = ct->ct_p;
	struct packet *s = packet_alloc(0);

	if (s == NULL)
		return NULL;
	memcpy(s, p, offsetof(struct packet, p_frag));
	s->p_next = NULL;
	s->p_destroy = NULL;
	s->p_owner = NULL;
	s->p_nfrags = 0;
	s->p_gso = PKT_GSO_NONE;
	s->p_gso_size = s->p_gso_segs = 0;
	s->p_gso_ecn = 0;
	s->p_truesize = sizeof(*s);
	s->p_data = s->p_room + ct->ct_front;
	s->p_tail = s->p_data + ct->ct_hdrlen;
	s->p_len = (uint32_t)ct->ct_hdrlen;
	memcpy(s->p_data, p->p_data, ct->ct_hdrlen);
	return s;
}

/* The next len bytes of payload: what is linear is copied, blocks are shared. */
static void
seg_fill(struct cut *ct, struct packet *s, size_t len)
{
	const struct packet *p = ct->ct_p;
	size_t linear = packet_linear(p) - ct->ct_hdrlen - ct->ct_linear, part;

	if (linear > 0) {
		part = len < linear ? len : linear;
		memcpy(packet_append(s, part),
		    p->p_data + ct->ct_hdrlen + ct->ct_linear, part);
		ct->ct_linear += part;
		len -= part;
	}
	while (len > 0) {
		const struct pktfrag *pf = &p->p_frag[ct->ct_frag];

		part = pf->pf_len - ct->ct_fragoff;
		if (part > len)
			part = len;
		if (part > 0) {
			pktbuf_hold(pf->pf_buf);
			(void)packet_addfrag(s, pf->pf_buf,
			    pf->pf_off + ct->ct_fragoff, (uint32_t)part);
		}
		len -= part;
		ct->ct_fragoff += (uint32_t)part;
		if (ct->ct_fragoff == pf->pf_len) {
			ct->ct_frag++;
			ct->ct_fragoff = 0;
		}
	}
}

static void
seg_l3(const struct cut *ct, struct packet *s, unsigned int n)
{
	uint8_t *l3 = s->p_room + s->p_l3;
	size_t len = s->p_len - (s->p_l3 - ct->ct_front);
	uint16_t sum;

	if (ct->ct_ip6) {
		be16_put(l3 + IP6_PLEN, (uint16_t)(len - IP6_HDRLEN));
		return;
	}
	be16_put(l3 + IP4_LEN, (uint16_t)len);
	be16_put(l3 + IP4_ID, (uint16_t)(be16_get(l3 + IP4_ID) + n));
	be16_put(l3 + IP4_CSUM, 0);
	sum = packet_sum_fold(sum_bytes(l3, (l3[0] & 15) * 4u));
	memcpy(l3 + IP4_CSUM, &sum, sizeof(sum));
}

/* off: of its payload in the whole. */
static void
seg_l4(const struct cut *ct, struct packet *s, size_t off, size_t len)
{
	uint8_t *l4 = s->p_room + s->p_l4, raw[2];
	uint16_t word;

	if (ct->ct_udp) {
		be16_put(l4 + UDP_LEN, (uint16_t)(ct->ct_l4len + len));
	} else {
		be32_put(l4 + TCP_SEQ, be32_get(l4 + TCP_SEQ) + (uint32_t)off);
		if (off + len < ct->ct_payload)
			l4[TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
		if (off > 0)
			l4[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
	}
	be16_put(raw, (uint16_t)(ct->ct_l4len + len));
	memcpy(&word, raw, sizeof(word));
	/* Not inverted: it is part of the sum that is still to be made. */
	word = (uint16_t)~packet_sum_fold(ct->ct_csumbase + word);
	memcpy(l4 + s->p_csum_off, &word, sizeof(word));
}

static int
cut_all(struct cut *ct, struct packetq *q)
{
	size_t size = ct->ct_p->p_gso_size, off = 0, len;
	unsigned int n = 0;

	do {
		struct packet *s = seg_create(ct);

		if (s == NULL)
			return ENOMEM;
		len = ct->ct_payload - off;
		if (len > size)
			len = size;
		seg_fill(ct, s, len);
		seg_l3(ct, s, n++);
		seg_l4(ct, s, off, len);
		packetq_put(q, s);
		off += len;
	} while (off < ct->ct_payload);
	return 0;
}

int
packet_segment(struct packet *p, struct packetq *q)
{
	struct packetq made = PACKETQ_INITIALIZER;
	struct cut ct;
	int error;

	error = cut_check(&ct, p);
	if (error == 0)
		error = cut_all(&ct, &made);
	if (error)
		packetq_drop(&made);
	else
		packetq_join(q, &made);
	packet_free(p);
	return error;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_output.c - IPv6 packets that leave
 *
 * A batch goes one way with one header.  Only a source fragments, and only what
 * the path MTU asks for (RFC 8200 section 5); a GSO packet is as long as its segments.
 * What goes to a group that we are in comes back through if_input().
 *
 * Flow labels (RFC 6437): who does not choose gets one that follows from the flow and a
 * secret, so that routers can spread flows over paths and nobody can guess.
 */

#include "ip6_impl.h"

#include <lib/bytes.h>
#include <lib/hash.h>
#include <lib/string.h>

/* What the packets of a batch have in common. */
struct ip6_out {
	const struct inet_tx *o_tx;
	struct rtdst	*o_rd;
	struct ip6_ns	*o_ns;
	struct ip6_fixed o_f;
	uint32_t	 o_mtu;
	uint32_t	 o_hdrlen;	/* with extension headers */
	struct packetq	 o_q;		/* complete */
};

/* --- to the link ---------------------------------------------------------------- */

static void
group_transmit(struct rtdst *rd, struct packetq *q)
{
	struct ifnet *ifp = rd->rd_ifp;
	uint8_t ll[IF_LLADDR] = { 0 };
	struct inaddr dst;

	memcpy(&dst, q->pq_head->p_data + 24, sizeof(dst));
	ip6_group_lladdr(&dst, ll);
	for (struct packet *p = q->pq_head; p != NULL; p = p->p_next)
		if_l2header(ifp, p, IP6_ETHERTYPE, ll);
	if_transmit(ifp, q);
}

int
ip6_link_output(struct rtdst *rd, struct packetq *q)
{
	struct ifnet *ifp = rd->rd_ifp;
	uint8_t none[IF_LLADDR] = { 0 };
	struct neigh *n;

	if ((atomic_load(&ifp->if_flags) & IFF_UP) == 0) {
		packetq_drop(q);
		return ENETDOWN;
	}
	if (ifp->if_addrlen == 0 || (atomic_load(&ifp->if_flags) & IFF_LOOPBACK) != 0) {
		for (struct packet *p = q->pq_head; p != NULL; p = p->p_next)
			if_l2header(ifp, p, IP6_ETHERTYPE, none);
		if_transmit(ifp, q);
		return 0;
	}
	if ((rd->rd_flags & RTD_MULTICAST) != 0) {
		group_transmit(rd, q);
		return 0;
	}
	n = rtdst_neigh(rd);
	if (n == NULL) {
		counter_add(&ip6_count_out_dropped, q->pq_n);
		packetq_drop(q);
		return ENOBUFS;
	}
	neigh_output(n, q);
	return 0;
}

/* Copies for ourselves of what goes to a group we are in. */
static void
output_loop(const struct ip6_out *o, const struct packetq *q)
{
	struct ifnet *ifp = o->o_rd->rd_ifp;
	const struct ip6_if *ii = ip6_if(ifp);
	struct packetq back = PACKETQ_INITIALIZER;
	uint8_t ll[IF_LLADDR] = { 0 };

	if ((atomic_load(&ifp->if_flags) & IFF_LOOPBACK) != 0 || ii == NULL ||
	    (o->o_tx->it_flags & INET_TX_NOLOOP) != 0 || !mld_member(ii, &o->o_f.f_dst))
		return;
	ip6_group_lladdr(&o->o_f.f_dst, ll);
	for (const struct packet *p = q->pq_head; p != NULL; p = p->p_next) {
		struct packet *copy = packet_clone(p, KM_NOSLEEP);

		if (copy == NULL)
			continue;
		copy->p_flags |= PKT_F_LOOPED;
		if_l2header(ifp, copy, IP6_ETHERTYPE, ll);
		packetq_put(&back, copy);
	}
	if (back.pq_head != NULL)
		if_input(ifp, &back);
}

/* --- the header --------------------------------------------------------------------- */

uint32_t
ip6_flowlabel(const struct ip6_ns *n, const struct inet_tx *tx, uint32_t ports)
{
	struct {
		struct inaddr src, dst;
		uint32_t ports, proto;
	} flow = { tx->it_src, tx->it_dst, ports, tx->it_proto };
	uint64_t seed;

	memcpy(&seed, n->n_flowkey, sizeof(seed));
	return (uint32_t)(hash_bytes(&flow, sizeof(flow), seed) >> 20) & 0xfffff;
}

/* TCP and UDP have their ports first; others are one flow per pair of hosts. */
static uint32_t
packet_ports(const struct inet_tx *tx, const struct packet *p)
{
	uint32_t ports = 0, tmp;
	const void *at;

	if (tx->it_proto != IPPROTO_TCP && tx->it_proto != IPPROTO_UDP)
		return 0;
	at = packet_peek(p, 0, sizeof(tmp), &tmp);
	if (at != NULL)
		memcpy(&ports, at, sizeof(ports));
	return ports;
}

static uint32_t
output_label(const struct ip6_ns *n, const struct inet_tx *tx, const struct packet *p)
{
	int when = netvar_get(tx->it_ns, &ip6_var_auto_flowlabels);
	uint32_t label = net32(tx->it_flowinfo) & 0xfffff;

	if (label != 0)
		return label;
	/* INET_TX_NOLABEL: the socket said no; 3 overrides it. */
	if (when == 0 || when == 2 || (when == 1 && (tx->it_flags & INET_TX_NOLABEL) != 0))
		return 0;
	return ip6_flowlabel(n, tx, packet_ports(tx, p));
}

static uint8_t
output_hops(const struct inet_tx *tx, const struct rtdst *rd)
{
	const struct ip6_if *ii = ip6_if(rd->rd_ifp);
	uint8_t said = ii != NULL ? atomic_load(&ii->ii_hops) : 0;

	if (tx->it_ttl >= 0)
		return (uint8_t)tx->it_ttl;
	if ((rd->rd_flags & RTD_MULTICAST) != 0)
		return 1;
	if (rd->rd_hoplimit != 0)
		return rd->rd_hoplimit;
	return said != 0 ? said : (uint8_t)netvar_get(tx->it_ns, &ip6_var_hoplimit);
}

static void
output_prepare(struct ip6_out *o, const struct inet_tx *tx, struct rtdst *rd,
    const struct packet *first)
{
	uint32_t link = ip6_if_mtu(rd->rd_ifp), path = rtdst_mtu(rd);

	o->o_tx = tx;
	o->o_rd = rd;
	o->o_ns = ip6_ns(tx->it_ns);
	o->o_f.f_tclass = tx->it_tos;
	o->o_f.f_flow = output_label(o->o_ns, tx, first);
	o->o_f.f_hops = output_hops(tx, rd);
	o->o_f.f_next = tx->it_optlen != 0 ? tx->it_optnext : tx->it_proto;
	o->o_f.f_src = tx->it_src;
	o->o_f.f_dst = tx->it_dst;
	o->o_hdrlen = IP6_HDRLEN + tx->it_optlen;
	o->o_mtu = (tx->it_flags & INET_TX_PROBE) != 0 || path > link ? link : path;
	packetq_init(&o->o_q);
}

/* On the wire: of a GSO packet that is a segment. */
static uint32_t
wire_length(const struct packet *p, uint32_t hdrlen)
{
	uint32_t l4 = 8;

	if (p->p_gso == PKT_GSO_NONE)
		return p->p_len;
	if (p->p_gso == PKT_GSO_TCP6 || p->p_gso == PKT_GSO_TCP4)
		l4 = (uint32_t)(p->p_room[p->p_l4 + 12] >> 4) * 4;
	return hdrlen + l4 + p->p_gso_size;
}

/* Bytes in front that every fragment has: up to the last hop-by-hop or routing header. */
static uint32_t
unfragmentable(const struct inet_tx *tx)
{
	uint32_t off = 0, keep = 0;
	uint8_t type = tx->it_optnext;

	while (off + 8 <= tx->it_optlen) {
		uint8_t here = type;

		type = tx->it_options[off];
		off += (uint32_t)ip6_ext_len(here, tx->it_options + off);
		if (here == IP6_NH_HOPOPTS || here == IP6_NH_ROUTING)
			keep = off;
	}
	return IP6_HDRLEN + (keep <= tx->it_optlen ? keep : tx->it_optlen);
}

static int
output_one(struct ip6_out *o, struct packet *p)
{
	const struct inet_tx *tx = o->o_tx;
	int error = 0;

	p->p_l4 = packet_offset(p);
	if (p->p_len + tx->it_optlen > IP6_PAYLOAD_MAX)
		error = EMSGSIZE;
	else if (packet_headroom(p) < o->o_hdrlen + o->o_rd->rd_ifp->if_hdrlen)
		error = ENOBUFS;
	else if (wire_length(p, o->o_hdrlen) + (p->p_gso == PKT_GSO_NONE ? o->o_hdrlen : 0) >
	    o->o_mtu && (tx->it_flags & INET_TX_DF) != 0)
		error = EMSGSIZE;
	if (error) {
		packet_free(p);
		return error;
	}
	if (tx->it_optlen != 0)
		memcpy(packet_push(p, tx->it_optlen), tx->it_options, tx->it_optlen);
	o->o_f.f_plen = (uint16_t)p->p_len;
	ip6_fixed_build(packet_push(p, IP6_HDRLEN), &o->o_f);
	p->p_l3 = packet_offset(p);
	p->p_ethertype = IP6_ETHERTYPE;
	p->p_type = PKT_OUTGOING;
	if (wire_length(p, o->o_hdrlen) <= o->o_mtu) {
		packetq_put(&o->o_q, p);
		return 0;
	}
	return ip6_fragment(o->o_ns, p, o->o_mtu, unfragmentable(tx), &o->o_q);
}

int
ip6_output(const struct inet_tx *tx, struct rtdst *rd, struct packetq *q)
{
	struct ip6_out o;
	struct packet *p;
	int error = 0, first;

	if (q->pq_head == NULL)
		return 0;
	output_prepare(&o, tx, rd, q->pq_head);
	counter_add(&ip6_count_out, q->pq_n);
	while ((p = packetq_get(q)) != NULL) {
		first = output_one(&o, p);
		if (error == 0)
			error = first;
	}
	if (o.o_q.pq_head == NULL)
		return error;
	if ((rd->rd_flags & RTD_MULTICAST) != 0) {
		output_loop(&o, &o.o_q);
		/* What may make no hop, or belongs to the interface alone, stays. */
		if ((o.o_f.f_hops == 0 || (o.o_f.f_dst.ia_b[1] & 15) <= IP6_SCOPE_IF) &&
		    (rd->rd_ifp->if_flags & IFF_LOOPBACK) == 0) {
			packetq_drop(&o.o_q);
			return error;
		}
	}
	first = ip6_link_output(rd, &o.o_q);
	return error != 0 ? error : first;
}

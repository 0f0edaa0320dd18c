/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_output.c - IPv4 packets that leave
 *
 * A batch goes one way, with one header: it is made once and completed for each
 * packet.  What is larger than the path takes is cut into fragments unless DF is
 * asked for; a GSO packet is as large as its segments.  Multicasts and broadcasts
 * come back to us as well, through if_input(), so that nothing recurses.
 *
 * Identification (RFC 6864): a datagram that will not be cut carries 0 and DF;
 * others take a number from a counter which the path's addresses choose by a
 * secret, so that nobody can count what we send to others.
 */

#include "ip_impl.h"

#include <lib/hash.h>
#include <lib/string.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/random.h>

#define IDS		1024

static uint32_t ip_ids[IDS];		/* a */
static uint64_t ip_idsecret;		/* c */

int
ip_output_init(void)
{
	random_bytes(ip_ids, sizeof(ip_ids));
	ip_idsecret = random_u64();
	return 0;
}

uint16_t
ip_newid(const struct inaddr *src, const struct inaddr *dst, uint8_t proto)
{
	uint64_t h = hash_u64((ip_idsecret + proto) ^ ((uint64_t)src->ia_w[0] << 32 | dst->ia_w[0]));

	return (uint16_t)(atomic_add(&ip_ids[h % IDS], 1) + (uint32_t)(h >> 40));
}

/* --- to the link ---------------------------------------------------------- */

/* Group and broadcast addresses need nobody to be asked: RFC 1112 section 6.4. */
static void
transmit_group(struct rtdst *rd, struct packetq *q)
{
	struct ifnet *ifp = rd->rd_ifp;
	uint8_t mac[IF_LLADDR];

	if ((rd->rd_flags & RTD_MULTICAST) != 0)
		ip_mcast_mac(&rd->rd_hop, mac);
	else
		memcpy(mac, ifp->if_broadcast, sizeof(mac));
	for (struct packet *p = q->pq_head; p != NULL; p = p->p_next)
		if_l2header(ifp, p, ETHERTYPE_IP, mac);
	if_transmit(ifp, q);
}

static struct neigh *
transmit_neigh(struct rtdst *rd)
{
	struct neigh *n = atomic_load_acq(&rd->rd_neigh), *none = NULL;

	if (n != NULL)
		return n;
	n = neigh_get(rd->rd_ifp, rd->rd_gwfamily != 0 ? rd->rd_gwfamily : AF_INET, &rd->rd_hop);
	if (n == NULL)
		return NULL;
	if (!atomic_cas_ar(&rd->rd_neigh, &none, n)) {
		neigh_rele(n);
		n = none;
	}
	return n;
}

int
ip_transmit(struct rtdst *rd, struct packetq *q)
{
	struct ifnet *ifp = rd->rd_ifp;
	struct neigh *n;

	if ((atomic_load(&ifp->if_flags) & IFF_UP) == 0) {
		inet_count_n(IPSTAT_OUTDISCARDS, q->pq_n);
		packetq_drop(q);
		return ENETDOWN;
	}
	if (ifp->if_addrlen == 0 || (ifp->if_flags & (IFF_LOOPBACK | IFF_NOARP)) != 0) {
		for (struct packet *p = q->pq_head; p != NULL; p = p->p_next)
			if_l2header(ifp, p, ETHERTYPE_IP, ifp->if_lladdr);
		if_transmit(ifp, q);
		return 0;
	}
	if ((rd->rd_flags & (RTD_MULTICAST | RTD_BROADCAST)) != 0) {
		transmit_group(rd, q);
		return 0;
	}
	n = transmit_neigh(rd);
	if (n == NULL) {
		inet_count_n(IPSTAT_OUTDISCARDS, q->pq_n);
		packetq_drop(q);
		return ENOBUFS;
	}
	neigh_output(n, q);
	return 0;
}

/* Copies for ourselves of what goes to a group we are in, or to everybody. */
static void
output_loop(const struct inet_tx *tx, struct rtdst *rd, const struct packetq *q)
{
	struct ifnet *ifp = rd->rd_ifp;
	struct packetq back = PACKETQ_INITIALIZER;
	uint8_t mac[IF_LLADDR];

	if ((ifp->if_flags & IFF_LOOPBACK) != 0)
		return;
	if ((rd->rd_flags & RTD_MULTICAST) != 0) {
		if ((tx->it_flags & INET_TX_NOLOOP) != 0 || !ip_mcif_member(ifp, &tx->it_dst))
			return;
		ip_mcast_mac(&tx->it_dst, mac);
	} else if ((rd->rd_flags & RTD_BROADCAST) != 0) {
		memcpy(mac, ifp->if_broadcast, sizeof(mac));
	} else {
		return;
	}
	for (const struct packet *p = q->pq_head; p != NULL; p = p->p_next) {
		struct packet *copy = packet_clone(p, 0);

		if (copy == NULL)
			continue;
		copy->p_flags |= PKT_F_LOOPED;
		if_l2header(ifp, copy, ETHERTYPE_IP, mac);
		packetq_put(&back, copy);
	}
	if (back.pq_head != NULL)
		if_input(ifp, &back);
}

/* --- the header ----------------------------------------------------------- */

/* What all packets of a batch have in common. */
struct ip_out {
	const struct inet_tx *io_tx;
	struct rtdst	*io_rd;
	struct ip_hdr	 io_ih;
	uint8_t		 io_opt[IP_HDRMAX - IP_HDRLEN];
	uint32_t	 io_mtu;
	struct packetq	 io_q;		/* complete, for the link */
};

static int
output_prepare(struct ip_out *io, const struct inet_tx *tx, struct rtdst *rd)
{
	size_t optlen = tx->it_optlen, padded = (optlen + 3) & ~(size_t)3;
	int ttl = tx->it_ttl;

	if (padded > sizeof(io->io_opt))
		return EINVAL;
	memset(io->io_opt, 0, padded);
	if (optlen != 0)
		memcpy(io->io_opt, tx->it_options, optlen);
	if (ttl < 0)
		ttl = (rd->rd_flags & RTD_MULTICAST) != 0 ? 1 :
		    rd->rd_hoplimit != 0 ? rd->rd_hoplimit :
							    netvar_get(tx->it_ns, &netvar_ip_default_ttl);
	io->io_tx = tx;
	io->io_rd = rd;
	io->io_ih.ih_hdrlen = (uint8_t)(IP_HDRLEN + padded);
	io->io_ih.ih_tos = tx->it_tos;
	io->io_ih.ih_ttl = (uint8_t)ttl;
	io->io_ih.ih_proto = tx->it_proto;
	io->io_ih.ih_src = tx->it_src;
	io->io_ih.ih_dst = tx->it_dst;
	io->io_mtu = (tx->it_flags & INET_TX_PROBE) != 0 ? atomic_load(&rd->rd_ifp->if_mtu) :
							    rtdst_mtu(rd);
	packetq_init(&io->io_q);
	return 0;
}

/* Length on the wire: of a GSO packet that of a segment. */
static uint32_t
wire_length(const struct packet *p, uint32_t hdrlen)
{
	uint32_t l4 = 8;

	if (p->p_gso == PKT_GSO_NONE)
		return p->p_len;
	if (p->p_gso != PKT_GSO_UDP)
		l4 = (uint32_t)(p->p_room[p->p_l4 + 12] >> 4) * 4;
	return hdrlen + l4 + p->p_gso_size;
}

static int
output_one(struct ip_out *io, struct packet *p)
{
	struct ip_hdr *ih = &io->io_ih;
	bool df = (io->io_tx->it_flags & INET_TX_DF) != 0, fits;
	uint8_t *h;

	p->p_l4 = packet_offset(p);
	if (p->p_len + ih->ih_hdrlen > IP_MAXLEN) {
		packet_free(p);
		return EMSGSIZE;
	}
	if (packet_headroom(p) < (size_t)ih->ih_hdrlen + io->io_rd->rd_ifp->if_hdrlen) {
		packet_free(p);
		return ENOBUFS;
	}
	h = packet_push(p, ih->ih_hdrlen);
	p->p_l3 = packet_offset(p);
	fits = wire_length(p, ih->ih_hdrlen) <= io->io_mtu;
	if (!fits && df) {
		inet_count(IPSTAT_FRAGFAILS);
		packet_free(p);
		return EMSGSIZE;
	}
	ih->ih_len = (uint16_t)p->p_len;
	ih->ih_frag = df ? IP_DF : 0;
	ih->ih_id = df ? 0 : ip_newid(&ih->ih_src, &ih->ih_dst, ih->ih_proto);
	memcpy(h + IP_HDRLEN, io->io_opt, ih->ih_hdrlen - (size_t)IP_HDRLEN);
	ip_hdr_build(h, ih);
	if (!fits)
		return ip_fragment(p, io->io_mtu, &io->io_q);
	packetq_put(&io->io_q, p);
	return 0;
}

int
ip_output(const struct inet_tx *tx, struct rtdst *rd, struct packetq *q)
{
	struct packet *p;
	struct ip_out io;
	int error, first;

	error = output_prepare(&io, tx, rd);
	if (error) {
		packetq_drop(q);
		return error;
	}
	inet_count_n(IPSTAT_OUTREQUESTS, q->pq_n);
	while ((p = packetq_get(q)) != NULL) {
		first = output_one(&io, p);
		if (error == 0)
			error = first;
	}
	if (io.io_q.pq_head == NULL)
		return error;
	if ((rd->rd_flags & (RTD_MULTICAST | RTD_BROADCAST)) != 0) {
		output_loop(tx, rd, &io.io_q);
		/* TTL 0 does not leave the host: ip(7), RFC 1112 section 6.1. */
		if (io.io_ih.ih_ttl == 0) {
			packetq_drop(&io.io_q);
			return error;
		}
	}
	first = ip_transmit(rd, &io.io_q);
	return error != 0 ? error : first;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_forward.c - packets of others, when net.ipv4.ip_forward says that we are a router
 *
 * In the order of RFC 1812 section 5.2.1: may it be forwarded at all, is there time left,
 * is there a way, does it fit that way.  The sender hears of each no, and of a
 * better gateway on its own link (section 5.2.7.2).
 *
 * A fragment is forwarded as it is.  Options are recorded in, source routes refused.
 */

#include "ip_impl.h"

#include <lib/string.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/errno.h>

static bool
forward_allowed(struct ifnet *ifp, const struct packet *p, const struct ip_hdr *ih)
{
	if (netvar_get(ifp->if_ns, &netvar_ip_forward) == 0 || p->p_type != PKT_HOST)
		return false;
	/* RFC 3927 section 7: link-local stays on its link; RFC 1812 section 4.2.2.11. */
	return !(ih->ih_src.ia_b[0] == 169 && ih->ih_src.ia_b[1] == 254) &&
	    !(ih->ih_dst.ia_b[0] == 169 && ih->ih_dst.ia_b[1] == 254) &&
	    ih->ih_dst.ia_b[0] != 0 && ih->ih_dst.ia_b[0] < 240;
}

static int
forward_route(struct ifnet *ifp, const struct packet *p, const struct ip_hdr *ih,
    struct rtdst **ret_rd)
{
	struct rtkey rk = {
		.rk_family = AF_INET, .rk_dst = ih->ih_dst, .rk_src = ih->ih_src,
		.rk_iif = ifp->if_index, .rk_mark = p->p_mark, .rk_tos = ih->ih_tos,
	};
	int error = route_lookup(ifp->if_ns, &rk, ret_rd);

	if (error == 0 && ((*ret_rd)->rd_flags & (RTD_LOCAL | RTD_MULTICAST)) != 0) {
		rtdst_rele(*ret_rd);
		return EINVAL;
	}
	if (error == 0 && ((*ret_rd)->rd_flags & RTD_BROADCAST) != 0 &&
	    netvar_get(ifp->if_ns, &netvar_bc_forwarding) == 0) {
		rtdst_rele(*ret_rd);
		return EINVAL;
	}
	return error;
}

static void
forward_no_route(struct ifnet *ifp, const struct packet *p, int error)
{
	inet_count(IPSTAT_OUTNOROUTES);
	if (error == EACCES)
		ip_error(ifp, p, INET_ERR_PROHIBITED, 0);
	else if (error == ENETUNREACH)
		ip_error(ifp, p, INET_ERR_NET_UNREACH, 0);
	else if (error == EHOSTUNREACH)
		ip_error(ifp, p, INET_ERR_HOST_UNREACH, 0);
}

/* Back where it came from, to a neighbour that its sender could reach itself. */
static void
forward_redirect(struct ifnet *ifp, const struct packet *p, const struct ip_hdr *ih,
    const struct rtdst *rd)
{
	struct rtdst *back;
	bool onlink;

	if (rd->rd_ifp != ifp || (atomic_load(&ifp->if_flags) & IFF_LOOPBACK) != 0 ||
	    netvar_get(ifp->if_ns, &netvar_send_redirects) == 0 ||
	    (rd->rd_gwfamily != 0 && rd->rd_gwfamily != AF_INET))
		return;
	if (route_lookup(ifp->if_ns,
		&(struct rtkey){ .rk_family = AF_INET, .rk_dst = ih->ih_src }, &back) != 0)
		return;
	onlink = back->rd_ifp == ifp && (back->rd_flags & RTD_GATEWAY) == 0;
	rtdst_rele(back);
	if (onlink)
		icmp_send_redirect(ifp, p, &rd->rd_hop);
}

/* Our mark in record route and time stamp; a source route is not for us to follow. */
static bool
forward_options(struct ifnet *ifp, struct packet *p, const struct ip_hdr *ih,
    const struct rtdst *rd)
{
	uint8_t *opt = p->p_data + IP_HDRLEN;
	uint32_t ms = (uint32_t)(clock_wall() / 1000000 % 86400000);
	struct ip_optinfo io;
	size_t at = 0;

	if (ih->ih_hdrlen == IP_HDRLEN)
		return true;
	if (ip_opt_parse(opt, ih->ih_hdrlen - (size_t)IP_HDRLEN, &io, &at) != 0)
		return false;
	if (io.io_strict && io.io_srcroute != IP_OPT_NONE && (rd->rd_flags & RTD_GATEWAY) != 0) {
		ip_error(ifp, p, INET_ERR_SRCROUTE, 0);
		return false;
	}
	if (!ip_opt_record(opt, &io, &rd->rd_src, ms, &at)) {
		ip_error(ifp, p, INET_ERR_PARAM, (uint32_t)(IP_HDRLEN + at));
		return false;
	}
	ip_hdr_sum(p->p_data, ih->ih_hdrlen);
	return true;
}

/* GSO packets are as large as their segments. */
static uint32_t
forward_length(const struct packet *p, const struct ip_hdr *ih)
{
	uint32_t l4 = 8;
	uint8_t doff;
	const uint8_t *b;

	if (p->p_gso == PKT_GSO_NONE)
		return p->p_len;
	if (p->p_gso != PKT_GSO_UDP) {
		b = packet_peek(p, ih->ih_hdrlen + 12u, 1, &doff);
		l4 = b == NULL ? 20 : (uint32_t)(*b >> 4) * 4;
	}
	return ih->ih_hdrlen + l4 + p->p_gso_size;
}

static void
forward_send(struct ifnet *ifp, struct packet *p, const struct ip_hdr *ih, struct rtdst *rd)
{
	struct packetq q = PACKETQ_INITIALIZER;
	uint32_t mtu = rtdst_mtu(rd);

	if (forward_length(p, ih) > mtu) {
		if ((ih->ih_frag & IP_DF) != 0) {
			inet_count(IPSTAT_FRAGFAILS);
			ip_error(ifp, p, INET_ERR_TOOBIG, mtu);
			packet_free(p);
			return;
		}
		if (ip_fragment(p, mtu, &q) != 0 && q.pq_head == NULL)
			return;
	} else {
		packetq_put(&q, p);
	}
	inet_count(IPSTAT_FORWDATAGRAMS);
	ip_transmit(rd, &q);
}

void
ip_forward(struct ifnet *ifp, struct packet *p, const struct ip_hdr *ih)
{
	struct rtdst *rd;
	int error;

	if (!forward_allowed(ifp, p, ih)) {
		inet_count(IPSTAT_INADDRERRORS);
		goto drop;
	}
	if (ih->ih_ttl <= 1) {
		inet_count(IPSTAT_INHDRERRORS);
		ip_error(ifp, p, INET_ERR_TTL, 0);
		goto drop;
	}
	error = forward_route(ifp, p, ih, &rd);
	if (error) {
		forward_no_route(ifp, p, error);
		goto drop;
	}
	if (!forward_options(ifp, p, ih, rd) ||
	    packet_headroom(p) < rd->rd_ifp->if_hdrlen) {
		inet_count(IPSTAT_INDISCARDS);
		rtdst_rele(rd);
		goto drop;
	}
	forward_redirect(ifp, p, ih, rd);
	ip_hdr_dec_ttl(p->p_data);
	p->p_l4 = (uint16_t)(p->p_l3 + ih->ih_hdrlen);
	p->p_flags = (uint8_t)((p->p_flags | PKT_F_FORWARD) & ~PKT_F_LOOPED);
	p->p_type = PKT_OUTGOING;
	forward_send(ifp, p, ih, rd);
	rtdst_rele(rd);
	return;
drop:
	packet_free(p);
}

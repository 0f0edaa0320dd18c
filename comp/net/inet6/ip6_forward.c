/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_forward.c - packets of others, passed on
 *
 * A router takes one off the hop limit and nothing else; what does not fit the next link
 * is the sender's to cut (RFC 8200 section 5).
 *
 * NEEDSWORK: redirects are not sent (RFC 4861 section 8.2), groups are not routed.
 */

#include "ip6_impl.h"

#include <lib/string.h>

/* RFC 4291 section 2.5.6, 4007 section 9: what may not leave its zone. */
static bool
zone_ok(const struct ip6_fixed *f)
{
	return !ip6_linklocal(&f->f_src) && !inaddr_zero(&f->f_src) &&
	    !ip6_loopback(&f->f_src) && !ip6_multicast(&f->f_dst);
}

static void
route_error(struct ifnet *ifp, const struct packet *p, int error)
{
	ip6_count(out_noroute);
	switch (error) {
	case EACCES:
		ip6_error(ifp, p, INET_ERR_PROHIBITED, 0);
		break;
	case EHOSTUNREACH:
		ip6_error(ifp, p, INET_ERR_HOST_UNREACH, 0);
		break;
	case ENETUNREACH:
		ip6_error(ifp, p, INET_ERR_NET_UNREACH, 0);
		break;
	default:		/* blackhole, no memory: silence */
		break;
	}
}

static bool
fits(const struct packet *p, uint32_t mtu)
{
	uint32_t l4;

	if (p->p_len <= mtu)
		return true;
	if (p->p_gso == PKT_GSO_NONE)
		return false;
	l4 = p->p_gso == PKT_GSO_UDP ? 8 : 60;
	return IP6_HDRLEN + l4 + p->p_gso_size <= mtu;
}

static void
forward_to(struct ifnet *ifp, struct packet *p, const struct ip6_fixed *f, struct rtdst *rd)
{
	uint32_t mtu = ip6_if_mtu(rd->rd_ifp), path = rtdst_mtu(rd);
	struct packetq q = PACKETQ_INITIALIZER;

	if (path < mtu)
		mtu = path;
	if (!fits(p, mtu)) {
		ip6_error(ifp, p, INET_ERR_TOOBIG, mtu);
		packet_free(p);
		return;
	}
	/* Where the last link's header was; a larger one finds no room. */
	if (packet_headroom(p) < rd->rd_ifp->if_hdrlen) {
		ip6_count(out_dropped);
		packet_free(p);
		return;
	}
	p->p_data[7] = (uint8_t)(f->f_hops - 1);
	p->p_flags |= PKT_F_FORWARD;
	p->p_l3 = packet_offset(p);
	p->p_ethertype = IP6_ETHERTYPE;
	p->p_type = PKT_OUTGOING;
	ip6_count(forwarded);
	packetq_put(&q, p);
	(void)ip6_link_output(rd, &q);
}

void
ip6_forward(struct ifnet *ifp, struct packet *p, const struct ip6_fixed *f)
{
	struct rtkey rk = {
		.rk_family = AF_INET6, .rk_dst = f->f_dst, .rk_src = f->f_src,
		.rk_iif = ifp->if_index, .rk_tos = f->f_tclass, .rk_mark = p->p_mark,
	};
	struct rtdst *rd;
	int error;

	if (!netvar_get(ifp->if_ns, &ip6_var_forwarding) || p->p_type != PKT_HOST ||
	    packet_pullup(p, IP6_HDRLEN) || !zone_ok(f)) {
		ip6_count(in_noroute);
		packet_free(p);
		return;
	}
	if (f->f_hops <= 1) {
		ip6_error(ifp, p, INET_ERR_TTL, 0);
		packet_free(p);
		return;
	}
	error = route_lookup(ifp->if_ns, &rk, &rd);
	if (error) {
		route_error(ifp, p, error);
		packet_free(p);
		return;
	}
	forward_to(ifp, p, f, rd);
	rtdst_rele(rd);
}

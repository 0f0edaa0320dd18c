/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * icmp6_input.c - received ICMPv6: echo, errors, and what goes on to ND and MLD
 *
 * An error is about a packet of ours that it quotes: the upper protocol of the
 * quote is told, with the errno that Linux's programs expect.  Path MTUs are kept by
 * the routes (RFC 8201); nobody can make one smaller than 1280.
 *
 * References: RFC 4443; RFC 8201.
 */

#include "ip6_impl.h"
#include "mld_wire.h"

#include <lib/bytes.h>
#include <lib/string.h>

/* --- echo --------------------------------------------------------------------- */

static void
echo_reply(struct netns *ns, struct packet *p)
{
	struct inet_rx rx = *INET_RX(p);
	struct rtkey rk = {
		.rk_family = AF_INET6, .rk_dst = rx.ir_src,
		.rk_oif = ip6_needs_scope(&rx.ir_src) ? rx.ir_ifindex : 0,
	};
	struct inet_tx tx = {
		.it_ns = ns, .it_family = AF_INET6, .it_proto = IPPROTO_ICMPV6,
		.it_ttl = -1, .it_dst = rx.ir_src, .it_tos = rx.ir_tos & 0xfc,
		.it_flags = INET_TX_NOLABEL, .it_flowinfo = rx.ir_flowinfo & net32(0xfffff),
	};
	struct packetq q = PACKETQ_INITIALIZER;
	struct rtdst *rd;

	if (inaddr_zero(&rx.ir_src) || route_lookup(ns, &rk, &rd)) {
		packet_free(p);
		return;
	}
	tx.it_src = (rx.ir_flags & INET_RX_MULTICAST) != 0 ? rd->rd_src : rx.ir_dst;
	/* The same packet: where its headers were there is room for ours. */
	p->p_data[0] = ICMP6_ECHOREPLY;
	p->p_flags = 0;
	p->p_csum = PKT_CSUM_NONE;
	p->p_time = 0;
	icmp6_sum(p, &tx.it_src, &tx.it_dst);
	packetq_put(&q, p);
	ip6_count(icmp_out);
	(void)ip6_output(&tx, rd, &q);
	rtdst_rele(rd);
}

/* --- errors ---------------------------------------------------------------------- */

struct errcode {
	uint8_t		 ec_err;	/* enum inet_err */
	int		 ec_errno;
	bool		 ec_fatal;
};

static struct errcode
unreach_convert(uint8_t code)
{
	static const struct errcode by_code[] = {
		{ INET_ERR_NET_UNREACH, ENETUNREACH, false },
		{ INET_ERR_PROHIBITED, EACCES, true },
		{ INET_ERR_HOST_UNREACH, EHOSTUNREACH, false },
		{ INET_ERR_HOST_UNREACH, EHOSTUNREACH, false },
		{ INET_ERR_PORT_UNREACH, ECONNREFUSED, true },
		{ INET_ERR_PROHIBITED, EACCES, true },
		{ INET_ERR_PROHIBITED, EACCES, true },
	};

	if (code < ARRAY_SIZE(by_code))
		return by_code[code];
	return (struct errcode){ INET_ERR_HOST_UNREACH, EPROTO, true };
}

static struct errcode
error_convert(uint8_t type, uint8_t code)
{
	switch (type) {
	case ICMP6_UNREACH:
		return unreach_convert(code);
	case ICMP6_TOOBIG:
		return (struct errcode){ INET_ERR_TOOBIG, EMSGSIZE, false };
	case ICMP6_TIME:
		return (struct errcode){ code == 0 ? INET_ERR_TTL : INET_ERR_REASM,
			EHOSTUNREACH, false };
	default:
		return (struct errcode){ code == 1 ? INET_ERR_PROTO_UNREACH : INET_ERR_PARAM,
			EPROTO, true };
	}
}

/* The quote, in one piece; its length is at most this. */
#define QUOTE_MAX	512

/* Fills in what the quote says; false: it is not about a packet of ours. */
static bool
quote_parse(struct inet_ctl *ic, const uint8_t *quote, size_t len, uint8_t *ret_proto)
{
	struct ip6_fixed f;
	size_t off;

	if (ip6_fixed_parse(quote, len, &f) || ip6_chain_skip(quote, len, &off, ret_proto) ||
	    len - off < 8)
		return false;
	ic->ic_src = f.f_src;
	ic->ic_dst = f.f_dst;
	ic->ic_l4off = (uint32_t)(8 + off);
	ic->ic_l4len = (uint32_t)(len - off < sizeof(ic->ic_l4) ? len - off :
	    sizeof(ic->ic_l4));
	memcpy(ic->ic_l4, quote + off, ic->ic_l4len);
	return ip6_islocal(ic->ic_ns, &f.f_src, ic->ic_ifindex);
}

void
icmp6_ctl(struct netns *ns, const struct packet *p)
{
	const struct inet_rx *rx = INET_RX(p);
	struct inet_ctl ic = {
		.ic_ns = ns, .ic_family = AF_INET6, .ic_ifindex = rx->ir_ifindex,
		.ic_offender = rx->ir_src, .ic_packet = p,
	};
	size_t len = p->p_len - 8 < QUOTE_MAX ? p->p_len - 8 : QUOTE_MAX;
	const struct inet_proto *proto;
	uint8_t buf[8 + QUOTE_MAX], upper;
	struct errcode ec;

	packet_copyout(p, 0, buf, 8 + len);
	ec = error_convert(buf[0], buf[1]);
	ic.ic_type = buf[0];
	ic.ic_code = buf[1];
	ic.ic_err = ec.ec_err;
	ic.ic_errno = ec.ec_errno;
	ic.ic_fatal = ec.ec_fatal;
	ic.ic_info = be32_get(buf + 4);
	if (!quote_parse(&ic, buf + 8, len, &upper)) {
		ip6_count(icmp_bad);
		return;
	}
	if (ic.ic_type == ICMP6_TOOBIG) {
		/* RFC 8201 section 4: less than that is not believed. */
		if (ic.ic_info < IP6_MINMTU || ip6_multicast(&ic.ic_dst))
			return;
		route_setpmtu(ns, AF_INET6, &ic.ic_dst, ic.ic_info);
	}
	if (upper == IPPROTO_ICMPV6) {
		ping_ctl(&ic);
		return;
	}
	proto = inet_proto(upper);
	if (proto != NULL && proto->ip_ctl != NULL)
		proto->ip_ctl(&ic);
}

/* --- all of it ----------------------------------------------------------------------- */

/* A version 1 report: only of interest while we would send the same. */
static void
mld_input(struct ifnet *ifp, struct packet *p)
{
	const struct inet_rx *rx = INET_RX(p);
	uint8_t buf[64];
	struct nd_msg m = { .m_data = buf, .m_src = rx->ir_src, .m_dst = rx->ir_dst,
		.m_hops = rx->ir_ttl, .m_len = p->p_len < sizeof(buf) ? p->p_len : sizeof(buf) };
	struct mld_query q;
	const char *why;
	struct inaddr group;
	bool alert = (rx->ir_flags & INET_RX_ALERT) != 0, bad;

	packet_copyout(p, 0, buf, m.m_len);
	if (buf[0] == MLD_QUERY && p->p_len > sizeof(buf))
		bad = !alert || rx->ir_ttl != 1 || !ip6_linklocal(&rx->ir_src);
	else if (buf[0] == MLD_QUERY)
		bad = mld_query_parse(&m, alert, &q, &why) != 0;
	else
		bad = mld_report1_parse(&m, alert, &group, &why) != 0;
	if (bad || ip6_if(ifp) == NULL || (p->p_flags & PKT_F_LOOPED) != 0) {
		if (bad)
			ip6_count(mld_bad);
		packet_free(p);
		return;
	}
	ip6_defer(ifp, p);
}

/* p's checksum is right.  Consumes p. */
static void
message_input(struct netns *ns, struct ifnet *ifp, struct packet *p, uint8_t type)
{
	switch (type) {
	case ICMP6_ECHO:
		echo_reply(ns, p);
		return;
	case ICMP6_ECHOREPLY:
		(void)ping_input(ns, p);
		break;
	case ICMP6_UNREACH:
	case ICMP6_TOOBIG:
	case ICMP6_TIME:
	case ICMP6_PARAM:
		icmp6_ctl(ns, p);
		break;
	case ND_RS:
	case ND_RA:
	case ND_NS:
	case ND_NA:
	case ND_REDIRECT:
		nd_input(ifp, p);
		return;
	case MLD_QUERY:
	case MLD_REPORT1:
		mld_input(ifp, p);
		return;
	default:
		break;
	}
	packet_free(p);
}

void
icmp6_input(struct netns *ns, struct packetq *q)
{
	struct packet *p;
	struct ifnet *ifp;
	uint8_t type;

	while ((p = packetq_get(q)) != NULL) {
		ip6_count(icmp_in);
		ifp = if_byindex(ns, INET_RX(p)->ir_ifindex);
		if (ifp == NULL || p->p_len < 8 || packet_pullup(p, 8) ||
		    !inet_csum_ok(&ip6_af, p, IPPROTO_ICMPV6)) {
			ip6_count(icmp_bad);
			packet_free(p);
			continue;
		}
		type = p->p_data[0];
		message_input(ns, ifp, p, type);
	}
}

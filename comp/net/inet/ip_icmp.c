/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_icmp.c - ICMP messages that came in
 *
 * Requests are answered, replies go to ping sockets, errors to the protocol whose
 * packet they quote, as struct inet_ctl.  An error is believed if the quoted
 * packet is one that we may have sent; the protocol checks its own header,
 * sequence numbers and so on (RFC 5927).
 *
 * References: RFC 792, RFC 1122 section 3.2.2, RFC 1191, icmp(7).
 */

#include "ip_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/icmp.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/errno.h>

#define ICMP_HDRLEN	8
#define ICMP_TSLEN	20

/* --- requests ------------------------------------------------------------- */

static bool
request_answered(const struct netns *ns, const struct inet_rx *rx)
{
	if (netvar_get(ns, &netvar_icmp_echo_ignore_all) != 0)
		return false;
	/* RFC 1122 section 3.2.2.6 leaves it open; amplifiers came of it. */
	return (rx->ir_flags & (INET_RX_BROADCAST | INET_RX_MULTICAST)) == 0 ||
	    netvar_get(ns, &netvar_icmp_echo_ignore_broadcasts) == 0;
}

/*
 * The answer is the request with another type: its data is not touched, and its sum changes
 * by the difference (RFC 1624).  A sum left to the link is made afresh.
 */
static void
echo_input(struct netns *ns, struct packet *p)
{
	struct inet_rx rx = *INET_RX(p);
	static const struct inaddr any;
	bool unicast = (rx.ir_flags & (INET_RX_BROADCAST | INET_RX_MULTICAST)) == 0;

	inet_count(ICMPSTAT_INECHOS);
	if (!request_answered(ns, &rx)) {
		packet_free(p);
		return;
	}
	p->p_data[0] = ICMP_ECHOREPLY;
	inet_count(ICMPSTAT_OUTECHOREPS);
	icmp_send(ns, p, unicast ? &rx.ir_dst : &any, &rx.ir_src, rx.ir_tos, -1);
}

/* Milliseconds since midnight, Universal Time. */
static uint32_t
time_of_day(void)
{
	return (uint32_t)(clock_wall() / 1000000 % 86400000);
}

static void
timestamp_input(struct netns *ns, struct packet *p)
{
	struct inet_rx rx = *INET_RX(p);
	uint32_t now = time_of_day();

	inet_count(ICMPSTAT_INTIMESTAMPS);
	if (!request_answered(ns, &rx) || (rx.ir_flags & INET_RX_BROADCAST) != 0 ||
	    packet_pullup(p, ICMP_TSLEN) != 0) {
		packet_free(p);
		return;
	}
	p->p_data[0] = ICMP_TIMESTAMPREPLY;
	be32_put(p->p_data + 12, now);
	be32_put(p->p_data + 16, now);
	packet_trim(p, ICMP_TSLEN);
	icmp_send(ns, p, &rx.ir_dst, &rx.ir_src, rx.ir_tos, -1);
}

/* --- errors --------------------------------------------------------------- */

/* What each code of "unreachable" means to a program, and whether it ends a connect. */
static const struct {
	uint8_t	 err;
	bool	 fatal;
	int	 error;
} unreach_codes[] = {
	[ICMP_NET_UNREACH]	= { INET_ERR_NET_UNREACH, false, ENETUNREACH },
	[ICMP_HOST_UNREACH]	= { INET_ERR_HOST_UNREACH, false, EHOSTUNREACH },
	[ICMP_PROT_UNREACH]	= { INET_ERR_PROTO_UNREACH, true, ENOPROTOOPT },
	[ICMP_PORT_UNREACH]	= { INET_ERR_PORT_UNREACH, true, ECONNREFUSED },
	[ICMP_FRAG_NEEDED]	= { INET_ERR_TOOBIG, false, EMSGSIZE },
	[ICMP_SR_FAILED]	= { INET_ERR_SRCROUTE, false, EOPNOTSUPP },
	[ICMP_NET_UNKNOWN]	= { INET_ERR_NET_UNREACH, true, ENETUNREACH },
	[ICMP_HOST_UNKNOWN]	= { INET_ERR_HOST_UNREACH, true, EHOSTDOWN },
	[ICMP_HOST_ISOLATED]	= { INET_ERR_HOST_UNREACH, true, ENONET },
	[ICMP_NET_ANO]		= { INET_ERR_PROHIBITED, true, ENETUNREACH },
	[ICMP_HOST_ANO]		= { INET_ERR_PROHIBITED, true, EHOSTUNREACH },
	[ICMP_NET_UNR_TOS]	= { INET_ERR_NET_UNREACH, false, ENETUNREACH },
	[ICMP_HOST_UNR_TOS]	= { INET_ERR_HOST_UNREACH, false, EHOSTUNREACH },
	[ICMP_PKT_FILTERED]	= { INET_ERR_PROHIBITED, true, EHOSTUNREACH },
	[ICMP_PREC_VIOLATION]	= { INET_ERR_PROHIBITED, true, EHOSTUNREACH },
	[ICMP_PREC_CUTOFF]	= { INET_ERR_PROHIBITED, true, EHOSTUNREACH },
};

/* The next smaller of the usual MTUs: for routers before RFC 1191, its section 7.1. */
static uint32_t
mtu_plateau(uint32_t len)
{
	static const uint16_t plateaus[] = {
		32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68,
	};

	for (size_t i = 0; i < ARRAY_SIZE(plateaus); i++)
		if (plateaus[i] < len)
			return plateaus[i];
	return 68;
}

static void
error_toobig(struct netns *ns, const struct ip_hdr *quoted, struct inet_ctl *ctl, uint16_t mtu)
{
	uint32_t min = (uint32_t)netvar_get(ns, &netvar_ip_min_pmtu), value = mtu;

	if (value == 0 || value >= quoted->ih_len)
		value = mtu_plateau(quoted->ih_len);
	if (value < min)
		value = min;
	ctl->ic_info = value;
	route_setpmtu(ns, AF_INET, &quoted->ih_dst, value);
}

/* Type and code as Linux' programs know them from errno.  False: not an error for them. */
static bool
error_classify(const uint8_t *icmp, struct inet_ctl *ctl)
{
	uint8_t type = icmp[0], code = icmp[1];

	switch (type) {
	case ICMP_DEST_UNREACH:
		inet_count(ICMPSTAT_INDESTUNREACHS);
		if (code >= ARRAY_SIZE(unreach_codes))
			return false;
		ctl->ic_err = unreach_codes[code].err;
		ctl->ic_errno = unreach_codes[code].error;
		ctl->ic_fatal = unreach_codes[code].fatal;
		return true;
	case ICMP_TIME_EXCEEDED:
		inet_count(ICMPSTAT_INTIMEEXCDS);
		ctl->ic_err = code == ICMP_EXC_FRAGTIME ? INET_ERR_REASM : INET_ERR_TTL;
		ctl->ic_errno = EHOSTUNREACH;
		return true;
	case ICMP_PARAMETERPROB:
		inet_count(ICMPSTAT_INPARMPROBS);
		ctl->ic_err = INET_ERR_PARAM;
		ctl->ic_errno = EPROTO;
		ctl->ic_fatal = true;
		ctl->ic_info = icmp[4];
		return true;
	default:
		return false;
	}
}

/* The quoted header lacks most of its packet: only its own fields are looked at. */
static bool
error_quoted(const struct packet *p, struct ip_hdr *ret_ih)
{
	uint8_t tmp[IP_HDRMAX];
	const uint8_t *h = packet_peek(p, ICMP_HDRLEN, IP_HDRLEN, tmp);
	size_t hdrlen;

	if (h == NULL)
		return false;
	hdrlen = ip_hdrlen_of(h);
	if (hdrlen == 0 || p->p_len < ICMP_HDRLEN + hdrlen + 8)
		return false;
	*ret_ih = (struct ip_hdr){
		.ih_hdrlen = (uint8_t)hdrlen, .ih_tos = h[1], .ih_len = be16_get(h + 2),
		.ih_frag = be16_get(h + 6), .ih_ttl = h[8], .ih_proto = h[9],
	};
	memcpy(&ret_ih->ih_src.ia_w[0], h + 12, 4);
	memcpy(&ret_ih->ih_dst.ia_w[0], h + 16, 4);
	return true;
}

static void
error_input(struct netns *ns, const struct packet *p)
{
	const struct inet_rx *rx = INET_RX(p);
	const struct inet_proto *proto;
	struct inet_ctl ctl = {
		.ic_ns = ns, .ic_family = AF_INET, .ic_type = p->p_data[0], .ic_code = p->p_data[1],
		.ic_ifindex = rx->ir_ifindex, .ic_offender = rx->ir_src, .ic_packet = p,
	};
	struct ip_hdr ih;

	if (!error_classify(p->p_data, &ctl))
		return;
	/* We sent it to one host, and its first fragment is quoted: or it is none of ours. */
	if (!error_quoted(p, &ih) || (ih.ih_frag & IP_OFFMASK) != 0 ||
	    !ip_islocal(ns, &ih.ih_src, 0)) {
		inet_count(ICMPSTAT_INERRORS);
		return;
	}
	if (ctl.ic_err == INET_ERR_TOOBIG)
		error_toobig(ns, &ih, &ctl, be16_get(p->p_data + 6));
	ctl.ic_src = ih.ih_src;
	ctl.ic_dst = ih.ih_dst;
	ctl.ic_l4off = ICMP_HDRLEN + ih.ih_hdrlen;
	ctl.ic_l4len = p->p_len - ctl.ic_l4off;
	if (ctl.ic_l4len > sizeof(ctl.ic_l4))
		ctl.ic_l4len = sizeof(ctl.ic_l4);
	packet_copyout(p, ctl.ic_l4off, ctl.ic_l4, ctl.ic_l4len);
	inet_raw_ctl(&ctl, ih.ih_proto);
	proto = inet_proto(ih.ih_proto);
	if (proto != NULL && proto->ip_ctl != NULL)
		proto->ip_ctl(&ctl);
}

/*
 * RFC 1122 section 3.2.2.2: a redirect counts if it comes from the gateway we use for that
 * destination and names another on the same link.
 */
static void
redirect_input(struct netns *ns, const struct packet *p)
{
	const struct inet_rx *rx = INET_RX(p);
	struct inaddr gw = { .ia_d = { 0, 0 } };
	struct rtdst *rd, *via;
	struct ifnet *ifp = p->p_ifp;
	struct ip_hdr ih;
	bool ok;

	inet_count(ICMPSTAT_INREDIRECTS);
	if (netvar_get(ns, &netvar_accept_redirects) == 0 ||
	    netvar_get(ns, &netvar_ip_forward) != 0 || ifp == NULL || !error_quoted(p, &ih))
		return;
	memcpy(&gw.ia_w[0], p->p_data + 4, 4);
	if (inaddr_zero(&gw) || in_multicast(&gw) || ip_islocal(ns, &gw, 0) ||
	    in_multicast(&ih.ih_dst) || !ip_islocal(ns, &ih.ih_src, 0))
		return;
	if (route_lookup(ns, &(struct rtkey){ .rk_family = AF_INET, .rk_dst = ih.ih_dst }, &rd) != 0)
		return;
	ok = rd->rd_ifp == ifp && (rd->rd_flags & RTD_GATEWAY) != 0 && rd->rd_gwfamily == AF_INET &&
	    inaddr_eq(&rd->rd_hop, &rx->ir_src);
	rtdst_rele(rd);
	if (!ok ||
	    route_lookup(ns, &(struct rtkey){ .rk_family = AF_INET, .rk_dst = gw }, &via) != 0)
		return;
	ok = via->rd_ifp == ifp && (via->rd_flags & (RTD_GATEWAY | RTD_LOCAL | RTD_BROADCAST)) == 0;
	rtdst_rele(via);
	if (ok)
		route_redirect(ns, AF_INET, &ih.ih_dst, &gw, ifp);
}

/* --- what it is ----------------------------------------------------------- */

static void
icmp_input_one(struct netns *ns, struct packet *p)
{
	inet_count(ICMPSTAT_INMSGS);
	if (packet_pullup(p, ICMP_HDRLEN) != 0) {
		inet_count(ICMPSTAT_INERRORS);
		goto drop;
	}
	if (p->p_csum == PKT_CSUM_NONE && packet_sum_fold(packet_sum(p, 0, p->p_len, 0)) != 0) {
		inet_count(ICMPSTAT_INCSUMERRORS);
		goto drop;
	}
	switch (p->p_data[0]) {
	case ICMP_ECHO:
		echo_input(ns, p);
		return;
	case ICMP_TIMESTAMP:
		timestamp_input(ns, p);
		return;
	case ICMP_ECHOREPLY:
		inet_count(ICMPSTAT_INECHOREPS);
		ping_input(ns, p);
		break;
	case ICMP_REDIRECT:
		redirect_input(ns, p);
		break;
	default:
		error_input(ns, p);
		break;
	}
drop:
	packet_free(p);
}

static void
icmp_input(struct netns *ns, struct packetq *q)
{
	struct packet *p;

	while ((p = packetq_get(q)) != NULL)
		icmp_input_one(ns, p);
}

/* Errors about echo requests of ours. */
static void
icmp_ctl(const struct inet_ctl *ctl)
{
	if (ctl->ic_l4[0] == ICMP_ECHO)
		ping_ctl(ctl);
}

const struct inet_proto icmp_proto = {
	.ip_proto	= IPPROTO_ICMP,
	.ip_input	= icmp_input,
	.ip_ctl		= icmp_ctl,
};

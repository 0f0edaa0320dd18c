/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_input.c - IPv4 packets that came in: are they right, are they ours, whose are they
 *
 * A batch comes from one interface.  Each packet's header is checked (RFC 1122 section
 * 3.2.1), its addresses are judged (section 3.2.1.3, RFC 1812 section 5.3.7), fragments wait
 * for each other, and what is ours goes up in batches of one protocol.  The
 * verdict about a pair of addresses is kept for the next packet of the batch, which
 * is nearly always of the same flow, and if it is that the packet is ours, for the next
 * batch of the interface on the same vCPU, until an address or a route changes.
 *
 * Runs on the thread that received; takes no lock on the common path.
 */

#include "ip_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/if_packet.h>
#include <sys/atomic.h>
#include <sys/errno.h>

enum ip_verdict { IPV_DROP, IPV_LOCAL, IPV_BROADCAST, IPV_MULTICAST, IPV_FORWARD };

/* One call of ip_input(). */
struct ip_run {
	struct ifnet	*ir_ifp;
	struct netns	*ir_ns;
	/* The last judgement. */
	bool		 ir_known;
	enum ip_verdict	 ir_verdict;
	struct inaddr	 ir_src, ir_dst;
	/* Packets for one protocol. */
	const struct inet_proto *ir_proto;
	struct packetq	 ir_up;
};

/* --- checks --------------------------------------------------------------- */

/* The header in order and linear, the packet without padding. */
static bool
input_check(struct packet *p, struct ip_hdr *ih)
{
	size_t hdrlen;
	int error;

	if (packet_pullup(p, IP_HDRLEN) != 0) {
		inet_count(IPSTAT_INTRUNCATED);
		return false;
	}
	hdrlen = ip_hdrlen_of(p->p_data);
	if (hdrlen == 0 || packet_pullup(p, hdrlen) != 0) {
		inet_count(IPSTAT_INHDRERRORS);
		return false;
	}
	error = ip_hdr_parse(p->p_data, p->p_len, ih);
	if (error) {
		inet_count(error == EMSGSIZE ? IPSTAT_INTRUNCATED : IPSTAT_INHDRERRORS);
		return false;
	}
	if (p->p_len > ih->ih_len)
		packet_trim(p, ih->ih_len);
	p->p_l3 = packet_offset(p);
	return true;
}

/* RFC 1122 section 3.2.1.3: who cannot be a source. */
static bool
source_ok(const struct ip_run *ir, const struct packet *p, const struct ip_hdr *ih)
{
	const struct ifnet *ifp = ir->ir_ifp;
	bool loopback = (atomic_load(&ifp->if_flags) & IFF_LOOPBACK) != 0;

	if (in_multicast(&ih->ih_src) || ih->ih_src.ia_w[0] == INADDR_BROADCAST)
		return false;
	if (ih->ih_src.ia_b[0] == 0)
		return inaddr_zero(&ih->ih_src) &&
		    (ih->ih_dst.ia_w[0] == INADDR_BROADCAST || in_multicast(&ih->ih_dst));
	if (loopback || (p->p_flags & PKT_F_LOOPED) != 0)
		return true;
	if ((in_loopback(&ih->ih_src) || in_loopback(&ih->ih_dst)) &&
	    netvar_get(ir->ir_ns, &netvar_route_localnet) == 0)
		return false;
	/* Ours, from outside; or a broadcast address of this very link. */
	return ifaddr_find(ir->ir_ns, AF_INET, &ih->ih_src, NULL) == NULL &&
	    !ip_isbroadcast(ir->ir_ns, &ih->ih_src, ifp->if_index);
}

/* rp_filter: RFC 3704 section 2.2 (1: strict), 2.4 (2: loose). */
static bool
reverse_path_ok(const struct ip_run *ir, const struct ip_hdr *ih)
{
	int mode = netvar_get(ir->ir_ns, &netvar_rp_filter);
	struct rtkey rk = { .rk_family = AF_INET, .rk_dst = ih->ih_src };
	struct rtdst *rd;
	bool ok;

	if (mode == 0 || inaddr_zero(&ih->ih_src))
		return true;
	if (route_lookup(ir->ir_ns, &rk, &rd) != 0)
		return false;
	ok = mode == 2 || rd->rd_ifp == ir->ir_ifp;
	rtdst_rele(rd);
	return ok;
}

static enum ip_verdict
judge_destination(const struct ip_run *ir, const struct ip_hdr *ih)
{
	struct rtkey rk = {
		.rk_family = AF_INET, .rk_dst = ih->ih_dst, .rk_iif = ir->ir_ifp->if_index,
		.rk_tos = ih->ih_tos,
	};
	struct rtdst *rd;
	bool local;

	if (ih->ih_dst.ia_w[0] == INADDR_BROADCAST)
		return IPV_BROADCAST;
	if (in_multicast(&ih->ih_dst))
		return ip_mcif_member(ir->ir_ifp, &ih->ih_dst) ? IPV_MULTICAST : IPV_DROP;
	if (ifaddr_find(ir->ir_ns, AF_INET, &ih->ih_dst, NULL) != NULL ||
	    in_loopback(&ih->ih_dst))
		return IPV_LOCAL;
	if (ip_isbroadcast(ir->ir_ns, &ih->ih_dst, ir->ir_ifp->if_index))
		return IPV_BROADCAST;
	if (inaddr_zero(&ih->ih_dst))
		return IPV_DROP;
	if (route_lookup(ir->ir_ns, &rk, &rd) == 0) {
		local = rd->rd_type == RTN_LOCAL;
		rtdst_rele(rd);
		if (local)
			return IPV_LOCAL;
	}
	return IPV_FORWARD;
}

/* Was such a packet for us already, and has nothing changed since? */
static bool
flow_known(const struct ip_run *ir, const struct ip_hdr *ih, uint32_t gen)
{
	const struct if_flow *fl = if_flow_self(ir->ir_ifp);

	return fl->fl_gen == gen && fl->fl_src == ih->ih_src.ia_w[0] &&
	    fl->fl_dst == ih->ih_dst.ia_w[0] && fl->fl_tos == ih->ih_tos &&
	    netvar_get(ir->ir_ns, &netvar_rp_filter) == 0;
}

/* For the next batch; not what depends on more than addresses and routes. */
static void
flow_note(const struct ip_run *ir, const struct ip_hdr *ih, uint32_t gen)
{
	if (!in_loopback(&ih->ih_src) && !in_loopback(&ih->ih_dst) && !in_multicast(&ih->ih_dst))
		*if_flow_self(ir->ir_ifp) = (struct if_flow){ .fl_gen = gen,
			.fl_src = ih->ih_src.ia_w[0], .fl_dst = ih->ih_dst.ia_w[0],
			.fl_tos = ih->ih_tos };
}

static enum ip_verdict
judge(struct ip_run *ir, const struct packet *p, const struct ip_hdr *ih)
{
	uint32_t gen = atomic_load_acq(&ir->ir_ns->ns_routegen);

	if (ir->ir_known && inaddr_eq(&ir->ir_src, &ih->ih_src) &&
	    inaddr_eq(&ir->ir_dst, &ih->ih_dst))
		return ir->ir_verdict;
	if (flow_known(ir, ih, gen)) {
		ir->ir_verdict = IPV_LOCAL;
	} else if (!source_ok(ir, p, ih) || !reverse_path_ok(ir, ih)) {
		inet_count(IPSTAT_INMARTIANS);
		ir->ir_verdict = IPV_DROP;
	} else {
		ir->ir_verdict = judge_destination(ir, ih);
		if (ir->ir_verdict == IPV_DROP)
			inet_count(IPSTAT_INADDRERRORS);
		if (ir->ir_verdict == IPV_LOCAL && (p->p_flags & PKT_F_LOOPED) == 0)
			flow_note(ir, ih, gen);
	}
	ir->ir_src = ih->ih_src;
	ir->ir_dst = ih->ih_dst;
	/* Whether it is our own multicast is the packet's matter. */
	ir->ir_known = (p->p_flags & PKT_F_LOOPED) == 0;
	return ir->ir_verdict;
}

/*
 * Options of a packet for us: in order, and no source route to go on with unless that is
 * allowed; our entry in record route and time stamp (RFC 1122 section 3.2.1.8).
 */
static bool
options_ok(struct ip_run *ir, struct packet *p, const struct ip_hdr *ih)
{
	uint8_t *opt = p->p_data + IP_HDRLEN;
	struct ip_optinfo io;
	size_t at = 0;

	if (ip_opt_parse(opt, ih->ih_hdrlen - (size_t)IP_HDRLEN, &io, &at) != 0) {
		inet_count(IPSTAT_INHDRERRORS);
		ip_error(ir->ir_ifp, p, INET_ERR_PARAM, (uint32_t)(IP_HDRLEN + at));
		return false;
	}
	if (io.io_srcroute != IP_OPT_NONE &&
	    netvar_get(ir->ir_ns, &netvar_accept_source_route) == 0) {
		inet_count(IPSTAT_INADDRERRORS);
		return false;
	}
	return true;
}

/* --- upwards -------------------------------------------------------------- */

static void
run_flush(struct ip_run *ir)
{
	if (ir->ir_up.pq_head == NULL)
		return;
	inet_count_n(IPSTAT_INDELIVERS, ir->ir_up.pq_n);
	ir->ir_proto->ip_input(ir->ir_ns, &ir->ir_up);
	packetq_init(&ir->ir_up);
}

static void
rx_fill(const struct ip_run *ir, struct packet *p, const struct ip_hdr *ih,
    enum ip_verdict verdict, uint32_t fragmax)
{
	struct inet_rx *rx = INET_RX(p);

	rx->ir_family = AF_INET;
	rx->ir_proto = ih->ih_proto;
	rx->ir_tos = ih->ih_tos;
	rx->ir_ttl = ih->ih_ttl;
	rx->ir_hdrlen = ih->ih_hdrlen;
	rx->ir_flags = (uint16_t)((verdict == IPV_BROADCAST ? INET_RX_BROADCAST : 0) |
	    (verdict == IPV_MULTICAST ? INET_RX_MULTICAST : 0) |
	    ((ih->ih_tos & 3) == 3 ? INET_RX_CE : 0) |
	    (ih->ih_hdrlen > IP_HDRLEN ? INET_RX_OPTIONS : 0));
	rx->ir_ifindex = ir->ir_ifp->if_index;
	rx->ir_flowinfo = 0;
	rx->ir_src = ih->ih_src;
	rx->ir_dst = ih->ih_dst;
	rx->ir_fragmax = fragmax;
}

static void
input_deliver(struct ip_run *ir, struct packet *p, const struct ip_hdr *ih,
    enum ip_verdict verdict, uint32_t fragmax)
{
	const struct inet_proto *proto = inet_proto(ih->ih_proto);
	bool raw;

	rx_fill(ir, p, ih, verdict, fragmax);
	packet_pull(p, ih->ih_hdrlen);
	p->p_l4 = packet_offset(p);
	raw = inet_raw_input(ir->ir_ns, p);
	if (proto == NULL) {
		if (!raw) {
			inet_count(IPSTAT_INUNKNOWNPROTOS);
			packet_push(p, ih->ih_hdrlen);
			ip_error(ir->ir_ifp, p, INET_ERR_PROTO_UNREACH, 0);
		}
		packet_free(p);
		return;
	}
	if (proto != ir->ir_proto)
		run_flush(ir);
	ir->ir_proto = proto;
	packetq_put(&ir->ir_up, p);
}

/* A whole datagram has its header written anew by ip_reassemble(): read it again. */
static void
input_fragment(struct ip_run *ir, struct packet *p, struct ip_hdr *ih, enum ip_verdict verdict)
{
	uint32_t fragmax = 0;

	run_flush(ir);
	p = ip_reassemble(ir->ir_ifp, p, ih, &fragmax);
	if (p == NULL)
		return;
	if (ip_hdr_parse(p->p_data, p->p_len, ih) != 0) {
		packet_free(p);
		return;
	}
	p->p_l3 = packet_offset(p);
	input_deliver(ir, p, ih, verdict, fragmax);
}

static void
input_one(struct ip_run *ir, struct packet *p)
{
	enum ip_verdict verdict;
	struct ip_hdr ih;

	if (p->p_type == PKT_OTHERHOST || !input_check(p, &ih))
		goto drop;
	verdict = judge(ir, p, &ih);
	if (verdict == IPV_DROP)
		goto drop;
	if (ih.ih_hdrlen > IP_HDRLEN && !options_ok(ir, p, &ih))
		goto drop;
	if (verdict == IPV_FORWARD) {
		run_flush(ir);
		ip_forward(ir->ir_ifp, p, &ih);
		return;
	}
	if (ip_hdr_isfrag(&ih))
		input_fragment(ir, p, &ih, verdict);
	else
		input_deliver(ir, p, &ih, verdict, 0);
	return;
drop:
	packet_free(p);
}

void
ip_input(struct ifnet *ifp, struct packetq *q)
{
	struct ip_run ir = { .ir_ifp = ifp, .ir_ns = ifp->if_ns };
	struct packet *p;

	inet_count_n(IPSTAT_INRECEIVES, q->pq_n);
	while ((p = packetq_get(q)) != NULL)
		input_one(&ir, p);
	run_flush(&ir);
}

/* --- GRO ------------------------------------------------------------------ */

/*
 * The same but for length, identification and checksum, and neither a fragment nor
 * with options: then it is the protocol's turn.  head's own length is made right.
 */
bool
ip_merge(struct packet *head, struct packet *p)
{
	const struct inet_proto *proto;
	struct ip_hdr a, b;
	uint8_t *h;

	if (packet_linear(head) < IP_HDRLEN || packet_linear(p) < IP_HDRLEN ||
	    head->p_data[0] != 0x45 || p->p_data[0] != 0x45 ||
	    memcmp(head->p_data + 12, p->p_data + 12, 8) != 0 || head->p_data[9] != p->p_data[9])
		return false;
	proto = inet_proto(p->p_data[9]);
	if (proto == NULL || proto->ip_merge == NULL)
		return false;
	if (ip_hdr_parse(head->p_data, head->p_len, &a) != 0 ||
	    ip_hdr_parse(p->p_data, p->p_len, &b) != 0)
		return false;
	if (a.ih_tos != b.ih_tos || a.ih_ttl != b.ih_ttl || a.ih_frag != IP_DF ||
	    b.ih_frag != IP_DF || head->p_len != a.ih_len)
		return false;
	if ((uint32_t)a.ih_len + b.ih_len - IP_HDRLEN > IP_MAXLEN)
		return false;
	if (p->p_len > b.ih_len)
		packet_trim(p, b.ih_len);

	head->p_l3 = packet_offset(head);
	p->p_l3 = packet_offset(p);
	packet_pull(head, IP_HDRLEN);
	packet_pull(p, IP_HDRLEN);
	head->p_l4 = packet_offset(head);
	p->p_l4 = packet_offset(p);
	if (!proto->ip_merge(&ip_af, head, p)) {
		packet_push(head, IP_HDRLEN);
		packet_push(p, IP_HDRLEN);
		return false;
	}
	h = packet_push(head, IP_HDRLEN);
	be16_put(h + 2, (uint16_t)head->p_len);
	ip_hdr_sum(h, IP_HDRLEN);
	return true;
}

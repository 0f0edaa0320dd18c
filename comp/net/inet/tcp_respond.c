/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_respond.c - segments without text, from nobody in particular
 *
 * SYN-ACKs of requests, ACKs of what is left of a connection, and RSTs for
 * segments that belong to nobody.  No lock is held: the segment leaves at once.
 */

#include "tcp_impl.h"

#include <sys/kmem.h>

static int
answer_route(const struct tcp_answer *ta, struct rtdst **ret_rd)
{
	struct rtkey rk = { .rk_family = ta->ta_af->ia_family, .rk_dst = ta->ta_faddr,
		.rk_src = ta->ta_laddr, .rk_oif = ta->ta_scope, .rk_mark = ta->ta_mark,
		.rk_tos = ta->ta_tos };

	return route_lookup(ta->ta_ns, &rk, ret_rd);
}

void
tcp_answer_send(struct tcp_answer *ta)
{
	struct inet_tx tx = { .it_ns = ta->ta_ns, .it_family = (uint8_t)ta->ta_af->ia_family,
		.it_proto = IPPROTO_TCP, .it_tos = ta->ta_tos, .it_ttl = -1,
		.it_flags = INET_TX_DF, .it_src = ta->ta_laddr, .it_dst = ta->ta_faddr };
	struct packetq q = PACKETQ_INITIALIZER;
	struct rtdst *rd;
	struct packet *p;

	if (answer_route(ta, &rd) != 0)
		return;
	p = packet_alloc(KM_NOSLEEP);
	if (p == NULL) {
		rtdst_rele(rd);
		return;
	}
	if ((ta->ta_seg.ts_opts & TO_MSS) != 0)
		ta->ta_seg.ts_mss = tcp_advmss(ta->ta_af, rd, ta->ta_usermss);
	tcp_wire_build(packet_push(p, tcp_wire_length(&ta->ta_seg)), &ta->ta_seg);
	p->p_l4 = packet_offset(p);
	p->p_mark = ta->ta_mark;
	inet_csum_setup(ta->ta_af, p, &ta->ta_laddr, &ta->ta_faddr, IPPROTO_TCP, 16);
	tcp_count(TCPSTAT_OUTSEGS);
	packetq_put(&q, p);
	(void)ta->ta_af->ia_output(&tx, rd, &q);
	rtdst_rele(rd);
}

/*
 * RFC 9293 section 3.10.7.1: nobody is here.  p stays the caller's.  The address may be that of
 * another interface than the segment came by: of a neighbour, or of ourselves by lo.
 */
void
tcp_answer_reset(struct netns *ns, const struct packet *p, const struct tcpseg *ts)
{
	const struct inet_rx *ir = INET_RX(p);
	struct tcp_answer ta = { .ta_ns = ns, .ta_af = inet_af(ir->ir_family),
		.ta_laddr = ir->ir_dst, .ta_faddr = ir->ir_src };
	struct tcpseg *out = &ta.ta_seg;

	if ((ts->ts_flags & TH_RST) != 0 || !ta.ta_af->ia_islocal(ns, &ir->ir_dst,
	    inet_rx_scope(ir, &ir->ir_dst)))
		return;
	ta.ta_scope = inet_rx_scope(ir, &ir->ir_src);
	out->ts_sport = ts->ts_dport;
	out->ts_dport = ts->ts_sport;
	if ((ts->ts_flags & TH_ACK) != 0) {
		out->ts_seq = ts->ts_ack;
		out->ts_flags = TH_RST;
	} else {
		out->ts_ack = ts->ts_seq + tcpseg_space(ts);
		out->ts_flags = TH_RST | TH_ACK;
	}
	tcp_count(TCPSTAT_OUTRSTS);
	tcp_answer_send(&ta);
}

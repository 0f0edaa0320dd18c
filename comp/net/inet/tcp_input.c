/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_input.c - a segment arrives (RFC 9293 section 3.10.7)
 *
 * tcp_input() gets a batch from IP, finds out whose each segment is, and
 * runs it through the steps of section 3.10.7.4, each a function here or in
 * the file of its subject:
 *
 *	first	acceptable?		step_sequence()	with PAWS, RFC 7323
 *	second	RST			step_reset()	RFC 5961 section 3
 *	(third, security, is no more)
 *	fourth	SYN			step_syn()	RFC 5961 section 4
 *	fifth	ACK			step_ack()	-> tcp_ack.c
 *	sixth	URG			tcp_urgent()	-> tcp_text.c
 *	seventh	text			step_text()	-> tcp_text.c
 *	eighth	FIN			tcp_fin()	-> tcp_text.c
 *
 * Segments of one connection that follow each other in the batch are processed
 * under one hold of its lock, and answered once: with what the last left to be
 * said.  Between connections the lock is dropped and the answer leaves.
 *
 * Who is it for?  A connection; else one of the small ones, a request or
 * what is left of a connection (tcp_timewait.c); else a listener; else nobody, who
 * answers with RST.  SYN-SENT has steps of its own: tcp_synsent.c.
 */

#include "tcp_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>

#define PAWS_IDLE	(24LL * 86400 * NSEC_PER_SEC)	/* RFC 7323 section 5.5 */

/* --- first: is it acceptable? ----------------------------------------------------- */

/* An ACK in answer to something unacceptable; crumbs are answered now and then. */
static void
answer_unacceptable(struct tcpcb *tp, const struct tcpseg *ts, int64_t now)
{
	if ((ts->ts_flags & TH_RST) != 0)
		return;
	if (ts->ts_len == 0 && (ts->ts_flags & TH_SYN) == 0 &&
	    !tcp_oow_allowed(&tp->t_oowat, now))
		return;
	if (ts->ts_len > 0 && seq_lt(ts->ts_seq, tp->t_rnxt))
		tcp_adddsack(tp, ts->ts_seq, seq_min(ts->ts_seq + ts->ts_len, tp->t_rnxt));
	tp->t_flags |= TF_ACKNOW;
	tp->t_flags &= ~TF_PINGPONG;
}

/* RFC 7323 section 5.3, R1: is it older than what we have seen?  RST is exempt. */
static bool
paws_rejects(const struct tcpcb *tp, const struct tcpseg *ts, int64_t now)
{
	if ((tp->t_flags & (TF_TIMESTAMPS | TF_TSRECENT)) != (TF_TIMESTAMPS | TF_TSRECENT) ||
	    (ts->ts_opts & TO_TIMESTAMP) == 0 || (ts->ts_flags & TH_RST) != 0)
		return false;
	if (seq_ge(ts->ts_tsval, tp->t_tsrecent))
		return false;
	return now - tp->t_tsrecentat < PAWS_IDLE;
}

/* R3: which timestamp to echo. */
static void
paws_update(struct tcpcb *tp, const struct tcpseg *ts, int64_t now)
{
	if ((tp->t_flags & TF_TIMESTAMPS) == 0 || (ts->ts_opts & TO_TIMESTAMP) == 0 ||
	    seq_gt(ts->ts_seq, tp->t_lastack))
		return;
	if ((tp->t_flags & TF_TSRECENT) != 0 && seq_lt(ts->ts_tsval, tp->t_tsrecent) &&
	    now - tp->t_tsrecentat < PAWS_IDLE)
		return;
	tp->t_flags |= TF_TSRECENT;
	tp->t_tsrecent = ts->ts_tsval;
	tp->t_tsrecentat = now;
}

/* Table 6 of RFC 9293. */
static bool
in_window(const struct tcpcb *tp, const struct tcpseg *ts)
{
	uint32_t space = tcpseg_space(ts), last = ts->ts_seq + space - 1;
	uint32_t wnd = seq_gt(tp->t_radv, tp->t_rnxt) ? tp->t_radv - tp->t_rnxt : 0;

	if (space == 0)
		return ts->ts_seq - tp->t_rnxt < wnd || ts->ts_seq == tp->t_rnxt;
	if (wnd == 0)	/* "special allowance": the ACK of a probe counts */
		return false;
	return ts->ts_seq - tp->t_rnxt < wnd || last - tp->t_rnxt < wnd;
}

/* Cuts off what we have and what we did not ask for. */
void
tcp_trim(struct tcpcb *tp, struct tcpseg *ts, struct packet *p)
{
	uint32_t cut;

	if (seq_lt(ts->ts_seq, tp->t_rnxt)) {
		cut = tp->t_rnxt - ts->ts_seq;
		if ((ts->ts_flags & TH_SYN) != 0) {
			ts->ts_flags &= (uint8_t)~TH_SYN;
			ts->ts_seq++;
			cut--;
		}
		if (cut > ts->ts_len)
			cut = ts->ts_len;
		if (cut > 0)
			tcp_adddsack(tp, ts->ts_seq, ts->ts_seq + cut);
		packet_skip(p, cut);
		ts->ts_seq += cut;
		ts->ts_len -= cut;
		ts->ts_urp = ts->ts_urp > cut ? (uint16_t)(ts->ts_urp - cut) : 0;
		tp->t_flags |= cut > 0 ? TF_ACKNOW : 0;
	}
	if (ts->ts_len > 0 && seq_gt(ts->ts_seq + ts->ts_len, tp->t_radv)) {
		cut = ts->ts_seq + ts->ts_len - tp->t_radv;
		cut = cut < ts->ts_len ? cut : ts->ts_len;
		packet_trim(p, ts->ts_len - cut);
		ts->ts_len -= cut;
		ts->ts_flags &= (uint8_t) ~(TH_FIN | TH_PSH);
	}
}

static bool
step_sequence(struct tcpcb *tp, struct tcpseg *ts, struct packet *p, int64_t now)
{
	if (paws_rejects(tp, ts, now)) {
		tcp_count(TCPSTAT_PAWSESTAB);
		answer_unacceptable(tp, ts, now);
		return false;
	}
	if (!in_window(tp, ts)) {
		/* A probe of our closed window still acknowledges. */
		if (tp->t_radv == tp->t_rnxt && ts->ts_seq == tp->t_rnxt &&
		    (ts->ts_flags & (TH_SYN | TH_RST)) == 0) {
			tp->t_flags |= TF_ACKNOW;
			packet_trim(p, 0);
			ts->ts_len = 0;
			ts->ts_flags &= (uint8_t)~TH_FIN;
			return true;
		}
		answer_unacceptable(tp, ts, now);
		return false;
	}
	paws_update(tp, ts, now);
	if ((ts->ts_flags & TH_SYN) == 0 || tp->t_state == TCPS_SYN_RECEIVED)
		tcp_trim(tp, ts, p);
	return true;
}

/* --- second: RST --------------------------------------------------------------------- */

void
tcp_connreset(struct tcpcb *tp)
{
	switch (tp->t_state) {
	case TCPS_SYN_SENT:
	case TCPS_SYN_RECEIVED:
		tcp_done(tp, ECONNREFUSED);
		break;
	case TCPS_CLOSE_WAIT:
		tcp_done(tp, EPIPE);
		break;
	default:
		tcp_done(tp, ECONNRESET);
		break;
	}
}

/* RFC 5961 section 3.2: the exact number resets, others in the window are asked. */
static bool
step_reset(struct tcpcb *tp, const struct tcpseg *ts, int64_t now)
{
	if ((ts->ts_flags & TH_RST) == 0)
		return true;
	if (ts->ts_seq == tp->t_rnxt)
		tcp_connreset(tp);
	else
		tcp_challenge(tp, now);
	return false;
}

/* --- fourth: SYN ------------------------------------------------------------------------ */

static bool
step_syn(struct tcpcb *tp, const struct tcpseg *ts, int64_t now)
{
	if ((ts->ts_flags & TH_SYN) == 0)
		return true;
	tcp_count(TCPSTAT_SYNCHALLENGE);
	tcp_challenge(tp, now);		/* RFC 5961 section 4.2 */
	return false;
}

/* --- fifth: ACK --------------------------------------------------------------------------- */

/* SYN-RECEIVED: the handshake of a simultaneous or a fast open ends here. */
static bool
handshake_ends(struct tcpcb *tp, const struct tcpseg *ts, int64_t now)
{
	if (seq_le(ts->ts_ack, tp->t_iss) || seq_gt(ts->ts_ack, tp->t_nxt)) {
		tcp_sendrst(tp, ts->ts_ack, now);
		return false;
	}
	tp->t_flags &= ~TF_REQUEST;
	if (tp->t_listener != NULL) {
		atomic_sub(&tcpcb_of(tp->t_listener)->t_listen->tl_nfastopen, 1);
		socket_rele(tp->t_listener);
		tp->t_listener = NULL;
	}
	tcp_established(tp, now);
	tp->t_wl1 = ts->ts_seq - 1;		/* any window is news */
	if ((tp->t_flags & TF_FINQ) != 0)	/* closed while it was not confirmed */
		tcp_setstate(tp, TCPS_FIN_WAIT_1);
	return true;
}

/* What the ACK of our FIN means. */
static void
fin_acked(struct tcpcb *tp, int64_t now)
{
	struct socket *so = tcp_so(tp);
	int64_t wait;

	switch (tp->t_state) {
	case TCPS_FIN_WAIT_1:
		tcp_setstate(tp, TCPS_FIN_WAIT_2);
		socket_wake(so, POLLOUT);		/* who lingers */
		if ((so->so_state & SS_NOFILE) == 0)
			break;
		/* Nobody will read what still comes; a minute must do. */
		wait = tp->t_linger2 != 0 ? tp->t_linger2 * NSEC_PER_SEC :
		    netvar_get(tp->t_ns->tn_ns, &tcpvar_fin_timeout) * NSEC_PER_SEC;
		if (wait <= 0)
			tcp_abort(tp, 0, now);
		else
			tcp_timer_set(tp, TT_KEEP, now + wait);
		break;
	case TCPS_CLOSING:
		tcp_timewait(tp, now);
		break;
	case TCPS_LAST_ACK:
		tcp_done(tp, 0);
		break;
	default:
		break;
	}
}

static bool
step_ack(struct tcpcb *tp, const struct tcpseg *ts, uint8_t tos, int64_t now)
{
	if ((ts->ts_flags & TH_ACK) == 0)
		return false;
	if (tp->t_state == TCPS_SYN_RECEIVED && !handshake_ends(tp, ts, now))
		return false;
	if (!tcp_ack(tp, ts, tos, now))
		return false;
	if (tcp_finacked(tp))
		fin_acked(tp, now);
	return tp->t_state != TCPS_CLOSED;
}

/* --- seventh: text ---------------------------------------------------------------------------- */

/* May text come in?  Nobody is left to read it once the client closed: RFC 1122 4.2.2.13. */
static bool
step_text(struct tcpcb *tp, const struct tcpseg *ts, int64_t now)
{
	const struct socket *so = tcp_so(tp);

	switch (tp->t_state) {
	case TCPS_FIN_WAIT_1:
	case TCPS_FIN_WAIT_2:
		if ((so->so_state & SS_NOFILE) != 0 &&
		    seq_gt(ts->ts_seq + ts->ts_len, tp->t_rnxt)) {
			tcp_count(TCPSTAT_ABORTONDATA);
			tcp_abort(tp, 0, now);
			return false;
		}
		return true;
	case TCPS_ESTABLISHED:
		return true;
	default:
		return false;
	}
}

/* --- the steps in their order ----------------------------------------------------------------------- */

static void
receive_ecn(struct tcpcb *tp, const struct tcpseg *ts, uint8_t tos)
{
	if ((tp->t_flags & TF_ECN) == 0)
		return;
	if ((ts->ts_flags & TH_CWR) != 0)
		tp->t_flags &= ~TF_ECE;
	if ((tos & 3) == 3 && ts->ts_len > 0) {
		if ((tp->t_flags & TF_ECE) == 0)
			tp->t_flags |= TF_ACKNOW;	/* the sender wants to know soon */
		tp->t_flags |= TF_ECE;
	}
}

void
tcp_segment(struct tcpcb *tp, struct tcpseg *ts, struct packet *p, int64_t now)
{
	uint8_t tos = INET_RX(p)->ir_tos;

	KASSERT(mutex_owned(&tcp_so(tp)->so_lock));
	tp->t_segsin += p->p_gso_segs > 1 ? p->p_gso_segs : 1;
	tp->t_lastrcvd = now;
	if (tp->t_state == TCPS_SYN_SENT) {
		tcp_synsent(tp, ts, p, now);
		return;
	}
	/* A SYN again: our SYN-ACK was lost. */
	if (tp->t_state == TCPS_SYN_RECEIVED && (ts->ts_flags & (TH_SYN | TH_ACK | TH_RST)) ==
	    TH_SYN && ts->ts_seq == tp->t_irs) {
		(void)tcp_sendsyn(tp, now);
		goto drop;
	}
	if (tp->t_state == TCPS_SYN_RECEIVED && (ts->ts_flags & TH_SYN) != 0 &&
	    (ts->ts_flags & TH_ACK) != 0 && ts->ts_seq == tp->t_irs) {
		/* Simultaneous open: the other side's SYN-ACK; only its ACK is news. */
		ts->ts_flags &= (uint8_t)~TH_SYN;
		ts->ts_seq++;
	}
	if (!step_sequence(tp, ts, p, now) || !step_reset(tp, ts, now) ||
	    !step_syn(tp, ts, now))
		goto drop;
	receive_ecn(tp, ts, tos);
	if (!step_ack(tp, ts, tos, now))
		goto drop;
	tcp_urgent(tp, ts);
	if (ts->ts_len > 0 && step_text(tp, ts, now)) {
		tcp_text(tp, ts, p, now);
		p = NULL;
	}
	if ((ts->ts_flags & TH_FIN) != 0 && tp->t_state != TCPS_CLOSED &&
	    ts->ts_seq + ts->ts_len == tp->t_rnxt)
		tcp_fin(tp, now);
	tp->t_flags |= TF_OUTPUT;
drop:
	packet_free(p);
	if ((tp->t_flags & TF_ACKNOW) != 0)
		tp->t_flags |= TF_OUTPUT;
}

/* --- whose is it? --------------------------------------------------------------------------------------- */

/* The connection at hand is finished with for now: what it has to say leaves. */
static void
rx_done(struct tcp_rx *rx)
{
	struct tcpcb *tp = rx->rx_tp;
	struct socket *so;

	if (tp == NULL)
		return;
	rx->rx_tp = NULL;
	so = tcp_so(tp);
	if ((tp->t_flags & TF_OUTPUT) != 0)
		tcp_output(tp, rx->rx_now);
	tcp_unlock_held(tp);
	socket_rele(so);
}

static bool
same_connection(const struct tcpcb *tp, const struct inet_rx *ir, const struct tcpseg *ts)
{
	const struct inpcb *inp = &tp->t_inp;

	return inp->inp_fport == ts->ts_sport && inp->inp_lport == ts->ts_dport &&
	    inp->inp_family == ir->ir_family && inaddr_eq(&inp->inp_faddr, &ir->ir_src) &&
	    inaddr_eq(&inp->inp_laddr, &ir->ir_dst) && tp->t_state != TCPS_CLOSED &&
	    (inp->inp_scope == 0 || inp->inp_scope == ir->ir_ifindex);
}

/* Locks the connection that it is for and makes it rx_tp.  False: there is none. */
static bool
rx_find(struct tcp_rx *rx, const struct inet_rx *ir, const struct tcpseg *ts)
    NO_THREAD_SAFETY
{
	struct inpcb *inp;
	struct tcpcb *tp;

	if (rx->rx_tp != NULL && same_connection(rx->rx_tp, ir, ts))
		return true;
	rx_done(rx);
	inp = inpcb_lookup(rx->rx_tn->tn_table, ir, ts->ts_sport, ts->ts_dport, true);
	if (inp == NULL)
		return false;
	tp = container_of(inp, struct tcpcb, t_inp);
	mutex_enter(&inp->inp_so->so_lock);
	if (tp->t_state == TCPS_CLOSED || tp->t_state == TCPS_LISTEN) {
		/* It ended while we waited for the lock. */
		mutex_exit(&inp->inp_so->so_lock);
		socket_rele(inp->inp_so);
		return false;
	}
	rx->rx_tp = tp;
	return true;
}

/* IP_MINTTL (RFC 5082). */
static bool
ttl_ok(const struct inpcb *inp, const struct inet_rx *ir)
{
	uint8_t least = ir->ir_family == AF_INET ? inp->inp_minttl : inp->inp_minhops6;

	return ir->ir_ttl >= least;
}

static void
rx_listener(struct tcp_rx *rx, struct tcpseg *ts, struct packet *p)
{
	struct inpcb *inp;

	inp = inpcb_lookup(rx->rx_tn->tn_table, INET_RX(p), ts->ts_sport, ts->ts_dport, false);
	if (inp == NULL) {
		tcp_answer_reset(rx->rx_ns, p, ts);
		packet_free(p);
		return;
	}
	if (ttl_ok(inp, INET_RX(p)))
		tcp_listen_input(rx, inp->inp_so, ts, p);
	else
		packet_free(p);
	socket_rele(inp->inp_so);
}

/* Header to values; false: garbage. */
static bool
rx_parse(struct packet *p, struct tcpseg *ts)
{
	const struct inet_af *af = inet_af(INET_RX(p)->ir_family);

	if (packet_pullup(p, TCP_HDRLEN) != 0 || packet_pullup(p, (size_t)(p->p_data[12] >> 4) * 4) != 0 ||
	    tcp_wire_header(p->p_data, packet_linear(p), ts) != 0) {
		tcp_count(TCPSTAT_INERRS);
		return false;
	}
	if (!inet_csum_ok(af, p, IPPROTO_TCP)) {
		tcp_count(TCPSTAT_INCSUMERRORS);
		tcp_count(TCPSTAT_INERRS);
		return false;
	}
	tcp_wire_options(p->p_data, ts);
	p->p_l4 = packet_offset(p);
	packet_pull(p, ts->ts_hdrlen);
	ts->ts_len = p->p_len;
	return ts->ts_sport != 0 && ts->ts_dport != 0;
}

static void
rx_segment(struct tcp_rx *rx, struct packet *p)
{
	const struct inet_rx *ir = INET_RX(p);
	struct tcpseg ts;

	tcp_count(TCPSTAT_INSEGS);
	/* RFC 1122 section 4.2.3.10: never to or from many. */
	if ((ir->ir_flags & (INET_RX_BROADCAST | INET_RX_MULTICAST)) != 0 || !rx_parse(p, &ts)) {
		packet_free(p);
		return;
	}
	if (rx_find(rx, ir, &ts)) {
		struct tcpcb *tp = rx->rx_tp;

		if (!ttl_ok(&tp->t_inp, ir) ||
		    (tcp_so(tp)->so_filter != NULL && sockfilter_run(tcp_so(tp), p) == 0))
			packet_free(p);
		else
			tcp_segment(tp, &ts, p, rx->rx_now);
		return;
	}
	if (!tcp_mini_input(rx, &ts, p))
		rx_listener(rx, &ts, p);
}

void
tcp_input(struct netns *ns, struct packetq *q)
{
	struct tcp_rx rx = { .rx_ns = ns, .rx_tn = netns_data(ns, NETNS_SLOT_TCP),
		.rx_now = clock_mono() };
	struct packet *p;

	while ((p = packetq_get(q)) != NULL)
		rx_segment(&rx, p);
	rx_done(&rx);
}

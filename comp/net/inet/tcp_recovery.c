/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_recovery.c - what to do about losses
 *
 * States (t_castate), as RFC 5681 and its descendants imply them:
 *
 *	OPEN		all is well
 *	DISORDER	something is out of order; too early to tell
 *	CWR		the network said "congestion" (ECN, a repaired tail loss):
 *			the window is being reduced, nothing is missing
 *	RECOVERY	segments are lost: they are sent again while the window is reduced
 *	LOSS		the timeout struck: slow start from one segment
 *
 *	OPEN -> DISORDER -> RECOVERY	RACK finds a loss (RFC 8985), or three duplicate
 *					ACKs from a peer without SACK (RFC 6582)
 *	RECOVERY, CWR, LOSS -> OPEN	t_recover, SND.NXT of the beginning, is acknowledged
 *	any -> LOSS			tcp_enterloss()
 *	RECOVERY, LOSS -> before	it was for nothing: undo
 *
 * While the window is being reduced PRR (RFC 6937) spreads that over a round trip:
 * it sets cwnd to what may leave in answer to each ACK.
 *
 * How we learn that nothing was lost: DSACKs for all that was sent again (RFC 3708),
 * an echoed timestamp from before the retransmission (Eifel, RFC 3522), or originals
 * that arrive after a timeout (F-RTO, RFC 5682).
 */

#include "tcp_impl.h"

/* --- reducing ------------------------------------------------------------------- */

static void
save_undo(struct tcpcb *tp, int64_t now)
{
	tp->t_undocwnd = tp->t_cc.cc_cwnd;
	tp->t_undossthresh = tp->t_cc.cc_ssthresh;
	tp->t_undortx = 0;
	tp->t_undots = tcp_ts(now, tp->t_tsoff);
	tp->t_flags |= TF_UNDO;
}

/* The window is to become ssthresh, a round trip from now. */
static void
reduce(struct tcpcb *tp)
{
	uint32_t flight = tp->t_board.bd_total;

	tp->t_recover = tp->t_nxt;
	tp->t_prrdel = tp->t_prrout = 0;
	tp->t_recoverfs = flight > tp->t_mss ? flight : tp->t_mss;
	tp->t_cc.cc_ssthresh = tp->t_cc.cc_ops->co_reduce(&tp->t_cc, flight);
	if ((tp->t_flags & TF_ECN) != 0)
		tp->t_flags |= TF_CWR;		/* RFC 3168 section 6.1.2 */
}

/* RFC 6937 section 3: how much may leave in answer to this ACK. */
static void
prr(struct tcpcb *tp, uint32_t delivered, bool progress)
{
	uint32_t pipe = tcp_pipe(tp), ssthresh = tp->t_cc.cc_ssthresh, limit, send;

	tp->t_prrdel += delivered;
	if (pipe > ssthresh) {
		uint64_t due = ((uint64_t)tp->t_prrdel * ssthresh + tp->t_recoverfs - 1) /
		    tp->t_recoverfs;

		send = due > tp->t_prrout ? (uint32_t)due - tp->t_prrout : 0;
	} else {
		/* The slow start reduction bound, or the conservative one. */
		limit = tp->t_prrdel > tp->t_prrout ? tp->t_prrdel - tp->t_prrout : 0;
		if (progress)
			limit = (limit > delivered ? limit : delivered) + tp->t_mss;
		send = ssthresh - pipe < limit ? ssthresh - pipe : limit;
	}
	if (tp->t_prrout == 0 && send < tp->t_mss)
		send = tp->t_mss;		/* the fast retransmission itself */
	tp->t_cc.cc_cwnd = pipe + send > tp->t_mss ? pipe + send : tp->t_mss;
}

static void
enter_recovery(struct tcpcb *tp, int64_t now)
{
	tcp_count((tp->t_flags & TF_SACK) != 0 ? TCPSTAT_SACKRECOVERY : TCPSTAT_RENORECOVERY);
	if (tp->t_castate != TCA_CWR) {
		save_undo(tp, now);
		reduce(tp);
	} else
		tp->t_recover = tp->t_nxt;	/* it is being reduced already */
	tp->t_castate = TCA_RECOVERY;
	tp->t_flags = (tp->t_flags & ~TF_TLPPENDING) | TF_FORCE | TF_OUTPUT;
	tcp_timer_clear(tp, TT_TLP);
}

static void
enter_cwr(struct tcpcb *tp)
{
	tp->t_flags &= ~TF_UNDO;
	reduce(tp);
	tp->t_castate = TCA_CWR;
}

void
tcp_enterloss(struct tcpcb *tp, int64_t now)
{
	bool first = tp->t_castate != TCA_LOSS || seq_ge(tp->t_una, tp->t_recover);

	if (tp->t_plp != NULL)
		tcp_plp_timeout(tp, now);
	if (tp->t_board.bd_n != 0 && (board_at(&tp->t_board, 0)->se_flags & SE_SACKED) != 0) {
		/* It said it had it, and did not acknowledge it in all that time. */
		board_renege(&tp->t_board);
		tcp_count(TCPSTAT_SACKRENEGING);
	}
	if (first) {
		if (tp->t_castate != TCA_RECOVERY)
			save_undo(tp, now);
		tp->t_cc.cc_ssthresh = tp->t_cc.cc_ops->co_reduce(&tp->t_cc,
		    tp->t_board.bd_total);
		if ((tp->t_flags & TF_ECN) != 0)
			tp->t_flags |= TF_CWR;
	} else
		tp->t_undortx = 0;
	tp->t_cc.cc_cwnd = tp->t_mss;		/* RFC 5681: the loss window */
	tp->t_cc.cc_acked = 0;
	tp->t_castate = TCA_LOSS;
	tp->t_recover = tp->t_nxt;
	tp->t_reno = 0;
	tp->t_dupacks = 0;
	/* RFC 5682 wants the first timeout of a window only. */
	tp->t_frto = first && netvar_get(tp->t_ns->tn_ns, &tcpvar_frto) != 0 ? 1 : 0;
	tp->t_flags = (tp->t_flags & ~TF_TLPPENDING) | TF_FORCE;
	tcp_timer_clear(tp, TT_TLP);
	tcp_timer_clear(tp, TT_REORDER);
	board_lose_all(&tp->t_board);
}

/* --- leaving ---------------------------------------------------------------------- */

static void
leave(struct tcpcb *tp)
{
	if (tp->t_castate == TCA_RECOVERY || tp->t_castate == TCA_CWR) {
		uint32_t pipe = tcp_pipe(tp) + tp->t_mss;

		/* RFC 6675 section 5.1 by RFC 5681: no burst out of an empty pipe. */
		tp->t_cc.cc_cwnd = tp->t_cc.cc_ssthresh;
		if (tp->t_castate == TCA_RECOVERY && (tp->t_flags & TF_SACK) == 0 &&
		    pipe < tp->t_cc.cc_cwnd)
			tp->t_cc.cc_cwnd = pipe > 2 * tp->t_mss ? pipe : 2 * tp->t_mss;
	}
	if (tp->t_castate == TCA_RECOVERY)
		rack_recovered(&tp->t_rack);
	tp->t_castate = TCA_OPEN;
	tp->t_frto = 0;
	tp->t_reno = 0;
	tp->t_dupacks = 0;
}

/* All as if nothing had happened. */
static void
undo(struct tcpcb *tp)
{
	struct tcp_cc *cc = &tp->t_cc;

	if (cc->cc_cwnd < tp->t_undocwnd)
		cc->cc_cwnd = tp->t_undocwnd;
	if (cc->cc_ssthresh < tp->t_undossthresh)
		cc->cc_ssthresh = tp->t_undossthresh;
	if (cc->cc_ops->co_undo != NULL)
		cc->cc_ops->co_undo(cc);
	board_unlose(&tp->t_board);
	tp->t_flags &= ~(TF_UNDO | TF_CWR);
	tp->t_castate = TCA_OPEN;
	tp->t_frto = 0;
	tp->t_reno = 0;
}

/* Is there proof that what was sent again need not have been? */
static bool
may_undo(const struct tcpcb *tp, const struct tcp_ackev *ev)
{
	if ((tp->t_flags & TF_UNDO) == 0)
		return false;
	if (ev->ev_dsack && tp->t_undortx == 0)
		return true;
	return ev->ev_hasts && ev->ev_acked > 0 && ev->ev_tsecr != 0 &&
	    seq_lt(ev->ev_tsecr, tp->t_undots);
}

void
tcp_rtxnote(struct tcpcb *tp, uint32_t len, int64_t now)
{
	if (tp->t_undortx == 0 && (tp->t_flags & TF_UNDO) != 0)
		tp->t_undots = tcp_ts(now, tp->t_tsoff);
	tp->t_undortx += len;
}

/* --- finding losses ----------------------------------------------------------------- */

void
tcp_detect(struct tcpcb *tp, int64_t now)
{
	bool inrec = tp->t_castate == TCA_RECOVERY || tp->t_castate == TCA_LOSS;
	uint32_t newly, rtx = tp->t_board.bd_rtx;
	int64_t wait, wnd;

	if ((tp->t_flags & TF_SACK) == 0)
		return;
	wnd = rack_reownd(&tp->t_rack, &tp->t_board, tp->t_mss, tp->t_rtt.tr_min,
	    tp->t_rtt.tr_srtt, inrec);
	newly = rack_detect(&tp->t_rack, &tp->t_board, wnd, now, &wait);
	if (tp->t_board.bd_rtx < rtx)
		tcp_count(TCPSTAT_LOSTRETRANSMIT);
	if (newly > 0 && tp->t_plp != NULL && tcp_plp_lost(tp, newly, now))
		newly = 0;
	if (newly > 0 && !inrec)
		enter_recovery(tp, now);
	if (wait != 0)
		tcp_timer_set(tp, TT_REORDER, wait);
	else
		tcp_timer_clear(tp, TT_REORDER);
}

/* The first segment that is not acknowledged is lost: for peers without SACK. */
static void
lose_head(struct tcpcb *tp)
{
	if (tp->t_board.bd_n == 0)
		return;
	board_cut(&tp->t_board, 0, tp->t_mss);
	board_lost(&tp->t_board, 0);
	tp->t_flags |= TF_FORCE;
}

/* RFC 6582 section 3.2: duplicates stand for segments that left the network. */
static void
reno_ack(struct tcpcb *tp, const struct tcp_ackev *ev, int64_t now)
{
	if (ev->ev_acked > 0) {
		uint32_t gone = ev->ev_acked > tp->t_mss ? ev->ev_acked - tp->t_mss : 0;

		tp->t_reno -= gone < tp->t_reno ? gone : tp->t_reno;
		tp->t_dupacks = 0;
		if (tp->t_castate == TCA_RECOVERY)
			lose_head(tp);		/* a partial acknowledgment */
		return;
	}
	if (!ev->ev_dup)
		return;
	if (tp->t_reno + tp->t_mss <= tp->t_board.bd_total)
		tp->t_reno += tp->t_mss;
	if (tp->t_dupacks < UINT8_MAX)
		tp->t_dupacks++;
	/* Not for echoes of what a recovery or timeout just ended sent again. */
	if (tp->t_dupacks == RACK_DUPTHRESH && tp->t_castate != TCA_RECOVERY &&
	    tp->t_castate != TCA_LOSS && seq_ge(tp->t_una, tp->t_recover)) {
		if (tp->t_plp != NULL && tcp_plp_losthead(tp, now))
			return;
		enter_recovery(tp, now);
		lose_head(tp);
	}
}

/* RFC 8985 section 7.4: was the probe a repair? */
static void
tlp_ack(struct tcpcb *tp, const struct tcp_ackev *ev, const struct tcp_delivery *d)
{
	if ((tp->t_flags & TF_TLPPENDING) == 0 || seq_lt(tp->t_una, tp->t_tlpend))
		return;
	if ((tp->t_flags & TF_TLPRTX) == 0 || ev->ev_dsack) {
		tp->t_flags &= ~TF_TLPPENDING;
	} else if (seq_gt(tp->t_una, tp->t_tlpend)) {
		/* Its loss was repaired without anybody noticing: but the network was full. */
		tp->t_flags &= ~TF_TLPPENDING;
		tcp_count(TCPSTAT_LOSSPROBERECOVERY);
		if (tp->t_castate == TCA_OPEN || tp->t_castate == TCA_DISORDER)
			enter_cwr(tp);
	} else if (ev->ev_acked == 0 && d->dl_sacked == 0)
		tp->t_flags &= ~TF_TLPPENDING;	/* a duplicate: original and probe came */
}

/* --- in LOSS ------------------------------------------------------------------------- */

/* RFC 5682 sections 2.1 and 3.1.  True: the timeout was spurious, and is undone. */
static bool
frto(struct tcpcb *tp, const struct tcp_ackev *ev, const struct tcp_delivery *d)
{
	/* An original that we never sent again has come: it was only slow. */
	if (d->dl_spurious > 0 && ((tp->t_flags & TF_SACK) != 0 || !d->dl_rtx) &&
	    (tp->t_flags & TF_UNDO) != 0) {
		tcp_count(TCPSTAT_SPURIOUSRTOS);
		undo(tp);
		return true;
	}
	if (ev->ev_acked == 0) {
		tp->t_frto = 0;			/* (2a), (3a): a duplicate: losses are real */
		return false;
	}
	/* (2b): is there new data, and room in the window for it? */
	if (tp->t_frto == 1 && sndbuf_end(&tp->t_snd) != tp->t_nxt &&
	    (tp->t_flags & TF_FINSENT) == 0 && seq_gt(tp->t_una + tp->t_wnd, tp->t_nxt)) {
		tp->t_frto = 2;
		tp->t_cc.cc_cwnd = tcp_pipe(tp) + 2 * tp->t_mss;
	} else
		tp->t_frto = 0;
	return false;
}

static void
grow(struct tcpcb *tp, const struct tcp_ackev *ev, const struct tcp_delivery *d, int64_t now)
{
	struct tcp_ccack ca = { .ca_now = now, .ca_rtt = ev->ev_rtt,
		.ca_srtt = tp->t_rtt.tr_srtt, .ca_acked = d->dl_acked,
		.ca_una = tp->t_una, .ca_nxt = tp->t_nxt,
		.ca_limited = seq_ge(tp->t_limited, ev->ev_una0) ||
		    tp->t_castate == TCA_LOSS };

	if (d->dl_acked > 0)
		tp->t_cc.cc_ops->co_acked(&tp->t_cc, &ca);
}

static void
recover_loss(struct tcpcb *tp, const struct tcp_ackev *ev, const struct tcp_delivery *d,
    int64_t now)
{
	if (tp->t_frto != 0 && frto(tp, ev, d))
		return;
	if (may_undo(tp, ev)) {
		tcp_count(TCPSTAT_FULLUNDO);
		undo(tp);
		return;
	}
	if (seq_ge(tp->t_una, tp->t_recover)) {
		leave(tp);
		return;
	}
	tcp_detect(tp, now);			/* retransmissions are lost, too */
	if (tp->t_frto == 0)
		grow(tp, ev, d, now);
}

/* --- each ACK ---------------------------------------------------------------------------- */

static void
recover_reducing(struct tcpcb *tp, const struct tcp_ackev *ev, const struct tcp_delivery *d,
    int64_t now)
{
	if (tp->t_castate == TCA_RECOVERY && may_undo(tp, ev)) {
		tcp_count(ev->ev_dsack ? TCPSTAT_DSACKUNDO : TCPSTAT_FULLUNDO);
		undo(tp);
		return;
	}
	if (ev->ev_acked > 0 && seq_ge(tp->t_una, tp->t_recover)) {
		leave(tp);
		return;
	}
	tcp_detect(tp, now);
	if ((tp->t_flags & TF_SACK) == 0)
		reno_ack(tp, ev, now);
	prr(tp, (tp->t_flags & TF_SACK) != 0 ? d->dl_delivered :
	    ev->ev_acked > 0 ? ev->ev_acked : ev->ev_dup ? tp->t_mss : 0, ev->ev_acked > 0);
}

static void
recover_open(struct tcpcb *tp, const struct tcp_ackev *ev, const struct tcp_delivery *d,
    int64_t now)
{
	/* A late proof: the recovery is over, its reduction can still be taken back. */
	if (ev->ev_dsack && may_undo(tp, ev)) {
		tcp_count(TCPSTAT_DSACKUNDO);
		undo(tp);
	}
	if (ev->ev_ece && seq_gt(tp->t_una, tp->t_ecnseq)) {
		tp->t_ecnseq = tp->t_nxt;	/* once a window (RFC 3168 section 6.1.2) */
		enter_cwr(tp);
	}
	if ((tp->t_flags & TF_SACK) == 0)
		reno_ack(tp, ev, now);
	else if (tp->t_board.bd_sacked != 0 || tp->t_rack.rk_reordseen != 0)
		tcp_detect(tp, now);
	if (tp->t_castate > TCA_DISORDER) {
		prr(tp, d->dl_delivered, ev->ev_acked > 0);
		return;
	}
	tp->t_castate = tp->t_board.bd_sacked != 0 || tp->t_dupacks != 0 ?
	    TCA_DISORDER : TCA_OPEN;
	if (tp->t_castate == TCA_OPEN || d->dl_sacked == 0)
		grow(tp, ev, d, now);
}

void
tcp_recover(struct tcpcb *tp, const struct tcp_ackev *ev, const struct tcp_delivery *d,
    int64_t now)
{
	if (tp->t_plp != NULL)
		tcp_plp_ack(tp, now);
	rack_update(&tp->t_rack, d);
	rack_dsack(&tp->t_rack, ev->ev_dsack, tp->t_una, tp->t_nxt);
	tlp_ack(tp, ev, d);
	switch (tp->t_castate) {
	case TCA_LOSS:
		recover_loss(tp, ev, d, now);
		break;
	case TCA_CWR:
	case TCA_RECOVERY:
		recover_reducing(tp, ev, d, now);
		break;
	default:
		recover_open(tp, ev, d, now);
		break;
	}
	tp->t_flags |= TF_OUTPUT;
}

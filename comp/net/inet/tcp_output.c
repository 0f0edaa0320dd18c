/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_output.c - what to send now
 *
 * tcp_output() is called whenever something changed that might let a segment
 * go: a write, an ACK, a timer.  In this order it sends
 *
 *	1. what was lost, as far as the congestion window allows,
 *	2. new data, as far as both windows, Nagle and TCP_CORK allow,
 *	3. an ACK by itself, if one is due and nothing above carried it.
 *
 * Deciding is apart from building, which is tcp_build.c's: the plan_*() functions
 * only look.
 *
 * References: RFC 9293 section 3.8.6.2.1 (silly windows), RFC 1122 section
 * 4.2.3.4 and Minshall's modification (Nagle), RFC 6675 (pipe).
 */

#include "tcp_impl.h"

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#define CORK_MAX	(NSEC_PER_SEC / 5)

/* One beyond the last octet of text there is. */
static uint32_t
text_end(const struct tcpcb *tp)
{
	return sndbuf_end(&tp->t_snd);
}

bool
tcp_finacked(const struct tcpcb *tp)
{
	return (tp->t_flags & TF_FINSENT) != 0 && tp->t_una == tp->t_nxt;
}

/* Text of the longest packet that may be handed down: whole segments. */
static uint32_t
burst_max(const struct tcpcb *tp)
{
	uint32_t most = 65535U - tp->t_af->ia_hdrlen - tp->t_inp.inp_optlen - TCP_MAXHDR;

	return most > tp->t_mss ? most / tp->t_mss * tp->t_mss : tp->t_mss;
}

/* --- 1. what was lost -------------------------------------------------------------- */

/* Entry i of the scoreboard once more, or as much of it as one packet takes. */
bool
tcp_retransmit(struct tcpcb *tp, uint32_t i, int64_t now)
{
	const struct tcp_sent *se;
	uint32_t most = burst_max(tp), len;
	bool fin;

	if (!tcp_synchronized(tp) && board_at(&tp->t_board, i)->se_seq == tp->t_iss) {
		if (tcp_sendsyn(tp, now) != 0)
			return false;
	} else {
		se = board_at(&tp->t_board, i);
		len = sndbuf_fit(&tp->t_snd, se->se_seq, seq_min(se->se_end, text_end(tp)) -
		    se->se_seq, PKT_MAXFRAGS);
		if (len > 0 && most > len)
			most = len + (se->se_end - se->se_seq == len + 1);
		board_cut(&tp->t_board, i, most);
		se = board_at(&tp->t_board, i);
		fin = (tp->t_flags & TF_FINSENT) != 0 && se->se_end == text_end(tp) + 1;
		len = se->se_end - se->se_seq - fin;
		if (tcp_sendtext(tp, se->se_seq, len, fin, true, now) != 0)
			return false;
		tp->t_bytesrtx += len;
		tcp_rtxnote(tp, len, now);
	}
	board_resent(&tp->t_board, i, now, tp->t_delivered, tp->t_deltime);
	/* What the timeout waits for has just left (RFC 6298 (5.1) is about the first time). */
	if (i == 0 && tcp_timer_isset(tp, TT_RTO))
		tcp_timer_set(tp, TT_RTO, now + tcp_rtt_backoff(&tp->t_rtt, tp->t_backoff));
	tp->t_totalrtx++;
	tcp_count(TCPSTAT_RETRANSSEGS);
	return true;
}

static bool
send_lost(struct tcpcb *tp, int64_t now)
{
	const struct tcp_sent *se;
	uint32_t i, pipe = tcp_pipe(tp), room;

	if (!board_next(&tp->t_board, &i))
		return false;
	se = board_at(&tp->t_board, i);
	room = tp->t_cc.cc_cwnd > pipe ? tp->t_cc.cc_cwnd - pipe : 0;
	if ((tp->t_flags & TF_FORCE) != 0 && room < tp->t_mss)
		room = tp->t_mss;
	if (room < tp->t_mss && room < se->se_end - se->se_seq)
		return false;
	if (room >= tp->t_mss)
		room = room / tp->t_mss * tp->t_mss;
	board_cut(&tp->t_board, i, room);
	tp->t_flags &= ~TF_FORCE;
	return tcp_retransmit(tp, i, now);
}

/* --- 2. new data -------------------------------------------------------------------- */

struct tcp_plan {
	uint32_t	 pl_len;
	bool		 pl_fin;
};

/* May a segment that is not full go, being the last there is? */
static bool
plan_small(struct tcpcb *tp, bool fin)
{
	if (fin || (tp->t_flags & (TF_FORCE | TF_URGSEND)) != 0)
		return true;
	if ((tp->t_flags & (TF_CORK | TF_MORE)) != 0)
		return false;
	/* Minshall: one small segment under way, as many full ones as there are. */
	return (tp->t_flags & TF_NODELAY) != 0 || tp->t_una == tp->t_nxt ||
	    seq_le(tp->t_small, tp->t_una);
}

/* The sender's side of silly window avoidance. */
static bool
plan_window(const struct tcpcb *tp, uint32_t wnd, uint32_t want)
{
	return wnd >= want || wnd >= tp->t_mss ||
	    (wnd > 0 && wnd >= tp->t_maxwnd / 2);
}

static bool
plan_new(struct tcpcb *tp, struct tcp_plan *pl)
{
	uint32_t end = text_end(tp), pipe = tcp_pipe(tp), edge = tp->t_una + tp->t_wnd;
	uint32_t avail, wnd, room, len, want;
	bool fin = (tp->t_flags & (TF_FINQ | TF_FINSENT)) == TF_FINQ;

	if ((tp->t_flags & TF_FINSENT) != 0)
		return false;
	avail = end - tp->t_nxt;
	if (avail == 0) {
		pl->pl_len = 0;
		pl->pl_fin = fin;
		return fin;
	}
	want = avail < tp->t_mss ? avail : tp->t_mss;
	wnd = seq_gt(edge, tp->t_nxt) ? edge - tp->t_nxt : 0;
	if (!plan_window(tp, wnd, want))
		return false;
	room = tp->t_cc.cc_cwnd > pipe ? tp->t_cc.cc_cwnd - pipe : 0;
	if (room < want && (tp->t_flags & TF_FORCE) == 0) {
		tp->t_limited = tp->t_nxt;
		return false;
	}
	if (room < want)
		room = want;
	len = burst_max(tp);
	len = avail < len ? avail : len;
	len = wnd < len ? wnd : len;
	if (room < len) {
		tp->t_limited = tp->t_nxt + room;
		len = room;
	}
	fin = fin && len == avail;
	if (len % tp->t_mss != 0 && len > tp->t_mss && (len < avail || !plan_small(tp, fin)))
		len = len / tp->t_mss * tp->t_mss;
	if (len < tp->t_mss && len == avail && !plan_small(tp, fin)) {
		if ((tp->t_flags & (TF_CORK | TF_MORE)) != 0)
			tp->t_flags |= TF_OUTPUT;	/* told to send_new(): held */
		return false;
	}
	pl->pl_len = sndbuf_fit(&tp->t_snd, tp->t_nxt, len, PKT_MAXFRAGS);
	pl->pl_fin = fin && pl->pl_len == len;
	return true;
}

/* After a pause the window says nothing about the network any more. */
static void
check_idle(struct tcpcb *tp, int64_t now)
{
	if (tp->t_board.bd_n != 0)
		return;
	if (tp->t_lastsent != 0 && now - tp->t_lastsent > tp->t_rtt.tr_rto &&
	    netvar_get(tp->t_ns->tn_ns, &tcpvar_slow_start_idle) != 0)
		tcp_cc_idle(&tp->t_cc, now - tp->t_lastsent, tp->t_rtt.tr_rto);
	tp->t_deltime = now;		/* a rate sample starts here */
}

/*
 * The window is in use, hence may grow (RFC 7661): all of it, or half of it in slow
 * start, which is where each round trip doubles it.
 */
static void
note_limited(struct tcpcb *tp)
{
	uint64_t use = tcp_pipe(tp);

	if (tcp_cc_slowstart(&tp->t_cc))
		use *= 2;
	if (use + tp->t_mss > tp->t_cc.cc_cwnd)
		tp->t_limited = tp->t_nxt;
}

static bool
send_new(struct tcpcb *tp, int64_t now)
{
	struct tcp_plan pl;
	uint32_t seq = tp->t_nxt, end;

	if (!plan_new(tp, &pl))
		return false;
	end = seq + pl.pl_len + pl.pl_fin;
	check_idle(tp, now);
	if (board_push(&tp->t_board, seq, end, now, tp->t_delivered, tp->t_deltime) != 0)
		return false;
	tp->t_nxt = end;
	if (pl.pl_fin)
		tp->t_flags |= TF_FINSENT;
	/* Not built for lack of memory: then it is lost, as the board thinks it is out. */
	(void)tcp_sendtext(tp, seq, pl.pl_len, pl.pl_fin, false, now);
	note_limited(tp);
	if (pl.pl_len % tp->t_mss != 0)
		tp->t_small = seq + pl.pl_len;
	if (pl.pl_len > 0)
		tp->t_lastsent = now;
	tp->t_flags &= ~TF_FORCE;
	return true;
}

int
tcp_sendtlp(struct tcpcb *tp, int64_t now)
{
	uint32_t last = tp->t_board.bd_n - 1, len, wnd;

	wnd = tp->t_una + tp->t_wnd - tp->t_nxt;
	if ((tp->t_flags & TF_FINSENT) == 0 && text_end(tp) != tp->t_nxt &&
	    seq_gt(tp->t_una + tp->t_wnd, tp->t_nxt) && wnd > 0) {
		uint32_t cwnd = tp->t_cc.cc_cwnd;

		/* New data, one segment of it, beyond the congestion window. */
		tp->t_flags = (tp->t_flags | TF_FORCE) & ~TF_TLPRTX;
		tp->t_cc.cc_cwnd = 0;
		if (send_new(tp, now)) {
			tp->t_cc.cc_cwnd = cwnd;
			tp->t_flags |= TF_TLPPENDING;
			tp->t_tlpend = tp->t_nxt;
			return 0;
		}
		tp->t_cc.cc_cwnd = cwnd;
		tp->t_flags &= ~TF_FORCE;
	}
	/* The last segment again: its ACK shows what is missing before it. */
	len = board_at(&tp->t_board, last)->se_end - board_at(&tp->t_board, last)->se_seq;
	if (len > tp->t_mss) {
		board_cut(&tp->t_board, last, len - tp->t_mss);
		last = tp->t_board.bd_n - 1;
	}
	if ((board_at(&tp->t_board, last)->se_flags & SE_SACKED) != 0 ||
	    !tcp_retransmit(tp, last, now))
		return ENOBUFS;
	tp->t_flags |= TF_TLPPENDING | TF_TLPRTX;
	tp->t_tlpend = tp->t_nxt;
	return 0;
}

/* --- all of it -------------------------------------------------------------------- */

/* Data waits, nothing is under way: only the window can be the reason. */
static void
check_persist(struct tcpcb *tp, int64_t now)
{
	uint32_t edge = tp->t_una + tp->t_wnd;

	if (tp->t_board.bd_n == 0 && text_end(tp) != tp->t_nxt &&
	    (tp->t_flags & TF_FINSENT) == 0 &&
	    !plan_window(tp, seq_gt(edge, tp->t_nxt) ? edge - tp->t_nxt : 0,
	    text_end(tp) - tp->t_nxt < tp->t_mss ? text_end(tp) - tp->t_nxt : tp->t_mss)) {
		if (!tcp_timer_isset(tp, TT_PERSIST))
			tcp_timer_set(tp, TT_PERSIST, now +
			    tcp_rtt_backoff(&tp->t_rtt, tp->t_backoff));
	} else
		tcp_timer_clear(tp, TT_PERSIST);
}

/*
 * All there is has been sent and nothing was lost: so it is after most segments that
 * arrive.  What output_data() would find out at greater length.
 */
static bool
output_idle(struct tcpcb *tp)
{
	if (tp->t_nxt != text_end(tp) || tp->t_board.bd_lost != 0 ||
	    (tp->t_flags & (TF_FINQ | TF_FINSENT)) != 0)
		return false;
	tp->t_flags = (tp->t_flags | TF_APPLIMITED) & ~TF_FORCE;
	tcp_timer_clear(tp, TT_CORK);
	tcp_timer_clear(tp, TT_PERSIST);
	return true;
}

static void
output_data(struct tcpcb *tp, int64_t now)
{
	uint32_t had = tp->t_board.bd_n, nxt = tp->t_nxt;
	bool sent = false;

	if (output_idle(tp))
		return;
	/* F-RTO's second step tries new data where others would go on retransmitting. */
	while (tp->t_frto != 2 && send_lost(tp, now))
		sent = true;
	if (tp->t_plp == NULL || !tcp_plp_output(tp, now)) {
		while (send_new(tp, now))
			sent = true;
	}
	sent = sent || tp->t_nxt != nxt;
	if ((tp->t_flags & TF_OUTPUT) != 0) {
		tp->t_flags &= ~TF_OUTPUT;
		if (!tcp_timer_isset(tp, TT_CORK))
			tcp_timer_set(tp, TT_CORK, now + CORK_MAX);
	} else
		tcp_timer_clear(tp, TT_CORK);
	if (sent && (had == 0 || !tcp_timer_isset(tp, TT_RTO)))
		tcp_timer_rtx(tp, now);
	else if (sent && nxt != tp->t_nxt && tcp_timer_isset(tp, TT_TLP)) {
		int64_t rto = tp->t_deadline[TT_RTO];

		tcp_timer_rtx(tp, now);		/* the probe is put off, */
		tp->t_deadline[TT_RTO] = rto;	/* the timeout is not */
	}
	if (tp->t_nxt == text_end(tp))
		tp->t_flags |= TF_APPLIMITED;
	check_persist(tp, now);
	tp->t_flags &= ~TF_FORCE;
}

void
tcp_output(struct tcpcb *tp, int64_t now)
{
	KASSERT(mutex_owned(&tcp_so(tp)->so_lock));
	tp->t_flags &= ~TF_OUTPUT;
	if (tp->t_state == TCPS_CLOSED || tp->t_state == TCPS_LISTEN)
		return;
	if (tcp_synchronized(tp) || (tp->t_flags & TF_REQUEST) != 0)
		output_data(tp, now);
	if ((tp->t_flags & TF_ACKNOW) != 0 && tp->t_state != TCPS_SYN_SENT)
		tcp_sendack(tp, now);
	KASSERT(board_ok(&tp->t_board));
	KASSERT(sndbuf_ok(&tp->t_snd));
}

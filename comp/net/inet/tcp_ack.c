/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_ack.c - what an acknowledgment tells (RFC 9293 section 3.10.7.4, fifth)
 *
 * In this order an ACK
 *	- is checked: it may be from somebody who guesses (RFC 5961 section 5),
 *	- marks the scoreboard: SACK blocks, then everything before SEG.ACK,
 *	- opens or closes the peer's window,
 *	- gives a sample of the round trip time (RFC 6298, Karn's rule),
 *	- frees what need not be sent again,
 *	- is shown to loss recovery and congestion control (tcp_recovery.c),
 *	- restarts the timers and wakes who waits for room.
 *
 * tcp_output() follows when the batch ends, and sends what has become possible.
 */

#include "tcp_impl.h"

#include <sys/atomic.h>

/* --- is it for us? ------------------------------------------------------------- */

static bool
ack_acceptable(struct tcpcb *tp, const struct tcpseg *ts, int64_t now)
{
	if (seq_gt(ts->ts_ack, tp->t_nxt)) {
		/* "acks something not yet sent": say where we are. */
		tcp_challenge(tp, now);
		return false;
	}
	if (seq_lt(ts->ts_ack, tp->t_una - tp->t_maxwnd)) {
		tcp_challenge(tp, now);		/* RFC 5961 section 5.2 */
		return false;
	}
	return true;
}

/* --- SACK ------------------------------------------------------------------------- */

/* RFC 2883 section 4: the first block may tell of something that came twice. */
static bool
is_dsack(const struct tcpseg *ts)
{
	const struct sackblk *b = ts->ts_sack;

	if (seq_le(b[0].sb_end, ts->ts_ack))
		return seq_lt(b[0].sb_start, b[0].sb_end);
	return ts->ts_nsack > 1 && seq_ge(b[0].sb_start, b[1].sb_start) &&
	    seq_le(b[0].sb_end, b[1].sb_end);
}

static void
take_dsack(struct tcpcb *tp, const struct sackblk *b)
{
	uint32_t len = b->sb_end - b->sb_start;

	tp->t_dsackdups++;
	tcp_count(TCPSTAT_DSACKRECV);
	tp->t_undortx -= len < tp->t_undortx ? len : tp->t_undortx;
}

/* What a block says must be about octets that are under way. */
static void
take_sacks(struct tcpcb *tp, const struct tcpseg *ts, struct tcp_ackev *ev,
    struct tcp_delivery *d)
{
	unsigned int i = 0;

	ev->ev_dsack = is_dsack(ts);
	if (ev->ev_dsack)
		take_dsack(tp, &ts->ts_sack[i++]);
	for (; i < ts->ts_nsack; i++) {
		const struct sackblk *b = &ts->ts_sack[i];

		if (seq_lt(b->sb_start, b->sb_end) && seq_le(b->sb_end, tp->t_nxt) &&
		    seq_gt(b->sb_end, tp->t_una) && seq_ge(b->sb_start, tp->t_una))
			board_sack(&tp->t_board, *b, tp->t_mss, d);
	}
}

/* --- the window --------------------------------------------------------------------- */

void
tcp_newwindow(struct tcpcb *tp, const struct tcpseg *ts)
{
	uint32_t wnd = ts->ts_wnd;

	if ((ts->ts_flags & TH_SYN) == 0)
		wnd <<= tp->t_sndscale;
	tp->t_wnd = wnd;
	tp->t_wl1 = ts->ts_seq;
	tp->t_wl2 = ts->ts_ack;
	if (wnd > tp->t_maxwnd)
		tp->t_maxwnd = wnd;
}

/* Is it later than the one we took the window from?  True: the window changed. */
static bool
take_window(struct tcpcb *tp, const struct tcpseg *ts)
{
	uint32_t before = tp->t_una + tp->t_wnd, wnd = tp->t_wnd;

	if (!(seq_gt(ts->ts_ack, tp->t_una) || seq_lt(tp->t_wl1, ts->ts_seq) ||
	    (tp->t_wl1 == ts->ts_seq && (seq_lt(tp->t_wl2, ts->ts_ack) ||
	    (tp->t_wl2 == ts->ts_ack && (uint32_t)ts->ts_wnd << tp->t_sndscale > tp->t_wnd)))))
		return false;
	if (tp->t_state == TCPS_SYN_SENT)
		return false;		/* its SYN was taken already */
	tcp_newwindow(tp, ts);
	if (tp->t_board.bd_n == 0 && wnd == 0 && tp->t_wnd != 0)
		tp->t_backoff = 0;	/* it has opened: probes are over */
	return ts->ts_ack + tp->t_wnd != before;
}

/* --- time --------------------------------------------------------------------------- */

static void
take_rtt(struct tcpcb *tp, const struct tcpseg *ts, struct tcp_ackev *ev,
    const struct tcp_delivery *d, int64_t now)
{
	bool clean = d->dl_first != 0 && !d->dl_rtx;
	int64_t rtt = 0;

	/*
	 * Karn: what was sent twice tells nothing, unless a timestamp says that the
	 * last transmission is meant.  An ACK of a duplicate echoes an older one, as
	 * the first ACK was lost: that would add the timeout to the round trip.
	 */
	if (clean)
		rtt = now - d->dl_first;
	else if (d->dl_acked > 0 && ts->ts_tsecr != 0)
		rtt = d->dl_rtxrtt;
	if (d->dl_last != 0)
		ev->ev_rtt = now - d->dl_last;
	if (!clean && rtt == 0)
		return;
	tcp_rtt_sample(&tp->t_rtt, rtt, now);
}

/* Delivery rate, for tcp_info: octets delivered since the last of them was sent. */
static void
take_rate(struct tcpcb *tp, const struct tcp_delivery *d, int64_t now)
{
	int64_t span;

	if (d->dl_delivered == 0)
		return;
	tp->t_delivered += d->dl_delivered;
	tp->t_deltime = now;
	span = now - d->dl_ratetime;
	if (d->dl_ratetime == 0 || span <= 0 || span < tp->t_rtt.tr_min)
		return;
	tp->t_rate = (uint64_t)(tp->t_delivered - d->dl_ratedel) * NSEC_PER_SEC / (uint64_t)span;
}

/* --- what need not be sent again ---------------------------------------------------------- */

static void
free_acked(struct tcpcb *tp, uint32_t ack)
{
	uint32_t end = sndbuf_end(&tp->t_snd), to = seq_min(ack, end);

	tp->t_una = ack;
	tp->t_bytesacked += ack - tp->t_snd.sb_base < 0x80000000u ? to - tp->t_snd.sb_base : 0;
	if (seq_gt(to, tp->t_snd.sb_base))
		sndbuf_ack(&tp->t_snd, to);
	if ((tp->t_flags & TF_URGSEND) != 0 && seq_ge(ack, tp->t_sndup))
		tp->t_flags &= ~TF_URGSEND;
	tcp_wakewriters(tp);
}

/* --- all of it -------------------------------------------------------------------------------- */

static struct tcp_delivery
delivery_begin(const struct tcpcb *tp, const struct tcpseg *ts, int64_t now)
{
	return (struct tcp_delivery){ .dl_now = now, .dl_minrtt = tp->t_rtt.tr_min,
	    .dl_fack = tp->t_rack.rk_fack, .dl_tsecr = ts->ts_tsecr, .dl_tsoff = tp->t_tsoff,
	    .dl_hasts = (tp->t_flags & TF_TIMESTAMPS) != 0 &&
	    (ts->ts_opts & TO_TIMESTAMP) != 0 };
}

/* RFC 5681 section 2, (a) to (e): for peers without SACK. */
static bool
is_duplicate(const struct tcpcb *tp, const struct tcpseg *ts, bool newwindow)
{
	return ts->ts_ack == tp->t_una && tp->t_board.bd_n != 0 && ts->ts_len == 0 &&
	    (ts->ts_flags & (TH_SYN | TH_FIN)) == 0 && !newwindow;
}

static void
restart_timers(struct tcpcb *tp, const struct tcp_ackev *ev, int64_t now)
{
	if (ev->ev_acked > 0)
		tcp_timer_rtx(tp, now);
	else if (tp->t_board.bd_n != 0 && tp->t_board.bd_sacked != 0)
		tcp_timer_clear(tp, TT_TLP);
}

bool
tcp_ack(struct tcpcb *tp, const struct tcpseg *ts, uint8_t tos __unused_arg, int64_t now)
{
	struct tcp_delivery d = delivery_begin(tp, ts, now);
	struct tcp_ackev ev = { .ev_una0 = tp->t_una, .ev_tsecr = ts->ts_tsecr,
		.ev_hasts = d.dl_hasts };
	bool newwindow;

	if (!ack_acceptable(tp, ts, now))
		return false;
	tp->t_probes = 0;
	if (seq_lt(ts->ts_ack, tp->t_una))
		return true;		/* an old one: only the text can be news */
	ev.ev_acked = ts->ts_ack - tp->t_una;
	ev.ev_ece = (tp->t_flags & TF_ECN) != 0 && (ts->ts_flags & (TH_ECE | TH_SYN)) == TH_ECE;
	if ((tp->t_flags & TF_SACK) != 0 && (ts->ts_opts & TO_SACK) != 0)
		take_sacks(tp, ts, &ev, &d);
	newwindow = take_window(tp, ts);
	ev.ev_dup = is_duplicate(tp, ts, newwindow);
	if (ev.ev_acked > 0) {
		board_ack(&tp->t_board, ts->ts_ack, &d);
		free_acked(tp, ts->ts_ack);
	}
	if (ev.ev_acked == 0 && d.dl_delivered == 0 && !ev.ev_dup && !ev.ev_dsack &&
	    !ev.ev_ece) {
		/* Nothing but, perhaps, a window. */
		return true;
	}
	take_rtt(tp, ts, &ev, &d, now);
	take_rate(tp, &d, now);
	if (ev.ev_ece)
		tp->t_deliveredce += d.dl_delivered;
	if (ev.ev_acked > 0) {
		tp->t_backoff = 0;
		tp->t_stalled = 0;
	}
	tcp_recover(tp, &ev, &d, now);
	restart_timers(tp, &ev, now);
	KASSERT(board_ok(&tp->t_board));
	return true;
}

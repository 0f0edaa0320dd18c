/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_plp.c - how large segments may be, found by trying (RFC 4821)
 *
 * Where routers drop what is too big and say nothing (RFC 2923), repeated timeouts
 * of full segments make us send smaller ones: t_mtucap.  From there larger ones are
 * tried, one segment at a time, in a search between what is known to work (pl_low)
 * and what may (pl_high).  A probe is text like any other.  It goes when enough
 * follows it to show at once that it is missing, and when the congestion window has
 * room for ten other segments.
 *
 * What becomes of a probe (RFC 4821 section 7.6)
 *	acknowledged	it works: segments are as large as it was
 *	lost alone	it was too big.  Its text goes again in smaller segments, and no
 *			window shrinks: this loss is no congestion
 *	lost with others, or a timeout	nothing is known; after PLP_TRIES of these it
 *			counts as too big
 *
 * The first size to be tried is the largest, as mostly that works.  When less than
 * net.ipv4.tcp_probe_threshold octets are in doubt the search is over, and begins
 * anew net.ipv4.tcp_probe_interval later, as ways change.
 *
 * net.ipv4.tcp_mtu_probing says who has a search: 1 connections that met a black hole or were
 * told by ICMP of a smaller path, 2 all, which then begin at tcp_base_mss.
 * Without memory for it a connection stays at the size that works.
 *
 * All of it is under so_lock.
 */

#include "tcp_impl.h"

#include <sys/errno.h>
#include <sys/kmem.h>

#define PLP_TRIES	3	/* probes of one size without a verdict */
#define PLP_WINDOW	11	/* segments: the probe and ten others (section 7.4) */
#define PLP_AFTER	(RACK_DUPTHRESH + 1)	/* segments to follow it */

struct tcp_plp {
	uint32_t	 pl_low;	/* MTU that works */
	uint32_t	 pl_high;	/* MTU beyond which there is no hope */
	uint32_t	 pl_size;	/* MTU of the probe that is under way, */
	uint32_t	 pl_start, pl_end;	/* and its text; none: both the same */
	uint8_t		 pl_tries;	/* probes of pl_high or so that told nothing */
	bool		 pl_bisect;	/* pl_high itself was tried, or is in vain */
	int64_t		 pl_since;	/* when the search began, or learnt something */
};

/* --- the bounds ------------------------------------------------------------------ */

/* The largest packet that the next link and the peer take. */
static uint32_t
plp_top(const struct tcpcb *tp)
{
	uint32_t hdr = tp->t_af->ia_hdrlen + TCP_HDRLEN, top = tp->t_pmtu;

	if (top > hdr + tp->t_peermss)
		top = hdr + tp->t_peermss;
	if (tp->t_usermss != 0 && top > hdr + tp->t_usermss)
		top = hdr + tp->t_usermss;
	return top < UINT16_MAX ? top : UINT16_MAX;
}

static uint32_t
plp_floor(const struct tcpcb *tp)
{
	uint32_t least = tp->t_af->ia_hdrlen + TCP_HDRLEN +
	    (uint32_t)netvar_get(tp->t_ns->tn_ns, &tcpvar_probe_floor);

	return least > tp->t_af->ia_minmtu ? least : tp->t_af->ia_minmtu;
}

static void
plp_setlow(struct tcpcb *tp, uint32_t low)
{
	struct tcp_plp *pl = tp->t_plp;

	pl->pl_low = low;
	if (pl->pl_high < low)
		pl->pl_high = low;
	tp->t_mtucap = (uint16_t)low;
	tcp_setmss(tp, tp->t_pmtu);
}

static bool
plp_begin(struct tcpcb *tp, uint32_t low, int64_t now)
{
	struct tcp_plp *pl = tp->t_plp;

	if (pl == NULL) {
		pl = kmem_zalloc(sizeof(*pl), KM_NOSLEEP);
		if (pl == NULL)
			return false;
		tp->t_plp = pl;
	}
	pl->pl_start = pl->pl_end;
	pl->pl_tries = 0;
	pl->pl_bisect = false;
	pl->pl_since = now;
	pl->pl_high = plp_top(tp);
	plp_setlow(tp, low < pl->pl_high ? low : pl->pl_high);
	return true;
}

void
tcp_plp_fini(struct tcpcb *tp)
{
	kmem_free(tp->t_plp, sizeof(*tp->t_plp));
	tp->t_plp = NULL;
}

void
tcp_plp_negotiated(struct tcpcb *tp, int64_t now)
{
	const struct netns *ns = tp->t_ns->tn_ns;

	if (netvar_get(ns, &tcpvar_mtu_probing) == 2)
		(void)plp_begin(tp, tp->t_af->ia_hdrlen + TCP_HDRLEN +
		    (uint32_t)netvar_get(ns, &tcpvar_base_mss), now);
}

/* Timeouts in a row: perhaps a router swallows what is too big for it. */
void
tcp_blackhole(struct tcpcb *tp, int64_t now)
{
	const struct netns *ns = tp->t_ns->tn_ns;
	uint32_t hdr = tp->t_af->ia_hdrlen + TCP_HDRLEN, floor = plp_floor(tp);
	uint32_t base = (uint32_t)netvar_get(ns, &tcpvar_base_mss) + hdr;
	uint32_t cap = tp->t_mtucap != 0 ? tp->t_mtucap : tp->t_pmtu;

	if (netvar_get(ns, &tcpvar_mtu_probing) == 0 || cap == 0)
		return;
	cap = cap > base ? base : cap / 2;
	if (cap < floor)
		cap = floor;
	if (cap < hdr + (uint32_t)netvar_get(ns, &tcpvar_min_snd_mss) || cap == tp->t_mtucap ||
	    !plp_begin(tp, cap, now))
		return;
	tp->t_plp->pl_bisect = true;	/* all may be too big but this */
	tcp_count(TCPSTAT_MTUPFAIL);
}

/* --- what becomes of a probe --------------------------------------------------------- */

static void
plp_failed(struct tcpcb *tp, int64_t now)
{
	struct tcp_plp *pl = tp->t_plp;

	pl->pl_start = pl->pl_end;
	pl->pl_high = pl->pl_size - 1 > pl->pl_low ? pl->pl_size - 1 : pl->pl_low;
	pl->pl_bisect = true;
	pl->pl_tries = 0;
	pl->pl_since = now;
	tcp_count(TCPSTAT_MTUPFAIL);
}

static void
plp_unclear(struct tcpcb *tp, int64_t now)
{
	struct tcp_plp *pl = tp->t_plp;

	pl->pl_start = pl->pl_end;
	if (++pl->pl_tries >= PLP_TRIES)
		plp_failed(tp, now);
}

void
tcp_plp_ack(struct tcpcb *tp, int64_t now)
{
	struct tcp_plp *pl = tp->t_plp;
	uint32_t i;

	if (pl->pl_start == pl->pl_end)
		return;
	if (seq_lt(tp->t_una, pl->pl_end)) {
		i = board_find(&tp->t_board, pl->pl_start);
		if (i == tp->t_board.bd_n ||
		    (board_at(&tp->t_board, i)->se_flags & SE_SACKED) == 0)
			return;
	} else if ((tp->t_flags & (TF_TLPPENDING | TF_TLPRTX)) == (TF_TLPPENDING | TF_TLPRTX) &&
	    tp->t_tlpend == pl->pl_end) {
		plp_unclear(tp, now);	/* it went again as a tail loss probe */
		return;
	}
	pl->pl_start = pl->pl_end;
	pl->pl_tries = 0;
	pl->pl_since = now;
	plp_setlow(tp, pl->pl_size);
	tcp_count(TCPSTAT_MTUPSUCCESS);
}

bool
tcp_plp_lost(struct tcpcb *tp, uint32_t len, int64_t now)
{
	struct tcp_plp *pl = tp->t_plp;
	const struct tcp_sent *se;
	uint32_t i;

	if (pl->pl_start == pl->pl_end)
		return false;
	i = board_find(&tp->t_board, pl->pl_start);
	if (i == tp->t_board.bd_n)
		return false;
	se = board_at(&tp->t_board, i);
	if ((se->se_flags & SE_LOST) == 0)
		return false;
	if (se->se_seq != pl->pl_start || se->se_end - se->se_seq != len) {
		plp_unclear(tp, now);
		return false;
	}
	plp_failed(tp, now);
	tp->t_flags |= TF_FORCE | TF_OUTPUT;
	return true;
}

/* The same for a peer without SACK: what is missing is the first segment. */
bool
tcp_plp_losthead(struct tcpcb *tp, int64_t now)
{
	struct tcp_plp *pl = tp->t_plp;

	if (pl->pl_start == pl->pl_end)
		return false;
	if (pl->pl_start != tp->t_una) {
		plp_unclear(tp, now);
		return false;
	}
	plp_failed(tp, now);
	board_lost(&tp->t_board, 0);
	tp->t_flags |= TF_FORCE | TF_OUTPUT;
	return true;
}

void
tcp_plp_timeout(struct tcpcb *tp, int64_t now)
{
	if (tp->t_plp->pl_start != tp->t_plp->pl_end)
		plp_unclear(tp, now);
}

bool
tcp_plp_toobig(struct tcpcb *tp, int64_t now)
{
	struct tcp_plp *pl = tp->t_plp;
	uint32_t top = plp_top(tp), i;

	if (pl == NULL) {
		/* Later larger ones are tried: so it is found that the path grew again. */
		if (netvar_get(tp->t_ns->tn_ns, &tcpvar_mtu_probing) != 0)
			(void)plp_begin(tp, top, now);
		return false;
	}
	if (pl->pl_high > top)
		pl->pl_high = top;
	if (pl->pl_low > top)
		plp_setlow(tp, top);
	pl->pl_bisect = false;		/* a router told us: this size works */
	if (pl->pl_start == pl->pl_end || pl->pl_size <= top)
		return false;
	i = board_find(&tp->t_board, pl->pl_start);
	pl->pl_start = pl->pl_end;
	pl->pl_since = now;
	if (i == tp->t_board.bd_n || (board_at(&tp->t_board, i)->se_flags & SE_SACKED) != 0)
		return false;
	board_lost(&tp->t_board, i);
	return true;
}

/* --- trying --------------------------------------------------------------------------- */

/* Is there doubt about sizes?  If there was none for long there is again. */
static bool
plp_doubt(struct tcpcb *tp, int64_t now)
{
	const struct netns *ns = tp->t_ns->tn_ns;
	struct tcp_plp *pl = tp->t_plp;
	uint32_t top, mtu;

	if (now - pl->pl_since >=
	    (int64_t)netvar_get(ns, &tcpvar_probe_interval) * NSEC_PER_SEC) {
		/* What ICMP told us is forgotten by now, or told again. */
		mtu = tp->t_inp.inp_dst != NULL ? rtdst_mtu(tp->t_inp.inp_dst) : 0;
		if (mtu > tp->t_pmtu)
			tcp_setmss(tp, mtu);
		top = plp_top(tp);
		pl->pl_bisect = pl->pl_bisect && pl->pl_high >= top;
		pl->pl_high = top > pl->pl_low ? top : pl->pl_low;
		pl->pl_since = now;
	}
	return pl->pl_high - pl->pl_low >=
	    (uint32_t)netvar_get(ns, &tcpvar_probe_threshold);
}

static bool
plp_may(const struct tcpcb *tp)
{
	uint8_t disc = tp->t_inp.inp_family == AF_INET ? tp->t_inp.inp_pmtudisc :
	    tp->t_inp.inp_pmtudisc6;

	return tp->t_castate == TCA_OPEN && tp->t_board.bd_n != 0 &&
	    tp->t_board.bd_sacked == 0 && tp->t_board.bd_lost == 0 &&
	    (tp->t_flags & (TF_FINSENT | TF_URGSEND | TF_TLPPENDING)) == 0 &&
	    tp->t_cc.cc_cwnd >= PLP_WINDOW * tp->t_mss &&
	    (disc == IP_PMTUDISC_WANT || disc == IP_PMTUDISC_DO || disc == IP_PMTUDISC_PROBE);
}

static void
plp_send(struct tcpcb *tp, uint32_t size, uint32_t len, int64_t now)
{
	struct tcp_plp *pl = tp->t_plp;
	uint32_t seq = tp->t_nxt, mss = tp->t_mss;

	if (board_push(&tp->t_board, seq, seq + len, now, tp->t_delivered, tp->t_deltime) != 0)
		return;
	tp->t_nxt = seq + len;
	/* One segment, not to be cut into what is full otherwise. */
	tp->t_mss = len;
	(void)tcp_sendtext(tp, seq, len, false, false, now);
	tp->t_mss = mss;
	tp->t_lastsent = now;
	if (board_at(&tp->t_board, tp->t_board.bd_n - 1)->se_seq != seq)
		return;		/* no memory to tell it from what went before */
	pl->pl_size = size;
	pl->pl_start = seq;
	pl->pl_end = seq + len;
}

bool
tcp_plp_output(struct tcpcb *tp, int64_t now)
{
	struct tcp_plp *pl = tp->t_plp;
	uint32_t edge = tp->t_una + tp->t_wnd, size, len, need;

	if (pl->pl_start != pl->pl_end || !plp_doubt(tp, now) || !plp_may(tp))
		return false;
	size = pl->pl_bisect ? pl->pl_low + (pl->pl_high - pl->pl_low + 1) / 2 : pl->pl_high;
	len = tcp_mtumss(tp, size);
	need = len + PLP_AFTER * tp->t_mss;
	if (len <= tp->t_mss || sndbuf_end(&tp->t_snd) - tp->t_nxt < need || tp->t_wnd < need ||
	    sndbuf_fit(&tp->t_snd, tp->t_nxt, len, PKT_MAXFRAGS) < len)
		return false;
	if (tcp_pipe(tp) + len > tp->t_cc.cc_cwnd || seq_lt(edge, tp->t_nxt + need))
		return true;		/* an ACK or two, and there is room */
	plp_send(tp, size, len, now);
	return false;
}

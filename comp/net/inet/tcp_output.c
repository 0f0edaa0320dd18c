/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_output.c - what to send now, and building it
 *
 * tcp_output() is called whenever something changed that might let a segment
 * go: a write, an ACK, a timer.  In this order it sends
 *
 *	1. what was lost, as far as the congestion window allows,
 *	2. new data, as far as both windows, Nagle and TCP_CORK allow,
 *	3. an ACK by itself, if one is due and nothing above carried it.
 *
 * Deciding is apart from building: the plan_*() functions only look.
 *
 * Segments are as long as there is data, up to 64 KiB; where the link wants less,
 * they are cut into pieces of t_mss (p_gso_size) when they get there.  They refer
 * to the blocks of the send buffer.
 *
 * References: RFC 9293 section 3.8.6.2.1 (silly windows), RFC 1122 section
 * 4.2.3.4 and Minshall's modification (Nagle), RFC 6675 (pipe), RFC 3168 (ECN).
 */

#include "tcp_impl.h"

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#define ECT0		2	/* IP's ECN field: capable transport */
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

/* --- building ----------------------------------------------------------------- */

/* The header of a segment of this connection, but for its options. */
static void
seg_init(struct tcpcb *tp, struct tcpseg *ts, uint32_t seq, uint8_t flags)
{
	ts->ts_sport = tp->t_inp.inp_lport;
	ts->ts_dport = tp->t_inp.inp_fport;
	ts->ts_seq = seq;
	ts->ts_flags = flags;
	ts->ts_ack = (flags & TH_ACK) != 0 ? tp->t_rnxt : 0;
	ts->ts_urp = 0;
	ts->ts_opts = 0;
	ts->ts_nsack = 0;
	ts->ts_cookielen = 0;
	if ((tp->t_flags & TF_URGSEND) != 0 && seq_lt(seq, tp->t_sndup)) {
		uint32_t off = tp->t_sndup - seq;

		/* RFC 6093 section 3.1: as deployed, it points behind the octet. */
		ts->ts_urp = off > 65535 ? 65535 : (uint16_t)off;
		ts->ts_flags |= TH_URG;
	}
}

/* What we offer; from now on the peer may count on it. */
static void
seg_window(struct tcpcb *tp, struct tcpseg *ts)
{
	uint32_t wnd = tcp_rcvwindow(tp);

	if ((ts->ts_flags & TH_SYN) != 0) {
		ts->ts_wnd = wnd > 65535 ? 65535 : (uint16_t)wnd;
		wnd = ts->ts_wnd;
	} else {
		ts->ts_wnd = (uint16_t)(wnd >> tp->t_rcvscale);
		wnd = (uint32_t)ts->ts_wnd << tp->t_rcvscale;
	}
	if (seq_gt(tp->t_rnxt + wnd, tp->t_radv))
		tp->t_radv = tp->t_rnxt + wnd;
}

/* RFC 2018 section 4, RFC 2883: a duplicate first, then the latest blocks. */
static void
seg_sack(struct tcpcb *tp, struct tcpseg *ts, unsigned int room)
{
	unsigned int most = room < 12 ? 0 : (room - 4) / 8;
	unsigned int n = 0;

	if (most > TCP_MAXSACK)
		most = TCP_MAXSACK;
	if (most > 0 && tp->t_dsack.sb_start != tp->t_dsack.sb_end) {
		ts->ts_sack[n++] = tp->t_dsack;
		tp->t_dsack = (struct sackblk){ 0, 0 };
		tcp_count(TCPSTAT_DSACKSENT);
	}
	for (unsigned int i = 0; i < tp->t_nsackblk && n < most; i++)
		ts->ts_sack[n++] = tp->t_sackblk[i];
	if (n > 0) {
		ts->ts_nsack = (uint8_t)n;
		ts->ts_opts |= TO_SACK;
	}
}

static void
seg_options(struct tcpcb *tp, struct tcpseg *ts, uint32_t len, int64_t now)
{
	unsigned int room = TCP_MAXHDR - TCP_HDRLEN;

	if ((tp->t_flags & TF_TIMESTAMPS) != 0) {
		ts->ts_opts |= TO_TIMESTAMP;
		ts->ts_tsval = tcp_ts(now, tp->t_tsoff);
		ts->ts_tsecr = tp->t_tsrecent;
		room -= 12;
	}
	if (tp->t_nsackblk == 0 && tp->t_dsack.sb_start == tp->t_dsack.sb_end)
		return;
	/* A full segment has no room: then an ACK of its own tells. */
	if (len > 0)
		room = len < tp->t_mss && tp->t_mss - len < room ? tp->t_mss - len : 0;
	seg_sack(tp, ts, room);
}

/* The ACK number has left: nothing is owed any more. */
static void
ack_sent(struct tcpcb *tp, const struct tcpseg *ts)
{
	if ((ts->ts_flags & TH_ACK) == 0)
		return;
	if (tp->t_quickacks > 0 && tp->t_lastack != tp->t_rnxt)
		tp->t_quickacks--;
	tp->t_lastack = tp->t_rnxt;
	if ((tp->t_nsackblk == 0 && tp->t_dsack.sb_start == tp->t_dsack.sb_end) ||
	    ts->ts_nsack > 0)
		tp->t_flags &= ~(TF_ACKNOW | TF_DELACK);
	tcp_timer_clear(tp, TT_DELACK);
}

/* Puts the header on p, whose text is in place, and p into the queue. */
static void
seg_finish(struct tcpcb *tp, struct packet *p, struct tcpseg *ts, unsigned int ecn)
{
	const struct socket *so = tcp_so(tp);
	uint32_t len = p->p_len;

	tcp_wire_build(packet_push(p, tcp_wire_length(ts)), ts);
	p->p_l4 = packet_offset(p);
	inet_csum_setup(tp->t_af, p, &tp->t_inp.inp_laddr, &tp->t_inp.inp_faddr,
	    IPPROTO_TCP, 16);
	if (len > tp->t_mss) {
		p->p_gso = tp->t_inp.inp_family == AF_INET ? PKT_GSO_TCP4 : PKT_GSO_TCP6;
		p->p_gso_size = (uint16_t)tp->t_mss;
		p->p_gso_segs = (uint16_t)((len + tp->t_mss - 1) / tp->t_mss);
		p->p_gso_ecn = (ts->ts_flags & TH_CWR) != 0;
		tp->t_segsout += p->p_gso_segs;
	} else
		tp->t_segsout++;
	p->p_mark = atomic_load(&so->so_mark);
	p->p_prio = atomic_load(&so->so_priority);
	p->p_hash = tp->t_inp.inp_hash;
	p->p_cb[0] = ecn;
	packetq_put(&tp->t_outq, p);
	tcp_count(TCPSTAT_OUTSEGS);
	ack_sent(tp, ts);
}

/* A segment without text.  Without memory it is as if it had been lost. */
static void
send_bare(struct tcpcb *tp, uint32_t seq, uint8_t flags, int64_t now)
{
	struct packet *p = packet_alloc(KM_NOSLEEP);
	struct tcpseg ts;

	if (p == NULL)
		return;
	seg_init(tp, &ts, seq, flags);
	if ((tp->t_flags & TF_ECE) != 0 && (flags & TH_RST) == 0)
		ts.ts_flags |= TH_ECE;
	seg_window(tp, &ts);
	seg_options(tp, &ts, 0, now);
	seg_finish(tp, p, &ts, 0);
}

void
tcp_sendack(struct tcpcb *tp, int64_t now)
{
	send_bare(tp, tp->t_nxt, TH_ACK, now);
	tp->t_flags &= ~(TF_ACKNOW | TF_DELACK);
}

void
tcp_sendrst(struct tcpcb *tp, uint32_t seq, int64_t now)
{
	tcp_count(TCPSTAT_OUTRSTS);
	send_bare(tp, seq, tp->t_state == TCPS_SYN_SENT ? TH_RST : TH_RST | TH_ACK, now);
}

/* Out of the window on purpose: it has to be answered (section 3.8.4). */
void
tcp_sendprobe(struct tcpcb *tp, bool urgent __unused_arg, int64_t now)
{
	send_bare(tp, tp->t_una - 1, TH_ACK, now);
}

/* --- SYN ------------------------------------------------------------------------- */

/* The SYN or SYN-ACK, the first time and again.  ENOMEM: the timer will try. */
int
tcp_sendsyn(struct tcpcb *tp, int64_t now)
{
	const struct netns *ns = tp->t_ns->tn_ns;
	bool synack = tp->t_state == TCPS_SYN_RECEIVED;
	struct packet *p = packet_alloc(KM_NOSLEEP);
	struct tcpseg ts;
	uint32_t len = 0;

	if (p == NULL)
		return ENOMEM;
	seg_init(tp, &ts, tp->t_iss, synack ? TH_SYN | TH_ACK : TH_SYN);
	ts.ts_opts = TO_MSS;
	ts.ts_mss = tp->t_advmss;
	if (synack ? (tp->t_flags & TF_TIMESTAMPS) != 0 :
	    netvar_get(ns, &tcpvar_timestamps) != 0) {
		ts.ts_opts |= TO_TIMESTAMP;
		ts.ts_tsval = tcp_ts(now, tp->t_tsoff);
		ts.ts_tsecr = synack ? tp->t_tsrecent : 0;
	}
	if (synack ? (tp->t_flags & TF_SACK) != 0 : netvar_get(ns, &tcpvar_sack) != 0)
		ts.ts_opts |= TO_SACKOK;
	if (synack ? (tp->t_flags & TF_WSCALE) != 0 : netvar_get(ns, &tcpvar_wscale) != 0) {
		ts.ts_opts |= TO_WSCALE;
		ts.ts_wscale = tp->t_rcvscale;
	}
	/* RFC 3168 section 6.1.1; not when the SYN may have been dropped for it. */
	if (synack ? (tp->t_flags & TF_ECN) != 0 :
	    netvar_get(ns, &tcpvar_ecn) == 1 && tp->t_retries == 0)
		ts.ts_flags |= synack ? TH_ECE : TH_ECE | TH_CWR;
	if (tp->t_tfo != NULL && !synack && tp->t_retries == 0) {
		ts.ts_opts |= tp->t_tfo->ts_opts;
		ts.ts_cookielen = tp->t_tfo->ts_cookielen;
		for (unsigned int i = 0; i < ts.ts_cookielen; i++)
			ts.ts_cookie[i] = tp->t_tfo->ts_cookie[i];
		len = tp->t_nxt != tp->t_iss ? tp->t_nxt - tp->t_iss - 1 : 0;
		if (len > 0 && sndbuf_refer(&tp->t_snd, tp->t_iss + 1, len, p) != 0) {
			packet_free(p);
			return ENOMEM;
		}
	}
	tp->t_retries++;
	seg_window(tp, &ts);
	seg_finish(tp, p, &ts, 0);
	return 0;
}

/* --- text ------------------------------------------------------------------------ */

/* [seq, seq + len) with or without FIN behind it, first time or again. */
static int
send_text(struct tcpcb *tp, uint32_t seq, uint32_t len, bool fin, bool rtx, int64_t now)
{
	struct packet *p = packet_alloc(KM_NOSLEEP);
	uint8_t flags = TH_ACK;
	unsigned int ecn = 0;
	struct tcpseg ts;

	if (p == NULL)
		return ENOMEM;
	if (len > 0 && sndbuf_refer(&tp->t_snd, seq, len, p) != 0) {
		packet_free(p);
		return ENOBUFS;
	}
	if (len > 0 && seq + len == text_end(tp))
		flags |= TH_PSH;
	if (fin)
		flags |= TH_FIN;
	seg_init(tp, &ts, seq, flags);
	if ((tp->t_flags & TF_ECN) != 0) {
		if ((tp->t_flags & TF_ECE) != 0)
			ts.ts_flags |= TH_ECE;
		if (!rtx && len > 0) {		/* section 6.1.5: not when sent again */
			ecn = ECT0;
			if ((tp->t_flags & TF_CWR) != 0)
				ts.ts_flags |= TH_CWR;
			tp->t_flags &= ~TF_CWR;
		}
	}
	seg_window(tp, &ts);
	seg_options(tp, &ts, len, now);
	seg_finish(tp, p, &ts, ecn);
	tp->t_dataout += len > 0;
	tp->t_bytessent += len;
	tp->t_prrout += len;
	return 0;
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
		if (send_text(tp, se->se_seq, len, fin, true, now) != 0)
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
	(void)send_text(tp, seq, pl.pl_len, pl.pl_fin, false, now);
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

static void
output_data(struct tcpcb *tp, int64_t now)
{
	uint32_t had = tp->t_board.bd_n, nxt = tp->t_nxt;
	bool sent = false;

	/* F-RTO's second step tries new data where others would go on retransmitting. */
	while (tp->t_frto != 2 && send_lost(tp, now))
		sent = true;
	while (send_new(tp, now))
		sent = true;
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

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_build.c - building segments: headers, options, text
 *
 * A segment is built under the connection's lock and put into t_outq; tcp_unlock()
 * hands it to IP.  Segments are as long as there is data, up to 64 KiB; where the link
 * wants less, they are cut into pieces of t_mss (p_gso_size) when they get there.
 * They refer to the blocks of the send buffer.
 *
 * References: RFC 9293 section 3.1, RFC 7323 (window scale, timestamps), RFC 2018 (SACK),
 * RFC 3168 (ECN).
 */

#include "tcp_impl.h"

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#define ECT0		2	/* IP's ECN field: capable transport */

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
int
tcp_sendtext(struct tcpcb *tp, uint32_t seq, uint32_t len, bool fin, bool rtx, int64_t now)
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
	if (len > 0 && seq + len == sndbuf_end(&tp->t_snd))
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

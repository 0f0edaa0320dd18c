/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_synsent.c - a segment for who has sent a SYN (RFC 9293 section 3.10.7.3)
 *
 * The peer's SYN-ACK makes the connection; its SYN alone means that both called at
 * once (section 3.5, figure 7); a RST that acknowledges ours refuses.
 */

#include "tcp_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>

/* --- SYN-SENT: section 3.10.7.3 ------------------------------------------------------------------ */

/* Both called at once (section 3.5, figure 7): answer the SYN with a SYN-ACK. */
static void
simultaneous_open(struct tcpcb *tp, int64_t now)
{
	tcp_setstate(tp, TCPS_SYN_RECEIVED);
	tp->t_retries = 0;
	(void)tcp_sendsyn(tp, now);
	tcp_timer_rtx(tp, now);
}

static void
synsent_connected(struct tcpcb *tp, const struct tcpseg *ts, int64_t now)
{
	if ((ts->ts_flags & (TH_ECE | TH_CWR)) == TH_ECE &&
	    netvar_get(tp->t_ns->tn_ns, &tcpvar_ecn) == 1)
		tp->t_flags |= TF_ECN;
	if (tp->t_tfo != NULL || (ts->ts_opts & (TO_FASTOPEN | TO_FASTOPENEXP)) != 0)
		tfo_synacked(tp, ts);
	(void)tcp_ack(tp, ts, 0, now);
	tcp_established(tp, now);
	tp->t_flags |= TF_ACKNOW;
}

void
tcp_synsent(struct tcpcb *tp, struct tcpseg *ts, struct packet *p, int64_t now)
{
	bool ack = (ts->ts_flags & TH_ACK) != 0;

	/* First, the ACK bit: is it for our SYN? */
	if (ack && (seq_le(ts->ts_ack, tp->t_iss) || seq_gt(ts->ts_ack, tp->t_nxt))) {
		if ((ts->ts_flags & TH_RST) == 0)
			tcp_sendrst(tp, ts->ts_ack, now);
		goto out;
	}
	if (ack && (ts->ts_opts & TO_TIMESTAMP) != 0 && ts->ts_tsecr != 0 &&
	    seq_gt(ts->ts_tsecr, tcp_ts(now, tp->t_tsoff))) {
		/* It echoes what we never sent (RFC 7323 section 5.3 has no word on it). */
		if ((ts->ts_flags & TH_RST) == 0)
			tcp_sendrst(tp, ts->ts_ack, now);
		goto out;
	}
	/* Second, RST. */
	if ((ts->ts_flags & TH_RST) != 0) {
		if (ack)
			tcp_connreset(tp);
		goto out;
	}
	/* Fourth, SYN. */
	if ((ts->ts_flags & TH_SYN) == 0)
		goto out;
	tp->t_irs = ts->ts_seq;
	tp->t_rnxt = tp->t_lastack = tp->t_copied = ts->ts_seq + 1;
	tp->t_radv += tp->t_rnxt;	/* it was counted from 0 until now */
	tcp_negotiate(tp, ts, now);
	tp->t_wnd = tp->t_maxwnd = ts->ts_wnd;	/* never scaled in a SYN */
	tp->t_wl1 = ts->ts_seq;
	tp->t_wl2 = ack ? ts->ts_ack : tp->t_iss;
	ts->ts_seq++;
	if (!ack) {
		simultaneous_open(tp, now);
		goto out;
	}
	synsent_connected(tp, ts, now);
	tcp_urgent(tp, ts);
	if (ts->ts_len > 0) {
		tcp_trim(tp, ts, p);
		if (ts->ts_len > 0) {
			tcp_text(tp, ts, p, now);
			p = NULL;
		}
	}
	if ((ts->ts_flags & TH_FIN) != 0 && ts->ts_seq + ts->ts_len == tp->t_rnxt)
		tcp_fin(tp, now);
	tp->t_flags |= TF_OUTPUT;
out:
	packet_free(p);
}

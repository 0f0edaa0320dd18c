/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_syn.c - SYN-RECEIVED, before there is a socket (RFC 9293 section 3.10.7.4)
 *
 * A SYN for a listener becomes a request, a struct tcpmini of some 200 bytes
 * that knows what was agreed upon and repeats the SYN-ACK; the ACK that completes
 * the handshake makes the socket, which goes to the accept queue at once.  So
 * whoever only sends SYNs costs little.
 *
 * Requests are born in tcp_listen.c and end in tcp_child.c.
 *
 * Requests wait 1, 2, 4 ... seconds for their ACK, hence a list a number of
 * retries is in the order of deadlines.
 *
 * Locking: a request is found and changed under tn_lock.  Completing one makes
 * the child without it, as memory may have to be found, and enters it into the table of
 * connections before the request goes: there is no moment when a segment of the
 * connection would find neither.
 */

#include "tcp_impl.h"

#include <lib/string.h>
#include <linux/tcp.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/random.h>

/* --- the SYN-ACK ------------------------------------------------------------------- */

void
tcp_synack(struct netns *ns, const struct tcpmini *tm, const struct tcpseg *cookie, int64_t now)
{
	struct tcp_answer ta = { .ta_ns = ns, .ta_af = inet_af(tm->tm_family),
		.ta_laddr = tm->tm_laddr, .ta_faddr = tm->tm_faddr, .ta_scope = tm->tm_scope,
		.ta_mark = tm->tm_mark, .ta_tos = tm->tm_tos,
		.ta_usermss = tm->tm_usermss };
	struct tcpseg *ts = &ta.ta_seg;

	ts->ts_sport = tm->tm_lport;
	ts->ts_dport = tm->tm_fport;
	ts->ts_seq = tm->tm_iss;
	ts->ts_ack = tm->tm_irs + 1;
	ts->ts_flags = TH_SYN | TH_ACK | (tm->tm_ecn ? TH_ECE : 0);
	ts->ts_wnd = tm->tm_wnd > 65535 ? 65535 : (uint16_t)tm->tm_wnd;
	ts->ts_opts = TO_MSS | (tm->tm_opts & (TO_SACKOK | TO_WSCALE | TO_TIMESTAMP));
	ts->ts_wscale = tm->tm_rcvscale;
	ts->ts_tsecr = tm->tm_tsrecent;
	ts->ts_tsval = tm->tm_kind == TCPMINI_REQUEST && tm->tm_sentat == 0 ?
	    tcp_cookie_ts(tm, now) : tcp_ts(now, tm->tm_tsoff);
	if (cookie != NULL) {
		ts->ts_opts |= cookie->ts_opts & (TO_FASTOPEN | TO_FASTOPENEXP);
		ts->ts_cookielen = cookie->ts_cookielen;
		memcpy(ts->ts_cookie, cookie->ts_cookie, cookie->ts_cookielen);
	}
	tcp_answer_send(&ta);
}

/* --- a segment for a request: section 3.10.7.4 for SYN-RECEIVED ----------------------------- */

static void
request_gone(struct tcpns *tn, const struct tcpmini *copy)
{
	struct tcpmini *tm;

	mutex_enter(&tn->tn_lock);
	tm = tcpmini_same(tn, copy);
	if (tm != NULL && tm->tm_kind == TCPMINI_REQUEST && tm->tm_iss == copy->tm_iss) {
		tcpmini_unlink(tn, tm);
		tcpmini_free(tm);
	}
	mutex_exit(&tn->tn_lock);
}

/* The ACK that was waited for. */
static void
request_complete(struct tcp_rx *rx, const struct tcpmini *copy, struct socket *lso,
    struct tcpseg *ts, struct packet *p)
{
	int error = 0;

	if (tcp_acceptfull(lso)) {
		tcp_count(TCPSTAT_LISTENOVERFLOWS);
		if (netvar_get(rx->rx_ns, &tcpvar_abort_on_overflow) != 0) {
			request_gone(rx->rx_tn, copy);
			tcp_answer_reset(rx->rx_ns, p, ts);
		}
		packet_free(p);
		return;
	}
	error = tcp_complete(rx, lso, copy);
	if (error == EADDRINUSE && rx->rx_tp == NULL) {
		/* Another thread was faster: the segment is for its child. */
		packet_free(p);
		return;
	}
	if (error) {
		tcp_count(TCPSTAT_LISTENDROPS);
		packet_free(p);
		return;
	}
	if (copy->tm_syn != NULL) {
		struct tcpcb *tp = rx->rx_tp;

		/* The request's copy goes with it. */
		tp->t_savedsyn = kmem_alloc(copy->tm_synlen, KM_NOSLEEP);
		if (tp->t_savedsyn != NULL) {
			memcpy(tp->t_savedsyn, copy->tm_syn, copy->tm_synlen);
			tp->t_savedlen = copy->tm_synlen;
		}
	}
	request_gone(rx->rx_tn, copy);
	tcp_segment(rx->rx_tp, ts, p, rx->rx_now);
}

/* What a segment means for a request. */
enum request_verdict { RV_DROP, RV_SYNACK, RV_ACK, RV_RESET, RV_GONE, RV_COMPLETE };

static enum request_verdict
request_judge(struct tcpmini *tm, const struct tcpseg *ts, const struct tcpcb *ltp)
{
	uint32_t rnxt = tm->tm_irs + 1;
	uint8_t defer = atomic_load(&ltp->t_defer);

	if ((ts->ts_flags & (TH_SYN | TH_ACK | TH_RST)) == TH_SYN)
		return ts->ts_seq == tm->tm_irs ? RV_SYNACK : RV_ACK;
	if ((tm->tm_opts & TO_TIMESTAMP) != 0 && (ts->ts_opts & TO_TIMESTAMP) != 0 &&
	    (ts->ts_flags & TH_RST) == 0 && seq_lt(ts->ts_tsval, tm->tm_tsrecent))
		return RV_ACK;
	if (ts->ts_seq - rnxt >= (tm->tm_wnd > 65535 ? 65535 : tm->tm_wnd) && ts->ts_seq != rnxt)
		return (ts->ts_flags & TH_RST) != 0 ? RV_DROP : RV_ACK;
	if ((ts->ts_flags & TH_RST) != 0)
		return ts->ts_seq == rnxt ? RV_GONE : RV_DROP;
	if ((ts->ts_flags & TH_SYN) != 0)
		return RV_ACK;
	if ((ts->ts_flags & TH_ACK) == 0)
		return RV_DROP;
	if (ts->ts_ack != tm->tm_iss + 1)
		return RV_RESET;
	/* TCP_DEFER_ACCEPT: the server does not want to see it before data does. */
	if (defer > 0 && ts->ts_len == 0 && (ts->ts_flags & TH_FIN) == 0 &&
	    tm->tm_retries < defer) {
		tm->tm_acked = true;
		return RV_DROP;
	}
	return RV_COMPLETE;
}

void
tcp_request_input(struct tcp_rx *rx, struct tcpmini *tm, struct tcpseg *ts, struct packet *p)
    NO_THREAD_SAFETY
{
	struct tcpns *tn = rx->rx_tn;
	struct socket *lso = tm->tm_listener;
	enum request_verdict v = request_judge(tm, ts, tcpcb_of(lso));
	uint8_t syn[TCP_SYNKEEP];
	struct tcpmini copy;

	if (v == RV_ACK && !tcp_oow_allowed(&tm->tm_tsrecentat, rx->rx_now))
		v = RV_DROP;
	if (v == RV_GONE) {
		tcpmini_unlink(tn, tm);
		tcpmini_free(tm);
		tcp_count(TCPSTAT_ATTEMPTFAILS);
	} else {
		copy = *tm;
		if (tm->tm_syn != NULL) {
			memcpy(syn, tm->tm_syn, tm->tm_synlen);
			copy.tm_syn = syn;
		}
	}
	/* While it has requests a listener lives; we need it a little longer. */
	if (v == RV_COMPLETE && !socket_tryhold(lso))
		v = RV_DROP;
	mutex_exit(&tn->tn_lock);

	switch (v) {
	case RV_COMPLETE:
		request_complete(rx, &copy, lso, ts, p);
		socket_rele(lso);
		return;
	case RV_SYNACK:
	case RV_ACK:
		tcp_synack(rx->rx_ns, &copy, NULL, rx->rx_now);
		break;
	case RV_RESET:
		tcp_answer_reset(rx->rx_ns, p, ts);
		break;
	default:
		break;
	}
	packet_free(p);
}

/* --- time ----------------------------------------------------------------------------------------- */

/* Repeats tm's SYN-ACK and waits twice as long.  False: it had its chances. */
static bool
request_retry(struct tcpns *tn, struct tcpmini *tm, int64_t now)
{
	const struct tcpcb *ltp = tcpcb_of(tm->tm_listener);
	unsigned int defer = atomic_load(&ltp->t_defer), tries = atomic_load(&ltp->t_syncnt);
	unsigned int most = tries != 0 ? tries :
	    (unsigned int)netvar_get(tn->tn_ns, &tcpvar_synack_retries);
	unsigned int level;

	if (defer > most)
		most = defer;
	if (tm->tm_retries >= most) {
		tcpmini_unlink(tn, tm);
		tcpmini_free(tm);
		tcp_count(TCPSTAT_ATTEMPTFAILS);
		return false;
	}
	tm->tm_retries++;
	level = tm->tm_retries < TCP_REQLEVELS ? tm->tm_retries : TCP_REQLEVELS - 1;
	tm->tm_deadline = now + (TCP_RTO_INITIAL << level);
	list_remove(&tm->tm_link);
	list_insert_tail(&tn->tn_reqs[level], &tm->tm_link);
	return true;
}

/* Sees to the requests that are due; when the next will be. */
int64_t
tcp_requests_due(struct tcpns *tn, int64_t now)
{
	int64_t next = KTIME_NEVER;

	mutex_enter(&tn->tn_lock);
	for (int level = 0; level < TCP_REQLEVELS; level++) {
		struct list_node *n;

		while ((n = list_first(&tn->tn_reqs[level])) != NULL) {
			struct tcpmini *tm = container_of(n, struct tcpmini, tm_link);
			struct tcpmini copy;

			if (tm->tm_deadline > now) {
				if (tm->tm_deadline < next)
					next = tm->tm_deadline;
				break;
			}
			if (!request_retry(tn, tm, now))
				continue;
			copy = *tm;
			mutex_exit(&tn->tn_lock);
			tcp_count(TCPSTAT_RETRANSSEGS);
			tcp_synack(tn->tn_ns, &copy, NULL, now);
			mutex_enter(&tn->tn_lock);
		}
	}
	mutex_exit(&tn->tn_lock);
	return next;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_timewait.c - what is left of a connection for a minute
 *
 * TIME-WAIT (RFC 9293 section 3.4.2, 3.6.1) lasts a minute, as on Linux.  It ends
 * early for a SYN that is clearly new: a later timestamp (RFC 6191) or a sequence number
 * beyond the old connection's (RFC 1122 section 4.2.2.13); and for a connection of
 * our own that has timestamps to tell the two apart (net.ipv4.tcp_tw_reuse).
 *
 * It needs no socket, only a struct tcpmini: see tcp_mini.c.
 */

#include "tcp_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>

#define TIMEWAIT_LEN	(60 * NSEC_PER_SEC)
#define REUSE_AFTER	(1 * NSEC_PER_SEC)
#define ISS_AHEAD	(65535 + 2)	/* a successor starts beyond our last window */

/* --- TIME-WAIT ------------------------------------------------------------------------ */

static void
wait_init(struct tcpmini *tm, const struct tcpcb *tp, int64_t now)
{
	const struct inpcb *inp = &tp->t_inp;

	tm->tm_kind = TCPMINI_TIMEWAIT;
	tm->tm_family = inp->inp_family;
	tm->tm_lport = inp->inp_lport;
	tm->tm_fport = inp->inp_fport;
	tm->tm_scope = inp->inp_scope;
	tm->tm_laddr = inp->inp_laddr;
	tm->tm_faddr = inp->inp_faddr;
	tm->tm_nxt = tp->t_nxt;
	tm->tm_rnxt = tp->t_rnxt;
	tm->tm_wnd = seq_gt(tp->t_radv, tp->t_rnxt) ? tp->t_radv - tp->t_rnxt : 0;
	tm->tm_rcvscale = tp->t_rcvscale;
	tm->tm_tsoff = tp->t_tsoff;
	tm->tm_tsrecent = tp->t_tsrecent;
	tm->tm_tsrecentat = tp->t_tsrecentat;
	tm->tm_opts = (tp->t_flags & TF_TIMESTAMPS) != 0 ? TO_TIMESTAMP : 0;
	tm->tm_tos = inp->inp_tos;
	tm->tm_since = now;
	tm->tm_reuse = (atomic_load(&tcp_so(tp)->so_options) & SOO_REUSEADDR) != 0;
}

static void
wait_restart(struct tcpns *tn, struct tcpmini *tm, int64_t now)
{
	tm->tm_deadline = now + TIMEWAIT_LEN;
	list_remove(&tm->tm_link);
	list_insert_tail(&tn->tn_waits, &tm->tm_link);
	tcpmini_arm(tn, tm->tm_deadline);
}

/* Without memory the connection just ends, as it does past the limit. */
void
tcp_timewait(struct tcpcb *tp, int64_t now)
{
	struct tcpns *tn = tp->t_ns;
	struct tcpmini *tm = NULL;

	if (atomic_load(&tn->tn_nwaits) < (uint32_t)netvar_get(tn->tn_ns, &tcpvar_max_tw))
		tm = tcpmini_alloc();
	if (tm != NULL) {
		wait_init(tm, tp, now);
		mutex_enter(&tn->tn_lock);
		if (tcpmini_insert(tn, tm) == 0) {
			wait_restart(tn, tm, now);
			tcp_count(TCPSTAT_TW);
		} else
			tcpmini_free(tm);
		mutex_exit(&tn->tn_lock);
	}
	/* An ACK that is due leaves with what the connection has queued. */
	if ((tp->t_flags & TF_ACKNOW) != 0)
		tcp_sendack(tp, now);
	tcp_done(tp, 0);
}

/* For bind(2): is the port in use by a connection that is no more? */
bool
tcp_timewait_port(struct tcpns *tn, uint16_t port)
{
	struct list_node *n;
	bool found = false;

	if (atomic_load(&tn->tn_nwaits) == 0)
		return false;
	mutex_enter(&tn->tn_lock);
	LIST_FOREACH(n, &tn->tn_waits) {
		const struct tcpmini *tm = container_of(n, struct tcpmini, tm_link);

		if (tm->tm_lport == port && !tm->tm_reuse) {
			found = true;
			break;
		}
	}
	mutex_exit(&tn->tn_lock);
	return found;
}

/*
 * connect(2) tries this tuple: may it?  Timestamps must tell the segments of the
 * two apart (RFC 6191), and a second makes sure that the clock has moved.
 */
static bool
wait_free(struct inpcb *inp, const struct rtdst *rd, bool take)
{
	struct tcpcb *tp = container_of(inp, struct tcpcb, t_inp);
	struct tcpns *tn = tp->t_ns;
	int reuse = netvar_get(tn->tn_ns, &tcpvar_tw_reuse);
	struct tcpmini key, *tm;
	bool ok = true;
	int64_t now;

	if (atomic_load(&tn->tn_nwaits) == 0)
		return true;
	now = clock_mono();
	memset(&key, 0, sizeof(key));
	wait_init(&key, tp, now);
	mutex_enter(&tn->tn_lock);
	tm = tcpmini_same(tn, &key);
	if (tm != NULL) {
		ok = tm->tm_kind == TCPMINI_TIMEWAIT && (tm->tm_opts & TO_TIMESTAMP) != 0 &&
		    (reuse == 1 || (reuse == 2 && (rd->rd_flags & RTD_LOCAL) != 0)) &&
		    now - tm->tm_tsrecentat > REUSE_AFTER;
		if (ok && take) {
			tp->t_iss = tm->tm_nxt + ISS_AHEAD;
			tp->t_tsrecent = tm->tm_tsrecent;
			tp->t_tsrecentat = tm->tm_tsrecentat;
			tcpmini_unlink(tn, tm);
			tcpmini_free(tm);
			tcp_count(TCPSTAT_TWRECYCLED);
		}
	}
	mutex_exit(&tn->tn_lock);
	return ok;
}

static void
wait_ports(struct netns *ns, uint8_t *busy)
{
	struct tcpns *tn = netns_data(ns, NETNS_SLOT_TCP);
	struct list_node *n;

	if (atomic_load(&tn->tn_nwaits) == 0)
		return;
	mutex_enter(&tn->tn_lock);
	LIST_FOREACH(n, &tn->tn_waits) {
		const struct tcpmini *tm = container_of(n, struct tcpmini, tm_link);

		if (!tm->tm_reuse)
			busy[tm->tm_lport / 8] |= (uint8_t)(1u << tm->tm_lport % 8);
	}
	mutex_exit(&tn->tn_lock);
}

const struct inpcb_waits tcp_waits = { .iw_free = wait_free, .iw_ports = wait_ports };

/* --- a segment for one in TIME-WAIT ------------------------------------------------------ */

static struct tcp_answer
wait_answer(const struct tcp_rx *rx, const struct tcpmini *tm)
{
	struct tcp_answer ta = { .ta_ns = rx->rx_ns, .ta_af = inet_af(tm->tm_family),
		.ta_laddr = tm->tm_laddr, .ta_faddr = tm->tm_faddr, .ta_scope = tm->tm_scope,
		.ta_tos = tm->tm_tos };
	struct tcpseg *ts = &ta.ta_seg;

	ts->ts_sport = tm->tm_lport;
	ts->ts_dport = tm->tm_fport;
	ts->ts_seq = tm->tm_nxt;
	ts->ts_ack = tm->tm_rnxt;
	ts->ts_flags = TH_ACK;
	ts->ts_wnd = (uint16_t)(tm->tm_wnd >> tm->tm_rcvscale);
	if ((tm->tm_opts & TO_TIMESTAMP) != 0) {
		ts->ts_opts = TO_TIMESTAMP;
		ts->ts_tsval = tcp_ts(rx->rx_now, tm->tm_tsoff);
		ts->ts_tsecr = tm->tm_tsrecent;
	}
	return ta;
}

/* RFC 6191 section 2, RFC 1122 section 4.2.2.13. */
static bool
is_successor(const struct tcpmini *tm, const struct tcpseg *ts)
{
	if ((ts->ts_flags & (TH_SYN | TH_ACK | TH_RST)) != TH_SYN)
		return false;
	if ((tm->tm_opts & TO_TIMESTAMP) != 0 && (ts->ts_opts & TO_TIMESTAMP) != 0 &&
	    ts->ts_tsval != tm->tm_tsrecent)
		return seq_gt(ts->ts_tsval, tm->tm_tsrecent);
	return seq_gt(ts->ts_seq, tm->tm_rnxt);
}

static bool
wait_acceptable(const struct tcpmini *tm, const struct tcpseg *ts)
{
	if ((tm->tm_opts & TO_TIMESTAMP) != 0 && (ts->ts_opts & TO_TIMESTAMP) != 0 &&
	    (ts->ts_flags & TH_RST) == 0 && seq_lt(ts->ts_tsval, tm->tm_tsrecent))
		return false;
	return ts->ts_seq == tm->tm_rnxt ||
	    (ts->ts_seq - tm->tm_rnxt < tm->tm_wnd) ||
	    (tcpseg_space(ts) > 0 && ts->ts_seq + tcpseg_space(ts) == tm->tm_rnxt);
}

/*
 * Section 3.10.7.4 for TIME-WAIT.  tn_lock held.  *ret_answer: an ACK is due.
 * False: it is a new connection's SYN, tm is gone.
 */
static bool
wait_segment(struct tcp_rx *rx, struct tcpmini *tm, const struct tcpseg *ts, bool *ret_answer)
{
	struct tcpns *tn = rx->rx_tn;

	*ret_answer = false;
	if (is_successor(tm, ts)) {
		rx->rx_iss = tm->tm_nxt + ISS_AHEAD;
		rx->rx_hasiss = true;
		tcpmini_unlink(tn, tm);
		tcpmini_free(tm);
		tcp_count(TCPSTAT_TWRECYCLED);
		return false;
	}
	if (!wait_acceptable(tm, ts)) {
		*ret_answer = (ts->ts_flags & TH_RST) == 0 &&
		    tcp_oow_allowed(&tm->tm_oowat, rx->rx_now);
		return true;
	}
	if ((ts->ts_flags & TH_RST) != 0) {
		/* RFC 1337: by default it may kill us, as section 3.10.7.4 has it. */
		if (ts->ts_seq == tm->tm_rnxt &&
		    netvar_get(tn->tn_ns, &tcpvar_rfc1337) == 0) {
			tcpmini_unlink(tn, tm);
			tcpmini_free(tm);
		}
		return true;
	}
	if ((ts->ts_flags & TH_FIN) != 0) {
		wait_restart(tn, tm, rx->rx_now);	/* our ACK of it was lost */
		*ret_answer = true;
	} else if (tcpseg_space(ts) > 0)
		*ret_answer = tcp_oow_allowed(&tm->tm_oowat, rx->rx_now);
	return true;
}

bool
tcp_mini_input(struct tcp_rx *rx, struct tcpseg *ts, struct packet *p)
    NO_THREAD_SAFETY
{
	struct tcpns *tn = rx->rx_tn;
	struct tcp_answer ta;
	struct tcpmini *tm;
	bool answer;

	rx->rx_hasiss = false;
	if (atomic_load(&tn->tn_nreqs) == 0 && atomic_load(&tn->tn_nwaits) == 0)
		return false;
	mutex_enter(&tn->tn_lock);
	tm = tcpmini_find(tn, INET_RX(p), ts->ts_sport, ts->ts_dport);
	if (tm == NULL) {
		mutex_exit(&tn->tn_lock);
		return false;
	}
	if (tm->tm_kind == TCPMINI_REQUEST) {
		tcp_request_input(rx, tm, ts, p);
		return true;
	}
	ta = wait_answer(rx, tm);
	if (!wait_segment(rx, tm, ts, &answer)) {
		mutex_exit(&tn->tn_lock);
		return false;
	}
	mutex_exit(&tn->tn_lock);
	packet_free(p);
	if (answer)
		tcp_answer_send(&ta);
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_listen.c - LISTEN: who listens, and what a SYN gets (RFC 9293 section 3.10.7.2)
 *
 * When a listener has as many requests as its backlog allows, SYNs are answered by
 * cookies (tcp_cookie.c): nothing is kept at all.  When its accept queue
 * is full, SYNs and completing ACKs are dropped; the peer will repeat them.
 *
 * Segments read the listener's settings without its lock: words that are stored
 * and loaded atomically.
 *
 * Locking: so_lock of the listener -> tn_lock.
 */

#include "tcp_impl.h"

#include <lib/string.h>
#include <linux/tcp.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>

/* --- listening -------------------------------------------------------------------- */

/* *tl is used if there is none of an earlier time, and NULL then. */
static void
listen_revive(struct tcpcb *tp, struct tcplisten **tl)
{
	if (tp->t_listen == NULL) {
		atomic_store_rel(&tp->t_listen, *tl);
		*tl = NULL;
		return;
	}
	mutex_enter(&tp->t_ns->tn_lock);
	tp->t_listen->tl_dead = false;
	mutex_exit(&tp->t_ns->tn_lock);
}

int
tcp_listen(struct socket *so, int backlog)
{
	struct tcpcb *tp = tcpcb_of(so);
	struct tcplisten *tl;
	int error = 0, most = netvar_get(so->so_ns, &tcpvar_somaxconn);

	if (backlog < 0 || backlog > most)
		backlog = most;
	tl = kmem_zalloc(sizeof(*tl), KM_SLEEP);
	if (tl == NULL)
		return ENOMEM;
	list_init(&tl->tl_reqs);
	mutex_enter(&so->so_lock);
	if (tp->t_state == TCPS_LISTEN) {
		atomic_store(&so->so_backlog, (unsigned int)backlog);
		goto out;
	}
	if (tp->t_state != TCPS_CLOSED || (so->so_state & SS_CANTRCVMORE) != 0) {
		error = EINVAL;
		goto out;
	}
	if (tp->t_inp.inp_fport != 0)
		inpcb_disconnect(&tp->t_inp);	/* of an earlier connection */
	if (tp->t_inp.inp_lport == 0) {
		struct sockaddr_storage any;

		memset(&any, 0, sizeof(any));
		any.ss_family = so->so_family;
		error = inpcb_bind(&tp->t_inp, (const struct sockaddr *)&any,
		    so->so_family == AF_INET ? sizeof(struct sockaddr_in) :
		    sizeof(struct sockaddr_in6));
		if (error)
			goto out;
	}
	listen_revive(tp, &tl);
	atomic_store(&so->so_backlog, (unsigned int)backlog);
	tcp_setstate(tp, TCPS_LISTEN);
	error = inpcb_listen(&tp->t_inp);
	if (error)
		tcp_setstate(tp, TCPS_CLOSED);
out:
	mutex_exit(&so->so_lock);
	kmem_free(tl, sizeof(*tl));
	return error;
}

static void
listen_forget(struct tcpcb *tp)
{
	struct tcpns *tn = tp->t_ns;
	struct list_node *n;

	mutex_enter(&tn->tn_lock);
	tp->t_listen->tl_dead = true;
	while ((n = list_first(&tp->t_listen->tl_reqs)) != NULL) {
		struct tcpmini *tm = container_of(n, struct tcpmini, tm_ofslistener);

		tcpmini_unlink(tn, tm);
		tcpmini_free(tm);
	}
	mutex_exit(&tn->tn_lock);
}

/* No more listening: requests vanish, who waits for accept is reset. */
void
tcp_listen_close(struct socket *so)
    NO_THREAD_SAFETY
{
	struct tcpcb *tp = tcpcb_of(so);
	struct socket *child;

	mutex_enter(&so->so_lock);
	if (tp->t_state != TCPS_LISTEN) {
		mutex_exit(&so->so_lock);	/* another thread was faster */
		return;
	}
	tcp_setstate(tp, TCPS_CLOSED);
	inpcb_release(&tp->t_inp);
	listen_forget(tp);
	socket_wake(so, POLLIN | POLLHUP);
	while (tp->t_state == TCPS_CLOSED && (child = socket_acceptq_get(so)) != NULL) {
		struct tcpcb *ctp = tcpcb_of(child);

		mutex_exit(&so->so_lock);
		mutex_enter(&child->so_lock);
		tcp_abort(ctp, ECONNABORTED, clock_mono());
		tcp_unlock(ctp);
		socket_rele(child);
		mutex_enter(&so->so_lock);
	}
	mutex_exit(&so->so_lock);
}

/* --- a SYN for a listener: section 3.10.7.2, third ------------------------------------- */

static void
request_addr(struct tcpmini *tm, const struct inet_rx *ir, const struct tcpseg *ts)
{
	tm->tm_kind = TCPMINI_REQUEST;
	tm->tm_family = ir->ir_family;
	tm->tm_lport = ts->ts_dport;
	tm->tm_fport = ts->ts_sport;
	tm->tm_laddr = ir->ir_dst;
	tm->tm_faddr = ir->ir_src;
	tm->tm_scope = inet_rx_scope(ir, &ir->ir_src);
}

/* What the SYN proposes and we agree to. */
static void
request_init(struct tcp_rx *rx, struct socket *lso, struct tcpmini *tm, const struct inet_rx *ir,
    const struct tcpseg *ts)
{
	const struct netns *ns = rx->rx_ns;
	const struct tcpcb *ltp = tcpcb_of(lso);
	uint32_t space = atomic_load(&lso->so_rcv.sb_hiwat) / 2;
	uint32_t clamp = atomic_load(&ltp->t_clamp);

	request_addr(tm, ir, ts);
	tm->tm_listener = lso;
	tm->tm_irs = ts->ts_seq;
	tm->tm_tsoff = tcp_tuplehash(rx->rx_tn, &tm->tm_laddr, &tm->tm_faddr, tm->tm_lport,
	    tm->tm_fport, TUPLE_TSOFF);
	if (rx->rx_hasiss)
		tm->tm_iss = rx->rx_iss;
	else
		tm->tm_iss = (uint32_t)(rx->rx_now / 4000) + tcp_tuplehash(rx->rx_tn,
		    &tm->tm_laddr, &tm->tm_faddr, tm->tm_lport, tm->tm_fport, TUPLE_ISS);
	tm->tm_mss = (ts->ts_opts & TO_MSS) != 0 ? ts->ts_mss : TCP_MSS_DEFAULT;
	if ((ts->ts_opts & TO_TIMESTAMP) != 0 && netvar_get(ns, &tcpvar_timestamps) != 0) {
		tm->tm_opts |= TO_TIMESTAMP;
		tm->tm_tsrecent = ts->ts_tsval;
	}
	if ((ts->ts_opts & TO_SACKOK) != 0 && netvar_get(ns, &tcpvar_sack) != 0)
		tm->tm_opts |= TO_SACKOK;
	if ((ts->ts_opts & TO_WSCALE) != 0 && netvar_get(ns, &tcpvar_wscale) != 0) {
		tm->tm_opts |= TO_WSCALE;
		tm->tm_sndscale = ts->ts_wscale;
		tm->tm_rcvscale = tcp_rcvscale(lso);
	}
	tm->tm_ecn = (ts->ts_flags & (TH_ECE | TH_CWR)) == (TH_ECE | TH_CWR) &&
	    (ir->ir_tos & 3) == 0 && netvar_get(ns, &tcpvar_ecn) != 0;
	tm->tm_wnd = space;
	tm->tm_usermss = atomic_load(&ltp->t_usermss);
	if (clamp != 0 && clamp < tm->tm_wnd)
		tm->tm_wnd = clamp;
	tm->tm_mark = atomic_load(&lso->so_mark);
	tm->tm_tos = tm->tm_family == AF_INET ? atomic_load(&ltp->t_inp.inp_tos) :
	    atomic_load(&ltp->t_inp.inp_tclass6);
}

/* TCP_SAVE_SYN: the headers as they came.  Without memory there is nothing to show. */
static void
request_savesyn(const struct tcpcb *ltp, struct tcpmini *tm, const struct packet *p)
{
	size_t len = (size_t)(p->p_data - (p->p_room + p->p_l3));

	if (!atomic_load(&ltp->t_savesyn) || p->p_l3 > packet_offset(p) || len > TCP_SYNKEEP)
		return;
	tm->tm_syn = kmem_alloc(len, KM_NOSLEEP);
	if (tm->tm_syn == NULL)
		return;
	memcpy(tm->tm_syn, p->p_room + p->p_l3, len);
	tm->tm_synlen = (uint16_t)len;
}

/*
 * Keeps it and starts its clock.  False: the listener is gone, or it is known.  Once kept
 * it may be gone any moment, so the caller gets a copy.
 */
static bool
request_enter(struct tcpns *tn, struct tcpmini *tm, int64_t now, struct tcpmini *ret_copy)
{
	struct tcplisten *tl = tcpcb_of(tm->tm_listener)->t_listen;
	bool ok;

	mutex_enter(&tn->tn_lock);
	ok = !tl->tl_dead && tcpmini_insert(tn, tm) == 0;
	if (ok) {
		tm->tm_sentat = now;
		tm->tm_deadline = now + TCP_RTO_INITIAL;
		list_insert_tail(&tn->tn_reqs[0], &tm->tm_link);
		list_insert_tail(&tl->tl_reqs, &tm->tm_ofslistener);
		atomic_store(&tl->tl_nreqs, tl->tl_nreqs + 1);
		tcpmini_arm(tn, tm->tm_deadline);
		*ret_copy = *tm;
	}
	mutex_exit(&tn->tn_lock);
	return ok;
}

/* Too many requests wait: an answer that needs no memory. */
static void
answer_by_cookie(struct tcp_rx *rx, struct tcpmini *tm)
{
	struct tcpns *tn = rx->rx_tn;

	tm->tm_iss = tcp_cookie_make(tn, tm, rx->rx_now);
	tm->tm_sentat = 0;			/* tells tcp_synack() */
	if ((tm->tm_opts & TO_TIMESTAMP) == 0) {
		/* Nowhere to keep the others. */
		tm->tm_opts = 0;
		tm->tm_ecn = false;
	}
	atomic_store(&tn->tn_cookieat, rx->rx_now);
	tcp_count(TCPSTAT_SYNCOOKIESSENT);
	tcp_synack(rx->rx_ns, tm, NULL, rx->rx_now);
}

static void
listen_syn(struct tcp_rx *rx, struct socket *lso, struct tcpseg *ts, struct packet *p)
{
	struct tcpcb *ltp = tcpcb_of(lso);
	int cookies = netvar_get(rx->rx_ns, &tcpvar_syncookies);
	unsigned int most = atomic_load(&lso->so_backlog);
	struct tcpseg tfo = { .ts_opts = 0 };
	struct tcpmini *tm;

	if (tcp_acceptfull(lso)) {
		tcp_count(TCPSTAT_LISTENOVERFLOWS);
		goto drop;
	}
	if (most < 8)
		most = 8;
	if (most > (unsigned int)netvar_get(rx->rx_ns, &tcpvar_max_syn_backlog))
		most = (unsigned int)netvar_get(rx->rx_ns, &tcpvar_max_syn_backlog);
	tm = tcpmini_alloc();
	if (tm == NULL)
		goto drop;
	request_init(rx, lso, tm, INET_RX(p), ts);
	if (cookies == 2 || atomic_load(&ltp->t_listen->tl_nreqs) >= most) {
		if (cookies != 0)
			answer_by_cookie(rx, tm);
		else
			tcp_count(TCPSTAT_LISTENDROPS);
	} else if (!tfo_listen(rx, lso, tm, ts, p, &tfo)) {
		struct tcpmini copy;

		request_savesyn(ltp, tm, p);
		if (request_enter(rx->rx_tn, tm, rx->rx_now, &copy)) {
			packet_free(p);
			tcp_synack(rx->rx_ns, &copy, &tfo, rx->rx_now);
			return;
		}
	} else {
		/* A fast open: p was taken, the child answers. */
		tcpmini_free(tm);
		return;
	}
	tcpmini_free(tm);
drop:
	packet_free(p);
}

/* An ACK to a listener: of a cookie, or of nothing. */
static bool
listen_cookie(struct tcp_rx *rx, struct socket *lso, struct tcpseg *ts, struct packet *p)
{
	struct tcpseg syn = *ts;
	struct tcpmini *tm;
	uint16_t mss;
	int error;

	if (netvar_get(rx->rx_ns, &tcpvar_syncookies) == 0 ||
	    !tcp_cookie_check(rx->rx_tn, INET_RX(p), ts, rx->rx_now, &mss))
		return false;
	if (tcp_acceptfull(lso)) {
		tcp_count(TCPSTAT_LISTENOVERFLOWS);
		packet_free(p);
		return true;
	}
	tm = tcpmini_alloc();
	if (tm == NULL) {
		packet_free(p);
		return true;
	}
	syn.ts_seq = ts->ts_seq - 1;
	syn.ts_mss = mss;
	syn.ts_opts = TO_MSS | (ts->ts_opts & TO_TIMESTAMP);
	syn.ts_flags = TH_SYN;
	request_init(rx, lso, tm, INET_RX(p), &syn);
	tm->tm_iss = ts->ts_ack - 1;
	if ((tm->tm_opts & TO_TIMESTAMP) != 0) {
		tcp_cookie_unts(tm, ts->ts_tsecr);
		tm->tm_rcvscale = (tm->tm_opts & TO_WSCALE) != 0 ? tcp_rcvscale(lso) : 0;
	}
	tcp_count(TCPSTAT_SYNCOOKIESRECV);
	error = tcp_complete(rx, lso, tm);
	tcpmini_free(tm);
	if (error == 0)
		tcp_segment(rx->rx_tp, ts, p, rx->rx_now);
	else
		packet_free(p);
	return true;
}

void
tcp_listen_input(struct tcp_rx *rx, struct socket *lso, struct tcpseg *ts, struct packet *p)
{
	const struct tcpcb *ltp = tcpcb_of(lso);

	if (atomic_load_acq(&ltp->t_listen) == NULL || (atomic_load(&lso->so_state) & SS_LISTENING) == 0) {
		tcp_answer_reset(rx->rx_ns, p, ts);
		packet_free(p);
		return;
	}
	if (lso->so_filter != NULL && sockfilter_run(lso, p) == 0) {
		packet_free(p);
		return;
	}
	if ((ts->ts_flags & TH_RST) != 0) {			/* first */
		packet_free(p);
	} else if ((ts->ts_flags & TH_ACK) != 0) {		/* second */
		if ((ts->ts_flags & TH_SYN) == 0 && listen_cookie(rx, lso, ts, p))
			return;
		tcp_answer_reset(rx->rx_ns, p, ts);
		packet_free(p);
	} else if ((ts->ts_flags & (TH_SYN | TH_FIN)) == TH_SYN) {	/* third */
		listen_syn(rx, lso, ts, p);
	} else
		packet_free(p);
}

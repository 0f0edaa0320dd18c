/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_syn.c - LISTEN and SYN-RECEIVED (RFC 9293 section 3.10.7.2 and 3.10.7.4)
 *
 * A SYN for a listener becomes a request, a struct tcpmini of some 200 bytes
 * that knows what was agreed upon and repeats the SYN-ACK; the ACK that completes
 * the handshake makes the socket, which goes to the accept queue at once.  So
 * whoever only sends SYNs costs little.
 *
 * When a listener has as many requests as its backlog allows, SYNs are answered by
 * cookies (tcp_cookie.c): nothing is kept at all.  When its accept queue
 * is full, SYNs and completing ACKs are dropped; the peer will repeat them.
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

#define SYN_KEEP_MAX	512		/* octets of headers that TCP_SAVE_SYN keeps */

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
	if (ir->ir_family == AF_INET6 && ir->ir_src.ia_b[0] == 0xfe &&
	    (ir->ir_src.ia_b[1] & 0xc0) == 0x80)
		tm->tm_scope = ir->ir_ifindex;
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

	if (!atomic_load(&ltp->t_savesyn) || p->p_l3 > packet_offset(p) || len > SYN_KEEP_MAX)
		return;
	tm->tm_syn = kmem_alloc(len, KM_NOSLEEP);
	if (tm->tm_syn == NULL)
		return;
	memcpy(tm->tm_syn, p->p_room + p->p_l3, len);
	tm->tm_synlen = (uint16_t)len;
}

static bool
acceptq_full(struct socket *lso)
{
	return atomic_load(&lso->so_qlen) > atomic_load(&lso->so_backlog);
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

	if (acceptq_full(lso)) {
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
	if (acceptq_full(lso)) {
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

/* --- the child -------------------------------------------------------------------------- */

/* What an accepted socket has from its listener (accept(2), socket(7), tcp(7)). */
static void
inherit(struct socket *so, const struct socket *lso)
{
	struct tcpcb *tp = tcpcb_of(so);
	const struct tcpcb *ltp = tcpcb_of(lso);

	so->so_options = atomic_load(&lso->so_options);
	so->so_linger = lso->so_linger;
	so->so_mark = atomic_load(&lso->so_mark);
	so->so_priority = atomic_load(&lso->so_priority);
	so->so_bound_if = atomic_load(&lso->so_bound_if);
	so->so_rcv.sb_hiwat = lso->so_rcv.sb_hiwat;
	so->so_rcv.sb_lowat = lso->so_rcv.sb_lowat;
	so->so_rcv.sb_timeo = lso->so_rcv.sb_timeo;
	so->so_rcv.sb_locked_size = lso->so_rcv.sb_locked_size;
	so->so_snd.sb_hiwat = lso->so_snd.sb_hiwat;
	so->so_snd.sb_timeo = lso->so_snd.sb_timeo;
	so->so_snd.sb_locked_size = lso->so_snd.sb_locked_size;
	tp->t_flags |= ltp->t_flags & (TF_NODELAY | TF_CORK);
	tp->t_keepidle = ltp->t_keepidle;
	tp->t_keepintvl = ltp->t_keepintvl;
	tp->t_keepcnt = ltp->t_keepcnt;
	tp->t_usertimeout = ltp->t_usertimeout;
	tp->t_notsentlow = ltp->t_notsentlow;
	tp->t_linger2 = ltp->t_linger2;
	tp->t_usermss = ltp->t_usermss;
	tp->t_clamp = ltp->t_clamp;
	tp->t_inq = ltp->t_inq;
	tcp_cc_switch(&tp->t_cc, ltp->t_cc.cc_ops);
	tp->t_inp.inp_tos = ltp->t_inp.inp_tos;
	tp->t_inp.inp_tclass6 = ltp->t_inp.inp_tclass6;
	tp->t_inp.inp_ttl = ltp->t_inp.inp_ttl;
	tp->t_inp.inp_hops6 = ltp->t_inp.inp_hops6;
	tp->t_inp.inp_minttl = ltp->t_inp.inp_minttl;
	tp->t_inp.inp_minhops6 = ltp->t_inp.inp_minhops6;
	tp->t_inp.inp_v6only = ltp->t_inp.inp_v6only;
	tp->t_inp.inp_pmtudisc = ltp->t_inp.inp_pmtudisc;
	tp->t_inp.inp_pmtudisc6 = ltp->t_inp.inp_pmtudisc6;
	tp->t_inp.inp_recvopts = ltp->t_inp.inp_recvopts;
}

/* The child's numbers as the handshake left them: SYN-RECEIVED. */
static void
child_init(struct tcp_rx *rx, struct tcpcb *tp, const struct tcpmini *tm)
{
	struct inpcb *inp = &tp->t_inp;
	struct tcpseg syn = { .ts_opts = tm->tm_opts | TO_MSS, .ts_mss = tm->tm_mss,
		.ts_wscale = tm->tm_sndscale, .ts_tsval = tm->tm_tsrecent };
	struct rtdst *rd;

	inp->inp_family = tm->tm_family;
	inp->inp_laddr = tm->tm_laddr;
	inp->inp_faddr = tm->tm_faddr;
	inp->inp_lport = tm->tm_lport;
	inp->inp_fport = tm->tm_fport;
	inp->inp_scope = tm->tm_scope;
	tp->t_af = inet_af(tm->tm_family);
	if (inpcb_route(inp, &rd) == 0)
		rtdst_rele(rd);			/* inp_dst keeps it */
	tcp_setup(tp);
	tp->t_tsoff = tm->tm_tsoff;
	tp->t_rcvscale = tm->tm_rcvscale;
	tp->t_iss = tp->t_una = tm->tm_iss;
	tp->t_nxt = tm->tm_iss + 1;
	tp->t_recover = tp->t_ecnseq = tp->t_limited = tp->t_small = tm->tm_iss;
	sndbuf_init(&tp->t_snd, tm->tm_iss + 1);
	rack_init(&tp->t_rack, tm->tm_iss);
	tp->t_irs = tm->tm_irs;
	tp->t_rnxt = tp->t_lastack = tp->t_copied = tp->t_drsseq = tm->tm_irs + 1;
	tp->t_radv = tp->t_rnxt + (tm->tm_wnd > 65535 ? 65535 : tm->tm_wnd);
	tp->t_wl1 = tm->tm_irs;
	tcp_negotiate(tp, &syn, rx->rx_now);
	if (tm->tm_ecn)
		tp->t_flags |= TF_ECN;
	/* The SYN is under way, so that its ACK gives a round trip time. */
	(void)board_push(&tp->t_board, tm->tm_iss, tm->tm_iss + 1,
	    tm->tm_sentat != 0 ? tm->tm_sentat : rx->rx_now, 0, rx->rx_now);
	if (tm->tm_retries > 0 || tm->tm_sentat == 0)
		board_at(&tp->t_board, 0)->se_flags |= SE_EVER;
	tp->t_retries = tm->tm_retries + 1;
	tcp_setstate(tp, TCPS_SYN_RECEIVED);
}

int
tcp_complete(struct tcp_rx *rx, struct socket *lso, const struct tcpmini *tm)
    NO_THREAD_SAFETY
{
	struct socket *so;
	struct tcpcb *tp;
	int error;

	error = socket_create(rx->rx_ns, lso->so_family, SOCK_STREAM, IPPROTO_TCP, lso->so_cred,
	    true, &so);
	if (error)
		return error;
	tp = tcpcb_of(so);
	mutex_enter(&lso->so_lock);
	mutex_enter(&so->so_lock);
	if (tcpcb_of(lso)->t_state != TCPS_LISTEN) {
		error = ECONNREFUSED;
		goto fail;
	}
	inherit(so, lso);
	child_init(rx, tp, tm);
	error = inpcb_insert(&tp->t_inp);
	if (error)
		goto fail;
	socket_hold(so);		/* ours, as rx_tp; the first is the queue's */
	tcp_link(tp);
	if (!socket_acceptq_put(lso, so)) {
		tcp_done(tp, 0);
		mutex_exit(&so->so_lock);
		mutex_exit(&lso->so_lock);
		socket_rele(so);
		socket_rele(so);
		return ENOBUFS;
	}
	mutex_exit(&lso->so_lock);
	tcp_count(TCPSTAT_PASSIVEOPENS);
	KASSERT(rx->rx_tp == NULL);
	rx->rx_tp = tp;
	return 0;

fail:
	tp->t_state = TCPS_CLOSED;
	mutex_exit(&so->so_lock);
	mutex_exit(&lso->so_lock);
	socket_rele(so);
	return error;
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

	if (acceptq_full(lso)) {
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
	uint8_t syn[SYN_KEEP_MAX];
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

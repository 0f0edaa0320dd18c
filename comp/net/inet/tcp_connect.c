/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_connect.c - bind(2) and connect(2): OPEN, active (RFC 9293 section 3.10.1)
 *
 * A connection that fails leaves a socket as new, for who was told; so does
 * connect(2) to AF_UNSPEC, which ends whatever there is.  The port stays only if
 * bind(2) chose it.
 */

#include "tcp_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>

/* --- bind ------------------------------------------------------------------------ */

int
tcp_bind(struct socket *so, const struct sockaddr *sa, socklen_t len)
{
	struct tcpcb *tp = tcpcb_of(so);
	int error;

	mutex_enter(&so->so_lock);
	if (tp->t_state == TCPS_CLOSED && tp->t_inp.inp_fport != 0)
		inpcb_disconnect(&tp->t_inp);	/* of an earlier connection */
	if (tp->t_state != TCPS_CLOSED || tp->t_inp.inp_lport != 0)
		error = EINVAL;
	else
		error = inpcb_bind(&tp->t_inp, sa, len);
	if (error == 0 && (atomic_load(&so->so_options) & SOO_REUSEADDR) == 0 &&
	    tcp_timewait_port(tp->t_ns, tp->t_inp.inp_lport)) {
		inpcb_unbind(&tp->t_inp);
		error = EADDRINUSE;
	}
	mutex_exit(&so->so_lock);
	return error;
}

/* --- connect ----------------------------------------------------------------------- */

/* The numbers of a connection that is to be. */
static void
connect_init(struct tcpcb *tp, int64_t now)
{
	tcp_setup(tp);
	if (tp->t_iss == 0)
		tp->t_iss = (uint32_t)(now / 4000) + tcp_tuplehash(tp->t_ns,
		    &tp->t_inp.inp_laddr, &tp->t_inp.inp_faddr, tp->t_inp.inp_lport,
		    tp->t_inp.inp_fport, TUPLE_ISS);
	tp->t_una = tp->t_nxt = tp->t_iss;
	tp->t_recover = tp->t_ecnseq = tp->t_limited = tp->t_small = tp->t_iss;
	tp->t_rnxt = tp->t_radv = 0;
	sndbuf_init(&tp->t_snd, tp->t_iss + 1);
	rack_init(&tp->t_rack, tp->t_iss);
	tcp_rtt_init(&tp->t_rtt);
	tp->t_retries = tp->t_backoff = 0;
	tp->t_flags &= ~(TF_FINQ | TF_FINSENT | TF_TIMESTAMPS | TF_SACK | TF_WSCALE | TF_ECN |
	    TF_ECE | TF_UNDO);
	atomic_and(&tcp_so(tp)->so_state, ~(SS_CANTRCVMORE | SS_CANTSENDMORE));
}

/* The SYN, with the data of a fast open behind it. */
void
tcp_firstsyn(struct tcpcb *tp, int64_t now)
{
	uint32_t len = tp->t_tfo != NULL && tp->t_tfo->ts_cookielen > 0 ? tp->t_snd.sb_len : 0;

	tp->t_flags &= ~TF_DEFERCONN;
	/* RFC 7413 section 4.1.3: what fits a segment of the size it once agreed to. */
	if (tp->t_tfo != NULL && len > 0) {
		uint32_t most = tp->t_tfo->ts_mss > 100 ? tp->t_tfo->ts_mss - 40U : 496;

		len = len < most ? len : most;
		len = len < tp->t_mss - 40 ? len : tp->t_mss - 40;
	}
	tp->t_nxt = tp->t_iss + 1 + len;
	(void)board_push(&tp->t_board, tp->t_iss, tp->t_nxt, now, 0, now);
	(void)tcp_sendsyn(tp, now);
	tcp_timer_rtx(tp, now);
}

int
tcp_startconnect(struct socket *so, const struct sockaddr *sa, socklen_t len, bool fastopen,
    int64_t now)
{
	struct tcpcb *tp = tcpcb_of(so);
	int error;

	/* It was connected before: the peer's part of it is to be forgotten. */
	if (tp->t_inp.inp_fport != 0)
		inpcb_disconnect(&tp->t_inp);
	tp->t_iss = 0;			/* unless a TIME-WAIT is taken over */
	error = inpcb_connect(&tp->t_inp, sa, len);
	if (error)
		return error;
	connect_init(tp, now);
	tcp_setstate(tp, TCPS_SYN_SENT);
	tcp_link(tp);
	tp->t_connecting = true;
	tcp_count(TCPSTAT_ACTIVEOPENS);
	if (fastopen) {
		struct tcpseg *tfo = kmem_zalloc(sizeof(*tfo), KM_NOSLEEP);

		if (tfo != NULL && tfo_cache_get(tp->t_ns, tp, tfo)) {
			tp->t_tfo = tfo;
			if (tfo->ts_cookielen > 0) {
				tp->t_flags |= TF_DEFERCONN;
				return 0;
			}
		} else
			kmem_free(tfo, sizeof(*tfo));
	}
	tcp_firstsyn(tp, now);
	return 0;
}

/* What connect(2) says about a connection it began earlier. */
static int
connect_result(struct tcpcb *tp)
{
	struct socket *so = tcp_so(tp);
	int error;

	if (tp->t_state == TCPS_SYN_SENT || tp->t_state == TCPS_SYN_RECEIVED)
		return EALREADY;
	tp->t_connecting = false;
	if (tp->t_state != TCPS_CLOSED)
		return 0;
	error = socket_geterror(so);
	/* Who was told has a socket as new. */
	atomic_and(&so->so_state, ~(SS_CANTRCVMORE | SS_CANTSENDMORE));
	return error != 0 ? error : ECONNABORTED;
}

static int
connect_wait(struct tcpcb *tp) NO_THREAD_SAFETY
{
	struct socket *so = tcp_so(tp);
	int64_t deadline = socket_deadline(&so->so_snd);
	int error;

	/* The SYN leaves, and on a loopback everything has happened afterwards. */
	tcp_unlock(tp);
	mutex_enter(&so->so_lock);
	while ((error = connect_result(tp)) == EALREADY) {
		error = socket_wait(so, &so->so_snd, deadline);
		if (error)
			return error == EAGAIN ? EINPROGRESS : error;
	}
	return error;
}

/* connect(AF_UNSPEC): the connection is dissolved. */
static int
tcp_disconnect(struct tcpcb *tp, int64_t now)
{
	struct socket *so = tcp_so(tp);
	/* Linux tells who did it as well as the peer, unless both had said their last. */
	bool told = tp->t_state != TCPS_CLOSED && tp->t_state != TCPS_CLOSING &&
	    tp->t_state != TCPS_LAST_ACK;

	if (tp->t_state != TCPS_CLOSED)
		tcp_abort(tp, told ? ECONNRESET : 0, now);
	sockbuf_drop(&so->so_rcv);
	so->so_rcv.sb_mem = 0;
	tp->t_connecting = false;
	atomic_and(&so->so_state, ~(SS_CANTRCVMORE | SS_CANTSENDMORE));
	return 0;
}

int
tcp_connect(struct socket *so, const struct sockaddr *sa, socklen_t len, bool nonblock)
    NO_THREAD_SAFETY
{
	struct tcpcb *tp = tcpcb_of(so);
	bool listening;
	int error;

	if (len >= sizeof(sa->sa_family) && sa->sa_family == AF_UNSPEC) {
		mutex_enter(&so->so_lock);
		listening = tp->t_state == TCPS_LISTEN;
		if (!listening)
			(void)tcp_disconnect(tp, clock_mono());
		tcp_unlock(tp);
		if (listening)
			tcp_listen_close(so);
		return 0;
	}
	mutex_enter(&so->so_lock);
	if (tp->t_connecting) {
		error = connect_result(tp);
		if (error == EALREADY && !nonblock)
			error = connect_wait(tp);
		goto out;
	}
	if (tp->t_state != TCPS_CLOSED) {
		error = EISCONN;
		goto out;
	}
	error = tcp_startconnect(so, sa, len, (tp->t_flags & TF_DEFERCONN) != 0, clock_mono());
	if (error)
		goto out;
	if ((tp->t_flags & TF_DEFERCONN) != 0)
		error = 0;			/* the first write connects */
	else if (nonblock) {
		/* On a loopback it may be done by now; Linux says so all the same. */
		error = EINPROGRESS;
	} else
		error = connect_wait(tp);
out:
	tcp_unlock(tp);
	return error;
}

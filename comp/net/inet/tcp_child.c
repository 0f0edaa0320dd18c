/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_child.c - a handshake is complete: the socket that accept(2) gives away
 *
 * It has from its listener what sockets inherit, from the request what was agreed upon,
 * and goes to the accept queue at once, still in SYN-RECEIVED; the segment that
 * completed the handshake is then a segment like any other.
 *
 * Locking: so_lock of the listener -> so_lock of the child.
 */

#include "tcp_impl.h"

#include <sys/atomic.h>
#include <sys/errno.h>

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

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_socket.c - socket calls of TCP (RFC 9293 section 3.9.1, as Linux has them)
 *
 * The calls of the RFC's user interface by the names of the socket interface:
 * OPEN is connect or listen and accept, CLOSE is shutdown and close, STATUS is
 * getsockopt(TCP_INFO), ABORT is close with a linger time of 0.  SEND and RECEIVE
 * are in tcp_send.c and tcp_recv.c.
 */

#include "tcp_impl.h"

#include <net/sockdiag.h>

#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <lib/string.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/atomic.h>
#include <sys/component.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/kmem.h>

/* --- accept --------------------------------------------------------------------------- */

static int
tcp_accept(struct socket *so, bool nonblock, struct socket **ret_so)
{
	struct tcpcb *tp = tcpcb_of(so);
	int64_t deadline = socket_deadline(&so->so_rcv);
	struct socket *child = NULL;
	int error = 0;

	mutex_enter(&so->so_lock);
	for (;;) {
		if (tp->t_state != TCPS_LISTEN) {
			error = EINVAL;
			break;
		}
		child = socket_acceptq_get(so);
		if (child != NULL)
			break;
		error = nonblock ? EAGAIN : socket_wait(so, &so->so_rcv, deadline);
		if (error)
			break;
	}
	mutex_exit(&so->so_lock);
	if (error)
		return error;
	*ret_so = child;
	return 0;
}

/* --- shutdown and close ------------------------------------------------------------------ */

/* CLOSE of section 3.10.4. */
void
tcp_usrclosed(struct tcpcb *tp, int64_t now)
{
	switch (tp->t_state) {
	case TCPS_SYN_SENT:
		tcp_done(tp, 0);
		return;
	case TCPS_SYN_RECEIVED:
		tp->t_flags |= TF_FINQ;		/* sent when the handshake is complete */
		break;
	case TCPS_ESTABLISHED:
		tp->t_flags |= TF_FINQ;
		tcp_setstate(tp, TCPS_FIN_WAIT_1);
		break;
	case TCPS_CLOSE_WAIT:
		tp->t_flags |= TF_FINQ;
		tcp_setstate(tp, TCPS_LAST_ACK);
		break;
	default:
		return;
	}
	tp->t_flags &= ~(TF_CORK | TF_MORE);
	tcp_output(tp, now);
}

static int
tcp_shutdown(struct socket *so, int how)
    NO_THREAD_SAFETY
{
	struct tcpcb *tp = tcpcb_of(so);
	int error = 0;

	mutex_enter(&so->so_lock);
	if (tp->t_state == TCPS_LISTEN && how != SHUT_WR) {
		mutex_exit(&so->so_lock);
		tcp_listen_close(so);
		return 0;
	}
	if (tp->t_state == TCPS_LISTEN)
		goto out;		/* as Linux: nothing to shut, no error */
	if (tp->t_state == TCPS_CLOSED) {
		error = ENOTCONN;
		goto out;
	}
	if (how != SHUT_WR)
		socket_cantrcvmore(so);
	if (how != SHUT_RD) {
		socket_cantsendmore(so);
		tcp_usrclosed(tp, clock_mono());
	}
out:
	tcp_unlock(tp);
	return error;
}

/* What was not read is lost, and the peer should know (RFC 2525 section 2.17). */
static bool
close_must_reset(const struct tcpcb *tp)
{
	const struct socket *so = tcp_so(tp);

	if (!tcp_synchronized(tp))
		return false;
	if (so->so_linger == 0) {
		tcp_count(TCPSTAT_ABORTONLINGER);
		return true;
	}
	if (so->so_rcv.sb_cc != 0 || !reass_empty(&tp->t_reass)) {
		tcp_count(TCPSTAT_ABORTONCLOSE);
		return so->so_rcv.sb_cc != 0;
	}
	return false;
}

/* SO_LINGER: until the peer has all of it, but not for ever. */
static void
close_linger(struct tcpcb *tp) NO_THREAD_SAFETY
{
	struct socket *so = tcp_so(tp);
	int64_t deadline;

	if (so->so_linger <= 0)
		return;
	deadline = ktime_deadline(so->so_linger * NSEC_PER_SEC);
	tcp_unlock(tp);
	mutex_enter(&so->so_lock);
	while (tp->t_state == TCPS_FIN_WAIT_1 || tp->t_state == TCPS_CLOSING ||
	    tp->t_state == TCPS_LAST_ACK) {
		if (socket_wait(so, &so->so_snd, deadline) != 0)
			break;
	}
}

/* Nobody can see it any more: an orphan.  Its stay must end. */
static void
close_orphan(struct tcpcb *tp, int64_t now)
{
	struct tcpns *tn = tp->t_ns;
	int64_t wait;

	atomic_or(&tcp_so(tp)->so_state, SS_NOFILE);
	if (tp->t_state == TCPS_CLOSED)
		return;
	if (atomic_add(&tn->tn_orphans, 1) >= (uint32_t)netvar_get(tn->tn_ns,
	    &tcpvar_max_orphans) || tp->t_linger2 < 0) {
		tcp_abort(tp, 0, now);
		return;
	}
	if (tp->t_state == TCPS_FIN_WAIT_2) {
		wait = tp->t_linger2 != 0 ? tp->t_linger2 :
		    netvar_get(tn->tn_ns, &tcpvar_fin_timeout);
		tcp_timer_set(tp, TT_KEEP, now + wait * NSEC_PER_SEC);
	}
}

static void
tcp_close(struct socket *so)
    NO_THREAD_SAFETY
{
	struct tcpcb *tp = tcpcb_of(so);
	int64_t now = clock_mono();
	bool listening;

	/* Without its file a socket does not begin to listen, nor cease. */
	mutex_enter(&so->so_lock);
	listening = tp->t_state == TCPS_LISTEN;
	mutex_exit(&so->so_lock);
	if (listening)
		tcp_listen_close(so);
	mutex_enter(&so->so_lock);
	if (tp->t_state != TCPS_CLOSED) {
		if (close_must_reset(tp))
			tcp_abort(tp, 0, now);
		else
			tcp_usrclosed(tp, now);
		socket_cantsendmore(so);
		socket_cantrcvmore(so);
		close_linger(tp);
	}
	close_orphan(tp, now);
	sockbuf_drop(&so->so_rcv);
	so->so_rcv.sb_mem = 0;
	tcp_unlock(tp);
}

/* --- the rest ----------------------------------------------------------------------------- */

static int
tcp_name(struct socket *so, bool peer, struct sockaddr_storage *ret_ss, socklen_t *ret_len)
{
	struct tcpcb *tp = tcpcb_of(so);
	int error = 0;

	mutex_enter(&so->so_lock);
	if (peer && (tp->t_state == TCPS_CLOSED || tp->t_state == TCPS_LISTEN ||
	    tp->t_state == TCPS_SYN_SENT))
		error = ENOTCONN;
	else
		inpcb_name(&tp->t_inp, peer, ret_ss, ret_len);
	mutex_exit(&so->so_lock);
	return error;
}

static uint32_t
tcp_poll(struct socket *so)
{
	struct tcpcb *tp = tcpcb_of(so);
	uint32_t events = 0;

	if (tp->t_state == TCPS_LISTEN)
		return list_empty(&so->so_acceptq) ? 0 : POLLIN | POLLRDNORM;
	if (tp->t_state == TCPS_CLOSED)
		return POLLHUP | POLLOUT | POLLWRNORM;
	if (tp->t_state == TCPS_SYN_SENT)
		return (tp->t_flags & TF_DEFERCONN) != 0 ? POLLOUT | POLLWRNORM : 0;
	if (tp->t_state == TCPS_SYN_RECEIVED && (tp->t_flags & TF_REQUEST) == 0)
		return 0;
	if (tcp_readable(tp) >= so->so_rcv.sb_lowat)
		events |= POLLIN | POLLRDNORM;
	if ((tp->t_flags & TF_URGVALID) != 0)
		events |= POLLPRI;
	if ((so->so_state & SS_CANTSENDMORE) != 0 || tcp_writable(tp))
		events |= POLLOUT | POLLWRNORM;
	else
		tp->t_flags |= TF_WAKEW;
	return events;
}

static int
tcp_ioctl(struct socket *so, unsigned long cmd, void *uarg, long *ret)
{
	struct tcpcb *tp = tcpcb_of(so);
	int value, error = 0;

	mutex_enter(&so->so_lock);
	if (cmd == SIOCATMARK)
		value = (tp->t_flags & TF_URGRCVD) != 0 && tp->t_rcvup == tp->t_copied;
	else if (tp->t_state == TCPS_LISTEN &&
	    (cmd == SIOCINQ || cmd == SIOCOUTQ || cmd == SIOCOUTQNSD))
		error = EINVAL;
	else if (cmd == SIOCINQ)
		value = (int)tcp_readable(tp);
	else if (cmd == SIOCOUTQ)
		value = tcp_synchronized(tp) ? (int)(tp->t_snd.sb_len) : 0;
	else if (cmd == SIOCOUTQNSD)
		value = tcp_synchronized(tp) && (tp->t_flags & TF_FINSENT) == 0 ?
		    (int)(sndbuf_end(&tp->t_snd) - tp->t_nxt) : 0;
	else
		error = ENOTTY;
	mutex_exit(&so->so_lock);
	if (error)
		return error;
	*ret = 0;
	return copyout(&value, uarg, sizeof(value));
}

/* SO_SNDBUF and SO_RCVBUF: who waits for room may have it now. */
static void
tcp_bufsize(struct socket *so)
{
	struct tcpcb *tp = tcpcb_of(so);

	if (tcp_writable(tp))
		socket_wake(so, POLLOUT | POLLWRNORM);
}

const struct sockops tcp_sockops = {
	.so_attach	= tcp_attach,
	.so_close	= tcp_close,
	.so_free	= tcp_free,
	.so_bind	= tcp_bind,
	.so_listen	= tcp_listen,
	.so_connect	= tcp_connect,
	.so_accept	= tcp_accept,
	.so_shutdown	= tcp_shutdown,
	.so_name	= tcp_name,
	.so_send	= tcp_send,
	.so_recv	= tcp_recv,
	.so_setopt	= tcp_setopt,
	.so_getopt	= tcp_getopt,
	.so_ioctl	= tcp_ioctl,
	.so_poll	= tcp_poll,
	.so_zerocopied	= inpcb_zerocopied,
	.so_bufsize	= tcp_bufsize,
	.so_diag	= tcp_diag,
	.so_destroy	= tcp_destroy,
};

/* --- joining the kernel ---------------------------------------------------------------------- */

static struct sockproto tcp_protos[] = {
	{ .sp_family = AF_INET, .sp_type = SOCK_STREAM, .sp_protocol = IPPROTO_TCP,
	  .sp_default = true, .sp_flags = SP_CONNECTED, .sp_ops = &tcp_sockops },
	{ .sp_family = AF_INET6, .sp_type = SOCK_STREAM, .sp_protocol = IPPROTO_TCP,
	  .sp_default = true, .sp_flags = SP_CONNECTED, .sp_ops = &tcp_sockops },
};

static const struct inet_proto tcp_inetproto = {
	.ip_proto = IPPROTO_TCP, .ip_input = tcp_input, .ip_ctl = tcp_ctl,
};

static struct netns_ops tcp_nsops = {
	.no_slot = NETNS_SLOT_TCP, .no_name = "tcp",
	.no_init = tcpns_init, .no_fini = tcpns_fini,
};

int
tcp_component_init(void)
{
	int error;

	pool_init(&tcp_pool, sizeof(struct tcpcb), CACHE_LINE, "tcpcb");
	(void)tcpmini_boot();
	tcp_vars_init();
	error = netns_register(&tcp_nsops);
	if (error)
		return error;
	inet_proto_register(&tcp_inetproto);
	sockdiag_minis_register(IPPROTO_TCP, tcp_minis);
	for (size_t i = 0; i < ARRAY_SIZE(tcp_protos); i++)
		sockproto_register(&tcp_protos[i]);
	return 0;
}

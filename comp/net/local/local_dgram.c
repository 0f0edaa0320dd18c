/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * local_dgram.c - SOCK_DGRAM and SOCK_SEQPACKET: sending, connecting datagram
 * sockets, and the tables of operations
 *
 * A message goes whole into the queue of who receives it.  Two limits hold the
 * sender back: his buffer, which is charged until the message is read, and the
 * number of messages that wait there (net.unix.max_dgram_qlen), unless he is
 * the one whom the receiver itself is connected to.
 *
 * References: unix(7), send(2).
 */

#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/uio.h>

#include "local_impl.h"

/* May so send to to?  Somebody who is connected listens to his peer only. */
static bool
dgram_allowed(const struct socket *so, const struct socket *to)
{
	const struct socket *theirs = atomic_load(&localpcb(to)->lp_peer);

	return theirs == NULL || theirs == so;
}

/* Must so wait for room in to's queue? */
static bool
dgram_crowded(const struct socket *so, const struct socket *to)
{
	return to != so && atomic_load(&localpcb(to)->lp_peer) != so &&
	    local_full(to);
}

static uint32_t
local_dgram_poll(struct socket *so)
{
	struct socket *to = localpcb(so)->lp_peer;
	bool writable = local_writable(so);
	uint32_t events = 0;

	if (so->so_rcv.sb_q.pq_head != NULL || !list_empty(&so->so_acceptq))
		events |= POLLIN | POLLRDNORM;
	if (so->so_type == SOCK_SEQPACKET &&
	    (so->so_state & (SS_CONNECTED | SS_LISTENING)) == 0)
		events |= POLLHUP;
	if (writable && to != NULL && dgram_crowded(so, to))
		writable = !local_await_room(so, to);
	if (writable)
		events |= POLLOUT | POLLWRNORM | POLLWRBAND;
	return events;
}

/* --- connecting ----------------------------------------------------------------------- */

/*
 * so no longer has the peer was: what lies in its queue came from him and is lost, of
 * which he is told if he was connected in turn.
 */
static void
dgram_disconnected(struct socket *so, struct socket *was)
{
	struct packetq lost = PACKETQ_INITIALIZER;

	mutex_enter(&so->so_lock);
	packetq_join(&lost, &so->so_rcv.sb_q);
	so->so_rcv.sb_cc = so->so_rcv.sb_mem = 0;
	mutex_exit(&so->so_lock);
	if (lost.pq_n > 0) {
		mutex_enter(&was->so_lock);
		if ((was->so_state & SS_NOFILE) == 0 &&
		    localpcb(was)->lp_peer == so)
			socket_seterror(was, ECONNRESET);
		mutex_exit(&was->so_lock);
		packetq_drop(&lost);
		local_room(so);
	}
	local_await_cancel(so);
}

/* to becomes so's peer, in place of whoever it was; takes over to's reference. */
static void
dgram_setpeer(struct socket *so, struct socket *to)
{
	struct socket *was;

	mutex_enter(&so->so_lock);
	was = localpcb(so)->lp_peer;
	atomic_store(&localpcb(so)->lp_peer, to);
	if (to != NULL)
		atomic_or(&so->so_state, SS_CONNECTED);
	else
		atomic_and(&so->so_state, ~(uint32_t)SS_CONNECTED);
	if (was != NULL)
		socket_wake(so, POLLOUT);
	mutex_exit(&so->so_lock);
	if (was == NULL)
		return;
	if (was != to)
		dgram_disconnected(so, was);
	socket_rele(was);
}

static int
local_dgram_connect(struct socket *so, const struct sockaddr *sa, socklen_t len,
    bool nonblock)
{
	struct socket *to;
	int error;

	if (len < sizeof(sa->sa_family))
		return EINVAL;
	if (sa->sa_family == AF_UNSPEC) {
		dgram_setpeer(so, NULL);
		return 0;
	}
	error = local_addr_check(sa, len);
	if (error == 0 && (atomic_load(&so->so_options) & SOO_PASSCRED) != 0)
		error = local_autobind(so);
	if (error == 0)
		error = local_find(so, sa, len, &to);
	if (error)
		return error;
	if (!dgram_allowed(so, to)) {
		socket_rele(to);
		return EPERM;
	}
	dgram_setpeer(so, to);
	return 0;
}

/* --- sending ---------------------------------------------------------------------------- */

/* Waits until so's own buffer has room. */
static int
dgram_wait_space(struct socket *so, bool nonblock)
{
	int64_t deadline = -1;
	int error = 0;

	mutex_enter(&so->so_lock);
	for (;;) {
		error = socket_geterror(so);
		if (error == 0 && (so->so_state & SS_CANTSENDMORE) != 0)
			error = EPIPE;
		if (error ||
		    atomic_load(&so->so_snd.sb_mem) < so->so_snd.sb_hiwat)
			break;
		if (deadline == -1)
			deadline = socket_deadline(&so->so_snd);
		error = nonblock || deadline == 0 ? EAGAIN :
		    socket_wait_space(so, deadline);
		if (error)
			break;
	}
	mutex_exit(&so->so_lock);
	return error;
}

static int
dgram_packet(struct socket *so, struct sockmsg *sm, struct packet **ret_p)
{
	size_t len = sm->sm_uio->uio_resid;
	struct packet *p;
	int error;

	if (len + 32 > so->so_snd.sb_hiwat)
		return EMSGSIZE;
	error = dgram_wait_space(so, (sm->sm_flags & MSG_DONTWAIT) != 0);
	if (error)
		return error;
	error = packet_fromuio(sm->sm_uio, len, &p);
	if (error)
		return error;
	p->p_truesize = local_charge(false, len);
	socket_charge(so, p);
	*ret_p = p;
	return 0;
}

/* to's so_lock is dropped while it waits for room; its filter may drop p. */
static int
dgram_put_locked(struct socket *so, struct socket *to, struct packet *p,
    bool nonblock, int64_t deadline, bool *ret_dropped) REQUIRES(to->so_lock)
{
	uint32_t keep;
	int error;

	for (;;) {
		if (!dgram_allowed(so, to))
			return EPERM;
		if ((to->so_state & SS_NOFILE) != 0)
			return ECONNREFUSED;
		if ((to->so_state & SS_CANTRCVMORE) != 0)
			return EPIPE;
		if (!local_scm_allowed(to, p))
			return EPERM;
		if (!dgram_crowded(so, to))
			break;
		if (nonblock)
			return EAGAIN;
		error = socket_wait(to, &to->so_snd, deadline);
		if (error)
			return error;
	}
	keep = sockfilter_run(to, p);
	if (keep == 0 && atomic_load(&to->so_filter) != NULL) {
		*ret_dropped = true;
		return 0;
	}
	if (keep < p->p_len)
		packet_trim(p, keep);
	if ((atomic_load(&to->so_options) & (SOO_TIMESTAMP | SOO_TIMESTAMPNS)) != 0)
		p->p_time = clock_wall();
	packetq_put(&to->so_rcv.sb_q, p);
	to->so_rcv.sb_cc += p->p_len;
	to->so_rcv.sb_mem += p->p_truesize;
	socket_wake(to, POLLIN);
	return 0;
}

/* Consumes p. */
static int
dgram_deliver(struct socket *so, struct socket *to, struct sockmsg *sm,
    struct packet *p)
{
	int64_t deadline = socket_deadline(&so->so_snd);
	bool dropped = false;
	int error;

	mutex_enter(&to->so_lock);
	error = dgram_put_locked(so, to, p, (sm->sm_flags & MSG_DONTWAIT) != 0 ||
	    deadline == 0, deadline, &dropped);
	mutex_exit(&to->so_lock);
	if (error || dropped)
		packet_free(p);
	return error;
}

/* The receiver, referenced. */
static int
dgram_receiver(struct socket *so, const struct sockmsg *sm,
    struct socket **ret_to)
{
	const struct sockaddr *sa = (const void *)sm->sm_name;
	int error;

	if (sm->sm_namelen > 0 && so->so_type == SOCK_DGRAM) {
		error = local_addr_check(sa, sm->sm_namelen);
		return error ? error :
		    local_find(so, sa, sm->sm_namelen, ret_to);
	}
	*ret_to = local_peer(so);
	return *ret_to == NULL ? ENOTCONN : 0;
}

/* The peer of a datagram socket is closed: it has none any more. */
static void
dgram_peer_gone(struct socket *so, struct socket *to)
{
	bool mine;

	mutex_enter(&so->so_lock);
	mine = localpcb(so)->lp_peer == to;
	mutex_exit(&so->so_lock);
	if (mine && so->so_type == SOCK_DGRAM)
		dgram_setpeer(so, NULL);
}

static int
dgram_send(struct socket *so, struct sockmsg *sm, struct localcb *lc)
{
	struct packet *p;
	struct socket *to;
	int error;

	error = dgram_packet(so, sm, &p);
	if (error)
		return error;
	error = dgram_receiver(so, sm, &to);
	if (error) {
		packet_free(p);
		return error;
	}
	local_cred_fill(lc, so, to);
	local_packet_setup(p, lc);
	lc->lc_scm = NULL;
	error = dgram_deliver(so, to, sm, p);
	if (error == ECONNREFUSED)
		dgram_peer_gone(so, to);
	socket_rele(to);
	return error;
}

static int
dgram_check(struct socket *so, const struct sockmsg *sm)
{
	const struct sockaddr *sa = (const void *)sm->sm_name;

	if ((sm->sm_flags & MSG_OOB) != 0)
		return EOPNOTSUPP;
	if (sm->sm_namelen > 0 && so->so_type == SOCK_DGRAM)
		return local_addr_check(sa, sm->sm_namelen);
	return 0;
}

static int
local_dgram_send(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	struct localcb lc = { .lc_scm = NULL };
	size_t len = sm->sm_uio->uio_resid;
	int error = 0;

	if (sm->sm_controllen > 0)
		error = local_scm_send(so, sm, &lc);
	if (error)
		return error;
	error = dgram_check(so, sm);
	if (error == 0 && (atomic_load(&so->so_options) & SOO_PASSCRED) != 0)
		error = local_autobind(so);
	if (error == 0)
		error = dgram_send(so, sm, &lc);
	local_scm_rele(lc.lc_scm);
	if (error)
		return error;
	*ret_done = len;
	return 0;
}

/* --- sequenced packets: datagrams over a connection ----------------------------------------- */

static int
local_seq_send(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	int error;

	mutex_enter(&so->so_lock);
	error = socket_geterror(so);
	mutex_exit(&so->so_lock);
	if (error)
		return error;
	if ((atomic_load(&so->so_state) & SS_CONNECTED) == 0)
		return ENOTCONN;
	return local_dgram_send(so, sm, ret_done);
}

static int
local_seq_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	if ((atomic_load(&so->so_state) & SS_CONNECTED) == 0)
		return ENOTCONN;
	return local_dgram_recv(so, sm, ret_done);
}

const struct sockops local_dgram_ops = {
	.so_attach	= local_attach,
	.so_diag	= local_diag,
	.so_close	= local_close,
	.so_free	= local_free,
	.so_bind	= local_bind,
	.so_connect	= local_dgram_connect,
	.so_pair	= local_pair,
	.so_shutdown	= local_shutdown,
	.so_name	= local_name,
	.so_send	= local_dgram_send,
	.so_recv	= local_dgram_recv,
	.so_ioctl	= local_ioctl,
	.so_poll	= local_dgram_poll,
};

const struct sockops local_seq_ops = {
	.so_attach	= local_attach,
	.so_diag	= local_diag,
	.so_close	= local_close,
	.so_free	= local_free,
	.so_bind	= local_bind,
	.so_listen	= local_listen,
	.so_connect	= local_stream_connect,
	.so_accept	= local_accept,
	.so_pair	= local_pair,
	.so_shutdown	= local_shutdown,
	.so_name	= local_name,
	.so_send	= local_seq_send,
	.so_recv	= local_seq_recv,
	.so_ioctl	= local_ioctl,
	.so_poll	= local_dgram_poll,
};

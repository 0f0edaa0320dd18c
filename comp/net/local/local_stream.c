/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * local_stream.c - SOCK_STREAM: sending bytes, and its table of operations
 *
 * A send becomes messages of up to STREAM_CHUNK bytes, charged to the
 * sender's buffer and put into the peer's queue.  They are not joined
 * there: each keeps who sent it.
 *
 * References: unix(7).
 */

#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/uio.h>

#include "local_impl.h"

#define STREAM_CHUNK	36544	/* as on Linux: see local_charge() */

static uint32_t
local_stream_poll(struct socket *so)
{
	uint32_t events = 0;

	if (so->so_rcv.sb_q.pq_head != NULL || !list_empty(&so->so_acceptq))
		events |= POLLIN | POLLRDNORM;
	if (localpcb(so)->lp_oob != NULL)
		events |= POLLPRI;
	if ((so->so_state & (SS_CONNECTED | SS_LISTENING)) == 0)
		events |= POLLHUP;
	if (local_writable(so))
		events |= POLLOUT | POLLWRNORM | POLLWRBAND;
	return events;
}

/* Waits until so may send. */
static int
stream_wait(struct socket *so, int flags)
{
	int64_t deadline = -1;
	int error = 0;

	if (atomic_load(&so->so_snd.sb_mem) < so->so_snd.sb_hiwat &&
	    atomic_load(&so->so_error) == 0)
		return 0;
	mutex_enter(&so->so_lock);
	while (error == 0) {
		error = socket_geterror(so);
		if (error)
			break;
		if ((so->so_state & SS_CANTSENDMORE) != 0)
			error = EPIPE;
		else if (atomic_load(&so->so_snd.sb_mem) < so->so_snd.sb_hiwat)
			break;
		else if ((flags & MSG_DONTWAIT) != 0)
			error = EAGAIN;
		else {
			if (deadline == -1)
				deadline = socket_deadline(&so->so_snd);
			error = socket_wait_space(so, deadline);
		}
	}
	mutex_exit(&so->so_lock);
	return error;
}

/* p becomes the last of the peer's queue.  Consumes it. */
static int
stream_put(struct socket *peer, struct packet *p, bool urgent)
{
	int error = 0;

	mutex_enter(&peer->so_lock);
	if ((peer->so_state & (SS_CANTRCVMORE | SS_NOFILE)) != 0)
		error = EPIPE;
	else if (!local_scm_allowed(peer, p))
		error = EPERM;
	if (error) {
		mutex_exit(&peer->so_lock);
		packet_free(p);
		return error;
	}
	if (urgent)
		local_oob_mark(peer, p);
	packetq_put(&peer->so_rcv.sb_q, p);
	peer->so_rcv.sb_cc += p->p_len;
	peer->so_rcv.sb_mem += p->p_truesize;
	socket_wake(peer, urgent ? POLLIN | POLLPRI | POLLSRC_URGENT : POLLIN);
	mutex_exit(&peer->so_lock);
	return 0;
}

/* One message of the send.  Files go with the first: *lc is without them then. */
static int
stream_send_one(struct socket *so, struct socket *peer, struct sockmsg *sm,
    struct localcb *lc, size_t *done)
{
	size_t len = sm->sm_uio->uio_resid;
	size_t most = so->so_snd.sb_hiwat / 2 - 64;
	bool urgent = (sm->sm_flags & MSG_OOB) != 0 && len == 1;
	struct packet *p;
	int error;

	if ((sm->sm_flags & MSG_OOB) != 0 && len > 1)
		len--;			/* the last byte goes alone */

	if (len > STREAM_CHUNK)
		len = STREAM_CHUNK;
	if (len > most)
		len = most;
	error = stream_wait(so, sm->sm_flags);
	if (error)
		return error;
	error = packet_fromuio(sm->sm_uio, len, &p);
	if (error)
		return error;
	p->p_truesize = local_charge(true, len);
	socket_charge(so, p);
	local_packet_setup(p, lc);
	lc->lc_scm = NULL;
	error = stream_put(peer, p, urgent);
	if (error == 0)
		*done += len;
	return error;
}

static int
local_stream_send(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	struct localcb lc = { .lc_scm = NULL };
	struct socket *peer;
	size_t done = 0;
	int error;

	if (sm->sm_controllen > 0) {
		error = local_scm_send(so, sm, &lc);
		if (error)
			return error;
	}
	peer = atomic_load_acq(&localpcb(so)->lp_peer);
	if ((sm->sm_flags & MSG_OOB) != 0 && sm->sm_uio->uio_resid == 0)
		error = EOPNOTSUPP;
	else if (sm->sm_namelen > 0)
		error = (atomic_load(&so->so_state) & SS_CONNECTED) != 0 ?
		    EISCONN : EOPNOTSUPP;
	else if (peer == NULL)
		error = ENOTCONN;
	else if ((atomic_load(&so->so_state) & SS_CANTSENDMORE) != 0)
		error = EPIPE;
	else
		error = 0;
	if (error == 0)
		local_cred_fill(&lc, so, peer);
	while (error == 0 && sm->sm_uio->uio_resid > 0)
		error = stream_send_one(so, peer, sm, &lc, &done);
	local_scm_rele(lc.lc_scm);
	if (error != 0 && done == 0)
		return error;
	*ret_done = done;
	return 0;
}

const struct sockops local_stream_ops = {
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
	.so_send	= local_stream_send,
	.so_recv	= local_stream_recv,
	.so_setopt	= local_stream_setopt,
	.so_ioctl	= local_ioctl,
	.so_poll	= local_stream_poll,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket_recv.c - the receive queues of datagram sockets, and error queues
 *
 * A datagram leaves its queue under so_lock and is copied to the client
 * without it; one that is only peeked at is cloned, so that it may leave
 * meanwhile.  With SO_PEEK_OFF a peek begins that far into the queue.
 *
 * References: recv(2), socket(7).
 */

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/uio.h>

#include "socket_impl.h"

/*
 * What a peek sees: the datagram in which byte *off of the queue lies; *off
 * becomes the place in it.  Without SO_PEEK_OFF that is the first.
 */
static struct packet *
sockbuf_seek(const struct sockbuf *sb, size_t *off)
{
	struct packet *p;

	for (p = sb->sb_q.pq_head; p != NULL; p = p->p_next) {
		if (*off < p->p_len || (*off == 0 && p->p_len == 0))
			return p;
		*off -= p->p_len;
	}
	return NULL;
}

/* Takes or peeks the next one.  0 and NULL: there is none. */
static int
datagram_next_locked(struct socket *so, int flags, struct packet **ret_p,
    size_t *ret_off) REQUIRES(so->so_lock)
{
	size_t off = (flags & MSG_PEEK) != 0 && so->so_peek_off > 0 ?
	    (size_t)so->so_peek_off : 0;
	struct packet *p, *copy;

	*ret_p = NULL;
	*ret_off = 0;
	p = sockbuf_seek(&so->so_rcv, &off);
	if (p == NULL)
		return 0;
	if ((flags & MSG_PEEK) == 0) {
		*ret_p = sockbuf_get(&so->so_rcv);
		return 0;
	}
	copy = packet_clone(p, KM_NOSLEEP);
	if (copy == NULL)
		return ENOMEM;
	*ret_p = copy;
	*ret_off = off;
	return 0;
}

static int
datagram_wait_locked(struct socket *so, int flags, struct packet **ret_p,
    size_t *ret_off) REQUIRES(so->so_lock)
{
	int64_t deadline = 0;
	int error;

	for (;;) {
		error = socket_geterror(so);
		if (error == 0)
			error = datagram_next_locked(so, flags, ret_p, ret_off);
		if (error || *ret_p != NULL)
			return error;
		if ((flags & MSG_DONTWAIT) != 0)
			return EAGAIN;
		if ((so->so_state & SS_CANTRCVMORE) != 0)
			return 0;
		if (deadline == 0)
			deadline = socket_deadline(&so->so_rcv);
		error = socket_wait(so, &so->so_rcv, deadline);
		if (error)
			return error;
	}
}

/* Copies what fits of p from off on; says how much that is, or was. */
static int
datagram_copy(const struct packet *p, size_t off, struct sockmsg *sm,
    size_t *ret_done)
{
	size_t len = p->p_len - off, room = sm->sm_uio->uio_resid;
	int error;

	error = packet_uiomove(p, off, len < room ? len : room, sm->sm_uio);
	if (error)
		return error;
	if (len > room)
		sm->sm_outflags |= MSG_TRUNC;
	*ret_done = len <= room || (sm->sm_flags & MSG_TRUNC) != 0 ? len : room;
	return 0;
}

void
socket_peeked_locked(struct socket *so, bool peek, size_t n)
{
	size_t off = (size_t)so->so_peek_off;

	KASSERT(mutex_owned(&so->so_lock));
	if (so->so_peek_off < 0)
		return;
	if (peek)
		off = n < INT32_MAX - off ? off + n : INT32_MAX;
	else
		off = off > n ? off - n : 0;
	atomic_store(&so->so_peek_off, (int)off);
}

/* The others of a row come along, so that they need not lock again. */
static void
datagram_ahead_locked(struct socket *so, struct sockbatch *sx)
    REQUIRES(so->so_lock)
{
	struct sockbuf *sb = &so->so_rcv;
	struct packet *p;

	KASSERT(sx->sx_q.pq_head == NULL);
	if (sb->sb_q.pq_n <= sx->sx_max && sb->sb_q.pq_n <= SOCKBATCH_MAX) {
		packetq_join(&sx->sx_q, &sb->sb_q);
		sb->sb_cc = sb->sb_mem = 0;
		return;
	}
	while (sx->sx_q.pq_n < sx->sx_max && sx->sx_q.pq_n < SOCKBATCH_MAX &&
	    (p = sockbuf_get(sb)) != NULL)
		packetq_put(&sx->sx_q, p);
}

static int
datagram_get(struct socket *so, const struct sockmsg *sm, struct packet **ret_p,
    size_t *ret_off)
{
	struct sockbatch *sx = sm->sm_batch;
	int error;

	if (sx != NULL && (sm->sm_flags & MSG_PEEK) != 0)
		sx = NULL;
	if (sx != NULL && (*ret_p = packetq_get(&sx->sx_q)) != NULL) {
		*ret_off = 0;
		return 0;
	}
	mutex_enter(&so->so_lock);
	error = datagram_wait_locked(so, sm->sm_flags, ret_p, ret_off);
	if (sx != NULL && error == 0 && *ret_p != NULL && so->so_peek_off < 0)
		datagram_ahead_locked(so, sx);
	mutex_exit(&so->so_lock);
	return error;
}

int
socket_recv_datagram(struct socket *so, struct sockmsg *sm, size_t *ret_done,
    void (*fill)(struct socket *, struct sockmsg *, const struct packet *))
{
	size_t off, room = sm->sm_uio->uio_resid;
	struct packet *p = NULL;
	bool peek;
	int error;

	error = datagram_get(so, sm, &p, &off);
	if (error)
		return error;
	if (p == NULL) {
		*ret_done = 0;
		return 0;
	}
	error = datagram_copy(p, off, sm, ret_done);
	if (error == 0 && atomic_load(&so->so_peek_off) >= 0) {
		peek = (sm->sm_flags & MSG_PEEK) != 0;
		mutex_enter(&so->so_lock);
		socket_peeked_locked(so, peek, peek ? room - sm->sm_uio->uio_resid : p->p_len);
		mutex_exit(&so->so_lock);
	}
	if (error == 0 && fill != NULL)
		fill(so, sm, p);
	packet_free(p);
	return error;
}

int
socket_recv_errqueue(struct socket *so, struct sockmsg *sm, size_t *ret_done,
    void (*fill)(struct socket *, struct sockmsg *, const struct packet *))
{
	struct packet *p;
	int error;

	mutex_enter(&so->so_lock);
	p = packetq_get(&so->so_errq);
	mutex_exit(&so->so_lock);
	if (p == NULL)
		return EAGAIN;
	error = datagram_copy(p, 0, sm, ret_done);
	if (error == 0) {
		sm->sm_outflags |= MSG_ERRQUEUE;
		if (fill != NULL)
			fill(so, sm, p);
	}
	packet_free(p);
	return error;
}

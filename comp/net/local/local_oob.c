/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * local_oob.c - the urgent byte of a stream
 *
 * The last byte of a send with MSG_OOB is a message of its own in the queue,
 * and lp_oob points to it until it was read or another takes its place; then
 * the older is a byte like any other.  MSG_OOB reads it out of turn, and what is
 * left of it, a message without bytes, keeps the place: a read stops there.
 * Reading on past it without MSG_OOB loses it, unless SO_OOBINLINE is set.
 *
 * References: unix(7), MSG_OOB; sockatmark(3).
 */

#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/uio.h>

#include "local_impl.h"

/*
 * so_lock held.  p, the next message of a reader who has done bytes already: the
 * message that he goes on with, or NULL; having done some that stops him.
 * What is passed for good goes to gone.
 */
struct packet *
local_oob_pass(struct socket *so, struct packet *p, int flags, size_t done,
    struct packetq *gone)
{
	struct localpcb *lp = localpcb(so);
	bool peek = (flags & MSG_PEEK) != 0;
	bool inl = (atomic_load(&so->so_options) & SOO_OOBINLINE) != 0;
	struct packet *next = p->p_next;

	KASSERT(mutex_owned(&so->so_lock));
	if (p->p_len == 0) {
		if (done > 0 && lp->lp_oob == NULL)
			return NULL;
		if (!peek)
			packetq_put(gone, sockbuf_get(&so->so_rcv));
		p = next;
	}
	if (p == NULL || p != lp->lp_oob)
		return p;
	if (done > 0)
		return NULL;
	if (peek)
		return inl ? p : p->p_next;
	atomic_store(&lp->lp_oob, NULL);
	if (inl)
		return p;
	packetq_put(gone, sockbuf_get(&so->so_rcv));
	return so->so_rcv.sb_q.pq_head;
}

int
local_oob_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	struct localpcb *lp = localpcb(so);
	bool peek = (sm->sm_flags & MSG_PEEK) != 0;
	struct packet *p;
	uint8_t byte = 0;
	int error;

	mutex_enter(&lp->lp_iolock);
	mutex_enter(&so->so_lock);
	p = lp->lp_oob;
	if (p == NULL || (so->so_options & SOO_OOBINLINE) != 0)
		error = EINVAL;
	else {
		packet_copyout(p, 0, &byte, 1);
		if (!peek) {
			atomic_store(&lp->lp_oob, NULL);
			packet_skip(p, 1);
			so->so_rcv.sb_cc--;
		}
		error = 0;
	}
	mutex_exit(&so->so_lock);
	mutex_exit(&lp->lp_iolock);
	if (error)
		return error;
	if (sm->sm_uio->uio_resid > 0)
		error = uio_move(&byte, 1, sm->sm_uio);
	sm->sm_outflags |= MSG_OOB;
	*ret_done = 1;		/* also if there was no room for it */
	return error;
}

/* p, one byte, goes to the end of peer's queue, as its urgent one. */
void
local_oob_mark(struct socket *peer, struct packet *p)
{
	KASSERT(mutex_owned(&peer->so_lock));
	KASSERT(p->p_len == 1);
	atomic_store(&localpcb(peer)->lp_oob, p);
}

/* SIOCATMARK.  Linux says so of a listener, too, that somebody waits for. */
bool
local_oob_atmark(struct socket *so)
{
	const struct localpcb *lp = localpcb(so);
	const struct packet *p;
	bool at;

	mutex_enter(&so->so_lock);
	p = so->so_rcv.sb_q.pq_head;
	at = p != NULL && (p == lp->lp_oob || (p->p_len == 0 &&
	    (lp->lp_oob == NULL || p->p_next == lp->lp_oob)));
	at = at || !list_empty(&so->so_acceptq);
	mutex_exit(&so->so_lock);
	return at;
}

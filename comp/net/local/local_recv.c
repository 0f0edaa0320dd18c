/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * local_recv.c - receiving
 *
 * Readers of a socket take turns (lp_iolock).  The first message of a stream
 * stays in the queue while its bytes are copied, so that a bad pointer loses
 * nothing; nobody but a reader takes messages away from an open socket.
 *
 * A message that carries files leaves the queue under local_flight_lock, which
 * comes before so_lock: hence the look, the try and the second look.
 *
 * References: unix(7), recv(2).
 */

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/uio.h>

#include "local_impl.h"

/* --- what both kinds of queues need --------------------------------------------------- */

/* The sender's address, if the client asked for it. */
static void
recv_name(struct sockmsg *sm, const struct packet *p)
{
	if (sm->sm_name != NULL && p->p_owner != NULL)
		local_name_out(p->p_owner, sm->sm_name, &sm->sm_namelen);
}

/*
 * The files of p, which is in the queue, become the reader's: *lc has their
 * reference.  so_lock is dropped and taken again; p stays, as we are the reader.
 */
static void
recv_take_files(struct socket *so, struct packet *p, struct localcb *lc)
    NO_THREAD_SAFETY
{
	if (localcb(p)->lc_scm == NULL)
		return;
	mutex_exit(&so->so_lock);
	mutex_enter(&local_flight_lock);
	mutex_enter(&so->so_lock);
	lc->lc_scm = localcb(p)->lc_scm;
	localcb(p)->lc_scm = NULL;
	mutex_exit(&local_flight_lock);
}

/* ... and stay the message's, for one who peeks. */
static void
recv_peek_files(const struct packet *p, struct localcb *lc)
{
	lc->lc_scm = localcb(p)->lc_scm;
	local_scm_hold(lc->lc_scm);
}

/*
 * Where SO_PEEK_OFF lets a peek begin: the message, and the place in it.  One without
 * bytes is passed by who has seen it.
 */
static struct packet *
recv_seek(const struct socket *so, int flags, size_t *ret_skip)
{
	bool moves = (flags & MSG_PEEK) != 0 && so->so_peek_off >= 0;
	size_t skip = moves ? (size_t)so->so_peek_off : 0;
	struct packet *p = so->so_rcv.sb_q.pq_head;

	while (moves && p != NULL && skip >= p->p_len &&
	    (skip > 0 || localcb(p)->lc_peeked)) {
		skip -= p->p_len;
		p = p->p_next;
	}
	*ret_skip = p != NULL ? skip : 0;
	return p;
}

/*
 * Waits for a message, lp_iolock and so_lock held, and dropped meanwhile.  0: look
 * again.
 */
static int
recv_wait(struct socket *so, int64_t *deadline) NO_THREAD_SAFETY
{
	struct localpcb *lp = localpcb(so);
	int error;

	if (*deadline == -1)
		*deadline = socket_deadline(&so->so_rcv);
	if (*deadline == 0)
		return EAGAIN;
	/* lp_iolock comes first, so it cannot be taken again under so_lock. */
	mutex_exit(&lp->lp_iolock);
	error = socket_wait(so, &so->so_rcv, *deadline);
	mutex_exit(&so->so_lock);
	mutex_enter(&lp->lp_iolock);
	mutex_enter(&so->so_lock);
	return error;
}

/* --- streams ---------------------------------------------------------------------------- */

/* A read of a stream under way.  On the stack of the reader. */
struct streamread {
	struct sockmsg	*sr_sm;
	size_t		 sr_done;
	size_t		 sr_target;	/* enough to return */
	int64_t		 sr_deadline;	/* -1: not asked for yet */
	bool		 sr_started;	/* sr_cb is that of the bytes so far */
	bool		 sr_end;	/* of this call, whatever there is */
	struct localcb	 sr_cb;
	struct packetq	 sr_gone;	/* read, to be freed without so_lock */
};

static bool
cred_same(const struct localcb *a, const struct localcb *b)
{
	return a->lc_hascred == b->lc_hascred && (!a->lc_hascred ||
	    memcmp(&a->lc_cred, &b->lc_cred, sizeof(a->lc_cred)) == 0);
}

/* May the bytes of p follow those that were read?  Begins, if they are the first. */
static bool
stream_follows(struct socket *so, struct streamread *sr, const struct packet *p)
{
	if (sr->sr_started)
		return (atomic_load(&so->so_options) & SOO_PASSCRED) == 0 ||
		    cred_same(&sr->sr_cb, localcb(p));
	sr->sr_started = true;
	sr->sr_cb = *localcb(p);
	sr->sr_cb.lc_scm = NULL;
	recv_name(sr->sr_sm, p);
	return true;
}

/* n bytes of p were read; p goes if they were the last.  so_lock held. */
static void
stream_consume(struct socket *so, struct streamread *sr, struct packet *p,
    size_t n) REQUIRES(so->so_lock)
{
	socket_peeked_locked(so, false, n);
	recv_take_files(so, p, &sr->sr_cb);
	if (n < p->p_len) {
		packet_skip(p, n);
		so->so_rcv.sb_cc -= (uint32_t)n;
		sr->sr_end = true;
		return;
	}
	packetq_put(&sr->sr_gone, sockbuf_get(&so->so_rcv));
	sr->sr_end = sr->sr_cb.lc_scm != NULL;
}

static void
stream_peeked(struct socket *so, struct streamread *sr, struct packet *p,
    size_t n) REQUIRES(so->so_lock)
{
	socket_peeked_locked(so, true, n);
	if (localcb(p)->lc_scm != NULL) {
		recv_peek_files(p, &sr->sr_cb);
		sr->sr_end = true;
	}
}

/*
 * Copies from p, skip bytes of which were read by an earlier peek, and goes on to the
 * next message.  so_lock held, dropped while it copies.
 */
static int
stream_read_one(struct socket *so, struct streamread *sr, struct packet **pp,
    size_t skip) REQUIRES(so->so_lock)
{
	struct uio *uio = sr->sr_sm->sm_uio;
	struct packet *p = *pp;
	size_t len = p->p_len - skip;
	int error;

	if (len > uio->uio_resid)
		len = uio->uio_resid;
	mutex_exit(&so->so_lock);
	packetq_drop(&sr->sr_gone);
	packetq_init(&sr->sr_gone);
	error = packet_uiomove(p, skip, len, uio);
	mutex_enter(&so->so_lock);
	if (error)
		return error;
	sr->sr_done += len;
	if ((sr->sr_sm->sm_flags & MSG_PEEK) != 0) {
		stream_peeked(so, sr, p, len);
		*pp = p->p_next;
	} else {
		stream_consume(so, sr, p, len);
		*pp = so->so_rcv.sb_q.pq_head;
	}
	return 0;
}

/* Nothing is in the queue: why the read ends, or 0: there may be something now. */
static int
stream_empty(struct socket *so, struct streamread *sr) REQUIRES(so->so_lock)
{
	int error;

	sr->sr_end = true;
	if (sr->sr_done >= sr->sr_target)
		return 0;
	error = socket_geterror(so);
	if (error)
		return error;
	if ((so->so_state & SS_CANTRCVMORE) != 0)
		return 0;
	if ((sr->sr_sm->sm_flags & MSG_DONTWAIT) != 0)
		return EAGAIN;
	sr->sr_end = false;
	if (sr->sr_gone.pq_n == 0)
		return recv_wait(so, &sr->sr_deadline);
	/* The sender may wait for what we have read: look again afterwards. */
	mutex_exit(&so->so_lock);
	packetq_drop(&sr->sr_gone);
	packetq_init(&sr->sr_gone);
	mutex_enter(&so->so_lock);
	return 0;
}

/*
 * All messages that there are and that may be read together.  One who peeks goes
 * on to the end of the queue even without room, as on Linux: there may be files.
 */
static int
stream_read_locked(struct socket *so, struct streamread *sr)
    REQUIRES(so->so_lock)
{
	const struct uio *uio = sr->sr_sm->sm_uio;
	int flags = sr->sr_sm->sm_flags, error = 0;
	bool peek = (flags & MSG_PEEK) != 0;
	struct packet *p;
	size_t skip;

	p = recv_seek(so, flags, &skip);
	do {
		if (p != NULL) {
			p = local_oob_pass(so, p, flags, sr->sr_done,
			    &sr->sr_gone);
			if (p == NULL && sr->sr_done > 0)
				break;		/* at the mark */
		}
		if (p == NULL) {
			error = stream_empty(so, sr);
			if (error == 0 && !sr->sr_end)
				p = recv_seek(so, flags, &skip);
			continue;
		}
		if (!stream_follows(so, sr, p))
			break;
		error = stream_read_one(so, sr, &p, skip);
		skip = 0;
		if (peek && p == NULL)
			break;
	} while (error == 0 && !sr->sr_end &&
	    (peek || uio->uio_resid > 0 || !sr->sr_started));
	return error;
}

int
local_stream_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	struct streamread sr = { .sr_sm = sm, .sr_deadline = -1 };
	struct localpcb *lp = localpcb(so);
	size_t want = sm->sm_uio->uio_resid;
	int error, left;

	if ((atomic_load(&so->so_state) & SS_CONNECTED) == 0)
		return EINVAL;
	if ((sm->sm_flags & MSG_OOB) != 0)
		return local_oob_recv(so, sm, ret_done);
	mutex_enter(&lp->lp_iolock);
	mutex_enter(&so->so_lock);
	sr.sr_target = (sm->sm_flags & MSG_WAITALL) != 0 ? want :
	    want < so->so_rcv.sb_lowat ? want : so->so_rcv.sb_lowat;
	if (sr.sr_target == 0)
		sr.sr_target = 1;
	error = stream_read_locked(so, &sr);
	left = (int)so->so_rcv.sb_cc;
	mutex_exit(&so->so_lock);
	mutex_exit(&lp->lp_iolock);
	packetq_drop(&sr.sr_gone);
	if (error != 0 && sr.sr_done == 0)
		return error;
	if (sr.sr_started)
		local_scm_recv(so, sm, &sr.sr_cb);
	if ((atomic_load(&so->so_options) & SOO_INQ) != 0)
		cmsg_put(sm, SOL_SOCKET, LOCAL_SO_INQ, &left, sizeof(left));
	local_scm_rele(sr.sr_cb.lc_scm);
	*ret_done = sr.sr_done;
	return 0;
}

/* --- datagrams --------------------------------------------------------------------------- */

/* so_lock held: p, the message of this read, or a copy of it for one who peeks. */
static int
dgram_take(struct socket *so, struct sockmsg *sm, struct packet *p, size_t skip,
    struct localcb *lc, struct packet **ret_p) REQUIRES(so->so_lock)
{
	size_t len = p->p_len - skip, room = sm->sm_uio->uio_resid;

	*lc = *localcb(p);
	lc->lc_scm = NULL;
	recv_name(sm, p);
	if ((sm->sm_flags & MSG_PEEK) != 0) {
		*ret_p = packet_clone(p, KM_NOSLEEP);
		if (*ret_p == NULL)
			return ENOBUFS;
		recv_peek_files(p, lc);
		localcb(p)->lc_peeked = p->p_len == 0;
		socket_peeked_locked(so, true, len < room ? len : room);
		return 0;
	}
	recv_take_files(so, p, lc);
	*ret_p = sockbuf_get(&so->so_rcv);
	KASSERT(*ret_p == p);
	socket_peeked_locked(so, false, p->p_len);
	return 0;
}

/* NULL and 0: the end. */
static int
dgram_wait(struct socket *so, struct sockmsg *sm, struct localcb *lc,
    struct packet **ret_p, size_t *ret_skip) REQUIRES(so->so_lock)
{
	int64_t deadline = -1;
	struct packet *p;
	int error;

	for (;;) {
		error = socket_geterror(so);
		if (error)
			return error;
		p = recv_seek(so, sm->sm_flags, ret_skip);
		if (p != NULL)
			return dgram_take(so, sm, p, *ret_skip, lc, ret_p);
		if ((so->so_state & SS_CANTRCVMORE) != 0 &&
		    (so->so_type == SOCK_SEQPACKET ||
		    (sm->sm_flags & MSG_DONTWAIT) == 0))
			return 0;
		if ((sm->sm_flags & MSG_DONTWAIT) != 0)
			return EAGAIN;
		error = recv_wait(so, &deadline);
		if (error)
			return error;
	}
}

static int
dgram_copy(struct sockmsg *sm, const struct packet *p, size_t skip,
    size_t *ret_done)
{
	size_t len = p->p_len - skip, room = sm->sm_uio->uio_resid;

	if (len > room)
		sm->sm_outflags |= MSG_TRUNC;
	*ret_done = len <= room || (sm->sm_flags & MSG_TRUNC) != 0 ? len : room;
	return packet_uiomove(p, skip, len < room ? len : room, sm->sm_uio);
}

int
local_dgram_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	struct localpcb *lp = localpcb(so);
	struct localcb lc = { .lc_scm = NULL };
	struct packet *p = NULL;
	size_t skip;
	int error;

	if ((sm->sm_flags & MSG_OOB) != 0)
		return EOPNOTSUPP;
	mutex_enter(&lp->lp_iolock);
	mutex_enter(&so->so_lock);
	error = dgram_wait(so, sm, &lc, &p, &skip);
	mutex_exit(&so->so_lock);
	mutex_exit(&lp->lp_iolock);
	*ret_done = 0;
	if (p == NULL)
		return error;
	if ((sm->sm_flags & MSG_PEEK) == 0)
		local_room(so);
	error = dgram_copy(sm, p, skip, ret_done);
	if (error == 0) {
		socket_put_cmsgs(so, sm, p);
		local_scm_recv(so, sm, &lc);
	}
	local_scm_rele(lc.lc_scm);
	if ((sm->sm_flags & MSG_PEEK) != 0)
		localcb(p)->lc_scm = NULL;	/* the original's */
	packet_free(p);
	return error;
}

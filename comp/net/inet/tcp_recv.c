/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_recv.c - the client reads
 *
 * A reader takes packets off the receive queue and copies out of them without the
 * lock (unless it is quickly done), while more arrive; TF_RDBUSY keeps other readers
 * away for so long.  What it could not use goes back to the front.  Octets count against the buffer
 * until they are copied.
 *
 * Urgent data (RFC 6093): a read stops before the mark; the octet at the mark is
 * read by MSG_OOB and skipped in line, unless SO_OOBINLINE is set.
 */

#include "tcp_impl.h"

#include <linux/tcp.h>
#include <sys/atomic.h>
#include <sys/errno.h>

#define ROUND_MAX	(256 * 1024)	/* octets taken at a time: the window must open */
#define SHORT_READ	1024		/* octets: not worth dropping the lock */

/* Octets in order that can be read now, for SIOCINQ and poll. */
uint32_t
tcp_readable(const struct tcpcb *tp)
{
	uint32_t n = tcp_so(tp)->so_rcv.sb_cc;

	/* The octet that only MSG_OOB reads does not count. */
	if (n > 0 && (tp->t_flags & TF_URGRCVD) != 0 &&
	    (atomic_load(&tcp_so(tp)->so_options) & SOO_OOBINLINE) == 0 &&
	    tp->t_rcvup - tp->t_copied < n)
		n--;
	return n;
}

/* --- one round --------------------------------------------------------------------- */

struct round {
	struct packetq	 r_q;
	uint32_t	 r_len;		/* octets in r_q */
	uint32_t	 r_skip;	/* to skip at the front: SO_PEEK_OFF */
	uint32_t	 r_want;	/* to copy */
};

/* Takes packets off the queue for at least want octets, after skip. */
static void
round_take(struct tcpcb *tp, struct round *r)
{
	struct sockbuf *sb = &tcp_so(tp)->so_rcv;
	uint32_t need = r->r_skip + r->r_want;

	packetq_init(&r->r_q);
	r->r_len = 0;
	while (r->r_len < need && sb->sb_q.pq_head != NULL) {
		struct packet *p = packetq_get(&sb->sb_q);

		r->r_len += p->p_len;
		packetq_put(&r->r_q, p);
	}
	tp->t_flags |= TF_RDBUSY;
}

/* Copies to the client; *ret_n: how far it came. */
static int
round_copy(struct round *r, struct uio *uio, bool discard, uint32_t *ret_n)
{
	uint32_t skip = r->r_skip, n = 0;
	int error = 0;

	for (struct packet *p = r->r_q.pq_head; p != NULL && n < r->r_want && !error;
	    p = p->p_next) {
		uint32_t len = p->p_len;

		if (skip >= len) {
			skip -= len;
			continue;
		}
		len = len - skip < r->r_want - n ? len - skip : r->r_want - n;
		if (discard)
			uio_skip(uio, len);
		else
			error = packet_uiomove(p, skip, len, uio);
		if (!error)
			n += len;
		skip = 0;
	}
	*ret_n = n;
	return error;
}

/* Gives back what was not used up: all, or all but n octets. */
static void
round_end(struct tcpcb *tp, struct round *r, uint32_t n)
{
	struct socket *so = tcp_so(tp);
	struct sockbuf *sb = &so->so_rcv;
	struct packetq rest = PACKETQ_INITIALIZER, used = PACKETQ_INITIALIZER;
	struct packet *p;

	sb->sb_cc -= n;
	tp->t_copied += n;
	while ((p = packetq_get(&r->r_q)) != NULL) {
		if (n >= p->p_len) {
			n -= p->p_len;
			sb->sb_mem -= p->p_truesize;
			packetq_put(&used, p);
			continue;
		}
		if (n > 0)
			packet_skip(p, n);
		n = 0;
		packetq_put(&rest, p);
	}
	packetq_join(&rest, &sb->sb_q);
	sb->sb_q = rest;
	tp->t_flags &= ~TF_RDBUSY;
	if (sb->sb_waiters != 0)
		cv_broadcast(&sb->sb_cv);
	packetq_drop(&used);
}

/* --- urgent data ------------------------------------------------------------------------ */

/* How far the read may go: up to the mark.  Steps over the octet at the mark. */
static uint32_t
urgent_limit(struct tcpcb *tp, uint32_t len, bool peek)
{
	struct socket *so = tcp_so(tp);
	uint32_t off = tp->t_rcvup - tp->t_copied;
	struct round r = { .r_want = 1 };

	if ((tp->t_flags & TF_URGRCVD) == 0)
		return len;
	if (off > so->so_rcv.sb_cc) {
		if (seq_lt(tp->t_rcvup, tp->t_copied))
			tp->t_flags &= ~(TF_URGRCVD | TF_URGVALID);
		return len;
	}
	if (off > 0)
		return off < len ? off : len;
	if ((atomic_load(&so->so_options) & SOO_OOBINLINE) == 0 && so->so_rcv.sb_cc > 0 && !peek) {
		round_take(tp, &r);
		round_end(tp, &r, 1);
	}
	if (!peek)
		tp->t_flags &= ~(TF_URGRCVD | TF_URGVALID);
	return len < so->so_rcv.sb_cc ? len : so->so_rcv.sb_cc;
}

static int
recv_urgent(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	struct tcpcb *tp = tcpcb_of(so);
	uint8_t octet;
	int error = 0;

	mutex_enter(&so->so_lock);
	if ((atomic_load(&so->so_options) & SOO_OOBINLINE) != 0 || (tp->t_flags & TF_URGRCVD) == 0)
		error = EINVAL;
	else if ((tp->t_flags & TF_URGVALID) == 0 && seq_lt(tp->t_rcvup, tp->t_rnxt))
		error = EINVAL;			/* it was read already */
	else if ((tp->t_flags & TF_URGVALID) == 0)
		error = tp->t_state == TCPS_CLOSED ? ENOTCONN : EAGAIN;
	else {
		octet = tp->t_urgbyte;
		if ((sm->sm_flags & MSG_PEEK) == 0)
			tp->t_flags &= ~TF_URGVALID;
	}
	mutex_exit(&so->so_lock);
	if (error)
		return error;
	sm->sm_outflags |= MSG_OOB;
	*ret_done = 0;
	if (sm->sm_uio->uio_resid == 0) {
		sm->sm_outflags |= MSG_TRUNC;
		return 0;
	}
	*ret_done = 1;
	return (sm->sm_flags & MSG_TRUNC) != 0 ? 0 : uio_move(&octet, 1, sm->sm_uio);
}

/* --- recv(2) ------------------------------------------------------------------------------- */

/* Nothing to read: 0 to wait, EOF as -1, or the error. */
#define RECV_EOF	(-1)

static int
recv_nothing(struct tcpcb *tp)
{
	struct socket *so = tcp_so(tp);

	if (so->so_error != 0)
		return socket_geterror(so);
	if ((so->so_state & SS_CANTRCVMORE) != 0)
		return RECV_EOF;
	if (tp->t_state == TCPS_CLOSED || tp->t_state == TCPS_LISTEN)
		return ENOTCONN;
	return 0;
}

static void
put_inq(struct tcpcb *tp, struct sockmsg *sm)
{
	int inq = (int)tcp_readable(tp);

	cmsg_put(sm, SOL_TCP, TCP_CM_INQ, &inq, sizeof(inq));
}

/*
 * Takes what is there; the lock is held on entry and exit.  *ret_n: octets.  Who waited for
 * it reads when it came, and need not look at the clock to know when that was.
 */
static int
recv_round(struct tcpcb *tp, struct sockmsg *sm, uint32_t skip, bool waited, uint32_t *ret_n)
    REQUIRES(tp->t_inp.inp_so->so_lock) NO_THREAD_SAFETY
{
	struct socket *so = tcp_so(tp);
	bool peek = (sm->sm_flags & MSG_PEEK) != 0;
	size_t resid = sm->sm_uio->uio_resid;
	struct round r = { .r_skip = skip };
	bool unlock;
	int error;

	r.r_want = resid < ROUND_MAX ? (uint32_t)resid : ROUND_MAX;
	r.r_want = urgent_limit(tp, r.r_want, peek);
	*ret_n = 0;
	if (so->so_rcv.sb_cc <= skip || r.r_want == 0)
		return 0;
	round_take(tp, &r);
	unlock = skip + r.r_want > SHORT_READ || uio_sleeps(sm->sm_uio);
	if (unlock)
		mutex_exit(&so->so_lock);
	error = round_copy(&r, sm->sm_uio, (sm->sm_flags & MSG_TRUNC) != 0, ret_n);
	if (unlock)
		mutex_enter(&so->so_lock);
	round_end(tp, &r, peek ? 0 : *ret_n);
	if (!peek && *ret_n > 0) {
		tcp_rcvread(tp, waited ? tp->t_lastdata : clock_mono());
		if ((tp->t_flags & TF_ACKNOW) != 0)
			tcp_output(tp, clock_mono());
	}
	return error;
}

int
tcp_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done)
    NO_THREAD_SAFETY
{
	struct tcpcb *tp = tcpcb_of(so);
	bool peek = (sm->sm_flags & MSG_PEEK) != 0;
	bool nonblock = (sm->sm_flags & MSG_DONTWAIT) != 0, waited = false;
	int64_t deadline = socket_deadline(&so->so_rcv);
	size_t done = 0, target, resid = sm->sm_uio->uio_resid;
	uint32_t n, skip = 0;
	int error = 0;

	if ((sm->sm_flags & MSG_ERRQUEUE) != 0)
		return inpcb_recv_errqueue(so, sm, ret_done);
	if ((sm->sm_flags & MSG_OOB) != 0)
		return recv_urgent(so, sm, ret_done);
	mutex_enter(&so->so_lock);
	target = (sm->sm_flags & MSG_WAITALL) != 0 ? resid : so->so_rcv.sb_lowat;
	if (target > resid || target == 0)
		target = resid;
	if (peek && so->so_peek_off >= 0)
		skip = (uint32_t)so->so_peek_off;
	for (;;) {
		bool atmark = (tp->t_flags & TF_URGRCVD) != 0 && tp->t_rcvup == tp->t_copied;

		if ((tp->t_flags & TF_RDBUSY) == 0 && !(done > 0 && atmark)) {
			/* A read of nothing waits like others, and takes nothing. */
			if (resid == 0 && tcp_readable(tp) > 0)
				break;
			error = recv_round(tp, sm, skip, waited, &n);
			done += n;
			skip += peek ? n : 0;
			if (error != 0 || (done > 0 && (done == resid ||
						   (done >= target && n == 0))))
				break;
			if (n > 0)
				continue;
		}
		if (done >= target && done > 0)
			break;
		if (done > 0 && atmark)
			break;
		error = (tp->t_flags & TF_RDBUSY) != 0 ? 0 : recv_nothing(tp);
		if (error != 0)
			break;
		if (nonblock) {
			error = EAGAIN;
			break;
		}
		/* What we have read may have opened the window: say so before we sleep. */
		if (tp->t_outq.pq_head != NULL && (tp->t_flags & TF_OUTBUSY) == 0) {
			tcp_unlock_held(tp);
			mutex_enter(&so->so_lock);
			continue;
		}
		error = socket_wait(so, &so->so_rcv, deadline);
		if (error)
			break;
		waited = true;
	}
	socket_peeked_locked(so, peek, done);
	if (tp->t_inq && error <= 0)
		put_inq(tp, sm);
	tcp_unlock_held(tp);
	if (error > 0 && done == 0)
		return error;
	*ret_done = done;
	return 0;
}

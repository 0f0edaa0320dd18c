/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_send.c - the client writes
 *
 * Each octet is copied once, from the client into a block, without a lock; the
 * block then goes to the end of the send buffer, and segments refer to it. What
 * is short takes another way: it is copied to the stack first and then, with the lock
 * held, behind what is in the last block already.  If the client's memory is at hand
 * the lock is not worth dropping for that.
 *
 * The buffer's limit counts memory of blocks.  It grows with the congestion
 * window unless the client chose a size, so that it never is what limits us.
 * Writers are woken when a third of it is free, not for each ACK.
 */

#include "tcp_impl.h"

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#define SHORT_WRITE	1024		/* octets: by way of the stack */
#define STREAM_BLOCK	16384		/* block for short writes that follow others */
#define BLOCK_MIN	2048
#define LOCAL_RTT	1000000		/* ns: more than memory ever takes */

/* --- room ------------------------------------------------------------------------ */

static bool
notsent_full(const struct tcpcb *tp)
{
	uint32_t low = tp->t_notsentlow != 0 ? tp->t_notsentlow :
	    (uint32_t)netvar_get(tp->t_ns->tn_ns, &tcpvar_notsent_lowat);

	return sndbuf_end(&tp->t_snd) - tp->t_nxt >= low && (tp->t_flags & TF_FINSENT) == 0;
}

static bool
has_room(const struct tcpcb *tp)
{
	return tp->t_snd.sb_mem < tcp_so(tp)->so_snd.sb_hiwat && !notsent_full(tp);
}

/* For poll: enough room that it is worth while. */
bool
tcp_writable(const struct tcpcb *tp)
{
	uint32_t most = tcp_so(tp)->so_snd.sb_hiwat;

	return tp->t_snd.sb_mem < most - most / 3 && !notsent_full(tp);
}

/*
 * Through memory of this host no long pipe is to be filled; what counts is that
 * the blocks we go round in stay in the processor's cache, which makes each
 * of the copies on the way twice as fast.
 */
static uint32_t
sndbuf_most(const struct tcpcb *tp)
{
	uint32_t most = (uint32_t)netvar_get(tp->t_ns->tn_ns, &tcpvar_wmem_max);
	uint32_t local = (uint32_t)netvar_get(tp->t_ns->tn_ns, &tcpvar_wmem_local);
	const struct rtdst *rd = tp->t_inp.inp_dst;

	if (rd == NULL || (atomic_load(&rd->rd_ifp->if_caps) & IFCAP_LOCAL) == 0 ||
	    tp->t_rtt.tr_srtt > LOCAL_RTT || local > most)
		return most;
	return local;
}

/* RFC 9293 has no word on it: twice what the network holds keeps it full. */
static void
tune(struct tcpcb *tp)
{
	struct sockbuf *sb = &tcp_so(tp)->so_snd;
	uint32_t most = sndbuf_most(tp);
	uint64_t want = 2 * (uint64_t)tp->t_cc.cc_cwnd + PKTBUF_MAX;

	if (atomic_load(&sb->sb_locked_size))
		return;
	if (want > most)
		want = most;
	if (want > sb->sb_hiwat)
		sb->sb_hiwat = (uint32_t)want;
}

void
tcp_wakewriters(struct tcpcb *tp)
{
	if ((tp->t_flags & TF_WAKEW) == 0)
		return;
	tune(tp);
	if (!tcp_writable(tp))
		return;
	tp->t_flags &= ~TF_WAKEW;
	socket_wake(tcp_so(tp), POLLOUT | POLLWRNORM);
}

/* --- may we? ------------------------------------------------------------------------ */

/* EPIPE and other errors, or EAGAIN: not connected yet. */
static int
send_state(struct tcpcb *tp)
{
	struct socket *so = tcp_so(tp);

	if (so->so_error != 0)
		return socket_geterror(so);
	if ((so->so_state & SS_CANTSENDMORE) != 0)
		return EPIPE;
	if (tcp_cansend(tp) || (tp->t_flags & TF_REQUEST) != 0)
		return 0;
	return tp->t_state == TCPS_SYN_SENT || tp->t_state == TCPS_SYN_RECEIVED ? EAGAIN : EPIPE;
}

/* Waits until something can be added. */
static int
send_wait(struct tcpcb *tp, bool nonblock, int64_t deadline)
    REQUIRES(tp->t_inp.inp_so->so_lock) NO_THREAD_SAFETY
{
	struct socket *so = tcp_so(tp);
	int error;

	for (;;) {
		error = send_state(tp);
		if (error != 0 && error != EAGAIN)
			return error;
		if (error == 0 && has_room(tp))
			return 0;
		if (error == 0) {
			tp->t_flags |= TF_WAKEW;
			tune(tp);
			if (has_room(tp))
				return 0;
		}
		if (nonblock)
			return EAGAIN;
		error = socket_wait(so, &so->so_snd, deadline);
		if (error)
			return error;
	}
}

/* --- adding -------------------------------------------------------------------------- */

/* A few octets: into the last block, or a new one. */
static int
add_short(struct tcpcb *tp, const uint8_t *data, uint32_t len)
{
	uint32_t room = sndbuf_tailroom(&tp->t_snd), n = room < len ? room : len;
	struct pktbuf *pb;

	if (n > 0)
		sndbuf_fill(&tp->t_snd, data, n);
	if (n == len)
		return 0;
	pb = pktbuf_alloc(tp->t_snd.sb_len > 0 ? STREAM_BLOCK : BLOCK_MIN, KM_NOSLEEP);
	if (pb == NULL)
		return ENOMEM;
	for (uint32_t i = 0; i < len - n; i++)
		pb->pb_data[i] = data[n + i];
	if (sndbuf_add(&tp->t_snd, pb, 0, len - n, true) != 0) {
		pktbuf_rele(pb);
		return ENOMEM;
	}
	return 0;
}

/* How much of the rest to take in one go. */
static uint32_t
chunk_size(const struct tcpcb *tp, size_t resid)
{
	uint32_t most = tcp_so(tp)->so_snd.sb_hiwat, left = most - tp->t_snd.sb_mem;

	if (left < BLOCK_MIN)
		left = BLOCK_MIN;
	if (left > PKTBUF_MAX)
		left = PKTBUF_MAX;
	return resid < left ? (uint32_t)resid : left;
}

/* What was added may go. */
static void
added(struct tcpcb *tp, const struct sockmsg *sm, bool last)
{
	bool oob = last && (sm->sm_flags & MSG_OOB) != 0;

	if (!last || (sm->sm_flags & MSG_MORE) != 0)
		tp->t_flags |= TF_MORE;
	else
		tp->t_flags &= ~TF_MORE;
	if (oob) {
		tp->t_sndup = sndbuf_end(&tp->t_snd);
		tp->t_flags |= TF_URGSEND;
	}
	tp->t_flags |= TF_PINGPONG;
	tcp_output(tp, clock_mono());
}

/*
 * One round: copies len octets and adds them.  The lock is held on entry and exit,
 * and not during a copy that may sleep.
 */
static int
send_short(struct tcpcb *tp, struct sockmsg *sm, uint32_t len)
    REQUIRES(tp->t_inp.inp_so->so_lock) NO_THREAD_SAFETY
{
	struct socket *so = tcp_so(tp);
	bool unlock = uio_sleeps(sm->sm_uio);
	uint8_t data[SHORT_WRITE];
	int error;

	if (unlock)
		mutex_exit(&so->so_lock);
	error = uio_move(data, len, sm->sm_uio);
	if (unlock) {
		mutex_enter(&so->so_lock);
		if (error == 0)
			error = send_state(tp);
	}
	if (error == 0)
		error = add_short(tp, data, len);
	return error;
}

static int
send_block(struct tcpcb *tp, struct sockmsg *sm, uint32_t len)
    REQUIRES(tp->t_inp.inp_so->so_lock) NO_THREAD_SAFETY
{
	struct socket *so = tcp_so(tp);
	struct pktbuf *pb;
	int error;

	mutex_exit(&so->so_lock);
	pb = pktbuf_alloc(len, KM_SLEEP);
	error = pb == NULL ? ENOMEM : uio_move(pb->pb_data, len, sm->sm_uio);
	mutex_enter(&so->so_lock);
	if (error == 0)
		error = send_state(tp);
	if (error == 0)
		error = sndbuf_add(&tp->t_snd, pb, 0, len, true);
	if (error != 0 && pb != NULL)
		pktbuf_rele(pb);
	return error;
}

/* --- send(2) ----------------------------------------------------------------------------- */

/* MSG_FASTOPEN, TCP_FASTOPEN_CONNECT: connects if need be.  EISCONN is fine. */
static int
send_connect(struct tcpcb *tp, const struct sockmsg *sm)
{
	struct socket *so = tcp_so(tp);
	int error = 0;

	if ((sm->sm_flags & MSG_FASTOPEN) == 0)
		return 0;
	if (tp->t_state == TCPS_CLOSED && (so->so_state & SS_CANTSENDMORE) == 0) {
		if (sm->sm_name == NULL)
			return EDESTADDRREQ;
		error = tcp_startconnect(so, (const struct sockaddr *)sm->sm_name, sm->sm_namelen,
		    true, clock_mono());
	} else if (tp->t_state != TCPS_CLOSED)
		error = tp->t_state == TCPS_SYN_SENT && (tp->t_flags & TF_DEFERCONN) == 0 ?
		    EALREADY : tp->t_state == TCPS_SYN_SENT ? 0 : EISCONN;
	return error;
}

/* The SYN that waited for data takes along what fits. */
static int
send_synonly(struct tcpcb *tp, struct sockmsg *sm, size_t *done)
    REQUIRES(tp->t_inp.inp_so->so_lock) NO_THREAD_SAFETY
{
	uint32_t len = tp->t_mss;
	size_t before = sm->sm_uio->uio_resid;
	struct socket *so = tcp_so(tp);
	struct pktbuf *pb;
	int error;

	if (before < len)
		len = (uint32_t)before;
	mutex_exit(&so->so_lock);
	pb = pktbuf_alloc(len > 0 ? len : 1, KM_SLEEP);
	error = pb == NULL ? ENOMEM : uio_move(pb->pb_data, len, sm->sm_uio);
	mutex_enter(&so->so_lock);
	if (error == 0 && (tp->t_state != TCPS_SYN_SENT || (tp->t_flags & TF_DEFERCONN) == 0))
		error = EALREADY;		/* another thread did it */
	if (error == 0 && len > 0)
		error = sndbuf_add(&tp->t_snd, pb, 0, len, true);
	if (pb != NULL && (error != 0 || len == 0))
		pktbuf_rele(pb);
	if (error)
		return error;
	*done = len;
	tcp_firstsyn(tp, clock_mono());
	return 0;
}

int
tcp_send(struct socket *so, struct sockmsg *sm, size_t *ret_done)
    NO_THREAD_SAFETY
{
	struct tcpcb *tp = tcpcb_of(so);
	bool nonblock = (sm->sm_flags & MSG_DONTWAIT) != 0;
	int64_t deadline = socket_deadline(&so->so_snd);
	size_t done = 0, syn = 0;
	uint32_t len;
	int error;

	mutex_enter(&so->so_lock);
	error = send_connect(tp, sm);
	if (error == 0 && tp->t_state == TCPS_SYN_SENT && (tp->t_flags & TF_DEFERCONN) != 0) {
		error = send_synonly(tp, sm, &syn);
		done = syn;
	} else if (error == 0 && tp->t_state == TCPS_SYN_SENT && nonblock &&
	    (sm->sm_flags & MSG_FASTOPEN) != 0)
		error = EINPROGRESS;	/* no cookie: the SYN asks for one, and data has to wait */
	if (error == 0 && sm->sm_uio->uio_resid == 0) {
		/* Nothing is sent, but who could send nothing is told. */
		error = send_wait(tp, true, deadline);
		if (error == EAGAIN)
			error = 0;
	}
	while (error == 0 && sm->sm_uio->uio_resid > 0) {
		size_t resid;

		error = send_wait(tp, nonblock, deadline);
		if (error)
			break;
		resid = sm->sm_uio->uio_resid;
		len = chunk_size(tp, resid);
		error = len <= SHORT_WRITE ? send_short(tp, sm, len) : send_block(tp, sm, len);
		if (error)
			break;
		done += len;
		added(tp, sm, len == resid);
		if (len == resid)
			break;
		tcp_unlock_held(tp);
		mutex_enter(&so->so_lock);
	}
	if (done > 0 && (tp->t_flags & TF_MORE) != 0 && (sm->sm_flags & MSG_MORE) == 0) {
		/* Cut short: the rest does not follow after all. */
		tp->t_flags &= ~TF_MORE;
		tcp_output(tp, clock_mono());
	}
	tcp_unlock_held(tp);
	if (error != 0 && done == 0)
		return error;
	*ret_done = done;
	return 0;
}

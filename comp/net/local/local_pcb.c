/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * local_pcb.c - local sockets: birth, end, and what all types share
 *
 * Life cycle of a stream or sequenced-packet socket
 *	new -> bound -> listening		bind, listen
 *	new -> connected			connect, socketpair, accept
 *	connected -> half or fully shut down	shutdown, or the peer's close
 *	closed					the file is gone; the memory stays
 *						while a peer points to it
 *
 * A connected socket holds a reference of its peer until its own file goes, so
 * that peers of streams, once set, can be followed without a lock by whoever
 * holds the file.  Datagram sockets change peers under so_lock.
 *
 * References: unix(7), shutdown(2).
 */

#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <lib/string.h>
#include <linux/sockios.h>
#include <net/sockdiag.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

#include "local_impl.h"

int
local_attach(struct socket *so, int protocol)
{
	struct localpcb *lp;

	lp = kmem_zalloc(sizeof(*lp), KM_SLEEP);
	if (lp == NULL)
		return ENOMEM;
	lp->lp_so = so;
	lp->lp_backlog = local_backlog(so->so_ns);
	mutex_init(&lp->lp_iolock, "local io");
	list_init(&lp->lp_wakeq);
	list_node_init(&lp->lp_wakelink);
	list_node_init(&lp->lp_flight);
	so->so_pcb = lp;
	so->so_protocol = 0;
	if (so->so_type == SOCK_RAW)
		so->so_type = SOCK_DGRAM;
	return 0;
}

void
local_free(struct socket *so)
{
	struct localpcb *lp = localpcb(so);

	KASSERT(lp->lp_peer == NULL);
	KASSERT(list_empty(&lp->lp_wakeq));
	local_name_rele(lp->lp_name);
	mutex_destroy(&lp->lp_iolock);
	kmem_free(lp, sizeof(*lp));
	so->so_pcb = NULL;
}

/* --- two at a time ----------------------------------------------------------------- */

void
local_lock_two(struct socket *a, struct socket *b) NO_THREAD_SAFETY
{
	if (a == b)
		mutex_enter(&a->so_lock);
	else if (a < b) {
		mutex_enter(&a->so_lock);
		mutex_enter(&b->so_lock);
	} else {
		mutex_enter(&b->so_lock);
		mutex_enter(&a->so_lock);
	}
}

void
local_unlock_two(struct socket *a, struct socket *b) NO_THREAD_SAFETY
{
	mutex_exit(&a->so_lock);
	if (a != b)
		mutex_exit(&b->so_lock);
}

struct socket *
local_peer(struct socket *so)
{
	struct socket *peer;

	mutex_enter(&so->so_lock);
	peer = localpcb(so)->lp_peer;
	if (peer != NULL)
		socket_hold(peer);
	mutex_exit(&so->so_lock);
	return peer;
}

/* The other end lives as long as we point to it. */
void
local_diag(struct socket *so, struct sockdiag *sd)
{
	mutex_enter(&so->so_lock);
	if (localpcb(so)->lp_peer != NULL)
		sd->sd_peer = localpcb(so)->lp_peer->so_inode;
	mutex_exit(&so->so_lock);
}

/* As Linux has it: a quarter of the buffer, so that writers wake in time. */
bool
local_writable(const struct socket *so)
{
	return (atomic_load(&so->so_state) & SS_LISTENING) == 0 &&
	    (uint64_t)atomic_load(&so->so_snd.sb_mem) * 4 <=
	    atomic_load(&so->so_snd.sb_hiwat);
}

/*
 * Messages are charged as Linux does, with the sizes of its own buffers: how much fits
 * before a send would block is something that programs see.
 */
#define HEAD_ROOM	320		/* behind the bytes in a buffer */
#define HEAD_EXTRA	256		/* beside it */
#define STREAM_HEAD	3776		/* bytes that go into the first buffer */
#define DGRAM_HEAD	16064

uint32_t
local_charge(bool stream, size_t len)
{
	size_t most = stream ? STREAM_HEAD : DGRAM_HEAD, paged = 0, head = 512;

	if (len > most) {
		paged = (len - most + PAGE_MASK) & ~PAGE_MASK;
		len -= paged < len ? paged : len;
	}
	while (head < len + HEAD_ROOM)
		head *= 2;
	return (uint32_t)(HEAD_EXTRA + head + paged);
}

/* --- the end ------------------------------------------------------------------------ */

static bool
local_connects(const struct socket *so)
{
	return so->so_type != SOCK_DGRAM;
}

/* What the peer of a connection sees; reset: something was lost. */
static void
local_hangup(struct socket *peer, bool reset)
{
	mutex_enter(&peer->so_lock);
	atomic_or(&peer->so_state, SS_CANTRCVMORE | SS_CANTSENDMORE);
	if (reset)
		peer->so_error = ECONNRESET;
	socket_wake(peer, POLLHUP | POLLRDHUP);
	mutex_exit(&peer->so_lock);
}

static struct socket *
local_unlink_peer(struct socket *so)
{
	struct localpcb *lp = localpcb(so);
	struct socket *peer = lp->lp_peer;

	KASSERT(mutex_owned(&so->so_lock));
	atomic_store(&lp->lp_peer, NULL);
	return peer;
}

/* Is there something that nobody will read?  A first message without bytes is not. */
static bool
local_unread(const struct socket *so)
{
	const struct packet *p = so->so_rcv.sb_q.pq_head;

	if (p != NULL && p->p_len == 0)
		p = p->p_next;
	return p != NULL;
}

/* Takes so down; embryo: nobody has accepted it. */
static void
local_takedown(struct socket *so, bool embryo)
{
	struct packetq unread = PACKETQ_INITIALIZER;
	struct socket *peer, *child;
	bool lost;

	local_name_close(so);
	mutex_enter(&so->so_lock);
	atomic_or(&so->so_state, SS_CANTRCVMORE | SS_CANTSENDMORE | SS_NOFILE);
	peer = local_unlink_peer(so);
	lost = local_unread(so);
	atomic_store(&localpcb(so)->lp_oob, NULL);
	packetq_join(&unread, &so->so_rcv.sb_q);
	so->so_rcv.sb_cc = so->so_rcv.sb_mem = 0;
	socket_wake(so, POLLHUP);
	mutex_exit(&so->so_lock);
	local_await_cancel(so);
	if (peer != NULL && local_connects(so))
		local_hangup(peer, embryo || lost);
	packetq_drop(&unread);
	local_room(so);
	if (peer != NULL)
		socket_rele(peer);
	for (;;) {
		mutex_enter(&so->so_lock);
		child = socket_acceptq_get(so);
		mutex_exit(&so->so_lock);
		if (child == NULL)
			break;
		local_takedown(child, true);
		socket_rele(child);
	}
}

void
local_close(struct socket *so)
{
	local_takedown(so, false);
	local_gc_hint();
}

int
local_shutdown(struct socket *so, int how)
{
	uint32_t mine = 0, theirs = 0;
	struct socket *peer;

	if (how != SHUT_WR) {
		mine |= SS_CANTRCVMORE;
		theirs |= SS_CANTSENDMORE;
	}
	if (how != SHUT_RD) {
		mine |= SS_CANTSENDMORE;
		theirs |= SS_CANTRCVMORE;
	}
	mutex_enter(&so->so_lock);
	atomic_or(&so->so_state, mine);
	peer = localpcb(so)->lp_peer;
	if (peer != NULL)
		socket_hold(peer);
	socket_wake(so, POLLHUP | POLLRDHUP);
	mutex_exit(&so->so_lock);
	if (peer == NULL)
		return 0;
	if (local_connects(so)) {
		mutex_enter(&peer->so_lock);
		atomic_or(&peer->so_state, theirs);
		socket_wake(peer, POLLIN | POLLOUT | POLLRDHUP |
		    (how == SHUT_RDWR ? POLLHUP : 0));
		mutex_exit(&peer->so_lock);
	}
	socket_rele(peer);
	return 0;
}

/* --- what can be asked ------------------------------------------------------------------ */

int
local_name(struct socket *so, bool peer, struct sockaddr_storage *ret_ss,
    socklen_t *ret_len)
{
	struct socket *who = so;

	if (peer) {
		who = local_peer(so);
		if (who == NULL)
			return ENOTCONN;
	}
	local_name_out(who, ret_ss, ret_len);
	if (ret_ss->ss_family != AF_UNIX || *ret_len == 0) {
		ret_ss->ss_family = AF_UNIX;
		*ret_len = sizeof(sa_family_t);
	}
	if (peer)
		socket_rele(who);
	return 0;
}

/* SO_INQ: each read tells what is left. */
int
local_stream_setopt(struct socket *so, int level, int name, const void *val,
    socklen_t len)
{
	const int *on = val;

	if (level != SOL_SOCKET)
		return EOPNOTSUPP;
	if (name != LOCAL_SO_INQ)
		return ENOPROTOOPT;
	if (len != sizeof(*on) || *on < 0 || *on > 1)
		return EINVAL;
	if (*on)
		atomic_or(&so->so_options, SOO_INQ);
	else
		atomic_and(&so->so_options, ~(uint32_t)SOO_INQ);
	return 0;
}

static int
local_inq(struct socket *so, int *ret_n)
{
	const struct packet *first;

	if ((atomic_load(&so->so_state) & SS_LISTENING) != 0)
		return EINVAL;
	mutex_enter(&so->so_lock);
	first = so->so_rcv.sb_q.pq_head;
	*ret_n = so->so_type != SOCK_DGRAM ? (int)so->so_rcv.sb_cc :
	    first != NULL ? (int)first->p_len : 0;
	mutex_exit(&so->so_lock);
	return 0;
}

int
local_ioctl(struct socket *so, unsigned long cmd, void *uarg, long *ret)
{
	int error = 0, n = 0;

	switch (cmd) {
	case SIOCINQ:
		error = local_inq(so, &n);
		break;
	case SIOCOUTQ:
		n = (int)atomic_load(&so->so_snd.sb_mem);
		break;
	case SIOCATMARK:
		if (so->so_type != SOCK_STREAM)
			return EOPNOTSUPP;
		n = local_oob_atmark(so);
		break;
	default:
		return ENOTTY;
	}
	return error ? error : copyout(&n, uarg, sizeof(n));
}

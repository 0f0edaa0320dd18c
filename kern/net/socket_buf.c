/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket_buf.c - buffers of sockets: accounts, waiting, waking
 *
 * What a socket has received is charged to so_rcv; what it has sent and
 * nobody has freed yet to so_snd, by socket_charge_send().  As on Linux a buffer
 * takes one more packet, whatever its size, as long as it is below its limit.
 *
 * A sent packet is freed by whoever is done with it, in any context and with
 * any locks held, hence its account (so_snd.sb_mem) is atomic and the
 * writers that wait for it are woken from a soft interrupt, which takes
 * so_lock.  Both sides write first and look then: the writer counts itself
 * as waiting and looks at the account, freeing moves the account and looks
 * for waiters.
 *
 * Locking: so_lock -> pollsrc.
 */

#include <net/socket.h>

#include <linux/net_tstamp.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/idle.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>

#include "socket_impl.h"

#define WAKE_IN		(POLLIN | POLLRDNORM | POLLRDBAND | POLLPRI)
#define WAKE_OUT	(POLLOUT | POLLWRNORM | POLLWRBAND)

NETVAR_DEFINE(socket_wmem_default, "net.core.wmem_default", 212992, 4608,
    INT32_MAX, "bytes of a new socket's send buffer");
NETVAR_DEFINE(socket_rmem_default, "net.core.rmem_default", 212992, 2304,
    INT32_MAX, "bytes of a new socket's receive buffer");
NETVAR_DEFINE(socket_wmem_max, "net.core.wmem_max", 212992, 4608, INT32_MAX,
    "bytes that SO_SNDBUF may ask for");
NETVAR_DEFINE(socket_rmem_max, "net.core.rmem_max", 212992, 2304, INT32_MAX,
    "bytes that SO_RCVBUF may ask for");
NETVAR_DEFINE(socket_somaxconn, "net.core.somaxconn", SOMAXCONN, 0, 65535,
    "connections that may wait for accept");
NETVAR_DEFINE(socket_optmem_max, "net.core.optmem_max", 131072, 0, 1 << 20,
    "bytes of control data of one message");

static struct softint *wspace_softint;
static struct socket *wspace_list;	/* a: by so_wnext, each referenced */

/* --- waiting ------------------------------------------------------------------- */

int64_t
socket_deadline(const struct sockbuf *sb)
{
	int64_t timeo = atomic_load(&sb->sb_timeo);

	if (timeo < 0)
		return 0;		/* over already */
	return timeo == 0 ? KTIME_NEVER : ktime_deadline(timeo);
}

static int
socket_sleep(struct socket *so, struct sockbuf *sb, int64_t deadline)
    REQUIRES(so->so_lock)
{
	int error;

	error = cv_timedwait_sig_idle(&sb->sb_cv, &so->so_lock, deadline);
	switch (error) {
	case ETIMEDOUT:
		return EAGAIN;
	case EINTR:
		return deadline == KTIME_NEVER ? ERESTART : EINTR;
	default:
		return error;
	}
}

int
socket_wait(struct socket *so, struct sockbuf *sb, int64_t deadline)
{
	int error;

	KASSERT(mutex_owned(&so->so_lock));
	/* Written under so_lock only, and looked at without it. */
	atomic_store(&sb->sb_waiters, sb->sb_waiters + 1);
	error = socket_sleep(so, sb, deadline);
	atomic_store(&sb->sb_waiters, sb->sb_waiters - 1);
	return error;
}

int
socket_wait_space(struct socket *so, int64_t deadline)
{
	struct sockbuf *sb = &so->so_snd;
	int error = 0;

	KASSERT(mutex_owned(&so->so_lock));
	__atomic_fetch_add(&sb->sb_waiters, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&sb->sb_mem, __ATOMIC_SEQ_CST) >= sb->sb_hiwat)
		error = socket_sleep(so, sb, deadline);
	atomic_sub(&sb->sb_waiters, 1);
	return error;
}

/* --- waking -------------------------------------------------------------------- */

void
socket_wake(struct socket *so, uint32_t events)
{
	KASSERT(mutex_owned(&so->so_lock));
	if ((events & (POLLERR | POLLHUP)) != 0)
		events |= POLLIN | POLLOUT;
	if ((events & (POLLIN | POLLPRI | POLLRDHUP)) != 0) {
		events |= WAKE_IN;
		if (atomic_load(&so->so_rcv.sb_waiters) != 0)
			cv_broadcast(&so->so_rcv.sb_cv);
	}
	if ((events & POLLOUT) != 0) {
		events |= WAKE_OUT;
		if (atomic_load(&so->so_snd.sb_waiters) != 0)
			cv_broadcast(&so->so_snd.sb_cv);
	}
	pollsrc_wake(&so->so_pollsrc, events);
}

void
socket_seterror(struct socket *so, int error)
{
	if (error != 0)
		so->so_error = error;
	socket_wake(so, POLLERR | POLLHUP);
}

int
socket_geterror(struct socket *so)
{
	int error = so->so_error;

	if (error != 0)
		so->so_error = 0;
	return error;
}

void
socket_cantrcvmore(struct socket *so)
{
	atomic_or(&so->so_state, SS_CANTRCVMORE);
	socket_wake(so, POLLIN | POLLRDHUP);
}

void
socket_cantsendmore(struct socket *so)
{
	atomic_or(&so->so_state, SS_CANTSENDMORE);
	socket_wake(so, POLLOUT | POLLIN);
}

/* --- the queue of a listener ------------------------------------------------------ */

bool
socket_acceptq_put(struct socket *head, struct socket *so)
{
	KASSERT(mutex_owned(&head->so_lock));
	if (head->so_qlen > head->so_backlog)
		return false;
	list_insert_tail(&head->so_acceptq, &so->so_acceptlink);
	atomic_store(&head->so_qlen, head->so_qlen + 1);
	socket_wake(head, POLLIN);
	return true;
}

struct socket *
socket_acceptq_get(struct socket *head)
{
	struct list_node *n = list_first(&head->so_acceptq);

	KASSERT(mutex_owned(&head->so_lock));
	if (n == NULL)
		return NULL;
	list_remove(n);
	atomic_store(&head->so_qlen, head->so_qlen - 1);
	return container_of(n, struct socket, so_acceptlink);
}

/* --- the receive queue ---------------------------------------------------------------- */

/* When it came, for those who ask: SO_TIMESTAMP and its kin. */
static void
sockbuf_stamp(const struct socket *so, struct packet *p)
{
	if (p->p_time == 0 &&
	    (socket_option(so, SOO_TIMESTAMP | SOO_TIMESTAMPNS) ||
	    (atomic_load(&so->so_tsflags) & SOF_TIMESTAMPING_RX_SOFTWARE) != 0))
		p->p_time = clock_wall();
}

bool
sockbuf_put(struct sockbuf *sb, struct packet *p)
{
	if (sb->sb_mem >= sb->sb_hiwat)
		return false;
	sockbuf_stamp(container_of(sb, struct socket, so_rcv), p);
	packetq_put(&sb->sb_q, p);
	sb->sb_cc += p->p_len;
	sb->sb_mem += p->p_truesize;
	return true;
}

struct packet *
sockbuf_get(struct sockbuf *sb)
{
	struct packet *p = packetq_get(&sb->sb_q);

	if (p != NULL) {
		KASSERT(sb->sb_cc >= p->p_len && sb->sb_mem >= p->p_truesize);
		sb->sb_cc -= p->p_len;
		sb->sb_mem -= p->p_truesize;
	}
	return p;
}

void
sockbuf_unget(struct sockbuf *sb, struct packetq *q)
{
	for (const struct packet *p = q->pq_head; p != NULL; p = p->p_next) {
		sb->sb_cc += p->p_len;
		sb->sb_mem += p->p_truesize;
	}
	packetq_join(q, &sb->sb_q);
	sb->sb_q = *q;
	packetq_init(q);
}

void
sockbuf_drop(struct sockbuf *sb)
{
	packetq_drop(&sb->sb_q);
	sb->sb_cc = 0;
}

/* --- the account of what was sent ------------------------------------------------------ */

/* Writers of the sockets on the list; each was referenced for it. */
static void
wspace_run(void *arg __unused_arg)
{
	struct socket *so = __atomic_exchange_n(&wspace_list, NULL,
	    __ATOMIC_ACQUIRE), *next;

	for (; so != NULL; so = next) {
		next = so->so_wnext;
		__atomic_store_n(&so->so_wqueued, false, __ATOMIC_SEQ_CST);
		mutex_enter(&so->so_lock);
		socket_wake(so, POLLOUT);
		mutex_exit(&so->so_lock);
		socket_rele(so);
	}
}

/* Gives so and a reference of it to the soft interrupt. */
static bool
wspace_schedule(struct socket *so)
{
	if (__atomic_exchange_n(&so->so_wqueued, true, __ATOMIC_SEQ_CST))
		return false;
	so->so_wnext = atomic_load(&wspace_list);
	while (!__atomic_compare_exchange_n(&wspace_list, &so->so_wnext, so,
	    true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		continue;
	softint_schedule(wspace_softint);
	return true;
}

/* As socket_rele(), but the last one goes where no lock is held. */
static void
wspace_rele(struct socket *so)
{
	unsigned int refs = atomic_load(&so->so_refs);

	while (refs > 1)
		if (atomic_cas_ar(&so->so_refs, &refs, refs - 1))
			return;
	/* Nobody else has it: it is on no list either. */
	(void)wspace_schedule(so);
}

void
socket_credit_send(struct packet *p)
{
	struct socket *so = p->p_owner;
	uint32_t was;

	was = __atomic_fetch_sub(&so->so_snd.sb_mem, p->p_truesize,
	    __ATOMIC_SEQ_CST);
	KASSERTMSG(was >= p->p_truesize, "socket %p: %u sent, %u freed",
	    (void *)so, was, p->p_truesize);
	(void)was;
	if ((atomic_load(&so->so_snd.sb_waiters) != 0 ||
	    atomic_load(&so->so_pollsrc.ps_nwatchers) != 0) &&
	    wspace_schedule(so))
		return;
	wspace_rele(so);
}

void
socket_charge(struct socket *so, struct packet *p)
{
	KASSERT(p->p_destroy == NULL);
	atomic_add(&so->so_snd.sb_mem, p->p_truesize);
	socket_hold(so);
	p->p_owner = so;
	p->p_destroy = socket_credit_send;
}

bool
socket_charge_send(struct socket *so, struct packet *p)
{
	if (atomic_load(&so->so_snd.sb_mem) >= so->so_snd.sb_hiwat)
		return false;
	socket_charge(so, p);
	return true;
}

int
socket_buf_boot(void)
{
	static struct netvar *const vars[] = {
		&socket_wmem_default, &socket_rmem_default, &socket_wmem_max,
		&socket_rmem_max, &socket_somaxconn, &socket_optmem_max,
	};

	for (size_t i = 0; i < ARRAY_SIZE(vars); i++)
		netvar_register(vars[i]);
	return softint_create(wspace_run, NULL, &wspace_softint);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * local_room.c - room in the queues of others, and who waits for it
 *
 * A sender polls for room in another socket's queue.  Its control block stands in that
 * socket's list then (lp_wakeq) and holds a reference on it; whoever takes messages out
 * of the queue tells those in the list.  It leaves the list when it was told, polls for
 * room elsewhere, or is closed.
 *
 * Locking: local_wakelock for the lists, so_lock for waking; never both.
 */

#include <sys/errno.h>
#include <sys/poll.h>

#include "local_impl.h"

static kmutex_t local_wakelock = { .m_name = "local wake" };

bool
local_full(const struct socket *so)
{
	return atomic_load(&so->so_rcv.sb_q.pq_n) >
	    atomic_load(&localpcb(so)->lp_backlog);
}

/* so is on no list any more; the caller has the reference of lp_wakewho. */
static struct socket *
await_remove_locked(struct localpcb *lp) REQUIRES(local_wakelock)
{
	struct socket *who = lp->lp_wakewho;

	if (who != NULL) {
		list_remove(&lp->lp_wakelink);
		lp->lp_wakewho = NULL;
	}
	return who;
}

void
local_await_cancel(struct socket *so)
{
	struct socket *who;

	if (atomic_load(&localpcb(so)->lp_wakewho) == NULL)
		return;
	mutex_enter(&local_wakelock);
	who = await_remove_locked(localpcb(so));
	mutex_exit(&local_wakelock);
	if (who != NULL)
		socket_rele(who);
}

bool
local_await_room(struct socket *so, struct socket *to)
{
	struct localpcb *lp = localpcb(so);
	struct socket *was = NULL;

	if (!local_full(to))
		return false;
	mutex_enter(&local_wakelock);
	if (lp->lp_wakewho != to) {
		was = await_remove_locked(lp);
		socket_hold(to);
		atomic_store(&lp->lp_wakewho, to);
		list_insert_tail(&localpcb(to)->lp_wakeq, &lp->lp_wakelink);
	}
	mutex_exit(&local_wakelock);
	if (was != NULL)
		socket_rele(was);
	/* Either we see that there is room now, or who makes it sees us. */
	atomic_fence_seq();
	return local_full(to);
}

static struct socket *
room_next(struct socket *so)
{
	struct socket *waiter = NULL;
	struct list_node *n;

	mutex_enter(&local_wakelock);
	n = list_first(&localpcb(so)->lp_wakeq);
	if (n != NULL) {
		struct localpcb *lp = container_of(n, struct localpcb,
		    lp_wakelink);

		if (socket_tryhold(lp->lp_so))
			waiter = lp->lp_so;
		(void)await_remove_locked(lp);
	}
	mutex_exit(&local_wakelock);
	/* The reference that the list had of so; the caller has another one. */
	if (n != NULL)
		socket_rele(so);
	return waiter;
}

void
local_room(struct socket *so)
{
	struct list *q = &localpcb(so)->lp_wakeq;
	struct socket *waiter;

	atomic_fence_seq();
	if (atomic_load(&so->so_snd.sb_waiters) != 0) {
		mutex_enter(&so->so_lock);
		socket_wake(so, POLLOUT);
		mutex_exit(&so->so_lock);
	}
	while (atomic_load(&q->l_head.ln_next) != &q->l_head) {
		waiter = room_next(so);
		if (waiter == NULL)
			continue;
		mutex_enter(&waiter->so_lock);
		socket_wake(waiter, POLLOUT);
		mutex_exit(&waiter->so_lock);
		socket_rele(waiter);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * poll.h - waiting for readiness
 *
 * Whatever can become ready (a pipe end, a socket, an eventfd) owns a
 * pollsrc and calls pollsrc_wake() when its state changes.  Watchers (poll,
 * select, epoll) hang pollwatch entries on it.  An fo_poll operation looks
 * at the state and, if it is given a registrar, registers with its sources:
 * register first, look afterwards, so that no change falls between.
 *
 * Whoever wakes changes the state first, under the lock under which fo_poll
 * looks at it, and calls pollsrc_wake() then, with or without that lock: so
 * that either the look sees the change or the wake-up sees the watcher.
 *
 * A source lives at least as long as each file that registers with it: poll
 * holds the file, and epoll forgets it before fo_close.
 *
 * Lock order: the object's lock -> ps_lock -> the watcher's lock.
 */

#ifndef SYS_POLL_H
#define SYS_POLL_H

#include <lib/list.h>
#include <linux/eventpoll.h>
#include <linux/poll.h>
#include <sys/mutex.h>
#include <sys/types.h>

/* Among the events of pollsrc_wake(), for SIGURG: something urgent has come. */
#define POLLSRC_URGENT	0x02000000U

struct pollsrc {
	kmutex_t	 ps_lock;
	struct list	 ps_watchers;	/* ps_lock */
	unsigned int	 ps_nwatchers;	/* a: lets wake skip the lock */
};

struct pollwatch {
	struct list_node pw_link;	/* ps_lock of pw_src */
	struct pollsrc	*pw_src;
	/*
	 * Called with ps_lock held; must not sleep nor touch the list.  Events
	 * 0: anything may have changed.  True if the watcher cares; of the
	 * exclusive ones only the first that does is told.
	 */
	bool		(*pw_wake)(struct pollwatch *, uint32_t events);
	void		*pw_arg;
	bool		 pw_exclusive;	/* EPOLLEXCLUSIVE */
};

/* Given to fo_poll: pr_register hangs one more watch on src. */
struct pollreg {
	void		(*pr_register)(struct pollreg *, struct pollsrc *src);
};

void	pollsrc_init(struct pollsrc *ps);
/* Wakes the watchers with POLLHUP|POLLFREE and empties the list. */
void	pollsrc_fini(struct pollsrc *ps);
void	pollsrc_watch(struct pollsrc *ps, struct pollwatch *pw);
void	pollsrc_unwatch(struct pollwatch *pw);	/* idempotent */
void	pollsrc_wake(struct pollsrc *ps, uint32_t events);

static inline void
poll_register(struct pollreg *pr, struct pollsrc *src)
{
	if (pr != NULL)
		pr->pr_register(pr, src);
}

/*
 * What the p- forms of the waiting calls check about their signal mask, which
 * means nothing here as no signals are delivered.  EINVAL, EFAULT.
 */
int	poll_sigmask_check(const void *usigmask, size_t sigsetsize);

#endif /* SYS_POLL_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * qsbr.h - freeing what lock-free readers may still see
 *
 * A reader needs no call: while its thread holds a vCPU without a break, all
 * that it found through published pointers stays.  (Anything that may sleep
 * is a break.)  A writer takes an object out of reach first, then hands it
 * to qsbr_call(): fn runs after every vCPU has been given back or passed on
 * at least once.
 */

#ifndef SYS_QSBR_H
#define SYS_QSBR_H

#include <sys/types.h>

struct qsbr_head {
	struct qsbr_head *qh_next;
	void		(*qh_fn)(struct qsbr_head *);
};

/* Never fails, never sleeps.  fn must not sleep. */
void	qsbr_call(struct qsbr_head *qh, void (*fn)(struct qsbr_head *));

/*
 * Waits until all readers of this moment are gone and everything that had
 * been handed to qsbr_call() before, on any vCPU, has been called.  May sleep.
 */
void	qsbr_barrier(void);

/*
 * Calls what is due on this vCPU.  For loops that free much and yield; never
 * sleeps.
 */
void	qsbr_poll(void);

#endif /* SYS_QSBR_H */

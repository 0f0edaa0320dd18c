/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lockf_impl.h - advisory locks: ranges and who owns them
 *
 * lockf_range.c is the arithmetic of ranges on one list, without locks or
 * sleeping; lockf.c is waiting, deadlocks and the system calls.
 */

#ifndef LOCKF_IMPL_H
#define LOCKF_IMPL_H

#include <lib/list.h>
#include <sys/condvar.h>
#include <sys/types.h>

/* A proc for POSIX locks, an open file for OFD locks and flock(2). */
struct lockowner {
	const void	*lo_id;
	int32_t		 lo_pid;	/* as F_GETLK tells it: -1 for a file */
};

/* A held lock: [start, end] of one owner.  exclusive: F_WRLCK. */
struct lockrange {
	struct list_node lr_link;
	struct lockowner lr_owner;
	uint64_t	 lr_start, lr_end;	/* inclusive */
	bool		 lr_exclusive;
};

/* All locks of a file; made with the first one, kept until the vnode dies. */
struct lockf {
	struct list	 lf_ranges;	/* POSIX and OFD */
	struct list	 lf_flocks;
	kcondvar_t	 lf_cv;		/* something was given up */
	unsigned int	 lf_waiters;
};

/* Spare ranges: whatever is asked for, two suffice. */
#define LOCKRANGE_SPARES	2

struct lockrange_spares {
	struct lockrange *sp_range[LOCKRANGE_SPARES];
};

int	lockrange_spares_init(struct lockrange_spares *sp);	/* ENOMEM */
void	lockrange_spares_fini(struct lockrange_spares *sp);

/* The first lock in the way of lr, or NULL. */
struct lockrange *lockrange_own(struct list *l, const struct lockrange *lr);
struct lockrange *lockrange_conflict(struct list *l, const struct lockrange *lr);
/* lr is the owner's now, merged with and cut out of what he has. */
void	lockrange_set(struct list *l, const struct lockrange *lr,
	    struct lockrange_spares *sp);
/* The range is nobody's as far as the owner goes.  True if he had any of it. */
bool	lockrange_clear(struct list *l, const struct lockrange *lr,
	    struct lockrange_spares *sp);

#endif /* LOCKF_IMPL_H */

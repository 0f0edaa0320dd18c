/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sched_impl.h - the scheduler of the simulated host, between its files
 */

#ifndef HYPER_SIM_SCHED_IMPL_H
#define HYPER_SIM_SCHED_IMPL_H

#include "sim_impl.h"

/* Field key: b  the baton		a  atomic operations only */
struct sim {
	uint32_t		 s_baton;	/* a: 1: somebody holds it */
	uint32_t		 s_activity;	/* a: arrivals so far */
	struct simthread	*s_arrivals;	/* a: a stack */

	struct simthread	*s_threads;	/* b: all, newest first */
	unsigned int		 s_nthreads;	/* b */
	unsigned int		 s_noutside;	/* b */
	unsigned int		 s_lastid;	/* b */
	struct simthread	**s_run;	/* b: the runnable */
	size_t			 s_nrun;	/* b */
	size_t			 s_runsize;	/* b: room, >= s_nthreads */

	int64_t			 s_now;		/* b */
	int64_t			 s_alarm;	/* b: no deadline is before it */
	uint64_t		 s_hash;	/* b: the trace */
	struct simrng		 s_rng[4];	/* b */
	unsigned int		 s_switch;	/* b: permille */
	unsigned int		 s_spurious;	/* b: permille */
};

extern struct sim sim;

/* --- sched.c ------------------------------------------------------------- */

/*
 * The running thread cannot go on: somebody else does, and the call returns
 * when it is its turn again.
 */
void	sched_block(struct simthread *self);

/* --- schedlist.c: all threads, and those that could run ------------------- */

/* Makes room for one thread more; false: no memory. */
bool	run_reserve(void);

/* Cannot fail: there is room for every thread. */
void	run_add(struct simthread *t);
struct simthread *run_take(size_t i);
void	run_remove(struct simthread *t);	/* if it is there */

/* A sleeper may go on; its sleep's result. */
void	wake_up(struct simthread *t, int result);

void	threads_insert(struct simthread *t);
void	threads_remove(struct simthread *t);

/* --- deadlock.c ---------------------------------------------------------- */

/*
 * Nobody can run.  Could somebody come from outside, seen by who holds the
 * baton, NULL if it is about to end?
 */
bool	deadlock_help_possible(const struct simthread *self);
void	deadlock_die(void) __attribute__((__noreturn__));

#endif /* HYPER_SIM_SCHED_IMPL_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * harness_impl.h - what the harness asks of the host it was built for
 */

#ifndef HARNESS_IMPL_H
#define HARNESS_IMPL_H

#include <sys/types.h>

#include "harness.h"

/* How a child tells its parent what came out; its exit status. */
enum harness_outcome {
	OUTCOME_PASSED = 0,
	OUTCOME_FAILED = 1,
	OUTCOME_SKIPPED = 77,
	OUTCOME_SWEPT = 78,	/* passed, and a failure was injected */
	OUTCOME_DEADLOCK = 86,	/* RUMPSIM_EXIT_DEADLOCK */
};

/* Sets what a kernel will see in its environment. */
void	host_setup(const struct harness_test *test);

/* Calls fn(arg) on the host, with this seed. */
void	host_run(uint64_t seed, void (*fn)(void *), void *arg);

/* Remembers what is held now; says whether the same is held. */
void	host_usage_take(void);
bool	host_usage_same(void);

/*
 * Makes the nth hypercall of a kind fail, none for 0; how many did.
 * host_fault_error() is with which errno.  False: this host cannot.
 */
bool	host_fault_arm(enum harness_fault kind, uint64_t nth);
uint64_t host_fault_count(enum harness_fault kind);
int	host_fault_error(enum harness_fault kind);

/* Stops the processes of a group, and prints where their threads are. */
void	stacks_show(pid_t group);

/* The parts of running one test, in the child. */
void	harness_child(const struct harness_test *test, uint64_t seed,
	    uint64_t nth) __attribute__((__noreturn__));

extern bool harness_failed;		/* in this child so far */
extern uint64_t *harness_digest_place;	/* parent and child share it */
extern uint64_t harness_current_seed;

/*
 * In programs with a kernel (ktest.c): lets what the kernel frees late be
 * freed now.  Called in kernel context.
 */
void	harness_kernel_settle(void) __attribute__((__weak__));

#endif /* HARNESS_IMPL_H */

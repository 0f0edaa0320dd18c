/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * child.c - one run of one test, in the process that was forked for it
 *
 * Order of a run: the host starts (seeded), the kernel boots if the test
 * wants one, what is held is noted, a failure is armed if this is a round of
 * a sweep, the body runs, and what is held is compared.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rump/rump.h>

#include "harness_impl.h"

/* Programs that test a host alone have no kernel in them. */
#pragma weak rump_init
#pragma weak rump_schedule
#pragma weak rump_unschedule

static const struct harness_test *current_test;

struct run {
	const struct harness_test *r_test;
	uint64_t	 r_nth;		/* which hypercall fails; 0: none */
	bool		 r_injected;	/* it did fail */
};

static void
enter(const struct harness_test *test)
{
	int error;

	if ((test->ht_flags & HARNESS_BOOT) == 0)
		return;
	if (rump_init == NULL) {
		printf("# this program has no kernel to boot\n");
		_exit(OUTCOME_FAILED);
	}
	error = rump_init();
	if (error != 0) {
		printf("# rump_init: error %d\n", error);
		fflush(stdout);
		_exit(OUTCOME_FAILED);
	}
	/* The thread's first entry makes its lwp, which outlives the test. */
	rump_schedule();
	if ((test->ht_flags & HARNESS_KERNEL) != HARNESS_KERNEL)
		rump_unschedule();
}

/* From outside the kernel if kernel is false. */
static void
settle(bool kernel)
{
	if (harness_kernel_settle == NULL)
		return;
	if (!kernel)
		rump_schedule();
	harness_kernel_settle();
	if (!kernel)
		rump_unschedule();
}

static void
settle_for(const struct harness_test *test)
{
	if ((test->ht_flags & HARNESS_BOOT) != 0)
		settle((test->ht_flags & HARNESS_KERNEL) == HARNESS_KERNEL);
}

static void
leave(const struct harness_test *test)
{
	if ((test->ht_flags & HARNESS_KERNEL) == HARNESS_KERNEL)
		rump_unschedule();
}

/* What a body under failures may return. */
static void
judge_error(enum harness_fault kind, uint64_t nth, bool injected, int error)
{
	if (error == 0 || (injected && error == host_fault_error(kind)))
		return;
	harness_failed = true;
	printf("# failure %ju %s: returned error %d\n", (uintmax_t)nth,
	    injected ? "was injected" : "did not come", error);
	fflush(stdout);
}

static void
swept_round(struct run *r)
{
	enum harness_fault kind = (enum harness_fault)r->r_test->ht_kind;
	int error;

	if (!host_fault_arm(kind, r->r_nth))
		harness_skip("this host does not fail on demand");
	error = r->r_test->ht_swept();
	r->r_injected = host_fault_count(kind) > 0;
	host_fault_arm(kind, 0);
	judge_error(kind, r->r_nth, r->r_injected, error);
}

static void
body(void *arg)
{
	struct run *r = arg;
	const struct harness_test *test = r->r_test;

	enter(test);
	settle_for(test);
	host_usage_take();
	if (test->ht_swept != NULL)
		swept_round(r);
	else
		test->ht_body();
	settle_for(test);
	if ((test->ht_flags & HARNESS_KEEPS) == 0 && !host_usage_same()) {
		harness_failed = true;
		printf("# left things behind\n");
	}
	leave(test);
}

void
harness_child(const struct harness_test *test, uint64_t seed, uint64_t nth)
{
	struct run r = { .r_test = test, .r_nth = nth };

	harness_current_seed = seed;
	current_test = test;
	host_setup(test);
	host_run(seed, body, &r);
	fflush(stdout);
	fflush(stderr);
	_exit(harness_failed ? OUTCOME_FAILED :
	    r.r_injected ? OUTCOME_SWEPT : OUTCOME_PASSED);
}

void
fault_sweep(enum harness_fault kind, int (*swept)(void))
{
	for (uint64_t nth = 1; !harness_failed; nth++) {
		bool injected;
		int error;

		host_usage_take();
		if (!host_fault_arm(kind, nth))
			harness_skip("this host does not fail on demand");
		error = swept();
		injected = host_fault_count(kind) > 0;
		host_fault_arm(kind, 0);
		judge_error(kind, nth, injected, error);
		settle_for(current_test);
		if (!host_usage_same()) {
			harness_failed = true;
			printf("# failure %ju: left things behind\n",
			    (uintmax_t)nth);
		}
		if (!injected)
			break;
	}
	host_usage_take();
}

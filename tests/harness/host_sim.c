/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * host_sim.c - the harness on the simulated host
 *
 * Allocations go to the host one by one (RUMP_KMEM=direct), so that each of
 * them can fail, and each that is left behind is seen and has an origin.
 */

#include <errno.h>
#include <stdlib.h>

#include <rump/rumpsim.h>

#include "harness_impl.h"

static const enum rumpsim_kind sim_kind[] = {
	[FAULT_MEMORY] = RUMPSIM_MEMORY,
	[FAULT_READ] = RUMPSIM_READ,
	[FAULT_WRITE] = RUMPSIM_WRITE,
	[FAULT_FLUSH] = RUMPSIM_FLUSH,
	[FAULT_DISCARD] = RUMPSIM_DISCARD,
	[FAULT_SUBMIT] = RUMPSIM_SUBMIT,
	[FAULT_OPEN] = RUMPSIM_OPEN,
	[FAULT_THREAD] = RUMPSIM_THREAD,
	[FAULT_RANDOM] = RUMPSIM_RANDOM,
	[FAULT_PEER] = RUMPSIM_PEER,
	[FAULT_IO] = RUMPSIM_IO,
	[FAULT_ANY] = RUMPSIM_ANY,
};
_Static_assert(ARRAY_SIZE(sim_kind) == FAULT_NKINDS, "map each kind");

static struct rumpsim_usage usage_before;

void
host_setup(const struct harness_test *test)
{
	/* Not left to the kernel: its choice depends on how it was built. */
	setenv("RUMP_KMEM", (test->ht_flags & HARNESS_POOLS) == 0 ? "direct" :
	    "pools", 0);
}

struct call {
	void	(*fn)(void *);
	void	*arg;
};

static int
call(void *arg)
{
	struct call *c = arg;

	c->fn(c->arg);
	return 0;
}

void
host_run(uint64_t seed, void (*fn)(void *), void *arg)
{
	struct call c = { .fn = fn, .arg = arg };

	rumpsim_run(seed, call, &c);
}

void
host_usage_take(void)
{
	rumpsim_usage(&usage_before);
}

bool
host_usage_same(void)
{
	return rumpsim_usage_check(&usage_before);
}

bool
host_fault_arm(enum harness_fault kind, uint64_t nth)
{
	rumpsim_fail(sim_kind[kind], nth, host_fault_error(kind));
	return true;
}

uint64_t
host_fault_count(enum harness_fault kind)
{
	return rumpsim_failed(sim_kind[kind]);
}

int
host_fault_error(enum harness_fault kind)
{
	switch (kind) {
	case FAULT_MEMORY:
		return ENOMEM;
	case FAULT_THREAD:
	case FAULT_RANDOM:
		return EAGAIN;
	default:
		return EIO;
	}
}

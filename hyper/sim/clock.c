/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * clock.c - virtual time
 *
 * Reading a clock takes a little time, so that whoever polls one gets on.
 */

#include <rump/rumpuser.h>

#include "sim_impl.h"

/* 2024-01-01 00:00 UTC is when the monotonic clock shows 0. */
#define WALL_EPOCH	(INT64_C(1704067200) * 1000000000)

#define READ_COST	20

int64_t
rumpuser_clock_gettime(int clock)
{

	(void)sim_self();
	sim_tick(READ_COST);
	switch (clock) {
	case RUMPUSER_CLOCK_WALL:
	case RUMPUSER_CLOCK_WALL_COARSE:
		return WALL_EPOCH + sim_now();
	case RUMPUSER_CLOCK_MONO:
	case RUMPUSER_CLOCK_CPU:
	case RUMPUSER_CLOCK_THREAD:
		return sim_now();
	default:
		return 0;
	}
}

void
rumpsim_advance(int64_t ns)
{

	(void)sim_self();
	sim_tick(ns);
}

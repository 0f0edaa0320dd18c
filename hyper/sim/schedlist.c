/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * schedlist.c - all simulated threads, and those of them that could run
 *
 * The runnable ones stand in an array, since one of them is drawn by number.
 * It always has room for all threads, so that waking never fails.
 */

#include <stdlib.h>

#include "sched_impl.h"

void
run_add(struct simthread *t)
{

	t->st_state = SIMTHREAD_RUNNABLE;
	sim.s_run[sim.s_nrun++] = t;
}

struct simthread *
run_take(size_t i)
{
	struct simthread *t = sim.s_run[i];

	sim.s_run[i] = sim.s_run[--sim.s_nrun];
	return t;
}

void
run_remove(struct simthread *t)
{
	size_t i;

	for (i = 0; i < sim.s_nrun; i++) {
		if (sim.s_run[i] == t) {
			(void)run_take(i);
			break;
		}
	}
}

void
wake_up(struct simthread *t, int result)
{

	t->st_result = result;
	run_add(t);
}

bool
run_reserve(void)
{
	struct simthread **run;
	size_t size;

	if (sim.s_nthreads < sim.s_runsize)
		return true;
	size = sim.s_runsize * 2 + 16;
	run = realloc(sim.s_run, size * sizeof(*run));
	if (run == NULL)
		return false;
	sim.s_run = run;
	sim.s_runsize = size;
	return true;
}

void
threads_insert(struct simthread *t)
{

	t->st_id = ++sim.s_lastid;
	t->st_prev = NULL;
	t->st_next = sim.s_threads;
	if (t->st_next != NULL)
		t->st_next->st_prev = t;
	sim.s_threads = t;
	sim.s_nthreads++;
}

void
threads_remove(struct simthread *t)
{

	if (t->st_prev != NULL)
		t->st_prev->st_next = t->st_next;
	else
		sim.s_threads = t->st_next;
	if (t->st_next != NULL)
		t->st_next->st_prev = t->st_prev;
	sim.s_nthreads--;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * deadlock.c - nobody can run, and nothing will ever change that
 */

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "sched_impl.h"

static const char *
state_describe(const struct simthread *t, char *buf, size_t size)
{

	if (t->st_state == SIMTHREAD_DEAD)
		(void)snprintf(buf, size, "ended, not joined");
	else if (t->st_joins != NULL)
		(void)snprintf(buf, size, "joins %s (%u)",
		    t->st_joins->st_name, t->st_joins->st_id);
	else
		(void)snprintf(buf, size, "parked on %p, value %u",
		    (const void *)t->st_word, t->st_word != NULL ?
		    __atomic_load_n(t->st_word, __ATOMIC_RELAXED) : 0);
	return buf;
}

void
deadlock_die(void)
{
	const struct simthread *t;
	char state[96];

	simconsole_dump();
	(void)dprintf(STDERR_FILENO,
	    "rumpsim: deadlock at %lld ns: all threads are parked\n",
	    (long long)sim.s_now);
	for (t = sim.s_threads; t != NULL; t = t->st_next)
		(void)dprintf(STDERR_FILENO, "rumpsim: thread %u %s: %s\n",
		    t->st_id, t->st_name,
		    state_describe(t, state, sizeof(state)));
	(void)fflush(stdout);
	_exit(RUMPSIM_EXIT_DEADLOCK);
}

/* Threads of the process that we have not seen, or who wait for signals? */
bool
deadlock_help_possible(const struct simthread *self)
{
	const struct simthread *t;
	nlink_t known = sim.s_nthreads;
	struct stat st;

	if (self == NULL)
		known++;		/* about to end, but still there */

	for (t = sim.s_threads; t != NULL; t = t->st_next) {
		if (t->st_state == SIMTHREAD_PARKED &&
		    (t->st_parkflags & RUMPUSER_PARK_INTR) != 0)
			return true;
	}
	return stat("/proc/self/task", &st) == 0 &&
	    st.st_nlink > known + 2;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * init.c - beginning and end of a kernel, and of a run, on the simulated host
 */

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "common/guard.h"
#include "sim_impl.h"

int
rumpuser_init(int version)
{

	(void)sim_self();
	if (version != RUMPUSER_VERSION)
		return EPROTONOSUPPORT;
	return guard_init();
}

void
rumpuser_exit(int code)
{

	if (code == RUMPUSER_EXIT_PANIC) {
		simconsole_dump();
		abort();
	}
	exit(code);
}

/* The signal is the host's own, and arrives at a time of its choice. */
int
rumpuser_kill(int signo)
{

	(void)sim_self();
	return kill(getpid(), signo) == -1 ? errno : 0;
}

int
rumpsim_run(uint64_t seed, int (*fn)(void *), void *arg)
{

	(void)sim_self();
	sched_reset(seed);
	fault_reset();
	return fn(arg);
}

void
sim_die(const char *fmt, ...)
{
	va_list ap;

	simconsole_dump();
	(void)dprintf(STDERR_FILENO, "rumpsim: ");
	va_start(ap, fmt);
	(void)vdprintf(STDERR_FILENO, fmt, ap);
	va_end(ap);
	(void)dprintf(STDERR_FILENO, "\n");
	abort();
}

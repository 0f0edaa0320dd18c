/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * init.c - beginning and end of a kernel on Linux
 *
 * The first call prepares what every kernel needs and nothing else; the ring
 * and the threads for block I/O appear with the first request (bio.c).
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "common/guard.h"

int
rumpuser_init(int version)
{

	if (version != RUMPUSER_VERSION)
		return EPROTONOSUPPORT;
	return guard_init();
}

void
rumpuser_exit(int code)
{

	if (code == RUMPUSER_EXIT_PANIC)
		abort();
	exit(code);
}

int
rumpuser_kill(int signo)
{

	return kill(getpid(), signo) == -1 ? errno : 0;
}

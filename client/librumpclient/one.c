/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * one.c - the session of this process, and what each of its threads has of it
 *
 * The usual case.  A supervisor has a session for each process that it looks after: many.c.
 */

#include <sys/syscall.h>

#include <fcntl.h>

#include "client_impl.h"

struct rcsession session = { .s_fd = -1 };
struct bell bells[BELLS_MAX];
_Thread_local struct rcthread cthread;

uint32_t
session_number(void)
{
	return session.s_generation + 1;
}

static void
comm_read(char comm[16])
{
	long fd, n;

	fd = hostcall(SYS_openat, (long)AT_FDCWD, "/proc/self/comm",
	    (long)(O_RDONLY | O_CLOEXEC), 0L, 0L, 0L);
	if (fd < 0)
		return;
	n = hostcall(SYS_read, fd, comm, 15L, 0L, 0L, 0L);
	if (n > 0)
		comm[comm[n - 1] == '\n' ? n - 1 : n] = '\0';
	(void)hostcall(SYS_close, fd, 0L, 0L, 0L, 0L, 0L);
}

void
hello_who(struct sp_hello *h)
{
	h->h_hostpid = (uint32_t)hostcall(SYS_getpid, 0L, 0L, 0L, 0L, 0L, 0L);
	comm_read(h->h_comm);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fds.c - our descriptor among those of the program
 *
 * There is one: the control connection.  Programs that manage theirs by
 * number tell us before, and it moves.
 */

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "client_impl.h"

int
rumpclient_ownfds(int *fds, unsigned int max, unsigned int *ret_n)
{
	int fd = __atomic_load_n(&session.s_fd, __ATOMIC_RELAXED);

	if (fd != -1 && max > 0)
		fds[0] = fd;
	*ret_n = fd != -1;
	return 0;
}

/* To the first free number from min on, closing the old one or leaving it to be overwritten. */
static int
move_locked(int min)
{
	long fd = hostcall(SYS_fcntl, (long)session.s_fd, (long)F_DUPFD_CLOEXEC,
	    (long)min, 0L, 0L, 0L);

	if (fd < 0)
		return (int)fd;
	(void)hostcall(SYS_close, (long)session.s_fd, 0L, 0L, 0L, 0L, 0L);
	__atomic_store_n(&session.s_fd, (int)fd, __ATOMIC_RELAXED);
	return 0;
}

void
rumpclient_setfdmin(int min)
{
	rclock_enter(&session.s_lock);
	host_fdmin = min;
	if (session.s_fd != -1 && session.s_fd < min)
		(void)move_locked(min);
	rclock_exit(&session.s_lock);
}

static void
close_range_of(unsigned int first, unsigned int last)
{
	if (first <= last)
		(void)hostcall(SYS_close_range, (long)first, (long)last, 0L, 0L,
		    0L, 0L);
}

int
rumpclient__closenotify(int *fd, enum rumpclient_closevariant variant)
{
	int done = 0;

	rclock_enter(&session.s_lock);
	switch (variant) {
	case RUMPCLIENT_CLOSE_CLOSE:
		done = *fd == session.s_fd;
		break;
	case RUMPCLIENT_CLOSE_DUP2:
		if (*fd == session.s_fd)
			(void)move_locked(*fd + 1);
		break;
	case RUMPCLIENT_CLOSE_FCLOSEM:
		if (session.s_fd < *fd)
			break;
		close_range_of((unsigned int)*fd, (unsigned int)session.s_fd - 1);
		close_range_of((unsigned int)session.s_fd + 1, UINT_MAX);
		done = 1;
		break;
	}
	rclock_exit(&session.s_lock);
	return done;
}

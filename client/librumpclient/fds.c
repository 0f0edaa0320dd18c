/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fds.c - our descriptors among those of the program
 *
 * These are the control connection and, where no memory is shared, one a slot.  Programs that
 * manage theirs by number tell us before, and ours move.
 */

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "client_impl.h"

int
rumpclient_ownfds(int *fds, unsigned int max, unsigned int *ret_n)
{
	unsigned int n = 0;
	int fd = session_fd();

	if (fd != -1 && max > 0)
		fds[n] = fd;
	n += fd != -1;
	n += streams_fds(fds + (n < max ? n : max), n < max ? max - n : 0);
	*ret_n = n;
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
	host_fd_ours((int)fd, true);
	host_fd_ours(session.s_fd, false);
	host_close(session.s_fd);
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

static bool
is_ours(const int *fds, unsigned int n, int fd)
{
	for (unsigned int i = 0; i < n; i++) {
		if (fds[i] == fd)
			return true;
	}
	return false;
}

/* All from fd on but ours. */
static void
close_others(const int *fds, unsigned int n, int fd)
{
	unsigned int next = (unsigned int)fd;

	while (next <= INT_MAX) {
		unsigned int stop = UINT_MAX;

		/* The next of ours. */
		for (unsigned int i = 0; i < n; i++) {
			if ((unsigned int)fds[i] >= next &&
			    (unsigned int)fds[i] < stop)
				stop = (unsigned int)fds[i];
		}
		if (stop > next)
			(void)hostcall(SYS_close_range, (long)next,
			    stop == UINT_MAX ? (long)stop : (long)stop - 1, 0L, 0L,
			    0L, 0L);
		if (stop == UINT_MAX)
			break;
		next = stop + 1;
	}
}

int
rumpclient__closenotify(int *fd, enum rumpclient_closevariant variant)
{
	int fds[SP_NSLOTS + 1], done = 0;
	unsigned int n;

	rclock_enter(&session.s_lock);
	(void)rumpclient_ownfds(fds, SP_NSLOTS + 1, &n);
	switch (variant) {
	case RUMPCLIENT_CLOSE_CLOSE:
		done = is_ours(fds, n, *fd);
		break;
	case RUMPCLIENT_CLOSE_DUP2:
		if (*fd == session.s_fd)
			(void)move_locked(*fd + 1);
		else if (is_ours(fds, n, *fd))
			streams_move(*fd, *fd + 1);
		break;
	case RUMPCLIENT_CLOSE_FCLOSEM:
		if (session.s_fd < *fd && n < 2)
			break;
		close_others(fds, n, *fd);
		done = 1;
		break;
	}
	rclock_exit(&session.s_lock);
	return done;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bell.c - descriptors that become readable when the server says so
 *
 * A bell is one end of a pair of sockets; the other one went to the server,
 * which knows it by a handle.  Handles are kept by descriptor, in a small table: who
 * waits for two kernels has a bell for each thread, and one for each epoll.
 */

#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>

#include "client_impl.h"

#define BELLS_MAX	128

/* Field key:	l  bells_lock */
static struct rclock bells_lock;
static struct {
	int		 bb_fd;		/* l: + 1; 0: this place is free */
	uint32_t	 bb_handle;	/* l */
	uint32_t	 bb_generation;	/* l */
} bells[BELLS_MAX];

static void
host_close(int fd)
{
	(void)hostcall(SYS_close, (long)fd, 0L, 0L, 0L, 0L, 0L);
}

static int
bells_add(int fd, uint32_t handle)
{
	int error = -EMFILE;

	rclock_enter(&bells_lock);
	for (unsigned int i = 0; i < BELLS_MAX && error != 0; i++) {
		if (bells[i].bb_fd != 0 &&
		    bells[i].bb_generation == session.s_generation)
			continue;
		bells[i].bb_fd = fd + 1;
		bells[i].bb_handle = handle;
		bells[i].bb_generation = session.s_generation;
		error = 0;
	}
	rclock_exit(&bells_lock);
	return error;
}

/* The handle; -EBADF: not a bell of this session. */
static int
bells_find(int fd, bool remove)
{
	int handle = -EBADF;

	rclock_enter(&bells_lock);
	for (unsigned int i = 0; i < BELLS_MAX; i++) {
		if (bells[i].bb_fd != fd + 1 ||
		    bells[i].bb_generation != session.s_generation)
			continue;
		handle = (int)bells[i].bb_handle;
		if (remove)
			bells[i].bb_fd = 0;
		break;
	}
	rclock_exit(&bells_lock);
	return handle;
}

int
rumpclient_bell(void)
{
	struct sp_ctl ctl = { .c_op = SP_BIND };
	int fd[2], size = 1, error;

	error = (int)hostcall(SYS_socketpair, (long)AF_UNIX,
	    (long)(SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK), 0L, fd, 0L, 0L);
	if (error)
		return error;
	/* A few unheard rings are enough. */
	(void)hostcall(SYS_setsockopt, (long)fd[1], (long)SOL_SOCKET,
	    (long)SO_SNDBUF, &size, (long)sizeof(size), 0L);
	error = control_request(&ctl, fd[1]);
	host_close(fd[1]);
	fd[0] = host_fd_park(fd[0]);
	if (fd[0] < 0)
		return fd[0];
	if (error == 0)
		error = bells_add(fd[0], ctl.c_arg);
	if (error) {
		host_close(fd[0]);
		return error;
	}
	return fd[0];
}

void
rumpclient_bell_close(int bell)
{
	struct sp_ctl ctl = { .c_op = SP_UNBIND };
	int handle = bells_find(bell, true);

	if (handle >= 0) {
		ctl.c_arg = (uint32_t)handle;
		(void)control_request(&ctl, -1);
	}
	host_close(bell);
}

int
rumpclient_notify(int r, int bell)
{
	unsigned long args[6] = { (unsigned long)r };
	int handle = -1;

	if (bell >= 0) {
		handle = bells_find(bell, false);
		if (handle < 0)
			return handle;
	}
	args[1] = (unsigned long)(handle + 1);
	return (int)rumpclient_syscall_args(SP_NR_NOTIFY, args);
}

int
rumpclient_poll_arm(struct pollfd *fds, unsigned int n, int bell)
{
	int handle = bells_find(bell, false);
	unsigned long args[6] = { (unsigned long)fds, n, (unsigned long)handle };

	if (handle < 0)
		return handle;
	return (int)rumpclient_syscall_args(SP_NR_POLL_ARM, args);
}

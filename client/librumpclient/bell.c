/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bell.c - descriptors that become readable when the server says so
 *
 * A bell is one end of a pair of sockets; the other one went to the server, or is a connection
 * to it.  The server knows it by a handle.  Handles are kept by descriptor, in a small table: who
 * waits for two kernels has a bell for each thread, and one for each epoll.
 */

#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "client_impl.h"

static struct rclock bells_lock;

static int
bells_add(int fd, uint32_t handle)
{
	int error = -EMFILE;

	rclock_enter(&bells_lock);
	for (unsigned int i = 0; i < BELLS_MAX && error != 0; i++) {
		if (bells[i].bb_fd != 0 && bells[i].bb_fd != fd + 1)
			continue;
		bells[i].bb_fd = fd + 1;
		bells[i].bb_handle = handle;
		bells[i].bb_generation = session.s_generation;
		error = 0;
	}
	rclock_exit(&bells_lock);
	return error;
}

/* The handle; -EBADF: not a bell.  -ESTALE: of a session before this one. */
static int
bells_find(int fd, bool remove)
{
	int handle = -EBADF;

	rclock_enter(&bells_lock);
	for (unsigned int i = 0; i < BELLS_MAX; i++) {
		if (bells[i].bb_fd != fd + 1)
			continue;
		handle = bells[i].bb_generation == session.s_generation ?
		    (int)bells[i].bb_handle : -ESTALE;
		if (remove)
			bells[i].bb_fd = 0;
		break;
	}
	rclock_exit(&bells_lock);
	return handle;
}

void
bells_forget(void)
{
	bells_lock.rl_word = 0;
	for (unsigned int i = 0; i < BELLS_MAX; i++)
		bells[i].bb_fd = 0;
}

/* Our end of a pair whose other one is the server's. */
static int
bell_pair(uint32_t *ret_handle)
{
	struct sp_ctl ctl = { .c_op = SP_BIND };
	struct host_room room;
	int fd[2], size = 1, error;

	host_room_enter(&room);
	error = (int)hostcall(SYS_socketpair, (long)AF_UNIX,
	    (long)(SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK), 0L, fd, 0L, 0L);
	if (error == 0)
		fd[0] = host_fd_park(fd[0]);
	host_room_leave(&room);
	if (error)
		return error;
	/* A few unheard rings are enough. */
	(void)hostcall(SYS_setsockopt, (long)fd[1], (long)SOL_SOCKET,
	    (long)SO_SNDBUF, &size, (long)sizeof(size), 0L);
	error = control_request(&ctl, fd[1]);
	host_close(fd[1]);
	if (error) {
		host_close(fd[0]);
		return error;
	}
	*ret_handle = ctl.c_arg;
	return fd[0];
}

/* A connection to which the server writes. */
static int
bell_connect(uint32_t *ret_handle)
{
	struct sp_welcome w;
	struct sp_hello h;
	int fd, none, error;

	fd = connect_url(session.s_url);
	if (fd < 0)
		return fd;
	hello_fill(&h, SP_BELL);
	rclock_enter(&session.s_lock);
	memcpy(h.h_secret, session.s_secret, sizeof(h.h_secret));
	rclock_exit(&session.s_lock);
	error = hello_exchange(fd, &h, &w, &none);
	if (error == 0)
		error = (int)hostcall(SYS_fcntl, (long)fd, (long)F_SETFL,
		    (long)O_NONBLOCK, 0L, 0L, 0L);
	if (error) {
		host_close(fd);
		return error;
	}
	*ret_handle = w.w_slot;
	return fd;
}

static int
bell_make(uint32_t *ret_handle)
{
	if (session_fd() == -1)
		return -ENOTCONN;
	return session.s_region != NULL ? bell_pair(ret_handle) :
	    bell_connect(ret_handle);
}

/*
 * The handle.  The bell of a server that is gone becomes one of the server that we found
 * again, at the same number.
 */
static int
bell_handle(int bell)
{
	int fd, error, handle = bells_find(bell, false);
	uint32_t new;
	long moved;

	if (handle != -ESTALE)
		return handle;
	fd = bell_make(&new);
	if (fd < 0)
		return fd;
	moved = hostcall(SYS_dup3, (long)fd, (long)bell, (long)O_CLOEXEC, 0L, 0L,
	    0L);
	host_close(fd);
	error = moved < 0 ? (int)moved : bells_add(bell, new);
	return error ? error : (int)new;
}

int
rumpclient_bell(void)
{
	uint32_t handle;
	int fd, error;

	fd = bell_make(&handle);
	if (fd < 0)
		return fd;
	fd = host_fd_park(fd);
	if (fd < 0)
		return fd;
	error = bells_add(fd, handle);
	if (error) {
		host_close(fd);
		return error;
	}
	return fd;
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
		handle = bell_handle(bell);
		if (handle < 0)
			return handle;
	}
	args[1] = handle == -1 ? 0 : (unsigned long)handle + 1;
	return (int)rumpclient_syscall_args(SP_NR_NOTIFY, args);
}

int
rumpclient_poll_arm(struct pollfd *fds, unsigned int n, int bell)
{
	int handle = bell_handle(bell);
	unsigned long args[6] = { (unsigned long)fds, n, (unsigned long)handle };

	if (handle < 0)
		return handle;
	return (int)rumpclient_syscall_args(SP_NR_POLL_ARM, args);
}

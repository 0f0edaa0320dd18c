/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lent.c - descriptors of the host that go through the kernel's local sockets
 *
 * They reach the server by the control connection, which only a local one can do, and come back
 * by it.  In between each is a file of the kernel that stands for it.
 */

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>

#include "client_impl.h"

/* Over others descriptors cannot go. */
static bool
is_local(void)
{
	return url_rest(session.s_url, "unix://") != NULL ||
	    url_rest(session.s_url, "unix+stream://") != NULL;
}

int
rumpclient_lend(int fd)
{
	struct sp_ctl ctl = { .c_op = SP_LEND };
	unsigned long args[6] = { 0 };
	int error;

	if (hostcall(SYS_fcntl, (long)fd, (long)F_GETFD, 0L, 0L, 0L, 0L) < 0)
		return -EBADF;
	if (!is_local())
		return -EOPNOTSUPP;
	error = control_request(&ctl, fd);
	if (error)
		return error;
	args[0] = ctl.c_arg;
	return (int)rumpclient_syscall_args(SP_NR_LENT, args);
}

int
rumpclient_fetch(int r)
{
	struct sp_ctl ctl = { .c_op = SP_FETCH };
	unsigned long args[6] = { (unsigned long)r };
	long place = rumpclient_syscall_args(SP_NR_FETCH, args);
	int error, fd = -1;

	if (place < 0)
		return (int)place;
	ctl.c_arg = (uint32_t)place;
	error = control_exchange(&ctl, -1, &fd);
	if (error == 0 && fd == -1)
		error = -EMFILE;
	if (error == 0)
		return fd;
	if (fd != -1)
		(void)hostcall(SYS_close, (long)fd, 0L, 0L, 0L, 0L, 0L);
	return error;
}

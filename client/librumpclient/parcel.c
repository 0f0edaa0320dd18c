/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * parcel.c - descriptors of the kernel that go through the host's local sockets
 *
 * A parcel is a connection to the server that stands for a file.  The server's answer to its hello
 * is not read but looked at, by us, who send it only when it is there, and by who gets it.
 */

#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "client_impl.h"

/* 0, or -EINVAL: it is no parcel, or not yet; -ECONNRESET: not any more. */
static int
label_read(int fd, struct sp_welcome *w)
{
	long n = hostcall(SYS_recvfrom, (long)fd, w, (long)sizeof(*w),
	    (long)(MSG_PEEK | MSG_DONTWAIT), 0L, 0L);

	if (n == 0)
		return -ECONNRESET;
	if (n != (long)sizeof(*w) || w->w_magic != SP_MAGIC || w->w_version != SP_VERSION)
		return -EINVAL;
	if (w->w_error > 0 && w->w_error < 4096)
		return -w->w_error;
	return w->w_kind == SP_PARCEL ? 0 : -EINVAL;
}

static int
label_wait(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct sp_welcome w;
	int error;

	for (;;) {
		(void)hostcall(SYS_ppoll, &pfd, 1L, 0L, 0L, 0L, 0L);
		error = label_read(fd, &w);
		if (error != -EINVAL || (pfd.revents & (POLLERR | POLLHUP)) != 0)
			return error;
		/* A part of it is there. */
		host_sleep_ms(1);
	}
}

int
rumpclient_parcel(int r)
{
	struct sp_hello hello;
	unsigned long args[6] = { (unsigned long)r, (unsigned long)hello.h_secret };
	int fd, error;

	hello_fill(&hello, SP_PARCEL);
	error = (int)rumpclient_syscall_args(SP_NR_SEND, args);
	if (error)
		return error;
	fd = connect_url(session.s_url);
	if (fd < 0)
		return fd;
	error = conn_send(fd, &hello, sizeof(hello), -1);
	if (error == 0)
		error = label_wait(fd);
	if (error) {
		host_close(fd);
		return error;
	}
	return fd;
}

int
rumpclient_unparcel(int fd)
{
	struct sp_welcome w;
	unsigned long args[6] = { (unsigned long)w.w_secret };
	int error = label_read(fd, &w);

	return error ? error : (int)rumpclient_syscall_args(SP_NR_TAKE, args);
}

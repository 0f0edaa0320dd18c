/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * backend_server.c - a kernel in another process, through librumpclient
 *
 * The library was made for this place: it makes its own system calls by itself, may be called by
 * signal handlers, and takes part in fork and exec on request.
 */

#include <errno.h>
#include <string.h>

#include <rump/rumpclient.h>

#include "hijack.h"

static long
server_call(unsigned int nr, const unsigned long args[6])
{
	return rumpclient_syscall_args(nr, args);
}

static int
server_bell(void)
{
	return rumpclient_bell();
}

static void
server_bell_close(int bell)
{
	rumpclient_bell_close(bell);
}

static int
server_poll_arm(struct pollfd *fds, unsigned int n, int bell)
{
	return rumpclient_poll_arm(fds, n, bell);
}

/* --- fork --------------------------------------------------------------------------------- */

/* One fork at a time a process: who comes second makes a ticket of his own in his own thread. */
static __thread struct rumpclient_fork *ticket;

static int
server_fork_before(void)
{
	ticket = rumpclient_prefork();
	return ticket == NULL ? EAGAIN : 0;
}

static void
server_fork_parent(long pid)
{
	if (pid < 0)
		rumpclient_fork_cancel(ticket);
	else
		rumpclient_fork_parent(ticket);
	ticket = NULL;
}

static void
server_fork_child(void)
{
	if (rumpclient_fork_init(ticket) != 0)
		host_complain("the server did not take the child", NULL);
	ticket = NULL;
}

/* --- exec ---------------------------------------------------------------------------------- */

static int
server_exec_env(bool vforked, char *env, size_t size)
{
	struct rumpclient_fork *child;

	env[0] = '\0';
	if (!vforked)
		return rumpclient_exec_env(env, size) != 0 ? EAGAIN : 0;
	child = rumpclient_prefork();
	if (child == NULL)
		return EAGAIN;
	return rumpclient_fork_exec(child, env, size) != 0 ? EAGAIN : 0;
}

/* A child of vfork(2) has made a connection, whose descriptor comes first in the value. */
static void
server_exec_failed(bool vforked, const char *env)
{
	unsigned long fd = 0;

	if (!vforked) {
		rumpclient_exec_failed();
		return;
	}
	while (*env != '=' && *env != '\0')
		env++;
	for (env++; *env >= '0' && *env <= '9'; env++)
		fd = fd * 10 + (unsigned long)(*env - '0');
	(void)host_syscall(SYS_close, fd);
}

static const struct backend backend_server = {
	.b_name = "server",
	.b_call = server_call,
	.b_bell = server_bell,
	.b_bell_close = server_bell_close,
	.b_poll_arm = server_poll_arm,
	.b_lend = rumpclient_lend,
	.b_fetch = rumpclient_fetch,
	.b_parcel = rumpclient_parcel,
	.b_unparcel = rumpclient_unparcel,
	.b_signalled = rumpclient_interrupt,
	.b_fork_before = server_fork_before,
	.b_fork_parent = server_fork_parent,
	.b_fork_child = server_fork_child,
	.b_exec_env = server_exec_env,
	.b_exec_failed = server_exec_failed,
};

/* What the library has open is not the program's. */
static void
hide_ownfd(int fd, bool ours)
{
	if (ours)
		fdmap_mark(fd);
	else
		fdmap_unhide(fd);
}

int
backend_server_start(const char *url, const struct backend **ret_backend)
{
	rumpclient_setfdmin(FDMAP_HIDEFROM);
	rumpclient_setfdnotify(hide_ownfd);
	if (rumpclient_connect(url) != 0) {
		host_complain("no server", url);
		return -errno;
	}
	*ret_backend = &backend_server;
	return 0;
}

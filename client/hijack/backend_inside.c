/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * backend_inside.c - a kernel of its own in the hijacked process
 *
 * librumphijack_kernel.so has the whole of it and lies where we lie.  It is loaded so that none
 * of its names is seen by the program, and hands over a table.  What the kernel
 * asks of its host comes back to us through libc's rewritten call sites, with s_depth > 0:
 * in the program's threads because they are in a call, in the kernel's own for life.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "hijack.h"
#include "inside.h"

static const struct inside *inside;

static bool orphan;

static long
inside_call(unsigned int nr, const unsigned long args[6])
{
	static bool said;

	if (!orphan)
		return inside->in_call(nr, args);
	if (!said && nr != SYS_close && nr != SYS_shutdown)
		host_complain("a forked child has no kernel; with 'rumpus run --tree' it would", NULL);
	said = said || (nr != SYS_close && nr != SYS_shutdown);
	return -ENETDOWN;
}

static int
inside_bell(void)
{
	long fd = host_syscall(SYS_eventfd2, 0, EFD_NONBLOCK | EFD_CLOEXEC);

	return fd < 0 ? (int)fd : fdmap_hide((int)fd);
}

static void
inside_bell_close(int bell)
{
	if (!orphan)
		inside->in_unbind(bell);
	(void)host_syscall(SYS_close, bell);
}

static int
inside_poll_arm(struct pollfd *fds, unsigned int n, int bell)
{
	return orphan ? -ENETDOWN : inside->in_poll_arm(fds, n, bell);
}

/* The kernel is in the same process: it has a copy, out of the program's way. */
static int
inside_lend(int fd)
{
	long copy = host_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, FDMAP_HIDEFROM);

	if (copy == -EINVAL)
		copy = host_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return (int)copy;
	fdmap_mark((int)copy);
	if (!orphan)
		return inside->in_lend((int)copy);
	fdmap_unhide((int)copy);
	(void)host_syscall(SYS_close, copy);
	return -ENETDOWN;
}

static int
inside_fetch(int r)
{
	int fd = orphan ? -ENETDOWN : inside->in_lent(r);

	return fd < 0 ? fd : (int)host_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 0);
}

static void
inside_interrupt(void)
{
	if (!orphan)
		inside->in_interrupt();
}

static void
inside_interrupt_clear(void)
{
	if (!orphan)
		inside->in_interrupt_clear();
}

static void
inside_exit(void)
{
	if (!orphan)
		inside->in_linger();
}

/* The threads of the kernel do not come along: a child has none, until it executes something. */
static void
inside_fork_child(void)
{
	orphan = true;
}

static const struct backend backend_inside = {
	.b_name = "inside",
	.b_call = inside_call,
	.b_bell = inside_bell,
	.b_bell_close = inside_bell_close,
	.b_poll_arm = inside_poll_arm,
	.b_lend = inside_lend,
	.b_fetch = inside_fetch,
	.b_interrupt = inside_interrupt,
	.b_interrupt_clear = inside_interrupt_clear,
	.b_fork_child = inside_fork_child,
	.b_exit = inside_exit,
};

/* Threads that the kernel makes are its own for life. */
static void
thread_is_kernel(void)
{
	self.s_depth = 1;
}

int
backend_inside_start(const struct backend **ret_backend)
{
	const struct inside *(*get)(void (*)(void));
	char path[4096];
	Dl_info info;
	void *lib;
	char *slash;

	if (dladdr(&inside, &info) == 0)
		return -ENOENT;
	(void)snprintf(path, sizeof(path) - 32, "%s", info.dli_fname);
	slash = strrchr(path, '/');
	strcpy(slash != NULL ? slash + 1 : path, "librumphijack_kernel.so");
	lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL) {
		host_complain("no kernel", dlerror());
		return -ENOENT;
	}
	*(void **)&get = dlsym(lib, "rump_hijack_inside");
	if (get == NULL) {
		host_complain("not our kernel", path);
		return -ENOEXEC;
	}
	inside = get(thread_is_kernel);
	if (inside == NULL)
		return -ENODEV;
	*ret_backend = &backend_inside;
	return 0;
}

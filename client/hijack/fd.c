/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fd.c - calls that move descriptors around: close, dup, fcntl, ioctl, close_range
 *
 * The host does them on the placeholders; the table follows.  A child of vfork(2) shares the
 * table with its parent, which sleeps and must find it as it was: there the host does all, and
 * the table is made anew by the program that follows.
 *
 * References: close(2), dup(2), fcntl(2), ioctl(2), close_range(2).
 */

#include "hijack.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sockios.h>
#include <sys/socket.h>

static long
rule_close(long nr, const unsigned long args[6])
{
	int32_t entry = fdmap_entry(args[0]);

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	/* Before the host's: somebody may get the number at once. */
	if (entry != FDMAP_HOST && !self.s_vfork)
		fdmap_drop(args[0]);
	return host_args(nr, args);
}

/* ret is another name of fd. */
static long
follow(unsigned long fd, long ret)
{
	if (!host_failed(ret) && !self.s_vfork)
		fdmap_follow((unsigned long)ret, fdmap_entry(fd));
	return ret;
}

static long
rule_dup(long nr, const unsigned long args[6])
{
	if (fdmap_entry(args[0]) == FDMAP_HIDDEN)
		return -EBADF;
	return follow(args[0], host_args(nr, args));
}

/* dup2 and dup3: what the number was before goes. */
static long
rule_dup2(long nr, const unsigned long args[6])
{
	int32_t old = fdmap_entry(args[0]), new = fdmap_entry(args[1]);
	long ret;

	if (old == FDMAP_HIDDEN || new == FDMAP_HIDDEN)
		return -EBADF;
	if ((old == FDMAP_HOST && new == FDMAP_HOST) || self.s_vfork || args[0] == args[1])
		return host_args(nr, args);
	ret = host_args(nr, args);
	if (host_failed(ret))
		return ret;
	if (new != FDMAP_HOST)
		fdmap_drop(args[1]);
	return follow(args[0], ret);
}

static long
rule_fcntl(long nr, const unsigned long args[6])
{
	unsigned long kargs[6] = { args[0], args[1], args[2] };
	int32_t entry = fdmap_entry(args[0]);

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry == FDMAP_HOST ||
	    (entry < 0 && (int)args[1] != F_DUPFD && (int)args[1] != F_DUPFD_CLOEXEC))
		return host_args(nr, args);
	switch ((int)args[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return follow(args[0], host_args(nr, args));
	case F_GETFD:
	case F_SETFD:
		return host_args(nr, args);
	default:
		kargs[0] = (unsigned long)(entry - 1);
		return kernel_call(SYS_fcntl, kargs);
	}
}

/*
 * Names and numbers of interfaces are asked of any socket: libc's if_nametoindex() takes one of
 * AF_UNIX, which is the host's, and means the network that the program has.
 */
static bool
asks_interfaces(const unsigned long args[6])
{
	socklen_t len = sizeof(int);
	int family = 0;

	return args[1] >= SIOCGIFNAME && args[1] <= SIOCGIFINDEX && policy_socket(AF_INET) &&
	    host_syscall(SYS_getsockopt, args[0], SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 &&
	    family == AF_UNIX;
}

static long
interface_ioctl(const unsigned long args[6])
{
	long r = kernel_syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0), ret;

	if (host_failed(r))
		return r;
	ret = kernel_syscall(SYS_ioctl, r, args[1], args[2]);
	(void)kernel_syscall(SYS_close, r);
	return ret;
}

static long
rule_ioctl(long nr, const unsigned long args[6])
{
	unsigned long kargs[6] = { args[0], args[1], args[2] };
	int32_t entry = fdmap_entry(args[0]);

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry == FDMAP_HOST && args[1] >> 8 == 0x89 && asks_interfaces(args))
		return interface_ioctl(args);
	if (entry <= 0)
		return host_args(nr, args);
	kargs[0] = (unsigned long)(entry - 1);
	if (args[1] == FIOCLEX || args[1] == FIONCLEX) {
		/* The flag is the placeholder's. */
		if ((kernel_syscall(SYS_fcntl, entry - 1, F_GETFL) & O_PATH) != 0)
			return -EBADF;
		return host_args(nr, args);
	}
	return kernel_call(SYS_ioctl, kargs);
}

/* Closes [first, last], of which none is hidden. */
static long
close_some(unsigned long first, unsigned long last, unsigned long flags)
{
	if ((flags & CLOSE_RANGE_CLOEXEC) == 0 && !self.s_vfork) {
		for (unsigned long n = first; n <= last && n < HIJACK_NFDS; n++) {
			if (fdmap_entry(n) != FDMAP_HOST)
				fdmap_drop(n);
		}
	}
	return host_syscall(SYS_close_range, first, last, flags);
}

static long
rule_close_range(long nr, const unsigned long args[6])
{
	unsigned long first = (unsigned int)args[0], last = (unsigned int)args[1], flags = args[2];
	unsigned long end;
	long ret;

	if (first > last || (flags & ~(unsigned long)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0)
		return host_args(nr, args);
	end = last < HIJACK_NFDS ? last : HIJACK_NFDS - 1;
	for (unsigned long n = first; n <= end; n++) {
		if (fdmap_entry(n) != FDMAP_HIDDEN)
			continue;
		if (n > first) {
			ret = close_some(first, n - 1, flags);
			if (ret != 0)
				return ret;
			/* Once is enough. */
			flags &= ~(unsigned long)CLOSE_RANGE_UNSHARE;
		}
		first = n + 1;
	}
	return first > last ? 0 : close_some(first, last, flags);
}

void
fd_rules(void)
{
	dispatch_set(SYS_close, HIJACK_BYFD, rule_close);
	dispatch_set(SYS_dup, HIJACK_BYFD, rule_dup);
	dispatch_set(SYS_dup2, HIJACK_LOOK, rule_dup2);
	dispatch_set(SYS_dup3, HIJACK_LOOK, rule_dup2);
	dispatch_set(SYS_fcntl, HIJACK_BYFD, rule_fcntl);
	dispatch_set(SYS_ioctl, HIJACK_LOOK, rule_ioctl);
	dispatch_set(SYS_close_range, HIJACK_LOOK, rule_close_range);
}

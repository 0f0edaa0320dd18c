/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rule_host.c - calls of the host that do not go on as they are
 *
 * A name of the host that leads there through the kernel's tree ("/rump/../etc") is not what the
 * host would understand.  It is absolute then, so that we can make the call ourselves: the
 * supervisor is who the program is, and sees the same files.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <linux/stat.h>
#include <unistd.h>

#include "supervisor.h"

const char *
host_proc(void)
{
	static __thread char name[24];

	(void)snprintf(name, sizeof(name), "/proc/%d", visit->v_target->t_pid);
	return name;
}

pid_t
host_pid(void)
{
	return visit->v_target->t_pid;
}

int
host_from(int dirfd)
{
	char name[48];

	if (dirfd != AT_FDCWD)
		return host_borrow((unsigned long)dirfd);
	(void)snprintf(name, sizeof(name), "%s/cwd", host_proc());
	return open(name, O_PATH | O_CLOEXEC);
}

/* Before the host looks: it is asked the same from here. */
bool
host_lacks(long ret, int dirfd, const char *text, bool follow)
{
	int from, error;

	if (ret != CALL_GOES_ON || text[0] == '\0')
		return false;
	from = text[0] == '/' ? AT_FDCWD : host_from(dirfd);
	error = faccessat(from, text, F_OK, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0 ? errno : 0;
	if (from != AT_FDCWD)
		host_return(from);
	return error == ENOENT || error == ENOTDIR;
}

static long
opened(long fd, bool cloexec)
{
	long n;

	if (fd < 0)
		return fd;
	n = visit_give((int)fd, -1, cloexec);
	(void)close((int)fd);
	return n;
}

static long
stat_to(unsigned long to, int dirfd, unsigned long path, unsigned long flags)
{
	struct stat st;
	long ret = host_syscall(SYS_newfstatat, dirfd, path, &st, flags);

	return ret != 0 ? ret : mem_write(to, &st, sizeof(st)) ? 0 : -EFAULT;
}

static long
statx_to(const unsigned long args[6])
{
	struct statx stx;
	long ret = host_syscall(SYS_statx, args[0], args[1], args[2], args[3], &stx);

	return ret != 0 ? ret : mem_write(args[4], &stx, sizeof(stx)) ? 0 : -EFAULT;
}

long
host_changed(long nr, const unsigned long args[6])
{
	switch (nr) {
	case SYS_open:
		return opened(host_syscall(nr, args[0], args[1] | O_CLOEXEC, args[2]),
		    (args[1] & O_CLOEXEC) != 0);
	case SYS_openat:
		return opened(host_syscall(nr, args[0], args[1], args[2] | O_CLOEXEC, args[3]),
		    (args[2] & O_CLOEXEC) != 0);
	case SYS_stat:
		return stat_to(args[1], AT_FDCWD, args[0], 0);
	case SYS_lstat:
		return stat_to(args[1], AT_FDCWD, args[0], AT_SYMLINK_NOFOLLOW);
	case SYS_newfstatat:
		return stat_to(args[2], (int)args[0], args[1], args[3]);
	case SYS_statx:
		return statx_to(args);
	/* No other pointers in these. */
	case SYS_access: case SYS_faccessat: case SYS_mkdir: case SYS_mkdirat: case SYS_rmdir:
	case SYS_unlink: case SYS_unlinkat: case SYS_chmod: case SYS_fchmodat: case SYS_chown:
	case SYS_fchownat: case SYS_truncate:
		return host_syscall6(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
	default:
		return -EXDEV;
	}
}

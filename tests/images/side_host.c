/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * side_host.c - a folder of the host
 *
 * usage: walk_host [-z] FOLDER
 */

#include <sys/syscall.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "side.h"

/* Looking must not change when it was looked at, as far as the host lets us. */
static int
host_openat(int dirfd, const char *name, int flags)
{
	int fd = openat(dirfd, name, flags | O_NOATIME, 0);

	return fd == -1 && errno == EPERM ? openat(dirfd, name, flags, 0) : fd;
}

static int
host_statx(int dirfd, const char *name, struct statx *stx)
{
	return statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_ALL, stx);
}

static ssize_t
host_getdents(int fd, void *buf, size_t size)
{
	return syscall(SYS_getdents64, fd, buf, size);
}

const struct side side = {
	.s_openat	= host_openat,
	.s_close	= close,
	.s_fchdir	= fchdir,
	.s_statx	= host_statx,
	.s_getdents	= host_getdents,
	.s_pread	= pread,
	.s_lseek	= lseek,
	.s_readlinkat	= readlinkat,
	.s_llistxattr	= llistxattr,
	.s_lgetxattr	= lgetxattr,
};

int
side_open(int argc, char **argv, const char **ret_root)
{
	if (argc != 1) {
		fprintf(stderr, "usage: walk_host [-z] FOLDER\n");
		return EINVAL;
	}
	*ret_root = argv[0];
	return 0;
}

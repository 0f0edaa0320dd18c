/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * side_rump.c - a file system in an image, seen by a rump kernel
 *
 * usage: walk_rump [-z] IMAGE [OFFSET [PARTITION]]
 */

#include <sys/mount.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "side.h"

static int
rump_openat(int dirfd, const char *name, int flags)
{
	return rump_sys_openat(dirfd, name, flags);
}

static int
rump_statx(int dirfd, const char *name, struct statx *stx)
{
	return rump_sys_statx(dirfd, name, AT_SYMLINK_NOFOLLOW, STATX_ALL, stx);
}

static ssize_t
rump_getdents(int fd, void *buf, size_t size)
{
	return rump_sys_getdents64(fd, buf, (unsigned int)size);
}

static ssize_t
rump_pread(int fd, void *buf, size_t len, off_t off)
{
	return rump_sys_pread64(fd, buf, len, off);
}

static off_t
rump_lseek(int fd, off_t off, int whence)
{
	return rump_sys_lseek(fd, off, (unsigned int)whence);
}

static ssize_t
rump_readlinkat(int dirfd, const char *name, char *buf, size_t size)
{
	return rump_sys_readlinkat(dirfd, name, buf, (int)size);
}

static int
rump_close(int fd)
{
	return rump_sys_close(fd);
}

static int
rump_fchdir(int fd)
{
	return rump_sys_fchdir(fd);
}

static ssize_t
rump_llistxattr(const char *name, char *buf, size_t size)
{
	return rump_sys_llistxattr(name, buf, size);
}

static ssize_t
rump_lgetxattr(const char *name, const char *attr, void *buf, size_t size)
{
	return rump_sys_lgetxattr(name, attr, buf, size);
}

const struct side side = {
	.s_openat	= rump_openat,
	.s_close	= rump_close,
	.s_fchdir	= rump_fchdir,
	.s_statx	= rump_statx,
	.s_getdents	= rump_getdents,
	.s_pread	= rump_pread,
	.s_lseek	= rump_lseek,
	.s_readlinkat	= rump_readlinkat,
	.s_llistxattr	= rump_llistxattr,
	.s_lgetxattr	= rump_lgetxattr,
};

static int
failed(const char *what, int error)
{
	fprintf(stderr, "walk_rump: %s: %s\n", what, rump_strerror(error));
	return error;
}

int
side_open(int argc, char **argv, const char **ret_root)
{
	char dev[32] = "/dev/img";
	struct rump_fsinfo fi;
	int error;

	if (argc < 1 || argc > 3) {
		fprintf(stderr, "usage: walk_rump [-z] IMAGE [OFFSET [PARTITION]]\n");
		return EINVAL;
	}
	error = rump_init();
	if (error)
		return failed("start", error);
	error = rump_pub_etfs_register_flags(dev, argv[0], RUMP_ETFS_BLK,
	    argc > 1 ? strtoull(argv[1], NULL, 0) : 0, RUMP_ETFS_SIZE_ENDOFF,
	    RUMP_ETFS_RDONLY | RUMP_ETFS_NOLOCK);
	if (error)
		return failed(argv[0], error);
	if (argc > 2)
		(void)snprintf(dev, sizeof(dev), "/dev/img%s", argv[2]);
	error = rump_pub_fs_probe(dev, &fi);
	if (error)
		return failed("probe", error);
	if (rump_sys_mkdir("/img", 0755) != 0 ||
	    rump_sys_mount(dev, "/img", fi.fi_type, MS_RDONLY, "") != 0)
		return failed("mount", errno);
	*ret_root = "/img";
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tmpfs_test.h - what the tests of tmpfs have in common
 */

#ifndef TMPFS_TEST_H
#define TMPFS_TEST_H

#include <sys/stat.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include <harness.h>

#ifndef RENAME_WHITEOUT
#define RENAME_WHITEOUT 4
#endif

/* The error of a call that has to fail, 0 if it did not. */
#define ERR(call)	((call) == -1 ? errno : 0)

static inline void
tmpfs_begin(const char *options)
{
	NEED(rump_sys_mount("tmpfs", "/mnt", "tmpfs", 0, options) == 0);
}

static inline void
tmpfs_end(void)
{
	CHECK_EQ("umount", 0, rump_sys_umount2("/mnt", 0));
}

static inline struct stat
st_of(const char *path)
{
	struct stat st;

	memset(&st, 0, sizeof(st));
	CHECK_EQ(path, 0, rump_sys_newfstatat(AT_FDCWD, path, &st,
	    AT_SYMLINK_NOFOLLOW));
	return st;
}

static inline int
mkfile(const char *path)
{
	int fd = rump_sys_open(path, O_CREAT | O_EXCL | O_RDWR, 0644);

	CHECK(fd >= 0);
	return fd;
}

static inline void
touch(const char *path)
{
	rump_sys_close(mkfile(path));
}

static inline bool
exists(const char *path)
{
	struct stat st;

	return rump_sys_newfstatat(AT_FDCWD, path, &st,
	    AT_SYMLINK_NOFOLLOW) == 0;
}

#endif /* TMPFS_TEST_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vfs_test.h - what the black-box tests of the vfs have in common
 */

#ifndef VFS_TEST_H
#define VFS_TEST_H

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#include <harness.h>

/* The error of a call that has to fail, 0 if it did not. */
#define ERR(call)	((call) == -1 ? errno : 0)

static inline struct stat
st_of(const char *path)
{
	struct stat st;

	memset(&st, 0, sizeof(st));
	CHECK_EQ(path, 0, rump_sys_lstat(path, &st));
	return st;
}

static inline void
touch(const char *path)
{
	int fd = rump_sys_open(path, O_CREAT | O_RDWR, 0644);

	CHECK(fd >= 0);
	rump_sys_close(fd);
}

static inline bool
exists(const char *path)
{
	struct stat st;

	return rump_sys_lstat(path, &st) == 0;
}

/* A small generator of one's own: threads share nothing. */
static inline unsigned int
pick(unsigned int *state, unsigned int below)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % below;
}

#endif /* VFS_TEST_H */

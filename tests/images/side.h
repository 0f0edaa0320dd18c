/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * side.h - the calls that a walk makes, of one kernel or the other
 *
 * The manners are those of libc: -1 and errno.  Everything is relative to a
 * directory's descriptor, for trees may be deeper than PATH_MAX.
 */

#ifndef SIDE_H
#define SIDE_H

#include <sys/stat.h>
#include <sys/types.h>

#include <stddef.h>

struct side {
	int	(*s_openat)(int dirfd, const char *name, int flags);
	int	(*s_close)(int fd);
	int	(*s_fchdir)(int fd);
	int	(*s_statx)(int dirfd, const char *name, struct statx *stx);
	ssize_t	(*s_getdents)(int fd, void *buf, size_t size);
	ssize_t	(*s_pread)(int fd, void *buf, size_t len, off_t off);
	off_t	(*s_lseek)(int fd, off_t off, int whence);
	ssize_t	(*s_readlinkat)(int dirfd, const char *name, char *buf, size_t size);
	ssize_t	(*s_llistxattr)(const char *name, char *buf, size_t size);
	ssize_t	(*s_lgetxattr)(const char *name, const char *attr, void *buf,
		    size_t size);
};

extern const struct side side;

/*
 * Makes the tree reachable and says under which name.  0, or an errno after
 * it was complained of.
 */
int	side_open(int argc, char **argv, const char **ret_root);

#endif /* SIDE_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * open_syscalls.c - openat and openat2: which flags there are, and the descriptor
 *
 * openat forgives flags that it does not know, openat2 does not.  A descriptor is reserved
 * before the path is looked at, as on Linux.
 *
 * References: open(2), openat2(2).
 */

#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#include <abi/sysargs.h>
#include <sys/copy.h>
#include <sys/errno.h>

#include "open_impl.h"
#include "vfs_impl.h"

#define OPEN_FLAGS	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | \
	O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | FASYNC | O_DIRECT | \
	O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | \
	O_PATH | TMPFILE_BIT)
#define RESOLVE_ALL	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | \
	RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | 0x20)

/* Checks what openat2(2) checks.  openat(2) has cleaned it before. */
static int
openreq_check(const struct open_how *how)
{
	if (how->flags & ~(uint64_t)(unsigned int)OPEN_FLAGS)
		return EINVAL;
	if (how->resolve & ~(uint64_t)RESOLVE_ALL)
		return EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
		return EINVAL;
	if (how->mode & ~(uint64_t)(open_willcreate((unsigned int)how->flags) ?
	    07777 : 0))
		return EINVAL;
	if ((how->flags & O_DIRECTORY) && (how->flags & O_CREAT))
		return EINVAL;
	if (how->flags & TMPFILE_BIT) {
		if ((how->flags & O_DIRECTORY) == 0 ||
		    (how->flags & O_ACCMODE) == O_RDONLY)
			return EINVAL;
	}
	if ((how->flags & O_PATH) && (how->flags & ~(uint64_t)O_PATH_FLAGS))
		return EINVAL;
	if ((how->resolve & 0x20) &&
	    (how->flags & (O_TRUNC | O_CREAT | TMPFILE_BIT)))
		return EAGAIN;		/* RESOLVE_CACHED cannot do that */
	return 0;
}

static int
open_user(struct lwp *l, int dirfd, const char *upath,
    const struct open_how *how, long *ret)
{
	struct file *fp;
	char *path;
	int error, fd;

	error = openreq_check(how);
	if (error)
		return error;
	error = copyin_path(upath, &path);
	if (error)
		return error;
	error = fd_reserve(0, &fd);
	if (error == 0) {
		error = vfs_open(l, dirfd, path, how, &fp);
		if (error)
			fd_unreserve(fd);
	}
	path_buf_put(path);
	if (error)
		return error;
	fd_install(fd, fp, (how->flags & O_CLOEXEC) != 0);
	*ret = fd;
	return 0;
}

int
sys_openat(struct lwp *l, int dirfd, const char *upath, int flags,
    unsigned int mode, long *ret)
{
	struct open_how how = {
		.flags = ((unsigned int)flags & OPEN_FLAGS) | O_LARGEFILE,
	};

	if (how.flags & O_PATH)
		how.flags &= O_PATH_FLAGS;
	if (open_willcreate((unsigned int)how.flags))
		how.mode = mode & 07777;
	return open_user(l, dirfd, upath, &how, ret);
}

/* A longer struct than ours is fine if what we do not know is zero. */
static int
openhow_copyin(const void *uhow, size_t size, struct open_how *how)
{
	uint8_t rest[64];
	size_t off, n, i;
	int error;

	if (size < sizeof(*how))
		return EINVAL;
	if (size > PAGE_SIZE)
		return E2BIG;
	for (off = sizeof(*how); off < size; off += n) {
		n = size - off < sizeof(rest) ? size - off : sizeof(rest);
		error = copyin((const void *)((uintptr_t)uhow + off), rest, n);
		if (error)
			return error;
		for (i = 0; i < n; i++)
			if (rest[i] != 0)
				return E2BIG;
	}
	return copyin(uhow, how, sizeof(*how));
}

int
sys_openat2(struct lwp *l, int dirfd, const char *upath,
    const struct open_how *uhow, size_t size, long *ret)
{
	struct open_how how;
	int error;

	error = openhow_copyin(uhow, size, &how);
	if (error)
		return error;
	if ((how.flags & O_PATH) == 0)
		how.flags |= O_LARGEFILE;	/* as on every 64-bit machine */
	return open_user(l, dirfd, upath, &how, ret);
}

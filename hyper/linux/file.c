/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * file.c - files for the kernel: the host's as they are
 */

#include <rump/rumpuser.h>

#include "common/hostfile.h"

int
rumpuser_open(const char *path, int flags, int *ret_fd)
{

	return hostfile_open(path, flags, ret_fd);
}

int
rumpuser_close(int fd)
{

	return hostfile_close(fd);
}

int
rumpuser_fileinfo(const char *path, struct rumpuser_fileinfo *ret_info)
{

	return hostfile_info(path, ret_info);
}

int
rumpuser_fdinfo(int fd, struct rumpuser_fileinfo *ret_info)
{

	return hostfile_fdinfo(fd, ret_info);
}

int
rumpuser_iovread(int fd, const struct rumpuser_iov *iov, size_t iovcnt,
    int64_t off, size_t *ret_bytes)
{

	return hostfile_read(fd, iov, iovcnt, off, ret_bytes);
}

int
rumpuser_iovwrite(int fd, const struct rumpuser_iov *iov, size_t iovcnt,
    int64_t off, size_t *ret_bytes)
{

	return hostfile_write(fd, iov, iovcnt, off, ret_bytes);
}

int
rumpuser_syncfd(int fd, int flags)
{

	return hostfile_sync(fd, flags);
}

int
rumpuser_discard(int fd, uint64_t off, uint64_t len)
{

	return hostfile_discard(fd, off, len);
}

void
rumpuser_willneed(int fd, uint64_t off, uint64_t len)
{

	hostfile_willneed(fd, off, len);
}

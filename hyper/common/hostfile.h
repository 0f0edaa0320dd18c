/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostfile.h - files of the Linux host, as rumpuser.h sees them
 *
 * The functions are those of rumpuser.h without its prefix: hyper/linux uses
 * them as they are, hyper/sim puts its disks and faults before them.
 */

#ifndef HYPER_HOSTFILE_H
#define HYPER_HOSTFILE_H

#include <stddef.h>
#include <stdint.h>

struct rumpuser_bio;
struct rumpuser_fileinfo;
struct rumpuser_iov;

/* The same open file at a descriptor that is no standard one; -1 and errno. */
int	hostfile_raise(int fd);

int	hostfile_open(const char *path, int flags, int *ret_fd);
int	hostfile_close(int fd);
int	hostfile_info(const char *path, struct rumpuser_fileinfo *ret_info);
int	hostfile_fdinfo(int fd, struct rumpuser_fileinfo *ret_info);

int	hostfile_read(int fd, const struct rumpuser_iov *iov, size_t iovcnt,
	    int64_t off, size_t *ret_bytes);
int	hostfile_write(int fd, const struct rumpuser_iov *iov, size_t iovcnt,
	    int64_t off, size_t *ret_bytes);
int	hostfile_sync(int fd, int flags);
int	hostfile_discard(int fd, uint64_t off, uint64_t len);
void	hostfile_willneed(int fd, uint64_t off, uint64_t len);

/*
 * What a request asks for, synchronously, as if its first skip bytes were
 * done.  *ret_bytes is set also on error (to 0).
 */
int	hostfile_bio(const struct rumpuser_bio *bio, size_t skip,
	    size_t *ret_bytes);

/* EINVAL for a request that is malformed, whatever it refers to. */
int	hostfile_bio_check(const struct rumpuser_bio *bio);

#endif /* HYPER_HOSTFILE_H */

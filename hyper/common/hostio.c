/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostio.c - moving data between memory and files of the Linux host
 *
 * Linux may do less than asked for: it caps a call at 2 GiB, signals cut it
 * short, and so does a page that cannot be had.  At an offset the rest is
 * tried again, so that a short count means the end of the file.  A stream
 * (off < 0) is different: a read returns what is there, since waiting for
 * more could take forever, and a count that was reached is never lost to a
 * later error.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "hostfile.h"

/* Ours is the host's: vectors are passed on as they are. */
_Static_assert(sizeof(struct rumpuser_iov) == sizeof(struct iovec), "iovec");
_Static_assert(offsetof(struct rumpuser_iov, iov_base) ==
    offsetof(struct iovec, iov_base), "iov_base");
_Static_assert(offsetof(struct rumpuser_iov, iov_len) ==
    offsetof(struct iovec, iov_len), "iov_len");
#define HOST_IOV(iov)	((const struct iovec *)(const void *)(iov))

/* A vector that can be cut in the middle of an element. */
struct iovcursor {
	const struct iovec	*ic_iov;	/* next whole element */
	size_t			 ic_cnt;
	struct iovec		 ic_part;	/* rest of the one before it */
};

typedef ssize_t (*iofn_t)(int, const struct iovec *, int, off_t);

static void
iovcursor_init(struct iovcursor *ic, const struct rumpuser_iov *iov,
    size_t iovcnt)
{

	ic->ic_iov = HOST_IOV(iov);
	ic->ic_cnt = iovcnt;
	ic->ic_part.iov_base = NULL;
	ic->ic_part.iov_len = 0;
}

static void
iovcursor_skip(struct iovcursor *ic, size_t n)
{

	while (n > 0) {
		if (ic->ic_part.iov_len == 0) {
			ic->ic_part = *ic->ic_iov++;
			ic->ic_cnt--;
		}
		if (ic->ic_part.iov_len > n) {
			ic->ic_part.iov_base = (char *)ic->ic_part.iov_base + n;
			ic->ic_part.iov_len -= n;
			return;
		}
		n -= ic->ic_part.iov_len;
		ic->ic_part.iov_len = 0;
	}
}

static ssize_t
iovcursor_io(const struct iovcursor *ic, iofn_t fn, int fd, off_t off)
{

	/* The rest of a cut element goes alone; what follows comes next. */
	if (ic->ic_part.iov_len > 0)
		return fn(fd, &ic->ic_part, 1, off);
	return fn(fd, ic->ic_iov, (int)ic->ic_cnt, off);
}

static int
iov_total(const struct rumpuser_iov *iov, size_t iovcnt, size_t *ret_total)
{
	size_t i, total = 0;

	if (iovcnt > RUMPUSER_IOV_MAX)
		return EINVAL;
	for (i = 0; i < iovcnt; i++) {
		if (iov[i].iov_len > (size_t)PTRDIFF_MAX - total)
			return EINVAL;
		total += iov[i].iov_len;
	}
	*ret_total = total;
	return 0;
}

/* At an offset: all, or until a call does nothing any more. */
static int
io_whole(iofn_t fn, int fd, struct iovcursor *ic, size_t total, int64_t off,
    size_t *ret_bytes)
{
	size_t done = 0;
	ssize_t n;

	if ((uint64_t)off + total > (uint64_t)INT64_MAX)
		return EINVAL;
	while (done < total) {
		n = iovcursor_io(ic, fn, fd, (off_t)(off + (int64_t)done));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno;
		if (n == 0)
			break;
		done += (size_t)n;
		if (done < total)
			iovcursor_skip(ic, (size_t)n);
	}
	*ret_bytes = done;
	return 0;
}

/* One piece without its vector: the host need not fetch that. */
static ssize_t
file_read(int fd, const struct iovec *iov, int cnt, off_t off)
{

	return cnt == 1 ? pread(fd, iov->iov_base, iov->iov_len, off) :
	    preadv(fd, iov, cnt, off);
}

static ssize_t
file_write(int fd, const struct iovec *iov, int cnt, off_t off)
{

	return cnt == 1 ? pwrite(fd, iov->iov_base, iov->iov_len, off) :
	    pwritev(fd, iov, cnt, off);
}

static ssize_t
stream_read(int fd, const struct iovec *iov, int cnt, off_t off)
{

	(void)off;
	return readv(fd, iov, cnt);
}

static ssize_t
stream_write(int fd, const struct iovec *iov, int cnt, off_t off)
{

	(void)off;
	return writev(fd, iov, cnt);
}

int
hostfile_read(int fd, const struct rumpuser_iov *iov, size_t iovcnt,
    int64_t off, size_t *ret_bytes)
{
	struct iovcursor ic;
	size_t total;
	ssize_t n;
	int error;

	error = iov_total(iov, iovcnt, &total);
	if (error)
		return error;
	iovcursor_init(&ic, iov, iovcnt);
	if (off >= 0)
		return io_whole(file_read, fd, &ic, total, off, ret_bytes);

	do {
		n = iovcursor_io(&ic, stream_read, fd, 0);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno;
	*ret_bytes = (size_t)n;
	return 0;
}

int
hostfile_write(int fd, const struct rumpuser_iov *iov, size_t iovcnt,
    int64_t off, size_t *ret_bytes)
{
	struct iovcursor ic;
	size_t done = 0, total;
	ssize_t n;
	int error;

	error = iov_total(iov, iovcnt, &total);
	if (error)
		return error;
	iovcursor_init(&ic, iov, iovcnt);
	if (off >= 0)
		return io_whole(file_write, fd, &ic, total, off, ret_bytes);

	while (done < total) {
		n = iovcursor_io(&ic, stream_write, fd, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && done == 0)
			return errno;
		if (n <= 0)
			break;
		done += (size_t)n;
		if (done < total)
			iovcursor_skip(&ic, (size_t)n);
	}
	*ret_bytes = done;
	return 0;
}

/*
 * Linux has no barrier for one file that is cheaper than waiting, so a
 * barrier is a wait, too.
 */
int
hostfile_sync(int fd, int flags)
{
	int n;

	if ((flags & ~(RUMPUSER_SYNC_DATA | RUMPUSER_SYNC_BARRIER)) != 0)
		return EINVAL;
	do {
		n = flags != 0 ? fdatasync(fd) : fsync(fd);
	} while (n == -1 && errno == EINTR);
	return n == -1 ? errno : 0;
}

int
hostfile_discard(int fd, uint64_t off, uint64_t len)
{
	int n;

	if (off > INT64_MAX || len > INT64_MAX - off)
		return EINVAL;
	if (len == 0)
		return 0;
	do {
		n = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    (off_t)off, (off_t)len);
	} while (n == -1 && errno == EINTR);
	if (n == 0)
		return 0;
	/* Neither a pipe nor an old file system can: one answer for all. */
	return errno == ENOSYS || errno == ENODEV || errno == ESPIPE ?
	    EOPNOTSUPP : errno;
}

void
hostfile_willneed(int fd, uint64_t off, uint64_t len)
{

	if (off <= INT64_MAX && len <= INT64_MAX - off)
		(void)posix_fadvise(fd, (off_t)off, (off_t)len,
		    POSIX_FADV_WILLNEED);
}

int
hostfile_bio_check(const struct rumpuser_bio *bio)
{
	size_t total;

	if (bio->bio_done == NULL)
		return EINVAL;
	switch (bio->bio_op) {
	case RUMPUSER_BIO_READ:
	case RUMPUSER_BIO_WRITE:
		if (iov_total(bio->bio_iov, bio->bio_iovcnt, &total) != 0)
			return EINVAL;
		break;
	case RUMPUSER_BIO_DISCARD:
		total = (size_t)bio->bio_len;
		break;
	case RUMPUSER_BIO_FLUSH:
		return 0;
	default:
		return EINVAL;
	}
	if (bio->bio_off > INT64_MAX || total > INT64_MAX - bio->bio_off)
		return EINVAL;
	return 0;
}

int
hostfile_bio(const struct rumpuser_bio *bio, size_t skip, size_t *ret_bytes)
{
	struct iovcursor ic;
	size_t bytes = 0, total;
	int error;

	*ret_bytes = 0;
	switch (bio->bio_op) {
	case RUMPUSER_BIO_FLUSH:
		return hostfile_sync(bio->bio_fd, RUMPUSER_SYNC_DATA);
	case RUMPUSER_BIO_DISCARD:
		return hostfile_discard(bio->bio_fd, bio->bio_off,
		    bio->bio_len);
	case RUMPUSER_BIO_READ:
	case RUMPUSER_BIO_WRITE:
		break;
	default:
		return EINVAL;
	}

	error = iov_total(bio->bio_iov, bio->bio_iovcnt, &total);
	if (error)
		return error;
	iovcursor_init(&ic, bio->bio_iov, bio->bio_iovcnt);
	iovcursor_skip(&ic, skip);
	error = io_whole(bio->bio_op == RUMPUSER_BIO_READ ? file_read : file_write,
	    bio->bio_fd, &ic, total - skip,
	    (int64_t)(bio->bio_off + skip), &bytes);
	if (error)
		return error;
	*ret_bytes = skip + bytes;
	return 0;
}

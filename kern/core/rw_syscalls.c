/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rw_syscalls.c - read, write and their kin, and lseek
 *
 * All of them are: find the file, look at what the call must not do in the
 * order in which Linux looks (negative position, descriptor, seekable, mode,
 * operation, buffer, range), describe the buffers with a uio, and call fo_read
 * or fo_write.  A transfer that came to something and then failed has
 * succeeded, and was short.
 *
 * Calls at the file's own offset hold f_offlock if the file has an offset, so
 * that two threads never read the same bytes.  Positioned calls take no lock.
 *
 * References: read(2), readv(2), lseek(2).
 */

#include <abi/sysargs.h>
#include <linux/fs.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/lwp.h>
#include <sys/uio.h>

#include "rw_impl.h"

#define RW_MAX		0x7ffff000UL	/* that one call moves */

/* Not in the headers of older hosts. */
#define RW_NOAPPEND	0x20
#define RW_ATOMIC	0x40
#define RW_DONTCACHE	0x80

#define RW_FLAGS_COMMON	(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND | \
			 RW_NOAPPEND)
#define RW_FLAGS_KNOWN	(RW_FLAGS_COMMON | RWF_NOWAIT | RW_ATOMIC | RW_DONTCACHE)

static int
rw_op(struct file *fp, struct uio *uio, int flags)
{
	if (uio->uio_rw == UIO_READ)
		return fp->f_ops->fo_read(fp, uio, flags);
	return fp->f_ops->fo_write(fp, uio, flags);
}

static bool
rw_has_op(const struct file *fp, enum uio_rw rw)
{
	return rw == UIO_READ ? fp->f_ops->fo_read != NULL :
	    fp->f_ops->fo_write != NULL;
}

int
rw_transfer(struct file *fp, struct uio *uio, int64_t *off, int flags,
    size_t *ret_done)
{
	size_t want = uio->uio_resid, done;
	int error;

	if (off != NULL) {
		uio->uio_off = (uint64_t)*off;
		error = rw_op(fp, uio, flags);
		*off = (int64_t)uio->uio_off;
	} else if (fp->f_ops->fo_seekable) {
		mutex_enter(&fp->f_offlock);
		uio->uio_off = (uint64_t)fp->f_off;
		if (want > (uint64_t)OFF_MAX - uio->uio_off)
			error = EINVAL;
		else
			error = rw_op(fp, uio, flags);
		if (uio->uio_resid != want)
			fp->f_off = (off_t)uio->uio_off;
		mutex_exit(&fp->f_offlock);
	} else {
		uio->uio_off = 0;
		error = rw_op(fp, uio, flags);
	}
	done = want - uio->uio_resid;
	if (error && done == 0)
		return error;
	*ret_done = done;
	return 0;
}

int
file_transfer(struct file *fp, struct uio *uio, int64_t *off, int flags,
    size_t *ret_done)
{
	/* Sockets do not hold locks when they copy, and their messages are one piece. */
	if (unlikely(uio_sleeps(uio)) && fp->f_type != FILE_SOCKET)
		return rw_remote(fp, uio, off, flags, ret_done);
	return rw_transfer(fp, uio, off, flags, ret_done);
}

/* fp's reference is given back. */
static int
rw_buf(struct file *fp, void *buf, size_t count, int64_t *off, enum uio_rw rw,
    long *ret)
{
	struct rumpuser_iov iov;
	struct uio uio;
	size_t done;
	int error;

	if (unlikely(!rw_has_op(fp, rw)))
		error = EINVAL;
	else if (unlikely(!user_range_ok(buf, count)))
		error = EFAULT;
	else if (unlikely(off != NULL && count > (uint64_t)(OFF_MAX - *off)))
		error = EINVAL;
	else {
		uio_init_buf(&uio, &iov, buf, count < RW_MAX ? count : RW_MAX,
		    0, rw, UIO_USER);
		error = file_transfer(fp, &uio, off, 0, &done);
		if (error == 0)
			*ret = (long)done;
	}
	fd_put(fp);
	return error;
}

int
sys_read(struct lwp *l, int fd, void *buf, size_t count, long *ret)
{
	struct file *fp;
	int error;

	error = fd_get_rw(fd, false, &fp);
	if (error)
		return error;
	return rw_buf(fp, buf, count, NULL, UIO_READ, ret);
}

/* A uio describes both ways with one type of address. */
static inline void *
unconst(const void *addr)
{
	union { const void *c; void *m; } u = { addr };

	return u.m;
}

int
sys_write(struct lwp *l, int fd, const void *buf, size_t count, long *ret)
{
	struct file *fp;
	int error;

	error = fd_get_rw(fd, true, &fp);
	if (error)
		return error;
	return rw_buf(fp, unconst(buf), count, NULL, UIO_WRITE, ret);
}

/* For positioned calls: the file, if it has positions and the right mode. */
static int
fd_get_positioned(int fd, bool write, struct file **ret_fp)
{
	struct file *fp;
	int error;

	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	if (!fp->f_ops->fo_seekable)
		error = ESPIPE;
	else if (!(write ? file_writable(fp) : file_readable(fp)))
		error = EBADF;
	if (error) {
		fd_put(fp);
		return error;
	}
	*ret_fp = fp;
	return 0;
}

int
sys_pread64(struct lwp *l, int fd, void *buf, size_t count, int64_t offset,
    long *ret)
{
	struct file *fp;
	int error;

	if (offset < 0)
		return EINVAL;
	error = fd_get_positioned(fd, false, &fp);
	if (error)
		return error;
	return rw_buf(fp, buf, count, &offset, UIO_READ, ret);
}

int
sys_pwrite64(struct lwp *l, int fd, const void *buf, size_t count,
    int64_t offset, long *ret)
{
	struct file *fp;
	int error;

	if (offset < 0)
		return EINVAL;
	error = fd_get_positioned(fd, true, &fp);
	if (error)
		return error;
	return rw_buf(fp, unconst(buf), count, &offset, UIO_WRITE, ret);
}

/* --- vectors --------------------------------------------------------------- */

static int
rw_flags_check(const struct file *fp, int flags, enum uio_rw rw)
{
	if ((flags & ~RW_FLAGS_KNOWN) != 0)
		return EOPNOTSUPP;
	if ((flags & RWF_APPEND) != 0 && (flags & RW_NOAPPEND) != 0)
		return EINVAL;
	if ((flags & RW_ATOMIC) != 0 && rw == UIO_READ)
		return EOPNOTSUPP;
	if ((flags & ~RW_FLAGS_COMMON & ~(int)fp->f_ops->fo_rwflags) != 0)
		return EOPNOTSUPP;
	return 0;
}

static int
rw_uio(struct file *fp, struct uio *uio, int64_t *off, int flags, long *ret)
{
	size_t done;
	int error;

	if (uio->uio_resid == 0)
		return 0;
	if (off != NULL && uio->uio_resid > (uint64_t)(OFF_MAX - *off))
		return EINVAL;
	error = rw_flags_check(fp, flags, uio->uio_rw);
	if (error)
		return error;
	error = file_transfer(fp, uio, off, flags, &done);
	if (error == 0)
		*ret = (long)done;
	return error;
}

/* fp's reference is given back. */
static int
rw_vec(struct file *fp, const struct iovec *iov, int iovcnt, int64_t *off,
    int flags, enum uio_rw rw, long *ret)
{
	struct uio_user uu;
	int error;

	if (!rw_has_op(fp, rw))
		error = EINVAL;
	else if (iovcnt < 0)
		error = EINVAL;
	else
		error = uio_init_user(&uu, iov, (size_t)iovcnt, 0, rw);
	if (error == 0) {
		error = rw_uio(fp, &uu.uu_uio, off, flags, ret);
		uio_fini_user(&uu);
	}
	fd_put(fp);
	return error;
}

static int
rw_vec_here(int fd, const struct iovec *iov, int iovcnt, int flags,
    enum uio_rw rw, long *ret)
{
	struct file *fp;
	int error;

	error = fd_get_rw(fd, rw == UIO_WRITE, &fp);
	if (error)
		return error;
	return rw_vec(fp, iov, iovcnt, NULL, flags, rw, ret);
}

static int
rw_vec_at(int fd, const struct iovec *iov, int iovcnt, int64_t off, int flags,
    enum uio_rw rw, long *ret)
{
	struct file *fp;
	int error;

	if (off < 0)
		return EINVAL;
	error = fd_get_positioned(fd, rw == UIO_WRITE, &fp);
	if (error)
		return error;
	return rw_vec(fp, iov, iovcnt, &off, flags, rw, ret);
}

int
sys_readv(struct lwp *l, int fd, const struct iovec *iov, int iovcnt, long *ret)
{
	return rw_vec_here(fd, iov, iovcnt, 0, UIO_READ, ret);
}

int
sys_writev(struct lwp *l, int fd, const struct iovec *iov, int iovcnt, long *ret)
{
	return rw_vec_here(fd, iov, iovcnt, 0, UIO_WRITE, ret);
}

int
sys_preadv(struct lwp *l, int fd, const struct iovec *iov, int iovcnt,
    int64_t offset, long *ret)
{
	return rw_vec_at(fd, iov, iovcnt, offset, 0, UIO_READ, ret);
}

int
sys_pwritev(struct lwp *l, int fd, const struct iovec *iov, int iovcnt,
    int64_t offset, long *ret)
{
	return rw_vec_at(fd, iov, iovcnt, offset, 0, UIO_WRITE, ret);
}

/* The v2 forms take -1 for the file's own offset. */
int
sys_preadv2(struct lwp *l, int fd, const struct iovec *iov, int iovcnt,
    int64_t offset, int flags, long *ret)
{
	if (offset == -1)
		return rw_vec_here(fd, iov, iovcnt, flags, UIO_READ, ret);
	return rw_vec_at(fd, iov, iovcnt, offset, flags, UIO_READ, ret);
}

int
sys_pwritev2(struct lwp *l, int fd, const struct iovec *iov, int iovcnt,
    int64_t offset, int flags, long *ret)
{
	if (offset == -1)
		return rw_vec_here(fd, iov, iovcnt, flags, UIO_WRITE, ret);
	return rw_vec_at(fd, iov, iovcnt, offset, flags, UIO_WRITE, ret);
}

/* --- offsets --------------------------------------------------------------- */

int
file_seek_nowhere(struct file *fp, off_t off, int whence, off_t *ret_off)
{
	*ret_off = fp->f_off;
	return 0;
}

int
sys_lseek(struct lwp *l, int fd, int64_t offset, int whence, long *ret)
{
	struct file *fp;
	off_t off;
	int error;

	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	if (whence < SEEK_SET || whence > SEEK_MAX)
		error = EINVAL;
	else if (fp->f_ops->fo_seek == NULL)
		error = ESPIPE;
	else {
		mutex_enter(&fp->f_offlock);
		error = fp->f_ops->fo_seek(fp, offset, whence, &off);
		if (error == 0) {
			fp->f_off = off;
			*ret = off;
		}
		mutex_exit(&fp->f_offlock);
	}
	fd_put(fp);
	return error;
}

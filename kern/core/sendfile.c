/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sendfile.c - moving bytes from file to file: sendfile and copy_file_range
 *
 * Both read into a buffer of the kernel's and write that, and advance in the source by
 * what was written.  Only what sendfile sends to a pipe goes without (pipe_splice.c).
 *
 * References: sendfile(2), copy_file_range(2).
 */

#include <abi/sysargs.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/pipe.h>
#include <sys/uio.h>

#include "splice_impl.h"

#define BOUNCE_SIZE		(64UL << 10)

/* --- through a buffer ------------------------------------------------------------ */

/* The n bytes of buf; *ret_done counts also if an error ends it early. */
static int
bounce_write(struct file *out, int64_t *off, uint8_t *buf, size_t n,
    size_t *ret_done)
{
	struct rumpuser_iov iov;
	struct uio uio;
	size_t got = 0, done = 0;
	int error = 0;

	while (done < n && error == 0) {
		uio_init_buf(&uio, &iov, buf + done, n - done, 0, UIO_WRITE,
		    UIO_KERNEL);
		error = file_transfer(out, &uio, off, 0, &got);
		if (error == 0 && got == 0)
			break;
		done += error == 0 ? got : 0;
	}
	*ret_done = done;
	return error;
}

static int
bounce_loop(struct file *in, int64_t *inoff, struct file *out, int64_t *outoff,
    size_t len, uint8_t *buf, size_t *ret_done)
{
	struct rumpuser_iov iov;
	struct uio uio;
	size_t done = 0, got = 0, put;
	int64_t from;
	int error = 0;

	while (done < len && error == 0) {
		put = len - done < BOUNCE_SIZE ? len - done : BOUNCE_SIZE;
		uio_init_buf(&uio, &iov, buf, put, 0, UIO_READ, UIO_KERNEL);
		from = *inoff;
		error = file_transfer(in, &uio, &from, 0, &got);
		if (error || got == 0)
			break;
		error = bounce_write(out, outoff, buf, got, &put);
		*inoff += (int64_t)put;
		done += put;
		if (put < got)
			break;
	}
	*ret_done = done;
	return done > 0 ? 0 : error;
}

static int
bounce(struct file *in, int64_t *inoff, struct file *out, int64_t *outoff,
    size_t len, size_t *ret_done)
{
	uint8_t *buf;
	int error;

	if (len == 0) {
		*ret_done = 0;
		return 0;
	}
	buf = kmem_alloc(BOUNCE_SIZE, KM_SLEEP);
	if (buf == NULL)
		return ENOMEM;
	error = bounce_loop(in, inoff, out, outoff, len, buf, ret_done);
	kmem_free(buf, BOUNCE_SIZE);
	return error;
}

/* --- sendfile ---------------------------------------------------------------------- */

static int64_t
file_tell(struct file *fp)
{
	int64_t off;

	mutex_enter(&fp->f_offlock);
	off = fp->f_off;
	mutex_exit(&fp->f_offlock);
	return off;
}

static void
file_settell(struct file *fp, int64_t off)
{
	mutex_enter(&fp->f_offlock);
	fp->f_off = off;
	mutex_exit(&fp->f_offlock);
}

/* To a pipe as much as fits, but at least something if it may wait. */
static int
send_to_pipe(struct pipe *pi, bool nonblock, struct file *in, int64_t *off,
    size_t len, size_t *ret_done)
{
	size_t done = 0, n = 0;
	int error = 0;

	while (done < len) {
		error = pipe_splice_in(pi, in, off, len - done, nonblock, &n);
		if (error || n == 0)
			break;
		done += n;
	}
	*ret_done = done;
	return done > 0 ? 0 : error;
}

static int
send_file(struct file *out, struct file *in, int64_t *off, size_t count,
    size_t *ret_done)
{
	struct pipe *pi = pipe_of_file(out);
	int error;

	if ((ssize_t)count < 0 || count > (uint64_t)(OFF_MAX - *off))
		return EINVAL;
	if (count > SPLICE_MAX)
		count = SPLICE_MAX;
	error = splice_source_check(in);
	if (error == 0)
		error = splice_sink_check(out);
	if (error)
		return error;
	if (pi != NULL)
		return send_to_pipe(pi, (file_flags(out) & O_NONBLOCK) != 0, in,
		    off, count, ret_done);
	return bounce(in, off, out, NULL, count, ret_done);
}

int
sys_sendfile(struct lwp *l, int out_fd, int in_fd, int64_t *uoff, size_t count,
    long *ret)
{
	struct file *in, *out;
	size_t done = 0;
	int64_t off;
	int error;

	if (uoff != NULL) {
		error = copyin(uoff, &off, sizeof(off));
		if (error)
			return error;
	}
	error = splice_get_pair(in_fd, out_fd, &in, &out);
	if (error)
		return error;
	if (!file_readable(in))
		error = EBADF;
	else if (uoff != NULL && !in->f_ops->fo_seekable)
		error = ESPIPE;
	else if (!file_writable(out))
		error = EBADF;
	else if (uoff != NULL && off < 0)
		error = EINVAL;
	if (error == 0) {
		if (uoff == NULL)
			off = file_tell(in);
		error = send_file(out, in, &off, count, &done);
	}
	if (error == 0) {
		*ret = (long)done;
		if (uoff == NULL)
			file_settell(in, off);
		else
			error = copyout(&off, uoff, sizeof(off));
	}
	fd_put(in);
	fd_put(out);
	return error;
}

/* --- copy_file_range ----------------------------------------------------------------- */

struct copyside {
	struct file	*cs_file;
	int64_t		*cs_uoff;	/* the client's, or NULL */
	int64_t		 cs_off;
	struct statx	 cs_stat;
};

static int
copyside_offset(struct copyside *cs)
{
	if (cs->cs_uoff != NULL)
		return copyin(cs->cs_uoff, &cs->cs_off, sizeof(cs->cs_off));
	cs->cs_off = file_tell(cs->cs_file);
	return 0;
}

static int
copyside_kind(struct copyside *cs)
{
	mode_t kind = splice_file_kind(cs->cs_file, &cs->cs_stat);

	if (S_ISDIR(kind))
		return EISDIR;
	return S_ISREG(kind) ? 0 : EINVAL;
}

static bool
copysides_overlap(const struct copyside *a, const struct copyside *b, size_t len)
{
	if (a->cs_stat.stx_ino != b->cs_stat.stx_ino ||
	    a->cs_stat.stx_dev_major != b->cs_stat.stx_dev_major ||
	    a->cs_stat.stx_dev_minor != b->cs_stat.stx_dev_minor)
		return false;
	return (uint64_t)a->cs_off < (uint64_t)b->cs_off + len &&
	    (uint64_t)b->cs_off < (uint64_t)a->cs_off + len;
}

/* *len is cut to what the source has. */
static int
copy_check(struct copyside *in, struct copyside *out, size_t *len)
{
	uint64_t size, from = (uint64_t)in->cs_off, to = (uint64_t)out->cs_off;
	int error;

	error = copyside_kind(in);
	if (error == 0)
		error = copyside_kind(out);
	if (error)
		return error;
	if (!file_readable(in->cs_file) || !file_writable(out->cs_file) ||
	    (file_flags(out->cs_file) & O_APPEND) != 0)
		return EBADF;
	if (from + *len < from || to + *len < to)
		return EOVERFLOW;
	size = in->cs_stat.stx_size;
	*len = in->cs_off >= 0 && from >= size ? 0 :
	    *len < size - from ? *len : size - from;
	if (in->cs_off < 0 || out->cs_off < 0)
		return EINVAL;
	if (*len > 0 && to == OFF_MAX)
		return EFBIG;
	return copysides_overlap(in, out, *len) ? EINVAL : 0;
}

static int
copyside_store(struct copyside *cs)
{
	if (cs->cs_uoff != NULL)
		return copyout(&cs->cs_off, cs->cs_uoff, sizeof(cs->cs_off));
	file_settell(cs->cs_file, cs->cs_off);
	return 0;
}

static int
copy_range(struct copyside *in, struct copyside *out, size_t len,
    unsigned int flags, size_t *ret_done)
{
	int error;

	error = copyside_offset(in);
	if (error == 0)
		error = copyside_offset(out);
	if (error)
		return error;
	if (flags != 0)
		return EINVAL;
	error = copy_check(in, out, &len);
	if (error)
		return error;
	error = bounce(in->cs_file, &in->cs_off, out->cs_file, &out->cs_off,
	    len < SPLICE_MAX ? len : SPLICE_MAX, ret_done);
	if (error || *ret_done == 0)
		return error;
	error = copyside_store(in);
	return error != 0 ? error : copyside_store(out);
}

int
sys_copy_file_range(struct lwp *l, int fd_in, int64_t *off_in, int fd_out,
    int64_t *off_out, size_t len, unsigned int flags, long *ret)
{
	struct copyside in = { .cs_uoff = off_in }, out = { .cs_uoff = off_out };
	size_t done = 0;
	int error;

	error = splice_get_pair(fd_in, fd_out, &in.cs_file, &out.cs_file);
	if (error)
		return error;
	error = copy_range(&in, &out, len, flags, &done);
	if (error == 0)
		*ret = (long)done;
	fd_put(in.cs_file);
	fd_put(out.cs_file);
	return error;
}

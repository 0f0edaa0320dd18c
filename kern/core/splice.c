/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * splice.c - moving bytes from descriptor to descriptor
 *
 * splice, tee and vmsplice have a pipe on at least one side, and move slots
 * (pipe_splice.c).  What goes through a buffer instead is in sendfile.c.
 *
 * References: splice(2), tee(2), vmsplice(2).
 */

#include <abi/sysargs.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/pipe.h>
#include <sys/uio.h>

#include "splice_impl.h"

#define SPLICE_F_MOVE		1
#define SPLICE_F_NONBLOCK	2
#define SPLICE_F_MORE		4
#define SPLICE_F_GIFT		8
#define SPLICE_F_ALL		(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | \
				 SPLICE_F_MORE | SPLICE_F_GIFT)

/* --- what may be spliced ------------------------------------------------------- */

/* Files that are values rather than streams of bytes take part in nothing. */
static bool
file_streams(const struct file *fp)
{
	return fp->f_type != FILE_EVENTFD && fp->f_type != FILE_TIMERFD &&
	    fp->f_type != FILE_EPOLL;
}

mode_t
splice_file_kind(struct file *fp, struct statx *sx)
{
	if (fp->f_ops->fo_stat(fp, sx) != 0)
		return 0;
	return sx->stx_mode & S_IFMT;
}

int
splice_sink_check(const struct file *fp)
{
	if (fp->f_ops->fo_write == NULL || !file_streams(fp) ||
	    (file_flags(fp) & O_APPEND) != 0)
		return EINVAL;
	return 0;
}

int
splice_source_check(struct file *fp)
{
	struct statx sx;
	mode_t kind;

	if (fp->f_ops->fo_read == NULL || !fp->f_ops->fo_seekable)
		return EINVAL;
	kind = splice_file_kind(fp, &sx);
	return S_ISREG(kind) || S_ISBLK(kind) ? 0 : EINVAL;
}

int
splice_get_pair(int infd, int outfd, struct file **ret_in, struct file **ret_out)
{
	int error;

	error = fd_get_nopath(infd, ret_in);
	if (error)
		return error;
	error = fd_get_nopath(outfd, ret_out);
	if (error)
		fd_put(*ret_in);
	return error;
}

/* --- splice and tee ------------------------------------------------------------------ */

static int
splice_pipes(struct file *in, struct file *out, size_t len, unsigned int flags,
    bool copy, size_t *ret_done)
{
	struct pipe *from = pipe_of_file(in), *to = pipe_of_file(out);
	bool nonblock = (flags & SPLICE_F_NONBLOCK) != 0 ||
	    ((file_flags(in) | file_flags(out)) & O_NONBLOCK) != 0;

	if (!file_readable(in) || !file_writable(out))
		return EBADF;
	if (from == NULL || to == NULL || from == to)
		return EINVAL;
	return pipe_splice(from, to, len, nonblock, copy, ret_done);
}

static int
splice_to_file(struct pipe *from, struct file *out, int64_t *off, size_t len,
    bool nonblock, size_t *ret_done)
{
	int error;

	error = splice_sink_check(out);
	if (error)
		return error;
	return pipe_splice_out(from, out, off, len, nonblock, ret_done);
}

/* That there is room is looked at first, and what the source is then. */
static int
splice_from_file(struct file *in, int64_t *off, struct pipe *to, size_t len,
    bool nonblock, size_t *ret_done)
{
	struct statx sx;
	int error;

	error = pipe_wait_room(to, nonblock);
	if (error)
		return error;
	if (in->f_ops->fo_read == NULL || !file_streams(in) ||
	    S_ISDIR(splice_file_kind(in, &sx)))
		return EINVAL;
	return pipe_splice_in(to, in, off, len, nonblock, ret_done);
}

/* Exactly one is a pipe; off is the offset for the other, or NULL. */
static int
splice_file(struct file *in, struct file *out, int64_t *off, size_t len,
    unsigned int flags, size_t *ret_done)
{
	struct pipe *from = pipe_of_file(in), *to = pipe_of_file(out);
	struct file *fp = from != NULL ? out : in;
	bool nonblock = (flags & SPLICE_F_NONBLOCK) != 0 ||
	    (file_flags(from != NULL ? in : out) & O_NONBLOCK) != 0;

	if (!file_readable(in) || !file_writable(out))
		return EBADF;
	if (off != NULL && (!fp->f_ops->fo_seekable || *off < 0))
		return EINVAL;
	if ((ssize_t)len < 0)
		return EINVAL;
	if (from != NULL)
		return splice_to_file(from, out, off, len, nonblock, ret_done);
	return splice_from_file(in, off, to, len, nonblock, ret_done);
}

/* The same with the client's offset. */
static int
splice_file_at(struct file *in, struct file *out, int64_t *uoff, size_t len,
    unsigned int flags, size_t *ret_done)
{
	int64_t off;
	int error;

	if (uoff == NULL)
		return splice_file(in, out, NULL, len, flags, ret_done);
	error = copyin(uoff, &off, sizeof(off));
	if (error)
		return error;
	error = splice_file(in, out, &off, len, flags, ret_done);
	if (error)
		return error;
	return copyout(&off, uoff, sizeof(off));
}

static int
splice_any(struct file *in, int64_t *off_in, struct file *out, int64_t *off_out,
    size_t len, unsigned int flags, size_t *ret_done)
{
	bool from = pipe_of_file(in) != NULL, to = pipe_of_file(out) != NULL;

	if ((from && off_in != NULL) || (to && off_out != NULL))
		return ESPIPE;
	if (from && to)
		return splice_pipes(in, out, len, flags, false, ret_done);
	if (!from && !to)
		return !file_readable(in) || !file_writable(out) ? EBADF :
		    EINVAL;
	return splice_file_at(in, out, from ? off_out : off_in, len, flags,
	    ret_done);
}

int
sys_splice(struct lwp *l, int fd_in, int64_t *off_in, int fd_out,
    int64_t *off_out, size_t len, unsigned int flags, long *ret)
{
	struct file *in, *out;
	size_t done = 0;
	int error;

	if (len == 0)
		return 0;
	if ((flags & ~SPLICE_F_ALL) != 0)
		return EINVAL;
	error = splice_get_pair(fd_in, fd_out, &in, &out);
	if (error)
		return error;
	error = splice_any(in, off_in, out, off_out,
	    (ssize_t)len < 0 || len < SPLICE_MAX ? len : SPLICE_MAX, flags,
	    &done);
	if (error == 0)
		*ret = (long)done;
	fd_put(in);
	fd_put(out);
	return error;
}

int
sys_tee(struct lwp *l, int fd_in, int fd_out, size_t len, unsigned int flags,
    long *ret)
{
	struct file *in, *out;
	size_t done = 0;
	int error;

	if ((flags & ~SPLICE_F_ALL) != 0)
		return EINVAL;
	if (len == 0)
		return 0;
	error = splice_get_pair(fd_in, fd_out, &in, &out);
	if (error)
		return error;
	error = splice_pipes(in, out, len, flags, true, &done);
	if (error == 0)
		*ret = (long)done;
	fd_put(in);
	fd_put(out);
	return error;
}

/* The client's pages are copied, whatever it gives away. */
int
sys_vmsplice(struct lwp *l, int fd, const struct iovec *iov, size_t nr_segs,
    unsigned int flags, long *ret)
{
	int rw = (flags & SPLICE_F_NONBLOCK) != 0 ? RWF_NOWAIT : 0;
	struct file *fp;
	bool pipe, write;
	int error;

	if ((flags & ~SPLICE_F_ALL) != 0)
		return EINVAL;
	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	pipe = pipe_of_file(fp) != NULL;
	write = file_writable(fp);
	fd_put(fp);
	if (!pipe)
		return EBADF;
	if (nr_segs > UIO_MAXIOV)
		return EINVAL;
	return write ? sys_pwritev2(l, fd, iov, (int)nr_segs, -1, rw, ret) :
	    sys_preadv2(l, fd, iov, (int)nr_segs, -1, rw, ret);
}

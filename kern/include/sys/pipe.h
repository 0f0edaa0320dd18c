/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pipe.h - pipes, also those that have a name
 *
 * pipe2(2) needs nothing from here.  The vfs makes a pipe for a FIFO that is
 * open, keeps it with the vnode, and gives its files the operations below:
 * f_data is the pipe, f_aux stays the vfs's own.
 *
 *	error = pipe_create(&pi);		the first open; else pipe_hold
 *	file_create(FILE_PIPE, &fifo_fileops, pi, flags, &fp);
 *	error = pipe_fifo_open(fp);		may sleep until the other end comes
 *	...
 *	fifo_close(fp): pipe_fifo_close(fp), then pipe_rele(pi)
 *
 * fifo_fileops has fo_read = pipe_file_read and so on, and must have that
 * fo_read: by it the core knows a pipe.  fo_rwflags is RWF_NOWAIT.
 */

#ifndef SYS_PIPE_H
#define SYS_PIPE_H

#include <sys/types.h>

struct file;
struct pipe;
struct pollreg;
struct uio;

int	pipe_create(struct pipe **ret_pi);	/* ENOMEM */
void	pipe_hold(struct pipe *pi);
void	pipe_rele(struct pipe *pi);		/* NULL is fine */

/*
 * The end or ends that f_flags say come into being.  ENXIO: for writing with
 * O_NONBLOCK and nobody reads; ERESTART: interrupted while waiting.  After an
 * error nothing has happened.
 */
int	pipe_fifo_open(struct file *fp);
void	pipe_fifo_close(struct file *fp);

int	pipe_file_read(struct file *fp, struct uio *uio, int flags);
int	pipe_file_write(struct file *fp, struct uio *uio, int flags);
uint32_t pipe_file_poll(struct file *fp, struct pollreg *pr);
int	pipe_file_ioctl(struct file *fp, unsigned long cmd, void *uarg, long *ret);
int	pipe_file_setfl(struct file *fp, unsigned int newflags);

/* The pipe of a file, or NULL if it is something else. */
struct pipe *pipe_of_file(const struct file *fp);
/* F_GETPIPE_SZ, F_SETPIPE_SZ; EBADF if fp is no pipe. */
int	pipe_fcntl(struct file *fp, int cmd, unsigned long arg, long *ret);

/*
 * Moves at most len bytes between a pipe and a file, at *off (which moves) or
 * the file's own offset if that is NULL, or between two pipes.  Waits for the
 * first byte or for room unless nonblock.  0 bytes: the end.  EAGAIN, EPIPE
 * (and SIGPIPE), ERESTART, and what the file says; ret_done is for success.
 */
int	pipe_wait_room(struct pipe *pi, bool nonblock);
int	pipe_splice_out(struct pipe *pi, struct file *out, int64_t *off,
	    size_t len, bool nonblock, size_t *ret_done);
int	pipe_splice_in(struct pipe *pi, struct file *in, int64_t *off,
	    size_t len, bool nonblock, size_t *ret_done);
int	pipe_splice(struct pipe *from, struct pipe *to, size_t len,
	    bool nonblock, bool copy, size_t *ret_done);

#endif /* SYS_PIPE_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * file.h - open files and the tables of descriptors
 *
 * A struct file is what open(2) makes and dup(2) shares.  A descriptor table
 * is an array of slots; look-up is lock-free (qsbr) and takes a reference.
 */

#ifndef SYS_FILE_H
#define SYS_FILE_H

#include <lib/list.h>
#include <sys/mutex.h>
#include <sys/qsbr.h>
#include <sys/types.h>
#include <sys/uio.h>

struct cred;
struct file;
struct lwp;
struct pollreg;
struct stat;
struct statx;

enum file_type {
	FILE_VNODE, FILE_PIPE, FILE_EVENTFD, FILE_TIMERFD, FILE_EPOLL,
	FILE_SOCKET, FILE_CONSOLE, FILE_DEVICE,
};

/*
 * Operations.  Called with a reference and no lock.  fo_read and fo_write
 * take the file's own offset through uio_off, which the caller fills from
 * f_off and stores back for seekable files under f_offlock; for positioned
 * calls uio_off is the caller's.  NULL operations: the error in brackets.
 */
struct fileops {
	int	(*fo_read)(struct file *, struct uio *, int flags);	/* EINVAL */
	int	(*fo_write)(struct file *, struct uio *, int flags);	/* EINVAL */
	int	(*fo_seek)(struct file *, off_t off, int whence, off_t *ret_off); /* ESPIPE */
	int	(*fo_ioctl)(struct file *, unsigned long cmd, void *uarg, long *ret); /* ENOTTY */
	uint32_t (*fo_poll)(struct file *, struct pollreg *);	/* always ready */
	int	(*fo_stat)(struct file *, struct statx *st);	/* fills all it knows */
	int	(*fo_truncate)(struct file *, off_t len);		/* EINVAL */
	int	(*fo_fallocate)(struct file *, int mode, off_t off, off_t len); /* ESPIPE/ENODEV */
	int	(*fo_fsync)(struct file *, bool dataonly);		/* EINVAL */
	int	(*fo_getdents)(struct file *, void *ubuf, size_t len, long *ret); /* ENOTDIR */
	int	(*fo_setfl)(struct file *, unsigned int newflags);	/* fine */
	void	(*fo_flush)(struct file *, struct lwp *);	/* each close(2) */
	void	(*fo_close)(struct file *);			/* the last reference */
	bool	 fo_seekable;		/* f_off is used */
};

/*
 * Field key:	c  constant since creation	a  atomic	o  f_offlock
 */
struct file {
	const struct fileops *f_ops;	/* c */
	void		*f_data;	/* c: the object */
	unsigned int	 f_refs;	/* a */
	unsigned int	 f_flags;	/* a: O_* of open: access mode, O_APPEND, O_NONBLOCK.. */
	enum file_type	 f_type;	/* c */
	kmutex_t	 f_offlock;
	off_t		 f_off;		/* o */
	struct cred	*f_cred;	/* c: of the opener */
	void		*f_aux;		/* owner of the type: vfs keeps path data here */
	struct list	 f_epitems;	/* epoll: items that watch this file */
	struct qsbr_head f_qsbr;
};

static inline bool
file_readable(const struct file *fp)
{
	return ((fp->f_flags & 3) == 0 || (fp->f_flags & 3) == 2) &&
	    (fp->f_flags & 010000000) == 0;		/* not O_PATH */
}

static inline bool
file_writable(const struct file *fp)
{
	return ((fp->f_flags & 3) == 1 || (fp->f_flags & 3) == 2) &&
	    (fp->f_flags & 010000000) == 0;
}

/* One reference, the caller's.  Takes the caller's credentials.  ENFILE, ENOMEM. */
int	file_create(enum file_type type, const struct fileops *ops, void *data,
	    unsigned int flags, struct file **ret_fp);
void	file_hold(struct file *fp);
void	file_rele(struct file *fp);		/* may sleep: fo_close */

struct fdtable;

int	fdtable_create(struct fdtable **ret_fdt);
int	fdtable_copy(struct fdtable *from, bool empty, struct fdtable **ret_fdt);
void	fdtable_hold(struct fdtable *fdt);
void	fdtable_rele(struct fdtable *fdt);	/* the last closes all */

/* Of the calling proc.  EBADF.  With a reference: fd_put() gives it back. */
int	fd_get(int fd, struct file **ret_fp);
/* Same, but EBADF for O_PATH files unless path is true. */
int	fd_get_rw(int fd, bool write, struct file **ret_fp);	/* EBADF if wrong mode */
static inline void fd_put(struct file *fp) { file_rele(fp); }

/*
 * Reserves the lowest free number >= min (EMFILE: RLIMIT_NOFILE), then either
 * fd_install()s a file, consuming the caller's reference, or fd_unreserve()s.
 */
int	fd_reserve(int min, int *ret_fd);
void	fd_install(int fd, struct file *fp, bool cloexec);
void	fd_unreserve(int fd);

/* Reserve and install in one go; on error the reference stays the caller's. */
int	fd_alloc(struct file *fp, bool cloexec, int *ret_fd);
int	fd_close(int fd);

#endif /* SYS_FILE_H */

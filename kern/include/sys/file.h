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

struct anonattr;
struct cred;
struct file;
struct flock;
struct lwp;
struct pollreg;
struct proc;
struct stat;
struct statx;

enum file_type {
	FILE_VNODE, FILE_PIPE, FILE_EVENTFD, FILE_TIMERFD, FILE_EPOLL,
	FILE_SOCKET, FILE_CONSOLE, FILE_DEVICE, FILE_TRACE, FILE_LENT,
};

/*
 * Operations.  Called with a reference and no lock.  fo_read and fo_write
 * take the file's own offset through uio_off, which the caller fills from
 * f_off and stores back for seekable files under f_offlock; for positioned
 * calls uio_off is the caller's.  Their flags are RWF_* of preadv2(2), of which
 * a file sees only those that every file bears (RWF_HIPRI, RWF_DSYNC, RWF_SYNC,
 * RWF_APPEND, RWF_NOAPPEND) and those named in fo_rwflags; the modes of the
 * file itself (O_NONBLOCK, O_APPEND) are in f_flags.  A write that appends
 * sets uio_off to the end first.
 * NULL operations: the error in brackets.
 */
struct fileops {
	int	(*fo_read)(struct file *, struct uio *, int flags);	/* EINVAL */
	int	(*fo_write)(struct file *, struct uio *, int flags);	/* EINVAL */
	/* f_offlock held; looks at f_off, which the caller sets to *ret_off. */
	int	(*fo_seek)(struct file *, off_t off, int whence, off_t *ret_off); /* ESPIPE */
	int	(*fo_ioctl)(struct file *, unsigned long cmd, void *uarg, long *ret); /* ENOTTY */
	uint32_t (*fo_poll)(struct file *, struct pollreg *);	/* always ready; epoll: EPERM */
	int	(*fo_stat)(struct file *, struct statx *st);	/* fills all it knows */
	/* A shorter way to fstat(2). */
	int	(*fo_fstat)(struct file *, struct stat *st);	/* by fo_stat */
	int	(*fo_truncate)(struct file *, off_t len);		/* EINVAL */
	int	(*fo_fallocate)(struct file *, int mode, off_t off, off_t len); /* ESPIPE/ENODEV */
	int	(*fo_fsync)(struct file *, bool dataonly);		/* EINVAL */
	/* For fchmod, fchown of what has no vnode.  Lives as long as the file. */
	struct anonattr *(*fo_attr)(struct file *);		/* EOPNOTSUPP */
	/* f_offlock held; moves f_off itself. */
	int	(*fo_getdents)(struct file *, void *ubuf, size_t len, long *ret); /* ENOTDIR */
	/* May it have newflags (all of f_flags)?  They are stored afterwards. */
	int	(*fo_setfl)(struct file *, unsigned int newflags);	/* fine; O_DIRECT: EINVAL */
	/* F_GETLK .. F_OFD_SETLKW; *fl is the kernel's copy, in and out. */
	int	(*fo_lock)(struct file *, int cmd, struct flock *fl);	/* EINVAL */
	/* The commands of fcntl(2) that descriptors know nothing about. */
	int	(*fo_fcntl)(struct file *, int cmd, unsigned long arg, long *ret); /* EINVAL */
	void	(*fo_flush)(struct file *, struct proc *);	/* each close(2) */
	void	(*fo_close)(struct file *);			/* the last reference */
	bool	 fo_seekable;		/* f_off is used */
	uint32_t fo_rwflags;		/* RWF_* it honours beyond the common ones */
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
	struct list	 f_epitems;	/* o: epoll's items that watch this file */
	bool		 f_watched;	/* a: there was such an item, once */
	struct fileasync *f_async;	/* a: who is told of events: fasync.c; NULL */
	int32_t		 f_owner;	/* a: F_SETOWN: pid, or -process group */
	int32_t		 f_ownertype;	/* a: F_OWNER_* */
	int32_t		 f_sig;		/* a: F_SETSIG */
	struct qsbr_head f_qsbr;
};

/*
 * f_refs of a file that is being closed: what fails to take a reference adds
 * to it for a moment, hence "at least".
 */
#define FILE_DEAD	0x80000000u

static inline bool
file_readable(const struct file *fp)
{
	unsigned int mode = __atomic_load_n(&fp->f_flags, __ATOMIC_RELAXED);

	return ((mode & 3) == 0 || (mode & 3) == 2) &&
	    (mode & 010000000) == 0;			/* not O_PATH */
}

static inline bool
file_writable(const struct file *fp)
{
	unsigned int mode = __atomic_load_n(&fp->f_flags, __ATOMIC_RELAXED);

	return ((mode & 3) == 1 || (mode & 3) == 2) &&
	    (mode & 010000000) == 0;
}

/* One reference, the caller's.  Takes the caller's credentials.  ENFILE, ENOMEM. */
int	file_create(enum file_type type, const struct fileops *ops, void *data,
	    unsigned int flags, struct file **ret_fp);
void	file_hold(struct file *fp);		/* the caller has one already */
/*
 * For fo_seek: SEEK_SET, SEEK_CUR and SEEK_END of something that is end bytes
 * long and may be sought up to max.  f_offlock is held.  EINVAL.
 */
int	file_seekto(const struct file *fp, off_t off, int whence, uint64_t end,
	    uint64_t max, off_t *ret_off);
void	file_rele(struct file *fp);		/* may sleep: fo_close */
int	file_setown(struct file *fp, int who);	/* fcntl(2), F_SETOWN: EINVAL, ESRCH, ENOMEM */

/*
 * Gives back a file that was never used, without fo_close: for those who
 * fail between file_create() and the hand-over of what f_data points to.
 */
void	file_abandon(struct file *fp);

/* fo_seek of what has no offset but does not mind: stays at 0. */
int	file_seek_nowhere(struct file *fp, off_t off, int whence, off_t *ret_off);

/*
 * Reads or writes with kernel buffers or user buffers alike, at the file's own
 * offset (off NULL) or at *off, which is moved.  *ret_done is valid on success
 * only; what was moved before an error counts as success.
 */
int	file_transfer(struct file *fp, struct uio *uio, int64_t *off, int flags,
	    size_t *ret_done);

/* Takes a reference of a file that was found lock-free, unless it is dead. */
static inline bool
file_tryhold(struct file *fp)
{
	if (likely(__atomic_fetch_add(&fp->f_refs, 1, __ATOMIC_ACQUIRE) <
	    FILE_DEAD))
		return true;
	__atomic_fetch_sub(&fp->f_refs, 1, __ATOMIC_RELAXED);
	return false;
}

/* The mode bits of f_flags as they are now. */
static inline unsigned int
file_flags(const struct file *fp)
{
	return __atomic_load_n(&fp->f_flags, __ATOMIC_RELAXED);
}

/*
 * The caller owns the reference that a slot had: close(2) and its kin.  p is whose slot it was, who
 * need not be the one that runs.
 */
void	file_unslot(struct file *fp, struct proc *p);

struct fdtable;

#define FD_MAX		1048576		/* no number reaches it, whatever the limits */

int	fdtable_create(struct fdtable **ret_fdt);
/* A copy as by fork; or with empty one that has the console's three only. */
int	fdtable_copy(struct fdtable *from, bool empty, struct fdtable **ret_fdt);
void	fdtable_hold(struct fdtable *fdt);
/* p has no use for it any more; the last closes all. */
void	fdtable_rele(struct fdtable *fdt, struct proc *p);
void	fdtable_closeexec(struct fdtable *fdt, struct proc *p);	/* what an exec closes */
/* Gives p a table of its own if it shares one. */
int	fdtable_unshare(struct proc *p);
/* Calls fn, with a reference held, for each file until it returns non-zero. */
int	fdtable_iterate(struct fdtable *fdt,
	    int (*fn)(int fd, struct file *fp, void *arg), void *arg);
unsigned int fdtable_limit(struct fdtable *fdt);	/* numbers are below it */
/* The first n numbers of an empty table, all fp; the caller keeps its reference. */
void	fdtable_fill(struct fdtable *fdt, struct file *fp, unsigned int n);
/* Descriptors 0, 1 and 2 of an empty table: the host's console. */
int	fdtable_console(struct fdtable *fdt);

/*
 * Of the calling proc, with a reference that fd_put() gives back.  EBADF.
 * fd_get() takes O_PATH files too, fd_get_nopath() does not, and fd_get_rw()
 * wants one that is open for reading or writing.
 */
int	fd_get(int fd, struct file **ret_fp);
int	fd_get_nopath(int fd, struct file **ret_fp);
int	fd_get_rw(int fd, bool write, struct file **ret_fp);
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
int	fd_alloc_min(struct file *fp, int min, bool cloexec, int *ret_fd);
/* At this number, closing what was there.  The same about the reference. */
int	fd_replace(struct file *fp, int fd, bool cloexec);	/* EBADF, EBUSY, ENOMEM */
int	fd_close(int fd);
void	fd_close_range(unsigned int first, unsigned int last);
void	fd_cloexec_range(unsigned int first, unsigned int last);
int	fd_getcloexec(int fd, bool *ret_cloexec);
int	fd_setcloexec(int fd, bool cloexec);

#endif /* SYS_FILE_H */

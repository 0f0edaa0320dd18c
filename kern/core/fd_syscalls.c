/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fd_syscalls.c - calls on descriptors that do not move bytes
 *
 * close, dup and their kin change the table; ftruncate, fallocate, fsync,
 * fstat, getdents64 and ioctl go through to the operation of the file.
 *
 * References: close(2), close_range(2), dup(2), ioctl_fioclex(2) and others.
 */

#include <abi/sysargs.h>
#include <asm/ioctls.h>
#include <linux/close_range.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/fasync.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/stat.h>

int
sys_close(struct lwp *l, int fd, long *ret)
{
	return fd_close(fd);
}

int
sys_close_range(struct lwp *l, unsigned int first, unsigned int last, int flags,
    long *ret)
{
	int error;

	if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0 ||
	    first > last)
		return EINVAL;
	if ((flags & CLOSE_RANGE_UNSHARE) != 0) {
		error = fdtable_unshare(l->l_proc);
		if (error)
			return error;
	}
	if ((flags & CLOSE_RANGE_CLOEXEC) != 0)
		fd_cloexec_range(first, last);
	else
		fd_close_range(first, last);
	return 0;
}

int
sys_dup(struct lwp *l, int fd, long *ret)
{
	struct file *fp;
	int error, newfd;

	error = fd_get(fd, &fp);
	if (error)
		return error;
	error = fd_alloc(fp, false, &newfd);
	if (error) {
		fd_put(fp);
		return error;
	}
	*ret = newfd;
	return 0;
}

/* newfd gets what oldfd has. */
static int
fd_dup_to(int oldfd, int newfd, bool cloexec, long *ret)
{
	struct file *fp;
	int error;

	error = fd_get(oldfd, &fp);
	if (error)
		return error;
	error = fd_replace(fp, newfd, cloexec);
	if (error) {
		fd_put(fp);
		return error;
	}
	*ret = newfd;
	return 0;
}

int
sys_dup2(struct lwp *l, int oldfd, int newfd, long *ret)
{
	struct file *fp;
	int error;

	if (oldfd != newfd)
		return fd_dup_to(oldfd, newfd, false, ret);
	error = fd_get(oldfd, &fp);
	if (error)
		return error;
	fd_put(fp);
	*ret = newfd;
	return 0;
}

int
sys_dup3(struct lwp *l, int oldfd, int newfd, int flags, long *ret)
{
	if ((flags & ~O_CLOEXEC) != 0 || oldfd == newfd)
		return EINVAL;
	return fd_dup_to(oldfd, newfd, (flags & O_CLOEXEC) != 0, ret);
}

/* --- size and stability ------------------------------------------------------ */

int
sys_ftruncate(struct lwp *l, int fd, int64_t length, long *ret)
{
	struct file *fp;
	int error;

	if (length < 0)
		return EINVAL;
	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	if (fp->f_ops->fo_truncate == NULL || !file_writable(fp))
		error = EINVAL;
	else
		error = fp->f_ops->fo_truncate(fp, length);
	fd_put(fp);
	return error;
}

/* What fallocate(2) may be asked for at all, whatever the file. */
static int
fallocate_check(int mode, int64_t offset, int64_t len)
{
	int op = mode & ~FALLOC_FL_KEEP_SIZE;

	if (offset < 0 || len <= 0)
		return EINVAL;
	switch (op) {
	case 0:
	case FALLOC_FL_ZERO_RANGE:
		break;
	case FALLOC_FL_UNSHARE_RANGE:
		break;
	case FALLOC_FL_PUNCH_HOLE:
		if ((mode & FALLOC_FL_KEEP_SIZE) == 0)
			return EOPNOTSUPP;
		break;
	case FALLOC_FL_COLLAPSE_RANGE:
	case FALLOC_FL_INSERT_RANGE:
		if ((mode & FALLOC_FL_KEEP_SIZE) != 0)
			return EOPNOTSUPP;
		break;
	default:
		return EOPNOTSUPP;
	}
	return 0;
}

static int
file_fallocate(struct file *fp, int mode, int64_t offset, int64_t len)
{
	int error;

	error = fallocate_check(mode, offset, len);
	if (error)
		return error;
	if (!file_writable(fp))
		return EBADF;
	if (fp->f_ops->fo_fallocate == NULL)
		return fp->f_type == FILE_PIPE ? ESPIPE : ENODEV;
	if (len > OFF_MAX - offset)
		return EFBIG;
	return fp->f_ops->fo_fallocate(fp, mode, offset, len);
}

int
sys_fallocate(struct lwp *l, int fd, int mode, int64_t offset, int64_t len,
    long *ret)
{
	struct file *fp;
	int error;

	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	error = file_fallocate(fp, mode, offset, len);
	fd_put(fp);
	return error;
}

static int
fd_sync(int fd, bool dataonly)
{
	struct file *fp;
	int error;

	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	error = fp->f_ops->fo_fsync == NULL ? EINVAL :
	    fp->f_ops->fo_fsync(fp, dataonly);
	fd_put(fp);
	return error;
}

int
sys_fsync(struct lwp *l, int fd, long *ret)
{
	return fd_sync(fd, false);
}

int
sys_fdatasync(struct lwp *l, int fd, long *ret)
{
	return fd_sync(fd, true);
}

/* --- attributes and entries -------------------------------------------------- */

int
sys_fstat(struct lwp *l, int fd, struct stat *ust, long *ret)
{
	struct statx sx;
	struct stat st;
	struct file *fp;
	int error;

	error = fd_get(fd, &fp);
	if (error)
		return error;
	if (fp->f_ops->fo_fstat != NULL) {
		error = fp->f_ops->fo_fstat(fp, &st);
	} else {
		error = fp->f_ops->fo_stat(fp, &sx);
		if (error == 0)
			stat_from_statx(&sx, &st);
	}
	fd_put(fp);
	if (error)
		return error;
	return copyout(&st, ust, sizeof(st));
}

int
sys_getdents64(struct lwp *l, int fd, void *buf, size_t count, long *ret)
{
	struct file *fp;
	int error;

	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	if (fp->f_ops->fo_getdents == NULL)
		error = ENOTDIR;
	else {
		/* The call's count is an unsigned int. */
		mutex_enter(&fp->f_offlock);
		error = fp->f_ops->fo_getdents(fp, buf, (unsigned int)count,
		    ret);
		mutex_exit(&fp->f_offlock);
	}
	fd_put(fp);
	return error;
}

/* --- ioctl ------------------------------------------------------------------- */

static void *
ioctl_ptr(unsigned long arg)
{
	return (void *)(uintptr_t)arg;
}

static int
ioctl_nonblock(struct file *fp, unsigned long arg)
{
	int on, error;

	error = copyin(ioctl_ptr(arg), &on, sizeof(on));
	if (error)
		return error;
	if (on)
		atomic_or(&fp->f_flags, O_NONBLOCK);
	else
		atomic_and(&fp->f_flags, ~(unsigned int)O_NONBLOCK);
	return 0;
}

static int
ioctl_async(int fd, struct file *fp, unsigned long arg)
{
	int on, error;

	error = copyin(ioctl_ptr(arg), &on, sizeof(on));
	if (error)
		return error;
	if ((on != 0) == ((file_flags(fp) & FASYNC) != 0))
		return 0;
	return fasync_set(fp, fd, on != 0);
}

static int
ioctl_blocksize(struct file *fp, unsigned long arg)
{
	struct statx st;
	int error, size;

	error = fp->f_ops->fo_stat(fp, &st);
	if (error)
		return error;
	size = (int)st.stx_blksize;
	return copyout(&size, ioctl_ptr(arg), sizeof(size));
}

int
sys_ioctl(struct lwp *l, int fd, unsigned long request, unsigned long arg,
    long *ret)
{
	struct file *fp;
	int error;

	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	/* The command is an unsigned int. */
	switch ((unsigned int)request) {
	case FIOCLEX:
	case FIONCLEX:
		error = fd_setcloexec(fd, (unsigned int)request == FIOCLEX);
		break;
	case FIONBIO:
		error = ioctl_nonblock(fp, arg);
		break;
	case FIOASYNC:
		error = ioctl_async(fd, fp, arg);
		break;
	case FIGETBSZ:
		error = ioctl_blocksize(fp, arg);
		break;
	default:
		error = fp->f_ops->fo_ioctl == NULL ? ENOTTY :
		    fp->f_ops->fo_ioctl(fp, (unsigned int)request,
		    ioctl_ptr(arg), ret);
		break;
	}
	fd_put(fp);
	return error;
}

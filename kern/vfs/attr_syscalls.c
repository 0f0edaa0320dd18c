/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * attr_syscalls.c - calls that change what is known of a file: chmod, chown,
 * utimes, truncate, umask
 *
 * The work is in attr.c; here paths and descriptors become a vpath, and the
 * forms in which times travel become one.
 */

#include <linux/fcntl.h>
#include <linux/time_types.h>
#include <linux/utime.h>

#include <abi/sysargs.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/stat.h>

#include "attr_impl.h"
#include "vfs_impl.h"

#define AT_CHANGE_FLAGS	(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)

/* What is to be changed; fn gets one of the three. */
struct attr_change {
	mode_t		 ac_mode;
	uid_t		 ac_uid;
	gid_t		 ac_gid;
	const struct timespec64 *ac_times;
};

typedef int attr_change_fn(const struct vpath *path,
    const struct attr_change *ac, const struct cred *cr);

static int
change_mode(const struct vpath *path, const struct attr_change *ac,
    const struct cred *cr)
{
	return vnode_chmod(path, ac->ac_mode, cr);
}

static int
change_owner(const struct vpath *path, const struct attr_change *ac,
    const struct cred *cr)
{
	return vnode_chown(path, ac->ac_uid, ac->ac_gid, cr);
}

static int
change_times(const struct vpath *path, const struct attr_change *ac,
    const struct cred *cr)
{
	return vnode_utimes(path, ac->ac_times, cr);
}

/* v_lock may be waited for: the credentials have to stay. */
static int
change_path(const struct vpath *path, attr_change_fn *fn,
    const struct attr_change *ac)
{
	struct cred *cr = cred_current_hold();
	int error;

	error = fn(path, ac, cr);
	cred_rele(cr);
	return error;
}

static int
change_fd(int fd, attr_change_fn *fn, const struct attr_change *ac)
{
	struct vpath path;
	struct file *fp;
	int error;

	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	if (file_getpath(fp, &path))
		error = change_path(&path, fn, ac);
	else if (fp->f_ops->fo_attr == NULL)
		error = EOPNOTSUPP;
	else if (fn == change_mode)
		error = anonattr_chmod(fp->f_ops->fo_attr(fp), ac->ac_mode);
	else if (fn == change_owner)
		error = anonattr_chown(fp->f_ops->fo_attr(fp), ac->ac_uid,
		    ac->ac_gid);
	else
		error = anonattr_utimes(fp->f_ops->fo_attr(fp));
	fd_put(fp);
	return error;
}

static int
change_at(struct lwp *l, int dirfd, const char *upath, int flags,
    attr_change_fn *fn, const struct attr_change *ac)
{
	struct nameidata nd = { .nd_resolve = 0 };
	unsigned int nflags = 0;
	int error;

	if (flags & ~AT_CHANGE_FLAGS)
		return EINVAL;
	if ((flags & AT_SYMLINK_NOFOLLOW) == 0)
		nflags |= NAMEI_FOLLOW;
	if (flags & AT_EMPTY_PATH)
		nflags |= NAMEI_EMPTY;
	error = namei_user(l, dirfd, upath, nflags, &nd);
	if (error == ENOTDIR && (flags & AT_EMPTY_PATH) &&
	    path_isnameless(dirfd, upath))
		return change_fd(dirfd, fn, ac);
	if (error)
		return error;
	error = change_path(&nd.nd_path, fn, ac);
	nameidata_fini(&nd);
	return error;
}

int
sys_fchmod(struct lwp *l __unused_arg, int fd, unsigned int mode,
    long *ret __unused_arg)
{
	struct attr_change ac = { .ac_mode = mode };

	return change_fd(fd, change_mode, &ac);
}

int
sys_fchmodat2(struct lwp *l, int dirfd, const char *upath, unsigned int mode,
    unsigned int flags, long *ret __unused_arg)
{
	struct attr_change ac = { .ac_mode = mode };

	return change_at(l, dirfd, upath, (int)flags, change_mode, &ac);
}

int
sys_fchown(struct lwp *l __unused_arg, int fd, unsigned int uid,
    unsigned int gid, long *ret __unused_arg)
{
	struct attr_change ac = { .ac_uid = uid, .ac_gid = gid };

	return change_fd(fd, change_owner, &ac);
}

int
sys_fchownat(struct lwp *l, int dirfd, const char *upath, unsigned int uid,
    unsigned int gid, int flags, long *ret __unused_arg)
{
	struct attr_change ac = { .ac_uid = uid, .ac_gid = gid };

	return change_at(l, dirfd, upath, flags, change_owner, &ac);
}

/* --- times --------------------------------------------------------------------- */

int
sys_utimensat(struct lwp *l, int dirfd, const char *upath,
    const struct __kernel_timespec *utimes, int flags, long *ret __unused_arg)
{
	struct attr_change ac = { .ac_times = NULL };
	struct timespec64 ts[2];
	int error;

	_Static_assert(sizeof(struct timespec64) ==
	    sizeof(struct __kernel_timespec), "one layout");
	if (utimes != NULL) {
		error = copyin(utimes, ts, sizeof(ts));
		if (error)
			return error;
		if (ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT)
			return 0;	/* not even the path is looked at */
		ac.ac_times = ts;
	}
	if (upath == NULL && dirfd != AT_FDCWD) {
		if (flags != 0)
			return EINVAL;
		return change_fd(dirfd, change_times, &ac);
	}
	if (upath == NULL)
		return flags & ~AT_CHANGE_FLAGS ? EINVAL : EFAULT;
	return change_at(l, dirfd, upath, flags, change_times, &ac);
}

int
sys_futimesat(struct lwp *l, int dirfd, const char *upath,
    const struct __kernel_old_timeval *utimes, long *ret __unused_arg)
{
	struct __kernel_old_timeval tv[2];
	struct attr_change ac = { .ac_times = NULL };
	struct timespec64 ts[2];
	unsigned int i;
	int error;

	if (utimes != NULL) {
		error = copyin(utimes, tv, sizeof(tv));
		if (error)
			return error;
		for (i = 0; i < 2; i++) {
			if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
				return EINVAL;
			ts[i].tv_sec = tv[i].tv_sec;
			ts[i].tv_nsec = tv[i].tv_usec * 1000;
		}
		ac.ac_times = ts;
	}
	if (upath == NULL && dirfd != AT_FDCWD)
		return change_fd(dirfd, change_times, &ac);
	return change_at(l, dirfd, upath, 0, change_times, &ac);
}

int
sys_utime(struct lwp *l, const char *upath, const struct utimbuf *utimes,
    long *ret __unused_arg)
{
	struct attr_change ac = { .ac_times = NULL };
	struct timespec64 ts[2];
	struct utimbuf ub;
	int error;

	if (utimes != NULL) {
		error = copyin(utimes, &ub, sizeof(ub));
		if (error)
			return error;
		ts[0] = (struct timespec64){ ub.actime, 0 };
		ts[1] = (struct timespec64){ ub.modtime, 0 };
		ac.ac_times = ts;
	}
	return change_at(l, AT_FDCWD, upath, 0, change_times, &ac);
}

/* --- length, and what new files do not get --------------------------------------- */

static int
truncate_path(const struct vpath *path, uint64_t length)
{
	struct vnode *vp = path->vp_vnode;
	int error;

	if (vp->v_type == VDIR)
		return EISDIR;
	if (vp->v_type != VREG)
		return EINVAL;
	if (mount_readonly(path->vp_mount))
		return EROFS;
	error = vnode_access(vp, MAY_WRITE, curcred());
	return error ? error : vnode_truncate(vp, length, false);
}

int
sys_truncate(struct lwp *l, const char *upath, int64_t length,
    long *ret __unused_arg)
{
	struct nameidata nd = { .nd_resolve = 0 };
	int error;

	if (length < 0)
		return EINVAL;
	error = namei_user(l, AT_FDCWD, upath, NAMEI_FOLLOW, &nd);
	if (error)
		return error;
	error = truncate_path(&nd.nd_path, (uint64_t)length);
	nameidata_fini(&nd);
	return error;
}

int
sys_umask(struct lwp *l, unsigned int mask, long *ret)
{
	*ret = (long)cwd_setumask(l->l_proc, mask);
	return 0;
}

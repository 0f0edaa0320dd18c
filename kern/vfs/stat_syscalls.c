/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * stat_syscalls.c - calls that tell about a file: stat, statx, access,
 * readlink
 */

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/limits.h>
#include <linux/stat.h>

#include <abi/sysargs.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <sys/stat.h>

#include "attr_impl.h"
#include "vfs_impl.h"

#define AT_STAT_FLAGS	(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | \
	AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)

static unsigned int
at_nameiflags(unsigned int flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? 0 : NAMEI_FOLLOW) |
	    (flags & AT_EMPTY_PATH ? NAMEI_EMPTY : 0);
}

/* The stat calls alone take a NULL for "". */
static unsigned int
at_statflags(unsigned int flags)
{
	return at_nameiflags(flags) | (flags & AT_EMPTY_PATH ? NAMEI_NULL : 0);
}

/* Does the call mean dirfd itself, be it a file or a pipe? */
static int
at_isfd(int dirfd, const char *upath, unsigned int flags, bool *ret_isfd)
{
	char c = '\0';
	int error = 0;

	if ((flags & AT_EMPTY_PATH) == 0 || dirfd == AT_FDCWD) {
		*ret_isfd = false;
		return 0;
	}
	if (upath != NULL)
		error = copyin(upath, &c, 1);
	*ret_isfd = c == '\0';
	return error;
}

static int
statx_fd(int fd, struct statx *st)
{
	struct file *fp;
	int error;

	error = fd_get(fd, &fp);
	if (error)
		return error;
	error = fp->f_ops->fo_stat(fp, st);
	fd_put(fp);
	return error;
}

static int
stat_at(struct lwp *l, int dirfd, const char *upath, unsigned int flags,
    struct stat *st)
{
	struct nameidata nd = { .nd_resolve = 0 };
	struct statx sx;
	bool isfd;
	int error;

	error = at_isfd(dirfd, upath, flags, &isfd);
	if (error)
		return error;
	if (isfd) {
		error = statx_fd(dirfd, &sx);
		if (error == 0)
			stat_from_statx(&sx, st);
		return error;
	}
	error = namei_user(l, dirfd, upath, at_statflags(flags), &nd);
	if (error)
		return error;
	error = vnode_stat(nd.nd_path.vp_vnode, st);
	nameidata_fini(&nd);
	return error;
}

int
sys_newfstatat(struct lwp *l, int dirfd, const char *upath, struct stat *ust,
    int flags, long *ret __unused_arg)
{
	struct stat st;
	int error;

	if (flags & ~AT_STAT_FLAGS)
		return EINVAL;
	error = stat_at(l, dirfd, upath, (unsigned int)flags, &st);
	if (error)
		return error;
	return copyout(&st, ust, sizeof(st));
}

/*
 * Linux tells some times only to those who ask.  For older programs it makes
 * no difference, as stx_mask says what is there.
 */
static void
statx_unasked(struct statx *st, unsigned int mask)
{
	static const struct statx_timestamp none;

	if ((mask & STATX_BTIME) == 0) {
		st->stx_mask &= ~STATX_BTIME;
		st->stx_btime = none;
	}
	if ((mask & (STATX_MTIME | STATX_CTIME)) == 0) {
		st->stx_mask &= ~(STATX_MTIME | STATX_CTIME);
		st->stx_mtime = st->stx_ctime = none;
	}
}

int
sys_statx(struct lwp *l, int dirfd, const char *upath, int flags,
    unsigned int mask, struct statx *ust, long *ret __unused_arg)
{
	struct nameidata nd = { .nd_resolve = 0 };
	struct statx st;
	bool isfd;
	int error;

	if (mask & STATX__RESERVED)
		return EINVAL;
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    (flags & ~AT_STAT_FLAGS))
		return EINVAL;
	error = at_isfd(dirfd, upath, (unsigned int)flags, &isfd);
	if (error)
		return error;
	if (isfd) {
		error = statx_fd(dirfd, &st);
	} else {
		error = namei_user(l, dirfd, upath,
		    at_statflags((unsigned int)flags), &nd);
		if (error)
			return error;
		error = vnode_statx(&nd.nd_path, &st);
		nameidata_fini(&nd);
	}
	if (error)
		return error;
	statx_unasked(&st, mask);
	return copyout(&st, ust, sizeof(st));
}

/* --- access ------------------------------------------------------------------ */

/* Who the caller really is: what access(2) asks about.  NULL: no difference. */
static int
access_realcred(struct cred **ret_cr)
{
	const struct cred *me = curcred();
	struct cred *cr;
	int error;

	*ret_cr = NULL;
	if (me->cr_fsuid == me->cr_ruid && me->cr_fsgid == me->cr_rgid &&
	    me->cr_caps == (me->cr_ruid == 0 ? me->cr_permitted : 0))
		return 0;
	error = cred_dup(me, &cr);
	if (error)
		return error;
	cr->cr_fsuid = cr->cr_ruid;
	cr->cr_fsgid = cr->cr_rgid;
	cr->cr_caps = cr->cr_ruid == 0 ? cr->cr_permitted : 0;
	*ret_cr = cr;
	return 0;
}

static int
access_check(const struct vpath *path, int mode, const struct cred *cr)
{
	struct vnode *vp = path->vp_vnode;
	bool content = vp->v_type == VREG || vp->v_type == VDIR ||
	    vp->v_type == VLNK;
	int error;

	if (mode == 0)
		return 0;
	if ((mode & MAY_EXEC) && vp->v_type == VREG &&
	    (atomic_load(&path->vp_mount->mt_flags) & MS_NOEXEC))
		return EACCES;
	if ((mode & MAY_WRITE) && content &&
	    atomic_load(&vp->v_fs->fs_readonly))
		return EROFS;
	error = vnode_access(vp, mode, cr);
	if (error == 0 && (mode & MAY_WRITE) && content &&
	    mount_readonly(path->vp_mount))
		return EROFS;
	return error;
}

#ifndef AT_EACCESS
#define AT_EACCESS	0x200
#endif

static int
access_nameless(int dirfd, int mode, const struct cred *cr)
{
	struct vattr va = { .va_type = VFIFO };
	struct statx st;
	struct file *fp;
	int error;

	error = fd_get(dirfd, &fp);
	if (error)
		return error;
	error = fp->f_ops->fo_stat(fp, &st);
	fd_put(fp);
	if (error)
		return error;
	va.va_mode = st.stx_mode & 07777;
	va.va_uid = st.stx_uid;
	va.va_gid = st.stx_gid;
	return vattr_access(&va, mode, cr);
}

int
sys_faccessat2(struct lwp *l, int dirfd, const char *upath, int mode,
    int flags, long *ret __unused_arg)
{
	struct nameidata nd = { .nd_resolve = 0 };
	struct cred *cr = NULL;
	int error;

	if ((mode & ~(MAY_READ | MAY_WRITE | MAY_EXEC)) ||
	    (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return EINVAL;
	if ((flags & AT_EACCESS) == 0) {
		error = access_realcred(&cr);
		if (error)
			return error;
	}
	nd.nd_cred = cr;
	error = namei_user(l, dirfd, upath, at_nameiflags((unsigned int)flags),
	    &nd);
	if (error == 0) {
		error = access_check(&nd.nd_path, mode,
		    cr != NULL ? cr : curcred());
		nameidata_fini(&nd);
	} else if (error == ENOTDIR && (flags & AT_EMPTY_PATH) &&
	    path_isnameless(dirfd, upath)) {
		error = access_nameless(dirfd, mode, cr != NULL ? cr : curcred());
	}
	if (cr != NULL)
		cred_rele(cr);
	return error;
}

/* --- readlink ------------------------------------------------------------------ */

static int
readlink_vnode(struct vnode *vp, char *ubuf, size_t size, long *ret)
{
	char *buf = path_buf_get();
	size_t len;
	int error;

	if (buf == NULL)
		return ENOMEM;
	rw_read_enter(&vp->v_lock);
	error = vp->v_ops->vo_readlink == NULL ? EINVAL :
	    vp->v_ops->vo_readlink(vp, buf, PATH_MAX, &len);
	rw_exit(&vp->v_lock);
	if (error == 0) {
		if (len > size)
			len = size;
		error = copyout(buf, ubuf, len);
		*ret = (long)len;
	}
	path_buf_put(buf);
	return error;
}

int
sys_readlinkat(struct lwp *l, int dirfd, const char *upath, char *ubuf,
    size_t size, long *ret)
{
	struct nameidata nd = { .nd_resolve = 0 };
	struct vnode *vp;
	int error;

	if ((int)size <= 0)
		return EINVAL;
	error = namei_user(l, dirfd, upath, NAMEI_EMPTY, &nd);
	if (error)
		return error == ENOTDIR && path_isnameless(dirfd, upath) ?
		    ENOENT : error;
	vp = nd.nd_path.vp_vnode;
	if (vp->v_type != VLNK) {
		error = nd.nd_user[0] == '\0' ? ENOENT : EINVAL;
	} else {
		vnode_accessed(vp, nd.nd_path.vp_mount, 0);
		error = readlink_vnode(vp, ubuf, (size_t)(int)size, ret);
	}
	nameidata_fini(&nd);
	return error;
}

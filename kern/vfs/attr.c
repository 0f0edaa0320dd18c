/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * attr.c - attributes of a file: told, and changed by those who may
 *
 * Each kind of change (mode, owner, times) is checked as Linux does and then
 * handed to the file system as one vo_setattr().
 */

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/ktime.h>
#include <sys/stat.h>

#include "attr_impl.h"
#include "vfs_impl.h"

#ifndef STATX_MNT_ID
#define STATX_MNT_ID	0x1000
#endif
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT	0x2000
#endif

/* --- told ------------------------------------------------------------------------ */

static struct statx_timestamp
statx_time(const struct timespec64 *ts)
{
	return (struct statx_timestamp){ .tv_sec = ts->tv_sec,
	    .tv_nsec = (uint32_t)ts->tv_nsec };
}

int
vnode_statx(const struct vpath *path, struct statx *st)
{
	dev_t dev = path->vp_vnode->v_fs->fs_dev;
	struct vattr va;
	int error;

	error = vnode_getattr(path->vp_vnode, &va);
	if (error)
		return error;
	memset(st, 0, sizeof(*st));
	st->stx_mask = STATX_BASIC_STATS | STATX_MNT_ID |
	    (va.va_hasbtime ? STATX_BTIME : 0);
	st->stx_blksize = va.va_blksize;
	st->stx_attributes = va.va_attributes |
	    (path->vp_vnode == path->vp_mount->mt_root ? STATX_ATTR_MOUNT_ROOT : 0);
	st->stx_attributes_mask = va.va_attributes_mask | STATX_ATTR_MOUNT_ROOT;
	st->stx_nlink = va.va_nlink;
	st->stx_uid = va.va_uid;
	st->stx_gid = va.va_gid;
	st->stx_mode = (uint16_t)(vtype_to_mode(va.va_type) | va.va_mode);
	st->stx_ino = va.va_ino;
	st->stx_size = va.va_size;
	st->stx_blocks = va.va_blocks;
	st->stx_atime = statx_time(&va.va_atime);
	st->stx_mtime = statx_time(&va.va_mtime);
	st->stx_ctime = statx_time(&va.va_ctime);
	if (va.va_hasbtime)
		st->stx_btime = statx_time(&va.va_btime);
	st->stx_rdev_major = dev_major(va.va_rdev);
	st->stx_rdev_minor = dev_minor(va.va_rdev);
	st->stx_dev_major = dev_major(dev);
	st->stx_dev_minor = dev_minor(dev);
	st->stx_mnt_id = path->vp_mount->mt_id;
	return 0;
}

/* Straight, for stat(2): the way over struct statx costs a tenth of the call. */
int
vnode_stat(struct vnode *vp, struct stat *st)
{
	struct vattr va;
	int error;

	error = vnode_getattr(vp, &va);
	if (error)
		return error;
	memset(st, 0, sizeof(*st));
	st->st_dev = dev_encode(vp->v_fs->fs_dev);
	st->st_ino = va.va_ino;
	st->st_nlink = va.va_nlink;
	st->st_mode = vtype_to_mode(va.va_type) | va.va_mode;
	st->st_uid = va.va_uid;
	st->st_gid = va.va_gid;
	st->st_rdev = dev_encode(va.va_rdev);
	st->st_size = (long)va.va_size;
	st->st_blksize = (int)va.va_blksize;
	st->st_blocks = (long)va.va_blocks;
	st->st_atime = (unsigned long)va.va_atime.tv_sec;
	st->st_atime_nsec = (unsigned long)va.va_atime.tv_nsec;
	st->st_mtime = (unsigned long)va.va_mtime.tv_sec;
	st->st_mtime_nsec = (unsigned long)va.va_mtime.tv_nsec;
	st->st_ctime = (unsigned long)va.va_ctime.tv_sec;
	st->st_ctime_nsec = (unsigned long)va.va_ctime.tv_nsec;
	return 0;
}

/* --- changed ------------------------------------------------------------------------ */

static int
attr_commit_locked(struct vnode *vp, struct vattr *va, unsigned int mask)
    REQUIRES(vp->v_lock)
{
	int error;

	va->va_ctime = ktime_to_timespec(clock_wall_coarse());
	if (vp->v_ops->vo_setattr == NULL)
		return EROFS;
	error = vp->v_ops->vo_setattr(vp, va, mask | VA_CTIME);
	vnode_modified(vp);
	return error;
}

/* The set-group-id bit is for members of the group. */
static bool
attr_maysetgid(gid_t gid, const struct cred *cr)
{
	return cred_ingroup(cr, gid) || cred_capable(cr, CAP_FSETID);
}

int
vnode_chmod(const struct vpath *path, mode_t mode, const struct cred *cr)
{
	struct vnode *vp = path->vp_vnode;
	struct vattr va = { .va_mode = mode & 07777 };
	int error;

	if (mount_readonly(path->vp_mount))
		return EROFS;
	rw_write_enter(&vp->v_lock);
	if (vp->v_type == VLNK) {
		error = EOPNOTSUPP;
	} else if (!access_isowner(vp, cr)) {
		error = EPERM;
	} else {
		if (!attr_maysetgid(atomic_load(&vp->v_gid), cr))
			va.va_mode &= ~(mode_t)S_ISGID;
		error = attr_commit_locked(vp, &va, VA_MODE);
	}
	rw_exit(&vp->v_lock);
	return error;
}

static int
chown_check(const struct vnode *vp, const struct vattr *va, unsigned int mask,
    const struct cred *cr)
{
	uid_t uid = atomic_load(&vp->v_uid);
	gid_t gid = atomic_load(&vp->v_gid);

	if ((mask & VA_UID) && !(cr->cr_fsuid == uid && va->va_uid == uid) &&
	    !cred_capable(cr, CAP_CHOWN))
		return EPERM;
	if ((mask & VA_GID) && !(cr->cr_fsuid == uid &&
	    (va->va_gid == gid || cred_ingroup(cr, va->va_gid))) &&
	    !cred_capable(cr, CAP_CHOWN))
		return EPERM;
	return 0;
}

/* A file that changes hands loses its set-id bits, whoever does it. */
static mode_t
chown_newmode(const struct vnode *vp, const struct cred *cr)
{
	mode_t mode = atomic_load(&vp->v_mode);

	if (vp->v_type == VDIR)
		return mode;
	if ((mode & S_ISGID) && ((mode & S_IXGRP) ||
	    !attr_maysetgid(atomic_load(&vp->v_gid), cr)))
		mode &= ~(mode_t)S_ISGID;
	return mode & ~(mode_t)S_ISUID;
}

int
vnode_chown(const struct vpath *path, uid_t uid, gid_t gid,
    const struct cred *cr)
{
	struct vnode *vp = path->vp_vnode;
	struct vattr va = { .va_uid = uid, .va_gid = gid };
	unsigned int mask = 0;
	int error;

	if (mount_readonly(path->vp_mount))
		return EROFS;
	if (uid != (uid_t)-1)
		mask |= VA_UID;
	if (gid != (gid_t)-1)
		mask |= VA_GID;
	rw_write_enter(&vp->v_lock);
	error = chown_check(vp, &va, mask, cr);
	va.va_mode = chown_newmode(vp, cr);
	if (error == 0 && va.va_mode != atomic_load(&vp->v_mode)) {
		mask |= VA_MODE;
		if (!access_isowner(vp, cr))
			error = EPERM;
		if (!attr_maysetgid(mask & VA_GID ? gid :
		    atomic_load(&vp->v_gid), cr))
			va.va_mode &= ~(mode_t)S_ISGID;
	}
	if (error == 0)
		error = attr_commit_locked(vp, &va, mask);
	rw_exit(&vp->v_lock);
	return error;
}

static bool
nsec_ok(int64_t nsec)
{
	return nsec == UTIME_NOW || nsec == UTIME_OMIT ||
	    (nsec >= 0 && nsec < NSEC_PER_SEC);
}

static int
utimes_check(struct vnode *vp, bool touch, const struct cred *cr)
{
	if (access_isowner(vp, cr))
		return 0;
	return touch ? vnode_access(vp, MAY_WRITE, cr) : EPERM;
}

/* ts: access and modification time, or NULL: both are now. */
int
vnode_utimes(const struct vpath *path, const struct timespec64 *ts,
    const struct cred *cr)
{
	struct timespec64 now = ktime_to_timespec(clock_wall_coarse());
	struct vnode *vp = path->vp_vnode;
	unsigned int mask = VA_ATIME | VA_MTIME;
	struct vattr va = { .va_atime = now, .va_mtime = now };
	int error;

	if (ts != NULL && (!nsec_ok(ts[0].tv_nsec) || !nsec_ok(ts[1].tv_nsec)))
		return EINVAL;
	if (ts != NULL && ts[0].tv_nsec == UTIME_NOW && ts[1].tv_nsec == UTIME_NOW)
		ts = NULL;
	if (mount_readonly(path->vp_mount))
		return EROFS;
	if (ts != NULL) {
		if (ts[0].tv_nsec == UTIME_OMIT)
			mask &= ~(unsigned int)VA_ATIME;
		else if (ts[0].tv_nsec != UTIME_NOW)
			va.va_atime = ts[0];
		if (ts[1].tv_nsec == UTIME_OMIT)
			mask &= ~(unsigned int)VA_MTIME;
		else if (ts[1].tv_nsec != UTIME_NOW)
			va.va_mtime = ts[1];
	}
	rw_write_enter(&vp->v_lock);
	error = utimes_check(vp, ts == NULL, cr);
	if (error == 0)
		error = attr_commit_locked(vp, &va, mask);
	rw_exit(&vp->v_lock);
	return error;
}

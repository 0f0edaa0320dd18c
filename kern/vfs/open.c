/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * open.c - from a path to an open file
 *
 * Three ways lead to a vnode: a plain look-up; a look-up that may create
 * (O_CREAT), which walks to the parent and takes the last step itself, again
 * for each symbolic link that the last name turns out to be; and a file
 * without a name (O_TMPFILE).  After that all is the same: checks in Linux's
 * order, then a struct file of the vnode's type.
 *
 * References: open(2), path_resolution(7); for the calls see open_syscalls.c.
 */

#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/stat.h>

#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/proc.h>

#include "open_impl.h"
#include "vfs_impl.h"

/* What fcntl(F_GETFL) does not tell. */
#define OPEN_ONCE	(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

struct openreq {
	unsigned int	 or_flags;	/* O_* */
	mode_t		 or_mode;	/* permission bits, umask not applied */
	unsigned int	 or_resolve;	/* RESOLVE_* */
	bool		 or_nofollow;	/* a link as the last name stays one */
	int		 or_access;	/* MAY_* */
	bool		 or_created;	/* result: the file is new */
};

/* --- what is asked for ------------------------------------------------------------ */

static void
openreq_init(struct openreq *or, const struct open_how *how)
{
	static const int access[] = {
		MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE,
	};

	*or = (struct openreq){ .or_flags = (unsigned int)how->flags,
	    .or_mode = (mode_t)how->mode & 07777,
	    .or_resolve = (unsigned int)how->resolve,
	    .or_nofollow = (how->flags & O_NOFOLLOW) != 0 };
	if (or->or_flags & O_PATH)
		return;
	if ((or->or_flags & O_SYNC) == (O_SYNC & ~O_DSYNC))
		or->or_flags |= O_DSYNC;
	if ((or->or_flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		or->or_nofollow = true;
	or->or_access = access[or->or_flags & O_ACCMODE];
	if (or->or_flags & O_TRUNC)
		or->or_access |= MAY_WRITE;
}

/* --- finding or making the vnode ------------------------------------------------------ */

static void
vpath_setvnode(struct vpath *path, struct vnode *vp)
{
	struct vnode *old = path->vp_vnode;

	path->vp_vnode = vp;
	vnode_rele(old);
}

/* Down through whatever is mounted there; the path is referenced. */
void
vpath_crossdown(struct vpath *path)
{
	struct vpath below;
	struct mount *mt;

	while (unlikely(atomic_load(&path->vp_vnode->v_nmounts) != 0)) {
		mt = mount_covering(path->vp_mount, path->vp_vnode);
		if (mt == NULL)
			return;
		if (!mount_tryhold(mt))
			continue;	/* it is being detached */
		below = (struct vpath){ mt, mt->mt_root };
		vnode_hold(below.vp_vnode);
		vpath_rele(path);
		*path = below;
	}
}

/* dvp's v_lock is held W and the name is free. */
static int
open_make_locked(struct lwp *l, struct nameidata *nd, struct openreq *or,
    struct vnode **ret_vp)
{
	struct vnode *dvp = nd->nd_path.vp_vnode;
	struct vattr va;
	int error;

	if (mount_readonly(nd->nd_path.vp_mount))
		return EROFS;
	error = access_create(dvp, curcred());
	if (error)
		return error;
	if (dvp->v_ops->vo_create == NULL)
		return EROFS;
	access_newattr(dvp, curcred(), S_IFREG | or->or_mode, &va);
	va.va_mode &= ~cwd_umask(l->l_proc);
	error = dvp->v_ops->vo_create(dvp, &nd->nd_last, &va, NULL, ret_vp);
	if (error)
		return error;
	vnode_modified(dvp);
	namecache_created(dvp, &nd->nd_last, *ret_vp);
	or->or_created = true;
	return 0;
}

/* The file that the last name leads to; made if it must. */
static int
open_last(struct lwp *l, struct nameidata *nd, struct openreq *or,
    struct vnode **ret_vp)
{
	struct vnode *dvp = nd->nd_path.vp_vnode;
	int error;

	if (atomic_load(&dvp->v_nentries) != 0 &&
	    namecache_lookup(dvp, &nd->nd_last, ret_vp) == NC_HIT &&
	    vnode_tryhold(*ret_vp))
		return 0;
	rw_write_enter(&dvp->v_lock);
	error = namei_fslookup_locked(dvp, &nd->nd_last, ret_vp);
	if (error == 0)
		namecache_enter(dvp, &nd->nd_last, *ret_vp);
	else if (error == ENOENT && !atomic_load(&dvp->v_unlinked))
		error = open_make_locked(l, nd, or, ret_vp);
	rw_exit(&dvp->v_lock);
	return error;
}

/* O_CREAT.  nd is a NAMEI_PARENT walk's and becomes the file's. */
static int
open_create(struct lwp *l, struct nameidata *nd, struct openreq *or)
{
	struct vnode *vp;
	int error;

	for (;;) {
		/* A directory: the checks refuse it. */
		if (nd->nd_kind == ND_DOTDOT)
			return namei_up(l, nd);
		if (nd->nd_kind != ND_NORM)
			return 0;
		if (nd->nd_slash)
			return EISDIR;
		error = open_last(l, nd, or, &vp);
		if (error)
			return error;
		if (vp->v_type != VLNK || or->or_nofollow) {
			vpath_setvnode(&nd->nd_path, vp);
			if ((or->or_resolve & RESOLVE_NO_XDEV) &&
			    mount_covering(nd->nd_path.vp_mount, vp) != NULL)
				return EXDEV;
			vpath_crossdown(&nd->nd_path);
			return 0;
		}
		error = namei_follow(l, nd, vp);
		if (error)
			return error;
	}
}

/* O_TMPFILE.  nd is the directory and becomes the file. */
static int
open_tmpfile(struct lwp *l, struct nameidata *nd, struct openreq *or)
{
	struct vnode *dvp = nd->nd_path.vp_vnode, *vp;
	struct vattr va;
	int error;

	if (mount_readonly(nd->nd_path.vp_mount))
		return EROFS;
	error = vnode_access(dvp, MAY_WRITE | MAY_EXEC, curcred());
	if (error)
		return error;
	if (dvp->v_ops->vo_tmpfile == NULL)
		return EOPNOTSUPP;
	access_newattr(dvp, curcred(), S_IFREG | or->or_mode, &va);
	va.va_mode &= ~cwd_umask(l->l_proc);
	rw_write_enter(&dvp->v_lock);
	error = dvp->v_ops->vo_tmpfile(dvp, &va, &vp);
	if (error == 0) {
		atomic_store(&vp->v_unlinked, true);
		atomic_store(&vp->v_linkable, (or->or_flags & O_EXCL) == 0);
	}
	rw_exit(&dvp->v_lock);
	if (error)
		return error;
	or->or_created = true;
	vpath_setvnode(&nd->nd_path, vp);
	return 0;
}

/* --- may it be opened -------------------------------------------------------------------- */

static int
open_check_type(const struct vpath *path, struct openreq *or)
{
	switch (path->vp_vnode->v_type) {
	case VLNK:
		return ELOOP;
	case VDIR:
		return or->or_access & MAY_WRITE ? EISDIR : 0;
	case VCHR:
	case VBLK:
		if (atomic_load(&path->vp_mount->mt_flags) & MS_NODEV)
			return EACCES;
		or->or_flags &= ~(unsigned int)O_TRUNC;
		return 0;
	case VFIFO:
	case VSOCK:
		or->or_flags &= ~(unsigned int)O_TRUNC;
		return 0;
	default:
		return 0;
	}
}

static int
open_check(const struct vpath *path, struct openreq *or)
{
	struct vnode *vp = path->vp_vnode;
	bool content = vp->v_type == VREG || vp->v_type == VDIR;
	int error;

	if ((or->or_flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return EEXIST;
	if ((or->or_flags & O_CREAT) && vp->v_type == VDIR)
		return EISDIR;
	if ((or->or_flags & O_DIRECTORY) && vp->v_type != VDIR)
		return ENOTDIR;
	if ((or->or_flags & O_TRUNC) && vp->v_type == VREG &&
	    mount_readonly(path->vp_mount))
		return EROFS;
	error = open_check_type(path, or);
	if (error)
		return error;
	if ((or->or_access & MAY_WRITE) && content &&
	    atomic_load(&vp->v_fs->fs_readonly))
		return EROFS;
	error = vnode_access(vp, or->or_access, curcred());
	if (error)
		return error;
	if ((or->or_flags & O_NOATIME) && !access_isowner(vp, curcred()))
		return EPERM;
	return 0;
}

/* --- the open file -------------------------------------------------------------------------- */

/* A regular file or directory, or anything with O_PATH.  Consumes the path. */
static int
open_vnode(struct vpath *path, unsigned int flags, struct file **ret_fp)
{
	bool writer = (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_RDONLY;
	struct vnode *vp = path->vp_vnode;
	int error;

	if (writer) {
		error = mount_beginwrite(path->vp_mount);
		if (error)
			return error;
	}
	error = 0;
	if ((flags & O_PATH) == 0 && vp->v_ops->vo_open != NULL)
		error = vp->v_ops->vo_open(vp, flags);
	if (error == 0)
		error = vfile_create(path, flags & ~(unsigned int)OPEN_ONCE,
		    &vnode_fileops, ret_fp);
	if (error) {
		if (writer)
			mount_endwrite(path->vp_mount);
		return error;
	}
	if (writer) {
		atomic_add(&vp->v_writers, 1);
		file_vfile(*ret_fp)->vf_writer = true;
	}
	*path = (struct vpath){ NULL, NULL };
	return 0;
}

static int
open_file(struct vpath *path, struct openreq *or, struct file **ret_fp)
{
	if (or->or_flags & O_PATH)
		return open_vnode(path, or->or_flags & O_PATH_FLAGS, ret_fp);
	switch (path->vp_vnode->v_type) {
	case VCHR:
	case VBLK:
		return specfs_open(path, or->or_flags & ~(unsigned int)OPEN_ONCE,
		    ret_fp);
	case VFIFO:
		return fifo_open(path, or->or_flags & ~(unsigned int)OPEN_ONCE,
		    ret_fp);
	case VSOCK:
		return ENXIO;
	default:
		return open_vnode(path, or->or_flags, ret_fp);
	}
}

static int
open_truncate(struct file *fp, const struct openreq *or)
{
	if ((or->or_flags & O_TRUNC) == 0 || or->or_created)
		return 0;
	return vnode_truncate(fp->f_data, 0, true);
}

static int
open_lookup(struct lwp *l, int dirfd, const char *path, struct openreq *or,
    struct nameidata *nd)
{
	unsigned int nflags = 0;
	int error;

	if (!or->or_nofollow)
		nflags |= NAMEI_FOLLOW;
	if (or->or_flags & O_DIRECTORY)
		nflags |= NAMEI_DIRECTORY;
	nd->nd_resolve = or->or_resolve;
	if (or->or_flags & O_CREAT) {
		error = namei(l, dirfd, path, NAMEI_PARENT, nd);
		return error ? error : open_create(l, nd, or);
	}
	error = namei(l, dirfd, path, nflags, nd);
	if (error == 0 && (or->or_flags & TMPFILE_BIT))
		error = open_tmpfile(l, nd, or);
	return error;
}

/*
 * The kernel's own opens come here too.  On a failure of namei() nd is
 * empty, so that it can be given back in any case.
 */
int
vfs_open(struct lwp *l, int dirfd, const char *path,
    const struct open_how *how, struct file **ret_fp)
{
	struct nameidata nd = { .nd_resolve = 0 };
	struct openreq or;
	struct file *fp;
	int error;

	openreq_init(&or, how);
	error = open_lookup(l, dirfd, path, &or, &nd);
	if (error == 0 && !or.or_created && (or.or_flags & O_PATH) == 0)
		error = open_check(&nd.nd_path, &or);
	if (error == 0)
		error = open_file(&nd.nd_path, &or, &fp);
	if (error == 0) {
		error = open_truncate(fp, &or);
		if (error)
			file_rele(fp);
	}
	nameidata_fini(&nd);
	if (error)
		return error;
	*ret_fp = fp;
	return 0;
}

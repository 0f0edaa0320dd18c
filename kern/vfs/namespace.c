/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * namespace.c - names made and taken away, except by rename
 *
 * Each operation has the parent from a NAMEI_PARENT walk, locks it for
 * writing, looks the last name up again, checks as Linux does and in its
 * order, locks the file if there is one, and lets the file system do it.
 * The name cache is corrected before the directory is unlocked.
 */

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/proc.h>

#include "namespace_impl.h"
#include "vfs_impl.h"

/* The caller's credentials, unless the walk was made with others. */
static const struct cred *
nd_cred(const struct nameidata *nd)
{
	return nd->nd_cred != NULL ? nd->nd_cred : curcred();
}

/* --- names that appear -------------------------------------------------------------- */

/*
 * May nd's name be made?  dvp is locked W.  A path that ends with a slash
 * asks for a directory.
 */
static int
create_check_locked(struct nameidata *nd, bool wantdir)
{
	struct vnode *dvp = nd->nd_path.vp_vnode, *vp;
	int error;

	error = namei_fslookup_locked(dvp, &nd->nd_last, &vp);
	if (error == 0) {
		vnode_rele(vp);
		return EEXIST;
	}
	if (error != ENOENT || atomic_load(&dvp->v_unlinked))
		return error;
	if (nd->nd_slash && !wantdir)
		return ENOENT;
	if (mount_readonly(nd->nd_path.vp_mount))
		return EROFS;
	return 0;
}

/* dvp is locked W and the name is free. */
static int
create_locked(struct nameidata *nd, mode_t mode, dev_t rdev, const char *link,
    struct vnode **ret_vp)
{
	struct vnode *dvp = nd->nd_path.vp_vnode;
	const struct cred *cr = nd_cred(nd);
	struct vattr va;
	int error;

	error = access_create(dvp, cr);
	if (error)
		return error;
	/* The device 0:0 is a whiteout, which everybody may make. */
	if (((mode & S_IFMT) == S_IFBLK ||
	    ((mode & S_IFMT) == S_IFCHR && rdev != 0)) &&
	    !cred_capable(cr, CAP_MKNOD))
		return EPERM;
	if (dvp->v_ops->vo_create == NULL)
		return EPERM;
	access_newattr(dvp, cr, mode, &va);
	va.va_rdev = rdev;
	return dvp->v_ops->vo_create(dvp, &nd->nd_last, &va, link, ret_vp);
}

int
vfs_create_vnode(struct nameidata *nd, mode_t mode, dev_t rdev,
    const char *link, struct vnode **ret_vp)
{
	struct vnode *dvp = nd->nd_path.vp_vnode, *vp;
	bool isdir = (mode & S_IFMT) == S_IFDIR;
	int error;

	if (nd->nd_kind != ND_NORM)
		return EEXIST;
	rw_write_enter(&dvp->v_lock);
	error = create_check_locked(nd, isdir);
	if (error == 0)
		error = create_locked(nd, mode, rdev, link, &vp);
	if (error == 0) {
		if (isdir)
			vnode_setparent(vp, dvp);
		namecache_created(dvp, &nd->nd_last, vp);
		vnode_modified(dvp);
		*ret_vp = vp;
	}
	rw_exit(&dvp->v_lock);
	return error;
}

int
vfs_create(struct nameidata *nd, mode_t mode, dev_t rdev, const char *link)
{
	struct vnode *vp;
	int error;

	error = vfs_create_vnode(nd, mode, rdev, link, &vp);
	if (error == 0)
		vnode_rele(vp);
	return error;
}

static int
link_check_locked(struct vnode *dvp, struct vnode *vp)
{
	int error;

	error = access_create(dvp, curcred());
	if (error)
		return error;
	if (vp->v_type == VDIR || dvp->v_ops->vo_link == NULL)
		return EPERM;
	return 0;
}

static int
link_locked(struct vnode *dvp, const struct cname *cn, struct vnode *vp)
{
	int error;

	rw_write_enter(&vp->v_lock);
	if (atomic_load(&vp->v_unlinked) && !atomic_load(&vp->v_linkable))
		error = ENOENT;
	else
		error = dvp->v_ops->vo_link(dvp, cn, vp);
	if (error == 0) {
		atomic_store(&vp->v_unlinked, false);
		atomic_store(&vp->v_linkable, false);
		namecache_created(dvp, cn, vp);
		vnode_modified(dvp);
		vnode_modified(vp);
	}
	rw_exit(&vp->v_lock);
	return error;
}

int
vfs_link(struct nameidata *nd, const struct vpath *old)
{
	struct vnode *dvp = nd->nd_path.vp_vnode;
	int error;

	if (nd->nd_kind != ND_NORM)
		return EEXIST;
	rw_write_enter(&dvp->v_lock);
	error = create_check_locked(nd, false);
	if (error == 0 && old->vp_mount != nd->nd_path.vp_mount)
		error = EXDEV;
	if (error == 0)
		error = link_check_locked(dvp, old->vp_vnode);
	if (error == 0)
		error = link_locked(dvp, &nd->nd_last, old->vp_vnode);
	rw_exit(&dvp->v_lock);
	return error;
}

/* --- names that go --------------------------------------------------------------------- */

static int
unlink_locked(struct vnode *dvp, const struct cname *cn, struct vnode *vp,
    const struct cred *cr)
{
	int error;

	error = access_delete(dvp, vp, false, cr);
	if (error)
		return error;
	if (dvp->v_ops->vo_unlink == NULL)
		return EPERM;
	rw_write_enter(&vp->v_lock);
	if (atomic_load(&vp->v_nmounts) != 0)
		error = EBUSY;
	else
		error = dvp->v_ops->vo_unlink(dvp, cn, vp);
	if (error == 0) {
		namecache_removed(dvp, cn, vp);
		vnode_checklink(vp);
		vnode_modified(dvp);
		vnode_modified(vp);
	}
	rw_exit(&vp->v_lock);
	return error;
}

int
vfs_unlink(struct nameidata *nd)
{
	struct vnode *dvp = nd->nd_path.vp_vnode, *vp;
	int error;

	if (nd->nd_kind != ND_NORM)
		return EISDIR;
	if (mount_readonly(nd->nd_path.vp_mount))
		return EROFS;
	rw_write_enter(&dvp->v_lock);
	error = namei_victim_locked(dvp, &nd->nd_last, &vp);
	if (error == 0) {
		if (nd->nd_slash)
			error = vp->v_type == VDIR ? EISDIR : ENOTDIR;
		else
			error = unlink_locked(dvp, &nd->nd_last, vp,
			    nd_cred(nd));
	} else {
		vp = NULL;
	}
	rw_exit(&dvp->v_lock);
	vnode_rele(vp);			/* may free all of its content */
	return error;
}

static int
rmdir_locked(struct vnode *dvp, const struct cname *cn, struct vnode *vp,
    const struct cred *cr)
{
	int error;

	error = access_delete(dvp, vp, true, cr);
	if (error)
		return error;
	if (dvp->v_ops->vo_rmdir == NULL)
		return EPERM;
	rw_write_enter(&vp->v_lock);
	if (atomic_load(&vp->v_nmounts) != 0)
		error = EBUSY;
	else
		error = dvp->v_ops->vo_rmdir(dvp, cn, vp);
	if (error == 0) {
		atomic_store(&vp->v_unlinked, true);
		namecache_purge(vp);	/* negative entries in it, and its name */
		vnode_modified(dvp);
	}
	rw_exit(&vp->v_lock);
	return error;
}

int
vfs_rmdir(struct nameidata *nd)
{
	static const int kind_error[] = {
		[ND_DOT] = EINVAL, [ND_DOTDOT] = ENOTEMPTY, [ND_ROOT] = EBUSY,
	};
	struct vnode *dvp = nd->nd_path.vp_vnode, *vp;
	int error;

	if (nd->nd_kind != ND_NORM)
		return kind_error[nd->nd_kind];
	if (mount_readonly(nd->nd_path.vp_mount))
		return EROFS;
	rw_write_enter(&dvp->v_lock);
	error = namei_victim_locked(dvp, &nd->nd_last, &vp);
	if (error == 0)
		error = rmdir_locked(dvp, &nd->nd_last, vp, nd_cred(nd));
	else
		vp = NULL;
	rw_exit(&dvp->v_lock);
	vnode_rele(vp);
	return error;
}

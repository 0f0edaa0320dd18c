/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rename.c - a name moves
 *
 * Two directories and up to two files are locked.  What makes that safe:
 *
 *  - a rename between two directories holds fs_rename_lock, so that "which
 *    directory is above which" is settled while it locks them, the upper one
 *    first; two that are not in line are locked in any order, because nobody
 *    else locks two such;
 *  - the files come after the directories, and of two files the lower
 *    address first; a directory that is moved or replaced is never above
 *    the other parent (EINVAL, ENOTEMPTY before it is locked).
 *
 * rename_check() looks and touches nothing; rename_commit() lets the file
 * system move the names and then corrects parents and name cache.
 *
 * References: rename(2), POSIX.1-2017 rename().
 */

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/stat.h>

#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kassert.h>

#include "namespace_impl.h"
#include "vfs_impl.h"

struct renaming {
	struct vnode	*r_fdvp, *r_tdvp;	/* borrowed from the walks */
	const struct cname *r_fcn, *r_tcn;
	struct vnode	*r_fvp;			/* referenced */
	struct vnode	*r_tvp;			/* referenced, or NULL */
	bool		 r_fslash, r_tslash;
	bool		 r_alone;		/* fs_rename_lock is held */
	unsigned int	 r_flags;
};

/*
 * --- locks -------------------------------------------------------------------------
 *
 * Everybody else locks a directory and then one file in it: always downwards
 * in the tree.  Who locks two places of which none is above the other could
 * meet such a one, or his like, the other way round; so there is but one of
 * them at a time, by fs_rename_lock, and all that he has to heed is never to
 * wait for what is above something he has.  That two directories are in one
 * is only known once it is locked: then it is let go and done again, alone.
 * Two files that are no directories lead nowhere: the address tells.
 *
 * Which locks there are depends on whether directories and files are the
 * same: clang cannot follow that.
 */

static void NO_THREAD_SAFETY
rename_lock_dirs(struct renaming *r)
{
	struct vnode *f = r->r_fdvp, *t = r->r_tdvp;

	if (f != t)
		r->r_alone = true;
	if (r->r_alone)
		mutex_enter(&f->v_fs->fs_rename_lock);
	if (f == t) {
		rw_write_enter(&f->v_lock);
	} else if (vnode_isbelow(f, t)) {
		rw_write_enter(&t->v_lock);
		rw_write_enter(&f->v_lock);
	} else {
		rw_write_enter(&f->v_lock);
		rw_write_enter(&t->v_lock);
	}
}

static void NO_THREAD_SAFETY
rename_unlock_dirs(struct renaming *r)
{
	rw_exit(&r->r_fdvp->v_lock);
	if (r->r_fdvp != r->r_tdvp)
		rw_exit(&r->r_tdvp->v_lock);
	if (r->r_alone)
		mutex_exit(&r->r_fdvp->v_fs->fs_rename_lock);
}

/* Two directories side by side are locked by nobody but the one who is alone. */
static bool
rename_must_be_alone(const struct renaming *r)
{
	return !r->r_alone && r->r_tvp != NULL && r->r_fvp->v_type == VDIR &&
	    r->r_tvp->v_type == VDIR;
}

/* Directories come first: a file can have a second name in one of them. */
static bool
rename_is_second(const struct vnode *vp, const struct vnode *other)
{
	if ((vp->v_type == VDIR) != (other->v_type == VDIR))
		return other->v_type == VDIR;
	return (uintptr_t)other < (uintptr_t)vp;
}

static void NO_THREAD_SAFETY
rename_lock_files(struct renaming *r)
{
	struct vnode *first = r->r_fvp, *second = r->r_tvp;

	if (second != NULL && rename_is_second(first, second)) {
		first = r->r_tvp;
		second = r->r_fvp;
	}
	rw_write_enter(&first->v_lock);
	if (second != NULL)
		rw_write_enter(&second->v_lock);
}

static void NO_THREAD_SAFETY
rename_unlock_files(struct renaming *r)
{
	rw_exit(&r->r_fvp->v_lock);
	if (r->r_tvp != NULL)
		rw_exit(&r->r_tvp->v_lock);
}

/* --- look-up, in the locked directories ----------------------------------------------- */

static int
rename_lookup(struct renaming *r)
{
	int error;

	error = namei_step_locked(r->r_fdvp, r->r_fcn, &r->r_fvp);
	if (error) {
		r->r_fvp = NULL;
		return error;
	}
	error = namei_step_locked(r->r_tdvp, r->r_tcn, &r->r_tvp);
	if (error)
		r->r_tvp = NULL;
	if (error == ENOENT && atomic_load(&r->r_tdvp->v_unlinked))
		return ENOENT;
	if (error && error != ENOENT)
		return error;
	if (error == ENOENT && (r->r_flags & RENAME_EXCHANGE))
		return ENOENT;
	if (error == 0 && (r->r_flags & RENAME_NOREPLACE))
		return EEXIST;
	return 0;
}

/* --- checks --------------------------------------------------------------------------- */

/* A slash behind a name asks for a directory. */
static int
rename_check_slashes(const struct renaming *r)
{
	bool fdir = r->r_fvp->v_type == VDIR;

	if (r->r_flags & RENAME_EXCHANGE) {
		if (r->r_tvp->v_type != VDIR && r->r_tslash)
			return ENOTDIR;
	}
	if (!fdir) {
		if (r->r_fslash)
			return ENOTDIR;
		if ((r->r_flags & RENAME_EXCHANGE) == 0 && r->r_tslash)
			return ENOTDIR;
	}
	return 0;
}

/* A directory may not move below itself, nor take the place of what is above. */
static int
rename_check_loop(const struct renaming *r)
{
	if (r->r_fvp->v_type == VDIR && vnode_isbelow(r->r_tdvp, r->r_fvp))
		return EINVAL;
	if (r->r_tvp != NULL && r->r_tvp->v_type == VDIR &&
	    vnode_isbelow(r->r_fdvp, r->r_tvp))
		return r->r_flags & RENAME_EXCHANGE ? EINVAL : ENOTEMPTY;
	return 0;
}

static int
rename_check_access(const struct renaming *r, const struct cred *cr)
{
	bool fdir = r->r_fvp->v_type == VDIR;
	int error;

	error = access_delete(r->r_fdvp, r->r_fvp, fdir, cr);
	if (error)
		return error;
	if (r->r_tvp == NULL)
		error = access_create(r->r_tdvp, cr);
	else if (r->r_flags & RENAME_EXCHANGE)
		error = access_delete(r->r_tdvp, r->r_tvp,
		    r->r_tvp->v_type == VDIR, cr);
	else
		error = access_delete(r->r_tdvp, r->r_tvp, fdir, cr);
	if (error || r->r_fdvp == r->r_tdvp)
		return error;
	/* Its ".." changes: a directory has to be writable itself. */
	if (fdir)
		error = vnode_access(r->r_fvp, MAY_WRITE, cr);
	if (error == 0 && (r->r_flags & RENAME_EXCHANGE) &&
	    r->r_tvp->v_type == VDIR)
		error = vnode_access(r->r_tvp, MAY_WRITE, cr);
	return error;
}

/* Without the files' locks.  -1: nothing is to be done, and that is fine. */
static int
rename_check(struct renaming *r)
{
	int error;

	error = rename_lookup(r);
	if (error)
		return error;
	error = rename_check_slashes(r);
	if (error)
		return error;
	error = rename_check_loop(r);
	if (error)
		return error;
	if (r->r_fvp == r->r_tvp)
		return -1;		/* two names of one file */
	error = rename_check_access(r, curcred());
	if (error)
		return error;
	if ((r->r_flags & RENAME_WHITEOUT) &&
	    !cred_capable(curcred(), CAP_MKNOD))
		return EPERM;
	return r->r_fdvp->v_ops->vo_rename == NULL ? EPERM : 0;
}

static bool
rename_busy(const struct renaming *r)
{
	return atomic_load(&r->r_fvp->v_nmounts) != 0 ||
	    (r->r_tvp != NULL && atomic_load(&r->r_tvp->v_nmounts) != 0);
}

/* --- doing it --------------------------------------------------------------------------- */

static void
rename_settle(struct renaming *r)
{
	bool swap = (r->r_flags & RENAME_EXCHANGE) != 0;

	namecache_remove(r->r_fdvp, r->r_fcn);
	if (r->r_tvp != NULL && !swap) {
		if (r->r_tvp->v_type == VDIR) {
			atomic_store(&r->r_tvp->v_unlinked, true);
			namecache_purge(r->r_tvp);
		} else {
			vnode_checklink(r->r_tvp);
		}
	}
	if (r->r_fdvp != r->r_tdvp) {
		if (r->r_fvp->v_type == VDIR)
			vnode_setparent(r->r_fvp, r->r_tdvp);
		if (swap && r->r_tvp->v_type == VDIR)
			vnode_setparent(r->r_tvp, r->r_fdvp);
	}
	namecache_enter(r->r_tdvp, r->r_tcn, r->r_fvp);
	if (swap)
		namecache_enter(r->r_fdvp, r->r_fcn, r->r_tvp);
	vnode_modified(r->r_fdvp);
	vnode_modified(r->r_tdvp);
	vnode_modified(r->r_fvp);
	if (r->r_tvp != NULL)
		vnode_modified(r->r_tvp);
}

static int
rename_commit(struct renaming *r)
{
	int error;

	rename_lock_files(r);
	if (rename_busy(r))
		error = EBUSY;
	else
		error = r->r_fdvp->v_ops->vo_rename(r->r_fdvp, r->r_fcn,
		    r->r_fvp, r->r_tdvp, r->r_tcn, r->r_tvp, r->r_flags);
	if (error == 0)
		rename_settle(r);
	rename_unlock_files(r);
	return error;
}

/* ERESTART: it has to be done alone. */
static int
rename_locked(struct renaming *r)
{
	int error;

	rename_lock_dirs(r);
	error = rename_check(r);
	if (error == 0)
		error = rename_must_be_alone(r) ? ERESTART : rename_commit(r);
	rename_unlock_dirs(r);
	vnode_rele(r->r_fvp);
	vnode_rele(r->r_tvp);
	r->r_fvp = r->r_tvp = NULL;
	return error;
}

int
vfs_rename(struct nameidata *from, struct nameidata *to, unsigned int flags)
{
	struct renaming r = {
		.r_fdvp = from->nd_path.vp_vnode, .r_fcn = &from->nd_last,
		.r_tdvp = to->nd_path.vp_vnode, .r_tcn = &to->nd_last,
		.r_fslash = from->nd_slash, .r_tslash = to->nd_slash,
		.r_flags = flags,
	};
	int error;

	if (from->nd_path.vp_mount != to->nd_path.vp_mount)
		return EXDEV;
	if (from->nd_kind != ND_NORM)
		return EBUSY;
	if (to->nd_kind != ND_NORM)
		return flags & RENAME_NOREPLACE ? EEXIST : EBUSY;
	if (mount_readonly(from->nd_path.vp_mount))
		return EROFS;
	error = rename_locked(&r);
	if (error == ERESTART) {
		r.r_alone = true;
		error = rename_locked(&r);
	}
	return error < 0 ? 0 : error;
}

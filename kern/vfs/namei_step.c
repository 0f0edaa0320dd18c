/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * namei_step.c - from a directory and a name to a file
 *
 * What is found is entered into the name cache while the directory's v_lock
 * is held, be it for reading: nobody changes the name meanwhile.
 */

#include <linux/limits.h>

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <vfs/namei.h>

#include "vfs_impl.h"

/* A directory under another name, or below itself: only a bad image has it. */
static int
namei_adopt(struct vnode *dvp, struct vnode *vp)
{
	struct vnode *parent = atomic_load_acq(&vp->v_parent);

	if (likely(parent == dvp))
		return 0;
	if (parent != NULL || vp->v_root || vp == dvp)
		return EUCLEAN;
	vnode_setparent(vp, dvp);
	return 0;
}

/* The file system's own answer.  Who changes the directory is the caller. */
int
namei_fslookup_locked(struct vnode *dvp, const struct cname *cn,
    struct vnode **ret_vp)
{
	uint32_t maxname = dvp->v_fs->fs_maxname;
	struct vnode *vp;
	int error;

	KASSERT(rw_held(&dvp->v_lock));
	if (atomic_load(&dvp->v_unlinked))
		return ENOENT;
	if (cn->cn_len > (maxname != 0 ? maxname : NAME_MAX))
		return ENAMETOOLONG;
	if (dvp->v_ops->vo_lookup == NULL)
		return ENOENT;
	error = dvp->v_ops->vo_lookup(dvp, cn, &vp);
	if (error == 0 && vp->v_type == VDIR) {
		error = namei_adopt(dvp, vp);
		if (error)
			vnode_rele(vp);
	}
	if (error == 0)
		*ret_vp = vp;
	return error;
}

int
namei_step_locked(struct vnode *dvp, const struct cname *cn,
    struct vnode **ret_vp)
{
	switch (namecache_lookup(dvp, cn, ret_vp)) {
	case NC_NEGATIVE:
		return ENOENT;
	case NC_HIT:
		if (vnode_tryhold(*ret_vp))
			return 0;
		break;			/* it dies: the file system loads it again */
	case NC_MISS:
		break;
	}
	return namei_fslookup_locked(dvp, cn, ret_vp);
}

int
namei_victim_locked(struct vnode *dvp, const struct cname *cn,
    struct vnode **ret_vp)
{
	if (dvp->v_fs->fs_keepvnodes && atomic_load(&dvp->v_nnegative) == 0)
		return namei_fslookup_locked(dvp, cn, ret_vp);
	return namei_step_locked(dvp, cn, ret_vp);
}

int
namei_step(struct vnode *dvp, const struct cname *cn, struct vnode **ret_vp)
{
	struct vnode *vp;
	int error;

	if (dvp->v_type != VDIR)
		return ENOTDIR;
	if (namecache_lookup(dvp, cn, &vp) == NC_HIT && vnode_tryhold(vp)) {
		*ret_vp = vp;
		return 0;
	}
	rw_read_enter(&dvp->v_lock);
	error = namei_step_locked(dvp, cn, &vp);
	if (error == 0) {
		namecache_enter(dvp, cn, vp);
		*ret_vp = vp;
	} else if (error == ENOENT && !atomic_load(&dvp->v_unlinked)) {
		namecache_enter(dvp, cn, NULL);
	}
	rw_exit(&dvp->v_lock);
	return error;
}

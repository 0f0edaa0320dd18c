/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mount_detach.c - mounts leave the tree: umount2(2)
 *
 * A mount goes when nobody uses it: its references are the tree's and that of who
 * looked it up.  With MNT_DETACH it goes from the tree at once, with all that
 * is below it, children first, and each ends when its users do.  MNT_EXPIRE goes
 * in two steps: the first marks it, and any use in between takes the mark away.
 *
 * Locking: mount_lock; what was covered is released after it.
 */

#include <linux/mount.h>

#include <sys/atomic.h>
#include <sys/errno.h>
#include <vfs/mount.h>

#include "mount_impl.h"
#include "vfs_impl.h"

struct mount *
mount_leaf_locked(struct mount *top)
{
	struct list_node *n;
	struct mount *mt;

	LIST_FOREACH(n, &mount_list) {
		mt = mount_at(n);
		if (mt->mt_nchildren == 0 && mount_isbelow_locked(mt, top))
			return mt;
	}
	return top;
}

/* Takes top and all below it out of the tree; they end when their users do. */
static void
mount_detach_tree(struct mount *top)
{
	struct mount *mt = NULL;
	struct vpath was;

	mount_hold(top);
	while (mt != top) {
		mutex_enter(&mount_lock);
		if (top->mt_detached) {
			mutex_exit(&mount_lock);
			break;
		}
		mt = mount_leaf_locked(top);
		list_remove(&mt->mt_link);
		mount_unlink_locked(mt, &was);
		mutex_exit(&mount_lock);
		vpath_rele(&was);
		mount_rele(mt);
	}
	mount_rele(top);
}

/* Unused but for the tree's and the caller's reference? Then neither remains. */
static int
mount_detach_idle(struct mount *mt, int flags)
{
	uint32_t two = 2;
	struct vpath was;

	mutex_enter(&mount_lock);
	if (mt->mt_detached) {
		mutex_exit(&mount_lock);
		return EINVAL;
	}
	if (mt->mt_nchildren > 0 || atomic_load(&mt->mt_refs) != 2) {
		mutex_exit(&mount_lock);
		return EBUSY;
	}
	if ((flags & MNT_EXPIRE) && !atomic_load(&mt->mt_expire)) {
		atomic_store(&mt->mt_expire, true);
		mutex_exit(&mount_lock);
		return EAGAIN;
	}
	if (!atomic_cas_ar(&mt->mt_refs, &two, 0)) {
		mutex_exit(&mount_lock);
		return EBUSY;
	}
	list_remove(&mt->mt_link);
	mount_unlink_locked(mt, &was);
	mutex_exit(&mount_lock);
	vpath_rele(&was);
	mount_destroy(mt);
	return 0;
}

/*
 * The look-up that found the mount is not the use that MNT_EXPIRE asks about,
 * so its reference goes by mount_put().
 */
int
mount_detach(struct vpath *where, int flags)
{
	struct mount *mt = where->vp_mount;
	bool isroot = where->vp_vnode == mt->mt_root;
	int error;

	vnode_rele(where->vp_vnode);
	*where = (struct vpath){ NULL, NULL };
	if (!isroot) {
		error = EINVAL;
	} else if (mt == mount_top) {
		error = flags & MNT_DETACH ? EINVAL : EBUSY;
	} else if (flags & MNT_DETACH) {
		mount_detach_tree(mt);
		error = 0;
	} else {
		error = mount_detach_idle(mt, flags);
		if (error == 0)
			return 0;	/* our reference went with it */
	}
	mount_put(mt);
	return error;
}

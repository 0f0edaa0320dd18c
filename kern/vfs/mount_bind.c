/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mount_bind.c - bind mounts: copies of a mount, or of a tree of them
 *
 * A copy is built aside and attached when it is complete, so that nobody sees
 * half of it and a failure leaves nothing.
 */

#include <sys/errno.h>
#include <sys/kassert.h>
#include <vfs/mount.h>

#include "mount_impl.h"
#include "vfs_impl.h"

/* A copy of mt, attached at the same vnode of newparent. */
static int
mount_graft(struct mount *mt, struct vnode *point, struct mount *newparent,
    struct mount **ret_mt)
{
	struct vpath where = { newparent, point };
	struct mount *copy;
	int error;

	error = mount_clone(mt, mt->mt_root, &copy);
	if (error)
		return error;
	mutex_enter(&mount_lock);
	vpath_hold(&where);
	mount_link_locked(copy, &where);
	list_insert_tail(&mount_list, &copy->mt_link);
	mutex_exit(&mount_lock);
	*ret_mt = copy;
	return 0;
}

/* The next child of mt after number id whose place is at or below top; held. */
static struct mount *
mount_nextchild(struct mount *mt, uint32_t id, struct vnode *top,
    struct vnode **ret_point)
{
	struct mount *c, *best = NULL;
	struct list_node *n;

	mutex_enter(&mount_lock);
	LIST_FOREACH(n, &mount_list) {
		c = mount_at(n);
		if (c->mt_parent == mt && c->mt_id > id &&
		    (best == NULL || c->mt_id < best->mt_id) &&
		    (c->mt_point == top || vnode_isbelow(c->mt_point, top)))
			best = c;
	}
	if (best != NULL) {
		mount_hold(best);
		vnode_hold(best->mt_point);
		*ret_point = best->mt_point;
	}
	mutex_exit(&mount_lock);
	return best;
}

/* Copies what is mounted on from (below top of it) to copy, level by level. */
static int
mount_copy_children(struct mount *from, struct vnode *top, struct mount *copy,
    unsigned int depth)
{
	struct mount *c, *new;
	struct vnode *point;
	uint32_t id = 0;
	int error = 0;

	if (depth == 0)
		return ELOOP;
	while (error == 0 &&
	    (c = mount_nextchild(from, id, top, &point)) != NULL) {
		id = c->mt_id;
		error = mount_graft(c, point, copy, &new);
		if (error == 0)
			error = mount_copy_children(c, c->mt_root, new, depth - 1);
		vnode_rele(point);
		mount_rele(c);
	}
	return error;
}

#define MOUNT_MAXDEPTH	64

int
mount_bind_tree(const struct vpath *from, bool recursive,
    struct mount **ret_mt)
{
	struct mount *mt;
	int error;

	error = mount_clone(from->vp_mount, from->vp_vnode, &mt);
	if (error)
		return error;
	if (recursive)
		error = mount_copy_children(from->vp_mount, from->vp_vnode, mt,
		    MOUNT_MAXDEPTH);
	if (error) {
		mount_discard_tree(mt);
		return error;
	}
	*ret_mt = mt;
	return 0;
}

/* A tree that was not attached: the children, then the creator's reference. */
void
mount_discard_tree(struct mount *top)
{
	struct mount *mt;
	struct vpath was;

	for (;;) {
		mutex_enter(&mount_lock);
		mt = mount_leaf_locked(top);
		if (mt == top) {
			mutex_exit(&mount_lock);
			break;
		}
		list_remove(&mt->mt_link);
		mount_unlink_locked(mt, &was);
		mutex_exit(&mount_lock);
		vpath_rele(&was);
		mount_rele(mt);
	}
	mount_rele(top);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vnode_trim.c - letting vnodes go: too many, memory wanted, unmounted
 *
 * A clock hand goes round the idle list.  A vnode that was used since it
 * passed loses its mark and stays; one in use stays as well, because its
 * user's last release would otherwise have to look whether it is listed.
 *
 * vnode_trim() calls into file systems, so it runs where no lock is held: at
 * the start of a look-up, when somebody has asked for it.
 */

#include <lib/list.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <vfs/mount.h>
#include <vfs/vnode.h>

#include "vfs_impl.h"
#include "vnode_impl.h"

/* Candidates that one trim looks at per vnode it wants. */
#define VCACHE_SCAN	4

uint32_t vnode_wanttrim;
static unsigned int vcache_trimming;	/* vcache_lock: threads in vcache_trim_to() */

/*
 * The clock hand: the first idle vnode that nobody used since it passed, made
 * dead.  Those in use stay on the list, or their last release would have to
 * look twice.
 */
static struct vnode *
vcache_victim_locked(unsigned int *scan)
{
	struct vnode *vp;
	struct list_node *n;
	uint32_t zero;

	while (*scan > 0 && (n = list_first(&vcache_idle)) != NULL) {
		(*scan)--;
		vp = container_of(n, struct vnode, v_idle);
		list_remove(n);
		zero = 0;
		if (atomic_load(&vp->v_hot)) {
			atomic_store(&vp->v_hot, false);
		} else if (atomic_cas_ar(&vp->v_refs, &zero, VREF_DEAD)) {
			vp->v_onidle = false;
			return vp;
		}
		list_insert_tail(&vcache_idle, n);
	}
	return NULL;
}

/* Lets idle vnodes go until there are at most target evictable ones. */
static void
vcache_trim_to(uint64_t target)
{
	struct vnode *vp;
	unsigned int scan;
	uint64_t over;

	mutex_enter(&vcache_lock);
	vcache_trimming++;
	over = vcache_evictable > target ? vcache_evictable - target : 0;
	scan = (unsigned int)(over * VCACHE_SCAN + 2 * VCACHE_SCAN);
	while (vcache_evictable > target &&
	    (vp = vcache_victim_locked(&scan)) != NULL) {
		mutex_exit(&vcache_lock);
		vnode_rele(vnode_kill(vp));
		mutex_enter(&vcache_lock);
	}
	vcache_trimming--;
	if (vcache_waiters > 0)
		cv_broadcast(&vcache_cv);
	mutex_exit(&vcache_lock);
}

void
vnode_trim(void)
{
	uint64_t target = atomic_load(&vcache_limit);

	/* 2: memory is short, an eighth of what there is goes. */
	if (atomic_swap_ar(&vnode_wanttrim, 0) == 2) {
		uint64_t now = atomic_load(&vcache_count);

		if (now - now / 8 < target)
			target = now - now / 8;
	}
	vcache_trim_to(target);
}

/*
 * vo_reclaim may want locks that the allocating thread holds, so the work is
 * left to the next look-up; the page cache is the one that gives at once.
 */
static size_t
vcache_shrink(size_t want __unused_arg)
{
	atomic_store(&vnode_wanttrim, 2);
	return 0;
}

static struct reclaimer vcache_reclaimer = {
	.rc_name = "vnodes", .rc_shrink = vcache_shrink,
};

/* With keepvnodes the file system's own references do not count. */
static struct vnode *
vcache_killable_locked(struct fs *fs)
{
	struct list_node *n;
	struct vnode *vp;
	uint32_t refs;

	LIST_FOREACH(n, &fs->fs_vnodes) {
		vp = container_of(n, struct vnode, v_fslink);
		refs = atomic_load(&vp->v_refs);
		if ((refs == 0 || (fs->fs_keepvnodes && refs < VREF_DEAD)) &&
		    atomic_cas_ar(&vp->v_refs, &refs, VREF_DEAD))
			return vp;
	}
	return NULL;
}

/*
 * One vnode each round, because a child's end frees its parent.  No mount
 * leads here any more, so what is in use is so by a vnode_trim() that is
 * under way: it has a dying vnode, or the parent of one.
 */
static struct vnode *
vcache_next_of_fs(struct fs *fs)
{
	struct vnode *vp;

	mutex_enter(&vcache_lock);
	while ((vp = vcache_killable_locked(fs)) == NULL && vcache_trimming > 0) {
		vcache_waiters++;
		cv_wait(&vcache_cv, &vcache_lock);
		vcache_waiters--;
	}
	KASSERTMSG(vp != NULL || list_empty(&fs->fs_vnodes),
	    "%s: a vnode is held", fs->fs_type->ft_name);
	mutex_exit(&vcache_lock);
	return vp;
}

void
vnode_reclaim_fs(struct fs *fs)
{
	struct vnode *vp, *parent;

	while ((vp = vcache_next_of_fs(fs)) != NULL) {
		parent = vnode_kill(vp);
		/* Of keepvnodes the parent may be dead already. */
		if (parent != NULL && !fs->fs_keepvnodes)
			vnode_rele(parent);
	}
}

void
vnode_trim_boot(void)
{
	reclaimer_register(&vcache_reclaimer);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vnode_hash.c - where the vnodes in memory are found by their number
 *
 * One hash for all file system instances, read without a lock, changed under
 * vcache_lock.  It doubles when it has as many vnodes as buckets.  A reader who follows
 * a chain while its vnodes move to the larger table ends in another chain and misses;
 * whoever misses looks again under the lock.
 *
 * Beside it, what is counted over all vnodes: how many there are, how many may be let
 * go, and whether those are too many (vnode_trim.c).
 */

#include <lib/hash.h>
#include <lib/list.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/qsbr.h>
#include <vfs/mount.h>
#include <vfs/vnode.h>

#include "vfs_impl.h"
#include "vnode_impl.h"

#define VCACHE_MINBUCKETS	256

struct vtable {
	struct qsbr_head vt_qsbr;
	size_t		 vt_mask;
	struct vnode	*vt_bucket[];
};

static struct vtable *vcache_table;	/* vcache_lock; read by qsbr */
static uint64_t vcache_hashed;		/* vcache_lock: vnodes in the hash */
uint64_t vcache_count;			/* vcache_lock: all there are */
uint64_t vcache_evictable;		/* vcache_lock: ... and allowed to idle out */

static size_t
vtable_size(size_t nbuckets)
{
	return sizeof(struct vtable) + nbuckets * sizeof(struct vnode *);
}

static struct vtable *
vtable_create(size_t nbuckets, int flags)
{
	struct vtable *vt;

	vt = kmem_zalloc(vtable_size(nbuckets), flags);
	if (vt != NULL)
		vt->vt_mask = nbuckets - 1;
	return vt;
}

static void
vtable_free(struct qsbr_head *qh)
{
	struct vtable *vt = container_of(qh, struct vtable, vt_qsbr);

	kmem_free(vt, vtable_size(vt->vt_mask + 1));
}

static struct vnode **
vtable_bucket(struct vtable *vt, const struct fs *fs, ino_t ino)
{
	return &vt->vt_bucket[hash_u64(ino ^ hash_ptr(fs)) & vt->vt_mask];
}

struct vnode *
vcache_find(const struct fs *fs, ino_t ino)
{
	struct vtable *vt = atomic_load_acq(&vcache_table);
	struct vnode *vp;

	vp = atomic_load_acq(vtable_bucket(vt, fs, ino));
	while (vp != NULL && (vp->v_ino != ino || vp->v_fs != fs))
		vp = atomic_load_acq(&vp->v_hashnext);
	return vp;
}

/* A table twice as large. */
static void
vcache_grow_locked(void)
{
	struct vtable *old = vcache_table, *vt;
	struct vnode *vp, *next, **b;
	size_t i;

	vt = vtable_create(2 * (old->vt_mask + 1), KM_NOSLEEP);
	if (vt == NULL)
		return;			/* longer chains, nothing worse */
	for (i = 0; i <= old->vt_mask; i++) {
		for (vp = old->vt_bucket[i]; vp != NULL; vp = next) {
			next = vp->v_hashnext;
			b = vtable_bucket(vt, vp->v_fs, vp->v_ino);
			atomic_store_rel(&vp->v_hashnext, *b);
			*b = vp;
		}
	}
	atomic_store_rel(&vcache_table, vt);
	qsbr_call(&old->vt_qsbr, vtable_free);
}

static void
vcache_hash_locked(struct vnode *vp)
{
	struct vnode **b;

	if (vcache_hashed > vcache_table->vt_mask)
		vcache_grow_locked();
	b = vtable_bucket(vcache_table, vp->v_fs, vp->v_ino);
	vp->v_hashnext = *b;
	atomic_store_rel(b, vp);
	vcache_hashed++;
}

static void
vcache_unhash_locked(struct vnode *vp)
{
	struct vnode **b;

	b = vtable_bucket(vcache_table, vp->v_fs, vp->v_ino);
	while (*b != NULL && *b != vp)
		b = &(*b)->v_hashnext;
	if (*b == vp) {
		atomic_store_rel(b, vp->v_hashnext);
		vcache_hashed--;
	}
}

void
vcache_insert_locked(struct vnode *vp, bool hash)
{
	if (hash)
		vcache_hash_locked(vp);
	/* Newest first: children before their parents, for vnode_reclaim_fs(). */
	list_insert_head(&vp->v_fs->fs_vnodes, &vp->v_fslink);
	atomic_store(&vcache_count, vcache_count + 1);
	if (!vp->v_fs->fs_keepvnodes && ++vcache_evictable > vcache_limit)
		atomic_store(&vnode_wanttrim, 1);
}

void
vcache_remove_locked(struct vnode *vp)
{
	if (!vp->v_fs->fs_keepvnodes || vp->v_root)
		vcache_unhash_locked(vp);
	list_remove(&vp->v_fslink);
	atomic_store(&vcache_count, vcache_count - 1);
	if (!vp->v_fs->fs_keepvnodes)
		vcache_evictable--;
	if (vcache_waiters > 0)
		cv_broadcast(&vcache_cv);
}

int
vcache_boot(void)
{
	vcache_table = vtable_create(VCACHE_MINBUCKETS, KM_SLEEP);
	return vcache_table != NULL ? 0 : ENOMEM;
}

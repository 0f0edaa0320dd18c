/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mount.c - the tree of mounts
 *
 * A mount attaches one directory of a file system instance (its root, or any
 * other for a bind mount) to a place in another mount.  The tree is changed
 * under mount_lock; walks read it without: "what covers this vnode" is a
 * hash that is read by qsbr, and mounts are freed through it.
 *
 * Life cycle
 *	mount_create(), mount_clone()	one reference, the creator's
 *	mount_attach()		that reference is the tree's now
 *	mount_detach()		the tree's goes; with MNT_DETACH others may remain (mount_detach.c)
 *	The last mount_rele() frees it; the last mount of an instance ends that.
 *
 * Who holds a vnode holds a mount of its instance too (struct vpath), hence
 * an instance without mounts has no vnode in use but those that the name
 * cache keeps as parents, and mt_refs alone tells whether a mount is busy.
 *
 * Locking: mount_lock, after every v_lock.  Nothing that sleeps for long is
 * done under it: what a change frees is released afterwards.
 */

#include <lib/hash.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/qsbr.h>
#include <vfs/mount.h>

#include "mount_impl.h"
#include "vfs_impl.h"

#define MOUNT_BUCKETS	64

kmutex_t mount_lock;
struct list mount_list = LIST_INITIALIZER(mount_list);	/* mount_lock */
static struct mount *mount_hash[MOUNT_BUCKETS];	/* mount_lock; read by qsbr */
struct mount *mount_top;		/* c once it is set */
static uint32_t mount_lastid = 20;	/* mount_lock */
uint32_t mount_moves;

/* --- references ---------------------------------------------------------------- */

void
mount_hold(struct mount *mt)
{
	uint32_t old = atomic_add(&mt->mt_refs, 1);

	KASSERT(old > 0);
	(void)old;
}

bool
mount_tryhold(struct mount *mt)
{
	uint32_t old = atomic_load(&mt->mt_refs);

	do {
		if (old == 0)
			return false;
	} while (!atomic_cas_acq(&mt->mt_refs, &old, old + 1));
	return true;
}

static void
mount_free(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct mount, mt_qsbr), sizeof(struct mount));
}

void
mount_destroy(struct mount *mt)
{
	struct fs *fs = mt->mt_fs;

	KASSERT(mt->mt_parent == NULL && mt->mt_nchildren == 0);
	vnode_rele(mt->mt_root);
	qsbr_call(&mt->mt_qsbr, mount_free);
	fs_rele(fs);
}

void
mount_put(struct mount *mt)
{
	if (atomic_sub_ar(&mt->mt_refs, 1) == 1)
		mount_destroy(mt);
}

void
mount_rele(struct mount *mt)
{
	if (mt == NULL)
		return;
	if (unlikely(atomic_load(&mt->mt_expire)))
		atomic_store(&mt->mt_expire, false);	/* it was used */
	mount_put(mt);
}

void
vpath_hold(const struct vpath *p)
{
	mount_hold(p->vp_mount);
	vnode_hold(p->vp_vnode);
}

void
vpath_rele(struct vpath *p)
{
	struct vpath old = *p;

	if (old.vp_mount == NULL)
		return;
	*p = (struct vpath){ NULL, NULL };
	vnode_rele(old.vp_vnode);
	mount_rele(old.vp_mount);
}

/* --- reading the tree -------------------------------------------------------------- */

static struct mount **
mount_bucket(const struct mount *parent, const struct vnode *point)
{
	return &mount_hash[hash_u64(hash_ptr(parent) + hash_ptr(point)) %
	    MOUNT_BUCKETS];
}

struct mount *
mount_covering(struct mount *parent, struct vnode *point)
{
	struct mount *mt;

	mt = atomic_load_acq(mount_bucket(parent, point));
	while (mt != NULL && (atomic_load(&mt->mt_point) != point ||
	    atomic_load(&mt->mt_parent) != parent))
		mt = atomic_load_acq(&mt->mt_hashnext);
	return mt;
}

/* Both fields of one moment: the counter is odd while they change. */
bool
mount_above(struct mount *mt, struct vpath *ret_path)
{
	struct vpath p;
	uint32_t seq;

	for (;;) {
		seq = atomic_load_acq(&mount_moves);
		p.vp_mount = atomic_load_acq(&mt->mt_parent);
		p.vp_vnode = atomic_load_acq(&mt->mt_point);
		atomic_fence_acq();
		if ((seq & 1) == 0 && atomic_load(&mount_moves) == seq)
			break;
		cpu_relax();
	}
	if (p.vp_mount == NULL)
		return false;
	*ret_path = p;
	return true;
}

/* --- changing it ---------------------------------------------------------------------- */

void
mount_link_locked(struct mount *mt, const struct vpath *where)
{
	struct mount **b = mount_bucket(where->vp_mount, where->vp_vnode);

	atomic_store(&mount_moves, mount_moves + 1);
	atomic_fence_rel();
	atomic_store(&mt->mt_parent, where->vp_mount);
	atomic_store(&mt->mt_point, where->vp_vnode);
	mt->mt_detached = false;
	where->vp_mount->mt_nchildren++;
	atomic_store(&mt->mt_hashnext, *b);
	atomic_store_rel(b, mt);
	atomic_add(&where->vp_vnode->v_nmounts, 1);
	atomic_store_rel(&mount_moves, mount_moves + 1);
}

/* What it covered is the caller's to release, after the lock. */
void
mount_unlink_locked(struct mount *mt, struct vpath *ret_was)
{
	struct mount **b = mount_bucket(mt->mt_parent, mt->mt_point);

	while (*b != mt)
		b = &(*b)->mt_hashnext;
	atomic_store(&mount_moves, mount_moves + 1);
	atomic_fence_rel();
	atomic_store_rel(b, mt->mt_hashnext);
	atomic_sub(&mt->mt_point->v_nmounts, 1);
	mt->mt_parent->mt_nchildren--;
	*ret_was = (struct vpath){ mt->mt_parent, mt->mt_point };
	atomic_store(&mt->mt_parent, NULL);
	atomic_store(&mt->mt_point, NULL);
	mt->mt_detached = true;
	atomic_store_rel(&mount_moves, mount_moves + 1);
}

static int
mount_make(struct fs *fs, struct vnode *root, unsigned long flags,
    struct mount **ret_mt)
{
	struct mount *mt;

	mt = kmem_zalloc(sizeof(*mt), KM_SLEEP);
	if (mt == NULL)
		return ENOMEM;
	mt->mt_fs = fs;
	mt->mt_root = root;
	mt->mt_flags = flags;
	mt->mt_refs = 1;
	mt->mt_detached = true;
	mutex_enter(&mount_lock);
	mt->mt_id = ++mount_lastid;
	list_node_init(&mt->mt_link);
	mutex_exit(&mount_lock);
	*ret_mt = mt;
	return 0;
}

int
mount_create(const struct fstype *ft, const struct mount_args *ma,
    struct mount **ret_mt)
{
	struct vnode *root;
	struct fs *fs;
	int error;

	error = fs_mount(ft, ma, &fs);
	if (error)
		return error;
	error = vnode_get(fs, fs->fs_rootino, &root);
	if (error)
		goto fail_fs;
	if (root->v_type != VDIR && !ft->ft_file) {
		error = EUCLEAN;
		goto fail_root;
	}
	error = mount_make(fs, root, mount_keepflags(ma->ma_flags), ret_mt);
	if (error)
		goto fail_root;
	return 0;

fail_root:
	vnode_rele(root);
fail_fs:
	fs_rele(fs);
	return error;
}

int
mount_clone(struct mount *mt, struct vnode *root, struct mount **ret_mt)
{
	int error;

	vnode_hold(root);
	atomic_add(&mt->mt_fs->fs_refs, 1);
	error = mount_make(mt->mt_fs, root, atomic_load(&mt->mt_flags), ret_mt);
	if (error) {
		vnode_rele(root);
		fs_rele(mt->mt_fs);
	}
	return error;
}

bool
mount_isbelow_locked(const struct mount *mt, const struct mount *top)
{
	while (mt != NULL && mt != top)
		mt = mt->mt_parent;
	return mt != NULL;
}

static int
mount_attach_check_locked(struct mount *mt, const struct vpath *where)
    REQUIRES(mount_lock)
{
	if ((mt->mt_root->v_type == VDIR) != (where->vp_vnode->v_type == VDIR))
		return ENOTDIR;
	if (mt->mt_root->v_type == VLNK)
		return EINVAL;
	if (atomic_load(&where->vp_vnode->v_unlinked))
		return ENOENT;
	if (where->vp_mount->mt_detached && where->vp_mount != mount_top)
		return EINVAL;
	/* Somebody was quicker: the caller looked the place up before. */
	if (mount_covering(where->vp_mount, where->vp_vnode) != NULL)
		return EBUSY;
	return 0;
}

/* The caller's reference on mt becomes the tree's. */
int
mount_attach(struct mount *mt, const struct vpath *where)
{
	int error;

	/* The place's v_lock keeps it from being removed meanwhile. */
	rw_write_enter(&where->vp_vnode->v_lock);
	mutex_enter(&mount_lock);
	error = mount_attach_check_locked(mt, where);
	if (error == 0) {
		vpath_hold(where);
		mount_link_locked(mt, where);
		list_insert_tail(&mount_list, &mt->mt_link);
	}
	mutex_exit(&mount_lock);
	rw_exit(&where->vp_vnode->v_lock);
	return error;
}

int
mount_setroot(struct mount *mt)
{
	mutex_enter(&mount_lock);
	KASSERT(mount_top == NULL);
	mount_top = mt;
	mt->mt_detached = false;
	list_insert_tail(&mount_list, &mt->mt_link);
	mutex_exit(&mount_lock);
	return 0;
}

int
mount_move(struct mount *mt, const struct vpath *where)
{
	struct vpath was = { NULL, NULL };
	int error;

	rw_write_enter(&where->vp_vnode->v_lock);
	mutex_enter(&mount_lock);
	if (mt == mount_top || mt->mt_detached)
		error = EINVAL;
	else if (mount_isbelow_locked(where->vp_mount, mt))
		error = ELOOP;
	else
		error = mount_attach_check_locked(mt, where);
	if (error == 0) {
		mount_unlink_locked(mt, &was);
		vpath_hold(where);
		mount_link_locked(mt, where);
	}
	mutex_exit(&mount_lock);
	rw_exit(&where->vp_vnode->v_lock);
	vpath_rele(&was);
	return error;
}

void
mount_boot(void)
{
	mutex_init(&mount_lock, "mount");
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vnode.c - the vnodes in memory: found by number, held, and let go
 *
 * All vnodes stand in one hash by file system instance and inode number
 * (vnode_hash.c).  A look-up that hits takes no lock: it walks the chain under qsbr and
 * takes a reference with vnode_tryhold().  A miss is decided again under
 * vcache_lock, where also those wait who want a file that is being loaded
 * or is just going away.
 *
 * Life cycle
 *	LOADING -> ACTIVE	vnode_publish(): fo_load or vo_create filled it
 *	LOADING -> DEAD		vnode_abandon()
 *	ACTIVE -> DEAD		v_refs goes from 0 to VREF_DEAD: idle and over the
 *				limit, without a name, or its instance ends
 *	A dead vnode stays in the hash until vo_reclaim has returned, so that
 *	nobody loads the file a second time meanwhile.
 *
 * A vnode whose last reference goes is put on the idle list, and stays there
 * when it is used again: only the clock hand of vnode_trim() looks, so that
 * opening and closing a cached file touches nothing global.  Vnodes of an
 * instance with fs_keepvnodes never get there, and those which it created
 * not into the hash either: it finds them by itself.
 *
 * Locking: vcache_lock is a leaf.  vnode_rele() of a last reference to a
 * file without a name calls into the file system.
 */

#include <lib/list.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/kvar.h>
#include <sys/log.h>
#include <vfs/mount.h>
#include <vfs/vnode.h>

#include "vfs_impl.h"
#include "vnode_impl.h"

#define VCACHE_DEFLIMIT		32768

static struct pool vnode_pool;

kmutex_t vcache_lock;
kcondvar_t vcache_cv;		/* a load has ended, or a dying vnode is gone */
unsigned int vcache_waiters;	/* vcache_lock */
struct list vcache_idle = LIST_INITIALIZER(vcache_idle);
uint64_t vcache_limit = VCACHE_DEFLIMIT;

static struct kvar vcache_kvars[] = {
	{ .kv_name = "vfs.maxvnodes", .kv_type = KVAR_U64,
	  .kv_about = "vnodes kept before unused ones are let go",
	  .kv_ptr = &vcache_limit },
	{ .kv_name = "vfs.vnodes", .kv_type = KVAR_U64, .kv_flags = KVAR_RDONLY,
	  .kv_about = "vnodes in memory", .kv_ptr = &vcache_count },
};

/* --- birth ------------------------------------------------------------------- */

static struct vnode *
vnode_make(struct fs *fs, ino_t ino)
{
	struct vnode *vp;

	vp = pool_get(&vnode_pool, KM_ZERO);
	if (vp == NULL)
		return NULL;
	vp->v_fs = fs;
	vp->v_ino = ino;
	vp->v_root = ino == fs->fs_rootino;
	vp->v_refs = 1;
	vp->v_state = VS_LOADING;
	rw_init(&vp->v_lock, "vnode");
	mutex_init(&vp->v_ilock, "vnode attributes");
	list_init(&vp->v_ncchildren);
	list_init(&vp->v_ncnames);
	list_node_init(&vp->v_idle);
	list_node_init(&vp->v_fslink);
	return vp;
}

static void
vnode_unmake(struct vnode *vp)
{
	rw_destroy(&vp->v_lock);
	mutex_destroy(&vp->v_ilock);
	pool_put(&vnode_pool, vp);
}

static void
vnode_free(struct qsbr_head *qh)
{
	vnode_unmake(container_of(qh, struct vnode, v_qsbr));
}

/*
 * Under the lock: the vnode of that number, held, or NULL when there is none
 * and none that is on its way in or out.
 */
static struct vnode *
vcache_settle_locked(const struct fs *fs, ino_t ino) REQUIRES(vcache_lock)
{
	struct vnode *vp;

	for (;;) {
		vp = vcache_find(fs, ino);
		if (vp == NULL)
			return NULL;
		if (atomic_load_acq(&vp->v_state) == VS_ACTIVE &&
		    vnode_tryhold(vp))
			return vp;
		vcache_waiters++;
		cv_wait(&vcache_cv, &vcache_lock);
		vcache_waiters--;
	}
}

int
vnode_alloc(struct fs *fs, ino_t ino, struct vnode **ret_vp)
{
	bool hash = !fs->fs_keepvnodes;
	struct vnode *vp, *old;

	vp = vnode_make(fs, ino);
	if (vp == NULL)
		return ENOMEM;
	mutex_enter(&vcache_lock);
	old = hash ? vcache_settle_locked(fs, ino) : NULL;
	if (old == NULL)
		vcache_insert_locked(vp, hash);
	mutex_exit(&vcache_lock);
	if (old != NULL) {
		/* The file system thinks a number free that is in use. */
		vnode_unmake(vp);
		vnode_rele(old);
		return EEXIST;
	}
	*ret_vp = vp;
	return 0;
}

void
vnode_publish(struct vnode *vp)
{
	KASSERT(vp->v_state == VS_LOADING);
	KASSERT(vp->v_ops != NULL && vp->v_type != VNON);

	atomic_store_rel(&vp->v_state, VS_ACTIVE);
	if (vp->v_fs->fs_keepvnodes && !vp->v_root)
		return;			/* nobody can wait for it */
	/*
	 * A waiter counted itself under the lock before it slept; whoever
	 * comes later sees the new state there.
	 */
	mutex_enter(&vcache_lock);
	if (vcache_waiters > 0)
		cv_broadcast(&vcache_cv);
	mutex_exit(&vcache_lock);
}

void
vnode_abandon(struct vnode *vp)
{
	KASSERT(vp->v_state == VS_LOADING);

	atomic_store(&vp->v_refs, VREF_DEAD);
	mutex_enter(&vcache_lock);
	vp->v_state = VS_DEAD;
	vcache_remove_locked(vp);
	mutex_exit(&vcache_lock);
	pgobj_destroy(vp->v_pages);
	qsbr_call(&vp->v_qsbr, vnode_free);
}

int
vnode_get(struct fs *fs, ino_t ino, struct vnode **ret_vp)
{
	struct vnode *vp, *old;
	int error;

	vp = vcache_find(fs, ino);
	if (vp != NULL && atomic_load_acq(&vp->v_state) == VS_ACTIVE &&
	    vnode_tryhold(vp)) {
		*ret_vp = vp;
		return 0;
	}
	vp = vnode_make(fs, ino);
	if (vp == NULL)
		return ENOMEM;
	mutex_enter(&vcache_lock);
	old = vcache_settle_locked(fs, ino);
	if (old == NULL)
		vcache_insert_locked(vp, true);
	mutex_exit(&vcache_lock);
	if (old != NULL) {
		vnode_unmake(vp);
		*ret_vp = old;
		return 0;
	}
	error = fs->fs_ops->fo_load(fs, ino, vp);
	if (error) {
		vnode_abandon(vp);
		return error;
	}
	vnode_publish(vp);
	*ret_vp = vp;
	return 0;
}

/* --- references -------------------------------------------------------------- */

void
vnode_hold(struct vnode *vp)
{
	uint32_t old = atomic_add(&vp->v_refs, 1);

	KASSERTMSG(old >= 1 && old < VREF_DEAD, "vnode %p refs %u", (void *)vp, old);
	(void)old;
}

bool
vnode_tryhold(struct vnode *vp)
{
	uint32_t old = atomic_load(&vp->v_refs);

	do {
		if (old >= VREF_DEAD)
			return false;
	} while (!atomic_cas_acq(&vp->v_refs, &old, old + 1));
	return true;
}

/* Takes the file system's part away.  v_refs is VREF_DEAD. */
static void
vnode_gut(struct vnode *vp)
{
	const struct vnode_ops *ops = vp->v_ops;

	if (atomic_load(&vp->v_unlinked)) {
		if (ops->vo_inactive != NULL)
			ops->vo_inactive(vp);
	} else if (vp->v_pages != NULL && ops->vo_fsync != NULL &&
	    !atomic_load(&vp->v_fs->fs_readonly) && !vp->v_fs->fs_keepvnodes) {
		/* What is dirty has nowhere else to go.  Errors were logged. */
		(void)ops->vo_fsync(vp, false);
	}
	pgobj_destroy(vp->v_pages);
	vp->v_pages = NULL;
	if (ops->vo_reclaim != NULL)
		ops->vo_reclaim(vp);
	if (vp->v_poll != NULL) {
		pollsrc_fini(vp->v_poll);
		kmem_free(vp->v_poll, sizeof(*vp->v_poll));
	}
}

struct vnode *
vnode_kill(struct vnode *vp)
{
	struct vnode *parent;

	KASSERT(atomic_load(&vp->v_refs) >= VREF_DEAD);
	KASSERT(vp->v_nmounts == 0 && vp->v_fifo == NULL);

	mutex_enter(&vcache_lock);
	atomic_store_rel(&vp->v_state, VS_DEAD);
	if (vp->v_onidle) {
		list_remove(&vp->v_idle);
		vp->v_onidle = false;
	}
	mutex_exit(&vcache_lock);

	parent = namecache_forget(vp);
	lockf_destroy(vp);
	vnode_gut(vp);

	mutex_enter(&vcache_lock);
	vcache_remove_locked(vp);
	mutex_exit(&vcache_lock);
	qsbr_call(&vp->v_qsbr, vnode_free);
	return parent;
}

/*
 * The last reference goes while the vnode is not on the idle list: under
 * the lock, so that nobody kills it before it is there.
 */
static void
vnode_rele_idle(struct vnode *vp)
{
	mutex_enter(&vcache_lock);
	if (!vp->v_onidle) {
		vp->v_onidle = true;
		list_insert_tail(&vcache_idle, &vp->v_idle);
	}
	mutex_exit(&vcache_lock);
}

/* One reference less; returns what is to be released next. */
static struct vnode *
vnode_rele_one(struct vnode *vp)
{
	uint32_t old = atomic_load_acq(&vp->v_refs);

	for (;;) {
		KASSERTMSG(old >= 1 && old < VREF_DEAD, "vnode %p refs %u",
		    (void *)vp, old);
		if (old == 1 && atomic_load(&vp->v_unlinked)) {
			if (atomic_cas_ar(&vp->v_refs, &old, VREF_DEAD))
				return vnode_kill(vp);
			continue;
		}
		if (old == 1 && !vp->v_fs->fs_keepvnodes) {
			if (!atomic_load(&vp->v_hot))
				atomic_store(&vp->v_hot, true);
			if (!atomic_load(&vp->v_onidle)) {
				vnode_rele_idle(vp);
				old = atomic_load_acq(&vp->v_refs);
			}
		}
		if (atomic_cas_ar(&vp->v_refs, &old, old - 1))
			return NULL;
	}
}

/* Iterative, because a tree of removed directories may be deep. */
void
vnode_rele(struct vnode *vp)
{
	while (vp != NULL)
		vp = vnode_rele_one(vp);
}

void
vnode_checklink(struct vnode *vp)
{
	struct vattr va;

	if (vnode_getattr(vp, &va) == 0)
		atomic_store(&vp->v_unlinked, va.va_nlink == 0);
}

/* --- attributes and content ------------------------------------------------------ */

int
vnode_getattr(struct vnode *vp, struct vattr *ret_va)
{
	if (vp->v_ops->vo_getattr != NULL)
		return vp->v_ops->vo_getattr(vp, ret_va);

	*ret_va = (struct vattr){
		.va_type = vp->v_type, .va_mode = atomic_load(&vp->v_mode),
		.va_nlink = 1, .va_uid = atomic_load(&vp->v_uid),
		.va_gid = atomic_load(&vp->v_gid), .va_rdev = vp->v_rdev,
		.va_ino = vp->v_ino, .va_size = vnode_size(vp),
		.va_blocks = (vnode_size(vp) + 511) / 512,
		.va_blksize = PAGE_SIZE,
	};
	return 0;
}

int
vnode_pages(struct vnode *vp, const struct pgobj_ops *ops,
    struct pgobj **ret_po)
{
	struct pgobj *po = atomic_load_acq(&vp->v_pages), *old = NULL;
	int error;

	if (po == NULL) {
		error = pgobj_create(ops, vp, &po);
		if (error)
			return error;
		if (!atomic_cas_ar(&vp->v_pages, &old, po)) {
			pgobj_destroy(po);
			po = old;
		}
	}
	*ret_po = po;
	return 0;
}

/* --- start ------------------------------------------------------------------------ */

int
vnode_boot(void)
{
	uint64_t limit;
	size_t i;
	int error;

	mutex_init(&vcache_lock, "vnode cache");
	cv_init(&vcache_cv, "vnode");
	pool_init(&vnode_pool, sizeof(struct vnode), CACHE_LINE, "vnode");
	error = vcache_boot();
	if (error)
		return error;
	limit = param_u64("RUMP_NVNODES", VCACHE_DEFLIMIT);
	vcache_limit = limit < 16 ? 16 : limit;
	for (i = 0; i < ARRAY_SIZE(vcache_kvars); i++)
		kvar_register(&vcache_kvars[i]);
	vnode_trim_boot();
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpfs_node.c - files in memory: birth, attributes, death
 *
 * Life cycle
 *	rumpfs_node_create()	nlink 0 (a directory: 1, its own "."), vnode
 *				LOADING; the caller gives it its first name
 *	vnode_publish()		others may find it
 *	rumpfs_node_linkup()	a name more; the first one holds the vnode
 *	rumpfs_node_linkdown()	a name less; the last one lets the vnode go
 *	rumpfs_reclaim()	nobody uses it any more: all is freed
 *
 * Who changes a file holds its v_lock; who looks at its attributes does not,
 * hence the sequence counter around the times.  The vfs decides when an
 * access is one and sets atime like any other attribute.
 */

#include <lib/string.h>

#include "rumpfs_impl.h"

static struct pool rumpfs_node_pool;

void
rumpfs_node_boot(void)
{
	pool_init(&rumpfs_node_pool, sizeof(struct rumpfs_node), CACHE_LINE,
	    "rumpfs_node");
}

static const struct vnode_ops *
rumpfs_vnops(enum vtype type)
{
	switch (type) {
	case VREG:
		return &rumpfs_file_vnops;
	case VDIR:
		return &rumpfs_dir_vnops;
	case VLNK:
		return &rumpfs_link_vnops;
	default:
		return &rumpfs_special_vnops;
	}
}

static int
rumpfs_link_init(struct rumpfs_node *rn, const char *text)
{
	size_t len = strlen(text);
	int error;

	if (len + 1 > RUMPFS_LINK_INLINE) {
		error = rumpfs_charge_blocks(rn->rn_rf, 1);
		if (error)
			return error;
	}
	rn->rn_link = kmem_alloc(len + 1, KM_SLEEP);
	if (rn->rn_link == NULL) {
		if (len + 1 > RUMPFS_LINK_INLINE)
			rumpfs_uncharge_blocks(rn->rn_rf, 1);
		return ENOMEM;
	}
	memcpy(rn->rn_link, text, len + 1);
	rn->rn_linklen = len;
	return 0;
}

static void
rumpfs_link_fini(struct rumpfs_node *rn)
{
	if (rn->rn_linklen + 1 > RUMPFS_LINK_INLINE)
		rumpfs_uncharge_blocks(rn->rn_rf, 1);
	kmem_free(rn->rn_link, rn->rn_linklen + 1);
}

static void
rumpfs_node_bind(struct rumpfs_node *rn, struct vnode *vp,
    const struct vattr *va)
{
	rn->rn_vnode = vp;
	vp->v_data = rn;
	vp->v_ops = rumpfs_vnops(rn->rn_type);
	vp->v_type = rn->rn_type;
	vp->v_rdev = rn->rn_type == VCHR || rn->rn_type == VBLK ?
	    va->va_rdev : 0;
	vnode_setperm(vp, va->va_mode & 07777, va->va_uid, va->va_gid);
	atomic_store(&vp->v_size, rn->rn_type == VDIR ? RUMPFS_DIR_SIZE :
	    rn->rn_type == VLNK ? rn->rn_linklen : 0);
}

/* A charged node without a vnode. */
static int
rumpfs_node_make(struct rumpfs *rf, enum vtype type, const char *link,
    const struct timespec64 *now, struct rumpfs_node **ret_rn)
{
	struct rumpfs_node *rn;
	int error;

	error = rumpfs_charge_ispace(rf, RUMPFS_INODE_BYTES);
	if (error)
		return error;
	rn = pool_get(&rumpfs_node_pool, KM_SLEEP | KM_ZERO);
	if (rn == NULL) {
		rumpfs_uncharge_ispace(rf, RUMPFS_INODE_BYTES);
		return ENOMEM;
	}
	rn->rn_rf = rf;
	rn->rn_type = type;
	list_init(&rn->rn_xattrs);
	rn->rn_btime = *now;
	rn->rn_time[RN_ATIME] = rn->rn_time[RN_MTIME] = *now;
	rn->rn_time[RN_CTIME] = *now;
	if (type == VDIR) {
		rumpfs_dir_init(rn);
		rn->rn_nlink = 1;
	} else if (type == VLNK) {
		error = rumpfs_link_init(rn, link);
		if (error) {
			pool_put(&rumpfs_node_pool, rn);
			rumpfs_uncharge_ispace(rf, RUMPFS_INODE_BYTES);
			return error;
		}
	}
	*ret_rn = rn;
	return 0;
}

/* All that hangs on a node, and the node; not the vnode. */
static void
rumpfs_node_free(struct rumpfs_node *rn)
{
	struct rumpfs *rf = rn->rn_rf;
	nlink_t names = 1;

	/* At the end of an instance all names of a file go with it. */
	if (rn->rn_type != VDIR && rn->rn_nlink > 1)
		names = rn->rn_nlink;
	rumpfs_xattr_fini(rn);
	if (rn->rn_type == VDIR)
		rumpfs_dir_fini(rn);
	else if (rn->rn_type == VLNK)
		rumpfs_link_fini(rn);
	rumpfs_uncharge_ispace(rf, (uint64_t)names * RUMPFS_INODE_BYTES);
	pool_put(&rumpfs_node_pool, rn);
}

int
rumpfs_node_create(struct rumpfs *rf, const struct vattr *va,
    const char *link, const struct timespec64 *now,
    struct rumpfs_node **ret_rn)
{
	struct rumpfs_node *rn;
	struct vnode *vp;
	int error;

	error = rumpfs_node_make(rf, va->va_type, link, now, &rn);
	if (error)
		return error;
	error = vnode_alloc(rf->rf_fs, atomic_add(&rf->rf_nextino, 1), &vp);
	if (error) {
		rumpfs_node_free(rn);
		return error;
	}
	rumpfs_node_bind(rn, vp, va);
	*ret_rn = rn;
	return 0;
}

int
rumpfs_node_create_root(struct rumpfs *rf, const struct vattr *va,
    struct vnode *vp)
{
	struct timespec64 now = rumpfs_now();
	struct rumpfs_node *rn;
	int error;

	error = rumpfs_node_make(rf, VDIR, NULL, &now, &rn);
	if (error)
		return error;
	rumpfs_node_bind(rn, vp, va);
	rn->rn_dir.rd_parent = rn;
	rumpfs_node_linkup(rn);
	return 0;
}

void
rumpfs_node_abandon(struct rumpfs_node *rn)
{
	struct vnode *vp = rn->rn_vnode;

	vp->v_data = NULL;
	rumpfs_node_free(rn);
	vnode_abandon(vp);
}

void
rumpfs_reclaim(struct vnode *vp)
{
	struct rumpfs_node *rn = rumpfs_node(vp);

	if (rn == NULL)
		return;
	KASSERT(vp->v_pages == NULL);	/* they were charged to us */
	vp->v_data = NULL;
	rumpfs_node_free(rn);
}

/*
 * A directory's count has its own "." and one for each directory in it;
 * those are added and taken by whoever moves names.
 */
void
rumpfs_node_linkup(struct rumpfs_node *rn)
{
	if (rn->rn_nlink == (rn->rn_type == VDIR ? 1 : 0))
		vnode_hold(rn->rn_vnode);
	atomic_store(&rn->rn_nlink, rn->rn_nlink + 1);
}

void
rumpfs_node_linkdown(struct rumpfs_node *rn)
{
	KASSERT(rn->rn_nlink > 0);
	if (rn->rn_type == VDIR) {
		/* An empty one: its name and its "." go together. */
		KASSERT(rn->rn_nlink == 2);
		atomic_store(&rn->rn_nlink, 0);
	} else {
		atomic_store(&rn->rn_nlink, rn->rn_nlink - 1);
	}
	if (rn->rn_nlink == 0)
		vnode_rele(rn->rn_vnode);	/* our caller has one, too */
}

struct timespec64
rumpfs_now(void)
{
	return ktime_to_timespec(clock_wall_coarse());
}

/*
 * Each store releases what was stored before it, so that who sees a new time
 * sees the odd number, too.
 */
static void
rumpfs_time_set(struct rumpfs_node *rn, enum rumpfs_time which,
    const struct timespec64 *ts)
{
	uint32_t seq = rn->rn_seq;

	KASSERT(rw_write_held(&rn->rn_vnode->v_lock));
	atomic_store(&rn->rn_seq, seq + 1);
	atomic_store_rel(&rn->rn_time[which].tv_sec, ts->tv_sec);
	atomic_store_rel(&rn->rn_time[which].tv_nsec, ts->tv_nsec);
	atomic_store_rel(&rn->rn_seq, seq + 2);
}

static void
rumpfs_time_get(const struct rumpfs_node *rn, struct timespec64 ts[RN_NTIMES])
{
	uint32_t seq;
	int i;

	do {
		while ((seq = atomic_load_acq(&rn->rn_seq)) & 1)
			cpu_relax();
		for (i = 0; i < RN_NTIMES; i++) {
			ts[i].tv_sec = atomic_load_acq(&rn->rn_time[i].tv_sec);
			ts[i].tv_nsec =
			    atomic_load_acq(&rn->rn_time[i].tv_nsec);
		}
	} while (atomic_load(&rn->rn_seq) != seq);
}

void
rumpfs_node_changed(struct rumpfs_node *rn, bool content,
    const struct timespec64 *now)
{
	rumpfs_time_set(rn, RN_CTIME, now);
	if (content)
		rumpfs_time_set(rn, RN_MTIME, now);
}

/* What stat shows as blocks of 512 bytes. */
static uint64_t
rumpfs_blocks(struct rumpfs_node *rn)
{
	struct pgobj *po;

	if (rn->rn_type == VLNK)
		return rn->rn_linklen + 1 > RUMPFS_LINK_INLINE ?
		    PAGE_SIZE / 512 : 0;
	po = atomic_load_acq(&rn->rn_vnode->v_pages);
	if (po == NULL)
		return 0;
	return atomic_load(&po->po_npages) * (PAGE_SIZE / 512);
}

int
rumpfs_getattr(struct vnode *vp, struct vattr *ret_va)
{
	struct rumpfs_node *rn = rumpfs_node(vp);
	struct timespec64 ts[RN_NTIMES];
	struct vattr *va = ret_va;

	memset(va, 0, sizeof(*va));
	va->va_type = rn->rn_type;
	va->va_rdev = vp->v_rdev;
	va->va_ino = vp->v_ino;
	va->va_blocks = rumpfs_blocks(rn);
	va->va_blksize = PAGE_SIZE;
	va->va_mode = atomic_load(&vp->v_mode);
	va->va_uid = atomic_load(&vp->v_uid);
	va->va_gid = atomic_load(&vp->v_gid);
	va->va_nlink = atomic_load(&rn->rn_nlink);
	va->va_size = vnode_size(vp);
	rumpfs_time_get(rn, ts);
	va->va_atime = ts[RN_ATIME];
	va->va_mtime = ts[RN_MTIME];
	va->va_ctime = ts[RN_CTIME];
	va->va_btime = rn->rn_btime;
	va->va_hasbtime = true;
	return 0;
}

int
rumpfs_setattr(struct vnode *vp, const struct vattr *va, unsigned int mask)
{
	struct rumpfs_node *rn = rumpfs_node(vp);

	if (mask & VA_SIZE)
		rumpfs_file_resize(rn, va->va_size);

	vnode_setperm(vp,
	    mask & VA_MODE ? va->va_mode & 07777 : vp->v_mode,
	    mask & VA_UID ? va->va_uid : vp->v_uid,
	    mask & VA_GID ? va->va_gid : vp->v_gid);
	if (mask & VA_ATIME)
		rumpfs_time_set(rn, RN_ATIME, &va->va_atime);
	if (mask & VA_MTIME)
		rumpfs_time_set(rn, RN_MTIME, &va->va_mtime);
	if (mask & VA_CTIME)
		rumpfs_time_set(rn, RN_CTIME, &va->va_ctime);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpfs_file.c - regular files in memory
 *
 * The content is a memory object of the page cache: absent pages are holes,
 * present ones are charged to the instance.  The vfs reads from there by
 * itself.  What lies in a page beyond the
 * end of the file is always zero, so that growing needs no work.
 */

#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/uio.h>

#include "rumpfs_impl.h"

static int
rumpfs_po_charge(struct pgobj *po, int64_t npages)
{
	struct rumpfs *rf = rumpfs_node(po->po_arg)->rn_rf;

	if (npages >= 0)
		return rumpfs_charge_blocks(rf, (uint64_t)npages);
	rumpfs_uncharge_blocks(rf, (uint64_t)-npages);
	return 0;
}

static const struct pgobj_ops rumpfs_pgobj_ops = {
	.po_charge	= rumpfs_po_charge,
};

/* The content, or NULL if nothing was ever written. */
static struct pgobj *
rumpfs_pages(struct vnode *vp)
{
	return atomic_load_acq(&vp->v_pages);
}

static int
rumpfs_write(struct vnode *vp, struct uio *uio, int flags)
{
	struct rumpfs_node *rn = rumpfs_node(vp);
	uint64_t start = uio->uio_off;
	struct timespec64 now;
	struct pgobj *po;
	int error;

	if (uio->uio_resid == 0)
		return 0;
	error = vnode_pages(vp, &rumpfs_pgobj_ops, &po);
	if (error)
		return error;
	error = pgobj_write(po, uio);
	if (uio->uio_off != start) {
		if (uio->uio_off > vnode_size(vp))
			atomic_store(&vp->v_size, uio->uio_off);
		now = rumpfs_now();
		rumpfs_node_changed(rn, true, &now);
	}
	return error;
}

/* Pages beyond the end that fallocate() made go, too, if size stays. */
void
rumpfs_file_resize(struct rumpfs_node *rn, uint64_t size)
{
	struct vnode *vp = rn->rn_vnode;
	struct pgobj *po = rumpfs_pages(vp);
	uint64_t old = vnode_size(vp);

	atomic_store(&vp->v_size, size);
	if (po != NULL && size <= old)
		pgobj_truncate(po, size);
}

static int
rumpfs_fallocate(struct vnode *vp, int mode, uint64_t off, uint64_t len)
{
	struct rumpfs_node *rn = rumpfs_node(vp);
	struct timespec64 now = rumpfs_now();
	struct pgobj *po;
	int error;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return EOPNOTSUPP;
	if (mode == FALLOC_FL_PUNCH_HOLE)
		return EOPNOTSUPP;	/* it would have to shrink the file */
	error = vnode_pages(vp, &rumpfs_pgobj_ops, &po);
	if (error)
		return error;
	if (mode & FALLOC_FL_PUNCH_HOLE)
		error = pgobj_punch(po, off, len);
	else
		error = pgobj_fill(po, off, len);
	if (error)
		return error;
	if (mode == 0 && off + len > vnode_size(vp))
		atomic_store(&vp->v_size, off + len);
	rumpfs_node_changed(rn, true, &now);
	return 0;
}

static int
rumpfs_seek(struct vnode *vp, uint64_t off, int whence, uint64_t *ret_off)
{
	struct pgobj *po = rumpfs_pages(vp);

	if (po != NULL)
		return pgobj_seek(po, off, vnode_size(vp),
		    whence == SEEK_HOLE, ret_off);
	if (whence == SEEK_DATA)
		return ENXIO;
	*ret_off = off;
	return 0;
}

const struct vnode_ops rumpfs_file_vnops = {
	.vo_getattr	= rumpfs_getattr,
	.vo_setattr	= rumpfs_setattr,
	.vo_write	= rumpfs_write,
	.vo_fallocate	= rumpfs_fallocate,
	.vo_seek	= rumpfs_seek,
	.vo_getxattr	= rumpfs_getxattr,
	.vo_listxattr	= rumpfs_listxattr,
	.vo_setxattr	= rumpfs_setxattr,
	.vo_removexattr	= rumpfs_removexattr,
	.vo_reclaim	= rumpfs_reclaim,
};

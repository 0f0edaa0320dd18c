/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpfs_name.c - looking up, making and removing names in memory
 *
 * Each operation first gets everything that can fail (node, entry, charge),
 * then changes the directory, which cannot.
 *
 * A directory's link count is 2 (its name, its ".") and one for the ".." of
 * each directory in it.
 */

#include <lib/string.h>

#include "rumpfs_impl.h"

static int
rumpfs_lookup(struct vnode *dvp, const struct cname *cn,
    struct vnode **ret_vp)
{
	struct rumpfs_node *dn = rumpfs_node(dvp), *rn;
	struct rumpfs_ent *re;

	if (cn->cn_len == 2 && cn->cn_name[0] == '.' &&
	    cn->cn_name[1] == '.') {
		rn = dn->rn_dir.rd_parent;
	} else {
		re = rumpfs_dir_find(dn, cn);
		rn = re != NULL ? re->re_node : NULL;
	}
	if (rn == NULL)
		return ENOENT;
	vnode_hold(rn->rn_vnode);
	*ret_vp = rn->rn_vnode;
	return 0;
}

/* A directory whose last name is gone takes no new ones. */
static bool
rumpfs_dir_dead(const struct rumpfs_node *dn)
{
	return dn->rn_nlink == 0;
}

static void
rumpfs_dir_addnlink(struct rumpfs_node *dn, int delta)
{
	atomic_store(&dn->rn_nlink, dn->rn_nlink + (nlink_t)delta);
}

static int
rumpfs_create(struct vnode *dvp, const struct cname *cn,
    const struct vattr *va, const char *link, struct vnode **ret_vp)
{
	struct rumpfs_node *dn = rumpfs_node(dvp), *rn;
	struct timespec64 now = rumpfs_now();
	struct rumpfs_ent *re;
	int error;

	if (rumpfs_dir_dead(dn))
		return ENOENT;
	if (va->va_type == VDIR && dn->rn_nlink >= RUMPFS_LINK_MAX)
		return EMLINK;
	error = rumpfs_ent_create(cn, &re);
	if (error)
		return error;
	error = rumpfs_node_create(dn->rn_rf, va, link, &now, &rn);
	if (error) {
		rumpfs_ent_destroy(re);
		return error;
	}

	rumpfs_dir_insert(dn, re, rn);
	rumpfs_node_linkup(rn);
	if (rn->rn_type == VDIR) {
		rn->rn_dir.rd_parent = dn;
		rumpfs_dir_addnlink(dn, 1);
	}
	rumpfs_node_changed(dn, true, &now);
	vnode_publish(rn->rn_vnode);
	*ret_vp = rn->rn_vnode;
	return 0;
}

static int
rumpfs_tmpfile(struct vnode *dvp, const struct vattr *va,
    struct vnode **ret_vp)
{
	struct rumpfs_node *dn = rumpfs_node(dvp), *rn;
	struct timespec64 now = rumpfs_now();
	int error;

	error = rumpfs_node_create(dn->rn_rf, va, NULL, &now, &rn);
	if (error)
		return error;
	vnode_publish(rn->rn_vnode);
	*ret_vp = rn->rn_vnode;
	return 0;
}

static int
rumpfs_link(struct vnode *dvp, const struct cname *cn, struct vnode *vp)
{
	struct rumpfs_node *dn = rumpfs_node(dvp), *rn = rumpfs_node(vp);
	struct timespec64 now = rumpfs_now();
	struct rumpfs_ent *re;
	bool first = rn->rn_nlink == 0;
	int error;

	if (rumpfs_dir_dead(dn))
		return ENOENT;
	if (rn->rn_nlink >= RUMPFS_LINK_MAX)
		return EMLINK;
	/* The first name of a nameless file is paid for with the file. */
	if (!first) {
		error = rumpfs_charge_ispace(rn->rn_rf, RUMPFS_INODE_BYTES);
		if (error)
			return error;
	}
	error = rumpfs_ent_create(cn, &re);
	if (error) {
		if (!first)
			rumpfs_uncharge_ispace(rn->rn_rf, RUMPFS_INODE_BYTES);
		return error;
	}
	rumpfs_dir_insert(dn, re, rn);
	rumpfs_node_linkup(rn);
	rumpfs_node_changed(dn, true, &now);
	rumpfs_node_changed(rn, false, &now);
	return 0;
}

/* The name re leads to rn no more: its part of the charge and the count. */
void
rumpfs_node_dropname(struct rumpfs_node *rn, const struct timespec64 *now)
{
	if (rn->rn_type != VDIR && rn->rn_nlink > 1)
		rumpfs_uncharge_ispace(rn->rn_rf, RUMPFS_INODE_BYTES);
	rumpfs_node_changed(rn, false, now);
	if (rn->rn_type == VDIR) {
		rumpfs_dir_addnlink(rn->rn_dir.rd_parent, -1);
		rn->rn_dir.rd_parent = NULL;
	}
	rumpfs_node_linkdown(rn);
}

static int
rumpfs_unlink(struct vnode *dvp, const struct cname *cn, struct vnode *vp)
{
	struct rumpfs_node *dn = rumpfs_node(dvp), *rn = rumpfs_node(vp);
	struct timespec64 now = rumpfs_now();
	struct rumpfs_ent *re;

	re = rumpfs_dir_find(dn, cn);
	if (re == NULL || re->re_node != rn)
		return ENOENT;
	rumpfs_dir_remove(dn, re);
	rumpfs_ent_destroy(re);
	rumpfs_node_changed(dn, true, &now);
	rumpfs_node_dropname(rn, &now);
	return 0;
}

static int
rumpfs_rmdir(struct vnode *dvp, const struct cname *cn, struct vnode *vp)
{
	if (rumpfs_node(vp)->rn_dir.rd_count != 0)
		return ENOTEMPTY;
	return rumpfs_unlink(dvp, cn, vp);
}

static int
rumpfs_readlink(struct vnode *vp, char *buf, size_t size, size_t *ret_len)
{
	struct rumpfs_node *rn = rumpfs_node(vp);
	size_t len = rn->rn_linklen < size ? rn->rn_linklen : size;

	memcpy(buf, rn->rn_link, len);
	*ret_len = len;
	return 0;
}

const struct vnode_ops rumpfs_dir_vnops = {
	.vo_lookup	= rumpfs_lookup,
	.vo_create	= rumpfs_create,
	.vo_tmpfile	= rumpfs_tmpfile,
	.vo_link	= rumpfs_link,
	.vo_unlink	= rumpfs_unlink,
	.vo_rmdir	= rumpfs_rmdir,
	.vo_rename	= rumpfs_rename,
	.vo_readdir	= rumpfs_readdir,
	.vo_getattr	= rumpfs_getattr,
	.vo_setattr	= rumpfs_setattr,
	.vo_getxattr	= rumpfs_getxattr,
	.vo_listxattr	= rumpfs_listxattr,
	.vo_setxattr	= rumpfs_setxattr,
	.vo_removexattr	= rumpfs_removexattr,
	.vo_reclaim	= rumpfs_reclaim,
};

const struct vnode_ops rumpfs_link_vnops = {
	.vo_readlink	= rumpfs_readlink,
	.vo_getattr	= rumpfs_getattr,
	.vo_setattr	= rumpfs_setattr,
	.vo_getxattr	= rumpfs_getxattr,
	.vo_listxattr	= rumpfs_listxattr,
	.vo_setxattr	= rumpfs_setxattr,
	.vo_removexattr	= rumpfs_removexattr,
	.vo_reclaim	= rumpfs_reclaim,
};

/* Devices, fifos, sockets: what they do is up to the vfs. */
const struct vnode_ops rumpfs_special_vnops = {
	.vo_getattr	= rumpfs_getattr,
	.vo_setattr	= rumpfs_setattr,
	.vo_getxattr	= rumpfs_getxattr,
	.vo_listxattr	= rumpfs_listxattr,
	.vo_setxattr	= rumpfs_setxattr,
	.vo_removexattr	= rumpfs_removexattr,
	.vo_reclaim	= rumpfs_reclaim,
};

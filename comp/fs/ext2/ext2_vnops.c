/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_vnops.c - the operations of each kind of file
 *
 * What is not here would change something; the vfs answers EROFS.
 */

#include "ext2_impl.h"

const struct vnode_ops ext2_reg_vnops = {
	.vo_getattr	= ext2_getattr,
	.vo_open	= ext2_open,
	.vo_seek	= ext2_seek,
	.vo_getxattr	= ext2_getxattr,
	.vo_listxattr	= ext2_listxattr,
	.vo_ioctl	= ext2_ioctl,
	.vo_reclaim	= ext2_reclaim,
};

const struct vnode_ops ext2_dir_vnops = {
	.vo_lookup	= ext2_lookup,
	.vo_readdir	= ext2_readdir,
	.vo_getattr	= ext2_getattr,
	.vo_getxattr	= ext2_getxattr,
	.vo_listxattr	= ext2_listxattr,
	.vo_ioctl	= ext2_ioctl,
	.vo_reclaim	= ext2_reclaim,
};

const struct vnode_ops ext2_lnk_vnops = {
	.vo_readlink	= ext2_readlink,
	.vo_getattr	= ext2_getattr,
	.vo_getxattr	= ext2_getxattr,
	.vo_listxattr	= ext2_listxattr,
	.vo_reclaim	= ext2_reclaim,
};

const struct vnode_ops ext2_special_vnops = {
	.vo_getattr	= ext2_getattr,
	.vo_getxattr	= ext2_getxattr,
	.vo_listxattr	= ext2_listxattr,
	.vo_reclaim	= ext2_reclaim,
};

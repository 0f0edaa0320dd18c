/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tmpfs_component.c - tmpfs: the engine of the root file system with limits
 *
 * Files, directories and everything they do are <vfs/rumpfs.h>'s; this
 * folder only turns mount options into its parameters, at mount and at
 * remount.
 */

#include "tmpfs_impl.h"

#include <linux/magic.h>
#include <lib/string.h>
#include <sys/component.h>
#include <sys/errno.h>

static int
tmpfs_parse(const struct mount_args *ma, struct rumpfs_params *rp)
{
	/* The default is half of the memory. */
	return tmpfs_options_parse(ma->ma_options,
	    rumpfs_default_blocks() * 2 * PAGE_SIZE, rp);
}

static int
tmpfs_remount(struct fs *fs, const struct mount_args *ma)
{
	struct rumpfs_params rp = { .rp_mask = 0 };
	int error;

	error = tmpfs_parse(ma, &rp);
	if (error)
		return error;
	/* Mode and owner are the root directory's by now: chmod, chown. */
	rp.rp_mask &= RUMPFS_P_BLOCKS | RUMPFS_P_INODES;
	return rumpfs_reconfigure(fs, &rp);
}

static void
tmpfs_showopts(struct fs *fs, char *buf, size_t size)
{
	struct rumpfs_params rp;

	rumpfs_getparams(fs, &rp);
	tmpfs_options_show(&rp, buf, size);
}

static const struct fs_ops tmpfs_fs_ops = {
	.fo_load	= rumpfs_load,
	.fo_statfs	= rumpfs_statfs,
	.fo_remount	= tmpfs_remount,
	.fo_unmount	= rumpfs_unmount,
	.fo_showopts	= tmpfs_showopts,
};

static int
tmpfs_mount(struct fs *fs, const struct mount_args *ma)
{
	struct rumpfs_params rp = {
		.rp_mask = RUMPFS_P_MODE, .rp_mode = TMPFS_MODE,
		.rp_magic = TMPFS_MAGIC,
	};
	int error;

	error = tmpfs_parse(ma, &rp);
	if (error)
		return error;
	return rumpfs_mount(fs, &tmpfs_fs_ops, &rp);
}

static struct fstype tmpfs_fstype = {
	.ft_name	= "tmpfs",
	.ft_nodev	= true,
	.ft_mount	= tmpfs_mount,
};

static int
tmpfs_attach(void)
{
	return fstype_register(&tmpfs_fstype);
}

COMPONENT(tmpfs, COMPONENT_FS, tmpfs_attach);

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpfs_fs.c - instances of the file system in memory, and the kernel's root
 *
 * The fstype "rumpfs" is the engine as it is, limited to half of the
 * memory; "tmpfs" is a component that adds the options of tmpfs(5).
 *
 * An instance is made with its root; every other vnode is made by creating
 * a file, so that loading by number only ever means the root.
 */

#include <linux/magic.h>
#include <lib/string.h>
#include <rump/rumpuser.h>

#include "rumpfs_impl.h"

#define RUMPFS_ROOT_INO		1

uint64_t
rumpfs_default_blocks(void)
{
	struct kmem_stats st;
	uint64_t bytes = 0;
	char buf[32];

	kmem_getstats(&st);
	if (st.ks_limit != 0)
		return st.ks_limit / 2 / PAGE_SIZE;
	if (rumpuser_getparam("_RUMPUSER_MEMSIZE", buf, sizeof(buf)) != 0 ||
	    str_tou64(buf, &bytes) != 0)
		return RUMPFS_UNLIMITED;
	return bytes / 2 / PAGE_SIZE;
}

void
rumpfs_boot(void)
{
	rumpfs_node_boot();
	rumpfs_dir_boot();
}

int
rumpfs_mount(struct fs *fs, const struct fs_ops *ops,
    const struct rumpfs_params *rp)
{
	struct rumpfs *rf;

	rf = kmem_zalloc(sizeof(*rf), KM_SLEEP);
	if (rf == NULL)
		return ENOMEM;
	rf->rf_fs = fs;
	rf->rf_root = *rp;
	rf->rf_nextino = RUMPFS_ROOT_INO + 1;
	rf->rf_maxblocks = rp->rp_mask & RUMPFS_P_BLOCKS ? rp->rp_blocks :
	    rumpfs_default_blocks();
	rf->rf_maxispace = (rp->rp_mask & RUMPFS_P_INODES ? rp->rp_inodes :
	    rumpfs_default_blocks()) * RUMPFS_INODE_BYTES;
	fs->fs_ops = ops;
	fs->fs_data = rf;
	fs->fs_rootino = RUMPFS_ROOT_INO;
	fs->fs_keepvnodes = true;
	return 0;
}

/* The root, once: it is kept as long as the instance. */
int
rumpfs_load(struct fs *fs, ino_t ino, struct vnode *vp)
{
	struct rumpfs *rf = fs->fs_data;
	const struct rumpfs_params *rp = &rf->rf_root;
	struct vattr va = { .va_type = VDIR, .va_mode = 0755 };

	if (ino != RUMPFS_ROOT_INO)
		return ESTALE;
	if (rp->rp_mask & RUMPFS_P_MODE)
		va.va_mode = rp->rp_mode & 07777;
	if (rp->rp_mask & RUMPFS_P_UID)
		va.va_uid = rp->rp_uid;
	if (rp->rp_mask & RUMPFS_P_GID)
		va.va_gid = rp->rp_gid;
	return rumpfs_node_create_root(rf, &va, vp);
}

int
rumpfs_statfs(struct fs *fs, struct fs_statfs *ret_sf)
{
	struct rumpfs *rf = fs->fs_data;
	uint64_t max, used;

	memset(ret_sf, 0, sizeof(*ret_sf));
	ret_sf->sf_type = rf->rf_root.rp_magic;
	ret_sf->sf_bsize = ret_sf->sf_frsize = PAGE_SIZE;
	ret_sf->sf_namelen = 255;
	ret_sf->sf_fsid = fs->fs_dev;

	/* Without a limit there is nothing to show, as on Linux. */
	max = atomic_load(&rf->rf_maxblocks);
	used = atomic_load(&rf->rf_blocks);
	if (max != RUMPFS_UNLIMITED) {
		ret_sf->sf_blocks = max;
		ret_sf->sf_bfree = used < max ? max - used : 0;
		ret_sf->sf_bavail = ret_sf->sf_bfree;
	}
	max = atomic_load(&rf->rf_maxispace);
	used = atomic_load(&rf->rf_ispace);
	if (max != RUMPFS_UNLIMITED) {
		ret_sf->sf_files = max / RUMPFS_INODE_BYTES;
		ret_sf->sf_ffree = used < max ?
		    (max - used) / RUMPFS_INODE_BYTES : 0;
	}
	return 0;
}

/* A limit may go up and down, but not under what is used, nor come anew. */
static bool
rumpfs_limit_ok(uint64_t now, uint64_t used, uint64_t wanted)
{
	if (wanted == RUMPFS_UNLIMITED)
		return true;
	return now != RUMPFS_UNLIMITED && used <= wanted;
}

int
rumpfs_reconfigure(struct fs *fs, const struct rumpfs_params *rp)
{
	struct rumpfs *rf = fs->fs_data;
	uint64_t ispace = rp->rp_inodes * RUMPFS_INODE_BYTES;

	if ((rp->rp_mask & RUMPFS_P_BLOCKS) && !rumpfs_limit_ok(
	    atomic_load(&rf->rf_maxblocks), atomic_load(&rf->rf_blocks),
	    rp->rp_blocks))
		return EINVAL;
	if ((rp->rp_mask & RUMPFS_P_INODES) && !rumpfs_limit_ok(
	    atomic_load(&rf->rf_maxispace), atomic_load(&rf->rf_ispace),
	    ispace))
		return EINVAL;
	if (rp->rp_mask & RUMPFS_P_BLOCKS)
		atomic_store(&rf->rf_maxblocks, rp->rp_blocks);
	if (rp->rp_mask & RUMPFS_P_INODES)
		atomic_store(&rf->rf_maxispace, ispace);
	return 0;
}

void
rumpfs_getparams(struct fs *fs, struct rumpfs_params *ret_rp)
{
	struct rumpfs *rf = fs->fs_data;

	*ret_rp = rf->rf_root;
	if (!(ret_rp->rp_mask & RUMPFS_P_MODE))
		ret_rp->rp_mode = 0755;
	ret_rp->rp_blocks = atomic_load(&rf->rf_maxblocks);
	ret_rp->rp_inodes = atomic_load(&rf->rf_maxispace) /
	    RUMPFS_INODE_BYTES;
}

void
rumpfs_unmount(struct fs *fs)
{
	struct rumpfs *rf = fs->fs_data;

	KASSERTMSG(atomic_load(&rf->rf_blocks) == 0 &&
	    atomic_load(&rf->rf_ispace) == 0, "%llu blocks, %llu bytes left",
	    (unsigned long long)rf->rf_blocks,
	    (unsigned long long)rf->rf_ispace);
	fs->fs_data = NULL;
	kmem_free(rf, sizeof(*rf));
}

/* --- the kernel's root ----------------------------------------------------- */

static const struct fs_ops rumpfs_fs_ops = {
	.fo_load	= rumpfs_load,
	.fo_statfs	= rumpfs_statfs,
	.fo_unmount	= rumpfs_unmount,
};

/* Options, such as a user's mount may carry, mean nothing here. */
static int
rumpfs_ft_mount(struct fs *fs, const struct mount_args *ma __unused_arg)
{
	struct rumpfs_params rp = { .rp_magic = RAMFS_MAGIC };

	return rumpfs_mount(fs, &rumpfs_fs_ops, &rp);
}

struct fstype rumpfs_fstype = {
	.ft_name	= "rumpfs",
	.ft_nodev	= true,
	.ft_mount	= rumpfs_ft_mount,
};

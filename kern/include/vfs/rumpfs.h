/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpfs.h - the file system in memory, as an engine
 *
 * One engine serves every file system whose only copy is memory: the
 * kernel's root ("rumpfs") and what users mount as "tmpfs".  An fstype
 * parses its options into a struct rumpfs_params, calls rumpfs_mount() from
 * ft_mount, and has a struct fs_ops made of the functions below.
 */

#ifndef VFS_RUMPFS_H
#define VFS_RUMPFS_H

#include <sys/types.h>
#include <vfs/mount.h>

#define RUMPFS_UNLIMITED	0

/* Which members of a struct rumpfs_params count. */
#define RUMPFS_P_BLOCKS		0x01
#define RUMPFS_P_INODES		0x02
#define RUMPFS_P_MODE		0x04
#define RUMPFS_P_UID		0x08
#define RUMPFS_P_GID		0x10

struct rumpfs_params {
	unsigned int	 rp_mask;	/* RUMPFS_P_*: the rest is default */
	uint64_t	 rp_blocks;	/* pages of content; 0: no limit */
	uint64_t	 rp_inodes;	/* files and names; 0: no limit */
	mode_t		 rp_mode;	/* of the root: 07777 */
	uid_t		 rp_uid;
	gid_t		 rp_gid;
	uint64_t	 rp_magic;	/* f_type of statfs */
};

/* Once, before anything is mounted. */
void	rumpfs_boot(void);
extern struct fstype rumpfs_fstype;

/* Pages that a new instance may take if nobody says: half of the memory. */
uint64_t rumpfs_default_blocks(void);

/* Fills fs_ops, fs_data, fs_rootino.  ENOMEM. */
int	rumpfs_mount(struct fs *fs, const struct fs_ops *ops,
	    const struct rumpfs_params *rp);
/*
 * New limits and root attributes, all or none.  EINVAL: a limit below what
 * is in use, or a limit where there was none.
 */
int	rumpfs_reconfigure(struct fs *fs, const struct rumpfs_params *rp);
/* What is in effect now; every bit of rp_mask is set. */
void	rumpfs_getparams(struct fs *fs, struct rumpfs_params *ret_rp);

/* Operations for a struct fs_ops. */
int	rumpfs_load(struct fs *fs, ino_t ino, struct vnode *vp);
int	rumpfs_statfs(struct fs *fs, struct fs_statfs *ret_sf);
void	rumpfs_unmount(struct fs *fs);

#endif /* VFS_RUMPFS_H */

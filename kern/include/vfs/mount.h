/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mount.h - file system types, their instances, and where these are attached
 *
 *	struct fstype	a file system component ("ext4")
 *	struct fs	one instance of it: a super block, a set of vnodes
 *	struct mount	one place in the name space where a directory of an fs
 *			is attached; a bind mount is a second mount of one fs
 */

#ifndef VFS_MOUNT_H
#define VFS_MOUNT_H

#include <lib/list.h>
#include <sys/mutex.h>
#include <sys/types.h>
#include <vfs/vnode.h>

struct rump_fsinfo;

struct fs_statfs {
	uint64_t	 sf_type;	/* f_type: the magic number */
	uint64_t	 sf_bsize, sf_frsize;
	uint64_t	 sf_blocks, sf_bfree, sf_bavail;
	uint64_t	 sf_files, sf_ffree;
	uint64_t	 sf_fsid;
	uint64_t	 sf_namelen;
};

/* What mount(2) was asked for. */
struct mount_args {
	const char	*ma_source;	/* kernel path of the device, or a word */
	unsigned long	 ma_flags;	/* MS_RDONLY etc. */
	const char	*ma_options;	/* "a,b=c", never NULL */
};

struct fs_ops {
	/* Fills vp for ino, state LOADING.  ENOENT, ESTALE, EUCLEAN, EIO. */
	int	(*fo_load)(struct fs *fs, ino_t ino, struct vnode *vp);
	int	(*fo_statfs)(struct fs *fs, struct fs_statfs *ret_sf);
	/* [0] */
	int	(*fo_sync)(struct fs *fs);
	/* New flags and options: ro <-> rw.  [EINVAL] */
	int	(*fo_remount)(struct fs *fs, const struct mount_args *ma);
	/* All vnodes are gone.  Frees fs_data. */
	void	(*fo_unmount)(struct fs *fs);
	/* Options in effect, as /proc/mounts shows them.  [none] */
	void	(*fo_showopts)(struct fs *fs, char *buf, size_t size);
};

struct fstype {
	const char	*ft_name;	/* as in mount(2) */
	bool		 ft_nodev;	/* needs no device */
	bool		 ft_file;	/* its root is no directory */
	/*
	 * Makes an instance: fills fs_ops, fs_data, fs_dev, fs_rootino and
	 * whatever else it likes.  The vfs then loads the root.
	 */
	int	(*ft_mount)(struct fs *fs, const struct mount_args *ma);
	/* Recognise without mounting: dev is a kernel path.  ENODEV: not mine. */
	int	(*ft_probe)(const char *dev, struct rump_fsinfo *ret_info);
	struct list_node ft_link;
};

int	fstype_register(struct fstype *ft);	/* EEXIST */
int	fstype_probe(const char *dev, struct rump_fsinfo *ret_info);

struct fs {
	const struct fstype *fs_type;	/* c */
	const struct fs_ops *fs_ops;	/* c */
	void		*fs_data;	/* c */
	dev_t		 fs_dev;	/* c: st_dev; assigned if 0 */
	ino_t		 fs_rootino;	/* c */
	bool		 fs_readonly;	/* a: the instance itself */
	bool		 fs_askedro;	/* c: its first mount asked for that */
	bool		 fs_keepvnodes;	/* c: vnodes are the only copy: never idle out */
	uint32_t	 fs_maxname;	/* c: NAME_MAX if 0 */
	uint64_t	 fs_maxsize;	/* c: largest file; OFF_MAX if 0 */
	uint32_t	 fs_refs;	/* a: mounts; see mount.c for vnodes */
	kmutex_t	 fs_rename_lock; /* one rename between directories at a time */
	struct list	 fs_vnodes;	/* the vnode hash's lock */
	char		*fs_source;	/* c */
	struct list_node fs_link;
};

/*
 * Field key: c constant since attach, a atomic, m mount lock
 */
struct mount {
	struct fs	*mt_fs;		/* c */
	struct vnode	*mt_root;	/* c: referenced */
	struct mount	*mt_parent;	/* m: NULL for the root mount */
	struct vnode	*mt_point;	/* m: directory of mt_parent it covers */
	unsigned long	 mt_flags;	/* a: MS_* */
	uint32_t	 mt_refs;	/* a: paths that stand in it, and the tree */
	uint32_t	 mt_writers;	/* a: files open for writing */
	uint32_t	 mt_nchildren;	/* m: mounts on its directories */
	bool		 mt_detached;	/* m */
	bool		 mt_expire;	/* a: MNT_EXPIRE found it unused */
	uint32_t	 mt_id;		/* c */
	struct list_node mt_link;	/* m: all mounts */
	struct mount	*mt_hashnext;	/* m; read by qsbr */
	struct qsbr_head mt_qsbr;
};

/* A place in the name space: which mount, which file.  Two references. */
struct vpath {
	struct mount	*vp_mount;
	struct vnode	*vp_vnode;
};

/* The mount is never freed under a reference; a vnode's needs one too. */
void	mount_hold(struct mount *mt);
bool	mount_tryhold(struct mount *mt);	/* found lock-free */
void	mount_rele(struct mount *mt);		/* NULL is fine; may sleep */

void	vpath_hold(const struct vpath *p);
void	vpath_rele(struct vpath *p);		/* and clears it */

#endif /* VFS_MOUNT_H */

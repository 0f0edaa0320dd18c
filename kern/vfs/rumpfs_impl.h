/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpfs_impl.h - nodes, entries and limits of the file system in memory
 *
 * A node is a file; its vnode is made with it and stays until the node
 * goes, because nothing else could bring it back.  The node keeps one
 * reference on the vnode as long as it has a name (nlink > 0), hence every
 * node that an entry leads to can simply be held.  When the last name goes,
 * so does that reference, and the last user's vnode_rele() frees both.
 *
 * An entry is a name in a directory.  It has a cookie, larger than that of
 * any entry made before it in that directory, and is found by its name's
 * hash or by walking the directory's order list.
 */

#ifndef RUMPFS_IMPL_H
#define RUMPFS_IMPL_H

#include <lib/list.h>
#include <sys/atomic.h>
#include <sys/cdefs.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/types.h>
#include <vfs/mount.h>
#include <vfs/rumpfs.h>
#include <vfs/vnode.h>

struct uio;

/* What stat shows as the size of a directory: per entry, "." and "..". */
#define RUMPFS_ENT_SIZE		20
#define RUMPFS_DIR_SIZE		(2 * RUMPFS_ENT_SIZE)
/* The inode limit is kept in bytes, so that user xattrs can eat from it. */
#define RUMPFS_INODE_BYTES	1024
/* A symbolic link whose text with NUL is longer occupies a block. */
#define RUMPFS_LINK_INLINE	128

#define RUMPFS_LINK_MAX		0x7fffffffU

/*
 * Field key, here and below:
 *	c  constant		a  atomic		d  v_lock of the directory
 *	v  v_lock of the node's vnode			i  v_ilock of it
 */
struct rumpfs {
	struct fs	*rf_fs;		/* c */
	struct rumpfs_params rf_root;	/* c: mode and owner to begin with */
	uint64_t	 rf_maxblocks;	/* a: 0 no limit */
	uint64_t	 rf_maxispace;	/* a: bytes, 0 no limit */
	uint64_t	 rf_nextino;	/* a */
	uint8_t		 rf_pad[CACHE_LINE];	/* the rest is written all the time */
	uint64_t	 rf_blocks;	/* a: in use */
	uint64_t	 rf_ispace;	/* a: bytes in use */
};

#define RUMPFS_NAME_INLINE	40

struct rumpfs_ent {
	struct rumpfs_ent *re_hashnext;	/* d */
	struct list_node re_order;	/* d: newest first */
	uint64_t	 re_cookie;	/* d */
	uint64_t	 re_hash;	/* d: of the name */
	struct rumpfs_node *re_node;	/* d */
	uint16_t	 re_len;	/* d */
	union {				/* d */
		char	 ru_short[RUMPFS_NAME_INLINE];
		char	*ru_long;	/* re_len bytes, if longer */
	} re_u;
};

static inline const char *
rumpfs_ent_name(const struct rumpfs_ent *re)
{
	return re->re_len <= RUMPFS_NAME_INLINE ? re->re_u.ru_short :
	    re->re_u.ru_long;
}

#define RUMPFS_NHINTS	4

/* Where listings stopped: at hi_cookie, to go on with the entry hi_next. */
struct rumpfs_hints {
	struct {
		uint64_t	 hi_cookie;	/* i; 0: unused */
		struct rumpfs_ent *hi_next;	/* i; NULL: the end */
	} rh_hint[RUMPFS_NHINTS];
	uint32_t	 rh_last;	/* i: the last one taken */
};

struct rumpfs_dir {
	struct list	 rd_order;	/* d */
	struct rumpfs_ent **rd_table;	/* d: NULL while there are few */
	uint32_t	 rd_size;	/* d: of the table, a power of two, or 0 */
	uint32_t	 rd_count;	/* d */
	uint64_t	 rd_cookie;	/* d: the last one given */
	struct rumpfs_node *rd_parent;	/* d; NULL once it is removed */
	struct rumpfs_hints *rd_hints;	/* i: made by the first long listing */
};

struct rumpfs_xattr {
	struct list_node rx_link;	/* v: by name, descending */
	char		*rx_name;	/* c */
	size_t		 rx_len;	/* c */
	uint8_t		 rx_value[];	/* c */
};

/*
 * Times are written with v_lock held exclusively and read without a lock, all
 * of them under rn_seq, which is odd while they change.
 */
enum rumpfs_time { RN_ATIME, RN_MTIME, RN_CTIME, RN_NTIMES };

struct rumpfs_node {
	struct vnode	*rn_vnode;	/* c */
	struct rumpfs	*rn_rf;		/* c */
	nlink_t		 rn_nlink;	/* v and a */
	enum vtype	 rn_type;	/* c */
	uint32_t	 rn_seq;	/* v and a */
	struct timespec64 rn_time[RN_NTIMES];	/* v and a, see above */
	struct timespec64 rn_btime;	/* c */
	struct list	 rn_xattrs;	/* v */
	union {
		struct rumpfs_dir rn_dir;	/* VDIR */
		struct {
			char	*rn_link;	/* c: VLNK */
			size_t	 rn_linklen;	/* c */
		};
	};
};

static inline struct rumpfs_node *
rumpfs_node(struct vnode *vp)
{
	return vp->v_data;
}

extern const struct vnode_ops rumpfs_dir_vnops;
extern const struct vnode_ops rumpfs_file_vnops;
extern const struct vnode_ops rumpfs_link_vnops;
extern const struct vnode_ops rumpfs_special_vnops;

/* rumpfs_limit.c: ENOSPC, or it is charged. */
int	rumpfs_charge_blocks(struct rumpfs *rf, uint64_t n);
void	rumpfs_uncharge_blocks(struct rumpfs *rf, uint64_t n);
int	rumpfs_charge_ispace(struct rumpfs *rf, uint64_t bytes);
void	rumpfs_uncharge_ispace(struct rumpfs *rf, uint64_t bytes);

/* rumpfs_node.c */
void	rumpfs_node_boot(void);
/* A node without a name, charged, its vnode referenced once and LOADING. */
int	rumpfs_node_create(struct rumpfs *rf, const struct vattr *va,
	    const char *link, const struct timespec64 *now,
	    struct rumpfs_node **ret_rn);
int	rumpfs_node_create_root(struct rumpfs *rf, const struct vattr *va,
	    struct vnode *vp);
/* Undoes it; the vnode was not published. */
void	rumpfs_node_abandon(struct rumpfs_node *rn);
/* One name more or less; the vnode's reference follows. */
void	rumpfs_node_linkup(struct rumpfs_node *rn);
void	rumpfs_node_linkdown(struct rumpfs_node *rn);

/* rumpfs_name.c: a name of rn was taken away. */
void	rumpfs_node_dropname(struct rumpfs_node *rn,
	    const struct timespec64 *now);

/* It was changed now: ctime and, with content, mtime.  v_lock is held W. */
struct timespec64 rumpfs_now(void);
void	rumpfs_node_changed(struct rumpfs_node *rn, bool content,
	    const struct timespec64 *now);
int	rumpfs_getattr(struct vnode *vp, struct vattr *ret_va);
int	rumpfs_setattr(struct vnode *vp, const struct vattr *va,
	    unsigned int mask);
void	rumpfs_reclaim(struct vnode *vp);

/* rumpfs_dir.c: the container.  dn is a directory whose v_lock is held. */
void	rumpfs_dir_boot(void);
void	rumpfs_dir_init(struct rumpfs_node *dn);
void	rumpfs_dir_fini(struct rumpfs_node *dn);
struct rumpfs_ent *rumpfs_dir_find(struct rumpfs_node *dn,
	    const struct cname *cn);
int	rumpfs_ent_create(const struct cname *cn, struct rumpfs_ent **ret_re);
void	rumpfs_ent_destroy(struct rumpfs_ent *re);
void	rumpfs_dir_insert(struct rumpfs_node *dn, struct rumpfs_ent *re,
	    struct rumpfs_node *rn);
void	rumpfs_dir_remove(struct rumpfs_node *dn, struct rumpfs_ent *re);
/* re takes the place, cookie and node of old. */
void	rumpfs_dir_replace(struct rumpfs_node *dn, struct rumpfs_ent *old,
	    struct rumpfs_ent *re);
int	rumpfs_readdir(struct vnode *dvp, uint64_t *cookie, readdir_fn *fn,
	    void *arg);

/* rumpfs_rename.c */
int	rumpfs_rename(struct vnode *fdvp, const struct cname *fcn,
	    struct vnode *fvp, struct vnode *tdvp, const struct cname *tcn,
	    struct vnode *tvp, unsigned int flags);

/* rumpfs_file.c */
void	rumpfs_file_resize(struct rumpfs_node *rn, uint64_t size);

/* rumpfs_xattr.c */
int	rumpfs_getxattr(struct vnode *vp, const char *name, void *buf,
	    size_t size, size_t *ret_len);
int	rumpfs_listxattr(struct vnode *vp, char *buf, size_t size,
	    size_t *ret_len);
int	rumpfs_setxattr(struct vnode *vp, const char *name, const void *buf,
	    size_t len, int flags);
int	rumpfs_removexattr(struct vnode *vp, const char *name);
void	rumpfs_xattr_fini(struct rumpfs_node *rn);

#endif /* RUMPFS_IMPL_H */

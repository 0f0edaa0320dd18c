/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vnode.h - files as the vfs sees them, and what a file system provides
 *
 * A vnode is one file of one file system instance (struct fs), whatever
 * names lead to it.  It is born when a file system loads or creates the
 * file, lives while it is referenced, stays cached for a while after that,
 * and is reclaimed when memory is wanted or the instance is unmounted.
 *
 *	LOADING -> ACTIVE <-> IDLE (no references, on the idle list) -> DEAD
 *
 * Look-ups find vnodes without a lock (qsbr) and take a reference with
 * vnode_tryhold(), which fails on a dead one.
 *
 * Locking
 *	v_lock, read: the directory is searched or listed; the file is read
 *	v_lock, write: entries or content and size change
 *	v_ilock: attributes; short, nothing is called under it
 *	Order: directory before what is in it; of two directories, ancestor
 *	first (rename holds fs_rename_lock, which makes that order stable);
 *	v_lock -> pgobj lock -> v_ilock.
 */

#ifndef VFS_VNODE_H
#define VFS_VNODE_H

#include <lib/list.h>
#include <sys/ktime.h>
#include <sys/mutex.h>
#include <sys/poll.h>
#include <sys/qsbr.h>
#include <sys/rwlock.h>
#include <sys/types.h>
#include <vfs/pagecache.h>

struct cred;
struct fs;
struct file;
struct mount;
struct uio;
struct vnode;

enum vtype { VNON, VREG, VDIR, VLNK, VCHR, VBLK, VFIFO, VSOCK };

/* S_IFMT bits of a type and back; VNON for nonsense. */
mode_t	vtype_to_mode(enum vtype type);
enum vtype vtype_from_mode(mode_t mode);
unsigned char vtype_to_dt(enum vtype type);	/* DT_* */

struct vattr {
	enum vtype	 va_type;
	mode_t		 va_mode;	/* 07777 */
	nlink_t		 va_nlink;
	uid_t		 va_uid;
	gid_t		 va_gid;
	dev_t		 va_rdev;	/* VCHR, VBLK */
	ino_t		 va_ino;
	uint64_t	 va_size;
	uint64_t	 va_blocks;	/* of 512 bytes */
	uint32_t	 va_blksize;	/* preferred I/O size */
	struct timespec64 va_atime, va_mtime, va_ctime, va_btime;
	bool		 va_hasbtime;
	uint64_t	 va_attributes;		/* STATX_ATTR_* */
	uint64_t	 va_attributes_mask;	/* ... that this fs knows */
};

/* What vo_setattr shall change. */
#define VA_MODE		0x001
#define VA_UID		0x002
#define VA_GID		0x004
#define VA_SIZE		0x008
#define VA_ATIME	0x010
#define VA_MTIME	0x020
#define VA_CTIME	0x040

/* One component of a path.  Not NUL-terminated. */
struct cname {
	const char	*cn_name;
	size_t		 cn_len;	/* 1 .. NAME_MAX; never "." or ".." but in vo_lookup */
	uint64_t	 cn_hash;	/* of the name alone */
};

/*
 * Receives one entry of a directory; cookie is where the next one starts
 * (never 0, never larger than INT64_MAX).  Returns false when it is full:
 * this entry was not taken.
 */
typedef bool readdir_fn(void *arg, const char *name, size_t len, ino_t ino,
    unsigned char dtype, uint64_t cookie);

/*
 * Operations of a file system on its vnodes.  "dvp" is a directory.  Types,
 * permissions, read-only mounts, name lengths and flags have been checked by
 * the vfs before a call.  Returned vnodes are referenced.  NULL operations
 * give the error in brackets.  The letter says how v_lock is held on entry
 * and stays: R read, W write, - not.
 *
 * An operation that changes something updates the times that POSIX names for
 * it, the attributes cached in the vnode (vnode_setperm, v_size) and link counts.
 * vo_setattr alone changes what its mask names and nothing else: the vfs adds
 * VA_MTIME and VA_CTIME where they are due (an access time has none).  Access
 * times are the business of the vfs (relatime, noatime): reading, listing and
 * following a link leave them alone.
 *
 * vo_lookup, vo_create and fo_load may call vnode_get() and vnode_alloc(), which
 * wait for a file of the same number that is going away: they hold no lock
 * then which vo_inactive or vo_reclaim take.
 */
struct vnode_ops {
	/* R  ENOENT.  ".." too, if the fs knows it; never ".". */
	int	(*vo_lookup)(struct vnode *dvp, const struct cname *cn,
		    struct vnode **ret_vp);
	/* W  The name is free.  va: type, mode, uid, gid, rdev; link: text of a
	 * VLNK.  [EROFS]  ENOSPC, EDQUOT, EMLINK.. */
	int	(*vo_create)(struct vnode *dvp, const struct cname *cn,
		    const struct vattr *va, const char *link, struct vnode **ret_vp);
	/* W  A nameless VREG in dvp's fs, with nlink 0.  [EOPNOTSUPP] */
	int	(*vo_tmpfile)(struct vnode *dvp, const struct vattr *va,
		    struct vnode **ret_vp);
	/* W dvp, W vp.  [EPERM] */
	int	(*vo_link)(struct vnode *dvp, const struct cname *cn, struct vnode *vp);
	/* W dvp, W vp, which is what cn names; not a directory.  [EROFS] */
	int	(*vo_unlink)(struct vnode *dvp, const struct cname *cn, struct vnode *vp);
	/* W dvp, W vp, a directory.  ENOTEMPTY.  [EROFS] */
	int	(*vo_rmdir)(struct vnode *dvp, const struct cname *cn, struct vnode *vp);
	/*
	 * W on both directories (once if the same), on fvp, and on tvp if there
	 * is one.  Loops, kinds and sameness were checked.  tvp: replaced, or
	 * swapped with RENAME_EXCHANGE; ENOTEMPTY if it is a directory with
	 * entries.  [EROFS]
	 */
	int	(*vo_rename)(struct vnode *fdvp, const struct cname *fcn,
		    struct vnode *fvp, struct vnode *tdvp, const struct cname *tcn,
		    struct vnode *tvp, unsigned int flags);
	/*
	 * R  Calls fn for entries from *cookie (0: the start; "." and ".."
	 * included) until it is full or the end; stores where to go on.
	 */
	int	(*vo_readdir)(struct vnode *dvp, uint64_t *cookie, readdir_fn *fn,
		    void *arg);
	/* R  Text without NUL; truncated to size.  [EINVAL] */
	int	(*vo_readlink)(struct vnode *vp, char *buf, size_t size, size_t *ret_len);
	/* -  Takes v_ilock itself.  NULL: vnode fields suffice. */
	int	(*vo_getattr)(struct vnode *vp, struct vattr *ret_va);
	/* W  mask: VA_*; allowed already.  [EROFS] */
	int	(*vo_setattr)(struct vnode *vp, const struct vattr *va, unsigned int mask);
	/*
	 * R / W  Regular files; uio_off is set.  NULL read: through the page
	 * cache up to v_size.  [EROFS for write]
	 */
	int	(*vo_read)(struct vnode *vp, struct uio *uio, int flags);
	int	(*vo_write)(struct vnode *vp, struct uio *uio, int flags);
	/* W  FALLOC_FL_*.  [EOPNOTSUPP] */
	int	(*vo_fallocate)(struct vnode *vp, int mode, uint64_t off, uint64_t len);
	/* R  SEEK_DATA, SEEK_HOLE; off < v_size.  NULL: all is data. */
	int	(*vo_seek)(struct vnode *vp, uint64_t off, int whence, uint64_t *ret_off);
	/* -  [0] */
	int	(*vo_fsync)(struct vnode *vp, bool dataonly);
	/* -  Whole names ("user.x").  size 0 asks for the length; ERANGE;
	 * ENODATA.  [EOPNOTSUPP] */
	int	(*vo_getxattr)(struct vnode *vp, const char *name, void *buf,
		    size_t size, size_t *ret_len);
	int	(*vo_listxattr)(struct vnode *vp, char *buf, size_t size, size_t *ret_len);
	/* W  XATTR_CREATE, XATTR_REPLACE. */
	int	(*vo_setxattr)(struct vnode *vp, const char *name, const void *buf,
		    size_t len, int flags);
	int	(*vo_removexattr)(struct vnode *vp, const char *name);
	/* -  [ENOTTY] */
	int	(*vo_ioctl)(struct vnode *vp, unsigned long cmd, void *uarg, long *ret);
	/* -  An open(2) or a mapping needs the content; may refuse.  [0] */
	int	(*vo_open)(struct vnode *vp, unsigned int flags);
	/* -  The last reference to a file with nlink 0 is gone: free what is on
	 * disk.  vo_reclaim follows.  [] */
	void	(*vo_inactive)(struct vnode *vp);
	/* -  Free v_data.  Nobody else sees the vnode any more. */
	void	(*vo_reclaim)(struct vnode *vp);
};

enum vnode_state { VS_LOADING, VS_ACTIVE, VS_DEAD };

#define VREF_DEAD	0x80000000u

/*
 * Field key:	c  constant since it is ACTIVE	a  atomic	l  v_lock
 *		i  v_ilock	h  the vnode hash's lock	m  mount lock
 *		n  name cache's lock
 */
struct vnode {
	/* What a walk looks at: the first cache line. */
	struct vnode	*v_hashnext;	/* h; read by qsbr */
	const struct vnode_ops *v_ops;	/* c */
	struct fs	*v_fs;		/* c */
	void		*v_data;	/* c: the file system's */
	uint32_t	 v_refs;	/* a: VREF_DEAD once it is reclaimed */
	uint32_t	 v_nmounts;	/* a: mounts on it */
	uint8_t		 v_type;	/* c: enum vtype */
	uint8_t		 v_state;	/* a: enum vnode_state */
	bool		 v_root;	/* c: root of its fs */
	bool		 v_unlinked;	/* a: no name is left; set by the vfs */
	bool		 v_linkable;	/* a: ... but linkat(2) may give one (O_TMPFILE) */
	bool		 v_onidle;	/* a, changed by h: on the idle list, perhaps in use */
	bool		 v_hot;		/* a: used since the clock hand passed */
	/* What permission checks and stat need, readable without a lock. */
	mode_t		 v_mode;	/* a: 07777 */
	uid_t		 v_uid;		/* a */
	gid_t		 v_gid;		/* a */

	uint64_t	 v_size;	/* a; changed under l */
	struct vnode	*v_parent;	/* n: of a directory: held; NULL unknown/root */
	int64_t		 v_atime_until;	/* a: relatime has nothing to do before */
	ino_t		 v_ino;		/* c */
	dev_t		 v_rdev;	/* c: VCHR, VBLK */
	struct pgobj	*v_pages;	/* VREG: made on first use, see vnode_pages() */
	struct lockf	*v_locks;	/* a: flock, POSIX and OFD locks */
	int32_t		 v_writers;	/* a: files open for writing */
	uint32_t	 v_seals;	/* a, changed under l: see memfd.c */

	krwlock_t	 v_lock;
	kmutex_t	 v_ilock;

	uint32_t	 v_nentries;	/* n, read at any time: of v_ncchildren */
	uint32_t	 v_nnegative;	/* n, read at any time: ... that are negative */
	uint32_t	 v_nnames;	/* n, read at any time: of v_ncnames */
	struct ncent	*v_ncself;	/* n: the entry that names this directory */
	struct list	 v_ncchildren;	/* n: entries in this directory */
	struct list	 v_ncnames;	/* n: entries that lead here */
	struct fifo	*v_fifo;	/* i: VFIFO that is open; see fifo.c */
	struct pollsrc	*v_poll;	/* inotify-like watchers, made on demand */
	struct list_node v_idle;	/* h: idle list */
	struct list_node v_fslink;	/* h: fs_vnodes */
	struct qsbr_head v_qsbr;
};

/*
 * Finds file ino of fs in the cache, or makes a vnode and has fo_load fill
 * it (v_ops, v_data, v_type, perms, size...).  Concurrent callers wait for
 * one load.  Referenced.
 */
int	vnode_get(struct fs *fs, ino_t ino, struct vnode **ret_vp);

/*
 * For file systems that create a file: a vnode that is in the hash but
 * LOADING; the caller fills it and calls vnode_publish(), or vnode_abandon().
 * With fs_keepvnodes it is not in the hash, as nobody will look for it there.
 */
int	vnode_alloc(struct fs *fs, ino_t ino, struct vnode **ret_vp);
void	vnode_publish(struct vnode *vp);
void	vnode_abandon(struct vnode *vp);

void	vnode_hold(struct vnode *vp);		/* the caller has one already */
bool	vnode_tryhold(struct vnode *vp);	/* found lock-free */
void	vnode_rele(struct vnode *vp);		/* NULL is fine; may sleep */

static inline void
vnode_setperm(struct vnode *vp, mode_t mode, uid_t uid, gid_t gid)
{
	__atomic_store_n(&vp->v_mode, mode, __ATOMIC_RELAXED);
	__atomic_store_n(&vp->v_uid, uid, __ATOMIC_RELAXED);
	__atomic_store_n(&vp->v_gid, gid, __ATOMIC_RELAXED);
}

static inline uint64_t
vnode_size(const struct vnode *vp)
{
	return __atomic_load_n(&vp->v_size, __ATOMIC_RELAXED);
}

/* The content's page cache, made with ops and arg vp at first use.  ENOMEM. */
int	vnode_pages(struct vnode *vp, const struct pgobj_ops *ops,
	    struct pgobj **ret_po);

/* Attributes as stat shows them, by vo_getattr or from the vnode. */
int	vnode_getattr(struct vnode *vp, struct vattr *ret_va);

/* Access of cr to vp; want: MAY_*.  EACCES. */
#define MAY_EXEC	1
#define MAY_WRITE	2
#define MAY_READ	4
int	vnode_access(struct vnode *vp, int want, const struct cred *cr);

#endif /* VFS_VNODE_H */

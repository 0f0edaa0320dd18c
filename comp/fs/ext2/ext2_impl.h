/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_impl.h - what the files of this folder share
 *
 * An instance (struct ext2fs) never changes after the mount, an inode never
 * after it was loaded, for we only read. What is left to lock is the small
 * cache of block runs in each inode.
 *
 * Two ways to the device, both of which see the journal's overlay:
 *	ext2_block_get()	metadata, through the page cache m_meta, whose
 *				offsets are those of the device
 *	ext2_phys_read()	content, straight into the reader's folios
 *
 * Errors: whoever finds something wrong reports it, one line, by
 * ext2_report() or ext2_report_io(), and returns the errno; all others pass
 * it on in silence.
 */

#ifndef EXT2_IMPL_H
#define EXT2_IMPL_H

#include <dev/blkdev.h>
#include <sys/kmem.h>
#include <sys/log.h>
#include <sys/mutex.h>
#include <sys/types.h>
#include <vfs/mount.h>
#include <vfs/pagecache.h>
#include <vfs/vnode.h>

#include "ext2_wire.h"

#define EXT2_XATTR_SIZE_MAX	(1u << 24)	/* as Linux reads them */

/*
 * A block that the journal has a newer copy of: read r_where instead.
 */
struct ext2_redo {
	uint64_t	r_pblk;
	uint64_t	r_where;
	uint32_t	r_sequence;
	uint32_t	r_order;	/* in which it was found */
	bool		r_escaped;
};

/* Sorted by r_pblk, each at most once. */
struct ext2_overlay {
	struct ext2_redo *o_redo;
	size_t		 o_count;
	size_t		 o_alloc;
};

#define EXT2_NCHECKED	512	/* a power of two */

/* Field key: c constant since mount, a atomic, l m_lock */
struct ext2fs {
	struct fs	*m_fs;		/* c: NULL while probing */
	struct blkdev	*m_dev;		/* c: open */
	struct ext2_super m_sb;		/* c */
	uint64_t	 m_sbkib;	/* c: KiB before the superblock in use */
	bool		 m_noload;	/* c */
	struct pgobj	*m_meta;	/* c */
	struct ext2_overlay m_overlay;	/* c */
	uint64_t	 m_checked[EXT2_NCHECKED];	/* a: see ext2_dirblock_verify() */
	kmutex_t	 m_lock;
	struct log_limit m_limit;	/* l */
	bool		 m_counted;	/* l: the two are valid */
	uint64_t	 m_free_blocks;	/* l */
	uint64_t	 m_free_inodes;	/* l */
};

#define EXT2_NRUNS	4

/* Field key: c constant since it was loaded, l e_lock, a atomic hint */
struct ext2_inode {
	struct ext2fs	*e_m;		/* c */
	uint32_t	 e_ino;		/* c */
	struct ext2_dinode e_di;	/* c */
	uint32_t	 e_dirhint;	/* a: block where a name was found last */
	kmutex_t	 e_lock;
	unsigned int	 e_hand;	/* l: run to replace next */
	struct ext2_run	 e_runs[EXT2_NRUNS];	/* l: r_count 0 is empty */
};

static inline struct ext2_inode *
vnode_ext2(const struct vnode *vp)
{
	return vp->v_data;
}

/* The number of blocks that the inode's size amounts to. */
static inline uint64_t
ext2_nblocks(const struct ext2_inode *ip)
{
	const struct ext2_super *sb = &ip->e_m->m_sb;

	return (ip->e_di.i_size >> sb->s_blkshift) +
	    ((ip->e_di.i_size & (sb->s_blksize - 1)) != 0);
}

/* ext2_report.c: both return their errno, for the return statement. */
int	ext2_report(struct ext2fs *, const struct ext2_why *, int error,
	    uint64_t ino, uint64_t pblk);
int	ext2_report_text(struct ext2fs *, int error, uint64_t ino,
	    const char *text);
int	ext2_report_io(struct ext2fs *, const char *what, int error,
	    uint64_t ino, uint64_t pblk);

/* ext2_buf.c */

/* A metadata block: in place if one folio holds it, else a copy. */
struct ext2_buf {
	const uint8_t	*b_data;	/* s_blksize bytes; NULL: none */
	uint64_t	 b_pblk;
	struct folio	*b_folio;
	void		*b_copy;
};

/* Where a scattered transfer stands in its buffers. */
struct ext2_cursor {
	const struct rumpuser_iov *c_iov;
	size_t		 c_iovcnt;
	size_t		 c_off;		/* in c_iov[0] */
};

int	ext2_block_get(struct ext2fs *, const char *what, uint64_t ino,
	    uint64_t pblk, struct ext2_buf *ret_buf);
void	ext2_block_put(struct ext2fs *, struct ext2_buf *);	/* twice is fine */
/* Device bytes [off, off + len) to the cursor.  Silent. */
int	ext2_phys_read(struct ext2fs *, uint64_t off, uint64_t len,
	    struct ext2_cursor *);
int	ext2_phys_readbuf(struct ext2fs *, uint64_t off, void *, size_t);
void	ext2_cursor_init(struct ext2_cursor *, const struct rumpuser_iov *,
	    size_t);
void	ext2_cursor_zero(struct ext2_cursor *, uint64_t len);
void	ext2_cursor_copy(struct ext2_cursor *, const void *, size_t);
void	ext2_cursor_skip(struct ext2_cursor *, uint64_t len);
extern const struct pgobj_ops ext2_meta_pgops;

/* ext2_overlay.c */
int	ext2_overlay_add(struct ext2_overlay *, const struct ext2_redo *);
void	ext2_overlay_sort(struct ext2_overlay *);	/* keeps the last copies */
void	ext2_overlay_revoke(struct ext2_overlay *, uint64_t pblk,
	    uint32_t sequence);
void	ext2_overlay_prune(struct ext2_overlay *);	/* drops the revoked */
void	ext2_overlay_fini(struct ext2_overlay *);
/* The first newer copy at or after pblk, or NULL. */
const struct ext2_redo *ext2_overlay_find(const struct ext2_overlay *,
	    uint64_t pblk);

/* ext2_journal.c: fills m_overlay. */
int	ext2_journal_replay(struct ext2fs *);

/* ext2_map.c: the run that holds lblk, and what comes before it. */
int	ext2_map(struct ext2_inode *, uint64_t lblk, struct ext2_run *ret_run);

/* ext2_inode.c */
int	ext2_inode_init(struct ext2fs *, uint64_t ino, struct ext2_inode *ip);
void	ext2_inode_fini(struct ext2_inode *);
/* The inode as it is on disk: ret_raw points into the buffer. */
int	ext2_inode_raw(struct ext2fs *, uint64_t ino, struct ext2_buf *ret_buf,
	    const uint8_t **ret_raw);
int	ext2_load(struct fs *, ino_t, struct vnode *);
int	ext2_inode_attach(void);
int	ext2_getattr(struct vnode *, struct vattr *);
int	ext2_open(struct vnode *, unsigned int);
void	ext2_reclaim(struct vnode *);
/* ENOKEY, with a line, if the content is encrypted. */
int	ext2_inode_readable(struct ext2_inode *);

/* ext2_file.c */
int	ext2_fill(struct ext2_inode *, uint64_t off,
	    const struct rumpuser_iov *, size_t iovcnt);
/* For what is small: symbolic links, values of attributes. */
int	ext2_copy(struct ext2_inode *, uint64_t off, void *, size_t);
int	ext2_seek(struct vnode *, uint64_t, int, uint64_t *);
extern const struct pgobj_ops ext2_file_pgops;

/* ext2_inline.c: content inside the inode, in two pieces. */
struct ext2_inline {
	struct ext2_buf	 n_buf;		/* the second piece points into it */
	const uint8_t	*n_piece[2];
	size_t		 n_len[2];
};

int	ext2_inline_get(struct ext2_inode *, struct ext2_inline *ret_in);
void	ext2_inline_put(struct ext2_inode *, struct ext2_inline *);

/* ext2_dir.c, ext2_readdir.c, ext2_htree.c */
int	ext2_lookup(struct vnode *, const struct cname *, struct vnode **);
int	ext2_readdir(struct vnode *, uint64_t *, readdir_fn *, void *);
int	ext2_dirblock_get(struct ext2_inode *, uint64_t lblk,
	    struct ext2_buf *ret_buf);
/* ext2_dirblock_check(), left out for blocks that passed it lately. */
int	ext2_dirblock_verify(struct ext2_inode *, const uint8_t *,
	    uint64_t pblk, size_t *ret_len, struct ext2_why *why);
/* Where the entries of a block end, after its checksum was verified. */
int	ext2_dirblock_entries(struct ext2_inode *, uint64_t lblk,
	    const uint8_t *, uint64_t pblk, size_t *ret_len);
bool	ext2_dir_indexed(const struct ext2_inode *);
/* EOPNOTSUPP: it cannot be searched so, or not any further. */
int	ext2_htree_lookup(struct ext2_inode *, const char *, size_t,
	    uint32_t *ret_ino);

/* ext2_xattr.c */
int	ext2_getxattr(struct vnode *, const char *, void *, size_t, size_t *);
int	ext2_listxattr(struct vnode *, char *, size_t, size_t *);

/* ext2_symlink.c */
int	ext2_readlink(struct vnode *, char *, size_t, size_t *);

/* ext2_ioctl.c */
int	ext2_ioctl(struct vnode *, unsigned long, void *, long *);

/* ext2_vnops.c */
extern const struct vnode_ops ext2_reg_vnops;
extern const struct vnode_ops ext2_dir_vnops;
extern const struct vnode_ops ext2_lnk_vnops;
extern const struct vnode_ops ext2_special_vnops;

/* ext2_super.c */

/* Reads and decodes, into m_sb.  ENOENT: no magic number. */
int	ext2_super_read(struct ext2fs *, struct ext2_why *);
/* Reads, checks and reports. */
int	ext2_super_load(struct ext2fs *);
/* Appends the names of the bits of a set, each after a space. */
void	ext2_feature_list(enum ext2_feature_set, uint32_t bits, char *,
	    size_t);

/* ext2_vfsops.c, ext2_probe.c */
int	ext2_mount(struct fs *, const struct mount_args *);
int	ext2_probe(const char *, struct rump_fsinfo *);

/* ext2_statfs.c */
int	ext2_statfs(struct fs *, struct fs_statfs *);

/* ext2_orphan.c: a line about what a crash left, for who asked for it. */
void	ext2_orphan_notice(struct ext2fs *);

#endif /* EXT2_IMPL_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_wire.h - the on-disk format of ext2, ext3 and ext4
 *
 * The wire layer turns bytes of an image into values and judges them. It
 * takes no lock, allocates nothing, reads no clock and does no I/O, so it
 * compiles for the host as well, where the unit tests and fuzzers call it.
 *
 * Each function is given bytes and their length and answers 0 or
 *	EUCLEAN		the structure contradicts itself or its checksum
 *	EOPNOTSUPP	it is sound, but of a kind which we do not read
 *	ENOENT/ENODATA	what was searched for is not there
 * and on EUCLEAN and EOPNOTSUPP also fills a `struct ext2_why`, from which
 * the caller, who knows the block and the inode, makes one console line.
 *
 * References: "ext4 Data Structures and Algorithms" (Linux documentation,
 * filesystems/ext4), ext4(5), debugfs(8).
 */

#ifndef EXT2_WIRE_H
#define EXT2_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/errno.h>

/* What was wrong: which structure, why, and the value that gave it away. */
struct ext2_why {
	const char	*w_what;	/* "extent node" */
	const char	*w_reason;	/* "entries overlap" */
	uint64_t	 w_value;
};

static inline int
ext2_bad(struct ext2_why *why, const char *what, const char *reason,
    uint64_t value)
{
	why->w_what = what;
	why->w_reason = reason;
	why->w_value = value;
	return EUCLEAN;
}

static inline uint16_t
ext2_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
ext2_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static inline uint64_t
ext2_le64(const uint8_t *p)
{
	return ext2_le32(p) | (uint64_t)ext2_le32(p + 4) << 32;
}

/*
 * Superblock (ext2_super_wire.c, ext2_feature_wire.c)
 */

#define EXT2_SUPER_OFFSET	1024
#define EXT2_SUPER_SIZE		1024
#define EXT2_MAGIC		0xef53

#define EXT2_BLOCKSIZE_MIN	1024
#define EXT2_BLOCKSIZE_MAX	65536

/* Compatible features: an unknown one harms nobody. */
#define EXT2_COMPAT_DIR_PREALLOC	0x0001
#define EXT2_COMPAT_IMAGIC_INODES	0x0002
#define EXT2_COMPAT_HAS_JOURNAL		0x0004
#define EXT2_COMPAT_EXT_ATTR		0x0008
#define EXT2_COMPAT_RESIZE_INODE	0x0010
#define EXT2_COMPAT_DIR_INDEX		0x0020
#define EXT2_COMPAT_SPARSE_SUPER2	0x0200
#define EXT2_COMPAT_FAST_COMMIT		0x0400
#define EXT2_COMPAT_STABLE_INODES	0x0800
#define EXT2_COMPAT_ORPHAN_FILE		0x1000

/* Incompatible features: an unknown one forbids to read. */
#define EXT2_INCOMPAT_COMPRESSION	0x00001
#define EXT2_INCOMPAT_FILETYPE		0x00002
#define EXT2_INCOMPAT_RECOVER		0x00004
#define EXT2_INCOMPAT_JOURNAL_DEV	0x00008
#define EXT2_INCOMPAT_META_BG		0x00010
#define EXT2_INCOMPAT_EXTENTS		0x00040
#define EXT2_INCOMPAT_64BIT		0x00080
#define EXT2_INCOMPAT_MMP		0x00100
#define EXT2_INCOMPAT_FLEX_BG		0x00200
#define EXT2_INCOMPAT_EA_INODE		0x00400
#define EXT2_INCOMPAT_DIRDATA		0x01000
#define EXT2_INCOMPAT_CSUM_SEED		0x02000
#define EXT2_INCOMPAT_LARGEDIR		0x04000
#define EXT2_INCOMPAT_INLINE_DATA	0x08000
#define EXT2_INCOMPAT_ENCRYPT		0x10000
#define EXT2_INCOMPAT_CASEFOLD		0x20000

/* Features which only forbid to write. */
#define EXT2_ROCOMPAT_SPARSE_SUPER	0x00001
#define EXT2_ROCOMPAT_LARGE_FILE	0x00002
#define EXT2_ROCOMPAT_HUGE_FILE		0x00008
#define EXT2_ROCOMPAT_GDT_CSUM		0x00010
#define EXT2_ROCOMPAT_DIR_NLINK		0x00020
#define EXT2_ROCOMPAT_EXTRA_ISIZE	0x00040
#define EXT2_ROCOMPAT_QUOTA		0x00100
#define EXT2_ROCOMPAT_BIGALLOC		0x00200
#define EXT2_ROCOMPAT_METADATA_CSUM	0x00400
#define EXT2_ROCOMPAT_PROJECT		0x02000
#define EXT2_ROCOMPAT_VERITY		0x08000
#define EXT2_ROCOMPAT_ORPHAN_PRESENT	0x10000

#define EXT2_STATE_CLEAN	0x0001
#define EXT2_STATE_ERROR	0x0002
#define EXT2_STATE_ORPHANS	0x0004

#define EXT2_FLAG_SIGNED_HASH	0x0001
#define EXT2_FLAG_UNSIGNED_HASH	0x0002

#define EXT2_OS_LINUX		0

#define EXT2_INO_ROOT		2
#define EXT2_INO_JOURNAL	8
#define EXT2_INO_FIRST_OLD	11

/*
 * A superblock in our own terms.  ext2_super_decode() fills the upper part
 * from anything that carries the magic number; ext2_super_check() judges
 * the geometry and fills the lower part.  Only then may the rest of the
 * wire layer see it.
 */
struct ext2_super {
	/* identity and state */
	char		s_label[17];
	char		s_last_mounted[65];
	uint8_t		s_uuid[16];
	uint8_t		s_journal_uuid[16];
	uint32_t	s_compat, s_incompat, s_rocompat;
	uint32_t	s_rev;
	uint32_t	s_creator_os;
	uint16_t	s_state;
	uint16_t	s_errors;
	uint32_t	s_flags;
	int64_t		s_mtime, s_wtime, s_mkfs_time, s_lastcheck;
	uint64_t	s_kbytes_written;

	/* counts, as found */
	uint32_t	s_inodes, s_free_inodes;
	uint64_t	s_blocks, s_rblocks, s_free_blocks;
	uint64_t	s_overhead_clusters;
	uint32_t	s_first_block;
	uint32_t	s_log_block, s_log_cluster;
	uint32_t	s_bpg, s_cpg, s_ipg;
	uint32_t	s_first_ino;
	uint16_t	s_inode_size, s_desc_size;
	uint16_t	s_reserved_gdt;
	uint16_t	s_group_nr;
	uint32_t	s_first_meta_bg;
	uint32_t	s_backup_bgs[2];
	uint8_t		s_log_flex;

	/* what it points to */
	uint32_t	s_journal_ino, s_journal_dev;
	uint32_t	s_last_orphan, s_orphan_file_ino;
	uint64_t	s_mmp_block;

	/* hashes and checksums */
	uint32_t	s_hash_seed[4];
	uint8_t		s_hash_version;
	uint8_t		s_csum_type;
	uint32_t	s_csum_seed_stored;
	uint16_t	s_encoding, s_encoding_flags;
	bool		s_csum_ok;

	/* derived, by ext2_super_check() */
	unsigned int	s_blkshift;
	uint32_t	s_blksize;
	uint32_t	s_csum_seed;
	unsigned int	s_cluster_bits;		/* blocks a cluster, log 2 */
	uint64_t	s_super_block;		/* descriptors follow it */
	uint32_t	s_groups;
	uint32_t	s_desc_per_block;
	uint32_t	s_gdt_blocks;
	uint32_t	s_inodes_per_block;
	uint32_t	s_itable_blocks;	/* a group */
};

static inline bool
ext2_has_compat(const struct ext2_super *sb, uint32_t f)
{
	return (sb->s_compat & f) != 0;
}

static inline bool
ext2_has_incompat(const struct ext2_super *sb, uint32_t f)
{
	return (sb->s_incompat & f) != 0;
}

static inline bool
ext2_has_rocompat(const struct ext2_super *sb, uint32_t f)
{
	return (sb->s_rocompat & f) != 0;
}

static inline bool
ext2_has_csum(const struct ext2_super *sb)
{
	return ext2_has_rocompat(sb, EXT2_ROCOMPAT_METADATA_CSUM);
}

/* The buffer holds the 1024 bytes of a superblock.  ENOENT: no magic. */
int	ext2_super_decode(const uint8_t *, size_t, struct ext2_super *ret_sb,
	    struct ext2_why *);
int	ext2_super_check(struct ext2_super *, struct ext2_why *);
/* Are these blocks inside the file system, and not its boot block? */
bool	ext2_blocks_ok(const struct ext2_super *, uint64_t, uint64_t);
/* May a directory entry name this inode? */
bool	ext2_ino_ok(const struct ext2_super *, uint64_t);
bool	ext2_super_in_group(const struct ext2_super *, uint32_t);
const char *ext2_super_type(const struct ext2_super *);

enum ext2_feature_set { EXT2_COMPAT, EXT2_INCOMPAT, EXT2_ROCOMPAT };

/* The name of a bit (a number 0..31) as mke2fs spells it, or NULL. */
const char *ext2_feature_name(enum ext2_feature_set, unsigned int);
/* Incompatible features of this file system which we cannot read. */
uint32_t ext2_feature_unsupported(const struct ext2_super *);

/*
 * Groups (ext2_group_wire.c)
 */

#define EXT2_BG_INODE_UNINIT	0x0001
#define EXT2_BG_BLOCK_UNINIT	0x0002

struct ext2_group {
	uint64_t	g_block_bitmap, g_inode_bitmap, g_inode_table;
	uint32_t	g_free_blocks;		/* in clusters */
	uint32_t	g_free_inodes, g_used_dirs, g_itable_unused;
	uint16_t	g_flags;
};

/* The block which holds descriptors number n * s_desc_per_block and on. */
uint64_t ext2_group_block(const struct ext2_super *, uint32_t);
/* Decodes descriptor `group` out of its block. */
int	ext2_group_parse(const struct ext2_super *, uint32_t, const uint8_t *,
	    size_t, struct ext2_group *ret_group, struct ext2_why *);

/*
 * Inodes (ext2_inode_wire.c)
 */

#define EXT2_INODE_OLDSIZE	128
#define EXT2_IBLOCK_SIZE	60

#define EXT2_S_IFMT	0170000
#define EXT2_S_IFSOCK	0140000
#define EXT2_S_IFLNK	0120000
#define EXT2_S_IFREG	0100000
#define EXT2_S_IFBLK	0060000
#define EXT2_S_IFDIR	0040000
#define EXT2_S_IFCHR	0020000
#define EXT2_S_IFIFO	0010000

#define EXT2_I_COMPR		0x00000004
#define EXT2_I_IMMUTABLE	0x00000010
#define EXT2_I_APPEND		0x00000020
#define EXT2_I_NODUMP		0x00000040
#define EXT2_I_ENCRYPT		0x00000800
#define EXT2_I_INDEX		0x00001000
#define EXT2_I_HUGE_FILE	0x00040000
#define EXT2_I_EXTENTS		0x00080000
#define EXT2_I_VERITY		0x00100000
#define EXT2_I_EA_INODE		0x00200000
#define EXT2_I_INLINE_DATA	0x10000000
#define EXT2_I_CASEFOLD		0x40000000

struct ext2_time {
	int64_t		t_sec;
	uint32_t	t_nsec;
};

struct ext2_dinode {
	uint16_t	i_mode;
	uint32_t	i_links;
	uint32_t	i_uid, i_gid, i_projid;
	uint64_t	i_size;
	uint64_t	i_sectors;		/* of 512 bytes */
	uint32_t	i_flags;
	uint32_t	i_generation;
	uint64_t	i_version;
	uint64_t	i_file_acl;
	struct ext2_time i_atime, i_mtime, i_ctime, i_btime;
	bool		i_has_btime;
	uint16_t	i_extra_isize;
	uint32_t	i_dtime;
	uint32_t	i_raw_atime, i_raw_ctime, i_raw_mtime;
	uint32_t	i_seed;			/* of its checksums */
	uint8_t		i_block[EXT2_IBLOCK_SIZE];
};

static inline bool
ext2_is(const struct ext2_dinode *di, uint16_t type)
{
	return (di->i_mode & EXT2_S_IFMT) == type;
}

/* Where inode `ino` lies: group, block within its table, offset. */
struct ext2_inode_place {
	uint32_t	p_group;
	uint32_t	p_block;
	uint32_t	p_off;
};

int	ext2_inode_place(const struct ext2_super *, uint64_t,
	    struct ext2_inode_place *ret_place, struct ext2_why *);
/* The bytes are one inode of s_inode_size. */
int	ext2_inode_parse(const struct ext2_super *, uint32_t, const uint8_t *,
	    size_t, struct ext2_dinode *ret_di, struct ext2_why *);
bool	ext2_symlink_is_fast(const struct ext2_dinode *);
/* Device number of a special file, in halves. */
void	ext2_inode_rdev(const struct ext2_dinode *, uint32_t *ret_major,
	    uint32_t *ret_minor);

/*
 * Block maps (ext2_extent_wire.c, ext2_blockmap_wire.c)
 *
 * A run says where `r_count` blocks of a file from r_lblk on are: at r_pblk
 * on, or nowhere: a hole, or allocated and never written.
 */

enum ext2_run_kind { EXT2_RUN_HOLE, EXT2_RUN_DATA, EXT2_RUN_UNWRITTEN };

struct ext2_run {
	enum ext2_run_kind	r_kind;
	uint64_t		r_lblk;
	uint64_t		r_count;
	uint64_t		r_pblk;
};

#define EXT2_LBLK_END		(UINT64_C(1) << 32)
#define EXT2_EXTENT_DEPTH_MAX	5

/*
 * A node of an extent tree which has been judged: its entries ascend, do
 * not overlap, lie in [n_first, n_end) and point into the file system.
 */
struct ext2_extnode {
	const uint8_t	*n_entries;
	unsigned int	 n_count;
	unsigned int	 n_depth;
	uint64_t	 n_first, n_end;	/* logical blocks it may map */
};

#define EXT2_DEPTH_ANY	UINT32_MAX

/*
 * `depth` is what the parent promised, EXT2_DEPTH_ANY for a root.  The
 * checksum seed is that of the inode; NULL: there is none (a root).
 */
int	ext2_extnode_parse(const struct ext2_super *, const uint8_t *, size_t,
	    uint32_t depth, uint64_t first, uint64_t end, const uint32_t *seed,
	    struct ext2_extnode *ret_node, struct ext2_why *);
/* Of a leaf: the whole run or hole which holds lblk. */
void	ext2_extnode_run(const struct ext2_extnode *, uint64_t,
	    struct ext2_run *ret_run);
/*
 * Of an index: the child which may map lblk and the blocks it may map.
 * ENOENT: nothing before *ret_end is mapped.
 */
int	ext2_extnode_child(const struct ext2_extnode *, uint64_t,
	    uint64_t *ret_pblk, uint64_t *ret_first, uint64_t *ret_end);

/* The way from the inode to a block: i_block slot, then slots of tables. */
struct ext2_bmpath {
	unsigned int	b_depth;		/* 0..3 tables */
	uint32_t	b_slot[4];
	uint64_t	b_span[4];		/* blocks a slot maps */
	uint64_t	b_into[4];		/* which of them is wanted */
};

int	ext2_blockmap_path(const struct ext2_super *, uint64_t,
	    struct ext2_bmpath *ret_path);
/*
 * The slots from `slot` on, each mapping `span` blocks.  span 1: the run of
 * data or of hole that begins there; else: the table there, or the hole.
 * `slots` limits the look; *ret_pblk is 0 for a hole.
 */
int	ext2_blockmap_run(const struct ext2_super *, const uint8_t *, size_t,
	    uint32_t slot, uint64_t span, uint64_t *ret_pblk,
	    uint64_t *ret_blocks, struct ext2_why *);

/*
 * Directories (ext2_dirent_wire.c, ext2_htree_wire.c, ext2_hash_wire.c)
 */

#define EXT2_NAME_MAX	255

struct ext2_dirent {
	uint32_t	d_ino;			/* 0: unused */
	uint32_t	d_reclen;
	uint8_t		d_type;			/* DT_*, 0 if unknown */
	uint8_t		d_namelen;
	const uint8_t	*d_name;		/* not terminated */
};

/* The entry at `off` of a directory block (or inline piece) of `len`. */
int	ext2_dirent_parse(const struct ext2_super *, const uint8_t *,
	    size_t len, size_t off, struct ext2_dirent *ret_de,
	    struct ext2_why *);
/* How much of a linear block is entries. */
size_t	ext2_dirblock_room(const struct ext2_super *, size_t len);
/* Checksum of a linear block; *ret_len is where its entries end. */
int	ext2_dirblock_check(const struct ext2_super *, uint32_t seed,
	    const uint8_t *, size_t, size_t *ret_len, struct ext2_why *);
/* Search one piece for a name: 0, ENOENT, EUCLEAN. */
int	ext2_dirent_find(const struct ext2_super *, const uint8_t *,
	    size_t len, const char *name, size_t namelen,
	    struct ext2_dirent *ret_de, struct ext2_why *);
/* Is this block of an indexed directory a dx_node (or root)? */
bool	ext2_dirblock_is_index(const struct ext2_super *, const uint8_t *,
	    size_t);

enum ext2_hash {
	EXT2_HASH_LEGACY, EXT2_HASH_HALF_MD4, EXT2_HASH_TEA,
	EXT2_HASH_LEGACY_UNSIGNED, EXT2_HASH_HALF_MD4_UNSIGNED,
	EXT2_HASH_TEA_UNSIGNED, EXT2_HASH_SIPHASH
};

/* EOPNOTSUPP: a hash we cannot take (siphash has a secret key). */
int	ext2_hash_name(unsigned int version, const uint32_t seed[4],
	    const char *, size_t, uint32_t *ret_hash);

struct ext2_dxnode {
	const uint8_t	*x_entries;		/* entry 0 has no hash */
	unsigned int	 x_count;
	unsigned int	 x_levels;		/* root: index levels below */
	unsigned int	 x_hash;		/* root: version to use */
};

int	ext2_dxroot_parse(const struct ext2_super *, uint32_t seed,
	    const uint8_t *, size_t, struct ext2_dxnode *ret_node,
	    struct ext2_why *);
int	ext2_dxnode_parse(const struct ext2_super *, uint32_t seed,
	    const uint8_t *, size_t, struct ext2_dxnode *ret_node,
	    struct ext2_why *);
/* The last entry whose hash is not above `hash`. */
unsigned int ext2_dxnode_find(const struct ext2_dxnode *, uint32_t hash);
uint32_t ext2_dxnode_block(const struct ext2_dxnode *, unsigned int);
uint32_t ext2_dxnode_hash(const struct ext2_dxnode *, unsigned int);

/*
 * Extended attributes (ext2_xattr_wire.c, ext2_acl_wire.c)
 */

#define EXT2_XATTR_BLOCK_HDR	32

enum ext2_xattr_index {
	EXT2_XATTR_USER = 1, EXT2_XATTR_ACL_ACCESS = 2,
	EXT2_XATTR_ACL_DEFAULT = 3, EXT2_XATTR_TRUSTED = 4,
	EXT2_XATTR_SECURITY = 6, EXT2_XATTR_SYSTEM = 7,
	EXT2_XATTR_ENCRYPTION = 9, EXT2_XATTR_HURD = 10
};

/* A region of entries, judged as a whole by one of the two functions. */
struct ext2_xattrs {
	const uint8_t	*x_base;		/* values are relative to it */
	size_t		 x_len;
	size_t		 x_first;		/* offset of the first entry */
	bool		 x_hashed;		/* entries carry hashes */
};

struct ext2_xattr {
	uint8_t		 e_index;
	uint8_t		 e_namelen;
	const uint8_t	*e_name;
	uint32_t	 e_size;
	uint32_t	 e_hash;
	uint32_t	 e_inum;		/* 0, or the inode of the value */
	const uint8_t	*e_value;		/* NULL if e_inum != 0 */
	size_t		 e_next;		/* offset of the next entry */
};

/* The bytes are the inode.  ENODATA: it has none. */
int	ext2_xattrs_of_inode(const struct ext2_super *,
	    const struct ext2_dinode *, const uint8_t *, size_t,
	    struct ext2_xattrs *ret_xs, struct ext2_why *);
int	ext2_xattrs_of_block(const struct ext2_super *, uint64_t,
	    const uint8_t *, size_t, struct ext2_xattrs *ret_xs,
	    struct ext2_why *);
/* The entry at an offset; ENODATA: the end. */
int	ext2_xattr_parse(const struct ext2_xattrs *, size_t,
	    struct ext2_xattr *ret_xa, struct ext2_why *);
int	ext2_xattr_find(const struct ext2_xattrs *, uint8_t index,
	    const char *, size_t, struct ext2_xattr *ret_xa,
	    struct ext2_why *);
/* Does the hash of the entry fit a value that lies in an inode? */
bool	ext2_xattr_eahash_ok(const struct ext2_xattr *, uint32_t);
/* "user." and so on; NULL: not shown.  Whole: the index says all. */
const char *ext2_xattr_prefix(unsigned int index, bool *ret_whole);
/* Index and rest of a name as xattr(7) has it; ENODATA: not ours. */
int	ext2_xattr_index(const char *, size_t, uint8_t *ret_index,
	    const char **ret_rest, size_t *ret_restlen);

/*
 * An access control list as getxattr(2) gives it from one as ext4 stores
 * it.  *ret_len is set also when out is NULL; ERANGE: outlen is too small.
 */
int	ext2_acl_export(const uint8_t *, size_t, uint8_t *out, size_t outlen,
	    size_t *ret_len, struct ext2_why *);

/*
 * Orphan file (ext2_orphan_wire.c): how many inodes one block of it names.
 */
int	ext2_orphan_block(const struct ext2_super *, uint32_t seed, uint64_t,
	    const uint8_t *, size_t, uint32_t *ret_orphans, struct ext2_why *);

#endif /* EXT2_WIRE_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_inode_wire.c - inodes
 *
 * The first 128 bytes are those of 1993. Behind them, as far as
 * i_extra_isize reaches, are nanoseconds, the upper bits of times (two
 * more, good until 2446), the time of birth and more; what is left of the
 * inode holds attributes.
 *
 * Reference: ext4 documentation, "Index Nodes".
 */

#include <lib/crc.h>

#include "ext2_wire.h"

#define INODE		"inode"
#define CSUM_LO		0x7c
#define EXTRA_ISIZE	0x80
#define CSUM_HI		0x82
#define NSEC_MAX	999999999u

int
ext2_inode_place(const struct ext2_super *sb, uint64_t ino,
    struct ext2_inode_place *ret_place, struct ext2_why *why)
{
	uint32_t index;

	if (ino == 0 || ino > sb->s_inodes)
		return ext2_bad(why, INODE, "number out of range", ino);
	index = (uint32_t)(ino - 1) % sb->s_ipg;
	ret_place->p_group = (uint32_t)(ino - 1) / sb->s_ipg;
	ret_place->p_block = index / sb->s_inodes_per_block;
	ret_place->p_off = index % sb->s_inodes_per_block * sb->s_inode_size;
	return 0;
}

/* Is the field that ends at `end` within what i_extra_isize covers? */
static bool
has_field(const struct ext2_dinode *di, size_t end)
{
	return end <= EXT2_INODE_OLDSIZE + (size_t)di->i_extra_isize;
}

static uint32_t
inode_csum(const struct ext2_super *sb, const struct ext2_dinode *di,
    const uint8_t *p)
{
	const uint8_t zero[2] = { 0, 0 };
	uint32_t crc;

	crc = crc32c(di->i_seed, p, CSUM_LO);
	crc = crc32c(crc, zero, sizeof(zero));
	crc = crc32c(crc, p + CSUM_LO + 2, EXT2_INODE_OLDSIZE - CSUM_LO - 2);
	if (sb->s_inode_size == EXT2_INODE_OLDSIZE)
		return crc & 0xffff;
	if (!has_field(di, CSUM_HI + 2))
		return crc32c(crc, p + EXTRA_ISIZE,
		    sb->s_inode_size - EXTRA_ISIZE) & 0xffff;
	crc = crc32c(crc, p + EXTRA_ISIZE, CSUM_HI - EXTRA_ISIZE);
	crc = crc32c(crc, zero, sizeof(zero));
	return crc32c(crc, p + CSUM_HI + 2, sb->s_inode_size - CSUM_HI - 2);
}

static int
check_csum(const struct ext2_super *sb, struct ext2_dinode *di, uint32_t ino,
    const uint8_t *p, struct ext2_why *why)
{
	uint8_t le[4] = { (uint8_t)ino, (uint8_t)(ino >> 8),
	    (uint8_t)(ino >> 16), (uint8_t)(ino >> 24) };
	uint32_t stored;

	di->i_seed = crc32c(sb->s_csum_seed, le, sizeof(le));
	di->i_seed = crc32c(di->i_seed, p + 0x64, 4);
	if (!ext2_has_csum(sb) || sb->s_creator_os != EXT2_OS_LINUX)
		return 0;
	stored = ext2_le16(p + CSUM_LO);
	if (has_field(di, CSUM_HI + 2))
		stored |= (uint32_t)ext2_le16(p + CSUM_HI) << 16;
	if (stored != inode_csum(sb, di, p))
		return ext2_bad(why, INODE, "wrong checksum", stored);
	return 0;
}

static struct ext2_time
decode_time(const struct ext2_dinode *di, const uint8_t *p, size_t lo,
    size_t extra)
{
	struct ext2_time t = { .t_sec = (int32_t)ext2_le32(p + lo) };
	uint32_t x;

	if (has_field(di, extra + 4)) {
		x = ext2_le32(p + extra);
		t.t_sec += (int64_t)(x & 3) << 32;
		/* Thirty bits reach a little beyond a second. */
		t.t_nsec = x >> 2 > NSEC_MAX ? NSEC_MAX : x >> 2;
	}
	return t;
}

static void
decode_times(struct ext2_dinode *di, const uint8_t *p)
{
	di->i_raw_atime = ext2_le32(p + 0x08);
	di->i_raw_ctime = ext2_le32(p + 0x0c);
	di->i_raw_mtime = ext2_le32(p + 0x10);
	di->i_dtime = ext2_le32(p + 0x14);
	di->i_ctime = decode_time(di, p, 0x0c, 0x84);
	di->i_mtime = decode_time(di, p, 0x10, 0x88);
	di->i_atime = decode_time(di, p, 0x08, 0x8c);
	di->i_has_btime = has_field(di, 0x90 + 4);
	if (di->i_has_btime)
		di->i_btime = decode_time(di, p, 0x90, 0x94);
}

static void
decode_sizes(const struct ext2_super *sb, struct ext2_dinode *di,
    const uint8_t *p)
{
	di->i_size = ext2_le32(p + 0x04);
	if (ext2_is(di, EXT2_S_IFREG) || (ext2_is(di, EXT2_S_IFDIR) &&
	    ext2_has_incompat(sb, EXT2_INCOMPAT_LARGEDIR)))
		di->i_size |= (uint64_t)ext2_le32(p + 0x6c) << 32;

	di->i_sectors = ext2_le32(p + 0x1c);
	if (ext2_has_rocompat(sb, EXT2_ROCOMPAT_HUGE_FILE)) {
		di->i_sectors |= (uint64_t)ext2_le16(p + 0x74) << 32;
		if (di->i_flags & EXT2_I_HUGE_FILE)
			di->i_sectors <<= sb->s_blkshift - 9;
	}
	di->i_file_acl = ext2_le32(p + 0x68);
	if (ext2_has_incompat(sb, EXT2_INCOMPAT_64BIT))
		di->i_file_acl |= (uint64_t)ext2_le16(p + 0x76) << 32;
}

static void
decode_owner(struct ext2_dinode *di, const uint8_t *p)
{
	di->i_uid = ext2_le16(p + 0x02) | (uint32_t)ext2_le16(p + 0x78) << 16;
	di->i_gid = ext2_le16(p + 0x18) | (uint32_t)ext2_le16(p + 0x7a) << 16;
	di->i_links = ext2_le16(p + 0x1a);
	di->i_flags = ext2_le32(p + 0x20);
	di->i_generation = ext2_le32(p + 0x64);
	di->i_version = ext2_le32(p + 0x24);
	if (has_field(di, 0x98 + 4))
		di->i_version |= (uint64_t)ext2_le32(p + 0x98) << 32;
	if (has_field(di, 0x9c + 4))
		di->i_projid = ext2_le32(p + 0x9c);
}

/* A free inode, and some that are internal, have none. */
static bool
type_ok(const struct ext2_dinode *di)
{
	switch (di->i_mode & EXT2_S_IFMT) {
	case EXT2_S_IFREG: case EXT2_S_IFDIR: case EXT2_S_IFLNK:
	case EXT2_S_IFCHR: case EXT2_S_IFBLK: case EXT2_S_IFIFO:
	case EXT2_S_IFSOCK:
		return true;
	case 0:
		return di->i_links == 0;
	}
	return false;
}

/* Combinations which a sound file system cannot have. */
static int
check_flags(const struct ext2_super *sb, const struct ext2_dinode *di,
    struct ext2_why *why)
{
	if (!type_ok(di))
		return ext2_bad(why, INODE, "unknown file type", di->i_mode);
	if ((di->i_flags & EXT2_I_INLINE_DATA) != 0 &&
	    !ext2_has_incompat(sb, EXT2_INCOMPAT_INLINE_DATA))
		return ext2_bad(why, INODE, "inline data without the feature",
		    di->i_flags);
	if ((di->i_flags & EXT2_I_EXTENTS) != 0 &&
	    !ext2_has_incompat(sb, EXT2_INCOMPAT_EXTENTS))
		return ext2_bad(why, INODE, "extents without the feature",
		    di->i_flags);
	/* Block numbers within a file have 32 bits, whatever maps them. */
	if (di->i_size > UINT64_C(1) << (32 + sb->s_blkshift))
		return ext2_bad(why, INODE, "size out of range", di->i_size);
	if (di->i_file_acl != 0 && !ext2_blocks_ok(sb, di->i_file_acl, 1))
		return ext2_bad(why, INODE, "attribute block out of range",
		    di->i_file_acl);
	return 0;
}

int
ext2_inode_parse(const struct ext2_super *sb, uint32_t ino, const uint8_t *p,
    size_t len, struct ext2_dinode *ret_di, struct ext2_why *why)
{
	struct ext2_dinode di = { .i_mode = 0 };
	int error;

	if (len < sb->s_inode_size)
		return ext2_bad(why, INODE, "truncated", len);
	if (sb->s_inode_size > EXT2_INODE_OLDSIZE) {
		di.i_extra_isize = ext2_le16(p + EXTRA_ISIZE);
		if (di.i_extra_isize % 4 != 0 || di.i_extra_isize >
		    sb->s_inode_size - EXT2_INODE_OLDSIZE)
			return ext2_bad(why, INODE, "extra size out of range",
			    di.i_extra_isize);
	}
	error = check_csum(sb, &di, ino, p, why);
	if (error)
		return error;

	di.i_mode = ext2_le16(p);
	decode_owner(&di, p);
	decode_times(&di, p);
	decode_sizes(sb, &di, p);
	__builtin_memcpy(di.i_block, p + 0x28, EXT2_IBLOCK_SIZE);
	error = check_flags(sb, &di, why);
	if (error)
		return error;
	*ret_di = di;
	return 0;
}

/*
 * A short target lies where block numbers would.  Old kernels asked whether
 * the file had blocks, new ones go by the size: every writer ever took the
 * inode for what fits in there with its terminating zero.
 */
bool
ext2_symlink_is_fast(const struct ext2_dinode *di)
{
	return ext2_is(di, EXT2_S_IFLNK) && di->i_size < EXT2_IBLOCK_SIZE &&
	    (di->i_flags & (EXT2_I_EXTENTS | EXT2_I_INLINE_DATA |
	    EXT2_I_EA_INODE)) == 0;
}

/* The old encoding is 8:8 bits in slot 0, the new 12:20 in slot 1. */
void
ext2_inode_rdev(const struct ext2_dinode *di, uint32_t *ret_major,
    uint32_t *ret_minor)
{
	uint32_t old = ext2_le32(di->i_block);
	uint32_t new = ext2_le32(di->i_block + 4);

	if (old != 0) {
		*ret_major = (old >> 8) & 0xff;
		*ret_minor = old & 0xff;
	} else {
		*ret_major = (new & 0xfff00) >> 8;
		*ret_minor = (new & 0xff) | ((new >> 12) & 0xfff00);
	}
}

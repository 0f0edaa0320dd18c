/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_super_wire.c - the superblock
 *
 * Decoding is lenient, because `rumpus info` wants to say what it can of a
 * broken or too modern file system. Checking is strict, because every other
 * bound of the wire layer is computed from what it let pass: no shift of an
 * accepted geometry can overflow and no division is by zero.
 *
 * Reference: ext4 documentation, "Super Block".
 */

#include <lib/crc.h>

#include "ext2_wire.h"

#define SUPER		"superblock"
#define CSUM_OFFSET	0x3fc
#define CSUM_CRC32C	1
#define LOG_BLOCK_MAX	6		/* 64 KiB */
#define DESC_SIZE_OLD	32
#define DESC_SIZE_MAX	1024

/* A block number of 48 bits is the most an extent can hold. */
#define BLOCKS_MAX	(UINT64_C(1) << 48)

static void
copy_text(char *dst, const uint8_t *src, size_t len)
{
	size_t i;

	for (i = 0; i < len && src[i] != '\0'; i++)
		dst[i] = (char)src[i];
	dst[i] = '\0';
}

/* Times have a fifth byte, zero where the field did not exist yet. */
static int64_t
decode_time(const uint8_t *p, size_t lo, size_t hi)
{
	return (int64_t)(ext2_le32(p + lo) | (uint64_t)p[hi] << 32);
}

static void
decode_identity(const uint8_t *p, struct ext2_super *sb)
{
	copy_text(sb->s_label, p + 0x78, 16);
	copy_text(sb->s_last_mounted, p + 0x88, 64);
	__builtin_memcpy(sb->s_uuid, p + 0x68, 16);
	__builtin_memcpy(sb->s_journal_uuid, p + 0xd0, 16);
	sb->s_state = ext2_le16(p + 0x3a);
	sb->s_errors = ext2_le16(p + 0x3c);
	sb->s_creator_os = ext2_le32(p + 0x48);
	sb->s_rev = ext2_le32(p + 0x4c);
	sb->s_mtime = decode_time(p, 0x2c, 0x275);
	sb->s_wtime = decode_time(p, 0x30, 0x274);
	sb->s_lastcheck = decode_time(p, 0x40, 0x277);
	sb->s_mkfs_time = decode_time(p, 0x108, 0x276);
	sb->s_kbytes_written = ext2_le64(p + 0x178);
	sb->s_flags = ext2_le32(p + 0x160);
	if (sb->s_rev > 0) {
		sb->s_compat = ext2_le32(p + 0x5c);
		sb->s_incompat = ext2_le32(p + 0x60);
		sb->s_rocompat = ext2_le32(p + 0x64);
	}
}

static void
decode_counts(const uint8_t *p, struct ext2_super *sb)
{
	sb->s_inodes = ext2_le32(p + 0x00);
	sb->s_blocks = ext2_le32(p + 0x04);
	sb->s_rblocks = ext2_le32(p + 0x08);
	sb->s_free_blocks = ext2_le32(p + 0x0c);
	sb->s_free_inodes = ext2_le32(p + 0x10);
	sb->s_first_block = ext2_le32(p + 0x14);
	sb->s_log_block = ext2_le32(p + 0x18);
	sb->s_log_cluster = ext2_le32(p + 0x1c);
	sb->s_bpg = ext2_le32(p + 0x20);
	sb->s_cpg = ext2_le32(p + 0x24);
	sb->s_ipg = ext2_le32(p + 0x28);
	sb->s_overhead_clusters = ext2_le32(p + 0x248);
	sb->s_group_nr = ext2_le16(p + 0x5a);
	sb->s_reserved_gdt = ext2_le16(p + 0xce);
	sb->s_first_meta_bg = ext2_le32(p + 0x104);
	sb->s_backup_bgs[0] = ext2_le32(p + 0x24c);
	sb->s_backup_bgs[1] = ext2_le32(p + 0x250);
	sb->s_log_flex = p[0x174];
	sb->s_first_ino = EXT2_INO_FIRST_OLD;
	sb->s_inode_size = EXT2_INODE_OLDSIZE;
	if (sb->s_rev > 0) {
		sb->s_first_ino = ext2_le32(p + 0x54);
		sb->s_inode_size = ext2_le16(p + 0x58);
	}
	sb->s_desc_size = DESC_SIZE_OLD;
	if (ext2_has_incompat(sb, EXT2_INCOMPAT_64BIT)) {
		sb->s_desc_size = ext2_le16(p + 0xfe);
		sb->s_blocks |= (uint64_t)ext2_le32(p + 0x150) << 32;
		sb->s_rblocks |= (uint64_t)ext2_le32(p + 0x154) << 32;
		sb->s_free_blocks |= (uint64_t)ext2_le32(p + 0x158) << 32;
	}
}

static void
decode_rest(const uint8_t *p, struct ext2_super *sb)
{
	if (ext2_has_compat(sb, EXT2_COMPAT_HAS_JOURNAL)) {
		sb->s_journal_ino = ext2_le32(p + 0xe0);
		sb->s_journal_dev = ext2_le32(p + 0xe4);
	}
	if (ext2_has_compat(sb, EXT2_COMPAT_ORPHAN_FILE))
		sb->s_orphan_file_ino = ext2_le32(p + 0x280);
	sb->s_last_orphan = ext2_le32(p + 0xe8);
	sb->s_mmp_block = ext2_le64(p + 0x168);
	for (int i = 0; i < 4; i++)
		sb->s_hash_seed[i] = ext2_le32(p + 0xec + 4 * i);
	sb->s_hash_version = p[0xfc];
	sb->s_csum_type = p[0x175];
	sb->s_csum_seed_stored = ext2_le32(p + 0x270);
	sb->s_encoding = ext2_le16(p + 0x27c);
	sb->s_encoding_flags = ext2_le16(p + 0x27e);
	sb->s_csum_ok = !ext2_has_csum(sb) ||
	    ext2_le32(p + CSUM_OFFSET) == crc32c(~0u, p, CSUM_OFFSET);
}

int
ext2_super_decode(const uint8_t *p, size_t len, struct ext2_super *ret_sb,
    struct ext2_why *why)
{
	struct ext2_super sb = { .s_rev = 0 };

	if (len < EXT2_SUPER_SIZE)
		return ext2_bad(why, SUPER, "truncated", len);
	if (ext2_le16(p + 0x38) != EXT2_MAGIC) {
		ext2_bad(why, SUPER, "wrong magic number",
		    ext2_le16(p + 0x38));
		return ENOENT;
	}
	decode_identity(p, &sb);
	decode_counts(p, &sb);
	decode_rest(p, &sb);
	*ret_sb = sb;
	return 0;
}

/* What the features say about who may read on. */
static int
check_kind(const struct ext2_super *sb, struct ext2_why *why)
{
	if (sb->s_rev > 1) {
		ext2_bad(why, SUPER, "unsupported revision", sb->s_rev);
		return EOPNOTSUPP;
	}
	if (ext2_has_incompat(sb, EXT2_INCOMPAT_JOURNAL_DEV)) {
		ext2_bad(why, SUPER, "it is an external journal, "
		    "not a file system", sb->s_incompat);
		return EOPNOTSUPP;
	}
	if (ext2_feature_unsupported(sb) != 0) {
		ext2_bad(why, SUPER, "unsupported incompatible features",
		    ext2_feature_unsupported(sb));
		return EOPNOTSUPP;
	}
	if (ext2_has_csum(sb) && sb->s_csum_type != CSUM_CRC32C) {
		ext2_bad(why, SUPER, "unsupported checksum type",
		    sb->s_csum_type);
		return EOPNOTSUPP;
	}
	if (!sb->s_csum_ok)
		return ext2_bad(why, SUPER, "wrong checksum", 0);
	return 0;
}

/* Sizes of blocks, clusters, inodes and descriptors. */
static int
check_sizes(struct ext2_super *sb, struct ext2_why *why)
{
	if (sb->s_log_block > LOG_BLOCK_MAX)
		return ext2_bad(why, SUPER, "block size out of range",
		    sb->s_log_block);
	sb->s_blkshift = 10 + sb->s_log_block;
	sb->s_blksize = UINT32_C(1) << sb->s_blkshift;

	sb->s_cluster_bits = 0;
	if (ext2_has_rocompat(sb, EXT2_ROCOMPAT_BIGALLOC)) {
		if (sb->s_log_cluster < sb->s_log_block ||
		    sb->s_log_cluster - sb->s_log_block > 16)
			return ext2_bad(why, SUPER,
			    "cluster size out of range", sb->s_log_cluster);
		sb->s_cluster_bits = sb->s_log_cluster - sb->s_log_block;
	}
	if (sb->s_inode_size < EXT2_INODE_OLDSIZE ||
	    sb->s_inode_size > sb->s_blksize ||
	    (sb->s_inode_size & (sb->s_inode_size - 1)) != 0)
		return ext2_bad(why, SUPER, "inode size out of range",
		    sb->s_inode_size);
	if (ext2_has_incompat(sb, EXT2_INCOMPAT_64BIT) &&
	    (sb->s_desc_size < 2 * DESC_SIZE_OLD ||
	    sb->s_desc_size > DESC_SIZE_MAX ||
	    (sb->s_desc_size & (sb->s_desc_size - 1)) != 0))
		return ext2_bad(why, SUPER,
		    "group descriptor size out of range", sb->s_desc_size);
	sb->s_super_block = EXT2_SUPER_OFFSET / sb->s_blksize;
	sb->s_desc_per_block = sb->s_blksize / sb->s_desc_size;
	sb->s_inodes_per_block = sb->s_blksize / sb->s_inode_size;
	return 0;
}

static int
check_groups(struct ext2_super *sb, struct ext2_why *why)
{
	uint32_t bits = sb->s_blksize * 8;	/* of one bitmap block */
	uint64_t groups;

	if (sb->s_bpg == 0 || sb->s_bpg > (uint64_t)bits << sb->s_cluster_bits)
		return ext2_bad(why, SUPER, "blocks per group out of range",
		    sb->s_bpg);
	if (sb->s_cluster_bits > 0 &&
	    sb->s_bpg != (uint64_t)sb->s_cpg << sb->s_cluster_bits)
		return ext2_bad(why, SUPER,
		    "clusters and blocks per group disagree", sb->s_cpg);
	if (sb->s_ipg == 0 || sb->s_ipg > bits)
		return ext2_bad(why, SUPER, "inodes per group out of range",
		    sb->s_ipg);
	sb->s_itable_blocks = (sb->s_ipg + sb->s_inodes_per_block - 1) /
	    sb->s_inodes_per_block;
	if (sb->s_itable_blocks >= sb->s_bpg)
		return ext2_bad(why, SUPER, "inode table larger than group",
		    sb->s_itable_blocks);

	if (sb->s_first_block > (sb->s_blksize == EXT2_BLOCKSIZE_MIN ? 1 : 0))
		return ext2_bad(why, SUPER, "first data block out of range",
		    sb->s_first_block);
	if (sb->s_blocks <= sb->s_first_block || sb->s_blocks > BLOCKS_MAX)
		return ext2_bad(why, SUPER, "block count out of range",
		    sb->s_blocks);
	groups = (sb->s_blocks - sb->s_first_block + sb->s_bpg - 1) /
	    sb->s_bpg;
	if (groups > UINT32_MAX - sb->s_desc_per_block)
		return ext2_bad(why, SUPER, "too many groups", groups);
	sb->s_groups = (uint32_t)groups;
	if (groups * sb->s_ipg != sb->s_inodes)
		return ext2_bad(why, SUPER,
		    "inode count disagrees with groups", sb->s_inodes);
	sb->s_gdt_blocks = (sb->s_groups + sb->s_desc_per_block - 1) /
	    sb->s_desc_per_block;
	return 0;
}

static int
check_pointers(const struct ext2_super *sb, struct ext2_why *why)
{
	if (sb->s_first_ino < EXT2_INO_FIRST_OLD ||
	    sb->s_first_ino > sb->s_inodes)
		return ext2_bad(why, SUPER, "first inode out of range",
		    sb->s_first_ino);
	if (ext2_has_incompat(sb, EXT2_INCOMPAT_META_BG) &&
	    sb->s_first_meta_bg > sb->s_gdt_blocks)
		return ext2_bad(why, SUPER, "first meta block group "
		    "out of range", sb->s_first_meta_bg);
	if (sb->s_journal_ino > sb->s_inodes)
		return ext2_bad(why, SUPER, "journal inode out of range",
		    sb->s_journal_ino);
	if (sb->s_orphan_file_ino > sb->s_inodes)
		return ext2_bad(why, SUPER, "orphan file out of range",
		    sb->s_orphan_file_ino);
	return 0;
}

int
ext2_super_check(struct ext2_super *sb, struct ext2_why *why)
{
	int error;

	error = check_kind(sb, why);
	if (error == 0)
		error = check_sizes(sb, why);
	if (error == 0)
		error = check_groups(sb, why);
	if (error == 0)
		error = check_pointers(sb, why);
	if (error)
		return error;

	if (ext2_has_incompat(sb, EXT2_INCOMPAT_CSUM_SEED))
		sb->s_csum_seed = sb->s_csum_seed_stored;
	else
		sb->s_csum_seed = crc32c(~0u, sb->s_uuid, sizeof(sb->s_uuid));
	return 0;
}

bool
ext2_blocks_ok(const struct ext2_super *sb, uint64_t first, uint64_t count)
{
	return first > sb->s_first_block && first < sb->s_blocks &&
	    count <= sb->s_blocks - first;
}

bool
ext2_ino_ok(const struct ext2_super *sb, uint64_t ino)
{
	return ino <= sb->s_inodes &&
	    (ino == EXT2_INO_ROOT || ino >= sb->s_first_ino);
}

static bool
is_power_of(uint32_t n, uint32_t base)
{
	while (n % base == 0)
		n /= base;
	return n == 1;
}

/* Does a group begin with a copy of the superblock? */
bool
ext2_super_in_group(const struct ext2_super *sb, uint32_t group)
{
	if (group == 0)
		return true;
	if (ext2_has_compat(sb, EXT2_COMPAT_SPARSE_SUPER2))
		return group == sb->s_backup_bgs[0] ||
		    group == sb->s_backup_bgs[1];
	if (group == 1 ||
	    !ext2_has_rocompat(sb, EXT2_ROCOMPAT_SPARSE_SUPER))
		return true;
	return is_power_of(group, 3) || is_power_of(group, 5) ||
	    is_power_of(group, 7);
}

/*
 * Tools disagree about where ext3 ends. This is blkid's rule: a feature
 * that only ext4 has makes it ext4, else a journal makes it ext3.
 */
const char *
ext2_super_type(const struct ext2_super *sb)
{
	uint32_t incompat3 = EXT2_INCOMPAT_FILETYPE | EXT2_INCOMPAT_RECOVER |
	    EXT2_INCOMPAT_META_BG;
	uint32_t rocompat3 = EXT2_ROCOMPAT_SPARSE_SUPER |
	    EXT2_ROCOMPAT_LARGE_FILE;

	if (ext2_has_incompat(sb, EXT2_INCOMPAT_JOURNAL_DEV))
		return "jbd";
	if ((sb->s_incompat & ~incompat3) != 0 ||
	    (sb->s_rocompat & ~(rocompat3 | 0x4u)) != 0)
		return "ext4";
	return ext2_has_compat(sb, EXT2_COMPAT_HAS_JOURNAL) ? "ext3" : "ext2";
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_group_wire.c - group descriptors
 *
 * A group of blocks has a descriptor of 32 bytes, or of 64 and more with
 * the 64bit feature, that says where its bitmaps and its inode table are.
 * The descriptors follow the superblock in one table; with meta_bg, from
 * s_first_meta_bg on, each block of descriptors lies in the first of the
 * groups which it describes.
 *
 * Reference: ext4 documentation, "Block Group Descriptors", "Meta Block
 * Groups", "Checksums".
 */

#include <lib/crc.h>

#include "ext2_wire.h"

#define GROUP		"group descriptor"
#define CSUM_OFFSET	0x1e
#define SIZE_HIGH	64		/* the upper halves are there */

uint64_t
ext2_group_block(const struct ext2_super *sb, uint32_t n)
{
	uint64_t group, block;

	if (!ext2_has_incompat(sb, EXT2_INCOMPAT_META_BG) ||
	    n < sb->s_first_meta_bg)
		return sb->s_super_block + 1 + n;

	group = (uint64_t)n * sb->s_desc_per_block;
	block = sb->s_first_block + group * sb->s_bpg;
	if (ext2_super_in_group(sb, (uint32_t)group))
		block++;
	if (group == 0 && sb->s_blksize == EXT2_BLOCKSIZE_MIN &&
	    sb->s_first_block == 0)
		block++;
	return block;
}

static uint16_t
group_csum(const struct ext2_super *sb, uint32_t group, const uint8_t *p)
{
	const uint8_t zero[2] = { 0, 0 };
	uint8_t le[4] = { (uint8_t)group, (uint8_t)(group >> 8),
	    (uint8_t)(group >> 16), (uint8_t)(group >> 24) };
	size_t rest = sb->s_desc_size - CSUM_OFFSET - 2;
	uint32_t crc;
	uint16_t old;

	if (ext2_has_csum(sb)) {
		crc = crc32c(sb->s_csum_seed, le, sizeof(le));
		crc = crc32c(crc, p, CSUM_OFFSET);
		crc = crc32c(crc, zero, sizeof(zero));
		return (uint16_t)crc32c(crc, p + CSUM_OFFSET + 2, rest);
	}
	old = crc16(0xffff, sb->s_uuid, sizeof(sb->s_uuid));
	old = crc16(old, le, sizeof(le));
	old = crc16(old, p, CSUM_OFFSET);
	return crc16(old, p + CSUM_OFFSET + 2, rest);
}

static void
group_decode(const struct ext2_super *sb, const uint8_t *p,
    struct ext2_group *g)
{
	g->g_block_bitmap = ext2_le32(p + 0x00);
	g->g_inode_bitmap = ext2_le32(p + 0x04);
	g->g_inode_table = ext2_le32(p + 0x08);
	g->g_free_blocks = ext2_le16(p + 0x0c);
	g->g_free_inodes = ext2_le16(p + 0x0e);
	g->g_used_dirs = ext2_le16(p + 0x10);
	g->g_flags = ext2_le16(p + 0x12);
	g->g_itable_unused = ext2_le16(p + 0x1c);
	if (sb->s_desc_size >= SIZE_HIGH) {
		g->g_block_bitmap |= (uint64_t)ext2_le32(p + 0x20) << 32;
		g->g_inode_bitmap |= (uint64_t)ext2_le32(p + 0x24) << 32;
		g->g_inode_table |= (uint64_t)ext2_le32(p + 0x28) << 32;
		g->g_free_blocks |= (uint32_t)ext2_le16(p + 0x2c) << 16;
		g->g_free_inodes |= (uint32_t)ext2_le16(p + 0x2e) << 16;
		g->g_used_dirs |= (uint32_t)ext2_le16(p + 0x30) << 16;
		g->g_itable_unused |= (uint32_t)ext2_le16(p + 0x32) << 16;
	}
	if (!ext2_has_csum(sb) &&
	    !ext2_has_rocompat(sb, EXT2_ROCOMPAT_GDT_CSUM)) {
		/* Without a checksum these fields mean nothing. */
		g->g_flags = 0;
		g->g_itable_unused = 0;
	}
}

int
ext2_group_parse(const struct ext2_super *sb, uint32_t group,
    const uint8_t *buf, size_t len, struct ext2_group *ret_group,
    struct ext2_why *why)
{
	size_t off = (size_t)(group % sb->s_desc_per_block) * sb->s_desc_size;
	struct ext2_group g;
	const uint8_t *p;

	if (group >= sb->s_groups)
		return ext2_bad(why, GROUP, "no such group", group);
	if (off > len || sb->s_desc_size > len - off)
		return ext2_bad(why, GROUP, "truncated", len);
	p = buf + off;

	if ((ext2_has_csum(sb) ||
	    ext2_has_rocompat(sb, EXT2_ROCOMPAT_GDT_CSUM)) &&
	    ext2_le16(p + CSUM_OFFSET) != group_csum(sb, group, p))
		return ext2_bad(why, GROUP, "wrong checksum", group);

	group_decode(sb, p, &g);
	if (!ext2_blocks_ok(sb, g.g_inode_table, sb->s_itable_blocks))
		return ext2_bad(why, GROUP, "inode table out of range",
		    g.g_inode_table);
	if (g.g_itable_unused > sb->s_ipg)
		return ext2_bad(why, GROUP, "unused inodes out of range",
		    g.g_itable_unused);
	if (g.g_free_blocks > sb->s_bpg >> sb->s_cluster_bits)
		return ext2_bad(why, GROUP, "free blocks out of range",
		    g.g_free_blocks);
	if (g.g_free_inodes > sb->s_ipg)
		return ext2_bad(why, GROUP, "free inodes out of range",
		    g.g_free_inodes);
	*ret_group = g;
	return 0;
}

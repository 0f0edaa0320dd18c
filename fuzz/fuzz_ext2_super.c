/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_ext2_super.c - superblocks, and descriptors of groups behind them
 *
 * 1024 bytes of superblock, then a block of descriptors.  Whatever geometry
 * is accepted, nothing that is computed from it may wrap.
 */

#include <lib/crc.h>

#include "fuzz_ext2.h"

static void
try_groups(const struct ext2_super *sb, const uint8_t *p, size_t len)
{
	uint32_t last = sb->s_groups - 1;
	struct ext2_why why = { NULL, NULL, 0 };
	struct ext2_group g;
	int error;

	for (uint32_t n = 0; n < sb->s_gdt_blocks && n < 64; n++) {
		if (ext2_group_block(sb, n) >> 48 != 0)
			panic("descriptor block out of all bounds");
	}
	for (uint32_t group = 0; group < 64 && group <= last; group++) {
		error = ext2_group_parse(sb, group, p, len, &g, &why);
		if (error)
			fuzz_refused(error, &why);
		else if (!ext2_blocks_ok(sb, g.g_inode_table,
		    sb->s_itable_blocks))
			panic("inode table outside");
	}
	ext2_group_parse(sb, last, p, len, &g, &why);
}

static void
check_geometry(const struct ext2_super *sb)
{
	struct ext2_inode_place place;
	struct ext2_why why;

	if (sb->s_blksize < EXT2_BLOCKSIZE_MIN ||
	    sb->s_blksize > EXT2_BLOCKSIZE_MAX ||
	    sb->s_blksize != UINT32_C(1) << sb->s_blkshift)
		panic("block size %u", sb->s_blksize);
	if (sb->s_blocks > UINT64_MAX >> sb->s_blkshift)
		panic("size wraps");
	if (sb->s_inode_size < EXT2_INODE_OLDSIZE ||
	    sb->s_inode_size > sb->s_blksize)
		panic("inode size %u", sb->s_inode_size);
	if (ext2_inode_place(sb, sb->s_inodes, &place, &why) != 0)
		panic("the last inode has no place");
	if (place.p_group >= sb->s_groups ||
	    place.p_block >= sb->s_itable_blocks ||
	    place.p_off > sb->s_blksize - sb->s_inode_size)
		panic("the last inode is outside");
	for (uint32_t group = 0; group < 64; group++)
		(void)ext2_super_in_group(sb, group);
}

static void
try_super(const uint8_t *raw, const uint8_t *rest, size_t len)
{
	struct ext2_why why = { NULL, NULL, 0 };
	struct ext2_super sb;
	int error;

	error = ext2_super_decode(raw, EXT2_SUPER_SIZE, &sb, &why);
	if (error) {
		fuzz_refused(error, &why);
		return;
	}
	if (strnlen(sb.s_label, sizeof(sb.s_label)) == sizeof(sb.s_label) ||
	    ext2_super_type(&sb) == NULL)
		panic("identity");
	error = ext2_super_check(&sb, &why);
	if (error) {
		fuzz_refused(error, &why);
		return;
	}
	check_geometry(&sb);
	try_groups(&sb, rest, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t raw[EXT2_SUPER_SIZE];
	uint32_t crc;

	memset(raw, 0, sizeof(raw));
	memcpy(raw, data, size < sizeof(raw) ? size : sizeof(raw));
	data += size < sizeof(raw) ? size : sizeof(raw);
	size -= size < sizeof(raw) ? size : sizeof(raw);
	try_super(raw, data, size);

	/* As someone would make it who wants to be believed. */
	raw[0x38] = EXT2_MAGIC & 0xff;
	raw[0x39] = EXT2_MAGIC >> 8;
	crc = crc32c(~0u, raw, EXT2_SUPER_SIZE - 4);
	for (int i = 0; i < 4; i++)
		raw[EXT2_SUPER_SIZE - 4 + i] = (uint8_t)(crc >> (8 * i));
	try_super(raw, data, size);
	return 0;
}

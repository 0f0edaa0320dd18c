/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_blockmap_wire.c - block maps of ext2 and ext3
 *
 * Fifteen slots in the inode: twelve name data blocks, the others tables of
 * block numbers, of tables, and of tables of tables. Zero is a hole, of one
 * block or of all that a table would map. A map cannot loop: the depth is
 * given by the slot of the inode that the way began with.
 *
 * Reference: ext4 documentation, "Direct/Indirect Block Addressing".
 */

#include "ext2_wire.h"

#define MAP		"block map"
#define NDIRECT		12

/* EFBIG: the map does not reach that far. */
int
ext2_blockmap_path(const struct ext2_super *sb, uint64_t lblk,
    struct ext2_bmpath *ret_path)
{
	unsigned int bits = sb->s_blkshift - 2;
	struct ext2_bmpath path = { .b_depth = 0 };
	uint64_t span;

	if (lblk < NDIRECT) {
		path.b_slot[0] = (uint32_t)lblk;
		path.b_span[0] = 1;
		*ret_path = path;
		return 0;
	}
	lblk -= NDIRECT;
	for (unsigned int depth = 1; depth <= 3; depth++) {
		span = UINT64_C(1) << (bits * depth);
		if (lblk >= span) {
			lblk -= span;
			continue;
		}
		path.b_depth = depth;
		path.b_slot[0] = NDIRECT + depth - 1;
		path.b_span[0] = span;
		path.b_into[0] = lblk;
		for (unsigned int i = 1; i <= depth; i++) {
			span >>= bits;
			path.b_slot[i] = (uint32_t)(lblk / span);
			path.b_span[i] = span;
			lblk %= span;
			path.b_into[i] = lblk;
		}
		*ret_path = path;
		return 0;
	}
	return EFBIG;
}

int
ext2_blockmap_run(const struct ext2_super *sb, const uint8_t *p, size_t len,
    uint32_t slot, uint64_t span, uint64_t *ret_pblk, uint64_t *ret_blocks,
    struct ext2_why *why)
{
	size_t slots = len / 4, n = 1;
	uint64_t first;

	if (slot >= slots)
		return ext2_bad(why, MAP, "truncated", len);
	p += (size_t)slot * 4;
	slots -= slot;
	first = ext2_le32(p);
	if (first == 0) {
		while (n < slots && ext2_le32(p + n * 4) == 0)
			n++;
	} else if (span == 1) {
		while (n < slots && ext2_le32(p + n * 4) == first + n)
			n++;
	}
	if (first != 0 && !ext2_blocks_ok(sb, first, n))
		return ext2_bad(why, MAP, "block out of range", first + n - 1);
	*ret_pblk = first;
	*ret_blocks = n * span;
	return 0;
}

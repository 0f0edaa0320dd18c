/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_orphan_wire.c - blocks of the orphan file
 *
 * Inodes that were deleted or being cut when the machine stopped are listed
 * in a file, in any free slot of any block. A writer would tidy them up; a
 * reader only tells how many there are, for they cannot be reached by name
 * (deleted) or are sound as they are (cut).
 *
 * Reference: ext4 documentation, "Orphan file".
 */

#include <lib/crc.h>

#include "ext2_wire.h"

#define ORPHANS		"orphan file block"
#define MAGIC		0x0b10ca04u
#define TAIL_SIZE	8

int
ext2_orphan_block(const struct ext2_super *sb, uint32_t seed, uint64_t blkno,
    const uint8_t *p, size_t len, uint32_t *ret_orphans, struct ext2_why *why)
{
	uint32_t crc, n = 0;
	uint8_t le[8];

	if (len < EXT2_BLOCKSIZE_MIN)
		return ext2_bad(why, ORPHANS, "truncated", len);
	if (ext2_le32(p + len - TAIL_SIZE) != MAGIC)
		return ext2_bad(why, ORPHANS, "wrong magic number",
		    ext2_le32(p + len - TAIL_SIZE));
	if (ext2_has_csum(sb)) {
		for (int i = 0; i < 8; i++)
			le[i] = (uint8_t)(blkno >> (8 * i));
		crc = crc32c(crc32c(seed, le, sizeof(le)), p, len - TAIL_SIZE);
		if (ext2_le32(p + len - TAIL_SIZE + 4) != crc)
			return ext2_bad(why, ORPHANS, "wrong checksum", crc);
	}
	for (size_t off = 0; off + 4 <= len - TAIL_SIZE; off += 4) {
		if (ext2_le32(p + off) != 0)
			n++;
	}
	*ret_orphans = n;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_ext2.h - what the fuzzers of ext2's wire layer share
 *
 * The first byte of an input chooses the features of the file system that
 * the structure is supposed to be in, the rest is the structure.  Without
 * metadata_csum a parser sees what it would see behind a right checksum.
 */

#ifndef FUZZ_EXT2_H
#define FUZZ_EXT2_H

#include <lib/string.h>
#include <sys/kassert.h>

#include "ext2_wire.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whoever refuses says what and why. */
static inline void
fuzz_refused(int error, const struct ext2_why *why)
{
	if (error != EUCLEAN && error != EOPNOTSUPP && error != ENOENT)
		panic("error %d", error);
	if (error != ENOENT && (why->w_what == NULL || why->w_reason == NULL))
		panic("refused without a reason");
}

static inline struct ext2_super
fuzz_super(uint8_t choice)
{
	struct ext2_super sb = {
		.s_rev = 1, .s_inodes = 64 * 8192, .s_blocks = 64 * 32768,
		.s_bpg = 32768, .s_cpg = 32768, .s_ipg = 8192,
		.s_first_ino = 11, .s_inode_size = 256, .s_desc_size = 64,
		.s_blkshift = 12, .s_blksize = 4096, .s_groups = 64,
		.s_desc_per_block = 64, .s_gdt_blocks = 1,
		.s_inodes_per_block = 16, .s_itable_blocks = 512,
		.s_incompat = EXT2_INCOMPAT_FILETYPE | EXT2_INCOMPAT_EXTENTS |
		    EXT2_INCOMPAT_64BIT | EXT2_INCOMPAT_INLINE_DATA,
	};

	if (choice & 0x01)
		sb.s_rocompat |= EXT2_ROCOMPAT_METADATA_CSUM;
	if (choice & 0x02)
		sb.s_incompat |= EXT2_INCOMPAT_LARGEDIR;
	if (choice & 0x04)
		sb.s_incompat &= ~(uint32_t)EXT2_INCOMPAT_FILETYPE;
	if (choice & 0x08)
		sb.s_rocompat |= EXT2_ROCOMPAT_HUGE_FILE;
	if (choice & 0x10) {
		sb.s_blkshift = 10 + (choice >> 5) % 7;
		sb.s_blksize = UINT32_C(1) << sb.s_blkshift;
	}
	return sb;
}

#endif /* FUZZ_EXT2_H */

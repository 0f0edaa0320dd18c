/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * wire_sample.h - sound structures for the tests of the wire layer
 *
 * Each sample_*() makes bytes as mke2fs would, with few features; a test
 * breaks one thing and looks who notices.
 */

#ifndef WIRE_SAMPLE_H
#define WIRE_SAMPLE_H

#include <lib/crc.h>
#include <lib/string.h>

#include <harness.h>

#include "ext2_wire.h"

#define SAMPLE_BLKSIZE	4096

static inline void
put_le16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void
put_le32(uint8_t *p, uint32_t v)
{
	put_le16(p, v);
	put_le16(p + 2, v >> 16);
}

static inline void
put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* 64 groups of 32768 blocks and 8192 inodes; `csum` adds metadata_csum. */
static inline void
sample_super(uint8_t *p, bool csum)
{
	memset(p, 0, EXT2_SUPER_SIZE);
	put_le32(p + 0x00, 64 * 8192);
	put_le32(p + 0x04, 64 * 32768);
	put_le32(p + 0x0c, 1000);
	put_le32(p + 0x18, 2);
	put_le32(p + 0x1c, 2);
	put_le32(p + 0x20, 32768);
	put_le32(p + 0x24, 32768);
	put_le32(p + 0x28, 8192);
	put_le16(p + 0x38, EXT2_MAGIC);
	put_le16(p + 0x3a, EXT2_STATE_CLEAN);
	put_le32(p + 0x4c, 1);
	put_le32(p + 0x54, 11);
	put_le16(p + 0x58, 256);
	put_le32(p + 0x60, EXT2_INCOMPAT_FILETYPE | EXT2_INCOMPAT_EXTENTS |
	    EXT2_INCOMPAT_64BIT);
	put_le32(p + 0x64, EXT2_ROCOMPAT_SPARSE_SUPER);
	put_le16(p + 0xfe, 64);
	memset(p + 0x68, 0x5a, 16);
	memcpy(p + 0x78, "sample", 6);
	if (csum) {
		put_le32(p + 0x64, EXT2_ROCOMPAT_SPARSE_SUPER |
		    EXT2_ROCOMPAT_METADATA_CSUM);
		p[0x175] = 1;
	}
}

static inline void
sample_super_seal(uint8_t *p)
{
	put_le32(p + 0x3fc, crc32c(~0u, p, 0x3fc));
}

static inline int
sample_super_load(const uint8_t *p, struct ext2_super *ret_sb,
    struct ext2_why *why)
{
	int error;

	why->w_reason = "";
	error = ext2_super_decode(p, EXT2_SUPER_SIZE, ret_sb, why);
	return error ? error : ext2_super_check(ret_sb, why);
}

/* The decoded form, for tests of what depends on it. */
static inline struct ext2_super
sample_sb(bool csum)
{
	uint8_t raw[EXT2_SUPER_SIZE];
	struct ext2_super sb;
	struct ext2_why why;

	sample_super(raw, csum);
	sample_super_seal(raw);
	NEED(sample_super_load(raw, &sb, &why) == 0);
	return sb;
}

#endif /* WIRE_SAMPLE_H */

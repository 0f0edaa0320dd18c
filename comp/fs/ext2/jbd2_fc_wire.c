/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * jbd2_fc_wire.c - finding fast commits
 *
 * Behind the ring of a journal with fast commits lies an area of small
 * records, each a tag, a length and a value, little-endian. They say what
 * changed since the last full transaction: ranges, inodes, names. A tail
 * record with a checksum over all so far makes them valid.
 *
 * We tell whether there is something to replay; we do not replay it.
 * NEEDSWORK: replay would apply the records to an overlay of inodes and
 * directory entries, as it is done for blocks.
 *
 * Reference: ext4 documentation, "Fast Commits".
 */

#include <lib/crc.h>

#include "jbd2_wire.h"

#define TLV_SIZE	4
#define TAG_TAIL	8
#define TAG_HEAD	9
#define HEAD_SIZE	8
#define TAIL_SIZE	8

/* A tail: EEXIST if it closes what was seen so far. */
static int
scan_tail(const uint8_t *p, size_t len, uint32_t sequence, uint32_t crc)
{
	/* Its length covers the rest of the block, and not always exactly. */
	if (len < TLV_SIZE + TAIL_SIZE ||
	    ext2_le32(p + TLV_SIZE) != sequence)
		return ENOENT;
	crc = crc32c(crc, p, TLV_SIZE + 4);
	return ext2_le32(p + TLV_SIZE + 4) == crc ? EEXIST : ENOENT;
}

int
jbd2_fc_scan(const uint8_t *p, size_t len, uint32_t sequence, uint32_t *crc)
{
	size_t off = 0, size;
	unsigned int tag;

	while (off < len && len - off >= TLV_SIZE) {
		tag = ext2_le16(p + off);
		size = ext2_le16(p + off + 2);
		if (tag == TAG_TAIL)
			return scan_tail(p + off, len - off, sequence, *crc);
		if (tag == 0 || tag > TAG_HEAD ||
		    size > len - off - TLV_SIZE)
			return ENOENT;
		if (tag == TAG_HEAD && (size < HEAD_SIZE ||
		    ext2_le32(p + off + TLV_SIZE + 4) != sequence))
			return ENOENT;
		*crc = crc32c(*crc, p + off, TLV_SIZE + size);
		off += TLV_SIZE + size;
	}
	return 0;
}

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
#define TAG_PAD		7
#define TAG_TAIL	8
#define TAG_HEAD	9
#define HEAD_SIZE	8
#define TAIL_SIZE	8

int
jbd2_fc_scan(const uint8_t *p, size_t len, uint32_t sequence, uint32_t *crc)
{
	size_t off = 0, size;
	unsigned int tag;

	while (off < len && len - off >= TLV_SIZE) {
		tag = ext2_le16(p + off);
		size = ext2_le16(p + off + 2);
		if (size > len - off - TLV_SIZE)
			return ENOENT;
		if (tag == TAG_HEAD) {
			if (size < HEAD_SIZE || ext2_le32(p + off +
			    TLV_SIZE + 4) != sequence)
				return ENOENT;
		} else if (tag == TAG_TAIL) {
			if (size < TAIL_SIZE ||
			    ext2_le32(p + off + TLV_SIZE) != sequence)
				return ENOENT;
			*crc = crc32c(*crc, p + off, TLV_SIZE + 4);
			return ext2_le32(p + off + TLV_SIZE + 4) == *crc ?
			    EEXIST : ENOENT;
		} else if (tag == 0 || tag > TAG_PAD) {
			return ENOENT;
		}
		*crc = crc32c(*crc, p + off, TLV_SIZE + size);
		off += TLV_SIZE + size;
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_htree_wire.c - the index of a hashed directory
 *
 * The first block of the directory is the root: "." and "..", the latter
 * covering the block, and behind it which hash is used, how many levels of
 * index nodes are below, and entries of hash and directory block. Index
 * nodes below hide behind one free entry that covers the block. In place of
 * a hash, entry 0 has its own capacity and count; it takes all names whose
 * hash is below that of entry 1.
 *
 * Reference: ext4 documentation, "Hash Tree Directories".
 */

#include <lib/crc.h>

#include "ext2_wire.h"

#define NODE		"directory index"
#define ROOT_INFO	24
#define ROOT_INFO_SIZE	8
#define ROOT_ENTRIES	32
#define NODE_ENTRIES	8
#define ENTRY_SIZE	8
#define TAIL_SIZE	8
#define BLOCK_MASK	0x0fffffffu

uint32_t
ext2_dxnode_block(const struct ext2_dxnode *n, unsigned int i)
{
	return ext2_le32(n->x_entries + (size_t)i * ENTRY_SIZE + 4) &
	    BLOCK_MASK;
}

uint32_t
ext2_dxnode_hash(const struct ext2_dxnode *n, unsigned int i)
{
	return i == 0 ? 0 : ext2_le32(n->x_entries + (size_t)i * ENTRY_SIZE);
}

unsigned int
ext2_dxnode_find(const struct ext2_dxnode *n, uint32_t hash)
{
	unsigned int lo = 1, hi = n->x_count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (ext2_dxnode_hash(n, mid) > hash)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo - 1;
}

/* The checksum covers what is used, then the tail with a zero in its place. */
static int
check_csum(uint32_t seed, const uint8_t *p, size_t used, size_t tail,
    struct ext2_why *why)
{
	const uint8_t zero[4] = { 0, 0, 0, 0 };
	uint32_t crc;

	crc = crc32c(seed, p, used);
	crc = crc32c(crc, p + tail, 4);
	crc = crc32c(crc, zero, sizeof(zero));
	if (ext2_le32(p + tail + 4) != crc)
		return ext2_bad(why, NODE, "wrong checksum",
		    ext2_le32(p + tail + 4));
	return 0;
}

/* Entries from `first` on, of root and node alike. */
static int
parse_entries(const struct ext2_super *sb, uint32_t seed, const uint8_t *p,
    size_t len, size_t first, struct ext2_dxnode *n, struct ext2_why *why)
{
	size_t room = len - first - (ext2_has_csum(sb) ? TAIL_SIZE : 0);
	unsigned int limit = ext2_le16(p + first);
	uint32_t hash, last = 0;
	int error;

	n->x_entries = p + first;
	n->x_count = ext2_le16(p + first + 2);
	if (limit != room / ENTRY_SIZE)
		return ext2_bad(why, NODE, "capacity out of range", limit);
	if (n->x_count == 0 || n->x_count > limit)
		return ext2_bad(why, NODE, "entry count out of range",
		    n->x_count);
	if (ext2_has_csum(sb)) {
		error = check_csum(seed, p,
		    first + (size_t)n->x_count * ENTRY_SIZE,
		    first + (size_t)limit * ENTRY_SIZE, why);
		if (error)
			return error;
	}
	for (unsigned int i = 1; i < n->x_count; i++) {
		hash = ext2_dxnode_hash(n, i);
		if (hash < last)
			return ext2_bad(why, NODE, "hashes out of order", hash);
		last = hash;
	}
	return 0;
}

/* The version of the root plus what the superblock says about char. */
static unsigned int
root_hash(const struct ext2_super *sb, unsigned int version)
{
	if (version <= EXT2_HASH_TEA &&
	    (sb->s_flags & EXT2_FLAG_UNSIGNED_HASH) != 0)
		return version + EXT2_HASH_LEGACY_UNSIGNED;
	return version;
}

int
ext2_dxroot_parse(const struct ext2_super *sb, uint32_t seed,
    const uint8_t *p, size_t len, struct ext2_dxnode *ret_node,
    struct ext2_why *why)
{
	unsigned int levels =
	    ext2_has_incompat(sb, EXT2_INCOMPAT_LARGEDIR) ? 2 : 1;
	struct ext2_dxnode n;
	int error;

	if (len < EXT2_BLOCKSIZE_MIN)
		return ext2_bad(why, NODE, "truncated", len);
	if (ext2_le16(p + 4) != 12 || p[6] != 1 || p[8] != '.' ||
	    p[18] != 2 || p[20] != '.' || p[21] != '.')
		return ext2_bad(why, NODE, "root without . and ..",
		    ext2_le16(p + 4));
	if (p[ROOT_INFO + 5] != ROOT_INFO_SIZE || p[ROOT_INFO + 7] != 0)
		return ext2_bad(why, NODE, "unknown layout of root",
		    p[ROOT_INFO + 5]);
	n.x_hash = root_hash(sb, p[ROOT_INFO + 4]);
	n.x_levels = p[ROOT_INFO + 6];
	if (n.x_hash > EXT2_HASH_SIPHASH)
		return ext2_bad(why, NODE, "unknown hash", n.x_hash);
	if (n.x_levels > levels)
		return ext2_bad(why, NODE, "too deep", n.x_levels);
	error = parse_entries(sb, seed, p, len, ROOT_ENTRIES, &n, why);
	if (error)
		return error;
	*ret_node = n;
	return 0;
}

int
ext2_dxnode_parse(const struct ext2_super *sb, uint32_t seed,
    const uint8_t *p, size_t len, struct ext2_dxnode *ret_node,
    struct ext2_why *why)
{
	struct ext2_dxnode n = { .x_levels = 0 };
	int error;

	if (len < EXT2_BLOCKSIZE_MIN)
		return ext2_bad(why, NODE, "truncated", len);
	if (!ext2_dirblock_is_index(sb, p, len))
		return ext2_bad(why, NODE, "node is no free entry",
		    ext2_le32(p));
	error = parse_entries(sb, seed, p, len, NODE_ENTRIES, &n, why);
	if (error)
		return error;
	*ret_node = n;
	return 0;
}

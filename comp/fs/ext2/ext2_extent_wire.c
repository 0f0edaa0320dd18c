/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_extent_wire.c - nodes of extent trees
 *
 * A node is a header and entries of twelve bytes each: in a leaf a run of
 * blocks, above it the first logical block of a subtree and its node. The
 * root lies in the inode, without checksum; the others fill a block, whose
 * last bytes that no entry can use hold one.
 *
 * A node is judged as a whole before anything in it is used, so searching
 * it afterwards cannot fail. A tree cannot loop, since each step down must
 * find a depth one less than the last.
 *
 * Reference: ext4 documentation, "Extent Tree".
 */

#include <lib/crc.h>

#include "ext2_wire.h"

#define NODE		"extent node"
#define MAGIC		0xf30a
#define ENTRY_SIZE	12
#define HEADER_SIZE	12
#define WRITTEN_MAX	32768u		/* longer means: not written */

static uint32_t
entry_lblk(const struct ext2_extnode *n, unsigned int i)
{
	return ext2_le32(n->n_entries + (size_t)i * ENTRY_SIZE);
}

static void
leaf_entry(const struct ext2_extnode *n, unsigned int i,
    struct ext2_run *run)
{
	const uint8_t *p = n->n_entries + (size_t)i * ENTRY_SIZE;
	uint32_t len = ext2_le16(p + 4);

	run->r_lblk = ext2_le32(p);
	run->r_kind = len > WRITTEN_MAX ? EXT2_RUN_UNWRITTEN : EXT2_RUN_DATA;
	run->r_count = len > WRITTEN_MAX ? len - WRITTEN_MAX : len;
	run->r_pblk = ext2_le32(p + 8) | (uint64_t)ext2_le16(p + 6) << 32;
}

static uint64_t
index_pblk(const struct ext2_extnode *n, unsigned int i)
{
	const uint8_t *p = n->n_entries + (size_t)i * ENTRY_SIZE;

	return ext2_le32(p + 4) | (uint64_t)ext2_le16(p + 8) << 32;
}

static int
check_leaf(const struct ext2_super *sb, const struct ext2_extnode *n,
    struct ext2_why *why)
{
	uint64_t free_from = n->n_first;
	struct ext2_run run;

	for (unsigned int i = 0; i < n->n_count; i++) {
		leaf_entry(n, i, &run);
		if (run.r_count == 0)
			return ext2_bad(why, NODE, "extent of no length",
			    run.r_lblk);
		if (run.r_lblk < free_from)
			return ext2_bad(why, NODE,
			    "extents overlap or are out of order", run.r_lblk);
		if (run.r_lblk >= n->n_end ||
		    run.r_count > n->n_end - run.r_lblk)
			return ext2_bad(why, NODE,
			    "extent beyond what its parent covers",
			    run.r_lblk);
		if (!ext2_blocks_ok(sb, run.r_pblk, run.r_count))
			return ext2_bad(why, NODE, "extent out of range",
			    run.r_pblk);
		free_from = run.r_lblk + run.r_count;
	}
	return 0;
}

static int
check_index(const struct ext2_super *sb, const struct ext2_extnode *n,
    struct ext2_why *why)
{
	uint64_t lblk, last = 0;

	if (n->n_count == 0)
		return ext2_bad(why, NODE, "index without entries",
		    n->n_depth);
	for (unsigned int i = 0; i < n->n_count; i++) {
		lblk = entry_lblk(n, i);
		if (i > 0 && lblk <= last)
			return ext2_bad(why, NODE,
			    "index entries out of order", lblk);
		if (lblk < n->n_first || lblk >= n->n_end)
			return ext2_bad(why, NODE,
			    "index entry beyond what its parent covers", lblk);
		if (!ext2_blocks_ok(sb, index_pblk(n, i), 1))
			return ext2_bad(why, NODE, "child out of range",
			    index_pblk(n, i));
		last = lblk;
	}
	return 0;
}

/* The checksum stands behind the last entry that would fit. */
static int
check_csum(const uint8_t *p, size_t len, unsigned int max, uint32_t seed,
    struct ext2_why *why)
{
	size_t tail = HEADER_SIZE + (size_t)max * ENTRY_SIZE;

	if (tail > len || len - tail < 4)
		return ext2_bad(why, NODE, "no room for its checksum", max);
	if (ext2_le32(p + tail) != crc32c(seed, p, tail))
		return ext2_bad(why, NODE, "wrong checksum",
		    ext2_le32(p + tail));
	return 0;
}

int
ext2_extnode_parse(const struct ext2_super *sb, const uint8_t *p, size_t len,
    uint32_t depth, uint64_t first, uint64_t end, const uint32_t *seed,
    struct ext2_extnode *ret_node, struct ext2_why *why)
{
	struct ext2_extnode n;
	unsigned int max;
	int error;

	if (len < HEADER_SIZE)
		return ext2_bad(why, NODE, "truncated", len);
	if (ext2_le16(p) != MAGIC)
		return ext2_bad(why, NODE, "wrong magic number",
		    ext2_le16(p));
	max = ext2_le16(p + 4);
	n.n_entries = p + HEADER_SIZE;
	n.n_count = ext2_le16(p + 2);
	n.n_depth = ext2_le16(p + 6);
	n.n_first = first;
	n.n_end = end;
	if (n.n_depth > EXT2_EXTENT_DEPTH_MAX)
		return ext2_bad(why, NODE, "too deep", n.n_depth);
	if (depth != EXT2_DEPTH_ANY && n.n_depth != depth)
		return ext2_bad(why, NODE, "unexpected depth", n.n_depth);
	if (max == 0 || max > (len - HEADER_SIZE) / ENTRY_SIZE)
		return ext2_bad(why, NODE, "capacity out of range", max);
	if (n.n_count > max)
		return ext2_bad(why, NODE, "more entries than fit",
		    n.n_count);
	if (ext2_has_csum(sb) && seed != NULL) {
		error = check_csum(p, len, max, *seed, why);
		if (error)
			return error;
	}
	error = n.n_depth == 0 ? check_leaf(sb, &n, why) :
	    check_index(sb, &n, why);
	if (error)
		return error;
	*ret_node = n;
	return 0;
}

/* How many entries begin at or before lblk. */
static unsigned int
entries_upto(const struct ext2_extnode *n, uint64_t lblk)
{
	unsigned int lo = 0, hi = n->n_count, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (entry_lblk(n, mid) <= lblk)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void
ext2_extnode_run(const struct ext2_extnode *n, uint64_t lblk,
    struct ext2_run *ret_run)
{
	unsigned int i = entries_upto(n, lblk);
	uint64_t first = n->n_first, end = n->n_end;
	struct ext2_run run;

	if (i > 0) {
		leaf_entry(n, i - 1, &run);
		if (lblk - run.r_lblk < run.r_count) {
			*ret_run = run;
			return;
		}
		first = run.r_lblk + run.r_count;
	}
	if (i < n->n_count)
		end = entry_lblk(n, i);
	ret_run->r_kind = EXT2_RUN_HOLE;
	ret_run->r_lblk = first;
	ret_run->r_count = end - first;
	ret_run->r_pblk = 0;
}

int
ext2_extnode_child(const struct ext2_extnode *n, uint64_t lblk,
    uint64_t *ret_pblk, uint64_t *ret_first, uint64_t *ret_end)
{
	unsigned int i = entries_upto(n, lblk);

	*ret_end = i < n->n_count ? entry_lblk(n, i) : n->n_end;
	if (i == 0)
		return ENOENT;
	*ret_first = entry_lblk(n, i - 1);
	*ret_pblk = index_pblk(n, i - 1);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire_sample.h"

struct entry {
	uint32_t lblk, count;
	uint64_t pblk;
};

/* Entries of a leaf, or of an index when depth is not 0. */
static void
sample_node(uint8_t *p, size_t len, unsigned int depth,
    const struct entry *e, unsigned int n)
{
	memset(p, 0, len);
	put_le16(p, 0xf30a);
	put_le16(p + 2, n);
	put_le16(p + 4, (uint32_t)((len - 12) / 12));
	put_le16(p + 6, depth);
	for (unsigned int i = 0; i < n; i++) {
		uint8_t *q = p + 12 + 12 * i;

		put_le32(q, e[i].lblk);
		if (depth == 0) {
			put_le16(q + 4, e[i].count);
			put_le16(q + 6, (uint32_t)(e[i].pblk >> 32));
			put_le32(q + 8, (uint32_t)e[i].pblk);
		} else {
			put_le32(q + 4, (uint32_t)e[i].pblk);
			put_le16(q + 8, (uint32_t)(e[i].pblk >> 32));
		}
	}
}

static const struct {
	const char *label;
	unsigned int depth, n;
	struct entry e[3];
	const char *reason;
} node_cases[] = {
	{ "three runs", 0, 3, { { 0, 5, 100 }, { 5, 1, 50 }, { 9, 2, 7 } },
	    NULL },
	{ "empty", 0, 0, { { 0, 0, 0 } }, NULL },
	{ "the longest, unwritten", 0, 1, { { 0, 65535, 100 } }, NULL },
	{ "no length", 0, 1, { { 0, 0, 100 } }, "extent of no length" },
	{ "overlap", 0, 2, { { 0, 5, 100 }, { 4, 1, 50 } },
	    "extents overlap or are out of order" },
	{ "order", 0, 2, { { 9, 1, 100 }, { 4, 1, 50 } },
	    "extents overlap or are out of order" },
	{ "beyond the last block", 0, 1, { { 0xffffffff, 2, 100 } },
	    "extent beyond what its parent covers" },
	{ "outside", 0, 1, { { 0, 2, 64 * 32768 - 1 } },
	    "extent out of range" },
	{ "the boot block", 0, 1, { { 0, 1, 0 } }, "extent out of range" },
	{ "48 bits", 0, 1, { { 0, 1, 0xffffffffffff } },
	    "extent out of range" },
	{ "an index", 1, 2, { { 0, 0, 100 }, { 9, 0, 101 } }, NULL },
	{ "an empty index", 1, 0, { { 0, 0, 0 } }, "index without entries" },
	{ "an index twice", 1, 2, { { 9, 0, 100 }, { 9, 0, 101 } },
	    "index entries out of order" },
	{ "a child outside", 1, 1, { { 0, 0, 1ull << 40 } },
	    "child out of range" },
	{ "too deep", 6, 1, { { 0, 0, 100 } }, "too deep" },
};

TEST_WITH(extent_nodes_are_judged_as_a_whole, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);
	struct ext2_extnode node;
	struct ext2_why why;
	uint8_t raw[60];
	int error;

	for (size_t i = 0; i < ARRAY_SIZE(node_cases); i++) {
		sample_node(raw, sizeof(raw), node_cases[i].depth,
		    node_cases[i].e, node_cases[i].n);
		error = ext2_extnode_parse(&sb, raw, sizeof(raw),
		    EXT2_DEPTH_ANY, 0, EXT2_LBLK_END, NULL, &node, &why);
		CHECK_EQ(node_cases[i].label,
		    node_cases[i].reason == NULL ? 0 : EUCLEAN, error);
		if (error)
			CHECK_STR(node_cases[i].label, node_cases[i].reason,
			    why.w_reason);
	}
}

TEST_WITH(headers_of_extent_nodes_are_checked, .ht_flags = HARNESS_BARE)
{
	static const struct entry one = { 0, 1, 100 };
	struct ext2_super sb = sample_sb(false);
	struct ext2_extnode node;
	struct ext2_why why;
	uint8_t raw[60];

	sample_node(raw, sizeof(raw), 0, &one, 1);
	CHECK_EQ("depth", EUCLEAN, ext2_extnode_parse(&sb, raw, 60, 1, 0,
	    EXT2_LBLK_END, NULL, &node, &why));
	CHECK_EQ("truncated", EUCLEAN, ext2_extnode_parse(&sb, raw, 11, 0, 0,
	    EXT2_LBLK_END, NULL, &node, &why));
	CHECK_EQ("capacity", EUCLEAN, ext2_extnode_parse(&sb, raw, 59, 0, 0,
	    EXT2_LBLK_END, NULL, &node, &why));
	CHECK_EQ("outside its parent", EUCLEAN, ext2_extnode_parse(&sb, raw,
	    60, 0, 1, EXT2_LBLK_END, NULL, &node, &why));
	put_le16(raw + 2, 5);
	CHECK_EQ("count", EUCLEAN, ext2_extnode_parse(&sb, raw, 60, 0, 0,
	    EXT2_LBLK_END, NULL, &node, &why));
	put_le16(raw, 0xf30b);
	CHECK_EQ("magic", EUCLEAN, ext2_extnode_parse(&sb, raw, 60, 0, 0,
	    EXT2_LBLK_END, NULL, &node, &why));
}

TEST_WITH(a_leaf_gives_whole_runs_and_whole_holes, .ht_flags = HARNESS_BARE)
{
	static const struct entry e[] = {
		{ 10, 5, 1000 }, { 20, 32768 + 7, 2000 }
	};
	static const struct {
		uint64_t lblk, first, count, pblk;
		enum ext2_run_kind kind;
	} want[] = {
		{ 0, 0, 10, 0, EXT2_RUN_HOLE },
		{ 9, 0, 10, 0, EXT2_RUN_HOLE },
		{ 10, 10, 5, 1000, EXT2_RUN_DATA },
		{ 14, 10, 5, 1000, EXT2_RUN_DATA },
		{ 15, 15, 5, 0, EXT2_RUN_HOLE },
		{ 26, 20, 7, 2000, EXT2_RUN_UNWRITTEN },
		{ 27, 27, 73, 0, EXT2_RUN_HOLE },
	};
	struct ext2_super sb = sample_sb(false);
	struct ext2_extnode node;
	struct ext2_why why;
	struct ext2_run run;
	uint8_t raw[60];

	sample_node(raw, sizeof(raw), 0, e, 2);
	NEED(ext2_extnode_parse(&sb, raw, 60, 0, 0, 100, NULL, &node,
	    &why) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		ext2_extnode_run(&node, want[i].lblk, &run);
		CHECK_EQ("kind", want[i].kind, run.r_kind);
		CHECK_EQ("first", want[i].first, run.r_lblk);
		CHECK_EQ("count", want[i].count, run.r_count);
		CHECK_EQ("where", want[i].pblk, run.r_pblk);
	}
}

TEST_WITH(an_index_gives_the_child_and_its_bounds, .ht_flags = HARNESS_BARE)
{
	static const struct entry e[] = { { 10, 0, 7 }, { 20, 0, 8 } };
	struct ext2_super sb = sample_sb(false);
	uint64_t pblk = 0, first = 0, end = 0;
	struct ext2_extnode node;
	struct ext2_why why;
	uint8_t raw[60];

	sample_node(raw, sizeof(raw), 1, e, 2);
	NEED(ext2_extnode_parse(&sb, raw, 60, 1, 0, 100, NULL, &node,
	    &why) == 0);
	CHECK_EQ("before all", ENOENT,
	    ext2_extnode_child(&node, 9, &pblk, &first, &end));
	CHECK_EQ("up to", 10, end);
	CHECK_EQ("in the first", 0,
	    ext2_extnode_child(&node, 19, &pblk, &first, &end));
	CHECK(pblk == 7 && first == 10 && end == 20);
	CHECK_EQ("in the last", 0,
	    ext2_extnode_child(&node, 99, &pblk, &first, &end));
	CHECK(pblk == 8 && first == 20 && end == 100);
}

TEST_WITH(extent_node_checksum_finds_each_flipped_bit,
    .ht_flags = HARNESS_BARE)
{
	static const struct entry e[] = { { 10, 5, 1000 }, { 20, 7, 2000 } };
	struct ext2_super sb = sample_sb(true);
	static uint8_t raw[1024];
	uint32_t seed = 0x1234, max = (1024 - 12) / 12;
	struct ext2_extnode node;
	struct ext2_why why;
	size_t tail = 12 + (size_t)max * 12;

	sample_node(raw, sizeof(raw), 0, e, 2);
	put_le32(raw + tail, crc32c(seed, raw, tail));
	CHECK_EQ("sealed", 0, ext2_extnode_parse(&sb, raw, sizeof(raw), 0, 0,
	    EXT2_LBLK_END, &seed, &node, &why));
	for (size_t bit = 0; bit < (tail + 4) * 8; bit++) {
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!CHECK(ext2_extnode_parse(&sb, raw, sizeof(raw), 0, 0,
		    EXT2_LBLK_END, &seed, &node, &why) == EUCLEAN))
			harness_note("bit %zu", bit);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* 4 KiB blocks: 1024 slots a table. */
static const struct {
	uint64_t lblk;
	unsigned int depth;
	uint32_t slot[4];
} path_cases[] = {
	{ 0, 0, { 0 } },
	{ 11, 0, { 11 } },
	{ 12, 1, { 12, 0 } },
	{ 12 + 1023, 1, { 12, 1023 } },
	{ 12 + 1024, 2, { 13, 0, 0 } },
	{ 12 + 1024 + 1024 * 1024 - 1, 2, { 13, 1023, 1023 } },
	{ 12 + 1024 + 1024 * 1024, 3, { 14, 0, 0, 0 } },
	{ 12 + 1024 + 1024 * 1024 + (1ull << 30) - 1, 3,
	    { 14, 1023, 1023, 1023 } },
};

TEST_WITH(block_maps_lead_through_the_right_slots, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);
	struct ext2_bmpath path;

	for (size_t i = 0; i < ARRAY_SIZE(path_cases); i++) {
		NEED(ext2_blockmap_path(&sb, path_cases[i].lblk, &path) == 0);
		CHECK_EQ("depth", path_cases[i].depth, path.b_depth);
		for (unsigned int d = 0; d <= path.b_depth; d++)
			CHECK_EQ("slot", path_cases[i].slot[d],
			    path.b_slot[d]);
		CHECK_EQ("span", 1, path.b_span[path.b_depth]);
	}
	CHECK_EQ("too far", EFBIG, ext2_blockmap_path(&sb,
	    12 + 1024 + 1024 * 1024 + (1ull << 30), &path));
}

TEST_WITH(block_map_runs_are_as_long_as_they_can_be, .ht_flags = HARNESS_BARE)
{
	static const uint32_t slots[] = { 50, 51, 52, 60, 0, 0, 0, 9 };
	struct ext2_super sb = sample_sb(false);
	uint64_t pblk = 0, blocks = 0;
	struct ext2_why why;
	uint8_t raw[32];

	for (unsigned int i = 0; i < 8; i++)
		put_le32(raw + 4 * i, slots[i]);
	CHECK_EQ("data", 0, ext2_blockmap_run(&sb, raw, 32, 1, 1, &pblk,
	    &blocks, &why));
	CHECK(pblk == 51 && blocks == 2);
	CHECK_EQ("hole", 0, ext2_blockmap_run(&sb, raw, 32, 4, 1, &pblk,
	    &blocks, &why));
	CHECK(pblk == 0 && blocks == 3);
	CHECK_EQ("a hole of tables", 0, ext2_blockmap_run(&sb, raw, 32, 5,
	    1024, &pblk, &blocks, &why));
	CHECK(pblk == 0 && blocks == 2048);
	CHECK_EQ("a table", 0, ext2_blockmap_run(&sb, raw, 32, 0, 1024, &pblk,
	    &blocks, &why));
	CHECK(pblk == 50 && blocks == 1024);
	CHECK_EQ("truncated", EUCLEAN, ext2_blockmap_run(&sb, raw, 32, 8, 1,
	    &pblk, &blocks, &why));
	put_le32(raw, 64 * 32768);
	CHECK_EQ("outside", EUCLEAN, ext2_blockmap_run(&sb, raw, 32, 0, 1,
	    &pblk, &blocks, &why));
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_ext2_extent.c - nodes of extent trees
 *
 * What is accepted must answer for each block, without overlap and without a
 * gap: walked from run to run, the answers tile what the node may map.
 */

#include "fuzz_ext2.h"

static void
walk_leaf(const struct ext2_super *sb, const struct ext2_extnode *node)
{
	uint64_t lblk = node->n_first;
	struct ext2_run run, again;

	while (lblk < node->n_end) {
		ext2_extnode_run(node, lblk, &run);
		if (run.r_lblk != lblk || run.r_count == 0 ||
		    run.r_count > node->n_end - lblk)
			panic("runs do not tile");
		if (run.r_kind != EXT2_RUN_HOLE &&
		    !ext2_blocks_ok(sb, run.r_pblk, run.r_count))
			panic("a run outside");
		ext2_extnode_run(node, lblk + run.r_count - 1, &again);
		if (again.r_lblk != lblk || again.r_pblk != run.r_pblk)
			panic("the end of a run is in another");
		lblk += run.r_count;
	}
}

static void
walk_index(const struct ext2_super *sb, const struct ext2_extnode *node)
{
	uint64_t lblk = node->n_first, pblk, first, end = 0;
	int error;

	while (lblk < node->n_end) {
		error = ext2_extnode_child(node, lblk, &pblk, &first, &end);
		if (end <= lblk || end > node->n_end)
			panic("children do not tile");
		if (error == 0 && (first != lblk ||
		    !ext2_blocks_ok(sb, pblk, 1)))
			panic("a child elsewhere");
		lblk = end;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ext2_why why = { NULL, NULL, 0 };
	struct ext2_extnode node;
	struct ext2_super sb;
	uint32_t seed = 1;
	int error;

	if (size < 1)
		return 0;
	sb = fuzz_super(data[0]);
	error = ext2_extnode_parse(&sb, data + 1, size - 1, EXT2_DEPTH_ANY,
	    0, EXT2_LBLK_END, &seed, &node, &why);
	if (error)
		fuzz_refused(error, &why);
	else if (node.n_depth == 0)
		walk_leaf(&sb, &node);
	else
		walk_index(&sb, &node);
	return 0;
}

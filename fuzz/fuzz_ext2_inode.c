/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_ext2_inode.c - inodes, with what hangs on them: the root of an extent
 * tree or a block map, attributes, a device number
 */

#include "fuzz_ext2.h"

#define INODE_SIZE	256

static void
try_root(const struct ext2_super *sb, const struct ext2_dinode *di,
    uint32_t lblk)
{
	struct ext2_why why = { NULL, NULL, 0 };
	struct ext2_extnode node;
	struct ext2_run run;
	uint64_t pblk, first, end;
	int error;

	error = ext2_extnode_parse(sb, di->i_block, EXT2_IBLOCK_SIZE,
	    EXT2_DEPTH_ANY, 0, EXT2_LBLK_END, NULL, &node, &why);
	if (error) {
		fuzz_refused(error, &why);
	} else if (node.n_depth == 0) {
		ext2_extnode_run(&node, lblk, &run);
		if (lblk < run.r_lblk || lblk - run.r_lblk >= run.r_count)
			panic("a run elsewhere");
	} else if (ext2_extnode_child(&node, lblk, &pblk, &first,
	    &end) == 0) {
		if (!ext2_blocks_ok(sb, pblk, 1) || first > lblk ||
		    end <= lblk)
			panic("a child elsewhere");
	}
}

static void
try_map(const struct ext2_super *sb, const struct ext2_dinode *di,
    uint32_t lblk)
{
	struct ext2_why why = { NULL, NULL, 0 };
	struct ext2_bmpath path;
	uint64_t pblk, blocks;
	int error;

	if (ext2_blockmap_path(sb, lblk, &path) != 0)
		return;
	for (unsigned int i = 0; i <= path.b_depth; i++) {
		if (path.b_slot[i] >= (i == 0 ? 15 : sb->s_blksize / 4) ||
		    path.b_into[i] >= path.b_span[i])
			panic("slot %u of level %u", path.b_slot[i], i);
	}
	error = ext2_blockmap_run(sb, di->i_block, EXT2_IBLOCK_SIZE,
	    path.b_slot[0], path.b_span[0], &pblk, &blocks, &why);
	if (error)
		fuzz_refused(error, &why);
	else if (blocks == 0)
		panic("a run of nothing");
}

static void
try_xattrs(const struct ext2_super *sb, const struct ext2_dinode *di,
    const uint8_t *raw)
{
	struct ext2_why why = { NULL, NULL, 0 };
	struct ext2_xattrs xs;
	struct ext2_xattr xa;
	size_t off;

	if (ext2_xattrs_of_inode(sb, di, raw, INODE_SIZE, &xs, &why) != 0)
		return;
	off = xs.x_first;
	while (ext2_xattr_parse(&xs, off, &xa, &why) == 0) {
		if (xa.e_next <= off)
			panic("attributes go back");
		if (xa.e_value != NULL && xa.e_size > 0 &&
		    (xa.e_value < raw ||
		    xa.e_value + xa.e_size > raw + INODE_SIZE))
			panic("a value outside");
		off = xa.e_next;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ext2_why why = { NULL, NULL, 0 };
	uint8_t raw[INODE_SIZE];
	struct ext2_super sb;
	struct ext2_dinode di;
	uint32_t major, minor;
	int error;

	if (size < 1)
		return 0;
	sb = fuzz_super(data[0]);
	memset(raw, 0, sizeof(raw));
	memcpy(raw, data + 1, size - 1 < INODE_SIZE ? size - 1 : INODE_SIZE);
	error = ext2_inode_parse(&sb, 12, raw, INODE_SIZE, &di, &why);
	if (error) {
		fuzz_refused(error, &why);
		return 0;
	}
	if (di.i_size > INT64_MAX || di.i_mtime.t_nsec > 999999999)
		panic("values out of range");
	(void)ext2_symlink_is_fast(&di);
	ext2_inode_rdev(&di, &major, &minor);
	for (uint32_t lblk = 0; lblk < 40; lblk++) {
		try_root(&sb, &di, lblk);
		try_map(&sb, &di, lblk * lblk * lblk * 70000u);
	}
	try_root(&sb, &di, UINT32_MAX);
	try_xattrs(&sb, &di, raw);
	return 0;
}

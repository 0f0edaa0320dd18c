/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_map.c - from blocks of a file to blocks of the device
 *
 * Both kinds of maps answer with a run: all blocks around the wanted one
 * that lie together. Each inode remembers a few runs, so that a sequential
 * reader walks the map once a run, and a random one of a file with few
 * extents hardly ever.
 *
 * The depth of the way down is bounded before it begins (extents: each node
 * must be one level lower; block maps: three tables), so no map can loop.
 */

#include "ext2_impl.h"

#include <lib/string.h>
#include <sys/errno.h>

static bool
runs_find(struct ext2_inode *ip, uint64_t lblk, struct ext2_run *ret_run)
{
	bool found = false;

	mutex_enter(&ip->e_lock);
	for (unsigned int i = 0; i < EXT2_NRUNS && !found; i++) {
		if (lblk >= ip->e_runs[i].r_lblk &&
		    lblk - ip->e_runs[i].r_lblk < ip->e_runs[i].r_count) {
			*ret_run = ip->e_runs[i];
			found = true;
		}
	}
	mutex_exit(&ip->e_lock);
	return found;
}

static void
runs_enter(struct ext2_inode *ip, const struct ext2_run *run)
{
	mutex_enter(&ip->e_lock);
	ip->e_runs[ip->e_hand] = *run;
	ip->e_hand = (ip->e_hand + 1) % EXT2_NRUNS;
	mutex_exit(&ip->e_lock);
}

static void
hole_from(uint64_t lblk, struct ext2_run *ret_run)
{
	ret_run->r_kind = EXT2_RUN_HOLE;
	ret_run->r_lblk = lblk;
	ret_run->r_count = UINT64_MAX - lblk;
	ret_run->r_pblk = 0;
}

/* A node in a block of its own, which must be just below `parent`. */
static int
node_get(struct ext2_inode *ip, const struct ext2_extnode *parent,
    uint64_t pblk, uint64_t first, uint64_t end, struct ext2_buf *ret_buf,
    struct ext2_extnode *ret_node)
{
	struct ext2fs *m = ip->e_m;
	struct ext2_why why;
	int error;

	error = ext2_block_get(m, "extent node", ip->e_ino, pblk, ret_buf);
	if (error)
		return error;
	error = ext2_extnode_parse(&m->m_sb, ret_buf->b_data,
	    m->m_sb.s_blksize, parent->n_depth - 1, first, end,
	    &ip->e_di.i_seed, ret_node, &why);
	if (error) {
		ext2_block_put(m, ret_buf);
		return ext2_report(m, &why, error, ip->e_ino, pblk);
	}
	return 0;
}

static int
map_extents(struct ext2_inode *ip, uint64_t lblk, struct ext2_run *ret_run)
{
	struct ext2fs *m = ip->e_m;
	struct ext2_buf buf = { .b_data = NULL }, below;
	uint64_t pblk, first, end;
	struct ext2_extnode node;
	struct ext2_why why;
	int error;

	error = ext2_extnode_parse(&m->m_sb, ip->e_di.i_block,
	    EXT2_IBLOCK_SIZE, EXT2_DEPTH_ANY, 0, EXT2_LBLK_END, NULL, &node,
	    &why);
	if (error)
		return ext2_report(m, &why, error, ip->e_ino, 0);

	while (node.n_depth > 0) {
		if (ext2_extnode_child(&node, lblk, &pblk, &first, &end)) {
			ret_run->r_kind = EXT2_RUN_HOLE;
			ret_run->r_lblk = node.n_first;
			ret_run->r_count = end - node.n_first;
			ret_run->r_pblk = 0;
			goto out;
		}
		error = node_get(ip, &node, pblk, first, end, &below, &node);
		if (error)
			goto out;
		ext2_block_put(m, &buf);
		buf = below;
	}
	ext2_extnode_run(&node, lblk, ret_run);
out:
	ext2_block_put(m, &buf);
	return error;
}

/*
 * What is at path->b_slot[level], either in the inode or in a table. The
 * bytes end so that all slots behind it have the same span.
 */
static int
map_slot(struct ext2_inode *ip, const struct ext2_bmpath *path,
    unsigned int level, const uint8_t *p, size_t len, uint64_t table,
    struct ext2_run *run)
{
	struct ext2_why why;
	int error;

	error = ext2_blockmap_run(&ip->e_m->m_sb, p, len,
	    path->b_slot[level], path->b_span[level], &run->r_pblk,
	    &run->r_count, &why);
	if (error)
		return ext2_report(ip->e_m, &why, error, ip->e_ino, table);
	run->r_kind = run->r_pblk == 0 ? EXT2_RUN_HOLE : EXT2_RUN_DATA;
	return 0;
}

static int
map_blocks(struct ext2_inode *ip, uint64_t lblk, struct ext2_run *ret_run)
{
	struct ext2fs *m = ip->e_m;
	unsigned int level = 0;
	struct ext2_bmpath path;
	struct ext2_run run;
	struct ext2_buf buf;
	uint64_t table;
	size_t len;
	int error;

	error = ext2_blockmap_path(&m->m_sb, lblk, &path);
	if (error) {
		/* Nothing can be mapped there, so nothing is. */
		hole_from(lblk, ret_run);
		return 0;
	}
	/* Up to the last slot that is of the same kind. */
	len = path.b_depth == 0 ? 48 : ((size_t)path.b_slot[0] + 1) * 4;
	error = map_slot(ip, &path, 0, ip->e_di.i_block, len, 0, &run);
	while (error == 0 && level < path.b_depth &&
	    run.r_kind == EXT2_RUN_DATA) {
		table = run.r_pblk;
		error = ext2_block_get(m, "block map", ip->e_ino, table, &buf);
		if (error)
			break;
		error = map_slot(ip, &path, ++level, buf.b_data,
		    m->m_sb.s_blksize, table, &run);
		ext2_block_put(m, &buf);
	}
	if (error)
		return error;
	run.r_lblk = lblk - path.b_into[level];
	*ret_run = run;
	return 0;
}

int
ext2_map(struct ext2_inode *ip, uint64_t lblk, struct ext2_run *ret_run)
{
	int error;

	if (runs_find(ip, lblk, ret_run))
		return 0;
	if (ip->e_di.i_flags & EXT2_I_EXTENTS) {
		if (lblk >= EXT2_LBLK_END) {
			hole_from(EXT2_LBLK_END, ret_run);
			return 0;
		}
		error = map_extents(ip, lblk, ret_run);
	} else {
		error = map_blocks(ip, lblk, ret_run);
	}
	if (error == 0)
		runs_enter(ip, ret_run);
	return error;
}

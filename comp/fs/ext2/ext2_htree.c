/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_htree.c - searching an indexed directory
 *
 * The way down is a stack of index nodes, at most three, each with the
 * entry that was taken. Names of equal hash may not have fitted one leaf:
 * then the hash of the next entry has its lowest bit set, and the search
 * goes on there, which may mean to step to a sibling at any level.
 *
 * A leaf is visited at most once a search in a sound directory; more
 * visits than the directory has blocks mean that the index repeats itself.
 */

#include "ext2_impl.h"

#include <lib/string.h>
#include <sys/errno.h>

#define LEVELS_MAX	3

struct htree_way {
	struct ext2_inode *w_ip;
	uint32_t	 w_hash;
	unsigned int	 w_depth;		/* frames in use */
	struct {
		struct ext2_buf		f_buf;
		struct ext2_dxnode	f_node;
		unsigned int		f_entry;
	} w_frame[LEVELS_MAX];
};

static void
way_pop(struct htree_way *w, unsigned int depth)
{
	while (w->w_depth > depth)
		ext2_block_put(w->w_ip->e_m, &w->w_frame[--w->w_depth].f_buf);
}

/* A broken index is worth a line, but the names can still be found. */
static int
way_broken(struct htree_way *w, const struct ext2_why *why, uint64_t pblk)
{
	ext2_report(w->w_ip->e_m, why, EUCLEAN, w->w_ip->e_ino, pblk);
	return EOPNOTSUPP;
}

/* Reads the node at directory block lblk as the next frame. */
static int
way_push(struct htree_way *w, uint32_t lblk)
{
	struct ext2_inode *ip = w->w_ip;
	struct ext2_super *sb = &ip->e_m->m_sb;
	struct ext2_dxnode *node = &w->w_frame[w->w_depth].f_node;
	struct ext2_buf *buf = &w->w_frame[w->w_depth].f_buf;
	struct ext2_why why;
	int error;

	error = ext2_dirblock_get(ip, lblk, buf);
	if (error)
		return error;
	if (w->w_depth++ == 0)
		error = ext2_dxroot_parse(sb, ip->e_di.i_seed, buf->b_data,
		    sb->s_blksize, node, &why);
	else
		error = ext2_dxnode_parse(sb, ip->e_di.i_seed, buf->b_data,
		    sb->s_blksize, node, &why);
	if (error)
		return way_broken(w, &why, buf->b_pblk);
	return 0;
}

/* Which leaf the way leads to now. */
static uint32_t
way_leaf(const struct htree_way *w)
{
	return ext2_dxnode_block(&w->w_frame[w->w_depth - 1].f_node,
	    w->w_frame[w->w_depth - 1].f_entry);
}

/* From the frame on top down to the lowest index level. */
static int
way_descend(struct htree_way *w, unsigned int levels, bool search)
{
	unsigned int top;
	int error;

	while (w->w_depth <= levels) {
		error = way_push(w, way_leaf(w));
		if (error)
			return error;
		top = w->w_depth - 1;
		w->w_frame[top].f_entry = search ?
		    ext2_dxnode_find(&w->w_frame[top].f_node, w->w_hash) : 0;
	}
	return 0;
}

/* The hash depends on the root, so it is taken here. */
static int
way_begin(struct htree_way *w, const char *name, size_t namelen,
    unsigned int *ret_levels)
{
	struct ext2_super *sb = &w->w_ip->e_m->m_sb;
	struct ext2_dxnode *root = &w->w_frame[0].f_node;
	int error;

	/* Signed or unsigned char: unless it is known, no hash is. */
	if ((sb->s_flags & (EXT2_FLAG_SIGNED_HASH |
	    EXT2_FLAG_UNSIGNED_HASH)) == 0)
		return EOPNOTSUPP;
	/* A casefolded name is hashed in its folded form. */
	if (w->w_ip->e_di.i_flags & EXT2_I_CASEFOLD)
		return EOPNOTSUPP;
	error = way_push(w, 0);
	if (error)
		return error;
	error = ext2_hash_name(root->x_hash, sb->s_hash_seed, name, namelen,
	    &w->w_hash);
	if (error)
		return error;
	*ret_levels = root->x_levels;
	w->w_frame[0].f_entry = ext2_dxnode_find(root, w->w_hash);
	return way_descend(w, root->x_levels, true);
}

/* On to the next leaf, if it may hold the same hash; else ENOENT. */
static int
way_next(struct htree_way *w, unsigned int levels)
{
	unsigned int i = w->w_depth;
	uint32_t hash;

	while (i > 0 && w->w_frame[i - 1].f_entry + 1 >=
	    w->w_frame[i - 1].f_node.x_count)
		i--;
	if (i == 0)
		return ENOENT;
	hash = ext2_dxnode_hash(&w->w_frame[i - 1].f_node,
	    w->w_frame[i - 1].f_entry + 1);
	if ((hash & ~1u) != w->w_hash)
		return ENOENT;
	way_pop(w, i);
	w->w_frame[i - 1].f_entry++;
	return way_descend(w, levels, false);
}

static int
leaf_find(struct ext2_inode *ip, uint32_t lblk, const char *name,
    size_t namelen, uint32_t *ret_ino)
{
	struct ext2fs *m = ip->e_m;
	struct ext2_dirent de;
	struct ext2_why why;
	struct ext2_buf buf;
	size_t len;
	int error;

	error = ext2_dirblock_get(ip, lblk, &buf);
	if (error)
		return error;
	error = ext2_dirblock_verify(ip, buf.b_data, buf.b_pblk, &len, &why);
	if (error == 0)
		error = ext2_dirent_find(&m->m_sb, buf.b_data, len, name,
		    namelen, &de, &why);
	if (error == 0)
		*ret_ino = de.d_ino;
	else if (error != ENOENT)
		ext2_report(m, &why, error, ip->e_ino, buf.b_pblk);
	ext2_block_put(m, &buf);
	return error;
}

int
ext2_htree_lookup(struct ext2_inode *ip, const char *name, size_t namelen,
    uint32_t *ret_ino)
{
	struct htree_way w = { .w_ip = ip, .w_depth = 0 };
	uint64_t visits = 0, nblocks = ext2_nblocks(ip);
	unsigned int levels = 0;
	struct ext2_why why;
	int error;

	error = way_begin(&w, name, namelen, &levels);
	while (error == 0) {
		error = leaf_find(ip, way_leaf(&w), name, namelen, ret_ino);
		if (error != ENOENT)
			break;
		error = way_next(&w, levels);
		if (error == 0 && ++visits > nblocks) {
			ext2_bad(&why, "directory index", "it repeats itself",
			    visits);
			error = way_broken(&w, &why, 0);
		}
	}
	way_pop(&w, 0);
	return error;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_inline.c - content that lies in the inode
 *
 * The first sixty bytes take the place of the block map, what is more is
 * the value of the attribute system.data in the inode. For directories the
 * first four bytes are the number of the parent instead of entries.
 *
 * Reference: ext4 documentation, "Inline Data".
 */

#include "ext2_impl.h"

#include <sys/errno.h>

#define INLINE	"inline data"

/* Finds the second piece in the raw inode; none is fine. */
static int
second_piece(struct ext2_inode *ip, struct ext2_inline *in,
    struct ext2_why *why)
{
	struct ext2_super *sb = &ip->e_m->m_sb;
	struct ext2_xattrs xs;
	struct ext2_xattr xa;
	const uint8_t *raw;
	int error;

	error = ext2_inode_raw(ip->e_m, ip->e_ino, &in->n_buf, &raw);
	if (error)
		return error;
	error = ext2_xattrs_of_inode(sb, &ip->e_di, raw, sb->s_inode_size,
	    &xs, why);
	if (error == 0)
		error = ext2_xattr_find(&xs, EXT2_XATTR_SYSTEM, "data", 4,
		    &xa, why);
	if (error == 0 && xa.e_inum != 0)
		error = ext2_bad(why, INLINE, "value in another inode",
		    xa.e_inum);
	if (error == ENODATA)
		return 0;
	if (error) {
		ext2_block_put(ip->e_m, &in->n_buf);
		return ext2_report(ip->e_m, why, error, ip->e_ino, 0);
	}
	in->n_piece[1] = xa.e_value;
	in->n_len[1] = xa.e_size;
	return 0;
}

int
ext2_inline_get(struct ext2_inode *ip, struct ext2_inline *ret_in)
{
	struct ext2_inline in = {
		.n_buf = { .b_data = NULL },
		.n_piece = { ip->e_di.i_block, NULL },
		.n_len = { EXT2_IBLOCK_SIZE, 0 },
	};
	uint64_t size = ip->e_di.i_size;
	struct ext2_why why;
	int error;

	if (size <= EXT2_IBLOCK_SIZE && !ext2_is(&ip->e_di, EXT2_S_IFDIR)) {
		in.n_len[0] = (size_t)size;
		*ret_in = in;
		return 0;
	}
	error = second_piece(ip, &in, &why);
	if (error)
		return error;
	/* mke2fs -d makes a file that is all hole so: the rest is zeroes. */
	if (size > EXT2_IBLOCK_SIZE + in.n_len[1] &&
	    !ext2_is(&ip->e_di, EXT2_S_IFREG)) {
		ext2_inline_put(ip, &in);
		ext2_bad(&why, INLINE, "size beyond what the inode holds",
		    size);
		return ext2_report(ip->e_m, &why, EUCLEAN, ip->e_ino, 0);
	}
	if (size < EXT2_IBLOCK_SIZE) {
		in.n_len[0] = (size_t)size;
		in.n_len[1] = 0;
	} else if (size - EXT2_IBLOCK_SIZE < in.n_len[1]) {
		in.n_len[1] = (size_t)(size - EXT2_IBLOCK_SIZE);
	}
	*ret_in = in;
	return 0;
}

void
ext2_inline_put(struct ext2_inode *ip, struct ext2_inline *in)
{
	ext2_block_put(ip->e_m, &in->n_buf);
}

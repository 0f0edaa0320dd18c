/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_symlink.c - targets of symbolic links
 *
 * A short target lies in the inode in place of the block map, another one
 * is the content of the link, inline or in a block.
 */

#include "ext2_impl.h"

#include <lib/string.h>
#include <sys/errno.h>

#define TARGET_MAX	4095	/* PATH_MAX without its zero byte */

static int
read_inline(struct ext2_inode *ip, char *buf, size_t len)
{
	struct ext2_inline in;
	size_t n;
	int error;

	error = ext2_inline_get(ip, &in);
	if (error)
		return error;
	n = in.n_len[0] < len ? in.n_len[0] : len;
	memcpy(buf, in.n_piece[0], n);
	if (len > n)
		memcpy(buf + n, in.n_piece[1], len - n);
	ext2_inline_put(ip, &in);
	return 0;
}

int
ext2_readlink(struct vnode *vp, char *buf, size_t size, size_t *ret_len)
{
	struct ext2_inode *ip = vnode_ext2(vp);
	uint64_t len = ip->e_di.i_size;
	struct ext2_why why;
	int error;

	error = ext2_inode_readable(ip);
	if (error)
		return error;
	if (len == 0 || len > TARGET_MAX) {
		ext2_bad(&why, "symbolic link", "length out of range", len);
		return ext2_report(ip->e_m, &why, EUCLEAN, ip->e_ino, 0);
	}
	if (len > size)
		len = size;
	if (ext2_symlink_is_fast(&ip->e_di))
		memcpy(buf, ip->e_di.i_block, (size_t)len);
	else if (ip->e_di.i_flags & EXT2_I_INLINE_DATA)
		error = read_inline(ip, buf, (size_t)len);
	else
		error = ext2_copy(ip, 0, buf, (size_t)len);
	if (error)
		return error;
	*ret_len = (size_t)len;
	return 0;
}

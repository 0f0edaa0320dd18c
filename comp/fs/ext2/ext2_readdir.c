/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_readdir.c - listing directories
 *
 * Entries come in the order of the blocks, indexed or not. A cookie is the
 * offset of the next entry, so a listing needs no state, and one that goes
 * on later finds its place by going through one block. Cookies of inline
 * directories count "." and ".." as 0 and 1, then bytes of the content.
 *
 * A large directory is read in large pieces into a buffer of the call, past
 * the cache: a listing of a million names leaves no trace in memory and
 * drives nothing else out of it.
 */

#include "ext2_impl.h"

#include <lib/string.h>
#include <sys/errno.h>

#define CHUNK		65536u		/* the greatest block */
#define LARGE		(1u << 20)	/* directories read past the cache */

#define DT_DIR		4

/* One listing: where the entries go. */
struct listing {
	struct ext2_inode *l_ip;
	readdir_fn	*l_fn;
	void		*l_arg;
	uint64_t	*l_cookie;
};

/* A name no path can hold would lead somewhere else. */
static int
name_check(struct ext2_inode *ip, const struct ext2_dirent *de,
    uint64_t pblk)
{
	struct ext2_why why;

	for (unsigned int i = 0; i < de->d_namelen; i++) {
		if (de->d_name[i] == '/' || de->d_name[i] == '\0') {
			ext2_bad(&why, "directory entry",
			    "illegal character in name", de->d_ino);
			return ext2_report(ip->e_m, &why, EUCLEAN, ip->e_ino,
			    pblk);
		}
	}
	return 0;
}

/*
 * The entries of one piece that begins at offset `base` of the directory,
 * from the cookie on. ENOSPC: fn wants no more.
 */
static int
list_piece(struct listing *l, const uint8_t *p, size_t len, uint64_t base,
    uint64_t pblk)
{
	struct ext2_inode *ip = l->l_ip;
	struct ext2_dirent de;
	struct ext2_why why;
	size_t off = 0;
	int error;

	while (off < len) {
		error = ext2_dirent_parse(&ip->e_m->m_sb, p, len, off, &de,
		    &why);
		if (error)
			return ext2_report(ip->e_m, &why, error, ip->e_ino,
			    pblk);
		if (de.d_ino != 0 && base + off >= *l->l_cookie) {
			error = name_check(ip, &de, pblk);
			if (error)
				return error;
			if (!l->l_fn(l->l_arg, (const char *)de.d_name,
			    de.d_namelen, de.d_ino, de.d_type,
			    base + off + de.d_reclen))
				return ENOSPC;
			*l->l_cookie = base + off + de.d_reclen;
		}
		off += de.d_reclen;
	}
	return 0;
}

static int
list_dot(struct listing *l, uint64_t at, const char *name, size_t len,
    uint32_t ino)
{
	if (*l->l_cookie > at)
		return 0;
	if (!l->l_fn(l->l_arg, name, len, ino, DT_DIR, at + 1))
		return ENOSPC;
	*l->l_cookie = at + 1;
	return 0;
}

static int
list_inline(struct listing *l)
{
	struct ext2_inode *ip = l->l_ip;
	struct ext2_inline in;
	int error;

	error = ext2_inline_get(ip, &in);
	if (error)
		return error;
	error = list_dot(l, 0, ".", 1, ip->e_ino);
	if (error == 0)
		error = list_dot(l, 1, "..", 2, ext2_le32(ip->e_di.i_block));
	if (error == 0 && in.n_len[0] > 4)
		error = list_piece(l, in.n_piece[0] + 4, in.n_len[0] - 4, 4,
		    0);
	if (error == 0)
		error = list_piece(l, in.n_piece[1], in.n_len[1],
		    in.n_len[0], 0);
	ext2_inline_put(ip, &in);
	return error;
}

static int
list_block(struct listing *l, uint64_t lblk, const uint8_t *p, uint64_t pblk)
{
	uint64_t base = lblk << l->l_ip->e_m->m_sb.s_blkshift;
	size_t len;
	int error;

	error = ext2_dirblock_entries(l->l_ip, lblk, p, pblk, &len);
	if (error)
		return error;
	return list_piece(l, p, len, base, pblk);
}

static int
list_cached(struct listing *l)
{
	struct ext2_inode *ip = l->l_ip;
	unsigned int shift = ip->e_m->m_sb.s_blkshift;
	uint64_t nblocks = ext2_nblocks(ip);
	struct ext2_buf buf;
	int error = 0;

	for (uint64_t lblk = *l->l_cookie >> shift;
	    lblk < nblocks && error == 0; lblk++) {
		error = ext2_dirblock_get(ip, lblk, &buf);
		if (error)
			break;
		error = list_block(l, lblk, buf.b_data, buf.b_pblk);
		ext2_block_put(ip->e_m, &buf);
	}
	return error;
}

/* Blocks of one run, as many as fit the chunk. */
static int
chunk_read(struct ext2_inode *ip, uint64_t lblk, uint8_t *chunk,
    uint64_t *ret_pblk, uint64_t *ret_count)
{
	struct ext2_super *sb = &ip->e_m->m_sb;
	uint64_t count, nblocks = ext2_nblocks(ip);
	struct ext2_run run;
	struct ext2_why why;
	int error;

	error = ext2_map(ip, lblk, &run);
	if (error)
		return error;
	if (run.r_kind != EXT2_RUN_DATA) {
		ext2_bad(&why, "directory block", "it is a hole", lblk);
		return ext2_report(ip->e_m, &why, EUCLEAN, ip->e_ino, 0);
	}
	*ret_pblk = run.r_pblk + (lblk - run.r_lblk);
	count = run.r_count - (lblk - run.r_lblk);
	if (count > nblocks - lblk)
		count = nblocks - lblk;
	if (count > CHUNK >> sb->s_blkshift)
		count = CHUNK >> sb->s_blkshift;
	error = ext2_phys_readbuf(ip->e_m, *ret_pblk << sb->s_blkshift, chunk,
	    (size_t)count << sb->s_blkshift);
	if (error)
		return ext2_report_io(ip->e_m, "directory block", error,
		    ip->e_ino, *ret_pblk);
	*ret_count = count;
	return 0;
}

static int
list_large(struct listing *l)
{
	struct ext2_inode *ip = l->l_ip;
	unsigned int shift = ip->e_m->m_sb.s_blkshift;
	uint64_t nblocks = ext2_nblocks(ip), pblk = 0, count = 0;
	uint64_t lblk = *l->l_cookie >> shift;
	uint8_t *chunk;
	int error = 0;

	chunk = kmem_alloc(CHUNK, KM_SLEEP);
	if (chunk == NULL)
		return ENOMEM;
	while (lblk < nblocks && error == 0) {
		error = chunk_read(ip, lblk, chunk, &pblk, &count);
		if (error)
			break;
		for (uint64_t i = 0; i < count && error == 0; i++)
			error = list_block(l, lblk + i,
			    chunk + ((size_t)i << shift), pblk + i);
		lblk += count;
	}
	kmem_free(chunk, CHUNK);
	return error;
}

int
ext2_readdir(struct vnode *dvp, uint64_t *cookie, readdir_fn *fn, void *arg)
{
	struct ext2_inode *ip = vnode_ext2(dvp);
	uint64_t start = *cookie;
	struct listing l = {
		.l_ip = ip, .l_fn = fn, .l_arg = arg, .l_cookie = cookie,
	};
	int error;

	error = ext2_inode_readable(ip);
	if (error)
		return error;
	if (ip->e_di.i_flags & EXT2_I_INLINE_DATA)
		error = list_inline(&l);
	else if (ip->e_di.i_size >= LARGE)
		error = list_large(&l);
	else
		error = list_cached(&l);
	if (error == ENOSPC)
		return 0;
	/* What was listed before the error is given first. */
	return *cookie != start ? 0 : error;
}

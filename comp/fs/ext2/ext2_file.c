/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_file.c - content of files
 *
 * The page cache of a file asks for pages; each run of blocks under them
 * becomes one request to the device that scatters straight into the folios.
 * Holes, blocks allocated but never written, and what is beyond the end of
 * the file are zeroes, whatever lies on the device there.
 */

#include "ext2_impl.h"

#include <lib/string.h>
#include <linux/fs.h>
#include <sys/errno.h>

/* How many bytes of the run follow byte `off`, at most `max`. */
static uint64_t
run_bytes(const struct ext2_super *sb, const struct ext2_run *run,
    uint64_t off, uint64_t max)
{
	uint64_t lblk = off >> sb->s_blkshift;
	uint64_t left = run->r_count - (lblk - run->r_lblk);
	uint64_t skip = off & (sb->s_blksize - 1);

	if (left > (max + skip) >> sb->s_blkshift)
		return max;
	return (left << sb->s_blkshift) - skip;
}

static uint64_t
run_phys(const struct ext2_super *sb, const struct ext2_run *run,
    uint64_t off)
{
	uint64_t lblk = off >> sb->s_blkshift;

	return ((run->r_pblk + (lblk - run->r_lblk)) << sb->s_blkshift) +
	    (off & (sb->s_blksize - 1));
}

/* Bytes [off, off + len), multiples of a sector, as the map has them. */
static int
fill_mapped(struct ext2_inode *ip, uint64_t off, uint64_t len,
    struct ext2_cursor *c)
{
	const struct ext2_super *sb = &ip->e_m->m_sb;
	struct ext2_run run;
	uint64_t step, phys;
	int error;

	while (len > 0) {
		error = ext2_map(ip, off >> sb->s_blkshift, &run);
		if (error)
			return error;
		step = run_bytes(sb, &run, off, len);
		if (run.r_kind == EXT2_RUN_DATA) {
			phys = run_phys(sb, &run, off);
			error = ext2_phys_read(ip->e_m, phys, step, c);
			if (error)
				return ext2_report_io(ip->e_m, "content",
				    error, ip->e_ino, phys >> sb->s_blkshift);
		} else {
			ext2_cursor_zero(c, step);
		}
		off += step;
		len -= step;
	}
	return 0;
}

static int
fill_inline(struct ext2_inode *ip, uint64_t off, uint64_t total,
    struct ext2_cursor *c)
{
	struct ext2_inline in;
	uint64_t base = 0, skip, n;
	int error;

	error = ext2_inline_get(ip, &in);
	if (error)
		return error;
	for (unsigned int i = 0; i < 2 && total > 0; i++) {
		if (off >= base && off - base < in.n_len[i]) {
			skip = off - base;
			n = in.n_len[i] - skip;
			if (n > total)
				n = total;
			ext2_cursor_copy(c, in.n_piece[i] + skip, n);
			off += n;
			total -= n;
		}
		base += in.n_len[i];
	}
	ext2_inline_put(ip, &in);
	ext2_cursor_zero(c, total);
	return 0;
}

int
ext2_fill(struct ext2_inode *ip, uint64_t off, const struct rumpuser_iov *iov,
    size_t iovcnt)
{
	uint64_t size = ip->e_di.i_size, total = 0, valid, aligned;
	uint32_t unit = ip->e_m->m_sb.s_blksize;
	struct ext2_cursor c;
	int error;

	for (size_t i = 0; i < iovcnt; i++)
		total += iov[i].iov_len;
	ext2_cursor_init(&c, iov, iovcnt);
	if (ip->e_di.i_flags & EXT2_I_INLINE_DATA)
		return fill_inline(ip, off, total, &c);

	/* The last block is read whole, then cut. */
	if (unit > PAGE_SIZE)
		unit = PAGE_SIZE;
	valid = off >= size ? 0 : size - off;
	if (valid > total)
		valid = total;
	aligned = (valid + unit - 1) & ~(uint64_t)(unit - 1);
	error = fill_mapped(ip, off, aligned, &c);
	if (error)
		return error;
	ext2_cursor_zero(&c, total - aligned);
	if (aligned > valid) {
		ext2_cursor_init(&c, iov, iovcnt);
		ext2_cursor_skip(&c, valid);
		ext2_cursor_zero(&c, aligned - valid);
	}
	return 0;
}

/* Any bytes before the end, through the cache of metadata: for small things. */
int
ext2_copy(struct ext2_inode *ip, uint64_t off, void *dst, size_t len)
{
	const struct ext2_super *sb = &ip->e_m->m_sb;
	uint8_t *to = dst;
	struct ext2_run run;
	struct ext2_buf buf;
	uint64_t phys;
	size_t skip, n;
	int error;

	while (len > 0) {
		error = ext2_map(ip, off >> sb->s_blkshift, &run);
		if (error)
			return error;
		skip = off & (sb->s_blksize - 1);
		n = sb->s_blksize - skip < len ? sb->s_blksize - skip : len;
		if (run.r_kind == EXT2_RUN_DATA) {
			phys = run_phys(sb, &run, off) >> sb->s_blkshift;
			error = ext2_block_get(ip->e_m, "content", ip->e_ino,
			    phys, &buf);
			if (error)
				return error;
			memcpy(to, buf.b_data + skip, n);
			ext2_block_put(ip->e_m, &buf);
		} else {
			memset(to, 0, n);
		}
		to += n;
		off += n;
		len -= n;
	}
	return 0;
}

static int
file_read(struct pgobj *po, uint64_t off, const struct rumpuser_iov *iov,
    size_t iovcnt)
{
	return ext2_fill(vnode_ext2(po->po_arg), off, iov, iovcnt);
}

/*
 * Blocks that the journal does not replace are read where the device has
 * them.
 */
static int
file_direct(struct pgobj *po, uint64_t off, uint64_t len,
    const void **ret_data, uint64_t *ret_len)
{
	struct ext2_inode *ip = vnode_ext2(po->po_arg);
	const struct ext2_super *sb = &ip->e_m->m_sb;
	struct ext2_run run;
	uint64_t n;
	int error;

	if ((ip->e_di.i_flags & EXT2_I_INLINE_DATA) != 0 ||
	    ip->e_m->m_overlay.o_count != 0)
		return EOPNOTSUPP;
	error = ext2_map(ip, off >> sb->s_blkshift, &run);
	if (error)
		return error;
	n = run_bytes(sb, &run, off, len);
	if (run.r_kind == EXT2_RUN_DATA) {
		error = blkdev_map(ip->e_m->m_dev, run_phys(sb, &run, off), n,
		    ret_data);
		if (error)
			return error == EIO ? ext2_report_io(ip->e_m, "content",
			    error, ip->e_ino, run_phys(sb, &run, off) >>
			    sb->s_blkshift) : error;
	} else {
		*ret_data = NULL;
	}
	*ret_len = n;
	return 0;
}

/* Tells the host of the first run of what will be wanted. */
static void
file_willneed(struct pgobj *po, uint64_t off, uint64_t len)
{
	struct ext2_inode *ip = vnode_ext2(po->po_arg);
	const struct ext2_super *sb = &ip->e_m->m_sb;
	struct ext2_run run;

	if ((ip->e_di.i_flags & EXT2_I_INLINE_DATA) != 0 ||
	    off >= ip->e_di.i_size || len == 0)
		return;
	if (ext2_map(ip, off >> sb->s_blkshift, &run) == 0 &&
	    run.r_kind == EXT2_RUN_DATA)
		blkdev_willneed(ip->e_m->m_dev, run_phys(sb, &run, off),
		    run_bytes(sb, &run, off, len));
}

const struct pgobj_ops ext2_file_pgops = {
	.po_read	= file_read,
	.po_direct	= file_direct,
	.po_willneed	= file_willneed,
};

/* Inline, all is data, but for the all-hole files of ext2_inline.c. */
static int
inline_run(struct ext2_inode *ip, uint64_t off, struct ext2_run *run,
    uint64_t *ret_next)
{
	struct ext2_inline in;
	uint64_t held;
	int error;

	error = ext2_inline_get(ip, &in);
	if (error)
		return error;
	held = in.n_len[0] + in.n_len[1];
	ext2_inline_put(ip, &in);
	run->r_kind = ip->e_di.i_size > held ? EXT2_RUN_HOLE : EXT2_RUN_DATA;
	*ret_next = ip->e_di.i_size;
	return 0;
}

/* What kind of run holds off, and where the next one begins. */
static int
seek_run(struct ext2_inode *ip, uint64_t off, struct ext2_run *run,
    uint64_t *ret_next)
{
	const struct ext2_super *sb = &ip->e_m->m_sb;
	int error;

	if (ip->e_di.i_flags & EXT2_I_INLINE_DATA)
		return inline_run(ip, off, run, ret_next);
	error = ext2_map(ip, off >> sb->s_blkshift, run);
	if (error)
		return error;
	*ret_next = off + run_bytes(sb, run, off, ip->e_di.i_size - off);
	return 0;
}

/* Only what was written is data; off is before the end. */
int
ext2_seek(struct vnode *vp, uint64_t off, int whence, uint64_t *ret_off)
{
	struct ext2_inode *ip = vnode_ext2(vp);
	uint64_t size = ip->e_di.i_size, next;
	struct ext2_run run;
	int error;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return EINVAL;
	while (off < size) {
		error = seek_run(ip, off, &run, &next);
		if (error)
			return error;
		if ((run.r_kind == EXT2_RUN_DATA) == (whence == SEEK_DATA)) {
			*ret_off = off;
			return 0;
		}
		off = next;
	}
	if (whence == SEEK_DATA)
		return ENXIO;
	*ret_off = size;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_buf.c - reading the device
 *
 * Metadata goes through a page cache object whose offsets are the device's
 * own, so that it is shared, and dropped when memory is wanted. A block of
 * at most a page lies in one folio and is used in place; a larger one is
 * copied together unless a large folio happens to hold it.
 *
 * Content goes past that cache into the file's folios: as few requests as
 * there are runs of blocks.
 *
 * Whatever way, a block of which the journal has a newer copy is read from
 * there. An escaped copy gets back its first word, which had to be hidden
 * from the journal's own search for its magic number.
 */

#include "ext2_impl.h"

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>

#include "jbd2_wire.h"

#define PIECES	32	/* buffers of one request */

void
ext2_cursor_init(struct ext2_cursor *c, const struct rumpuser_iov *iov,
    size_t iovcnt)
{
	c->c_iov = iov;
	c->c_iovcnt = iovcnt;
	c->c_off = 0;
}

/* The next stretch of memory, at most max bytes, and a step beyond it. */
static void *
cursor_take(struct ext2_cursor *c, uint64_t max, size_t *ret_len)
{
	uint8_t *base;
	size_t len;

	while (c->c_iovcnt > 0 && c->c_off == c->c_iov->iov_len) {
		c->c_iov++;
		c->c_iovcnt--;
		c->c_off = 0;
	}
	KASSERT(c->c_iovcnt > 0);
	base = (uint8_t *)c->c_iov->iov_base + c->c_off;
	len = c->c_iov->iov_len - c->c_off;
	if (len > max)
		len = (size_t)max;
	c->c_off += len;
	*ret_len = len;
	return base;
}

void
ext2_cursor_zero(struct ext2_cursor *c, uint64_t len)
{
	void *base;
	size_t n;

	while (len > 0) {
		base = cursor_take(c, len, &n);
		memset(base, 0, n);
		len -= n;
	}
}

void
ext2_cursor_copy(struct ext2_cursor *c, const void *src, size_t len)
{
	const uint8_t *from = src;
	void *base;
	size_t n;

	while (len > 0) {
		base = cursor_take(c, len, &n);
		memcpy(base, from, n);
		from += n;
		len -= n;
	}
}

void
ext2_cursor_skip(struct ext2_cursor *c, uint64_t len)
{
	size_t n;

	while (len > 0) {
		cursor_take(c, len, &n);
		len -= n;
	}
}

/* Straight from the device, in as few requests as the buffers allow. */
static int
plain_read(struct ext2fs *m, uint64_t off, uint64_t len,
    struct ext2_cursor *c)
{
	struct rumpuser_iov iov[PIECES];
	uint64_t sum;
	size_t n;
	int error;

	while (len > 0) {
		sum = 0;
		for (n = 0; n < PIECES && sum < len; n++) {
			iov[n].iov_base = cursor_take(c, len - sum,
			    &iov[n].iov_len);
			sum += iov[n].iov_len;
		}
		error = blkdev_read(m->m_dev, off, iov, n);
		if (error)
			return error;
		off += sum;
		len -= sum;
	}
	return 0;
}

/* Bytes [skip, skip + len) of a block, from its copy in the journal. */
static int
redo_read(struct ext2fs *m, const struct ext2_redo *redo, uint32_t skip,
    uint64_t len, struct ext2_cursor *c)
{
	struct ext2_cursor start = *c;
	int error;

	error = plain_read(m, (redo->r_where << m->m_sb.s_blkshift) + skip,
	    len, c);
	if (error == 0 && redo->r_escaped && skip == 0)
		ext2_cursor_copy(&start, jbd2_magic, sizeof(jbd2_magic));
	return error;
}

int
ext2_phys_read(struct ext2fs *m, uint64_t off, uint64_t len,
    struct ext2_cursor *c)
{
	unsigned int shift = m->m_sb.s_blkshift;
	const struct ext2_redo *redo;
	uint64_t next, step;
	uint32_t skip;
	int error = 0;

	if (m->m_overlay.o_count == 0)
		return plain_read(m, off, len, c);

	while (len > 0 && error == 0) {
		redo = ext2_overlay_find(&m->m_overlay, off >> shift);
		next = redo == NULL ? UINT64_MAX : redo->r_pblk << shift;
		if (next > off) {
			step = len < next - off ? len : next - off;
			error = plain_read(m, off, step, c);
		} else {
			skip = (uint32_t)(off - next);
			step = m->m_sb.s_blksize - skip;
			if (step > len)
				step = len;
			error = redo_read(m, redo, skip, step, c);
		}
		off += step;
		len -= step;
	}
	return error;
}

int
ext2_phys_readbuf(struct ext2fs *m, uint64_t off, void *buf, size_t len)
{
	struct rumpuser_iov iov = { buf, len };
	struct ext2_cursor c;

	ext2_cursor_init(&c, &iov, 1);
	return ext2_phys_read(m, off, len, &c);
}

/* Fills folios of m_meta; the last one may reach beyond the device. */
static int
meta_read(struct pgobj *po, uint64_t off, const struct rumpuser_iov *iov,
    size_t iovcnt)
{
	struct ext2fs *m = po->po_arg;
	uint64_t end = m->m_dev->bd_size & ~(uint64_t)(m->m_dev->bd_secsize - 1);
	uint64_t len = 0, have;
	struct ext2_cursor c;
	int error;

	for (size_t i = 0; i < iovcnt; i++)
		len += iov[i].iov_len;
	have = off >= end ? 0 : end - off;
	if (have > len)
		have = len;
	ext2_cursor_init(&c, iov, iovcnt);
	error = ext2_phys_read(m, off, have, &c);
	if (error == 0)
		ext2_cursor_zero(&c, len - have);
	return error;
}

const struct pgobj_ops ext2_meta_pgops = {
	.po_read	= meta_read,
};

/* Puts a block together which no single folio holds. */
static int
block_copy(struct ext2fs *m, uint64_t off, struct ext2_buf *buf)
{
	size_t size = m->m_sb.s_blksize;
	int error;

	buf->b_copy = kmem_alloc(size, KM_SLEEP);
	if (buf->b_copy == NULL)
		return ENOMEM;
	error = pgobj_copyout(m->m_meta, off, buf->b_copy, size);
	if (error) {
		kmem_free(buf->b_copy, size);
		return error;
	}
	buf->b_data = buf->b_copy;
	return 0;
}

int
ext2_block_get(struct ext2fs *m, const char *what, uint64_t ino,
    uint64_t pblk, struct ext2_buf *ret_buf)
{
	struct ext2_buf buf = { .b_pblk = pblk };
	uint64_t off = pblk << m->m_sb.s_blkshift;
	size_t have;
	int error;

	/* s_blocks was bounded, hence neither this nor the shift wraps. */
	if (pblk >= m->m_sb.s_blocks || off > m->m_dev->bd_size ||
	    m->m_sb.s_blksize > m->m_dev->bd_size - off)
		return ext2_report_io(m, what, EIO, ino, pblk);

	error = pgobj_getfolio(m->m_meta, off, &buf.b_folio);
	if (error)
		return ext2_report_io(m, what, error, ino, pblk);
	buf.b_data = folio_bytes(buf.b_folio, off, &have);
	if (have < m->m_sb.s_blksize) {
		folio_rele(buf.b_folio);
		buf.b_folio = NULL;
		error = block_copy(m, off, &buf);
		if (error)
			return ext2_report_io(m, what, error, ino, pblk);
	}
	*ret_buf = buf;
	return 0;
}

void
ext2_block_put(struct ext2fs *m, struct ext2_buf *buf)
{
	if (buf->b_folio != NULL)
		folio_rele(buf->b_folio);
	kmem_free(buf->b_copy, m->m_sb.s_blksize);
	buf->b_folio = NULL;
	buf->b_copy = NULL;
	buf->b_data = NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pagecache_range.c - ranges of memory objects: holes, reservations, seeking
 *
 * What is left of a folio when pages of it become holes may be much less than
 * its memory: a file written in large pieces and cut to a few bytes would
 * hold 256 KiB for them.  When a quarter or less is left it moves into folios
 * of its own size, if there is memory for the move; else it stays.
 */

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/vcpu.h>

#include "pagecache_impl.h"

/* A folio of which more than 1/SPARSE is in use is left alone. */
#define SPARSE		4
#define PIECES_MAX	(FOLIO_MAXPAGES / SPARSE)

/* --- shrinking ------------------------------------------------------------- */

/* A folio for n pages of fo from page first on, with their content. */
static int
piece_create(struct folio *fo, unsigned int first, unsigned int n,
    struct folio **ret_piece)
{
	unsigned int order = folio_order_at(fo->fo_index + first, n);
	uint64_t mask = page_mask(0, 1u << order), written;
	struct folio *piece;
	int error;

	error = folio_create(fo->fo_obj, fo->fo_index + first, order, &piece);
	if (error)
		return error;
	written = atomic_load(&fo->fo_written) >> first & mask;
	piece->fo_present = fo->fo_present >> first & mask;
	atomic_store(&piece->fo_written, written);
	if (written != 0)
		memcpy(piece->fo_data, (uint8_t *)fo->fo_data +
		    ((size_t)first << PAGE_SHIFT), folio_size(piece));
	*ret_piece = piece;
	return 0;
}

/* What is present of fo, in pieces; ENOMEM. */
static int
pieces_create(struct folio *fo, struct folio **pieces, unsigned int *ret_n)
{
	uint64_t left = fo->fo_present;
	unsigned int first, run, n = 0;
	int error = 0;

	while (left != 0 && !error) {
		first = (unsigned int)__builtin_ctzll(left);
		run = ~(left >> first) == 0 ? 64 :
		    (unsigned int)__builtin_ctzll(~(left >> first));
		error = piece_create(fo, first, run, &pieces[n]);
		if (!error)
			left &= ~page_mask(first,
			    (unsigned int)folio_pages(pieces[n++]));
	}
	*ret_n = n;
	return error;
}

/* Some of fo's pages have become holes. */
void
pgmem_shrink_locked(struct folio *fo)
{
	struct folio *pieces[PIECES_MAX];
	unsigned int i, n;
	int error;

	if (fo->fo_present == 0) {
		folio_drop_locked(fo);
		return;
	}
	if ((uint64_t)__builtin_popcountll(fo->fo_present) * SPARSE >
	    folio_pages(fo))
		return;
	error = pieces_create(fo, pieces, &n);
	if (!error)
		error = pgtree_replace_locked(fo->fo_obj, fo, pieces, n);
	if (error) {
		for (i = 0; i < n; i++)
			folio_rele(pieces[i]);
		return;
	}
	atomic_or_ar(&fo->fo_flags, FOLIO_GONE);
	folio_rele(fo);
}

/* --- holes ----------------------------------------------------------------- */

/* Pages of fo in [first, end), as a mask. */
static uint64_t
pgmem_clip(const struct folio *fo, uint64_t first, uint64_t end)
{
	uint64_t from = first > fo->fo_index ? first - fo->fo_index : 0;
	uint64_t to = end < folio_end(fo) ? end - fo->fo_index :
	    folio_pages(fo);

	return from >= to ? 0 :
	    page_mask((unsigned int)from, (unsigned int)(to - from));
}

/* Zeroes bytes inside one page, if it holds data. */
static void
pgmem_zero_locked(struct pgobj *po, uint64_t off, uint64_t len)
{
	struct folio *fo = pgtree_lookup(po, off >> PAGE_SHIFT);
	uint64_t in;

	if (fo == NULL || len == 0)
		return;
	in = off - (fo->fo_index << PAGE_SHIFT);
	if (atomic_load(&fo->fo_written) >> (in >> PAGE_SHIFT) & 1)
		memset((uint8_t *)fo->fo_data + in, 0, len);
}

int
pgobj_punch(struct pgobj *po, uint64_t off, uint64_t len)
{
	uint64_t end = off + len < off ? UINT64_MAX : off + len;
	uint64_t first = (off + PAGE_MASK) >> PAGE_SHIFT;
	uint64_t last = end >> PAGE_SHIFT, next = first;
	struct folio *fo;

	KASSERT(pgobj_ismemory(po));
	mutex_enter(&po->po_lock);
	if (first > last) {
		pgmem_zero_locked(po, off, end - off);	/* inside one page */
	} else {
		if (off & PAGE_MASK)
			pgmem_zero_locked(po, off,
			    PAGE_SIZE - (off & PAGE_MASK));
		if (end & PAGE_MASK)
			pgmem_zero_locked(po, end & ~PAGE_MASK,
			    end & PAGE_MASK);
	}
	while ((fo = pgtree_next(po, next)) != NULL && fo->fo_index < last) {
		next = folio_end(fo);
		pgmem_clear_locked(fo, pgmem_clip(fo, first, last));
		pgmem_shrink_locked(fo);
	}
	mutex_exit(&po->po_lock);
	return 0;
}

/* --- reservations ---------------------------------------------------------- */

/* Pages in [first, end) that are holes. */
static uint64_t
pgmem_missing_locked(struct pgobj *po, uint64_t first, uint64_t end)
{
	uint64_t n = end - first, next = first;
	struct folio *fo;

	while ((fo = pgtree_next(po, next)) != NULL && fo->fo_index < end) {
		next = folio_end(fo);
		n -= (uint64_t)__builtin_popcountll(fo->fo_present &
		    pgmem_clip(fo, first, end));
	}
	return n;
}

/* Storage, charged or not, for all of [first, end). */
static int
pgmem_cover_locked(struct pgobj *po, uint64_t first, uint64_t end)
{
	struct folio *fo;
	int error;

	while (first < end) {
		fo = pgtree_lookup(po, first);
		if (fo == NULL) {
			error = pgmem_newfolio_locked(po, first, end - first,
			    &fo);
			if (error)
				return error;
		}
		first = folio_end(fo);
		if (vcpu_wanted())
			vcpu_yield();
	}
	return 0;
}

/* Sets all of [first, end), or only drops the folios without a page. */
static void
pgmem_finish_locked(struct pgobj *po, uint64_t first, uint64_t end, bool set)
{
	uint64_t next = first;
	struct folio *fo;

	while ((fo = pgtree_next(po, next)) != NULL && fo->fo_index < end) {
		next = folio_end(fo);
		if (set)
			pgmem_set_locked(fo, pgmem_clip(fo, first, end) &
			    ~fo->fo_present);
		else if (fo->fo_present == 0)
			folio_drop_locked(fo);
	}
}

int
pgobj_fill(struct pgobj *po, uint64_t off, uint64_t len)
{
	uint64_t first = off >> PAGE_SHIFT, end, missing;
	int error;

	KASSERT(pgobj_ismemory(po));
	if (len == 0)
		return 0;
	if (off + len < off || off + len > OFF_MAX)
		return EFBIG;
	end = (off + len + PAGE_MASK) >> PAGE_SHIFT;

	mutex_enter(&po->po_lock);
	missing = pgmem_missing_locked(po, first, end);
	error = pgmem_charge(po, (int64_t)missing);
	if (!error) {
		error = pgmem_cover_locked(po, first, end);
		if (error)
			(void)pgmem_charge(po, -(int64_t)missing);
		pgmem_finish_locked(po, first, end, error == 0);
	}
	mutex_exit(&po->po_lock);
	return error;
}

/* --- seeking --------------------------------------------------------------- */

/* The next page at or after index that is written, or is not. */
static uint64_t
pgmem_seek_page(struct pgobj *po, uint64_t index, bool hole)
{
	struct folio *fo;
	uint64_t bits;

	while ((fo = pgtree_next(po, index)) != NULL) {
		if (index < fo->fo_index) {
			if (hole)
				return index;
			index = fo->fo_index;
		}
		bits = atomic_load_acq(&fo->fo_written);
		if (hole)
			bits = ~bits;
		bits &= page_mask((unsigned int)(index - fo->fo_index),
		    (unsigned int)(folio_end(fo) - index));
		if (bits != 0)
			return fo->fo_index + (uint64_t)__builtin_ctzll(bits);
		index = folio_end(fo);
	}
	return hole ? index : UINT64_MAX >> PAGE_SHIFT;
}

int
pgobj_seek(struct pgobj *po, uint64_t off, uint64_t size, bool hole,
    uint64_t *ret_off)
{
	uint64_t page = pgmem_seek_page(po, off >> PAGE_SHIFT, hole);
	uint64_t found = page << PAGE_SHIFT;

	if (off >= size)
		return ENXIO;
	if (found < off)
		found = off;
	if (found >= size) {
		if (!hole)
			return ENXIO;
		found = size;
	}
	*ret_off = found;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pagecache_mem.c - objects whose only copy is memory
 *
 * A folio here is storage, and each of its pages is in one of three states:
 *
 *	hole		reads as zeroes, costs nothing
 *	present		charged to the owner, reads as zeroes (pgobj_fill)
 *	written		present and holds data
 *
 * so that large folios can be made in advance of a sequential writer without
 * the file appearing larger on the charge than it is, and without touching
 * memory before there is data for it.  The rest of a page that is written in
 * part is zeroed first.
 *
 * A folio grows with the one before it: a file written from its start gets
 * folios of 1, 1, 2, 4, .. 64 pages, one written in large pieces gets large
 * ones at once.  At most as much as there is data is made in advance.
 * What truncation and punching leave of a large folio moves into small ones,
 * see pagecache_range.c.
 */

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/uio.h>
#include <sys/vcpu.h>

#include "pagecache_impl.h"

int
pgmem_charge(struct pgobj *po, int64_t npages)
{
	if (npages == 0 || po->po_ops->po_charge == NULL)
		return 0;
	return po->po_ops->po_charge(po, npages);
}

/* Pages of mask, which are charged, become present. */
void
pgmem_set_locked(struct folio *fo, uint64_t mask)
{
	struct pgobj *po = fo->fo_obj;

	KASSERT((fo->fo_present & mask) == 0);
	fo->fo_present |= mask;
	atomic_store(&po->po_npages, po->po_npages +
	    (uint64_t)__builtin_popcountll(mask));
}

void
pgmem_clear_locked(struct folio *fo, uint64_t mask)
{
	struct pgobj *po = fo->fo_obj;
	uint64_t gone = fo->fo_present & mask;
	int64_t n = __builtin_popcountll(gone);

	atomic_and(&fo->fo_written, ~gone);
	fo->fo_present &= ~gone;
	atomic_store(&po->po_npages, po->po_npages - (uint64_t)n);
	(void)pgmem_charge(po, -n);
}

/* --- reading ---------------------------------------------------------------- */

/*
 * Bytes from off on that are alike in fo: *ret_data tells whether data, or
 * zeroes.
 */
static size_t
pgmem_run(struct folio *fo, uint64_t off, bool *ret_data)
{
	uint64_t in = off - (fo->fo_index << PAGE_SHIFT);
	unsigned int page = (unsigned int)(in >> PAGE_SHIFT);
	uint64_t bits = atomic_load_acq(&fo->fo_written) >> page;
	uint64_t pages = folio_pages(fo) - page, n;

	*ret_data = (bits & 1) != 0;
	if (*ret_data)
		bits = ~bits;
	n = bits == 0 ? 64 : (uint64_t)__builtin_ctzll(bits);
	if (n > pages)
		n = pages;
	return (n << PAGE_SHIFT) - (in & PAGE_MASK);
}

/* One folio's worth, or the hole before the next one. */
static int
pgmem_read_some(struct pgobj *po, struct uio *uio, uint64_t end)
{
	uint64_t off = uio->uio_off, left = end - off, index, n;
	struct folio *fo;
	bool data = false;

	index = off >> PAGE_SHIFT;
	fo = pgtree_lookup(po, index);
	if (fo != NULL) {
		n = pgmem_run(fo, off, &data);
	} else {
		fo = pgtree_next(po, index);
		n = fo == NULL ? left : (fo->fo_index << PAGE_SHIFT) - off;
	}
	if (n > left)
		n = left;
	if (!data)
		return uio_zero(n, uio);
	return uio_move((uint8_t *)fo->fo_data +
	    (off - (fo->fo_index << PAGE_SHIFT)), n, uio);
}

/*
 * The owner's lock keeps writers and truncation away, so that a folio stays
 * without a reference even if copying sleeps.
 */
int
pgmem_read(struct pgobj *po, struct uio *uio, uint64_t size)
{
	uint64_t end = uio->uio_off + uio->uio_resid;
	int error = 0;

	if (end > size || end < uio->uio_off)
		end = size;
	while (uio->uio_off < end && !error) {
		error = pgmem_read_some(po, uio, end);
		if (vcpu_wanted())
			vcpu_yield();
	}
	return error;
}

/* --- writing ---------------------------------------------------------------- */

/* How large a folio for npages from index on should be. */
static unsigned int
pgmem_order(struct pgobj *po, uint64_t index, uint64_t npages)
{
	unsigned int order = folio_order_at(index, npages), after;
	struct folio *fo;

	fo = index == 0 ? NULL : pgtree_lookup(po, index - 1);
	if (fo != NULL && fo->fo_present == page_mask(0,
	    (unsigned int)folio_pages(fo))) {
		after = folio_order_at(index, 2 * folio_pages(fo));
		if (order < after)
			order = after;
	}
	/* Not into what is there. */
	fo = pgtree_next(po, index);
	while (fo != NULL && fo->fo_index < index + (1ULL << order))
		order--;
	return order;
}

/* A folio for page index, inserted; the order falls with memory. */
int
pgmem_newfolio_locked(struct pgobj *po, uint64_t index, uint64_t npages,
    struct folio **ret_fo)
{
	unsigned int order = pgmem_order(po, index, npages);
	struct folio *fo;
	int error;

	while ((error = folio_create(po, index, order, &fo)) != 0 && order > 0)
		order--;
	if (error)
		return error;
	error = pgtree_insert_locked(po, fo);
	if (error) {
		folio_rele(fo);
		return error;
	}
	*ret_fo = fo;
	return 0;
}

/*
 * Pages of fo from first on become present: up to n, or as many as the owner
 * allows, but at least one.  Returns how many, 0: ENOSPC.
 */
static unsigned int
pgmem_claim_locked(struct folio *fo, unsigned int first, unsigned int n,
    uint64_t *ret_new)
{
	uint64_t want = 0;

	while (n > 0) {
		want = page_mask(first, n) & ~fo->fo_present;
		if (pgmem_charge(fo->fo_obj, __builtin_popcountll(want)) == 0)
			break;
		n /= 2;
	}
	*ret_new = want;
	if (n > 0)
		pgmem_set_locked(fo, want);
	return n;
}

/* A part of the object that is about to be written: inside one folio. */
struct pgmem_span {
	struct folio	*sp_folio;
	unsigned int	 sp_first;	/* pages of the folio */
	unsigned int	 sp_n;
	uint64_t	 sp_new;	/* of these, the ones that were holes */
	size_t		 sp_len;	/* bytes from the offset on */
};

/* Storage for as much of [off, off + len) as fits one folio. */
static int
pgmem_span_get(struct pgobj *po, uint64_t off, uint64_t len,
    struct pgmem_span *sp)
{
	uint64_t index = off >> PAGE_SHIFT, npages;
	struct folio *fo;
	int error = 0;

	npages = ((off & PAGE_MASK) + len + PAGE_MASK) >> PAGE_SHIFT;
	mutex_enter(&po->po_lock);
	fo = pgtree_lookup(po, index);
	if (fo == NULL) {
		error = pgmem_newfolio_locked(po, index, npages, &fo);
		if (error)
			goto out;
	}
	if (npages > folio_end(fo) - index)
		npages = folio_end(fo) - index;
	sp->sp_folio = fo;
	sp->sp_first = (unsigned int)(index - fo->fo_index);
	sp->sp_n = pgmem_claim_locked(fo, sp->sp_first, (unsigned int)npages,
	    &sp->sp_new);
	if (sp->sp_n == 0) {
		error = ENOSPC;
		if (fo->fo_present == 0)
			folio_drop_locked(fo);
	}
	sp->sp_len = ((size_t)sp->sp_n << PAGE_SHIFT) - (off & PAGE_MASK);
	if (sp->sp_len > len)
		sp->sp_len = len;
out:
	mutex_exit(&po->po_lock);
	return error;
}

/* Zeroes around [off, off + sp_len) what the first and last page lack. */
static void
pgmem_span_edges(const struct pgmem_span *sp, uint64_t off)
{
	uint8_t *data = sp->sp_folio->fo_data;
	uint64_t written = atomic_load(&sp->sp_folio->fo_written);
	size_t head = (size_t)sp->sp_first << PAGE_SHIFT;
	size_t start = head + (off & PAGE_MASK), end = start + sp->sp_len;
	unsigned int last = sp->sp_first + sp->sp_n - 1;
	size_t tail = (size_t)(last + 1) << PAGE_SHIFT;

	if (start > head && !(written >> sp->sp_first & 1))
		memset(data + head, 0, start - head);
	if (end < tail && !(written >> last & 1))
		memset(data + end, 0, tail - end);
}

/*
 * done bytes from off on were copied.  The page in which a fault stopped us
 * has data if any of it was copied; its rest is zero, or what it was before.
 */
static void
pgmem_span_done(const struct pgmem_span *sp, uint64_t off, size_t done)
{
	struct folio *fo = sp->sp_folio;
	size_t pos = (off & PAGE_MASK) + done;	/* from the first page on */
	unsigned int whole = (unsigned int)((pos + PAGE_MASK) >> PAGE_SHIFT);
	uint64_t mask = done == 0 ? 0 : page_mask(sp->sp_first, whole), part;

	if (done < sp->sp_len && done != 0 && (pos & PAGE_MASK) != 0) {
		part = sp->sp_first + whole - 1;
		if (!(atomic_load(&fo->fo_written) >> part & 1))
			memset((uint8_t *)fo->fo_data +
			    ((size_t)sp->sp_first << PAGE_SHIFT) + pos, 0,
			    PAGE_SIZE - (pos & PAGE_MASK));
	}
	if ((atomic_load(&fo->fo_written) & mask) != mask)
		(void)__atomic_fetch_or(&fo->fo_written, mask,
		    __ATOMIC_RELEASE);
	if (done == sp->sp_len)
		return;

	mutex_enter(&fo->fo_obj->po_lock);
	pgmem_clear_locked(fo, sp->sp_new & ~mask);
	if (fo->fo_present == 0)
		folio_drop_locked(fo);
	mutex_exit(&fo->fo_obj->po_lock);
}

int
pgmem_write(struct pgobj *po, struct uio *uio)
{
	struct pgmem_span sp;
	uint64_t off;
	int error = 0;

	while (uio->uio_resid > 0 && !error) {
		off = uio->uio_off;
		error = pgmem_span_get(po, off, uio->uio_resid, &sp);
		if (error)
			break;
		pgmem_span_edges(&sp, off);
		error = uio_move((uint8_t *)sp.sp_folio->fo_data +
		    (off - (sp.sp_folio->fo_index << PAGE_SHIFT)),
		    sp.sp_len, uio);
		pgmem_span_done(&sp, off, uio->uio_off - off);
		if (vcpu_wanted())
			vcpu_yield();
	}
	return error;
}

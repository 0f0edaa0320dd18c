/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pagecache_fill.c - misses: making folios and reading their content
 *
 * The thread that misses inserts empty folios for the whole range it wants
 * and fills all of them by one scattered read.  Who finds an empty folio
 * parks on its flags.
 *
 * When the read fails all these folios go, and those who waited look again:
 * each then reads what it needs itself.  A range that was read in advance
 * must not fail the one who needs its first page only; that is why
 * pgobj_fillpage() tries once more with a single page.
 */

#include <sys/errno.h>
#include <sys/vcpu.h>

#include "pagecache_impl.h"

/* Folios one read may fill: 2 MiB of the largest, and uneven ends. */
#define FILL_MAX	24

struct fill {
	struct pgobj	*fi_po;
	unsigned int	 fi_n;
	struct folio	*fi_folio[FILL_MAX];
	struct rumpuser_iov fi_iov[FILL_MAX];
};

void
folio_wait(struct folio *fo)
{
	uint32_t flags = atomic_load_acq(&fo->fo_flags);

	while (!(flags & (FOLIO_UPTODATE | FOLIO_ERROR))) {
		if (!(flags & FOLIO_WAITED))
			flags = atomic_or(&fo->fo_flags, FOLIO_WAITED) |
			    FOLIO_WAITED;
		if (!(flags & (FOLIO_UPTODATE | FOLIO_ERROR))) {
			vcpu_block_begin();
			(void)rumpuser_park(&fo->fo_flags, flags, 0,
			    RUMPUSER_NOTIME);
			vcpu_block_end();
		}
		flags = atomic_load_acq(&fo->fo_flags);
	}
}

static void
folio_settle(struct folio *fo, uint32_t how)
{
	if (atomic_or_ar(&fo->fo_flags, how) & FOLIO_WAITED)
		(void)rumpuser_unpark(&fo->fo_flags, UINT32_MAX, 0);
	folio_rele(fo);
}

/* Empty folios for [index, end), each with a reference for us. */
static int
fill_create(struct fill *fi, uint64_t index, uint64_t end)
{
	unsigned int order;
	struct folio *fo;
	int error = 0;

	while (index < end && fi->fi_n < FILL_MAX) {
		order = folio_order_at(index, end - index);
		error = folio_create(fi->fi_po, index, order, &fo);
		if (error && fi->fi_n == 0 && order > 0)
			error = folio_create(fi->fi_po, index, 0, &fo);
		if (error)
			break;
		fo->fo_refs = 2;
		fi->fi_folio[fi->fi_n] = fo;
		fi->fi_iov[fi->fi_n].iov_base = fo->fo_data;
		fi->fi_iov[fi->fi_n].iov_len = folio_size(fo);
		fi->fi_n++;
		index = folio_end(fo);
	}
	return fi->fi_n > 0 ? 0 : error;
}

static void
fill_discard(struct fill *fi, unsigned int from)
{
	unsigned int i;

	for (i = from; i < fi->fi_n; i++) {
		folio_rele(fi->fi_folio[i]);
		folio_rele(fi->fi_folio[i]);
	}
	fi->fi_n = from;
}

/*
 * Makes the folios known, as far as nobody else was faster.  EEXIST: the
 * first page is there already.
 */
static int
fill_insert(struct fill *fi)
{
	struct pgobj *po = fi->fi_po;
	unsigned int i;
	int error = 0;

	mutex_enter(&po->po_lock);
	for (i = 0; i < fi->fi_n; i++) {
		error = pgtree_insert_locked(po, fi->fi_folio[i]);
		if (error)
			break;
		atomic_store(&po->po_npages, po->po_npages +
		    folio_pages(fi->fi_folio[i]));
		lru_insert(fi->fi_folio[i]);
	}
	mutex_exit(&po->po_lock);
	fill_discard(fi, i);
	return i > 0 ? 0 : error;
}

static int
fill_read(struct fill *fi)
{
	struct pgobj *po = fi->fi_po;
	unsigned int i;
	int error;

	error = po->po_ops->po_read(po, fi->fi_folio[0]->fo_index <<
	    PAGE_SHIFT, fi->fi_iov, fi->fi_n);
	if (error) {
		mutex_enter(&po->po_lock);
		for (i = 0; i < fi->fi_n; i++)
			if (!(atomic_load(&fi->fi_folio[i]->fo_flags) &
			    FOLIO_GONE))
				folio_drop_locked(fi->fi_folio[i]);
		mutex_exit(&po->po_lock);
	}
	for (i = 0; i < fi->fi_n; i++) {
		counter_add(&pagecache_filled, folio_size(fi->fi_folio[i]));
		folio_settle(fi->fi_folio[i],
		    error ? FOLIO_ERROR : FOLIO_UPTODATE);
	}
	return error;
}

/*
 * Reads what is absent from page index on: up to npages, to the first one
 * that is there, or less if memory is short.  0 also if index itself is
 * there now, perhaps not filled yet.
 */
int
pgobj_fillrange(struct pgobj *po, uint64_t index, uint64_t npages)
{
	struct fill fi = { .fi_po = po, .fi_n = 0 };
	struct folio *next;
	int error;

	next = pgtree_next(po, index);
	if (next != NULL && next->fo_index <= index)
		return 0;
	if (next != NULL && next->fo_index - index < npages)
		npages = next->fo_index - index;
	counter_add(&pagecache_misses, 1);
	pagecache_reserve(npages << PAGE_SHIFT);
	error = fill_create(&fi, index, index + npages);
	if (error)
		return error;
	error = fill_insert(&fi);
	if (error)
		return error == EEXIST ? 0 : error;
	return fill_read(&fi);
}

/*
 * Random readers and metadata: a page, or some more where somebody seems to
 * go on from the page before.
 */
#define NEXT_PAGES	8

int
pgobj_need(struct pgobj *po, uint64_t index, struct folio **ret_fo)
{
	struct folio *fo = pgtree_lookup(po, index);
	uint64_t npages = 1;
	int error;

	if (likely(fo != NULL)) {
		if (unlikely(!(atomic_load_acq(&fo->fo_flags) &
		    FOLIO_UPTODATE))) {
			if (folio_tryhold(fo)) {
				folio_wait(fo);
				folio_rele(fo);
			}
			fo = NULL;
		} else {
			folio_used(fo);
		}
		*ret_fo = fo;
		return 0;
	}
	if (index > 0 && pgtree_lookup(po, index - 1) != NULL)
		npages = NEXT_PAGES - (index & (NEXT_PAGES - 1));
	error = pgobj_fillrange(po, index, npages);
	if (error)
		error = pgobj_fillrange(po, index, 1);
	if (error)
		return error;
	*ret_fo = NULL;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pagecache_dirty.c - writing through the cache to backed objects
 *
 * A write finds or reads the folio it changes and marks it DIRTY; dirty
 * folios are not evicted.  pgobj_flush() writes them: it takes the mark
 * away first, so that what is changed meanwhile is written again, and puts
 * it back if po_write fails.
 *
 * NEEDSWORK: nothing is written before somebody flushes; write-behind by age
 * and by share of the cache comes with the first file system that writes.
 */

#include <sys/errno.h>
#include <sys/uio.h>

#include "pagecache_impl.h"

/* Referenced and UPTODATE. */
static int
pgobj_write_one(struct pgobj *po, struct uio *uio)
{
	struct folio *fo;
	size_t len;
	void *data;
	int error;

	error = pgobj_getfolio(po, uio->uio_off, &fo);
	if (error)
		return error;
	data = folio_bytes(fo, uio->uio_off, &len);
	if (len > uio->uio_resid)
		len = uio->uio_resid;
	error = uio_move(data, len, uio);
	/* Also after a fault: some of it may be new. */
	atomic_or_ar(&fo->fo_flags, FOLIO_DIRTY | FOLIO_REFERENCED);
	folio_rele(fo);
	return error;
}

int
pgobj_write(struct pgobj *po, struct uio *uio)
{
	int error = 0;

	if (pgobj_ismemory(po))
		return pgmem_write(po, uio);
	if (po->po_ops->po_write == NULL)
		return EROFS;
	while (uio->uio_resid > 0 && !error)
		error = pgobj_write_one(po, uio);
	return error;
}

static int
folio_flush(struct folio *fo)
{
	struct pgobj *po = fo->fo_obj;
	struct rumpuser_iov iov = { fo->fo_data, folio_size(fo) };
	int error;

	if (!(atomic_and_ar(&fo->fo_flags, ~(uint32_t)FOLIO_DIRTY) &
	    FOLIO_DIRTY))
		return 0;
	error = po->po_ops->po_write(po, fo->fo_index << PAGE_SHIFT, &iov, 1);
	if (error)
		atomic_or_ar(&fo->fo_flags, FOLIO_DIRTY);
	return error;
}

int
pgobj_flush(struct pgobj *po, uint64_t off, uint64_t len)
{
	uint64_t next = off >> PAGE_SHIFT, last;
	struct folio *fo;
	int error = 0, one;

	if (po->po_ops->po_write == NULL || len == 0)
		return 0;
	last = (off + len - 1 < off ? UINT64_MAX : off + len - 1) >>
	    PAGE_SHIFT;
	for (;;) {
		mutex_enter(&po->po_lock);
		fo = pgtree_next(po, next);
		if (fo != NULL && fo->fo_index <= last)
			folio_hold(fo);
		else
			fo = NULL;
		mutex_exit(&po->po_lock);
		if (fo == NULL)
			return error;
		next = folio_end(fo);
		one = folio_flush(fo);
		if (error == 0)
			error = one;
		folio_rele(fo);
	}
}

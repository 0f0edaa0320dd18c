/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * readahead.c - how much a miss reads
 *
 * A reader that goes on where it stopped is sequential: its windows double
 * from RA_MIN to RA_MAX, and before the cache copies what a window brought,
 * the lower layer is told of the next one (po_willneed), so that the host
 * fetches it meanwhile.  A reader that jumps gets what it asked for, rounded
 * to RA_RANDOM, and starts anew.
 *
 * The state is per open file and not locked: two threads that share one may
 * confuse it, which costs speed only.  Hence its fields are atomics.
 */

#include <sys/errno.h>

#include "pagecache_impl.h"

#define RA_MIN		(64 * 1024UL)
#define RA_MAX		(1024 * 1024UL)
#define RA_RANDOM	(16 * 1024UL)

static uint64_t
round_down(uint64_t n, uint64_t to)
{
	return n & ~(to - 1);
}

/* Saturates at the last multiple. */
static uint64_t
round_up(uint64_t n, uint64_t to)
{
	return n > UINT64_MAX - to ? round_down(UINT64_MAX, to) :
	    round_down(n + to - 1, to);
}

static uint64_t
min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool
readahead_issequential(struct readahead *ra, uint64_t off)
{
	/* off is where the miss is: within the page that follows, or at it. */
	return off >= atomic_load(&ra->ra_next) &&
	    off - atomic_load(&ra->ra_next) < PAGE_SIZE;
}

/* Bytes of the next window of a sequential reader that wants len more. */
static uint64_t
readahead_window(struct readahead *ra, uint64_t len)
{
	uint64_t window = atomic_load(&ra->ra_size);

	window = window == 0 ? RA_MIN : min_u64(2 * window, RA_MAX);
	while (window < len && window < RA_MAX)
		window *= 2;
	atomic_store(&ra->ra_size, (uint32_t)window);
	return window;
}

/* The window that follows [.., from), less what was announced before. */
static void
readahead_announce(struct pgobj *po, struct readahead *ra, uint64_t from,
    uint64_t size)
{
	uint64_t mark = atomic_load(&ra->ra_mark), to;

	to = min_u64(from + min_u64(2 * (uint64_t)atomic_load(&ra->ra_size),
	    RA_MAX), size);
	if (mark > from && mark < to)
		from = mark;
	if (from >= to)
		return;
	atomic_store(&ra->ra_mark, to);
	if (po->po_ops->po_willneed != NULL)
		po->po_ops->po_willneed(po, from, to - from);
}

static int
readahead_fill(struct pgobj *po, uint64_t off, uint64_t from, uint64_t to)
{
	uint64_t first = from >> PAGE_SHIFT, index = off >> PAGE_SHIFT;
	struct folio *fo;
	int error;

	/* What lies before the miss is a gift: only if it is free to take. */
	fo = pgtree_next(po, first);
	if (fo != NULL && fo->fo_index < index)
		first = index;
	error = pgobj_fillrange(po, first,
	    ((to + PAGE_MASK) >> PAGE_SHIFT) - first);
	if (error)
		error = pgobj_fillrange(po, index, 1);
	return error;
}

int
readahead_miss(struct pgobj *po, struct readahead *ra, uint64_t off,
    uint64_t end, uint64_t size)
{
	uint64_t from, to, whole = round_up(size, PAGE_SIZE);

	if (ra == NULL || !readahead_issequential(ra, off)) {
		if (ra != NULL)
			atomic_store(&ra->ra_size, 0);
		from = round_down(off, RA_RANDOM);
		to = min_u64(round_up(end, RA_RANDOM), from + RA_MAX);
		return readahead_fill(po, off, from, min_u64(to, whole));
	}
	from = round_down(off, PAGE_SIZE);
	to = min_u64(from + readahead_window(ra, end - off), whole);
	readahead_announce(po, ra, to, size);
	return readahead_fill(po, off, from, to);
}

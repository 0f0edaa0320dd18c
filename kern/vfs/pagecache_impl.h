/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pagecache_impl.h - what the files of the page cache tell each other
 *
 * Life cycle of a folio
 *	folio_create()	one reference, nobody else knows it
 *	in the tree	that reference is the tree's; readers find it by qsbr
 *	GONE		out of the tree; lives while somebody holds it
 *	freed		after the last folio_rele() and a grace period
 *	A folio of a backed object is inserted empty by the thread that fills
 *	it; it becomes UPTODATE, or ERROR and GONE, once.
 *
 * Locking
 *	v_lock -> po_lock -> lru_lock.  The evictor comes from the other side
 *	and only tries po_lock.  po_lock is not held across po_read, po_write
 *	nor copies of client data.
 *	In memory objects writers exclude each other and readers by v_lock.
 */

#ifndef PAGECACHE_IMPL_H
#define PAGECACHE_IMPL_H

#include <sys/atomic.h>
#include <sys/kassert.h>
#include <sys/kvar.h>
#include <sys/types.h>
#include <vfs/pagecache.h>

#define FOLIO_MAXPAGES	(1u << FOLIO_MAXORDER)

static inline uint64_t
folio_pages(const struct folio *fo)
{
	return 1ULL << fo->fo_order;
}

static inline uint64_t
folio_end(const struct folio *fo)		/* page number */
{
	return fo->fo_index + folio_pages(fo);
}

static inline size_t
folio_size(const struct folio *fo)
{
	return PAGE_SIZE << fo->fo_order;
}

/* The first use of what was read is why it is here; later ones count. */
static inline void
folio_used(struct folio *fo)
{
	uint32_t flags = atomic_load(&fo->fo_flags);

	if (flags & FOLIO_NEW)
		atomic_and(&fo->fo_flags, ~(uint32_t)FOLIO_NEW);
	else if (!(flags & FOLIO_REFERENCED))
		atomic_or(&fo->fo_flags, FOLIO_REFERENCED);
}

/* A bit for each of n pages (1 to 64) from page first on. */
static inline uint64_t
page_mask(unsigned int first, unsigned int n)
{
	return (n >= 64 ? ~0ULL : (1ULL << n) - 1) << first;
}

static inline bool
pgobj_ismemory(const struct pgobj *po)
{
	return po->po_ops->po_read == NULL;
}

/* The largest order that is aligned at index and has at most n pages. */
static inline unsigned int
folio_order_at(uint64_t index, uint64_t n)
{
	unsigned int order, align;

	order = n == 0 ? 0 : 63 - (unsigned int)__builtin_clzll(n);
	align = index == 0 ? FOLIO_MAXORDER :
	    (unsigned int)__builtin_ctzll(index);
	if (order > align)
		order = align;
	return order < FOLIO_MAXORDER ? order : FOLIO_MAXORDER;
}

/* pagecache_tree.c: _locked want po_lock, the others a vCPU without break. */
void	pgtree_boot(void);
struct folio *pgtree_lookup(struct pgobj *po, uint64_t index);
/* The folio that holds page index, or the first one after it. */
struct folio *pgtree_next(struct pgobj *po, uint64_t index);
/* EEXIST: some of its pages are there.  ENOMEM. */
int	pgtree_insert_locked(struct pgobj *po, struct folio *fo);
void	pgtree_remove_locked(struct pgobj *po, struct folio *fo);
/* The n folios, all inside old's range, take its place.  ENOMEM. */
int	pgtree_replace_locked(struct pgobj *po, struct folio *old,
	    struct folio **pieces, unsigned int n);

/* pagecache.c */
int	folio_create(struct pgobj *po, uint64_t index, unsigned int order,
	    struct folio **ret_fo);
bool	folio_tryhold(struct folio *fo);
void	folio_drop_locked(struct folio *fo);	/* out of tree and cache */

/* pagecache_fill.c: what is not there is read. */
int	pgobj_fillrange(struct pgobj *po, uint64_t index, uint64_t npages);
/* Until fo is UPTODATE or GONE; fo is referenced. */
void	folio_wait(struct folio *fo);
/* Page index, uptodate; without a reference (NULL: look again). */
int	pgobj_need(struct pgobj *po, uint64_t index, struct folio **ret_fo);

/* readahead.c: page off >> PAGE_SHIFT is not there: reads it, and more. */
int	readahead_miss(struct pgobj *po, struct readahead *ra, uint64_t off,
	    uint64_t end, uint64_t size);
/* A read of [off, end) is done. */
static inline void
readahead_note(struct readahead *ra, uint64_t end)
{
	atomic_store(&ra->ra_next, end);
}

/* pagecache_mem.c: memory objects */
int	pgmem_read(struct pgobj *po, struct uio *uio, uint64_t size);
int	pgmem_write(struct pgobj *po, struct uio *uio);
int	pgmem_charge(struct pgobj *po, int64_t npages);
int	pgmem_newfolio_locked(struct pgobj *po, uint64_t index,
	    uint64_t npages, struct folio **ret_fo);
/* Pages of fo given by mask come (they are charged) and go. */
void	pgmem_set_locked(struct folio *fo, uint64_t mask);
void	pgmem_clear_locked(struct folio *fo, uint64_t mask);

/* pagecache_range.c: drops fo, or moves what is left of it. */
void	pgmem_shrink_locked(struct folio *fo);

/* pagecache_reclaim.c: folios of backed objects */
void	pagecache_reclaim_boot(void);
/* About to add bytes: makes room. */
void	pagecache_reserve(size_t bytes);
void	lru_insert(struct folio *fo);
void	lru_remove(struct folio *fo);		/* idempotent */

extern struct counter pagecache_hits;
extern struct counter pagecache_misses;
extern struct counter pagecache_filled;

#endif /* PAGECACHE_IMPL_H */

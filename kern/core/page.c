/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * page.c - pages
 *
 * The host gives chunks of 2 MiB, aligned to their size, which cost nothing
 * until they are touched.  A chunk is divided by the buddy method into
 * blocks of 2^order pages, aligned to their own size.  Its first page is
 * its book: one word a page says whether a free block begins there, how
 * large it is, who its neighbours on the free list are, and whether it is
 * known to hold zeroes.  No page is touched by being free, so fresh memory
 * stays with the host and an allocation with KM_ZERO need not clear it.
 *
 * Chunks stand in bins by the largest block they have free.  A chunk that
 * becomes all free goes back to the host, but for a few spare ones.  Blocks of
 * the largest order, and more, are mapped one by one.
 *
 * Single pages go through a small cache of each vCPU: no lock, no atomic.
 *
 * Locking
 *	pages_lock protects all chunks.  It is dropped around hypercalls: the
 *	thread that maps a chunk publishes it afterwards, the one that unmaps
 *	takes it out first.
 *
 * Accounting: kmem_charge() before a block leaves its chunk, books included.
 */

#include <lib/string.h>

#include "kmem_impl.h"

#define CHUNK_ORDER	PAGE_MAXORDER
#define CHUNK_PAGES	(1u << CHUNK_ORDER)
#define CHUNK_SIZE	(PAGE_SIZE << CHUNK_ORDER)
#define CHUNK_NORDERS	CHUNK_ORDER	/* 0 .. 8: the book spoils the whole */
#define CHUNK_SPARE	2		/* all free chunks to keep, and an 8th */
#define CHUNK_MAGIC	0x70616765u

/* Grown to this, new chunks ask for large pages. */
#define HUGE_FROM	(16u * 1024 * 1024)

#define REFILL_PAGES	(PAGE_CACHE / 2)

/* A page's word: index of the next and the previous free block, 0: none. */
#define PG_NEXT(w)	((w) & 0x3ff)
#define PG_PREV(w)	((w) >> 10 & 0x3ff)
#define PG_ORDER(w)	((w) >> 20 & 0xf)
#define PG_FREE		0x01000000u	/* a free block begins here */
#define PG_ZERO		0x02000000u	/* and holds zeroes */
#define PG_WORD(next, prev, order, flags) \
	((next) | (prev) << 10 | (order) << 20 | (flags))

/* All of it: pages_lock. */
struct chunk {
	struct list_node ck_link;	/* in bins[ck_bin] */
	unsigned int	 ck_magic;
	unsigned int	 ck_nfree;	/* pages; the book never is */
	unsigned int	 ck_orders;	/* bit: ck_head of that order has blocks */
	unsigned int	 ck_bin;
	uint16_t	 ck_head[CHUNK_NORDERS];
	uint32_t	 ck_page[CHUNK_PAGES];
};
_Static_assert(sizeof(struct chunk) <= PAGE_SIZE, "the book is one page");

#define BIN_NONE	0		/* nothing free */
#define BIN_OF(order)	((order) + 1)
#define BIN_ALL		(CHUNK_NORDERS + 1)	/* everything free: taken last */

static struct kspin pages_lock;
static struct list bins[BIN_ALL + 1];
static unsigned int nchunks;		/* pages_lock */
static unsigned int nspare;		/* pages_lock: chunks all free */

void
page_boot(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bins); i++)
		list_init(&bins[i]);
}

static struct chunk *
chunk_of(void *ptr)
{
	struct chunk *ck = (struct chunk *)
	    ((uintptr_t)ptr & ~(uintptr_t)(CHUNK_SIZE - 1));

	KASSERT(ck->ck_magic == CHUNK_MAGIC);
	return ck;
}

static void *
chunk_page(struct chunk *ck, unsigned int idx)
{
	return (char *)ck + ((size_t)idx << PAGE_SHIFT);
}

static unsigned int
chunk_index(struct chunk *ck, void *ptr)
{
	return (unsigned int)(((uintptr_t)ptr - (uintptr_t)ck) >> PAGE_SHIFT);
}

/* The one place that moves a chunk between bins. */
static void
chunk_rebin_locked(struct chunk *ck) REQUIRES(pages_lock)
{
	unsigned int bin = BIN_NONE;

	if (ck->ck_nfree == CHUNK_PAGES - 1)
		bin = BIN_ALL;
	else if (ck->ck_orders != 0)
		bin = BIN_OF(31 - (unsigned int)__builtin_clz(ck->ck_orders));
	if (bin == ck->ck_bin)
		return;
	list_remove(&ck->ck_link);
	list_insert_head(&bins[bin], &ck->ck_link);
	ck->ck_bin = bin;
}

static void
block_insert_locked(struct chunk *ck, unsigned int idx, unsigned int order,
    uint32_t zero) REQUIRES(pages_lock)
{
	unsigned int next = ck->ck_head[order];

	KASSERT(idx != 0 && (idx & ((1u << order) - 1)) == 0);
	ck->ck_page[idx] = PG_WORD(next, 0u, order, PG_FREE | zero);
	if (next != 0)
		ck->ck_page[next] |= PG_WORD(0u, idx, 0u, 0u);
	ck->ck_head[order] = (uint16_t)idx;
	ck->ck_orders |= 1u << order;
}

static void
block_remove_locked(struct chunk *ck, unsigned int idx) REQUIRES(pages_lock)
{
	uint32_t w = ck->ck_page[idx];
	unsigned int next = PG_NEXT(w), prev = PG_PREV(w), order = PG_ORDER(w);
	uint32_t other;

	KASSERT((w & PG_FREE) != 0);
	if (next != 0) {
		other = ck->ck_page[next];
		ck->ck_page[next] = PG_WORD(PG_NEXT(other), prev,
		    PG_ORDER(other), other & (PG_FREE | PG_ZERO));
	}
	if (prev != 0) {
		other = ck->ck_page[prev];
		ck->ck_page[prev] = PG_WORD(next, PG_PREV(other),
		    PG_ORDER(other), other & (PG_FREE | PG_ZERO));
	} else {
		ck->ck_head[order] = (uint16_t)next;
		if (next == 0)
			ck->ck_orders &= ~(1u << order);
	}
	ck->ck_page[idx] = 0;
}

/* The chunk has a block of at least that order. */
static unsigned int
block_take_locked(struct chunk *ck, unsigned int order, uint32_t *ret_zero)
    REQUIRES(pages_lock)
{
	unsigned int have, idx;
	uint32_t zero;

	have = (unsigned int)__builtin_ctz(ck->ck_orders >> order) + order;
	idx = ck->ck_head[have];
	zero = ck->ck_page[idx] & PG_ZERO;
	block_remove_locked(ck, idx);
	while (have > order) {
		have--;
		block_insert_locked(ck, idx + (1u << have), have, zero);
	}
	if (ck->ck_nfree == CHUNK_PAGES - 1)
		nspare--;
	ck->ck_nfree -= 1u << order;
	*ret_zero = zero;
	return idx;
}

/* Joins the block with its buddies as far as they are free. */
static void
block_give_locked(struct chunk *ck, unsigned int idx, unsigned int order,
    uint32_t zero) REQUIRES(pages_lock)
{
	KASSERTMSG((ck->ck_page[idx] & PG_FREE) == 0, "page %p is free already",
	    chunk_page(ck, idx));
	ck->ck_nfree += 1u << order;
	for (; order < CHUNK_NORDERS - 1; order++) {
		unsigned int buddy = idx ^ (1u << order);
		uint32_t w = ck->ck_page[buddy];

		if ((w & PG_FREE) == 0 || PG_ORDER(w) != order)
			break;
		zero &= w;
		block_remove_locked(ck, buddy);
		idx &= ~(1u << order);
	}
	block_insert_locked(ck, idx, order, zero & PG_ZERO);
	if (ck->ck_nfree == CHUNK_PAGES - 1)
		nspare++;
}

static struct chunk *
chunk_find_locked(unsigned int order) REQUIRES(pages_lock)
{
	for (unsigned int bin = BIN_OF(order); bin < ARRAY_SIZE(bins); bin++) {
		struct list_node *n = list_first(&bins[bin]);

		if (n != NULL)
			return container_of(n, struct chunk, ck_link);
	}
	return NULL;
}

/* Maps one more chunk.  Called without the lock; false: no memory. */
static bool
chunk_create(int flags)
{
	struct chunk *ck;
	void *ptr;

	if (!kmem_charge(PAGE_SIZE, flags))
		return false;
	if (rumpuser_pages_map(CHUNK_SIZE, CHUNK_SIZE, kmem_used() >= HUGE_FROM ?
	    RUMPUSER_PAGES_HUGE : 0, &ptr) != 0) {
		kmem_uncharge(PAGE_SIZE);
		return false;
	}
	ck = ptr;			/* zeroed */
	list_node_init(&ck->ck_link);
	ck->ck_magic = CHUNK_MAGIC;
	ck->ck_nfree = CHUNK_PAGES - 1;

	kspin_enter(&pages_lock);
	/* What is left when the first page is cut off: 1, 2, 4 .. 256. */
	for (unsigned int order = 0; order < CHUNK_NORDERS; order++)
		block_insert_locked(ck, 1u << order, order, PG_ZERO);
	chunk_rebin_locked(ck);
	nchunks++;
	nspare++;
	kspin_exit(&pages_lock);
	return true;
}

/* Takes one chunk that is all free out of sight; NULL: none beyond keep. */
static struct chunk *
chunk_detach_locked(unsigned int keep) REQUIRES(pages_lock)
{
	struct list_node *n = list_last(&bins[BIN_ALL]);

	if (n == NULL || nspare <= keep)
		return NULL;
	list_remove(n);
	nchunks--;
	nspare--;
	return container_of(n, struct chunk, ck_link);
}

static void
chunk_destroy(struct chunk *ck)
{
	ck->ck_magic = 0;
	rumpuser_pages_unmap(ck, CHUNK_SIZE);
	kmem_uncharge(PAGE_SIZE);
}

size_t
page_reclaim(void)
{
	struct chunk *ck;
	size_t freed = 0;

	for (;;) {
		kspin_enter(&pages_lock);
		ck = chunk_detach_locked(0);
		kspin_exit(&pages_lock);
		if (ck == NULL)
			return freed;
		chunk_destroy(ck);
		freed += CHUNK_SIZE;
	}
}

/* A block of some chunk, not yet charged.  NULL: no memory. */
static void *
block_alloc(unsigned int order, int flags, uint32_t *ret_zero)
{
	struct chunk *ck;
	void *ptr;

	for (;;) {
		kspin_enter(&pages_lock);
		ck = chunk_find_locked(order);
		if (ck != NULL)
			break;
		kspin_exit(&pages_lock);
		if (!chunk_create(flags))
			return NULL;
	}
	ptr = chunk_page(ck, block_take_locked(ck, order, ret_zero));
	chunk_rebin_locked(ck);
	kspin_exit(&pages_lock);
	return ptr;
}

/* The largest blocks that npages from idx on consist of. */
static void
run_give_locked(struct chunk *ck, unsigned int idx, size_t npages,
    uint32_t zero) REQUIRES(pages_lock)
{
	while (npages > 0) {
		unsigned int order = (unsigned int)__builtin_ctz(idx);

		while ((1u << order) > npages)
			order--;
		block_give_locked(ck, idx, order, zero);
		idx += 1u << order;
		npages -= 1u << order;
	}
	chunk_rebin_locked(ck);
}

static void
run_free(void *ptr, size_t npages, uint32_t zero)
{
	struct chunk *ck = chunk_of(ptr), *empty;

	kspin_enter(&pages_lock);
	run_give_locked(ck, chunk_index(ck, ptr), npages, zero);
	empty = chunk_detach_locked(CHUNK_SPARE + nchunks / 8);
	kspin_exit(&pages_lock);
	if (empty != NULL)
		chunk_destroy(empty);
}

static unsigned int
order_of(size_t npages)
{
	return npages <= 1 ? 0 :
	    64 - (unsigned int)__builtin_clzl(npages - 1);
}

void *
page_alloc_run(size_t npages, int flags)
{
	unsigned int order = order_of(npages);
	size_t len = npages << PAGE_SHIFT;
	uint32_t zero = 0;
	void *ptr;

	KASSERT(npages > 0 && npages <= CHUNK_PAGES / 2);
	if (!kmem_charge(len, flags))
		goto fail;
	ptr = block_alloc(order, flags, &zero);
	if (ptr == NULL) {
		kmem_uncharge(len);
		goto fail;
	}
	if (npages < 1u << order)
		run_free((char *)ptr + len, (1u << order) - npages, zero);
	if ((flags & KM_ZERO) != 0 && zero == 0)
		memset(ptr, 0, len);
	return ptr;
fail:
	kmem_count_failure();
	return NULL;
}

void
page_free_run(void *ptr, size_t npages)
{
	run_free(ptr, npages, 0);
	kmem_uncharge(npages << PAGE_SHIFT);
}

void *
page_map(size_t len, int flags)
{
	size_t align = PAGE_SIZE;
	void *ptr;

	if ((len & (CHUNK_SIZE - 1)) == 0)
		align = CHUNK_SIZE;
	if (!kmem_charge(len, flags))
		goto fail;
	if (rumpuser_pages_map(len, align, RUMPUSER_PAGES_HUGE, &ptr) == 0)
		return ptr;
	kmem_uncharge(len);
fail:
	kmem_count_failure();
	return NULL;
}

void
page_unmap(void *ptr, size_t len)
{
	rumpuser_pages_unmap(ptr, len);
	kmem_uncharge(len);
}

/* Puts up to n pages, which are charged, into the cache; returns the rest. */
static unsigned int
page_cache_fill(struct kmem_cpu *kc, unsigned int n)
{
	struct chunk *ck;
	uint32_t zero;

	kspin_enter(&pages_lock);
	while (n > 0 && kc->kc_npages < PAGE_CACHE &&
	    (ck = chunk_find_locked(0)) != NULL) {
		uintptr_t page = (uintptr_t)chunk_page(ck,
		    block_take_locked(ck, 0, &zero));

		chunk_rebin_locked(ck);
		kc->kc_pages[kc->kc_npages++] = page | (zero != 0);
		n--;
	}
	kspin_exit(&pages_lock);
	return n;
}

static void
page_cache_trim(struct kmem_cpu *kc, unsigned int keep)
{
	unsigned int n = kc->kc_npages - keep;
	uintptr_t pages[PAGE_CACHE];

	memcpy(pages, kc->kc_pages, n * sizeof(pages[0]));
	memmove(kc->kc_pages, kc->kc_pages + n, keep * sizeof(pages[0]));
	kc->kc_npages = keep;
	for (unsigned int i = 0; i < n; i++)
		run_free((void *)(pages[i] & ~1ul), 1,
		    (pages[i] & 1) != 0 ? PG_ZERO : 0);
	kmem_uncharge(n * PAGE_SIZE);
}

/*
 * One page when the cache has none: half a cache at once, if that much can
 * be had.  Charging may sleep, so the seat is looked up afterwards.
 */
static void *
page_alloc_slow(int flags)
{
	struct kmem_cpu *kc;
	unsigned int left;

	if (kmem_charge(REFILL_PAGES * PAGE_SIZE, flags)) {
		kc = kmem_cpu_self();
		left = kc == NULL ? REFILL_PAGES :
		    page_cache_fill(kc, REFILL_PAGES);
		kmem_uncharge(left * PAGE_SIZE);
		if (kc != NULL && kc->kc_npages != 0)
			return page_alloc(0, flags);
	}
	return page_alloc_run(1, flags);
}

void *
page_alloc(unsigned int order, int flags)
{
	struct kmem_cpu *kc = kmem_cpu_self();
	uintptr_t page;
	void *ptr;

	KASSERT(order <= PAGE_MAXORDER);
	if (unlikely(kmem_direct))
		return kmem_direct_alloc(PAGE_SIZE << order,
		    PAGE_SIZE << order, flags);
	if (order == CHUNK_ORDER)
		return page_map(CHUNK_SIZE, flags);
	if (order != 0)
		return page_alloc_run(1ul << order, flags);
	if (unlikely(kc == NULL || kc->kc_npages == 0))
		return page_alloc_slow(flags);
	page = kc->kc_pages[--kc->kc_npages];
	ptr = (void *)(page & ~1ul);
	if ((flags & KM_ZERO) != 0 && (page & 1) == 0)
		memset(ptr, 0, PAGE_SIZE);
	return ptr;
}

void
page_free(void *ptr, unsigned int order)
{
	struct kmem_cpu *kc = kmem_cpu_self();

	if (ptr == NULL)
		return;
	if (unlikely(kmem_direct)) {
		kmem_direct_free(ptr, PAGE_SIZE << order);
		return;
	}
	if (order == CHUNK_ORDER) {
		page_unmap(ptr, CHUNK_SIZE);
		return;
	}
	if (order != 0 || kc == NULL) {
		page_free_run(ptr, 1ul << order);
		return;
	}
	if (kc->kc_npages == PAGE_CACHE)
		page_cache_trim(kc, PAGE_CACHE / 2);
	kc->kc_pages[kc->kc_npages++] = (uintptr_t)ptr;
}

void
page_cache_drain(void)
{
	struct kmem_cpu *kc = kmem_cpu_self();

	if (kc != NULL && kc->kc_npages != 0)
		page_cache_trim(kc, 0);
}

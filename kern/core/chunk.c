/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * chunk.c - blocks of pages in chunks from the host
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
 * becomes all free goes back to the host, but for a few spare ones.
 *
 * Locking
 *	pages_lock protects all chunks.  It is dropped around hypercalls: the
 *	thread that maps a chunk publishes it afterwards, the one that unmaps
 *	takes it out first.
 *
 * Accounting: the caller charges what it takes; books are charged here.
 */

#include "kmem_impl.h"

#define CHUNK_PAGES	(1u << CHUNK_ORDER)
#define CHUNK_NORDERS	CHUNK_ORDER	/* 0 .. 8: the book spoils the whole */
#define CHUNK_SPARE	2		/* all free chunks to keep, and an 8th */
#define CHUNK_MAGIC	0x70616765u

/* Grown to this, new chunks ask for large pages. */
#define HUGE_FROM	(16u * 1024 * 1024)

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
chunk_boot(void)
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
chunk_reclaim(void)
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

void *
block_alloc(unsigned int order, int flags, bool *ret_zero)
{
	struct chunk *ck;
	uint32_t zero;
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
	ptr = chunk_page(ck, block_take_locked(ck, order, &zero));
	chunk_rebin_locked(ck);
	kspin_exit(&pages_lock);
	*ret_zero = zero != 0;
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

void
run_free(void *ptr, size_t npages, bool zero)
{
	struct chunk *ck = chunk_of(ptr), *empty;

	kspin_enter(&pages_lock);
	run_give_locked(ck, chunk_index(ck, ptr), npages, zero ? PG_ZERO : 0);
	empty = chunk_detach_locked(CHUNK_SPARE + nchunks / 8);
	kspin_exit(&pages_lock);
	if (empty != NULL)
		chunk_destroy(empty);
}

unsigned int
block_alloc_pages(uintptr_t *pages, unsigned int n)
{
	struct chunk *ck;
	unsigned int got;
	uint32_t zero;

	kspin_enter(&pages_lock);
	for (got = 0; got < n && (ck = chunk_find_locked(0)) != NULL; got++) {
		uintptr_t page = (uintptr_t)chunk_page(ck,
		    block_take_locked(ck, 0, &zero));

		chunk_rebin_locked(ck);
		pages[got] = page | (zero != 0);
	}
	kspin_exit(&pages_lock);
	return got;
}

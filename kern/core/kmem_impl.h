/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kmem_impl.h - what the files of the allocator share
 *
 *	kmem_limit.c	how much there may be, and who is asked to give back
 *	chunk.c		blocks of pages, in chunks from the host
 *	page.c		pages, with a cache of single ones in front
 *	slab.c		objects of one size, in slabs of pages
 *	pool.c		the same with magazines in front
 *	kmem.c		any size, on pools and pages; boot
 *
 * Freeing must be possible everywhere, also where a lock-free reader still
 * looks at what it found, so nothing here may give its vCPU back to wait for
 * another thread.  Hence the spin lock: its holder always has a seat, never
 * blocks and makes no hypercall, so it is held for nanoseconds, and who finds
 * it taken lets the host run others until it is not.
 *
 * Lock order: pools -> pool -> pages.
 */

#ifndef CORE_KMEM_IMPL_H
#define CORE_KMEM_IMPL_H

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

static inline void
kspin_enter(struct kspin *ks) ACQUIRES(*ks) NO_THREAD_SAFETY
{
	unsigned int tries = 0;

	while (unlikely(atomic_load(&ks->ks_held) ||
	    __atomic_exchange_n(&ks->ks_held, 1, __ATOMIC_ACQUIRE))) {
		if (++tries % 64 == 0)
			rumpuser_thread_yield();
		else
			cpu_relax();
	}
}

static inline void
kspin_exit(struct kspin *ks) RELEASES(*ks) NO_THREAD_SAFETY
{
	KASSERT(atomic_load(&ks->ks_held) != 0);
	atomic_store_rel(&ks->ks_held, 0);
}

/* --- limit --------------------------------------------------------------- */

int	kmem_limit_boot(void);

/*
 * Accounts for memory that is about to be taken from the host or from the
 * free pages; false past the limit, after the caches were asked if flags
 * allow that.
 */
bool	kmem_charge(size_t bytes, int flags);
void	kmem_uncharge(size_t bytes);
uint64_t kmem_used(void);
void	kmem_count_failure(void);

/* Keeps everybody from reclaiming.  May sleep. */
void	kmem_reclaim_enter(void);
void	kmem_reclaim_exit(void);

/* --- direct mode --------------------------------------------------------- */

extern bool kmem_direct;		/* constant after kmem_boot() */

void	*kmem_direct_alloc(size_t len, size_t align, int flags);
void	kmem_direct_free(void *ptr, size_t len);

/* --- per vCPU ------------------------------------------------------------ */

#define POOL_MAX	118	/* pools with magazines; more do without */
#define PAGE_CACHE	16	/* free pages a vCPU keeps */

/*
 * Two chains of free objects, linked through their first words.  An unused
 * magazine has neither objects nor room, so both fast paths miss.
 */
struct magazine {
	void		*mg_objs;	/* the chain in use */
	unsigned int	 mg_room;	/* objects that mg_objs may still take */
	unsigned int	 mg_ready;	/* set up: room means something */
	void		*mg_spare;	/* a full chain, or NULL */
	int64_t		 mg_out;	/* gets less puts on this vCPU */
};

/* Others read it now and then; nobody else writes. */
static inline void
magazine_count(struct magazine *mg, int64_t n)
{
	atomic_store(&mg->mg_out, mg->mg_out + n);
}

/* NULL if it is empty, or was never used. */
static inline void *
magazine_pop(struct magazine *mg)
{
	void *obj = mg->mg_objs;

	if (likely(obj != NULL)) {
		mg->mg_objs = *(void **)obj;
		mg->mg_room++;
		magazine_count(mg, 1);
	}
	return obj;
}

/* False if it is full, or was never used. */
static inline bool
magazine_push(struct magazine *mg, void *obj)
{
	if (unlikely(mg->mg_room == 0))
		return false;
	*(void **)obj = mg->mg_objs;
	mg->mg_objs = obj;
	mg->mg_room--;
	magazine_count(mg, -1);
	return true;
}

/* Exactly a page; the last magazine is for pools without one. */
struct kmem_cpu {
	uintptr_t	 kc_pages[PAGE_CACHE];	/* bit 0: known to be zero */
	unsigned int	 kc_npages;
	struct magazine	 kc_mag[POOL_MAX + 1];
};
_Static_assert(sizeof(struct kmem_cpu) <= PAGE_SIZE, "one page a vCPU");

/* The calling vCPU's; NULL in direct mode, or while there is no memory. */
static inline struct kmem_cpu *
kmem_cpu_self(void)
{
	return curlwp()->l_cpu->vc_mag;
}

struct kmem_cpu *kmem_cpu_create(void);	/* for the calling vCPU */

/* --- chunks -------------------------------------------------------------- */

#define CHUNK_ORDER	PAGE_MAXORDER
#define CHUNK_SIZE	(PAGE_SIZE << CHUNK_ORDER)
#define RUN_MAXPAGES	(1u << (CHUNK_ORDER - 1))

void	chunk_boot(void);

/* Unmaps what is free in one piece. */
size_t	chunk_reclaim(void);

/* The caller charges them.  *ret_zero: they are known to be zero. */
void	*block_alloc(unsigned int order, int flags, bool *ret_zero);

/* Up to n single pages, bit 0 set in what is zero.  Maps no chunk. */
unsigned int block_alloc_pages(uintptr_t *pages, unsigned int n);

/* Any part of a block that was taken; never sleeps. */
void	run_free(void *ptr, size_t npages, bool zero);

/* --- pages --------------------------------------------------------------- */

void	page_cache_drain(void);		/* of the calling vCPU */

/* Any number of pages up to RUN_MAXPAGES; freed with the same number. */
void	*page_alloc_run(size_t npages, int flags);
void	page_free_run(void *ptr, size_t npages);

/* More than that: by the host. */
void	*page_map(size_t len, int flags);
void	page_unmap(void *ptr, size_t len);

/* --- slabs --------------------------------------------------------------- */

#define SLAB_MAXORDER	7

/* What follows obj in a chain of free objects. */
static inline void **
obj_next(void *obj)
{
	return obj;
}

static inline size_t
round_up(size_t n, size_t to)
{
	return (n + to - 1) & ~(to - 1);
}

/* Chooses the size of slabs from po_size and po_align. */
void	pool_layout(struct pool *po);

/*
 * chain_get: 1 to want objects, *ret_n says how many; may sleep if flags
 * allow that.  chain_put consumes a full chain, chain_return one of any
 * length, or NULL; these never sleep.
 */
void	*chain_get(struct pool *po, unsigned int want, int flags,
	    unsigned int *ret_n);
void	chain_put(struct pool *po, void *chain);
void	chain_return(struct pool *po, void *chain);

/* Give back what is only kept: chains to slabs, slabs to pages. */
void	depot_return(struct pool *po);
void	slabs_trim(struct pool *po);

/* --- pools --------------------------------------------------------------- */

size_t	pool_reclaim(void);		/* returns depots to slabs, slabs to pages */

#endif /* CORE_KMEM_IMPL_H */

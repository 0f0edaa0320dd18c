/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * page.c - pages
 *
 * Blocks of 2^order pages and runs of any number come out of chunks
 * (chunk.c); a run is the front of a block whose rest goes back at once.  The
 * largest order, and more, is mapped by the host one by one.
 *
 * Single pages go through a small cache of each vCPU: no lock, no atomic.
 *
 * Accounting: kmem_charge() before pages leave their chunk; what lies in the
 * cache of a vCPU is charged.
 */

#include <lib/string.h>

#include "kmem_impl.h"

#define REFILL_PAGES	(PAGE_CACHE / 2)

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
	bool zero;
	void *ptr;

	KASSERT(npages > 0 && npages <= RUN_MAXPAGES);
	if (!kmem_charge(len, flags))
		goto fail;
	ptr = block_alloc(order, flags, &zero);
	if (ptr == NULL) {
		kmem_uncharge(len);
		goto fail;
	}
	if (npages < 1u << order)
		run_free((char *)ptr + len, (1u << order) - npages, zero);
	if ((flags & KM_ZERO) != 0 && !zero)
		memset(ptr, 0, len);
	return ptr;
fail:
	kmem_count_failure();
	return NULL;
}

void
page_free_run(void *ptr, size_t npages)
{
	run_free(ptr, npages, false);
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

static void
page_cache_trim(struct kmem_cpu *kc, unsigned int keep)
{
	unsigned int n = kc->kc_npages - keep;
	uintptr_t pages[PAGE_CACHE];

	memcpy(pages, kc->kc_pages, n * sizeof(pages[0]));
	memmove(kc->kc_pages, kc->kc_pages + n, keep * sizeof(pages[0]));
	kc->kc_npages = keep;
	for (unsigned int i = 0; i < n; i++)
		run_free((void *)(pages[i] & ~1ul), 1, (pages[i] & 1) != 0);
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
	unsigned int got = 0;

	if (kmem_charge(REFILL_PAGES * PAGE_SIZE, flags)) {
		kc = kmem_cpu_self();
		if (kc != NULL && kc->kc_npages <= PAGE_CACHE - REFILL_PAGES) {
			got = block_alloc_pages(&kc->kc_pages[kc->kc_npages],
			    REFILL_PAGES);
			kc->kc_npages += got;
		}
		kmem_uncharge((REFILL_PAGES - got) * PAGE_SIZE);
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

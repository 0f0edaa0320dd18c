/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kmem.h - kernel memory
 *
 * Three levels: pages (page_alloc), pools of equal objects with per-vCPU
 * magazines, and kmem_alloc() for any size on a set of pools.  Everything
 * may fail: NULL or ENOMEM.  KM_SLEEP lets the allocator ask the caches to
 * shrink first and so may sleep; KM_NOSLEEP does not.
 *
 * RUMP_MEMLIMIT bounds the sum of all pages.  RUMP_KMEM=direct hands every
 * allocation to the host one by one, so that sanitizers and fault sweeps see
 * each of them.
 */

#ifndef SYS_KMEM_H
#define SYS_KMEM_H

#include <lib/list.h>
#include <sys/mutex.h>
#include <sys/types.h>

#define KM_SLEEP	0x00
#define KM_NOSLEEP	0x01
#define KM_ZERO		0x02

/*
 * Aligned to the largest power of two that divides len, from 16 to CACHE_LINE:
 * enough for any structure of that size.
 */
void	*kmem_alloc(size_t len, int flags);
void	*kmem_zalloc(size_t len, int flags);
void	kmem_free(void *ptr, size_t len);	/* NULL is fine */
char	*kmem_strdup(const char *s, int flags);
void	kmem_strfree(char *s);

/*
 * The allocator's own lock: it is held for a few instructions and never by
 * anything that blocks.  Others use mutexes.
 */
struct CAPABILITY("kspin") kspin {
	uint32_t	 ks_held;	/* a */
};

/*
 * Objects of one size.  Storage of the caller; name is kept.
 *
 * Field key:	c  constant since pool_init()	p  po_lock
 *		a  atomic			l  the list of all pools
 */
struct pool {
	const char	*po_name;	/* c */
	size_t		 po_size;	/* c: rounded up */
	size_t		 po_align;	/* c */
	unsigned int	 po_index;	/* c: its slot in each vCPU's magazines */
	unsigned int	 po_batch;	/* c: objects in a full chain */
	unsigned int	 po_order;	/* c: of a slab's pages */
	unsigned int	 po_perslab;	/* c: objects in a slab */
	unsigned int	 po_first;	/* c: where they begin */
	unsigned int	 po_maxdepot;	/* c */
	struct kspin	 po_lock;
	unsigned int	 po_ndepot;	/* p */
	void		*po_depot;	/* p: full chains */
	struct list	 po_partial;	/* p: slabs with free objects */
	struct list	 po_full;	/* p */
	uint64_t	 po_nslabs;	/* p; read atomically */
	int64_t		 po_out;	/* a: handed out without a magazine */
	struct list_node po_link;	/* l */
};

void	pool_init(struct pool *po, size_t size, size_t align, const char *name);
void	pool_fini(struct pool *po);		/* all objects are back */
void	*pool_get(struct pool *po, int flags);
void	pool_put(struct pool *po, void *obj);	/* never sleeps; NULL is fine */
uint64_t pool_outstanding(struct pool *po);	/* objects in use, for leak checks */
int	pool_iterate(int (*fn)(struct pool *po, void *arg), void *arg);

/*
 * 2^order contiguous pages, aligned to their size; order <= PAGE_MAXORDER.
 * Freeing never sleeps.
 */
#define PAGE_MAXORDER	9
void	*page_alloc(unsigned int order, int flags);
void	page_free(void *ptr, unsigned int order);

/*
 * A cache that can give memory back.  rc_shrink frees about want bytes,
 * returns what it freed, does not sleep for long and may be called from any
 * thread that allocates with KM_SLEEP, hence takes locks with tryenter only.
 */
struct reclaimer {
	const char	*rc_name;
	size_t		(*rc_shrink)(size_t want);
	struct list_node rc_link;
};
void	reclaimer_register(struct reclaimer *rc);
void	reclaimer_unregister(struct reclaimer *rc);

struct kmem_stats {
	uint64_t	 ks_limit;	/* bytes, 0: none */
	uint64_t	 ks_pages;	/* bytes of pages in use or cached by pools */
	uint64_t	 ks_peak;
	uint64_t	 ks_failed;	/* allocations refused */
};
void	kmem_getstats(struct kmem_stats *st);

#endif /* SYS_KMEM_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * slab.c - where the objects of a pool lie, and chains of them
 *
 * A slab is 2^order pages with a head at their start, aligned so that an
 * object's address tells its slab.  It hands out objects it never gave before
 * in order of address, so that pages which are not needed are not touched.
 *
 * Objects come and go in chains, linked through the first word of each while
 * it is free; the second word of a full chain's first object links the depot.
 * The depot keeps full chains, up to a bound, and exchanges them whole.  The
 * last object that comes back to a slab frees its pages, unless it is the
 * only slab with room.
 *
 * Locking: all of it under po_lock; pages are taken and freed without.
 */

#include "kmem_impl.h"

#define SLAB_MAGIC	0x736c6162u

struct slab {
	struct list_node sb_link;	/* p: in po_partial or po_full */
	struct pool	*sb_pool;	/* c */
	void		*sb_free;	/* p: chain of objects that came back */
	unsigned int	 sb_nused;	/* p */
	unsigned int	 sb_fresh;	/* p: so many were handed out once */
	unsigned int	 sb_magic;	/* c */
};

/* Links full chains. */
static void **
obj_nextchain(void *obj)
{
	return (void **)obj + 1;
}

/* The smallest slab that wastes at most a sixteenth, or the largest. */
void
pool_layout(struct pool *po)
{
	size_t bytes, used;

	po->po_first = (unsigned int)round_up(sizeof(struct slab), po->po_align);
	for (po->po_order = 0;; po->po_order++) {
		bytes = PAGE_SIZE << po->po_order;
		if (bytes < po->po_first + po->po_size)
			continue;
		po->po_perslab = (unsigned int)
		    ((bytes - po->po_first) / po->po_size);
		used = po->po_perslab * po->po_size;
		if (po->po_order >= SLAB_MAXORDER ||
		    (bytes - used <= bytes / 16 && po->po_perslab >= 4))
			break;
	}
}

static struct slab *
slab_of(const struct pool *po, void *obj)
{
	struct slab *sb = (struct slab *)((uintptr_t)obj &
	    ~((uintptr_t)(PAGE_SIZE << po->po_order) - 1));

	KASSERT(sb->sb_magic == SLAB_MAGIC);
	KASSERTMSG(sb->sb_pool == po, "%s: %p belongs to %s", po->po_name,
	    obj, sb->sb_pool->po_name);
	return sb;
}

/* Called without the lock; the slab is not on any list yet. */
static struct slab *
slab_create(struct pool *po, int flags)
{
	struct slab *sb = page_alloc(po->po_order, flags & KM_NOSLEEP);

	if (sb == NULL)
		return NULL;
	sb->sb_pool = po;
	sb->sb_free = NULL;
	sb->sb_nused = 0;
	sb->sb_fresh = 0;
	sb->sb_magic = SLAB_MAGIC;
	list_node_init(&sb->sb_link);
	return sb;
}

static void *
slab_get_locked(struct pool *po, struct slab *sb) REQUIRES(po->po_lock)
{
	void *obj = sb->sb_free;

	if (obj != NULL) {
		sb->sb_free = *obj_next(obj);
	} else {
		KASSERT(sb->sb_fresh < po->po_perslab);
		obj = (char *)sb + po->po_first + po->po_size * sb->sb_fresh++;
	}
	if (++sb->sb_nused == po->po_perslab) {
		list_remove(&sb->sb_link);
		list_insert_head(&po->po_full, &sb->sb_link);
	}
	return obj;
}

/* Returns the slab if that was its last object and another has room. */
static struct slab *
slab_put_locked(struct pool *po, void *obj) REQUIRES(po->po_lock)
{
	struct slab *sb = slab_of(po, obj);

	KASSERT(sb->sb_nused > 0);
	*obj_next(obj) = sb->sb_free;
	sb->sb_free = obj;
	if (sb->sb_nused-- == po->po_perslab) {
		list_remove(&sb->sb_link);
		list_insert_head(&po->po_partial, &sb->sb_link);
	}
	if (sb->sb_nused != 0 || (list_first(&po->po_partial) == &sb->sb_link &&
	    list_last(&po->po_partial) == &sb->sb_link))
		return NULL;
	list_remove(&sb->sb_link);
	atomic_store(&po->po_nslabs, po->po_nslabs - 1);
	return sb;
}

/* Chains slabs that have to go through their first words. */
static void
slabs_free(struct pool *po, struct slab *sb)
{
	while (sb != NULL) {
		struct slab *next = sb->sb_free;

		sb->sb_magic = 0;
		page_free(sb, po->po_order);
		sb = next;
	}
}

/* A chain of any length back to where its objects came from. */
void
chain_return(struct pool *po, void *obj)
{
	struct slab *gone = NULL;

	kspin_enter(&po->po_lock);
	while (obj != NULL) {
		void *next = *obj_next(obj);
		struct slab *sb = slab_put_locked(po, obj);

		if (sb != NULL) {
			sb->sb_free = gone;
			gone = sb;
		}
		obj = next;
	}
	kspin_exit(&po->po_lock);
	slabs_free(po, gone);
}

/* Up to n objects from slabs that exist; *ret_n says how many. */
static void *
chain_gather_locked(struct pool *po, unsigned int n, unsigned int *ret_n)
    REQUIRES(po->po_lock)
{
	void *chain = NULL, *obj;
	unsigned int got;

	for (got = 0; got < n; got++) {
		struct list_node *first = list_first(&po->po_partial);

		if (first == NULL)
			break;
		obj = slab_get_locked(po,
		    container_of(first, struct slab, sb_link));
		*obj_next(obj) = chain;
		chain = obj;
	}
	*ret_n = got;
	return chain;
}

/*
 * A chain of 1 to *ret_n objects: a full one of the depot or, half as long,
 * from the slabs.  May sleep if flags allow that.
 */
void *
chain_get(struct pool *po, unsigned int want, int flags, unsigned int *ret_n)
{
	struct slab *sb;
	void *chain;

	kspin_enter(&po->po_lock);
	chain = want == po->po_batch ? po->po_depot : NULL;
	if (chain != NULL) {
		po->po_depot = *obj_nextchain(chain);
		po->po_ndepot--;
		*ret_n = po->po_batch;
	} else {
		chain = chain_gather_locked(po, (want + 1) / 2, ret_n);
	}
	kspin_exit(&po->po_lock);
	if (chain != NULL)
		return chain;

	sb = slab_create(po, flags);
	if (sb == NULL)
		return NULL;
	kspin_enter(&po->po_lock);
	list_insert_head(&po->po_partial, &sb->sb_link);
	atomic_store(&po->po_nslabs, po->po_nslabs + 1);
	chain = chain_gather_locked(po, (want + 1) / 2, ret_n);
	kspin_exit(&po->po_lock);
	return chain;
}

/* Consumes a full chain. */
void
chain_put(struct pool *po, void *chain)
{
	kspin_enter(&po->po_lock);
	if (po->po_ndepot < po->po_maxdepot) {
		*obj_nextchain(chain) = po->po_depot;
		po->po_depot = chain;
		po->po_ndepot++;
		chain = NULL;
	}
	kspin_exit(&po->po_lock);
	if (chain != NULL)
		chain_return(po, chain);
}

/* All chains of the depot; they are linked as the depot was. */
void
depot_return(struct pool *po)
{
	void *chain, *next;

	kspin_enter(&po->po_lock);
	chain = po->po_depot;
	po->po_depot = NULL;
	po->po_ndepot = 0;
	kspin_exit(&po->po_lock);
	for (; chain != NULL; chain = next) {
		next = *obj_nextchain(chain);
		chain_return(po, chain);
	}
}

/* The slabs that are kept although they are empty. */
void
slabs_trim(struct pool *po)
{
	struct list_node *n, *next;
	struct slab *gone = NULL;

	kspin_enter(&po->po_lock);
	LIST_FOREACH_SAFE(n, next, &po->po_partial) {
		struct slab *sb = container_of(n, struct slab, sb_link);

		if (sb->sb_nused == 0) {
			list_remove(n);
			atomic_store(&po->po_nslabs, po->po_nslabs - 1);
			sb->sb_free = gone;
			gone = sb;
		}
	}
	kspin_exit(&po->po_lock);
	slabs_free(po, gone);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pool.c - objects of one size
 *
 * Three layers, from the fast to the slow:
 *
 *	magazine	a vCPU's own chain of free objects, and one spare chain:
 *			no lock, no atomic
 *	depot		full chains, exchanged whole under the pool's lock
 *	slabs		2^order pages with a head at their start, aligned so
 *			that an object's address tells its slab
 *
 * A chain is linked through the first word of its free objects and needs no
 * memory of its own; the second word of its first object links the depot.
 * A slab hands out objects it never gave before in order of address, so
 * pages of a slab that are not needed are not touched.
 *
 * Life cycle of an object
 *	slab -> magazine -> user -> magazine -> (depot -> magazine)* -> slab
 *	Only pool_reclaim(), a depot that is too large and pool_fini() send it
 *	back to the slab; the last object of a slab frees its pages.
 *
 * In direct mode none of this exists: each object is the host's.
 *
 * Locking: see kmem_impl.h.  pools_lock protects the list of pools and the
 * numbering of their magazines.
 */

#include <lib/string.h>

#include "kmem_impl.h"

#define SLAB_MAGIC	0x736c6162u
#define SLAB_MAXORDER	5
#define OBJ_MINSIZE	16		/* room for two links */

#define BATCH_BYTES	8192		/* a chain holds about so much */
#define BATCH_MAX	64
#define DEPOT_BYTES	(256 * 1024)

struct slab {
	struct list_node sb_link;	/* p: in po_partial or po_full */
	struct pool	*sb_pool;	/* c */
	void		*sb_free;	/* p: chain of objects that came back */
	unsigned int	 sb_nused;	/* p */
	unsigned int	 sb_fresh;	/* p: so many were handed out once */
	unsigned int	 sb_magic;	/* c */
};

static struct kspin pools_lock;
static struct list pools = LIST_INITIALIZER(pools);
static uint64_t pools_index[(POOL_MAX + 63) / 64];	/* bit: number taken */

/* The links of free objects. */
static void **
obj_next(void *obj)
{
	return obj;
}

static void **
obj_nextchain(void *obj)
{
	return (void **)obj + 1;
}

static size_t
round_up(size_t n, size_t to)
{
	return (n + to - 1) & ~(to - 1);
}

/* --- slabs --------------------------------------------------------------- */

/* The smallest slab that wastes at most an eighth, or the largest. */
static void
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
		    (bytes - used <= bytes / 8 && po->po_perslab >= 4))
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
static void
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
static void *
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
static void
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

/* --- magazines ----------------------------------------------------------- */

static void *
pool_get_single(struct pool *po, int flags)
{
	unsigned int n;
	void *obj;

	if (kmem_direct)
		obj = kmem_direct_alloc(po->po_size, po->po_align,
		    flags & ~KM_ZERO);
	else
		obj = chain_get(po, 1, flags, &n);
	if (obj != NULL)
		atomic_add(&po->po_out, 1);
	return obj;
}

static void
pool_put_single(struct pool *po, void *obj)
{
	atomic_sub(&po->po_out, 1);
	if (kmem_direct) {
		kmem_direct_free(obj, po->po_size);
		return;
	}
	*obj_next(obj) = NULL;
	chain_return(po, obj);
}

/* Others read it now and then; nobody else writes. */
static inline void
magazine_count(struct magazine *mg, int64_t n)
{
	atomic_store(&mg->mg_out, mg->mg_out + n);
}

/* Magazines of this seat for the pool; NULL: it has to do without. */
static struct magazine *
magazine_self(struct pool *po)
{
	struct kmem_cpu *kc;
	struct magazine *mg;

	if (po->po_index >= POOL_MAX || kmem_direct)
		return NULL;
	kc = kmem_cpu_self();
	if (kc == NULL)
		kc = kmem_cpu_create();
	if (kc == NULL)
		return NULL;
	mg = &kc->kc_mag[po->po_index];
	if (!mg->mg_ready) {
		mg->mg_room = po->po_batch;
		mg->mg_ready = 1;
	}
	return mg;
}

/* The magazine is empty, or there is none. */
static void * __noinline
pool_get_slow(struct pool *po, int flags)
{
	struct magazine *mg = magazine_self(po);
	unsigned int n;
	void *chain;

	if (mg == NULL)
		return pool_get_single(po, flags);
	if (mg->mg_spare != NULL) {
		chain = mg->mg_spare;
		mg->mg_spare = NULL;
		n = po->po_batch;
	} else {
		chain = chain_get(po, po->po_batch, flags, &n);
		if (chain == NULL)
			return NULL;
		/* That may have slept: another seat, and not an empty one. */
		mg = magazine_self(po);
		if (mg == NULL || mg->mg_objs != NULL) {
			if (*obj_next(chain) != NULL)
				chain_return(po, *obj_next(chain));
			atomic_add(&po->po_out, 1);
			return chain;
		}
	}
	KASSERT(mg->mg_room == po->po_batch);
	mg->mg_objs = *obj_next(chain);
	mg->mg_room = po->po_batch - n + 1;
	magazine_count(mg, 1);
	return chain;
}

void *
pool_get(struct pool *po, int flags)
{
	struct kmem_cpu *kc = kmem_cpu_self();
	struct magazine *mg;
	void *obj;

	if (likely(kc != NULL)) {
		mg = &kc->kc_mag[po->po_index];
		obj = mg->mg_objs;
		if (likely(obj != NULL)) {
			mg->mg_objs = *obj_next(obj);
			mg->mg_room++;
			magazine_count(mg, 1);
			goto out;
		}
	}
	obj = pool_get_slow(po, flags);
	if (unlikely(obj == NULL)) {
		kmem_count_failure();
		return NULL;
	}
out:
	if ((flags & KM_ZERO) != 0)
		memset(obj, 0, po->po_size);
	return obj;
}

/* The magazine is full, new, or there is none.  Does not sleep. */
static void __noinline
pool_put_slow(struct pool *po, void *obj)
{
	struct magazine *mg = magazine_self(po);

	if (mg == NULL) {
		pool_put_single(po, obj);
		return;
	}
	if (mg->mg_room == 0) {
		if (mg->mg_spare != NULL)
			chain_put(po, mg->mg_spare);
		mg->mg_spare = mg->mg_objs;
		mg->mg_objs = NULL;
		mg->mg_room = po->po_batch;
	}
	*obj_next(obj) = mg->mg_objs;
	mg->mg_objs = obj;
	mg->mg_room--;
	magazine_count(mg, -1);
}

void
pool_put(struct pool *po, void *obj)
{
	struct kmem_cpu *kc = kmem_cpu_self();
	struct magazine *mg;

	if (unlikely(obj == NULL))
		return;
	if (likely(kc != NULL)) {
		mg = &kc->kc_mag[po->po_index];
		if (likely(mg->mg_room != 0)) {
			*obj_next(obj) = mg->mg_objs;
			mg->mg_objs = obj;
			mg->mg_room--;
			magazine_count(mg, -1);
			return;
		}
	}
	pool_put_slow(po, obj);
}

/* Empties a magazine that nobody else uses now. */
static void
magazine_drain(struct pool *po, struct magazine *mg)
{
	void *objs = mg->mg_objs, *spare = mg->mg_spare;

	mg->mg_objs = mg->mg_spare = NULL;
	mg->mg_room = mg->mg_ready ? po->po_batch : 0;
	chain_return(po, objs);
	chain_return(po, spare);
}

/* --- pools --------------------------------------------------------------- */

static unsigned int
index_take_locked(void) REQUIRES(pools_lock)
{
	for (unsigned int i = 0; i < POOL_MAX; i++) {
		if ((pools_index[i / 64] >> i % 64 & 1) == 0) {
			pools_index[i / 64] |= 1ull << i % 64;
			return i;
		}
	}
	return POOL_MAX;
}

void
pool_init(struct pool *po, size_t size, size_t align, const char *name)
{
	if (align < OBJ_MINSIZE)
		align = OBJ_MINSIZE;
	KASSERT((align & (align - 1)) == 0 && align <= PAGE_SIZE);
	if (size < OBJ_MINSIZE)
		size = OBJ_MINSIZE;
	memset(po, 0, sizeof(*po));
	po->po_name = name;
	po->po_align = align;
	po->po_size = round_up(size, align);
	KASSERTMSG(po->po_size <= (PAGE_SIZE << SLAB_MAXORDER) / 2,
	    "%s: use pages", name);
	pool_layout(po);
	po->po_batch = (unsigned int)(BATCH_BYTES / po->po_size);
	if (po->po_batch > BATCH_MAX)
		po->po_batch = BATCH_MAX;
	if (po->po_batch < 2)
		po->po_batch = 2;
	po->po_maxdepot = 2 +
	    (unsigned int)(DEPOT_BYTES / (po->po_batch * po->po_size));
	list_init(&po->po_partial);
	list_init(&po->po_full);

	kspin_enter(&pools_lock);
	po->po_index = index_take_locked();
	list_insert_tail(&pools, &po->po_link);
	kspin_exit(&pools_lock);
}

/* All chains of the depot; they are linked as the depot was. */
static void
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
static void
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

/*
 * Nobody uses the pool any more, so its magazines on all seats are ours.
 * May sleep: a thread may be just reclaiming from it.
 */
void
pool_fini(struct pool *po)
{
	KASSERTMSG(pool_outstanding(po) == 0, "%s: %llu objects left",
	    po->po_name, (unsigned long long)pool_outstanding(po));
	kmem_reclaim_enter();
	kspin_enter(&pools_lock);
	list_remove(&po->po_link);
	kspin_exit(&pools_lock);
	kmem_reclaim_exit();

	for (unsigned int i = 0; i < vcpu_count && po->po_index < POOL_MAX; i++) {
		struct kmem_cpu *kc = atomic_load_acq(&vcpu_table[i].vc_mag);

		if (kc != NULL) {
			magazine_drain(po, &kc->kc_mag[po->po_index]);
			memset(&kc->kc_mag[po->po_index], 0,
			    sizeof(struct magazine));
		}
	}
	depot_return(po);
	slabs_trim(po);
	if (po->po_index < POOL_MAX) {
		kspin_enter(&pools_lock);
		pools_index[po->po_index / 64] &= ~(1ull << po->po_index % 64);
		kspin_exit(&pools_lock);
	}
}

/*
 * Exact when nobody allocates or frees at the moment.  Objects that sleep
 * in magazines are not out.
 */
uint64_t
pool_outstanding(struct pool *po)
{
	int64_t out = atomic_load(&po->po_out);

	for (unsigned int i = 0; i < vcpu_count && po->po_index < POOL_MAX; i++) {
		struct kmem_cpu *kc = atomic_load_acq(&vcpu_table[i].vc_mag);

		if (kc != NULL)
			out += atomic_load(&kc->kc_mag[po->po_index].mg_out);
	}
	return out > 0 ? (uint64_t)out : 0;
}

int
pool_iterate(int (*fn)(struct pool *po, void *arg), void *arg)
{
	struct list_node *n;
	int error = 0;

	kspin_enter(&pools_lock);
	LIST_FOREACH(n, &pools) {
		error = fn(container_of(n, struct pool, po_link), arg);
		if (error)
			break;
	}
	kspin_exit(&pools_lock);
	return error;
}

static void
pool_reclaim_one(struct pool *po)
{
	struct kmem_cpu *kc = kmem_cpu_self();

	if (kc != NULL && po->po_index < POOL_MAX)
		magazine_drain(po, &kc->kc_mag[po->po_index]);
	depot_return(po);
	slabs_trim(po);
}

static struct pool *
pool_after(struct pool *po)
{
	struct list_node *n;

	kspin_enter(&pools_lock);
	n = po == NULL ? list_first(&pools) : list_next(&pools, &po->po_link);
	kspin_exit(&pools_lock);
	return n == NULL ? NULL : container_of(n, struct pool, po_link);
}

/*
 * Called with the reclaim lock, which pool_fini() takes too: no pool goes
 * away, and pools_lock need not be held while memory goes back to the host.
 */
size_t
pool_reclaim(void)
{
	uint64_t before = kmem_used(), after;

	for (struct pool *po = pool_after(NULL); po != NULL; po = pool_after(po))
		pool_reclaim_one(po);
	page_cache_drain();
	after = kmem_used();
	return after < before ? (size_t)(before - after) : 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pool.c - objects of one size
 *
 * Three layers, from the fast to the slow:
 *
 *	magazine	a vCPU's own chain of free objects, and one spare chain:
 *			no lock, no atomic
 *	depot		full chains, exchanged whole under the pool's lock
 *	slabs		where the objects lie
 *
 * The two lower ones are slab.c's.  A chain is linked through the first word
 * of its free objects and needs no memory of its own.
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

#define OBJ_MINSIZE	16		/* room for two links */

#define BATCH_BYTES	8192		/* a chain holds about so much */
#define BATCH_MAX	64
#define DEPOT_BYTES	(256 * 1024)

static struct kspin pools_lock;
static struct list pools = LIST_INITIALIZER(pools);
static uint64_t pools_index[(POOL_MAX + 63) / 64];	/* bit: number taken */

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
	void *obj = NULL;

	if (likely(kc != NULL))
		obj = magazine_pop(&kc->kc_mag[po->po_index]);
	if (unlikely(obj == NULL)) {
		obj = pool_get_slow(po, flags);
		if (unlikely(obj == NULL)) {
			kmem_count_failure();
			return NULL;
		}
	}
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
	(void)magazine_push(mg, obj);
}

void
pool_put(struct pool *po, void *obj)
{
	struct kmem_cpu *kc = kmem_cpu_self();

	if (unlikely(obj == NULL))
		return;
	if (likely(kc != NULL) &&
	    likely(magazine_push(&kc->kc_mag[po->po_index], obj)))
		return;
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

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pagecache_reclaim.c - how much the page cache may hold, and what goes
 *
 * All folios of backed objects stand on one list, oldest first.  Eviction is
 * a clock: a folio that was used since the hand passed gets another round
 * (FOLIO_REFERENCED; not by the read that brought it), one that is being filled, held or dirty is passed by,
 * all others go.  A folio that was read once by a sequential reader and
 * never again is the first to go.
 *
 * The limit is vfs.pagecache.limit in bytes: RUMP_PAGECACHE, or half of
 * RUMP_MEMLIMIT, or a quarter of the host's memory.  Memory objects are not
 * counted: their owners have limits of their own.
 *
 * Locking: po_lock -> lru_lock.  The hand holds lru_lock and tries po_lock;
 * an object's folios leave the list before the object goes, so the object
 * of a folio on the list exists.
 */

#include <lib/string.h>
#include <sys/boot.h>
#include <sys/kmem.h>

#include "pagecache_impl.h"

/* Folios the hand looks at per folio it should evict, and at least. */
#define HAND_ROUNDS	4
#define HAND_MIN	64

static kmutex_t lru_lock;
static struct list lru_list = LIST_INITIALIZER(lru_list);	/* lru_lock */
static uint64_t lru_count;		/* lru_lock */
static uint64_t lru_bytes;		/* lru_lock; read atomically */
static uint64_t lru_limit;		/* a */

COUNTER_DEFINE(pagecache_hits, "vfs.pagecache.hits",
    "look-ups of folios that found content");
COUNTER_DEFINE(pagecache_misses, "vfs.pagecache.misses",
    "reads from below that missing content caused");
COUNTER_DEFINE(pagecache_filled, "vfs.pagecache.filled",
    "bytes that these brought");
static COUNTER_DEFINE(pagecache_evicted, "vfs.pagecache.evicted",
    "bytes dropped to make room");

static struct kvar lru_kvars[] = {
	{ .kv_name = "vfs.pagecache.bytes", .kv_type = KVAR_U64,
	  .kv_about = "bytes of files and devices in memory",
	  .kv_flags = KVAR_RDONLY, .kv_ptr = &lru_bytes },
	{ .kv_name = "vfs.pagecache.limit", .kv_type = KVAR_U64,
	  .kv_about = "bytes of these at most (RUMP_PAGECACHE)",
	  .kv_ptr = &lru_limit },
};

void
lru_insert(struct folio *fo)
{
	mutex_enter(&lru_lock);
	list_insert_tail(&lru_list, &fo->fo_lru);
	lru_count++;
	atomic_store(&lru_bytes, lru_bytes + folio_size(fo));
	mutex_exit(&lru_lock);
}

static void
lru_remove_locked(struct folio *fo)
{
	if (!list_onlist(&fo->fo_lru))
		return;
	list_remove(&fo->fo_lru);
	lru_count--;
	atomic_store(&lru_bytes, lru_bytes - folio_size(fo));
}

void
lru_remove(struct folio *fo)
{
	mutex_enter(&lru_lock);
	lru_remove_locked(fo);
	mutex_exit(&lru_lock);
}

static bool
lru_evictable_locked(struct folio *fo)
{
	uint32_t flags = atomic_load(&fo->fo_flags);

	if (flags & FOLIO_REFERENCED) {
		atomic_and(&fo->fo_flags, ~(uint32_t)FOLIO_REFERENCED);
		return false;
	}
	return (flags & (FOLIO_UPTODATE | FOLIO_DIRTY)) == FOLIO_UPTODATE &&
	    atomic_load(&fo->fo_refs) == 1;
}

/*
 * The hand's next victim, whose object is locked, or NULL.  Folios that are
 * passed by go to the end of the list.
 */
static struct folio *
lru_victim_locked(size_t *looks) NO_THREAD_SAFETY
{
	struct list_node *n;
	struct folio *fo;

	while (*looks > 0 && (n = list_first(&lru_list)) != NULL) {
		(*looks)--;
		fo = container_of(n, struct folio, fo_lru);
		list_remove(n);
		list_insert_tail(&lru_list, n);
		if (lru_evictable_locked(fo) &&
		    mutex_tryenter(&fo->fo_obj->po_lock)) {
			lru_remove_locked(fo);
			return fo;
		}
	}
	return NULL;
}

static size_t
lru_shrink(size_t want) NO_THREAD_SAFETY
{
	size_t freed = 0, looks;
	struct folio *fo;
	struct pgobj *po;

	if (!mutex_tryenter(&lru_lock))
		return 0;
	looks = lru_count * HAND_ROUNDS;
	if (looks > HAND_MIN + want / PAGE_SIZE * HAND_ROUNDS)
		looks = HAND_MIN + want / PAGE_SIZE * HAND_ROUNDS;
	while (freed < want && (fo = lru_victim_locked(&looks)) != NULL) {
		po = fo->fo_obj;
		freed += folio_size(fo);
		mutex_exit(&lru_lock);
		folio_drop_locked(fo);
		mutex_exit(&po->po_lock);
		mutex_enter(&lru_lock);
	}
	mutex_exit(&lru_lock);
	counter_add(&pagecache_evicted, freed);
	return freed;
}

void
pagecache_reserve(size_t bytes)
{
	uint64_t limit = atomic_load(&lru_limit);
	uint64_t after = atomic_load(&lru_bytes) + bytes;

	if (unlikely(after > limit))
		(void)lru_shrink(after - limit);
}

static struct reclaimer lru_reclaimer = {
	.rc_name = "page cache", .rc_shrink = lru_shrink,
};

static uint64_t
lru_default_limit(void)
{
	struct kmem_stats st;

	kmem_getstats(&st);
	if (st.ks_limit != 0)
		return st.ks_limit / 2;
	return param_u64("_RUMPUSER_MEMSIZE", 1ULL << 30) / 4;
}

void
pagecache_reclaim_boot(void)
{
	size_t i;

	mutex_init(&lru_lock, "page cache list");
	lru_limit = param_u64("RUMP_PAGECACHE", lru_default_limit());
	for (i = 0; i < ARRAY_SIZE(lru_kvars); i++)
		kvar_register(&lru_kvars[i]);
	counter_register(&pagecache_hits);
	counter_register(&pagecache_misses);
	counter_register(&pagecache_filled);
	counter_register(&pagecache_evicted);
	reclaimer_register(&lru_reclaimer);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kmem_limit.c - how much memory a kernel may have
 *
 * All pages that hold or may soon hold something are charged against
 * RUMP_MEMLIMIT: those in use, those that pools keep as slabs, and the few
 * in the caches of the vCPUs.  Pages that lie free are not.
 *
 * From 7/8 of the limit on, who allocates with KM_SLEEP first asks the
 * reclaimers to bring us back there; if they find nothing, they are left in
 * peace until another 1/64 of the limit is gone.  At the limit they are
 * asked each time, and when that does not help the allocation fails.  Last
 * of all the pools give back what they only keep.
 *
 * NEEDSWORK: magazines of other vCPUs are left alone, some 16 KiB a pool in
 * use; emptying them would take a visit to each seat.
 *
 * Locking
 *	reclaim_lock serialises the reclaimers and protects their list.  They
 *	may allocate with KM_SLEEP themselves: that does not come back here.
 */

#include <lib/printf.h>
#include <lib/string.h>
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/kvar.h>
#include <sys/log.h>
#include <sys/qsbr.h>

#include "kmem_impl.h"

#define LIMIT_SMALL	(1024 * 1024)	/* below this a warning is due */

#define RECLAIM_TRIES	3	/* what one freed another may take */

static uint64_t limit_bytes;		/* c: 0 for none */
static uint64_t limit_soft;		/* c: where caches begin to shrink */

static uint64_t used_bytes __aligned_to(CACHE_LINE);	/* a */
static uint64_t used_peak;		/* a: nearly right, see used_raise() */
static uint64_t failures;		/* a */
static uint64_t reclaim_next;		/* a: ask again from here on */

static kmutex_t reclaim_lock = { .m_name = "reclaim" };
static struct list reclaimers = LIST_INITIALIZER(reclaimers);
static uint64_t reclaim_asked;		/* reclaim_lock */
static uint64_t reclaim_freed;		/* reclaim_lock */

static int	limit_kvar_get(const struct kvar *kv, char *buf, size_t size);
static int	pools_kvar_get(const struct kvar *kv, char *buf, size_t size);

static struct kvar limit_kvars[] = {
	{ .kv_name = "memory.limit",
	  .kv_about = "bytes of memory at most, 0: no limit (RUMP_MEMLIMIT)",
	  .kv_type = KVAR_U64, .kv_flags = KVAR_RDONLY, .kv_ptr = &limit_bytes },
	{ .kv_name = "memory.used", .kv_about = "bytes of pages in use or kept by pools",
	  .kv_type = KVAR_U64, .kv_flags = KVAR_RDONLY, .kv_ptr = &used_bytes },
	{ .kv_name = "memory.peak", .kv_about = "most of memory.used so far",
	  .kv_type = KVAR_U64, .kv_flags = KVAR_RDONLY, .kv_ptr = &used_peak },
	{ .kv_name = "memory.failed", .kv_about = "allocations refused",
	  .kv_type = KVAR_U64, .kv_flags = KVAR_RDONLY, .kv_ptr = &failures },
	{ .kv_name = "memory.reclaimed",
	  .kv_about = "caches asked to shrink: times, bytes that came back",
	  .kv_type = KVAR_FN, .kv_flags = KVAR_RDONLY, .kv_get = limit_kvar_get },
	{ .kv_name = "memory.pools",
	  .kv_about = "per pool: name, object size, objects in use, slabs, slab size",
	  .kv_type = KVAR_FN, .kv_flags = KVAR_RDONLY, .kv_get = pools_kvar_get },
};

static int
limit_kvar_get(const struct kvar *kv __unused_arg, char *buf, size_t size)
{
	return kvar_printf(buf, size, "%llu %llu",
	    (unsigned long long)atomic_load(&reclaim_asked),
	    (unsigned long long)atomic_load(&reclaim_freed));
}

struct pools_text {
	char	*pt_buf;
	size_t	 pt_size, pt_len;
};

static int
pools_line(struct pool *po, void *arg)
{
	struct pools_text *pt = arg;
	size_t room = pt->pt_size - pt->pt_len;
	int len;

	len = snprintf(pt->pt_buf + pt->pt_len, room, "%s %zu %llu %llu %lu\n",
	    po->po_name, po->po_size, (unsigned long long)pool_outstanding(po),
	    (unsigned long long)atomic_load(&po->po_nslabs),
	    PAGE_SIZE << po->po_order);
	if ((size_t)len >= room)
		return ERANGE;
	pt->pt_len += (size_t)len;
	return 0;
}

static int
pools_kvar_get(const struct kvar *kv __unused_arg, char *buf, size_t size)
{
	struct pools_text pt = { buf, size, 0 };

	if (size == 0)
		return ERANGE;
	buf[0] = '\0';
	return pool_iterate(pools_line, &pt);
}

int
kmem_limit_boot(void)
{
	char text[64];
	int error;

	if (param_get("RUMP_MEMLIMIT", text, sizeof(text))) {
		error = str_tou64(text, &limit_bytes);
		if (error || limit_bytes == 0) {
			log_printf(LOG_ERR, "RUMP_MEMLIMIT=%s: want a number "
			    "of bytes above 0, with one of k, m, g, t", text);
			limit_bytes = 0;
			return error ? error : EINVAL;
		}
		if (limit_bytes < LIMIT_SMALL)
			log_printf(LOG_WARNING, "RUMP_MEMLIMIT=%s is little "
			    "memory: expect failures below 1m", text);
	}
	limit_soft = limit_bytes - limit_bytes / 8;
	reclaim_next = limit_soft;
	for (size_t i = 0; i < ARRAY_SIZE(limit_kvars); i++)
		kvar_register(&limit_kvars[i]);
	return 0;
}

/* Two threads at a new peak may lose one of the two; nobody minds. */
static void
used_raise(uint64_t used)
{
	if (used > atomic_load(&used_peak))
		atomic_store(&used_peak, used);
}

static size_t
reclaim_caches_locked(size_t want) REQUIRES(reclaim_lock)
{
	struct list_node *n;
	size_t freed = 0;

	LIST_FOREACH(n, &reclaimers) {
		struct reclaimer *rc = container_of(n, struct reclaimer, rc_link);

		if (freed >= want)
			break;
		freed += rc->rc_shrink(want - freed);
	}
	return freed;
}

/*
 * At the limit pools are emptied too, as what caches free may lie there;
 * before, only if the caches did not give enough, since it costs everybody
 * who allocates next.
 */
static size_t
reclaim_locked(size_t want, bool hard) REQUIRES(reclaim_lock)
{
	size_t freed;

	qsbr_poll();
	freed = reclaim_caches_locked(want);
	if (hard || freed < want)
		freed += pool_reclaim();
	(void)chunk_reclaim();
	reclaim_asked++;
	reclaim_freed += freed;
	return freed;
}

void
kmem_reclaim_enter(void) NO_THREAD_SAFETY
{
	mutex_enter(&reclaim_lock);
}

void
kmem_reclaim_exit(void) NO_THREAD_SAFETY
{
	mutex_exit(&reclaim_lock);
}

/* 0 also when the caller is a reclaimer itself. */
static size_t
reclaim(size_t want, bool hard)
{
	size_t freed;

	if (mutex_owned(&reclaim_lock))
		return 0;
	mutex_enter(&reclaim_lock);
	freed = reclaim_locked(want, hard);
	mutex_exit(&reclaim_lock);
	return freed;
}

static void
reclaim_early(uint64_t used)
{
	uint64_t next = limit_soft;

	/* A little more than needed, so that it need not be asked each time. */
	if (reclaim(used - limit_soft + limit_bytes / 64, false) == 0)
		next = used + limit_bytes / 64;
	atomic_store(&reclaim_next, next);
}

static bool
charge_try(size_t bytes, uint64_t *ret_used)
{
	uint64_t used = atomic_add(&used_bytes, bytes) + bytes;

	if (limit_bytes != 0 && used > limit_bytes) {
		atomic_sub(&used_bytes, bytes);
		return false;
	}
	*ret_used = used;
	return true;
}

bool
kmem_charge(size_t bytes, int flags)
{
	bool may_ask = (flags & KM_NOSLEEP) == 0;
	uint64_t used = 0;
	bool ok;

	ok = charge_try(bytes, &used);
	for (unsigned int tries = 0; !ok && tries < RECLAIM_TRIES; tries++) {
		if (!may_ask || bytes > limit_bytes ||
		    reclaim(bytes + limit_bytes / 64, true) == 0)
			break;
		ok = charge_try(bytes, &used);
	}
	if (!ok)
		return false;
	used_raise(used);
	if (limit_bytes != 0 && may_ask && used > atomic_load(&reclaim_next))
		reclaim_early(used);
	return true;
}

void
kmem_uncharge(size_t bytes)
{
	uint64_t was = atomic_sub(&used_bytes, bytes);

	KASSERT(was >= bytes);
	if (limit_bytes != 0 && was - bytes < limit_soft &&
	    atomic_load(&reclaim_next) != limit_soft)
		atomic_store(&reclaim_next, limit_soft);
}

uint64_t
kmem_used(void)
{
	return atomic_load(&used_bytes);
}

void
kmem_count_failure(void)
{
	atomic_add(&failures, 1);
}

void
reclaimer_register(struct reclaimer *rc)
{
	mutex_enter(&reclaim_lock);
	list_insert_tail(&reclaimers, &rc->rc_link);
	mutex_exit(&reclaim_lock);
}

void
reclaimer_unregister(struct reclaimer *rc)
{
	mutex_enter(&reclaim_lock);
	list_remove(&rc->rc_link);
	mutex_exit(&reclaim_lock);
}

void
kmem_getstats(struct kmem_stats *st)
{
	st->ks_limit = limit_bytes;
	st->ks_pages = atomic_load(&used_bytes);
	st->ks_peak = atomic_load(&used_peak);
	st->ks_failed = atomic_load(&failures);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * neigh_gc.c - neighbours leave the table
 *
 * They are collected when there are too many: those whom nobody else holds and who were
 * of no use for a while.  As long as there are more than a few that is done now and
 * then; who needs room does it at once, and is less patient.  And they are flushed with
 * their interface.
 *
 * What leaves is strung together by n_taken under nn_lock and killed after it.
 *
 * Locking: nn_lock; n_lock comes after it is left.
 */

#include "neigh_impl.h"

#include <sys/atomic.h>

#define GC_INTERVAL	(30 * NSEC_PER_SEC)
#define GC_STALE	(60 * NSEC_PER_SEC)

void
neigh_unlink_locked(struct netns_neigh *nn, struct neigh **link)
{
	struct neigh *n = *link;
	unsigned int *count = &nn->nn_count[family_index(n->n_family)];

	atomic_store_rel(link, n->n_next);
	atomic_store(count, *count - 1);
}

/* Held by the table alone, and of no use lately; PERMANENT ones stay. */
static bool
neigh_idle(struct neigh *n, int64_t stale)
{
	uint16_t state = atomic_load(&n->n_state);

	if (atomic_load(&n->n_refs) != 1 || (state & NUD_PERMANENT) != 0 ||
	    (n->n_flags & NTF_EXT_LEARNED) != 0)
		return false;
	if ((state & NUD_FAILED) != 0)
		return true;
	if (__atomic_exchange_n(&n->n_touched, 0, __ATOMIC_RELAXED) != 0)
		__atomic_store_n(&n->n_used, clock_mono(), __ATOMIC_RELAXED);
	return atomic_load(&n->n_used) <= clock_mono() - stale;
}

/* Takes out what fits; the caller kills them afterwards. */
static struct neigh *
take_locked(struct netns_neigh *nn, bool (*fits)(struct neigh *, const void *),
    const void *arg) REQUIRES(nn->nn_lock)
{
	struct neigh *taken = NULL, *n;

	for (unsigned int i = 0; i < NEIGH_BUCKETS; i++) {
		struct neigh **link = &nn->nn_hash[i];

		while ((n = *link) != NULL) {
			if (!fits(n, arg)) {
				link = &n->n_next;
				continue;
			}
			neigh_unlink_locked(nn, link);
			n->n_taken = taken;
			taken = n;
		}
	}
	return taken;
}

static void
kill_all(struct neigh *n)
{
	while (n != NULL) {
		struct neigh *next = n->n_taken;

		neigh_kill(n);
		n = next;
	}
}

struct gc_round {
	int		 gr_family;	/* 0: both */
	int64_t		 gr_stale;
};

static bool
gc_fits(struct neigh *n, const void *arg)
{
	const struct gc_round *gr = arg;

	return (gr->gr_family == 0 || gr->gr_family == n->n_family) &&
	    neigh_idle(n, gr->gr_stale);
}

void
neigh_collect(struct netns_neigh *nn, int family, int64_t stale)
{
	struct gc_round gr = { family, stale };
	struct neigh *taken;

	mutex_enter(&nn->nn_lock);
	taken = take_locked(nn, gc_fits, &gr);
	mutex_exit(&nn->nn_lock);
	kill_all(taken);
}

void
neigh_gc_arm_locked(struct netns_neigh *nn)
{
	if (!nn->nn_gcarmed && !nn->nn_ending)
		nn->nn_gcarmed = callout_schedule(&nn->nn_gc,
		    ktime_deadline(GC_INTERVAL)) == 0;
}

void
neigh_gc_timer(void *arg)
{
	struct netns_neigh *nn = arg;

	neigh_collect(nn, 0, GC_STALE);
	mutex_enter(&nn->nn_lock);
	nn->nn_gcarmed = false;
	if (nn->nn_count[0] > 0 || nn->nn_count[1] > 0)
		neigh_gc_arm_locked(nn);
	mutex_exit(&nn->nn_lock);
}

/* --- with the interface ---------------------------------------------------------- */

/* What was entered by hand survives the interface's being down. */
static bool
flush_fits(struct neigh *n, const void *arg)
{
	const struct ifnet *ifp = arg;

	return n->n_ifp == ifp && (ifp->if_dying ||
	    (atomic_load(&n->n_state) & NUD_PERMANENT) == 0);
}

void
neigh_flush(struct ifnet *ifp)
{
	struct netns_neigh *nn = netns_neigh(ifp->if_ns);
	struct neigh *taken;

	mutex_enter(&nn->nn_lock);
	taken = take_locked(nn, flush_fits, ifp);
	mutex_exit(&nn->nn_lock);
	kill_all(taken);
}

static bool
purge_fits(struct neigh *n, const void *arg)
{
	return n->n_ifp == arg && n->n_family == AF_INET;
}

void
neigh_purge4(struct ifnet *ifp)
{
	struct netns_neigh *nn = netns_neigh(ifp->if_ns);
	struct neigh *taken;

	mutex_enter(&nn->nn_lock);
	taken = take_locked(nn, purge_fits, ifp);
	mutex_exit(&nn->nn_lock);
	kill_all(taken);
}

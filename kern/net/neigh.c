/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * neigh.c - the table of neighbours
 *
 * Life cycle
 *	neigh_get()	found, or made in the state NONE
 *	collected	when there are too many, nobody else holds it and it
 *			has not been used for a while; or flushed with its
 *			interface (neigh_gc.c), or deleted by hand.  Then it is
 *			dead: it passes nothing on any more.
 *	the last neigh_rele() frees it.
 *
 * Strangers can make us look for any address, so the number is bounded by
 * gc_thresh3; from gc_thresh2 on making one collects first.
 *
 * Locking: nn_lock -> nothing; the table changes under it and is read without.
 * n_lock is never taken under nn_lock, nor the other way round.
 *
 * References: arp(7) for the thresholds.
 */

#include "neigh_impl.h"

#include <lib/hash.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

static struct neigh_family *neigh_families[2];	/* by family_index(); read lock-free */

#define FAMILY_VARS(var, name, deflt, min, max, about) \
	struct netvar var[2] = { \
		NETVAR_INIT(var[0], "net.ipv4.neigh.default." name, deflt, min, max, about), \
		NETVAR_INIT(var[1], "net.ipv6.neigh.default." name, deflt, min, max, about), \
	}
#define THRESH(f, i, family, name, deflt, about) \
	NETVAR_INIT(neigh_thresh[f][i], "net." family ".neigh.default." name, deflt, 0, \
	    INT32_MAX, about)

FAMILY_VARS(neigh_reachable, "base_reachable_time_ms", 30000, 1, 86400000,
    "how long a neighbour counts as reachable, in ms");
FAMILY_VARS(neigh_retrans, "retrans_time_ms", 1000, 1, 3600000,
    "between questions to a neighbour, in ms");
FAMILY_VARS(neigh_qbytes, "unres_qlen_bytes", 212992, 0, INT32_MAX,
    "bytes that wait for a neighbour's address");

struct netvar neigh_thresh[2][3] = {
	{
	    THRESH(0, 0, "ipv4", "gc_thresh1", 128, "neighbours below which none is collected"),
		THRESH(0, 1, "ipv4", "gc_thresh2", 512, "neighbours above which old ones go at once"),
		THRESH(0, 2, "ipv4", "gc_thresh3", 1024, "neighbours there are at most"),
	}, {
	    THRESH(1, 0, "ipv6", "gc_thresh1", 128, "neighbours below which none is collected"),
		THRESH(1, 1, "ipv6", "gc_thresh2", 512, "neighbours above which old ones go at once"),
		THRESH(1, 2, "ipv6", "gc_thresh3", 1024, "neighbours there are at most"),
	},
};

static void
vars_register(void)
{
	for (unsigned int f = 0; f < 2; f++) {
		netvar_register(&neigh_reachable[f]);
		netvar_register(&neigh_retrans[f]);
		netvar_register(&neigh_qbytes[f]);
		for (unsigned int i = 0; i < 3; i++)
			netvar_register(&neigh_thresh[f][i]);
	}
}

static unsigned int
threshold(const struct neigh *n, unsigned int which)
{
	return (unsigned int)netvar_get(n->n_ifp->if_ns,
	    &neigh_thresh[family_index(n->n_family)][which]);
}

/* --- finding --------------------------------------------------------------------- */

static struct neigh **
bucket_of(struct netns_neigh *nn, const struct ifnet *ifp, const struct inaddr *addr)
{
	uint64_t h = addr->ia_d[0] * 31 ^ addr->ia_d[1] ^ ifp->if_index;

	return &nn->nn_hash[hash_u64(hash_u64(h ^ hash_secret)) % NEIGH_BUCKETS];
}

static bool
neigh_tryhold(struct neigh *n)
{
	unsigned int refs = atomic_load(&n->n_refs);

	while (refs != 0) {
		if (atomic_cas_acq(&n->n_refs, &refs, refs + 1))
			return true;
	}
	return false;
}

struct neigh *
neigh_find(struct ifnet *ifp, int family, const struct inaddr *addr)
{
	struct neigh *n = atomic_load_acq(bucket_of(netns_neigh(ifp->if_ns), ifp, addr));

	for (; n != NULL; n = atomic_load_acq(&n->n_next)) {
		if (n->n_ifp == ifp && n->n_family == family &&
		    inaddr_eq(&n->n_addr, addr) && neigh_tryhold(n))
			return n;
	}
	return NULL;
}

static void
neigh_free(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct neigh, n_qsbr), sizeof(struct neigh));
}

void
neigh_rele(struct neigh *n)
{
	if (n == NULL || atomic_sub_ar(&n->n_refs, 1) != 1)
		return;
	KASSERT(n->n_q.pq_head == NULL);
	mutex_destroy(&n->n_lock);
	if_rele(n->n_ifp);
	qsbr_call(&n->n_qsbr, neigh_free);
}

/* --- making ---------------------------------------------------------------------- */

static bool
if_asks(const struct ifnet *ifp)
{
	return ifp->if_addrlen != 0 &&
	    (atomic_load(&ifp->if_flags) & (IFF_NOARP | IFF_LOOPBACK)) == 0;
}

static struct neigh *
neigh_create(struct ifnet *ifp, const struct neigh_family *nf, const struct inaddr *addr)
{
	struct neigh *n = kmem_zalloc(sizeof(*n), KM_NOSLEEP);

	if (n == NULL)
		return NULL;
	n->n_refs = 2;			/* the table's and the caller's */
	n->n_ifp = ifp;
	n->n_nf = nf;
	n->n_family = nf->nf_family;
	n->n_addr = *addr;
	n->n_state = NUD_NONE;
	n->n_used = clock_mono();
	mutex_init(&n->n_lock, "neigh");
	callout_init(&n->n_callout, neigh_timer, n);
	if_hold(ifp);
	if (!if_asks(ifp)) {
		struct neigh_todo nt;

		neigh_todo_init(&nt);
		mutex_enter(&n->n_lock);
		neigh_setlladdr_locked(n, ifp->if_broadcast, &nt);
		neigh_setstate_locked(n, NUD_NOARP, &nt);
		mutex_exit(&n->n_lock);
	}
	return n;
}

static void
neigh_discard(struct neigh *n)
{
	neigh_rele(n);
	neigh_rele(n);
}

/* Makes room if there is none; false: it is of no use. */
static bool
room_make(struct netns_neigh *nn, struct neigh *n)
{
	unsigned int *count = &nn->nn_count[family_index(n->n_family)];

	if (atomic_load(count) < threshold(n, 1))
		return true;
	neigh_collect(nn, n->n_family, 5 * NSEC_PER_SEC);
	if (atomic_load(count) < threshold(n, 2))
		return true;
	/* What only decisions of the past hold on to. */
	route_forget(n->n_ifp->if_ns);
	neigh_collect(nn, n->n_family, 0);
	return atomic_load(count) < threshold(n, 2);
}

/* Another may have been faster: then that one, and n goes. */
static struct neigh *
neigh_enter(struct netns_neigh *nn, struct neigh *n)
{
	struct neigh **bucket = bucket_of(nn, n->n_ifp, &n->n_addr), *other;
	unsigned int *count = &nn->nn_count[family_index(n->n_family)];

	mutex_enter(&nn->nn_lock);
	other = neigh_find(n->n_ifp, n->n_family, &n->n_addr);
	if (other == NULL && !n->n_ifp->if_dying && !nn->nn_ending) {
		n->n_next = *bucket;
		atomic_store_rel(bucket, n);
		atomic_store(count, *count + 1);
		if (*count > threshold(n, 0))
			neigh_gc_arm_locked(nn);
		mutex_exit(&nn->nn_lock);
		return n;
	}
	mutex_exit(&nn->nn_lock);
	neigh_discard(n);
	return other;
}

struct neigh *
neigh_get(struct ifnet *ifp, int family, const struct inaddr *addr)
{
	struct netns_neigh *nn = netns_neigh(ifp->if_ns);
	const struct neigh_family *nf;
	struct neigh *n;

	if (!family_ok(family))
		return NULL;
	n = neigh_find(ifp, family, addr);
	if (likely(n != NULL))
		return n;
	nf = atomic_load_acq(&neigh_families[family_index(family)]);
	if (nf == NULL)
		return NULL;
	n = neigh_create(ifp, nf, addr);
	if (n == NULL)
		return NULL;
	if (!room_make(nn, n)) {
		neigh_discard(n);
		return NULL;
	}
	return neigh_enter(nn, n);
}

bool
neigh_remove(struct ifnet *ifp, int family, const struct inaddr *addr)
{
	struct netns_neigh *nn = netns_neigh(ifp->if_ns);
	struct neigh **link = bucket_of(nn, ifp, addr), *n;

	mutex_enter(&nn->nn_lock);
	while ((n = *link) != NULL && (n->n_ifp != ifp || n->n_family != family ||
	    !inaddr_eq(&n->n_addr, addr)))
		link = &n->n_next;
	if (n != NULL)
		neigh_unlink_locked(nn, link);
	mutex_exit(&nn->nn_lock);
	if (n == NULL)
		return false;
	neigh_kill(n);
	route_changed(ifp->if_ns);
	return true;
}

/* --- interfaces and name spaces -------------------------------------------------- */

void
neigh_settimes(struct ifnet *ifp, int family, uint32_t reachable, uint32_t retrans)
{
	uint32_t *times = ifp->if_ndtimes[family_index(family)];

	if (reachable != 0)
		atomic_store(&times[0], reachable);
	if (retrans != 0)
		atomic_store(&times[1], retrans);
}

void
neigh_family_register(struct neigh_family *nf)
{
	KASSERT(family_ok(nf->nf_family));
	atomic_store_rel(&neigh_families[family_index(nf->nf_family)], nf);
}

static int
neigh_netns_init(struct netns *ns __unused_arg, void **ret_data)
{
	struct netns_neigh *nn = kmem_zalloc(sizeof(*nn), KM_SLEEP);

	if (nn == NULL)
		return ENOMEM;
	mutex_init(&nn->nn_lock, "neightable");
	callout_init(&nn->nn_gc, neigh_gc_timer, nn);
	*ret_data = nn;
	return 0;
}

static void
neigh_netns_exit(struct netns *ns __unused_arg, void *data)
{
	struct netns_neigh *nn = data;

	mutex_enter(&nn->nn_lock);
	nn->nn_ending = true;
	mutex_exit(&nn->nn_lock);
	callout_halt(&nn->nn_gc);
}

/* The interfaces are gone, and their neighbours with them. */
static void
neigh_netns_fini(struct netns *ns __unused_arg, void *data)
{
	struct netns_neigh *nn = data;

	KASSERT(nn->nn_count[0] == 0 && nn->nn_count[1] == 0);
	mutex_destroy(&nn->nn_lock);
	kmem_free(nn, sizeof(*nn));
}

static struct netns_ops neigh_netns_ops = {
	.no_slot	= NETNS_SLOT_NEIGH,
	.no_name	= "neigh",
	.no_init	= neigh_netns_init,
	.no_exit	= neigh_netns_exit,
	.no_fini	= neigh_netns_fini,
};

int
neigh_boot(void)
{
	vars_register();
	return netns_register(&neigh_netns_ops);
}

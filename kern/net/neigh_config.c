/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * neigh_config.c - neighbours as an administrator sees them
 *
 * Listing, asking for one, entering and deleting by hand: rtnetlink's
 * RTM_*NEIGH and the ARP ioctls.
 *
 * Locking: ns_lock for changes, held by the caller.
 *
 * References: rtnetlink(7), ip-neighbour(8), arp(7).
 */

#include "neigh_impl.h"

#include <linux/netlink.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>

#define STATES_SET	(NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | \
			NUD_DELAY | NUD_PROBE | NUD_FAILED | NUD_INCOMPLETE)

static void
info_of(struct neigh *n, struct neigh_info *ni)
{
	mutex_enter(&n->n_lock);
	if (__atomic_exchange_n(&n->n_touched, 0, __ATOMIC_RELAXED) != 0)
		atomic_store(&n->n_used, clock_mono());
	neigh_info_locked(n, ni);
	mutex_exit(&n->n_lock);
}

int
neigh_lookup(struct ifnet *ifp, int family, const struct inaddr *addr,
    struct neigh_info *ret_ni)
{
	struct neigh *n;

	if (!family_ok(family))
		return ENOENT;
	n = neigh_find(ifp, family, addr);
	if (n == NULL)
		return ENOENT;
	info_of(n, ret_ni);
	neigh_rele(n);
	return 0;
}

/*
 * The n-th of a bucket, counted: between two calls the bucket may change, then
 * one is seen twice or not at all, as in any dump.
 */
static struct neigh *
bucket_nth(struct netns_neigh *nn, unsigned int bucket, unsigned int nth)
{
	struct neigh *n;

	mutex_enter(&nn->nn_lock);
	n = nn->nn_hash[bucket];
	while (n != NULL && nth-- > 0)
		n = n->n_next;
	if (n != NULL)
		neigh_hold(n);
	mutex_exit(&nn->nn_lock);
	return n;
}

int
neigh_iterate(struct netns *ns, int family, uint32_t ifindex,
    int (*fn)(const struct neigh_info *, void *), void *arg)
{
	struct netns_neigh *nn = netns_neigh(ns);
	struct neigh_info ni;
	struct neigh *n;
	int result = 0;

	for (unsigned int b = 0; b < NEIGH_BUCKETS; b++) {
		for (unsigned int i = 0; result == 0 &&
		    (n = bucket_nth(nn, b, i)) != NULL; i++) {
			info_of(n, &ni);
			neigh_rele(n);
			if ((family == 0 || family == ni.ni_family) &&
			    (ifindex == 0 || ifindex == ni.ni_ifindex))
				result = fn(&ni, arg);
		}
	}
	return result;
}

/* --- changing -------------------------------------------------------------------- */

static void
set_locked(struct neigh *n, const struct neigh_info *ni, struct neigh_todo *nt)
    REQUIRES(n->n_lock)
{
	/* Nothing new is not told. */
	if (n->n_state == ni->ni_state && n->n_flags == ni->ni_flags &&
	    (ni->ni_state & (NUD_PERMANENT | NUD_NOARP)) != 0 &&
	    ni->ni_addrlen == n->n_addrlen &&
	    memcmp(ni->ni_lladdr, n->n_lladdr, n->n_addrlen) == 0)
		return;
	if (ni->ni_addrlen != 0)
		neigh_setlladdr_locked(n, ni->ni_lladdr, nt);
	n->n_flags = ni->ni_flags;
	neigh_setstate_locked(n, ni->ni_state, nt);
	if ((ni->ni_state & NUD_VALID) != 0)
		neigh_release_locked(n, nt);
}

static int
info_check(const struct ifnet *ifp, const struct neigh_info *ni)
{
	if (!family_ok(ni->ni_family) || inaddr_multicast(ni->ni_family, &ni->ni_addr) ||
	    inaddr_zero(&ni->ni_addr) || (ni->ni_state & (ni->ni_state - 1)) != 0 ||
	    (ni->ni_state & ~STATES_SET) != 0)
		return EINVAL;
	if (ni->ni_addrlen != 0 && ni->ni_addrlen != ifp->if_addrlen)
		return EINVAL;
	return 0;
}

/* Without NLM_F_REPLACE an address that is known stays what it is. */
static bool
contradicts_locked(const struct neigh *n, const struct neigh_info *ni) REQUIRES(n->n_lock)
{
	return ni->ni_addrlen != 0 && n->n_addrlen != 0 &&
	    memcmp(ni->ni_lladdr, n->n_lladdr, n->n_addrlen) != 0;
}

int
neigh_set(struct ifnet *ifp, const struct neigh_info *ni, unsigned int nlflags)
{
	struct neigh_todo nt;
	struct neigh *n;
	bool made;
	int error;

	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	error = info_check(ifp, ni);
	if (error)
		return error;
	n = neigh_find(ifp, ni->ni_family, &ni->ni_addr);
	made = n == NULL;
	if (n != NULL && (nlflags & NLM_F_EXCL) != 0)
		error = EEXIST;
	else if (n == NULL && (nlflags & NLM_F_CREATE) == 0)
		error = ENOENT;
	else if (made && (n = neigh_get(ifp, ni->ni_family, &ni->ni_addr)) == NULL)
		error = ENOBUFS;
	if (error == 0) {
		neigh_todo_init(&nt);
		mutex_enter(&n->n_lock);
		if ((ni->ni_state & NUD_VALID & ~NUD_NOARP) != 0 && ni->ni_addrlen == 0 &&
		    n->n_addrlen == 0)
			error = EINVAL;
		else if (made || (nlflags & NLM_F_REPLACE) != 0 || !contradicts_locked(n, ni))
			set_locked(n, ni, &nt);
		mutex_exit(&n->n_lock);
		neigh_todo_run(n, &nt);
	}
	neigh_rele(n);
	return error;
}

int
neigh_del(struct ifnet *ifp, int family, const struct inaddr *addr)
{
	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	return family_ok(family) && neigh_remove(ifp, family, addr) ? 0 : ENOENT;
}

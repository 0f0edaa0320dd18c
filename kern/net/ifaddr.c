/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifaddr.c - addresses of interfaces
 *
 * An address stands in the list of its interface and in a hash of its name
 * space, both read without a lock.  It brings routes: to itself (RTN_LOCAL,
 * as long as it is there), and while the interface is up to its prefix and
 * its broadcast address (ifaddr_route.c).
 *
 * Life cycle: ifaddr_add(), ifaddr_del(); freed when the last who held it
 * let go and no reader is left.  It holds its interface.
 *
 * As on Linux the second address of a prefix is a secondary one in IPv4, which
 * brings no prefix route and goes with the first.
 *
 * Locking: changes under ns_lock.
 */

#include "route_impl.h"

#include <lib/hash.h>
#include <linux/if_addr.h>
#include <lib/string.h>
#include <net/netevent.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>

#include "ifaddr_impl.h"

static struct ifaddr *
ifaddr_of(struct list_node *n)
{
	return container_of(n, struct ifaddr, ifa_iflink);
}

static struct ifaddr **
bucket_of(struct netns *ns, int family, const struct inaddr *addr)
{
	return &netns_route(ns)->nr_addrs[hash_bytes(addr, sizeof(*addr),
	    (uint64_t)family) % IFADDR_BUCKETS];
}

/* --- finding --------------------------------------------------------------------- */

struct ifaddr *
ifaddr_find(struct netns *ns, int family, const struct inaddr *addr, struct ifnet *ifp)
{
	struct ifaddr *ifa = atomic_load_acq(bucket_of(ns, family, addr));

	for (; ifa != NULL; ifa = atomic_load_acq(&ifa->ifa_hashnext)) {
		if (ifa->ifa_family == family && inaddr_eq(&ifa->ifa_addr, addr) &&
		    (ifp == NULL || ifa->ifa_ifp == ifp))
			return ifa;
	}
	return NULL;
}

struct ifaddr *
ifaddr_select(struct ifnet *ifp, int family, const struct inaddr *dst, int scope)
{
	struct ifaddr *first = NULL;
	struct list_node *n;

	LIST_FOREACH_READ(n, &ifp->if_addrs) {
		struct ifaddr *ifa = ifaddr_of(n);

		if (ifa->ifa_family != family || ifa->ifa_scope > scope ||
		    (atomic_load(&ifa->ifa_flags) & IFA_F_SECONDARY) != 0)
			continue;
		if (dst == NULL || inaddr_match(&ifa->ifa_peer, dst, ifa->ifa_plen))
			return ifa;
		if (first == NULL)
			first = ifa;
	}
	return first;
}

const struct ifaddr *
ifaddr_select_any(struct netns *ns, int family, int scope)
{
	const struct ifaddr *ifa;

	for (unsigned int i = 0; i < NETNS_IFHASH; i++) {
		struct ifnet *ifp = atomic_load_acq(&ns->ns_ifhash[i]);

		for (; ifp != NULL; ifp = atomic_load_acq(&ifp->if_hashnext)) {
			if ((atomic_load(&ifp->if_flags) & IFF_UP) == 0)
				continue;
			ifa = ifaddr_select(ifp, family, NULL, scope);
			if (ifa != NULL)
				return ifa;
		}
	}
	return NULL;
}

/* --- references ------------------------------------------------------------------ */

static void
ifaddr_free(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct ifaddr, ifa_qsbr), sizeof(struct ifaddr));
}

void
ifaddr_rele(struct ifaddr *ifa)
{
	if (atomic_sub_ar(&ifa->ifa_refs, 1) != 1)
		return;
	if_rele(ifa->ifa_ifp);
	qsbr_call(&ifa->ifa_qsbr, ifaddr_free);
}

/* --- adding ---------------------------------------------------------------------- */

static void
ifaddr_told(struct ifaddr *ifa, enum netevent ev)
{
	struct netevent_info ne = {
		.ne_ns = ifa->ifa_ifp->if_ns, .ne_ifp = ifa->ifa_ifp, .ne_ifa = ifa,
	};

	route_changed(ne.ne_ns);
	netevent_tell(ev, &ne);
}

/* The address itself; IPv4 has it once a length of prefix. */
static struct ifaddr *
ifaddr_twin(struct ifnet *ifp, int family, const struct inaddr *addr, int plen)
{
	struct list_node *n;

	LIST_FOREACH(n, &ifp->if_addrs) {
		struct ifaddr *ifa = ifaddr_of(n);

		if (ifa->ifa_family == family && inaddr_eq(&ifa->ifa_addr, addr) &&
		    (plen < 0 || family == AF_INET6 || ifa->ifa_plen == plen))
			return ifa;
	}
	return NULL;
}

/* A primary address of the same prefix, other than ifa. */
struct ifaddr *
ifaddr_primary(const struct ifaddr *ifa)
{
	struct list_node *n;

	LIST_FOREACH(n, &ifa->ifa_ifp->if_addrs) {
		struct ifaddr *other = ifaddr_of(n);

		if (other != ifa && other->ifa_family == ifa->ifa_family &&
		    other->ifa_plen == ifa->ifa_plen &&
		    (other->ifa_flags & IFA_F_SECONDARY) == 0 &&
		    inaddr_match(&other->ifa_peer, &ifa->ifa_peer, ifa->ifa_plen))
			return other;
	}
	return NULL;
}

/* The addresses of one prefix have one scope. */
static int
scope_check(struct ifnet *ifp, const struct ifaddr *model)
{
	const struct inaddr *peer = inaddr_zero(&model->ifa_peer) ? &model->ifa_addr :
	    &model->ifa_peer;
	struct list_node *n;

	LIST_FOREACH(n, &ifp->if_addrs) {
		const struct ifaddr *ifa = ifaddr_of(n);

		if (ifa->ifa_family == AF_INET && ifa->ifa_plen == model->ifa_plen &&
		    inaddr_match(&ifa->ifa_peer, peer, ifa->ifa_plen) &&
		    !inaddr_eq(&ifa->ifa_addr, &model->ifa_addr) &&
		    ifa->ifa_scope != model->ifa_scope)
			return EINVAL;
	}
	return 0;
}

static int
ifaddr_check(struct ifnet *ifp, const struct ifaddr *model)
{
	const struct ifaddr_family *af = ifaddr_family(model->ifa_family);

	if (!family_ok(model->ifa_family) || af == NULL)
		return EAFNOSUPPORT;
	if (ifp->if_dying)
		return ENODEV;
	if (model->ifa_plen > family_bits(model->ifa_family))
		return EINVAL;
	if (inaddr_zero(&model->ifa_addr) ||
	    inaddr_multicast(model->ifa_family, &model->ifa_addr) ||
	    inaddr_lbcast(model->ifa_family, &model->ifa_addr))
		return model->ifa_family == AF_INET6 ? EADDRNOTAVAIL : EINVAL;
	return model->ifa_family == AF_INET ? scope_check(ifp, model) : 0;
}

static struct ifaddr *
ifaddr_create(struct ifnet *ifp, const struct ifaddr *model)
{
	struct ifaddr *ifa = kmem_alloc(sizeof(*ifa), KM_SLEEP);

	if (ifa == NULL)
		return NULL;
	*ifa = *model;
	ifa->ifa_ifp = ifp;
	ifa->ifa_refs = 1;
	ifa->ifa_localsrc = (struct inaddr){ .ia_w = { 0 } };
	ifa->ifa_priv = NULL;
	ifa->ifa_hashnext = NULL;
	list_node_init(&ifa->ifa_iflink);
	if (inaddr_zero(&ifa->ifa_peer))
		ifa->ifa_peer = ifa->ifa_addr;
	if (ifa->ifa_valid == 0)
		ifa->ifa_valid = ifa->ifa_preferred = KTIME_NEVER;
	if (ifa->ifa_label[0] == '\0')
		strlcpy(ifa->ifa_label, ifp->if_name, sizeof(ifa->ifa_label));
	if (ifa->ifa_valid == KTIME_NEVER)
		ifa->ifa_flags |= IFA_F_PERMANENT;
	ifa->ifa_created = ifa->ifa_updated = clock_mono();
	if_hold(ifp);
	return ifa;
}

static void
ifaddr_link(struct ifaddr *ifa)
{
	struct ifaddr **bucket;

	if (ifa->ifa_family == AF_INET && ifaddr_primary(ifa) != NULL)
		ifa->ifa_flags |= IFA_F_SECONDARY;
	bucket = bucket_of(ifa->ifa_ifp->if_ns, ifa->ifa_family, &ifa->ifa_addr);
	ifa->ifa_hashnext = *bucket;
	list_publish_tail(&ifa->ifa_ifp->if_addrs, &ifa->ifa_iflink);
	atomic_store_rel(bucket, ifa);
}

static void
ifaddr_unlink(struct ifaddr *ifa)
{
	struct ifaddr **link;

	link = bucket_of(ifa->ifa_ifp->if_ns, ifa->ifa_family, &ifa->ifa_addr);
	while (*link != ifa)
		link = &(*link)->ifa_hashnext;
	atomic_store_rel(link, ifa->ifa_hashnext);
	list_withdraw(&ifa->ifa_iflink);
}

int
ifaddr_add(struct ifnet *ifp, const struct ifaddr *model, struct ifaddr **ret_ifa)
{
	const struct ifaddr_family *af;
	struct ifaddr *ifa;
	int error;

	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	error = ifaddr_check(ifp, model);
	if (error)
		return error;
	ifa = ifaddr_twin(ifp, model->ifa_family, &model->ifa_addr, model->ifa_plen);
	if (ifa != NULL) {
		if (ret_ifa != NULL)
			*ret_ifa = ifa;
		return EEXIST;
	}
	ifa = ifaddr_create(ifp, model);
	if (ifa == NULL)
		return ENOMEM;
	af = ifaddr_family(ifa->ifa_family);
	if (af->af_check != NULL)
		error = af->af_check(ifp, ifa);
	if (error)
		goto fail;
	ifaddr_link(ifa);
	/* IPv4 tells of the address and then of its routes, as Linux does. */
	if (ifa->ifa_family == AF_INET)
		ifaddr_told(ifa, NETEVENT_ADDR_NEW);
	error = ifaddr_routes_add(ifa);
	if (error) {
		ifaddr_unlink(ifa);
		ifaddr_routes_del(ifa);
		if (ifa->ifa_family == AF_INET)
			ifaddr_told(ifa, NETEVENT_ADDR_DEL);
		goto fail;
	}
	if (af->af_added != NULL)
		af->af_added(ifp, ifa);
	if (ifa->ifa_family != AF_INET)
		ifaddr_told(ifa, NETEVENT_ADDR_NEW);
	if (ret_ifa != NULL)
		*ret_ifa = ifa;
	return 0;
fail:
	ifaddr_rele(ifa);
	return error;
}

/* --- removing -------------------------------------------------------------------- */

static bool
has_family(const struct ifnet *ifp, int family)
{
	struct list_node *n;

	LIST_FOREACH(n, &ifp->if_addrs) {
		if (ifaddr_of(n)->ifa_family == family)
			return true;
	}
	return false;
}

static void
ifaddr_remove(struct ifaddr *ifa)
{
	const struct ifaddr_family *af = ifaddr_family(ifa->ifa_family);
	struct ifnet *ifp = ifa->ifa_ifp;
	bool last;

	if (af->af_removing != NULL)
		af->af_removing(ifa->ifa_ifp, ifa);
	ifaddr_unlink(ifa);
	if (ifa->ifa_family == AF_INET)
		ifaddr_told(ifa, NETEVENT_ADDR_DEL);
	ifaddr_routes_del(ifa);
	if (ifa->ifa_family == AF_INET) {
		last = !has_family(ifp, AF_INET);
		route_addrgone(ifp, &ifa->ifa_addr, last);
		if (last)
			neigh_purge4(ifp);
	} else {
		ifaddr_told(ifa, NETEVENT_ADDR_DEL);
	}
	ifaddr_rele(ifa);
}

/* Any secondary of the prefix of ifa. */
static struct ifaddr *
ifaddr_secondary(struct ifaddr *ifa)
{
	struct list_node *n;

	LIST_FOREACH(n, &ifa->ifa_ifp->if_addrs) {
		struct ifaddr *other = ifaddr_of(n);

		if ((other->ifa_flags & IFA_F_SECONDARY) != 0 && other != ifa &&
		    other->ifa_family == AF_INET && other->ifa_plen == ifa->ifa_plen &&
		    inaddr_match(&other->ifa_peer, &ifa->ifa_peer, ifa->ifa_plen))
			return other;
	}
	return NULL;
}

int
ifaddr_del(struct ifnet *ifp, int family, const struct inaddr *addr, int plen)
{
	struct ifaddr *ifa = ifaddr_twin(ifp, family, addr, plen), *other;

	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	if (ifa == NULL)
		return EADDRNOTAVAIL;
	if (family == AF_INET && (ifa->ifa_flags & IFA_F_SECONDARY) == 0) {
		while ((other = ifaddr_secondary(ifa)) != NULL)
			ifaddr_remove(other);
	}
	ifaddr_remove(ifa);
	return 0;
}

void
ifaddr_purge(struct ifnet *ifp, int family)
{
	struct list_node *n, *next;

	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	LIST_FOREACH_SAFE(n, next, &ifp->if_addrs) {
		if (family == 0 || ifaddr_of(n)->ifa_family == family)
			ifaddr_remove(ifaddr_of(n));
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtexc.c - what ICMP told about single destinations
 *
 * "Packet too big" and redirects are exceptions to the routes: for one
 * destination, for a while.  Anybody can make us look at one, so their number is
 * bounded; the table evicts from one bucket after the other.
 *
 * A new or smaller path MTU, or a new gateway, moves ns_routegen: whoever
 * keeps a decision asks again and is told.
 *
 * Locking: changes under nr_exclock, a leaf; look-ups lock-free.  An entry
 * never changes: it is exchanged.
 *
 * References: RFC 1191 section 6.3, RFC 8201 section 5.2, RFC 1122 section
 * 3.3.1.2 (redirects), RFC 4861 section 8.3.
 */

#include "route_impl.h"

#include <lib/hash.h>
#include <sys/atomic.h>
#include <sys/kmem.h>
#include <sys/ktime.h>

#include "net_impl.h"

#define EXC_MAX		1024
#define PMTU_LIFE	(600 * NSEC_PER_SEC)	/* RFC 1191 section 6.3 */

/* RFC 791: every link carries 68; RFC 8200 section 5: 1280. */
#define PMTU_MIN4	68
#define PMTU_MIN6	1280

struct rtexc {
	struct rtexc	*re_next;	/* q */
	int		 re_family;	/* c */
	struct inaddr	 re_dst;	/* c */
	struct rtexc_info re_info;	/* c */
	struct qsbr_head re_qsbr;
};

static unsigned int
bucket_of(int family, const struct inaddr *dst)
{
	return hash_bytes(dst, sizeof(*dst), (uint64_t)family) % RTEXC_BUCKETS;
}

bool
rtexc_find(struct netns_route *nr, int family, const struct inaddr *dst,
    struct rtexc_info *ret_xi)
{
	const struct rtexc *re;

	if (atomic_load(&nr->nr_nexc) == 0)
		return false;
	re = atomic_load_acq(&nr->nr_exc[bucket_of(family, dst)]);
	for (; re != NULL; re = atomic_load_acq(&re->re_next)) {
		if (re->re_family == family && inaddr_eq(&re->re_dst, dst)) {
			*ret_xi = re->re_info;
			return true;
		}
	}
	return false;
}

/* --- changing -------------------------------------------------------------------- */

static void
exc_free(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct rtexc, re_qsbr), sizeof(struct rtexc));
}

static void
exc_unlink_locked(struct netns_route *nr, struct rtexc **link) REQUIRES(nr->nr_exclock)
{
	struct rtexc *re = *link;

	atomic_store_rel(link, re->re_next);
	atomic_store(&nr->nr_nexc, nr->nr_nexc - 1);
	qsbr_call(&re->re_qsbr, exc_free);
}

/* The oldest of the next bucket that has one. */
static void
exc_evict_locked(struct netns_route *nr) REQUIRES(nr->nr_exclock)
{
	struct rtexc **link;

	do
		link = &nr->nr_exc[nr->nr_excnext++ % RTEXC_BUCKETS];
	while (*link == NULL);
	while ((*link)->re_next != NULL)
		link = &(*link)->re_next;
	exc_unlink_locked(nr, link);
}

static struct rtexc **
exc_link_locked(struct netns_route *nr, int family, const struct inaddr *dst)
    REQUIRES(nr->nr_exclock)
{
	struct rtexc **link = &nr->nr_exc[bucket_of(family, dst)];

	while (*link != NULL && ((*link)->re_family != family ||
	    !inaddr_eq(&(*link)->re_dst, dst)))
		link = &(*link)->re_next;
	return link;
}

/* Puts new in the place of what is known about its destination. */
static void
exc_replace_locked(struct netns_route *nr, struct rtexc *new) REQUIRES(nr->nr_exclock)
{
	struct rtexc **link, **bucket;

	link = exc_link_locked(nr, new->re_family, &new->re_dst);
	if (*link != NULL)
		exc_unlink_locked(nr, link);
	if (nr->nr_nexc >= EXC_MAX)
		exc_evict_locked(nr);
	bucket = &nr->nr_exc[bucket_of(new->re_family, &new->re_dst)];
	new->re_next = *bucket;
	atomic_store_rel(bucket, new);
	atomic_store(&nr->nr_nexc, nr->nr_nexc + 1);
}

/* Does merge to what is known about dst; false if it has nothing to change. */
static void
exc_change(struct netns *ns, int family, const struct inaddr *dst,
    bool (*merge)(struct rtexc_info *, const void *), const void *arg)
{
	struct netns_route *nr = netns_route(ns);
	struct rtexc *new = kmem_zalloc(sizeof(*new), KM_NOSLEEP), *old;
	bool changed;

	if (new == NULL)
		return;
	new->re_family = family;
	new->re_dst = *dst;
	mutex_enter(&nr->nr_exclock);
	old = *exc_link_locked(nr, family, dst);
	if (old != NULL)
		new->re_info = old->re_info;
	changed = merge(&new->re_info, arg);
	if (changed)
		exc_replace_locked(nr, new);
	mutex_exit(&nr->nr_exclock);
	if (changed)
		route_changed(ns);
	else
		kmem_free(new, sizeof(*new));
}

/* A path that is said to be wider is believed only once the old word expired. */
static bool
merge_mtu(struct rtexc_info *xi, const void *arg)
{
	uint32_t mtu = *(const uint32_t *)arg;
	int64_t now = clock_mono();

	if (xi->xi_mtu != 0 && xi->xi_mtu <= mtu && xi->xi_mtu_expires > now)
		return false;
	xi->xi_mtu = mtu;
	xi->xi_mtu_expires = now + PMTU_LIFE;
	return true;
}

void
route_setpmtu(struct netns *ns, int family, const struct inaddr *dst, uint32_t mtu)
{
	uint32_t least = family == AF_INET6 ? PMTU_MIN6 : PMTU_MIN4;

	if (mtu < least)
		mtu = least;
	if (family_ok(family))
		exc_change(ns, family, dst, merge_mtu, &mtu);
}

struct redirect {
	uint32_t	 rx_if;
	struct inaddr	 rx_gw;
};

static bool
merge_redirect(struct rtexc_info *xi, const void *arg)
{
	const struct redirect *rx = arg;

	if (xi->xi_gwif == rx->rx_if && inaddr_eq(&xi->xi_gw, &rx->rx_gw))
		return false;
	xi->xi_gwif = rx->rx_if;
	xi->xi_gw = rx->rx_gw;
	return true;
}

void
route_redirect(struct netns *ns, int family, const struct inaddr *dst,
    const struct inaddr *gw, struct ifnet *ifp)
{
	struct redirect rx = { ifp->if_index, *gw };

	if (family_ok(family))
		exc_change(ns, family, dst, merge_redirect, &rx);
}

void
rtexc_flush(struct netns_route *nr)
{
	mutex_enter(&nr->nr_exclock);
	for (unsigned int i = 0; i < RTEXC_BUCKETS; i++) {
		while (nr->nr_exc[i] != NULL)
			exc_unlink_locked(nr, &nr->nr_exc[i]);
	}
	mutex_exit(&nr->nr_exclock);
}

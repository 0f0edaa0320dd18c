/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * if_config.c - what can be changed of an interface
 *
 * All under ns_lock but the carrier, which a driver may report from anywhere;
 * flags are therefore changed by atomic operations.  IFF_RUNNING and
 * IFF_LOWER_UP follow from IFF_UP and the carrier, IFF_PROMISC and
 * IFF_ALLMULTI from counts; nobody sets these directly.
 *
 * Each change is told (netevent.h), and moves the generation of routes,
 * so that cached decisions are taken again.
 */

#include <net/ifnet.h>

#include <lib/string.h>
#include <net/netevent.h>
#include <net/route.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

#include "net_impl.h"

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP	0x10000
#endif

/* What if_setflags() may set; IFF_UP, PROMISC and ALLMULTI besides. */
#define FLAGS_FREE	(IFF_DEBUG | IFF_NOTRAILERS | IFF_NOARP | IFF_DYNAMIC | \
			IFF_MULTICAST | IFF_PORTSEL | IFF_AUTOMEDIA)

void
if_changed(struct ifnet *ifp, uint32_t change)
{
	struct netevent_info ne = {
		.ne_ns = ifp->if_ns, .ne_ifp = ifp, .ne_change = change,
	};

	route_changed(ifp->if_ns);
	netevent_tell(NETEVENT_LINK_NEW, &ne);
}

/* Sets and clears; returns which of them changed. */
static uint32_t
flags_update(struct ifnet *ifp, uint32_t flags, uint32_t mask)
{
	uint32_t was = atomic_or_ar(&ifp->if_flags, flags & mask);

	(void)atomic_and_ar(&ifp->if_flags, ~mask | flags);
	return (was ^ flags) & mask;
}

/* IFF_RUNNING and IFF_LOWER_UP as they have to be. */
static uint32_t
flags_follow(struct ifnet *ifp)
{
	uint32_t want = 0;

	if (atomic_load_acq(&ifp->if_carrier)) {
		want = IFF_LOWER_UP;
		if ((atomic_load(&ifp->if_flags) & IFF_UP) != 0)
			want |= IFF_RUNNING;
	}
	return flags_update(ifp, want, IFF_RUNNING | IFF_LOWER_UP);
}

static int
if_up(struct ifnet *ifp)
{
	int error = 0;

	if (ifp->if_ops->ifo_up != NULL)
		error = ifp->if_ops->ifo_up(ifp);
	if (error)
		return error;
	(void)flags_update(ifp, IFF_UP, IFF_UP);
	(void)flags_follow(ifp);
	if_drive_wake(ifp);
	ifaddr_ifup(ifp);
	if_family_up(ifp);
	return 0;
}

static void
if_down(struct ifnet *ifp)
{
	if_family_down(ifp);
	route_ifdown(ifp);
	(void)flags_update(ifp, 0, IFF_UP);
	(void)flags_follow(ifp);
	if_drive_wake(ifp);
	neigh_flush(ifp);
	if (ifp->if_ops->ifo_down != NULL)
		ifp->if_ops->ifo_down(ifp);
}

static void
filter_changed(struct ifnet *ifp)
{
	if (ifp->if_ops->ifo_setfilter != NULL)
		ifp->if_ops->ifo_setfilter(ifp);
}

/* True: the flag changed, which the caller tells. */
static bool
count_user(struct ifnet *ifp, unsigned int *users, uint32_t flag, bool on)
{
	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	KASSERT(on || *users > 0);
	*users += on ? 1 : -1u;
	if (flags_update(ifp, *users > 0 ? flag : 0, flag) == 0)
		return false;
	filter_changed(ifp);
	return true;
}

/* IFF_PROMISC and IFF_ALLMULTI as the user wants them count once each. */
static void
gflags_set(struct ifnet *ifp, uint32_t flags, uint32_t mask)
{
	uint32_t change = (ifp->if_gflags ^ flags) & mask;

	ifp->if_gflags ^= change;
	if ((change & IFF_PROMISC) != 0)
		(void)count_user(ifp, &ifp->if_promisc, IFF_PROMISC, (flags & IFF_PROMISC) != 0);
	if ((change & IFF_ALLMULTI) != 0)
		(void)count_user(ifp, &ifp->if_allmulti, IFF_ALLMULTI,
		    (flags & IFF_ALLMULTI) != 0);
}

int
if_setflags(struct ifnet *ifp, uint32_t flags, uint32_t mask)
{
	uint32_t was = atomic_load(&ifp->if_flags);
	int error = 0;

	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	if (ifp->if_dying)
		return ENODEV;
	(void)flags_update(ifp, flags, mask & FLAGS_FREE);
	gflags_set(ifp, flags, mask & (IFF_PROMISC | IFF_ALLMULTI));
	if ((mask & IFF_UP) != 0 && ((flags ^ was) & IFF_UP) != 0) {
		if ((flags & IFF_UP) != 0)
			error = if_up(ifp);
		else
			if_down(ifp);
	}
	was ^= atomic_load(&ifp->if_flags);
	if (was != 0)
		if_changed(ifp, was);
	return error;
}

int
if_setmtu(struct ifnet *ifp, uint32_t mtu)
{
	int error = 0;

	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	/* lo alone goes beyond what an IPv4 packet can have. */
	if (mtu < IF_MTU_MIN || (mtu > IF_MTU_MAX && (ifp->if_flags & IFF_LOOPBACK) == 0))
		return EINVAL;
	if (ifp->if_ops->ifo_setmtu != NULL)
		error = ifp->if_ops->ifo_setmtu(ifp, mtu);
	if (error)
		return error;
	if (ifp->if_mtu != mtu) {
		atomic_store(&ifp->if_mtu, mtu);
		if_changed(ifp, 0);
	}
	return 0;
}

int
if_setlladdr(struct ifnet *ifp, const uint8_t *addr)
{
	static const uint8_t nobody[IF_LLADDR];
	int error;

	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	if (ifp->if_ops->ifo_setlladdr == NULL || ifp->if_addrlen == 0)
		return EOPNOTSUPP;
	/* A group's, or nobody's. */
	if ((addr[0] & 1) != 0 || memcmp(addr, nobody, ifp->if_addrlen) == 0)
		return EADDRNOTAVAIL;
	error = ifp->if_ops->ifo_setlladdr(ifp, addr);
	if (error)
		return error;
	for (unsigned int i = 0; i < ifp->if_addrlen; i++)
		atomic_store(&ifp->if_lladdr[i], addr[i]);
	neigh_flush(ifp);
	if_changed(ifp, 0);
	return 0;
}

void
if_setgroup(struct ifnet *ifp, uint32_t group)
{
	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	if (ifp->if_group != group) {
		ifp->if_group = group;
		if_changed(ifp, 0);
	}
}

int
if_setalias(struct ifnet *ifp, const char *alias)
{
	size_t len = strlen(alias) + 1;
	char *copy = NULL;

	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	if (len > 1) {
		copy = kmem_alloc(len, KM_SLEEP);
		if (copy == NULL)
			return ENOMEM;
		memcpy(copy, alias, len);
	}
	if (ifp->if_alias != NULL)
		kmem_free(ifp->if_alias, strlen(ifp->if_alias) + 1);
	ifp->if_alias = copy;
	if_changed(ifp, 0);
	return 0;
}

void
if_setcarrier(struct ifnet *ifp, bool on)
{
	uint32_t change;

	atomic_store_rel(&ifp->if_carrier, on);
	change = flags_follow(ifp);
	if (on)
		if_drive_wake(ifp);
	if ((change & IFF_LOWER_UP) != 0)
		__atomic_fetch_add(on ? &ifp->if_carrierups : &ifp->if_carrierdowns, 1,
		    __ATOMIC_RELAXED);
	if (change != 0 && ifp->if_ns != NULL && !atomic_load(&ifp->if_dying))
		if_changed(ifp, change);
}

/* --- what is let in -------------------------------------------------------------- */

void
if_promisc(struct ifnet *ifp, bool on)
{
	if (count_user(ifp, &ifp->if_promisc, IFF_PROMISC, on))
		if_changed(ifp, IFF_PROMISC);
}

void
if_allmulti(struct ifnet *ifp, bool on)
{
	if (count_user(ifp, &ifp->if_allmulti, IFF_ALLMULTI, on))
		if_changed(ifp, IFF_ALLMULTI);
}

/* A group that was joined, in the list of its interface. */
struct ifmaddr {
	struct ifmaddr	*im_next;	/* q */
	unsigned int	 im_users;	/* n */
	uint8_t		 im_addr[IF_LLADDR];	/* c */
	struct qsbr_head im_qsbr;
};

/* The link that leads to the group, or to the end. */
static struct ifmaddr **
maddr_find(struct ifnet *ifp, const uint8_t *lladdr)
{
	struct ifmaddr **link = &ifp->if_maddrs;

	while (*link != NULL &&
	    memcmp((*link)->im_addr, lladdr, ifp->if_addrlen) != 0)
		link = &(*link)->im_next;
	return link;
}

static void
maddr_free(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct ifmaddr, im_qsbr),
	    sizeof(struct ifmaddr));
}

static void
maddr_unlink(struct ifmaddr **link)
{
	struct ifmaddr *im = *link;

	atomic_store_rel(link, im->im_next);
	qsbr_call(&im->im_qsbr, maddr_free);
}

static int
maddr_join(struct ifnet *ifp, struct ifmaddr **link, const uint8_t *lladdr)
{
	struct ifmaddr *im = *link;

	if (im != NULL) {
		im->im_users++;
		return 0;
	}
	im = kmem_zalloc(sizeof(*im), KM_SLEEP);
	if (im == NULL)
		return ENOMEM;
	im->im_users = 1;
	memcpy(im->im_addr, lladdr, ifp->if_addrlen);
	atomic_store_rel(link, im);
	filter_changed(ifp);
	return 0;
}

int
if_multicast(struct ifnet *ifp, const uint8_t *lladdr, bool join)
{
	struct ifmaddr **link = maddr_find(ifp, lladdr);

	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	if (join)
		return maddr_join(ifp, link, lladdr);
	if (*link == NULL)
		return ENOENT;
	if (--(*link)->im_users == 0) {
		maddr_unlink(link);
		filter_changed(ifp);
	}
	return 0;
}

void
if_multicast_purge(struct ifnet *ifp)
{
	while (ifp->if_maddrs != NULL)
		maddr_unlink(&ifp->if_maddrs);
}

bool
if_multicast_joined(const struct ifnet *ifp, const uint8_t *lladdr)
{
	const struct ifmaddr *im = atomic_load_acq(&ifp->if_maddrs);

	for (; im != NULL; im = atomic_load_acq(&im->im_next)) {
		if (memcmp(im->im_addr, lladdr, ifp->if_addrlen) == 0)
			return true;
	}
	return false;
}

int
if_multicast_iterate(struct ifnet *ifp, int (*fn)(const uint8_t *lladdr, void *),
    void *arg)
{
	int result = 0;

	for (struct ifmaddr *im = ifp->if_maddrs; im != NULL && result == 0;
	    im = im->im_next)
		result = fn(im->im_addr, arg);
	return result;
}

struct linkcond *
if_setcond(struct ifnet *ifp, struct linkcond *lc)
{
	struct linkcond *old;

	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	old = atomic_swap_ar(&ifp->if_cond, lc);
	if (old != NULL)
		ifguard_wait(ifp, IFGUARD_TAPS);
	return old;
}

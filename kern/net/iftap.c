/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * iftap.c - listening in on an interface
 *
 * Taps are a list that packets read under the guard of the interface.  The
 * storage is the listener's, so detaching waits until nobody is at it.
 *
 * Locking: taps change under ns_lock.
 */

#include <net/ifnet.h>

#include <sys/atomic.h>
#include <sys/kassert.h>

#include "net_impl.h"

void
iftap_attach(struct ifnet *ifp, struct iftap *it)
{
	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	it->it_next = ifp->if_taps;
	atomic_store_rel(&ifp->if_taps, it);
}

void
iftap_detach(struct ifnet *ifp, struct iftap *it)
{
	struct iftap **link = &ifp->if_taps;

	KASSERT(mutex_owned(&ifp->if_ns->ns_lock));
	while (*link != NULL && *link != it)
		link = &(*link)->it_next;
	if (*link == NULL)
		return;
	atomic_store_rel(link, it->it_next);
	ifguard_wait(ifp, IFGUARD_TAPS);
}

void
iftap_show(struct ifnet *ifp, const struct packet *p, bool out)
{
	struct iftap *it = atomic_load_acq(&ifp->if_taps);

	for (; it != NULL; it = atomic_load_acq(&it->it_next))
		it->it_packet(it, ifp, p, out);
}

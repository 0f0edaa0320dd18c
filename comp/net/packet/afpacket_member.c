/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * afpacket_member.c - PACKET_ADD_MEMBERSHIP: promiscuous mode and multicast addresses
 *
 * Counted per socket, and given back with it or with the interface.
 */

#include "afpacket_impl.h"

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmem.h>

static int
apply(struct ifnet *ifp, const struct packet_mreq *mr, bool on)
{
	switch (mr->mr_type) {
	case PACKET_MR_PROMISC:
		if_promisc(ifp, on);
		return 0;
	case PACKET_MR_ALLMULTI:
		if_allmulti(ifp, on);
		return 0;
	case PACKET_MR_MULTICAST:
		if (mr->mr_alen != ifp->if_addrlen)
			return EINVAL;
		return if_multicast(ifp, mr->mr_address, on);
	default:
		return EINVAL;
	}
}

static struct pkmember *
member_find(struct pksock *pk, const struct packet_mreq *mr)
{
	struct list_node *n;
	struct pkmember *pm;

	LIST_FOREACH(n, &pk->pk_members) {
		pm = container_of(n, struct pkmember, pm_link);
		if (pm->pm_mreq.mr_ifindex == mr->mr_ifindex &&
		    pm->pm_mreq.mr_type == mr->mr_type && pm->pm_mreq.mr_alen == mr->mr_alen &&
		    memcmp(pm->pm_mreq.mr_address, mr->mr_address, mr->mr_alen) == 0)
			return pm;
	}
	return NULL;
}

int
pkmember_add(struct pksock *pk, const struct packet_mreq *mr)
{
	struct pkmember *pm = member_find(pk, mr);
	struct ifnet *ifp;
	int error;

	if (pm != NULL) {
		pm->pm_count++;
		return 0;
	}
	ifp = if_byindex(pk->pk_so->so_ns, (uint32_t)mr->mr_ifindex);
	if (ifp == NULL)
		return ENODEV;
	pm = kmem_zalloc(sizeof(*pm), KM_SLEEP);
	if (pm == NULL)
		return ENOBUFS;
	error = apply(ifp, mr, true);
	if (error) {
		kmem_free(pm, sizeof(*pm));
		return error;
	}
	if_hold(ifp);
	pm->pm_ifp = ifp;
	pm->pm_mreq = *mr;
	pm->pm_count = 1;
	list_insert_tail(&pk->pk_members, &pm->pm_link);
	return 0;
}

static void
member_end(struct pkmember *pm)
{
	(void)apply(pm->pm_ifp, &pm->pm_mreq, false);
	list_remove(&pm->pm_link);
	if_rele(pm->pm_ifp);
	kmem_free(pm, sizeof(*pm));
}

int
pkmember_drop(struct pksock *pk, const struct packet_mreq *mr)
{
	struct pkmember *pm = member_find(pk, mr);

	if (pm == NULL)
		return EADDRNOTAVAIL;
	if (--pm->pm_count == 0)
		member_end(pm);
	return 0;
}

void
pkmember_drop_all(struct pksock *pk, struct ifnet *ifp)
{
	struct list_node *n, *next;
	struct pkmember *pm;

	LIST_FOREACH_SAFE(n, next, &pk->pk_members) {
		pm = container_of(n, struct pkmember, pm_link);
		if (ifp == NULL || pm->pm_ifp == ifp)
			member_end(pm);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * if_family.c - address families' parts in the life of interfaces
 *
 * Families are few and stay for ever: an array that only grows, read without
 * a lock.  A bit of each interface says which families have attached to it,
 * since a family may arrive while interfaces come and go; the bits
 * change under ns_lock.
 */

#include <net/ifnet.h>

#include <net/route.h>
#include <sys/atomic.h>
#include <sys/kassert.h>
#include <sys/log.h>

#include "net_impl.h"

#define FAMILIES_MAX	8

static struct ifaddr_family *families[FAMILIES_MAX];
static unsigned int nfamilies;		/* a */
static kmutex_t families_lock = { .m_name = "iffamilies" };

struct ifaddr_family *
ifaddr_family(int family)
{
	unsigned int n = atomic_load_acq(&nfamilies);

	for (unsigned int i = 0; i < n; i++) {
		if (families[i]->af_family == family)
			return families[i];
	}
	return NULL;
}

static int
family_attach(struct ifnet *ifp, unsigned int i)
{
	int error = 0;

	if ((ifp->if_families & 1u << i) != 0)
		return 0;
	if (families[i]->af_ifattach != NULL)
		error = families[i]->af_ifattach(ifp);
	if (error == 0)
		ifp->if_families |= 1u << i;
	return error;
}

static void
family_detach(struct ifnet *ifp, unsigned int i)
{
	if ((ifp->if_families & 1u << i) == 0)
		return;
	if (families[i]->af_ifdetach != NULL)
		families[i]->af_ifdetach(ifp);
	ifp->if_families &= ~(1u << i);
}

int
if_family_attach(struct ifnet *ifp)
{
	unsigned int n = atomic_load_acq(&nfamilies);
	int error;

	for (unsigned int i = 0; i < n; i++) {
		error = family_attach(ifp, i);
		if (error) {
			while (i-- > 0)
				family_detach(ifp, i);
			return error;
		}
	}
	return 0;
}

void
if_family_detach(struct ifnet *ifp)
{
	for (unsigned int i = atomic_load_acq(&nfamilies); i-- > 0;)
		family_detach(ifp, i);
}

void
if_family_up(struct ifnet *ifp)
{
	unsigned int n = atomic_load_acq(&nfamilies);

	for (unsigned int i = 0; i < n; i++) {
		if ((ifp->if_families & 1u << i) != 0 && families[i]->af_ifup != NULL)
			families[i]->af_ifup(ifp);
	}
}

void
if_family_down(struct ifnet *ifp)
{
	for (unsigned int i = atomic_load_acq(&nfamilies); i-- > 0;) {
		if ((ifp->if_families & 1u << i) != 0 && families[i]->af_ifdown != NULL)
			families[i]->af_ifdown(ifp);
	}
}

/* --- a family arrives ------------------------------------------------------------ */

static int
late_attach_if(struct ifnet *ifp, void *arg)
{
	unsigned int i = *(unsigned int *)arg;
	int error;

	if ((ifp->if_families & 1u << i) != 0)
		return 0;
	error = family_attach(ifp, i);
	if (error)
		log_printf(LOG_ERR, "%s: no address family %d: error %d",
		    ifp->if_name, families[i]->af_family, error);
	else if ((atomic_load(&ifp->if_flags) & IFF_UP) != 0 &&
	    families[i]->af_ifup != NULL)
		families[i]->af_ifup(ifp);
	return 0;
}

static int
late_attach(struct netns *ns, void *arg)
{
	return if_iterate(ns, late_attach_if, arg);
}

void
ifaddr_family_register(struct ifaddr_family *af)
{
	unsigned int i;

	mutex_enter(&families_lock);
	i = nfamilies;
	KASSERT(i < FAMILIES_MAX);
	families[i] = af;
	atomic_store_rel(&nfamilies, i + 1);
	mutex_exit(&families_lock);
	(void)netns_iterate(late_attach, &i);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_addr.c - addresses of interfaces: their flags and lifetimes
 *
 * An address is tentative from birth, where duplicates are looked for; preferred;
 * deprecated when its preferred lifetime is over; and goes with its valid lifetime
 * (RFC 4862 section 5.5.4).  ip6_addr_run() moves it along.
 *
 * Our part of an address (struct ip6_addrinfo) and its solicited-node group need
 * memory when nobody can be told that there is none: such an address stays
 * tentative, and each pass tries again.
 *
 * All of it under ns_lock.
 */

#include "ip6_impl.h"

#include <net/netevent.h>

#include <sys/log.h>

#include <lib/string.h>

#define RETRY		NSEC_PER_SEC	/* when memory was short */

static void
addr_tell(struct ifaddr *ifa)
{
	struct netevent_info ne = {
		.ne_ns = ifa->ifa_ifp->if_ns, .ne_ifp = ifa->ifa_ifp, .ne_ifa = ifa,
	};

	route_changed(ne.ne_ns);
	netevent_tell(NETEVENT_ADDR_NEW, &ne);
}

void
ip6_addr_setflags(struct ifaddr *ifa, uint32_t set, uint32_t clear)
{
	uint32_t was = atomic_load(&ifa->ifa_flags), now = (was & ~clear) | set;

	if (was == now)
		return;
	atomic_store(&ifa->ifa_flags, now);
	ifa->ifa_updated = clock_mono();
	addr_tell(ifa);
}

void
ip6_addr_setlife(struct ifaddr *ifa, int64_t preferred, int64_t valid)
{
	if (ifa->ifa_preferred == preferred && ifa->ifa_valid == valid)
		return;
	atomic_store(&ifa->ifa_preferred, preferred);
	atomic_store(&ifa->ifa_valid, valid);
	ifa->ifa_updated = clock_mono();
	addr_tell(ifa);
}

static uint8_t
addr_scope(const struct inaddr *a)
{
	if (ip6_loopback(a))
		return RT_SCOPE_HOST;
	if (ip6_linklocal(a))
		return RT_SCOPE_LINK;
	return ip6_sitelocal(a) ? RT_SCOPE_SITE : RT_SCOPE_UNIVERSE;
}

static bool
wants_dad(const struct ifnet *ifp, uint32_t flags)
{
	return ip6_if_hasnd(ifp) && (flags & IFA_F_NODAD) == 0 &&
	    netvar_get(ifp->if_ns, &ip6_var_accept_dad) != 0 &&
	    netvar_get(ifp->if_ns, &ip6_var_dad_transmits) != 0;
}

int
ip6_addr_check(struct ifnet *ifp, struct ifaddr *ifa)
{
	const struct inaddr *a = &ifa->ifa_addr;

	if (ifa->ifa_plen > 128 || inaddr_zero(a) || ip6_multicast(a) || ip6_mapped(a) ||
	    (ip6_loopback(a) && (ifp->if_flags & IFF_LOOPBACK) == 0))
		return EADDRNOTAVAIL;
	ifa->ifa_scope = addr_scope(a);
	ifa->ifa_flags &= ~(uint32_t)(IFA_F_DADFAILED | IFA_F_TENTATIVE | IFA_F_DEPRECATED);
	if (wants_dad(ifp, ifa->ifa_flags))
		ifa->ifa_flags |= IFA_F_TENTATIVE;
	return 0;
}

/* Makes our part of the address, if it is not there yet. */
static bool
addr_ready(struct ip6_if *ii, struct ifaddr *ifa)
{
	struct inaddr group = ip6_solicited_node(&ifa->ifa_addr);
	struct ip6_addrinfo *ai;

	if (ifa->ifa_priv != NULL)
		return true;
	ai = kmem_zalloc(sizeof(*ai), KM_NOSLEEP);
	if (ai == NULL)
		return false;
	if (ip6_if_hasnd(ii->ii_ifp) && mld_join(ii, &group)) {
		kmem_free(ai, sizeof(*ai));
		return false;
	}
	ifa->ifa_priv = ai;
	ip6_dad_start(ii, ifa, clock_mono());
	return true;
}

void
ip6_addr_added(struct ifnet *ifp, struct ifaddr *ifa)
{
	struct ip6_if *ii = ip6_if(ifp);

	if ((ii != NULL && !addr_ready(ii, ifa)) || ifa->ifa_valid != KTIME_NEVER)
		ip6_kick(ifp->if_ns);
	else
		ip6_kick_if(ifp);
}

void
ip6_addr_removing(struct ifnet *ifp, struct ifaddr *ifa)
{
	struct inaddr group = ip6_solicited_node(&ifa->ifa_addr);
	struct ip6_addrinfo *ai = ip6_addrinfo(ifa);
	struct ip6_if *ii = ip6_if(ifp);

	if (ai == NULL)
		return;
	ifa->ifa_priv = NULL;
	kmem_free(ai, sizeof(*ai));
	if (ii != NULL && ip6_if_hasnd(ifp))
		mld_leave(ii, &group);
	ip6_kick_if(ifp);
}

int
ip6_addr_make(struct ifnet *ifp, const struct ifaddr *model, struct ifaddr **ret_ifa)
{
	struct ifaddr *ifa = NULL;
	int error;

	error = ifaddr_add(ifp, model, &ifa);
	if (error)
		return error;
	if (ip6_addrinfo(ifa) == NULL) {	/* no memory: rather not at all */
		(void)ifaddr_del(ifp, AF_INET6, &model->ifa_addr, model->ifa_plen);
		return ENOMEM;
	}
	*ret_ifa = ifa;
	return 0;
}

void
ip6_linklocal_make(struct ip6_if *ii, unsigned int tries)
{
	struct ifnet *ifp = ii->ii_ifp;
	struct ifaddr *ifa, model = {
		.ifa_family = AF_INET6, .ifa_plen = 64, .ifa_scope = RT_SCOPE_LINK,
		.ifa_addr = { .ia_b = { 0xfe, 0x80 } }, .ifa_flags = IFA_F_PERMANENT,
		.ifa_preferred = KTIME_NEVER, .ifa_valid = KTIME_NEVER,
	};
	int mode = netvar_get(ifp->if_ns, &ip6_var_addr_gen_mode), error;

	ii->ii_llat = 0;
	if (mode == ADDR_GEN_NONE)
		return;
	if (mode == ADDR_GEN_STABLE)
		ip6_iid_stable(ifp, &model.ifa_addr, tries, &model.ifa_addr.ia_b[8]);
	else
		ip6_iid_eui64(ifp, &model.ifa_addr.ia_b[8]);
	model.ifa_peer = model.ifa_addr;
	error = ip6_addr_make(ifp, &model, &ifa);
	if (error == 0) {
		ip6_addrinfo(ifa)->ai_auto = true;
		ip6_addrinfo(ifa)->ai_tries = tries;
	} else if (error == ENOMEM) {
		ii->ii_llat = clock_mono() + RETRY;
		ii->ii_lltries = tries;
		ip6_kick(ifp->if_ns);
	}
}

int64_t
ip6_linklocal_run(struct ip6_if *ii, int64_t now)
{
	if (!ii->ii_up || ii->ii_llat == 0)
		return KTIME_NEVER;
	if (now >= ii->ii_llat)
		ip6_linklocal_make(ii, ii->ii_lltries);
	return ii->ii_llat != 0 ? ii->ii_llat : KTIME_NEVER;
}

/* --- time passes -------------------------------------------------------------------- */

static void
addr_expire(struct ifaddr *ifa)
{
	struct inaddr a = ifa->ifa_addr;
	struct ifnet *ifp = ifa->ifa_ifp;

	(void)ifaddr_del(ifp, AF_INET6, &a, ifa->ifa_plen);
}

/* Deprecates; returns when something is to be done again. */
static int64_t
addr_age(struct ifaddr *ifa, int64_t now)
{
	if (now >= ifa->ifa_preferred) {
		ip6_addr_setflags(ifa, IFA_F_DEPRECATED, 0);
		return ifa->ifa_valid;
	}
	ip6_addr_setflags(ifa, 0, IFA_F_DEPRECATED);
	return ip6_sooner(ifa->ifa_preferred, ifa->ifa_valid);
}

int64_t
ip6_addr_run(struct ip6_if *ii, int64_t now, struct packetq *out)
{
	struct list_node *n, *next;
	int64_t due = KTIME_NEVER;

	LIST_FOREACH_SAFE(n, next, &ii->ii_ifp->if_addrs) {
		struct ifaddr *ifa = container_of(n, struct ifaddr, ifa_iflink);

		if (ifa->ifa_family != AF_INET6)
			continue;
		if (!addr_ready(ii, ifa)) {
			due = ip6_sooner(due, now + RETRY);
			continue;
		}
		if (now >= ifa->ifa_valid) {
			addr_expire(ifa);
			continue;
		}
		due = ip6_sooner(due, addr_age(ifa, now));
		if (ip6_tentative(ifa))
			due = ip6_sooner(due, ip6_dad_run(ii, ifa, now, out));
	}
	return due;
}

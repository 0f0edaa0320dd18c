/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * slaac.c - addresses made of prefixes
 *
 * An autonomous prefix gives the interface an address: prefix and identifier
 * (RFC 4862 section 5.5.3).  If the setting says so, each such public address has
 * temporary companions with random identifiers (RFC 8981), of which a new one
 * is made shortly before the last is deprecated.
 *
 * An advertisement can shorten an address's life to two hours, not below:
 * else one forged message would take a host off the net.
 *
 * NEEDSWORK: the on-link route of a prefix is ours (IFA_F_NOPREFIXROUTE), so
 * the address flag noprefixroute shows where Linux has none.
 */

#include "ip6_impl.h"

#include <lib/string.h>

#define TWO_HOURS	(7200 * NSEC_PER_SEC)
#define TEMP_RETRIES	3		/* TEMP_IDGEN_RETRIES */
#define IDGEN_RETRIES	3

static int64_t
deadline(uint32_t seconds, int64_t now)
{
	return seconds == ND_INFINITE ? KTIME_NEVER : now + seconds * NSEC_PER_SEC;
}

static struct ifaddr *
addr_of(struct list_node *n)
{
	struct ifaddr *ifa = container_of(n, struct ifaddr, ifa_iflink);

	return ifa->ifa_family == AF_INET6 && ifa->ifa_priv != NULL ? ifa : NULL;
}

static unsigned int
autos_count(const struct ip6_if *ii)
{
	unsigned int n = 0;
	struct list_node *ln;

	LIST_FOREACH(ln, &ii->ii_ifp->if_addrs) {
		struct ifaddr *ifa = addr_of(ln);

		if (ifa != NULL && ip6_addrinfo(ifa)->ai_auto)
			n++;
	}
	return n;
}

/* --- temporary addresses ------------------------------------------------------------ */

/* REGEN_ADVANCE (RFC 8981 section 3.8): time for all attempts at one. */
static int64_t
regen_advance(const struct ip6_if *ii)
{
	int64_t probes = netvar_get(ii->ii_ifp->if_ns, &ip6_var_dad_transmits);

	return 2 * NSEC_PER_SEC + TEMP_RETRIES * probes * atomic_load(&ii->ii_retrans) * MSEC;
}

static int64_t
setting_ns(const struct ip6_if *ii, const struct netvar *nv)
{
	return netvar_get(ii->ii_ifp->if_ns, nv) * NSEC_PER_SEC;
}

/*
 * Section 3.4: lifetimes are the public address's, or the settings' if those
 * are shorter; what would be deprecated before its successor could be made is not
 * made at all.
 */
static void
temp_make(struct ip6_if *ii, const struct ifaddr *parent, unsigned int tries, int64_t now)
{
	int64_t preferred = setting_ns(ii, &ip6_var_temp_prefered);
	int64_t desync = (int64_t)(random_u64() % (uint64_t)(preferred / 5 * 2 + 1));
	struct ifaddr *ifa, model = {
		.ifa_family = AF_INET6, .ifa_plen = 64, .ifa_addr = parent->ifa_addr,
		.ifa_flags = IFA_F_TEMPORARY | IFA_F_NOPREFIXROUTE,
	};

	if (autos_count(ii) >= IP6_MAXAUTO || tries > TEMP_RETRIES)
		return;
	model.ifa_valid = ip6_sooner(parent->ifa_valid,
	    now + setting_ns(ii, &ip6_var_temp_valid));
	model.ifa_preferred = ip6_sooner(parent->ifa_preferred, now + preferred - desync);
	if (model.ifa_preferred - now <= regen_advance(ii))
		return;
	ip6_iid_random(&model.ifa_addr.ia_b[8]);
	model.ifa_peer = model.ifa_addr;
	if (ip6_addr_make(ii->ii_ifp, &model, &ifa))
		return;
	ip6_addrinfo(ifa)->ai_auto = true;
	ip6_addrinfo(ifa)->ai_regen = tries;
	ip6_addrinfo(ifa)->ai_parent = parent->ifa_addr;
	ip6_addrinfo(ifa)->ai_desync = desync;
}

static bool
is_temp_of(const struct ifaddr *ifa, const struct inaddr *parent)
{
	return (ifa->ifa_flags & IFA_F_TEMPORARY) != 0 &&
	    inaddr_eq(&ip6_addrinfo(ifa)->ai_parent, parent);
}

/* An advertisement prolongs them too, up to what their age allows (section 3.4). */
static void
temps_prolong(struct ip6_if *ii, const struct ifaddr *parent)
{
	struct list_node *n;

	LIST_FOREACH(n, &ii->ii_ifp->if_addrs) {
		struct ifaddr *ifa = addr_of(n);
		int64_t preferred, valid;

		if (ifa == NULL || !is_temp_of(ifa, &parent->ifa_addr))
			continue;
		valid = ifa->ifa_created + setting_ns(ii, &ip6_var_temp_valid);
		preferred = ifa->ifa_created + setting_ns(ii, &ip6_var_temp_prefered) -
		    ip6_addrinfo(ifa)->ai_desync;
		ip6_addr_setlife(ifa, ip6_sooner(preferred, parent->ifa_preferred),
		    ip6_sooner(valid, parent->ifa_valid));
	}
}

/* Does parent have a temporary address which will do for now?  *due: until when. */
static bool
temps_suffice(struct ip6_if *ii, const struct ifaddr *parent, int64_t now,
    unsigned int *ret_tries, int64_t *due)
{
	struct list_node *n;
	bool found = false;

	*ret_tries = 0;
	LIST_FOREACH(n, &ii->ii_ifp->if_addrs) {
		struct ifaddr *ifa = addr_of(n);
		int64_t end;

		if (ifa == NULL || !is_temp_of(ifa, &parent->ifa_addr))
			continue;
		if ((ifa->ifa_flags & IFA_F_DADFAILED) != 0) {
			if (ip6_addrinfo(ifa)->ai_regen + 1 > *ret_tries)
				*ret_tries = ip6_addrinfo(ifa)->ai_regen + 1;
			continue;
		}
		end = ifa->ifa_preferred - regen_advance(ii);
		if (end > now) {
			*due = ip6_sooner(*due, end);
			found = true;
		}
	}
	return found;
}

static struct ifaddr *
parent_find(struct ip6_if *ii, const struct ifaddr *temp)
{
	return ifaddr_find(ii->ii_ifp->if_ns, AF_INET6, &ip6_addrinfo(temp)->ai_parent, ii->ii_ifp);
}

/* Who lost his public address goes too. */
static void
temps_orphaned(struct ip6_if *ii)
{
	struct list_node *n, *next;

	LIST_FOREACH_SAFE(n, next, &ii->ii_ifp->if_addrs) {
		struct ifaddr *ifa = addr_of(n);
		struct inaddr a;

		if (ifa == NULL || (ifa->ifa_flags & IFA_F_TEMPORARY) == 0 ||
		    !ip6_addrinfo(ifa)->ai_auto || parent_find(ii, ifa) != NULL)
			continue;
		a = ifa->ifa_addr;
		(void)ifaddr_del(ii->ii_ifp, AF_INET6, &a, 64);
	}
}

/* Collided temporaries have served once a successor is due: they only take room. */
static void
temps_failed(struct ip6_if *ii, const struct inaddr *parent)
{
	struct list_node *n, *next;

	LIST_FOREACH_SAFE(n, next, &ii->ii_ifp->if_addrs) {
		struct ifaddr *ifa = addr_of(n);
		struct inaddr a;

		if (ifa == NULL || !is_temp_of(ifa, parent) ||
		    (ifa->ifa_flags & IFA_F_DADFAILED) == 0)
			continue;
		a = ifa->ifa_addr;
		(void)ifaddr_del(ii->ii_ifp, AF_INET6, &a, 64);
	}
}

static int64_t
temps_run(struct ip6_if *ii, struct ifaddr *parent, int64_t now)
{
	int64_t due = KTIME_NEVER;
	unsigned int tries;

	if (temps_suffice(ii, parent, now, &tries, &due))
		return due;
	if (tries > TEMP_RETRIES)	/* section 3.4: it is given up */
		return due;
	temps_failed(ii, &parent->ifa_addr);
	temp_make(ii, parent, tries, now);
	(void)temps_suffice(ii, parent, now, &tries, &due);
	return due;
}

/* --- public addresses ------------------------------------------------------------------ */

static bool
wants_temps(const struct ifaddr *ifa)
{
	return (ifa->ifa_flags & (IFA_F_MANAGETEMPADDR | IFA_F_TENTATIVE | IFA_F_DEPRECATED)) ==
	    IFA_F_MANAGETEMPADDR && ifa->ifa_plen == 64;
}

static void
public_make(struct ip6_if *ii, const struct inaddr *prefix, unsigned int tries,
    int64_t preferred, int64_t valid)
{
	struct ifnet *ifp = ii->ii_ifp;
	struct ifaddr *ifa, model = {
		.ifa_family = AF_INET6, .ifa_plen = 64, .ifa_addr = *prefix,
		.ifa_flags = IFA_F_NOPREFIXROUTE | IFA_F_MANAGETEMPADDR,
		.ifa_preferred = preferred, .ifa_valid = valid,
	};

	if (autos_count(ii) >= IP6_MAXAUTO)
		return;
	if (netvar_get(ifp->if_ns, &ip6_var_addr_gen_mode) == ADDR_GEN_STABLE)
		ip6_iid_stable(ifp, prefix, tries, &model.ifa_addr.ia_b[8]);
	else
		ip6_iid_eui64(ifp, &model.ifa_addr.ia_b[8]);
	model.ifa_peer = model.ifa_addr;
	if (ip6_addr_make(ifp, &model, &ifa) == 0) {
		ip6_addrinfo(ifa)->ai_auto = true;
		ip6_addrinfo(ifa)->ai_tries = tries;
	}
}

static bool
is_public(const struct ifaddr *ifa)
{
	return ip6_addrinfo(ifa)->ai_auto && (ifa->ifa_flags & IFA_F_TEMPORARY) == 0 &&
	    !ip6_linklocal(&ifa->ifa_addr);
}

static struct ifaddr *
public_find(struct ip6_if *ii, const struct inaddr *prefix)
{
	struct list_node *n;

	LIST_FOREACH(n, &ii->ii_ifp->if_addrs) {
		struct ifaddr *ifa = addr_of(n);

		if (ifa != NULL && is_public(ifa) && ip6_prefix_eq(&ifa->ifa_addr, prefix, 64))
			return ifa;
	}
	return NULL;
}

/* RFC 4862 section 5.5.3 (e) */
static int64_t
valid_revised(int64_t valid, int64_t said, int64_t now)
{
	int64_t remaining = valid == KTIME_NEVER ? KTIME_NEVER : valid - now;

	if (said == KTIME_NEVER || said - now > TWO_HOURS || said > valid)
		return said;
	return remaining <= TWO_HOURS ? valid : now + TWO_HOURS;
}

void
slaac_prefix(struct ip6_if *ii, const struct nd_prefix *pi, int64_t now)
{
	struct ifaddr *ifa = public_find(ii, &pi->pi_prefix);
	int64_t preferred = deadline(pi->pi_preferred, now);
	int64_t valid = deadline(pi->pi_valid, now);

	if (ifa == NULL) {
		if (pi->pi_valid != 0)
			public_make(ii, &pi->pi_prefix, 0, preferred, valid);
		return;
	}
	valid = valid_revised(ifa->ifa_valid, valid, now);
	ip6_addr_setlife(ifa, ip6_sooner(preferred, valid), valid);
	temps_prolong(ii, ifa);
}

/* A stable identifier that is somebody else's: the next one (RFC 7217 section 6). */
static void
public_retry(struct ip6_if *ii, struct ifaddr *ifa)
{
	unsigned int tries = ip6_addrinfo(ifa)->ai_tries + 1;
	struct inaddr a = ifa->ifa_addr, prefix = ip6_masked(&a, 64);
	int64_t preferred = ifa->ifa_preferred, valid = ifa->ifa_valid;

	(void)ifaddr_del(ii->ii_ifp, AF_INET6, &a, 64);
	public_make(ii, &prefix, tries, preferred, valid);
}

/* The next public address to try again, or NULL. */
static struct ifaddr *
public_failed(struct ip6_if *ii)
{
	struct list_node *n;

	if (netvar_get(ii->ii_ifp->if_ns, &ip6_var_addr_gen_mode) != ADDR_GEN_STABLE)
		return NULL;
	LIST_FOREACH(n, &ii->ii_ifp->if_addrs) {
		struct ifaddr *ifa = addr_of(n);

		if (ifa != NULL && is_public(ifa) && (ifa->ifa_flags & IFA_F_DADFAILED) != 0 &&
		    ip6_addrinfo(ifa)->ai_tries < IDGEN_RETRIES)
			return ifa;
	}
	return NULL;
}

int64_t
slaac_run(struct ip6_if *ii, int64_t now)
{
	struct ifaddr *parent[IP6_MAXAUTO];
	int64_t due = KTIME_NEVER;
	struct list_node *n;
	size_t nparents = 0;
	struct ifaddr *ifa;

	if (!ii->ii_up)
		return due;
	while ((ifa = public_failed(ii)) != NULL)
		public_retry(ii, ifa);
	temps_orphaned(ii);
	if (netvar_get(ii->ii_ifp->if_ns, &ip6_var_use_tempaddr) <= 0)
		return due;
	/* Collected first: making one changes the list. */
	LIST_FOREACH(n, &ii->ii_ifp->if_addrs) {
		ifa = addr_of(n);
		if (ifa != NULL && wants_temps(ifa) && nparents < ARRAY_SIZE(parent))
			parent[nparents++] = ifa;
	}
	for (size_t i = 0; i < nparents; i++)
		due = ip6_sooner(due, temps_run(ii, parent[i], now));
	return due;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nd_ra.c - what routers announce: themselves, prefixes on link, routes, numbers
 *
 * Everything announced is a struct nd_known of the interface with a time at which it
 * ends, and usually a route.  Of several routers for one prefix (or for ::/0: the
 * default routers) one is in the routing table: the one with the highest
 * preference among those that are not known to be unreachable (RFC 4191
 * section 3.2, RFC 4861 section 6.3.6); the present one stays if others are only as good.
 *
 * Bounded: IP6_MAXPREFIX prefixes, IP6_MAXROUTE routes, IP6_MAXDNS resolvers; what
 * is beyond is ignored, for whoever floods should not push out what is in use.
 */

#include "ip6_impl.h"

#include <net/netevent.h>
#include <net/resolver.h>

#include <lib/string.h>

#define METRIC_PREFIX	256
#define METRIC_ROUTE	1024

static struct rtconfig
known_route(const struct ip6_if *ii, const struct nd_known *k)
{
	struct rtconfig rc = {
		.rc_family = AF_INET6, .rc_dst = k->k_prefix, .rc_plen = k->k_plen,
		.rc_type = RTN_UNICAST, .rc_scope = RT_SCOPE_UNIVERSE,
		.rc_protocol = RTPROT_RA, .rc_table = RT_TABLE_MAIN,
		.rc_metric = k->k_kind == PFX_PREFIX ? METRIC_PREFIX : METRIC_ROUTE,
		.rc_mtu = atomic_load(&ii->ii_mtu), .rc_hoplimit = atomic_load(&ii->ii_hops),
		.rc_expires = k->k_expires == KTIME_NEVER ? 0 : k->k_expires,
		.rc_nhops = 1,
		.rc_hop = { { .nh_ifindex = ii->ii_ifp->if_index, .nh_weight = 1 } },
	};

	if (k->k_kind == PFX_ROUTE) {
		rc.rc_hop[0].nh_gwfamily = AF_INET6;
		rc.rc_hop[0].nh_gw = k->k_router;
	}
	return rc;
}

static void
known_install(struct ip6_if *ii, struct nd_known *k)
{
	struct rtconfig rc = known_route(ii, k);

	k->k_installed = route_add(ii->ii_ifp->if_ns, &rc, NLM_F_CREATE | NLM_F_APPEND) == 0;
}

static void
known_uninstall(struct ip6_if *ii, struct nd_known *k)
{
	struct rtconfig rc = known_route(ii, k);

	if (k->k_installed)
		(void)route_del(ii->ii_ifp->if_ns, &rc);
	k->k_installed = false;
}

static struct nd_known *
known_find(struct ip6_if *ii, enum pfx_kind kind, const struct inaddr *prefix,
    uint8_t plen, const struct inaddr *router)
{
	struct list_node *n;

	LIST_FOREACH(n, &ii->ii_known) {
		struct nd_known *k = container_of(n, struct nd_known, k_link);

		if (k->k_kind == kind && k->k_plen == plen && inaddr_eq(&k->k_prefix, prefix) &&
		    (kind == PFX_PREFIX || inaddr_eq(&k->k_router, router)))
			return k;
	}
	return NULL;
}

static void
known_remove(struct ip6_if *ii, struct nd_known *k)
{
	known_uninstall(ii, k);
	list_remove(&k->k_link);
	ii->ii_nknown[k->k_kind]--;
	kmem_free(k, sizeof(*k));
}

void
nd_known_flush(struct ip6_if *ii)
{
	while (!list_empty(&ii->ii_known))
		known_remove(ii, container_of(list_first(&ii->ii_known), struct nd_known, k_link));
}

static struct nd_known *
known_create(struct ip6_if *ii, enum pfx_kind kind)
{
	static const unsigned int max[PFX_NKINDS] = {
		[PFX_PREFIX] = IP6_MAXPREFIX, [PFX_ROUTE] = IP6_MAXROUTE,
	};
	struct nd_known *k;

	if (ii->ii_nknown[kind] >= max[kind])
		return NULL;
	k = kmem_zalloc(sizeof(*k), KM_NOSLEEP);
	if (k == NULL)
		return NULL;
	k->k_kind = kind;
	ii->ii_nknown[kind]++;
	list_insert_tail(&ii->ii_known, &k->k_link);
	return k;
}

/* Announced, for lifetime seconds: 0 ends it. */
static void
known_announce(struct ip6_if *ii, enum pfx_kind kind, const struct nd_route *ri,
    const struct inaddr *router, int64_t now)
{
	struct nd_known *k = known_find(ii, kind, &ri->ri_prefix, ri->ri_plen, router);
	int64_t expires = ri->ri_lifetime == ND_INFINITE ? KTIME_NEVER :
	    now + ri->ri_lifetime * NSEC_PER_SEC;

	if (ri->ri_lifetime == 0) {
		if (k != NULL)
			known_remove(ii, k);
		return;
	}
	if (k == NULL)
		k = known_create(ii, kind);
	else if (k->k_expires != expires || k->k_pref != ri->ri_pref)
		known_uninstall(ii, k);		/* to come again with the new time */
	if (k == NULL)
		return;
	k->k_prefix = ri->ri_prefix;
	k->k_plen = ri->ri_plen;
	k->k_pref = ri->ri_pref;
	k->k_expires = expires;
	if (router != NULL)
		k->k_router = *router;
}

/* --- which router ------------------------------------------------------------------- */

static bool
router_reachable(const struct ip6_if *ii, const struct inaddr *router)
{
	struct neigh_info ni;

	if (neigh_lookup(ii->ii_ifp, AF_INET6, router, &ni))
		return true;		/* not tried yet */
	return (ni.ni_state & (NUD_FAILED | NUD_INCOMPLETE)) == 0;
}

static int
known_score(const struct ip6_if *ii, const struct nd_known *k)
{
	return (router_reachable(ii, &k->k_router) ? 10 : 0) + 2 * k->k_pref +
	    (k->k_installed ? 1 : 0);
}

static bool
known_same(const struct nd_known *a, const struct nd_known *b)
{
	return a->k_kind == b->k_kind && a->k_plen == b->k_plen &&
	    inaddr_eq(&a->k_prefix, &b->k_prefix);
}

/* Is k the router to use for its prefix? */
static bool
known_best(const struct ip6_if *ii, const struct nd_known *k)
{
	struct list_node *n;
	bool before = true;

	if (k->k_kind == PFX_PREFIX)
		return true;
	LIST_FOREACH(n, &ii->ii_known) {
		struct nd_known *o = container_of(n, struct nd_known, k_link);
		int better;

		if (o == k) {
			before = false;
			continue;
		}
		if (!known_same(o, k))
			continue;
		better = known_score(ii, o) - known_score(ii, k);
		if (better > 0 || (better == 0 && before))
			return false;
	}
	return true;
}

int64_t
nd_known_run(struct ip6_if *ii, int64_t now)
{
	struct list_node *n, *next;
	int64_t due = KTIME_NEVER;

	LIST_FOREACH_SAFE(n, next, &ii->ii_known) {
		struct nd_known *k = container_of(n, struct nd_known, k_link);

		if (now >= k->k_expires)
			known_remove(ii, k);
		else
			due = ip6_sooner(due, k->k_expires);
	}
	/* First out with the old, so that two are never there at once. */
	LIST_FOREACH(n, &ii->ii_known) {
		struct nd_known *k = container_of(n, struct nd_known, k_link);

		if (k->k_installed && !known_best(ii, k))
			known_uninstall(ii, k);
	}
	LIST_FOREACH(n, &ii->ii_known) {
		struct nd_known *k = container_of(n, struct nd_known, k_link);

		if (!k->k_installed && known_best(ii, k))
			known_install(ii, k);
	}
	return due;
}

void
nd_known_notrouter(struct ip6_if *ii, const struct inaddr *router)
{
	struct list_node *n, *next;

	LIST_FOREACH_SAFE(n, next, &ii->ii_known) {
		struct nd_known *k = container_of(n, struct nd_known, k_link);

		if (k->k_kind == PFX_ROUTE && inaddr_eq(&k->k_router, router))
			known_remove(ii, k);
	}
}

/* --- the message ----------------------------------------------------------------------- */

static void
ra_numbers(struct ip6_if *ii, const struct nd_ra *ra)
{
	struct ifnet *ifp = ii->ii_ifp;

	if (ra->ra_hops != 0)
		atomic_store(&ii->ii_hops, ra->ra_hops);
	if (ra->ra_retrans != 0 && ra->ra_retrans <= 3600 * 1000)
		atomic_store(&ii->ii_retrans, ra->ra_retrans);
	neigh_settimes(ifp, AF_INET6, ra->ra_reachable <= 3600 * 1000 ? ra->ra_reachable : 0,
	    ra->ra_retrans <= 3600 * 1000 ? ra->ra_retrans : 0);
	if (ra->ra_mtu != 0 && ra->ra_mtu <= atomic_load(&ifp->if_mtu) &&
	    ra->ra_mtu != atomic_load(&ii->ii_mtu) &&
	    netvar_get(ifp->if_ns, &ip6_var_accept_ra_mtu)) {
		struct list_node *n;

		LIST_FOREACH(n, &ii->ii_known)	/* they carry it */
			known_uninstall(ii, container_of(n, struct nd_known, k_link));
		atomic_store(&ii->ii_mtu, ra->ra_mtu);
		route_changed(ifp->if_ns);
	}
}

static void
dns_announce(struct ip6_if *ii, const struct inaddr *a, uint32_t lifetime, int64_t now)
{
	unsigned int i;

	for (i = 0; i < ii->ii_ndns; i++) {
		if (inaddr_eq(&ii->ii_dns[i].d_addr, a) || ii->ii_dns[i].d_expires <= now)
			break;
	}
	if (lifetime == 0) {
		if (i < ii->ii_ndns && inaddr_eq(&ii->ii_dns[i].d_addr, a))
			ii->ii_dns[i] = ii->ii_dns[--ii->ii_ndns];
		return;
	}
	if (i == IP6_MAXDNS)
		return;
	if (i == ii->ii_ndns)
		ii->ii_ndns++;
	ii->ii_dns[i].d_addr = *a;
	ii->ii_dns[i].d_expires = lifetime == ND_INFINITE ? KTIME_NEVER :
	    now + lifetime * NSEC_PER_SEC;
}

/* The list of the router that spoke last is the one: lists of several would grow. */
static void
dnssl_announce(struct ip6_if *ii, const struct nd_dnssl *ds, int64_t now)
{
	ii->ii_dnssl = *ds;
	ii->ii_dnsslends = ds->ds_lifetime == ND_INFINITE ? KTIME_NEVER :
	    now + ds->ds_lifetime * NSEC_PER_SEC;
}

void
nd_resolvers(struct ifnet *ifp, struct resolvers *rv)
{
	const struct ip6_if *ii = ip6_if(ifp);
	int64_t now = clock_mono();

	if (ii == NULL)
		return;
	for (unsigned int i = 0; i < ii->ii_ndns; i++) {
		if (ii->ii_dns[i].d_expires > now)
			resolvers_add(rv, AF_INET6, &ii->ii_dns[i].d_addr);
	}
	if (ii->ii_dnsslends > now)
		strlcpy(rv->rv_search, ii->ii_dnssl.ds_search, sizeof(rv->rv_search));
}

static void
ra_prefix(struct ip6_if *ii, const struct nd_prefix *pi, int64_t now)
{
	struct netns *ns = ii->ii_ifp->if_ns;
	struct nd_route ri = {
		.ri_prefix = pi->pi_prefix, .ri_plen = pi->pi_plen, .ri_lifetime = pi->pi_valid,
	};

	if (!netvar_get(ns, &ip6_var_accept_ra_pinfo))
		return;
	if (pi->pi_onlink)
		known_announce(ii, PFX_PREFIX, &ri, NULL, now);
	if (pi->pi_auto && pi->pi_plen == 64 && netvar_get(ns, &ip6_var_autoconf))
		slaac_prefix(ii, pi, now);
}

static void
ra_option(struct ip6_if *ii, const struct nd_opt *o, const struct inaddr *src, int64_t now)
{
	struct netns *ns = ii->ii_ifp->if_ns;
	struct nd_dnssl search;
	struct nd_rdnss dns;
	struct nd_prefix pi;
	struct nd_route ri;

	if (o->o_type == ND_OPT_PREFIX && nd_prefix_parse(o, &pi) == 0)
		ra_prefix(ii, &pi, now);
	else if (o->o_type == ND_OPT_ROUTE && nd_route_parse(o, &ri) == 0 &&
	    ri.ri_plen <= netvar_get(ns, &ip6_var_accept_ra_rtinfo))
		known_announce(ii, PFX_ROUTE, &ri, src, now);
	else if (o->o_type == ND_OPT_RDNSS && nd_rdnss_parse(o, &dns) == 0)
		for (unsigned int i = 0; i < dns.dn_n; i++)
			dns_announce(ii, &dns.dn_addr[i], dns.dn_lifetime, now);
	else if (o->o_type == ND_OPT_DNSSL && nd_dnssl_parse(o, &search) == 0)
		dnssl_announce(ii, &search, now);
}

/* RFC 4861 section 4.2: M and O.  Said each time: who was told may have failed. */
static void
ra_tell(struct ip6_if *ii, const struct nd_ra *ra)
{
	struct netevent_info ne = { .ne_ns = ii->ii_ifp->if_ns, .ne_ifp = ii->ii_ifp };

	if (ra->ra_managed)
		ne.ne_router |= NETEVENT_ROUTER_MANAGED;
	if (ra->ra_other)
		ne.ne_router |= NETEVENT_ROUTER_OTHER;
	netevent_tell(NETEVENT_ROUTER, &ne);
}

void
nd_ra_process(struct ip6_if *ii, const struct nd_ra *ra, const struct inaddr *src, int64_t now)
{
	struct nd_route def = { .ri_pref = ra->ra_pref, .ri_lifetime = ra->ra_lifetime };
	struct nd_opt o;
	size_t off = 0;

	ra_numbers(ii, ra);
	if (netvar_get(ii->ii_ifp->if_ns, &ip6_var_accept_ra_defrtr))
		known_announce(ii, PFX_ROUTE, &def, src, now);
	while (nd_opt_next(ra->ra_opts, ra->ra_optslen, &off, &o) == 0)
		ra_option(ii, &o, src, now);
	ii->ii_raseen = true;
	ii->ii_managed = ra->ra_managed;
	ii->ii_other = ra->ra_other;
	if (ra->ra_lifetime != 0)
		ii->ii_rsleft = 0;
	ra_tell(ii, ra);
}

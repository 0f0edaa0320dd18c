/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_if.c - IPv6 on one interface
 *
 * Life cycle: made when the interface appears; started when it is up and IPv6 is not
 * disabled (ip6_if_start(): all-nodes group, link-local address or ::1); stopped
 * when either ends, which takes all addresses and all that routers said; freed when the
 * interface goes.  Which of both holds is decided in one place, if_reconcile(), that each
 * pass over the interface calls.
 *
 * Routers are solicited from when the link-local address is known to be unique until
 * one answers (RFC 7559).
 */

#include "ip6_impl.h"

#include <net/netevent.h>

#include <lib/string.h>

#define RS_DELAY_MAX	(NSEC_PER_SEC)		/* RFC 4861 section 10 */
#define RS_GAP_MAX	(3600 * NSEC_PER_SEC)	/* RFC 7559 */

bool
ip6_if_hasnd(const struct ifnet *ifp)
{
	uint32_t flags = atomic_load(&ifp->if_flags);

	return ifp->if_addrlen == 6 &&
	    (flags & (IFF_NOARP | IFF_LOOPBACK | IFF_POINTOPOINT)) == 0;
}

bool
ip6_if_acceptsra(const struct ifnet *ifp)
{
	int accept = netvar_get(ifp->if_ns, &ip6_var_accept_ra);

	return ip6_if_hasnd(ifp) &&
	    (accept == 2 || (accept == 1 && !netvar_get(ifp->if_ns, &ip6_var_forwarding)));
}

uint32_t
ip6_if_mtu(const struct ifnet *ifp)
{
	const struct ip6_if *ii = ip6_if(ifp);
	uint32_t mtu = atomic_load(&ifp->if_mtu), said;

	said = ii != NULL ? atomic_load(&ii->ii_mtu) : 0;
	return said != 0 && said < mtu ? said : mtu;
}

bool
ip6_if_linklocal(const struct ifnet *ifp, struct inaddr *ret_a)
{
	struct list_node *n;

	LIST_FOREACH(n, &ifp->if_addrs) {
		struct ifaddr *ifa = container_of(n, struct ifaddr, ifa_iflink);

		if (ifa->ifa_family == AF_INET6 && ip6_linklocal(&ifa->ifa_addr) &&
		    !ip6_tentative(ifa)) {
			*ret_a = ifa->ifa_addr;
			return true;
		}
	}
	return false;
}

/* --- router solicitations ----------------------------------------------------- */

void
ip6_rs_start(struct ip6_if *ii, int64_t now)
{
	int n = netvar_get(ii->ii_ifp->if_ns, &ip6_var_rs);

	if (!ip6_if_acceptsra(ii->ii_ifp) || n == 0)
		return;
	ii->ii_rsleft = n < 0 ? UINT32_MAX : (unsigned int)n;
	ii->ii_rsgap = netvar_get(ii->ii_ifp->if_ns, &ip6_var_rs_interval) * NSEC_PER_SEC;
	ii->ii_rsat = now + random_below(RS_DELAY_MAX);
}

/* Up to a tenth more or less (RFC 7559 section 2.1). */
static int64_t
rs_jitter(int64_t gap)
{
	return gap - gap / 10 + (int64_t)(random_u64() % (uint64_t)(gap / 5 + 1));
}

static int64_t
rs_run(struct ip6_if *ii, int64_t now, struct packetq *out)
{
	if (ii->ii_rsleft == 0 || !ii->ii_running)
		return KTIME_NEVER;
	if (!ip6_if_acceptsra(ii->ii_ifp)) {
		ii->ii_rsleft = 0;
		return KTIME_NEVER;
	}
	if (now < ii->ii_rsat)
		return ii->ii_rsat;
	nd_send_rs(ii->ii_ifp, out);
	if (ii->ii_rsleft != UINT32_MAX)
		ii->ii_rsleft--;
	ii->ii_rsat = now + rs_jitter(ii->ii_rsgap);
	ii->ii_rsgap = ip6_sooner(ii->ii_rsgap * 2, RS_GAP_MAX);
	return ii->ii_rsleft == 0 ? KTIME_NEVER : ii->ii_rsat;
}

/* --- start and stop -------------------------------------------------------------- */

static void
loopback_address(struct ifnet *ifp)
{
	struct ifaddr model = {
		.ifa_family = AF_INET6, .ifa_plen = 128, .ifa_scope = RT_SCOPE_HOST,
		.ifa_addr = { .ia_b = { [15] = 1 } }, .ifa_peer = { .ia_b = { [15] = 1 } },
		.ifa_flags = IFA_F_PERMANENT, .ifa_preferred = KTIME_NEVER,
		.ifa_valid = KTIME_NEVER,
	};

	(void)ifaddr_add(ifp, &model, NULL);
}

static void
ip6_if_start(struct ip6_if *ii)
{
	struct ifnet *ifp = ii->ii_ifp;

	atomic_store(&ii->ii_up, true);
	mld_if_up(ii);
	if ((ifp->if_flags & IFF_LOOPBACK) != 0) {
		loopback_address(ifp);
		return;
	}
	ip6_linklocal_make(ii, 0);
}

static void
ip6_if_stop(struct ip6_if *ii)
{
	atomic_store(&ii->ii_up, false);
	ii->ii_rsleft = 0;
	ii->ii_ndns = 0;
	ii->ii_dnsslends = 0;
	ii->ii_raseen = ii->ii_managed = ii->ii_other = false;
	atomic_store(&ii->ii_mtu, 0);
	atomic_store(&ii->ii_hops, 0);
	nd_known_flush(ii);
	ifaddr_purge(ii->ii_ifp, AF_INET6);
	mld_if_down(ii);
}

static void
if_reconcile(struct ip6_if *ii)
{
	struct ifnet *ifp = ii->ii_ifp;
	bool want = (ifp->if_flags & IFF_UP) != 0 && !ifp->if_dying && !ii->ii_addrfail &&
	    !netvar_get(ifp->if_ns, &ip6_var_disable) && atomic_load(&ifp->if_mtu) >= IP6_MINMTU;

	if (want && !ii->ii_up)
		ip6_if_start(ii);
	else if (!want && ii->ii_up)
		ip6_if_stop(ii);
}

/* The group of routers, as long as we are one (RFC 4291 section 2.8). */
static void
routers_group(struct ip6_if *ii)
{
	struct inaddr routers = ip6_group(IP6_SCOPE_LINK, 2);
	bool want = ii->ii_up && ip6_if_hasnd(ii->ii_ifp) &&
	    netvar_get(ii->ii_ifp->if_ns, &ip6_var_forwarding);

	if (want == ii->ii_allrouters)
		return;
	if (want)
		ii->ii_allrouters = mld_join(ii, &routers) == 0;
	else {
		mld_leave(ii, &routers);
		ii->ii_allrouters = false;
	}
}

/* Is there a link-local address of which we will know more? */
static bool
linklocal_pending(const struct ifnet *ifp)
{
	struct list_node *n;

	LIST_FOREACH(n, &ifp->if_addrs) {
		struct ifaddr *ifa = container_of(n, struct ifaddr, ifa_iflink);

		if (ifa->ifa_family == AF_INET6 && ip6_linklocal(&ifa->ifa_addr) &&
		    (ifa->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == IFA_F_TENTATIVE)
			return true;
	}
	return false;
}

int64_t
ip6_if_run(struct ip6_if *ii, int64_t now, struct packetq *out)
{
	bool running = if_running(ii->ii_ifp);
	int64_t next;

	if_reconcile(ii);
	routers_group(ii);
	if (running && !ii->ii_running && ii->ii_up && !linklocal_pending(ii->ii_ifp))
		ip6_rs_start(ii, now);		/* else when it is known to be ours */
	ii->ii_running = running && ii->ii_up;
	next = ip6_linklocal_run(ii, now);
	next = ip6_sooner(next, ip6_addr_run(ii, now, out));
	next = ip6_sooner(next, nd_known_run(ii, now));
	next = ip6_sooner(next, slaac_run(ii, now));
	next = ip6_sooner(next, rs_run(ii, now, out));
	return ip6_sooner(next, mld_run(ii, now, out));
}

/* --- the stack's hooks --------------------------------------------------------------- */

static int
ip6_ifattach(struct ifnet *ifp)
{
	struct ip6_if *ii = kmem_zalloc(sizeof(*ii), KM_SLEEP);
	int error;

	if (ii == NULL)
		return ENOMEM;
	ii->ii_ifp = ifp;
	list_init(&ii->ii_known);
	ii->ii_retrans = 1000;
	error = mld_if_create(ii);
	if (error) {
		kmem_free(ii, sizeof(*ii));
		return error;
	}
	__atomic_store_n(&ifp->if_inet6, ii, __ATOMIC_RELEASE);
	if ((ifp->if_flags & IFF_UP) != 0)
		if_reconcile(ii);
	return 0;
}

static void
ip6_ifup(struct ifnet *ifp)
{
	struct ip6_if *ii = ip6_if(ifp);

	if (ii != NULL) {
		if_reconcile(ii);
		ip6_kick_if(ifp);
	}
}

static void
ip6_ifdown(struct ifnet *ifp)
{
	struct ip6_if *ii = ip6_if(ifp);

	if (ii == NULL)
		return;
	if (ii->ii_up)
		ip6_if_stop(ii);
	ii->ii_addrfail = false;
	ii->ii_running = false;
}

static void
ip6_if_free(struct qsbr_head *qh)
{
	struct ip6_if *ii = container_of(qh, struct ip6_if, ii_qsbr);

	mld_if_destroy(ii);
	kmem_free(ii, sizeof(*ii));
}

static void
ip6_ifdetach(struct ifnet *ifp)
{
	struct ip6_if *ii = ip6_if(ifp);

	if (ii == NULL)
		return;
	ip6_ifdown(ifp);
	nd_known_flush(ii);
	mld_if_detach(ii);
	__atomic_store_n(&ifp->if_inet6, NULL, __ATOMIC_RELEASE);
	qsbr_call(&ii->ii_qsbr, ip6_if_free);
}

static struct ifaddr_family ip6_family = {
	.af_family	= AF_INET6,
	.af_check	= ip6_addr_check,
	.af_added	= ip6_addr_added,
	.af_removing	= ip6_addr_removing,
	.af_ifattach	= ip6_ifattach,
	.af_ifup	= ip6_ifup,
	.af_ifdown	= ip6_ifdown,
	.af_ifdetach	= ip6_ifdetach,
	.af_select	= ip6_select,
};

/*
 * Carrier, MTU, whether a router answers, and lifetimes that somebody else has set: the
 * work thread looks.
 */
static void
ip6_event(enum netevent ev, const struct netevent_info *ne)
{
	if (ev == NETEVENT_LINK_NEW ||
	    (ev == NETEVENT_NEIGH_NEW && ne->ne_neigh->ni_family == AF_INET6 &&
	    (ne->ne_neigh->ni_flags & NTF_ROUTER) != 0))
		ip6_kick_if(ne->ne_ifp);
	else if (ev == NETEVENT_ADDR_NEW && ne->ne_ifa->ifa_family == AF_INET6 &&
	    ne->ne_ifa->ifa_valid != KTIME_NEVER)
		ip6_kick_if(ne->ne_ifa->ifa_ifp);
}

static struct netevent_listener ip6_listener = { .nl_event = ip6_event };

void
ip6_if_attach(void)
{
	ifaddr_family_register(&ip6_family);
	netevent_listen(&ip6_listener);
}

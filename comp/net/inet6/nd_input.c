/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nd_input.c - received neighbour discovery messages
 *
 * Solicitations for our addresses are answered at once and what advertisements say
 * of neighbours goes to the neighbour cache: both without a lock.  What touches
 * the configuration is handed to the work thread, which comes back to
 * nd_deferred() and parses once more: a message is cheaper to parse twice than to
 * carry about in pieces.
 *
 * References: RFC 4861 sections 6.2.6, 7.2, 8.3; RFC 4862 section 5.4.
 */

#include "ip6_impl.h"

#include <sys/log.h>

#include <lib/string.h>

#define ND_MSG_MAX	1280	/* more than any link of ours needs */

/* Of the length that this interface's addresses have, else NULL. */
static const uint8_t *
lladdr_fit(const struct ifnet *ifp, const struct nd_lladdr *l)
{
	size_t optlen = (2u + ifp->if_addrlen + 7) & ~7u;

	return l->l_addr != NULL && l->l_len + 2u == optlen ? l->l_addr : NULL;
}

static void
na_reply(struct ifnet *ifp, const struct nd_msg *m, const struct nd_ns *ns)
{
	struct packetq out = PACKETQ_INITIALIZER;
	struct inaddr all = ip6_group(IP6_SCOPE_LINK, 1);

	nd_send_na(ifp, &ns->ns_target, ns->ns_dad ? &all : &m->m_src, !ns->ns_dad, true, &out);
	ip6_send_queue(&out);
}

/* True: the work thread is to see it. */
static bool
ns_input(struct ifnet *ifp, const struct nd_msg *m, const char **ret_why)
{
	const uint8_t *ll;
	struct ifaddr *ifa;
	struct nd_ns ns;

	if (nd_ns_parse(m, &ns, ret_why))
		return false;
	ifa = ifaddr_find(ifp->if_ns, AF_INET6, &ns.ns_target, ifp);
	if (ifa == NULL)
		return false;
	if (ip6_tentative(ifa))
		return ns.ns_dad;
	ll = lladdr_fit(ifp, &ns.ns_slla);
	if (!ns.ns_dad && ll != NULL)
		neigh_learn(ifp, AF_INET6, &m->m_src, ll, NEIGH_CREATE | NEIGH_OVERRIDE);
	na_reply(ifp, m, &ns);
	return false;
}

static bool
na_input(struct ifnet *ifp, const struct nd_msg *m, const char **ret_why)
{
	struct neigh_info ni;
	unsigned int flags;
	struct ifaddr *ifa;
	struct nd_na na;
	bool was_router;

	if (nd_na_parse(m, &na, ret_why))
		return false;
	ifa = ifaddr_find(ifp->if_ns, AF_INET6, &na.na_target, ifp);
	if (ifa != NULL)
		return ip6_tentative(ifa);
	was_router = neigh_lookup(ifp, AF_INET6, &na.na_target, &ni) == 0 &&
	    (ni.ni_flags & NTF_ROUTER) != 0;
	flags = na.na_router ? NEIGH_ROUTER : NEIGH_NOTROUTER;
	if (na.na_override)
		flags |= NEIGH_OVERRIDE;
	if (na.na_solicited)
		flags |= NEIGH_REACHABLE;
	neigh_learn(ifp, AF_INET6, &na.na_target, lladdr_fit(ifp, &na.na_tlla), flags);
	/* Section 7.2.5: who no longer is a router leaves the list. */
	return was_router && !na.na_router;
}

/* A host that asks tells a router its address: RFC 4861 section 6.2.6. */
static bool
rs_input(struct ifnet *ifp, const struct nd_msg *m, const char **ret_why)
{
	const uint8_t *ll;
	struct nd_rs rs;

	if (nd_rs_parse(m, &rs, ret_why))
		return false;
	ll = lladdr_fit(ifp, &rs.rs_slla);
	if (ll != NULL && netvar_get(ifp->if_ns, &ip6_var_forwarding) != 0)
		neigh_learn(ifp, AF_INET6, &m->m_src, ll,
		    NEIGH_CREATE | NEIGH_OVERRIDE | NEIGH_NOTROUTER);
	return false;
}

static bool
ra_input(struct ifnet *ifp, const struct nd_msg *m, const char **ret_why)
{
	struct nd_ra ra;

	return nd_ra_parse(m, &ra, ret_why) == 0 && ip6_if_acceptsra(ifp) &&
	    ifaddr_find(ifp->if_ns, AF_INET6, &m->m_src, ifp) == NULL;
}

static bool
redirect_input(struct ifnet *ifp, const struct nd_msg *m, const char **ret_why)
{
	struct nd_redirect rd;

	return nd_redirect_parse(m, &rd, ret_why) == 0 &&
	    netvar_get(ifp->if_ns, &ip6_var_accept_redirects) != 0 &&
	    netvar_get(ifp->if_ns, &ip6_var_forwarding) == 0;
}

static bool
message_input(struct ifnet *ifp, const struct nd_msg *m, const char **ret_why)
{
	switch (m->m_data[0]) {
	case ND_NS:
		return ns_input(ifp, m, ret_why);
	case ND_NA:
		return na_input(ifp, m, ret_why);
	case ND_RS:
		return rs_input(ifp, m, ret_why);
	case ND_RA:
		return ra_input(ifp, m, ret_why);
	default:
		return redirect_input(ifp, m, ret_why);
	}
}

void
nd_input(struct ifnet *ifp, struct packet *p)
{
	struct inet_rx *rx = INET_RX(p);
	struct nd_msg m = {
		.m_src = rx->ir_src, .m_dst = rx->ir_dst, .m_hops = rx->ir_ttl,
		.m_len = p->p_len,
	};
	uint8_t buf[ND_MSG_MAX];
	const char *why = NULL;
	bool defer = false;

	if (p->p_len < 8 || p->p_len > ND_MSG_MAX || rx->ir_fragmax != 0)
		why = "length";		/* RFC 6980: not fragmented either */
	else if (ip6_if_hasnd(ifp)) {
		m.m_data = packet_peek(p, 0, p->p_len, buf);
		defer = message_input(ifp, &m, &why);
	}
	if (why != NULL)
		ip6_count(nd_bad);
	if (defer)
		ip6_defer(ifp, p);
	else
		packet_free(p);
}

/* --- on the work thread --------------------------------------------------------- */

static void
ns_deferred(struct ip6_if *ii, const struct nd_msg *m)
{
	struct ifnet *ifp = ii->ii_ifp;
	const char *why;
	struct ifaddr *ifa;
	struct nd_ns ns;

	if (nd_ns_parse(m, &ns, &why) || !ns.ns_dad)
		return;
	ifa = ifaddr_find(ifp->if_ns, AF_INET6, &ns.ns_target, ifp);
	if (ifa != NULL)
		ip6_dad_heard(ii, ifa, false, ns.ns_nonce);
}

static void
na_deferred(struct ip6_if *ii, const struct nd_msg *m)
{
	struct ifnet *ifp = ii->ii_ifp;
	const char *why;
	struct ifaddr *ifa;
	struct nd_na na;

	if (nd_na_parse(m, &na, &why))
		return;
	ifa = ifaddr_find(ifp->if_ns, AF_INET6, &na.na_target, ifp);
	if (ifa != NULL)
		ip6_dad_heard(ii, ifa, true, NULL);
	else if (!na.na_router)
		nd_known_notrouter(ii, &na.na_target);
}

static void
ra_deferred(struct ip6_if *ii, const struct nd_msg *m)
{
	const uint8_t *ll;
	const char *why;
	struct nd_ra ra;

	if (nd_ra_parse(m, &ra, &why))
		return;
	ll = lladdr_fit(ii->ii_ifp, &ra.ra_slla);
	if (ll != NULL)
		neigh_learn(ii->ii_ifp, AF_INET6, &m->m_src, ll,
		    NEIGH_CREATE | NEIGH_OVERRIDE | NEIGH_ROUTER);
	ip6_count(nd_ra);
	nd_ra_process(ii, &ra, &m->m_src, clock_mono());
}

/* Section 8.1: only the present first hop may redirect; 8.3: what is done then. */
static void
redirect_deferred(struct ip6_if *ii, const struct nd_msg *m)
{
	struct ifnet *ifp = ii->ii_ifp;
	struct rtkey rk = { .rk_family = AF_INET6, .rk_oif = ifp->if_index };
	struct nd_redirect rd;
	const uint8_t *ll;
	struct rtdst *dst;
	const char *why;
	bool first;

	if (nd_redirect_parse(m, &rd, &why))
		return;
	rk.rk_dst = rd.rd_dst;
	if (route_lookup(ifp->if_ns, &rk, &dst))
		return;
	first = inaddr_eq(&dst->rd_hop, &m->m_src) && dst->rd_ifp == ifp;
	rtdst_rele(dst);
	if (!first) {
		ip6_count(nd_bad);
		return;
	}
	ll = lladdr_fit(ifp, &rd.rd_tlla);
	if (ll != NULL)
		neigh_learn(ifp, AF_INET6, &rd.rd_target, ll, NEIGH_CREATE | NEIGH_OVERRIDE |
		    (inaddr_eq(&rd.rd_target, &rd.rd_dst) ? 0 : NEIGH_ROUTER));
	route_redirect(ifp->if_ns, AF_INET6, &rd.rd_dst, &rd.rd_target, ifp);
	ip6_count(nd_redirects);
}

void
nd_deferred(struct ifnet *ifp, const struct nd_msg *m, struct packetq *out)
{
	struct ip6_if *ii = ip6_if(ifp);

	if (!ii->ii_up)
		return;
	switch (m->m_data[0]) {
	case ND_NS:
		ns_deferred(ii, m);
		break;
	case ND_NA:
		na_deferred(ii, m);
		break;
	case ND_RA:
		ra_deferred(ii, m);
		break;
	case ND_REDIRECT:
		redirect_deferred(ii, m);
		break;
	default:
		break;
	}
}

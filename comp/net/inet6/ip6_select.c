/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_select.c - which of our addresses to send from
 *
 * RFC 6724 section 5, rule by rule, as a comparison of two candidates; the best of all
 * candidates is then found in one pass.  Candidates are the addresses of the outgoing
 * interface and, for destinations beyond the link, of the others (section 4).
 *
 * Lock-free: the lists of addresses are read as they stand.
 */

#include "ip6_impl.h"

#include <lib/string.h>

static const struct {
	struct inaddr	 p_prefix;
	uint8_t		 p_plen, p_precedence, p_label;
} policies[] = {	/* section 2.1, the longest prefix first */
	{ { .ia_b = { [15] = 1 } }, 128, 50, 0 },
	{ { .ia_b = { [10] = 0xff, 0xff } }, 96, 35, 4 },
	{ { .ia_w = { 0 } }, 96, 1, 3 },
	{ { .ia_b = { 0x20, 0x01 } }, 32, 5, 5 },
	{ { .ia_b = { 0x20, 0x02 } }, 16, 30, 2 },
	{ { .ia_b = { 0x3f, 0xfe } }, 16, 1, 12 },
	{ { .ia_b = { 0xfe, 0xc0 } }, 10, 1, 11 },
	{ { .ia_b = { 0xfc } }, 7, 3, 13 },
	{ { .ia_w = { 0 } }, 0, 40, 1 },
};

void
ip6_policy(const struct inaddr *a, unsigned int *ret_precedence, unsigned int *ret_label)
{
	size_t i = 0;

	while (!ip6_prefix_eq(a, &policies[i].p_prefix, policies[i].p_plen))
		i++;
	*ret_precedence = policies[i].p_precedence;
	*ret_label = policies[i].p_label;
}

static unsigned int
label_of(const struct inaddr *a)
{
	unsigned int precedence, label;

	ip6_policy(a, &precedence, &label);
	return label;
}

/* Each rule: > 0 for a, < 0 for b, 0: the next one decides. */

static int
rule_same(const struct ip6_candidate *a, const struct ip6_candidate *b,
    const struct inaddr *dst)
{
	return inaddr_eq(&a->c_addr, dst) - inaddr_eq(&b->c_addr, dst);
}

/* Rule 2: the smallest scope that is not smaller than the destination's. */
static int
rule_scope(const struct ip6_candidate *a, const struct ip6_candidate *b,
    const struct inaddr *dst)
{
	unsigned int sa = ip6_scope(&a->c_addr), sb = ip6_scope(&b->c_addr);
	unsigned int sd = ip6_scope(dst);

	if (sa == sb)
		return 0;
	if (sa < sb)
		return sa < sd ? -1 : 1;
	return sb < sd ? 1 : -1;
}

static int
rule_flag(const struct ip6_candidate *a, const struct ip6_candidate *b, uint32_t good)
{
	return ((a->c_flags & good) != 0) - ((b->c_flags & good) != 0);
}

/* Rule 8: what of the prefix is the same, no further than the prefix. */
static unsigned int
common(const struct ip6_candidate *c, const struct inaddr *dst)
{
	unsigned int n = ip6_common(&c->c_addr, dst);

	return n < c->c_plen ? n : c->c_plen;
}

static int
rule_interface(const struct ip6_candidate *a, const struct ip6_candidate *b, uint32_t oif)
{
	return (a->c_ifindex == oif) - (b->c_ifindex == oif);
}

static int
rule_label(const struct ip6_candidate *a, const struct ip6_candidate *b,
    const struct inaddr *dst)
{
	unsigned int want = label_of(dst);

	return (label_of(&a->c_addr) == want) - (label_of(&b->c_addr) == want);
}

bool
ip6_src_better(const struct ip6_candidate *a, const struct ip6_candidate *b,
    const struct inaddr *dst, uint32_t oif, uint32_t prefs)
{
	int r = rule_same(a, b, dst);

	if (r == 0)
		r = rule_scope(a, b, dst);
	if (r == 0)
		r = -rule_flag(a, b, IFA_F_DEPRECATED | IFA_F_OPTIMISTIC);
	if (r == 0)
		r = rule_flag(a, b, IFA_F_HOMEADDRESS);
	if (r == 0)
		r = rule_interface(a, b, oif);
	if (r == 0)
		r = rule_label(a, b, dst);
	if (r == 0)
		r = (prefs & IP6_PREFER_TMP) != 0 ? rule_flag(a, b, IFA_F_TEMPORARY) :
		    -rule_flag(a, b, IFA_F_TEMPORARY);
	if (r == 0)
		r = common(a, dst) > common(b, dst) ? 1 : -1;
	return r > 0;
}

/* --- candidates ------------------------------------------------------------------ */

struct choice {
	const struct inaddr *ch_dst;
	uint32_t	 ch_oif, ch_prefs;
	bool		 ch_found;
	struct ip6_candidate ch_best;
};

static void
candidate_try(struct choice *ch, const struct ifaddr *ifa)
{
	uint32_t flags = atomic_load(&ifa->ifa_flags);
	struct ip6_candidate c = {
		.c_addr = ifa->ifa_addr, .c_flags = flags,
		.c_ifindex = ifa->ifa_ifp->if_index, .c_plen = ifa->ifa_plen,
	};

	if (ifa->ifa_family != AF_INET6 || (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0)
		return;
	if (ch->ch_found && !ip6_src_better(&c, &ch->ch_best, ch->ch_dst, ch->ch_oif,
	    ch->ch_prefs))
		return;
	ch->ch_best = c;
	ch->ch_found = true;
}

static void
candidates_of(struct choice *ch, const struct ifnet *ifp)
{
	struct list_node *n;

	for (n = atomic_load_acq(&ifp->if_addrs.l_head.ln_next); n != &ifp->if_addrs.l_head;
	    n = atomic_load_acq(&n->ln_next))
		candidate_try(ch, container_of(n, struct ifaddr, ifa_iflink));
}

/* Section 4: only the link's own for groups and link-local ones. */
static bool
only_interface(const struct ifnet *ifp, const struct inaddr *dst)
{
	return (ip6_multicast(dst) || ip6_scope(dst) <= IP6_SCOPE_LINK) &&
	    (ifp->if_flags & IFF_LOOPBACK) == 0;
}

bool
ip6_select_prefs(struct ifnet *ifp, const struct inaddr *dst, uint32_t prefs,
    struct inaddr *ret_src)
{
	struct choice ch = { .ch_dst = dst, .ch_oif = ifp->if_index, .ch_prefs = prefs };
	struct netns *ns = ifp->if_ns;

	candidates_of(&ch, ifp);
	if (!only_interface(ifp, dst)) {
		for (unsigned int i = 0; i < NETNS_IFHASH; i++) {
			const struct ifnet *o;

			for (o = atomic_load_acq(&ns->ns_ifhash[i]); o != NULL;
			    o = atomic_load_acq(&o->if_hashnext)) {
				if (o != ifp)
					candidates_of(&ch, o);
			}
		}
	}
	if (ch.ch_found)
		*ret_src = ch.ch_best.c_addr;
	return ch.ch_found;
}

bool
ip6_select(struct ifnet *ifp, const struct rtkey *rk, struct inaddr *ret_src)
{
	bool temporary = netvar_get(ifp->if_ns, &ip6_var_use_tempaddr) == 2;

	if ((rk->rk_flags & (RTK_SRCTMP | RTK_SRCPUBLIC)) != 0)
		temporary = (rk->rk_flags & RTK_SRCTMP) != 0;
	return ip6_select_prefs(ifp, &rk->rk_dst, temporary ? IP6_PREFER_TMP : 0, ret_src);
}

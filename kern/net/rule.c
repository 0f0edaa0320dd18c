/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rule.c - policy rules: which tables a look-up asks, and in which order
 *
 * Rules are a list a family, by preference, read without a lock.  A name
 * space is born with the usual three: local, main, default.
 *
 * Locking: changes under ns_lock.
 *
 * References: ip-rule(8), rtnetlink(7).
 */

#include "route_impl.h"

#include <linux/netlink.h>
#include <lib/string.h>
#include <net/netevent.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

#include "net_impl.h"

static struct rule **
rules_of(struct netns *ns, int family)
{
	return &netns_route(ns)->nr_rules[family_index(family)];
}

/* --- matching -------------------------------------------------------------------- */

static bool
if_isnamed(struct netns *ns, uint32_t index, const char *name)
{
	const struct ifnet *ifp = index != 0 ? if_byindex(ns, index) : ns->ns_lo;

	return ifp != NULL && strcmp(ifp->if_name, name) == 0;
}

static bool
fits(struct netns *ns, const struct rtrule *rr, const struct rtkey *rk)
{
	return inaddr_match(&rr->rr_src, &rk->rk_src, rr->rr_srclen) &&
	    inaddr_match(&rr->rr_dst, &rk->rk_dst, rr->rr_dstlen) &&
	    ((rr->rr_mark ^ rk->rk_mark) & rr->rr_markmask) == 0 &&
	    (rr->rr_tos == 0 || rr->rr_tos == rk->rk_tos) &&
	    /* What we send ourselves came in on lo, as ip-rule(8) has it. */
	    (rr->rr_iif[0] == '\0' || if_isnamed(ns, rk->rk_iif, rr->rr_iif)) &&
	    (rr->rr_oif[0] == '\0' || (rk->rk_oif != 0 &&
	    if_isnamed(ns, rk->rk_oif, rr->rr_oif)));
}

bool
rule_matches(struct netns *ns, const struct rtrule *rr, const struct rtkey *rk)
{
	return fits(ns, rr, rk) != rr->rr_invert;
}

/* --- changing -------------------------------------------------------------------- */

static void
rule_free(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct rule, ru_qsbr), sizeof(struct rule));
}

/* For NLM_F_EXCL: what b does not select by may be anything in a (as on Linux). */
static bool
rule_same(const struct rtrule *a, const struct rtrule *b)
{
	return a->rr_pref == b->rr_pref && a->rr_action == b->rr_action &&
	    a->rr_table == b->rr_table && (b->rr_srclen == 0 ||
	    (a->rr_srclen == b->rr_srclen && inaddr_eq(&a->rr_src, &b->rr_src))) &&
	    (b->rr_dstlen == 0 ||
	    (a->rr_dstlen == b->rr_dstlen && inaddr_eq(&a->rr_dst, &b->rr_dst))) &&
	    (b->rr_tos == 0 || a->rr_tos == b->rr_tos) &&
	    a->rr_mark == b->rr_mark && a->rr_markmask == b->rr_markmask &&
	    a->rr_invert == b->rr_invert && a->rr_suppress == b->rr_suppress &&
	    a->rr_suppresslen == b->rr_suppresslen && strcmp(a->rr_iif, b->rr_iif) == 0 &&
	    strcmp(a->rr_oif, b->rr_oif) == 0;
}

static int
rule_check(const struct rtrule *rr)
{
	if (!family_ok(rr->rr_family) || rr->rr_srclen > family_bits(rr->rr_family) ||
	    rr->rr_dstlen > family_bits(rr->rr_family))
		return EINVAL;
	switch (rr->rr_action) {
	case FR_ACT_TO_TBL:
		return rr->rr_table != RT_TABLE_UNSPEC ? 0 : EINVAL;
	case FR_ACT_NOP:
	case FR_ACT_BLACKHOLE:
	case FR_ACT_UNREACHABLE:
	case FR_ACT_PROHIBIT:
		return 0;
	default:
		return EINVAL;
	}
}

/* Behind all of the same or a lower preference. */
static int
rule_insert(struct rule **link, const struct rtrule *rr)
{
	struct rule *ru = kmem_alloc(sizeof(*ru), KM_SLEEP);

	if (ru == NULL)
		return ENOMEM;
	while (*link != NULL && (*link)->ru_rule.rr_pref <= rr->rr_pref)
		link = &(*link)->ru_next;
	ru->ru_rule = *rr;
	ru->ru_next = *link;
	atomic_store_rel(link, ru);
	return 0;
}

static void
rule_told(struct netns *ns, enum netevent ev, const struct rtrule *rr, unsigned int nlflags)
{
	struct netevent_info ne = {
		.ne_ns = ns, .ne_rule = rr, .ne_nlflags = nlflags,
	};

	route_changed(ns);
	netevent_tell(ev, &ne);
}

/* Without a preference: in front of the second, as ip-rule(8) has it. */
static uint32_t
pref_choose(const struct rule *first)
{
	if (first == NULL || first->ru_next == NULL ||
	    first->ru_next->ru_rule.rr_pref == 0)
		return 0;
	return first->ru_next->ru_rule.rr_pref - 1;
}

int
rule_add(struct netns *ns, const struct rtrule *model, unsigned int nlflags)
{
	struct rtrule rr = *model;
	struct rule **list;
	int error;

	KASSERT(mutex_owned(&ns->ns_lock));
	error = rule_check(&rr);
	if (error)
		return error;
	list = rules_of(ns, rr.rr_family);
	if (rr.rr_pref == 0)
		rr.rr_pref = pref_choose(*list);
	for (const struct rule *ru = *list; ru != NULL; ru = ru->ru_next) {
		if ((nlflags & NLM_F_EXCL) != 0 && rule_same(&ru->ru_rule, &rr))
			return EEXIST;
	}
	error = rule_insert(list, &rr);
	if (error == 0)
		rule_told(ns, NETEVENT_RULE_NEW, &rr, 0);
	return error;
}

/* What is not given in rr does not matter. */
static bool
rule_fits(const struct rtrule *have, const struct rtrule *rr)
{
	return (rr->rr_pref == 0 || rr->rr_pref == have->rr_pref) &&
	    (rr->rr_action == 0 || rr->rr_action == have->rr_action) &&
	    (rr->rr_table == 0 || rr->rr_table == have->rr_table) &&
	    (rr->rr_srclen == 0 || (rr->rr_srclen == have->rr_srclen &&
	    inaddr_eq(&rr->rr_src, &have->rr_src))) &&
	    (rr->rr_dstlen == 0 || (rr->rr_dstlen == have->rr_dstlen &&
	    inaddr_eq(&rr->rr_dst, &have->rr_dst))) &&
	    (rr->rr_tos == 0 || rr->rr_tos == have->rr_tos) &&
	    (rr->rr_mark == 0 || rr->rr_mark == have->rr_mark) &&
	    (rr->rr_markmask == 0 || rr->rr_markmask == have->rr_markmask) &&
	    (rr->rr_iif[0] == '\0' || strcmp(rr->rr_iif, have->rr_iif) == 0) &&
	    (rr->rr_oif[0] == '\0' || strcmp(rr->rr_oif, have->rr_oif) == 0);
}

int
rule_del(struct netns *ns, const struct rtrule *rr)
{
	struct rule **link, *ru;

	KASSERT(mutex_owned(&ns->ns_lock));
	if (!family_ok(rr->rr_family))
		return EINVAL;
	link = rules_of(ns, rr->rr_family);
	while (*link != NULL && !rule_fits(&(*link)->ru_rule, rr))
		link = &(*link)->ru_next;
	ru = *link;
	if (ru == NULL)
		return ENOENT;
	atomic_store_rel(link, ru->ru_next);
	rule_told(ns, NETEVENT_RULE_DEL, &ru->ru_rule, 0);
	qsbr_call(&ru->ru_qsbr, rule_free);
	return 0;
}

int
rule_iterate(struct netns *ns, int family, int (*fn)(const struct rtrule *, void *),
    void *arg)
{
	int result = 0;

	mutex_enter(&ns->ns_lock);
	for (unsigned int i = 0; i < 2; i++) {
		const struct rule *ru = netns_route(ns)->nr_rules[i];

		if (family != 0 && (!family_ok(family) || family_index(family) != i))
			continue;
		for (; ru != NULL && result == 0; ru = ru->ru_next)
			result = fn(&ru->ru_rule, arg);
	}
	mutex_exit(&ns->ns_lock);
	return result;
}

/* --- the usual ones -------------------------------------------------------------- */

int
rules_create(struct netns_route *nr)
{
	static const struct { uint32_t pref, table; } usual[] = {
		{ 0, RT_TABLE_LOCAL }, { 32766, RT_TABLE_MAIN },
		{ 32767, RT_TABLE_DEFAULT },
	};
	int error = 0;

	for (unsigned int f = 0; f < 2; f++) {
		/* IPv6 does without the last. */
		for (size_t i = 0; error == 0 && i < ARRAY_SIZE(usual) - f; i++) {
			struct rtrule rr = {
				.rr_family = f == 0 ? AF_INET : AF_INET6,
				.rr_pref = usual[i].pref, .rr_action = FR_ACT_TO_TBL,
				.rr_table = usual[i].table, .rr_protocol = RTPROT_KERNEL,
			};

			error = rule_insert(&nr->nr_rules[f], &rr);
		}
	}
	return error;
}

void
rules_destroy(struct netns_route *nr)
{
	for (unsigned int f = 0; f < 2; f++) {
		struct rule *ru;

		while ((ru = nr->nr_rules[f]) != NULL) {
			nr->nr_rules[f] = ru->ru_next;
			kmem_free(ru, sizeof(*ru));
		}
	}
}

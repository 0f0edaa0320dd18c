/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_route.c - routes against a list that is searched from end to end
 */

#include <linux/netlink.h>
#include <net/netevent.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/ktime.h>

#include "net_test.h"
#include "route_impl.h"

#define NIFS	4
#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS)

static struct netns *ns;
static struct sink sinks[NIFS];

static void
world_make(void)
{
	draw_seed();
	ns = test_netns();
	for (unsigned int i = 0; i < NIFS; i++)
		NEED(sink_create(ns, "t%d", &sinks[i]) == 0);
}

static void
world_end(void)
{
	for (unsigned int i = 0; i < NIFS; i++)
		sink_destroy(&sinks[i]);
	netns_rele(ns);
}

static int
add(const struct rtconfig *rc, unsigned int flags)
{
	int error;

	mutex_enter(&ns->ns_lock);
	error = route_add(ns, rc, flags);
	mutex_exit(&ns->ns_lock);
	return error;
}

static int
del(const struct rtconfig *rc)
{
	int error;

	mutex_enter(&ns->ns_lock);
	error = route_del(ns, rc);
	mutex_exit(&ns->ns_lock);
	return error;
}

/* An on-link route through the i-th interface. */
static struct rtconfig
onlink(int family, struct inaddr dst, unsigned int plen, unsigned int i)
{
	struct rtconfig rc = {
		.rc_family = family, .rc_dst = dst, .rc_plen = (uint8_t)plen,
		.rc_type = RTN_UNICAST, .rc_scope = RT_SCOPE_LINK,
		.rc_table = RT_TABLE_MAIN, .rc_protocol = RTPROT_STATIC, .rc_nhops = 1,
	};

	inaddr_mask(&rc.rc_dst, plen);
	rc.rc_hop[0].nh_ifindex = sinks[i].sk_ifp->if_index;
	return rc;
}

static struct rtkey
key_to(int family, struct inaddr dst)
{
	struct rtkey rk = { .rk_family = family, .rk_dst = dst };

	return rk;
}

/* Where a look-up leads: the index of the interface, or minus the error. */
static int
leads_to(const struct rtkey *rk)
{
	struct rtdst *rd;
	int error, index;

	error = route_lookup(ns, rk, &rd);
	if (error)
		return -error;
	index = (int)rd->rd_ifp->if_index;
	rtdst_rele(rd);
	return index;
}

/* --- the model ------------------------------------------------------------------- */

#define MODEL_MAX	300

static struct rtconfig model[MODEL_MAX];
static unsigned int nmodel;

/* Is a tried before b, for a destination that both fit? */
static bool
before(const struct rtconfig *a, const struct rtconfig *b)
{
	if (a->rc_plen != b->rc_plen)
		return a->rc_plen > b->rc_plen;
	if (a->rc_tos != b->rc_tos)
		return a->rc_tos > b->rc_tos;
	return a->rc_metric < b->rc_metric;
}

static int
model_lookup(const struct rtkey *rk)
{
	const struct rtconfig *best = NULL;

	for (unsigned int i = 0; i < nmodel; i++) {
		const struct rtconfig *rc = &model[i];

		if (rc->rc_family != rk->rk_family ||
		    !inaddr_match(&rc->rc_dst, &rk->rk_dst, rc->rc_plen) ||
		    (rc->rc_tos != 0 && rc->rc_tos != rk->rk_tos) ||
		    (rk->rk_oif != 0 && rc->rc_hop[0].nh_ifindex != rk->rk_oif &&
		    rc->rc_nhops != 0))
			continue;
		if (best == NULL || before(rc, best))
			best = rc;
	}
	if (best == NULL)
		return rk->rk_oif != 0 && rk->rk_family == AF_INET ?
		    (int)rk->rk_oif : -ENETUNREACH;
	switch (best->rc_type) {
	case RTN_BLACKHOLE:
		return -EINVAL;
	case RTN_UNREACHABLE:
		return -EHOSTUNREACH;
	case RTN_PROHIBIT:
		return -EACCES;
	default:
		return (int)best->rc_hop[0].nh_ifindex;
	}
}

/* Few different bits, so that prefixes lie in each other. */
static struct inaddr
draw_addr(int family)
{
	uint32_t bits = (uint32_t)draw() & 0x80c01803;

	if (family == AF_INET)
		return addr4(0x0a000000 | (bits & 0x00ffffff));
	return addr6(0x2001000000000000ull | bits, (uint64_t)draw() & 0xc000000000000003ull);
}

static struct rtconfig
draw_route(void)
{
	static const uint8_t types[] = { RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT };
	int family = draw() % 2 ? AF_INET : AF_INET6;
	struct rtconfig rc;

	rc = onlink(family, draw_addr(family), (unsigned int)draw_below(family_bits(family) + 1),
	    (unsigned int)draw_below(NIFS));
	rc.rc_metric = 1 + (uint32_t)draw_below(3);
	rc.rc_tos = draw() % 4 == 0 ? 0x10 : 0;
	if (draw() % 8 == 0) {
		rc.rc_type = types[draw_below(3)];
		rc.rc_nhops = 0;
	}
	return rc;
}

static bool
same_key(const struct rtconfig *a, const struct rtconfig *b)
{
	return a->rc_family == b->rc_family && a->rc_plen == b->rc_plen &&
	    inaddr_eq(&a->rc_dst, &b->rc_dst) && a->rc_tos == b->rc_tos &&
	    a->rc_metric == b->rc_metric;
}

static struct rtconfig *
model_find(const struct rtconfig *rc)
{
	for (unsigned int i = 0; i < nmodel; i++) {
		if (same_key(&model[i], rc))
			return &model[i];
	}
	return NULL;
}

static void
step_add(void)
{
	struct rtconfig rc = draw_route(), *old = model_find(&rc);
	unsigned int flags = NLM_F_CREATE;

	flags |= draw() % 2 ? NLM_F_EXCL : NLM_F_REPLACE;
	if (old == NULL && nmodel == MODEL_MAX)
		return;
	if (old != NULL && (flags & NLM_F_EXCL) != 0) {
		CHECK_EQ("twice", EEXIST, add(&rc, flags));
		return;
	}
	CHECK_EQ("add", 0, add(&rc, flags));
	if (old == NULL)
		old = &model[nmodel++];
	*old = rc;
}

static void
step_del(void)
{
	struct rtconfig rc = draw_route(), *old;

	if (nmodel > 0 && draw() % 4 != 0)
		rc = model[draw_below(nmodel)];
	old = model_find(&rc);
	rc.rc_type = 0;
	rc.rc_nhops = 0;
	rc.rc_scope = RT_SCOPE_NOWHERE;
	CHECK_EQ("del", old != NULL ? 0 : ESRCH, del(&rc));
	if (old != NULL)
		*old = model[--nmodel];
}

static int
count_routes(const struct rtconfig *rc, void *arg)
{
	unsigned int *n = arg;

	if (rc->rc_protocol == RTPROT_STATIC) {
		CHECK(model_find(rc) != NULL);
		(*n)++;
	}
	return 0;
}

static int
count_all(const struct rtconfig *rc, void *arg)
{
	(*(unsigned int *)arg)++;
	return rc->rc_nhops == 0;
}

static void
check_lookups(void)
{
	unsigned int n = 0;

	for (int i = 0; i < 40; i++) {
		struct rtkey rk = key_to(draw() % 2 ? AF_INET : AF_INET6, addr4(0));

		rk.rk_dst = draw_addr(rk.rk_family);
		rk.rk_tos = draw() % 3 == 0 ? 0x10 : 0;
		if (draw() % 3 == 0)
			rk.rk_oif = sinks[draw_below(NIFS)].sk_ifp->if_index;
		CHECK_EQ("look-up", model_lookup(&rk), leads_to(&rk));
	}
	CHECK_EQ("dump", 0, route_iterate(ns, 0, RT_TABLE_MAIN, count_routes, &n));
	CHECK_EQ("all are listed", nmodel, n);
}

TEST_WITH(look_ups_agree_with_a_search_of_all_routes, .ht_flags = KEEPS, .ht_seeds = 6)
{
	world_make();
	nmodel = 0;
	for (int i = 0; i < 600; i++) {
		if (draw() % (i < 300 ? 4 : 2) != 0)
			step_add();
		else
			step_del();
		if (i % 20 == 0)
			check_lookups();
	}
	while (nmodel > 0)
		step_del();
	check_lookups();
	world_end();
}

/* --- hops ------------------------------------------------------------------------ */

static struct rtconfig
multipath(void)
{
	struct rtconfig rc = onlink(AF_INET, addr4(0x0b000000), 8, 0);

	rc.rc_nhops = 3;
	for (unsigned int i = 0; i < 3; i++) {
		rc.rc_hop[i].nh_ifindex = sinks[i].sk_ifp->if_index;
		rc.rc_hop[i].nh_weight = (uint8_t)(i + 1);
	}
	return rc;
}

static void
spread(unsigned int *hits, unsigned int flows)
{
	memset(hits, 0, NIFS * sizeof(*hits));
	for (unsigned int i = 0; i < flows; i++) {
		struct rtkey rk = key_to(AF_INET, addr4(0x0b000001));
		int index;

		rk.rk_hash = i + 1;
		index = leads_to(&rk);
		CHECK_EQ("a flow stays", index, leads_to(&rk));
		for (unsigned int j = 0; j < NIFS; j++)
			hits[j] += (int)sinks[j].sk_ifp->if_index == index;
	}
}

TEST_WITH(flows_spread_over_hops_by_weight_and_leave_the_dead, .ht_flags = KEEPS)
{
	struct rtconfig rc;
	unsigned int hits[NIFS];

	world_make();
	rc = multipath();
	NEED(add(&rc, NLM_F_CREATE) == 0);
	spread(hits, 6000);
	for (unsigned int i = 0; i < 3; i++)
		CHECK(hits[i] > 850 * (i + 1) && hits[i] < 1150 * (i + 1));
	mutex_enter(&ns->ns_lock);
	CHECK_EQ("down", 0, if_setflags(sinks[1].sk_ifp, 0, IFF_UP));
	mutex_exit(&ns->ns_lock);
	spread(hits, 4000);
	CHECK_EQ("nothing there", 0, hits[1]);
	CHECK(hits[0] > 850 && hits[0] < 1150);
	mutex_enter(&ns->ns_lock);
	CHECK_EQ("up", 0, if_setflags(sinks[1].sk_ifp, IFF_UP, IFF_UP));
	mutex_exit(&ns->ns_lock);
	spread(hits, 6000);
	CHECK(hits[1] > 1700 && hits[1] < 2300);
	world_end();
}

TEST_WITH(a_gateway_must_be_a_neighbour, .ht_flags = KEEPS)
{
	struct rtconfig net, gw;
	struct rtkey rk = key_to(AF_INET, addr4(0x08080808));
	struct rtdst *rd;

	world_make();
	net = onlink(AF_INET, addr4(0x0a010000), 16, 2);
	gw = onlink(AF_INET, addr4(0), 0, 0);
	gw.rc_scope = RT_SCOPE_UNIVERSE;
	gw.rc_hop[0] = (struct rthop){ .nh_gwfamily = AF_INET, .nh_gw = addr4(0x0a010001) };
	CHECK_EQ("nobody", ENETUNREACH, add(&gw, NLM_F_CREATE));
	CHECK_EQ("net", 0, add(&net, NLM_F_CREATE));
	gw.rc_hop[0].nh_ifindex = sinks[1].sk_ifp->if_index;
	CHECK_EQ("elsewhere", ENETUNREACH, add(&gw, NLM_F_CREATE));
	gw.rc_hop[0].nh_flags = RTNH_F_ONLINK;
	CHECK_EQ("told to believe it", 0, add(&gw, NLM_F_CREATE));
	CHECK_EQ("away", 0, del(&gw));
	gw.rc_hop[0].nh_flags = 0;
	gw.rc_hop[0].nh_ifindex = 0;
	CHECK_EQ("found", 0, add(&gw, NLM_F_CREATE));
	NEED(route_lookup(ns, &rk, &rd) == 0);
	CHECK(rd->rd_ifp == sinks[2].sk_ifp);
	CHECK((rd->rd_flags & RTD_GATEWAY) != 0);
	CHECK(inaddr_eq(&rd->rd_hop, &gw.rc_hop[0].nh_gw));
	rtdst_rele(rd);
	rk.rk_flags = RTK_DONTROUTE;
	CHECK_EQ("not routed", -ENETUNREACH, leads_to(&rk));
	world_end();
}

TEST_WITH(nonsense_is_refused, .ht_flags = KEEPS)
{
	struct rtconfig rc;

	world_make();
	rc = onlink(AF_INET, addr4(0x0a000000), 8, 0);
	rc.rc_dst = addr4(0x0a000001);
	CHECK_EQ("host bits", EINVAL, add(&rc, NLM_F_CREATE));
	rc = onlink(AF_INET, addr4(0), 0, 0);
	rc.rc_plen = 33;
	CHECK_EQ("prefix", EINVAL, add(&rc, NLM_F_CREATE));
	rc = onlink(AF_INET, addr4(0), 0, 0);
	rc.rc_nhops = RT_MAXHOPS + 1;
	CHECK_EQ("hops", EINVAL, add(&rc, NLM_F_CREATE));
	rc.rc_nhops = 0;
	CHECK_EQ("no hop", ENODEV, add(&rc, NLM_F_CREATE));
	rc = onlink(AF_INET, addr4(0), 0, 0);
	rc.rc_hop[0].nh_ifindex = 9999;
	CHECK_EQ("no such interface", ENODEV, add(&rc, NLM_F_CREATE));
	rc = onlink(AF_INET, addr4(0), 0, 0);
	rc.rc_family = AF_UNIX;
	CHECK_EQ("family", EINVAL, add(&rc, NLM_F_CREATE));
	rc = onlink(AF_INET, addr4(0), 0, 0);
	CHECK_EQ("without CREATE", ENOENT, add(&rc, 0));
	world_end();
}

/* --- rules ----------------------------------------------------------------------- */

static int
rule(struct rtrule rr, bool on)
{
	int error;

	rr.rr_family = AF_INET;
	mutex_enter(&ns->ns_lock);
	error = on ? rule_add(ns, &rr, NLM_F_CREATE | NLM_F_EXCL) : rule_del(ns, &rr);
	mutex_exit(&ns->ns_lock);
	return error;
}

TEST_WITH(rules_choose_the_table, .ht_flags = KEEPS)
{
	struct rtkey rk = key_to(AF_INET, addr4(0x08080808));
	struct rtrule from = { .rr_pref = 100, .rr_action = FR_ACT_TO_TBL, .rr_table = 77,
	    .rr_src = addr4(0x0a020000), .rr_srclen = 16 };
	struct rtrule mark = { .rr_pref = 50, .rr_action = FR_ACT_PROHIBIT, .rr_mark = 5,
	    .rr_markmask = 0xff };
	struct rtconfig rc;
	int if0, if1;

	world_make();
	if0 = (int)sinks[0].sk_ifp->if_index;
	if1 = (int)sinks[1].sk_ifp->if_index;
	rc = onlink(AF_INET, addr4(0), 0, 0);
	NEED(add(&rc, NLM_F_CREATE) == 0);
	rc = onlink(AF_INET, addr4(0), 0, 1);
	rc.rc_table = 77;
	NEED(add(&rc, NLM_F_CREATE) == 0);
	CHECK_EQ("main", if0, leads_to(&rk));
	CHECK_EQ("rule", 0, rule(from, true));
	CHECK_EQ("twice", EEXIST, rule(from, true));
	CHECK_EQ("no source", if0, leads_to(&rk));
	rk.rk_src = addr4(0x0a020304);
	CHECK_EQ("by source", if1, leads_to(&rk));
	CHECK_EQ("rule", 0, rule(mark, true));
	rk.rk_mark = 0x105;
	CHECK_EQ("prohibited", -EACCES, leads_to(&rk));
	CHECK_EQ("away", 0, rule(mark, false));
	CHECK_EQ("by source", if1, leads_to(&rk));
	from.rr_invert = true;
	from.rr_pref = 99;
	CHECK_EQ("inverted", 0, rule(from, true));
	rk.rk_src = addr4(0x0a030304);
	CHECK_EQ("not from there", if1, leads_to(&rk));
	rc.rc_scope = RT_SCOPE_NOWHERE;
	CHECK_EQ("empty table", 0, del(&rc));
	CHECK_EQ("on to main", if0, leads_to(&rk));
	world_end();
}

/* --- decisions ------------------------------------------------------------------- */

TEST_WITH(decisions_are_shared_until_something_changes, .ht_flags = KEEPS)
{
	struct rtkey rk = key_to(AF_INET, addr4(0x0b000001));
	struct rtdst *a = NULL, *b = NULL;
	struct rtconfig rc;

	world_make();
	rc = onlink(AF_INET, addr4(0x0b000000), 8, 0);
	NEED(add(&rc, NLM_F_CREATE) == 0);
	NEED(route_lookup(ns, &rk, &a) == 0);
	NEED(route_lookup(ns, &rk, &b) == 0);
	CHECK(a == b);
	CHECK(rtdst_valid(a));
	rtdst_rele(b);
	rc = onlink(AF_INET, addr4(0x0b000000), 24, 1);
	NEED(add(&rc, NLM_F_CREATE) == 0);
	CHECK(!rtdst_valid(a));
	NEED(route_lookup(ns, &rk, &b) == 0);
	CHECK(b->rd_ifp == sinks[1].sk_ifp);
	CHECK(a->rd_ifp == sinks[0].sk_ifp);
	rtdst_rele(a);
	rtdst_rele(b);
	world_end();
}

TEST_WITH(a_path_mtu_is_believed_for_ten_minutes_and_not_raised, .ht_flags = KEEPS)
{
	struct rtkey rk = key_to(AF_INET, addr4(0x0b000001));
	struct rtconfig rc;
	struct rtdst *rd;

	world_make();
	rc = onlink(AF_INET, addr4(0x0b000000), 8, 0);
	NEED(add(&rc, NLM_F_CREATE) == 0);
	NEED(route_lookup(ns, &rk, &rd) == 0);
	CHECK_EQ("link", 1500, rtdst_mtu(rd));
	rtdst_rele(rd);
	route_setpmtu(ns, AF_INET, &rk.rk_dst, 1300);
	route_setpmtu(ns, AF_INET, &rk.rk_dst, 1400);
	NEED(route_lookup(ns, &rk, &rd) == 0);
	CHECK_EQ("learned", 1300, rtdst_mtu(rd));
	atomic_store(&rd->rd_pmtu_expires, clock_mono() - 1);
	CHECK_EQ("expired", 1500, rtdst_mtu(rd));
	rtdst_rele(rd);
	route_setpmtu(ns, AF_INET, &rk.rk_dst, 1);
	NEED(route_lookup(ns, &rk, &rd) == 0);
	CHECK_EQ("no less than any link has", 68, rtdst_mtu(rd));
	rtdst_rele(rd);
	rk.rk_dst = addr4(0x0b000002);
	NEED(route_lookup(ns, &rk, &rd) == 0);
	CHECK_EQ("of another", 1500, rtdst_mtu(rd));
	rtdst_rele(rd);
	for (uint32_t i = 0; i < 5000; i++) {
		struct inaddr dst = addr4(0x0b010000 + i);

		route_setpmtu(ns, AF_INET, &dst, 1000);
	}
	CHECK_EQ("bounded", 1024, netns_route(ns)->nr_nexc);
	world_end();
}

TEST_WITH(a_redirect_changes_the_gateway_of_one_destination, .ht_flags = KEEPS)
{
	struct inaddr gw = addr4(0x0a010002), dst = addr4(0x08080808);
	struct rtkey rk = key_to(AF_INET, dst);
	struct rtconfig rc;
	struct rtdst *rd;

	world_make();
	rc = onlink(AF_INET, addr4(0x0a010000), 16, 2);
	NEED(add(&rc, NLM_F_CREATE) == 0);
	rc = onlink(AF_INET, addr4(0), 0, 2);
	rc.rc_hop[0].nh_gwfamily = AF_INET;
	rc.rc_hop[0].nh_gw = addr4(0x0a010001);
	NEED(add(&rc, NLM_F_CREATE) == 0);
	route_redirect(ns, AF_INET, &dst, &gw, sinks[2].sk_ifp);
	NEED(route_lookup(ns, &rk, &rd) == 0);
	CHECK(inaddr_eq(&rd->rd_hop, &gw));
	rtdst_rele(rd);
	rk.rk_dst = addr4(0x08080809);
	NEED(route_lookup(ns, &rk, &rd) == 0);
	CHECK(inaddr_eq(&rd->rd_hop, &rc.rc_hop[0].nh_gw));
	rtdst_rele(rd);
	world_end();
}

TEST_WITH(groups_go_where_the_sender_says, .ht_flags = KEEPS)
{
	struct rtkey rk = key_to(AF_INET, addr4(0xe0000001));
	struct rtdst *rd;

	world_make();
	CHECK_EQ("nowhere", -ENETUNREACH, leads_to(&rk));
	rk.rk_oif = sinks[1].sk_ifp->if_index;
	NEED(route_lookup(ns, &rk, &rd) == 0);
	CHECK(rd->rd_ifp == sinks[1].sk_ifp && rd->rd_flags == RTD_MULTICAST);
	rtdst_rele(rd);
	rk.rk_dst = addr4(0xffffffff);
	NEED(route_lookup(ns, &rk, &rd) == 0);
	CHECK(rd->rd_ifp == sinks[1].sk_ifp && rd->rd_flags == RTD_BROADCAST);
	rtdst_rele(rd);
	world_end();
}

TEST_WITH(a_route_ends_when_its_time_has_come, .ht_flags = KEEPS)
{
	struct rtkey rk = key_to(AF_INET, addr4(0x0b000001));
	kmutex_t lock = { .m_name = "test" };
	kcondvar_t cv = { .cv_name = "test" };
	int64_t begin = clock_mono();
	struct rtconfig rc;
	unsigned int n;

	world_make();
	for (unsigned int i = 1; i <= 3; i++) {
		rc = onlink(AF_INET, addr4(0x0b000000), 8 * i, i);
		rc.rc_expires = begin + i * 100 * NSEC_PER_SEC;
		NEED(add(&rc, NLM_F_CREATE) == 0);
	}
	mutex_enter(&lock);
	for (unsigned int i = 1; i <= 3; i++) {
		int64_t when = begin + (int64_t)i * 100 * NSEC_PER_SEC;
		uint32_t gen = ns->ns_routegen;

		CHECK_EQ("the longest", (int)sinks[3].sk_ifp->if_index, leads_to(&rk));
		while (clock_mono() < when + NSEC_PER_SEC)
			(void)cv_timedwait(&cv, &lock, when + NSEC_PER_SEC);
		n = 0;
		(void)route_iterate(ns, AF_INET, RT_TABLE_MAIN, count_all, &n);
		CHECK_EQ("so many are left", 3 - i, n);
		CHECK(ns->ns_routegen != gen);
	}
	mutex_exit(&lock);
	CHECK_EQ("none", -ENETUNREACH, leads_to(&rk));
	world_end();
}

static int
add_and_look_up(void)
{
	struct rtkey rk = key_to(AF_INET, addr4(0x0b000001));
	struct sink sk;
	struct rtconfig rc;
	struct rtdst *rd;
	int error;

	error = netns_create(&ns);
	if (error)
		return error;
	error = sink_create(ns, "t%d", &sk);
	if (error == 0) {
		sinks[0] = sk;
		rc = onlink(AF_INET, addr4(0x0b000000), 8, 0);
		rc.rc_table = 1000;
		error = add(&rc, NLM_F_CREATE);
		rc.rc_table = RT_TABLE_MAIN;
		if (error == 0)
			error = add(&rc, NLM_F_CREATE);
		rc.rc_plen = 24;
		if (error == 0)
			error = add(&rc, NLM_F_CREATE);
		if (error == 0)
			error = route_lookup(ns, &rk, &rd);
		if (error == 0)
			rtdst_rele(rd);
		sink_destroy(&sk);
	}
	netns_rele(ns);
	qsbr_barrier();
	return error;
}

SWEEP_WITH(routes_survive_each_failed_allocation, FAULT_MEMORY, .ht_flags = KEEPS)
{
	return add_and_look_up();
}

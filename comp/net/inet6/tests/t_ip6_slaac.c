/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ip6_slaac.c - what a host makes of router advertisements, as time passes
 */

#include "ip6_host.h"

#include <net/resolver.h>

#define SECONDS(n)	((n) * 1000LL)
#define DYNAMIC		(IFA_F_NOPREFIXROUTE | IFA_F_MANAGETEMPADDR)

/* Where a packet to that address would go; 0: nowhere. */
static int
route_to(struct host *h, const char *dst, struct inaddr *ret_hop, uint32_t *ret_mtu)
{
	struct rtkey rk = { .rk_family = AF_INET6, .rk_dst = host_addr(dst) };
	struct rtdst *rd;
	int error;

	error = route_lookup(h->h_ns, &rk, &rd);
	if (error)
		return error;
	*ret_hop = rd->rd_hop;
	*ret_mtu = rtdst_mtu(rd);
	rtdst_rele(rd);
	return 0;
}

static void
check_route(struct host *h, const char *dst, const char *hop)
{
	struct inaddr want, got;
	uint32_t mtu;

	if (hop == NULL) {
		CHECK_EQ(dst, ENETUNREACH, route_to(h, dst, &got, &mtu));
		return;
	}
	want = host_addr(hop);
	if (CHECK_EQ(dst, 0, route_to(h, dst, &got, &mtu)))
		CHECK(inaddr_eq(&want, &got));
}

static void
announce(struct host *h, const char *prefix, uint32_t valid, uint32_t preferred)
{
	struct ra ra;

	ra_init(&ra, 1800);
	ra_prefix(&ra, prefix, RA_ONLINK | RA_AUTO, valid, preferred);
	ra_send(h, &ra, "fe80::fe");
}

static int64_t
valid_left(struct host *h, const struct inaddr *a)
{
	struct ifaddr *ifa = host_find(h, a);

	return ifa == NULL ? -1 : (ifa->ifa_valid - clock_mono() + NSEC_PER_SEC / 2) /
	    NSEC_PER_SEC;
}

NET_TEST(routers_are_asked_at_longer_and_longer_intervals_until_one_answers)
{
	struct inaddr all = host_addr("ff02::2"), ll;
	unsigned int n = 0;
	struct host h;
	struct heard e;

	host_create(&h, 7);
	ll = host_eui64(&h, "fe80::");
	host_wait(SECONDS(120));
	while (host_hear(&h, ND_RS, &e)) {
		CHECK(inaddr_eq(&e.e_f.f_dst, &all) && inaddr_eq(&e.e_f.f_src, &ll));
		CHECK_EQ("hops", 255, e.e_f.f_hops);
		CHECK_EQ("with our address", ND_OPT_SLLA, e.e_msg[8]);
		n++;
	}
	CHECK_EQ("in two minutes", 5, n);	/* at 0, 4, 12, 28, 60 and a little */
	announce(&h, "2001:db8::", 86400, 14400);
	host_wait(SECONDS(7200));
	CHECK_EQ("silent", false, host_hear(&h, ND_RS, &e));
	host_destroy(&h);
}

NET_TEST(a_prefix_makes_an_address_and_a_route_and_the_router_another)
{
	struct inaddr a;
	struct host h;
	struct heard e;

	host_create(&h, 7);
	host_settle(&h);
	check_route(&h, "2001:db8::99", NULL);
	announce(&h, "2001:db8::", 86400, 14400);
	a = host_eui64(&h, "2001:db8::");
	CHECK_EQ("tentative", DYNAMIC | IFA_F_TENTATIVE, host_flags(&h, &a));
	host_wait(2100);
	CHECK(host_hear(&h, ND_NS, &e));
	CHECK_EQ("ours", DYNAMIC, host_flags(&h, &a));
	check_route(&h, "2001:db8::99", "2001:db8::99");
	check_route(&h, "2001:4860::1", "fe80::fe");
	host_destroy(&h);
}

NET_TEST(an_address_is_deprecated_and_goes_and_so_do_its_routes)
{
	struct inaddr a;
	struct host h;

	host_create(&h, 7);
	host_settle(&h);
	announce(&h, "2001:db8::", 9000, 100);
	a = host_eui64(&h, "2001:db8::");
	host_wait(SECONDS(99));
	CHECK_EQ("preferred", DYNAMIC, host_flags(&h, &a));
	host_wait(SECONDS(1));
	CHECK_EQ("deprecated", DYNAMIC | IFA_F_DEPRECATED, host_flags(&h, &a));
	host_wait(SECONDS(1699));
	check_route(&h, "2001:4860::1", "fe80::fe");
	host_wait(SECONDS(2));
	check_route(&h, "2001:4860::1", NULL);
	host_wait(SECONDS(9000 - 1802));
	CHECK_EQ("there", DYNAMIC | IFA_F_DEPRECATED, host_flags(&h, &a));
	check_route(&h, "2001:db8::99", "2001:db8::99");
	host_wait(SECONDS(3));
	CHECK_EQ("gone", ~0u, host_flags(&h, &a));
	check_route(&h, "2001:db8::99", NULL);
	host_destroy(&h);
}

static const struct {
	const char *label;
	uint32_t had, said;	/* seconds */
	int64_t want;
} two_hour_cases[] = {
	{ "longer", 10000, 20000, 20000 },
	{ "much shorter", 86400, 60, 7200 },
	{ "zero", 86400, 0, 7200 },
	{ "shorter, but more than two hours", 86400, 8000, 8000 },
	{ "less than two hours are left", 3600, 60, 3600 },
	{ "less are left, and more said", 3600, 4000, 4000 },
	{ "for ever", 3600, ND_INFINITE, -2 },
};

NET_TEST(no_advertisement_shortens_a_life_below_two_hours)
{
	struct inaddr a;
	struct host h;

	for (size_t i = 0; i < ARRAY_SIZE(two_hour_cases); i++) {
		host_create(&h, 7);
		host_settle(&h);
		a = host_eui64(&h, "2001:db8::");
		announce(&h, "2001:db8::", two_hour_cases[i].had, 0);
		CHECK_EQ(two_hour_cases[i].label, two_hour_cases[i].had, valid_left(&h, &a));
		announce(&h, "2001:db8::", two_hour_cases[i].said, 0);
		if (two_hour_cases[i].want == -2)
			CHECK_EQ(two_hour_cases[i].label, true,
			    host_find(&h, &a)->ifa_valid == KTIME_NEVER);
		else
			CHECK_EQ(two_hour_cases[i].label, two_hour_cases[i].want,
			    valid_left(&h, &a));
		host_destroy(&h);
	}
}

NET_TEST(a_site_that_is_renumbered_keeps_the_old_prefix_until_it_expires)
{
	struct inaddr old, new;
	struct host h;
	struct ra ra;

	host_create(&h, 7);
	host_settle(&h);
	announce(&h, "2001:db8:1::", 86400, 14400);
	host_wait(SECONDS(3));
	ra_init(&ra, 1800);
	ra_prefix(&ra, "2001:db8:1::", RA_ONLINK | RA_AUTO, 7201, 0);
	ra_prefix(&ra, "2001:db8:2::", RA_ONLINK | RA_AUTO, 86400, 14400);
	ra_send(&h, &ra, "fe80::fe");
	host_wait(SECONDS(3));
	old = host_eui64(&h, "2001:db8:1::");
	new = host_eui64(&h, "2001:db8:2::");
	CHECK_EQ("old", DYNAMIC | IFA_F_DEPRECATED, host_flags(&h, &old));
	CHECK_EQ("new", DYNAMIC, host_flags(&h, &new));
	host_wait(SECONDS(7205));
	CHECK_EQ("old", ~0u, host_flags(&h, &old));
	CHECK_EQ("new", DYNAMIC, host_flags(&h, &new));
	host_destroy(&h);
}

static const struct {
	const char *label;
	const struct netvar *nv;
	int value;
	uint8_t flags;
	bool address, onlink, router;
} setting_cases[] = {
	{ "all", &ip6_var_accept_ra, 1, RA_ONLINK | RA_AUTO, true, true, true },
	{ "accept_ra", &ip6_var_accept_ra, 0, RA_ONLINK | RA_AUTO, false, false, false },
	{ "forwarding", &ip6_var_forwarding, 1, RA_ONLINK | RA_AUTO, false, false, false },
	{ "accept_ra_pinfo", &ip6_var_accept_ra_pinfo, 0, RA_ONLINK | RA_AUTO, false, false,
	    true },
	{ "accept_ra_defrtr", &ip6_var_accept_ra_defrtr, 0, RA_ONLINK | RA_AUTO, true, true,
	    false },
	{ "autoconf", &ip6_var_autoconf, 0, RA_ONLINK | RA_AUTO, false, true, true },
	{ "not on link", &ip6_var_accept_ra, 1, RA_AUTO, true, false, true },
	{ "not autonomous", &ip6_var_accept_ra, 1, RA_ONLINK, false, true, true },
};

NET_TEST(settings_and_flags_say_what_of_an_advertisement_is_taken)
{
	struct inaddr a, hop;
	struct host h;
	struct ra ra;
	uint32_t mtu;

	for (size_t i = 0; i < ARRAY_SIZE(setting_cases); i++) {
		host_create(&h, 7);
		host_set(&h, setting_cases[i].nv, setting_cases[i].value);
		host_settle(&h);
		ra_init(&ra, 1800);
		ra_prefix(&ra, "2001:db8::", setting_cases[i].flags, 86400, 14400);
		ra_send(&h, &ra, "fe80::fe");
		a = host_eui64(&h, "2001:db8::");
		CHECK_EQ(setting_cases[i].label, setting_cases[i].address,
		    host_find(&h, &a) != NULL);
		CHECK_EQ(setting_cases[i].label, setting_cases[i].router,
		    route_to(&h, "2001:4860::1", &hop, &mtu) == 0);
		a = host_addr("2001:db8::99");
		CHECK_EQ(setting_cases[i].label, setting_cases[i].onlink,
		    route_to(&h, "2001:db8::99", &hop, &mtu) == 0 && inaddr_eq(&a, &hop));
		host_destroy(&h);
	}
}

static const struct {
	const char *label, *src;
	uint8_t hops;
	bool ok;
} ra_cases[] = {
	{ "sound", "fe80::fe", 255, true },
	{ "routed", "fe80::fe", 254, false },
	{ "from a global address", "2001:db8::fe", 255, false },
};

NET_TEST(advertisements_that_are_not_valid_change_nothing)
{
	struct inaddr hop;
	struct host h;
	struct ra ra;
	uint32_t mtu;

	for (size_t i = 0; i < ARRAY_SIZE(ra_cases); i++) {
		host_create(&h, 7);
		host_settle(&h);
		ra_init(&ra, 1800);
		host_icmp(&h, ra_cases[i].src, "ff02::1", ra_cases[i].hops, ra.r_msg, ra.r_len);
		host_wait(1);
		CHECK_EQ(ra_cases[i].label, ra_cases[i].ok,
		    route_to(&h, "2001:4860::1", &hop, &mtu) == 0);
		host_destroy(&h);
	}
}

/* --- several routers --------------------------------------------------------------- */

static void
router(struct host *h, const char *src, uint8_t pref, uint16_t lifetime)
{
	struct ra ra;

	ra_init(&ra, lifetime);
	ra.r_msg[5] = pref;
	ra_slla(&ra, (uint8_t)host_addr(src).ia_b[15]);
	ra_send(h, &ra, src);
}

NET_TEST(the_router_with_the_highest_preference_has_the_default_route)
{
	struct host h;

	host_create(&h, 7);
	host_settle(&h);
	router(&h, "fe80::1", 0x18, 1800);
	check_route(&h, "2001:4860::1", "fe80::1");
	router(&h, "fe80::2", 0x00, 1800);
	check_route(&h, "2001:4860::1", "fe80::2");
	router(&h, "fe80::3", 0x08, 1800);
	check_route(&h, "2001:4860::1", "fe80::3");
	router(&h, "fe80::4", 0x08, 1800);	/* only as good: no change */
	check_route(&h, "2001:4860::1", "fe80::3");
	router(&h, "fe80::3", 0x08, 0);		/* it resigns */
	check_route(&h, "2001:4860::1", "fe80::4");
	router(&h, "fe80::4", 0x00, 0);
	check_route(&h, "2001:4860::1", "fe80::2");
	host_destroy(&h);
}

NET_TEST(a_router_that_says_it_is_none_loses_the_default_route)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct nd_na na = { .na_override = true, .na_tlla = { mac, 6 } };
	uint8_t msg[ND_BUILD_MAX];
	struct host h;
	size_t len;

	host_create(&h, 7);
	host_settle(&h);
	router(&h, "fe80::1", 0, 1800);
	check_route(&h, "2001:4860::1", "fe80::1");
	na.na_target = host_addr("fe80::1");
	len = nd_na_build(msg, &na);
	host_icmp(&h, "fe80::1", "ff02::1", 255, msg, len);
	host_wait(1);
	check_route(&h, "2001:4860::1", NULL);
	host_destroy(&h);
}

NET_TEST(routes_beyond_the_default_are_learned_and_expire)
{
	struct host h;
	struct ra ra;

	host_create(&h, 7);
	host_settle(&h);
	router(&h, "fe80::1", 0, 1800);
	ra_init(&ra, 0);
	ra_route(&ra, "2001:db8:77::", 48, 0, 600);
	ra_send(&h, &ra, "fe80::2");
	check_route(&h, "2001:db8:77::1", "fe80::2");
	check_route(&h, "2001:db8:78::1", "fe80::1");
	host_wait(SECONDS(601));
	check_route(&h, "2001:db8:77::1", "fe80::1");
	host_destroy(&h);
}

NET_TEST(a_router_may_lower_the_mtu_and_not_raise_it)
{
	struct inaddr hop;
	struct host h;
	struct ra ra;
	uint32_t mtu = 0;

	host_create(&h, 7);
	host_settle(&h);
	ra_init(&ra, 1800);
	ra_mtu(&ra, 1400);
	ra_prefix(&ra, "2001:db8::", RA_ONLINK, 86400, 14400);
	ra_send(&h, &ra, "fe80::1");
	CHECK_EQ("interface", 1400, ip6_if_mtu(h.h_ifp));
	CHECK_EQ("found", 0, route_to(&h, "2001:4860::1", &hop, &mtu));
	CHECK_EQ("route", 1400, mtu);
	CHECK_EQ("found", 0, route_to(&h, "2001:db8::9", &hop, &mtu));
	CHECK_EQ("on link", 1400, mtu);
	ra_init(&ra, 1800);
	ra_mtu(&ra, 9000);
	ra_send(&h, &ra, "fe80::1");
	CHECK_EQ("more than the link has", 1400, ip6_if_mtu(h.h_ifp));
	ra_init(&ra, 1800);
	ra_mtu(&ra, 1279);
	ra_send(&h, &ra, "fe80::1");
	CHECK_EQ("less than IPv6 has", 1400, ip6_if_mtu(h.h_ifp));
	host_destroy(&h);
}

NET_TEST(resolvers_are_kept_as_long_as_they_are_announced)
{
	struct inaddr dns = host_addr("2001:db8::53");
	struct ip6_if *ii;
	struct host h;
	struct ra ra;

	host_create(&h, 7);
	host_settle(&h);
	ii = ip6_if(h.h_ifp);
	ra_init(&ra, 1800);
	ra_dns(&ra, "2001:db8::53", 600);
	ra_send(&h, &ra, "fe80::1");
	CHECK_EQ("one", 1, ii->ii_ndns);
	CHECK(inaddr_eq(&ii->ii_dns[0].d_addr, &dns));
	ra_init(&ra, 1800);
	ra_dns(&ra, "2001:db8::53", 0);
	ra_send(&h, &ra, "fe80::1");
	CHECK_EQ("none", 0, ii->ii_ndns);
	host_destroy(&h);
}

static void
resolvers_get(struct host *h, struct resolvers *rv)
{
	memset(rv, 0, sizeof(*rv));
	mutex_enter(&h->h_ns->ns_lock);
	nd_resolvers(h->h_ifp, rv);
	mutex_exit(&h->h_ns->ns_lock);
}

NET_TEST(resolvers_and_domains_are_handed_out_while_they_last)
{
	struct resolvers rv;
	struct host h;
	struct ra ra;

	host_create(&h, 7);
	host_settle(&h);
	ra_init(&ra, 1800);
	ra_dns(&ra, "2001:db8::53", 600);
	ra_search(&ra, "\7example\3org\0\1a\0", 300);
	ra_send(&h, &ra, "fe80::1");
	resolvers_get(&h, &rv);
	CHECK_EQ("one", 1, rv.rv_n);
	CHECK_STR("domains", "example.org a", rv.rv_search);
	host_wait(SECONDS(301));
	resolvers_get(&h, &rv);
	CHECK_EQ("still", 1, rv.rv_n);
	CHECK_STR("no domains", "", rv.rv_search);
	host_wait(SECONDS(300));
	resolvers_get(&h, &rv);
	CHECK_EQ("none", 0, rv.rv_n);
	ra_init(&ra, 1800);
	ra_search(&ra, "\7example\3org\0\1a\0", 300);
	ra_send(&h, &ra, "fe80::1");
	ra_init(&ra, 1800);
	ra_search(&ra, "\7example\3org\0\1a\0", 0);
	ra_send(&h, &ra, "fe80::1");
	resolvers_get(&h, &rv);
	CHECK_STR("taken back", "", rv.rv_search);
	host_destroy(&h);
}

/* --- floods ------------------------------------------------------------------------------ */

NET_TEST(a_flood_of_advertisements_is_bounded)
{
	char text[IP6_ADDRSTRLEN];
	struct inaddr prefix, src;
	struct ip6_if *ii;
	struct host h;
	struct ra ra;

	host_create(&h, 7);
	host_settle(&h);
	ii = ip6_if(h.h_ifp);
	for (unsigned int i = 0; i < 500; i++) {
		prefix = host_addr("2001:db8::");
		src = host_addr("fe80::");
		be16_put(&prefix.ia_b[6], (uint16_t)(i + 1));
		be16_put(&src.ia_b[14], (uint16_t)(i + 1));
		ra_init(&ra, 1800);
		ra_prefix(&ra, ip6_addr_format(&prefix, text), RA_ONLINK | RA_AUTO, 86400, 14400);
		ra_route(&ra, text, 64, 0, 600);
		ra_send(&h, &ra, ip6_addr_format(&src, text));
	}
	CHECK_EQ("prefixes", IP6_MAXPREFIX, ii->ii_nknown[PFX_PREFIX]);
	CHECK_EQ("routes", IP6_MAXROUTE, ii->ii_nknown[PFX_ROUTE]);
	/* With the link-local address. */
	CHECK_EQ("addresses", IP6_MAXAUTO, host_count(&h, 0, 0));
	/* Nobody looks: the queue fills, and no more. */
	for (unsigned int i = 0; i < 2 * IP6_CTLQ_MAX; i++)
		host_icmp(&h, "fe80::fe", "ff02::1", 255, ra.r_msg, ra.r_len);
	CHECK(ip6_ns(h.h_ns)->n_ctlq.pq_n <= IP6_CTLQ_MAX);
	host_destroy(&h);
}

/* --- temporary addresses -------------------------------------------------------------------- */

#define TEMP	IFA_F_TEMPORARY

NET_TEST(a_temporary_address_is_replaced_before_it_is_deprecated)
{
	struct host h;
	int64_t now;

	host_create(&h, 7);
	host_set(&h, &ip6_var_use_tempaddr, 2);
	host_settle(&h);
	announce(&h, "2001:db8::", ND_INFINITE, ND_INFINITE);
	host_wait(SECONDS(6));
	CHECK_EQ("one public", 1, host_count(&h, IFA_F_MANAGETEMPADDR, TEMP));
	CHECK_EQ("one temporary", 1, host_count(&h, TEMP, IFA_F_TENTATIVE));
	/* At no time is there none that is preferred; after a week the first are gone. */
	for (now = 0; now < 8 * 86400; now += 600) {
		host_wait(SECONDS(600));
		NEED(host_count(&h, TEMP, IFA_F_DEPRECATED | IFA_F_TENTATIVE) >= 1 ||
		    host_count(&h, TEMP | IFA_F_TENTATIVE, IFA_F_DEPRECATED) >= 1);
		NEED(host_count(&h, TEMP, 0) <= IP6_MAXAUTO);
	}
	CHECK(host_count(&h, TEMP | IFA_F_DEPRECATED, 0) >= 5);
	CHECK(host_count(&h, TEMP, 0) >= 7);
	host_destroy(&h);
}

NET_TEST(temporary_addresses_go_with_their_public_one)
{
	struct inaddr a;
	struct host h;

	host_create(&h, 7);
	host_set(&h, &ip6_var_use_tempaddr, 1);
	host_settle(&h);
	announce(&h, "2001:db8::", 86400, 14400);
	host_wait(SECONDS(6));
	CHECK_EQ("temporary", 1, host_count(&h, TEMP, 0));
	a = host_eui64(&h, "2001:db8::");
	mutex_enter(&h.h_ns->ns_lock);
	CHECK_EQ("removed", 0, ifaddr_del(h.h_ifp, AF_INET6, &a, 64));
	mutex_exit(&h.h_ns->ns_lock);
	host_wait(1);
	CHECK_EQ("temporary", 0, host_count(&h, TEMP, 0));
	host_destroy(&h);
}

NET_TEST(temporary_addresses_are_preferred_as_sources_if_the_setting_says_so)
{
	struct inaddr dst = host_addr("2001:4860::1"), src;
	struct host h;

	for (int value = 1; value <= 2; value++) {
		struct rtkey rk = { .rk_family = AF_INET6, .rk_dst = dst };

		host_create(&h, 7);
		host_set(&h, &ip6_var_use_tempaddr, value);
		host_settle(&h);
		announce(&h, "2001:db8::", 86400, 14400);
		host_wait(SECONDS(6));
		NEED(ip6_select(h.h_ifp, &rk, &src));
		CHECK_EQ("temporary", value == 2, (host_flags(&h, &src) & TEMP) != 0);
		/* IPV6_ADDR_PREFERENCES of a socket counts more. */
		rk.rk_flags = value == 2 ? RTK_SRCPUBLIC : RTK_SRCTMP;
		NEED(ip6_select(h.h_ifp, &rk, &src));
		CHECK_EQ("asked", value != 2, (host_flags(&h, &src) & TEMP) != 0);
		host_destroy(&h);
	}
}

NET_TEST(opaque_identifiers_differ_by_prefix_and_are_the_same_again)
{
	uint8_t a[8], b[8], c[8];
	struct inaddr p1 = host_addr("2001:db8:1::"), p2 = host_addr("2001:db8:2::");
	struct host h;

	host_create(&h, 7);
	ip6_iid_stable(h.h_ifp, &p1, 0, a);
	ip6_iid_stable(h.h_ifp, &p2, 0, b);
	CHECK(memcmp(a, b, 8) != 0);
	ip6_iid_stable(h.h_ifp, &p1, 1, b);
	CHECK(memcmp(a, b, 8) != 0);
	ip6_iid_stable(h.h_ifp, &p1, 0, c);
	CHECK_MEM("again", a, c, 8);
	ip6_iid_eui64(h.h_ifp, b);
	CHECK(memcmp(a, b, 8) != 0);
	host_destroy(&h);
}

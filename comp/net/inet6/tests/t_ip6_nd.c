/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ip6_nd.c - neighbours: who is answered, what is learned, unreachability, redirects
 */

#include "ip6_host.h"

#define SECONDS(n)	((n) * 1000LL)

static const uint8_t other_mac[6] = { 2, 0, 0, 0, 0, 0x42 };

static void
ready(struct host *h)
{
	host_create(h, 7);
	host_settle(h);
	CHECK_EQ("address", 0, host_add(h, "2001:db8::7", 64));
	host_settle(h);
}

static void
solicit(struct host *h, const char *src, const char *target, const char *dst, uint8_t hops)
{
	struct inaddr t = host_addr(target);
	uint8_t msg[ND_BUILD_MAX];
	size_t len = nd_ns_build(msg, &t, other_mac, 6, NULL);

	host_icmp(h, src, dst, hops, msg, len);
}

static void
advertise(struct host *h, const char *target, bool solicited, bool override,
    const uint8_t *mac)
{
	struct nd_na na = {
		.na_target = host_addr(target), .na_solicited = solicited,
		.na_override = override, .na_tlla = { mac, 6 },
	};
	uint8_t msg[ND_BUILD_MAX];
	size_t len = nd_na_build(msg, &na);

	host_icmp(h, target, solicited ? "2001:db8::7" : "ff02::1", 255, msg, len);
	host_wait(1);
}

static uint16_t
state_of(struct host *h, const char *a, struct neigh_info *ni)
{
	struct inaddr addr = host_addr(a);

	if (neigh_lookup(h->h_ifp, AF_INET6, &addr, ni))
		return 0;
	return ni->ni_state;
}

static const struct {
	const char *label, *src, *target, *dst;
	uint8_t hops;
	bool answered;
} ns_cases[] = {
	{ "for us", "2001:db8::42", "2001:db8::7", "ff02::1:ff00:7", 255, true },
	{ "unicast", "2001:db8::42", "2001:db8::7", "2001:db8::7", 255, true },
	{ "for another", "2001:db8::42", "2001:db8::8", "ff02::1:ff00:7", 255, false },
	{ "routed", "2001:db8::42", "2001:db8::7", "ff02::1:ff00:7", 254, false },
};

NET_TEST(who_asks_for_an_address_of_ours_is_answered)
{
	struct neigh_info ni;
	struct heard e;
	struct host h;

	for (size_t i = 0; i < ARRAY_SIZE(ns_cases); i++) {
		ready(&h);
		solicit(&h, ns_cases[i].src, ns_cases[i].target, ns_cases[i].dst,
		    ns_cases[i].hops);
		CHECK_EQ(ns_cases[i].label, ns_cases[i].answered, host_hear(&h, ND_NA, &e));
		/* STALE, and the answer was the first packet to it. */
		CHECK_EQ(ns_cases[i].label, ns_cases[i].answered ? NUD_DELAY : 0,
		    state_of(&h, "2001:db8::42", &ni));
		if (ns_cases[i].answered) {
			CHECK_EQ("solicited, override", 0x60, e.e_msg[4]);
			CHECK_MEM("to whom", other_mac, e.e_dst, 6);
			CHECK_EQ("hops", 255, e.e_f.f_hops);
			CHECK_EQ("option", ND_OPT_TLLA, e.e_msg[24]);
			CHECK_MEM("whose", h.h_mac, e.e_msg + 26, 6);
		}
		host_destroy(&h);
	}
}

NET_TEST(a_router_says_that_it_is_one)
{
	struct heard e;
	struct host h;

	ready(&h);
	host_set(&h, &ip6_var_forwarding, 1);
	host_wait(1);
	solicit(&h, "2001:db8::42", "2001:db8::7", "ff02::1:ff00:7", 255);
	NEED(host_hear(&h, ND_NA, &e));
	CHECK_EQ("router, solicited, override", 0xe0, e.e_msg[4]);
	host_destroy(&h);
}

/* An echo request of ours, through the output of the stack. */
static int
ping(struct host *h, const char *dst)
{
	struct rtkey rk = { .rk_family = AF_INET6, .rk_dst = host_addr(dst) };
	struct inet_tx tx = {
		.it_ns = h->h_ns, .it_family = AF_INET6, .it_proto = IPPROTO_ICMPV6,
		.it_ttl = -1, .it_dst = rk.rk_dst,
	};
	static const uint8_t msg[16] = { ICMP6_ECHO, 0, 0, 0, 0, 1, 0, 1 };
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p;
	struct rtdst *rd;
	int error;

	error = route_lookup(h->h_ns, &rk, &rd);
	if (error)
		return error;
	p = packet_from(msg, sizeof(msg), 0);
	NEED(p != NULL);
	tx.it_src = rd->rd_src;
	icmp6_sum(p, &tx.it_src, &tx.it_dst);
	packetq_put(&q, p);
	error = ip6_output(&tx, rd, &q);
	rtdst_rele(rd);
	return error;
}

NET_TEST(a_neighbour_is_asked_for_and_what_waited_is_sent)
{
	struct inaddr group, src = host_addr("2001:db8::7");
	struct neigh_info ni;
	struct heard e;
	struct host h;

	ready(&h);
	CHECK_EQ("sent", 0, ping(&h, "2001:db8::42"));
	NEED(host_hear(&h, ND_NS, &e));
	group = host_addr("ff02::1:ff00:42");
	CHECK(inaddr_eq(&e.e_f.f_dst, &group));
	CHECK(inaddr_eq(&e.e_f.f_src, &src));
	CHECK_EQ("state", NUD_INCOMPLETE, state_of(&h, "2001:db8::42", &ni));
	CHECK(!host_hear(&h, ICMP6_ECHO, &e));
	advertise(&h, "2001:db8::42", true, true, other_mac);
	CHECK_EQ("state", NUD_REACHABLE, state_of(&h, "2001:db8::42", &ni));
	NEED(host_hear(&h, ICMP6_ECHO, &e));
	CHECK_MEM("to", other_mac, e.e_dst, 6);
	CHECK_EQ("hops", 64, e.e_f.f_hops);
	host_destroy(&h);
}

NET_TEST(a_neighbour_that_does_not_answer_is_asked_three_times_and_given_up)
{
	struct neigh_info ni;
	unsigned int asked = 0;
	struct heard e;
	struct host h;

	ready(&h);
	CHECK_EQ("sent", 0, ping(&h, "2001:db8::42"));
	host_wait(SECONDS(10));
	while (host_hear(&h, ND_NS, &e))
		asked++;
	CHECK_EQ("asked", 3, asked);
	CHECK_EQ("state", NUD_FAILED, state_of(&h, "2001:db8::42", &ni));
	host_destroy(&h);
}

NET_TEST(a_neighbour_that_falls_silent_is_probed_by_unicast)
{
	struct neigh_info ni;
	struct inaddr dst = host_addr("2001:db8::42");
	unsigned int asked = 0;
	struct heard e;
	struct host h;

	ready(&h);
	CHECK_EQ("sent", 0, ping(&h, "2001:db8::42"));
	advertise(&h, "2001:db8::42", true, true, other_mac);
	host_wait(SECONDS(60));
	CHECK_EQ("state", NUD_STALE, state_of(&h, "2001:db8::42", &ni));
	host_forget(&h);
	CHECK_EQ("sent", 0, ping(&h, "2001:db8::42"));
	NEED(host_hear(&h, ICMP6_ECHO, &e));
	CHECK_MEM("to the old address", other_mac, e.e_dst, 6);
	CHECK_EQ("state", NUD_DELAY, state_of(&h, "2001:db8::42", &ni));
	host_wait(SECONDS(15));
	while (host_hear(&h, ND_NS, &e)) {
		CHECK(inaddr_eq(&e.e_f.f_dst, &dst));
		CHECK_MEM("unicast", other_mac, e.e_dst, 6);
		asked++;
	}
	CHECK_EQ("asked", 3, asked);
	CHECK_EQ("state", NUD_FAILED, state_of(&h, "2001:db8::42", &ni));
	host_destroy(&h);
}

static const uint8_t new_mac[6] = { 2, 0, 0, 0, 0, 0x43 };

static const struct {
	const char *label;
	bool solicited, override, same;
	bool taken;		/* the new address is there afterwards */
	uint16_t state;
} na_cases[] = {	/* RFC 4861 section 7.2.5, from REACHABLE */
	{ "same, solicited", true, false, true, false, NUD_REACHABLE },
	{ "other, override", false, true, false, true, NUD_STALE },
	{ "other, solicited, override", true, true, false, true, NUD_REACHABLE },
	{ "other, neither", false, false, false, false, NUD_STALE },
	{ "other, solicited", true, false, false, false, NUD_STALE },
};

NET_TEST(advertisements_change_an_entry_as_their_flags_say)
{
	struct neigh_info ni;
	struct host h;

	for (size_t i = 0; i < ARRAY_SIZE(na_cases); i++) {
		ready(&h);
		CHECK_EQ("sent", 0, ping(&h, "2001:db8::42"));
		advertise(&h, "2001:db8::42", true, true, other_mac);
		advertise(&h, "2001:db8::42", na_cases[i].solicited, na_cases[i].override,
		    na_cases[i].same ? other_mac : new_mac);
		CHECK_EQ(na_cases[i].label, na_cases[i].state, state_of(&h, "2001:db8::42", &ni));
		CHECK_MEM(na_cases[i].label, na_cases[i].taken ? new_mac : other_mac,
		    ni.ni_lladdr, 6);
		host_destroy(&h);
	}
}

NET_TEST(an_advertisement_that_nobody_asked_for_makes_no_entry)
{
	struct neigh_info ni;
	struct host h;

	ready(&h);
	advertise(&h, "2001:db8::42", false, true, other_mac);
	CHECK_EQ("state", 0, state_of(&h, "2001:db8::42", &ni));
	host_destroy(&h);
}

/* --- routers ---------------------------------------------------------------------- */

static void
next_hop(struct host *h, const char *label, const char *want)
{
	struct rtkey rk = { .rk_family = AF_INET6, .rk_dst = host_addr("2001:4860::1") };
	struct inaddr w = host_addr(want);
	struct rtdst *rd;

	if (!CHECK_EQ(label, 0, route_lookup(h->h_ns, &rk, &rd)))
		return;
	CHECK_EQ(label, true, inaddr_eq(&rd->rd_hop, &w));
	rtdst_rele(rd);
}

static void
router(struct host *h, const char *src, uint8_t last)
{
	struct ra ra;

	ra_init(&ra, 1800);
	ra_slla(&ra, last);
	ra_send(h, &ra, src);
}

NET_TEST(a_router_that_does_not_answer_gives_way_to_another)
{
	struct host h;

	ready(&h);
	router(&h, "fe80::1", 1);
	router(&h, "fe80::2", 2);
	next_hop(&h, "first", "fe80::1");
	CHECK_EQ("sent", 0, ping(&h, "2001:4860::1"));
	host_wait(SECONDS(15));		/* delay, three probes */
	next_hop(&h, "second", "fe80::2");
	host_destroy(&h);
}

static const struct {
	const char *label, *src, *target;
	uint8_t hops;
	bool followed;
} redirect_cases[] = {
	{ "sound", "fe80::1", "fe80::9", 255, true },
	{ "on link", "fe80::1", "2001:4860::1", 255, true },
	{ "from a stranger", "fe80::2", "fe80::9", 255, false },
	{ "routed", "fe80::1", "fe80::9", 254, false },
	{ "from a global address", "2001:db8::1", "fe80::9", 255, false },
	{ "to a global router", "fe80::1", "2001:db8::9", 255, false },
};

NET_TEST(redirects_are_followed_if_they_come_from_the_first_hop)
{
	uint8_t msg[40];
	struct inaddr a;
	struct host h;

	for (size_t i = 0; i < ARRAY_SIZE(redirect_cases); i++) {
		ready(&h);
		router(&h, "fe80::1", 1);
		memset(msg, 0, sizeof(msg));
		msg[0] = ND_REDIRECT;
		a = host_addr(redirect_cases[i].target);
		memcpy(msg + 8, &a, 16);
		a = host_addr("2001:4860::1");
		memcpy(msg + 24, &a, 16);
		host_icmp(&h, redirect_cases[i].src, "2001:db8::7", redirect_cases[i].hops, msg,
		    sizeof(msg));
		host_wait(1);
		next_hop(&h, redirect_cases[i].label,
		    redirect_cases[i].followed ? redirect_cases[i].target : "fe80::1");
		host_destroy(&h);
	}
}

NET_TEST(redirects_can_be_refused)
{
	uint8_t msg[40] = { ND_REDIRECT };
	struct inaddr a;
	struct host h;

	ready(&h);
	host_set(&h, &ip6_var_accept_redirects, 0);
	router(&h, "fe80::1", 1);
	a = host_addr("fe80::9");
	memcpy(msg + 8, &a, 16);
	a = host_addr("2001:4860::1");
	memcpy(msg + 24, &a, 16);
	host_icmp(&h, "fe80::1", "2001:db8::7", 255, msg, sizeof(msg));
	host_wait(1);
	next_hop(&h, "refused", "fe80::1");
	host_destroy(&h);
}

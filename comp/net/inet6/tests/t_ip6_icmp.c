/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ip6_icmp.c - echo, errors and when they are not sent, headers, forwarding
 */

#include "ip6_host.h"

#define SECONDS(n)	((n) * 1000LL)
#define SRC		"2001:db8::42"
#define DST		"2001:db8::7"

static void
ready(struct host *h)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x42 };
	struct neigh_info ni = {
		.ni_family = AF_INET6, .ni_addr = host_addr(SRC), .ni_addrlen = 6,
		.ni_state = NUD_PERMANENT,
	};

	host_create(h, 7);
	host_settle(h);
	CHECK_EQ("address", 0, host_add(h, DST, 64));
	host_settle(h);
	memcpy(ni.ni_lladdr, mac, 6);
	ni.ni_ifindex = h->h_ifp->if_index;
	mutex_enter(&h->h_ns->ns_lock);
	CHECK_EQ("neighbour", 0, neigh_set(h->h_ifp, &ni, NLM_F_CREATE | NLM_F_REPLACE));
	mutex_exit(&h->h_ns->ns_lock);
}

static const struct {
	const char *label, *src, *dst;
	bool reply;
	const char *from;
} echo_cases[] = {
	{ "to an address", SRC, DST, true, DST },
	{ "to all nodes", SRC, "ff02::1", true, DST },
	{ "to a group of others", SRC, "ff02::99", false, NULL },
	{ "to another host", SRC, "2001:db8::8", false, NULL },
	{ "from nobody", "::", DST, false, NULL },
	{ "from a group", "ff02::1", DST, false, NULL },
	{ "from ::1", "::1", DST, false, NULL },
	{ "to ::1", SRC, "::1", false, NULL },
	{ "to an interface-local group", SRC, "ff01::1", false, NULL },
	{ "from a mapped address", "::ffff:10.0.0.1", DST, false, NULL },
};

NET_TEST(echo_requests_are_answered_from_the_address_asked)
{
	uint8_t msg[64];
	struct inaddr from;
	struct heard e;
	struct host h;

	ready(&h);
	for (size_t i = 0; i < ARRAY_SIZE(echo_cases); i++) {
		for (size_t k = 0; k < sizeof(msg); k++)
			msg[k] = (uint8_t)(k * 7 + i);
		msg[0] = ICMP6_ECHO;
		msg[1] = 0;
		host_forget(&h);
		host_icmp(&h, echo_cases[i].src, echo_cases[i].dst, 9, msg, sizeof(msg));
		if (!CHECK_EQ(echo_cases[i].label, echo_cases[i].reply,
		    host_hear(&h, ICMP6_ECHOREPLY, &e)) || !echo_cases[i].reply)
			continue;
		from = host_addr(echo_cases[i].from);
		CHECK_EQ(echo_cases[i].label, true, inaddr_eq(&from, &e.e_f.f_src));
		CHECK_EQ("hops", 64, e.e_f.f_hops);
		CHECK_MEM("payload", msg + 4, e.e_msg + 4, sizeof(msg) - 4);
	}
	host_destroy(&h);
}

NET_TEST(a_message_with_a_wrong_checksum_is_dropped)
{
	struct ip6_fixed f = { .f_next = IPPROTO_ICMPV6, .f_hops = 64, .f_src = host_addr(SRC),
		.f_dst = host_addr(DST) };
	uint8_t msg[16] = { ICMP6_ECHO, 0, 1, 2 };
	struct heard e;
	struct host h;

	ready(&h);
	host_packet(&h, &f, msg, sizeof(msg));
	CHECK(!host_next(&h, &e));
	host_destroy(&h);
}

/* --- errors -------------------------------------------------------------------------- */

/* A packet of 16 bytes behind the header, first as its next header. */
static const struct {
	const char *label, *src, *dst;
	uint8_t next;
	uint8_t payload[16];
	int type;			/* -1: silence */
	uint8_t code;
	uint32_t info;
} error_cases[] = {
	{ "unknown protocol", SRC, DST, 253, { 0 }, ICMP6_PARAM, 1, 6 },
	{ "unknown behind options", SRC, DST, 60, { 253, 0, 1, 4 }, ICMP6_PARAM, 1, 40 },
	{ "no next header", SRC, DST, 59, { 0 }, -1, 0, 0 },
	{ "option: tell", SRC, DST, 60, { 59, 0, 0x9e, 4 }, ICMP6_PARAM, 2, 42 },
	{ "option: tell, to a group", SRC, "ff02::1", 60, { 59, 0, 0x9e, 4 }, ICMP6_PARAM, 2, 42 },
	{ "option: tell unicast", SRC, DST, 60, { 59, 0, 0xde, 4 }, ICMP6_PARAM, 2, 42 },
	{ "option: tell unicast, to a group", SRC, "ff02::1", 60, { 59, 0, 0xde, 4 }, -1, 0, 0 },
	{ "option: drop", SRC, DST, 60, { 59, 0, 0x5e, 4 }, -1, 0, 0 },
	{ "option in hop-by-hop", SRC, DST, 0, { 59, 0, 0x9e, 4 }, ICMP6_PARAM, 2, 42 },
	{ "routing type 0", SRC, DST, 43, { 59, 0, 0, 1 }, ICMP6_PARAM, 0, 42 },
	{ "routing type 4", SRC, DST, 43, { 59, 0, 4, 2 }, ICMP6_PARAM, 0, 42 },
	{ "routing done", SRC, DST, 43, { 59, 0, 0, 0 }, -1, 0, 0 },
	{ "hop-by-hop behind another", SRC, DST, 60, { 0, 0, 1, 4, 0, 0, 0, 0, 59, 0, 1, 4 },
	    ICMP6_PARAM, 1, 40 },
	{ "from a group", "ff02::1", DST, 253, { 0 }, -1, 0, 0 },
	{ "from nobody", "::", DST, 253, { 0 }, -1, 0, 0 },
	{ "to a group", SRC, "ff02::1", 253, { 0 }, -1, 0, 0 },
	{ "beyond the end", SRC, DST, 60, { 59, 9, 1, 4 }, -1, 0, 0 },
};

NET_TEST(headers_that_cannot_be_followed_are_answered_or_dropped)
{
	struct heard e;
	struct host h;

	ready(&h);
	host_set(&h, &ip6_var_icmp_ratelimit, 0);
	for (size_t i = 0; i < ARRAY_SIZE(error_cases); i++) {
		struct ip6_fixed f = {
			.f_next = error_cases[i].next, .f_hops = 64,
			.f_src = host_addr(error_cases[i].src),
			.f_dst = host_addr(error_cases[i].dst),
		};

		host_forget(&h);
		host_packet(&h, &f, error_cases[i].payload, 16);
		if (!CHECK_EQ(error_cases[i].label, error_cases[i].type >= 0,
		    host_hear(&h, ICMP6_PARAM, &e)) || error_cases[i].type < 0)
			continue;
		CHECK_EQ(error_cases[i].label, error_cases[i].code, e.e_msg[1]);
		CHECK_EQ(error_cases[i].label, error_cases[i].info, be32_get(e.e_msg + 4));
		CHECK_MEM(error_cases[i].label, error_cases[i].payload,
		    e.e_msg + 8 + IP6_HDRLEN, 16);
	}
	host_destroy(&h);
}

NET_TEST(an_error_is_never_answered_with_an_error)
{
	/* An error about nothing, behind options that ask for an answer. */
	uint8_t payload[16] = { IPPROTO_ICMPV6, 0, 0x9e, 4, 0, 0, 0, 0, ICMP6_UNREACH };
	struct ip6_fixed f = { .f_next = IP6_NH_DSTOPTS, .f_hops = 64, .f_src = host_addr(SRC),
		.f_dst = host_addr(DST) };
	struct heard e;
	struct host h;

	ready(&h);
	host_packet(&h, &f, payload, sizeof(payload));
	CHECK(!host_hear(&h, ICMP6_PARAM, &e));
	payload[8] = ICMP6_ECHO;
	host_packet(&h, &f, payload, sizeof(payload));
	CHECK(host_hear(&h, ICMP6_PARAM, &e));
	host_destroy(&h);
}

NET_TEST(the_rate_of_errors_is_limited)
{
	struct ip6_fixed f = { .f_next = 253, .f_hops = 64, .f_src = host_addr(SRC),
		.f_dst = host_addr(DST) };
	uint8_t payload[8] = { 0 };
	unsigned int n = 0;
	struct heard e;
	struct host h;

	ready(&h);
	for (unsigned int i = 0; i < 1000; i++)
		host_packet(&h, &f, payload, sizeof(payload));
	while (host_hear(&h, ICMP6_PARAM, &e))
		n++;
	CHECK_EQ("at once", 6, n);
	host_wait(SECONDS(3));
	for (n = 0; n < 100; n++)
		host_packet(&h, &f, payload, sizeof(payload));
	for (n = 0; host_hear(&h, ICMP6_PARAM, &e); n++)
		;
	CHECK_EQ("after three seconds", 3, n);
	host_destroy(&h);
}

NET_TEST(a_path_mtu_is_learned_for_the_destination_and_forgotten)
{
	struct rtkey rk = { .rk_family = AF_INET6, .rk_dst = host_addr("2001:db8::99") };
	struct ip6_fixed f = { .f_next = 17, .f_plen = 100, .f_hops = 60,
		.f_src = host_addr(DST), .f_dst = host_addr("2001:db8::99") };
	uint8_t msg[8 + IP6_HDRLEN + 16] = { ICMP6_TOOBIG };
	struct rtdst *rd;
	struct host h;

	ready(&h);
	for (unsigned int i = 0; i < 3; i++) {
		static const uint32_t said[3] = { 1279, 1400, 1300 };
		static const uint32_t want[3] = { 1500, 1400, 1300 };

		be32_put(msg + 4, said[i]);
		ip6_fixed_build(msg + 8, &f);
		host_icmp(&h, SRC, DST, 64, msg, sizeof(msg));
		NEED(route_lookup(h.h_ns, &rk, &rd) == 0);
		CHECK_EQ("mtu", want[i], rtdst_mtu(rd));
		rtdst_rele(rd);
	}
	host_wait(SECONDS(601));
	NEED(route_lookup(h.h_ns, &rk, &rd) == 0);
	CHECK_EQ("forgotten", 1500, rtdst_mtu(rd));
	rtdst_rele(rd);
	/* About a packet that was not ours. */
	f.f_src = host_addr("2001:db8::8");
	ip6_fixed_build(msg + 8, &f);
	host_icmp(&h, SRC, DST, 64, msg, sizeof(msg));
	NEED(route_lookup(h.h_ns, &rk, &rd) == 0);
	CHECK_EQ("not ours", 1500, rtdst_mtu(rd));
	rtdst_rele(rd);
	host_destroy(&h);
}

/* --- forwarding ------------------------------------------------------------------------- */

static const struct {
	const char *label, *src, *dst;
	uint8_t hops;
	bool forwarded;
	int type;		/* of the answer; -1: none */
	uint8_t code;
} forward_cases[] = {
	{ "on link", "2001:db8:1::9", "2001:db8::42", 64, true, -1, 0 },
	{ "last hop", "2001:db8:1::9", "2001:db8::42", 1, false, ICMP6_TIME, 0 },
	{ "no hop", "2001:db8:1::9", "2001:db8::42", 0, false, ICMP6_TIME, 0 },
	{ "no route", "2001:db8:1::9", "2001:4860::1", 64, false, ICMP6_UNREACH, 0 },
	{ "from a link-local address", "fe80::9", "2001:db8::42", 64, false, -1, 0 },
	{ "to a link-local address", "2001:db8:1::9", "fe80::42", 64, false, -1, 0 },
	{ "from nobody", "::", "2001:db8::42", 64, false, -1, 0 },
};

/* Who sends is behind the neighbour at SRC. */
static void
route_back(struct host *h)
{
	struct rtconfig rc = {
		.rc_family = AF_INET6, .rc_dst = host_addr("2001:db8:1::"), .rc_plen = 48,
		.rc_type = RTN_UNICAST, .rc_protocol = RTPROT_STATIC, .rc_table = RT_TABLE_MAIN,
		.rc_nhops = 1,
	};

	rc.rc_hop[0] = (struct rthop){ .nh_ifindex = h->h_ifp->if_index,
		.nh_gwfamily = AF_INET6, .nh_gw = host_addr(SRC), .nh_weight = 1 };
	mutex_enter(&h->h_ns->ns_lock);
	CHECK_EQ("route", 0, route_add(h->h_ns, &rc, NLM_F_CREATE));
	mutex_exit(&h->h_ns->ns_lock);
}

NET_TEST(a_router_passes_packets_on_and_says_when_it_cannot)
{
	uint8_t payload[32] = { 1, 2, 3 };
	struct heard e;
	struct host h;

	ready(&h);
	route_back(&h);
	host_set(&h, &ip6_var_forwarding, 1);
	host_wait(SECONDS(3));
	for (size_t i = 0; i < ARRAY_SIZE(forward_cases); i++) {
		struct ip6_fixed f = {
			.f_next = 17, .f_hops = forward_cases[i].hops,
			.f_src = host_addr(forward_cases[i].src),
			.f_dst = host_addr(forward_cases[i].dst),
		};
		bool passed = false, told = false;

		host_forget(&h);
		host_packet(&h, &f, payload, sizeof(payload));
		while (host_next(&h, &e)) {
			if (e.e_proto == 17) {
				passed = true;
				CHECK_EQ("hops", forward_cases[i].hops - 1, e.e_f.f_hops);
				CHECK_MEM("payload", payload, e.e_msg, sizeof(payload));
			} else if (e.e_proto == IPPROTO_ICMPV6 && e.e_msg[0] < 128) {
				told = true;
				CHECK_EQ(forward_cases[i].label, forward_cases[i].type, e.e_msg[0]);
				CHECK_EQ(forward_cases[i].label, forward_cases[i].code, e.e_msg[1]);
			}
		}
		CHECK_EQ(forward_cases[i].label, forward_cases[i].forwarded, passed);
		CHECK_EQ(forward_cases[i].label, forward_cases[i].type >= 0, told);
	}
	host_destroy(&h);
}

NET_TEST(a_host_passes_nothing_on)
{
	struct ip6_fixed f = { .f_next = 17, .f_hops = 64, .f_src = host_addr("2001:db8:1::9"),
		.f_dst = host_addr(SRC) };
	uint8_t payload[32] = { 0 };
	struct heard e;
	struct host h;

	ready(&h);
	route_back(&h);
	host_packet(&h, &f, payload, sizeof(payload));
	CHECK(!host_next(&h, &e));
	host_destroy(&h);
}

NET_TEST(a_packet_too_large_for_the_next_link_is_refused_with_its_mtu)
{
	static uint8_t payload[1400];
	struct ip6_fixed f = { .f_next = 17, .f_hops = 64, .f_src = host_addr("2001:db8:1::9"),
		.f_dst = host_addr(SRC) };
	struct heard e;
	struct host h;

	ready(&h);
	route_back(&h);
	host_set(&h, &ip6_var_forwarding, 1);
	mutex_enter(&h.h_ns->ns_lock);
	CHECK_EQ("mtu", 0, if_setmtu(h.h_ifp, 1300));
	mutex_exit(&h.h_ns->ns_lock);
	host_settle(&h);
	host_packet(&h, &f, payload, sizeof(payload));
	NEED(host_hear(&h, ICMP6_TOOBIG, &e));
	CHECK_EQ("mtu", 1300, be32_get(e.e_msg + 4));
	CHECK(e.e_len <= IP6_MINMTU);
	host_destroy(&h);
}

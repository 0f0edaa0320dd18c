/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ip6_frag.c - reassembly, judged by echo replies and by a model
 *
 * An echo request comes in pieces; if all is well the reply has the same bytes.
 */

#include "ip6_host.h"

#include <sys/random.h>

#define SECONDS(n)	((n) * 1000LL)
#define ECHO_MAX	1200
#define SRC		"2001:db8::42"
#define DST		"2001:db8::7"

static uint8_t echo[65536 + 64];

/* A request of len bytes with its checksum. */
static void
echo_make(size_t len)
{
	struct inaddr src = host_addr(SRC), dst = host_addr(DST);
	uint16_t sum;

	random_bytes(echo, len);
	memset(echo, 0, 4);
	echo[0] = ICMP6_ECHO;
	sum = packet_sum_fold(packet_sum_bytes(echo, len, ip6_af.ia_pseudo(&src, &dst,
	    IPPROTO_ICMPV6, (uint32_t)len)));
	memcpy(echo + 2, &sum, 2);
}

static void
ready(struct host *h)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x42 };
	struct inaddr peer = host_addr(SRC);
	struct neigh_info ni = {
		.ni_family = AF_INET6, .ni_addr = peer, .ni_addrlen = 6,
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

static void
piece(struct host *h, uint32_t id, uint32_t off, uint32_t len, bool more)
{
	static uint8_t buf[IP6_FRAGLEN + 65536];
	struct ip6_fixed f = {
		.f_next = IP6_NH_FRAGMENT, .f_hops = 64, .f_src = host_addr(SRC),
		.f_dst = host_addr(DST),
	};
	struct ip6_frag fr = {
		.fr_next = IPPROTO_ICMPV6, .fr_more = more, .fr_off = off, .fr_id = id,
	};

	ip6_frag_build(buf, &fr);
	memcpy(buf + IP6_FRAGLEN, echo + off, len);
	host_packet(h, &f, buf, IP6_FRAGLEN + len);
}

static bool
answered(struct host *h, size_t len)
{
	struct heard e;

	if (!host_hear(h, ICMP6_ECHOREPLY, &e))
		return false;
	CHECK_EQ("length", len, e.e_msglen);
	if (len == e.e_msglen)
		CHECK_MEM("bytes", echo + 4, e.e_msg + 4, len - 4);
	return true;
}

NET_TEST(pieces_in_any_order_make_the_packet)
{
	unsigned int order[16], n, swap, t;
	struct host h;

	ready(&h);
	for (uint32_t id = 1; id <= 200; id++) {
		size_t len = 8 + random_below(ECHO_MAX - 8);
		uint32_t size = 8 + 8 * random_below(32);

		echo_make(len);
		n = (unsigned int)((len + size - 1) / size);
		if (n < 2 || n > ARRAY_SIZE(order))
			continue;
		for (unsigned int i = 0; i < n; i++)
			order[i] = i;
		for (unsigned int i = n - 1; i > 0; i--) {
			swap = random_below(i + 1);
			t = order[i];
			order[i] = order[swap];
			order[swap] = t;
		}
		for (unsigned int i = 0; i < n; i++) {
			uint32_t off = order[i] * size;

			CHECK(!answered(&h, len));
			piece(&h, id, off, order[i] == n - 1 ? (uint32_t)len - off : size,
			    order[i] != n - 1);
			if (random_below(4) == 0)	/* the link doubled it */
				piece(&h, id, off, order[i] == n - 1 ?
				    (uint32_t)len - off : size, order[i] != n - 1);
		}
		CHECK(answered(&h, len));
		/* What came behind the last one begins anew, and waits in vain. */
	}
	host_destroy(&h);
}

/* A byte for each of the payload: which piece brought it; what a careful reader would do. */
NET_TEST(reassembly_agrees_with_a_model)
{
	static uint8_t have[64];
	unsigned int done = 0, killed = 0;
	struct host h;

	ready(&h);
	for (uint32_t id = 1000; id < 1600; id++) {
		uint32_t units = 4 + random_below(12), total = 0;
		bool dead = false, complete = false;

		memset(have, 0, sizeof(have));
		echo_make(units * 8);
		for (unsigned int i = 0; i < 40 && !complete; i++) {
			uint32_t off = random_below(units), n = 1 + random_below(4), filled = 0;
			bool more, all = true, any = false;

			if (off + n > units)
				n = units - off;
			more = off + n < units;
			if (off == 0 && !more)
				continue;	/* atomic: nobody else's business */
			piece(&h, id, off * 8, n * 8, more);
			for (uint32_t u = off; u < off + n; u++) {
				any |= have[u] != 0;
				all &= have[u] == (uint8_t)(1 + off) && (u + 1 < off + n ||
				    u + 1 == units || have[u + 1] != (uint8_t)(1 + off));
			}
			if (any && all)
				continue;	/* the very same: ignored */
			dead |= any;
			for (uint32_t u = off; u < off + n; u++)
				have[u] = (uint8_t)(1 + off);
			if (!more)
				total = units;
			for (uint32_t u = 0; u < units; u++)
				filled += have[u] != 0;
			complete = !dead && total == units && filled == units;
		}
		CHECK_EQ("answered", complete, answered(&h, units * 8));
		done += complete;
		killed += dead;
	}
	CHECK(done > 10 && killed > 10);
	host_destroy(&h);
}

NET_TEST(an_overlap_ends_the_packet_for_good)
{
	struct host h;

	ready(&h);
	echo_make(64);
	piece(&h, 1, 0, 32, true);
	piece(&h, 1, 24, 24, true);
	piece(&h, 1, 32, 32, false);
	piece(&h, 1, 0, 24, true);
	CHECK(!answered(&h, 64));
	/* Another identification is another packet. */
	piece(&h, 2, 0, 32, true);
	piece(&h, 2, 32, 32, false);
	CHECK(answered(&h, 64));
	host_destroy(&h);
}

NET_TEST(an_atomic_fragment_meets_nobody)
{
	struct host h;

	ready(&h);
	echo_make(64);
	piece(&h, 1, 0, 32, true);
	piece(&h, 1, 0, 64, false);
	CHECK(answered(&h, 64));
	piece(&h, 1, 32, 32, false);
	CHECK(answered(&h, 64));
	host_destroy(&h);
}

NET_TEST(what_is_not_whole_after_a_minute_is_dropped_and_its_sender_told)
{
	struct heard e;
	struct host h;

	ready(&h);
	echo_make(64);
	piece(&h, 1, 0, 32, true);
	host_wait(SECONDS(59));
	CHECK(!host_hear(&h, ICMP6_TIME, &e));
	host_wait(SECONDS(2));
	NEED(host_hear(&h, ICMP6_TIME, &e));
	CHECK_EQ("code", 1, e.e_msg[1]);
	CHECK_MEM("quote", echo, e.e_msg + 8 + IP6_HDRLEN + IP6_FRAGLEN, 32);
	piece(&h, 1, 32, 32, false);
	CHECK(!answered(&h, 64));
	/* Without the first nobody knows whom to tell. */
	host_wait(SECONDS(61));
	CHECK(!host_hear(&h, ICMP6_TIME, &e));
	host_destroy(&h);
}

static const struct {
	const char *label;
	uint32_t off, len;
	bool more;
	uint8_t code;
	uint32_t pointer;
} bad_cases[] = {
	{ "not a multiple of 8", 0, 30, true, 0, 4 },
	{ "beyond 65535", 65528, 16, false, 0, IP6_HDRLEN + 2 },
	{ "first without the upper header", 0, 0, true, 255, 0 },
};

NET_TEST(fragments_that_cannot_be_are_answered_with_where_it_hurts)
{
	struct heard e;
	struct host h;

	ready(&h);
	echo_make(64);
	for (size_t i = 0; i < ARRAY_SIZE(bad_cases); i++) {
		piece(&h, (uint32_t)i, bad_cases[i].off, bad_cases[i].len, bad_cases[i].more);
		if (bad_cases[i].code == 255) {
			CHECK(!host_hear(&h, ICMP6_PARAM, &e));
			continue;
		}
		if (!CHECK_EQ(bad_cases[i].label, true, host_hear(&h, ICMP6_PARAM, &e)))
			continue;
		CHECK_EQ(bad_cases[i].label, bad_cases[i].code, e.e_msg[1]);
		CHECK_EQ(bad_cases[i].label, bad_cases[i].pointer, be32_get(e.e_msg + 4));
	}
	host_destroy(&h);
}

NET_TEST(a_first_fragment_has_all_headers)
{
	/* Destination options in the first, the upper header in the second (RFC 7112). */
	uint8_t buf[IP6_FRAGLEN + 8];
	struct ip6_fixed f = {
		.f_next = IP6_NH_FRAGMENT, .f_hops = 64, .f_src = host_addr(SRC),
		.f_dst = host_addr(DST),
	};
	struct ip6_frag fr = { .fr_next = IP6_NH_DSTOPTS, .fr_more = true, .fr_id = 9 };
	static const uint8_t options[8] = { IPPROTO_UDP, 0, 1, 4 };
	struct heard e;
	struct host h;

	ready(&h);
	ip6_frag_build(buf, &fr);
	memcpy(buf + IP6_FRAGLEN, options, 8);
	host_packet(&h, &f, buf, sizeof(buf));
	NEED(host_hear(&h, ICMP6_PARAM, &e));
	CHECK_EQ("code", 3, e.e_msg[1]);
	host_destroy(&h);
}

NET_TEST(a_flood_of_fragments_is_bounded_and_the_latest_gets_through)
{
	const uint32_t high = 256 << 10;
	uint64_t before, after;
	struct kmem_stats ks;
	struct host h;

	ready(&h);
	host_set(&h, &ip6_var_frag_high, (int)high);
	echo_make(1024);
	kmem_getstats(&ks);
	before = ks.ks_pages;
	for (uint32_t id = 0; id < 5000; id++)
		piece(&h, id, 0, 512, true);
	kmem_getstats(&ks);
	after = ks.ks_pages;
	CHECK(after - before < 2 * high);
	piece(&h, 4999, 512, 512, false);
	CHECK(answered(&h, 1024));
	host_destroy(&h);
}

NET_TEST(a_large_packet_comes_and_goes_in_pieces)
{
	static uint8_t got[65536];
	unsigned int n = 0, bytes = 0;
	const size_t len = 60000;
	struct ip6_frag fr;
	struct heard e;
	struct host h;

	ready(&h);
	echo_make(len);
	for (uint32_t off = 0; off < len; off += 1232)
		piece(&h, 77, off, len - off < 1232 ? (uint32_t)(len - off) : 1232,
		    off + 1232 < len);
	while (host_next(&h, &e)) {
		if (e.e_f.f_next != IP6_NH_FRAGMENT)
			continue;
		ip6_frag_parse(e.e_buf + IP6_HDRLEN, &fr);
		NEED(e.e_len <= 1500 && fr.fr_off + e.e_len - 48 <= len);
		CHECK_EQ("more", fr.fr_off + e.e_len - 48 < len, fr.fr_more);
		memcpy(got + fr.fr_off, e.e_buf + 48, e.e_len - 48);
		bytes += (unsigned int)e.e_len - 48;
		n++;
	}
	CHECK_EQ("fragments", 42, n);
	CHECK_EQ("bytes", len, bytes);
	CHECK_EQ("reply", ICMP6_ECHOREPLY, got[0]);
	CHECK_MEM("payload", echo + 4, got + 4, len - 4);
	host_destroy(&h);
}

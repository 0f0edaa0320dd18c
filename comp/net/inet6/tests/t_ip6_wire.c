/* SPDX-License-Identifier: BSD-2-Clause */

#include "ip6_wire.h"

#include <harness.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/random.h>

static struct inaddr
addr(const char *s)
{
	struct inaddr a = { .ia_w = { 0 } };

	CHECK_EQ(s, 0, ip6_addr_parse(s, &a));
	return a;
}

/* --- addresses ---------------------------------------------------------------- */

static const struct {
	const char *in, *out;	/* out NULL: not an address */
} text_cases[] = {
	{ "::", "::" },
	{ "::1", "::1" },
	{ "1::", "1::" },
	{ "2001:db8::1", "2001:db8::1" },
	{ "2001:0DB8:0:0:0:0:0:0001", "2001:db8::1" },
	{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
	{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
	{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
	{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
	{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
	{ "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
	{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
	{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
	{ "fe80::1", "fe80::1" },
	{ "", NULL }, { ":", NULL }, { ":::", NULL }, { "1", NULL }, { "1:2", NULL },
	{ "1:2:3:4:5:6:7", NULL }, { "1:2:3:4:5:6:7:8:9", NULL }, { "1:2:3:4:5:6:7:8:", NULL },
	{ "1::2::3", NULL }, { "12345::", NULL }, { "g::", NULL }, { ":1::", NULL },
	{ "1:2:3:4:5:6:7:1.2.3.4", NULL }, { "::1.2.3", NULL }, { "::1.2.3.256", NULL },
	{ "::1.2.3.4.5", NULL }, { "::1.2.3.4:1", NULL }, { "1:2:3:4::5:6:7:8", NULL },
	{ "::1 ", NULL }, { "fe80::1%eth0", NULL }, { "::1:", NULL }, { "1.2.3.4", NULL },
};

TEST_WITH(addresses_are_read_and_written_as_rfc_5952_says, .ht_flags = HARNESS_BARE)
{
	char buf[IP6_ADDRSTRLEN];
	struct inaddr a;

	for (size_t i = 0; i < ARRAY_SIZE(text_cases); i++) {
		int want = text_cases[i].out != NULL ? 0 : EINVAL;

		if (CHECK_EQ(text_cases[i].in, want, ip6_addr_parse(text_cases[i].in, &a)) &&
		    want == 0)
			CHECK_STR(text_cases[i].in, text_cases[i].out, ip6_addr_format(&a, buf));
	}
}

TEST(any_address_survives_being_written_and_read)
{
	char buf[IP6_ADDRSTRLEN];
	struct inaddr a, b;

	for (unsigned int i = 0; i < 5000; i++) {
		random_bytes(&a, sizeof(a));
		for (unsigned int g = 0; g < 8; g++) {	/* many zeros */
			if (random_below(2) == 0)
				a.ia_b[2 * g] = a.ia_b[2 * g + 1] = 0;
		}
		NEED(ip6_addr_parse(ip6_addr_format(&a, buf), &b) == 0);
		NEED(inaddr_eq(&a, &b));
	}
}

static const struct {
	const char *a;
	unsigned int scope;
} scope_cases[] = {
	{ "::1", IP6_SCOPE_LINK }, { "fe80::1", IP6_SCOPE_LINK }, { "febf::1", IP6_SCOPE_LINK },
	{ "fec0::1", IP6_SCOPE_SITE }, { "fd00::1", IP6_SCOPE_GLOBAL },
	{ "2001:db8::1", IP6_SCOPE_GLOBAL }, { "ff01::1", 1 }, { "ff02::1", 2 },
	{ "ff05::2", 5 }, { "ff0e::1", 14 }, { "::ffff:1.2.3.4", IP6_SCOPE_GLOBAL },
};

TEST_WITH(scopes_follow_the_prefix, .ht_flags = HARNESS_BARE)
{
	for (size_t i = 0; i < ARRAY_SIZE(scope_cases); i++) {
		struct inaddr a = addr(scope_cases[i].a);

		CHECK_EQ(scope_cases[i].a, scope_cases[i].scope, ip6_scope(&a));
	}
}

TEST_WITH(prefixes_are_compared_and_masked_by_bits, .ht_flags = HARNESS_BARE)
{
	struct inaddr a = addr("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), b = a, m;

	for (unsigned int bit = 0; bit < 128; bit++) {
		b = a;
		b.ia_b[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		CHECK_EQ("common", bit, ip6_common(&a, &b));
		CHECK(ip6_prefix_eq(&a, &b, bit));
		CHECK(!ip6_prefix_eq(&a, &b, bit + 1));
		m = ip6_masked(&a, bit);
		CHECK_EQ("masked", true, ip6_prefix_eq(&a, &m, bit));
		for (unsigned int i = bit; i < 128; i++)
			NEED((m.ia_b[i / 8] & 0x80 >> i % 8) == 0);
	}
	CHECK_EQ("same", 128, ip6_common(&a, &a));
}

TEST_WITH(groups_have_their_solicited_node_and_their_ethernet_address, .ht_flags = HARNESS_BARE)
{
	struct inaddr a = addr("2001:db8::12:3456"), want = addr("ff02::1:ff12:3456");
	static const uint8_t mac[6] = { 0x33, 0x33, 0xff, 0x12, 0x34, 0x56 };
	struct inaddr g = ip6_solicited_node(&a);
	uint8_t ll[6];

	CHECK(inaddr_eq(&g, &want));
	ip6_group_lladdr(&g, ll);
	CHECK_MEM("address", mac, ll, 6);
}

/* --- headers -------------------------------------------------------------------- */

TEST(a_header_is_built_as_it_is_parsed)
{
	struct ip6_fixed f, g;
	uint8_t buf[IP6_HDRLEN];

	for (unsigned int i = 0; i < 1000; i++) {
		random_bytes(&f, sizeof(f));
		f.f_flow &= 0xfffff;
		ip6_fixed_build(buf, &f);
		NEED(ip6_fixed_parse(buf, sizeof(buf), &g) == 0);
		CHECK_EQ("class", f.f_tclass, g.f_tclass);
		CHECK_EQ("flow", f.f_flow, g.f_flow);
		CHECK_EQ("length", f.f_plen, g.f_plen);
		CHECK_EQ("next", f.f_next, g.f_next);
		CHECK_EQ("hops", f.f_hops, g.f_hops);
		CHECK_MEM("addresses", &f.f_src, &g.f_src, 32);
	}
	CHECK_EQ("short", EINVAL, ip6_fixed_parse(buf, IP6_HDRLEN - 1, &g));
	buf[0] = 0x45;
	CHECK_EQ("version 4", EINVAL, ip6_fixed_parse(buf, IP6_HDRLEN, &g));
}

/* IPv6 header, then what stands in tail; first is the type of tail's first header. */
static const struct {
	const char *label;
	uint8_t first;
	uint8_t tail[32];
	size_t len;
	int want;
	size_t off;
	uint8_t proto;
} chain_cases[] = {
	{ "none", 17, { 0 }, 8, 0, 40, 17 },
	{ "hop-by-hop", 0, { 6, 0, 1, 4 }, 16, 0, 48, 6 },
	{ "two", 0, { 60, 0, 1, 4, 0, 0, 0, 0, 58, 0, 1, 4 }, 24, 0, 56, 58 },
	{ "first fragment", 44, { 17, 0, 0, 1 }, 16, 0, 48, 17 },
	{ "later fragment", 44, { 17, 0, 0, 9 }, 16, ENOENT, 0, 0 },
	{ "cut in its head", 0, { 6, 0 }, 7, EINVAL, 0, 0 },
	{ "cut in its tail", 0, { 6, 1 }, 15, EINVAL, 0, 0 },
	{ "ends the packet", 60, { 59, 0, 1, 4 }, 8, 0, 48, 59 },
	{ "too long", 43, { 6, 255 }, 32, EINVAL, 0, 0 },
};

TEST_WITH(a_chain_of_headers_is_stepped_over_to_the_upper_one, .ht_flags = HARNESS_BARE)
{
	uint8_t p[IP6_HDRLEN + 32];
	uint8_t proto;
	size_t off;

	for (size_t i = 0; i < ARRAY_SIZE(chain_cases); i++) {
		memset(p, 0, sizeof(p));
		p[0] = 0x60;
		p[6] = chain_cases[i].first;
		memcpy(p + IP6_HDRLEN, chain_cases[i].tail, sizeof(chain_cases[i].tail));
		if (!CHECK_EQ(chain_cases[i].label, chain_cases[i].want, ip6_chain_skip(p,
		    IP6_HDRLEN + chain_cases[i].len, &off, &proto)) || chain_cases[i].want != 0)
			continue;
		CHECK_EQ(chain_cases[i].label, chain_cases[i].off, off);
		CHECK_EQ(chain_cases[i].label, chain_cases[i].proto, proto);
	}
}

TEST_WITH(a_chain_without_end_is_given_up, .ht_flags = HARNESS_BARE)
{
	uint8_t p[IP6_HDRLEN + 8 * (IP6_MAXEXT + 1)] = { 0x60 };
	uint8_t proto;
	size_t off;

	p[6] = IP6_NH_DSTOPTS;
	for (unsigned int i = 0; i < IP6_MAXEXT; i++)
		p[IP6_HDRLEN + 8 * i] = i + 1 < IP6_MAXEXT ? IP6_NH_DSTOPTS : 17;
	CHECK_EQ("as many as allowed", 0, ip6_chain_skip(p, sizeof(p), &off, &proto));
	p[IP6_HDRLEN + 8 * (IP6_MAXEXT - 1)] = IP6_NH_DSTOPTS;
	p[IP6_HDRLEN + 8 * IP6_MAXEXT] = 17;
	CHECK_EQ("one more", EINVAL, ip6_chain_skip(p, sizeof(p), &off, &proto));
}

/* --- options ---------------------------------------------------------------------- */

static const struct {
	const char *label;
	uint8_t h[24];
	size_t len;
	enum ip6_verdict want;
	uint32_t problem;
	bool alert;
} option_cases[] = {
	{ "padding", { 6, 0, 1, 4 }, 8, IP6_OK, 0, false },
	{ "single padding", { 6, 0, 0, 0, 1, 2 }, 8, IP6_OK, 0, false },
	{ "router alert", { 6, 0, 5, 2, 0, 0, 1, 0 }, 8, IP6_OK, 0, true },
	{ "alert of the wrong length", { 6, 0, 5, 3, 0, 0, 0, 0 }, 8, IP6_DROP, 0, false },
	{ "two alerts", { 6, 1, 5, 2, 0, 0, 5, 2, 0, 0, 1, 4 }, 16, IP6_DROP, 0, true },
	{ "unknown, skip", { 6, 0, 0x1e, 4 }, 8, IP6_OK, 0, false },
	{ "unknown, drop", { 6, 0, 0x5e, 4 }, 8, IP6_DROP, 2, false },
	{ "unknown, tell", { 6, 0, 0, 0x9e, 3 }, 8, IP6_PARAM, 3, false },
	{ "unknown, tell unicast", { 6, 0, 1, 0, 0xde, 2 }, 8, IP6_PARAM_UNICAST, 4, false },
	{ "jumbogram", { 6, 0, 0xc2, 4, 0, 1, 0, 0 }, 8, IP6_PARAM_UNICAST, 2, false },
	{ "beyond the end", { 6, 0, 0x1e, 5 }, 8, IP6_DROP, 0, false },
	{ "length beyond the end", { 6, 0, 1, 3, 0, 0, 0, 0x1e }, 8, IP6_DROP, 0, false },
	{ "eight bytes of padding", { 6, 1, 1, 6, 0, 0, 0, 0, 0, 0, 1, 4 }, 16, IP6_DROP, 0,
	    false },
	{ "nine options", { 6, 2, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 1,
	    2 }, 24, IP6_DROP, 0, false },
	{ "eight options", { 6, 2, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 30, 0, 1, 4 },
	    24, IP6_OK, 0, false },
};

TEST_WITH(options_are_judged_by_their_highest_bits, .ht_flags = HARNESS_BARE)
{
	struct ip6_opts o;

	for (size_t i = 0; i < ARRAY_SIZE(option_cases); i++) {
		CHECK_EQ(option_cases[i].label, option_cases[i].want,
		    ip6_opts_check(option_cases[i].h, option_cases[i].len, &o));
		if (option_cases[i].want == IP6_PARAM || option_cases[i].want == IP6_PARAM_UNICAST)
			CHECK_EQ(option_cases[i].label, option_cases[i].problem, o.o_problem);
		if (option_cases[i].want == IP6_OK)
			CHECK_EQ(option_cases[i].label, option_cases[i].alert, o.o_alert);
	}
}

static const struct {
	const char *label;
	uint8_t h[16];
	size_t len;
	int want;
} sound_cases[] = {
	{ "padding", { 0, 0, 1, 4 }, 8, 0 },
	{ "two units", { 0, 1, 0x1e, 12 }, 16, 0 },
	{ "wrong length", { 0, 1, 1, 4 }, 8, EINVAL },
	{ "not a multiple of 8", { 0, 0, 1, 4 }, 12, EINVAL },
	{ "empty", { 0 }, 0, EINVAL },
	{ "option beyond the end", { 0, 0, 1, 5 }, 8, EINVAL },
	{ "half an option", { 0, 0, 1, 3, 0, 0, 0, 7 }, 8, EINVAL },
};

TEST_WITH(headers_of_programs_are_taken_if_they_parse, .ht_flags = HARNESS_BARE)
{
	for (size_t i = 0; i < ARRAY_SIZE(sound_cases); i++)
		CHECK_EQ(sound_cases[i].label, sound_cases[i].want,
		    ip6_opts_sound(sound_cases[i].h, sound_cases[i].len));
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ip6_select.c - RFC 6724: the policy table, the rules, the examples of section 10.1
 */

#include "ip6_impl.h"

#include <harness.h>
#include <lib/string.h>

static struct inaddr
addr(const char *s)
{
	struct inaddr a = { .ia_w = { 0 } };

	CHECK_EQ(s, 0, ip6_addr_parse(s, &a));
	return a;
}

static const struct {
	const char *a;
	unsigned int precedence, label;
} policy_cases[] = {
	{ "::1", 50, 0 }, { "::2", 1, 3 }, { "2001:db8::1", 40, 1 }, { "::ffff:1.2.3.4", 35, 4 },
	{ "2002:c633:6401::1", 30, 2 }, { "2001::1", 5, 5 }, { "fd00::1", 3, 13 },
	{ "fc00::1", 3, 13 }, { "fec0::1", 1, 11 }, { "3ffe::1", 1, 12 }, { "fe80::1", 40, 1 },
	{ "ff02::1", 40, 1 }, { "::1.2.3.4", 1, 3 },
};

TEST_WITH(the_policy_table_is_that_of_section_2_1, .ht_flags = HARNESS_BARE)
{
	unsigned int precedence, label;

	for (size_t i = 0; i < ARRAY_SIZE(policy_cases); i++) {
		struct inaddr a = addr(policy_cases[i].a);

		ip6_policy(&a, &precedence, &label);
		CHECK_EQ(policy_cases[i].a, policy_cases[i].precedence, precedence);
		CHECK_EQ(policy_cases[i].a, policy_cases[i].label, label);
	}
}

/* good is better than bad for dst; the packet leaves through interface 1. */
static const struct {
	const char *label, *dst;
	const char *good;
	uint32_t goodflags, goodif;
	const char *bad;
	uint32_t badflags, badif;
	uint32_t prefs;
} source_cases[] = {
	/* Section 10.1. */
	{ "10.1 scope", "2001:db8:1::1", "2001:db8:3::1", 0, 1, "fe80::1", 0, 1, 0 },
	{ "10.1 site-local group", "ff05::1", "2001:db8:3::1", 0, 1, "fe80::1", 0, 1, 0 },
	{ "10.1 same address", "2001:db8:1::1", "2001:db8:1::1", IFA_F_DEPRECATED, 1,
	    "2001:db8:2::1", 0, 1, 0 },
	{ "10.1 smallest scope that suffices", "fe80::1", "fe80::2", IFA_F_DEPRECATED, 1,
	    "2001:db8:1::1", 0, 1, 0 },
	{ "10.1 longest prefix", "2001:db8:1::d5e3:7953:13eb:22e8", "2001:db8:1::2", 0, 1,
	    "2001:db8:3::2", 0, 1, 0 },
	{ "10.1 label 6to4", "2002:c633:6401::d5e3:7953:13eb:22e8", "2002:c633:6401::1", 0, 1,
	    "2001:db8:1::1", 0, 1, 0 },
	{ "10.1 label of others", "2001:db8::1", "2001:db8:1::1", 0, 1, "2002:c633:6401::1", 0, 1,
	    0 },
	{ "10.1 label unique local", "fd11::1", "fd12::1", 0, 1, "2001:db8::1", 0, 1, 0 },
	/* The rules. */
	{ "1 beats all", "2001:db8::1", "2001:db8::1", IFA_F_DEPRECATED | IFA_F_TEMPORARY, 2,
	    "2001:db8::2", 0, 1, 0 },
	{ "3 deprecated", "2001:db8:1::1", "2001:db8:9::1", 0, 1, "2001:db8:1::2",
	    IFA_F_DEPRECATED, 1, 0 },
	{ "4 home address", "2001:db8:1::1", "2001:db8:9::1", IFA_F_HOMEADDRESS, 2,
	    "2001:db8:1::2", 0, 1, 0 },
	{ "5 outgoing interface", "2001:db8:1::1", "2001:db8:9::1", 0, 1, "2001:db8:1::2", 0, 2,
	    0 },
	{ "7 public by default", "2001:db8:1::1", "2001:db8:9::1", 0, 1, "2001:db8:1::2",
	    IFA_F_TEMPORARY, 1, 0 },
	{ "7 temporary if preferred", "2001:db8:1::1", "2001:db8:9::1", IFA_F_TEMPORARY, 1,
	    "2001:db8:1::2", 0, 1, IP6_PREFER_TMP },
	{ "2 too small a scope", "2001:db8:1::1", "fec0::1", 0, 1, "fe80::1", 0, 1, 0 },
	{ "2 larger than needed", "fec0::1", "fec0::2", 0, 1, "2001:db8::1", 0, 1, 0 },
};

static struct ip6_candidate
candidate(const char *a, uint32_t flags, uint32_t ifindex)
{
	return (struct ip6_candidate){
		.c_addr = addr(a), .c_flags = flags, .c_ifindex = ifindex, .c_plen = 64,
	};
}

TEST_WITH(sources_are_compared_by_the_rules_in_their_order, .ht_flags = HARNESS_BARE)
{
	for (size_t i = 0; i < ARRAY_SIZE(source_cases); i++) {
		struct ip6_candidate good = candidate(source_cases[i].good,
		    source_cases[i].goodflags, source_cases[i].goodif);
		struct ip6_candidate bad = candidate(source_cases[i].bad,
		    source_cases[i].badflags, source_cases[i].badif);
		struct inaddr dst = addr(source_cases[i].dst);

		CHECK_EQ(source_cases[i].label, true,
		    ip6_src_better(&good, &bad, &dst, 1, source_cases[i].prefs));
		CHECK_EQ(source_cases[i].label, false,
		    ip6_src_better(&bad, &good, &dst, 1, source_cases[i].prefs));
	}
}

TEST_WITH(the_longest_common_prefix_ends_with_the_source_s, .ht_flags = HARNESS_BARE)
{
	/* Both agree for 64 bits; that one agrees for more behind that is nothing. */
	struct ip6_candidate a = candidate("2001:db8:1::1:1", 0, 1);
	struct ip6_candidate b = candidate("2001:db8:1::2:1", 0, 1);
	struct inaddr dst = addr("2001:db8:1::1:2");

	CHECK_EQ("the first stays", false, ip6_src_better(&a, &b, &dst, 1, 0));
	CHECK_EQ("the first stays", false, ip6_src_better(&b, &a, &dst, 1, 0));
}

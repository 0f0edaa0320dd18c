/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_nd_wire.c - each check that RFC 4861 asks of a receiver, by spoiling good messages
 */

#include "mld_wire.h"

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>

#define LL(last)	{ .ia_b = { 0xfe, 0x80, [15] = (last) } }
#define GLOBAL(last)	{ .ia_b = { 0x20, 0x01, 0x0d, 0xb8, [15] = (last) } }
#define ALLNODES	{ .ia_b = { 0xff, 2, [15] = 1 } }
#define SOLNODE		{ .ia_b = { 0xff, 2, [11] = 1, 0xff, 0, 0, 9 } }

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };

/* A message that is right, which each case spoils. */
struct sample {
	uint8_t		 s_buf[512];
	struct nd_msg	 s_m;
};

static void
sample_init(struct sample *s, uint8_t type, size_t len, struct inaddr src, struct inaddr dst)
{
	memset(s, 0, sizeof(*s));
	s->s_buf[0] = type;
	s->s_m = (struct nd_msg){ s->s_buf, len, src, dst, 255 };
}

static void
sample_ns(struct sample *s)
{
	const struct inaddr target = GLOBAL(9);

	sample_init(s, ND_NS, 0, (struct inaddr)LL(1), (struct inaddr)SOLNODE);
	s->s_m.m_len = nd_ns_build(s->s_buf, &target, mac, 6, NULL);
}

static void
sample_na(struct sample *s)
{
	struct nd_na na = {
		.na_target = GLOBAL(9), .na_solicited = true, .na_override = true,
		.na_tlla = { mac, 6 },
	};

	sample_init(s, ND_NA, 0, (struct inaddr)LL(9), (struct inaddr)LL(1));
	s->s_m.m_len = nd_na_build(s->s_buf, &na);
}

static void
sample_rs(struct sample *s)
{
	sample_init(s, ND_RS, 0, (struct inaddr)LL(1), (struct inaddr)ALLNODES);
	s->s_m.m_len = nd_rs_build(s->s_buf, mac, 6);
}

/* With a prefix option of 32 bytes. */
static void
sample_ra(struct sample *s)
{
	const struct inaddr prefix = GLOBAL(0);

	sample_init(s, ND_RA, 16 + 32, (struct inaddr)LL(0xfe), (struct inaddr)ALLNODES);
	s->s_buf[4] = 64;
	be16_put(s->s_buf + 6, 1800);
	s->s_buf[16] = ND_OPT_PREFIX;
	s->s_buf[17] = 4;
	s->s_buf[18] = 64;
	s->s_buf[19] = 0xc0;
	be32_put(s->s_buf + 20, 86400);
	be32_put(s->s_buf + 24, 14400);
	memcpy(s->s_buf + 32, &prefix, 16);
}

static void
sample_redirect(struct sample *s)
{
	const struct inaddr target = LL(0xfd), dst = GLOBAL(0x77);

	sample_init(s, ND_REDIRECT, 40, (struct inaddr)LL(0xfe), (struct inaddr)LL(1));
	memcpy(s->s_buf + 8, &target, 16);
	memcpy(s->s_buf + 24, &dst, 16);
}

static int
sample_parse(const struct sample *s, const char **why)
{
	union {
		struct nd_ns ns;
		struct nd_na na;
		struct nd_rs rs;
		struct nd_ra ra;
		struct nd_redirect rd;
	} u;

	*why = "";
	switch (s->s_buf[0]) {
	case ND_NS:
		return nd_ns_parse(&s->s_m, &u.ns, why);
	case ND_NA:
		return nd_na_parse(&s->s_m, &u.na, why);
	case ND_RS:
		return nd_rs_parse(&s->s_m, &u.rs, why);
	case ND_RA:
		return nd_ra_parse(&s->s_m, &u.ra, why);
	default:
		return nd_redirect_parse(&s->s_m, &u.rd, why);
	}
}

typedef void sample_fn(struct sample *);

static sample_fn *const samples[] = {
	sample_ns, sample_na, sample_rs, sample_ra, sample_redirect,
};

/* --- what all have in common ------------------------------------------------------- */

static void spoil_hops(struct sample *s) { s->s_m.m_hops = 254; }
static void spoil_code(struct sample *s) { s->s_buf[1] = 1; }
static void spoil_short(struct sample *s) { s->s_m.m_len = 7; }

static void
spoil_option(struct sample *s)
{
	s->s_buf[s->s_m.m_len] = 200;
	s->s_buf[s->s_m.m_len + 1] = 0;
	s->s_m.m_len += 8;
}

static void
spoil_option_end(struct sample *s)
{
	s->s_buf[s->s_m.m_len] = 200;
	s->s_buf[s->s_m.m_len + 1] = 2;
	s->s_m.m_len += 8;
}

static void
spoil_option_half(struct sample *s)
{
	s->s_m.m_len += 4;
}

static const struct {
	const char *label;
	sample_fn *spoil;
	const char *why;
} common_cases[] = {
	{ "nothing", NULL, "" },
	{ "hop limit 254", spoil_hops, "hop limit" },
	{ "code 1", spoil_code, "code" },
	{ "short", spoil_short, "short" },
	{ "option of length 0", spoil_option, "option length" },
	{ "option beyond the end", spoil_option_end, "option length" },
	{ "half an option", spoil_option_half, "option length" },
};

TEST_WITH(every_message_is_refused_for_what_all_have_in_common, .ht_flags = HARNESS_BARE)
{
	struct sample s;
	const char *why;

	for (size_t k = 0; k < ARRAY_SIZE(samples); k++) {
		for (size_t i = 0; i < ARRAY_SIZE(common_cases); i++) {
			samples[k](&s);
			if (common_cases[i].spoil != NULL)
				common_cases[i].spoil(&s);
			CHECK_EQ(common_cases[i].label, i == 0 ? 0 : EINVAL,
			    sample_parse(&s, &why));
			CHECK_STR(common_cases[i].label, common_cases[i].why, why);
		}
	}
}

/* --- each of them --------------------------------------------------------------------- */

static void any_src(struct sample *s) { s->s_m.m_src = (struct inaddr){ .ia_w = { 0 } }; }
static void global_src(struct sample *s) { s->s_m.m_src = (struct inaddr)GLOBAL(1); }
static void group_target(struct sample *s) { s->s_buf[8] = 0xff; }
static void group_dst(struct sample *s) { s->s_m.m_dst = (struct inaddr)ALLNODES; }
static void group_rdst(struct sample *s) { s->s_buf[24] = 0xff; }

static void
no_options(struct sample *s)
{
	any_src(s);
	s->s_m.m_len = 24;
}

static void
dad_unicast(struct sample *s)
{
	no_options(s);
	s->s_m.m_dst = (struct inaddr)GLOBAL(9);
}

static void
global_target(struct sample *s)
{
	const struct inaddr a = GLOBAL(0xfd);

	memcpy(s->s_buf + 8, &a, 16);
}

static void
same_target(struct sample *s)
{
	const struct inaddr a = GLOBAL(0x77);

	memcpy(s->s_buf + 8, &a, 16);
}

static const struct {
	const char *label;
	sample_fn *make, *spoil;
	const char *why;
} own_cases[] = {
	{ "ns: target is a group", sample_ns, group_target, "multicast target" },
	{ "ns: a probe", sample_ns, no_options, "" },
	{ "ns: a probe to an address", sample_ns, dad_unicast, "destination of a probe" },
	{ "ns: a probe with an address", sample_ns, any_src, "link-layer address in a probe" },
	{ "na: target is a group", sample_na, group_target, "multicast target" },
	{ "na: solicited by a group", sample_na, group_dst, "solicited by a group" },
	{ "rs: nobody has an address", sample_rs, any_src, "link-layer address from nobody" },
	{ "rs: from a global address", sample_rs, global_src, "" },
	{ "ra: from a global address", sample_ra, global_src, "source" },
	{ "ra: from nobody", sample_ra, any_src, "source" },
	{ "redirect: from a global address", sample_redirect, global_src, "source" },
	{ "redirect: of a group", sample_redirect, group_rdst, "multicast destination" },
	{ "redirect: to a global router", sample_redirect, global_target, "target" },
	{ "redirect: it is on link", sample_redirect, same_target, "" },
};

TEST_WITH(each_message_is_refused_for_what_is_its_own, .ht_flags = HARNESS_BARE)
{
	struct sample s;
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(own_cases); i++) {
		own_cases[i].make(&s);
		own_cases[i].spoil(&s);
		CHECK_EQ(own_cases[i].label, own_cases[i].why[0] == '\0' ? 0 : EINVAL,
		    sample_parse(&s, &why));
		CHECK_STR(own_cases[i].label, own_cases[i].why, why);
	}
}

/* --- what is read --------------------------------------------------------------------- */

TEST_WITH(an_advertisement_says_what_was_built, .ht_flags = HARNESS_BARE)
{
	const struct inaddr target = GLOBAL(9);
	struct sample s;
	const char *why;
	struct nd_na na;

	sample_na(&s);
	NEED(nd_na_parse(&s.s_m, &na, &why) == 0);
	CHECK(inaddr_eq(&na.na_target, &target));
	CHECK(na.na_solicited && na.na_override && !na.na_router);
	CHECK_EQ("length", 6, na.na_tlla.l_len);
	CHECK_MEM("address", mac, na.na_tlla.l_addr, 6);
}

TEST_WITH(a_nonce_is_found_behind_no_address, .ht_flags = HARNESS_BARE)
{
	static const uint8_t nonce[ND_NONCELEN] = { 1, 2, 3, 4, 5, 6 };
	const struct inaddr target = LL(9);
	struct sample s;
	const char *why;
	struct nd_ns ns;

	sample_init(&s, ND_NS, 0, (struct inaddr){ .ia_w = { 0 } }, (struct inaddr)SOLNODE);
	s.s_m.m_len = nd_ns_build(s.s_buf, &target, NULL, 0, nonce);
	CHECK_EQ("length", 32, s.s_m.m_len);
	NEED(nd_ns_parse(&s.s_m, &ns, &why) == 0);
	CHECK(ns.ns_dad && ns.ns_slla.l_addr == NULL);
	NEED(ns.ns_nonce != NULL);
	CHECK_MEM("nonce", nonce, ns.ns_nonce, ND_NONCELEN);
}

static const struct {
	uint8_t flags;
	uint16_t lifetime;
	int8_t pref;
} pref_cases[] = {
	{ 0x00, 1, ND_PREF_MEDIUM }, { 0x08, 1, ND_PREF_HIGH }, { 0x10, 1, ND_PREF_MEDIUM },
	{ 0x18, 1, ND_PREF_LOW }, { 0x08, 0, ND_PREF_MEDIUM }, { 0xc8, 1, ND_PREF_HIGH },
};

TEST_WITH(the_preference_of_a_router_has_two_bits, .ht_flags = HARNESS_BARE)
{
	struct sample s;
	const char *why;
	struct nd_ra ra;

	for (size_t i = 0; i < ARRAY_SIZE(pref_cases); i++) {
		sample_ra(&s);
		s.s_buf[5] = pref_cases[i].flags;
		be16_put(s.s_buf + 6, pref_cases[i].lifetime);
		NEED(nd_ra_parse(&s.s_m, &ra, &why) == 0);
		CHECK_EQ("preference", pref_cases[i].pref, ra.ra_pref);
		CHECK_EQ("managed", (pref_cases[i].flags & 0x80) != 0, ra.ra_managed);
		CHECK_EQ("other", (pref_cases[i].flags & 0x40) != 0, ra.ra_other);
	}
}

static struct nd_opt
first_option(struct sample *s, struct nd_ra *ra)
{
	struct nd_opt o = { 0 };
	const char *why;
	size_t off = 0;

	NEED(nd_ra_parse(&s->s_m, ra, &why) == 0);
	NEED(nd_opt_next(ra->ra_opts, ra->ra_optslen, &off, &o) == 0);
	return o;
}

static const struct {
	const char *label;
	unsigned int off;	/* in the option */
	uint8_t byte;
	int want;
} prefix_cases[] = {
	{ "sound", 3, 0xc0, 0 },
	{ "129 bits", 2, 129, EINVAL },
	{ "128 bits", 2, 128, 0 },
	{ "preferred for longer than valid", 8, 1, EINVAL },
	{ "link-local", 16, 0xfe, 0 },		/* fe01: is not */
	{ "a group", 16, 0xff, EINVAL },
	{ "three units", 1, 3, EINVAL },
};

TEST_WITH(a_prefix_that_makes_no_sense_is_ignored, .ht_flags = HARNESS_BARE)
{
	struct nd_prefix pi;
	struct sample s;
	struct nd_opt o;
	struct nd_ra ra;

	for (size_t i = 0; i < ARRAY_SIZE(prefix_cases); i++) {
		sample_ra(&s);
		s.s_buf[16 + prefix_cases[i].off] = prefix_cases[i].byte;
		if (prefix_cases[i].off == 1)
			s.s_m.m_len = 16 + prefix_cases[i].byte * 8u;
		o = first_option(&s, &ra);
		CHECK_EQ(prefix_cases[i].label, prefix_cases[i].want, nd_prefix_parse(&o, &pi));
	}
	sample_ra(&s);
	s.s_buf[32] = 0xfe;
	s.s_buf[33] = 0x80;
	o = first_option(&s, &ra);
	CHECK_EQ("link-local", EINVAL, nd_prefix_parse(&o, &pi));
}

static const struct {
	const char *label;
	uint8_t units, plen, flags;
	int want;
} route_cases[] = {
	{ "default in 8 bytes", 1, 0, 0, 0 },
	{ "a prefix in 8 bytes", 1, 1, 0, EINVAL },
	{ "48 in 16", 2, 48, 0x08, 0 },
	{ "65 in 16", 2, 65, 0, EINVAL },
	{ "65 in 24", 3, 65, 0x18, 0 },
	{ "in 32", 4, 64, 0, EINVAL },
	{ "129", 3, 129, 0, EINVAL },
	{ "reserved preference", 2, 48, 0x10, EINVAL },
};

TEST_WITH(a_route_needs_the_room_for_its_prefix, .ht_flags = HARNESS_BARE)
{
	struct nd_route ri;
	struct sample s;
	struct nd_opt o;
	struct nd_ra ra;

	for (size_t i = 0; i < ARRAY_SIZE(route_cases); i++) {
		sample_ra(&s);
		memset(s.s_buf + 16, 0, 40);
		s.s_buf[16] = ND_OPT_ROUTE;
		s.s_buf[17] = route_cases[i].units;
		s.s_buf[18] = route_cases[i].plen;
		s.s_buf[19] = route_cases[i].flags;
		if (route_cases[i].units > 1)
			s.s_buf[24] = 0x20;
		s.s_m.m_len = 16 + route_cases[i].units * 8u;
		o = first_option(&s, &ra);
		CHECK_EQ(route_cases[i].label, route_cases[i].want, nd_route_parse(&o, &ri));
	}
}

TEST_WITH(resolvers_are_counted_by_the_length, .ht_flags = HARNESS_BARE)
{
	struct nd_rdnss dns;
	struct sample s;
	struct nd_opt o;
	struct nd_ra ra;

	for (uint8_t units = 1; units < 24; units++) {
		sample_ra(&s);
		memset(s.s_buf + 16, 0, 256);
		s.s_buf[16] = ND_OPT_RDNSS;
		s.s_buf[17] = units;
		s.s_m.m_len = 16 + units * 8u;
		o = first_option(&s, &ra);
		CHECK_EQ("units", units >= 3 && units % 2 == 1 ? 0 : EINVAL,
		    nd_rdnss_parse(&o, &dns));
		if (units >= 3 && units % 2 == 1)
			CHECK_EQ("resolvers", units / 2 < ND_MAXRDNSS ? units / 2 : ND_MAXRDNSS,
			    dns.dn_n);
	}
}

/* --- MLD -------------------------------------------------------------------------------- */

static void
sample_query(struct sample *s, size_t len)
{
	sample_init(s, MLD_QUERY, len, (struct inaddr)LL(0xfe), (struct inaddr)ALLNODES);
	s->s_m.m_hops = 1;
}

static const struct {
	const char *label;
	size_t len;
	uint8_t hops;
	bool alert, linklocal;
	const char *why;
} query_cases[] = {
	{ "version 1", 24, 1, true, true, "" },
	{ "version 2", 28, 1, true, true, "" },
	{ "hop limit", 28, 2, true, true, "hop limit" },
	{ "no alert", 28, 1, false, true, "router alert" },
	{ "from afar", 28, 1, true, false, "source" },
	{ "short", 23, 1, true, true, "short" },
	{ "in between", 26, 1, true, true, "length" },
};

TEST_WITH(a_query_comes_from_the_link_with_an_alert, .ht_flags = HARNESS_BARE)
{
	struct mld_query q;
	struct sample s;
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(query_cases); i++) {
		sample_query(&s, query_cases[i].len);
		s.s_m.m_hops = query_cases[i].hops;
		if (!query_cases[i].linklocal)
			s.s_m.m_src = (struct inaddr)GLOBAL(1);
		why = "";
		CHECK_EQ(query_cases[i].label, query_cases[i].why[0] == '\0' ? 0 : EINVAL,
		    mld_query_parse(&s.s_m, query_cases[i].alert, &q, &why));
		CHECK_STR(query_cases[i].label, query_cases[i].why, why);
	}
	sample_query(&s, 28 + 16);
	be16_put(s.s_buf + 26, 2);
	CHECK_EQ("sources beyond the end", EINVAL, mld_query_parse(&s.s_m, true, &q, &why));
	be16_put(s.s_buf + 26, 1);
	CHECK_EQ("sources", 0, mld_query_parse(&s.s_m, true, &q, &why));
	CHECK_EQ("sources", 1, q.q_nsources);
	s.s_buf[8] = 0x20;
	CHECK_EQ("not a group", EINVAL, mld_query_parse(&s.s_m, true, &q, &why));
}

static const struct {
	uint16_t code;
	uint32_t ms;
} delay_cases[] = {
	{ 0, 0 }, { 10000, 10000 }, { 32767, 32767 }, { 32768, 32768 }, { 0x8001, 32776 },
	{ 0x9000, 65536 }, { 0xffff, 8387584 },
};

TEST_WITH(long_delays_are_small_floats, .ht_flags = HARNESS_BARE)
{
	struct mld_query q;
	struct sample s;
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(delay_cases); i++) {
		sample_query(&s, 28);
		be16_put(s.s_buf + 4, delay_cases[i].code);
		NEED(mld_query_parse(&s.s_m, true, &q, &why) == 0);
		CHECK_EQ("delay", delay_cases[i].ms, q.q_maxdelay);
		sample_query(&s, 24);
		be16_put(s.s_buf + 4, delay_cases[i].code);
		NEED(mld_query_parse(&s.s_m, true, &q, &why) == 0);
		CHECK_EQ("version 1 has none", delay_cases[i].code, q.q_maxdelay);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_nlwire.c - messages and attributes, bytes to values and back
 */

#include <harness.h>

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/socket.h>

#include "diag_impl.h"
#include "nl_wire.h"
#include "rtnl_impl.h"

TEST(what_is_built_parses)
{
	static const struct nlpolicy policy[] = {
		[1] = { NLK_U32, 0 }, [2] = { NLK_STRING, 15 }, [3] = { NLK_NEST, 0 },
		[4] = { NLK_U8, 0 }, [5] = { NLK_FLAG, 0 },
	};
	struct nlhead head = { 77, 5, 9, 3 };
	struct nlview tb[ARRAY_SIZE(policy)], in[ARRAY_SIZE(policy)];
	struct nlerr err = { NULL, NULL, false, 0 };
	const uint8_t *at, *payload;
	uint8_t bytes[512];
	struct nlmsghdr nh;
	struct nlbuf nb;
	size_t nest, len, plen;
	char text[16];

	nlbuf_init(&nb, bytes, sizeof(bytes));
	nlbuf_begin(&nb, &head);
	nlbuf_u32(&nb, 1, 0x12345678);
	nlbuf_string(&nb, 2, "name");
	nest = nlbuf_nest(&nb, 3);
	nlbuf_u8(&nb, 4, 200);
	nlbuf_nest_end(&nb, nest);
	nlbuf_attr(&nb, 5, NULL, 0);
	CHECK(nlbuf_end(&nb));
	at = bytes;
	len = nb.nb_len;
	CHECK_EQ("message", 0, nlmsg_next(&at, &len, &nh, &payload, &plen));
	CHECK_EQ("type", 77, nh.nlmsg_type);
	CHECK_EQ("rest", 0, len);
	CHECK_EQ("attributes", 0, nlattrs_parse(payload, plen, policy, ARRAY_SIZE(policy), true, tb,
	    &err));
	CHECK_EQ("number", 0x12345678, nlview_u32(tb[1]));
	CHECK_EQ("string", 0, nlview_string(tb[2], text, sizeof(text)));
	CHECK_STR("string", "name", text);
	CHECK(nlview_present(tb[5]));
	CHECK_EQ("nest", 0, nlattrs_parse(tb[3].nv_data, tb[3].nv_len, policy, ARRAY_SIZE(policy),
	    true, in, &err));
	CHECK_EQ("inside", 200, nlview_number(in[4], 1));
}

TEST(a_message_that_does_not_fit_leaves_no_trace)
{
	struct nlhead head = { 1, 0, 0, 0 };
	uint8_t bytes[64], big[100] = { 0 };
	struct nlbuf nb;
	size_t len;

	nlbuf_init(&nb, bytes, sizeof(bytes));
	nlbuf_begin(&nb, &head);
	nlbuf_u32(&nb, 1, 1);
	CHECK(nlbuf_end(&nb));
	len = nb.nb_len;
	nlbuf_begin(&nb, &head);
	nlbuf_attr(&nb, 2, big, sizeof(big));
	nlbuf_u8(&nb, 3, 1);
	CHECK(!nlbuf_end(&nb));
	CHECK_EQ("as before", len, nb.nb_len);
	nlbuf_begin(&nb, &head);
	CHECK(nlbuf_end(&nb));
	nlbuf_begin(&nb, &head);
	nlbuf_attr(&nb, 4, big, 70000);
	CHECK(!nlbuf_end(&nb));
}

static const struct { const char *label; uint16_t len, type; size_t have; bool strict; int want; }
attr_cases[] = {
	{ "fine",		8,	1,	8,	true,	0 },
	{ "longer than there",	12,	1,	8,	false,	0 },	/* ignored, as Linux does */
	{ "longer than there",	12,	1,	8,	true,	EINVAL },
	{ "shorter than itself", 2,	1,	8,	true,	EINVAL },
	{ "too short a number",	6,	1,	8,	false,	ERANGE },
	{ "unknown",		8,	9,	8,	false,	0 },
	{ "unknown",		8,	9,	8,	true,	EINVAL },
	{ "cut off header",	8,	1,	3,	true,	EINVAL },
	{ "cut off header",	8,	1,	3,	false,	0 },
};

TEST(attributes_are_checked_against_what_is_there)
{
	static const struct nlpolicy policy[] = { [1] = { NLK_U32, 0 } };
	struct nlview tb[ARRAY_SIZE(policy)];
	uint8_t bytes[16] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(attr_cases); i++) {
		struct nlattr na = { attr_cases[i].len, attr_cases[i].type };
		struct nlerr err = { NULL, NULL, false, 0 };

		memcpy(bytes, &na, sizeof(na));
		CHECK_EQ(attr_cases[i].label, attr_cases[i].want, nlattrs_parse(bytes,
		    attr_cases[i].have, policy, ARRAY_SIZE(policy), attr_cases[i].strict, tb, &err));
		CHECK_EQ(attr_cases[i].label, attr_cases[i].want != 0, err.ne_text != NULL);
	}
}

/* "sport = 80 and not dst 10.0.0.0/8", as ss(8) would write it. */
TEST(filters_of_ss_match_and_end)
{
	struct {
		struct inet_diag_bc_op eq, eqarg, cond;
		uint8_t host[sizeof(struct inet_diag_hostcond)];
		uint8_t addr[4];
		struct inet_diag_bc_op jump;
	} code = {
		.eq = { INET_DIAG_BC_S_EQ, 8, 32 + 4 }, .eqarg = { 0, 0, 80 },
		.cond = { INET_DIAG_BC_D_COND, 16, 20 },
		.host = { AF_INET, 8, 0, 0, 255, 255, 255, 255 }, .addr = { 10, 0, 0, 0 },
		.jump = { INET_DIAG_BC_JMP, 4, 8 },
	};
	struct diag_entry de = { .de_family = AF_INET, .de_sport = 80, .de_dst = { 10, 1, 1, 1 } };
	const uint8_t *bytes = (const uint8_t *)&code;

	CHECK_EQ("size", 28, sizeof(code));
	code.eq.no = sizeof(code) + 4;
	CHECK_EQ("sound", 0, diagbc_check(bytes, sizeof(code)));
	CHECK(!diagbc_match(bytes, sizeof(code), &de));
	de.de_dst[0] = 11;
	CHECK(diagbc_match(bytes, sizeof(code), &de));
	de.de_sport = 81;
	CHECK(!diagbc_match(bytes, sizeof(code), &de));
	CHECK_EQ("cut", EINVAL, diagbc_check(bytes, 12));
	CHECK_EQ("empty", EINVAL, diagbc_check(bytes, 0));
	code.eq.yes = 0;
	CHECK_EQ("stands still", EINVAL, diagbc_check(bytes, sizeof(code)));
	CHECK(!diagbc_match(bytes, sizeof(code), &de));
}

static const struct { unsigned int plen; uint8_t want[4]; bool any; } mask_cases[] = {
	{ 0, { 0, 0, 0, 0 }, true }, { 1, { 128, 0, 0, 0 }, true }, { 9, { 255, 128, 0, 0 }, true },
	{ 31, { 255, 255, 255, 254 }, true }, { 32, { 255, 255, 255, 255 }, false },
};

TEST(masks_clear_the_host_bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(mask_cases); i++) {
		struct inaddr a = { .ia_w = { UINT32_MAX } };

		CHECK_EQ("any", mask_cases[i].any, rtaddr_mask(&a, AF_INET, mask_cases[i].plen));
		CHECK_MEM("masked", mask_cases[i].want, a.ia_b, 4);
	}
}

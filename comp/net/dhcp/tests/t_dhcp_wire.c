/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_dhcp_wire.c - DHCP messages, byte by byte
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>

#include <harness.h>

#include "dhcp_wire.h"

#define ADDR(a, b, c, d) \
	net32((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

static uint8_t buf[1500];
static size_t len;
static struct dhcp_msg dm;

static void
msg_begin(uint8_t type)
{
	memset(buf, 0, sizeof(buf));
	buf[0] = DHCP_BOOTREPLY;
	buf[1] = 1;
	buf[2] = 6;
	be32_put(buf + 4, 0x12345678);
	be32_put(buf + 16, 0x0a000032);
	memcpy(buf + 28, "\2\0\0\0\0\1", 6);
	be32_put(buf + DHCP_FIXED, 0x63825363);
	memcpy(buf + DHCP_FIXED + 4, (uint8_t[]){ 53, 1, type }, 3);
	len = DHCP_FIXED + 7;
}

static void
msg_put(uint8_t code, const void *val, size_t vlen)
{
	buf[len++] = code;
	buf[len++] = (uint8_t)vlen;
	memcpy(buf + len, val, vlen);
	len += vlen;
}

TEST(all_that_a_server_says_is_read)
{
	msg_begin(DHCP_ACK);
	msg_put(DHCP_OPT_SERVER, "\x0a\0\0\1", 4);
	msg_put(DHCP_OPT_LEASE, "\0\0\x0e\x10", 4);
	msg_put(DHCP_OPT_T1, "\0\0\0\x64", 4);
	msg_put(DHCP_OPT_T2, "\0\0\1\0", 4);
	msg_put(DHCP_OPT_MASK, "\xff\xff\xff\0", 4);
	msg_put(DHCP_OPT_ROUTER, "\x0a\0\0\1\x0a\0\0\2", 8);
	msg_put(DHCP_OPT_DNS, "\x0a\0\0\3\0\0\0\0\x0a\0\0\4", 12);
	msg_put(DHCP_OPT_MTU, "\x05\x14", 2);
	msg_put(DHCP_OPT_DOMAIN, "example.org\0", 12);
	msg_put(DHCP_OPT_HOSTNAME, "box", 3);
	msg_put(DHCP_OPT_ROUTES, "\0\x0a\0\0\1\x16\x0a\1\xff\0\0\0\0", 13);
	buf[len++] = 255;

	NEED(CHECK_EQ("parse", 0, dhcp_parse(buf, len, &dm)));
	CHECK_EQ("type", DHCP_ACK, dm.dm_type);
	CHECK_EQ("xid", 0x12345678, dm.dm_xid);
	CHECK_EQ("address", ADDR(10, 0, 0, 50), dm.dm_yiaddr);
	CHECK_EQ("server", ADDR(10, 0, 0, 1), dm.dm_server);
	CHECK_EQ("lease", 3600, dm.dm_lease);
	CHECK_EQ("T1", 100, dm.dm_t1);
	CHECK_EQ("T2", 256, dm.dm_t2);
	CHECK_EQ("mask", 24, dhcp_masklen(dm.dm_mask));
	CHECK_EQ("routers", 2, dm.dm_nrouters);
	CHECK_EQ("0.0.0.0 is left out", 2, dm.dm_ndns);
	CHECK_EQ("second", ADDR(10, 0, 0, 4), dm.dm_dns[1]);
	CHECK_EQ("MTU", 1300, dm.dm_mtu);
	CHECK_STR("domain", "example.org", dm.dm_domain);
	CHECK_STR("host", "box", dm.dm_hostname);
	CHECK_EQ("routes", 2, dm.dm_nroutes);
	CHECK_EQ("default", 0, dm.dm_route[0].dr_plen);
	CHECK_EQ("its gateway", ADDR(10, 0, 0, 1), dm.dm_route[0].dr_gw);
	CHECK_EQ("bits beyond the prefix go", ADDR(10, 1, 252, 0), dm.dm_route[1].dr_dst);
	CHECK_EQ("on link", 0, dm.dm_route[1].dr_gw);
}

TEST(options_in_the_file_and_the_server_name_are_read)
{
	msg_begin(DHCP_OFFER);
	msg_put(DHCP_OPT_OVERLOAD, "\3", 1);
	msg_put(DHCP_OPT_DOMAIN, "one.", 4);
	buf[len++] = 255;
	memcpy(buf + 108, "\x0f\4two.\xff", 7);
	memcpy(buf + 44, "\x0f\5three\xff", 8);
	NEED(CHECK_EQ("parse", 0, dhcp_parse(buf, len, &dm)));
	CHECK_STR("joined in the order of RFC 3396", "one.two.three", dm.dm_domain);

	/* Without the option those fields are texts. */
	buf[DHCP_FIXED + 4 + 3] = 254;
	NEED(dhcp_parse(buf, len, &dm) == 0);
	CHECK_STR("first only", "one.", dm.dm_domain);
}

TEST(search_lists_are_unpacked_and_never_loop)
{
	static const struct { const char *bytes; size_t len; const char *want; } cases[] = {
		{ "\7example\3org\0\3sub\xc0\0", 19, "example.org sub.example.org" },
		{ "\1a\0\1b\0", 6, "a b" },
		{ "\xc0\0", 2, "" },			/* itself */
		{ "\1a\xc0\2", 4, "" },			/* itself, later */
		{ "\1a\xc0\0", 4, "" },			/* runs into the pointer */
		{ "\1a\0\1b\xc0\7", 7, "a" },		/* forwards */
		{ "\1a\0\5b", 5, "a" },			/* cut */
		{ "\1a\0\2b c", 6, "a" },		/* not a name */
		{ "\x40" "a\0", 3, "" },		/* reserved kind of label */
		{ "\1a", 2, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		msg_begin(DHCP_ACK);
		msg_put(DHCP_OPT_SEARCH, cases[i].bytes, cases[i].len);
		NEED(dhcp_parse(buf, len, &dm) == 0);
		CHECK_STR(cases[i].bytes, cases[i].want, dm.dm_search);
	}
}

TEST(bad_options_are_as_if_absent)
{
	msg_begin(DHCP_ACK);
	msg_put(DHCP_OPT_SERVER, "\x0a\0\0", 3);
	msg_put(DHCP_OPT_LEASE, "\0\0\0\0\1", 5);
	msg_put(DHCP_OPT_MTU, "\x05", 1);
	msg_put(DHCP_OPT_DOMAIN, "x;rm -rf", 8);
	msg_put(DHCP_OPT_HOSTNAME, "-x", 2);
	msg_put(DHCP_OPT_ROUTES, "\x18\x0a\0\0\x0a\0\0\1\x21\1\2\3\4\5", 14);
	msg_put(DHCP_OPT_ROUTER, "\xe0\0\0\1\x7f\0\0\1", 8);
	msg_put(DHCP_OPT_MESSAGE, "a\nb\x1b[0m", 7);
	/* One that claims more than there is ends the list. */
	memcpy(buf + len, "\x06\x08\1\2\3", 5);
	len += 5;
	NEED(CHECK_EQ("parse", 0, dhcp_parse(buf, len, &dm)));
	CHECK_EQ("server", 0, dm.dm_server);
	CHECK_EQ("lease", 0, dm.dm_lease);
	CHECK_EQ("MTU", 0, dm.dm_mtu);
	CHECK_STR("domain", "", dm.dm_domain);
	CHECK_STR("host", "", dm.dm_hostname);
	CHECK_EQ("routes", 0, dm.dm_nroutes);
	CHECK_EQ("routers", 0, dm.dm_nrouters);
	CHECK_EQ("DNS", 0, dm.dm_ndns);
	CHECK_STR("message", "a?b?[0m", dm.dm_message);
}

TEST(every_cut_of_a_message_is_refused_or_read)
{
	msg_begin(DHCP_ACK);
	msg_put(DHCP_OPT_SERVER, "\x0a\0\0\1", 4);
	for (size_t cut = 0; cut < DHCP_FIXED + 4; cut++)
		CHECK_EQ("short", EINVAL, dhcp_parse(buf, cut, &dm));
	for (size_t cut = DHCP_FIXED + 4; cut < len; cut++) {
		CHECK_EQ("readable", 0, dhcp_parse(buf, cut, &dm));
		CHECK_EQ("not yet", 0, dm.dm_server);
	}
	buf[1] = 6;
	CHECK_EQ("not Ethernet", EINVAL, dhcp_parse(buf, len, &dm));
	buf[1] = 1;
	buf[DHCP_FIXED]++;
	CHECK_EQ("no cookie", EINVAL, dhcp_parse(buf, len, &dm));
}

TEST(what_is_built_and_wrapped_can_be_unwrapped_and_read)
{
	struct dhcp_msg out = { .dm_type = DHCP_REQUEST, .dm_xid = 77, .dm_secs = 9,
	    .dm_server = ADDR(10, 0, 0, 1), .dm_wanted = ADDR(10, 0, 0, 50),
	    .dm_chaddr = { 2, 0, 0, 0, 0, 1 }, .dm_hostname = "box" };
	const uint8_t *payload;
	size_t plen;

	plen = dhcp_build(&out, buf + DHCP_WRAP);
	CHECK(plen >= DHCP_MINLEN);
	dhcp_wrap(buf, plen, 0, 0xffffffff);
	len = DHCP_WRAP + plen;
	NEED(CHECK_EQ("unwrap", 0,
	    dhcp_unwrap(buf, len, DHCP_SERVER_PORT, false, &payload, &plen)));
	NEED(dhcp_parse(payload, plen, &dm) == 0);
	CHECK_EQ("type", DHCP_REQUEST, dm.dm_type);
	CHECK_EQ("xid", 77, dm.dm_xid);
	CHECK_EQ("wanted", out.dm_wanted, dm.dm_wanted);
	CHECK_STR("host", "box", dm.dm_hostname);
	CHECK_EQ("another port", ENOENT,
	    dhcp_unwrap(buf, len, DHCP_CLIENT_PORT, false, &payload, &plen));
	/* Each single bit that flips in headers or data is noticed. */
	for (size_t bit = 0; bit < len * 8; bit++) {
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK(dhcp_unwrap(buf, len, DHCP_SERVER_PORT, false, &payload, &plen) != 0 ||
		    (buf[26] | buf[27]) == 0);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t cut = 0; cut < len; cut++)
		CHECK_EQ("cut", EINVAL,
		    dhcp_unwrap(buf, cut, DHCP_SERVER_PORT, false, &payload, &plen));
}

TEST(masks_with_holes_are_known)
{
	CHECK_EQ("/0", 0, dhcp_masklen(0));
	CHECK_EQ("/32", 32, dhcp_masklen(0xffffffff));
	CHECK_EQ("/20", 20, dhcp_masklen(ADDR(255, 255, 240, 0)));
	CHECK_EQ("hole", -1, dhcp_masklen(ADDR(255, 0, 255, 0)));
	CHECK_EQ("turned round", -1, dhcp_masklen(ADDR(0, 0, 0, 255)));
}

TEST(arp_is_read_and_probes_ask_for_nothing_but_the_address)
{
	struct dhcp_arp am;
	uint8_t frame[ARP_LEN];

	dhcp_arp_probe((const uint8_t *)"\2\0\0\0\0\1", ADDR(10, 0, 0, 50), frame);
	NEED(CHECK_EQ("parse", 0, dhcp_arp_parse(frame, sizeof(frame), &am)));
	CHECK_EQ("request", 1, am.am_op);
	CHECK_EQ("no sender: RFC 5227 section 2.1.1", 0, am.am_spa);
	CHECK_EQ("target", ADDR(10, 0, 0, 50), am.am_tpa);
	CHECK_EQ("cut", EINVAL, dhcp_arp_parse(frame, sizeof(frame) - 1, &am));
	frame[5] = 6;
	CHECK_EQ("not IPv4", EINVAL, dhcp_arp_parse(frame, sizeof(frame), &am));
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_dhcp6_wire.c - DHCPv6 messages as bytes: what is read, what is passed over
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>

#include <harness.h>

#include "dhcp6_wire.h"

#define IAID	0x11223344u

/* A message under construction. */
static uint8_t msg[DHCP6_MAXLEN];
static size_t msglen;

static void
put(const void *data, size_t len)
{
	memcpy(msg + msglen, data, len);
	msglen += len;
}

static void
put16(uint16_t v)
{
	be16_put(msg + msglen, v);
	msglen += 2;
}

static void
put32(uint32_t v)
{
	be32_put(msg + msglen, v);
	msglen += 4;
}

static void
option(uint16_t code, uint16_t len)
{
	put16(code);
	put16(len);
}

static void
message(uint8_t type)
{
	msglen = 0;
	put32((uint32_t)type << 24 | 0x123456);
}

/* An association with what follows inside. */
static void
ia(uint32_t iaid, uint32_t t1, uint32_t t2, uint16_t inside)
{
	option(DHCP6_OPT_IA_NA, 12 + inside);
	put32(iaid);
	put32(t1);
	put32(t2);
}

static void
iaaddr(uint8_t first, uint8_t last, uint32_t preferred, uint32_t valid)
{
	uint8_t a[16] = { first, 0x80, [15] = last };

	option(DHCP6_OPT_IAADDR, 24);
	put(a, sizeof(a));
	put32(preferred);
	put32(valid);
}

static int
parse(struct dhcp6_msg *dm)
{
	memset(dm, 0xa5, sizeof(*dm));
	return dhcp6_parse(msg, msglen, IAID, dm);
}

TEST(what_is_built_is_what_is_read)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 7 };
	struct dhcp6_msg out, in;
	size_t len;

	memset(&out, 0, sizeof(out));
	out.dm_type = DHCP6_REQUEST;
	out.dm_xid = 0xabcdef;
	out.dm_elapsed = 350;
	out.dm_ia = out.dm_rapid = true;
	out.dm_iaid = IAID;
	out.dm_naddrs = DHCP6_NADDRS;
	for (unsigned int i = 0; i < DHCP6_NADDRS; i++)
		out.dm_addr[i].da_addr = (struct inaddr){ .ia_b = { 0xfd, [15] = (uint8_t)i } };
	dhcp6_duid_ll(mac, &out.dm_client);
	out.dm_server.du_len = DHCP6_DUIDMAX;
	memset(out.dm_server.du_data, 0x5a, DHCP6_DUIDMAX);

	len = dhcp6_build(&out, msg);
	NEED(len <= DHCP6_BUILDMAX);
	NEED(CHECK_EQ("sound", 0, dhcp6_parse(msg, len, IAID, &in)));
	CHECK_EQ("type", out.dm_type, in.dm_type);
	CHECK_EQ("transaction", out.dm_xid, in.dm_xid);
	CHECK_EQ("elapsed", out.dm_elapsed, in.dm_elapsed);
	CHECK(in.dm_ia && in.dm_rapid);
	CHECK_EQ("addresses", out.dm_naddrs, in.dm_naddrs);
	CHECK(memcmp(out.dm_addr, in.dm_addr, sizeof(out.dm_addr)) == 0);
	CHECK(dhcp6_duid_eq(&out.dm_client, &in.dm_client));
	CHECK(dhcp6_duid_eq(&out.dm_server, &in.dm_server));
	/* Type 3, hardware 1, the address. */
	CHECK(memcmp(in.dm_client.du_data, "\0\3\0\1\2\0\0\0\0\7", 10) == 0);
}

TEST(each_value_is_read)
{
	static const uint8_t dns[32] = { 0xfd, [15] = 1, [16] = 0xfe, 0x80, [31] = 2 };
	struct dhcp6_msg dm;

	message(DHCP6_REPLY);
	option(DHCP6_OPT_SERVERID, 4);
	put("\0\1ab", 4);
	option(DHCP6_OPT_PREFERENCE, 1);
	put("\xff", 1);
	option(DHCP6_OPT_DNS, 32);
	put(dns, 32);
	option(DHCP6_OPT_SEARCH, 13);
	put("\1a\3org\0\2b_\1c\0", 13);
	option(DHCP6_OPT_NTP, 20);
	option(1, 16);
	put(dns, 16);
	option(DHCP6_OPT_REFRESH, 4);
	put32(1200);
	option(DHCP6_OPT_SOL_MAX_RT, 4);
	put32(100);
	option(DHCP6_OPT_INF_MAX_RT, 4);
	put32(200);
	option(DHCP6_OPT_STATUS, 6);
	put16(DHCP6_NOTONLINK);
	put("n\x1bo.", 4);
	ia(IAID, 10, 20, 28);
	iaaddr(0x20, 9, 30, 40);
	option(4711, 3);
	put("new", 3);

	NEED(CHECK_EQ("sound", 0, parse(&dm)));
	CHECK_EQ("server", 4, dm.dm_server.du_len);
	CHECK_EQ("client", 0, dm.dm_client.du_len);
	CHECK_EQ("preference", 255, dm.dm_preference);
	CHECK_EQ("resolvers, on the link too", 2, dm.dm_ndns);
	CHECK_STR("domains", "a.org b_.c", dm.dm_search);
	CHECK_EQ("time servers", 1, dm.dm_nntp);
	CHECK_EQ("refresh", 1200, dm.dm_refresh);
	CHECK_EQ("SOL_MAX_RT", 100, dm.dm_solmax);
	CHECK_EQ("INF_MAX_RT", 200, dm.dm_infmax);
	CHECK_EQ("status", DHCP6_NOTONLINK, dm.dm_status);
	CHECK_STR("its text, printable", "n?o.", dm.dm_text);
	CHECK(dm.dm_ia);
	CHECK_EQ("T1", 10, dm.dm_t1);
	CHECK_EQ("T2", 20, dm.dm_t2);
	CHECK_EQ("addresses", 1, dm.dm_naddrs);
	CHECK_EQ("preferred", 30, dm.dm_addr[0].da_preferred);
	CHECK_EQ("valid", 40, dm.dm_addr[0].da_valid);
}

/* Whatever is cut off inside of an option: refused; between two: the options before. */
TEST(a_message_that_is_cut_is_refused)
{
	size_t whole, first;
	struct dhcp6_msg dm;

	message(DHCP6_REPLY);
	option(DHCP6_OPT_PREFERENCE, 1);
	put("\7", 1);
	first = msglen;
	ia(IAID, 10, 20, 28);
	iaaddr(0x20, 9, 30, 40);
	whole = msglen;
	for (msglen = 0; msglen < whole; msglen++)
		CHECK_EQ("cut", msglen == 4 || msglen == first ? 0 : EINVAL, parse(&dm));
	CHECK_EQ("whole", 0, parse(&dm));
}

TEST(an_address_beyond_its_association_is_refused)
{
	struct dhcp6_msg dm;

	message(DHCP6_REPLY);
	ia(IAID, 10, 20, 27);		/* one byte too short for what is in it */
	iaaddr(0x20, 9, 30, 40);
	CHECK_EQ("the address", EINVAL, parse(&dm));
	message(DHCP6_REPLY);
	ia(IAID, 10, 20, 32);
	option(DHCP6_OPT_IAADDR, 28);
	msglen += 24;
	option(DHCP6_OPT_STATUS, 200);
	CHECK_EQ("the status inside", EINVAL, parse(&dm));
}

static const struct {
	const char *label;
	uint8_t first, last;
	uint32_t preferred, valid;
	unsigned int want;
} addr_cases[] = {
	{ "a host", 0x20, 1, 10, 20, 1 },
	{ "for ever", 0xfd, 1, DHCP6_FOREVER, DHCP6_FOREVER, 1 },
	{ "over", 0x20, 1, 0, 0, 1 },
	{ "a group", 0xff, 1, 10, 20, 0 },
	{ "of the link", 0xfe, 1, 10, 20, 0 },
	{ "preferred longer than valid", 0x20, 1, 21, 20, 0 },
};

TEST(addresses_that_make_no_sense_are_left_out)
{
	struct dhcp6_msg dm;

	for (size_t i = 0; i < ARRAY_SIZE(addr_cases); i++) {
		message(DHCP6_REPLY);
		ia(IAID, 10, 20, 28);
		iaaddr(addr_cases[i].first, addr_cases[i].last, addr_cases[i].preferred,
		    addr_cases[i].valid);
		NEED(CHECK_EQ(addr_cases[i].label, 0, parse(&dm)));
		CHECK_EQ(addr_cases[i].label, addr_cases[i].want, dm.dm_naddrs);
	}
}

TEST(associations_that_are_not_ours_are_left_out)
{
	struct dhcp6_msg dm;

	message(DHCP6_REPLY);
	ia(IAID + 1, 10, 20, 28);
	iaaddr(0x20, 1, 10, 20);
	ia(IAID, 30, 20, 28);		/* T1 beyond T2 */
	iaaddr(0x20, 2, 10, 20);
	NEED(CHECK_EQ("sound", 0, parse(&dm)));
	CHECK(!dm.dm_ia && dm.dm_naddrs == 0);
	ia(IAID, 10, 20, 56);
	iaaddr(0x20, 3, 10, 20);
	iaaddr(0x20, 3, 10, 20);	/* twice */
	ia(IAID, 10, 20, 28);		/* and a second one of ours */
	iaaddr(0x20, 4, 10, 20);
	NEED(CHECK_EQ("sound", 0, parse(&dm)));
	CHECK_EQ("one address", 1, dm.dm_naddrs);
	CHECK_EQ("which", 3, dm.dm_addr[0].da_addr.ia_b[15]);
}

TEST(more_addresses_than_we_take_are_left_out)
{
	struct dhcp6_msg dm;

	message(DHCP6_REPLY);
	ia(IAID, 10, 20, 28 * 20);
	for (uint8_t i = 0; i < 20; i++)
		iaaddr(0x20, i, 10, 20);
	NEED(CHECK_EQ("sound", 0, parse(&dm)));
	CHECK_EQ("addresses", DHCP6_NADDRS, dm.dm_naddrs);
}

TEST(an_address_with_an_error_does_not_count)
{
	struct dhcp6_msg dm;
	uint8_t a[16] = { 0x20, [15] = 5 };

	message(DHCP6_REPLY);
	ia(IAID, 10, 20, 28 + 6 + 6);
	option(DHCP6_OPT_IAADDR, 24 + 6);
	put(a, 16);
	put32(10);
	put32(20);
	option(DHCP6_OPT_STATUS, 2);
	put16(DHCP6_NOTONLINK);
	option(DHCP6_OPT_STATUS, 2);
	put16(DHCP6_NOADDRSAVAIL);
	NEED(CHECK_EQ("sound", 0, parse(&dm)));
	CHECK_EQ("addresses", 0, dm.dm_naddrs);
	CHECK_EQ("of the association", DHCP6_NOADDRSAVAIL, dm.dm_iastatus);
	CHECK_EQ("of the message", DHCP6_SUCCESS, dm.dm_status);
}

static const struct { const char *wire; size_t len; const char *want; } name_cases[] = {
	{ "", 0, "" },
	{ "\0", 1, "" },
	{ "\1a\0", 3, "a" },
	{ "\1a\0\0\0\0", 6, "a" },
	{ "\1a", 2, "" },				/* no end */
	{ "\5abc\0", 5, "" },				/* beyond */
	{ "\1a\0\3b;c\0", 8, "a" },			/* a shell's business */
	{ "\1a\0\2-x\0", 7, "a" },
	{ "\1a\xc0\0", 4, "" },				/* pointers are not for here */
	{ "\1a\0\1b\1c\0\1d\0", 11, "a b.c d" },
};

TEST(names_are_names)
{
	struct dhcp6_msg dm;

	for (size_t i = 0; i < ARRAY_SIZE(name_cases); i++) {
		message(DHCP6_REPLY);
		option(DHCP6_OPT_SEARCH, (uint16_t)name_cases[i].len);
		put(name_cases[i].wire, name_cases[i].len);
		NEED(CHECK_EQ("sound", 0, parse(&dm)));
		CHECK_STR("names", name_cases[i].want, dm.dm_search);
	}
}

TEST(a_list_of_names_ends_where_the_room_does)
{
	struct dhcp6_msg dm;

	message(DHCP6_REPLY);
	option(DHCP6_OPT_SEARCH, 66 * 5);
	for (int i = 0; i < 5; i++) {
		put("\x40" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 65);
		put("\0", 1);
		msg[msglen - 66] = 63;
		msg[msglen - 2] = 0;	/* the padding ends the list */
	}
	NEED(CHECK_EQ("sound", 0, parse(&dm)));
	CHECK_EQ("one of 63", 63, strlen(dm.dm_search));
	message(DHCP6_REPLY);
	option(DHCP6_OPT_SEARCH, 65 * 5);
	for (int i = 0; i < 5; i++) {
		put("\x3f" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 64);
		put("\0", 1);
	}
	NEED(CHECK_EQ("sound", 0, parse(&dm)));
	CHECK_EQ("three of 63 and blanks", 191, strlen(dm.dm_search));
}

TEST(options_of_a_wrong_length_are_passed_over)
{
	struct dhcp6_msg dm;

	message(DHCP6_REPLY);
	option(DHCP6_OPT_PREFERENCE, 2);
	put("\1\1", 2);
	option(DHCP6_OPT_SERVERID, 2);
	put("\1\1", 2);
	option(DHCP6_OPT_CLIENTID, 131);
	msglen += 131;
	option(DHCP6_OPT_REFRESH, 3);
	put("\1\1\1", 3);
	option(DHCP6_OPT_STATUS, 1);
	put("\1", 1);
	option(DHCP6_OPT_IA_NA, 11);
	msglen += 11;
	option(DHCP6_OPT_DNS, 17);
	put("\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1", 17);
	NEED(CHECK_EQ("sound", 0, parse(&dm)));
	CHECK(dm.dm_preference == 0 && dm.dm_server.du_len == 0 && dm.dm_client.du_len == 0 &&
	    dm.dm_refresh == 0 && dm.dm_status == 0 && !dm.dm_ia);
	CHECK_EQ("a whole address of a list", 1, dm.dm_ndns);
}

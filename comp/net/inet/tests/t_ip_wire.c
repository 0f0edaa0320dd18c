/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ip_wire.c - headers of IPv4, its options, ARP and IGMP, as bytes
 */

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/in.h>
#include <net/packet.h>
#include <sys/errno.h>

#include "igmp_wire.h"
#include "ip_wire.h"

static struct inaddr
addr(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct inaddr){ .ia_b = { a, b, c, d } };
}

/* --- headers ------------------------------------------------------------------ */

static void
header_make(uint8_t *h, uint8_t hdrlen, uint16_t len)
{
	struct ip_hdr ih = {
		.ih_hdrlen = hdrlen, .ih_tos = 0x28, .ih_ttl = 64, .ih_proto = 17, .ih_len = len,
		.ih_id = 0x1234, .ih_frag = IP_DF, .ih_src = addr(10, 0, 0, 1),
		.ih_dst = addr(10, 0, 0, 2),
	};

	memset(h, 0, IP_HDRMAX);
	ip_hdr_build(h, &ih);
}

TEST(a_header_that_was_built_is_read_back)
{
	uint8_t h[IP_HDRMAX];
	struct ip_hdr ih;

	for (uint8_t hdrlen = 20; hdrlen <= 60; hdrlen = (uint8_t)(hdrlen + 4)) {
		header_make(h, hdrlen, 1000);
		NEED(ip_hdr_parse(h, 1000, &ih) == 0);
		CHECK_EQ("header", hdrlen, ih.ih_hdrlen);
		CHECK_EQ("tos", 0x28, ih.ih_tos);
		CHECK_EQ("ttl", 64, ih.ih_ttl);
		CHECK_EQ("protocol", 17, ih.ih_proto);
		CHECK_EQ("length", 1000, ih.ih_len);
		CHECK_EQ("id", 0x1234, ih.ih_id);
		CHECK_EQ("flags", IP_DF, ih.ih_frag);
		CHECK(!ip_hdr_isfrag(&ih));
		CHECK_EQ("source", 1, ih.ih_src.ia_b[3]);
		CHECK_EQ("destination", 2, ih.ih_dst.ia_b[3]);
		CHECK_EQ("upper half", 0, ih.ih_dst.ia_d[1]);
	}
}

static const struct {
	const char *label;
	uint8_t first;		/* version and length */
	uint16_t total;
	size_t have;
	int want;
} header_cases[] = {
	{ "fine", 0x45, 100, 100, 0 },
	{ "padding behind it", 0x45, 40, 46, 0 },
	{ "version 6", 0x65, 100, 100, EINVAL },
	{ "version 0", 0x05, 100, 100, EINVAL },
	{ "header of 16 bytes", 0x44, 100, 100, EINVAL },
	{ "header longer than the packet", 0x4f, 100, 56, EINVAL },
	{ "total less than the header", 0x46, 20, 100, EINVAL },
	{ "total of nothing", 0x45, 0, 100, EINVAL },
	{ "cut short", 0x45, 101, 100, EMSGSIZE },
};

TEST(a_header_with_wrong_lengths_is_refused)
{
	uint8_t h[IP_HDRMAX];
	struct ip_hdr ih;

	for (size_t i = 0; i < ARRAY_SIZE(header_cases); i++) {
		header_make(h, 20, 100);
		h[0] = header_cases[i].first;
		be16_put(h + 2, header_cases[i].total);
		if (ip_hdrlen_of(h) != 0)
			ip_hdr_sum(h, ip_hdrlen_of(h));
		CHECK_EQ(header_cases[i].label, header_cases[i].want,
		    ip_hdr_parse(h, header_cases[i].have, &ih));
	}
}

TEST(each_flipped_bit_of_a_header_is_noticed)
{
	uint8_t h[IP_HDRMAX];
	struct ip_hdr ih;

	for (unsigned int bit = 0; bit < 24 * 8; bit++) {
		header_make(h, 24, 100);
		h[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK(ip_hdr_parse(h, 100, &ih) != 0);
	}
}

TEST(a_hop_less_keeps_the_checksum_right)
{
	uint8_t h[IP_HDRMAX];
	struct ip_hdr ih;

	for (unsigned int id = 0; id < 65536; id += 13) {
		header_make(h, 20, 100);
		be16_put(h + 4, (uint16_t)id);
		h[8] = (uint8_t)(1 + id % 255);
		ip_hdr_sum(h, 20);
		ip_hdr_dec_ttl(h);
		if (!CHECK_EQ("sum", 0, ip_hdr_parse(h, 100, &ih)))
			break;
		CHECK_EQ("ttl", id % 255, ih.ih_ttl);
	}
}

/* --- options --------------------------------------------------------------------- */

static const struct {
	const char *label;
	uint8_t opt[40];
	size_t len;
	int want;
	size_t at;
} option_cases[] = {
	{ "none", { 0 }, 0, 0, 0 },
	{ "nops and end", { 1, 1, 1, 0 }, 4, 0, 0 },
	{ "rubbish behind the end", { 0, 7, 200, 1 }, 4, 0, 0 },
	{ "record route", { 7, 7, 4, 0, 0, 0, 0, 0 }, 8, 0, 0 },
	{ "record route, pointer too small", { 1, 7, 7, 3, 0, 0, 0, 0 }, 8, EINVAL, 1 },
	{ "record route twice", { 7, 3, 4, 7, 3, 4, 0, 0 }, 8, EINVAL, 3 },
	{ "no length", { 1, 1, 1, 7 }, 4, EINVAL, 3 },
	{ "length 0", { 7, 0, 4, 0 }, 4, EINVAL, 0 },
	{ "length 1", { 7, 1, 4, 0 }, 4, EINVAL, 0 },
	{ "length beyond the end", { 7, 5, 4, 0 }, 4, EINVAL, 0 },
	{ "too short for a route", { 131, 2, 0, 0 }, 4, EINVAL, 0 },
	{ "loose source route", { 131, 7, 4, 10, 0, 0, 9, 0 }, 8, 0, 0 },
	{ "strict and loose", { 131, 3, 4, 137, 3, 4, 0, 0 }, 8, EINVAL, 3 },
	{ "time stamp", { 68, 8, 5, 0, 0, 0, 0, 0 }, 8, 0, 0 },
	{ "time stamp, pointer too small", { 68, 8, 4, 0, 0, 0, 0, 0 }, 8, EINVAL, 0 },
	{ "time stamp of an unknown kind", { 68, 8, 5, 2, 0, 0, 0, 0 }, 8, EINVAL, 0 },
	{ "router alert", { 148, 4, 0, 0 }, 4, 0, 0 },
	{ "unknown option", { 99, 4, 7, 7 }, 4, 0, 0 },
};

TEST(options_are_right_or_the_wrong_byte_is_named)
{
	struct ip_optinfo io;

	for (size_t i = 0; i < ARRAY_SIZE(option_cases); i++) {
		size_t at = 0;
		int error = ip_opt_parse(option_cases[i].opt, option_cases[i].len, &io, &at);

		CHECK_EQ(option_cases[i].label, option_cases[i].want, error);
		if (error)
			CHECK_EQ(option_cases[i].label, option_cases[i].at, at);
	}
}

TEST(the_router_alert_is_seen)
{
	static const uint8_t alert[4] = { 148, 4, 0, 0 }, other[4] = { 148, 4, 0, 1 };
	struct ip_optinfo io;
	size_t at;

	CHECK(ip_opt_parse(alert, 4, &io, &at) == 0 && io.io_alert);
	CHECK(ip_opt_parse(other, 4, &io, &at) == 0 && !io.io_alert);
}

TEST(later_fragments_carry_what_must_be_copied)
{
	static const uint8_t opt[12] = { 1, 7, 3, 4, 148, 4, 0, 0, 131, 3, 4, 0 };
	static const uint8_t want[8] = { 148, 4, 0, 0, 131, 3, 4, 0 };
	uint8_t out[40];

	CHECK_EQ("length", 8, ip_opt_copied(opt, sizeof(opt), out));
	CHECK_MEM("options", want, out, sizeof(want));
}

TEST(a_route_is_recorded_until_there_is_no_room)
{
	uint8_t opt[12] = { 7, 11, 4 };
	struct inaddr ours = addr(1, 2, 3, 4);
	struct ip_optinfo io;
	size_t at;

	NEED(ip_opt_parse(opt, sizeof(opt), &io, &at) == 0);
	CHECK(ip_opt_record(opt, &io, &ours, 0, &at));
	CHECK_EQ("pointer", 8, opt[2]);
	CHECK_MEM("address", &ours, opt + 3, 4);
	CHECK(ip_opt_record(opt, &io, &ours, 0, &at));
	CHECK_EQ("pointer", 12, opt[2]);
	CHECK(ip_opt_record(opt, &io, &ours, 0, &at));
	CHECK_EQ("full", 12, opt[2]);
	CHECK_EQ("beyond", 0, opt[11]);
}

TEST(time_stamps_count_those_that_found_no_room)
{
	uint8_t opt[8] = { 68, 8, 5, 0 };
	struct inaddr ours = addr(1, 2, 3, 4);
	struct ip_optinfo io;
	size_t at = 99;

	NEED(ip_opt_parse(opt, sizeof(opt), &io, &at) == 0);
	CHECK(ip_opt_record(opt, &io, &ours, 0x01020304, &at));
	CHECK_EQ("stamp", 0x01020304, be32_get(opt + 4));
	for (int i = 1; i <= 15; i++) {
		CHECK(ip_opt_record(opt, &io, &ours, 0, &at));
		CHECK_EQ("overflow", i, opt[3] >> 4);
	}
	CHECK(!ip_opt_record(opt, &io, &ours, 0, &at));
	CHECK_EQ("at", 0, at);
}

TEST(a_prescribed_time_stamp_waits_for_its_address)
{
	uint8_t opt[12] = { 68, 12, 5, 3, 1, 2, 3, 4 };
	struct inaddr ours = addr(1, 2, 3, 4), other = addr(1, 2, 3, 5);
	struct ip_optinfo io;
	size_t at;

	NEED(ip_opt_parse(opt, sizeof(opt), &io, &at) == 0);
	CHECK(ip_opt_record(opt, &io, &other, 77, &at));
	CHECK_EQ("pointer", 5, opt[2]);
	CHECK(ip_opt_record(opt, &io, &ours, 77, &at));
	CHECK_EQ("pointer", 13, opt[2]);
	CHECK_EQ("stamp", 77, be32_get(opt + 8));
}

/* --- ARP ------------------------------------------------------------------------------ */

TEST(an_arp_message_that_was_built_is_read_back)
{
	struct arp_msg am = { .am_op = ARP_REPLY, .am_sha = { 2, 1 }, .am_tha = { 2, 2 },
	    .am_sip = addr(10, 0, 0, 1), .am_tip = addr(10, 0, 0, 2) }, got;
	uint8_t b[ARP_LEN];

	arpmsg_build(b, &am);
	NEED(arpmsg_parse(b, sizeof(b), &got) == 0);
	CHECK_MEM("message", &am, &got, sizeof(am));
	CHECK_EQ("short", EINVAL, arpmsg_parse(b, ARP_LEN - 1, &got));
	for (int i = 0; i < 6; i++) {
		b[i] ^= 1;
		CHECK_EQ("other media", EINVAL, arpmsg_parse(b, sizeof(b), &got));
		b[i] ^= 1;
	}
}

/* --- IGMP ------------------------------------------------------------------------------ */

TEST(queries_of_three_versions_are_told_apart)
{
	uint8_t b[20] = { IGMP_QUERY };
	struct igmp_query iq;

	CHECK_EQ("v1", 0, igmp_query_parse(b, 8, &iq));
	CHECK_EQ("version", 1, iq.iq_version);
	CHECK_EQ("time", 10000000000, iq.iq_maxresp);
	b[1] = 30;
	CHECK_EQ("v2", 0, igmp_query_parse(b, 8, &iq));
	CHECK_EQ("version", 2, iq.iq_version);
	CHECK_EQ("time", 3000000000, iq.iq_maxresp);
	for (size_t len = 0; len < 20; len++)
		if (len != 8 && len < 12)
			CHECK_EQ("neither", EINVAL, igmp_query_parse(b, len, &iq));
	b[1] = 0x9f;		/* 31 << 4: tenths of a second */
	b[8] = 0x0b;
	b[9] = 125;
	CHECK_EQ("v3", 0, igmp_query_parse(b, 12, &iq));
	CHECK_EQ("version", 3, iq.iq_version);
	CHECK_EQ("time", 49600000000, iq.iq_maxresp);
	CHECK_EQ("robustness", 3, iq.iq_robust);
	CHECK_EQ("interval", 125000000000, iq.iq_interval);
}

TEST(sources_of_a_query_lie_within_it)
{
	uint8_t b[20] = { IGMP_QUERY, 1, 0, 0, 224, 1, 1, 1 };
	struct igmp_query iq;

	be16_put(b + 10, 2);
	CHECK_EQ("two", 0, igmp_query_parse(b, 20, &iq));
	CHECK(iq.iq_nsrc == 2 && iq.iq_srcs == b + 12);
	CHECK_EQ("one is missing", EINVAL, igmp_query_parse(b, 19, &iq));
	b[4] = b[5] = b[6] = b[7] = 0;
	CHECK_EQ("of a general query", EINVAL, igmp_query_parse(b, 20, &iq));
}

TEST(records_fill_a_report_to_its_end)
{
	uint32_t src[2] = { 1, 2 };
	uint8_t b[40];
	size_t len;

	len = igmp_record_put(b, IGMP_MINLEN, sizeof(b), IGMP_TO_EX, 5, NULL, 0);
	CHECK_EQ("one", 16, len);
	len = igmp_record_put(b, len, sizeof(b), IGMP_ALLOW, 6, src, 2);
	CHECK_EQ("two", 32, len);
	CHECK_EQ("no room", 0, igmp_record_put(b, len, sizeof(b), IGMP_ALLOW, 6, src, 1));
	len = igmp_record_put(b, len, sizeof(b), IGMP_IS_EX, 7, NULL, 0);
	CHECK_EQ("three", 40, len);
	igmp_report_finish(b, len, 3);
	CHECK_EQ("type", IGMP_V3_REPORT, b[0]);
	CHECK_EQ("records", 3, be16_get(b + 6));
	CHECK_EQ("sum", 0, packet_sum_fold(packet_sum_bytes(b, len, 0)));
}

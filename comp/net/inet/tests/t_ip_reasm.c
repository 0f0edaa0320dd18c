/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ip_reasm.c - fragments, ours and others'
 *
 * What is cut is cut into an echo request, so that the answer says whether it was put
 * together, and how.
 */

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/icmp.h>
#include <linux/in.h>
#include <net/netns.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#include "ip_impl.h"
#include "testif.h"

#define IPTEST(name, ...)	TEST_WITH(name, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS, ##__VA_ARGS__)
#define SEC		1000000000LL
#define PIECES		64

static uint8_t whole[70000], frame[70000], answer[70000];
static uint64_t state;

static uint32_t
rnd(uint32_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % below;
}

struct piece {
	uint32_t off, len;
};

/* Injects bytes [off, off + len) of the payload of whole. */
static void
inject(struct testif *ti, size_t total, const struct piece *pc, uint16_t id)
{
	size_t payload = total - 20;
	bool last = pc->off + pc->len == payload;
	size_t len = ip4_build(frame, &(struct ip4){ .i_proto = IPPROTO_ICMP, .i_id = id,
	    .i_frag = (uint16_t)(pc->off / 8 | (last ? 0 : IP_MF)) }, whole + 20 + pc->off, pc->len);

	testif_inject(ti, ETHERTYPE_IP, frame, len);
}

/* Puts together what the stack sent in fragments of its own; 0: nothing. */
static size_t
collect(struct testif *ti)
{
	struct packet *p;
	size_t total = 0;
	struct ip_hdr ih;

	while ((p = testif_take_type(ti, ETHERTYPE_IP)) != NULL) {
		packet_bytes(p, frame, sizeof(frame));
		NEED(ip_hdr_parse(frame, p->p_len, &ih) == 0);
		CHECK(p->p_len <= 1500);
		memcpy(answer + ip_hdr_off(&ih), frame + ih.ih_hdrlen, p->p_len - ih.ih_hdrlen);
		if (total < ip_hdr_off(&ih) + p->p_len - ih.ih_hdrlen)
			total = ip_hdr_off(&ih) + p->p_len - ih.ih_hdrlen;
		packet_free(p);
	}
	return total;
}

static unsigned int
cut(struct piece *pc, size_t payload, uint32_t max)
{
	unsigned int n = 0;
	uint32_t off = 0;

	while (off < payload && n < PIECES) {
		uint32_t len = (1 + rnd(max / 8)) * 8;

		if (len >= payload - off || n == PIECES - 1)
			len = (uint32_t)payload - off;
		pc[n++] = (struct piece){ off, len };
		off += len;
	}
	return n;
}

static void
shuffle(struct piece *pc, unsigned int n)
{
	for (unsigned int i = n; i > 1; i--) {
		unsigned int k = rnd(i);
		struct piece t = pc[k];

		pc[k] = pc[i - 1];
		pc[i - 1] = t;
	}
}

IPTEST(fragments_make_the_datagram_in_any_order, .ht_seeds = 5)
{
	struct piece pc[2 * PIECES];
	struct testif ti;

	state = harness_seed();
	testif_create(&ti, netns0, "t0");
	for (unsigned int round = 0; round < 60; round++) {
		size_t len = 8 + rnd(round % 4 == 0 ? 65000 : 3000), total, n;
		static uint8_t data[70000];

		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)rnd(256);
		total = icmp4_build(whole, &(struct ip4){ .i_id = 1 }, ICMP_ECHO, 0, round, data, len);
		n = cut(pc, total - 20, round % 4 == 0 ? 4000 : 200);
		/* Some come twice, as networks do. */
		for (size_t i = 0, m = n; i < m; i++)
			if (rnd(5) == 0)
				pc[n++] = pc[i];
		shuffle(pc, (unsigned int)n);
		for (size_t i = 0; i < n; i++)
			inject(&ti, total, &pc[i], (uint16_t)(100 + round));
		if (!CHECK_EQ("answer", total - 20, collect(&ti)))
			break;
		CHECK_EQ("sum", 0, packet_sum_fold(packet_sum_bytes(answer, total - 20, 0)));
		CHECK_MEM("data", data, answer + 8, len);
	}
	testif_destroy(&ti);
}

IPTEST(an_overlap_spoils_the_datagram, .ht_seeds = 5)
{
	struct piece pc[PIECES + 1];
	struct testif ti;
	static uint8_t data[3000];

	state = harness_seed();
	testif_create(&ti, netns0, "t0");
	for (unsigned int round = 0; round < 60; round++) {
		size_t total = icmp4_build(whole, &(struct ip4){ .i_id = 1 }, ICMP_ECHO, 0, round,
		    data, 1000 + rnd(2000));
		unsigned int n = cut(pc, total - 20, 300), victim = rnd(n);
		uint32_t late;

		/*
		 * Eight bytes more than its place, at either end; and one that both it and its
		 * twin need comes last, or the datagram is whole before they meet.
		 */
		if (pc[victim].off + pc[victim].len + 8 < total - 20) {
			late = pc[n - 1].off;
			pc[n] = (struct piece){ pc[victim].off, pc[victim].len + 8 };
		} else if (victim > 0 && pc[victim - 1].len > 8) {
			late = pc[victim - 1].off;
			pc[n] = (struct piece){ pc[victim].off - 8, pc[victim].len + 8 };
		} else {
			continue;
		}
		n++;
		shuffle(pc, n);
		for (unsigned int i = 0; i + 1 < n; i++)
			if (pc[i].off == late) {
				struct piece t = pc[i];

				pc[i] = pc[n - 1];
				pc[n - 1] = t;
				break;
			}
		for (unsigned int i = 0; i < n; i++)
			inject(&ti, total, &pc[i], (uint16_t)(100 + round));
		if (!CHECK_EQ("no answer", 0, collect(&ti)))
			break;
	}
	CHECK(inet_stat_read(IPSTAT_REASMOVERLAPS) > 0);
	testif_destroy(&ti);
}

IPTEST(what_is_never_whole_goes_in_time_and_the_sender_hears)
{
	struct testif ti;
	struct packet *p;
	static uint8_t data[3000];
	size_t total;

	testif_create(&ti, netns0, "t0");
	total = icmp4_build(whole, &(struct ip4){ .i_id = 1 }, ICMP_ECHO, 0, 1, data, 2000);
	inject(&ti, total, &(struct piece){ 0, 800 }, 7);
	test_sleep(29 * SEC);
	CHECK(testif_take_type(&ti, ETHERTYPE_IP) == NULL);
	test_sleep(2 * SEC);
	p = testif_take_type(&ti, ETHERTYPE_IP);
	NEED(p != NULL);
	packet_bytes(p, frame, sizeof(frame));
	CHECK_EQ("type", ICMP_TIME_EXCEEDED, frame[20]);
	CHECK_EQ("code", ICMP_EXC_FRAGTIME, frame[21]);
	CHECK_EQ("quoted id", 7, be16_get(frame + 28 + 4));
	packet_free(p);
	/* Without the first fragment nobody can be told. */
	inject(&ti, total, &(struct piece){ 800, 800 }, 8);
	test_sleep(31 * SEC);
	CHECK(testif_take_type(&ti, ETHERTYPE_IP) == NULL);
	CHECK_EQ("timeouts", 2, inet_stat_read(IPSTAT_REASMTIMEOUT));
	testif_destroy(&ti);
}

IPTEST(a_flood_of_fragments_is_bounded, .ht_seconds = 60)
{
	struct kmem_stats before, after;
	struct testif ti;
	static uint8_t data[2000];

	testif_create(&ti, netns0, "t0");
	kmem_getstats(&before);
	for (unsigned int i = 0; i < 30000; i++) {
		size_t len = ip4_build(frame, &(struct ip4){ .i_proto = 17, .i_id = (uint16_t)i,
		    .i_src = 0x0b000000 + i / 3, .i_frag = (uint16_t)(IP_MF | i % 7) }, data, 1400);

		testif_inject(&ti, ETHERTYPE_IP, frame, len);
	}
	kmem_getstats(&after);
	CHECK(after.ks_pages < before.ks_pages + (12u << 20));
	CHECK(inet_stat_read(IPSTAT_REASMFAILS) > 25000);
	/* One source alone cannot push out the others' for long: it has its own bound. */
	for (unsigned int i = 0; i < 1000; i++) {
		size_t len = ip4_build(frame, &(struct ip4){ .i_proto = 17, .i_id = (uint16_t)i,
		    .i_frag = IP_MF }, data, 8);

		testif_inject(&ti, ETHERTYPE_IP, frame, len);
	}
	testif_destroy(&ti);
}

static const struct {
	const char *label;
	uint16_t frag;
	size_t len;
} bad_cases[] = {
	{ "an odd length in the middle", IP_MF, 13 },
	{ "nothing", IP_MF | 4, 0 },
	{ "beyond the largest datagram", 8191, 100 },
	{ "more beyond the largest", 8189 | IP_MF, 64 },
};

IPTEST(impossible_fragments_are_dropped)
{
	uint64_t before = inet_stat_read(IPSTAT_REASMFAILS);
	static uint8_t data[200];
	struct testif ti;

	testif_create(&ti, netns0, "t0");
	for (size_t i = 0; i < ARRAY_SIZE(bad_cases); i++) {
		size_t len = ip4_build(frame, &(struct ip4){ .i_proto = 17, .i_id = (uint16_t)i,
		    .i_frag = bad_cases[i].frag }, data, bad_cases[i].len);

		testif_inject(&ti, ETHERTYPE_IP, frame, len);
		CHECK_EQ(bad_cases[i].label, before + i + 1, inet_stat_read(IPSTAT_REASMFAILS));
	}
	testif_destroy(&ti);
}

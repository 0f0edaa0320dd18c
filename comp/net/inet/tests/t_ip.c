/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ip.c - IPv4 on a wire whose other end is the test: what is dropped, what is
 * answered, what goes through
 */

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/icmp.h>
#include <linux/in.h>
#include <net/netns.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ktime.h>

#include "ip_impl.h"
#include "testif.h"

#define IPTEST(name)	TEST_WITH(name, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
#define SEC		1000000000LL

static uint8_t buf[70000];
static const uint8_t data[64] = "0123456789abcdef0123456789abcdef0123456789abcdef";

/* An echo request that must be answered, or must not. */
static bool
answered(struct testif *ti, const uint8_t *b, size_t len)
{
	struct packet *p;
	bool yes;

	testif_drop(ti);
	testif_inject(ti, ETHERTYPE_IP, b, len);
	p = testif_take_type(ti, ETHERTYPE_IP);
	yes = p != NULL && p->p_len > 20 && p->p_data[9] == IPPROTO_ICMP;
	packet_free(p);
	return yes;
}

IPTEST(an_echo_request_is_answered_with_its_data)
{
	struct testif ti;
	struct packet *p;
	uint8_t got[200];
	size_t len;

	testif_create(&ti, netns0, "t0");
	len = icmp4_build(buf, &(struct ip4){ .i_tos = 0x10 }, ICMP_ECHO, 0, 0x12340001, data, 50);
	testif_inject(&ti, ETHERTYPE_IP, buf, len);
	p = testif_take_type(&ti, ETHERTYPE_IP);
	NEED(p != NULL);
	CHECK_EQ("length", len, packet_bytes(p, got, sizeof(got)));
	CHECK_EQ("type", ICMP_ECHOREPLY, got[20]);
	CHECK_EQ("tos", 0x10, got[1]);
	CHECK_EQ("id and sequence", 0x12340001, be32_get(got + 24));
	CHECK_MEM("data", data, got + 28, 50);
	CHECK_EQ("from", TESTIF_OURS, be32_get(got + 12));
	CHECK_EQ("to", TESTIF_PEER, be32_get(got + 16));
	CHECK_EQ("header sum", 0, packet_sum_fold(packet_sum_bytes(got, 20, 0)));
	CHECK_EQ("sum", 0, packet_sum_fold(packet_sum_bytes(got + 20, len - 20, 0)));
	packet_free(p);
	testif_destroy(&ti);
}

static const struct {
	const char *label;
	uint32_t src, dst;
	bool want;
} address_cases[] = {
	{ "a neighbour", 0x0a000003, TESTIF_OURS, false },	/* asked for by ARP first */
	{ "the peer", TESTIF_PEER, TESTIF_OURS, true },
	{ "from nobody", 0, 0, true },
	{ "from 0.0.0.1", 0x00000001, TESTIF_OURS, false },
	{ "from a group", 0xe0000005, TESTIF_OURS, false },
	{ "from everybody", 0xffffffff, TESTIF_OURS, false },
	{ "from the subnet's broadcast", 0x0a0000ff, TESTIF_OURS, false },
	{ "from ourselves", TESTIF_OURS, TESTIF_OURS, false },
	{ "from the loopback net", 0x7f000001, TESTIF_OURS, false },
	{ "to the loopback net", TESTIF_PEER, 0x7f000001, false },
	{ "to somebody else", TESTIF_PEER, 0x0a000009, false },
	{ "to everybody", TESTIF_PEER, 0xffffffff, false },
	{ "to the subnet's broadcast", TESTIF_PEER, 0x0a0000ff, false },
	{ "to a group of others", TESTIF_PEER, 0xe0010101, false },
};

IPTEST(packets_with_impossible_addresses_are_not_answered)
{
	struct testif ti;
	size_t len;

	testif_create(&ti, netns0, "t0");
	for (size_t i = 0; i < ARRAY_SIZE(address_cases); i++) {
		len = icmp4_build(buf, &(struct ip4){ .i_src = address_cases[i].src,
		    .i_dst = address_cases[i].dst }, ICMP_ECHO, 0, 1, data, 8);
		CHECK_EQ(address_cases[i].label, address_cases[i].want, answered(&ti, buf, len));
	}
	testif_destroy(&ti);
}

/* What was found out about a pair of addresses is forgotten when addresses change. */
IPTEST(packets_are_judged_anew_when_addresses_change)
{
	const uint32_t second = 0x0a000005;
	struct inaddr addr = { .ia_w = { net32(second) } };
	size_t first = icmp4_build(buf, &(struct ip4){ 0 }, ICMP_ECHO, 0, 1, data, 8), len;
	struct netns *ns = netns0;
	struct testif ti;
	uint8_t other[100];

	len = icmp4_build(other, &(struct ip4){ .i_dst = second }, ICMP_ECHO, 0, 1, data, 8);
	testif_create(&ti, ns, "t0");
	for (int i = 0; i < 3; i++) {
		CHECK(answered(&ti, buf, first));
		CHECK(!answered(&ti, other, len));
		testif_address(&ti, second, 24);
		CHECK(answered(&ti, other, len));
		CHECK(answered(&ti, other, len));
		mutex_enter(&ns->ns_lock);
		CHECK_EQ("gone", 0, ifaddr_del(ti.ti_ifp, AF_INET, &addr, 24));
		mutex_exit(&ns->ns_lock);
		CHECK(!answered(&ti, other, len));
	}
	/* And when the sender's becomes ours. */
	CHECK(answered(&ti, buf, first));
	testif_address(&ti, TESTIF_PEER, 24);
	CHECK(!answered(&ti, buf, first));
	testif_destroy(&ti);
}

IPTEST(a_spoiled_header_is_dropped_and_counted)
{
	uint64_t before = inet_stat_read(IPSTAT_INHDRERRORS) + inet_stat_read(IPSTAT_INTRUNCATED);
	struct testif ti;
	size_t len;
	unsigned int n = 0;

	testif_create(&ti, netns0, "t0");
	len = icmp4_build(buf, &(struct ip4){ .i_id = 1 }, ICMP_ECHO, 0, 1, data, 8);
	for (unsigned int bit = 0; bit < 160; bit++) {
		if (bit >= 12 * 8 && bit < 16 * 8)
			continue;	/* the source's: the sum is wrong there too, but who would answer */
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK(!answered(&ti, buf, len));
		buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
		n++;
	}
	for (size_t cut = 1; cut < len; cut++, n++)
		CHECK(!answered(&ti, buf, cut));
	CHECK_EQ("counted", before + n,
	    inet_stat_read(IPSTAT_INHDRERRORS) + inet_stat_read(IPSTAT_INTRUNCATED));
	CHECK(answered(&ti, buf, len));
	testif_destroy(&ti);
}

IPTEST(padding_behind_a_packet_is_cut_off)
{
	struct testif ti;
	struct packet *p;
	size_t len;

	testif_create(&ti, netns0, "t0");
	len = icmp4_build(buf, &(struct ip4){ .i_id = 1 }, ICMP_ECHO, 0, 1, data, 1);
	memset(buf + len, 0xee, 17);
	testif_inject(&ti, ETHERTYPE_IP, buf, 46);
	p = testif_take_type(&ti, ETHERTYPE_IP);
	NEED(p != NULL);
	CHECK_EQ("length", len, p->p_len);
	packet_free(p);
	testif_destroy(&ti);
}

/* --- errors ------------------------------------------------------------------------ */

/* The error about what was injected: its type and code, 0xffff if there is none. */
static unsigned int
error_of(struct testif *ti, size_t len, uint8_t *quoted)
{
	struct packet *p;
	uint8_t b[600];
	unsigned int result = 0xffff;

	testif_drop(ti);
	testif_inject(ti, ETHERTYPE_IP, buf, len);
	p = testif_take_type(ti, ETHERTYPE_IP);
	if (p == NULL)
		return result;
	packet_bytes(p, b, sizeof(b));
	if (b[9] == IPPROTO_ICMP) {
		result = (unsigned int)b[20] << 8 | b[21];
		CHECK_EQ("sum", 0, packet_sum_fold(packet_sum_bytes(b + 20, p->p_len - 20, 0)));
		CHECK(p->p_len <= 576);
		if (quoted != NULL)
			memcpy(quoted, b + 28, p->p_len - 28);
	}
	packet_free(p);
	return result;
}

IPTEST(who_asks_for_what_is_not_there_hears_of_it)
{
	struct testif ti;
	uint8_t quoted[600];
	size_t len;

	testif_create(&ti, netns0, "t0");
	len = udp4_build(buf, &(struct ip4){ .i_id = 1 }, 5, 6, data, 64);
	CHECK_EQ("port", ICMP_DEST_UNREACH << 8 | ICMP_PORT_UNREACH, error_of(&ti, len, quoted));
	CHECK_MEM("quoted", buf, quoted, len);
	len = ip4_build(buf, &(struct ip4){ .i_proto = 200 }, data, 64);
	CHECK_EQ("protocol", ICMP_DEST_UNREACH << 8 | ICMP_PROT_UNREACH, error_of(&ti, len, NULL));
	len = udp4_build(buf, &(struct ip4){ .i_id = 1 }, 5, 6, buf, 1400);
	CHECK_EQ("long", ICMP_DEST_UNREACH << 8 | ICMP_PORT_UNREACH, error_of(&ti, len, quoted));
	testif_destroy(&ti);
}

IPTEST(no_error_is_sent_about_what_must_not_have_one)
{
	static const uint8_t everybody[6] = { 255, 255, 255, 255, 255, 255 };
	struct testif ti;
	size_t len;

	testif_create(&ti, netns0, "t0");
	len = udp4_build(buf, &(struct ip4){ .i_dst = 0x0a0000ff }, 5, 6, data, 8);
	CHECK_EQ("broadcast", 0xffff, error_of(&ti, len, NULL));
	len = udp4_build(buf, &(struct ip4){ .i_dst = 0xe0000001 }, 5, 6, data, 8);
	CHECK_EQ("group", 0xffff, error_of(&ti, len, NULL));
	len = udp4_build(buf, &(struct ip4){ .i_id = 1 }, 5, 6, data, 8);
	testif_drop(&ti);
	testif_inject_to(&ti, everybody, ETHERTYPE_IP, buf, len);
	CHECK(testif_take_type(&ti, ETHERTYPE_IP) == NULL);
	len = icmp4_build(buf, &(struct ip4){ .i_id = 1 }, ICMP_DEST_UNREACH, 3, 0, data, 40);
	CHECK_EQ("error", 0xffff, error_of(&ti, len, NULL));
	testif_destroy(&ti);
}

IPTEST(errors_are_limited_for_each_host_and_for_all)
{
	struct testif ti;
	unsigned int n = 0;
	size_t len;

	testif_create(&ti, netns0, "t0");
	len = udp4_build(buf, &(struct ip4){ .i_id = 1 }, 5, 6, data, 8);
	for (int i = 0; i < 1000; i++)
		n += error_of(&ti, len, NULL) != 0xffff;
	CHECK(n >= 1 && n <= 6);
	/* Later there is credit again, one a second. */
	for (int i = 0; i < 10; i++) {
		test_sleep(SEC);
		n += error_of(&ti, len, NULL) != 0xffff;
	}
	CHECK(n >= 10 && n <= 17);
	CHECK(inet_stat_read(ICMPSTAT_OUTRATELIMITED) >= 980);
	testif_destroy(&ti);
}

/* --- ARP ------------------------------------------------------------------------------ */

static void
arp_inject(struct testif *ti, uint16_t op, uint32_t sip, uint32_t tip)
{
	struct arp_msg am = { .am_op = op, .am_sha = { 2, 0, 0, 0, 0, 9 },
	    .am_sip = { .ia_w = { net32(sip) } }, .am_tip = { .ia_w = { net32(tip) } } };
	uint8_t b[ARP_LEN];

	arpmsg_build(b, &am);
	testif_drop(ti);
	testif_inject(ti, ETHERTYPE_ARP, b, sizeof(b));
}

static bool
arp_take(struct testif *ti, struct arp_msg *ret_am)
{
	struct packet *p = testif_take_type(ti, ETHERTYPE_ARP);
	uint8_t b[ARP_LEN];
	bool ok;

	if (p == NULL)
		return false;
	ok = p->p_len >= ARP_LEN;
	if (ok) {
		packet_bytes(p, b, sizeof(b));
		ok = arpmsg_parse(b, sizeof(b), ret_am) == 0;
	}
	packet_free(p);
	return ok;
}

IPTEST(arp_answers_for_our_addresses_only)
{
	struct testif ti;
	struct arp_msg am;
	struct neigh_info ni;
	struct inaddr asker = { .ia_w = { net32(0x0a000009) } };

	testif_create(&ti, netns0, "t0");
	arp_inject(&ti, ARP_REQUEST, 0x0a000009, TESTIF_OURS);
	NEED(arp_take(&ti, &am));
	CHECK_EQ("reply", ARP_REPLY, am.am_op);
	CHECK_EQ("ours", TESTIF_OURS, net32(am.am_sip.ia_w[0]));
	CHECK_MEM("mac", ti.ti_ifp->if_lladdr, am.am_sha, 6);
	CHECK_EQ("learned", 0, neigh_lookup(ti.ti_ifp, AF_INET, &asker, &ni));
	arp_inject(&ti, ARP_REQUEST, 0x0a000008, 0x0a000007);
	CHECK(!arp_take(&ti, &am));
	asker.ia_w[0] = net32(0x0a000008);
	CHECK_EQ("not learned", ENOENT, neigh_lookup(ti.ti_ifp, AF_INET, &asker, &ni));
	/* A probe (RFC 5227) is answered and teaches nothing. */
	arp_inject(&ti, ARP_REQUEST, 0, TESTIF_OURS);
	CHECK(arp_take(&ti, &am) && am.am_op == ARP_REPLY);
	testif_destroy(&ti);
}

IPTEST(an_address_of_ours_is_defended_but_not_all_the_time)
{
	struct testif ti;
	struct arp_msg am;

	testif_create(&ti, netns0, "t0");
	arp_inject(&ti, ARP_REQUEST, TESTIF_OURS, TESTIF_OURS);
	NEED(arp_take(&ti, &am));
	CHECK(am.am_op == ARP_REQUEST && inaddr_eq(&am.am_sip, &am.am_tip));
	CHECK_EQ("announced", TESTIF_OURS, net32(am.am_sip.ia_w[0]));
	arp_inject(&ti, ARP_REPLY, TESTIF_OURS, TESTIF_PEER);
	CHECK(!arp_take(&ti, &am));
	test_sleep(11 * SEC);
	arp_inject(&ti, ARP_REPLY, TESTIF_OURS, TESTIF_PEER);
	CHECK(arp_take(&ti, &am));
	testif_destroy(&ti);
}

IPTEST(a_new_neighbour_is_asked_for_before_it_is_sent_to)
{
	struct testif ti;
	struct arp_msg am;
	struct packet *p;
	size_t len;

	testif_create(&ti, netns0, "t0");
	len = icmp4_build(buf, &(struct ip4){ .i_src = 0x0a000009 }, ICMP_ECHO, 0, 1, data, 8);
	testif_inject(&ti, ETHERTYPE_IP, buf, len);
	NEED(arp_take(&ti, &am));
	CHECK_EQ("asks", 0x0a000009, net32(am.am_tip.ia_w[0]));
	CHECK(testif_take(&ti) == NULL);
	arp_inject(&ti, ARP_REPLY, 0x0a000009, TESTIF_OURS);
	p = testif_take_type(&ti, ETHERTYPE_IP);
	NEED(p != NULL);
	CHECK_EQ("to", 0x0a000009, be32_get(p->p_data + 16));
	packet_free(p);
	testif_destroy(&ti);
}

/* --- forwarding -------------------------------------------------------------------------- */

IPTEST(a_router_sends_on_with_a_hop_less)
{
	struct testif ti;
	struct packet *p;
	size_t len;

	testif_create(&ti, netns0, "t0");
	testif_address(&ti, 0x0a000101, 24);
	len = udp4_build(buf, &(struct ip4){ .i_src = TESTIF_PEER, .i_dst = 0x0a000002,
	    .i_ttl = 9 }, 1, 2, data, 20);
	be32_put(buf + 16, 0x0a000102);
	be32_put(buf + 12, 0x0a000002);
	ip_hdr_sum(buf, 20);
	testif_drop(&ti);
	testif_inject(&ti, ETHERTYPE_IP, buf, len);
	CHECK(testif_take(&ti) == NULL);	/* no router yet */
	NEED(netvar_set(netns0, &netvar_ip_forward, 1) == 0);
	testif_inject(&ti, ETHERTYPE_IP, buf, len);
	arp_inject(&ti, ARP_REPLY, 0x0a000102, 0x0a000101);
	p = testif_take_type(&ti, ETHERTYPE_IP);
	NEED(p != NULL);
	CHECK_EQ("ttl", 8, p->p_data[8]);
	CHECK_EQ("sum", 0, packet_sum_fold(packet_sum_bytes(p->p_data, 20, 0)));
	packet_free(p);

	buf[8] = 1;
	ip_hdr_sum(buf, 20);
	CHECK_EQ("ttl", ICMP_TIME_EXCEEDED << 8, error_of(&ti, len, NULL));
	be32_put(buf + 16, 0xc0000201);
	buf[8] = 9;
	ip_hdr_sum(buf, 20);
	CHECK_EQ("no way", ICMP_DEST_UNREACH << 8, error_of(&ti, len, NULL));
	testif_destroy(&ti);
}

/* All of a large datagram waits for the address, however many pieces it is in. */
IPTEST(fragments_wait_for_an_address_together)
{
	static uint8_t large[20100];
	struct testif ti;
	struct packet *p;
	struct arp_msg am;
	unsigned int n = 0;
	size_t len;

	testif_create(&ti, netns0, "t0");
	len = icmp4_build(large, &(struct ip4){ .i_src = 0x0a000009 }, ICMP_ECHO, 0, 1, large + 50,
	    20000);
	testif_inject(&ti, ETHERTYPE_IP, large, len);
	NEED(arp_take(&ti, &am));
	CHECK_EQ("who has", net32(0x0a000009), am.am_tip.ia_w[0]);
	arp_inject(&ti, ARP_REPLY, 0x0a000009, TESTIF_OURS);
	while ((p = testif_take_type(&ti, ETHERTYPE_IP)) != NULL) {
		n++;
		packet_free(p);
	}
	CHECK_EQ("fragments", 14, n);
	testif_destroy(&ti);
}

/* --- all kinds of nonsense ---------------------------------------------------------------------- */

TEST_WITH(nonsense_does_no_harm, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS, .ht_seeds = 4)
{
	uint64_t x = harness_seed() * 0x9e3779b97f4a7c15u + 1;
	static uint8_t b[2000];
	struct testif ti;

	testif_create(&ti, netns0, "t0");
	NEED(netvar_set(netns0, &netvar_ip_forward, 1) == 0);
	for (int round = 0; round < 20000; round++) {
		static const uint8_t protos[] = { 1, 2, 6, 17, 41, 58, 200 };
		size_t len;

		x = x * 6364136223846793005u + 1442695040888963407u;
		for (size_t i = 0; i < 200; i += 8) {
			uint64_t y = x * (i + 1) ^ x >> 17;

			memcpy(b + i, &y, 8);
		}
		len = (x >> 33) % 200;
		len = ip4_build(buf, &(struct ip4){ .i_proto = protos[(x >> 20) % 7],
		    .i_id = (uint16_t)(x >> 40 & 3), .i_ttl = (uint8_t)(x >> 50),
		    .i_frag = (x >> 60) < 4 ? (uint16_t)((x >> 24 & 0x7) | (x >> 27 & 1 ? IP_MF : 0)) : 0,
		    .i_dst = (x >> 61) == 0 ? 0xe0000001 : (x >> 61) == 1 ? 0x0a0000ff : 0,
		    .i_opt = b, .i_optlen = (x >> 56 & 3) == 0 ? (x >> 44) % 40 : 0 }, b + 40, len);
		testif_inject(&ti, (x >> 57 & 7) == 0 ? ETHERTYPE_ARP : ETHERTYPE_IP, buf, len);
		testif_drop(&ti);
	}
	CHECK(answered(&ti, buf, icmp4_build(buf, &(struct ip4){ .i_id = 1 }, ICMP_ECHO, 0, 1, data, 8)));
	testif_destroy(&ti);
}

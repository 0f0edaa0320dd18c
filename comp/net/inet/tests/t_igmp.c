/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_igmp.c - what routers hear of our groups: joins, leaves, answers, older versions
 */

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/in.h>
#include <net/netns.h>
#include <sys/cred.h>
#include <sys/errno.h>

#include "igmp_wire.h"
#include "ip_impl.h"
#include "testif.h"

#define IPTEST(name)	TEST_WITH(name, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
#define SEC		1000000000LL
#define GROUP		0xe0010203u
#define GENERAL		0xe0000001u
#define V3_ROUTERS	0xe0000016u
#define ROUTERS		0xe0000002u

static struct testif ti;

static struct socket *
sock(void)
{
	struct cred *cr;
	struct socket *so;

	NEED(cred_create(0, 0, 0, NULL, &cr) == 0);
	NEED(socket_create(netns0, AF_INET, SOCK_DGRAM, IPPROTO_UDP, cr, true, &so) == 0);
	cred_rele(cr);
	return so;
}

static int
member(struct socket *so, int name, uint32_t source)
{
	struct ip_mreqn mr = { .imr_multiaddr = { net32(GROUP) },
	    .imr_ifindex = (int)ti.ti_ifp->if_index };
	struct ip_mreq_source ms = { .imr_multiaddr = net32(GROUP),
	    .imr_interface = net32(TESTIF_OURS), .imr_sourceaddr = net32(source) };

	if (source == 0)
		return inpcb_setopt(so, SOL_IP, name, &mr, sizeof(mr));
	return inpcb_setopt(so, SOL_IP, name, &ms, sizeof(ms));
}

static void
sock_end(struct socket *so)
{
	so->so_ops->so_close(so);
	socket_rele(so);
}

/* The next IGMP message: its bytes, and to whom; 0: none. */
static size_t
heard(uint8_t *b, size_t max, uint32_t *ret_dst)
{
	struct packet *p;
	uint8_t all[1500];
	struct ip_hdr ih;
	size_t len;

	while ((p = testif_take_type(&ti, ETHERTYPE_IP)) != NULL) {
		packet_bytes(p, all, sizeof(all));
		len = p->p_len;
		packet_free(p);
		NEED(ip_hdr_parse(all, len, &ih) == 0);
		if (ih.ih_proto != IPPROTO_IGMP)
			continue;
		CHECK_EQ("ttl", 1, ih.ih_ttl);
		CHECK_EQ("router alert", 24, ih.ih_hdrlen);
		CHECK_EQ("source", TESTIF_OURS, net32(ih.ih_src.ia_w[0]));
		*ret_dst = net32(ih.ih_dst.ia_w[0]);
		len -= ih.ih_hdrlen;
		CHECK_EQ("sum", 0, packet_sum_fold(packet_sum_bytes(all + ih.ih_hdrlen, len, 0)));
		memcpy(b, all + ih.ih_hdrlen, len < max ? len : max);
		return len;
	}
	return 0;
}

/* The one record of the next report. */
static bool
record(uint8_t kind, uint16_t nsrc, uint32_t source)
{
	uint8_t b[200];
	uint32_t dst = 0;
	size_t len = heard(b, sizeof(b), &dst);

	return len == 16u + nsrc * 4u && dst == V3_ROUTERS && b[0] == IGMP_V3_REPORT &&
	    be16_get(b + 6) == 1 && b[8] == kind && be16_get(b + 10) == nsrc &&
	    be32_get(b + 12) == GROUP && (nsrc == 0 || be32_get(b + 16) == source);
}

static bool
silence(void)
{
	uint8_t b[200];
	uint32_t dst;

	return heard(b, sizeof(b), &dst) == 0;
}

static void
query(uint32_t dst, uint32_t group, const uint8_t *tail, size_t taillen, uint8_t code)
{
	uint8_t b[64] = { IGMP_QUERY, code }, frame[128];
	size_t len = 8 + taillen;
	uint16_t sum;

	be32_put(b + 4, group);
	if (taillen != 0)
		memcpy(b + 8, tail, taillen);
	sum = packet_sum_fold(packet_sum_bytes(b, len, 0));
	memcpy(b + 2, &sum, 2);
	len = ip4_build(frame, &(struct ip4){ .i_proto = IPPROTO_IGMP, .i_ttl = 1, .i_dst = dst }, b,
	    len);
	testif_inject(&ti, ETHERTYPE_IP, frame, len);
}

IPTEST(joins_and_leaves_are_said_twice)
{
	struct socket *so;

	testif_create(&ti, netns0, "t0");
	so = sock();
	NEED(member(so, IP_ADD_MEMBERSHIP, 0) == 0);
	test_sleep(SEC / 100);
	CHECK(record(IGMP_TO_EX, 0, 0));
	CHECK(silence());
	test_sleep(2 * SEC);
	CHECK(record(IGMP_TO_EX, 0, 0));
	test_sleep(20 * SEC);
	CHECK(silence());
	NEED(member(so, IP_DROP_MEMBERSHIP, 0) == 0);
	test_sleep(2 * SEC);
	CHECK(record(IGMP_TO_IN, 0, 0));
	CHECK(record(IGMP_TO_IN, 0, 0));
	test_sleep(20 * SEC);
	CHECK(silence());
	sock_end(so);
	testif_destroy(&ti);
}

IPTEST(filters_of_two_sockets_are_reported_as_one)
{
	struct socket *a, *b;

	testif_create(&ti, netns0, "t0");
	a = sock();
	b = sock();
	NEED(member(a, IP_ADD_SOURCE_MEMBERSHIP, 0x01010101) == 0);
	test_sleep(3 * SEC);
	CHECK(record(IGMP_ALLOW, 1, 0x01010101));
	testif_drop(&ti);
	NEED(member(b, IP_ADD_SOURCE_MEMBERSHIP, 0x02020202) == 0);
	test_sleep(3 * SEC);
	CHECK(record(IGMP_ALLOW, 1, 0x02020202));
	testif_drop(&ti);
	NEED(member(b, IP_DROP_SOURCE_MEMBERSHIP, 0x02020202) == 0);
	test_sleep(3 * SEC);
	CHECK(record(IGMP_BLOCK, 1, 0x02020202));
	testif_drop(&ti);
	NEED(member(b, IP_ADD_MEMBERSHIP, 0) == 0);
	test_sleep(3 * SEC);
	CHECK(record(IGMP_TO_EX, 0, 0));
	testif_drop(&ti);
	/* b excludes what a wants: nothing is to be kept back. */
	NEED(member(b, IP_BLOCK_SOURCE, 0x01010101) == 0);
	test_sleep(3 * SEC);
	CHECK(silence());
	NEED(member(b, IP_BLOCK_SOURCE, 0x03030303) == 0);
	test_sleep(3 * SEC);
	CHECK(record(IGMP_BLOCK, 1, 0x03030303));
	sock_end(a);
	sock_end(b);
	testif_destroy(&ti);
}

IPTEST(queries_are_answered_within_their_time)
{
	static const uint8_t v3[4] = { 2, 125, 0, 0 };
	static const uint8_t v3src[8] = { 2, 125, 0, 1, 9, 9, 9, 9 };
	struct socket *so;

	testif_create(&ti, netns0, "t0");
	so = sock();
	NEED(member(so, IP_ADD_MEMBERSHIP, 0) == 0);
	test_sleep(20 * SEC);
	testif_drop(&ti);
	query(GENERAL, 0, v3, 4, 20);
	test_sleep(2 * SEC + SEC / 100);
	CHECK(record(IGMP_IS_EX, 0, 0));
	CHECK(silence());
	query(GROUP, GROUP, v3, 4, 20);
	test_sleep(2 * SEC + SEC / 100);
	CHECK(record(IGMP_IS_EX, 0, 0));
	query(GROUP, GROUP, v3src, 8, 20);
	test_sleep(2 * SEC + SEC / 100);
	CHECK(record(IGMP_IS_IN, 1, 0x09090909));
	query(0xe0010209, 0xe0010209, v3, 4, 20);
	test_sleep(5 * SEC);
	CHECK(silence());
	sock_end(so);
	testif_destroy(&ti);
}

IPTEST(an_older_querier_is_spoken_to_in_its_version)
{
	struct socket *so;
	uint8_t b[100];
	uint32_t dst;

	testif_create(&ti, netns0, "t0");
	so = sock();
	NEED(member(so, IP_ADD_MEMBERSHIP, 0) == 0);
	test_sleep(20 * SEC);
	testif_drop(&ti);
	query(GENERAL, 0, NULL, 0, 20);
	test_sleep(3 * SEC);
	CHECK_EQ("length", 8, heard(b, sizeof(b), &dst));
	CHECK_EQ("type", IGMP_V2_REPORT, b[0]);
	CHECK_EQ("to", GROUP, dst);
	CHECK_EQ("group", GROUP, be32_get(b + 4));
	NEED(member(so, IP_DROP_MEMBERSHIP, 0) == 0);
	test_sleep(SEC);
	CHECK_EQ("length", 8, heard(b, sizeof(b), &dst));
	CHECK_EQ("type", IGMP_V2_LEAVE, b[0]);
	CHECK_EQ("to", ROUTERS, dst);
	/* When it has not been heard for long, version 3 again. */
	test_sleep(300 * SEC);
	testif_drop(&ti);
	NEED(member(so, IP_ADD_MEMBERSHIP, 0) == 0);
	test_sleep(SEC / 100);
	CHECK(record(IGMP_TO_EX, 0, 0));
	sock_end(so);
	testif_destroy(&ti);
}

/* A report of another member makes ours superfluous (RFC 2236 section 3). */
IPTEST(version_2_keeps_silent_when_others_have_spoken)
{
	uint8_t b[8], frame[64];
	struct socket *so;
	size_t len;

	testif_create(&ti, netns0, "t0");
	so = sock();
	NEED(member(so, IP_ADD_MEMBERSHIP, 0) == 0);
	test_sleep(20 * SEC);
	query(GENERAL, 0, NULL, 0, 100);
	igmp_message_build(b, IGMP_V2_REPORT, net32(GROUP));
	len = ip4_build(frame, &(struct ip4){ .i_proto = IPPROTO_IGMP, .i_ttl = 1, .i_dst = GROUP }, b,
	    8);
	testif_inject(&ti, ETHERTYPE_IP, frame, len);
	testif_drop(&ti);
	test_sleep(15 * SEC);
	CHECK(silence());
	sock_end(so);
	testif_destroy(&ti);
}

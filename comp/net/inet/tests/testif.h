/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * testif.h - an Ethernet whose other end is the test
 *
 * What the stack sends is kept until the test takes it; what the test injects comes
 * in as if from a wire.  The test's end has the MAC 02:00:00:00:00:02 and plays
 * whatever IP addresses it likes.
 */

#ifndef TESTIF_H
#define TESTIF_H

#include <net/ifnet.h>
#include <net/packet.h>
#include <net/route.h>
#include <sys/mutex.h>

#define TESTIF_OURS	0x0a000001u	/* 10.0.0.1/24 */
#define TESTIF_PEER	0x0a000002u	/* 10.0.0.2, in the neighbour cache for good */

struct testif {
	struct ifnet	*ti_ifp;
	kmutex_t	 ti_lock;
	struct packetq	 ti_sent;
};

/* Up, with the address and a permanent neighbour. */
void	testif_create(struct testif *ti, struct netns *ns, const char *name);
void	testif_destroy(struct testif *ti);
void	testif_address(struct testif *ti, uint32_t addr, int plen);

/* The next frame that the stack sent, from its IP header on; NULL: none.  Caller frees. */
struct packet *testif_take(struct testif *ti);
/* The same, of ethertype alone; others are dropped. */
struct packet *testif_take_type(struct testif *ti, uint16_t ethertype);
void	testif_drop(struct testif *ti);

/* An Ethernet frame of that type with len bytes behind the header. */
void	testif_inject(struct testif *ti, uint16_t ethertype, const void *data, size_t len);
void	testif_inject_to(struct testif *ti, const uint8_t *mac, uint16_t ethertype, const void *data,
	    size_t len);

/* Builds an IPv4 packet with good sums into buf; how long it is. */
struct ip4 {
	uint32_t	 i_src, i_dst;	/* host order; 0: peer to us */
	uint8_t		 i_proto, i_ttl, i_tos;
	uint16_t	 i_id, i_frag;
	const uint8_t	*i_opt;
	size_t		 i_optlen;
};
size_t	ip4_build(uint8_t *buf, const struct ip4 *i, const void *payload, size_t len);
size_t	udp4_build(uint8_t *buf, const struct ip4 *i, uint16_t sport, uint16_t dport,
	    const void *payload, size_t len);
size_t	icmp4_build(uint8_t *buf, const struct ip4 *i, uint8_t type, uint8_t code, uint32_t rest,
	    const void *payload, size_t len);
/* Until the virtual clock has moved on. */
void	test_sleep(int64_t ns);
/* The bytes of a packet: at most max. */
size_t	packet_bytes(const struct packet *p, uint8_t *buf, size_t max);

#endif /* TESTIF_H */

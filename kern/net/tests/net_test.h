/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_test.h - what tests of the lower half of the network share: random
 * numbers, name spaces of their own, an interface that keeps what it is given
 */

#ifndef NET_TEST_H
#define NET_TEST_H

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <net/ifnet.h>
#include <net/route.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/qsbr.h>
#include <sys/socket.h>

#include "quiet.h"

static uint64_t net_test_state;

static inline uint64_t
draw(void)
{
	return harness_draw(&net_test_state);
}

static inline size_t
draw_below(size_t bound)
{
	return bound == 0 ? 0 : (size_t)(draw() % bound);
}

static inline void
draw_seed(void)
{
	net_test_state = harness_seed() * 0x9e3779b97f4a7c15ull + 1;
}

/* --- addresses ------------------------------------------------------------------- */

static inline struct inaddr
addr4(uint32_t host)
{
	struct inaddr a = { .ia_w = { net32(host) } };

	return a;
}

static inline struct inaddr
addr6(uint64_t high, uint64_t low)
{
	struct inaddr a;

	be32_put(a.ia_b, (uint32_t)(high >> 32));
	be32_put(a.ia_b + 4, (uint32_t)high);
	be32_put(a.ia_b + 8, (uint32_t)(low >> 32));
	be32_put(a.ia_b + 12, (uint32_t)low);
	return a;
}

/* --- interfaces ------------------------------------------------------------------ */

/* Keeps what it is asked to send. */
struct sink {
	struct ifnet	*sk_ifp;
	struct packetq	 sk_q;
	unsigned int	 sk_freed;
};

static inline void
sink_xmit(struct ifnet *ifp, struct packetq *q)
{
	struct sink *sk = ifp->if_softc;

	packetq_join(&sk->sk_q, q);
}

static inline void
sink_free(struct ifnet *ifp)
{
	struct sink *sk = ifp->if_softc;

	packetq_drop(&sk->sk_q);
	sk->sk_freed++;
}

static inline int
sink_setlladdr(struct ifnet *ifp, const uint8_t *addr)
{
	(void)ifp;
	(void)addr;
	return 0;
}

static const struct if_ops sink_ops = {
	.ifo_xmit	= sink_xmit,
	.ifo_setlladdr	= sink_setlladdr,
	.ifo_free	= sink_free,
	.ifo_kind	= "sink",
};

/* An Ethernet interface that is up.  ENOMEM. */
static inline int
sink_create(struct netns *ns, const char *name, struct sink *sk)
{
	uint8_t mac[6] = { 2, 0, 0, 0, 0, 0 };
	int error;

	memset(sk, 0, sizeof(*sk));
	error = if_alloc(name, &sink_ops, sk, &sk->sk_ifp);
	if (error)
		return error;
	mac[5] = (uint8_t)ns->ns_nextindex;
	if_ethernet(sk->sk_ifp, mac);
	sk->sk_ifp->if_caps = IFCAP_TXCSUM | IFCAP_GSO | IFCAP_FRAGS;
	error = if_attach(ns, sk->sk_ifp);
	if (error) {
		if_rele(sk->sk_ifp);
		return error;
	}
	mutex_enter(&ns->ns_lock);
	error = if_setflags(sk->sk_ifp, IFF_UP, IFF_UP);
	mutex_exit(&ns->ns_lock);
	return error;
}

static inline void
sink_destroy(struct sink *sk)
{
	if_detach(sk->sk_ifp);
	if_rele(sk->sk_ifp);
}

/* A frame of len bytes, all n; its first 60 in the room. */
static inline void
frame_send(struct ifnet *ifp, size_t len, uint8_t n)
{
	static uint8_t data[65536];
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p = packet_alloc(KM_SLEEP);
	size_t linear = len < 60 ? len : 60;

	NEED(p != NULL);
	memset(data, n, len);
	memcpy(packet_append(p, linear), data, linear);
	if (len > linear)
		NEED(packet_appendcopy(p, data, len - linear, KM_SLEEP) == 0);
	p->p_l3 = (uint16_t)(packet_offset(p) + 14);
	packetq_put(&q, p);
	if_transmit(ifp, &q);
}

/* --- name spaces ----------------------------------------------------------------- */

static inline struct netns *
test_netns(void)
{
	struct netns *ns;

	NEED(netns_create(&ns) == 0);
	netns_quiet(ns);
	mutex_enter(&ns->ns_lock);
	CHECK_EQ("lo up", 0, if_setflags(ns->ns_lo, IFF_UP, IFF_UP));
	mutex_exit(&ns->ns_lock);
	return ns;
}

#endif /* NET_TEST_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * testif.c - an Ethernet whose other end is the test
 */

#include "testif.h"

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/in.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <net/netns.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ktime.h>

#include "ip_wire.h"

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 1 }, peer_mac[6] = { 2, 0, 0, 0, 0, 2 };

static void
testif_xmit(struct ifnet *ifp, struct packetq *q)
{
	struct testif *ti = ifp->if_softc;

	mutex_enter(&ti->ti_lock);
	packetq_join(&ti->ti_sent, q);
	mutex_exit(&ti->ti_lock);
}

static const struct if_ops testif_ops = { .ifo_xmit = testif_xmit, .ifo_kind = "test" };

void
testif_address(struct testif *ti, uint32_t addr, int plen)
{
	struct ifaddr model = {
		.ifa_family = AF_INET, .ifa_addr = { .ia_w = { net32(addr) } },
		.ifa_peer = { .ia_w = { net32(addr) } }, .ifa_plen = (uint8_t)plen,
		.ifa_preferred = KTIME_NEVER, .ifa_valid = KTIME_NEVER,
		.ifa_broadcast = { .ia_w = { net32(addr | ~(~0u << (32 - plen))) } },
		.ifa_flags = IFA_F_PERMANENT,
	};

	mutex_enter(&ti->ti_ifp->if_ns->ns_lock);
	NEED(ifaddr_add(ti->ti_ifp, &model, NULL) == 0);
	mutex_exit(&ti->ti_ifp->if_ns->ns_lock);
}

void
testif_create(struct testif *ti, struct netns *ns, const char *name)
{
	struct neigh_info ni = {
		.ni_family = AF_INET, .ni_addr = { .ia_w = { net32(TESTIF_PEER) } },
		.ni_addrlen = 6, .ni_state = NUD_PERMANENT,
	};

	memset(ti, 0, sizeof(*ti));
	mutex_init(&ti->ti_lock, "testif");
	NEED(if_alloc(name, &testif_ops, ti, &ti->ti_ifp) == 0);
	if_ethernet(ti->ti_ifp, our_mac);
	ti->ti_ifp->if_hwcaps = ti->ti_ifp->if_caps = IFCAP_FRAGS;
	NEED(if_attach(ns, ti->ti_ifp) == 0);
	mutex_enter(&ns->ns_lock);
	NEED(if_setflags(ti->ti_ifp, IFF_UP, IFF_UP) == 0);
	mutex_exit(&ns->ns_lock);
	if_setcarrier(ti->ti_ifp, true);
	testif_address(ti, TESTIF_OURS, 24);
	ni.ni_ifindex = ti->ti_ifp->if_index;
	memcpy(ni.ni_lladdr, peer_mac, 6);
	mutex_enter(&ns->ns_lock);
	NEED(neigh_set(ti->ti_ifp, &ni, NLM_F_CREATE | NLM_F_REPLACE) == 0);
	mutex_exit(&ns->ns_lock);
	testif_drop(ti);
}

void
testif_destroy(struct testif *ti)
{
	if_detach(ti->ti_ifp);
	if_rele(ti->ti_ifp);
	testif_drop(ti);
	qsbr_barrier();
	mutex_destroy(&ti->ti_lock);
}

struct packet *
testif_take(struct testif *ti)
{
	struct packet *p;

	mutex_enter(&ti->ti_lock);
	p = packetq_get(&ti->ti_sent);
	mutex_exit(&ti->ti_lock);
	if (p != NULL && p->p_csum == PKT_CSUM_PARTIAL)
		NEED(packet_csum_fill(p) == 0);
	if (p != NULL)
		packet_skip(p, 14);
	return p;
}

struct packet *
testif_take_type(struct testif *ti, uint16_t ethertype)
{
	struct packet *p;

	while ((p = testif_take(ti)) != NULL && p->p_ethertype != ethertype)
		packet_free(p);
	return p;
}

void
testif_drop(struct testif *ti)
{
	mutex_enter(&ti->ti_lock);
	packetq_drop(&ti->ti_sent);
	packetq_init(&ti->ti_sent);
	mutex_exit(&ti->ti_lock);
}

void
testif_inject_to(struct testif *ti, const uint8_t *mac, uint16_t ethertype, const void *data,
    size_t len)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p = packet_from(data, len, 0);
	uint8_t *h;

	NEED(p != NULL);
	h = packet_push(p, 14);
	memcpy(h, mac, 6);
	memcpy(h + 6, peer_mac, 6);
	be16_put(h + 12, ethertype);
	p->p_ifp = ti->ti_ifp;
	packetq_put(&q, p);
	if_input(ti->ti_ifp, &q);
}

void
testif_inject(struct testif *ti, uint16_t ethertype, const void *data, size_t len)
{
	testif_inject_to(ti, our_mac, ethertype, data, len);
}

/* --- packets ---------------------------------------------------------------------- */

static struct inaddr
addr_or(uint32_t addr, uint32_t other)
{
	return (struct inaddr){ .ia_w = { net32(addr != 0 ? addr : other) } };
}

size_t
ip4_build(uint8_t *buf, const struct ip4 *i, const void *payload, size_t len)
{
	size_t hdrlen = IP_HDRLEN + ((i->i_optlen + 3) & ~(size_t)3);
	struct ip_hdr ih = {
		.ih_hdrlen = (uint8_t)hdrlen, .ih_tos = i->i_tos,
		.ih_ttl = i->i_ttl != 0 ? i->i_ttl : 64, .ih_proto = i->i_proto,
		.ih_len = (uint16_t)(hdrlen + len), .ih_id = i->i_id, .ih_frag = i->i_frag,
		.ih_src = addr_or(i->i_src, TESTIF_PEER), .ih_dst = addr_or(i->i_dst, TESTIF_OURS),
	};

	memset(buf, 0, hdrlen);
	if (i->i_optlen != 0)
		memcpy(buf + IP_HDRLEN, i->i_opt, i->i_optlen);
	ip_hdr_build(buf, &ih);
	if (len != 0)
		memmove(buf + hdrlen, payload, len);
	return hdrlen + len;
}

size_t
udp4_build(uint8_t *buf, const struct ip4 *i, uint16_t sport, uint16_t dport, const void *payload,
    size_t len)
{
	static uint8_t udp[65536];
	struct inaddr src = addr_or(i->i_src, TESTIF_PEER), dst = addr_or(i->i_dst, TESTIF_OURS);
	struct ip4 ip = *i;
	uint8_t pseudo[12];
	uint16_t sum;

	be16_put(udp, sport);
	be16_put(udp + 2, dport);
	be16_put(udp + 4, (uint16_t)(8 + len));
	be16_put(udp + 6, 0);
	memcpy(udp + 8, payload, len);
	memcpy(pseudo, &src, 4);
	memcpy(pseudo + 4, &dst, 4);
	be16_put(pseudo + 8, IPPROTO_UDP);
	be16_put(pseudo + 10, (uint16_t)(8 + len));
	sum = packet_sum_fold(packet_sum_bytes(udp, 8 + len, packet_sum_bytes(pseudo, 12, 0)));
	if (sum == 0)
		sum = 0xffff;
	memcpy(udp + 6, &sum, 2);
	ip.i_proto = IPPROTO_UDP;
	return ip4_build(buf, &ip, udp, 8 + len);
}

size_t
icmp4_build(uint8_t *buf, const struct ip4 *i, uint8_t type, uint8_t code, uint32_t rest,
    const void *payload, size_t len)
{
	static uint8_t icmp[65536];
	struct ip4 ip = *i;
	uint16_t sum;

	icmp[0] = type;
	icmp[1] = code;
	be16_put(icmp + 2, 0);
	be32_put(icmp + 4, rest);
	if (len != 0)
		memcpy(icmp + 8, payload, len);
	sum = packet_sum_fold(packet_sum_bytes(icmp, 8 + len, 0));
	memcpy(icmp + 2, &sum, 2);
	ip.i_proto = IPPROTO_ICMP;
	return ip4_build(buf, &ip, icmp, 8 + len);
}

size_t
packet_bytes(const struct packet *p, uint8_t *buf, size_t max)
{
	size_t len = p->p_len < max ? p->p_len : max;

	packet_copyout(p, 0, buf, len);
	return len;
}

void
test_sleep(int64_t ns)
{
	static kmutex_t lock;
	kcondvar_t cv;
	int64_t until = clock_mono() + ns;

	mutex_init(&lock, "testsleep");
	cv_init(&cv, "testsleep");
	mutex_enter(&lock);
	while (clock_mono() < until)
		(void)cv_timedwait(&cv, &lock, until);
	mutex_exit(&lock);
	cv_destroy(&cv);
	mutex_destroy(&lock);
}

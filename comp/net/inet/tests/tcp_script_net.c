/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_script_net.c - the interface of a packet script
 */

#include "tcp_script_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <sys/condvar.h>

static void
script_xmit(struct ifnet *ifp, struct packetq *q)
{
	struct script *s = ifp->if_softc;
	struct packet *p;

	/* IPv6 says things of its own on every interface. */
	while ((p = packetq_get(q)) != NULL) {
		if (p->p_ethertype != 0x0800 || p->p_data[14 + 9] != IPPROTO_TCP) {
			packet_free(p);
			continue;
		}
		p->p_time = clock_mono();
		mutex_enter(&s->s_lock);
		packetq_put(&s->s_sent, p);
		cv_broadcast(&s->s_cv);
		mutex_exit(&s->s_lock);
	}
}

static const struct if_ops script_ifops = { .ifo_xmit = script_xmit, .ifo_kind = "script" };
static const uint8_t mac_ours[6] = { 2, 0, 0, 0, 0, 1 }, mac_peer[6] = { 2, 0, 0, 0, 0, 2 };

void
script_net_begin(struct script *s)
{
	struct ifaddr ifa = { .ifa_family = AF_INET, .ifa_addr = { .ia_w = { net32(OURS) } },
		.ifa_peer = { .ia_w = { net32(OURS) } }, .ifa_plen = 24,
		.ifa_preferred = KTIME_NEVER, .ifa_valid = KTIME_NEVER,
		.ifa_broadcast = { .ia_w = { net32(OURS | 0xff) } },
		.ifa_flags = IFA_F_PERMANENT };
	struct neigh_info ni = { .ni_family = AF_INET, .ni_addr = { .ia_w = { net32(PEER) } },
		.ni_addrlen = 6, .ni_state = NUD_PERMANENT };

	NEED(netns_create(&s->s_ns) == 0);
	NEED(if_alloc("test0", &script_ifops, s, &s->s_ifp) == 0);
	if_ethernet(s->s_ifp, mac_ours);
	s->s_ifp->if_hwcaps = s->s_ifp->if_caps = IFCAP_FRAGS;
	NEED(if_attach(s->s_ns, s->s_ifp) == 0);
	mutex_enter(&s->s_ns->ns_lock);
	NEED(if_setflags(s->s_ifp, IFF_UP, IFF_UP) == 0);
	mutex_exit(&s->s_ns->ns_lock);
	if_setcarrier(s->s_ifp, true);
	mutex_enter(&s->s_ns->ns_lock);
	NEED(ifaddr_add(s->s_ifp, &ifa, NULL) == 0);
	ni.ni_ifindex = s->s_ifp->if_index;
	memcpy(ni.ni_lladdr, mac_peer, 6);
	NEED(neigh_set(s->s_ifp, &ni, NLM_F_CREATE | NLM_F_REPLACE) == 0);
	mutex_exit(&s->s_ns->ns_lock);
	mutex_enter(&s->s_lock);
	packetq_drop(&s->s_sent);
	packetq_init(&s->s_sent);
	mutex_exit(&s->s_lock);
}

struct packet *
script_take_sent(struct script *s)
{
	struct packet *p;

	mutex_enter(&s->s_lock);
	p = packetq_get(&s->s_sent);
	mutex_exit(&s->s_lock);
	if (p == NULL)
		return NULL;
	if (p->p_csum == PKT_CSUM_PARTIAL)
		NEED(packet_csum_fill(p) == 0);
	packet_pull(p, 14);
	return p;
}

void
script_inject(struct script *s, struct packet *p, uint8_t proto, uint8_t ecn)
{
	struct packetq q = PACKETQ_INITIALIZER;
	uint8_t *ip = packet_push(p, 20), *eth;
	uint16_t sum;

	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[1] = ecn;
	be16_put(ip + 2, (uint16_t)p->p_len);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = proto;
	be32_put(ip + 12, PEER);
	be32_put(ip + 16, OURS);
	sum = packet_sum_fold(packet_sum_bytes(ip, 20, 0));
	memcpy(ip + 10, &sum, 2);
	eth = packet_push(p, 14);
	memcpy(eth, mac_ours, 6);
	memcpy(eth + 6, mac_peer, 6);
	be16_put(eth + 12, 0x0800);
	p->p_ifp = s->s_ifp;
	packetq_put(&q, p);
	if_input(s->s_ifp, &q);
}

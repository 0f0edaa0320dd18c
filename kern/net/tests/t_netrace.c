/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_netrace.c - look-ups and packets while everything changes under them
 *
 * Threads look up, send and learn without locks; others change routes,
 * addresses, neighbours, taps and flags.  What is looked at must always be
 * one of the things that were true; the thread sanitizer and the poison of
 * freed memory look at the rest.
 */

#include <linux/if_ether.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <sys/atomic.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include "net_test.h"
#include "route_impl.h"

#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS)
#define NREADERS 3
#define ROUNDS	60

static struct netns *ns;
static struct ifnet *ifs[2];
static bool stop;			/* a */
static unsigned int lookups;		/* a */

/* Drops what it is given: many threads send. */
static void
drop_xmit(struct ifnet *ifp, struct packetq *q)
{
	(void)ifp;
	packetq_drop(q);
}

static const struct if_ops drop_ops = { .ifo_xmit = drop_xmit, .ifo_kind = "drop" };

static void
ask(struct ifnet *ifp, const struct inaddr *addr, const uint8_t *lladdr,
    const struct inaddr *src)
{
	(void)ifp;
	(void)addr;
	(void)lladdr;
	(void)src;
}

static struct neigh_family family4 = {
	.nf_family = AF_INET, .nf_ethertype = ETH_P_IP, .nf_solicit = ask,
};

static void
world_make(void)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	draw_seed();
	atomic_store(&stop, false);
	neigh_family_register(&family4);
	ns = test_netns();
	for (unsigned int i = 0; i < 2; i++) {
		NEED(if_alloc("d%d", &drop_ops, NULL, &ifs[i]) == 0);
		if_ethernet(ifs[i], mac);
		ifs[i]->if_caps = IFCAP_FRAGS | IFCAP_TXCSUM;
		NEED(if_attach(ns, ifs[i]) == 0);
		mutex_enter(&ns->ns_lock);
		CHECK_EQ("up", 0, if_setflags(ifs[i], IFF_UP, IFF_UP));
		mutex_exit(&ns->ns_lock);
	}
}

static void
world_end(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		if_detach(ifs[i]);
		if_rele(ifs[i]);
	}
	netns_rele(ns);
}

static void
run(void (*fn)(void *), void (*change)(unsigned int round))
{
	struct kthread *kt[NREADERS];

	for (unsigned int i = 0; i < NREADERS; i++)
		NEED(kthread_create(fn, NULL, "reader", &kt[i]) == 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		change(i);
		vcpu_yield();
	}
	/* Each reader has had its turn. */
	while (atomic_load(&lookups) < 100)
		vcpu_yield();
	atomic_store_rel(&stop, true);
	for (unsigned int i = 0; i < NREADERS; i++)
		kthread_join(kt[i]);
}

/* --- routes ---------------------------------------------------------------------- */

static struct rtconfig
route_to(uint32_t dst, unsigned int plen, unsigned int via)
{
	struct rtconfig rc = {
		.rc_family = AF_INET, .rc_dst = addr4(dst), .rc_plen = (uint8_t)plen,
		.rc_type = RTN_UNICAST, .rc_scope = RT_SCOPE_LINK, .rc_nhops = 1,
		.rc_table = RT_TABLE_MAIN,
	};

	rc.rc_hop[0].nh_ifindex = ifs[via]->if_index;
	return rc;
}

static void
look_up(void *arg)
{
	(void)arg;
	for (uint32_t n = 0; !atomic_load_acq(&stop); n++) {
		struct rtkey rk = { .rk_family = AF_INET,
		    .rk_dst = addr4(0x0b000000 + n % 64) };
		struct rtdst *rd;
		int error = route_lookup(ns, &rk, &rd);

		(void)__atomic_fetch_add(&lookups, 1, __ATOMIC_RELAXED);
		if (!CHECK(error == 0))
			break;
		CHECK(rd->rd_ifp == ifs[0] || rd->rd_ifp == ifs[1]);
		CHECK(inaddr_eq(&rd->rd_hop, &rk.rk_dst));
		if (rtdst_neigh(rd) != NULL)
			neigh_confirm(rtdst_neigh(rd));
		rtdst_rele(rd);
		if (n % 16 == 0)
			vcpu_yield();
	}
}

static void
change_routes(unsigned int round)
{
	struct rtconfig rc = route_to(0x0b000000 + (uint32_t)draw_below(64) / 8 * 8, 29, round & 1);
	struct inaddr dst = addr4(0x0b000000 + (uint32_t)draw_below(64));

	mutex_enter(&ns->ns_lock);
	if (route_add(ns, &rc, NLM_F_CREATE | NLM_F_REPLACE) == 0 && draw() % 2)
		(void)route_del(ns, &rc);
	mutex_exit(&ns->ns_lock);
	route_setpmtu(ns, AF_INET, &dst, 1000 + (uint32_t)draw_below(400));
}

TEST_WITH(look_ups_go_on_while_routes_change, .ht_flags = KEEPS, .ht_seeds = 6)
{
	struct rtconfig rc;

	world_make();
	rc = route_to(0, 0, 0);
	mutex_enter(&ns->ns_lock);
	NEED(route_add(ns, &rc, NLM_F_CREATE) == 0);
	mutex_exit(&ns->ns_lock);
	run(look_up, change_routes);
	world_end();
}

/* --- neighbours ------------------------------------------------------------------ */

static void
send_some(void *arg)
{
	(void)arg;
	for (uint32_t n = 0; !atomic_load_acq(&stop); n++) {
		static const uint8_t header[20] = { 0x45 };
		struct packetq q = PACKETQ_INITIALIZER;
		struct inaddr a = addr4(0x0b000000 + n % 8);
		struct neigh *nb = neigh_get(ifs[n & 1], AF_INET, &a);
		struct packet *p;

		(void)__atomic_fetch_add(&lookups, 1, __ATOMIC_RELAXED);
		if (nb == NULL)
			continue;
		p = packet_from(header, sizeof(header), KM_SLEEP);
		NEED(p != NULL);
		packetq_put(&q, p);
		neigh_output(nb, &q);
		neigh_rele(nb);
		if (n % 16 == 0)
			vcpu_yield();
	}
}

static void
change_neighbours(unsigned int round)
{
	uint8_t mac[6] = { 2, 1, 0, 0, 0, (uint8_t)round };
	struct inaddr a = addr4(0x0b000000 + (uint32_t)draw_below(8));
	struct ifnet *ifp = ifs[draw() & 1];

	switch (draw_below(5)) {
	case 0:
		mutex_enter(&ns->ns_lock);
		(void)neigh_del(ifp, AF_INET, &a);
		mutex_exit(&ns->ns_lock);
		break;
	case 1:
		mutex_enter(&ns->ns_lock);
		neigh_flush(ifp);
		mutex_exit(&ns->ns_lock);
		break;
	default:
		neigh_learn(ifp, AF_INET, &a, mac, NEIGH_CREATE | NEIGH_OVERRIDE |
		    (draw() & 1 ? NEIGH_REACHABLE : 0));
	}
}

TEST_WITH(packets_leave_while_neighbours_come_and_go, .ht_flags = KEEPS, .ht_seeds = 6)
{
	world_make();
	run(send_some, change_neighbours);
	world_end();
}

/* --- interfaces ------------------------------------------------------------------ */

static unsigned int tapped;		/* a */

static void
tap_packet(struct iftap *it, struct ifnet *ifp, const struct packet *p, bool out)
{
	(void)it;
	(void)ifp;
	(void)p;
	(void)out;
	(void)__atomic_fetch_add(&tapped, 1, __ATOMIC_RELAXED);
	/* As one that waits for a socket's lock. */
	vcpu_yield();
}

static void
change_interfaces(unsigned int round)
{
	struct iftap *it = kmem_zalloc(sizeof(*it), KM_SLEEP);
	struct ifaddr model = { .ifa_family = AF_INET, .ifa_plen = 24,
	    .ifa_addr = addr4(0x0c000001 + round % 4) };
	struct ifnet *ifp = ifs[round & 1];

	NEED(it != NULL);
	it->it_packet = tap_packet;
	mutex_enter(&ns->ns_lock);
	iftap_attach(ifp, it);
	if (ifaddr_add(ifp, &model, NULL) != 0)
		(void)ifaddr_del(ifp, AF_INET, &model.ifa_addr, -1);
	if (draw() % 4 == 0)
		(void)if_setflags(ifp, ifp->if_flags ^ IFF_UP, IFF_UP);
	(void)if_setmtu(ifp, 1000 + (uint32_t)draw_below(500));
	mutex_exit(&ns->ns_lock);
	vcpu_yield();
	mutex_enter(&ns->ns_lock);
	iftap_detach(ifp, it);
	mutex_exit(&ns->ns_lock);
	kmem_free(it, sizeof(*it));
}

static void
receive_some(void *arg)
{
	(void)arg;
	for (uint32_t n = 0; !atomic_load_acq(&stop); n++) {
		static const uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
		struct packetq q = PACKETQ_INITIALIZER;
		struct packet *p = packet_from(frame, sizeof(frame), KM_SLEEP);

		(void)__atomic_fetch_add(&lookups, 1, __ATOMIC_RELAXED);
		NEED(p != NULL);
		packetq_put(&q, p);
		if (n & 2)
			if_input(ifs[n & 1], &q);
		else
			if_transmit(ifs[n & 1], &q);
		if (n % 16 == 0)
			vcpu_yield();
	}
}

TEST_WITH(frames_pass_while_taps_addresses_and_flags_change, .ht_flags = KEEPS, .ht_seeds = 6)
{
	world_make();
	run(receive_some, change_interfaces);
	world_end();
}

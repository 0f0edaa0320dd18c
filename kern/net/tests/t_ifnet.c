/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ifnet.c - interfaces and their addresses: what is found, counted, told
 */

#include <linux/if_addr.h>
#include <net/netevent.h>

#include "net_test.h"
#include "route_impl.h"

#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS)

static struct netns *ns;
static struct sink sk;

static void
world_make(void)
{
	draw_seed();
	ns = test_netns();
	NEED(sink_create(ns, "eth%d", &sk) == 0);
	packetq_drop(&sk.sk_q);
}

static void
world_end(void)
{
	sink_destroy(&sk);
	netns_rele(ns);
}

static void
lock(void) NO_THREAD_SAFETY
{
	mutex_enter(&ns->ns_lock);
}

static void
unlock(void) NO_THREAD_SAFETY
{
	mutex_exit(&ns->ns_lock);
}

/* --- names and numbers ----------------------------------------------------------- */

TEST_WITH(interfaces_are_found_by_name_and_number, .ht_flags = KEEPS)
{
	struct sink more[3];

	world_make();
	CHECK_STR("lo is the first", "lo", if_byindex(ns, 1)->if_name);
	for (unsigned int i = 0; i < 3; i++)
		NEED(sink_create(ns, "eth%d", &more[i]) == 0);
	CHECK(if_byname(ns, "eth0") == sk.sk_ifp);
	CHECK(if_byname(ns, "eth2") == more[1].sk_ifp);
	CHECK(if_byname(ns, "eth") == NULL && if_byname(ns, "eth20") == NULL);
	CHECK(if_byindex(ns, more[2].sk_ifp->if_index) == more[2].sk_ifp);
	CHECK(if_byindex(ns, 99) == NULL && if_byindex(ns, 0) == NULL);
	sink_destroy(&more[0]);
	CHECK(if_byname(ns, "eth1") == NULL);
	NEED(sink_create(ns, "eth%d", &more[0]) == 0);
	CHECK_STR("the lowest that is free", "eth1", more[0].sk_ifp->if_name);
	CHECK(more[0].sk_ifp->if_index > more[2].sk_ifp->if_index);
	for (unsigned int i = 0; i < 3; i++)
		sink_destroy(&more[i]);
	world_end();
}

TEST_WITH(names_are_what_linux_takes_for_names, .ht_flags = KEEPS)
{
	static const char *const bad[] = {
		"", ".", "..", "a/b", "a b", "a:1", "sixteen_letters_", "a\tb",
	};
	struct ifnet *ifp;

	world_make();
	lock();
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_EQ(bad[i], EINVAL, if_alloc(bad[i], &sink_ops, NULL, &ifp));
		CHECK_EQ(bad[i], EINVAL, if_rename(sk.sk_ifp, bad[i]));
	}
	CHECK_EQ("taken", EEXIST, if_rename(sk.sk_ifp, "lo"));
	CHECK_EQ("itself", 0, if_rename(sk.sk_ifp, "eth0"));
	CHECK_EQ("new", 0, if_rename(sk.sk_ifp, "fifteen_letters"));
	CHECK(if_byname(ns, "fifteen_letters") == sk.sk_ifp);
	CHECK(if_byname(ns, "eth0") == NULL);
	CHECK_EQ("two numbers", EINVAL, if_rename(sk.sk_ifp, "a%d%d"));
	CHECK_EQ("no number", EINVAL, if_rename(sk.sk_ifp, "a%s"));
	CHECK_EQ("number", 0, if_rename(sk.sk_ifp, "a%db"));
	CHECK_STR("number", "a0b", sk.sk_ifp->if_name);
	unlock();
	world_end();
}

/* --- what can be changed --------------------------------------------------------- */

static unsigned int told[NETEVENT_NETNS_DEL + 1];
static uint32_t told_change;

static void
note_event(enum netevent ev, const struct netevent_info *ne)
{
	if (ne->ne_ns != ns)
		return;
	told[ev]++;
	if (ev == NETEVENT_LINK_NEW)
		told_change = ne->ne_change;
}

static struct netevent_listener listener = { .nl_event = note_event };

TEST_WITH(changes_are_told, .ht_flags = KEEPS)
{
	uint32_t gen;

	ns = NULL;
	netevent_listen(&listener);
	world_make();
	memset(told, 0, sizeof(told));
	lock();
	gen = ns->ns_routegen;
	CHECK_EQ("mtu", 0, if_setmtu(sk.sk_ifp, 9000));
	CHECK_EQ("told", 1, told[NETEVENT_LINK_NEW]);
	CHECK(ns->ns_routegen != gen);
	CHECK_EQ("the same", 0, if_setmtu(sk.sk_ifp, 9000));
	CHECK_EQ("not told", 1, told[NETEVENT_LINK_NEW]);
	CHECK_EQ("small", EINVAL, if_setmtu(sk.sk_ifp, 67));
	CHECK_EQ("large", EINVAL, if_setmtu(sk.sk_ifp, 65536));
	CHECK_EQ("as it was", 9000, sk.sk_ifp->if_mtu);
	CHECK_EQ("down", 0, if_setflags(sk.sk_ifp, 0, IFF_UP));
	CHECK((told_change & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING));
	CHECK((sk.sk_ifp->if_flags & (IFF_UP | IFF_RUNNING)) == 0);
	unlock();
	if_setcarrier(sk.sk_ifp, false);
	lock();
	CHECK_EQ("up", 0, if_setflags(sk.sk_ifp, IFF_UP, IFF_UP));
	CHECK_EQ("no carrier", 0, sk.sk_ifp->if_flags & IFF_RUNNING);
	CHECK(!if_running(sk.sk_ifp));
	unlock();
	if_setcarrier(sk.sk_ifp, true);
	CHECK(if_running(sk.sk_ifp) && (sk.sk_ifp->if_flags & IFF_RUNNING) != 0);
	told[NETEVENT_LINK_DEL] = 0;
	if_detach(sk.sk_ifp);
	CHECK_EQ("gone", 1, told[NETEVENT_LINK_DEL]);
	lock();
	CHECK_EQ("too late", ENODEV, if_setflags(sk.sk_ifp, IFF_UP, IFF_UP));
	unlock();
	world_end();
	netevent_unlisten(&listener);
}

TEST_WITH(promiscuity_and_groups_are_counted, .ht_flags = KEEPS)
{
	static const uint8_t group[6] = { 1, 0, 0x5e, 9, 9, 9 };
	struct ifnet *ifp;

	world_make();
	ifp = sk.sk_ifp;
	lock();
	if_promisc(ifp, true);
	if_promisc(ifp, true);
	CHECK_EQ("by the user", 0, if_setflags(ifp, IFF_PROMISC, IFF_PROMISC));
	CHECK_EQ("once", 0, if_setflags(ifp, IFF_PROMISC, IFF_PROMISC));
	if_promisc(ifp, false);
	if_promisc(ifp, false);
	CHECK((ifp->if_flags & IFF_PROMISC) != 0);
	CHECK_EQ("no more", 0, if_setflags(ifp, 0, IFF_PROMISC));
	CHECK((ifp->if_flags & IFF_PROMISC) == 0);
	CHECK_EQ("join", 0, if_multicast(ifp, group, true));
	CHECK_EQ("join", 0, if_multicast(ifp, group, true));
	CHECK_EQ("leave", 0, if_multicast(ifp, group, false));
	CHECK(if_multicast_joined(ifp, group));
	CHECK_EQ("leave", 0, if_multicast(ifp, group, false));
	CHECK(!if_multicast_joined(ifp, group));
	CHECK_EQ("leave", ENOENT, if_multicast(ifp, group, false));
	unlock();
	world_end();
}

/* --- addresses ------------------------------------------------------------------- */

static int
add(uint32_t host, uint8_t plen)
{
	struct ifaddr model = { .ifa_family = AF_INET, .ifa_addr = addr4(host),
	    .ifa_plen = plen };
	int error;

	lock();
	error = ifaddr_add(sk.sk_ifp, &model, NULL);
	unlock();
	return error;
}

static int
del(uint32_t host, int plen)
{
	struct inaddr a = addr4(host);
	int error;

	lock();
	error = ifaddr_del(sk.sk_ifp, AF_INET, &a, plen);
	unlock();
	return error;
}

struct leads {
	const char	*label;
	uint32_t	 dst;
	int		 error;
	uint8_t		 type;
	bool		 lo;
	uint32_t	 src;
};

static void
check_leads(const struct leads *l, size_t n)
{
	for (size_t i = 0; i < n; i++, l++) {
		struct rtkey rk = { .rk_family = AF_INET, .rk_dst = addr4(l->dst) };
		struct rtdst *rd;

		if (!CHECK_EQ(l->label, l->error, route_lookup(ns, &rk, &rd)) || l->error)
			continue;
		CHECK_EQ(l->label, l->type, rd->rd_type);
		CHECK(rd->rd_ifp == (l->lo ? ns->ns_lo : sk.sk_ifp));
		CHECK_EQ(l->label, l->src, be32_get(rd->rd_src.ia_b));
		rtdst_rele(rd);
	}
}

#define ADDR	0x0a010203u		/* 10.1.2.3 */

TEST_WITH(an_address_brings_its_routes, .ht_flags = KEEPS)
{
	static const struct leads with[] = {
		{ "itself", ADDR, 0, RTN_LOCAL, true, ADDR },
		{ "a neighbour", 0x0a010204, 0, RTN_UNICAST, false, ADDR },
		{ "broadcast", 0x0a0102ff, 0, RTN_BROADCAST, false, ADDR },
		{ "elsewhere", 0x0a010304, ENETUNREACH, 0, false, 0 },
		{ "127.0.0.5", 0x7f000005, 0, RTN_LOCAL, true, 0x7f000001 },
	}, down[] = {
					  { "itself", ADDR, 0, RTN_LOCAL, true, ADDR },
		{ "a neighbour", 0x0a010204, ENETUNREACH, 0, false, 0 },
		{ "broadcast", 0x0a0102ff, ENETUNREACH, 0, false, 0 },
	}, without[] = {
					  { "itself", ADDR, ENETUNREACH, 0, false, 0 },
		{ "a neighbour", 0x0a010204, ENETUNREACH, 0, false, 0 },
	};

	world_make();
	NEED(add(ADDR, 24) == 0);
	check_leads(with, ARRAY_SIZE(with));
	lock();
	CHECK_EQ("down", 0, if_setflags(sk.sk_ifp, 0, IFF_UP));
	unlock();
	check_leads(down, ARRAY_SIZE(down));
	lock();
	CHECK_EQ("up", 0, if_setflags(sk.sk_ifp, IFF_UP, IFF_UP));
	unlock();
	check_leads(with, ARRAY_SIZE(with));
	CHECK_EQ("del", 0, del(ADDR, 24));
	check_leads(without, ARRAY_SIZE(without));
	world_end();
}

TEST_WITH(addresses_are_checked, .ht_flags = KEEPS)
{
	struct ifaddr model = { .ifa_family = AF_UNIX, .ifa_addr = addr4(ADDR) };
	struct inaddr a = addr4(ADDR);

	world_make();
	CHECK_EQ("prefix", EINVAL, add(ADDR, 33));
	CHECK_EQ("none", EINVAL, add(0, 8));
	CHECK_EQ("a group", EINVAL, add(0xe0000001, 8));
	CHECK_EQ("everybody", EINVAL, add(0xffffffff, 32));
	lock();
	CHECK_EQ("family", EAFNOSUPPORT, ifaddr_add(sk.sk_ifp, &model, NULL));
	unlock();
	CHECK_EQ("add", 0, add(ADDR, 24));
	CHECK_EQ("twice", EEXIST, add(ADDR, 24));
	CHECK_EQ("with another prefix", 0, add(ADDR, 16));
	CHECK_EQ("del", 0, del(ADDR, 24));
	CHECK(ifaddr_find(ns, AF_INET, &a, sk.sk_ifp) != NULL);
	CHECK(ifaddr_find(ns, AF_INET, &a, ns->ns_lo) == NULL);
	CHECK_EQ("del", EADDRNOTAVAIL, del(ADDR, 24));
	CHECK_EQ("del", 0, del(ADDR, -1));
	CHECK(ifaddr_find(ns, AF_INET, &a, NULL) == NULL);
	world_end();
}

TEST_WITH(secondary_addresses_go_with_the_primary, .ht_flags = KEEPS)
{
	struct inaddr second = addr4(ADDR + 1), other = addr4(0x0b000001);
	struct ifaddr *ifa;

	world_make();
	NEED(add(ADDR, 24) == 0 && add(ADDR + 1, 24) == 0 && add(0x0b000001, 24) == 0);
	ifa = ifaddr_find(ns, AF_INET, &second, NULL);
	NEED(ifa != NULL);
	CHECK((ifa->ifa_flags & IFA_F_SECONDARY) != 0);
	CHECK_EQ("del", 0, del(ADDR + 1, 24));
	CHECK_EQ("again", 0, add(ADDR + 1, 24));
	CHECK_EQ("del", 0, del(ADDR, 24));
	CHECK(ifaddr_find(ns, AF_INET, &second, NULL) == NULL);
	CHECK(ifaddr_find(ns, AF_INET, &other, NULL) != NULL);
	world_end();
}

TEST_WITH(sources_are_those_of_the_subnet, .ht_flags = KEEPS)
{
	static const struct leads cases[] = {
		{ "first", 0x0a010250, 0, RTN_UNICAST, false, ADDR },
		{ "second", 0x0b000050, 0, RTN_UNICAST, false, 0x0b000001 },
		{ "far end", 0x0c000002, 0, RTN_UNICAST, false, 0x0c000001 },
	};
	struct ifaddr model = { .ifa_family = AF_INET, .ifa_addr = addr4(0x0c000001),
	    .ifa_peer = addr4(0x0c000002), .ifa_plen = 32 };

	world_make();
	NEED(add(ADDR, 24) == 0 && add(0x0b000001, 24) == 0);
	lock();
	CHECK_EQ("point to point", 0, ifaddr_add(sk.sk_ifp, &model, NULL));
	unlock();
	check_leads(cases, ARRAY_SIZE(cases));
	world_end();
}

/* --- the way up ------------------------------------------------------------------ */

TEST_WITH(what_is_not_a_frame_is_counted_and_dropped, .ht_flags = KEEPS)
{
	static const size_t lens[] = { 0, 1, 13, 14, 15, 17, 18, 60 };
	static uint8_t bytes[60];
	struct if_counters ic;
	uint64_t frames = 0;

	world_make();
	memset(bytes, 0xff, 12);
	for (unsigned int tag = 0; tag < 2; tag++) {
		be16_put(bytes + 12, tag ? 0x8100 : 0x4242);
		for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++) {
			struct packetq q = PACKETQ_INITIALIZER;
			struct packet *p = packet_from(bytes, lens[i], KM_SLEEP);

			NEED(p != NULL);
			packetq_put(&q, p);
			if_input(sk.sk_ifp, &q);
			frames++;
		}
	}
	if_stats(sk.sk_ifp, &ic);
	CHECK_EQ("all counted", frames, ic.ic_rx_packets);
	/* Too short for Ethernet, and with a tag for that as well. */
	CHECK_EQ("errors", 3 + 6, ic.ic_rx_errors);
	CHECK_EQ("nobody's", 5 + 2, ic.ic_rx_dropped);
	world_end();
}

TEST_WITH(an_interface_that_is_down_neither_sends_nor_receives, .ht_flags = KEEPS)
{
	static const uint8_t bytes[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct packetq q = PACKETQ_INITIALIZER;
	struct if_counters ic;

	world_make();
	lock();
	CHECK_EQ("down", 0, if_setflags(sk.sk_ifp, 0, IFF_UP));
	unlock();
	packetq_drop(&sk.sk_q);
	packetq_put(&q, packet_from(bytes, 60, KM_SLEEP));
	if_transmit(sk.sk_ifp, &q);
	CHECK_EQ("not sent", 0, sk.sk_q.pq_n);
	packetq_init(&q);
	packetq_put(&q, packet_from(bytes, 60, KM_SLEEP));
	if_input(sk.sk_ifp, &q);
	if_stats(sk.sk_ifp, &ic);
	CHECK_EQ("out", 1, ic.ic_tx_dropped);
	CHECK_EQ("in", 1, ic.ic_rx_dropped);
	world_end();
}

static int
make_and_configure(void)
{
	struct sink s;
	int error;

	error = netns_create(&ns);
	if (error)
		return error;
	error = sink_create(ns, "eth%d", &s);
	if (error == 0) {
		sk.sk_ifp = s.sk_ifp;
		error = add(ADDR, 24);
		if (error == 0)
			error = add(ADDR + 1, 24);
		if (error == 0)
			CHECK_EQ("del", 0, del(ADDR, 24));
		sink_destroy(&s);
	}
	netns_rele(ns);
	return error;
}

SWEEP_WITH(interfaces_survive_each_failed_allocation, FAULT_MEMORY, .ht_flags = KEEPS)
{
	return make_and_configure();
}

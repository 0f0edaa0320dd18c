/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_wire.c - cables, and with them the whole way of a frame: down one
 * interface, up the other
 *
 * A protocol of the test's own, on an ethertype for experiments, receives; it
 * can answer each frame, which makes two hosts play ping-pong.
 */

#include <net/wire.h>
#include <linux/if_ether.h>
#include <sys/atomic.h>
#include <sys/ktime.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include "net_test.h"

#define ETHERTYPE_OURS	0x88b5		/* for local experiments: IEEE 802 */
#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS)

static struct netns *ns[2];
static struct ifnet *end[2];

static struct packetq got;
static unsigned int ngot;		/* a */
static unsigned int answers;		/* to send yet */
static _Thread_local unsigned int depth;
static unsigned int deepest;		/* a */
static bool keep;

static struct packet *
frame(struct ifnet *ifp, const uint8_t *dst, size_t len)
{
	static const uint8_t zeroes[65000];
	struct packet *p = packet_from(zeroes, len, KM_SLEEP);

	NEED(p != NULL);
	if_l2header(ifp, p, ETHERTYPE_OURS, dst);
	p->p_l3 = (uint16_t)(p->p_l2 + ETH_HLEN);
	return p;
}

static void
send(struct ifnet *from, const uint8_t *dst, size_t len)
{
	struct packetq q = PACKETQ_INITIALIZER;

	packetq_put(&q, frame(from, dst, len));
	if_transmit(from, &q);
}

static void
ours_input(struct ifnet *ifp, struct packetq *q)
{
	struct packet *p;

	if (++depth > atomic_load(&deepest))
		atomic_store(&deepest, depth);
	while ((p = packetq_get(q)) != NULL) {
		(void)__atomic_fetch_add(&ngot, 1, __ATOMIC_RELAXED);
		if (keep)
			packetq_put(&got, p);
		else
			packet_free(p);
		if (answers > 0) {
			answers--;
			send(ifp, end[end[0] == ifp]->if_lladdr, 20);
		}
	}
	depth--;
}

static struct l3proto ours = {
	.l3_ethertype = ETHERTYPE_OURS, .l3_input = ours_input,
};

static void
up(struct ifnet *ifp, bool on)
{
	mutex_enter(&ifp->if_ns->ns_lock);
	CHECK_EQ("flags", 0, if_setflags(ifp, on ? IFF_UP : 0, IFF_UP));
	mutex_exit(&ifp->if_ns->ns_lock);
}

static void
world_make(void)
{
	ns[0] = test_netns();
	ns[1] = test_netns();
	NEED(wire_create(ns[0], "left", ns[1], "right", &end[0], &end[1]) == 0);
	l3proto_register(&ours);
	keep = true;
	up(end[0], true);
	up(end[1], true);
}

static void
world_end(void)
{
	packetq_drop(&got);
	if_detach(end[0]);
	if_rele(end[0]);
	if_rele(end[1]);
	netns_rele(ns[0]);
	netns_rele(ns[1]);
}

TEST_WITH(what_one_end_sends_the_other_receives, .ht_flags = KEEPS)
{
	struct if_counters was, ic;
	struct packet *p;

	world_make();
	if_stats(end[1], &was);
	send(end[0], end[1]->if_lladdr, 1000);
	NEED(CHECK_EQ("one", 1, got.pq_n));
	p = got.pq_head;
	CHECK_EQ("without header", 1000, p->p_len);
	CHECK(p->p_ifindex == end[1]->if_index && p->p_type == PKT_HOST);
	CHECK_MEM("the header is still there", end[0]->if_lladdr, p->p_room + p->p_l2 + 6, 6);
	if_stats(end[1], &ic);
	CHECK_EQ("packets", was.ic_rx_packets + 1, ic.ic_rx_packets);
	CHECK_EQ("bytes", was.ic_rx_bytes + 1014, ic.ic_rx_bytes);
	if_stats(end[0], &ic);
	CHECK(ic.ic_tx_packets > 0 && ic.ic_tx_bytes >= 1014);
	world_end();
}

TEST_WITH(frames_are_sorted_by_whom_they_are_for, .ht_flags = KEEPS)
{
	static const uint8_t other[6] = { 2, 9, 9, 9, 9, 9 }, group[6] = { 1, 0, 0x5e, 0, 0, 1 };

	world_make();
	send(end[0], other, 10);
	CHECK_EQ("for somebody else", 0, got.pq_n);
	send(end[0], group, 10);
	send(end[0], end[0]->if_broadcast, 10);
	NEED(CHECK_EQ("for many", 2, got.pq_n));
	CHECK_EQ("group", PKT_MULTICAST, got.pq_head->p_type);
	CHECK_EQ("all", PKT_BROADCAST, got.pq_tail->p_type);
	world_end();
}

TEST_WITH(two_hosts_that_answer_each_other_go_no_deeper, .ht_flags = KEEPS)
{
	world_make();
	keep = false;
	answers = 100000;
	send(end[0], end[1]->if_lladdr, 10);
	CHECK_EQ("all came", 100001, ngot);
	CHECK_EQ("one after the other", 1, deepest);
	world_end();
}

TEST_WITH(without_offload_segments_are_cut_and_summed, .ht_flags = KEEPS)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p;
	uint8_t *h;

	world_make();
	CHECK_EQ("off", 0, end[0]->if_ops->ifo_setlink(end[0], "offload=off"));
	CHECK_EQ("nonsense", EINVAL, end[0]->if_ops->ifo_setlink(end[0], "x"));
	p = frame(end[0], end[1]->if_lladdr, 30000);
	/* IPv4 and TCP, behind our ethertype so that the test's protocol gets it. */
	(void)packet_pull(p, ETH_HLEN);
	h = packet_push(p, 40);
	memset(h, 0, 40);
	h[0] = 0x45;
	h[9] = 6;
	h[32] = 0x50;
	p->p_l3 = packet_offset(p);
	p->p_l4 = p->p_csum_start = (uint16_t)(p->p_l3 + 20);
	p->p_csum = PKT_CSUM_PARTIAL;
	p->p_csum_off = 16;
	p->p_gso = PKT_GSO_TCP4;
	p->p_gso_size = 1460;
	be16_put(h + 36, 6 + 30020);
	if_l2header(end[0], p, ETHERTYPE_OURS, end[1]->if_lladdr);
	packetq_put(&q, p);
	if_transmit(end[0], &q);
	NEED(CHECK_EQ("pieces", 21, got.pq_n));
	for (p = got.pq_head; p != NULL; p = p->p_next) {
		CHECK_EQ("complete", PKT_CSUM_NONE, p->p_csum);
		CHECK(p->p_len <= 1500);
		CHECK_EQ("right", 0, packet_sum_fold(packet_sum(p, 20, p->p_len - 20,
		    (uint32_t)net16(6) + net16(p->p_len - 20))));
	}
	world_end();
}

/* --- taps, tags, hooks ----------------------------------------------------------- */

static unsigned int tapped[2];

static void
count_tapped(struct iftap *it, struct ifnet *ifp, const struct packet *p, bool out)
{
	(void)it;
	(void)ifp;
	if (p->p_ethertype == ETHERTYPE_OURS)
		tapped[out]++;
}

TEST_WITH(taps_see_both_ways_until_they_are_taken_off, .ht_flags = KEEPS)
{
	static const uint8_t other[6] = { 2, 9, 9, 9, 9, 9 };
	static struct iftap left = { .it_packet = count_tapped }, right = { .it_packet = count_tapped };

	world_make();
	mutex_enter(&ns[0]->ns_lock);
	iftap_attach(end[0], &left);
	mutex_exit(&ns[0]->ns_lock);
	mutex_enter(&ns[1]->ns_lock);
	iftap_attach(end[1], &right);
	mutex_exit(&ns[1]->ns_lock);
	send(end[0], other, 10);
	CHECK_EQ("out", 1, tapped[true]);
	CHECK_EQ("in, though it is for another", 1, tapped[false]);
	mutex_enter(&ns[1]->ns_lock);
	iftap_detach(end[1], &right);
	mutex_exit(&ns[1]->ns_lock);
	send(end[0], other, 10);
	CHECK_EQ("out", 2, tapped[true]);
	CHECK_EQ("not in", 1, tapped[false]);
	mutex_enter(&ns[0]->ns_lock);
	iftap_detach(end[0], &left);
	mutex_exit(&ns[0]->ns_lock);
	world_end();
}

TEST_WITH(tags_travel_outside_of_the_data, .ht_flags = KEEPS)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p;

	world_make();
	p = frame(end[0], end[1]->if_lladdr, 100);
	p->p_flags |= PKT_F_VLAN;
	p->p_vlan = 0x2000;		/* VLAN 0: priority only */
	packetq_put(&q, p);
	if_transmit(end[0], &q);
	NEED(CHECK_EQ("for us", 1, got.pq_n));
	p = got.pq_head;
	CHECK_EQ("tag", 0x2000, p->p_vlan);
	CHECK((p->p_flags & PKT_F_VLAN) != 0);
	CHECK_EQ("payload", 100, p->p_len);
	p = frame(end[0], end[1]->if_lladdr, 100);
	p->p_flags |= PKT_F_VLAN;
	p->p_vlan = 7;
	packetq_put(&q, p);
	if_transmit(end[0], &q);
	CHECK_EQ("of another network", 1, got.pq_n);
	world_end();
}

struct hold {
	struct linkcond	 ho_cond;
	struct packetq	 ho_q;
};

static void
hold_transmit(struct linkcond *lc, struct ifnet *ifp, struct packetq *q)
{
	(void)ifp;
	packetq_join(&container_of(lc, struct hold, ho_cond)->ho_q, q);
}

TEST_WITH(conditions_come_between_the_stack_and_the_driver, .ht_flags = KEEPS)
{
	struct hold ho = { .ho_cond = { .lc_transmit = hold_transmit } };
	struct linkcond *old;

	world_make();
	mutex_enter(&ns[0]->ns_lock);
	old = if_setcond(end[0], &ho.ho_cond);
	mutex_exit(&ns[0]->ns_lock);
	CHECK(old == NULL);
	send(end[0], end[1]->if_lladdr, 10);
	CHECK_EQ("held back", 0, got.pq_n);
	if_transmit_past(end[0], &ho.ho_q);
	CHECK_EQ("late", 1, got.pq_n);
	mutex_enter(&ns[0]->ns_lock);
	old = if_setcond(end[0], NULL);
	mutex_exit(&ns[0]->ns_lock);
	CHECK(old == &ho.ho_cond);
	send(end[0], end[1]->if_lladdr, 10);
	CHECK_EQ("at once", 2, got.pq_n);
	world_end();
}

/* --- life ------------------------------------------------------------------------ */

TEST_WITH(there_is_a_carrier_while_both_are_up, .ht_flags = KEEPS)
{
	world_make();
	CHECK(if_running(end[0]) && if_running(end[1]));
	CHECK((end[0]->if_flags & IFF_RUNNING) != 0);
	up(end[1], false);
	CHECK(!if_running(end[0]) && !if_running(end[1]));
	CHECK((end[0]->if_flags & (IFF_RUNNING | IFF_UP)) == IFF_UP);
	send(end[0], end[1]->if_lladdr, 10);
	CHECK_EQ("nothing passes", 0, got.pq_n);
	up(end[1], true);
	CHECK(if_running(end[0]) && if_running(end[1]));
	world_end();
}

TEST_WITH(both_ends_go_together, .ht_flags = KEEPS)
{
	world_make();
	CHECK(if_byname(ns[1], "right") == end[1]);
	CHECK(if_byindex(ns[0], end[0]->if_index) == end[0]);
	if_detach(end[0]);
	CHECK(if_byname(ns[0], "left") == NULL);
	CHECK(if_byname(ns[1], "right") == NULL);
	CHECK(end[1]->if_dying);
	send(end[0], end[1]->if_lladdr, 10);
	CHECK_EQ("nothing passes", 0, got.pq_n);
	if_rele(end[0]);
	if_rele(end[1]);
	CHECK_EQ("the name is free", 0, wire_create(ns[0], "left", ns[0], "wire%d", NULL, NULL));
	CHECK_EQ("taken", EEXIST, wire_create(ns[1], "x", ns[0], "left", NULL, NULL));
	CHECK(if_byname(ns[1], "x") == NULL);
	CHECK_EQ("taken", EEXIST, wire_create(ns[0], "left", ns[1], "x", NULL, NULL));
	CHECK_EQ("no name", EINVAL, wire_create(ns[0], "", ns[1], "x", NULL, NULL));
	/* The name spaces end with their interfaces in them. */
	netns_rele(ns[0]);
	netns_rele(ns[1]);
}

static bool stop;			/* a */

static void
sender(void *arg)
{
	struct ifnet *ifp = arg;
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	while (!atomic_load_acq(&stop)) {
		send(ifp, all, 10);
		vcpu_yield();
	}
	if_rele(ifp);
}

TEST_WITH(frames_fly_while_cables_are_made_and_cut, .ht_flags = KEEPS, .ht_seeds = 10)
{
	struct kthread *kt[4];
	struct ifnet *a, *b;

	draw_seed();
	world_make();
	keep = false;
	for (int round = 0; round < 8; round++) {
		atomic_store_rel(&stop, false);
		NEED(wire_create(ns[0], "c%d", ns[1], "c%d", &a, &b) == 0);
		for (unsigned int i = 0; i < 4; i++) {
			struct ifnet *mine = i % 2 ? a : b;

			if_hold(mine);
			NEED(kthread_create(sender, mine, "sender", &kt[i]) == 0);
		}
		up(a, true);
		up(b, true);
		for (size_t i = draw_below(40); i > 0; i--)
			vcpu_yield();
		if_detach(draw() % 2 ? a : b);
		CHECK(a->if_dying && b->if_dying);
		atomic_store_rel(&stop, true);
		for (unsigned int i = 0; i < 4; i++)
			kthread_join(kt[i]);
		if_rele(a);
		if_rele(b);
	}
	CHECK(ngot > 0);
	world_end();
}

SWEEP_WITH(making_a_cable_survives_each_failed_allocation, FAULT_MEMORY, .ht_flags = KEEPS)
{
	struct netns *n;
	int error;

	error = netns_create(&n);
	if (error)
		return error;
	error = wire_create(n, "a", n, "b", NULL, NULL);
	if (error)
		CHECK(if_byname(n, "a") == NULL && if_byname(n, "b") == NULL);
	netns_rele(n);
	return error;
}

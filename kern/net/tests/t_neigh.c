/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_neigh.c - the states of a neighbour, in virtual time
 *
 * A family of the test's own counts the questions that are asked; an
 * interface keeps what is sent.
 */

#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <sys/condvar.h>
#include <sys/ktime.h>

#include "neigh_impl.h"
#include "net_test.h"

#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS)
#define MSEC	1000000LL

static kmutex_t lock = { .m_name = "test" };
static kcondvar_t cv = { .cv_name = "test" };

static struct netns *ns;
static const uint8_t zeroes[65536];
static struct sink sk;
static unsigned int asked, probed, unreachable;
static struct inaddr asked_src;
static const uint8_t mac1[6] = { 2, 0, 0, 0, 0, 0x11 }, mac2[6] = { 2, 0, 0, 0, 0, 0x22 };

static void
test_solicit(struct ifnet *ifp, const struct inaddr *addr, const uint8_t *lladdr,
    const struct inaddr *src)
{
	CHECK(ifp == sk.sk_ifp);
	memset(&asked_src, 0, sizeof(asked_src));
	if (src != NULL)
		asked_src = *src;
	if (lladdr == NULL)
		asked++;
	else
		probed++;
}

static void
test_unreachable(struct ifnet *ifp, struct packet *p)
{
	CHECK(ifp == sk.sk_ifp);
	unreachable++;
	packet_free(p);
}

static struct neigh_family family4 = {
	.nf_family = AF_INET, .nf_ethertype = ETH_P_IP,
	.nf_solicit = test_solicit, .nf_unreachable = test_unreachable,
};

static struct neigh_family family6 = {
	.nf_family = AF_INET6, .nf_ethertype = ETH_P_IPV6,
	.nf_solicit = test_solicit, .nf_unreachable = test_unreachable,
};

static void
world_make(void)
{
	draw_seed();
	neigh_family_register(&family4);
	neigh_family_register(&family6);
	ns = test_netns();
	NEED(sink_create(ns, "t%d", &sk) == 0);
	/* What the protocols sent when it came up is not ours to count. */
	packetq_drop(&sk.sk_q);
	asked = probed = unreachable = 0;
}

static void
world_end(void)
{
	sink_destroy(&sk);
	netns_rele(ns);
}

static void
sleep_for(int64_t ns_)
{
	int64_t when = clock_mono() + ns_;

	mutex_enter(&lock);
	while (clock_mono() < when)
		(void)cv_timedwait(&cv, &lock, when);
	mutex_exit(&lock);
}

/* An IPv4 packet that says where it comes from. */
static void
send_to(struct neigh *n, size_t len)
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct packet *p = packet_alloc(KM_SLEEP);
	uint8_t *h;

	NEED(p != NULL);
	h = packet_append(p, 20);
	memset(h, 0, 20);
	h[0] = 0x45;
	be32_put(h + 12, 0x0a000001);
	NEED(packet_appendcopy(p, zeroes, len, KM_SLEEP) == 0);
	packetq_put(&q, p);
	neigh_output(n, &q);
}

static struct neigh *
neighbour(uint32_t host)
{
	struct inaddr a = addr4(host);
	struct neigh *n = neigh_get(sk.sk_ifp, AF_INET, &a);

	NEED(n != NULL);
	return n;
}

static void
learn(const struct neigh *n, const uint8_t *mac, unsigned int flags)
{
	neigh_learn(sk.sk_ifp, AF_INET, &n->n_addr, mac, flags);
}

static unsigned int
sent(void)
{
	return sk.sk_q.pq_n;
}

static void
check_state(const char *label, unsigned int want, struct neigh *n)
{
	CHECK_EQ(label, want, n->n_state);
}

TEST_WITH(packets_wait_for_the_answer_and_leave_with_the_header, .ht_flags = KEEPS)
{
	struct neigh *n;
	struct packet *p;

	world_make();
	n = neighbour(0x0a000002);
	check_state("new", NUD_NONE, n);
	send_to(n, 10);
	send_to(n, 10);
	check_state("asked", NUD_INCOMPLETE, n);
	CHECK_EQ("asked once", 1, asked);
	CHECK_EQ("in whose name", 0x0a000001, be32_get(asked_src.ia_b));
	CHECK_EQ("nothing sent", 0, sent());
	learn(n, mac1, NEIGH_REACHABLE | NEIGH_OVERRIDE);
	check_state("answered", NUD_REACHABLE, n);
	CHECK_EQ("both are gone", 2, sent());
	p = sk.sk_q.pq_head;
	CHECK_MEM("destination", mac1, p->p_data, 6);
	CHECK_MEM("source", sk.sk_ifp->if_lladdr, p->p_data + 6, 6);
	CHECK_EQ("type", ETH_P_IP, be16_get(p->p_data + 12));
	CHECK_EQ("IP behind it", 0x45, p->p_data[14]);
	send_to(n, 10);
	CHECK_EQ("at once", 3, sent());
	neigh_rele(n);
	world_end();
}

TEST_WITH(nobody_answers_three_questions_and_senders_are_told, .ht_flags = KEEPS)
{
	struct neigh *n;

	world_make();
	n = neighbour(0x0a000002);
	send_to(n, 10);
	sleep_for(1500 * MSEC);
	CHECK_EQ("again", 2, asked);
	sleep_for(1000 * MSEC);
	CHECK_EQ("again", 3, asked);
	CHECK_EQ("not yet", 0, unreachable);
	sleep_for(1000 * MSEC);
	check_state("given up", NUD_FAILED, n);
	CHECK_EQ("told", 1, unreachable);
	CHECK_EQ("no more questions", 3, asked);
	send_to(n, 10);
	check_state("from the beginning", NUD_INCOMPLETE, n);
	CHECK_EQ("asked", 4, asked);
	neigh_rele(n);
	world_end();
}

TEST_WITH(what_was_confirmed_goes_stale_and_is_probed_when_used, .ht_flags = KEEPS)
{
	struct neigh *n;

	world_make();
	n = neighbour(0x0a000002);
	send_to(n, 10);
	learn(n, mac1, NEIGH_REACHABLE | NEIGH_OVERRIDE);
	sleep_for(14 * NSEC_PER_SEC);
	check_state("at least half of the time", NUD_REACHABLE, n);
	sleep_for(32 * NSEC_PER_SEC);
	check_state("at most one and a half", NUD_STALE, n);
	sleep_for(1000 * NSEC_PER_SEC);
	check_state("nobody asks", NUD_STALE, n);
	CHECK_EQ("no probe", 0, probed);
	send_to(n, 10);
	check_state("used", NUD_DELAY, n);
	CHECK_EQ("sent at once", 2, sent());
	sleep_for(4900 * MSEC);
	CHECK_EQ("not yet", 0, probed);
	sleep_for(200 * MSEC);
	check_state("asked", NUD_PROBE, n);
	CHECK_EQ("by unicast", 1, probed);
	send_to(n, 10);
	CHECK_EQ("sent meanwhile", 3, sent());
	sleep_for(2500 * MSEC);
	CHECK_EQ("thrice", 3, probed);
	sleep_for(1000 * MSEC);
	check_state("gone", NUD_FAILED, n);
	CHECK_EQ("only the first was asked of all", 1, asked);
	neigh_rele(n);
	world_end();
}

TEST_WITH(traffic_confirms, .ht_flags = KEEPS)
{
	struct neigh *n;

	world_make();
	n = neighbour(0x0a000002);
	learn(n, mac1, 0);
	check_state("heard of, not confirmed", NUD_STALE, n);
	send_to(n, 10);
	check_state("used", NUD_DELAY, n);
	neigh_confirm(n);
	check_state("confirmed", NUD_REACHABLE, n);
	for (int i = 0; i < 100; i++) {
		sleep_for(10 * NSEC_PER_SEC);
		send_to(n, 10);
		neigh_confirm(n);
	}
	check_state("still", NUD_REACHABLE, n);
	CHECK_EQ("without a question", 0, asked + probed);
	neigh_rele(n);
	world_end();
}

/* RFC 4861 appendix C, state by state. */
TEST_WITH(advertisements_change_what_the_rfc_says, .ht_flags = KEEPS)
{
	static const struct {
		const char	*label;
		unsigned int	 flags;		/* of the second message */
		bool		 other;		/* it has another address */
		unsigned int	 state;
		bool		 changed;
	} cases[] = {
		{ "same, not solicited", 0, false, NUD_REACHABLE, false },
		{ "same, solicited", NEIGH_REACHABLE, false, NUD_REACHABLE, false },
		{ "other, no override", 0, true, NUD_STALE, false },
		{ "other, solicited, no override", NEIGH_REACHABLE, true, NUD_STALE, false },
		{ "other, override", NEIGH_OVERRIDE, true, NUD_STALE, true },
		{ "other, override, solicited", NEIGH_OVERRIDE | NEIGH_REACHABLE, true,
		    NUD_REACHABLE, true },
	};

	world_make();
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct neigh *n = neighbour(0x0a000100 + i);

		learn(n, mac1, NEIGH_REACHABLE | NEIGH_OVERRIDE);
		check_state(cases[i].label, NUD_REACHABLE, n);
		learn(n, cases[i].other ? mac2 : mac1, cases[i].flags);
		check_state(cases[i].label, cases[i].state, n);
		CHECK_MEM(cases[i].label, cases[i].changed ? mac2 : mac1, n->n_lladdr, 6);
		neigh_rele(n);
	}
	world_end();
}

TEST_WITH(strangers_are_remembered_only_if_asked_for, .ht_flags = KEEPS)
{
	struct inaddr a = addr4(0x0a000009);
	struct neigh_info ni;

	world_make();
	neigh_learn(sk.sk_ifp, AF_INET, &a, mac1, NEIGH_OVERRIDE);
	CHECK_EQ("nobody wanted it", ENOENT, neigh_lookup(sk.sk_ifp, AF_INET, &a, &ni));
	neigh_learn(sk.sk_ifp, AF_INET, &a, mac1, NEIGH_OVERRIDE | NEIGH_CREATE | NEIGH_ROUTER);
	NEED(neigh_lookup(sk.sk_ifp, AF_INET, &a, &ni) == 0);
	CHECK_EQ("state", NUD_STALE, ni.ni_state);
	CHECK_EQ("a router", NTF_ROUTER, ni.ni_flags);
	CHECK_MEM("address", mac1, ni.ni_lladdr, 6);
	world_end();
}

TEST_WITH(the_queue_is_bounded_and_drops_the_oldest, .ht_flags = KEEPS)
{
	struct neigh *n;

	world_make();
	n = neighbour(0x0a000002);
	for (int i = 0; i < 100; i++)
		send_to(n, (size_t)i + 1);
	CHECK_EQ("packets", 64, n->n_q.pq_n);
	learn(n, mac1, NEIGH_REACHABLE);
	CHECK_EQ("sent", 64, sent());
	CHECK_EQ("the oldest went", 14 + 20 + 37, sk.sk_q.pq_head->p_len);
	packetq_drop(&sk.sk_q);
	neigh_rele(n);
	n = neighbour(0x0a000003);
	for (int i = 0; i < 20; i++)
		send_to(n, 60000);
	CHECK(n->n_q.pq_n == 3 && n->n_qbytes <= 212992);
	neigh_rele(n);
	world_end();
}

TEST_WITH(the_table_is_bounded, .ht_flags = KEEPS)
{
	unsigned int made = 0;
	struct neigh *held[600];

	world_make();
	for (unsigned int i = 0; i < ARRAY_SIZE(held); i++)
		held[i] = neighbour(0x0a010000 + i);
	for (unsigned int i = 0; i < 2000; i++) {
		struct inaddr a = addr4(0x0a020000 + i);
		struct neigh *n = neigh_get(sk.sk_ifp, AF_INET, &a);

		made += n != NULL;
		neigh_rele(n);
	}
	CHECK_EQ("old ones make room", 2000, made);
	CHECK(netns_neigh(ns)->nn_count[0] <= 1024);
	for (unsigned int i = 0; i < ARRAY_SIZE(held); i++) {
		CHECK_EQ("who is held stays", false, held[i]->n_dead);
		neigh_rele(held[i]);
	}
	world_end();
}

TEST_WITH(what_is_not_used_is_collected_in_time, .ht_flags = KEEPS)
{
	world_make();
	for (unsigned int i = 0; i < 200; i++) {
		struct neigh *n = neighbour(0x0a010000 + i);

		learn(n, mac1, NEIGH_REACHABLE);
		neigh_rele(n);
	}
	CHECK_EQ("all there", 200, netns_neigh(ns)->nn_count[0]);
	sleep_for(300 * NSEC_PER_SEC);
	CHECK_EQ("none left", 0, netns_neigh(ns)->nn_count[0]);
	world_end();
}

TEST_WITH(entries_by_hand_stay_and_are_believed, .ht_flags = KEEPS)
{
	struct neigh_info ni = { .ni_family = AF_INET, .ni_addr = addr4(0x0a000005),
	    .ni_addrlen = 6, .ni_state = NUD_PERMANENT };
	struct neigh *n;

	world_make();
	memcpy(ni.ni_lladdr, mac1, 6);
	mutex_enter(&ns->ns_lock);
	CHECK_EQ("no create", ENOENT, neigh_set(sk.sk_ifp, &ni, 0));
	CHECK_EQ("set", 0, neigh_set(sk.sk_ifp, &ni, NLM_F_CREATE | NLM_F_EXCL));
	CHECK_EQ("twice", EEXIST, neigh_set(sk.sk_ifp, &ni, NLM_F_CREATE | NLM_F_EXCL));
	mutex_exit(&ns->ns_lock);
	n = neighbour(0x0a000005);
	learn(n, mac2, NEIGH_REACHABLE | NEIGH_OVERRIDE);
	CHECK_MEM("not overridden", mac1, n->n_lladdr, 6);
	sleep_for(1000 * NSEC_PER_SEC);
	send_to(n, 10);
	CHECK_EQ("sent", 1, sent());
	CHECK_EQ("never asked", 0, asked + probed);
	mutex_enter(&ns->ns_lock);
	CHECK_EQ("del", 0, neigh_del(sk.sk_ifp, AF_INET, &n->n_addr));
	CHECK_EQ("twice", ENOENT, neigh_del(sk.sk_ifp, AF_INET, &n->n_addr));
	mutex_exit(&ns->ns_lock);
	send_to(n, 10);
	CHECK_EQ("a dead one passes nothing on", 1, sent());
	neigh_rele(n);
	world_end();
}

TEST_WITH(going_down_forgets_the_neighbours, .ht_flags = KEEPS)
{
	struct neigh *n;

	world_make();
	n = neighbour(0x0a000002);
	send_to(n, 10);
	mutex_enter(&ns->ns_lock);
	CHECK_EQ("down", 0, if_setflags(sk.sk_ifp, 0, IFF_UP));
	mutex_exit(&ns->ns_lock);
	CHECK(n->n_dead);
	CHECK_EQ("none", 0, netns_neigh(ns)->nn_count[0]);
	sleep_for(10 * NSEC_PER_SEC);
	CHECK_EQ("no more questions", 1, asked);
	neigh_rele(n);
	world_end();
}

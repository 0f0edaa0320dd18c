/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_linkcond.c - link conditions: their text, their chances, and an interface
 */

#include <harness.h>
#include <lib/string.h>
#include <net/ifnet.h>
#include <net/linkcond.h>
#include <net/netns.h>
#include <net/packet.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/qsbr.h>

#include "net_test.h"

#define MS	1000000LL

/* --- text ------------------------------------------------------------------------ */

TEST(conditions_are_read_as_they_are_written)
{
	struct linkcond_params lp;
	const char *bad;

	CHECK_EQ("all", 0, linkcond_parse("loss=1.5%,duplicate=100%,corrupt=0.0001%,"
	    "reorder=25%,delay=20ms,jitter=1.5ms,rate=10mbit,limit=50,seed=7", &lp, &bad));
	CHECK_EQ("loss", 15000, lp.lp_loss);
	CHECK_EQ("duplicate", LINKCOND_ALL, lp.lp_duplicate);
	CHECK_EQ("corrupt", 1, lp.lp_corrupt);
	CHECK_EQ("reorder", 250000, lp.lp_reorder);
	CHECK_EQ("delay", 20 * MS, lp.lp_delay);
	CHECK_EQ("jitter", 1500000, lp.lp_jitter);
	CHECK_EQ("rate", 10000000, lp.lp_rate);
	CHECK_EQ("limit", 50, lp.lp_limit);
	CHECK_EQ("seed", 7, lp.lp_seed);
	CHECK_EQ("none", 0, linkcond_parse("", &lp, &bad));
	CHECK_EQ("perfect", 0, lp.lp_loss);
}

TEST(conditions_that_make_no_sense_are_pointed_at)
{
	static const struct { const char *text; size_t at; } cases[] = {
		{ "loss", 0 }, { "loss=", 0 }, { "loss=1", 0 }, { "loss=101%", 0 },
		{ "loss=-1%", 0 }, { "loss=%", 0 }, { "delay=1h", 0 }, { "delay=9999999s", 0 },
		{ "rate=1", 0 }, { "x=1%", 0 }, { "loss=1%,delay=1", 8 }, { ",", 0 },
		{ "seed=99999999999999999999", 0 }, { "seed=1.2.3", 0 }, { "limit=1000001", 0 },
		{ "rate=18446744073709551615gbit", 0 },
	};
	struct linkcond_params lp;
	const char *bad;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bad = NULL;
		CHECK_EQ(cases[i].text, EINVAL, linkcond_parse(cases[i].text, &lp, &bad));
		CHECK_EQ(cases[i].text, cases[i].at, bad - cases[i].text);
	}
}

/* --- chances ------------------------------------------------------------------------ */

TEST(chances_are_what_was_asked_for)
{
	const struct linkcond_params lp = {
		.lp_loss = 10000, .lp_duplicate = 50000, .lp_corrupt = 1000,
		.lp_reorder = 250000, .lp_seed = 42,
	};
	unsigned int lost = 0, twice = 0, corrupt = 0, reordered = 0;
	struct linkcond_model lm;
	struct linkcond_fate fate;

	linkcond_model_init(&lm, &lp);
	for (int i = 0; i < 1000000; i++) {
		linkcond_model_next(&lm, i, 1000, &fate);
		lost += fate.lf_lost;
		twice += fate.lf_twice;
		corrupt += fate.lf_corrupt;
		reordered += fate.lf_reordered;
		CHECK(fate.lf_bit < 8000);
	}
	CHECK(lost > 9700 && lost < 10300);
	CHECK(twice > 49300 && twice < 50700);
	CHECK(corrupt > 900 && corrupt < 1100);
	CHECK(reordered > 248500 && reordered < 251500);
}

TEST(a_seed_decides_everything)
{
	struct linkcond_params lp = {
		.lp_loss = 100000, .lp_delay = 5 * MS, .lp_jitter = MS, .lp_seed = 9,
	};
	struct linkcond_model a, b, c;
	struct linkcond_fate fa, fb, fc;
	unsigned int differ = 0;

	linkcond_model_init(&a, &lp);
	linkcond_model_init(&b, &lp);
	lp.lp_seed = 10;
	linkcond_model_init(&c, &lp);
	for (int i = 0; i < 1000; i++) {
		linkcond_model_next(&a, i * MS, 100, &fa);
		linkcond_model_next(&b, i * MS, 100, &fb);
		linkcond_model_next(&c, i * MS, 100, &fc);
		CHECK(fa.lf_lost == fb.lf_lost && fa.lf_due == fb.lf_due);
		differ += fa.lf_due != fc.lf_due;
	}
	CHECK(differ > 900);
}

TEST(a_line_takes_its_time_and_keeps_the_order)
{
	const struct linkcond_params lp = {
		.lp_rate = 8000000, .lp_delay = 10 * MS, .lp_jitter = 2 * MS, .lp_seed = 1,
	};
	struct linkcond_model lm;
	struct linkcond_fate fate;
	int64_t last = 0;

	linkcond_model_init(&lm, &lp);
	for (int i = 1; i <= 1000; i++) {
		/* A thousand bytes are a millisecond of this line. */
		linkcond_model_next(&lm, 0, 1000, &fate);
		CHECK(fate.lf_due >= i * MS + 8 * MS);
		CHECK(fate.lf_due <= i * MS + 12 * MS);
		CHECK(fate.lf_due >= last);
		last = fate.lf_due;
	}
}

/* --- an interface ---------------------------------------------------------------------- */

static struct packetq arrived;
static kmutex_t arrived_lock;
static kcondvar_t arrived_cv;
static int64_t arrived_at;

static void
end_xmit(struct ifnet *ifp, struct packetq *q)
{
	mutex_enter(&arrived_lock);
	packetq_join(&arrived, q);
	arrived_at = clock_mono();
	cv_broadcast(&arrived_cv);
	mutex_exit(&arrived_lock);
}

static const struct if_ops end_if_ops = { .ifo_xmit = end_xmit, .ifo_kind = "end" };

static struct ifnet *
end_create(void)
{
	static const uint8_t lladdr[6] = { 2, 0, 0, 0, 0, 1 };
	struct ifnet *ifp;

	packetq_init(&arrived);
	mutex_init(&arrived_lock, "arrived");
	cv_init(&arrived_cv, "arrived");
	if (if_alloc("end%d", &end_if_ops, NULL, &ifp) != 0)
		return NULL;
	if_ethernet(ifp, lladdr);
	ifp->if_mtu = 1000;	/* too small for IPv6, which would say something */
	ifp->if_hwcaps = ifp->if_caps = IFCAP_FRAGS | IFCAP_TXCSUM | IFCAP_GSO;
	if (if_attach(netns0, ifp) != 0) {
		if_rele(ifp);
		return NULL;
	}
	mutex_enter(&netns0->ns_lock);
	(void)if_setflags(ifp, IFF_UP, IFF_UP);
	mutex_exit(&netns0->ns_lock);
	return ifp;
}

static void
end_destroy(struct ifnet *ifp)
{
	if_detach(ifp);
	if_rele(ifp);
	packetq_drop(&arrived);
	qsbr_barrier();
}

static int
cond(struct ifnet *ifp, const char *text)
{
	struct linkcond_params lp;
	const char *bad;
	int error;

	NEED(linkcond_parse(text, &lp, &bad) == 0);
	mutex_enter(&netns0->ns_lock);
	error = linkcond_set(ifp, &lp);
	mutex_exit(&netns0->ns_lock);
	return error;
}

static struct linkcond_stats
stats(struct ifnet *ifp)
{
	struct linkcond_params lp;
	struct linkcond_stats ls = { 0 };

	mutex_enter(&netns0->ns_lock);
	(void)linkcond_get(ifp, &lp, &ls);
	mutex_exit(&netns0->ns_lock);
	return ls;
}

/* Until n have arrived. */
static void
wait_for(unsigned int n)
{
	mutex_enter(&arrived_lock);
	while (arrived.pq_n < n)
		cv_wait(&arrived_cv, &arrived_lock);
	mutex_exit(&arrived_lock);
}

TEST_WITH(packets_arrive_late_and_in_order, .ht_flags = HARNESS_KERNEL | HARNESS_KEEPS)
{
	struct ifnet *ifp = end_create();
	int64_t start = clock_mono();
	struct packet *p;

	NEED(ifp != NULL);
	CHECK_EQ("set", 0, cond(ifp, "delay=50ms,jitter=20ms,seed=3"));
	for (uint8_t i = 0; i < 100; i++)
		frame_send(ifp, 1000, i);
	CHECK_EQ("none yet", 0, arrived.pq_n);
	wait_for(100);
	CHECK(arrived_at - start >= 30 * MS && arrived_at - start <= 80 * MS);
	for (uint8_t i = 0; i < 100; i++) {
		p = packetq_get(&arrived);
		CHECK_EQ("order", i, p->p_data[0]);
		packet_free(p);
	}
	end_destroy(ifp);
}

TEST_WITH(reordered_packets_are_overtaken, .ht_flags = HARNESS_KERNEL | HARNESS_KEEPS)
{
	struct ifnet *ifp = end_create();
	unsigned int overtaken = 0;
	uint8_t highest = 0;
	struct packet *p;

	NEED(ifp != NULL);
	CHECK_EQ("set", 0, cond(ifp, "reorder=20%,delay=10ms,seed=3"));
	for (uint8_t i = 0; i < 200; i++)
		frame_send(ifp, 100, i);
	wait_for(200);
	while ((p = packetq_get(&arrived)) != NULL) {
		overtaken += p->p_data[0] < highest;
		if (p->p_data[0] > highest)
			highest = p->p_data[0];
		packet_free(p);
	}
	CHECK_EQ("as counted", stats(ifp).ls_reordered, overtaken);
	CHECK(overtaken > 20 && overtaken < 60);
	end_destroy(ifp);
}

TEST_WITH(spoilt_packets_differ_in_one_bit_and_their_originals_do_not,
    .ht_flags = HARNESS_KERNEL | HARNESS_KEEPS)
{
	struct ifnet *ifp = end_create();
	uint8_t data[2000];
	struct packet *p;

	NEED(ifp != NULL);
	/* Twice: both copies are of the spoilt one. */
	CHECK_EQ("set", 0, cond(ifp, "corrupt=100%,seed=3"));
	for (uint8_t i = 0; i < 100; i++)
		frame_send(ifp, sizeof(data), 0x55);
	CHECK_EQ("at once", 100, arrived.pq_n);
	while ((p = packetq_get(&arrived)) != NULL) {
		unsigned int wrong = 0;

		NEED(p->p_len == sizeof(data));
		packet_copyout(p, 0, data, sizeof(data));
		for (size_t i = 0; i < sizeof(data); i++) {
			wrong += (unsigned int)__builtin_popcount(data[i] ^ 0x55);
			CHECK(i >= 14 || data[i] == 0x55);
		}
		CHECK_EQ("bits", 1, wrong);
		packet_free(p);
	}
	end_destroy(ifp);
}

TEST_WITH(lost_and_doubled_packets_are_counted, .ht_flags = HARNESS_KERNEL | HARNESS_KEEPS)
{
	struct ifnet *ifp = end_create();
	struct linkcond_stats ls;

	NEED(ifp != NULL);
	CHECK_EQ("set", 0, cond(ifp, "loss=30%,duplicate=10%,seed=5"));
	for (int i = 0; i < 1000; i++)
		frame_send(ifp, 100, 1);
	ls = stats(ifp);
	CHECK_EQ("sum", 1000, ls.ls_passed + ls.ls_lost - ls.ls_duplicated);
	CHECK_EQ("arrived", ls.ls_passed, arrived.pq_n);
	CHECK(ls.ls_lost > 250 && ls.ls_lost < 350 && ls.ls_duplicated > 40);
	CHECK_EQ("perfect again", 0, cond(ifp, ""));
	packetq_drop(&arrived);
	for (int i = 0; i < 100; i++)
		frame_send(ifp, 100, 1);
	CHECK_EQ("all", 100, arrived.pq_n);
	end_destroy(ifp);
}

TEST_WITH(a_queue_has_an_end, .ht_flags = HARNESS_KERNEL | HARNESS_KEEPS)
{
	struct ifnet *ifp = end_create();

	NEED(ifp != NULL);
	CHECK_EQ("set", 0, cond(ifp, "rate=1mbit,limit=20"));
	for (int i = 0; i < 100; i++)
		frame_send(ifp, 1000, 1);
	CHECK_EQ("too many", 80, stats(ifp).ls_overrun);
	wait_for(20);
	/* What is on its way when the interface goes is freed. */
	for (int i = 0; i < 10; i++)
		frame_send(ifp, 1000, 1);
	end_destroy(ifp);
}

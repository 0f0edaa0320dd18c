/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ifdrive.c - who drives an interface
 *
 * The link here is a queue and a word to sleep on; "frames" are counted by
 * a protocol of our own, which wakes a condition variable as a socket would.
 */

#include <net/ifnet.h>

#include <lib/string.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/idle.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/lwp.h>
#include <sys/mutex.h>
#include <sys/vcpu.h>

#include <harness.h>

#define ETHERTYPE_OURS	0x88b5		/* for local experiments: IEEE 802 */
#define MSEC		1000000LL
/* IPv6, if it is there, starts threads with the first interface that comes up. */
#define SEEDS		.ht_flags = HARNESS_SIDE | HARNESS_KEEPS, .ht_seeds = 20

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

/* --- a link ------------------------------------------------------------------- */

struct link {
	struct ifnet	*ifp;
	kmutex_t	 lock;
	struct packetq	 q;		/* lock; pq_n read atomically */
	uint32_t	 bell;		/* a */
	struct lwp	*last;		/* a: who slept in it last */
};

static unsigned int
link_poll(struct ifnet *ifp, unsigned int budget, struct packetq *q)
{
	struct link *k = ifp->if_softc;
	struct packet *p;
	unsigned int n = 0;

	mutex_enter(&k->lock);
	while (n < budget && (p = packetq_get(&k->q)) != NULL) {
		packetq_put(q, p);
		n++;
	}
	mutex_exit(&k->lock);
	return n;
}

static int
link_sleep(struct ifnet *ifp, const uint32_t *word, uint32_t expected, bool intr,
    int64_t deadline)
{
	struct link *k = ifp->if_softc;
	uint32_t bell = __atomic_load_n(&k->bell, __ATOMIC_SEQ_CST);
	int error = 0;

	atomic_store(&k->last, curlwp());
	if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == expected &&
	    __atomic_load_n(&k->q.pq_n, __ATOMIC_SEQ_CST) == 0)
		error = rumpuser_park(&k->bell, bell,
		    intr ? RUMPUSER_PARK_INTR : 0, deadline);
	return error == EAGAIN ? 0 : error;
}

static void
link_kick(struct ifnet *ifp)
{
	struct link *k = ifp->if_softc;

	__atomic_fetch_add(&k->bell, 1, __ATOMIC_SEQ_CST);
	(void)rumpuser_unpark(&k->bell, 1, 0);
}

static void
link_xmit(struct ifnet *ifp, struct packetq *q)
{
	packetq_drop(q);
}

static const struct if_ops link_ops = {
	.ifo_xmit	= link_xmit,
	.ifo_poll	= link_poll,
	.ifo_sleep	= link_sleep,
	.ifo_kick	= link_kick,
	.ifo_kind	= "test",
};

/* A frame arrives. */
static void
link_arrive(struct link *k)
{
	struct packet *p = packet_alloc(KM_SLEEP);
	uint8_t *eth;

	NEED(p != NULL);
	eth = packet_append(p, 60);
	memset(eth, 0, 60);
	memcpy(eth, mac, 6);
	eth[12] = ETHERTYPE_OURS >> 8;
	eth[13] = ETHERTYPE_OURS & 0xff;
	mutex_enter(&k->lock);
	packetq_put(&k->q, p);
	mutex_exit(&k->lock);
	link_kick(k->ifp);
}

static void
link_open(struct link *k)
{
	memset(k, 0, sizeof(*k));
	mutex_init(&k->lock, "testlink");
	NEED(if_alloc("test%d", &link_ops, k, &k->ifp) == 0);
	if_ethernet(k->ifp, mac);
	NEED(if_attach(netns0, k->ifp) == 0);
	if_setcarrier(k->ifp, true);
	mutex_enter(&netns0->ns_lock);
	CHECK_EQ("up", 0, if_setflags(k->ifp, IFF_UP, IFF_UP));
	mutex_exit(&netns0->ns_lock);
}

static void
link_close(struct link *k)
{
	if_detach(k->ifp);
	if_rele(k->ifp);
	packetq_drop(&k->q);
	qsbr_barrier();
	mutex_destroy(&k->lock);
}

/* --- a protocol ------------------------------------------------------------------ */

static kmutex_t got_lock = { .m_name = "testgot" };
static kcondvar_t got_cv = { .cv_name = "testgot" };
static unsigned int got;		/* got_lock */
static struct lwp *got_by;		/* got_lock: who ran the stack */

static void
ours_input(struct ifnet *ifp, struct packetq *q)
{
	mutex_enter(&got_lock);
	atomic_store(&got, got + q->pq_n);
	got_by = curlwp();
	cv_broadcast(&got_cv);
	mutex_exit(&got_lock);
	packetq_drop(q);
}

static struct l3proto ours = {
	.l3_ethertype = ETHERTYPE_OURS,
	.l3_input = ours_input,
};

static void
test_open(struct link *k)
{
	l3proto_register(&ours);
	link_open(k);
}

/* Waits as a socket does. */
static int
wait_for(unsigned int n, int64_t deadline)
{
	int error = 0;

	mutex_enter(&got_lock);
	while (got < n && error == 0)
		error = cv_timedwait_sig_idle(&got_cv, &got_lock, deadline);
	if (got >= n)
		error = 0;
	mutex_exit(&got_lock);
	return error;
}

static void
pause_for(int64_t ns)
{
	int64_t until = clock_mono() + ns;
	uint32_t never = 0;

	while (clock_mono() < until) {
		vcpu_block_begin();
		(void)rumpuser_park(&never, 0, 0, until);
		vcpu_block_end();
	}
}

/* --- tests ------------------------------------------------------------------------- */

static void
arrive_later(void *arg)
{
	pause_for(20 * MSEC);
	link_arrive(arg);
}

TEST_WITH(frames_arrive_though_nobody_waits, SEEDS)
{
	struct link k;

	test_open(&k);
	for (unsigned int i = 1; i <= 5; i++) {
		link_arrive(&k);
		pause_for(5 * MSEC);
		CHECK_EQ("frames", i, atomic_load(&got));
	}
	link_close(&k);
}

/*
 * The guard sleeps in the driver at first and is sent away; from the second
 * time on it is the waiter that a frame wakes.
 */
TEST_WITH(a_frame_wakes_who_waits_for_it, SEEDS)
{
	struct kthread *kt;
	struct link k;

	test_open(&k);
	for (unsigned int i = 1; i <= 4; i++) {
		NEED(kthread_create(arrive_later, &k, "later", &kt) == 0);
		CHECK_EQ("wait", 0, wait_for(i, KTIME_NEVER));
		kthread_join(kt);
		if (i > 1) {
			CHECK(got_by == curlwp());
			CHECK(atomic_load(&k.last) == curlwp());
		}
	}
	link_close(&k);
}

TEST_WITH(a_deadline_ends_the_sleep_in_the_driver, SEEDS)
{
	struct link k;
	int64_t start;

	test_open(&k);
	for (int i = 0; i < 3; i++) {
		start = clock_mono();
		CHECK_EQ("timeout", ETIMEDOUT, wait_for(1, start + 30 * MSEC));
		CHECK(clock_mono() >= start + 30 * MSEC);
		CHECK(clock_mono() < start + 40 * MSEC);
	}
	link_close(&k);
}

static void
wake_later(void *arg)
{
	pause_for(20 * MSEC);
	mutex_enter(&got_lock);
	got = 1;
	cv_broadcast(&got_cv);
	mutex_exit(&got_lock);
}

TEST_WITH(a_wake_up_that_is_no_frame_reaches_the_sleeper, SEEDS)
{
	struct kthread *kt;
	struct link k;

	test_open(&k);
	for (int i = 0; i < 3; i++) {
		got = 0;
		NEED(kthread_create(wake_later, &k, "later", &kt) == 0);
		CHECK_EQ("wait", 0, wait_for(1, clock_mono() + 1000 * MSEC));
		kthread_join(kt);
	}
	link_close(&k);
}

static void
interrupt_later(void *arg)
{
	pause_for(20 * MSEC);
	lwp_interrupt(arg);
}

TEST_WITH(an_interrupt_ends_the_sleep_in_the_driver, SEEDS)
{
	struct kthread *kt;
	struct link k;

	test_open(&k);
	for (int i = 0; i < 3; i++) {
		NEED(kthread_create(interrupt_later, curlwp(), "later", &kt) == 0);
		CHECK_EQ("wait", EINTR, wait_for(1, KTIME_NEVER));
		kthread_join(kt);
	}
	link_close(&k);
}

struct waiter {
	struct kthread	*kt;
	unsigned int	 n;
	int		 error;
};

static void
waiter_main(void *arg)
{
	struct waiter *w = arg;

	w->error = wait_for(w->n, clock_mono() + 2000 * MSEC);
}

TEST_WITH(many_waiters_get_all_their_frames, SEEDS)
{
	struct waiter w[6];
	struct link k;

	test_open(&k);
	for (unsigned int i = 0; i < 6; i++) {
		w[i].n = i + 1;
		NEED(kthread_create(waiter_main, &w[i], "waiter", &w[i].kt) == 0);
	}
	for (unsigned int i = 0; i < 6; i++) {
		link_arrive(&k);
		if (harness_seed() % 3 == 0)
			pause_for(MSEC);
	}
	for (unsigned int i = 0; i < 6; i++) {
		kthread_join(w[i].kt);
		CHECK_EQ("waiter", 0, w[i].error);
	}
	link_close(&k);
}

/* After a while of quiet nobody wakes up any more. */
TEST_WITH(an_idle_interface_costs_nothing, SEEDS)
{
	struct link k;
	uint32_t bell;

	test_open(&k);
	link_arrive(&k);
	CHECK_EQ("wait", 0, wait_for(1, KTIME_NEVER));
	CHECK_EQ("quiet", ETIMEDOUT, wait_for(2, clock_mono() + 1000 * MSEC));
	pause_for(1000 * MSEC);
	bell = atomic_load(&k.bell);
	pause_for(100000 * MSEC);
	CHECK_EQ("kicks while idle", bell, atomic_load(&k.bell));
	link_close(&k);
}

TEST_WITH(an_interface_can_go_while_somebody_sleeps_in_it, SEEDS)
{
	struct waiter w = { .n = 1 };
	struct link k;

	test_open(&k);
	pause_for(MSEC);
	NEED(kthread_create(waiter_main, &w, "waiter", &w.kt) == 0);
	pause_for(50 * MSEC);
	link_close(&k);
	kthread_join(w.kt);
	CHECK_EQ("waiter", ETIMEDOUT, w.error);
}

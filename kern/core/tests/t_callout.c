/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_callout.c - functions that run at a time, in virtual time
 *
 * When all threads sleep the clock jumps to the next deadline, so a year
 * takes no longer than a microsecond, and "exactly then" means: within the
 * few hypercalls that the thread makes between waking and calling.
 */

#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include <harness.h>

#define USEC	1000LL
#define MSEC	1000000LL
#define DAY	(86400 * NSEC_PER_SEC)
#define SLACK	(20 * USEC)

static kmutex_t lock = { .m_name = "test" };
static kcondvar_t cv = { .cv_name = "test" };

/* Lets virtual time pass. */
static void
sleep_until(int64_t when)
{
	mutex_enter(&lock);
	while (clock_mono() < when)
		(void)cv_timedwait(&cv, &lock, when);
	mutex_exit(&lock);
}

static void
sleep_for(int64_t ns)
{
	sleep_until(clock_mono() + ns);
}

struct probe {
	struct callout	p_callout;
	unsigned int	p_runs;		/* a */
	int64_t		p_when;		/* of the last run */
};

static void
probe_fn(void *arg)
{
	struct probe *p = arg;

	p->p_when = clock_mono();
	__atomic_fetch_add(&p->p_runs, 1, __ATOMIC_RELEASE);
}

static void
probe_init(struct probe *p)
{
	callout_init(&p->p_callout, probe_fn, p);
	p->p_runs = 0;
	p->p_when = 0;
}

static unsigned int
probe_runs(struct probe *p)
{
	return __atomic_load_n(&p->p_runs, __ATOMIC_ACQUIRE);
}

/* The timer thread stays, and is not a leak. */
#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS)

TEST_WITH(callouts_run_at_their_time_and_once, .ht_flags = KEEPS)
{
	static const int64_t delays[] = { 0, 1, 999, USEC, 65535, 65536, 65537,
	    MSEC, 67 * MSEC, NSEC_PER_SEC, 3600 * NSEC_PER_SEC, DAY, 49 * DAY,
	    366 * DAY, 100 * 366 * DAY };
	struct probe p;

	for (size_t i = 0; i < ARRAY_SIZE(delays); i++) {
		int64_t when = clock_mono() + delays[i];

		probe_init(&p);
		CHECK_EQ("schedule", 0, callout_schedule(&p.p_callout, when));
		sleep_until(when + SLACK);
		if (!CHECK_EQ("runs", 1, probe_runs(&p)) ||
		    !CHECK(p.p_when >= when && p.p_when <= when + SLACK))
			harness_note("delay %jd: late by %jd",
			    (intmax_t)delays[i], (intmax_t)(p.p_when - when));
		sleep_for(MSEC);
		CHECK_EQ("runs", 1, probe_runs(&p));
	}
}

TEST_WITH(many_callouts_run_in_the_order_of_their_times, .ht_flags = KEEPS)
{
	static struct probe probes[500];
	int64_t start = clock_mono() + MSEC;

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		probe_init(&probes[i]);
		CHECK_EQ("schedule", 0, callout_schedule(&probes[i].p_callout,
		    start + (int64_t)(i * 7919 % ARRAY_SIZE(probes)) * 100 * USEC));
	}
	sleep_until(start + 60 * MSEC);
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		int64_t want = start +
		    (int64_t)(i * 7919 % ARRAY_SIZE(probes)) * 100 * USEC;

		CHECK_EQ("runs", 1, probe_runs(&probes[i]));
		CHECK(probes[i].p_when >= want &&
		    probes[i].p_when <= want + SLACK);
	}
}

/* Who holds something for each turn must learn what became of it. */
TEST_WITH(a_turn_is_counted_once, .ht_flags = KEEPS)
{
	int64_t now = clock_mono();
	struct probe p;
	bool was = true;

	probe_init(&p);
	CHECK_EQ("arm", 0, callout_rearm(&p.p_callout, now + MSEC, &was));
	CHECK_EQ("a turn begins", false, was);
	CHECK_EQ("again", 0, callout_rearm(&p.p_callout, now + DAY, &was));
	CHECK_EQ("the same turn", true, was);
	CHECK_EQ("it was armed", true, callout_disarm(&p.p_callout));
	CHECK_EQ("not any more", false, callout_disarm(&p.p_callout));
	sleep_until(now + 2 * DAY);
	CHECK_EQ("runs", 0, probe_runs(&p));
	now = clock_mono();
	CHECK_EQ("arm", 0, callout_rearm(&p.p_callout, now + MSEC, &was));
	sleep_until(now + 2 * MSEC);
	CHECK_EQ("runs", 1, probe_runs(&p));
	CHECK_EQ("it came", false, callout_disarm(&p.p_callout));
	CHECK_EQ("arm", 0, callout_rearm(&p.p_callout, now + DAY, &was));
	CHECK_EQ("a new turn", false, was);
	CHECK_EQ("stop", true, callout_disarm(&p.p_callout));
}

TEST_WITH(arming_again_replaces_the_time, .ht_flags = KEEPS)
{
	int64_t now = clock_mono();
	struct probe p;

	probe_init(&p);
	CHECK_EQ("far", 0, callout_schedule(&p.p_callout, now + DAY));
	CHECK_EQ("near", 0, callout_schedule(&p.p_callout, now + MSEC));
	sleep_until(now + 2 * MSEC);
	CHECK_EQ("runs", 1, probe_runs(&p));
	now = clock_mono();
	CHECK_EQ("near", 0, callout_schedule(&p.p_callout, now + MSEC));
	CHECK_EQ("far", 0, callout_schedule(&p.p_callout, now + NSEC_PER_SEC));
	sleep_until(now + 2 * MSEC);
	CHECK_EQ("runs", 1, probe_runs(&p));
	sleep_until(now + 2 * NSEC_PER_SEC);
	CHECK_EQ("runs", 2, probe_runs(&p));
}

TEST_WITH(never_is_never, .ht_flags = KEEPS)
{
	struct probe p;

	probe_init(&p);
	CHECK_EQ("schedule", 0, callout_schedule(&p.p_callout, KTIME_NEVER));
	sleep_for(200 * 366 * DAY);
	CHECK_EQ("runs", 0, probe_runs(&p));
	CHECK(callout_stop(&p.p_callout));
}

TEST_WITH(what_was_stopped_does_not_run, .ht_flags = KEEPS)
{
	struct probe p;

	probe_init(&p);
	CHECK(callout_stop(&p.p_callout));
	callout_halt(&p.p_callout);
	CHECK_EQ("schedule", 0, callout_schedule(&p.p_callout,
	    clock_mono() + MSEC));
	CHECK(callout_stop(&p.p_callout));
	CHECK(callout_stop(&p.p_callout));
	sleep_for(2 * MSEC);
	CHECK_EQ("runs", 0, probe_runs(&p));
	CHECK_EQ("schedule", 0, callout_schedule(&p.p_callout,
	    clock_mono() + MSEC));
	sleep_for(2 * MSEC);
	CHECK_EQ("runs", 1, probe_runs(&p));
	CHECK(callout_stop(&p.p_callout));
}

/* --- functions that take their time -------------------------------------- */

struct slow {
	struct callout	s_callout;
	uint32_t	s_inside;	/* a */
	unsigned int	s_runs;
	bool		s_again;	/* arms itself */
};

static void
slow_fn(void *arg)
{
	struct slow *s = arg;

	atomic_store_rel(&s->s_inside, 1);
	s->s_runs++;
	if (s->s_again)
		(void)callout_schedule(&s->s_callout, clock_mono() + MSEC);
	sleep_for(5 * MSEC);
	atomic_store_rel(&s->s_inside, 0);
}

static void
slow_start(struct slow *s, bool again)
{
	callout_init(&s->s_callout, slow_fn, s);
	s->s_inside = 0;
	s->s_runs = 0;
	s->s_again = again;
	NEED(callout_schedule(&s->s_callout, clock_mono() + USEC) == 0);
	while (atomic_load_acq(&s->s_inside) == 0)
		sleep_for(USEC);
}

TEST_WITH(halting_waits_for_what_is_running, .ht_flags = KEEPS, .ht_seeds = 10)
{
	struct slow s;

	slow_start(&s, false);
	CHECK(!callout_stop(&s.s_callout));
	CHECK_EQ("inside", 1, atomic_load_acq(&s.s_inside));
	callout_halt(&s.s_callout);
	CHECK_EQ("inside", 0, atomic_load_acq(&s.s_inside));
	CHECK(callout_stop(&s.s_callout));
	CHECK_EQ("runs", 1, s.s_runs);
}

TEST_WITH(halting_ends_what_arms_itself, .ht_flags = KEEPS, .ht_seeds = 10)
{
	struct slow s;

	slow_start(&s, true);
	callout_halt(&s.s_callout);
	CHECK_EQ("inside", 0, atomic_load_acq(&s.s_inside));
	CHECK_EQ("runs", 1, s.s_runs);
	sleep_for(50 * MSEC);
	CHECK_EQ("runs", 1, s.s_runs);
}

static void
self_fn(void *arg)
{
	struct slow *s = arg;

	s->s_runs++;
	(void)callout_schedule(&s->s_callout, clock_mono() + MSEC);
	if (s->s_runs == 5)
		callout_halt(&s->s_callout);	/* must not wait for itself */
}

TEST_WITH(a_function_may_halt_its_own_callout, .ht_flags = KEEPS)
{
	struct slow s = { .s_runs = 0 };

	callout_init(&s.s_callout, self_fn, &s);
	CHECK_EQ("schedule", 0, callout_schedule(&s.s_callout, 0));
	sleep_for(NSEC_PER_SEC);
	CHECK_EQ("runs", 5, s.s_runs);
}

static void
free_fn(void *arg)
{
	kmem_free(arg, sizeof(struct probe));
}

TEST_WITH(a_function_may_free_its_callout, .ht_flags = KEEPS)
{
	uint64_t before, after;
	struct kmem_stats st;

	sleep_for(1);
	kmem_getstats(&st);
	before = st.ks_pages;
	for (unsigned int i = 0; i < 50; i++) {
		struct probe *p = kmem_alloc(sizeof(*p), KM_SLEEP);

		NEED(p != NULL);
		callout_init(&p->p_callout, free_fn, p);
		NEED(callout_schedule(&p->p_callout, clock_mono() + i) == 0);
	}
	sleep_for(MSEC);
	kmem_getstats(&st);
	after = st.ks_pages;
	CHECK_EQ("memory.used", before, after);
}

/* --- races --------------------------------------------------------------- */

#define NRACERS	3

static struct probe racing;
static unsigned int nstopped;		/* a */

static void
racer(void *arg)
{
	uint64_t x = (uintptr_t)arg * 0x9e3779b97f4a7c15ull;

	for (unsigned int i = 0; i < 60; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		switch (x >> 60 & 3) {
		case 0:
			if (callout_stop(&racing.p_callout))
				atomic_add(&nstopped, 1);
			break;
		case 1:
			callout_halt(&racing.p_callout);
			break;
		default:
			NEED(callout_schedule(&racing.p_callout,
			    clock_mono() + (int64_t)(x >> 50 & 0xff)) == 0);
			break;
		}
		sleep_for((int64_t)(x >> 40 & 0x1ff));
	}
}

TEST_WITH(arming_and_stopping_may_race, .ht_flags = KEEPS, .ht_seeds = 30)
{
	struct kthread *kt[NRACERS];
	unsigned int runs;

	probe_init(&racing);
	for (uintptr_t i = 0; i < NRACERS; i++)
		NEED(kthread_create(racer, (void *)(harness_seed() * 16 + i),
		    "racer", &kt[i]) == 0);
	for (unsigned int i = 0; i < NRACERS; i++)
		kthread_join(kt[i]);
	callout_halt(&racing.p_callout);
	runs = probe_runs(&racing);
	sleep_for(DAY);
	CHECK_EQ("runs after the halt", runs, probe_runs(&racing));
	CHECK(nstopped > 0);
}

SWEEP_WITH(a_missing_timer_thread_is_reported, FAULT_THREAD, .ht_flags = KEEPS)
{
	struct probe p;
	int error;

	probe_init(&p);
	error = callout_schedule(&p.p_callout, clock_mono() + MSEC);
	if (error) {
		/* The next one finds a host that has a thread again. */
		CHECK_EQ("again", 0, callout_schedule(&p.p_callout,
		    clock_mono() + MSEC));
	}
	sleep_for(2 * MSEC);
	CHECK_EQ("runs", 1, probe_runs(&p));
	return error;
}

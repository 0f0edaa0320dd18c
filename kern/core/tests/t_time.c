/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_time.c - clocks and the calls that sleep, in virtual time
 */

#include <abi/sysargs.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/ktime.h>
#include <sys/lwp.h>
#include <sys/proc.h>

#include <harness.h>

#define MSEC	1000000LL
#define SLACK	20000
#define BAD	((void *)8)		/* nobody maps this */

#define CPUCLOCK(id, kind)	(~(id) * 8 + (kind))

typedef struct __kernel_timespec kts;

static long ret;

static int64_t
gettime(int clock)
{
	kts ts = { -1, -1 };

	CHECK_EQ("clock_gettime", 0, sys_clock_gettime(curlwp(), clock, &ts,
	    &ret));
	CHECK(ts.tv_nsec >= 0 && ts.tv_nsec < NSEC_PER_SEC);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static int
settime(int clock, int64_t ns)
{
	kts ts = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };

	return sys_clock_settime(curlwp(), clock, &ts, &ret);
}

TEST(clocks_are_those_of_linux)
{
	static const struct { int clock; int get, set, sleep; } cases[] = {
		{ CLOCK_REALTIME, 0, 0, 0 },
		{ CLOCK_MONOTONIC, 0, EINVAL, 0 },
		{ CLOCK_PROCESS_CPUTIME_ID, 0, EINVAL, 0 },
		{ CLOCK_THREAD_CPUTIME_ID, 0, EINVAL, EOPNOTSUPP },
		{ CLOCK_MONOTONIC_RAW, 0, EINVAL, EOPNOTSUPP },
		{ CLOCK_REALTIME_COARSE, 0, EINVAL, EOPNOTSUPP },
		{ CLOCK_MONOTONIC_COARSE, 0, EINVAL, EOPNOTSUPP },
		{ CLOCK_BOOTTIME, 0, EINVAL, 0 },
		{ CLOCK_TAI, 0, EINVAL, 0 },
		{ CLOCK_SGI_CYCLE, EINVAL, EINVAL, EINVAL },
		{ 12, EINVAL, EINVAL, EINVAL },
		{ CLOCK_REALTIME_ALARM, EINVAL, EINVAL, EOPNOTSUPP },
		{ CLOCK_BOOTTIME_ALARM, EINVAL, EINVAL, EOPNOTSUPP },
		{ CPUCLOCK(0, 2), 0, EPERM, 0 },	/* own proc */
		{ CPUCLOCK(1, 2), 0, EPERM, 0 },
		{ CPUCLOCK(0, 6), 0, EPERM, EINVAL },	/* own thread */
		{ CPUCLOCK(99999, 2), EINVAL, EINVAL, EINVAL },
		{ -1, EINVAL, EINVAL, EINVAL },
		{ INT32_MAX, EINVAL, EINVAL, EINVAL },
	};
	kts ts, zero = { 0, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int c = cases[i].clock;

		harness_note("clock %d", c);
		CHECK_EQ("get", cases[i].get, sys_clock_gettime(curlwp(), c,
		    &ts, &ret));
		CHECK_EQ("resolution", cases[i].get, sys_clock_getres(curlwp(),
		    c, &ts, &ret));
		CHECK_EQ("resolution", cases[i].get, sys_clock_getres(curlwp(),
		    c, NULL, &ret));
		CHECK_EQ("set", cases[i].set, settime(c, 1234 * NSEC_PER_SEC));
		CHECK_EQ("sleep", cases[i].sleep, sys_clock_nanosleep(curlwp(),
		    c, 0, &zero, NULL, &ret));
	}
	CHECK_EQ("get", EFAULT, sys_clock_gettime(curlwp(), 0, BAD, &ret));
	CHECK_EQ("set", EFAULT, sys_clock_settime(curlwp(), 0, BAD, &ret));
	CHECK_EQ("res", EFAULT, sys_clock_getres(curlwp(), 0, BAD, &ret));
}

TEST(setting_the_wall_clock_moves_it_alone)
{
	int64_t mono = gettime(CLOCK_MONOTONIC), then = 1000000000ll *
	    NSEC_PER_SEC + 5;
	struct __kernel_old_timeval tv;
	long secs;

	CHECK_EQ("set", 0, settime(CLOCK_REALTIME, then));
	CHECK(gettime(CLOCK_REALTIME) - then < SLACK);
	CHECK(gettime(CLOCK_REALTIME) >= then);
	CHECK(gettime(CLOCK_MONOTONIC) - mono < SLACK);
	CHECK_EQ("gettimeofday", 0, sys_gettimeofday(curlwp(), &tv, NULL, &ret));
	CHECK_EQ("gettimeofday", 1000000000, tv.tv_sec);
	CHECK_EQ("time", 0, sys_time(curlwp(), &secs, &ret));
	CHECK_EQ("time", 1000000000, secs);
	CHECK_EQ("time", 1000000000, ret);
	tv = (struct __kernel_old_timeval){ 2000000000, 999999 };
	CHECK_EQ("settimeofday", 0, sys_settimeofday(curlwp(), &tv, NULL, &ret));
	CHECK(gettime(CLOCK_REALTIME) - 2000000000999999000ll < SLACK);
	tv.tv_usec = 1000000;
	CHECK_EQ("settimeofday", EINVAL, sys_settimeofday(curlwp(), &tv, NULL,
	    &ret));
}

TEST(times_that_are_none_are_refused)
{
	static const kts bad[] = { { -1, 0 }, { 0, -1 }, { 0, 1000000000 },
	    { INT64_MIN, 0 }, { 5, INT64_MAX } };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK_EQ("set", EINVAL, sys_clock_settime(curlwp(), 0, &bad[i],
		    &ret));
		CHECK_EQ("sleep", EINVAL, sys_nanosleep(curlwp(), &bad[i],
		    NULL, &ret));
		CHECK_EQ("sleep", EINVAL, sys_clock_nanosleep(curlwp(), 1, 0,
		    &bad[i], NULL, &ret));
	}
	CHECK_EQ("far", EINVAL, settime(CLOCK_REALTIME, INT64_MAX));
	CHECK_EQ("sleep", EFAULT, sys_nanosleep(curlwp(), BAD, NULL, &ret));
}

TEST(only_the_capable_set_the_clock)
{
	struct cred *before = curproc()->p_cred, *cr;

	NEED(cred_create(1000, 1000, 0, NULL, &cr) == 0);
	cred_hold(before);
	cred_set(curproc(), cr);
	CHECK_EQ("set", EPERM, settime(CLOCK_REALTIME, NSEC_PER_SEC));
	CHECK_EQ("zone", EPERM, sys_settimeofday(curlwp(), NULL, NULL, &ret));
	CHECK_EQ("invalid first", EINVAL, settime(CLOCK_MONOTONIC, 5));
	cred_set(curproc(), before);
}

/* --- sleeping ------------------------------------------------------------ */

TEST(sleeps_last_as_long_as_they_should)
{
	static const int64_t lengths[] = { 0, 1, 1000, MSEC, NSEC_PER_SEC,
	    86400 * NSEC_PER_SEC, 400 * 86400 * NSEC_PER_SEC };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		int64_t ns = lengths[i], start = clock_mono(), took;
		kts ts = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };
		kts left = { 77, 77 };

		CHECK_EQ("sleep", 0, sys_nanosleep(curlwp(), &ts, &left, &ret));
		took = clock_mono() - start;
		CHECK(took >= ns && took < ns + SLACK);
		CHECK_EQ("rest untouched", 77, left.tv_sec);

		start = clock_mono();
		ts = (kts){ (start + ns) / NSEC_PER_SEC,
		    (start + ns) % NSEC_PER_SEC };
		CHECK_EQ("sleep", 0, sys_clock_nanosleep(curlwp(),
		    CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, &left, &ret));
		took = clock_mono() - start;
		CHECK(took >= ns && took < ns + SLACK);
	}
}

struct sleeper {
	struct lwp	*s_lwp;		/* a */
	kts		 s_ts, s_left;
	int		 s_clock, s_flags;
	int		 s_error;
	int64_t		 s_woke;
};

static void
sleeper_thread(void *arg)
{
	struct sleeper *s = arg;

	atomic_store_rel(&s->s_lwp, curlwp());
	s->s_error = sys_clock_nanosleep(curlwp(), s->s_clock, s->s_flags,
	    &s->s_ts, &s->s_left, &ret);
	s->s_woke = clock_mono();
}

static void
nap(int64_t ns)
{
	kts ts = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };

	CHECK_EQ("nap", 0, sys_nanosleep(curlwp(), &ts, NULL, &ret));
}

TEST_WITH(an_interrupted_sleeper_learns_what_was_left,
    .ht_flags = HARNESS_KERNEL, .ht_seeds = 10)
{
	struct sleeper s = { .s_ts = { 10, 0 }, .s_clock = CLOCK_MONOTONIC };
	struct kthread *kt;
	int64_t left;

	NEED(kthread_create(sleeper_thread, &s, "sleeper", &kt) == 0);
	nap(4 * NSEC_PER_SEC);
	lwp_interrupt(atomic_load_acq(&s.s_lwp));
	kthread_join(kt);
	CHECK_EQ("error", EINTR, s.s_error);
	left = s.s_left.tv_sec * NSEC_PER_SEC + s.s_left.tv_nsec;
	CHECK(left > 5900 * MSEC && left <= 6000 * MSEC + SLACK);
}

TEST_WITH(an_absolute_sleeper_is_told_nothing, .ht_flags = HARNESS_KERNEL,
    .ht_seeds = 10)
{
	struct sleeper s = { .s_ts = { 1 << 30, 0 }, .s_left = { 7, 7 },
	    .s_clock = CLOCK_MONOTONIC, .s_flags = TIMER_ABSTIME };
	struct kthread *kt;

	NEED(kthread_create(sleeper_thread, &s, "sleeper", &kt) == 0);
	nap(4 * NSEC_PER_SEC);
	lwp_interrupt(atomic_load_acq(&s.s_lwp));
	kthread_join(kt);
	CHECK_EQ("error", EINTR, s.s_error);
	CHECK_EQ("rest", 7, s.s_left.tv_sec);
}

TEST_WITH(setting_the_clock_past_it_ends_a_wall_sleep,
    .ht_flags = HARNESS_KERNEL, .ht_seeds = 10)
{
	struct sleeper s = { .s_clock = CLOCK_REALTIME,
	    .s_flags = TIMER_ABSTIME };
	int64_t now = 1000 * NSEC_PER_SEC, set;
	struct kthread *kt;

	CHECK_EQ("set", 0, settime(CLOCK_REALTIME, now));
	s.s_ts.tv_sec = 1000 + 3600;
	NEED(kthread_create(sleeper_thread, &s, "sleeper", &kt) == 0);
	nap(2 * NSEC_PER_SEC);
	set = clock_mono();
	CHECK_EQ("set", 0, settime(CLOCK_REALTIME, 5000 * NSEC_PER_SEC));
	kthread_join(kt);
	CHECK_EQ("error", 0, s.s_error);
	CHECK(s.s_woke - set < MSEC);
}

TEST_WITH(setting_the_clock_back_prolongs_a_wall_sleep,
    .ht_flags = HARNESS_KERNEL, .ht_seeds = 10)
{
	struct sleeper s = { .s_clock = CLOCK_REALTIME,
	    .s_flags = TIMER_ABSTIME };
	struct kthread *kt;
	int64_t set;

	CHECK_EQ("set", 0, settime(CLOCK_REALTIME, 1000 * NSEC_PER_SEC));
	s.s_ts.tv_sec = 1010;
	NEED(kthread_create(sleeper_thread, &s, "sleeper", &kt) == 0);
	nap(2 * NSEC_PER_SEC);
	set = clock_mono();
	CHECK_EQ("set", 0, settime(CLOCK_REALTIME, 900 * NSEC_PER_SEC));
	kthread_join(kt);
	CHECK_EQ("error", 0, s.s_error);
	CHECK(s.s_woke - set >= 110 * NSEC_PER_SEC);
	CHECK(s.s_woke - set < 110 * NSEC_PER_SEC + MSEC);
}

TEST_WITH(a_cpu_sleep_waits_for_work_of_others, .ht_flags = HARNESS_KERNEL,
    .ht_seeds = 3)
{
	struct sleeper s = { .s_ts = { 3, 0 },
	    .s_clock = CLOCK_PROCESS_CPUTIME_ID };
	int64_t start = gettime(CLOCK_PROCESS_CPUTIME_ID);
	struct kthread *kt;

	NEED(kthread_create(sleeper_thread, &s, "sleeper", &kt) == 0);
	nap(5 * NSEC_PER_SEC);
	kthread_join(kt);
	CHECK_EQ("error", 0, s.s_error);
	CHECK(gettime(CLOCK_PROCESS_CPUTIME_ID) - start >= 3 * NSEC_PER_SEC);
}

TEST(times_saturate_and_round_down)
{
	struct timespec64 ts = { INT64_MAX, 999999999 };
	int64_t ns = 0;

	CHECK_EQ("far", 0, ktime_from_timespec(&ts, &ns));
	CHECK_EQ("far", KTIME_NEVER, ns);
	CHECK_EQ("deadline", KTIME_NEVER, ktime_deadline(KTIME_NEVER));
	CHECK(ktime_deadline(-5) <= clock_mono());
	ts = ktime_to_timespec(-1);
	CHECK_EQ("sec", -1, ts.tv_sec);
	CHECK_EQ("nsec", 999999999, ts.tv_nsec);
}

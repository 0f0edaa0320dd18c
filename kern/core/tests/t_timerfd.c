/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_timerfd.c - timers as files, in virtual time
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#include <harness.h>

#define MSEC	1000000LL
#define SEC	1000000000LL
#define SLACK	(100 * 1000LL)		/* hypercalls take a little time too */

/* The timer thread stays, and is not a leak. */
#define KEEPS	.ht_flags = HARNESS_BOOT | HARNESS_KEEPS

static int64_t
now(clockid_t clock)
{
	struct timespec ts;

	NEED(rump_sys_clock_gettime(clock, &ts) == 0);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static void
sleep_ns(int64_t ns)
{
	struct timespec ts = { ns / SEC, ns % SEC };

	CHECK_EQ("sleep", 0, rump_sys_nanosleep(&ts, NULL));
}

static struct itimerspec
spec(int64_t value, int64_t interval)
{
	return (struct itimerspec){
		.it_value = { value / SEC, value % SEC },
		.it_interval = { interval / SEC, interval % SEC },
	};
}

static int64_t
ns_of(struct timespec ts)
{
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static void
set(int fd, int flags, int64_t value, int64_t interval)
{
	struct itimerspec its = spec(value, interval);

	CHECK_EQ("settime", 0, rump_sys_timerfd_settime(fd, flags, &its, NULL));
}

/* Expirations, or -errno. */
static int64_t
expired(int fd)
{
	uint64_t n;

	return rump_sys_read(fd, &n, sizeof(n)) == 8 ? (int64_t)n : -errno;
}

TEST_WITH(a_read_waits_for_the_time, KEEPS)
{
	static const int64_t times[] = { 1, 1000, MSEC, 10 * SEC, 86400 * SEC };
	int fd = rump_sys_timerfd_create(CLOCK_MONOTONIC, 0);

	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		int64_t start = now(CLOCK_MONOTONIC), took;

		set(fd, 0, times[i], 0);
		CHECK_EQ("expirations", 1, expired(fd));
		took = now(CLOCK_MONOTONIC) - start;
		CHECK(took >= times[i] && took < times[i] + SLACK);
	}
	CHECK_EQ("close", 0, rump_sys_close(fd));
}

TEST_WITH(periods_are_counted_also_when_nobody_reads, KEEPS)
{
	int fd = rump_sys_timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK);

	CHECK_EQ("not armed", -EAGAIN, expired(fd));
	set(fd, 0, 50 * MSEC, 100 * MSEC);
	sleep_ns(40 * MSEC);
	CHECK_EQ("too early", -EAGAIN, expired(fd));
	sleep_ns(20 * MSEC);
	CHECK_EQ("first", 1, expired(fd));
	CHECK_EQ("once", -EAGAIN, expired(fd));
	sleep_ns(1000 * MSEC);
	CHECK_EQ("ten more", 10, expired(fd));
	sleep_ns(100 * MSEC);
	CHECK_EQ("and one", 1, expired(fd));
	set(fd, 0, 1, 1);
	sleep_ns(SEC);
	int64_t n = expired(fd);
	CHECK(n >= SEC && n < SEC + SLACK);
	set(fd, 0, 0, 0);
	sleep_ns(SEC);
	CHECK_EQ("disarmed", -EAGAIN, expired(fd));
	CHECK_EQ("close", 0, rump_sys_close(fd));
}

TEST_WITH(gettime_tells_what_is_left, KEEPS)
{
	struct itimerspec its, new = spec(7 * SEC, 0);
	int fd = rump_sys_timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

	set(fd, 0, 10 * SEC, 3 * SEC);
	sleep_ns(4 * SEC);
	CHECK_EQ("gettime", 0, rump_sys_timerfd_gettime(fd, &its));
	CHECK(ns_of(its.it_value) <= 6 * SEC &&
	    ns_of(its.it_value) > 6 * SEC - SLACK);
	CHECK_EQ("interval", 3 * SEC, ns_of(its.it_interval));
	sleep_ns(7 * SEC);
	CHECK_EQ("gettime", 0, rump_sys_timerfd_gettime(fd, &its));
	CHECK(ns_of(its.it_value) <= 2 * SEC &&
	    ns_of(its.it_value) > 2 * SEC - SLACK);
	CHECK_EQ("old value", 0, rump_sys_timerfd_settime(fd, 0, &new, &its));
	CHECK(ns_of(its.it_value) <= 2 * SEC &&
	    ns_of(its.it_value) > 2 * SEC - SLACK);
	CHECK_EQ("count starts anew", -EAGAIN, expired(fd));
	sleep_ns(8 * SEC);
	CHECK_EQ("gettime", 0, rump_sys_timerfd_gettime(fd, &its));
	CHECK_EQ("is over", 0, ns_of(its.it_value));
	CHECK_EQ("once", 1, expired(fd));
	CHECK_EQ("close", 0, rump_sys_close(fd));
}

TEST_WITH(absolute_times_in_the_past_are_now, KEEPS)
{
	int fd = rump_sys_timerfd_create(CLOCK_MONOTONIC, 0);

	set(fd, TFD_TIMER_ABSTIME, 1, 0);
	CHECK_EQ("at once", 1, expired(fd));
	set(fd, TFD_TIMER_ABSTIME, now(CLOCK_MONOTONIC) + SEC, 0);
	CHECK_EQ("later", 1, expired(fd));
	CHECK_EQ("close", 0, rump_sys_close(fd));
}

static void
wall_set(int64_t ns)
{
	struct timespec ts = { ns / SEC, ns % SEC };

	CHECK_EQ("clock_settime", 0, rump_sys_clock_settime(CLOCK_REALTIME, &ts));
}

TEST_WITH(setting_the_clock_moves_absolute_timers, KEEPS)
{
	int abs = rump_sys_timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	int rel = rump_sys_timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	int cancel = rump_sys_timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	struct pollfd pf = { .fd = cancel, .events = POLLIN };
	int64_t wall = now(CLOCK_REALTIME);

	set(abs, TFD_TIMER_ABSTIME, wall + 3600 * SEC, 0);
	set(rel, 0, 3600 * SEC, 0);
	set(cancel, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
	    wall + 3600 * SEC, 0);
	sleep_ns(SEC);
	CHECK_EQ("quiet", 0, rump_sys_poll(&pf, 1, 0));
	wall_set(wall + 3601 * SEC);
	sleep_ns(MSEC);
	CHECK_EQ("has come", 1, expired(abs));
	CHECK_EQ("is not concerned", -EAGAIN, expired(rel));
	CHECK_EQ("is told", 1, rump_sys_poll(&pf, 1, 0));
	CHECK_EQ("cancelled", -ECANCELED, expired(cancel));
	CHECK_EQ("once", -EAGAIN, expired(cancel));
	/* Back: what was set for then is further away than it was. */
	set(abs, TFD_TIMER_ABSTIME, wall + 3605 * SEC, 0);
	wall_set(wall);
	sleep_ns(100 * SEC);
	CHECK_EQ("not yet", -EAGAIN, expired(abs));
	sleep_ns(3506 * SEC);
	CHECK_EQ("but now", 1, expired(abs));
	CHECK_EQ("close", 0, rump_sys_close(abs));
	CHECK_EQ("close", 0, rump_sys_close(rel));
	CHECK_EQ("close", 0, rump_sys_close(cancel));
}

static void
settimer(void *arg)
{
	sleep_ns(SEC);
	set(*(int *)arg, 0, SEC, 0);
}

TEST_WITH(a_sleeping_reader_sees_a_timer_set_later, KEEPS, .ht_seeds = 20)
{
	int fd = rump_sys_timerfd_create(CLOCK_MONOTONIC, 0);
	int64_t start = now(CLOCK_MONOTONIC), took;
	struct rumpuser_thread *t;

	NEED(rumpuser_thread_create(settimer, &fd, "set", &t) == 0);
	CHECK_EQ("expirations", 1, expired(fd));
	took = now(CLOCK_MONOTONIC) - start;
	CHECK(took >= 2 * SEC && took < 2 * SEC + 2 * SLACK);
	NEED(rumpuser_thread_join(t) == 0);
	CHECK_EQ("close", 0, rump_sys_close(fd));
}

SWEEP_WITH(timers_survive_each_failed_allocation, FAULT_MEMORY, KEEPS)
{
	struct itimerspec its = spec(1, 0);
	int error, fd;

	fd = rump_sys_timerfd_create(CLOCK_REALTIME, 0);
	if (fd < 0)
		return errno;
	error = rump_sys_timerfd_settime(fd, 0, &its, NULL) == 0 ? 0 : errno;
	if (error == 0)
		CHECK_EQ("expirations", 1, expired(fd));
	(void)rump_sys_close(fd);
	return error;
}

SWEEP_WITH(a_timer_without_a_thread_is_refused, FAULT_THREAD, KEEPS)
{
	struct itimerspec its = spec(1, 0);
	int error, fd;

	fd = rump_sys_timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	if (fd < 0)
		return errno;
	error = rump_sys_timerfd_settime(fd, 0, &its, NULL) == 0 ? 0 : errno;
	(void)rump_sys_close(fd);
	return error;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_epoll.c - epoll: threads that wait, files that go away, large sets
 *
 * What a call answers is compared with the host in t_fd_twin and t_fd_random.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#include <harness.h>

#define SEC	1000000000LL
#define SEEDS	.ht_flags = HARNESS_BOOT, .ht_seeds = 30

static int64_t
now(void)
{
	struct timespec ts;

	NEED(rump_sys_clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

static void
settle(void)
{
	struct timespec ts = { 0, 1000000 };

	(void)rump_sys_nanosleep(&ts, NULL);
}

static int
ctl(int ep, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = { .events = events, .data.u64 = data };

	return rump_sys_epoll_ctl(ep, op, fd, &ev) == 0 ? 0 : errno;
}

static void
post(int fd)
{
	uint64_t one = 1;

	CHECK_EQ("write", 8, rump_sys_write(fd, &one, sizeof(one)));
}

struct waiter {
	struct rumpuser_thread *thread;
	int	 ep, timeout, n;
	struct epoll_event ev[4];
};

static void
waiter_main(void *arg)
{
	struct waiter *w = arg;

	w->n = rump_sys_epoll_wait(w->ep, w->ev, 4, w->timeout);
}

static void
wait_start(struct waiter *w, int ep, int timeout)
{
	w->ep = ep;
	w->timeout = timeout;
	NEED(rumpuser_thread_create(waiter_main, w, "waiter", &w->thread) == 0);
}

static int
wait_end(struct waiter *w)
{
	NEED(rumpuser_thread_join(w->thread) == 0);
	return w->n;
}

TEST_WITH(a_wait_ends_with_the_event_or_the_time, SEEDS)
{
	int ep = rump_sys_epoll_create1(0), fd = rump_sys_eventfd(0, 0);
	struct epoll_event ev;
	struct waiter w;
	int64_t start = now();

	CHECK_EQ("add", 0, ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 42));
	CHECK_EQ("timeout", 0, rump_sys_epoll_wait(ep, &ev, 1, 2500));
	CHECK(now() - start >= 5 * SEC / 2 && now() - start < 3 * SEC);
	wait_start(&w, ep, -1);
	settle();
	post(fd);
	CHECK_EQ("event", 1, wait_end(&w));
	CHECK_EQ("data", 42, w.ev[0].data.u64);
	CHECK_EQ("close", 0, rump_sys_close(fd));
	CHECK_EQ("close", 0, rump_sys_close(ep));
}

TEST_WITH(an_edge_wakes_one_waiter, SEEDS)
{
	int ep = rump_sys_epoll_create1(0), fd = rump_sys_eventfd(0, 0);
	struct waiter w[4];
	int woken = 0;

	CHECK_EQ("add", 0, ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, 1));
	for (int i = 0; i < 4; i++)
		wait_start(&w[i], ep, 1000);
	settle();
	post(fd);
	for (int i = 0; i < 4; i++)
		woken += wait_end(&w[i]);
	CHECK_EQ("one of them", 1, woken);
	CHECK_EQ("close", 0, rump_sys_close(fd));
	CHECK_EQ("close", 0, rump_sys_close(ep));
}

TEST_WITH(a_level_wakes_all_waiters_while_it_lasts, SEEDS)
{
	int ep = rump_sys_epoll_create1(0), fd = rump_sys_eventfd(0, 0);
	struct waiter w[4];

	CHECK_EQ("add", 0, ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1));
	for (int i = 0; i < 4; i++)
		wait_start(&w[i], ep, 100000);
	settle();
	post(fd);
	for (int i = 0; i < 4; i++)
		CHECK_EQ("each", 1, wait_end(&w[i]));
	CHECK_EQ("close", 0, rump_sys_close(fd));
	CHECK_EQ("close", 0, rump_sys_close(ep));
}

TEST_WITH(exclusive_wakes_one_epoll_and_they_take_turns, SEEDS)
{
	int fd = rump_sys_eventfd(0, EFD_NONBLOCK), ep[3], total[3] = { 0 };
	struct waiter w[3];
	uint64_t n;

	for (int i = 0; i < 3; i++) {
		ep[i] = rump_sys_epoll_create1(0);
		CHECK_EQ("add", 0, ctl(ep[i], EPOLL_CTL_ADD, fd,
		    EPOLLIN | EPOLLEXCLUSIVE, 1));
	}
	for (int round = 0; round < 3; round++) {
		int woken = 0;

		for (int i = 0; i < 3; i++)
			wait_start(&w[i], ep[i], 50);
		settle();
		post(fd);
		settle();
		CHECK_EQ("read", 8, rump_sys_read(fd, &n, 8));
		for (int i = 0; i < 3; i++) {
			total[i] += wait_end(&w[i]);
			woken += w[i].n;
		}
		CHECK_EQ("one", 1, woken);
	}
	for (int i = 0; i < 3; i++) {
		CHECK_EQ("a turn for each", 1, total[i]);
		CHECK_EQ("close", 0, rump_sys_close(ep[i]));
	}
	CHECK_EQ("close", 0, rump_sys_close(fd));
}

#define NITEMS	20000

TEST_WITH(large_sets_tell_what_is_ready, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	static int fd[NITEMS];
	struct epoll_event ev[8];
	int ep = rump_sys_epoll_create1(0);

	for (int i = 0; i < NITEMS; i++) {
		fd[i] = rump_sys_eventfd(0, 0);
		NEED(fd[i] >= 0);
		NEED(ctl(ep, EPOLL_CTL_ADD, fd[i], EPOLLIN, (uint64_t)i) == 0);
	}
	for (int i = 0; i < NITEMS; i += 997) {
		uint64_t n;

		post(fd[i]);
		CHECK_EQ("one event", 1, rump_sys_epoll_wait(ep, ev, 8, 0));
		CHECK_EQ("which", i, ev[0].data.u64);
		CHECK_EQ("read", 8, rump_sys_read(fd[i], &n, 8));
	}
	CHECK_EQ("quiet", 0, rump_sys_epoll_wait(ep, ev, 8, 0));
	for (int i = 0; i < NITEMS; i += 2)
		NEED(rump_sys_close(fd[i]) == 0);
	for (int i = 1; i < NITEMS; i += 2)
		NEED(ctl(ep, EPOLL_CTL_MOD, fd[i], EPOLLOUT, (uint64_t)i) == 0);
	CHECK_EQ("all others", 8, rump_sys_epoll_wait(ep, ev, 8, 0));
	for (int i = 1; i < NITEMS; i += 2)
		NEED(ctl(ep, EPOLL_CTL_DEL, fd[i], 0, 0) == 0);
	CHECK_EQ("none left", 0, rump_sys_epoll_wait(ep, ev, 8, 0));
	for (int i = 1; i < NITEMS; i += 2)
		NEED(rump_sys_close(fd[i]) == 0);
	CHECK_EQ("close", 0, rump_sys_close(ep));
}

TEST(few_events_at_a_time_reach_all_items_in_turn)
{
	int ep = rump_sys_epoll_create1(0), fd[10], seen[10] = { 0 };
	struct epoll_event ev[3];

	for (int i = 0; i < 10; i++) {
		fd[i] = rump_sys_eventfd(1, 0);
		CHECK_EQ("add", 0, ctl(ep, EPOLL_CTL_ADD, fd[i], EPOLLIN,
		    (uint64_t)i));
	}
	for (int round = 0; round < 10; round++) {
		NEED(rump_sys_epoll_wait(ep, ev, 3, 0) == 3);
		for (int k = 0; k < 3; k++)
			seen[ev[k].data.u64]++;
	}
	for (int i = 0; i < 10; i++) {
		CHECK_EQ("times", 3, seen[i]);
		CHECK_EQ("close", 0, rump_sys_close(fd[i]));
	}
	CHECK_EQ("close", 0, rump_sys_close(ep));
}

TEST(an_event_that_cannot_be_stored_is_not_lost)
{
	int ep = rump_sys_epoll_create1(0), fd = rump_sys_eventfd(1, 0);
	struct epoll_event ev;

	CHECK_EQ("add", 0, ctl(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, 1));
	CHECK_EQ("wait", -1, rump_sys_epoll_wait(ep, (void *)8, 1, 0));
	CHECK_EQ("errno", EFAULT, errno);
	CHECK_EQ("again", 1, rump_sys_epoll_wait(ep, &ev, 1, 0));
	CHECK_EQ("once", 0, rump_sys_epoll_wait(ep, &ev, 1, 0));
	CHECK_EQ("close", 0, rump_sys_close(fd));
	CHECK_EQ("close", 0, rump_sys_close(ep));
}

/* --- files that go away under those who look at them ------------------------- */

#define CHURN	60

struct churn {
	struct rumpuser_thread *thread;
	int	 ep, outer;
	bool	*stop;
};

static void
churn_main(void *arg)
{
	struct churn *c = arg;

	for (int i = 0; i < CHURN; i++) {
		int p[2], d;

		if (rump_sys_pipe2(p, O_NONBLOCK) != 0)
			continue;
		(void)ctl(c->ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1);
		(void)ctl(c->outer, EPOLL_CTL_ADD, p[1], EPOLLOUT | EPOLLET, 2);
		d = rump_sys_dup(p[0]);
		(void)rump_sys_write(p[1], "x", 1);
		if (i % 3 == 0)
			(void)ctl(c->ep, EPOLL_CTL_DEL, p[0], 0, 0);
		CHECK_EQ("close", 0, rump_sys_close(p[0]));
		CHECK_EQ("close", 0, rump_sys_close(p[1]));
		CHECK_EQ("close", 0, rump_sys_close(d));
	}
}

static void
look_main(void *arg)
{
	struct churn *c = arg;
	struct epoll_event ev[16];

	while (!__atomic_load_n(c->stop, __ATOMIC_ACQUIRE)) {
		CHECK(rump_sys_epoll_wait(c->outer, ev, 16, 1) >= 0);
		CHECK(rump_sys_epoll_wait(c->ep, ev, 16, 0) >= 0);
		rumpuser_thread_yield();
	}
}

TEST_WITH(closing_while_others_wait_is_harmless, SEEDS)
{
	bool stop = false;
	struct churn c[4] = { { .stop = &stop } };
	int ep = rump_sys_epoll_create1(0), outer = rump_sys_epoll_create1(0);
	struct epoll_event ev;

	CHECK_EQ("nest", 0, ctl(outer, EPOLL_CTL_ADD, ep, EPOLLIN, 3));
	for (int i = 0; i < 4; i++) {
		c[i] = (struct churn){ .ep = ep, .outer = outer, .stop = &stop };
		NEED(rumpuser_thread_create(i < 2 ? look_main : churn_main,
		    &c[i], "churn", &c[i].thread) == 0);
	}
	NEED(rumpuser_thread_join(c[2].thread) == 0);
	NEED(rumpuser_thread_join(c[3].thread) == 0);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	NEED(rumpuser_thread_join(c[0].thread) == 0);
	NEED(rumpuser_thread_join(c[1].thread) == 0);
	CHECK_EQ("all gone", 0, rump_sys_epoll_wait(ep, &ev, 1, 0));
	CHECK_EQ("all gone", 0, rump_sys_epoll_wait(outer, &ev, 1, 0));
	CHECK_EQ("close", 0, rump_sys_close(ep));
	CHECK_EQ("close", 0, rump_sys_close(outer));
}

SWEEP(epoll_survives_each_failed_allocation, FAULT_MEMORY)
{
	int ep, fd[40], n, error = 0;
	struct epoll_event ev;

	ep = rump_sys_epoll_create1(0);
	if (ep < 0)
		return errno;
	for (n = 0; n < 40 && error == 0; n++) {
		fd[n] = rump_sys_eventfd(1, 0);
		if (fd[n] < 0) {
			error = errno;
			break;
		}
		error = ctl(ep, EPOLL_CTL_ADD, fd[n], EPOLLIN | EPOLLET, 1);
	}
	for (int i = 0; error == 0 && i < n; i++)
		CHECK_EQ("event", 1, rump_sys_epoll_wait(ep, &ev, 1, 0));
	while (n-- > 0)
		(void)rump_sys_close(fd[n]);
	(void)rump_sys_close(ep);
	return error;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_poll.c - poll and select: how long they wait, and who wakes them
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#include <harness.h>

#define MSEC	1000000LL
#define SEC	1000000000LL
#define SLACK	(100 * 1000LL)

static int64_t
now(void)
{
	struct timespec ts;

	NEED(rump_sys_clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

TEST(timeouts_are_kept)
{
	static const int timeouts[] = { 0, 1, 999, 1000, 100000000 };

	for (size_t i = 0; i < ARRAY_SIZE(timeouts); i++) {
		int64_t start = now(), took;

		CHECK_EQ("poll", 0, rump_sys_poll(NULL, 0, timeouts[i]));
		took = now() - start;
		CHECK(took >= timeouts[i] * MSEC &&
		    took < timeouts[i] * MSEC + SLACK);
	}
}

struct waker {
	struct rumpuser_thread *thread;
	int	 fd;
	int64_t	 delay;
};

static void
waker_main(void *arg)
{
	struct waker *w = arg;
	struct timespec ts = { w->delay / SEC, w->delay % SEC };
	uint64_t one = 1;

	(void)rump_sys_nanosleep(&ts, NULL);
	CHECK_EQ("write", 8, rump_sys_write(w->fd, &one, sizeof(one)));
}

static void
wake_later(struct waker *w, int fd, int64_t delay)
{
	w->fd = fd;
	w->delay = delay;
	NEED(rumpuser_thread_create(waker_main, w, "waker", &w->thread) == 0);
}

#define NFDS	50		/* more than fits on the stack and in a chunk */

static void
open_all(struct pollfd *pf)
{
	for (int i = 0; i < NFDS; i++) {
		pf[i].fd = rump_sys_eventfd(0, 0);
		NEED(pf[i].fd >= 0);
		pf[i].events = POLLIN;
	}
}

static void
close_all(const struct pollfd *pf)
{
	for (int i = 0; i < NFDS; i++)
		CHECK_EQ("close", 0, rump_sys_close(pf[i].fd));
}

TEST_WITH(poll_is_woken_by_any_of_many, .ht_flags = HARNESS_BOOT, .ht_seeds = 20)
{
	struct pollfd pf[NFDS];
	struct waker w;
	int which = (int)(harness_seed() * 7 % NFDS);
	int64_t start, took;

	open_all(pf);
	start = now();
	wake_later(&w, pf[which].fd, 5 * SEC);
	CHECK_EQ("ready", 1, rump_sys_poll(pf, NFDS, 10000));
	took = now() - start;
	CHECK(took >= 5 * SEC && took < 5 * SEC + 2 * SLACK);
	for (int i = 0; i < NFDS; i++)
		CHECK_EQ("revents", i == which ? POLLIN : 0, pf[i].revents);
	NEED(rumpuser_thread_join(w.thread) == 0);
	close_all(pf);
}

TEST_WITH(select_leaves_the_time_that_is_left, .ht_flags = HARNESS_BOOT,
    .ht_seeds = 10)
{
	struct timeval tv = { 10, 0 };
	struct pollfd pf[NFDS];
	struct waker w;
	fd_set in, out;

	open_all(pf);
	FD_ZERO(&in);
	FD_ZERO(&out);
	for (int i = 0; i < NFDS; i++)
		FD_SET(pf[i].fd, &in);
	wake_later(&w, pf[20].fd, 4 * SEC);
	CHECK_EQ("ready", 1, rump_sys_select(pf[NFDS - 1].fd + 1, &in, &out,
	    NULL, &tv));
	for (int i = 0; i < NFDS; i++)
		CHECK_EQ("bit", i == 20, FD_ISSET(pf[i].fd, &in) != 0);
	CHECK(tv.tv_sec * SEC + tv.tv_usec * 1000 <= 6 * SEC);
	CHECK(tv.tv_sec * SEC + tv.tv_usec * 1000 > 6 * SEC - 2 * SLACK);
	NEED(rumpuser_thread_join(w.thread) == 0);
	close_all(pf);
}

TEST_WITH(events_nobody_asked_for_do_not_end_a_poll, .ht_flags = HARNESS_BOOT,
    .ht_seeds = 10)
{
	struct pollfd pf = { .events = POLLPRI };
	struct waker w;
	int64_t start = now();

	pf.fd = rump_sys_eventfd(0, 0);
	wake_later(&w, pf.fd, SEC);
	CHECK_EQ("timeout", 0, rump_sys_poll(&pf, 1, 3000));
	CHECK(now() - start >= 3 * SEC);
	NEED(rumpuser_thread_join(w.thread) == 0);
	CHECK_EQ("close", 0, rump_sys_close(pf.fd));
}

static void
closer_main(void *arg)
{
	struct waker *w = arg;
	struct timespec ts = { 1, 0 };

	(void)rump_sys_nanosleep(&ts, NULL);
	CHECK_EQ("close", 0, rump_sys_close(w->fd));
}

TEST_WITH(a_poll_goes_on_when_its_descriptor_is_closed, .ht_flags = HARNESS_BOOT,
    .ht_seeds = 10)
{
	struct waker w;
	struct pollfd pf = { .events = POLLIN };

	pf.fd = w.fd = rump_sys_eventfd(0, 0);
	NEED(rumpuser_thread_create(closer_main, &w, "closer", &w.thread) == 0);
	CHECK_EQ("timeout", 0, rump_sys_poll(&pf, 1, 5000));
	NEED(rumpuser_thread_join(w.thread) == 0);
	CHECK_EQ("closed", 1, rump_sys_poll(&pf, 1, 0));
	CHECK_EQ("revents", POLLNVAL, pf.revents);
}

TEST(more_descriptors_than_the_limit_are_refused)
{
	struct rlimit old, few;
	struct pollfd pf[4];

	memset(pf, 0xff, sizeof(pf));		/* all are -1 */
	NEED(rump_sys_getrlimit(RLIMIT_NOFILE, &old) == 0);
	few = (struct rlimit){ 3, old.rlim_max };
	NEED(rump_sys_setrlimit(RLIMIT_NOFILE, &few) == 0);
	CHECK_EQ("three", 0, rump_sys_poll(pf, 3, 0));
	CHECK_EQ("four", -1, rump_sys_poll(pf, 4, 0));
	CHECK_EQ("errno", EINVAL, errno);
	NEED(rump_sys_setrlimit(RLIMIT_NOFILE, &old) == 0);
}

SWEEP(polls_survive_each_failed_allocation, FAULT_MEMORY)
{
	struct pollfd pf[NFDS];
	int fd, error;

	fd = rump_sys_eventfd(0, 0);
	if (fd < 0)
		return errno;
	for (int i = 0; i < NFDS; i++)
		pf[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
	error = rump_sys_poll(pf, NFDS, 10) == 0 ? 0 : errno;
	(void)rump_sys_close(fd);
	return error;
}

SWEEP(selects_survive_each_failed_allocation, FAULT_MEMORY)
{
	struct timeval tv = { 0, 1000 };
	int error, fd[40], n;
	fd_set in;

	FD_ZERO(&in);
	for (n = 0; n < 40; n++) {
		fd[n] = rump_sys_eventfd(0, 0);
		if (fd[n] < 0)
			break;
		FD_SET(fd[n], &in);
	}
	error = n < 40 ? errno : rump_sys_select(64, &in, NULL, &in, &tv) == 0 ?
	    0 : errno;
	while (n-- > 0)
		(void)rump_sys_close(fd[n]);
	return error;
}

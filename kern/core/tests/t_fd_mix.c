/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_fd_mix.c - eight threads share a few descriptors and take no care
 *
 * Each thread opens, duplicates, closes, reads, writes, polls and watches
 * whatever numbers come up, most of which others use at the same time.  What
 * comes back is any errno that the call may give; what must not happen is a
 * crash, a race that the thread sanitizer sees, a sleep without end, or
 * something left behind.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#include <harness.h>

#define NTHREADS	8
#define STEPS		(3000 / HARNESS_SLOWNESS)
#define LOW		3
#define NUMBERS		24

struct mixer {
	struct rumpuser_thread *thread;
	uint64_t rng;
	unsigned int strange;		/* errors that no call gives */
	bool	 notimers;
};

static unsigned int
below(struct mixer *m, unsigned int n)
{
	return (unsigned int)(harness_draw(&m->rng) >> 20) % n;
}

static int
any(struct mixer *m)
{
	return LOW + (int)below(m, NUMBERS);
}

static void
saw(struct mixer *m, long result)
{
	if (result != -1)
		return;
	switch (errno) {
	case EAGAIN: case EBADF: case EBUSY: case EEXIST: case EINVAL:
	case ELOOP: case ENOENT: case EPERM: case EPIPE: case ESPIPE:
	case ENOTTY:
		break;
	default:
		harness_note("a call ends with errno %d", errno);
		m->strange++;
	}
}

static void
mix_open(struct mixer *m)
{
	struct itimerspec its = { { 0, 1000 }, { 0, 1 } };
	int fd, p[2];

	switch (below(m, m->notimers ? 3 : 4)) {
	case 0:
		saw(m, rump_sys_pipe2(p, O_NONBLOCK));
		break;
	case 1:
		saw(m, rump_sys_eventfd(0, EFD_NONBLOCK));
		break;
	case 2:
		saw(m, rump_sys_epoll_create1(0));
		break;
	case 3:
		fd = rump_sys_timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
		saw(m, fd);
		saw(m, rump_sys_timerfd_settime(fd, 0, &its, NULL));
		break;
	}
}

static void
mix_number(struct mixer *m)
{
	switch (below(m, 6)) {
	case 0:
		saw(m, rump_sys_dup(any(m)));
		break;
	case 1:
		saw(m, rump_sys_dup2(any(m), any(m)));
		break;
	case 2:
		saw(m, rump_sys_fcntl(any(m), F_DUPFD_CLOEXEC, any(m)));
		break;
	case 3:
	case 4:
		saw(m, rump_sys_close(any(m)));
		break;
	case 5:
		saw(m, rump_sys_close_range((unsigned int)any(m), LOW + NUMBERS,
		    below(m, 2) ? CLOSE_RANGE_CLOEXEC : 0));
		break;
	}
}

static void
mix_bytes(struct mixer *m)
{
	static char buf[9000];		/* nobody cares what is in it */
	uint64_t one = 1;
	char in[64];

	switch (below(m, 4)) {
	case 0:
		saw(m, rump_sys_read(any(m), in, sizeof(in)));
		break;
	case 1:
		saw(m, rump_sys_write(any(m), &one, sizeof(one)));
		break;
	case 2:
		saw(m, rump_sys_write(any(m), buf, below(m, sizeof(buf))));
		break;
	case 3:
		saw(m, rump_sys_fcntl(any(m), F_SETPIPE_SZ, 4096 << below(m, 5)));
		break;
	}
}

static void
mix_wait(struct mixer *m)
{
	struct pollfd pf[NUMBERS];
	struct epoll_event ev[4];

	switch (below(m, 4)) {
	case 0:
		for (int i = 0; i < NUMBERS; i++)
			pf[i] = (struct pollfd){ .fd = LOW + i,
			    .events = POLLIN };
		saw(m, rump_sys_poll(pf, NUMBERS, (int)below(m, 2)));
		break;
	case 1:
		saw(m, rump_sys_epoll_wait(any(m), ev, 4, (int)below(m, 2)));
		break;
	default:
		ev[0].events = below(m, 16) | (below(m, 2) ? EPOLLET : 0) |
		    (below(m, 8) == 0 ? EPOLLEXCLUSIVE : 0);
		saw(m, rump_sys_epoll_ctl(any(m), 1 + (int)below(m, 3), any(m),
		    ev));
		break;
	}
}

static void
mixer_main(void *arg)
{
	static void (*const fns[])(struct mixer *) = {
		mix_open, mix_number, mix_bytes, mix_bytes, mix_wait, mix_wait,
	};
	struct mixer *m = arg;

	for (int i = 0; i < STEPS; i++)
		fns[below(m, ARRAY_SIZE(fns))](m);
}

TEST_WITH(eight_threads_do_as_they_like, .ht_flags = HARNESS_BOOT |
    HARNESS_KEEPS, .ht_seeds = 4)
{
	struct mixer m[NTHREADS];
	unsigned int strange = 0;

	(void)signal(SIGPIPE, SIG_IGN);
	for (unsigned int i = 0; i < NTHREADS; i++) {
		m[i] = (struct mixer){ .rng = (harness_seed() * NTHREADS + i) *
		    0x9e3779b97f4a7c15ULL | 1 };
		NEED(rumpuser_thread_create(mixer_main, &m[i], "mixer",
		    &m[i].thread) == 0);
	}
	for (unsigned int i = 0; i < NTHREADS; i++) {
		NEED(rumpuser_thread_join(m[i].thread) == 0);
		strange += m[i].strange;
	}
	CHECK_EQ("strange errors", 0, strange);
	CHECK_EQ("close_range", 0, rump_sys_close_range(3, ~0U, 0));
	for (int fd = 3; fd < 200; fd++)
		CHECK_EQ("closed", -1, rump_sys_fcntl(fd, F_GETFD));
}

/*
 * In a proc of its own, the end of which closes whatever is open.  Without
 * timers, whose thread would stay.
 */
TEST_WITH(nothing_is_left_in_the_end, .ht_flags = HARNESS_BOOT, .ht_seeds = 10)
{
	struct mixer m = { .rng = harness_seed() * 77 + 1, .notimers = true };

	(void)signal(SIGPIPE, SIG_IGN);
	CHECK_EQ("fork", 0, rump_pub_lwproc_rfork(RUMP_RFFDG));
	mixer_main(&m);
	CHECK_EQ("strange errors", 0, m.strange);
	rump_pub_lwproc_releaselwp();
}

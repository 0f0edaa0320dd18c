/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rule_poll.c - poll and select over descriptors of both kernels
 *
 * Only the host's: it goes on.  Only the kernel's: the kernel waits.  Else the worker waits at
 * the host, for copies of the program's descriptors and a bell of the kernel.
 *
 * References: poll(2), select(2), pidfd_getfd(2).
 */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "supervisor.h"

#define MAXFDS	4096
#define NSEC	1000000000LL

/* All on the worker's stack. */
struct wait {
	unsigned int	 w_n;
	unsigned int	 w_nkernel, w_nhost;
	int64_t		 w_deadline;		/* of the monotonic clock; -1: none */
	struct pollfd	 w_fds[MAXFDS];		/* the program's */
	struct pollfd	 w_kernel[MAXFDS];
	struct pollfd	 w_host[MAXFDS + 1];	/* the last is the bell */
};

/* The arrays are large, and filled as far as they are used. */
static void
wait_init(struct wait *w, unsigned int n)
{
	w->w_n = n;
	w->w_nkernel = w->w_nhost = 0;
	w->w_deadline = -1;
}

static int64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC + ts.tv_nsec;
}

/* Also 0: at once. */
static struct timespec *
time_left(const struct wait *w, struct timespec *ts)
{
	int64_t left;

	if (w->w_deadline < 0)
		return NULL;
	left = w->w_deadline - now();
	if (left < 0)
		left = 0;
	*ts = (struct timespec){ .tv_sec = left / NSEC, .tv_nsec = left % NSEC };
	return ts;
}

static void
wait_sort(struct wait *w)
{
	for (unsigned int i = 0; i < w->w_n; i++) {
		int32_t entry = FDMAP_HOST;

		if (w->w_fds[i].fd >= 0)
			entry = fdmap_entry((unsigned long)w->w_fds[i].fd);
		w->w_kernel[i] = w->w_host[i] = w->w_fds[i];
		w->w_kernel[i].fd = w->w_host[i].fd = -1;
		w->w_fds[i].revents = 0;
		if (entry <= FDMAP_EPOLL && companion_kernel(entry) >= 0) {
			/* It is ready if one of its halves is. */
			w->w_kernel[i].fd = companion_kernel(entry);
			w->w_nkernel++;
			w->w_nhost++;
		} else if (entry > 0) {
			w->w_kernel[i].fd = entry - 1;
			w->w_nkernel++;
		} else if (w->w_fds[i].fd >= 0) {
			w->w_nhost++;
		}
	}
}

static long
wait_merge(struct wait *w)
{
	long ready = 0;

	for (unsigned int i = 0; i < w->w_n; i++) {
		w->w_fds[i].revents = 0;
		if (w->w_kernel[i].fd >= 0)
			w->w_fds[i].revents |= w->w_kernel[i].revents;
		if (w->w_host[i].fd >= 0)
			w->w_fds[i].revents |= w->w_host[i].revents;
		ready += w->w_fds[i].revents != 0;
	}
	return ready;
}

static void
bell_silence(int fd)
{
	uint64_t junk;

	while (read(fd, &junk, sizeof(junk)) > 0)
		continue;
}

static long
wait_host(struct wait *w, int ring, const struct timespec *ts)
{
	long n;

	w->w_host[w->w_n] = (struct pollfd){ .fd = ring, .events = POLLIN };
	n = host_syscall(SYS_ppoll, w->w_host, w->w_n + 1, ts, NULL, 0);
	if (n > 0 && w->w_host[w->w_n].revents != 0)
		bell_silence(ring);
	return n;
}

static long
wait_both(struct wait *w)
{
	static const struct timespec none;
	struct timespec ts;
	int ring = visit_bell();
	long n;

	if (ring < 0)
		return ring;
	for (;;) {
		n = rumpclient_poll_arm(w->w_kernel, w->w_n, ring);
		if (n < 0)
			return n;
		/* Who is ready, or has no time, looks at the host's without waiting. */
		n = wait_host(w, ring, n > 0 ? &none : time_left(w, &ts));
		if (n < 0)
			return n;
		if (kernel_syscall(SYS_poll, w->w_kernel, w->w_n, 0) < 0)
			return -EINTR;
		n = wait_merge(w);
		if (n > 0 || (w->w_deadline >= 0 && now() >= w->w_deadline))
			return n;
	}
}

static long
wait_mixed(struct wait *w)
{
	long ret;
	int fd;

	for (unsigned int i = 0; i < w->w_n; i++) {
		if (w->w_fds[i].fd < 0 || fdmap_entry((unsigned long)w->w_fds[i].fd) > 0)
			continue;
		fd = host_borrow((unsigned long)w->w_fds[i].fd);
		w->w_host[i].fd = fd >= 0 ? fd : 1 << 30;	/* POLLNVAL */
	}
	ret = wait_both(w);
	for (unsigned int i = 0; i < w->w_n; i++) {
		if (w->w_host[i].fd >= 0 && w->w_host[i].fd != 1 << 30)
			(void)close(w->w_host[i].fd);
	}
	return ret;
}

/* CALL_GOES_ON if there is nothing of the kernel's. */
static long
wait_all(struct wait *w)
{
	struct timespec ts;
	long n;

	wait_sort(w);
	if (w->w_nkernel == 0)
		return CALL_GOES_ON;
	if (w->w_nhost > 0)
		return wait_mixed(w);
	n = kernel_syscall(SYS_ppoll, w->w_kernel, w->w_n, time_left(w, &ts), NULL, 0);
	if (n >= 0)
		(void)wait_merge(w);
	return n;
}

/* --- poll ------------------------------------------------------------------------------ */

/* False: let the host say what is wrong. */
static bool
deadline_from(struct wait *w, unsigned long addr, int64_t unit)
{
	int64_t t[2];

	w->w_deadline = -1;
	if (addr == 0)
		return true;
	if (!mem_read(t, addr, sizeof(t)) || t[0] < 0 || t[1] < 0 || t[1] >= NSEC / unit)
		return false;
	w->w_deadline = t[0] > INT64_MAX / NSEC / 4 ? -1 : now() + t[0] * NSEC + t[1] * unit;
	return true;
}

static long
rule_poll(long nr, const unsigned long args[6])
{
	int ms = (int)args[2];
	struct wait w;
	long ret;

	wait_init(&w, (unsigned int)args[1]);
	if (w.w_n == 0 || w.w_n > MAXFDS || !mem_read(w.w_fds, args[0], w.w_n * sizeof(w.w_fds[0])))
		return CALL_GOES_ON;
	if (nr == SYS_poll)
		w.w_deadline = ms < 0 ? -1 : now() + ms * (NSEC / 1000);
	else if (!deadline_from(&w, args[2], 1) || visit_mask(args[3], args[4]) != 0)
		return CALL_GOES_ON;
	ret = wait_all(&w);
	if (ret >= 0 && !mem_write(args[0], w.w_fds, w.w_n * sizeof(w.w_fds[0])))
		ret = -EFAULT;
	return ret;
}

/* --- select ---------------------------------------------------------------------------------- */

static const struct { short ask, answer; } kinds[3] = {
	{ POLLIN, POLLIN | POLLHUP | POLLERR }, { POLLOUT, POLLOUT | POLLERR }, { POLLPRI, POLLPRI },
};

struct sets {
	unsigned int	 s_n;
	size_t		 s_bytes;
	uint64_t	 s_set[3][MAXFDS / 64];
};

static bool
sets_read(struct sets *s, const unsigned long args[6], struct wait *w)
{
	s->s_bytes = (s->s_n + 63) / 64 * 8;
	for (unsigned int k = 0; k < 3; k++) {
		if (args[1 + k] != 0 && !mem_read(s->s_set[k], args[1 + k], s->s_bytes))
			return false;
	}
	for (unsigned int fd = 0; fd < s->s_n; fd++) {
		struct pollfd pfd = { .fd = (int)fd };

		for (unsigned int k = 0; k < 3; k++) {
			if ((s->s_set[k][fd / 64] >> (fd % 64) & 1) != 0)
				pfd.events |= kinds[k].ask;
		}
		if (pfd.events != 0)
			w->w_fds[w->w_n++] = pfd;
	}
	return true;
}

static long
sets_write(const struct wait *w, struct sets *s, const unsigned long args[6])
{
	uint64_t out[3][MAXFDS / 64] = { { 0 } };
	long n = 0;

	for (unsigned int i = 0; i < w->w_n; i++) {
		unsigned int fd = (unsigned int)w->w_fds[i].fd;

		if ((w->w_fds[i].revents & POLLNVAL) != 0)
			return -EBADF;
		for (unsigned int k = 0; k < 3; k++) {
			if ((s->s_set[k][fd / 64] >> (fd % 64) & 1) == 0 ||
			    (w->w_fds[i].revents & kinds[k].answer) == 0)
				continue;
			out[k][fd / 64] |= 1ULL << (fd % 64);
			n++;
		}
	}
	for (unsigned int k = 0; k < 3; k++) {
		if (args[1 + k] != 0 && !mem_write(args[1 + k], out[k], s->s_bytes))
			return -EFAULT;
	}
	return n;
}

static long
rule_select(long nr, const unsigned long args[6])
{
	struct sets s = { .s_n = (unsigned int)args[0] };
	unsigned long mask[2];		/* its address and size */
	struct timespec ts;
	int64_t left[2];
	struct wait w;
	long ret;

	wait_init(&w, 0);
	if (s.s_n == 0 || s.s_n > MAXFDS || !sets_read(&s, args, &w) ||
	    !deadline_from(&w, args[4], nr == SYS_select ? 1000 : 1))
		return CALL_GOES_ON;
	if (nr == SYS_pselect6 && args[5] != 0 && (!mem_read(mask, args[5], sizeof(mask)) ||
	    visit_mask(mask[0], mask[1]) != 0))
		return CALL_GOES_ON;
	ret = wait_all(&w);
	if (ret < 0)
		return ret;
	ret = sets_write(&w, &s, args);
	if (args[4] != 0 && time_left(&w, &ts) != NULL) {
		left[0] = ts.tv_sec;
		left[1] = nr == SYS_select ? ts.tv_nsec / 1000 : ts.tv_nsec;
		(void)mem_write(args[4], left, sizeof(left));
	}
	return ret;
}

void
poll_rules(void)
{
	dispatch_set(SYS_poll, HIJACK_LOOK, rule_poll);
	dispatch_set(SYS_ppoll, HIJACK_LOOK, rule_poll);
	dispatch_set(SYS_select, HIJACK_LOOK, rule_select);
	dispatch_set(SYS_pselect6, HIJACK_LOOK, rule_select);
}

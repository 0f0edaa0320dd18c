/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_fd_random.c - random sequences of calls end as on the host
 *
 * Each seed makes a sequence of calls on pipes, event counters and epoll
 * files, none of which may block, and runs it on our kernel and on the
 * host's.  Results, contents and events must be the same all along.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <harness.h>

#include "twin.h"

#define NSLOTS	12
#define STEPS	400
#define BUFSIZE	70000

struct world {
	struct twin	*w_tw;
	uint64_t	 w_rng;
	int		 w_fd[NSLOTS];	/* -1: free */
	uint8_t		 w_fill;
	uint8_t		*w_buf;
};

static uint64_t
rng(struct world *w)
{
	return harness_draw(&w->w_rng);
}

static unsigned int
below(struct world *w, unsigned int n)
{
	return (unsigned int)(rng(w) >> 20) % n;
}

static int *
slot(struct world *w)
{
	return &w->w_fd[below(w, NSLOTS)];
}

static void
slot_close(struct world *w, int *fdp)
{
	if (*fdp >= 0)
		CALL(w->w_tw, close, A(*fdp));
	*fdp = -1;
}

static void
op_pipe(struct world *w)
{
	int *a = slot(w), *b = slot(w), p[2] = { -1, -1 };
	int flags = O_NONBLOCK | (below(w, 8) == 0 ? O_DIRECT : 0);

	if (a == b)
		return;
	slot_close(w, a);
	slot_close(w, b);
	CALL(w->w_tw, pipe2, A(p), A(flags));
	*a = p[0];
	*b = p[1];
}

static void
op_eventfd(struct world *w)
{
	int *a = slot(w);

	slot_close(w, a);
	*a = FD(w->w_tw, eventfd2, below(w, 3),
	    O_NONBLOCK | (below(w, 2) ? EFD_SEMAPHORE : 0));
}

static void
op_epoll(struct world *w)
{
	int *a = slot(w);

	slot_close(w, a);
	*a = FD(w->w_tw, epoll_create1, 0);
}

static void
op_dup(struct world *w)
{
	int *from = slot(w), *to = slot(w);

	if (from == to)
		return;
	if (*to >= 0 && below(w, 2) == 0) {
		(void)FD(w->w_tw, dup2, A(*from), A(*to));
		return;
	}
	slot_close(w, to);
	*to = FD(w->w_tw, dup, A(*from));
	if (*to < 0)
		*to = -1;
}

static void
op_write(struct world *w)
{
	static const unsigned int lens[] = { 1, 8, 100, 4095, 4096, 4097, 65535,
	    65536, BUFSIZE };
	unsigned int len = lens[below(w, ARRAY_SIZE(lens))];
	uint64_t value;

	if (len > 8 && below(w, 2))
		len = 1 + below(w, len);
	if (len != 8)
		memset(w->w_buf, ++w->w_fill, len);
	else {
		value = below(w, 10) ? below(w, 5) : UINT64_MAX - below(w, 3);
		memcpy(w->w_buf, &value, sizeof(value));
	}
	/* Hosts do not agree about longer writes to an eventfd. */
	int *fdp = slot(w);
	uint64_t zero = 0;
	if (len > 8 && twin_raw(w->w_tw, SYS_fcntl,
	    TWIN_ARGS(A(*fdp), F_GETPIPE_SZ)) < 0)
		CALL(w->w_tw, write, A(*fdp), A(&zero), 8);
	else
		CALL(w->w_tw, write, A(*fdp), A(w->w_buf), len);
}

static long
digest(const uint8_t *p, long n)
{
	uint64_t h = 14695981039346656037ULL;

	for (long i = 0; i < n; i++)
		h = (h ^ p[i]) * 1099511628211ULL;
	return (long)(h >> 1);
}

static void
op_read(struct world *w)
{
	unsigned int len = 1 + below(w, below(w, 3) ? 200 : BUFSIZE);
	long n;

	if (below(w, 4) == 0)
		len = 8;
	n = CALL(w->w_tw, read, A(*slot(w)), A(w->w_buf), len);
	twin_note(w->w_tw, "content", digest(w->w_buf, n));
}

static void
op_readv(struct world *w)
{
	struct iovec v[3];
	size_t off = 0;
	long n;

	for (int i = 0; i < 3; i++) {
		v[i].iov_base = w->w_buf + off;
		v[i].iov_len = below(w, 3) ? below(w, 6000) : 0;
		off += v[i].iov_len;
	}
	memset(w->w_buf, 0, off);
	n = CALL(w->w_tw, readv, A(*slot(w)), A(v), 3);
	twin_note(w->w_tw, "content", digest(w->w_buf, n));
}

static void
op_poll(struct world *w)
{
	struct pollfd pf[NSLOTS];

	for (int i = 0; i < NSLOTS; i++)
		pf[i] = (struct pollfd){ .fd = w->w_fd[i],
		    .events = (short)(rng(w) & 0x7ff) };
	CALL(w->w_tw, poll, A(pf), NSLOTS, 0);
	for (int i = 0; i < NSLOTS; i++)
		twin_note(w->w_tw, "revents", pf[i].revents);
}

static void
op_ctl(struct world *w)
{
	static const uint32_t modes[] = { 0, EPOLLET, EPOLLONESHOT,
	    EPOLLET | EPOLLONESHOT, 0, 0 };
	unsigned int which = below(w, NSLOTS);
	struct epoll_event ev = {
		.events = (rng(w) & (EPOLLIN | EPOLLOUT | EPOLLRDHUP)) |
		    modes[below(w, ARRAY_SIZE(modes))],
		.data.u64 = which,
	};

	CALL(w->w_tw, epoll_ctl, A(*slot(w)), 1 + below(w, 3),
	    A(w->w_fd[which]), A(&ev));
}

static int
event_compare(const void *a, const void *b)
{
	const struct epoll_event *x = a, *y = b;

	return x->data.u64 != y->data.u64 ?
	    (x->data.u64 < y->data.u64 ? -1 : 1) :
	    (x->events > y->events) - (x->events < y->events);
}

/* The order of events is nobody's business. */
static void
op_wait(struct world *w)
{
	struct epoll_event ev[64];
	long n;

	memset(ev, 0, sizeof(ev));
	n = CALL(w->w_tw, epoll_wait, A(*slot(w)), A(ev), 64, 0);
	if (n > 0)
		qsort(ev, (size_t)n, sizeof(ev[0]), event_compare);
	for (long i = 0; i < n; i++) {
		twin_note(w->w_tw, "event data", (long)ev[i].data.u64);
		twin_note(w->w_tw, "event", ev[i].events);
	}
}

static void
op_size(struct world *w)
{
	int *fdp = slot(w), n = 0;

	if (below(w, 2))
		CALL(w->w_tw, fcntl, A(*fdp), F_SETPIPE_SZ,
		    1UL << (10 + below(w, 8)));
	CALL(w->w_tw, fcntl, A(*fdp), F_GETPIPE_SZ);
	if (twin_raw(w->w_tw, SYS_fcntl, TWIN_ARGS(A(*fdp), F_GETPIPE_SZ)) > 0) {
		CALL(w->w_tw, ioctl, A(*fdp), FIONREAD, A(&n));
		twin_note(w->w_tw, "bytes", n);
	}
}

static void
op_splice(struct world *w)
{
	unsigned int len = 1 + below(w, below(w, 3) ? 200 : BUFSIZE);
	int *from = slot(w), *to = slot(w);

	if (below(w, 3) == 0)
		CALL(w->w_tw, tee, A(*from), A(*to), len, 0);
	else
		CALL(w->w_tw, splice, A(*from), 0, A(*to), 0, len, 0);
}

static const struct {
	const char *label;
	void	(*fn)(struct world *);
	unsigned int weight;
} ops[] = {
	{ "pipe", op_pipe, 3 },		{ "eventfd", op_eventfd, 2 },
	{ "epoll", op_epoll, 1 },	{ "dup", op_dup, 3 },
	{ "write", op_write, 10 },	{ "read", op_read, 7 },
	{ "readv", op_readv, 3 },	{ "poll", op_poll, 4 },
	{ "epoll_ctl", op_ctl, 10 },	{ "epoll_wait", op_wait, 6 },
	{ "size", op_size, 2 },		{ "splice", op_splice, 6 },
};

static void
random_script(struct twin *tw)
{
	struct world w = { .w_tw = tw, .w_buf = malloc(BUFSIZE) };

	NEED(w.w_buf != NULL);
	w.w_rng = harness_seed() * 0x9e3779b97f4a7c15ULL | 1;
	for (int i = 0; i < NSLOTS; i++)
		w.w_fd[i] = -1;
	for (int step = 0; step < STEPS && tw->tw_n < TWIN_MAX - 200; step++) {
		unsigned int pick = below(&w, 57);

		for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
			if (pick >= ops[i].weight) {
				pick -= ops[i].weight;
				continue;
			}
			tw->tw_about = ops[i].label;
			ops[i].fn(&w);
			break;
		}
	}
	tw->tw_about = "the end";
	for (int i = 0; i < NSLOTS; i++)
		slot_close(&w, &w.w_fd[i]);
	free(w.w_buf);
}

TEST_WITH(random_calls_end_as_on_the_host, .ht_flags = HARNESS_BOOT,
    .ht_seeds = 60)
{
	(void)signal(SIGPIPE, SIG_IGN);
	twin_run(random_script);
}

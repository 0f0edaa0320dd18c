/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * poll.c - poll, ppoll, select and pselect over descriptors of both kernels
 *
 * Only the host's: the host's call, as it is.  Only the kernel's and no signal mask: the
 * kernel's.  Else the thread sleeps at the host, on the host's descriptors and a bell of its own,
 * which the kernel rings when one of its may be ready.  Then both are looked at
 * again.  So the mask is the host's business and in force atomically.
 *
 * References: poll(2), select(2).
 */

#include "hijack.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#define MAXFDS		HIJACK_NFDS
#define FASTFDS		64		/* on the stack */
#define SIGSET_BYTES	8
#define NSEC		1000000000LL

/* What a call waits for.  Times are nanoseconds. */
struct wait {
	struct pollfd	*w_fds;		/* the program's; revents are filled */
	unsigned int	 w_n;
	struct pollfd	*w_kernel;	/* of n: fd is the kernel's, or -1 */
	struct pollfd	*w_host;	/* of n + 1; the last is the waker */
	unsigned int	 w_nkernel;	/* how many of each kind */
	unsigned int	 w_nhost;
	bool		 w_rings;	/* some are packet sockets with a ring */
	int64_t		 w_timeout;	/* -1: none */
	unsigned long	 w_mask;	/* address of a signal set, 0: none */
};

int
poll_waker(void)
{
	int bell;

	if (self.s_waker == 0) {
		bell = kernel_bell();
		if (bell < 0)
			return bell;
		self.s_waker = bell + 1;
		thread_notice();
	}
	return self.s_waker - 1;
}

static int64_t
now(void)
{
	struct timespec ts = { 0 };

	(void)host_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC + ts.tv_nsec;
}

static void
wait_sort(struct wait *w)
{
	for (unsigned int i = 0; i < w->w_n; i++) {
		int32_t entry = fdmap_entry((unsigned long)w->w_fds[i].fd);

		w->w_host[i] = w->w_kernel[i] = w->w_fds[i];
		w->w_fds[i].revents = 0;
		if (w->w_fds[i].fd < 0 || entry == FDMAP_HOST) {
			w->w_kernel[i].fd = -1;
			w->w_nhost += w->w_fds[i].fd >= 0;
		} else if (entry > 0) {
			w->w_kernel[i].fd = entry - 1;
			w->w_host[i].fd = -1;
			w->w_nkernel++;
			w->w_rings |= ring_poll(entry - 1, NULL);
		} else if (entry <= FDMAP_EPOLL) {
			epoll_refresh(entry, w->w_fds[i].fd);
			w->w_kernel[i].fd = epoll_companion(entry);
			w->w_nkernel++;
			w->w_nhost++;
		} else {
			w->w_kernel[i].fd = -1;
			w->w_host[i].fd = 1 << 30;	/* POLLNVAL */
			w->w_nhost++;
		}
	}
}

/* What is asked about a ring's socket is the ring; any: one of them is ready. */
static bool
wait_rings(struct wait *w)
{
	bool ready, any = false;

	for (unsigned int i = 0; i < w->w_n; i++) {
		struct pollfd *pfd = &w->w_kernel[i];

		if (pfd->fd < 0 || !ring_poll(pfd->fd, &ready))
			continue;
		pfd->revents &= (short)~(POLLIN | POLLRDNORM);
		if (ready)
			pfd->revents |= pfd->events & (POLLIN | POLLRDNORM);
		any |= ready && (pfd->events & (POLLIN | POLLRDNORM)) != 0;
	}
	return any;
}

/* Both kernels' answers into w_fds: how many are ready. */
static long
wait_merge(struct wait *w)
{
	long ready = 0;

	if (w->w_rings)
		(void)wait_rings(w);
	for (unsigned int i = 0; i < w->w_n; i++) {
		w->w_fds[i].revents = 0;
		if (w->w_kernel[i].fd >= 0)
			w->w_fds[i].revents = w->w_kernel[i].revents;
		if (w->w_host[i].fd >= 0)
			w->w_fds[i].revents |= w->w_host[i].revents;
		ready += w->w_fds[i].revents != 0;
	}
	return ready;
}

static long
host_ppoll(struct pollfd *fds, unsigned int n, int64_t timeout, unsigned long mask)
{
	struct timespec ts = { .tv_sec = timeout / NSEC, .tv_nsec = timeout % NSEC }, zero = { 0 };
	unsigned long args[6] = { (unsigned long)fds, n, (unsigned long)(timeout >= 0 ? &ts : NULL), mask,
	    SIGSET_BYTES };

	return host_wait(SYS_ppoll, args, 2, (unsigned long)&zero);
}

static void
waker_clear(struct pollfd *pfd)
{
	uint64_t count;

	while (host_syscall(SYS_read, pfd->fd, &count, sizeof(count)) > 0)
		continue;
}

/* One turn: looks, and sleeps if there was nothing.  > 0 ready, 0 again, -errno. */
static long
wait_turn(struct wait *w, int64_t left)
{
	struct pollfd *waker = &w->w_host[w->w_n];
	long kernel, host, armed = 0;

	/* In a ring may be what has left the kernel. */
	if (w->w_rings && wait_rings(w))
		left = 0;
	kernel = left == 0 ? kernel_syscall(SYS_poll, w->w_kernel, w->w_n, 0) :
	    kernel_poll_arm(w->w_kernel, w->w_n, waker->fd);
	if (kernel < 0)
		return kernel;
	armed = left != 0 && kernel == 0;
	host = host_ppoll(w->w_host, w->w_n + 1, kernel > 0 ? 0 : left, w->w_mask);
	if (armed) {
		(void)kernel_poll_arm(NULL, 0, waker->fd);
		waker_clear(waker);
		/* Somebody told us: what is it? */
		if (host >= 0)
			kernel = kernel_syscall(SYS_poll, w->w_kernel, w->w_n, 0);
	}
	if (host < 0 && kernel == 0)
		return host;
	return wait_merge(w);
}

static long
wait_mixed(struct wait *w)
{
	int64_t deadline = w->w_timeout > 0 ? now() + w->w_timeout : w->w_timeout, left;
	int fd = poll_waker();
	long ret;

	if (fd < 0)
		return fd;
	w->w_host[w->w_n] = (struct pollfd){ .fd = fd, .events = POLLIN };
	for (;;) {
		left = deadline > 0 ? deadline - now() : deadline;
		if (deadline > 0 && left < 0)
			left = 0;
		ret = wait_turn(w, left);
		if (ret != 0 || left == 0)
			return ret;
	}
}

/* The kernel's alone. */
static long
wait_kernel(struct wait *w)
{
	struct timespec ts = { .tv_sec = w->w_timeout / NSEC, .tv_nsec = w->w_timeout % NSEC };
	long ret;

	ret = kernel_syscall(SYS_ppoll, w->w_kernel, w->w_n, w->w_timeout >= 0 ? &ts : NULL, 0,
	    SIGSET_BYTES);
	return ret < 0 ? ret : wait_merge(w);
}

/* fds are there; -ENOSYS: none is the kernel's, let the host do it. */
static long
wait_all(struct wait *w)
{
	struct pollfd fast[2 * FASTFDS + 1], *mem = fast;
	size_t len = (2 * (size_t)w->w_n + 1) * sizeof(*mem);
	long ret;

	if (w->w_n > FASTFDS) {
		mem = mem_get(len);
		if (mem == NULL)
			return -ENOMEM;
	}
	w->w_kernel = mem;
	w->w_host = mem + w->w_n;
	wait_sort(w);
	if (w->w_nkernel == 0)
		ret = -ENOSYS;
	else if (w->w_nhost == 0 && w->w_mask == 0 && !w->w_rings)
		ret = wait_kernel(w);
	else
		ret = wait_mixed(w);
	if (mem != fast)
		mem_put(mem, len);
	return ret;
}

/* --- poll ------------------------------------------------------------------------------ */

static bool
any_kernel(const struct pollfd *fds, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++) {
		if (fds[i].fd >= 0 && fdmap_entry((unsigned long)fds[i].fd) != FDMAP_HOST)
			return true;
	}
	return false;
}

/* The program's list, copied; *ret_n stays 0 if the host shall look at it. */
static long
fds_read(unsigned long addr, unsigned long n, struct pollfd *fast, struct pollfd **ret_fds)
{
	struct pollfd *fds = fast;

	if (n == 0 || n > MAXFDS)
		return -ENOSYS;
	if (n > FASTFDS) {
		fds = mem_get(n * sizeof(*fds));
		if (fds == NULL)
			return -ENOMEM;
	}
	*ret_fds = fds;
	if (mem_read(fds, addr, n * sizeof(*fds)) && any_kernel(fds, n))
		return 0;
	return -ENOSYS;
}

static long
do_poll(unsigned long addr, unsigned long n, int64_t timeout, unsigned long mask)
{
	struct pollfd fast[FASTFDS], *fds = fast;
	struct wait w = { .w_n = (unsigned int)n, .w_timeout = timeout, .w_mask = mask };
	long ret = fds_read(addr, n, fast, &fds);

	if (ret == 0) {
		w.w_fds = fds;
		ret = wait_all(&w);
		if (ret >= 0 && !mem_write(addr, fds, n * sizeof(*fds)))
			ret = -EFAULT;
	}
	if (fds != fast)
		mem_put(fds, n * sizeof(*fds));
	return ret;
}

static long
rule_poll(long nr, const unsigned long args[6])
{
	int ms = (int)args[2];
	long ret = do_poll(args[0], args[1], ms < 0 ? -1 : ms * (NSEC / 1000), 0);

	return ret == -ENOSYS ? host_args(nr, args) : ret;
}

/* A struct timespec of the program as nanoseconds; 0: none.  False: let the host complain. */
static bool
time_read(unsigned long addr, int64_t *ret_time)
{
	struct timespec ts;

	*ret_time = -1;
	if (addr == 0)
		return true;
	if (!mem_read(&ts, addr, sizeof(ts)) || ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= NSEC)
		return false;
	*ret_time = ts.tv_sec > INT64_MAX / NSEC - 1 ? -1 : ts.tv_sec * NSEC + ts.tv_nsec;
	return true;
}

/* What is left goes back, in the call's own unit: Linux's habit. */
static void
time_left(unsigned long addr, int64_t timeout, int64_t begun, int64_t unit)
{
	struct timespec ts;
	int64_t left;

	if (addr == 0 || timeout < 0)
		return;
	left = timeout - (now() - begun);
	if (left < 0)
		left = 0;
	ts = (struct timespec){ .tv_sec = left / NSEC, .tv_nsec = left % NSEC / unit };
	(void)mem_write(addr, &ts, sizeof(ts));
}

static long
rule_ppoll(long nr, const unsigned long args[6])
{
	int64_t timeout, begun;
	long ret;

	if (!time_read(args[2], &timeout) || (args[3] != 0 && args[4] != SIGSET_BYTES))
		return host_args(nr, args);
	begun = timeout > 0 ? now() : 0;
	ret = do_poll(args[0], args[1], timeout, args[3]);
	if (ret == -ENOSYS)
		return host_args(nr, args);
	time_left(args[2], timeout, begun, 1);
	return ret;
}

/* --- select ------------------------------------------------------------------------------ */

#define SETWORDS	(MAXFDS / 64)
#define SET_READ	(POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR)
#define SET_WRITE	(POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR)

struct sets {
	unsigned long	 se_addr[3];	/* read, write, except; 0: none */
	unsigned int	 se_n;
};

/* Bit fd of a set of the program. */
static bool
set_has(const unsigned long *set, unsigned int fd)
{
	return set != NULL && (set[fd / 64] >> fd % 64 & 1) != 0;
}

/* The sets as a list of pollfd: their number. */
static unsigned int
sets_to_fds(unsigned long *const set[3], unsigned int n, struct pollfd *fds)
{
	unsigned int count = 0;
	short events;

	for (unsigned int fd = 0; fd < n; fd++) {
		events = (short)((set_has(set[0], fd) ? POLLIN : 0) | (set_has(set[1], fd) ? POLLOUT : 0) |
		    (set_has(set[2], fd) ? POLLPRI : 0));
		if (events != 0)
			fds[count++] = (struct pollfd){ .fd = (int)fd, .events = events };
	}
	return count;
}

static long
fds_to_sets(const struct pollfd *fds, unsigned int count, unsigned long *const set[3])
{
	static const short counts[3] = { SET_READ, SET_WRITE, POLLPRI };
	static const short asked[3] = { POLLIN, POLLOUT, POLLPRI };
	long ready = 0;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int fd = (unsigned int)fds[i].fd;

		if ((fds[i].revents & POLLNVAL) != 0)
			return -EBADF;
		for (unsigned int k = 0; k < 3; k++) {
			if ((fds[i].events & asked[k]) == 0)
				continue;
			if ((fds[i].revents & counts[k]) != 0)
				ready++;
			else
				set[k][fd / 64] &= ~(1UL << fd % 64);
		}
	}
	return ready;
}

/* mem: three sets of n bits, and n pollfd. */
static long
select_in(const struct sets *se, struct wait *w, void *mem)
{
	size_t words = (se->se_n + 63) / 64;
	unsigned long *set[3], *room = mem;
	long ret;

	for (unsigned int k = 0; k < 3; k++) {
		set[k] = se->se_addr[k] != 0 ? room + k * words : NULL;
		if (set[k] != NULL && !mem_read(set[k], se->se_addr[k], words * 8))
			return -EFAULT;
	}
	w->w_fds = (struct pollfd *)(void *)(room + 3 * words);
	w->w_n = sets_to_fds(set, se->se_n, w->w_fds);
	if (!any_kernel(w->w_fds, w->w_n))
		return -ENOSYS;
	ret = wait_all(w);
	if (ret < 0)
		return ret;
	ret = fds_to_sets(w->w_fds, w->w_n, set);
	for (unsigned int k = 0; k < 3 && ret >= 0; k++) {
		if (set[k] != NULL && !mem_write(se->se_addr[k], set[k], words * 8))
			ret = -EFAULT;
	}
	return ret;
}

static long
do_select(const unsigned long args[6], int64_t timeout, unsigned long mask)
{
	struct sets se = { .se_addr = { args[1], args[2], args[3] } };
	struct wait w = { .w_timeout = timeout, .w_mask = mask };
	int n = (int)args[0];
	size_t len;
	void *mem;
	long ret;

	if (n <= 0 || n > MAXFDS)
		return -ENOSYS;
	se.se_n = (unsigned int)n;
	len = (se.se_n + 63) / 64 * 24 + se.se_n * sizeof(struct pollfd);
	mem = mem_get(len);
	if (mem == NULL)
		return -ENOMEM;
	ret = select_in(&se, &w, mem);
	mem_put(mem, len);
	return ret;
}

static long
rule_select(long nr, const unsigned long args[6])
{
	struct timespec tv = { 0 };		/* microseconds in tv_nsec */
	int64_t timeout = -1, begun;
	long ret;

	if (args[4] != 0) {
		if (!mem_read(&tv, args[4], sizeof(tv)) || tv.tv_sec < 0 || tv.tv_nsec < 0 ||
		    tv.tv_sec > INT64_MAX / NSEC / 2 || tv.tv_nsec > INT64_MAX / NSEC / 2)
			return host_args(nr, args);
		timeout = tv.tv_sec * NSEC + tv.tv_nsec * 1000;
	}
	begun = timeout > 0 ? now() : 0;
	ret = do_select(args, timeout, 0);
	if (ret == -ENOSYS)
		return host_args(nr, args);
	time_left(args[4], timeout, begun, 1000);
	return ret;
}

static long
rule_pselect6(long nr, const unsigned long args[6])
{
	unsigned long mask[2] = { 0, 0 };
	int64_t timeout, begun;
	long ret;

	if (!time_read(args[4], &timeout) ||
	    (args[5] != 0 && !mem_read(mask, args[5], sizeof(mask))) ||
	    (mask[0] != 0 && mask[1] != SIGSET_BYTES))
		return host_args(nr, args);
	begun = timeout > 0 ? now() : 0;
	ret = do_select(args, timeout, mask[0]);
	if (ret == -ENOSYS)
		return host_args(nr, args);
	time_left(args[4], timeout, begun, 1);
	return ret;
}

void
poll_rules(void)
{
	dispatch_set(SYS_poll, HIJACK_LOOK, rule_poll);
	dispatch_set(SYS_ppoll, HIJACK_LOOK, rule_ppoll);
	dispatch_set(SYS_select, HIJACK_LOOK, rule_select);
	dispatch_set(SYS_pselect6, HIJACK_LOOK, rule_pselect6);
}

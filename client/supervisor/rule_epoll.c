/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rule_epoll.c - epoll over descriptors of both kernels
 *
 * As in a program in which we are (hijack/epoll.c): the program's instance E is the host's, and gets
 * a companion in the kernel when the first descriptor of it is added.  Here all waiting is done by
 * us, also while there is no companion, since one may come.  So the two need not be joined: who
 * waits waits for a copy of E and for a bell of his own, which the companion rings.
 *
 * A child of fork(2) has E too, and the companion by the same number in its own proc.
 *
 * References: epoll_ctl(2), epoll_wait(2), pidfd_getfd(2).
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "supervisor.h"

#define NCOMPANIONS	1024
#define MAXEVENTS	512
#define SIGSET_BYTES	8
#define NSEC		1000000000LL

/* Field key:	l  companions_lock	c  constant	a  atomic */
struct companion {
	uint32_t	 co_refs;	/* l: the table's, and calls under way */
	int		 co_ep;		/* c: E */
	int		 co_r;		/* a: the kernel's epoll, -1: not yet */
	int		 co_poke;	/* c: an eventfd, written when there is one */
};

static struct companion companions[NCOMPANIONS];
static pthread_mutex_t companions_lock = PTHREAD_MUTEX_INITIALIZER;

static int32_t
entry_of(const struct companion *co)
{
	return FDMAP_EPOLL - (int32_t)(co - companions);
}

static struct companion *
companion_of(int32_t entry)
{
	return &companions[FDMAP_EPOLL - entry];
}

/* --- birth and end ---------------------------------------------------------------------- */

/* t: whose the kernel's is; NULL: it goes by itself. */
static void
companion_rele(struct target *t, struct companion *co)
{
	struct companion old = { .co_refs = 0 };
	unsigned long args[6] = { 0 };

	(void)pthread_mutex_lock(&companions_lock);
	if (co->co_refs == 1)
		old = *co;
	co->co_refs--;
	(void)pthread_mutex_unlock(&companions_lock);
	if (old.co_refs == 0)
		return;
	args[0] = (unsigned long)old.co_r;
	if (old.co_r >= 0 && t != NULL)
		(void)target_call(t, SYS_close, args);
	(void)close(old.co_poke);
	(void)close(old.co_ep);
}

void
companion_drop(struct target *t, int32_t entry)
{
	companion_rele(t, companion_of(entry));
}

void
companion_hold(int32_t entry)
{
	(void)pthread_mutex_lock(&companions_lock);
	companion_of(entry)->co_refs++;
	(void)pthread_mutex_unlock(&companions_lock);
}

int
companion_epoll(int32_t entry)
{
	return companion_of(entry)->co_ep;
}

int
companion_kernel(int32_t entry)
{
	return __atomic_load_n(&companion_of(entry)->co_r, __ATOMIC_ACQUIRE);
}

/* Of a copy of E, which is taken along or closed.  NULL: no room. */
static struct companion *
companion_new_locked(int ep, int r)
{
	struct companion *co = companions;
	int poke = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	while (co < companions + NCOMPANIONS && co->co_refs > 0)
		co++;
	if (poke < 0 || ep < 0 || co == companions + NCOMPANIONS) {
		if (poke >= 0)
			(void)close(poke);
		if (ep >= 0)
			(void)close(ep);
		return NULL;
	}
	*co = (struct companion){ .co_refs = 1, .co_ep = ep, .co_r = r, .co_poke = poke };
	return co;
}

int32_t
companion_copy(int32_t entry)
{
	struct companion *old = companion_of(entry), *co;

	(void)pthread_mutex_lock(&companions_lock);
	co = companion_new_locked(fcntl(old->co_ep, F_DUPFD_CLOEXEC, 0), old->co_r);
	(void)pthread_mutex_unlock(&companions_lock);
	return co != NULL ? entry_of(co) : FDMAP_HOST;
}

static bool
is_epoll(int fd)
{
	static const char what[] = "anon_inode:[eventpoll]";
	char name[40], link[64];
	ssize_t n;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, link, sizeof(link));
	return n == (ssize_t)sizeof(what) - 1 && memcmp(link, what, sizeof(what) - 1) == 0;
}

static struct companion *
companion_make_locked(unsigned long n)
{
	struct companion *co;
	int fd = host_borrow(n);

	if (fd >= 0 && !is_epoll(fd)) {
		(void)close(fd);
		fd = -1;
	}
	co = companion_new_locked(fd, -1);
	if (co != NULL)
		(void)target_set(visit->v_target, n, entry_of(co));
	return co;
}

/* Held; NULL: it is no epoll. */
static struct companion *
companion_get(unsigned long n)
{
	struct companion *co = NULL;
	int32_t entry;

	(void)pthread_mutex_lock(&companions_lock);
	entry = target_entry(visit->v_target, n);
	if (entry <= FDMAP_EPOLL)
		co = companion_of(entry);
	else if (entry == FDMAP_HOST)
		co = companion_make_locked(n);
	if (co != NULL)
		co->co_refs++;
	(void)pthread_mutex_unlock(&companions_lock);
	return co;
}

/* The kernel's side of it. */
static int
companion_open_locked(struct companion *co)
{
	uint64_t one = 1;
	long r;

	if (co->co_r >= 0)
		return 0;
	r = kernel_syscall(SYS_epoll_create1, 0);
	if (r < 0)
		return (int)r;
	__atomic_store_n(&co->co_r, (int)r, __ATOMIC_RELEASE);
	/* Who waits already shall wait for both. */
	(void)write(co->co_poke, &one, sizeof(one));
	return 0;
}

/* --- epoll_ctl ------------------------------------------------------------------------------ */

/* r, with the kernel's half of E. */
static long
control(struct companion *co, int r, const unsigned long args[6])
{
	unsigned long kargs[6] = { 0, args[1], (unsigned long)r, args[3] };
	long ret;

	(void)pthread_mutex_lock(&companions_lock);
	ret = companion_open_locked(co);
	(void)pthread_mutex_unlock(&companions_lock);
	if (ret != 0)
		return ret;
	kargs[0] = (unsigned long)co->co_r;
	return kernel_call(SYS_epoll_ctl, kargs);
}

/* An instance in another one is there twice, as it is itself. */
static long
control_nested(struct companion *co, int32_t inner, const unsigned long args[6])
{
	struct companion *in = companion_of(inner);
	unsigned long kargs[6] = { args[0], args[1], args[2], args[3] };
	long ret = 0;

	(void)pthread_mutex_lock(&companions_lock);
	if (args[1] == EPOLL_CTL_ADD)
		ret = companion_open_locked(in);
	(void)pthread_mutex_unlock(&companions_lock);
	if (ret == 0 && in->co_r >= 0)
		ret = control(co, in->co_r, kargs);
	return ret;
}

/* What is wrong with n, as a descriptor or as one to be waited for; -EINVAL: nothing. */
static long
complaint(unsigned long n, int32_t entry, bool waits)
{
	struct epoll_event ev = { 0 };
	long ret, fd = entry > 0 ? entry - 1 : host_borrow(n);

	if (entry > 0)
		ret = kernel_syscall(SYS_fcntl, fd, F_GETFL);
	else
		ret = fd < 0 ? fd : host_syscall(SYS_fcntl, fd, F_GETFL);
	if (ret >= 0 && (ret & O_PATH) != 0)
		ret = -EBADF;
	if (ret >= 0 && waits)
		ret = entry > 0 ? kernel_syscall(SYS_epoll_ctl, fd, EPOLL_CTL_ADD, fd, &ev) :
		    host_syscall(SYS_epoll_ctl, fd, EPOLL_CTL_ADD, fd, &ev);
	if (entry <= 0)
		host_return((int)fd);
	return ret < 0 ? ret : -EINVAL;
}

/* What is no epoll, or nothing: the descriptors are looked at first. */
static long
no_epoll(int32_t ep, int32_t entry, const unsigned long args[6])
{
	unsigned long kargs[6] = { (unsigned long)(ep - 1), args[1], (unsigned long)(entry - 1), args[3] };
	long ret;

	if (ep > 0 && entry > 0)
		return kernel_call(SYS_epoll_ctl, kargs);
	ret = complaint(args[0], ep, false);
	return ret != -EINVAL ? ret : complaint(args[2], entry, true);
}

static long
rule_epoll_ctl(long nr, const unsigned long args[6])
{
	int32_t ep = fdmap_entry(args[0]), entry = fdmap_entry(args[2]);
	struct companion *co;
	long ret;

	if (ep > 0)
		return no_epoll(ep, entry, args);
	if (entry == FDMAP_HOST || args[0] == args[2])
		return CALL_GOES_ON;
	co = companion_get(args[0]);
	if (co == NULL)
		return entry > 0 ? no_epoll(ep, entry, args) : CALL_GOES_ON;
	ret = entry > 0 ? control(co, entry - 1, args) : control_nested(co, entry, args);
	companion_rele(visit->v_target, co);
	return ret == 0 && entry < 0 ? CALL_GOES_ON : ret;
}

/* --- epoll_wait -------------------------------------------------------------------------------- */

struct epwait {
	struct companion *ew_co;
	int		 ew_max;
	int		 ew_n;
	int64_t		 ew_deadline;	/* of the monotonic clock; -1: none, 0: do not wait */
	struct epoll_event ew_events[MAXEVENTS];
};

static int64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC + ts.tv_nsec;
}

/* Rounded up, so that nobody comes back too early. */
static int
ms_left(const struct epwait *ew)
{
	int64_t left;

	if (ew->ew_deadline <= 0)
		return (int)ew->ew_deadline;
	left = (ew->ew_deadline - now() + 999999) / 1000000;
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* From E; -errno. */
static long
collect_host(struct epwait *ew)
{
	int room = ew->ew_max - ew->ew_n;
	long n;

	if (room == 0)
		return 0;
	n = host_syscall(SYS_epoll_pwait, ew->ew_co->co_ep, ew->ew_events + ew->ew_n, room, 0, NULL,
	    SIGSET_BYTES);
	if (n > 0)
		ew->ew_n += (int)n;
	return n;
}

static long
collect_kernel(struct epwait *ew)
{
	int r = __atomic_load_n(&ew->ew_co->co_r, __ATOMIC_ACQUIRE), room = ew->ew_max - ew->ew_n;
	long n;

	if (r < 0 || room == 0)
		return 0;
	n = kernel_syscall(SYS_epoll_pwait, r, ew->ew_events + ew->ew_n, room, 0, NULL, SIGSET_BYTES);
	if (n > 0)
		ew->ew_n += (int)n;
	return n;
}

/* 0: something may have come, or it is time; -errno. */
static long
sleep_for_both(struct epwait *ew, int ms)
{
	struct pollfd k = { .fd = __atomic_load_n(&ew->ew_co->co_r, __ATOMIC_ACQUIRE), .events = POLLIN };
	struct pollfd h[2] = { { .fd = ew->ew_co->co_ep, .events = POLLIN },
	    { .fd = ew->ew_co->co_poke, .events = POLLIN } };
	uint64_t junk;
	long n;

	if (k.fd >= 0) {
		h[1].fd = visit_bell();
		if (h[1].fd < 0)
			return h[1].fd;
		n = rumpclient_poll_arm(&k, 1, h[1].fd);
		if (n != 0)
			return n < 0 ? n : 0;
	}
	n = poll(h, 2, ms);
	if (n < 0)
		return -errno;
	while (k.fd >= 0 && h[1].revents != 0 && read(h[1].fd, &junk, sizeof(junk)) > 0)
		continue;
	return 0;
}

static long
epoll_wait_all(struct epwait *ew)
{
	long n;
	int ms;

	for (;;) {
		ms = ms_left(ew);
		n = collect_kernel(ew);
		if (n >= 0)
			n = collect_host(ew);
		if (ew->ew_n > 0 || n < 0 || ms == 0)
			return ew->ew_n > 0 ? ew->ew_n : n;
		n = sleep_for_both(ew, ms);
		if (n < 0)
			return n;
	}
}

/* The kernel knows what is wrong with it. */
static long
wait_kernel(int32_t entry, long nr, const unsigned long args[6])
{
	unsigned long kargs[6] = { (unsigned long)(entry - 1), args[1], args[2], args[3], args[4], args[5] };

	return kernel_call((unsigned int)nr, kargs);
}

static long
wait_with(struct epwait *ew, const unsigned long args[6])
{
	long ret;

	ew->ew_n = 0;
	ew->ew_max = (int)args[2] < MAXEVENTS ? (int)args[2] : MAXEVENTS;
	ew->ew_co = companion_get(args[0]);
	if (ew->ew_co == NULL)
		return CALL_GOES_ON;
	ret = epoll_wait_all(ew);
	companion_rele(visit->v_target, ew->ew_co);
	if (ret > 0 && !mem_write(args[1], ew->ew_events, (size_t)ret * sizeof(ew->ew_events[0])))
		ret = -EFAULT;
	return ret;
}

static long
rule_epoll_wait(long nr, const unsigned long args[6])
{
	int ms = (int)args[3];
	struct epwait ew;

	if (fdmap_entry(args[0]) > 0)
		return wait_kernel(fdmap_entry(args[0]), nr, args);
	if ((int)args[2] <= 0 || (nr == SYS_epoll_pwait && visit_mask(args[4], args[5]) != 0))
		return CALL_GOES_ON;
	ew.ew_deadline = ms < 0 ? -1 : ms == 0 ? 0 : now() + ms * (NSEC / 1000);
	return wait_with(&ew, args);
}

static long
rule_epoll_pwait2(long nr, const unsigned long args[6])
{
	struct epwait ew;
	int64_t ts[2];

	if (fdmap_entry(args[0]) > 0)
		return wait_kernel(fdmap_entry(args[0]), nr, args);
	ew.ew_deadline = -1;
	if ((int)args[2] <= 0 || visit_mask(args[4], args[5]) != 0)
		return CALL_GOES_ON;
	if (args[3] != 0) {
		if (!mem_read(ts, args[3], sizeof(ts)) || ts[0] < 0 || ts[0] > INT64_MAX / NSEC / 4 ||
		    ts[1] < 0 || ts[1] >= NSEC)
			return CALL_GOES_ON;
		ew.ew_deadline = ts[0] == 0 && ts[1] == 0 ? 0 : now() + ts[0] * NSEC + ts[1];
	}
	return wait_with(&ew, args);
}

void
epoll_rules(void)
{
	dispatch_set(SYS_epoll_ctl, HIJACK_LOOK, rule_epoll_ctl);
	dispatch_set(SYS_epoll_wait, HIJACK_LOOK, rule_epoll_wait);
	dispatch_set(SYS_epoll_pwait, HIJACK_LOOK, rule_epoll_wait);
	dispatch_set(SYS_epoll_pwait2, HIJACK_LOOK, rule_epoll_pwait2);
}

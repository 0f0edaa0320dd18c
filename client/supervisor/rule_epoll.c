/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rule_epoll.c - epoll over descriptors of both kernels
 *
 * As in a program in which we are (hijack/epoll.c): the program's instance E is the host's, and gets
 * a companion in the kernel when the first descriptor of it is added; they are joined by a
 * bell in E.  Here all waiting is done by us, on a copy of E's descriptor, also while there is no
 * companion: one may come, and then the program must not see the bell.
 *
 * At any time one of these holds: the bell is armed; it has been rung and not been heard;
 * a worker is about to see to it.  Who leaves with the bell unarmed while others wait pokes them.
 *
 * References: epoll_ctl(2), epoll_wait(2), pidfd_getfd(2).
 */

#include <errno.h>
#include <fcntl.h>
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

struct companion {
	uint32_t	 co_refs;	/* l: the table's, and calls under way */
	int		 co_ep;		/* c: E */
	int		 co_r;		/* a: the kernel's epoll, -1: not yet */
	int		 co_bell;	/* l: in E, with co_r */
	int		 co_poke;	/* l: an eventfd in E */
	uint32_t	 co_armed;	/* a */
	uint32_t	 co_waiters;	/* a */
};

static struct companion companions[NCOMPANIONS];
static pthread_mutex_t companions_lock = PTHREAD_MUTEX_INITIALIZER;

/* What no program has for data: an address of ours. */
#define JOINT_BELL	(STACKS_BASE ^ 0x5a5a000000000000UL)
#define JOINT_POKE	(JOINT_BELL + 1)

/* --- birth and end ---------------------------------------------------------------------- */

static void
companion_rele(struct companion *co)
{
	struct companion old = { .co_refs = 1 };

	(void)pthread_mutex_lock(&companions_lock);
	if (co->co_refs == 1)
		old = *co;
	co->co_refs--;
	(void)pthread_mutex_unlock(&companions_lock);
	if (old.co_ep == 0)
		return;
	if (old.co_r >= 0) {
		rumpclient_bell_close(old.co_bell);
		(void)close(old.co_poke);
		(void)kernel_syscall(SYS_close, old.co_r);
	}
	(void)close(old.co_ep);
}

void
companion_drop(int32_t entry)
{
	companion_rele(&companions[FDMAP_EPOLL - entry]);
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
	struct companion *co = companions;
	int fd = host_borrow(n);

	while (co < companions + NCOMPANIONS && co->co_refs > 0)
		co++;
	if (fd < 0 || !is_epoll(fd) || co == companions + NCOMPANIONS) {
		if (fd >= 0)
			(void)close(fd);
		return NULL;
	}
	*co = (struct companion){ .co_refs = 1, .co_ep = fd, .co_r = -1 };
	(void)target_set(visit->v_target, n, FDMAP_EPOLL - (int32_t)(co - companions));
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
		co = &companions[FDMAP_EPOLL - entry];
	else if (entry == FDMAP_HOST)
		co = companion_make_locked(n);
	if (co != NULL)
		co->co_refs++;
	(void)pthread_mutex_unlock(&companions_lock);
	return co;
}

static int
joint_add(const struct companion *co, int fd, uint64_t data)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = data };

	return epoll_ctl(co->co_ep, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

/* The kernel's side of it. */
static int
companion_open_locked(struct companion *co)
{
	uint64_t one = 1;
	int error;
	long r;

	if (co->co_r >= 0)
		return 0;
	co->co_bell = rumpclient_bell();
	if (co->co_bell < 0)
		return co->co_bell;
	r = -EMFILE;
	co->co_poke = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	error = co->co_poke < 0 ? -errno : joint_add(co, co->co_bell, JOINT_BELL);
	if (error == 0)
		error = joint_add(co, co->co_poke, JOINT_POKE);
	if (error == 0) {
		r = kernel_syscall(SYS_epoll_create1, 0);
		error = r < 0 ? (int)r : 0;
	}
	if (error) {
		rumpclient_bell_close(co->co_bell);
		if (co->co_poke >= 0)
			(void)close(co->co_poke);
		return error;
	}
	__atomic_store_n(&co->co_r, (int)r, __ATOMIC_RELEASE);
	/* Who waits already comes out, and arms the bell. */
	(void)write(co->co_poke, &one, sizeof(one));
	return 0;
}

/* --- epoll_ctl ------------------------------------------------------------------------------ */

static long
rule_epoll_ctl(long nr, const unsigned long args[6])
{
	int32_t entry = fdmap_entry(args[2]);
	struct companion *co;
	long ret;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry <= 0)
		return fdmap_entry(args[0]) > 0 ? -EINVAL : CALL_GOES_ON;
	co = companion_get(args[0]);
	if (co == NULL)
		return fdmap_entry(args[0]) > 0 ? -EINVAL : CALL_GOES_ON;
	(void)pthread_mutex_lock(&companions_lock);
	ret = companion_open_locked(co);
	(void)pthread_mutex_unlock(&companions_lock);
	if (ret == 0) {
		unsigned long kargs[6] = { (unsigned long)co->co_r, args[1],
		    (unsigned long)(entry - 1), args[3] };

		ret = kernel_call(SYS_epoll_ctl, kargs);
	}
	companion_rele(co);
	return ret;
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

/* A joint is heard, and is no event of the program's. */
static void
hear(struct companion *co, uint64_t joint)
{
	uint64_t junk;

	if (joint == JOINT_POKE) {
		(void)read(co->co_poke, &junk, sizeof(junk));
		return;
	}
	while (read(co->co_bell, &junk, sizeof(junk)) > 0)
		continue;
	__atomic_store_n(&co->co_armed, 0, __ATOMIC_RELEASE);
}

static bool
is_joint(uint64_t data)
{
	return data == JOINT_BELL || data == JOINT_POKE;
}

/* From E; -1 and errno as epoll_wait(2), 1 if anything came. */
static long
collect_host(struct epwait *ew, int ms)
{
	struct epoll_event *ev = ew->ew_events + ew->ew_n;
	int room = ew->ew_max - ew->ew_n, kept = 0;
	long n;

	if (room == 0)
		return 0;
	n = host_syscall(SYS_epoll_pwait, ew->ew_co->co_ep, ev, room, ms, NULL, SIGSET_BYTES);
	for (long i = 0; i < n; i++) {
		if (is_joint(ev[i].data.u64))
			hear(ew->ew_co, ev[i].data.u64);
		else
			ev[kept++] = ev[i];
	}
	ew->ew_n += kept;
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

/* True: the bell will ring, or there is nobody to ring it.  False: there is something now. */
static bool
armed(struct companion *co)
{
	struct pollfd pfd = { .fd = __atomic_load_n(&co->co_r, __ATOMIC_ACQUIRE), .events = POLLIN };

	if (pfd.fd < 0 || __atomic_exchange_n(&co->co_armed, 1, __ATOMIC_ACQ_REL) != 0)
		return true;
	if (rumpclient_poll_arm(&pfd, 1, co->co_bell) == 0)
		return true;
	__atomic_store_n(&co->co_armed, 0, __ATOMIC_RELEASE);
	return false;
}

static long
epoll_wait_all(struct epwait *ew)
{
	long n;
	int ms;

	for (;;) {
		n = collect_kernel(ew);
		if (n >= 0)
			n = collect_host(ew, 0);
		if (ew->ew_n > 0)
			return ew->ew_n;
		if (n < 0)
			return n;
		ms = ms_left(ew);
		if (ms == 0)
			return 0;
		if (!armed(ew->ew_co))
			continue;
		n = collect_host(ew, ms);
		if (n <= 0)
			return n;
		if (ew->ew_n > 0)
			return ew->ew_n;
	}
}

static void
poke_others(struct companion *co)
{
	uint64_t one = 1;

	if (__atomic_sub_fetch(&co->co_waiters, 1, __ATOMIC_ACQ_REL) > 0 && co->co_r >= 0 &&
	    __atomic_load_n(&co->co_armed, __ATOMIC_ACQUIRE) == 0)
		(void)write(co->co_poke, &one, sizeof(one));
}

static long
wait_with(struct epwait *ew, const unsigned long args[6])
{
	long ret;

	ew->ew_n = 0;
	ew->ew_max = (int)args[2] < MAXEVENTS ? (int)args[2] : MAXEVENTS;
	ew->ew_co = companion_get(args[0]);
	if (ew->ew_co == NULL)
		return fdmap_entry(args[0]) > 0 ? -EINVAL : CALL_GOES_ON;
	__atomic_add_fetch(&ew->ew_co->co_waiters, 1, __ATOMIC_ACQ_REL);
	ret = epoll_wait_all(ew);
	poke_others(ew->ew_co);
	companion_rele(ew->ew_co);
	if (ret > 0 && !mem_write(args[1], ew->ew_events, (size_t)ret * sizeof(ew->ew_events[0])))
		ret = -EFAULT;
	return ret;
}

static long
rule_epoll_wait(long nr, const unsigned long args[6])
{
	int ms = (int)args[3];
	struct epwait ew;

	if ((int)args[2] <= 0)
		return CALL_GOES_ON;
	ew.ew_deadline = ms < 0 ? -1 : ms == 0 ? 0 : now() + ms * (NSEC / 1000);
	return wait_with(&ew, args);
}

static long
rule_epoll_pwait2(long nr, const unsigned long args[6])
{
	struct epwait ew;
	int64_t ts[2];

	ew.ew_deadline = -1;
	if ((int)args[2] <= 0)
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

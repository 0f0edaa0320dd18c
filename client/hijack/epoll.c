/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * epoll.c - epoll over descriptors of both kernels
 *
 * The program's epoll instance E is the host's.  When the first descriptor of the kernel is added, it
 * gets a companion: an epoll instance of the kernel.  Each descriptor goes into the one of its own
 * side, so that edges, levels, one shots and exclusive wake-ups are those of two real ones.
 *
 * The two are joined by a bell in E.  At any time either the kernel is going to ring it
 * once the companion has something (backend's b_poll_arm), or it rings, or a thread that heard it is
 * about to see to one of both.  Where we ring it ourselves that is an eventfd beside it (the gong).
 *
 * While E holds none of the host's, its waiters wait in the kernel, which is quicker.  They are
 * called out by an eventfd of the kernel in the companion (the kick) when the first one comes.
 *
 * After fork(2) the two processes share E.  A child that waits with it puts a bell of its own in the place
 * of its parent's, which rings for its parent's session.  The parent cannot notice that while it sleeps, so
 * one that has forked looks at the kernel's side now and then.
 *
 * Both joints have data of their own in the lists of events, which are filtered out.
 *
 * References: epoll_ctl(2), epoll_wait(2).
 */

#include "hijack.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#define NCOMPANIONS	4096
#define SIGSET_BYTES	8
#define NSEC		1000000000LL
#define FORKED_MS	20		/* how often a parent looks */

struct companion {
	uint32_t	 co_refs;	/* a: descriptors of the program; 0: free */
	int		 co_r;		/* the kernel's epoll */
	int		 co_kick;	/* the kernel's eventfd in it */
	int		 co_bell;	/* the kernel rings it, in E */
	int		 co_gong;	/* we ring it, in E */
	uint32_t	 co_nhost;	/* a: of the host in E; too many rather than too few */
	bool		 co_forked;	/* somebody may have taken our bell out of E */
	bool		 co_orphan;	/* the bell is that of our parent */
};

static struct companion companions[NCOMPANIONS];
static uint32_t used;			/* a: none from here on has ever been there */

/* What no program has for data: an address of ours. */
#define JOINT	((uint64_t)(uintptr_t)companions ^ 0x5a5a000000000000ULL)

static struct companion *
companion_of(int32_t entry)
{
	return entry <= FDMAP_EPOLL ? &companions[FDMAP_EPOLL - entry] : NULL;
}

int
epoll_companion(int32_t entry)
{
	struct companion *co = companion_of(entry);

	return co != NULL ? co->co_r : -1;
}

/* --- birth and end -------------------------------------------------------------------- */

static void
gong(const struct companion *co)
{
	uint64_t one = 1;

	(void)host_syscall(SYS_write, co->co_gong, &one, sizeof(one));
}

static void
silence(const struct companion *co)
{
	uint64_t count;

	(void)host_syscall(SYS_read, co->co_gong, &count, sizeof(count));
	while (host_syscall(SYS_read, co->co_bell, &count, sizeof(count)) > 0)
		continue;
}

/* The kernel shall ring when there is something; it may be so already. */
static void
bell_arm(const struct companion *co)
{
	struct pollfd pfd = { .fd = co->co_r, .events = POLLIN };

	if (kernel_poll_arm(&pfd, 1, co->co_bell) != 0)
		gong(co);
}

/* A joint: an eventfd among the other events. */
static long
joint_add(bool kernel, int ep, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = JOINT };

	return kernel ? kernel_syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, fd, &ev) :
	    host_syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, fd, &ev);
}

/* In a child: a bell and a gong of our own in the places of our parent's. */
static void
joints_renew(struct companion *co, int ep)
{
	long bell = kernel_bell(), fd = host_syscall(SYS_eventfd2, 0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (bell < 0 || host_failed(fd) || joint_add(false, ep, (int)bell) != 0)
		return;			/* the old gong answers, without rest */
	(void)host_syscall(SYS_epoll_ctl, ep, EPOLL_CTL_DEL, co->co_bell, NULL);
	(void)host_syscall(SYS_epoll_ctl, ep, EPOLL_CTL_DEL, co->co_gong, NULL);
	fdmap_unhide(co->co_bell);
	fdmap_unhide(co->co_gong);
	(void)host_syscall(SYS_close, co->co_bell);
	(void)host_syscall(SYS_close, co->co_gong);
	co->co_bell = (int)bell;
	co->co_gong = fdmap_hide((int)fd);
	(void)joint_add(false, ep, co->co_gong);
	co->co_orphan = false;
	bell_arm(co);
}

void
epoll_forked(bool child)
{
	for (unsigned int i = 0; i < __atomic_load_n(&used, __ATOMIC_ACQUIRE); i++) {
		struct companion *co = &companions[i];

		if (__atomic_load_n(&co->co_refs, __ATOMIC_ACQUIRE) == 0)
			continue;
		co->co_forked = co->co_forked || !child;
		co->co_orphan = co->co_orphan || child;
	}
}

/* Before E itself is polled: what the bell says must be true now. */
void
epoll_refresh(int32_t entry, int ep)
{
	struct companion *co = companion_of(entry);

	if (co->co_orphan)
		joints_renew(co, ep);
	silence(co);
	bell_arm(co);
}

static void
companion_close(struct companion *co)
{
	if (co->co_bell >= 0) {
		(void)kernel_poll_arm(NULL, 0, co->co_bell);
		kernel_bell_close(co->co_bell);
	}
	if (co->co_gong >= 0) {
		fdmap_unhide(co->co_gong);
		(void)host_syscall(SYS_close, co->co_gong);
	}
	if (co->co_kick >= 0)
		(void)kernel_syscall(SYS_close, co->co_kick);
	if (co->co_r >= 0)
		(void)kernel_syscall(SYS_close, co->co_r);
	__atomic_store_n(&co->co_refs, 0, __ATOMIC_RELEASE);
}

static long
companion_open(struct companion *co, int ep)
{
	long ret;

	co->co_r = co->co_kick = co->co_bell = co->co_gong = -1;
	co->co_forked = co->co_orphan = false;
	co->co_nhost = 1;		/* nobody counted before now */
	ret = kernel_syscall(SYS_epoll_create1, 0);
	if (host_failed(ret))
		return ret;
	co->co_r = (int)ret;
	ret = kernel_syscall(SYS_eventfd2, 0, EFD_NONBLOCK);
	if (host_failed(ret))
		return ret;
	co->co_kick = (int)ret;
	co->co_bell = kernel_bell();
	if (co->co_bell < 0)
		return co->co_bell;
	ret = host_syscall(SYS_eventfd2, 0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (host_failed(ret))
		return ret;
	co->co_gong = fdmap_hide((int)ret);
	ret = joint_add(true, co->co_r, co->co_kick);
	if (ret == 0)
		ret = joint_add(false, ep, co->co_bell);
	return ret != 0 ? ret : joint_add(false, ep, co->co_gong);
}

/* The companion of E, which gets one. */
static long
companion_make(int ep, struct companion **ret_co)
{
	uint32_t none;
	long ret;

	for (unsigned int i = 0; i < NCOMPANIONS; i++) {
		struct companion *co = &companions[i];

		none = 0;
		if (!__atomic_compare_exchange_n(&co->co_refs, &none, 1, false, __ATOMIC_ACQ_REL,
		    __ATOMIC_RELAXED))
			continue;
		ret = companion_open(co, ep);
		if (ret == 0 && !fdmap_swap((unsigned long)ep, FDMAP_HOST, FDMAP_EPOLL - (int32_t)i))
			ret = -EAGAIN;		/* another thread was first */
		if (ret != 0) {
			(void)host_syscall(SYS_epoll_ctl, ep, EPOLL_CTL_DEL, co->co_bell, NULL);
			(void)host_syscall(SYS_epoll_ctl, ep, EPOLL_CTL_DEL, co->co_gong, NULL);
			companion_close(co);
			return ret;
		}
		bell_arm(co);
		if (__atomic_load_n(&used, __ATOMIC_RELAXED) <= i)
			__atomic_store_n(&used, i + 1, __ATOMIC_RELEASE);
		*ret_co = co;
		return 0;
	}
	return -ENOSPC;
}

void
epoll_hold(int32_t entry)
{
	__atomic_add_fetch(&companion_of(entry)->co_refs, 1, __ATOMIC_ACQ_REL);
}

void
epoll_release(int32_t entry)
{
	struct companion *co = companion_of(entry);

	/* 1 is given back by the end itself, so that nobody takes it before. */
	if (__atomic_load_n(&co->co_refs, __ATOMIC_ACQUIRE) == 1)
		companion_close(co);
	else
		__atomic_sub_fetch(&co->co_refs, 1, __ATOMIC_ACQ_REL);
}

/* --- epoll_ctl --------------------------------------------------------------------------- */

/* One of the host's goes into E: who waits in the kernel has to come out. */
static long
add_host(struct companion *co, long nr, const unsigned long args[6])
{
	uint64_t one = 1;
	long ret = host_args(nr, args);

	if (ret == 0 && args[1] == EPOLL_CTL_ADD &&
	    __atomic_fetch_add(&co->co_nhost, 1, __ATOMIC_ACQ_REL) == 0)
		(void)kernel_syscall(SYS_write, co->co_kick, &one, sizeof(one));
	if (ret == 0 && args[1] == EPOLL_CTL_DEL)
		__atomic_sub_fetch(&co->co_nhost, 1, __ATOMIC_ACQ_REL);
	return ret;
}

/* Neither is an epoll; is there something worse about the kernel's r? */
static long
no_epoll(int r)
{
	struct epoll_event ev = { 0 };

	return kernel_syscall(SYS_epoll_ctl, r, EPOLL_CTL_ADD, r, &ev);
}

/* What the kernel says about a descriptor like r, but which is in no instance. */
static long
not_in_it(const struct companion *co, int r, const unsigned long args[6])
{
	long copy = kernel_syscall(SYS_dup, r), ret;

	if (host_failed(copy))
		return copy;
	ret = kernel_syscall(SYS_epoll_ctl, co->co_r, args[1], copy, args[3]);
	(void)kernel_syscall(SYS_close, copy);
	return ret;
}

static long
rule_epoll_ctl(long nr, const unsigned long args[6])
{
	int32_t ep = fdmap_entry(args[0]), entry = fdmap_entry(args[2]);
	struct companion *co;
	int r = entry > 0 ? entry - 1 : epoll_companion(entry);
	long ret;

	if (ep == FDMAP_HIDDEN || entry == FDMAP_HIDDEN)
		return -EBADF;
	/* One of the kernel's, but no epoll: it knows what is wrong with that. */
	if (ep > 0 && r < 0) {
		ret = host_syscall(SYS_fcntl, args[2], F_GETFL);
		if (ret >= 0)
			ret |= kernel_syscall(SYS_fcntl, ep - 1, F_GETFL);
		return ret < 0 || (ret & O_PATH) != 0 ? -EBADF : -EINVAL;
	}
	if (ep > 0)
		return kernel_syscall(SYS_epoll_ctl, ep - 1, args[1], r, args[3]);
	co = companion_of(ep);
	if (r < 0)
		return co != NULL ? add_host(co, nr, args) : host_args(nr, args);
	if (co == NULL) {
		/* Is it an epoll at all?  Its answer to what is not in it says so. */
		ret = host_syscall(SYS_epoll_ctl, args[0], EPOLL_CTL_DEL, args[2], NULL);
		if (ret != -ENOENT && ret != -EPERM)
			return ret != -EINVAL ? ret : no_epoll(r);
		ret = companion_make((int)args[0], &co);
		if (ret == -EAGAIN)
			co = companion_of(fdmap_entry(args[0]));
		else if (ret != 0)
			return ret;
		if (co == NULL)
			return -EBADF;
	}
	/* A nested one that has both sides goes into both. */
	if (entry < 0) {
		ret = add_host(co, nr, args);
		return ret != 0 ? ret : kernel_syscall(SYS_epoll_ctl, co->co_r, args[1], r, args[3]);
	}
	ret = shadow_of(args[2], r, args[1] == EPOLL_CTL_ADD);
	return ret == -ENOENT ? not_in_it(co, r, args) :
	    ret < 0 ? ret : kernel_syscall(SYS_epoll_ctl, co->co_r, args[1], ret, args[3]);
}

/* --- epoll_wait ------------------------------------------------------------------------------ */

/* A call of the family, whatever its form. */
struct epwait {
	int		 ew_ep;
	unsigned long	 ew_events;	/* of the program */
	int		 ew_max;
	int64_t		 ew_deadline;	/* of the monotonic clock; -1: none, 0: do not wait */
	unsigned long	 ew_mask;
};

static int64_t
now(void)
{
	struct timespec ts = { 0 };

	(void)host_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC + ts.tv_nsec;
}

static int64_t
time_to(int64_t deadline)
{
	int64_t left;

	if (deadline <= 0)
		return deadline;
	left = deadline - now();
	return left > 0 ? left : 0;
}

/* Rounded up, so that nobody comes back too early. */
static long
to_ms(int64_t ns)
{
	return ns < 0 ? -1 : (long)((ns + 999999) / 1000000);
}

static unsigned long
event_at(const struct epwait *ew, long i)
{
	return ew->ew_events + (unsigned long)i * sizeof(struct epoll_event);
}

/* Takes joints out of events [first, first + n): how many stay. */
static long
filter(const struct epwait *ew, long first, long n, bool *ret_joint)
{
	struct epoll_event ev;
	long kept = 0;

	*ret_joint = false;
	for (long i = 0; i < n; i++) {
		if (!mem_read(&ev, event_at(ew, first + i), sizeof(ev)))
			return -EFAULT;
		if (ev.data.u64 == JOINT)
			*ret_joint = true;
		else if (kept++ != i && !mem_write(event_at(ew, first + kept - 1), &ev, sizeof(ev)))
			return -EFAULT;
	}
	return kept;
}

/* Up to room events from one side, behind the first that are there. */
static long
collect(const struct epwait *ew, const struct companion *co, long first, bool *ret_joint)
{
	long n;

	if (first >= ew->ew_max) {
		*ret_joint = false;
		return 0;
	}
	n = co != NULL ?
	    kernel_syscall(SYS_epoll_pwait, co->co_r, event_at(ew, first), ew->ew_max - first, 0, 0,
		SIGSET_BYTES) :
	    host_syscall(SYS_epoll_pwait, ew->ew_ep, event_at(ew, first), ew->ew_max - first, 0, 0,
		SIGSET_BYTES);
	return n > 0 ? filter(ew, first, n, ret_joint) : n;
}

/* Until E has something of the host's: -ENOTSUP. */
static long
wait_kernel(const struct epwait *ew, struct companion *co)
{
	uint64_t count;
	bool joint;
	long n;

	for (;;) {
		if (__atomic_load_n(&co->co_nhost, __ATOMIC_ACQUIRE) != 0)
			return -ENOTSUP;
		n = kernel_syscall(SYS_epoll_pwait, co->co_r, ew->ew_events, ew->ew_max,
		    to_ms(time_to(ew->ew_deadline)), 0, SIGSET_BYTES);
		if (n <= 0)
			return n;
		n = filter(ew, 0, n, &joint);
		if (joint)
			(void)kernel_syscall(SYS_read, co->co_kick, &count, sizeof(count));
		if (n != 0)
			return n;
	}
}

/* The bell rang: what is it?  And it has to be seen to that it rings again. */
static long
answer_bell(const struct epwait *ew, const struct companion *co, long first)
{
	bool joint;
	long n;

	silence(co);
	n = collect(ew, co, first, &joint);
	bell_arm(co);
	return n;
}

static long
wait_both(const struct epwait *ew, struct companion *co)
{
	int64_t left;
	long n, more;
	bool joint;

	if (co->co_orphan)
		joints_renew(co, ew->ew_ep);
	n = collect(ew, co, 0, &joint);
	if (n < 0)
		return n;
	if (n > 0 || ew->ew_deadline == 0) {
		more = collect(ew, NULL, n, &joint);
		return more > 0 ? n + more : n > 0 ? n : more;
	}
	for (;;) {
		left = time_to(ew->ew_deadline);
		if (co->co_forked && (left < 0 || left > FORKED_MS * (NSEC / 1000)))
			left = FORKED_MS * (NSEC / 1000);
		n = host_wait(SYS_epoll_pwait, (const unsigned long[6]){ (unsigned long)ew->ew_ep,
		    ew->ew_events, (unsigned long)ew->ew_max, (unsigned long)to_ms(left), ew->ew_mask,
		    SIGSET_BYTES }, 3, 0);
		if (n < 0 || (n == 0 && (!co->co_forked || time_to(ew->ew_deadline) == 0)))
			return n;
		joint = n == 0;
		if (n > 0)
			n = filter(ew, 0, n, &joint);
		if (n < 0)
			return n;
		more = joint ? answer_bell(ew, co, n) : 0;
		if (more > 0)
			n += more;
		if (n > 0)
			return n;
		/* The bell of a server that is gone does not fall silent any more. */
		if (more < 0)
			return more;
	}
}

static long
epoll_wait_all(const struct epwait *ew)
{
	struct companion *co;
	int32_t entry;
	long n;

	do {
		entry = fdmap_entry((unsigned long)ew->ew_ep);
		co = companion_of(entry);
		if (co == NULL)
			return entry > 0 ? -EINVAL : -EBADF;
		if (ew->ew_mask == 0 && __atomic_load_n(&co->co_nhost, __ATOMIC_ACQUIRE) == 0)
			n = wait_kernel(ew, co);
		else
			n = wait_both(ew, co);
	} while (n == -ENOTSUP);
	/* What is ready may be a ring's socket. */
	if (n > 0)
		ring_poll_all();
	return n;
}

/*
 * E has no companion, but may get one while we wait: then the bell calls us, and the answer is
 * true: wait on.
 */
static bool
wait_host(const struct epwait *ew, long nr, const unsigned long args[6], long *ret)
{
	bool joint;

	*ret = host_args(nr, args);
	if (*ret <= 0 || fdmap_entry(args[0]) == FDMAP_HOST)
		return false;
	*ret = filter(ew, 0, *ret, &joint);
	return *ret == 0;
}

/* A descriptor of the kernel is none of the program's epolls: the kernel says what is wrong. */
static long
not_epoll(long nr, const unsigned long args[6])
{
	unsigned long kargs[6];

	mem_copy(kargs, args, sizeof(kargs));
	kargs[0] = (unsigned long)fdmap_get(args[0]);
	return kernel_call((unsigned int)nr, kargs);
}

static long
rule_epoll_wait(long nr, const unsigned long args[6])
{
	struct epwait ew = { .ew_ep = (int)args[0], .ew_events = args[1], .ew_max = (int)args[2],
	    .ew_mask = nr == SYS_epoll_wait ? 0 : args[4] };
	int ms = (int)args[3];
	long ret;

	if (fdmap_get(args[0]) >= 0)
		return not_epoll(nr, args);
	if (ew.ew_max <= 0 || (ew.ew_mask != 0 && args[5] != SIGSET_BYTES))
		return host_args(nr, args);
	if (fdmap_entry(args[0]) == FDMAP_HOST && !wait_host(&ew, nr, args, &ret))
		return ret;
	ew.ew_deadline = ms < 0 ? -1 : ms == 0 ? 0 : now() + ms * (NSEC / 1000);
	return epoll_wait_all(&ew);
}

static long
rule_epoll_pwait2(long nr, const unsigned long args[6])
{
	struct epwait ew = { .ew_ep = (int)args[0], .ew_events = args[1], .ew_max = (int)args[2],
	    .ew_deadline = -1, .ew_mask = args[4] };
	struct timespec ts = { 0 };
	long ret;

	if (fdmap_get(args[0]) >= 0)
		return not_epoll(nr, args);
	if (ew.ew_max <= 0 || (ew.ew_mask != 0 && args[5] != SIGSET_BYTES) ||
	    (args[3] != 0 && (!mem_read(&ts, args[3], sizeof(ts)) || ts.tv_sec < 0 ||
	    ts.tv_sec > INT64_MAX / NSEC / 2 || ts.tv_nsec < 0 || ts.tv_nsec >= NSEC)))
		return host_args(nr, args);
	if (fdmap_entry(args[0]) == FDMAP_HOST && !wait_host(&ew, nr, args, &ret))
		return ret;
	if (args[3] != 0)
		ew.ew_deadline = ts.tv_sec == 0 && ts.tv_nsec == 0 ? 0 :
		    now() + ts.tv_sec * NSEC + ts.tv_nsec;
	return epoll_wait_all(&ew);
}

void
epoll_rules(void)
{
	dispatch_set(SYS_epoll_ctl, HIJACK_LOOK, rule_epoll_ctl);
	dispatch_set(SYS_epoll_wait, HIJACK_LOOK, rule_epoll_wait);
	dispatch_set(SYS_epoll_pwait, HIJACK_LOOK, rule_epoll_wait);
	dispatch_set(SYS_epoll_pwait2, HIJACK_LOOK, rule_epoll_pwait2);
}

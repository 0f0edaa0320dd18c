/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * call.c - calls of a program in which we are: into their rules, and on to the kernel
 *
 * What the vector registers hold is the program's, unless it came by a function call: it is kept
 * while the kernel is at work.
 */

#include "hijack.h"

#include <errno.h>

__thread struct self self;

unsigned long hijack_xsave_size;
unsigned int hijack_xsave_mask;

/*
 * A call of the kernel inside, or of what loads it.  The files that it opens are out of the program's way:
 * its numbers are the lowest, and it may close all that it does not know.
 */
static long
own_call(long nr, const unsigned long args[6])
{
	long ret;

	switch (nr) {
	case SYS_rt_sigaction:
		return signal_inner(args);
	case SYS_open: case SYS_openat: case SYS_socket: case SYS_eventfd2: case SYS_memfd_create:
	case SYS_epoll_create1: case SYS_timerfd_create: case SYS_io_uring_setup:
		ret = host_args(nr, args);
		return host_failed(ret) ? ret : fdmap_hide((int)ret);
	case SYS_close:
		if (fdmap_entry(args[0]) == FDMAP_HIDDEN)
			fdmap_unhide((int)args[0]);
		return host_args(nr, args);
	default:
		return host_args(nr, args);
	}
}

long
hijack_syscall(long nr, const unsigned long args[6])
{
	rule_fn *fn;

	if (self.s_depth > 0)
		return own_call(nr, args);
	if ((unsigned long)nr >= HIJACK_NCALLS)
		return host_args(nr, args);
	self.s_signalled = 0;
	fn = dispatch_rules[nr];
	return fn != NULL ? fn(nr, args) : host_args(nr, args);
}

static long
backend_call(unsigned int nr, const unsigned long args[6])
{
	return backend->b_call(nr, args);
}

/* Not those that a signal always ends, whatever its handler says (signal(7)). */
static bool
restarts(unsigned int nr)
{
	switch (nr) {
	case SYS_poll: case SYS_ppoll: case SYS_select: case SYS_pselect6:
	case SYS_epoll_wait: case SYS_epoll_pwait: case SYS_epoll_pwait2:
	case SYS_nanosleep: case SYS_clock_nanosleep:
		return false;
	default:
		return true;
	}
}

long
host_wait(long nr, const unsigned long args[6], unsigned int timeout, unsigned long zero_timeout)
{
	unsigned long hargs[6];
	long ret = hijack_wait(nr, args, &self.s_signalled);

	if (ret != HIJACK_NOT_MADE)
		return ret;
	mem_copy(hargs, args, sizeof(hargs));
	hargs[timeout] = zero_timeout;
	ret = host_syscall6(nr, hargs[0], hargs[1], hargs[2], hargs[3], hargs[4], hargs[5]);
	return ret == 0 ? -EINTR : ret;
}

/*
 * A handler ran since the program's call began, but before the kernel was called (or in an earlier call to
 * it).  If it waits now, it is as if the signal came then.  True: b_interrupt_clear is due.
 */
static bool
tell_signals(unsigned int nr)
{
	bool restart = (self.s_signalled & SIGNALLED_NORESTART) == 0;

	if (backend->b_signalled != NULL) {
		backend->b_signalled(restart);
		return false;
	}
	if (restart && restarts(nr))
		return false;
	backend->b_interrupt();
	return true;
}

/* Other members of the backend: their arguments in an array, too. */
static long
backend_arm(unsigned int nr, const unsigned long *args)
{
	return backend->b_poll_arm((struct pollfd *)args[0], (unsigned int)args[1], (int)args[2]);
}

static long
backend_bell(unsigned int nr, const unsigned long *args)
{
	if (args == NULL)
		return backend->b_bell();
	backend->b_bell_close((int)args[0]);
	return 0;
}

static long
backend_parcel(unsigned int nr, const unsigned long *args)
{
	int (*const fns[])(int) = { backend->b_parcel, backend->b_unparcel, backend->b_lend,
	    backend->b_fetch };
	int (*fn)(int) = fns[nr];

	return fn != NULL ? fn((int)args[0]) : -EINVAL;
}

static long
backend_enter(long (*fn)(unsigned int, const unsigned long *), unsigned int nr, const unsigned long *args)
{
	long ret;

	if (backend == NULL && kernel_backend() == NULL)
		return -ENETDOWN;
	self.s_depth++;
	ret = hijack_xcall(fn, nr, args);
	self.s_depth--;
	if (self.s_nlater > 0 && self.s_depth == 0)
		(void)signal_deliver();
	return ret;
}

int
kernel_poll_arm(struct pollfd *fds, unsigned int n, int bell)
{
	return (int)backend_enter(backend_arm, 0, (const unsigned long[3]){ (unsigned long)fds, n,
	    (unsigned long)bell });
}

int
kernel_parcel(int r)
{
	return (int)backend_enter(backend_parcel, 0, (const unsigned long[1]){ (unsigned long)r });
}

int
kernel_unparcel(int fd)
{
	return (int)backend_enter(backend_parcel, 1, (const unsigned long[1]){ (unsigned long)fd });
}

int
kernel_lend(int fd)
{
	return (int)backend_enter(backend_parcel, 2, (const unsigned long[1]){ (unsigned long)fd });
}

int
kernel_fetch(int r)
{
	return (int)backend_enter(backend_parcel, 3, (const unsigned long[1]){ (unsigned long)r });
}

int
kernel_bell(void)
{
	int bell = (int)backend_enter(backend_bell, 0, NULL);

	if (bell >= 0)
		fdmap_mark(bell);
	return bell;
}

void
kernel_bell_close(int bell)
{
	fdmap_unhide(bell);
	(void)backend_enter(backend_bell, 0, (const unsigned long[1]){ (unsigned long)bell });
}

static long ending;		/* the process whose end is under way; 0: none */

void
kernel_ends(void)
{
	self.s_ends = true;
	__atomic_store_n(&ending, host_syscall(SYS_getpid, 0), __ATOMIC_RELAXED);
}

/*
 * A thread of a process that another ends: what it waits for has been closed, which it must not
 * be told about.  A child, forked meanwhile, goes on.
 */
static void
ended_by_others(void)
{
	while (!self.s_ends && host_syscall(SYS_getpid, 0) == ending)
		(void)host_syscall(SYS_pause, 0);
}

long
kernel_call(unsigned int nr, const unsigned long args[6])
{
	bool clear = false, mapped = self.s_inmmap == 0 && __atomic_load_n(&mmap_nregions,
	    __ATOMIC_RELAXED) != 0;
	long ret;

	if (__builtin_expect(backend == NULL, 0) && kernel_backend() == NULL)
		return -ENETDOWN;
	if (__builtin_expect(mapped, 0)) {
		self.s_inmmap++;
		mmap_before(nr, args);
		self.s_inmmap--;
	}
	do {
		self.s_depth++;
		if (__builtin_expect(self.s_signalled != 0, 0))
			clear = tell_signals(nr);
		ret = self.s_plain ? backend_call(nr, args) : hijack_xcall(backend_call, nr, args);
		if (__builtin_expect(clear, 0))
			backend->b_interrupt_clear();
		self.s_depth--;
	} while (__builtin_expect(self.s_nlater > 0, 0) && self.s_depth == 0 && signal_deliver() &&
	    ret == -EINTR && restarts(nr));
	if (__builtin_expect(mapped, 0) && ret > 0) {
		self.s_inmmap++;
		mmap_after(nr, args, ret);
		self.s_inmmap--;
	}
	if (__builtin_expect(ret == -EFBIG, 0))
		process_too_large();
	if (__builtin_expect(__atomic_load_n(&ending, __ATOMIC_RELAXED) != 0, 0))
		ended_by_others();
	return ret;
}

/* --- start --------------------------------------------------------------------------------- */

static void
cpuid(unsigned int leaf, unsigned int sub, unsigned int out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
	    : "a"(leaf), "c"(sub));
}

/* How much hijack_xcall() has to keep: x87, SSE, AVX, AVX-512, but not AMX's tiles. */
static void
vector_init(void)
{
	unsigned int regs[4], low, high;

	hijack_xsave_size = 512 + 64;
	cpuid(1, 0, regs);
	if ((regs[2] & 1U << 27) == 0)		/* no OSXSAVE */
		return;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	cpuid(0xd, 1, regs);
	if ((regs[0] & 2) == 0)			/* no xsavec */
		return;
	hijack_xsave_mask = low & 0xe7;
	cpuid(0xd, 0, regs);
	/* The standard format has room for the compact one. */
	hijack_xsave_size = regs[1] + 64;
}

void
call_init(void)
{
	dispatch_init();
	vector_init();
	fd_rules();
	sock_rules();
	sockmsg_rules();
	poll_rules();
	epoll_rules();
	name_rules();
	ring_rules();
	rw_rules();
	mmap_rules();
	process_rules();
	ids_rules();
	exec_rules();
	signal_rules();
}

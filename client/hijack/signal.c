/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * signal.c - the program's signal handlers, and ours in front of them
 *
 * What the program installs we keep (shadow), and the host calls us instead:
 *
 *  - A handler makes system calls as the program, also when it interrupted one that the
 *    kernel carries out: s_depth is 0 while it runs.
 *  - A kernel inside of the process cannot be entered twice by one thread.  There the signal is put
 *    aside, the call it came in is told to end (b_interrupt), and afterwards the signal is sent
 *    again to this thread (rt_tgsigqueueinfo(2)).  If all that came have SA_RESTART, and the
 *    call is one that is restarted, it then is.
 *  - SIGSEGV and SIGBUS are asked first by our copy routines (mem_self.c) and by those of the
 *    kernel, whose faults are EFAULT.
 *
 * A child of vfork(2) has handlers of its own but shares our memory: it sees the host's.
 *
 * References: sigaction(2), signal(7).
 */

#include "hijack.h"
#include "trap.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <ucontext.h>

#define SIGSET_BYTES	8
#define NSIGNALS	65
#define SA_RESTORER_	0x04000000UL
#define SIGCANCEL	32		/* libc's, for pthread_cancel(3) */

/* The host's struct sigaction, which is not libc's. */
struct action {
	void		*a_handler;
	unsigned long	 a_flags;
	void		*a_restorer;
	uint64_t	 a_mask;
};

static struct action shadow[NSIGNALS];	/* the program's */
static struct action inner[NSIGNALS];	/* of code that the program does not know: guards */
static uint32_t lock;			/* of both; signals are blocked while it is held */

/* --- the lock ------------------------------------------------------------------------------- */

static uint64_t
lock_enter(void)
{
	uint64_t all = ~0ULL, old = 0;

	(void)host_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, SIGSET_BYTES);
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE) != 0)
		(void)host_syscall(SYS_sched_yield, 0);
	return old;
}

static void
lock_exit(uint64_t old)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	(void)host_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, SIGSET_BYTES);
}

/* --- putting aside ------------------------------------------------------------------------------ */

static bool
is_fault(int signo, const siginfo_t *info)
{
	return info->si_code > 0 && (signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE ||
	    signo == SIGILL || signo == SIGTRAP || signo == SIGSYS);
}

/* False: no room; it is delivered at once, which is right for all but kernel calls in it. */
static bool
put_aside(int signo, const siginfo_t *info)
{
	unsigned int n = self.s_nlater;

	if (n == SELF_LATER)
		return false;
	self.s_later[n].sl_signo = signo;
	mem_copy(self.s_later[n].sl_info, info, sizeof(self.s_later[n].sl_info));
	self.s_nlater = n + 1;
	return true;
}

bool
signal_deliver(void)
{
	struct self_later later;
	bool restart = true;
	uint64_t all = ~0ULL, old = 0;
	long pid, tid;

	(void)host_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, SIGSET_BYTES);
	pid = host_syscall(SYS_getpid, 0);
	tid = host_syscall(SYS_gettid, 0);
	while (self.s_nlater > 0) {
		later = self.s_later[0];
		self.s_nlater--;
		(void)mem_move(&self.s_later[0], &self.s_later[1],
		    self.s_nlater * sizeof(self.s_later[0]));
		self.s_cancelled = self.s_cancelled || later.sl_signo == SIGCANCEL;
		restart = restart && later.sl_signo != SIGCANCEL &&
		    (shadow[later.sl_signo].a_flags & SA_RESTART) != 0;
		(void)host_syscall(SYS_rt_tgsigqueueinfo, pid, tid, later.sl_signo, later.sl_info);
	}
	if (backend->b_interrupt_clear != NULL)
		backend->b_interrupt_clear();
	/* Here they arrive. */
	(void)host_syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, SIGSET_BYTES);
	return restart;
}

/* --- handlers that ran ----------------------------------------------------------------------------- */

/*
 * What the program's call was about to wait for shall not be waited for any more.  It may be on its
 * way to sleep in the host (hijack_wait), in the kernel, or still on the way there.
 */
static void
handler_ran(const struct action *a, uint32_t before, ucontext_t *uc)
{
	uintptr_t pc = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
	bool restart = (a->a_flags & SA_RESTART) != 0;

	self.s_signalled = before | SIGNALLED_RAN | (restart ? 0 : SIGNALLED_NORESTART);
	if (self.s_depth > 0 && backend != NULL && backend->b_signalled != NULL)
		backend->b_signalled((self.s_signalled & SIGNALLED_NORESTART) == 0);
	if (pc >= (uintptr_t)hijack_wait_begin && pc < (uintptr_t)hijack_wait_end)
		uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)hijack_wait_abort;
}

/* --- the handler ------------------------------------------------------------------------------------- */

static bool
is_function(const void *handler)
{
	return (uintptr_t)handler > (uintptr_t)SIG_IGN;
}

/* What a kernel other than the host's cannot say of a descriptor (kern/core/fasync.c). */
static void
complete_info(siginfo_t *info)
{
	if (info->si_code != SI_SIGIO)
		return;
	info->si_code = (info->si_band & POLLHUP) != 0 ? POLL_HUP :
	    (info->si_band & POLLPRI) != 0 ? POLL_PRI :
	    (info->si_band & POLLOUT) != 0 ? POLL_OUT : POLL_IN;
}

static void
call_handler(const struct action *a, int signo, siginfo_t *info, void *context)
{
	complete_info(info);
	if ((a->a_flags & SA_SIGINFO) != 0)
		((void (*)(int, siginfo_t *, void *))a->a_handler)(signo, info, context);
	else
		((void (*)(int))a->a_handler)(signo);
}

/* What it would have done without us. */
static void
do_default(int signo, const siginfo_t *info)
{
	struct action a = { .a_handler = (void *)SIG_DFL, .a_flags = SA_RESTORER_ };
	long pid = host_syscall(SYS_getpid, 0), tid = host_syscall(SYS_gettid, 0);

	(void)host_syscall(SYS_rt_sigaction, signo, &a, NULL, SIGSET_BYTES);
	/* A fault happens again by itself. */
	if (!is_fault(signo, info))
		(void)host_syscall(SYS_rt_tgsigqueueinfo, pid, tid, signo, info);
}

/* A fault in code that is prepared for it. */
static bool
fault_handled(int signo, siginfo_t *info, ucontext_t *uc)
{
	greg_t pc = uc->uc_mcontext.gregs[REG_RIP];

	if (mem_fault(uc))
		return true;
	if (!is_function(inner[signo].a_handler))
		return false;
	call_handler(&inner[signo], signo, info, uc);
	return uc->uc_mcontext.gregs[REG_RIP] != pc;
}

static void
handler(int signo, siginfo_t *info, void *context)
{
	struct action a = shadow[signo];
	unsigned int depth = self.s_depth;
	uint32_t signalled = self.s_signalled;
	bool plain = self.s_plain;

	if (signo == SIGSYS && trap_armed) {
		/* It may come where we call for ourselves, from code that we did not look at. */
		if (trap_signal(info, context))
			return;
	}
	if (is_fault(signo, info) && fault_handled(signo, info, context))
		return;
	if (depth > 0 && !is_fault(signo, info) && backend != NULL && backend->b_interrupt != NULL &&
	    put_aside(signo, info)) {
		backend->b_interrupt();
		return;
	}
	if (!is_function(a.a_handler)) {
		if (a.a_handler == (void *)SIG_DFL || is_fault(signo, info))
			do_default(signo, info);
		return;
	}
	if ((a.a_flags & SA_RESETHAND) != 0)
		shadow[signo].a_handler = (void *)SIG_DFL;
	self.s_depth = 0;
	self.s_plain = false;
	call_handler(&a, signo, info, context);
	self.s_depth = depth;
	self.s_plain = plain;
	handler_ran(&a, signalled, context);
}

/* --- sigaction ------------------------------------------------------------------------------------------ */

/* Signals whose handler is ours whatever the program says. */
static bool
always_ours(unsigned long signo)
{
	return signo == SIGSEGV || signo == SIGBUS || (signo == SIGSYS && trap_armed);
}

static long
install(unsigned long signo, const struct action *a)
{
	struct action host = *a;

	if (is_function(a->a_handler) || always_ours(signo)) {
		host.a_handler = (void *)handler;
		host.a_flags |= SA_SIGINFO | SA_RESTORER_;
		host.a_flags &= ~(unsigned long)(always_ours(signo) ? SA_RESETHAND : 0);
		if (!is_function(a->a_handler))
			host.a_flags |= SA_ONSTACK | SA_NODEFER;
		if ((a->a_flags & SA_RESTORER_) == 0)
			host.a_restorer = (void *)hijack_restorer;
		if (trap_armed)
			host.a_mask &= ~(1ULL << (SIGSYS - 1));
	}
	return host_syscall(SYS_rt_sigaction, signo, &host, NULL, SIGSET_BYTES);
}

static long
rule_rt_sigaction(long nr, const unsigned long args[6])
{
	unsigned long signo = args[0];
	struct action new, old;
	uint64_t mask;
	long ret = 0;

	if (signo == 0 || signo >= NSIGNALS || args[3] != SIGSET_BYTES || self.s_vfork ||
	    (args[1] != 0 && !mem_read(&new, args[1], sizeof(new))))
		return host_args(nr, args);
	if (args[1] != 0 && (signo == SIGKILL || signo == SIGSTOP))
		return host_args(nr, args);
	mask = lock_enter();
	old = shadow[signo];
	if (args[1] != 0) {
		/* Handlers look at the shadow: it is right before the host knows, or after. */
		if (is_function(new.a_handler))
			shadow[signo] = new;
		ret = install(signo, &new);
		shadow[signo] = ret == 0 ? new : old;
	}
	lock_exit(mask);
	if (ret == 0 && args[2] != 0 && !mem_write(args[2], &old, sizeof(old)))
		ret = -EFAULT;
	return ret;
}

long
signal_trap(void)
{
	struct action a = shadow[SIGSYS];
	long ret;

	trap_armed = true;
	ret = install(SIGSYS, &a);
	if (ret != 0)
		trap_armed = false;
	return ret;
}

/* From within the kernel, or its host: its guard against faults. */
long
signal_inner(const unsigned long args[6])
{
	unsigned long signo = args[0];
	struct action old;

	if (!always_ours(signo))
		return host_args(SYS_rt_sigaction, args);
	old = inner[signo];
	if (args[1] != 0)
		mem_copy(&inner[signo], (const void *)args[1], sizeof(inner[signo]));
	if (args[2] != 0)
		mem_copy((void *)args[2], &old, sizeof(old));
	return 0;
}

void
signal_rules(void)
{
	struct action a;

	for (unsigned long signo = 1; signo < NSIGNALS; signo++) {
		(void)host_syscall(SYS_rt_sigaction, signo, NULL, &shadow[signo], SIGSET_BYTES);
		if (!is_function(shadow[signo].a_handler) && !always_ours(signo))
			continue;
		a = shadow[signo];
		(void)install(signo, &a);
	}
	dispatch_set(SYS_rt_sigaction, HIJACK_LOOK, rule_rt_sigaction);
}

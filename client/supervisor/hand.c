/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hand.c - calls that a thread of the program makes because we want it to
 *
 * Some things nobody can do for another process: execute a program, change the directory.  So the
 * thread whose call is under way is taken by ptrace(2): its call ends, and before it is
 * back in its program it makes others, of our choice, at the same instruction.  They pass the filter
 * and another worker as any call does.  Meanwhile its signals wait.
 *
 * A thread that is traced already, by a debugger, cannot be taken.
 *
 * References: ptrace(2), syscall(2).
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hand.h"
#include "supervisor.h"

#ifndef PTRACE_GETSIGMASK
#define PTRACE_GETSIGMASK	0x420a
#define PTRACE_SETSIGMASK	0x420b
#endif

#define SYSCALL_STOP	(SIGTRAP | 0x80)
#define INSN_LEN	2	/* of "syscall" */

static long
ask(int request, const struct hand *h, unsigned long addr, const void *data)
{
	return host_syscall(SYS_ptrace, request, h->h_tid, addr, data);
}

/* Until it stops as wanted: a system call's stop, or ours.  Signals that come are kept. */
static bool
stops(struct hand *h, bool in_call)
{
	int status;
	pid_t pid;

	for (;;) {
		pid = waitpid(h->h_tid, &status, __WALL);
		if (pid < 0 && errno == EINTR)
			continue;
		/* After an exec it has the number of its process. */
		if (pid < 0 && errno == ECHILD && h->h_tid != visit->v_target->t_pid) {
			h->h_tid = visit->v_target->t_pid;
			continue;
		}
		if (pid < 0 || !WIFSTOPPED(status))
			return false;
		if (in_call ? WSTOPSIG(status) == SYSCALL_STOP : status >> 16 == PTRACE_EVENT_STOP)
			return true;
		if (status >> 16 == 0 && WSTOPSIG(status) != SIGTRAP && h->h_nsignals < HAND_SIGNALS)
			h->h_signal[h->h_nsignals++] = WSTOPSIG(status);
		if (ask(in_call ? PTRACE_SYSCALL : PTRACE_CONT, h, 0, NULL) != 0)
			return false;
	}
}

static long
take(struct hand *h)
{
	long ret;

	*h = (struct hand){ .h_tid = (pid_t)visit->v_call.pid };
	ret = host_syscall(SYS_ptrace, PTRACE_SEIZE, h->h_tid, 0, PTRACE_O_TRACESYSGOOD);
	if (ret != 0)
		return ret;
	(void)ask(PTRACE_INTERRUPT, h, 0, NULL);
	visit_answer(visit, 0);
	if (!stops(h, false) || ask(PTRACE_GETREGS, h, 0, &h->h_regs) != 0)
		return -ESRCH;
	return 0;
}

long
hand_take(struct hand *h)
{
	static const uint64_t all = ~0ULL;
	long ret = take(h);

	if (ret != 0)
		return ret;
	(void)ask(PTRACE_GETSIGMASK, h, sizeof(h->h_mask), &h->h_mask);
	h->h_blocks = ask(PTRACE_SETSIGMASK, h, sizeof(all), &all) == 0;
	return 0;
}

long
hand_call(struct hand *h, long nr, const unsigned long args[6])
{
	struct user_regs_struct regs = h->h_regs;

	regs.rip -= INSN_LEN;
	regs.rax = (unsigned long)nr;
	regs.orig_rax = ~0UL;
	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rdx = args[2];
	regs.r10 = args[3];
	regs.r8 = args[4];
	regs.r9 = args[5];
	if (ask(PTRACE_SETREGS, h, 0, &regs) != 0)
		return -ESRCH;
	for (unsigned int i = 0; i < 2; i++) {
		if (ask(PTRACE_SYSCALL, h, 0, NULL) != 0 || !stops(h, true))
			return -ESRCH;
	}
	return ask(PTRACE_GETREGS, h, 0, &regs) == 0 ? (long)regs.rax : -ESRCH;
}

bool
hand_write(const struct hand *h, unsigned long to, const void *from, size_t len)
{
	union { const void *c; void *m; } src = { .c = from };
	struct iovec here = { src.m, len }, there = { (void *)to, len };

	return host_syscall(SYS_process_vm_writev, h->h_tid, &here, 1, &there, 1, 0) == (long)len;
}

static void
let_go(struct hand *h)
{
	if (h->h_blocks)
		(void)ask(PTRACE_SETSIGMASK, h, sizeof(h->h_mask), &h->h_mask);
	(void)ask(PTRACE_DETACH, h, 0, NULL);
	for (unsigned int i = 0; i < h->h_nsignals; i++)
		(void)host_syscall(SYS_tgkill, visit->v_target->t_pid, h->h_tid, h->h_signal[i]);
}

void
hand_return(struct hand *h, long ret)
{
	h->h_regs.rax = (unsigned long)ret;
	h->h_regs.orig_rax = ~0UL;
	(void)ask(PTRACE_SETREGS, h, 0, &h->h_regs);
	let_go(h);
}

void
hand_leave(struct hand *h)
{
	let_go(h);
}

/* --- descriptors --------------------------------------------------------------------- */

/* From a thread that cannot be taken they are not: the program has numbers with nothing behind. */
long
host_withdraw(const long n[2], long ret)
{
	struct hand h;

	if ((n[0] < 0 && n[1] < 0) || hand_take(&h) != 0)
		return ret;
	for (unsigned int i = 0; i < 2; i++) {
		if (n[i] >= 0)
			(void)hand_call(&h, SYS_close, (const unsigned long[6]){ (unsigned long)n[i] });
	}
	hand_return(&h, ret);
	return ret;
}

/* --- signals ------------------------------------------------------------------------- */

#define RED_ZONE		128
#define ERESTARTNOHAND		514

/*
 * The host waits for nothing, for no time, with the mask.  It says that a signal interrupts it (and what it
 * does then, it does when the thread goes on), or that there is none any more: another
 * thread has taken it, and the program's call begins anew.
 */
bool
hand_signal(unsigned long mask)
{
	static const struct timespec none;
	unsigned long args[6] = { 0, 0, 0, mask, sizeof(uint64_t) };
	struct hand h;
	long ret = take(&h);

	if (ret != 0)
		return ret == -ESRCH;
	args[2] = h.h_regs.rsp - RED_ZONE - sizeof(none);
	ret = hand_write(&h, args[2], &none, sizeof(none)) ? hand_call(&h, SYS_ppoll, args) : -EINTR;
	h.h_regs.rax = (unsigned long)ret;
	h.h_regs.orig_rax = (unsigned long)visit->v_call.data.nr;
	if (ret != -ERESTARTNOHAND) {
		h.h_regs.rax = h.h_regs.orig_rax;
		h.h_regs.rip -= INSN_LEN;
		h.h_regs.orig_rax = ~0UL;
	}
	(void)ask(PTRACE_SETREGS, &h, 0, &h.h_regs);
	let_go(&h);
	return true;
}

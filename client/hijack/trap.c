/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * trap.c - system call instructions that could not be rewritten
 *
 * Syscall User Dispatch has the host send us a SIGSYS for each system call that is made outside of
 * one range of addresses; ours spans the libraries, whose sites have been rewritten, and room for more, so
 * what traps is the program itself.  The handler makes the call and puts the
 * result where the program looks for it.  Per thread: each new thread and each child arms itself
 * (process.c).  An exec ends it, and the new program decides anew.
 *
 * Some calls cannot be made from a handler: those that return on another stack, or twice on this one,
 * and the return from a signal.  For these the thread is sent to a piece of code of ours that
 * makes the call in its place and jumps back; there is one for each such site.
 *
 * A seccomp filter would be quicker, 28 ns a call instead of 50, but it stays over an exec, where nobody
 * is there yet to take the signal.
 *
 * References: prctl(2), PR_SET_SYSCALL_USER_DISPATCH; sigaction(2).
 */

#include "trap.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include "hijack.h"
#include "site.h"

#define MARGIN		(4UL << 30)	/* programs lie terabytes away, or at the bottom */
#define NDETOURS	256
#define DETOUR_ROOM	128
#define SIGSYS_DISPATCH	2		/* si_code: SYS_USER_DISPATCH */

bool trap_armed;
static uintptr_t range_low, range_len;

/* Code for sites of calls that are made in place; within the range, as it makes them. */
static uint8_t detours[NDETOURS * DETOUR_ROOM] __attribute__((__aligned__(4096)));
static uintptr_t detour_of[NDETOURS];	/* the site */
static unsigned int ndetours;
static uint32_t lock;

/* --- calls in place ----------------------------------------------------------------------- */

static uint8_t *
detour_find(uintptr_t site)
{
	for (unsigned int i = 0; i < ndetours; i++) {
		if (detour_of[i] == site)
			return detours + i * DETOUR_ROOM;
	}
	return NULL;
}

/* One for the instruction before site; NULL: no room. */
static uint8_t *
detour_make(uintptr_t site)
{
	uint8_t *code;

	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE) != 0)
		(void)host_syscall(SYS_sched_yield, 0);
	code = detour_find(site);
	if (code == NULL && ndetours < NDETOURS) {
		code = detours + ndetours * DETOUR_ROOM;
		(void)host_syscall(SYS_mprotect, detours, sizeof(detours),
		    PROT_READ | PROT_WRITE | PROT_EXEC);
		site_detour(code, site);
		(void)host_syscall(SYS_mprotect, detours, sizeof(detours), PROT_READ | PROT_EXEC);
		detour_of[ndetours] = site;
		__atomic_store_n(&ndetours, ndetours + 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	return code;
}

static bool
in_place(long nr)
{
	return nr == SYS_clone || nr == SYS_clone3 || nr == SYS_vfork || nr == SYS_fork;
}

/* --- the signal ------------------------------------------------------------------------------- */

bool
trap_signal(const siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *g = uc->uc_mcontext.gregs;
	unsigned long args[6];
	uint8_t *code;
	long nr;

	if (info->si_signo != SIGSYS || info->si_code != SIGSYS_DISPATCH)
		return false;
	nr = info->si_syscall;
	args[0] = (unsigned long)g[REG_RDI];
	args[1] = (unsigned long)g[REG_RSI];
	args[2] = (unsigned long)g[REG_RDX];
	args[3] = (unsigned long)g[REG_R10];
	args[4] = (unsigned long)g[REG_R8];
	args[5] = (unsigned long)g[REG_R9];
	if (nr == SYS_rt_sigreturn) {
		g[REG_RIP] = (greg_t)(uintptr_t)hijack_restorer;
		return true;
	}
	if (in_place(nr) && (code = detour_make((uintptr_t)g[REG_RIP])) != NULL) {
		g[REG_RAX] = nr;
		g[REG_RIP] = (greg_t)(uintptr_t)code;
		return true;
	}
	g[REG_RAX] = hijack_syscall(nr, args);
	/* As the instruction leaves them. */
	g[REG_RCX] = g[REG_RIP];
	g[REG_R11] = g[REG_EFL];
	return true;
}

/* SIGSYS must get through. */
static long
rule_rt_sigprocmask(long nr, const unsigned long args[6])
{
	unsigned long hargs[6];
	uint64_t set;

	if (args[1] == 0 || args[0] == SIG_UNBLOCK || args[3] != sizeof(set) ||
	    !mem_read(&set, args[1], sizeof(set)))
		return host_args(nr, args);
	mem_copy(hargs, args, sizeof(hargs));
	set &= ~(1ULL << (SIGSYS - 1));
	hargs[1] = (unsigned long)&set;
	return host_args(nr, hargs);
}

/* --- arming -------------------------------------------------------------------------------------- */

void
trap_thread(void)
{
	if (trap_armed)
		(void)host_syscall(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, range_low,
		    range_len, NULL);
}

void
trap_prepare(void)
{
	dispatch_set(SYS_rt_sigprocmask, HIJACK_LOOK, rule_rt_sigprocmask);
}

int
trap_start(uintptr_t low, uintptr_t high)
{
	long ret;

	/* Stubs lie around the libraries, and libraries loaded later below them. */
	range_low = low > MARGIN ? low - MARGIN : 4096;
	range_len = high + MARGIN / 4 - range_low;
	ret = host_syscall(SYS_mprotect, detours, sizeof(detours), PROT_READ | PROT_EXEC);
	if (ret == 0)
		ret = signal_trap();
	if (ret == 0)
		ret = host_syscall(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, range_low,
		    range_len, NULL);
	trap_armed = ret == 0;
	return (int)-ret;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * guard.c - turns a fault inside a guarded copy into EFAULT
 *
 * A local client's pointer cannot be judged before it is used: the host may
 * map and unmap at any moment.  So the copy is simply done, and where it
 * faults the signal handler lets the routine return EFAULT.  A good copy
 * pays nothing for it.
 *
 * Whatever else faults is not ours: it goes to the handler that was there
 * before (a sanitizer's, a language run time's), or has the effect the
 * default has, with the original cause in the core file.
 *
 * The handler takes no lock and calls nothing that does.  It depends on two
 * things in the program: it must not block SIGSEGV or SIGBUS in threads that
 * call the kernel, and a handler it installs later must chain to ours.
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "guard.h"
#include "guard_impl.h"

static const int guard_signals[] = { SIGSEGV, SIGBUS };
#define NSIGNALS (sizeof(guard_signals) / sizeof(guard_signals[0]))

/* Written before our handler is installed, constant since. */
static struct sigaction guard_previous[NSIGNALS];

static pthread_once_t guard_once = PTHREAD_ONCE_INIT;
static int guard_error;

/* Lets the fault have the effect it has without us. */
static void
guard_default(int signo, const siginfo_t *info)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	(void)sigaction(signo, &sa, NULL);
	/*
	 * A real fault happens again when we return.  One that somebody sent
	 * does not, so it is sent again; it arrives after our return.
	 */
	if (info->si_code <= 0)
		(void)raise(signo);
}

static void
guard_chain(const struct sigaction *sa, int signo, siginfo_t *info,
    void *context)
{

	if ((sa->sa_flags & SA_SIGINFO) != 0) {
		sa->sa_sigaction(signo, info, context);
		return;
	}
	if (sa->sa_handler == SIG_DFL) {
		guard_default(signo, info);
		return;
	}
	if (sa->sa_handler == SIG_IGN) {
		/* The host does not let a real fault be ignored either. */
		if (info->si_code > 0)
			guard_default(signo, info);
		return;
	}
	sa->sa_handler(signo);
}

bool
guard_fault(int code, void *context)
{
	uintptr_t pc = guard_pc(context);

	if (pc < (uintptr_t)guard_begin || pc >= (uintptr_t)guard_end ||
	    code <= 0)
		return false;
	guard_setpc(context, (uintptr_t)guard_fail);
	return true;
}

static void
guard_handler(int signo, siginfo_t *info, void *context)
{
	size_t i;

	if (guard_fault(info->si_code, context))
		return;

	for (i = 0; i < NSIGNALS; i++) {
		if (guard_signals[i] == signo)
			guard_chain(&guard_previous[i], signo, info, context);
	}
}

static void
guard_install(void)
{
	struct sigaction sa;
	size_t i;

	guard_tune();
	for (i = 0; i < NSIGNALS; i++) {
		if (sigaction(guard_signals[i], NULL, &guard_previous[i]) != 0) {
			guard_error = errno;
			return;
		}
		/*
		 * The previous handler's mask and manners, since it may run
		 * under us.  On the alternate stack where there is one: a
		 * chained fault can be a stack overflow.
		 */
		sa = guard_previous[i];
		sa.sa_flags &= ~(int)SA_RESETHAND;
		sa.sa_flags |= SA_SIGINFO | SA_ONSTACK;
		sa.sa_sigaction = guard_handler;
		if (sigaction(guard_signals[i], &sa, NULL) != 0) {
			guard_error = errno;
			return;
		}
	}
}

int
guard_init(void)
{

	(void)pthread_once(&guard_once, guard_install);
	return guard_error;
}

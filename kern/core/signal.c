/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * signal.c - what becomes of a signal that the kernel raises
 *
 * The kernel delivers no signals; it raises a few on behalf of a call
 * (SIGPIPE, SIGXFSZ).  What happens then is the program's choice before
 * rump_init().
 */

#include <sys/signal.h>

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/proc.h>

#define SIGNAL_SIGPIPE	13
#define SIGNAL_SIGSYS	31

static enum rump_sigmodel signal_model = RUMP_SIGMODEL_RAISE;
static uint64_t signal_recorded;	/* a: a bit for each signal seen */

int
signal_setmodel(enum rump_sigmodel model)
{
	if (model > RUMP_SIGMODEL_RECORD)
		return EINVAL;
	signal_model = model;
	return 0;
}

void
signal_raise(struct proc *p, int signo)
{
	KASSERT(signo >= 1 && signo <= 64);
	if (p->p_vm != NULL) {
		/* A remote client raises it itself, with its next reply. */
		atomic_or(&p->p_sigpend, 1ULL << (signo - 1));
		return;
	}
	switch (signal_model) {
	case RUMP_SIGMODEL_PANIC:
		if (signo != SIGNAL_SIGSYS && signo != SIGNAL_SIGPIPE)
			panic("signal %d raised for proc %d", signo, p->p_pid);
		break;
	case RUMP_SIGMODEL_IGNORE:
		break;
	case RUMP_SIGMODEL_RAISE:
		(void)rumpuser_kill(signo);
		break;
	case RUMP_SIGMODEL_RECORD:
		atomic_or(&signal_recorded, 1ULL << (signo - 1));
		break;
	}
}

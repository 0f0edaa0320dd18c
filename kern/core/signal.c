/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * signal.c - what becomes of a signal that the kernel raises
 *
 * The kernel has no handlers to run; it raises a few signals on behalf of a call (SIGPIPE,
 * SIGXFSZ), and sends some to who asked to be told of events (SIGIO, SIGURG: fasync.c).
 * What becomes of them in the own process is the program's choice before rump_init().
 * Remote clients are told by their host if they gave us the means, and else with the
 * reply of their next call.
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

/* By the host, in its own process. */
static void
signal_local(const struct siginfo_io *si)
{
	(void)rumpuser_sigqueue(-1, si->si_signo, si->si_fd, si->si_band);
}

static void
signal_deliver(struct proc *p, const struct siginfo_io *si)
{
	if (p->p_vm != NULL) {
		/* A remote client raises it itself, with its next reply. */
		atomic_or(&p->p_sigpend, 1ULL << (si->si_signo - 1));
		return;
	}
	switch (signal_model) {
	case RUMP_SIGMODEL_PANIC:
		if (si->si_signo != SIGNAL_SIGSYS && si->si_signo != SIGNAL_SIGPIPE)
			panic("signal %d raised for proc %d", si->si_signo, p->p_pid);
		break;
	case RUMP_SIGMODEL_IGNORE:
		break;
	case RUMP_SIGMODEL_RAISE:
		signal_local(si);
		break;
	case RUMP_SIGMODEL_RECORD:
		atomic_or(&signal_recorded, 1ULL << (si->si_signo - 1));
		break;
	}
}

void
signal_raise(struct proc *p, int signo)
{
	const struct siginfo_io si = { .si_signo = signo, .si_fd = -1 };

	KASSERT(signo >= 1 && signo <= 64);
	signal_deliver(p, &si);
}

void
signal_send(struct proc *p, const struct siginfo_io *si)
{
	int32_t pidfd;

	KASSERT(si->si_signo >= 1 && si->si_signo <= 64);
	pidfd = atomic_load_acq(&p->p_pidfd);
	if (p->p_vm != NULL && pidfd != 0 && rumpuser_sigqueue(pidfd - 1, si->si_signo,
	    si->si_fd, si->si_band) == 0)
		return;
	signal_deliver(p, si);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * signal.h - raising signals for a client
 */

#ifndef SYS_SIGNAL_H
#define SYS_SIGNAL_H

#include <rump/rump.h>

struct proc;

int	signal_setmodel(enum rump_sigmodel model);	/* EINVAL */

/* What comes with a signal (sigaction(2)); si_fd -1: nothing. */
struct siginfo_io {
	int	 si_signo;	/* as Linux numbers them */
	int	 si_fd;
	long	 si_band;
};

/* For a call of p's that is under way: raised at its end.  Does not sleep. */
void	signal_raise(struct proc *p, int signo);
/* Whatever p does.  No locks held, on a thread of the kernel's own. */
void	signal_send(struct proc *p, const struct siginfo_io *si);

#endif /* SYS_SIGNAL_H */

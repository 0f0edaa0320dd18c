/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * signal.h - raising signals for a client
 */

#ifndef SYS_SIGNAL_H
#define SYS_SIGNAL_H

#include <rump/rump.h>

struct proc;

int	signal_setmodel(enum rump_sigmodel model);	/* EINVAL */

/* signo as Linux numbers them.  Does not sleep. */
void	signal_raise(struct proc *p, int signo);

#endif /* SYS_SIGNAL_H */

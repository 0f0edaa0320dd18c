/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kcontext.h - for the bodies of public functions: entering the kernel as
 * the calling thread's lwp
 */

#ifndef SYS_KCONTEXT_H
#define SYS_KCONTEXT_H

#include <sys/cdefs.h>

/* ENXIO before rump_init(), ENOMEM.  Enter only if it returned 0. */
int	kcontext_enter(void) __mustcheck;
void	kcontext_leave(void);

#endif /* SYS_KCONTEXT_H */

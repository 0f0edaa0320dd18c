/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * doctor_impl.h - for who tries and for who measures
 */

#ifndef RUMPUS_DOCTOR_IMPL_H
#define RUMPUS_DOCTOR_IMPL_H

#include <sys/syscall.h>

#define DOCTOR_CALL		SYS_getppid	/* the call that is filtered */
#define DOCTOR_SET_DISPATCH	59		/* PR_SET_SYSCALL_USER_DISPATCH */

/* Such a filter for DOCTOR_CALL alone: what seccomp(2) returns. */
int	doctor_filter(unsigned int action, unsigned int flags);

#endif /* RUMPUS_DOCTOR_IMPL_H */

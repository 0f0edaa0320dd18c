/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * proc_impl.h - between lwp.c, proc.c, lwproc.c and the system call entry
 */

#ifndef CORE_PROC_IMPL_H
#define CORE_PROC_IMPL_H

#include <sys/types.h>

struct lwp;
struct proc;

pid_t	proc_newid(void);		/* a number no proc or lwp has */
void	proc_lastlwp(struct proc *p);	/* releases what p uses */
struct lwp *lwp_implicit(void);
void	lwp_end_explicit(void);
bool	lwp_is_implicit(const struct lwp *l);

#endif /* CORE_PROC_IMPL_H */

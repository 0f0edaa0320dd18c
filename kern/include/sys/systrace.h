/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * systrace.h - printing system calls as they happen
 *
 * RUMP_TRACE=1 prints every call in the manner of strace; RUMP_TRACE=open,stat
 * prints some, %core %vfs %net %dev all of a faction, and a ! before either
 * takes away.  The variable kernel.trace is the same at run time.
 *
 * The system call entry asks systrace_on, and only if it is set has a struct
 * systrace on its stack and calls enter and exit around the dispatch.
 */

#ifndef SYS_SYSTRACE_H
#define SYS_SYSTRACE_H

#include <sys/types.h>

struct lwp;
struct sysdesc;

extern bool systrace_on;

#define SYSTRACE_LINE	1024

/* One call under way.  Storage of the caller; all fields are systrace's. */
struct systrace {
	const struct sysdesc *st_desc;		/* NULL: a call without a line */
	const unsigned long *st_args;
	unsigned int	 st_nr;
	unsigned int	 st_next;		/* argument to print next */
	bool		 st_wanted;		/* for the console */
	bool		 st_tapped;		/* for a tap */
	size_t		 st_len;
	char		 st_line[SYSTRACE_LINE];
};

/* args must stay until exit.  Kernel context; takes no lock. */
void	systrace_enter(struct systrace *st, struct lwp *l, unsigned int nr,
	    const unsigned long *args);
void	systrace_exit(struct systrace *st, int error, long ret);

/* What to trace, as in RUMP_TRACE.  EINVAL: a name nobody knows. */
int	systrace_select(const char *text);

#endif /* SYS_SYSTRACE_H */

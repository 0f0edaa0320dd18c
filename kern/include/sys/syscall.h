/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * syscall.h - the system call switch
 *
 * Numbers are those of Linux on this machine (<asm/unistd.h>).  Handlers are
 * generated wrappers around sys_NAME() (see abi/sysargs.h); each faction
 * registers its own at start, and what nobody registered answers ENOSYS.
 */

#ifndef SYS_SYSCALL_H
#define SYS_SYSCALL_H

#include <sys/types.h>

struct lwp;

#define SYSCALL_MAX	512
#define SYSCALL_NARGS	6

typedef int sysent_fn(struct lwp *l, const unsigned long *args, long *ret);

struct sysent_desc {
	unsigned int	 sd_nr;
	sysent_fn	*sd_fn;		/* NULL: skipped */
};

void	syscall_register(const struct sysent_desc *desc, size_t n);

/* What the table says each faction serves; registered by its start. */
extern const struct sysent_desc rump_sysent_core[], rump_sysent_vfs[],
    rump_sysent_net[], rump_sysent_dev[];
extern const unsigned int rump_nsysent_core, rump_nsysent_vfs,
    rump_nsysent_net, rump_nsysent_dev;

/* The switch itself, in kernel context: 0 or an errno (never ERESTART). */
int	syscall_dispatch(struct lwp *l, unsigned int nr,
	    const unsigned long *args, long *ret);

#endif /* SYS_SYSCALL_H */

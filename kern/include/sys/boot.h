/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * boot.h - the phases of rump_init(), in their order, and parameters
 */

#ifndef SYS_BOOT_H
#define SYS_BOOT_H

#include <lib/list.h>
#include <sys/types.h>

/* Each init function is called once, in this order, by kern/core/boot.c. */
void	log_boot(void);
int	kmem_boot(void);
void	vcpu_boot(unsigned int ncpu);
void	proc0_boot(void);
int	proc_boot(void);
int	random_boot(void);
int	timer_boot(void);
int	fd_boot(void);
int	kvar_boot(void);
int	component_boot(void);
int	sp_boot(void);

/*
 * rump_shutdown() runs the hooks, the last registered first, in kernel
 * context.
 */
struct shutdown_hook {
	void		(*sh_fn)(void);
	struct list_node sh_link;
};
void	shutdown_register(struct shutdown_hook *sh);

extern char kernel_hostname[65];
extern char kernel_domainname[65];

/* The environment's (or host's) value as a number; dflt if not set. */
uint64_t param_u64(const char *name, uint64_t dflt);
bool	param_get(const char *name, char *buf, size_t size);

#endif /* SYS_BOOT_H */

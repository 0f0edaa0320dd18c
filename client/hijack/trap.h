/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * trap.h - system call instructions that could not be rewritten
 */

#ifndef HIJACK_TRAP_H
#define HIJACK_TRAP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

extern bool trap_armed;

/* Before sites are rewritten. */
void	trap_prepare(void);
/* Calls made outside of [low, high) trap from now on, in this thread.  An errno. */
int	trap_start(uintptr_t low, uintptr_t high);
/* A thread or child that has just begun does as its parent. */
void	trap_thread(void);
/* In the handler of SIGSYS: was it one of these calls?  Then it has been made. */
bool	trap_signal(const siginfo_t *info, void *context);

#endif /* HIJACK_TRAP_H */

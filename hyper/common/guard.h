/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * guard.h - faults inside the guarded copies
 */

#ifndef HYPER_GUARD_H
#define HYPER_GUARD_H

#include <stdbool.h>
#include <stddef.h>

/* Catches SIGSEGV and SIGBUS.  Idempotent. */
int	guard_init(void);

/* The bare copies, by assembly: see rumpuser_copy() and _copystr(). */
int	guard_copy(void *dst, const void *src, size_t len);
int	guard_copystr(char *dst, const char *src, size_t max, size_t *ret_len);
/* 0 if a byte can be written, which it is with what it has. */
int	guard_touch(void *addr);
/* For handlers of others: true if the fault was one of a copy, which fails then. */
bool	guard_fault(int code, void *context);

#endif /* HYPER_GUARD_H */

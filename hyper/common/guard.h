/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * guard.h - faults inside the guarded copies
 */

#ifndef HYPER_GUARD_H
#define HYPER_GUARD_H

#include <stddef.h>

/* Catches SIGSEGV and SIGBUS.  Idempotent. */
int	guard_init(void);

/* The bare copies, by assembly: see rumpuser_copy() and _copystr(). */
int	guard_copy(void *dst, const void *src, size_t len);
int	guard_copystr(char *dst, const char *src, size_t max, size_t *ret_len);

#endif /* HYPER_GUARD_H */

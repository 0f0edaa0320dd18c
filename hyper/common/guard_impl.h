/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * guard_impl.h - between guard.c and what differs per processor
 */

#ifndef HYPER_GUARD_IMPL_H
#define HYPER_GUARD_IMPL_H

#include <stddef.h>
#include <stdint.h>

/* The code that may fault, and where it goes on then: copy_<cpu>.S. */
extern const char guard_begin[] __attribute__((__visibility__("hidden")));
extern const char guard_end[] __attribute__((__visibility__("hidden")));
extern const char guard_fail[] __attribute__((__visibility__("hidden")));

/* The processor's registers in a signal's context: guard_<cpu>.c. */
uintptr_t	guard_pc(const void *context);
void		guard_setpc(void *context, uintptr_t pc);

/* Fits the copies to the processor at hand. */
void		guard_tune(void);

#endif /* HYPER_GUARD_IMPL_H */

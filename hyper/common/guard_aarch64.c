/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * guard_aarch64.c - what the guarded copies need to know of an arm64
 */

#include <ucontext.h>

#include "guard_impl.h"

uintptr_t
guard_pc(const void *context)
{
	const ucontext_t *uc = context;

	return (uintptr_t)uc->uc_mcontext.pc;
}

void
guard_setpc(void *context, uintptr_t pc)
{
	ucontext_t *uc = context;

	uc->uc_mcontext.pc = pc;
}

void
guard_tune(void)
{
	/* Every arm64 has the vector registers that the copies use. */
}

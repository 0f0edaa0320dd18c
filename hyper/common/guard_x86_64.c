/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * guard_x86_64.c - what the guarded copies need to know of an x86-64
 */

#include <stdbool.h>
#include <sys/platform/x86.h>
#include <ucontext.h>

#include "guard_impl.h"

/*
 * From how many bytes on the string instruction is the fastest copy.  Its
 * start costs some 12 ns where the processor has fast short strings (FSRM),
 * twice that with enhanced ones (ERMS); without, the loop is always better.
 */
#define REP_MIN_FSRM	4096
#define REP_MIN_ERMS	8192

/* Constant after guard_tune(); the values here are right everywhere. */
size_t guard_rep_min __attribute__((__visibility__("hidden"))) = SIZE_MAX;
bool guard_avx __attribute__((__visibility__("hidden")));

uintptr_t
guard_pc(const void *context)
{
	const ucontext_t *uc = context;

	return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
}

void
guard_setpc(void *context, uintptr_t pc)
{
	ucontext_t *uc = context;

	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
}

/*
 * The C library has asked the processor already.  We do not: on a virtual
 * machine each question takes some 8 us, more than all else a boot does here.
 */
void
guard_tune(void)
{

	guard_avx = CPU_FEATURE_ACTIVE(AVX);
	if (CPU_FEATURE_ACTIVE(FSRM))
		guard_rep_min = REP_MIN_FSRM;
	else if (CPU_FEATURE_ACTIVE(ERMS))
		guard_rep_min = REP_MIN_ERMS;
}

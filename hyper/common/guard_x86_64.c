/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * guard_x86_64.c - what the guarded copies need to know of an x86-64
 */

#include <cpuid.h>
#include <ucontext.h>

#include "guard_impl.h"

/*
 * From how many bytes on the string instruction is the fastest copy.  With
 * fast short strings (FSRM) its start costs some 12 ns; with enhanced
 * ones (ERMS) twice that; without, the loop is always better.
 */
#define REP_MIN_FSRM	1280
#define REP_MIN_ERMS	2048

/* Constant after guard_tune(); the value here is right everywhere. */
size_t guard_rep_min __attribute__((__visibility__("hidden"))) = SIZE_MAX;

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

void
guard_tune(void)
{
	unsigned int eax, ebx, ecx, edx;

	if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
		return;
	if ((edx & (1u << 4)) != 0)
		guard_rep_min = REP_MIN_FSRM;
	else if ((ebx & (1u << 9)) != 0)
		guard_rep_min = REP_MIN_ERMS;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * guard_x86_64.c - what the guarded copies need to know of an x86-64
 */

#include <cpuid.h>
#include <stdbool.h>
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

void
guard_tune(void)
{
	unsigned int eax, ebx, ecx, edx;

	guard_avx = __builtin_cpu_supports("avx") != 0;
	if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
		return;
	if ((edx & (1u << 4)) != 0)
		guard_rep_min = REP_MIN_FSRM;
	else if ((ebx & (1u << 9)) != 0)
		guard_rep_min = REP_MIN_ERMS;
}

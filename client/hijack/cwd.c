/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cwd.c - whose directory this process is in
 */

#include "hijack.h"
#include "path.h"

static uint32_t cwd;		/* a: enum cwd_kind */

enum cwd_kind
path_cwd(void)
{
	return (enum cwd_kind)__atomic_load_n(&cwd, __ATOMIC_ACQUIRE);
}

void
path_setcwd(enum cwd_kind kind)
{
	__atomic_store_n(&cwd, (uint32_t)kind, __ATOMIC_RELEASE);
}

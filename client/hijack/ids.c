/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ids.c - who a program is: the host's user, or who that is in the kernel
 *
 * By default a program is told the host's numbers, which is what its own files, signals and
 * children are about.  With "ids" in the policy it is told the kernel's, where the user of a
 * server is 0: then tar keeps owners, and a program that insists on root goes on.  It gains
 * nothing at the host, which asks its own tables.
 *
 * References: credentials(7), capget(2).
 */

#include "hijack.h"

static long
rule_ids(long nr, const unsigned long args[6])
{
	return kernel_call((unsigned int)nr, args);
}

void
ids_rules(void)
{
	static const uint16_t calls[] = {
		SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getresuid, SYS_getresgid,
		SYS_getgroups, SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid,
		SYS_setresgid, SYS_setgroups, SYS_setfsuid, SYS_setfsgid, SYS_capget, SYS_capset,
	};

	for (size_t i = 0; policy.po_ids && i < sizeof(calls) / sizeof(calls[0]); i++)
		dispatch_set(calls[i], HIJACK_LOOK, rule_ids);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dispatch.c - from the number of a call to its rule
 *
 * Most calls need no rule of their own: the description of their arguments, from which the
 * kernel's wrappers are made too (abi/sysdesc.h), says where descriptors are.  Calls without a
 * description are the host's: memory, signals, time.
 */

#include "hijack.h"

#include <abi/sysdesc.h>
#include <errno.h>

uint8_t hijack_class[HIJACK_NCALLS];
rule_fn *dispatch_rules[HIJACK_NCALLS];
static uint8_t fd_args[HIJACK_NCALLS];	/* bit: that argument is a descriptor */

/*
 * All descriptors of the call are the host's, or all are the kernel's; other calls
 * have a rule of their own.
 */
static long
rule_fd(long nr, const unsigned long args[6])
{
	unsigned long kargs[6];
	bool ours = false;
	int32_t entry;

	for (unsigned int i = 0; i < 6; i++) {
		kargs[i] = args[i];
		if ((fd_args[nr] >> i & 1) == 0)
			continue;
		entry = fdmap_entry(args[i]);
		if (entry == FDMAP_HIDDEN)
			return -EBADF;
		if (entry > 0) {
			kargs[i] = (unsigned long)(entry - 1);
			ours = true;
		}
	}
	return ours ? kernel_call((unsigned int)nr, kargs) : host_args(nr, args);
}

/* --- start --------------------------------------------------------------------------------- */

void
dispatch_set(unsigned int nr, uint8_t class, rule_fn *fn)
{
	dispatch_rules[nr] = fn;
	hijack_class[nr] = class;
}

static void
describe(const struct sysdesc *sd)
{
	uint8_t fds = 0;

	if (sd->sd_nr >= HIJACK_NCALLS)
		return;
	for (unsigned int i = 0; i < sd->sd_nargs; i++) {
		if (sd->sd_args[i].sa_kind == SYSARG_FD)
			fds |= (uint8_t)(1 << i);
	}
	fd_args[sd->sd_nr] = fds;
	if (fds != 0)
		dispatch_set(sd->sd_nr, fds == 1 ? HIJACK_BYFD : HIJACK_LOOK, rule_fd);
}

void
dispatch_init(void)
{
	for (unsigned int i = 0; i < rump_nsysdesc; i++)
		describe(&rump_sysdesc[i]);
}

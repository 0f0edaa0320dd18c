/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inherit.c - the descriptors that came along with an exec
 *
 * The placeholders say which are the kernel's.  What the kernel has open and no placeholder names
 * was closed by the exec (close-on-exec), or by calls that went by us, and is closed there now.
 */

#include "hijack.h"

#include "placeholder.h"

#define MAXINHERIT	4096

static bool any;

static bool
found(unsigned long n, int r)
{
	any = true;
	return false;
}

bool
fdmap_inherited(void)
{
	any = false;
	placeholder_each(found);
	return any;
}

static int highest;
static uint8_t named[MAXINHERIT / 8];

static bool
take(unsigned long n, int r)
{
	if (n < HIJACK_NFDS && r >= 0 && r < HIJACK_NFDS) {
		fdmap_add(n, r);
		if (r > highest)
			highest = r;
		if (r < MAXINHERIT)
			named[r / 8] |= (uint8_t)(1 << r % 8);
	}
	return true;
}

void
fdmap_inherit(void)
{
	int from = 3;		/* the console's */

	highest = 2;
	placeholder_each(take);
	for (int r = 3; r <= highest && r < MAXINHERIT; r++) {
		if ((named[r / 8] >> r % 8 & 1) == 0)
			continue;
		if (r > from)
			(void)kernel_syscall(SYS_close_range, from, r - 1, 0);
		from = r + 1;
	}
	if (highest < MAXINHERIT)
		(void)kernel_syscall(SYS_close_range, highest + 1, ~0U, 0);
}

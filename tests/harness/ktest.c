/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ktest.c - the kernel's part of the harness
 *
 * Kernel code.  The only thing the harness cannot do from outside is to wait
 * until what lock-free readers may still look at has been freed.
 */

#include <sys/qsbr.h>

#include <harness.h>

void	harness_kernel_settle(void);

void
harness_kernel_settle(void)
{
	qsbr_barrier();
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_boot_sweep.c - a boot in which something is refused ends with an error
 *
 * Each round is a process of its own: the n-th hypercall of the kind fails
 * while the kernel, with all components, boots.
 */

#include <rump/rump.h>

#include <harness.h>

#define BARE	(HARNESS_BARE | HARNESS_KEEPS)

static int
boot_and_shut_down(void)
{
	int error = rump_init();

	if (error == 0)
		error = rump_shutdown();
	return error;
}

SWEEP_WITH(a_boot_without_memory_fails_orderly, FAULT_MEMORY, .ht_flags = BARE)
{
	return boot_and_shut_down();
}

SWEEP_WITH(a_boot_from_pools_without_memory_fails_orderly, FAULT_MEMORY,
    .ht_flags = BARE | HARNESS_POOLS)
{
	return boot_and_shut_down();
}

SWEEP_WITH(a_boot_without_entropy_fails_orderly, FAULT_RANDOM,
    .ht_flags = BARE)
{
	return boot_and_shut_down();
}

SWEEP_WITH(a_boot_without_threads_fails_orderly, FAULT_THREAD,
    .ht_flags = BARE)
{
	return boot_and_shut_down();
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * filemap.c - no files as memory: every read is a hypercall here, so that it
 * can be counted and made to fail
 */

#include <errno.h>

#include <rump/rumpuser.h>

#include "sim_impl.h"

int
rumpuser_file_map(int fd __attribute__((__unused__)),
    uint64_t off __attribute__((__unused__)),
    uint64_t len __attribute__((__unused__)),
    void **ret_ptr __attribute__((__unused__)))
{
	(void)sim_self();
	return EOPNOTSUPP;
}

void
rumpuser_file_unmap(void *ptr __attribute__((__unused__)),
    uint64_t len __attribute__((__unused__)))
{
	(void)sim_self();
}

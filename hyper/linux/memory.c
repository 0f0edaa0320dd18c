/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * memory.c - memory for the kernel: the host's as it is
 */

#include <rump/rumpuser.h>

#include "common/hostmem.h"

int
rumpuser_malloc(size_t len, size_t align, void **ret_ptr)
{

	return hostmem_alloc(len, align, ret_ptr);
}

void
rumpuser_free(void *ptr, size_t len)
{

	(void)len;
	hostmem_free(ptr);
}

int
rumpuser_pages_map(size_t len, size_t align, int flags, void **ret_ptr)
{

	return hostmem_map(len, align, flags, ret_ptr);
}

void
rumpuser_pages_unmap(void *ptr, size_t len)
{

	hostmem_unmap(ptr, len);
}

void
rumpuser_pages_discard(void *ptr, size_t len)
{

	hostmem_discard(ptr, len);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostmem.h - memory of the Linux host, as rumpuser.h sees it
 */

#ifndef HYPER_HOSTMEM_H
#define HYPER_HOSTMEM_H

#include <stddef.h>

int	hostmem_alloc(size_t len, size_t align, void **ret_ptr);
void	hostmem_free(void *ptr);

int	hostmem_map(size_t len, size_t align, int flags, void **ret_ptr);
void	hostmem_unmap(void *ptr, size_t len);
void	hostmem_discard(void *ptr, size_t len);

#endif /* HYPER_HOSTMEM_H */

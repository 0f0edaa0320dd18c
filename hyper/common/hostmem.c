/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostmem.c - memory of the Linux host
 *
 * Small memory is malloc(3)'s, so that sanitizers and other people's
 * allocators see each piece.  Pages are mmap(2)'s; the leak sanitizer is
 * told of them, because it would not look for pointers in there.
 *
 * A kernel's page has 4096 bytes, the host's may have more.
 */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "hostmem.h"

#define PAGE	((size_t)4096)

/* Present in programs with the leak sanitizer only. */
void	__lsan_register_root_region(const void *, size_t)
	    __attribute__((__weak__));
void	__lsan_unregister_root_region(const void *, size_t)
	    __attribute__((__weak__));

static bool
powerof2(size_t n)
{

	return n != 0 && (n & (n - 1)) == 0;
}

static size_t
hostpage(void)
{

	return (size_t)sysconf(_SC_PAGESIZE);
}

int
hostmem_alloc(size_t len, size_t align, void **ret_ptr)
{
	void *ptr;

	if (!powerof2(align))
		return EINVAL;
	if (len == 0)
		len = 1;		/* a pointer of its own, still */
	if (len > PTRDIFF_MAX)
		return ENOMEM;		/* spares the sanitizers' warning */
	if (align <= _Alignof(max_align_t))
		ptr = malloc(len);
	else if (posix_memalign(&ptr, align, len) != 0)
		ptr = NULL;
	if (ptr == NULL)
		return ENOMEM;
	*ret_ptr = ptr;
	return 0;
}

void
hostmem_free(void *ptr)
{

	free(ptr);
}

int
hostmem_map(size_t len, size_t align, int flags, void **ret_ptr)
{
	uintptr_t start, base;
	size_t slack, unit = hostpage();
	void *ptr;

	if (len == 0 || len % PAGE != 0 || !powerof2(align) ||
	    align % PAGE != 0 || (flags & ~RUMPUSER_PAGES_HUGE) != 0)
		return EINVAL;
	if (align < unit)
		align = unit;
	slack = align - unit;
	if (len > PTRDIFF_MAX - unit || len + unit > PTRDIFF_MAX - slack)
		return ENOMEM;
	len = (len + unit - 1) & ~(unit - 1);

	ptr = mmap(NULL, len + slack, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ptr == MAP_FAILED)
		return ENOMEM;
	base = (uintptr_t)ptr;
	start = (base + slack) & ~(uintptr_t)(align - 1);
	if (start > base)
		(void)munmap(ptr, start - base);
	if (start - base < slack)
		(void)munmap((void *)(start + len), slack - (start - base));

	if ((flags & RUMPUSER_PAGES_HUGE) != 0)
		(void)madvise((void *)start, len, MADV_HUGEPAGE);
	if (__lsan_register_root_region != NULL)
		__lsan_register_root_region((void *)start, len);
	*ret_ptr = (void *)start;
	return 0;
}

void
hostmem_unmap(void *ptr, size_t len)
{
	size_t unit = hostpage();

	len = (len + unit - 1) & ~(unit - 1);
	if (__lsan_unregister_root_region != NULL)
		__lsan_unregister_root_region(ptr, len);
	(void)munmap(ptr, len);
}

void
hostmem_discard(void *ptr, size_t len)
{
	size_t unit = hostpage();

	/* Part of a host's page cannot be given back, but has to be zero. */
	if ((uintptr_t)ptr % unit != 0 || len % unit != 0 ||
	    madvise(ptr, len, MADV_DONTNEED) != 0)
		memset(ptr, 0, len);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * copy_sanitized.c - guarded copies that the sanitizers can see
 *
 * The copies are assembly, which sanitizers do not look into.  In their
 * builds these wrappers take the place of the weak names and declare, after a
 * copy that went well, what was read and written.  Copies that failed are
 * what the routines are for: nothing is said about them.
 */

#include <rump/rumpuser.h>

#include "guard.h"

/* Of the run times; one or the other is there. */
void	*__asan_region_is_poisoned(void *, size_t) __attribute__((__weak__));
void	__tsan_read_range(void *, long) __attribute__((__weak__));
void	__tsan_write_range(void *, long) __attribute__((__weak__));

/* Touches the first forbidden byte, so that the report is made as usual. */
static void
declare(const void *ptr, size_t len, bool written)
{
	char *where = (char *)(uintptr_t)ptr;
	volatile char *bad;

	if (len == 0)
		return;
	if (__asan_region_is_poisoned != NULL) {
		bad = __asan_region_is_poisoned(where, len);
		if (bad != NULL)
			(void)*bad;
	}
	if (written && __tsan_write_range != NULL)
		__tsan_write_range(where, (long)len);
	if (!written && __tsan_read_range != NULL)
		__tsan_read_range(where, (long)len);
}

int
rumpuser_copy(void *dst, const void *src, size_t len)
{
	int error;

	error = guard_copy(dst, src, len);
	if (error)
		return error;
	declare(src, len, false);
	declare(dst, len, true);
	return 0;
}

int
rumpuser_copystr(char *dst, const char *src, size_t max, size_t *ret_len)
{
	size_t len;
	int error;

	error = guard_copystr(dst, src, max, &len);
	if (error)
		return error;
	declare(src, len, false);
	declare(dst, len, true);
	*ret_len = len;
	return 0;
}

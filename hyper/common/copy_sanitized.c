/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * copy_sanitized.c - guarded copies that the sanitizers can see
 *
 * The copies are assembly, which sanitizers do not look into.  In their
 * builds these wrappers take the place of the weak names and declare, after a
 * copy that went well, what was read and written.  Copies that failed are
 * what the routines are for: nothing is said about them.
 */

#include <errno.h>

#include <rump/rumpuser.h>

#include "guard.h"

/* Of the run times; one or the other is there. */
void	*__asan_region_is_poisoned(void *, size_t) __attribute__((__weak__));
void	__asan_get_shadow_mapping(size_t *scale, size_t *offset)
	    __attribute__((__weak__));
void	__tsan_read_range(void *, long) __attribute__((__weak__));
void	__tsan_write_range(void *, long) __attribute__((__weak__));

/*
 * Whether a range touches the memory in which the sanitizer keeps its books.
 * It can be read, so that a wild pointer into it is no fault by itself; but
 * nobody's data is there, and asking what is known about it is a crash.
 */
static bool
is_books(const void *ptr, size_t len)
{
	const uintptr_t top = (uintptr_t)1 << 47;
	uintptr_t from = (uintptr_t)ptr;
	size_t scale, offset;

	if (__asan_get_shadow_mapping == NULL || len == 0)
		return false;
	__asan_get_shadow_mapping(&scale, &offset);
	return from < offset + (top >> scale) &&
	    (from >= offset || len > offset - from);
}

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

	if (is_books(src, len) || is_books(dst, len))
		return EFAULT;
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

	if (is_books(src, 1) || is_books(dst, 1))
		return EFAULT;
	error = guard_copystr(dst, src, max, &len);
	if (error)
		return error;
	declare(src, len, false);
	declare(dst, len, true);
	*ret_len = len;
	return 0;
}

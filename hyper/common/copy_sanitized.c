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
 * The sanitizers keep their books in the process's own memory, at fixed
 * places.  It can be read and mostly written, so that a wild pointer into it
 * is no fault by itself; but nobody's data is there, writing there upsets
 * them, and asking what is known about it is a crash.
 */
static bool
is_asan_books(uintptr_t from, size_t len)
{
	const uintptr_t top = (uintptr_t)1 << 47;
	size_t scale, offset;

	__asan_get_shadow_mapping(&scale, &offset);
	return from < offset + (top >> scale) &&
	    (from >= offset || len > offset - from);
}

/* Where the thread sanitizer lets programs be, on x86-64. */
static const struct { uintptr_t from, to; } tsan_rooms[] = {
	{ 0x000000000000, 0x008000000000 },
	{ 0x550000000000, 0x568000000000 },
	{ 0x7b0000000000, 0x7c0000000000 },
	{ 0x7e8000000000, 0x800000000000 },
};

static bool
is_tsan_books(uintptr_t from, size_t len)
{
	for (size_t i = 0; i < sizeof(tsan_rooms) / sizeof(tsan_rooms[0]); i++) {
		if (from >= tsan_rooms[i].from && from < tsan_rooms[i].to)
			return len > tsan_rooms[i].to - from;
	}
	return true;
}

static bool
is_books(const void *ptr, size_t len)
{
	if (len == 0)
		return false;
	if (__asan_get_shadow_mapping != NULL)
		return is_asan_books((uintptr_t)ptr, len);
	return __tsan_read_range != NULL && is_tsan_books((uintptr_t)ptr, len);
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

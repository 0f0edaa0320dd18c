/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lines.h - asking early for lines of memory that two processors share
 *
 * A line that the other processor had last takes some 100 ns to come, but a
 * dozen of them can be under way at once, and while they are other work is
 * done.  So who will write to lines says so before he knows what.  These are
 * hints: any address is fine, and nothing is changed by them.
 */

#ifndef PROTO_LINES_H
#define PROTO_LINES_H

#include <stddef.h>
#include <stdint.h>

#define LINE_SIZE	64u

/* Lines that will be read. */
static inline void
lines_want(const void *from, size_t len)
{
	const uint8_t *p = from;

	for (size_t at = 0; at < len; at += LINE_SIZE)
		__builtin_prefetch(p + at, 0, 3);
}

/* Lines that will be written: the other processor shall drop its copies. */
static inline void
lines_own(void *to, size_t len)
{
	uint8_t *p = to;

	for (size_t at = 0; at < len; at += LINE_SIZE) {
#if defined(__x86_64__)
		/* The builtin is a prefetch for reading on the oldest x86-64. */
		__asm__ volatile("prefetchw %0" : : "m"(p[at]));
#else
		__builtin_prefetch(p + at, 1, 3);
#endif
	}
}

#endif /* PROTO_LINES_H */

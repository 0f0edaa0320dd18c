/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * printf.h - formatting
 *
 * The usual conversions (d i u x X o c s p %, flags # 0 - + space, width,
 * precision, hh h l ll z j t) without floating point; always NUL-terminated
 * if size > 0; returns the length it would have had.
 */

#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include <stdarg.h>

#include <sys/types.h>

int	snprintf(char *buf, size_t size, const char *fmt, ...) __printflike(3, 4);
int	vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
	    __printflike(3, 0);

#endif /* LIB_PRINTF_H */

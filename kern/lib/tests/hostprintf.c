/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostprintf.c - the C library's opinion, for t_printf.c
 */

#include <stdarg.h>
#include <stdio.h>

int	harness_host_vsnprintf(char *buf, size_t size, const char *fmt,
	    va_list ap) __attribute__((__format__(__printf__, 3, 0)));

int
harness_host_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	return vsnprintf(buf, size, fmt, ap);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * string.h - bytes and strings
 *
 * The four mem functions are the compiler's run time (see DESIGN: the only
 * names besides hypercalls that the kernel needs from outside).
 */

#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <sys/types.h>

void	*memcpy(void *dst, const void *src, size_t len);
void	*memmove(void *dst, const void *src, size_t len);
void	*memset(void *dst, int c, size_t len);
int	memcmp(const void *a, const void *b, size_t len);

/*
 * Freestanding code has no built-in functions unless it says so; with them
 * a copy of a few bytes is an instruction and the length of a literal a
 * number.
 */
#define memcpy	__builtin_memcpy
#define memmove	__builtin_memmove
#define memset	__builtin_memset
#define memcmp	__builtin_memcmp

size_t	strlen(const char *s);
#define strlen	__builtin_strlen

size_t	strnlen(const char *s, size_t max);
int	strcmp(const char *a, const char *b);
int	strncmp(const char *a, const char *b, size_t max);
char	*strchr(const char *s, int c);
char	*strrchr(const char *s, int c);
void	*memchr(const void *s, int c, size_t len);
bool	str_hasprefix(const char *s, const char *prefix);

/* Copies with truncation, always NUL-terminated; returns strlen(src). */
size_t	strlcpy(char *dst, const char *src, size_t size);
size_t	strlcat(char *dst, const char *src, size_t size);

/*
 * Decimal, octal (0...) or hexadecimal (0x...) number with an optional
 * suffix k, m, g, t (powers of 1024) that must end the string.  EINVAL,
 * ERANGE.
 */
int	str_tou64(const char *s, uint64_t *ret_value);

#endif /* LIB_STRING_H */

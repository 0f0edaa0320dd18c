/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * string.c - bytes and strings, as far as the kernel needs them
 *
 * memcpy(), memmove(), memset() and memcmp() come from outside (the host
 * program's C library has better ones than we could write); everything here
 * stands on plain loops, because it is used on short names.  Nothing reads a
 * byte past the terminator or past max.
 */

#include <lib/string.h>
#include <sys/errno.h>

#undef strlen			/* this is it */

size_t
strlen(const char *s)
{
	const char *p = s;

	/* The barrier keeps compilers from recognising strlen() and calling it. */
	while (*p != '\0') {
		p++;
		__asm__ volatile("" : "+r"(p));
	}
	return (size_t)(p - s);
}

size_t
strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

int
strcmp(const char *a, const char *b)
{
	while (*a == *b && *a != '\0') {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int
strncmp(const char *a, const char *b, size_t max)
{
	for (; max > 0; max--, a++, b++) {
		if (*a != *b)
			return (unsigned char)*a - (unsigned char)*b;
		if (*a == '\0')
			break;
	}
	return 0;
}

/* The standard's signatures lose const; this is the one place that does. */
static char *
unconst(const char *s)
{
	return (char *)(uintptr_t)s;
}

char *
strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return unconst(s);
		if (*s == '\0')
			return NULL;
	}
}

char *
strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (*s == '\0')
			return unconst(last);
	}
}

void *
memchr(const void *s, int c, size_t len)
{
	const unsigned char *p = s;

	for (; len > 0; len--, p++) {
		if (*p == (unsigned char)c)
			return unconst((const char *)p);
	}
	return NULL;
}

bool
str_hasprefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

size_t
strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);
	size_t n = len < size ? len : size - 1;

	if (size > 0) {
		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

size_t
strlcat(char *dst, const char *src, size_t size)
{
	size_t have = strnlen(dst, size);

	return have + strlcpy(dst + have, src, size - have);
}

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* How many bits a size suffix shifts; 0 for none, -1 for what is not one. */
static int
suffix_shift(char c)
{
	switch (c) {
	case '\0':
		return 0;
	case 'k': case 'K':
		return 10;
	case 'm': case 'M':
		return 20;
	case 'g': case 'G':
		return 30;
	case 't': case 'T':
		return 40;
	default:
		return -1;
	}
}

int
str_tou64(const char *s, uint64_t *ret_value)
{
	unsigned int base = 10;
	uint64_t value = 0;
	const char *start;
	int shift;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	} else if (s[0] == '0') {
		base = 8;
	}

	for (start = s; (unsigned int)digit_value(*s) < base; s++) {
		unsigned int d = (unsigned int)digit_value(*s);

		if (value > (UINT64_MAX - d) / base)
			return ERANGE;
		value = value * base + d;
	}
	if (s == start)
		return EINVAL;

	shift = suffix_shift(*s);
	if (shift < 0 || (shift > 0 && s[1] != '\0'))
		return EINVAL;
	if (value > UINT64_MAX >> shift)
		return ERANGE;
	*ret_value = value << shift;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * text.c - strings and memory without the C library
 *
 * The compiler may call memcpy and its kin for an assignment: those of this file
 * are local to the library (hidden), so that it never goes out for one.
 */

#include "host.h"

void	*memcpy(void *restrict to, const void *restrict from, size_t len);
void	*memmove(void *to, const void *from, size_t len);
void	*memset(void *to, int c, size_t len);
int	memcmp(const void *a, const void *b, size_t len);

void *
mem_copy(void *to, const void *from, size_t len)
{
	void *p = to;

	__asm__ volatile("rep movsb" : "+D"(p), "+S"(from), "+c"(len) : : "memory");
	return to;
}

void *
mem_zero(void *to, size_t len)
{
	return memset(to, 0, len);
}

void *
memcpy(void *restrict to, const void *restrict from, size_t len)
{
	return mem_copy(to, from, len);
}

void *
memmove(void *to, const void *from, size_t len)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if ((uintptr_t)t - (uintptr_t)f >= len)
		return mem_copy(to, from, len);
	while (len-- > 0) {
		t[len] = f[len];
		__asm__ volatile("" : : : "memory");
	}
	return to;
}

void *
mem_move(void *to, const void *from, size_t len)
{
	return memmove(to, from, len);
}

void *
memset(void *to, int c, size_t len)
{
	void *p = to;

	__asm__ volatile("rep stosb" : "+D"(p), "+c"(len) : "a"(c) : "memory");
	return to;
}

int
memcmp(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;

	for (size_t i = 0; i < len; i++) {
		if (x[i] != y[i])
			return x[i] - y[i];
		__asm__ volatile("" : : : "memory");
	}
	return 0;
}

size_t
text_len(const char *text)
{
	size_t n = 0;

	while (text[n] != '\0') {
		n++;
		__asm__ volatile("" : : : "memory");
	}
	return n;
}

bool
text_equal(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

const char *
text_after(const char *text, const char *prefix)
{
	while (*prefix != '\0') {
		if (*text++ != *prefix++)
			return NULL;
	}
	return text;
}

bool
text_add(char *buf, size_t size, size_t *len, const char *more)
{
	while (*more != '\0') {
		if (*len + 1 >= size)
			return false;
		buf[(*len)++] = *more++;
		buf[*len] = '\0';
	}
	return true;
}

bool
text_add_number(char *buf, size_t size, size_t *len, unsigned long n)
{
	char digits[24];
	size_t i = sizeof(digits);

	digits[--i] = '\0';
	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n != 0);
	return text_add(buf, size, len, digits + i);
}

void
host_complain(const char *what, const char *about)
{
	char line[512];
	size_t len = 0;

	(void)text_add(line, sizeof(line) - 1, &len, "rumphijack: ");
	(void)text_add(line, sizeof(line) - 1, &len, what);
	if (about != NULL) {
		(void)text_add(line, sizeof(line) - 1, &len, ": ");
		(void)text_add(line, sizeof(line) - 1, &len, about);
	}
	line[len++] = '\n';
	(void)host_syscall(SYS_write, 2, line, len);
}

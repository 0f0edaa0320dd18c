/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * check.c - the assertions of tests
 *
 * They run in the test's child process, from host or kernel code, on any
 * thread of it.  A failure is printed as TAP comments, and remembered.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness_impl.h"

bool harness_failed;
uint64_t harness_current_seed;
uint64_t *harness_digest_place;

static bool
failed(const char *file, int line)
{
	harness_failed = true;
	printf("#\tat %s:%d\n", file, line);
	fflush(stdout);
	return false;
}

bool
harness_check(bool held, const char *text, const char *file, int line)
{
	if (held)
		return true;
	printf("# does not hold: %s\n", text);
	return failed(file, line);
}

bool
harness_check_eq(const char *label, intmax_t want, intmax_t got,
    const char *text, const char *file, int line)
{
	if (want == got)
		return true;
	printf("# %s: %s: want %jd (%#jx), got %jd (%#jx)\n", label, text,
	    want, (uintmax_t)want, got, (uintmax_t)got);
	return failed(file, line);
}

bool
harness_check_str(const char *label, const char *want, const char *got,
    const char *text, const char *file, int line)
{
	if (want != NULL && got != NULL ? strcmp(want, got) == 0 : want == got)
		return true;
	printf("# %s: %s:\n#\twant \"%s\"\n#\tgot  \"%s\"\n", label, text,
	    want != NULL ? want : "(null)", got != NULL ? got : "(null)");
	return failed(file, line);
}

static void
print_bytes(const char *which, const unsigned char *bytes, size_t from,
    size_t len)
{
	printf("#\t%s", which);
	for (size_t i = from; i < len && i < from + 16; i++)
		printf(" %02x", bytes[i]);
	printf("\n");
}

bool
harness_check_mem(const char *label, const void *want, const void *got,
    size_t len, const char *text, const char *file, int line)
{
	const unsigned char *w = want, *g = got;
	size_t at = 0;

	while (at < len && w[at] == g[at])
		at++;
	if (at == len)
		return true;
	printf("# %s: %s: differs from byte %zu of %zu on\n", label, text, at,
	    len);
	print_bytes("want", w, at, len);
	print_bytes("got ", g, at, len);
	return failed(file, line);
}

void
harness_need(bool held, const char *text, const char *file, int line)
{
	if (held)
		return;
	printf("# needed, and does not hold: %s\n", text);
	failed(file, line);
	_exit(OUTCOME_FAILED);
}

/* A test that has failed something already is not skipped. */
void
harness_skip(const char *reason)
{
	printf("# skipped: %s\n", reason);
	fflush(stdout);
	_exit(harness_failed ? OUTCOME_FAILED : OUTCOME_SKIPPED);
}

void
harness_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	vprintf(fmt, ap);
	printf("\n");
	fflush(stdout);
	va_end(ap);
}

uint64_t
harness_seed(void)
{
	return harness_current_seed;
}

void
harness_digest(uint64_t digest)
{
	*harness_digest_place = digest;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_printf.c - our formatting against the C library's
 */

#include <limits.h>
#include <stdarg.h>

#include <lib/printf.h>
#include <lib/string.h>

#include <harness.h>

int	harness_host_vsnprintf(char *buf, size_t size, const char *fmt,
	    va_list ap) __printflike(3, 0);

static void	same(const char *fmt, ...) __printflike(1, 2);

/* The same text and length, in a buffer of any size. */
static void
same(const char *fmt, ...)
{
	static const size_t sizes[] = { 200, 0, 1, 2, 3, 5, 8, 13, 21 };
	char ours[200], theirs[200];
	va_list ap, ap2;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		int len, want;

		memset(ours, '#', sizeof(ours));
		memset(theirs, '#', sizeof(theirs));
		va_start(ap, fmt);
		va_copy(ap2, ap);
		len = vsnprintf(ours, sizes[i], fmt, ap);
		want = harness_host_vsnprintf(theirs, sizes[i], fmt, ap2);
		va_end(ap2);
		va_end(ap);
		CHECK_EQ(fmt, want, len);
		/* Bytes beyond the text belong to nobody, beyond size to others. */
		if (sizes[i] != 0)
			CHECK_STR(fmt, theirs, ours);
		CHECK_MEM(fmt, theirs + sizes[i], ours + sizes[i],
		    sizeof(ours) - sizes[i]);
	}
}

TEST_WITH(integers_look_as_in_libc, .ht_flags = HARNESS_BARE)
{
	static const int values[] = { 0, 1, -1, 7, 42, -42, 12345, INT_MAX,
	    INT_MIN };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		int v = values[i];

		same("%d", v);
		same("%i|%u|%o|%x|%X", v, v, v, v, v);
		same("%5d|%-5d|%05d|%+d|% d|%+5d|%-+5d|%+05d", v, v, v, v, v,
		    v, v, v);
		same("%.0d|%.1d|%.3d|%8.3d|%-8.3d|%08.3d", v, v, v, v, v, v);
		same("%#x|%#X|%#o|%#8x|%-#8x|%#08x|%#.5x", v, v, v, v, v, v, v);
		same("%#.0o|%#.0x|%.0x|%.0o|%#5.3o", v, v, v, v, v);
		same("%hd|%hhd|%hu|%hhu|%hx|%hhx", v, v, v, v, v, v);
		same("%*d|%-*d|%.*d|%*.*d", 7, v, 7, v, 4, v, 9, 3, v);
		same("%*d|%.*d", -7, v, -1, v);
		same("%- 5d|%+ d|%-05d|%0-5d", v, v, v, v);
	}
}

TEST_WITH(long_integers_look_as_in_libc, .ht_flags = HARNESS_BARE)
{
	static const long values[] = { 0, 1, -1, LONG_MAX, LONG_MIN,
	    1234567890123456789 };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		long v = values[i];

		same("%ld|%lu|%lx|%lo|%#lo", v, v, v, v, v);
		same("%lld|%llu|%llx", (long long)v, (long long)v, (long long)v);
		same("%zd|%zu|%zx|%jd|%ju|%td", v, v, v, v, v, v);
		same("%25ld|%-25ld|%025ld|%.22ld", v, v, v, v);
	}
}

TEST_WITH(strings_look_as_in_libc, .ht_flags = HARNESS_BARE)
{
	static const char unterminated[3] = { 'x', 'y', 'z' };

	same("");
	same("plain");
	same("%%|100%%");
	same("%s", "");
	same("%s|%s", "one", "two");
	same("%5s|%-5s|%.2s|%5.2s|%-5.2s|%.0s", "abc", "abc", "abc", "abc",
	    "abc", "abc");
	same("%.3s", unterminated);
	same("%*s|%-*s|%.*s", 6, "abc", 6, "abc", 2, "abc");
	same("%c%c|%3c|%-3c|", 'a', 'b', 'c', 'd');
	same("%s", (char *)NULL);
	same("%p|%20p|%-20p|", (void *)0x1234, (void *)0xabcdef,
	    (void *)0xffffffffffffffff);
	same("%d %s %x %c %lu end", 1, "two", 3, '4', 5ul);
}

TEST_WITH(what_is_no_conversion_is_copied, .ht_flags = HARNESS_BARE)
{
	char buf[32];

	CHECK_EQ("odd", 2, snprintf(buf, sizeof(buf), "%y"));
	CHECK_STR("odd", "%y", buf);
	CHECK_EQ("open end", 6, snprintf(buf, sizeof(buf), "%-#12l"));
	CHECK_STR("open end", "%-#12l", buf);
}

TEST_WITH(a_huge_width_costs_nothing, .ht_flags = HARNESS_BARE)
{
	char buf[16];

	CHECK_EQ("width", INT_MAX, snprintf(buf, sizeof(buf), "%2147483000d%d",
	    1, 12345678) > 2147480000 ? INT_MAX : 0);
	CHECK_STR("width", "               ", buf);
	CHECK_EQ("beyond an int", INT_MAX, snprintf(buf, sizeof(buf),
	    "%*d%*d", INT_MAX, 1, INT_MAX, 2));
}

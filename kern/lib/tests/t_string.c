/* SPDX-License-Identifier: BSD-2-Clause */

#include <lib/string.h>
#include <sys/errno.h>

#include <harness.h>

static int
sign(int n)
{
	return (n > 0) - (n < 0);
}

TEST_WITH(comparing_is_by_unsigned_bytes, .ht_flags = HARNESS_BARE)
{
	static const struct { const char *a, *b; int want; } cases[] = {
		{ "", "", 0 }, { "a", "a", 0 }, { "a", "b", -1 },
		{ "b", "a", 1 }, { "a", "", 1 }, { "", "a", -1 },
		{ "ab", "a", 1 }, { "\xff", "a", 1 }, { "a", "\x80", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_EQ(cases[i].a, cases[i].want,
		    sign(strcmp(cases[i].a, cases[i].b)));
		CHECK_EQ(cases[i].a, cases[i].want,
		    sign(strncmp(cases[i].a, cases[i].b, 10)));
	}
	CHECK_EQ("cut", 0, strncmp("abc", "abd", 2));
	CHECK_EQ("none", 0, strncmp("abc", "xyz", 0));
}

TEST_WITH(searching_finds_first_last_and_the_end, .ht_flags = HARNESS_BARE)
{
	const char *s = "a/b/c";

	CHECK(strchr(s, '/') == s + 1);
	CHECK(strrchr(s, '/') == s + 3);
	CHECK(strchr(s, 'x') == NULL);
	CHECK(strrchr(s, 'x') == NULL);
	CHECK(strchr(s, '\0') == s + 5);
	CHECK(strrchr(s, '\0') == s + 5);
	CHECK(memchr(s, 'c', 5) == s + 4);
	CHECK(memchr(s, 'c', 4) == NULL);
	CHECK_EQ("strlen", 5, strlen(s));
	CHECK_EQ("strnlen", 3, strnlen(s, 3));
	CHECK_EQ("strnlen", 5, strnlen(s, 30));
	CHECK(str_hasprefix("vfs.cache", "vfs."));
	CHECK(!str_hasprefix("vf", "vfs."));
	CHECK(str_hasprefix("x", ""));
}

TEST_WITH(copies_are_cut_and_terminated, .ht_flags = HARNESS_BARE)
{
	char buf[5] = "zzzz";

	CHECK_EQ("long", 6, strlcpy(buf, "abcdef", sizeof(buf)));
	CHECK_STR("long", "abcd", buf);
	CHECK_EQ("short", 1, strlcpy(buf, "x", sizeof(buf)));
	CHECK_STR("short", "x", buf);
	CHECK_EQ("room", 3, strlcat(buf, "yz", sizeof(buf)));
	CHECK_STR("room", "xyz", buf);
	CHECK_EQ("none", 7, strlcat(buf, "1234", sizeof(buf)));
	CHECK_STR("none", "xyz1", buf);
	CHECK_EQ("no buffer", 3, strlcpy(NULL, "abc", 0));
}

TEST_WITH(numbers_are_read_whole_or_not_at_all, .ht_flags = HARNESS_BARE)
{
	static const struct {
		const char	*text;
		int		 error;
		uint64_t	 value;
	} cases[] = {
		{ "0", 0, 0 }, { "7", 0, 7 }, { "010", 0, 8 },
		{ "0x10", 0, 16 }, { "0XfF", 0, 255 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "0xffffffffffffffff", 0, UINT64_MAX },
		{ "18446744073709551616", ERANGE, 0 },
		{ "99999999999999999999999", ERANGE, 0 },
		{ "1k", 0, 1024 }, { "3M", 0, 3 << 20 }, { "2g", 0, 2ull << 30 },
		{ "1t", 0, 1ull << 40 }, { "0x10k", 0, 16384 },
		{ "17179869184g", ERANGE, 0 }, { "17179869183g", 0,
		    17179869183ull << 30 },
		{ "", EINVAL, 0 }, { "k", EINVAL, 0 }, { "0x", EINVAL, 0 },
		{ "1kk", EINVAL, 0 }, { "1 ", EINVAL, 0 }, { " 1", EINVAL, 0 },
		{ "-1", EINVAL, 0 }, { "+1", EINVAL, 0 }, { "09", EINVAL, 0 },
		{ "1z", EINVAL, 0 }, { "12a", EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = 0;

		CHECK_EQ(cases[i].text, cases[i].error,
		    str_tou64(cases[i].text, &value));
		CHECK_EQ(cases[i].text, cases[i].value, value);
	}
}

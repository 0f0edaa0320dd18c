/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_hyper_memory.c - small memory and pages
 */

#include "hyper_test.h"

#define PAGE	((size_t)4096)

CASE(malloc_aligns_as_asked)
{
	void *p;

	for (size_t align = 1; align <= 65536; align *= 2) {
		for (size_t len = 1; len < 10000; len = len * 3 + 1) {
			p = NULL;
			NEED(rumpuser_malloc(len, align, &p) == 0);
			CHECK((uintptr_t)p % align == 0);
			memset(p, 0x11, len);
			rumpuser_free(p, len);
		}
	}
}

CASE(malloc_of_nothing_is_something)
{
	void *p = NULL, *q = NULL;

	CHECK_EQ("first", 0, rumpuser_malloc(0, 1, &p));
	CHECK_EQ("second", 0, rumpuser_malloc(0, 1, &q));
	CHECK(p != NULL && q != NULL && p != q);
	rumpuser_free(p, 0);
	rumpuser_free(q, 0);
	rumpuser_free(NULL, 0);
}

static const struct {
	const char	*label;
	size_t		 len, align;
	int		 want;
} malloc_cases[] = {
	{ "no alignment",	8,		0,	EINVAL },
	{ "odd alignment",	8,		24,	EINVAL },
	{ "all there is",	SIZE_MAX,	16,	ENOMEM },
	{ "half of it",		SIZE_MAX / 2 + 2, 16,	ENOMEM },
	{ "all, aligned",	SIZE_MAX,	4096,	ENOMEM },
};

CASE(malloc_refuses_what_cannot_be)
{

	for (size_t i = 0; i < ARRAY_SIZE(malloc_cases); i++) {
		void *p = &p;

		CHECK_EQ(malloc_cases[i].label, malloc_cases[i].want,
		    rumpuser_malloc(malloc_cases[i].len, malloc_cases[i].align,
		    &p));
		CHECK(p == &p);
	}
}

static bool
zeroed(const unsigned char *p, size_t len)
{

	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

CASE(pages_are_zeroed_and_aligned)
{
	void *p;

	for (size_t align = PAGE; align <= 4 << 20; align *= 4) {
		for (int flags = 0; flags <= RUMPUSER_PAGES_HUGE; flags++) {
			p = NULL;
			NEED(rumpuser_pages_map(16 * PAGE, align, flags,
			    &p) == 0);
			CHECK((uintptr_t)p % align == 0);
			CHECK(zeroed(p, 16 * PAGE));
			memset(p, 0xff, 16 * PAGE);
			rumpuser_pages_unmap(p, 16 * PAGE);
		}
	}
}

static const struct {
	const char	*label;
	size_t		 len, align;
	int		 flags, want;
} map_cases[] = {
	{ "nothing",		0,		PAGE,	0,	EINVAL },
	{ "part of a page",	100,		PAGE,	0,	EINVAL },
	{ "no alignment",	PAGE,		0,	0,	EINVAL },
	{ "small alignment",	PAGE,		512,	0,	EINVAL },
	{ "odd alignment",	PAGE,		3 * PAGE, 0,	EINVAL },
	{ "unknown flag",	PAGE,		PAGE,	0x80,	EINVAL },
	{ "all there is",	SIZE_MAX - PAGE + 1, PAGE, 0,	ENOMEM },
	{ "more than fits",	(size_t)1 << 60, PAGE,	0,	ENOMEM },
	{ "far too aligned",	PAGE, (size_t)1 << 63,	0,	ENOMEM },
};

CASE(pages_map_refuses_what_cannot_be)
{

	for (size_t i = 0; i < ARRAY_SIZE(map_cases); i++) {
		void *p = &p;

		CHECK_EQ(map_cases[i].label, map_cases[i].want,
		    rumpuser_pages_map(map_cases[i].len, map_cases[i].align,
		    map_cases[i].flags, &p));
		CHECK(p == &p);
	}
}

CASE(discarded_pages_read_as_zeroes_and_the_others_do_not)
{
	unsigned char *p;
	void *v;

	NEED(rumpuser_pages_map(4 * PAGE, PAGE, 0, &v) == 0);
	p = v;
	memset(p, 0x77, 4 * PAGE);
	rumpuser_pages_discard(p + PAGE, 2 * PAGE);
	CHECK(zeroed(p + PAGE, 2 * PAGE));
	CHECK_EQ("before", 0x77, p[PAGE - 1]);
	CHECK_EQ("behind", 0x77, p[3 * PAGE]);
	p[PAGE] = 1;
	CHECK_EQ("usable", 1, p[PAGE]);
	rumpuser_pages_unmap(v, 4 * PAGE);
}

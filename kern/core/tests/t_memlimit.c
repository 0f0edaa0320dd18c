/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_memlimit.c - RUMP_MEMLIMIT and RUMP_KMEM, and who is asked to give back
 */

#include <lib/string.h>
#include <rump/rump.h>
#include <rump/rumpsim.h>
#include <sys/errno.h>
#include <sys/kvar.h>

#include <harness.h>

#include "kmem_impl.h"

#define BARE	(HARNESS_BARE | HARNESS_POOLS | HARNESS_KEEPS)
#define LIMIT	(8u << 20)

static void
boot_with(const char *limit)
{
	NEED(rumpsim_setparam("RUMP_MEMLIMIT", limit) == 0);
	NEED(rump_init() == 0);
	rump_schedule();
}

static bool
console_has(const char *what)
{
	const char *text = rumpsim_console();

	for (; *text != '\0'; text++) {
		if (str_hasprefix(text, what))
			return true;
	}
	return false;
}

static const char *const bad_limits[] = {
	"", "x", "12q", "-1", "0", "99999999999999999999", "1k1",
};

static void
check_bad_limit(unsigned int i)
{
	NEED(rumpsim_setparam("RUMP_MEMLIMIT", bad_limits[i]) == 0);
	CHECK_EQ(bad_limits[i], i == 5 ? ERANGE : EINVAL, rump_init());
	CHECK(console_has("RUMP_MEMLIMIT"));
}

/* A kernel boots once in a process, so each text has a test of its own. */
TEST_WITH(an_empty_limit_is_an_error, .ht_flags = BARE) { check_bad_limit(0); }
TEST_WITH(a_limit_of_letters_is_an_error, .ht_flags = BARE) { check_bad_limit(1); }
TEST_WITH(an_unknown_suffix_is_an_error, .ht_flags = BARE) { check_bad_limit(2); }
TEST_WITH(a_negative_limit_is_an_error, .ht_flags = BARE) { check_bad_limit(3); }
TEST_WITH(a_limit_of_nothing_is_an_error, .ht_flags = BARE) { check_bad_limit(4); }
TEST_WITH(a_limit_too_large_is_an_error, .ht_flags = BARE) { check_bad_limit(5); }
TEST_WITH(text_after_a_suffix_is_an_error, .ht_flags = BARE) { check_bad_limit(6); }

TEST_WITH(an_unknown_allocator_is_an_error, .ht_flags = BARE)
{
	NEED(rumpsim_setparam("RUMP_KMEM", "zoned") == 0);
	CHECK_EQ("boot", EINVAL, rump_init());
	CHECK(console_has("RUMP_KMEM"));
}

/* Links all it gets through the pages; how many that were. */
static unsigned int
take_all(void **ret_chain, int flags)
{
	unsigned int n = 0;
	void **page;

	*ret_chain = NULL;
	while ((page = page_alloc(0, flags)) != NULL) {
		*page = *ret_chain;
		*ret_chain = page;
		n++;
	}
	return n;
}

static void
free_all(void *chain)
{
	for (void *next; chain != NULL; chain = next) {
		next = *(void **)chain;
		page_free(chain, 0);
	}
}

static void
check_limit(void)
{
	struct kmem_stats st;
	unsigned int n, again;
	char text[32];
	void *chain;

	n = take_all(&chain, KM_NOSLEEP);
	kmem_getstats(&st);
	CHECK_EQ("limit", LIMIT, st.ks_limit);
	CHECK(st.ks_pages <= LIMIT);
	CHECK(st.ks_peak <= LIMIT && st.ks_peak > LIMIT - 16 * PAGE_SIZE);
	CHECK(st.ks_failed >= 1);
	CHECK(n > LIMIT / PAGE_SIZE * 9 / 10);
	CHECK(kmem_alloc(5 * PAGE_SIZE, KM_SLEEP) == NULL);
	CHECK_EQ("kvar", 0, kvar_read("memory.limit", text, sizeof(text)));
	CHECK_STR("kvar", "8388608", text);
	free_all(chain);
	again = take_all(&chain, KM_SLEEP);
	CHECK(again >= n);
	free_all(chain);
}

TEST_WITH(past_the_limit_there_is_no_memory, .ht_flags = BARE)
{
	boot_with("8m");
	check_limit();
	rump_unschedule();
}

TEST_WITH(the_limit_holds_in_direct_mode, .ht_flags = BARE)
{
	NEED(rumpsim_setparam("RUMP_KMEM", "direct") == 0);
	boot_with("0x2000k");
	check_limit();
	rump_unschedule();
}

TEST_WITH(a_small_limit_is_warned_of, .ht_flags = BARE)
{
	boot_with("900k");
	CHECK(console_has("RUMP_MEMLIMIT=900k"));
	rump_unschedule();
}

/* --- a cache that gives back --------------------------------------------- */

static struct {
	void		*c_chain;
	unsigned int	 c_npages;
	unsigned int	 c_asked;
	uint64_t	 c_when;	/* memory.used when first asked */
	bool		 c_recurse;
} cache;

static void
cache_grow(void)
{
	void **page = page_alloc(0, KM_NOSLEEP);

	NEED(page != NULL);
	*page = cache.c_chain;
	cache.c_chain = page;
	cache.c_npages++;
}

static size_t
cache_shrink(size_t want)
{
	size_t freed = 0;

	if (cache.c_asked++ == 0)
		cache.c_when = kmem_used();
	if (cache.c_recurse) {
		/* Allocates itself; must come back without asking again. */
		void *p = kmem_alloc(3 * PAGE_SIZE, KM_SLEEP);

		kmem_free(p, 3 * PAGE_SIZE);
	}
	while (freed < want && cache.c_chain != NULL) {
		void *page = cache.c_chain;

		cache.c_chain = *(void **)page;
		cache.c_npages--;
		page_free(page, 0);
		freed += PAGE_SIZE;
	}
	return freed;
}

static struct reclaimer cache_reclaimer = {
	.rc_name = "test cache", .rc_shrink = cache_shrink,
};

static void
cache_boot(void)
{
	boot_with("8m");
	reclaimer_register(&cache_reclaimer);
	while (kmem_used() < LIMIT / 2)
		cache_grow();
	CHECK_EQ("asked", 0, cache.c_asked);
}

TEST_WITH(a_cache_makes_room_for_who_may_sleep, .ht_flags = BARE)
{
	unsigned int n;
	void *chain;

	cache_boot();
	n = take_all(&chain, KM_SLEEP);
	CHECK(cache.c_asked > 0);
	CHECK_EQ("left in the cache", 0, cache.c_npages);
	CHECK(n > LIMIT / PAGE_SIZE * 9 / 10);
	free_all(chain);
	reclaimer_unregister(&cache_reclaimer);
	rump_unschedule();
}

TEST_WITH(a_cache_is_left_alone_by_who_may_not_sleep, .ht_flags = BARE)
{
	void *chain;

	cache_boot();
	(void)take_all(&chain, KM_NOSLEEP);
	CHECK_EQ("asked", 0, cache.c_asked);
	free_all(chain);
	rump_unschedule();
}

TEST_WITH(a_cache_shrinks_before_the_limit, .ht_flags = BARE)
{
	void *chain = NULL;

	cache_boot();
	while (cache.c_asked == 0) {
		void **page = page_alloc(0, KM_SLEEP);

		NEED(page != NULL);
		*page = chain;
		chain = page;
	}
	CHECK(cache.c_when >= LIMIT / 8 * 7);
	CHECK(cache.c_when <= LIMIT / 8 * 7 + 32 * PAGE_SIZE);
	CHECK(kmem_used() < LIMIT / 8 * 7);
	CHECK(kmem_used() >= LIMIT / 8 * 7 - LIMIT / 64 - 32 * PAGE_SIZE);
	CHECK(cache.c_npages > 0);
	/* It is not asked for each page that is given back and taken again. */
	cache.c_asked = 0;
	for (unsigned int i = 0; i < 100; i++)
		page_free(page_alloc(3, KM_SLEEP), 3);
	CHECK(cache.c_asked <= 1);
	free_all(chain);
	rump_unschedule();
}

TEST_WITH(a_cache_may_allocate_while_it_shrinks, .ht_flags = BARE)
{
	void *chain;

	cache.c_recurse = true;
	cache_boot();
	(void)take_all(&chain, KM_SLEEP);
	CHECK(cache.c_asked > 0);
	CHECK_EQ("left in the cache", 0, cache.c_npages);
	free_all(chain);
	rump_unschedule();
}

/* Objects that only lie in a pool's depot come back by themselves. */
TEST_WITH(pools_give_back_what_they_only_keep, .ht_flags = BARE)
{
	static void *objs[30000];
	struct pool po;
	unsigned int n;
	void *chain;

	boot_with("8m");
	pool_init(&po, 128, 16, "test");
	for (size_t i = 0; i < ARRAY_SIZE(objs); i++)
		NEED((objs[i] = pool_get(&po, KM_SLEEP)) != NULL);
	for (size_t i = 0; i < ARRAY_SIZE(objs); i++)
		pool_put(&po, objs[i]);
	n = take_all(&chain, KM_SLEEP);
	CHECK(n > LIMIT / PAGE_SIZE * 9 / 10);
	free_all(chain);
	pool_fini(&po);
	rump_unschedule();
}

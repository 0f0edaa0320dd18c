/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_kmem.c - pages, pools, memory of any size
 *
 * The allocator keeps what it was given back, so most tests count what it
 * charges itself (memory.used) and what is mapped after it was asked to give
 * everything back.
 */

#include <lib/string.h>
#include <rump/rumpsim.h>
#include <sys/errno.h>
#include <sys/kvar.h>

#include <harness.h>

#include "kmem_impl.h"

#define POOLS	(HARNESS_KERNEL | HARNESS_POOLS | HARNESS_KEEPS)

static uint64_t state;

static uint64_t
draw(void)
{
	return harness_draw(&state);
}

static void
draw_seed(void)
{
	state = harness_seed() * 0x9e3779b97f4a7c15ull + 1;
}

/* All that can be; what this seat needs for itself is there afterwards. */
static void
give_back(void)
{
	kmem_free(kmem_alloc(16, KM_SLEEP), 16);
	kmem_reclaim_enter();
	(void)pool_reclaim();
	(void)chunk_reclaim();
	kmem_reclaim_exit();
}

static uint64_t
mapped(void)
{
	struct rumpsim_usage u;

	rumpsim_usage(&u);
	return u.su_map_bytes;
}

static bool
all_bytes(const void *p, unsigned char c, size_t len)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < len; i++) {
		if (b[i] != c)
			return false;
	}
	return true;
}

/* --- any size ------------------------------------------------------------ */

#define NPIECES	300

static struct piece {
	unsigned char	*p;
	size_t		 len;
	unsigned char	 mark;
} pieces[NPIECES];

static size_t
draw_len(void)
{
	unsigned int kind = (unsigned int)(draw() % 10);

	if (kind == 0)
		return draw() % 300000;
	if (kind == 1)
		return draw() % 3000000;
	if (kind < 5)
		return draw() % 9000;
	return draw() % 600;
}

static void
piece_alloc(struct piece *pc)
{
	bool zero = draw() % 2 != 0;

	pc->len = draw_len();
	pc->mark = (unsigned char)draw();
	pc->p = kmem_alloc(pc->len, zero ? KM_ZERO : KM_SLEEP);
	NEED(pc->p != NULL);
	CHECK_EQ("aligned", 0, (uintptr_t)pc->p % 16);
	if (pc->len != 0 && pc->len % CACHE_LINE == 0)
		CHECK_EQ("aligned", 0, (uintptr_t)pc->p % CACHE_LINE);
	if (zero)
		CHECK(all_bytes(pc->p, 0, pc->len));
	memset(pc->p, pc->mark, pc->len);
}

static void
piece_free(struct piece *pc)
{
	CHECK(all_bytes(pc->p, pc->mark, pc->len));
	kmem_free(pc->p, pc->len);
	pc->p = NULL;
}

TEST_WITH(pieces_of_all_sizes_stay_apart, .ht_flags = POOLS, .ht_seeds = 3)
{
	uint64_t before;

	draw_seed();
	give_back();
	before = kmem_used();
	for (unsigned int i = 0; i < 4000; i++) {
		struct piece *pc = &pieces[draw() % NPIECES];

		if (pc->p != NULL)
			piece_free(pc);
		else
			piece_alloc(pc);
	}
	for (unsigned int i = 0; i < NPIECES; i++) {
		if (pieces[i].p != NULL)
			piece_free(&pieces[i]);
	}
	give_back();
	CHECK_EQ("memory.used", before, kmem_used());
}

TEST_WITH(nothing_leaves_more_than_the_books_behind, .ht_flags = POOLS)
{
	uint64_t before;
	void *p[64];

	give_back();
	before = mapped();
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = page_alloc(8, KM_SLEEP);
	CHECK(mapped() >= before + 64 * (PAGE_SIZE << 8));
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		page_free(p[i], 8);
	give_back();
	CHECK_EQ("mapped", before, mapped());
}

TEST(a_length_nobody_has_is_refused)
{
	CHECK(kmem_alloc(SIZE_MAX, KM_SLEEP) == NULL);
	CHECK(kmem_alloc(PTRDIFF_MAX, KM_SLEEP) == NULL);
	kmem_free(NULL, 77);
	kmem_strfree(NULL);
}

static void
check_alignment(void)
{
	for (size_t len = CACHE_LINE; len <= 4096; len += CACHE_LINE / 2) {
		size_t align = len % CACHE_LINE == 0 ? CACHE_LINE : 32;
		void *p = kmem_alloc(len, KM_SLEEP), *q = kmem_alloc(len, 0);

		CHECK_EQ("aligned", 0, (uintptr_t)p % align);
		CHECK_EQ("aligned", 0, (uintptr_t)q % align);
		kmem_free(p, len);
		kmem_free(q, len);
	}
}

TEST(what_divides_the_size_is_the_alignment)
{
	check_alignment();
}

TEST_WITH(the_same_from_pools, .ht_flags = POOLS)
{
	check_alignment();
}

TEST(length_zero_is_a_piece_of_its_own)
{
	void *a = kmem_alloc(0, KM_SLEEP), *b = kmem_alloc(0, KM_SLEEP);

	CHECK(a != NULL && b != NULL && a != b);
	kmem_free(a, 0);
	kmem_free(b, 0);
}

static int
some_of_everything(void)
{
	void *small = kmem_zalloc(100, KM_SLEEP);
	void *large = kmem_alloc(50000, KM_SLEEP);
	void *huge = kmem_alloc(5000000, KM_NOSLEEP);
	void *page = page_alloc(0, KM_SLEEP);
	void *block = page_alloc(3, KM_SLEEP);
	char *s = kmem_strdup("a string", KM_SLEEP);
	int error = 0;

	if (small == NULL || large == NULL || huge == NULL || page == NULL ||
	    block == NULL || s == NULL)
		error = ENOMEM;
	kmem_free(small, 100);
	kmem_free(large, 50000);
	kmem_free(huge, 5000000);
	page_free(page, 0);
	page_free(block, 3);
	kmem_strfree(s);
	return error;
}

TEST(each_refused_allocation_is_reported)
{
	struct kmem_stats before, after;

	kmem_getstats(&before);
	fault_sweep(FAULT_MEMORY, some_of_everything);
	kmem_getstats(&after);
	CHECK_EQ("memory.used", before.ks_pages, after.ks_pages);
	CHECK_EQ("failures", before.ks_failed + 6, after.ks_failed);
}

SWEEP_WITH(chunks_that_the_host_refuses_are_reported, FAULT_MEMORY,
    .ht_flags = POOLS)
{
	return some_of_everything();
}

/* --- pages --------------------------------------------------------------- */

#define NBLOCKS	400

static struct block {
	unsigned char	*p;
	size_t		 npages;	/* a run, if order is 99 */
	unsigned int	 order;
} blocks[NBLOCKS];

static void
block_mark(struct block *b, unsigned char mark)
{
	for (size_t i = 0; i < b->npages; i++)
		b->p[i << PAGE_SHIFT] = mark;
}

static bool
block_marked(struct block *b, unsigned char mark)
{
	for (size_t i = 0; i < b->npages; i++) {
		if (b->p[i << PAGE_SHIFT] != mark)
			return false;
	}
	return true;
}

static void
piece_of_pages_alloc(struct block *b, unsigned char mark)
{
	bool zero = draw() % 4 == 0;
	int flags = zero ? KM_ZERO : KM_SLEEP;

	b->order = 99;
	if (draw() % 2 != 0) {
		b->npages = 1 + draw() % (draw() % 8 == 0 ? 256 : 9);
		b->p = page_alloc_run(b->npages, flags);
	} else {
		b->order = (unsigned int)(draw() % (draw() % 16 == 0 ? 10 : 4));
		b->npages = 1ul << b->order;
		b->p = page_alloc(b->order, flags);
		CHECK_EQ("aligned", 0,
		    (uintptr_t)b->p % (PAGE_SIZE << b->order));
	}
	NEED(b->p != NULL);
	if (zero)
		CHECK(all_bytes(b->p, 0, b->npages << PAGE_SHIFT));
	block_mark(b, mark);
}

static void
piece_of_pages_free(struct block *b, unsigned char mark)
{
	CHECK(block_marked(b, mark));
	if (b->order == 99)
		page_free_run(b->p, b->npages);
	else
		page_free(b->p, b->order);
	b->p = NULL;
}

TEST_WITH(blocks_of_pages_stay_apart_and_join_again, .ht_flags = POOLS,
    .ht_seeds = 3)
{
	uint64_t used, map;

	draw_seed();
	give_back();
	used = kmem_used();
	map = mapped();
	for (unsigned int i = 0; i < 10000; i++) {
		unsigned int k = (unsigned int)(draw() % NBLOCKS);

		if (blocks[k].p != NULL)
			piece_of_pages_free(&blocks[k], (unsigned char)k);
		else
			piece_of_pages_alloc(&blocks[k], (unsigned char)k);
		/* Clean pages meet dirty neighbours. */
		if (draw() % 64 == 0)
			page_cache_drain();
	}
	for (unsigned int k = 0; k < NBLOCKS; k++) {
		if (blocks[k].p != NULL)
			piece_of_pages_free(&blocks[k], (unsigned char)k);
	}
	give_back();
	CHECK_EQ("memory.used", used, kmem_used());
	CHECK_EQ("mapped", map, mapped());
}

/* --- pools --------------------------------------------------------------- */

static const struct { size_t size, align; } shapes[] = {
	{ 1, 1 }, { 16, 16 }, { 24, 8 }, { 64, 64 }, { 100, 128 }, { 200, 16 },
	{ 1000, 16 }, { 1500, 512 }, { 4096, 4096 }, { 5000, 16 },
	{ 20000, 64 }, { 65536, 16 },
};

TEST_WITH(objects_of_a_pool_stay_apart, .ht_flags = POOLS)
{
	static unsigned char *objs[600];
	struct pool po;
	uint64_t used;

	for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
		size_t n = shapes[s].size > 4096 ? 60 : ARRAY_SIZE(objs);

		give_back();
		used = kmem_used();
		pool_init(&po, shapes[s].size, shapes[s].align, "test");
		for (unsigned int round = 0; round < 3; round++) {
			for (size_t i = 0; i < n; i++) {
				objs[i] = pool_get(&po, KM_ZERO);
				NEED(objs[i] != NULL);
				CHECK_EQ("aligned", 0,
				    (uintptr_t)objs[i] % shapes[s].align);
				CHECK(all_bytes(objs[i], 0, shapes[s].size));
				memset(objs[i], (int)i, shapes[s].size);
			}
			CHECK_EQ("out", n, pool_outstanding(&po));
			for (size_t i = 0; i < n; i++) {
				size_t k = (i * 7 + round) % n;

				CHECK(all_bytes(objs[k], (unsigned char)k,
				    shapes[s].size));
				pool_put(&po, objs[k]);
			}
			CHECK_EQ("out", 0, pool_outstanding(&po));
		}
		pool_fini(&po);
		give_back();
		CHECK_EQ("memory.used", used, kmem_used());
	}
}

TEST_WITH(pools_beyond_the_magazines_work_too, .ht_flags = POOLS)
{
	static struct pool many[POOL_MAX + 20];
	static void *objs[POOL_MAX + 20];

	for (unsigned int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
			pool_init(&many[i], 32, 16, "test");
			objs[i] = pool_get(&many[i], KM_SLEEP);
			NEED(objs[i] != NULL);
		}
		CHECK(many[ARRAY_SIZE(many) - 1].po_index >= POOL_MAX);
		for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
			CHECK_EQ("out", 1, pool_outstanding(&many[i]));
			pool_put(&many[i], objs[i]);
			CHECK_EQ("out", 0, pool_outstanding(&many[i]));
			pool_fini(&many[i]);
		}
	}
}

TEST_WITH(pools_are_listed, .ht_flags = POOLS)
{
	static char text[16384];
	const char *line;
	struct pool po;
	void *obj;

	pool_init(&po, 100, 16, "listed");
	obj = pool_get(&po, KM_SLEEP);
	CHECK_EQ("read", 0, kvar_read("memory.pools", text, sizeof(text)));
	for (line = text; !str_hasprefix(line, "listed "); line++)
		NEED(*line != '\0');
	CHECK_EQ("line", 0, strncmp(line, "listed 112 1 1 4096\n", 20));
	CHECK_EQ("small", ERANGE, kvar_read("memory.pools", text, 100));
	CHECK_EQ("none", ERANGE, kvar_read("memory.pools", text, 0));
	pool_put(&po, obj);
	pool_fini(&po);
}

/* --- threads ------------------------------------------------------------- */

#define NTHREADS	4
#define NROUNDS		2000
#define NSHELF		64

static struct pool shared_pool;
static uint64_t *shelf[NSHELF];		/* a: objects that change hands */

/* Takes what lies on the shelf, puts something else there. */
static void
shelf_turn(uint64_t *seed)
{
	uint64_t *mine, *found;
	unsigned int k;

	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	k = (unsigned int)(*seed >> 33) % NSHELF;
	mine = pool_get(&shared_pool, KM_SLEEP);
	NEED(mine != NULL);
	mine[2] = (uint64_t)(uintptr_t)mine;
	mine[3] = k;
	found = atomic_swap_ar(&shelf[k], mine);
	if (found != NULL) {
		CHECK_EQ("its own", (uintptr_t)found, found[2]);
		CHECK_EQ("its place", k, found[3]);
		found[2] = 0;
		pool_put(&shared_pool, found);
	}
}

static void
shelf_thread(void *arg)
{
	uint64_t seed = (uintptr_t)arg;

	for (unsigned int i = 0; i < NROUNDS; i++) {
		shelf_turn(&seed);
		if (i % 8 == 0)
			vcpu_yield();
	}
}

TEST_WITH(objects_may_be_freed_on_another_seat, .ht_flags = POOLS,
    .ht_seeds = 4)
{
	struct kthread *kt[NTHREADS];
	uint64_t used;

	give_back();
	used = kmem_used();
	pool_init(&shared_pool, 48, 16, "shared");
	for (uintptr_t i = 0; i < NTHREADS; i++)
		NEED(kthread_create(shelf_thread, (void *)(i + 1), "shelf",
		    &kt[i]) == 0);
	for (unsigned int i = 0; i < NTHREADS; i++)
		kthread_join(kt[i]);
	for (unsigned int k = 0; k < NSHELF; k++)
		pool_put(&shared_pool, shelf[k]);
	CHECK_EQ("out", 0, pool_outstanding(&shared_pool));
	pool_fini(&shared_pool);
	give_back();
	/* Magazines and pages of the other seats stay there. */
	CHECK(kmem_used() <= used + vcpu_count * (PAGE_CACHE + 8) * PAGE_SIZE);
}

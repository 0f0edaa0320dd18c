/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_pagecache_mem.c - memory objects against a flat model
 *
 * The model is an array of bytes and a state for each page; after each random
 * operation content, holes, charge and seeks must agree.
 */

#include <lib/hash.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/uio.h>

#include "pagecache_impl.h"

#include <harness.h>

#define MEM_PAGES	300
#define MEM_SIZE	(MEM_PAGES * PAGE_SIZE)

enum mstate { HOLE, PRESENT, WRITTEN };

struct mem {
	struct pgobj	*me_po;
	int64_t		 me_charged;	/* pages */
	int64_t		 me_limit;
	uint64_t	 me_size;
	uint64_t	 me_rand;
	uint8_t		*me_bytes;
	uint8_t		*me_buf;
	uint8_t		 me_state[MEM_PAGES];
};

static int
mem_charge(struct pgobj *po, int64_t npages)
{
	struct mem *me = po->po_arg;

	if (npages > 0 && me->me_charged + npages > me->me_limit)
		return ENOSPC;
	me->me_charged += npages;
	CHECK(me->me_charged >= 0);
	return 0;
}

static const struct pgobj_ops mem_ops = { .po_charge = mem_charge };

static int
mem_open(struct mem *me)
{
	memset(me, 0, sizeof(*me));
	me->me_limit = INT64_MAX;
	me->me_rand = harness_seed();
	me->me_bytes = kmem_zalloc(MEM_SIZE, KM_SLEEP);
	me->me_buf = kmem_zalloc(MEM_SIZE, KM_SLEEP);
	if (me->me_bytes == NULL || me->me_buf == NULL ||
	    pgobj_create(&mem_ops, me, &me->me_po) != 0) {
		kmem_free(me->me_bytes, MEM_SIZE);
		kmem_free(me->me_buf, MEM_SIZE);
		return ENOMEM;
	}
	return 0;
}

static void
mem_close(struct mem *me)
{
	pgobj_destroy(me->me_po);
	CHECK_EQ("all charges came back", 0, me->me_charged);
	kmem_free(me->me_bytes, MEM_SIZE);
	kmem_free(me->me_buf, MEM_SIZE);
}

static uint64_t
mem_rand(struct mem *me, uint64_t below)
{
	me->me_rand = hash_u64(me->me_rand + 0x9e3779b97f4a7c15ULL);
	return (me->me_rand >> 8) % below;
}

/* The real thing alone.  Writes a pattern that depends on the turn. */
static int
mem_pwrite(struct mem *me, uint64_t off, size_t len, size_t *ret_done)
{
	struct rumpuser_iov iov;
	struct uio uio;
	uint8_t turn = (uint8_t)(me->me_rand | 1);
	int error;

	for (size_t i = 0; i < len; i++)
		me->me_buf[i] = (uint8_t)(turn + i * 7 + (i >> 8));
	uio_init_buf(&uio, &iov, me->me_buf, len, off, UIO_WRITE, UIO_KERNEL);
	error = pgobj_write(me->me_po, &uio);
	*ret_done = len - uio.uio_resid;
	if (off + *ret_done > me->me_size && *ret_done > 0)
		me->me_size = off + *ret_done;
	return error;
}

static void
model_write(struct mem *me, uint64_t off, size_t len)
{
	memcpy(me->me_bytes + off, me->me_buf, len);
	for (uint64_t p = off / PAGE_SIZE; len > 0 &&
	    p <= (off + len - 1) / PAGE_SIZE; p++)
		me->me_state[p] = WRITTEN;
}

static void
model_clear(struct mem *me, uint64_t off, uint64_t end)
{
	memset(me->me_bytes + off, 0, end - off);
	for (uint64_t p = (off + PAGE_MASK) / PAGE_SIZE; p < end / PAGE_SIZE;
	    p++)
		me->me_state[p] = HOLE;
}

/* A range inside the model; long and short ones. */
static uint64_t
mem_range(struct mem *me, size_t *ret_len)
{
	uint64_t most = mem_rand(me, 4) == 0 ? MEM_SIZE / 2 : 20000;
	uint64_t off = mem_rand(me, MEM_SIZE - most);

	*ret_len = 1 + mem_rand(me, most);
	if (mem_rand(me, 3) == 0)
		off &= ~PAGE_MASK;
	return off;
}

static void
step_write(struct mem *me)
{
	size_t len, done;
	uint64_t off = mem_range(me, &len);

	if (mem_rand(me, 2) == 0 && me->me_size + len < MEM_SIZE)
		off = me->me_size;		/* as a sequential writer */
	CHECK_EQ("write", 0, mem_pwrite(me, off, len, &done));
	CHECK_EQ("write all", len, done);
	model_write(me, off, done);
}

static void
step_punch(struct mem *me)
{
	size_t len;
	uint64_t off = mem_range(me, &len);

	CHECK_EQ("punch", 0, pgobj_punch(me->me_po, off, len));
	model_clear(me, off, off + len);
}

static void
step_fill(struct mem *me)
{
	size_t len;
	uint64_t off = mem_range(me, &len);

	CHECK_EQ("fill", 0, pgobj_fill(me->me_po, off, len));
	for (uint64_t p = off / PAGE_SIZE; p <= (off + len - 1) / PAGE_SIZE;
	    p++)
		if (me->me_state[p] == HOLE)
			me->me_state[p] = PRESENT;
}

static void
step_truncate(struct mem *me)
{
	uint64_t size = mem_rand(me, MEM_SIZE);

	if (size < me->me_size)
		pgobj_truncate(me->me_po, size);
	if (size < me->me_size)
		model_clear(me, size, MEM_SIZE);
	me->me_size = size;
}

static void
check_content(struct mem *me)
{
	struct rumpuser_iov iov;
	struct uio uio;

	memset(me->me_buf, 0x55, MEM_SIZE);
	uio_init_buf(&uio, &iov, me->me_buf, MEM_SIZE, 0, UIO_READ,
	    UIO_KERNEL);
	CHECK_EQ("read", 0, pgobj_read(me->me_po, &uio, me->me_size, NULL));
	CHECK_EQ("as much as there is", me->me_size, uio.uio_off);
	CHECK_MEM("content", me->me_bytes, me->me_buf, me->me_size);
}

static void
check_charge(struct mem *me)
{
	int64_t pages = 0;

	for (int p = 0; p < MEM_PAGES; p++)
		pages += me->me_state[p] != HOLE;
	CHECK_EQ("charged", pages, me->me_charged);
	CHECK_EQ("counted", pages, me->me_po->po_npages);
}

static void
check_seek(struct mem *me, uint64_t off, bool hole)
{
	uint64_t p = off / PAGE_SIZE, got = 0, want;
	int error;

	while (p < MEM_PAGES && (me->me_state[p] == WRITTEN) == hole)
		p++;
	want = p * PAGE_SIZE < off ? off : p * PAGE_SIZE;
	error = pgobj_seek(me->me_po, off, me->me_size, hole, &got);
	if (off >= me->me_size || (!hole && want >= me->me_size)) {
		CHECK_EQ("no data", ENXIO, error);
	} else {
		CHECK_EQ("seek", 0, error);
		CHECK_EQ("seek to", want > me->me_size ? me->me_size : want,
		    got);
	}
}

TEST_WITH(a_memory_object_agrees_with_a_flat_array,
    .ht_flags = HARNESS_SIDE, .ht_seeds = 10)
{
	static void (*const steps[])(struct mem *) = {
		step_write, step_write, step_write, step_punch, step_fill,
		step_truncate,
	};
	struct mem me;

	NEED(mem_open(&me) == 0);
	for (int i = 0; i < 150; i++) {
		steps[mem_rand(&me, ARRAY_SIZE(steps))](&me);
		check_content(&me);
		check_charge(&me);
		check_seek(&me, mem_rand(&me, MEM_SIZE), i & 1);
		check_seek(&me, mem_rand(&me, MEM_SIZE), !(i & 1));
	}
	mem_close(&me);
}

TEST(a_sequential_writer_gets_large_folios_and_pays_for_pages)
{
	struct mem me;
	size_t done;

	NEED(mem_open(&me) == 0);
	for (uint64_t off = 0; off < 256 * PAGE_SIZE; off += PAGE_SIZE) {
		CHECK_EQ("write", 0, mem_pwrite(&me, off, PAGE_SIZE, &done));
		CHECK_EQ("charge", off / PAGE_SIZE + 1, me.me_charged);
	}
	CHECK_EQ("large", FOLIO_MAXORDER,
	    pgtree_lookup(me.me_po, 200)->fo_order);
	CHECK_EQ("small", 0, pgtree_lookup(me.me_po, 0)->fo_order);
	mem_close(&me);

	NEED(mem_open(&me) == 0);
	CHECK_EQ("write", 0, mem_pwrite(&me, 0, 100, &done));
	CHECK_EQ("one page for a small file", 0,
	    pgtree_lookup(me.me_po, 0)->fo_order);
	CHECK_EQ("in one go", 0, mem_pwrite(&me, 64 * PAGE_SIZE,
	    128 * PAGE_SIZE, &done));
	CHECK_EQ("large at once", FOLIO_MAXORDER,
	    pgtree_lookup(me.me_po, 64)->fo_order);
	mem_close(&me);
}

TEST(what_is_left_of_a_large_folio_moves_into_small_ones)
{
	struct mem me;
	size_t done;

	NEED(mem_open(&me) == 0);
	CHECK_EQ("large", 0, mem_pwrite(&me, 0, 128 * PAGE_SIZE, &done));
	model_write(&me, 0, done);
	CHECK_EQ("large", FOLIO_MAXORDER,
	    pgtree_lookup(me.me_po, 0)->fo_order);

	CHECK_EQ("punch", 0, pgobj_punch(me.me_po, 3 * PAGE_SIZE,
	    50 * PAGE_SIZE));
	model_clear(&me, 3 * PAGE_SIZE, 53 * PAGE_SIZE);
	check_content(&me);
	CHECK_EQ("most of it goes", 14, me.me_charged - 64);
	CHECK_EQ("two pages", 1, pgtree_lookup(me.me_po, 0)->fo_order);
	CHECK_EQ("one page", 0, pgtree_lookup(me.me_po, 2)->fo_order);
	CHECK_EQ("eight pages", 3, pgtree_lookup(me.me_po, 56)->fo_order);
	CHECK_EQ("untouched", FOLIO_MAXORDER,
	    pgtree_lookup(me.me_po, 64)->fo_order);

	pgobj_truncate(me.me_po, 100);
	me.me_size = 100;
	model_clear(&me, 100, MEM_SIZE);
	check_content(&me);
	check_charge(&me);
	CHECK(pgtree_lookup(me.me_po, 0)->fo_order <= 1);
	CHECK_EQ("again", 0, mem_pwrite(&me, 0, 64 * PAGE_SIZE, &done));
	pgobj_truncate(me.me_po, 0);
	mem_close(&me);
}

TEST(a_write_stops_where_the_charge_is_refused)
{
	struct mem me;
	size_t done;

	NEED(mem_open(&me) == 0);
	me.me_limit = 10;
	CHECK_EQ("full", ENOSPC, mem_pwrite(&me, 1000, 20 * PAGE_SIZE,
	    &done));
	CHECK_EQ("to the last page", 10 * PAGE_SIZE - 1000, done);
	CHECK_EQ("all taken", 10, me.me_charged);
	CHECK_EQ("nothing goes", ENOSPC, mem_pwrite(&me, 1 << 20, 1, &done));
	CHECK_EQ("no bytes", 0, done);
	CHECK_EQ("what is there", 0, mem_pwrite(&me, 5000, 5000, &done));
	CHECK_EQ("no room", ENOSPC, pgobj_fill(me.me_po, 0, 1 << 20));
	CHECK_EQ("as before", 10, me.me_charged);
	CHECK_EQ("huge", ENOSPC, pgobj_fill(me.me_po, 0, (uint64_t)OFF_MAX - 1));
	CHECK_EQ("too far", EFBIG, pgobj_fill(me.me_po, OFF_MAX, 100));
	CHECK_EQ("punch", 0, pgobj_punch(me.me_po, 0, 2 * PAGE_SIZE));
	CHECK_EQ("room", 0, mem_pwrite(&me, 1 << 20, 2 * PAGE_SIZE, &done));
	mem_close(&me);
}

TEST(a_fault_of_the_client_leaves_whole_pages_or_zeroes)
{
	struct rumpuser_iov iov[2];
	struct uio uio;
	uint8_t buf[300];
	struct mem me;

	NEED(mem_open(&me) == 0);
	memset(buf, 0xaa, sizeof(buf));
	iov[0] = (struct rumpuser_iov){ buf, sizeof(buf) };
	iov[1] = (struct rumpuser_iov){ NULL, 9000 };	/* nobody's memory */
	uio = (struct uio){ .uio_iov = iov, .uio_iovcnt = 2, .uio_off = 100,
	    .uio_resid = 9300, .uio_rw = UIO_WRITE, .uio_space = UIO_USER };
	CHECK_EQ("fault", EFAULT, pgobj_write(me.me_po, &uio));
	CHECK_EQ("the good part", 400, uio.uio_off);
	CHECK_EQ("one page", 1, me.me_charged);
	memset(me.me_bytes + 100, 0xaa, 300);
	me.me_state[0] = WRITTEN;
	me.me_size = 20000;
	check_content(&me);
	check_charge(&me);

	iov[0] = (struct rumpuser_iov){ NULL, 10 };
	uio = (struct uio){ .uio_iov = iov, .uio_iovcnt = 1,
	    .uio_off = 1 << 20, .uio_resid = 10, .uio_rw = UIO_WRITE,
	    .uio_space = UIO_USER };
	CHECK_EQ("fault", EFAULT, pgobj_write(me.me_po, &uio));
	CHECK_EQ("no page", 1, me.me_charged);
	mem_close(&me);
}

TEST(folios_of_memory_objects_can_be_taken)
{
	struct folio *fo;
	struct mem me;
	size_t len, done;

	NEED(mem_open(&me) == 0);
	CHECK_EQ("hole", ENOENT, pgobj_getfolio(me.me_po, 0, &fo));
	CHECK_EQ("write", 0, mem_pwrite(&me, 4 * PAGE_SIZE, 2 * PAGE_SIZE,
	    &done));
	CHECK_EQ("fill", 0, pgobj_fill(me.me_po, 0, 10 * PAGE_SIZE));
	CHECK_EQ("no data", ENOENT, pgobj_getfolio(me.me_po, 0, &fo));
	NEED(pgobj_getfolio(me.me_po, 4 * PAGE_SIZE + 5, &fo) == 0);
	CHECK_MEM("data", me.me_buf + 5,
	    folio_bytes(fo, 4 * PAGE_SIZE + 5, &len), 100);
	CHECK_EQ("up to the hole", 2 * PAGE_SIZE - 5, len);
	pgobj_truncate(me.me_po, 0);
	CHECK_MEM("held", me.me_buf + 5,
	    folio_bytes(fo, 4 * PAGE_SIZE + 5, &len), 100);
	folio_rele(fo);
	mem_close(&me);
}

static int
write_and_fill(void)
{
	struct mem me;
	size_t done;
	int error;

	error = mem_open(&me);
	if (error)
		return error;
	error = mem_pwrite(&me, 10, 70 * PAGE_SIZE, &done);
	if (!error)
		error = mem_pwrite(&me, 200 * PAGE_SIZE, 5, &done);
	if (!error)
		error = pgobj_fill(me.me_po, 0, 250 * PAGE_SIZE);
	/* These do not fail: what cannot move stays. */
	CHECK_EQ("punch", 0, pgobj_punch(me.me_po, 3 * PAGE_SIZE,
	    120 * PAGE_SIZE));
	pgobj_truncate(me.me_po, 131 * PAGE_SIZE);
	CHECK_EQ("charge follows", me.me_charged, me.me_po->po_npages);
	mem_close(&me);
	return error;
}

TEST(writing_survives_each_failed_allocation)
{
	fault_sweep(FAULT_MEMORY, write_and_fill);
}

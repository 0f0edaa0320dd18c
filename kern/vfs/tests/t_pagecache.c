/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_pagecache.c - the page cache over an object whose content is computed
 *
 * Byte o of the object is a hash of o, so that any misplaced byte shows.
 * The object counts its reads, can fail from a given page on, and can stop
 * in the middle of a read until it is told to go on.
 */

#include <lib/hash.h>
#include <lib/string.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/qsbr.h>
#include <sys/uio.h>
#include <sys/vcpu.h>

#include "pagecache_impl.h"

#include <harness.h>

#define SYNTH_SIZE	(9 * 1024 * 1024 + 100)

struct synth {
	struct pgobj	*sy_po;
	uint64_t	 sy_size;
	uint64_t	 sy_badpage;	/* reads that touch it fail */
	unsigned int	 sy_nreads, sy_nfailed;
	uint64_t	 sy_bytes;
	uint64_t	 sy_largest;
	uint64_t	 sy_willneed;	/* end of the last hint */
	kmutex_t	 sy_lock;
	kcondvar_t	 sy_cv;
	bool		 sy_closed;	/* sy_lock: reads wait */
	unsigned int	 sy_waiting;	/* sy_lock */
};

static uint8_t
synth_byte(uint64_t off)
{
	return (uint8_t)(hash_u64(off >> 3) >> (off & 7) * 8);
}

static void
synth_fill(const struct synth *sy, uint64_t off, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = off + i < sy->sy_size ? synth_byte(off + i) : 0;
}

static bool
synth_same(uint64_t off, const uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (buf[i] != synth_byte(off + i))
			return false;
	return true;
}

static void
synth_gate(struct synth *sy)
{
	mutex_enter(&sy->sy_lock);
	sy->sy_waiting++;
	cv_broadcast(&sy->sy_cv);
	while (sy->sy_closed)
		cv_wait(&sy->sy_cv, &sy->sy_lock);
	sy->sy_waiting--;
	mutex_exit(&sy->sy_lock);
}

static int
synth_read(struct pgobj *po, uint64_t off, const struct rumpuser_iov *iov,
    size_t iovcnt)
{
	struct synth *sy = po->po_arg;
	uint64_t start = off;

	CHECK((off & PAGE_MASK) == 0);
	atomic_add(&sy->sy_nreads, 1);
	synth_gate(sy);
	for (size_t i = 0; i < iovcnt; i++) {
		CHECK((iov[i].iov_len & PAGE_MASK) == 0);
		synth_fill(sy, off, iov[i].iov_base, iov[i].iov_len);
		off += iov[i].iov_len;
	}
	sy->sy_bytes += off - start;
	if (off - start > sy->sy_largest)
		sy->sy_largest = off - start;
	if (start >> PAGE_SHIFT <= sy->sy_badpage &&
	    sy->sy_badpage < off >> PAGE_SHIFT) {
		sy->sy_nfailed++;
		return EIO;
	}
	return 0;
}

static void
synth_willneed(struct pgobj *po, uint64_t off, uint64_t len)
{
	struct synth *sy = po->po_arg;

	sy->sy_willneed = off + len;
}

static const struct pgobj_ops synth_ops = {
	.po_read	= synth_read,
	.po_willneed	= synth_willneed,
};

static int
synth_open(struct synth *sy)
{
	memset(sy, 0, sizeof(*sy));
	sy->sy_size = SYNTH_SIZE;
	sy->sy_badpage = UINT64_MAX;
	mutex_init(&sy->sy_lock, "synth");
	cv_init(&sy->sy_cv, "synth");
	return pgobj_create(&synth_ops, sy, &sy->sy_po);
}

static void
synth_close(struct synth *sy)
{
	pgobj_destroy(sy->sy_po);
	cv_destroy(&sy->sy_cv);
	mutex_destroy(&sy->sy_lock);
}

/* Reads and compares; *ret_got: how far it came. */
static int
synth_pread(struct synth *sy, struct readahead *ra, uint64_t off, size_t len,
    size_t *ret_got)
{
	struct rumpuser_iov iov;
	struct uio uio;
	uint8_t *buf;
	size_t got;
	int error;

	buf = kmem_alloc(len, KM_SLEEP);
	if (buf == NULL)
		return ENOMEM;
	memset(buf, 0x55, len);
	uio_init_buf(&uio, &iov, buf, len, off, UIO_READ, UIO_KERNEL);
	error = pgobj_read(sy->sy_po, &uio, sy->sy_size, ra);
	got = len - uio.uio_resid;
	CHECK_EQ("offset follows", off + got, uio.uio_off);
	CHECK(synth_same(off, buf, got));
	kmem_free(buf, len);
	if (ret_got != NULL)
		*ret_got = got;
	return error;
}

static const struct { const char *label; uint64_t off; size_t len, want; }
read_cases[] = {
	{ "first byte",		0,		1,	1 },
	{ "nothing",		77,		0,	0 },
	{ "across a page",	4090,		12,	12 },
	{ "across folios",	262140,		9000,	9000 },
	{ "unaligned and long",	12345,		3000000, 3000000 },
	{ "up to the end",	SYNTH_SIZE - 10, 10,	10 },
	{ "over the end",	SYNTH_SIZE - 10, 100,	10 },
	{ "at the end",		SYNTH_SIZE,	5,	0 },
	{ "beyond the end",	1ULL << 40,	5,	0 },
	{ "far beyond the end",	(uint64_t)OFF_MAX - 2, 5, 0 },
};

TEST(a_read_brings_the_bytes_of_the_object_cold_and_warm)
{
	struct readahead ra = { 0 };
	struct synth sy;
	size_t got;

	for (size_t i = 0; i < ARRAY_SIZE(read_cases); i++) {
		NEED(synth_open(&sy) == 0);
		for (int warm = 0; warm < 2; warm++) {
			unsigned int before = sy.sy_nreads;

			CHECK_EQ(read_cases[i].label, 0, synth_pread(&sy,
			    i & 1 ? &ra : NULL, read_cases[i].off,
			    read_cases[i].len, &got));
			CHECK_EQ(read_cases[i].label, read_cases[i].want, got);
			if (warm)
				CHECK_EQ("no read when warm", before,
				    sy.sy_nreads);
		}
		synth_close(&sy);
	}
}

TEST(a_sequential_reader_gets_windows_that_double)
{
	struct readahead ra = { 0 };
	struct synth sy;
	uint64_t off;

	NEED(synth_open(&sy) == 0);
	CHECK_EQ("first", 0, synth_pread(&sy, &ra, 0, 4096, NULL));
	CHECK_EQ("first window", 64 * 1024, sy.sy_largest);
	CHECK_EQ("the next one is announced", 192 * 1024, sy.sy_willneed);
	for (off = 4096; off < SYNTH_SIZE; off += 4096)
		CHECK_EQ("next", 0, synth_pread(&sy, &ra, off, 4096, NULL));
	CHECK_EQ("largest window", 1024 * 1024, sy.sy_largest);
	CHECK_EQ("each page was read once", (SYNTH_SIZE + PAGE_MASK) &
	    ~PAGE_MASK, sy.sy_bytes);
	CHECK(sy.sy_nreads <= 4 + SYNTH_SIZE / (1024 * 1024) + 1);
	CHECK_EQ("announced to the end", SYNTH_SIZE, sy.sy_willneed);
	synth_close(&sy);
}

TEST(a_reader_that_jumps_gets_what_it_asks_for)
{
	struct readahead ra = { 0 };
	struct synth sy;

	NEED(synth_open(&sy) == 0);
	CHECK_EQ("jump", 0, synth_pread(&sy, &ra, 5000000, 100, NULL));
	CHECK_EQ("one small piece", 16 * 1024, sy.sy_bytes);
	CHECK_EQ("another", 0, synth_pread(&sy, &ra, 1000000, 100, NULL));
	CHECK_EQ("two small pieces", 32 * 1024, sy.sy_bytes);
	CHECK_EQ("large", 0, synth_pread(&sy, &ra, 3000000, 200000, NULL));
	CHECK(sy.sy_bytes <= 32 * 1024 + 200000 + 32 * 1024);
	synth_close(&sy);
}

TEST(what_fails_in_advance_does_not_fail_the_reader)
{
	struct readahead ra = { 0 };
	struct synth sy;
	size_t got;

	NEED(synth_open(&sy) == 0);
	sy.sy_badpage = 5;
	CHECK_EQ("first page", 0, synth_pread(&sy, &ra, 0, 4096, &got));
	CHECK(sy.sy_nfailed > 0);
	CHECK_EQ("up to it", EIO, synth_pread(&sy, &ra, 0, 10 * 4096, &got));
	CHECK_EQ("short by the bad page", 5 * 4096, got);
	CHECK_EQ("the bad one", EIO, synth_pread(&sy, &ra, 5 * 4096 + 7, 100,
	    &got));
	CHECK_EQ("nothing", 0, got);
	CHECK_EQ("behind it", 0, synth_pread(&sy, &ra, 6 * 4096, 4096, &got));

	sy.sy_badpage = UINT64_MAX;
	CHECK_EQ("healed", 0, synth_pread(&sy, &ra, 0, 10 * 4096, &got));
	synth_close(&sy);
}

static void
limit_set(uint64_t bytes)
{
	char text[24];
	size_t n = sizeof(text) - 1;

	text[n] = '\0';
	do {
		text[--n] = (char)('0' + bytes % 10);
	} while ((bytes /= 10) > 0);
	CHECK_EQ("limit", 0, kvar_write("vfs.pagecache.limit", text + n));
}

static uint64_t
cached_bytes(void)
{
	uint64_t n = 0;
	char text[24];

	CHECK_EQ("bytes", 0, kvar_read("vfs.pagecache.bytes", text,
	    sizeof(text)));
	for (const char *s = text; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (uint64_t)(*s - '0');
	return n;
}

TEST(the_limit_is_kept_and_what_is_used_stays)
{
	struct readahead ra = { 0 };
	struct synth sy, hot;
	unsigned int before;
	uint64_t base;

	base = cached_bytes();
	limit_set(base + 3 * 1024 * 1024);
	NEED(synth_open(&sy) == 0);
	NEED(synth_open(&hot) == 0);
	CHECK_EQ("hot", 0, synth_pread(&hot, NULL, 0, 4096, NULL));
	before = hot.sy_nreads;
	for (uint64_t off = 0; off < SYNTH_SIZE; off += 128 * 1024) {
		CHECK_EQ("scan", 0, synth_pread(&sy, &ra, off, 128 * 1024,
		    NULL));
		CHECK_EQ("hot", 0, synth_pread(&hot, NULL, 0, 4096, NULL));
		CHECK(cached_bytes() <= base + 4 * 1024 * 1024);
	}
	CHECK_EQ("the hot page was not evicted", before, hot.sy_nreads);
	CHECK(sy.sy_po->po_npages < SYNTH_SIZE / PAGE_SIZE);
	CHECK_EQ("again", 0, synth_pread(&sy, &ra, 0, 1000, NULL));
	synth_close(&sy);
	synth_close(&hot);
	CHECK_EQ("nothing is left", base, cached_bytes());
}

TEST(held_folios_survive_eviction_and_invalidation)
{
	struct synth sy;
	struct folio *fo;
	size_t len;
	void *data;

	NEED(synth_open(&sy) == 0);
	NEED(pgobj_getfolio(sy.sy_po, 50000, &fo) == 0);
	pgobj_invalidate(sy.sy_po, 0, UINT64_MAX);
	CHECK_EQ("empty", 0, sy.sy_po->po_npages);
	CHECK(pgtree_lookup(sy.sy_po, 50000 >> PAGE_SHIFT) == NULL);
	qsbr_barrier();
	data = folio_bytes(fo, 50000, &len);
	CHECK(len > 0 && synth_same(50000, data, len));
	folio_rele(fo);
	CHECK_EQ("again", 0, synth_pread(&sy, NULL, 50000, 10, NULL));
	synth_close(&sy);
}

TEST(a_part_can_be_forgotten)
{
	struct synth sy;
	unsigned int before;
	uint8_t buf[64];

	NEED(synth_open(&sy) == 0);
	CHECK_EQ("read", 0, pgobj_copyout(sy.sy_po, 16000, buf, 64));
	CHECK(synth_same(16000, buf, 64));
	CHECK_EQ("read", 0, pgobj_copyout(sy.sy_po, 160000, buf, 64));
	before = sy.sy_nreads;
	pgobj_invalidate(sy.sy_po, 16000, 1);
	CHECK_EQ("still there", 0, pgobj_copyout(sy.sy_po, 160000, buf, 64));
	CHECK_EQ("no read", before, sy.sy_nreads);
	CHECK_EQ("gone", 0, pgobj_copyout(sy.sy_po, 16000, buf, 64));
	CHECK(sy.sy_nreads > before);
	synth_close(&sy);
}

TEST(truncation_drops_what_is_beyond_and_zeroes_the_page_it_cuts)
{
	struct synth sy;
	uint8_t buf[4096];

	NEED(synth_open(&sy) == 0);
	CHECK_EQ("read", 0, synth_pread(&sy, NULL, 0, 300000, NULL));
	sy.sy_size = 10000;
	pgobj_truncate(sy.sy_po, 10000);
	CHECK_EQ("read", 0, pgobj_copyout(sy.sy_po, 8192, buf, 4096));
	CHECK(synth_same(8192, buf, 10000 - 8192));
	for (size_t i = 10000 - 8192; i < sizeof(buf); i++)
		CHECK_EQ("zero", 0, buf[i]);
	CHECK(sy.sy_po->po_npages <= 64);
	synth_close(&sy);
}

/* --- several at once -------------------------------------------------------- */

struct reader {
	struct synth	*rd_sy;
	uint64_t	 rd_off;
	size_t		 rd_len;
	int		 rd_error;
	struct kthread	*rd_kt;
};

static void
reader_run(void *arg)
{
	struct reader *rd = arg;

	rd->rd_error = synth_pread(rd->rd_sy, NULL, rd->rd_off, rd->rd_len,
	    NULL);
}

/* Lets n readers collect at a closed gate. */
static void
readers_start(struct synth *sy, struct reader *rd, unsigned int n)
{
	sy->sy_closed = true;
	for (unsigned int i = 0; i < n; i++) {
		rd[i].rd_sy = sy;
		rd[i].rd_off = 100 + i;
		rd[i].rd_len = 5000;
		NEED(kthread_create(reader_run, &rd[i], "reader",
		    &rd[i].rd_kt) == 0);
	}
	mutex_enter(&sy->sy_lock);
	while (sy->sy_waiting == 0)
		cv_wait(&sy->sy_cv, &sy->sy_lock);
	mutex_exit(&sy->sy_lock);
}

static void
gate_open(struct synth *sy)
{
	mutex_enter(&sy->sy_lock);
	sy->sy_closed = false;
	cv_broadcast(&sy->sy_cv);
	mutex_exit(&sy->sy_lock);
}

TEST_WITH(one_reads_and_the_others_wait, .ht_flags = HARNESS_SIDE,
    .ht_seeds = 20)
{
	struct reader rd[4];
	struct synth sy;

	NEED(synth_open(&sy) == 0);
	readers_start(&sy, rd, 4);
	gate_open(&sy);
	for (int i = 0; i < 4; i++) {
		kthread_join(rd[i].rd_kt);
		CHECK_EQ("reader", 0, rd[i].rd_error);
	}
	CHECK_EQ("one read for all", 1, sy.sy_nreads);
	synth_close(&sy);
}

TEST_WITH(each_waiter_learns_of_the_error, .ht_flags = HARNESS_SIDE,
    .ht_seeds = 20)
{
	struct reader rd[4];
	struct synth sy;

	NEED(synth_open(&sy) == 0);
	sy.sy_badpage = 0;
	readers_start(&sy, rd, 4);
	gate_open(&sy);
	for (int i = 0; i < 4; i++) {
		kthread_join(rd[i].rd_kt);
		CHECK_EQ("reader", EIO, rd[i].rd_error);
	}
	CHECK_EQ("nothing is cached", 0, sy.sy_po->po_npages);
	synth_close(&sy);
}

/* Readers everywhere while folios are evicted and invalidated under them. */
static void
roamer_run(void *arg)
{
	struct reader *rd = arg;
	struct readahead ra = { 0 };
	uint64_t r = harness_seed() + rd->rd_off;

	rd->rd_error = 0;
	for (int i = 0; i < 40 && rd->rd_error == 0; i++) {
		r = hash_u64(r + 1);
		if (r % 7 == 0)
			pgobj_invalidate(rd->rd_sy->sy_po, r % 100000, 50000);
		rd->rd_error = synth_pread(rd->rd_sy, &ra, r % 200000,
		    r >> 32 & 0x3fff, NULL);
	}
}

TEST_WITH(readers_are_right_while_folios_come_and_go,
    .ht_flags = HARNESS_SIDE, .ht_seeds = 20)
{
	struct reader rd[4];
	struct synth sy;

	limit_set(cached_bytes() + 256 * 1024);
	NEED(synth_open(&sy) == 0);
	for (unsigned int i = 0; i < 4; i++) {
		rd[i].rd_sy = &sy;
		rd[i].rd_off = i;
		NEED(kthread_create(roamer_run, &rd[i], "roamer",
		    &rd[i].rd_kt) == 0);
	}
	for (int i = 0; i < 4; i++) {
		kthread_join(rd[i].rd_kt);
		CHECK_EQ("roamer", 0, rd[i].rd_error);
	}
	synth_close(&sy);
}

/* --- a client whose memory is elsewhere --------------------------------------- */

static struct synth *remote_sy;

/* A copy that takes so long that everything cached goes meanwhile. */
static int
remote_copyout(void *cookie, const void *kaddr, void *uaddr, size_t len)
{
	pgobj_invalidate(remote_sy->sy_po, 0, UINT64_MAX);
	qsbr_barrier();
	memcpy(uaddr, kaddr, len);
	return 0;
}

static const struct vmops remote_vmops = { .vm_copyout = remote_copyout };

TEST(folios_are_held_while_a_remote_client_is_copied_to)
{
	struct rumpuser_iov iov;
	struct synth sy;
	struct uio uio;
	uint8_t *buf;

	NEED(synth_open(&sy) == 0);
	NEED((buf = kmem_alloc(100000, KM_SLEEP)) != NULL);
	remote_sy = &sy;
	uio_init_buf(&uio, &iov, buf, 100000, 3000, UIO_READ, UIO_USER);
	curproc()->p_vm = &remote_vmops;
	CHECK_EQ("read", 0, pgobj_read(sy.sy_po, &uio, sy.sy_size, NULL));
	curproc()->p_vm = NULL;
	CHECK_EQ("all", 0, uio.uio_resid);
	CHECK(synth_same(3000, buf, 100000));
	kmem_free(buf, 100000);
	synth_close(&sy);
}

/* --- memory that fails ---------------------------------------------------------- */

static int
read_all(void)
{
	struct readahead ra = { 0 };
	struct synth sy;
	int error;

	error = synth_open(&sy);
	if (error)
		return error;
	error = synth_pread(&sy, &ra, 0, 700000, NULL);
	if (!error)
		error = synth_pread(&sy, NULL, 5000000, 100, NULL);
	synth_close(&sy);
	return error;
}

TEST(reading_survives_each_failed_allocation)
{
	fault_sweep(FAULT_MEMORY, read_all);
}

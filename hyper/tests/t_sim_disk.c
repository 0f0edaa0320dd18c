/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sim_disk.c - simulated disks, and what a power cut leaves of them
 */

#include <sys/stat.h>

#include "hyper_test.h"

#define SEC	512

static struct rumpsim_disk *disk;
static int fd;

static void
begin(uint64_t size)
{

	NEED(rumpsim_disk_create("sim:d", size, SEC, &disk) == 0);
	NEED(rumpuser_open("sim:d", RUMPUSER_OPEN_RDWR, &fd) == 0);
}

static void
end(void)
{

	CHECK_EQ("close", 0, rumpuser_close(fd));
	CHECK_EQ("destroy", 0, rumpsim_disk_destroy(disk));
}

/* One letter over n sectors. */
static int
fill(unsigned int sector, unsigned int n, char c)
{
	static char buf[64 * SEC];
	struct rumpuser_iov iov = { buf, n * SEC };
	size_t done;

	memset(buf, c, n * SEC);
	return rumpuser_iovwrite(fd, &iov, 1, (int64_t)sector * SEC, &done);
}

static int
flush(void)
{

	return rumpuser_syncfd(fd, RUMPUSER_SYNC_DATA);
}

/* The letter of a sector, which must be whole: a sector is never torn. */
static char
letter(struct rumpsim_disk *d, unsigned int sector)
{
	char buf[SEC];

	NEED(rumpsim_disk_peek(d, (uint64_t)sector * SEC, buf, SEC) == 0);
	for (size_t i = 1; i < SEC; i++)
		CHECK_EQ("whole sector", buf[0], buf[i]);
	return buf[0] == '\0' ? '.' : buf[0];
}

/* The disk's first n sectors after a cut, a letter each. */
static const char *
cut(size_t point, uint64_t seed, unsigned int n)
{
	static char text[65];
	struct rumpsim_disk *d;

	NEED(rumpsim_disk_cut(disk, point, seed, "sim:cut", &d) == 0);
	for (unsigned int i = 0; i < n; i++)
		text[i] = letter(d, i);
	text[n] = '\0';
	CHECK_EQ("destroy", 0, rumpsim_disk_destroy(d));
	return text;
}

/* --- disks --------------------------------------------------------------- */

CASE(disks_are_made_from_sensible_numbers_only)
{
	static const struct {
		const char	*label, *name;
		uint64_t	 size;
		uint32_t	 secsize;
		int		 want;
	} cases[] = {
		{ "no prefix",	"disk",		65536,	512,	EINVAL },
		{ "no size",	"sim:x",	0,	512,	EINVAL },
		{ "half",	"sim:x",	700,	512,	EINVAL },
		{ "tiny sector", "sim:x",	65536,	256,	EINVAL },
		{ "odd sector",	"sim:x",	65536,	520,	EINVAL },
		{ "too large",	"sim:x", UINT64_C(1) << 60, 512, EINVAL },
		{ "taken",	"sim:d",	65536,	512,	EEXIST },
		{ "big sector",	"sim:x",	65536,	4096,	0 },
	};
	struct rumpsim_disk *d = NULL;

	begin(65536);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_EQ(cases[i].label, cases[i].want, rumpsim_disk_create(
		    cases[i].name, cases[i].size, cases[i].secsize, &d));
	CHECK_EQ("open", EBUSY, rumpsim_disk_destroy(disk));
	CHECK_EQ("destroy", 0, rumpsim_disk_destroy(d));
	end();
}

CASE(a_disk_is_a_block_device_of_its_size)
{
	struct rumpuser_fileinfo info;

	begin(1 << 20);
	NEED(rumpuser_fileinfo("sim:d", &info) == 0);
	CHECK_EQ("type", RUMPUSER_FT_BLK, info.fi_type);
	CHECK_EQ("size", 1 << 20, info.fi_size);
	CHECK_EQ("sector", SEC, info.fi_secsize);
	NEED(rumpuser_fdinfo(fd, &info) == 0);
	CHECK_EQ("size", 1 << 20, info.fi_size);
	CHECK_EQ("none", ENOENT, rumpuser_fileinfo("sim:none", &info));
	CHECK_EQ("none", ENOENT, rumpuser_open("sim:none", 0, &(int){ 0 }));
	CHECK_EQ("exists", EEXIST, rumpuser_open("sim:d", RUMPUSER_OPEN_RDWR |
	    RUMPUSER_OPEN_CREATE | RUMPUSER_OPEN_EXCL, &(int){ 0 }));
	end();
}

CASE(a_huge_disk_costs_only_what_is_written)
{
	char buf[8] = "deep", back[8] = "";
	struct rumpuser_iov out = { buf, 8 }, in = { back, 8 };
	int64_t off = (INT64_C(64) << 30) - 8;
	size_t n;

	begin(UINT64_C(64) << 30);
	CHECK_EQ("write", 0, rumpuser_iovwrite(fd, &out, 1, off, &n));
	CHECK_EQ("read", 0, rumpuser_iovread(fd, &in, 1, off, &n));
	CHECK_STR("content", "deep", back);
	CHECK_EQ("middle", 0, rumpuser_iovread(fd, &in, 1, off / 2, &n));
	CHECK_STR("nothing", "", back);
	end();
}

CASE(a_disk_has_an_end)
{
	char buf[2 * SEC] = "";
	struct rumpuser_iov iov = { buf, sizeof(buf) };
	size_t n = 99;

	begin(4 * SEC);
	CHECK_EQ("write across", ENOSPC,
	    rumpuser_iovwrite(fd, &iov, 1, 3 * SEC, &n));
	CHECK_EQ("write behind", ENOSPC,
	    rumpuser_iovwrite(fd, &iov, 1, 4 * SEC, &n));
	CHECK_EQ("untouched", 99, n);
	CHECK_EQ("read across", 0, rumpuser_iovread(fd, &iov, 1, 3 * SEC, &n));
	CHECK_EQ("read across", SEC, n);
	CHECK_EQ("read behind", 0, rumpuser_iovread(fd, &iov, 1, 9 * SEC, &n));
	CHECK_EQ("read behind", 0, n);
	CHECK_EQ("discard", EINVAL, rumpuser_discard(fd, SEC, 4 * SEC));
	CHECK_EQ("discard all", 0, rumpuser_discard(fd, 0, 4 * SEC));
	end();
}

CASE(a_disk_knows_locks_and_access)
{
	char buf[SEC] = "";
	struct rumpuser_iov iov = { buf, sizeof(buf) };
	size_t n;
	int r1, r2, w;

	begin(4 * SEC);
	NEED(rumpuser_open("sim:d", RUMPUSER_OPEN_RDONLY | RUMPUSER_OPEN_LOCK,
	    &r1) == 0);
	NEED(rumpuser_open("sim:d", RUMPUSER_OPEN_RDONLY | RUMPUSER_OPEN_LOCK,
	    &r2) == 0);
	CHECK_EQ("writer", EBUSY, rumpuser_open("sim:d", RUMPUSER_OPEN_RDWR |
	    RUMPUSER_OPEN_LOCK, &w));
	CHECK_EQ("read-only", EBADF, rumpuser_iovwrite(r1, &iov, 1, 0, &n));
	CHECK_EQ("read-only", EBADF, rumpuser_discard(r1, 0, SEC));
	(void)rumpuser_close(r1);
	(void)rumpuser_close(r2);
	CHECK_EQ("closed", EBADF, rumpuser_iovread(r1, &iov, 1, 0, &n));
	NEED(rumpuser_open("sim:d", RUMPUSER_OPEN_WRONLY | RUMPUSER_OPEN_LOCK,
	    &w) == 0);
	CHECK_EQ("reader", EBUSY, rumpuser_open("sim:d", RUMPUSER_OPEN_RDONLY |
	    RUMPUSER_OPEN_LOCK, &r1));
	CHECK_EQ("write-only", EBADF, rumpuser_iovread(w, &iov, 1, 0, &n));
	(void)rumpuser_close(w);
	end();
}

CASE(what_was_done_is_counted)
{
	struct rumpsim_diskstats st;

	begin(64 * SEC);
	NEED(fill(0, 3, 'a') == 0);
	NEED(flush() == 0);
	NEED(rumpuser_discard(fd, 0, SEC) == 0);
	rumpsim_disk_stats(disk, &st);
	CHECK_EQ("writes", 1, st.sd_writes);
	CHECK_EQ("bytes", 3 * SEC, st.sd_write_bytes);
	CHECK_EQ("flushes", 1, st.sd_flushes);
	CHECK_EQ("discards", 1, st.sd_discards);
	CHECK_EQ("reads", 0, st.sd_reads);
	CHECK_EQ("points", 3, rumpsim_disk_points(disk));
	end();
}

CASE(an_image_comes_from_a_file_and_goes_to_one)
{
	char name[160], buf[100000], back[sizeof(buf)];
	struct stat st;
	int host;

	(void)snprintf(name, sizeof(name), "%s", scratch_name());
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i * 3);
	host = open(name, O_RDWR | O_CLOEXEC);
	NEED(pwrite(host, buf, sizeof(buf), 1 << 20) == (ssize_t)sizeof(buf));
	begin(4 << 20);
	NEED(fill(0, 1, 'x') == 0);
	NEED(rumpsim_disk_load(disk, name) == 0);
	NEED(rumpsim_disk_peek(disk, 1 << 20, back, sizeof(back)) == 0);
	CHECK_MEM("loaded", buf, back, sizeof(buf));
	CHECK_EQ("replaced", '.', letter(disk, 0));
	CHECK_EQ("record", 0, rumpsim_disk_points(disk));
	NEED(fill(2, 1, 'y') == 0);
	NEED(rumpsim_disk_save(disk, name) == 0);
	NEED(fstat(host, &st) == 0);
	CHECK_EQ("size", 4 << 20, st.st_size);
	NEED(pread(host, back, sizeof(back), 1 << 20) == (ssize_t)sizeof(back));
	CHECK_MEM("saved", buf, back, sizeof(buf));
	NEED(pread(host, back, 1, 2 * SEC) == 1);
	CHECK_EQ("saved", 'y', back[0]);
	NEED(ftruncate(host, 5 << 20) == 0);
	CHECK_EQ("too large", EFBIG, rumpsim_disk_load(disk, name));
	CHECK_EQ("missing", ENOENT, rumpsim_disk_load(disk, "/nonexistent"));
	(void)close(host);
	(void)unlink(name);
	end();
}

/* --- power --------------------------------------------------------------- */

CASE(what_was_flushed_is_there_after_any_cut)
{

	begin(64 * SEC);
	NEED(fill(0, 4, 'a') == 0);
	NEED(fill(4, 4, 'b') == 0);
	NEED(flush() == 0);
	NEED(fill(0, 2, 'c') == 0);
	for (uint64_t seed = 0; seed < 200; seed++) {
		CHECK_STR("at the flush", "aaaabbbb", cut(3, seed, 8));
		CHECK_STR("behind", "aabbbb", cut(4, seed, 8) + 2);
	}
	end();
}

CASE(what_was_not_flushed_may_be_there_or_not)
{
	int none = 0, all = 0, torn = 0, later_only = 0;
	const char *text;

	begin(64 * SEC);
	NEED(fill(0, 4, 'a') == 0);
	NEED(fill(4, 4, 'b') == 0);
	for (uint64_t seed = 0; seed < 400; seed++) {
		text = cut(2, seed, 8);
		for (int i = 0; i < 8; i++)
			CHECK(text[i] == '.' || text[i] == (i < 4 ? 'a' : 'b'));
		none += strcmp(text, "........") == 0;
		all += strcmp(text, "aaaabbbb") == 0;
		later_only += strcmp(text, "....bbbb") == 0;
		torn += strncmp(text, "....", 4) != 0 &&
		    strncmp(text, "aaaa", 4) != 0;
	}
	CHECK(none > 10);
	CHECK(all > 10);
	CHECK(later_only > 10);
	CHECK(torn > 10);
	end();
}

CASE(nothing_from_after_the_cut_is_there)
{

	begin(64 * SEC);
	NEED(fill(0, 1, 'a') == 0);
	NEED(flush() == 0);
	NEED(fill(1, 1, 'b') == 0);
	NEED(flush() == 0);
	for (uint64_t seed = 0; seed < 50; seed++) {
		CHECK_STR("beginning", "..", cut(0, seed, 2));
		CHECK_STR("first flush", "a.", cut(2, seed, 2));
		CHECK_STR("all", "ab", cut(4, seed, 2));
	}
	CHECK_EQ("no such point", EINVAL, rumpsim_disk_cut(disk, 5, 1,
	    "sim:cut", &(struct rumpsim_disk *){ NULL }));
	end();
}

CASE(the_same_cut_with_the_same_seed_is_the_same_disk)
{
	char first[65];

	begin(64 * SEC);
	for (unsigned int i = 0; i < 16; i++)
		NEED(fill(i * 4, 4, (char)('a' + i)) == 0);
	for (uint64_t seed = 0; seed < 20; seed++) {
		(void)strcpy(first, cut(16, seed, 64));
		CHECK_STR("again", first, cut(16, seed, 64));
	}
	end();
}

CASE(a_barrier_keeps_earlier_before_later)
{
	int later = 0;
	const char *text;

	begin(64 * SEC);
	NEED(fill(0, 4, 'a') == 0);
	NEED(rumpuser_syncfd(fd, RUMPUSER_SYNC_BARRIER) == 0);
	NEED(fill(4, 4, 'b') == 0);
	for (uint64_t seed = 0; seed < 300; seed++) {
		text = cut(3, seed, 8);
		if (strchr(text, 'b') != NULL) {
			later++;
			CHECK(strncmp(text, "aaaa", 4) == 0);
		}
	}
	CHECK(later > 20);
	end();
}

CASE(a_discard_can_be_lost_as_well)
{
	int lost = 0, done = 0;
	const char *text;

	begin(64 * SEC);
	NEED(fill(0, 4, 'a') == 0);
	NEED(flush() == 0);
	NEED(rumpuser_discard(fd, 0, 4 * SEC) == 0);
	CHECK_EQ("reads", '.', letter(disk, 0));
	for (uint64_t seed = 0; seed < 100; seed++) {
		text = cut(3, seed, 4);
		lost += strcmp(text, "aaaa") == 0;
		done += strcmp(text, "....") == 0;
	}
	CHECK(lost > 5);
	CHECK(done > 5);
	end();
}

CASE(forgetting_makes_everything_stable)
{

	begin(64 * SEC);
	NEED(fill(0, 4, 'a') == 0);
	rumpsim_disk_forget(disk);
	CHECK_EQ("points", 0, rumpsim_disk_points(disk));
	for (uint64_t seed = 0; seed < 20; seed++)
		CHECK_STR("cut", "aaaa", cut(0, seed, 4));
	NEED(rumpsim_disk_poke(disk, 0, "bbbb", 4) == 0);
	CHECK_EQ("underneath", 0, rumpsim_disk_points(disk));
	end();
}

/* --- trouble and time ---------------------------------------------------- */

CASE(one_disk_can_fail_alone)
{

	begin(64 * SEC);
	rumpsim_disk_fail(disk, RUMPSIM_WRITE, 2, EIO);
	CHECK_EQ("first", 0, fill(0, 1, 'a'));
	CHECK_EQ("second", EIO, fill(1, 1, 'b'));
	CHECK_EQ("third", 0, fill(2, 1, 'c'));
	CHECK_EQ("a", 'a', letter(disk, 0));
	CHECK_EQ("b", '.', letter(disk, 1));
	CHECK_EQ("c", 'c', letter(disk, 2));
	rumpsim_disk_fail(disk, RUMPSIM_FLUSH, 1, EIO);
	CHECK_EQ("flush", EIO, flush());
	CHECK_EQ("flush", 0, flush());
	end();
}

CASE(bad_sectors_fail_until_they_are_mended)
{
	char buf[4 * SEC];
	struct rumpuser_iov iov = { buf, sizeof(buf) };
	size_t n;

	begin(64 * SEC);
	rumpsim_disk_setbad(disk, 4 * SEC, SEC, EIO);
	CHECK_EQ("before", 0, rumpuser_iovread(fd, &iov, 1, 0, &n));
	CHECK_EQ("across", EIO, rumpuser_iovread(fd, &iov, 1, SEC, &n));
	CHECK_EQ("write", EIO, fill(4, 1, 'x'));
	CHECK_EQ("behind", 0, fill(5, 1, 'x'));
	rumpsim_disk_setbad(disk, 0, 0, 0);
	CHECK_EQ("mended", 0, fill(4, 1, 'x'));
	end();
}

CASE(latency_is_virtual_time)
{
	int64_t start;

	begin(64 * SEC);
	rumpsim_disk_setlatency(disk, 0, 5000000, 70000000);
	start = rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO);
	NEED(fill(0, 1, 'a') == 0);
	CHECK(rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO) >= start + 5000000);
	NEED(flush() == 0);
	CHECK(rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO) >= start + 75000000);
	end();
}

/* --- asynchronous -------------------------------------------------------- */

#define NREQ	16

static struct areq {
	struct rumpuser_bio	bio;
	struct rumpuser_iov	iov;
	char			buf[SEC];
} areqs[NREQ];

static char finish_order[NREQ + 1];
static uint32_t finished;

static void
areq_done(struct rumpuser_bio *bio, size_t bytes, int error)
{
	struct areq *r = bio->bio_arg;

	CHECK_EQ("error", 0, error);
	CHECK_EQ("bytes", bio->bio_op == RUMPUSER_BIO_FLUSH ? 0 : SEC, bytes);
	finish_order[finished] = (char)('a' + (r - areqs));
	(void)word_add(&finished, 1);
}

static void
areq_submit(size_t i, enum rumpuser_bioop op)
{
	struct areq *r = &areqs[i];

	memset(r->buf, (int)('a' + i), SEC);
	r->iov = (struct rumpuser_iov){ r->buf, SEC };
	r->bio = (struct rumpuser_bio){
		.bio_op = op, .bio_fd = fd, .bio_off = i * SEC,
		.bio_iov = &r->iov, .bio_iovcnt = 1,
		.bio_done = areq_done, .bio_arg = r,
	};
	NEED(rumpuser_bio(&r->bio) == 0);
}

static int
async_run(void *arg)
{

	(void)arg;
	finished = 0;
	for (size_t i = 0; i < NREQ; i++)
		areq_submit(i, RUMPUSER_BIO_WRITE);
	word_wait(&finished, NREQ);
	return 0;
}

CASE(requests_overtake_each_other_as_the_seed_likes)
{
	char last[NREQ + 1] = "";
	int changed = 0, sorted = 0;

	begin(64 * SEC);
	for (uint64_t seed = 0; seed < 20; seed++) {
		(void)rumpsim_run(seed, async_run, NULL);
		changed += strcmp(last, finish_order) != 0;
		sorted += strcmp(finish_order, "abcdefghijklmnop") == 0;
		(void)strcpy(last, finish_order);
		for (unsigned int i = 0; i < NREQ; i++)
			CHECK_EQ("content", (char)('a' + i), letter(disk, i));
	}
	CHECK(changed > 15);
	CHECK(sorted < 5);
	end();
}

/*
 * A flush that is submitted with the writes may be done before, between or
 * after them; it covers only what was complete when it was submitted.
 */
static int
flush_run(void *arg)
{

	(void)arg;
	finished = 0;
	areq_submit(0, RUMPUSER_BIO_WRITE);
	areq_submit(1, RUMPUSER_BIO_FLUSH);
	word_wait(&finished, 2);
	return 0;
}

CASE(a_flush_does_not_cover_what_was_in_flight)
{
	int lost = 0;
	size_t points;

	begin(64 * SEC);
	for (uint64_t seed = 0; seed < 20; seed++) {
		rumpsim_disk_forget(disk);
		NEED(rumpsim_disk_poke(disk, 0, (char[SEC]){ "" }, SEC) == 0);
		(void)rumpsim_run(seed, flush_run, NULL);
		points = rumpsim_disk_points(disk);
		CHECK_EQ("points", 2, points);
		for (uint64_t s = 0; s < 10; s++)
			lost += cut(points, s, 1)[0] == '.';
	}
	CHECK(lost > 10);
	end();
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_hyper.c - what the hypercalls cost, beside what they stand for
 *
 * Each row is measured in turns, ours and the host's, and shows the medians,
 * so that whatever else the machine does meets both.
 */

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#define ROUNDS		15
#define ROUND_NS	4e6

struct row {
	const char	*name;
	void		(*ours)(size_t n);
	void		(*host)(size_t n);
};

static size_t copy_len;
static char *copy_dst, *copy_src;

/* So that the compiler does not know what it copies with. */
static void *(*volatile host_memcpy)(void *, const void *, size_t) = memcpy;

static void
copy_ours(size_t n)
{

	while (n-- > 0)
		(void)rumpuser_copy(copy_dst, copy_src, copy_len);
}

static void
copy_host(size_t n)
{

	while (n-- > 0)
		(void)host_memcpy(copy_dst, copy_src, copy_len);
}

static const char path[] = "/usr/share/doc/base-files/README";
static char *(*volatile host_stpcpy)(char *, const char *) = stpcpy;

static void
str_ours(size_t n)
{
	size_t len;

	while (n-- > 0)
		(void)rumpuser_copystr(copy_dst, path, 4096, &len);
}

static void
str_host(size_t n)
{

	while (n-- > 0)
		(void)host_stpcpy(copy_dst, path);
}

static void
clock_ours(size_t n)
{

	while (n-- > 0)
		(void)rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO);
}

static void
clock_host(size_t n)
{
	struct timespec ts;

	while (n-- > 0)
		(void)clock_gettime(CLOCK_MONOTONIC, &ts);
}

static uint32_t nobody;

static void
unpark_ours(size_t n)
{

	while (n-- > 0)
		(void)rumpuser_unpark(&nobody, 1, 0);
}

static void
unpark_host(size_t n)
{

	while (n-- > 0)
		(void)syscall(SYS_futex, &nobody, FUTEX_WAKE_PRIVATE, 1, NULL,
		    NULL, 0);
}

static void
malloc_ours(size_t n)
{
	void *p;

	while (n-- > 0) {
		(void)rumpuser_malloc(256, 16, &p);
		rumpuser_free(p, 256);
	}
}

static void
malloc_host(size_t n)
{
	void *volatile p;

	while (n-- > 0) {
		p = malloc(256);
		free(p);
	}
}

/* --- a round trip between two threads ------------------------------------ */

struct pingpong {
	uint32_t	turn;
	uint32_t	last;
	int		(*park)(uint32_t *, uint32_t, int, int64_t);
	unsigned int	(*unpark)(uint32_t *, unsigned int, int);
};

static int
futex_park(uint32_t *word, uint32_t expected, int flags, int64_t deadline)
{

	(void)flags;
	(void)deadline;
	return (int)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected,
	    NULL, NULL, 0);
}

static unsigned int
futex_unpark(uint32_t *word, unsigned int n, int flags)
{

	(void)flags;
	return (unsigned int)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n,
	    NULL, NULL, 0);
}

static void
pingpong_side(struct pingpong *p, uint32_t side)
{
	uint32_t now;

	while ((now = __atomic_load_n(&p->turn, __ATOMIC_ACQUIRE)) < p->last) {
		if (now % 2 != side) {
			(void)p->park(&p->turn, now, 0, RUMPUSER_NOTIME);
			continue;
		}
		__atomic_store_n(&p->turn, now + 1, __ATOMIC_RELEASE);
		(void)p->unpark(&p->turn, 1, 0);
	}
}

static void
pingpong_main(void *arg)
{

	pingpong_side(arg, 1);
}

static void
pingpong(struct pingpong *p, size_t n)
{
	struct rumpuser_thread *t;

	p->turn = 0;
	p->last = (uint32_t)n * 2;
	if (rumpuser_thread_create(pingpong_main, p, "pong", &t) != 0)
		abort();
	pingpong_side(p, 0);
	(void)rumpuser_thread_join(t);
}

static void
park_ours(size_t n)
{
	struct pingpong p = { .park = rumpuser_park, .unpark = rumpuser_unpark };

	pingpong(&p, n);
}

static void
park_host(size_t n)
{
	struct pingpong p = { .park = futex_park, .unpark = futex_unpark };

	pingpong(&p, n);
}

/* --- reading a cached file ----------------------------------------------- */

static int file_fd;
static uint32_t bio_count;

static void
read_ours(size_t n)
{
	struct rumpuser_iov iov = { copy_dst, 4096 };
	size_t got;

	while (n-- > 0)
		(void)rumpuser_iovread(file_fd, &iov, 1, 0, &got);
}

static void
read_host(size_t n)
{

	while (n-- > 0) {
		if (pread(file_fd, copy_dst, 4096, 0) != 4096)
			abort();
	}
}

static void
bio_done(struct rumpuser_bio *bio, size_t bytes, int error)
{

	(void)bio;
	if (error != 0 || bytes != 4096)
		abort();
	(void)__atomic_add_fetch(&bio_count, 1, __ATOMIC_RELEASE);
	(void)rumpuser_unpark(&bio_count, 1, 0);
}

static void
bio_ours(size_t n)
{
	struct rumpuser_iov iov = { copy_dst, 4096 };
	struct rumpuser_bio bio = {
		.bio_op = RUMPUSER_BIO_READ, .bio_fd = file_fd,
		.bio_iov = &iov, .bio_iovcnt = 1, .bio_done = bio_done,
	};
	uint32_t before;

	while (n-- > 0) {
		before = __atomic_load_n(&bio_count, __ATOMIC_ACQUIRE);
		if (rumpuser_bio(&bio) != 0)
			abort();
		while (__atomic_load_n(&bio_count, __ATOMIC_ACQUIRE) == before)
			(void)rumpuser_park(&bio_count, before, 0,
			    RUMPUSER_NOTIME);
	}
}

/* --- measuring ----------------------------------------------------------- */

static double
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double
time_of(void (*fn)(size_t), size_t n)
{
	double start = now_ns();

	fn(n);
	return (now_ns() - start) / (double)n;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
row_run(const struct row *row)
{
	double ours[ROUNDS], host[ROUNDS];
	size_t n = 16;

	while (time_of(row->host, n) * (double)n < ROUND_NS)
		n *= 2;
	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = time_of(row->ours, n);
		host[i] = time_of(row->host, n);
	}
	qsort(ours, ROUNDS, sizeof(ours[0]), compare);
	qsort(host, ROUNDS, sizeof(host[0]), compare);
	printf("%-28s %10.1f ns %10.1f ns  ratio %5.2f\n", row->name,
	    ours[ROUNDS / 2], host[ROUNDS / 2],
	    host[ROUNDS / 2] / ours[ROUNDS / 2]);
}

static const struct row rows[] = {
	{ "copystr, 33 bytes / stpcpy",	str_ours,	str_host },
	{ "clock / clock_gettime",	clock_ours,	clock_host },
	{ "unpark, nobody / futex",	unpark_ours,	unpark_host },
	{ "park round trip / futex",	park_ours,	park_host },
	{ "malloc and free, 256 bytes",	malloc_ours,	malloc_host },
	{ "iovread, 4 KiB / pread",	read_ours,	read_host },
	{ "bio read, 4 KiB / pread",	bio_ours,	read_host },
};

static const size_t copy_sizes[] = { 8, 64, 256, 512, 1024, 4096, 65536, 1 << 20 };

int
main(void)
{
	char name[] = "/tmp/rump-bench-XXXXXX", label[40];
	struct row copy = { label, copy_ours, copy_host };

	if (rumpuser_init(RUMPUSER_VERSION) != 0 ||
	    posix_memalign((void **)&copy_dst, 4096, 1 << 20) != 0 ||
	    posix_memalign((void **)&copy_src, 4096, 1 << 20) != 0)
		return 1;
	memset(copy_dst, 1, 1 << 20);
	memset(copy_src, 2, 1 << 20);
	file_fd = mkstemp(name);
	if (file_fd == -1 || write(file_fd, copy_src, 4096) != 4096)
		return 1;
	(void)unlink(name);

	printf("%-28s %13s %13s\n", "", "ours", "the host's");
	for (size_t i = 0; i < sizeof(copy_sizes) / sizeof(copy_sizes[0]); i++) {
		copy_len = copy_sizes[i];
		(void)snprintf(label, sizeof(label), "copy, %zu bytes / memcpy",
		    copy_len);
		row_run(&copy);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		row_run(&rows[i]);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_hyper_bio.c - asynchronous block I/O
 *
 * On Linux each case runs twice, with either way of doing it.  What does it
 * stays behind when the case ends, hence HARNESS_KEEPS.
 */

#include "hyper_test.h"

#define BIO_CASE(name)							\
	static void name(void);						\
	TEST_WITH(name##_by_uring, .ht_flags = HARNESS_KEEPS)		\
	{								\
		choose("uring");					\
		name();							\
	}								\
	TEST_WITH(name##_by_threads, .ht_flags = HARNESS_KEEPS)		\
	{								\
		choose("threads");					\
		name();							\
	}								\
	static void name(void)

struct request {
	struct rumpuser_bio	bio;
	struct rumpuser_iov	iov[4];
	uint32_t		done;	/* how often */
	size_t			bytes;
	int			error;
};

static uint32_t all_done;

static void
request_done(struct rumpuser_bio *bio, size_t bytes, int error)
{
	struct request *r = bio->bio_arg;

	r->bytes = bytes;
	r->error = error;
	(void)__atomic_add_fetch(&r->done, 1, __ATOMIC_RELEASE);
	(void)word_add(&all_done, 1);
}

/* io_uring may be forbidden here: then that half has nothing to show. */
static void
choose(const char *way)
{
	struct request r = { .bio = { .bio_op = RUMPUSER_BIO_FLUSH,
	    .bio_fd = -1, .bio_done = request_done } };

	if (on_sim()) {
		if (strcmp(way, "uring") == 0)
			return;
		SKIP("there is one way only");
	}
	(void)setenv("RUMPUSER_BIO", way, 1);
	r.bio.bio_arg = &r;
	if (rumpuser_bio(&r.bio) == EOPNOTSUPP)
		SKIP("the host does not allow it");
	word_wait(&all_done, 1);
	all_done = 0;
}

static void
request_init(struct request *r, enum rumpuser_bioop op, int fd, uint64_t off,
    void *buf, size_t len)
{

	memset(r, 0, sizeof(*r));
	r->iov[0] = (struct rumpuser_iov){ buf, len };
	r->bio.bio_op = op;
	r->bio.bio_fd = fd;
	r->bio.bio_off = off;
	r->bio.bio_iov = r->iov;
	r->bio.bio_iovcnt = 1;
	r->bio.bio_done = request_done;
	r->bio.bio_arg = r;
}

static int
request_run(struct request *r)
{
	uint32_t before = word_get(&all_done);

	NEED(rumpuser_bio(&r->bio) == 0);
	word_wait(&all_done, before + 1);
	CHECK_EQ("once", 1, word_get(&r->done));
	return r->error;
}

BIO_CASE(what_was_written_is_read)
{
	static char out[20000], in[20000];
	struct request r;
	int fd = scratch_open(RUMPUSER_OPEN_RDWR | RUMPUSER_OPEN_BIO);

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 13 + 5);
	request_init(&r, RUMPUSER_BIO_WRITE, fd, 4096, out, sizeof(out));
	CHECK_EQ("write", 0, request_run(&r));
	CHECK_EQ("written", sizeof(out), r.bytes);

	request_init(&r, RUMPUSER_BIO_READ, fd, 4096, in, 1000);
	r.iov[1] = (struct rumpuser_iov){ in + 1000, 0 };
	r.iov[2] = (struct rumpuser_iov){ in + 1000, 12000 };
	r.iov[3] = (struct rumpuser_iov){ in + 13000, 7000 };
	r.bio.bio_iovcnt = 4;
	CHECK_EQ("read", 0, request_run(&r));
	CHECK_EQ("bytes", sizeof(in), r.bytes);
	CHECK_MEM("content", out, in, sizeof(in));
	(void)rumpuser_close(fd);
}

BIO_CASE(a_read_is_short_at_the_end)
{
	char buf[8192];
	struct request r;
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	memset(buf, 'x', sizeof(buf));
	request_init(&r, RUMPUSER_BIO_WRITE, fd, 0, buf, 5000);
	CHECK_EQ("write", 0, request_run(&r));
	request_init(&r, RUMPUSER_BIO_READ, fd, 4096, buf, 4096);
	CHECK_EQ("across", 0, request_run(&r));
	CHECK_EQ("across", 5000 - 4096, r.bytes);
	request_init(&r, RUMPUSER_BIO_READ, fd, 8192, buf, 4096);
	CHECK_EQ("behind", 0, request_run(&r));
	CHECK_EQ("behind", 0, r.bytes);
	(void)rumpuser_close(fd);
}

BIO_CASE(flush_and_discard_are_done)
{
	char buf[8192];
	struct request r;
	int error, fd = scratch_open(RUMPUSER_OPEN_RDWR);

	memset(buf, 'x', sizeof(buf));
	request_init(&r, RUMPUSER_BIO_WRITE, fd, 0, buf, sizeof(buf));
	CHECK_EQ("write", 0, request_run(&r));
	request_init(&r, RUMPUSER_BIO_FLUSH, fd, 0, NULL, 0);
	CHECK_EQ("flush", 0, request_run(&r));
	CHECK_EQ("flush", 0, r.bytes);
	request_init(&r, RUMPUSER_BIO_DISCARD, fd, 4096, NULL, 0);
	r.bio.bio_len = 4096;
	error = request_run(&r);
	CHECK(error == 0 || error == EOPNOTSUPP);
	CHECK_EQ("discard", 0, r.bytes);
	if (error == 0) {
		request_init(&r, RUMPUSER_BIO_READ, fd, 0, buf, sizeof(buf));
		CHECK_EQ("read", 0, request_run(&r));
		CHECK_EQ("before", 'x', buf[4095]);
		CHECK_EQ("inside", 0, buf[4096]);
	}
	(void)rumpuser_close(fd);
}

BIO_CASE(errors_arrive_with_the_completion)
{
	char buf[16] = "";
	const char *name = scratch_name();
	struct request r;
	int fd, fds[2];

	request_init(&r, RUMPUSER_BIO_READ, 4711, 0, buf, sizeof(buf));
	CHECK_EQ("not open", EBADF, request_run(&r));
	CHECK_EQ("bytes", 0, r.bytes);
	NEED(rumpuser_open(name, RUMPUSER_OPEN_RDONLY, &fd) == 0);
	(void)unlink(name);
	request_init(&r, RUMPUSER_BIO_WRITE, fd, 0, buf, sizeof(buf));
	CHECK_EQ("read-only", EBADF, request_run(&r));
	request_init(&r, RUMPUSER_BIO_DISCARD, fd, 0, NULL, 0);
	r.bio.bio_len = 4096;
	CHECK_EQ("discard read-only", EBADF, request_run(&r));
	(void)rumpuser_close(fd);
	NEED(pipe(fds) == 0);
	request_init(&r, RUMPUSER_BIO_DISCARD, fds[1], 0, NULL, 0);
	r.bio.bio_len = 4096;
	CHECK_EQ("discard a pipe", EOPNOTSUPP, request_run(&r));
	(void)close(fds[0]);
	(void)close(fds[1]);
}

BIO_CASE(bad_memory_is_efault)
{
	char buf[16] = "abc";
	struct request r;
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	request_init(&r, RUMPUSER_BIO_WRITE, fd, 0, buf, sizeof(buf));
	CHECK_EQ("good", 0, request_run(&r));
	request_init(&r, RUMPUSER_BIO_READ, fd, 0, (void *)(uintptr_t)8, 16);
	CHECK_EQ("read", EFAULT, request_run(&r));
	(void)rumpuser_close(fd);
}

BIO_CASE(malformed_requests_are_refused_at_once)
{
	static struct rumpuser_iov many[RUMPUSER_IOV_MAX + 1];
	char buf[16];
	struct request r;
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	request_init(&r, (enum rumpuser_bioop)77, fd, 0, buf, sizeof(buf));
	CHECK_EQ("operation", EINVAL, rumpuser_bio(&r.bio));
	request_init(&r, RUMPUSER_BIO_READ, fd, 0, buf, sizeof(buf));
	r.bio.bio_done = NULL;
	CHECK_EQ("no completion", EINVAL, rumpuser_bio(&r.bio));
	request_init(&r, RUMPUSER_BIO_READ, fd, 0, buf, SIZE_MAX);
	CHECK_EQ("length", EINVAL, rumpuser_bio(&r.bio));
	request_init(&r, RUMPUSER_BIO_READ, fd, UINT64_MAX, buf, sizeof(buf));
	CHECK_EQ("offset", EINVAL, rumpuser_bio(&r.bio));
	request_init(&r, RUMPUSER_BIO_WRITE, fd, INT64_MAX - 4, buf, 16);
	CHECK_EQ("end", EINVAL, rumpuser_bio(&r.bio));
	request_init(&r, RUMPUSER_BIO_READ, fd, 0, buf, sizeof(buf));
	r.bio.bio_iov = many;
	r.bio.bio_iovcnt = RUMPUSER_IOV_MAX + 1;
	CHECK_EQ("vector", EINVAL, rumpuser_bio(&r.bio));
	CHECK_EQ("completions", 0, word_get(&all_done));
	(void)rumpuser_close(fd);
}

#define NREQUESTS	300	/* more than any queue below has room for */

BIO_CASE(many_requests_complete_once_each)
{
	static struct request r[NREQUESTS];
	static char buf[NREQUESTS][512];
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	for (size_t i = 0; i < NREQUESTS; i++) {
		memset(buf[i], (int)i, sizeof(buf[i]));
		request_init(&r[i], RUMPUSER_BIO_WRITE, fd, i * 512, buf[i],
		    512);
		NEED(rumpuser_bio(&r[i].bio) == 0);
	}
	word_wait(&all_done, NREQUESTS);
	for (size_t i = 0; i < NREQUESTS; i++) {
		CHECK_EQ("once", 1, word_get(&r[i].done));
		CHECK_EQ("error", 0, r[i].error);
		CHECK_EQ("bytes", 512, r[i].bytes);
		memset(buf[i], 0, sizeof(buf[i]));
		request_init(&r[i], RUMPUSER_BIO_READ, fd, i * 512, buf[i],
		    512);
	}
	for (size_t i = 0; i < NREQUESTS; i++)
		NEED(rumpuser_bio(&r[i].bio) == 0);
	word_wait(&all_done, 2 * NREQUESTS);
	for (size_t i = 0; i < NREQUESTS; i++) {
		CHECK_EQ("bytes", 512, r[i].bytes);
		CHECK_EQ("content", (char)i, buf[i][0]);
		CHECK_EQ("content", (char)i, buf[i][511]);
	}
	(void)rumpuser_close(fd);
}

/* --- a completion may do anything with its request ----------------------- */

static void
chain_done(struct rumpuser_bio *bio, size_t bytes, int error)
{
	uint32_t *left = bio->bio_arg;

	CHECK_EQ("error", 0, error);
	CHECK_EQ("bytes", 1, bytes);
	bio->bio_off++;
	if (--*left > 0)
		NEED(rumpuser_bio(bio) == 0);
	else
		(void)word_add(&all_done, 1);
}

BIO_CASE(a_completion_may_submit_its_request_again)
{
	char c = 'c';
	uint32_t left = 100;
	struct request r;
	struct rumpuser_fileinfo info;
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	request_init(&r, RUMPUSER_BIO_WRITE, fd, 0, &c, 1);
	r.bio.bio_done = chain_done;
	r.bio.bio_arg = &left;
	NEED(rumpuser_bio(&r.bio) == 0);
	word_wait(&all_done, 1);
	NEED(rumpuser_fdinfo(fd, &info) == 0);
	CHECK_EQ("size", 100, info.fi_size);
	(void)rumpuser_close(fd);
}

static void
free_done(struct rumpuser_bio *bio, size_t bytes, int error)
{

	CHECK_EQ("error", 0, error);
	CHECK_EQ("bytes", 1, bytes);
	free(bio->bio_arg);
	(void)word_add(&all_done, 1);
}

BIO_CASE(a_completion_may_free_its_request)
{
	char c = 'c';
	struct request *r;
	int fd = scratch_open(RUMPUSER_OPEN_RDWR);

	for (uint32_t i = 1; i <= 50; i++) {
		r = malloc(sizeof(*r));
		NEED(r != NULL);
		request_init(r, RUMPUSER_BIO_WRITE, fd, 0, &c, 1);
		r->bio.bio_done = free_done;
		NEED(rumpuser_bio(&r->bio) == 0);
	}
	word_wait(&all_done, 50);
	(void)rumpuser_close(fd);
}

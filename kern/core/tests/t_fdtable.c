/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_fdtable.c - numbers: the lowest free one, limits, forks, many of them
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include <harness.h>

/* A table that has grown stays so, and is not a leak. */
#define GROWS	.ht_flags = HARNESS_BOOT | HARNESS_KEEPS

static void
limit(rlim_t n)
{
	struct rlimit rl;

	NEED(rump_sys_getrlimit(RLIMIT_NOFILE, &rl) == 0);
	rl.rlim_cur = n;
	NEED(rump_sys_setrlimit(RLIMIT_NOFILE, &rl) == 0);
}

static bool
is_open(int fd)
{
	return rump_sys_fcntl(fd, F_GETFD) >= 0;
}

TEST(a_program_starts_with_the_console)
{
	char c;

	for (int fd = 0; fd < 3; fd++) {
		CHECK(is_open(fd));
		CHECK_EQ("mode", O_RDWR, rump_sys_fcntl(fd, F_GETFL));
		CHECK_EQ("end of file", 0, rump_sys_read(fd, &c, 1));
		CHECK_EQ("not a place", -1, rump_sys_lseek(fd, 0, SEEK_SET));
		CHECK_EQ("errno", ESPIPE, errno);
	}
	CHECK(!is_open(3));
}

#define MODEL	700

TEST_WITH(the_lowest_free_number_is_taken, GROWS, .ht_seeds = 10)
{
	static bool taken[MODEL + 1];
	uint64_t rng = harness_seed() * 0x9e3779b97f4a7c15ULL | 1;

	memset(taken, 0, sizeof(taken));
	taken[0] = taken[1] = taken[2] = true;
	for (int step = 0; step < 6000; step++) {
		unsigned int n = (unsigned int)(harness_draw(&rng) >> 33) % MODEL, low = 0;

		if (n < 3 || (rng >> 10) % 5 < 2) {
			while (taken[low])
				low++;
			if (low == MODEL)
				continue;
			CHECK_EQ("dup", low, rump_sys_dup(0));
			taken[low] = true;
		} else if ((rng >> 10) % 5 == 2) {
			for (low = n; taken[low]; )
				low++;
			if (low == MODEL)
				continue;
			CHECK_EQ("dupfd", low, rump_sys_fcntl(0, F_DUPFD, n));
			taken[low] = true;
		} else if ((rng >> 10) % 5 == 3 && (rng >> 20) % 8 == 0) {
			CHECK_EQ("dup2", n, rump_sys_dup2(0, (int)n));
			taken[n] = true;
		} else {
			CHECK_EQ("close", taken[n] ? 0 : -1,
			    rump_sys_close((int)n));
			taken[n] = false;
		}
	}
	for (int n = 0; n < MODEL; n++)
		CHECK_EQ("in the end", taken[n], is_open(n));
	CHECK_EQ("close_range", 0, rump_sys_close_range(3, ~0U, 0));
}

TEST_WITH(a_hundred_thousand_are_fine, GROWS)
{
	enum { N = 100000 };

	for (int i = 3; i < N; i++)
		NEED(rump_sys_dup(0) == i);
	CHECK_EQ("close", 0, rump_sys_close(77777));
	CHECK_EQ("close", 0, rump_sys_close(64));
	CHECK_EQ("again", 64, rump_sys_dup(0));
	CHECK_EQ("again", 77777, rump_sys_dup(0));
	CHECK_EQ("then", N, rump_sys_dup(0));
	CHECK_EQ("close_range", 0, rump_sys_close_range(3, ~0U, 0));
	CHECK_EQ("empty", 3, rump_sys_dup(0));
	CHECK_EQ("close", 0, rump_sys_close(3));
}

TEST(the_limit_is_kept)
{
	int p[2];

	limit(5);
	CHECK_EQ("3", 3, rump_sys_dup(0));
	CHECK_EQ("a pipe needs two", -1, rump_sys_pipe2(p, 0));
	CHECK_EQ("errno", EMFILE, errno);
	CHECK_EQ("4", 4, rump_sys_dup(0));
	CHECK_EQ("5", -1, rump_sys_dup(0));
	CHECK_EQ("errno", EMFILE, errno);
	CHECK_EQ("dup2", -1, rump_sys_dup2(0, 5));
	CHECK_EQ("errno", EBADF, errno);
	CHECK_EQ("at the limit", -1, rump_sys_fcntl(0, F_DUPFD, 5));
	CHECK_EQ("errno", EINVAL, errno);
	CHECK_EQ("below it", -1, rump_sys_fcntl(0, F_DUPFD, 4));
	CHECK_EQ("errno", EMFILE, errno);
	CHECK_EQ("close", 0, rump_sys_close_range(3, 4, 0));
}

TEST(close_range_marks_and_closes)
{
	for (int i = 3; i < 20; i++)
		NEED(rump_sys_dup(0) == i);
	CHECK_EQ("mark", 0, rump_sys_close_range(10, 12, CLOSE_RANGE_CLOEXEC));
	for (int i = 3; i < 20; i++)
		CHECK_EQ("flag", i >= 10 && i <= 12 ? FD_CLOEXEC : 0,
		    rump_sys_fcntl(i, F_GETFD));
	CHECK_EQ("close", 0, rump_sys_close_range(5, 15, CLOSE_RANGE_UNSHARE));
	for (int i = 3; i < 20; i++)
		CHECK_EQ("open", i < 5 || i > 15, is_open(i));
	CHECK_EQ("close", 0, rump_sys_close_range(3, ~0U, 0));
}

/* Ends the proc that the calling thread is in. */
static void
child_end(void)
{
	rump_pub_lwproc_releaselwp();
}

TEST(a_child_has_copies_or_the_console_only)
{
	int p[2];
	char c;

	NEED(rump_sys_pipe2(p, 0) == 0);
	CHECK_EQ("cloexec", 0, rump_sys_fcntl(p[0], F_SETFD, FD_CLOEXEC));
	CHECK_EQ("copy", 0, rump_pub_lwproc_rfork(RUMP_RFFDG));
	CHECK_EQ("flag too", FD_CLOEXEC, rump_sys_fcntl(p[0], F_GETFD));
	CHECK_EQ("write", 1, rump_sys_write(p[1], "x", 1));
	CHECK_EQ("close", 0, rump_sys_close(p[1]));
	child_end();
	CHECK_EQ("parent's is open", 1, rump_sys_write(p[1], "y", 1));
	CHECK_EQ("read", 1, rump_sys_read(p[0], &c, 1));
	CHECK_EQ("the child's byte", 'x', c);

	CHECK_EQ("clear", 0, rump_pub_lwproc_rfork(RUMP_RFCFDG));
	CHECK(is_open(0) && is_open(2) && !is_open(p[0]) && !is_open(p[1]));
	CHECK_EQ("own numbers", 3, rump_sys_dup(0));
	child_end();

	CHECK_EQ("shared", 0, rump_pub_lwproc_rfork(0));
	CHECK_EQ("close", 0, rump_sys_close(p[1]));
	child_end();
	CHECK(!is_open(p[1]));
	CHECK_EQ("close", 0, rump_sys_close(p[0]));
}

TEST(unshare_leaves_the_others_alone)
{
	int fd = rump_sys_dup(0);

	CHECK_EQ("shared", 0, rump_pub_lwproc_rfork(0));
	CHECK_EQ("unshare", 0, rump_sys_close_range((unsigned int)fd,
	    (unsigned int)fd, CLOSE_RANGE_UNSHARE));
	CHECK(!is_open(fd));
	child_end();
	CHECK(is_open(fd));
	CHECK_EQ("close", 0, rump_sys_close(fd));
}

static int
sweep_child(void)
{
	int error = 0;

	for (int i = 3; i < 200 && error == 0; i++)
		error = rump_sys_dup(0) < 0 ? errno : 0;
	return error;
}

/* In a child's table, so that each round starts with a small one. */
SWEEP(tables_survive_each_failed_allocation, FAULT_MEMORY)
{
	int error;

	error = rump_pub_lwproc_rfork(RUMP_RFFDG);
	if (error)
		return error;
	error = sweep_child();
	child_end();
	return error;
}

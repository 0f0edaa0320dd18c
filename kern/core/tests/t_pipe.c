/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_pipe.c - pipes: who waits, who is woken, what stays whole
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <time.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#include <harness.h>

#define SEEDS	.ht_flags = HARNESS_BOOT, .ht_seeds = 30

struct end {
	struct rumpuser_thread *thread;
	int	 fd, other;
	size_t	 todo, done;
	unsigned int id, bad;
	long	 result;
	int	 error;
};

static void
start(struct end *e, void (*fn)(void *))
{
	NEED(rumpuser_thread_create(fn, e, "end", &e->thread) == 0);
}

static void
join(struct end *e)
{
	NEED(rumpuser_thread_join(e->thread) == 0);
}

static void
pipe_make(int p[2], int flags)
{
	(void)signal(SIGPIPE, SIG_IGN);
	NEED(rump_sys_pipe2(p, flags) == 0);
}

static void
pipe_unmake(const int p[2])
{
	CHECK_EQ("close", 0, rump_sys_close(p[0]));
	CHECK_EQ("close", 0, rump_sys_close(p[1]));
}

/* Lets the others run until they sleep: virtual time passes only then. */
static void
settle(void)
{
	struct timespec ts = { 0, 1000000 };

	(void)rump_sys_nanosleep(&ts, NULL);
}

static void
reader(void *arg)
{
	static const size_t lens[] = { 1, 100, 4096, 5000, 65536, 70000 };
	struct end *e = arg;
	uint8_t buf[70000];
	ssize_t n;

	for (unsigned int i = 0; (n = rump_sys_read(e->fd, buf,
	    lens[i % ARRAY_SIZE(lens)])) > 0; i++) {
		for (ssize_t k = 0; k < n; k++)
			e->bad += buf[k] != (uint8_t)((e->done + (size_t)k) % 251);
		e->done += (size_t)n;
	}
	e->result = n;
	e->error = errno;
}

TEST_WITH(a_long_write_arrives_in_order, SEEDS)
{
	struct end e = { 0 };
	static uint8_t buf[300000];
	int p[2];

	pipe_make(p, 0);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i % 251);
	e.fd = p[0];
	start(&e, reader);
	CHECK_EQ("written", sizeof(buf), rump_sys_write(p[1], buf, sizeof(buf)));
	CHECK_EQ("close", 0, rump_sys_close(p[1]));
	join(&e);
	CHECK_EQ("end of file", 0, e.result);
	CHECK_EQ("read", sizeof(buf), e.done);
	CHECK_EQ("wrong bytes", 0, e.bad);
	CHECK_EQ("close", 0, rump_sys_close(p[0]));
}

#define RECORDS	40

static void
record_writer(void *arg)
{
	struct end *e = arg;
	uint8_t rec[PIPE_BUF];
	size_t len;

	for (unsigned int i = 0; i < RECORDS; i++) {
		len = 4 + (i * 977 + e->id * 313) % (PIPE_BUF - 3);
		memset(rec, (int)e->id, len);
		rec[0] = 0xee;
		rec[1] = (uint8_t)e->id;
		rec[2] = (uint8_t)(len >> 8);
		rec[3] = (uint8_t)len;
		e->bad += rump_sys_write(e->fd, rec, len) != (ssize_t)len;
	}
}

static bool
read_all(int fd, uint8_t *buf, size_t len)
{
	ssize_t n;

	for (; len > 0; buf += n, len -= (size_t)n) {
		n = rump_sys_read(fd, buf, len);
		if (n <= 0)
			return false;
	}
	return true;
}

TEST_WITH(writes_of_pipe_buf_are_not_mixed, SEEDS)
{
	struct end e[4] = { { 0 } };
	uint8_t rec[PIPE_BUF];
	unsigned int got[4] = { 0 };
	int p[2];

	pipe_make(p, 0);
	for (unsigned int i = 0; i < 4; i++) {
		e[i].fd = p[1];
		e[i].id = i;
		start(&e[i], record_writer);
	}
	for (unsigned int i = 0; i < 4 * RECORDS; i++) {
		NEED(read_all(p[0], rec, 4));
		NEED(rec[0] == 0xee && rec[1] < 4);
		unsigned int id = rec[1];
		size_t len = (size_t)rec[2] << 8 | rec[3];

		NEED(len >= 4 && len <= PIPE_BUF && read_all(p[0], rec, len - 4));
		for (size_t k = 0; k < len - 4; k++)
			NEED(rec[k] == id);
		got[id]++;
	}
	for (unsigned int i = 0; i < 4; i++) {
		join(&e[i]);
		CHECK_EQ("short writes", 0, e[i].bad);
		CHECK_EQ("records", RECORDS, got[i]);
	}
	pipe_unmake(p);
}

static void
blocked_writer(void *arg)
{
	static uint8_t buf[100000];
	struct end *e = arg;

	e->result = rump_sys_write(e->fd, buf, e->todo);
	e->error = errno;
}

TEST_WITH(a_writer_without_readers_gets_epipe, SEEDS)
{
	struct end full = { .todo = 65536 }, more = { .todo = 1 };
	int p[2];

	pipe_make(p, 0);
	full.fd = more.fd = p[1];
	blocked_writer(&full);
	CHECK_EQ("what fits", 65536, full.result);
	start(&more, blocked_writer);
	settle();
	CHECK_EQ("close", 0, rump_sys_close(p[0]));
	join(&more);
	CHECK_EQ("result", -1, more.result);
	CHECK_EQ("errno", EPIPE, more.error);
	CHECK_EQ("close", 0, rump_sys_close(p[1]));
}

TEST_WITH(a_writer_cut_off_in_the_middle_was_short, SEEDS)
{
	struct end e = { .todo = 100000 };
	int p[2];

	pipe_make(p, 0);
	e.fd = p[1];
	start(&e, blocked_writer);
	settle();
	CHECK_EQ("close", 0, rump_sys_close(p[0]));
	join(&e);
	CHECK_EQ("result", 65536, e.result);
	CHECK_EQ("close", 0, rump_sys_close(p[1]));
}

static void
one_reader(void *arg)
{
	struct end *e = arg;
	uint8_t buf[16];

	e->result = rump_sys_read(e->fd, buf, sizeof(buf));
	e->error = errno;
}

TEST_WITH(each_blocked_reader_gets_a_byte, SEEDS)
{
	struct end e[3] = { { 0 } };
	int p[2];

	pipe_make(p, O_DIRECT);
	for (int i = 0; i < 3; i++) {
		e[i].fd = p[0];
		start(&e[i], one_reader);
	}
	settle();
	for (int i = 0; i < 3; i++)
		CHECK_EQ("write", 1, rump_sys_write(p[1], "x", 1));
	for (int i = 0; i < 3; i++) {
		join(&e[i]);
		CHECK_EQ("a packet", 1, e[i].result);
	}
	pipe_unmake(p);
}

TEST_WITH(a_read_goes_on_when_its_descriptor_is_closed, SEEDS)
{
	struct end e = { 0 };
	int p[2];

	pipe_make(p, 0);
	e.fd = p[0];
	start(&e, one_reader);
	settle();
	CHECK_EQ("close", 0, rump_sys_close(p[0]));
	CHECK_EQ("number is free", -1, rump_sys_read(p[0], &e, 1));
	/* The reader is still one, so this is no EPIPE. */
	CHECK_EQ("write", 3, rump_sys_write(p[1], "abc", 3));
	join(&e);
	CHECK_EQ("read", 3, e.result);
	CHECK_EQ("now it is", -1, rump_sys_write(p[1], "abc", 3));
	CHECK_EQ("errno", EPIPE, errno);
	CHECK_EQ("close", 0, rump_sys_close(p[1]));
}

TEST(packets_are_read_one_at_a_time)
{
	uint8_t buf[9000];
	int p[2], n;

	pipe_make(p, O_DIRECT | O_NONBLOCK);
	memset(buf, 7, sizeof(buf));
	CHECK_EQ("small", 3, rump_sys_write(p[1], buf, 3));
	CHECK_EQ("small", 5, rump_sys_write(p[1], buf, 5));
	CHECK_EQ("three of them", 8200, rump_sys_write(p[1], buf, 8200));
	CHECK_EQ("ioctl", 0, rump_sys_ioctl(p[0], FIONREAD, &n));
	CHECK_EQ("bytes", 8208, n);
	CHECK_EQ("first", 3, rump_sys_read(p[0], buf, sizeof(buf)));
	CHECK_EQ("the rest is lost", 2, rump_sys_read(p[0], buf, 2));
	CHECK_EQ("page", 4096, rump_sys_read(p[0], buf, sizeof(buf)));
	CHECK_EQ("page", 4096, rump_sys_read(p[0], buf, sizeof(buf)));
	CHECK_EQ("end", 8, rump_sys_read(p[0], buf, sizeof(buf)));
	CHECK_EQ("empty", -1, rump_sys_read(p[0], buf, sizeof(buf)));
	CHECK_EQ("errno", EAGAIN, errno);
	pipe_unmake(p);
}

TEST(a_fault_moves_nothing_of_the_chunk)
{
	struct iovec v[2] = { { NULL, 4 }, { (void *)8, 4 } };
	char buf[16] = "abcdefgh";
	int p[2];

	pipe_make(p, O_NONBLOCK);
	v[0].iov_base = buf;
	CHECK_EQ("write", -1, rump_sys_writev(p[1], v, 2));
	CHECK_EQ("errno", EFAULT, errno);
	CHECK_EQ("nothing", -1, rump_sys_read(p[0], buf, 8));
	CHECK_EQ("errno", EAGAIN, errno);
	CHECK_EQ("write", 8, rump_sys_write(p[1], "12345678", 8));
	CHECK_EQ("read", -1, rump_sys_readv(p[0], v, 2));
	CHECK_EQ("errno", EFAULT, errno);
	CHECK_EQ("still there", 8, rump_sys_read(p[0], buf, sizeof(buf)));
	CHECK_MEM("content", "12345678", buf, 8);
	pipe_unmake(p);
}

static int
sweep_write(const int p[2])
{
	static uint8_t buf[20000];
	ssize_t n;

	n = rump_sys_write(p[1], buf, sizeof(buf));
	if (n < 0)
		return errno;
	if (rump_sys_read(p[0], buf, sizeof(buf)) != n)
		return EIO;
	return n < (ssize_t)sizeof(buf) ? ENOMEM : 0;
}

SWEEP(pipes_survive_each_failed_allocation, FAULT_MEMORY)
{
	int error, p[2];

	if (rump_sys_pipe2(p, O_NONBLOCK) != 0)
		return errno;
	error = rump_sys_fcntl(p[0], F_SETPIPE_SZ, 8192) < 0 ? errno :
	    sweep_write(p);
	if (error == ENOMEM || error == 0)
		error = rump_sys_fcntl(p[1], F_SETPIPE_SZ, 131072) < 0 ? errno :
		    sweep_write(p);
	(void)rump_sys_close(p[0]);
	(void)rump_sys_close(p[1]);
	return error;
}

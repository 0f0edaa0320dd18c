/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_splice.c - sendfile, splice, tee and copy_file_range, as on the host
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#include <harness.h>

#include "twin.h"

#define NOFD		A(99)
#define NOWHERE		A(8)

/* Two pipes, two files and odd ones. */
struct set {
	int	 p[2], q[2], ev, a, b, app, ro, dir, path;
	char	 name[2][64];
	uint8_t	 buf[200];
};

static int
open_at(struct twin *tw, const char *path, int flags)
{
	return FD(tw, openat, A(AT_FDCWD), A(path), A(flags), 0600);
}

static void
set_open(struct twin *tw, struct set *s)
{
	const char *dir = tw->tw_host ? "/tmp" : "";

	(void)signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 2; i++)
		(void)snprintf(s->name[i], sizeof(s->name[i]),
		    "%s/t_splice.%ld.%d", dir, (long)getpid(), i);
	CALL(tw, pipe2, A(s->p), O_NONBLOCK);
	CALL(tw, pipe2, A(s->q), O_NONBLOCK);
	s->ev = FD(tw, eventfd2, 5, 0);
	s->a = open_at(tw, s->name[0], O_RDWR | O_CREAT);
	s->b = open_at(tw, s->name[1], O_RDWR | O_CREAT);
	s->app = open_at(tw, s->name[1], O_WRONLY | O_APPEND);
	s->ro = open_at(tw, s->name[0], O_RDONLY);
	s->dir = open_at(tw, "/", O_RDONLY | O_DIRECTORY);
	s->path = open_at(tw, "/", O_PATH);
	for (size_t i = 0; i < sizeof(s->buf); i++)
		s->buf[i] = (uint8_t)i;
	CALL(tw, write, A(s->a), A(s->buf), 100);
	CALL(tw, lseek, A(s->a), 0, SEEK_SET);
}

static void
set_close(struct twin *tw, struct set *s)
{
	const int fds[] = { s->p[0], s->q[0], s->q[1], s->ev, s->a, s->b,
	    s->app, s->ro, s->dir, s->path };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		CALL(tw, close, A(fds[i]));
	for (int i = 0; i < 2; i++)
		CALL(tw, unlinkat, A(AT_FDCWD), A(s->name[i]), 0);
}

static void
sendfile_script(struct twin *tw)
{
	int64_t o = 0, neg = -1;
	struct set s;

	set_open(tw, &s);
	CALL(tw, sendfile, A(s.b), NOFD, 0, 1);
	CALL(tw, sendfile, NOFD, A(s.a), 0, 1);
	CALL(tw, sendfile, NOFD, NOFD, NOWHERE, 1);
	CALL(tw, sendfile, A(s.b), A(s.a), A(&neg), 1);
	CALL(tw, sendfile, A(s.b), A(s.p[0]), 0, 1);
	CALL(tw, sendfile, A(s.b), A(s.p[0]), A(&o), 1);
	CALL(tw, sendfile, A(s.b), A(s.p[1]), 0, 1);
	CALL(tw, sendfile, A(s.p[0]), A(s.a), 0, 1);
	CALL(tw, sendfile, A(s.b), A(s.ev), 0, 8);
	CALL(tw, sendfile, A(s.b), A(s.ev), A(&o), 8);
	CALL(tw, sendfile, A(s.ev), A(s.a), 0, 8);
	CALL(tw, sendfile, A(s.app), A(s.a), 0, 8);
	CALL(tw, sendfile, A(s.ro), A(s.a), 0, 8);
	CALL(tw, sendfile, A(s.b), A(s.dir), 0, 8);
	CALL(tw, sendfile, A(s.dir), A(s.a), 0, 8);
	CALL(tw, sendfile, A(s.b), A(s.a), 0, 0);
	CALL(tw, sendfile, A(s.b), A(s.a), 0, A(-1));
	CALL(tw, sendfile, A(s.path), A(s.a), A(&o), 20);
	CALL(tw, sendfile, A(s.b), A(s.path), A(&o), 20);
	o = 10;
	CALL(tw, sendfile, A(s.p[1]), A(s.a), A(&o), 20);
	twin_note(tw, "offset", o);
	CALL(tw, lseek, A(s.a), 0, SEEK_CUR);
	CALL(tw, read, A(s.p[0]), A(s.buf), 100);
	twin_note(tw, "first byte", s.buf[0]);
	CALL(tw, sendfile, A(s.b), A(s.a), 0, 1000);
	CALL(tw, lseek, A(s.a), 0, SEEK_CUR);
	CALL(tw, lseek, A(s.b), 0, SEEK_CUR);
	CALL(tw, sendfile, A(s.b), A(s.a), 0, 1000);
	o = 0;
	CALL(tw, sendfile, A(s.a), A(s.a), A(&o), 10);
	CALL(tw, lseek, A(s.a), 0, SEEK_CUR);
	CALL(tw, pread64, A(s.a), A(s.buf), 110, 0);
	twin_note(tw, "last byte", s.buf[109]);
	CALL(tw, close, A(s.p[1]));
	set_close(tw, &s);
}

TEST(sendfile_answers_as_the_host)
{
	twin_run(sendfile_script);
}

static void
splice_script(struct twin *tw)
{
	int64_t o = 0;
	struct set s;

	set_open(tw, &s);
	CALL(tw, splice, A(s.p[0]), 0, A(s.b), 0, 0, 99);
	CALL(tw, splice, A(s.p[0]), 0, A(s.b), 0, 1, 99);
	CALL(tw, splice, NOFD, 0, A(s.b), 0, 0, 0);
	CALL(tw, splice, NOFD, 0, A(s.b), 0, 1, 0);
	CALL(tw, splice, A(s.p[0]), 0, NOFD, 0, 1, 0);
	CALL(tw, splice, A(s.a), 0, A(s.b), 0, 1, 0);
	CALL(tw, splice, A(s.p[0]), A(&o), A(s.b), 0, 1, 0);
	CALL(tw, splice, A(s.p[0]), 0, A(s.q[1]), A(&o), 1, 0);
	CALL(tw, splice, A(s.p[0]), 0, A(s.p[1]), 0, 1, 0);
	CALL(tw, splice, A(s.p[1]), 0, A(s.q[1]), 0, 1, 0);
	CALL(tw, splice, A(s.p[0]), 0, A(s.q[0]), 0, 1, 0);
	CALL(tw, splice, A(s.p[0]), 0, A(s.app), 0, 1, 0);
	CALL(tw, splice, A(s.p[0]), 0, A(s.ro), 0, 1, 0);
	CALL(tw, splice, A(s.p[0]), 0, A(s.ev), 0, 8, 0);
	CALL(tw, splice, A(s.ev), 0, A(s.q[1]), 0, 8, 0);
	CALL(tw, splice, A(s.dir), 0, A(s.q[1]), 0, 8, 0);
	CALL(tw, splice, A(s.a), NOWHERE, A(s.q[1]), 0, 8, 0);
	o = -1;
	CALL(tw, splice, A(s.a), A(&o), A(s.q[1]), 0, 8, 0);
	o = 5;
	CALL(tw, splice, A(s.a), A(&o), A(s.q[1]), 0, 8, 0);
	twin_note(tw, "offset", o);
	CALL(tw, splice, A(s.q[0]), 0, A(s.b), A(&o), 100, 0);
	twin_note(tw, "offset", o);
	CALL(tw, splice, A(s.q[0]), 0, A(s.b), A(&o), 100, 0);
	CALL(tw, splice, A(s.q[0]), 0, A(s.p[1]), 0, 100, 0);
	CALL(tw, splice, A(s.a), 0, A(s.p[1]), 0, 50, 0);
	CALL(tw, splice, A(s.p[0]), 0, A(s.q[1]), 0, 5, 0);
	CALL(tw, splice, A(s.p[0]), 0, A(s.b), 0, 7, 0);
	CALL(tw, splice, A(s.ev), A(&o), A(s.q[1]), 0, 8, 0);
	CALL(tw, splice, A(s.q[0]), 0, A(s.b), 0, A(-1), 0);
	CALL(tw, splice, A(s.q[0]), 0, A(s.path), 0, 1, 0);
	CALL(tw, tee, A(s.p[0]), A(s.q[1]), 100, 0);
	memset(s.buf, 0, sizeof(s.buf));
	CALL(tw, read, A(s.q[0]), A(s.buf), 100);
	for (int i = 0; i < 50; i++)
		twin_note(tw, "byte", s.buf[i]);
	CALL(tw, read, A(s.p[0]), A(s.buf), 100);
	CALL(tw, tee, A(s.p[0]), A(s.q[1]), 100, 0);
	CALL(tw, tee, A(s.p[0]), A(s.p[1]), 1, 0);
	CALL(tw, tee, A(s.a), A(s.q[1]), 1, 0);
	CALL(tw, tee, A(s.p[0]), A(s.a), 1, 0);
	CALL(tw, tee, NOFD, A(s.q[1]), 1, 0);
	CALL(tw, tee, NOFD, A(s.q[1]), 0, 0);
	CALL(tw, tee, A(s.p[0]), A(s.q[1]), 1, 99);
	CALL(tw, tee, A(s.p[1]), A(s.q[1]), 1, 0);
	CALL(tw, tee, A(s.p[0]), A(s.q[0]), 1, 0);
	struct iovec v = { s.buf, 10 };
	CALL(tw, vmsplice, A(s.q[1]), A(&v), 1, 99);
	CALL(tw, vmsplice, A(s.q[1]), A(&v), 1, 0);
	CALL(tw, vmsplice, A(s.q[0]), A(&v), 1, 0);
	CALL(tw, vmsplice, A(s.a), A(&v), 1, 0);
	CALL(tw, vmsplice, NOFD, NOWHERE, 1, 0);
	CALL(tw, close, A(s.p[1]));
	CALL(tw, tee, A(s.p[0]), A(s.q[1]), 1, 0);
	CALL(tw, splice, A(s.p[0]), 0, A(s.q[1]), 0, 1, 0);
	CALL(tw, splice, A(s.p[0]), 0, A(s.b), 0, 1, 0);
	set_close(tw, &s);
}

TEST(splice_and_tee_answer_as_the_host)
{
	twin_run(splice_script);
}

static void
copyrange_script(struct twin *tw)
{
	int64_t o = 0, end = INT64_MAX;
	struct set s;

	set_open(tw, &s);
	CALL(tw, copy_file_range, A(s.a), 0, A(s.b), 0, 1, 1);
	CALL(tw, copy_file_range, NOFD, 0, A(s.b), 0, 1, 0);
	CALL(tw, copy_file_range, NOFD, NOWHERE, A(s.b), 0, 1, 1);
	CALL(tw, copy_file_range, A(s.a), NOWHERE, A(s.b), 0, 1, 1);
	CALL(tw, copy_file_range, A(s.a), 0, NOFD, 0, 1, 0);
	CALL(tw, copy_file_range, A(s.p[0]), 0, A(s.b), 0, 1, 0);
	CALL(tw, copy_file_range, A(s.a), 0, A(s.q[1]), 0, 1, 0);
	CALL(tw, copy_file_range, A(s.dir), 0, A(s.b), 0, 1, 0);
	CALL(tw, copy_file_range, A(s.a), 0, A(s.dir), 0, 1, 0);
	CALL(tw, copy_file_range, A(s.a), 0, A(s.app), 0, 1, 0);
	CALL(tw, copy_file_range, A(s.a), 0, A(s.ro), 0, 1, 0);
	CALL(tw, copy_file_range, A(s.app), 0, A(s.b), 0, 1, 0);
	CALL(tw, copy_file_range, A(s.a), A(&o), A(s.a), A(&o), 1, 0);
	CALL(tw, copy_file_range, A(s.a), A(&o), A(s.a), A(&o), 0, 0);
	CALL(tw, copy_file_range, A(s.ev), 0, A(s.b), 0, 1, 0);
	o = 1000;
	CALL(tw, copy_file_range, A(s.a), A(&o), A(s.b), 0, 1, 0);
	o = -1;
	CALL(tw, copy_file_range, A(s.a), A(&o), A(s.b), 0, 1, 0);
	CALL(tw, copy_file_range, A(s.a), A(&o), A(s.b), 0, 0, 0);
	o = 0;
	CALL(tw, copy_file_range, A(s.a), A(&o), A(s.b), A(&end), 10, 0);
	CALL(tw, copy_file_range, A(s.a), A(&end), A(s.b), A(&o), 10, 0);
	CALL(tw, copy_file_range, A(s.a), A(&o), A(s.b), 0, 1000, 0);
	twin_note(tw, "offset", o);
	CALL(tw, lseek, A(s.b), 0, SEEK_CUR);
	CALL(tw, copy_file_range, A(s.a), 0, A(s.b), 0, 30, 0);
	CALL(tw, lseek, A(s.a), 0, SEEK_CUR);
	memset(s.buf, 0, sizeof(s.buf));
	CALL(tw, pread64, A(s.b), A(s.buf), 200, 0);
	for (int i = 0; i < 130; i++)
		twin_note(tw, "byte", s.buf[i]);
	CALL(tw, close, A(s.p[1]));
	set_close(tw, &s);
}

TEST(copy_file_range_answers_as_the_host)
{
	twin_run(copyrange_script);
}

/* --- a chain of pipes, each end of which is somebody's ------------------------- */

#define TOTAL	400000
#define SEEDS	.ht_flags = HARNESS_BOOT, .ht_seeds = 20

struct mover {
	struct rumpuser_thread *thread;
	int	 from, to;
	size_t	 moved;
};

static void
feeder_main(void *arg)
{
	struct mover *m = arg;
	uint8_t buf[7000];

	while (m->moved < TOTAL) {
		size_t n = TOTAL - m->moved < sizeof(buf) ?
		    TOTAL - m->moved : sizeof(buf);

		for (size_t i = 0; i < n; i++)
			buf[i] = (uint8_t)((m->moved + i) % 251);
		if (rump_sys_write(m->to, buf, n) != (ssize_t)n)
			break;
		m->moved += n;
	}
	CHECK_EQ("close", 0, rump_sys_close(m->to));
}

static void
splicer_main(void *arg)
{
	struct mover *m = arg;
	ssize_t n;

	while ((n = rump_sys_splice(m->from, NULL, m->to, NULL, 9999, 0)) > 0)
		m->moved += (size_t)n;
	CHECK_EQ("end", 0, n);
	CHECK_EQ("close", 0, rump_sys_close(m->from));
	CHECK_EQ("close", 0, rump_sys_close(m->to));
}

TEST_WITH(bytes_go_through_a_chain_of_pipes_in_order, SEEDS)
{
	struct mover m[3] = { { 0 } };
	uint8_t buf[5000];
	size_t got = 0, wrong = 0;
	int p[3][2];
	ssize_t n;

	for (int i = 0; i < 3; i++)
		NEED(rump_sys_pipe2(p[i], 0) == 0);
	for (int i = 0; i < 3; i++) {
		m[i].from = i == 0 ? -1 : p[i - 1][0];
		m[i].to = p[i][1];
		NEED(rumpuser_thread_create(i == 0 ? feeder_main : splicer_main,
		    &m[i], "mover", &m[i].thread) == 0);
	}
	while ((n = rump_sys_read(p[2][0], buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			wrong += buf[i] != (uint8_t)((got + (size_t)i) % 251);
		got += (size_t)n;
	}
	CHECK_EQ("all", TOTAL, got);
	CHECK_EQ("wrong bytes", 0, wrong);
	for (int i = 0; i < 3; i++) {
		NEED(rumpuser_thread_join(m[i].thread) == 0);
		CHECK_EQ("moved", TOTAL, m[i].moved);
	}
	CHECK_EQ("close", 0, rump_sys_close(p[2][0]));
}

static int
sweep_tee(const int p[2], const int q[2])
{
	static uint8_t buf[10000];
	ssize_t n, m;

	n = rump_sys_write(p[1], buf, sizeof(buf));
	if (n < 0)
		return errno;
	m = rump_sys_tee(p[0], q[1], sizeof(buf), 0);
	if (m < 0)
		return errno;
	return m == sizeof(buf) ? 0 : ENOMEM;
}

SWEEP(tee_survives_each_failed_allocation, FAULT_MEMORY)
{
	int error = 0, p[2], q[2];

	if (rump_sys_pipe2(p, O_NONBLOCK) != 0)
		return errno;
	if (rump_sys_pipe2(q, O_NONBLOCK) != 0)
		error = errno;
	else {
		error = sweep_tee(p, q);
		(void)rump_sys_close(q[0]);
		(void)rump_sys_close(q[1]);
	}
	(void)rump_sys_close(p[0]);
	(void)rump_sys_close(p[1]);
	return error;
}

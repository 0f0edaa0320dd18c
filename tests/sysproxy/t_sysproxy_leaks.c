/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sysproxy_leaks.c - what a server has after a million operations
 *
 * Clients do by turns all that makes and ends something: files, pipes, sockets, epolls,
 * threads, children, programs, sessions.  After a while everything that is
 * kept has been made, and from then on nothing may become more: descriptors and threads of the server
 * are counted, its memory is measured.  RUMPUS_TESTS=large is the million.
 */

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "harness.h"
#include "start.h"
#include "watch.h"

#define FEW		30000
#define MILLION		1000000
#define NWORKERS	2
#define GROWTH_KB	512		/* half a byte an operation, of the million */

static bool
is_large(void)
{
	const char *text = getenv("RUMPUS_TESTS");

	return text != NULL && strstr(text, "large") != NULL;
}

/* --- operations; each says how many calls it was, 0 if something failed --------------------- */

static unsigned int
op_file(unsigned int n)
{
	char name[32], buf[600] = "text";
	int fd;

	snprintf(name, sizeof(name), "/f%d-%u", (int)getpid(), n % 7);
	fd = rump_sys_open(name, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || rump_sys_write(fd, buf, sizeof(buf)) != sizeof(buf) ||
	    rump_sys_pread(fd, buf, sizeof(buf), 0) != sizeof(buf) || rump_sys_close(fd) != 0 ||
	    rump_sys_unlink(name) != 0)
		return 0;
	return 5;
}

static unsigned int
op_pipe(unsigned int n)
{
	int fd[2], more;

	if (rump_sys_pipe(fd) != 0 || rump_sys_write(fd[1], &n, sizeof(n)) != sizeof(n))
		return 0;
	more = rump_sys_dup(fd[0]);
	if (more < 0 || rump_sys_close(fd[0]) != 0 || rump_sys_close(fd[1]) != 0 ||
	    rump_sys_close(more) != 0)
		return 0;
	return 6;
}

static unsigned int
op_socket(unsigned int n)
{
	int fd[2];
	char c = 'x';

	if (rump_sys_socketpair(AF_UNIX, n & 1 ? SOCK_STREAM : SOCK_DGRAM, 0, fd) != 0 ||
	    rump_sys_send(fd[0], &c, 1, 0) != 1 || rump_sys_recv(fd[1], &c, 1, 0) != 1 ||
	    rump_sys_close(fd[0]) != 0 || rump_sys_close(fd[1]) != 0)
		return 0;
	return 5;
}

static unsigned int
op_epoll(unsigned int n)
{
	struct epoll_event ev = { .events = EPOLLIN }, got;
	int ep = rump_sys_epoll_create1(0), fd = rump_sys_eventfd(1, 0);

	if (ep < 0 || fd < 0 || rump_sys_epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) != 0 ||
	    rump_sys_epoll_wait(ep, &got, 1, 0) != 1)
		return 0;
	/* In either order. */
	return rump_sys_close(n & 1 ? ep : fd) == 0 &&
	    rump_sys_close(n & 1 ? fd : ep) == 0 ? 6 : 0;
}

static unsigned int
op_bell(unsigned int n)
{
	int bell = rumpclient_bell(), fd = rump_sys_eventfd(n & 1, 0);

	if (bell < 0 || fd < 0 || rumpclient_notify(fd, bell) != 0)
		return 0;
	rumpclient_bell_close(bell);
	return rump_sys_close(fd) == 0 ? 4 : 0;
}

static void *
thread_main(void *arg)
{
	return op_pipe(1) != 0 ? arg : NULL;
}

static unsigned int
op_thread(unsigned int n)
{
	pthread_t thread;
	void *good = NULL;

	if (pthread_create(&thread, NULL, thread_main, &n) != 0)
		return 0;
	pthread_join(thread, &good);
	return good != NULL ? 8 : 0;
}

/* A child that ends by itself, is another program, or leaves its things open. */
static unsigned int
op_fork(unsigned int n)
{
	static char program[] = "/bin/true";
	char *const argv[] = { program, NULL };
	int status, fd[2];
	pid_t pid;

	if (rump_sys_pipe(fd) != 0)
		return 0;
	pid = rumpclient_fork();
	if (pid == 0) {
		if (n % 3 == 0)
			(void)rumpclient_exec(program, argv, argv + 1);
		_exit(op_file(n) != 0 ? 0 : 1);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0)
		return 0;
	return rump_sys_close(fd[0]) == 0 && rump_sys_close(fd[1]) == 0 ? 10 : 0;
}

static unsigned int (*const usual[])(unsigned int) = {
	op_file, op_pipe, op_socket, op_epoll,
};

/* A session of so many operations at most, in a process of its own. */
static unsigned int
session(const struct spserver *ss, unsigned int seed, unsigned int nops)
{
	unsigned int done = 0, n = seed, by;

	if (rumpclient_connect(ss->ss_url) != 0)
		return 0;
	for (; done < nops; done += by, n++) {
		if (n % 400 == 399)
			by = op_fork(n / 400);
		else if (n % 50 == 49)
			by = op_thread(n);
		else if (n % 50 == 24)
			by = op_bell(n);
		else
			by = usual[n % ARRAY_SIZE(usual)](n);
		if (by == 0)
			return 0;
	}
	/* The last ones stay open. */
	(void)rump_sys_eventfd(0, 0);
	(void)rump_sys_socket(AF_UNIX, SOCK_STREAM, 0);
	return done;
}

/* NWORKERS at a time. */
static void
operations(const struct spserver *ss, unsigned int total, unsigned int each)
{
	pid_t pids[NWORKERS];
	int status;

	for (unsigned int done = 0; done < total; done += NWORKERS * each) {
		for (unsigned int i = 0; i < NWORKERS; i++) {
			pids[i] = fork();
			NEED(pids[i] != -1);
			if (pids[i] == 0)
				_exit(session(ss, done + 137 * i, each) != 0 ? 0 : 1);
		}
		for (unsigned int i = 0; i < NWORKERS; i++) {
			NEED(waitpid(pids[i], &status, 0) == pids[i]);
			CHECK_EQ("session", 0, status);
		}
	}
}

TEST_WITH(a_million_operations_leave_nothing, .ht_flags = HARNESS_SIDE, .ht_seconds = 900)
{
	unsigned int total = (is_large() ? MILLION : FEW) / HARNESS_SLOWNESS, fds, threads;
	unsigned int each = is_large() ? 10000 : 1500 / HARNESS_SLOWNESS;
	struct spserver ss;
	long before, after;

	spserver_start(&ss);
	fds = spserver_entries(&ss, "fd");
	threads = spserver_entries(&ss, "task");
	operations(&ss, total / 5, each);
	spserver_settle(&ss, fds, threads);
	before = spserver_memory(&ss);
	operations(&ss, total, each);
	spserver_settle(&ss, fds, threads);
	after = spserver_memory(&ss);
	harness_note("%u operations: memory %ld kB before, %ld kB after", total, before, after);
	/* The sanitizers keep what was freed. */
	CHECK(HARNESS_SLOWNESS > 1 || after <= before + GROWTH_KB);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

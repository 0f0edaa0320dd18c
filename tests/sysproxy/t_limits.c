/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_limits.c - how many, how long, and who
 */

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "harness.h"
#include "start.h"

static int
raw_connect(const struct spserver *ss)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *name = strchr(ss->ss_url, '@');
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	NEED(fd != -1);
	memcpy(sun.sun_path + 1, name + 1, len - 1);
	NEED(connect(fd, (struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0);
	return fd;
}

/* What a child that is a client says with its exit status. */
static int
in_child(const struct spserver *ss, int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(rumpclient_connect(ss->ss_url) == 0 ? fn() : 99);
	NEED(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
is_served(void)
{
	return rump_sys_getpid() > 1 ? 0 : 1;
}

/* --- connections ------------------------------------------------------------------ */

TEST(a_connection_that_says_nothing_is_closed)
{
	struct spserver ss;
	char byte;
	int fd[3];

	spserver_start_with(&ss, "sysproxy.hellotime=50");
	for (unsigned int i = 0; i < 3; i++) {
		fd[i] = raw_connect(&ss);
		/* A part of a hello is not one either. */
		if (i > 0)
			NEED(send(fd[i], "RUSP", i, MSG_NOSIGNAL) == (ssize_t)i);
	}
	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ("the end", 0, recv(fd[i], &byte, 1, 0));
		close(fd[i]);
	}
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* More silent ones than are kept: the oldest go, at once, and whoever speaks comes in. */
TEST(silent_connections_keep_nobody_out)
{
	enum { N = 100 };
	struct spserver ss;
	unsigned int closed = 0;
	struct pollfd pfd[N];
	char byte;

	spserver_start_with(&ss, "sysproxy.hellotime=60000");
	for (unsigned int i = 0; i < N; i++)
		pfd[i] = (struct pollfd){ .fd = raw_connect(&ss),
		    .events = POLLIN };
	for (unsigned int i = 0; i < 10; i++)
		CHECK_EQ("an honest client", 0, in_child(&ss, is_served));
	CHECK_EQ("the first is gone", 0, recv(pfd[0].fd, &byte, 1, 0));
	NEED(poll(pfd, N, 0) > 0);
	for (unsigned int i = 0; i < N; i++) {
		closed += pfd[i].revents != 0;
		close(pfd[i].fd);
	}
	CHECK(closed >= N - 64 && closed < N);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(there_are_no_more_clients_than_may_be)
{
	struct spserver ss;
	int fd[2], status;
	char byte = 0;
	pid_t pid;

	spserver_start_with(&ss, "sysproxy.maxclients=1");
	NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	pid = fork();
	if (pid == 0) {
		if (rumpclient_connect(ss.ss_url) != 0 || write(fd[1], "1", 1) != 1 ||
		    read(fd[1], &byte, 1) != 1)
			_exit(1);
		_exit(is_served());
	}
	NEED(read(fd[0], &byte, 1) == 1);
	CHECK_EQ("one too many", 99, in_child(&ss, is_served));
	NEED(write(fd[0], "2", 1) == 1);
	NEED(waitpid(pid, &status, 0) == pid);
	CHECK_EQ("the first", 0, status);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* --- threads ----------------------------------------------------------------------- */

static pthread_barrier_t all_in;

/* The errno of a call that is made while all others have a slot. */
static void *
thread_main(void *arg)
{
	long error = rump_sys_getpid() > 1 ? 0 : errno;

	(void)pthread_barrier_wait(&all_in);
	return (void *)error;
}

/* How many of n threads at a time are served; the others get want. */
static unsigned int
threads_served(unsigned int n, int want)
{
	pthread_t *thread = calloc(n, sizeof(*thread));
	unsigned int served = 0;
	void *error;

	NEED(thread != NULL);
	NEED(pthread_barrier_init(&all_in, NULL, n) == 0);
	for (unsigned int i = 0; i < n; i++)
		NEED(pthread_create(&thread[i], NULL, thread_main, NULL) == 0);
	for (unsigned int i = 0; i < n; i++) {
		NEED(pthread_join(thread[i], &error) == 0);
		if (error == NULL)
			served++;
		else
			CHECK_EQ("errno", want, (long)error);
	}
	(void)pthread_barrier_destroy(&all_in);
	free(thread);
	return served;
}

static void
check_threads(const char *scheme)
{
	struct spserver ss;

	NEED(setenv("RUMP_TEST_SCHEME", scheme, 1) == 0);
	spserver_start_with(&ss, "sysproxy.maxthreads=5");
	NEED(rumpclient_connect(ss.ss_url) == 0);
	CHECK_EQ("limited", 5, threads_served(9, EAGAIN));
	/* They are given back, so that others may have them. */
	while (rump_sys_getpid() == -1)
		CHECK_EQ("errno", EAGAIN, errno);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(threads_beyond_the_limit_are_told_to_try_again)
{
	check_threads("unix");
}

TEST(threads_beyond_the_limit_of_streams_are_told_to_try_again)
{
	check_threads("unix+stream");
}

static void
check_many(const char *scheme)
{
	struct spserver ss;

	NEED(setenv("RUMP_TEST_SCHEME", scheme, 1) == 0);
	spserver_start(&ss);
	NEED(rumpclient_connect(ss.ss_url) == 0);
	CHECK_EQ("served", 200, threads_served(200, 0));
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(two_hundred_threads_have_a_channel_each)
{
	check_many("unix");
}

TEST(two_hundred_threads_have_a_connection_each)
{
	check_many("unix+stream");
}

/* --- who --------------------------------------------------------------------------- */

static int
uid_inside(void)
{
	return rump_sys_getuid() == 1234 && rump_sys_geteuid() == 1234 &&
	    rump_sys_getgid() == 56 ? 0 : 1;
}

static int
uid_is_root(void)
{
	return rump_sys_getuid() == 0 && rump_sys_getgid() == 0 ? 0 : 1;
}

TEST(the_map_says_who_a_user_is_inside)
{
	static const char *const maps[] = { "%u:1234:56", "*:1234:56",
	    "4294967294:7 %u:1234:56", "%u:1234:56,*:8" };
	struct spserver ss;
	char text[128];

	for (unsigned int i = 0; i < ARRAY_SIZE(maps); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		int n = snprintf(text, sizeof(text), maps[i], (unsigned int)getuid());
#pragma GCC diagnostic pop
		char set[160];

		NEED(n > 0 && (size_t)n < sizeof(text));
		snprintf(set, sizeof(set), "sysproxy.uidmap=%s", text);
		spserver_start_with(&ss, set);
		CHECK_EQ(maps[i], 0, in_child(&ss, uid_inside));
		CHECK_EQ("server", 0, spserver_stop(&ss));
	}
	/* The server's own user, without a map and with one for somebody else. */
	spserver_start(&ss);
	CHECK_EQ("none", 0, in_child(&ss, uid_is_root));
	CHECK_EQ("server", 0, spserver_stop(&ss));
	spserver_start_with(&ss, "sysproxy.uidmap=remote:1234");
	CHECK_EQ("another's", 0, in_child(&ss, uid_is_root));
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* --- bells and a server that is started again ------------------------------------------ */

static void
check_bell(const char *scheme)
{
	struct pollfd pfd[2];
	struct spserver ss;
	uint64_t token;
	int bell, fd[2];

	NEED(setenv("RUMP_TEST_SCHEME", scheme, 1) == 0);
	spserver_start(&ss);
	NEED(rumpclient_connect(ss.ss_url) == 0);
	CHECK_EQ("policy", 0, rumpclient_setconnretry(10));
	bell = rumpclient_bell();
	NEED(bell >= 0);
	NEED(rump_sys_pipe(fd) == 0);
	pfd[0] = (struct pollfd){ .fd = fd[0], .events = POLLIN };
	CHECK_EQ("arm", 0, rumpclient_poll_arm(pfd, 1, bell));
	spserver_kill(&ss);
	/* Who waits for it is not left to wait for ever. */
	pfd[1] = (struct pollfd){ .fd = bell, .events = POLLIN };
	CHECK_EQ("woken", 1, poll(&pfd[1], 1, -1));
	CHECK_EQ("nobody", -ENOTCONN, rumpclient_poll_arm(pfd, 1, bell));
	spserver_start_at(&ss, ss.ss_url);
	/* The first call connects. */
	CHECK(rump_sys_getpid() > 1);
	NEED(rump_sys_pipe(fd) == 0);
	pfd[0] = (struct pollfd){ .fd = fd[0], .events = POLLIN };
	CHECK_EQ("arm", 0, rumpclient_poll_arm(pfd, 1, bell));
	CHECK_EQ("silent", 0, poll(&pfd[1], 1, 0));
	CHECK_EQ("write", 1, rump_sys_write(fd[1], "x", 1));
	CHECK_EQ("rings", 1, poll(&pfd[1], 1, -1));
	CHECK_EQ("token", sizeof(token), read(bell, &token, sizeof(token)));
	CHECK_EQ("ready", 1, rumpclient_poll_arm(pfd, 1, bell));
	rumpclient_bell_close(bell);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(a_bell_rings_for_a_server_that_was_found_again)
{
	check_bell("unix");
}

TEST(a_bell_of_a_stream_rings_for_a_server_that_was_found_again)
{
	check_bell("unix+stream");
}

/* --- an end that is announced ------------------------------------------------------------ */

static void
check_stopping(const char *scheme)
{
	int left, fd[2], go[2], status = 0;
	struct spserver ss;
	pid_t late;
	char byte;

	NEED(setenv("RUMP_TEST_SCHEME", scheme, 1) == 0);
	spserver_start(&ss);
	NEED(pipe(go) == 0);
	late = fork();
	if (late == 0)
		_exit(read(go[0], &byte, 1) == 1 &&
		    rumpclient_connect(ss.ss_url) == -1 ? errno : 0);
	NEED(rumpclient_connect(ss.ss_url) == 0);
	NEED(rump_sys_pipe(fd) == 0);
	CHECK_EQ("nothing was said", -1, rumpclient_stopping());
	NEED(write(ss.ss_stdin, "s", 1) == 1);
	while ((left = rumpclient_stopping()) == -1)
		(void)rump_sys_getpid();
	CHECK(left > 0 && left <= 100);
	/* Who is in may go on, also with requests; nobody new comes. */
	CHECK(rump_sys_getpid() > 1);
	CHECK_EQ("bell", 0, close(rumpclient_bell()));
	NEED(write(go[1], "g", 1) == 1 && waitpid(late, &status, 0) == late);
	CHECK_EQ("one more", ESHUTDOWN, WEXITSTATUS(status));
	CHECK_EQ("server", 0, spserver_stop(&ss));
	CHECK_EQ("write", -1, rump_sys_write(fd[1], "x", 1));
	CHECK_EQ("what was open", ECONNRESET, errno);
	CHECK_EQ("getpid", -1, rump_sys_getpid());
	CHECK_EQ("all else", ENOTCONN, errno);
}

TEST(clients_are_told_that_the_server_stops)
{
	check_stopping("unix");
}

TEST(clients_over_streams_are_told_that_the_server_stops)
{
	check_stopping("unix+stream");
}

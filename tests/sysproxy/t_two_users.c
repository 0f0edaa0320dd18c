/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_two_users.c - two users of the host, one of whom wants everything
 *
 * Processes of two uids: one fills his places, with clients, threads and
 * silent connections, and stays; the other one is served as if he were alone.
 */

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "harness.h"
#include "raw.h"
#include "start.h"

#define GREEDY	54321
#define OTHER	54322

/* A user's process; it says a number and stays until we have closed our end. */
struct person {
	pid_t	 pe_pid;
	int	 pe_fd;
};

static void
become(uid_t uid)
{
	if (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		_exit(98);
}

/* What fn says. */
static int
person_start(struct person *pe, const struct spserver *ss, uid_t uid,
    int (*fn)(const struct spserver *))
{
	int pair[2], said = -1, go;

	NEED(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	pe->pe_pid = fork();
	NEED(pe->pe_pid != -1);
	if (pe->pe_pid == 0) {
		close(pair[0]);
		become(uid);
		said = fn(ss);
		if (write(pair[1], &said, sizeof(said)) != sizeof(said))
			_exit(1);
		_exit(read(pair[1], &go, 1) == 0 ? 0 : 1);
	}
	close(pair[1]);
	pe->pe_fd = pair[0];
	NEED(read(pe->pe_fd, &said, sizeof(said)) == sizeof(said));
	return said;
}

static void
person_end(struct person *pe)
{
	int status;

	/* Those who came later have a copy. */
	NEED(shutdown(pe->pe_fd, SHUT_RDWR) == 0);
	close(pe->pe_fd);
	NEED(waitpid(pe->pe_pid, &status, 0) == pe->pe_pid);
	CHECK_EQ("a user's process", 0, status);
}

/* 0: served. */
static int
served(const struct spserver *ss)
{
	if (rumpclient_connect(ss->ss_url) != 0)
		return errno;
	return rump_sys_getpid() > 1 ? 0 : 1000 + errno;
}

/* How many clients came in, until one was told that it was one too many. */
static int
many_clients(const struct spserver *ss)
{
	struct sp_hello h;
	int n = 0, error;

	hello_good(&h);
	while ((error = hello_say(raw_connect(ss), &h, NULL)) == 0 && n < 100)
		n++;
	return error == EAGAIN ? n : -error;
}

/* Of one client. */
static int
many_threads(const struct spserver *ss)
{
	struct sp_ctl ctl = { .c_op = SP_SLOT_OPEN };
	int fd = raw_connect(ss), n = 0;
	struct sp_hello h;

	hello_good(&h);
	if (hello_say(fd, &h, NULL) != 0)
		return -1;
	do {
		if (send(fd, &ctl, sizeof(ctl), MSG_NOSIGNAL) != sizeof(ctl) ||
		    recv(fd, &ctl, sizeof(ctl), MSG_WAITALL) != sizeof(ctl))
			return -2;
		n += ctl.c_error == 0;
	} while (ctl.c_error == 0 && n < 100);
	return ctl.c_error == EAGAIN ? n : -ctl.c_error;
}

static int
many_silent(const struct spserver *ss)
{
	for (unsigned int i = 0; i < 200; i++)
		(void)raw_connect(ss);
	return 200;
}

static void
check_fair(const char *variable, int (*fn)(const struct spserver *), int want)
{
	struct person greedy, other, late;
	struct spserver ss;

	spserver_start_with(&ss, variable);
	CHECK_EQ("what one user got", want, person_start(&greedy, &ss, GREEDY, fn));
	CHECK_EQ("another is served", 0, person_start(&other, &ss, OTHER, served));
	CHECK_EQ("and a third process", 0, person_start(&late, &ss, OTHER, served));
	person_end(&other);
	person_end(&late);
	person_end(&greedy);
	/* It is given back, at the latest when the server finds out. */
	while (person_start(&greedy, &ss, GREEDY, served) != 0)
		person_end(&greedy);
	person_end(&greedy);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

#define NEED_ROOT()	do {						\
	if (geteuid() != 0)						\
		SKIP("needs root: it becomes other users");		\
} while (0)

TEST(a_user_with_many_clients_leaves_room_for_others)
{
	NEED_ROOT();
	check_fair("sysproxy.usermaxclients=5", many_clients, 5);
}

TEST(a_user_with_as_many_clients_as_all_may_have_leaves_room)
{
	NEED_ROOT();
	check_fair("sysproxy.maxclients=16", many_clients, 12);
}

TEST(a_user_with_many_threads_leaves_room_for_others)
{
	NEED_ROOT();
	check_fair("sysproxy.usermaxchannels=7", many_threads, 7);
}

TEST(a_user_with_many_silent_connections_leaves_room_for_others)
{
	NEED_ROOT();
	check_fair("sysproxy.hellotime=60000", many_silent, 200);
}

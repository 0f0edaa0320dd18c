/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sysproxy_stop.c - clients that are stopped (SIGSTOP) at each step of the protocol
 *
 * A stopped process keeps its connections and its memory and does nothing more: it does not
 * read, answer or end.  At each step others connect, call and end as before;
 * and when it is killed at last, what it had is given back.
 */

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <asm/unistd.h>
#include <rump/rump_syscalls.h>

#include "harness.h"
#include "raw.h"
#include "start.h"

#define A(x)	((unsigned long)(x))
#define UNREAD	4096		/* requests whose answers nobody reads */

/* In the process that will be stopped. */
static struct rawclient rc;
static const struct spserver *server;

static void
say_part_of_hello(void)
{
	struct sp_hello h;

	hello_good(&h);
	NEED(send(raw_connect(server), &h, 50, 0) == 50);
}

static void
say_hello_only(void)
{
	struct sp_hello h;

	hello_good(&h);
	NEED(send(raw_connect(server), &h, sizeof(h), 0) == sizeof(h));
}

static void
connect_only(void)
{
	(void)raw_connect(server);
}

static void
have_slot(void)
{
	raw_open(server, &rc);
}

static void
say_part_of_request(void)
{
	struct sp_ctl ctl = { .c_op = SP_PREFORK };

	raw_open(server, &rc);
	NEED(send(rc.rc_fd, &ctl, 10, 0) == 10);
}

/* Asks and asks, and does not listen: until there is no room. */
static void
read_no_answers(void)
{
	struct sp_ctl ctl = { .c_op = SP_FORK_CANCEL };

	raw_open(server, &rc);
	for (unsigned int i = 0; i < UNREAD; i++) {
		if (send(rc.rc_fd, &ctl, sizeof(ctl), MSG_DONTWAIT) != sizeof(ctl))
			return;
	}
}

/* The server has asked for memory. */
static void
owe_an_answer(void)
{
	static char name[] = "f";

	raw_open(server, &rc);
	raw_call(&rc, __NR_memfd_create, A(name), 0, 0, 0);
	NEED(raw_wait(&rc) && rc.rc_slot->sl_msg.m_type == SP_COPYINSTR);
}

/* The server sleeps in a call of ours. */
static void
sleep_in_a_call(void)
{
	static int fds[2];

	raw_open(server, &rc);
	NEED(raw_syscall(&rc, __NR_pipe, A(fds), 0, 0, 0) == 0);
	raw_call(&rc, __NR_read, A(fds[0]), A(fds), 1, 0);
}

/* It has replied, and we have not looked. */
static void
leave_a_reply(void)
{
	raw_open(server, &rc);
	raw_call(&rc, __NR_getpid, 0, 0, 0, 0);
	NEED(raw_wait(&rc));
}

/* Signals are pending and nobody takes them: a pipe that nobody reads. */
static void
take_no_signals(void)
{
	static int fds[2];
	static char byte;

	raw_open(server, &rc);
	NEED(raw_syscall(&rc, __NR_pipe, A(fds), 0, 0, 0) == 0);
	NEED(raw_syscall(&rc, __NR_close, A(fds[0]), 0, 0, 0) == 0);
	for (unsigned int i = 0; i < 1000; i++)
		CHECK_EQ("write", -EPIPE, raw_syscall(&rc, __NR_write, A(fds[1]), A(&byte), 1, 0));
}

/* Another program goes on, but says nothing. */
static void
execute(void)
{
	struct sp_ctl ctl = { .c_op = SP_EXECUTED };

	raw_open(server, &rc);
	NEED(send(rc.rc_fd, &ctl, sizeof(ctl), 0) == sizeof(ctl));
}

/* A ticket that nobody shows. */
static void
prefork(void)
{
	struct sp_ctl ctl = { .c_op = SP_PREFORK };

	raw_open(server, &rc);
	NEED(send(rc.rc_fd, &ctl, sizeof(ctl), 0) == sizeof(ctl));
	NEED(recv(rc.rc_fd, &ctl, sizeof(ctl), MSG_WAITALL) == sizeof(ctl) && ctl.c_error == 0);
}

static const struct {
	const char	*name;
	void		(*step)(void);
} steps[] = {
	{ "connected", connect_only },
	{ "a part of its hello", say_part_of_hello },
	{ "its hello", say_hello_only },
	{ "a slot", have_slot },
	{ "a part of a request", say_part_of_request },
	{ "answers that it does not read", read_no_answers },
	{ "a question to it", owe_an_answer },
	{ "a call that sleeps", sleep_in_a_call },
	{ "a reply", leave_a_reply },
	{ "signals", take_no_signals },
	{ "an exec", execute },
	{ "a ticket", prefork },
};

static bool
is_served(void *arg)
{
	return rump_sys_getpid() > 1;
}

/* A process that did this and is stopped. */
static pid_t
stopped(void (*step)(void))
{
	int status;
	pid_t pid = fork();

	NEED(pid != -1);
	if (pid == 0) {
		/* By its end the server is told to end. */
		close(server->ss_stdin);
		step();
		(void)raise(SIGSTOP);
		_exit(1);
	}
	NEED(waitpid(pid, &status, WUNTRACED) == pid);
	NEED(WIFSTOPPED(status));
	return pid;
}

static void
kill_stopped(pid_t pid)
{
	int status;

	NEED(kill(pid, SIGKILL) == 0);
	NEED(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

TEST(a_client_that_is_stopped_anywhere_holds_up_nobody)
{
	struct rawclient other;
	struct spserver ss;
	pid_t pid;

	spserver_start(&ss);
	server = &ss;
	raw_open(&ss, &other);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		pid = stopped(steps[i].step);
		/* Who is there, and who comes. */
		CHECK(raw_syscall(&other, __NR_getpid, 0, 0, 0, 0) > 1);
		if (!CHECK(honest_does(&ss, is_served, NULL)))
			harness_note("stopped with %s", steps[i].name);
		kill_stopped(pid);
	}
	raw_close(&other);
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* All of them at once, and then the server ends although they do not. */
TEST(a_server_ends_although_its_clients_are_stopped)
{
	pid_t pid[ARRAY_SIZE(steps)];
	struct spserver ss;

	spserver_start(&ss);
	server = &ss;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		pid[i] = stopped(steps[i].step);
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		kill_stopped(pid[i]);
}

/* The memory is the server's, and sealed: whoever has it can only use it. */
TEST(memory_that_was_handed_over_stays_as_it_is)
{
	struct spserver ss;
	struct sp_hello h;
	int fd, memfd = -1;

	spserver_start(&ss);
	fd = raw_connect(&ss);
	hello_good(&h);
	NEED(hello_say(fd, &h, &memfd) == 0);
	CHECK_EQ("shrink", -1, ftruncate(memfd, 4096));
	CHECK_EQ("errno", EPERM, errno);
	CHECK_EQ("grow", -1, ftruncate(memfd, (off_t)SP_REGIONSIZE + 4096));
	CHECK_EQ("errno", EPERM, errno);
	CHECK_EQ("no more seals", -1, fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE));
	CHECK_EQ("errno", EPERM, errno);
	/* Holes are memory of zeroes: a slot without a thread. */
	CHECK_EQ("punch", 0, fallocate(memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
	    (off_t)SP_REGIONSIZE));
	honest(&ss);
	close(memfd);
	close(fd);
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

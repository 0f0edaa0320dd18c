/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_fasync.c - signals that tell of a file's events, beside the host's
 *
 * Signals are blocked and asked for: a signal that was sent is there once the call
 * that caused it has returned, at the host, and a moment later here.
 */

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <harness.h>

#include "twin.h"

#define PATIENCE	20	/* s, for what comes at once */
#define OWN		(SIGRTMIN + 1)
#define STREAM		A(AF_UNIX), A(SOCK_STREAM | SOCK_NONBLOCK)

static sigset_t all;

static void
signals_block(void)
{
	(void)sigemptyset(&all);
	(void)sigaddset(&all, SIGIO);
	(void)sigaddset(&all, SIGURG);
	(void)sigaddset(&all, OWN);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
}

static long
raw(struct twin *tw, long nr, unsigned long a, unsigned long b, unsigned long c)
{
	return twin_raw(tw, nr, TWIN_ARGS(a, b, c));
}

/* The signal that came, described; the next one. */
static int
await(siginfo_t *info)
{
	struct timespec ts = { .tv_sec = PATIENCE };

	return sigtimedwait(&all, info, &ts);
}

/* None is under way: the last one was waited for, and what follows it would be here. */
static void
none(const char *what)
{
	struct timespec ts = { 0, 0 };
	siginfo_t info;

	CHECK_EQ(what, -1, sigtimedwait(&all, &info, &ts));
}

static void
begin(struct twin *tw, int sv[2])
{
	signals_block();
	NEED(twin_raw(tw, SYS_socketpair, TWIN_ARGS(STREAM, 0, A(sv))) == 0);
}

static void
end(struct twin *tw, const int sv[2])
{
	raw(tw, SYS_close, (unsigned long)sv[0], 0, 0);
	raw(tw, SYS_close, (unsigned long)sv[1], 0, 0);
}

/* Of fd; the owner is this process. */
static void
async(struct twin *tw, int fd)
{
	long pid = raw(tw, SYS_getpid, 0, 0, 0);

	CHECK_EQ("F_SETOWN", 0, raw(tw, SYS_fcntl, (unsigned long)fd, F_SETOWN,
	    (unsigned long)pid));
	CHECK_EQ("O_ASYNC", 0, raw(tw, SYS_fcntl, (unsigned long)fd, F_SETFL,
	    O_ASYNC | O_NONBLOCK));
	CHECK_EQ("it is set", O_ASYNC, raw(tw, SYS_fcntl, (unsigned long)fd, F_GETFL, 0) & O_ASYNC);
}

static void
plain_body(struct twin *tw)
{
	siginfo_t info;
	int sv[2], on = 0;
	char c;

	begin(tw, sv);
	async(tw, sv[0]);
	none("nothing has come yet");
	CHECK_EQ("write", 1, raw(tw, SYS_write, (unsigned long)sv[1], A("x"), 1));
	CHECK_EQ("SIGIO", SIGIO, await(&info));
	CHECK_EQ("read", 1, raw(tw, SYS_read, (unsigned long)sv[0], A(&c), 1));
	CHECK_EQ("again", 1, raw(tw, SYS_write, (unsigned long)sv[1], A("x"), 1));
	CHECK_EQ("SIGIO", SIGIO, await(&info));
	CHECK_EQ("off", 0, raw(tw, SYS_ioctl, (unsigned long)sv[0], FIOASYNC, A(&on)));
	CHECK_EQ("it is off", 0, raw(tw, SYS_fcntl, (unsigned long)sv[0], F_GETFL, 0) & O_ASYNC);
	CHECK_EQ("write", 1, raw(tw, SYS_write, (unsigned long)sv[1], A("x"), 1));
	none("nobody wants to know");
	on = 1;
	CHECK_EQ("on", 0, raw(tw, SYS_ioctl, (unsigned long)sv[0], FIOASYNC, A(&on)));
	CHECK_EQ("write", 1, raw(tw, SYS_write, (unsigned long)sv[1], A("x"), 1));
	CHECK_EQ("SIGIO", SIGIO, await(&info));
	end(tw, sv);
}

/* With F_SETSIG it is told which descriptor, and what about it. */
static void
setsig_body(struct twin *tw)
{
	siginfo_t info;
	int sv[2];

	begin(tw, sv);
	CHECK_EQ("F_SETSIG", 0, raw(tw, SYS_fcntl, (unsigned long)sv[0], F_SETSIG,
	    (unsigned long)OWN));
	async(tw, sv[0]);
	CHECK_EQ("write", 1, raw(tw, SYS_write, (unsigned long)sv[1], A("x"), 1));
	CHECK_EQ("its signal", OWN, await(&info));
	/* Only a kernel of the host's may say POLL_IN. */
	CHECK_EQ("si_code", tw->tw_host ? POLL_IN : SI_SIGIO, info.si_code);
	CHECK_EQ("si_fd", sv[0], info.si_fd);
	CHECK_EQ("si_band", POLLIN | POLLRDNORM, info.si_band);
	end(tw, sv);
}

/* Urgent data is told of without O_ASYNC, too. */
static void
urgent_body(struct twin *tw)
{
	siginfo_t info;
	int sv[2];
	long pid;

	begin(tw, sv);
	pid = raw(tw, SYS_getpid, 0, 0, 0);
	CHECK_EQ("SIOCSPGRP", 0, raw(tw, SYS_ioctl, (unsigned long)sv[0], SIOCSPGRP,
	    A(&(int){ (int)pid })));
	CHECK_EQ("send", 1, twin_raw(tw, SYS_sendto, TWIN_ARGS(A(sv[1]), A("u"), 1, MSG_OOB, 0, 0)));
	CHECK_EQ("SIGURG", SIGURG, await(&info));
	CHECK_EQ("write", 1, raw(tw, SYS_write, (unsigned long)sv[1], A("x"), 1));
	none("plain data is not told of");
	end(tw, sv);
}

static void
pipe_body(struct twin *tw)
{
	siginfo_t info;
	int p[2];

	signals_block();
	NEED(twin_raw(tw, SYS_pipe2, TWIN_ARGS(A(p), O_NONBLOCK)) == 0);
	async(tw, p[0]);
	CHECK_EQ("write", 1, raw(tw, SYS_write, (unsigned long)p[1], A("x"), 1));
	CHECK_EQ("SIGIO", SIGIO, await(&info));
	raw(tw, SYS_close, (unsigned long)p[1], 0, 0);
	CHECK_EQ("the end, too", SIGIO, await(&info));
	raw(tw, SYS_close, (unsigned long)p[0], 0, 0);
}

/* Nobody is told before there is an owner, nor of what has none. */
static void
owner_body(struct twin *tw)
{
	int sv[2], on = 1, ev;

	begin(tw, sv);
	CHECK_EQ("O_ASYNC", 0, raw(tw, SYS_fcntl, (unsigned long)sv[0], F_SETFL,
	    O_ASYNC | O_NONBLOCK));
	CHECK_EQ("write", 1, raw(tw, SYS_write, (unsigned long)sv[1], A("x"), 1));
	none("it has no owner");
	CHECK_EQ("nobody has that number", -ESRCH, raw(tw, SYS_fcntl, (unsigned long)sv[0],
	    F_SETOWN, 4194303));
	end(tw, sv);
	ev = (int)twin_raw(tw, SYS_eventfd2, TWIN_ARGS(0, 0));
	CHECK_EQ("eventfd: FIOASYNC", -ENOTTY, raw(tw, SYS_ioctl, (unsigned long)ev, FIOASYNC,
	    A(&on)));
	CHECK_EQ("eventfd: O_ASYNC", 0, raw(tw, SYS_fcntl, (unsigned long)ev, F_SETFL, O_ASYNC));
	CHECK_EQ("is not kept", 0, raw(tw, SYS_fcntl, (unsigned long)ev, F_GETFL, 0) & O_ASYNC);
	raw(tw, SYS_close, (unsigned long)ev, 0, 0);
}

TEST(data_that_comes_is_told_of_by_sigio)
{
	twin_run(plain_body);
}

TEST(a_signal_of_ones_choice_says_which_descriptor)
{
	twin_run(setsig_body);
}

TEST(urgent_data_is_told_of_to_the_owner)
{
	twin_run(urgent_body);
}

TEST(both_the_data_and_the_end_of_a_pipe_are_told_of)
{
	twin_run(pipe_body);
}

TEST(without_an_owner_nobody_is_told)
{
	twin_run(owner_body);
}

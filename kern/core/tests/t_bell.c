/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_bell.c - who waits outside is told that a file may be ready
 */

#include <abi/sysargs.h>
#include <linux/poll.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/proc.h>

#include <harness.h>

#include "bell.h"

#define FD	77

static unsigned int rung;

static void
ring(int fd)
{
	CHECK_EQ("bell", FD, fd);
	rung++;
}

static int
event_new(void)
{
	long fd;

	NEED(sys_eventfd2(curlwp(), 0, 0, &fd) == 0);
	return (int)fd;
}

static void
post(int fd)
{
	uint64_t one = 1;
	long n;

	CHECK_EQ("write", 0, sys_write(curlwp(), fd, &one, sizeof(one), &n));
}

TEST(a_bell_rings_whenever_a_file_may_be_ready)
{
	struct bell *b;
	int fd = event_new();

	rung = 0;
	NEED(bell_create(ring, FD, &b) == 0);
	CHECK_EQ("watch", 0, bell_watch(b, fd));
	rung = 0;
	post(fd);
	CHECK_EQ("first", 1, rung);
	post(fd);
	CHECK_EQ("again, though nobody looked", 2, rung);
	bell_unwatch(b, fd);
	post(fd);
	CHECK_EQ("not any more", 2, rung);
	CHECK_EQ("watch", 0, bell_watch(b, fd));
	rung = 0;
	CHECK_EQ("close", 0, fd_close(fd));
	CHECK_EQ("nothing to watch", EBADF, bell_watch(b, fd));
	bell_rele(b);
}

TEST(an_armed_bell_rings_for_what_was_asked)
{
	struct pollfd pf[2];
	struct bell *b;
	long ready;

	rung = 0;
	NEED(bell_create(ring, FD, &b) == 0);
	pf[0] = (struct pollfd){ .fd = event_new(), .events = POLLIN };
	pf[1] = (struct pollfd){ .fd = event_new(), .events = POLLIN };
	ready = 0;
	CHECK_EQ("arm", 0, bell_arm(b, pf, 2, &ready));
	CHECK_EQ("none", 0, ready);
	CHECK_EQ("silent", 0, rung);
	post(pf[1].fd);
	CHECK(rung > 0);
	CHECK_EQ("arm", 0, bell_arm(b, pf, 2, &ready));
	CHECK_EQ("one", 1, ready);
	CHECK_EQ("not this", 0, pf[0].revents);
	CHECK_EQ("this", POLLIN, pf[1].revents);
	rung = 0;
	post(pf[0].fd);
	CHECK_EQ("was not armed", 0, rung);
	pf[0].events = POLLPRI;
	CHECK_EQ("arm", 0, bell_arm(b, pf, 1, &ready));
	CHECK_EQ("none", 0, ready);
	CHECK_EQ("forget", 0, bell_arm(b, NULL, 0, &ready));
	post(pf[0].fd);
	CHECK_EQ("forgotten", 0, rung);
	(void)fd_close(pf[0].fd);
	(void)fd_close(pf[1].fd);
	bell_rele(b);
}

TEST(arming_a_closed_descriptor_says_so)
{
	struct pollfd pf = { .fd = 1000, .events = POLLIN };
	struct bell *b;
	long ready = 0;

	NEED(bell_create(ring, FD, &b) == 0);
	CHECK_EQ("arm", 0, bell_arm(b, &pf, 1, &ready));
	CHECK_EQ("ready", 1, ready);
	CHECK_EQ("what", POLLNVAL, pf.revents);
	bell_rele(b);
}

static int gone;

static void
bell_gone(int fd)
{
	gone += fd == FD;
}

TEST(a_bell_keeps_its_descriptor_until_nobody_can_ring_it)
{
	struct bell *b;
	int fd = event_new();

	gone = 0;
	NEED(bell_create(ring, FD, &b) == 0);
	bell_own(b, bell_gone);
	CHECK_EQ("watch", 0, bell_watch(b, fd));
	bell_hold(b);
	/* Who has it forgets it while somebody arms it. */
	bell_rele(b);
	CHECK_EQ("still there", 0, gone);
	rung = 0;
	post(fd);
	CHECK_EQ("rings", 1, rung);
	bell_rele(b);
	CHECK_EQ("gone", 1, gone);
	CHECK_EQ("close", 0, fd_close(fd));
}

static int
ring_sweep(void)
{
	struct bell *b;
	int error;

	error = bell_create(ring, FD, &b);
	if (error)
		return error;
	bell_rele(b);
	return 0;
}

TEST(bells_survive_each_failed_allocation)
{
	fault_sweep(FAULT_MEMORY, ring_sweep);
}

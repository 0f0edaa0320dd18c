/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_crowd.c - many clients at one server, and clients that come and go
 *
 * What the server holds is counted from outside: its descriptors and its memory, as the host sees
 * them.  RUMPUS_TESTS=large makes the numbers those that count for a day.
 */

#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "harness.h"
#include "start.h"
#include "watch.h"

#define NWORKERS	3

static unsigned int
many(unsigned int few, unsigned int large)
{
	const char *text = getenv("RUMPUS_TESTS");

	return text != NULL && strstr(text, "large") != NULL ? large : few;
}

/* We are a client, and make calls until those who ended are forgotten. */
static void
settle(const struct spserver *ss, unsigned int fds)
{
	while (spserver_entries(ss, "fd") > fds)
		(void)rump_sys_getpid();
}

/* --- clients ---------------------------------------------------------------------------- */

static bool
round_trip(unsigned int n)
{
	int fd[2];
	unsigned int got = ~n;
	bool good;

	if (rump_sys_pipe(fd) != 0)
		return false;
	good = rump_sys_write(fd[1], &n, sizeof(n)) == sizeof(n) &&
	    rump_sys_read(fd[0], &got, sizeof(got)) == sizeof(got) && got == n;
	return rump_sys_close(fd[0]) == 0 && rump_sys_close(fd[1]) == 0 && good;
}

/* A process that becomes a client by itself and does as fn says; its exit status is 0 if fn is true. */
static pid_t
client(const struct spserver *ss, bool (*fn)(void *), void *arg)
{
	pid_t pid = fork();

	NEED(pid != -1);
	if (pid == 0) {
		/* The session that we have a copy of is our parent's. */
		_exit(rumpclient_connect(ss->ss_url) == 0 && fn(arg) ? 0 : 1);
	}
	return pid;
}

static int
status_of(pid_t pid)
{
	int status;

	NEED(waitpid(pid, &status, 0) == pid);
	return status;
}

struct crowd {
	int	 cr_ready[2], cr_go[2];		/* of the host */
};

static bool
one_of_many(void *arg)
{
	struct crowd *cr = arg;
	bool good = round_trip((unsigned int)getpid());
	char c = 'r';

	close(cr->cr_go[1]);
	good = write(cr->cr_ready[1], &c, 1) == 1 && good;
	(void)!read(cr->cr_go[0], &c, 1);	/* until all are here */
	return good && round_trip(1);
}

TEST(a_crowd_is_served_at_once)
{
	unsigned int n = 500 / HARNESS_SLOWNESS;
	struct spserver ss;
	struct crowd cr;
	unsigned int fds;
	pid_t *pids;
	char c;

	pids = calloc(n, sizeof(pids[0]));
	NEED(pids != NULL && pipe(cr.cr_ready) == 0 && pipe(cr.cr_go) == 0);
	spserver_start(&ss);
	fds = spserver_entries(&ss, "fd") + 3;		/* ours, later */
	for (unsigned int i = 0; i < n; i++)
		pids[i] = client(&ss, one_of_many, &cr);
	close(cr.cr_ready[1]);
	for (unsigned int i = 0; i < n; i++)
		CHECK_EQ("one more", 1, read(cr.cr_ready[0], &c, 1));
	close(cr.cr_go[1]);
	for (unsigned int i = 0; i < n; i++)
		CHECK_EQ("client", 0, status_of(pids[i]));
	NEED(rumpclient_connect(ss.ss_url) == 0);
	settle(&ss, fds);
	CHECK_EQ("server", 0, spserver_stop(&ss));
	close(cr.cr_ready[0]);
	close(cr.cr_go[0]);
	free(pids);
}

static bool
works_until(void *arg)
{
	volatile bool *stop = arg;
	unsigned int n = 0;

	while (!*stop) {
		if (!round_trip(n++))
			return false;
	}
	return n > 0;
}

/* Never ends by itself. */
static bool
victim(void *arg)
{
	char name[32];

	(void)arg;
	snprintf(name, sizeof(name), "/v%d", (int)getpid());
	for (unsigned int n = 0;; n++) {
		int fd = rump_sys_open(name, O_RDWR | O_CREAT, 0600);

		if (fd < 0 || !round_trip(n))
			return false;
		(void)rump_sys_write(fd, name, sizeof(name));
		(void)rump_sys_close(fd);
		(void)rump_sys_unlink(name);
	}
}

TEST(clients_are_killed_while_others_work)
{
	unsigned int n = many(100, 1000) / HARNESS_SLOWNESS, seed = 1;
	pid_t workers[NWORKERS], pid;
	struct spserver ss;
	unsigned int fds;
	bool *stop;

	stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(stop != MAP_FAILED);
	spserver_start(&ss);
	fds = spserver_entries(&ss, "fd") + 3;
	for (unsigned int i = 0; i < NWORKERS; i++)
		workers[i] = client(&ss, works_until, stop);
	for (unsigned int i = 0; i < n; i++) {
		pid = client(&ss, victim, NULL);
		seed = seed * 1103515245 + 12345;
		wait_a_while((seed >> 16 & 0x7f) * 100);
		kill(pid, SIGKILL);
		CHECK_EQ("killed", SIGKILL, WTERMSIG(status_of(pid)));
	}
	*stop = true;
	for (unsigned int i = 0; i < NWORKERS; i++)
		CHECK_EQ("worker", 0, status_of(workers[i]));
	NEED(rumpclient_connect(ss.ss_url) == 0);
	settle(&ss, fds);
	CHECK_EQ("server", 0, spserver_stop(&ss));
	munmap(stop, 4096);
}

static bool
waits_for_ever(void *arg)
{
	struct crowd *cr = arg;
	int fd[2];
	char c = 'r';

	if (rump_sys_pipe(fd) != 0 || write(cr->cr_ready[1], &c, 1) != 1)
		return false;
	return rump_sys_read(fd[0], &c, 1) == -1;
}

static bool
works_for_ever(void *arg)
{
	struct crowd *cr = arg;
	char c = 'r';

	if (write(cr->cr_ready[1], &c, 1) != 1)
		return false;
	while (round_trip(1))
		continue;
	return true;
}

TEST(a_killed_server_hangs_nobody)
{
	pid_t pids[20];
	struct spserver ss;
	struct crowd cr;
	char c;

	NEED(pipe(cr.cr_ready) == 0);
	spserver_start(&ss);
	for (unsigned int i = 0; i < 20; i++)
		pids[i] = client(&ss, i % 2 ? waits_for_ever : works_for_ever, &cr);
	for (unsigned int i = 0; i < 20; i++)
		CHECK_EQ("ready", 1, read(cr.cr_ready[0], &c, 1));
	spserver_kill(&ss);
	for (unsigned int i = 0; i < 20; i++)
		CHECK_EQ("ended", 0, status_of(pids[i]));
	close(cr.cr_ready[0]);
	close(cr.cr_ready[1]);
}

static bool
once(void *arg)
{
	(void)arg;
	return round_trip(2);
}

static void
operations(unsigned int n)
{
	for (unsigned int i = 0; i < n; i += 10)
		NEED(round_trip(i));
}

TEST(nothing_is_left_behind)
{
	unsigned int nops = many(10000, 100000) / HARNESS_SLOWNESS;
	unsigned int nclients = many(150, 2000) / HARNESS_SLOWNESS, fds;
	struct spserver ss;
	long memory;

	spserver_start(&ss);
	/* The first ones fill caches. */
	for (unsigned int i = 0; i < nclients / 4; i++)
		NEED(status_of(client(&ss, once, NULL)) == 0);
	fds = spserver_entries(&ss, "fd") + 3;
	memory = spserver_memory(&ss);
	for (unsigned int i = 0; i < nclients; i++)
		CHECK_EQ("client", 0, status_of(client(&ss, once, NULL)));
	NEED(rumpclient_connect(ss.ss_url) == 0);
	operations(nops);
	settle(&ss, fds);
	/* The sanitizers keep what was freed. */
	CHECK(HARNESS_SLOWNESS > 1 || spserver_memory(&ss) < memory + 2048);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hyper_test.h - for the tests of the hypercalls, which boot no kernel
 *
 * The same cases run on each host.  Where a test waits by other means than
 * hypercalls it says so, for the simulated host's sake.
 */

#ifndef HYPER_TEST_H
#define HYPER_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/rumpsim.h>
#include <rump/rumpuser.h>

#include "harness.h"

#define CASE(name)	TEST_WITH(name, .ht_flags = HARNESS_BARE)

/* A sentence for many seeds, where there are seeds. */
#define CASE_SEEDS(name, n) \
	TEST_WITH(name, .ht_flags = HARNESS_BARE, .ht_seeds = (n))

#pragma weak rumpsim_leave
#pragma weak rumpsim_enter

static inline bool
on_sim(void)
{

	return strcmp(HARNESS_HOST, "sim") == 0;
}

static inline void
outside_begin(void)
{

	if (rumpsim_leave != NULL)
		rumpsim_leave();
}

static inline void
outside_end(void)
{

	if (rumpsim_enter != NULL)
		rumpsim_enter();
}

/* Words that threads exchange. */
static inline uint32_t
word_get(const uint32_t *word)
{

	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void
word_set(uint32_t *word, uint32_t value)
{

	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	(void)rumpuser_unpark(word, UINT32_MAX, 0);
}

static inline uint32_t
word_add(uint32_t *word, uint32_t n)
{
	uint32_t value = __atomic_add_fetch(word, n, __ATOMIC_ACQ_REL);

	(void)rumpuser_unpark(word, UINT32_MAX, 0);
	return value;
}

/* Until *word is at least value. */
static inline void
word_wait(uint32_t *word, uint32_t value)
{
	uint32_t now;

	while ((now = word_get(word)) < value)
		(void)rumpuser_park(word, now, 0, RUMPUSER_NOTIME);
}

/* An empty file that is gone after the test, by its name for now. */
static inline const char *
scratch_name(void)
{
	static char name[128];
	const char *dir = getenv("TMPDIR");
	int fd;

	(void)snprintf(name, sizeof(name), "%s/rump-hyper-XXXXXX",
	    dir != NULL ? dir : "/tmp");
	fd = mkstemp(name);
	NEED(fd != -1);
	(void)close(fd);
	return name;
}

static inline int
scratch_open(int flags)
{
	const char *name = scratch_name();
	int fd = -1;

	NEED(rumpuser_open(name, flags, &fd) == 0);
	(void)unlink(name);
	return fd;
}

/* Runs fn in a process of its own; its wait status. */
static inline int
in_child(void (*fn)(void))
{
	int status = -1;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	NEED(pid != -1);
	if (pid == 0) {
		fn();
		_exit(99);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	return status;
}

#endif /* HYPER_TEST_H */

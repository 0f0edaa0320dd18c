/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * host_linux.c - the harness on Linux
 *
 * For black-box tests of what only the real host has.  Nothing fails on
 * demand; what is held are the process's descriptors and threads.  A booted
 * kernel may start threads when it needs them, so only descriptors count.
 */

#include <dirent.h>
#include <stdio.h>

#include "harness_impl.h"

static unsigned int fds_before;

static unsigned int
count_entries(const char *path)
{
	unsigned int n = 0;
	DIR *dir = opendir(path);

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

void
host_setup(const struct harness_test *test)
{
	(void)test;
}

void
host_run(uint64_t seed, void (*fn)(void *), void *arg)
{
	(void)seed;
	fn(arg);
}

void
host_usage_take(void)
{
	fds_before = count_entries("/proc/self/fd");
}

bool
host_usage_same(void)
{
	unsigned int now = count_entries("/proc/self/fd");

	if (now == fds_before)
		return true;
	printf("# %u descriptors before, %u now\n", fds_before, now);
	return false;
}

bool
host_fault_arm(enum harness_fault kind, uint64_t nth)
{
	(void)kind;
	return nth == 0;
}

uint64_t
host_fault_count(enum harness_fault kind)
{
	(void)kind;
	return 0;
}

int
host_fault_error(enum harness_fault kind)
{
	(void)kind;
	return 0;
}

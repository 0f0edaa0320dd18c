/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_memory.c - how much memory the process takes, told after the lock-in
 *
 * The file is opened while that is possible; each read from its start makes it anew.
 *
 * References: proc_pid_smaps(5).
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server_impl.h"

static int rollup_fd = -1;

void
server_memory_open(void)
{
	rollup_fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
}

static uint64_t
field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at != NULL ? strtoull(at + strlen(name), NULL, 10) << 10 : 0;
}

bool
server_memory(struct server_memory *ret_sm)
{
	char text[2048];
	ssize_t n = rollup_fd != -1 ? pread(rollup_fd, text, sizeof(text) - 1, 0) : -1;

	if (n <= 0)
		return false;
	text[n] = '\0';
	/* Pages of files are the cache of the host, also those of a bus that we have written. */
	ret_sm->sm_private = field(text, "\nAnonymous:");
	ret_sm->sm_resident = field(text, "\nRss:");
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * watch.c - what a server holds, as the host sees it, and waiting for it
 */

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>

#include "harness.h"
#include "start.h"
#include "watch.h"

unsigned int
spserver_entries(const struct spserver *ss, const char *what)
{
	char path[64];
	unsigned int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)ss->ss_pid, what);
	dir = opendir(path);
	NEED(dir != NULL);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

long
spserver_memory(const struct spserver *ss)
{
	char path[64], line[256];
	long kb = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)ss->ss_pid);
	file = fopen(path, "r");
	NEED(file != NULL);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "RssAnon: %ld kB", &kb) == 1)
			break;
	}
	fclose(file);
	NEED(kb >= 0);
	return kb;
}

void
spserver_settle(const struct spserver *ss, unsigned int fds, unsigned int threads)
{
	while (spserver_entries(ss, "fd") > fds || spserver_entries(ss, "task") > threads)
		sched_yield();
}

void
wait_a_while(unsigned int us)
{
	struct timespec from, now;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do {
		sched_yield();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - from.tv_sec) * 1000000 + (now.tv_nsec - from.tv_nsec) / 1000 <
	    (long)us);
}

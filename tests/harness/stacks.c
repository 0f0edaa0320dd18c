/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * stacks.c - where the threads of a process group are
 *
 * Whoever hangs is asked before it is killed.  It is asked from outside: a
 * thread in a hang may hold any lock, and a sanitizer's run time keeps
 * signals back until its thread calls into the C library again, which one
 * that hangs in a system call of its own never does.  So the group is stopped
 * and read through /proc, see proc(5).
 *
 * There is no unwinder: every word on the stack that points into a function,
 * behind its beginning, may be a return address, and is shown.  What calls of
 * long ago have left behind is among it.  /proc/PID/task/TID/syscall says
 * where the stack is, in the same way on all machines.
 */

#include <sys/uio.h>

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness_impl.h"
#include "symbols.h"

#define MAX_FRAMES	32
#define MAX_WORDS	4096

struct place {
	char	what[16];	/* a call's number, "-1" outside of any, "running" */
	uint64_t sp, pc;
};

/* One line of a file in /proc, without its end; false if there is none. */
static bool
read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");
	bool got;

	if (f == NULL)
		return false;
	got = fgets(line, (int)size, f) != NULL;
	fclose(f);
	if (got)
		line[strcspn(line, "\n")] = '\0';
	return got;
}

static bool
place_read(pid_t pid, pid_t tid, struct place *ret_place)
{
	char path[64], line[256], *word, *save = NULL;
	const char *last[2] = { "0", "0" };

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	if (!read_line(path, line, sizeof(line)))
		return false;
	word = strtok_r(line, " ", &save);
	if (word == NULL)
		return false;
	snprintf(ret_place->what, sizeof(ret_place->what), "%.15s", word);
	while ((word = strtok_r(NULL, " ", &save)) != NULL) {
		last[0] = last[1];
		last[1] = word;
	}
	ret_place->sp = strtoull(last[0], NULL, 16);
	ret_place->pc = strtoull(last[1], NULL, 16);
	return true;
}

/* Who runs is waited for, a second at most: the stop is under way. */
static bool
place_stopped(pid_t pid, pid_t tid, struct place *ret_place)
{
	for (unsigned int i = 0; i < 1000; i++) {
		if (!place_read(pid, tid, ret_place))
			return false;
		if (strcmp(ret_place->what, "running") != 0)
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return true;
}

/* A line, if the address is in a function. */
static bool
show_frame(struct symbols *sy, uint64_t address)
{
	const char *name;
	uint64_t offset;

	if (!symbols_find(sy, address, &name, &offset))
		return false;
	printf("#\t%s+%#jx\n", name, (uintmax_t)offset);
	return true;
}

static void
show_stack(struct symbols *sy, pid_t pid, const struct place *p)
{
	static uint64_t words[MAX_WORDS];
	struct iovec mine = { words, sizeof(words) };
	struct iovec its = { (void *)(uintptr_t)p->sp, sizeof(words) };	// NOLINT
	ssize_t n = -1;
	unsigned int shown = 0;

	/* The upper end may be nearer than that. */
	while (n == -1 && its.iov_len >= sizeof(*words)) {
		n = process_vm_readv(pid, &mine, 1, &its, 1, 0);
		its.iov_len /= 2;
	}
	if (!show_frame(sy, p->pc))
		printf("#\t%#jx\n", (uintmax_t)p->pc);
	for (ssize_t i = 0; i < n / (ssize_t)sizeof(*words) && shown < MAX_FRAMES; i++) {
		if (show_frame(sy, words[i]))
			shown++;
	}
}

static void
show_thread(struct symbols *sy, pid_t pid, pid_t tid, const struct place *before)
{
	struct place now;
	char path[64], name[32] = "?";

	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", (int)pid, (int)tid);
	read_line(path, name, sizeof(name));
	printf("# process %d, thread %d, %s: system call %s\n", (int)pid, (int)tid, name,
	    before->what);
	if (place_stopped(pid, tid, &now) && now.sp != 0)
		show_stack(sy, pid, &now);
	else
		printf("#\twhich nobody may see here\n");
}

/* The next number in a folder of /proc; 0 at its end. */
static pid_t
next_number(DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			return (pid_t)strtol(entry->d_name, NULL, 10);
	}
	return 0;
}

#define MAX_THREADS	256

/* The calls they are in are read first: who is stopped is in none. */
static void
show_process(pid_t pid)
{
	static struct place before[MAX_THREADS];
	static pid_t tids[MAX_THREADS];
	struct symbols *sy;
	char path[32];
	unsigned int n = 0;
	pid_t tid;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (dir == NULL)
		return;
	while (n < MAX_THREADS && (tid = next_number(dir)) != 0) {
		if (!place_read(pid, tid, &before[n]))
			snprintf(before[n].what, sizeof(before[n].what), "unknown");
		tids[n++] = tid;
	}
	closedir(dir);
	kill(pid, SIGSTOP);
	sy = symbols_open(pid);
	for (unsigned int i = 0; i < n; i++)
		show_thread(sy, pid, tids[i], &before[i]);
	symbols_close(sy);
}

/* The group of a process; its fields stand behind the name in parentheses. */
static pid_t
group_of(pid_t pid)
{
	char path[32], line[512], *end;
	int group;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!read_line(path, line, sizeof(line)))
		return 0;
	end = strrchr(line, ')');
	if (end == NULL || sscanf(end, ") %*c %*d %d", &group) != 1)
		return 0;
	return group;
}

void
stacks_show(pid_t group)
{
	DIR *dir = opendir("/proc");
	pid_t pid;

	if (dir == NULL)
		return;
	while ((pid = next_number(dir)) != 0) {
		if (group_of(pid) == group)
			show_process(pid);
	}
	closedir(dir);
	fflush(stdout);
}

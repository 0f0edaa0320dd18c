/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * adopt.c - what a preloaded program leaves to one that cannot be preloaded into
 *
 * It executed us in its place (client/hijack/exec.c) and left what it leaves to any program: its
 * connection to the server, named in the environment, placeholders, and the kind of its
 * directory.
 *
 *  - In the process that becomes the program, the placeholders, which are eventfds, are replaced
 *    by ours, which are pipes.  Our ends of them the supervisor gets by being forked.
 *  - The supervisor goes on with the connection.  The client library takes it over from the
 *    environment of the process that it is in, so the number there is corrected.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "../hijack/placeholder.h"
#include "supervisor.h"

#define CONNECTION	"RUMPCLIENT__EXEC"
#define DIRECTORY	"RUMPHIJACK_CWD"
#define MAXFD		65536

/* --- descriptors --------------------------------------------------------------------- */

static bool
adopt_one(unsigned long n, int r)
{
	if (r >= 3 && r < HIJACK_NFDS && !fdmap_adopt(n, r))
		host_complain("too many descriptors of the kernel for the supervisor", NULL);
	return true;
}

/* --- the connection -------------------------------------------------------------------- */

/* The descriptor that the environment names for us, -1. */
static int
connection(const char **ret_url)
{
	const char *text = getenv(CONNECTION);
	char *end;
	long fd, pid;

	if (text == NULL)
		return -1;
	fd = strtol(text, &end, 10);
	if (*end != ',')
		return -1;
	pid = strtol(end + 1, &end, 10);
	if (*end != ',' || pid != getpid() || fd < 0 || fd >= MAXFD)
		return -1;
	*ret_url = end + 1;
	return (int)fd;
}

static int inherited = -1;
static char inherited_url[RUMPCLIENT_ENVLEN];

void
adopt_descriptors(void)
{
	const char *url = NULL;

	inherited = connection(&url);
	if (inherited < 0)
		return;
	(void)snprintf(inherited_url, sizeof(inherited_url), "%s", url);
	placeholder_each(adopt_one);
}

void
adopt_leave(void)
{
	if (inherited >= 0)
		(void)close(inherited);
	(void)unsetenv(CONNECTION);
	(void)unsetenv(DIRECTORY);
}

int
adopt_connect(const char *url)
{
	char text[RUMPCLIENT_ENVLEN + 32];

	if (inherited >= 0) {
		(void)snprintf(text, sizeof(text), "%d,%d,%s", inherited, (int)getpid(), inherited_url);
		(void)setenv(CONNECTION, text, 1);
	}
	return rumpclient_connect(url);
}

/* --- what else the program has --------------------------------------------------------------- */

static uint8_t kept[MAXFD / 8];		/* a bit each */

static void
keep(int fd)
{
	if (fd >= 0 && fd < MAXFD)
		kept[fd / 8] |= (uint8_t)(1 << fd % 8);
}

static void
keep_end(uint32_t index, int r, int end)
{
	(void)index;
	(void)r;
	keep(end);
}

void
adopt_close_others(int report)
{
	unsigned int n = 0, from = 3;
	int own[16];

	keep(report);
	if (rumpclient_ownfds(own, 16, &n) == 0) {
		for (unsigned int i = 0; i < n && i < 16; i++)
			keep(own[i]);
	}
	fdmap_adopted(keep_end);
	for (unsigned int fd = 3; fd < MAXFD; fd++) {
		if ((kept[fd / 8] >> fd % 8 & 1) == 0)
			continue;
		if (fd > from)
			(void)host_syscall(SYS_close_range, from, fd - 1, 0);
		from = fd + 1;
	}
	(void)host_syscall(SYS_close_range, from, ~0U, 0);
}

/* --- in the kernel -------------------------------------------------------------------------- */

static pid_t program;
static int cwdfd = -1;
static enum cwd_kind cwd = CWD_HOST;
static int highest;

static void
note(uint32_t index, int r, int end)
{
	watch_placeholder(end, index);
	if (r < MAXFD)
		kept[r / 8] |= (uint8_t)(1 << r % 8);
	highest = r > highest ? r : highest;
}

/* What the kernel has open and nobody names was closed by the exec. */
static void
close_unnamed(void)
{
	int from = 3;			/* the console's */

	memset(kept, 0, sizeof(kept));
	highest = 2;
	fdmap_adopted(note);
	for (int r = 3; r <= highest && r < MAXFD; r++) {
		if ((kept[r / 8] >> r % 8 & 1) == 0)
			continue;
		if (r > from)
			(void)kernel_syscall(SYS_close_range, from, r - 1, 0);
		from = r + 1;
	}
	if (highest < MAXFD)
		(void)kernel_syscall(SYS_close_range, highest + 1, ~0U, 0);
}

void
adopt_finish(pid_t pid)
{
	const char *where = getenv(DIRECTORY);
	long fd;

	if (inherited < 0)
		return;
	close_unnamed();
	program = pid;
	if (where == NULL)
		return;
	fd = kernel_syscall(SYS_openat, AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	cwdfd = (int)fd;
	cwd = where[0] == '2' ? CWD_BLANKET : CWD_PREFIX;
}

void
adopt_cwd(struct target *t)
{
	if (cwdfd < 0 || t->t_pid != program)
		return;
	t->t_cwdfd = cwdfd;
	t->t_cwd = cwd;
	cwdfd = -1;
}

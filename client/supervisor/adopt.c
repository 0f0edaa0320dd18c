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
 *  - The supervisor goes on with the connection.
 *
 * Where nothing was left the program is a new proc.
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

static struct many *first;		/* what the program is in the kernel */

int
adopt_connect(const char *url)
{
	const struct many_who nobody = { .mw_pid = 0 };

	server_url = inherited >= 0 ? inherited_url : url;
	return inherited >= 0 ? many_resume(inherited, server_url, &nobody, &first) :
	    many_guest(server_url, &nobody, &first);
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
	unsigned int from = 3;

	keep(report);
	if (first != NULL)
		keep(many_descriptor(first));
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
	struct many_thread *mt;

	program = pid;
	if (inherited < 0)
		return;
	mt = many_enter(first);
	if (mt == NULL)
		return;
	close_unnamed();
	many_leave(mt);
	if (where != NULL)
		cwd = where[0] == '2' ? CWD_BLANKET : CWD_PREFIX;
}

bool
adopt_claim(struct target *t)
{
	struct many_thread *mt;
	struct many_who who;

	if (first == NULL || t->t_pid != program)
		return false;
	t->t_session = first;
	t->t_cwd = cwd;
	first = NULL;
	target_who(t->t_pid, &who);
	mt = many_enter(t->t_session);
	if (mt != NULL) {
		many_rename(&who);
		many_leave(mt);
	}
	limits_tell(t);
	return true;
}

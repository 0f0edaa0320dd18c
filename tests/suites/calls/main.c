/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * main.c - calls -l | calls GROUP
 *
 * -l lists the groups.  A group runs in a directory of its own below SUITE_WORK, or below the
 * directory we are in.
 */

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

static const struct group *const all[] = {
	names_groups, file_groups, attr_groups, fd_groups, lock_groups, event_groups, local_groups,
	inet_groups, option_groups, limit_groups,
};

#define LIMIT	30	/* seconds for a group */

void *volatile nowhere = (void *)8;

/*
 * What is said goes out at once and whole.  A signal must not cost us any of it: a write under a supervisor
 * can be told EINTR where the host's own would not.
 */
static char said[2048];
static size_t nsaid;

static void	vadd(const char *, va_list) __attribute__((__format__(__printf__, 1, 0)));
static void	add(const char *, ...) __attribute__((__format__(__printf__, 1, 2)));

static void
vadd(const char *fmt, va_list ap)
{
	int n = vsnprintf(said + nsaid, sizeof(said) - nsaid, fmt, ap);

	if (n > 0)
		nsaid += (size_t)n;
	if (nsaid >= sizeof(said))
		nsaid = sizeof(said) - 1;
}

static void
add(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vadd(fmt, ap);
	va_end(ap);
}

static void
say(void)
{
	size_t done = 0;
	ssize_t n;

	while (done < nsaid) {
		n = write(STDOUT_FILENO, said + done, nsaid - done);
		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	nsaid = 0;
}

long
tell(const char *text, long value, int error)
{
	if (value == -1 && error != 0)
		add("%s = -1 %s\n", text, strerrorname_np(error));
	else
		add("%s = %ld\n", text, value);
	say();
	return value;
}

void
tell_text(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vadd(fmt, ap);
	va_end(ap);
	add("\n");
	say();
}

void
tell_bytes(const char *label, const void *data, size_t len)
{
	const unsigned char *p = data;

	add("  %s: %zu \"", label, len);
	for (size_t i = 0; i < len && i < 64; i++) {
		if (p[i] >= ' ' && p[i] < 127)
			add("%c", p[i]);
		else
			add("\\%o", p[i]);
	}
	add("\"\n");
	say();
}

const char *
name_of(size_t len)
{
	static char room[4][8192];
	static unsigned int next;
	char *name = room[next++ % 4];

	memset(name, 'x', len);
	name[len] = '\0';
	return name;
}

void
file_make(const char *name, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	char block[256];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)('a' + i % 26);
	for (size_t done = 0; fd >= 0 && done < size;) {
		size_t n = size - done < sizeof(block) ? size - done : sizeof(block);

		if (write(fd, block, n) != (ssize_t)n)
			break;
		done += n;
	}
	if (fd < 0 || close(fd) != 0)
		tell_text("%s cannot be made", name);
}

void
in_child(void (*fn)(void *), void *arg)
{
	int status;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fn(arg);
		(void)fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		tell_text("no child: %s", strerrorname_np(errno));
	else if (WIFSIGNALED(status))
		tell_text("the child died of SIG%s", sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		tell_text("the child ended with %d", WEXITSTATUS(status));
}

static int
run(const struct group *g)
{
	const char *work = getenv("SUITE_WORK");

	(void)alarm(LIMIT);
	(void)umask(022);
	if (work != NULL && chdir(work) != 0) {
		perror(work);
		return 1;
	}
	if (mkdir(g->g_name, 0755) != 0 || chdir(g->g_name) != 0) {
		perror(g->g_name);
		return 1;
	}
	g->g_run();
	tell_text("end");
	return 0;
}

int
main(int argc, char **argv)
{
	bool list = argc == 2 && strcmp(argv[1], "-l") == 0;

	for (size_t i = 0; argc == 2 && i < sizeof(all) / sizeof(all[0]); i++) {
		for (const struct group *g = all[i]; g->g_name != NULL; g++) {
			if (list)
				(void)puts(g->g_name);
			else if (strcmp(g->g_name, argv[1]) == 0)
				return run(g);
		}
	}
	if (!list)
		(void)fprintf(stderr, "usage: calls -l | calls group\n");
	return list ? 0 : 2;
}

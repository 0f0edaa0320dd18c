/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * private.c - a server for one program and whatever that starts
 *
 * The server is "rumpus server" itself, which goes into the background when it can be
 * used, so that to wait for it is to wait for a child.  It ends with a pipe (--end-with) that
 * the program, which takes this process's place, and all that it starts hold without
 * knowing: the hijacking library hides it.  So nobody has to stay in order to clean up:
 * signals, job control and the exit status are the program's own.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../server/place.h"
#include "private.h"
#include "rumpus.h"

#define HOLD_FROM	200	/* where few programs look for a descriptor */

bool
private_word(struct private_server *ps, const char *word)
{
	if (ps->ps_nwords == PRIVATE_MAXWORDS)
		return false;
	ps->ps_word[ps->ps_nwords++] = word;
	return true;
}

static void
server_exec(const struct private_server *ps, pid_t pid, int end)
{
	char name[64], until[64];
	const char *argv[PRIVATE_MAXWORDS + 6] = { "rumpus", "server", name, until };

	(void)snprintf(name, sizeof(name), "--name=run-%d", (int)pid);
	(void)snprintf(until, sizeof(until), "--end-with=%d", end);
	memcpy(argv + 4, ps->ps_word, ps->ps_nwords * sizeof(argv[0]));
	(void)fcntl(end, F_SETFD, 0);
	/* Ctrl-C is meant for the program, and so is what systemd gave. */
	(void)setpgid(0, 0);
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("LISTEN_FDS");
	execv("/proc/self/exe", (char **)(uintptr_t)argv);
	_exit(complain("rumpus", "start a server", errno));
}

static int
server_fork(const struct private_server *ps, const int pipe_fds[2])
{
	pid_t self = getpid(), pid = fork();
	int status;

	if (pid == 0)
		server_exec(ps, self, pipe_fds[0]);
	if (pid < 0)
		return complain("rumpus", "fork", errno);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return complain("rumpus", "wait for the server", errno);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_IO;
}

int
private_start(const struct private_server *ps, char *url, size_t size)
{
	char name[64];
	int pipe_fds[2], hold, code, error;

	if (pipe2(pipe_fds, O_CLOEXEC) != 0)
		return complain("rumpus", "make a pipe", errno);
	code = server_fork(ps, pipe_fds);
	close(pipe_fds[0]);
	if (code != EX_DONE)
		return code;
	/* Not close-on-exec: this is what the program inherits. */
	hold = fcntl(pipe_fds[1], F_DUPFD, HOLD_FROM);
	if (hold < 0)
		hold = fcntl(pipe_fds[1], F_DUPFD, STDERR_FILENO + 1);
	if (hold < 0)
		return complain("rumpus", "keep a descriptor", errno);
	close(pipe_fds[1]);
	(void)snprintf(name, sizeof(name), "%d", hold);
	if (setenv("RUMPHIJACK_HOLD", name, 1) != 0)
		return complain("rumpus", "run", ENOMEM);
	(void)snprintf(name, sizeof(name), "run-%d", (int)getpid());
	error = place_url(name, url, size);
	return error != 0 ? complain(name, "find the server", error) : EX_DONE;
}

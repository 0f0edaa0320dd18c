/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * start.c - servers for the tests of clients
 */

#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "start.h"

static void
server_exec(const char *url, const char *set, int in, int out)
{
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
	if (set != NULL)
		execl(SP_SERVER, "sp_server", set, url, (char *)NULL);
	else
		execl(SP_SERVER, "sp_server", url, (char *)NULL);
	_exit(127);
}

static void
start(struct spserver *ss, const char *url, const char *set)
{
	char ready[6];
	int in[2], out[2];
	size_t got = 0;

	if (url != ss->ss_url)
		snprintf(ss->ss_url, sizeof(ss->ss_url), "%s", url);
	NEED(pipe(in) == 0 && pipe(out) == 0);
	ss->ss_pid = fork();
	NEED(ss->ss_pid != -1);
	if (ss->ss_pid == 0)
		server_exec(url, set, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	ss->ss_stdin = in[1];
	while (got < sizeof(ready)) {
		ssize_t n = read(out[0], ready + got, sizeof(ready) - got);

		NEED(n > 0);
		got += (size_t)n;
	}
	NEED(memcmp(ready, "ready\n", sizeof(ready)) == 0);
	close(out[0]);
}

void
spserver_start_at(struct spserver *ss, const char *url)
{
	start(ss, url, NULL);
}

void
spserver_start(struct spserver *ss)
{
	spserver_start_with(ss, NULL);
}

void
spserver_start_with(struct spserver *ss, const char *set)
{
	const char *scheme = getenv("RUMP_TEST_SCHEME");
	char url[64];

	snprintf(url, sizeof(url), "%s://@rump-test-%d", scheme != NULL ? scheme :
	    "unix", (int)getpid());
	start(ss, url, set);
}

int
spserver_stop(struct spserver *ss)
{
	int status;

	close(ss->ss_stdin);
	NEED(waitpid(ss->ss_pid, &status, 0) == ss->ss_pid);
	return status;
}

void
spserver_kill(struct spserver *ss)
{
	int status;

	kill(ss->ss_pid, SIGKILL);
	NEED(waitpid(ss->ss_pid, &status, 0) == ss->ss_pid);
	close(ss->ss_stdin);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * start.c - servers for the tests of clients
 */

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>
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

/* --- elsewhere: the same over TCP and TLS ------------------------------------------ */

/* A key for the server and for us, where both look for it: in a file without a name. */
static void
key_make(void)
{
	static const char key[] = "test:000102030405060708090a0b0c0d0e0f\n";
	char path[64];
	int fd;

	if (getenv("RUMP_TLS_PSK") != NULL)
		return;
	fd = memfd_create("key", MFD_CLOEXEC);
	NEED(fd != -1 && fchmod(fd, 0600) == 0 &&
	    write(fd, key, sizeof(key) - 1) == sizeof(key) - 1);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	NEED(setenv("RUMP_TLS_PSK", path, 1) == 0);
}

/* A port that nobody has now. */
static unsigned int
free_port(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	NEED(fd != -1 && bind(fd, (struct sockaddr *)&sin, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&sin, &len) == 0);
	close(fd);
	return ntohs(sin.sin_port);
}

static bool start_once(struct spserver *ss, const char *url, const char *set);

/* The port may be in use for another moment. */
static void
start(struct spserver *ss, const char *url, const char *set)
{
	bool tcp = strncmp(url, "tcp://", 6) == 0;
	unsigned int left = 50;

	if (tcp)
		key_make();
	while (!start_once(ss, url, set != NULL || !tcp ? set :
	    "sysproxy.uidmap=remote:0"))
		NEED(tcp && --left > 0);
}

static bool
start_once(struct spserver *ss, const char *url, const char *set)
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

		if (n <= 0) {
			close(out[0]);
			(void)spserver_stop(ss);
			return false;
		}
		got += (size_t)n;
	}
	NEED(memcmp(ready, "ready\n", sizeof(ready)) == 0);
	close(out[0]);
	return true;
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

	if (scheme != NULL && strcmp(scheme, "tcp") == 0)
		snprintf(url, sizeof(url), "tcp://127.0.0.1:%u", free_port());
	else
		snprintf(url, sizeof(url), "%s://@rump-test-%d", scheme != NULL ?
		    scheme : "unix", (int)getpid());
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

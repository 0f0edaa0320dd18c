/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tlsfront.c - starts the process that speaks TLS
 *
 * The process is nobody's child: it ends by itself when those whom it serves have
 * ended, and nobody is told of it.
 *
 * Where it is: RUMP_TLS_PROGRAM in the environment, where it was installed, or
 * beside a program that was not.
 */

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tlsfront.h"

#define PROGRAM		"rump_tls"
#define PATIENCE	30000		/* ms: names are looked up and a server is tried */

/* In the grandchild; all was prepared before the fork. */
static void
front_exec(char *const paths[], char *const argv[])
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (unsigned int i = 0; paths[i] != NULL; i++)
		(void)execv(paths[i], argv);
	_exit(127);
}

static int
front_fork(char *const paths[], char *const argv[], int fd)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == -1)
		return errno;
	if (pid == 0) {
		(void)setsid();
		if (fork() == 0) {
			if (fd == TLSFRONT_FD)
				(void)fcntl(fd, F_SETFD, 0);
			else if (dup2(fd, TLSFRONT_FD) == -1)
				_exit(126);
			front_exec(paths, argv);
		}
		_exit(0);
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	return 0;
}

static int
front_hear(int fd, struct tlsfront_ready *ready)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t n;
	int got;

	do {
		got = poll(&pfd, 1, PATIENCE);
	} while (got == -1 && errno == EINTR);
	if (got == 0)
		return ETIMEDOUT;
	n = recv(fd, ready, sizeof(*ready), MSG_DONTWAIT);
	if (n == 0)
		return ENOENT;		/* it was not even started */
	if (n != (ssize_t)sizeof(*ready))
		return EPROTO;
	ready->tr_url[sizeof(ready->tr_url) - 1] = '\0';
	return ready->tr_error;
}

int
tlsfront_start(const char *role, const char *url, struct tlsfront_ready *ready,
    int *ret_fd)
{
	char self[PATH_MAX], beside[PATH_MAX + 32], built[PATH_MAX + 48];
	char name[] = PROGRAM, installed[] = RUMP_TLS_PATH, pid[16], *slash;
	char *env = secure_getenv("RUMP_TLS_PROGRAM"), *paths[5];
	union { const char *c; char *m; } words[2] = { { role }, { url } };
	char *argv[] = { name, words[0].m, pid, words[1].m, NULL };
	unsigned int n = 0;
	int fd[2], error;
	ssize_t len;

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (env != NULL)
		paths[n++] = env;
	paths[n++] = installed;
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[len > 0 ? len : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash != NULL) {
		*slash = '\0';
		(void)snprintf(beside, sizeof(beside), "%s/" PROGRAM, self);
		(void)snprintf(built, sizeof(built), "%s/../" PROGRAM "/" PROGRAM,
		    self);
		paths[n++] = beside;
		paths[n++] = built;
	}
	paths[n] = NULL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == -1)
		return errno;
	error = front_fork(paths, argv, fd[1]);
	(void)close(fd[1]);
	if (error == 0)
		error = front_hear(fd[0], ready);
	if (error) {
		(void)close(fd[0]);
		return error;
	}
	*ret_fd = fd[0];
	return 0;
}

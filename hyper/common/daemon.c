/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * daemon.c - going to the background once the service is up
 *
 * begin() forks before the kernel has threads.  The parent holds the shell's
 * prompt until the child says done(): the user sees either a prompt and a
 * working service, or an error and exit code 1.
 *
 *	NONE -> BEGUN		begin() returned in the child
 *	BEGUN -> DONE		done()
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "hostfile.h"

static enum { DAEMON_NONE, DAEMON_BEGUN, DAEMON_DONE } daemon_state;
static int daemon_fd;		/* the child's end towards the parent */
static int daemon_null;		/* opened early: who is done may have given up opening */

/* The parent's part: wait for the word, pass it on. */
static void __attribute__((__noreturn__))
daemon_wait(int fd, pid_t child)
{
	ssize_t n;
	int error = 0, status;

	do {
		n = read(fd, &error, sizeof(error));
	} while (n == -1 && errno == EINTR);

	if (n == (ssize_t)sizeof(error)) {
		if (error == 0)
			_exit(0);
		(void)dprintf(STDERR_FILENO, "cannot start: %s\n",
		    strerror(error));
		_exit(1);
	}
	if (waitpid(child, &status, 0) != child)
		status = 0;
	/* Who exits has said why, and with which code. */
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
	if (WIFSIGNALED(status))
		(void)dprintf(STDERR_FILENO, "cannot start: %s\n",
		    strsignal(WTERMSIG(status)));
	else
		(void)dprintf(STDERR_FILENO,
		    "cannot start: ended without a reason\n");
	_exit(1);
}

int
rumpuser_daemonize_begin(void)
{
	int error, fds[2];
	pid_t pid;

	if (daemon_state != DAEMON_NONE)
		return EALREADY;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1)
		return errno;

	fds[0] = hostfile_raise(fds[0]);
	fds[1] = hostfile_raise(fds[1]);
	pid = fds[0] == -1 || fds[1] == -1 ? -1 : fork();
	if (pid == -1) {
		error = errno;
		(void)close(fds[0]);
		(void)close(fds[1]);
		return error;
	}
	if (pid != 0) {
		(void)close(fds[1]);
		daemon_wait(fds[0], pid);
	}

	(void)close(fds[0]);
	daemon_null = hostfile_raise(open("/dev/null", O_RDWR | O_CLOEXEC));
	(void)setsid();		/* fails only for a group leader: we are not */
	daemon_fd = fds[1];
	daemon_state = DAEMON_BEGUN;
	return 0;
}

static int
daemon_detach(void)
{
	int error = 0, i;

	if (daemon_null == -1)
		return ENOENT;
	for (i = STDIN_FILENO; i <= STDERR_FILENO && error == 0; i++) {
		if (dup2(daemon_null, i) == -1)
			error = errno;
	}
	(void)close(daemon_null);
	return error;
}

int
rumpuser_daemonize_done(int error)
{
	int detach_error = 0;

	if (daemon_state != DAEMON_BEGUN)
		return ENOENT;
	if (error == 0)
		error = detach_error = daemon_detach();

	/* A parent that was killed meanwhile needs no answer. */
	while (send(daemon_fd, &error, sizeof(error), MSG_NOSIGNAL) == -1 &&
	    errno == EINTR)
		continue;
	(void)close(daemon_fd);
	daemon_state = DAEMON_DONE;
	return detach_error;
}

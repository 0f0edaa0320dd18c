/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostfork.c - runs a function in a child process, for t_panic.c: what it
 * wrote to the standard error, and the signal that ended it or its status
 */

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int	harness_host_fork(void (*fn)(void), char *buf, size_t size);

int
harness_host_fork(void (*fn)(void), char *buf, size_t size)
{
	struct rlimit nocore = { 0, 0 };
	int fds[2], status = 0;
	size_t len = 0;
	ssize_t got;
	pid_t pid;

	buf[0] = '\0';
	if (pipe(fds) != 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &nocore);
		(void)dup2(fds[1], STDERR_FILENO);
		fn();
		_exit(0);
	}
	close(fds[1]);
	while (len < size - 1 &&
	    (got = read(fds[0], buf + len, size - 1 - len)) > 0)
		len += (size_t)got;
	buf[len] = '\0';
	close(fds[0]);
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

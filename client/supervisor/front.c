/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * front.c - who stands for a program that cannot be itself
 *
 * Where the host lets a process be looked into by its ancestors only (ptrace(2) on Yama), the
 * program is a child of the supervisor.  Whoever started it waits for us instead: we pass signals
 * on, and end as the program did.
 */

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "supervisor.h"

#define EX_FAILED	126

static const int32_t *program;		/* its number, 0 as long as there is none */

static const int passed[] = { SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT };

#define NPASSED	(sizeof(passed) / sizeof(passed[0]))

static void
pass(int signo)
{
	int error = errno;

	if (*program > 0)
		(void)kill(*program, signo);
	errno = error;
}

static _Noreturn void
end_as(int status)
{
	struct rlimit none = { 0 };
	sigset_t set;

	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	/* One core is enough. */
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)signal(WTERMSIG(status), SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, WTERMSIG(status));
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)kill(getpid(), WTERMSIG(status));
	_exit(128 + WTERMSIG(status));
}

/* Or until the supervisor ended before it came to one. */
static void
wait_for_program(pid_t child)
{
	struct timespec tick = { .tv_nsec = 50000000 };
	siginfo_t info = { 0 };

	while (__atomic_load_n(program, __ATOMIC_ACQUIRE) == 0 && info.si_pid == 0) {
		(void)host_syscall(SYS_futex, program, FUTEX_WAIT, 0, &tick, NULL, 0);
		(void)waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT);
	}
}

void
front_wait(pid_t child, int report, const int32_t *pid, const sigset_t *mask)
{
	struct sigaction sa = { .sa_handler = pass, .sa_flags = SA_RESTART };
	int status = 0;
	ssize_t n;

	program = pid;
	/* The terminal tells the program itself, which is in our group. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	for (size_t i = 0; i < NPASSED; i++)
		(void)sigaction(passed[i], &sa, NULL);
	/* Signals that come before there is a program are blocked, and wait for it. */
	wait_for_program(child);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	do {
		n = read(report, &status, sizeof(status));
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(status))
		end_as(status);
	/* It never came to a program. */
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) != 0)
		_exit(WEXITSTATUS(status));
	_exit(EX_FAILED);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * setup.c - rumpus-supervise PROGRAM [ARGUMENT...]
 *
 *	RUMPHIJACK	the policy (policy.c)
 *	RUMP_SERVER	where the kernel is
 *
 * Three processes:
 *
 *	front		who called us.  Waits, passes signals on, and ends as the program did
 *	supervisor	its child, in a session of its own; lives as long as a process has the filter
 *	program		the supervisor's child (so that Yama lets it have its descriptors and
 *			memory), but in the session and process group of the front
 *
 * The program installs the filter and says its descriptor's number in shared memory, since any call
 * that could send it would be stopped already.  The supervisor fetches it from there.
 *
 * References: seccomp_unotify(2), pidfd_getfd(2), ptrace(2) on Yama.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "supervisor.h"

#define POLICY_DEFAULT	"path=/rump,socket=all:nolocal"
#define EX_FAILED	126		/* as shells: it is there, but cannot be run */
#define EX_MISSING	127

/* Field key: words of futex(2), 0 until they are known. */
struct meeting {
	int32_t		 m_listener;	/* the program: the number + 1, or -errno */
	int32_t		 m_taken;	/* the supervisor: it has it */
	int32_t		 m_pid;		/* the supervisor: the program's number */
};

static struct meeting *meeting;

static void
word_set(int32_t *word, int32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	(void)host_syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static int32_t
word_wait(int32_t *word)
{
	int32_t value;

	while ((value = __atomic_load_n(word, __ATOMIC_ACQUIRE)) == 0)
		(void)host_syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0);
	return value;
}

static _Noreturn void
die(const char *what, int error)
{
	host_complain(what, strerror(error));
	_exit(EX_FAILED);
}

/* --- the program ------------------------------------------------------------------------ */

static _Noreturn void
program(char **argv, const sigset_t *mask)
{
	int fd = filter_install(), error;

	word_set(&meeting->m_listener, fd < 0 ? fd : fd + 1);
	if (fd < 0)
		_exit(EX_FAILED);
	(void)word_wait(&meeting->m_taken);
	/* From here on there is somebody who answers. */
	(void)close(fd);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	error = errno;
	host_complain(argv[0], strerror(error));
	_exit(error == ENOENT ? EX_MISSING : EX_FAILED);
}

/* --- the supervisor ------------------------------------------------------------------------- */

static void
more_descriptors(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static void
listener_fetch(pid_t pid)
{
	int32_t number = word_wait(&meeting->m_listener);
	int pidfd, error;

	if (number < 0)
		die("the host does not let calls be supervised", -number);
	pidfd = (int)host_syscall(SYS_pidfd_open, pid, 0);
	listener = (int)host_syscall(SYS_pidfd_getfd, pidfd, number - 1, 0);
	if (listener < 0)
		die("the host does not let the program be supervised", -listener);
	(void)close(pidfd);
	error = memory_start();
	if (error == 0)
		error = watch_start();
	if (error == 0)
		error = worker_start();
	if (error)
		die("no supervisor", error);
}

/* Nothing of the front's is kept open: who reads its output shall see the end of it. */
static void
let_go(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	for (int fd = 0; fd < 3; fd++)
		(void)dup2(null, fd);
	if (null > 2)
		(void)close(null);
}

/* Until the program has ended, and then all who came of it; tells the front how. */
static _Noreturn void
supervise(pid_t pid, pid_t front, int report)
{
	int frontfd = (int)host_syscall(SYS_pidfd_open, front, 0);
	int pidfd = (int)host_syscall(SYS_pidfd_open, pid, 0), status = 0;
	struct pollfd fds[3] = {
		{ .fd = listener, .events = 0 }, { .fd = pidfd, .events = POLLIN },
		{ .fd = frontfd, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			break;
		/* The front was killed: so is what it stands for. */
		if ((fds[2].revents & POLLIN) != 0) {
			if (fds[1].fd >= 0)
				(void)kill(pid, SIGKILL);
			fds[2].fd = -1;
		}
		if ((fds[1].revents & POLLIN) != 0 && waitpid(pid, &status, 0) == pid) {
			(void)write(report, &status, sizeof(status));
			(void)close(report);
			fds[1].fd = fds[2].fd = -1;
			continue;
		}
		if ((fds[0].revents & POLLHUP) != 0 && fds[1].fd == -1)
			break;
	}
	_exit(0);
}

static _Noreturn void
supervisor(char **argv, pid_t front, int report, const sigset_t *mask)
{
	const char *url = getenv("RUMP_SERVER");
	pid_t pid;

	if (rumpclient_connect(url) != 0) {
		host_complain("no server", url);
		_exit(EX_FAILED);
	}
	pid = fork();
	if (pid < 0)
		die("fork", errno);
	if (pid == 0)
		program(argv, mask);
	/* ^C and the like are for the program. */
	(void)setsid();
	more_descriptors();
	listener_fetch(pid);
	let_go();
	word_set(&meeting->m_pid, pid);
	word_set(&meeting->m_taken, 1);
	supervise(pid, front, report);
}

/* --- the front --------------------------------------------------------------------------------- */

static const int passed[] = { SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT };

#define NPASSED	(sizeof(passed) / sizeof(passed[0]))

static void
pass(int signo)
{
	int error = errno;

	if (meeting->m_pid > 0)
		(void)kill(meeting->m_pid, signo);
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

	while (__atomic_load_n(&meeting->m_pid, __ATOMIC_ACQUIRE) == 0 && info.si_pid == 0) {
		(void)host_syscall(SYS_futex, &meeting->m_pid, FUTEX_WAIT, 0, &tick, NULL, 0);
		(void)waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT);
	}
}

static _Noreturn void
front(pid_t child, int report, const sigset_t *mask)
{
	struct sigaction sa = { .sa_handler = pass, .sa_flags = SA_RESTART };
	int status = 0;
	ssize_t n;

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

int
main(int argc, char **argv)
{
	const char *text = getenv("RUMPHIJACK");
	sigset_t all, old;
	int report[2];
	pid_t self_pid = getpid(), child;

	if (argc < 2 || getenv("RUMP_SERVER") == NULL) {
		host_complain("usage: RUMP_SERVER=URL rumpus-supervise PROGRAM [ARGUMENT...]", NULL);
		return 2;
	}
	if (!policy_parse(text != NULL ? text : POLICY_DEFAULT))
		return EX_FAILED;
	dispatch_init();
	sock_rules();
	name_rules();
	rw_rules();
	poll_rules();
	epoll_rules();
	target_rules();
	meeting = mmap(NULL, sizeof(*meeting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (meeting == MAP_FAILED || pipe2(report, O_CLOEXEC) != 0)
		die("rumpus-supervise", errno);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	child = fork();
	if (child < 0)
		die("fork", errno);
	if (child == 0) {
		(void)close(report[0]);
		supervisor(argv + 1, self_pid, report[1], &old);
	}
	(void)close(report[1]);
	/* The end of the supervisor is noticed by its end of the pipe. */
	front(child, report[0], &old);
}

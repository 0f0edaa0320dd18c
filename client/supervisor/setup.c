/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * setup.c - rumpus-supervise [--front] [--file PATH | --descriptor N] PROGRAM [ARGUMENT...]
 *
 *	RUMPHIJACK	the policy (policy.c)
 *	RUMP_SERVER	where the kernel is
 *
 * We are the process that becomes the program, so that it has the number, the parent and the
 * descriptors that it was meant to have.  Before, we make the supervisor: a grandchild whose parent
 * ends at once, so that nobody waits for it, in a session of its own, which lives as long as a
 * process has the filter.
 *
 * Where only an ancestor may look into a process, or with --front, the supervisor is our
 * child, the program its child, and we stay, as the front (front.c).
 *
 * The program installs the filter and says its descriptor's number in shared memory, since any call
 * that could send it would be stopped already.  The supervisor fetches it from there.
 *
 * A preloaded program that executes one which cannot be preloaded into executes us instead; what it
 * had in the kernel is adopted (adopt.c).
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

#include "supervisor.h"

#define POLICY_DEFAULT	"path=/rump,socket=all:nolocal"
#define EX_FAILED	126		/* as shells: it is there, but cannot be run */
#define EX_MISSING	127

/* Field key: words of futex(2), 0 until they are known; negative: it failed, and that was said. */
struct meeting {
	int32_t		 m_connected;	/* the supervisor: it has the server */
	int32_t		 m_supervisor;	/* its number */
	int32_t		 m_listener;	/* the program: the number + 1, or -errno */
	int32_t		 m_taken;	/* the supervisor: it has it */
	int32_t		 m_pid;		/* the supervisor: the program's number */
	int32_t		 m_signals[2];	/* of the program: descriptors for watch.c */
};

/* What is to be executed. */
struct task {
	const char	*ta_file;	/* NULL: ta_argv[0], by PATH */
	int		 ta_fd;		/* or this, unless it is -1 */
	bool		 ta_front;
	char		**ta_argv;
	sigset_t	 ta_mask;
};

static struct meeting *meeting;

static void
word_set(int32_t *word, int32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
	(void)host_syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Said by process from, which may have been killed instead: then it is as if it had failed. */
static int32_t
word_wait(int32_t *word, pid_t from)
{
	struct timespec tick = { .tv_nsec = 50000000 };
	int32_t value;

	while ((value = __atomic_load_n(word, __ATOMIC_ACQUIRE)) == 0) {
		if (host_syscall(SYS_futex, word, FUTEX_WAIT, 0, &tick, NULL, 0) == -ETIMEDOUT &&
		    kill(from, 0) != 0 && errno == ESRCH &&
		    __atomic_load_n(word, __ATOMIC_ACQUIRE) == 0)
			return -1;
	}
	return value;
}

/* Of the supervisor. */
static _Noreturn void
give_up(void)
{
	word_set(&meeting->m_connected, -1);
	word_set(&meeting->m_taken, -1);
	_exit(EX_FAILED);
}

static _Noreturn void
die(const char *what, int error)
{
	host_complain(what, strerror(error));
	give_up();
}

/* --- the program ------------------------------------------------------------------------ */

static int
become(const struct task *ta)
{
	const char *preload = getenv("LD_PRELOAD");

	if (preload != NULL && preload[0] == '\0')
		(void)unsetenv("LD_PRELOAD");
	(void)sigprocmask(SIG_SETMASK, &ta->ta_mask, NULL);
	if (ta->ta_fd >= 0)
		(void)syscall(SYS_execveat, ta->ta_fd, "", ta->ta_argv, environ, AT_EMPTY_PATH);
	else if (ta->ta_file != NULL)
		(void)execve(ta->ta_file, ta->ta_argv, environ);
	else
		(void)execvp(ta->ta_argv[0], ta->ta_argv);
	return errno;
}

static _Noreturn void
program(const struct task *ta)
{
	const char *name = ta->ta_argv[0] != NULL ? ta->ta_argv[0] : "program";
	pid_t supervisor = __atomic_load_n(&meeting->m_supervisor, __ATOMIC_ACQUIRE);
	int fd, error;

	if (ta->ta_fd >= 0)
		(void)fcntl(ta->ta_fd, F_SETFD, FD_CLOEXEC);
	watch_signals_make(meeting->m_signals);
	fd = filter_install();
	word_set(&meeting->m_listener, fd < 0 ? fd : fd + 1);
	if (fd < 0 || word_wait(&meeting->m_taken, supervisor) < 0)
		_exit(EX_FAILED);
	/* From here on there is somebody who answers. */
	(void)close(fd);
	error = become(ta);
	host_complain(name, strerror(error));
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
	int32_t number = word_wait(&meeting->m_listener, pid);
	int pidfd;

	if (number < 0)
		die("the host does not let calls be supervised", -number);
	pidfd = (int)host_syscall(SYS_pidfd_open, pid, 0);
	listener = (int)host_syscall(SYS_pidfd_getfd, pidfd, number - 1, 0);
	if (listener < 0)
		die("the host does not let the program be supervised", -listener);
	watch_signals_take(pidfd, meeting->m_signals);
	(void)close(pidfd);
}

static void
start(pid_t pid)
{
	int error = memory_start();

	if (error == 0)
		error = watch_start();
	if (error == 0)
		adopt_finish(pid);
	if (error == 0)
		error = worker_start();
	if (error)
		die("no supervisor", error);
}

/* Nothing of the program's is kept open: who reads its output shall see the end of it. */
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

/* Until all have ended who have the filter. */
static _Noreturn void
supervise(void)
{
	struct pollfd pfd = { .fd = listener };

	for (;;) {
		if ((poll(&pfd, 1, -1) < 0 && errno != EINTR) || (pfd.revents & (POLLHUP | POLLNVAL)) != 0)
			_exit(0);
	}
}

/* The same; but first the program has ended, and the front is told how. */
static _Noreturn void
supervise_child(pid_t pid, pid_t front, int report)
{
	int frontfd = (int)host_syscall(SYS_pidfd_open, front, 0);
	int pidfd = (int)host_syscall(SYS_pidfd_open, pid, 0), status = 0;
	struct pollfd fds[2] = {
		{ .fd = pidfd, .events = POLLIN }, { .fd = frontfd, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		/* The front was killed: so is what it stands for. */
		if ((fds[1].revents & POLLIN) != 0) {
			(void)kill(pid, SIGKILL);
			fds[1].fd = -1;
		}
		if ((fds[0].revents & POLLIN) != 0 && waitpid(pid, &status, 0) == pid) {
			(void)write(report, &status, sizeof(status));
			break;
		}
	}
	(void)close(report);
	supervise();
}

/* pid will be the program; the supervisor's begin, in either case. */
static void
supervisor_begin(pid_t pid, int report)
{
	/* ^C and the like are for the program. */
	(void)setsid();
	adopt_close_others(report);
	more_descriptors();
	listener_fetch(pid);
	start(pid);
	let_go();
	word_set(&meeting->m_pid, pid);
	word_set(&meeting->m_taken, 1);
}

static void
supervisor_connect(void)
{
	const char *url = getenv("RUMP_SERVER");

	__atomic_store_n(&meeting->m_supervisor, getpid(), __ATOMIC_RELEASE);
	if (adopt_connect(url) != 0) {
		host_complain("no server", url);
		give_up();
	}
}

/* --- who is what ------------------------------------------------------------------------------- */

/* We become the program.  The supervisor's parent is a child that does not say when it ends. */
static _Noreturn void
in_place(const struct task *ta)
{
	pid_t self_pid = getpid();
	long child = host_syscall(SYS_clone, 0, 0, 0, 0, 0);

	if (child < 0)
		die("clone", (int)-child);
	if (child == 0) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork", errno);
		if (pid > 0)
			_exit(0);
		supervisor_connect();
		word_set(&meeting->m_connected, 1);
		supervisor_begin(self_pid, -1);
		supervise();
	}
	(void)waitpid((pid_t)child, NULL, __WALL);
	adopt_leave();
	if (word_wait(&meeting->m_connected, meeting->m_supervisor) < 0)
		_exit(EX_FAILED);
	program(ta);
}

static _Noreturn void
child_of_supervisor(const struct task *ta, pid_t front, int report)
{
	pid_t pid;

	supervisor_connect();
	pid = fork();
	if (pid < 0)
		die("fork", errno);
	if (pid == 0) {
		adopt_leave();
		program(ta);
	}
	supervisor_begin(pid, report);
	supervise_child(pid, front, report);
}

static _Noreturn void
with_front(const struct task *ta)
{
	pid_t self_pid = getpid(), child;
	int report[2];

	if (pipe2(report, O_CLOEXEC) != 0)
		die("pipe", errno);
	child = fork();
	if (child < 0)
		die("fork", errno);
	if (child == 0) {
		(void)close(report[0]);
		child_of_supervisor(ta, self_pid, report[1]);
	}
	/* The end of the supervisor is noticed by its end of the pipe. */
	(void)close(report[1]);
	adopt_leave();
	adopt_close_others(report[0]);
	let_go();
	front_wait(child, report[0], &meeting->m_pid, &ta->ta_mask);
}

/* Yama lets ancestors look into a process, and root. */
static bool
ancestors_only(void)
{
	int fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC);
	char scope = '0';

	if (fd < 0)
		return false;
	(void)!read(fd, &scope, 1);
	(void)close(fd);
	return scope != '0' && geteuid() != 0;
}

static bool
take_arguments(char **argv, struct task *ta)
{
	char *end;

	*ta = (struct task){ .ta_fd = -1, .ta_front = ancestors_only() };
	argv++;
	if (*argv != NULL && strcmp(*argv, "--front") == 0) {
		ta->ta_front = true;
		argv++;
	}
	if (*argv != NULL && argv[1] != NULL && strcmp(*argv, "--file") == 0) {
		ta->ta_file = argv[1];
		argv += 2;
	} else if (*argv != NULL && argv[1] != NULL && strcmp(*argv, "--descriptor") == 0) {
		ta->ta_fd = (int)strtol(argv[1], &end, 10);
		if (*end != '\0' || ta->ta_fd < 0)
			return false;
		argv += 2;
	} else if (*argv == NULL) {
		return false;
	}
	ta->ta_argv = argv;
	return true;
}

int
main(int argc, char **argv)
{
	const char *text = getenv("RUMPHIJACK");
	struct task ta;
	sigset_t all;

	if (argc < 2 || !take_arguments(argv, &ta) || getenv("RUMP_SERVER") == NULL) {
		host_complain("usage: RUMP_SERVER=URL rumpus-supervise [--front] "
		    "[--file PATH | --descriptor N] PROGRAM [ARGUMENT...]", NULL);
		return 2;
	}
	if (!policy_parse(text != NULL ? text : POLICY_DEFAULT))
		return EX_FAILED;
	policy.po_exists = policy.po_prefixlen > 2 && access(policy.po_prefix, F_OK) == 0;
	dispatch_init();
	sock_rules();
	sockmsg_rules();
	name_rules();
	rw_rules();
	ids_rules();
	poll_rules();
	epoll_rules();
	target_rules();
	limits_rules();
	mmap_rules();
	exec_rules();
	meeting = mmap(NULL, sizeof(*meeting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (meeting == MAP_FAILED) {
		host_complain("rumpus-supervise", strerror(errno));
		return EX_FAILED;
	}
	adopt_descriptors();
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &ta.ta_mask);
	if (ta.ta_front)
		with_front(&ta);
	in_place(&ta);
}

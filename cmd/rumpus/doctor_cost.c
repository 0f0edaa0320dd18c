/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * doctor_cost.c - what a crossing costs on this machine, by each way there is
 *
 * Each is measured in a child: rounds of some thousand crossings, of which the quickest
 * counts, since what makes others slower is other programs.
 *
 * References: seccomp(2), seccomp_unotify(2), ptrace(2).
 */

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "doctor.h"
#include "doctor_impl.h"

#define ROUNDS	5

const char *const doctor_cost_names[NCOSTS] = {
	[COST_CALL] = "a call of the host's kernel",
	[COST_FUNCTION] = "a call through a preloaded function",
	[COST_TRAP] = "a trap by a seccomp filter (SIGSYS)",
	[COST_DISPATCH] = "a trap by user dispatch (SIGSYS)",
	[COST_NOTIFY] = "a notification and its answer",
	[COST_PTRACE] = "a stop under ptrace and going on, twice",
};

static volatile char selector;		/* 1: calls trap */

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double
quickest(void (*once)(void), unsigned int n)
{
	double best = -1, begin, each;

	for (int round = 0; round < ROUNDS; round++) {
		begin = now();
		for (unsigned int i = 0; i < n; i++)
			once();
		each = (now() - begin) / n;
		if (best < 0 || each < best)
			best = each;
	}
	return best;
}

static void
host_call(void)
{
	(void)syscall(DOCTOR_CALL);
}

/* What a rule that finds nothing of ours does: a table, a comparison. */
static void __attribute__((__noinline__))
function_call(void)
{
	static volatile uint64_t table[16];

	(void)table[3];
	__asm__ volatile("" ::: "memory");
}

static void
on_sigsys(int signo, siginfo_t *info, void *context)
{
	selector = 0;
}

static void
dispatched_call(void)
{
	selector = 1;
	host_call();
}

static int
trap_handler(void)
{
	struct sigaction sa = { .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO };

	return sigaction(SIGSYS, &sa, NULL);
}

static double
measure_trap(void)
{
	if (trap_handler() != 0 || doctor_filter(SECCOMP_RET_TRAP, 0) == -1)
		return -1;
	return quickest(host_call, 2000);
}

/* The handler returns by a system call: its selector says that it may pass. */
static double
measure_dispatch(void)
{
	if (trap_handler() != 0 || prctl(DOCTOR_SET_DISPATCH, 1, 0, 0, &selector) != 0)
		return -1;
	return quickest(dispatched_call, 2000);
}

/* --- a supervisor ------------------------------------------------------------------ */

static int
send_fd(int sock, int fd)
{
	union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec iov = { .iov_base = control.room, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
	    .msg_controllen = sizeof(control.room) };

	memset(&control, 0, sizeof(control));
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1 ? 0 : errno;
}

static int
receive_fd(int sock)
{
	union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } control;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
	    .msg_controllen = sizeof(control.room) };
	int fd = -1;

	if (recvmsg(sock, &msg, 0) == 1 && CMSG_FIRSTHDR(&msg) != NULL)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* Answers each call until the caller is gone. */
static void __attribute__((__noreturn__))
supervise(int sock)
{
	struct seccomp_notif req;
	struct seccomp_notif_resp resp;
	int fd = receive_fd(sock);

	for (;;) {
		memset(&req, 0, sizeof(req));
		memset(&resp, 0, sizeof(resp));
		if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &req) != 0)
			_exit(0);
		resp.id = req.id;
		if (ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &resp) != 0)
			_exit(0);
	}
}

static double
measure_notify(void)
{
	int socks[2], fd;
	double best;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, socks) != 0 || (pid = fork()) == -1)
		return -1;
	if (pid == 0) {
		close(socks[1]);
		supervise(socks[0]);
	}
	fd = doctor_filter(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
	if (fd == -1 || send_fd(socks[1], fd) != 0) {
		kill(pid, SIGKILL);
		return -1;
	}
	close(fd);
	best = quickest(host_call, 500);
	kill(pid, SIGKILL);
	return best;
}

/* --- a debugger --------------------------------------------------------------------- */

static double
measure_ptrace(void)
{
	double *best = mmap(NULL, sizeof(*best), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	    -1, 0);
	int status;
	pid_t pid;

	if (best == MAP_FAILED || (pid = fork()) == -1)
		return -1;
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 && raise(SIGSTOP) == 0)
			*best = quickest(host_call, 500);
		_exit(0);
	}
	*best = -1;
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		(void)ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	return *best;
}

static double
measure(enum cost which)
{
	switch (which) {
	case COST_CALL:
		return quickest(host_call, 20000);
	case COST_FUNCTION:
		return quickest(function_call, 100000);
	case COST_TRAP:
		return measure_trap();
	case COST_DISPATCH:
		return measure_dispatch();
	case COST_NOTIFY:
		return measure_notify();
	case COST_PTRACE:
		return measure_ptrace();
	default:
		return -1;
	}
}

double
doctor_cost(enum cost which)
{
	double *cost = mmap(NULL, sizeof(*cost), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	    -1, 0), result = -1;
	pid_t pid;

	if (cost == MAP_FAILED)
		return -1;
	*cost = -1;
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(10);		/* whatever a strange host does with it */
		*cost = measure(which);
		_exit(0);
	}
	if (pid != -1 && waitpid(pid, NULL, 0) == pid)
		result = *cost;
	munmap(cost, sizeof(*cost));
	return result;
}

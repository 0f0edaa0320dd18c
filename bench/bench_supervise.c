/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_supervise.c - what a program costs that nothing can be loaded into
 *
 *	bench_supervise RUMPUS STATIC
 *
 *	C5	a call on the kernel's descriptor in a static program, beside the bare hand-over:
 *		seccomp(2) tells another thread on the same processor, which answers at once; and a
 *		read(2), of which nobody knows beforehand that it will not wait
 *	C6	a call that the filter lets through, beside the same without a filter
 *
 * STATIC is bench_static, which is told what to do and how often, and says what it took.
 */

#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS		SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP	(1UL << 0)
#endif

#define CALLS	20000
#define ROUNDS	11
#define SIGNAL_ROUNDS	3

static const char *rumpus, *program;

/* --- the bare hand-over ------------------------------------------------------------ */

static double bare_seconds;
static int listener;
static pthread_barrier_t there;

/* A thread with a filter of its own, whose getppid(2) is somebody else's. */
static void *
bare_caller(void *arg)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	double begin;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		bench_die("no_new_privs");
	listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
	if (listener == -1)
		bench_die("seccomp");
	(void)pthread_barrier_wait(&there);
	begin = bench_now();
	for (unsigned int i = 0; i < CALLS; i++)
		(void)syscall(SYS_getppid);
	bare_seconds = bench_now() - begin;
	return NULL;
}

static double
bare(void)
{
	struct seccomp_notif call;
	struct seccomp_notif_resp answer;
	pthread_t thread;

	(void)pthread_barrier_init(&there, NULL, 2);
	if (pthread_create(&thread, NULL, bare_caller, NULL) != 0)
		bench_die("pthread_create");
	(void)pthread_barrier_wait(&there);
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	for (unsigned int i = 0; i < CALLS; i++) {
		memset(&call, 0, sizeof(call));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
			bench_die("a notification");
		memset(&answer, 0, sizeof(answer));
		answer.id = call.id;
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0)
			bench_die("an answer");
	}
	(void)pthread_join(thread, NULL);
	(void)pthread_barrier_destroy(&there);
	(void)close(listener);
	return bare_seconds / CALLS;
}

/* --- the static program --------------------------------------------------------------- */

/* Seconds a call, as it says itself. */
static double
once(const char *what, bool supervised)
{
	char count[16], line[64] = "";
	int out[2], status;
	ssize_t len;
	pid_t pid;

	(void)snprintf(count, sizeof(count), "%d", CALLS);
	if (pipe(out) != 0)
		bench_die("pipe");
	pid = fork();
	if (pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		(void)close(out[0]);
		if (supervised)
			execl(rumpus, rumpus, "run", "--path", "/rump", "--", program, what, count, NULL);
		else
			execl(program, program, what, count, NULL);
		_exit(127);
	}
	(void)close(out[1]);
	len = read(out[0], line, sizeof(line) - 1);
	(void)close(out[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0 || len <= 0)
		bench_die(what);
	return strtod(line, NULL);
}

int
main(int argc, char **argv)
{
	double ours[ROUNDS], host[ROUNDS], ratio[ROUNDS];

	if (argc != 3) {
		fprintf(stderr, "usage: bench_supervise RUMPUS STATIC\n");
		return 2;
	}
	rumpus = argv[1];
	program = argv[2];
	bench_pin(0);
	bench_heading();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		host[i] = bare();
		ours[i] = once("kernel", true);
		ratio[i] = host[i] / ours[i];
	}
	bench_print("C5 a call of a static program", bench_median(ours, ROUNDS) * 1e9,
	    bench_median(host, ROUNDS) * 1e9, "ns", bench_median(ratio, ROUNDS), 1 / 1.3, 1 / 1.1);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		host[i] = bare();
		ours[i] = once("read", true);
		ratio[i] = host[i] / ours[i];
	}
	bench_print("a call that might wait", bench_median(ours, ROUNDS) * 1e9,
	    bench_median(host, ROUNDS) * 1e9, "ns", bench_median(ratio, ROUNDS), 0, 0);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		host[i] = once("host", false);
		ours[i] = once("host", true);
		ratio[i] = host[i] / ours[i];
	}
	bench_print("C6 a host's call behind the filter", bench_median(ours, ROUNDS) * 1e9,
	    bench_median(host, ROUNDS) * 1e9, "ns", bench_median(ratio, ROUNDS), 0, 0);
	for (unsigned int i = 0; i < SIGNAL_ROUNDS; i++) {
		host[i] = once("signal", false);
		ours[i] = once("signal", true);
		ratio[i] = host[i] / ours[i];
	}
	bench_print("how late a signal is to a call that waits", bench_median(ours, SIGNAL_ROUNDS) * 1e6,
	    bench_median(host, SIGNAL_ROUNDS) * 1e6, "us", bench_median(ratio, SIGNAL_ROUNDS), 0, 0);
	return bench_missed() > 0;
}

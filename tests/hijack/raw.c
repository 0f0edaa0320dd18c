/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * raw.c - a program whose system call instruction cannot be rewritten
 *
 *	raw FILE
 *
 * Nothing describes where the function begins that has it, so it is left alone, and traps.
 */

#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

long	raw(long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

__asm__(".text\n"
    ".globl raw\n"
    "raw:\n"
    "	movq %rdi, %rax\n"
    "	movq %rsi, %rdi\n"
    "	movq %rdx, %rsi\n"
    "	movq %rcx, %rdx\n"
    "	movq %r8, %r10\n"
    "	syscall\n"
    "	ret\n");

#define P(p)	((unsigned long)(p))

static volatile sig_atomic_t alarms;

static void
count(int signo)
{
	(void)signo;
	alarms++;
}

static void *
other_thread(void *file)
{
	char text[8] = "";
	long fd = raw(SYS_open, P(file), O_RDONLY, 0, 0);

	(void)raw(SYS_read, (unsigned long)fd, P(text), sizeof(text) - 1, 0);
	(void)raw(SYS_close, (unsigned long)fd, 0, 0, 0);
	printf("thread %s\n", text);
	return NULL;
}

int
main(int argc, char **argv)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { { 0, 0 }, { 0, 0 } };
	char text[8] = "";
	unsigned long fd;
	pthread_t thread;
	int status;
	pid_t pid;

	if (argc != 2)
		return 2;
	fd = (unsigned long)raw(SYS_open, P(argv[1]), O_RDWR | O_CREAT | O_TRUNC, 0600, 0);
	printf("write %ld\n", raw(SYS_write, fd, P("hello"), 5, 0));
	printf("read %ld %s\n", raw(SYS_pread64, fd, P(text), 5, 0), text);
	if (pthread_create(&thread, NULL, other_thread, argv[1]) != 0 || pthread_join(thread, NULL) != 0)
		return 1;
	signal(SIGALRM, count);
	(void)setitimer(ITIMER_REAL, &often, NULL);
	while (alarms < 100)
		(void)raw(SYS_getppid, 0, 0, 0, 0);
	(void)setitimer(ITIMER_REAL, &never, NULL);
	fflush(stdout);
	pid = (pid_t)raw(SYS_fork, 0, 0, 0, 0);
	if (pid == 0) {
		memset(text, 0, sizeof(text));
		(void)raw(SYS_pread64, fd, P(text), 5, 0);
		printf("child %s\n", text);
		fflush(stdout);
		(void)raw(SYS_exit_group, 7, 0, 0, 0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return 1;
	printf("end %d\n", WEXITSTATUS(status));
	return 0;
}

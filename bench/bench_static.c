/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_static.c - a program without a dynamic linker: see bench_supervise.c
 *
 *	bench_static kernel|read|host COUNT	prints the seconds that a call took
 *	bench_static signal COUNT	prints how late a signal ended one that waited
 */

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#define SIGNALS_MAX	101
#define DELAY_US	3000

static int
earlier(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
nothing(int signo)
{
	(void)signo;
}

/* Seconds from when a timer is due until the call that waits is back; the median. */
static double
signals(long n)
{
	/* Again and again: the first may come before the call. */
	struct itimerval it = { .it_value.tv_usec = DELAY_US, .it_interval.tv_usec = 50000 };
	struct sigaction sa = { .sa_handler = nothing };
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	double late[SIGNALS_MAX], begin;
	char byte;

	if (s == -1 || sigaction(SIGALRM, &sa, NULL) != 0)
		exit(1);
	n = n < SIGNALS_MAX ? n : SIGNALS_MAX;
	for (long i = 0; i < n; i++) {
		begin = now();
		(void)setitimer(ITIMER_REAL, &it, NULL);
		if (recv(s, &byte, 1, 0) != -1)
			exit(1);
		late[i] = now() - begin - DELAY_US / 1e6;
	}
	qsort(late, (size_t)n, sizeof(late[0]), earlier);
	return late[n / 2];
}

int
main(int argc, char **argv)
{
	long n = argc == 3 ? atol(argv[2]) : 0;
	double begin;
	char byte;
	bool reads = argc > 1 && strcmp(argv[1], "read") == 0;
	int fd = -1;

	if (n <= 0)
		return 2;
	if (strcmp(argv[1], "signal") == 0) {
		printf("%.12f\n", signals(n));
		return 0;
	}
	if (reads || strcmp(argv[1], "kernel") == 0) {
		fd = open("/rump/tmp/bench", O_RDWR | O_CREAT, 0600);
		if (fd == -1)
			return 1;
	}
	begin = now();
	for (long i = 0; i < n; i++) {
		if (reads ? read(fd, &byte, 1) != 0 : fd >= 0 ? lseek(fd, 0, SEEK_SET) != 0 :
		    syscall(SYS_getppid) < 0)
			return 1;
	}
	printf("%.12f\n", (now() - begin) / (double)n);
	return 0;
}

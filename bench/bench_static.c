/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_static.c - a program without a dynamic linker: see bench_supervise.c
 *
 *	bench_static kernel|host COUNT	prints the seconds that a call took
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	long n = argc == 3 ? atol(argv[2]) : 0;
	double begin;
	int fd = -1;

	if (n <= 0)
		return 2;
	if (strcmp(argv[1], "kernel") == 0) {
		fd = open("/rump/tmp/bench", O_RDWR | O_CREAT, 0600);
		if (fd == -1)
			return 1;
	}
	begin = now();
	for (long i = 0; i < n; i++) {
		if (fd >= 0 ? lseek(fd, 0, SEEK_SET) != 0 : syscall(SYS_getppid) < 0)
			return 1;
	}
	printf("%.12f\n", (now() - begin) / (double)n);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * clients.c - many clients of one server: clients URL N CALLS
 *
 * N processes connect, wait until all have, and make so many calls each.  Prints how long
 * both took, in milliseconds.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* ready: to say that it is connected; go: its end comes when all are. */
static int
client(const char *url, unsigned int calls, int ready, int go)
{
	char byte = 0;
	int pid;

	if (rumpclient_connect(url) != 0 || (pid = rump_sys_getpid()) < 2) {
		fprintf(stderr, "connect: %s\n", strerror(errno));
		return 1;
	}
	if (write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 0)
		return 1;
	for (unsigned int i = 0; i < calls; i++) {
		if (rump_sys_getpid() != pid) {
			fprintf(stderr, "another process, or none: %s\n", strerror(errno));
			return 1;
		}
	}
	return 0;
}

int
main(int argc, char **argv)
{
	int ready[2], go[2], status, bad = 0;
	unsigned int n, calls, up = 0;
	double begin, connected;
	char byte;

	if (argc != 4)
		return 2;
	n = (unsigned int)strtoul(argv[2], NULL, 10);
	calls = (unsigned int)strtoul(argv[3], NULL, 10);
	if (pipe(ready) != 0 || pipe(go) != 0)
		return 1;
	begin = now();
	for (unsigned int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			close(go[1]);
			close(ready[0]);
			_exit(client(argv[1], calls, ready[1], go[0]));
		}
		if (pid == -1)
			return 1;
	}
	close(ready[1]);
	while (up < n && read(ready[0], &byte, 1) == 1)
		up++;
	connected = now();
	close(go[1]);
	while (wait(&status) > 0)
		bad += status != 0;
	printf("%u of %u connected in %.1f ms, %u calls each in %.1f ms\n", up, n, connected - begin,
	    calls, now() - connected);
	return bad != 0 || up != n;
}

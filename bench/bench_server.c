/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_server.c - what a server costs to start, and what it holds: bench_server SERVER
 *
 * Start: from spawning it to the answer of the first remote call, beside spawning /bin/true.
 * The listening socket is made before and handed over as systemd does, so that
 * nobody has to ask again and again whether it is there; a client, forked before, waits
 * in connect(2).  The server has the network on a bus and a tmpfs, and locks itself in.
 *
 * Memory: anonymous memory (of the process alone) some time after its start, with all
 * quiet, beside slirp4netns' 1204 kB as measured once.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#define ROUNDS		21
#define SLIRP_KB	1204.0

static char folder[] = "/dev/shm/bench_server.XXXXXX";
static char net[256], path[96];

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

static double
spawn_true(void)
{
	char name[] = "true", *argv[] = { name, NULL };
	double begin = now();
	pid_t pid;

	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) != 0 ||
	    waitpid(pid, NULL, 0) != pid)
		exit(1);
	return now() - begin;
}

static int
listen_there(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)unlink(path);
	strcpy(sun.sun_path, path);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0 || listen(fd, 8) != 0)
		exit(1);
	return fd;
}

static pid_t
spawn_server(const char *server, int fd)
{
	char pid_text[32];
	pid_t pid = vfork();

	if (pid == 0) {
		(void)dup2(fd, 3);
		(void)fcntl(3, F_SETFD, 0);
		(void)snprintf(pid_text, sizeof(pid_text), "%d", (int)getpid());
		(void)setenv("LISTEN_PID", pid_text, 1);
		(void)setenv("LISTEN_FDS", "1", 1);
		execl(server, server, "-s", "--mount=tmpfs:/tmp", net, NULL);
		_exit(127);
	}
	return pid;
}

/* The client says by a byte that its call was answered. */
static double
start_once(const char *server, pid_t *ret_pid)
{
	int go[2], done[2], fd = listen_there();
	char url[160], byte = 0;
	double begin, end;
	pid_t client;

	if (pipe(go) != 0 || pipe(done) != 0)
		exit(1);
	client = fork();
	if (client == 0) {
		(void)snprintf(url, sizeof(url), "unix://%s", path);
		if (read(go[0], &byte, 1) != 1 || rumpclient_connect(url) != 0 || rump_sys_getpid() < 2)
			_exit(1);
		(void)!write(done[1], &byte, 1);
		_exit(0);
	}
	close(done[1]);
	begin = now();
	*ret_pid = spawn_server(server, fd);
	(void)!write(go[1], &byte, 1);
	if (read(done[0], &byte, 1) != 1)
		exit(1);
	end = now();
	(void)waitpid(client, NULL, 0);
	close(fd);
	close(go[0]);
	close(go[1]);
	close(done[0]);
	return end - begin;
}

static double
anonymous_kb(pid_t pid)
{
	char name[64], line[256];
	double kb = -1;
	FILE *file;

	(void)snprintf(name, sizeof(name), "/proc/%d/smaps_rollup", (int)pid);
	file = fopen(name, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "Anonymous:", 10) == 0)
			kb = strtod(line + 10, NULL);
	}
	if (file != NULL)
		fclose(file);
	return kb;
}

static void
stop(pid_t pid)
{
	kill(pid, SIGTERM);
	(void)waitpid(pid, NULL, 0);
}

int
main(int argc, char **argv)
{
	const char *server = argc > 1 ? argv[1] : "cmd/rump_allserver/rump_allserver";
	double ours[ROUNDS], host[ROUNDS], kb, us, host_us;
	char bus[96];
	pid_t pid;

	if (access(server, X_OK) != 0 || mkdtemp(folder) == NULL) {
		fprintf(stderr, "bench_server: %s: %s\n", server, strerror(errno));
		return 1;
	}
	(void)setenv("XDG_RUNTIME_DIR", folder, 1);
	(void)snprintf(path, sizeof(path), "%s/sock", folder);
	(void)snprintf(bus, sizeof(bus), "%s/bus", folder);
	(void)snprintf(net, sizeof(net), "--net=shm:%s,10.0.0.1/24", bus);
	for (int i = 0; i < ROUNDS; i++) {
		host[i] = spawn_true();
		ours[i] = start_once(server, &pid);
		stop(pid);
	}
	printf("%-44s %10s %10s %8s\n", "", "ours", "host", "ratio");
	us = median(ours, ROUNDS);
	host_us = median(host, ROUNDS);
	printf("%-44s %7.0f us %7.0f us %8.2f\n", "A7 server: exec to first remote call, true", us,
	    host_us, us / host_us);
	(void)start_once(server, &pid);
	(void)poll(NULL, 0, 1500);
	kb = anonymous_kb(pid);
	stop(pid);
	printf("%-44s %7.0f kB %7.0f kB %8.2f\n", "A8 private memory of an idle server, slirp4netns", kb,
	    SLIRP_KB, kb / SLIRP_KB);
	(void)unlink(bus);
	(void)unlink(path);
	(void)snprintf(bus, sizeof(bus), "%s/rumpus", folder);
	(void)rmdir(bus);
	(void)rmdir(folder);
	return 0;
}

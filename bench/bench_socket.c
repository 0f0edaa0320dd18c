/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_socket.c - local sockets beside the host's: bytes through a pair,
 * small messages back and forth, files that travel, pairs that come and go
 *
 * One thread has both ends, so that what is measured is the sockets and not
 * how two threads wake each other; the last figures are those of two.
 */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

#define BLOCK	65536
#define IDLE	20000

struct side {
	bool	 s_ours;
	int	 s_fd[2];
	size_t	 s_len;
	int	 s_file;
};

static char data[BLOCK], sink[BLOCK];

static long
side_send(const struct side *s, int end, size_t len)
{
	return s->s_ours ? rump_sys_send(s->s_fd[end], data, len, 0) :
			   send(s->s_fd[end], data, len, 0);
}

static long
side_recv(const struct side *s, int end, size_t len)
{
	return s->s_ours ? rump_sys_recv(s->s_fd[end], sink, len, 0) :
			   recv(s->s_fd[end], sink, len, 0);
}

static void
pair(struct side *s, int type)
{
	int error = s->s_ours ? rump_sys_socketpair(AF_UNIX, type, 0, s->s_fd) :
				socketpair(AF_UNIX, type, 0, s->s_fd);

	if (error != 0)
		bench_die("socketpair");
}

static void
unpair(struct side *s)
{
	for (int i = 0; i < 2; i++)
		(void)(s->s_ours ? rump_sys_close(s->s_fd[i]) : close(s->s_fd[i]));
}

/* n times s_len bytes in at one end and out at the other. */
static void
through(void *arg, unsigned long n)
{
	const struct side *s = arg;

	while (n-- > 0) {
		if (side_send(s, 0, s->s_len) != (long)s->s_len)
			bench_die("send");
		for (size_t got = 0; got < s->s_len;) {
			long r = side_recv(s, 1, s->s_len - got);

			if (r <= 0)
				bench_die("recv");
			got += (size_t)r;
		}
	}
}

/* There and back, both ends here. */
static void
pingpong(void *arg, unsigned long n)
{
	const struct side *s = arg;

	while (n-- > 0)
		if (side_send(s, 0, 1) != 1 || side_recv(s, 1, 1) != 1 ||
		    side_send(s, 1, 1) != 1 || side_recv(s, 0, 1) != 1)
			bench_die("ping-pong");
}

static void
make_close(void *arg, unsigned long n)
{
	struct side s = *(const struct side *)arg;

	while (n-- > 0) {
		pair(&s, SOCK_STREAM);
		unpair(&s);
	}
}

static void
pass_file(void *arg, unsigned long n)
{
	const struct side *s = arg;
	union {
		struct cmsghdr cm;
		char bytes[CMSG_SPACE(sizeof(int))];
	} c;
	struct iovec iov = { sink, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c };
	int fd;

	while (n-- > 0) {
		memset(&c, 0, sizeof(c));
		c.cm.cmsg_len = CMSG_LEN(sizeof(int));
		c.cm.cmsg_level = SOL_SOCKET;
		c.cm.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&c.cm), &s->s_file, sizeof(int));
		mh.msg_controllen = sizeof(c);
		if ((s->s_ours ? rump_sys_sendmsg(s->s_fd[0], &mh, 0) :
				 sendmsg(s->s_fd[0], &mh, 0)) != 1)
			bench_die("sendmsg");
		mh.msg_controllen = sizeof(c);
		if ((s->s_ours ? rump_sys_recvmsg(s->s_fd[1], &mh, 0) :
				 recvmsg(s->s_fd[1], &mh, 0)) != 1)
			bench_die("recvmsg");
		memcpy(&fd, CMSG_DATA(&c.cm), sizeof(fd));
		(void)(s->s_ours ? rump_sys_close(fd) : close(fd));
	}
}

static void
run(const char *name, bench_fn *fn, int type, size_t len, double perop, double target)
{
	struct side ours = { .s_ours = true, .s_len = len }, host = { .s_len = len };

	pair(&ours, type);
	pair(&host, type);
	ours.s_file = rump_sys_eventfd(0, 0);
	host.s_file = STDIN_FILENO;
	bench_run(&(struct bench){ .b_name = name, .b_ours = fn, .b_host = fn, .b_ours_arg = &ours,
	    .b_host_arg = &host, .b_perop = perop, .b_target = target });
	(void)rump_sys_close(ours.s_file);
	unpair(&ours);
	unpair(&host);
}

/* --- two threads ------------------------------------------------------------------- */

static void *
echo_thread(void *arg)
{
	const struct side *s = arg;

	while (side_recv(s, 1, 1) == 1)
		if (side_send(s, 1, 1) != 1)
			break;
	return NULL;
}

static double
echo_rate(bool isours, unsigned long n)
{
	struct side s = { .s_ours = isours };
	pthread_t thread;
	double start;

	pair(&s, SOCK_STREAM);
	if (pthread_create(&thread, NULL, echo_thread, &s) != 0)
		bench_die("pthread_create");
	start = bench_now();
	for (unsigned long i = 0; i < n; i++)
		if (side_send(&s, 0, 1) != 1 || side_recv(&s, 0, 1) != 1)
			bench_die("echo");
	start = bench_now() - start;
	(void)(isours ? rump_sys_shutdown(s.s_fd[0], SHUT_RDWR) : shutdown(s.s_fd[0], SHUT_RDWR));
	pthread_join(thread, NULL);
	unpair(&s);
	return (double)n / start;
}

static void
echo_run(void)
{
	double a[5], b[5], ratio[5];

	for (int i = 0; i < 5; i++) {
		a[i] = echo_rate(true, 5000);
		b[i] = echo_rate(false, 5000);
		ratio[i] = a[i] / b[i];
	}
	bench_print("local stream, 1 B ping-pong, two threads", bench_median(a, 5),
	    bench_median(b, 5), "1/s", bench_median(ratio, 5), 0, 0);
}

/* What a socket costs that nobody uses, with its file. */
static void
idle_run(void)
{
	static int fd[IDLE];
	char text[32];
	double before, after;

	if (rump_pub_kvar_read("memory.used", text, sizeof(text)) != 0)
		bench_die("memory.used");
	before = strtod(text, NULL);
	for (int i = 0; i < IDLE; i++) {
		fd[i] = rump_sys_socket(AF_UNIX, SOCK_STREAM, 0);
		if (fd[i] < 0)
			bench_die("socket");
	}
	if (rump_pub_kvar_read("memory.used", text, sizeof(text)) != 0)
		bench_die("memory.used");
	after = strtod(text, NULL);
	for (int i = 0; i < IDLE; i++)
		(void)rump_sys_close(fd[i]);
	bench_limit("idle local socket, bytes", (after - before) / IDLE, 1024, "B");
}

int
main(void)
{
	setenv("RUMP_NCPU", "2", 0);
	if (rump_init() != 0)
		bench_die("rump_init");
	bench_heading();
	bench_pin(0);
	run("local stream, 64 KiB blocks", through, SOCK_STREAM, BLOCK, BLOCK, 0.9);
	run("local stream, 4 KiB blocks", through, SOCK_STREAM, 4096, 4096, 1);
	run("local stream, 64 B", through, SOCK_STREAM, 64, 1, 2);
	run("local datagrams, 1400 B", through, SOCK_DGRAM, 1400, 1, 2);
	run("local stream, 1 B ping-pong", pingpong, SOCK_STREAM, 1, 1, 2);
	run("local datagrams, 1 B ping-pong", pingpong, SOCK_DGRAM, 1, 1, 2);
	run("local, a file passed", pass_file, SOCK_STREAM, 1, 1, 1);
	run("socketpair and close", make_close, SOCK_STREAM, 1, 1, 1);
	bench_pin(-1);
	echo_run();
	idle_run();
	return bench_missed() != 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_netclient.c - what bench_net measures: one stream, a byte there and
 * back, short connections, datagrams
 */

#include <netinet/tcp.h>

#include <string.h>

#include "bench_net.h"

int
dial(const struct server *v, int mode, int portoff)
{
	const struct stack *s = v->v_stack;
	struct sockaddr_in sin = address_of(v);
	int fd = s->s_socket(AF_INET, SOCK_STREAM, 0), one = 1;
	char m = (char)mode;

	sin.sin_port = htons((uint16_t)(ntohs(sin.sin_port) + portoff));
	check(fd >= 0, "socket");
	if (s->s_connect(fd, (void *)&sin, sizeof(sin)) != 0)
		bench_die("connect");
	s->s_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (mode != 0)
		check(s->s_write(fd, &m, 1) == 1, "write");
	return fd;
}

double
bulk(const struct server *v, int fd, int mib)
{
	static char buf[CHUNK];
	uint64_t size = (uint64_t)mib << 20;
	double start = bench_now();
	char reply;

	check(v->v_stack->s_write(fd, &size, sizeof(size)) == sizeof(size), "write");
	for (uint64_t left = size; left > 0; ) {
		ssize_t n = v->v_stack->s_write(fd, buf, left < CHUNK ? left : CHUNK);

		check(n > 0, "write");
		left -= (uint64_t)n;
	}
	check(v->v_stack->s_read(fd, &reply, 1) == 1, "read");
	return (double)size / (bench_now() - start) / 1e9;
}

double
rr(const struct server *v, int fd, int n)
{
	double start = bench_now();
	char byte = 'x';

	for (int i = 0; i < n; i++) {
		check(v->v_stack->s_write(fd, &byte, 1) == 1, "write");
		check(v->v_stack->s_read(fd, &byte, 1) == 1, "read");
	}
	return (bench_now() - start) / n * 1e6;
}

double
crr(const struct server *v, int fd, int n)
{
	double start = bench_now();
	char byte = 'x';
	int c;

	(void)fd;
	for (int i = 0; i < n; i++) {
		c = dial(v, 0, 20);
		check(v->v_stack->s_write(c, &byte, 1) == 1, "write");
		check(v->v_stack->s_read(c, &byte, 1) == 1, "read");
		v->v_stack->s_close(c);
	}
	return (bench_now() - start) / n * 1e6;
}

size_t udp_size;

double
udp(const struct server *v, int fd, int n)
{
	static char data[2048];
	struct mmsghdr msg[64];
	struct iovec iov = { data, udp_size };
	struct sockaddr_in sin = address_of(v);
	uint64_t before;
	double start, took;

	fd = v->v_stack->s_socket(AF_INET, SOCK_DGRAM, 0);
	check(fd >= 0, "socket");
	check(v->v_stack->s_connect(fd, (void *)&sin, sizeof(sin)) == 0, "connect");
	memset(msg, 0, sizeof(msg));
	for (int i = 0; i < 64; i++) {
		msg[i].msg_hdr.msg_iov = &iov;
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	before = v->v_received;
	start = bench_now();
	while (bench_now() - start < n / 1000.0)
		(void)v->v_stack->s_sendmmsg(fd, msg, 64, 0);
	took = bench_now() - start;
	v->v_stack->s_close(fd);
	return (double)(v->v_received - before) / took / 1e6;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sockin.c - sockets of a kernel that are the host's
 *
 * Each test has one end in the kernel and the other on the host, or both in
 * the kernel.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "harness.h"

/* The watcher's thread stays until the kernel ends. */
#define CASE(name)	TEST_WITH(name, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)

static struct sockaddr_in sin_any(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* A listener of the kernel's; its address in *ret_sin. */
static int
kernel_listen(struct sockaddr_in *ret_sin)
{
	socklen_t len = sizeof(*ret_sin);
	int fd = rump_sys_socket(AF_INET, SOCK_STREAM, 0);

	NEED(fd >= 0);
	*ret_sin = sin_any();
	NEED(rump_sys_bind(fd, (struct sockaddr *)ret_sin, sizeof(*ret_sin)) == 0);
	NEED(rump_sys_listen(fd, 10) == 0);
	NEED(rump_sys_getsockname(fd, (struct sockaddr *)ret_sin, &len) == 0);
	NEED(len == sizeof(*ret_sin) && ret_sin->sin_port != 0);
	return fd;
}

/* A connection: kernel's end, host's end. */
static void
connection(int *ret_kernel, int *ret_host)
{
	struct sockaddr_in sin;
	int listener = kernel_listen(&sin);

	*ret_host = socket(AF_INET, SOCK_STREAM, 0);
	NEED(connect(*ret_host, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	*ret_kernel = rump_sys_accept(listener, NULL, NULL);
	NEED(*ret_kernel >= 0);
	NEED(rump_sys_close(listener) == 0);
}

CASE(bytes_go_both_ways)
{
	char buf[16] = "";
	int k, h;

	connection(&k, &h);
	CHECK_EQ("to the kernel", 5, write(h, "hello", 5));
	CHECK_EQ("peek", 5, rump_sys_recvfrom(k, buf, sizeof(buf), MSG_PEEK, NULL, NULL));
	CHECK_EQ("read", 5, rump_sys_read(k, buf, sizeof(buf)));
	CHECK_MEM("text", "hello", buf, 5);
	CHECK_EQ("to the host", 3, rump_sys_write(k, "abc", 3));
	CHECK_EQ("read", 3, read(h, buf, sizeof(buf)));
	CHECK_EQ("shut", 0, rump_sys_shutdown(k, SHUT_WR));
	CHECK_EQ("end", 0, read(h, buf, sizeof(buf)));
	(void)close(h);
	CHECK_EQ("end", 0, rump_sys_read(k, buf, sizeof(buf)));
	CHECK_EQ("close", 0, rump_sys_close(k));
}

static void *
slow_writer(void *arg)
{
	const int *fd = arg;
	static char data[1 << 20];

	for (int i = 0; i < 16; i++) {
		memset(data, i, sizeof(data));
		for (size_t off = 0; off < sizeof(data); ) {
			ssize_t n = write(*fd, data + off, sizeof(data) - off);

			if (n <= 0)
				return NULL;
			off += (size_t)n;
		}
	}
	(void)shutdown(*fd, SHUT_WR);
	return NULL;
}

CASE(a_reader_waits_for_all)
{
	static char data[1 << 20];
	pthread_t thread;
	int k, h;

	connection(&k, &h);
	NEED(pthread_create(&thread, NULL, slow_writer, &h) == 0);
	for (int i = 0; i < 16; i++) {
		CHECK_EQ("all", sizeof(data),
		    rump_sys_recvfrom(k, data, sizeof(data), MSG_WAITALL, NULL, NULL));
		CHECK(data[0] == i && data[sizeof(data) - 1] == i);
	}
	CHECK_EQ("end", 0, rump_sys_read(k, data, 1));
	NEED(pthread_join(thread, NULL) == 0);
	(void)close(h);
	(void)rump_sys_close(k);
}

static void *
slow_reader(void *arg)
{
	const int *fd = arg;
	static char buf[70000];
	size_t total = 0;
	ssize_t n;

	while ((n = read(*fd, buf, sizeof(buf))) > 0)
		total += (size_t)n;
	return (void *)total;
}

CASE(a_writer_waits_for_room)
{
	static char data[8 << 20];
	pthread_t thread;
	void *total;
	int k, h;

	connection(&k, &h);
	NEED(pthread_create(&thread, NULL, slow_reader, &h) == 0);
	CHECK_EQ("all", sizeof(data), rump_sys_write(k, data, sizeof(data)));
	(void)rump_sys_close(k);
	NEED(pthread_join(thread, &total) == 0);
	CHECK_EQ("arrived", sizeof(data), (size_t)total);
	(void)close(h);
}

CASE(nothing_blocks_that_should_not)
{
	static char data[1 << 20];
	struct sockaddr_in sin;
	int k, h, listener = kernel_listen(&sin);
	ssize_t n;

	CHECK_EQ("ioctl", 0, rump_sys_ioctl(listener, FIONBIO, (long)&(int){ 1 }));
	CHECK_EQ("accept", -1, rump_sys_accept(listener, NULL, NULL));
	CHECK_EQ("nobody", EAGAIN, errno);
	(void)rump_sys_close(listener);
	connection(&k, &h);
	CHECK_EQ("empty", -1, rump_sys_recvfrom(k, data, 1, MSG_DONTWAIT, NULL, NULL));
	CHECK_EQ("empty", EAGAIN, errno);
	while ((n = rump_sys_sendto(k, data, sizeof(data), MSG_DONTWAIT, NULL, 0)) > 0)
		continue;
	CHECK_EQ("full", EAGAIN, errno);
	(void)close(h);
	(void)rump_sys_close(k);
}

CASE(a_refused_connection_says_so)
{
	struct sockaddr_in sin;
	int listener = kernel_listen(&sin), fd, error = 0;
	socklen_t len = sizeof(error);
	struct pollfd pfd;

	(void)rump_sys_close(listener);
	fd = rump_sys_socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ("connect", -1, rump_sys_connect(fd, (struct sockaddr *)&sin, sizeof(sin)));
	CHECK_EQ("refused", ECONNREFUSED, errno);
	(void)rump_sys_close(fd);

	fd = rump_sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (rump_sys_connect(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 &&
	    errno == EINPROGRESS) {
		pfd = (struct pollfd){ .fd = fd, .events = POLLOUT };
		CHECK_EQ("poll", 1, rump_sys_poll(&pfd, 1, -1));
		CHECK_EQ("option", 0, rump_sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len));
	} else {
		error = errno;
	}
	CHECK_EQ("refused", ECONNREFUSED, error);
	(void)rump_sys_close(fd);
}

CASE(datagrams_keep_their_boundaries_and_senders)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in6 from;
	socklen_t len = sizeof(a);
	int k, h;
	char buf[100];

	k = rump_sys_socket(AF_INET6, SOCK_DGRAM, 0);
	if (k < 0 || rump_sys_bind(k, (struct sockaddr *)&a, sizeof(a)) != 0)
		SKIP("the host has no IPv6");
	NEED(rump_sys_getsockname(k, (struct sockaddr *)&a, &len) == 0);
	h = socket(AF_INET6, SOCK_DGRAM, 0);
	NEED(connect(h, (struct sockaddr *)&a, sizeof(a)) == 0);
	CHECK_EQ("one", 3, send(h, "one", 3, 0));
	CHECK_EQ("four", 4, send(h, "four", 4, 0));
	len = sizeof(from);
	CHECK_EQ("one", 2, rump_sys_recvfrom(k, buf, 2, 0, (struct sockaddr *)&from, &len));
	CHECK_EQ("family", AF_INET6, from.sin6_family);
	CHECK_EQ("four", 4, rump_sys_recvfrom(k, buf, sizeof(buf), 0, NULL, NULL));
	CHECK_EQ("back", 5, rump_sys_sendto(k, "reply", 5, 0, (struct sockaddr *)&from, len));
	CHECK_EQ("back", 5, recv(h, buf, sizeof(buf), 0));
	(void)close(h);
	(void)rump_sys_close(k);
}

CASE(control_data_and_options_are_the_hosts)
{
	struct sockaddr_in sin = sin_any();
	socklen_t len = sizeof(sin);
	union { struct cmsghdr cm; char bytes[200]; } control;
	char buf[10];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };
	int k, h, on = 1, value = 0;

	k = rump_sys_socket(AF_INET, SOCK_DGRAM, 0);
	NEED(rump_sys_bind(k, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	NEED(rump_sys_getsockname(k, (struct sockaddr *)&sin, &len) == 0);
	CHECK_EQ("set", 0, rump_sys_setsockopt(k, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)));
	len = sizeof(value);
	CHECK_EQ("get", 0, rump_sys_getsockopt(k, IPPROTO_IP, IP_PKTINFO, &value, &len));
	CHECK_EQ("value", 1, value);
	h = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_EQ("send", 1, sendto(h, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin)));
	CHECK_EQ("recv", 1, rump_sys_recvmsg(k, &mh, 0));
	NEED(CMSG_FIRSTHDR(&mh) != NULL);
	CHECK_EQ("level", IPPROTO_IP, CMSG_FIRSTHDR(&mh)->cmsg_level);
	CHECK_EQ("type", IP_PKTINFO, CMSG_FIRSTHDR(&mh)->cmsg_type);
	(void)close(h);
	(void)rump_sys_close(k);
}

CASE(epoll_sees_what_the_host_sees)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = 7 }, got;
	int k, h, ep = rump_sys_epoll_create1(0);
	char buf[10];

	connection(&k, &h);
	NEED(rump_sys_epoll_ctl(ep, EPOLL_CTL_ADD, k, &ev) == 0);
	CHECK_EQ("nothing", 0, rump_sys_epoll_wait(ep, &got, 1, 0));
	CHECK_EQ("write", 1, write(h, "x", 1));
	CHECK_EQ("readable", 1, rump_sys_epoll_wait(ep, &got, 1, 5000));
	CHECK_EQ("which", 7, got.data.u32);
	CHECK_EQ("read", 1, rump_sys_read(k, buf, sizeof(buf)));
	CHECK_EQ("nothing", 0, rump_sys_epoll_wait(ep, &got, 1, 0));
	(void)close(h);
	CHECK_EQ("end", 1, rump_sys_epoll_wait(ep, &got, 1, 5000));
	(void)rump_sys_close(k);
	(void)rump_sys_close(ep);
}

CASE(a_listeners_options_count)
{
	struct sockaddr_in sin;
	int on = 1, fd, fd2, listener = kernel_listen(&sin);

	fd = rump_sys_socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ("taken", -1, rump_sys_bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
	CHECK_EQ("taken", EADDRINUSE, errno);
	(void)rump_sys_close(fd);
	(void)rump_sys_close(listener);
	fd = rump_sys_socket(AF_INET, SOCK_STREAM, 0);
	fd2 = rump_sys_socket(AF_INET, SOCK_STREAM, 0);
	NEED(rump_sys_setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0);
	NEED(rump_sys_setsockopt(fd2, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0);
	CHECK_EQ("first", 0, rump_sys_bind(fd, (struct sockaddr *)&sin, sizeof(sin)));
	CHECK_EQ("second", 0, rump_sys_bind(fd2, (struct sockaddr *)&sin, sizeof(sin)));
	(void)rump_sys_close(fd);
	(void)rump_sys_close(fd2);
}

static void *
late_client(void *arg)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)connect(fd, arg, sizeof(struct sockaddr_in));
	(void)!write(fd, "x", 1);
	return (void *)(intptr_t)fd;
}

CASE(accept_waits_for_who_comes)
{
	struct sockaddr_in sin, peer;
	socklen_t len = sizeof(peer);
	int listener = kernel_listen(&sin), k;
	pthread_t thread;
	void *h;
	char c;

	for (int i = 0; i < 100; i++) {
		NEED(pthread_create(&thread, NULL, late_client, &sin) == 0);
		k = rump_sys_accept(listener, (struct sockaddr *)&peer, &len);
		NEED(k >= 0);
		CHECK_EQ("family", AF_INET, peer.sin_family);
		CHECK_EQ("read", 1, rump_sys_read(k, &c, 1));
		NEED(pthread_join(thread, &h) == 0);
		(void)close((int)(intptr_t)h);
		(void)rump_sys_close(k);
	}
	(void)rump_sys_close(listener);
}

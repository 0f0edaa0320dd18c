/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_udp.c - UDP, raw and ping sockets on lo, as programs see them
 */

#include <errno.h>
#include <harness.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* The routes that were asked for stay in their cache. */
#define NTEST(name)	TEST_WITH(name, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)

static struct sockaddr_in
sin_of(uint32_t addr, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(addr) },
	    .sin_port = htons(port) };
}

static int
udp_bound(uint32_t addr, uint16_t port, struct sockaddr_in *ret_sin)
{
	struct sockaddr_in sin = sin_of(addr, port);
	socklen_t len = sizeof(sin);
	int fd = rump_sys_socket(AF_INET, SOCK_DGRAM, 0);

	NEED(fd >= 0);
	NEED(rump_sys_bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	NEED(rump_sys_getsockname(fd, (struct sockaddr *)ret_sin, &len) == 0);
	return fd;
}

NTEST(a_datagram_goes_to_the_port_it_names)
{
	struct sockaddr_in a, b, from;
	socklen_t len = sizeof(from);
	int fa = udp_bound(INADDR_LOOPBACK, 0, &a), fb = udp_bound(INADDR_LOOPBACK, 0, &b);
	char buf[100];

	CHECK(a.sin_port != 0 && b.sin_port != 0 && a.sin_port != b.sin_port);
	CHECK_EQ("send", 5, rump_sys_sendto(fa, "hello", 5, 0, (struct sockaddr *)&b, sizeof(b)));
	CHECK_EQ("recv", 5, rump_sys_recvfrom(fb, buf, sizeof(buf), 0, (struct sockaddr *)&from,
			       &len));
	CHECK_MEM("data", "hello", buf, 5);
	CHECK_MEM("from", &a, &from, sizeof(a));
	CHECK_EQ("nothing else", -1, rump_sys_recvfrom(fb, buf, 100, MSG_DONTWAIT, NULL, NULL));
	CHECK_EQ("errno", EAGAIN, errno);
	CHECK_EQ("empty", 0, rump_sys_sendto(fa, "", 0, 0, (struct sockaddr *)&b, sizeof(b)));
	CHECK_EQ("empty", 0, rump_sys_recvfrom(fb, buf, 100, 0, NULL, NULL));
	rump_sys_close(fa);
	rump_sys_close(fb);
}

NTEST(nobody_listening_is_refused_to_who_is_connected)
{
	struct sockaddr_in a, b;
	int fa = udp_bound(INADDR_LOOPBACK, 0, &a), fb = udp_bound(INADDR_LOOPBACK, 0, &b);
	char c;

	rump_sys_close(fb);
	CHECK_EQ("connect", 0, rump_sys_connect(fa, (struct sockaddr *)&b, sizeof(b)));
	CHECK_EQ("send", 1, rump_sys_sendto(fa, "x", 1, 0, NULL, 0));
	CHECK_EQ("recv", -1, rump_sys_recvfrom(fa, &c, 1, 0, NULL, NULL));
	CHECK_EQ("errno", ECONNREFUSED, errno);
	CHECK_EQ("once", -1, rump_sys_recvfrom(fa, &c, 1, MSG_DONTWAIT, NULL, NULL));
	CHECK_EQ("errno", EAGAIN, errno);
	rump_sys_close(fa);
}

NTEST(large_datagrams_arrive_whole)
{
	static char out[65507], in[65536];
	struct sockaddr_in a, b;
	int fa = udp_bound(INADDR_LOOPBACK, 0, &a), fb = udp_bound(INADDR_LOOPBACK, 0, &b);

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7 + i / 256);
	CHECK_EQ("connect", 0, rump_sys_connect(fa, (struct sockaddr *)&b, sizeof(b)));
	for (size_t len = 1; len <= sizeof(out); len = len * 3 + 1) {
		size_t n = len > sizeof(out) ? sizeof(out) : len;

		CHECK_EQ("send", n, rump_sys_sendto(fa, out, n, 0, NULL, 0));
		CHECK_EQ("recv", n, rump_sys_recvfrom(fb, in, sizeof(in), 0, NULL, NULL));
		CHECK_MEM("data", out, in, n);
	}
	CHECK_EQ("largest", 65507, rump_sys_sendto(fa, out, 65507, 0, NULL, 0));
	CHECK_EQ("recv", 65507, rump_sys_recvfrom(fb, in, sizeof(in), 0, NULL, NULL));
	CHECK_EQ("too large", -1, rump_sys_sendto(fa, in, 65508, 0, NULL, 0));
	CHECK_EQ("errno", EMSGSIZE, errno);
	rump_sys_close(fa);
	rump_sys_close(fb);
}

NTEST(a_ping_socket_gets_its_answer)
{
	struct sockaddr_in dst = sin_of(INADDR_LOOPBACK, 0);
	struct icmphdr req = { .type = ICMP_ECHO, .un.echo = { .sequence = htons(7) } }, rep;
	int fd = rump_sys_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);

	NEED(fd >= 0);
	CHECK_EQ("send", 8, rump_sys_sendto(fd, &req, sizeof(req), 0, (struct sockaddr *)&dst,
			       sizeof(dst)));
	CHECK_EQ("recv", 8, rump_sys_recvfrom(fd, &rep, sizeof(rep), 0, NULL, NULL));
	CHECK_EQ("type", ICMP_ECHOREPLY, rep.type);
	CHECK_EQ("sequence", 7, ntohs(rep.un.echo.sequence));
	rump_sys_close(fd);
}

NTEST(corked_pieces_make_one_datagram)
{
	struct sockaddr_in a, b;
	int fa = udp_bound(INADDR_LOOPBACK, 0, &a), fb = udp_bound(INADDR_LOOPBACK, 0, &b), on = 1;
	char buf[100];

	CHECK_EQ("connect", 0, rump_sys_connect(fa, (struct sockaddr *)&b, sizeof(b)));
	CHECK_EQ("more", 2, rump_sys_sendto(fa, "ab", 2, MSG_MORE, NULL, 0));
	CHECK_EQ("more", 2, rump_sys_sendto(fa, "cd", 2, MSG_MORE, NULL, 0));
	CHECK_EQ("none", -1, rump_sys_recvfrom(fb, buf, 100, MSG_DONTWAIT, NULL, NULL));
	CHECK_EQ("last", 2, rump_sys_sendto(fa, "ef", 2, 0, NULL, 0));
	CHECK_EQ("recv", 6, rump_sys_recvfrom(fb, buf, 100, MSG_DONTWAIT, NULL, NULL));
	CHECK_MEM("data", "abcdef", buf, 6);
	CHECK_EQ("cork", 0, rump_sys_setsockopt(fa, IPPROTO_UDP, UDP_CORK, &on, sizeof(on)));
	CHECK_EQ("one", 1, rump_sys_sendto(fa, "1", 1, 0, NULL, 0));
	CHECK_EQ("two", 1, rump_sys_sendto(fa, "2", 1, 0, NULL, 0));
	on = 0;
	CHECK_EQ("uncork", 0, rump_sys_setsockopt(fa, IPPROTO_UDP, UDP_CORK, &on, sizeof(on)));
	CHECK_EQ("recv", 2, rump_sys_recvfrom(fb, buf, 100, MSG_DONTWAIT, NULL, NULL));
	CHECK_MEM("data", "12", buf, 2);
	rump_sys_close(fa);
	rump_sys_close(fb);
}

NTEST(a_train_is_cut_for_who_does_not_know_trains)
{
	struct sockaddr_in a, b;
	int fa = udp_bound(INADDR_LOOPBACK, 0, &a), fb = udp_bound(INADDR_LOOPBACK, 0, &b);
	int size = 1000, on = 1;
	static char out[4500], in[65536];
	char control[64];
	struct iovec iov = { in, sizeof(in) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
	    .msg_controllen = sizeof(control) };
	struct cmsghdr *cm;

	memset(out, 'x', sizeof(out));
	CHECK_EQ("connect", 0, rump_sys_connect(fa, (struct sockaddr *)&b, sizeof(b)));
	CHECK_EQ("gso", 0, rump_sys_setsockopt(fa, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)));
	CHECK_EQ("send", 4500, rump_sys_sendto(fa, out, 4500, 0, NULL, 0));
	for (int i = 0; i < 5; i++)
		CHECK_EQ("piece", i < 4 ? 1000 : 500,
		    rump_sys_recvfrom(fb, in, sizeof(in), MSG_DONTWAIT, NULL, NULL));
	CHECK_EQ("gro", 0, rump_sys_setsockopt(fb, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)));
	CHECK_EQ("send", 4500, rump_sys_sendto(fa, out, 4500, 0, NULL, 0));
	CHECK_EQ("whole", 4500, rump_sys_recvmsg(fb, &msg, MSG_DONTWAIT));
	cm = CMSG_FIRSTHDR(&msg);
	NEED(cm != NULL);
	CHECK_EQ("level", SOL_UDP, cm->cmsg_level);
	CHECK_EQ("type", UDP_GRO, cm->cmsg_type);
	CHECK_EQ("size", 1000, *(int *)CMSG_DATA(cm));
	rump_sys_close(fa);
	rump_sys_close(fb);
}

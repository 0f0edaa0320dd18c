/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ip6_hosts.c - two hosts of one kernel on a cable: UDP, TCP and ping over IPv6
 *
 * Each host is a network name space; sockets are made in the one and the other by moving
 * there.  Time is virtual, so waiting for duplicate address detection costs nothing.
 */

#include <errno.h>
#include <harness.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <rump/netconfig.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define NTEST(name)	TEST_WITH(name, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)

#define A_TEXT	"fd00::a"
#define B_TEXT	"fd00::b"

static uint32_t ns_a, ns_b;

static void
seconds(time_t n)
{
	struct timespec ts = { .tv_sec = n };

	(void)rump_sys_clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

static void
hosts_create(void)
{
	NEED(rump_pub_netns_create(&ns_a) == 0 && rump_pub_netns_create(&ns_b) == 0);
	NEED(rump_pub_wire_create((int)ns_a, "eth0", (int)ns_b, "eth0") == 0);
	NEED(rump_pub_netns_enter(ns_b) == 0);
	CHECK_EQ("lo", 0, rump_pub_netconfig_ifup("lo"));
	CHECK_EQ("b", 0, rump_pub_netconfig_ipv6_ifaddr("eth0", B_TEXT, 64));
	NEED(rump_pub_netns_enter(ns_a) == 0);
	CHECK_EQ("lo", 0, rump_pub_netconfig_ifup("lo"));
	CHECK_EQ("a", 0, rump_pub_netconfig_ipv6_ifaddr("eth0", A_TEXT, 64));
	seconds(5);
}

static struct sockaddr_in6
address(char host, uint16_t port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	sin6.sin6_addr.s6_addr[0] = 0xfd;
	sin6.sin6_addr.s6_addr[15] = (uint8_t)host;
	return sin6;
}

static int
socket_in(uint32_t ns, int type, int protocol)
{
	int fd;

	NEED(rump_pub_netns_enter(ns) == 0);
	fd = rump_sys_socket(AF_INET6, type, protocol);
	NEED(fd >= 0);
	return fd;
}

static int
bound_in(uint32_t ns, int type, char host, uint16_t port)
{
	struct sockaddr_in6 sin6 = address(host, port);
	int fd = socket_in(ns, type, 0);

	CHECK_EQ("bind", 0, rump_sys_bind(fd, (struct sockaddr *)&sin6, sizeof(sin6)));
	return fd;
}

NTEST(datagrams_of_all_sizes_cross_whole_or_in_fragments)
{
	static char out[65000], in[65000];
	struct sockaddr_in6 b, from, want = address(0xa, 1111);
	int fa, fb, size = 1 << 20;
	socklen_t len;

	hosts_create();
	fa = bound_in(ns_a, SOCK_DGRAM, 0xa, 1111);
	fb = bound_in(ns_b, SOCK_DGRAM, 0xb, 2222);
	b = address(0xb, 2222);
	CHECK_EQ("room", 0, rump_sys_setsockopt(fb, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	CHECK_EQ("room", 0, rump_sys_setsockopt(fa, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	for (size_t n = 0; n <= sizeof(out); n = n * 2 + 1) {
		for (size_t i = 0; i < n; i++)
			out[i] = (char)(i * 13 + n);
		CHECK_EQ("send", n, rump_sys_sendto(fa, out, n, 0, (struct sockaddr *)&b,
		    sizeof(b)));
		len = sizeof(from);
		CHECK_EQ("recv", n, rump_sys_recvfrom(fb, in, sizeof(in), 0,
		    (struct sockaddr *)&from, &len));
		CHECK_MEM("data", out, in, n);
		CHECK_MEM("from", &want, &from, sizeof(want));
	}
	rump_sys_close(fa);
	rump_sys_close(fb);
}

NTEST(link_local_addresses_need_and_have_their_interface)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(3333) };
	struct sockaddr_in6 group = any, from, self;
	struct ipv6_mreq mr;
	socklen_t len = sizeof(from);
	int fa, fb;
	char buf[10];

	hosts_create();
	fb = socket_in(ns_b, SOCK_DGRAM, 0);
	CHECK_EQ("bind", 0, rump_sys_bind(fb, (struct sockaddr *)&any, sizeof(any)));
	group.sin6_addr.s6_addr[0] = 0xff;
	group.sin6_addr.s6_addr[1] = 0x02;
	group.sin6_addr.s6_addr[15] = 0x77;
	group.sin6_scope_id = 2;
	mr = (struct ipv6_mreq){ group.sin6_addr, 2 };
	CHECK_EQ("join", 0, rump_sys_setsockopt(fb, SOL_IPV6, IPV6_JOIN_GROUP, &mr, sizeof(mr)));
	fa = socket_in(ns_a, SOCK_DGRAM, 0);
	CHECK_EQ("send", 1, rump_sys_sendto(fa, "m", 1, 0, (struct sockaddr *)&group,
	    sizeof(group)));
	CHECK_EQ("recv", 1, rump_sys_recvfrom(fb, buf, sizeof(buf), 0, (struct sockaddr *)&from,
	    &len));
	CHECK(IN6_IS_ADDR_LINKLOCAL(&from.sin6_addr));
	CHECK_EQ("scope", 2, from.sin6_scope_id);
	/* And back, to the address that came with its scope. */
	CHECK_EQ("send", 1, rump_sys_sendto(fb, "r", 1, 0, (struct sockaddr *)&from, len));
	CHECK_EQ("recv", 1, rump_sys_recv(fa, buf, sizeof(buf), 0));
	/* To oneself: what comes by lo belongs to the interface that has the address. */
	CHECK_EQ("send", 1, rump_sys_sendto(fa, "s", 1, 0, (struct sockaddr *)&from, len));
	CHECK_EQ("recv", 1, rump_sys_recvfrom(fa, buf, sizeof(buf), 0, (struct sockaddr *)&self,
	    &len));
	CHECK_MEM("from", &from, &self, sizeof(from));
	from.sin6_scope_id = 0;
	CHECK_EQ("bind without", -1, rump_sys_bind(fa, (struct sockaddr *)&from, sizeof(from)));
	rump_sys_close(fa);
	rump_sys_close(fb);
}

NTEST(nobody_there_is_host_unreachable_and_no_port_is_refused)
{
	struct sockaddr_in6 dst = address(0x77, 9);
	struct pollfd pf;
	char buf[10];
	int fd, on = 1;

	hosts_create();
	fd = socket_in(ns_a, SOCK_DGRAM, 0);
	/* As on Linux a datagram socket hears of what may pass only if it asks. */
	CHECK_EQ("ask", 0, rump_sys_setsockopt(fd, SOL_IPV6, IPV6_RECVERR, &on, sizeof(on)));
	CHECK_EQ("connect", 0, rump_sys_connect(fd, (struct sockaddr *)&dst, sizeof(dst)));
	CHECK_EQ("send", 1, rump_sys_send(fd, "x", 1, 0));
	pf = (struct pollfd){ fd, POLLIN, 0 };
	CHECK_EQ("poll", 1, rump_sys_poll(&pf, 1, 20000));
	CHECK_EQ("recv", -1, rump_sys_recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	CHECK_EQ("errno", EHOSTUNREACH, errno);
	rump_sys_close(fd);
	fd = socket_in(ns_a, SOCK_DGRAM, 0);
	dst = address(0xb, 9);
	CHECK_EQ("connect", 0, rump_sys_connect(fd, (struct sockaddr *)&dst, sizeof(dst)));
	CHECK_EQ("send", 1, rump_sys_send(fd, "x", 1, 0));
	CHECK_EQ("recv", -1, rump_sys_recv(fd, buf, sizeof(buf), 0));
	CHECK_EQ("errno", ECONNREFUSED, errno);
	rump_sys_close(fd);
	dst.sin6_addr.s6_addr[0] = 0x20;	/* there is no route */
	fd = socket_in(ns_a, SOCK_DGRAM, 0);
	CHECK_EQ("send", -1, rump_sys_sendto(fd, "x", 1, 0, (struct sockaddr *)&dst,
	    sizeof(dst)));
	CHECK_EQ("errno", ENETUNREACH, errno);
	rump_sys_close(fd);
}

/* A listener on b, a connection from a, both ends. */
static void
connection_make(int *ret_a, int *ret_b)
{
	struct sockaddr_in6 b = address(0xb, 4444);
	int listener = bound_in(ns_b, SOCK_STREAM, 0xb, 4444);

	CHECK_EQ("listen", 0, rump_sys_listen(listener, 5));
	*ret_a = socket_in(ns_a, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_EQ("connect", -1, rump_sys_connect(*ret_a, (struct sockaddr *)&b, sizeof(b)));
	CHECK_EQ("errno", EINPROGRESS, errno);
	*ret_b = rump_sys_accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	NEED(*ret_b >= 0);
	rump_sys_close(listener);
}

NTEST(a_stream_of_megabytes_crosses_both_ways_at_once)
{
	static uint8_t buf[65536];
	const size_t total = 4 << 20;
	size_t sent[2] = { 0 }, got[2] = { 0 };
	struct pollfd pf[2];
	int fd[2];

	hosts_create();
	connection_make(&fd[0], &fd[1]);
	while (got[0] < total || got[1] < total) {
		for (int i = 0; i < 2; i++)
			pf[i] = (struct pollfd){ fd[i], (short)(POLLIN |
			    (sent[i] < total ? POLLOUT : 0)), 0 };
		NEED(rump_sys_poll(pf, 2, 60000) > 0);
		for (int i = 0; i < 2; i++) {
			size_t n = total - sent[i] < sizeof(buf) ? total - sent[i] : sizeof(buf);
			ssize_t done;

			for (size_t k = 0; k < n; k++)
				buf[k] = (uint8_t)((sent[i] + k) * 7 >> 2);
			done = n > 0 ? rump_sys_write(fd[i], buf, n) : 0;
			sent[i] += done > 0 ? (size_t)done : 0;
			done = rump_sys_read(fd[i], buf, sizeof(buf));
			for (ssize_t k = 0; k < done; k++)
				NEED(buf[k] == (uint8_t)((got[i] + (size_t)k) * 7 >> 2));
			got[i] += done > 0 ? (size_t)done : 0;
		}
	}
	CHECK_EQ("all", total, got[0]);
	rump_sys_close(fd[0]);
	rump_sys_close(fd[1]);
}

NTEST(a_connection_between_mapped_addresses_is_one_of_ipv4)
{
	struct sockaddr_in6 b = { .sin6_family = AF_INET6, .sin6_port = htons(5555) }, peer;
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(5555) };
	socklen_t len = sizeof(peer);
	int listener, fd, child;

	hosts_create();
	NEED(rump_pub_netns_enter(ns_b) == 0);
	CHECK_EQ("b", 0, rump_pub_netconfig_ipv4_ifaddr_cidr("eth0", "10.0.0.2", 24));
	NEED(rump_pub_netns_enter(ns_a) == 0);
	CHECK_EQ("a", 0, rump_pub_netconfig_ipv4_ifaddr_cidr("eth0", "10.0.0.1", 24));
	listener = socket_in(ns_b, SOCK_STREAM, 0);
	CHECK_EQ("bind", 0, rump_sys_bind(listener, (struct sockaddr *)&b, sizeof(b)));
	CHECK_EQ("listen", 0, rump_sys_listen(listener, 5));
	NEED(rump_pub_netns_enter(ns_a) == 0);
	fd = rump_sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	NEED(fd >= 0);
	sin.sin_addr.s_addr = htonl(0x0a000002);
	(void)rump_sys_connect(fd, (struct sockaddr *)&sin, sizeof(sin));
	child = rump_sys_accept4(listener, (struct sockaddr *)&peer, &len, 0);
	NEED(child >= 0);
	CHECK(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
	CHECK_EQ("from", 0x0a000001, ntohl(peer.sin6_addr.s6_addr32[3]));
	rump_sys_close(child);
	rump_sys_close(fd);
	rump_sys_close(listener);
}

NTEST(an_hour_of_silence_does_not_lose_a_connection)
{
	char buf[10];
	int a, b;

	hosts_create();
	connection_make(&a, &b);
	CHECK_EQ("write", 5, rump_sys_write(a, "hello", 5));
	seconds(1);
	CHECK_EQ("read", 5, rump_sys_read(b, buf, sizeof(buf)));
	seconds(3600);
	CHECK_EQ("write", 5, rump_sys_write(b, "again", 5));
	seconds(5);
	CHECK_EQ("read", 5, rump_sys_read(a, buf, sizeof(buf)));
	CHECK_MEM("data", "again", buf, 5);
	rump_sys_close(a);
	rump_sys_close(b);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ip6_socket.c - IPv6 sockets on lo as programs see them: UDP, ping, options, control data
 */

#include <errno.h>
#include <harness.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <linux/errqueue.h>
#include <linux/ipv6.h>
#include <poll.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifndef IPV6_ADDR_PREFERENCES
#define IPV6_ADDR_PREFERENCES 72
#endif

#define NTEST(name)	TEST_WITH(name, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)

static const struct in6_addr one = IN6ADDR_LOOPBACK_INIT;

static int
udp_bound(struct sockaddr_in6 *ret_sin6)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_addr = one };
	socklen_t len = sizeof(sin6);
	int fd = rump_sys_socket(AF_INET6, SOCK_DGRAM, 0);

	NEED(fd >= 0);
	NEED(rump_sys_bind(fd, (struct sockaddr *)&sin6, sizeof(sin6)) == 0);
	NEED(rump_sys_getsockname(fd, (struct sockaddr *)ret_sin6, &len) == 0);
	return fd;
}

NTEST(a_datagram_goes_to_the_port_it_names)
{
	struct sockaddr_in6 a, b, from;
	socklen_t len = sizeof(from);
	int fa = udp_bound(&a), fb = udp_bound(&b);
	char buf[100];

	CHECK_EQ("send", 5, rump_sys_sendto(fa, "hello", 5, 0, (struct sockaddr *)&b, sizeof(b)));
	CHECK_EQ("recv", 5, rump_sys_recvfrom(fb, buf, sizeof(buf), 0, (struct sockaddr *)&from,
			       &len));
	CHECK_MEM("data", "hello", buf, 5);
	CHECK_EQ("length", sizeof(from), len);
	CHECK_MEM("from", &a, &from, sizeof(a));
	rump_sys_close(fa);
	rump_sys_close(fb);
}

NTEST(a_large_datagram_crosses_in_fragments_or_whole)
{
	static char out[60000], in[60000];
	struct sockaddr_in6 a, b;
	int fa = udp_bound(&a), fb = udp_bound(&b), size = 1 << 20;

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 31 >> 3);
	CHECK_EQ("room", 0, rump_sys_setsockopt(fb, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	CHECK_EQ("room", 0, rump_sys_setsockopt(fa, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	CHECK_EQ("send", sizeof(out), rump_sys_sendto(fa, out, sizeof(out), 0,
	    (struct sockaddr *)&b, sizeof(b)));
	CHECK_EQ("recv", sizeof(in), rump_sys_recvfrom(fb, in, sizeof(in), 0, NULL, NULL));
	CHECK_MEM("data", out, in, sizeof(out));
	rump_sys_close(fa);
	rump_sys_close(fb);
}

NTEST(nobody_at_the_port_is_connection_refused)
{
	struct sockaddr_in6 a, b;
	int fa = udp_bound(&a), fb = udp_bound(&b);
	char buf[10];

	rump_sys_close(fb);
	CHECK_EQ("connect", 0, rump_sys_connect(fa, (struct sockaddr *)&b, sizeof(b)));
	CHECK_EQ("send", 1, rump_sys_send(fa, "x", 1, 0));
	CHECK_EQ("recv", -1, rump_sys_recv(fa, buf, sizeof(buf), 0));
	CHECK_EQ("errno", ECONNREFUSED, errno);
	rump_sys_close(fa);
}

NTEST(an_ipv6_socket_takes_ipv4_by_mapped_addresses_unless_it_says_no)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 }, from;
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin6);
	int six = rump_sys_socket(AF_INET6, SOCK_DGRAM, 0), four, on = 1;
	char buf[10];

	four = rump_sys_socket(AF_INET, SOCK_DGRAM, 0);
	NEED(six >= 0 && four >= 0);
	CHECK_EQ("bind", 0, rump_sys_bind(six, (struct sockaddr *)&sin6, sizeof(sin6)));
	CHECK_EQ("name", 0, rump_sys_getsockname(six, (struct sockaddr *)&sin6, &len));
	sin.sin_port = sin6.sin6_port;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK_EQ("send", 2, rump_sys_sendto(four, "v4", 2, 0, (struct sockaddr *)&sin,
	    sizeof(sin)));
	CHECK_EQ("recv", 2, rump_sys_recvfrom(six, buf, sizeof(buf), 0,
	    (struct sockaddr *)&from, &len));
	CHECK(IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
	CHECK_EQ("bound already", -1, rump_sys_setsockopt(six, SOL_IPV6, IPV6_V6ONLY, &on,
	    sizeof(on)));
	CHECK_EQ("errno", EINVAL, errno);
	rump_sys_close(six);

	six = rump_sys_socket(AF_INET6, SOCK_DGRAM, 0);
	CHECK_EQ("only", 0, rump_sys_setsockopt(six, SOL_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
	CHECK_EQ("bind", 0, rump_sys_bind(six, (struct sockaddr *)&sin6, sizeof(sin6)));
	CHECK_EQ("send", 2, rump_sys_sendto(four, "v4", 2, 0, (struct sockaddr *)&sin,
	    sizeof(sin)));
	CHECK_EQ("recv", -1, rump_sys_recv(six, buf, sizeof(buf), MSG_DONTWAIT));
	rump_sys_close(six);
	rump_sys_close(four);
}

NTEST(an_echo_request_of_a_ping_socket_is_answered)
{
	struct sockaddr_in6 dst = { .sin6_family = AF_INET6, .sin6_addr = one };
	struct icmp6_hdr req = { .icmp6_type = ICMP6_ECHO_REQUEST, .icmp6_seq = htons(7) }, rep;
	int fd = rump_sys_socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);

	NEED(fd >= 0);
	CHECK_EQ("send", sizeof(req), rump_sys_sendto(fd, &req, sizeof(req), 0,
	    (struct sockaddr *)&dst, sizeof(dst)));
	CHECK_EQ("recv", sizeof(rep), rump_sys_recv(fd, &rep, sizeof(rep), 0));
	CHECK_EQ("type", ICMP6_ECHO_REPLY, rep.icmp6_type);
	CHECK_EQ("seq", htons(7), rep.icmp6_seq);
	rump_sys_close(fd);
}

/* --- options ---------------------------------------------------------------------- */

static const struct {
	const char *label;
	int name, deflt, good, bad;	/* bad: INT_MIN if all are good */
} option_cases[] = {
	{ "UNICAST_HOPS", IPV6_UNICAST_HOPS, 64, 17, 256 },
	{ "MULTICAST_HOPS", IPV6_MULTICAST_HOPS, 1, 17, -2 },
	{ "MULTICAST_LOOP", IPV6_MULTICAST_LOOP, 1, 0, 2 },
	{ "TCLASS", IPV6_TCLASS, 0, 0x28, 256 },
	{ "MTU_DISCOVER", IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT, IPV6_PMTUDISC_DO, 6 },
	{ "RECVPKTINFO", IPV6_RECVPKTINFO, 0, 1, -1000 },
	{ "RECVHOPLIMIT", IPV6_RECVHOPLIMIT, 0, 1, -1000 },
	{ "RECVTCLASS", IPV6_RECVTCLASS, 0, 1, -1000 },
	{ "RECVERR", IPV6_RECVERR, 0, 1, -1000 },
	{ "DONTFRAG", IPV6_DONTFRAG, 0, 1, -1000 },
	{ "AUTOFLOWLABEL", IPV6_AUTOFLOWLABEL, 1, 0, -1000 },
	{ "V6ONLY", IPV6_V6ONLY, 0, 1, -1000 },
	{ "FREEBIND", IPV6_FREEBIND, 0, 1, -1000 },
	{ "MINHOPCOUNT", IPV6_MINHOPCOUNT, 0, 10, 256 },
	{ "ADDR_PREFERENCES", IPV6_ADDR_PREFERENCES, 0x500, 0x401, 3 },
	{ "MULTICAST_IF", IPV6_MULTICAST_IF, 0, 1, -1 },
};

NTEST(options_are_kept_within_their_ranges)
{
	int fd = rump_sys_socket(AF_INET6, SOCK_DGRAM, 0), value;
	socklen_t len;

	NEED(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(option_cases); i++) {
		int name = option_cases[i].name, good = option_cases[i].good;
		int bad = option_cases[i].bad;

		len = sizeof(value);
		CHECK_EQ(option_cases[i].label, 0, rump_sys_getsockopt(fd, SOL_IPV6, name, &value,
		    &len));
		CHECK_EQ(option_cases[i].label, option_cases[i].deflt, value);
		CHECK_EQ(option_cases[i].label, 0, rump_sys_setsockopt(fd, SOL_IPV6, name, &good,
		    sizeof(good)));
		if (bad != -1000) {
			CHECK_EQ(option_cases[i].label, -1, rump_sys_setsockopt(fd, SOL_IPV6, name,
			    &bad, sizeof(bad)));
			CHECK_EQ(option_cases[i].label, name == IPV6_MULTICAST_IF ? ENODEV :
			    EINVAL, errno);
		}
		len = sizeof(value);
		CHECK_EQ(option_cases[i].label, 0, rump_sys_getsockopt(fd, SOL_IPV6, name, &value,
		    &len));
		CHECK_EQ(option_cases[i].label, good, value);
	}
	CHECK_EQ("unknown", -1, rump_sys_setsockopt(fd, SOL_IPV6, 999, &value, sizeof(value)));
	CHECK_EQ("errno", ENOPROTOOPT, errno);
	CHECK_EQ("short", -1, rump_sys_setsockopt(fd, SOL_IPV6, IPV6_TCLASS, &value, 2));
	CHECK_EQ("errno", EINVAL, errno);
	rump_sys_close(fd);
}

/* --- control data ------------------------------------------------------------------ */

static const struct cmsghdr *
find_cmsg(struct msghdr *m, int type)
{
	struct cmsghdr *cm;

	for (cm = CMSG_FIRSTHDR(m); cm != NULL; cm = CMSG_NXTHDR(m, cm)) {
		if (cm->cmsg_level == SOL_IPV6 && cm->cmsg_type == type)
			return cm;
	}
	return NULL;
}

static int
cmsg_int(struct msghdr *m, int type)
{
	const struct cmsghdr *cm = find_cmsg(m, type);
	int value = -999;

	if (cm != NULL)
		memcpy(&value, CMSG_DATA(cm), sizeof(value));
	return value;
}

static ssize_t
receive(int fd, struct msghdr *m, char *control, size_t controllen)
{
	static char buf[2000];
	static struct iovec iov;

	iov = (struct iovec){ buf, sizeof(buf) };
	*m = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = controllen };
	return rump_sys_recvmsg(fd, m, 0);
}

NTEST(what_a_packet_carried_is_told_by_control_messages)
{
	static const int wants[] = {
		IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_RECVDSTOPTS,
		IPV6_RECVHOPOPTS,
	};
	_Alignas(8) char control[512];
	static const uint8_t options[8] = { 0, 0, 0x1e, 4, 1, 2, 3, 4 };
	struct sockaddr_in6 a, b;
	struct in6_pktinfo pi;
	int fa = udp_bound(&a), fb = udp_bound(&b), value = 1;
	const struct cmsghdr *cm;
	struct msghdr m;

	for (size_t i = 0; i < ARRAY_SIZE(wants); i++)
		CHECK_EQ("want", 0, rump_sys_setsockopt(fb, SOL_IPV6, wants[i], &value,
		    sizeof(value)));
	value = 33;
	CHECK_EQ("hops", 0, rump_sys_setsockopt(fa, SOL_IPV6, IPV6_UNICAST_HOPS, &value,
	    sizeof(value)));
	value = 0x48;
	CHECK_EQ("class", 0, rump_sys_setsockopt(fa, SOL_IPV6, IPV6_TCLASS, &value,
	    sizeof(value)));
	CHECK_EQ("sticky", 0, rump_sys_setsockopt(fa, SOL_IPV6, IPV6_DSTOPTS, options,
	    sizeof(options)));
	CHECK_EQ("sticky", 0, rump_sys_setsockopt(fa, SOL_IPV6, IPV6_HOPOPTS, options,
	    sizeof(options)));
	CHECK_EQ("send", 1, rump_sys_sendto(fa, "x", 1, 0, (struct sockaddr *)&b, sizeof(b)));
	CHECK_EQ("recv", 1, receive(fb, &m, control, sizeof(control)));
	CHECK_EQ("hops", 33, cmsg_int(&m, IPV6_HOPLIMIT));
	CHECK_EQ("class", 0x48, cmsg_int(&m, IPV6_TCLASS));
	cm = find_cmsg(&m, IPV6_PKTINFO);
	NEED(cm != NULL);
	memcpy(&pi, CMSG_DATA(cm), sizeof(pi));
	CHECK_MEM("to", &one, &pi.ipi6_addr, 16);
	CHECK_EQ("on", 1, pi.ipi6_ifindex);
	cm = find_cmsg(&m, IPV6_DSTOPTS);
	NEED(cm != NULL && cm->cmsg_len == CMSG_LEN(8));
	CHECK_MEM("option", options + 2, (const char *)CMSG_DATA(cm) + 2, 6);
	cm = find_cmsg(&m, IPV6_HOPOPTS);
	NEED(cm != NULL && cm->cmsg_len == CMSG_LEN(8));
	rump_sys_close(fa);
	rump_sys_close(fb);
}

NTEST(a_message_may_bring_its_own_hop_limit_and_class)
{
	_Alignas(8) char control[512], out[CMSG_SPACE(sizeof(int)) * 2];
	struct sockaddr_in6 a, b;
	int fa = udp_bound(&a), fb = udp_bound(&b), value = 1;
	struct iovec iov = { (void *)(uintptr_t) "y", 1 };
	struct msghdr m = { .msg_name = &b, .msg_namelen = sizeof(b), .msg_iov = &iov,
		.msg_iovlen = 1, .msg_control = out, .msg_controllen = sizeof(out) };
	struct cmsghdr *cm;

	CHECK_EQ("want", 0, rump_sys_setsockopt(fb, SOL_IPV6, IPV6_RECVHOPLIMIT, &value,
	    sizeof(value)));
	CHECK_EQ("want", 0, rump_sys_setsockopt(fb, SOL_IPV6, IPV6_RECVTCLASS, &value,
	    sizeof(value)));
	memset(out, 0, sizeof(out));
	cm = CMSG_FIRSTHDR(&m);
	*cm = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_IPV6, IPV6_HOPLIMIT };
	memcpy(CMSG_DATA(cm), &(int){ 5 }, sizeof(int));
	cm = CMSG_NXTHDR(&m, cm);
	*cm = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_IPV6, IPV6_TCLASS };
	memcpy(CMSG_DATA(cm), &(int){ 0x20 }, sizeof(int));
	CHECK_EQ("send", 1, rump_sys_sendmsg(fa, &m, 0));
	CHECK_EQ("recv", 1, receive(fb, &m, control, sizeof(control)));
	CHECK_EQ("hops", 5, cmsg_int(&m, IPV6_HOPLIMIT));
	CHECK_EQ("class", 0x20, cmsg_int(&m, IPV6_TCLASS));
	rump_sys_close(fa);
	rump_sys_close(fb);
}

NTEST(sticky_headers_are_checked_kept_and_taken_off)
{
	static const uint8_t good[8] = { 0, 0, 0x1e, 4 }, wrong[8] = { 0, 1, 0x1e, 4 };
	static uint8_t large[72] = { 0, 8, 0x1e, 64 };
	struct sockaddr_in6 a;
	int fd = udp_bound(&a);
	uint8_t got[64];
	socklen_t len;

	CHECK_EQ("wrong length", -1, rump_sys_setsockopt(fd, SOL_IPV6, IPV6_DSTOPTS, wrong, 8));
	CHECK_EQ("errno", EINVAL, errno);
	CHECK_EQ("routing", -1, rump_sys_setsockopt(fd, SOL_IPV6, IPV6_RTHDR, good, 8));
	CHECK_EQ("errno", EINVAL, errno);
	CHECK_EQ("too large", -1, rump_sys_setsockopt(fd, SOL_IPV6, IPV6_DSTOPTS, large, 72));
	CHECK_EQ("set", 0, rump_sys_setsockopt(fd, SOL_IPV6, IPV6_DSTOPTS, good, 8));
	len = sizeof(got);
	CHECK_EQ("get", 0, rump_sys_getsockopt(fd, SOL_IPV6, IPV6_DSTOPTS, got, &len));
	CHECK_EQ("length", 8, len);
	CHECK_MEM("bytes", good + 2, got + 2, 6);
	CHECK_EQ("clear", 0, rump_sys_setsockopt(fd, SOL_IPV6, IPV6_DSTOPTS, NULL, 0));
	len = sizeof(got);
	CHECK_EQ("get", 0, rump_sys_getsockopt(fd, SOL_IPV6, IPV6_DSTOPTS, got, &len));
	CHECK_EQ("none", 0, len);
	rump_sys_close(fd);
}

/* --- groups ------------------------------------------------------------------------- */

static struct sockaddr_in6
group_address(uint16_t port)
{
	struct sockaddr_in6 g = { .sin6_family = AF_INET6, .sin6_port = port,
		.sin6_scope_id = 1 };

	g.sin6_addr.s6_addr[0] = 0xff;
	g.sin6_addr.s6_addr[1] = 0x02;
	g.sin6_addr.s6_addr[15] = 0x77;
	return g;
}

NTEST(a_group_is_heard_while_it_is_joined)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 }, g = group_address(0);
	struct ipv6_mreq mr = { g.sin6_addr, 1 };
	int fd = rump_sys_socket(AF_INET6, SOCK_DGRAM, 0), sender, index = 1;
	socklen_t len = sizeof(any);
	char buf[10];

	sender = rump_sys_socket(AF_INET6, SOCK_DGRAM, 0);
	NEED(fd >= 0 && sender >= 0);
	CHECK_EQ("bind", 0, rump_sys_bind(fd, (struct sockaddr *)&any, sizeof(any)));
	CHECK_EQ("name", 0, rump_sys_getsockname(fd, (struct sockaddr *)&any, &len));
	g.sin6_port = any.sin6_port;
	CHECK_EQ("interface", 0, rump_sys_setsockopt(sender, SOL_IPV6, IPV6_MULTICAST_IF, &index,
	    sizeof(index)));
	CHECK_EQ("send", 1, rump_sys_sendto(sender, "1", 1, 0, (struct sockaddr *)&g, sizeof(g)));
	CHECK_EQ("not joined", -1, rump_sys_recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	CHECK_EQ("join", 0, rump_sys_setsockopt(fd, SOL_IPV6, IPV6_JOIN_GROUP, &mr, sizeof(mr)));
	CHECK_EQ("twice", -1, rump_sys_setsockopt(fd, SOL_IPV6, IPV6_JOIN_GROUP, &mr,
	    sizeof(mr)));
	CHECK_EQ("errno", EADDRINUSE, errno);
	CHECK_EQ("send", 1, rump_sys_sendto(sender, "2", 1, 0, (struct sockaddr *)&g, sizeof(g)));
	CHECK_EQ("joined", 1, rump_sys_recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	CHECK_EQ("which", '2', buf[0]);
	CHECK_EQ("leave", 0, rump_sys_setsockopt(fd, SOL_IPV6, IPV6_LEAVE_GROUP, &mr,
	    sizeof(mr)));
	CHECK_EQ("send", 1, rump_sys_sendto(sender, "3", 1, 0, (struct sockaddr *)&g, sizeof(g)));
	CHECK_EQ("left", -1, rump_sys_recv(fd, buf, sizeof(buf), MSG_DONTWAIT));
	CHECK_EQ("leave again", -1, rump_sys_setsockopt(fd, SOL_IPV6, IPV6_LEAVE_GROUP, &mr,
	    sizeof(mr)));
	CHECK_EQ("errno", EADDRNOTAVAIL, errno);
	rump_sys_close(fd);
	rump_sys_close(sender);
}

NTEST(a_group_is_left_when_its_socket_is_closed)
{
	struct ipv6_mreq mr = { group_address(0).sin6_addr, 1 };

	for (unsigned int i = 0; i < 100; i++) {
		int fd = rump_sys_socket(AF_INET6, SOCK_DGRAM, 0);

		NEED(fd >= 0);
		NEED(rump_sys_setsockopt(fd, SOL_IPV6, IPV6_JOIN_GROUP, &mr, sizeof(mr)) == 0);
		rump_sys_close(fd);
	}
}

/* A socket with all there is of options, made and closed; what was tried stays cached. */
SWEEP_WITH(each_failed_allocation_of_a_socket_is_survived, FAULT_MEMORY,
    .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	static const uint8_t options[8] = { 0, 0, 0x1e, 4 };
	struct ipv6_mreq mr = { group_address(0).sin6_addr, 1 };
	int fd = rump_sys_socket(AF_INET6, SOCK_DGRAM, 0), error = 0, on = 1;

	if (fd < 0)
		return errno;
	if (rump_sys_setsockopt(fd, SOL_IPV6, IPV6_DSTOPTS, options, 8) != 0 ||
	    rump_sys_setsockopt(fd, SOL_IPV6, IPV6_DONTFRAG, &on, sizeof(on)) != 0 ||
	    rump_sys_setsockopt(fd, SOL_IPV6, IPV6_JOIN_GROUP, &mr, sizeof(mr)) != 0)
		error = errno == ENOBUFS ? ENOMEM : errno;
	rump_sys_close(fd);
	return error;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_udp_twin.c - UDP, raw and ping sockets do on our lo what they do on the host's
 *
 * Each scenario runs twice, with our calls and with the host's, and writes down what
 * every call returned; the two accounts must be alike.  Ports and identifiers that a
 * kernel chose are not written down.
 */

#include <errno.h>
#include <harness.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/errqueue.h>
#include <linux/sockios.h>

#define NTEST(name)	TEST_WITH(name, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)

static bool ours;
static char account[2][65536];
static size_t account_len;

static void __attribute__((__format__(__printf__, 1, 2)))
note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	account_len += (size_t)vsnprintf(account[ours] + account_len,
	    sizeof(account[0]) - account_len, fmt, ap);
	va_end(ap);
	NEED(account_len < sizeof(account[0]));
}

/* --- the calls, of either side, noted ---------------------------------------------- */

static long
noted(const char *what, long r)
{
	int error = r < 0 ? errno : 0;

	note("%s = %ld %s\n", what, r, error != 0 ? strerrorname_np(error) : "");
	errno = error;
	return r;
}

static int
x_socket(int family, int type, int proto)
{
	int fd = ours ? rump_sys_socket(family, type, proto) : socket(family, type, proto);

	note("socket(%d, %d, %d) = %d %s\n", family, type, proto, fd >= 0,
	    fd < 0 ? strerrorname_np(errno) : "");
	return fd;
}

static void
x_close(int fd)
{
	(void)(ours ? rump_sys_close(fd) : close(fd));
}

static int
x_bind(int fd, const void *sa, socklen_t len)
{
	return (int)noted("bind", ours ? rump_sys_bind(fd, sa, len) : bind(fd, sa, len));
}

static int
x_connect(int fd, const void *sa, socklen_t len)
{
	return (int)noted("connect", ours ? rump_sys_connect(fd, sa, len) : connect(fd, sa, len));
}

static ssize_t
x_sendto(int fd, const void *b, size_t n, int flags, const void *sa, socklen_t len)
{
	return noted("sendto", ours ? rump_sys_sendto(fd, b, n, flags, sa, (int)len) :
				      sendto(fd, b, n, flags, sa, len));
}

static ssize_t
x_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return noted("sendmsg", ours ? rump_sys_sendmsg(fd, m, flags) : sendmsg(fd, m, flags));
}

static int
x_setsockopt(int fd, int level, int name, const void *v, socklen_t len)
{
	note("setsockopt(%d, %d) ", level, name);
	return (int)noted("", ours ? rump_sys_setsockopt(fd, level, name, v, (int)len) :
				     setsockopt(fd, level, name, v, len));
}

static int
x_setint(int fd, int level, int name, int v)
{
	note("%d: ", v);
	return x_setsockopt(fd, level, name, &v, sizeof(v));
}

static void
x_getint(int fd, int level, int name)
{
	int v = -77, r;
	socklen_t len = sizeof(v);

	r = ours ? rump_sys_getsockopt(fd, level, name, &v, &len) :
		   getsockopt(fd, level, name, &v, &len);
	note("getsockopt(%d, %d) = %d %s: %d, %u bytes\n", level, name, r,
	    r < 0 ? strerrorname_np(errno) : "", v, len);
}

static void
x_poll(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };
	int r = ours ? rump_sys_poll(&p, 1, 0) : poll(&p, 1, 0);

	note("poll = %d: %x\n", r, p.revents);
}

static void
x_shutdown(int fd, int how)
{
	noted("shutdown", ours ? rump_sys_shutdown(fd, how) : shutdown(fd, how));
}

/* What the message and its control data say, but for addresses' ports. */
static void
note_control(struct msghdr *m)
{
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(m); cm != NULL; cm = CMSG_NXTHDR(m, cm)) {
		const uint8_t *b = CMSG_DATA(cm);
		size_t n = cm->cmsg_len - CMSG_LEN(0);
		bool port = cm->cmsg_level == SOL_IP && cm->cmsg_type == IP_RECVORIGDSTADDR;

		note("  control %d %d:", cm->cmsg_level, cm->cmsg_type);
		if (cm->cmsg_level == SOL_SOCKET)
			n = 0;		/* times */
		for (size_t i = 0; i < n; i++)
			if (!port || i < 2 || i > 3)
				note(" %02x", b[i]);
		note("\n");
	}
}

static ssize_t
x_recv(int fd, size_t room, int flags, size_t control)
{
	static char buf[70000], cbuf[1024];
	struct sockaddr_storage ss;
	struct iovec iov = { buf, room };
	struct msghdr m = { .msg_name = &ss, .msg_namelen = sizeof(ss), .msg_iov = &iov,
	    .msg_iovlen = 1, .msg_control = cbuf, .msg_controllen = control };
	ssize_t n;

	memset(buf, 0, 64);
	memset(&ss, 0, sizeof(ss));
	memset(cbuf, 0, sizeof(cbuf));
	n = ours ? rump_sys_recvmsg(fd, &m, flags) : recvmsg(fd, &m, flags);
	noted("recvmsg", n);
	if (n < 0)
		return n;
	note("  flags %x name %u family %d control %zu data %.20s\n", m.msg_flags, m.msg_namelen,
	    ss.ss_family, m.msg_controllen, buf);
	note_control(&m);
	return n;
}

static struct sockaddr_in
sin_of(uint32_t a, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(a) },
	    .sin_port = htons(port) };
}

static void
x_name(int fd, struct sockaddr_in *sin)
{
	socklen_t len = sizeof(*sin);

	(void)(ours ? rump_sys_getsockname(fd, (struct sockaddr *)sin, &len) :
		      getsockname(fd, (struct sockaddr *)sin, &len));
	note("name %08x %s\n", ntohl(sin->sin_addr.s_addr), sin->sin_port != 0 ? "port" : "");
}

static int
x_udp(struct sockaddr_in *sin)
{
	int fd = x_socket(AF_INET, SOCK_DGRAM, 0);

	*sin = sin_of(INADDR_LOOPBACK, 0);
	x_bind(fd, sin, sizeof(*sin));
	x_name(fd, sin);
	return fd;
}

/* Both sides, and where their accounts part. */
static void
twins(void (*scenario)(void))
{
	const char *a, *b;

	for (int side = 0; side < 2; side++) {
		ours = side;
		account_len = 0;
		account[side][0] = '\0';
		scenario();
	}
	a = account[0];
	b = account[1];
	if (CHECK(strcmp(a, b) == 0))
		return;
	while (*a != '\0' && *a == *b)
		a++, b++;
	while (a > account[0] && a[-1] != '\n')
		a--, b--;
	for (int i = 0; i < 3 && a - 1 > account[0]; i++)
		for (a--, b--; a > account[0] && a[-1] != '\n';)
			a--, b--;
	harness_note("host: %.300s", a);
	harness_note("ours: %.300s", b);
}

/* --- scenarios ----------------------------------------------------------------------- */

static void
names(void)
{
	struct sockaddr_in a, b, none = { .sin_family = AF_UNSPEC }, wild = sin_of(INADDR_ANY, 0);
	struct sockaddr_in far = sin_of(0x01010101, 5), group = sin_of(0xe0000105, 0);
	struct sockaddr_in six = sin_of(INADDR_LOOPBACK, 0);
	int fa = x_udp(&a), fb = x_udp(&b), fd;

	six.sin_family = AF_INET6;
	x_bind(fa, &a, sizeof(a));		/* bound already */
	fd = x_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
	x_name(fd, &wild);
	x_bind(fd, &far, sizeof(far));
	x_bind(fd, &six, sizeof(six));
	x_bind(fd, &a, 15);
	x_bind(fd, &a, sizeof(a));		/* in use */
	x_setint(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	x_bind(fd, &a, sizeof(a));
	x_setint(fa, SOL_SOCKET, SO_REUSEADDR, 1);
	x_bind(fd, &a, sizeof(a));
	x_close(fd);
	fd = x_socket(AF_INET, SOCK_DGRAM, 0);
	x_bind(fd, &group, sizeof(group));
	x_name(fd, &wild);
	x_close(fd);
	fd = x_socket(AF_INET, SOCK_DGRAM, 0);
	x_connect(fd, &a, sizeof(a));
	x_name(fd, &wild);
	x_connect(fd, &none, sizeof(none));
	x_name(fd, &wild);
	x_connect(fd, &six, sizeof(six));
	x_connect(fd, &a, 3);
	wild = sin_of(INADDR_ANY, 9);
	x_connect(fd, &wild, sizeof(wild));
	x_name(fd, &wild);
	x_close(fd);
	x_connect(fa, &b, sizeof(b));
	x_connect(fa, &none, sizeof(none));
	x_name(fa, &wild);
	x_close(fa);
	x_close(fb);
}
NTEST(names_are_given_and_taken_alike)
{
	twins(names);
}

static void
sending(void)
{
	static char big[70000];
	struct sockaddr_in a, b, zero, bcast = sin_of(0x7fffffff, 9), none;
	int fa = x_udp(&a), fb = x_udp(&b);

	zero = b;
	zero.sin_port = 0;
	x_sendto(fa, "x", 1, 0, NULL, 0);
	x_sendto(fa, "x", 1, 0, &b, 7);
	x_sendto(fa, "x", 1, 0, &zero, sizeof(zero));
	x_sendto(fa, "x", 1, MSG_OOB, &b, sizeof(b));
	x_sendto(fa, big, 65508, 0, &b, sizeof(b));
	x_sendto(fa, big, 70000, 0, &b, sizeof(b));
	x_sendto(fa, big, 65507, 0, &b, sizeof(b));
	x_recv(fb, 70000, MSG_DONTWAIT, 0);
	x_sendto(fa, "hello", 5, 0, &b, sizeof(b));
	x_recv(fb, 3, MSG_DONTWAIT | MSG_PEEK, 0);
	x_recv(fb, 3, MSG_DONTWAIT | MSG_TRUNC | MSG_PEEK, 0);
	x_recv(fb, 3, MSG_DONTWAIT | MSG_TRUNC, 0);
	x_recv(fb, 3, MSG_DONTWAIT, 0);
	x_sendto(fa, "x", 1, 0, &bcast, sizeof(bcast));
	none = b;
	none.sin_family = AF_UNSPEC;
	x_sendto(fa, "u", 1, 0, &none, sizeof(none));
	x_recv(fb, 3, MSG_DONTWAIT, 0);
	none.sin_family = AF_UNIX;
	x_sendto(fa, "u", 1, 0, &none, sizeof(none));
	x_poll(fa);
	x_shutdown(fa, SHUT_WR);
	x_sendto(fa, "x", 1, MSG_NOSIGNAL, &b, sizeof(b));
	x_connect(fb, &a, sizeof(a));
	x_shutdown(fb, SHUT_RD);
	x_recv(fb, 3, 0, 0);
	x_poll(fb);
	x_shutdown(fb, SHUT_RDWR);
	x_poll(fb);
	x_close(fa);
	x_close(fb);
}
NTEST(sends_succeed_and_fail_alike)
{
	twins(sending);
}

static void
refusals(void)
{
	struct sockaddr_in a, b;
	int fa = x_udp(&a), fb = x_udp(&b);

	x_close(fb);
	x_sendto(fa, "x", 1, 0, &b, sizeof(b));
	x_recv(fa, 3, MSG_DONTWAIT, 0);		/* not connected: nothing */
	x_connect(fa, &b, sizeof(b));
	x_sendto(fa, "x", 1, 0, NULL, 0);
	x_poll(fa);
	x_getint(fa, SOL_SOCKET, SO_ERROR);
	x_getint(fa, SOL_SOCKET, SO_ERROR);
	x_sendto(fa, "x", 1, 0, NULL, 0);
	x_sendto(fa, "x", 1, 0, NULL, 0);	/* the first one's error */
	x_sendto(fa, "x", 1, 0, NULL, 0);
	x_recv(fa, 3, MSG_DONTWAIT, 0);
	x_setint(fa, SOL_IP, IP_RECVERR, 1);
	x_sendto(fa, "what I sent", 11, 0, NULL, 0);
	x_poll(fa);
	x_recv(fa, 100, MSG_DONTWAIT | MSG_ERRQUEUE, 200);
	x_recv(fa, 100, MSG_DONTWAIT | MSG_ERRQUEUE, 200);
	x_recv(fa, 100, MSG_DONTWAIT, 200);
	x_recv(fa, 100, MSG_DONTWAIT, 200);
	x_close(fa);
}
NTEST(refusals_are_told_alike)
{
	twins(refusals);
}

static void
controls(void)
{
	static const int opts[] = { IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_RECVORIGDSTADDR,
	    IP_RECVOPTS };
	struct sockaddr_in a, b;
	int fa = x_udp(&a), fb = x_udp(&b), v;
	char cbuf[200];
	struct iovec iov = { (char[]){ "data" }, 4 };
	struct msghdr m = { .msg_name = &b, .msg_namelen = sizeof(b), .msg_iov = &iov,
	    .msg_iovlen = 1, .msg_control = cbuf };
	struct cmsghdr *cm = (struct cmsghdr *)(void *)cbuf;

	for (size_t i = 0; i < ARRAY_SIZE(opts); i++) {
		x_setint(fb, SOL_IP, opts[i], 1);
		x_sendto(fa, "one", 3, 0, &b, sizeof(b));
		x_recv(fb, 10, MSG_DONTWAIT, 500);
	}
	x_setint(fa, SOL_IP, IP_TOS, 0x28);
	x_setint(fa, SOL_IP, IP_TTL, 17);
	x_sendto(fa, "two", 3, 0, &b, sizeof(b));
	for (size_t room = 0; room < 100; room += 12) {
		x_recv(fb, 10, MSG_DONTWAIT | MSG_PEEK, room);
	}
	x_recv(fb, 10, MSG_DONTWAIT, 500);
	for (int type = 0; type < 30; type++) {
		memset(cbuf, 0, sizeof(cbuf));
		m.msg_controllen = CMSG_SPACE(sizeof(int));
		cm->cmsg_level = SOL_IP;
		cm->cmsg_type = type;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		v = 5;
		memcpy(CMSG_DATA(cm), &v, sizeof(v));
		if (type == IP_RETOPTS)
			continue;
		note("type %d ", type);
		if (x_sendmsg(fa, &m, 0) > 0)
			x_recv(fb, 10, MSG_DONTWAIT, 500);
	}
	cm->cmsg_type = IP_PKTINFO;
	m.msg_controllen = cm->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
	for (int i = 0; i < 4; i++) {
		struct in_pktinfo pi = { .ipi_ifindex = i == 1 ? 1 : i == 2 ? 99 : 0,
		    .ipi_spec_dst = { htonl(i == 3 ? 0x01020304 : 0x7f000005) } };

		memcpy(CMSG_DATA(cm), &pi, sizeof(pi));
		if (x_sendmsg(fa, &m, 0) > 0)
			x_recv(fb, 10, MSG_DONTWAIT, 500);
	}
	x_close(fa);
	x_close(fb);
}
NTEST(control_messages_are_alike)
{
	twins(controls);
}

static void
options(void)
{
	static const int names[] = { IP_TOS, IP_TTL, IP_MTU_DISCOVER, IP_RECVERR, IP_RECVTTL,
	    IP_RECVTOS, IP_PKTINFO, IP_FREEBIND, IP_TRANSPARENT, IP_MINTTL, IP_MULTICAST_TTL,
	    IP_MULTICAST_LOOP, IP_MULTICAST_ALL, IP_BIND_ADDRESS_NO_PORT, IP_HDRINCL, IP_MTU,
	    IP_NODEFRAG, IP_RECVOPTS, 26 };
	static const int values[] = { -2, -1, 0, 1, 2, 3, 5, 6, 64, 255, 256, 300, 65536 };
	int fd = x_socket(AF_INET, SOCK_DGRAM, 0);
	unsigned char byte = 9;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		x_getint(fd, SOL_IP, names[i]);
		for (size_t k = 0; k < ARRAY_SIZE(values); k++)
			if (x_setint(fd, SOL_IP, names[i], values[k]) == 0)
				x_getint(fd, SOL_IP, names[i]);
		if (x_setsockopt(fd, SOL_IP, names[i], &byte, 1) == 0)
			x_getint(fd, SOL_IP, names[i]);
		if (x_setsockopt(fd, SOL_IP, names[i], &byte, 0) == 0)
			x_getint(fd, SOL_IP, names[i]);
	}
	for (int name = 100; name < 106; name++) {
		if (name == UDP_ENCAP)
			continue;
		for (int v = -1; v < 2; v++)
			x_setint(fd, SOL_UDP, name, v);
		x_getint(fd, SOL_UDP, name);
		x_setsockopt(fd, SOL_UDP, name, &byte, 1);
	}
	x_setint(fd, SOL_UDP, UDP_SEGMENT, 65535);
	x_setint(fd, SOL_UDP, UDP_SEGMENT, 65536);
	x_close(fd);
}
NTEST(options_are_taken_and_given_back_alike)
{
	twins(options);
}

static void
groups(void)
{
	struct ip_mreqn mr = { .imr_multiaddr = { htonl(0xe0010203) },
	    .imr_address = { htonl(INADDR_LOOPBACK) } };
	struct ip_mreq_source ms = { .imr_multiaddr = { htonl(0xe0010203) },
	    .imr_interface = { htonl(INADDR_LOOPBACK) }, .imr_sourceaddr = { htonl(0x7f000001) } };
	struct sockaddr_in a, b = sin_of(INADDR_ANY, 0), dst;
	int fa = x_udp(&a), fb = x_socket(AF_INET, SOCK_DGRAM, 0);
	struct in_addr lo = { htonl(INADDR_LOOPBACK) }, bad = { htonl(0x01010101) };

	x_bind(fb, &b, sizeof(b));
	x_name(fb, &b);
	dst = sin_of(0xe0010203, ntohs(b.sin_port));
	x_setsockopt(fb, SOL_IP, IP_DROP_MEMBERSHIP, &mr, sizeof(mr));
	x_setsockopt(fb, SOL_IP, IP_ADD_MEMBERSHIP, &mr, 7);
	x_setsockopt(fb, SOL_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(struct ip_mreq));
	x_setsockopt(fb, SOL_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(mr));
	x_setsockopt(fa, SOL_IP, IP_MULTICAST_IF, &bad, sizeof(bad));
	x_setsockopt(fa, SOL_IP, IP_MULTICAST_IF, &lo, sizeof(lo));
	x_sendto(fa, "group", 5, 0, &dst, sizeof(dst));
	x_recv(fb, 10, MSG_DONTWAIT, 100);
	x_setsockopt(fb, SOL_IP, IP_BLOCK_SOURCE, &ms, sizeof(ms));
	x_setsockopt(fb, SOL_IP, IP_BLOCK_SOURCE, &ms, sizeof(ms));
	x_sendto(fa, "blocked", 7, 0, &dst, sizeof(dst));
	x_recv(fb, 10, MSG_DONTWAIT, 100);
	x_setsockopt(fb, SOL_IP, IP_ADD_SOURCE_MEMBERSHIP, &ms, sizeof(ms));
	x_setsockopt(fb, SOL_IP, IP_UNBLOCK_SOURCE, &ms, sizeof(ms));
	x_setsockopt(fb, SOL_IP, IP_UNBLOCK_SOURCE, &ms, sizeof(ms));
	x_sendto(fa, "again", 5, 0, &dst, sizeof(dst));
	x_recv(fb, 10, MSG_DONTWAIT, 100);
	x_setsockopt(fb, SOL_IP, IP_DROP_MEMBERSHIP, &mr, sizeof(mr));
	x_setsockopt(fb, SOL_IP, IP_DROP_MEMBERSHIP, &mr, sizeof(mr));
	x_setsockopt(fb, SOL_IP, IP_ADD_SOURCE_MEMBERSHIP, &ms, sizeof(ms));
	x_sendto(fa, "source", 6, 0, &dst, sizeof(dst));
	x_recv(fb, 10, MSG_DONTWAIT, 100);
	x_setsockopt(fb, SOL_IP, IP_DROP_SOURCE_MEMBERSHIP, &ms, sizeof(ms));
	x_setsockopt(fb, SOL_IP, IP_DROP_SOURCE_MEMBERSHIP, &ms, sizeof(ms));
	mr.imr_multiaddr.s_addr = htonl(0x7f000001);
	x_setsockopt(fb, SOL_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(mr));
	mr.imr_multiaddr.s_addr = htonl(0xe0010204);
	mr.imr_ifindex = 999;
	x_setsockopt(fb, SOL_IP, IP_ADD_MEMBERSHIP, &mr, sizeof(mr));
	x_close(fa);
	x_close(fb);
}
NTEST(groups_are_joined_and_left_alike)
{
	twins(groups);
}

static void
corks(void)
{
	struct sockaddr_in a, b;
	int fa = x_udp(&a), fb = x_udp(&b), queued;
	static char train[5000];

	x_connect(fa, &b, sizeof(b));
	x_sendto(fa, "ab", 2, MSG_MORE, NULL, 0);
	x_sendto(fa, "cd", 2, 0, NULL, 0);
	x_recv(fb, 10, MSG_DONTWAIT, 0);
	x_setint(fa, SOL_UDP, UDP_CORK, 1);
	x_sendto(fa, "1", 1, 0, NULL, 0);
	x_sendto(fa, train, 5000, 0, NULL, 0);
	x_recv(fb, 10, MSG_DONTWAIT, 0);
	x_setint(fa, SOL_UDP, UDP_CORK, 0);
	x_recv(fb, 10000, MSG_DONTWAIT | MSG_TRUNC, 0);
	x_setint(fa, SOL_UDP, UDP_SEGMENT, 1500);
	x_sendto(fa, train, 5000, 0, NULL, 0);
	queued = 0;
	(void)(ours ? rump_sys_ioctl(fb, SIOCINQ, &queued) : ioctl(fb, SIOCINQ, &queued));
	note("queued %d\n", queued);
	for (int i = 0; i < 5; i++)
		x_recv(fb, 10000, MSG_DONTWAIT, 0);
	x_setint(fb, SOL_UDP, UDP_GRO, 1);
	x_sendto(fa, train, 1000, 0, NULL, 0);
	x_recv(fb, 10000, MSG_DONTWAIT, 100);
	x_setint(fa, SOL_UDP, UDP_SEGMENT, 10);
	x_sendto(fa, train, 5000, 0, NULL, 0);
	x_close(fa);
	x_close(fb);
}
NTEST(corks_and_trains_are_alike)
{
	twins(corks);
}

static void
raws(void)
{
	struct sockaddr_in dst = sin_of(INADDR_LOOPBACK, 0), a;
	struct icmphdr req = { .type = ICMP_ECHO, .un.echo = { .id = 77, .sequence = 1 } };
	unsigned int filter = ~(1u << ICMP_ECHOREPLY);
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 9, .protocol = IPPROTO_UDP,
	    .daddr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in name, far = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000005) };
	uint8_t pkt[64];
	int fd = x_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), fu;

	req.checksum = (uint16_t) ~(ICMP_ECHO + 77 + 1);
	x_setsockopt(fd, SOL_RAW, 1 /* ICMP_FILTER */, &filter, sizeof(filter));
	x_sendto(fd, &req, sizeof(req), 0, &dst, sizeof(dst));
	x_recv(fd, 100, MSG_DONTWAIT, 0);
	x_recv(fd, 100, MSG_DONTWAIT, 0);
	x_sendto(fd, &req, sizeof(req), 0, NULL, 0);
	x_name(fd, &name);
	x_connect(fd, &dst, sizeof(dst));
	x_name(fd, &name);
	x_connect(fd, &far, sizeof(far));
	x_name(fd, &name);
	x_sendto(fd, &req, sizeof(req), 0, NULL, 0);
	x_recv(fd, 100, MSG_DONTWAIT, 0);
	x_close(fd);
	fu = x_udp(&a);
	fd = x_socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	memset(pkt, 0, sizeof(pkt));
	memcpy(pkt, &ip, sizeof(ip));
	memcpy(pkt + 20, (uint16_t[]){ 9, a.sin_port, htons(12), 0 }, 8);
	memcpy(pkt + 28, "raw!", 4);
	x_sendto(fd, pkt, 32, 0, &dst, sizeof(dst));
	x_recv(fu, 100, MSG_DONTWAIT, 0);
	x_sendto(fd, pkt, 10, 0, &dst, sizeof(dst));
	x_socket(AF_INET, SOCK_RAW, 0);
	x_socket(AF_INET, SOCK_RAW, 300);
	x_socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP);
	x_socket(AF_INET, SOCK_STREAM, IPPROTO_UDP);
	x_close(fd);
	x_close(fu);
}
NTEST(raw_sockets_are_alike)
{
	if (geteuid() != 0)
		SKIP("the host's raw sockets want root");
	twins(raws);
}

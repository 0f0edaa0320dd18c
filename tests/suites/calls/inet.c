/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inet.c - sockets of the internet family, over the loopback
 *
 * References: ip(7), ipv6(7), tcp(7), udp(7), socket(2), bind(2), connect(2), listen(2), accept(2), recvmsg(2).
 */

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

static char buf[100000];

static struct sockaddr_in
addr(const char *text, int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	(void)inet_pton(AF_INET, text, &sin.sin_addr);
	return sin;
}

static int
do_bind(int s, const char *text, int port)
{
	struct sockaddr_in sin = addr(text, port);

	return bind(s, (struct sockaddr *)&sin, sizeof(sin));
}

static int
do_connect(int s, const char *text, int port)
{
	struct sockaddr_in sin = addr(text, port);

	return connect(s, (struct sockaddr *)&sin, sizeof(sin));
}

static int
port_of(int s)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	return getsockname(s, (struct sockaddr *)&sin, &len) == 0 ? ntohs(sin.sin_port) : -1;
}

static void
tell_peer(int s)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	memset(&sin, 0, sizeof(sin));
	if (T(getpeername(s, (struct sockaddr *)&sin, &len)) == 0)
		tell_text("  family %d len %u %s port %d", sin.sin_family, (unsigned int)len, inet_ntoa(sin.sin_addr),
		    sin.sin_port != 0);
	len = sizeof(sin);
	memset(&sin, 0, sizeof(sin));
	T(getsockname(s, (struct sockaddr *)&sin, &len));
	tell_text("  family %d len %u %s port %d", sin.sin_family, (unsigned int)len, inet_ntoa(sin.sin_addr),
	    sin.sin_port != 0);
}

static void
revents(int s)
{
	struct pollfd p = { .fd = s, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP };

	T(poll(&p, 1, 0));
	tell_text("  revents %x", (unsigned int)p.revents);
}

static int
pair(int *ret_other)
{
	int l, a, b;

	l = socket(AF_INET, SOCK_STREAM, 0);
	if (do_bind(l, "127.0.0.1", 0) != 0 || listen(l, 1) != 0)
		return -1;
	a = socket(AF_INET, SOCK_STREAM, 0);
	if (do_connect(a, "127.0.0.1", port_of(l)) != 0)
		return -1;
	b = accept(l, NULL, NULL);
	(void)close(l);
	*ret_other = b;
	return a;
}

static void
makes(void)
{
	int s;

	(void)signal(SIGPIPE, SIG_IGN);

	T(socket(AF_INET, SOCK_STREAM, 99));
	T(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	T(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
	T(socket(AF_INET, SOCK_STREAM, -1));
	T(socket(AF_INET, SOCK_STREAM, 256));
	T(socket(AF_INET, 77, 0));
	T(socket(AF_INET, SOCK_SEQPACKET, 0));
	T(socket(AF_INET, SOCK_RDM, 0));
	T(socket(AF_INET, SOCK_RAW, 0));
	T(socket(9999, SOCK_STREAM, 0));
	T(socket(-1, SOCK_STREAM, 0));
	T(socket(AF_APPLETALK, SOCK_STREAM, 0));
	T(socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP));
	s = (int)T(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
	T(fcntl(s, F_GETFD));
	T(fcntl(s, F_GETFL));
	T(do_bind(s, "127.0.0.1", 0));
	T(do_bind(s, "127.0.0.1", 0));
	s = (int)T(socket(AF_INET, SOCK_STREAM, 0));
	T(do_bind(s, "203.0.113.7", 0));
	T(do_bind(s, "255.255.255.255", 0));
	T(do_bind(s, "224.0.0.1", 0));
	T(bind(s, NOWHERE, 16));
	T(bind(s, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET }, 7));
	T(bind(s, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET6 }, 16));
	T(bind(s, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_UNSPEC }, 16));
	s = (int)T(socket(AF_INET6, SOCK_STREAM, 0));
	T(bind(s, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET }, 16));
	T(bind(s, (struct sockaddr *)&(struct sockaddr_in6){ .sin6_family = AF_INET6 }, 16));
	T(bind(s, (struct sockaddr *)&(struct sockaddr_in6){ .sin6_family = AF_INET6 }, 24));
	T(read(s, buf, 1));
	T(write(s, buf, 0));
	T(lseek(s, 0, SEEK_SET));
	T(pread(s, buf, 1, 0));
	T(ftruncate(s, 0));
	T(fsync(s));
	T(fchmod(s, 0600));
	T(fchdir(s));
}

static void
connects(void)
{
	int l, a, b, n, error, v;
	socklen_t len = sizeof(error);

	(void)signal(SIGPIPE, SIG_IGN);
	l = (int)T(socket(AF_INET, SOCK_STREAM, 0));
	revents(l);
	T(accept(l, NULL, NULL));
	T(recv(l, buf, 1, 0));
	T(send(l, buf, 1, 0));
	/* Of another one: on Linux those that it accepts later would begin as shut down as it is. */
	T(shutdown(socket(AF_INET, SOCK_STREAM, 0), SHUT_WR));
	tell_peer(l);
	T(do_bind(l, "127.0.0.1", 0));
	n = port_of(l);
	a = (int)T(socket(AF_INET, SOCK_STREAM, 0));
	T(do_connect(a, "127.0.0.1", n));
	revents(a);
	T(do_bind(socket(AF_INET, SOCK_STREAM, 0), "127.0.0.1", n));
	T(listen(l, 2));
	revents(l);
	T(do_bind(socket(AF_INET, SOCK_STREAM, 0), "0.0.0.0", n));
	T(do_connect(l, "127.0.0.1", n));
	T(fcntl(l, F_SETFL, O_NONBLOCK));
	T(accept(l, NULL, NULL));
	a = (int)T(socket(AF_INET, SOCK_STREAM, 0));
	T(connect(a, NOWHERE, 16));
	T(connect(a, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET }, 3));
	T(connect(a, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = 99 }, 16));
	T(connect(-1, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET }, 16));
	T(do_connect(a, "127.0.0.1", n));
	revents(l);
	T(do_connect(a, "127.0.0.1", n));
	T(listen(a, 1));
	tell_peer(a);
	b = (int)T(accept4(l, NULL, NULL, 0x40000000));
	b = (int)T(accept4(l, NULL, NULL, SOCK_CLOEXEC));
	T(fcntl(b, F_GETFL));
	T(fcntl(b, F_GETFD));
	tell_peer(b);
	revents(b);
	T(ioctl(b, FIONREAD, &v));
	T(ioctl(l, FIONREAD, &v));
	T(ioctl(b, SIOCATMARK, &v));
	T(send(a, "hello", 5, 0));
	revents(b);
	T(ioctl(b, FIONREAD, &v));
	tell_text("%d", v);
	T(recv(b, buf, 2, MSG_PEEK));
	T(recv(b, buf, 100, MSG_DONTWAIT));
	T(recv(b, buf, 100, MSG_DONTWAIT));
	T(recv(b, buf, 100, MSG_DONTWAIT | MSG_ERRQUEUE));
	T(recv(b, buf, 100, MSG_DONTWAIT | MSG_OOB));
	T(send(a, "ab!", 3, MSG_OOB));
	revents(b);
	T(ioctl(b, SIOCATMARK, &v));
	T(recv(b, buf, 100, MSG_OOB));
	T(recv(b, buf, 100, MSG_OOB));
	T(recv(b, buf, 100, 0));
	T(ioctl(b, SIOCATMARK, &v));
	tell_text("at the mark %d", v);
	T(send(a, "xyz", 3, MSG_MORE));
	T(send(a, "", 0, 0));
	T(send(a, NOWHERE, 1, 0));
	T(sendto(a, "w", 1, 0, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET }, 16));
	T(recv(b, buf, 4, MSG_WAITALL));
	T(send(a, "long", 4, 0));
	T(recv(b, NOWHERE, 4, MSG_DONTWAIT));
	T(recv(b, NULL, 2, MSG_TRUNC));
	T(recv(b, buf, 10, 0));
	T(shutdown(a, 9));
	T(shutdown(a, SHUT_WR));
	revents(a);
	T(recv(b, buf, 10, 0));
	revents(b);
	T(send(a, "x", 1, 0));
	T(send(b, "still", 5, 0));
	T(recv(a, buf, 10, 0));
	T(shutdown(b, SHUT_RDWR));
	revents(b);
	T(recv(a, buf, 10, 0));
	revents(a);
	T(shutdown(a, SHUT_RDWR));
	T(send(b, "x", 1, 0));
	T(getsockopt(b, SOL_SOCKET, SO_ERROR, &error, &len));
	tell_text("error %d", error);
	T(close(a));
	T(close(b));
	T(shutdown(l, SHUT_RD));
	T(accept(l, NULL, NULL));
	a = pair(&b);
	T(setsockopt(a, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger)));
	T(close(a));
	T(recv(b, buf, 1, 0));
	T(recv(b, buf, 1, 0));
	T(send(b, buf, 1, 0));
	revents(b);
	a = pair(&b);
	T(send(a, "unread", 6, 0));
	T(close(b));
	T(recv(a, buf, 1, 0));
	a = (int)T(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	T(do_connect(a, "127.0.0.1", n));
	T(poll(&(struct pollfd){ .fd = a, .events = POLLOUT }, 1, 1000));
	T(getsockopt(a, SOL_SOCKET, SO_ERROR, &error, &len));
	tell_text("error %s", strerrorname_np(error));
	T(connect(a, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_UNSPEC }, 16));
}

static void
udp(void)
{
	struct sockaddr_in sin, to;
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	struct mmsghdr mm[2];
	struct iovec iov[2] = { { buf, 10 }, { buf + 10, 10 } };
	struct timespec ts = { 0, 1000000 };
	socklen_t len = sizeof(sin);
	int a, b, v;

	a = (int)T(socket(AF_INET, SOCK_DGRAM, 0));
	b = (int)T(socket(AF_INET, SOCK_DGRAM, 0));
	revents(a);
	T(send(a, "x", 1, 0));
	T(listen(a, 1));
	T(accept(a, NULL, NULL));
	T(do_bind(b, "127.0.0.1", 0));
	to = addr("127.0.0.1", port_of(b));
	T(sendto(a, "one", 3, 0, (struct sockaddr *)&to, sizeof(to)));
	T(sendto(a, "", 0, 0, (struct sockaddr *)&to, sizeof(to)));
	T(sendto(a, "x", 1, 0, (struct sockaddr *)&to, 3));
	T(sendto(a, "x", 1, 0, NOWHERE, 16));
	T(sendto(a, NOWHERE, 5, 0, (struct sockaddr *)&to, sizeof(to)));
	T(sendto(a, buf, 65508, 0, (struct sockaddr *)&to, sizeof(to)));
	T(sendto(a, "x", 1, MSG_OOB, (struct sockaddr *)&to, sizeof(to)));
	T(sendto(a, "x", 1, 0, (struct sockaddr *)&sin6, sizeof(sin6)));
	sin = addr("127.0.0.1", 0);
	T(sendto(a, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin)));
	sin = addr("255.255.255.255", 9);
	T(sendto(a, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin)));
	revents(b);
	T(ioctl(b, FIONREAD, &v));
	tell_text("%d", v);
	memset(&sin, 0, sizeof(sin));
	T(recvfrom(b, buf, 2, MSG_TRUNC, (struct sockaddr *)&sin, &len));
	tell_text("len %u %s", (unsigned int)len, inet_ntoa(sin.sin_addr));
	T(recv(b, buf, 10, 0));
	T(recv(b, buf, 10, MSG_DONTWAIT));
	T(connect(a, (struct sockaddr *)&to, sizeof(to)));
	tell_peer(a);
	T(connect(b, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(9),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, sizeof(sin)));
	T(send(b, "x", 1, 0));
	T(recv(b, buf, 1, 0));
	T(send(b, "x", 1, 0) >= 0 || errno == ECONNREFUSED);
	T(connect(b, (struct sockaddr *)&(struct sockaddr_in){ .sin_family = AF_UNSPEC }, 16));
	tell_peer(b);
	T(shutdown(b, SHUT_RD));
	T(connect(a, (struct sockaddr *)&to, sizeof(to)));
	memset(mm, 0, sizeof(mm));
	for (int i = 0; i < 2; i++) {
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	b = (int)T(socket(AF_INET, SOCK_DGRAM, 0));
	T(do_bind(b, "127.0.0.1", 0));
	to = addr("127.0.0.1", port_of(b));
	T(connect(a, (struct sockaddr *)&to, sizeof(to)));
	T(sendmmsg(a, mm, 2, 0));
	T(recvmmsg(b, mm, 1, 0, NULL));
	T(recvmmsg(b, mm, 2, MSG_WAITFORONE, NULL));
	T(setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0, 1000 }, sizeof(struct timeval)));
	T(recvmmsg(b, mm, 2, 0, &ts));
	T(recv(b, buf, 1, 0));
	T(setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ 0, 1000000 }, sizeof(struct timeval)));
	T(shutdown(a, SHUT_RDWR));
	revents(a);
	T(send(a, "x", 1, MSG_NOSIGNAL));
	T(recv(a, buf, 1, 0));
}

static void
udp6(void)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT }, from;
	struct sockaddr_in v4;
	socklen_t len = sizeof(to);
	int a, b, on = 1;

	a = (int)T(socket(AF_INET6, SOCK_DGRAM, 0));
	b = (int)T(socket(AF_INET6, SOCK_DGRAM, 0));
	T(bind(b, (struct sockaddr *)&to, sizeof(to)));
	T(getsockname(b, (struct sockaddr *)&to, &len));
	T(sendto(a, "six", 3, 0, (struct sockaddr *)&to, sizeof(to)));
	len = sizeof(from);
	memset(&from, 0, sizeof(from));
	T(recvfrom(b, buf, 10, 0, (struct sockaddr *)&from, &len));
	tell_text("family %d loopback %d scope %u", from.sin6_family, IN6_IS_ADDR_LOOPBACK(&from.sin6_addr),
	    from.sin6_scope_id);
	to.sin6_addr.s6_addr[0] = 0xfe;
	to.sin6_addr.s6_addr[1] = 0x80;
	T(bind(a, (struct sockaddr *)&to, sizeof(to)));
	(void)close(b);
	b = (int)T(socket(AF_INET6, SOCK_DGRAM, 0));
	memset(&to, 0, sizeof(to));
	to.sin6_family = AF_INET6;
	T(bind(b, (struct sockaddr *)&to, sizeof(to)));
	T(setsockopt(b, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
	v4 = addr("127.0.0.1", port_of(b));
	a = (int)T(socket(AF_INET, SOCK_DGRAM, 0));
	T(sendto(a, "four", 4, 0, (struct sockaddr *)&v4, sizeof(v4)));
	len = sizeof(from);
	T(recvfrom(b, buf, 10, 0, (struct sockaddr *)&from, &len));
	tell_text("mapped %d", IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
	(void)close(b);
	b = (int)T(socket(AF_INET6, SOCK_DGRAM, 0));
	T(setsockopt(b, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
	T(bind(b, (struct sockaddr *)&from, sizeof(from)));
	T(connect(b, (struct sockaddr *)&from, sizeof(from)));
}

const struct group inet_groups[] = {
	{ "inet-sockets", makes },
	{ "tcp", connects },
	{ "udp", udp },
	{ "udp6", udp6 },
	{ NULL, NULL },
};

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * local.c - local sockets
 *
 * References: unix(7), socket(2), socketpair(2), bind(2), accept(2), shutdown(2), send(2), recv(2), sendmsg(2).
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

static char buf[300000];

static struct sockaddr_un
name(const char *text)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", text);
	return sun;
}

static int
do_bind(int s, const char *text)
{
	struct sockaddr_un sun = name(text);

	return bind(s, (struct sockaddr *)&sun, sizeof(sun));
}

static int
do_connect(int s, const char *text)
{
	struct sockaddr_un sun = name(text);

	return connect(s, (struct sockaddr *)&sun, sizeof(sun));
}

static void
tell_names(int s)
{
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);

	memset(&sun, 0, sizeof(sun));
	T(getsockname(s, (struct sockaddr *)&sun, &len));
	tell_text("  family %d len %u \"%s\"", sun.sun_family, (unsigned int)len, sun.sun_path);
	len = sizeof(sun);
	memset(&sun, 0, sizeof(sun));
	T(getpeername(s, (struct sockaddr *)&sun, &len));
	tell_text("  family %d len %u \"%s\"", sun.sun_family, (unsigned int)len, sun.sun_path);
}

static void
names(void)
{
	struct sockaddr_un sun;
	socklen_t len;
	struct stat st;
	int a, b, c;

	T(socket(AF_UNIX, 77, 0));
	T(socket(AF_UNIX, SOCK_STREAM, 7));
	T(socket(AF_UNIX, SOCK_STREAM | 0x100, 0));
	T(socket(AF_UNIX, SOCK_RAW, 0));
	a = (int)T(socket(AF_UNIX, SOCK_STREAM, 0));
	tell_names(a);
	T(do_bind(a, "sock"));
	T(do_bind(a, "sock2"));
	tell_names(a);
	T(stat("sock", &st));
	tell_text("mode %o", st.st_mode);
	b = (int)T(socket(AF_UNIX, SOCK_STREAM, 0));
	T(do_bind(b, "sock"));
	T(do_bind(b, "gone/sock"));
	T(do_bind(b, "sock/x"));
	T(bind(b, NOWHERE, sizeof(sun)));
	sun = name("x");
	T(bind(b, (struct sockaddr *)&sun, 1));
	T(bind(b, (struct sockaddr *)&sun, sizeof(sun) + 1));
	T(bind(b, (struct sockaddr *)&sun, 0));
	sun.sun_family = AF_INET;
	T(bind(b, (struct sockaddr *)&sun, sizeof(sun)));
	T(bind(-1, (struct sockaddr *)&sun, sizeof(sun)));
	T(bind(0, (struct sockaddr *)&sun, sizeof(sun)));
	T(do_connect(b, "sock"));
	T(do_connect(b, "gone"));
	T(do_connect(b, "."));
	T(listen(b, 1));
	T(listen(a, 3));
	T(do_connect(b, "sock"));
	T(do_connect(b, "sock"));
	c = (int)T(socket(AF_UNIX, SOCK_DGRAM, 0));
	T(do_connect(c, "sock"));
	T(listen(c, 1));
	T(accept(c, NULL, NULL));
	T(accept(b, NULL, NULL));
	T(accept4(a, NULL, NULL, 1));
	len = sizeof(sun);
	memset(&sun, 0x55, sizeof(sun));
	c = (int)T(accept4(a, (struct sockaddr *)&sun, &len, SOCK_NONBLOCK | SOCK_CLOEXEC));
	tell_text("len %u family %d", (unsigned int)len, sun.sun_family);
	T(fcntl(c, F_GETFD));
	T(fcntl(c, F_GETFL));
	tell_names(c);
	tell_names(b);
	len = 4;
	memset(&sun, 0, sizeof(sun));
	T(getpeername(b, (struct sockaddr *)&sun, &len));
	tell_text("len %u \"%s\"", (unsigned int)len, sun.sun_path);
	len = (socklen_t)-1;
	T(getsockname(b, (struct sockaddr *)&sun, &len));
	T(getsockname(b, (struct sockaddr *)&sun, NOWHERE));
	len = sizeof(sun);
	T(getsockname(b, NOWHERE, &len));
	T(unlink("sock"));
	T(do_connect(socket(AF_UNIX, SOCK_STREAM, 0), "sock"));
	T(open("sock", O_RDONLY));
	b = (int)T(socket(AF_UNIX, SOCK_DGRAM, 0));
	sun = name("");
	T(bind(b, (struct sockaddr *)&sun, sizeof(sa_family_t)));
	len = sizeof(sun);
	T(getsockname(b, (struct sockaddr *)&sun, &len));
	tell_text("len %u first %d", (unsigned int)len, sun.sun_path[0]);
}

static void
streams(void)
{
	struct pollfd p;
	int s[2], none[2];

	(void)signal(SIGPIPE, SIG_IGN);
	T(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
	T(socketpair(AF_INET, SOCK_STREAM, 0, none));
	T(socketpair(AF_UNIX, SOCK_STREAM, 0, NOWHERE));
	T(recv(s[0], buf, 1, 0));
	T(send(s[0], "hello", 5, 0));
	T(recv(s[1], buf, 2, MSG_PEEK));
	T(recv(s[1], buf, 2, 0));
	T(recv(s[1], buf, 10, MSG_WAITALL | MSG_DONTWAIT));
	T(send(s[0], "x", 1, MSG_OOB));
	T(recv(s[1], buf, 10, MSG_OOB));
	T(recv(s[1], buf, 10, 0));
	T(send(s[0], NOWHERE, 1, 0));
	T(send(s[0], "", 0, 0));
	T(recv(s[1], buf, 10, 0));
	T(send(s[0], "abc", 3, 0));
	T(recv(s[1], NOWHERE, 10, 0));
	T(recv(s[1], buf, 10, MSG_TRUNC));
	T(sendto(s[0], "x", 1, 0, (struct sockaddr *)&(struct sockaddr_un){ .sun_family = AF_UNIX }, 3));
	T(read(s[1], buf, 0));
	T(send(-1, "x", 1, 0));
	T(send(0, "x", 1, 0));
	T(shutdown(s[0], 7));
	T(shutdown(s[0], SHUT_RD));
	T(send(s[1], "x", 1, MSG_NOSIGNAL));
	T(recv(s[0], buf, 1, 0));
	T(send(s[0], "x", 1, 0));
	T(shutdown(s[0], SHUT_WR));
	T(send(s[0], "x", 1, 0));
	T(recv(s[1], buf, 10, 0));
	T(recv(s[1], buf, 10, 0));
	p = (struct pollfd){ .fd = s[1], .events = POLLIN | POLLOUT | POLLRDHUP };
	T(poll(&p, 1, 0));
	tell_text("%x", (unsigned int)p.revents);
	T(shutdown(socket(AF_UNIX, SOCK_STREAM, 0), SHUT_RD));
	T(shutdown(-1, SHUT_RD));
	T(shutdown(0, SHUT_RD));
	T(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	T(send(s[0], "unread", 6, 0));
	T(close(s[1]));
	T(recv(s[0], buf, 1, 0));
	T(send(s[0], "x", 1, 0));
	T(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	T(send(s[1], "unread", 6, 0));
	T(close(s[0]));
	T(recv(s[1], buf, 1, 0));
	T(recv(s[1], buf, 1, 0));
	T(send(s[1], "x", 1, 0));
}

static void
datagrams(void)
{
	struct sockaddr_un sun;
	struct mmsghdr mm[3];
	struct iovec iov[3] = { { buf, 10 }, { buf + 10, 10 }, { buf + 20, 10 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 1 };
	socklen_t len = sizeof(sun);
	int a, b, s[2], n = 0;

	(void)signal(SIGPIPE, SIG_IGN);
	a = (int)T(socket(AF_UNIX, SOCK_DGRAM, 0));
	b = (int)T(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	T(send(a, "x", 1, 0));
	T(do_bind(b, "b"));
	sun = name("b");
	T(sendto(a, "one", 3, 0, (struct sockaddr *)&sun, sizeof(sun)));
	T(sendto(a, "", 0, 0, (struct sockaddr *)&sun, sizeof(sun)));
	T(do_connect(a, "b"));
	T(send(a, "three", 5, 0));
	T(recvfrom(b, buf, 2, 0, (struct sockaddr *)&sun, &len));
	tell_text("len %u", (unsigned int)len);
	T(recv(b, buf, 2, MSG_TRUNC));
	T(recv(b, buf, 2, MSG_PEEK | MSG_TRUNC));
	T(recvmsg(b, &m, 0));
	tell_text("flags %x", (unsigned int)m.msg_flags);
	T(recv(b, buf, 2, 0));
	T(do_bind(a, "a"));
	T(send(a, "named", 5, 0));
	len = sizeof(sun);
	T(recvfrom(b, buf, 10, 0, (struct sockaddr *)&sun, &len));
	tell_text("len %u \"%s\"", (unsigned int)len, sun.sun_path);
	memset(mm, 0, sizeof(mm));
	for (int i = 0; i < 3; i++) {
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	T(sendmmsg(a, mm, 3, 0));
	tell_text("%u %u %u", mm[0].msg_len, mm[1].msg_len, mm[2].msg_len);
	T(recvmmsg(b, mm, 3, MSG_DONTWAIT, NULL));
	T(recvmmsg(b, mm, 3, MSG_DONTWAIT, NULL));
	T(recvmmsg(b, mm, 0, 0, NULL));
	T(recvmmsg(b, mm, 1, 0, &(struct timespec){ -1, 0 }));
	T(sendmmsg(a, NOWHERE, 1, 0));
	m.msg_iovlen = 2000;
	T(sendmsg(a, &m, 0));
	m.msg_iovlen = 1;
	m.msg_iov = NOWHERE;
	T(sendmsg(a, &m, 0));
	T(sendmsg(a, NOWHERE, 0));
	T(recvmsg(a, NOWHERE, MSG_DONTWAIT));
	T(send(a, buf, sizeof(buf), 0));
	T(close(b));
	T(send(a, "x", 1, 0));
	T(do_connect(a, "b"));
	T(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
	T(send(s[0], "abcdef", 6, 0));
	T(send(s[0], "gh", 2, MSG_EOR));
	T(recv(s[1], buf, 3, 0));
	T(recv(s[1], buf, 30, 0));
	T(send(s[0], "", 0, 0));
	T(recv(s[1], buf, 30, MSG_DONTWAIT));
	T(close(s[0]));
	T(recv(s[1], buf, 3, 0));
	T(send(s[1], "x", 1, 0));
	T(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s));
	while (send(s[0], "x", 1, 0) == 1)
		n++;
	tell("datagrams until it is full", n, 0);
}

static void
rights(void)
{
	union {
		struct cmsghdr c;
		char room[CMSG_SPACE(sizeof(int) * 4)];
	} u;
	struct iovec iov = { buf, 10 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &u };
	struct ucred *cred = (struct ucred *)(void *)CMSG_DATA(&u.c);
	int s[2], f, got, on = 1;

	file_make("f", 100);
	f = (int)T(open("f", O_RDWR));
	T(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	memset(&u, 0, sizeof(u));
	u.c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&u.c), &f, sizeof(f));
	m.msg_controllen = CMSG_SPACE(sizeof(int));
	T(sendmsg(s[0], &m, 0));
	T(lseek(f, 40, SEEK_SET));
	T(close(f));
	memset(&u, 0, sizeof(u));
	m.msg_controllen = sizeof(u);
	T(recvmsg(s[1], &m, MSG_CMSG_CLOEXEC));
	tell_text("controllen %zu len %zu type %d flags %x", (size_t)m.msg_controllen, (size_t)u.c.cmsg_len,
	    u.c.cmsg_type, (unsigned int)m.msg_flags);
	memcpy(&got, CMSG_DATA(&u.c), sizeof(got));
	tell("got", got, 0);
	T(lseek(got, 0, SEEK_CUR));
	T(fcntl(got, F_GETFD));
	f = 999;
	memcpy(CMSG_DATA(&u.c), &f, sizeof(f));
	m.msg_controllen = CMSG_SPACE(sizeof(int));
	T(sendmsg(s[0], &m, 0));
	u.c.cmsg_len = 3;
	T(sendmsg(s[0], &m, 0));
	u.c.cmsg_len = 1000;
	T(sendmsg(s[0], &m, 0));
	u.c.cmsg_len = CMSG_LEN(sizeof(int));
	u.c.cmsg_type = 99;
	T(sendmsg(s[0], &m, 0));
	u.c.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&u.c), &got, sizeof(got));
	T(sendmsg(s[0], &m, 0));
	m.msg_controllen = 4;
	T(recvmsg(s[1], &m, MSG_DONTWAIT));
	tell_text("controllen %zu flags %x", (size_t)m.msg_controllen, (unsigned int)m.msg_flags);
	T(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	T(send(s[0], "x", 1, 0));
	m.msg_controllen = sizeof(u);
	T(recvmsg(s[1], &m, MSG_DONTWAIT));
	tell_text("type %d pid %d uid %d", u.c.cmsg_type, cred->pid == getpid(), cred->uid == getuid());
	m.msg_controllen = CMSG_SPACE(sizeof(struct ucred));
	cred->pid = 1;
	T(sendmsg(s[0], &m, 0) < 0 && geteuid() != 0 ? -1 : 0);
}

const struct group local_groups[] = {
	{ "local-names", names },
	{ "local-streams", streams },
	{ "local-datagrams", datagrams },
	{ "local-rights", rights },
	{ NULL, NULL },
};

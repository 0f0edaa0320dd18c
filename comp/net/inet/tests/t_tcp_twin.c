/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_twin.c - TCP sockets do on our lo what they do on the host's
 *
 * Each script runs twice, with either kernel behind it; results, errors and what
 * poll says must be the same.  Nothing depends on how fast a segment crosses lo: where
 * a call could come too early, poll waits for what is to come.
 */

#include <harness.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <twin.h>

#include <linux/sockios.h>

#define TWIN(name)							\
	static void name##_script(struct twin *);			\
	TEST_WITH(name, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)	\
	{								\
		twin_run(name##_script);				\
	}								\
	static void name##_script(struct twin *tw)

static char buf[65536];

/* What poll says of all it can, once one of these is there. */
static void
polled(struct twin *tw, int fd, short wait)
{
	struct pollfd p = { .fd = fd, .events = wait };

	CALL(tw, poll, A(&p), 1, 5000);
	p.events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP;
	CALL(tw, poll, A(&p), 1, 0);
	twin_note(tw, "revents", p.revents);
}

static void
soerror(struct twin *tw, int fd)
{
	socklen_t len = sizeof(int);
	int v = -1;

	CALL(tw, getsockopt, fd, SOL_SOCKET, SO_ERROR, A(&v), A(&len));
	twin_note(tw, "SO_ERROR", v);
}

static void
int_option(struct twin *tw, int fd, int level, int name, int v)
{
	twin_note(tw, "option", name);
	CALL(tw, setsockopt, fd, level, name, A(&v), sizeof(v));
}

static void
show_option(struct twin *tw, int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int v = -1;

	twin_note(tw, "option", name);
	CALL(tw, getsockopt, fd, level, name, A(&v), A(&len));
	twin_note(tw, "value", v);
	twin_note(tw, "length", len);
}

/* A listener on a port that the kernel chose, which sin tells. */
static int
listener(struct twin *tw, struct sockaddr_in *sin)
{
	socklen_t len = sizeof(*sin);
	int fd = FD(tw, socket, AF_INET, SOCK_STREAM, 0);

	*sin = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	CALL(tw, bind, fd, A(sin), sizeof(*sin));
	CALL(tw, listen, fd, 4);
	CALL(tw, getsockname, fd, A(sin), A(&len));
	return fd;
}

static void
make_pair(struct twin *tw, int fd[2])
{
	struct sockaddr_in sin;
	int lfd = listener(tw, &sin);

	fd[0] = FD(tw, socket, AF_INET, SOCK_STREAM, 0);
	CALL(tw, connect, fd[0], A(&sin), sizeof(sin));
	fd[1] = FD(tw, accept4, lfd, 0, 0, 0);
	CALL(tw, close, lfd);
}

static void
close_both(struct twin *tw, int fd[2])
{
	CALL(tw, close, fd[0]);
	CALL(tw, close, fd[1]);
}

/* --- before there is a connection --------------------------------------------------- */

TWIN(nothing_is_connected)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int fd = FD(tw, socket, AF_INET, SOCK_STREAM, 0);

	polled(tw, fd, POLLOUT);
	CALL(tw, recvfrom, fd, A(buf), 10, 0, 0, 0);
	CALL(tw, sendto, fd, A(buf), 10, MSG_NOSIGNAL, 0, 0);
	CALL(tw, getpeername, fd, A(&sin), A(&len));
	CALL(tw, shutdown, fd, SHUT_RD);
	CALL(tw, shutdown, fd, SHUT_WR);
	CALL(tw, shutdown, fd, 3);
	CALL(tw, accept4, fd, 0, 0, 0);
	soerror(tw, fd);
	CALL(tw, close, fd);
}

TWIN(nobody_listens)
{
	struct sockaddr_in sin;
	int lfd = listener(tw, &sin), fd;

	CALL(tw, close, lfd);
	fd = FD(tw, socket, AF_INET, SOCK_STREAM, 0);
	CALL(tw, connect, fd, A(&sin), sizeof(sin));
	polled(tw, fd, POLLOUT);
	soerror(tw, fd);
	CALL(tw, recvfrom, fd, A(buf), 10, MSG_DONTWAIT, 0, 0);
	CALL(tw, sendto, fd, A(buf), 10, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
	CALL(tw, connect, fd, A(&sin), sizeof(sin));
	CALL(tw, close, fd);
	fd = FD(tw, socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CALL(tw, connect, fd, A(&sin), sizeof(sin));
	polled(tw, fd, POLLOUT);
	soerror(tw, fd);
	soerror(tw, fd);
	polled(tw, fd, POLLOUT);
	CALL(tw, recvfrom, fd, A(buf), 10, 0, 0, 0);
	CALL(tw, connect, fd, A(&sin), sizeof(sin));
	polled(tw, fd, POLLOUT);
	CALL(tw, connect, fd, A(&sin), sizeof(sin));
	CALL(tw, connect, fd, A(&sin), sizeof(sin));
	polled(tw, fd, POLLOUT);
	CALL(tw, recvfrom, fd, A(buf), 10, 0, 0, 0);
	CALL(tw, close, fd);
}

TWIN(addresses_that_are_wrong)
{
	struct sockaddr_in sin;
	struct sockaddr_in other = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x08080808) };
	int lfd = listener(tw, &sin), fd = FD(tw, socket, AF_INET, SOCK_STREAM, 0);

	CALL(tw, bind, fd, A(&sin), sizeof(sin));
	CALL(tw, bind, fd, A(&sin), 4);
	CALL(tw, bind, fd, A(&other), sizeof(other));
	CALL(tw, connect, fd, A(&sin), 4);
	sin.sin_family = AF_INET6;
	CALL(tw, connect, fd, A(&sin), sizeof(sin));
	CALL(tw, bind, fd, A(&sin), sizeof(sin));
	CALL(tw, close, fd);
	CALL(tw, close, lfd);
}

TWIN(a_listener_is_no_connection)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int lfd = listener(tw, &sin);

	polled(tw, lfd, 0);
	CALL(tw, recvfrom, lfd, A(buf), 10, 0, 0, 0);
	CALL(tw, sendto, lfd, A(buf), 10, MSG_NOSIGNAL, 0, 0);
	CALL(tw, connect, lfd, A(&sin), sizeof(sin));
	CALL(tw, getpeername, lfd, A(&sin), A(&len));
	CALL(tw, listen, lfd, 9);
	CALL(tw, shutdown, lfd, SHUT_WR);
	polled(tw, lfd, 0);
	CALL(tw, shutdown, lfd, SHUT_RD);
	CALL(tw, accept4, lfd, 0, 0, 0);
	CALL(tw, close, lfd);
}

/* --- data ------------------------------------------------------------------------------ */

TWIN(data_and_its_end)
{
	int fd[2], n = -1;

	make_pair(tw, fd);
	polled(tw, fd[0], POLLOUT);
	CALL(tw, recvfrom, fd[1], A(buf), 10, MSG_DONTWAIT, 0, 0);
	CALL(tw, recvfrom, fd[1], A(buf), 0, MSG_DONTWAIT, 0, 0);
	CALL(tw, sendto, fd[0], A("abcdefghij"), 10, 0, 0, 0);
	polled(tw, fd[1], POLLIN);
	CALL(tw, ioctl, fd[1], SIOCINQ, A(&n));
	twin_note(tw, "SIOCINQ", n);
	CALL(tw, recvfrom, fd[1], A(buf), 0, 0, 0, 0);
	CALL(tw, recvfrom, fd[1], A(buf), 0, MSG_WAITALL, 0, 0);
	CALL(tw, recvfrom, fd[1], A(buf), 4, MSG_PEEK, 0, 0);
	CALL(tw, recvfrom, fd[1], A(buf), 3, MSG_TRUNC, 0, 0);
	CALL(tw, recvfrom, fd[1], A(buf), 100, 0, 0, 0);
	twin_note(tw, "octet", buf[0]);
	CALL(tw, sendto, fd[0], A(buf), 0, 0, 0, 0);
	CALL(tw, shutdown, fd[0], SHUT_WR);
	polled(tw, fd[1], POLLRDHUP);
	CALL(tw, recvfrom, fd[1], A(buf), 0, 0, 0, 0);
	CALL(tw, recvfrom, fd[1], A(buf), 10, 0, 0, 0);
	CALL(tw, sendto, fd[0], A(buf), 1, MSG_NOSIGNAL, 0, 0);
	CALL(tw, shutdown, fd[0], SHUT_WR);
	CALL(tw, sendto, fd[1], A("xyz"), 3, 0, 0, 0);
	polled(tw, fd[0], POLLIN);
	CALL(tw, recvfrom, fd[0], A(buf), 10, 0, 0, 0);
	CALL(tw, shutdown, fd[1], SHUT_WR);
	polled(tw, fd[0], POLLHUP);
	CALL(tw, recvfrom, fd[0], A(buf), 10, 0, 0, 0);
	close_both(tw, fd);
}

TWIN(shut_for_reading)
{
	int fd[2];

	make_pair(tw, fd);
	CALL(tw, sendto, fd[0], A("abc"), 3, 0, 0, 0);
	polled(tw, fd[1], POLLIN);
	CALL(tw, shutdown, fd[1], SHUT_RD);
	polled(tw, fd[1], POLLIN);
	CALL(tw, recvfrom, fd[1], A(buf), 10, 0, 0, 0);
	CALL(tw, recvfrom, fd[1], A(buf), 10, 0, 0, 0);
	CALL(tw, sendto, fd[1], A("d"), 1, MSG_NOSIGNAL, 0, 0);
	CALL(tw, shutdown, fd[1], SHUT_RDWR);
	polled(tw, fd[1], POLLIN);
	close_both(tw, fd);
}

TWIN(an_urgent_octet)
{
	int fd[2], mark = -1;

	make_pair(tw, fd);
	CALL(tw, recvfrom, fd[1], A(buf), 1, MSG_OOB | MSG_DONTWAIT, 0, 0);
	CALL(tw, sendto, fd[0], A("abX"), 3, MSG_OOB, 0, 0);
	polled(tw, fd[1], POLLPRI);
	CALL(tw, recvfrom, fd[1], A(buf), 10, 0, 0, 0);
	CALL(tw, ioctl, fd[1], SIOCATMARK, A(&mark));
	twin_note(tw, "at the mark", mark);
	CALL(tw, recvfrom, fd[1], A(buf), 1, MSG_OOB, 0, 0);
	twin_note(tw, "octet", buf[0]);
	CALL(tw, recvfrom, fd[1], A(buf), 1, MSG_OOB | MSG_DONTWAIT, 0, 0);
	close_both(tw, fd);
}

/* --- ends ---------------------------------------------------------------------------------- */

TWIN(closed_with_data_unread)
{
	int fd[2];

	make_pair(tw, fd);
	CALL(tw, sendto, fd[0], A("abc"), 3, 0, 0, 0);
	polled(tw, fd[1], POLLIN);
	CALL(tw, close, fd[1]);
	polled(tw, fd[0], POLLHUP);
	CALL(tw, recvfrom, fd[0], A(buf), 10, 0, 0, 0);
	CALL(tw, recvfrom, fd[0], A(buf), 10, 0, 0, 0);
	CALL(tw, sendto, fd[0], A("d"), 1, MSG_NOSIGNAL, 0, 0);
	soerror(tw, fd[0]);
	CALL(tw, close, fd[0]);
}

TWIN(closed_without_lingering)
{
	struct linger l = { 1, 0 };
	int fd[2];

	make_pair(tw, fd);
	CALL(tw, setsockopt, fd[1], SOL_SOCKET, SO_LINGER, A(&l), sizeof(l));
	CALL(tw, close, fd[1]);
	polled(tw, fd[0], POLLHUP);
	soerror(tw, fd[0]);
	CALL(tw, recvfrom, fd[0], A(buf), 10, 0, 0, 0);
	CALL(tw, sendto, fd[0], A("d"), 1, MSG_NOSIGNAL, 0, 0);
	CALL(tw, close, fd[0]);
}

TWIN(written_to_who_is_gone)
{
	int fd[2];

	make_pair(tw, fd);
	CALL(tw, close, fd[1]);
	polled(tw, fd[0], POLLRDHUP);
	CALL(tw, recvfrom, fd[0], A(buf), 10, 0, 0, 0);
	CALL(tw, sendto, fd[0], A("d"), 1, MSG_NOSIGNAL, 0, 0);
	polled(tw, fd[0], POLLHUP);
	CALL(tw, sendto, fd[0], A("d"), 1, MSG_NOSIGNAL, 0, 0);
	CALL(tw, sendto, fd[0], A("d"), 1, MSG_NOSIGNAL, 0, 0);
	CALL(tw, recvfrom, fd[0], A(buf), 10, 0, 0, 0);
	CALL(tw, close, fd[0]);
}

TWIN(connected_already)
{
	struct sockaddr_in sin;
	struct sockaddr un = { .sa_family = AF_UNSPEC };
	socklen_t len = sizeof(sin);
	int fd[2];

	make_pair(tw, fd);
	CALL(tw, getpeername, fd[0], A(&sin), A(&len));
	CALL(tw, connect, fd[0], A(&sin), sizeof(sin));
	CALL(tw, listen, fd[0], 4);
	CALL(tw, bind, fd[0], A(&sin), sizeof(sin));
	CALL(tw, connect, fd[0], A(&un), sizeof(un));
	polled(tw, fd[1], POLLHUP);
	CALL(tw, getpeername, fd[0], A(&sin), A(&len));
	polled(tw, fd[0], POLLOUT);
	soerror(tw, fd[0]);
	polled(tw, fd[0], POLLOUT);
	CALL(tw, recvfrom, fd[0], A(buf), 10, MSG_DONTWAIT, 0, 0);
	close_both(tw, fd);
}

TWIN(dissolved_in_every_state)
{
	struct sockaddr un = { .sa_family = AF_UNSPEC };
	struct sockaddr_in sin;
	int fd[2], lfd;

	fd[0] = FD(tw, socket, AF_INET, SOCK_STREAM, 0);
	CALL(tw, connect, fd[0], A(&un), sizeof(un));		/* before anything */
	polled(tw, fd[0], POLLOUT);
	soerror(tw, fd[0]);
	CALL(tw, close, fd[0]);
	lfd = listener(tw, &sin);				/* a listener */
	CALL(tw, connect, lfd, A(&un), sizeof(un));
	polled(tw, lfd, POLLOUT);
	soerror(tw, lfd);
	CALL(tw, listen, lfd, 4);
	CALL(tw, close, lfd);
	make_pair(tw, fd);					/* with data unread, FIN-WAIT */
	CALL(tw, sendto, fd[1], A("abc"), 3, 0, 0, 0);
	polled(tw, fd[0], POLLIN);
	CALL(tw, shutdown, fd[0], SHUT_WR);
	CALL(tw, connect, fd[0], A(&un), sizeof(un));
	polled(tw, fd[0], POLLOUT);
	CALL(tw, recvfrom, fd[0], A(buf), 10, MSG_DONTWAIT, 0, 0);
	soerror(tw, fd[0]);
	CALL(tw, recvfrom, fd[0], A(buf), 10, MSG_DONTWAIT, 0, 0);
	polled(tw, fd[1], POLLHUP);
	close_both(tw, fd);
	make_pair(tw, fd);					/* reset by the peer, told */
	CALL(tw, connect, fd[1], A(&un), sizeof(un));
	polled(tw, fd[0], POLLHUP);
	CALL(tw, recvfrom, fd[0], A(buf), 10, 0, 0, 0);
	CALL(tw, connect, fd[0], A(&un), sizeof(un));
	polled(tw, fd[0], POLLOUT);
	soerror(tw, fd[0]);
	close_both(tw, fd);
	CALL(tw, close, listener(tw, &sin));			/* refused, not told yet */
	fd[0] = FD(tw, socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CALL(tw, connect, fd[0], A(&sin), sizeof(sin));
	polled(tw, fd[0], POLLOUT);
	CALL(tw, connect, fd[0], A(&un), sizeof(un));
	polled(tw, fd[0], POLLOUT);
	soerror(tw, fd[0]);
	CALL(tw, close, fd[0]);
	make_pair(tw, fd);					/* the peer was first to close */
	CALL(tw, shutdown, fd[1], SHUT_WR);
	polled(tw, fd[0], POLLRDHUP);
	CALL(tw, connect, fd[0], A(&un), sizeof(un));
	polled(tw, fd[0], POLLOUT);
	soerror(tw, fd[0]);
	close_both(tw, fd);
	make_pair(tw, fd);					/* both have closed */
	CALL(tw, shutdown, fd[1], SHUT_WR);
	polled(tw, fd[0], POLLRDHUP);
	CALL(tw, shutdown, fd[0], SHUT_WR);
	polled(tw, fd[0], POLLHUP);
	CALL(tw, connect, fd[0], A(&un), sizeof(un));
	polled(tw, fd[0], POLLOUT);
	soerror(tw, fd[0]);
	close_both(tw, fd);
}

/* --- options ---------------------------------------------------------------------------------- */

TWIN(options_and_their_values)
{
	static const int names[] = { TCP_NODELAY, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL,
		TCP_KEEPCNT, TCP_SYNCNT, TCP_LINGER2, TCP_DEFER_ACCEPT,
		TCP_USER_TIMEOUT, TCP_NOTSENT_LOWAT };
	static const int clamps[] = { 1, 1000, 1151, 1152, 1153, 40000, 1 << 20, 0, -1 };
	static const int values[] = { 1, 0, 7, -1, 200, 40000 };
	int fd = FD(tw, socket, AF_INET, SOCK_STREAM, 0);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
			twin_note(tw, "to be", values[k]);
			int_option(tw, fd, SOL_TCP, names[i], values[k]);
			show_option(tw, fd, SOL_TCP, names[i]);
		}
	}
	for (size_t k = 0; k < ARRAY_SIZE(clamps); k++) {
		int_option(tw, fd, SOL_TCP, TCP_WINDOW_CLAMP, clamps[k]);
		show_option(tw, fd, SOL_TCP, TCP_WINDOW_CLAMP);
	}
	CALL(tw, setsockopt, fd, SOL_TCP, 9999, A(buf), 4);
	CALL(tw, setsockopt, fd, SOL_TCP, TCP_NODELAY, A(buf), 2);
	CALL(tw, setsockopt, fd, SOL_TCP, TCP_CONGESTION, A("none such"), 9);
	CALL(tw, close, fd);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_local_twin.c - local sockets answer as the host's kernel does
 *
 * Each script is a list of calls whose results, and what they wrote, must be the
 * same on both kernels.
 */

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/sockios.h>

#include <harness.h>

#include <twin.h>

#define NOWHERE		A(8)		/* nobody maps this */
#define ALLEVENTS	(POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | \
			 POLLRDBAND | POLLWRNORM | POLLWRBAND)

static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
static const char *const type_names[] = { "stream", "dgram", "seqpacket" };

/* --- helpers: what a call wrote is part of the record -------------------------- */

static void
note_events(struct twin *tw, int fd)
{
	struct pollfd pfd = { .fd = fd, .events = ALLEVENTS };

	CALL(tw, poll, A(&pfd), 1, 0);
	twin_note(tw, "revents", pfd.revents);
}

static void
note_bytes(struct twin *tw, const char *label, const void *data, size_t len)
{
	const unsigned char *p = data;
	long sum = (long)len;

	for (size_t i = 0; i < len; i++)
		sum = (sum * 31 + p[i]) & 0xffffffff;
	twin_note(tw, label, sum);
}

static void
note_queues(struct twin *tw, int fd)
{
	int n = -1;

	CALL(tw, ioctl, A(fd), SIOCINQ, A(&n));
	twin_note(tw, "inq", n);
}

static void
make_pair(struct twin *tw, int type, int sv[2])
{
	sv[0] = sv[1] = -1;
	CALL(tw, socketpair, AF_UNIX, A(type), 0, A(sv));
}

static socklen_t
abstract(struct sockaddr_un *un, const char *name)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path + 1, name, strlen(name));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

static void
note_name(struct twin *tw, int fd, bool peer)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);

	memset(&un, 0x55, sizeof(un));
	if (peer)
		CALL(tw, getpeername, A(fd), A(&un), A(&len));
	else
		CALL(tw, getsockname, A(fd), A(&un), A(&len));
	twin_note(tw, "name length", len);
	note_bytes(tw, "name", &un, len < sizeof(un) ? len : sizeof(un));
}

static void
recv_some(struct twin *tw, int fd, size_t len, int flags)
{
	char buf[256];
	long n;

	memset(buf, 0, sizeof(buf));
	n = CALL(tw, recvfrom, A(fd), A(buf), A(len), A(flags | MSG_DONTWAIT), 0, 0);
	if (n > 0)
		note_bytes(tw, "data", buf, len < (size_t)n ? len : (size_t)n);
}

/* --- the scripts ------------------------------------------------------------------ */

static void
make_script(struct twin *tw)
{
	int sv[2] = { -1, -1 };

	for (int family = -1; family < 4; family++)
		for (int type = -1; type < 12; type++) {
			if (family == AF_INET)
				continue;	/* other people's */
			CALL(tw, close, A(FD(tw, socket, A(family), A(type), 0)));
		}
	for (int protocol = -1; protocol < 3; protocol++)
		for (size_t t = 0; t < ARRAY_SIZE(types); t++)
			CALL(tw, close, A(FD(tw, socket, AF_UNIX, A(types[t]),
			    A(protocol))));
	FD(tw, socket, AF_UNIX, SOCK_STREAM | 0x100000, 0);
	CALL(tw, socketpair, AF_UNIX, SOCK_STREAM, 0, NOWHERE);
	CALL(tw, socketpair, AF_UNIX, SOCK_STREAM, 7, A(sv));
	CALL(tw, socketpair, AF_UNIX, SOCK_RDM, 0, A(sv));
	CALL(tw, socketpair, 77, SOCK_STREAM, 0, A(sv));
	CALL(tw, bind, 999, NOWHERE, 5);
	CALL(tw, bind, 0, NOWHERE, 5);
	CALL(tw, getsockopt, 0, SOL_SOCKET, SO_TYPE, NOWHERE, NOWHERE);
}

TEST(sockets_are_made_and_refused_as_on_the_host)
{
	twin_run(make_script);
}

static void
fresh_script(struct twin *tw)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	int fd, n = 0;

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		tw->tw_about = type_names[t];
		fd = FD(tw, socket, AF_UNIX, A(types[t] | SOCK_NONBLOCK), 0);
		note_events(tw, fd);
		note_name(tw, fd, false);
		note_name(tw, fd, true);
		CALL(tw, getsockname, A(fd), NOWHERE, A(&len));
		CALL(tw, getsockname, A(fd), A(&un), NOWHERE);
		len = (socklen_t)-1;
		CALL(tw, getsockname, A(fd), A(&un), A(&len));
		CALL(tw, listen, A(fd), 5);
		CALL(tw, accept4, A(fd), 0, 0, 0);
		CALL(tw, accept4, A(fd), 0, 0, 1);
		recv_some(tw, fd, 5, 0);
		recv_some(tw, fd, 5, MSG_OOB);
		CALL(tw, read, A(fd), A(&un), 4);
		CALL(tw, read, A(fd), A(&un), 0);
		CALL(tw, write, A(fd), A("abc"), 3);
		CALL(tw, sendto, A(fd), A("abc"), 3, MSG_NOSIGNAL, 0, 0);
		CALL(tw, sendto, A(fd), A("abc"), 3, MSG_NOSIGNAL | MSG_OOB, 0, 0);
		CALL(tw, sendto, A(fd), A("abc"), 3, MSG_NOSIGNAL, A("xx"), 2);
		CALL(tw, lseek, A(fd), 0, SEEK_SET);
		CALL(tw, pread64, A(fd), A(&un), 4, 0);
		CALL(tw, ftruncate, A(fd), 0);
		CALL(tw, fallocate, A(fd), 0, 0, 5);
		CALL(tw, fsync, A(fd));
		CALL(tw, ioctl, A(fd), FIONREAD, A(&n));
		CALL(tw, ioctl, A(fd), SIOCOUTQ, A(&n));
		CALL(tw, ioctl, A(fd), FIONREAD, NOWHERE);
		CALL(tw, ioctl, A(fd), 0x5401, NOWHERE);
		CALL(tw, fcntl, A(fd), F_GETFL);
		CALL(tw, fcntl, A(fd), F_GETPIPE_SZ);
		CALL(tw, shutdown, A(fd), 3);
		CALL(tw, shutdown, A(fd), A(-1));
		CALL(tw, shutdown, A(fd), SHUT_RD);
		note_events(tw, fd);
		CALL(tw, sendto, A(fd), A("abc"), 3, MSG_NOSIGNAL, 0, 0);
		recv_some(tw, fd, 5, 0);
		CALL(tw, shutdown, A(fd), SHUT_WR);
		note_events(tw, fd);
		CALL(tw, sendto, A(fd), A("abc"), 3, MSG_NOSIGNAL, 0, 0);
		recv_some(tw, fd, 5, 0);
		CALL(tw, close, A(fd));
	}
}

TEST(a_fresh_socket_answers_as_the_host_s)
{
	twin_run(fresh_script);
}

static void
stat_script(struct twin *tw)
{
	struct stat st;
	int fd;

	fd = FD(tw, socket, AF_UNIX, SOCK_STREAM, 0);
	CALL(tw, fstat, A(fd), A(&st));
	twin_note(tw, "mode", st.st_mode);
	twin_note(tw, "links", (long)st.st_nlink);
	twin_note(tw, "size", st.st_size);
	twin_note(tw, "blksize", st.st_blksize);
	twin_note(tw, "blocks", st.st_blocks);
	twin_note(tw, "time", st.st_mtime);
	CALL(tw, fchmod, A(fd), 0640);
	CALL(tw, fstat, A(fd), A(&st));
	twin_note(tw, "mode", st.st_mode);
	CALL(tw, close, A(fd));
}

TEST(fstat_of_a_socket_answers_as_the_host_s)
{
	twin_run(stat_script);
}

static void
pair_script(struct twin *tw)
{
	static char big[4096];
	int sv[2];

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		tw->tw_about = type_names[t];
		make_pair(tw, types[t], sv);
		note_events(tw, sv[0]);
		note_name(tw, sv[0], false);
		note_name(tw, sv[0], true);
		CALL(tw, sendto, A(sv[0]), A("hello"), 5, 0, 0, 0);
		CALL(tw, sendto, A(sv[0]), A("worlds"), 6, 0, 0, 0);
		CALL(tw, sendto, A(sv[0]), A("none"), 0, 0, 0, 0);
		CALL(tw, write, A(sv[0]), A("more"), 4);
		CALL(tw, write, A(sv[0]), NOWHERE, 4);
		note_queues(tw, sv[1]);
		note_events(tw, sv[1]);
		note_events(tw, sv[0]);
		recv_some(tw, sv[1], 3, MSG_PEEK);
		recv_some(tw, sv[1], 3, 0);
		recv_some(tw, sv[1], 3, MSG_TRUNC);
		recv_some(tw, sv[1], 7, MSG_PEEK);
		recv_some(tw, sv[1], 7, MSG_WAITALL);
		CALL(tw, read, A(sv[1]), NOWHERE, 2);
		recv_some(tw, sv[1], 70, 0);
		recv_some(tw, sv[1], 70, 0);
		recv_some(tw, sv[1], 0, 0);
		CALL(tw, sendto, A(sv[0]), A("x"), 1, 0, A("123"), 3);
		CALL(tw, connect, A(sv[0]), A("123"), 3);
		CALL(tw, listen, A(sv[0]), 3);
		CALL(tw, write, A(sv[0]), A(big), sizeof(big));
		CALL(tw, close, A(sv[1]));
		note_events(tw, sv[0]);
		note_name(tw, sv[0], true);
		CALL(tw, sendto, A(sv[0]), A("x"), 1, MSG_NOSIGNAL, 0, 0);
		recv_some(tw, sv[0], 5, 0);
		recv_some(tw, sv[0], 5, 0);
		CALL(tw, sendto, A(sv[0]), A("x"), 1, MSG_NOSIGNAL, 0, 0);
		note_events(tw, sv[0]);
		note_name(tw, sv[0], true);
		CALL(tw, close, A(sv[0]));
	}
}

TEST(pairs_answer_as_the_host_s)
{
	twin_run(pair_script);
}

static void
shutdown_script(struct twin *tw)
{
	int sv[2];

	for (size_t t = 0; t < ARRAY_SIZE(types); t++)
		for (int how = SHUT_RD; how <= SHUT_RDWR; how++) {
			make_pair(tw, types[t], sv);
			CALL(tw, write, A(sv[0]), A("abc"), 3);
			CALL(tw, write, A(sv[1]), A("def"), 3);
			CALL(tw, shutdown, A(sv[0]), A(how));
			for (int i = 0; i < 2; i++) {
				note_events(tw, sv[i]);
				CALL(tw, sendto, A(sv[i]), A("xyz"), 3,
				    MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
				recv_some(tw, sv[i], 2, 0);
				recv_some(tw, sv[i], 2, 0);
				recv_some(tw, sv[i], 2, 0);
				note_events(tw, sv[i]);
			}
			CALL(tw, close, A(sv[0]));
			CALL(tw, close, A(sv[1]));
		}
}

TEST(shutdown_answers_as_the_host_s)
{
	twin_run(shutdown_script);
}

static void
names_script(struct twin *tw)
{
	/* Lengths beyond the structure are tried, too. */
	struct { struct sockaddr_un un; char more[64]; } padded = { 0 };
	struct sockaddr_un *un = &padded.un, other;
	char name[64];
	socklen_t len, room;
	int a, b, c;

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		tw->tw_about = type_names[t];
		snprintf(name, sizeof(name), "rumpus-twin-%d-%zu", (int)getpid(), t);
		len = abstract(un, name);
		a = FD(tw, socket, AF_UNIX, A(types[t] | SOCK_NONBLOCK), 0);
		b = FD(tw, socket, AF_UNIX, A(types[t] | SOCK_NONBLOCK), 0);
		for (unsigned int n = 0; n < 4; n++)
			CALL(tw, connect, A(b), A(un), n);
		CALL(tw, bind, A(a), A(un), 0);
		CALL(tw, bind, A(a), A(un), 1);
		CALL(tw, bind, A(a), A(un), sizeof(*un) + 1);
		CALL(tw, bind, A(a), A(un), A(-1));
		CALL(tw, bind, A(a), NOWHERE, 5);
		un->sun_family = AF_INET;
		CALL(tw, bind, A(a), A(un), len);
		un->sun_family = AF_UNIX;
		CALL(tw, connect, A(b), A(un), len);
		CALL(tw, sendto, A(b), A("hi"), 2, 0, A(un), len);
		CALL(tw, bind, A(a), A(un), len);
		CALL(tw, bind, A(a), A(un), len);
		CALL(tw, bind, A(b), A(un), len);
		note_name(tw, a, false);
		CALL(tw, connect, A(b), A(un), len);
		note_events(tw, a);
		CALL(tw, listen, A(a), 1);
		note_events(tw, a);
		CALL(tw, listen, A(a), A(-1));
		CALL(tw, listen, A(a), 1);
		CALL(tw, connect, A(a), A(un), len);
		CALL(tw, sendto, A(b), A("hi"), 2, 0, A(un), len);
		CALL(tw, connect, A(b), A(un), len);
		CALL(tw, connect, A(b), A(un), len);
		note_name(tw, b, true);
		note_events(tw, a);
		note_events(tw, b);
		room = sizeof(other);
		c = FD(tw, accept4, A(a), A(&other), A(&room), SOCK_NONBLOCK);
		twin_note(tw, "length", room);
		note_name(tw, c, false);
		note_name(tw, c, true);
		CALL(tw, sendto, A(b), A("hi"), 2, 0, 0, 0);
		recv_some(tw, types[t] == SOCK_DGRAM ? a : c, 9, 0);
		recv_some(tw, types[t] == SOCK_DGRAM ? a : c, 9, 0);
		CALL(tw, close, A(a));
		note_events(tw, b);
		CALL(tw, sendto, A(b), A("hi"), 2, MSG_NOSIGNAL, 0, 0);
		CALL(tw, sendto, A(b), A("hi"), 2, MSG_NOSIGNAL, 0, 0);
		CALL(tw, close, A(c));
		note_events(tw, b);
		recv_some(tw, b, 5, 0);
		recv_some(tw, b, 5, 0);
		note_name(tw, b, true);
		CALL(tw, close, A(b));
	}
}

TEST(abstract_names_work_as_on_the_host)
{
	twin_run(names_script);
}

static void
backlog_script(struct twin *tw)
{
	struct sockaddr_un un;
	int a, fd[6];
	socklen_t len;

	len = abstract(&un, "rumpus-twin-backlog");
	a = FD(tw, socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CALL(tw, bind, A(a), A(&un), len);
	CALL(tw, listen, A(a), 2);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = FD(tw, socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		CALL(tw, connect, A(fd[i]), A(&un), len);
		note_events(tw, fd[i]);
	}
	CALL(tw, close, A(FD(tw, accept4, A(a), 0, 0, 0)));
	note_events(tw, fd[0]);
	CALL(tw, connect, A(fd[4]), A(&un), len);
	CALL(tw, connect, A(fd[5]), A(&un), len);
	CALL(tw, shutdown, A(a), SHUT_RD);
	note_events(tw, a);
	CALL(tw, connect, A(fd[5]), A(&un), len);
	CALL(tw, close, A(FD(tw, accept4, A(a), 0, 0, 0)));
	CALL(tw, close, A(a));
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		note_events(tw, fd[i]);
		recv_some(tw, fd[i], 4, 0);
		CALL(tw, close, A(fd[i]));
	}
}

TEST(a_full_backlog_answers_as_the_host_s)
{
	twin_run(backlog_script);
}

static void
dgram_script(struct twin *tw)
{
	struct sockaddr_un un, two;
	struct sockaddr from = { .sa_family = AF_UNSPEC };
	int a, b, c;
	socklen_t len, twolen;

	len = abstract(&un, "rumpus-twin-dgram-a");
	twolen = abstract(&two, "rumpus-twin-dgram-b");
	a = FD(tw, socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	b = FD(tw, socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	c = FD(tw, socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	CALL(tw, bind, A(a), A(&un), len);
	CALL(tw, bind, A(b), A(&two), twolen);
	CALL(tw, connect, A(b), A(&un), len);
	for (int i = 0; i < 13; i++) {
		CALL(tw, write, A(b), A("0123456789abcdef"), A(i));
		note_events(tw, b);
	}
	CALL(tw, sendto, A(c), A("x"), 1, 0, A(&un), len);
	note_events(tw, c);
	recv_some(tw, a, 5, 0);
	note_events(tw, b);
	CALL(tw, sendto, A(c), A("x"), 1, 0, A(&un), len);
	CALL(tw, connect, A(a), A(&two), twolen);
	CALL(tw, sendto, A(c), A("x"), 1, 0, A(&un), len);
	note_events(tw, b);
	CALL(tw, connect, A(c), A(&un), len);
	CALL(tw, connect, A(a), A(&from), sizeof(from));
	note_events(tw, b);
	CALL(tw, connect, A(c), A(&un), len);
	note_queues(tw, a);
	recv_some(tw, a, 5, 0);
	CALL(tw, close, A(a));
	note_events(tw, b);
	CALL(tw, write, A(b), A("x"), 1);
	CALL(tw, write, A(b), A("x"), 1);
	CALL(tw, close, A(b));
	CALL(tw, close, A(c));
}

TEST(datagrams_answer_as_the_host_s)
{
	twin_run(dgram_script);
}

static void
note_mark(struct twin *tw, int fd)
{
	int at = -1;

	CALL(tw, ioctl, A(fd), SIOCATMARK, A(&at));
	twin_note(tw, "at mark", at);
	/* Not SIOCINQ: some hosts go on counting an urgent byte that was passed. */
	note_events(tw, fd);
}

static void
urgent_script(struct twin *tw)
{
	static const int flags[] = { 0, MSG_PEEK, MSG_OOB, MSG_OOB | MSG_PEEK, MSG_WAITALL };
	static const size_t sizes[] = { 1, 3, 60, 0 };
	int sv[2], inl;

	for (inl = 0; inl < 2; inl++)
		for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
			for (size_t g = 0; g < ARRAY_SIZE(flags); g++)
				for (size_t s = 0; s < ARRAY_SIZE(sizes) - 1; s++) {
					make_pair(tw, SOCK_STREAM, sv);
					CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_OOBINLINE,
					    A(&inl), sizeof(inl));
					CALL(tw, sendto, A(sv[0]), A("hello"), 5, A(MSG_OOB), 0, 0);
					note_mark(tw, sv[1]);
					CALL(tw, write, A(sv[0]), A("wo"), 2);
					recv_some(tw, sv[1], sizes[s], flags[f]);
					CALL(tw, sendto, A(sv[0]), A("ld"), A(2 - g % 2), A(MSG_OOB), 0, 0);
					note_mark(tw, sv[1]);
					recv_some(tw, sv[1], sizes[(s + g) % 3], flags[g]);
					recv_some(tw, sv[1], sizes[s], flags[f]);
					note_mark(tw, sv[1]);
					recv_some(tw, sv[1], 2, 0);
					recv_some(tw, sv[1], 1, MSG_OOB);
					recv_some(tw, sv[1], 9, 0);
					note_mark(tw, sv[1]);
					CALL(tw, close, A(sv[1]));
					recv_some(tw, sv[0], 9, 0);
					CALL(tw, close, A(sv[0]));
				}
	make_pair(tw, SOCK_STREAM, sv);
	CALL(tw, sendto, A(sv[0]), A(""), 0, A(MSG_OOB), 0, 0);
	CALL(tw, sendto, A(sv[0]), A("a"), 1, A(MSG_OOB), 0, 0);
	recv_some(tw, sv[1], 0, MSG_OOB);
	CALL(tw, close, A(sv[1]));
	CALL(tw, close, A(sv[0]));
}

TEST(urgent_bytes_answer_as_the_host_s)
{
	twin_run(urgent_script);
}

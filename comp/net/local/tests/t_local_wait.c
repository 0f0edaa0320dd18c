/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_local_wait.c - calls that wait, on the simulated clock and with threads
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#include <harness.h>

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)rump_sys_clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
set_timeout(int fd, int which, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	CHECK_EQ("timeout", 0, rump_sys_setsockopt(fd, SOL_SOCKET, which, &tv, sizeof(tv)));
}

TEST(a_receive_ends_at_its_timeout)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	int64_t before;
	char buf[8];
	int sv[2];

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		NEED(rump_sys_socketpair(AF_UNIX, types[i], 0, sv) == 0);
		set_timeout(sv[0], SO_RCVTIMEO, 2500);
		before = now_ms();
		CHECK_EQ("recv", -1, rump_sys_recv(sv[0], buf, sizeof(buf), 0));
		CHECK_EQ("errno", EAGAIN, errno);
		CHECK(now_ms() - before >= 2500);
		CHECK(now_ms() - before < 2600);
		CHECK_EQ("close", 0, rump_sys_close(sv[0]));
		CHECK_EQ("close", 0, rump_sys_close(sv[1]));
	}
}

TEST(a_send_ends_at_its_timeout_with_what_it_sent)
{
	static char big[1 << 20];
	int64_t before;
	long n;
	int sv[2];

	NEED(rump_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	set_timeout(sv[0], SO_SNDTIMEO, 700);
	before = now_ms();
	n = rump_sys_send(sv[0], big, sizeof(big), 0);
	CHECK(n > 100000 && n < (long)sizeof(big));
	CHECK(now_ms() - before >= 700);
	CHECK_EQ("full", -1, rump_sys_send(sv[0], big, sizeof(big), 0));
	CHECK_EQ("errno", EAGAIN, errno);
	CHECK(now_ms() - before >= 1400);
	CHECK_EQ("close", 0, rump_sys_close(sv[0]));
	CHECK_EQ("close", 0, rump_sys_close(sv[1]));
}

/* --- two threads --------------------------------------------------------------------- */

#define TOTAL	(3 << 20)

struct stream {
	int		 fd;
	size_t		 piece;
	int		 flags;
	long		 moved;
	unsigned int	 wrong;
};

static void
reader_main(void *arg)
{
	struct stream *s = arg;
	static unsigned char buf[200000];
	long n;

	for (;;) {
		n = rump_sys_recv(s->fd, buf, s->piece, s->flags);
		if (n <= 0)
			break;
		for (long i = 0; i < n; i++)
			s->wrong += buf[i] != (unsigned char)((s->moved + i) * 7 >> 3);
		s->moved += n;
	}
}

static void
stream_through(size_t out, size_t in, int flags)
{
	static unsigned char data[TOTAL];
	struct stream s = { .piece = in, .flags = flags };
	struct rumpuser_thread *thread;
	size_t sent = 0;
	int sv[2];
	long n;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (unsigned char)(i * 7 >> 3);
	NEED(rump_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	s.fd = sv[1];
	NEED(rumpuser_thread_create(reader_main, &s, "reader", &thread) == 0);
	while (sent < sizeof(data)) {
		n = rump_sys_send(sv[0], data + sent,
		    out < sizeof(data) - sent ? out : sizeof(data) - sent, 0);
		NEED(n > 0);
		sent += (size_t)n;
	}
	CHECK_EQ("shutdown", 0, rump_sys_shutdown(sv[0], SHUT_WR));
	NEED(rumpuser_thread_join(thread) == 0);
	CHECK_EQ("bytes", (long)sizeof(data), s.moved);
	CHECK_EQ("wrong bytes", 0, s.wrong);
	CHECK_EQ("close", 0, rump_sys_close(sv[0]));
	CHECK_EQ("close", 0, rump_sys_close(sv[1]));
}

/* With threads: whoever ends up on another seat gets things of his own there. */
TEST_WITH(a_stream_keeps_order_and_loses_nothing, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS,
    .ht_seeds = 4,
    .ht_seconds = 60)
{
	stream_through(4000, 3000, 0);
	stream_through(300000, 200000, MSG_WAITALL);
	stream_through(100000, 777, 0);
}

struct waiter {
	struct sockaddr_un un;
	int		 fd;
	long		 result;
	int		 error;
};

static void
connect_main(void *arg)
{
	struct waiter *w = arg;

	w->result = rump_sys_connect(w->fd, (void *)&w->un, 10);
	w->error = errno;
}

TEST_WITH(connect_waits_for_room_in_the_backlog, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS,
    .ht_seeds = 20)
{
	struct waiter w = { .un = { .sun_family = AF_UNIX, .sun_path = "\0backlog" } };
	int head, first, got[2];
	struct rumpuser_thread *thread;

	head = rump_sys_socket(AF_UNIX, SOCK_STREAM, 0);
	first = rump_sys_socket(AF_UNIX, SOCK_STREAM, 0);
	w.fd = rump_sys_socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQ("bind", 0, rump_sys_bind(head, (void *)&w.un, 10));
	CHECK_EQ("listen", 0, rump_sys_listen(head, 0));
	CHECK_EQ("connect", 0, rump_sys_connect(first, (void *)&w.un, 10));
	NEED(rumpuser_thread_create(connect_main, &w, "connect", &thread) == 0);
	got[0] = rump_sys_accept4(head, NULL, NULL, 0);
	got[1] = rump_sys_accept4(head, NULL, NULL, 0);
	CHECK(got[0] >= 0 && got[1] >= 0);
	NEED(rumpuser_thread_join(thread) == 0);
	CHECK_EQ("second connect", 0, w.result);
	CHECK_EQ("close", 0, rump_sys_close(head) | rump_sys_close(first) |
	    rump_sys_close(w.fd) | rump_sys_close(got[0]) | rump_sys_close(got[1]));
}

static void
dgram_main(void *arg)
{
	struct waiter *w = arg;

	for (int i = 0; i < 60; i++) {
		w->result = rump_sys_sendto(w->fd, &i, sizeof(i), 0, (void *)&w->un, 10);
		if (w->result != sizeof(i)) {
			w->error = errno;
			break;
		}
	}
}

TEST_WITH(a_datagram_waits_for_room_in_the_queue, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS,
    .ht_seeds = 20)
{
	struct waiter w = { .un = { .sun_family = AF_UNIX, .sun_path = "\0crowded" } };
	struct rumpuser_thread *thread;
	int so, n;

	so = rump_sys_socket(AF_UNIX, SOCK_DGRAM, 0);
	w.fd = rump_sys_socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK_EQ("bind", 0, rump_sys_bind(so, (void *)&w.un, 10));
	NEED(rumpuser_thread_create(dgram_main, &w, "dgram", &thread) == 0);
	for (int i = 0; i < 60; i++) {
		CHECK_EQ("recv", (long)sizeof(n), rump_sys_recv(so, &n, sizeof(n), 0));
		CHECK_EQ("number", i, n);
	}
	NEED(rumpuser_thread_join(thread) == 0);
	CHECK_EQ("last send", (long)sizeof(n), w.result);
	CHECK_EQ("close", 0, rump_sys_close(so) | rump_sys_close(w.fd));
}

/* Who polls for room is told when the receiver makes some. */
static void
poll_main(void *arg)
{
	struct waiter *w = arg;
	struct pollfd pfd = { .fd = w->fd, .events = POLLOUT };

	w->result = rump_sys_poll(&pfd, 1, -1);
	w->error = pfd.revents;
}

TEST_WITH(poll_sees_room_in_the_queue_of_another, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS,
    .ht_seeds = 20)
{
	struct waiter w = { .un = { .sun_family = AF_UNIX, .sun_path = "\0crowded" } };
	struct rumpuser_thread *thread;
	char c;
	int so;

	so = rump_sys_socket(AF_UNIX, SOCK_DGRAM, 0);
	w.fd = rump_sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	CHECK_EQ("bind", 0, rump_sys_bind(so, (void *)&w.un, 10));
	CHECK_EQ("connect", 0, rump_sys_connect(w.fd, (void *)&w.un, 10));
	while (rump_sys_send(w.fd, "x", 1, 0) == 1)
		continue;
	CHECK_EQ("full", EAGAIN, errno);
	NEED(rumpuser_thread_create(poll_main, &w, "poll", &thread) == 0);
	CHECK_EQ("recv", 1, rump_sys_recv(so, &c, 1, 0));
	NEED(rumpuser_thread_join(thread) == 0);
	CHECK_EQ("poll", 1, w.result);
	CHECK_EQ("events", POLLOUT, w.error);
	CHECK_EQ("close", 0, rump_sys_close(so) | rump_sys_close(w.fd));
}

/* --- sockets in flight ------------------------------------------------------------------ */

static void
send_fd(int so, int fd)
{
	union {
		struct cmsghdr cm;
		char bytes[CMSG_SPACE(sizeof(int))];
	} c;
	struct iovec iov = { (char[1]){ 1 }, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
	    .msg_controllen = sizeof(c) };

	memset(&c, 0, sizeof(c));
	c.cm.cmsg_len = CMSG_LEN(sizeof(int));
	c.cm.cmsg_level = SOL_SOCKET;
	c.cm.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&c.cm), &fd, sizeof(fd));
	CHECK_EQ("sendmsg", 1, rump_sys_sendmsg(so, &mh, 0));
}

/*
 * The writing end of a pipe goes along with what is to be collected: when that happens
 * the reading end hangs up.
 */
struct canary {
	int	 reader;
};

static void
canary_put(struct canary *cn, int so)
{
	int p[2];

	NEED(rump_sys_pipe2(p, 0) == 0);
	send_fd(so, p[1]);
	CHECK_EQ("close", 0, rump_sys_close(p[1]));
	cn->reader = p[0];
}

/* Within a second of the simulated clock. */
static bool
canary_gone(const struct canary *cn)
{
	struct pollfd pfd = { .fd = cn->reader };

	return rump_sys_poll(&pfd, 1, 1000) == 1 && pfd.revents == POLLHUP;
}

static void
pair(int type, int sv[2])
{
	NEED(rump_sys_socketpair(AF_UNIX, type, 0, sv) == 0);
}

static void
close_pair(const int sv[2])
{
	CHECK_EQ("close", 0, rump_sys_close(sv[0]) | rump_sys_close(sv[1]));
}

/* The collector's thread stays. */
TEST_WITH(sockets_that_nobody_can_reach_go, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS,
    .ht_seeds = 10)
{
	struct canary cn;
	int sv[2], tv[2];

	/* One that lies in its own queue, and two in each other's. */
	pair(SOCK_STREAM, sv);
	canary_put(&cn, sv[0]);
	send_fd(sv[0], sv[1]);
	close_pair(sv);
	CHECK(canary_gone(&cn));
	CHECK_EQ("close", 0, rump_sys_close(cn.reader));
	pair(SOCK_STREAM, sv);
	pair(SOCK_DGRAM, tv);
	send_fd(sv[0], tv[1]);
	send_fd(tv[0], sv[1]);
	canary_put(&cn, tv[0]);
	close_pair(sv);
	close_pair(tv);
	CHECK(canary_gone(&cn));
	CHECK_EQ("close", 0, rump_sys_close(cn.reader));
}

TEST_WITH(a_ring_goes_when_the_last_way_to_it_does, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS,
    .ht_seeds = 10)
{
	struct canary cn, away;
	int ring[8][2], keep[2];

	for (int i = 0; i < 8; i++)
		pair(SOCK_STREAM, ring[i]);
	pair(SOCK_STREAM, keep);
	for (int i = 0; i < 8; i++)
		send_fd(ring[i][0], ring[(i + 1) % 8][1]);
	canary_put(&cn, ring[5][0]);
	send_fd(keep[0], ring[3][1]);
	for (int i = 0; i < 8; i++)
		close_pair(ring[i]);
	/* Something else that is collected shows that the collector was there. */
	pair(SOCK_STREAM, ring[0]);
	canary_put(&away, ring[0][0]);
	send_fd(ring[0][0], ring[0][1]);
	close_pair(ring[0]);
	CHECK(canary_gone(&away));
	CHECK(!canary_gone(&cn));
	close_pair(keep);
	CHECK(canary_gone(&cn));
	CHECK_EQ("close", 0, rump_sys_close(cn.reader) | rump_sys_close(away.reader));
}

/* A chain as long as memory: closing its end must not take stack for each. */
TEST_WITH(a_long_chain_of_messages_is_closed_in_a_row, .ht_flags = HARNESS_SIDE |
    HARNESS_KEEPS, .ht_seconds = 60)
{
	struct canary cn;
	int sv[2], last;

	pair(SOCK_STREAM, sv);
	canary_put(&cn, sv[0]);
	CHECK_EQ("close", 0, rump_sys_close(sv[0]));
	last = sv[1];
	for (int i = 0; i < 3000; i++) {
		pair(SOCK_STREAM, sv);
		send_fd(sv[0], last);
		CHECK_EQ("close", 0, rump_sys_close(last));
		CHECK_EQ("close", 0, rump_sys_close(sv[0]));
		last = sv[1];
	}
	CHECK(!canary_gone(&cn));
	CHECK_EQ("close", 0, rump_sys_close(last));
	CHECK(canary_gone(&cn));
	CHECK_EQ("close", 0, rump_sys_close(cn.reader));
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_mix.c - eight threads share TCP sockets of lo and take no care
 *
 * Sockets are made, bound, connected, accepted, written, read, polled, given options, shut
 * and closed, by numbers that others use at the same time.  Then they talk as one
 * should.  What must not happen is a crash, a race that the thread sanitizer sees, or a
 * sleep without end.
 */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#include <linux/sockios.h>

#include <harness.h>

#define NTHREADS	8
#define STEPS		(16000 / HARNESS_SLOWNESS)
#define LOW		3
#define NUMBERS		20
#define PORTS		8

struct mixer {
	struct rumpuser_thread *thread;
	uint64_t	 rng;
	unsigned int	 accepted, sent, received;
};

static unsigned int
below(struct mixer *m, unsigned int n)
{
	return (unsigned int)(harness_draw(&m->rng) >> 20) % n;
}

static int
any(struct mixer *m)
{
	return LOW + (int)below(m, NUMBERS);
}

/* Nobody would find it beyond the numbers. */
static int
keep(int fd)
{
	if (fd >= LOW + NUMBERS)
		(void)rump_sys_close(fd);
	return fd;
}

/* Few addresses and ports, so that they meet. */
static struct sockaddr_in
any_name(struct mixer *m)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)(3000 + below(m, PORTS))),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };

	if (below(m, 10) == 0)
		sin.sin_family = AF_UNSPEC;
	return sin;
}

static void
mix_server(struct mixer *m)
{
	struct sockaddr_in sin = any_name(m);
	int fd = keep(rump_sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), on = 1;

	(void)rump_sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)rump_sys_setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	(void)rump_sys_setsockopt(fd, SOL_TCP, TCP_FASTOPEN, &on, sizeof(on));
	(void)rump_sys_bind(fd, (struct sockaddr *)&sin, sizeof(sin));
	(void)rump_sys_listen(fd, (int)below(m, 4));
}

static void
mix_client(struct mixer *m)
{
	struct sockaddr_in sin = any_name(m);
	int fd = below(m, 4) == 0 ? any(m) :
	    keep(rump_sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));

	if (below(m, 4) == 0)
		(void)rump_sys_sendto(fd, "first", 5, MSG_FASTOPEN | MSG_NOSIGNAL,
		    (struct sockaddr *)&sin, sizeof(sin));
	else
		(void)rump_sys_connect(fd, (struct sockaddr *)&sin, sizeof(sin));
}

static void
mix_option(struct mixer *m)
{
	static const int opts[][2] = { { SOL_SOCKET, SO_REUSEADDR }, { SOL_SOCKET, SO_KEEPALIVE },
	    { SOL_SOCKET, SO_RCVBUF }, { SOL_SOCKET, SO_SNDBUF }, { SOL_SOCKET, SO_OOBINLINE },
	    { SOL_SOCKET, SO_ERROR }, { SOL_TCP, TCP_NODELAY }, { SOL_TCP, TCP_CORK },
	    { SOL_TCP, TCP_QUICKACK }, { SOL_TCP, TCP_WINDOW_CLAMP }, { SOL_TCP, TCP_MAXSEG },
	    { SOL_TCP, TCP_USER_TIMEOUT }, { SOL_TCP, TCP_INFO }, { SOL_IP, IP_TOS } };
	unsigned int k = below(m, sizeof(opts) / sizeof(opts[0]));
	struct linger l = { 1, 0 };
	int v = (int)below(m, 5000);
	char buf[300];
	socklen_t len = sizeof(buf);

	if (below(m, 8) == 0)
		(void)rump_sys_setsockopt(any(m), SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	else if (below(m, 2) == 0)
		(void)rump_sys_setsockopt(any(m), opts[k][0], opts[k][1], &v, sizeof(v));
	else
		(void)rump_sys_getsockopt(any(m), opts[k][0], opts[k][1], buf, &len);
	if (below(m, 4) == 0)
		(void)rump_sys_setsockopt(any(m), SOL_TCP, TCP_CONGESTION,
		    below(m, 2) == 0 ? "reno" : "cubic", 5);
}

static void
mix_ask(struct mixer *m)
{
	struct pollfd p[3] = { { any(m), POLLIN | POLLOUT, 0 }, { any(m), POLLPRI, 0 },
	    { any(m), POLLRDHUP, 0 } };
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int n;

	(void)rump_sys_poll(p, 3, (int)below(m, 2));
	(void)rump_sys_getsockname(any(m), (struct sockaddr *)&sin, &len);
	(void)rump_sys_getpeername(any(m), (struct sockaddr *)&sin, &len);
	(void)rump_sys_ioctl(any(m), below(m, 2) == 0 ? SIOCINQ : SIOCOUTQ, &n);
}

static void
mix_shutdown(struct mixer *m)
{
	(void)rump_sys_shutdown(any(m), (int)below(m, 3));
}

static void
mix_close(struct mixer *m)
{
	(void)rump_sys_close(any(m));
}

static void
mix_send(struct mixer *m)
{
	static const int flags[] = { 0, 0, MSG_MORE, MSG_OOB };
	static char data[20000];

	m->sent += rump_sys_sendto(any(m), data, 1 + below(m, sizeof(data)),
	    MSG_NOSIGNAL | MSG_DONTWAIT | flags[below(m, 4)], NULL, 0) > 0;
}

static void
mix_recv(struct mixer *m)
{
	static const int flags[] = { 0, 0, MSG_PEEK, MSG_TRUNC, MSG_OOB, MSG_ERRQUEUE };
	char data[20000];

	m->received += rump_sys_recvfrom(any(m), data, 1 + below(m, sizeof(data)),
	    MSG_DONTWAIT | flags[below(m, 6)], NULL, NULL) > 0;
}

/* Whoever listens has somebody for us, perhaps. */
static void
mix_accept(struct mixer *m)
{
	unsigned int first = below(m, NUMBERS);

	for (unsigned int i = 0; i < NUMBERS; i++) {
		int fd = LOW + (int)((first + i) % NUMBERS);

		if (keep(rump_sys_accept4(fd, NULL, NULL, SOCK_NONBLOCK)) < 0)
			continue;
		m->accepted++;
		break;
	}
}

/* Of a hundred steps so many are each of these. */
static const struct {
	unsigned int weight;
	void	(*step)(struct mixer *m);
} steps[] = {
	{ 4, mix_server }, { 14, mix_client }, { 14, mix_accept }, { 2, mix_shutdown },
	{ 10, mix_close }, { 6, mix_option }, { 8, mix_ask }, { 20, mix_send }, { 22, mix_recv },
};

static void
mix_step(struct mixer *m)
{
	unsigned int at = below(m, 100), i = 0;

	while (at >= steps[i].weight)
		at -= steps[i++].weight;
	steps[i].step(m);
}

static void
mix_run(void *arg)
{
	struct mixer *m = arg;

	for (int i = 0; i < STEPS; i++)
		mix_step(m);
}

TEST_WITH(threads_share_connections_and_take_no_care, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS,
    .ht_seeds = 3, .ht_seconds = 120)
{
	unsigned int accepted = 0, sent = 0, received = 0;
	struct mixer m[NTHREADS];

	memset(m, 0, sizeof(m));
	for (int i = 0; i < NTHREADS; i++) {
		m[i].rng = harness_seed() * 0x9e3779b97f4a7c15u + (uint64_t)i + 1;
		NEED(rumpuser_thread_create(mix_run, &m[i], "mix", &m[i].thread) == 0);
	}
	for (int i = 0; i < NTHREADS; i++) {
		CHECK_EQ("join", 0, rumpuser_thread_join(m[i].thread));
		accepted += m[i].accepted;
		sent += m[i].sent;
		received += m[i].received;
	}
	harness_note("%u accepted, %u writes, %u reads", accepted, sent, received);
	CHECK(accepted > 0 && sent > 0 && received > 0);
	for (int fd = LOW; fd < LOW + NUMBERS + NTHREADS; fd++)
		(void)rump_sys_close(fd);
}

/* --- as one should ---------------------------------------------------------------------- */

#define ROUNDS	(400 / HARNESS_SLOWNESS)
#define BYTES	30000

static struct sockaddr_in served;

static void
client_run(void *arg)
{
	static const char data[BYTES];
	char buf[8];

	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		int fd = rump_sys_socket(AF_INET, SOCK_STREAM, 0), done = 0;

		NEED(fd >= 0);
		NEED(CHECK_EQ("connect", 0, rump_sys_connect(fd, (struct sockaddr *)&served,
		    sizeof(served))));
		while (done < BYTES) {
			int n = (int)rump_sys_sendto(fd, data + done, BYTES - (size_t)done,
			    MSG_NOSIGNAL, NULL, 0);

			if (!CHECK(n > 0))
				break;
			done += n;
		}
		CHECK_EQ("shutdown", 0, rump_sys_shutdown(fd, SHUT_WR));
		CHECK_EQ("answer", 2, rump_sys_recvfrom(fd, buf, 8, MSG_WAITALL, NULL, NULL));
		rump_sys_close(fd);
	}
}

static void
server_run(void *arg)
{
	int lfd = *(int *)arg;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = rump_sys_accept4(lfd, NULL, NULL, 0), sum = 0, n;
		char buf[4096];

		NEED(fd >= 0);
		while ((n = (int)rump_sys_recvfrom(fd, buf, sizeof(buf), 0, NULL, NULL)) > 0)
			sum += n;
		CHECK_EQ("end", 0, n);
		CHECK_EQ("all of it", BYTES, sum);
		CHECK_EQ("answer", 2, rump_sys_sendto(fd, "ok", 2, MSG_NOSIGNAL, NULL, 0));
		rump_sys_close(fd);
	}
}

TEST_WITH(four_clients_and_four_servers_of_one_listener, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS,
    .ht_seconds = 60)
{
	struct rumpuser_thread *t[NTHREADS];
	socklen_t len = sizeof(served);
	int lfd = rump_sys_socket(AF_INET, SOCK_STREAM, 0);

	served = (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	NEED(lfd >= 0);
	NEED(rump_sys_bind(lfd, (struct sockaddr *)&served, sizeof(served)) == 0);
	NEED(rump_sys_listen(lfd, 16) == 0);
	NEED(rump_sys_getsockname(lfd, (struct sockaddr *)&served, &len) == 0);
	for (int i = 0; i < NTHREADS; i++)
		NEED(rumpuser_thread_create(i < NTHREADS / 2 ? client_run : server_run, &lfd,
		    "talk", &t[i]) == 0);
	for (int i = 0; i < NTHREADS; i++)
		CHECK_EQ("join", 0, rumpuser_thread_join(t[i]));
	rump_sys_close(lfd);
}

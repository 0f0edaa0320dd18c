/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_option_mix.c - options of sockets that others use
 *
 * A few sockets, each of another kind; two threads send to it and read from it, six set and get
 * options, any number of any level, with any value.  Nothing of that has a meaning: what the
 * calls return is of no interest, but the thread sanitizer must not see two of them at one
 * field without a lock, and nothing may crash.
 */

#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#include <harness.h>

#define NTHREADS	8
#define STEPS		(16000 / HARNESS_SLOWNESS)
#define NAMES		84		/* all that the levels below have */
#define PORT		4000

struct mixer {
	struct rumpuser_thread *thread;
	int		 fd;
	uint64_t	 rng;
	bool		 talks;
};

static unsigned int
below(struct mixer *m, unsigned int n)
{
	return (unsigned int)(harness_draw(&m->rng) >> 20) % n;
}

static int
any_level(struct mixer *m)
{
	static const int levels[] = { SOL_SOCKET, SOL_IP, SOL_IPV6, IPPROTO_TCP, IPPROTO_UDP, SOL_RAW,
	    SOL_ICMPV6 };

	return levels[below(m, ARRAY_SIZE(levels))];
}

static void
option_set(struct mixer *m)
{
	static const int values[] = { 0, 1, 2, -1, 64, 255, 1500, 60000 };
	int value[4] = { values[below(m, ARRAY_SIZE(values))], (int)below(m, 2), 0, 0 };

	/* What packets get in front is memory of its own. */
	if (below(m, 8) == 0) {
		(void)rump_sys_setsockopt(m->fd, SOL_IP, IP_OPTIONS, "\1\1\1\1", 4 * below(m, 2));
		(void)rump_sys_setsockopt(m->fd, SOL_IPV6, IPV6_DSTOPTS, "\x3b\0\1\4\0\0\0\0",
		    8 * below(m, 2));
	}
	(void)rump_sys_setsockopt(m->fd, any_level(m), (int)below(m, NAMES), value,
	    below(m, 4) == 0 ? sizeof(value) : sizeof(*value));
}

static void
option_get(struct mixer *m)
{
	char buf[300];
	socklen_t len = sizeof(buf);

	(void)rump_sys_getsockopt(m->fd, any_level(m), (int)below(m, NAMES), buf, &len);
}

static void
talk(struct mixer *m)
{
	static const char data[2000];
	char buf[2000], control[512];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
	    .msg_controllen = sizeof(control) };

	(void)rump_sys_sendto(m->fd, data, 1 + below(m, sizeof(data)),
	    MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
	(void)rump_sys_recvmsg(m->fd, &msg, MSG_DONTWAIT | (below(m, 8) == 0 ? MSG_ERRQUEUE : 0));
}

static void
mix_run(void *arg)
{
	struct mixer *m = arg;

	for (int i = 0; i < STEPS; i++) {
		if (m->talks)
			talk(m);
		else if (below(m, 2) == 0)
			option_set(m);
		else
			option_get(m);
	}
}

static void
mix(int fd)
{
	struct mixer m[NTHREADS];

	for (int i = 0; i < NTHREADS; i++) {
		m[i] = (struct mixer){ .fd = fd, .talks = i < 2,
		    .rng = harness_seed() * 0x9e3779b97f4a7c15u + (uint64_t)i + 1 };
		NEED(rumpuser_thread_create(mix_run, &m[i], "mix", &m[i].thread) == 0);
	}
	for (int i = 0; i < NTHREADS; i++)
		CHECK_EQ("join", 0, rumpuser_thread_join(m[i].thread));
}

/* A socket that talks to itself, or, if it is a stream, to nobody who reads. */
static void
mix_socket(int family, int type, int protocol)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT),
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(PORT),
	    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct sockaddr *name = family == AF_INET ? (struct sockaddr *)&sin :
	    (struct sockaddr *)&sin6;
	socklen_t len = family == AF_INET ? sizeof(sin) : sizeof(sin6);
	int fd = rump_sys_socket(family, type, protocol), lfd = -1;

	NEED(fd >= 0);
	if (type == SOCK_STREAM) {
		lfd = rump_sys_socket(family, type, protocol);
		NEED(rump_sys_bind(lfd, name, len) == 0 && rump_sys_listen(lfd, 1) == 0);
	} else {
		NEED(rump_sys_bind(fd, name, len) == 0);
	}
	NEED(rump_sys_connect(fd, name, len) == 0);
	mix(fd);
	NEED(rump_sys_close(fd) == 0);
	if (lfd != -1)
		NEED(rump_sys_close(lfd) == 0);
}

/* What the network keeps for the next socket (routes, IPv6 of lo) is no leak. */
#define OPTION_TEST(name)	TEST_WITH(name, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)

OPTION_TEST(options_of_udp)
{
	mix_socket(AF_INET, SOCK_DGRAM, 0);
}

OPTION_TEST(options_of_udp_over_ipv6)
{
	mix_socket(AF_INET6, SOCK_DGRAM, 0);
}

OPTION_TEST(options_of_tcp)
{
	mix_socket(AF_INET, SOCK_STREAM, 0);
}

OPTION_TEST(options_of_tcp_over_ipv6)
{
	mix_socket(AF_INET6, SOCK_STREAM, 0);
}

OPTION_TEST(options_of_raw)
{
	mix_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

OPTION_TEST(options_of_raw_over_ipv6)
{
	mix_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
}

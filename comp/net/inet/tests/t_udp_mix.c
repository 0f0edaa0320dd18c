/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_udp_mix.c - six threads share UDP, raw and ping sockets and take no care
 *
 * Sockets are made, bound, connected, joined to groups, written, read, polled, given options
 * and closed, by numbers that others use at the same time.  What must not happen is a
 * crash, a race that the thread sanitizer sees, or a sleep without end.
 */

#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpuser.h>

#include <harness.h>

#define NTHREADS	6
#define STEPS		(4000 / HARNESS_SLOWNESS)
#define LOW		3
#define NUMBERS		16

struct mixer {
	struct rumpuser_thread *thread;
	uint64_t	 rng;
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

/* Few addresses and ports, so that they meet. */
static struct sockaddr_in
any_name(struct mixer *m)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)(2000 + below(m, 4))),
	    .sin_addr = { htonl(0x7f000001 + below(m, 2)) } };

	if (below(m, 8) == 0)
		sin.sin_addr.s_addr = htonl(0xe0010203);
	if (below(m, 8) == 0)
		sin.sin_family = AF_UNSPEC;
	return sin;
}

static void
mix_make(struct mixer *m)
{
	static const int kinds[][2] = { { SOCK_DGRAM, 0 }, { SOCK_DGRAM, 0 }, { SOCK_DGRAM, 0 },
	    { SOCK_DGRAM, IPPROTO_ICMP }, { SOCK_RAW, IPPROTO_ICMP }, { SOCK_RAW, IPPROTO_UDP } };
	unsigned int k = below(m, 6);

	(void)rump_sys_socket(AF_INET, kinds[k][0] | SOCK_NONBLOCK, kinds[k][1]);
}

static void
mix_option(struct mixer *m)
{
	static const int opts[][2] = { { SOL_SOCKET, SO_REUSEADDR }, { SOL_SOCKET, SO_REUSEPORT },
	    { SOL_IP, IP_PKTINFO }, { SOL_IP, IP_RECVERR }, { SOL_IP, IP_TTL },
	    { SOL_IP, IP_MTU_DISCOVER }, { SOL_UDP, UDP_CORK }, { SOL_UDP, UDP_SEGMENT },
	    { SOL_UDP, UDP_GRO } };
	struct ip_mreqn mr = { .imr_multiaddr = { htonl(0xe0010203) }, .imr_ifindex = 1 };
	unsigned int k = below(m, 11);
	int v = (int)below(m, 3);

	if (k >= 9)
		(void)rump_sys_setsockopt(any(m), SOL_IP,
		    k == 9 ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &mr, sizeof(mr));
	else
		(void)rump_sys_setsockopt(any(m), opts[k][0], opts[k][1], &v, sizeof(v));
}

static void
mix_name(struct mixer *m)
{
	struct sockaddr_in sin = any_name(m);
	socklen_t len = sizeof(sin);

	switch (below(m, 4)) {
	case 0:
		(void)rump_sys_bind(any(m), (struct sockaddr *)&sin, sizeof(sin));
		break;
	case 1:
		(void)rump_sys_connect(any(m), (struct sockaddr *)&sin, sizeof(sin));
		break;
	case 2:
		(void)rump_sys_getsockname(any(m), (struct sockaddr *)&sin, &len);
		break;
	default:
		(void)rump_sys_shutdown(any(m), (int)below(m, 3));
		break;
	}
}

static void
mix_send(struct mixer *m)
{
	struct sockaddr_in sin = any_name(m);
	char data[3000] = { ICMP_ECHO };
	struct iovec iov = { data, below(m, sizeof(data)) };
	struct mmsghdr row[4];

	memset(row, 0, sizeof(row));
	for (int i = 0; i < 4; i++) {
		row[i].msg_hdr.msg_iov = &iov;
		row[i].msg_hdr.msg_iovlen = 1;
		if (below(m, 2) == 0) {
			row[i].msg_hdr.msg_name = &sin;
			row[i].msg_hdr.msg_namelen = sizeof(sin);
		}
	}
	(void)rump_sys_sendmmsg(any(m), row, 1 + below(m, 4), below(m, 4) == 0 ? MSG_MORE : 0);
}

static void
mix_recv(struct mixer *m)
{
	static const int flags[] = { 0, MSG_PEEK, MSG_ERRQUEUE, MSG_TRUNC };
	char data[4][500], control[100];
	struct pollfd p = { any(m), POLLIN | POLLOUT, 0 };
	struct mmsghdr row[4];
	struct iovec iov[4];

	memset(row, 0, sizeof(row));
	for (int i = 0; i < 4; i++) {
		iov[i] = (struct iovec){ data[i], sizeof(data[i]) };
		row[i].msg_hdr.msg_iov = &iov[i];
		row[i].msg_hdr.msg_iovlen = 1;
		row[i].msg_hdr.msg_control = control;
		row[i].msg_hdr.msg_controllen = sizeof(control);
	}
	(void)rump_sys_recvmmsg(any(m), row, 4, MSG_DONTWAIT | flags[below(m, 4)], NULL);
	(void)rump_sys_poll(&p, 1, 0);
}

static void
mix_run(void *arg)
{
	struct mixer *m = arg;

	for (int i = 0; i < STEPS; i++) {
		switch (below(m, 12)) {
		case 0:
			mix_make(m);
			break;
		case 1:
			(void)rump_sys_close(any(m));
			break;
		case 2:
		case 3:
			mix_option(m);
			break;
		case 4:
		case 5:
		case 6:
			mix_name(m);
			break;
		case 7:
		case 8:
		case 9:
			mix_send(m);
			break;
		default:
			mix_recv(m);
			break;
		}
	}
}

TEST_WITH(threads_share_sockets_and_take_no_care, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS,
    .ht_seeds = 2)
{
	struct mixer m[NTHREADS];

	for (int i = 0; i < NTHREADS; i++) {
		m[i].rng = harness_seed() * 0x9e3779b97f4a7c15u + (uint64_t)i + 1;
		NEED(rumpuser_thread_create(mix_run, &m[i], "mix", &m[i].thread) == 0);
	}
	for (int i = 0; i < NTHREADS; i++)
		CHECK_EQ("join", 0, rumpuser_thread_join(m[i].thread));
	for (int fd = LOW; fd < LOW + 3 * NUMBERS; fd++)
		(void)rump_sys_close(fd);
}

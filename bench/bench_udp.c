/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_udp.c - datagrams a second on lo, ours and the host's
 *
 * One thread sends a row of datagrams and receives it, by sendmmsg and recvmmsg or
 * one by one, so that nothing is lost and what is measured is the way through the
 * stack, both times.  Two threads: one sends as fast as it can, the other counts what
 * arrives.
 */

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

#define ROW	32

struct side {
	bool		 s_ours;
	size_t		 s_len;
	int		 s_tx, s_rx;
};

static int
udp_pair(struct side *s)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr *sa = (struct sockaddr *)&sin;
	socklen_t len = sizeof(sin);
	int size = 8 << 20;

	if (s->s_ours) {
		s->s_tx = rump_sys_socket(AF_INET, SOCK_DGRAM, 0);
		s->s_rx = rump_sys_socket(AF_INET, SOCK_DGRAM, 0);
		rump_sys_setsockopt(s->s_rx, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		return s->s_tx < 0 || rump_sys_bind(s->s_rx, sa, len) != 0 ||
		    rump_sys_getsockname(s->s_rx, sa, &len) != 0 ||
		    rump_sys_connect(s->s_tx, sa, len) != 0;
	}
	s->s_tx = socket(AF_INET, SOCK_DGRAM, 0);
	s->s_rx = socket(AF_INET, SOCK_DGRAM, 0);
	setsockopt(s->s_rx, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return s->s_tx < 0 || bind(s->s_rx, sa, len) != 0 ||
	    getsockname(s->s_rx, sa, &len) != 0 || connect(s->s_tx, sa, len) != 0;
}

static char tx_data[65536], rx_data[ROW][2048];

static void
row_setup(struct mmsghdr *tx, struct mmsghdr *rx, struct iovec *txv, struct iovec *rxv, size_t len)
{
	memset(tx, 0, ROW * sizeof(*tx));
	memset(rx, 0, ROW * sizeof(*rx));
	for (int i = 0; i < ROW; i++) {
		txv[i] = (struct iovec){ tx_data, len };
		rxv[i] = (struct iovec){ rx_data[i], sizeof(rx_data[i]) };
		tx[i].msg_hdr.msg_iov = &txv[i];
		rx[i].msg_hdr.msg_iov = &rxv[i];
		tx[i].msg_hdr.msg_iovlen = rx[i].msg_hdr.msg_iovlen = 1;
	}
}

static void
rows(void *arg, unsigned long n)
{
	struct mmsghdr tx[ROW], rx[ROW];
	struct iovec txv[ROW], rxv[ROW];
	struct side *s = arg;

	row_setup(tx, rx, txv, rxv, s->s_len);
	for (; n > 0; n -= n < ROW ? n : ROW) {
		int sent, got;

		if (s->s_ours) {
			sent = rump_sys_sendmmsg(s->s_tx, tx, ROW, 0);
			got = rump_sys_recvmmsg(s->s_rx, rx, ROW, MSG_DONTWAIT, NULL);
		} else {
			sent = sendmmsg(s->s_tx, tx, ROW, 0);
			got = recvmmsg(s->s_rx, rx, ROW, MSG_DONTWAIT, NULL);
		}
		if (sent != ROW || got != ROW)
			bench_die("a datagram was lost");
	}
}

static void
singles(void *arg, unsigned long n)
{
	struct side *s = arg;
	ssize_t got;

	while (n-- > 0) {
		if (s->s_ours) {
			rump_sys_sendto(s->s_tx, tx_data, s->s_len, 0, NULL, 0);
			got = rump_sys_recvfrom(s->s_rx, rx_data[0], 2048, 0, NULL, NULL);
		} else {
			send(s->s_tx, tx_data, s->s_len, 0);
			got = recv(s->s_rx, rx_data[0], 2048, 0);
		}
		if (got != (ssize_t)s->s_len)
			bench_die("a datagram was lost");
	}
}

/* --- two threads -------------------------------------------------------------------- */

static atomic_bool stop;

static void *
flood(void *arg)
{
	struct mmsghdr tx[ROW], rx[ROW];
	struct iovec txv[ROW], rxv[ROW];
	struct side *s = arg;

	bench_pin(1);
	row_setup(tx, rx, txv, rxv, s->s_len);
	while (!stop) {
		if (s->s_ours)
			rump_sys_sendmmsg(s->s_tx, tx, ROW, 0);
		else
			sendmmsg(s->s_tx, tx, ROW, 0);
	}
	return NULL;
}

static double
flood_rate(struct side *s, double seconds)
{
	struct mmsghdr tx[ROW], rx[ROW];
	struct iovec txv[ROW], rxv[ROW];
	unsigned long n = 0;
	pthread_t thread;
	double start, now;
	int got;

	row_setup(tx, rx, txv, rxv, s->s_len);
	stop = false;
	if (pthread_create(&thread, NULL, flood, s) != 0)
		bench_die("pthread_create");
	bench_pin(0);
	for (int i = 0; i < 100; i++)
		(void)(s->s_ours ? rump_sys_recvmmsg(s->s_rx, rx, ROW, MSG_WAITFORONE, NULL) :
				   recvmmsg(s->s_rx, rx, ROW, MSG_WAITFORONE, NULL));
	start = bench_now();
	do {
		got = s->s_ours ? rump_sys_recvmmsg(s->s_rx, rx, ROW, MSG_WAITFORONE, NULL) :
				  recvmmsg(s->s_rx, rx, ROW, MSG_WAITFORONE, NULL);
		if (got <= 0)
			bench_die("recvmmsg");
		n += (unsigned long)got;
		now = bench_now();
	} while (now - start < seconds);
	stop = true;
	pthread_join(thread, NULL);
	bench_pin(-1);
	return (double)n / (now - start);
}

static void
flood_run(const char *name, struct side *ours, struct side *host, double target)
{
	double a[5], b[5], ratio[5];

	for (int i = 0; i < 5; i++) {
		a[i] = flood_rate(ours, 0.15);
		b[i] = flood_rate(host, 0.15);
		ratio[i] = a[i] / b[i];
	}
	bench_print(name, bench_median(a, 5), bench_median(b, 5), "1/s", bench_median(ratio, 5),
	    target, 0);
}

int
main(void)
{
	static const size_t lens[] = { 64, 1400 };

	setenv("RUMP_NCPU", "2", 0);
	if (rump_init() != 0)
		bench_die("rump_init");
	bench_heading();
	for (size_t i = 0; i < 2; i++) {
		struct side ours = { .s_ours = true, .s_len = lens[i] }, host = { .s_len = lens[i] };
		char name[64];

		if (udp_pair(&ours) != 0 || udp_pair(&host) != 0)
			bench_die("sockets");
		bench_pin(0);
		snprintf(name, sizeof(name), "udp %zu B, rows of %d", lens[i], ROW);
		bench_run(&(struct bench){ .b_name = name, .b_ours = rows, .b_host = rows,
		    .b_ours_arg = &ours, .b_host_arg = &host, .b_perop = 1, .b_target = 4 });
		snprintf(name, sizeof(name), "udp %zu B, one by one", lens[i]);
		bench_run(&(struct bench){ .b_name = name, .b_ours = singles, .b_host = singles,
		    .b_ours_arg = &ours, .b_host_arg = &host, .b_perop = 1, .b_target = 4 });
		bench_pin(-1);
		snprintf(name, sizeof(name), "udp %zu B, two threads", lens[i]);
		flood_run(name, &ours, &host, 4);
	}
	return bench_missed() != 0;
}

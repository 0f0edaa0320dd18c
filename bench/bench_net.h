/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_net.h - two stacks by one name, servers that answer, clients that ask
 *
 * A connection begins with one byte: 'R' echoes, 'B' takes eight bytes of
 * length, that much data, and answers with one byte.  UDP is counted by the
 * receiver, in memory that it shares with the client.
 */

#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <netinet/in.h>
#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

#include "bench.h"

#define CHUNK	(256 << 10)

/* The calls of either kernel. */
struct stack {
	const char *s_name;
	int	(*s_socket)(int, int, int);
	int	(*s_bind)(int, const struct sockaddr *, socklen_t);
	int	(*s_listen)(int, int);
	int	(*s_accept)(int, struct sockaddr *, socklen_t *);
	int	(*s_connect)(int, const struct sockaddr *, socklen_t);
	int	(*s_setsockopt)(int, int, int, const void *, socklen_t);
	ssize_t	(*s_read)(int, void *, size_t);
	ssize_t	(*s_write)(int, const void *, size_t);
	int	(*s_sendmmsg)(int, struct mmsghdr *, unsigned int, int);
	int	(*s_recvmmsg)(int, struct mmsghdr *, unsigned int, int, struct timespec *);
	int	(*s_close)(int);
};

extern const struct stack host, ours;

/* Where a server of one stack listens, and what it tells us. */
struct server {
	const struct stack *v_stack;
	const char *v_address;
	int	 v_cpu;
	volatile uint32_t v_ready;
	volatile uint64_t v_received;	/* datagrams */
};

static inline void
check(bool ok, const char *what)
{
	if (!ok)
		bench_die(what);
}

struct sockaddr_in address_of(const struct server *v);

/* --- bench_netserver.c --------------------------------------------------------- */

extern bool plain;			/* no offloads */
extern char bus[];

/* Boots ours with addr on the bus.  tap is TAP,OURS,HOST or NULL. */
void	kernel_start(const char *addr, const char *tap);
/* Threads started from here stay on the server's CPU. */
void	server_threads(struct server *v);
/* The same in a process of its own, which ends with this one. */
void	server_process(struct server *v);

/* --- bench_netclient.c --------------------------------------------------------- */

extern size_t udp_size;

/* A connection; mode is its first byte, 0: none. */
int	dial(const struct server *v, int mode, int portoff);
/* GB/s of one stream of mib MiB. */
double	bulk(const struct server *v, int fd, int mib);
/* Microseconds a round trip, of n. */
double	rr(const struct server *v, int fd, int n);
/* Microseconds to connect, have a byte echoed, and close. */
double	crr(const struct server *v, int fd, int n);
/* Millions of datagrams of udp_size a second that arrived, over n ms. */
double	udp(const struct server *v, int fd, int n);

#endif /* BENCH_NET_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_netserver.c - the far ends of bench_net: two stacks, and servers on them
 */

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/netconfig.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench_net.h"

#define PORT	5555

bool plain;
char bus[] = "/dev/shm/rumpus-bench-bus.XXXXXX";

const struct stack host = {
	"host", socket, bind, listen, accept, connect, setsockopt, read, write,
	sendmmsg, recvmmsg, close,
};

const struct stack ours = {
	"ours", rump_sys_socket, rump_sys_bind, rump_sys_listen, rump_sys_accept,
	rump_sys_connect, rump_sys_setsockopt, rump_sys_read, rump_sys_write,
	rump_sys_sendmmsg, rump_sys_recvmmsg, rump_sys_close,
};

struct sockaddr_in
address_of(const struct server *v)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	sin.sin_port = htons((uint16_t)(PORT + v->v_cpu));
	if (inet_pton(AF_INET, v->v_address, &sin.sin_addr) != 1)
		bench_die(v->v_address);
	return sin;
}

/* --- our kernel on the bus -------------------------------------------------------- */

static void
ifconfig(int error, const char *name, const char *addr, uint32_t mtu)
{
	if (error == 0)
		error = rump_pub_netconfig_ifsetmtu(name, mtu);
	if (error == 0)
		error = rump_pub_netconfig_ipv4_ifaddr_cidr(name, addr, 24);
	if (error == 0)
		error = rump_pub_netconfig_ifup(name);
	errno = error;
	check(error == 0, name);
}

/* As "ethtool -K ifname tx off rx off tso off ufo off". */
static void
offloads_off(const char *ifname)
{
	static const uint32_t offloads[] = { ETHTOOL_STSO, ETHTOOL_SUFO, ETHTOOL_STXCSUM,
	    ETHTOOL_SRXCSUM };
	struct ethtool_value ev;
	struct ifreq ifr;
	int fd = rump_sys_socket(AF_INET, SOCK_DGRAM, 0);

	for (size_t i = 0; i < sizeof(offloads) / sizeof(offloads[0]); i++) {
		memset(&ifr, 0, sizeof(ifr));
		memcpy(ifr.ifr_name, ifname, strlen(ifname));
		ev = (struct ethtool_value){ .cmd = offloads[i], .data = 0 };
		ifr.ifr_data = (void *)&ev;
		check(rump_sys_ioctl(fd, SIOCETHTOOL, &ifr) == 0, "SIOCETHTOOL");
	}
	rump_sys_close(fd);
}

void
kernel_start(const char *addr, const char *tap)
{
	const char *mtu = getenv("BENCH_MTU");
	char name[IFNAMSIZ], link[64], ours_addr[64];
	int error, n = 0;

	errno = rump_init();
	check(errno == 0, "our kernel");
	error = rump_pub_netconfig_ifup("lo");
	if (error == 0)
		error = rump_pub_shmif_create(bus, &n);
	snprintf(name, sizeof(name), "shm%d", n);
	ifconfig(error, name, addr, mtu != NULL ? (uint32_t)atoi(mtu) : 1500);
	if (plain)
		offloads_off(name);
	if (tap == NULL || sscanf(tap, "%63[^,],%63[^,]", link, ours_addr) != 2)
		return;
	error = rump_pub_virtif_create(link, &n);
	snprintf(name, sizeof(name), "virt%d", n);
	ifconfig(error, name, ours_addr, 1500);
}

/* --- servers ---------------------------------------------------------------------- */

struct accepted {
	const struct stack *a_stack;
	int	 a_fd;
};

static void
serve_bulk(const struct stack *s, int fd, char *buf)
{
	uint64_t left;
	ssize_t n;

	while (s->s_read(fd, &left, sizeof(left)) == (ssize_t)sizeof(left)) {
		while (left > 0) {
			n = s->s_read(fd, buf, left < CHUNK ? left : CHUNK);
			if (n <= 0)
				return;
			left -= (uint64_t)n;
		}
		if (s->s_write(fd, "k", 1) != 1)
			return;
	}
}

static void *
serve_connection(void *arg)
{
	struct accepted a = *(struct accepted *)arg;
	int one = 1;
	char *buf = malloc(CHUNK), mode = 0;
	ssize_t n;

	free(arg);
	check(buf != NULL, "memory");
	a.a_stack->s_setsockopt(a.a_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (a.a_stack->s_read(a.a_fd, &mode, 1) == 1 && mode == 'B')
		serve_bulk(a.a_stack, a.a_fd, buf);
	else if (mode == 'R')
		while ((n = a.a_stack->s_read(a.a_fd, buf, CHUNK)) > 0)
			if (a.a_stack->s_write(a.a_fd, buf, (size_t)n) != n)
				break;
	a.a_stack->s_close(a.a_fd);
	free(buf);
	return NULL;
}

/* One connection after the other on this thread: for connect+byte+close. */
static void *
serve_short(void *arg)
{
	struct server *v = arg;
	const struct stack *s = v->v_stack;
	struct sockaddr_in sin = address_of(v);
	int fd = s->s_socket(AF_INET, SOCK_STREAM, 0), one = 1, c;
	char byte;

	sin.sin_port = htons((uint16_t)(ntohs(sin.sin_port) + 20));
	s->s_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	check(s->s_bind(fd, (void *)&sin, sizeof(sin)) == 0, "bind");
	check(s->s_listen(fd, 128) == 0, "listen");
	while ((c = s->s_accept(fd, NULL, NULL)) >= 0) {
		while (s->s_read(c, &byte, 1) == 1)
			if (s->s_write(c, &byte, 1) != 1)
				break;
		s->s_close(c);
	}
	return NULL;
}

static void *
serve_udp(void *arg)
{
	struct server *v = arg;
	const struct stack *s = v->v_stack;
	struct sockaddr_in sin = address_of(v);
	int fd = s->s_socket(AF_INET, SOCK_DGRAM, 0), n, size = 1 << 20;
	static char room[64][2048];
	struct mmsghdr msg[64];
	struct iovec iov[64];

	memset(msg, 0, sizeof(msg));
	for (int i = 0; i < 64; i++) {
		iov[i] = (struct iovec){ room[i], sizeof(room[i]) };
		msg[i].msg_hdr.msg_iov = &iov[i];
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	s->s_setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	check(s->s_bind(fd, (void *)&sin, sizeof(sin)) == 0, "bind udp");
	while ((n = s->s_recvmmsg(fd, msg, 64, MSG_WAITFORONE, NULL)) >= 0)
		v->v_received += (uint64_t)n;
	return NULL;
}

static void *
serve_tcp(void *arg)
{
	struct server *v = arg;
	const struct stack *s = v->v_stack;
	struct sockaddr_in sin = address_of(v);
	int fd = s->s_socket(AF_INET, SOCK_STREAM, 0), one = 1, c;
	struct accepted *a;
	pthread_t t;

	s->s_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	check(s->s_bind(fd, (void *)&sin, sizeof(sin)) == 0, "bind");
	check(s->s_listen(fd, 128) == 0, "listen");
	v->v_ready = 1;
	while ((c = s->s_accept(fd, NULL, NULL)) >= 0) {
		a = malloc(sizeof(*a));
		check(a != NULL, "memory");
		*a = (struct accepted){ s, c };
		check(pthread_create(&t, NULL, serve_connection, a) == 0, "thread");
		pthread_detach(t);
	}
	bench_die("accept");
	return NULL;
}

void
server_threads(struct server *v)
{
	pthread_t t;

	bench_pin(v->v_cpu);
	check(pthread_create(&t, NULL, serve_udp, v) == 0, "thread");
	check(pthread_create(&t, NULL, serve_short, v) == 0, "thread");
	check(pthread_create(&t, NULL, serve_tcp, v) == 0, "thread");
}

void
server_process(struct server *v)
{
	pid_t parent = getpid();

	if (fork() != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	bench_pin(v->v_cpu);
	if (v->v_stack == &ours)
		kernel_start(v->v_address, NULL);
	server_threads(v);
	for (;;)
		pause();
}

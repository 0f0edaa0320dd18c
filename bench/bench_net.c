/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_net.c - TCP and UDP between two kernels on a shared-memory bus, and
 * inside one kernel, beside the host's loopback
 *
 * usage: bench_net [-k] [-v ADDRESS] [-t TAP,OURS,HOST] [ROW...]
 *
 * Servers are processes of their own, one for each stack and CPU; the client
 * is this process, on CPU 0.  So each figure can be had with both ends on one core
 * and on two, and the better of the host's two placements is what we
 * are compared with, round by round.  With -v there is a host server (bench_net
 * -s) at ADDRESS already, at the far end of a veth pair; with -t our kernel
 * opens that tap with address OURS, and there is one at HOST: see scripts/bench.sh.
 * With -k our interfaces have no offloads, as if by "ethtool -K", and neither should
 * the veth pair; the rows are others then.
 *
 * A connection begins with one byte: 'R' echoes, 'B' takes eight bytes of
 * length, that much data, and answers with one byte.  UDP is counted by the
 * receiver, in memory that it shares with us.
 */

#include <arpa/inet.h>
#include <net/if.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/netconfig.h>

#include "bench.h"

#define PORT	5555
#define CHUNK	(256 << 10)
#define ROUNDS	15

/* --- one name for the calls of both --------------------------------------------- */

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

static const struct stack host = {
	"host", socket, bind, listen, accept, connect, setsockopt, read, write,
	sendmmsg, recvmmsg, close,
};

static const struct stack ours = {
	"ours", rump_sys_socket, rump_sys_bind, rump_sys_listen, rump_sys_accept,
	rump_sys_connect, rump_sys_setsockopt, rump_sys_read, rump_sys_write,
	rump_sys_sendmmsg, rump_sys_recvmmsg, rump_sys_close,
};

/* Where a server of one stack listens, and what it tells us. */
struct server {
	const struct stack *v_stack;
	const char *v_address;
	int	 v_cpu;
	volatile uint32_t v_ready;
	volatile uint64_t v_received;	/* datagrams */
};

enum { OURS_0, OURS_1, HOST_0, HOST_1, LO_0, LO_1, VETH_0, VETH, TAP, NSERVERS };

static struct server *servers;		/* shared with the children */
static bool plain;			/* no offloads */
static char bus[] = "/dev/shm/rumpus-bench-bus.XXXXXX";

static struct sockaddr_in
address_of(const struct server *v)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	sin.sin_port = htons((uint16_t)(PORT + v->v_cpu));
	if (inet_pton(AF_INET, v->v_address, &sin.sin_addr) != 1)
		bench_die(v->v_address);
	return sin;
}

static void
check(bool ok, const char *what)
{
	if (!ok)
		bench_die(what);
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

/* tap is TAP,OURS,HOST or NULL. */
static void
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

/* Threads started from here stay on the server's CPU. */
static void
server_threads(struct server *v)
{
	pthread_t t;

	bench_pin(v->v_cpu);
	check(pthread_create(&t, NULL, serve_udp, v) == 0, "thread");
	check(pthread_create(&t, NULL, serve_short, v) == 0, "thread");
	check(pthread_create(&t, NULL, serve_tcp, v) == 0, "thread");
}

static void
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

/* --- clients ------------------------------------------------------------------------ */

static int
dial(const struct server *v, int mode, int portoff)
{
	const struct stack *s = v->v_stack;
	struct sockaddr_in sin = address_of(v);
	int fd = s->s_socket(AF_INET, SOCK_STREAM, 0), one = 1;
	char m = (char)mode;

	sin.sin_port = htons((uint16_t)(ntohs(sin.sin_port) + portoff));
	check(fd >= 0, "socket");
	if (s->s_connect(fd, (void *)&sin, sizeof(sin)) != 0)
		bench_die("connect");
	s->s_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (mode != 0)
		check(s->s_write(fd, &m, 1) == 1, "write");
	return fd;
}

/* GB/s of one stream of size bytes. */
static double
bulk(const struct server *v, int fd, uint64_t size)
{
	static char buf[CHUNK];
	double start = bench_now();
	char reply;

	check(v->v_stack->s_write(fd, &size, sizeof(size)) == sizeof(size), "write");
	for (uint64_t left = size; left > 0; ) {
		ssize_t n = v->v_stack->s_write(fd, buf, left < CHUNK ? left : CHUNK);

		check(n > 0, "write");
		left -= (uint64_t)n;
	}
	check(v->v_stack->s_read(fd, &reply, 1) == 1, "read");
	return (double)size / (bench_now() - start) / 1e9;
}

/* Microseconds a round trip. */
static double
rr(const struct server *v, int fd, int n)
{
	double start = bench_now();
	char byte = 'x';

	for (int i = 0; i < n; i++) {
		check(v->v_stack->s_write(fd, &byte, 1) == 1, "write");
		check(v->v_stack->s_read(fd, &byte, 1) == 1, "read");
	}
	return (bench_now() - start) / n * 1e6;
}

/* Microseconds to connect, have a byte echoed, and close. */
static double
crr(const struct server *v, int fd, int n)
{
	double start = bench_now();
	char byte = 'x';
	int c;

	(void)fd;
	for (int i = 0; i < n; i++) {
		c = dial(v, 0, 20);
		check(v->v_stack->s_write(c, &byte, 1) == 1, "write");
		check(v->v_stack->s_read(c, &byte, 1) == 1, "read");
		v->v_stack->s_close(c);
	}
	return (bench_now() - start) / n * 1e6;
}

static size_t udp_size;

/* Millions of datagrams a second that arrived. */
static double
udp(const struct server *v, int fd, int n)
{
	static char data[2048];
	struct mmsghdr msg[64];
	struct iovec iov = { data, udp_size };
	struct sockaddr_in sin = address_of(v);
	uint64_t before;
	double start, took;

	fd = v->v_stack->s_socket(AF_INET, SOCK_DGRAM, 0);
	check(fd >= 0, "socket");
	check(v->v_stack->s_connect(fd, (void *)&sin, sizeof(sin)) == 0, "connect");
	memset(msg, 0, sizeof(msg));
	for (int i = 0; i < 64; i++) {
		msg[i].msg_hdr.msg_iov = &iov;
		msg[i].msg_hdr.msg_iovlen = 1;
	}
	before = v->v_received;
	start = bench_now();
	while (bench_now() - start < n / 1000.0)
		(void)v->v_stack->s_sendmmsg(fd, msg, 64, 0);
	took = bench_now() - start;
	v->v_stack->s_close(fd);
	return (double)(v->v_received - before) / took / 1e6;
}

/* --- rows ----------------------------------------------------------------------------- */

/* A measurement: more is better if rate, else less. */
struct row {
	const char *r_name;
	const char *r_unit;
	int	 r_ours;		/* which servers */
	int	 r_host, r_host2;	/* -1: none; the better one counts */
	int	 r_mode;		/* of the connection; 0: none */
	double	(*r_fn)(const struct server *, int fd, int n);
	int	 r_n;
	size_t	 r_udpsize;
	bool	 r_rate;
	double	 r_target, r_stretch;	/* speed-ups */
	bool	 r_plain;		/* a row of -k */
};

static double
bulk_row(const struct server *v, int fd, int mib)
{
	return bulk(v, fd, (uint64_t)mib << 20);
}

static const struct row rows[] = {
	{ "tcp bulk over the bus", "GB/s", OURS_1, HOST_0, HOST_1, 'B', bulk_row, 256, 0, true, 1.2, 2 },
	{ "tcp bulk, bus : veth, no offload", "GB/s", OURS_1, VETH, VETH_0, 'B', bulk_row, 128, 0, true,
	    2, 4, true },
	{ "the same on one core", "GB/s", OURS_0, VETH_0, -1, 'B', bulk_row, 128, 0, true, 0, 0, true },
	{ "tcp bulk over the bus, one core", "GB/s", OURS_0, HOST_0, -1, 'B', bulk_row, 256, 0, true, 0, 0 },
	{ "tcp bulk over the bus : veth", "GB/s", OURS_1, VETH, VETH_0, 'B', bulk_row, 256, 0, true, 1.0, 2 },
	{ "tcp bulk in one kernel", "GB/s", LO_1, HOST_0, HOST_1, 'B', bulk_row, 256, 0, true, 1.5, 3 },
	{ "tcp bulk in one kernel, one core", "GB/s", LO_0, HOST_0, -1, 'B', bulk_row, 256, 0, true, 3, 5 },
	{ "tcp 1 byte round trip, spinning", "us", OURS_1, HOST_0, HOST_1, 'R', rr, 2000, 0, false,
	    1 / 0.15, 1 / 0.08 },
	{ "tcp 1 byte round trip, one core", "us", OURS_0, HOST_0, -1, 'R', rr, 2000, 0, false,
	    1 / 0.6, 1 / 0.45 },
	{ "tcp 1 byte round trip, one kernel", "us", LO_0, HOST_0, -1, 'R', rr, 2000, 0, false, 0, 0 },
	{ "tcp connect+byte+close, the bus", "us", OURS_1, HOST_0, HOST_1, 0, crr, 300, 0, false, 2, 4 },
	{ "tcp connect+byte+close, one kernel", "us", LO_0, HOST_0, HOST_1, 0, crr, 300, 0, false, 2, 4 },
	{ "tcp bulk through tap : veth", "GB/s", TAP, VETH, VETH_0, 'B', bulk_row, 128, 0, true, 0.6, 0.9 },
	{ "tcp 1 byte round trip, tap", "us", TAP, VETH, VETH_0, 'R', rr, 1000, 0, false, 0, 0 },
	{ "udp 64 B over the bus", "Mpps", OURS_1, HOST_0, HOST_1, 0, udp, 30, 64, true, 4, 0 },
	{ "udp 1400 B over the bus", "Mpps", OURS_1, HOST_0, HOST_1, 0, udp, 30, 1400, true, 4, 0 },
	{ "udp 64 B in one kernel", "Mpps", LO_1, HOST_0, HOST_1, 0, udp, 30, 64, true, 0, 0 },
	{ "udp 1400 B in one kernel", "Mpps", LO_1, HOST_0, HOST_1, 0, udp, 30, 1400, true, 0, 0 },
};

static double
better(const struct row *r, double a, double b)
{
	return (r->r_rate ? a > b : a < b) ? a : b;
}

static void
row_run(const struct row *r)
{
	double o[ROUNDS], h[ROUNDS], ratio[ROUNDS];
	int which[3] = { r->r_ours, r->r_host, r->r_host2 }, fd[3] = { -1, -1, -1 };
	double got[3];

	for (int i = 0; i < 3; i++)
		if (which[i] >= 0 && !servers[which[i]].v_ready)
			return;
	udp_size = r->r_udpsize;
	/*
	 * A connection in any case: who floods without ever waiting, at real-time priority, keeps
	 * the thread from running that would take the answer to his question for the address.
	 */
	for (int i = 0; i < 3; i++)
		if (which[i] >= 0)
			fd[i] = dial(&servers[which[i]], r->r_mode != 0 ? r->r_mode : 'R', 0);
	for (int round = -1; round < ROUNDS; round++) {
		for (int i = 0; i < 3; i++)
			if (which[i] >= 0)
				got[i] = r->r_fn(&servers[which[i]], fd[i], r->r_n);
		if (which[2] >= 0)
			got[1] = better(r, got[1], got[2]);
		if (round < 0)
			continue;		/* warm up */
		o[round] = got[0];
		h[round] = got[1];
		ratio[round] = r->r_rate ? got[0] / got[1] : got[1] / got[0];
	}
	for (int i = 0; i < 3; i++)
		if (fd[i] >= 0)
			servers[which[i]].v_stack->s_close(fd[i]);
	bench_print(r->r_name, bench_median(o, ROUNDS), bench_median(h, ROUNDS), r->r_unit,
	    bench_median(ratio, ROUNDS), r->r_target, r->r_stretch);
}

static void
servers_start(const char *veth, const char *tap)
{
	static const struct server table[NSERVERS] = {
		[OURS_0] = { &ours, "10.99.0.1", 0, 0, 0 },
		[OURS_1] = { &ours, "10.99.0.2", 1, 0, 0 },
		[HOST_0] = { &host, "127.0.0.1", 0, 0, 0 },
		[HOST_1] = { &host, "127.0.0.1", 1, 0, 0 },
		[LO_0] = { &ours, "127.0.0.1", 0, 0, 0 },
		[LO_1] = { &ours, "127.0.0.1", 1, 0, 0 },
		[VETH_0] = { &host, "", 0, 0, 0 },
		[VETH] = { &host, "", 1, 0, 0 },
		[TAP] = { &ours, "", 1, 0, 0 },
	};

	servers = mmap(NULL, sizeof(table), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(servers != MAP_FAILED, "memory");
	memcpy(servers, table, sizeof(table));
	for (int i = OURS_0; i <= HOST_1; i++)
		server_process(&servers[i]);
	if (veth != NULL) {
		servers[VETH_0].v_address = servers[VETH].v_address = veth;
		servers[VETH_0].v_ready = servers[VETH].v_ready = 1;
	}
	if (tap != NULL) {
		servers[TAP].v_address = strrchr(tap, ',') + 1;
		servers[TAP].v_ready = 1;
	}
	kernel_start("10.99.0.3", tap);
	server_threads(&servers[LO_0]);
	server_threads(&servers[LO_1]);
	for (int i = OURS_0; i <= LO_1; i++)
		for (int tries = 0; !servers[i].v_ready; tries++) {
			check(tries < 500, "a server does not start");
			usleep(10000);
		}
	bench_pin(0);
}

/* Host servers alone, one on each CPU, for the far end of a veth pair. */
static void
server_alone(const char *address)
{
	static struct server v[2];

	for (int cpu = 0; cpu < 2; cpu++) {
		v[cpu] = (struct server){ &host, address, cpu, 0, 0 };
		server_threads(&v[cpu]);
	}
	for (;;)
		pause();
}

static bool
row_wanted(const struct row *r, char **argv)
{
	if (r->r_plain != plain)
		return false;
	if (*argv == NULL)
		return true;
	for (; *argv != NULL; argv++)
		if (strstr(r->r_name, *argv) != NULL)
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	const char *veth = NULL, *tap = NULL;
	int c, fd;

	while ((c = getopt(argc, argv, "ks:t:v:")) != -1) {
		if (c == 's')
			server_alone(optarg);
		else if (c == 'k')
			plain = true;
		else if (c == 'v')
			veth = optarg;
		else if (c == 't' && strchr(optarg, ',') != NULL)
			tap = optarg;
		else
			return 2;
	}
	fd = mkstemp(bus);
	check(fd >= 0, bus);
	close(fd);
	unlink(bus);
	signal(SIGPIPE, SIG_IGN);
	servers_start(veth, tap);
	bench_heading();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (row_wanted(&rows[i], argv + optind))
			row_run(&rows[i]);
	unlink(bus);
	return bench_missed() > 0 && getenv("BENCH_STRICT") != NULL;
}

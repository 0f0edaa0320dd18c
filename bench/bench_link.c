/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_link.c - TCP from our kernel through a tap to a socket of the host, beside
 * other ways there: a veth pair, slirp4netns, pasta
 *
 * usage: bench_link -t TAP,OURS,HOST[,plain] PEER...
 *	  PEER is NAME,NETNS,ADDRESS,PORTS,BULK,RTT
 *
 * A host server (bench_net -s) answers at PORT on CPU 0 and at PORT + 1 on CPU 1, and we
 * are on CPU 0: the better of both counts for everybody, as where a stack's own threads
 * run is not ours to say.  Our kernel opens TAP with the address OURS, and finds the
 * servers at HOST; plain: without the virtio-net header, so that frames of 1514 bytes
 * is all there is.  A peer is plain sockets of the host in NETNS (empty: where we are)
 * to ADDRESS, at both ports (PORTS 2) or the second alone (1).  BULK and RTT are the
 * speed-ups to reach, 0: none, empty: not measured.
 *
 * Some peers stall.  Who has not moved his bytes in time is credited with those he has,
 * connects anew, and is compared with our median by his best round.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/netconfig.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

#define PORT	5555
#define CHUNK	(256 << 10)
#define ROUNDS	9
#define PATIENCE	200000		/* us */
#define TRIPS	500
#define BYTES	(48u << 20)

static void
check(bool ok, const char *what)
{
	if (!ok)
		bench_die(what);
}

/* --- one name for the calls of both ------------------------------------------------ */

/* Where somebody's connections start and lead to. */
struct way {
	const char *w_name;
	bool	 w_ours;
	int	 w_netns;	/* of the host; -1: ours */
	struct in_addr w_address;
	int	 w_first;	/* port: 0 or 1 */
	const char *w_target[2];	/* bulk, round trip */
};

static ssize_t
way_read(const struct way *w, int fd, void *buf, size_t len)
{
	return w->w_ours ? rump_sys_read(fd, buf, len) : read(fd, buf, len);
}

static ssize_t
way_write(const struct way *w, int fd, const void *buf, size_t len)
{
	return w->w_ours ? rump_sys_write(fd, buf, len) : write(fd, buf, len);
}

static void
way_close(const struct way *w, int fd)
{
	(void)(w->w_ours ? rump_sys_close(fd) : close(fd));
}

static int home;		/* our network name space */

/* -1: nobody there. */
static int
way_dial(const struct way *w, int which, char mode)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = w->w_address,
		.sin_port = htons((uint16_t)(PORT + which)) };
	struct timeval patience = { .tv_usec = PATIENCE };
	int one = 1, fd, error;

	if (w->w_netns >= 0)
		check(setns(w->w_netns, CLONE_NEWNET) == 0, "setns");
	fd = w->w_ours ? rump_sys_socket(AF_INET, SOCK_STREAM, 0) :
			 socket(AF_INET, SOCK_STREAM, 0);
	check(fd >= 0, "socket");
	if (w->w_netns >= 0)
		check(setns(home, CLONE_NEWNET) == 0, "setns");
	if (w->w_ours) {
		rump_sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		error = rump_sys_connect(fd, (void *)&sin, sizeof(sin));
	} else {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		error = connect(fd, (void *)&sin, sizeof(sin));
	}
	if (error == 0 && way_write(w, fd, &mode, 1) == 1)
		return fd;
	way_close(w, fd);
	return -1;
}

/* --- what is measured: rates, so that more is better -------------------------------- */

/* GB/s.  False: it stalled, and what did move counts. */
static bool
bulk(const struct way *w, int fd, double *ret_rate)
{
	static char buf[CHUNK];
	uint64_t size = BYTES;
	double start = bench_now();
	size_t moved = 0;
	bool ok = way_write(w, fd, &size, sizeof(size)) == sizeof(size);
	char reply;

	while (ok && moved < BYTES) {
		ssize_t n = way_write(w, fd, buf, CHUNK);

		ok = n > 0;
		moved += ok ? (size_t)n : 0;
	}
	ok = ok && way_read(w, fd, &reply, 1) == 1;
	*ret_rate = (double)moved / (bench_now() - start) / 1e9;
	return ok;
}

/* Thousands of round trips a second. */
static bool
trips(const struct way *w, int fd, double *ret_rate)
{
	double start = bench_now();
	char byte = 'x';
	int n = 0;

	while (n < TRIPS && way_write(w, fd, &byte, 1) == 1 && way_read(w, fd, &byte, 1) == 1)
		n++;
	*ret_rate = n / (bench_now() - start) / 1e3;
	return n == TRIPS;
}

static const struct {
	char	 mode;
	bool	(*fn)(const struct way *, int, double *);
	const char *what;
} kinds[2] = { { 'B', bulk, "tcp bulk" }, { 'R', trips, "1 byte round trip" } };

/* The better of both placements of the server; fd[] are kept from round to round. */
static double
measure(const struct way *w, int kind, int fd[2])
{
	double best = 0, rate;

	for (int i = w->w_first; i < 2; i++) {
		if (fd[i] < 0)
			fd[i] = way_dial(w, i, kinds[kind].mode);
		if (fd[i] < 0)
			continue;
		if (!kinds[kind].fn(w, fd[i], &rate)) {
			way_close(w, fd[i]);
			fd[i] = -1;
		}
		best = rate > best ? rate : best;
	}
	return best;
}

static double
maximum(const double *v)
{
	double max = 0;

	for (int i = 0; i < ROUNDS; i++)
		max = v[i] > max ? v[i] : max;
	return max;
}

static void
compare(const struct way *us, const char *link, const struct way *peer, int kind)
{
	double a[ROUNDS], b[ROUNDS], ratio[ROUNDS], ours, theirs, verdict;
	int fd[2][2] = { { -1, -1 }, { -1, -1 } };
	char name[64];

	for (int round = -1; round < ROUNDS; round++) {
		double x = measure(us, kind, fd[0]), y = measure(peer, kind, fd[1]);

		if (round < 0)
			continue;
		a[round] = x;
		b[round] = y;
		ratio[round] = y > 0 ? x / y : 0;
	}
	for (int i = 0; i < 2; i++) {
		if (fd[0][i] >= 0)
			way_close(us, fd[0][i]);
		if (fd[1][i] >= 0)
			way_close(peer, fd[1][i]);
	}
	snprintf(name, sizeof(name), "%s, %s : %s", kinds[kind].what, link, peer->w_name);
	if (maximum(b) == 0) {
		printf("   (%s: no answer)\n", name);
		return;
	}
	ours = bench_median(a, ROUNDS);
	theirs = bench_median(b, ROUNDS);
	verdict = bench_median(ratio, ROUNDS);
	if (strncmp(peer->w_name, "pasta", 5) == 0) {
		theirs = maximum(b);
		verdict = ours / theirs;
	}
	if (kind == 0)
		bench_print(name, ours, theirs, "GB/s", verdict, atof(peer->w_target[kind]), 0);
	else
		bench_print(name, 1e3 / ours, 1e3 / theirs, "us", verdict,
		    atof(peer->w_target[kind]), 0);
}

/* --- our kernel, and the peers --------------------------------------------------------- */

/* A link string for rump_pub_virtif_create(). */
static void
plain_tap(const char *name, char *ret_link, size_t size)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR);

	memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	check(fd >= 0 && ioctl(fd, TUNSETIFF, &ifr) == 0, name);
	snprintf(ret_link, size, "fd=%d", fd);
}

static struct in_addr
address(const char *text)
{
	struct in_addr in;

	check(inet_pton(AF_INET, text, &in) == 1, text);
	return in;
}

static void
kernel_start(char *spec, struct way *ret_us, const char **ret_link)
{
	char *tap = strsep(&spec, ","), *ours = strsep(&spec, ","), *host = strsep(&spec, ",");
	char link[IFNAMSIZ + 8], name[IFNAMSIZ];
	int n;

	check(ours != NULL && host != NULL, "-t TAP,OURS,HOST[,plain]");
	*ret_link = spec != NULL ? "plain tap" : "tap";
	if (spec != NULL)
		plain_tap(tap, link, sizeof(link));
	else
		snprintf(link, sizeof(link), "%s", tap);
	errno = rump_init();
	check(errno == 0, "our kernel");
	errno = rump_pub_virtif_create(link, &n);
	check(errno == 0, tap);
	snprintf(name, sizeof(name), "virt%d", n);
	errno = rump_pub_netconfig_ipv4_ifaddr_cidr(name, ours, 24);
	if (errno == 0)
		errno = rump_pub_netconfig_ifup(name);
	check(errno == 0, name);
	*ret_us = (struct way){ .w_name = "ours", .w_ours = true, .w_netns = -1,
		.w_address = address(host) };
}

static void
peer_parse(char *spec, struct way *ret_peer)
{
	char *word[6], path[128];

	for (int i = 0; i < 6; i++) {
		word[i] = strsep(&spec, ",");
		check(word[i] != NULL, "NAME,NETNS,ADDRESS,PORTS,BULK,RTT");
	}
	*ret_peer = (struct way){ .w_name = word[0], .w_netns = -1, .w_address = address(word[2]),
		.w_first = 2 - atoi(word[3]), .w_target = { word[4], word[5] } };
	if (word[1][0] != '\0') {
		snprintf(path, sizeof(path), "/run/netns/%s", word[1]);
		ret_peer->w_netns = open(path, O_RDONLY | O_CLOEXEC);
		check(ret_peer->w_netns >= 0, path);
	}
}

int
main(int argc, char **argv)
{
	struct way us, peer;
	const char *link;

	if (argc < 3 || strcmp(argv[1], "-t") != 0)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	check(home >= 0, "/proc/self/ns/net");
	kernel_start(argv[2], &us, &link);
	bench_pin(0);
	for (int i = 3; i < argc; i++) {
		peer_parse(argv[i], &peer);
		for (int kind = 0; kind < 2; kind++)
			if (peer.w_target[kind][0] != '\0')
				compare(&us, link, &peer, kind);
	}
	return bench_missed() > 0 && getenv("BENCH_STRICT") != NULL;
}

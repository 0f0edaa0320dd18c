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
 */

#include <sys/mman.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_net.h"

#define ROUNDS	15

enum { OURS_0, OURS_1, HOST_0, HOST_1, LO_0, LO_1, VETH_0, VETH, TAP, NSERVERS };

static struct server *servers;		/* shared with the children */

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

static const struct row rows[] = {
	{ "tcp bulk over the bus", "GB/s", OURS_1, HOST_0, HOST_1, 'B', bulk, 256, 0, true, 1.2, 2 },
	{ "tcp bulk, bus : veth, no offload", "GB/s", OURS_1, VETH, VETH_0, 'B', bulk, 128, 0, true,
	    2, 4, true },
	{ "the same on one core", "GB/s", OURS_0, VETH_0, -1, 'B', bulk, 128, 0, true, 0, 0, true },
	{ "tcp bulk over the bus, one core", "GB/s", OURS_0, HOST_0, -1, 'B', bulk, 256, 0, true, 0, 0 },
	{ "tcp bulk over the bus : veth", "GB/s", OURS_1, VETH, VETH_0, 'B', bulk, 256, 0, true, 1.0, 2 },
	{ "tcp bulk in one kernel", "GB/s", LO_1, HOST_0, HOST_1, 'B', bulk, 256, 0, true, 1.5, 3 },
	{ "tcp bulk in one kernel, one core", "GB/s", LO_0, HOST_0, -1, 'B', bulk, 256, 0, true, 3, 5 },
	{ "tcp 1 byte round trip, spinning", "us", OURS_1, HOST_0, HOST_1, 'R', rr, 2000, 0, false,
	    1 / 0.15, 1 / 0.08 },
	{ "tcp 1 byte round trip, one core", "us", OURS_0, HOST_0, -1, 'R', rr, 2000, 0, false,
	    1 / 0.6, 1 / 0.45 },
	{ "tcp 1 byte round trip, one kernel", "us", LO_0, HOST_0, -1, 'R', rr, 2000, 0, false, 0, 0 },
	{ "tcp connect+byte+close, the bus", "us", OURS_1, HOST_0, HOST_1, 0, crr, 300, 0, false, 2, 4 },
	{ "tcp connect+byte+close, one kernel", "us", LO_0, HOST_0, HOST_1, 0, crr, 300, 0, false, 2, 4 },
	{ "tcp bulk through tap : veth", "GB/s", TAP, VETH, VETH_0, 'B', bulk, 128, 0, true, 0.6, 0.9 },
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

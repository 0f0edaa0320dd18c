/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_bus.c - frames on the bus by themselves, from one process to another
 *
 * Small frames beside what else could be an Ethernet between processes: datagrams of a
 * unix socket pair, 32 a call, and, as root, two taps on a bridge of the host.  Then a bus
 * of 200 ports beside one of 2: frames, and, end to end, a byte there and back by TCP between two
 * kernels.
 *
 * The producer is a process on CPU 1, which a word in shared memory tells what to send; we
 * are on CPU 0 and count.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/netconfig.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"
#include "shmbus.h"

#define BURST	32
#define ROUNDS	15
#define SLICE	0.02			/* seconds */
#define MANY	200
#define TRIPS	2000
#define MAC(n)	(0x02ULL | (uint64_t)(n) << 32)

static void
check(bool ok, const char *what)
{
	if (!ok)
		bench_die(what);
}

/* --- a bus and who is on it --------------------------------------------------------- */

struct station {
	struct shmbus	 st_bus;
	struct shmbus_port *st_port;
};

static char path[2][64];		/* the bus of few ports, and the other */

static void
bus_path(int which)
{
	int fd;

	snprintf(path[which], sizeof(path[which]), "/dev/shm/rumpus-bench-bus%d.XXXXXX", which);
	fd = mkstemp(path[which]);
	check(fd >= 0, path[which]);
	close(fd);
}

static void
claim(struct station *st, uint64_t mac)
{
	void *memory = aligned_alloc(64, (shmbus_port_size(&st->st_bus) + 63) / 64 * 64);

	check(memory != NULL, "memory");
	errno = shmbus_claim(&st->st_bus, memory, mac, "bench", (uint32_t)getpid(), &st->st_port);
	check(errno == 0, "a port");
}

static void
join(struct station *st, int which, uint64_t mac)
{
	errno = shmbus_open(&st->st_bus, path[which], true,
	    &(struct shmbus_geometry){ .sg_nports = which == 0 ? 0 : MANY + 8 });
	check(errno == 0, path[which]);
	claim(st, mac);
}

/* --- the four ways ------------------------------------------------------------------- */

enum way { BUS, BUS_MANY, UNIX, BRIDGE, NWAYS, QUIET };

/* Told to the producer, which stays the same: what it has of its port is its own. */
struct order {
	volatile uint32_t o_way;
	volatile uint32_t o_len;
};

static struct order *order;
static uint8_t frame[1514] = "\2\0\0\0\2\0\2\0\0\0\1\0\x88\xb5";	/* MAC(2), MAC(1) */
static struct station tx[2], rx[2];
static int unixfd[2], tapfd[2] = { -1, -1 };
static struct iovec rowiov = { frame, 0 };
static struct mmsghdr row[BURST];

static void
send_bus(struct station *st, size_t len)
{
	const struct shmbus_meta meta = { .sm_len = (uint32_t)len };
	const struct shmbus_iov iov = { frame, len };

	for (int i = 0; i < BURST; i++) {
		if (shmbus_send(st->st_port, &meta, &iov, 1) != 0)
			break;
	}
	shmbus_flush(st->st_port);
}

/*
 * About a microsecond.  Who looks without a break for what is not there takes the ring's
 * line away from the sender at each frame.
 */
static void
a_while(void)
{
	for (double start = bench_now(); bench_now() - start < 1e-6;)
		continue;
}

static unsigned int
recv_bus(struct station *st)
{
	uint8_t copy[1514];
	struct shmbus_rx got;
	unsigned int n = 0;

	if (!shmbus_ready(st->st_port))
		a_while();
	for (; n < BURST && shmbus_peek(st->st_port, &got); n++) {
		memcpy(copy, got.sr_data, got.sr_meta.sm_len);
		__asm__ volatile("" : : "r"(copy) : "memory");
		(void)shmbus_take(st->st_port, &got);
	}
	return n;
}

static void
send_some(enum way way, size_t len)
{
	const struct timespec nap = { .tv_nsec = 100000 };

	if (way == BUS || way == BUS_MANY) {
		send_bus(&tx[way], len);
	} else if (way == UNIX) {
		rowiov.iov_len = len;
		(void)sendmmsg(unixfd[0], row, BURST, MSG_DONTWAIT);
	} else if (way == BRIDGE) {
		(void)!write(tapfd[0], frame, len);
	} else {
		nanosleep(&nap, NULL);
	}
}

static unsigned int
recv_some(enum way way)
{
	uint8_t copy[1514];
	int n;

	if (way == BUS || way == BUS_MANY)
		return recv_bus(&rx[way]);
	if (way == UNIX) {
		n = recvmmsg(unixfd[1], row, BURST, MSG_DONTWAIT, NULL);
		return n < 0 ? 0 : (unsigned int)n;
	}
	/* The bridge has words of its own to say. */
	return read(tapfd[1], copy, sizeof(copy)) == (ssize_t)order->o_len;
}

/* Millions of frames a second. */
static double
rate(enum way way)
{
	unsigned long n = 0;
	double start, now, took;

	order->o_way = way;
	for (start = bench_now(); bench_now() - start < SLICE / 4;)
		(void)recv_some(way);
	start = bench_now();
	do {
		for (int i = 0; i < 8; i++)
			n += recv_some(way);
		now = bench_now();
	} while (now - start < SLICE);
	took = now - start;
	order->o_way = QUIET;
	for (start = now; bench_now() - start < SLICE / 20;)
		(void)recv_some(way);
	return (double)n / took / 1e6;
}

static void
compare(const char *name, enum way ours, enum way host, double target, double stretch)
{
	double a[ROUNDS], b[ROUNDS], ratio[ROUNDS];

	for (int i = -1; i < ROUNDS; i++) {
		double x = rate(ours), y = rate(host);

		if (i < 0)
			continue;
		a[i] = x;
		b[i] = y;
		ratio[i] = x / y;
	}
	bench_print(name, bench_median(a, ROUNDS), bench_median(b, ROUNDS), "Mpps",
	    bench_median(ratio, ROUNDS), target, stretch);
}

/* --- two taps on a bridge, in a name space that goes with us ---------------------------- */

static int
tap(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	memcpy(ifr.ifr_name, name, strlen(name));
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) != 0)
		return -1;
	return fd;
}

static bool
bridge_start(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
		return false;
	tapfd[0] = tap("busa");
	tapfd[1] = tap("busb");
	return tapfd[0] >= 0 && tapfd[1] >= 0 &&
	    system("exec 2>/dev/null; ip link add busbr type bridge mcast_snooping 0 &&"
		   "ip link set busa master busbr up && ip link set busb master busbr up &&"
		   "ip link set busbr up") == 0;
}

static pid_t
child(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

/*
 * Others have ports, too, and look now and then at what is for everybody: who
 * never did would keep the senders' buffers.
 */
static void
crowd(int ready)
{
	static struct station st[MANY];
	const struct timespec nap = { .tv_nsec = 20000000 };

	bench_pin(1);
	join(&st[0], 1, MAC(1000));
	for (int i = 1; i < MANY - 2; i++) {
		st[i].st_bus = st[0].st_bus;
		claim(&st[i], MAC(1000 + i));
	}
	check(write(ready, "x", 1) == 1, "write");
	for (;;) {
		for (int i = 0; i < MANY - 2; i++)
			while (recv_bus(&st[i]) > 0)
				continue;
		nanosleep(&nap, NULL);
	}
}

static void
crowd_start(void)
{
	int fd[2];
	char byte;

	check(pipe(fd) == 0, "pipe");
	if (child() == 0)
		crowd(fd[1]);
	close(fd[1]);
	check(read(fd[0], &byte, 1) == 1, "the others");
	close(fd[0]);
}

/* --- from a socket to a socket ------------------------------------------------------------ */

static void
kernel_start(int which, const char *addr)
{
	char name[IFNAMSIZ];
	int n;

	errno = rump_init();
	check(errno == 0, "our kernel");
	errno = rump_pub_shmif_create(path[which], &n);
	snprintf(name, sizeof(name), "shm%d", n);
	if (errno == 0)
		errno = rump_pub_netconfig_ipv4_ifaddr_cidr(name, addr, 24);
	if (errno == 0)
		errno = rump_pub_netconfig_ifup(name);
	check(errno == 0, name);
}

static struct sockaddr_in
sockname(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(5555),
		.sin_addr.s_addr = htonl(0x0a5d0001) };	/* 10.93.0.1 */
}

static void
echo_server(int which)
{
	struct sockaddr_in sin = sockname();
	int fd, c, one = 1;
	char byte;

	bench_pin(1);
	kernel_start(which, "10.93.0.1");
	fd = rump_sys_socket(AF_INET, SOCK_STREAM, 0);
	check(rump_sys_bind(fd, (void *)&sin, sizeof(sin)) == 0, "bind");
	check(rump_sys_listen(fd, 1) == 0, "listen");
	c = rump_sys_accept(fd, NULL, NULL);
	check(c >= 0, "accept");
	rump_sys_setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while (rump_sys_read(c, &byte, 1) == 1)
		if (rump_sys_write(c, &byte, 1) != 1)
			break;
	_exit(0);
}

/* Measures when it is told to through the pipes. */
static void
echo_client(int which, int in, int out)
{
	struct sockaddr_in sin = sockname();
	int fd = -1, one = 1;
	char byte = 'x';
	double took;

	bench_pin(0);
	kernel_start(which, "10.93.0.2");
	for (int tries = 0; tries < 500; tries++) {
		fd = rump_sys_socket(AF_INET, SOCK_STREAM, 0);
		if (rump_sys_connect(fd, (void *)&sin, sizeof(sin)) == 0)
			break;
		rump_sys_close(fd);
		fd = -1;
		usleep(10000);		/* the server is being started */
	}
	check(fd >= 0, "connect");
	rump_sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while (read(in, &byte, 1) == 1) {
		took = bench_now();
		for (int i = 0; i < TRIPS; i++)
			check(rump_sys_write(fd, &byte, 1) == 1 && rump_sys_read(fd, &byte, 1) == 1,
			    "a byte there and back");
		took = bench_now() - took;
		check(write(out, &took, sizeof(took)) == sizeof(took), "write");
	}
	_exit(0);
}

static int ask[2], answer[2];

static void
kernels_start(int which)
{
	int to[2], from[2];

	check(pipe(to) == 0 && pipe(from) == 0, "pipe");
	if (child() == 0)
		echo_server(which);
	if (child() == 0) {
		close(to[1]);
		echo_client(which, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	ask[which] = to[1];
	answer[which] = from[0];
}

static double
round_trip(int which)
{
	double took;

	check(write(ask[which], "x", 1) == 1, "write");
	check(read(answer[which], &took, sizeof(took)) == sizeof(took), "a kernel");
	return took / TRIPS * 1e6;
}

static void
compare_kernels(void)
{
	double a[ROUNDS], b[ROUNDS], ratio[ROUNDS];

	for (int i = -1; i < ROUNDS; i++) {
		double x = round_trip(1), y = round_trip(0);

		if (i < 0)
			continue;
		a[i] = x;
		b[i] = y;
		ratio[i] = y / x;
	}
	bench_print("tcp round trip, 200 ports : 2", bench_median(a, ROUNDS), bench_median(b, ROUNDS),
	    "us", bench_median(ratio, ROUNDS), 1 / 1.2, 1);
}

/* --- all ------------------------------------------------------------------------------------- */

static void
producer(void)
{
	bench_pin(1);
	for (;;)
		send_some((enum way)order->o_way, order->o_len);
}

int
main(void)
{
	static const uint32_t lens[] = { 60, 1514 };
	bool bridge;
	char name[64];

	order = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(order != MAP_FAILED, "memory");
	order->o_way = QUIET;
	bus_path(0);
	bus_path(1);
	bench_heading();
	crowd_start();
	kernels_start(0);
	kernels_start(1);
	compare_kernels();
	for (int i = 0; i < BURST; i++) {
		row[i].msg_hdr.msg_iov = &rowiov;
		row[i].msg_hdr.msg_iovlen = 1;
	}
	check(socketpair(AF_UNIX, SOCK_DGRAM, 0, unixfd) == 0, "socketpair");
	bridge = bridge_start();
	if (!bridge)
		printf("   (not root: no taps on a bridge)\n");
	for (int i = 0; i < 2; i++) {
		join(&tx[i], i, MAC(1));
		join(&rx[i], i, MAC(2));
	}
	fflush(stdout);
	if (child() == 0)
		producer();
	bench_pin(0);
	for (size_t i = 0; i < 2; i++) {
		order->o_len = lens[i];
		rowiov.iov_len = sizeof(frame);
		snprintf(name, sizeof(name), "frames of %u B, bus : unix", lens[i]);
		compare(name, BUS, UNIX, i == 0 ? 5 : 0, i == 0 ? 12 : 0);
		snprintf(name, sizeof(name), "frames of %u B, bus : bridge", lens[i]);
		if (bridge)
			compare(name, BUS, BRIDGE, i == 0 ? 5 : 0, i == 0 ? 12 : 0);
		snprintf(name, sizeof(name), "frames of %u B, 200 ports : 2", lens[i]);
		compare(name, BUS_MANY, BUS, 1 / 1.2, 1);
	}
	unlink(path[0]);
	unlink(path[1]);
	return bench_missed() > 0 && getenv("BENCH_STRICT") != NULL;
}

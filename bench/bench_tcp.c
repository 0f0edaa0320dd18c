/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_tcp.c - TCP inside one kernel, over its loopback, beside the host's
 *
 * Bulk, a byte there and back, and connect + a byte + close; with both ends on two
 * cores and on one.  Rows D1, D2 and D7 of the plan.
 *
 * usage: bench_tcp [NAME...]
 */

#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

#define CHUNK	65536
#define PORT	5001

/* The calls of one kernel. */
struct side {
	int	(*socket)(int, int, int);
	int	(*bind)(int, const struct sockaddr *, socklen_t);
	int	(*listen)(int, int);
	int	(*connect)(int, const struct sockaddr *, socklen_t);
	int	(*accept)(int);
	int	(*nodelay)(int);
	ssize_t	(*read)(int, void *, size_t);
	ssize_t	(*write)(int, const void *, size_t);
	int	(*close)(int);
};

static int r_socket(int d, int t, int p) { return rump_sys_socket(d, t, p); }
static int r_listen(int fd, int n) { return rump_sys_listen(fd, n); }
static int r_accept(int fd) { return rump_sys_accept4(fd, NULL, NULL, 0); }
static int r_close(int fd) { return rump_sys_close(fd); }
static ssize_t r_read(int fd, void *b, size_t n) { return rump_sys_read(fd, b, n); }
static ssize_t r_write(int fd, const void *b, size_t n) { return rump_sys_write(fd, b, n); }

static int
r_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	return rump_sys_bind(fd, (void *)(uintptr_t)sa, (int)len);
}

static int
r_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	return rump_sys_connect(fd, (void *)(uintptr_t)sa, (int)len);
}

static int
r_nodelay(int fd)
{
	int one = 1;

	return rump_sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, (void *)&one, sizeof(one));
}

static int h_accept(int fd) { return accept(fd, NULL, NULL); }

static int
h_nodelay(int fd)
{
	int one = 1;

	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static const struct side ours = {
	r_socket, r_bind, r_listen, r_connect, r_accept, r_nodelay, r_read, r_write, r_close,
};
static const struct side host = {
	socket, bind, listen, connect, h_accept, h_nodelay, read, write, close,
};

/* --- a connection and the thread at its far end -------------------------------------- */

struct pair {
	const struct side *p_side;
	int		 p_cpu[2];	/* of the caller, of the other thread */
	int		 p_lfd, p_fd[2];
	pthread_t	 p_thread;
	unsigned long	 p_n;		/* a: work for the other thread; 0: none */
	bool		 p_threaded;
	void		(*p_work)(struct pair *, unsigned long);
};

static void
need(bool ok, const char *what)
{
	if (!ok)
		bench_die(what);
}

static void *
far_end(void *arg)
{
	struct pair *p = arg;
	unsigned long n;
	char c;

	bench_pin(p->p_cpu[1]);
	/* A byte tells that there is work, and how much is in p_n. */
	while (p->p_side->read(p->p_fd[1], &c, 1) == 1) {
		n = __atomic_load_n(&p->p_n, __ATOMIC_ACQUIRE);
		if (n == 0)
			break;
		p->p_work(p, n);
	}
	return NULL;
}

static void
pair_listen(struct pair *p)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(0),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static int port = PORT;
	int i;

	p->p_lfd = p->p_side->socket(AF_INET, SOCK_STREAM, 0);
	need(p->p_lfd >= 0, "socket");
	for (i = 0; i < 100; i++) {
		sin.sin_port = htons((uint16_t)port++);
		if (p->p_side->bind(p->p_lfd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
			break;
	}
	need(i < 100, "bind");
	need(p->p_side->listen(p->p_lfd, 128) == 0, "listen");
	p->p_fd[0] = p->p_side->socket(AF_INET, SOCK_STREAM, 0);
	need(p->p_side->connect(p->p_fd[0], (struct sockaddr *)&sin, sizeof(sin)) == 0,
	    "connect");
	p->p_fd[1] = p->p_side->accept(p->p_lfd);
	need(p->p_fd[1] >= 0, "accept");
	p->p_side->nodelay(p->p_fd[0]);
	p->p_side->nodelay(p->p_fd[1]);
}

static void
pair_begin(struct pair *p)
{
	pair_listen(p);
	p->p_threaded = p->p_work != NULL;
	if (!p->p_threaded)
		return;
	need(pthread_create(&p->p_thread, NULL, far_end, p) == 0, "thread");
}

static void
pair_end(struct pair *p)
{
	if (p->p_threaded) {
		__atomic_store_n(&p->p_n, 0, __ATOMIC_RELEASE);
		p->p_side->write(p->p_fd[0], "", 1);
		pthread_join(p->p_thread, NULL);
	}
	p->p_side->close(p->p_fd[0]);
	p->p_side->close(p->p_fd[1]);
	p->p_side->close(p->p_lfd);
}

static void
pair_start(struct pair *p, unsigned long n)
{
	bench_pin(p->p_cpu[0]);
	__atomic_store_n(&p->p_n, n, __ATOMIC_RELEASE);
	need(p->p_side->write(p->p_fd[0], "", 1) == 1, "write");
}

/* --- bulk ----------------------------------------------------------------------------- */

static void
bulk_far(struct pair *p, unsigned long n)
{
	static char buf[4 * CHUNK];
	size_t left = n * CHUNK;

	while (left > 0) {
		ssize_t got = p->p_side->read(p->p_fd[1], buf,
		    left < sizeof(buf) ? left : sizeof(buf));

		need(got > 0, "read");
		left -= (size_t)got;
	}
	need(p->p_side->write(p->p_fd[1], "", 1) == 1, "write");
}

static void
bulk(void *arg, unsigned long n)
{
	static char buf[CHUNK];
	struct pair *p = arg;
	char c;

	pair_start(p, n);
	for (unsigned long i = 0; i < n; i++) {
		for (size_t off = 0; off < CHUNK;) {
			ssize_t put = p->p_side->write(p->p_fd[0], buf + off, CHUNK - off);

			need(put > 0, "write");
			off += (size_t)put;
		}
	}
	need(p->p_side->read(p->p_fd[0], &c, 1) == 1, "read");
}

/* --- a byte there and back ---------------------------------------------------------------- */

static void
rr_far(struct pair *p, unsigned long n)
{
	char c;

	while (n-- > 0) {
		need(p->p_side->read(p->p_fd[1], &c, 1) == 1, "read");
		need(p->p_side->write(p->p_fd[1], &c, 1) == 1, "write");
	}
}

static void
rr(void *arg, unsigned long n)
{
	struct pair *p = arg;
	char c = 'x';

	pair_start(p, n);
	while (n-- > 0) {
		need(p->p_side->write(p->p_fd[0], &c, 1) == 1, "write");
		need(p->p_side->read(p->p_fd[0], &c, 1) == 1, "read");
	}
}

/* --- connect, a byte, close ------------------------------------------------------------------ */

static void
crr_far(struct pair *p, unsigned long n)
{
	char c;

	while (n-- > 0) {
		int fd = p->p_side->accept(p->p_lfd);

		need(fd >= 0, "accept");
		need(p->p_side->read(fd, &c, 1) == 1, "read");
		need(p->p_side->write(fd, &c, 1) == 1, "write");
		p->p_side->close(fd);
	}
}

static void
crr(void *arg, unsigned long n)
{
	struct pair *p = arg;
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	char c = 'x';

	if (p->p_side == &host)
		getsockname(p->p_lfd, (struct sockaddr *)&sin, &len);
	else
		rump_sys_getsockname(p->p_lfd, (struct sockaddr *)&sin, &len);
	pair_start(p, n);
	while (n-- > 0) {
		int fd = p->p_side->socket(AF_INET, SOCK_STREAM, 0);

		need(fd >= 0, "socket");
		need(p->p_side->connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0,
		    "connect");
		need(p->p_side->write(fd, &c, 1) == 1, "write");
		need(p->p_side->read(fd, &c, 1) == 1, "read");
		need(p->p_side->read(fd, &c, 1) == 0, "end");
		p->p_side->close(fd);
	}
}

/* --- the same on one thread: what the calls and the stack cost, without any waiting ----------- */

static void
solo_bulk(void *arg, unsigned long n)
{
	static _Thread_local char buf[CHUNK];
	struct pair *p = arg;

	bench_pin(p->p_cpu[0]);
	while (n-- > 0) {
		for (size_t put = 0, got = 0; got < CHUNK;) {
			ssize_t k;

			if (put < CHUNK && put - got < CHUNK / 2) {
				k = p->p_side->write(p->p_fd[0], buf, CHUNK / 2);
				need(k > 0, "write");
				put += (size_t)k;
			}
			k = p->p_side->read(p->p_fd[1], buf, CHUNK);
			need(k > 0, "read");
			got += (size_t)k;
		}
	}
}

static void
solo_rr(void *arg, unsigned long n)
{
	struct pair *p = arg;
	char c = 'x';

	bench_pin(p->p_cpu[0]);
	while (n-- > 0) {
		need(p->p_side->write(p->p_fd[0], &c, 1) == 1, "write");
		need(p->p_side->read(p->p_fd[1], &c, 1) == 1, "read");
		need(p->p_side->write(p->p_fd[1], &c, 1) == 1, "write");
		need(p->p_side->read(p->p_fd[0], &c, 1) == 1, "read");
	}
}

static void
solo_crr(void *arg, unsigned long n)
{
	struct pair *p = arg;
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	char c = 'x';

	bench_pin(p->p_cpu[0]);
	if (p->p_side == &host)
		getsockname(p->p_lfd, (struct sockaddr *)&sin, &len);
	else
		rump_sys_getsockname(p->p_lfd, (struct sockaddr *)&sin, &len);
	while (n-- > 0) {
		int a = p->p_side->socket(AF_INET, SOCK_STREAM, 0), b;

		need(a >= 0, "socket");
		need(p->p_side->connect(a, (struct sockaddr *)&sin, sizeof(sin)) == 0, "connect");
		b = p->p_side->accept(p->p_lfd);
		need(b >= 0, "accept");
		need(p->p_side->write(a, &c, 1) == 1, "write");
		need(p->p_side->read(b, &c, 1) == 1, "read");
		p->p_side->close(b);
		need(p->p_side->read(a, &c, 1) == 0, "end");
		p->p_side->close(a);
	}
}

/* --- all ---------------------------------------------------------------------------------------- */

static const struct {
	const char	*name;
	bench_fn	*fn;
	void		(*far)(struct pair *, unsigned long);
	double		 perop;
	int		 far_cpu;
	double		 target, stretch;
} cases[] = {
	{ "tcp-bulk-2core", bulk, bulk_far, CHUNK, 1, 1.5, 3 },
	{ "tcp-bulk-1core", bulk, bulk_far, CHUNK, 0, 3, 5 },
	{ "tcp-rr-2core", rr, rr_far, 1, 1, 0, 0 },
	{ "tcp-rr-1core", rr, rr_far, 1, 0, 0, 0 },
	{ "tcp-crr-2core", crr, crr_far, 1, 1, 2, 4 },
	{ "tcp-crr-1core", crr, crr_far, 1, 0, 2, 4 },
	{ "tcp-bulk-1thread", solo_bulk, NULL, CHUNK, 0, 1.5, 3 },
	{ "tcp-rr-1thread", solo_rr, NULL, 1, 0, 2, 4 },
	{ "tcp-crr-1thread", solo_crr, NULL, 1, 0, 2, 4 },
};

/* --- two threads on two connections, beside one on one ---------------------------------------- */

struct load {
	struct pair	*l_pair;
	bench_fn	*l_fn;
	unsigned long	 l_n;
};

static void *
load_run(void *arg)
{
	struct load *l = arg;

	l->l_fn(l->l_pair, l->l_n);
	return NULL;
}

/* Operations a second of all threads together. */
static double
load_rate(struct pair *pairs, int nthreads, bench_fn *fn, unsigned long n)
{
	struct load load[2];
	pthread_t thread[2];
	double start = bench_now();

	for (int i = 0; i < nthreads; i++) {
		load[i] = (struct load){ &pairs[i], fn, n };
		need(pthread_create(&thread[i], NULL, load_run, &load[i]) == 0, "thread");
	}
	for (int i = 0; i < nthreads; i++)
		pthread_join(thread[i], NULL);
	return (double)(n * (unsigned long)nthreads) / (bench_now() - start);
}

static void
scale(const char *what, const struct side *side, bench_fn *fn, unsigned long n, double target)
{
	struct pair pairs[2] = { { .p_side = side, .p_cpu = { 0, 0 } },
		{ .p_side = side, .p_cpu = { 1, 1 } } };
	double one[BENCH_ROUNDS], two[BENCH_ROUNDS], ratio[BENCH_ROUNDS];
	char name[64];

	pair_begin(&pairs[0]);
	pair_begin(&pairs[1]);
	for (int i = -1; i < BENCH_ROUNDS; i++) {
		double a = load_rate(pairs, 2, fn, n), b = load_rate(pairs, 1, fn, n);

		if (i < 0)
			continue;
		two[i] = a;
		one[i] = b;
		ratio[i] = a / b;
	}
	pair_end(&pairs[0]);
	pair_end(&pairs[1]);
	snprintf(name, sizeof(name), "%s, 2 threads : 1, %s", what, side == &ours ? "ours" : "host");
	bench_print(name, bench_median(two, BENCH_ROUNDS), bench_median(one, BENCH_ROUNDS), "1/s",
	    bench_median(ratio, BENCH_ROUNDS), target, 0);
}

static bool
wanted(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++) {
		if (strstr(name, argv[i]) != NULL)
			return true;
	}
	return argc < 2;
}

int
main(int argc, char **argv)
{
	need(rump_init() == 0, "rump_init");
	bench_heading();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair o = { .p_side = &ours, .p_cpu = { 0, cases[i].far_cpu },
			.p_work = cases[i].far };
		struct pair h = { .p_side = &host, .p_cpu = { 0, cases[i].far_cpu },
			.p_work = cases[i].far };
		struct bench b = { .b_name = cases[i].name, .b_ours = cases[i].fn,
			.b_host = cases[i].fn, .b_ours_arg = &o, .b_host_arg = &h,
			.b_perop = cases[i].perop, .b_target = cases[i].target,
			.b_stretch = cases[i].stretch };

		if (!wanted(argc, argv, cases[i].name))
			continue;
		pair_begin(&o);
		pair_begin(&h);
		bench_run(&b);
		pair_end(&o);
		pair_end(&h);
	}
	if (wanted(argc, argv, "threads")) {
		bench_pin(-1);
		scale("tcp bulk", &ours, solo_bulk, 200, 1.7);
		scale("tcp bulk", &host, solo_bulk, 200, 0);
		scale("tcp trips", &ours, solo_rr, 3000, 1.7);
		scale("tcp trips", &host, solo_rr, 3000, 0);
	}
	return bench_missed() > 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_sysproxy.c - calls of a remote client beside what its transport costs
 *
 * The client library is in this program; the kernel is in a process that is
 * started from the program's other half, given as the argument.  Each figure
 * has the host's own price of the same hand-over: two threads that spin on a cache line,
 * a futex(2) on one processor, process_vm_readv(2).  And data that changes processors has the price
 * of the bare exchange: one copies into shared memory, the other one out of it.
 */

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "bench.h"

#define BLOCK	65536

static char data[BLOCK];

/* --- a server, and a peer of the host's ------------------------------------------- */

static pid_t
server_start(const char *program, const char *url, int cpu)
{
	char ready[6];
	int in[2], out[2];
	pid_t pid;

	if (pipe(in) == -1 || pipe(out) == -1)
		bench_die("pipe");
	bench_pin(cpu);
	pid = fork();
	if (pid == -1)
		bench_die("fork");
	if (pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[1]);
		execl(program, "sp_server", url, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	if (read(out[0], ready, sizeof(ready)) != sizeof(ready))
		bench_die("the server");
	close(out[0]);
	return pid;
}

static void
server_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

struct peer {
	uint32_t	*p_word;	/* shared: whose turn */
	char		*p_area[2];	/* shared: what is handed over, in turns */
	size_t		 p_len;		/* so much of it */
	pid_t		 p_pid;
	bool		 p_spin;
	unsigned int	 p_half;
};

static void
futex(uint32_t *word, int op, uint32_t value)
{
	(void)syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

#define SPIN	2000		/* looks; then it sleeps, to be out of our way */
#define ASLEEP(side)	(16 + 16 * (side))	/* its word that says so */

static void
turn_await(const struct peer *p, uint32_t mine)
{
	unsigned int spin = p->p_spin ? SPIN : 0;
	uint32_t now;

	while ((now = __atomic_load_n(p->p_word, __ATOMIC_ACQUIRE)) != mine) {
		if (spin > 0) {
			__builtin_ia32_pause();
			spin--;
			continue;
		}
		__atomic_store_n(&p->p_word[ASLEEP(mine)], 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(p->p_word, __ATOMIC_SEQ_CST) == now)
			futex(p->p_word, FUTEX_WAIT, now);
		__atomic_store_n(&p->p_word[ASLEEP(mine)], 0, __ATOMIC_RELAXED);
	}
}

static void
turn_pass(const struct peer *p, uint32_t whose)
{
	if (!p->p_spin) {
		__atomic_store_n(p->p_word, whose, __ATOMIC_RELEASE);
		futex(p->p_word, FUTEX_WAKE, 1);
		return;
	}
	/* In order with the look: who is about to sleep looks after he has said so. */
	__atomic_store_n(p->p_word, whose, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&p->p_word[ASLEEP(whose)], __ATOMIC_SEQ_CST))
		futex(p->p_word, FUTEX_WAKE, 1);
}

/* The reader shall drop its copies while it reads the other ones. */
static void
lines_own(char *p, size_t len)
{
	for (size_t at = 0; at < len; at += 64)
		__asm__ volatile("prefetchw %0" : : "m"(p[at]));
}

static void
peer_serve(struct peer *p)
{
	for (;;) {
		turn_await(p, 1);
		memcpy(p->p_area[p->p_half], data, p->p_len);
		turn_pass(p, 0);
		p->p_half ^= 1;
		lines_own(p->p_area[p->p_half], p->p_len);
	}
}

/* Another process that gives the turn back at once, with the data if there shall be some. */
static void
peer_start(struct peer *p, bool spin, int cpu)
{
	char *shared = mmap(NULL, 4096 + 2 * BLOCK, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		bench_die("mmap");
	p->p_spin = spin;
	p->p_word = (uint32_t *)(void *)shared;
	p->p_area[0] = shared + 4096;
	p->p_area[1] = shared + 4096 + BLOCK;
	p->p_half = 0;
	p->p_pid = fork();
	if (p->p_pid == 0) {
		bench_pin(cpu);
		peer_serve(p);
	}
}

/* What it gave is taken: the least that a read of so much can cost. */
static void
peer_read(void *arg, unsigned long n)
{
	struct peer *p = arg;

	while (n-- > 0) {
		turn_pass(p, 1);
		turn_await(p, 0);
		memcpy(data, p->p_area[p->p_half], p->p_len);
		p->p_half ^= 1;
	}
}

static void
peer_rtt(void *arg, unsigned long n)
{
	const struct peer *p = arg;

	while (n-- > 0) {
		turn_pass(p, 1);
		turn_await(p, 0);
	}
}

/* --- calls ------------------------------------------------------------------------- */

static void
call_null(void *arg, unsigned long n)
{
	while (n-- > 0)
		(void)rump_sys_getpid();
}

static void
call_stat(void *arg, unsigned long n)
{
	struct stat st;

	while (n-- > 0) {
		if (rump_sys_stat("/file", &st) != 0)
			bench_die("stat");
	}
}

static void
call_open(void *arg, unsigned long n)
{
	while (n-- > 0)
		(void)rump_sys_open("/none", O_RDONLY);
}

struct transfer {
	int	 t_fd;
	size_t	 t_len;
};

static void
call_read(void *arg, unsigned long n)
{
	const struct transfer *t = arg;

	while (n-- > 0) {
		if (rump_sys_pread(t->t_fd, data, t->t_len, 0) != (ssize_t)t->t_len)
			bench_die("pread");
	}
}

static void
call_write(void *arg, unsigned long n)
{
	const struct transfer *t = arg;

	while (n-- > 0) {
		if (rump_sys_pwrite(t->t_fd, data, t->t_len, 0) !=
		    (ssize_t)t->t_len)
			bench_die("pwrite");
	}
}

static void
host_vmread(void *arg, unsigned long n)
{
	const struct peer *p = arg;
	struct iovec local = { data, BLOCK }, remote = { data, BLOCK };

	while (n-- > 0) {
		if (process_vm_readv(p->p_pid, &local, 1, &remote, 1, 0) != BLOCK)
			bench_die("process_vm_readv");
	}
}

/* --- figures ------------------------------------------------------------------------ */

static double
cpu_seconds(pid_t pid)
{
	unsigned long user, sys;
	char path[64], line[512], *rest;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		bench_die(path);
	fclose(f);
	rest = strrchr(line, ')');
	if (rest == NULL || sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u "
	    "%*u %*u %lu %lu", &user, &sys) != 2)
		bench_die(path);
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

static long
private_kib(pid_t pid)
{
	char path[64], line[256];
	long kib, sum = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		bench_die(path);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "Private_Dirty: %ld", &kib) == 1 ||
		    sscanf(line, "Private_Clean: %ld", &kib) == 1)
			sum += kib;
	}
	fclose(f);
	return sum;
}

static void
idle_figures(pid_t server)
{
	struct timespec second = { .tv_sec = 2 };
	double before, self;

	printf("%-34s %9ld KiB\n", "idle.server_private", private_kib(server));
	before = cpu_seconds(server);
	self = cpu_seconds(getpid());
	nanosleep(&second, NULL);
	bench_limit("idle.cpu_of_both", (cpu_seconds(server) - before +
	    cpu_seconds(getpid()) - self) / 2, 0.001, "s/s");
}

/* No target: what the processors' caches leave of it. */
static void
against_bare(const char *name, struct transfer *t, double perop)
{
	struct peer bare = { .p_len = t->t_len };

	peer_start(&bare, true, 1);
	bench_run(&(struct bench){ name, call_read, peer_read, t, &bare, perop, 0, 0 });
	kill(bare.p_pid, SIGKILL);
	(void)waitpid(bare.p_pid, NULL, 0);
}

static void
both_spin(const char *program)
{
	struct transfer small = { .t_len = 4096 }, large = { .t_len = BLOCK };
	struct peer spin = { .p_len = 0 }, asleep = { .p_len = 0 };
	pid_t server;

	server = server_start(program, "unix://@rump-bench-spin", 1);
	bench_pin(0);
	if (rumpclient_connect("unix://@rump-bench-spin") != 0)
		bench_die("connect");
	small.t_fd = large.t_fd = rump_sys_open("/file", O_RDWR | O_CREAT, 0644);
	if (rump_sys_pwrite(large.t_fd, data, BLOCK, 0) != BLOCK)
		bench_die("pwrite");
	peer_start(&spin, true, 1);
	bench_run(&(struct bench){ "spin.null", call_null, peer_rtt, NULL, &spin,
	    1, 1 / 3.0, 1 / 2.0 });
	kill(spin.p_pid, SIGKILL);
	(void)waitpid(spin.p_pid, NULL, 0);
	bench_run(&(struct bench){ "spin.stat / null", call_stat, call_null, NULL,
	    NULL, 1, 1 / 1.3, 1 / 1.1 });
	bench_run(&(struct bench){ "spin.open absent / null", call_open, call_null,
	    NULL, NULL, 1, 1 / 1.3, 1 / 1.1 });
	bench_run(&(struct bench){ "spin.pread 4 KiB / null", call_read, call_null,
	    &small, NULL, 1, 1 / 1.3, 1 / 1.1 });
	bench_run(&(struct bench){ "spin.pwrite 4 KiB / null", call_write,
	    call_null, &small, NULL, 1, 1 / 1.3, 1 / 1.1 });
	against_bare("spin.pread 4 KiB / bare exchange", &small, 1);
	against_bare("spin.pread 64 KiB / bare exchange", &large, BLOCK);
	peer_start(&asleep, false, 1);
	bench_run(&(struct bench){ "spin.pread 64 KiB / vmread", call_read,
	    host_vmread, &large, &asleep, BLOCK, 1 / 1.5, 1 });
	bench_run(&(struct bench){ "spin.pwrite 64 KiB / vmread", call_write,
	    host_vmread, &large, &asleep, BLOCK, 1 / 1.5, 1 });
	kill(asleep.p_pid, SIGKILL);
	(void)waitpid(asleep.p_pid, NULL, 0);
	idle_figures(server);
	server_stop(server);
}

/* On one processor nobody spins, and the switch between the two is the cost. */
static void
both_sleep(const char *program)
{
	struct transfer small = { .t_len = 4096 };
	struct peer asleep = { .p_len = 0 };
	pid_t server;

	server = server_start(program, "unix://@rump-bench-sleep", 0);
	if (rumpclient_connect("unix://@rump-bench-sleep") != 0)
		bench_die("connect");
	small.t_fd = rump_sys_open("/file", O_RDWR | O_CREAT, 0644);
	if (rump_sys_pwrite(small.t_fd, data, 4096, 0) != 4096)
		bench_die("pwrite");
	peer_start(&asleep, false, 0);
	bench_run(&(struct bench){ "sleep.null", call_null, peer_rtt, NULL, &asleep,
	    1, 1 / 1.3, 1 / 1.1 });
	bench_run(&(struct bench){ "sleep.stat / null", call_stat, call_null, NULL,
	    NULL, 1, 1 / 1.3, 1 / 1.1 });
	bench_run(&(struct bench){ "sleep.pread 4 KiB / null", call_read, call_null,
	    &small, NULL, 1, 1 / 1.3, 1 / 1.1 });
	bench_run(&(struct bench){ "sleep.pwrite 4 KiB / null", call_write,
	    call_null, &small, NULL, 1, 1 / 1.3, 1 / 1.1 });
	kill(asleep.p_pid, SIGKILL);
	(void)waitpid(asleep.p_pid, NULL, 0);
	server_stop(server);
}

int
main(int argc, char **argv)
{
	const char *program = argc > 1 ? argv[1] : BENCH_SERVER;

	bench_heading();
	fflush(stdout);
	/* A client has one session: each part is a process. */
	if (fork() == 0) {
		both_spin(program);
		exit(bench_missed() > 0);
	}
	(void)wait(NULL);
	bench_pin(0);
	both_sleep(program);
	return 0;
}

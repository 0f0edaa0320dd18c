/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_hijack.c - what being hijacked costs
 *
 *	bench_hijack RUMPUS
 *
 * Two children do the same calls on request, batch by batch in turns: one as it is and one hijacked.
 * The ratio is a speed, as everywhere: 0.95 is 5 % slower.
 *
 *	C1	a call whose descriptor is the host's, through libc
 *	C2	a call on a descriptor of a kernel inside; its peer calls that kernel directly
 *	C4	a system call instruction of the program itself, rewritten; part of a null call
 *	C3	the same, trapped
 *	C6	a call of libc while the trap engine is armed
 *	start	a program that does nothing, by itself and under "rumpus run"
 */

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

#define BATCH		20000
#define ROUNDS		41
#define INSIDE		"/rump/tmp/bench"	/* as a hijacked child knows it */

static const char *rumpus;

/* --- the work, in the children ----------------------------------------------------------- */

static int host_fd, kernel_fd;
static char buf[64];

static void
work_pread(long n)
{
	while (n-- > 0)
		if (pread(host_fd, buf, 1, 0) != 1)
			bench_die("pread");
}

static void
work_fstat(long n)
{
	struct stat st;

	while (n-- > 0)
		if (fstat(host_fd, &st) != 0)
			bench_die("fstat");
}

static void
work_stat(long n)
{
	struct stat st;

	while (n-- > 0)
		if (stat("/usr", &st) != 0)
			bench_die("stat");
}

static void
work_open(long n)
{
	while (n-- > 0)
		close(open("/usr", O_RDONLY));
}

/*
 * The number comes in a register, so that it is not known to be the host's: neither to who
 * rewrites nor to a compiler that would make a copy for the one number.
 */
long	bench_own_syscall(long nr);
long
bench_own_syscall(long nr)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr) : "rcx", "r11", "memory");
	return ret;
}

static void
work_null(long n)
{
	volatile long nr = SYS_getppid;

	while (n-- > 0)
		(void)bench_own_syscall(nr);
}

/* Nothing describes where this begins, so it is never rewritten. */
long	bench_hidden_syscall(long nr);
__asm__(".text\n.globl bench_hidden_syscall\nbench_hidden_syscall:\n"
    "	movq %rdi, %rax\n	syscall\n	ret\n");

static void
work_hidden(long n)
{
	while (n-- > 0)
		(void)bench_hidden_syscall(SYS_getppid);
}

static void
work_libc(long n)
{
	while (n-- > 0)
		(void)getppid();
}

static void
work_kernel(long n)
{
	while (n-- > 0)
		if (pread(kernel_fd, buf, 1, 0) != 1)
			bench_die("pread of the kernel");
}

static void
work_kernel_direct(long n)
{
	while (n-- > 0)
		if (rump_sys_pread(kernel_fd, buf, 1, 0) != 1)
			bench_die("rump_sys_pread");
}

static void (*const works[])(long) = {
	work_pread, work_fstat, work_stat, work_open, work_null, work_kernel, work_kernel_direct,
	work_hidden, work_libc,
};

/* A batch for each byte on standard input; its seconds to standard output. */
static int
child(const char *how)
{
	unsigned char which;
	double t;

	bench_pin(0);
	host_fd = open("/dev/zero", O_RDONLY);
	if (strcmp(how, "plain") != 0) {
		kernel_fd = open(INSIDE, O_RDWR | O_CREAT, 0600);
		if (kernel_fd == -1 || write(kernel_fd, "x", 1) != 1)
			bench_die(INSIDE);
	} else {
		if (rump_init() != 0)
			bench_die("rump_init");
		kernel_fd = rump_sys_open("/tmp/bench", O_RDWR | O_CREAT, 0600);
		if (kernel_fd == -1 || rump_sys_write(kernel_fd, "x", 1) != 1)
			bench_die("a file");
	}
	while (read(STDIN_FILENO, &which, 1) == 1) {
		t = bench_now();
		works[which](BATCH);
		t = bench_now() - t;
		if (write(STDOUT_FILENO, &t, sizeof(t)) != sizeof(t))
			return 1;
	}
	return 0;
}

/* --- asking them --------------------------------------------------------------------------- */

struct peer {
	pid_t		 p_pid;
	int		 p_to, p_from;
};

static void
peer_start(struct peer *p, const char *how)
{
	int to[2], from[2];
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len < 0 || pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0)
		bench_die("pipe");
	self[len] = '\0';
	p->p_pid = fork();
	if (p->p_pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		if (strcmp(how, "plain") == 0)
			execl(self, self, "-c", how, NULL);
		else
			execl(rumpus, rumpus, "run", "--path", "/rump", "--engine",
			    strcmp(how, "trapped") == 0 ? "trap" : "preload", "--", self, "-c", how, NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	p->p_to = to[1];
	p->p_from = from[0];
}

static double
peer_run(const struct peer *p, unsigned char which)
{
	double t;

	if (write(p->p_to, &which, 1) != 1 || read(p->p_from, &t, sizeof(t)) != sizeof(t))
		bench_die("a child ended");
	return t / BATCH;
}

static void
peer_end(const struct peer *p)
{
	close(p->p_to);
	close(p->p_from);
	(void)waitpid(p->p_pid, NULL, 0);
}

/* Medians of both, and of the ratios. */
static void
compare(const struct peer *ours, unsigned char our_work, const struct peer *host,
    unsigned char host_work, double *ret_ours, double *ret_host, double *ret_ratio)
{
	double a[ROUNDS], b[ROUNDS], r[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		b[i] = peer_run(host, host_work);
		a[i] = peer_run(ours, our_work);
		r[i] = b[i] / a[i];
	}
	*ret_ours = bench_median(a, ROUNDS);
	*ret_host = bench_median(b, ROUNDS);
	*ret_ratio = bench_median(r, ROUNDS);
}

static void
row(const char *name, const struct peer *ours, unsigned char our_work, const struct peer *host,
    unsigned char host_work, double target, double stretch)
{
	double a, b, r;

	compare(ours, our_work, host, host_work, &a, &b, &r);
	bench_print(name, a * 1e9, b * 1e9, "ns", r, target, stretch);
}

/* What a call more costs, as a part of a null call. */
static void
row_more(const char *name, const struct peer *ours, const struct peer *host, unsigned char work,
    double limit)
{
	double a, b, r;

	compare(ours, work, host, work, &a, &b, &r);
	bench_limit(name, 1 / r - 1, limit, "of it");
}

/* --- starting ----------------------------------------------------------------------------------- */

static double
spawn(bool hijacked)
{
	double t = bench_now();
	pid_t pid = vfork();
	int status;

	if (pid == 0) {
		if (hijacked)
			execl(rumpus, rumpus, "run", "--path", "/rump", "--", "/bin/true", NULL);
		else
			execl("/bin/true", "true", NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		bench_die("true");
	return bench_now() - t;
}

static void
starting(void)
{
	double more[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++)
		more[i] = spawn(true) - spawn(false);
	bench_limit("starting a program under rumpus run, more", bench_median(more, ROUNDS) * 1e3, 10, "ms");
}

int
main(int argc, char **argv)
{
	struct peer plain, hijacked, trapped;
	double a, b, r;

	if (argc == 3 && strcmp(argv[1], "-c") == 0)
		return child(argv[2]);
	if (argc != 2) {
		fprintf(stderr, "usage: bench_hijack RUMPUS\n");
		return 2;
	}
	rumpus = argv[1];
	peer_start(&plain, "plain");
	peer_start(&hijacked, "hijacked");
	bench_heading();
	row("C1 pread of a host file", &hijacked, 0, &plain, 0, 1 / 1.05, 1 / 1.02);
	row("C1 fstat of a host file", &hijacked, 1, &plain, 1, 1 / 1.05, 1 / 1.02);
	row("   stat of a host file", &hijacked, 2, &plain, 2, 1 / 1.05, 0);
	row("   open and close of a host directory", &hijacked, 3, &plain, 3, 1 / 1.05, 0);
	row("C2 pread of the kernel's file, a kernel inside", &hijacked, 5, &plain, 6, 1 / 1.08, 1 / 1.03);
	row_more("C4 a rewritten instruction, more than the host's", &hijacked, &plain, 4, 0.35);
	peer_end(&hijacked);
	peer_start(&trapped, "trapped");
	compare(&trapped, 7, &plain, 7, &a, &b, &r);
	bench_limit("C3 an instruction that traps", a * 1e9, 2000, "ns");
	row("C6 getppid of libc, the trap armed", &trapped, 8, &plain, 8, 1 / 1.05, 0);
	peer_end(&trapped);
	peer_end(&plain);
	starting();
	return bench_missed() > 0;
}

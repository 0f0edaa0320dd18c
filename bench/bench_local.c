/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_local.c - the kernel inside the process, beside the host's: null
 * call, cached files in memory, names, creating and removing, boot
 *
 * usage: bench_local HOSTDIR, a directory on a tmpfs of the host
 */

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

#define FILES	10000

/*
 * Both sides of a file benchmark: the calls are the same but for the prefix.
 * The host's are made by syscall(2) and libc as a program would make them.
 */
struct side {
	bool		 s_ours;
	int		 s_fd;
	char		 s_one[256];	/* a file of 4 KiB */
	char		 s_deep[256];	/* a path of five parts */
	char		 s_dir[256];	/* for creating */
};

static struct side ours = { .s_ours = true }, host;
static char page[4096];

/* --- the null call ----------------------------------------------------------- */

static void
null_ours(void *arg, unsigned long n)
{
	(void)arg;
	while (n-- > 0)
		(void)rump_sys_getppid();
}

static void
null_host(void *arg, unsigned long n)
{
	(void)arg;
	while (n-- > 0)
		(void)syscall(SYS_getppid);
}

struct runner {
	pthread_barrier_t *r_start;
	int		 r_cpu;
	unsigned long	 r_n;
};

static void *
null_thread(void *arg)
{
	struct runner *r = arg;

	bench_pin(r->r_cpu);
	null_ours(NULL, 1000);
	pthread_barrier_wait(r->r_start);
	null_ours(NULL, r->r_n);
	pthread_barrier_wait(r->r_start);
	return NULL;
}

/* Calls a second of nthreads, each on a processor of its own. */
static double
null_rate(int nthreads, unsigned long n)
{
	struct runner r[8];
	pthread_t t[8];
	pthread_barrier_t b;
	double start;

	pthread_barrier_init(&b, NULL, (unsigned int)nthreads + 1);
	for (int i = 0; i < nthreads; i++) {
		r[i] = (struct runner){ &b, i, n };
		if (pthread_create(&t[i], NULL, null_thread, &r[i]) != 0)
			bench_die("pthread_create");
	}
	pthread_barrier_wait(&b);
	start = bench_now();
	pthread_barrier_wait(&b);
	start = bench_now() - start;
	for (int i = 0; i < nthreads; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&b);
	return (double)n * nthreads / start;
}

static void
bench_threads(void)
{
	double one[BENCH_ROUNDS], two[BENCH_ROUNDS], ratio[BENCH_ROUNDS];

	for (int i = 0; i < BENCH_ROUNDS; i++) {
		one[i] = null_rate(1, 1000000) / 1e6;
		two[i] = null_rate(2, 1000000) / 1e6;
		ratio[i] = two[i] / one[i];
	}
	bench_print("A2 getppid, 2 threads (host: 1)", bench_median(two, BENCH_ROUNDS),
	    bench_median(one, BENCH_ROUNDS), "M/s",
	    bench_median(ratio, BENCH_ROUNDS), 1.8, 1.9);
}

/* --- files ---------------------------------------------------------------------- */

static void
run_pread1(void *arg, unsigned long n)
{
	const struct side *s = arg;
	char c;

	if (s->s_ours)
		while (n-- > 0)
			(void)rump_sys_pread64(s->s_fd, &c, 1, 0);
	else
		while (n-- > 0)
			if (pread(s->s_fd, &c, 1, 0) != 1)
				bench_die("pread");
}

static void
run_pread4k(void *arg, unsigned long n)
{
	const struct side *s = arg;

	if (s->s_ours)
		while (n-- > 0)
			(void)rump_sys_pread64(s->s_fd, page, sizeof(page), 0);
	else
		while (n-- > 0)
			if (pread(s->s_fd, page, sizeof(page), 0) != sizeof(page))
				bench_die("pread");
}

static void
run_fstat(void *arg, unsigned long n)
{
	const struct side *s = arg;
	struct stat st;

	if (s->s_ours)
		while (n-- > 0)
			(void)rump_sys_fstat(s->s_fd, &st);
	else
		while (n-- > 0)
			(void)fstat(s->s_fd, &st);
}

static void
run_open(void *arg, unsigned long n)
{
	const struct side *s = arg;

	if (s->s_ours)
		while (n-- > 0)
			(void)rump_sys_close(rump_sys_open(s->s_one, O_RDONLY));
	else
		while (n-- > 0)
			(void)close(open(s->s_one, O_RDONLY));
}

static void
run_stat(void *arg, unsigned long n)
{
	const struct side *s = arg;
	struct stat st;

	if (s->s_ours) {
		while (n-- > 0)
			if (rump_sys_stat(s->s_deep, &st) != 0)
				bench_die(s->s_deep);
	} else {
		while (n-- > 0)
			if (stat(s->s_deep, &st) != 0)
				bench_die(s->s_deep);
	}
}

/* Names are made beforehand: formatting them is not what is measured. */
static char (*names)[2][280];

static void
make_names(void)
{
	names = calloc(FILES, sizeof(*names));
	if (names == NULL)
		bench_die("calloc");
	for (int i = 0; i < FILES; i++) {
		snprintf(names[i][0], sizeof(names[i][0]), "%s/f%06d", host.s_dir, i);
		snprintf(names[i][1], sizeof(names[i][1]), "%s/f%06d", ours.s_dir, i);
	}
}

static double
create_all(bool is_ours)
{
	double start = bench_now();

	for (int i = 0; i < FILES; i++) {
		int fd = is_ours ?
		    rump_sys_open(names[i][1], O_CREAT | O_WRONLY, 0644) :
		    open(names[i][0], O_CREAT | O_WRONLY, 0644);

		if (fd < 0)
			bench_die(names[i][is_ours]);
		if (is_ours)
			(void)rump_sys_close(fd);
		else
			(void)close(fd);
	}
	return bench_now() - start;
}

static double
unlink_all(bool is_ours)
{
	double start = bench_now();

	for (int i = 0; i < FILES; i++) {
		int error = is_ours ? rump_sys_unlink(names[i][1]) :
		    unlink(names[i][0]);

		if (error != 0)
			bench_die(names[i][is_ours]);
	}
	return bench_now() - start;
}

static void
bench_create(void)
{
	enum { ROUNDS = 11 };
	double create[2][ROUNDS], unlnk[2][ROUNDS], both[ROUNDS], cr[ROUNDS], ur[ROUNDS];

	make_names();
	for (int r = 0; r < ROUNDS; r++) {
		for (int side = 0; side < 2; side++) {
			create[side][r] = create_all(side) / FILES * 1e9;
			unlnk[side][r] = unlink_all(side) / FILES * 1e9;
		}
		cr[r] = create[0][r] / create[1][r];
		ur[r] = unlnk[0][r] / unlnk[1][r];
		both[r] = (create[0][r] + unlnk[0][r]) / (create[1][r] + unlnk[1][r]);
	}
	bench_print("A4 tmpfs create 10000", bench_median(create[1], ROUNDS),
	    bench_median(create[0], ROUNDS), "ns", bench_median(cr, ROUNDS), 2.5, 4);
	bench_print("A4 tmpfs unlink 10000", bench_median(unlnk[1], ROUNDS),
	    bench_median(unlnk[0], ROUNDS), "ns", bench_median(ur, ROUNDS), 2.5, 4);
	bench_print("A4 tmpfs create+unlink", 0, 0, "", bench_median(both, ROUNDS), 3, 4);
}

static void
put_page(const struct side *s)
{
	int fd = s->s_ours ? rump_sys_open(s->s_one, O_CREAT | O_RDWR, 0644) :
	    open(s->s_one, O_CREAT | O_RDWR, 0644);
	ssize_t n = s->s_ours ? rump_sys_write(fd, page, sizeof(page)) :
	    write(fd, page, sizeof(page));

	if (fd < 0 || n != sizeof(page))
		bench_die(s->s_one);
	if (s->s_ours)
		ours.s_fd = fd;
	else
		host.s_fd = fd;
}

static void
put_deep(const struct side *s, const char *root)
{
	char path[256];

	snprintf(path, sizeof(path), "%s", root);
	for (const char *part = "abcd"; *part != '\0'; part++) {
		size_t len = strlen(path);

		snprintf(path + len, sizeof(path) - len, "/%c", *part);
		if ((s->s_ours ? rump_sys_mkdir(path, 0755) : mkdir(path, 0755)) != 0 &&
		    errno != EEXIST)
			bench_die(path);
	}
	if ((s->s_ours ? rump_sys_open(s->s_deep, O_CREAT | O_WRONLY, 0644) :
	    open(s->s_deep, O_CREAT | O_WRONLY, 0644)) < 0)
		bench_die(s->s_deep);
}

static void
prepare(struct side *s, const char *root)
{
	snprintf(s->s_one, sizeof(s->s_one), "%s/one", root);
	snprintf(s->s_deep, sizeof(s->s_deep), "%s/a/b/c/d/e", root);
	snprintf(s->s_dir, sizeof(s->s_dir), "%s/many", root);
	if ((s->s_ours ? rump_sys_mkdir(s->s_dir, 0755) : mkdir(s->s_dir, 0755)) != 0 &&
	    errno != EEXIST)
		bench_die(s->s_dir);
	put_page(s);
	put_deep(s, root);
}

static void
bench_files(const char *hostdir)
{
	const struct bench benches[] = {
		{ "A3 pread 1 B, tmpfs", run_pread1, run_pread1, &ours, &host, 1, 3.33, 6.67 },
		{ "   pread 4 KiB, tmpfs", run_pread4k, run_pread4k, &ours, &host, 1, 2, 3 },
		{ "A3 fstat, tmpfs", run_fstat, run_fstat, &ours, &host, 1, 3.33, 6.67 },
		{ "   open+close, tmpfs", run_open, run_open, &ours, &host, 1, 2.5, 4 },
		{ "A5 stat, path of 5 parts, tmpfs", run_stat, run_stat, &ours, &host, 1, 2.5, 4 },
	};

	if (rump_sys_mkdir("/t", 0755) != 0 ||
	    rump_sys_mount("none", "/t", "tmpfs", 0, "") != 0)
		bench_die("mount tmpfs");
	prepare(&ours, "/t");
	prepare(&host, hostdir);
	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++)
		bench_run(&benches[i]);
	bench_create();
}

/* --- boot ------------------------------------------------------------------------- */

struct boot {
	double		 b_seconds;
	long		 b_rss;		/* KiB that boot added */
};

static long
rss_kib(void)
{
	long size = 0, rss = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%ld %ld", &size, &rss) != 2)
		bench_die("statm");
	(void)fclose(f);
	return rss * (sysconf(_SC_PAGESIZE) / 1024);
}

/* In a child of its own, so that each boot is a first one. */
static struct boot
boot_once(void)
{
	struct boot *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0), result;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		long before = rss_kib();
		double start = bench_now();

		if (rump_init() != 0)
			_exit(1);
		(void)rump_sys_getpid();
		shared->b_seconds = bench_now() - start;
		shared->b_rss = rss_kib() - before;
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		bench_die("boot");
	result = *shared;
	(void)munmap(shared, 4096);
	return result;
}

static double
spawn_once(void)
{
	static char name[] = "/bin/true";
	char *argv[] = { name, NULL };
	double start = bench_now();
	int status;
	pid_t pid;

	if (posix_spawn(&pid, name, NULL, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid)
		bench_die("spawn");
	return bench_now() - start;
}

static void
bench_boot(void)
{
	double boot[BENCH_ROUNDS], spawn[BENCH_ROUNDS], ratio[BENCH_ROUNDS];
	double rss[BENCH_ROUNDS], median;

	for (int i = 0; i < BENCH_ROUNDS; i++) {
		struct boot b = boot_once();

		boot[i] = b.b_seconds * 1e6;
		rss[i] = (double)b.b_rss;
		spawn[i] = spawn_once() * 1e6;
		ratio[i] = spawn[i] / boot[i];
	}
	median = bench_median(boot, BENCH_ROUNDS);
	bench_print("A6 boot, dev+vfs (host: /bin/true)", median,
	    bench_median(spawn, BENCH_ROUNDS), "us",
	    bench_median(ratio, BENCH_ROUNDS), 1, 3.33);
	bench_limit("   boot", median, 700, "us");
	bench_limit("   resident after boot", bench_median(rss, BENCH_ROUNDS), 4096,
	    "KiB");
}

int
main(int argc, char **argv)
{
	const struct bench null = { "A1 getppid", null_ours, null_host, NULL, NULL,
	    1, 10, 20 };

	if (argc != 2) {
		fprintf(stderr, "usage: bench_local HOSTDIR\n");
		return 2;
	}
	bench_heading();
	bench_boot();
	if (rump_init() != 0)
		bench_die("rump_init");
	bench_run(&null);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		bench_threads();
	bench_files(argv[1]);
	return 0;
}

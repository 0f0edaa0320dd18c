/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench_image.c - an ext4 image through our kernel, beside the host's loop
 * mount of the same image
 *
 * usage: bench_image IMAGE MOUNT FILES SMALL LARGE
 *
 * The image has /big (1 GiB), /files with FILES files f000000.., and
 * directories /SMALL and /LARGE of many names n0000000...  MOUNT is where the host has it
 * mounted, or "-" where mounting needs more rights than the caller has: then
 * only our figures are printed.  Cold means: freshly mounted, the image in
 * the host's memory.  The host's mount is made anew by the command in
 * BENCH_REMOUNT.
 */

#include <sys/mount.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "bench.h"

#define PIECE	(128 * 1024)
#define ROUNDS	7

static const char *image, *mountpoint;
static bool has_host;
static char *piece;

static void
remount_ours(void)
{
	(void)rump_sys_umount2("/mnt", 0);
	if (rump_sys_mount("/dev/bench", "/mnt", "ext4", MS_RDONLY, "") != 0)
		bench_die("mount");
}

static void
remount_host(void)
{
	const char *command = getenv("BENCH_REMOUNT");

	if (command != NULL && system(command) != 0)
		bench_die("BENCH_REMOUNT");
}

static double
read_big(bool is_ours)
{
	char path[512];
	double start = bench_now();
	double total = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/big", is_ours ? "/mnt" : mountpoint);
	fd = is_ours ? rump_sys_open(path, O_RDONLY) : open(path, O_RDONLY);
	if (fd < 0)
		bench_die(path);
	while ((n = is_ours ? rump_sys_read(fd, piece, PIECE) :
	    read(fd, piece, PIECE)) > 0)
		total += (double)n;
	if (n < 0)
		bench_die(path);
	if (is_ours)
		(void)rump_sys_close(fd);
	else
		(void)close(fd);
	return total / (bench_now() - start) / 1e9;
}

static void
bench_read(void)
{
	double cold[2][ROUNDS], warm[2][ROUNDS], rc[ROUNDS], rw[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		for (int side = has_host ? 0 : 1; side < 2; side++) {
			if (side)
				remount_ours();
			else
				remount_host();
			cold[side][r] = read_big(side);
			warm[side][r] = read_big(side);
		}
		if (!has_host)
			cold[0][r] = warm[0][r] = 1;
		rc[r] = cold[1][r] / cold[0][r];
		rw[r] = warm[1][r] / warm[0][r];
	}
	bench_print("E1 read 1 GiB, cold", bench_median(cold[1], ROUNDS),
	    has_host ? bench_median(cold[0], ROUNDS) : 0, "GB/s",
	    has_host ? bench_median(rc, ROUNDS) : 0, has_host ? 0.9 : 0, 1.2);
	bench_print("E1 read 1 GiB, warm", bench_median(warm[1], ROUNDS),
	    has_host ? bench_median(warm[0], ROUNDS) : 0, "GB/s",
	    has_host ? bench_median(rw, ROUNDS) : 0, has_host ? 1.0 : 0, 1.0);
}

static double
stat_all(bool is_ours, int files)
{
	struct stat st;
	double start = bench_now();
	char path[512];

	for (int i = 0; i < files; i++) {
		snprintf(path, sizeof(path), "%s/files/f%06d",
		    is_ours ? "/mnt" : mountpoint, i);
		if ((is_ours ? rump_sys_stat(path, &st) : stat(path, &st)) != 0)
			bench_die(path);
	}
	return (bench_now() - start) / files * 1e9;
}

static void
bench_stat(int files)
{
	double cold[2][ROUNDS], warm[2][ROUNDS], rc[ROUNDS], rw[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		for (int side = has_host ? 0 : 1; side < 2; side++) {
			if (side)
				remount_ours();
			else
				remount_host();
			cold[side][r] = stat_all(side, files);
			warm[side][r] = stat_all(side, files);
		}
		if (!has_host)
			cold[0][r] = warm[0][r] = 0;
		rc[r] = cold[0][r] / cold[1][r];
		rw[r] = warm[0][r] / warm[1][r];
	}
	bench_print("E2 stat, first time", bench_median(cold[1], ROUNDS),
	    bench_median(cold[0], ROUNDS), "ns", bench_median(rc, ROUNDS),
	    has_host ? 1 : 0, 2);
	bench_print("E2 stat, again", bench_median(warm[1], ROUNDS),
	    bench_median(warm[0], ROUNDS), "ns", bench_median(rw, ROUNDS),
	    has_host ? 2 : 0, 4);
}

static double
list_ours(const char *dir, unsigned long *ret_n)
{
	double start = bench_now();
	int fd = rump_sys_open(dir, O_RDONLY | O_DIRECTORY);
	ssize_t n;

	if (fd < 0)
		bench_die(dir);
	*ret_n = 0;
	while ((n = rump_sys_getdents64(fd, piece, PIECE)) > 0) {
		for (ssize_t at = 0; at < n; (*ret_n)++) {
			unsigned short len;

			memcpy(&len, piece + at + 16, sizeof(len));
			at += len;
		}
	}
	(void)rump_sys_close(fd);
	return bench_now() - start;
}

static double
list_host(const char *dir, unsigned long *ret_n)
{
	double start = bench_now();
	DIR *d = opendir(dir);

	if (d == NULL)
		bench_die(dir);
	for (*ret_n = 0; readdir(d) != NULL; (*ret_n)++)
		continue;
	(void)closedir(d);
	return bench_now() - start;
}

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

static void
bench_list(const char *large)
{
	char ours[64], host[512];
	unsigned long n, m = 0;
	long before;
	double t, h = 0;

	snprintf(ours, sizeof(ours), "/mnt/%s", large);
	snprintf(host, sizeof(host), "%s/%s", mountpoint, large);
	remount_ours();
	before = rss_kib();
	t = list_ours(ours, &n);
	if (has_host) {
		remount_host();
		h = list_host(host, &m);
	}
	printf("   listing: %lu entries, resident memory grew by %ld KiB\n", n,
	    rss_kib() - before);
	bench_print("   list large directory", (double)n / t / 1e6,
	    has_host ? (double)m / h / 1e6 : 0, "M/s", has_host ? h / t : 0, 0, 0);
}

/*
 * Cost of a look-up never made before, spread over the whole directory.  Cold:
 * of names that are there, freshly mounted, so each comes with blocks of the
 * directory and of inodes that nobody read yet.  Else of names that are not
 * there, after a listing, so what is measured is the search alone.
 */
static double
lookup_cost(const char *dir, unsigned long files, bool cold)
{
	struct stat st;
	unsigned long n;
	char path[128];
	double start;
	enum { PROBES = 1000 };

	remount_ours();
	if (!cold) {
		snprintf(path, sizeof(path), "/mnt/%s", dir);
		(void)list_ours(path, &n);
	}
	start = bench_now();
	for (unsigned long i = 0; i < PROBES; i++) {
		snprintf(path, sizeof(path), "/mnt/%s/%s%07lu", dir,
		    cold ? "n" : "x", i * (files / PROBES));
		if ((rump_sys_stat(path, &st) == 0) != cold)
			bench_die(path);
	}
	return (bench_now() - start) / PROBES * 1e9;
}

static unsigned long
count(const char *dir)
{
	char path[64];
	unsigned long n;

	snprintf(path, sizeof(path), "/mnt/%s", dir);
	(void)list_ours(path, &n);
	return n - 2;
}

static void
bench_lookup(const char *small, const char *large, bool cold)
{
	double s[ROUNDS], l[ROUNDS], ratio[ROUNDS];
	unsigned long nsmall = count(small), nlarge = count(large);

	for (int r = 0; r < ROUNDS; r++) {
		s[r] = lookup_cost(small, nsmall, cold);
		l[r] = lookup_cost(large, nlarge, cold);
		ratio[r] = s[r] / l[r];
	}
	printf("   look-up %s: among %lu (ours) and %lu (host) names\n",
	    cold ? "of names, cold" : "of absent names", nlarge, nsmall);
	bench_print("   look-up", bench_median(l, ROUNDS), bench_median(s, ROUNDS),
	    "ns", bench_median(ratio, ROUNDS), 0, 0);
}

int
main(int argc, char **argv)
{
	double start;

	if (argc != 6) {
		fprintf(stderr, "usage: bench_image IMAGE MOUNT FILES SMALL LARGE\n");
		return 2;
	}
	image = argv[1];
	mountpoint = argv[2];
	has_host = strcmp(mountpoint, "-") != 0;
	piece = malloc(PIECE);
	if (piece == NULL)
		bench_die("malloc");
	start = bench_now();
	if (rump_init() != 0 || rump_pub_etfs_register_flags("/dev/bench", image,
	    RUMP_ETFS_BLK, 0, RUMP_ETFS_SIZE_ENDOFF,
	    RUMP_ETFS_RDONLY | RUMP_ETFS_NOLOCK) != 0)
		bench_die("boot");
	if (rump_sys_mkdir("/mnt", 0755) != 0 && errno != EEXIST)
		bench_die("mkdir");
	if (rump_sys_mount("/dev/bench", "/mnt", "ext4", MS_RDONLY, "") != 0)
		bench_die("mount");
	bench_heading();
	bench_limit("   boot and mount", (bench_now() - start) * 1e3, 10, "ms");
	bench_read();
	bench_stat(atoi(argv[3]));
	bench_list(argv[5]);
	bench_lookup(argv[4], argv[5], false);
	bench_lookup(argv[4], argv[5], true);
	return 0;
}

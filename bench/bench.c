/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench.c - see bench.h
 */

#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCH_SECONDS	0.002

static int missed;

double
bench_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double
bench_median(double *v, unsigned int n)
{
	qsort(v, n, sizeof(*v), compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

void
bench_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < sysconf(_SC_NPROCESSORS_ONLN); i++) {
		if (cpu < 0 || i == cpu)
			CPU_SET(i, &set);
	}
	(void)sched_setaffinity(0, sizeof(set), &set);
}

void
bench_heading(void)
{
	printf("%-34s %10s %10s %-6s %7s %7s %8s\n", "", "ours", "host", "",
	    "ratio", "target", "stretch");
}

void
bench_die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

int
bench_missed(void)
{
	return missed;
}

static const char *
verdict(double ratio, double target, double stretch)
{
	if (target == 0)
		return "";
	if (ratio < target) {
		missed++;
		return "MISSED";
	}
	return stretch != 0 && ratio >= stretch ? "stretch" : "ok";
}

void
bench_print(const char *name, double ours, double host, const char *unit,
    double ratio, double target, double stretch)
{
	printf("%-34s %10.2f %10.2f %-6s %6.2fx %6.2fx %7.2fx  %s\n", name, ours,
	    host, unit, ratio, target, stretch, verdict(ratio, target, stretch));
	fflush(stdout);
}

void
bench_limit(const char *name, double ours, double limit, const char *unit)
{
	bool ok = ours <= limit;

	missed += !ok;
	printf("%-34s %10.2f %10s %-6s %7s %6.4g  %8s%s\n", name, ours, "", unit,
	    "", limit, "", ok ? "ok" : "MISSED");
	fflush(stdout);
}

static double
timed(bench_fn *fn, void *arg, unsigned long n)
{
	double start = bench_now();

	fn(arg, n);
	return (bench_now() - start) / (double)n;
}

/* How many operations make a batch. */
static unsigned long
calibrate(bench_fn *fn, void *arg)
{
	unsigned long n = 1;

	while (timed(fn, arg, n) * (double)n < BATCH_SECONDS / 2 && n < 1UL << 30)
		n *= 2;
	return n;
}

void
bench_run(const struct bench *b)
{
	double ours[BENCH_ROUNDS], host[BENCH_ROUNDS], ratio[BENCH_ROUNDS];
	unsigned long nours = calibrate(b->b_ours, b->b_ours_arg);
	unsigned long nhost = calibrate(b->b_host, b->b_host_arg);
	double o, h;

	for (unsigned int i = 0; i < BENCH_ROUNDS; i++) {
		ours[i] = timed(b->b_ours, b->b_ours_arg, nours);
		host[i] = timed(b->b_host, b->b_host_arg, nhost);
		ratio[i] = host[i] / ours[i];
	}
	o = bench_median(ours, BENCH_ROUNDS);
	h = bench_median(host, BENCH_ROUNDS);
	if (b->b_perop > 1)
		bench_print(b->b_name, b->b_perop / o / 1e9, b->b_perop / h / 1e9,
		    "GB/s", bench_median(ratio, BENCH_ROUNDS), b->b_target,
		    b->b_stretch);
	else
		bench_print(b->b_name, o * 1e9, h * 1e9, "ns",
		    bench_median(ratio, BENCH_ROUNDS), b->b_target, b->b_stretch);
}

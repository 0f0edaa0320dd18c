/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bench.h - timing the same work on our kernel and on the host's
 *
 * The machine drifts while we measure, so both sides run in turn, in many
 * short batches, and what is compared is the ratio batch by batch; the
 * median of the ratios is the verdict.  One line a figure:
 *
 *	name  ours  host  unit  ratio  target  verdict
 *
 * The ratio is a speed: host time / our time, so that more is better.
 */

#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>

/* Does the work n times; arg is the side's. */
typedef void bench_fn(void *arg, unsigned long n);

struct bench {
	const char	*b_name;
	bench_fn	*b_ours;
	bench_fn	*b_host;	/* NULL: no peer, b_limit is a time */
	void		*b_ours_arg;
	void		*b_host_arg;
	double		 b_perop;	/* of the unit in one operation: bytes; 1: calls */
	double		 b_target;	/* least ratio; 0: none */
	double		 b_stretch;
};

#define BENCH_ROUNDS	21

double	bench_now(void);		/* seconds */
double	bench_median(double *v, unsigned int n);
void	bench_pin(int cpu);		/* -1: all again */
void	bench_heading(void);
void	bench_run(const struct bench *b);
/* A figure that was measured by other means; ours and host in seconds or rates. */
void	bench_print(const char *name, double ours, double host, const char *unit,
	    double ratio, double target, double stretch);
/* "ours" against a limit: less is better. */
void	bench_limit(const char *name, double ours, double limit, const char *unit);
void	bench_die(const char *what) __attribute__((__noreturn__));
int	bench_missed(void);		/* how many targets */

#endif /* BENCH_H */

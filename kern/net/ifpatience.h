/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifpatience.h - what to do before sleeping for a frame, learnt from what came of it
 *
 * Spinning pays when the peer answers from another core within the cost of a
 * wake-up, and is a loss when the peer needs the very core we spin on.
 * Success doubles the patience, failure halves it down to nothing, and a try
 * now and then finds out when times have changed.
 *
 * Yielding.  If the peer shares our core and waits likewise, giving it the core is
 * half as dear as going to sleep and being woken.  If others have work for that
 * core they get it too, for much longer: then sleeping is the rule for as many waits
 * as it takes to make good the time lost, and twice as many each time in a row.
 * While yielding pays, spinning can gain little and is tried more seldom.
 *
 * Several threads may learn at once: a lesson lost does no harm.
 */

#ifndef NET_IFPATIENCE_H
#define NET_IFPATIENCE_H

#include <sys/types.h>

#define SPIN_MAX	(50 * 1000)		/* ns: the cost of a wake-up */
#define SPIN_TRY	(5 * 1000)
#define SPIN_RETRY	256			/* waits between short tries */
#define SPIN_RETRY_MAX	4096			/* ... and long ones */
#define SPIN_RARER	4			/* ... times that while yielding pays */
#define YIELDS		3			/* turns for the peer before we sleep */
#define YIELD_LONG	(15 * 1000)		/* ns: a sleep would have been shorter */
#define YIELD_GAIN	2000			/* ns: what a yield saves a wait */
#define YIELD_DOUBLINGS	10
#define YIELD_RETRY_MAX	1000000			/* waits */

/* All atomic. */
struct patience {
	uint32_t	 pa_spin;	/* ns */
	uint32_t	 pa_waits;	/* that did not spin, but for tries */
	uint32_t	 pa_noyield;	/* waits until yielding is tried */
	uint32_t	 pa_badyields;	/* in a row */
	uint32_t	 pa_paid;	/* 1: the last yield did */
};

void	patience_init(struct patience *pa);

/* How long to spin this time, ns; then what came of it. */
uint32_t patience_spin(struct patience *pa);
void	patience_spun(struct patience *pa, uint32_t spin, bool success);

/* How often to yield this time; then what came of it, and how long it took. */
unsigned int patience_yields(struct patience *pa);
void	patience_yielded(struct patience *pa, int64_t elapsed, bool success);

#endif /* NET_IFPATIENCE_H */

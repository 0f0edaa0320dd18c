/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifpatience.c - how long to spin, and whether to yield, before sleeping
 *
 * Arithmetic only: no clock, no lock.  See ifpatience.h for the reasons, and
 * ifdrive.c for who asks.
 */

#include "ifpatience.h"

#include <sys/atomic.h>

/* Writing what is there already would take the line from other threads. */
static void
set(uint32_t *word, uint32_t value)
{
	if (atomic_load(word) != value)
		atomic_store(word, value);
}

void
patience_init(struct patience *pa)
{
	*pa = (struct patience){ .pa_spin = SPIN_MAX };
}

uint32_t
patience_spin(struct patience *pa)
{
	uint32_t spin = atomic_load(&pa->pa_spin), waits, rarer;

	if (spin != 0)
		return spin;
	waits = atomic_load(&pa->pa_waits) + 1;
	atomic_store(&pa->pa_waits, waits);
	rarer = atomic_load(&pa->pa_paid) != 0 ? SPIN_RARER : 1;
	if (waits % (rarer * SPIN_RETRY_MAX) == 0)
		return SPIN_MAX;
	return waits % (rarer * SPIN_RETRY) == 0 ? SPIN_TRY : 0;
}

void
patience_spun(struct patience *pa, uint32_t spin, bool success)
{
	if (spin == 0)
		return;
	if (success)
		spin = spin * 2 < SPIN_MAX ? spin * 2 : SPIN_MAX;
	else if (atomic_load(&pa->pa_spin) == 0)
		spin = 0;			/* it was but a try */
	else
		spin = spin / 2 >= SPIN_TRY / 4 ? spin / 2 : 0;
	set(&pa->pa_spin, spin);
}

unsigned int
patience_yields(struct patience *pa)
{
	uint32_t wait = atomic_load(&pa->pa_noyield);

	if (wait == 0)
		return YIELDS;
	atomic_store(&pa->pa_noyield, wait - 1);
	return 0;
}

void
patience_yielded(struct patience *pa, int64_t elapsed, bool success)
{
	uint32_t bad = atomic_load(&pa->pa_badyields);
	uint64_t waits;

	if (success && elapsed <= YIELD_LONG) {
		set(&pa->pa_badyields, 0);
		set(&pa->pa_paid, 1);
		return;
	}
	set(&pa->pa_paid, 0);
	waits = elapsed > 0 ? (uint64_t)elapsed / YIELD_GAIN + 1 : 1;
	if (waits > YIELD_RETRY_MAX)
		waits = YIELD_RETRY_MAX;
	waits <<= bad;
	set(&pa->pa_noyield, waits < YIELD_RETRY_MAX ? (uint32_t)waits : YIELD_RETRY_MAX);
	if (bad < YIELD_DOUBLINGS)
		set(&pa->pa_badyields, bad + 1);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * park.c - sleeping on a word, under the baton
 *
 * Since nobody else runs between the look at the word and the sleep, the two
 * are one step.  Who may be woken and who is woken for no reason is the
 * seed's choice.
 */

#include <errno.h>

#include <rump/rumpuser.h>

#include "sched_impl.h"

int
sim_sleep(const uint32_t *word, int flags, int64_t deadline)
{
	struct simthread *self = sim_self();

	if (deadline <= sim.s_now)
		return ETIMEDOUT;
	self->st_state = SIMTHREAD_PARKED;
	self->st_word = word;
	self->st_deadline = deadline;
	self->st_parkflags = flags;
	if (deadline < sim.s_alarm)
		sim.s_alarm = deadline;
	sched_block(self);
	self->st_word = NULL;
	self->st_parkflags = 0;
	return self->st_result;
}

/* Any n of the sleepers: the contract promises no order. */
unsigned int
sim_wake(const uint32_t *word, unsigned int n)
{
	struct simthread *t;
	unsigned int sleepers = 0, woken = 0;

	if (word == NULL)
		return 0;
	for (t = sim.s_threads; t != NULL; t = t->st_next)
		sleepers += t->st_state == SIMTHREAD_PARKED &&
		    t->st_word == word;
	for (t = sim.s_threads; t != NULL && woken < n; t = t->st_next) {
		if (t->st_state != SIMTHREAD_PARKED || t->st_word != word)
			continue;
		if (n - woken >= sleepers ||
		    simrng_below(&sim.s_rng[SIMRNG_SCHED], sleepers) <
		    n - woken) {
			wake_up(t, 0);
			woken++;
		}
		sleepers--;
	}
	return woken;
}

int
rumpuser_park(uint32_t *word, uint32_t expected, int flags, int64_t deadline)
{

	sim_point(SIMOP_PARK, expected);
	if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != expected)
		return EAGAIN;
	if (simrng_permille(&sim.s_rng[SIMRNG_SCHED], sim.s_spurious))
		return 0;
	return sim_sleep(word, flags, deadline);
}

unsigned int
rumpuser_unpark(uint32_t *word, unsigned int n, int flags)
{
	unsigned int woken;

	(void)flags;
	(void)sim_self();
	woken = sim_wake(word, n);
	sim_point(SIMOP_UNPARK, woken);
	return woken;
}

void
rumpuser_thread_yield(void)
{

	sim_point(SIMOP_YIELD, 0);
}

void
rumpuser_thread_preempt(void)
{

	sim_point(SIMOP_PREEMPT, 0);
}

void
rumpsim_setspurious(unsigned int permille)
{

	(void)sim_self();
	sim.s_spurious = permille;
}

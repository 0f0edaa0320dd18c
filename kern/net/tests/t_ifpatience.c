/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ifpatience.c - what is learnt from spins and yields that paid or did not
 */

#include <harness.h>

#include "ifpatience.h"

/* Waits until patience_spin() says want, at most most of them. */
static unsigned int
waits_until_spin(struct patience *pa, uint32_t want, unsigned int most)
{
	unsigned int n = 0;

	while (n < most && patience_spin(pa) != want)
		n++;
	return n;
}

static unsigned int
waits_without_yield(struct patience *pa, unsigned int most)
{
	unsigned int n = 0;

	while (n < most && patience_yields(pa) == 0)
		n++;
	return n;
}

static void
give_up_spinning(struct patience *pa)
{
	for (uint32_t spin; (spin = patience_spin(pa)) != 0;)
		patience_spun(pa, spin, false);
}

TEST(spins_that_fail_get_shorter_until_there_are_none)
{
	struct patience pa;
	uint32_t before, now;

	patience_init(&pa);
	CHECK_EQ("at first", SPIN_MAX, patience_spin(&pa));
	for (before = SPIN_MAX;; before = now) {
		patience_spun(&pa, before, false);
		now = patience_spin(&pa);
		if (now == 0)
			break;
		CHECK_EQ("half of it", before / 2, now);
	}
}

TEST(spins_that_succeed_get_longer_up_to_the_cost_of_a_wake_up)
{
	struct patience pa;

	patience_init(&pa);
	give_up_spinning(&pa);
	patience_spun(&pa, SPIN_TRY, true);
	CHECK_EQ("twice", 2 * SPIN_TRY, patience_spin(&pa));
	for (int i = 0; i < 10; i++)
		patience_spun(&pa, patience_spin(&pa), true);
	CHECK_EQ("at most", SPIN_MAX, patience_spin(&pa));
}

TEST(who_does_not_spin_tries_now_and_then_and_a_failed_try_changes_nothing)
{
	struct patience pa;

	patience_init(&pa);
	give_up_spinning(&pa);
	CHECK(waits_until_spin(&pa, SPIN_TRY, SPIN_RETRY) < SPIN_RETRY);
	patience_spun(&pa, SPIN_TRY, false);
	CHECK_EQ("none after it", 0, patience_spin(&pa));
	CHECK(waits_until_spin(&pa, SPIN_MAX, SPIN_RETRY_MAX) < SPIN_RETRY_MAX);
	patience_spun(&pa, SPIN_MAX, true);
	CHECK_EQ("which may succeed", SPIN_MAX, patience_spin(&pa));
}

TEST(spinning_is_tried_more_seldom_while_yielding_pays)
{
	struct patience pa;

	patience_init(&pa);
	give_up_spinning(&pa);
	patience_yielded(&pa, YIELD_LONG, true);
	(void)waits_until_spin(&pa, SPIN_TRY, SPIN_RARER * SPIN_RETRY);
	CHECK_EQ("from try to try", SPIN_RARER * SPIN_RETRY - 1,
	    waits_until_spin(&pa, SPIN_TRY, SPIN_RARER * SPIN_RETRY));
	patience_yielded(&pa, YIELD_LONG + 1, true);
	CHECK(waits_until_spin(&pa, SPIN_TRY, SPIN_RETRY) < SPIN_RETRY);
}

TEST(yields_that_pay_go_on)
{
	struct patience pa;

	patience_init(&pa);
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ("yields", YIELDS, patience_yields(&pa));
		patience_yielded(&pa, YIELD_LONG, true);
	}
}

TEST(a_yield_that_took_long_is_made_good_by_waits_without)
{
	struct patience pa;

	patience_init(&pa);
	(void)patience_yields(&pa);
	patience_yielded(&pa, 100 * YIELD_GAIN, true);
	CHECK_EQ("as many as were lost", 101, waits_without_yield(&pa, 1000));
	patience_yielded(&pa, 100 * YIELD_GAIN, true);
	CHECK_EQ("twice that", 202, waits_without_yield(&pa, 1000));
	patience_yielded(&pa, 1000, true);
	patience_yielded(&pa, 100 * YIELD_GAIN, false);
	CHECK_EQ("a good one makes up for it", 101, waits_without_yield(&pa, 1000));
}

TEST(bad_yields_are_tried_again_at_last)
{
	struct patience pa;

	patience_init(&pa);
	for (int i = 0; i < 40; i++) {
		CHECK(waits_without_yield(&pa, 2 * YIELD_RETRY_MAX) <=
		    YIELD_RETRY_MAX);
		patience_yielded(&pa, INT64_MAX, false);
	}
}

TEST(a_yield_in_vain_costs_a_wait_even_if_the_clock_stood_still)
{
	struct patience pa;

	patience_init(&pa);
	patience_yielded(&pa, 0, false);
	CHECK_EQ("one", 1, waits_without_yield(&pa, 10));
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sample.c - tests whose outcome is known, for t_harness.py
 *
 * The name says what the harness has to make of each.
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <harness.h>

#include <rump/rumpsim.h>
#include <rump/rumpuser.h>

#define BARE	.ht_flags = HARNESS_BARE

TEST_WITH(passes, BARE)
{
	CHECK(true);
	CHECK_EQ("one", 1, 1);
	CHECK_STR("text", "a", "a");
	CHECK_MEM("bytes", "abc", "abc", 3);
}

TEST_WITH(fails_check, BARE)
{
	CHECK(1 + 1 == 3);
}

TEST_WITH(fails_number, BARE)
{
	CHECK_EQ("sum", 3, 1 + 1);
}

TEST_WITH(fails_string, BARE)
{
	CHECK_STR("text", "a", NULL);
}

TEST_WITH(fails_bytes, BARE)
{
	CHECK_MEM("bytes", "abc", "abd", 3);
}

TEST_WITH(fails_need, BARE)
{
	NEED(false);
	_exit(0);
}

TEST_WITH(fails_although_skipped, BARE)
{
	CHECK(false);
	SKIP("after a failure");
}

TEST_WITH(skips, BARE)
{
	SKIP("to show it");
}

TEST_WITH(fails_crash, BARE)
{
	raise(SIGKILL);		/* sanitizers catch others */
}

TEST_WITH(fails_exit, BARE)
{
	_exit(5);
}

static void *
second_hangs(void *arg)
{
	(void)arg;
	printf("# here it hangs\n");
	for (;;)
		pause();
	return NULL;
}

TEST_WITH(fails_too_slow, BARE, .ht_seconds = 1)
{
	pthread_t second;

	NEED(pthread_create(&second, NULL, second_hangs, NULL) == 0);
	pthread_join(second, NULL);
}

TEST_WITH(fails_deadlock, BARE)
{
	static uint32_t word;

	for (;;)
		rumpuser_park(&word, 0, 0, RUMPUSER_NOTIME);
}

TEST_WITH(fails_leak, BARE)
{
	void *ptr;

	NEED(rumpuser_malloc(100, 16, &ptr) == 0);
}

TEST_WITH(passes_keeping, .ht_flags = HARNESS_BARE | HARNESS_KEEPS)
{
	void *ptr;

	NEED(rumpuser_malloc(100, 16, &ptr) == 0);
}

TEST_WITH(passes_each_seed, BARE, .ht_seeds = 3)
{
	CHECK(harness_seed() <= 3);
}

TEST_WITH(fails_third_seed, BARE, .ht_seeds = 5)
{
	CHECK(harness_seed() != 3);
}

/* Takes three pieces; gives back what it has when one cannot be had. */
static int
take_three(void)
{
	void *piece[3];
	int error, n;

	for (n = 0; n < 3; n++) {
		error = rumpuser_malloc(64, 16, &piece[n]);
		if (error)
			break;
	}
	while (n-- > 0)
		rumpuser_free(piece[n], 64);
	return error;
}

static unsigned int rounds;

static int
count_rounds(void)
{
	rounds++;
	return take_three();
}

static int
lose_the_error(void)
{
	return take_three() == ENOMEM ? EINVAL : 0;
}

static int
leak_on_error(void)
{
	void *a, *b;
	int error = rumpuser_malloc(8, 8, &a);

	if (error)
		return error;
	error = rumpuser_malloc(8, 8, &b);
	if (error)
		return error;
	rumpuser_free(b, 8);
	rumpuser_free(a, 8);
	return 0;
}

TEST_WITH(passes_sweep_in_four_rounds, BARE)
{
	fault_sweep(FAULT_MEMORY, count_rounds);
	CHECK_EQ("rounds", 4, rounds);
}

TEST_WITH(fails_sweep_with_wrong_error, BARE)
{
	fault_sweep(FAULT_MEMORY, lose_the_error);
}

TEST_WITH(fails_sweep_that_leaks, BARE)
{
	fault_sweep(FAULT_MEMORY, leak_on_error);
}

SWEEP_WITH(passes_fresh_sweep, FAULT_MEMORY, BARE)
{
	return take_three();
}

SWEEP_WITH(fails_fresh_sweep_that_leaks, FAULT_MEMORY, BARE)
{
	return leak_on_error();
}

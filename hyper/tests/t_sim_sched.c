/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sim_sched.c - what the simulated host promises about threads and time
 */

#include <pthread.h>
#include <time.h>

#include "hyper_test.h"

#define MS	INT64_C(1000000)
#define HOUR	(INT64_C(3600) * 1000 * MS)

static int64_t
mono(void)
{

	return rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO);
}

static int64_t
real_time(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

static void
sleep_until(int64_t deadline)
{
	uint32_t word = 0;

	while (rumpuser_park(&word, 0, 0, deadline) != ETIMEDOUT)
		continue;
}

/* --- runs ---------------------------------------------------------------- */

#define WORKERS		4
#define STEPS		60

/* Who did something when, as the workers saw it. */
static struct story {
	char		text[WORKERS * STEPS + 1];
	uint32_t	len;
	uint32_t	word;
	uint64_t	trace;
	int64_t		end;
	unsigned char	random[8];
} story;

static void
worker(void *arg)
{
	char name = *(const char *)arg;

	for (int i = 0; i < STEPS; i++) {
		story.text[story.len++] = name;
		switch (i % 4) {
		case 0:
			rumpuser_thread_yield();
			break;
		case 1:
			(void)word_add(&story.word, 1);
			break;
		case 2:
			sleep_until(mono() + 1000);
			break;
		case 3:
			(void)rumpuser_park(&story.word, story.word, 0,
			    mono() + 3000);
			break;
		}
	}
}

static int
workers_run(void *arg)
{
	static char names[WORKERS] = { 'a', 'b', 'c', 'd' };
	struct rumpuser_thread *t[WORKERS];
	size_t n;

	(void)arg;
	memset(&story, 0, sizeof(story));
	for (int i = 0; i < WORKERS; i++)
		NEED(rumpuser_thread_create(worker, &names[i], "worker",
		    &t[i]) == 0);
	for (int i = 0; i < WORKERS; i++)
		NEED(rumpuser_thread_join(t[i]) == 0);
	NEED(rumpuser_getrandom(story.random, 8, &n) == 0);
	story.trace = rumpsim_trace();
	story.end = mono();
	return 17;
}

CASE(the_same_seed_tells_the_same_story)
{
	struct story first;

	for (uint64_t seed = 1; seed <= 10; seed++) {
		CHECK_EQ("result", 17, rumpsim_run(seed, workers_run, NULL));
		first = story;
		(void)rumpsim_run(seed, workers_run, NULL);
		CHECK_STR("order", first.text, story.text);
		CHECK(first.trace == story.trace);
		CHECK_EQ("time", first.end, story.end);
		CHECK_MEM("entropy", first.random, story.random, 8);
	}
}

CASE(other_seeds_tell_other_stories)
{
	struct story seen[20];

	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		(void)rumpsim_run(i, workers_run, NULL);
		seen[i] = story;
		for (size_t j = 0; j < i; j++) {
			CHECK(strcmp(seen[j].text, story.text) != 0);
			CHECK(seen[j].trace != story.trace);
			CHECK(memcmp(seen[j].random, story.random, 8) != 0);
		}
	}
}

/* Two threads with a race: one seed or another has to find each outcome. */
static uint32_t race_value;

static void
race_main(void *arg)
{
	uint32_t seen = race_value;

	(void)arg;
	rumpuser_thread_yield();
	race_value = seen + 1;
}

static int
race_run(void *arg)
{
	struct rumpuser_thread *a, *b;

	(void)arg;
	race_value = 0;
	NEED(rumpuser_thread_create(race_main, NULL, "a", &a) == 0);
	NEED(rumpuser_thread_create(race_main, NULL, "b", &b) == 0);
	NEED(rumpuser_thread_join(a) == 0);
	NEED(rumpuser_thread_join(b) == 0);
	return (int)race_value;
}

CASE(seeds_find_both_outcomes_of_a_race)
{
	int outcomes[3] = { 0 };

	for (uint64_t seed = 0; seed < 100; seed++)
		outcomes[rumpsim_run(seed, race_run, NULL)]++;
	CHECK(outcomes[1] > 5);
	CHECK(outcomes[2] > 5);
}

/* --- time ---------------------------------------------------------------- */

CASE(an_hour_passes_at_once)
{
	int64_t start = real_time(), begin = mono(), wall;

	wall = rumpuser_clock_gettime(RUMPUSER_CLOCK_WALL);
	sleep_until(begin + HOUR);
	CHECK(mono() >= begin + HOUR);
	CHECK(mono() < begin + HOUR + 10 * MS);
	CHECK(rumpuser_clock_gettime(RUMPUSER_CLOCK_WALL) >= wall + HOUR);
	CHECK(real_time() - start < 1000 * MS);
}

CASE(time_does_not_jump_while_somebody_can_run)
{
	int64_t begin = mono();

	for (int i = 0; i < 1000; i++)
		rumpuser_thread_yield();
	CHECK(mono() - begin < 10 * MS);
}

static int64_t woken_at[3];

static void
timed_main(void *arg)
{
	size_t i = (size_t)(uintptr_t)arg;

	sleep_until(1000 * MS + (int64_t)(i + 1) * HOUR);
	woken_at[i] = mono();
}

CASE(sleepers_wake_in_the_order_of_their_deadlines)
{
	struct rumpuser_thread *t[3];

	for (size_t i = 0; i < 3; i++)
		NEED(rumpuser_thread_create(timed_main,
		    (void *)(uintptr_t)(2 - i), "timed", &t[i]) == 0);
	for (size_t i = 0; i < 3; i++)
		NEED(rumpuser_thread_join(t[i]) == 0);
	for (size_t i = 0; i < 3; i++) {
		CHECK(woken_at[i] >= 1000 * MS + (int64_t)(i + 1) * HOUR);
		CHECK(woken_at[i] < 1000 * MS + (int64_t)(i + 1) * HOUR + MS);
	}
}

CASE(time_can_be_advanced)
{
	int64_t begin = mono();

	rumpsim_advance(5 * HOUR);
	CHECK(mono() >= begin + 5 * HOUR);
	CHECK(mono() < begin + 5 * HOUR + MS);
}

CASE(parks_return_for_no_reason_as_often_as_told)
{
	uint32_t word = 0;
	int spurious = 0;

	rumpsim_setspurious(0);
	for (int i = 0; i < 300; i++)
		spurious += rumpuser_park(&word, 0, 0, mono() + 100) == 0;
	CHECK_EQ("never", 0, spurious);
	rumpsim_setspurious(1000);
	for (int i = 0; i < 300; i++)
		spurious += rumpuser_park(&word, 0, 0, RUMPUSER_NOTIME) == 0;
	CHECK_EQ("always", 300, spurious);
}

/* --- deadlock ------------------------------------------------------------ */

static uint32_t never;

static void
never_main(void *arg)
{

	(void)arg;
	word_wait(&never, 1);
}

static void
child_deadlock(void)
{
	struct rumpuser_thread *t;

	(void)rumpuser_thread_create(never_main, NULL, "thinker", NULL);
	(void)rumpuser_thread_create(never_main, NULL, "waiter", &t);
	(void)rumpuser_thread_join(t);
}

/* The last one to run may also be one that ends. */
static void
end_main(void *arg)
{

	sleep_until(mono() + *(int64_t *)arg);
}

static void
child_deadlock_at_end(void)
{
	int64_t later = HOUR;

	(void)rumpuser_thread_create(end_main, &later, "leaver", NULL);
	word_wait(&never, 1);
}

static void
check_deadlock(void (*child)(void), const char *who)
{
	char text[2048];
	int fds[2], saved = dup(STDERR_FILENO), status;
	size_t len = 0;
	ssize_t n;

	NEED(pipe(fds) == 0);
	(void)dup2(fds[1], STDERR_FILENO);
	(void)close(fds[1]);
	status = in_child(child);
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	while (len < sizeof(text) - 1 && (n = read(fds[0], text + len,
	    sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(fds[0]);
	text[len] = '\0';
	CHECK(WIFEXITED(status));
	CHECK_EQ("status", RUMPSIM_EXIT_DEADLOCK, WEXITSTATUS(status));
	CHECK(strstr(text, "deadlock") != NULL);
	if (!CHECK(strstr(text, who) != NULL))
		harness_note("%s", text);
}

CASE(a_deadlock_ends_the_run_and_names_the_threads)
{

	check_deadlock(child_deadlock, "thinker");
	check_deadlock(child_deadlock, "joins waiter");
	check_deadlock(child_deadlock_at_end, "parked on");
}

/* --- strangers ----------------------------------------------------------- */

static uint32_t visits;

static void *
stranger_main(void *arg)
{

	(void)arg;
	for (int i = 0; i < 20; i++) {
		(void)word_add(&visits, 1);
		sleep_until(mono() + MS);
	}
	return NULL;
}

CASE(strangers_come_and_go)
{
	struct rumpsim_usage before;
	pthread_t t[4];

	rumpsim_usage(&before);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		NEED(pthread_create(&t[i], NULL, stranger_main, NULL) == 0);
	rumpsim_leave();
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		NEED(pthread_join(t[i], NULL) == 0);
	rumpsim_enter();
	CHECK_EQ("visits", 80, visits);
	CHECK(rumpsim_usage_check(&before));
}

static void *
late_main(void *arg)
{

	word_set(arg, 1);
	return NULL;
}

/* The main thread sleeps for good, as far as the simulation can know. */
CASE(a_stranger_may_come_to_the_rescue)
{
	uint32_t word = 0;
	pthread_t t;

	NEED(pthread_create(&t, NULL, late_main, &word) == 0);
	word_wait(&word, 1);
	rumpsim_leave();
	NEED(pthread_join(t, NULL) == 0);
	rumpsim_enter();
	CHECK_EQ("word", 1, word);
}

CASE(who_is_outside_comes_in_by_any_hypercall)
{
	int64_t begin = mono();

	rumpsim_leave();
	CHECK(mono() >= begin);
	rumpsim_enter();
	CHECK(mono() >= begin);
}

static void
child_forked(void)
{

	sleep_until(mono() + HOUR);
	_exit(0);
}

CASE(a_forked_child_goes_on_alone)
{
	struct rumpuser_thread *t;
	int status;

	NEED(rumpuser_thread_create(never_main, NULL, "waiter", &t) == 0);
	status = in_child(child_forked);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	word_set(&never, 1);
	NEED(rumpuser_thread_join(t) == 0);
}

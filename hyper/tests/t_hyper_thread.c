/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_hyper_thread.c - threads, sleeping on words, clocks
 */

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "hyper_test.h"

#define MS	INT64_C(1000000)

static int64_t
mono(void)
{

	return rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO);
}

/* Sleeps on the word until the deadline; no spurious return counts. */
static int
park_until(uint32_t *word, uint32_t expected, int64_t deadline)
{
	int error;

	do {
		error = rumpuser_park(word, expected, 0, deadline);
	} while (error == 0);
	return error;
}

/* --- clocks -------------------------------------------------------------- */

CASE(the_monotonic_clock_never_goes_back)
{
	int64_t last = mono(), now;

	CHECK(last >= 0);
	for (int i = 0; i < 10000; i++, last = now) {
		now = mono();
		if (!CHECK(now >= last))
			break;
	}
}

CASE(the_wall_clock_is_after_2020)
{

	CHECK(rumpuser_clock_gettime(RUMPUSER_CLOCK_WALL) >
	    INT64_C(1577836800) * 1000 * MS);
}

CASE(the_coarse_clock_is_a_little_late_at_most)
{
	for (int i = 0; i < 1000; i++) {
		int64_t before, coarse, after;

		/* However long we are not run between the calls. */
		before = rumpuser_clock_gettime(RUMPUSER_CLOCK_WALL);
		coarse = rumpuser_clock_gettime(RUMPUSER_CLOCK_WALL_COARSE);
		after = rumpuser_clock_gettime(RUMPUSER_CLOCK_WALL);
		if (!CHECK(coarse <= after && before - coarse < 1000 * MS))
			break;
	}
}

CASE(the_cpu_clocks_advance_with_work)
{
	static const int clocks[] = { RUMPUSER_CLOCK_CPU, RUMPUSER_CLOCK_THREAD };

	for (size_t i = 0; i < 2; i++) {
		int64_t start = rumpuser_clock_gettime(clocks[i]);

		CHECK(start >= 0);
		while (rumpuser_clock_gettime(clocks[i]) == start)
			continue;
	}
}

/* --- park ---------------------------------------------------------------- */

CASE(park_returns_at_once_if_the_word_differs)
{
	uint32_t word = 5;

	CHECK_EQ("no deadline", EAGAIN,
	    rumpuser_park(&word, 4, 0, RUMPUSER_NOTIME));
	CHECK_EQ("deadline", EAGAIN,
	    rumpuser_park(&word, 4, 0, mono() + 1000 * MS));
}

CASE(park_ends_at_its_deadline_and_not_before)
{
	uint32_t word = 0;
	int64_t deadline = mono() + 5 * MS;

	CHECK_EQ("future", ETIMEDOUT, park_until(&word, 0, deadline));
	CHECK(mono() >= deadline);
	CHECK_EQ("past", ETIMEDOUT, park_until(&word, 0, deadline));
	CHECK_EQ("zero", ETIMEDOUT, park_until(&word, 0, 0));
	CHECK_EQ("negative", ETIMEDOUT, park_until(&word, 0, -1));
	CHECK_EQ("most negative", ETIMEDOUT, park_until(&word, 0, INT64_MIN));
}

CASE(unpark_without_sleepers_wakes_nobody)
{
	uint32_t word = 0;

	CHECK_EQ("one", 0, rumpuser_unpark(&word, 1, 0));
	CHECK_EQ("all", 0, rumpuser_unpark(&word, UINT32_MAX, 0));
}

struct sleeper {
	uint32_t	word;
	uint32_t	go;	/* a woken thread may leave */
	uint32_t	left;	/* threads that did */
	int		flags;
};

static void
sleeper_main(void *arg)
{
	struct sleeper *s = arg;

	while (word_get(&s->go) == 0)
		(void)rumpuser_park(&s->word, 0, s->flags, RUMPUSER_NOTIME);
	(void)word_add(&s->left, 1);
}

static void
check_wakes(int flags, unsigned int threads)
{
	struct sleeper s = { .flags = flags };
	struct rumpuser_thread *t[8];
	unsigned int woken;

	for (unsigned int i = 0; i < threads; i++)
		NEED(rumpuser_thread_create(sleeper_main, &s, "sleeper",
		    &t[i]) == 0);
	/* One at a time: the thread finds no reason to leave and comes back. */
	for (unsigned int i = 0; i < 50; i++) {
		while ((woken = rumpuser_unpark(&s.word, 1, flags)) == 0)
			rumpuser_thread_yield();
		CHECK_EQ("at most one", 1, woken);
	}
	__atomic_store_n(&s.go, 1, __ATOMIC_RELEASE);
	for (unsigned int out = 0; (out = word_get(&s.left)) < threads; ) {
		woken = rumpuser_unpark(&s.word, UINT32_MAX, flags);
		CHECK(woken <= threads);
		if (woken == 0)
			rumpuser_thread_yield();
	}
	for (unsigned int i = 0; i < threads; i++)
		CHECK_EQ("join", 0, rumpuser_thread_join(t[i]));
}

CASE(unpark_says_how_many_it_woke)
{

	check_wakes(0, 1);
	check_wakes(0, 5);
}

CASE(shared_words_work_inside_a_process)
{

	check_wakes(RUMPUSER_PARK_SHARED, 3);
}

/* A wake-up that gets lost between check and sleep stops this for ever. */
struct relay {
	uint32_t	turn;
	uint32_t	threads;
	uint32_t	rounds;
	uint32_t	next_id;
};

static void
relay_main(void *arg)
{
	struct relay *r = arg;
	uint32_t id = __atomic_fetch_add(&r->next_id, 1, __ATOMIC_RELAXED);
	uint32_t turn;

	for (uint32_t i = 0; i < r->rounds; i++) {
		while ((turn = word_get(&r->turn)) % r->threads != id)
			(void)rumpuser_park(&r->turn, turn, 0, RUMPUSER_NOTIME);
		__atomic_store_n(&r->turn, turn + 1, __ATOMIC_RELEASE);
		(void)rumpuser_unpark(&r->turn, UINT32_MAX, 0);
	}
}

CASE_SEEDS(no_wake_up_is_lost_in_a_relay, 5)
{
	struct relay r = { .threads = 4, .rounds = 500 };
	struct rumpuser_thread *t[4];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		NEED(rumpuser_thread_create(relay_main, &r, "relay", &t[i]) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		CHECK_EQ("join", 0, rumpuser_thread_join(t[i]));
	CHECK_EQ("turns", 4 * 500, word_get(&r.turn));
}

/* A lock on one word, with waiters that give up and come back. */
struct lock {
	uint32_t	word;		/* 0 free, 1 held, 2 held and wanted */
	uint32_t	inside;
	uint32_t	total;
	uint32_t	collisions;
};

static void
lock_main(void *arg)
{
	struct lock *l = arg;
	uint32_t c;

	for (int i = 0; i < 300; i++) {
		c = 0;
		if (!__atomic_compare_exchange_n(&l->word, &c, 1, false,
		    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			while (__atomic_exchange_n(&l->word, 2,
			    __ATOMIC_ACQUIRE) != 0)
				(void)rumpuser_park(&l->word, 2, 0,
				    mono() + MS / 10);
		}
		if (l->inside++ != 0)
			l->collisions++;
		l->total++;
		if (i % 16 == 0)
			rumpuser_thread_yield();
		l->inside--;
		if (__atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE) == 2)
			(void)rumpuser_unpark(&l->word, 1, 0);
	}
}

CASE_SEEDS(a_lock_with_timeouts_stays_a_lock, 5)
{
	struct lock l = { .word = 0 };
	struct rumpuser_thread *t[4];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		NEED(rumpuser_thread_create(lock_main, &l, "lock", &t[i]) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		CHECK_EQ("join", 0, rumpuser_thread_join(t[i]));
	CHECK_EQ("collisions", 0, l.collisions);
	CHECK_EQ("total", 4 * 300, l.total);
}

CASE(shared_words_work_between_processes)
{
	uint32_t *word, value;
	int status;
	pid_t pid;

	if (on_sim())
		SKIP("other processes are not simulated");
	word = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(word != MAP_FAILED);
	pid = fork();
	NEED(pid != -1);
	if (pid == 0) {
		for (uint32_t i = 0; i < 100; i++) {
			while ((value = word_get(word)) != 2 * i + 1)
				(void)rumpuser_park(word, value,
				    RUMPUSER_PARK_SHARED, RUMPUSER_NOTIME);
			__atomic_store_n(word, 2 * i + 2, __ATOMIC_RELEASE);
			(void)rumpuser_unpark(word, 1, RUMPUSER_PARK_SHARED);
		}
		_exit(0);
	}
	for (uint32_t i = 0; i < 100; i++) {
		__atomic_store_n(word, 2 * i + 1, __ATOMIC_RELEASE);
		(void)rumpuser_unpark(word, 1, RUMPUSER_PARK_SHARED);
		while ((value = word_get(word)) != 2 * i + 2)
			(void)rumpuser_park(word, value, RUMPUSER_PARK_SHARED,
			    RUMPUSER_NOTIME);
	}
	NEED(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	(void)munmap(word, 4096);
}

/* --- signals ------------------------------------------------------------- */

struct interrupted {
	pthread_t	self;
	uint32_t	ready;
	uint32_t	done;
	uint32_t	word;
	int64_t		deadline;
	int		flags;
	int		error;
};

static void
ignore(int signo)
{

	(void)signo;
}

static void
interrupted_main(void *arg)
{
	struct interrupted *in = arg;
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	in->self = pthread_self();
	word_set(&in->ready, 1);
	do {
		in->error = rumpuser_park(&in->word, 0, in->flags,
		    in->deadline);
	} while (in->error == 0);
	word_set(&in->done, 1);
}

static int
interrupt(struct interrupted *in)
{
	struct rumpuser_thread *t;
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = ignore;
	sa.sa_flags = SA_RESTART;	/* is no reason to go on sleeping */
	NEED(sigaction(SIGUSR1, &sa, NULL) == 0);
	NEED(rumpuser_thread_create(interrupted_main, in, "sleeper", &t) == 0);
	word_wait(&in->ready, 1);
	while (word_get(&in->done) == 0) {
		(void)pthread_kill(in->self, SIGUSR1);
		rumpuser_thread_yield();
	}
	CHECK_EQ("join", 0, rumpuser_thread_join(t));
	return in->error;
}

CASE(a_signal_ends_a_sleep_that_may_be_interrupted)
{
	struct interrupted in = {
		.flags = RUMPUSER_PARK_INTR, .deadline = RUMPUSER_NOTIME,
	};

	CHECK_EQ("without deadline", EINTR, interrupt(&in));
	in.done = in.ready = 0;
	in.deadline = mono() + 1000000 * MS;
	CHECK_EQ("with deadline", EINTR, interrupt(&in));
}

CASE(a_signal_does_not_end_other_sleeps)
{
	struct interrupted in = { .deadline = mono() + 20 * MS };

	CHECK_EQ("park", ETIMEDOUT, interrupt(&in));
	CHECK(mono() >= in.deadline);
}

/* --- threads ------------------------------------------------------------- */

static void
store_main(void *arg)
{

	*(int *)arg = 4711;
}

CASE(a_thread_gets_its_argument_and_is_joined)
{
	struct rumpuser_thread *t;
	int value = 0;

	CHECK_EQ("create", 0,
	    rumpuser_thread_create(store_main, &value, "store", &t));
	CHECK_EQ("join", 0, rumpuser_thread_join(t));
	CHECK_EQ("value", 4711, value);
}

CASE(a_thread_needs_no_name)
{
	struct rumpuser_thread *t;
	int value = 0;

	CHECK_EQ("none", 0, rumpuser_thread_create(store_main, &value, NULL, &t));
	CHECK_EQ("join", 0, rumpuser_thread_join(t));
	CHECK_EQ("long", 0, rumpuser_thread_create(store_main, &value,
	    "a name far longer than any debugger would ever show", &t));
	CHECK_EQ("join", 0, rumpuser_thread_join(t));
}

static void
add_main(void *arg)
{

	(void)word_add(arg, 1);
}

CASE(detached_threads_run)
{
	static uint32_t count;

	for (int i = 0; i < 20; i++)
		CHECK_EQ("create", 0,
		    rumpuser_thread_create(add_main, &count, "detached", NULL));
	word_wait(&count, 20);
	/* They are done with the word, but not yet gone, maybe. */
	for (int i = 0; i < 100; i++)
		rumpuser_thread_yield();
}

static void
mask_main(void *arg)
{

	(void)pthread_sigmask(SIG_SETMASK, NULL, arg);
}

CASE(kernel_threads_leave_the_program_s_signals_alone)
{
	struct rumpuser_thread *t;
	sigset_t set;

	(void)sigemptyset(&set);
	NEED(rumpuser_thread_create(mask_main, &set, "mask", &t) == 0);
	CHECK_EQ("join", 0, rumpuser_thread_join(t));
	CHECK(sigismember(&set, SIGTERM) == 1);
	CHECK(sigismember(&set, SIGINT) == 1);
	CHECK(sigismember(&set, SIGSEGV) == 0);
	CHECK(sigismember(&set, SIGBUS) == 0);
	(void)pthread_sigmask(SIG_SETMASK, NULL, &set);
	CHECK(sigismember(&set, SIGTERM) == 0);	/* the creator's own */
}

static void
stack_main(void *arg)
{
	volatile char frame[160 * 1024];

	for (size_t i = 0; i < sizeof(frame); i += 1024)
		frame[i] = (char)i;
	*(int *)arg = frame[1024] == 0;
}

CASE(a_thread_s_stack_has_room)
{
	struct rumpuser_thread *t;
	int value = 0;

	NEED(rumpuser_thread_create(stack_main, &value, "stack", &t) == 0);
	CHECK_EQ("join", 0, rumpuser_thread_join(t));
	CHECK_EQ("value", 1, value);
}

/* --- last calls ---------------------------------------------------------- */

static uint32_t last_calls, other_calls;

static void
last_call(void *arg)
{

	(void)word_add(arg, 1);
}

static void
again_call(void *arg)
{

	if (word_add(arg, 1) < 3)
		(void)rumpuser_thread_atexit(again_call, arg);
}

static void
atexit_main(void *arg)
{

	(void)rumpuser_thread_atexit(last_call, &other_calls);
	(void)rumpuser_thread_atexit(last_call, arg);
}

static void
atexit_none_main(void *arg)
{

	(void)rumpuser_thread_atexit(last_call, arg);
	(void)rumpuser_thread_atexit(NULL, NULL);
}

static void
atexit_again_main(void *arg)
{

	(void)rumpuser_thread_atexit(again_call, arg);
}

static uint32_t
atexit_count(void (*fn)(void *))
{
	struct rumpuser_thread *t;

	last_calls = 0;
	NEED(rumpuser_thread_create(fn, &last_calls, "atexit", &t) == 0);
	CHECK_EQ("join", 0, rumpuser_thread_join(t));
	return last_calls;
}

CASE(the_last_call_of_a_thread_is_made_once)
{

	CHECK_EQ("calls", 1, atexit_count(atexit_main));
	CHECK_EQ("the one it replaced", 0, other_calls);
	CHECK_EQ("removed", 0, atexit_count(atexit_none_main));
	CHECK_EQ("asked for again", 3, atexit_count(atexit_again_main));
}

static void *
stranger_main(void *arg)
{

	atexit_main(arg);
	return NULL;
}

CASE(threads_of_the_program_have_a_last_call_too)
{
	pthread_t t;

	last_calls = 0;
	NEED(pthread_create(&t, NULL, stranger_main, &last_calls) == 0);
	outside_begin();
	NEED(pthread_join(t, NULL) == 0);
	outside_end();
	CHECK_EQ("calls", 1, last_calls);
}

static void *
stranger_park(void *arg)
{

	word_wait(arg, 1);
	(void)word_add(arg, 1);
	return NULL;
}

CASE(threads_of_the_program_can_sleep_and_be_woken)
{
	uint32_t word = 0;
	pthread_t t[3];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		NEED(pthread_create(&t[i], NULL, stranger_park, &word) == 0);
	(void)word_add(&word, 1);
	word_wait(&word, 4);
	outside_begin();
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		NEED(pthread_join(t[i], NULL) == 0);
	outside_end();
	CHECK_EQ("word", 4, word);
}

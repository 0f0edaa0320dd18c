/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_shmbus_kill.c - participants who are killed at any instruction
 *
 * Two pairs transfer: one side sends a numbered frame, the other answers with
 * the number, and a frame that is not answered for a while is sent again, as
 * any protocol above does it.  Meanwhile others send to everybody, in all
 * sizes, and are killed and replaced a thousand times.  The pairs note the
 * longest time between two answers.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "bus.h"
#include "harness.h"

#define NPAIRS		2
#define NVICTIMS	3
#define NKILLS		1000
#define AGAIN_NS	20000000	/* until a frame is sent again */
#define SECOND		1000000000

/* Shared by all processes. */
static struct board {
	bool		over;
	int		victim_error;
	struct {
		uint64_t	done;		/* answers */
		uint64_t	damaged;
		int64_t		longest;	/* ns between two */
		bool		started;
	} pair[NPAIRS];
	uint64_t	victim_frames;
} *board;

static int64_t
now(void)
{
	return rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO);
}

static bool
is_over(void)
{
	return __atomic_load_n(&board->over, __ATOMIC_RELAXED);
}

static void
wait_frame(struct station *st, int64_t deadline)
{
	if (!shmbus_arm(st->st_port))
		return;
	(void)shmbus_sleep(st->st_port, false, deadline);
	shmbus_disarm(st->st_port);
}

/* Numbers of pairs have this bit, those of victims have not. */
#define PAIR_BIT	0x40000000

static void
pair_send(unsigned int pair)
{
	int64_t last = now(), gap, again = 0;
	unsigned int n = PAIR_BIT, got;
	struct station st;
	int seed;

	if (station_join(&st, MAC(10 + pair), NULL) != 0)
		_exit(1);
	while (!is_over()) {
		if (now() >= again) {
			(void)station_send(&st, MAC(20 + pair),
			    n % 3 == 0 ? 60000 : 1000, n);
			shmbus_flush(st.st_port);
			again = now() + AGAIN_NS;
		}
		wait_frame(&st, again);
		while ((seed = station_recv(&st, NULL)) != -1) {
			got = (unsigned int)seed;
			board->pair[pair].damaged += seed == -2;
			if (seed < 0 || got != n)
				continue;
			gap = now() - last;
			last += gap;
			n = PAIR_BIT | (n + 1);
			again = 0;
			__atomic_store_n(&board->pair[pair].done,
			    board->pair[pair].done + 1, __ATOMIC_RELAXED);
			if (board->pair[pair].started &&
			    gap > board->pair[pair].longest)
				board->pair[pair].longest = gap;
			board->pair[pair].started = true;
		}
	}
	_exit(0);
}

static void
pair_answer(unsigned int pair)
{
	struct station st;
	int seed;

	if (station_join(&st, MAC(20 + pair), NULL) != 0)
		_exit(1);
	while (!is_over()) {
		wait_frame(&st, now() + AGAIN_NS);
		while ((seed = station_recv(&st, NULL)) != -1) {
			if (seed >= PAIR_BIT)
				(void)station_send(&st, MAC(10 + pair), 60,
				    (unsigned int)seed);
		}
		shmbus_flush(st.st_port);
	}
	_exit(0);
}

static void
victim(unsigned int number)
{
	static const uint64_t to[] = { MAC_ALL, MAC(10), MAC(11), MAC(20), MAC(21),
	    MAC(30), MAC(31), MAC(77) };
	struct station st;
	int error;

	error = station_join(&st, MAC(30 + number), NULL);
	if (error != 0) {
		board->victim_error = error;
		_exit(1);
	}
	for (unsigned int n = 1; ; n++) {
		(void)station_send(&st, to[n % ARRAY_SIZE(to)],
		    n % 5 == 0 ? 30000 : 200, n);
		shmbus_flush(st.st_port);
		(void)station_drain(&st);
		__atomic_fetch_add(&board->victim_frames, 1, __ATOMIC_RELAXED);
		if (n % 8 == 0)
			wait_frame(&st, now() + 1000000);
	}
}

static pid_t
start(void (*fn)(unsigned int), unsigned int number)
{
	pid_t pid = fork();

	if (pid == 0) {
		fn(number);
		_exit(0);
	}
	NEED(pid > 0);
	return pid;
}

static uint64_t
pair_done(unsigned int pair)
{
	return __atomic_load_n(&board->pair[pair].done, __ATOMIC_RELAXED);
}

/* Until some victim has sent n more frames, or a second has passed. */
static void
let_them(uint64_t n)
{
	uint64_t before = __atomic_load_n(&board->victim_frames, __ATOMIC_RELAXED);
	int64_t start_time = now();

	while (__atomic_load_n(&board->victim_frames, __ATOMIC_RELAXED) - before < n &&
	    now() - start_time < SECOND)
		rumpuser_thread_yield();
}

CASE(survivors_neither_fail_nor_stall_when_others_are_killed, .ht_seconds = 100)
{
	pid_t pairs[2 * NPAIRS], victims[NVICTIMS];
	uint64_t random = harness_seed() + 12345;
	uint64_t before[NPAIRS];
	int status;

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(board != MAP_FAILED);
	(void)bus_path();
	for (unsigned int i = 0; i < NPAIRS; i++) {
		pairs[i] = start(pair_answer, i);
		pairs[NPAIRS + i] = start(pair_send, i);
	}
	for (unsigned int i = 0; i < NVICTIMS; i++)
		victims[i] = start(victim, i);
	for (unsigned int i = 0; i < NKILLS; i++) {
		unsigned int who = (unsigned int)(random >> 33) % NVICTIMS;

		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		let_them((random >> 40) % 50);
		NEED(kill(victims[who], SIGKILL) == 0);
		NEED(waitpid(victims[who], &status, 0) == victims[who]);
		victims[who] = start(victim, who);
	}
	for (unsigned int i = 0; i < NPAIRS; i++)
		before[i] = pair_done(i);
	/* Still alive at the end: some answers more. */
	for (unsigned int i = 0; i < NPAIRS; i++) {
		while (pair_done(i) < before[i] + 10)
			rumpuser_thread_yield();
	}
	__atomic_store_n(&board->over, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < NVICTIMS; i++) {
		(void)kill(victims[i], SIGKILL);
		(void)waitpid(victims[i], &status, 0);
	}
	for (unsigned int i = 0; i < 2 * NPAIRS; i++) {
		NEED(waitpid(pairs[i], &status, 0) == pairs[i]);
		CHECK_EQ("status of a survivor", 0, status);
	}
	for (unsigned int i = 0; i < NPAIRS; i++) {
		harness_note("pair %u: %lu answers, longest wait %ld us", i,
		    (unsigned long)board->pair[i].done,
		    (long)board->pair[i].longest / 1000);
		CHECK_EQ("damaged", 0, board->pair[i].damaged);
		CHECK(board->pair[i].longest < (int64_t)SECOND * harness_slowness());
	}
	CHECK_EQ("every victim found a port", 0, board->victim_error);
	bus_remove();
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_shmbus_stop.c - participants who live and do not read
 *
 * They are stopped by a signal, or take frames and never give them back.  Who
 * sends to all, to them and to others must not run out of buffers for those
 * others, nor keep them waiting for a second.
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

#define NSTOPPED	198
#define ANSWERS		2000
#define AGAIN_NS	20000000	/* until a frame is sent again */
#define SECOND		1000000000LL

static struct station a, b, c;

static int64_t
now(void)
{
	return rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO);
}

static void
wait_frame(struct station *st, int64_t deadline)
{
	if (!shmbus_arm(st->st_port))
		return;
	(void)shmbus_sleep(st->st_port, false, deadline);
	shmbus_disarm(st->st_port);
}

/* As a driver waits whose frame was refused; false: for more than a second. */
static bool
wait_room(struct station *st, size_t len)
{
	int64_t start = now();

	while (!shmbus_room(st->st_port, len)) {
		if (now() - start > SECOND * harness_slowness())
			return false;
		wait_frame(st, now() + SHMBUS_PATIENCE);
	}
	return true;
}

/* --- one who does not read, by hand ----------------------------------------------- */

static void
join_three(void)
{
	NEED(station_join(&a, MAC(1), NULL) == 0);
	NEED(station_join(&b, MAC(2), NULL) == 0);
	NEED(station_join(&c, MAC(3), NULL) == 0);
}

static void
leave_three(void)
{
	station_leave(&a);
	station_leave(&b);
	station_leave(&c);
	bus_remove();
}

CASE(what_is_not_read_is_taken_back_and_no_more_sent_until_its_owner_moves)
{
	unsigned int n = 0;
	uint64_t drops;

	join_three();
	while (station_send(&a, MAC(2), 60, n) == 0)
		n++;
	CHECK_EQ("its share", 256, n);
	CHECK_EQ("to another", 0, station_send(&a, MAC(3), 60, 1));
	CHECK_EQ("who has it", 1, station_recv(&c, NULL));
	CHECK_EQ("still full", ENOBUFS, station_send(&a, MAC(2), 60, n));
	CHECK(wait_room(&a, 60));
	CHECK_EQ("all are back", 0, a.st_port->sp_peer[b.st_port->sp_index].se_held[0]);
	CHECK_EQ("and counted", n, a.st_port->sp_txdrops);
	drops = a.st_port->sp_txdrops;
	CHECK_EQ("no more", 0, station_send(&a, MAC(2), 60, n));
	CHECK_EQ("nor to all", 0, station_send(&a, MAC_ALL, 60, 5));
	CHECK_EQ("lost", drops + 2, a.st_port->sp_txdrops);
	CHECK_EQ("but to others", 5, station_recv(&c, NULL));
	/* It wakes, and looks. */
	CHECK_EQ("nothing", -1, station_recv(&b, NULL));
	CHECK_EQ("alive", 0, station_send(&a, MAC(2), 60, 6));
	CHECK_EQ("recv", 6, station_recv(&b, NULL));
	leave_three();
}

CASE(a_frame_taken_back_while_it_is_copied_is_not_delivered)
{
	unsigned int n = 0, got = 0;
	struct shmbus_rx rx;

	join_three();
	CHECK_EQ("send", 0, station_send(&a, MAC(2), 60, 1000));
	/* Stopped here: */
	NEED(shmbus_peek(b.st_port, &rx));
	while (station_send(&a, MAC(2), 60, n) == 0)
		n++;
	CHECK(wait_room(&a, 60));
	/* All buffers see other use. */
	for (n = 0; n < 600; n++) {
		CHECK_EQ("stopped", 0, station_send(&a, MAC(2), 60, n));
		CHECK_EQ("send", 0, station_send(&a, MAC(3), 60, n));
		CHECK_EQ("recv", n, station_recv(&c, NULL));
	}
	CHECK(!shmbus_take(b.st_port, &rx));
	CHECK_EQ("nothing else", -1, station_recv(&b, NULL));
	for (n = 0; n < 600; n++) {
		CHECK_EQ("again", 0, station_send(&a, MAC(2), 60, n));
		got += station_recv(&b, NULL) == (int)n;
	}
	CHECK_EQ("all of them", 600, got);
	leave_three();
}

CASE(who_keeps_large_frames_for_ever_has_no_more_than_his_share)
{
	struct shmbus_rx rx;
	unsigned int n = 0;

	join_three();
	while (station_send(&a, MAC(2), 60000, n) == 0) {
		NEED(shmbus_peek(b.st_port, &rx));
		CHECK(shmbus_hold(b.st_port, &rx));
		n++;
	}
	CHECK(n < 32);
	CHECK(shmbus_wanted(b.st_port, &rx));
	/* Above his share frames wait for a while, and are lost afterwards. */
	CHECK(wait_room(&a, 60000));
	for (unsigned int i = 0; i < 100; i++) {
		CHECK_EQ("lost", 0, station_send(&a, MAC(2), 60000, i));
		CHECK_EQ("send", 0, station_send(&a, MAC(3), 60000, i));
		CHECK_EQ("recv", i, station_recv(&c, NULL));
	}
	CHECK_EQ("small ones come", 0, station_send(&a, MAC(2), 60, 7));
	CHECK_EQ("recv", 7, station_recv(&b, NULL));
	leave_three();
}

/* --- many who are stopped ----------------------------------------------------------- */

/* Shared by all processes. */
static struct board {
	bool		over;
	unsigned int	joined;
	unsigned int	damaged;
	unsigned int	waked;		/* of the stopped ones that were sent to again */
} *board;

static bool
is_over(void)
{
	return __atomic_load_n(&board->over, __ATOMIC_RELAXED);
}

static void
stopped_main(void)
{
	static struct station st[NSTOPPED];
	int seed;

	for (unsigned int i = 0; i < NSTOPPED; i++) {
		if (station_join(&st[i], MAC(100 + i), NULL) != 0)
			_exit(1);
	}
	__atomic_store_n(&board->joined, NSTOPPED, __ATOMIC_RELEASE);
	(void)raise(SIGSTOP);
	while (!is_over()) {
		for (unsigned int i = 0; i < NSTOPPED; i++) {
			while ((seed = station_recv(&st[i], NULL)) != -1) {
				board->damaged += seed == -2;
				board->waked += seed >= 0;
			}
		}
		rumpuser_thread_yield();
	}
	_exit(0);
}

static void
answer_main(void)
{
	struct station st;
	int seed;

	if (station_join(&st, MAC(2), NULL) != 0)
		_exit(1);
	__atomic_add_fetch(&board->joined, 1, __ATOMIC_RELEASE);
	while (!is_over()) {
		wait_frame(&st, now() + AGAIN_NS);
		while ((seed = station_recv(&st, NULL)) != -1) {
			board->damaged += seed == -2;
			if (seed >= 0)
				(void)station_send(&st, MAC(1),
				    seed % 3 == 0 ? 60000 : 60, (unsigned int)seed);
		}
		shmbus_flush(st.st_port);
	}
	_exit(0);
}

static pid_t
start(void (*fn)(void))
{
	pid_t pid = fork();

	if (pid == 0)
		fn();
	NEED(pid > 0);
	return pid;
}

/* Frames to all and to those who are stopped, and numbers to who answers. */
static int64_t
exchange(void)
{
	int64_t last = now(), again = 0, longest = 0;
	unsigned int n = 1, other = 0;
	int seed;

	while (n <= ANSWERS) {
		if (now() >= again) {
			(void)station_send(&a, MAC_ALL, 60, 0x20000000);
			for (unsigned int i = 0; i < 4; i++, other++)
				(void)station_send(&a, MAC(100 + other % NSTOPPED),
				    other % 5 == 0 ? 60000 : 60, 0x20000001);
			(void)station_send(&a, MAC(2), n % 2 == 0 ? 60000 : 60, n);
			shmbus_flush(a.st_port);
			again = now() + AGAIN_NS;
		}
		wait_frame(&a, again);
		while ((seed = station_recv(&a, NULL)) != -1) {
			CHECK(seed != -2);
			if (seed != (int)n)
				continue;
			if (now() - last > longest)
				longest = now() - last;
			last = now();
			again = 0;
			n++;
		}
	}
	return longest;
}

CASE(many_who_are_stopped_do_not_keep_two_from_talking, .ht_seconds = 100)
{
	pid_t stopped, answers;
	int64_t longest;
	int status;

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(board != MAP_FAILED);
	NEED(station_join(&a, MAC(1), NULL) == 0);
	stopped = start(stopped_main);
	NEED(waitpid(stopped, &status, WUNTRACED) == stopped && WIFSTOPPED(status));
	answers = start(answer_main);
	while (__atomic_load_n(&board->joined, __ATOMIC_ACQUIRE) != NSTOPPED + 1)
		rumpuser_thread_yield();
	longest = exchange();
	harness_note("longest wait %ld us, %lu frames lost", (long)longest / 1000,
	    (unsigned long)a.st_port->sp_txdrops);
	CHECK(longest < SECOND * harness_slowness());
	/* They wake up, find what is left of their frames, and get new ones. */
	NEED(kill(stopped, SIGCONT) == 0);
	while (__atomic_load_n(&board->waked, __ATOMIC_RELAXED) < NSTOPPED) {
		(void)station_send(&a, MAC_ALL, 60, 0x20000000);
		shmbus_flush(a.st_port);
		(void)station_drain(&a);
		rumpuser_thread_yield();
	}
	__atomic_store_n(&board->over, true, __ATOMIC_RELAXED);
	NEED(waitpid(stopped, &status, 0) == stopped);
	CHECK_EQ("stopped", 0, status);
	NEED(waitpid(answers, &status, 0) == answers);
	CHECK_EQ("answers", 0, status);
	CHECK_EQ("damaged", 0, board->damaged);
	station_leave(&a);
	bus_remove();
}

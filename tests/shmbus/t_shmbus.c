/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_shmbus.c - what a bus promises to participants who keep the rules
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "../../comp/net/shmif/host/shmbus_host.h"
#include "bus.h"
#include "harness.h"

static struct station a, b, c;

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

/* --- frames ---------------------------------------------------------------- */

CASE(a_frame_reaches_its_address_and_nobody_else)
{
	join_three();
	CHECK_EQ("send", 0, station_send(&a, MAC(2), 60, 7));
	CHECK_EQ("seed", 7, station_recv(&b, NULL));
	CHECK_EQ("no more", -1, station_recv(&b, NULL));
	CHECK_EQ("others", -1, station_recv(&c, NULL));
	CHECK_EQ("itself", -1, station_recv(&a, NULL));
	leave_three();
}

CASE(frames_of_every_size_arrive_whole_and_in_order)
{
	static const size_t sizes[] = { 20, 60, 61, 1514, 2013, 2014, 2015, 9014,
	    65535, 65536, SHMBUS_FRAME_MAX };
	size_t len;

	join_three();
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++)
		CHECK_EQ("send", 0, station_send(&a, MAC(2), sizes[i], 100 + i));
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		CHECK_EQ("seed", 100 + i, station_recv(&b, &len));
		CHECK_EQ("length", sizes[i], len);
	}
	leave_three();
}

CASE(groups_and_unknown_addresses_reach_all_others)
{
	static const uint64_t to[] = { MAC_ALL, 0x3333, 0x01, MAC(99) };

	join_three();
	for (unsigned int i = 0; i < ARRAY_SIZE(to); i++) {
		CHECK_EQ("send", 0, station_send(&a, to[i], 60, i));
		CHECK_EQ("b", i, station_recv(&b, NULL));
		CHECK_EQ("c", i, station_recv(&c, NULL));
		CHECK_EQ("a", -1, station_recv(&a, NULL));
	}
	leave_three();
}

CASE(a_promiscuous_port_sees_everything)
{
	join_three();
	shmbus_promisc(c.st_port, true);
	CHECK_EQ("send", 0, station_send(&a, MAC(2), 60, 1));
	CHECK_EQ("b", 1, station_recv(&b, NULL));
	CHECK_EQ("c", 1, station_recv(&c, NULL));
	CHECK_EQ("send", 0, station_send(&a, MAC(3), 60, 2));
	CHECK_EQ("once", 1, station_drain(&c));
	shmbus_promisc(c.st_port, false);
	CHECK_EQ("send", 0, station_send(&a, MAC(2), 60, 3));
	CHECK_EQ("c", -1, station_recv(&c, NULL));
	leave_three();
}

CASE(an_address_behind_a_port_is_learned)
{
	uint8_t frame[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 9, 9, 9, 9, 9 };
	const struct shmbus_meta meta = { .sm_len = sizeof(frame) };
	const struct shmbus_iov iov = { frame, sizeof(frame) };

	join_three();
	CHECK_EQ("through a", 0, shmbus_send(a.st_port, &meta, &iov, 1));
	CHECK_EQ("b has it", 1, station_drain(&b));
	CHECK_EQ("c has it", 1, station_drain(&c));
	CHECK_EQ("back", 0, station_send(&b, 0x090909090902, 60, 5));
	CHECK_EQ("a has it", 5, station_recv(&a, NULL));
	CHECK_EQ("c has not", -1, station_recv(&c, NULL));
	/* It moves to another port. */
	CHECK_EQ("through c", 0, shmbus_send(c.st_port, &meta, &iov, 1));
	(void)station_drain(&a);
	(void)station_drain(&b);
	CHECK_EQ("back", 0, station_send(&b, 0x090909090902, 60, 6));
	CHECK_EQ("c has it", 6, station_recv(&c, NULL));
	CHECK_EQ("a has not", -1, station_recv(&a, NULL));
	leave_three();
}

CASE(frames_that_are_too_short_or_long_are_refused)
{
	static uint8_t frame[SHMBUS_FRAME_MAX + 1];
	static const size_t sizes[] = { 0, 1, 13, SHMBUS_FRAME_MAX + 1 };
	struct shmbus_meta meta = { 0 };
	struct shmbus_iov iov = { frame, 0 };

	join_three();
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		meta.sm_len = (uint32_t)sizes[i];
		iov.si_len = sizes[i];
		CHECK_EQ("size", EINVAL, shmbus_send(a.st_port, &meta, &iov, 1));
	}
	meta.sm_len = 60;
	iov.si_len = 61;
	CHECK_EQ("not as said", EINVAL, shmbus_send(a.st_port, &meta, &iov, 1));
	CHECK_EQ("nothing", -1, station_recv(&b, NULL));
	leave_three();
}

CASE(a_sender_without_buffers_is_told_and_woken)
{
	unsigned int n = 0;

	join_three();
	while (station_send(&a, MAC(2), 60, n) == 0)
		n++;
	CHECK_EQ("half of the buffers", 256, n);
	CHECK(!shmbus_room(a.st_port, 60));
	CHECK(shmbus_arm(a.st_port));
	CHECK_EQ("received", n, station_drain(&b));
	CHECK_EQ("awake", EAGAIN, shmbus_sleep(a.st_port, false, RUMPUSER_NOTIME));
	shmbus_disarm(a.st_port);
	CHECK(shmbus_room(a.st_port, 60));
	CHECK_EQ("again", 0, station_send(&a, MAC(2), 60, 1));
	leave_three();
}

CASE(a_full_ring_costs_frames_and_nothing_else)
{
	const struct shmbus_geometry geo = { .sg_ringlen = 64 };
	unsigned int n;

	NEED(station_join(&a, MAC(1), &geo) == 0);
	NEED(station_join(&b, MAC(2), NULL) == 0);
	for (unsigned int round = 0; round < 10; round++) {
		for (n = 0; n < 100; n++)
			CHECK_EQ("send", 0, station_send(&a, MAC(2), 60, n));
		for (n = 0; station_recv(&b, NULL) == (int)n; n++)
			continue;
		/* Words are given back a line at a time. */
		CHECK(n >= 56 && n <= 64);
		CHECK_EQ("empty", -1, station_recv(&b, NULL));
	}
	CHECK(a.st_port->sp_txdrops >= 360);
	station_leave(&a);
	station_leave(&b);
	bus_remove();
}

CASE(held_buffers_come_back_when_released)
{
	struct shmbus_rx rx[40];
	unsigned int n = 0;

	join_three();
	while (n < ARRAY_SIZE(rx) && station_send(&a, MAC(2), 60000, n) == 0)
		n++;
	CHECK_EQ("two thirds of the large buffers", 22, n);
	for (unsigned int i = 0; i < n; i++) {
		NEED(shmbus_peek(b.st_port, &rx[i]));
		CHECK(shmbus_hold(b.st_port, &rx[i]));
	}
	CHECK(!shmbus_room(a.st_port, 60000));
	CHECK(shmbus_wanted(b.st_port, &rx[0]));
	CHECK(shmbus_room(a.st_port, 60));
	CHECK_EQ("others have theirs", 0, station_send(&a, MAC(3), 60000, 1));
	CHECK_EQ("recv", 1, station_recv(&c, NULL));
	shmbus_release(b.st_port, &rx[21]);
	CHECK_EQ("one more", 0, station_send(&a, MAC(2), 60000, n));
	NEED(shmbus_peek(b.st_port, &rx[21]));
	CHECK(shmbus_hold(b.st_port, &rx[21]));
	for (unsigned int i = 0; i < n; i++)
		shmbus_release(b.st_port, &rx[i]);
	for (unsigned int i = 0; i < n; i++)
		CHECK_EQ("again", 0, station_send(&a, MAC(2), 60000, i));
	leave_three();
}

/* --- ports ----------------------------------------------------------------- */

CASE(an_address_is_given_once)
{
	join_three();
	CHECK_EQ("again", EADDRINUSE, station_join(&(struct station){ 0 }, MAC(2), NULL));
	station_leave(&b);
	CHECK_EQ("free now", 0, station_join(&b, MAC(2), NULL));
	CHECK_EQ("group", EINVAL, station_join(&(struct station){ 0 }, 3, NULL));
	CHECK_EQ("none", EINVAL, station_join(&(struct station){ 0 }, 0, NULL));
	leave_three();
}

CASE(a_full_bus_says_so_until_somebody_leaves_or_dies)
{
	const struct shmbus_geometry geo = { .sg_nports = 3 };
	struct station d;

	NEED(station_join(&a, MAC(1), &geo) == 0);
	NEED(station_join(&b, MAC(2), NULL) == 0);
	NEED(station_join(&c, MAC(3), NULL) == 0);
	CHECK_EQ("full", ENOSPC, station_join(&d, MAC(4), NULL));
	station_leave(&c);
	CHECK_EQ("left", 0, station_join(&c, MAC(4), NULL));
	station_die(&c);
	CHECK_EQ("died", 0, station_join(&c, MAC(5), NULL));
	CHECK_EQ("full", ENOSPC, station_join(&d, MAC(6), NULL));
	CHECK_EQ("send", 0, station_send(&a, MAC(5), 60, 8));
	CHECK_EQ("recv", 8, station_recv(&c, NULL));
	leave_three();
}

CASE(what_the_dead_were_sent_comes_back)
{
	unsigned int n = 0;

	join_three();
	while (station_send(&a, MAC(2), 60, n) == 0)
		n++;
	station_die(&b);
	CHECK_EQ("its share", 256, n);
	/* Without buffers the sender looks who lives. */
	while (!shmbus_room(a.st_port, 60)) {
		if (!shmbus_arm(a.st_port))
			continue;
		(void)shmbus_sleep(a.st_port, false,
		    rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO) + 1000000);
		shmbus_disarm(a.st_port);
	}
	CHECK_EQ("all are back", 512, a.st_port->sp_nfree[0]);
	NEED(station_join(&b, MAC(2), NULL) == 0);
	CHECK_EQ("send", 0, station_send(&a, MAC(2), 60, 4));
	CHECK_EQ("b", 4, station_recv(&b, NULL));
	CHECK_EQ("nothing old", -1, station_recv(&b, NULL));
	leave_three();
}

CASE(what_the_dead_have_sent_is_delivered_or_dropped_but_not_reused_while_read)
{
	const struct shmbus_geometry geo = { .sg_nports = 3 };
	struct shmbus_rx rx;
	uint8_t copy[4096];

	NEED(station_join(&a, MAC(1), &geo) == 0);
	NEED(station_join(&b, MAC(2), NULL) == 0);
	NEED(station_join(&c, MAC(3), NULL) == 0);
	CHECK_EQ("send", 0, station_send(&a, MAC(2), 60, 1));
	CHECK_EQ("send", 0, station_send(&a, MAC(2), 4096, 2));
	CHECK_EQ("send", 0, station_send(&a, MAC(2), 4096, 3));
	CHECK_EQ("small", 1, station_recv(&b, NULL));
	NEED(shmbus_peek(b.st_port, &rx));
	CHECK(shmbus_hold(b.st_port, &rx));
	memcpy(copy, rx.sr_data, sizeof(copy));
	station_die(&a);
	NEED(station_join(&a, MAC(7), NULL) == 0);
	CHECK_EQ("one held, one in the ring", 2, a.st_port->sp_nflight);
	while (station_send(&a, MAC(3), 4096, 9) == 0)
		continue;
	CHECK_MEM("held", copy, rx.sr_data, sizeof(copy));
	CHECK_EQ("in the ring", 3, station_recv(&b, NULL));
	shmbus_release(b.st_port, &rx);
	(void)station_drain(&c);
	CHECK(shmbus_room(a.st_port, 4096));
	CHECK_EQ("all come back", 0, station_send(&a, MAC(2), 4096, 5));
	CHECK_EQ("recv", 5, station_recv(&b, NULL));
	leave_three();
}

/* --- sleeping --------------------------------------------------------------- */

static void *
sleeper(void *arg)
{
	struct station *st = arg;

	while (!shmbus_ready(st->st_port)) {
		if (shmbus_arm(st->st_port)) {
			(void)shmbus_sleep(st->st_port, false, RUMPUSER_NOTIME);
			shmbus_disarm(st->st_port);
		}
	}
	return NULL;
}

CASE(a_sleeper_wakes_for_each_frame)
{
	pthread_t thread;

	join_three();
	for (unsigned int i = 0; i < 300; i++) {
		NEED(pthread_create(&thread, NULL, sleeper, &b) == 0);
		CHECK_EQ("send", 0, station_send(&a, MAC(2), 60, i));
		shmbus_flush(a.st_port);
		NEED(pthread_join(thread, NULL) == 0);
		CHECK_EQ("recv", i, station_recv(&b, NULL));
	}
	leave_three();
}

CASE(a_ringer_killed_on_the_way_leaves_the_bell_to_the_next)
{
	uint32_t *bell;

	join_three();
	bell = &b.st_port->sp_ctl->sc_bell;
	CHECK(shmbus_arm(b.st_port));
	/* Killed between changing the number and waking. */
	*bell += 2;
	CHECK_EQ("not asleep", EAGAIN, shmbus_sleep(b.st_port, false, RUMPUSER_NOTIME));
	CHECK((*bell & 1) != 0);
	shmbus_ring(&a.st_bus, b.st_port->sp_index);
	CHECK((*bell & 1) == 0);
	shmbus_disarm(b.st_port);
	leave_three();
}

/* --- threads: one mapping, so that a thread sanitizer can see ---------------- */

#define STORM_FRAMES	20000

struct storm {
	struct shmbus	 s_bus;
	struct shmbus_port *s_port;
	struct shmbus_port *s_to;
	unsigned int	 s_sent;
};

static void
storm_join(struct storm *s, uint64_t mac)
{
	uint64_t size;
	void *memory;
	int fd;

	NEED(rumpcomp_shmbus_open(bus_path(), false, NULL, 0, &fd, &size) == 0);
	NEED(shmbus_adopt(&s->s_bus, fd, a.st_bus.sb_base, size) == 0);
	memory = aligned_alloc(64, (shmbus_port_size(&s->s_bus) + 63) / 64 * 64);
	NEED(memory != NULL);
	NEED(shmbus_claim(&s->s_bus, memory, mac, "storm", 0, &s->s_port) == 0);
}

static void *
storm_send(void *arg)
{
	struct storm *s = arg;
	struct station st = { .st_bus = s->s_bus, .st_port = s->s_port };

	for (unsigned int i = 0; i < STORM_FRAMES; i++) {
		while (station_send(&st, MAC(1), i % 50 == 0 ? 5000 : 60, i) != 0)
			rumpuser_thread_yield();
		shmbus_flush(s->s_port);
	}
	return NULL;
}

CASE(frames_of_several_senders_at_once_arrive_whole)
{
	struct storm s[3];
	pthread_t thread[3];
	unsigned int got = 0;
	uint64_t drops = 0;
	bool over = false;

	NEED(station_join(&a, MAC(1), NULL) == 0);
	for (unsigned int i = 0; i < 3; i++)
		storm_join(&s[i], MAC(10 + i));
	for (unsigned int i = 0; i < 3; i++)
		NEED(pthread_create(&thread[i], NULL, storm_send, &s[i]) == 0);
	while (!over || shmbus_ready(a.st_port)) {
		int seed = station_recv(&a, NULL);

		NEED(seed != -2);
		got += seed >= 0;
		if (seed >= 0)
			continue;
		over = true;
		for (unsigned int i = 0; i < 3; i++) {
			if (__atomic_load_n(&s[i].s_port->sp_ctl->sc_txframes,
			    __ATOMIC_ACQUIRE) < STORM_FRAMES)
				over = false;
		}
		if (!over && shmbus_arm(a.st_port)) {
			/* The last frame's bell comes before its count is seen. */
			(void)shmbus_sleep(a.st_port, false,
			    rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO) + 10000000);
			shmbus_disarm(a.st_port);
		}
	}
	for (unsigned int i = 0; i < 3; i++) {
		NEED(pthread_join(thread[i], NULL) == 0);
		drops += s[i].s_port->sp_txdrops;
		shmbus_leave(s[i].s_port);
		free(s[i].s_port);
		rumpcomp_shmbus_close(s[i].s_bus.sb_fd);
	}
	got += station_drain(&a);
	CHECK_EQ("all that was not dropped", 3 * STORM_FRAMES, got + drops);
	/* Who did not come to read for long has lost some to the senders. */
	CHECK(a.st_port->sp_rxerrors <= drops);
	station_leave(&a);
	bus_remove();
}

/* --- files ------------------------------------------------------------------- */

CASE(a_file_that_is_something_else_is_refused_and_left_alone)
{
	struct station st;
	char text[5] = "";
	int fd = open(bus_path(), O_RDWR | O_CREAT, 0600);

	NEED(fd >= 0 && write(fd, "hello", 5) == 5);
	CHECK_EQ("text", EINVAL, station_join(&st, MAC(1), NULL));
	CHECK(pread(fd, text, 5, 0) == 5 && memcmp(text, "hello", 5) == 0);
	NEED(ftruncate(fd, 0) == 0);
	CHECK_EQ("empty", 0, station_join(&st, MAC(1), NULL));
	station_leave(&st);
	NEED(pwrite(fd, &(uint32_t){ 77 }, 4, 4) == 4);
	CHECK_EQ("version", EPROTONOSUPPORT, station_join(&st, MAC(1), NULL));
	(void)close(fd);
	bus_remove();
	CHECK_EQ("folder", EISDIR, shmbus_open(&st.st_bus, "/tmp", true, NULL));
	CHECK_EQ("device", EINVAL, shmbus_open(&st.st_bus, "/dev/null", true, NULL));
	CHECK_EQ("absent", ENOENT, shmbus_open(&st.st_bus, bus_path(), false, NULL));
}

CASE(a_maker_killed_half_way_leaves_a_file_that_the_next_finishes)
{
	struct shmbus_header header;
	int fd = open(bus_path(), O_RDWR | O_CREAT, 0600);

	NEED(fd >= 0 && shmbus_format(NULL, &header) == 0);
	NEED(ftruncate(fd, (off_t)header.sh_filesize) == 0);
	NEED(pwrite(fd, (char *)&header + 4, 100, 4) == 100);
	(void)close(fd);
	CHECK_EQ("join", 0, station_join(&a, MAC(1), NULL));
	station_leave(&a);
	bus_remove();
}

CASE(many_who_open_at_once_agree)
{
	int status, good = 0;

	for (int i = 0; i < 16; i++) {
		if (fork() == 0) {
			struct station st;
			int error = station_join(&st, MAC(1 + i), NULL);

			_exit(error == 0 ? 0 : 1);
		}
	}
	while (wait(&status) > 0)
		good += status == 0;
	CHECK_EQ("all", 16, good);
	bus_remove();
}

CASE(a_file_that_shrinks_ends_the_bus_and_not_the_process)
{
	join_three();
	CHECK(!rumpcomp_shmbus_lost(a.st_bus.sb_base));
	NEED(truncate(bus_path(), 100) == 0);
	(void)station_send(&a, MAC(2), 60, 1);
	shmbus_flush(a.st_port);
	CHECK_EQ("nothing", -1, station_recv(&a, NULL));
	CHECK(rumpcomp_shmbus_lost(a.st_bus.sb_base));
	leave_three();
}

/* --- cost --------------------------------------------------------------------- */

static double
unicast_cost(void)
{
	struct timespec t0, t1;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	for (unsigned int i = 0; i < 20000; i++) {
		(void)station_send(&a, MAC(2), 60, i);
		(void)station_recv(&b, NULL);
	}
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	return (double)(t1.tv_sec - t0.tv_sec) * 1e9 +
	    (double)(t1.tv_nsec - t0.tv_nsec);
}

#define ROUNDS	50

CASE(two_hundred_ports_do_not_slow_two_down)
{
	static struct station other[198];
	double few, many, ratio = 1e18;

	NEED(station_join(&a, MAC(1), NULL) == 0);
	NEED(station_join(&b, MAC(2), NULL) == 0);
	/*
	 * What else the machine does slows one of the two down, and the other after it has
	 * changed: they are measured in turn, until they agree once.
	 */
	for (int i = 0; i < ROUNDS && ratio >= 1.2; i++) {
		few = unicast_cost();
		for (unsigned int n = 0; n < ARRAY_SIZE(other); n++)
			NEED(station_join(&other[n], MAC(100 + n), NULL) == 0);
		many = unicast_cost();
		for (unsigned int n = 0; n < ARRAY_SIZE(other); n++)
			station_leave(&other[n]);
		harness_note("a frame: %.0f ns with 2 ports, %.0f ns with 200",
		    few / 20000, many / 20000);
		ratio = many / few < ratio ? many / few : ratio;
	}
	CHECK(ratio < 1.2);
	station_leave(&a);
	station_leave(&b);
	bus_remove();
}

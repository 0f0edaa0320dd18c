/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_shmbus_hostile.c - participants who write what they like
 *
 * They may lose us frames.  They must not make us read or write outside the
 * file, crash or run in circles; and when they stop, the bus works again.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rumpuser.h>

#include "bus.h"
#include "harness.h"

static struct station a, b;

static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Where damage is worth most: tables, rings, and heads of buffers. */
static uint64_t
pick(const struct shmbus *bus, uint64_t *seed)
{
	uint64_t r = next_random(seed), port;

	port = bus->sb_portoff + (r >> 32 & 1) * bus->sb_stride;
	switch (r & 7) {
	case 0:
		return (r >> 8) % bus->sb_portoff;
	case 1:
	case 2:
		return port + (r >> 8) % 512;
	case 3:
	case 4:
	case 5:
		return port + sizeof(struct shmbus_ctl) + (r >> 8) % 8192;
	default:
		return port + bus->sb_smalloff +
		    ((r >> 8) % 544) * bus->sb_geo.sg_smallsize + (r >> 20) % 40;
	}
}

static void
scribble(const struct shmbus *bus, uint64_t *seed)
{
	uint64_t at = pick(bus, seed), value = next_random(seed);

	/* Often something that is nearly right. */
	switch (value >> 60 & 3) {
	case 0:
		value &= 0xffff;
		break;
	case 1:
		value = bus->sb_base[at] + 1;
		break;
	default:
		break;
	}
	memcpy(bus->sb_base + at, &value, 1 + (value >> 56 & 7));
}

/* As a kernel would use its port, whatever comes. */
static void
use(struct station *st, uint64_t to, unsigned int i, struct shmbus_rx *held,
    bool *have)
{
	struct shmbus_rx rx;
	uint8_t copy[2048];

	(void)station_send(st, i % 7 == 0 ? MAC_ALL : to, i % 5 == 0 ? 4000 : 60, i);
	shmbus_flush(st->st_port);
	for (unsigned int n = 0; n < 4 && shmbus_peek(st->st_port, &rx); n++) {
		size_t len = rx.sr_meta.sm_len;

		memcpy(copy, rx.sr_data, len < sizeof(copy) ? len : sizeof(copy));
		memcpy(copy, rx.sr_data + len - 14, 14);
		if (*have)
			shmbus_release(st->st_port, held);
		*have = i % 3 == 0;
		if (*have) {
			*have = shmbus_hold(st->st_port, &rx);
			*held = rx;
		} else {
			(void)shmbus_take(st->st_port, &rx);
		}
	}
	if (shmbus_arm(st->st_port)) {
		shmbus_ring(&st->st_bus, st->st_port->sp_index);
		shmbus_disarm(st->st_port);
	}
	if (i % 16 == 0)
		(void)shmbus_room(st->st_port, 4000);
}

/* The peace after: frames get through, both ways. */
static void
check_peace(void)
{
	bool ab = false, ba = false;

	for (unsigned int i = 0; i < 3000 && !(ab && ba); i++) {
		(void)station_send(&a, MAC(2), 60, 1000000 + i);
		(void)station_send(&b, MAC(1), 60, 2000000 + i);
		shmbus_flush(a.st_port);
		for (int got = 0; (got = station_recv(&b, NULL)) != -1; )
			ab |= got == (int)(1000000 + i);
		for (int got = 0; (got = station_recv(&a, NULL)) != -1; )
			ba |= got == (int)(2000000 + i);
		if (shmbus_arm(a.st_port))
			shmbus_disarm(a.st_port);
		if (shmbus_arm(b.st_port))
			shmbus_disarm(b.st_port);
	}
	CHECK(ab);
	CHECK(ba);
}

CASE(whatever_is_in_the_file_nothing_breaks, .ht_seeds = 20)
{
	uint64_t seed = harness_seed() * 0x9e3779b97f4a7c15ULL | 1;
	struct shmbus_rx held[2];
	bool have[2] = { false, false };

	NEED(station_join(&a, MAC(1), NULL) == 0);
	NEED(station_join(&b, MAC(2), NULL) == 0);
	for (unsigned int i = 0; i < 20000; i++) {
		for (uint64_t n = next_random(&seed) % 4; n > 0; n--)
			scribble(&a.st_bus, &seed);
		use(&a, MAC(2), i, &held[0], &have[0]);
		use(&b, MAC(1), i, &held[1], &have[1]);
	}
	check_peace();
	station_leave(&a);
	station_leave(&b);
	bus_remove();
}

static bool storm_over;

static void *
storm(void *arg)
{
	uint64_t *seed = arg;

	while (!__atomic_load_n(&storm_over, __ATOMIC_RELAXED))
		scribble(&b.st_bus, seed);
	return NULL;
}

CASE(a_thread_that_scribbles_all_the_time_breaks_nothing, .ht_seeds = 3)
{
	uint64_t seed = harness_seed() * 0x9e3779b97f4a7c15ULL | 1;
	struct shmbus_rx held;
	bool have = false;
	pthread_t thread;

	/* b's mapping is another one: no data race in the language's sense. */
	NEED(station_join(&a, MAC(1), NULL) == 0);
	NEED(station_join(&b, MAC(2), NULL) == 0);
	NEED(pthread_create(&thread, NULL, storm, &seed) == 0);
	for (unsigned int i = 0; i < 100000; i++)
		use(&a, MAC(2), i, &held, &have);
	__atomic_store_n(&storm_over, true, __ATOMIC_RELAXED);
	NEED(pthread_join(thread, NULL) == 0);
	check_peace();
	station_leave(&a);
	station_leave(&b);
	bus_remove();
}

CASE(a_header_with_any_numbers_is_checked, .ht_seeds = 5)
{
	uint64_t seed = harness_seed() * 0x9e3779b97f4a7c15ULL | 1;
	static struct shmbus_header page;
	struct shmbus bus;
	unsigned int good = 0;

	for (unsigned int i = 0; i < 20000; i++) {
		uint32_t *word = &page.sh_nports + next_random(&seed) % 8;

		NEED(shmbus_format(NULL, &page) == 0);
		*word = (uint32_t)next_random(&seed) >> (next_random(&seed) % 32);
		good += shmbus_adopt(&bus, -1, &page, sizeof(page)) == 0;
	}
	CHECK_EQ("larger than what is there", 0, good);
}

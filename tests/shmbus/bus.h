/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bus.h - what the tests of the bus share: a bus of one's own and frames
 */

#ifndef TESTS_SHMBUS_BUS_H
#define TESTS_SHMBUS_BUS_H

#include <shmbus.h>

#define CASE(name, ...) \
	TEST_WITH(name, .ht_flags = HARNESS_BARE, __VA_ARGS__)

/* A path that no other test uses; nothing is there. */
const char *bus_path(void);
void	bus_remove(void);

/* A participant: a file of its own, so a life of its own. */
struct station {
	struct shmbus	 st_bus;
	struct shmbus_port *st_port;
};

/* 0 or an errno; geo for who comes first. */
int	station_join(struct station *st, uint64_t mac,
	    const struct shmbus_geometry *geo);
void	station_leave(struct station *st);

/* Vanishes as if it was killed: nothing is put in order. */
void	station_die(struct station *st);

/* Frame of len bytes, filled from the seed.  As shmbus_send(). */
int	station_send(struct station *st, uint64_t to, size_t len, unsigned int seed);

/*
 * Takes the next one: its seed, or -1 if there is none, -2 if it is damaged, -3 if
 * its sender took it back.
 */
int	station_recv(struct station *st, size_t *ret_len);

/* How many come. */
unsigned int station_drain(struct station *st);

#define MAC(n)	(0x02ULL | (uint64_t)(n) << 32)		/* 02:00:00:00:nn:nn */
#define MAC_ALL	0xffffffffffffULL

#endif /* TESTS_SHMBUS_BUS_H */

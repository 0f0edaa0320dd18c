/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmbus_mac.c - which port has an address
 *
 * A table in the file of buckets of eight words, a cache line each; a word is
 * address << 16 | generation << 10 | port.  A word is a claim, not the truth:
 * it counts only while that port lives in that generation, so that what the
 * dead leave behind is a miss and may be overwritten.  A bucket that is full
 * of living is no misfortune either: who is not found is sent a copy of what
 * goes to everybody.
 */

#include <sys/types.h>

#include "shmbus_impl.h"

#define MAC_GEN(gen)	((uint64_t)((gen) & 0x3f))

static uint64_t *
mac_bucket(const struct shmbus *bus, uint64_t mac)
{
	uint64_t hash = mac * 0x9e3779b97f4a7c15ULL >> 32;
	uint64_t *table;

	table = (uint64_t *)(void *)(bus->sb_base + sizeof(struct shmbus_header));
	return table + (hash & (bus->sb_nbucket - 1)) * SHMBUS_BUCKET;
}

/* Is the word about a living port?  Then its index and state. */
static bool
mac_alive(const struct shmbus *bus, uint64_t word, uint32_t *ret_port,
    uint32_t *ret_state)
{
	uint32_t port = (uint32_t)word & 0x3ff, state;

	if (word == 0 || port >= bus->sb_geo.sg_nports)
		return false;
	state = atomic_load_acq(&shmbus_ctl_of(bus, port)->sc_state);
	if (SHMBUS_STATE(state) != SHMBUS_PORT_LIVE ||
	    MAC_GEN(SHMBUS_GEN(state)) != (word >> 10 & 0x3f))
		return false;
	*ret_port = port;
	*ret_state = state;
	return true;
}

bool
shmbus_mac_find(const struct shmbus *bus, uint64_t mac, uint32_t *ret_port,
    uint32_t *ret_state)
{
	uint64_t *bucket = mac_bucket(bus, mac), word;

	for (unsigned int i = 0; i < SHMBUS_BUCKET; i++) {
		word = atomic_load(&bucket[i]);
		if (word >> 16 == mac &&
		    mac_alive(bus, word, ret_port, ret_state))
			return true;
	}
	return false;
}

void
shmbus_mac_set(const struct shmbus *bus, uint64_t mac, uint32_t port,
    uint32_t gen)
{
	uint64_t *bucket = mac_bucket(bus, mac), old;
	uint64_t word = mac << 16 | MAC_GEN(gen) << 10 | port;
	uint32_t other, state;

	/* In place of what was said of this address before ... */
	for (unsigned int i = 0; i < SHMBUS_BUCKET; i++) {
		old = atomic_load(&bucket[i]);
		if (old >> 16 == mac && old != 0 &&
		    atomic_cas_ar(&bucket[i], &old, word))
			return;
	}
	/* ... or of what is not true any more. */
	for (unsigned int i = 0; i < SHMBUS_BUCKET; i++) {
		old = atomic_load(&bucket[i]);
		if (!mac_alive(bus, old, &other, &state) &&
		    atomic_cas_ar(&bucket[i], &old, word))
			return;
	}
}

void
shmbus_mac_clear(const struct shmbus *bus, uint64_t mac, uint32_t port)
{
	uint64_t *bucket = mac_bucket(bus, mac), old;

	for (unsigned int i = 0; i < SHMBUS_BUCKET; i++) {
		old = atomic_load(&bucket[i]);
		if (old >> 16 == mac && ((uint32_t)old & 0x3ff) == port)
			(void)atomic_cas_ar(&bucket[i], &old, 0);
	}
}

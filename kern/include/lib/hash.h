/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hash.h - hashing for tables inside the kernel
 *
 * Not for anything that leaves it.  hash_bytes() is seeded at boot, so that
 * outsiders cannot choose names that collide.
 */

#ifndef LIB_HASH_H
#define LIB_HASH_H

#include <sys/types.h>

extern uint64_t hash_secret;		/* random_boot() draws it */

uint64_t hash_bytes(const void *data, size_t len, uint64_t seed);

static inline uint64_t
hash_u64(uint64_t x)
{
	x ^= x >> 32;
	x *= 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	return x;
}

static inline uint64_t
hash_ptr(const void *p)
{
	return hash_u64((uint64_t)(uintptr_t)p >> 4);
}

#endif /* LIB_HASH_H */

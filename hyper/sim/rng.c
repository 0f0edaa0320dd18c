/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rng.c - the numbers that decide instead of chance
 *
 * A counter through a mixing function (splitmix64): tiny state, any seed is
 * good, and streams of different seeds do not meet.
 */

#include "sim_impl.h"

#define GOLDEN	UINT64_C(0x9e3779b97f4a7c15)

static uint64_t
mix(uint64_t z)
{

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
simrng_seed(struct simrng *rng, uint64_t seed, uint64_t stream)
{

	rng->sr_state = mix(seed * GOLDEN + mix(stream + 1));
}

uint64_t
simrng_next(struct simrng *rng)
{

	rng->sr_state += GOLDEN;
	return mix(rng->sr_state);
}

uint64_t
simrng_below(struct simrng *rng, uint64_t n)
{

	return (uint64_t)(((unsigned __int128)simrng_next(rng) * n) >> 64);
}

bool
simrng_permille(struct simrng *rng, unsigned int chance)
{

	return simrng_below(rng, 1000) < chance;
}

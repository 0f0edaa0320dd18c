/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hash.c - a hash of bytes that outsiders cannot predict
 *
 * Sixteen bytes a step are folded into the state by one 64 by 64 bit
 * multiplication whose upper half is not thrown away.  Both factors are
 * mixed with hash_secret, which boot draws at random, so that who does not
 * know it can neither compute values nor make a factor vanish.
 *
 * This is for tables in memory: values differ between two runs and must
 * not be stored or sent.
 */

#include <lib/hash.h>
#include <lib/string.h>

/* Odd numbers: of the golden ratio, of the square roots of 3 and 7. */
#define HASH_K0		0x9e3779b97f4a7c15ULL
#define HASH_K1		0xbb67ae8584caa73bULL
#define HASH_K2		0xa54ff53a5f1d36f1ULL

uint64_t hash_secret = HASH_K2;		/* set once, early in boot */

static uint64_t
fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static uint64_t
load64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t
load32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* At most 16 bytes as two words; the pieces may overlap. */
static void
load_tail(const unsigned char *p, size_t len, uint64_t *a, uint64_t *b)
{
	if (len >= 8) {
		*a = load64(p);
		*b = load64(p + len - 8);
	} else if (len >= 4) {
		*a = load32(p);
		*b = load32(p + len - 4);
	} else if (len > 0) {
		*a = (uint64_t)p[0] << 16 | (uint64_t)p[len / 2] << 8 |
		    p[len - 1];
		*b = 0;
	} else {
		*a = *b = 0;
	}
}

uint64_t
hash_bytes(const void *data, size_t len, uint64_t seed)
{
	const unsigned char *p = data;
	uint64_t secret = hash_secret;
	uint64_t h = seed ^ HASH_K0 ^ secret;
	uint64_t a, b;
	size_t left;

	for (left = len; left > 16; left -= 16, p += 16)
		h = fold(load64(p) ^ secret, load64(p + 8) ^ h);
	load_tail(p, left, &a, &b);
	h = fold(a ^ secret, b ^ h);
	return fold(h ^ HASH_K0, len ^ HASH_K1 ^ secret);
}

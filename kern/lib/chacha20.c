/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * chacha20.c - the ChaCha20 key stream of RFC 8439
 *
 * Four blocks are made at a time, each word of the state being a vector of
 * the same word of four blocks, so that the quarter rounds are the RFC's
 * lines unchanged and any compiler with 128-bit vectors does four of them
 * at once.  What is asked for beyond a multiple of four goes through a
 * buffer on the stack, which is cleared.
 */

#include <lib/chacha20.h>

#include <lib/string.h>

#define LANES	4
#define WORDS	16

typedef uint32_t lanes __attribute__((__vector_size__(LANES * 4)));

static inline lanes
splat(uint32_t w)
{
	return (lanes){ w, w, w, w };
}

static inline lanes
rotl(lanes x, int n)
{
	return x << n | x >> (32 - n);
}

/* Section 2.1. */
static inline void
quarter_round(lanes *a, lanes *b, lanes *c, lanes *d)
{
	*a += *b; *d ^= *a; *d = rotl(*d, 16);
	*c += *d; *b ^= *c; *b = rotl(*b, 12);
	*a += *b; *d ^= *a; *d = rotl(*d, 8);
	*c += *d; *b ^= *c; *b = rotl(*b, 7);
}

static uint32_t
load_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static void
store_le32(uint8_t *p, uint32_t w)
{
	p[0] = (uint8_t)w;
	p[1] = (uint8_t)(w >> 8);
	p[2] = (uint8_t)(w >> 16);
	p[3] = (uint8_t)(w >> 24);
}

/* Section 2.3: constants, key, counter, nonce. */
static void
state_init(lanes *st, const uint8_t *key, uint32_t counter,
    const uint8_t *nonce)
{
	static const char constants[] = "expand 32-byte k";

	for (int i = 0; i < 4; i++)
		st[i] = splat(load_le32((const uint8_t *)constants + 4 * i));
	for (int i = 0; i < 8; i++)
		st[4 + i] = splat(load_le32(key + 4 * i));
	st[12] = (lanes){ counter, counter + 1, counter + 2, counter + 3 };
	for (int i = 0; i < 3; i++)
		st[13 + i] = splat(load_le32(nonce + 4 * i));
}

static void
four_blocks(const lanes *st, uint8_t *out)
{
	lanes x[WORDS];

	memcpy(x, st, sizeof(x));
	for (int i = 0; i < 10; i++) {
		quarter_round(&x[0], &x[4], &x[8], &x[12]);
		quarter_round(&x[1], &x[5], &x[9], &x[13]);
		quarter_round(&x[2], &x[6], &x[10], &x[14]);
		quarter_round(&x[3], &x[7], &x[11], &x[15]);
		quarter_round(&x[0], &x[5], &x[10], &x[15]);
		quarter_round(&x[1], &x[6], &x[11], &x[12]);
		quarter_round(&x[2], &x[7], &x[8], &x[13]);
		quarter_round(&x[3], &x[4], &x[9], &x[14]);
	}
	for (int w = 0; w < WORDS; w++) {
		x[w] += st[w];
		for (int lane = 0; lane < LANES; lane++)
			store_le32(out + CHACHA20_BLOCK * lane + 4 * w,
			    x[w][lane]);
	}
}

/* The compiler may not see that this has no effect it could drop. */
static void
wipe(void *p, size_t len)
{
	memset(p, 0, len);
	__asm__ volatile("" : : "r"(p) : "memory");
}

void
chacha20_stream(const uint8_t key[CHACHA20_KEY], uint32_t counter,
    const uint8_t nonce[CHACHA20_NONCE], uint8_t *out, size_t nblocks)
{
	uint8_t rest[LANES * CHACHA20_BLOCK];
	lanes st[WORDS];

	state_init(st, key, counter, nonce);
	for (; nblocks >= LANES; nblocks -= LANES) {
		four_blocks(st, out);
		out += LANES * CHACHA20_BLOCK;
		st[12] += splat(LANES);
	}
	if (nblocks > 0) {
		four_blocks(st, rest);
		memcpy(out, rest, nblocks * CHACHA20_BLOCK);
		wipe(rest, sizeof(rest));
	}
	wipe(st, sizeof(st));
}

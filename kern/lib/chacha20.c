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

/* All machines we run on are of this kind; so words move as they are. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little endian");

static uint32_t
load_word(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/*
 * Words w to w + 3 of four blocks: what was a word of each block becomes
 * four words of one block.
 */
static inline void
store_words(const lanes *x, uint8_t *out)
{
	lanes ab_low = __builtin_shufflevector(x[0], x[1], 0, 4, 1, 5);
	lanes ab_high = __builtin_shufflevector(x[0], x[1], 2, 6, 3, 7);
	lanes cd_low = __builtin_shufflevector(x[2], x[3], 0, 4, 1, 5);
	lanes cd_high = __builtin_shufflevector(x[2], x[3], 2, 6, 3, 7);
	lanes block[LANES] = {
		__builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5),
		__builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7),
		__builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5),
		__builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7),
	};

	for (int i = 0; i < LANES; i++)
		memcpy(out + CHACHA20_BLOCK * i, &block[i], sizeof(block[i]));
}

/* Section 2.3: constants, key, counter, nonce. */
static void
state_init(lanes *st, const uint8_t *key, uint32_t counter,
    const uint8_t *nonce)
{
	static const char constants[] = "expand 32-byte k";

	for (int i = 0; i < 4; i++)
		st[i] = splat(load_word((const uint8_t *)constants + 4 * i));
	for (int i = 0; i < 8; i++)
		st[4 + i] = splat(load_word(key + 4 * i));
	st[12] = (lanes){ counter, counter + 1, counter + 2, counter + 3 };
	for (int i = 0; i < 3; i++)
		st[13 + i] = splat(load_word(nonce + 4 * i));
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
	for (int w = 0; w < WORDS; w++)
		x[w] += st[w];
	for (int w = 0; w < WORDS; w += LANES)
		store_words(&x[w], out + 4 * w);
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

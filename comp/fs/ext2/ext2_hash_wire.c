/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_hash_wire.c - hashes of names in indexed directories
 *
 * Three functions, each in two forms: an accident of history made the sign
 * of the C type char part of the format. They are no defence against
 * chosen names except by their seed; the format prescribes them.
 *
 * References: ext4 documentation, "Directory Hash"; RFC 1320 (MD4, of which
 * the rounds here are half); Wheeler and Needham, "TEA", 1994.
 */

#include "ext2_wire.h"

#define HASH_EOF	0xfffffffeu	/* means: end of directory */

static const uint32_t default_seed[4] = {
	0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476
};

/* A character as a number, with the sign the directory wants. */
static uint32_t
name_char(char c, bool is_signed)
{
	return is_signed ? (uint32_t)(int32_t)(signed char)c :
	    (uint32_t)(unsigned char)c;
}

/* Names go in as big-endian words; the length fills what they leave. */
static void
name_words(const char *name, size_t len, bool is_signed, uint32_t *words,
    size_t nwords)
{
	uint32_t pad = (uint32_t)(len | len << 8);
	size_t take = len < nwords * 4 ? len : nwords * 4;
	uint32_t word;

	pad |= pad << 16;
	for (size_t w = 0; w < nwords; w++) {
		word = pad;
		for (size_t i = w * 4; i < take && i < w * 4 + 4; i++)
			word = name_char(name[i], is_signed) + (word << 8);
		words[w] = word;
	}
}

static uint32_t
hash_legacy(const char *name, size_t len, bool is_signed)
{
	uint32_t hash, h0 = 0x12a3fe2d, h1 = 0x37abe8f9;

	for (size_t i = 0; i < len; i++) {
		hash = h1 + (h0 ^ name_char(name[i], is_signed) * 7152373);
		if (hash & 0x80000000)
			hash -= 0x7fffffff;
		h1 = h0;
		h0 = hash;
	}
	return h0 << 1;
}

static uint32_t
rotate(uint32_t x, unsigned int bits)
{
	return x << bits | x >> (32 - bits);
}

/*
 * The three rounds of MD4 over eight words instead of sixteen. `order`
 * says in which order a round takes the words, `turn` how it rotates.
 */
static void
half_md4(uint32_t state[4], const uint32_t in[8])
{
	static const uint8_t order[3][8] = {
		{ 0, 1, 2, 3, 4, 5, 6, 7 },
		{ 1, 3, 5, 7, 0, 2, 4, 6 },
		{ 3, 7, 2, 6, 1, 5, 0, 4 },
	};
	static const uint8_t turn[3][4] = {
		{ 3, 7, 11, 19 }, { 3, 5, 9, 13 }, { 3, 9, 11, 15 },
	};
	static const uint32_t constant[3] = { 0, 0x5a827999, 0x6ed9eba1 };
	uint32_t v[4] = { state[0], state[1], state[2], state[3] };
	uint32_t f, t;

	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 8; i++) {
			if (round == 0)
				f = (v[1] & v[2]) | (~v[1] & v[3]);
			else if (round == 1)
				f = (v[1] & v[2]) | (v[1] & v[3]) |
				    (v[2] & v[3]);
			else
				f = v[1] ^ v[2] ^ v[3];
			t = rotate(v[0] + f + in[order[round][i]] +
			    constant[round], turn[round][i % 4]);
			/* a b c d of the next step are d a b c of this. */
			v[0] = v[3];
			v[3] = v[2];
			v[2] = v[1];
			v[1] = t;
		}
	}
	for (unsigned int i = 0; i < 4; i++)
		state[i] += v[i];
}

static void
tea(uint32_t state[4], const uint32_t in[4])
{
	uint32_t sum = 0, y = state[0], z = state[1];

	for (unsigned int round = 0; round < 16; round++) {
		sum += 0x9e3779b9;
		y += ((z << 4) + in[0]) ^ (z + sum) ^ ((z >> 5) + in[1]);
		z += ((y << 4) + in[2]) ^ (y + sum) ^ ((y >> 5) + in[3]);
	}
	state[0] += y;
	state[1] += z;
}

static uint32_t
hash_half_md4(const char *name, size_t len, bool is_signed, uint32_t state[4])
{
	uint32_t in[8];

	for (size_t off = 0; off < len; off += 32) {
		name_words(name + off, len - off, is_signed, in, 8);
		half_md4(state, in);
	}
	return state[1];
}

static uint32_t
hash_tea(const char *name, size_t len, bool is_signed, uint32_t state[4])
{
	uint32_t in[4];

	for (size_t off = 0; off < len; off += 16) {
		name_words(name + off, len - off, is_signed, in, 4);
		tea(state, in);
	}
	return state[0];
}

int
ext2_hash_name(unsigned int version, const uint32_t seed[4],
    const char *name, size_t len, uint32_t *ret_hash)
{
	bool is_signed = version < EXT2_HASH_LEGACY_UNSIGNED;
	bool seeded = (seed[0] | seed[1] | seed[2] | seed[3]) != 0;
	uint32_t state[4], hash;

	__builtin_memcpy(state, seeded ? seed : default_seed, sizeof(state));
	switch (version) {
	case EXT2_HASH_LEGACY:
	case EXT2_HASH_LEGACY_UNSIGNED:
		hash = hash_legacy(name, len, is_signed);
		break;
	case EXT2_HASH_HALF_MD4:
	case EXT2_HASH_HALF_MD4_UNSIGNED:
		hash = hash_half_md4(name, len, is_signed, state);
		break;
	case EXT2_HASH_TEA:
	case EXT2_HASH_TEA_UNSIGNED:
		hash = hash_tea(name, len, is_signed, state);
		break;
	default:
		return EOPNOTSUPP;
	}
	/* The lowest bit marks a collision that continues in a next block. */
	hash &= ~1u;
	*ret_hash = hash == HASH_EOF ? HASH_EOF - 2 : hash;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_hash.c - SipHash-2-4, the keyed function behind what strangers see of us
 *
 * Initial sequence numbers (RFC 6528), SYN cookies, timestamp offsets and fast
 * open cookies must not tell anybody the next one.  Aumasson and Bernstein's
 * function is a MAC made for short inputs: two rounds a word, four at the end.
 */

#include "tcp_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>

static inline uint64_t
rotl(uint64_t v, unsigned int n)
{
	return v << n | v >> (64 - n);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static inline void
sip_word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
}

uint64_t
siphash(const uint64_t key[2], const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t last = (uint64_t)len << 56;
	uint64_t v[4] = {
		key[0] ^ 0x736f6d6570736575ULL, key[1] ^ 0x646f72616e646f6dULL,
		key[0] ^ 0x6c7967656e657261ULL, key[1] ^ 0x7465646279746573ULL,
	};

	for (; len >= 8; p += 8, len -= 8)
		sip_word(v, le64_get(p));
	for (size_t i = 0; i < len; i++)
		last |= (uint64_t)p[i] << (8 * i);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

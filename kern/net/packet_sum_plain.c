/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * packet_sum_plain.c - one's complement sums on any machine
 *
 * Words of 32 bits into sums of 64, four at a time, so that a compiler which
 * knows vectors may use them; carries gather in the upper halves and are
 * folded at the end.
 */

#include "net_impl.h"

#include <lib/string.h>

static uint64_t
word32(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

uint32_t
sum_bytes(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t a = 0, b = 0, c = 0, d = 0;
	uint8_t rest[4] = { 0 };

	for (; len >= 16; p += 16, len -= 16) {
		a += word32(p);
		b += word32(p + 4);
		c += word32(p + 8);
		d += word32(p + 12);
	}
	a += b + c + d;
	for (; len >= 4; p += 4, len -= 4)
		a += word32(p);
	memcpy(rest, p, len);
	a += word32(rest);
	a = (a & 0xffffffff) + (a >> 32);
	a = (a & 0xffffffff) + (a >> 32);
	a = (a & 0xffff) + (a >> 16);
	a = (a & 0xffff) + (a >> 16);
	return (uint32_t)a;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * input.c - what a fuzzer's input says, one piece after another
 */

#include "input.h"

#include <string.h>

uint32_t
take(struct input *in, unsigned int bytes)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < bytes && in->i_left > 0; i++, in->i_left--)
		v |= (uint32_t)*in->i_p++ << (8 * i);
	return v;
}

void
take_bytes(struct input *in, void *to, size_t len)
{
	size_t n = len < in->i_left ? len : in->i_left;

	memcpy(to, in->i_p, n);
	in->i_p += n;
	in->i_left -= n;
}

void
spoil(struct input *in, unsigned int max, void *to, size_t size)
{
	for (unsigned int n = take(in, 1) % (max + 1); n > 0; n--) {
		size_t off = take(in, 1) % size, len = 1 + take(in, 1) % 8;

		take_bytes(in, (uint8_t *)to + off, len < size - off ? len : size - off);
	}
}

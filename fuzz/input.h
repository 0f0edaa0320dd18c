/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * input.h - what a fuzzer's input says, one piece after another
 *
 * When it is over there are nothing but zeroes.
 */

#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct input {
	const uint8_t	*i_p;
	size_t		 i_left;
};

/* A number of so many octets, at most 4, the lowest first. */
uint32_t take(struct input *in, unsigned int bytes);
void	take_bytes(struct input *in, void *to, size_t len);
/* A few words of what is there become what the input says: at most max. */
void	spoil(struct input *in, unsigned int max, void *to, size_t size);

#endif /* FUZZ_INPUT_H */

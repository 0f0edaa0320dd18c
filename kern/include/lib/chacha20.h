/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * chacha20.h - the ChaCha20 block function (RFC 8439, section 2.3)
 */

#ifndef LIB_CHACHA20_H
#define LIB_CHACHA20_H

#include <sys/types.h>

#define CHACHA20_KEY	32	/* bytes */
#define CHACHA20_NONCE	12
#define CHACHA20_BLOCK	64

/*
 * nblocks blocks of key stream, the first with the given counter, into out.
 * The counter wraps at 2^32.
 */
void	chacha20_stream(const uint8_t key[CHACHA20_KEY], uint32_t counter,
	    const uint8_t nonce[CHACHA20_NONCE], uint8_t *out, size_t nblocks);

#endif /* LIB_CHACHA20_H */

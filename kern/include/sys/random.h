/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * random.h - random bytes: ChaCha20 (RFC 8439) keyed by the host's entropy
 *
 * One generator per vCPU, rekeyed from its own output after each request
 * (so that the past cannot be computed) and from the host now and then.
 */

#ifndef SYS_RANDOM_H
#define SYS_RANDOM_H

#include <sys/types.h>

void	random_bytes(void *buf, size_t len);
uint64_t random_u64(void);
uint32_t random_below(uint32_t bound);		/* uniform */

#endif /* SYS_RANDOM_H */

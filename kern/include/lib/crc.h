/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lib/crc.h - cyclic redundancy checks of disk formats and protocols
 *
 * All of these take the running value and return the next one, raw: no
 * function inverts anything on the way in or out, because formats differ
 * in whether they do.  The usual "CRC-32C of a buffer" is
 * ~crc32c(~0u, buf, len); ext4 leaves the outer inversion out.
 *
 * A check can be taken piecemeal: crc32c(crc32c(c, a, n), b, m) is the
 * check of a followed by b.
 */

#ifndef LIB_CRC_H
#define LIB_CRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* CRC-16/ARC, reflected 0x8005: ext4 group descriptors before metadata_csum. */
uint16_t	crc16(uint16_t, const void *, size_t);

/* Castagnoli, reflected: ext4, JBD2, iSCSI, SCTP.  In hardware where it is. */
uint32_t	crc32c(uint32_t, const void *, size_t);

/* IEEE 802.3, reflected: GPT, gzip, Ethernet. */
uint32_t	crc32(uint32_t, const void *, size_t);

/* The same polynomial, most significant bit first: JBD2 checksum v1, bzip2. */
uint32_t	crc32_be(uint32_t, const void *, size_t);

/* The tables' way, also where the machine has instructions: for tests. */
uint32_t	crc32c_table(uint32_t, const void *, size_t);

/*
 * What the machine offers, one file an architecture: false if it has no
 * instruction for crc32c, else the next value in *ret_crc.
 */
bool	crc32c_machine(uint32_t, const void *, size_t, uint32_t *ret_crc);

#endif /* LIB_CRC_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * crc_plain.c - for machines whose crc32c instruction we do not use
 *
 * NEEDSWORK: arm64 has CRC32CX (ID_AA64ISAR0_EL1.CRC32); a crc_aarch64.c
 * beside crc_x86_64.c, chosen by the build, would use it.
 */

#include <lib/crc.h>

bool
crc32c_machine(uint32_t crc, const void *buf, size_t len, uint32_t *ret_crc)
{
	(void)crc;
	(void)buf;
	(void)len;
	(void)ret_crc;
	return false;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * crc_x86_64.c - crc32c by the CRC32 instruction of SSE 4.2
 *
 * Asking the processor (CPUID) costs tens of microseconds under a
 * hypervisor, so the answer is kept.  The race of two first callers is
 * harmless: both find the same answer.
 *
 * The instruction takes three cycles, but a new one may begin each cycle. So
 * longer buffers are taken as three lanes at once; what the first lane gives
 * is then moved over the second and third as if these were zeroes, by a table.
 *
 * References: Intel SDM volume 2, CPUID leaf 1 (ECX bit 20) and CRC32.
 */

#include <lib/crc.h>

#include "crc_impl.h"

enum { CRC_UNKNOWN, CRC_NONE, CRC_SSE42 };

static int crc_machine = CRC_UNKNOWN;

static int
crc_machine_probe(void)
{
	uint32_t eax = 1, ebx, ecx = 0, edx;

	__asm__ volatile("cpuid"
	    : "+a" (eax), "=b" (ebx), "+c" (ecx), "=d" (edx));
	return (ecx & (UINT32_C(1) << 20)) != 0 ? CRC_SSE42 : CRC_NONE;
}

#define LANE	256

/* What each byte of a check becomes after LANE zeroes. */
static const uint32_t crc32c_over_lane[4][256] = {
	{ CRC_256(0xdcb17aa4, 0xbc8e83b9, 0x7cf17183, 0xf9e2e306,
	    0xf629b0fd, 0xe9bf170b, 0xd69258e7, 0xa8c8c73f) },
	{ CRC_256(0x547df88f, 0xa8fbf11e, 0x541b94cd, 0xa837299a,
	    0x558225c5, 0xab044b8a, 0x53e4e1e5, 0xa7c9c3ca) },
	{ CRC_256(0x4a7ff165, 0x94ffe2ca, 0x2c13b365, 0x582766ca,
	    0xb04ecd94, 0x6571edd9, 0xcae3dbb2, 0x902bc195) },
	{ CRC_256(0x25bbf5db, 0x4b77ebb6, 0x96efd76c, 0x2833d829,
	    0x5067b052, 0xa0cf60a4, 0x4472b7b9, 0x88e56f72) },
};

static inline uint32_t
crc_over_lane(uint32_t crc)
{
	return crc32c_over_lane[0][crc & 0xff] ^
	    crc32c_over_lane[1][(crc >> 8) & 0xff] ^
	    crc32c_over_lane[2][(crc >> 16) & 0xff] ^
	    crc32c_over_lane[3][crc >> 24];
}

static inline uint64_t
crc_word(const uint8_t *p)
{
	uint64_t word;

	__builtin_memcpy(&word, p, sizeof(word));
	return word;
}

/* Three lanes that follow each other. */
__attribute__((target("sse4.2")))
static uint32_t
crc32c_lanes(uint32_t crc, const uint8_t *p)
{
	uint64_t a = crc, b = 0, c = 0;

	for (size_t i = 0; i < LANE; i += 8) {
		a = __builtin_ia32_crc32di(a, crc_word(p + i));
		b = __builtin_ia32_crc32di(b, crc_word(p + LANE + i));
		c = __builtin_ia32_crc32di(c, crc_word(p + 2 * LANE + i));
	}
	crc = crc_over_lane((uint32_t)a) ^ (uint32_t)b;
	return crc_over_lane(crc) ^ (uint32_t)c;
}

__attribute__((target("sse4.2")))
static uint32_t
crc32c_sse42(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t wide;

	while (len >= 3 * LANE) {
		crc = crc32c_lanes(crc, p);
		p += 3 * LANE;
		len -= 3 * LANE;
	}
	wide = crc;
	while (len >= 8) {
		wide = __builtin_ia32_crc32di(wide, crc_word(p));
		p += 8;
		len -= 8;
	}
	crc = (uint32_t)wide;
	while (len-- > 0)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return crc;
}

bool
crc32c_machine(uint32_t crc, const void *buf, size_t len, uint32_t *ret_crc)
{
	int machine = __atomic_load_n(&crc_machine, __ATOMIC_RELAXED);

	if (machine == CRC_UNKNOWN) {
		machine = crc_machine_probe();
		__atomic_store_n(&crc_machine, machine, __ATOMIC_RELAXED);
	}
	if (machine != CRC_SSE42)
		return false;
	*ret_crc = crc32c_sse42(crc, buf, len);
	return true;
}

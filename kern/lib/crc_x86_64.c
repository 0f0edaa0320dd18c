/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * crc_x86_64.c - crc32c by the CRC32 instruction of SSE 4.2
 *
 * Asking the processor (CPUID) costs tens of microseconds under a
 * hypervisor, so the answer is kept.  The race of two first callers is
 * harmless: both find the same answer.
 *
 * References: Intel SDM volume 2, CPUID leaf 1 (ECX bit 20) and CRC32.
 */

#include <lib/crc.h>

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

__attribute__((target("sse4.2")))
static uint32_t
crc32c_sse42(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t word, wide = crc;

	while (len >= 8) {
		__builtin_memcpy(&word, p, sizeof(word));
		wide = __builtin_ia32_crc32di(wide, word);
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

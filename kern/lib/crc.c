/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * crc.c - cyclic redundancy checks
 *
 * The reflected 32-bit checks take eight bytes a step ("slicing by 8"):
 * table k holds what a byte contributes after k further bytes, so eight
 * look-ups that do not wait for each other replace eight that do.
 *
 * References: Castagnoli et al. 1993 (0x1EDC6F41); IEEE 802.3 (0x04C11DB7);
 * Kounavis and Berry, "A systematic approach to building high performance
 * software-based CRC generators", 2005.
 */

#include <lib/crc.h>

#include "crc_impl.h"

/* Castagnoli, reflected: 0x82f63b78. */
static const uint32_t crc32c_slices[8][256] = {
	{ CRC_256(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf,
	    0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78) },
	{ CRC_256(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8,
	    0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9) },
	{ CRC_256(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5,
	    0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743) },
	{ CRC_256(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6,
	    0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f) },
	{ CRC_256(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91,
	    0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c) },
	{ CRC_256(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f,
	    0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6) },
	{ CRC_256(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53,
	    0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4) },
	{ CRC_256(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da,
	    0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664) },
};

/* IEEE 802.3, reflected: 0xedb88320. */
static const uint32_t crc32_slices[8][256] = {
	{ CRC_256(0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832,
	    0x1db71064, 0x3b6e20c8, 0x76dc4190, 0xedb88320) },
	{ CRC_256(0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08,
	    0x4ac21251, 0x958424a2, 0xf0794f05, 0x3b83984b) },
	{ CRC_256(0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8,
	    0x1c26a370, 0x384d46e0, 0x709a8dc0, 0xe1351b80) },
	{ CRC_256(0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef,
	    0x5019579f, 0xa032af3e, 0x9b14583d, 0xed59b63b) },
	{ CRC_256(0x3d6029b0, 0x7ac05360, 0xf580a6c0, 0x30704bc1,
	    0x60e09782, 0xc1c12f04, 0x58f35849, 0xb1e6b092) },
	{ CRC_256(0xcb5cd3a5, 0x4dc8a10b, 0x9b914216, 0xec53826d,
	    0x03d6029b, 0x07ac0536, 0x0f580a6c, 0x1eb014d8) },
	{ CRC_256(0xa6770bb4, 0x979f1129, 0xf44f2413, 0x33ef4e67,
	    0x67de9cce, 0xcfbd399c, 0x440b7579, 0x8816eaf2) },
	{ CRC_256(0xccaa009e, 0x4225077d, 0x844a0efa, 0xd3e51bb5,
	    0x7cbb312b, 0xf9766256, 0x299dc2ed, 0x533b85da) },
};

/* IEEE 802.3, most significant bit first: 0x04c11db7. */
static const uint32_t crc32_be_bytes[256] = {
	CRC_256(0x04c11db7, 0x09823b6e, 0x130476dc, 0x2608edb8,
	    0x4c11db70, 0x9823b6e0, 0x34867077, 0x690ce0ee)
};

/* CRC-16/ARC, reflected: 0xa001. */
static const uint16_t crc16_bytes[256] = {
	CRC_256(0xc0c1, 0xc181, 0xc301, 0xc601,
	    0xcc01, 0xd801, 0xf001, 0xa001)
};

static inline uint32_t
crc_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static uint32_t
crc_sliced(const uint32_t t[8][256], uint32_t crc, const uint8_t *p,
    size_t len)
{
	uint32_t a, b;

	while (len >= 8) {
		a = crc_le32(p) ^ crc;
		b = crc_le32(p + 4);
		crc = t[7][a & 0xff] ^ t[6][(a >> 8) & 0xff] ^
		    t[5][(a >> 16) & 0xff] ^ t[4][a >> 24] ^
		    t[3][b & 0xff] ^ t[2][(b >> 8) & 0xff] ^
		    t[1][(b >> 16) & 0xff] ^ t[0][b >> 24];
		p += 8;
		len -= 8;
	}
	while (len-- > 0)
		crc = (crc >> 8) ^ t[0][(crc ^ *p++) & 0xff];
	return crc;
}

uint32_t
crc32c_table(uint32_t crc, const void *buf, size_t len)
{
	return crc_sliced(crc32c_slices, crc, buf, len);
}

uint32_t
crc32c(uint32_t crc, const void *buf, size_t len)
{
	uint32_t result;

	if (crc32c_machine(crc, buf, len, &result))
		return result;
	return crc32c_table(crc, buf, len);
}

uint32_t
crc32(uint32_t crc, const void *buf, size_t len)
{
	return crc_sliced(crc32_slices, crc, buf, len);
}

uint32_t
crc32_be(uint32_t crc, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	while (len-- > 0)
		crc = (crc << 8) ^ crc32_be_bytes[(crc >> 24) ^ *p++];
	return crc;
}

uint16_t
crc16(uint16_t crc, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	while (len-- > 0)
		crc = (uint16_t)((crc >> 8) ^ crc16_bytes[(crc ^ *p++) & 0xff]);
	return crc;
}

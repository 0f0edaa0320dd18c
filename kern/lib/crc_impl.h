/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * crc_impl.h - how the tables of checks are written
 *
 * A CRC is linear: the entry of byte i is the exclusive or of the entries
 * of its bits.  So each table of 256 is written as the eight entries of the
 * powers of two, and the preprocessor spells out the rest.
 */

#ifndef LIB_CRC_IMPL_H
#define LIB_CRC_IMPL_H

#define CRC_BIT(i, b, k)	((((i) >> (b)) & 1) ? (k) : 0)
#define CRC_1(i, k0, k1, k2, k3, k4, k5, k6, k7)			\
	(CRC_BIT(i, 0, k0) ^ CRC_BIT(i, 1, k1) ^ CRC_BIT(i, 2, k2) ^	\
	CRC_BIT(i, 3, k3) ^ CRC_BIT(i, 4, k4) ^ CRC_BIT(i, 5, k5) ^	\
	CRC_BIT(i, 6, k6) ^ CRC_BIT(i, 7, k7))
#define CRC_4(i, ...)							\
	CRC_1(i, __VA_ARGS__), CRC_1((i) + 1, __VA_ARGS__),		\
	CRC_1((i) + 2, __VA_ARGS__), CRC_1((i) + 3, __VA_ARGS__)
#define CRC_16(i, ...)							\
	CRC_4(i, __VA_ARGS__), CRC_4((i) + 4, __VA_ARGS__),		\
	CRC_4((i) + 8, __VA_ARGS__), CRC_4((i) + 12, __VA_ARGS__)
#define CRC_64(i, ...)							\
	CRC_16(i, __VA_ARGS__), CRC_16((i) + 16, __VA_ARGS__),		\
	CRC_16((i) + 32, __VA_ARGS__), CRC_16((i) + 48, __VA_ARGS__)
#define CRC_256(...)							\
	CRC_64(0, __VA_ARGS__), CRC_64(64, __VA_ARGS__),		\
	CRC_64(128, __VA_ARGS__), CRC_64(192, __VA_ARGS__)

#endif /* LIB_CRC_IMPL_H */

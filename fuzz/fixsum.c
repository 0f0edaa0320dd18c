/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fixsum.c - checksums of a changed base, made right again
 *
 * A search by chance never gets past a checksum, but whoever makes an image
 * on purpose does.  Which checksum a block has follows from the role it had
 * while the base was sound.
 *
 * References: "ext4 Data Structures and Algorithms", Linux documentation;
 * UEFI 2.10, section 5.3.
 */

#include <string.h>

#include "base.h"

#define CRC32_POLY	0xedb88320u	/* of the GPT */
#define CRC32C_POLY	0x82f63b78u	/* of ext4 */
#define JBD_MAGIC	0xc03b3998u

static uint32_t
crc(uint32_t poly, uint32_t value, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		value ^= p[i];
		for (int k = 0; k < 8; k++)
			value = value >> 1 ^ (value & 1 ? poly : 0);
	}
	return value;
}

static uint32_t
crc32c(uint32_t value, const uint8_t *p, size_t len)
{
	return crc(CRC32C_POLY, value, p, len);
}

static uint32_t
le16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t
le32(const uint8_t *p)
{
	return le16(p) | le16(p + 2) << 16;
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static void
put(uint8_t *p, uint32_t v, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void
put_be32(uint8_t *p, uint32_t v)
{
	for (unsigned int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* --- ext4 ------------------------------------------------------------------------ */

static uint32_t
inode_seed(const struct base *b, uint32_t ino, uint32_t generation)
{
	uint8_t le[8];

	put(le, ino, 4);
	put(le + 4, generation, 4);
	return crc32c(b->b_seed, le, sizeof(le));
}

static void
fix_groups(const struct base *b, uint8_t *p)
{
	uint8_t number[4];
	uint32_t v;

	for (uint32_t group = 0; (group + 1) * b->b_desc <= BASE_UNIT; group++) {
		uint8_t *desc = p + (size_t)group * b->b_desc;

		put(number, group, 4);
		put(desc + 0x1e, 0, 2);
		v = crc32c(b->b_seed, number, sizeof(number));
		put(desc + 0x1e, crc32c(v, desc, b->b_desc), 2);
	}
}

static void
fix_inodes(const struct base *b, const struct role *r, uint8_t *p)
{
	uint32_t first = (r->r_block - b->b_itable) * (BASE_UNIT / b->b_isize) + 1;
	uint32_t v;

	for (uint32_t i = 0; i < BASE_UNIT / b->b_isize; i++, p += b->b_isize) {
		put(p + 0x7c, 0, 2);
		if (b->b_isize > 128 && le16(p + 0x80) >= 4)
			put(p + 0x82, 0, 2);
		v = crc32c(inode_seed(b, first + i, le32(p + 0x64)), p, b->b_isize);
		put(p + 0x7c, v, 2);
		if (b->b_isize > 128 && le16(p + 0x80) >= 4)
			put(p + 0x82, v >> 16, 2);
	}
}

static void
fix_htree(uint32_t seed, uint8_t *p)
{
	uint32_t start = le16(p + 4) == BASE_UNIT ? 8 : 24 + p[29];
	uint32_t limit = le16(p + start), count = le16(p + start + 2);
	uint32_t tail = start + limit * 8;
	uint32_t v;

	if (tail + 8 > BASE_UNIT || count > limit)
		return;
	v = crc32c(seed, p, start + count * 8);
	put(p + tail + 4, 0, 4);
	put(p + tail + 4, crc32c(v, p + tail, 8), 4);
}

static void
fix_extents(uint32_t seed, uint8_t *p)
{
	uint32_t tail = 12 + le16(p + 4) * 12;

	if (tail + 4 <= BASE_UNIT)
		put(p + tail, crc32c(seed, p, tail), 4);
}

static void
fix_xattr(const struct base *b, uint32_t block, uint8_t *p)
{
	uint8_t number[8] = { 0 };

	put(number, block, 4);
	put(p + 16, 0, 4);
	put(p + 16, crc32c(crc32c(b->b_seed, number, sizeof(number)), p,
	    BASE_UNIT), 4);
}

static uint32_t
journal_seed(const struct base *b)
{
	for (size_t i = 0; i < b->b_nroles; i++) {
		const uint8_t *p = b->b_data +
		    (size_t)b->b_roles[i].r_block * BASE_UNIT;

		if (b->b_roles[i].r_kind == ROLE_JOURNAL &&
		    be32(p) == JBD_MAGIC && be32(p + 4) == 4)
			return crc32c(~0u, p + 0x30, 16);
	}
	return 0;
}

static void
fix_journal(const struct base *b, uint8_t *p)
{
	uint32_t seed = journal_seed(b);

	if (be32(p) != JBD_MAGIC)
		return;
	switch (be32(p + 4)) {
	case 1:
	case 5:
		put_be32(p + BASE_UNIT - 4, 0);
		put_be32(p + BASE_UNIT - 4, crc32c(seed, p, BASE_UNIT));
		break;
	case 2:
		put_be32(p + 16, 0);
		put_be32(p + 16, crc32c(seed, p, BASE_UNIT));
		break;
	case 4:
		put_be32(p + 0xfc, 0);
		put_be32(p + 0xfc, crc32c(~0u, p, BASE_UNIT));
		break;
	}
}

/* --- the partition table ------------------------------------------------------------- */

static void
fix_gpt(const struct base *b, size_t at)
{
	uint32_t sector = b->b_seed;
	uint8_t *p = b->b_data + at;
	uint64_t entries = (le32(p + 72) | (uint64_t)le32(p + 76) << 32);
	uint64_t len = (uint64_t)le32(p + 80) * le32(p + 84);
	uint32_t size = le32(p + 12);

	if (entries < b->b_size / sector && len <= b->b_size - entries * sector)
		put(p + 88, ~crc(CRC32_POLY, ~0u, b->b_data + entries * sector,
		    (size_t)len), 4);
	if (size >= 92 && size <= sector) {
		put(p + 16, 0, 4);
		put(p + 16, ~crc(CRC32_POLY, ~0u, p, size), 4);
	}
}

static void
fix_block(const struct base *b, const struct role *r)
{
	uint8_t *p = b->b_data + (size_t)r->r_block * BASE_UNIT;
	uint32_t seed = inode_seed(b, r->r_ino, r->r_generation);

	switch (r->r_kind) {
	case ROLE_SUPER:
		put(p + 0x3fc, crc32c(~0u, p, 0x3fc), 4);
		break;
	case ROLE_GROUPS:
		fix_groups(b, p);
		break;
	case ROLE_INODES:
		fix_inodes(b, r, p);
		break;
	case ROLE_DIR:
		put(p + BASE_UNIT - 4, crc32c(seed, p, BASE_UNIT - 12), 4);
		break;
	case ROLE_HTREE:
		fix_htree(seed, p);
		break;
	case ROLE_EXTENTS:
		fix_extents(seed, p);
		break;
	case ROLE_XATTR:
		fix_xattr(b, r->r_block, p);
		break;
	case ROLE_JOURNAL:
		fix_journal(b, p);
		break;
	default:
		break;
	}
}

void
base_fix(struct base *b)
{
	if (b->b_seed == 0)
		return;
	if (b->b_roles[0].r_kind == ROLE_TABLE) {
		fix_gpt(b, b->b_seed);
		fix_gpt(b, b->b_size - b->b_seed);
		return;
	}
	for (size_t i = 0; i < b->b_nroles; i++) {
		for (size_t k = 0; k < b->b_nchanged; k++) {
			if (b->b_roles[i].r_block == b->b_changed[k])
				fix_block(b, &b->b_roles[i]);
		}
	}
}

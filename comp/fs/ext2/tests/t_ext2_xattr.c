/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire_sample.h"

#define BLKSIZE	1024
#define BLKNO	345

/* A block with user.abc = "value" and security.x = "", unhashed. */
static void
sample_block(uint8_t *p)
{
	memset(p, 0, BLKSIZE);
	put_le32(p, 0xea020000);
	put_le32(p + 4, 1);
	put_le32(p + 8, 1);
	p[32] = 3;
	p[33] = EXT2_XATTR_USER;
	put_le16(p + 34, BLKSIZE - 8);
	put_le32(p + 40, 5);
	memcpy(p + 48, "abc", 3);
	p[52] = 1;
	p[53] = EXT2_XATTR_SECURITY;
	memcpy(p + 68, "x", 1);
	memcpy(p + BLKSIZE - 8, "value", 5);
}

static int
block_parse(const struct ext2_super *sb, const uint8_t *p,
    struct ext2_xattr *ret_xa, struct ext2_why *why)
{
	struct ext2_xattrs xs;
	int error;

	why->w_reason = "";
	error = ext2_xattrs_of_block(sb, BLKNO, p, BLKSIZE, &xs, why);
	return error ? error : ext2_xattr_find(&xs, EXT2_XATTR_USER, "abc", 3,
	    ret_xa, why);
}

TEST_WITH(attributes_of_a_block_are_found, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);
	struct ext2_xattr xa;
	struct ext2_xattrs xs;
	struct ext2_why why;
	uint8_t raw[BLKSIZE];

	sample_block(raw);
	NEED(block_parse(&sb, raw, &xa, &why) == 0);
	CHECK_EQ("size", 5, xa.e_size);
	CHECK_MEM("value", "value", xa.e_value, 5);
	NEED(ext2_xattrs_of_block(&sb, BLKNO, raw, BLKSIZE, &xs, &why) == 0);
	CHECK_EQ("an empty value", 0, ext2_xattr_find(&xs,
	    EXT2_XATTR_SECURITY, "x", 1, &xa, &why));
	CHECK_EQ("its size", 0, xa.e_size);
	CHECK_EQ("another index", ENODATA, ext2_xattr_find(&xs,
	    EXT2_XATTR_TRUSTED, "abc", 3, &xa, &why));
	CHECK_EQ("a prefix", ENODATA, ext2_xattr_find(&xs, EXT2_XATTR_USER,
	    "ab", 2, &xa, &why));
}

static const struct {
	const char *label;
	unsigned int off;
	uint32_t value;		/* 32 bits */
	const char *reason;
} block_cases[] = {
	{ "magic", 0, 0xea010000, "wrong magic number" },
	{ "blocks", 8, 2, "more than one block" },
	{ "value behind the end", 40, 9, "value out of range" },
	{ "value huge", 40, 0xffffffff, "value out of range" },
	{ "hash", 44, 1, "wrong hash" },
	{ "zero in name", 48, 0x00630061, "zero byte in name" },
};

TEST_WITH(attribute_blocks_are_checked, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);
	struct ext2_xattr xa;
	struct ext2_why why;
	uint8_t raw[BLKSIZE];

	for (size_t i = 0; i < ARRAY_SIZE(block_cases); i++) {
		sample_block(raw);
		put_le32(raw + block_cases[i].off, block_cases[i].value);
		CHECK_EQ(block_cases[i].label, EUCLEAN,
		    block_parse(&sb, raw, &xa, &why));
		CHECK_STR(block_cases[i].label, block_cases[i].reason,
		    why.w_reason);
	}
}

TEST_WITH(a_list_without_end_ends, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);
	struct ext2_xattrs xs;
	struct ext2_xattr xa;
	struct ext2_why why;
	uint8_t raw[BLKSIZE];

	memset(raw, 0, sizeof(raw));
	put_le32(raw, 0xea020000);
	put_le32(raw + 8, 1);
	for (unsigned int off = 32; off + 16 <= BLKSIZE; off += 16)
		raw[off + 1] = EXT2_XATTR_TRUSTED;
	NEED(ext2_xattrs_of_block(&sb, BLKNO, raw, BLKSIZE, &xs, &why) == 0);
	CHECK_EQ("full to the brim", EUCLEAN, ext2_xattr_find(&xs,
	    EXT2_XATTR_USER, "abc", 3, &xa, &why));
	CHECK_STR("reason", "list without end", why.w_reason);
}

TEST_WITH(attribute_block_checksum_knows_its_place, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(true);
	uint8_t raw[BLKSIZE], le[8] = { BLKNO & 0xff, BLKNO >> 8 };
	struct ext2_xattrs xs;
	struct ext2_why why;
	uint32_t crc;

	sample_block(raw);
	crc = crc32c(crc32c(sb.s_csum_seed, le, 8), raw, BLKSIZE);
	put_le32(raw + 16, crc);
	CHECK_EQ("sealed", 0, ext2_xattrs_of_block(&sb, BLKNO, raw, BLKSIZE,
	    &xs, &why));
	CHECK_EQ("elsewhere", EUCLEAN, ext2_xattrs_of_block(&sb, BLKNO + 1,
	    raw, BLKSIZE, &xs, &why));
	for (size_t bit = 0; bit < BLKSIZE * 8; bit++) {
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!CHECK(ext2_xattrs_of_block(&sb, BLKNO, raw, BLKSIZE, &xs,
		    &why) == EUCLEAN))
			harness_note("bit %zu", bit);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static const struct {
	const char *name;
	int want;
	uint8_t index;
	const char *rest;
} name_cases[] = {
	{ "user.abc", 0, EXT2_XATTR_USER, "abc" },
	{ "user.", ENODATA, 0, "" },
	{ "trusted.t", 0, EXT2_XATTR_TRUSTED, "t" },
	{ "security.selinux", 0, EXT2_XATTR_SECURITY, "selinux" },
	{ "system.posix_acl_access", 0, EXT2_XATTR_ACL_ACCESS, "" },
	{ "system.posix_acl_default", 0, EXT2_XATTR_ACL_DEFAULT, "" },
	{ "system.posix_acl_access2", ENODATA, 0, "" },
	{ "system.data", ENODATA, 0, "" },
	{ "other.x", ENODATA, 0, "" },
	{ "", ENODATA, 0, "" },
};

TEST_WITH(names_are_split_into_index_and_rest, .ht_flags = HARNESS_BARE)
{
	for (size_t i = 0; i < ARRAY_SIZE(name_cases); i++) {
		const char *rest = "", *name = name_cases[i].name;
		uint8_t index = 0;
		size_t len = 0;

		CHECK_EQ(name, name_cases[i].want, ext2_xattr_index(name,
		    strlen(name), &index, &rest, &len));
		CHECK_EQ(name, name_cases[i].index, index);
		CHECK_EQ(name, strlen(name_cases[i].rest), len);
		CHECK_STR(name, name_cases[i].rest, rest);
	}
}

TEST_WITH(access_control_lists_get_ids_for_all, .ht_flags = HARNESS_BARE)
{
	static const uint8_t stored[] = {
		1, 0, 0, 0,		/* version */
		1, 0, 6, 0,		/* user::rw- */
		2, 0, 4, 0, 0xd2, 4, 0, 0,	/* user:1234:r-- */
		4, 0, 4, 0, 0x10, 0, 4, 0, 0x20, 0, 0, 0,
	};
	static const uint8_t want[] = {
		2, 0, 0, 0,
		1, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,
		2, 0, 4, 0, 0xd2, 4, 0, 0,
		4, 0, 4, 0, 0xff, 0xff, 0xff, 0xff,
		0x10, 0, 4, 0, 0xff, 0xff, 0xff, 0xff,
		0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
	};
	uint8_t out[sizeof(want)];
	struct ext2_why why;
	size_t len = 0;

	CHECK_EQ("length", 0, ext2_acl_export(stored, sizeof(stored), NULL, 0,
	    &len, &why));
	CHECK_EQ("length", sizeof(want), len);
	CHECK_EQ("list", 0, ext2_acl_export(stored, sizeof(stored), out,
	    sizeof(out), &len, &why));
	CHECK_MEM("list", want, out, sizeof(want));
	CHECK_EQ("too small", ERANGE, ext2_acl_export(stored, sizeof(stored),
	    out, sizeof(out) - 1, &len, &why));
	for (size_t cut = 1; cut < 4; cut++)
		CHECK_EQ("cut", EUCLEAN, ext2_acl_export(stored, 8 + cut,
		    NULL, 0, &len, &why));
	CHECK_EQ("cut in the id", EUCLEAN, ext2_acl_export(stored, 12, NULL,
	    0, &len, &why));
}

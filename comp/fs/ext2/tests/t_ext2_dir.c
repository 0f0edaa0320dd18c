/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire_sample.h"

#define BLKSIZE	1024

static size_t
put_dirent(uint8_t *p, size_t off, uint32_t ino, uint32_t reclen,
    const char *name, uint8_t type)
{
	put_le32(p + off, ino);
	put_le16(p + off + 4, reclen);
	p[off + 6] = (uint8_t)strlen(name);
	p[off + 7] = type;
	memcpy(p + off + 8, name, strlen(name));
	return off + reclen;
}

static void
sample_dirblock(uint8_t *p, size_t len)
{
	size_t off = 0;

	memset(p, 0, len);
	off = put_dirent(p, off, 2, 12, ".", 2);
	off = put_dirent(p, off, 2, 12, "..", 2);
	off = put_dirent(p, off, 0, 16, "gone", 0);
	off = put_dirent(p, off, 12, 20, "file.name", 1);
	put_dirent(p, off, 13, (uint32_t)(len - off), "last", 7);
}

static const struct {
	const char *label;
	unsigned int off;
	uint32_t value;		/* 16 bits */
	const char *reason;
} dirent_cases[] = {
	{ "length 0", 4, 0, "length out of range" },
	{ "length 8", 4, 8, "length out of range" },
	{ "length odd", 4, 14, "length out of range" },
	{ "length too large", 4, 1028, "crosses the end of its block" },
	{ "name too long", 6, 0x205, "name longer than entry" },
	{ "no name", 6, 0x200, "empty name" },
	{ "inode", 2, 0x7fff, "inode number out of range" },
};

TEST_WITH(directory_entries_are_checked, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);
	uint8_t raw[BLKSIZE];
	struct ext2_dirent de;
	struct ext2_why why;

	sb.s_blksize = BLKSIZE;
	for (size_t i = 0; i < ARRAY_SIZE(dirent_cases); i++) {
		sample_dirblock(raw, sizeof(raw));
		put_le16(raw + dirent_cases[i].off, dirent_cases[i].value);
		CHECK_EQ(dirent_cases[i].label, EUCLEAN, ext2_dirent_parse(&sb,
		    raw, sizeof(raw), 0, &de, &why));
		CHECK_STR(dirent_cases[i].label, dirent_cases[i].reason,
		    why.w_reason);
	}
	CHECK_EQ("no room", EUCLEAN, ext2_dirent_parse(&sb, raw, BLKSIZE,
	    BLKSIZE - 4, &de, &why));
}

TEST_WITH(names_are_found_whole_and_unused_ones_not, .ht_flags = HARNESS_BARE)
{
	static const struct { const char *name; int want; uint32_t ino; }
	names[] = {
		{ "file.name", 0, 12 }, { "last", 0, 13 }, { "..", 0, 2 },
		{ "file", ENOENT, 0 }, { "file.name2", ENOENT, 0 },
		{ "gone", ENOENT, 0 }, { "LAST", ENOENT, 0 },
	};
	struct ext2_super sb = sample_sb(false);
	uint8_t raw[BLKSIZE];
	struct ext2_dirent de;
	struct ext2_why why;

	sb.s_blksize = BLKSIZE;
	sample_dirblock(raw, sizeof(raw));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		de.d_ino = 0;
		CHECK_EQ(names[i].name, names[i].want, ext2_dirent_find(&sb,
		    raw, sizeof(raw), names[i].name, strlen(names[i].name),
		    &de, &why));
		CHECK_EQ(names[i].name, names[i].ino, de.d_ino);
	}
	put_le16(raw + 24 + 4, 0);
	CHECK_EQ("a broken entry on the way", EUCLEAN, ext2_dirent_find(&sb,
	    raw, sizeof(raw), "last", 4, &de, &why));
}

static const struct {
	const char *label;
	uint32_t raw, want;
} reclen_cases[] = {
	{ "short", 12, 12 },
	{ "half", 0x8000, 0x8000 },
	{ "all but the root's first", 0xfff4, 0xfff4 },
	{ "whole, old way", 0xffff, 65536 },
	{ "whole, other way", 0, 65536 },
	{ "two bits above", 0x0001, 65536 },
};

TEST_WITH(entries_of_64_kib_blocks_reach_the_end, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);
	static uint8_t raw[EXT2_BLOCKSIZE_MAX];
	struct ext2_dirent de;
	struct ext2_why why;

	sb.s_blksize = EXT2_BLOCKSIZE_MAX;
	for (size_t i = 0; i < ARRAY_SIZE(reclen_cases); i++) {
		memset(raw, 0, 16);
		put_dirent(raw, 0, 12, reclen_cases[i].raw, "a", 1);
		NEED(ext2_dirent_parse(&sb, raw, sizeof(raw), 0, &de,
		    &why) == 0);
		CHECK_EQ(reclen_cases[i].label, reclen_cases[i].want,
		    de.d_reclen);
	}
}

TEST_WITH(directory_block_checksum_finds_each_flipped_bit,
    .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(true);
	uint8_t raw[BLKSIZE];
	struct ext2_why why;
	uint32_t seed = 77;
	size_t len = 0;

	sb.s_blksize = BLKSIZE;
	memset(raw, 0, sizeof(raw));
	sample_dirblock(raw, BLKSIZE - 12);
	put_le16(raw + BLKSIZE - 8, 12);
	raw[BLKSIZE - 5] = 0xde;
	put_le32(raw + BLKSIZE - 4, crc32c(seed, raw, BLKSIZE - 12));
	CHECK_EQ("sealed", 0, ext2_dirblock_check(&sb, seed, raw, BLKSIZE,
	    &len, &why));
	CHECK_EQ("entries end", BLKSIZE - 12, len);
	CHECK_EQ("another's", EUCLEAN, ext2_dirblock_check(&sb, seed + 1, raw,
	    BLKSIZE, &len, &why));
	for (size_t bit = 0; bit < BLKSIZE * 8; bit++) {
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!CHECK(ext2_dirblock_check(&sb, seed, raw, BLKSIZE, &len,
		    &why) == EUCLEAN))
			harness_note("bit %zu", bit);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

/* As dx_hash of debugfs gives them, without a seed and with one. */
static const struct {
	const char *name;
	uint32_t legacy, md4, tea, seeded_md4;
} hash_cases[] = {
	{ "a",
	    0xe74b53e2, 0xd5fa7d7a, 0x6d0ea4c0,
	    0x8d08ec4c },
	{ "abc",
	    0x75afd992, 0xd196a868, 0xb1435ec4,
	    0xf54f014a },
	{ "hello.txt",
	    0x65a05776, 0xa26e1d86, 0x5107c3f2,
	    0xac15d19c },
	{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	    0x382d277e, 0xa58368b6, 0xb3f4bbfc,
	    0x216199f4 },
	{ "yzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyz"
	    "yzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyz"
	    "yzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyz"
	    "yzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyzyz",
	    0xf6786454, 0x7e3f1982, 0xa2ce7824,
	    0xef0278e2 },
	{ "na\303\257ve",
	    0x442f7420, 0x1b42012a, 0x784c5732,
	    0x6bedfbae },
};

TEST_WITH(hashes_are_those_of_debugfs, .ht_flags = HARNESS_BARE)
{
	static const uint32_t none[4];
	static const uint32_t seed[4] = { 0x04030201, 0x08070605, 0x0c0b0a09,
	    0x100f0e0d };

	for (size_t i = 0; i < ARRAY_SIZE(hash_cases); i++) {
		const char *name = hash_cases[i].name;
		size_t len = strlen(name);
		uint32_t hash = 0;

		CHECK_EQ(name, 0, ext2_hash_name(EXT2_HASH_LEGACY, none, name,
		    len, &hash));
		CHECK_EQ(name, hash_cases[i].legacy, hash);
		CHECK_EQ(name, 0, ext2_hash_name(EXT2_HASH_HALF_MD4, none,
		    name, len, &hash));
		CHECK_EQ(name, hash_cases[i].md4, hash);
		CHECK_EQ(name, 0, ext2_hash_name(EXT2_HASH_TEA, none, name,
		    len, &hash));
		CHECK_EQ(name, hash_cases[i].tea, hash);
		CHECK_EQ(name, 0, ext2_hash_name(EXT2_HASH_HALF_MD4, seed,
		    name, len, &hash));
		CHECK_EQ(name, hash_cases[i].seeded_md4, hash);
	}
}

TEST_WITH(signed_and_unsigned_hashes_differ_beyond_ascii_only,
    .ht_flags = HARNESS_BARE)
{
	static const uint32_t none[4];
	uint32_t a = 0, b = 0;

	for (unsigned int v = EXT2_HASH_LEGACY; v <= EXT2_HASH_TEA; v++) {
		CHECK(ext2_hash_name(v, none, "plain", 5, &a) == 0 &&
		    ext2_hash_name(v + 3, none, "plain", 5, &b) == 0);
		CHECK_EQ("ascii", a, b);
		CHECK(ext2_hash_name(v, none, "na\303\257ve", 6, &a) == 0 &&
		    ext2_hash_name(v + 3, none, "na\303\257ve", 6, &b) == 0);
		CHECK(a != b);
	}
	CHECK_EQ("siphash", EOPNOTSUPP,
	    ext2_hash_name(EXT2_HASH_SIPHASH, none, "a", 1, &a));
}

/* A root with entries 0x1000, 0x2000 ..: block i for hashes from i * 0x1000. */
static void
sample_dxroot(uint8_t *p, unsigned int count)
{
	memset(p, 0, BLKSIZE);
	put_dirent(p, 0, 2, 12, ".", 2);
	put_dirent(p, 12, 2, BLKSIZE - 12, "..", 2);
	p[28] = EXT2_HASH_HALF_MD4;
	p[29] = 8;
	put_le16(p + 32, (BLKSIZE - 32) / 8);
	put_le16(p + 34, count);
	put_le32(p + 36, 1);
	for (unsigned int i = 1; i < count; i++) {
		put_le32(p + 32 + 8 * i, 0x1000 * i);
		put_le32(p + 36 + 8 * i, i + 1);
	}
}

TEST_WITH(the_index_leads_to_the_last_entry_not_above_the_hash,
    .ht_flags = HARNESS_BARE)
{
	static const struct { uint32_t hash, block; } want[] = {
		{ 0, 1 }, { 0xffe, 1 }, { 0x1000, 2 }, { 0x1ffe, 2 },
		{ 0x2000, 3 }, { 0xfffffffc, 4 },
	};
	struct ext2_super sb = sample_sb(false);
	struct ext2_dxnode node;
	struct ext2_why why;
	uint8_t raw[BLKSIZE];

	sb.s_blksize = BLKSIZE;
	sample_dxroot(raw, 4);
	NEED(ext2_dxroot_parse(&sb, 0, raw, BLKSIZE, &node, &why) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		CHECK_EQ("block", want[i].block, ext2_dxnode_block(&node,
		    ext2_dxnode_find(&node, want[i].hash)));
}

static const struct {
	const char *label;
	unsigned int off;
	uint8_t value;
	const char *reason;
} root_cases[] = {
	{ "no dot", 8, 'x', "root without . and .." },
	{ "layout", 29, 9, "unknown layout of root" },
	{ "hash", 28, 7, "unknown hash" },
	{ "depth", 30, 2, "too deep" },
	{ "capacity", 32, 1, "capacity out of range" },
	{ "no entries", 34, 0, "entry count out of range" },
	{ "too many", 34, 125, "entry count out of range" },
	{ "order", 41, 0x30, "hashes out of order" },
};

TEST_WITH(index_roots_are_checked, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);
	struct ext2_dxnode node;
	struct ext2_why why;
	uint8_t raw[BLKSIZE];

	sb.s_blksize = BLKSIZE;
	for (size_t i = 0; i < ARRAY_SIZE(root_cases); i++) {
		sample_dxroot(raw, 4);
		raw[root_cases[i].off] = root_cases[i].value;
		CHECK_EQ(root_cases[i].label, EUCLEAN, ext2_dxroot_parse(&sb,
		    0, raw, BLKSIZE, &node, &why));
		CHECK_STR(root_cases[i].label, root_cases[i].reason,
		    why.w_reason);
	}
	sample_dxroot(raw, 4);
	raw[30] = 2;
	sb.s_incompat |= EXT2_INCOMPAT_LARGEDIR;
	CHECK_EQ("three levels with large_dir", 0, ext2_dxroot_parse(&sb, 0,
	    raw, BLKSIZE, &node, &why));
	sb.s_flags = EXT2_FLAG_UNSIGNED_HASH;
	NEED(ext2_dxroot_parse(&sb, 0, raw, BLKSIZE, &node, &why) == 0);
	CHECK_EQ("unsigned", EXT2_HASH_HALF_MD4_UNSIGNED, node.x_hash);
}

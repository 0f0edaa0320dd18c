/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire_sample.h"

#define ISIZE	256
#define INO	12

static void
sample_inode(uint8_t *p)
{
	memset(p, 0, ISIZE);
	put_le16(p, EXT2_S_IFREG | 0644);
	put_le32(p + 0x04, 12345);
	put_le16(p + 0x1a, 1);
	put_le32(p + 0x20, EXT2_I_EXTENTS);
	put_le16(p + 0x80, 32);
}

/* With a seal made the long way round: from a copy with zeroes in place. */
static void
sample_inode_seal(const struct ext2_super *sb, uint8_t *p)
{
	uint8_t ino[4] = { INO, 0, 0, 0 }, copy[ISIZE];
	uint32_t crc;

	memcpy(copy, p, ISIZE);
	put_le16(copy + 0x7c, 0);
	put_le16(copy + 0x82, 0);
	crc = crc32c(sb->s_csum_seed, ino, 4);
	crc = crc32c(crc, copy + 0x64, 4);
	crc = crc32c(crc, copy, ISIZE);
	put_le16(p + 0x7c, crc & 0xffff);
	put_le16(p + 0x82, crc >> 16);
}

TEST_WITH(inode_checksum_finds_each_flipped_bit, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(true);
	struct ext2_dinode di;
	struct ext2_why why;
	uint8_t raw[ISIZE];

	sample_inode(raw);
	sample_inode_seal(&sb, raw);
	NEED(ext2_inode_parse(&sb, INO, raw, ISIZE, &di, &why) == 0);
	CHECK_EQ("size", 12345, di.i_size);
	CHECK_EQ("another's", EUCLEAN,
	    ext2_inode_parse(&sb, INO + 1, raw, ISIZE, &di, &why));
	for (unsigned int bit = 0; bit < ISIZE * 8; bit++) {
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!CHECK(ext2_inode_parse(&sb, INO, raw, ISIZE, &di,
		    &why) == EUCLEAN))
			harness_note("bit %u", bit);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static const struct {
	const char *label;
	uint32_t low, extra;
	int64_t sec;
	uint32_t nsec;
} time_cases[] = {
	{ "the epoch", 0, 0, 0, 0 },
	{ "before it", 0xffffffff, 0, -1, 0 },
	{ "1901", 0x80000000, 0, -2147483648LL, 0 },
	{ "end of 2038's first half", 0x7fffffff, 999999999u << 2,
	    2147483647, 999999999 },
	{ "just beyond", 0x80000000, 1, 2147483648LL, 0 },
	{ "2106", 0xffffffff, 1, 4294967295LL, 0 },
	{ "2242", 0x7fffffff, 2, 10737418239LL, 0 },
	{ "the last second, 2446", 0x7fffffff, 3, 15032385535LL, 0 },
	{ "no such nanosecond", 0, 0xfffffffc, 0, 999999999 },
};

TEST_WITH(times_have_nanoseconds_and_reach_2446, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);
	struct ext2_dinode di;
	struct ext2_why why;
	uint8_t raw[ISIZE];

	for (size_t i = 0; i < ARRAY_SIZE(time_cases); i++) {
		sample_inode(raw);
		put_le32(raw + 0x10, time_cases[i].low);
		put_le32(raw + 0x88, time_cases[i].extra);
		NEED(ext2_inode_parse(&sb, INO, raw, ISIZE, &di, &why) == 0);
		CHECK_EQ(time_cases[i].label, time_cases[i].sec,
		    di.i_mtime.t_sec);
		CHECK_EQ(time_cases[i].label, time_cases[i].nsec,
		    di.i_mtime.t_nsec);
	}
}

TEST_WITH(fields_beyond_the_extra_size_do_not_exist, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);
	struct ext2_dinode di;
	struct ext2_why why;
	uint8_t raw[ISIZE];

	sample_inode(raw);
	memset(raw + 0x84, 0xff, ISIZE - 0x84);
	put_le16(raw + 0x80, 4);
	NEED(ext2_inode_parse(&sb, INO, raw, ISIZE, &di, &why) == 0);
	CHECK_EQ("mtime", 0, di.i_mtime.t_sec);
	CHECK(!di.i_has_btime);
	put_le16(raw + 0x80, 32);
	NEED(ext2_inode_parse(&sb, INO, raw, ISIZE, &di, &why) == 0);
	CHECK(di.i_has_btime);
	put_le16(raw + 0x80, 132);
	CHECK_EQ("too large", EUCLEAN,
	    ext2_inode_parse(&sb, INO, raw, ISIZE, &di, &why));
	put_le16(raw + 0x80, 31);
	CHECK_EQ("odd", EUCLEAN,
	    ext2_inode_parse(&sb, INO, raw, ISIZE, &di, &why));
}

TEST_WITH(sizes_and_owners_are_put_together_from_their_halves,
    .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);
	struct ext2_dinode di;
	struct ext2_why why;
	uint8_t raw[ISIZE];

	sample_inode(raw);
	put_le32(raw + 0x6c, 5);
	put_le16(raw + 0x02, 0x1111);
	put_le16(raw + 0x78, 0x2222);
	put_le16(raw + 0x18, 0x3333);
	put_le16(raw + 0x7a, 0x4444);
	put_le32(raw + 0x1c, 8);
	put_le16(raw + 0x74, 1);
	NEED(ext2_inode_parse(&sb, INO, raw, ISIZE, &di, &why) == 0);
	CHECK_EQ("size", (5ll << 32) + 12345, di.i_size);
	CHECK_EQ("uid", 0x22221111, di.i_uid);
	CHECK_EQ("gid", 0x44443333, di.i_gid);
	CHECK_EQ("sectors without huge_file", 8, di.i_sectors);
	sb.s_rocompat |= EXT2_ROCOMPAT_HUGE_FILE;
	NEED(ext2_inode_parse(&sb, INO, raw, ISIZE, &di, &why) == 0);
	CHECK_EQ("sectors with it", (1ll << 32) + 8, di.i_sectors);
	put_le32(raw + 0x20, EXT2_I_EXTENTS | EXT2_I_HUGE_FILE);
	NEED(ext2_inode_parse(&sb, INO, raw, ISIZE, &di, &why) == 0);
	CHECK_EQ("in blocks", ((1ll << 32) + 8) * 8, di.i_sectors);
	put_le32(raw + 0x6c, 0x80000000);
	CHECK_EQ("negative size", EUCLEAN,
	    ext2_inode_parse(&sb, INO, raw, ISIZE, &di, &why));
}

TEST_WITH(flags_without_their_feature_are_refused, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);
	struct ext2_dinode di;
	struct ext2_why why;
	uint8_t raw[ISIZE];

	sample_inode(raw);
	put_le32(raw + 0x20, EXT2_I_INLINE_DATA);
	CHECK_EQ("inline data", EUCLEAN,
	    ext2_inode_parse(&sb, INO, raw, ISIZE, &di, &why));
	sb.s_incompat &= ~(uint32_t)EXT2_INCOMPAT_EXTENTS;
	put_le32(raw + 0x20, EXT2_I_EXTENTS);
	CHECK_EQ("extents", EUCLEAN,
	    ext2_inode_parse(&sb, INO, raw, ISIZE, &di, &why));
	put_le32(raw + 0x20, 0);
	put_le16(raw, 0x9000);
	CHECK_EQ("type", EUCLEAN,
	    ext2_inode_parse(&sb, INO, raw, ISIZE, &di, &why));
	CHECK_EQ("truncated", EUCLEAN,
	    ext2_inode_parse(&sb, INO, raw, ISIZE - 1, &di, &why));
}

TEST_WITH(inode_numbers_have_a_place_or_are_refused, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);
	struct ext2_inode_place place;
	struct ext2_why why;

	CHECK_EQ("zero", EUCLEAN, ext2_inode_place(&sb, 0, &place, &why));
	CHECK_EQ("one too many", EUCLEAN,
	    ext2_inode_place(&sb, 64 * 8192 + 1, &place, &why));
	CHECK_EQ("wraps", EUCLEAN,
	    ext2_inode_place(&sb, (1ull << 32) + 2, &place, &why));
	NEED(ext2_inode_place(&sb, 64 * 8192, &place, &why) == 0);
	CHECK_EQ("group", 63, place.p_group);
	CHECK_EQ("block", 511, place.p_block);
	CHECK_EQ("offset", 15 * 256, place.p_off);
}

TEST_WITH(device_numbers_come_in_two_encodings, .ht_flags = HARNESS_BARE)
{
	struct ext2_dinode di = { .i_mode = EXT2_S_IFBLK };
	uint32_t major, minor;

	put_le32(di.i_block, 0x0801);
	ext2_inode_rdev(&di, &major, &minor);
	CHECK(major == 8 && minor == 1);
	put_le32(di.i_block, 0);
	put_le32(di.i_block + 4, 70000u % 256 | 259u << 8 |
	    (70000u & ~0xffu) << 12);
	ext2_inode_rdev(&di, &major, &minor);
	CHECK(major == 259 && minor == 70000);
}

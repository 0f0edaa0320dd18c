/* SPDX-License-Identifier: BSD-2-Clause */

#include "wire_sample.h"

/* One field changed; what the check says then. */
static const struct {
	const char	*label;
	unsigned int	 off, size;
	uint32_t	 value;
	int		 want;
	const char	*reason;
} super_cases[] = {
	{ "sound", 0x80, 2, 0, 0, "" },
	{ "magic", 0x38, 2, 0xef52, ENOENT, "wrong magic number" },
	{ "revision", 0x4c, 4, 2, EOPNOTSUPP, "unsupported revision" },
	{ "compression", 0x60, 4, 0x1, EOPNOTSUPP,
	    "unsupported incompatible features" },
	{ "a feature of the future", 0x60, 4, 0x80000000, EOPNOTSUPP,
	    "unsupported incompatible features" },
	{ "external journal", 0x60, 4, 0x8, EOPNOTSUPP,
	    "it is an external journal, not a file system" },
	{ "block size 128 KiB", 0x18, 4, 7, EUCLEAN,
	    "block size out of range" },
	{ "block size huge", 0x18, 4, 0xffffffff, EUCLEAN,
	    "block size out of range" },
	{ "no blocks", 0x04, 4, 0, EUCLEAN, "block count out of range" },
	{ "too many blocks", 0x150, 4, 0x10000, EUCLEAN,
	    "block count out of range" },
	{ "no blocks a group", 0x20, 4, 0, EUCLEAN,
	    "blocks per group out of range" },
	{ "more blocks than a bitmap has", 0x20, 4, 32769, EUCLEAN,
	    "blocks per group out of range" },
	{ "no inodes a group", 0x28, 4, 0, EUCLEAN,
	    "inodes per group out of range" },
	{ "inode count", 0x00, 4, 8192, EUCLEAN,
	    "inode count disagrees with groups" },
	{ "inode size 0", 0x58, 2, 0, EUCLEAN, "inode size out of range" },
	{ "inode size 192", 0x58, 2, 192, EUCLEAN,
	    "inode size out of range" },
	{ "inode size 8192", 0x58, 2, 8192, EUCLEAN,
	    "inode size out of range" },
	{ "descriptor size 32", 0xfe, 2, 32, EUCLEAN,
	    "group descriptor size out of range" },
	{ "descriptor size 0", 0xfe, 2, 0, EUCLEAN,
	    "group descriptor size out of range" },
	{ "first data block", 0x14, 4, 1, EUCLEAN,
	    "first data block out of range" },
	{ "first inode", 0x54, 4, 3, EUCLEAN, "first inode out of range" },
};

TEST_WITH(superblock_check_names_what_is_wrong, .ht_flags = HARNESS_BARE)
{
	uint8_t raw[EXT2_SUPER_SIZE];
	struct ext2_super sb;
	struct ext2_why why;

	for (size_t i = 0; i < ARRAY_SIZE(super_cases); i++) {
		sample_super(raw, false);
		if (super_cases[i].size == 2)
			put_le16(raw + super_cases[i].off,
			    super_cases[i].value);
		else
			put_le32(raw + super_cases[i].off,
			    super_cases[i].value);
		CHECK_EQ(super_cases[i].label, super_cases[i].want,
		    sample_super_load(raw, &sb, &why));
		CHECK_STR(super_cases[i].label, super_cases[i].reason,
		    why.w_reason);
	}
}

TEST_WITH(superblock_checksum_finds_each_flipped_bit,
    .ht_flags = HARNESS_BARE)
{
	uint8_t raw[EXT2_SUPER_SIZE];
	struct ext2_super sb;
	struct ext2_why why;

	sample_super(raw, true);
	sample_super_seal(raw);
	CHECK_EQ("sealed", 0, sample_super_load(raw, &sb, &why));
	for (size_t bit = 0; bit < sizeof(raw) * 8; bit++) {
		/* Without its feature, or any, there is no checksum. */
		if (bit == 0x64 * 8 + 10 || bit == 0x4c * 8)
			continue;
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!CHECK(sample_super_load(raw, &sb, &why) != 0))
			harness_note("bit %zu", bit);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

TEST_WITH(a_short_superblock_is_truncated, .ht_flags = HARNESS_BARE)
{
	uint8_t raw[EXT2_SUPER_SIZE];
	struct ext2_super sb;
	struct ext2_why why;

	sample_super(raw, false);
	CHECK_EQ("1023 bytes", EUCLEAN, ext2_super_decode(raw,
	    EXT2_SUPER_SIZE - 1, &sb, &why));
}

TEST_WITH(identity_is_decoded_also_without_a_sound_geometry,
    .ht_flags = HARNESS_BARE)
{
	uint8_t raw[EXT2_SUPER_SIZE];
	struct ext2_super sb;
	struct ext2_why why;

	sample_super(raw, false);
	put_le32(raw + 0x18, 99);
	put_le32(raw + 0x60, 0x80000001);
	NEED(ext2_super_decode(raw, sizeof(raw), &sb, &why) == 0);
	CHECK_STR("label", "sample", sb.s_label);
	CHECK_EQ("uuid", 0x5a, sb.s_uuid[15]);
	CHECK_EQ("unsupported", 0x80000001u, ext2_feature_unsupported(&sb));
	CHECK_STR("a name", "compression",
	    ext2_feature_name(EXT2_INCOMPAT, 0));
	CHECK(ext2_feature_name(EXT2_INCOMPAT, 31) == NULL);
}

static const struct {
	const char *label;
	uint32_t compat, incompat, rocompat;
	const char *want;
} type_cases[] = {
	{ "nothing", 0, 0, 0, "ext2" },
	{ "journal", EXT2_COMPAT_HAS_JOURNAL, EXT2_INCOMPAT_FILETYPE,
	    EXT2_ROCOMPAT_SPARSE_SUPER, "ext3" },
	{ "extents", EXT2_COMPAT_HAS_JOURNAL, EXT2_INCOMPAT_EXTENTS, 0,
	    "ext4" },
	{ "huge files", 0, 0, EXT2_ROCOMPAT_HUGE_FILE, "ext4" },
	{ "a journal's own device", 0, EXT2_INCOMPAT_JOURNAL_DEV, 0, "jbd" },
};

TEST_WITH(type_is_told_by_features, .ht_flags = HARNESS_BARE)
{
	for (size_t i = 0; i < ARRAY_SIZE(type_cases); i++) {
		struct ext2_super sb = sample_sb(false);

		sb.s_compat = type_cases[i].compat;
		sb.s_incompat = type_cases[i].incompat;
		sb.s_rocompat = type_cases[i].rocompat;
		CHECK_STR(type_cases[i].label, type_cases[i].want,
		    ext2_super_type(&sb));
	}
}

TEST_WITH(sparse_copies_are_in_powers_of_3_5_and_7, .ht_flags = HARNESS_BARE)
{
	static const uint32_t with[] = { 0, 1, 3, 5, 7, 9, 25, 27, 49 };
	struct ext2_super sb = sample_sb(false);
	size_t next = 0;

	for (uint32_t group = 0; group < 64; group++) {
		bool want = next < ARRAY_SIZE(with) && with[next] == group;

		next += want;
		if (!CHECK(ext2_super_in_group(&sb, group) == want))
			harness_note("group %u", group);
	}
}

TEST_WITH(descriptors_are_where_the_layout_puts_them, .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(false);

	CHECK_EQ("behind the superblock", 1, ext2_group_block(&sb, 0));
	sb.s_incompat |= EXT2_INCOMPAT_META_BG;
	sb.s_desc_per_block = 4;
	sb.s_first_meta_bg = 1;
	CHECK_EQ("before the first meta group", 1, ext2_group_block(&sb, 0));
	CHECK_EQ("first of its groups", 4 * 32768,
	    ext2_group_block(&sb, 1));
	CHECK_EQ("group 36 has no copy", 9ull * 4 * 32768,
	    ext2_group_block(&sb, 9));
	sb.s_rocompat = 0;
	CHECK_EQ("copies everywhere", 9ull * 4 * 32768 + 1,
	    ext2_group_block(&sb, 9));
}

TEST_WITH(descriptor_checksum_finds_each_flipped_bit,
    .ht_flags = HARNESS_BARE)
{
	struct ext2_super sb = sample_sb(true);
	uint8_t raw[64], le[4] = { 3, 0, 0, 0 }, zero[2] = { 0, 0 };
	struct ext2_group g;
	struct ext2_why why;
	uint8_t block[64 * 4];
	uint32_t crc;

	memset(raw, 0, sizeof(raw));
	put_le32(raw, 100);
	put_le32(raw + 4, 101);
	put_le32(raw + 8, 102);
	crc = crc32c(sb.s_csum_seed, le, 4);
	crc = crc32c(crc, raw, 0x1e);
	crc = crc32c(crc, zero, 2);
	crc = crc32c(crc, raw + 0x20, 32);
	put_le16(raw + 0x1e, crc & 0xffff);
	memset(block, 0, sizeof(block));
	memcpy(block + 3 * 64, raw, 64);
	NEED(ext2_group_parse(&sb, 3, block, sizeof(block), &g, &why) == 0);
	CHECK_EQ("inode table", 102, g.g_inode_table);
	for (unsigned int bit = 0; bit < 64 * 8; bit++) {
		block[3 * 64 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!CHECK(ext2_group_parse(&sb, 3, block, sizeof(block), &g,
		    &why) == EUCLEAN))
			harness_note("bit %u", bit);
		block[3 * 64 + bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	CHECK_EQ("truncated", EUCLEAN, ext2_group_parse(&sb, 3, block,
	    sizeof(block) - 1, &g, &why));
	CHECK_EQ("no such group", EUCLEAN, ext2_group_parse(&sb, 64, block,
	    sizeof(block), &g, &why));
}

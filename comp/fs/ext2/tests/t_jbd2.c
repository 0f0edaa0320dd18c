/* SPDX-License-Identifier: BSD-2-Clause */

#include "jbd2_wire.h"
#include "wire_sample.h"

#define BLKSIZE	1024
#define BLOCKS	1024

static void
sample_journal(uint8_t *p, uint32_t incompat)
{
	memset(p, 0, BLKSIZE);
	put_be32(p, 0xc03b3998);
	put_be32(p + 4, 4);
	put_be32(p + 0x0c, BLKSIZE);
	put_be32(p + 0x10, BLOCKS);
	put_be32(p + 0x14, 1);
	put_be32(p + 0x18, 7);
	put_be32(p + 0x1c, 5);
	put_be32(p + 0x28, incompat);
	if (incompat & (JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3)) {
		p[0x50] = 4;
		put_be32(p + 0xfc, crc32c(~0u, p, JBD2_SUPER_SIZE));
	}
}

static int
journal_parse(const uint8_t *p, struct jbd2_super *js, struct ext2_why *why)
{
	why->w_reason = "";
	return jbd2_super_parse(p, BLKSIZE, BLKSIZE, BLOCKS, js, why);
}

static const struct {
	const char *label;
	unsigned int off;
	uint32_t value;
	int want;
	const char *reason;
} super_cases[] = {
	{ "sound", 0x18, 9, 0, "" },
	{ "clean", 0x1c, 0, 0, "" },
	{ "magic", 0, 1, EUCLEAN, "wrong magic number" },
	{ "type", 4, 5, EUCLEAN, "unknown version" },
	{ "block size", 0x0c, 4096, EUCLEAN,
	    "block size differs from the file system's" },
	{ "longer than its file", 0x10, BLOCKS + 1, EUCLEAN,
	    "length out of range" },
	{ "first", 0x14, 0, EUCLEAN, "first block out of range" },
	{ "first behind the end", 0x14, BLOCKS, EUCLEAN,
	    "first block out of range" },
	{ "start behind the end", 0x1c, BLOCKS, EUCLEAN,
	    "start out of range" },
	{ "start", 0x1c, 0xffffffff, EUCLEAN, "start out of range" },
	{ "feature", 0x28, 0x40, EOPNOTSUPP, "unsupported features" },
	{ "feature for readers", 0x2c, 1, EOPNOTSUPP,
	    "unsupported features" },
	{ "two checksums", 0x28, 0x18, EUCLEAN, "two kinds of checksums" },
};

TEST_WITH(journal_superblock_check_names_what_is_wrong,
    .ht_flags = HARNESS_BARE)
{
	uint8_t raw[BLKSIZE];
	struct jbd2_super js;
	struct ext2_why why;

	for (size_t i = 0; i < ARRAY_SIZE(super_cases); i++) {
		sample_journal(raw, 0);
		put_be32(raw + super_cases[i].off, super_cases[i].value);
		CHECK_EQ(super_cases[i].label, super_cases[i].want,
		    journal_parse(raw, &js, &why));
		CHECK_STR(super_cases[i].label, super_cases[i].reason,
		    why.w_reason);
	}
}

static const struct {
	const char *label;
	uint32_t incompat;
	size_t size;
} tag_cases[] = {
	{ "plain", 0, 8 },
	{ "64bit", JBD2_INCOMPAT_64BIT, 12 },
	{ "checksum v2", JBD2_INCOMPAT_CSUM_V2, 10 },
	{ "v2 and 64bit", JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_64BIT, 14 },
	{ "checksum v3", JBD2_INCOMPAT_CSUM_V3, 16 },
	{ "v3 and 64bit", JBD2_INCOMPAT_CSUM_V3 | JBD2_INCOMPAT_64BIT, 16 },
};

TEST_WITH(tags_have_the_size_of_their_features, .ht_flags = HARNESS_BARE)
{
	uint8_t raw[BLKSIZE];
	struct jbd2_super js;
	struct jbd2_tag tag;
	struct ext2_why why;
	size_t off, end;
	unsigned int n;

	for (size_t i = 0; i < ARRAY_SIZE(tag_cases); i++) {
		sample_journal(raw, tag_cases[i].incompat);
		NEED(journal_parse(raw, &js, &why) == 0);
		CHECK_EQ(tag_cases[i].label, tag_cases[i].size,
		    js.j_tag_size);
		/* No tag is last: they end with the block. */
		memset(raw, 0, sizeof(raw));
		end = js.j_csum ? BLKSIZE - 4 : BLKSIZE;
		off = JBD2_TAG_FIRST;
		for (n = 0; jbd2_tag_parse(&js, raw, BLKSIZE, off,
		    &tag) == 0; n++)
			off = tag.t_next;
		/* Without SAME_UUID each is followed by one. */
		CHECK_EQ(tag_cases[i].label,
		    (end - JBD2_TAG_FIRST + 16) / (tag_cases[i].size + 16), n);
	}
}

TEST_WITH(tags_of_both_layouts_are_read, .ht_flags = HARNESS_BARE)
{
	uint8_t raw[BLKSIZE];
	struct jbd2_super js;
	struct jbd2_tag tag;
	struct ext2_why why;

	sample_journal(raw, JBD2_INCOMPAT_CSUM_V3 | JBD2_INCOMPAT_64BIT);
	NEED(journal_parse(raw, &js, &why) == 0);
	memset(raw, 0, sizeof(raw));
	put_be32(raw + 12, 0x11111111);
	put_be32(raw + 16, 0xb);
	put_be32(raw + 20, 0x22);
	put_be32(raw + 24, 0xdeadbeef);
	NEED(jbd2_tag_parse(&js, raw, BLKSIZE, 12, &tag) == 0);
	CHECK_EQ("block", 0x2211111111, tag.t_pblk);
	CHECK_EQ("checksum", 0xdeadbeefu, tag.t_csum);
	CHECK(tag.t_escaped && tag.t_last && tag.t_next == 28);

	sample_journal(raw, 0);
	NEED(journal_parse(raw, &js, &why) == 0);
	memset(raw, 0, sizeof(raw));
	put_be32(raw + 12, 0x11111111);
	put_be32(raw + 16, 0xbeef0002);
	NEED(jbd2_tag_parse(&js, raw, BLKSIZE, 12, &tag) == 0);
	CHECK_EQ("block", 0x11111111, tag.t_pblk);
	CHECK_EQ("checksum", 0xbeef, tag.t_csum);
	CHECK(!tag.t_escaped && !tag.t_last && tag.t_next == 20);
}

TEST_WITH(blocks_count_only_in_their_own_transaction, .ht_flags = HARNESS_BARE)
{
	uint8_t raw[BLKSIZE];

	memset(raw, 0, sizeof(raw));
	put_be32(raw, 0xc03b3998);
	put_be32(raw + 8, 7);
	for (uint32_t type = 0; type < 8; type++) {
		put_be32(raw + 4, type);
		CHECK_EQ("kind", type == 1 ? JBD2_DESCRIPTOR :
		    type == 2 ? JBD2_COMMIT : type == 5 ? JBD2_REVOKE :
		    JBD2_OTHER, jbd2_block_kind(raw, BLKSIZE, 7));
		CHECK_EQ("stale", JBD2_OTHER,
		    jbd2_block_kind(raw, BLKSIZE, 8));
	}
}

TEST_WITH(journal_checksums_find_each_flipped_bit, .ht_flags = HARNESS_BARE)
{
	uint8_t super[BLKSIZE], raw[BLKSIZE];
	struct jbd2_commit c;
	struct jbd2_super js;
	struct ext2_why why;

	sample_journal(super, JBD2_INCOMPAT_CSUM_V3);
	NEED(journal_parse(super, &js, &why) == 0);
	for (size_t bit = 0; bit < sizeof(raw) * 8; bit++) {
		/* Without the feature there is no checksum. */
		if (bit / 8 >= 0x28 && bit / 8 < 0x2c)
			continue;
		super[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!CHECK(journal_parse(super, &js, &why) != 0))
			harness_note("superblock, bit %zu", bit);
		super[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	memset(raw, 0x5a, sizeof(raw));
	put_be32(raw + BLKSIZE - 4, 0);
	put_be32(raw + BLKSIZE - 4, crc32c(js.j_seed, raw, BLKSIZE));
	CHECK(jbd2_block_csum_ok(&js, raw, BLKSIZE));
	put_be32(raw + 16, 0);
	put_be32(raw + 16, crc32c(js.j_seed, raw, BLKSIZE));
	NEED(jbd2_commit_parse(&js, raw, BLKSIZE, &c, &why) == 0);
	CHECK(c.c_csum_ok);
	for (size_t bit = 0; bit < sizeof(raw) * 8; bit++) {
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK(!jbd2_block_csum_ok(&js, raw, BLKSIZE));
		NEED(jbd2_commit_parse(&js, raw, BLKSIZE, &c, &why) == 0);
		CHECK(!c.c_csum_ok);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

TEST_WITH(revoke_blocks_are_bounded, .ht_flags = HARNESS_BARE)
{
	static const struct { const char *label; uint32_t used; int want;
	    uint32_t n; } cases[] = {
		{ "none", 16, 0, 0 }, { "two", 24, 0, 2 },
		{ "full", BLKSIZE, 0, (BLKSIZE - 16) / 4 },
		{ "short", 15, EUCLEAN, 0 },
		{ "over", BLKSIZE + 1, EUCLEAN, 0 },
		{ "huge", 0xffffffff, EUCLEAN, 0 },
	};
	uint8_t super[BLKSIZE], raw[BLKSIZE];
	struct jbd2_super js;
	struct ext2_why why;
	uint32_t n;

	sample_journal(super, 0);
	NEED(journal_parse(super, &js, &why) == 0);
	memset(raw, 0, sizeof(raw));
	put_be32(raw + 20, 0x1234);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		n = 0;
		put_be32(raw + 12, cases[i].used);
		CHECK_EQ(cases[i].label, cases[i].want,
		    jbd2_revoke_parse(&js, raw, BLKSIZE, &n, &why));
		CHECK_EQ(cases[i].label, cases[i].n, n);
	}
	CHECK_EQ("the second", 0x1234, jbd2_revoke_pblk(&js, raw, 1));
}

TEST_WITH(a_fast_commit_counts_when_its_tail_fits, .ht_flags = HARNESS_BARE)
{
	uint8_t raw[BLKSIZE];
	uint32_t crc = 0;

	memset(raw, 0, sizeof(raw));
	put_le16(raw, 9);
	put_le16(raw + 2, 8);
	put_le32(raw + 8, 7);		/* for transaction 7 */
	put_le16(raw + 12, 6);
	put_le16(raw + 14, 20);
	put_le16(raw + 36, 8);
	put_le16(raw + 38, BLKSIZE);	/* longer than what is left */
	put_le32(raw + 40, 7);
	put_le32(raw + 44, crc32c(0, raw, 44));
	CHECK_EQ("complete", EEXIST, jbd2_fc_scan(raw, BLKSIZE, 7, &crc));
	crc = 0;
	CHECK_EQ("old", ENOENT, jbd2_fc_scan(raw, BLKSIZE, 8, &crc));
	raw[20] ^= 1;
	crc = 0;
	CHECK_EQ("torn", ENOENT, jbd2_fc_scan(raw, BLKSIZE, 7, &crc));
	put_le16(raw + 14, BLKSIZE);
	crc = 0;
	CHECK_EQ("crossing", ENOENT, jbd2_fc_scan(raw, BLKSIZE, 7, &crc));
}

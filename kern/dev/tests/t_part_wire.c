/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_part_wire.c - partition tables as bytes, good and bad
 *
 * Each case is a good table with one field changed; check sums are made
 * right after that, unless the case is about them.
 */

#include <lib/bytes.h>
#include <lib/crc.h>
#include <lib/string.h>
#include <sys/errno.h>

#include <harness.h>

#include "part_wire.h"

#define NSEC	10000

/* --- GPT -------------------------------------------------------------------- */

static void
put(uint8_t *p, unsigned int bytes, uint64_t v)
{
	for (unsigned int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void
gpt_seal(uint8_t *sec, uint32_t size)
{
	put(sec + 16, 4, 0);
	put(sec + 16, 4, ~crc32(~0u, sec, size));
}

static void
gpt_make(uint8_t sec[4096])
{
	memset(sec, 0, 4096);
	memcpy(sec, "EFI PART", 8);
	put(sec + 8, 4, 0x10000);
	put(sec + 12, 4, 92);
	put(sec + 24, 8, 1);
	put(sec + 32, 8, NSEC - 1);
	put(sec + 40, 8, 34);
	put(sec + 48, 8, NSEC - 34);
	put(sec + 72, 8, 2);
	put(sec + 80, 4, 128);
	put(sec + 84, 4, 128);
	gpt_seal(sec, 92);
}

static const struct {
	const char	*label;
	unsigned int	 at, bytes;
	uint64_t	 value;
	int		 want;
} header_cases[] = {
	{ "good", 8, 4, 0x10000, 0 },
	{ "no signature", 0, 1, 'e', EINVAL },
	{ "a large header", 12, 4, 512, 0 },
	{ "larger than its sector", 12, 4, 513, EUCLEAN },
	{ "a small header", 12, 4, 91, EUCLEAN },
	{ "an endless header", 12, 4, UINT32_MAX, EUCLEAN },
	{ "elsewhere", 24, 8, 2, EUCLEAN },
	{ "upside down", 40, 8, NSEC - 33, EUCLEAN },
	{ "one usable sector", 40, 8, NSEC - 34, 0 },
	{ "the last sector usable", 48, 8, NSEC - 1, 0 },
	{ "usable beyond the end", 48, 8, NSEC, EUCLEAN },
	{ "usable without end", 48, 8, UINT64_MAX, EUCLEAN },
	{ "entries at the end", 72, 8, NSEC - 32, 0 },
	{ "entries across the end", 72, 8, NSEC - 31, EUCLEAN },
	{ "entries beyond", 72, 8, UINT64_MAX, EUCLEAN },
	{ "no entries", 80, 4, 0, EUCLEAN },
	{ "one entry", 80, 4, 1, 0 },
	{ "most entries", 80, 4, GPT_MAXENTRIES, 0 },
	{ "too many entries", 80, 4, GPT_MAXENTRIES + 1, EUCLEAN },
	{ "endless entries", 80, 4, UINT32_MAX, EUCLEAN },
	{ "small entries", 84, 4, 120, EUCLEAN },
	{ "large entries", 84, 4, 256, 0 },
	{ "odd entries", 84, 4, 132, EUCLEAN },
	{ "endless entries", 84, 4, 0xfffffff8, EUCLEAN },
};

TEST(gpt_headers_are_taken_if_all_is_inside_the_disk)
{
	static uint8_t sec[4096];

	for (size_t i = 0; i < ARRAY_SIZE(header_cases); i++) {
		struct gpt_header gh = { .gh_nent = 77 };
		const char *why = NULL;
		uint32_t size;

		gpt_make(sec);
		put(sec + header_cases[i].at, header_cases[i].bytes,
		    header_cases[i].value);
		size = le32_get(sec + 12);
		gpt_seal(sec, size <= 512 ? size : 512);
		CHECK_EQ(header_cases[i].label, header_cases[i].want,
		    gpt_header_parse(sec, 512, 1, NSEC, &gh, &why));
		if (header_cases[i].want == EUCLEAN)
			CHECK(why != NULL);
		if (header_cases[i].want != 0)
			CHECK_EQ("untouched", 77, gh.gh_nent);
	}
}

TEST(gpt_check_sums_cover_each_bit)
{
	static uint8_t sec[4096];
	struct gpt_header gh;
	const char *why;

	/* Not the signature; the last byte is the reserved space behind. */
	for (unsigned int bit = 8 * 8; bit < 92 * 8; bit++) {
		gpt_make(sec);
		sec[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!CHECK_EQ("bit", EUCLEAN, gpt_header_parse(sec, 512, 1,
		    NSEC, &gh, &why)))
			break;
	}
	gpt_make(sec);
	sec[92] ^= 1;
	CHECK_EQ("behind it", 0, gpt_header_parse(sec, 512, 1, NSEC, &gh, &why));
}

static const struct {
	const char	*label;
	uint64_t	 first, last;
	int		 want;
} entry_cases[] = {
	{ "all of it", 34, NSEC - 34, 0 },
	{ "one sector", 100, 100, 0 },
	{ "upside down", 101, 100, EUCLEAN },
	{ "in front", 33, 100, EUCLEAN },
	{ "behind", 100, NSEC - 33, EUCLEAN },
	{ "endless", 100, UINT64_MAX, EUCLEAN },
	{ "at the end of numbers", UINT64_MAX, UINT64_MAX, EUCLEAN },
};

TEST(gpt_entries_are_inside_the_usable_range)
{
	struct gpt_header gh = { .gh_first = 34, .gh_last = NSEC - 34,
	    .gh_nent = 2, .gh_entsize = 128 };
	uint8_t ents[256] = { 0 };
	struct gpt_entry ge;

	CHECK_EQ("unused", 0, gpt_entry_parse(&gh, ents, 256, 0, &ge));
	CHECK(!ge.ge_used);
	ents[0] = 1;
	for (size_t i = 0; i < ARRAY_SIZE(entry_cases); i++) {
		put(ents + 32, 8, entry_cases[i].first);
		put(ents + 40, 8, entry_cases[i].last);
		CHECK_EQ(entry_cases[i].label, entry_cases[i].want,
		    gpt_entry_parse(&gh, ents, 256, 0, &ge));
	}
	CHECK_EQ("beyond the table", EINVAL,
	    gpt_entry_parse(&gh, ents, 256, 2, &ge));
	CHECK_EQ("beyond the bytes", EINVAL,
	    gpt_entry_parse(&gh, ents, 255, 1, &ge));
}

static const struct {
	const char	*label;
	uint16_t	 units[6];
	const char	*want;
} name_cases[] = {
	{ "ascii", { 'a', 'b' }, "ab" },
	{ "two bytes", { 0xe9 }, "\xc3\xa9" },
	{ "three bytes", { 0x65e5 }, "\xe6\x97\xa5" },
	{ "a pair", { 0xd83d, 0xde00 }, "\xf0\x9f\x98\x80" },
	{ "high alone", { 0xd83d, 'x' }, "\xef\xbf\xbdx" },
	{ "low alone", { 0xde00 }, "\xef\xbf\xbd" },
	{ "controls", { 0x1b, '[', 0x7f }, "?[?" },
	{ "more controls", { 0x9b, 'm' }, "?m" },
};

TEST(gpt_names_become_utf8_that_is_harmless)
{
	struct gpt_header gh = { .gh_first = 0, .gh_last = 10, .gh_nent = 1,
	    .gh_entsize = 128 };
	struct gpt_entry ge;

	for (size_t i = 0; i < ARRAY_SIZE(name_cases); i++) {
		uint8_t ent[128] = { 1 };

		for (size_t u = 0; u < 6; u++)
			put(ent + 56 + 2 * u, 2, name_cases[i].units[u]);
		CHECK_EQ("parse", 0, gpt_entry_parse(&gh, ent, 128, 0, &ge));
		CHECK_STR(name_cases[i].label, name_cases[i].want, ge.ge_name);
	}
	memset(&ge, 0, sizeof(ge));
	{
		uint8_t full[128] = { 1 };

		for (size_t u = 0; u < 36; u++)
			put(full + 56 + 2 * u, 2, 0xffff);
		CHECK_EQ("parse", 0, gpt_entry_parse(&gh, full, 128, 0, &ge));
		CHECK_EQ("the longest", 36 * 3, strlen(ge.ge_name));
	}
}

/* --- MBR -------------------------------------------------------------------- */

TEST(boot_records_need_their_signature_and_flags)
{
	uint8_t sec[512] = { 0 };
	struct mbr_entry me[4];

	CHECK_EQ("zeroes", EINVAL, mbr_parse(sec, 512, me));
	sec[510] = 0x55;
	CHECK_EQ("half", EINVAL, mbr_parse(sec, 512, me));
	sec[511] = 0xaa;
	CHECK_EQ("empty", 0, mbr_parse(sec, 512, me));
	CHECK_EQ("short", EINVAL, mbr_parse(sec, 511, me));
	sec[446 + 16] = 0x80;
	sec[446 + 16 + 4] = 0x83;
	put(sec + 446 + 16 + 8, 4, 0xfffffffe);
	put(sec + 446 + 16 + 12, 4, 0xffffffff);
	CHECK_EQ("large", 0, mbr_parse(sec, 512, me));
	CHECK_EQ("type", 0x83, me[1].me_type);
	CHECK(me[1].me_boot && !me[0].me_boot);
	CHECK_EQ("start", 0xfffffffe, me[1].me_start);
	CHECK_EQ("size", 0xffffffff, me[1].me_size);
	put(sec + 446 + 16 + 12, 4, 0);
	CHECK_EQ("without sectors", 0, mbr_parse(sec, 512, me));
	CHECK_EQ("it is unused", 0, me[1].me_type);
	sec[446 + 48] = 0x41;
	CHECK_EQ("a boot sector of something", EINVAL, mbr_parse(sec, 512, me));
}

/* --- BSD disklabel ----------------------------------------------------------- */

static void
bsd_make(uint8_t buf[512], unsigned int nparts)
{
	uint16_t sum = 0;
	size_t size = 148 + 16 * (size_t)nparts;

	memset(buf, 0, 512);
	put(buf, 4, 0x82564557);
	put(buf + 132, 4, 0x82564557);
	put(buf + 40, 4, 512);
	put(buf + 138, 2, nparts);
	for (unsigned int i = 0; i < nparts && size <= 512; i++) {
		put(buf + 148 + 16 * i, 4, 10 + i);
		put(buf + 152 + 16 * i, 4, 100 * i);
		buf[160 + 16 * i] = 7;
	}
	for (size_t i = 0; i + 1 < size && size <= 512; i += 2)
		sum ^= le16_get(buf + i);
	put(buf + 136, 2, sum);
}

TEST(disklabels_need_magic_sum_and_sense)
{
	struct bsd_label bl = { .bl_nparts = 99 };
	uint8_t buf[512];

	bsd_make(buf, 8);
	CHECK_EQ("good", 0, bsd_label_parse(buf, 512, &bl));
	CHECK_EQ("partitions", 8, bl.bl_nparts);
	CHECK_EQ("size", 13, bl.bl_part[3].bp_size);
	CHECK_EQ("start", 300, bl.bl_part[3].bp_start);
	buf[140] ^= 1;
	CHECK_EQ("sum", EUCLEAN, bsd_label_parse(buf, 512, &bl));
	bsd_make(buf, BSD_MAXPARTS);
	CHECK_EQ("the most", 0, bsd_label_parse(buf, 512, &bl));
	bsd_make(buf, BSD_MAXPARTS + 1);
	CHECK_EQ("more", EUCLEAN, bsd_label_parse(buf, 512, &bl));
	bsd_make(buf, 22);
	CHECK_EQ("cut", EUCLEAN, bsd_label_parse(buf, 400, &bl));
	CHECK_EQ("cut short", EINVAL, bsd_label_parse(buf, 147, &bl));
	bsd_make(buf, 4);
	buf[132] = 0;
	CHECK_EQ("half the magic", EINVAL, bsd_label_parse(buf, 512, &bl));
	bsd_make(buf, 0);
	CHECK_EQ("none", 0, bsd_label_parse(buf, 512, &bl));
}

TEST(disklabels_have_sectors_of_a_power_of_two)
{
	static const struct { uint32_t secsize; int want; } cases[] = {
		{ 0, EUCLEAN }, { 256, EUCLEAN }, { 512, 0 }, { 513, EUCLEAN },
		{ 4096, 0 }, { 65536, 0 }, { 131072, EUCLEAN },
		{ 0x80000000, EUCLEAN },
	};
	struct bsd_label bl;
	uint8_t buf[512];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint16_t sum;

		bsd_make(buf, 2);
		sum = le16_get(buf + 136) ^ le16_get(buf + 40) ^
		    le16_get(buf + 42);
		put(buf + 40, 4, cases[i].secsize);
		put(buf + 136, 2, (uint64_t)(sum ^ le16_get(buf + 40) ^
		    le16_get(buf + 42)));
		CHECK_EQ("sector size", cases[i].want,
		    bsd_label_parse(buf, 512, &bl));
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * jbd2_wire.c - superblock and blocks of a journal
 *
 * Reference: ext4 documentation, "Journal (jbd2)".
 */

#include <lib/crc.h>

#include "jbd2_wire.h"

#define SUPER		"journal superblock"
#define COMMIT		"journal commit block"
#define REVOKE		"journal revoke block"

#define MAGIC		0xc03b3998u
#define TYPE_DESCRIPTOR	1
#define TYPE_COMMIT	2
#define TYPE_SUPER_V1	3
#define TYPE_SUPER_V2	4
#define TYPE_REVOKE	5

#define HEADER_SIZE	12
#define SUPER_CSUM	0xfc
#define TAIL_SIZE	4
#define COMMIT_SIZE	60
#define COMMIT_CSUM	16
#define REVOKE_FIRST	16
#define CSUM_CRC32	1
#define CSUM_CRC32C	4
#define FC_BLOCKS_DEFAULT 256

#define TAG_ESCAPED	1
#define TAG_SAME_UUID	2
#define TAG_LAST	8
#define UUID_SIZE	16

const uint8_t jbd2_magic[4] = { 0xc0, 0x3b, 0x39, 0x98 };

static const char *const feature_name[] = {
	"journal_incompat_revoke", "journal_64bit", "journal_async_commit",
	"journal_checksum_v2", "journal_checksum_v3", "fast_commit",
};

#define NFEATURES	(sizeof(feature_name) / sizeof(feature_name[0]))

static uint16_t
be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static uint64_t
be64(const uint8_t *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

const char *
jbd2_feature_name(unsigned int bit)
{
	return bit < NFEATURES ? feature_name[bit] : NULL;
}

/* The checksum of a block in which it stands at `where` itself. */
static uint32_t
csum_around(uint32_t seed, const uint8_t *p, size_t len, size_t where)
{
	const uint8_t zero[4] = { 0, 0, 0, 0 };
	uint32_t crc;

	crc = crc32c(seed, p, where);
	crc = crc32c(crc, zero, sizeof(zero));
	return crc32c(crc, p + where + 4, len - where - 4);
}

static size_t
tag_size(uint32_t incompat)
{
	size_t size = incompat & JBD2_INCOMPAT_64BIT ? 12 : 8;

	if (incompat & JBD2_INCOMPAT_CSUM_V3)
		return 16;
	/* By an oversight, v2 has two bytes which nobody uses. */
	return incompat & JBD2_INCOMPAT_CSUM_V2 ? size + 2 : size;
}

/* Features, and what follows from them. */
static int
parse_features(const uint8_t *p, struct jbd2_super *js, struct ext2_why *why)
{
	const uint32_t both = JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3;
	uint32_t unknown;

	if (be32(p + 4) == TYPE_SUPER_V2) {
		js->j_compat = be32(p + 0x24);
		js->j_incompat = be32(p + 0x28);
		unknown = js->j_incompat & ~((UINT32_C(1) << NFEATURES) - 1);
		if (unknown != 0 || be32(p + 0x2c) != 0) {
			ext2_bad(why, SUPER, "unsupported features",
			    unknown != 0 ? unknown : be32(p + 0x2c));
			return EOPNOTSUPP;
		}
	}
	js->j_csum = (js->j_incompat & both) != 0;
	js->j_tag_size = tag_size(js->j_incompat);
	js->j_seed = crc32c(~0u, p + 0x30, UUID_SIZE);
	if (!js->j_csum)
		return 0;
	if ((js->j_incompat & both) == both)
		return ext2_bad(why, SUPER, "two kinds of checksums",
		    js->j_incompat);
	if (p[0x50] != CSUM_CRC32C) {
		ext2_bad(why, SUPER, "unsupported checksum type", p[0x50]);
		return EOPNOTSUPP;
	}
	if (be32(p + SUPER_CSUM) !=
	    csum_around(~0u, p, JBD2_SUPER_SIZE, SUPER_CSUM))
		return ext2_bad(why, SUPER, "wrong checksum",
		    be32(p + SUPER_CSUM));
	return 0;
}

static int
check_ring(struct jbd2_super *js, uint64_t blocks, struct ext2_why *why)
{
	if (js->j_maxlen < 2 || js->j_maxlen > blocks)
		return ext2_bad(why, SUPER, "length out of range",
		    js->j_maxlen);
	js->j_end = js->j_maxlen;
	if (js->j_incompat & JBD2_INCOMPAT_FAST_COMMIT) {
		if (js->j_fc_blocks == 0)
			js->j_fc_blocks = FC_BLOCKS_DEFAULT;
		if (js->j_fc_blocks >= js->j_maxlen)
			return ext2_bad(why, SUPER,
			    "fast commit area out of range", js->j_fc_blocks);
		js->j_end -= js->j_fc_blocks;
	} else {
		js->j_fc_blocks = 0;
	}
	if (js->j_first == 0 || js->j_first >= js->j_end)
		return ext2_bad(why, SUPER, "first block out of range",
		    js->j_first);
	if (js->j_start != 0 &&
	    (js->j_start < js->j_first || js->j_start >= js->j_end))
		return ext2_bad(why, SUPER, "start out of range",
		    js->j_start);
	return 0;
}

int
jbd2_super_parse(const uint8_t *p, size_t len, uint32_t blksize,
    uint64_t blocks, struct jbd2_super *ret_js, struct ext2_why *why)
{
	struct jbd2_super js = { .j_blksize = blksize };
	int error;

	if (len < JBD2_SUPER_SIZE)
		return ext2_bad(why, SUPER, "truncated", len);
	if (be32(p) != MAGIC)
		return ext2_bad(why, SUPER, "wrong magic number", be32(p));
	if (be32(p + 4) != TYPE_SUPER_V1 && be32(p + 4) != TYPE_SUPER_V2)
		return ext2_bad(why, SUPER, "unknown version", be32(p + 4));
	if (be32(p + 0x0c) != blksize)
		return ext2_bad(why, SUPER, "block size differs from the "
		    "file system's", be32(p + 0x0c));
	js.j_maxlen = be32(p + 0x10);
	js.j_first = be32(p + 0x14);
	js.j_sequence = be32(p + 0x18);
	js.j_start = be32(p + 0x1c);
	js.j_errno = be32(p + 0x20);
	js.j_fc_blocks = be32(p + 0x54);
	error = parse_features(p, &js, why);
	if (error == 0)
		error = check_ring(&js, blocks, why);
	if (error)
		return error;
	*ret_js = js;
	return 0;
}

enum jbd2_kind
jbd2_block_kind(const uint8_t *p, size_t len, uint32_t sequence)
{
	if (len < HEADER_SIZE || be32(p) != MAGIC || be32(p + 8) != sequence)
		return JBD2_OTHER;
	switch (be32(p + 4)) {
	case TYPE_DESCRIPTOR:
		return JBD2_DESCRIPTOR;
	case TYPE_COMMIT:
		return JBD2_COMMIT;
	case TYPE_REVOKE:
		return JBD2_REVOKE;
	}
	return JBD2_OTHER;
}

bool
jbd2_block_csum_ok(const struct jbd2_super *js, const uint8_t *p, size_t len)
{
	if (!js->j_csum)
		return true;
	return len >= HEADER_SIZE + TAIL_SIZE && be32(p + len - TAIL_SIZE) ==
	    csum_around(js->j_seed, p, len, len - TAIL_SIZE);
}

int
jbd2_tag_parse(const struct jbd2_super *js, const uint8_t *p, size_t len,
    size_t off, struct jbd2_tag *ret_tag)
{
	size_t end = js->j_csum ? len - TAIL_SIZE : len;
	struct jbd2_tag tag;
	uint32_t flags, high = 0;

	if (len < TAIL_SIZE || off > end || js->j_tag_size > end - off)
		return ENOENT;
	p += off;
	if (js->j_incompat & JBD2_INCOMPAT_CSUM_V3) {
		flags = be32(p + 4);
		tag.t_csum = be32(p + 12);
	} else {
		flags = be16(p + 6);
		tag.t_csum = be16(p + 4);
	}
	if (js->j_incompat & JBD2_INCOMPAT_64BIT)
		high = be32(p + 8);
	tag.t_pblk = be32(p) | (uint64_t)high << 32;
	tag.t_escaped = (flags & TAG_ESCAPED) != 0;
	tag.t_last = (flags & TAG_LAST) != 0;
	tag.t_next = off + js->j_tag_size;
	if ((flags & TAG_SAME_UUID) == 0)
		tag.t_next += UUID_SIZE;
	*ret_tag = tag;
	return 0;
}

bool
jbd2_tag_csum_ok(const struct jbd2_super *js, const struct jbd2_tag *tag,
    uint32_t sequence, const uint8_t *p, size_t len)
{
	uint8_t be[4] = { (uint8_t)(sequence >> 24),
	    (uint8_t)(sequence >> 16), (uint8_t)(sequence >> 8),
	    (uint8_t)sequence };
	uint32_t crc;

	if (!js->j_csum)
		return true;
	crc = crc32c(crc32c(js->j_seed, be, sizeof(be)), p, len);
	if (js->j_incompat & JBD2_INCOMPAT_CSUM_V3)
		return tag->t_csum == crc;
	return tag->t_csum == (crc & 0xffff);
}

int
jbd2_commit_parse(const struct jbd2_super *js, const uint8_t *p, size_t len,
    struct jbd2_commit *ret_commit, struct ext2_why *why)
{
	struct jbd2_commit c = { .c_csum_ok = true };

	if (len < COMMIT_SIZE)
		return ext2_bad(why, COMMIT, "truncated", len);
	c.c_sec = be64(p + 0x30);
	if (js->j_csum) {
		c.c_csum_ok = be32(p + COMMIT_CSUM) ==
		    csum_around(js->j_seed, p, len, COMMIT_CSUM);
	} else if ((js->j_compat & JBD2_COMPAT_CHECKSUM) != 0 &&
	    (p[12] != 0 || p[13] != 0 || be32(p + COMMIT_CSUM) != 0)) {
		c.c_has_v1 = true;
		c.c_v1 = be32(p + COMMIT_CSUM);
		c.c_csum_ok = p[12] == CSUM_CRC32 && p[13] == 4;
	}
	*ret_commit = c;
	return 0;
}

int
jbd2_revoke_parse(const struct jbd2_super *js, const uint8_t *p, size_t len,
    uint32_t *ret_count, struct ext2_why *why)
{
	size_t size = js->j_incompat & JBD2_INCOMPAT_64BIT ? 8 : 4;
	size_t used, room = js->j_csum ? len - TAIL_SIZE : len;

	if (len < REVOKE_FIRST + TAIL_SIZE)
		return ext2_bad(why, REVOKE, "truncated", len);
	used = be32(p + 12);
	if (used < REVOKE_FIRST || used > room)
		return ext2_bad(why, REVOKE, "size out of range", used);
	*ret_count = (uint32_t)((used - REVOKE_FIRST) / size);
	return 0;
}

uint64_t
jbd2_revoke_pblk(const struct jbd2_super *js, const uint8_t *p, uint32_t i)
{
	if (js->j_incompat & JBD2_INCOMPAT_64BIT)
		return be64(p + REVOKE_FIRST + (size_t)i * 8);
	return be32(p + REVOKE_FIRST + (size_t)i * 4);
}

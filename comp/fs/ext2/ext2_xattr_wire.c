/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_xattr_wire.c - extended attributes
 *
 * Attributes lie in the inode behind its last field, in one block of their
 * own, or both. Entries grow up from the front, values down from the end;
 * four zero bytes end the entries. A large value may instead be the content
 * of an inode that serves only this (ea_inode).
 *
 * Only the block's entries carry a hash over name and value. It is the one
 * thing that tells a flipped bit where there is no metadata_csum, so it is
 * checked; like the hash of directories, the name's part has two forms.
 *
 * Reference: ext4 documentation, "Extended Attributes".
 */

#include <lib/crc.h>

#include "ext2_wire.h"

#define IBODY		"inode attributes"
#define BLOCK		"attribute block"
#define ENTRY		"attribute entry"
#define MAGIC		0xea020000u
#define ENTRY_SIZE	16
#define CSUM_OFFSET	16

int
ext2_xattrs_of_inode(const struct ext2_super *sb,
    const struct ext2_dinode *di, const uint8_t *p, size_t len,
    struct ext2_xattrs *ret_xs, struct ext2_why *why)
{
	size_t off = EXT2_INODE_OLDSIZE + (size_t)di->i_extra_isize;

	if (len < sb->s_inode_size)
		return ext2_bad(why, IBODY, "truncated", len);
	if (di->i_extra_isize == 0 || sb->s_inode_size - off < 4 ||
	    ext2_le32(p + off) != MAGIC)
		return ENODATA;
	ret_xs->x_base = p + off + 4;
	ret_xs->x_len = sb->s_inode_size - off - 4;
	ret_xs->x_first = 0;
	ret_xs->x_hashed = false;
	return 0;
}

static uint32_t
block_csum(const struct ext2_super *sb, uint64_t blkno, const uint8_t *p,
    size_t len)
{
	const uint8_t zero[4] = { 0, 0, 0, 0 };
	uint8_t le[8];
	uint32_t crc;

	for (int i = 0; i < 8; i++)
		le[i] = (uint8_t)(blkno >> (8 * i));
	crc = crc32c(sb->s_csum_seed, le, sizeof(le));
	crc = crc32c(crc, p, CSUM_OFFSET);
	crc = crc32c(crc, zero, sizeof(zero));
	return crc32c(crc, p + CSUM_OFFSET + 4, len - CSUM_OFFSET - 4);
}

int
ext2_xattrs_of_block(const struct ext2_super *sb, uint64_t blkno,
    const uint8_t *p, size_t len, struct ext2_xattrs *ret_xs,
    struct ext2_why *why)
{
	if (len < EXT2_BLOCKSIZE_MIN)
		return ext2_bad(why, BLOCK, "truncated", len);
	if (ext2_le32(p) != MAGIC)
		return ext2_bad(why, BLOCK, "wrong magic number",
		    ext2_le32(p));
	if (ext2_le32(p + 8) != 1)
		return ext2_bad(why, BLOCK, "more than one block",
		    ext2_le32(p + 8));
	if (ext2_has_csum(sb) &&
	    ext2_le32(p + CSUM_OFFSET) != block_csum(sb, blkno, p, len))
		return ext2_bad(why, BLOCK, "wrong checksum",
		    ext2_le32(p + CSUM_OFFSET));
	ret_xs->x_base = p;
	ret_xs->x_len = len;
	ret_xs->x_first = EXT2_XATTR_BLOCK_HDR;
	ret_xs->x_hashed = true;
	return 0;
}

static uint32_t
hash_name(const struct ext2_xattr *xa, bool is_signed)
{
	uint32_t hash = 0, c;

	for (unsigned int i = 0; i < xa->e_namelen; i++) {
		c = is_signed ? (uint32_t)(int32_t)(int8_t)xa->e_name[i] :
		    xa->e_name[i];
		hash = (hash << 5) ^ (hash >> 27) ^ c;
	}
	return hash;
}

static uint32_t
hash_word(uint32_t hash, uint32_t word)
{
	return (hash << 16) ^ (hash >> 16) ^ word;
}

/* Values are padded with zeroes to whole words, within `room`. */
static bool
hash_ok(const struct ext2_xattr *xa, size_t room)
{
	uint32_t hash[2] = { hash_name(xa, false), hash_name(xa, true) };
	uint32_t word;

	for (uint32_t off = 0; off < xa->e_size; off += 4) {
		if (room - off < 4)
			return false;
		word = ext2_le32(xa->e_value + off);
		hash[0] = hash_word(hash[0], word);
		hash[1] = hash_word(hash[1], word);
	}
	return xa->e_hash == hash[0] || xa->e_hash == hash[1];
}

bool
ext2_xattr_eahash_ok(const struct ext2_xattr *xa, uint32_t value_hash)
{
	return xa->e_hash == hash_word(hash_name(xa, false), value_hash) ||
	    xa->e_hash == hash_word(hash_name(xa, true), value_hash);
}

/* A value inside the region: its place is checked before it is looked at. */
static int
place_value(const struct ext2_xattrs *xs, size_t off, struct ext2_xattr *xa,
    struct ext2_why *why)
{
	size_t where = ext2_le16(xs->x_base + off + 2);

	if (xa->e_size == 0) {
		xa->e_value = xs->x_base + off;		/* nothing to see */
		return 0;
	}
	if (where > xs->x_len || xa->e_size > xs->x_len - where)
		return ext2_bad(why, ENTRY, "value out of range", where);
	xa->e_value = xs->x_base + where;
	if (xs->x_hashed && xa->e_hash != 0 &&
	    !hash_ok(xa, xs->x_len - where))
		return ext2_bad(why, ENTRY, "wrong hash", xa->e_hash);
	return 0;
}

int
ext2_xattr_parse(const struct ext2_xattrs *xs, size_t off,
    struct ext2_xattr *ret_xa, struct ext2_why *why)
{
	struct ext2_xattr xa = { .e_value = NULL };
	const uint8_t *p;
	int error;

	if (off > xs->x_len || xs->x_len - off < 4)
		return ext2_bad(why, ENTRY, "list without end", off);
	p = xs->x_base + off;
	if (ext2_le32(p) == 0)
		return ENODATA;
	if (xs->x_len - off < ENTRY_SIZE ||
	    xs->x_len - off - ENTRY_SIZE < p[0])
		return ext2_bad(why, ENTRY, "name out of range", off);
	xa.e_namelen = p[0];
	xa.e_index = p[1];
	xa.e_inum = ext2_le32(p + 4);
	xa.e_size = ext2_le32(p + 8);
	xa.e_hash = ext2_le32(p + 12);
	xa.e_name = p + ENTRY_SIZE;
	xa.e_next = off + ((ENTRY_SIZE + (size_t)xa.e_namelen + 3) & ~(size_t)3);
	for (unsigned int i = 0; i < xa.e_namelen; i++) {
		if (xa.e_name[i] == '\0')
			return ext2_bad(why, ENTRY, "zero byte in name", off);
	}
	if (xa.e_inum == 0) {
		error = place_value(xs, off, &xa, why);
		if (error)
			return error;
	}
	*ret_xa = xa;
	return 0;
}

int
ext2_xattr_find(const struct ext2_xattrs *xs, uint8_t index,
    const char *name, size_t namelen, struct ext2_xattr *ret_xa,
    struct ext2_why *why)
{
	size_t off = xs->x_first;
	struct ext2_xattr xa;
	int error;

	for (;;) {
		error = ext2_xattr_parse(xs, off, &xa, why);
		if (error)
			return error;
		if (xa.e_index == index && xa.e_namelen == namelen &&
		    __builtin_memcmp(xa.e_name, name, namelen) == 0) {
			*ret_xa = xa;
			return 0;
		}
		off = xa.e_next;
	}
}

/*
 * What stands before a name for each index. system.data, the encryption
 * context and the like are the file system's own business.
 */
static const struct {
	uint8_t		 x_index;
	bool		 x_whole;
	uint8_t		 x_len;
	const char	*x_prefix;
} xattr_prefixes[] = {
	{ EXT2_XATTR_USER, false, 5, "user." },
	{ EXT2_XATTR_ACL_ACCESS, true, 23, "system.posix_acl_access" },
	{ EXT2_XATTR_ACL_DEFAULT, true, 24, "system.posix_acl_default" },
	{ EXT2_XATTR_TRUSTED, false, 8, "trusted." },
	{ EXT2_XATTR_SECURITY, false, 9, "security." },
	{ EXT2_XATTR_HURD, false, 4, "gnu." },
};

#define NPREFIXES	(sizeof(xattr_prefixes) / sizeof(xattr_prefixes[0]))

const char *
ext2_xattr_prefix(unsigned int index, bool *ret_whole)
{
	for (size_t i = 0; i < NPREFIXES; i++) {
		if (xattr_prefixes[i].x_index == index) {
			*ret_whole = xattr_prefixes[i].x_whole;
			return xattr_prefixes[i].x_prefix;
		}
	}
	return NULL;
}

int
ext2_xattr_index(const char *name, size_t len, uint8_t *ret_index,
    const char **ret_rest, size_t *ret_restlen)
{
	size_t plen;

	for (size_t i = 0; i < NPREFIXES; i++) {
		plen = xattr_prefixes[i].x_len;
		if (len < plen || __builtin_memcmp(name,
		    xattr_prefixes[i].x_prefix, plen) != 0)
			continue;
		if (xattr_prefixes[i].x_whole != (len == plen))
			continue;
		*ret_index = xattr_prefixes[i].x_index;
		*ret_rest = name + plen;
		*ret_restlen = len - plen;
		return 0;
	}
	return ENODATA;
}

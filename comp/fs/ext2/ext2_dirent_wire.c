/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_dirent_wire.c - directory entries
 *
 * A directory block is tiled by entries: none crosses its end, each says
 * where the next begins. Inode 0 marks free room. With metadata_csum the
 * last twelve bytes are dressed up as a free entry, so that old code skips
 * it, and hold the block's checksum.
 *
 * The length of an entry has sixteen bits, in which the 65536 of the
 * greatest block is not to be had: there 65535 and 0 mean the whole block,
 * and the two low bits, else zero, are the bits 16 and 17.
 *
 * Reference: ext4 documentation, "Directory Entries".
 */

#include <lib/crc.h>

#include "ext2_wire.h"

#define ENTRY		"directory entry"
#define BLOCK		"directory block"
#define HEADER_SIZE	8
#define TAIL_SIZE	12
#define TAIL_TYPE	0xde

/* DT_* of readdir(3) by the type an entry carries. */
static const uint8_t dirent_type[8] = {
	0,	/* unknown */
	8,	/* regular file */
	4,	/* directory */
	2,	/* character device */
	6,	/* block device */
	1,	/* fifo */
	12,	/* socket */
	10,	/* symbolic link */
};

static uint32_t
dirent_reclen(const struct ext2_super *sb, const uint8_t *p)
{
	uint32_t raw = ext2_le16(p + 4);

	if (sb->s_blksize < EXT2_BLOCKSIZE_MAX)
		return raw;
	if (raw == 0xffff || raw == 0)
		return EXT2_BLOCKSIZE_MAX;
	return (raw & 0xfffc) | (raw & 3) << 16;
}

int
ext2_dirent_parse(const struct ext2_super *sb, const uint8_t *p, size_t len,
    size_t off, struct ext2_dirent *ret_de, struct ext2_why *why)
{
	struct ext2_dirent de;

	if (off > len || HEADER_SIZE > len - off)
		return ext2_bad(why, ENTRY, "crosses the end of its block",
		    off);
	p += off;
	de.d_ino = ext2_le32(p);
	de.d_reclen = dirent_reclen(sb, p);
	de.d_namelen = p[6];
	de.d_type = 0;
	if (ext2_has_incompat(sb, EXT2_INCOMPAT_FILETYPE))
		de.d_type = dirent_type[p[7] & 7];
	else if (p[7] != 0 && de.d_ino != 0)
		return ext2_bad(why, ENTRY, "name too long", p[7]);
	de.d_name = p + HEADER_SIZE;
	if (de.d_reclen % 4 != 0 || de.d_reclen < HEADER_SIZE + 4)
		return ext2_bad(why, ENTRY, "length out of range",
		    de.d_reclen);
	if (de.d_reclen > len - off)
		return ext2_bad(why, ENTRY, "crosses the end of its block",
		    off + de.d_reclen);
	if (de.d_namelen > de.d_reclen - HEADER_SIZE)
		return ext2_bad(why, ENTRY, "name longer than entry",
		    de.d_namelen);
	if (de.d_ino > sb->s_inodes)
		return ext2_bad(why, ENTRY, "inode number out of range",
		    de.d_ino);
	if (de.d_ino != 0 && de.d_namelen == 0)
		return ext2_bad(why, ENTRY, "empty name", de.d_ino);
	*ret_de = de;
	return 0;
}

/* An entry of an index block covers it wholly, from its start. */
bool
ext2_dirblock_is_index(const struct ext2_super *sb, const uint8_t *p,
    size_t len)
{
	return len >= HEADER_SIZE && ext2_le32(p) == 0 && p[6] == 0 &&
	    dirent_reclen(sb, p) == len;
}

/* What a check sum leaves of a block of entries. */
size_t
ext2_dirblock_room(const struct ext2_super *sb, size_t len)
{
	return ext2_has_csum(sb) && len >= TAIL_SIZE ? len - TAIL_SIZE : len;
}

int
ext2_dirblock_check(const struct ext2_super *sb, uint32_t seed,
    const uint8_t *p, size_t len, size_t *ret_len, struct ext2_why *why)
{
	const uint8_t *tail;

	if (!ext2_has_csum(sb)) {
		*ret_len = len;
		return 0;
	}
	if (len < TAIL_SIZE)
		return ext2_bad(why, BLOCK, "truncated", len);
	tail = p + len - TAIL_SIZE;
	if (ext2_le32(tail) != 0 || ext2_le16(tail + 4) != TAIL_SIZE ||
	    tail[6] != 0 || tail[7] != TAIL_TYPE)
		return ext2_bad(why, BLOCK, "no checksum", ext2_le32(tail));
	if (ext2_le32(tail + 8) != crc32c(seed, p, len - TAIL_SIZE))
		return ext2_bad(why, BLOCK, "wrong checksum",
		    ext2_le32(tail + 8));
	*ret_len = len - TAIL_SIZE;
	return 0;
}

/*
 * A search looks at many entries for one, so of the others only what leads
 * on is read: that they stay in the block. Whoever lists a directory sees
 * all of them judged.
 */
static bool
dirent_named(const uint8_t *p, const char *name, size_t namelen)
{
	return p[6] == namelen && (char)p[HEADER_SIZE + namelen - 1] ==
	    name[namelen - 1] &&
	    __builtin_memcmp(p + HEADER_SIZE, name, namelen) == 0 &&
	    ext2_le32(p) != 0;
}

int
ext2_dirent_find(const struct ext2_super *sb, const uint8_t *p, size_t len,
    const char *name, size_t namelen, struct ext2_dirent *ret_de,
    struct ext2_why *why)
{
	size_t off = 0, need = HEADER_SIZE + namelen;
	struct ext2_dirent de;
	uint32_t reclen;

	if (namelen == 0)
		return ENOENT;
	while (off < len) {
		reclen = HEADER_SIZE <= len - off ?
		    dirent_reclen(sb, p + off) : 0;
		if (reclen < HEADER_SIZE + 4 || reclen > len - off)
			return ext2_dirent_parse(sb, p, len, off, &de, why);
		if (reclen >= need && dirent_named(p + off, name, namelen))
			return ext2_dirent_parse(sb, p, len, off, ret_de, why);
		off += reclen;
	}
	return ENOENT;
}

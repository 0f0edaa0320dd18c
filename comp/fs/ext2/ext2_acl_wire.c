/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_acl_wire.c - access control lists
 *
 * ext4 stores a list in a shorter form than the system call interface has:
 * version 1, and an id only for the entries that name a user or a group.
 * Users get version 2, where each entry has an id.
 *
 * References: ext4 documentation, "POSIX ACLs"; linux/posix_acl_xattr.h for
 * the user's form; POSIX 1003.1e draft 17 for the tags.
 */

#include "ext2_wire.h"

#define ACL		"access control list"
#define STORED_VERSION	1
#define USER_VERSION	2
#define HEADER_SIZE	4
#define SHORT_SIZE	4
#define LONG_SIZE	8
#define NO_ID		0xffffffffu

enum acl_tag {
	TAG_USER_OBJ = 0x01, TAG_USER = 0x02, TAG_GROUP_OBJ = 0x04,
	TAG_GROUP = 0x08, TAG_MASK = 0x10, TAG_OTHER = 0x20
};

static void
put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void
put_le32(uint8_t *p, uint32_t v)
{
	put_le16(p, (uint16_t)v);
	put_le16(p + 2, (uint16_t)(v >> 16));
}

struct acl_entry {
	uint16_t	a_tag, a_perm;
	uint32_t	a_id;
	size_t		a_len;
};

static int
entry_parse(const uint8_t *p, size_t len, struct acl_entry *ret_ae,
    struct ext2_why *why)
{
	struct acl_entry ae;

	if (len < SHORT_SIZE)
		return ext2_bad(why, ACL, "entry truncated", len);
	ae.a_tag = ext2_le16(p);
	ae.a_perm = ext2_le16(p + 2);
	ae.a_id = NO_ID;
	ae.a_len = SHORT_SIZE;
	switch (ae.a_tag) {
	case TAG_USER:
	case TAG_GROUP:
		if (len < LONG_SIZE)
			return ext2_bad(why, ACL, "entry truncated", len);
		ae.a_id = ext2_le32(p + 4);
		ae.a_len = LONG_SIZE;
		break;
	case TAG_USER_OBJ:
	case TAG_GROUP_OBJ:
	case TAG_MASK:
	case TAG_OTHER:
		break;
	default:
		return ext2_bad(why, ACL, "unknown tag", ae.a_tag);
	}
	if (ae.a_perm > 7)
		return ext2_bad(why, ACL, "unknown permission", ae.a_perm);
	*ret_ae = ae;
	return 0;
}

int
ext2_acl_export(const uint8_t *p, size_t len, uint8_t *out, size_t outlen,
    size_t *ret_len, struct ext2_why *why)
{
	size_t need = HEADER_SIZE, off = HEADER_SIZE;
	struct acl_entry ae;
	int error;

	if (len < HEADER_SIZE)
		return ext2_bad(why, ACL, "truncated", len);
	if (ext2_le32(p) != STORED_VERSION)
		return ext2_bad(why, ACL, "unknown version", ext2_le32(p));
	if (out != NULL) {
		if (outlen < HEADER_SIZE)
			return ERANGE;
		put_le32(out, USER_VERSION);
	}
	while (off < len) {
		error = entry_parse(p + off, len - off, &ae, why);
		if (error)
			return error;
		if (out != NULL) {
			if (outlen - need < LONG_SIZE)
				return ERANGE;
			put_le16(out + need, ae.a_tag);
			put_le16(out + need + 2, ae.a_perm);
			put_le32(out + need + 4, ae.a_id);
		}
		need += LONG_SIZE;
		off += ae.a_len;
	}
	*ret_len = need;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * base.c - how an input changes a base
 *
 * The input is a list of records, the first byte of each says what to do:
 *
 *	0	TO OFF16 LEN BYTES..	put bytes
 *	1	TO FROM			copy a block over another
 *	2	TO			zeroes
 *	3	TO OFF16 VALUE32	put a number, little-endian, at 4 * OFF
 *	4	TO OFF16 WHICH		put the number of an interesting block
 *	5	TO OFF16 BIT		flip a bit
 *	6	TO OFF16 VALUE16	put a number of 16 bits at 2 * OFF
 *	7	TO OFF16 VALUE32	the same as 3, big-endian
 *
 * TO, FROM and WHICH are places in the base's table of roles, so that hardly
 * any input is wasted on blocks that nobody reads.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

static const char *const role_names[] = {
	[ROLE_SUPER] = "super", [ROLE_GROUPS] = "groups", [ROLE_INODES] = "inodes",
	[ROLE_DIR] = "dir", [ROLE_HTREE] = "htree", [ROLE_EXTENTS] = "extents",
	[ROLE_MAP] = "map", [ROLE_XATTR] = "xattr", [ROLE_JOURNAL] = "journal",
	[ROLE_TABLE] = "table",
};
_Static_assert(sizeof(role_names) / sizeof(role_names[0]) == ROLE_NKINDS,
    "name each role");

struct input {
	const uint8_t	*i_p;
	size_t		 i_left;
};

static bool
load_roles(FILE *in, struct base *b)
{
	unsigned int block, kind;
	struct role r;
	char name[16];

	if (fscanf(in, "%u %u %u %u %u %u", &block, &b->b_seed, &b->b_isize,
	    &b->b_ipg, &b->b_itable, &b->b_desc) != 6 || block != BASE_UNIT)
		return false;
	while (b->b_nroles < BASE_ROLES && fscanf(in, "%15s %u %u %u", name,
	    &r.r_block, &r.r_ino, &r.r_generation) == 4) {
		for (kind = 0; kind < ROLE_NKINDS; kind++) {
			if (strcmp(name, role_names[kind]) == 0)
				break;
		}
		if (kind == ROLE_NKINDS ||
		    ((size_t)r.r_block + 1) * BASE_UNIT > b->b_size)
			return false;
		r.r_kind = (enum role_kind)kind;
		b->b_roles[b->b_nroles++] = r;
	}
	return b->b_nroles > 0;
}

bool
base_load(const char *folder, const char *name, struct base *b)
{
	char path[4096];
	bool ok = false;
	long size;
	FILE *in;

	memset(b, 0, sizeof(*b));
	snprintf(path, sizeof(path), "%s/%s.img", folder, name);
	in = fopen(path, "rb");
	if (in == NULL)
		return false;
	if (fseek(in, 0, SEEK_END) == 0 && (size = ftell(in)) > 0) {
		rewind(in);
		b->b_size = (size_t)size;
		b->b_data = malloc(b->b_size);
		ok = b->b_data != NULL &&
		    fread(b->b_data, 1, b->b_size, in) == b->b_size;
	}
	fclose(in);
	snprintf(path, sizeof(path), "%s/%s.roles", folder, name);
	in = ok ? fopen(path, "r") : NULL;
	if (in == NULL)
		return false;
	ok = load_roles(in, b);
	fclose(in);
	return ok;
}

/* --- records --------------------------------------------------------------------- */

static unsigned int
take(struct input *in, unsigned int bytes)
{
	unsigned int v = 0;

	for (unsigned int i = 0; i < bytes; i++) {
		if (in->i_left == 0)
			break;
		v |= (unsigned int)*in->i_p++ << (8 * i);
		in->i_left--;
	}
	return v;
}

/* A block of the table, which may be written to from now on; NULL: too many. */
static uint8_t *
touch(struct base *b, unsigned int which)
{
	uint32_t block = b->b_roles[which % b->b_nroles].r_block;
	uint8_t *p = b->b_data + (size_t)block * BASE_UNIT;

	for (size_t i = 0; i < b->b_nchanged; i++) {
		if (b->b_changed[i] == block)
			return p;
	}
	if (b->b_nchanged == BASE_UNDO)
		return NULL;
	memcpy(b->b_was[b->b_nchanged], p, BASE_UNIT);
	b->b_changed[b->b_nchanged++] = block;
	return p;
}

static void
put(uint8_t *p, unsigned int off, const uint8_t *bytes, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++)
		p[(off + i) % BASE_UNIT] = bytes[i];
}

static void
put_number(uint8_t *p, unsigned int off, uint32_t value, unsigned int len,
    bool big_endian)
{
	for (unsigned int i = 0; i < len; i++)
		p[(off * len + i) % BASE_UNIT] = (uint8_t)(value >>
		    8 * (big_endian ? len - 1 - i : i));
}

static void
change_one(struct base *b, struct input *in)
{
	unsigned int what = take(in, 1) % 8;
	uint8_t *p = touch(b, take(in, 1));
	unsigned int off, len;
	const struct role *r;

	if (p == NULL)
		return;
	if (what == 1) {
		r = &b->b_roles[take(in, 1) % b->b_nroles];
		memmove(p, b->b_data + (size_t)r->r_block * BASE_UNIT, BASE_UNIT);
		return;
	}
	if (what == 2) {
		memset(p, 0, BASE_UNIT);
		return;
	}
	off = take(in, 2);
	switch (what) {
	case 0:
		len = take(in, 1);
		len = len < in->i_left ? len : (unsigned int)in->i_left;
		put(p, off, in->i_p, len);
		in->i_p += len;
		in->i_left -= len;
		break;
	case 3:
	case 7:
		put_number(p, off, take(in, 4), 4, what == 7);
		break;
	case 4:
		r = &b->b_roles[take(in, 1) % b->b_nroles];
		put_number(p, off, r->r_block, 4, false);
		break;
	case 5:
		p[off % BASE_UNIT] ^= (uint8_t)(1U << take(in, 1) % 8);
		break;
	default:
		put_number(p, off, take(in, 2), 2, false);
		break;
	}
}

void
base_change(struct base *b, const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	while (in.i_left > 0)
		change_one(b, &in);
}

void
base_undo(struct base *b)
{
	for (size_t i = 0; i < b->b_nchanged; i++)
		memcpy(b->b_data + (size_t)b->b_changed[i] * BASE_UNIT,
		    b->b_was[i], BASE_UNIT);
	b->b_nchanged = 0;
}

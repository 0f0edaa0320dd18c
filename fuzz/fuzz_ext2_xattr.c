/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_ext2_xattr.c - attribute blocks, access control lists, names, and
 * blocks of the orphan file
 */

#include "fuzz_ext2.h"

#define BLOCK_MAX	4096

static void
try_acl(const uint8_t *p, size_t len)
{
	static uint8_t out[2 * BLOCK_MAX + 8];
	struct ext2_why why = { NULL, NULL, 0 };
	size_t need = 0, got = 0;
	int error;

	error = ext2_acl_export(p, len, NULL, 0, &need, &why);
	if (error) {
		fuzz_refused(error, &why);
		return;
	}
	if (ext2_acl_export(p, len, out, sizeof(out), &got, &why) != 0 ||
	    got != need)
		panic("a list of two lengths");
	if (ext2_acl_export(p, len, out, need - 1, &got, &why) != ERANGE)
		panic("a list that fits where it cannot");
}

static void
try_entry(const struct ext2_xattr *xa, const uint8_t *block, size_t len)
{
	bool whole;

	if (xa->e_name < block || xa->e_name + xa->e_namelen > block + len)
		panic("a name outside");
	(void)ext2_xattr_prefix(xa->e_index, &whole);
	(void)ext2_xattr_eahash_ok(xa, 1);
	if (xa->e_value == NULL)
		return;
	if (xa->e_size > 0 && (xa->e_value < block ||
	    xa->e_value + xa->e_size > block + len))
		panic("a value outside");
	try_acl(xa->e_value, xa->e_size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ext2_why why = { NULL, NULL, 0 };
	static uint8_t block[BLOCK_MAX];
	struct ext2_xattrs xs;
	struct ext2_xattr xa;
	struct ext2_super sb;
	const char *rest;
	size_t off, len;
	uint8_t index;
	uint32_t n;
	int error;

	if (size < 1)
		return 0;
	sb = fuzz_super(data[0]);
	if (sb.s_blksize > BLOCK_MAX)
		sb.s_blksize = BLOCK_MAX;
	memset(block, 0, sizeof(block));
	memcpy(block, data + 1, size - 1 < BLOCK_MAX ? size - 1 : BLOCK_MAX);

	try_acl(block, size - 1 < BLOCK_MAX ? size - 1 : BLOCK_MAX);
	(void)ext2_xattr_index((const char *)data + 1, size - 1, &index,
	    &rest, &len);
	(void)ext2_orphan_block(&sb, 1, 5, block, sb.s_blksize, &n, &why);
	error = ext2_xattrs_of_block(&sb, 9, block, sb.s_blksize, &xs, &why);
	if (error) {
		fuzz_refused(error, &why);
		return 0;
	}
	off = xs.x_first;
	while ((error = ext2_xattr_parse(&xs, off, &xa, &why)) == 0) {
		try_entry(&xa, block, sb.s_blksize);
		if (xa.e_next <= off)
			panic("attributes go back");
		off = xa.e_next;
	}
	if (error != ENODATA)
		fuzz_refused(error, &why);
	return 0;
}

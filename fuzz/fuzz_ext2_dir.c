/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_ext2_dir.c - directory blocks and nodes of directory indexes
 */

#include "fuzz_ext2.h"

#define BLOCK_MAX	4096

static void
try_entries(const struct ext2_super *sb, const uint8_t *p, size_t len)
{
	struct ext2_why why = { NULL, NULL, 0 };
	struct ext2_dirent de, found;
	size_t off = 0;
	int error = 0;

	while (off < len) {
		error = ext2_dirent_parse(sb, p, len, off, &de, &why);
		if (error) {
			fuzz_refused(error, &why);
			return;
		}
		if (de.d_reclen == 0 || de.d_reclen > len - off ||
		    de.d_name + de.d_namelen > p + len)
			panic("an entry outside");
		if (de.d_ino != 0 && off < 64) {
			error = ext2_dirent_find(sb, p, len,
			    (const char *)de.d_name, de.d_namelen, &found,
			    &why);
			if (error || found.d_namelen != de.d_namelen)
				panic("an entry that is not found");
		}
		off += de.d_reclen;
	}
}

static void
try_index(const struct ext2_dxnode *node, size_t len)
{
	unsigned int at;

	if (node->x_count == 0 || node->x_count > len / 8)
		panic("%u entries", node->x_count);
	for (unsigned int i = 0; i < node->x_count; i++) {
		at = ext2_dxnode_find(node, ext2_dxnode_hash(node, i));
		if (at < i || ext2_dxnode_hash(node, at) !=
		    ext2_dxnode_hash(node, i))
			panic("entry %u is not found", i);
		(void)ext2_dxnode_block(node, i);
	}
}

static void
try_hashes(const struct ext2_super *sb, const uint8_t *p, size_t len)
{
	uint32_t hash;

	if (len > EXT2_NAME_MAX)
		len = EXT2_NAME_MAX;
	for (unsigned int v = 0; v <= EXT2_HASH_SIPHASH; v++) {
		if (ext2_hash_name(v, sb->s_hash_seed, (const char *)p, len,
		    &hash) == 0 && (hash & 1) != 0)
			panic("a hash with the mark of collisions");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ext2_why why = { NULL, NULL, 0 };
	static uint8_t block[BLOCK_MAX];
	struct ext2_dxnode node;
	struct ext2_super sb;
	size_t len;
	int error;

	if (size < 1)
		return 0;
	sb = fuzz_super(data[0]);
	if (sb.s_blksize > BLOCK_MAX)
		sb.s_blksize = BLOCK_MAX;
	memset(block, 0, sizeof(block));
	memcpy(block, data + 1, size - 1 < BLOCK_MAX ? size - 1 : BLOCK_MAX);

	try_hashes(&sb, data + 1, size - 1);
	try_entries(&sb, block, sb.s_blksize);
	error = ext2_dirblock_check(&sb, 1, block, sb.s_blksize, &len, &why);
	if (error == 0)
		try_entries(&sb, block, len);
	else
		fuzz_refused(error, &why);
	error = ext2_dxroot_parse(&sb, 1, block, sb.s_blksize, &node, &why);
	if (error == 0)
		try_index(&node, sb.s_blksize);
	else
		fuzz_refused(error, &why);
	error = ext2_dxnode_parse(&sb, 1, block, sb.s_blksize, &node, &why);
	if (error == 0)
		try_index(&node, sb.s_blksize);
	else
		fuzz_refused(error, &why);
	return 0;
}

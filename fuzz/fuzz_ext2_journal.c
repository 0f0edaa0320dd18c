/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_ext2_journal.c - the superblock of a journal, and one block as each of
 * the kinds that it may be
 */

#include "fuzz_ext2.h"
#include "jbd2_wire.h"

#define BLKSIZE		1024
#define BLOCKS		4096

static void
try_tags(const struct jbd2_super *js, const uint8_t *p)
{
	size_t off = JBD2_TAG_FIRST;
	struct jbd2_tag tag;

	while (jbd2_tag_parse(js, p, BLKSIZE, off, &tag) == 0) {
		if (tag.t_next <= off)
			panic("tags go back");
		(void)jbd2_tag_csum_ok(js, &tag, 1, p, BLKSIZE);
		off = tag.t_next;
	}
}

static void
try_block(const struct jbd2_super *js, const uint8_t *p)
{
	struct ext2_why why = { NULL, NULL, 0 };
	struct jbd2_commit commit;
	uint32_t count, crc = 0;
	int error;

	(void)jbd2_block_kind(p, BLKSIZE, js->j_sequence);
	(void)jbd2_block_csum_ok(js, p, BLKSIZE);
	try_tags(js, p);
	error = jbd2_commit_parse(js, p, BLKSIZE, &commit, &why);
	if (error)
		fuzz_refused(error, &why);
	error = jbd2_revoke_parse(js, p, BLKSIZE, &count, &why);
	if (error)
		fuzz_refused(error, &why);
	else if (count > BLKSIZE / 4)
		panic("%u revoked blocks", count);
	else if (count > 0)
		(void)jbd2_revoke_pblk(js, p, count - 1);
	(void)jbd2_fc_scan(p, BLKSIZE, js->j_sequence, &crc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t super[BLKSIZE], block[BLKSIZE];
	struct ext2_why why = { NULL, NULL, 0 };
	struct jbd2_super js;
	int error;

	memset(super, 0, sizeof(super));
	memset(block, 0, sizeof(block));
	memcpy(super, data, size < BLKSIZE ? size : BLKSIZE);
	if (size > BLKSIZE)
		memcpy(block, data + BLKSIZE, size - BLKSIZE < BLKSIZE ?
		    size - BLKSIZE : BLKSIZE);
	error = jbd2_super_parse(super, BLKSIZE, BLKSIZE, BLOCKS, &js, &why);
	if (error) {
		fuzz_refused(error, &why);
		return 0;
	}
	if (js.j_first == 0 || js.j_end <= js.j_first ||
	    js.j_end > js.j_maxlen || js.j_maxlen > BLOCKS ||
	    js.j_start >= js.j_end)
		panic("a ring out of range");
	try_block(&js, block);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_partition.c - partition tables from a disk that lies
 *
 * The input is the beginning of a disk with sectors of 512 bytes: an MBR, a
 * GPT header in sector 1, its entries from sector 2 on, or a BSD label in
 * sector 1.  Everything is parsed twice, as it is and with the check sums of
 * the GPT made right: no fuzzer finds a CRC by chance, but an attacker does.
 */

#include <lib/crc.h>
#include <lib/string.h>
#include <sys/kassert.h>

#include "part_wire.h"

#define SECTOR		512
#define GPT_CRC_AT	16
#define GPT_SIZE_AT	12
#define GPT_ENTCRC_AT	88
#define DISK_SECTORS	1000000

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a parser hands out has to be as its header promises. */
static void
check_text(const char *text, size_t size)
{
	if (strnlen(text, size) >= size)
		panic("text without an end");
}

static void
put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void
try_entries(const struct gpt_header *gh, const uint8_t *ents, size_t len)
{
	struct gpt_entry ge;

	for (uint32_t i = 0; i < gh->gh_nent; i++) {
		if (gpt_entry_parse(gh, ents, len, i, &ge) != 0 || !ge.ge_used)
			continue;
		check_text(ge.ge_name, sizeof(ge.ge_name));
		check_text(ge.ge_type, sizeof(ge.ge_type));
		if (ge.ge_first > ge.ge_last || ge.ge_last > gh->gh_last)
			panic("entry %u outside of the disk", i);
	}
}

static void
try_gpt(const uint8_t *sec, const uint8_t *ents, size_t entlen)
{
	struct gpt_header gh;
	const char *why = NULL;
	size_t want;
	int error;

	error = gpt_header_parse(sec, SECTOR, 1, DISK_SECTORS, &gh, &why);
	if (error != 0) {
		if (why != NULL)
			check_text(why, 200);
		return;
	}
	want = (size_t)gh.gh_nent * gh.gh_entsize;
	if (gh.gh_nent > GPT_MAXENTRIES || gh.gh_entsize > GPT_MAXENTSIZE ||
	    want > GPT_MAXBYTES)
		panic("%u entries of %u bytes", gh.gh_nent, gh.gh_entsize);
	if (want > entlen)
		return;
	(void)gpt_entries_ok(&gh, ents, want);
	try_entries(&gh, ents, want);
}

static void
try_gpt_mended(const uint8_t *sec, const uint8_t *ents, size_t entlen)
{
	uint8_t mended[SECTOR];
	uint32_t len;

	memcpy(mended, sec, SECTOR);
	len = mended[GPT_SIZE_AT] | (uint32_t)mended[GPT_SIZE_AT + 1] << 8;
	if (len < GPT_ENTCRC_AT + 4 || len > SECTOR)
		return;
	put32(mended + GPT_CRC_AT, 0);
	put32(mended + GPT_CRC_AT, ~crc32(~0U, mended, len));
	try_gpt(mended, ents, entlen);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbr_entry me[4];
	struct bsd_label bl;

	(void)mbr_parse(data, size < SECTOR ? size : SECTOR, me);
	if (size < SECTOR)
		return 0;
	(void)bsd_label_parse(data + SECTOR, size - SECTOR, &bl);
	if (size < 2 * SECTOR)
		return 0;
	try_gpt(data + SECTOR, data + 2 * SECTOR, size - 2 * SECTOR);
	try_gpt_mended(data + SECTOR, data + 2 * SECTOR, size - 2 * SECTOR);
	return 0;
}

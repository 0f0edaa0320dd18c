/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * part_gpt_wire.c - GUID partition table (UEFI specification, 5.3)
 *
 * Header, little-endian: 0 "EFI PART", 8 revision, 12 header size, 16 CRC of
 * the header with this field zero, 24 own LBA, 32 alternate LBA, 40 and 48
 * first and last usable LBA, 56 disk GUID, 72 LBA of the entries, 80 their
 * number, 84 size of one, 88 CRC of all.
 * Entry: 0 type GUID, 16 GUID, 32 and 40 first and last LBA, 48 attributes,
 * 56 name, 36 units of UTF-16LE.
 */

#include "part_wire.h"

#include <lib/bytes.h>
#include <lib/crc.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/types.h>

#define GPT_HEADERMIN	92
#define GPT_ENTMIN	128
#define GPT_NAMEOFF	56
#define GPT_NAMEUNITS	36

void
guid_text(const uint8_t guid[16], char text[GUID_TEXTLEN])
{
	(void)snprintf(text, GUID_TEXTLEN,
	    "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", le32_get(guid),
	    le16_get(guid + 4), le16_get(guid + 6), guid[8], guid[9], guid[10],
	    guid[11], guid[12], guid[13], guid[14], guid[15]);
}

/* The check sum is over the header with its own field taken as zero. */
static uint32_t
gpt_header_crc(const uint8_t *sec, size_t size)
{
	static const uint8_t nought[4];
	uint32_t crc = ~0u;

	crc = crc32(crc, sec, 16);
	crc = crc32(crc, nought, sizeof(nought));
	return ~crc32(crc, sec + 20, size - 20);
}

static const char *
gpt_header_fault(const struct gpt_header *gh, uint64_t lba, uint64_t nsec,
    size_t secsize)
{
	uint64_t bytes;

	if (gh->gh_lba != lba)
		return "it names another sector as its own";
	if (gh->gh_first > gh->gh_last || gh->gh_last >= nsec)
		return "the usable range is not inside the disk";
	if (gh->gh_entsize < GPT_ENTMIN || gh->gh_entsize > GPT_MAXENTSIZE ||
	    gh->gh_entsize % 8 != 0)
		return "bad entry size";
	if (gh->gh_nent == 0 || gh->gh_nent > GPT_MAXENTRIES)
		return "bad number of entries";
	bytes = (uint64_t)gh->gh_nent * gh->gh_entsize;
	if (bytes > GPT_MAXBYTES)
		return "bad number of entries";
	if (gh->gh_entlba >= nsec ||
	    (bytes + secsize - 1) / secsize > nsec - gh->gh_entlba)
		return "the entries are not inside the disk";
	return NULL;
}

int
gpt_header_parse(const uint8_t *sec, size_t secsize, uint64_t lba,
    uint64_t nsec, struct gpt_header *ret_gh, const char **ret_why)
{
	struct gpt_header gh;
	uint32_t size;

	if (secsize < 512 || memcmp(sec, "EFI PART", 8) != 0)
		return EINVAL;
	size = le32_get(sec + 12);
	if (size < GPT_HEADERMIN || size > secsize) {
		*ret_why = "bad header size";
		return EUCLEAN;
	}
	if (gpt_header_crc(sec, size) != le32_get(sec + 16)) {
		*ret_why = "the check sum is wrong";
		return EUCLEAN;
	}
	gh = (struct gpt_header){
		.gh_lba = le64_get(sec + 24), .gh_altlba = le64_get(sec + 32),
		.gh_first = le64_get(sec + 40), .gh_last = le64_get(sec + 48),
		.gh_entlba = le64_get(sec + 72), .gh_nent = le32_get(sec + 80),
		.gh_entsize = le32_get(sec + 84), .gh_entcrc = le32_get(sec + 88),
	};
	guid_text(sec + 56, gh.gh_guid);
	*ret_why = gpt_header_fault(&gh, lba, nsec, secsize);
	if (*ret_why != NULL)
		return EUCLEAN;
	*ret_gh = gh;
	return 0;
}

bool
gpt_entries_ok(const struct gpt_header *gh, const uint8_t *ents, size_t len)
{
	return len == (size_t)gh->gh_nent * gh->gh_entsize &&
	    ~crc32(~0u, ents, len) == gh->gh_entcrc;
}

/* Appends a code point; out has room for three bytes a unit. */
static char *
utf8_put(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	}
	return out;
}

/* A lone surrogate becomes U+FFFD, a control character '?'. */
static void
gpt_name_text(const uint8_t *units, char name[GPT_NAMELEN])
{
	char *out = name;

	for (size_t i = 0; i < GPT_NAMEUNITS; i++) {
		uint32_t c = le16_get(units + 2 * i);

		if (c == 0)
			break;
		if (c >= 0xd800 && c < 0xdc00 && i + 1 < GPT_NAMEUNITS) {
			uint32_t low = le16_get(units + 2 * (i + 1));

			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i++;
			}
		}
		if (c >= 0xd800 && c < 0xe000)
			c = 0xfffd;
		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			c = '?';
		out = utf8_put(out, c);
	}
	*out = '\0';
}

int
gpt_entry_parse(const struct gpt_header *gh, const uint8_t *ents, size_t len,
    uint32_t index, struct gpt_entry *ret_ge)
{
	static const uint8_t unused[16];
	struct gpt_entry ge = { .ge_used = false };
	const uint8_t *e;

	if (index >= gh->gh_nent || index >= len / gh->gh_entsize)
		return EINVAL;
	e = ents + (size_t)index * gh->gh_entsize;
	if (memcmp(e, unused, sizeof(unused)) == 0) {
		*ret_ge = ge;
		return 0;
	}
	ge.ge_used = true;
	guid_text(e, ge.ge_type);
	guid_text(e + 16, ge.ge_guid);
	ge.ge_first = le64_get(e + 32);
	ge.ge_last = le64_get(e + 40);
	ge.ge_attrs = le64_get(e + 48);
	gpt_name_text(e + GPT_NAMEOFF, ge.ge_name);
	if (ge.ge_first > ge.ge_last || ge.ge_first < gh->gh_first ||
	    ge.ge_last > gh->gh_last)
		return EUCLEAN;
	*ret_ge = ge;
	return 0;
}

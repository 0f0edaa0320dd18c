/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * part_wire.h - partition tables as bytes: GPT, MBR, BSD disklabel
 *
 * Pure parsers: bytes and a length in, values or an errno out; no lock, no
 * allocation, no I/O.  EINVAL means "not such a table", EUCLEAN "one, but
 * damaged".  The caller (partition.c) reads the sectors.
 *
 * References: UEFI specification, chapter 5 (GPT) and 5.2 (MBR); disklabel(5)
 * of the BSDs.
 */

#ifndef DEV_PART_WIRE_H
#define DEV_PART_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUID_TEXTLEN	37	/* with the NUL */

/* Text form of a GUID, whose first three fields are little-endian. */
void	guid_text(const uint8_t guid[16], char text[GUID_TEXTLEN]);

/* --- GPT ------------------------------------------------------------------ */

#define GPT_MAXENTRIES	1024
#define GPT_MAXENTSIZE	4096
#define GPT_MAXBYTES	(1024 * 1024)
#define GPT_NAMELEN	(36 * 3 + 1)	/* UTF-8 of 36 UTF-16 units, and NUL */

struct gpt_header {
	uint64_t	gh_lba;		/* its own place */
	uint64_t	gh_altlba;	/* the other header's */
	uint64_t	gh_first, gh_last;	/* usable sectors */
	uint64_t	gh_entlba;
	uint32_t	gh_nent;
	uint32_t	gh_entsize;	/* bytes */
	uint32_t	gh_entcrc;
	char		gh_guid[GUID_TEXTLEN];
};

struct gpt_entry {
	bool		ge_used;
	char		ge_type[GUID_TEXTLEN];
	char		ge_guid[GUID_TEXTLEN];
	uint64_t	ge_first, ge_last;	/* sectors, inclusive */
	uint64_t	ge_attrs;
	char		ge_name[GPT_NAMELEN];
};

/*
 * sec: one sector, expected at lba of a disk of nsec sectors.  EINVAL: no
 * signature.  EUCLEAN: check sum, place or sizes are wrong; *ret_why says
 * which.
 */
int	gpt_header_parse(const uint8_t *sec, size_t secsize, uint64_t lba,
	    uint64_t nsec, struct gpt_header *ret_gh, const char **ret_why);
/* ents: all gh_nent * gh_entsize bytes. */
bool	gpt_entries_ok(const struct gpt_header *gh, const uint8_t *ents, size_t len);
/* EUCLEAN: the range is upside down or outside the usable sectors. */
int	gpt_entry_parse(const struct gpt_header *gh, const uint8_t *ents,
	    size_t len, uint32_t index, struct gpt_entry *ret_ge);

/* --- MBR ------------------------------------------------------------------ */

#define MBR_EXTENDED(t)	((t) == 0x05 || (t) == 0x0f || (t) == 0x85)
#define MBR_PROTECTIVE	0xee

struct mbr_entry {
	uint8_t		me_type;	/* 0: unused */
	bool		me_boot;
	uint32_t	me_start;	/* sectors, relative as the place demands */
	uint32_t	me_size;
};

/*
 * The four entries of a master or extended boot record.  EINVAL: no signature,
 * or the boot flags show that it is something else (a boot sector of FAT).
 */
int	mbr_parse(const uint8_t *sec, size_t len, struct mbr_entry ret_me[4]);

/* --- BSD disklabel --------------------------------------------------------- */

#define BSD_MAXPARTS	22

struct bsd_label {
	uint32_t	bl_secsize;
	uint16_t	bl_nparts;
	struct {
		uint32_t bp_size;	/* sectors */
		uint32_t bp_start;
		uint8_t	 bp_type;
	} bl_part[BSD_MAXPARTS];
};

/* EUCLEAN: the magic numbers are there but the check sum is wrong. */
int	bsd_label_parse(const uint8_t *buf, size_t len, struct bsd_label *ret_bl);

#endif /* DEV_PART_WIRE_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * part_mbr_wire.c - master and extended boot records, BSD disklabel
 *
 * Boot record: four entries of 16 bytes from 446 on (0 boot flag, 4 type, 8
 * first sector, 12 sectors, little-endian), 55 AA at 510.
 * Disklabel: 0 and 132 magic, 40 sector size, 136 check sum, 138 number of
 * partitions, entries of 16 bytes from 148 on (0 size, 4 start, 12 type).
 * The 16-bit words of a label, entries included, xor to zero.
 */

#include "part_wire.h"

#include <lib/bytes.h>
#include <sys/errno.h>

#define MBR_ENTRIES	446
#define BSD_MAGIC	0x82564557u
#define BSD_ENTRIES	148
#define BSD_ENTSIZE	16

int
mbr_parse(const uint8_t *sec, size_t len, struct mbr_entry ret_me[4])
{
	struct mbr_entry me[4];

	if (len < 512 || sec[510] != 0x55 || sec[511] != 0xaa)
		return EINVAL;
	for (int i = 0; i < 4; i++) {
		const uint8_t *e = sec + MBR_ENTRIES + 16 * i;

		if (e[0] != 0x00 && e[0] != 0x80)
			return EINVAL;
		me[i] = (struct mbr_entry){ .me_type = e[4],
		    .me_boot = e[0] == 0x80, .me_start = le32_get(e + 8),
		    .me_size = le32_get(e + 12) };
		if (me[i].me_size == 0)
			me[i].me_type = 0;
	}
	for (int i = 0; i < 4; i++)
		ret_me[i] = me[i];
	return 0;
}

static uint16_t
bsd_sum(const uint8_t *buf, size_t len)
{
	uint16_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum ^= le16_get(buf + i);
	return sum;
}

int
bsd_label_parse(const uint8_t *buf, size_t len, struct bsd_label *ret_bl)
{
	struct bsd_label bl = { .bl_nparts = 0 };
	size_t size;

	if (len < BSD_ENTRIES || le32_get(buf) != BSD_MAGIC ||
	    le32_get(buf + 132) != BSD_MAGIC)
		return EINVAL;
	bl.bl_nparts = le16_get(buf + 138);
	bl.bl_secsize = le32_get(buf + 40);
	size = BSD_ENTRIES + (size_t)bl.bl_nparts * BSD_ENTSIZE;
	if (bl.bl_nparts > BSD_MAXPARTS || size > len || bsd_sum(buf, size) != 0 ||
	    bl.bl_secsize < 512 || bl.bl_secsize > 65536 ||
	    (bl.bl_secsize & (bl.bl_secsize - 1)) != 0)
		return EUCLEAN;
	for (unsigned int i = 0; i < bl.bl_nparts; i++) {
		const uint8_t *e = buf + BSD_ENTRIES + (size_t)i * BSD_ENTSIZE;

		bl.bl_part[i].bp_size = le32_get(e);
		bl.bl_part[i].bp_start = le32_get(e + 4);
		bl.bl_part[i].bp_type = e[12];
	}
	*ret_bl = bl;
	return 0;
}

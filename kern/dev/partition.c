/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * partition.c - finds the partitions of a disk and attaches them
 *
 * Looked for in this order: GPT (also with sectors of other sizes than the
 * disk says, as in images of 4 KiB disks; the backup table serves when the
 * first is damaged), MBR with logical partitions, BSD disklabel (on the bare
 * disk, or within an MBR slice).  Numbers are Linux's: a GPT entry's own,
 * 1-4 for primary and 5.. for logical ones, BSD partitions behind them.
 *
 * Everything read here is hostile: see part_wire.h for the parsers.  An
 * entry that is not inside the disk is left out with a warning; entries that
 * overlap are served as they are, since each is only a window.
 */

#include <linux/limits.h>

#include <lib/bytes.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <rump/rump.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/log.h>

#include "dev_impl.h"
#include "part_wire.h"

#define LOGICAL_MAX	128
#define MBR_SECTOR	512

/* --- partitions as block devices ------------------------------------------ */

static int
part_rw(struct blkdev *bd, enum blk_op op, uint64_t off,
    const struct rumpuser_iov *iov, size_t iovcnt, uint64_t len)
{
	return bd->bd_parent->bd_ops->bo_rw(bd->bd_parent, op,
	    off + bd->bd_start, iov, iovcnt, len);
}

static int
part_submit(struct blkdev *bd, struct blkreq *br)
{
	br->br_bio.bio_off += bd->bd_start;
	return bd->bd_parent->bd_ops->bo_submit(bd->bd_parent, br);
}

static void
part_willneed(struct blkdev *bd, uint64_t off, uint64_t len)
{
	blkdev_willneed(bd->bd_parent, off + bd->bd_start, len);
}

static int
part_map(struct blkdev *bd, uint64_t off, uint64_t len, const void **ret_ptr)
{
	return blkdev_map(bd->bd_parent, off + bd->bd_start, len, ret_ptr);
}

static void
part_release(struct blkdev *bd)
{
	kmem_free(bd->bd_part, sizeof(*bd->bd_part));
	kmem_free(bd, sizeof(*bd));
}

static const struct blkdev_ops part_ops = {
	.bo_rw		= part_rw,
	.bo_submit	= part_submit,
	.bo_map		= part_map,
	.bo_willneed	= part_willneed,
	.bo_release	= part_release,
};

/* "sda" + 1 is "sda1", "disk0" + 1 is "disk0p1". */
static void
part_name(const struct blkdev *disk, unsigned int index, char *buf, size_t size)
{
	size_t len = strlen(disk->bd_name);
	char last = len > 0 ? disk->bd_name[len - 1] : 'x';

	(void)snprintf(buf, size, "%s%s%u", disk->bd_name,
	    last >= '0' && last <= '9' ? "p" : "", index);
}

static void
part_attach(struct blkdev *disk, const struct rump_partinfo *info)
{
	struct blkdev *bd;
	int error;

	if (info->pi_start > disk->bd_size ||
	    info->pi_size > disk->bd_size - info->pi_start ||
	    info->pi_size == 0) {
		log_printf(LOG_WARNING, "%s: partition %u is not inside the "
		    "disk and left out", disk->bd_name, info->pi_index);
		return;
	}
	bd = kmem_zalloc(sizeof(*bd), KM_SLEEP);
	if (bd == NULL)
		goto fail;
	bd->bd_part = kmem_alloc(sizeof(*bd->bd_part), KM_SLEEP);
	if (bd->bd_part == NULL)
		goto fail_bd;
	*bd->bd_part = *info;
	bd->bd_ops = &part_ops;
	bd->bd_parent = disk;
	bd->bd_start = info->pi_start;
	bd->bd_size = info->pi_size;
	bd->bd_secsize = disk->bd_secsize;
	bd->bd_readonly = disk->bd_readonly;
	part_name(disk, info->pi_index, bd->bd_name, sizeof(bd->bd_name));
	error = blkdev_insert(bd);
	if (error == 0)
		return;
	log_printf(LOG_WARNING, "%s: partition %u: no device, error %d",
	    disk->bd_name, info->pi_index, error);
	kmem_free(bd->bd_part, sizeof(*bd->bd_part));
fail_bd:
	kmem_free(bd, sizeof(*bd));
	return;
fail:
	log_printf(LOG_WARNING, "%s: no memory for partition %u", disk->bd_name,
	    info->pi_index);
}

/* --- GPT -------------------------------------------------------------------- */

struct gpt_scan {
	struct blkdev	*gs_disk;
	size_t		 gs_secsize;
	uint64_t	 gs_nsec;
	uint8_t		*gs_sec;	/* one sector */
};

/* EINVAL: nothing there.  EUCLEAN: damaged, reported.  Or an I/O error. */
static int
gpt_read(const struct gpt_scan *gs, uint64_t lba, struct gpt_header *ret_gh,
    uint8_t **ret_ents, size_t *ret_len)
{
	const char *why = NULL;
	uint8_t *ents;
	size_t len, room;
	int error;

	error = blkdev_readbuf(gs->gs_disk, lba * gs->gs_secsize, gs->gs_sec,
	    gs->gs_secsize);
	if (error)
		return error;
	error = gpt_header_parse(gs->gs_sec, gs->gs_secsize, lba, gs->gs_nsec,
	    ret_gh, &why);
	if (error == EUCLEAN)
		goto damaged;
	if (error)
		return error;
	len = (size_t)ret_gh->gh_nent * ret_gh->gh_entsize;
	room = (len + gs->gs_secsize - 1) / gs->gs_secsize * gs->gs_secsize;
	ents = kmem_alloc(room, KM_SLEEP);
	if (ents == NULL)
		return ENOMEM;
	error = blkdev_readbuf(gs->gs_disk, ret_gh->gh_entlba * gs->gs_secsize,
	    ents, room);
	if (error == 0 && !gpt_entries_ok(ret_gh, ents, len)) {
		why = "the check sum of its entries is wrong";
		error = EUCLEAN;
	}
	if (error) {
		kmem_free(ents, room);
		if (error == EUCLEAN)
			goto damaged;
		return error;
	}
	*ret_ents = ents;
	*ret_len = room;
	return 0;

damaged:
	log_printf(LOG_WARNING, "%s: GPT header at sector %llu: %s",
	    gs->gs_disk->bd_name, (unsigned long long)lba, why);
	return EUCLEAN;
}

static void
gpt_attach_all(const struct gpt_scan *gs, const struct gpt_header *gh,
    const uint8_t *ents, size_t len)
{
	for (uint32_t i = 0; i < gh->gh_nent; i++) {
		struct rump_partinfo info = { .pi_index = i + 1,
		    .pi_scheme = "gpt" };
		struct gpt_entry ge;

		if (gpt_entry_parse(gh, ents, len, i, &ge) != 0) {
			log_printf(LOG_WARNING, "%s: GPT entry %u: its range is "
			    "not usable, left out", gs->gs_disk->bd_name, i + 1);
			continue;
		}
		if (!ge.ge_used)
			continue;
		info.pi_start = ge.ge_first * gs->gs_secsize;
		info.pi_size = (ge.ge_last - ge.ge_first + 1) * gs->gs_secsize;
		strlcpy(info.pi_type, ge.ge_type, sizeof(info.pi_type));
		strlcpy(info.pi_uuid, ge.ge_guid, sizeof(info.pi_uuid));
		strlcpy(info.pi_name, ge.ge_name, sizeof(info.pi_name));
		info.pi_bootable = (ge.ge_attrs & 4) != 0;
		part_attach(gs->gs_disk, &info);
	}
}

/* The table at the front, else the one at the back. */
static bool
gpt_scan_secsize(struct gpt_scan *gs, bool expected)
{
	struct gpt_header gh;
	uint8_t *ents;
	size_t len;
	int error;

	error = gpt_read(gs, 1, &gh, &ents, &len);
	if (error != 0 && (error != EINVAL || expected)) {
		error = gpt_read(gs, gs->gs_nsec - 1, &gh, &ents, &len);
		if (error == 0)
			log_printf(LOG_WARNING, "%s: the GPT is damaged, its "
			    "backup is used", gs->gs_disk->bd_name);
	}
	if (error)
		return false;
	gpt_attach_all(gs, &gh, ents, len);
	kmem_free(ents, len);
	return true;
}

static bool
gpt_scan(struct blkdev *disk, bool expected)
{
	static const size_t sizes[] = { 512, 4096, 2048, 1024 };
	const size_t n = ARRAY_SIZE(sizes);
	struct gpt_scan gs = { .gs_disk = disk };
	bool found = false;

	gs.gs_sec = kmem_alloc(4096, KM_SLEEP);
	if (gs.gs_sec == NULL)
		return false;
	/* Whose first header is gone has only the second to tell its size. */
	for (size_t i = 0; !found && i < (expected ? 2 : 1) * n; i++) {
		gs.gs_secsize = sizes[i % n];
		if (gs.gs_secsize < disk->bd_secsize ||
		    disk->bd_size / gs.gs_secsize < 6)
			continue;
		gs.gs_nsec = disk->bd_size / gs.gs_secsize;
		found = gpt_scan_secsize(&gs, i >= n);
	}
	kmem_free(gs.gs_sec, 4096);
	return found;
}

/* --- BSD disklabel ------------------------------------------------------------ */

/* The label lies one sector into start..start+size, or 64 bytes into its first. */
static void
bsd_scan(struct blkdev *disk, uint8_t *sec, uint64_t start, uint64_t size,
    unsigned int *next)
{
	struct bsd_label bl;
	uint64_t base = 0;

	if (size < 2 * MBR_SECTOR ||
	    blkdev_readbuf(disk, start + MBR_SECTOR, sec, disk->bd_secsize) != 0)
		return;
	switch (bsd_label_parse(sec, disk->bd_secsize, &bl)) {
	case 0:
		break;
	case EUCLEAN:
		log_printf(LOG_WARNING, "%s: the BSD disklabel at byte %llu is "
		    "damaged", disk->bd_name,
		    (unsigned long long)(start + MBR_SECTOR));
		return;
	default:
		return;
	}
	/* Partition c is the whole slice: it tells what starts count from. */
	if (bl.bl_nparts > 2 && bl.bl_part[2].bp_start == 0)
		base = start;
	for (unsigned int i = 0; i < bl.bl_nparts; i++) {
		struct rump_partinfo info = { .pi_scheme = "bsd" };

		if (i == 2 || bl.bl_part[i].bp_size == 0 ||
		    bl.bl_part[i].bp_type == 0)
			continue;
		info.pi_index = (*next)++;
		info.pi_start = base +
		    (uint64_t)bl.bl_part[i].bp_start * bl.bl_secsize;
		info.pi_size = (uint64_t)bl.bl_part[i].bp_size * bl.bl_secsize;
		(void)snprintf(info.pi_type, sizeof(info.pi_type), "0x%02x",
		    bl.bl_part[i].bp_type);
		(void)snprintf(info.pi_name, sizeof(info.pi_name), "%c",
		    'a' + (int)i);
		part_attach(disk, &info);
	}
}

/* --- MBR ------------------------------------------------------------------------ */

static void
mbr_attach(struct blkdev *disk, unsigned int index, const struct mbr_entry *me,
    uint64_t start, uint32_t disksig)
{
	struct rump_partinfo info = {
		.pi_index = index, .pi_scheme = "mbr", .pi_start = start,
		.pi_size = (uint64_t)me->me_size * MBR_SECTOR,
		.pi_bootable = me->me_boot,
	};

	(void)snprintf(info.pi_type, sizeof(info.pi_type), "0x%02x", me->me_type);
	if (disksig != 0)
		(void)snprintf(info.pi_uuid, sizeof(info.pi_uuid), "%08x-%02x",
		    disksig, index);
	part_attach(disk, &info);
}

/*
 * The chain of extended records: each has one logical partition and the
 * place of the next record, both found relative (to itself, and to the
 * extended partition).  It must go forward, so it ends.
 */
static void
mbr_scan_logical(struct blkdev *disk, uint8_t *sec, const struct mbr_entry *ext,
    uint32_t disksig, unsigned int *next)
{
	uint64_t base = (uint64_t)ext->me_start, at = base;

	for (unsigned int n = 0; n < LOGICAL_MAX; n++) {
		struct mbr_entry me[4];
		uint64_t to;

		if (blkdev_readbuf(disk, at * MBR_SECTOR, sec,
		    disk->bd_secsize) != 0 || mbr_parse(sec, MBR_SECTOR, me) != 0) {
			log_printf(LOG_WARNING, "%s: no extended boot record at "
			    "sector %llu", disk->bd_name, (unsigned long long)at);
			return;
		}
		if (me[0].me_type != 0 && !MBR_EXTENDED(me[0].me_type))
			mbr_attach(disk, (*next)++, &me[0],
			    (at + me[0].me_start) * MBR_SECTOR, disksig);
		if (!MBR_EXTENDED(me[1].me_type))
			return;
		to = base + me[1].me_start;
		if (to <= at) {
			log_printf(LOG_WARNING, "%s: the extended boot record at "
			    "sector %llu leads back", disk->bd_name,
			    (unsigned long long)at);
			return;
		}
		at = to;
	}
}

static bool
mbr_is_bsd(uint8_t type)
{
	return type == 0xa5 || type == 0xa6 || type == 0xa9;
}

static void
mbr_scan(struct blkdev *disk, uint8_t *sec, const struct mbr_entry me[4])
{
	uint32_t disksig = le32_get(sec + 440);
	unsigned int next = 5;

	for (unsigned int i = 0; i < 4; i++) {
		if (me[i].me_type == 0)
			continue;
		mbr_attach(disk, i + 1, &me[i],
		    (uint64_t)me[i].me_start * MBR_SECTOR, disksig);
	}
	for (unsigned int i = 0; i < 4; i++) {
		if (MBR_EXTENDED(me[i].me_type))
			mbr_scan_logical(disk, sec, &me[i], disksig, &next);
	}
	for (unsigned int i = 0; i < 4; i++) {
		if (mbr_is_bsd(me[i].me_type))
			bsd_scan(disk, sec, (uint64_t)me[i].me_start * MBR_SECTOR,
			    (uint64_t)me[i].me_size * MBR_SECTOR, &next);
	}
}

void
partition_scan(struct blkdev *disk)
{
	struct mbr_entry me[4];
	bool isgpt = false, ismbr;
	unsigned int next = 1;
	uint8_t *sec;

	if (disk->bd_size < 2 * MBR_SECTOR || disk->bd_secsize > PAGE_SIZE)
		return;
	sec = kmem_alloc(PAGE_SIZE, KM_SLEEP);
	if (sec == NULL)
		return;
	if (blkdev_readbuf(disk, 0, sec, disk->bd_secsize) != 0)
		goto out;
	ismbr = mbr_parse(sec, MBR_SECTOR, me) == 0;
	for (unsigned int i = 0; ismbr && i < 4; i++)
		isgpt |= me[i].me_type == MBR_PROTECTIVE;
	if (gpt_scan(disk, isgpt))
		goto out;
	if (ismbr)
		mbr_scan(disk, sec, me);
	if (list_empty(&disk->bd_parts))
		bsd_scan(disk, sec, 0, disk->bd_size, &next);
out:
	kmem_free(sec, PAGE_SIZE);
}

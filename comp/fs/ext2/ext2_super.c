/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_super.c - reading the superblock, and what to say if it is bad
 *
 * The primary superblock is 1 KiB into the file system. Copies of it begin
 * some of the groups; who has lost the first one is told where the first
 * copy is, for the mount option sb=.
 */

#include "ext2_impl.h"

#include <lib/printf.h>
#include <lib/string.h>
#include <sys/errno.h>

#define KIB		1024
#define SECTOR_MAX	65536

/* Reads 1 KiB at a multiple of 1 KiB, whatever the sectors are. */
static int
read_kib(struct ext2fs *m, uint64_t kib, uint8_t *buf)
{
	uint32_t unit = m->m_dev->bd_secsize > KIB ? m->m_dev->bd_secsize : KIB;
	uint64_t off = kib * KIB, start = off & ~(uint64_t)(unit - 1);
	void *sector;
	int error;

	if (unit > SECTOR_MAX || kib > UINT64_MAX / KIB - 1)
		return EINVAL;
	sector = kmem_alloc(unit, KM_SLEEP);
	if (sector == NULL)
		return ENOMEM;
	error = ext2_phys_readbuf(m, start, sector, unit);
	if (error == 0)
		memcpy(buf, (uint8_t *)sector + (off - start), KIB);
	kmem_free(sector, unit);
	return error;
}

int
ext2_super_read(struct ext2fs *m, struct ext2_why *why)
{
	uint8_t *buf;
	int error;

	if (m->m_dev->bd_size / KIB <= m->m_sbkib) {
		ext2_bad(why, "superblock", "beyond the end of the device",
		    m->m_dev->bd_size);
		return ENOENT;
	}
	buf = kmem_alloc(KIB, KM_SLEEP);
	if (buf == NULL)
		return ENOMEM;
	error = read_kib(m, m->m_sbkib, buf);
	if (error)
		ext2_bad(why, "superblock", "cannot be read", (uint64_t)error);
	else
		error = ext2_super_decode(buf, KIB, &m->m_sb, why);
	kmem_free(buf, KIB);
	return error;
}

void
ext2_feature_list(enum ext2_feature_set set, uint32_t bits, char *buf,
    size_t size)
{
	const char letter[] = { 'C', 'I', 'R' };
	char unknown[16];
	const char *name;

	for (unsigned int bit = 0; bit < 32; bit++) {
		if ((bits & (UINT32_C(1) << bit)) == 0)
			continue;
		name = ext2_feature_name(set, bit);
		if (name == NULL) {
			snprintf(unknown, sizeof(unknown), "FEATURE_%c%u",
			    letter[set], bit);
			name = unknown;
		}
		if (buf[0] != '\0')
			strlcat(buf, " ", size);
		strlcat(buf, name, size);
	}
}

/* Is there a sound copy of the superblock where group 1 would begin? */
static bool
backup_at(struct ext2fs *m, unsigned int shift, uint64_t *ret_kib)
{
	struct ext2fs try = { .m_dev = m->m_dev };
	uint64_t block = (UINT64_C(8) << shift) + (shift == 10 ? 1 : 0);
	struct ext2_why why;

	try.m_sbkib = block << (shift - 10);
	if (ext2_super_read(&try, &why) != 0 ||
	    ext2_super_check(&try.m_sb, &why) != 0 ||
	    try.m_sb.s_blkshift != shift || try.m_sb.s_group_nr == 0)
		return false;
	*ret_kib = try.m_sbkib;
	return true;
}

static void
backup_hint(struct ext2fs *m)
{
	uint64_t kib;

	for (unsigned int shift = 10; shift <= 16; shift++) {
		if (backup_at(m, shift, &kib)) {
			log_printf(LOG_ERR, "ext4: %s: there is a copy of the "
			    "superblock: mount with the option sb=%llu",
			    m->m_dev->bd_name, (unsigned long long)kib);
			return;
		}
	}
}

static int
report_unsupported(struct ext2fs *m, const struct ext2_why *why)
{
	uint32_t bits = ext2_feature_unsupported(&m->m_sb) &
	    ~(uint32_t)EXT2_INCOMPAT_JOURNAL_DEV;
	char names[256] = "";

	if (bits == 0)
		return ext2_report(m, why, EOPNOTSUPP, 0, 0);
	ext2_feature_list(EXT2_INCOMPAT, bits, names, sizeof(names));
	log_printf(LOG_ERR, "ext4: %s: superblock: unsupported incompatible "
	    "features: %s", m->m_dev->bd_name, names);
	return EOPNOTSUPP;
}

/* What else the geometry must fit. */
static int
check_device(struct ext2fs *m, struct ext2_why *why)
{
	struct ext2_super *sb = &m->m_sb;
	uint64_t have = m->m_dev->bd_size >> sb->s_blkshift;

	if (m->m_dev->bd_secsize > sb->s_blksize) {
		ext2_bad(why, "superblock", "blocks smaller than the sectors "
		    "of the device", sb->s_blksize);
		return EOPNOTSUPP;
	}
	if (m->m_sbkib != 1)
		sb->s_super_block = m->m_sbkib * KIB / sb->s_blksize;
	if (sb->s_blocks > have)
		log_printf(LOG_WARNING, "ext4: %s: the device ends after %llu "
		    "of %llu blocks; what lies beyond cannot be read",
		    m->m_dev->bd_name, (unsigned long long)have,
		    (unsigned long long)sb->s_blocks);
	return 0;
}

int
ext2_super_load(struct ext2fs *m)
{
	struct ext2_why why;
	int error;

	error = ext2_super_read(m, &why);
	if (error == 0)
		error = ext2_super_check(&m->m_sb, &why);
	if (error == 0)
		error = check_device(m, &why);
	if (error == 0 || error == ENOMEM)
		return error;
	if (error == EOPNOTSUPP)
		return report_unsupported(m, &why);
	ext2_report(m, &why, error, 0, 0);
	if (m->m_sbkib == 1)
		backup_hint(m);
	/* Linux, too, calls what is no such file system invalid. */
	return error == ENOENT ? EINVAL : error;
}

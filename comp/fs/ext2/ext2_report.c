/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_report.c - one line on the console for each thing that is wrong
 *
 *	ext4: disk0p2: inode 12, block 3456: extent node: wrong checksum (0x1f)
 *
 * A hostile image can make us find errors without end, so the lines of an
 * instance are limited; how many were dropped is said.
 */

#include "ext2_impl.h"

#include <lib/printf.h>
#include <sys/errno.h>

#define BURST	20

static bool
report_allowed(struct ext2fs *m)
{
	bool allowed;

	mutex_enter(&m->m_lock);
	allowed = log_allowed(&m->m_limit, BURST);
	mutex_exit(&m->m_lock);
	return allowed;
}

/* "inode 12, block 3456: "; 0 means that there is none to name. */
static void
place(char *buf, size_t size, uint64_t ino, uint64_t pblk)
{
	buf[0] = '\0';
	if (ino != 0 && pblk != 0)
		snprintf(buf, size, "inode %llu, block %llu: ",
		    (unsigned long long)ino, (unsigned long long)pblk);
	else if (ino != 0)
		snprintf(buf, size, "inode %llu: ", (unsigned long long)ino);
	else if (pblk != 0)
		snprintf(buf, size, "block %llu: ",
		    (unsigned long long)pblk);
}

int
ext2_report(struct ext2fs *m, const struct ext2_why *why, int error,
    uint64_t ino, uint64_t pblk)
{
	char where[64];

	if (report_allowed(m)) {
		place(where, sizeof(where), ino, pblk);
		log_printf(LOG_ERR, "ext4: %s: %s%s: %s (%#llx)",
		    m->m_dev->bd_name, where, why->w_what, why->w_reason,
		    (unsigned long long)why->w_value);
	}
	return error;
}

int
ext2_report_text(struct ext2fs *m, int error, uint64_t ino, const char *text)
{
	char where[64];

	if (report_allowed(m)) {
		place(where, sizeof(where), ino, 0);
		log_printf(LOG_ERR, "ext4: %s: %s%s", m->m_dev->bd_name,
		    where, text);
	}
	return error;
}

int
ext2_report_io(struct ext2fs *m, const char *what, int error, uint64_t ino,
    uint64_t pblk)
{
	char where[64];

	/* No memory is the reader's trouble, not the image's. */
	if (error != ENOMEM && error != EINTR && report_allowed(m)) {
		place(where, sizeof(where), ino, pblk);
		log_printf(LOG_ERR, "ext4: %s: %s%s: cannot be read "
		    "(error %d)", m->m_dev->bd_name, where, what, error);
	}
	return error;
}

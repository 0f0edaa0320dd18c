/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_vfsops.c - mounting and unmounting
 *
 * Options: ro, which is the only way; noload (norecovery), which leaves the
 * journal alone; sb=N, the superblock N KiB into the device. The device is
 * opened for reading, so that whatever happens nothing is written.
 */

#include "ext2_impl.h"

#include <lib/printf.h>
#include <lib/string.h>
#include <linux/mount.h>
#include <sys/errno.h>

#define OPTION_MAX	32

static int
option_bad(const char *text)
{
	log_printf(LOG_ERR, "ext4: unknown or bad mount option \"%s\"", text);
	return EINVAL;
}

/* What Linux takes and a reader has no use for. */
static bool
option_idle(const char *text)
{
	static const char *const exact[] = { "", "ro", "acl", "user_xattr",
	    "barrier", "nobarrier", "discard", "nodiscard", "delalloc",
	    "nodelalloc" };
	static const char *const valued[] = { "errors=", "data=", "commit=",
	    "barrier=" };

	for (size_t i = 0; i < ARRAY_SIZE(exact); i++) {
		if (strcmp(text, exact[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(valued); i++) {
		if (str_hasprefix(text, valued[i]))
			return true;
	}
	return false;
}

static int
option_apply(struct ext2fs *m, const char *text)
{
	if (option_idle(text))
		return 0;
	if (strcmp(text, "noload") == 0 || strcmp(text, "norecovery") == 0) {
		m->m_noload = true;
		return 0;
	}
	if (str_hasprefix(text, "sb=") &&
	    str_tou64(text + 3, &m->m_sbkib) == 0)
		return 0;
	return option_bad(text);
}

static int
options_parse(struct ext2fs *m, const char *options)
{
	char text[OPTION_MAX];
	const char *comma;
	size_t len;
	int error = 0;

	while (error == 0) {
		comma = strchr(options, ',');
		len = comma == NULL ? strlen(options) :
		    (size_t)(comma - options);
		if (len >= sizeof(text))
			return option_bad(options);
		memcpy(text, options, len);
		text[len] = '\0';
		error = option_apply(m, text);
		if (comma == NULL)
			break;
		options = comma + 1;
	}
	return error;
}

static void
ext2_showopts(struct fs *fs, char *buf, size_t size)
{
	struct ext2fs *m = fs->fs_data;
	char text[OPTION_MAX] = "";

	if (m->m_sbkib != 1)
		snprintf(text, sizeof(text), "sb=%llu",
		    (unsigned long long)m->m_sbkib);
	strlcpy(buf, text, size);
	if (m->m_noload) {
		if (text[0] != '\0')
			strlcat(buf, ",", size);
		strlcat(buf, "norecovery", size);
	}
}

static int
ext2_remount(struct fs *fs, const struct mount_args *ma)
{
	(void)fs;
	return ma->ma_flags & MS_RDONLY ? 0 : EROFS;
}

static void
ext2_unmount(struct fs *fs)
{
	struct ext2fs *m = fs->fs_data;

	pgobj_destroy(m->m_meta);
	ext2_overlay_fini(&m->m_overlay);
	blkdev_close(m->m_dev);
	mutex_destroy(&m->m_lock);
	kmem_free(m, sizeof(*m));
}

static const struct fs_ops ext2_fsops = {
	.fo_load	= ext2_load,
	.fo_statfs	= ext2_statfs,
	.fo_remount	= ext2_remount,
	.fo_unmount	= ext2_unmount,
	.fo_showopts	= ext2_showopts,
};

/*
 * Replays, and begins anew with a superblock that may have been in the
 * journal, too, and with an empty cache, since it holds old copies.
 */
static int
recover(struct ext2fs *m)
{
	struct pgobj *fresh;
	int error;

	error = ext2_journal_replay(m);
	if (error || m->m_overlay.o_count == 0)
		return error;
	error = pgobj_create(&ext2_meta_pgops, m, &fresh);
	if (error)
		return error;
	pgobj_destroy(m->m_meta);
	m->m_meta = fresh;
	return ext2_super_load(m);
}

static int
load(struct ext2fs *m)
{
	int error;

	error = ext2_super_load(m);
	if (error)
		return error;
	error = pgobj_create(&ext2_meta_pgops, m, &m->m_meta);
	if (error)
		return error;
	if (ext2_has_incompat(&m->m_sb, EXT2_INCOMPAT_RECOVER) &&
	    !m->m_noload) {
		error = recover(m);
		if (error) {
			pgobj_destroy(m->m_meta);
			ext2_overlay_fini(&m->m_overlay);
			return error;
		}
	}
	if (m->m_sb.s_state & EXT2_STATE_ERROR)
		log_printf(LOG_INFO, "ext4: %s: it is marked as having "
		    "errors", m->m_dev->bd_name);
	ext2_orphan_notice(m);
	return 0;
}

int
ext2_mount(struct fs *fs, const struct mount_args *ma)
{
	struct ext2fs *m;
	int error;

	if ((ma->ma_flags & MS_RDONLY) == 0) {
		log_printf(LOG_ERR, "ext4: %s: writing is not supported: "
		    "mount it read-only", ma->ma_source);
		return EROFS;
	}
	m = kmem_zalloc(sizeof(*m), KM_SLEEP);
	if (m == NULL)
		return ENOMEM;
	m->m_fs = fs;
	m->m_sbkib = 1;
	mutex_init(&m->m_lock, "ext2fs");
	error = options_parse(m, ma->ma_options);
	if (error)
		goto fail_mem;
	error = blkdev_open_path(ma->ma_source, false, &m->m_dev);
	if (error)
		goto fail_mem;
	error = load(m);
	if (error)
		goto fail_dev;

	fs->fs_ops = &ext2_fsops;
	fs->fs_data = m;
	fs->fs_dev = m->m_dev->bd_node.dn_dev;
	fs->fs_rootino = EXT2_INO_ROOT;
	fs->fs_readonly = true;
	fs->fs_maxname = EXT2_NAME_MAX;
	return 0;

fail_dev:
	blkdev_close(m->m_dev);
fail_mem:
	mutex_destroy(&m->m_lock);
	kmem_free(m, sizeof(*m));
	return error;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_probe.c - what `rumpus info` shows without mounting
 *
 * Whatever carries the magic number is ours, also if it is damaged or too
 * modern to be mounted; then the state says so.
 */

#include "ext2_impl.h"

#include <lib/printf.h>
#include <lib/string.h>
#include <rump/rump.h>
#include <sys/errno.h>

static void
fill_uuid(const uint8_t *u, char *buf, size_t size)
{
	snprintf(buf, size, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x", u[0], u[1], u[2], u[3], u[4], u[5],
	    u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}

static void
fill_state(struct ext2_super *sb, char *buf, size_t size)
{
	struct ext2_why why;
	int error;

	error = ext2_super_check(sb, &why);
	if (error == EOPNOTSUPP && ext2_feature_unsupported(sb) != 0) {
		strlcpy(buf, "unsupported:", size);
		ext2_feature_list(EXT2_INCOMPAT, ext2_feature_unsupported(sb),
		    buf, size);
	} else if (error) {
		snprintf(buf, size, "%s: %s", error == EOPNOTSUPP ?
		    "unsupported" : "damaged", why.w_reason);
	} else {
		strlcpy(buf, sb->s_state & EXT2_STATE_CLEAN ? "clean" :
		    "not clean", size);
		if (sb->s_state & EXT2_STATE_ERROR)
			strlcat(buf, ", with errors", size);
		if (sb->s_state & EXT2_STATE_ORPHANS)
			strlcat(buf, ", orphans being recovered", size);
		if (ext2_has_incompat(sb, EXT2_INCOMPAT_RECOVER))
			strlcat(buf, ", journal needs replay", size);
	}
}

/* Sizes, as far as a damaged superblock has any. */
static void
fill_sizes(const struct ext2_super *sb, struct rump_fsinfo *info)
{
	unsigned int shift = 10 + sb->s_log_block;

	if (sb->s_log_block > 6)
		return;
	info->fi_blocksize = UINT32_C(1) << shift;
	info->fi_files = sb->s_inodes;
	info->fi_files_free = sb->s_free_inodes;
	if (sb->s_blocks <= UINT64_MAX >> shift)
		info->fi_size = sb->s_blocks << shift;
	if (sb->s_free_blocks <= UINT64_MAX >> shift)
		info->fi_free = sb->s_free_blocks << shift;
}

int
ext2_probe(const char *dev, struct rump_fsinfo *ret_info)
{
	struct ext2fs m = { .m_sbkib = 1 };
	struct ext2_super *sb = &m.m_sb;
	struct ext2_why why;
	int error;

	error = blkdev_open_path(dev, false, &m.m_dev);
	if (error)
		return error;
	error = ext2_super_read(&m, &why);
	blkdev_close(m.m_dev);
	if (error)
		return error == ENOENT ? ENODEV : error;

	memset(ret_info, 0, sizeof(*ret_info));
	strlcpy(ret_info->fi_type, ext2_super_type(sb),
	    sizeof(ret_info->fi_type));
	strlcpy(ret_info->fi_label, sb->s_label, sizeof(ret_info->fi_label));
	fill_uuid(sb->s_uuid, ret_info->fi_uuid, sizeof(ret_info->fi_uuid));
	fill_sizes(sb, ret_info);
	ext2_feature_list(EXT2_COMPAT, sb->s_compat, ret_info->fi_features,
	    sizeof(ret_info->fi_features));
	ext2_feature_list(EXT2_INCOMPAT, sb->s_incompat,
	    ret_info->fi_features, sizeof(ret_info->fi_features));
	ext2_feature_list(EXT2_ROCOMPAT, sb->s_rocompat,
	    ret_info->fi_features, sizeof(ret_info->fi_features));
	fill_state(sb, ret_info->fi_state, sizeof(ret_info->fi_state));
	return 0;
}

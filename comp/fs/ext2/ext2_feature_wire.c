/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_feature_wire.c - the names of feature bits
 *
 * The names are those of mke2fs -O, so that a user who is told of one can
 * look it up or pass it to tune2fs.
 */

#include "ext2_wire.h"

static const char *const compat_name[32] = {
	[0] = "dir_prealloc", [1] = "imagic_inodes", [2] = "has_journal",
	[3] = "ext_attr", [4] = "resize_inode", [5] = "dir_index",
	[6] = "lazy_bg", [8] = "snapshot_bitmap", [9] = "sparse_super2",
	[10] = "fast_commit", [11] = "stable_inodes", [12] = "orphan_file",
};

static const char *const incompat_name[32] = {
	[0] = "compression", [1] = "filetype", [2] = "needs_recovery",
	[3] = "journal_dev", [4] = "meta_bg", [6] = "extent", [7] = "64bit",
	[8] = "mmp", [9] = "flex_bg", [10] = "ea_inode", [12] = "dirdata",
	[13] = "metadata_csum_seed", [14] = "large_dir",
	[15] = "inline_data", [16] = "encrypt", [17] = "casefold",
};

static const char *const rocompat_name[32] = {
	[0] = "sparse_super", [1] = "large_file", [3] = "huge_file",
	[4] = "uninit_bg", [5] = "dir_nlink", [6] = "extra_isize",
	[8] = "quota", [9] = "bigalloc", [10] = "metadata_csum",
	[11] = "replica", [12] = "read-only", [13] = "project",
	[14] = "shared_blocks", [15] = "verity", [16] = "orphan_present",
};

/*
 * encrypt and casefold are among them because they concern single files
 * and directories, which are told apart by their own flags.
 */
#define INCOMPAT_READ							\
	(EXT2_INCOMPAT_FILETYPE | EXT2_INCOMPAT_RECOVER |		\
	EXT2_INCOMPAT_META_BG | EXT2_INCOMPAT_EXTENTS |			\
	EXT2_INCOMPAT_64BIT | EXT2_INCOMPAT_MMP |			\
	EXT2_INCOMPAT_FLEX_BG | EXT2_INCOMPAT_EA_INODE |		\
	EXT2_INCOMPAT_CSUM_SEED | EXT2_INCOMPAT_LARGEDIR |		\
	EXT2_INCOMPAT_INLINE_DATA | EXT2_INCOMPAT_ENCRYPT |		\
	EXT2_INCOMPAT_CASEFOLD)

const char *
ext2_feature_name(enum ext2_feature_set set, unsigned int bit)
{
	if (bit >= 32)
		return NULL;
	switch (set) {
	case EXT2_COMPAT:
		return compat_name[bit];
	case EXT2_INCOMPAT:
		return incompat_name[bit];
	case EXT2_ROCOMPAT:
		return rocompat_name[bit];
	}
	return NULL;
}

uint32_t
ext2_feature_unsupported(const struct ext2_super *sb)
{
	return sb->s_incompat & ~(uint32_t)INCOMPAT_READ;
}

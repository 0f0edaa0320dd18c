/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_statfs.c - how large and how full
 *
 * The free counts of the superblock are only as new as the last unmount, so
 * those of the groups are added up, once, when they are first asked for.
 * What Linux does not count as usable (tables, bitmaps, journal) is not
 * counted here either, so that df(1) agrees.
 */

#include "ext2_impl.h"

#include <sys/errno.h>

#define RESERVED_MAX	4096	/* clusters kept back by a mounted Linux */

/* Adds up the groups of one block of descriptors. */
static int
sum_block(struct ext2fs *m, uint32_t n, uint64_t *blocks, uint64_t *inodes)
{
	struct ext2_super *sb = &m->m_sb;
	uint32_t first = n * sb->s_desc_per_block, last;
	uint64_t pblk = ext2_group_block(sb, n);
	struct ext2_group g;
	struct ext2_why why;
	struct ext2_buf buf;
	int error;

	error = ext2_block_get(m, "group descriptors", 0, pblk, &buf);
	if (error)
		return error;
	last = sb->s_groups - first > sb->s_desc_per_block ?
	    first + sb->s_desc_per_block : sb->s_groups;
	for (uint32_t group = first; group < last; group++) {
		error = ext2_group_parse(sb, group, buf.b_data, sb->s_blksize,
		    &g, &why);
		if (error) {
			ext2_report(m, &why, error, 0, pblk);
			break;
		}
		*blocks += (uint64_t)g.g_free_blocks << sb->s_cluster_bits;
		*inodes += g.g_free_inodes;
	}
	ext2_block_put(m, &buf);
	return error;
}

static int
free_counts(struct ext2fs *m, uint64_t *ret_blocks, uint64_t *ret_inodes)
{
	uint64_t blocks = 0, inodes = 0;
	bool counted;
	int error;

	mutex_enter(&m->m_lock);
	counted = m->m_counted;
	*ret_blocks = m->m_free_blocks;
	*ret_inodes = m->m_free_inodes;
	mutex_exit(&m->m_lock);
	if (counted)
		return 0;

	for (uint32_t n = 0; n < m->m_sb.s_gdt_blocks; n++) {
		error = sum_block(m, n, &blocks, &inodes);
		if (error)
			return error;
	}
	mutex_enter(&m->m_lock);
	m->m_counted = true;
	*ret_blocks = m->m_free_blocks = blocks;
	*ret_inodes = m->m_free_inodes = inodes;
	mutex_exit(&m->m_lock);
	return 0;
}

/* Blocks of descriptors, copies of them and room for more, in a group. */
static uint32_t
group_gdt_blocks(const struct ext2_super *sb, uint32_t group)
{
	uint32_t meta = group / sb->s_desc_per_block;
	uint32_t in = group % sb->s_desc_per_block;

	if (ext2_has_incompat(sb, EXT2_INCOMPAT_META_BG) &&
	    meta >= sb->s_first_meta_bg)
		return in <= 1 || in == sb->s_desc_per_block - 1;
	if (!ext2_super_in_group(sb, group))
		return 0;
	return sb->s_reserved_gdt +
	    (ext2_has_incompat(sb, EXT2_INCOMPAT_META_BG) ?
	    sb->s_first_meta_bg : sb->s_gdt_blocks);
}

static uint64_t
overhead(struct ext2fs *m)
{
	const struct ext2_super *sb = &m->m_sb;
	uint64_t sum = sb->s_first_block;
	struct ext2_inode *ip;

	/* With clusters the tables share them; mke2fs has counted that. */
	if (sb->s_cluster_bits > 0 && sb->s_overhead_clusters > 0)
		return sb->s_overhead_clusters << sb->s_cluster_bits;
	for (uint32_t group = 0; group < sb->s_groups; group++)
		sum += ext2_super_in_group(sb, group) +
		    group_gdt_blocks(sb, group) + sb->s_itable_blocks + 2;
	ip = sb->s_journal_ino == 0 ? NULL : kmem_alloc(sizeof(*ip), KM_SLEEP);
	if (ip != NULL) {
		if (ext2_inode_init(m, sb->s_journal_ino, ip) == 0) {
			sum += ip->e_di.i_size >> sb->s_blkshift;
			ext2_inode_fini(ip);
		}
		kmem_free(ip, sizeof(*ip));
	}
	return sum;
}

/* What a user other than root cannot have. */
static uint64_t
reserved(const struct ext2_super *sb)
{
	uint64_t clusters = (sb->s_blocks >> sb->s_cluster_bits) / 50;

	if (!ext2_has_incompat(sb, EXT2_INCOMPAT_EXTENTS))
		return sb->s_rblocks;
	if (clusters > RESERVED_MAX)
		clusters = RESERVED_MAX;
	return sb->s_rblocks + (clusters << sb->s_cluster_bits);
}

int
ext2_statfs(struct fs *fs, struct fs_statfs *ret_sf)
{
	struct ext2fs *m = fs->fs_data;
	const struct ext2_super *sb = &m->m_sb;
	uint64_t blocks, inodes, used, kept = reserved(sb);
	int error;

	error = free_counts(m, &blocks, &inodes);
	if (error)
		return error;
	used = overhead(m);
	ret_sf->sf_type = EXT2_MAGIC;
	ret_sf->sf_bsize = sb->s_blksize;
	ret_sf->sf_frsize = sb->s_blksize;
	ret_sf->sf_blocks = used < sb->s_blocks ? sb->s_blocks - used : 0;
	ret_sf->sf_bfree = blocks;
	ret_sf->sf_bavail = blocks > kept ? blocks - kept : 0;
	ret_sf->sf_files = sb->s_inodes;
	ret_sf->sf_ffree = inodes;
	ret_sf->sf_fsid = ext2_le64(sb->s_uuid) ^ ext2_le64(sb->s_uuid + 8);
	ret_sf->sf_namelen = EXT2_NAME_MAX;
	return 0;
}

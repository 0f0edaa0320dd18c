/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_orphan.c - inodes that a crash left without a name
 *
 * Nothing has to be done about them by a reader; who debugs wants to know.
 */

#include "ext2_impl.h"

#include <sys/errno.h>

static int
orphan_count(struct ext2fs *m, struct ext2_inode *ip, uint64_t *ret_count)
{
	uint64_t nblocks = ext2_nblocks(ip), count = 0, pblk;
	struct ext2_run run;
	struct ext2_why why;
	struct ext2_buf buf;
	uint32_t n;
	int error = 0;

	for (uint64_t lblk = 0; lblk < nblocks && error == 0; lblk++) {
		error = ext2_map(ip, lblk, &run);
		if (error || run.r_kind != EXT2_RUN_DATA)
			break;
		pblk = run.r_pblk + (lblk - run.r_lblk);
		error = ext2_block_get(m, "orphan file", ip->e_ino, pblk,
		    &buf);
		if (error)
			break;
		error = ext2_orphan_block(&m->m_sb, ip->e_di.i_seed, pblk,
		    buf.b_data, m->m_sb.s_blksize, &n, &why);
		ext2_block_put(m, &buf);
		if (error)
			ext2_report(m, &why, error, ip->e_ino, pblk);
		else
			count += n;
	}
	*ret_count = count;
	return error;
}

void
ext2_orphan_notice(struct ext2fs *m)
{
	struct ext2_inode *ip;
	uint64_t count;

	if (log_threshold < LOG_INFO || m->m_sb.s_orphan_file_ino == 0 ||
	    !ext2_has_rocompat(&m->m_sb, EXT2_ROCOMPAT_ORPHAN_PRESENT))
		return;
	ip = kmem_alloc(sizeof(*ip), KM_SLEEP);
	if (ip == NULL)
		return;
	if (ext2_inode_init(m, m->m_sb.s_orphan_file_ino, ip) == 0) {
		if (orphan_count(m, ip, &count) == 0)
			log_printf(LOG_INFO, "ext4: %s: %llu orphaned inodes",
			    m->m_dev->bd_name, (unsigned long long)count);
		ext2_inode_fini(ip);
	}
	kmem_free(ip, sizeof(*ip));
}

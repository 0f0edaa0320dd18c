/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_dir.c - from a directory and a name to a vnode
 *
 * An indexed directory is searched by its index, at a cost that grows with
 * the depth of the index only; if the index turns out to be broken or of a
 * kind we cannot follow, the linear search finds every name, too, for the
 * leaves of an index are ordinary directory blocks. A linear search begins
 * at the block where the last one succeeded, since names are often asked
 * for in the order in which they were listed.
 *
 * A directory that is found must name this one as its parent. So a tree of
 * directories that a hostile image bends into a loop is cut where it bends,
 * and no walk over names can go on forever.
 *
 * NEEDSWORK: a large directory without an index, as mke2fs -d makes them, is
 * searched linearly, 5 ms a name at 1,000,000 names. A table of hashes built
 * at the first search that takes long would make it flat.
 *
 * Names of a casefolded directory are compared byte by byte.
 * NEEDSWORK: Linux would also find a name that differs in case only; this
 * takes the Unicode 12.1 folding tables.
 */

#include "ext2_impl.h"

#include <lib/hash.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>

#define DIRBLOCK	"directory block"

bool
ext2_dir_indexed(const struct ext2_inode *ip)
{
	return (ip->e_di.i_flags & EXT2_I_INDEX) != 0 &&
	    ext2_has_compat(&ip->e_m->m_sb, EXT2_COMPAT_DIR_INDEX);
}

int
ext2_dirblock_get(struct ext2_inode *ip, uint64_t lblk,
    struct ext2_buf *ret_buf)
{
	struct ext2_why why;
	struct ext2_run run;
	int error;

	if (lblk >= ext2_nblocks(ip)) {
		ext2_bad(&why, DIRBLOCK, "beyond the end", lblk);
		return ext2_report(ip->e_m, &why, EUCLEAN, ip->e_ino, 0);
	}
	error = ext2_map(ip, lblk, &run);
	if (error)
		return error;
	if (run.r_kind != EXT2_RUN_DATA) {
		ext2_bad(&why, DIRBLOCK, "it is a hole", lblk);
		return ext2_report(ip->e_m, &why, EUCLEAN, ip->e_ino, 0);
	}
	return ext2_block_get(ip->e_m, DIRBLOCK, ip->e_ino,
	    run.r_pblk + (lblk - run.r_lblk), ret_buf);
}

/*
 * The check sum of a block costs more than a search in it, so blocks that
 * passed lately are remembered, by number and directory, in a small table
 * that forgets by overwriting.  What the sum guards against is decay; entries are
 * parsed with mistrust in any case.
 */
int
ext2_dirblock_verify(struct ext2_inode *ip, const uint8_t *p, uint64_t pblk,
    size_t *ret_len, struct ext2_why *why)
{
	struct ext2fs *m = ip->e_m;
	uint64_t key = hash_u64(pblk) ^ ip->e_ino;
	uint64_t *slot = &m->m_checked[key & (EXT2_NCHECKED - 1)];
	int error;

	if (atomic_load(slot) == key) {
		*ret_len = ext2_dirblock_room(&m->m_sb, m->m_sb.s_blksize);
		return 0;
	}
	error = ext2_dirblock_check(&m->m_sb, ip->e_di.i_seed, p,
	    m->m_sb.s_blksize, ret_len, why);
	if (error == 0)
		atomic_store(slot, key);
	return error;
}

/*
 * The root of an index has room for two entries only, the other nodes for
 * none; what follows in these blocks is not for a linear reader. Their
 * checksums are those of the index.
 */
int
ext2_dirblock_entries(struct ext2_inode *ip, uint64_t lblk, const uint8_t *p,
    uint64_t pblk, size_t *ret_len)
{
	struct ext2_super *sb = &ip->e_m->m_sb;
	struct ext2_dxnode node;
	struct ext2_why why;
	int error;

	if ((ip->e_di.i_flags & EXT2_I_INDEX) != 0 && lblk == 0 &&
	    ext2_dxroot_parse(sb, ip->e_di.i_seed, p, sb->s_blksize, &node,
	    &why) == 0) {
		*ret_len = sb->s_blksize;
		return 0;
	}
	if ((ip->e_di.i_flags & EXT2_I_INDEX) != 0 && lblk != 0 &&
	    ext2_dirblock_is_index(sb, p, sb->s_blksize)) {
		*ret_len = 0;
		return 0;
	}
	error = ext2_dirblock_verify(ip, p, pblk, ret_len, &why);
	if (error)
		return ext2_report(ip->e_m, &why, error, ip->e_ino, pblk);
	return 0;
}

static int
block_find(struct ext2_inode *ip, uint64_t lblk, const char *name,
    size_t namelen, uint32_t *ret_ino)
{
	struct ext2fs *m = ip->e_m;
	struct ext2_dirent de;
	struct ext2_why why;
	struct ext2_buf buf;
	size_t len;
	int error;

	error = ext2_dirblock_get(ip, lblk, &buf);
	if (error)
		return error;
	error = ext2_dirblock_entries(ip, lblk, buf.b_data, buf.b_pblk, &len);
	if (error)
		goto out;
	error = ext2_dirent_find(&m->m_sb, buf.b_data, len, name, namelen,
	    &de, &why);
	if (error == 0)
		*ret_ino = de.d_ino;
	else if (error != ENOENT)
		ext2_report(m, &why, error, ip->e_ino, buf.b_pblk);
out:
	ext2_block_put(m, &buf);
	return error;
}

static int
linear_find(struct ext2_inode *ip, const char *name, size_t namelen,
    uint32_t *ret_ino)
{
	uint64_t nblocks = ext2_nblocks(ip), lblk;
	uint64_t start = atomic_load(&ip->e_dirhint);
	int error = ENOENT;

	for (uint64_t i = 0; i < nblocks; i++) {
		lblk = start + i < nblocks ? start + i : start + i - nblocks;
		error = block_find(ip, lblk, name, namelen, ret_ino);
		if (error == 0)
			atomic_store(&ip->e_dirhint, (uint32_t)lblk);
		if (error != ENOENT)
			break;
	}
	return error;
}

static int
inline_find(struct ext2_inode *ip, const char *name, size_t namelen,
    uint32_t *ret_ino)
{
	struct ext2_dirent de;
	struct ext2_inline in;
	struct ext2_why why;
	int error;

	if (namelen == 2 && name[0] == '.' && name[1] == '.') {
		*ret_ino = ext2_le32(ip->e_di.i_block);
		return 0;
	}
	error = ext2_inline_get(ip, &in);
	if (error)
		return error;
	error = ENOENT;
	if (in.n_len[0] > 4)
		error = ext2_dirent_find(&ip->e_m->m_sb, in.n_piece[0] + 4,
		    in.n_len[0] - 4, name, namelen, &de, &why);
	if (error == ENOENT)
		error = ext2_dirent_find(&ip->e_m->m_sb, in.n_piece[1],
		    in.n_len[1], name, namelen, &de, &why);
	ext2_inline_put(ip, &in);
	if (error == 0)
		*ret_ino = de.d_ino;
	else if (error != ENOENT)
		ext2_report(ip->e_m, &why, error, ip->e_ino, 0);
	return error;
}

static int
dir_find(struct ext2_inode *ip, const char *name, size_t namelen,
    uint32_t *ret_ino)
{
	int error;

	if (ip->e_di.i_flags & EXT2_I_INLINE_DATA)
		return inline_find(ip, name, namelen, ret_ino);
	if (namelen == 2 && name[0] == '.' && name[1] == '.')
		return block_find(ip, 0, name, namelen, ret_ino);
	if (ext2_dir_indexed(ip)) {
		error = ext2_htree_lookup(ip, name, namelen, ret_ino);
		if (error != EOPNOTSUPP)
			return error;
	}
	return linear_find(ip, name, namelen, ret_ino);
}

/* A directory which was found here must be of the same opinion. */
static int
child_check(struct ext2_inode *ip, struct vnode *vp)
{
	struct ext2_inode *child = vnode_ext2(vp);
	struct ext2_why why;
	uint32_t parent = 0;
	int error;

	if (vp->v_type != VDIR)
		return 0;
	error = dir_find(child, "..", 2, &parent);
	if (error != 0 && error != ENOENT)
		return error;
	if (parent == ip->e_ino && child != ip)
		return 0;
	ext2_bad(&why, "directory", "it is not where its .. leads", parent);
	return ext2_report(ip->e_m, &why, EUCLEAN, child->e_ino, 0);
}

int
ext2_lookup(struct vnode *dvp, const struct cname *cn, struct vnode **ret_vp)
{
	struct ext2_inode *ip = vnode_ext2(dvp);
	bool up = cn->cn_len == 2 && cn->cn_name[0] == '.' &&
	    cn->cn_name[1] == '.';
	struct vnode *vp;
	uint32_t ino;
	int error;

	if (!up) {
		error = ext2_inode_readable(ip);
		if (error)
			return error;
	}
	error = dir_find(ip, cn->cn_name, cn->cn_len, &ino);
	if (error)
		return error;
	error = vnode_get(dvp->v_fs, ino, &vp);
	if (error)
		return error;
	if (!up) {
		error = child_check(ip, vp);
		if (error) {
			vnode_rele(vp);
			return error;
		}
	}
	*ret_vp = vp;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_inode.c - inodes in memory
 *
 * An inode is read once, judged, and kept in our own terms beside its
 * vnode until the vfs reclaims that. The file system's own inodes (journal,
 * orphan file, large attributes) are used the same way without a vnode.
 *
 * A file whose content we must not show as it lies there (encrypted, or
 * guarded by fs-verity) has its attributes read like any other's; opening
 * it is refused.
 */

#include "ext2_impl.h"

#include <lib/string.h>
#include <linux/stat.h>
#include <sys/errno.h>
#include <sys/kassert.h>

static struct pool ext2_inode_pool;

int
ext2_inode_attach(void)
{
	pool_init(&ext2_inode_pool, sizeof(struct ext2_inode), 0,
	    "ext2inode");
	return 0;
}

/* The block of the inode table that holds an inode. */
static int
inode_block(struct ext2fs *m, const struct ext2_inode_place *place,
    uint64_t *ret_pblk)
{
	struct ext2_super *sb = &m->m_sb;
	struct ext2_group g;
	struct ext2_why why;
	struct ext2_buf buf;
	uint64_t pblk;
	int error;

	pblk = ext2_group_block(sb, place->p_group / sb->s_desc_per_block);
	error = ext2_block_get(m, "group descriptors", 0, pblk, &buf);
	if (error)
		return error;
	error = ext2_group_parse(sb, place->p_group, buf.b_data,
	    sb->s_blksize, &g, &why);
	ext2_block_put(m, &buf);
	if (error)
		return ext2_report(m, &why, error, 0, pblk);
	*ret_pblk = g.g_inode_table + place->p_block;
	return 0;
}

int
ext2_inode_raw(struct ext2fs *m, uint64_t ino, struct ext2_buf *ret_buf,
    const uint8_t **ret_raw)
{
	struct ext2_inode_place place;
	struct ext2_why why;
	uint64_t pblk = 0;
	int error;

	error = ext2_inode_place(&m->m_sb, ino, &place, &why);
	if (error)
		return ext2_report(m, &why, error, ino, 0);
	error = inode_block(m, &place, &pblk);
	if (error)
		return error;
	error = ext2_block_get(m, "inode", ino, pblk, ret_buf);
	if (error)
		return error;
	*ret_raw = ret_buf->b_data + place.p_off;
	return 0;
}

/* Directories can be neither larger than the file system nor ragged. */
static int
dir_size_ok(const struct ext2_super *sb, const struct ext2_dinode *di,
    struct ext2_why *why)
{
	if (!ext2_is(di, EXT2_S_IFDIR) ||
	    (di->i_flags & EXT2_I_INLINE_DATA) != 0)
		return 0;
	if (di->i_size == 0 || (di->i_size & (sb->s_blksize - 1)) != 0 ||
	    di->i_size >> sb->s_blkshift > sb->s_blocks)
		return ext2_bad(why, "directory", "size out of range",
		    di->i_size);
	return 0;
}

int
ext2_inode_init(struct ext2fs *m, uint64_t ino, struct ext2_inode *ip)
{
	struct ext2_why why;
	struct ext2_buf buf;
	const uint8_t *raw;
	uint64_t pblk;
	int error;

	error = ext2_inode_raw(m, ino, &buf, &raw);
	if (error)
		return error;
	memset(ip, 0, sizeof(*ip));
	error = ext2_inode_parse(&m->m_sb, (uint32_t)ino, raw,
	    m->m_sb.s_inode_size, &ip->e_di, &why);
	if (error == 0)
		error = dir_size_ok(&m->m_sb, &ip->e_di, &why);
	pblk = buf.b_pblk;
	ext2_block_put(m, &buf);
	if (error)
		return ext2_report(m, &why, error, ino, pblk);
	ip->e_m = m;
	ip->e_ino = (uint32_t)ino;
	mutex_init(&ip->e_lock, "ext2runs");
	return 0;
}

void
ext2_inode_fini(struct ext2_inode *ip)
{
	mutex_destroy(&ip->e_lock);
}

static const struct vnode_ops *
inode_vnops(enum vtype type)
{
	switch (type) {
	case VREG:
		return &ext2_reg_vnops;
	case VDIR:
		return &ext2_dir_vnops;
	case VLNK:
		return &ext2_lnk_vnops;
	default:
		return &ext2_special_vnops;
	}
}

/* May a name lead to it? */
static int
inode_named_ok(struct ext2_inode *ip)
{
	struct ext2_why why;

	if (!ext2_ino_ok(&ip->e_m->m_sb, ip->e_ino))
		ext2_bad(&why, "inode", "a name leads to a reserved one",
		    ip->e_ino);
	else if (ip->e_di.i_links == 0 || ip->e_di.i_mode == 0)
		ext2_bad(&why, "inode", "a name leads to a free one",
		    ip->e_di.i_mode);
	else if (ip->e_di.i_flags & EXT2_I_EA_INODE)
		ext2_bad(&why, "inode", "a name leads to an attribute's value",
		    ip->e_di.i_flags);
	else if (ip->e_ino == EXT2_INO_ROOT &&
	    !ext2_is(&ip->e_di, EXT2_S_IFDIR))
		ext2_bad(&why, "inode", "the root is not a directory",
		    ip->e_di.i_mode);
	else
		return 0;
	return ext2_report(ip->e_m, &why, EUCLEAN, ip->e_ino, 0);
}

static void
vnode_fill(struct vnode *vp, struct ext2_inode *ip)
{
	uint32_t major, minor;

	vp->v_data = ip;
	vp->v_type = vtype_from_mode(ip->e_di.i_mode);
	vp->v_ops = inode_vnops(vp->v_type);
	vp->v_size = ip->e_di.i_size;
	vnode_setperm(vp, ip->e_di.i_mode & 07777, ip->e_di.i_uid,
	    ip->e_di.i_gid);
	if (vp->v_type == VCHR || vp->v_type == VBLK) {
		ext2_inode_rdev(&ip->e_di, &major, &minor);
		vp->v_rdev = dev_make(major, minor);
	}
}

int
ext2_load(struct fs *fs, ino_t ino, struct vnode *vp)
{
	struct ext2_inode *ip;
	int error;

	ip = pool_get(&ext2_inode_pool, KM_SLEEP);
	if (ip == NULL)
		return ENOMEM;
	error = ext2_inode_init(fs->fs_data, ino, ip);
	if (error)
		goto fail_pool;
	error = inode_named_ok(ip);
	if (error)
		goto fail_inode;
	vnode_fill(vp, ip);
	return 0;

fail_inode:
	ext2_inode_fini(ip);
fail_pool:
	pool_put(&ext2_inode_pool, ip);
	return error;
}

void
ext2_reclaim(struct vnode *vp)
{
	struct ext2_inode *ip = vnode_ext2(vp);

	ext2_inode_fini(ip);
	pool_put(&ext2_inode_pool, ip);
	vp->v_data = NULL;
}

static struct timespec64
inode_time(struct ext2_time t)
{
	struct timespec64 ts = { t.t_sec, t.t_nsec };

	return ts;
}

int
ext2_getattr(struct vnode *vp, struct vattr *ret_va)
{
	const struct ext2_inode *ip = vnode_ext2(vp);
	const struct ext2_dinode *di = &ip->e_di;
	const uint64_t shown = STATX_ATTR_COMPRESSED | STATX_ATTR_IMMUTABLE |
	    STATX_ATTR_APPEND | STATX_ATTR_NODUMP | STATX_ATTR_ENCRYPTED |
	    STATX_ATTR_VERITY;
	struct vattr va = {
		.va_type = vp->v_type, .va_mode = di->i_mode & 07777,
		.va_nlink = di->i_links, .va_uid = di->i_uid,
		.va_gid = di->i_gid, .va_rdev = vp->v_rdev,
		.va_ino = ip->e_ino, .va_size = di->i_size,
		.va_blocks = di->i_sectors,
		.va_blksize = ip->e_m->m_sb.s_blksize,
		.va_atime = inode_time(di->i_atime),
		.va_mtime = inode_time(di->i_mtime),
		.va_ctime = inode_time(di->i_ctime),
		.va_btime = inode_time(di->i_btime),
		.va_hasbtime = di->i_has_btime,
		.va_attributes_mask = shown,
	};

	/* The STATX_ATTR_* have the values of the flags on disk. */
	_Static_assert(STATX_ATTR_VERITY == EXT2_I_VERITY, "same bits");
	_Static_assert(STATX_ATTR_ENCRYPTED == EXT2_I_ENCRYPT, "same bits");
	va.va_attributes = di->i_flags & shown;

	/* Else archivers take a file without blocks for one hole. */
	if (vp->v_type == VREG && (di->i_flags & EXT2_I_INLINE_DATA) != 0)
		va.va_blocks += (di->i_size + 511) / 512;
	*ret_va = va;
	return 0;
}

int
ext2_inode_readable(struct ext2_inode *ip)
{
	if (ip->e_di.i_flags & EXT2_I_ENCRYPT)
		return ext2_report_text(ip->e_m, ENOKEY, ip->e_ino,
		    "it is encrypted, and there is no key for it");
	if (ext2_is(&ip->e_di, EXT2_S_IFREG) &&
	    (ip->e_di.i_flags & EXT2_I_VERITY) != 0)
		return ext2_report_text(ip->e_m, EOPNOTSUPP, ip->e_ino,
		    "it is guarded by fs-verity, which is not supported");
	return 0;
}

int
ext2_open(struct vnode *vp, unsigned int flags)
{
	struct ext2_inode *ip = vnode_ext2(vp);
	struct pgobj *po;
	int error;

	(void)flags;
	error = ext2_inode_readable(ip);
	if (error || vp->v_type != VREG)
		return error;
	return vnode_pages(vp, &ext2_file_pgops, &po);
}

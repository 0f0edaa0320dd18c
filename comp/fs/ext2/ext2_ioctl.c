/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_ioctl.c - what lsattr(1) and filefrag(8) ask
 */

#include "ext2_impl.h"

#include <lib/string.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/copy.h>
#include <sys/errno.h>

#define FLAGS_SHOWN	0x705bdfffu	/* of chattr(1) */

static int
put_int(void *uarg, uint32_t value)
{
	int32_t v = (int32_t)value;

	return copyout(&v, uarg, sizeof(v));
}

/* One extent of the answer, to the next place in the client's array. */
static int
fiemap_put(struct fiemap *fm, void *uarg, const struct fiemap_extent *fe)
{
	char *to = (char *)uarg + sizeof(*fm) +
	    (size_t)fm->fm_mapped_extents * sizeof(*fe);
	int error = 0;

	if (fm->fm_extent_count > 0)
		error = copyout(fe, to, sizeof(*fe));
	fm->fm_mapped_extents++;
	return error;
}

static bool
fiemap_full(const struct fiemap *fm)
{
	return fm->fm_extent_count > 0 &&
	    fm->fm_mapped_extents >= fm->fm_extent_count;
}

static int
fiemap_mapped(struct ext2_inode *ip, struct fiemap *fm, void *uarg)
{
	unsigned int shift = ip->e_m->m_sb.s_blkshift;
	uint64_t nblocks = ext2_nblocks(ip), lblk = fm->fm_start >> shift;
	uint64_t end = nblocks;
	struct fiemap_extent fe;
	struct ext2_run run;
	int error;

	if (fm->fm_length < (nblocks << shift) - (lblk << shift) &&
	    lblk < nblocks)
		end = (fm->fm_start + fm->fm_length +
		    ip->e_m->m_sb.s_blksize - 1) >> shift;
	while (lblk < end && !fiemap_full(fm)) {
		error = ext2_map(ip, lblk, &run);
		if (error)
			return error;
		if (run.r_kind != EXT2_RUN_HOLE) {
			memset(&fe, 0, sizeof(fe));
			fe.fe_logical = run.r_lblk << shift;
			fe.fe_physical = run.r_pblk << shift;
			fe.fe_length = run.r_count << shift;
			if (run.r_kind == EXT2_RUN_UNWRITTEN)
				fe.fe_flags |= FIEMAP_EXTENT_UNWRITTEN;
			if (run.r_lblk + run.r_count >= nblocks)
				fe.fe_flags |= FIEMAP_EXTENT_LAST;
			error = fiemap_put(fm, uarg, &fe);
			if (error)
				return error;
		}
		if (run.r_count - (lblk - run.r_lblk) >= end - lblk)
			break;
		lblk = run.r_lblk + run.r_count;
	}
	return 0;
}

static int
ioctl_fiemap(struct ext2_inode *ip, void *uarg)
{
	struct fiemap_extent fe = {
		.fe_length = ip->e_di.i_size,
		.fe_flags = FIEMAP_EXTENT_LAST | FIEMAP_EXTENT_DATA_INLINE |
		    FIEMAP_EXTENT_NOT_ALIGNED,
	};
	struct fiemap fm;
	int error;

	error = copyin(uarg, &fm, sizeof(fm));
	if (error)
		return error;
	if (fm.fm_extent_count > (UINT32_MAX - sizeof(fm)) / sizeof(fe) ||
	    fm.fm_start > (uint64_t)OFF_MAX || fm.fm_length == 0)
		return EINVAL;
	fm.fm_mapped_extents = 0;
	if (fm.fm_flags & ~(uint32_t)FIEMAP_FLAG_SYNC) {
		fm.fm_flags &= ~(uint32_t)FIEMAP_FLAG_SYNC;
		error = copyout(&fm, uarg, sizeof(fm));
		return error ? error : EBADR;
	}
	if (fm.fm_length > (uint64_t)OFF_MAX - fm.fm_start)
		fm.fm_length = (uint64_t)OFF_MAX - fm.fm_start;
	if (ip->e_di.i_flags & EXT2_I_INLINE_DATA)
		error = fiemap_put(&fm, uarg, &fe);
	else
		error = fiemap_mapped(ip, &fm, uarg);
	if (error)
		return error;
	return copyout(&fm, uarg, sizeof(fm));
}

int
ext2_ioctl(struct vnode *vp, unsigned long cmd, void *uarg, long *ret)
{
	struct ext2_inode *ip = vnode_ext2(vp);

	(void)ret;
	switch (cmd) {
	case FS_IOC_GETFLAGS:
		return put_int(uarg, ip->e_di.i_flags & FLAGS_SHOWN);
	case FS_IOC_GETVERSION:
		return put_int(uarg, ip->e_di.i_generation);
	case FS_IOC_FIEMAP:
		if (vp->v_type != VREG && vp->v_type != VDIR)
			return EOPNOTSUPP;
		return ioctl_fiemap(ip, uarg);
	case FS_IOC_SETFLAGS:
	case FS_IOC_SETVERSION:
		return EROFS;
	}
	return ENOTTY;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * access.c - who may do what to a file
 *
 * The rules of path_resolution(7) and capabilities(7): the first class of
 * owner, group and others that fits decides alone; CAP_DAC_READ_SEARCH and
 * CAP_DAC_OVERRIDE go past it (not to execute what nobody may execute).
 * File access is judged by fsuid, fsgid and the supplementary groups.
 *
 * All checks read the attributes in the vnode, without a lock.
 */

#include <linux/capability.h>
#include <linux/stat.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/proc.h>
#include <vfs/vnode.h>

#include "vfs_impl.h"

struct cred *
cred_current_hold(void)
{
	struct cred *cr = atomic_load_acq(&curproc()->p_cred);

	cred_hold(cr);
	return cr;
}

static const mode_t vtype_modes[] = {
	[VNON] = 0, [VREG] = S_IFREG, [VDIR] = S_IFDIR, [VLNK] = S_IFLNK,
	[VCHR] = S_IFCHR, [VBLK] = S_IFBLK, [VFIFO] = S_IFIFO, [VSOCK] = S_IFSOCK,
};

mode_t
vtype_to_mode(enum vtype type)
{
	return vtype_modes[type];
}

enum vtype
vtype_from_mode(mode_t mode)
{
	size_t i;

	for (i = VREG; i < ARRAY_SIZE(vtype_modes); i++)
		if ((mode & S_IFMT) == vtype_modes[i])
			return (enum vtype)i;
	return VNON;
}

/* DT_* are the type bits of the mode. */
unsigned char
vtype_to_dt(enum vtype type)
{
	return (unsigned char)(vtype_modes[type] >> 12);
}

/* Did the class of cr get all of want? */
static bool
access_bymode(mode_t mode, uid_t uid, gid_t gid, mode_t want,
    const struct cred *cr)
{
	if (cr->cr_fsuid == uid)
		return (mode >> 6 & want) == want;
	/* Whoever it is, group and others agree. */
	if (((mode >> 3 ^ mode) & want) == 0)
		return (mode & want) == want;
	if (cred_ingroup(cr, gid))
		return (mode >> 3 & want) == want;
	return (mode & want) == want;
}

static bool
access_bycap(enum vtype type, mode_t mode, int want, const struct cred *cr)
{
	if (type == VDIR) {
		if ((want & MAY_WRITE) == 0 &&
		    cred_capable(cr, CAP_DAC_READ_SEARCH))
			return true;
		return cred_capable(cr, CAP_DAC_OVERRIDE);
	}
	if (want == MAY_READ && cred_capable(cr, CAP_DAC_READ_SEARCH))
		return true;
	return ((want & MAY_EXEC) == 0 || (mode & 0111) != 0) &&
	    cred_capable(cr, CAP_DAC_OVERRIDE);
}

int
vattr_access(const struct vattr *va, int want, const struct cred *cr)
{
	if (access_bymode(va->va_mode, va->va_uid, va->va_gid, (mode_t)want, cr) ||
	    access_bycap(va->va_type, va->va_mode, want, cr))
		return 0;
	return EACCES;
}

int
vnode_access(struct vnode *vp, int want, const struct cred *cr)
{
	mode_t mode = atomic_load(&vp->v_mode);

	if (access_bymode(mode, atomic_load(&vp->v_uid),
	    atomic_load(&vp->v_gid), (mode_t)want, cr) ||
	    access_bycap(vp->v_type, mode, want, cr))
		return 0;
	return EACCES;
}

bool
access_isowner(struct vnode *vp, const struct cred *cr)
{
	return cr->cr_fsuid == atomic_load(&vp->v_uid) ||
	    cred_capable(cr, CAP_FOWNER);
}

int
access_create(struct vnode *dvp, const struct cred *cr)
{
	if (atomic_load(&dvp->v_unlinked))
		return ENOENT;
	return vnode_access(dvp, MAY_WRITE | MAY_EXEC, cr);
}

/* The sticky bit: only owners of the file or the directory remove. */
static bool
access_sticky(struct vnode *dvp, struct vnode *vp, const struct cred *cr)
{
	return (atomic_load(&dvp->v_mode) & S_ISVTX) == 0 ||
	    cr->cr_fsuid == atomic_load(&vp->v_uid) ||
	    cr->cr_fsuid == atomic_load(&dvp->v_uid) ||
	    cred_capable(cr, CAP_FOWNER);
}

int
access_delete(struct vnode *dvp, struct vnode *vp, bool wantdir,
    const struct cred *cr)
{
	int error;

	error = vnode_access(dvp, MAY_WRITE | MAY_EXEC, cr);
	if (error)
		return error;
	if (!access_sticky(dvp, vp, cr))
		return EPERM;
	if (wantdir && vp->v_type != VDIR)
		return ENOTDIR;
	if (!wantdir && vp->v_type == VDIR)
		return EISDIR;
	if (wantdir && vp->v_root)
		return EBUSY;
	return atomic_load(&dvp->v_unlinked) ? ENOENT : 0;
}

void
access_newattr(struct vnode *dvp, const struct cred *cr, mode_t mode,
    struct vattr *va)
{
	mode_t dmode = atomic_load(&dvp->v_mode);

	*va = (struct vattr){
		.va_type = vtype_from_mode(mode), .va_mode = mode & 07777,
		.va_uid = cr->cr_fsuid, .va_gid = cr->cr_fsgid,
	};
	if ((dmode & S_ISGID) == 0)
		return;
	va->va_gid = atomic_load(&dvp->v_gid);
	if (va->va_type == VDIR)
		va->va_mode |= S_ISGID;
	else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
	    !cred_ingroup(cr, va->va_gid) && !cred_capable(cr, CAP_FSETID))
		va->va_mode &= ~(mode_t)S_ISGID;
}

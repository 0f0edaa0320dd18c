/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vfs_file.c - open files that are vnodes: regular files, directories, and
 * whatever was opened with O_PATH
 *
 * f_data is the vnode; f_aux a struct vfile with the vpath, of which the file
 * holds the two references.
 *
 * The operations check what POSIX and Linux ask for whatever the file system
 * (limits, set-id bits, appending, access times) and leave the transfer to
 * it or to the page cache.
 */

#include <asm/ioctls.h>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/resource.h>
#include <linux/stat.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "attr_impl.h"
#include "vfs_impl.h"

static struct pool vfile_pool;

/* --- access times ------------------------------------------------------------- */

/*
 * The common case is one comparison.  A change that slips in between our
 * look at the times and the store of v_atime_until costs a late access time.
 */
void
vnode_accessed(struct vnode *vp, struct mount *mt, unsigned int flags)
{
	unsigned long mflags = atomic_load(&mt->mt_flags);
	int64_t now;

	if ((flags & O_NOATIME) || (mflags & (MS_NOATIME | MS_RDONLY)) ||
	    ((mflags & MS_NODIRATIME) && vp->v_type == VDIR) ||
	    atomic_load(&mt->mt_fs->fs_readonly))
		return;
	now = clock_wall_coarse();
	if ((mflags & MS_RELATIME) && now < atomic_load(&vp->v_atime_until))
		return;
	vnode_atime_update(vp, mt, now);
}

/* --- reading ---------------------------------------------------------------------- */

/* No vo_read and no pages: the whole file is a hole. */
static int
vnode_read_pages(struct vnode *vp, struct uio *uio, struct readahead *ra)
{
	struct pgobj *po = atomic_load_acq(&vp->v_pages);
	uint64_t size = vnode_size(vp);

	if (po != NULL)
		return pgobj_read(po, uio, size, ra);
	if (uio->uio_off >= size)
		return 0;
	size -= uio->uio_off;
	return uio_zero(size < uio->uio_resid ? size : uio->uio_resid, uio);
}

static int
vnode_fo_read(struct file *fp, struct uio *uio, int flags)
{
	struct vfile *vf = file_vfile(fp);
	struct vnode *vp = fp->f_data;
	size_t want = uio->uio_resid;
	int error;

	if (vp->v_type == VDIR)
		return flags & ~RWF_HIPRI ? EOPNOTSUPP : EISDIR;
	rw_read_enter(&vp->v_lock);
	error = vp->v_ops->vo_read != NULL ?
	    vp->v_ops->vo_read(vp, uio, flags) :
	    vnode_read_pages(vp, uio, &vf->vf_ra);
	rw_exit(&vp->v_lock);
	if (uio->uio_resid != want || error == 0)
		vnode_accessed(vp, vf->vf_path.vp_mount, file_flags(fp));
	return error;
}

/* --- writing ---------------------------------------------------------------------- */

/* Who writes counts, not who opened. */
int
vnode_dropprivs_locked(struct vnode *vp)
{
	mode_t mode = atomic_load(&vp->v_mode), keep = mode;
	const struct cred *cr;
	struct vattr va;

	if (likely((mode & (S_ISUID | S_ISGID)) == 0) || vp->v_type != VREG)
		return 0;
	cr = curcred();
	keep &= ~(mode_t)S_ISUID;
	if ((mode & S_IXGRP) || !cred_ingroup(cr, atomic_load(&vp->v_gid)))
		keep &= ~(mode_t)S_ISGID;
	if (keep == mode || cred_capable(cr, CAP_FSETID))
		return 0;
	if (vp->v_ops->vo_setattr == NULL)
		return EROFS;
	va = (struct vattr){ .va_mode = keep,
	    .va_ctime = ktime_to_timespec(clock_wall_coarse()) };
	return vp->v_ops->vo_setattr(vp, &va, VA_MODE | VA_CTIME);
}

static uint64_t
vnode_maxsize(const struct vnode *vp)
{
	return vp->v_fs->fs_maxsize != 0 ? vp->v_fs->fs_maxsize : OFF_MAX;
}

/* How much of the transfer the limits let through; EFBIG if nothing. */
static int
write_clip(struct vnode *vp, struct uio *uio, size_t *ret_cut)
{
	uint64_t max = vnode_maxsize(vp), limit;

	limit = proc_rlimit(curproc(), RLIMIT_FSIZE);
	if (limit < max)
		max = limit;
	if (uio->uio_off >= max)
		return EFBIG;
	*ret_cut = 0;
	if (uio->uio_resid > max - uio->uio_off) {
		*ret_cut = uio->uio_resid - (size_t)(max - uio->uio_off);
		uio->uio_resid -= *ret_cut;
	}
	return 0;
}

static int
write_locked(struct vnode *vp, struct uio *uio, int flags)
{
	size_t cut;
	int error;

	error = write_clip(vp, uio, &cut);
	if (error)
		return error;
	error = vnode_sealed_write(vp, uio->uio_off + uio->uio_resid);
	if (error == 0)
		error = vnode_dropprivs_locked(vp);
	if (error == 0)
		error = vp->v_ops->vo_write(vp, uio, flags);
	uio->uio_resid += cut;
	vnode_modified(vp);
	return error;
}

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND	0x00000020
#endif

static int
vnode_fo_write(struct file *fp, struct uio *uio, int flags)
{
	struct vnode *vp = fp->f_data;
	unsigned int fflags = file_flags(fp);
	size_t want = uio->uio_resid;
	int error;

	if (vp->v_type != VREG || vp->v_ops->vo_write == NULL)
		return vp->v_type == VREG ? EROFS : EINVAL;
	if (want == 0)
		return 0;
	rw_write_enter(&vp->v_lock);
	if (((fflags & O_APPEND) && (flags & RWF_NOAPPEND) == 0) ||
	    (flags & RWF_APPEND))
		uio->uio_off = vnode_size(vp);
	error = write_locked(vp, uio, flags);
	rw_exit(&vp->v_lock);
	if (uio->uio_resid != want && ((fflags & O_DSYNC) ||
	    (flags & (RWF_DSYNC | RWF_SYNC))) && vp->v_ops->vo_fsync != NULL) {
		int e = vp->v_ops->vo_fsync(vp,
		    (fflags & O_SYNC) != O_SYNC && (flags & RWF_SYNC) == 0);

		if (error == 0)
			error = e;
	}
	return error;
}

/* --- length -------------------------------------------------------------------------- */

/* fd: by descriptor, which counts as a change also if the size stays. */
int
vnode_truncate(struct vnode *vp, uint64_t size, bool fd)
{
	unsigned int mask = VA_SIZE;
	struct vattr va;
	int error;

	if (size > vnode_maxsize(vp) ||
	    (size > vnode_size(vp) && size > proc_rlimit(curproc(), RLIMIT_FSIZE)))
		return EFBIG;
	if (vp->v_ops->vo_setattr == NULL)
		return EROFS;
	va = (struct vattr){ .va_size = size };
	rw_write_enter(&vp->v_lock);
	error = vnode_sealed_size(vp, size);
	if (error == 0)
		error = vnode_dropprivs_locked(vp);
	if (error == 0) {
		va.va_mtime = va.va_ctime = ktime_to_timespec(clock_wall_coarse());
		if (fd || size != vnode_size(vp))
			mask |= VA_MTIME | VA_CTIME;
		error = vp->v_ops->vo_setattr(vp, &va, mask);
	}
	rw_exit(&vp->v_lock);
	vnode_modified(vp);
	return error;
}

static int
vnode_fo_truncate(struct file *fp, off_t len)
{
	struct vnode *vp = fp->f_data;

	if (vp->v_type != VREG || !file_writable(fp) || len < 0)
		return EINVAL;
	return vnode_truncate(vp, (uint64_t)len, true);
}

static int
vnode_fo_fallocate(struct file *fp, int mode, off_t off, off_t len)
{
	struct vnode *vp = fp->f_data;
	uint64_t end = (uint64_t)off + (uint64_t)len;
	int error;

	if (vp->v_type == VDIR)
		return EISDIR;
	if (vp->v_type != VREG)
		return ENODEV;
	if (end > vnode_maxsize(vp))
		return EFBIG;
	if (vp->v_ops->vo_fallocate == NULL)
		return EOPNOTSUPP;
	if ((mode & FALLOC_FL_KEEP_SIZE) == 0 && end > vnode_size(vp) &&
	    end > proc_rlimit(curproc(), RLIMIT_FSIZE))
		return EFBIG;
	rw_write_enter(&vp->v_lock);
	if (mode & FALLOC_FL_PUNCH_HOLE)
		error = vnode_sealed_write(vp, 0);
	else
		error = end > vnode_size(vp) ? vnode_sealed_size(vp, end) : 0;
	if (error == 0)
		error = vp->v_ops->vo_fallocate(vp, mode, (uint64_t)off,
		    (uint64_t)len);
	if (error == 0)			/* what is refused changes nothing */
		error = vnode_dropprivs_locked(vp);
	rw_exit(&vp->v_lock);
	vnode_modified(vp);
	return error;
}

/* --- position -------------------------------------------------------------------------- */

static int
seek_data(struct vnode *vp, off_t off, int whence, off_t *ret_off)
{
	uint64_t size, pos;
	int error;

	rw_read_enter(&vp->v_lock);
	size = vnode_size(vp);
	if (off < 0 || (uint64_t)off >= size) {
		error = ENXIO;
	} else if (vp->v_ops->vo_seek != NULL) {
		error = vp->v_ops->vo_seek(vp, (uint64_t)off, whence, &pos);
	} else {
		pos = whence == SEEK_DATA ? (uint64_t)off : size;
		error = 0;
	}
	rw_exit(&vp->v_lock);
	if (error == 0)
		*ret_off = (off_t)pos;
	return error;
}

/* f_offlock is held. */
static int
vnode_fo_seek(struct file *fp, off_t off, int whence, off_t *ret_off)
{
	struct vnode *vp = fp->f_data;
	bool isdir = vp->v_type == VDIR;

	if (isdir && whence == SEEK_END)
		return EINVAL;
	if (!isdir && (whence == SEEK_DATA || whence == SEEK_HOLE))
		return seek_data(vp, off, whence, ret_off);
	return file_seekto(fp, off, whence, vnode_size(vp),
	    isdir ? OFF_MAX : vnode_maxsize(vp), ret_off);
}

/* --- the rest --------------------------------------------------------------------------- */

int
vnode_fo_stat(struct file *fp, struct statx *st)
{
	return vnode_statx(&file_vfile(fp)->vf_path, st);
}

int
vnode_fo_fstat(struct file *fp, struct stat *st)
{
	return vnode_stat(file_vfile(fp)->vf_path.vp_vnode, st);
}

static int
vnode_fo_ioctl(struct file *fp, unsigned long cmd, void *uarg, long *ret)
{
	struct vnode *vp = fp->f_data;
	int n;

	if (cmd == FIONREAD && vp->v_type == VREG) {
		off_t left = (off_t)vnode_size(vp) - fp->f_off;

		n = (int)left;		/* cut off, as Linux does */
		return copyout(&n, uarg, sizeof(n));
	}
	if (vp->v_ops->vo_ioctl == NULL)
		return ENOTTY;
	return vp->v_ops->vo_ioctl(vp, cmd, uarg, ret);
}

static int
vnode_fo_fsync(struct file *fp, bool dataonly)
{
	struct vnode *vp = fp->f_data;

	if (vp->v_ops->vo_fsync == NULL)
		return 0;
	return vp->v_ops->vo_fsync(vp, dataonly);
}

/* O_DIRECT, too: it asks for nothing that the cache could not do. */
static int
vnode_fo_setfl(struct file *fp __unused_arg, unsigned int newflags __unused_arg)
{
	return 0;
}

static void
vnode_fo_flush(struct file *fp, struct proc *p)
{
	struct vnode *vp = fp->f_data;

	if (unlikely(atomic_load(&vp->v_locks) != NULL))
		lockf_release_proc(vp, p);
}

void
vnode_fo_close(struct file *fp)
{
	struct vfile *vf = file_vfile(fp);
	struct vpath path = vf->vf_path;

	if (unlikely(atomic_load(&vf->vf_flocked)))
		lockf_release_file(path.vp_vnode, fp);
	if (vf->vf_writer) {
		atomic_sub(&path.vp_vnode->v_writers, 1);
		mount_endwrite(path.vp_mount);
	}
	if (vf->vf_inner != NULL)
		file_rele(vf->vf_inner);
	pool_put(&vfile_pool, vf);
	vpath_rele(&path);
}

const struct fileops vnode_fileops = {
	.fo_read	= vnode_fo_read,
	.fo_write	= vnode_fo_write,
	.fo_seek	= vnode_fo_seek,
	.fo_ioctl	= vnode_fo_ioctl,
	.fo_stat	= vnode_fo_stat,
	.fo_fstat	= vnode_fo_fstat,
	.fo_truncate	= vnode_fo_truncate,
	.fo_fallocate	= vnode_fo_fallocate,
	.fo_fsync	= vnode_fo_fsync,
	.fo_getdents	= vnode_fo_getdents,
	.fo_setfl	= vnode_fo_setfl,
	.fo_lock	= lockf_fo_lock,
	.fo_fcntl	= vnode_fo_fcntl,
	.fo_flush	= vnode_fo_flush,
	.fo_close	= vnode_fo_close,
	.fo_seekable	= true,
};

/* --- birth -------------------------------------------------------------------------------- */

bool
file_getpath(struct file *fp, struct vpath *ret_path)
{
	if (fp->f_ops != &vnode_fileops && fp->f_ops != &fifo_fileops &&
	    !specfs_isours(fp))
		return false;
	*ret_path = file_vfile(fp)->vf_path;
	return true;
}

/* The path's references become the file's; on error they stay the caller's. */
int
vfile_create(const struct vpath *path, unsigned int flags,
    const struct fileops *ops, struct file **ret_fp)
{
	struct vfile *vf;
	int error;

	vf = pool_get(&vfile_pool, KM_ZERO);
	if (vf == NULL)
		return ENOMEM;
	error = file_create(FILE_VNODE, ops, path->vp_vnode, flags, ret_fp);
	if (error) {
		pool_put(&vfile_pool, vf);
		return error;
	}
	vf->vf_path = *path;
	(*ret_fp)->f_aux = vf;
	return 0;
}

/* Undoes it before the file was used; the path is the caller's again. */
void
vfile_abandon(struct file *fp)
{
	pool_put(&vfile_pool, file_vfile(fp));
	file_abandon(fp);
}

void
vfile_boot(void)
{
	pool_init(&vfile_pool, sizeof(struct vfile), 16, "vnode file");
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fifo.c - pipes that have a name
 *
 * The first open of a FIFO makes a pipe and hangs it on the vnode; while any
 * of its files is open the others share it, and the last one to close takes
 * it along: what nobody read is lost then, as POSIX has it.  Opening waits
 * for the other end in the pipe's own code.
 *
 * Locking: the pipe of a vnode is changed under its v_ilock.
 */

#include <linux/fcntl.h>
#include <linux/fs.h>

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/pipe.h>

#include "vfs_impl.h"

/* Users are counted beside the pipe: its own references include sleepers. */
struct fifo {
	struct pipe	*ff_pipe;	/* c */
	unsigned int	 ff_users;	/* v_ilock: files, and opens on the way */
};

static int
fifo_make(struct fifo **ret_ff)
{
	struct fifo *ff;
	int error;

	ff = kmem_alloc(sizeof(*ff), KM_SLEEP);
	if (ff == NULL)
		return ENOMEM;
	error = pipe_create(&ff->ff_pipe);
	if (error) {
		kmem_free(ff, sizeof(*ff));
		return error;
	}
	ff->ff_users = 0;
	*ret_ff = ff;
	return 0;
}

static void
fifo_unmake(struct fifo *ff)
{
	if (ff != NULL) {
		pipe_rele(ff->ff_pipe);
		kmem_free(ff, sizeof(*ff));
	}
}

/* The vnode's pipe, with one user more. */
static int
fifo_use(struct vnode *vp, struct pipe **ret_pi)
{
	struct fifo *ff;
	int error;

	error = fifo_make(&ff);
	if (error)
		return error;
	mutex_enter(&vp->v_ilock);
	if (vp->v_fifo == NULL) {
		vp->v_fifo = ff;
		ff = NULL;
	}
	vp->v_fifo->ff_users++;
	*ret_pi = vp->v_fifo->ff_pipe;
	mutex_exit(&vp->v_ilock);
	fifo_unmake(ff);
	return 0;
}

static void
fifo_unuse(struct vnode *vp)
{
	struct fifo *ff = NULL;

	mutex_enter(&vp->v_ilock);
	if (--vp->v_fifo->ff_users == 0) {
		ff = vp->v_fifo;
		vp->v_fifo = NULL;
	}
	mutex_exit(&vp->v_ilock);
	fifo_unmake(ff);
}

static void
fifo_close(struct file *fp)
{
	struct vnode *vp = file_vfile(fp)->vf_path.vp_vnode;

	pipe_fifo_close(fp);
	fifo_unuse(vp);
	vnode_fo_close(fp);
}

/* The bytes go through the pipe, the times stay with the name. */
static int
fifo_read(struct file *fp, struct uio *uio, int flags)
{
	const struct vpath *path = &file_vfile(fp)->vf_path;
	size_t want = uio->uio_resid;
	int error;

	error = pipe_file_read(fp, uio, flags);
	if (uio->uio_resid != want)
		vnode_accessed(path->vp_vnode, path->vp_mount, file_flags(fp));
	return error;
}

static void
fifo_changed(struct vnode *vp)
{
	struct vattr va = { .va_mtime = ktime_to_timespec(clock_wall_coarse()) };

	if (vp->v_ops->vo_setattr == NULL || atomic_load(&vp->v_fs->fs_readonly))
		return;
	va.va_ctime = va.va_mtime;
	rw_write_enter(&vp->v_lock);
	(void)vp->v_ops->vo_setattr(vp, &va, VA_MTIME | VA_CTIME);
	rw_exit(&vp->v_lock);
}

static int
fifo_write(struct file *fp, struct uio *uio, int flags)
{
	size_t want = uio->uio_resid;
	int error;

	error = pipe_file_write(fp, uio, flags);
	if (uio->uio_resid != want)
		fifo_changed(file_vfile(fp)->vf_path.vp_vnode);
	return error;
}

static int
fifo_fallocate(struct file *fp, int mode, off_t off, off_t len)
{
	return ESPIPE;
}

const struct fileops fifo_fileops = {
	.fo_fallocate	= fifo_fallocate,
	.fo_read	= fifo_read,
	.fo_write	= fifo_write,
	.fo_ioctl	= pipe_file_ioctl,
	.fo_poll	= pipe_file_poll,
	.fo_stat	= vnode_fo_stat,
	.fo_fstat	= vnode_fo_fstat,
	.fo_setfl	= pipe_file_setfl,
	.fo_close	= fifo_close,
	.fo_rwflags	= RWF_NOWAIT,
};

int
fifo_open(struct vpath *path, unsigned int flags, struct file **ret_fp)
{
	struct vnode *vp = path->vp_vnode;
	struct pipe *pi;
	struct file *fp;
	int error;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return EINVAL;		/* neither reads nor writes */
	error = fifo_use(vp, &pi);
	if (error)
		return error;
	error = vfile_create(path, flags, &fifo_fileops, &fp);
	if (error)
		goto fail_use;
	fp->f_data = pi;
	error = pipe_fifo_open(fp);	/* sleeps until the other end comes */
	if (error)
		goto fail_file;
	*path = (struct vpath){ NULL, NULL };
	*ret_fp = fp;
	return 0;

fail_file:
	vfile_abandon(fp);
fail_use:
	fifo_unuse(vp);
	return error;
}

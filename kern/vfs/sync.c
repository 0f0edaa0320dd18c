/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sync.c - writing back what is only in memory: sync, syncfs,
 * sync_file_range; and hints about the content: fadvise64, readahead
 *
 * fsync(2) and fdatasync(2) are fo_fsync of the file.
 */

#include <linux/fadvise.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include <abi/sysargs.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/pipe.h>

#include "vfs_impl.h"

static int
fs_sync(struct fs *fs)
{
	if (fs->fs_ops->fo_sync == NULL || atomic_load(&fs->fs_readonly))
		return 0;
	return fs->fs_ops->fo_sync(fs);
}

/* All are tried; the first error is told. */
static int
sync_one(struct fs *fs, void *arg)
{
	int *first = arg;
	int error = fs_sync(fs);

	if (*first == 0)
		*first = error;
	return 0;
}

int
vfs_sync_all(void)
{
	int error = 0;

	(void)mount_iterate_fs(sync_one, &error);
	return error;
}

int
sys_sync(struct lwp *l __unused_arg, long *ret __unused_arg)
{
	(void)vfs_sync_all();		/* sync(2) knows no errors */
	return 0;
}

int
sys_syncfs(struct lwp *l __unused_arg, int fd, long *ret __unused_arg)
{
	struct vpath path;
	struct file *fp;
	int error;

	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	error = file_getpath(fp, &path) ? fs_sync(path.vp_mount->mt_fs) : 0;
	fd_put(fp);
	return error;
}

#define SYNC_FLAGS	(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | \
	SYNC_FILE_RANGE_WAIT_AFTER)

/* More than asked for: the whole file's data. */
int
sys_sync_file_range(struct lwp *l __unused_arg, int fd, int64_t off,
    int64_t len, unsigned int flags, long *ret __unused_arg)
{
	struct vpath path;
	struct file *fp;
	struct vnode *vp;
	int64_t end;
	int error;

	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	if ((flags & ~(unsigned int)SYNC_FLAGS) || off < 0 || len < 0 ||
	    __builtin_add_overflow(off, len, &end)) {
		error = EINVAL;
	} else if (!file_getpath(fp, &path)) {
		error = ESPIPE;
	} else {
		vp = path.vp_vnode;
		if (vp->v_type == VCHR || vp->v_type == VFIFO)
			error = ESPIPE;
		else if (flags != 0 && vp->v_ops->vo_fsync != NULL)
			error = vp->v_ops->vo_fsync(vp, true);
	}
	fd_put(fp);
	return error;
}

/* --- hints ------------------------------------------------------------------------ */

static void
vnode_willneed(struct vnode *vp, uint64_t off, uint64_t len)
{
	struct pgobj *po = atomic_load_acq(&vp->v_pages);
	uint64_t size = vnode_size(vp);

	if (po == NULL || po->po_ops->po_willneed == NULL || off >= size)
		return;
	if (len == 0 || len > size - off)
		len = size - off;
	po->po_ops->po_willneed(po, off, len);
}

static void
vnode_dontneed(struct vnode *vp, uint64_t off, uint64_t len)
{
	struct pgobj *po = atomic_load_acq(&vp->v_pages);

	if (po == NULL || po->po_ops->po_read == NULL)
		return;			/* memory is the only copy */
	pgobj_invalidate(po, off, len != 0 ? len : UINT64_MAX - off);
}

int
sys_fadvise64(struct lwp *l __unused_arg, int fd, int64_t off, int64_t len,
    int advice, long *ret __unused_arg)
{
	struct vpath path;
	struct file *fp;
	int error;

	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	if (pipe_of_file(fp) != NULL) {
		error = ESPIPE;
	} else if (len < 0 || advice < POSIX_FADV_NORMAL ||
	    advice > POSIX_FADV_NOREUSE) {
		error = EINVAL;
	} else if (file_getpath(fp, &path) && path.vp_vnode->v_type == VREG) {
		if (advice == POSIX_FADV_WILLNEED)
			vnode_willneed(path.vp_vnode, (uint64_t)off, (uint64_t)len);
		else if (advice == POSIX_FADV_DONTNEED)
			vnode_dontneed(path.vp_vnode, (uint64_t)off, (uint64_t)len);
	}
	fd_put(fp);
	return error;
}

int
sys_readahead(struct lwp *l __unused_arg, int fd, int64_t off, size_t count,
    long *ret __unused_arg)
{
	struct vpath path;
	struct file *fp;
	int error;

	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	if (!file_readable(fp))
		error = EBADF;
	else if (!file_getpath(fp, &path) || path.vp_vnode->v_type != VREG)
		error = EINVAL;
	else
		vnode_willneed(path.vp_vnode, (uint64_t)off, count);
	fd_put(fp);
	return error;
}

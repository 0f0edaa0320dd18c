/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * specfs.c - device nodes: files that stand for a device
 *
 * Opening a node asks the device switch for the driver's own file and wraps
 * it: reading, writing and the like go to the driver, while fstat(2) and its
 * kin see the node that was opened.
 *
 * The nodes that the dev faction announces are made in /dev as they come, by
 * the kernel's own right, and removed as they go.
 */

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/stat.h>

#include <lib/list.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/devsw.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/uio.h>

#include "namespace_impl.h"
#include "vfs_impl.h"

/* --- the open file --------------------------------------------------------------- */

static struct file *
spec_inner(struct file *fp)
{
	return file_vfile(fp)->vf_inner;
}

static int
spec_read(struct file *fp, struct uio *uio, int flags)
{
	struct file *in = spec_inner(fp);

	return in->f_ops->fo_read != NULL ?
	    in->f_ops->fo_read(in, uio, flags) : EINVAL;
}

static int
spec_write(struct file *fp, struct uio *uio, int flags)
{
	struct file *in = spec_inner(fp);

	return in->f_ops->fo_write != NULL ?
	    in->f_ops->fo_write(in, uio, flags) : EINVAL;
}

/* The position is the outer file's; the driver looks at its own. */
static int
spec_seek(struct file *fp, off_t off, int whence, off_t *ret_off)
{
	struct file *in = spec_inner(fp);
	int error;

	if (in->f_ops->fo_seek == NULL)
		return ESPIPE;
	mutex_enter(&in->f_offlock);
	in->f_off = fp->f_off;
	error = in->f_ops->fo_seek(in, off, whence, ret_off);
	mutex_exit(&in->f_offlock);
	return error;
}

static int
spec_ioctl(struct file *fp, unsigned long cmd, void *uarg, long *ret)
{
	struct file *in = spec_inner(fp);

	return in->f_ops->fo_ioctl != NULL ?
	    in->f_ops->fo_ioctl(in, cmd, uarg, ret) : ENOTTY;
}

static uint32_t
spec_poll(struct file *fp, struct pollreg *pr)
{
	struct file *in = spec_inner(fp);

	return in->f_ops->fo_poll != NULL ? in->f_ops->fo_poll(in, pr) :
	    POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

static int
spec_fsync(struct file *fp, bool dataonly)
{
	struct file *in = spec_inner(fp);

	return in->f_ops->fo_fsync != NULL ?
	    in->f_ops->fo_fsync(in, dataonly) : EINVAL;
}

static int
spec_fallocate(struct file *fp, int mode, off_t off, off_t len)
{
	struct file *in = spec_inner(fp);

	return in->f_ops->fo_fallocate != NULL ?
	    in->f_ops->fo_fallocate(in, mode, off, len) : ENODEV;
}

static int
spec_setfl(struct file *fp, unsigned int newflags)
{
	struct file *in = spec_inner(fp);
	int error;

	error = in->f_ops->fo_setfl != NULL ?
	    in->f_ops->fo_setfl(in, newflags) : 0;
	if (error == 0)
		atomic_store(&in->f_flags, newflags);
	return error;
}

/* One table for what has a position, one for streams such as terminals. */
#define SPEC_OPS							\
	.fo_read	= spec_read,					\
	.fo_write	= spec_write,					\
	.fo_ioctl	= spec_ioctl,					\
	.fo_poll	= spec_poll,					\
	.fo_stat	= vnode_fo_stat,				\
	.fo_fstat	= vnode_fo_fstat,				\
	.fo_fallocate	= spec_fallocate,				\
	.fo_fsync	= spec_fsync,					\
	.fo_setfl	= spec_setfl,					\
	.fo_close	= vnode_fo_close

static const struct fileops specfs_seekable_fileops = {
	SPEC_OPS,
	.fo_seek	= spec_seek,
	.fo_seekable	= true,
};

static const struct fileops specfs_unmoved_fileops = {
	SPEC_OPS,
	.fo_seek	= spec_seek,
};

static const struct fileops specfs_stream_fileops = {
	SPEC_OPS,
};

bool
specfs_isours(const struct file *fp)
{
	return fp->f_ops == &specfs_seekable_fileops ||
	    fp->f_ops == &specfs_unmoved_fileops ||
	    fp->f_ops == &specfs_stream_fileops;
}

int
specfs_open(struct vpath *path, unsigned int flags, struct file **ret_fp)
{
	struct vnode *vp = path->vp_vnode;
	const struct fileops *ops;
	struct file *inner;
	int error;

	error = devsw_open(vp->v_type == VBLK, vp->v_rdev, flags, &inner);
	if (error)
		return error;
	if (inner->f_ops->fo_seek == NULL)
		ops = &specfs_stream_fileops;
	else
		ops = inner->f_ops->fo_seekable ? &specfs_seekable_fileops :
		    &specfs_unmoved_fileops;
	error = vfile_create(path, flags, ops, ret_fp);
	if (error) {
		file_rele(inner);
		return error;
	}
	file_vfile(*ret_fp)->vf_inner = inner;
	*path = (struct vpath){ NULL, NULL };
	return 0;
}

/* --- /dev -------------------------------------------------------------------------- */

/* What was announced, for those who have a node and want its name. */
struct devname {
	struct list_node dv_link;
	const struct devnode *dv_node;
};

static kmutex_t devname_lock;
static struct list devname_list = LIST_INITIALIZER(devname_list);

static void
devnode_path(const struct devnode *dn, char *buf, size_t size)
{
	if (dn->dn_name[0] == '/')
		strlcpy(buf, dn->dn_name, size);
	else
		snprintf(buf, size, "/dev/%s", dn->dn_name);
}

bool
specfs_devpath(bool block, dev_t dev, char *buf, size_t size)
{
	const struct devnode *dn;
	struct list_node *n;
	bool found = false;

	mutex_enter(&devname_lock);
	LIST_FOREACH(n, &devname_list) {
		dn = container_of(n, struct devname, dv_link)->dv_node;
		if (dn->dn_block == block && dn->dn_dev == dev) {
			devnode_path(dn, buf, size);
			found = true;
			break;
		}
	}
	mutex_exit(&devname_lock);
	return found;
}

/* A name that the kernel makes for itself, whoever is calling. */
int
vfs_kern_create(const char *path, mode_t mode, dev_t rdev)
{
	struct nameidata nd = { .nd_cred = proc0.p_cred };
	int error;

	error = namei(curlwp(), AT_FDCWD, path, NAMEI_PARENT | NAMEI_KERNEL, &nd);
	if (error)
		return error;
	error = vfs_create(&nd, mode, rdev, NULL);
	nameidata_fini(&nd);
	return error;
}

int
vfs_kern_unlink(const char *path)
{
	struct nameidata nd = { .nd_cred = proc0.p_cred };
	int error;

	error = namei(curlwp(), AT_FDCWD, path, NAMEI_PARENT | NAMEI_KERNEL, &nd);
	if (error)
		return error;
	error = vfs_unlink(&nd);
	nameidata_fini(&nd);
	return error;
}

int
vfs_kern_mkdir(const char *path, mode_t mode)
{
	int error = vfs_kern_create(path, S_IFDIR | mode, 0);

	return error == EEXIST ? 0 : error;
}

/* The directories that lead to path. */
int
vfs_kern_mkparents(const char *path)
{
	char dir[128];
	size_t i;
	int error = 0;

	for (i = 1; error == 0 && path[i] != '\0' && i < sizeof(dir); i++) {
		if (path[i] != '/')
			continue;
		memcpy(dir, path, i);
		dir[i] = '\0';
		error = vfs_kern_mkdir(dir, 0755);
	}
	return error;
}

static int
specfs_node_add(const struct devnode *dn)
{
	struct devname *dv;
	char path[128];
	int error;

	dv = kmem_alloc(sizeof(*dv), KM_SLEEP);
	if (dv == NULL)
		return ENOMEM;
	dv->dv_node = dn;
	devnode_path(dn, path, sizeof(path));
	error = vfs_kern_mkparents(path);
	if (error == 0)
		error = vfs_kern_create(path, (dn->dn_block ? S_IFBLK : S_IFCHR) |
		    (dn->dn_mode & 07777), dn->dn_dev);
	if (error) {
		kmem_free(dv, sizeof(*dv));
		return error;
	}
	mutex_enter(&devname_lock);
	list_insert_tail(&devname_list, &dv->dv_link);
	mutex_exit(&devname_lock);
	return 0;
}

static void
specfs_node_remove(const struct devnode *dn)
{
	struct devname *dv = NULL;
	struct list_node *n;
	char path[128];

	mutex_enter(&devname_lock);
	LIST_FOREACH(n, &devname_list) {
		dv = container_of(n, struct devname, dv_link);
		if (dv->dv_node == dn)
			break;
		dv = NULL;
	}
	if (dv != NULL)
		list_remove(&dv->dv_link);
	mutex_exit(&devname_lock);
	if (dv == NULL)
		return;			/* it could not be made */
	kmem_free(dv, sizeof(*dv));
	devnode_path(dn, path, sizeof(path));
	(void)vfs_kern_unlink(path);	/* a user may have removed it before */
}

static const struct devnode_ops specfs_devnode_ops = {
	.dno_add	= specfs_node_add,
	.dno_remove	= specfs_node_remove,
};

void
specfs_start(void)
{
	mutex_init(&devname_lock, "device names");
	devnode_listen(&specfs_devnode_ops);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostfile.c - names for plain files whose content somebody else keeps
 *
 * Each such file is an instance of a file system of its own whose root is a
 * regular file, mounted over an empty file that is made at the wanted path.
 * So everything that holds for mounts holds here: it is busy while it is
 * open, and the name comes back bare when it goes.
 *
 * Reads go through the page cache; writes go through to the owner and drop
 * what the cache had.  The size never changes.
 *
 * Locking: hostfiles_lock protects the list, through which ft_mount finds
 * the file whose path is its source.
 */

#include <linux/fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include <lib/list.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/hostfile.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/uio.h>

#include "vfs_impl.h"

#define HOSTFILE_INO	1
#define HOSTFILE_MAGIC	0x72756d70	/* "rump" */
#define BOUNCE_ORDER	4

struct hfent {
	struct hostfile	*he_hf;		/* c */
	char		*he_path;	/* c */
	struct list_node he_link;	/* hostfiles_lock */
};

static kmutex_t hostfiles_lock;
static struct list hostfiles = LIST_INITIALIZER(hostfiles);	/* hostfiles_lock */

/* --- content ------------------------------------------------------------------- */

/* Whole pages; what is beyond the end reads as zeroes. */
static int
hostfile_fill(struct pgobj *po, uint64_t off, const struct rumpuser_iov *iov,
    size_t iovcnt)
{
	struct vnode *vp = po->po_arg;
	struct hostfile *hf = vp->v_data;
	size_t bytes;
	int error;

	error = hf->hf_ops->hf_read(hf, off, iov, iovcnt, &bytes);
	if (error)
		return error;
	for (size_t i = 0; i < iovcnt; i++) {
		size_t have = bytes < iov[i].iov_len ? bytes : iov[i].iov_len;

		memset((char *)iov[i].iov_base + have, 0, iov[i].iov_len - have);
		bytes -= have;
	}
	return 0;
}

static const struct pgobj_ops hostfile_pgobj_ops = {
	.po_read	= hostfile_fill,
};

static int
hostfile_read(struct vnode *vp, struct uio *uio, int flags __unused_arg)
{
	struct pgobj *po;
	int error = vnode_pages(vp, &hostfile_pgobj_ops, &po);

	return error ? error : pgobj_read(po, uio, vnode_size(vp), NULL);
}

static int
hostfile_write_piece(struct vnode *vp, struct uio *uio, void *bounce, size_t len)
{
	struct hostfile *hf = vp->v_data;
	struct rumpuser_iov iov = { bounce, len };
	uint64_t off = uio->uio_off;
	struct pgobj *po;
	size_t bytes;
	int error;

	error = uio_move(bounce, len, uio);
	if (error == 0)
		error = hf->hf_ops->hf_write(hf, off, &iov, 1, &bytes);
	if (error == 0 && bytes != len)
		error = EIO;
	if (vnode_pages(vp, &hostfile_pgobj_ops, &po) == 0)
		pgobj_invalidate(po, off, len);
	return error;
}

static int
hostfile_write(struct vnode *vp, struct uio *uio, int flags __unused_arg)
{
	void *bounce;
	int error = 0;

	if (uio->uio_resid > 0 && uio->uio_off >= vnode_size(vp))
		return ENOSPC;
	bounce = page_alloc(BOUNCE_ORDER, KM_SLEEP);
	if (bounce == NULL)
		return ENOMEM;
	while (error == 0 && uio->uio_resid > 0 && uio->uio_off < vnode_size(vp)) {
		uint64_t left = vnode_size(vp) - uio->uio_off;
		size_t len = PAGE_SIZE << BOUNCE_ORDER;

		if (len > uio->uio_resid)
			len = uio->uio_resid;
		if (len > left)
			len = (size_t)left;
		error = hostfile_write_piece(vp, uio, bounce, len);
	}
	page_free(bounce, BOUNCE_ORDER);
	return error;
}

/* Times and modes are not the file's own: only a change of size is refused. */
static int
hostfile_setattr(struct vnode *vp, const struct vattr *va, unsigned int mask)
{
	if ((mask & VA_SIZE) && va->va_size != vnode_size(vp))
		return EPERM;
	vnode_setperm(vp, mask & VA_MODE ? va->va_mode : vp->v_mode,
	    mask & VA_UID ? va->va_uid : vp->v_uid,
	    mask & VA_GID ? va->va_gid : vp->v_gid);
	return 0;
}

static int
hostfile_fsync(struct vnode *vp, bool dataonly __unused_arg)
{
	struct hostfile *hf = vp->v_data;

	return hf->hf_readonly ? 0 : hf->hf_ops->hf_sync(hf);
}

static const struct vnode_ops hostfile_vnops = {
	.vo_read	= hostfile_read,
	.vo_write	= hostfile_write,
	.vo_setattr	= hostfile_setattr,
	.vo_fsync	= hostfile_fsync,
};

/* --- the instance ---------------------------------------------------------------- */

static int
hostfile_load(struct fs *fs, ino_t ino, struct vnode *vp)
{
	struct hostfile *hf = fs->fs_data;

	if (ino != HOSTFILE_INO)
		return ENOENT;
	vp->v_ops = &hostfile_vnops;
	vp->v_data = hf;
	vp->v_type = VREG;
	vp->v_size = hf->hf_size;
	vnode_setperm(vp, hf->hf_readonly ? 0444 : 0644, 0, 0);
	return 0;
}

static int
hostfile_statfs(struct fs *fs, struct fs_statfs *ret_sf)
{
	const struct hostfile *hf = fs->fs_data;

	*ret_sf = (struct fs_statfs){ .sf_type = HOSTFILE_MAGIC,
	    .sf_bsize = PAGE_SIZE, .sf_frsize = PAGE_SIZE,
	    .sf_blocks = (hf->hf_size + PAGE_MASK) >> PAGE_SHIFT, .sf_files = 1,
	    .sf_namelen = 255 };
	return 0;
}

static void
hostfile_unmount(struct fs *fs __unused_arg)
{
	/* The file is its registrar's. */
}

static const struct fs_ops hostfile_fsops = {
	.fo_load	= hostfile_load,
	.fo_statfs	= hostfile_statfs,
	.fo_unmount	= hostfile_unmount,
};

static struct hfent *
hostfile_find_locked(const struct hostfile *hf, const char *path)
{
	struct list_node *n;

	LIST_FOREACH(n, &hostfiles) {
		struct hfent *he = container_of(n, struct hfent, he_link);

		if (he->he_hf == hf ||
		    (path != NULL && strcmp(he->he_path, path) == 0))
			return he;
	}
	return NULL;
}

static int
hostfile_mount(struct fs *fs, const struct mount_args *ma)
{
	struct hfent *he;

	mutex_enter(&hostfiles_lock);
	he = hostfile_find_locked(NULL, ma->ma_source);
	mutex_exit(&hostfiles_lock);
	if (he == NULL)
		return ENOENT;
	fs->fs_ops = &hostfile_fsops;
	fs->fs_data = he->he_hf;
	fs->fs_rootino = HOSTFILE_INO;
	return 0;
}

/* Never registered: it cannot be mounted by name. */
static const struct fstype hostfile_fstype = {
	.ft_name	= "hostfile",
	.ft_nodev	= true,
	.ft_file	= true,
	.ft_mount	= hostfile_mount,
};

/* --- names ------------------------------------------------------------------------- */

/* The path's mount and file; the caller's to release. */
static int
hostfile_where(const char *path, struct vpath *ret_where)
{
	struct nameidata nd = { .nd_cred = proc0.p_cred };
	int error;

	error = namei(curlwp(), AT_FDCWD, path, NAMEI_KERNEL, &nd);
	if (error)
		return error;
	*ret_where = nd.nd_path;
	vpath_hold(ret_where);
	nameidata_fini(&nd);
	return 0;
}

static int
hostfile_attach_at(const struct hfent *he)
{
	const struct mount_args ma = { .ma_source = he->he_path,
	    .ma_options = "", .ma_flags = he->he_hf->hf_readonly ? MS_RDONLY : 0 };
	struct vpath where;
	struct mount *mt;
	int error;

	error = hostfile_where(he->he_path, &where);
	if (error)
		return error;
	error = mount_create(&hostfile_fstype, &ma, &mt);
	if (error == 0) {
		error = mount_attach(mt, &where);
		if (error)
			mount_discard_tree(mt);
	}
	vpath_rele(&where);
	return error;
}

/* Makes the empty file and mounts over it. */
static int
hostfile_attach(const struct hfent *he)
{
	int error;

	error = vfs_kern_mkparents(he->he_path);
	if (error == 0)
		error = vfs_kern_create(he->he_path, S_IFREG | 0600, 0);
	if (error)
		return error;
	error = hostfile_attach_at(he);
	if (error)
		(void)vfs_kern_unlink(he->he_path);
	return error;
}

static void
hfent_free(struct hfent *he)
{
	kmem_strfree(he->he_path);
	kmem_free(he, sizeof(*he));
}

static int
hostfile_names_add(struct hostfile *hf, const char *path)
{
	struct hfent *he = kmem_zalloc(sizeof(*he), KM_SLEEP);
	int error;

	if (he == NULL)
		return ENOMEM;
	he->he_hf = hf;
	he->he_path = kmem_strdup(path, KM_SLEEP);
	if (he->he_path == NULL) {
		kmem_free(he, sizeof(*he));
		return ENOMEM;
	}
	mutex_enter(&hostfiles_lock);
	list_insert_tail(&hostfiles, &he->he_link);
	mutex_exit(&hostfiles_lock);
	error = hostfile_attach(he);
	if (error) {
		mutex_enter(&hostfiles_lock);
		list_remove(&he->he_link);
		mutex_exit(&hostfiles_lock);
		hfent_free(he);
	}
	return error;
}

static int
hostfile_detach(const struct hfent *he)
{
	struct vpath where;
	int error;

	error = hostfile_where(he->he_path, &where);
	if (error)
		return error;
	if (where.vp_vnode->v_data != he->he_hf) {
		/* Something else was mounted over it. */
		vpath_rele(&where);
		return EBUSY;
	}
	error = mount_detach(&where, 0);
	return error ? error : vfs_kern_unlink(he->he_path);
}

static int
hostfile_names_remove(struct hostfile *hf)
{
	struct hfent *he;
	int error;

	mutex_enter(&hostfiles_lock);
	he = hostfile_find_locked(hf, NULL);
	mutex_exit(&hostfiles_lock);
	if (he == NULL)
		return ENOENT;
	error = hostfile_detach(he);
	if (error)
		return error;
	mutex_enter(&hostfiles_lock);
	list_remove(&he->he_link);
	mutex_exit(&hostfiles_lock);
	hfent_free(he);
	return 0;
}

static const struct hostfile_names hostfile_names = {
	.hn_add		= hostfile_names_add,
	.hn_remove	= hostfile_names_remove,
};

void
hostfile_start(void)
{
	mutex_init(&hostfiles_lock, "hostfiles");
	hostfile_names_register(&hostfile_names);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dir_syscalls.c - listing directories, and standing in one
 *
 * getdents64 fills a bounce buffer of bounded size under the directory's
 * lock and copies it out after that, so that neither a slow client nor a
 * directory of a million entries holds more than that buffer.
 */

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/limits.h>

#include <abi/sysargs.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/proc.h>

#include "vfs_impl.h"

/* --- listing --------------------------------------------------------------------- */

#define DENTS_BOUNCE	32768

/* The head of struct linux_dirent64; the name and its NUL follow. */
struct dent {
	uint64_t	 d_ino;
	int64_t		 d_off;
	uint16_t	 d_reclen;
	uint8_t		 d_type;
	char		 d_name[];
} __attribute__((__packed__));

struct dents {
	char		*ds_buf;
	size_t		 ds_size;
	size_t		 ds_used;
	struct dent	*ds_last;	/* its d_off is filled by the next one */
	bool		 ds_full;
};

static bool
dents_add(void *arg, const char *name, size_t len, ino_t ino,
    unsigned char dtype, uint64_t cookie)
{
	struct dents *ds = arg;
	size_t reclen = (sizeof(struct dent) + len + 1 + 7) & ~(size_t)7;
	struct dent *d;

	if (reclen > ds->ds_size - ds->ds_used) {
		ds->ds_full = true;
		return false;
	}
	d = (struct dent *)(void *)(ds->ds_buf + ds->ds_used);
	memset((char *)d + reclen - 8, 0, 8);
	d->d_ino = ino;
	d->d_off = (int64_t)cookie;
	d->d_reclen = (uint16_t)reclen;
	d->d_type = dtype;
	memcpy(d->d_name, name, len);
	d->d_name[len] = '\0';
	ds->ds_used += reclen;
	return true;
}

/* f_offlock is held: f_off is the cookie of the next entry. */
static int
dents_fill(struct vnode *vp, struct dents *ds, uint64_t *cookie)
{
	int error;

	rw_read_enter(&vp->v_lock);
	if (atomic_load(&vp->v_unlinked))
		error = ENOENT;
	else if (vp->v_ops->vo_readdir == NULL)
		error = ENOTDIR;
	else
		error = vp->v_ops->vo_readdir(vp, cookie, dents_add, ds);
	rw_exit(&vp->v_lock);
	if (ds->ds_used > 0)
		return 0;		/* the error comes back with the next call */
	return error == 0 && ds->ds_full ? EINVAL : error;
}

int
vnode_fo_getdents(struct file *fp, void *ubuf, size_t len, long *ret)
{
	struct vnode *vp = fp->f_data;
	uint64_t cookie = (uint64_t)fp->f_off;
	struct dents ds = { .ds_size = len < DENTS_BOUNCE ? len : DENTS_BOUNCE };
	size_t bufsize;
	int error;

	if (vp->v_type != VDIR)
		return ENOTDIR;
	bufsize = ds.ds_size < 256 ? 256 : ds.ds_size;
	ds.ds_buf = kmem_alloc(bufsize, KM_SLEEP);
	if (ds.ds_buf == NULL)
		return ENOMEM;
	error = dents_fill(vp, &ds, &cookie);
	if (error == 0)
		error = copyout(ds.ds_buf, ubuf, ds.ds_used);
	if (error == 0) {
		*ret = (long)ds.ds_used;
		fp->f_off = (off_t)cookie;
	}
	/* Whoever tried has looked. */
	if (!atomic_load(&vp->v_unlinked))
		vnode_accessed(vp, file_vfile(fp)->vf_path.vp_mount, file_flags(fp));
	kmem_free(ds.ds_buf, bufsize);
	return error;
}

/* --- standing in a directory -------------------------------------------------------- */

static int
chdir_to(struct lwp *l, const struct vpath *path)
{
	int error;

	if (path->vp_vnode->v_type != VDIR)
		return ENOTDIR;
	error = vnode_access(path->vp_vnode, MAY_EXEC, curcred());
	return error ? error : cwd_setdir(l->l_proc, path);
}

int
sys_chdir(struct lwp *l, const char *upath, long *ret __unused_arg)
{
	struct nameidata nd = { .nd_resolve = 0 };
	int error;

	error = namei_user(l, AT_FDCWD, upath, NAMEI_FOLLOW | NAMEI_DIRECTORY, &nd);
	if (error)
		return error;
	error = chdir_to(l, &nd.nd_path);
	nameidata_fini(&nd);
	return error;
}

int
sys_fchdir(struct lwp *l, int fd, long *ret __unused_arg)
{
	struct vpath path;
	struct file *fp;
	int error;

	error = fd_get(fd, &fp);
	if (error)
		return error;
	error = file_getpath(fp, &path) ? chdir_to(l, &path) : ENOTDIR;
	fd_put(fp);
	return error;
}

int
sys_chroot(struct lwp *l, const char *upath, long *ret __unused_arg)
{
	struct nameidata nd = { .nd_resolve = 0 };
	int error;

	error = namei_user(l, AT_FDCWD, upath, NAMEI_FOLLOW | NAMEI_DIRECTORY, &nd);
	if (error)
		return error;
	error = vnode_access(nd.nd_path.vp_vnode, MAY_EXEC, curcred());
	if (error == 0 && !cred_capable(curcred(), CAP_SYS_CHROOT))
		error = EPERM;
	if (error == 0)
		error = cwd_setroot(l->l_proc, &nd.nd_path);
	nameidata_fini(&nd);
	return error;
}

/* --- its name -------------------------------------------------------------------------- */

struct namehunt {
	ino_t		 nh_ino;
	char		*nh_buf;
	size_t		 nh_size;
	size_t		 nh_len;	/* 0: not found yet */
};

static bool
namehunt_entry(void *arg, const char *name, size_t len, ino_t ino,
    unsigned char dtype __unused_arg, uint64_t cookie __unused_arg)
{
	struct namehunt *nh = arg;

	if (ino != nh->nh_ino || len > nh->nh_size ||
	    (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'))))
		return true;
	memcpy(nh->nh_buf, name, len);
	nh->nh_len = len;
	return false;
}

/* The cache lost the name for want of memory: the parent is searched for it. */
static int
dir_huntname(struct vnode *vp, struct vnode *dvp, char *buf, size_t size,
    size_t *ret_len)
{
	struct namehunt nh = { .nh_ino = vp->v_ino, .nh_buf = buf, .nh_size = size };
	uint64_t cookie = 0, last;
	int error = 0;

	rw_read_enter(&dvp->v_lock);
	do {
		last = cookie;
		if (dvp->v_ops->vo_readdir == NULL)
			error = ENOENT;
		else
			error = dvp->v_ops->vo_readdir(dvp, &cookie,
			    namehunt_entry, &nh);
	} while (error == 0 && nh.nh_len == 0 && cookie != last);
	rw_exit(&dvp->v_lock);
	if (error == 0 && nh.nh_len == 0)
		error = ENOENT;
	if (error == 0)
		*ret_len = nh.nh_len;
	return error;
}

static int
dir_getname(struct vnode *vp, struct vnode *dvp, char *buf, size_t size,
    size_t *ret_len)
{
	size_t len;

	if (atomic_load(&vp->v_unlinked))
		return ENOENT;
	len = namecache_getname(vp, buf, size);
	if (len == 0)
		return dir_huntname(vp, dvp, buf, size, ret_len);
	*ret_len = len;
	return 0;
}

/* Puts "/name" in front of what is at *pos. */
static int
path_prepend(char *buf, size_t *pos, const char *name, size_t len)
{
	if (len + 1 > *pos)
		return ENAMETOOLONG;
	*pos -= len;
	memcpy(buf + *pos, name, len);
	buf[--*pos] = '/';
	return 0;
}

/* One directory up, referenced; the walk's own reference goes. */
static int
path_up(struct vpath *p, char *buf, size_t *pos)
{
	struct vnode *parent;
	struct vpath above;
	char name[NAME_MAX];
	size_t len;
	int error;

	while (p->vp_vnode == p->vp_mount->mt_root) {
		if (!mount_above(p->vp_mount, &above))
			return EXDEV;	/* the top of a tree that is not ours */
		if (!mount_tryhold(above.vp_mount))
			continue;
		if (!vnode_tryhold(above.vp_vnode)) {
			mount_rele(above.vp_mount);
			continue;
		}
		vpath_rele(p);
		*p = above;
	}
	parent = atomic_load_acq(&p->vp_vnode->v_parent);
	if (parent == NULL || !vnode_tryhold(parent))
		return ENOENT;
	error = dir_getname(p->vp_vnode, parent, name, sizeof(name), &len);
	if (error == 0)
		error = path_prepend(buf, pos, name, len);
	if (error) {
		vnode_rele(parent);
		return error;
	}
	vnode_rele(p->vp_vnode);
	p->vp_vnode = parent;
	return 0;
}

static bool
vpath_same(const struct vpath *a, const struct vpath *b)
{
	return a->vp_mount == b->vp_mount && a->vp_vnode == b->vp_vnode;
}

/*
 * Absolute path of a directory, at the end of buf, which it starts in at
 * *ret_pos; with its NUL.  EXDEV: not below root; the path is from its top.
 */
int
vfs_getpath(const struct vpath *dir, const struct vpath *root, char *buf,
    size_t size, size_t *ret_pos)
{
	struct vpath p = *dir;
	size_t pos = size;
	int error = 0;

	vpath_hold(&p);
	buf[--pos] = '\0';
	while (error == 0 && !vpath_same(&p, root))
		error = path_up(&p, buf, &pos);
	vpath_rele(&p);
	if ((error == 0 || error == EXDEV) && buf[pos] == '\0')
		buf[--pos] = '/';
	*ret_pos = pos;
	return error;
}

/* The two places of a proc, referenced; a change meanwhile makes us look again. */
static void
cwd_hold(struct proc *p, void (*get)(struct proc *, struct vpath *),
    struct vpath *ret_path)
{
	for (;;) {
		get(p, ret_path);
		if (ret_path->vp_mount == NULL)
			return;
		if (mount_tryhold(ret_path->vp_mount)) {
			if (vnode_tryhold(ret_path->vp_vnode))
				return;
			mount_rele(ret_path->vp_mount);
		}
		cpu_relax();
	}
}

#define UNREACHABLE	"(unreachable)"

int
sys_getcwd(struct lwp *l, char *ubuf, size_t size, long *ret)
{
	struct vpath dir, root;
	size_t pos, len = strlen(UNREACHABLE);
	char *buf;
	int error;

	buf = kmem_alloc(PATH_MAX, KM_SLEEP);
	if (buf == NULL)
		return ENOMEM;
	cwd_hold(l->l_proc, cwd_getdir, &dir);
	cwd_hold(l->l_proc, cwd_getroot, &root);
	if (dir.vp_mount == NULL || atomic_load(&dir.vp_vnode->v_unlinked)) {
		error = ENOENT;
	} else {
		error = vfs_getpath(&dir, &root, buf, PATH_MAX, &pos);
		if (error == EXDEV && pos > len) {
			pos -= len;
			memcpy(buf + pos, UNREACHABLE, len);
			error = 0;
		}
	}
	vpath_rele(&dir);
	vpath_rele(&root);
	if (error == 0 && PATH_MAX - pos > size)
		error = ERANGE;
	if (error == 0)
		error = copyout(buf + pos, ubuf, PATH_MAX - pos);
	if (error == 0)
		*ret = (long)(PATH_MAX - pos);
	kmem_free(buf, PATH_MAX);
	return error;
}

/* --- names of open files -------------------------------------------------------- */

/* The directory that a file is in, and "/name" in front of *pos. */
static int
file_up(const struct vpath *path, char *buf, size_t *pos, struct vpath *ret_dir)
{
	char name[NAME_MAX];
	size_t len;
	int error;

	if (atomic_load(&path->vp_vnode->v_unlinked))
		return ENOENT;
	len = namecache_getalias(path->vp_vnode, name, sizeof(name),
	    &ret_dir->vp_vnode);
	if (len == 0)
		return ENOENT;
	error = path_prepend(buf, pos, name, len);
	if (error) {
		vnode_rele(ret_dir->vp_vnode);
		return error;
	}
	ret_dir->vp_mount = path->vp_mount;
	mount_hold(ret_dir->vp_mount);
	return 0;
}

static int
path_make(const struct vpath *path, char *buf, size_t *ret_pos)
{
	struct vpath dir, root;
	size_t pos = PATH_MAX, start = PATH_MAX - 1;
	int error = 0;

	buf[start] = '\0';
	dir = *path;
	if (path->vp_vnode->v_type == VDIR)
		vpath_hold(&dir);
	else
		error = file_up(path, buf, &start, &dir);
	if (error)
		return error;
	cwd_hold(curproc(), cwd_getroot, &root);
	error = vfs_getpath(&dir, &root, buf, start + 1, &pos);
	vpath_rele(&root);
	vpath_rele(&dir);
	/* Its NUL is where the file's name begins. */
	if (path->vp_vnode->v_type != VDIR) {
		buf[start] = '/';
		pos = pos == start - 1 ? start : pos;
	}
	*ret_pos = pos;
	return error == EXDEV ? ENOENT : error;
}

int
vfs_copypath(const struct vpath *path, char *ubuf, long *ret)
{
	size_t pos;
	char *buf;
	int error;

	buf = kmem_alloc(PATH_MAX, KM_SLEEP);
	if (buf == NULL)
		return ENOMEM;
	error = path_make(path, buf, &pos);
	if (error == 0)
		error = copyout(buf + pos, ubuf, PATH_MAX - pos);
	if (error == 0)
		*ret = (long)(PATH_MAX - pos - 1);
	kmem_free(buf, PATH_MAX);
	return error;
}

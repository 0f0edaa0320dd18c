/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mount_syscalls.c - mount, umount2, statfs
 *
 * mount(2) is five calls in one, told apart by flags in Linux's order:
 * remount, bind, change of propagation, move, and a new mount.
 *
 * Propagation between mounts does not exist here: making a mount private is
 * what it is already; the other kinds are accepted so that programs which
 * set them work, and change nothing.
 *
 * References: mount(2), umount2(2), statfs(2).
 */

#include <asm/statfs.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/mount.h>

#include <abi/sysargs.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/proc.h>

#include "mount_impl.h"
#include "vfs_impl.h"

#define MOUNT_NOUSER	0x80000000UL	/* MS_NOUSER shifts a sign */

#define MS_PROPAGATION	(MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

/* Strings of one call, copied in. */
struct mountcall {
	char		*mc_source;	/* NULL: none was given */
	char		*mc_type;	/* NULL: none was given */
	char		*mc_options;	/* "" if none were given */
	unsigned long	 mc_flags;
};

/* --- copying in ------------------------------------------------------------------ */

static int
string_copyin(const char *ustr, char **ret_str)
{
	char *s;
	int error;

	if (ustr == NULL) {
		*ret_str = NULL;
		return 0;
	}
	s = path_buf_get();
	if (s == NULL)
		return ENOMEM;
	error = copyinstr(ustr, s, PATH_MAX, NULL);
	if (error) {
		path_buf_put(s);
		return error == ENAMETOOLONG ? EINVAL : error;
	}
	*ret_str = s;
	return 0;
}

/*
 * The data of a mount is a page that may end early: what can be read of it up
 * to a NUL counts.
 */
static int
options_copyin(const void *udata, char **ret_options)
{
	char *s = path_buf_get();
	int error;

	if (s == NULL)
		return ENOMEM;
	s[0] = '\0';
	if (udata != NULL) {
		error = copyinstr(udata, s, PATH_MAX, NULL);
		if (error == ENAMETOOLONG) {
			s[PATH_MAX - 1] = '\0';
		} else if (error) {
			path_buf_put(s);
			return error;
		}
	}
	*ret_options = s;
	return 0;
}

static void
mountcall_fini(struct mountcall *mc)
{
	path_buf_put(mc->mc_source);
	path_buf_put(mc->mc_type);
	path_buf_put(mc->mc_options);
}

static int
mountcall_init(struct mountcall *mc, const char *usource, const char *utype,
    unsigned long flags, const void *udata)
{
	int error;

	*mc = (struct mountcall){ .mc_flags = flags };
	error = string_copyin(utype, &mc->mc_type);
	if (error == 0)
		error = string_copyin(usource, &mc->mc_source);
	if (error == 0)
		error = options_copyin(udata, &mc->mc_options);
	if (error)
		mountcall_fini(mc);
	return error;
}

/* --- the five kinds ----------------------------------------------------------------- */

static int
do_remount(const struct mountcall *mc, const struct vpath *where)
{
	struct mount_args ma = { .ma_flags = mc->mc_flags,
	    .ma_options = mc->mc_options };

	if (where->vp_vnode != where->vp_mount->mt_root)
		return EINVAL;
	if (mc->mc_flags & MS_BIND)
		return mount_setflags(where->vp_mount, mc->mc_flags);
	return mount_remount(where->vp_mount, &ma);
}

static int
do_bind(struct lwp *l, const struct mountcall *mc, const struct vpath *where)
{
	struct nameidata nd = { .nd_resolve = 0 };
	struct mount *mt;
	int error;

	if (mc->mc_source == NULL || mc->mc_source[0] == '\0')
		return EINVAL;
	error = namei(l, AT_FDCWD, mc->mc_source, NAMEI_FOLLOW, &nd);
	if (error)
		return error;
	error = mount_bind_tree(&nd.nd_path, (mc->mc_flags & MS_REC) != 0, &mt);
	nameidata_fini(&nd);
	if (error)
		return error;
	error = mount_attach(mt, where);
	if (error)
		mount_discard_tree(mt);
	return error;
}

static int
do_propagation(const struct mountcall *mc, const struct vpath *where)
{
	unsigned long kind = mc->mc_flags & MS_PROPAGATION;

	if (where->vp_vnode != where->vp_mount->mt_root)
		return EINVAL;
	if (mc->mc_flags & ~(MS_PROPAGATION | MS_REC | MS_SILENT))
		return EINVAL;
	return (kind & (kind - 1)) != 0 ? EINVAL : 0;
}

static int
do_move(struct lwp *l, const struct mountcall *mc, const struct vpath *where)
{
	struct nameidata nd = { .nd_resolve = 0 };
	int error;

	if (mc->mc_source == NULL || mc->mc_source[0] == '\0')
		return EINVAL;
	error = namei(l, AT_FDCWD, mc->mc_source, NAMEI_FOLLOW, &nd);
	if (error)
		return error;
	if (nd.nd_path.vp_vnode != nd.nd_path.vp_mount->mt_root)
		error = EINVAL;
	else
		error = mount_move(nd.nd_path.vp_mount, where);
	nameidata_fini(&nd);
	return error;
}

/* The path of the device that source leads to, as the kernel knows it. */
static int
source_devpath(struct lwp *l, const char *source, char *buf, size_t size)
{
	struct nameidata nd = { .nd_resolve = 0 };
	struct vnode *vp;
	int error;

	if (source == NULL || source[0] == '\0')
		return EINVAL;
	error = namei(l, AT_FDCWD, source, NAMEI_FOLLOW, &nd);
	if (error)
		return error;
	vp = nd.nd_path.vp_vnode;
	if (vp->v_type != VBLK)
		error = ENOTBLK;
	else if (atomic_load(&nd.nd_path.vp_mount->mt_flags) & MS_NODEV)
		error = EACCES;
	else if (!specfs_devpath(true, vp->v_rdev, buf, size))
		error = ENXIO;
	nameidata_fini(&nd);
	return error;
}

static int
do_new(struct lwp *l, const struct mountcall *mc, const struct vpath *where)
{
	struct mount_args ma = { .ma_source = mc->mc_source,
	    .ma_flags = mc->mc_flags, .ma_options = mc->mc_options };
	const struct fstype *ft;
	struct mount *mt;
	char dev[128];
	int error;

	if (mc->mc_type == NULL)
		return EINVAL;
	ft = fstype_find(mc->mc_type);
	if (ft == NULL)
		return ENODEV;
	if (!ft->ft_nodev) {
		error = source_devpath(l, mc->mc_source, dev, sizeof(dev));
		if (error)
			return error;
		ma.ma_source = dev;
	}
	error = mount_create(ft, &ma, &mt);
	if (error)
		return error;
	if (mt->mt_fs == where->vp_mount->mt_fs &&
	    where->vp_vnode == where->vp_mount->mt_root)
		error = EBUSY;		/* it is there already */
	else
		error = mount_attach(mt, where);
	if (error)
		mount_rele(mt);
	return error;
}

static int
mount_at_path(struct lwp *l, const struct mountcall *mc, const struct vpath *where)
{
	if (mc->mc_flags & MOUNT_NOUSER)
		return EINVAL;
	if (!cred_capable(curcred(), CAP_SYS_ADMIN))
		return EPERM;
	if (mc->mc_flags & MS_REMOUNT)
		return do_remount(mc, where);
	if (mc->mc_flags & MS_BIND)
		return do_bind(l, mc, where);
	if (mc->mc_flags & MS_PROPAGATION)
		return do_propagation(mc, where);
	if (mc->mc_flags & MS_MOVE)
		return do_move(l, mc, where);
	return do_new(l, mc, where);
}

int
sys_mount(struct lwp *l, const char *usource, const char *utarget,
    const char *utype, unsigned long flags, const void *udata,
    long *ret __unused_arg)
{
	struct nameidata nd = { .nd_resolve = 0 };
	struct mountcall mc;
	int error;

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(unsigned long)MS_MGC_MSK;
	error = mountcall_init(&mc, usource, utype, flags, udata);
	if (error)
		return error;
	error = namei_user(l, AT_FDCWD, utarget, NAMEI_FOLLOW, &nd);
	if (error == 0) {
		error = mount_at_path(l, &mc, &nd.nd_path);
		nameidata_fini(&nd);
	}
	mountcall_fini(&mc);
	return error;
}

#define UMOUNT_FLAGS	(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW)

int
sys_umount2(struct lwp *l, const char *utarget, int flags,
    long *ret __unused_arg)
{
	struct nameidata nd = { .nd_resolve = 0 };
	int error;

	if (flags & ~UMOUNT_FLAGS)
		return EINVAL;
	error = namei_user(l, AT_FDCWD, utarget,
	    flags & UMOUNT_NOFOLLOW ? 0 : NAMEI_FOLLOW, &nd);
	if (error)
		return error;
	if (!cred_capable(curcred(), CAP_SYS_ADMIN))
		error = EPERM;
	else if ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH)))
		error = EINVAL;
	else
		error = mount_detach(&nd.nd_path, flags);
	nameidata_fini(&nd);
	return error;
}

/* --- statfs ------------------------------------------------------------------------------ */

/* f_flags of statfs(2) per flag of mount(2); the first says they are valid. */
#define ST_VALID	0x0020

static const struct { unsigned long ms; long st; } statfs_flags[] = {
	{ MS_RDONLY, 0x0001 }, { MS_NOSUID, 0x0002 }, { MS_NODEV, 0x0004 },
	{ MS_NOEXEC, 0x0008 }, { MS_NOATIME, 0x0400 }, { MS_NODIRATIME, 0x0800 },
	{ MS_RELATIME, 0x1000 }, { MS_NOSYMFOLLOW, 0x2000 },
};

static long
mount_stflags(struct mount *mt)
{
	unsigned long flags = atomic_load(&mt->mt_flags);
	long st = ST_VALID;
	size_t i;

	if (atomic_load(&mt->mt_fs->fs_readonly))
		flags |= MS_RDONLY;
	for (i = 0; i < ARRAY_SIZE(statfs_flags); i++)
		if (flags & statfs_flags[i].ms)
			st |= statfs_flags[i].st;
	return st;
}

static int
statfs_path(const struct vpath *path, struct statfs *ust)
{
	struct fs *fs = path->vp_mount->mt_fs;
	struct fs_statfs sf = { .sf_fsid = fs->fs_dev };
	struct statfs st;
	int error;

	error = fs->fs_ops->fo_statfs == NULL ? ENOSYS :
	    fs->fs_ops->fo_statfs(fs, &sf);
	if (error)
		return error;
	memset(&st, 0, sizeof(st));
	st.f_type = (long)sf.sf_type;
	st.f_bsize = (long)sf.sf_bsize;
	st.f_blocks = (long)sf.sf_blocks;
	st.f_bfree = (long)sf.sf_bfree;
	st.f_bavail = (long)sf.sf_bavail;
	st.f_files = (long)sf.sf_files;
	st.f_ffree = (long)sf.sf_ffree;
	st.f_fsid.val[0] = (int)sf.sf_fsid;
	st.f_fsid.val[1] = (int)(sf.sf_fsid >> 32);
	st.f_namelen = (long)sf.sf_namelen;
	st.f_frsize = (long)(sf.sf_frsize != 0 ? sf.sf_frsize : sf.sf_bsize);
	st.f_flags = mount_stflags(path->vp_mount);
	return copyout(&st, ust, sizeof(st));
}

int
sys_statfs(struct lwp *l, const char *upath, struct statfs *ust,
    long *ret __unused_arg)
{
	struct nameidata nd = { .nd_resolve = 0 };
	int error;

	error = namei_user(l, AT_FDCWD, upath, NAMEI_FOLLOW, &nd);
	if (error)
		return error;
	error = statfs_path(&nd.nd_path, ust);
	nameidata_fini(&nd);
	return error;
}

/* Pipes and the like are in no file system that is mounted. */
static int
statfs_nofs(struct file *fp, struct statfs *ust)
{
	struct statfs st;

	memset(&st, 0, sizeof(st));
	st.f_type = fp->f_type == FILE_PIPE ? PIPEFS_MAGIC :
	    fp->f_type == FILE_SOCKET ? SOCKFS_MAGIC : ANON_INODE_FS_MAGIC;
	st.f_bsize = st.f_frsize = PAGE_SIZE;
	st.f_namelen = NAME_MAX;
	st.f_flags = ST_VALID;
	return copyout(&st, ust, sizeof(st));
}

int
sys_fstatfs(struct lwp *l __unused_arg, int fd, struct statfs *ust,
    long *ret __unused_arg)
{
	struct vpath path;
	struct file *fp;
	int error;

	error = fd_get(fd, &fp);
	if (error)
		return error;
	error = file_getpath(fp, &path) ? statfs_path(&path, ust) :
	    statfs_nofs(fp, ust);
	fd_put(fp);
	return error;
}

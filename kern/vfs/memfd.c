/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * memfd.c - files in memory that have only a descriptor, and seals
 *
 * memfd_create(2) makes a nameless file in an instance of the file system in
 * memory that is mounted nowhere; the first call makes the instance, which
 * then stays.
 *
 * Seals stand in v_seals: 0 is a file that never can have any (and tells
 * F_SEAL_SEAL), SEAL_CAPABLE marks one that may.  They are added under v_lock
 * and looked at under it by whatever writes or changes the length.
 *
 * References: memfd_create(2), fcntl(2).
 */

#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/memfd.h>
#include <linux/mount.h>
#include <linux/stat.h>

#include <abi/sysargs.h>
#include <rump/rump.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <vfs/rumpfs.h>

#include "vfs_impl.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	0x0008U
#define MFD_EXEC	0x0010U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC	0x0020
#endif

#define MEMFD_FLAGS	(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | \
	MFD_EXEC)
#define MEMFD_NAMEMAX	(NAME_MAX - 6)		/* "memfd:" stands before it */

#define SEAL_CAPABLE	0x80000000u
#define SEAL_ALL	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | \
	F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC)

static konce_t memfd_once = ONCE_INITIALIZER;
static struct mount *memfd_mount;

static int
memfd_init(void)
{
	static const struct mount_args ma = {
		.ma_source = "memfd", .ma_options = "",
	};

	return mount_create(&rumpfs_fstype, &ma, &memfd_mount);
}

/* The open file; its vnode goes with the last reference. */
static int
memfd_open(unsigned int flags, struct file **ret_fp)
{
	struct vpath path = { memfd_mount, NULL };
	struct vnode *root = memfd_mount->mt_root;
	struct vattr va;
	int error;

	access_newattr(root, curcred(), S_IFREG |
	    (flags & MFD_NOEXEC_SEAL ? 0666 : 0777), &va);
	rw_write_enter(&root->v_lock);
	error = root->v_ops->vo_tmpfile(root, &va, &path.vp_vnode);
	rw_exit(&root->v_lock);
	if (error)
		return error;
	atomic_store(&path.vp_vnode->v_unlinked, true);
	if (flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL))
		atomic_store(&path.vp_vnode->v_seals, SEAL_CAPABLE |
		    (flags & MFD_NOEXEC_SEAL ? F_SEAL_EXEC : 0));
	error = vfile_create(&path, O_RDWR | O_LARGEFILE, &vnode_fileops, ret_fp);
	if (error)
		vnode_rele(path.vp_vnode);
	else
		mount_hold(memfd_mount);	/* the file's */
	return error;
}

int
sys_memfd_create(struct lwp *l __unused_arg, const char *uname,
    unsigned int flags, long *ret)
{
	char name[MEMFD_NAMEMAX + 1];
	struct file *fp;
	int error, fd;

	if ((flags & ~MEMFD_FLAGS) ||
	    (flags & (MFD_EXEC | MFD_NOEXEC_SEAL)) == (MFD_EXEC | MFD_NOEXEC_SEAL))
		return EINVAL;
	error = copyinstr(uname, name, sizeof(name), NULL);
	if (error)
		return error == ENAMETOOLONG ? EINVAL : error;
	error = once_run(&memfd_once, memfd_init);
	if (error == 0)
		error = memfd_open(flags, &fp);
	if (error)
		return error;
	error = fd_alloc(fp, (flags & MFD_CLOEXEC) != 0, &fd);
	if (error) {
		file_rele(fp);
		return error;
	}
	*ret = fd;
	return 0;
}

/* --- seals ------------------------------------------------------------------------ */

static int
seal_add(struct file *fp, unsigned int seals)
{
	struct vnode *vp = fp->f_data;
	uint32_t have;
	int error = 0;

	if (!file_writable(fp))
		return EPERM;
	if (seals & ~(unsigned int)SEAL_ALL)
		return EINVAL;
	rw_write_enter(&vp->v_lock);
	have = atomic_load(&vp->v_seals);
	if ((have & SEAL_CAPABLE) == 0 || (have & F_SEAL_SEAL))
		error = EPERM;
	else
		atomic_store(&vp->v_seals, have | seals);
	rw_exit(&vp->v_lock);
	return error;
}

/*
 * Nobody is told of changes in a directory (inotify(7) is not there either), but who wants to be told of
 * nothing any more may say so: DN_MULTISHOT alone is no event.
 */
static int
vnode_notify(const struct vnode *vp, unsigned long events)
{
	if (vp->v_type != VDIR)
		return ENOTDIR;
	return ((unsigned int)events & ~(unsigned int)DN_MULTISHOT) == 0 ? 0 : EINVAL;
}

int
vnode_fo_fcntl(struct file *fp, int cmd, unsigned long arg, long *ret)
{
	struct vnode *vp = fp->f_data;
	uint32_t have = atomic_load(&vp->v_seals);

	if (cmd == RUMP_F_GETPATH)
		return vfs_copypath(&file_vfile(fp)->vf_path,
		    (char *)(uintptr_t)arg, ret);
	if (cmd == F_NOTIFY)
		return vnode_notify(vp, arg);
	if (cmd == F_GETLEASE) {
		*ret = F_UNLCK;
		return 0;
	}
	/* There are no leases, so none can be given up (fcntl(2)). */
	if (cmd == F_SETLEASE && vp->v_type == VREG && (int)arg == F_UNLCK)
		return EAGAIN;
	if ((cmd != F_ADD_SEALS && cmd != F_GET_SEALS) || vp->v_type != VREG ||
	    !vp->v_fs->fs_keepvnodes)
		return EINVAL;
	if (cmd == F_ADD_SEALS)
		return seal_add(fp, (unsigned int)arg);	/* an int, to clients */
	*ret = have & SEAL_CAPABLE ? (long)(have & ~SEAL_CAPABLE) : F_SEAL_SEAL;
	return 0;
}

int
vnode_sealed_write(const struct vnode *vp, uint64_t end)
{
	uint32_t have = atomic_load(&vp->v_seals);

	if ((have & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) ||
	    ((have & F_SEAL_GROW) && end > vnode_size(vp)))
		return EPERM;
	return 0;
}

int
vnode_sealed_size(const struct vnode *vp, uint64_t size)
{
	uint32_t have = atomic_load(&vp->v_seals);

	if (((have & F_SEAL_SHRINK) && size < vnode_size(vp)) ||
	    ((have & F_SEAL_GROW) && size > vnode_size(vp)))
		return EPERM;
	return 0;
}

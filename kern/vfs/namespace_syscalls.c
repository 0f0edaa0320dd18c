/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * namespace_syscalls.c - mkdir, mknod, symlink, link, unlink, rmdir, rename
 *
 * The calls in their *at forms; the table makes the others of them.
 */

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/stat.h>

#include <abi/sysargs.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/proc.h>

#include "namespace_impl.h"
#include "vfs_impl.h"

static int
create_at(struct lwp *l, int dirfd, const char *upath, mode_t mode, dev_t rdev)
{
	struct nameidata nd = { .nd_resolve = 0 };
	int error;

	error = namei_user(l, dirfd, upath, NAMEI_PARENT, &nd);
	if (error)
		return error;
	error = vfs_create(&nd, mode & ~cwd_umask(l->l_proc), rdev, NULL);
	nameidata_fini(&nd);
	return error;
}

int
sys_mkdirat(struct lwp *l, int dirfd, const char *upath, unsigned int mode,
    long *ret __unused_arg)
{
	return create_at(l, dirfd, upath, (mode & 01777) | S_IFDIR, 0);
}

int
sys_mknodat(struct lwp *l, int dirfd, const char *upath, unsigned int mode,
    unsigned long dev, long *ret __unused_arg)
{
	dev_t rdev = 0;

	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFCHR:
	case S_IFBLK:
		rdev = dev_decode((unsigned int)dev);
		break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFDIR:
		return EPERM;
	default:
		return EINVAL;
	}
	return create_at(l, dirfd, upath, mode & (S_IFMT | 07777), rdev);
}

int
sys_symlinkat(struct lwp *l, const char *utarget, int dirfd, const char *upath,
    long *ret __unused_arg)
{
	struct nameidata nd = { .nd_resolve = 0 };
	char *target;
	int error;

	error = copyin_path(utarget, &target);
	if (error)
		return error;
	error = namei_user(l, dirfd, upath, NAMEI_PARENT, &nd);
	if (error == 0) {
		error = vfs_create(&nd, S_IFLNK | 0777, 0, target);
		nameidata_fini(&nd);
	}
	path_buf_put(target);
	return error;
}

int
sys_unlinkat(struct lwp *l, int dirfd, const char *upath, int flags,
    long *ret __unused_arg)
{
	struct nameidata nd = { .nd_resolve = 0 };
	int error;

	if (flags & ~AT_REMOVEDIR)
		return EINVAL;
	error = namei_user(l, dirfd, upath, NAMEI_PARENT, &nd);
	if (error)
		return error;
	error = flags & AT_REMOVEDIR ? vfs_rmdir(&nd) : vfs_unlink(&nd);
	nameidata_fini(&nd);
	return error;
}

/* --- two paths: the second is not even copied in before the first is walked ----- */

int
sys_linkat(struct lwp *l, int olddirfd, const char *uold, int newdirfd,
    const char *unew, int flags, long *ret __unused_arg)
{
	struct nameidata from = { .nd_resolve = 0 }, to = { .nd_resolve = 0 };
	int error;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return EINVAL;
	error = namei_user(l, olddirfd, uold,
	    (flags & AT_SYMLINK_FOLLOW ? NAMEI_FOLLOW : 0) |
	    (flags & AT_EMPTY_PATH ? NAMEI_EMPTY | NAMEI_OWNDIR : 0), &from);
	if (error)
		return error;
	error = namei_user(l, newdirfd, unew, NAMEI_PARENT, &to);
	if (error == 0) {
		error = vfs_link(&to, &from.nd_path);
		nameidata_fini(&to);
	}
	nameidata_fini(&from);
	return error;
}

int
sys_renameat2(struct lwp *l, int olddirfd, const char *uold, int newdirfd,
    const char *unew, unsigned int flags, long *ret __unused_arg)
{
	struct nameidata from = { .nd_resolve = 0 }, to = { .nd_resolve = 0 };
	int error;

	if (flags & ~(unsigned int)(RENAME_NOREPLACE | RENAME_EXCHANGE |
	    RENAME_WHITEOUT))
		return EINVAL;
	if ((flags & RENAME_EXCHANGE) &&
	    (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
		return EINVAL;
	error = namei_user(l, olddirfd, uold, NAMEI_PARENT, &from);
	if (error)
		return error;
	error = namei_user(l, newdirfd, unew, NAMEI_PARENT, &to);
	if (error == 0) {
		error = vfs_rename(&from, &to, flags);
		nameidata_fini(&to);
	}
	nameidata_fini(&from);
	return error;
}

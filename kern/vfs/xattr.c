/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * xattr.c - extended attributes: the rules of their name spaces
 *
 * A file system gets whole names and knows nothing of who asks.  Here it is
 * decided who may: user.* needs access to the content and a file or
 * directory, trusted.* and writing security.* need CAP_SYS_ADMIN, system.* is
 * the file system's own.
 *
 * References: xattr(7).
 */

#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include <linux/xattr.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#include "vfs_impl.h"
#include "xattr_impl.h"

/* --- who may ------------------------------------------------------------------------- */

static int
xattr_access_user(struct vnode *vp, int want, const struct cred *cr)
{
	if (vp->v_type != VREG && vp->v_type != VDIR)
		return want & MAY_WRITE ? EPERM : ENODATA;
	/* In a sticky directory others may not leave notes on it. */
	if (vp->v_type == VDIR && (atomic_load(&vp->v_mode) & S_ISVTX) &&
	    (want & MAY_WRITE) && !access_isowner(vp, cr))
		return EPERM;
	return vnode_access(vp, want, cr);
}

static int
xattr_access(struct vnode *vp, const char *name, int want,
    const struct cred *cr)
{
	if (str_hasprefix(name, XATTR_SECURITY_PREFIX)) {
		if ((want & MAY_WRITE) && !cred_capable(cr, CAP_SYS_ADMIN))
			return EPERM;
		return 0;
	}
	if (str_hasprefix(name, XATTR_SYSTEM_PREFIX))
		return 0;
	if (str_hasprefix(name, XATTR_TRUSTED_PREFIX)) {
		if (!cred_capable(cr, CAP_SYS_ADMIN))
			return want & MAY_WRITE ? EPERM : ENODATA;
		return 0;
	}
	if (str_hasprefix(name, XATTR_USER_PREFIX))
		return xattr_access_user(vp, want, cr);
	return vnode_access(vp, want, cr);
}

/* A name space alone is no name; one that nobody knows is not supported. */
static int
xattr_checkname(const char *name)
{
	static const char *const spaces[] = {
		XATTR_USER_PREFIX, XATTR_TRUSTED_PREFIX, XATTR_SECURITY_PREFIX,
		XATTR_SYSTEM_PREFIX,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(spaces); i++)
		if (str_hasprefix(name, spaces[i]))
			return name[strlen(spaces[i])] == '\0' ? EINVAL : 0;
	return EOPNOTSUPP;
}

/* --- one file ---------------------------------------------------------------------------- */

/* value NULL takes the attribute away. */
static int
change_locked(struct vnode *vp, const char *name, const void *value, size_t size, int flags)
{
	const struct vnode_ops *ops = vp->v_ops;

	if (value == NULL)
		return ops->vo_removexattr == NULL ? EOPNOTSUPP : ops->vo_removexattr(vp, name);
	return ops->vo_setxattr == NULL ? EOPNOTSUPP :
	    ops->vo_setxattr(vp, name, value, size, flags);
}

static int
xattr_change(const struct vpath *path, const char *name, const void *value, size_t size,
    int flags)
{
	struct vnode *vp = path->vp_vnode;
	struct cred *cr;
	int error;

	if (mount_readonly(path->vp_mount))
		return EROFS;
	cr = cred_current_hold();
	rw_write_enter(&vp->v_lock);
	error = xattr_access(vp, name, MAY_WRITE, cr);
	if (error == 0)
		error = xattr_checkname(name);
	if (error == 0)
		error = change_locked(vp, name, value, size, flags);
	rw_exit(&vp->v_lock);
	cred_rele(cr);
	vnode_modified(vp);
	return error;
}

int
xattr_set(const struct vpath *path, const char *name, const void *value,
    size_t size, int flags)
{
	/* What is empty may be nowhere. */
	return xattr_change(path, name, value != NULL ? value : "", size, flags);
}

int
xattr_remove(const struct vpath *path, const char *name)
{
	return xattr_change(path, name, NULL, 0, 0);
}

int
xattr_get(struct vnode *vp, const char *name, void *buf, size_t size,
    size_t *ret_len)
{
	int error;

	error = xattr_access(vp, name, MAY_READ, curcred());
	if (error == 0)
		error = xattr_checkname(name);
	if (error)
		return error;
	if (vp->v_ops->vo_getxattr == NULL)
		return EOPNOTSUPP;
	return vp->v_ops->vo_getxattr(vp, name, buf, size, ret_len);
}

/* Names of trusted.* are for those who may read them. */
static size_t
xattr_filter(char *buf, size_t len)
{
	bool trusted = cred_capable(curcred(), CAP_SYS_ADMIN);
	size_t from, to = 0, n;

	if (trusted)
		return len;
	for (from = 0; from < len; from += n) {
		n = strnlen(buf + from, len - from) + 1;
		if (n > len - from)
			n = len - from;
		if (str_hasprefix(buf + from, XATTR_TRUSTED_PREFIX))
			continue;
		memmove(buf + to, buf + from, n);
		to += n;
	}
	return to;
}

/*
 * The whole list is taken, whatever the caller has room for, because what he
 * may not see does not count.
 */
int
xattr_list(struct vnode *vp, char *ulist, size_t size, long *ret)
{
	size_t len = 0, room;
	char *buf;
	int error;

	if (vp->v_ops->vo_listxattr == NULL)
		return 0;
	do {
		error = vp->v_ops->vo_listxattr(vp, NULL, 0, &room);
		if (error || room == 0)
			return error == EOPNOTSUPP ? 0 : error;
		buf = kmem_alloc(room, KM_SLEEP);
		if (buf == NULL)
			return ENOMEM;
		error = vp->v_ops->vo_listxattr(vp, buf, room, &len);
		if (error)
			kmem_free(buf, room);
	} while (error == ERANGE);	/* it grew meanwhile */
	if (error)
		return error;
	len = xattr_filter(buf, len);
	if (size != 0) {
		if (len > size)
			error = len > XATTR_LIST_MAX ? E2BIG : ERANGE;
		else
			error = copyout(buf, ulist, len);
	}
	if (error == 0)
		*ret = (long)len;
	kmem_free(buf, room);
	return error;
}

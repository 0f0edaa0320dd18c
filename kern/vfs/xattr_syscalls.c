/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * xattr_syscalls.c - the twelve calls on extended attributes
 *
 * Names and values are copied in before the file is looked at; who may do
 * what is in xattr.c.
 *
 * References: setxattr(2), getxattr(2), listxattr(2), removexattr(2).
 */

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include <linux/xattr.h>

#include <abi/sysargs.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>

#include "vfs_impl.h"
#include "xattr_impl.h"

/* --- what the calls have in common ---------------------------------------------------------- */

static int
xattr_copyin_name(const char *uname, char *name)
{
	int error;

	error = copyinstr(uname, name, XATTR_NAME_MAX + 1, NULL);
	if (error == ENAMETOOLONG || (error == 0 && name[0] == '\0'))
		return ERANGE;
	return error;
}

/* The file a call means: by path, or by descriptor if upath is NULL. */
struct xtarget {
	struct vpath	 xt_path;
	struct nameidata xt_nd;
	struct file	*xt_fp;		/* NULL: it was a path */
};

static int
xtarget_bypath(struct lwp *l, const char *upath, bool follow,
    struct xtarget *xt)
{
	int error;

	xt->xt_fp = NULL;
	xt->xt_nd = (struct nameidata){ .nd_resolve = 0 };
	error = namei_user(l, AT_FDCWD, upath, follow ? NAMEI_FOLLOW : 0,
	    &xt->xt_nd);
	if (error == 0)
		xt->xt_path = xt->xt_nd.nd_path;
	return error;
}

static int
xtarget_byfd(int fd, struct xtarget *xt)
{
	int error;

	error = fd_get_nopath(fd, &xt->xt_fp);
	if (error)
		return error;
	if (file_getpath(xt->xt_fp, &xt->xt_path))
		return 0;
	fd_put(xt->xt_fp);
	return ENOTBLK;			/* see xattr_nofile() */
}

/* Pipes and the like have none: what Linux says to each name then. */
static int
xattr_nofile(int fd, const char *name, int want)
{
	const struct cred *cr = curcred();
	bool admin = cred_capable(cr, CAP_SYS_ADMIN);
	struct vattr va = { .va_type = VFIFO };
	struct file *fp;
	struct statx st;
	int error;

	if (str_hasprefix(name, XATTR_USER_PREFIX) ||
	    (str_hasprefix(name, XATTR_TRUSTED_PREFIX) && !admin))
		return want & MAY_WRITE ? EPERM : ENODATA;
	if (str_hasprefix(name, XATTR_SYSTEM_PREFIX) ||
	    str_hasprefix(name, XATTR_TRUSTED_PREFIX))
		return EOPNOTSUPP;
	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	error = fp->f_ops->fo_stat(fp, &st);
	fd_put(fp);
	if (error)
		return error;
	/* The security module looks at pipes, not at what has no type. */
	if (str_hasprefix(name, XATTR_SECURITY_PREFIX))
		return !admin && (want & MAY_WRITE) &&
		    (st.stx_mode & S_IFMT) != 0 ? EPERM : EOPNOTSUPP;
	va.va_mode = st.stx_mode & 07777;
	va.va_uid = st.stx_uid;
	va.va_gid = st.stx_gid;
	error = vattr_access(&va, want, curcred());
	return error ? error : EOPNOTSUPP;
}

static void
xtarget_fini(struct xtarget *xt)
{
	if (xt->xt_fp != NULL)
		fd_put(xt->xt_fp);
	else
		nameidata_fini(&xt->xt_nd);
}

/* What setxattr is given, copied in before the file is looked up. */
struct xvalue {
	char		 xv_name[XATTR_NAME_MAX + 1];
	void		*xv_buf;
	size_t		 xv_size;
	int		 xv_flags;
};

static int
xvalue_init(struct xvalue *xv, const char *uname, const void *uvalue,
    size_t size, int flags)
{
	int error;

	xv->xv_buf = NULL;
	xv->xv_size = size;
	xv->xv_flags = flags;
	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return EINVAL;
	error = xattr_copyin_name(uname, xv->xv_name);
	if (error || size == 0)
		return error;
	if (size > XATTR_SIZE_MAX)
		return E2BIG;
	xv->xv_buf = kmem_alloc(size, KM_SLEEP);
	if (xv->xv_buf == NULL)
		return ENOMEM;
	error = copyin(uvalue, xv->xv_buf, size);
	if (error)
		kmem_free(xv->xv_buf, size);
	return error;
}

static int
xtarget_set(struct xtarget *xt, const struct xvalue *xv)
{
	int error;

	error = xattr_set(&xt->xt_path, xv->xv_name, xv->xv_buf, xv->xv_size,
	    xv->xv_flags);
	xtarget_fini(xt);
	return error;
}

static int
xtarget_get(struct xtarget *xt, const char *name, void *uvalue, size_t size,
    long *ret)
{
	size_t len = 0;
	void *buf = NULL;
	int error = 0;

	if (size > XATTR_SIZE_MAX)
		size = XATTR_SIZE_MAX;
	if (size != 0) {
		buf = kmem_alloc(size, KM_SLEEP);
		error = buf == NULL ? ENOMEM : 0;
	}
	if (error == 0)
		error = xattr_get(xt->xt_path.vp_vnode, name, buf, size, &len);
	if (error == 0 && size != 0)
		error = copyout(buf, uvalue, len);
	if (error == ERANGE && size >= XATTR_SIZE_MAX)
		error = E2BIG;
	if (error == 0)
		*ret = (long)len;
	kmem_free(buf, size);
	xtarget_fini(xt);
	return error;
}

static int
xtarget_list(struct xtarget *xt, char *ulist, size_t size, long *ret)
{
	int error;

	error = xattr_list(xt->xt_path.vp_vnode, ulist, size, ret);
	xtarget_fini(xt);
	return error;
}

static int
xtarget_remove(struct xtarget *xt, const char *name)
{
	int error;

	error = xattr_remove(&xt->xt_path, name);
	xtarget_fini(xt);
	return error;
}

/* --- the calls ------------------------------------------------------------------------------- */

static int
set_path(struct lwp *l, const char *upath, bool follow, const char *uname,
    const void *uvalue, size_t size, int flags)
{
	struct xtarget xt;
	struct xvalue xv;
	int error;

	error = xvalue_init(&xv, uname, uvalue, size, flags);
	if (error)
		return error;
	error = xtarget_bypath(l, upath, follow, &xt);
	if (error == 0)
		error = xtarget_set(&xt, &xv);
	kmem_free(xv.xv_buf, size);
	return error;
}

int
sys_setxattr(struct lwp *l, const char *upath, const char *uname,
    const void *uvalue, size_t size, int flags, long *ret __unused_arg)
{
	return set_path(l, upath, true, uname, uvalue, size, flags);
}

int
sys_lsetxattr(struct lwp *l, const char *upath, const char *uname,
    const void *uvalue, size_t size, int flags, long *ret __unused_arg)
{
	return set_path(l, upath, false, uname, uvalue, size, flags);
}

int
sys_fsetxattr(struct lwp *l __unused_arg, int fd, const char *uname,
    const void *uvalue, size_t size, int flags, long *ret __unused_arg)
{
	struct xtarget xt;
	struct xvalue xv;
	int error;

	error = xvalue_init(&xv, uname, uvalue, size, flags);
	if (error)
		return error;
	error = xtarget_byfd(fd, &xt);
	if (error == 0)
		error = xtarget_set(&xt, &xv);
	else if (error == ENOTBLK)
		error = xattr_nofile(fd, xv.xv_name, MAY_WRITE);
	kmem_free(xv.xv_buf, size);
	return error;
}

static int
get_path(struct lwp *l, const char *upath, bool follow, const char *uname,
    void *uvalue, size_t size, long *ret)
{
	char name[XATTR_NAME_MAX + 1];
	struct xtarget xt;
	int error;

	error = xattr_copyin_name(uname, name);
	if (error == 0)
		error = xtarget_bypath(l, upath, follow, &xt);
	return error ? error : xtarget_get(&xt, name, uvalue, size, ret);
}

int
sys_getxattr(struct lwp *l, const char *upath, const char *uname,
    void *uvalue, size_t size, long *ret)
{
	return get_path(l, upath, true, uname, uvalue, size, ret);
}

int
sys_lgetxattr(struct lwp *l, const char *upath, const char *uname,
    void *uvalue, size_t size, long *ret)
{
	return get_path(l, upath, false, uname, uvalue, size, ret);
}

int
sys_fgetxattr(struct lwp *l __unused_arg, int fd, const char *uname,
    void *uvalue, size_t size, long *ret)
{
	char name[XATTR_NAME_MAX + 1];
	struct xtarget xt;
	int error;

	error = xattr_copyin_name(uname, name);
	if (error == 0)
		error = xtarget_byfd(fd, &xt);
	if (error == ENOTBLK)
		return xattr_nofile(fd, name, MAY_READ);
	return error ? error : xtarget_get(&xt, name, uvalue, size, ret);
}

static int
list_path(struct lwp *l, const char *upath, bool follow, char *ulist,
    size_t size, long *ret)
{
	struct xtarget xt;
	int error;

	error = xtarget_bypath(l, upath, follow, &xt);
	return error ? error : xtarget_list(&xt, ulist, size, ret);
}

int
sys_listxattr(struct lwp *l, const char *upath, char *ulist, size_t size,
    long *ret)
{
	return list_path(l, upath, true, ulist, size, ret);
}

int
sys_llistxattr(struct lwp *l, const char *upath, char *ulist, size_t size,
    long *ret)
{
	return list_path(l, upath, false, ulist, size, ret);
}

int
sys_flistxattr(struct lwp *l __unused_arg, int fd, char *ulist, size_t size,
    long *ret)
{
	struct xtarget xt;
	int error;

	error = xtarget_byfd(fd, &xt);
	if (error == ENOTBLK)
		return 0;		/* an empty list */
	return error ? error : xtarget_list(&xt, ulist, size, ret);
}

static int
remove_path(struct lwp *l, const char *upath, bool follow, const char *uname)
{
	char name[XATTR_NAME_MAX + 1];
	struct xtarget xt;
	int error;

	error = xattr_copyin_name(uname, name);
	if (error == 0)
		error = xtarget_bypath(l, upath, follow, &xt);
	return error ? error : xtarget_remove(&xt, name);
}

int
sys_removexattr(struct lwp *l, const char *upath, const char *uname,
    long *ret __unused_arg)
{
	return remove_path(l, upath, true, uname);
}

int
sys_lremovexattr(struct lwp *l, const char *upath, const char *uname,
    long *ret __unused_arg)
{
	return remove_path(l, upath, false, uname);
}

int
sys_fremovexattr(struct lwp *l __unused_arg, int fd, const char *uname,
    long *ret __unused_arg)
{
	char name[XATTR_NAME_MAX + 1];
	struct xtarget xt;
	int error;

	error = xattr_copyin_name(uname, name);
	if (error == 0)
		error = xtarget_byfd(fd, &xt);
	if (error == ENOTBLK)
		return xattr_nofile(fd, name, MAY_WRITE);
	return error ? error : xtarget_remove(&xt, name);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * xattr_impl.h - extended attributes: the rules for the calls
 */

#ifndef XATTR_IMPL_H
#define XATTR_IMPL_H

#include <sys/types.h>

struct vnode;
struct vpath;

/* name is a whole one.  EROFS EPERM EACCES EINVAL EOPNOTSUPP ENODATA ... */
int	xattr_set(const struct vpath *path, const char *name,
	    const void *value, size_t size, int flags);
int	xattr_remove(const struct vpath *path, const char *name);
int	xattr_get(struct vnode *vp, const char *name, void *buf, size_t size,
	    size_t *ret_len);
/* Copies out what the caller may see. */
int	xattr_list(struct vnode *vp, char *ulist, size_t size, long *ret);

#endif /* XATTR_IMPL_H */

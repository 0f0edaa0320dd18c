/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * namespace_impl.h - operations on names, between the system calls and the
 * vfs's own needs
 *
 * nd is the result of a NAMEI_PARENT walk and stays the caller's.
 */

#ifndef NAMESPACE_IMPL_H
#define NAMESPACE_IMPL_H

#include <sys/types.h>
#include <vfs/namei.h>

/* mode has the type and no umask any more; link is a symbolic link's text. */
int	vfs_create(struct nameidata *nd, mode_t mode, dev_t rdev,
	    const char *link);
/* The same with the new file, referenced. */
int	vfs_create_vnode(struct nameidata *nd, mode_t mode, dev_t rdev,
	    const char *link, struct vnode **ret_vp);
int	vfs_link(struct nameidata *nd, const struct vpath *old);
int	vfs_unlink(struct nameidata *nd);
int	vfs_rmdir(struct nameidata *nd);
int	vfs_rename(struct nameidata *from, struct nameidata *to,
	    unsigned int flags);

#endif /* NAMESPACE_IMPL_H */

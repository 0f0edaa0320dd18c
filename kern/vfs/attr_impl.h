/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * attr_impl.h - attributes: between attr.c and the calls that use it
 */

#ifndef ATTR_IMPL_H
#define ATTR_IMPL_H

#include <sys/ktime.h>
#include <sys/types.h>

struct cred;
struct stat;
struct vnode;
struct vpath;

#ifndef UTIME_NOW
#define UTIME_NOW	((1L << 30) - 1L)
#define UTIME_OMIT	((1L << 30) - 2L)
#endif

int	vnode_stat(struct vnode *vp, struct stat *st);
/* EROFS EPERM and what the file system says. */
int	vnode_chmod(const struct vpath *path, mode_t mode, const struct cred *cr);
int	vnode_chown(const struct vpath *path, uid_t uid, gid_t gid,
	    const struct cred *cr);
int	vnode_utimes(const struct vpath *path, const struct timespec64 *ts,
	    const struct cred *cr);

#endif /* ATTR_IMPL_H */

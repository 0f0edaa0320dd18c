/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socknode.c - files of type S_IFSOCK, made and found for local sockets
 *
 * The socket that is bound to such a file keeps it referenced, and its mount
 * busy, until it is closed; the name stays behind, as unix(7) has it.
 *
 * References: unix(7), path_resolution(7).
 */

#include <linux/fcntl.h>
#include <linux/stat.h>

#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/socknode.h>

#include "namespace_impl.h"
#include "vfs_impl.h"

static int
socknode_vfs_make(const char *path, mode_t mode, struct socknode *ret_sn)
{
	struct nameidata nd = { .nd_resolve = 0 };
	struct vpath made = { NULL, NULL };
	int error;

	error = namei(curlwp(), AT_FDCWD, path, NAMEI_PARENT, &nd);
	if (error)
		return error;
	mode = (mode & 07777 & ~cwd_umask(curproc())) | S_IFSOCK;
	error = vfs_create_vnode(&nd, mode, 0, NULL, &made.vp_vnode);
	if (error == 0) {
		made.vp_mount = nd.nd_path.vp_mount;
		vpath_hold(&made);
		vnode_rele(made.vp_vnode);
		*ret_sn = (struct socknode){ made.vp_vnode, made.vp_mount };
	}
	nameidata_fini(&nd);
	return error == EEXIST ? EADDRINUSE : error;
}

static int
socknode_vfs_find(const char *path, struct socknode *ret_sn)
{
	struct nameidata nd = { .nd_resolve = 0 };
	struct vnode *vp;
	int error;

	error = namei(curlwp(), AT_FDCWD, path, NAMEI_FOLLOW, &nd);
	if (error)
		return error;
	vp = nd.nd_path.vp_vnode;
	error = vnode_access(vp, MAY_WRITE, curcred());
	if (error == 0 && vp->v_type != VSOCK)
		error = ECONNREFUSED;
	if (error == 0) {
		vpath_hold(&nd.nd_path);
		*ret_sn = (struct socknode){ vp, nd.nd_path.vp_mount };
	}
	nameidata_fini(&nd);
	return error;
}

static void
socknode_vfs_rele(struct socknode *sn)
{
	struct vpath path = { sn->sn_place, sn->sn_file };

	vpath_rele(&path);
}

void
socknode_start(void)
{
	static const struct socknode_ops vfs_socknode_ops = {
		.sno_make	= socknode_vfs_make,
		.sno_find	= socknode_vfs_find,
		.sno_rele	= socknode_vfs_rele,
	};

	socknode_register(&vfs_socknode_ops);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * namei.c - look-ups: where a walk starts from, and what it ends with
 *
 * How a walk goes on its way is told in namei_walk.c.
 */

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/limits.h>

#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/proc.h>

#include "namei_impl.h"
#include "vfs_impl.h"

/* --- start and end ------------------------------------------------------------------------- */

/* The place a relative path starts from.  fp keeps it while we walk. */
static int
walk_startdir(struct walk *w, int dirfd, struct file **ret_fp)
{
	struct vpath p;
	int error;

	if (dirfd == AT_FDCWD) {
		cwd_getdir(w->w_l->l_proc, &p);
		if (p.vp_mount == NULL)
			return ENOENT;
		walk_moveto(w, p.vp_mount, p.vp_vnode);
		return 0;
	}
	if (*ret_fp == NULL) {
		error = fd_get(dirfd, ret_fp);
		if (error)
			return error;
	}
	if ((w->w_flags & NAMEI_OWNDIR) && (*ret_fp)->f_cred != w->w_cred &&
	    !cred_capable(w->w_cred, CAP_DAC_READ_SEARCH))
		return ENOENT;
	if (!file_getpath(*ret_fp, &p))
		return ENOTDIR;
	walk_moveto(w, p.vp_mount, p.vp_vnode);
	return 0;
}

static int
walk_start(struct walk *w, int dirfd, const char *path, struct file **ret_fp)
{
	int error;

	w->w_cred = walk_whose(w);
	w->w_moves = atomic_load_acq(&namecache_moves);
	w->w_mounts = atomic_load_acq(&mount_moves);
	if (*path == '/' && (w->w_resolve & RESOLVE_BENEATH))
		return EXDEV;
	if (*path != '/' || (w->w_resolve & RESOLVE_SCOPED)) {
		error = walk_startdir(w, dirfd, ret_fp);
		if (error)
			return error;
		if (*path != '\0' && *path != '/' && w->w_vp->v_type != VDIR)
			return ENOTDIR;
	}
	if (w->w_resolve & RESOLVE_SCOPED) {
		if (w->w_vp->v_type != VDIR)
			return ENOTDIR;
		error = walk_pin(w);
		if (error)
			return error;
		w->w_scope = w->w_pin;
		w->w_rooted = true;
		vpath_hold(&w->w_scope);
	}
	if (*path == '/') {
		error = walk_jumproot(w);
		if (error)
			return error;
	}
	return w->w_careful ? walk_pin(w) : 0;
}

/* Undoes what a walk holds, after an error. */
static void
walk_drop(struct walk *w)
{
	while (w->w_depth > 0)
		(void)walk_leavelink(w);
	path_buf_put(w->w_buf);
	w->w_buf = NULL;
	vpath_rele(&w->w_pin);
	vpath_rele(&w->w_scope);
}

/* The result is referenced, and goes to nd with all the rest. */
static int
walk_finish(struct walk *w, struct nameidata *nd)
{
	int error;

	if ((w->w_wantdir || (w->w_flags & NAMEI_DIRECTORY)) &&
	    (w->w_flags & NAMEI_PARENT) == 0 && w->w_vp->v_type != VDIR)
		return ENOTDIR;
	error = walk_pin(w);
	if (error)
		return error;
	nd->nd_path = w->w_pin;
	nd->nd_buf = w->w_buf;
	nd->nd_scope = w->w_scope;
	nd->nd_nlinks = w->w_nlinks;
	nd->nd_rooted = w->w_rooted;
	return 0;
}

/* Fields that matter, without clearing forty frames. */
static void
walk_init(struct walk *w, struct lwp *l, unsigned int flags,
    const struct nameidata *nd)
{
	w->w_l = l;
	w->w_mt = NULL;
	w->w_vp = NULL;
	w->w_pin = (struct vpath){ NULL, NULL };
	w->w_scope = (struct vpath){ NULL, NULL };
	w->w_flags = flags;
	w->w_resolve = nd->nd_resolve;
	w->w_other = nd->nd_cred;
	w->w_nlinks = 0;
	w->w_careful = false;
	w->w_wantdir = false;
	w->w_rooted = false;
	w->w_buf = NULL;
	w->w_depth = 0;
}

static void
nameidata_init(struct nameidata *nd)
{
	nd->nd_path = (struct vpath){ NULL, NULL };
	nd->nd_scope = (struct vpath){ NULL, NULL };
	nd->nd_buf = NULL;
	nd->nd_user = NULL;
	nd->nd_slash = false;
	nd->nd_nlinks = 0;
}

int
namei(struct lwp *l, int dirfd, const char *path, unsigned int flags,
    struct nameidata *nd)
{
	struct file *fp = NULL;
	struct walk w;
	bool careful = false;
	int error;

	vnode_trim_if_wanted();
	nameidata_init(nd);
	if (*path == '\0' && (flags & NAMEI_EMPTY) == 0)
		return ENOENT;
	for (;;) {
		walk_init(&w, l, flags, nd);
		w.w_careful = careful;
		error = walk_start(&w, dirfd, path, &fp);
		if (error == 0)
			error = walk_path(&w, path, nd);
		if (error == 0)
			error = walk_finish(&w, nd);
		if (likely(error == 0))
			break;
		walk_drop(&w);
		if (error != EAGAIN)
			break;
		careful = true;
	}
	if (fp != NULL)
		fd_put(fp);
	return error == ERESTART ? EAGAIN : error;
}

/* Takes a NAMEI_PARENT walk up again where it stopped. */
static void
walk_resume(struct walk *w, struct lwp *l, struct nameidata *nd)
{
	walk_init(w, l, NAMEI_PARENT, nd);
	w->w_careful = true;		/* there is no way back to the start */
	w->w_mt = nd->nd_path.vp_mount;
	w->w_vp = nd->nd_path.vp_vnode;
	w->w_pin = nd->nd_path;
	w->w_scope = nd->nd_scope;
	w->w_nlinks = nd->nd_nlinks;
	w->w_rooted = nd->nd_rooted;
	w->w_buf = nd->nd_buf;
	w->w_cred = walk_whose(w);
	w->w_moves = atomic_load_acq(&namecache_moves);
	w->w_mounts = atomic_load_acq(&mount_moves);
	nd->nd_path = (struct vpath){ NULL, NULL };
	nd->nd_scope = (struct vpath){ NULL, NULL };
	nd->nd_buf = NULL;
}

int
namei_follow(struct lwp *l, struct nameidata *nd, struct vnode *link)
{
	const char *p;
	struct walk w;
	int error;

	walk_resume(&w, l, nd);
	error = walk_enterlink(&w, link, true, "", &p);
	if (error == 0)
		error = walk_path(&w, p, nd);
	if (error == 0)
		error = walk_finish(&w, nd);
	if (error) {
		walk_drop(&w);
		nd->nd_kind = ND_ROOT;
	}
	return error == ERESTART ? EAGAIN : error;
}

int
namei_up(struct lwp *l, struct nameidata *nd)
{
	struct walk w;
	int error;

	walk_resume(&w, l, nd);
	error = walk_dotdot(&w);
	if (error == 0)
		error = walk_finish(&w, nd);
	if (error)
		walk_drop(&w);
	nd->nd_kind = ND_ROOT;
	return error == ERESTART ? EAGAIN : error;
}

void
nameidata_fini(struct nameidata *nd)
{
	vpath_rele(&nd->nd_path);
	vpath_rele(&nd->nd_scope);
	path_buf_put(nd->nd_buf);
	path_buf_put(nd->nd_user);
	nd->nd_buf = nd->nd_user = NULL;
}

int
namei_user(struct lwp *l, int dirfd, const char *upath, unsigned int flags,
    struct nameidata *nd)
{
	char *path = path_buf_get();
	int error;

	if (path == NULL)
		return ENOMEM;
	if (upath == NULL && (flags & NAMEI_NULL)) {
		path[0] = '\0';
		error = 0;
	} else {
		error = copyinstr(upath, path, PATH_MAX, NULL);
	}
	if (error == 0)
		error = namei(l, dirfd, path, flags, nd);
	if (error) {
		path_buf_put(path);
		return error;
	}
	nd->nd_user = path;
	return 0;
}

bool
path_isnameless(int dirfd, const char *upath)
{
	struct vpath path;
	struct file *fp;
	bool nameless;
	char c;

	if (copyin(upath, &c, 1) != 0 || c != '\0' || fd_get(dirfd, &fp) != 0)
		return false;
	nameless = !file_getpath(fp, &path);
	fd_put(fp);
	return nameless;
}

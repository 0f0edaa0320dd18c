/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * namei.c - walking a path
 *
 * The walk stands in a place (mount, vnode).  As long as the name cache
 * knows the way it takes no reference: what it reads stays in memory until
 * it may sleep (qsbr).  Before it sleeps - a name the cache does not know, a
 * symbolic link to read - it pins the place where it stands, and what it found
 * when it wakes is pinned too.  The place where it ends is referenced.
 *
 * A place may die under a walk without references.  The try that should pin
 * it fails then, and the whole walk is made once more, carefully: pinning
 * every step, so that it cannot fail that way again.
 *
 * Symbolic links are expanded one inside the other: a frame keeps the rest of
 * the path that waits for the end of a link's text.  A last component's link
 * needs no frame, as nothing waits for it.
 *
 * References: path_resolution(7), openat2(2), POSIX.1-2017 4.13.
 */

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mount.h>
#include <linux/openat2.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/proc.h>
#include <vfs/namei.h>

#include "vfs_impl.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED	0x20
#endif
#define RESOLVE_SCOPED	(RESOLVE_BENEATH | RESOLVE_IN_ROOT)

struct frame {
	char		*f_buf;		/* the text f_rest stands in, or NULL */
	const char	*f_rest;	/* has a component at least */
};

struct walk {
	struct lwp	*w_l;
	const struct cred *w_cred;	/* looked up anew after each sleep */
	const struct cred *w_other;	/* ... unless the caller gave another */
	struct mount	*w_mt;		/* where we stand: raw, or equal to w_pin */
	struct vnode	*w_vp;
	struct vpath	 w_pin;		/* what we hold, or nothing */
	struct vpath	 w_scope;	/* held: the top of a scoped walk */
	unsigned int	 w_flags;	/* NAMEI_* */
	unsigned int	 w_resolve;
	unsigned int	 w_nlinks;
	uint32_t	 w_moves;	/* scoped: namecache_moves at the start */
	uint32_t	 w_mounts;
	bool		 w_careful;
	bool		 w_wantdir;	/* a slash followed the last component */
	bool		 w_rooted;	/* the root was looked at before */
	char		*w_buf;		/* text of the link we are in, or NULL */
	unsigned int	 w_depth;
	struct frame	 w_frame[NAMEI_LINKS_MAX];
};

/*
 * Inside, EAGAIN means: walk once more, carefully.  The EAGAIN that openat2(2)
 * has for its caller is ERESTART here.
 */

static const struct cred *
walk_whose(const struct walk *w)
{
	return w->w_other != NULL ? w->w_other : curcred();
}

/* --- where we stand --------------------------------------------------------------- */

static bool
walk_ispinned(const struct walk *w)
{
	return w->w_pin.vp_vnode == w->w_vp && w->w_pin.vp_mount == w->w_mt;
}

/* May sleep when it gives back what was pinned before. */
static int
walk_pin(struct walk *w)
{
	struct vpath old = w->w_pin;

	if (walk_ispinned(w))
		return 0;
	if (!mount_tryhold(w->w_mt))
		return EAGAIN;
	if (!vnode_tryhold(w->w_vp)) {
		mount_rele(w->w_mt);
		return EAGAIN;
	}
	w->w_pin = (struct vpath){ w->w_mt, w->w_vp };
	if (old.vp_mount != NULL) {
		vpath_rele(&old);
		w->w_cred = walk_whose(w);
	}
	return 0;
}

/* We stand at vp of the same mount, whose reference the walk takes over. */
static void
walk_moveto_held(struct walk *w, struct vnode *vp)
{
	struct vpath old = w->w_pin;

	KASSERT(walk_ispinned(w));
	w->w_vp = vp;
	w->w_pin.vp_vnode = vp;		/* the mount's reference stays */
	vnode_rele(old.vp_vnode);
	w->w_cred = walk_whose(w);
}

static void
walk_moveto(struct walk *w, struct mount *mt, struct vnode *vp)
{
	w->w_mt = mt;
	w->w_vp = vp;
}

static void
walk_getroot(const struct walk *w, struct vpath *ret_root)
{
	if (w->w_scope.vp_mount != NULL)
		*ret_root = w->w_scope;
	else if (w->w_flags & NAMEI_KERNEL)
		cwd_gettop(ret_root);
	else
		cwd_getroot(w->w_l->l_proc, ret_root);
}

/* Down through whatever is mounted on this place. */
static int
walk_crossdown(struct walk *w)
{
	struct mount *mt;

	while (unlikely(atomic_load(&w->w_vp->v_nmounts) != 0) &&
	    (mt = mount_covering(w->w_mt, w->w_vp)) != NULL) {
		if (w->w_resolve & RESOLVE_NO_XDEV)
			return EXDEV;
		walk_moveto(w, mt, mt->mt_root);
	}
	return 0;
}

static int
walk_jumproot(struct walk *w)
{
	struct vpath root;

	if (w->w_resolve & RESOLVE_BENEATH)
		return EXDEV;
	for (;;) {
		walk_getroot(w, &root);
		if (root.vp_mount == NULL)
			return ENOENT;	/* there is no root file system yet */
		/* Linux does not know where a root is that it did not need. */
		if ((w->w_resolve & RESOLVE_NO_XDEV) && w->w_mt != NULL &&
		    (!w->w_rooted || root.vp_mount != w->w_mt))
			return EXDEV;
		w->w_rooted = true;
		walk_moveto(w, root.vp_mount, root.vp_vnode);
		if (!w->w_careful || walk_pin(w) == 0)
			return 0;
		cpu_relax();		/* a chroot(2) was about to happen */
	}
}

/* --- one step ------------------------------------------------------------------------ */

static int
walk_maysearch(struct walk *w)
{
	if (unlikely(w->w_vp->v_type != VDIR))
		return ENOTDIR;
	/* Everybody may: no class has to be chosen. */
	if (likely((atomic_load(&w->w_vp->v_mode) & 0111) == 0111) ||
	    (w->w_flags & NAMEI_KERNEL))
		return 0;
	return vnode_access(w->w_vp, MAY_EXEC, w->w_cred);
}

/* A directory under another name, or below itself: only a bad image has it. */
static int
namei_adopt(struct vnode *dvp, struct vnode *vp)
{
	struct vnode *parent = atomic_load_acq(&vp->v_parent);

	if (likely(parent == dvp))
		return 0;
	if (parent != NULL || vp->v_root || vp == dvp)
		return EUCLEAN;
	vnode_setparent(vp, dvp);
	return 0;
}

/* The file system's own answer.  Who changes the directory is the caller. */
int
namei_fslookup_locked(struct vnode *dvp, const struct cname *cn,
    struct vnode **ret_vp)
{
	uint32_t maxname = dvp->v_fs->fs_maxname;
	struct vnode *vp;
	int error;

	KASSERT(rw_held(&dvp->v_lock));
	if (atomic_load(&dvp->v_unlinked))
		return ENOENT;
	if (cn->cn_len > (maxname != 0 ? maxname : NAME_MAX))
		return ENAMETOOLONG;
	if (dvp->v_ops->vo_lookup == NULL)
		return ENOENT;
	error = dvp->v_ops->vo_lookup(dvp, cn, &vp);
	if (error == 0 && vp->v_type == VDIR) {
		error = namei_adopt(dvp, vp);
		if (error)
			vnode_rele(vp);
	}
	if (error == 0)
		*ret_vp = vp;
	return error;
}

int
namei_step_locked(struct vnode *dvp, const struct cname *cn,
    struct vnode **ret_vp)
{
	switch (namecache_lookup(dvp, cn, ret_vp)) {
	case NC_NEGATIVE:
		return ENOENT;
	case NC_HIT:
		if (vnode_tryhold(*ret_vp))
			return 0;
		break;			/* it dies: the file system loads it again */
	case NC_MISS:
		break;
	}
	return namei_fslookup_locked(dvp, cn, ret_vp);
}

int
namei_victim_locked(struct vnode *dvp, const struct cname *cn,
    struct vnode **ret_vp)
{
	if (dvp->v_fs->fs_keepvnodes && atomic_load(&dvp->v_nnegative) == 0)
		return namei_fslookup_locked(dvp, cn, ret_vp);
	return namei_step_locked(dvp, cn, ret_vp);
}

int
namei_step(struct vnode *dvp, const struct cname *cn, struct vnode **ret_vp)
{
	struct vnode *vp;
	int error;

	if (dvp->v_type != VDIR)
		return ENOTDIR;
	if (namecache_lookup(dvp, cn, &vp) == NC_HIT && vnode_tryhold(vp)) {
		*ret_vp = vp;
		return 0;
	}
	rw_read_enter(&dvp->v_lock);
	error = namei_step_locked(dvp, cn, &vp);
	if (error == 0) {
		namecache_enter(dvp, cn, vp);
		*ret_vp = vp;
	} else if (error == ENOENT && !atomic_load(&dvp->v_unlinked)) {
		namecache_enter(dvp, cn, NULL);
	}
	rw_exit(&dvp->v_lock);
	return error;
}

/*
 * The vnode that cn leads to in the directory where we stand.  *ret_held
 * tells whether it comes with a reference; if so we are pinned.
 */
static int
walk_lookup(struct walk *w, const struct cname *cn, struct vnode **ret_vp,
    bool *ret_held)
{
	int error;

	switch (namecache_lookup(w->w_vp, cn, ret_vp)) {
	case NC_NEGATIVE:
		return ENOENT;
	case NC_HIT:
		if (!w->w_careful) {
			*ret_held = false;
			return 0;
		}
		break;
	case NC_MISS:
		break;
	}
	if (w->w_resolve & RESOLVE_CACHED)
		return ERESTART;
	error = walk_pin(w);
	if (error)
		return error;
	error = namei_step(w->w_vp, cn, ret_vp);
	w->w_cred = walk_whose(w);
	*ret_held = error == 0;
	return error;
}

static int
walk_up_slow(struct walk *w)
{
	static const struct cname dotdot = { "..", 2, 0 };
	struct vnode *vp;
	int error;

	error = walk_pin(w);
	if (error)
		return error;
	if (w->w_vp->v_ops->vo_lookup == NULL)
		return ENOENT;
	rw_read_enter(&w->w_vp->v_lock);
	error = w->w_vp->v_ops->vo_lookup(w->w_vp, &dotdot, &vp);
	rw_exit(&w->w_vp->v_lock);
	if (error == 0)
		walk_moveto_held(w, vp);
	return error;
}

static int
walk_up(struct walk *w)
{
	struct vnode *parent;
	struct vpath p, root;

	walk_getroot(w, &root);
	w->w_rooted = true;
	p = (struct vpath){ w->w_mt, w->w_vp };
	while (p.vp_vnode == p.vp_mount->mt_root) {
		if (p.vp_mount == root.vp_mount && p.vp_vnode == root.vp_vnode)
			break;
		if (!mount_above(p.vp_mount, &p))
			return 0;	/* the top of everything, or detached */
		if (w->w_resolve & RESOLVE_NO_XDEV)
			return EXDEV;
	}
	if (p.vp_mount == root.vp_mount && p.vp_vnode == root.vp_vnode) {
		if (w->w_resolve & RESOLVE_BENEATH)
			return EXDEV;
		walk_moveto(w, p.vp_mount, p.vp_vnode);
		return walk_crossdown(w);
	}
	walk_moveto(w, p.vp_mount, p.vp_vnode);
	parent = atomic_load_acq(&w->w_vp->v_parent);
	if (likely(parent != NULL)) {
		walk_moveto(w, w->w_mt, parent);
	} else {
		int error = walk_up_slow(w);

		if (error)
			return error;
	}
	return walk_crossdown(w);
}

/* Up, for a scoped walk: nothing may have moved while we were on the way. */
static int
walk_dotdot(struct walk *w)
{
	int error;

	error = walk_up(w);
	if (error == 0 && (w->w_resolve & RESOLVE_SCOPED) &&
	    (atomic_load_acq(&namecache_moves) != w->w_moves ||
	    atomic_load_acq(&mount_moves) != w->w_mounts))
		return ERESTART;	/* leaves as EAGAIN */
	if (error == 0 && w->w_careful)
		error = walk_pin(w);
	return error;
}

/* --- symbolic links --------------------------------------------------------------------- */

static int
link_read(struct vnode *vp, char **ret_text)
{
	char *buf = path_buf_get();
	size_t len;
	int error;

	if (buf == NULL)
		return ENOMEM;
	rw_read_enter(&vp->v_lock);
	error = vp->v_ops->vo_readlink == NULL ? EINVAL :
	    vp->v_ops->vo_readlink(vp, buf, PATH_MAX - 1, &len);
	rw_exit(&vp->v_lock);
	if (error == 0 && (len == 0 || memchr(buf, '\0', len) != NULL))
		error = len == 0 ? ENOENT : EUCLEAN;
	if (error) {
		path_buf_put(buf);
		return error;
	}
	buf[len] = '\0';
	*ret_text = buf;
	return 0;
}

static int
link_allowed(struct walk *w)
{
	if (w->w_nlinks++ >= NAMEI_LINKS_MAX)
		return ELOOP;
	if (w->w_resolve & RESOLVE_NO_SYMLINKS)
		return ELOOP;
	if (atomic_load(&w->w_mt->mt_flags) & MS_NOSYMFOLLOW)
		return ELOOP;
	return 0;
}

/*
 * Goes on in the text of link.  rest is what follows it in the path; a frame
 * keeps it unless nothing but slashes is left.
 */
static int
walk_enterlink(struct walk *w, struct vnode *link, bool held, const char *rest,
    const char **ret_p)
{
	char *text = NULL;
	int error;

	error = link_allowed(w);
	if (error == 0 && !held && !vnode_tryhold(link))
		return EAGAIN;
	if (error == 0) {
		held = true;
		error = walk_pin(w);
	}
	if (error == 0)
		error = link_read(link, &text);
	if (error == 0)
		vnode_accessed(link, w->w_mt, 0);
	if (held)
		vnode_rele(link);
	w->w_cred = walk_whose(w);
	if (error)
		return error;
	if (*rest != '\0') {
		/* A frame a link, and links are counted. */
		w->w_frame[w->w_depth++] = (struct frame){ w->w_buf, rest };
	} else {
		path_buf_put(w->w_buf);
	}
	w->w_buf = text;
	*ret_p = text;
	return *text == '/' ? walk_jumproot(w) : 0;
}

static const char *
walk_leavelink(struct walk *w)
{
	struct frame *f = &w->w_frame[--w->w_depth];

	path_buf_put(w->w_buf);
	w->w_buf = f->f_buf;
	return f->f_rest;
}

/* --- the walk ------------------------------------------------------------------------------ */

/* The component at p; its hash is computed on the way to its end. */
static const char *
cname_scan(const char *p, struct cname *ret_cn)
{
	uint64_t h = 0, word = 0;
	unsigned int shift = 0;
	const char *start = p;

	for (; *p != '\0' && *p != '/'; p++) {
		word |= (uint64_t)(unsigned char)*p << shift;
		shift += 8;
		if (shift == 64) {
			h = cname_hash_word(h, word);
			word = 0;
			shift = 0;
		}
	}
	ret_cn->cn_name = start;
	ret_cn->cn_len = (size_t)(p - start);
	ret_cn->cn_hash = cname_hash_word(h, word);
	return p;
}

static const char *
skip_slashes(const char *p)
{
	while (*p == '/')
		p++;
	return p;
}

static int
cname_kind(const struct cname *cn)
{
	if (cn->cn_name[0] != '.' || cn->cn_len > 2)
		return ND_NORM;
	if (cn->cn_len == 1)
		return ND_DOT;
	return cn->cn_name[1] == '.' ? ND_DOTDOT : ND_NORM;
}

/* An ordinary name.  last: nothing comes after it. */
static int
walk_down(struct walk *w, const struct cname *cn, bool last, const char *rest,
    const char **ret_p)
{
	struct vnode *vp;
	bool held;
	int error;

	error = walk_lookup(w, cn, &vp, &held);
	if (error)
		return error;
	if (unlikely(vp->v_type == VLNK) &&
	    (!last || (w->w_flags & NAMEI_FOLLOW) || w->w_wantdir))
		return walk_enterlink(w, vp, held, rest, ret_p);
	if (held)
		walk_moveto_held(w, vp);
	else
		walk_moveto(w, w->w_mt, vp);
	*ret_p = rest;
	error = walk_crossdown(w);
	if (error == 0 && w->w_careful)
		error = walk_pin(w);
	return error;
}

/*
 * Walks path to its end; with NAMEI_PARENT to its last component, which is
 * described in nd.
 */
static int
walk_path(struct walk *w, const char *p, struct nameidata *nd)
{
	struct cname cn;
	const char *end, *rest;
	bool last;
	int error, kind;

	nd->nd_kind = ND_ROOT;
	for (;;) {
		p = skip_slashes(p);
		if (*p == '\0') {
			if (w->w_depth == 0)
				return 0;
			p = walk_leavelink(w);
			continue;
		}
		error = walk_maysearch(w);
		if (unlikely(error != 0))
			return error;
		end = cname_scan(p, &cn);
		rest = skip_slashes(end);
		last = *rest == '\0' && w->w_depth == 0;
		kind = cname_kind(&cn);
		if (last) {
			if (*end == '/')
				w->w_wantdir = true;
			if (w->w_flags & NAMEI_PARENT) {
				nd->nd_last = cn;
				nd->nd_slash = *end == '/';
				nd->nd_kind = kind;
				return 0;
			}
		}
		if (likely(kind == ND_NORM)) {
			error = walk_down(w, &cn, last, rest, &p);
		} else {
			error = kind == ND_DOTDOT ? walk_dotdot(w) : 0;
			p = rest;
		}
		if (unlikely(error != 0))
			return error;
	}
}

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
	vnode_hold(link);
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

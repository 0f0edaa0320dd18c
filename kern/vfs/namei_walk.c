/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * namei_walk.c - the steps of a walk
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

#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/mount.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/proc.h>

#include "namei_impl.h"
#include "vfs_impl.h"

/* --- where we stand --------------------------------------------------------------- */

static bool
walk_ispinned(const struct walk *w)
{
	return w->w_pin.vp_vnode == w->w_vp && w->w_pin.vp_mount == w->w_mt;
}

/* May sleep when it gives back what was pinned before. */
int
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

int
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
int
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
 * A link that was found without a reference gets one, and its mount before
 * it: what is held of a file system that nobody has mounted any more is in
 * the way of its end.
 */
static int
link_hold(struct walk *w, struct vnode *link)
{
	struct mount *mt = w->w_mt;

	if (!mount_tryhold(mt))
		return EAGAIN;
	if (!vnode_tryhold(link)) {
		mount_rele(mt);
		return EAGAIN;
	}
	if (walk_pin(w) != 0) {
		vnode_rele(link);
		mount_rele(mt);
		return EAGAIN;
	}
	mount_rele(mt);			/* the pin has it, too */
	return 0;
}

/* held: link comes with a reference, which goes, and the walk is pinned. */
int
walk_enterlink(struct walk *w, struct vnode *link, bool held, const char *rest,
    const char **ret_p)
{
	char *text = NULL;
	int error;

	error = link_allowed(w);
	if (error == 0 && !held) {
		error = link_hold(w, link);
		held = error == 0;
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

const char *
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

int
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

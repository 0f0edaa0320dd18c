/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * namei_impl.h - a walk on its way
 *
 * namei.c begins and ends walks, namei_walk.c makes their steps.
 *
 * Inside, EAGAIN means: walk once more, carefully.  The EAGAIN that openat2(2)
 * has for its caller is ERESTART here.
 */

#ifndef NAMEI_IMPL_H
#define NAMEI_IMPL_H

#include <linux/openat2.h>

#include <sys/cred.h>
#include <vfs/namei.h>

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

static inline const struct cred *
walk_whose(const struct walk *w)
{
	return w->w_other != NULL ? w->w_other : curcred();
}

/* Holds the place where we stand, and lets go what was held before.  EAGAIN. */
int	walk_pin(struct walk *w);
/* Stands at the root of the proc, or of the scope. */
int	walk_jumproot(struct walk *w);
int	walk_dotdot(struct walk *w);

static inline void
walk_moveto(struct walk *w, struct mount *mt, struct vnode *vp)
{
	w->w_mt = mt;
	w->w_vp = vp;
}

/*
 * Goes on in the text of link.  rest is what follows it in the path; a frame
 * keeps it unless nothing but slashes is left.  A held link is released.
 */
int	walk_enterlink(struct walk *w, struct vnode *link, bool held,
	    const char *rest, const char **ret_p);
const char *walk_leavelink(struct walk *w);

/*
 * Walks path to its end; with NAMEI_PARENT to its last component, which is
 * described in nd.
 */
int	walk_path(struct walk *w, const char *path, struct nameidata *nd);

#endif /* NAMEI_IMPL_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * namei.h - from names to files
 *
 * namei() walks a path as Linux does: symbolic links (40 at most), mounts,
 * ".." that stops at the root, trailing slashes, the RESOLVE_* restrictions
 * of openat2.  The walk reads the name cache without locks or references
 * where it can, and falls back to the file system where it must.
 */

#ifndef VFS_NAMEI_H
#define VFS_NAMEI_H

#include <sys/types.h>
#include <vfs/mount.h>

struct lwp;

#define NAMEI_FOLLOW	0x01	/* a final symbolic link is followed */
#define NAMEI_PARENT	0x02	/* stop at the parent; the last name is for the caller */
#define NAMEI_EMPTY	0x04	/* AT_EMPTY_PATH: "" means the start itself */
#define NAMEI_DIRECTORY	0x08	/* the result must be a directory: ENOTDIR */
#define NAMEI_KERNEL	0x10	/* the kernel's own look-up: no permission checks */

#define NAMEI_NULL	0x20	/* with NAMEI_EMPTY: a NULL client pointer is "" */

#define NAMEI_OWNDIR	0x40	/* dirfd is the opener's, who else may not search
				 * everything: ENOENT */

#define NAMEI_LINKS_MAX	40

struct nameidata {
	struct vpath	 nd_path;	/* result, or the parent; referenced */
	/* With NAMEI_PARENT: */
	struct cname	 nd_last;	/* last component, in the path buffer */
	bool		 nd_slash;	/* a slash follows it */
	enum { ND_NORM, ND_DOT, ND_DOTDOT, ND_ROOT } nd_kind;
	unsigned int	 nd_resolve;	/* RESOLVE_*, set by the caller */
	const struct cred *nd_cred;	/* who asks, if not the lwp's own; by the caller */
	/* Inside: */
	char		*nd_buf;	/* the link's text that nd_last stands in */
	char		*nd_user;	/* ... or the client's path */
	struct vpath	 nd_scope;	/* RESOLVE_BENEATH, RESOLVE_IN_ROOT: the top */
	unsigned int	 nd_nlinks;	/* links followed so far */
	bool		 nd_rooted;	/* the walk knows its root */
};

/*
 * path is kernel memory; dirfd a descriptor or AT_FDCWD.  On success the
 * caller ends with nameidata_fini().  ENOENT ENOTDIR EACCES ELOOP
 * ENAMETOOLONG EXDEV EBADF.
 */
int	namei(struct lwp *l, int dirfd, const char *path, unsigned int flags,
	    struct nameidata *nd);
void	nameidata_fini(struct nameidata *nd);

/* path is a client's pointer. */
int	namei_user(struct lwp *l, int dirfd, const char *upath,
	    unsigned int flags, struct nameidata *nd);

/*
 * nd is where a NAMEI_PARENT walk stopped, and link is the symbolic link that
 * its last name leads to: goes on through it to the next parent.  The reference
 * on link goes: it must not outlive that on the mount it was found in.
 */
int	namei_follow(struct lwp *l, struct nameidata *nd, struct vnode *link);

/* The same where the last name is "..": nd becomes what is above. */
int	namei_up(struct lwp *l, struct nameidata *nd);

/* One step from a directory: name cache, then the file system. */
int	namei_step(struct vnode *dvp, const struct cname *cn,
	    struct vnode **ret_vp);

/* Name cache.  vp NULL: a negative entry. */
void	namecache_enter(struct vnode *dvp, const struct cname *cn,
	    struct vnode *vp);
void	namecache_remove(struct vnode *dvp, const struct cname *cn);
void	namecache_purge(struct vnode *vp);	/* both directions */

/*
 * The hash of a name: its bytes as little-endian words of eight, the last one
 * padded with zeroes (and there always is a last one, if only of zeroes).
 */
static inline uint64_t
cname_hash_word(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0xff51afd7ed558ccdULL;
	return h ^ h >> 29;
}

uint64_t cname_hash(const char *name, size_t len);

/*
 * Is it that name?  Names are short and mostly equal where this is asked,
 * after a comparison of hashes; memcmp() is made for other work.
 */
static inline bool
cname_is(const struct cname *cn, const char *name, size_t len)
{
	const char *mine = cn->cn_name;
	uint64_t a, b;

	if (cn->cn_len != len)
		return false;
	for (; len >= sizeof(a); len -= sizeof(a)) {
		__builtin_memcpy(&a, mine, sizeof(a));
		__builtin_memcpy(&b, name, sizeof(b));
		if (a != b)
			return false;
		mine += sizeof(a);
		name += sizeof(a);
	}
	for (; len > 0; len--)
		if (*mine++ != *name++)
			return false;
	return true;
}

#endif /* VFS_NAMEI_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vnode_impl.h - the vnode cache: what vnode.c, vnode_hash.c and vnode_trim.c share
 */

#ifndef VNODE_IMPL_H
#define VNODE_IMPL_H

#include <lib/list.h>
#include <sys/condvar.h>
#include <sys/mutex.h>
#include <sys/types.h>

struct fs;
struct vnode;

extern kmutex_t vcache_lock;
extern kcondvar_t vcache_cv;		/* a load has ended, or a dying vnode is gone */
extern unsigned int vcache_waiters;	/* vcache_lock */
extern struct list vcache_idle;		/* vcache_lock */
extern uint64_t vcache_count;		/* vcache_lock: all there are */
extern uint64_t vcache_evictable;	/* vcache_lock: ... and allowed to idle out */
extern uint64_t vcache_limit;		/* a */

/* --- vnode_hash.c ---------------------------------------------------------------- */

int	vcache_boot(void);		/* ENOMEM */
/* Lock-free, hence it may miss what is moved to a larger table meanwhile. */
struct vnode *vcache_find(const struct fs *fs, ino_t ino);
/* Those of an instance with fs_keepvnodes need no place in the hash. */
void	vcache_insert_locked(struct vnode *vp, bool hash) REQUIRES(vcache_lock);
void	vcache_remove_locked(struct vnode *vp) REQUIRES(vcache_lock);

/* --- vnode.c, vnode_trim.c ---------------------------------------------------------- */

/* The end of a vnode.  Returns its parent, whose reference is the caller's. */
struct vnode *vnode_kill(struct vnode *vp);

void	vnode_trim_boot(void);

#endif /* VNODE_IMPL_H */

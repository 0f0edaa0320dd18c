/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mount_impl.h - between the files about mounts: the tree and the instances
 */

#ifndef MOUNT_IMPL_H
#define MOUNT_IMPL_H

#include <lib/list.h>
#include <sys/mutex.h>
#include <vfs/mount.h>

/* Flags of umount2(2), which the UAPI headers lack. */
#define MNT_FORCE	0x01
#define MNT_DETACH	0x02
#define MNT_EXPIRE	0x04
#define UMOUNT_NOFOLLOW	0x08

extern kmutex_t mount_lock;
extern struct list mount_list;		/* mount_lock: all that are in a tree */

static inline struct mount *
mount_at(struct list_node *n)
{
	return container_of(n, struct mount, mt_link);
}

/* --- fs.c ---------------------------------------------------------------------- */

/* A new instance, or one more reference to the one that is there. */
int	fs_mount(const struct fstype *ft, const struct mount_args *ma,
	    struct fs **ret_fs);
void	fs_rele(struct fs *fs);		/* may sleep */

/* --- mount.c ------------------------------------------------------------------- */

extern struct mount *mount_top;		/* c once it is set: the root */

/* One reference less, which was no use of it (MNT_EXPIRE). */
void	mount_put(struct mount *mt);
/* The last one is gone. */
void	mount_destroy(struct mount *mt);
bool	mount_isbelow_locked(const struct mount *mt, const struct mount *top)
	    REQUIRES(mount_lock);
/* where is referenced by the caller; the references are the tree's now. */
void	mount_link_locked(struct mount *mt, const struct vpath *where)
	    REQUIRES(mount_lock);
/* What it covered is the caller's to release, after the lock. */
void	mount_unlink_locked(struct mount *mt, struct vpath *ret_was)
	    REQUIRES(mount_lock);

/* --- mount_detach.c ------------------------------------------------------------- */

/* A mount without children at or below top. */
struct mount *mount_leaf_locked(struct mount *top) REQUIRES(mount_lock);

/* --- mount_flags.c --------------------------------------------------------------- */

/* What a mount keeps of the flags of mount(2). */
unsigned long mount_keepflags(unsigned long flags);
bool	fs_haswriters(struct fs *fs);

#endif /* MOUNT_IMPL_H */

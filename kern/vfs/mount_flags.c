/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mount_flags.c - what a mount allows: read-only, and other flags
 *
 * A writer counts himself and then looks at the flags; who makes it read-only
 * sets the flag and then looks at the counts: one of them sees the other.
 *
 * Locking: mount_lock for changes; flags and counts are read without it.
 */

#include <linux/mount.h>

#include <sys/atomic.h>
#include <sys/errno.h>
#include <vfs/mount.h>

#include "mount_impl.h"
#include "vfs_impl.h"

/* What a mount keeps of the flags of mount(2). */
#define MOUNT_FLAGS	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | \
	MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_NOSYMFOLLOW)

unsigned long
mount_keepflags(unsigned long flags)
{
	if ((flags & (MS_NOATIME | MS_STRICTATIME)) == 0)
		flags |= MS_RELATIME;
	if (flags & MS_STRICTATIME)
		flags &= ~(unsigned long)(MS_RELATIME | MS_NOATIME);
	return flags & MOUNT_FLAGS;
}

int
mount_beginwrite(struct mount *mt)
{
	__atomic_fetch_add(&mt->mt_writers, 1, __ATOMIC_SEQ_CST);
	if (!mount_readonly(mt))
		return 0;
	mount_endwrite(mt);
	return EROFS;
}

void
mount_endwrite(struct mount *mt)
{
	atomic_sub_rel(&mt->mt_writers, 1);
}

int
mount_setflags(struct mount *mt, unsigned long flags)
{
	unsigned long old;
	int error = 0;

	flags = mount_keepflags(flags);
	mutex_enter(&mount_lock);
	old = atomic_load(&mt->mt_flags);
	__atomic_store_n(&mt->mt_flags, flags, __ATOMIC_SEQ_CST);
	atomic_fence_seq();
	if ((flags & ~old & MS_RDONLY) && atomic_load(&mt->mt_writers) > 0) {
		atomic_store(&mt->mt_flags, old);
		error = EBUSY;
	}
	mutex_exit(&mount_lock);
	return error;
}

bool
fs_haswriters(struct fs *fs)
{
	struct list_node *n;
	bool found = false;

	mutex_enter(&mount_lock);
	LIST_FOREACH(n, &mount_list)
		if (mount_at(n)->mt_fs == fs &&
		    atomic_load(&mount_at(n)->mt_writers) > 0)
			found = true;
	mutex_exit(&mount_lock);
	return found;
}

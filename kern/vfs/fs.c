/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fs.c - instances of file systems
 *
 * An instance is made by its type's ft_mount and lives as long as a mount of
 * it does: fs_refs counts mounts.  When the last one goes, it is written
 * back, its vnodes are reclaimed, and fo_unmount ends it.
 *
 * Locking: mount_lock protects the list of instances.
 */

#include <linux/mount.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/log.h>
#include <vfs/mount.h>

#include "mount_impl.h"
#include "vfs_impl.h"

static struct list fs_list = LIST_INITIALIZER(fs_list);	/* mount_lock */
static uint32_t fs_lastdev = 20;	/* mount_lock: anonymous numbers given */

static int
fs_create(const struct fstype *ft, const struct mount_args *ma,
    struct fs **ret_fs)
{
	struct fs *fs;

	fs = kmem_zalloc(sizeof(*fs), KM_SLEEP);
	if (fs == NULL)
		return ENOMEM;
	fs->fs_source = kmem_strdup(ma->ma_source != NULL ? ma->ma_source :
	    "none", KM_SLEEP);
	if (fs->fs_source == NULL) {
		kmem_free(fs, sizeof(*fs));
		return ENOMEM;
	}
	fs->fs_type = ft;
	fs->fs_refs = 1;
	fs->fs_readonly = fs->fs_askedro = (ma->ma_flags & MS_RDONLY) != 0;
	list_init(&fs->fs_vnodes);
	list_node_init(&fs->fs_link);
	mutex_init(&fs->fs_rename_lock, "rename");
	mutex_enter(&mount_lock);
	fs->fs_dev = dev_make(0, ++fs_lastdev);
	mutex_exit(&mount_lock);
	*ret_fs = fs;
	return 0;
}

static void
fs_destroy(struct fs *fs)
{
	int error = 0;

	if (fs->fs_ops != NULL && fs->fs_ops->fo_sync != NULL &&
	    !atomic_load(&fs->fs_readonly))
		error = fs->fs_ops->fo_sync(fs);
	if (error)
		log_printf(LOG_ERR, "%s on %s: lost at unmount: error %d",
		    fs->fs_type->ft_name, fs->fs_source, error);
	vnode_reclaim_fs(fs);
	if (fs->fs_ops != NULL && fs->fs_ops->fo_unmount != NULL)
		fs->fs_ops->fo_unmount(fs);
	mutex_destroy(&fs->fs_rename_lock);
	kmem_strfree(fs->fs_source);
	kmem_free(fs, sizeof(*fs));
}

void
fs_rele(struct fs *fs)
{
	bool last;

	mutex_enter(&mount_lock);
	last = atomic_sub_ar(&fs->fs_refs, 1) == 1;
	if (last)
		list_remove(&fs->fs_link);
	mutex_exit(&mount_lock);
	if (last)
		fs_destroy(fs);
}

/*
 * As on Linux a device that is mounted already gets another mount of it.
 * NEEDSWORK: two first mounts at the same moment make two instances.  No
 * harm while all readers; a file system that writes wants a place held in the
 * list while its ft_mount is under way.
 */
static struct fs *
fs_find_shared(const struct fstype *ft, const struct mount_args *ma)
{
	struct list_node *n;
	struct fs *fs, *found = NULL;

	if (ft->ft_nodev)
		return NULL;
	mutex_enter(&mount_lock);
	LIST_FOREACH(n, &fs_list) {
		fs = container_of(n, struct fs, fs_link);
		if (fs->fs_type == ft && strcmp(fs->fs_source, ma->ma_source) == 0) {
			atomic_add(&fs->fs_refs, 1);
			found = fs;
			break;
		}
	}
	mutex_exit(&mount_lock);
	return found;
}

int
fs_mount(const struct fstype *ft, const struct mount_args *ma,
    struct fs **ret_fs)
{
	struct fs *fs;
	dev_t anon;
	int error;

	fs = fs_find_shared(ft, ma);
	if (fs != NULL) {
		if (fs->fs_askedro != ((ma->ma_flags & MS_RDONLY) != 0)) {
			fs_rele(fs);
			return EBUSY;
		}
		*ret_fs = fs;
		return 0;
	}
	error = fs_create(ft, ma, &fs);
	if (error)
		return error;
	anon = fs->fs_dev;
	error = ft->ft_mount(fs, ma);
	if (error) {
		fs->fs_ops = NULL;
		fs_rele(fs);
		return error;
	}
	if (fs->fs_dev == 0)
		fs->fs_dev = anon;
	mutex_enter(&mount_lock);
	list_insert_tail(&fs_list, &fs->fs_link);	/* complete: others may see it */
	mutex_exit(&mount_lock);
	*ret_fs = fs;
	return 0;
}

/* The instance itself: options, and from or to read-only. */
int
mount_remount(struct mount *mt, const struct mount_args *ma)
{
	struct fs *fs = mt->mt_fs;
	bool was = atomic_load(&fs->fs_readonly);
	bool ro = (ma->ma_flags & MS_RDONLY) != 0;
	int error = 0;

	if (fs->fs_ops->fo_remount == NULL)
		return EINVAL;
	if (ro && !was) {
		__atomic_store_n(&fs->fs_readonly, true, __ATOMIC_SEQ_CST);
		atomic_fence_seq();
		if (fs_haswriters(fs))
			error = EBUSY;
		else if (fs->fs_ops->fo_sync != NULL)
			error = fs->fs_ops->fo_sync(fs);
	}
	if (error == 0)
		error = fs->fs_ops->fo_remount(fs, ma);
	if (error) {
		atomic_store(&fs->fs_readonly, was);
		return error;
	}
	atomic_store(&fs->fs_readonly, ro);
	return mount_setflags(mt, ma->ma_flags);
}

/* Each instance, held during fn; stops at an error. */
int
mount_iterate_fs(int (*fn)(struct fs *, void *), void *arg)
{
	struct list_node *n;
	struct fs *fs, *prev = NULL;
	int error = 0;

	mutex_enter(&mount_lock);
	for (n = list_first(&fs_list); n != NULL && error == 0;
	    n = list_next(&fs_list, n)) {
		fs = container_of(n, struct fs, fs_link);
		atomic_add(&fs->fs_refs, 1);
		mutex_exit(&mount_lock);
		if (prev != NULL)
			fs_rele(prev);
		error = fn(fs, arg);
		prev = fs;
		mutex_enter(&mount_lock);
	}
	mutex_exit(&mount_lock);
	if (prev != NULL)
		fs_rele(prev);
	return error;
}

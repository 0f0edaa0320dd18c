/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * vfs_component.c - the start of the vfs faction: caches, the root file
 * system, its first directories, the system calls; and its end
 */

#include <linux/mount.h>

#include <abi/sysargs.h>
#include <rump/rump.h>
#include <sys/boot.h>
#include <sys/component.h>
#include <sys/errno.h>
#include <sys/kcontext.h>
#include <sys/log.h>
#include <sys/syscall.h>
#include <vfs/pagecache.h>
#include <vfs/rumpfs.h>

#include "vfs_impl.h"

static int
vfs_mountroot(void)
{
	static const struct mount_args ma = {
		.ma_source = "rumpfs", .ma_options = "",
	};
	struct vpath root;
	struct mount *mt;
	int error;

	error = fstype_register(&rumpfs_fstype);
	if (error == 0)
		error = mount_create(&rumpfs_fstype, &ma, &mt);
	if (error)
		return error;
	mount_setroot(mt);
	root = (struct vpath){ mt, mt->mt_root };
	return cwd_start(&root);
}

static int
vfs_populate(void)
{
	static const struct { const char *path; mode_t mode; } dirs[] = {
		{ "/dev", 0755 }, { "/tmp", 01777 }, { "/mnt", 0755 },
		{ "/etc", 0755 }, { "/root", 0700 },
	};
	int error = 0;

	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(dirs); i++)
		error = vfs_kern_mkdir(dirs[i].path, dirs[i].mode);
	return error;
}

static void
vfs_shutdown(void)
{
	int error = vfs_sync_all();

	if (error)
		log_printf(LOG_ERR, "vfs: error %d while writing back", error);
}

static struct shutdown_hook vfs_shutdown_hook = { .sh_fn = vfs_shutdown };

static int
vfs_start(void)
{
	static int (*const parts[])(void) = {
		pagecache_boot, vnode_boot, namecache_boot, cwd_boot,
		vfs_mountroot, vfs_populate,
	};
	int error = 0;

	mount_boot();
	fstype_boot();
	vfile_boot();
	lockf_boot();
	rumpfs_boot();
	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(parts); i++)
		error = parts[i]();
	if (error)
		return error;
	specfs_start();
	hostfile_start();
	socknode_start();
	syscall_register(rump_sysent_vfs, rump_nsysent_vfs);
	shutdown_register(&vfs_shutdown_hook);
	return 0;
}

COMPONENT(vfs, COMPONENT_VFS, vfs_start);

int
rump_pub_fs_probe(const char *dev, struct rump_fsinfo *ret_info)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = fstype_probe(dev, ret_info);
	kcontext_leave();
	return error;
}

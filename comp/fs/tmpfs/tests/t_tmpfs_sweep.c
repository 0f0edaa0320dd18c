/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tmpfs_sweep.c - memory that fails
 */

#include "tmpfs_test.h"

#include <sys/mount.h>
#include <sys/xattr.h>

/* Each round of a sweep is the same small life of an instance. */
static int
small_life(void)
{
	int error = 0, fd;

	if (rump_sys_mount("tmpfs", "/mnt", "tmpfs", 0, "size=1m") == -1)
		return errno;
	if (rump_sys_mkdir("/mnt/d", 0755) == -1 ||
	    rump_sys_symlink("nowhere at all, with a name that is long",
	    "/mnt/d/a name that is longer than what fits into an entry") == -1 ||
	    (fd = rump_sys_open("/mnt/f", O_CREAT | O_RDWR, 0644)) == -1) {
		error = errno;
	} else {
		if (rump_sys_write(fd, "hello", 5) != 5 ||
		    rump_sys_fallocate(fd, 0, 0, 100000) == -1 ||
		    rump_sys_setxattr("/mnt/f", "user.x", "1", 1, 0) == -1 ||
		    rump_sys_rename("/mnt/f", "/mnt/d/another name that is "
		    "longer than what fits into an entry") == -1 ||
		    rump_sys_renameat2(AT_FDCWD, "/mnt/d", AT_FDCWD, "/mnt/e",
		    RENAME_WHITEOUT) == -1)
			error = errno;
		rump_sys_close(fd);
	}
	/* The failure may hit this one, but only once. */
	if (rump_sys_umount2("/mnt", 0) == -1) {
		CHECK_EQ("umount", ENOMEM, errno);
		error = errno;
		CHECK_EQ("umount", 0, rump_sys_umount2("/mnt", 0));
	}
	return error;
}

SWEEP(an_instance_survives_each_failed_allocation, FAULT_MEMORY)
{
	return small_life();
}

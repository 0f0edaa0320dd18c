/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_vfs_sweep.c - every allocation of the vfs fails once
 *
 * The bodies make all they need and take it down again, so that each round
 * meets the same allocations.
 */

#include "vfs_test.h"

#include <sys/file.h>
#include <sys/xattr.h>

/* The error of a step, told to the sweep; what was made is unmade first. */
#define STEP(call)	do { if ((call) == -1 && error == 0) error = errno; } while (0)

/* The failure may meet the clean-up; it comes only once. */
static void
umount_all(const char *path)
{
	int error = ERR(rump_sys_umount2(path, MNT_DETACH));

	if (error == ENOMEM)
		error = ERR(rump_sys_umount2(path, MNT_DETACH));
	CHECK_EQ(path, 0, error);
}

static int
names(void)
{
	char buf[256];
	int error = 0, fd;

	STEP(rump_sys_mount("x", "/mnt", "rumpfs", 0, ""));
	if (error)
		return error;
	STEP(rump_sys_mkdir("/mnt/d", 0755));
	STEP(fd = rump_sys_open("/mnt/d/f", O_CREAT | O_RDWR, 0644));
	if (error == 0)
		rump_sys_close(fd);
	if (error == 0)
		STEP(rump_sys_symlink("d/f", "/mnt/l"));
	if (error == 0)
		STEP(rump_sys_link("/mnt/d/f", "/mnt/g"));
	if (error == 0)
		STEP(rump_sys_rename("/mnt/d/f", "/mnt/h"));
	if (error == 0)
		STEP(rump_sys_readlink("/mnt/l", buf, sizeof(buf)));
	if (error == 0)
		STEP(rump_sys_unlink("/mnt/h"));
	umount_all("/mnt");
	return error;
}

TEST(names_survive_each_failed_allocation)
{
	fault_sweep(FAULT_MEMORY, names);
}

static int
places(void)
{
	char buf[256];
	int error = 0;

	STEP(rump_sys_chdir("/tmp"));
	if (error == 0 && rump_sys_getcwd(buf, sizeof(buf)) == NULL)
		error = errno;
	if (ERR(rump_sys_chdir("/")) == ENOMEM)
		CHECK_EQ("back", 0, rump_sys_chdir("/"));
	return error;
}

TEST(places_survive_each_failed_allocation)
{
	fault_sweep(FAULT_MEMORY, places);
}

static int
locks(void)
{
	struct flock fl = { .l_type = F_WRLCK };
	int error = 0, fd;

	STEP(rump_sys_mount("x", "/mnt", "rumpfs", 0, ""));
	if (error)
		return error;
	STEP(fd = rump_sys_open("/mnt/f", O_CREAT | O_RDWR, 0644));
	if (error == 0) {
		STEP(rump_sys_flock(fd, LOCK_EX));
		STEP(rump_sys_fcntl(fd, F_SETLK, (unsigned long)&fl));
		rump_sys_close(fd);
	}
	umount_all("/mnt");
	return error;
}

TEST(locks_survive_each_failed_allocation)
{
	fault_sweep(FAULT_MEMORY, locks);
}

static int
special_files(void)
{
	int error = 0, fd;

	STEP(rump_sys_mount("x", "/mnt", "rumpfs", 0, ""));
	if (error)
		return error;
	STEP(rump_sys_mkfifo("/mnt/p", 0644));
	if (error == 0) {
		STEP(fd = rump_sys_open("/mnt/p", O_RDWR));
		if (error == 0)
			rump_sys_close(fd);
	}
	if (error == 0) {
		STEP(fd = rump_sys_open("/dev/null", O_RDWR));
		if (error == 0)
			rump_sys_close(fd);
	}
	umount_all("/mnt");
	return error;
}

TEST(special_files_survive_each_failed_allocation)
{
	CHECK(exists("/dev/null"));	/* the name cache has it now */
	fault_sweep(FAULT_MEMORY, special_files);
}

static int
mounts(void)
{
	int error = 0;

	STEP(rump_sys_mount("x", "/mnt", "rumpfs", 0, ""));
	if (error)
		return error;
	STEP(rump_sys_mkdir("/mnt/a", 0755));
	if (error == 0)
		STEP(rump_sys_mkdir("/mnt/b", 0755));
	if (error == 0)
		STEP(rump_sys_mount("x", "/mnt/a", "rumpfs", 0, ""));
	if (error == 0)
		STEP(rump_sys_mount("/mnt", "/mnt/b", NULL, MS_BIND | MS_REC, NULL));
	if (error == 0) {
		STEP(rump_sys_mount("/mnt/a", "/tmp", NULL, MS_MOVE, NULL));
		if (error == 0)
			umount_all("/tmp");
	}
	umount_all("/mnt");
	return error;
}

TEST(mounts_survive_each_failed_allocation)
{
	fault_sweep(FAULT_MEMORY, mounts);
}

static int
attributes(void)
{
	char buf[64];
	int error = 0, fd;

	STEP(rump_sys_mount("x", "/mnt", "rumpfs", 0, ""));
	if (error)
		return error;
	STEP(fd = rump_sys_open("/mnt/f", O_CREAT | O_RDWR, 0644));
	if (error == 0) {
		rump_sys_close(fd);
		STEP(rump_sys_setxattr("/mnt/f", "user.a", "value", 5, 0));
		STEP(rump_sys_getxattr("/mnt/f", "user.a", buf, sizeof(buf)));
		STEP(rump_sys_listxattr("/mnt/f", buf, sizeof(buf)));
		STEP(rump_sys_chmod("/mnt/f", 0600));
		STEP(rump_sys_truncate("/mnt/f", 100));
	}
	umount_all("/mnt");
	return error;
}

TEST(attributes_survive_each_failed_allocation)
{
	fault_sweep(FAULT_MEMORY, attributes);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ext2_sweep.c - memory and disks that fail while an image is used
 *
 * Probing, mounting with a replay, walking over everything, unmounting: each
 * hypercall of a kind fails once, and is reported as what it was.
 */

#include "ext2_test.h"

#include <errno.h>
#include <string.h>

#include <rump/rump.h>
#include <rump/rumpsim.h>

#include <harness.h>

#define DISK	"sim:disk"
#define DEVICE	"/dev/test"

static int
small_life(void)
{
	struct rumpsim_disk *disk;
	struct rump_fsinfo info;
	int error, after;

	NEED(rumpsim_disk_create(DISK, 6 << 20, 512, &disk) == 0);
	NEED(rumpsim_disk_load(disk, ext2_image()) == 0);
	error = rump_pub_etfs_register_flags(DEVICE, DISK, RUMP_ETFS_BLK, 0,
	    RUMP_ETFS_SIZE_ENDOFF, RUMP_ETFS_RDONLY | RUMP_ETFS_NOPART);
	if (error == 0) {
		error = rump_pub_fs_probe(DEVICE, &info);
		if (error == 0)
			error = ext2_test_mount(DEVICE);
		if (error == 0) {
			error = ext2_test_walk("/mnt", NULL);
			/* The failure may hit these, but only once. */
			after = ext2_test_umount();
			if (after)
				CHECK_EQ("umount", 0, ext2_test_umount());
			error = error ? error : after;
		}
		after = rump_pub_etfs_remove(DEVICE);
		if (after)
			CHECK_EQ("remove", 0, rump_pub_etfs_remove(DEVICE));
		error = error ? error : after;
	}
	CHECK_EQ("disk", 0, rumpsim_disk_destroy(disk));
	return error;
}

TEST(an_image_is_walked_and_left_as_it_was)
{
	unsigned int files = 0;
	struct rumpsim_disk *disk;

	NEED(rumpsim_disk_create(DISK, 6 << 20, 512, &disk) == 0);
	NEED(rumpsim_disk_load(disk, ext2_image()) == 0);
	NEED(rump_pub_etfs_register_flags(DEVICE, DISK, RUMP_ETFS_BLK, 0,
	    RUMP_ETFS_SIZE_ENDOFF, RUMP_ETFS_RDONLY | RUMP_ETFS_NOPART) == 0);
	CHECK_EQ("mount", 0, ext2_test_mount(DEVICE));
	CHECK_EQ("walk", 0, ext2_test_walk("/mnt", &files));
	CHECK(files > EXT2_TEST_NAMES);
	CHECK_EQ("umount", 0, ext2_test_umount());
	CHECK_EQ("remove", 0, rump_pub_etfs_remove(DEVICE));
	CHECK_EQ("writes", 0, rumpsim_disk_points(disk));
	CHECK_EQ("disk", 0, rumpsim_disk_destroy(disk));
}

SWEEP_WITH(an_image_survives_each_failed_allocation, FAULT_MEMORY,
    .ht_flags = HARNESS_SIDE, .ht_seconds = 120)
{
	return small_life();
}

SWEEP_WITH(an_image_survives_each_failed_read, FAULT_IO,
    .ht_flags = HARNESS_SIDE, .ht_seconds = 120)
{
	return small_life();
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dev_component.c - the start of the dev faction, and its public functions
 * on disks
 */

#include <lib/string.h>
#include <rump/rump.h>
#include <sys/component.h>
#include <sys/errno.h>
#include <sys/kcontext.h>

#include "dev_impl.h"

static int
dev_start(void)
{
	static int (*const parts[])(void) = {
		blkdev_boot, blkqueue_boot, memdev_boot, etfs_boot,
	};
	int error = 0;

	for (size_t i = 0; error == 0 && i < ARRAY_SIZE(parts); i++)
		error = parts[i]();
	return error;
}

COMPONENT(dev, COMPONENT_DEV, dev_start);

static int
disk_partition(const char *dev, unsigned int index,
    struct rump_partinfo *ret_info)
{
	struct blkdev *bd, *part;
	int error;

	error = blkdev_open_path(dev, false, &bd);
	if (error)
		return error;
	error = blkdev_open_part(bd, index, &part);
	if (error == 0) {
		*ret_info = *part->bd_part;
		blkdev_close(part);
	}
	blkdev_close(bd);
	return error;
}

int
rump_pub_disk_partition(const char *dev, unsigned int index,
    struct rump_partinfo *ret_info)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = disk_partition(dev, index, ret_info);
	kcontext_leave();
	return error;
}

int
rump_pub_disk_size(const char *dev, uint64_t *ret_bytes, uint32_t *ret_secsize)
{
	struct blkdev *bd;
	int error = kcontext_enter();

	if (error)
		return error;
	error = blkdev_open_path(dev, false, &bd);
	if (error == 0) {
		*ret_bytes = bd->bd_size;
		*ret_secsize = bd->bd_secsize;
		blkdev_close(bd);
	}
	kcontext_leave();
	return error;
}

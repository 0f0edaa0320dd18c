/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_component.c - ext2, ext3 and ext4 as a component
 *
 * One implementation under the three names that mount(2) knows. The name
 * says nothing: what is read is decided by the features of the image.
 */

#include "ext2_impl.h"

#include <sys/component.h>

static struct fstype ext2_fstypes[] = {
	{ .ft_name = "ext4", .ft_mount = ext2_mount, .ft_probe = ext2_probe },
	{ .ft_name = "ext3", .ft_mount = ext2_mount },
	{ .ft_name = "ext2", .ft_mount = ext2_mount },
};

static int
ext2_attach(void)
{
	int error;

	error = ext2_inode_attach();
	for (size_t i = 0; i < ARRAY_SIZE(ext2_fstypes) && error == 0; i++)
		error = fstype_register(&ext2_fstypes[i]);
	return error;
}

COMPONENT(ext2, COMPONENT_FS, ext2_attach);

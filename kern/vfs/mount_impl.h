/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mount_impl.h - flags of umount2(2), which the UAPI headers lack
 */

#ifndef MOUNT_IMPL_H
#define MOUNT_IMPL_H

#define MNT_FORCE	0x01
#define MNT_DETACH	0x02
#define MNT_EXPIRE	0x04
#define UMOUNT_NOFOLLOW	0x08

#endif /* MOUNT_IMPL_H */

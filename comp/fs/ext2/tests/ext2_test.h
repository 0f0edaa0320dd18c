/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_test.h - a file system made by the real tools, for black-box tests
 *
 * It is made once, before the first test of a program, in a file that is
 * gone at the end; a program on a machine without e2fsprogs skips its tests.
 * It has blocks of 1 KiB, checksums, an indexed directory, inline data,
 * attributes in inodes, blocks and inodes of their own, a file in pieces, and
 * a journal to replay.
 */

#ifndef EXT2_TEST_H
#define EXT2_TEST_H

#define EXT2_TEST_NAMES	100	/* in /many: "name-000-and-more" .. */

/* The image, a path of the host. SKIPs if there is none. */
const char *ext2_image(void);

/* Mounts device at /mnt. An errno. */
int	ext2_test_mount(const char *device);
int	ext2_test_umount(void);

/*
 * Looks at everything below path by all calls there are. The first errno, or
 * 0; `ret_files` counts, also after an error, and may be NULL.
 */
int	ext2_test_walk(const char *path, unsigned int *ret_files);

#endif /* EXT2_TEST_H */

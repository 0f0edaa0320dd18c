/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_ext2_mix.c - many threads in one image, for the thread sanitizer
 */

#include "ext2_test.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include <harness.h>

#define NTHREADS	8
#define DEVICE		"/dev/test"

static void *
walker(void *arg)
{
	int *ret_error = arg;

	for (int i = 0; i < 3 && *ret_error == 0; i++)
		*ret_error = ext2_test_walk("/mnt", NULL);
	return NULL;
}

/* Names that are there and names that are not, in no order. */
static void *
seeker(void *arg)
{
	int *ret_error = arg;
	unsigned int at = (unsigned int)(uintptr_t)arg;
	struct stat st;
	char path[64];

	for (int i = 0; i < 2000 && *ret_error == 0; i++) {
		at = at * 1103515245 + 12345;
		snprintf(path, sizeof(path), "/mnt/many/name-%03u-and-more",
		    (at >> 16) % (2 * EXT2_TEST_NAMES));
		if (rump_sys_newfstatat(AT_FDCWD, path, &st, 0) == -1) {
			if (errno != ENOENT ||
			    (at >> 16) % (2 * EXT2_TEST_NAMES) <
			    EXT2_TEST_NAMES)
				*ret_error = errno;
		} else if ((at >> 16) % (2 * EXT2_TEST_NAMES) >=
		    EXT2_TEST_NAMES) {
			*ret_error = EEXIST;
		}
	}
	return NULL;
}

TEST_WITH(threads_do_not_disturb_each_other, .ht_flags = HARNESS_SIDE,
    .ht_seconds = 120)
{
	pthread_t thread[NTHREADS];
	int error[NTHREADS];

	NEED(rump_pub_etfs_register_flags(DEVICE, ext2_image(),
	    RUMP_ETFS_BLK, 0, RUMP_ETFS_SIZE_ENDOFF,
	    RUMP_ETFS_RDONLY | RUMP_ETFS_NOPART) == 0);
	NEED(ext2_test_mount(DEVICE) == 0);
	memset(error, 0, sizeof(error));
	for (int i = 0; i < NTHREADS; i++)
		NEED(pthread_create(&thread[i], NULL, i % 2 ? seeker : walker,
		    &error[i]) == 0);
	for (int i = 0; i < NTHREADS; i++) {
		pthread_join(thread[i], NULL);
		CHECK_EQ("thread", 0, error[i]);
	}
	CHECK_EQ("umount", 0, ext2_test_umount());
	CHECK_EQ("remove", 0, rump_pub_etfs_remove(DEVICE));
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * capfile.h - a capture's file on the host
 */

#ifndef NET_TESTS_CAPFILE_H
#define NET_TESTS_CAPFILE_H

#include <stddef.h>

const char *harness_capture_path(void);		/* nothing is there at first */
size_t	harness_capture_read(void *buf, size_t size);	/* and removes it */

#endif /* NET_TESTS_CAPFILE_H */

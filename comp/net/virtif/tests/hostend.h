/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostend.h - the other end of a link, in a test
 */

#ifndef VIRTIF_TESTS_HOSTEND_H
#define VIRTIF_TESTS_HOSTEND_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A pair of sockets: the link to give to the interface, and our end.  stream:
 * frames behind their length.
 */
const char *harness_end_open(bool stream);
void	harness_end_close(void);
void	harness_end_write(const void *data, size_t len);
/* All that is there, at most size bytes. */
size_t	harness_end_read(void *data, size_t size);

#endif /* VIRTIF_TESTS_HOSTEND_H */

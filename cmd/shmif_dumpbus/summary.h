/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * summary.h - a frame in one line
 */

#ifndef SHMIF_DUMPBUS_SUMMARY_H
#define SHMIF_DUMPBUS_SUMMARY_H

#include <stddef.h>
#include <stdint.h>

/* time is ns since 1970; data is at least an Ethernet header. */
void	summary_print(int64_t time, const uint8_t *data, size_t len);

#endif /* SHMIF_DUMPBUS_SUMMARY_H */

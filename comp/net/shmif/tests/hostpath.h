/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostpath.h - where a test's bus lies on the host
 */

#ifndef SHMIF_TESTS_HOSTPATH_H
#define SHMIF_TESTS_HOSTPATH_H

const char *harness_bus_path(void);	/* nothing is there at first */
void	harness_bus_remove(void);
int	harness_bus_truncate(void);

#endif /* SHMIF_TESTS_HOSTPATH_H */

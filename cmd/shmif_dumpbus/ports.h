/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ports.h - who is on a bus
 */

#ifndef SHMIF_DUMPBUS_PORTS_H
#define SHMIF_DUMPBUS_PORTS_H

#include <stdbool.h>

#include <shmbus.h>

void	ports_print(const struct shmbus *bus, bool json);

#endif /* SHMIF_DUMPBUS_PORTS_H */

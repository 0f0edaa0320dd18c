/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * raw_impl.h - raw and ping sockets
 */

#ifndef RAW_IMPL_H
#define RAW_IMPL_H

#include <net/inet.h>

#include "inet_dgram.h"

int	inet_raw_init(void);
int	ping_init(void);

#endif /* RAW_IMPL_H */

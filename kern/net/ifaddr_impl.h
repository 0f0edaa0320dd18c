/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifaddr_impl.h - addresses, and the routes that they bring
 */

#ifndef IFADDR_IMPL_H
#define IFADDR_IMPL_H

#include <net/route.h>

#include "net_impl.h"

/* A primary address of the same prefix on the same interface, other than ifa. */
struct ifaddr *ifaddr_primary(const struct ifaddr *ifa);

/*
 * ifaddr_route.c; ns_lock held.  Adding what is there already is fine; ENOMEM: some
 * may be there.  Removing comes after the address is out of the tables.
 */
int	ifaddr_routes_add(struct ifaddr *ifa);
void	ifaddr_routes_del(struct ifaddr *ifa);

#endif /* IFADDR_IMPL_H */

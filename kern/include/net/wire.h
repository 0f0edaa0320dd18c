/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * wire.h - a cable between two name spaces of one kernel
 */

#ifndef NET_WIRE_H
#define NET_WIRE_H

#include <net/ifnet.h>

/*
 * Two new Ethernet interfaces, attached and down; what one sends the other
 * receives.  They have a carrier while both are up, and go together.  Names
 * may hold %d.  ret_a, ret_b: each with a reference for the caller, NULL if
 * none is wanted.  No locks held.  EINVAL, EEXIST, ENOMEM.
 */
int	wire_create(struct netns *ns_a, const char *name_a, struct netns *ns_b,
	    const char *name_b, struct ifnet **ret_a, struct ifnet **ret_b);

#endif /* NET_WIRE_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * quiet.h - a name space that sends nothing of its own accord
 *
 * With IPv6 in the kernel an interface that comes up looks for routers and for its own
 * address.  Tests of what is below do not want to hear of that.
 */

#ifndef QUIET_H
#define QUIET_H

#include <net/netns.h>

extern struct netvar ip6_var_disable;		/* comp/net/inet6: disable_ipv6 */

static inline void
netns_quiet(struct netns *ns)
{
	(void)netvar_set(ns, &ip6_var_disable, 1);
}

#endif /* QUIET_H */

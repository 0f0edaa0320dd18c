/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * resolver.h - name servers that an interface was told of, whoever told it
 *
 * DHCP, DHCPv6 and routers each keep what they heard; this is where the program asks for
 * all of it (rump_pub_netconfig_resolvers()).  The kernel itself resolves no names.
 */

#ifndef NET_RESOLVER_H
#define NET_RESOLVER_H

#include <net/route.h>

#define RESOLVERS_MAX		8
#define RESOLVERS_NAMELEN	254	/* with the NUL */

struct resolvers {
	unsigned int	rv_n;
	struct {
		int		rv_family;
		struct inaddr	rv_addr;
	}		rv_server[RESOLVERS_MAX];
	char		rv_search[RESOLVERS_NAMELEN];	/* domains, with blanks between */
};

struct resolver_source {
	const char	*rs_name;
	/* Fills in what is good now, from zero; under ns_lock, must not sleep for long. */
	void		(*rs_get)(struct ifnet *, struct resolvers *ret_rv);
	struct resolver_source *rs_next;
};

/* At the component's start, for ever. */
void	resolver_source_register(struct resolver_source *rs);
/* What is too much is left out. */
void	resolvers_add(struct resolvers *rv, int family, const struct inaddr *addr);

#endif /* NET_RESOLVER_H */

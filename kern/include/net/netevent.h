/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netevent.h - changes of the configuration, for who wants to know
 *
 * rtnetlink's multicast groups, lagg, DHCP and the tools listen.  Called in the
 * order of the changes, under ns_lock except for neighbours, carrier and conflicts; must
 * not sleep for long nor change the configuration.
 */

#ifndef NET_NETEVENT_H
#define NET_NETEVENT_H

#include <lib/list.h>
#include <net/route.h>

enum netevent {
	NETEVENT_LINK_NEW,	/* ne_ifp; also any change of it */
	NETEVENT_LINK_DEL,
	NETEVENT_ADDR_NEW,	/* ne_ifa */
	NETEVENT_ADDR_DEL,
	NETEVENT_ROUTE_NEW,	/* ne_route */
	NETEVENT_ROUTE_DEL,
	NETEVENT_RULE_NEW,	/* ne_rule */
	NETEVENT_RULE_DEL,
	NETEVENT_NEIGH_NEW,	/* ne_neigh */
	NETEVENT_NEIGH_DEL,
	NETEVENT_NETNS_DEL,
	NETEVENT_ROUTER,	/* ne_ifp, ne_router: a router was heard */
	NETEVENT_CONFLICT,	/* ne_ifp, ne_addr: IPv4, used by another in spite of defence */
};

#define NETEVENT_ROUTER_MANAGED	0x1	/* addresses */
#define NETEVENT_ROUTER_OTHER	0x2	/* resolvers and the like */

struct netevent_info {
	struct netns	*ne_ns;
	struct ifnet	*ne_ifp;
	uint32_t	 ne_change;	/* LINK_NEW: IFF_* that changed; ~0: it is new */
	const struct ifaddr *ne_ifa;
	const struct rtconfig *ne_route;
	const struct rtrule *ne_rule;
	const struct neigh_info *ne_neigh;
	const struct inaddr *ne_addr;
	uint32_t	 ne_nlflags;	/* NLM_F_REPLACE and the like */
	uint32_t	 ne_router;	/* NETEVENT_ROUTER_*: what DHCPv6 has to offer there */
};

struct netevent_listener {
	void		(*nl_event)(enum netevent, const struct netevent_info *);
	struct list_node nl_link;
};

void	netevent_listen(struct netevent_listener *nl);
void	netevent_unlisten(struct netevent_listener *nl);
void	netevent_tell(enum netevent ev, const struct netevent_info *ne);

#endif /* NET_NETEVENT_H */

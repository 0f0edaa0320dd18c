/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtnl_impl.h - NETLINK_ROUTE: links, addresses, routes, neighbours, rules
 *
 * Each noun has a function that writes it as a message (rt*_put), for answers,
 * dumps and notifications alike, and functions for the requests about it.
 */

#ifndef NETLINK_RTNL_IMPL_H
#define NETLINK_RTNL_IMPL_H

#include <net/ifnet.h>
#include <net/route.h>

#include "netlink_impl.h"

/* What a type of request is served by. */
struct rtnl_op {
	int	(*ro_do)(struct nlreq *);	/* one; NULL: EOPNOTSUPP */
	int	(*ro_dump)(struct nlreq *);	/* all: calls nlreq_dump() */
	bool	ro_families;	/* one: of AF_INET or AF_INET6 only */
};

int	rtnl_getlink(struct nlreq *nr);
int	rtnl_dumplink(struct nlreq *nr);
int	rtnl_newlink(struct nlreq *nr);
int	rtnl_dellink(struct nlreq *nr);
int	rtnl_newaddr(struct nlreq *nr);
int	rtnl_deladdr(struct nlreq *nr);
int	rtnl_dumpaddr(struct nlreq *nr);
int	rtnl_getaddr(struct nlreq *nr);
int	rtnl_newroute(struct nlreq *nr);
int	rtnl_delroute(struct nlreq *nr);
int	rtnl_getroute(struct nlreq *nr);
int	rtnl_dumproute(struct nlreq *nr);
int	rtnl_newneigh(struct nlreq *nr);
int	rtnl_delneigh(struct nlreq *nr);
int	rtnl_getneigh(struct nlreq *nr);
int	rtnl_dumpneigh(struct nlreq *nr);
int	rtnl_newrule(struct nlreq *nr);
int	rtnl_delrule(struct nlreq *nr);
int	rtnl_dumprule(struct nlreq *nr);
int	rtnl_getnetconf(struct nlreq *nr);
int	rtnl_dumpnetconf(struct nlreq *nr);
int	rtnl_getnsid(struct nlreq *nr);

/* Writers.  Nothing is read that may change under them but by ns_lock or atomically. */
void	rtlink_put(struct nlbuf *nb, const struct nlhead *head, struct ifnet *ifp,
	    uint32_t change);
void	rtaddr_put(struct nlbuf *nb, const struct nlhead *head, const struct ifaddr *ifa);
void	rtroute_put(struct nlbuf *nb, const struct nlhead *head, const struct rtconfig *rc);
void	rtgateway_put(struct nlbuf *nb, int family, const struct rthop *hop);
void	rtneigh_put(struct nlbuf *nb, const struct nlhead *head, const struct neigh_info *ni);
void	rtrule_put(struct nlbuf *nb, const struct nlhead *head, struct netns *ns,
	    const struct rtrule *rr);

/* Parsers (rtparse_wire.c): an address of the family, or EINVAL. */
int	rtaddr_view(int family, struct nlview v, struct inaddr *ret_addr);
size_t	rtaddr_len(int family);		/* 4, 16; 0: no family we know */
/* RTA_METRICS, RTA_MULTIPATH. */
int	rtmetrics_parse(struct nlview v, struct rtconfig *rc, struct nlerr *err);
int	rthops_parse(int family, struct nlview v, struct rtconfig *rc, struct nlerr *err);
int	rtvia_parse(struct nlview v, struct rthop *hop);
/* Clears the bits of a past the prefix; true if there were any. */
bool	rtaddr_mask(struct inaddr *a, int family, unsigned int plen);

/* Configuration is changed between these two: ns_lock, and who did it is known. */
void	rtnl_begin(struct nlreq *nr);
void	rtnl_end(struct nlreq *nr);

#endif /* NETLINK_RTNL_IMPL_H */

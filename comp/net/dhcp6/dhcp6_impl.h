/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_impl.h - DHCPv6 clients of interfaces, as the files of the component see them
 *
 * One client an interface: its list, its work and its end are an ifclient's, see
 * <net/ifclient.h> for life cycle and locks.  It begins by a user's or a router's word,
 * and speaks once the interface has a link-local address that is known to be unique.  If
 * its user ends it addresses are given back first; if its interface goes no answer
 * is waited for.
 */

#ifndef DHCP6_IMPL_H
#define DHCP6_IMPL_H

#include <net/ifclient.h>
#include <net/route.h>

#include "dhcp6_fsm.h"

/*
 * Field key:	l  cs_lock	w  the queue's thread only	d  ic_lock
 */
struct dhcp6_client {
	struct ifclient	 dc_ic;
	bool		 dc_manage;	/* l: addresses are wanted by now */
	bool		 dc_ending;	/* w */
	uint32_t	 dc_xid;	/* l: what to listen for */

	struct dhcp6_fsm dc_fsm;	/* w */
	struct dhcp6_act dc_act;	/* w */
	struct dhcp6_msg dc_msg;	/* w */
	unsigned int	 dc_nours;	/* w: addresses that we gave the interface */
	struct inaddr	 dc_ours[DHCP6_NADDRS];	/* w */

	enum dhcp6_state dc_state;	/* d */
	struct dhcp6_lease dc_lease;	/* d */
	struct dhcp6_duid dc_server;	/* d */
};

static inline struct ifclient_set *
dhcp6_set(const struct netns *ns)
{
	return netns_data(ns, NETNS_SLOT_DHCP6);
}

/* The same client; NULL stays NULL. */
static inline struct dhcp6_client *
dhcp6_of(struct ifclient *ic)
{
	return ic != NULL ? container_of(ic, struct dhcp6_client, dc_ic) : NULL;
}

/* dhcp6_client.c */
/*
 * Referenced.  EEXIST: then *ret_dc is the one that runs, which asks for addresses
 * from now on if managed.  EBUSY: one is ending.  ENODEV, EOPNOTSUPP (no Ethernet, no
 * IPv6), ENOMEM.
 */
int	dhcp6_client_start(struct netns *ns, const char *ifname, bool managed,
	    struct dhcp6_client **ret_dc);
/* Until it has addresses; information, unless managed.  ETIMEDOUT, EINTR, why it ended. */
int	dhcp6_client_wait(struct dhcp6_client *dc, bool managed, int64_t deadline);
/* A router said M or O: a client is there from now on. */
void	dhcp6_client_advised(struct ifnet *ifp, bool managed);

/* dhcp6_input.c */
struct packet;
bool	dhcp6_input(struct ifnet *ifp, const struct packet *p);

/* dhcp6_output.c */
void	dhcp6_send(struct dhcp6_client *dc, const struct dhcp6_msg *dm);

/* dhcp6_config.c: ns_lock not held. */
bool	dhcp6_linklocal(struct dhcp6_client *dc, struct inaddr *ret_a);	/* one to send from */
int	dhcp6_sync(struct dhcp6_client *dc);		/* as the lease says */
void	dhcp6_unsync(struct dhcp6_client *dc);		/* nothing is left */
enum dhcp6_probe { DHCP6_PROBE_OPEN, DHCP6_PROBE_UNIQUE, DHCP6_PROBE_DUPLICATE };
enum dhcp6_probe dhcp6_probe(struct dhcp6_client *dc, const struct inaddr *addr);

extern struct netvar dhcp6_var_auto, dhcp6_var_rapid;

#endif /* DHCP6_IMPL_H */

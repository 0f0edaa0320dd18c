/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_impl.h - DHCP clients of interfaces, as the files of the component see them
 *
 * One client an interface: its list, its work and its end are an ifclient's, see
 * <net/ifclient.h> for life cycle and locks.  Whether its user wants it to end or its
 * interface goes is the same to it.
 */

#ifndef DHCP_IMPL_H
#define DHCP_IMPL_H

#include <net/ifclient.h>
#include <net/route.h>

#include "dhcp_fsm.h"

/* What a client has configured. */
struct dhcp_config {
	bool		 dg_addr_set;	/* the address is there, and ours */
	struct inaddr	 dg_addr;
	uint8_t		 dg_plen;
	uint32_t	 dg_mtu, dg_mtu_was;	/* 0: left as it was */
	unsigned int	 dg_nroutes;
	struct rtconfig	 dg_route[DHCP_NROUTES];
};

/*
 * Field key:	l  cs_lock	w  the queue's thread only	d  ic_lock
 */
struct dhcp_client {
	struct ifclient	 dc_ic;
	uint32_t	 dc_xid;	/* l: what to listen for */
	uint32_t	 dc_watch;	/* l: address whose other users count; 0: none */
	uint32_t	 dc_defend;	/* l: ours; another that keeps using it counts */
	bool		 dc_conflict;	/* l */

	struct dhcp_fsm	 dc_fsm;	/* w */
	struct dhcp_act	 dc_act;	/* w */
	struct dhcp_msg	 dc_msg;	/* w */
	struct dhcp_config dc_config;	/* w */

	enum dhcp_state	 dc_state;	/* d */
	struct dhcp_lease dc_lease;	/* d: if bound */
};

static inline struct ifclient_set *
dhcp_set(const struct netns *ns)
{
	return netns_data(ns, NETNS_SLOT_DHCP);
}

/* The same client; NULL stays NULL. */
static inline struct dhcp_client *
dhcp_of(struct ifclient *ic)
{
	return ic != NULL ? container_of(ic, struct dhcp_client, dc_ic) : NULL;
}

/* dhcp_client.c */
/*
 * Referenced.  EEXIST: then *ret_dc is the one that runs.  EBUSY: one is ending, or the
 * interface is part of a bridge.  ENODEV, EOPNOTSUPP (no Ethernet), ENOMEM.
 */
int	dhcp_client_start(struct netns *ns, const char *ifname, struct dhcp_client **ret_dc);
/* Until it has a lease.  ETIMEDOUT, EINTR, why it ended. */
int	dhcp_client_wait(struct dhcp_client *dc, int64_t deadline);
/* Another host uses the address, and defence was of no use. */
void	dhcp_client_conflict(struct ifnet *ifp, uint32_t addr);

/* dhcp_input.c */
bool	dhcp_input_hook(struct ifnet *ifp, struct packet *p);

/* dhcp_output.c */
void	dhcp_send(struct dhcp_client *dc, const struct dhcp_act *act);
void	dhcp_send_probe(struct dhcp_client *dc);

/* dhcp_config.c: ns_lock not held. */
int	dhcp_configure(struct dhcp_client *dc);		/* as the lease says; all or nothing */
void	dhcp_unconfigure(struct dhcp_client *dc);

extern struct netvar dhcp_probe_ms;

#endif /* DHCP_IMPL_H */

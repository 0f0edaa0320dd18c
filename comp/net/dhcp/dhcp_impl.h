/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp_impl.h - DHCP clients of interfaces, as the files of the component see them
 *
 * One client an interface.  All it does, but hearing, it does on the one thread of
 * its name space's queue: so its state machine and what it configured need no lock
 * of their own, and it may sleep.
 *
 * Life cycle
 *	dhcp_client_start()	listed, its first work queued
 *	dc_stop			asked to end: by its user, by its interface's or its
 *				name space's going; set under the list's lock
 *	dc_dead			unlisted, silent, nothing configured any more; the work
 *				that sees it drops the list's reference
 *	The last dhcp_client_rele() frees it.
 *
 * Locking
 *	ns_lock -> dn_lock -> queue.  dn_lock is never held while something
 *	is waited for but memory without sleep.
 *	dc_lock is for who asks how it stands: nothing is taken under it.
 */

#ifndef DHCP_IMPL_H
#define DHCP_IMPL_H

#include <net/ifnet.h>
#include <net/netns.h>
#include <net/route.h>
#include <sys/condvar.h>
#include <sys/ktime.h>
#include <sys/mutex.h>

#include "dhcp_fsm.h"

#define DHCP_INBOX	32		/* messages that wait; more are lost */

/* Of a name space: NETNS_SLOT_DHCP. */
struct dhcp_netns {
	struct workqueue *dn_queue;	/* c: one thread */
	kmutex_t	 dn_lock;
	struct list	 dn_clients;	/* dn_lock */
};

/* A message that was heard. */
struct dhcp_heard {
	struct list_node dh_link;
	size_t		 dh_len;
	uint8_t		 dh_data[];
};

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
 * Field key:	c  constant since start	l  dn_lock	w  the queue's thread only
 *		d  dc_lock	a  atomic
 */
struct dhcp_client {
	struct list_node dc_link;	/* l */
	struct dhcp_netns *dc_home;	/* c */
	struct netns	*dc_ns;		/* c: not referenced, it ends us */
	struct ifnet	*dc_ifp;	/* c: referenced */
	unsigned int	 dc_refs;	/* a */
	bool		 dc_stop;	/* l */
	bool		 dc_dead;	/* w */
	struct work	 dc_work;
	struct callout	 dc_timer;

	/* What was heard. */
	uint32_t	 dc_xid;	/* l: what to listen for */
	uint32_t	 dc_watch;	/* l: address whose other users count; 0: none */
	uint32_t	 dc_defend;	/* l: ours; another that keeps using it counts */
	bool		 dc_listening;	/* l */
	bool		 dc_conflict;	/* l */
	unsigned int	 dc_nheard;	/* l */
	struct list	 dc_heard;	/* l */

	struct dhcp_fsm	 dc_fsm;	/* w */
	struct dhcp_act	 dc_act;	/* w */
	struct dhcp_msg	 dc_msg;	/* w */
	struct dhcp_config dc_config;	/* w */

	kmutex_t	 dc_lock;
	kcondvar_t	 dc_cv;		/* something of these changed */
	enum dhcp_state	 dc_state;	/* d */
	bool		 dc_over;	/* d */
	int		 dc_error;	/* d: why it is over */
	struct dhcp_lease dc_lease;	/* d: if bound */
};

/* dhcp_client.c */
/*
 * Referenced.  EEXIST: then *ret_dc is the one that runs.  EBUSY: one is ending, or the
 * interface is part of a bridge.  ENODEV, EOPNOTSUPP (no Ethernet), ENOMEM.
 */
int	dhcp_client_start(struct netns *ns, const char *ifname, struct dhcp_client **ret_dc);
struct dhcp_client *dhcp_client_find(struct netns *ns, const char *ifname);	/* referenced */
void	dhcp_client_rele(struct dhcp_client *dc);
/* Gives the lease back; returns when all is undone. */
void	dhcp_client_stop(struct dhcp_client *dc);
/* Until it has a lease.  ETIMEDOUT, EINTR, why it ended. */
int	dhcp_client_wait(struct dhcp_client *dc, int64_t deadline);
/* dn_lock held: there is something to do. */
void	dhcp_client_poke_locked(struct dhcp_client *dc);
void	dhcp_client_ifgone(struct ifnet *ifp);	/* ns_lock held */
/* Another host uses the address, and defence was of no use. */
void	dhcp_client_conflict(struct ifnet *ifp, uint32_t addr);
void	dhcp_client_netns_exit(struct dhcp_netns *dn);	/* ends all */

/* dhcp_input.c */
bool	dhcp_input_hook(struct ifnet *ifp, struct packet *p);
struct dhcp_heard *dhcp_heard_get(struct dhcp_client *dc);	/* NULL: nothing more */
void	dhcp_heard_free(struct dhcp_heard *dh);

/* dhcp_output.c */
void	dhcp_send(struct dhcp_client *dc, const struct dhcp_act *act);
void	dhcp_send_probe(struct dhcp_client *dc);

/* dhcp_config.c: ns_lock not held. */
int	dhcp_configure(struct dhcp_client *dc);		/* as the lease says; all or nothing */
void	dhcp_unconfigure(struct dhcp_client *dc);

extern struct netvar dhcp_probe_ms;

#endif /* DHCP_IMPL_H */

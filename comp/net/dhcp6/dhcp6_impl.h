/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_impl.h - DHCPv6 clients of interfaces, as the files of the component see them
 *
 * One client an interface.  All it does, but hearing, it does on the one thread of
 * its name space's queue: so its state machine and what it configured need no lock
 * of their own, and it may sleep.
 *
 * Life cycle
 *	dhcp6_client_start(), or a router's word
 *			listed, its first work queued; it speaks once the interface has
 *			a link-local address that is known to be unique
 *	dc_stop		asked to end by its user: addresses are given back first
 *	dc_abort	its interface or its name space goes: no answer is waited for
 *	dc_dead		unlisted, silent, nothing configured any more; the work
 *			that sees it drops the list's reference
 *	The last dhcp6_client_rele() frees it.
 *
 * Locking
 *	ns_lock -> dn_lock -> queue.  dn_lock is never held while something
 *	is waited for but memory without sleep.
 *	dc_lock is for who asks how it stands: nothing is taken under it.
 */

#ifndef DHCP6_IMPL_H
#define DHCP6_IMPL_H

#include <net/ifnet.h>
#include <net/netns.h>
#include <net/route.h>
#include <sys/condvar.h>
#include <sys/ktime.h>
#include <sys/mutex.h>

#include "dhcp6_fsm.h"

#define DHCP6_INBOX	32		/* messages that wait; more are lost */

/* Of a name space: NETNS_SLOT_DHCP6. */
struct dhcp6_netns {
	struct workqueue *dn_queue;	/* c: one thread */
	kmutex_t	 dn_lock;
	struct list	 dn_clients;	/* dn_lock */
	bool		 dn_dying;	/* dn_lock: no new ones */
};

/* A message that was heard. */
struct dhcp6_heard {
	struct list_node dh_link;
	size_t		 dh_len;
	uint8_t		 dh_data[];
};

/*
 * Field key:	c  constant since start	l  dn_lock	w  the queue's thread only
 *		d  dc_lock	a  atomic
 */
struct dhcp6_client {
	struct list_node dc_link;	/* l */
	struct dhcp6_netns *dc_home;	/* c */
	struct netns	*dc_ns;		/* c: not referenced, it ends us */
	struct ifnet	*dc_ifp;	/* c: referenced */
	unsigned int	 dc_refs;	/* a */
	bool		 dc_stop;	/* l */
	bool		 dc_abort;	/* l */
	bool		 dc_manage;	/* l: addresses are wanted by now */
	bool		 dc_ending;	/* w */
	bool		 dc_dead;	/* w */
	struct work	 dc_work;
	struct callout	 dc_timer;

	/* What was heard. */
	uint32_t	 dc_xid;	/* l: what to listen for */
	bool		 dc_listening;	/* l */
	unsigned int	 dc_nheard;	/* l */
	struct list	 dc_heard;	/* l */

	struct dhcp6_fsm dc_fsm;	/* w */
	struct dhcp6_act dc_act;	/* w */
	struct dhcp6_msg dc_msg;	/* w */
	unsigned int	 dc_nours;	/* w: addresses that we gave the interface */
	struct inaddr	 dc_ours[DHCP6_NADDRS];	/* w */

	kmutex_t	 dc_lock;
	kcondvar_t	 dc_cv;		/* something of these changed */
	enum dhcp6_state dc_state;	/* d */
	bool		 dc_over;	/* d */
	int		 dc_error;	/* d: why it is over */
	struct dhcp6_lease dc_lease;	/* d */
	struct dhcp6_duid dc_server;	/* d */
};

/* dhcp6_client.c */
/*
 * Referenced.  EEXIST: then *ret_dc is the one that runs, which asks for addresses
 * from now on if managed.  EBUSY: one is ending.  ENODEV, EOPNOTSUPP (no Ethernet, no
 * IPv6), ENOMEM.
 */
int	dhcp6_client_start(struct netns *ns, const char *ifname, bool managed,
	    struct dhcp6_client **ret_dc);
struct dhcp6_client *dhcp6_client_find(struct netns *ns, const char *ifname); /* referenced */
void	dhcp6_client_rele(struct dhcp6_client *dc);
/* Gives the addresses back; returns when the server knows, or does not answer. */
void	dhcp6_client_stop(struct dhcp6_client *dc);
/* Until it has addresses; information, unless managed.  ETIMEDOUT, EINTR, why it ended. */
int	dhcp6_client_wait(struct dhcp6_client *dc, bool managed, int64_t deadline);
/* dn_lock held: there is something to do. */
void	dhcp6_client_poke_locked(struct dhcp6_client *dc);
/* ns_lock held. */
void	dhcp6_client_ifgone(struct ifnet *ifp);
void	dhcp6_client_ifchanged(struct ifnet *ifp);
/* A router said M or O: a client is there from now on. */
void	dhcp6_client_advised(struct ifnet *ifp, bool managed);
void	dhcp6_client_netns_exit(struct dhcp6_netns *dn);	/* ends all */
struct dhcp6_client *dhcp6_client_of_locked(struct dhcp6_netns *dn, const struct ifnet *ifp);

/* dhcp6_input.c */
struct packet;
bool	dhcp6_input(struct ifnet *ifp, const struct packet *p);
struct dhcp6_heard *dhcp6_heard_get(struct dhcp6_client *dc);	/* NULL: nothing more */
void	dhcp6_heard_free(struct dhcp6_heard *dh);

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

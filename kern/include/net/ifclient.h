/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifclient.h - clients of interfaces: who asks servers of a link for something
 *
 * A protocol like DHCP has one client an interface.  All that a client does, but hearing,
 * it does on the one thread of its name space's queue: so its state machine and what it
 * configured need no lock of their own, and it may sleep.  The protocol embeds struct
 * ifclient in its own structure and brings the work; this is the rest.
 *
 * Life cycle
 *	ifclient_enlist_locked()  listed, with one reference, the list's
 *	ic_stop		asked to end by its user
 *	ic_abort	asked to end by its interface's or its name space's going
 *	ifclient_end()	unlisted; called by the protocol's work, which does not run again:
 *			what was queued meanwhile drops the list's reference
 *	The last ifclient_rele() calls ico_free.
 *
 * Locking
 *	ns_lock -> cs_lock -> queue.  cs_lock is never held while something
 *	is waited for but memory without sleep.
 *	ic_lock is for who asks how it stands: nothing is taken under it.
 */

#ifndef NET_IFCLIENT_H
#define NET_IFCLIENT_H

#include <lib/list.h>
#include <net/ifnet.h>
#include <net/netns.h>
#include <sys/condvar.h>
#include <sys/ktime.h>
#include <sys/mutex.h>

#define IFCLIENT_INBOX	32		/* messages that wait; more are lost */

struct ifclient;

struct ifclient_ops {
	const char	*ico_name;	/* of ic_lock, too */
	/* The work: on the queue's thread, no lock held; may sleep. */
	void		(*ico_work)(struct ifclient *);
	void		(*ico_free)(struct ifclient *);
};

/* A protocol's clients in a name space; in its slot. */
struct ifclient_set {
	struct workqueue *cs_queue;	/* c: one thread */
	kmutex_t	 cs_lock;
	struct list	 cs_clients;	/* cs_lock */
	bool		 cs_dying;	/* cs_lock: no new ones */
};

/* A message that was heard. */
struct ifclient_heard {
	struct list_node ch_link;
	size_t		 ch_len;
	uint8_t		 ch_data[];
};

/*
 * Field key:	c  constant since start	l  cs_lock	w  the queue's thread only
 *		d  ic_lock	a  atomic
 */
struct ifclient {
	struct list_node ic_link;	/* l */
	const struct ifclient_ops *ic_ops;	/* c */
	struct ifclient_set *ic_set;	/* c */
	struct netns	*ic_ns;		/* c: not referenced, it ends us */
	struct ifnet	*ic_ifp;	/* c: referenced */
	unsigned int	 ic_refs;	/* a */
	bool		 ic_stop;	/* l */
	bool		 ic_abort;	/* l */
	bool		 ic_listening;	/* l: what comes is for us */
	bool		 ic_dead;	/* w */
	struct work	 ic_work;
	struct callout	 ic_timer;	/* its turn queues the work */
	unsigned int	 ic_nheard;	/* l */
	struct list	 ic_heard;	/* l */

	kmutex_t	 ic_lock;
	kcondvar_t	 ic_cv;		/* something that is read under ic_lock changed */
	bool		 ic_over;	/* d */
	int		 ic_error;	/* d: why it is over */
};

/* --- the set of a name space: for struct netns_ops ------------------------------- */

int	ifclient_set_create(const char *name, void **ret_data);	/* ENOMEM, EAGAIN */
void	ifclient_set_exit(struct netns *ns, void *data);	/* ends all */
void	ifclient_set_fini(struct netns *ns, void *data);

/* --- one client ------------------------------------------------------------------- */

/* A client of ifp, which is referenced from now on; nobody sees it yet. */
void	ifclient_init(struct ifclient *ic, const struct ifclient_ops *ops,
	    struct ifclient_set *cs, struct ifnet *ifp);
/* 0: there is none and may be one.  EEXIST: *ret_ic.  EBUSY: one ends.  ENODEV: all do. */
int	ifclient_look_locked(struct ifclient_set *cs, const struct ifnet *ifp,
	    struct ifclient **ret_ic) REQUIRES(cs->cs_lock);
void	ifclient_enlist_locked(struct ifclient *ic);	/* cs_lock held */
/* The listed one of an interface, or NULL. */
struct ifclient *ifclient_of_locked(struct ifclient_set *cs, const struct ifnet *ifp)
	    REQUIRES(cs->cs_lock);
struct ifclient *ifclient_find(struct ifclient_set *cs, const char *ifname); /* referenced */
void	ifclient_hold(struct ifclient *ic);
void	ifclient_rele(struct ifclient *ic);

/* There is something to do; cs_lock held. */
void	ifclient_poke_locked(struct ifclient *ic);
/* The same to an interface's client, if there is one; cs may be NULL. */
void	ifclient_poke(struct ifclient_set *cs, struct ifnet *ifp, bool abort);
/* One of the fields l, of the protocol's too; cleared if clear. */
bool	ifclient_asked(struct ifclient *ic, bool *flag, bool clear);

/* By the work: nothing is configured any more. */
void	ifclient_end(struct ifclient *ic, int error);
/* By users: asks it to, and waits until it has ended. */
void	ifclient_stop(struct ifclient *ic);
/* The same by name, in the caller's name space.  ENOENT */
int	ifclient_stop_byname(enum netns_slot slot, const char *ifname);

/* --- what it hears ------------------------------------------------------------------ */

/* cs_lock held.  Room for a message, which wakes it; NULL: it is as if the link had lost it. */
uint8_t	*ifclient_hear_locked(struct ifclient *ic, size_t len);
struct ifclient_heard *ifclient_heard_get(struct ifclient *ic);	/* NULL: nothing more */
void	ifclient_heard_free(struct ifclient_heard *ch);

#endif /* NET_IFCLIENT_H */

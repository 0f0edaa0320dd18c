/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * neigh_impl.h - neighbours: what their files share
 *
 *	neigh.c		the table: finding and making
 *	neigh_gc.c	collecting and flushing
 *	neigh_state.c	the states of RFC 4861 section 7.3
 *	neigh_output.c	sending to a neighbour
 *	neigh_config.c	what netlink and ioctls ask for
 */

#ifndef NEIGH_IMPL_H
#define NEIGH_IMPL_H

#include <linux/neighbour.h>
#include <net/netevent.h>
#include <net/route.h>
#include <sys/ktime.h>
#include <sys/socket.h>

#include "net_impl.h"
#include "route_impl.h"

#define NEIGH_BUCKETS	256
#define NEIGH_HDRLEN	14		/* what fits n_hdr */

/*
 * Field key:	c  constant since creation	a  atomic	n  n_lock
 *		q  under nn_lock, read lock-free
 */
struct neigh {
	struct neigh	*n_next;	/* q */
	struct neigh	*n_taken;	/* of who takes several out of the table */
	unsigned int	 n_refs;	/* a: the table's, timer's, users' */
	uint32_t	 n_ready;	/* a: n_hdr may be used without looking further */
	uint32_t	 n_seq;		/* a: odd while n_hdr changes */
	uint64_t	 n_hdr[2];	/* a: L2 header, good if n_seq stood still */
	uint32_t	 n_touched;	/* a: was sent to since somebody looked */
	uint32_t	 n_confirm;	/* a: was confirmed since somebody looked */
	struct ifnet	*n_ifp;		/* c: referenced */
	const struct neigh_family *n_nf;	/* c */
	int		 n_family;	/* c */
	struct inaddr	 n_addr;	/* c */

	kmutex_t	 n_lock;
	uint16_t	 n_state;	/* n; read atomically: NUD_* */
	uint8_t		 n_flags;	/* n: NTF_* */
	bool		 n_dead;	/* n: out of the table */
	bool		 n_armed;	/* n: the timer has a reference */
	uint32_t	 n_probes;	/* n: sent in this state */
	uint8_t		 n_lladdr[IF_LLADDR];	/* n */
	uint8_t		 n_addrlen;	/* n: 0: not known */
	int64_t		 n_confirmed, n_used, n_updated;	/* n */
	struct packetq	 n_q;		/* n: waits for the address */
	size_t		 n_qbytes;	/* n */
	struct callout	 n_callout;
	struct qsbr_head n_qsbr;
};

#define NUD_VALID	(NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | \
			NUD_NOARP | NUD_PERMANENT)

struct netns_neigh {
	kmutex_t	 nn_lock;	/* the table */
	struct neigh	*nn_hash[NEIGH_BUCKETS];	/* q */
	unsigned int	 nn_count[2];	/* nn_lock: by family_index() */
	struct callout	 nn_gc;
	bool		 nn_gcarmed;	/* nn_lock */
	bool		 nn_ending;	/* nn_lock */
};

static inline struct netns_neigh *
netns_neigh(const struct netns *ns)
{
	return netns_data(ns, NETNS_SLOT_NEIGH);
}

/* Settings of each family, by family_index(). */
extern struct netvar neigh_thresh[2][3];	/* gc_thresh1 .. 3 */
extern struct netvar neigh_reachable[2];	/* ms */
extern struct netvar neigh_retrans[2];		/* ms */
extern struct netvar neigh_qbytes[2];

/* --- the table ------------------------------------------------------------------- */

struct neigh *neigh_find(struct ifnet *ifp, int family, const struct inaddr *addr);
static inline void
neigh_hold(struct neigh *n)
{
	__atomic_fetch_add(&n->n_refs, 1, __ATOMIC_RELAXED);
}
/* Out of the table and dead; false: there is none. */
bool	neigh_remove(struct ifnet *ifp, int family, const struct inaddr *addr);

/* neigh_gc.c: takes *link out; n_lock is not held. */
void	neigh_unlink_locked(struct netns_neigh *nn, struct neigh **link) REQUIRES(nn->nn_lock);
/* All of a family (0: both) that were of no use since stale ago. */
void	neigh_collect(struct netns_neigh *nn, int family, int64_t stale);
/* Collects now and then, as long as there are any. */
void	neigh_gc_arm_locked(struct netns_neigh *nn) REQUIRES(nn->nn_lock);
void	neigh_gc_timer(void *arg);

/* --- the states ------------------------------------------------------------------ */

/* What is to be done once n_lock is left. */
struct neigh_todo {
	bool		 nt_solicit;
	bool		 nt_unicast;
	bool		 nt_told;	/* tell nt_event */
	enum netevent	 nt_event;
	struct neigh_info nt_info;
	struct inaddr	 nt_src;	/* of who wants to know; 0: nobody */
	uint8_t		 nt_lladdr[IF_LLADDR];
	struct packetq	 nt_send;	/* with L2 header already */
	struct packetq	 nt_fail;
};

void	neigh_info_locked(const struct neigh *n, struct neigh_info *ni) REQUIRES(n->n_lock);
void	neigh_timer(void *arg);
/* The one setter of n_state. */
void	neigh_setstate_locked(struct neigh *n, uint16_t state, struct neigh_todo *nt)
	    REQUIRES(n->n_lock);
void	neigh_setlladdr_locked(struct neigh *n, const uint8_t *lladdr, struct neigh_todo *nt)
	    REQUIRES(n->n_lock);
/* A packet wants to go and n is not ready: puts it into nt or into n_q. */
void	neigh_want_locked(struct neigh *n, struct packet *p, struct neigh_todo *nt)
	    REQUIRES(n->n_lock);
/* What waited may go. */
void	neigh_release_locked(struct neigh *n, struct neigh_todo *nt) REQUIRES(n->n_lock);
void	neigh_todo_init(struct neigh_todo *nt);
void	neigh_todo_run(struct neigh *n, struct neigh_todo *nt);
/* It left the table: no timer, nothing waits.  Consumes the table's reference. */
void	neigh_kill(struct neigh *n);

/* neigh_output.c: p consumed if there is no headroom (false). */
bool	neigh_header(struct neigh *n, struct packet *p, const uint64_t hdr[2]);
void	neigh_hdr_read(struct neigh *n, uint64_t hdr[2]);

#endif /* NEIGH_IMPL_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifnet.h - network interfaces
 *
 * An interface joins a driver (shmif, virtif, wire, lo, lagg ...) to the
 * stack.  Down: if_transmit() hands a queue of packets, L2 header in place,
 * through capture, link conditions and, where the driver lacks a capability,
 * checksum and segmentation in software, to ifo_xmit.  Up: a driver hands what
 * it found to if_input(), which runs the stack to completion on the calling
 * thread.
 *
 * Driving.  A driver that can be polled (ifo_poll) has no receive path of its
 * own: whoever has time drives it.  A thread about to sleep for a socket polls
 * the interfaces of its name space for a bounded while and then may sleep *in*
 * the driver (ifo_sleep), so that a frame wakes the very thread that waits for
 * it.  When nobody does, the interface's own thread sleeps there.
 * See kern/net/ifdrive.c.
 *
 * Life cycle: if_alloc(), if_attach() (appears, down), IFF_UP set and cleared by
 * if_setflags(), if_detach() (vanishes; waits for users), freed with the last
 * reference.  Look-ups are lock-free; if_hold() what is kept across a sleep.
 *
 * Locking: ns_lock for configuration, if_drive (a try-lock) for polling.  No
 * lock is held on entry to ifo_xmit and if_input(), and no lock of a socket
 * may be held by who calls if_transmit() or any output function above it.
 */

#ifndef NET_IFNET_H
#define NET_IFNET_H

#include <lib/list.h>
#include <linux/if.h>
#include <net/netns.h>
#include <net/packet.h>
#include <sys/kvar.h>
#include <sys/mutex.h>
#include <sys/qsbr.h>
#include <sys/types.h>

struct ifaddr;
struct ifdrive;
struct ifmaddr;
struct ifnet;
struct iftap;
struct linkcond;

#define IF_LLADDR	32		/* longest link-layer address: MAX_ADDR_LEN */
#define IF_MTU_MIN	68
#define IF_MTU_MAX	65535

/* What the driver does itself. */
#define IFCAP_TXCSUM	0x0001		/* fills in PKT_CSUM_PARTIAL, or carries it */
#define IFCAP_TSO4	0x0002		/* takes PKT_GSO_TCP4 */
#define IFCAP_TSO6	0x0004
#define IFCAP_USO	0x0008		/* takes PKT_GSO_UDP */
#define IFCAP_RXCSUM	0x0010		/* may say PKT_CSUM_GOOD or PARTIAL */
#define IFCAP_FRAGS	0x0020		/* takes fragments: else packets come linear up to PKT_ROOM only */
#define IFCAP_LOCAL	0x0040		/* memory of this host: no need to save on bytes */
#define IFCAP_GSO	(IFCAP_TSO4 | IFCAP_TSO6 | IFCAP_USO)

struct if_ops {
	/*
	 * Sends all of q, or drops and counts what it cannot; never sleeps for
	 * long.  May be called by several threads at once.
	 */
	void	(*ifo_xmit)(struct ifnet *, struct packetq *q);
	/* Administrative state changes; ns_lock held; may sleep.  NULL: fine. */
	int	(*ifo_up)(struct ifnet *);
	void	(*ifo_down)(struct ifnet *);
	int	(*ifo_setmtu)(struct ifnet *, uint32_t mtu);	/* check only; NULL: any */
	int	(*ifo_setlladdr)(struct ifnet *, const uint8_t *addr);	/* NULL: EOPNOTSUPP */
	/* if_flags (IFF_PROMISC, IFF_ALLMULTI) or the multicast list changed.  NULL: fine. */
	void	(*ifo_setfilter)(struct ifnet *);
	/* Driver's own: the link string and the like.  NULL: EOPNOTSUPP */
	int	(*ifo_setlink)(struct ifnet *, const char *text);
	/*
	 * Receives up to budget packets and appends them to q.  Called by one
	 * thread at a time.  NULL: not pollable, calls if_input() itself.
	 */
	unsigned int (*ifo_poll)(struct ifnet *, unsigned int budget, struct packetq *q);
	/*
	 * Sleeps until there may be packets, ifo_kick, a host signal (EINTR, if
	 * intr) or the deadline (ETIMEDOUT).  Inside vcpu_block_begin/end of the
	 * caller.  By whoever polls; with *word != expected it returns at once.
	 */
	int	(*ifo_sleep)(struct ifnet *, const uint32_t *word, uint32_t expected,
		    bool intr, int64_t deadline);
	/* Ends the sleep, from any thread, or the next one. */
	void	(*ifo_kick)(struct ifnet *);
	/* It has been detached, nothing comes up from it any more.  No locks.  NULL: fine. */
	void	(*ifo_detached)(struct ifnet *);
	/* Called once, without locks, when the last reference goes. */
	void	(*ifo_free)(struct ifnet *);
	/* The other end of a cable, 0: not known.  ns_lock held.  NULL: not a cable. */
	uint32_t (*ifo_peer)(struct ifnet *);
	/* For netlink: IFLA_INFO_KIND, and what the driver would tell. */
	const char *ifo_kind;
};

/* Per vCPU, summed up by if_stats(). */
struct if_counters {
	uint64_t ic_rx_packets, ic_rx_bytes, ic_rx_dropped, ic_rx_errors;
	uint64_t ic_tx_packets, ic_tx_bytes, ic_tx_dropped, ic_tx_errors;
	uint64_t ic_multicast;
};

/*
 * Field key:	c  constant since if_attach()	a  atomic	n  ns_lock
 *		q  changed under ns_lock, read lock-free (qsbr)
 */
struct ifnet {
	char		 if_name[IFNAMSIZ];	/* q */
	uint32_t	 if_index;	/* c */
	struct netns	*if_ns;		/* c */
	const struct if_ops *if_ops;	/* c */
	void		*if_softc;	/* c: the driver's */
	uint16_t	 if_type;	/* c: ARPHRD_ETHER, ARPHRD_LOOPBACK, ARPHRD_NONE */
	uint16_t	 if_hdrlen;	/* c: of L2: 14, or 0 */
	uint8_t		 if_addrlen;	/* c: 6, or 0 */
	uint8_t		 if_lladdr[IF_LLADDR];	/* q */
	uint8_t		 if_broadcast[IF_LLADDR];	/* c */
	uint32_t	 if_caps;	/* a: IFCAP_*: what is in force */
	uint32_t	 if_hwcaps;	/* c: what the driver can */
	uint32_t	 if_mtu;	/* a */
	uint32_t	 if_flags;	/* a: IFF_*; IFF_UP and the like */
	uint32_t	 if_gflags;	/* n: IFF_PROMISC, IFF_ALLMULTI of if_setflags() */
	bool		 if_carrier;	/* a: if_setcarrier() */
	unsigned int	 if_promisc;	/* n: users of IFF_PROMISC */
	unsigned int	 if_allmulti;	/* n */
	uint32_t	 if_txqlen;	/* a: shown by ip(8) */
	uint32_t	 if_group;	/* n: so is this */
	char		*if_alias;	/* n: and this; NULL: none */
	uint32_t	 if_carrierups, if_carrierdowns;	/* a */
	unsigned int	 if_refs;	/* a */
	bool		 if_dying;	/* a */

	struct list	 if_addrs;	/* q: ifaddrs, all families; LIST_FOREACH_READ, ifa_iflink */
	uint32_t	 if_families;	/* n: bits of the families that are attached */
	struct ifmaddr	*if_maddrs;	/* q: link-layer multicast groups joined */
	void		*if_inet;	/* c: IPv4's own (struct in_ifinfo) */
	void		*if_inet6;	/* c: IPv6's own */
	uint32_t	 if_ndtimes[2][2]; /* a: neigh_settimes(): by family; reachable, retrans */
	void		*if_master;	/* q: lagg or bridge it is part of */
	/* Takes frames away before the protocols: true if it consumed p, at its L2 header. */
	bool		(*if_rxhook)(struct ifnet *, struct packet *p);	/* q */

	struct iftap	*if_taps;	/* q: AF_PACKET sockets and captures */
	struct linkcond	*if_cond;	/* q: loss, delay, rate */
	uint32_t	 if_guard[2];	/* a: see ifguard.c */
	struct ifdrive	*if_drive;	/* c: NULL if not pollable */
	struct if_counters *if_count;	/* c: one a vCPU, in struct if_percpu */

	struct list_node if_nslink;	/* n */
	struct ifnet	*if_hashnext;	/* q */
	struct qsbr_head if_qsbr;
};

/*
 * A new interface with one reference.  name may hold one %d ("shm%d"), which if_attach()
 * fills in.  EINVAL, ENOMEM.
 */
int	if_alloc(const char *name, const struct if_ops *ops, void *softc,
	    struct ifnet **ret_ifp);
/* Sets what an Ethernet needs: type, header, broadcast, MTU 1500, address. */
void	if_ethernet(struct ifnet *ifp, const uint8_t lladdr[6]);
int	if_attach(struct netns *ns, struct ifnet *ifp);		/* EEXIST, ENOMEM */
void	if_detach(struct ifnet *ifp);	/* may sleep; the caller's reference stays */
static inline void
if_hold(struct ifnet *ifp)
{
	__atomic_fetch_add(&ifp->if_refs, 1, __ATOMIC_RELAXED);
}
void	if_rele(struct ifnet *ifp);

/* Lock-free: valid until the caller may sleep, or if_hold() it. */
struct ifnet *if_byindex(struct netns *ns, uint32_t index);
struct ifnet *if_byname(struct netns *ns, const char *name);
/* Takes ns_lock; until fn returns non-zero. */
int	if_iterate(struct netns *ns, int (*fn)(struct ifnet *, void *), void *arg);

/* ns_lock held; each tells netevent.h's listeners. */
int	if_setflags(struct ifnet *ifp, uint32_t flags, uint32_t mask);
int	if_setmtu(struct ifnet *ifp, uint32_t mtu);
int	if_setlladdr(struct ifnet *ifp, const uint8_t *addr);
int	if_rename(struct ifnet *ifp, const char *name);
void	if_setgroup(struct ifnet *ifp, uint32_t group);
int	if_setalias(struct ifnet *ifp, const char *alias);	/* "": none.  ENOMEM */
void	if_promisc(struct ifnet *ifp, bool on);		/* counted */
void	if_allmulti(struct ifnet *ifp, bool on);	/* counted */
int	if_multicast(struct ifnet *ifp, const uint8_t *lladdr, bool join);	/* counted */
bool	if_multicast_joined(const struct ifnet *ifp, const uint8_t *lladdr);	/* lock-free */
/* Each group once, until fn returns non-zero; ns_lock held. */
int	if_multicast_iterate(struct ifnet *ifp, int (*fn)(const uint8_t *lladdr, void *),
	    void *arg);
void	if_setcarrier(struct ifnet *ifp, bool on);	/* any context */

static inline bool
if_running(const struct ifnet *ifp)
{
	return (__atomic_load_n(&ifp->if_flags, __ATOMIC_RELAXED) & IFF_UP) != 0 &&
	    __atomic_load_n(&ifp->if_carrier, __ATOMIC_RELAXED);
}

void	if_stats(const struct ifnet *ifp, struct if_counters *ret_sum);
struct if_counters *if_counters_self(struct ifnet *ifp);	/* until it may sleep */

/* IPv4's: whose packets were found to be for us last, on this vCPU.  See ip_input.c. */
struct if_flow {
	uint32_t	 fl_gen;	/* ns_routegen at that time; 0: nobody's */
	uint32_t	 fl_src, fl_dst;
	uint32_t	 fl_tos;
};
struct if_flow *if_flow_self(struct ifnet *ifp);		/* until it may sleep */

/* --- kinds ----------------------------------------------------------------------- */

/*
 * What can be made by name: IFLA_INFO_KIND of rtnetlink, "shm0" of
 * rump_pub_netconfig_ifcreate().  A driver registers one when it starts; ifo_kind
 * of its interfaces is ik_name.
 */
struct ifkind {
	const char	*ik_name;	/* "shmif" */
	const char	*ik_prefix;	/* of the usual names: "shm" */
	/*
	 * A new interface, attached and down, with a reference for the caller; name may
	 * hold %d.  link is as for ifo_setlink, NULL: none yet; peer (veth-like kinds): the
	 * name of the other end, NULL: the driver's choice.  No lock held.  EINVAL, EEXIST, ENOMEM.
	 */
	int		(*ik_create)(struct netns *ns, const char *name, const char *link,
			    const char *peer, struct ifnet **ret_ifp);
	/* Detaches it (and its peer); the caller's reference stays.  No lock held. */
	void		(*ik_destroy)(struct ifnet *ifp);
	struct list_node ik_link;
};
void	ifkind_register(struct ifkind *ik);
const struct ifkind *ifkind_find(const char *name);	/* NULL */
/* By the name of an interface to be: "shm0", "shm%d".  NULL. */
const struct ifkind *ifkind_ofname(const char *ifname);
/*
 * The end of an ik_create: gives the new ifp its link, unless NULL, and attaches it.
 * If that fails it lets go of ifp.
 */
int	ifkind_finish(struct netns *ns, struct ifnet *ifp, const char *link);
/* A new interface in the current name space, by the next free name; *ret_ifnum: its number. */
int	ifkind_create_next(const struct ifkind *ik, const char *link, int *ret_ifnum);

/* --- moving packets ---------------------------------------------------------- */

/*
 * Sends q, L2 headers in place and p_l3 set.  Consumes it.  Runs the driver on this
 * thread; no locks held.
 */
void	if_transmit(struct ifnet *ifp, struct packetq *q);

/*
 * What stands in for the imperfections of a link, in if_cond.  lc_transmit consumes q
 * and hands what passes, now or later, to if_transmit_past(); no locks held.
 */
struct linkcond {
	void	(*lc_transmit)(struct linkcond *, struct ifnet *, struct packetq *q);
};
void	if_transmit_past(struct ifnet *ifp, struct packetq *q);
/* Sets it, or takes it away; ns_lock held.  Returns the old one when nobody uses it any more. */
struct linkcond *if_setcond(struct ifnet *ifp, struct linkcond *lc);

/*
 * Takes what a link received, p_data at the L2 header, and runs it through the
 * stack; on a thread that is in if_input() already it only queues, and the
 * outermost call goes on with it, so that the stack never recurses.
 */
void	if_input(struct ifnet *ifp, struct packetq *q);

/* Protocols above L2, by ethertype (host order).  Batches of one ethertype. */
struct l3proto {
	uint16_t	 l3_ethertype;
	/* p_data at the L3 header, p_l3 set, p_ifp set.  Consumes q. */
	void		(*l3_input)(struct ifnet *ifp, struct packetq *q);
	/*
	 * For GRO: may p, next in the train, be merged behind head?  True if it
	 * was, p is consumed then.  NULL: never.
	 */
	bool		(*l3_merge)(struct packet *head, struct packet *p);
	struct list_node l3_link;
};
void	l3proto_register(struct l3proto *l3);

/* Puts the Ethernet (or no) header in front.  dst: IF_LLADDR bytes at most. */
void	if_l2header(struct ifnet *ifp, struct packet *p, uint16_t ethertype,
	    const uint8_t *dst);

/* --- listening in -------------------------------------------------------------- */

/*
 * Sees each packet, both ways, at its L2 header; p stays the caller's: clone what is kept.
 * No locks held; may sleep for a lock, but must not take ns_lock.
 */
struct iftap {
	void		(*it_packet)(struct iftap *, struct ifnet *, const struct packet *p,
			    bool out);
	struct iftap	*it_next;	/* q */
};
void	iftap_attach(struct ifnet *ifp, struct iftap *it);	/* ns_lock */
void	iftap_detach(struct ifnet *ifp, struct iftap *it);	/* ns_lock; waits for readers */

/* --- driving ------------------------------------------------------------------- */

/* Polls every pollable interface of ns once; how many packets came. */
unsigned int if_drive_poll(struct netns *ns);
/* Makes a pollable interface's thread look, at once.  For drivers. */
void	if_drive_wake(struct ifnet *ifp);

#endif /* NET_IFNET_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * route.h - addresses of interfaces, routes, neighbours
 *
 * One set of tables serves both families: an address is struct inaddr, and a
 * family says how many of its bytes count.
 *
 * A route look-up answers with a struct rtdst: the decision where a flow
 * goes (interface, next hop, source, MTU).  It is immutable but for its path MTU,
 * counted, shared by all who asked the same, and good as long as
 * rtdst_valid() says so: connections keep one and ask again when it is stale.
 *
 * Locking: changes under ns_lock; look-ups lock-free.
 */

#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include <lib/list.h>
#include <linux/rtnetlink.h>
#include <net/ifnet.h>
#include <sys/types.h>

/* IPv4 uses ia_w[0].  Network byte order throughout. */
struct inaddr {
	union {
		uint32_t ia_w[4];
		uint8_t	 ia_b[16];
		uint64_t ia_d[2];
	};
};

static inline bool
inaddr_eq(const struct inaddr *a, const struct inaddr *b)
{
	return a->ia_d[0] == b->ia_d[0] && a->ia_d[1] == b->ia_d[1];
}
static inline bool
inaddr_zero(const struct inaddr *a)
{
	return (a->ia_d[0] | a->ia_d[1]) == 0;
}

/* fe80::/10: RFC 4291 section 2.5.6. */
static inline bool
inaddr_linklocal6(const struct inaddr *a)
{
	return a->ia_b[0] == 0xfe && (a->ia_b[1] & 0xc0) == 0x80;
}

/* --- addresses of interfaces --------------------------------------------------- */

struct rtkey;

/* Field key: c constant, q changed under ns_lock and read lock-free */
struct ifaddr {
	struct list_node ifa_iflink;	/* q */
	struct ifaddr	*ifa_hashnext;	/* q: by address, in the name space */
	struct ifnet	*ifa_ifp;	/* c */
	int		 ifa_family;	/* c: AF_INET, AF_INET6 */
	struct inaddr	 ifa_addr;	/* c */
	struct inaddr	 ifa_peer;	/* c: far end, or the address itself */
	struct inaddr	 ifa_broadcast;	/* c: IPv4; 0: none */
	struct inaddr	 ifa_localsrc;	/* q: source of the route to it; 0: no route yet */
	uint8_t		 ifa_plen;	/* c */
	uint8_t		 ifa_scope;	/* c: RT_SCOPE_* */
	uint8_t		 ifa_proto;	/* c: IFAPROT_* */
	uint32_t	 ifa_flags;	/* q: IFA_F_*: TENTATIVE, DADFAILED, DEPRECATED ... */
	uint32_t	 ifa_metric;	/* c */
	char		 ifa_label[IFNAMSIZ];	/* c: IPv4 */
	int64_t		 ifa_preferred;	/* q: clock_mono() ends; KTIME_NEVER */
	int64_t		 ifa_valid;	/* q */
	int64_t		 ifa_created, ifa_updated;
	void		*ifa_priv;	/* the family's: DAD state */
	unsigned int	 ifa_refs;	/* a */
	struct qsbr_head ifa_qsbr;
};

/*
 * Adds an address, with its prefix route and local route unless IFA_F_NOPREFIXROUTE.
 * Calls the family's hook (DAD, announcement).  ns_lock held.
 * EEXIST (then *ret_ifa, if wanted, is the one that is there), EINVAL, ENOMEM.
 */
int	ifaddr_add(struct ifnet *ifp, const struct ifaddr *model, struct ifaddr **ret_ifa);
int	ifaddr_del(struct ifnet *ifp, int family, const struct inaddr *addr, int plen); /* EADDRNOTAVAIL */
void	ifaddr_purge(struct ifnet *ifp, int family);	/* 0: all families */
/* Lock-free.  ifp NULL: any of the name space.  Tentative ones too. */
struct ifaddr *ifaddr_find(struct netns *ns, int family, const struct inaddr *addr, struct ifnet *ifp);
/* First address of the family with scope <= scope, preferring dst's subnet; NULL. */
static inline void
ifaddr_hold(struct ifaddr *ifa)
{
	__atomic_fetch_add(&ifa->ifa_refs, 1, __ATOMIC_RELAXED);
}
void	ifaddr_rele(struct ifaddr *ifa);
struct ifaddr *ifaddr_select(struct ifnet *ifp, int family, const struct inaddr *dst, int scope);

/* A family's part in the life of an address; ns_lock held. */
struct ifaddr_family {
	int		 af_family;
	/* The new object before anybody sees it: may set flags (TENTATIVE).  EINVAL. */
	int		(*af_check)(struct ifnet *, struct ifaddr *);
	void		(*af_added)(struct ifnet *, struct ifaddr *);	/* DAD, gratuitous ARP */
	void		(*af_removing)(struct ifnet *, struct ifaddr *);
	/* The interface went up or down, or away; its if_inet* is made and freed here. */
	int		(*af_ifattach)(struct ifnet *);
	void		(*af_ifup)(struct ifnet *);
	void		(*af_ifdown)(struct ifnet *);
	void		(*af_ifdetach)(struct ifnet *);
	/*
	 * The source for dst through ifp, lock-free (RFC 6724); false: there is none.
	 * NULL: ifaddr_select() is good enough.  rk_src is not set, rk_dst may be a gateway's.
	 */
	bool		(*af_select)(struct ifnet *, const struct rtkey *, struct inaddr *ret_src);
	struct list_node af_link;
};
void	ifaddr_family_register(struct ifaddr_family *af);	/* attaches existing interfaces */

/* --- routes -------------------------------------------------------------------- */

struct rthop {
	uint32_t	 nh_ifindex;
	int		 nh_gwfamily;	/* 0: on link.  AF_INET6 for an IPv4 route too */
	struct inaddr	 nh_gw;
	uint8_t		 nh_weight;	/* 1.. */
	uint8_t		 nh_flags;	/* RTNH_F_ONLINK, DEAD, LINKDOWN */
};

#define RT_MAXHOPS	16

struct rtconfig {
	int		 rc_family;
	struct inaddr	 rc_dst;
	uint8_t		 rc_plen;
	uint8_t		 rc_type;	/* RTN_UNICAST, LOCAL, BLACKHOLE, UNREACHABLE ... */
	uint8_t		 rc_scope;
	uint8_t		 rc_protocol;	/* RTPROT_* */
	uint8_t		 rc_tos;
	uint32_t	 rc_table;	/* RT_TABLE_* */
	uint32_t	 rc_metric;	/* priority; IPv6 0 means 1024 */
	struct inaddr	 rc_prefsrc;	/* 0: choose */
	uint32_t	 rc_mtu;	/* 0: the link's */
	uint32_t	 rc_advmss, rc_window, rc_initcwnd, rc_hoplimit;	/* 0: default */
	uint32_t	 rc_flags;	/* RTM_F_*, RTNH_F_* */
	int64_t		 rc_expires;	/* clock_mono(); 0: never */
	uint8_t		 rc_pref;	/* of a router: ICMPV6_ROUTER_PREF_*; shown only */
	unsigned int	 rc_nhops;
	struct rthop rc_hop[RT_MAXHOPS];
};

/* ns_lock held.  nlflags: NLM_F_CREATE, EXCL, REPLACE, APPEND as for RTM_NEWROUTE. */
int	route_add(struct netns *ns, const struct rtconfig *rc, unsigned int nlflags);
int	route_del(struct netns *ns, const struct rtconfig *rc);	/* ESRCH */
/* Copies each route of family (0: all) and table (0: all) to fn, under ns_lock. */
int	route_iterate(struct netns *ns, int family, uint32_t table,
	    int (*fn)(const struct rtconfig *, void *), void *arg);
/* Was a route of that family ever in that table?  Lock-free. */
bool	route_hastable(struct netns *ns, int family, uint32_t table);
/* ns_lock.  What leads through it goes, or as a hop of many sleeps until it is up. */
void	route_ifdown(struct ifnet *ifp);
void	route_ifup(struct ifnet *ifp);

/* Policy rules: ip-rule(8).  By source, fwmark, iif, oif; lookup, blackhole, unreachable, prohibit. */
struct rtrule {
	int		 rr_family;
	uint32_t	 rr_pref;
	uint8_t		 rr_action;	/* FR_ACT_* */
	uint32_t	 rr_table;
	struct inaddr	 rr_src, rr_dst;
	uint8_t		 rr_srclen, rr_dstlen;
	uint8_t		 rr_tos;
	uint32_t	 rr_mark, rr_markmask;
	char		 rr_iif[IFNAMSIZ], rr_oif[IFNAMSIZ];
	bool		 rr_invert;
	bool		 rr_suppress;	/* what is no longer than rr_suppresslen does not count */
	uint8_t		 rr_suppresslen;
	uint8_t		 rr_protocol;	/* RTPROT_*: who made it */
	struct list_node rr_link;
};
int	rule_add(struct netns *ns, const struct rtrule *rr, unsigned int nlflags);
int	rule_del(struct netns *ns, const struct rtrule *rr);
int	rule_iterate(struct netns *ns, int family, int (*fn)(const struct rtrule *, void *), void *arg);

/* What a look-up goes by. */
struct rtkey {
	int		 rk_family;
	struct inaddr	 rk_dst;
	struct inaddr	 rk_src;	/* 0: not bound */
	uint32_t	 rk_oif;	/* SO_BINDTODEVICE, scope of link-local; 0: any */
	uint32_t	 rk_iif;	/* for forwarding; 0: we send it ourselves */
	uint32_t	 rk_mark;
	uint32_t	 rk_hash;	/* picks a next hop; 0: by addresses */
	uint8_t		 rk_tos;
	uint8_t		 rk_flags;	/* RTK_* */
};
#define RTK_DONTROUTE	0x01		/* on link only */
#define RTK_SRCTMP	0x10		/* IPv6: rather a temporary source (RFC 5014) */
#define RTK_SRCPUBLIC	0x20		/* ... rather a public one */

#define RTD_LOCAL	0x01		/* to ourselves: leaves through lo */
#define RTD_BROADCAST	0x02
#define RTD_MULTICAST	0x04
#define RTD_GATEWAY	0x08
#define RTD_LOOPMCAST	0x10		/* we are member: loop a copy */

struct neigh;

struct rtdst {
	unsigned int	 rd_refs;	/* a */
	uint32_t	 rd_gen;	/* c: ns_routegen when it was made */
	struct netns	*rd_ns;		/* c: not referenced: who uses it holds the ns */
	struct ifnet	*rd_ifp;	/* c: referenced */
	int		 rd_family;	/* c */
	uint8_t		 rd_flags;	/* c: RTD_* */
	uint8_t		 rd_type;	/* c: RTN_* */
	uint8_t		 rd_hoplimit;	/* c: 0: default */
	int		 rd_gwfamily;	/* c */
	struct inaddr	 rd_hop;	/* c: next hop: gateway, or the destination */
	struct inaddr	 rd_src;	/* c: source to use */
	uint32_t	 rd_mtu;	/* c: of route or link */
	uint32_t	 rd_advmss;	/* c */
	uint32_t	 rd_initcwnd;	/* c */
	uint32_t	 rd_pmtu;	/* a: learned; 0: none */
	int64_t		 rd_pmtu_expires;	/* a */
	struct neigh	*rd_neigh;	/* a: of rd_hop, made at the first use */
	struct rtconfig	*rd_config;	/* unused, kept NULL */
	struct qsbr_head rd_qsbr;
};

/*
 * ENETUNREACH, EHOSTUNREACH, EACCES (prohibit), EINVAL (blackhole), ENOMEM.  Does not sleep;
 * learned path MTUs are merged in.
 */
int	route_lookup(struct netns *ns, const struct rtkey *rk, struct rtdst **ret_rd);
/* The same, but the entry of the tables that was found; rc_type 0: none was needed. */
int	route_match(struct netns *ns, const struct rtkey *rk, struct rtconfig *ret_rc);
void	rtdst_rele(struct rtdst *rd);		/* NULL is fine */
static inline void
rtdst_hold(struct rtdst *rd)
{
	__atomic_fetch_add(&rd->rd_refs, 1, __ATOMIC_RELAXED);
}
static inline bool
rtdst_valid(const struct rtdst *rd)
{
	return rd->rd_gen == __atomic_load_n(&rd->rd_ns->ns_routegen, __ATOMIC_ACQUIRE);
}
/* The neighbour rd_hop, rd's reference; made at the first use.  NULL: no memory. */
struct neigh *rtdst_neigh(struct rtdst *rd);
/* The MTU in force now. */
uint32_t rtdst_mtu(const struct rtdst *rd);
/* ICMP said so: remembered per destination for a while (RFC 1191, 8201), bounded in number. */
void	route_setpmtu(struct netns *ns, int family, const struct inaddr *dst, uint32_t mtu);
/* ICMP redirect, already checked by the family. */
void	route_redirect(struct netns *ns, int family, const struct inaddr *dst,
	    const struct inaddr *gw, struct ifnet *ifp);
/* Lets go of what is remembered of decisions, valid or not. */
void	route_forget(struct netns *ns);
static inline void
route_changed(struct netns *ns)
{
	__atomic_fetch_add(&ns->ns_routegen, 1, __ATOMIC_RELEASE);
}

/* --- neighbours ------------------------------------------------------------------ */

/*
 * The states and their timing are RFC 4861 section 7.3, for ARP too, with the
 * numbers of neighbour.h: NUD_INCOMPLETE, REACHABLE, STALE, DELAY, PROBE, FAILED,
 * NOARP, PERMANENT.
 */
struct neigh_family {
	int		 nf_family;
	uint16_t	 nf_ethertype;	/* of what is sent to the neighbour */
	/*
	 * Asks: dst NULL: multicast or broadcast, else unicast probe.  No lock held.
	 */
	void		(*nf_solicit)(struct ifnet *, const struct inaddr *addr,
			    const uint8_t *lladdr, const struct inaddr *src_hint);
	/* Nobody answered: tell who sent p (ICMP host unreachable).  Consumes p. */
	void		(*nf_unreachable)(struct ifnet *, struct packet *p);
	struct list_node nf_link;
};
void	neigh_family_register(struct neigh_family *nf);

/* Counted, or NULL (no memory).  Does not ask yet. */
struct neigh *neigh_get(struct ifnet *ifp, int family, const struct inaddr *addr);
void	neigh_rele(struct neigh *n);

/*
 * Puts the L2 header on q and sends it through ifp, asking for the address first if
 * need be (a bounded number of packets wait).  Consumes q.  The common case,
 * a reachable neighbour, takes no lock.
 */
void	neigh_output(struct neigh *n, struct packetq *q);

/* Evidence: what ARP and ND input learned. */
#define NEIGH_OVERRIDE	0x01		/* may replace a different address */
#define NEIGH_REACHABLE	0x02		/* solicited answer: REACHABLE, else STALE */
#define NEIGH_CREATE	0x04		/* make an entry if there is none */
#define NEIGH_ROUTER	0x08		/* ND: is a router */
#define NEIGH_NOTROUTER	0x10
void	neigh_learn(struct ifnet *ifp, int family, const struct inaddr *addr,
	    const uint8_t *lladdr, unsigned int flags);
/* TCP and MSG_CONFIRM: traffic went both ways (RFC 4861 section 7.3.1). */
void	neigh_confirm(struct neigh *n);

struct neigh_info {
	int		 ni_family;
	uint32_t	 ni_ifindex;
	struct inaddr	 ni_addr;
	uint8_t		 ni_lladdr[IF_LLADDR];
	uint8_t		 ni_addrlen;	/* 0: not known */
	uint16_t	 ni_state;	/* NUD_* */
	uint8_t		 ni_flags;	/* NTF_ROUTER, NTF_PROXY */
	uint32_t	 ni_probes;
	int64_t		 ni_confirmed, ni_used, ni_updated;	/* clock_mono() */
};
int	neigh_set(struct ifnet *ifp, const struct neigh_info *ni, unsigned int nlflags); /* ns_lock */
int	neigh_del(struct ifnet *ifp, int family, const struct inaddr *addr);	/* ENOENT; ns_lock */
int	neigh_iterate(struct netns *ns, int family, uint32_t ifindex,
	    int (*fn)(const struct neigh_info *, void *), void *arg);
int	neigh_lookup(struct ifnet *ifp, int family, const struct inaddr *addr,
	    struct neigh_info *ret_ni);		/* ENOENT */
void	neigh_flush(struct ifnet *ifp);		/* ns_lock: down or detached */
void	neigh_purge4(struct ifnet *ifp);	/* ns_lock: it has no address of IPv4 any more */
/* A router said so (RFC 4861 section 6.3.4), in milliseconds; 0: as it was.  Any context. */
void	neigh_settimes(struct ifnet *ifp, int family, uint32_t reachable, uint32_t retrans);

#endif /* NET_ROUTE_H */

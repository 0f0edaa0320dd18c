/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_impl.h - what the files of inet6 share
 *
 * Two worlds.  Packets run to completion on whatever thread has them and take no
 * lock but leaves.  Configuration (addresses, prefixes, routers, groups) changes under
 * ns_lock; what a packet wants to change (a router advertisement, a redirect,
 * a collision, a query) is put into ip6_ns.n_ctlq, and a work thread does it.
 * The same thread runs all timers: an interface is asked what is due and when it
 * wants to be asked again (ip6_if_run()).  What is to be sent meanwhile is
 * collected and leaves when ns_lock has been given back, for a packet may run
 * through another host's stack before the call returns.
 *
 * Locking: ns_lock -> so_lock; ns_lock -> n_lock.  n_lock (the queue), fragment and
 * rate limit locks are leaves.
 */

#ifndef INET6_IP6_IMPL_H
#define INET6_IP6_IMPL_H

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <net/ifnet.h>
#include <net/inet.h>
#include <net/netns.h>
#include <net/packet.h>
#include <net/route.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/random.h>

#include "ip6_wire.h"
#include "nd_wire.h"

#define IP6_ETHERTYPE	0x86dd
#define MSEC		1000000LL
#define IP6_CTLQ_MAX	128	/* packets that wait for the work thread */

#define IP6_MAXPREFIX	16	/* prefixes of an interface: more are ignored */
#define IP6_MAXROUTE	32	/* and routes through routers */
#define IP6_MAXAUTO	16	/* addresses made of prefixes, as max_addresses */
#define IP6_MAXDNS	8

struct frag6_table;
struct icmp6_limit;
struct mld_if;

/* --- settings (ip6_var.c) ------------------------------------------------ */

extern struct netvar ip6_var_forwarding, ip6_var_disable, ip6_var_hoplimit,
    ip6_var_accept_ra, ip6_var_accept_ra_defrtr, ip6_var_accept_ra_pinfo,
    ip6_var_accept_ra_rtinfo, ip6_var_accept_ra_mtu, ip6_var_autoconf,
    ip6_var_accept_dad, ip6_var_dad_transmits, ip6_var_enhanced_dad,
    ip6_var_use_tempaddr, ip6_var_temp_valid, ip6_var_temp_prefered,
    ip6_var_addr_gen_mode, ip6_var_accept_redirects, ip6_var_rs, ip6_var_rs_interval,
    ip6_var_mld_version, ip6_var_frag_high, ip6_var_frag_time, ip6_var_icmp_ratelimit,
    ip6_var_auto_flowlabels, ip6_var_accept_source_route;

enum { ADDR_GEN_EUI64, ADDR_GEN_NONE, ADDR_GEN_STABLE };

void	ip6_var_attach(void);

/* --- a name space (ip6_netns.c) --------------------------------------------- */

/*
 * Field key:	c  constant	n  ns_lock	l  n_lock	a  atomic
 */
struct ip6_ns {
	struct netns	*n_ns;		/* c */
	kmutex_t	 n_lock;
	struct packetq	 n_ctlq;	/* l: p_ifp referenced */
	bool		 n_dying;	/* l */
	struct callout	 n_callout;	/* arms n_work */
	struct work	 n_work;
	uint8_t		 n_secret[32];	/* c: of opaque identifiers (RFC 7217) */
	uint8_t		 n_flowkey[32];	/* c: of flow labels and fragment ids */
	uint32_t	 n_fragid;	/* a */
	struct frag6_table *n_frags;	/* c */
	struct icmp6_limit *n_limit;	/* c */
};

int	ip6_netns_attach(void);
static inline struct ip6_ns *
ip6_ns(const struct netns *ns)
{
	return netns_data(ns, NETNS_SLOT_IP6);
}

/*
 * For the work thread: p (at its IPv6 header, INET_RX filled in or not) came through
 * ifp.  Consumes p; dropped if too many wait.
 */
void	ip6_defer(struct ifnet *ifp, struct packet *p);
/* Something is due at deadline, or sooner than what was known. */
void	ip6_kick(struct netns *ns);
void	ip6_kick_if(const struct ifnet *ifp);	/* unless it has nothing to do */

/* --- counters (ip6_var.c) ------------------------------------------------------ */

#define IP6_COUNTERS(X)							\
	X(in, "packets received")					\
	X(in_delivered, "packets handed to upper protocols")		\
	X(in_header, "packets dropped for their header")		\
	X(in_address, "packets dropped for their addresses")		\
	X(in_options, "packets dropped for their extension headers")	\
	X(in_noroute, "packets not for us and not forwarded")		\
	X(in_unknown, "packets of unknown protocols")			\
	X(forwarded, "packets forwarded")				\
	X(out, "packets sent")						\
	X(out_noroute, "packets without a route")			\
	X(out_dropped, "packets dropped for want of memory")		\
	X(frag_made, "fragments made")					\
	X(frag_failed, "packets that could not be fragmented")		\
	X(reasm_in, "fragments received")				\
	X(reasm_ok, "packets reassembled")				\
	X(reasm_timeout, "reassemblies that ran out of time")		\
	X(reasm_dropped, "fragments dropped")				\
	X(reasm_overlap, "reassemblies dropped for overlaps")		\
	X(icmp_in, "ICMPv6 messages received")				\
	X(icmp_out, "ICMPv6 messages sent")				\
	X(icmp_limited, "ICMPv6 errors not sent for the rate limit")	\
	X(icmp_bad, "ICMPv6 messages that are malformed")		\
	X(nd_bad, "neighbour discovery messages that are not valid")	\
	X(nd_ra, "router advertisements processed")			\
	X(nd_redirects, "redirects followed")				\
	X(nd_dropped, "control messages dropped, too many waiting")	\
	X(dad_failed, "addresses found to be somebody else's")		\
	X(mld_bad, "multicast listener messages that are not valid")	\
	X(mld_queries, "multicast listener queries received")		\
	X(mld_reports, "multicast listener reports sent")

#define IP6_COUNTER_DECLARE(name, about) extern struct counter ip6_count_##name;
IP6_COUNTERS(IP6_COUNTER_DECLARE)
#undef IP6_COUNTER_DECLARE

#define ip6_count(name) counter_add(&ip6_count_##name, 1)

/* --- an interface (ip6_if.c) ------------------------------------------------------ */

enum pfx_kind { PFX_PREFIX, PFX_ROUTE, PFX_NKINDS };

/*
 * What a router announced: a prefix on link, or a route through it (::/0: it is a default
 * router).  All of it: ns_lock.
 */
struct nd_known {
	struct list_node k_link;
	enum pfx_kind	 k_kind;
	struct inaddr	 k_prefix;
	struct inaddr	 k_router;	/* ROUTE */
	uint8_t		 k_plen;
	int8_t		 k_pref;	/* ROUTE: ND_PREF_* */
	bool		 k_installed;	/* it is in the routing table */
	int64_t		 k_expires;	/* KTIME_NEVER */
};

struct nd_dns {
	struct inaddr	 d_addr;
	int64_t		 d_expires;
};

/*
 * Field key:	c  constant	n  ns_lock	a  atomic	q  written under ns_lock,
 *		read lock-free
 */
struct ip6_if {
	struct ifnet	*ii_ifp;	/* c */
	bool		 ii_up;		/* n; read atomically */
	bool		 ii_running;	/* a: as if_running() was when we looked */
	bool		 ii_addrfail;	/* n: the link-local address is a duplicate: no IPv6 */
	uint8_t		 ii_hops;	/* a: by a router; 0: not said */
	uint32_t	 ii_mtu;	/* a: by a router; 0: not said */
	uint32_t	 ii_retrans;	/* a: ms, RetransTimer */
	bool		 ii_managed, ii_other;	/* n: M and O of the last RA */
	bool		 ii_raseen;	/* n */
	bool		 ii_allrouters;	/* n: joined ff02::2 */
	struct list	 ii_known;	/* n: struct nd_known */
	unsigned int	 ii_nknown[PFX_NKINDS];	/* n */
	unsigned int	 ii_rsleft;	/* n: router solicitations to send */
	int64_t		 ii_rsat;	/* n: when */
	int64_t		 ii_rsgap;	/* n: RFC 7559 */
	int64_t		 ii_llat;	/* n: memory was short for the link-local address; 0: no */
	unsigned int	 ii_lltries;	/* n: its DAD counter then */
	struct nd_dns	 ii_dns[IP6_MAXDNS];	/* n */
	unsigned int	 ii_ndns;	/* n */
	struct nd_dnssl	 ii_dnssl;	/* n: what was said last */
	int64_t		 ii_dnsslends;	/* n */
	struct mld_if	*ii_mld;	/* c: groups, see mld.c */
	struct qsbr_head ii_qsbr;
};

static inline struct ip6_if *
ip6_if(const struct ifnet *ifp)
{
	return ifp->if_inet6;
}

void	ip6_if_attach(void);
/* Begins to look for routers, if they are of interest. */
void	ip6_rs_start(struct ip6_if *ii, int64_t now);
/* Does all that is due at now; returns when it wants to be asked again.  ns_lock. */
int64_t	ip6_if_run(struct ip6_if *ii, int64_t now, struct packetq *out);
/* The MTU for IPv6. */
uint32_t ip6_if_mtu(const struct ifnet *ifp);
/* Speaks neighbour discovery: it has link-layer addresses and asks for them. */
bool	ip6_if_hasnd(const struct ifnet *ifp);
/* Takes router advertisements: setting, forwarding, kind of link. */
bool	ip6_if_acceptsra(const struct ifnet *ifp);
/* An address of ours to send from, not tentative, of link scope; false: none. */
/* Lock-free. */
bool	ip6_if_linklocal(const struct ifnet *ifp, struct inaddr *ret_a);

/* --- addresses (ip6_addr.c, ip6_dad.c, ip6_iid.c) ------------------------------------ */

/* ifa_priv: n: ns_lock. */
struct ip6_addrinfo {
	unsigned int	 ai_left;	/* probes to send */
	unsigned int	 ai_ns, ai_na;	/* seen of others, while tentative */
	unsigned int	 ai_tries;	/* DAD counter of RFC 7217 */
	unsigned int	 ai_regen;	/* temporary ones: collisions so far */
	int64_t		 ai_at;		/* next step; KTIME_NEVER */
	uint8_t		 ai_nonce[ND_NONCELEN];	/* of the last probe */
	bool		 ai_auto;	/* made by us from a prefix */
	bool		 ai_regenerated; /* temporary: its successor was made */
	struct inaddr	 ai_parent;	/* temporary: the public address */
	int64_t		 ai_desync;	/* temporary: preferred ends so much sooner */
};

static inline struct ip6_addrinfo *
ip6_addrinfo(const struct ifaddr *ifa)
{
	return ifa->ifa_priv;
}

static inline bool
ip6_tentative(const struct ifaddr *ifa)
{
	return (atomic_load(&ifa->ifa_flags) & IFA_F_TENTATIVE) != 0;
}

int	ip6_addr_check(struct ifnet *ifp, struct ifaddr *ifa);
void	ip6_addr_added(struct ifnet *ifp, struct ifaddr *ifa);
void	ip6_addr_removing(struct ifnet *ifp, struct ifaddr *ifa);
/* DAD steps and lifetimes of all addresses of ii. */
int64_t	ip6_addr_run(struct ip6_if *ii, int64_t now, struct packetq *out);
/* Sets and clears flags, tells listeners if that made a difference.  ns_lock. */
void	ip6_addr_setflags(struct ifaddr *ifa, uint32_t set, uint32_t clear);
void	ip6_addr_setlife(struct ifaddr *ifa, int64_t preferred, int64_t valid);
/* Makes one of prefix and interface identifier.  ns_lock.  EEXIST, ENOMEM. */
int	ip6_addr_make(struct ifnet *ifp, const struct ifaddr *model, struct ifaddr **ret_ifa);
/* The link-local address, unless the setting says no; later, if memory is short. */
void	ip6_linklocal_make(struct ip6_if *ii, unsigned int tries);
int64_t	ip6_linklocal_run(struct ip6_if *ii, int64_t now);
/* The next deadline of two. */
static inline int64_t
ip6_sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void	ip6_dad_start(struct ip6_if *ii, struct ifaddr *ifa, int64_t now);
int64_t	ip6_dad_run(struct ip6_if *ii, struct ifaddr *ifa, int64_t now, struct packetq *out);
/* Somebody else asks for (nonce: or NULL), or has, our tentative address.  ns_lock. */
void	ip6_dad_heard(struct ip6_if *ii, struct ifaddr *ifa, bool has, const uint8_t *nonce);

void	ip6_iid_eui64(const struct ifnet *ifp, uint8_t ret_iid[8]);
void	ip6_iid_stable(const struct ifnet *ifp, const struct inaddr *prefix,
	    unsigned int tries, uint8_t ret_iid[8]);
void	ip6_iid_random(uint8_t ret_iid[8]);
bool	ip6_iid_reserved(const uint8_t iid[8]);		/* RFC 5453 */

/* --- neighbour discovery ---------------------------------------------------------------- */

/*
 * A message of that kind; p at ICMPv6 header, INET_RX() filled in.  Consumes p.
 */
void	nd_input(struct ifnet *ifp, struct packet *p);
/* The part that changes configuration, on the work thread under ns_lock.  p stays. */
void	nd_deferred(struct ifnet *ifp, const struct nd_msg *m, struct packetq *out);
void	nd_send_ns(struct ifnet *ifp, const struct inaddr *target, const struct inaddr *src,
	    const struct inaddr *dst, const uint8_t *nonce, struct packetq *out);
void	nd_send_na(struct ifnet *ifp, const struct inaddr *target, const struct inaddr *dst,
	    bool solicited, bool override, struct packetq *out);
void	nd_send_rs(struct ifnet *ifp, struct packetq *out);

/* The family's way to ask for a neighbour. */
void	nd_solicit(struct ifnet *ifp, const struct inaddr *addr, const uint8_t *lladdr,
	    const struct inaddr *src_hint);

void	nd_ra_process(struct ip6_if *ii, const struct nd_ra *ra, const struct inaddr *src,
	    int64_t now);
struct resolvers;
void	nd_resolvers(struct ifnet *ifp, struct resolvers *rv);	/* a resolver_source's */
void	nd_known_notrouter(struct ip6_if *ii, const struct inaddr *router);
int64_t	nd_known_run(struct ip6_if *ii, int64_t now);
void	nd_known_flush(struct ip6_if *ii);
/* A prefix with the autonomous flag: RFC 4862 section 5.5.3. */
void	slaac_prefix(struct ip6_if *ii, const struct nd_prefix *pi, int64_t now);
/* Makes successors of temporary addresses that are about to be deprecated. */
int64_t	slaac_run(struct ip6_if *ii, int64_t now);

/* --- groups (mld.c, ip6_mcast.c) ------------------------------------------------------------ */

int	mld_if_create(struct ip6_if *ii);
/* The interface goes: all groups end, sockets lose theirs.  ns_lock. */
void	mld_if_detach(struct ip6_if *ii);
void	mld_if_destroy(struct ip6_if *ii);
void	mld_if_up(struct ip6_if *ii);
void	mld_if_down(struct ip6_if *ii);
/* ns_lock.  Counted: without source filter, for the stack itself.  ENOMEM. */
int	mld_join(struct ip6_if *ii, const struct inaddr *group);
void	mld_leave(struct ip6_if *ii, const struct inaddr *group);
/* Lock-free. */
bool	mld_member(const struct ip6_if *ii, const struct inaddr *group);
void	mld_query(struct ip6_if *ii, const struct nd_msg *m, bool alert, int64_t now);
/* A version 1 report of another host. */
void	mld_heard(struct ip6_if *ii, const struct nd_msg *m, int64_t now);
int64_t	mld_run(struct ip6_if *ii, int64_t now, struct packetq *out);

/* --- packets ------------------------------------------------------------------------------- */

extern const struct inet_af ip6_af;

void	ip6_input(struct ifnet *ifp, struct packetq *q);
int	ip6_output(const struct inet_tx *tx, struct rtdst *rd, struct packetq *q);
bool	ip6_islocal(struct netns *ns, const struct inaddr *a, uint32_t ifindex);
/*
 * IPv6 header in place, fits the MTU: L2 header and out.  Consumes q.  hop: next hop, for
 * groups the group.
 */
int	ip6_link_output(struct rtdst *rd, struct packetq *q);
/* Cuts p, p_data at its header, unfragmentable part of unfrag bytes; appends to q.  Consumes p. */
int	ip6_fragment(struct ip6_ns *n, struct packet *p, uint32_t mtu, uint32_t unfrag,
	    struct packetq *q);
bool	ip6_merge(struct packet *head, struct packet *p);
/* A label for the flow; ports as they stand in front of the packet. */
uint32_t ip6_flowlabel(const struct ip6_ns *n, const struct inet_tx *tx, uint32_t ports);
/* Routes p, which has been received; ns does forward.  Consumes p. */
void	ip6_forward(struct ifnet *ifp, struct packet *p, const struct ip6_fixed *f);

int	frag6_create(struct ip6_ns *n);
void	frag6_destroy(struct ip6_ns *n);
/*
 * p at its IPv6 header, the fragment header at off.  Consumes p; returns the whole packet without
 * the fragment header, or NULL.  nextoff is where the header's type stands.
 */
struct packet *frag6_input(struct ifnet *ifp, struct packet *p, uint32_t off, uint32_t nextoff,
	    uint32_t *ret_fragmax);
int64_t	frag6_run(struct ip6_ns *n, int64_t now);

/*
 * A packet of the stack itself: msg (an ICMPv6 message, checksum 0) to dst through ifp,
 * complete but for the L2 header.  alert: with a router alert.  NULL: no memory.
 */
struct packet *ip6_packet_make(struct ifnet *ifp, const void *msg, size_t len,
	    const struct inaddr *src, const struct inaddr *dst, uint8_t hops, bool alert);
/* Sends what ip6_packet_make() made.  No locks.  Consumes q. */
void	ip6_send_queue(struct packetq *q);

/* Sums up header and message, stores it at off 2 of the ICMPv6 message at p_data. */
void	icmp6_sum(struct packet *p, const struct inaddr *src, const struct inaddr *dst);

/* --- ICMPv6 ------------------------------------------------------------------------------- */

int	icmp6_limit_create(struct ip6_ns *n);
void	icmp6_limit_destroy(struct ip6_ns *n);
bool	icmp6_limit_ok(struct ip6_ns *n, const struct inaddr *dst, int64_t now);
void	icmp6_input(struct netns *ns, struct packetq *q);
void	icmp6_error(struct ifnet *ifp, const struct packet *p, uint8_t type, uint8_t code,
	    uint32_t info);
void	ip6_error(struct ifnet *ifp, const struct packet *p, int what, uint32_t info);
/* An error came: p at its ICMPv6 header. */
void	icmp6_ctl(struct netns *ns, const struct packet *p);

/* --- choosing a source (ip6_select.c) --------------------------------------------------------- */

/* IPV6_ADDR_PREFERENCES. */
#define IP6_PREFER_TMP		0x0001
#define IP6_PREFER_PUBLIC	0x0002
#define IP6_PREFER_COA		0x0004
#define IP6_PREFER_HOME		0x0400

struct ip6_candidate {
	struct inaddr	 c_addr;
	uint32_t	 c_flags;	/* IFA_F_* */
	uint32_t	 c_ifindex;
	uint8_t		 c_plen;
};
/* RFC 6724 section 5: is a a better source for dst than b?  prefs: IP6_PREFER_* */
bool	ip6_src_better(const struct ip6_candidate *a, const struct ip6_candidate *b,
	    const struct inaddr *dst, uint32_t oif, uint32_t prefs);
/* The policy table of section 2.1. */
void	ip6_policy(const struct inaddr *a, unsigned int *ret_precedence, unsigned int *ret_label);
bool	ip6_select(struct ifnet *ifp, const struct rtkey *rk, struct inaddr *ret_src);
bool	ip6_select_prefs(struct ifnet *ifp, const struct inaddr *dst, uint32_t prefs,
	    struct inaddr *ret_src);

/* --- sockets ----------------------------------------------------------------------------------- */

int	ip6_setopt(struct socket *so, int level, int name, const void *val, socklen_t len);
int	ip6_getopt(struct socket *so, int level, int name, void *val, socklen_t *len);
void	ip6_pcbfree(struct socket *so);
bool	ip6_mcast_allowed(struct socket *so, const struct inet_rx *rx);
int	ip6_mcast_setopt(struct socket *so, int name, const void *val, socklen_t len);
int	ip6_mcast_getopt(struct socket *so, int name, void *val, socklen_t *len);
void	ip6_put_cmsgs(struct inpcb *inp, struct sockmsg *sm, const struct packet *p);
void	ip6_tx(const struct inpcb *inp, struct inet_tx *tx);
void	ip6_rtkey(const struct inpcb *inp, struct rtkey *rk);
int	ip6_get_cmsg(struct inpcb *inp, const struct cmsghdr *cm, struct inet_tx *tx,
	    uint32_t *ret_oif);

#endif /* INET6_IP6_IMPL_H */

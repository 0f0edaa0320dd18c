/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * route_impl.h - what the files of addresses and routes share
 *
 *	ifaddr.c	addresses of interfaces, and the routes they bring
 *	rttrie.c	longest prefix match
 *	route.c		tables: adding, removing, listing
 *	route_conf.c	what a route may say
 *	route_sweep.c	routes that go by themselves
 *	rule.c		which table a look-up asks
 *	rtexc.c		what ICMP told about single destinations
 *	rtselect.c	looking up
 *	rtdst.c		decisions
 */

#ifndef ROUTE_IMPL_H
#define ROUTE_IMPL_H

#include <linux/fib_rules.h>
#include <net/route.h>
#include <sys/ktime.h>
#include <sys/socket.h>

/* --- families -------------------------------------------------------------------- */

/* Index of a family in arrays; the caller knows that it is one of the two. */
static inline unsigned int
family_index(int family)
{
	return family == AF_INET6;
}

static inline unsigned int
family_bits(int family)
{
	return family == AF_INET6 ? 128 : 32;
}

static inline bool
family_ok(int family)
{
	return family == AF_INET || family == AF_INET6;
}

static inline bool
inaddr_multicast(int family, const struct inaddr *a)
{
	return family == AF_INET6 ? a->ia_b[0] == 0xff : (a->ia_b[0] & 0xf0) == 0xe0;
}

/* 255.255.255.255 */
static inline bool
inaddr_lbcast(int family, const struct inaddr *a)
{
	return family == AF_INET && a->ia_w[0] == 0xffffffff;
}

/* The first plen bits of both are the same. */
bool	inaddr_match(const struct inaddr *a, const struct inaddr *b, unsigned int plen);
/* Clears all but the first plen bits. */
void	inaddr_mask(struct inaddr *a, unsigned int plen);

/* rk_flags: where no route leads, the interface that was asked for does not either. */
#define RTK_ROUTED	0x80

/* --- the trie -------------------------------------------------------------------- */

/*
 * A route.  Only as many hops as it has are allocated.
 */
struct route {
	struct route	*r_next;	/* q: of the same prefix; by tos, metric */
	struct qsbr_head r_qsbr;
	struct rtconfig	 r_conf;	/* c, but for RTNH_F_DEAD (a) */
};

/*
 * A prefix with routes, or a place where two prefixes part.
 */
struct rtnode {
	struct inaddr	 rn_prefix;	/* c */
	unsigned int	 rn_plen;	/* c */
	struct rtnode	*rn_child[2];	/* q: by the bit behind the prefix */
	struct route	*rn_routes;	/* q */
	struct qsbr_head rn_qsbr;
};

#define RTTRIE_DEPTH	129

/* All nodes with routes whose prefix fits, the longest last; how many. */
unsigned int rttrie_match(struct rtnode *const *root, const struct inaddr *addr,
	    unsigned int bits, const struct rtnode **nodes);

/* For who holds ns_lock: the node of a prefix, made if there is none.  ENOMEM. */
struct rtnode *rttrie_find(struct rtnode *root, const struct inaddr *prefix,
	    unsigned int plen);
int	rttrie_insert(struct rtnode **root, const struct inaddr *prefix,
	    unsigned int plen, struct rtnode **ret_rn);
/* Takes out what has become of no use on the way to a prefix, or everywhere. */
void	rttrie_prune(struct rtnode **root, const struct inaddr *prefix,
	    unsigned int plen);
void	rttrie_prune_all(struct rtnode **root);
/* Every node with routes, in order, until fn returns non-zero; fn may remove routes. */
int	rttrie_walk(struct rtnode *root, int (*fn)(struct rtnode *, void *), void *arg);

/* --- a name space's -------------------------------------------------------------- */

struct rttable {
	uint32_t	 rt_id;		/* c */
	struct rttable	*rt_next;	/* q */
	struct rtnode	*rt_root[2];	/* q: by family_index() */
};

struct rule {
	struct rtrule	 ru_rule;	/* c */
	struct rule	*ru_next;	/* q: by preference */
	struct qsbr_head ru_qsbr;
};

#define IFADDR_BUCKETS	128
#define RTCACHE_SLOTS	1024
#define RTEXC_BUCKETS	64

struct rtexc;

struct rtcached;

struct netns_route {
	struct ifaddr	*nr_addrs[IFADDR_BUCKETS];	/* q */
	struct rttable	*nr_tables;	/* q: never shrinks */
	struct rule	*nr_rules[2];	/* q */
	kmutex_t	 nr_exclock;
	struct rtexc	*nr_exc[RTEXC_BUCKETS];	/* q, under nr_exclock */
	unsigned int	 nr_nexc;	/* nr_exclock; read atomically */
	unsigned int	 nr_excnext;	/* nr_exclock: bucket to evict from */
	struct rtcached	*nr_cache[RTCACHE_SLOTS];	/* a */
	struct callout	 nr_expiry;	/* looks for routes whose time has come */
	int64_t		 nr_expires;	/* ns_lock: when it is armed for; KTIME_NEVER */
	struct netns	*nr_ns;		/* c */
};

static inline struct netns_route *
netns_route(const struct netns *ns)
{
	return netns_data(ns, NETNS_SLOT_ROUTE);
}

/* ifaddr.c, lock-free: of any interface that is up, for one without its own.  NULL. */
const struct ifaddr *ifaddr_select_any(struct netns *ns, int family, int scope);

/*
 * route_sweep.c: an address of IPv4 is gone, and the routes that prefer it as their source with it;
 * with the last of an interface all that led through that.  As on Linux nobody is told.  ns_lock.
 */
void	route_addrgone(struct ifnet *ifp, const struct inaddr *addr, bool last);
/* When a route has its end.  If the timer cannot be had it is only removed later. */
void	route_expiry_arm(struct netns_route *nr, int64_t when);
void	route_expiry_timer(void *nr);

/* route.c: lock-free; NULL: there is none. */
struct rttable *rttable_find(struct netns *ns, uint32_t id);
/* ns_lock: takes out *link and tells; frees what has been taken out. */
void	route_unlink(struct netns *ns, struct route **link);
void	route_free(struct qsbr_head *qh);

/* route_conf.c, ns_lock: looks at everything; fills in what has a default. */
int	route_check(struct netns *ns, struct rtconfig *rc);
bool	routeconf_same(const struct rtconfig *a, const struct rtconfig *b);
/* <0, 0, >0: where a stands to b among the routes of a prefix. */
int	routeconf_order(const struct rtconfig *a, const struct rtconfig *b);
/* Is r what rc names?  What is 0 (scope: RT_SCOPE_NOWHERE) in rc does not matter. */
bool	routeconf_fits(const struct rtconfig *r, const struct rtconfig *rc);

/* rule.c: the usual three.  ENOMEM. */
int	rules_create(struct netns_route *nr);
void	rules_destroy(struct netns_route *nr);
bool	rule_matches(struct netns *ns, const struct rtrule *rr, const struct rtkey *rk);

/* rtexc.c: lock-free; false: nothing is known about dst. */
struct rtexc_info {
	uint32_t	 xi_mtu;	/* 0: none */
	int64_t		 xi_mtu_expires;
	uint32_t	 xi_gwif;	/* 0: no redirect */
	struct inaddr	 xi_gw;
};
bool	rtexc_find(struct netns_route *nr, int family, const struct inaddr *dst,
	    struct rtexc_info *ret_xi);
void	rtexc_flush(struct netns_route *nr);

/* --- looking up -------------------------------------------------------------------- */

/* What the tables said. */
struct verdict {
	uint8_t		 ve_type;	/* RTN_* */
	uint8_t		 ve_scope;
	struct ifnet	*ve_ifp;	/* lock-free */
	const struct rtconfig *ve_conf;	/* NULL: no route was needed */
	const struct rthop *ve_hop;
	bool		 ve_hashed;
};
/* rtselect.c: lock-free; what the verdict points to lives as long. */
int	route_decide(struct netns *ns, const struct rtkey *rk, struct verdict *ve);

/* rtdst.c: lets go of all decisions that are kept. */
void	rtcache_flush(struct netns_route *nr);
int	rtdst_boot(void);

#endif /* ROUTE_IMPL_H */

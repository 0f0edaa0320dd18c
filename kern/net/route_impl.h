/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * route_impl.h - what the files of addresses and routes share
 *
 *	ifaddr.c	addresses of interfaces, and the routes they bring
 *	rttrie.c	longest prefix match
 *	route.c		tables: adding, removing, listing
 *	rule.c		which table a look-up asks
 *	rtexc.c		what ICMP told about single destinations
 *	rtdst.c		looking up, decisions
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

static inline bool
inaddr_linklocal6(const struct inaddr *a)
{
	return a->ia_b[0] == 0xfe && (a->ia_b[1] & 0xc0) == 0x80;
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
 * route.c: an address of IPv4 is gone, and the routes that prefer it as their source with it;
 * with the last of an interface all that led through that.  As on Linux nobody is told.  ns_lock.
 */
void	route_addrgone(struct ifnet *ifp, const struct inaddr *addr, bool last);
/* route.c: lock-free; NULL: there is none. */
struct rttable *rttable_find(struct netns *ns, uint32_t id);

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

/* rtdst.c: lets go of all decisions that are kept. */
void	rtcache_flush(struct netns_route *nr);
int	rtdst_boot(void);

#endif /* ROUTE_IMPL_H */

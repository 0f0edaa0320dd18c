/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtdst.c - where a flow goes
 *
 * A look-up takes what the tables say (rtselect.c) and makes of it a struct
 * rtdst: interface, next hop, source, MTU.  Decisions are kept in a small table by what was asked, so that
 * those who ask the same share one, and a datagram to a destination of a moment ago
 * costs no walk.  A slot holds the last; what falls out lives on with who
 * holds it.
 *
 * A decision is good while ns_routegen stands where it stood before the
 * look-up began.
 *
 * Locking: none.  Slots are exchanged atomically; a reader takes a reference
 * unless it is the last that goes.
 *
 * References: RFC 1122 section 3.3.1, RFC 6724 (by the family's af_select).
 */

#include "route_impl.h"

#include <lib/hash.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>

#include "net_impl.h"

struct rtcached {
	struct rtdst	 rc_dst;
	struct rtkey	 rc_key;	/* c: what was asked */
	bool		 rc_hashed;	/* c: another rk_hash may mean another hop */
};

static struct pool rtdst_pool;

int
rtdst_boot(void)
{
	pool_init(&rtdst_pool, sizeof(struct rtcached), 16, "rtdst");
	return 0;
}

/* --- references ------------------------------------------------------------------ */

static void
rtdst_free(struct qsbr_head *qh)
{
	struct rtdst *rd = container_of(qh, struct rtdst, rd_qsbr);

	pool_put(&rtdst_pool, container_of(rd, struct rtcached, rc_dst));
}

void
rtdst_rele(struct rtdst *rd)
{
	if (rd == NULL || atomic_sub_ar(&rd->rd_refs, 1) != 1)
		return;
	if (rd->rd_neigh != NULL)
		neigh_rele(rd->rd_neigh);
	if_rele(rd->rd_ifp);
	qsbr_call(&rd->rd_qsbr, rtdst_free);
}

static bool
rtdst_tryhold(struct rtdst *rd)
{
	unsigned int refs = atomic_load(&rd->rd_refs);

	while (refs != 0) {
		if (atomic_cas_ar(&rd->rd_refs, &refs, refs + 1))
			return true;
	}
	return false;
}

uint32_t
rtdst_mtu(const struct rtdst *rd)
{
	uint32_t pmtu = atomic_load(&rd->rd_pmtu);

	if (likely(pmtu == 0) || pmtu >= rd->rd_mtu ||
	    clock_mono() >= atomic_load(&rd->rd_pmtu_expires))
		return rd->rd_mtu;
	return pmtu;
}

struct neigh *
rtdst_neigh(struct rtdst *rd)
{
	struct neigh *n = atomic_load_acq(&rd->rd_neigh), *none = NULL;

	if (likely(n != NULL))
		return n;
	n = neigh_get(rd->rd_ifp, rd->rd_gwfamily, &rd->rd_hop);
	if (n != NULL && !atomic_cas_ar(&rd->rd_neigh, &none, n)) {
		neigh_rele(n);
		n = none;
	}
	return n;
}

/* --- the cache ------------------------------------------------------------------- */

static struct rtcached **
slot_of(struct netns_route *nr, const struct rtkey *rk)
{
	uint64_t h = rk->rk_dst.ia_d[0] ^ rk->rk_dst.ia_d[1] * 31 ^
	    rk->rk_src.ia_d[0] * 7 ^ rk->rk_src.ia_d[1] ^ rk->rk_oif;

	return &nr->nr_cache[hash_u64(h ^ hash_secret) % RTCACHE_SLOTS];
}

static bool
key_same(const struct rtcached *rc, const struct rtkey *rk)
{
	const struct rtkey *key = &rc->rc_key;

	return inaddr_eq(&key->rk_dst, &rk->rk_dst) &&
	    inaddr_eq(&key->rk_src, &rk->rk_src) &&
	    key->rk_family == rk->rk_family && key->rk_oif == rk->rk_oif &&
	    key->rk_iif == rk->rk_iif && key->rk_mark == rk->rk_mark &&
	    key->rk_tos == rk->rk_tos && key->rk_flags == rk->rk_flags &&
	    (!rc->rc_hashed || key->rk_hash == rk->rk_hash);
}

static struct rtdst *
cache_find(struct netns *ns, const struct rtkey *rk)
{
	struct rtcached *rc = atomic_load_acq(slot_of(netns_route(ns), rk));

	if (rc == NULL || !key_same(rc, rk) || !rtdst_valid(&rc->rc_dst) ||
	    !rtdst_tryhold(&rc->rc_dst))
		return NULL;
	return &rc->rc_dst;
}

static void
cache_put(struct netns *ns, struct rtcached *rc)
{
	struct rtcached *old;

	rtdst_hold(&rc->rc_dst);
	old = atomic_swap_ar(slot_of(netns_route(ns), &rc->rc_key), rc);
	if (old != NULL)
		rtdst_rele(&old->rc_dst);
}

void
rtcache_flush(struct netns_route *nr)
{
	for (unsigned int i = 0; i < RTCACHE_SLOTS; i++) {
		struct rtcached *old = atomic_swap_ar(&nr->nr_cache[i], NULL);

		if (old != NULL)
			rtdst_rele(&old->rc_dst);
	}
}

void
route_forget(struct netns *ns)
{
	rtcache_flush(netns_route(ns));
}

/* --- the decision ---------------------------------------------------------------- */

static void
choose_source(struct rtdst *rd, const struct rtkey *rk, const struct verdict *ve)
{
	const struct ifaddr_family *af = ifaddr_family(rk->rk_family);
	const struct ifaddr *ifa;
	struct inaddr src;

	rd->rd_src = rk->rk_src;
	if (!inaddr_zero(&rd->rd_src))
		return;
	if (ve->ve_conf != NULL && !inaddr_zero(&ve->ve_conf->rc_prefsrc)) {
		rd->rd_src = ve->ve_conf->rc_prefsrc;
		return;
	}
	if (ve->ve_type == RTN_LOCAL) {
		rd->rd_src = rk->rk_dst;
		return;
	}
	if (af != NULL && af->af_select != NULL) {
		if (af->af_select(ve->ve_ifp, rk, &src))
			rd->rd_src = src;
		return;
	}
	ifa = ifaddr_select(ve->ve_ifp, rk->rk_family,
	    (rd->rd_flags & RTD_GATEWAY) != 0 && rd->rd_gwfamily == rk->rk_family ?
	    &rd->rd_hop : &rk->rk_dst, ve->ve_scope);
	if (ifa == NULL)
		ifa = ifaddr_select_any(ve->ve_ifp->if_ns, rk->rk_family, ve->ve_scope);
	if (ifa != NULL)
		rd->rd_src = ifa->ifa_addr;
}

static void
apply_conf(struct rtdst *rd, const struct rtkey *rk, const struct verdict *ve)
{
	const struct rtconfig *conf = ve->ve_conf;
	const struct rthop *nh = ve->ve_hop;

	rd->rd_gwfamily = rk->rk_family;
	rd->rd_hop = rk->rk_dst;
	rd->rd_mtu = atomic_load(&rd->rd_ifp->if_mtu);
	if (conf == NULL || rd->rd_type != RTN_UNICAST)
		return;
	if (nh != NULL && nh->nh_gwfamily != 0) {
		rd->rd_flags |= RTD_GATEWAY;
		rd->rd_gwfamily = nh->nh_gwfamily;
		rd->rd_hop = nh->nh_gw;
	}
	if (conf->rc_mtu != 0 && conf->rc_mtu < rd->rd_mtu)
		rd->rd_mtu = conf->rc_mtu;
	rd->rd_advmss = conf->rc_advmss;
	rd->rd_initcwnd = conf->rc_initcwnd;
	rd->rd_hoplimit = (uint8_t)(conf->rc_hoplimit > 255 ? 255 : conf->rc_hoplimit);
}

static void
apply_exception(struct netns *ns, struct rtdst *rd, const struct rtkey *rk)
{
	struct rtexc_info xi;

	if (rd->rd_type != RTN_UNICAST ||
	    !rtexc_find(netns_route(ns), rk->rk_family, &rk->rk_dst, &xi))
		return;
	if (xi.xi_mtu != 0) {
		rd->rd_pmtu = xi.xi_mtu;
		rd->rd_pmtu_expires = xi.xi_mtu_expires;
	}
	if (xi.xi_gwif == rd->rd_ifp->if_index) {
		rd->rd_flags |= RTD_GATEWAY;
		rd->rd_gwfamily = rk->rk_family;
		rd->rd_hop = xi.xi_gw;
	}
}

static uint8_t
type_flags(uint8_t type)
{
	switch (type) {
	case RTN_LOCAL:
	case RTN_ANYCAST:
		return RTD_LOCAL;
	case RTN_BROADCAST:
		return RTD_BROADCAST;
	case RTN_MULTICAST:
		return RTD_MULTICAST;
	default:
		return 0;
	}
}

static void
fill_in(struct netns *ns, struct rtcached *rc, const struct rtkey *rk,
    const struct verdict *ve, uint32_t gen)
{
	struct rtdst *rd = &rc->rc_dst;

	memset(rc, 0, sizeof(*rc));
	rc->rc_key = *rk;
	rc->rc_hashed = ve->ve_hashed;
	rd->rd_refs = 1;
	rd->rd_gen = gen;
	rd->rd_ns = ns;
	rd->rd_family = rk->rk_family;
	rd->rd_type = ve->ve_type;
	rd->rd_flags = type_flags(ve->ve_type);
	/* To ourselves it goes through lo, whatever interface has the address. */
	rd->rd_ifp = (rd->rd_flags & RTD_LOCAL) != 0 ? ns->ns_lo : ve->ve_ifp;
	if_hold(rd->rd_ifp);
	apply_conf(rd, rk, ve);
	apply_exception(ns, rd, rk);
	choose_source(rd, rk, ve);
}

int
route_lookup(struct netns *ns, const struct rtkey *rk, struct rtdst **ret_rd)
{
	uint32_t gen = atomic_load_acq(&ns->ns_routegen);
	struct rtcached *rc;
	struct verdict ve;
	struct rtdst *rd;
	int error;

	if (unlikely(!family_ok(rk->rk_family)))
		return EAFNOSUPPORT;
	rd = cache_find(ns, rk);
	if (rd != NULL) {
		*ret_rd = rd;
		return 0;
	}
	error = route_decide(ns, rk, &ve);
	if (error)
		return error;
	if (unlikely(ns->ns_lo == NULL))
		return ENETUNREACH;
	rc = pool_get(&rtdst_pool, KM_NOSLEEP);
	if (rc == NULL)
		return ENOMEM;
	fill_in(ns, rc, rk, &ve, gen);
	cache_put(ns, rc);
	*ret_rd = &rc->rc_dst;
	return 0;
}

int
route_match(struct netns *ns, const struct rtkey *rk, struct rtconfig *ret_rc)
{
	struct verdict ve;
	int error;

	if (!family_ok(rk->rk_family))
		return EAFNOSUPPORT;
	error = route_decide(ns, rk, &ve);
	if (error)
		return error;
	memset(ret_rc, 0, sizeof(*ret_rc));
	if (ve.ve_conf != NULL)
		memcpy(ret_rc, ve.ve_conf, offsetof(struct rtconfig, rc_hop) +
		    ve.ve_conf->rc_nhops * sizeof(struct rthop));
	return 0;
}

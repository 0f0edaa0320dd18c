/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * icmp6_error.c - errors that we send
 *
 * RFC 4443 section 2.4 says when not to: about errors, to groups, to nobody; and that
 * the rate is limited: a bucket for the name space, and one for each of some
 * destinations by hash, of a setting's rate.  An error quotes as much as fits
 * into the smallest MTU.
 *
 * Locking: il_lock, a leaf.
 */

#include "ip6_impl.h"

#include <lib/bytes.h>
#include <lib/hash.h>
#include <lib/string.h>

#define QUOTE_MAX	(IP6_MINMTU - IP6_HDRLEN - 8)
#define BUCKETS		256
#define BURST_HOST	6
#define BURST_ALL	50
#define PER_SECOND_ALL	1000

/* A bucket: tokens in ns of time, which fill it. */
struct bucket {
	int64_t		 b_full;	/* when it is full again */
};

struct icmp6_limit {
	kmutex_t	 il_lock;
	struct bucket	 il_all;
	struct bucket	 il_host[BUCKETS];
};

int
icmp6_limit_create(struct ip6_ns *n)
{
	n->n_limit = kmem_zalloc(sizeof(*n->n_limit), KM_SLEEP);
	if (n->n_limit == NULL)
		return ENOMEM;
	mutex_init(&n->n_limit->il_lock, "icmp6 limit");
	return 0;
}

void
icmp6_limit_destroy(struct ip6_ns *n)
{
	mutex_destroy(&n->n_limit->il_lock);
	kmem_free(n->n_limit, sizeof(*n->n_limit));
}

/* Is there a token of price ns, in a bucket of burst tokens?  Does not take it. */
static bool
bucket_has(struct bucket *b, int64_t now, int64_t price, int burst)
{
	if (b->b_full < now)
		b->b_full = now;
	return b->b_full - now + price <= burst * price;
}

bool
icmp6_limit_ok(struct ip6_ns *n, const struct inaddr *dst, int64_t now)
{
	int64_t price = netvar_get(n->n_ns, &ip6_var_icmp_ratelimit) * MSEC;
	const int64_t price_all = NSEC_PER_SEC / PER_SECOND_ALL;
	struct icmp6_limit *il = n->n_limit;
	struct bucket *b = &il->il_host[hash_bytes(dst, sizeof(*dst), 0) % BUCKETS];
	bool ok;

	mutex_enter(&il->il_lock);
	ok = bucket_has(&il->il_all, now, price_all, BURST_ALL) &&
	    bucket_has(b, now, price, BURST_HOST);
	if (ok) {
		il->il_all.b_full += price_all;
		b->b_full += price;
	}
	mutex_exit(&il->il_lock);
	return ok;
}

/* Is p an ICMPv6 error or redirect, or too broken to tell? */
static bool
about_error(const uint8_t *quote, size_t len)
{
	size_t off;
	uint8_t type;
	int error = ip6_chain_skip(quote, len, &off, &type);

	if (error || type != IPPROTO_ICMPV6)
		return false;
	return off >= len || quote[off] < 128 || quote[off] == ND_REDIRECT;
}

/* RFC 4443 section 2.4 (e) */
static bool
error_allowed(const struct packet *p, const struct ip6_fixed *f, const uint8_t *quote,
    size_t len, uint8_t type, uint8_t code)
{
	bool groups = type == ICMP6_TOOBIG || (type == ICMP6_PARAM && code == 2);

	if (inaddr_zero(&f->f_src) || ip6_multicast(&f->f_src))
		return false;
	if (!groups && (ip6_multicast(&f->f_dst) || p->p_type == PKT_MULTICAST ||
	    p->p_type == PKT_BROADCAST))
		return false;
	return !about_error(quote, len);
}

/* RFC 4443 section 2.2: where p went, if that is an address of ours. */
static bool
error_source(struct ifnet *ifp, const struct ip6_fixed *f, const struct rtdst *rd,
    struct inaddr *ret_src)
{
	if (ip6_islocal(ifp->if_ns, &f->f_dst, ifp->if_index)) {
		*ret_src = f->f_dst;
		return true;
	}
	*ret_src = rd->rd_src;
	return !inaddr_zero(ret_src) || ip6_select_prefs(rd->rd_ifp, &f->f_src, 0, ret_src);
}

static void
error_send(struct ifnet *ifp, struct packet *e, const struct ip6_fixed *f)
{
	struct rtkey rk = {
		.rk_family = AF_INET6, .rk_dst = f->f_src,
		.rk_oif = ip6_needs_scope(&f->f_src) ? ifp->if_index : 0,
	};
	struct inet_tx tx = {
		.it_ns = ifp->if_ns, .it_family = AF_INET6, .it_proto = IPPROTO_ICMPV6,
		.it_ttl = -1, .it_dst = f->f_src, .it_flags = INET_TX_NOLABEL,
	};
	struct packetq q = PACKETQ_INITIALIZER;
	struct rtdst *rd;

	if (route_lookup(ifp->if_ns, &rk, &rd)) {
		packet_free(e);
		return;
	}
	if (!error_source(ifp, f, rd, &tx.it_src)) {
		packet_free(e);
		rtdst_rele(rd);
		return;
	}
	icmp6_sum(e, &tx.it_src, &tx.it_dst);
	ip6_count(icmp_out);
	packetq_put(&q, e);
	(void)ip6_output(&tx, rd, &q);
	rtdst_rele(rd);
}

void
icmp6_error(struct ifnet *ifp, const struct packet *p, uint8_t type, uint8_t code,
    uint32_t info)
{
	size_t len = p->p_len < QUOTE_MAX ? p->p_len : QUOTE_MAX;
	struct ip6_ns *n = ip6_ns(ifp->if_ns);
	struct ip6_fixed f;
	struct packet *e;
	uint8_t *msg;

	msg = kmem_alloc(8 + QUOTE_MAX, KM_NOSLEEP);
	if (msg == NULL)
		return;
	packet_copyout(p, 0, msg + 8, len);
	if (ip6_fixed_parse(msg + 8, len, &f) ||
	    !error_allowed(p, &f, msg + 8, len, type, code))
		goto out;
	/* What we tell ourselves costs nobody else. */
	if (!ip6_islocal(ifp->if_ns, &f.f_src, 0) && !icmp6_limit_ok(n, &f.f_src, clock_mono())) {
		ip6_count(icmp_limited);
		goto out;
	}
	msg[0] = type;
	msg[1] = code;
	be16_put(msg + 2, 0);
	be32_put(msg + 4, info);
	e = packet_alloc(KM_NOSLEEP);
	if (e != NULL && packet_append(e, 8) != NULL &&
	    packet_appendcopy(e, msg + 8, len, KM_NOSLEEP) == 0) {
		memcpy(e->p_data, msg, 8);
		error_send(ifp, e, &f);
	} else {
		packet_free(e);
	}
out:
	kmem_free(msg, 8 + QUOTE_MAX);
}

/* What the upper protocols and routing have to say, in this family's numbers. */
void
ip6_error(struct ifnet *ifp, const struct packet *p, int what, uint32_t info)
{
	static const struct {
		uint8_t type, code;
	} wire[INET_NERRS] = {
		[INET_ERR_NET_UNREACH]	= { ICMP6_UNREACH, 0 },
		[INET_ERR_HOST_UNREACH]	= { ICMP6_UNREACH, 3 },
		[INET_ERR_PROTO_UNREACH] = { ICMP6_PARAM, 1 },
		[INET_ERR_PORT_UNREACH]	= { ICMP6_UNREACH, 4 },
		[INET_ERR_TOOBIG]	= { ICMP6_TOOBIG, 0 },
		[INET_ERR_SRCROUTE]	= { ICMP6_PARAM, 0 },
		[INET_ERR_PROHIBITED]	= { ICMP6_UNREACH, 1 },
		[INET_ERR_TTL]		= { ICMP6_TIME, 0 },
		[INET_ERR_REASM]	= { ICMP6_TIME, 1 },
		[INET_ERR_PARAM]	= { ICMP6_PARAM, 0 },
	};

	if (what < 0 || what >= INET_NERRS || wire[what].type == 0)
		return;
	if (what != INET_ERR_TOOBIG && wire[what].type != ICMP6_PARAM)
		info = 0;
	icmp6_error(ifp, p, wire[what].type, wire[what].code, info);
}

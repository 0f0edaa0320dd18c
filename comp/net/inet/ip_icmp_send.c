/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_icmp_send.c - ICMP messages of ours, and how many
 *
 * An error is sent about a packet only if RFC 1122 section 3.2.2 allows: not about errors,
 * not about what was sent to many, not about later fragments, not to what is no host.
 * It quotes as much as fits 576 bytes (RFC 1812 section 4.3.2.3).
 *
 * Two token buckets limit errors (RFC 1812 section 4.3.2.8): one of the name space for all
 * (icmp_msgs_per_sec, icmp_msgs_burst) and one of each destination (icmp_ratelimit), of
 * which a small table remembers the last; who is pushed out of it starts afresh, which
 * the first bucket bounds.
 *
 * Locking: li_lock is a leaf.
 */

#include "ip_impl.h"

#include <lib/bytes.h>
#include <lib/hash.h>
#include <lib/string.h>
#include <linux/icmp.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#define ICMP_HDRLEN	8
#define QUOTE_MAX	(576 - IP_HDRLEN - ICMP_HDRLEN)
#define LIMIT_SLOTS	256
#define LIMIT_BURST	6		/* errors to one host in a row */

#define TOS_CONTROL	0xc0		/* RFC 1812 section 4.3.2.5: internetwork control */

struct limit_slot {
	uint32_t	 ls_addr;
	int64_t		 ls_credit;	/* ns; LIMIT_BURST intervals at most */
	int64_t		 ls_stamp;
};

struct icmp_limit {
	kmutex_t	 li_lock;
	int64_t		 li_stamp;	/* all of li_lock */
	int64_t		 li_credit;	/* ns: msgs_burst / msgs_per_sec at most */
	struct limit_slot li_slot[LIMIT_SLOTS];
};

int
icmp_limit_create(struct ip_ns *in)
{
	struct icmp_limit *li = kmem_zalloc(sizeof(*li), KM_SLEEP);

	if (li == NULL)
		return ENOMEM;
	mutex_init(&li->li_lock, "icmplimit");
	in->in_limit = li;
	return 0;
}

void
icmp_limit_destroy(struct ip_ns *in)
{
	mutex_destroy(&in->in_limit->li_lock);
	kmem_free(in->in_limit, sizeof(*in->in_limit));
}

/* Credit grows with time up to max; is there one interval's worth? */
static bool
bucket_has(int64_t *credit, int64_t *stamp, int64_t now, int64_t interval, int64_t max)
{
	int64_t gain = now - *stamp;

	if (*stamp == 0 || gain > max)
		gain = max;
	*credit += gain;
	if (*credit > max)
		*credit = max;
	*stamp = now;
	return *credit >= interval;
}

static bool
limit_ok(struct netns *ns, uint8_t type, const struct inaddr *dst)
{
	int ratelimit = netvar_get(ns, &netvar_icmp_ratelimit);
	int rate = netvar_get(ns, &netvar_icmp_msgs_per_sec);
	int burst = netvar_get(ns, &netvar_icmp_msgs_burst);
	struct icmp_limit *li = ip_ns(ns)->in_limit;
	int64_t now = clock_mono(), each = (int64_t)ratelimit * 1000000, all;
	struct limit_slot *ls;
	bool ok;

	if (in_loopback(dst) || (netvar_get(ns, &netvar_icmp_ratemask) >> type & 1) == 0)
		return true;
	mutex_enter(&li->li_lock);
	all = rate > 0 ? NSEC_PER_SEC / rate : INT64_MAX;
	ok = rate > 0 && bucket_has(&li->li_credit, &li->li_stamp, now, all, all * (burst + 1));
	if (ok && each > 0) {
		ls = &li->li_slot[hash_u64(hash_secret ^ dst->ia_w[0]) % LIMIT_SLOTS];
		if (ls->ls_addr != dst->ia_w[0])
			*ls = (struct limit_slot){ .ls_addr = dst->ia_w[0] };
		ok = bucket_has(&ls->ls_credit, &ls->ls_stamp, now, each, each * LIMIT_BURST);
		if (ok)
			ls->ls_credit -= each;
	}
	if (ok)
		li->li_credit -= all;
	mutex_exit(&li->li_lock);
	if (!ok)
		inet_count(ICMPSTAT_OUTRATELIMITED);
	return ok;
}

/* --- sending -------------------------------------------------------------- */

void
icmp_send(struct netns *ns, struct packet *p, const struct inaddr *src, const struct inaddr *dst,
    uint8_t tos, int ttl)
{
	struct inet_tx tx = {
		.it_ns = ns, .it_family = AF_INET, .it_proto = IPPROTO_ICMP, .it_tos = tos,
		.it_ttl = (int16_t)ttl, .it_src = *src, .it_dst = *dst,
	};
	struct packetq q = PACKETQ_INITIALIZER;
	struct rtdst *rd;
	uint16_t sum;

	if (route_lookup(ns, &(struct rtkey){ .rk_family = AF_INET, .rk_dst = *dst, .rk_src = *src,
				.rk_tos = tos }, &rd) != 0) {
		inet_count(ICMPSTAT_OUTERRORS);
		packet_free(p);
		return;
	}
	if (inaddr_zero(src))
		tx.it_src = rd->rd_src;
	/* No longer what was received, or nothing yet. */
	p->p_csum = PKT_CSUM_NONE;
	p->p_gso = PKT_GSO_NONE;
	p->p_flags = 0;
	p->p_type = PKT_OUTGOING;
	p->p_time = 0;
	memset(p->p_data + 2, 0, 2);
	sum = packet_sum_fold(packet_sum(p, 0, p->p_len, 0));
	memcpy(p->p_data + 2, &sum, sizeof(sum));
	inet_count(ICMPSTAT_OUTMSGS);
	packetq_put(&q, p);
	ip_output(&tx, rd, &q);
	rtdst_rele(rd);
}

/* --- errors --------------------------------------------------------------- */

static const struct {
	uint8_t type, code;
} error_types[INET_NERRS] = {
	[INET_ERR_NET_UNREACH]	= { ICMP_DEST_UNREACH, ICMP_NET_UNREACH },
	[INET_ERR_HOST_UNREACH]	= { ICMP_DEST_UNREACH, ICMP_HOST_UNREACH },
	[INET_ERR_PROTO_UNREACH] = { ICMP_DEST_UNREACH, ICMP_PROT_UNREACH },
	[INET_ERR_PORT_UNREACH]	= { ICMP_DEST_UNREACH, ICMP_PORT_UNREACH },
	[INET_ERR_TOOBIG]	= { ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED },
	[INET_ERR_SRCROUTE]	= { ICMP_DEST_UNREACH, ICMP_SR_FAILED },
	[INET_ERR_PROHIBITED]	= { ICMP_DEST_UNREACH, ICMP_PKT_FILTERED },
	[INET_ERR_TTL]		= { ICMP_TIME_EXCEEDED, ICMP_EXC_TTL },
	[INET_ERR_REASM]	= { ICMP_TIME_EXCEEDED, ICMP_EXC_FRAGTIME },
	[INET_ERR_PARAM]	= { ICMP_PARAMETERPROB, 0 },
	[INET_ERR_REDIRECT]	= { ICMP_REDIRECT, ICMP_REDIR_HOST },
};

static bool
icmp_is_error(uint8_t type)
{
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	    type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

/* RFC 1122 section 3.2.2: may there be an error about p? */
static bool
error_allowed(struct ifnet *ifp, const struct packet *p, struct ip_hdr *ret_ih)
{
	uint8_t tmp[IP_HDRLEN];
	const uint8_t *h = packet_peek(p, 0, IP_HDRLEN, tmp), *type;
	struct netns *ns = ifp->if_ns;
	uint8_t byte;

	if (h == NULL || ip_hdrlen_of(h) == 0)
		return false;
	*ret_ih = (struct ip_hdr){
		.ih_hdrlen = (uint8_t)ip_hdrlen_of(h), .ih_tos = h[1], .ih_frag = be16_get(h + 6),
		.ih_proto = h[9],
	};
	memcpy(&ret_ih->ih_src.ia_w[0], h + 12, 4);
	memcpy(&ret_ih->ih_dst.ia_w[0], h + 16, 4);
	if (p->p_type == PKT_BROADCAST || p->p_type == PKT_MULTICAST ||
	    (ret_ih->ih_frag & IP_OFFMASK) != 0 || in_multicast(&ret_ih->ih_dst) ||
	    ip_isbroadcast(ns, &ret_ih->ih_dst, ifp->if_index))
		return false;
	if (inaddr_zero(&ret_ih->ih_src) || in_multicast(&ret_ih->ih_src) ||
	    ip_isbroadcast(ns, &ret_ih->ih_src, ifp->if_index))
		return false;
	if (ret_ih->ih_proto != IPPROTO_ICMP)
		return true;
	type = packet_peek(p, ret_ih->ih_hdrlen, 1, &byte);
	return type != NULL && !icmp_is_error(*type);
}

/* Quotes p behind an ICMP header; rest is its second word. */
static struct packet *
error_build(const struct packet *p, uint8_t type, uint8_t code, const uint8_t rest[4])
{
	size_t len = p->p_len < QUOTE_MAX ? p->p_len : QUOTE_MAX;
	uint8_t buf[ICMP_HDRLEN + QUOTE_MAX] = { type, code };
	struct packet *e = packet_alloc(KM_NOSLEEP);

	if (e == NULL)
		return NULL;
	memcpy(buf + 4, rest, 4);
	packet_copyout(p, 0, buf + ICMP_HDRLEN, len);
	/* The header is read and changed on the way: it is linear in any case. */
	memcpy(packet_append(e, ICMP_HDRLEN), buf, ICMP_HDRLEN);
	if (packet_appendcopy(e, buf + ICMP_HDRLEN, len, KM_NOSLEEP) != 0) {
		packet_free(e);
		return NULL;
	}
	return e;
}

static void
error_send(struct ifnet *ifp, const struct packet *p, int what, const uint8_t rest[4])
{
	uint8_t type = error_types[what].type;
	struct netns *ns = ifp->if_ns;
	struct inaddr src = { .ia_d = { 0, 0 } };
	struct packet *e;
	struct ip_hdr ih;

	if (!error_allowed(ifp, p, &ih) || !limit_ok(ns, type, &ih.ih_src))
		return;
	e = error_build(p, type, error_types[what].code, rest);
	if (e == NULL) {
		inet_count(ICMPSTAT_OUTERRORS);
		return;
	}
	if (type == ICMP_DEST_UNREACH)
		inet_count(ICMPSTAT_OUTDESTUNREACHS);
	else if (type == ICMP_TIME_EXCEEDED)
		inet_count(ICMPSTAT_OUTTIMEEXCDS);
	/* From whom it was sent to, if that is us; else from where the answer leaves. */
	if (ip_islocal(ns, &ih.ih_dst, 0))
		src = ih.ih_dst;
	icmp_send(ns, e, &src, &ih.ih_src, TOS_CONTROL | (ih.ih_tos & 0x1e), -1);
}

void
ip_error(struct ifnet *ifp, const struct packet *p, int what, uint32_t info)
{
	uint8_t rest[4] = { 0 };

	if (what == INET_ERR_TOOBIG)
		be16_put(rest + 2, (uint16_t)(info < IP_MAXLEN ? info : IP_MAXLEN));
	else if (what == INET_ERR_PARAM)
		rest[0] = (uint8_t)info;
	error_send(ifp, p, what, rest);
}

void
icmp_send_redirect(struct ifnet *ifp, const struct packet *p, const struct inaddr *gw)
{
	uint8_t rest[4];

	memcpy(rest, &gw->ia_w[0], sizeof(rest));
	inet_count(ICMPSTAT_OUTREDIRECTS);
	error_send(ifp, p, INET_ERR_REDIRECT, rest);
}

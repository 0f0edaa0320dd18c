/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtnl_routeget.c - "which way would it go?": RTM_GETROUTE of one destination
 *
 * The answer is the decision that a packet would meet with, in the form that either family
 * of Linux gives it: IPv4 shows what was decided, IPv6 the entry of the table with
 * the destination put in.  With RTM_F_FIB_MATCH it is the entry as it stands.
 *
 * NEEDSWORK: with RTA_IIF the decision is one for a packet to be forwarded; whether we
 * forward at all is not looked at.
 */

#include "rtnl_impl.h"

#include <lib/string.h>
#include <linux/in_route.h>
#include <linux/rtnetlink.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>

static const struct nlpolicy get_policy[] = {
	[RTA_DST]	= { NLK_ADDR, 0 },
	[RTA_SRC]	= { NLK_ADDR, 0 },
	[RTA_IIF]	= { NLK_U32, 0 },
	[RTA_OIF]	= { NLK_U32, 0 },
	[RTA_MARK]	= { NLK_U32, 0 },
	[RTA_UID]	= { NLK_U32, 0 },
	[RTA_IP_PROTO]	= { NLK_U8, 0 },
	[RTA_SPORT]	= { NLK_U16, 0 },
	[RTA_DPORT]	= { NLK_U16, 0 },
};
#define GET_NATTRS	ARRAY_SIZE(get_policy)

struct routeget {
	struct rtkey	 rg_key;
	uint32_t	 rg_flags;	/* RTM_F_* that were asked for */
	uint32_t	 rg_uid;
	struct rtconfig	*rg_entry;	/* of the table; rc_type 0: none was needed */
};

static int
key_parse(struct nlreq *nr, struct routeget *rg)
{
	struct nlview tb[GET_NATTRS];
	struct rtkey *rk = &rg->rg_key;
	struct rtmsg rtm;
	int error;

	error = nlreq_header(nr, &rtm, sizeof(rtm));
	if (error == 0)
		error = nlreq_attrs(nr, sizeof(rtm), get_policy, GET_NATTRS, false, tb);
	if (error)
		return error;
	rk->rk_family = rtm.rtm_family;
	if (rtaddr_len(rk->rk_family) == 0)
		return EOPNOTSUPP;
	if (nlview_present(tb[RTA_DST]))
		error = rtaddr_view(rk->rk_family, tb[RTA_DST], &rk->rk_dst);
	if (error == 0 && nlview_present(tb[RTA_SRC]))
		error = rtaddr_view(rk->rk_family, tb[RTA_SRC], &rk->rk_src);
	if (error)
		return nlreq_fail(nr, EINVAL, "invalid address length");
	rk->rk_tos = rtm.rtm_tos;
	rk->rk_oif = nlview_u32(tb[RTA_OIF]);
	rk->rk_iif = nlview_u32(tb[RTA_IIF]);
	rk->rk_mark = nlview_u32(tb[RTA_MARK]);
	rg->rg_flags = rtm.rtm_flags;
	rg->rg_uid = nlview_present(tb[RTA_UID]) ? nlview_u32(tb[RTA_UID]) : curcred()->cr_euid;
	return 0;
}

static int
key_check(struct nlreq *nr, const struct rtkey *rk)
{
	if ((rk->rk_oif != 0 && if_byindex(nr->nr_ns, rk->rk_oif) == NULL) ||
	    (rk->rk_iif != 0 && if_byindex(nr->nr_ns, rk->rk_iif) == NULL))
		return ENODEV;
	/* We send from addresses of ours. */
	if (rk->rk_family == AF_INET && rk->rk_iif == 0 && !inaddr_zero(&rk->rk_src) &&
	    ifaddr_find(nr->nr_ns, AF_INET, &rk->rk_src, NULL) == NULL)
		return nlreq_fail(nr, ENETUNREACH, "the source is not ours");
	return 0;
}

/* --- writing ----------------------------------------------------------------------------- */

static uint32_t
flags_shown(const struct rtdst *rd)
{
	if (rd->rd_family == AF_INET6)
		return 0;
	if (rd->rd_type == RTN_BROADCAST)
		return RTM_F_CLONED | RTCF_BROADCAST | RTCF_LOCAL;
	if (rd->rd_type == RTN_MULTICAST)
		return RTM_F_CLONED | RTCF_MULTICAST;
	return RTM_F_CLONED | ((rd->rd_flags & RTD_LOCAL) != 0 ? RTCF_LOCAL : 0);
}

static uint32_t
table_shown(const struct routeget *rg)
{
	if (rg->rg_key.rk_family == AF_INET && (rg->rg_flags & RTM_F_LOOKUP_TABLE) == 0)
		return RT_TABLE_MAIN;
	return rg->rg_entry->rc_table;
}

static void
addresses_put(struct nlbuf *nb, const struct rtkey *rk, const struct rtdst *rd)
{
	size_t len = rtaddr_len(rk->rk_family);

	nlbuf_attr(nb, RTA_DST, &rk->rk_dst, len);
	/* IPv6 shows the source that was asked for even if none was. */
	if (rk->rk_family == AF_INET6 || !inaddr_zero(&rk->rk_src))
		nlbuf_attr(nb, RTA_SRC, &rk->rk_src, len);
	if (inaddr_zero(&rk->rk_src) && !inaddr_zero(&rd->rd_src))
		nlbuf_attr(nb, RTA_PREFSRC, &rd->rd_src, len);
}

static void
hop_put(struct nlbuf *nb, int family, const struct rtdst *rd)
{
	struct rthop hop = { .nh_gwfamily = (rd->rd_flags & RTD_GATEWAY) != 0 ?
	    rd->rd_gwfamily : 0, .nh_gw = rd->rd_hop };
	uint32_t mtu = rtdst_mtu(rd);
	size_t nest;

	nlbuf_u32(nb, RTA_OIF, rd->rd_ifp->if_index);
	rtgateway_put(nb, family, &hop);
	if (mtu != rd->rd_ifp->if_mtu) {
		nest = nlbuf_nest(nb, RTA_METRICS);
		nlbuf_u32(nb, RTAX_MTU, mtu);
		nlbuf_nest_end(nb, nest);
	}
}

static void
decision_put(struct nlbuf *nb, const struct nlhead *head, const struct routeget *rg,
    const struct rtdst *rd)
{
	const struct rtkey *rk = &rg->rg_key;
	const struct rtconfig *rc = rg->rg_entry;
	bool ip6 = rk->rk_family == AF_INET6;
	uint8_t bits = (uint8_t)(8 * rtaddr_len(rk->rk_family));
	uint32_t table = table_shown(rg);
	struct rta_cacheinfo ci = { 0 };
	struct rtmsg rtm = {
		.rtm_family = (uint8_t)rk->rk_family, .rtm_dst_len = bits,
		.rtm_src_len = ip6 || !inaddr_zero(&rk->rk_src) ? bits : 0,
		.rtm_tos = rk->rk_tos, .rtm_type = rd->rd_type,
		.rtm_table = (uint8_t)(table < 256 ? table : RT_TABLE_COMPAT),
		.rtm_protocol = ip6 ? rc->rc_protocol : 0, .rtm_flags = flags_shown(rd),
	};

	nlbuf_begin(nb, head);
	nlbuf_bytes(nb, &rtm, sizeof(rtm));
	addresses_put(nb, rk, rd);
	nlbuf_u32(nb, RTA_TABLE, table);
	if (rk->rk_iif != 0)
		nlbuf_u32(nb, RTA_IIF, rk->rk_iif);
	hop_put(nb, rk->rk_family, rd);
	if (rk->rk_mark != 0)
		nlbuf_u32(nb, RTA_MARK, rk->rk_mark);
	if (ip6) {
		nlbuf_u32(nb, RTA_PRIORITY, rc->rc_metric);
		nlbuf_u8(nb, RTA_PREF, rc->rc_pref);
	} else if (rk->rk_iif == 0) {
		nlbuf_u32(nb, RTA_UID, rg->rg_uid);
	}
	nlbuf_attr(nb, RTA_CACHEINFO, &ci, sizeof(ci));
}

/* --- the request ------------------------------------------------------------------------- */

static int
reply(struct nlreq *nr, const struct routeget *rg, const struct rtdst *rd)
{
	struct nlhead head;
	struct nlbuf nb;
	int error;

	error = nlreq_buf(&nb, NL_CHUNK_MIN);
	if (error)
		return error;
	nlreq_head(nr, RTM_NEWROUTE, &head);
	if ((rg->rg_flags & RTM_F_FIB_MATCH) != 0) {
		rg->rg_entry->rc_table = table_shown(rg);
		rtroute_put(&nb, &head, rg->rg_entry);
	} else {
		decision_put(&nb, &head, rg, rd);
	}
	(void)nlbuf_end(&nb);
	return nlreq_reply(nr, &nb);
}

static int
lookup(struct nlreq *nr, struct routeget *rg)
{
	struct rtdst *rd;
	int error;

	error = key_parse(nr, rg);
	if (error == 0)
		error = key_check(nr, &rg->rg_key);
	if (error == 0)
		error = route_match(nr->nr_ns, &rg->rg_key, rg->rg_entry);
	if (error)
		return error;
	if ((rg->rg_flags & RTM_F_FIB_MATCH) != 0 && rg->rg_entry->rc_type == RTN_UNSPEC)
		return nlreq_fail(nr, EHOSTUNREACH, "no entry of a table says so");
	error = route_lookup(nr->nr_ns, &rg->rg_key, &rd);
	if (error)
		return error;
	error = reply(nr, rg, rd);
	rtdst_rele(rd);
	return error;
}

int
rtnl_getroute(struct nlreq *nr)
{
	struct routeget rg = { .rg_flags = 0 };
	int error;

	rg.rg_entry = kmem_alloc(sizeof(*rg.rg_entry), KM_SLEEP);
	if (rg.rg_entry == NULL)
		return ENOMEM;
	error = lookup(nr, &rg);
	kmem_free(rg.rg_entry, sizeof(*rg.rg_entry));
	return error;
}

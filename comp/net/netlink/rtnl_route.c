/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rtnl_route.c - routes: writing them, changing them, listing them
 */

#include "rtnl_impl.h"

#include <lib/string.h>
#include <linux/rtnetlink.h>
#include <sys/errno.h>
#include <sys/kmem.h>

static const struct nlpolicy route_policy[] = {
	[RTA_DST]	= { NLK_ADDR, 0 },
	[RTA_SRC]	= { NLK_ADDR, 0 },
	[RTA_IIF]	= { NLK_U32, 0 },
	[RTA_OIF]	= { NLK_U32, 0 },
	[RTA_GATEWAY]	= { NLK_ADDR, 0 },
	[RTA_PRIORITY]	= { NLK_U32, 0 },
	[RTA_PREFSRC]	= { NLK_ADDR, 0 },
	[RTA_METRICS]	= { NLK_NEST, 0 },
	[RTA_MULTIPATH]	= { NLK_ANY, sizeof(struct rtnexthop) },
	[RTA_TABLE]	= { NLK_U32, 0 },
	[RTA_MARK]	= { NLK_U32, 0 },
	[RTA_VIA]	= { NLK_ANY, 2 },
	[RTA_PREF]	= { NLK_U8, 0 },
	[RTA_EXPIRES]	= { NLK_U32, 0 },
	[RTA_UID]	= { NLK_U32, 0 },
	[RTA_IP_PROTO]	= { NLK_U8, 0 },
	[RTA_SPORT]	= { NLK_U16, 0 },
	[RTA_DPORT]	= { NLK_U16, 0 },
};
#define ROUTE_NATTRS	ARRAY_SIZE(route_policy)

#define LO_INDEX	1	/* of every name space */

/* --- writing ---------------------------------------------------------------------------- */

static void
metrics_put(struct nlbuf *nb, const struct rtconfig *rc)
{
	size_t nest;

	if ((rc->rc_mtu | rc->rc_advmss | rc->rc_window | rc->rc_initcwnd |
	    rc->rc_hoplimit) == 0)
		return;
	nest = nlbuf_nest(nb, RTA_METRICS);
	if (rc->rc_mtu != 0)
		nlbuf_u32(nb, RTAX_MTU, rc->rc_mtu);
	if (rc->rc_window != 0)
		nlbuf_u32(nb, RTAX_WINDOW, rc->rc_window);
	if (rc->rc_advmss != 0)
		nlbuf_u32(nb, RTAX_ADVMSS, rc->rc_advmss);
	if (rc->rc_hoplimit != 0)
		nlbuf_u32(nb, RTAX_HOPLIMIT, rc->rc_hoplimit);
	if (rc->rc_initcwnd != 0)
		nlbuf_u32(nb, RTAX_INITCWND, rc->rc_initcwnd);
	nlbuf_nest_end(nb, nest);
}

void
rtgateway_put(struct nlbuf *nb, int family, const struct rthop *hop)
{
	uint8_t via[2 + 16];
	uint16_t gwfamily = (uint16_t)hop->nh_gwfamily;

	if (gwfamily == 0)
		return;
	if (gwfamily == family) {
		nlbuf_attr(nb, RTA_GATEWAY, &hop->nh_gw, rtaddr_len(family));
		return;
	}
	memcpy(via, &gwfamily, sizeof(gwfamily));
	memcpy(via + sizeof(gwfamily), &hop->nh_gw, rtaddr_len(gwfamily));
	nlbuf_attr(nb, RTA_VIA, via, sizeof(gwfamily) + rtaddr_len(gwfamily));
}

static void
multipath_put(struct nlbuf *nb, const struct rtconfig *rc)
{
	size_t nest = nlbuf_nest(nb, RTA_MULTIPATH), at;

	for (unsigned int i = 0; i < rc->rc_nhops; i++) {
		const struct rthop *hop = &rc->rc_hop[i];
		struct rtnexthop nh = {
			.rtnh_flags = hop->nh_flags, .rtnh_ifindex = (int)hop->nh_ifindex,
			.rtnh_hops = (uint8_t)(hop->nh_weight > 0 ? hop->nh_weight - 1 : 0),
		};

		at = nb->nb_len;
		nlbuf_bytes(nb, &nh, sizeof(nh));
		rtgateway_put(nb, rc->rc_family, hop);
		if (nb->nb_full)
			return;
		nh.rtnh_len = (uint16_t)(nb->nb_len - at);
		memcpy(nb->nb_data + at, &nh, sizeof(nh));
	}
	nlbuf_nest_end(nb, nest);
}

static void
cacheinfo_put(struct nlbuf *nb, const struct rtconfig *rc)
{
	struct rta_cacheinfo ci = { 0 };
	int64_t left;

	if (rc->rc_expires != 0) {
		left = rc->rc_expires - clock_mono();
		ci.rta_expires = (int32_t)(left / (NSEC_PER_SEC / 100));
	}
	nlbuf_attr(nb, RTA_CACHEINFO, &ci, sizeof(ci));
}

void
rtroute_put(struct nlbuf *nb, const struct nlhead *head, const struct rtconfig *rc)
{
	size_t len = rtaddr_len(rc->rc_family);
	struct rtmsg rtm = {
		.rtm_family = (uint8_t)rc->rc_family, .rtm_dst_len = rc->rc_plen,
		.rtm_tos = rc->rc_tos, .rtm_protocol = rc->rc_protocol,
		.rtm_table = (uint8_t)(rc->rc_table < 256 ? rc->rc_table : RT_TABLE_COMPAT),
		.rtm_scope = rc->rc_scope, .rtm_type = rc->rc_type, .rtm_flags = rc->rc_flags,
	};

	if (rc->rc_nhops == 1)
		rtm.rtm_flags |= rc->rc_hop[0].nh_flags;
	nlbuf_begin(nb, head);
	nlbuf_bytes(nb, &rtm, sizeof(rtm));
	nlbuf_u32(nb, RTA_TABLE, rc->rc_table);
	if (rc->rc_plen > 0)
		nlbuf_attr(nb, RTA_DST, &rc->rc_dst, len);
	if (rc->rc_metric != 0 || rc->rc_family == AF_INET6)
		nlbuf_u32(nb, RTA_PRIORITY, rc->rc_metric);
	if (!inaddr_zero(&rc->rc_prefsrc))
		nlbuf_attr(nb, RTA_PREFSRC, &rc->rc_prefsrc, len);
	metrics_put(nb, rc);
	if (rc->rc_nhops > 1) {
		multipath_put(nb, rc);
	} else if (rc->rc_nhops == 1) {
		rtgateway_put(nb, rc->rc_family, &rc->rc_hop[0]);
		if (rc->rc_hop[0].nh_ifindex != 0)
			nlbuf_u32(nb, RTA_OIF, rc->rc_hop[0].nh_ifindex);
	} else if (rc->rc_family == AF_INET6) {
		/* Where nothing goes it goes by lo. */
		nlbuf_u32(nb, RTA_OIF, LO_INDEX);
	}
	if (rc->rc_family == AF_INET6) {
		cacheinfo_put(nb, rc);
		nlbuf_u8(nb, RTA_PREF, rc->rc_pref);
	}
}

/* --- parsing ------------------------------------------------------------------------------ */

static int
single_hop(struct nlreq *nr, int family, const struct rtmsg *rtm, const struct nlview *tb,
    struct rtconfig *rc)
{
	struct rthop *hop = &rc->rc_hop[0];
	int error = 0;

	hop->nh_ifindex = nlview_u32(tb[RTA_OIF]);
	hop->nh_weight = 1;
	hop->nh_flags = (uint8_t)(rtm->rtm_flags & RTNH_F_ONLINK);
	if (nlview_present(tb[RTA_GATEWAY]) && nlview_present(tb[RTA_VIA]))
		return nlreq_fail(nr, EINVAL, "a gateway twice");
	if (nlview_present(tb[RTA_GATEWAY])) {
		hop->nh_gwfamily = family;
		error = rtaddr_view(family, tb[RTA_GATEWAY], &hop->nh_gw);
		/* "via 0.0.0.0" means no gateway. */
		if (error == 0 && inaddr_zero(&hop->nh_gw))
			hop->nh_gwfamily = 0;
	} else if (nlview_present(tb[RTA_VIA])) {
		error = rtvia_parse(tb[RTA_VIA], hop);
	}
	if (error)
		return nlreq_fail(nr, EINVAL, "invalid gateway");
	rc->rc_nhops = hop->nh_ifindex != 0 || hop->nh_gwfamily != 0 ? 1 : 0;
	return 0;
}

static int
destination(struct nlreq *nr, const struct rtmsg *rtm, const struct nlview *tb,
    struct rtconfig *rc)
{
	int family = rc->rc_family, error = 0;

	if (rtm->rtm_dst_len > 8 * rtaddr_len(family))
		return nlreq_fail(nr, EINVAL, "invalid prefix length");
	if (rtm->rtm_src_len != 0 && family == AF_INET)
		return nlreq_fail(nr, EINVAL, "routes by source are made with rules");
	if (nlview_present(tb[RTA_DST]))
		error = rtaddr_view(family, tb[RTA_DST], &rc->rc_dst);
	if (error == 0 && nlview_present(tb[RTA_PREFSRC]))
		error = rtaddr_view(family, tb[RTA_PREFSRC], &rc->rc_prefsrc);
	if (error)
		return nlreq_fail(nr, EINVAL, "invalid address length");
	if (rtaddr_mask(&rc->rc_dst, family, rc->rc_plen) && family == AF_INET)
		return nlreq_fail(nr, EINVAL, "invalid prefix for given prefix length");
	return 0;
}

static int
route_parse(struct nlreq *nr, struct rtconfig *rc)
{
	struct nlview tb[ROUTE_NATTRS];
	struct rtmsg rtm;
	int error;

	error = nlreq_header(nr, &rtm, sizeof(rtm));
	if (error == 0)
		error = nlreq_attrs(nr, sizeof(rtm), route_policy, ROUTE_NATTRS, false, tb);
	if (error)
		return error;
	memset(rc, 0, sizeof(*rc));
	rc->rc_family = rtm.rtm_family;
	if (rtaddr_len(rc->rc_family) == 0)
		return EOPNOTSUPP;
	if (rtm.rtm_type > RTN_MAX)
		return nlreq_fail(nr, EINVAL, "invalid route type");
	rc->rc_plen = rtm.rtm_dst_len;
	rc->rc_tos = rtm.rtm_tos;
	rc->rc_protocol = rtm.rtm_protocol;
	rc->rc_scope = rtm.rtm_scope;
	rc->rc_type = rtm.rtm_type;
	rc->rc_table = nlview_present(tb[RTA_TABLE]) ? nlview_u32(tb[RTA_TABLE]) : rtm.rtm_table;
	rc->rc_metric = nlview_u32(tb[RTA_PRIORITY]);
	rc->rc_pref = (uint8_t)nlview_number(tb[RTA_PREF], 1);
	if (nlview_present(tb[RTA_EXPIRES]) && nlview_u32(tb[RTA_EXPIRES]) != 0)
		rc->rc_expires = ktime_deadline(nlview_u32(tb[RTA_EXPIRES]) * NSEC_PER_SEC);
	error = destination(nr, &rtm, tb, rc);
	if (error == 0 && nlview_present(tb[RTA_METRICS]))
		error = rtmetrics_parse(tb[RTA_METRICS], rc, &nr->nr_err);
	if (error)
		return error;
	if (nlview_present(tb[RTA_MULTIPATH]))
		return rthops_parse(rc->rc_family, tb[RTA_MULTIPATH], rc, &nr->nr_err);
	return single_hop(nr, rc->rc_family, &rtm, tb, rc);
}

/* --- changes -------------------------------------------------------------------------------- */

static int
route_change(struct nlreq *nr, bool add)
{
	struct rtconfig *rc = kmem_alloc(sizeof(*rc), KM_SLEEP);
	int error;

	if (rc == NULL)
		return ENOMEM;
	error = route_parse(nr, rc);
	if (error == 0 && add && rc->rc_type == RTN_UNSPEC)
		rc->rc_type = RTN_UNICAST;
	if (error == 0 && rc->rc_table == RT_TABLE_UNSPEC)
		rc->rc_table = RT_TABLE_MAIN;
	if (error == 0) {
		rtnl_begin(nr);
		error = add ? route_add(nr->nr_ns, rc, nr->nr_hdr.nlmsg_flags) :
		    route_del(nr->nr_ns, rc);
		rtnl_end(nr);
	}
	kmem_free(rc, sizeof(*rc));
	return error;
}

int
rtnl_newroute(struct nlreq *nr)
{
	return route_change(nr, true);
}

int
rtnl_delroute(struct nlreq *nr)
{
	return route_change(nr, false);
}

/* --- dump ------------------------------------------------------------------------------------ */

struct routefilter {
	int		 rf_family;
	uint32_t	 rf_table, rf_oif;
	uint8_t		 rf_protocol, rf_type;
	bool		 rf_nothing;	/* cloned routes: there are none in tables */
};

struct routewalk {
	struct nldump	*rw_d;
	struct nlbuf	*rw_nb;
};

static bool
route_leaves(const struct rtconfig *rc, uint32_t oif)
{
	for (unsigned int i = 0; i < rc->rc_nhops; i++) {
		if (rc->rc_hop[i].nh_ifindex == oif)
			return true;
	}
	return false;
}

static int
dumproute_one(const struct rtconfig *rc, void *arg)
{
	struct routewalk *rw = arg;
	const struct routefilter *rf = (const void *)rw->rw_d->d_arg;

	if (!nldump_due(rw->rw_d))
		return 0;
	if ((rf->rf_protocol != 0 && rf->rf_protocol != rc->rc_protocol) ||
	    (rf->rf_type != 0 && rf->rf_type != rc->rc_type) ||
	    (rf->rf_oif != 0 && !route_leaves(rc, rf->rf_oif))) {
		nldump_skip(rw->rw_d);
		return 0;
	}
	rtroute_put(rw->rw_nb, &rw->rw_d->d_head, rc);
	return nldump_put(rw->rw_d, rw->rw_nb);
}

static int
dumproute_next(struct nldump *d, struct nlbuf *nb)
{
	const struct routefilter *rf = (const void *)d->d_arg;
	struct routewalk rw = { d, nb };

	if (rf->rf_nothing)
		return 0;
	return route_iterate(d->d_ns, rf->rf_family, rf->rf_table, dumproute_one, &rw);
}

static int
dumproute_strict(struct nlreq *nr, const struct routefilter *rf, const struct nlview *tb)
{
	for (unsigned int i = 0; i < ROUTE_NATTRS; i++) {
		if (nlview_present(tb[i]) && i != RTA_TABLE && i != RTA_OIF)
			return nlreq_fail(nr, EINVAL, "attribute means nothing in a dump");
	}
	if (rf->rf_oif != 0 && if_byindex(nr->nr_ns, rf->rf_oif) == NULL)
		return ENODEV;
	if (rf->rf_table != 0 && rf->rf_family != AF_UNSPEC &&
	    !route_hastable(nr->nr_ns, rf->rf_family, rf->rf_table))
		return nlreq_fail(nr, ENOENT, "no such table");
	nr->nr_filtered = true;
	return 0;
}

int
rtnl_dumproute(struct nlreq *nr)
{
	struct routefilter rf = { .rf_family = 0 };
	struct nlview tb[ROUTE_NATTRS];
	struct rtmsg rtm;
	int error;

	error = nlreq_header(nr, &rtm, sizeof(rtm));
	if (error)
		return error;
	rf.rf_family = rtm.rtm_family;
	rf.rf_nothing = (rtm.rtm_flags & RTM_F_CLONED) != 0 ||
	    (rtm.rtm_family != AF_UNSPEC && rtaddr_len(rtm.rtm_family) == 0);
	if (nr->nr_strict) {
		error = nlreq_attrs(nr, sizeof(rtm), route_policy, ROUTE_NATTRS, true, tb);
		if (error)
			return error;
		if (rtm.rtm_dst_len != 0 || rtm.rtm_src_len != 0 || rtm.rtm_tos != 0 ||
		    rtm.rtm_scope != 0)
			return nlreq_fail(nr, EINVAL, "invalid values in header of a dump");
		rf.rf_table = nlview_present(tb[RTA_TABLE]) ? nlview_u32(tb[RTA_TABLE]) :
		    rtm.rtm_table;
		rf.rf_oif = nlview_u32(tb[RTA_OIF]);
		error = dumproute_strict(nr, &rf, tb);
		if (error)
			return error;
		rf.rf_protocol = rtm.rtm_protocol;
		rf.rf_type = rtm.rtm_type;
	}
	return nlreq_dump(nr, RTM_NEWROUTE, dumproute_next, &rf, sizeof(rf));
}

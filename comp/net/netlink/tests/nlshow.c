/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nlshow.c - messages of rtnetlink as lines of text
 *
 * Each kind of message has its header and a table of attributes, shown in the order of
 * the table, whatever order they came in.
 */

#include "nlshow.h"

#include <arpa/inet.h>
#include <harness.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum show {
	SHOW_END,
	SHOW_NUMBER,	/* of any width */
	SHOW_ADDR,	/* of the message's family */
	SHOW_BYTES,
	SHOW_TEXT,
	SHOW_LINK,	/* an interface's number */
	SHOW_LENGTH,	/* that it is there, and how long */
	SHOW_THERE,	/* that it is there */
	SHOW_LIFE,	/* struct ifa_cacheinfo: for ever, or not */
	SHOW_METRICS,
	SHOW_HOPS,
	SHOW_INFO,	/* IFLA_LINKINFO */
	SHOW_EXPIRES,	/* struct rta_cacheinfo */
};

struct attr {
	uint16_t	 a_type;
	enum show	 a_show;
	const char	*a_name;
};

struct line {
	char		*l_text;
	size_t		 l_len, l_size;
	const struct nlnames *l_names;
	int		 l_family;
};

static void __attribute__((__format__(__printf__, 2, 3)))
put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->l_text + l->l_len, l->l_size - l->l_len, fmt, ap);
	va_end(ap);
	NEED(n >= 0 && (size_t)n < l->l_size - l->l_len);
	l->l_len += (size_t)n;
}

static void
put_link(struct line *l, uint32_t index)
{
	if (index == 0) {
		put(l, "none");
		return;
	}
	for (size_t i = 0; i < 4; i++) {
		if (l->l_names->n_index[i] == index) {
			put(l, "%s", l->l_names->n_name[i]);
			return;
		}
	}
	put(l, "other");
}

static void
put_addr(struct line *l, const void *data, size_t len)
{
	char text[INET6_ADDRSTRLEN];

	if (len == 4 || len == 16)
		put(l, "%s", inet_ntop(len == 4 ? AF_INET : AF_INET6, data, text, sizeof(text)));
	else
		put(l, "(%zu bytes)", len);
}

static void
put_number(struct line *l, const void *data, size_t len)
{
	uint64_t v = 0;

	if (len <= sizeof(v))
		memcpy(&v, data, len);
	put(l, "%llu", (unsigned long long)v);
}

static void	put_attrs(struct line *l, const void *data, size_t len, const struct attr *a);

static void
put_metrics(struct line *l, const void *data, size_t len)
{
	static const struct attr metrics[] = {
		{ RTAX_LOCK, SHOW_NUMBER, "lock" },
		{ RTAX_MTU, SHOW_NUMBER, "mtu" },
		{ RTAX_WINDOW, SHOW_NUMBER, "window" },
		{ RTAX_RTT, SHOW_NUMBER, "rtt" },
		{ RTAX_RTTVAR, SHOW_NUMBER, "rttvar" },
		{ RTAX_SSTHRESH, SHOW_NUMBER, "ssthresh" },
		{ RTAX_CWND, SHOW_NUMBER, "cwnd" },
		{ RTAX_ADVMSS, SHOW_NUMBER, "advmss" },
		{ RTAX_REORDERING, SHOW_NUMBER, "reordering" },
		{ RTAX_HOPLIMIT, SHOW_NUMBER, "hoplimit" },
		{ RTAX_INITCWND, SHOW_NUMBER, "initcwnd" },
		{ RTAX_FEATURES, SHOW_NUMBER, "features" },
		{ RTAX_RTO_MIN, SHOW_NUMBER, "rto_min" },
		{ RTAX_INITRWND, SHOW_NUMBER, "initrwnd" },
		{ RTAX_QUICKACK, SHOW_NUMBER, "quickack" },
		{ RTAX_CC_ALGO, SHOW_TEXT, "cc" },
		{ 0, SHOW_END, NULL },
	};

	put_attrs(l, data, len, metrics);
}

static void
put_hops(struct line *l, const uint8_t *data, size_t len)
{
	static const struct attr hop[] = {
		{ RTA_GATEWAY, SHOW_ADDR, "via" },
		{ RTA_VIA, SHOW_BYTES, "viaother" },
		{ 0, SHOW_END, NULL },
	};
	struct rtnexthop nh;

	while (len >= sizeof(nh)) {
		memcpy(&nh, data, sizeof(nh));
		if (nh.rtnh_len < sizeof(nh) || nh.rtnh_len > len)
			break;
		put(l, "[");
		put_link(l, (uint32_t)nh.rtnh_ifindex);
		put(l, " weight %u flags %x", nh.rtnh_hops + 1u, nh.rtnh_flags);
		put_attrs(l, data + sizeof(nh), nh.rtnh_len - sizeof(nh), hop);
		put(l, "]");
		if (NLMSG_ALIGN(nh.rtnh_len) >= len)
			break;
		data += NLMSG_ALIGN(nh.rtnh_len);
		len -= NLMSG_ALIGN(nh.rtnh_len);
	}
}

static void
put_info(struct line *l, const void *data, size_t len)
{
	static const struct attr info[] = {
		{ IFLA_INFO_KIND, SHOW_THERE, "kind" },
		{ 0, SHOW_END, NULL },
	};

	put_attrs(l, data, len, info);
}

static void
put_life(struct line *l, const void *data, size_t len)
{
	struct ifa_cacheinfo ci;

	if (len != sizeof(ci)) {
		put(l, "(%zu bytes)", len);
		return;
	}
	memcpy(&ci, data, sizeof(ci));
	/* To the hundred: time goes on. */
	put(l, "%u/%u", ci.ifa_prefered == UINT32_MAX ? 0 : (ci.ifa_prefered + 99) / 100,
	    ci.ifa_valid == UINT32_MAX ? 0 : (ci.ifa_valid + 99) / 100);
}

static void
put_expires(struct line *l, const void *data, size_t len)
{
	struct rta_cacheinfo ci;

	if (len != sizeof(ci)) {
		put(l, "(%zu bytes)", len);
		return;
	}
	memcpy(&ci, data, sizeof(ci));
	put(l, "%d error %u", (ci.rta_expires + 9999) / 10000, ci.rta_error);
}

static void
put_value(struct line *l, enum show show, const void *data, size_t len)
{
	uint32_t index = 0;

	switch (show) {
	case SHOW_NUMBER:
		put_number(l, data, len);
		break;
	case SHOW_ADDR:
		put_addr(l, data, len);
		break;
	case SHOW_BYTES:
		for (size_t i = 0; i < len; i++)
			put(l, "%02x", ((const uint8_t *)data)[i]);
		break;
	case SHOW_TEXT:
		put(l, "%.*s", (int)len, (const char *)data);
		break;
	case SHOW_LINK:
		if (len == sizeof(index))
			memcpy(&index, data, sizeof(index));
		put_link(l, index);
		break;
	case SHOW_LENGTH:
		put(l, "(%zu bytes)", len);
		break;
	case SHOW_LIFE:
		put_life(l, data, len);
		break;
	case SHOW_METRICS:
		put_metrics(l, data, len);
		break;
	case SHOW_HOPS:
		put_hops(l, data, len);
		break;
	case SHOW_INFO:
		put_info(l, data, len);
		break;
	case SHOW_EXPIRES:
		put_expires(l, data, len);
		break;
	default:
		break;
	}
}

static void
put_attrs(struct line *l, const void *data, size_t len, const struct attr *a)
{
	const struct rtattr *rta;
	int left;

	for (; a->a_show != SHOW_END; a++) {
		rta = data;
		left = (int)len;
		for (; RTA_OK(rta, left); rta = RTA_NEXT(rta, left)) {
			if ((rta->rta_type & NLA_TYPE_MASK) != a->a_type)
				continue;
			put(l, " %s ", a->a_name);
			put_value(l, a->a_show, RTA_DATA(rta), RTA_PAYLOAD(rta));
		}
	}
}

/* --- kinds of messages ------------------------------------------------------------------ */

static const struct attr link_attrs[] = {
	{ IFLA_IFNAME, SHOW_TEXT, "name" },
	{ IFLA_MTU, SHOW_NUMBER, "mtu" },
	{ IFLA_MIN_MTU, SHOW_THERE, "minmtu" },
	{ IFLA_MAX_MTU, SHOW_THERE, "maxmtu" },
	{ IFLA_TXQLEN, SHOW_NUMBER, "qlen" },
	{ IFLA_OPERSTATE, SHOW_NUMBER, "operstate" },
	{ IFLA_LINKMODE, SHOW_NUMBER, "mode" },
	{ IFLA_GROUP, SHOW_NUMBER, "group" },
	{ IFLA_PROMISCUITY, SHOW_NUMBER, "promisc" },
	{ IFLA_ALLMULTI, SHOW_NUMBER, "allmulti" },
	{ IFLA_NUM_TX_QUEUES, SHOW_THERE, "txqueues" },
	{ IFLA_NUM_RX_QUEUES, SHOW_THERE, "rxqueues" },
	{ IFLA_GSO_MAX_SEGS, SHOW_THERE, "gsosegs" },
	{ IFLA_GSO_MAX_SIZE, SHOW_THERE, "gsosize" },
	{ IFLA_GRO_MAX_SIZE, SHOW_THERE, "grosize" },
	{ IFLA_TSO_MAX_SIZE, SHOW_THERE, "tsosize" },
	{ IFLA_TSO_MAX_SEGS, SHOW_THERE, "tsosegs" },
	{ IFLA_CARRIER, SHOW_NUMBER, "carrier" },
	{ IFLA_CARRIER_CHANGES, SHOW_THERE, "changes" },
	{ IFLA_CARRIER_UP_COUNT, SHOW_THERE, "ups" },
	{ IFLA_CARRIER_DOWN_COUNT, SHOW_THERE, "downs" },
	{ IFLA_QDISC, SHOW_THERE, "qdisc" },
	{ IFLA_PROTO_DOWN, SHOW_NUMBER, "protodown" },
	{ IFLA_MAP, SHOW_LENGTH, "map" },
	{ IFLA_ADDRESS, SHOW_LENGTH, "address" },
	{ IFLA_BROADCAST, SHOW_BYTES, "broadcast" },
	{ IFLA_LINK, SHOW_LINK, "link" },
	{ IFLA_IFALIAS, SHOW_TEXT, "alias" },
	{ IFLA_STATS64, SHOW_THERE, "stats64" },
	{ IFLA_STATS, SHOW_THERE, "stats" },
	{ IFLA_EVENT, SHOW_NUMBER, "event" },
	{ IFLA_AF_SPEC, SHOW_THERE, "af_spec" },
	{ IFLA_LINKINFO, SHOW_INFO, "info" },
	{ 0, SHOW_END, NULL },
};

static const struct attr addr_attrs[] = {
	{ IFA_ADDRESS, SHOW_ADDR, "address" },
	{ IFA_LOCAL, SHOW_ADDR, "local" },
	{ IFA_BROADCAST, SHOW_ADDR, "broadcast" },
	{ IFA_LABEL, SHOW_TEXT, "label" },
	{ IFA_FLAGS, SHOW_NUMBER, "flags" },
	{ IFA_RT_PRIORITY, SHOW_NUMBER, "metric" },
	{ IFA_PROTO, SHOW_NUMBER, "proto" },
	{ IFA_CACHEINFO, SHOW_LIFE, "life" },
	{ 0, SHOW_END, NULL },
};

static const struct attr route_attrs[] = {
	{ RTA_TABLE, SHOW_NUMBER, "table" },
	{ RTA_DST, SHOW_ADDR, "dst" },
	{ RTA_SRC, SHOW_ADDR, "src" },
	{ RTA_IIF, SHOW_LINK, "iif" },
	{ RTA_PRIORITY, SHOW_NUMBER, "metric" },
	{ RTA_PREFSRC, SHOW_ADDR, "prefsrc" },
	{ RTA_METRICS, SHOW_METRICS, "metrics" },
	{ RTA_GATEWAY, SHOW_ADDR, "via" },
	{ RTA_VIA, SHOW_BYTES, "viaother" },
	{ RTA_OIF, SHOW_LINK, "dev" },
	{ RTA_MULTIPATH, SHOW_HOPS, "hops" },
	{ RTA_MARK, SHOW_NUMBER, "mark" },
	{ RTA_UID, SHOW_NUMBER, "uid" },
	{ RTA_FLOW, SHOW_NUMBER, "flow" },
	{ RTA_PREF, SHOW_NUMBER, "pref" },
	{ RTA_CACHEINFO, SHOW_EXPIRES, "expires" },
	{ 0, SHOW_END, NULL },
};

static const struct attr neigh_attrs[] = {
	{ NDA_DST, SHOW_ADDR, "dst" },
	{ NDA_LLADDR, SHOW_BYTES, "lladdr" },
	{ NDA_PROBES, SHOW_NUMBER, "probes" },
	{ NDA_CACHEINFO, SHOW_LENGTH, "cacheinfo" },
	{ NDA_PROTOCOL, SHOW_NUMBER, "proto" },
	{ NDA_FLAGS_EXT, SHOW_NUMBER, "flagsext" },
	{ 0, SHOW_END, NULL },
};

static const struct attr rule_attrs[] = {
	{ FRA_PRIORITY, SHOW_NUMBER, "pref" },
	{ FRA_SRC, SHOW_ADDR, "from" },
	{ FRA_DST, SHOW_ADDR, "to" },
	{ FRA_IIFNAME, SHOW_TEXT, "iif" },
	{ FRA_OIFNAME, SHOW_TEXT, "oif" },
	{ FRA_FWMARK, SHOW_NUMBER, "mark" },
	{ FRA_FWMASK, SHOW_NUMBER, "mask" },
	{ FRA_TABLE, SHOW_NUMBER, "table" },
	{ FRA_GOTO, SHOW_NUMBER, "goto" },
	{ FRA_SUPPRESS_PREFIXLEN, SHOW_NUMBER, "suppress" },
	{ FRA_SUPPRESS_IFGROUP, SHOW_NUMBER, "suppressgroup" },
	{ FRA_PROTOCOL, SHOW_NUMBER, "proto" },
	{ FRA_IP_PROTO, SHOW_NUMBER, "ipproto" },
	{ FRA_UID_RANGE, SHOW_BYTES, "uids" },
	{ FRA_SPORT_RANGE, SHOW_BYTES, "sports" },
	{ FRA_DPORT_RANGE, SHOW_BYTES, "dports" },
	{ 0, SHOW_END, NULL },
};

static size_t
show_link(struct line *l, const struct nlmsghdr *nh)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(nh);

	put(l, " family %u type %u ", ifi->ifi_family, ifi->ifi_type);
	put_link(l, (uint32_t)ifi->ifi_index);
	put(l, " flags %x change %x", ifi->ifi_flags, ifi->ifi_change);
	return sizeof(*ifi);
}

static size_t
show_addr(struct line *l, const struct nlmsghdr *nh)
{
	const struct ifaddrmsg *ifa = NLMSG_DATA(nh);

	l->l_family = ifa->ifa_family;
	put(l, " family %u /%u flags %x scope %u ", ifa->ifa_family, ifa->ifa_prefixlen,
	    ifa->ifa_flags, ifa->ifa_scope);
	put_link(l, ifa->ifa_index);
	return sizeof(*ifa);
}

static size_t
show_route(struct line *l, const struct nlmsghdr *nh)
{
	const struct rtmsg *rtm = NLMSG_DATA(nh);

	l->l_family = rtm->rtm_family;
	put(l, " family %u /%u from /%u tos %u table %u proto %u scope %u type %u flags %x",
	    rtm->rtm_family, rtm->rtm_dst_len, rtm->rtm_src_len, rtm->rtm_tos, rtm->rtm_table,
	    rtm->rtm_protocol, rtm->rtm_scope, rtm->rtm_type, rtm->rtm_flags);
	return sizeof(*rtm);
}

static size_t
show_neigh(struct line *l, const struct nlmsghdr *nh)
{
	const struct ndmsg *ndm = NLMSG_DATA(nh);

	l->l_family = ndm->ndm_family;
	put(l, " family %u state %x flags %x type %u ", ndm->ndm_family, ndm->ndm_state,
	    ndm->ndm_flags, ndm->ndm_type);
	put_link(l, (uint32_t)ndm->ndm_ifindex);
	return sizeof(*ndm);
}

static size_t
show_rule(struct line *l, const struct nlmsghdr *nh)
{
	const struct fib_rule_hdr *frh = NLMSG_DATA(nh);

	l->l_family = frh->family;
	put(l, " family %u from /%u to /%u tos %u table %u action %u flags %x", frh->family,
	    frh->src_len, frh->dst_len, frh->tos, frh->table, frh->action, frh->flags);
	return sizeof(*frh);
}

static const struct kind {
	uint16_t	 k_base;	/* RTM_NEWx; +1 is RTM_DELx */
	const char	*k_name;
	size_t		(*k_head)(struct line *, const struct nlmsghdr *);
	const struct attr *k_attrs;
} kinds[] = {
	{ RTM_NEWLINK, "link", show_link, link_attrs },
	{ RTM_NEWADDR, "addr", show_addr, addr_attrs },
	{ RTM_NEWROUTE, "route", show_route, route_attrs },
	{ RTM_NEWNEIGH, "neigh", show_neigh, neigh_attrs },
	{ RTM_NEWRULE, "rule", show_rule, rule_attrs },
};

/*
 * When these of IPv6 come and go is not the client's doing: link-local addresses, groups, and
 * the routes to addresses, which Linux makes after a while.  Rules of multicast routing
 * are there or not as that was configured.
 */
static bool
is_automatic(const struct line *l)
{
	return l->l_family == AF_INET6 && (strstr(l->l_text, " fe80:") != NULL ||
	    strstr(l->l_text, " ff00:") != NULL || strstr(l->l_text, " ff02:") != NULL ||
	    (strstr(l->l_text, "route") != NULL && strstr(l->l_text, " table 255 ") != NULL &&
	    strstr(l->l_text, "dst ::1 ") == NULL));
}

const char *
nlshow(const struct nlmsghdr *nh, const struct nlnames *names)
{
	struct line l = { .l_size = 4096, .l_names = names };
	size_t skip;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if ((nh->nlmsg_type & ~1u) != kinds[i].k_base)
			continue;
		l.l_text = calloc(1, l.l_size);
		NEED(l.l_text != NULL);
		put(&l, "%s %s msgflags %x", (nh->nlmsg_type & 1) != 0 ? "del" : "new",
		    kinds[i].k_name, nh->nlmsg_flags);
		skip = NLMSG_SPACE(kinds[i].k_head(&l, nh));
		put_attrs(&l, (const uint8_t *)nh + skip, nh->nlmsg_len - skip, kinds[i].k_attrs);
		if (!is_automatic(&l))
			return l.l_text;
		free(l.l_text);
		return NULL;
	}
	return "message of another type";
}

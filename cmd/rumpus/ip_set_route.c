/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_set_route.c - rumpus ip: changes of routes
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>
#include <rump/rump.h>

#include "ip_impl.h"

/* --- routes -------------------------------------------------------------------------------- */

#define MAXHOPS		16

struct hopwords {
	struct netaddr	 h_via;
	uint32_t	 h_index;
	unsigned int	 h_weight;
	bool		 h_onlink;
};

struct routewords {
	int		 w_family;
	struct netaddr	 w_dst;		/* family 0: default */
	int		 w_type, w_scope, w_protocol;
	uint32_t	 w_table;
	struct netaddr	 w_src;
	unsigned long	 w_metric, w_mtu, w_advmss, w_window, w_initcwnd, w_hoplimit;
	unsigned int	 w_nhops;	/* of "nexthop"; hop[0] is the plain one else */
	bool		 w_multi;
	struct hopwords	 w_hop[MAXHOPS];
};

static struct hopwords *
this_hop(struct routewords *w)
{
	return &w->w_hop[w->w_multi ? w->w_nhops - 1 : 0];
}

static int
hop_word(struct routewords *w, const char *word, const char *value)
{
	unsigned long n;

	if (strcmp(word, "via") == 0) {
		if (!ip_address(value, false, 0, &this_hop(w)->h_via))
			return EX_USE;
		if (w->w_family == 0)
			w->w_family = this_hop(w)->h_via.na_family;
	} else if (strcmp(word, "dev") == 0) {
		return ip_device(value, &this_hop(w)->h_index);
	} else if (strcmp(word, "weight") == 0 && net_number(value, 256, &n) && n > 0) {
		this_hop(w)->h_weight = (unsigned int)n;
	} else {
		return -1;
	}
	return EX_DONE;
}

static int
route_value(struct routewords *w, const char *word, const char *value)
{
	const struct { const char *word; unsigned long *to; } numbers[] = {
		{ "metric", &w->w_metric }, { "mtu", &w->w_mtu }, { "advmss", &w->w_advmss },
		{ "window", &w->w_window }, { "initcwnd", &w->w_initcwnd },
		{ "hoplimit", &w->w_hoplimit },
	};
	int code = hop_word(w, word, value);

	if (code != -1)
		return code;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(word, numbers[i].word) == 0 && net_number(value, ~0u, numbers[i].to))
			return EX_DONE;
	}
	if (strcmp(word, "src") == 0)
		return ip_address(value, false, w->w_family, &w->w_src) ? EX_DONE : EX_USE;
	if (strcmp(word, "table") == 0)
		return ip_table(value, &w->w_table);
	if (strcmp(word, "scope") == 0 && (w->w_scope = ip_scope(value)) >= 0)
		return EX_DONE;
	if (strcmp(word, "proto") == 0 && (w->w_protocol = ip_protocol(value)) >= 0)
		return EX_DONE;
	return usage_error("ip route: '%s %s'?", word, value);
}

static int
route_word(struct routewords *w, int argc, char **argv, int *i)
{
	const char *word = argv[*i], *value;

	if (strcmp(word, "onlink") == 0) {
		this_hop(w)->h_onlink = true;
		return EX_DONE;
	}
	if (strcmp(word, "nexthop") == 0) {
		if (w->w_nhops == MAXHOPS)
			return usage_error("too many next hops");
		w->w_multi = true;
		w->w_nhops++;
		return EX_DONE;
	}
	value = ip_value(argc, argv, i);
	return value == NULL ? EX_USE : route_value(w, word, value);
}

/* "[TYPE] PREFIX|default WORD..." */
static int
route_words(int argc, char **argv, struct routewords *w)
{
	int i = 1, code = EX_DONE;

	memset(w, 0, sizeof(*w));
	w->w_family = ipctx.x_family;
	w->w_scope = -1;
	w->w_protocol = RTPROT_BOOT;
	w->w_type = RTN_UNICAST;
	w->w_table = RT_TABLE_MAIN;
	if (i < argc && ip_type(argv[i]) >= 0 && strcmp(argv[i], "default") != 0)
		w->w_type = ip_type(argv[i++]);
	if (i >= argc)
		return usage_error("ip route %s: to where?", argv[0]);
	if (strcmp(argv[i], "default") != 0) {
		if (!ip_address(argv[i], true, w->w_family, &w->w_dst))
			return EX_USE;
		w->w_family = w->w_dst.na_family;
	}
	for (i++; i < argc && code == EX_DONE; i++)
		code = route_word(w, argc, argv, &i);
	if (w->w_family == 0)
		w->w_family = AF_INET;
	return code;
}

static void
via_attr(struct nlc *c, int family, const struct netaddr *via)
{
	uint8_t other[2 + 16];
	uint16_t viafamily = (uint16_t)via->na_family;

	if (via->na_family == family) {
		nlc_attr(c, RTA_GATEWAY, via->na_addr.bytes, ip_addr_len(family));
		return;
	}
	memcpy(other, &viafamily, sizeof(viafamily));
	memcpy(other + 2, via->na_addr.bytes, ip_addr_len(viafamily));
	nlc_attr(c, RTA_VIA, other, 2 + ip_addr_len(viafamily));
}

static void
multipath_attr(struct nlc *c, const struct routewords *w)
{
	size_t nest = nlc_nest(c, RTA_MULTIPATH);

	for (unsigned int i = 0; i < w->w_nhops; i++) {
		const struct hopwords *h = &w->w_hop[i];
		struct rtnexthop nh = { .rtnh_ifindex = (int)h->h_index,
		    .rtnh_hops = (uint8_t)(h->h_weight > 0 ? h->h_weight - 1 : 0),
		    .rtnh_flags = h->h_onlink ? RTNH_F_ONLINK : 0 };
		size_t at = c->c_len;

		c->c_len += sizeof(nh);
		if (h->h_via.na_family != 0)
			via_attr(c, w->w_family, &h->h_via);
		nh.rtnh_len = (uint16_t)(c->c_len - at);
		memcpy(c->c_req + at, &nh, sizeof(nh));
	}
	nlc_nest_end(c, nest);
}

static void
metrics_attr(struct nlc *c, const struct routewords *w)
{
	const struct { uint16_t attr; unsigned long value; } metrics[] = {
		{ RTAX_MTU, w->w_mtu }, { RTAX_ADVMSS, w->w_advmss }, { RTAX_WINDOW, w->w_window },
		{ RTAX_INITCWND, w->w_initcwnd }, { RTAX_HOPLIMIT, w->w_hoplimit },
	};
	size_t nest = nlc_nest(c, RTA_METRICS), empty = c->c_len;

	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		if (metrics[i].value != 0)
			nlc_attr32(c, metrics[i].attr, (uint32_t)metrics[i].value);
	}
	if (c->c_len == empty)
		c->c_len = nest;
	else
		nlc_nest_end(c, nest);
}

static uint8_t
route_scope(const struct routewords *w, const char *verb)
{
	if (w->w_scope >= 0)
		return (uint8_t)w->w_scope;
	if (strcmp(verb, "delete") == 0)
		return RT_SCOPE_NOWHERE;	/* any */
	if (w->w_type == RTN_LOCAL)
		return RT_SCOPE_HOST;
	if (w->w_type == RTN_UNICAST && !w->w_multi && w->w_hop[0].h_via.na_family == 0)
		return w->w_family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	return RT_SCOPE_UNIVERSE;
}

int
ipset_route(int argc, char **argv)
{
	struct routewords w;
	struct rtmsg rtm = { 0 };
	uint16_t type, flags;
	struct nlc *c;
	int code = route_words(argc, argv, &w);

	if (code != EX_DONE)
		return code;
	c = ip_client_open(&code);
	if (c == NULL)
		return code;
	ip_verb_flags(argv[0], RTM_NEWROUTE, &type, &flags);
	rtm.rtm_family = (uint8_t)w.w_family;
	rtm.rtm_dst_len = w.w_dst.na_family != 0 ? (uint8_t)w.w_dst.na_plen : 0;
	rtm.rtm_table = w.w_table < 256 ? (uint8_t)w.w_table : RT_TABLE_COMPAT;
	rtm.rtm_protocol = type == RTM_DELROUTE ? RTPROT_UNSPEC : (uint8_t)w.w_protocol;
	rtm.rtm_scope = route_scope(&w, argv[0]);
	rtm.rtm_type = type == RTM_DELROUTE && w.w_type == RTN_UNICAST ? RTN_UNSPEC :
	    (uint8_t)w.w_type;
	rtm.rtm_flags = !w.w_multi && w.w_hop[0].h_onlink ? RTNH_F_ONLINK : 0;
	nlc_begin(c, type, flags, &rtm, sizeof(rtm));
	if (w.w_dst.na_family != 0)
		nlc_attr(c, RTA_DST, w.w_dst.na_addr.bytes, ip_addr_len(w.w_family));
	nlc_attr32(c, RTA_TABLE, w.w_table);
	if (w.w_src.na_family != 0)
		nlc_attr(c, RTA_PREFSRC, w.w_src.na_addr.bytes, ip_addr_len(w.w_family));
	if (w.w_metric != 0)
		nlc_attr32(c, RTA_PRIORITY, (uint32_t)w.w_metric);
	metrics_attr(c, &w);
	if (w.w_multi) {
		multipath_attr(c, &w);
	} else {
		if (w.w_hop[0].h_via.na_family != 0)
			via_attr(c, w.w_family, &w.w_hop[0].h_via);
		if (w.w_hop[0].h_index != 0)
			nlc_attr32(c, RTA_OIF, w.w_hop[0].h_index);
	}
	return ip_client_finish(c, "route", argv[0]);
}

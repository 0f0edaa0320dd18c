/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_rtroute_twin.c - requests about routes, as t_rtnetlink_twin.c does about links
 *
 * What is compared is said there.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <harness.h>
#include <linux/fib_rules.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "rttwin.h"

/* --- routes ------------------------------------------------------------------------------------ */

NLTWIN(routes_come_and_go)
{
	struct nltwin *w = nltwin_open(tw);

	addr_add(w, "10.1.0.1", 24, w->w_v0);
	addr_add(w, "10.1.1.1", 24, w->w_v1);
	nltwin_join(w, RTNLGRP_IPV4_ROUTE);
	route_do(w, RTM_NEWROUTE, ADD, "10.20.0.0", 16, "10.1.0.2", 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "10.20.0.0", 16, "10.1.0.2", 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "10.20.0.0", 16, "10.1.0.3", 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "10.20.0.0", 16, "10.1.0.3", 0, 5);
	route_do(w, RTM_NEWROUTE, NLM_F_CREATE, "10.20.0.0", 16, "10.1.0.4", 0, 5);
	route_do(w, RTM_NEWROUTE, NLM_F_CREATE, "10.20.0.0", 16, "10.1.0.4", 0, 5);
	route_do(w, RTM_NEWROUTE, APPEND, "10.20.0.0", 16, "10.1.0.5", 0, 5);
	route_do(w, RTM_NEWROUTE, APPEND, "10.20.0.0", 16, "10.1.0.5", 0, 5);
	route_do(w, RTM_NEWROUTE, REPLACE, "10.20.0.0", 16, "10.1.0.6", 0, 0);
	route_do(w, RTM_NEWROUTE, NLM_F_REPLACE, "10.20.0.0", 16, "10.1.0.7", 0, 5);
	route_do(w, RTM_NEWROUTE, NLM_F_REPLACE, "10.21.0.0", 16, "10.1.0.7", 0, 0);
	route_do(w, RTM_NEWROUTE, NLM_F_APPEND, "10.21.0.0", 16, "10.1.0.7", 0, 0);
	route_do(w, RTM_NEWROUTE, 0, "10.21.0.0", 16, "10.1.0.7", 0, 0);
	route_do(w, RTM_NEWROUTE, REPLACE | NLM_F_EXCL, "10.20.0.0", 16, "10.1.0.6", 0, 0);
	dump_all(w, RTM_GETROUTE, AF_INET);
	route_do(w, RTM_NEWROUTE, ADD, "10.22.0.0", 16, "10.99.0.1", 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "10.22.0.0", 16, "10.1.0.2", w->w_v1, 0);
	route_do(w, RTM_NEWROUTE, ADD, "10.22.0.0", 16, "10.1.0.255", 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "10.22.0.1", 16, NULL, w->w_v0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "10.22.0.0", 33, NULL, w->w_v0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "10.22.0.0", 16, NULL, 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "10.22.0.0", 16, NULL, 4711, 0);
	route_do(w, RTM_NEWROUTE, ADD, "10.22.0.0", 16, NULL, w->w_v0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "0.0.0.0", 0, "10.22.0.1", 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "0.0.0.0", 0, "10.1.1.9", 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "0.0.0.0", 0, "10.1.1.8", 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "240.0.0.0", 8, NULL, w->w_v0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "224.0.0.0", 4, NULL, w->w_v0, 0);
	dump_all(w, RTM_GETROUTE, AF_INET);
	route_do(w, RTM_DELROUTE, 0, "10.20.0.0", 16, "10.1.0.99", 0, 0);
	route_do(w, RTM_DELROUTE, 0, "10.20.0.0", 16, NULL, w->w_v1, 0);
	route_do(w, RTM_DELROUTE, 0, "10.20.0.0", 16, NULL, 0, 99);
	route_do(w, RTM_DELROUTE, 0, "10.20.0.0", 16, NULL, 0, 5);
	route_do(w, RTM_DELROUTE, 0, "10.20.0.0", 16, "10.1.0.5", 0, 0);
	route_do(w, RTM_DELROUTE, 0, "10.20.0.0", 16, NULL, 0, 0);
	route_do(w, RTM_DELROUTE, 0, "10.20.0.0", 16, NULL, 0, 0);
	route_do(w, RTM_DELROUTE, 0, "10.20.0.0", 17, NULL, 0, 0);
	route_do(w, RTM_DELROUTE, 0, "0.0.0.0", 0, NULL, 0, 0);
	dump_all(w, RTM_GETROUTE, AF_INET);
	nltwin_close(w);
}

static void
typed_route(struct nltwin *w, int family, uint8_t type, uint8_t scope, uint8_t table,
    const char *dst, uint8_t plen, uint32_t oif)
{
	struct rtmsg rtm = { .rtm_family = (uint8_t)family, .rtm_dst_len = plen,
	    .rtm_table = table, .rtm_protocol = RTPROT_STATIC, .rtm_scope = scope,
	    .rtm_type = type };

	nltest_begin(&w->w_nl, RTM_NEWROUTE, ADD, &rtm, sizeof(rtm));
	address(w, RTA_DST, dst);
	if (oif != 0)
		nltest_attr32(&w->w_nl, RTA_OIF, oif);
	nltwin_talk(w, dst);
}

NLTWIN(routes_of_all_types)
{
	struct nltwin *w = nltwin_open(tw);

	addr_add(w, "10.1.0.1", 24, w->w_v0);
	typed_route(w, AF_INET, RTN_BLACKHOLE, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN, "10.30.0.0", 24, 0);
	typed_route(w, AF_INET, RTN_UNREACHABLE, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN, "10.31.0.0", 24, 0);
	typed_route(w, AF_INET, RTN_PROHIBIT, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN, "10.32.0.0", 24, 0);
	typed_route(w, AF_INET, RTN_THROW, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN, "10.33.0.0", 24, 0);
	typed_route(w, AF_INET, RTN_LOCAL, RT_SCOPE_HOST, RT_TABLE_LOCAL, "10.34.0.0", 24, w->w_lo);
	typed_route(w, AF_INET, RTN_BROADCAST, RT_SCOPE_LINK, RT_TABLE_MAIN, "10.35.0.0", 24, w->w_v0);
	typed_route(w, AF_INET, RTN_MULTICAST, RT_SCOPE_LINK, RT_TABLE_MAIN, "10.36.0.0", 24, w->w_v0);
	typed_route(w, AF_INET, RTN_NAT, RT_SCOPE_LINK, RT_TABLE_MAIN, "10.37.0.0", 24, w->w_v0);
	typed_route(w, AF_INET, 200, RT_SCOPE_LINK, RT_TABLE_MAIN, "10.38.0.0", 24, w->w_v0);
	typed_route(w, AF_INET, RTN_UNICAST, RT_SCOPE_HOST, RT_TABLE_MAIN, "10.39.0.0", 24, w->w_v0);
	typed_route(w, AF_INET, RTN_UNICAST, RT_SCOPE_LINK, 0, "10.40.0.0", 24, w->w_v0);
	typed_route(w, AF_INET, RTN_UNICAST, RT_SCOPE_LINK, 77, "10.41.0.0", 24, w->w_v0);
	typed_route(w, AF_INET, RTN_BLACKHOLE, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN, "10.42.0.0", 24, w->w_v0);
	typed_route(w, AF_INET, RTN_UNICAST, RT_SCOPE_NOWHERE, RT_TABLE_MAIN, "10.43.0.0", 24, w->w_v0);
	typed_route(w, AF_INET6, RTN_BLACKHOLE, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN, "fd30::", 64, 0);
	typed_route(w, AF_INET6, RTN_UNREACHABLE, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN, "fd31::", 64, 0);
	typed_route(w, AF_INET6, RTN_PROHIBIT, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN, "fd32::", 64, 0);
	typed_route(w, AF_INET6, RTN_THROW, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN, "fd33::", 64, 0);
	typed_route(w, AF_INET6, RTN_UNICAST, RT_SCOPE_UNIVERSE, 77, "fd34::", 64, w->w_v0);
	typed_route(w, AF_INET6, 200, RT_SCOPE_UNIVERSE, 77, "fd35::", 64, w->w_v0);
	typed_route(w, AF_INET6, RTN_UNICAST, RT_SCOPE_UNIVERSE, 77, "fd36::1", 64, w->w_v0);
	typed_route(w, 99, RTN_UNICAST, RT_SCOPE_UNIVERSE, 77, "fd36::1", 64, w->w_v0);
	dump_state(w);
	nltwin_close(w);
}

NLTWIN(routes_of_ipv6)
{
	struct nltwin *w = nltwin_open(tw);

	addr_add(w, "fd01::1", 64, w->w_v0);
	addr_add(w, "fd02::1", 64, w->w_v1);
	route_do(w, RTM_NEWROUTE, ADD, "fd20::", 64, "fd01::2", 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "fd20::", 64, "fd01::2", 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "fd20::", 64, "fd01::3", 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "fd20::", 64, "fd01::3", 0, 5);
	route_do(w, RTM_NEWROUTE, REPLACE, "fd20::", 64, "fd01::4", 0, 5);
	route_do(w, RTM_NEWROUTE, NLM_F_REPLACE, "fd21::", 64, "fd01::4", 0, 5);
	route_do(w, RTM_NEWROUTE, 0, "fd22::", 64, "fd01::4", 0, 5);
	route_do(w, RTM_NEWROUTE, NLM_F_CREATE, "fd22::", 64, "fd01::5", 0, 6);
	route_do(w, RTM_NEWROUTE, NLM_F_CREATE, "fd22::", 64, "fd01::5", 0, 6);
	route_do(w, RTM_NEWROUTE, ADD, "fd23::", 64, "fd99::1", 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "fd23::", 64, "fd01::1", 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "fd23::", 64, "fd01::2", w->w_v1, 0);
	route_do(w, RTM_NEWROUTE, ADD, "fd23::", 64, "ff02::1", w->w_v1, 0);
	route_do(w, RTM_NEWROUTE, ADD, "fd23::", 64, NULL, 0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "fd23::", 64, NULL, 4711, 0);
	route_do(w, RTM_NEWROUTE, ADD, "fd23::", 129, NULL, w->w_v0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "fd23::", 64, NULL, w->w_v0, 0);
	route_do(w, RTM_NEWROUTE, ADD, "::", 0, "fd02::9", 0, 0);
	dump_all(w, RTM_GETROUTE, AF_INET6);
	route_do(w, RTM_DELROUTE, 0, "fd20::", 64, "fd01::99", 0, 0);
	route_do(w, RTM_DELROUTE, 0, "fd20::", 64, NULL, 0, 99);
	route_do(w, RTM_DELROUTE, 0, "fd20::", 64, NULL, 0, 5);
	route_do(w, RTM_DELROUTE, 0, "fd20::", 64, NULL, 0, 0);
	route_do(w, RTM_DELROUTE, 0, "fd20::", 64, NULL, 0, 0);
	dump_all(w, RTM_GETROUTE, AF_INET6);
	nltwin_close(w);
}

static void
hop(struct nltwin *w, const char *via, uint32_t oif, uint8_t hops)
{
	struct rtnexthop nh = { .rtnh_ifindex = (int)oif, .rtnh_hops = hops };
	size_t at = w->w_nl.t_len;

	nltest_raw(&w->w_nl, &nh, sizeof(nh));
	if (via != NULL)
		address(w, RTA_GATEWAY, via);
	nltest_nest_end(&w->w_nl, at);
}

NLTWIN(routes_with_attributes)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;
	size_t nest;

	addr_add(w, "10.1.0.1", 24, w->w_v0);
	addr_add(w, "10.1.1.1", 24, w->w_v1);
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.50.0.0", 24, true);
	nest = nltest_nest(t, RTA_MULTIPATH);
	hop(w, "10.1.0.2", 0, 0);
	hop(w, "10.1.1.2", w->w_v1, 3);
	nltest_nest_end(t, nest);
	nltwin_talk(w, "two ways");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.51.0.0", 24, true);
	nest = nltest_nest(t, RTA_MULTIPATH);
	hop(w, "10.1.0.2", 0, 0);
	nltest_nest_end(t, nest);
	nltwin_talk(w, "one of several ways");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.52.0.0", 24, true);
	nest = nltest_nest(t, RTA_MULTIPATH);
	hop(w, "10.99.0.2", 0, 0);
	hop(w, "10.1.1.2", w->w_v1, 3);
	nltest_nest_end(t, nest);
	nltwin_talk(w, "one way is none");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.53.0.0", 24, true);
	(void)nltest_nest(t, RTA_MULTIPATH);
	nltwin_talk(w, "no ways");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.53.0.0", 24, true);
	nltest_attr(t, RTA_MULTIPATH, "\x20\0\0\0\0\0\0\0", 8);
	nltwin_talk(w, "a way cut off");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.54.0.0", 24, false);
	nltest_attr32(t, RTA_OIF, w->w_v0);
	nest = nltest_nest(t, RTA_METRICS);
	nltest_attr32(t, RTAX_MTU, 1300);
	nltest_attr32(t, RTAX_ADVMSS, 1200);
	nltest_attr32(t, RTAX_HOPLIMIT, 9);
	nltest_attr32(t, RTAX_INITCWND, 20);
	nltest_attr32(t, RTAX_WINDOW, 10000);
	nltest_nest_end(t, nest);
	nltwin_talk(w, "metrics");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.55.0.0", 24, false);
	nltest_attr32(t, RTA_OIF, w->w_v0);
	nest = nltest_nest(t, RTA_METRICS);
	nltest_attr32(t, 99, 1300);
	nltest_nest_end(t, nest);
	nltwin_talk(w, "an unknown metric");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.55.0.0", 24, false);
	nltest_attr32(t, RTA_OIF, w->w_v0);
	nest = nltest_nest(t, RTA_METRICS);
	nltest_attr(t, RTAX_MTU, "ab", 2);
	nltest_nest_end(t, nest);
	nltwin_talk(w, "a short metric");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.56.0.0", 24, false);
	nltest_attr32(t, RTA_OIF, w->w_v0);
	address(w, RTA_PREFSRC, "10.1.1.1");
	nltwin_talk(w, "a source");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.57.0.0", 24, false);
	nltest_attr32(t, RTA_OIF, w->w_v0);
	address(w, RTA_PREFSRC, "10.88.1.1");
	nltwin_talk(w, "a source that is not ours");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.58.0.0", 24, false);
	nltest_attr32(t, RTA_OIF, w->w_v0);
	nltest_attr32(t, RTA_TABLE, 1000);
	nltwin_talk(w, "a high table");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.59.0.0", 24, false);
	nltest_attr32(t, RTA_OIF, w->w_v0);
	nltest_attr32(t, RTA_MARK, 1);
	nltwin_talk(w, "a mark");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.60.0.0", 24, true);
	nltest_attr32(t, RTA_OIF, w->w_v0);
	nltest_attr(t, RTA_VIA, "\x0a\0\xfd\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\x02", 18);
	nltwin_talk(w, "by IPv6");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET, "10.61.0.0", 24, true);
	nltest_attr(t, RTA_DST, "ab", 2);
	nltwin_talk(w, "two bytes of address");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET6, "fd61::", 64, true);
	nltest_attr32(t, RTA_OIF, w->w_v0);
	nltest_attr32(t, RTA_EXPIRES, 15000);
	nltwin_talk(w, "that expires");
	route_begin(w, RTM_NEWROUTE, ADD, AF_INET6, "fd62::", 64, true);
	nltest_attr32(t, RTA_OIF, w->w_v0);
	nltest_attr(t, RTA_PREF, "\x01", 1);
	nltwin_talk(w, "high preference");
	nltest_begin(t, RTM_NEWROUTE, ADD, "\x02\x18\0\0\0\0", 6);
	nltwin_talk(w, "cut off");
	dump_state(w);
	nltwin_close(w);
}

NLTWIN(routes_are_dumped)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;
	struct rtmsg rtm = { .rtm_family = AF_INET };

	addr_add(w, "10.1.0.1", 24, w->w_v0);
	addr_add(w, "10.1.1.1", 24, w->w_v1);
	typed_route(w, AF_INET, RTN_UNICAST, RT_SCOPE_LINK, 77, "10.41.0.0", 24, w->w_v0);
	typed_route(w, AF_INET, RTN_BLACKHOLE, RT_SCOPE_UNIVERSE, 77, "10.42.0.0", 24, 0);
	dump_all(w, RTM_GETROUTE, AF_UNSPEC);
	nltest_begin(t, RTM_GETROUTE, NLM_F_DUMP, "\x02", 1);
	nltwin_dump(w, "with struct rtgenmsg");
	nltest_option(t, NETLINK_GET_STRICT_CHK, 1);
	nltest_begin(t, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	nltwin_dump(w, "strictly");
	rtm.rtm_table = RT_TABLE_MAIN;
	nltest_begin(t, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	nltwin_dump(w, "of a table");
	nltest_begin(t, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	nltest_attr32(t, RTA_TABLE, 77);
	nltwin_dump(w, "of another table");
	nltest_begin(t, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	nltest_attr32(t, RTA_TABLE, 88);
	nltwin_dump(w, "of no table");
	rtm.rtm_table = 0;
	nltest_begin(t, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	nltest_attr32(t, RTA_OIF, w->w_v0);
	nltwin_dump(w, "of an interface");
	nltest_begin(t, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	nltest_attr32(t, RTA_OIF, 4711);
	nltwin_dump(w, "of no interface");
	rtm.rtm_type = RTN_BLACKHOLE;
	nltest_begin(t, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	nltwin_dump(w, "of a type");
	rtm.rtm_type = 0;
	rtm.rtm_protocol = RTPROT_STATIC;
	nltest_begin(t, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	nltwin_dump(w, "of a protocol");
	rtm.rtm_protocol = 0;
	rtm.rtm_dst_len = 24;
	nltest_begin(t, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	nltwin_dump(w, "with a length");
	rtm.rtm_dst_len = 0;
	nltest_begin(t, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	address(w, RTA_DST, "10.1.0.0");
	nltwin_dump(w, "with a destination");
	rtm.rtm_family = AF_INET6;
	rtm.rtm_table = 88;
	nltest_begin(t, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	nltwin_dump(w, "of no table of IPv6");
	nltwin_close(w);
}

static void
route_get(struct nltwin *w, const char *dst, const char *src, uint32_t oif, uint32_t iif,
    uint32_t flags)
{
	struct rtmsg rtm = { .rtm_family = (uint8_t)family_of(dst), .rtm_flags = flags,
	    .rtm_dst_len = family_of(dst) == AF_INET ? 32 : 128 };

	if (src != NULL)
		rtm.rtm_src_len = rtm.rtm_dst_len;
	nltest_begin(&w->w_nl, RTM_GETROUTE, 0, &rtm, sizeof(rtm));
	address(w, RTA_DST, dst);
	if (src != NULL)
		address(w, RTA_SRC, src);
	if (oif != 0)
		nltest_attr32(&w->w_nl, RTA_OIF, oif);
	if (iif != 0)
		nltest_attr32(&w->w_nl, RTA_IIF, iif);
	nltwin_talk(w, dst);
}

NLTWIN(routes_are_asked_for)
{
	struct nltwin *w = nltwin_open(tw);
	static const uint32_t flags[] = { 0, RTM_F_LOOKUP_TABLE, RTM_F_FIB_MATCH };

	/* Linux keeps local and main in one table until there is a rule. */
	rule_begin(w, RTM_NEWRULE, ADD, AF_INET, FR_ACT_TO_TBL, 100, 30000);
	nltwin_talk(w, "a rule");
	addr_add(w, "10.1.0.1", 24, w->w_v0);
	addr_add(w, "10.1.0.7", 24, w->w_v0);
	addr_add(w, "10.1.1.1", 24, w->w_v1);
	addr_add(w, "fd01::1", 64, w->w_v0);
	route_do(w, RTM_NEWROUTE, ADD, "10.20.0.0", 16, "10.1.0.2", 0, 5);
	route_do(w, RTM_NEWROUTE, ADD, "fd20::", 64, "fd01::2", 0, 5);
	typed_route(w, AF_INET, RTN_BLACKHOLE, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN, "10.30.0.0", 24, 0);
	typed_route(w, AF_INET, RTN_UNREACHABLE, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN, "10.31.0.0", 24, 0);
	typed_route(w, AF_INET, RTN_PROHIBIT, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN, "10.32.0.0", 24, 0);
	typed_route(w, AF_INET, RTN_THROW, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN, "10.33.0.0", 24, 0);
	for (size_t i = 0; i < 3; i++) {
		route_get(w, "10.1.0.5", NULL, 0, 0, flags[i]);
		route_get(w, "10.20.0.5", NULL, 0, 0, flags[i]);
		route_get(w, "10.20.0.5", "10.1.0.7", 0, 0, flags[i]);
		route_get(w, "10.20.0.5", "10.9.0.7", 0, 0, flags[i]);
		route_get(w, "10.1.0.5", NULL, w->w_v0, 0, flags[i]);
		route_get(w, "10.1.0.5", NULL, w->w_v1, 0, flags[i]);
		route_get(w, "10.1.0.5", NULL, 4711, 0, flags[i]);
		route_get(w, "10.1.0.1", NULL, 0, 0, flags[i]);
		route_get(w, "127.0.0.1", NULL, 0, 0, flags[i]);
		route_get(w, "10.1.0.255", NULL, 0, 0, flags[i]);
		route_get(w, "224.0.0.5", NULL, w->w_v0, 0, flags[i]);
		route_get(w, "255.255.255.255", NULL, w->w_v0, 0, flags[i]);
		route_get(w, "10.30.0.1", NULL, 0, 0, flags[i]);
		route_get(w, "10.31.0.1", NULL, 0, 0, flags[i]);
		route_get(w, "10.32.0.1", NULL, 0, 0, flags[i]);
		route_get(w, "10.33.0.1", NULL, 0, 0, flags[i]);
		route_get(w, "10.99.0.1", NULL, 0, 0, flags[i]);
		route_get(w, "fd01::5", NULL, 0, 0, flags[i]);
		route_get(w, "fd20::5", NULL, 0, 0, flags[i]);
		route_get(w, "::1", NULL, 0, 0, flags[i]);
		route_get(w, "fd99::1", NULL, 0, 0, flags[i]);
	}
	route_get(w, "10.1.0.1", "10.1.1.9", 0, w->w_v1, 0);
	route_get(w, "10.1.0.1", "10.1.1.9", 0, 4711, 0);
	nltwin_close(w);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_rtnetlink_twin.c - requests about links, addresses, routes, neighbours and rules do with
 * our kernel what they do with the host's
 *
 * Each script runs in a fresh name space of either kernel, with a pair of interfaces.
 * Errnos, answers, dumps and what the groups are told must be the same; what the words
 * of an extended ACK say need not.
 *
 * Known to differ, and left out: addresses that no interface should have (groups,
 * 0.0.0.0, those of IPv4 mapped into IPv6), which we refuse; rules that go to others or
 * select by port, protocol or user; what expires with an address of IPv6; Linux tells of
 * a neighbour that goes first that it failed.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <harness.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nltwin.h"

#define ADD	(NLM_F_CREATE | NLM_F_EXCL)
#define REPLACE	(NLM_F_CREATE | NLM_F_REPLACE)
#define APPEND	(NLM_F_CREATE | NLM_F_APPEND)

/* --- requests ------------------------------------------------------------------------- */

static void
link_begin(struct nltwin *w, uint16_t type, uint16_t flags, uint32_t index)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index };

	nltest_begin(&w->w_nl, type, flags, &ifi, sizeof(ifi));
}

static void
address(struct nltwin *w, uint16_t type, const char *text)
{
	uint8_t a[16];
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	NEED(inet_pton(family, text, a) == 1);
	nltest_attr(&w->w_nl, type, a, family == AF_INET6 ? 16 : 4);
}

static int
family_of(const char *text)
{
	return strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
}

static void
addr_begin(struct nltwin *w, uint16_t type, uint16_t flags, const char *a, uint8_t plen,
    uint32_t index)
{
	struct ifaddrmsg ifa = { .ifa_family = (uint8_t)family_of(a), .ifa_prefixlen = plen,
	    .ifa_index = index };

	nltest_begin(&w->w_nl, type, flags, &ifa, sizeof(ifa));
	address(w, IFA_LOCAL, a);
}

/* "ip addr add A/plen dev X" */
static int
addr_do(struct nltwin *w, uint16_t type, uint16_t flags, const char *a, uint8_t plen,
    uint32_t index)
{
	addr_begin(w, type, flags, a, plen, index);
	address(w, IFA_ADDRESS, a);
	return nltwin_talk(w, a);
}

static int
addr_add(struct nltwin *w, const char *a, uint8_t plen, uint32_t index)
{
	/* Addresses of IPv6 are used at once. */
	addr_begin(w, RTM_NEWADDR, ADD, a, plen, index);
	address(w, IFA_ADDRESS, a);
	nltest_attr32(&w->w_nl, IFA_FLAGS, family_of(a) == AF_INET6 ? IFA_F_NODAD : 0);
	return nltwin_talk(w, a);
}

static void
route_begin(struct nltwin *w, uint16_t type, uint16_t flags, int family, const char *dst,
    uint8_t plen, bool via)
{
	struct rtmsg rtm = { .rtm_family = (uint8_t)family, .rtm_dst_len = plen,
	    .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BOOT,
	    .rtm_scope = via || family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
	    .rtm_type = RTN_UNICAST };

	if (type == RTM_DELROUTE) {
		rtm.rtm_scope = RT_SCOPE_NOWHERE;
		rtm.rtm_type = 0;
		rtm.rtm_protocol = 0;
	}
	nltest_begin(&w->w_nl, type, flags, &rtm, sizeof(rtm));
	if (dst != NULL)
		address(w, RTA_DST, dst);
}

static int
route_do(struct nltwin *w, uint16_t type, uint16_t flags, const char *dst, uint8_t plen,
    const char *via, uint32_t oif, uint32_t metric)
{
	int family = family_of(dst);

	route_begin(w, type, flags, family, plen > 0 ? dst : NULL, plen, via != NULL);
	if (via != NULL)
		address(w, RTA_GATEWAY, via);
	if (oif != 0)
		nltest_attr32(&w->w_nl, RTA_OIF, oif);
	if (metric != 0)
		nltest_attr32(&w->w_nl, RTA_PRIORITY, metric);
	return nltwin_talk(w, dst);
}

static void
dump_all(struct nltwin *w, uint16_t type, int family)
{
	struct rtmsg rtm = { .rtm_family = (uint8_t)family };	/* longest of the headers but one */

	switch (type) {
	case RTM_GETLINK: {
		struct ifinfomsg ifi = { .ifi_family = (uint8_t)family };

		nltest_begin(&w->w_nl, type, NLM_F_DUMP, &ifi, sizeof(ifi));
		break;
	}
	case RTM_GETADDR: {
		struct ifaddrmsg ifa = { .ifa_family = (uint8_t)family };

		nltest_begin(&w->w_nl, type, NLM_F_DUMP, &ifa, sizeof(ifa));
		break;
	}
	default:
		nltest_begin(&w->w_nl, type, NLM_F_DUMP, &rtm, sizeof(rtm));
		break;
	}
	nltwin_dump(w, "dump");
}

static void
dump_state(struct nltwin *w)
{
	dump_all(w, RTM_GETADDR, AF_INET);
	dump_all(w, RTM_GETADDR, AF_INET6);
	dump_all(w, RTM_GETROUTE, AF_INET);
	dump_all(w, RTM_GETROUTE, AF_INET6);
	dump_all(w, RTM_GETRULE, AF_INET);
	dump_all(w, RTM_GETRULE, AF_INET6);
}

static void
rule_begin(struct nltwin *w, uint16_t type, uint16_t flags, int family, uint8_t action,
    uint8_t table, uint32_t pref)
{
	struct fib_rule_hdr frh = { .family = (uint8_t)family, .table = table, .action = action };

	nltest_begin(&w->w_nl, type, flags, &frh, sizeof(frh));
	if (pref != 0)
		nltest_attr32(&w->w_nl, FRA_PRIORITY, pref);
}

/* --- links ------------------------------------------------------------------------------- */

NLTWIN(links_are_found_by_number_and_name)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;

	link_begin(w, RTM_GETLINK, 0, w->w_lo);
	nltwin_talk(w, "lo by number");
	link_begin(w, RTM_GETLINK, 0, 0);
	nltest_text(t, IFLA_IFNAME, "v0");
	nltwin_talk(w, "v0 by name");
	link_begin(w, RTM_GETLINK, 0, w->w_v1);
	nltest_text(t, IFLA_IFNAME, "v0");
	nltwin_talk(w, "v1 by number with another name");
	link_begin(w, RTM_GETLINK, 0, 0);
	nltest_text(t, IFLA_IFNAME, "nosuch");
	nltwin_talk(w, "by an unknown name");
	link_begin(w, RTM_GETLINK, 0, 0);
	nltest_text(t, IFLA_ALT_IFNAME, "v0");
	nltwin_talk(w, "by an alternative name");
	link_begin(w, RTM_GETLINK, 0, 0);
	nltest_text(t, IFLA_IFNAME, "a-name-that-is-too-long");
	nltwin_talk(w, "by a long name");
	link_begin(w, RTM_GETLINK, 0, 0);
	nltest_text(t, IFLA_IFNAME, "");
	nltwin_talk(w, "by no name");
	link_begin(w, RTM_GETLINK, 0, 0);
	nltwin_talk(w, "by nothing");
	link_begin(w, RTM_GETLINK, 0, 4711);
	nltwin_talk(w, "by an unknown number");
	link_begin(w, RTM_GETLINK, 0, (uint32_t)-3);
	nltwin_talk(w, "by a negative number");
	link_begin(w, RTM_GETLINK, 0, w->w_lo);
	nltest_attr(t, IFLA_MTU, "xy", 2);
	nltwin_talk(w, "with a short attribute");
	link_begin(w, RTM_GETLINK, 0, w->w_lo);
	nltest_attr32(t, 2000, 1);
	nltwin_talk(w, "with an unknown attribute");
	nltest_begin(t, RTM_GETLINK, 0, "abcd", 4);
	nltwin_talk(w, "a header cut off");
	nltest_begin(t, RTM_GETLINK, 0, NULL, 0);
	nltwin_talk(w, "no header");
	nltwin_close(w);
}

NLTWIN(links_are_dumped)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	size_t info;

	dump_all(w, RTM_GETLINK, AF_UNSPEC);
	dump_all(w, RTM_GETLINK, AF_PACKET);
	nltest_begin(t, RTM_GETLINK, NLM_F_DUMP, "\0", 1);
	nltwin_dump(w, "with struct rtgenmsg");
	nltest_begin(t, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	nltest_attr32(t, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS | RTEXT_FILTER_VF);
	nltwin_dump(w, "without counters");
	nltest_begin(t, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	info = nltest_nest(t, IFLA_LINKINFO);
	nltest_text(t, IFLA_INFO_KIND, nltwin_veth(w));
	nltest_nest_end(t, info);
	nltwin_dump(w, "of a kind");
	nltest_begin(t, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	info = nltest_nest(t, IFLA_LINKINFO);
	nltest_text(t, IFLA_INFO_KIND, "nosuchkind");
	nltest_nest_end(t, info);
	nltwin_dump(w, "of an unknown kind");
	nltest_begin(t, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	nltest_attr32(t, IFLA_MASTER, w->w_lo);
	nltwin_dump(w, "of a master");
	nltest_option(t, NETLINK_GET_STRICT_CHK, 1);
	nltest_begin(t, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	nltwin_dump(w, "strictly");
	nltest_begin(t, RTM_GETLINK, NLM_F_DUMP, "\0", 1);
	nltwin_dump(w, "strictly with struct rtgenmsg");
	ifi.ifi_index = 1;
	nltest_begin(t, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	nltwin_dump(w, "strictly with a number");
	ifi.ifi_index = 0;
	ifi.ifi_flags = IFF_UP;
	nltest_begin(t, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	nltwin_dump(w, "strictly with flags");
	ifi.ifi_flags = 0;
	nltest_begin(t, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	nltest_attr32(t, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	nltwin_dump(w, "strictly without counters");
	nltest_begin(t, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	nltest_attr32(t, IFLA_MTU, 1500);
	nltwin_dump(w, "strictly by MTU");
	nltest_begin(t, RTM_GETLINK, 0, &ifi, sizeof(ifi));
	nltest_text(t, IFLA_IFNAME, "v0");
	nltest_attr32(t, IFLA_MTU, 1500);
	nltwin_talk(w, "strictly one with more");
	nltwin_close(w);
}

NLTWIN(links_are_made_and_removed)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;
	size_t info;

	link_begin(w, RTM_NEWLINK, 0, 0);
	nltest_text(t, IFLA_IFNAME, "nosuch");
	nltwin_talk(w, "change what is not there");
	link_begin(w, RTM_NEWLINK, ADD, 0);
	nltest_text(t, IFLA_IFNAME, "new0");
	nltwin_talk(w, "without a kind");
	link_begin(w, RTM_NEWLINK, ADD, 0);
	nltest_text(t, IFLA_IFNAME, "new0");
	info = nltest_nest(t, IFLA_LINKINFO);
	nltest_text(t, IFLA_INFO_KIND, "nosuchkind");
	nltest_nest_end(t, info);
	nltwin_talk(w, "of an unknown kind");
	link_begin(w, RTM_NEWLINK, ADD, 0);
	nltest_text(t, IFLA_IFNAME, "v0");
	info = nltest_nest(t, IFLA_LINKINFO);
	nltest_text(t, IFLA_INFO_KIND, nltwin_veth(w));
	nltest_nest_end(t, info);
	nltwin_talk(w, "a name that is taken");
	link_begin(w, RTM_NEWLINK, NLM_F_CREATE, 0);
	nltest_text(t, IFLA_IFNAME, "v0");
	info = nltest_nest(t, IFLA_LINKINFO);
	nltest_text(t, IFLA_INFO_KIND, nltwin_veth(w));
	nltest_nest_end(t, info);
	nltwin_talk(w, "there already, not exclusive");
	link_begin(w, RTM_NEWLINK, ADD, 4711);
	nltest_text(t, IFLA_IFNAME, "v7");
	nltwin_talk(w, "an unknown number without a kind");
	link_begin(w, RTM_SETLINK, NLM_F_CREATE, 0);
	nltest_text(t, IFLA_IFNAME, "v7");
	nltwin_talk(w, "set what is not there");
	link_begin(w, RTM_DELLINK, 0, 0);
	nltest_text(t, IFLA_IFNAME, "nosuch");
	nltwin_talk(w, "delete what is not there");
	link_begin(w, RTM_DELLINK, 0, 0);
	nltwin_talk(w, "delete nothing");
	link_begin(w, RTM_DELLINK, 0, w->w_lo);
	nltwin_talk(w, "delete lo");
	link_begin(w, RTM_DELLINK, 0, w->w_v0);
	nltwin_talk(w, "delete one end");
	link_begin(w, RTM_GETLINK, 0, w->w_v1);
	nltwin_talk(w, "the other end is gone too");
	nltwin_close(w);
}

static void
link_change(struct nltwin *w, uint16_t type, uint32_t index, uint16_t attr, uint32_t value,
    const char *about)
{
	link_begin(w, type, 0, index);
	nltest_attr32(&w->w_nl, attr, value);
	nltwin_talk(w, about);
}

NLTWIN(links_are_changed)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;

	link_change(w, RTM_NEWLINK, w->w_v0, IFLA_MTU, 1400, "mtu");
	link_change(w, RTM_SETLINK, w->w_v0, IFLA_MTU, 67, "mtu too small");
	link_change(w, RTM_SETLINK, w->w_v0, IFLA_MTU, 68, "smallest mtu");
	link_change(w, RTM_SETLINK, w->w_v0, IFLA_MTU, 65535, "largest mtu");
	link_change(w, RTM_SETLINK, w->w_v0, IFLA_MTU, 65536, "mtu too large");
	link_change(w, RTM_SETLINK, w->w_v0, IFLA_MTU, 1500, "mtu again");
	link_change(w, RTM_SETLINK, w->w_v0, IFLA_TXQLEN, 77, "qlen");
	link_change(w, RTM_SETLINK, w->w_v0, IFLA_MASTER, w->w_lo, "master of no kind");
	link_change(w, RTM_SETLINK, w->w_v0, IFLA_MASTER, 0, "no master");
	link_change(w, RTM_SETLINK, w->w_v0, IFLA_GROUP, 5, "group");
	link_begin(w, RTM_SETLINK, 0, w->w_v0);
	nltest_text(t, IFLA_IFALIAS, "the first");
	nltwin_talk(w, "alias");
	link_begin(w, RTM_SETLINK, 0, w->w_v0);
	nltest_attr(t, IFLA_ADDRESS, "\x02\0\0\0\0\x07", 6);
	nltwin_talk(w, "address");
	link_begin(w, RTM_SETLINK, 0, w->w_v0);
	nltest_attr(t, IFLA_ADDRESS, "\x03\0\0\0\0\x07", 6);
	nltwin_talk(w, "address of a group");
	link_begin(w, RTM_SETLINK, 0, w->w_v0);
	nltest_attr(t, IFLA_ADDRESS, "\0\0\0\0\0\0", 6);
	nltwin_talk(w, "address of nobody");
	link_begin(w, RTM_SETLINK, 0, w->w_v0);
	nltest_attr(t, IFLA_ADDRESS, "\x02\0\0\0", 4);
	nltwin_talk(w, "half an address");
	link_begin(w, RTM_GETLINK, 0, w->w_v0);
	nltwin_talk(w, "as it is now");
	link_begin(w, RTM_SETLINK, 0, w->w_v0);
	nltest_text(t, IFLA_IFNAME, "v1");
	nltwin_talk(w, "a name that is taken");
	link_begin(w, RTM_SETLINK, 0, w->w_v0);
	nltest_text(t, IFLA_IFNAME, "a/b");
	nltwin_talk(w, "a name with a slash");
	link_begin(w, RTM_SETLINK, 0, w->w_v0);
	nltest_text(t, IFLA_IFNAME, "a b");
	nltwin_talk(w, "a name with a blank");
	link_begin(w, RTM_SETLINK, 0, w->w_v0);
	nltest_text(t, IFLA_IFNAME, ".");
	nltwin_talk(w, "a dot");
	link_begin(w, RTM_SETLINK, 0, w->w_v0);
	nltest_text(t, IFLA_IFNAME, "fresh");
	nltwin_talk(w, "a fresh name, while it is up");
	link_begin(w, RTM_GETLINK, 0, w->w_v0);
	nltwin_talk(w, "as it is now");
	link_begin(w, RTM_SETLINK, 0, 4711);
	nltwin_talk(w, "of an unknown number");
	link_begin(w, RTM_SETLINK, 0, 0);
	nltwin_talk(w, "of nobody");
	nltwin_close(w);
}

NLTWIN(link_notices)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;
	struct ifinfomsg ifi = { .ifi_index = (int)w->w_lo };

	nltwin_join(w, RTNLGRP_LINK);
	link_change(w, RTM_SETLINK, w->w_lo, IFLA_MTU, 1400, "mtu");
	link_change(w, RTM_SETLINK, w->w_lo, IFLA_MTU, 1400, "the same mtu");
	ifi.ifi_flags = IFF_PROMISC;
	ifi.ifi_change = IFF_PROMISC;
	nltest_begin(t, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	nltwin_talk(w, "promiscuous");
	ifi.ifi_flags = 0;
	nltest_begin(t, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	nltwin_talk(w, "no more");
	nltest_begin(t, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	nltwin_talk(w, "no more again");
	ifi.ifi_flags = IFF_NOARP;
	ifi.ifi_change = IFF_NOARP;
	nltest_begin(t, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	nltwin_talk(w, "noarp");
	nltwin_close(w);
}

/* --- addresses ------------------------------------------------------------------------------ */

NLTWIN(addresses_come_and_go)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;

	nltwin_join(w, RTNLGRP_IPV4_IFADDR);
	nltwin_join(w, RTNLGRP_IPV4_ROUTE);
	addr_add(w, "10.1.0.1", 24, w->w_v0);
	addr_add(w, "10.1.0.1", 24, w->w_v0);
	addr_add(w, "10.1.0.2", 24, w->w_v0);
	addr_add(w, "10.1.0.1", 16, w->w_v0);
	addr_add(w, "10.1.0.1", 24, w->w_v1);
	addr_add(w, "10.2.0.1", 32, w->w_v0);
	addr_add(w, "10.3.0.1", 31, w->w_v0);
	addr_add(w, "10.4.0.1", 0, w->w_v1);
	addr_add(w, "10.4.0.1", 33, w->w_v1);
	addr_add(w, "127.0.0.9", 8, w->w_v1);
	addr_add(w, "127.0.0.9", 8, w->w_lo);
	addr_add(w, "10.5.0.1", 24, 4711);
	addr_add(w, "10.5.0.1", 24, 0);
	dump_all(w, RTM_GETADDR, AF_INET);
	dump_all(w, RTM_GETROUTE, AF_INET);
	addr_do(w, RTM_NEWADDR, 0, "10.1.0.1", 24, w->w_v0);
	addr_do(w, RTM_NEWADDR, NLM_F_REPLACE, "10.1.0.1", 24, w->w_v0);
	addr_do(w, RTM_NEWADDR, REPLACE, "10.1.0.1", 24, w->w_v0);
	addr_do(w, RTM_DELADDR, 0, "10.1.0.9", 24, w->w_v0);
	addr_do(w, RTM_DELADDR, 0, "10.1.0.1", 25, w->w_v0);
	addr_do(w, RTM_DELADDR, 0, "10.1.0.1", 24, 4711);
	addr_begin(w, RTM_DELADDR, 0, "10.1.0.1", 24, w->w_v0);
	nltest_text(t, IFA_LABEL, "v0:9");
	nltwin_talk(w, "by another label");
	addr_do(w, RTM_DELADDR, 0, "10.1.0.1", 24, w->w_v0);
	dump_all(w, RTM_GETADDR, AF_INET);
	dump_all(w, RTM_GETROUTE, AF_INET);
	nltwin_close(w);
}

NLTWIN(addresses_have_attributes)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;
	struct ifa_cacheinfo ci = { .ifa_prefered = 900, .ifa_valid = 5000 };

	addr_begin(w, RTM_NEWADDR, ADD, "10.1.0.1", 24, w->w_v0);
	address(w, IFA_BROADCAST, "10.1.0.255");
	nltest_text(t, IFA_LABEL, "v0:1");
	nltest_attr32(t, IFA_RT_PRIORITY, 77);
	nltwin_talk(w, "broadcast, label, metric");
	addr_begin(w, RTM_NEWADDR, ADD, "10.6.0.1", 24, w->w_v0);
	address(w, IFA_ADDRESS, "10.7.0.1");
	nltwin_talk(w, "peer");
	addr_begin(w, RTM_NEWADDR, ADD, "10.8.0.1", 24, w->w_v0);
	nltest_attr32(t, IFA_FLAGS, IFA_F_NOPREFIXROUTE);
	nltwin_talk(w, "no route to the prefix");
	addr_begin(w, RTM_NEWADDR, ADD, "10.9.0.1", 24, w->w_v0);
	nltest_attr(t, IFA_CACHEINFO, &ci, sizeof(ci));
	nltwin_talk(w, "for a while");
	ci.ifa_valid = 0;
	addr_begin(w, RTM_NEWADDR, ADD, "10.9.1.1", 24, w->w_v0);
	nltest_attr(t, IFA_CACHEINFO, &ci, sizeof(ci));
	nltwin_talk(w, "valid for no time");
	ci.ifa_valid = 10;
	addr_begin(w, RTM_NEWADDR, ADD, "10.9.2.1", 24, w->w_v0);
	nltest_attr(t, IFA_CACHEINFO, &ci, sizeof(ci));
	nltwin_talk(w, "preferred for longer than valid");
	addr_begin(w, RTM_NEWADDR, ADD, "10.9.3.1", 24, w->w_v0);
	nltest_attr(t, IFA_CACHEINFO, &ci, 8);
	nltwin_talk(w, "half a lifetime");
	addr_begin(w, RTM_NEWADDR, ADD, "10.10.0.1", 24, w->w_v0);
	nltest_attr(t, IFA_ADDRESS, "ab", 2);
	nltwin_talk(w, "two bytes of address");
	addr_begin(w, RTM_NEWADDR, ADD, "10.10.0.1", 24, w->w_v0);
	nltest_text(t, IFA_LABEL, "a-label-that-is-too-long");
	nltwin_talk(w, "a long label");
	addr_begin(w, RTM_NEWADDR, ADD, "10.11.0.1", 24, w->w_v0);
	nltest_attr(t, IFA_PROTO, "\x03", 1);
	nltwin_talk(w, "a protocol");
	dump_state(w);
	nltwin_close(w);
}

NLTWIN(addresses_of_ipv6)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;
	struct ifa_cacheinfo ci = { .ifa_prefered = 900, .ifa_valid = 5000 };
	struct ifaddrmsg ifa = { .ifa_family = AF_INET6 };

	addr_add(w, "fd01::1", 64, w->w_v0);
	addr_add(w, "fd01::1", 64, w->w_v0);
	addr_add(w, "fd01::1", 80, w->w_v0);
	addr_add(w, "fd01::1", 64, w->w_v1);
	addr_add(w, "fd02::1", 128, w->w_v0);
	addr_add(w, "ff05::1", 64, w->w_v0);
	addr_add(w, "::", 64, w->w_v0);
	addr_add(w, "::1", 128, w->w_v0);
	addr_add(w, "fd03::1", 64, 4711);
	addr_begin(w, RTM_NEWADDR, ADD, "fd04::1", 64, w->w_v0);
	nltest_attr32(t, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	nltwin_talk(w, "no route to the prefix");
	addr_begin(w, RTM_NEWADDR, ADD, "fd05::1", 64, w->w_v0);
	nltest_attr32(t, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	nltest_attr(t, IFA_CACHEINFO, &ci, sizeof(ci));
	nltwin_talk(w, "for a while");
	dump_all(w, RTM_GETADDR, AF_INET6);
	dump_all(w, RTM_GETROUTE, AF_INET6);
	nltest_begin(t, RTM_GETADDR, 0, &ifa, sizeof(ifa));
	address(w, IFA_ADDRESS, "fd01::1");
	nltwin_talk(w, "one");
	nltest_begin(t, RTM_GETADDR, 0, &ifa, sizeof(ifa));
	address(w, IFA_ADDRESS, "fd99::1");
	nltwin_talk(w, "one that is not there");
	nltest_begin(t, RTM_GETADDR, 0, &ifa, sizeof(ifa));
	nltwin_talk(w, "none");
	ifa.ifa_family = AF_INET;
	nltest_begin(t, RTM_GETADDR, 0, &ifa, sizeof(ifa));
	address(w, IFA_ADDRESS, "127.0.0.1");
	nltwin_talk(w, "one of IPv4");
	addr_do(w, RTM_DELADDR, 0, "fd01::1", 64, w->w_v0);
	addr_do(w, RTM_DELADDR, 0, "fd01::1", 64, w->w_v0);
	addr_do(w, RTM_DELADDR, 0, "fd02::1", 64, w->w_v0);
	dump_all(w, RTM_GETADDR, AF_INET6);
	dump_all(w, RTM_GETROUTE, AF_INET6);
	nltwin_close(w);
}

NLTWIN(addresses_are_dumped)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;
	struct ifaddrmsg ifa = { .ifa_family = AF_INET };

	addr_add(w, "10.1.0.1", 24, w->w_v0);
	addr_add(w, "10.1.1.1", 24, w->w_v1);
	dump_all(w, RTM_GETADDR, AF_UNSPEC);
	dump_all(w, RTM_GETADDR, 99);
	nltest_begin(t, RTM_GETADDR, NLM_F_DUMP, "\x02", 1);
	nltwin_dump(w, "with struct rtgenmsg");
	nltest_option(t, NETLINK_GET_STRICT_CHK, 1);
	dump_all(w, RTM_GETADDR, AF_INET);
	ifa.ifa_index = w->w_v0;
	nltest_begin(t, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa));
	nltwin_dump(w, "of an interface");
	ifa.ifa_index = 4711;
	nltest_begin(t, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa));
	nltwin_dump(w, "of an unknown interface");
	ifa.ifa_index = 0;
	ifa.ifa_prefixlen = 24;
	nltest_begin(t, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa));
	nltwin_dump(w, "with a prefix length");
	ifa.ifa_prefixlen = 0;
	nltest_begin(t, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa));
	address(w, IFA_LOCAL, "10.1.0.1");
	nltwin_dump(w, "with an address");
	nltest_begin(t, RTM_GETADDR, NLM_F_DUMP, "\x02\0\0\0", 4);
	nltwin_dump(w, "cut off");
	nltwin_close(w);
}

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

/* --- neighbours ------------------------------------------------------------------------------------ */

static int
neigh_do(struct nltwin *w, uint16_t type, uint16_t flags, const char *dst, uint32_t index,
    uint16_t state, const char *lladdr, size_t len)
{
	struct ndmsg ndm = { .ndm_family = (uint8_t)family_of(dst), .ndm_ifindex = (int)index,
	    .ndm_state = state };

	nltest_begin(&w->w_nl, type, flags, &ndm, sizeof(ndm));
	address(w, NDA_DST, dst);
	if (lladdr != NULL)
		nltest_attr(&w->w_nl, NDA_LLADDR, lladdr, len);
	return nltwin_talk(w, dst);
}

NLTWIN(neighbours_come_and_go)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;
	struct ndmsg ndm = { .ndm_family = AF_INET };

	addr_add(w, "10.1.0.1", 24, w->w_v0);
	addr_add(w, "fd01::1", 64, w->w_v0);
	neigh_do(w, RTM_NEWNEIGH, ADD, "10.1.0.2", w->w_v0, NUD_PERMANENT, "\2\0\0\0\0\1", 6);
	neigh_do(w, RTM_NEWNEIGH, ADD, "10.1.0.2", w->w_v0, NUD_PERMANENT, "\2\0\0\0\0\1", 6);
	neigh_do(w, RTM_NEWNEIGH, 0, "10.1.0.2", w->w_v0, NUD_PERMANENT, "\2\0\0\0\0\2", 6);
	neigh_do(w, RTM_NEWNEIGH, NLM_F_REPLACE, "10.1.0.2", w->w_v0, NUD_PERMANENT, "\2\0\0\0\0\3", 6);
	neigh_do(w, RTM_NEWNEIGH, 0, "10.1.0.3", w->w_v0, NUD_PERMANENT, "\2\0\0\0\0\3", 6);
	neigh_do(w, RTM_NEWNEIGH, NLM_F_REPLACE, "10.1.0.3", w->w_v0, NUD_PERMANENT, "\2\0\0\0\0\3", 6);
	neigh_do(w, RTM_NEWNEIGH, REPLACE, "10.1.0.3", w->w_v0, NUD_STALE, "\2\0\0\0\0\4", 6);
	neigh_do(w, RTM_NEWNEIGH, REPLACE, "10.1.0.4", w->w_v0, NUD_NOARP, "\2\0\0\0\0\4", 6);
	neigh_do(w, RTM_NEWNEIGH, REPLACE, "10.1.0.5", w->w_v0, NUD_PERMANENT, "\2\0\0\0", 4);
	neigh_do(w, RTM_NEWNEIGH, REPLACE, "10.1.0.5", w->w_v0, NUD_PERMANENT, NULL, 0);
	neigh_do(w, RTM_NEWNEIGH, REPLACE, "10.1.0.6", w->w_v0, NUD_FAILED, NULL, 0);
	neigh_do(w, RTM_NEWNEIGH, REPLACE, "10.1.0.7", 4711, NUD_PERMANENT, "\2\0\0\0\0\4", 6);
	neigh_do(w, RTM_NEWNEIGH, REPLACE, "10.1.0.7", 0, NUD_PERMANENT, "\2\0\0\0\0\4", 6);
	neigh_do(w, RTM_NEWNEIGH, REPLACE, "fd01::7", w->w_v0, NUD_PERMANENT, "\2\0\0\0\0\4", 6);
	neigh_do(w, RTM_NEWNEIGH, REPLACE, "10.99.0.1", w->w_v1, NUD_PERMANENT, "\2\0\0\0\0\4", 6);
	ndm.ndm_ifindex = (int)w->w_v0;
	nltest_begin(t, RTM_NEWNEIGH, ADD, &ndm, sizeof(ndm));
	nltwin_talk(w, "of nobody");
	ndm.ndm_ifindex = 0;
	nltest_begin(t, RTM_GETNEIGH, NLM_F_DUMP, &ndm, sizeof(ndm));
	nltwin_dump(w, "all");
	neigh_do(w, RTM_GETNEIGH, 0, "10.1.0.2", w->w_v0, 0, NULL, 0);
	neigh_do(w, RTM_GETNEIGH, 0, "10.1.0.99", w->w_v0, 0, NULL, 0);
	neigh_do(w, RTM_GETNEIGH, 0, "10.1.0.2", 0, 0, NULL, 0);
	neigh_do(w, RTM_GETNEIGH, 0, "10.1.0.2", 4711, 0, NULL, 0);
	neigh_do(w, RTM_DELNEIGH, 0, "10.1.0.2", w->w_v0, 0, NULL, 0);
	neigh_do(w, RTM_DELNEIGH, 0, "10.1.0.88", w->w_v0, 0, NULL, 0);
	neigh_do(w, RTM_DELNEIGH, 0, "10.1.0.3", 4711, 0, NULL, 0);
	neigh_do(w, RTM_DELNEIGH, 0, "10.1.0.3", w->w_v1, 0, NULL, 0);
	nltest_option(t, NETLINK_GET_STRICT_CHK, 1);
	nltest_begin(t, RTM_GETNEIGH, NLM_F_DUMP, &ndm, sizeof(ndm));
	nltest_attr32(t, NDA_IFINDEX, w->w_v0);
	nltwin_dump(w, "of an interface");
	nltest_begin(t, RTM_GETNEIGH, NLM_F_DUMP, &ndm, sizeof(ndm));
	nltest_attr32(t, NDA_MASTER, w->w_v0);
	nltwin_dump(w, "of a master");
	ndm.ndm_ifindex = (int)w->w_v0;
	nltest_begin(t, RTM_GETNEIGH, NLM_F_DUMP, &ndm, sizeof(ndm));
	nltwin_dump(w, "with a number in the header");
	ndm.ndm_ifindex = 0;
	ndm.ndm_state = NUD_STALE;
	nltest_begin(t, RTM_GETNEIGH, NLM_F_DUMP, &ndm, sizeof(ndm));
	nltwin_dump(w, "with a state in the header");
	nltwin_close(w);
}

NLTWIN(neighbour_proxies)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;
	struct ndmsg ndm = { .ndm_family = AF_INET, .ndm_flags = NTF_PROXY };

	ndm.ndm_ifindex = 0;
	nltest_begin(t, RTM_GETNEIGH, NLM_F_DUMP, &ndm, sizeof(ndm));
	nltwin_dump(w, "none");
	nltwin_close(w);
}

NLTWIN(neighbour_notices)
{
	struct nltwin *w = nltwin_open(tw);

	addr_add(w, "10.1.0.1", 24, w->w_v0);
	nltwin_join(w, RTNLGRP_NEIGH);
	neigh_do(w, RTM_NEWNEIGH, ADD, "10.1.0.2", w->w_v0, NUD_PERMANENT, "\2\0\0\0\0\1", 6);
	neigh_do(w, RTM_NEWNEIGH, REPLACE, "10.1.0.2", w->w_v0, NUD_PERMANENT, "\2\0\0\0\0\1", 6);
	neigh_do(w, RTM_NEWNEIGH, REPLACE, "10.1.0.2", w->w_v0, NUD_PERMANENT, "\2\0\0\0\0\2", 6);
	nltwin_close(w);
}

/* --- rules --------------------------------------------------------------------------------------------- */

static void
rule_with_prefix(struct nltwin *w, uint16_t type, const char *src, uint8_t srclen, uint32_t pref)
{
	struct fib_rule_hdr frh = { .family = AF_INET, .src_len = srclen, .table = 100,
	    .action = FR_ACT_TO_TBL };

	nltest_begin(&w->w_nl, type, type == RTM_NEWRULE ? ADD : 0, &frh, sizeof(frh));
	if (src != NULL)
		address(w, FRA_SRC, src);
	if (pref != 0)
		nltest_attr32(&w->w_nl, FRA_PRIORITY, pref);
	nltwin_talk(w, src != NULL ? src : "no source");
}

NLTWIN(rules_come_and_go)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;

	nltwin_join(w, RTNLGRP_IPV4_RULE);
	nltwin_join(w, RTNLGRP_IPV6_RULE);
	dump_all(w, RTM_GETRULE, AF_INET);
	dump_all(w, RTM_GETRULE, 99);
	rule_with_prefix(w, RTM_NEWRULE, "10.1.0.0", 16, 1000);
	rule_with_prefix(w, RTM_NEWRULE, "10.1.0.0", 16, 1000);
	rule_with_prefix(w, RTM_NEWRULE, "10.1.0.0", 16, 0);
	rule_with_prefix(w, RTM_NEWRULE, "10.1.0.0", 16, 0);
	rule_with_prefix(w, RTM_NEWRULE, "10.1.0.1", 16, 999);
	rule_with_prefix(w, RTM_NEWRULE, "10.1.0.0", 33, 998);
	rule_with_prefix(w, RTM_NEWRULE, NULL, 16, 997);
	rule_with_prefix(w, RTM_NEWRULE, "10.2.0.0", 0, 996);
	rule_begin(w, RTM_NEWRULE, ADD, AF_INET, FR_ACT_BLACKHOLE, 0, 902);
	nltwin_talk(w, "blackhole");
	rule_begin(w, RTM_NEWRULE, ADD, AF_INET6, FR_ACT_PROHIBIT, 0, 902);
	nltwin_talk(w, "prohibit");
	rule_begin(w, RTM_NEWRULE, ADD, AF_INET, FR_ACT_TO_TBL, 0, 903);
	nltest_attr32(t, FRA_TABLE, 1000);
	nltwin_talk(w, "a high table");
	rule_begin(w, RTM_NEWRULE, ADD, AF_INET, FR_ACT_TO_TBL, 100, 904);
	nltest_attr32(t, FRA_FWMARK, 7);
	nltwin_talk(w, "a mark");
	rule_begin(w, RTM_NEWRULE, ADD, AF_INET, FR_ACT_TO_TBL, 100, 905);
	nltest_attr32(t, FRA_FWMARK, 7);
	nltest_attr32(t, FRA_FWMASK, 0xff);
	nltwin_talk(w, "a mark and mask");
	rule_begin(w, RTM_NEWRULE, ADD, AF_INET, FR_ACT_TO_TBL, 100, 906);
	nltest_text(t, FRA_IIFNAME, "v0");
	nltwin_talk(w, "from an interface");
	rule_begin(w, RTM_NEWRULE, ADD, AF_INET, FR_ACT_TO_TBL, 100, 907);
	nltest_text(t, FRA_OIFNAME, "nosuch");
	nltwin_talk(w, "to an interface that may come");
	rule_begin(w, RTM_NEWRULE, ADD, AF_INET, FR_ACT_TO_TBL, 100, 910);
	nltest_text(t, FRA_OIFNAME, "a-name-that-is-too-long");
	nltwin_talk(w, "a long name");
	rule_begin(w, RTM_NEWRULE, ADD, AF_INET, FR_ACT_TO_TBL, 100, 914);
	nltest_attr32(t, FRA_SUPPRESS_PREFIXLEN, 0);
	nltwin_talk(w, "suppress");
	rule_begin(w, RTM_NEWRULE, ADD, AF_INET, FR_ACT_TO_TBL, 100, 917);
	nltest_attr(t, FRA_PROTOCOL, "\4", 1);
	nltwin_talk(w, "a protocol");
	rule_begin(w, RTM_NEWRULE, ADD, 99, FR_ACT_TO_TBL, 100, 918);
	nltwin_talk(w, "an unknown family");
	dump_state(w);
	rule_with_prefix(w, RTM_DELRULE, "10.1.0.0", 17, 0);
	rule_with_prefix(w, RTM_DELRULE, "10.1.0.0", 16, 1000);
	rule_with_prefix(w, RTM_DELRULE, "10.1.0.0", 16, 1000);
	rule_begin(w, RTM_DELRULE, 0, AF_INET, 0, 0, 902);
	nltwin_talk(w, "by preference");
	rule_begin(w, RTM_DELRULE, 0, AF_INET, 0, 0, 9999);
	nltwin_talk(w, "by a preference that is not there");
	rule_begin(w, RTM_DELRULE, 0, AF_INET, FR_ACT_TO_TBL, 0, 904);
	nltest_attr32(t, FRA_FWMARK, 8);
	nltwin_talk(w, "by another mark");
	rule_begin(w, RTM_DELRULE, 0, AF_INET, 0, RT_TABLE_DEFAULT, 0);
	nltwin_talk(w, "by table");
	rule_begin(w, RTM_DELRULE, 0, AF_INET, 0, 0, 0);
	nltwin_talk(w, "any");
	dump_state(w);
	nltwin_close(w);
}

/* --- the protocol itself ----------------------------------------------------------------------------------- */

NLTWIN(requests_without_sense)
{
	struct nltwin *w = nltwin_open(tw);
	struct nltest *t = &w->w_nl;
	uint8_t zero[64] = { 0 };

	for (uint16_t type = RTM_BASE; type <= RTM_GETSTATS + 8; type++) {
		/* Those that exist there and not here (queues, statistics, tunnels ...). */
		if (type >= RTM_NEWQDISC && type != RTM_NEWNSID + 2)
			continue;
		nltest_begin(t, type, 0, zero, sizeof(zero));
		twin_note(tw, "type", type);
		nltwin_talk(w, "zeroes");
		nltest_begin(t, type, 0, zero, 2);
		nltwin_talk(w, "two zeroes");
	}
	nltest_begin(t, 2000, 0, zero, 16);
	nltwin_talk(w, "an unknown type");
	nltest_begin(t, NLMSG_NOOP, 0, zero, 16);
	nltwin_talk(w, "nothing to be done");
	nltest_begin(t, NLMSG_DONE, 0, zero, 16);
	nltwin_talk(w, "done");
	nltwin_close(w);
}

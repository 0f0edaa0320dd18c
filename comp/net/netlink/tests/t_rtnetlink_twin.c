/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_rtnetlink_twin.c - requests about links and addresses do with our kernel what they
 * do with the host's
 *
 * Each script runs in a fresh name space of either kernel, with a pair of interfaces.
 * Errnos, answers, dumps and what the groups are told must be the same; what the words
 * of an extended ACK say need not.
 *
 * Known to differ, and left out: addresses that no interface should have (groups,
 * 0.0.0.0, those of IPv4 mapped into IPv6), which we refuse; what expires with an
 * address of IPv6.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <harness.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "rttwin.h"

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

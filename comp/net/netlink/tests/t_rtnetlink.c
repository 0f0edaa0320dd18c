/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_rtnetlink.c - links, addresses, routes, neighbours and rules by rtnetlink
 */

#include <harness.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <rump/netconfig.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "nltest.h"

static struct nltest nl, other;

/*
 * The thread that tells of changes stays, and so does what interfaces leave to be freed
 * later: hence HARNESS_KEEPS.
 */

#define CREATE	(NLM_F_CREATE | NLM_F_EXCL)

/* A cable whose other end, wire1, is up already: it has a carrier once this end is. */
static uint32_t
make_link(const char *name)
{
	NEED(rump_pub_netconfig_ifcreate(name) == 0);
	NEED(rump_pub_netconfig_ifup("wire1") == 0);
	return nltest_ifindex(&nl, name);
}

TEST_WITH(loopback_is_the_first_link, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nlmsghdr *nh;
	struct rtattr *rta;

	nltest_open(&nl, NETLINK_ROUTE);
	nltest_begin(&nl, RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi));
	CHECK_EQ("dump", 0, nltest_talk(&nl));
	nh = nltest_msg(&nl, 0);
	NEED(nh != NULL);
	CHECK_EQ("type", RTM_NEWLINK, nh->nlmsg_type);
	CHECK((nh->nlmsg_flags & NLM_F_MULTI) != 0);
	CHECK_EQ("sequence", nl.t_seq, nh->nlmsg_seq);
	memcpy(&ifi, NLMSG_DATA(nh), sizeof(ifi));
	CHECK_EQ("index", 1, ifi.ifi_index);
	CHECK((ifi.ifi_flags & IFF_LOOPBACK) != 0);
	rta = nltest_find(nh, sizeof(ifi), IFLA_IFNAME);
	NEED(rta != NULL);
	CHECK_STR("name", "lo", RTA_DATA(rta));
	CHECK(nltest_find(nh, sizeof(ifi), IFLA_STATS64) != NULL);
	CHECK_EQ("one by name", 1, nltest_ifindex(&nl, "lo"));
	CHECK_EQ("none", 0, nltest_ifindex(&nl, "none0"));
	nltest_close(&nl);
}

TEST_WITH(settings_are_those_of_the_variables, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	static const int32_t order[] = { 1, NETCONFA_IFINDEX_ALL, NETCONFA_IFINDEX_DEFAULT };
	struct netconfmsg ncm = { .ncm_family = AF_UNSPEC };
	struct nlmsghdr *nh;

	nltest_open(&nl, NETLINK_ROUTE);
	CHECK_EQ("forward", 0, rump_pub_kvar_write("net.ipv4.ip_forward", "1"));
	CHECK_EQ("filter", 0, rump_pub_kvar_write("net.ipv4.conf.all.rp_filter", "2"));
	nltest_begin(&nl, RTM_GETNETCONF, NLM_F_DUMP, &ncm, sizeof(ncm));
	CHECK_EQ("dump", 0, nltest_talk(&nl));
	CHECK_EQ("two families", 6, nl.t_nmsgs);
	for (size_t i = 0; i < 6; i++) {
		nh = nltest_msg(&nl, i);
		NEED(nh != NULL);
		CHECK_EQ("type", RTM_NEWNETCONF, nh->nlmsg_type);
		memcpy(&ncm, NLMSG_DATA(nh), sizeof(ncm));
		CHECK_EQ("family", i < 3 ? AF_INET : AF_INET6, ncm.ncm_family);
		CHECK_EQ("index", order[i % 3],
		    (int32_t)nltest_u32(nltest_find(nh, sizeof(ncm), NETCONFA_IFINDEX)));
		CHECK_EQ("forwarding", i < 3,
		    nltest_u32(nltest_find(nh, sizeof(ncm), NETCONFA_FORWARDING)));
		CHECK_EQ("rp_filter is of IPv4", i < 3,
		    nltest_find(nh, sizeof(ncm), NETCONFA_RP_FILTER) != NULL);
	}
	nltest_begin(&nl, RTM_GETNETCONF, 0, &ncm, sizeof(ncm));
	CHECK_EQ("of what?", EINVAL, nltest_talk(&nl));
	ncm.ncm_family = AF_INET;
	nltest_begin(&nl, RTM_GETNETCONF, 0, &ncm, sizeof(ncm));
	nltest_attr32(&nl, NETCONFA_IFINDEX, 1);
	CHECK_EQ("of lo", 0, nltest_talk(&nl));
	CHECK_EQ("rp_filter", 2,
	    nltest_u32(nltest_find(nltest_msg(&nl, 0), sizeof(ncm), NETCONFA_RP_FILTER)));
	nltest_begin(&nl, RTM_GETNETCONF, 0, &ncm, sizeof(ncm));
	nltest_attr32(&nl, NETCONFA_IFINDEX, 4711);
	CHECK_EQ("of none", EINVAL, nltest_talk(&nl));
	nltest_close(&nl);
}

TEST_WITH(links_are_made_changed_and_deleted, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };
	size_t info;

	nltest_open(&nl, NETLINK_ROUTE);
	nltest_begin(&nl, RTM_NEWLINK, CREATE, &ifi, sizeof(ifi));
	nltest_text(&nl, IFLA_IFNAME, "wire7");
	nltest_attr(&nl, IFLA_ADDRESS, mac, sizeof(mac));
	info = nltest_nest(&nl, IFLA_LINKINFO);
	nltest_text(&nl, IFLA_INFO_KIND, "wire");
	nltest_nest_end(&nl, info);
	CHECK_EQ("made", 0, nltest_talk(&nl));
	CHECK_EQ("again", EEXIST, nltest_talk(&nl));

	ifi.ifi_index = (int)nltest_ifindex(&nl, "wire7");
	CHECK(ifi.ifi_index > 1);
	nltest_begin(&nl, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	nltest_text(&nl, IFLA_IFNAME, "lan");
	nltest_attr32(&nl, IFLA_MTU, 1400);
	nltest_attr32(&nl, IFLA_TXQLEN, 77);
	CHECK_EQ("changed", 0, nltest_talk(&nl));
	CHECK_EQ("renamed", ifi.ifi_index, nltest_ifindex(&nl, "lan"));
	CHECK_EQ("mtu", 1400, nltest_u32(nltest_find(nltest_msg(&nl, 0), sizeof(ifi), IFLA_MTU)));
	CHECK_EQ("txqlen", 77, nltest_u32(nltest_find(nltest_msg(&nl, 0), sizeof(ifi), IFLA_TXQLEN)));
	CHECK_MEM("mac", mac, RTA_DATA(nltest_find(nltest_msg(&nl, 0), sizeof(ifi), IFLA_ADDRESS)), 6);

	nltest_begin(&nl, RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	nltest_attr32(&nl, IFLA_MTU, 20);
	CHECK_EQ("too small", EINVAL, nltest_talk(&nl));
	CHECK(nl.t_text[0] != '\0');
	nltest_begin(&nl, RTM_DELLINK, 0, &ifi, sizeof(ifi));
	CHECK_EQ("deleted", 0, nltest_talk(&nl));
	CHECK_EQ("gone", ENODEV, nltest_talk(&nl));
	ifi.ifi_index = 1;
	nltest_begin(&nl, RTM_DELLINK, 0, &ifi, sizeof(ifi));
	CHECK_EQ("not lo", EOPNOTSUPP, nltest_talk(&nl));
	nltest_begin(&nl, RTM_NEWLINK, CREATE, &(struct ifinfomsg){ 0 }, sizeof(ifi));
	info = nltest_nest(&nl, IFLA_LINKINFO);
	nltest_text(&nl, IFLA_INFO_KIND, "nonsense");
	nltest_nest_end(&nl, info);
	CHECK_EQ("no such kind", EOPNOTSUPP, nltest_talk(&nl));
	nltest_close(&nl);
}

TEST_WITH(addresses_come_with_their_routes, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	struct ifaddrmsg ifa = { .ifa_family = AF_INET };
	struct rtmsg rtm = { .rtm_family = AF_INET };
	struct nlmsghdr *nh;
	struct in_addr in;
	uint32_t dev;

	nltest_open(&nl, NETLINK_ROUTE);
	dev = make_link("wire0");
	CHECK_EQ("add", 0, nltest_addr4(&nl, dev, "10.1.2.3", 24, CREATE));
	CHECK_EQ("again", EEXIST, nltest_addr4(&nl, dev, "10.1.2.3", 24, CREATE));
	CHECK_EQ("replace", 0, nltest_addr4(&nl, dev, "10.1.2.3", 24, NLM_F_CREATE | NLM_F_REPLACE));
	nltest_option(&nl, NETLINK_GET_STRICT_CHK, 1);
	ifa.ifa_index = dev;
	nltest_begin(&nl, RTM_GETADDR, NLM_F_DUMP, &ifa, sizeof(ifa));
	CHECK_EQ("dump", 0, nltest_talk(&nl));
	CHECK_EQ("one", 1, nl.t_nmsgs);
	nh = nltest_msg(&nl, 0);
	NEED(nh != NULL);
	memcpy(&ifa, NLMSG_DATA(nh), sizeof(ifa));
	CHECK_EQ("prefix", 24, ifa.ifa_prefixlen);
	inet_pton(AF_INET, "10.1.2.3", &in);
	CHECK_EQ("local", in.s_addr, nltest_u32(nltest_find(nh, sizeof(ifa), IFA_LOCAL)));

	nltest_option(&nl, NETLINK_GET_STRICT_CHK, 0);
	CHECK_EQ("up", 0, nltest_up(&nl, 1, true));
	rtm.rtm_dst_len = 32;
	nltest_begin(&nl, RTM_GETROUTE, 0, &rtm, sizeof(rtm));
	nltest_attr(&nl, RTA_DST, &in, sizeof(in));
	CHECK_EQ("to ourselves", 0, nltest_talk(&nl));
	nh = nltest_msg(&nl, 0);
	NEED(nh != NULL);
	memcpy(&rtm, NLMSG_DATA(nh), sizeof(rtm));
	CHECK_EQ("local", RTN_LOCAL, rtm.rtm_type);
	CHECK_EQ("by lo", 1, nltest_u32(nltest_find(nh, sizeof(rtm), RTA_OIF)));

	CHECK_EQ("delete", 0, nltest_addr4(&nl, dev, "10.1.2.3", 24, 0));
	CHECK_EQ("gone", EADDRNOTAVAIL, nltest_addr4(&nl, dev, "10.1.2.3", 24, 0));
	CHECK_EQ("no interface", ENODEV, nltest_addr4(&nl, 999, "10.1.2.3", 24, CREATE));
	CHECK_EQ("bad prefix", EINVAL, nltest_addr4(&nl, dev, "10.1.2.3", 33, CREATE));
	CHECK_EQ("end", 0, rump_pub_netconfig_ifdestroy("wire0"));
	nltest_close(&nl);
}

static unsigned int
count_routes(struct nltest *t, uint8_t protocol)
{
	struct rtmsg rtm = { .rtm_family = AF_INET, .rtm_protocol = protocol };

	nltest_option(t, NETLINK_GET_STRICT_CHK, 1);
	nltest_begin(t, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	CHECK_EQ("dump", 0, nltest_talk(t));
	return (unsigned int)t->t_nmsgs;
}

TEST_WITH(routes_are_added_listed_and_looked_up, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	struct rtmsg rtm = { .rtm_family = AF_INET };
	struct nlmsghdr *nh;
	struct in_addr in;
	uint32_t dev;

	nltest_open(&nl, NETLINK_ROUTE);
	dev = make_link("wire0");
	CHECK_EQ("address", 0, nltest_addr4(&nl, dev, "10.0.0.1", 24, CREATE));
	CHECK_EQ("down", ENETDOWN, nltest_route4(&nl, "192.168.0.0", 16, NULL, dev, CREATE));
	CHECK_EQ("up", 0, nltest_up(&nl, dev, true));
	CHECK_EQ("via", 0, nltest_route4(&nl, "172.16.0.0", 12, "10.0.0.254", 0, CREATE));
	CHECK_EQ("again", EEXIST, nltest_route4(&nl, "172.16.0.0", 12, "10.0.0.254", 0, CREATE));
	CHECK_EQ("default", 0, nltest_route4(&nl, NULL, 0, "10.0.0.254", 0, CREATE));
	CHECK_EQ("host bits", EINVAL, nltest_route4(&nl, "172.16.0.1", 12, "10.0.0.254", 0, CREATE));
	CHECK(strstr(nl.t_text, "prefix") != NULL);
	CHECK_EQ("unreachable gateway", ENETUNREACH,
	    nltest_route4(&nl, "1.0.0.0", 8, "11.0.0.1", dev, CREATE));
	CHECK_EQ("ours", 2, count_routes(&nl, RTPROT_STATIC));

	inet_pton(AF_INET, "172.20.1.1", &in);
	rtm.rtm_dst_len = 32;
	nltest_option(&nl, NETLINK_GET_STRICT_CHK, 0);
	nltest_begin(&nl, RTM_GETROUTE, 0, &rtm, sizeof(rtm));
	nltest_attr(&nl, RTA_DST, &in, sizeof(in));
	CHECK_EQ("get", 0, nltest_talk(&nl));
	nh = nltest_msg(&nl, 0);
	NEED(nh != NULL);
	inet_pton(AF_INET, "10.0.0.254", &in);
	CHECK_EQ("gateway", in.s_addr, nltest_u32(nltest_find(nh, sizeof(rtm), RTA_GATEWAY)));
	CHECK_EQ("interface", dev, nltest_u32(nltest_find(nh, sizeof(rtm), RTA_OIF)));
	inet_pton(AF_INET, "10.0.0.1", &in);
	CHECK_EQ("source", in.s_addr, nltest_u32(nltest_find(nh, sizeof(rtm), RTA_PREFSRC)));

	CHECK_EQ("delete", 0, nltest_route4(&nl, "172.16.0.0", 12, NULL, 0, 0));
	CHECK_EQ("gone", ESRCH, nltest_route4(&nl, "172.16.0.0", 12, NULL, 0, 0));
	CHECK_EQ("end", 0, rump_pub_netconfig_ifdestroy("wire0"));
	CHECK_EQ("all went with it", 0, count_routes(&nl, RTPROT_STATIC));
	nltest_close(&nl);
}

TEST_WITH(a_long_dump_takes_several_reads_and_has_each_once, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	static bool seen[600];
	struct rtmsg rtm;
	struct in_addr in;
	char text[32];
	uint32_t dev, n;

	nltest_open(&nl, NETLINK_ROUTE);
	dev = make_link("wire0");
	CHECK_EQ("address", 0, nltest_addr4(&nl, dev, "10.0.0.1", 24, CREATE));
	CHECK_EQ("up", 0, nltest_up(&nl, dev, true));
	for (int i = 0; i < 600; i++) {
		(void)snprintf(text, sizeof(text), "20.%d.%d.0", i / 256, i % 256);
		NEED(nltest_route4(&nl, text, 24, "10.0.0.9", 0, CREATE) == 0);
	}
	CHECK_EQ("all", 600, count_routes(&nl, RTPROT_STATIC));
	CHECK(nl.t_reads > 1);
	CHECK(!nl.t_interrupted);
	for (size_t i = 0; i < 600; i++) {
		memcpy(&rtm, NLMSG_DATA(nltest_msg(&nl, i)), sizeof(rtm));
		in.s_addr = nltest_u32(nltest_find(nltest_msg(&nl, i), sizeof(rtm), RTA_DST));
		n = ntohl(in.s_addr) - 0x14000000;
		NEED(n % 256 == 0 && n / 256 < 600);
		CHECK(!seen[n / 256]);
		seen[n / 256] = true;
	}
	CHECK_EQ("end", 0, rump_pub_netconfig_ifdestroy("wire0"));
	nltest_close(&nl);
}

TEST_WITH(a_dump_tells_that_the_configuration_changed_meanwhile, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	struct rtmsg rtm = { .rtm_family = AF_INET };
	char text[32], buf[4096];
	struct nlmsghdr *nh = (void *)other.t_req;
	bool interrupted = false, done = false, busy = false;
	uint32_t dev;
	ssize_t n;

	nltest_open(&nl, NETLINK_ROUTE);
	nltest_open(&other, NETLINK_ROUTE);
	dev = make_link("wire0");
	CHECK_EQ("address", 0, nltest_addr4(&nl, dev, "10.0.0.1", 24, CREATE));
	CHECK_EQ("up", 0, nltest_up(&nl, dev, true));
	for (int i = 0; i < 400; i++) {
		(void)snprintf(text, sizeof(text), "20.%d.%d.0", i / 256, i % 256);
		NEED(nltest_route4(&nl, text, 24, "10.0.0.9", 0, CREATE) == 0);
	}
	/* A socket that never read with a large buffer gets small pieces. */
	nltest_begin(&other, RTM_GETROUTE, NLM_F_DUMP, &rtm, sizeof(rtm));
	nh->nlmsg_len = (uint32_t)other.t_len;
	CHECK_EQ("ask", other.t_len, rump_sys_send(other.t_fd, other.t_req, other.t_len, 0));
	NEED(rump_sys_recv(other.t_fd, buf, sizeof(buf), MSG_DONTWAIT) > 0);
	CHECK_EQ("one at a time", other.t_len, rump_sys_send(other.t_fd, other.t_req, other.t_len, 0));
	CHECK_EQ("change", 0, nltest_route4(&nl, "99.0.0.0", 8, "10.0.0.9", 0, CREATE));
	while (!done && (n = rump_sys_recv(other.t_fd, other.t_ans, sizeof(other.t_ans), MSG_DONTWAIT)) > 0) {
		int left = (int)n;

		for (nh = (void *)other.t_ans; NLMSG_OK(nh, left); nh = NLMSG_NEXT(nh, left)) {
			interrupted = interrupted || (nh->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
			done = done || nh->nlmsg_type == NLMSG_DONE;
			busy = busy || nh->nlmsg_type == NLMSG_ERROR;
		}
	}
	CHECK(done);
	CHECK(interrupted);
	CHECK(busy);
	CHECK_EQ("end", 0, rump_pub_netconfig_ifdestroy("wire0"));
	nltest_close(&nl);
	nltest_close(&other);
}

TEST_WITH(multipath_and_metrics_read_back, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	struct rtmsg rtm = { .rtm_family = AF_INET, .rtm_dst_len = 8, .rtm_table = RT_TABLE_MAIN,
	    .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST };
	struct in_addr dst, gw[2];
	struct rtnexthop *nh;
	struct rtattr *rta;
	uint32_t dev;
	size_t nest;

	nltest_open(&nl, NETLINK_ROUTE);
	dev = make_link("wire0");
	CHECK_EQ("address", 0, nltest_addr4(&nl, dev, "10.0.0.1", 24, CREATE));
	CHECK_EQ("up", 0, nltest_up(&nl, dev, true));
	inet_pton(AF_INET, "44.0.0.0", &dst);
	inet_pton(AF_INET, "10.0.0.2", &gw[0]);
	inet_pton(AF_INET, "10.0.0.3", &gw[1]);
	nltest_begin(&nl, RTM_NEWROUTE, CREATE, &rtm, sizeof(rtm));
	nltest_attr(&nl, RTA_DST, &dst, sizeof(dst));
	nltest_attr32(&nl, RTA_PRIORITY, 5);
	nest = nltest_nest(&nl, RTA_METRICS);
	nltest_attr32(&nl, RTAX_MTU, 1300);
	nltest_attr32(&nl, RTAX_INITCWND, 20);
	nltest_nest_end(&nl, nest);
	nest = nltest_nest(&nl, RTA_MULTIPATH);
	for (int i = 0; i < 2; i++) {
		struct rtnexthop hop = { .rtnh_len = sizeof(hop) + RTA_SPACE(4),
		    .rtnh_ifindex = (int)dev, .rtnh_hops = (unsigned char)i };

		memcpy(nl.t_req + nl.t_len, &hop, sizeof(hop));
		nl.t_len += sizeof(hop);
		nltest_attr(&nl, RTA_GATEWAY, &gw[i], sizeof(gw[i]));
	}
	nltest_nest_end(&nl, nest);
	CHECK_EQ("add", 0, nltest_talk(&nl));
	NEED(count_routes(&nl, RTPROT_STATIC) == 1);
	rta = nltest_find(nltest_msg(&nl, 0), sizeof(rtm), RTA_MULTIPATH);
	NEED(rta != NULL);
	nh = RTA_DATA(rta);
	CHECK_EQ("weight", 0, nh->rtnh_hops);
	CHECK_EQ("gateway", gw[0].s_addr, nltest_u32(RTNH_DATA(nh)));
	nh = RTNH_NEXT(nh);
	CHECK_EQ("weight", 1, nh->rtnh_hops);
	CHECK_EQ("gateway", gw[1].s_addr, nltest_u32(RTNH_DATA(nh)));
	CHECK_EQ("priority", 5, nltest_u32(nltest_find(nltest_msg(&nl, 0), sizeof(rtm), RTA_PRIORITY)));
	rta = nltest_find(nltest_msg(&nl, 0), sizeof(rtm), RTA_METRICS);
	NEED(rta != NULL);
	CHECK_EQ("mtu", 1300, nltest_u32(RTA_DATA(rta)));
	CHECK_EQ("end", 0, rump_pub_netconfig_ifdestroy("wire0"));
	nltest_close(&nl);
}

TEST_WITH(neighbours_are_set_and_forgotten, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	struct ndmsg ndm = { .ndm_family = AF_INET, .ndm_state = NUD_PERMANENT };
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 5 };
	struct rtattr *rta;
	struct in_addr in;
	uint32_t dev;

	nltest_open(&nl, NETLINK_ROUTE);
	dev = make_link("wire0");
	CHECK_EQ("address", 0, nltest_addr4(&nl, dev, "10.0.0.1", 24, CREATE));
	CHECK_EQ("up", 0, nltest_up(&nl, dev, true));
	ndm.ndm_ifindex = (int)dev;
	inet_pton(AF_INET, "10.0.0.77", &in);
	nltest_begin(&nl, RTM_NEWNEIGH, CREATE, &ndm, sizeof(ndm));
	nltest_attr(&nl, NDA_DST, &in, sizeof(in));
	nltest_attr(&nl, NDA_LLADDR, mac, sizeof(mac));
	CHECK_EQ("add", 0, nltest_talk(&nl));
	CHECK_EQ("again", EEXIST, nltest_talk(&nl));
	ndm = (struct ndmsg){ .ndm_family = AF_INET };
	nltest_begin(&nl, RTM_GETNEIGH, NLM_F_DUMP, &ndm, sizeof(ndm));
	CHECK_EQ("dump", 0, nltest_talk(&nl));
	CHECK_EQ("one", 1, nl.t_nmsgs);
	NEED(nltest_msg(&nl, 0) != NULL);
	rta = nltest_find(nltest_msg(&nl, 0), sizeof(ndm), NDA_LLADDR);
	NEED(rta != NULL);
	CHECK_MEM("mac", mac, RTA_DATA(rta), sizeof(mac));
	ndm.ndm_ifindex = (int)dev;
	nltest_begin(&nl, RTM_DELNEIGH, 0, &ndm, sizeof(ndm));
	nltest_attr(&nl, NDA_DST, &in, sizeof(in));
	CHECK_EQ("delete", 0, nltest_talk(&nl));
	nltest_begin(&nl, RTM_DELNEIGH, 0, &ndm, sizeof(ndm));
	CHECK_EQ("no address", EINVAL, nltest_talk(&nl));
	CHECK_EQ("end", 0, rump_pub_netconfig_ifdestroy("wire0"));
	nltest_close(&nl);
}

TEST_WITH(rules_are_listed_by_preference, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	static const uint32_t prefs[] = { 0xdead, 100, 32766, 32767 };
	struct fib_rule_hdr frh = { .family = AF_INET, .action = FR_ACT_TO_TBL, .table = 50,
	    .src_len = 24 };
	struct in_addr in;

	nltest_open(&nl, NETLINK_ROUTE);
	inet_pton(AF_INET, "10.9.8.0", &in);
	nltest_begin(&nl, RTM_NEWRULE, CREATE, &frh, sizeof(frh));
	nltest_attr(&nl, FRA_SRC, &in, sizeof(in));
	nltest_attr32(&nl, FRA_PRIORITY, 100);
	CHECK_EQ("add", 0, nltest_talk(&nl));
	CHECK_EQ("again", EEXIST, nltest_talk(&nl));
	frh = (struct fib_rule_hdr){ .family = AF_INET };
	nltest_begin(&nl, RTM_GETRULE, NLM_F_DUMP, &frh, sizeof(frh));
	CHECK_EQ("dump", 0, nltest_talk(&nl));
	CHECK_EQ("number", ARRAY_SIZE(prefs), nl.t_nmsgs);
	for (size_t i = 0; i < ARRAY_SIZE(prefs) && nltest_msg(&nl, i) != NULL; i++)
		CHECK_EQ("preference", prefs[i], nltest_u32(nltest_find(nltest_msg(&nl, i),
		    sizeof(frh), FRA_PRIORITY)));
	nltest_begin(&nl, RTM_DELRULE, 0, &frh, sizeof(frh));
	nltest_attr32(&nl, FRA_PRIORITY, 100);
	CHECK_EQ("delete", 0, nltest_talk(&nl));
	CHECK_EQ("gone", ENOENT, nltest_talk(&nl));
	nltest_close(&nl);
}

/* The next notification of that type; false: there was none. */
static bool
next_notice(struct nltest *t, uint16_t type)
{
	struct nlmsghdr *nh = (void *)t->t_ans;

	t->t_got = 0;
	while (nltest_read(t, MSG_DONTWAIT) > 0) {
		if (nh->nlmsg_type == type)
			return true;
	}
	return false;
}

TEST_WITH(groups_hear_of_changes_in_their_order, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE };
	struct nlmsghdr *nh = (void *)other.t_ans;
	struct ifaddrmsg ifa;
	uint32_t dev;

	nltest_open(&nl, NETLINK_ROUTE);
	nltest_open(&other, NETLINK_ROUTE);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		nltest_option(&other, NETLINK_ADD_MEMBERSHIP, groups[i]);
	dev = make_link("wire0");
	CHECK_EQ("up", 0, nltest_up(&nl, dev, true));
	CHECK_EQ("address", 0, nltest_addr4(&nl, dev, "10.0.0.1", 24, CREATE));
	CHECK(next_notice(&other, RTM_NEWLINK));
	CHECK(next_notice(&other, RTM_NEWADDR));
	CHECK_EQ("who did it", nl.t_seq, nh->nlmsg_seq);
	memcpy(&ifa, NLMSG_DATA(nh), sizeof(ifa));
	CHECK_EQ("where", dev, ifa.ifa_index);
	CHECK(next_notice(&other, RTM_NEWROUTE));
	nltest_option(&other, NETLINK_DROP_MEMBERSHIP, RTNLGRP_IPV4_IFADDR);
	CHECK_EQ("delete", 0, nltest_addr4(&nl, dev, "10.0.0.1", 24, 0));
	CHECK(!next_notice(&other, RTM_DELADDR));
	CHECK_EQ("end", 0, rump_pub_netconfig_ifdestroy("wire0"));
	nltest_close(&nl);
	nltest_close(&other);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rttwin.c - requests of rtnetlink(7) for twin tests
 */

#include "rttwin.h"

#include <arpa/inet.h>
#include <harness.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <string.h>
#include <sys/socket.h>

void
link_begin(struct nltwin *w, uint16_t type, uint16_t flags, uint32_t index)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index };

	nltest_begin(&w->w_nl, type, flags, &ifi, sizeof(ifi));
}

void
address(struct nltwin *w, uint16_t type, const char *text)
{
	uint8_t a[16];
	int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

	NEED(inet_pton(family, text, a) == 1);
	nltest_attr(&w->w_nl, type, a, family == AF_INET6 ? 16 : 4);
}

int
family_of(const char *text)
{
	return strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
}

void
addr_begin(struct nltwin *w, uint16_t type, uint16_t flags, const char *a, uint8_t plen,
    uint32_t index)
{
	struct ifaddrmsg ifa = { .ifa_family = (uint8_t)family_of(a), .ifa_prefixlen = plen,
	    .ifa_index = index };

	nltest_begin(&w->w_nl, type, flags, &ifa, sizeof(ifa));
	address(w, IFA_LOCAL, a);
}

int
addr_do(struct nltwin *w, uint16_t type, uint16_t flags, const char *a, uint8_t plen,
    uint32_t index)
{
	addr_begin(w, type, flags, a, plen, index);
	address(w, IFA_ADDRESS, a);
	return nltwin_talk(w, a);
}

int
addr_add(struct nltwin *w, const char *a, uint8_t plen, uint32_t index)
{
	addr_begin(w, RTM_NEWADDR, ADD, a, plen, index);
	address(w, IFA_ADDRESS, a);
	nltest_attr32(&w->w_nl, IFA_FLAGS, family_of(a) == AF_INET6 ? IFA_F_NODAD : 0);
	return nltwin_talk(w, a);
}

void
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

int
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

void
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

void
dump_state(struct nltwin *w)
{
	dump_all(w, RTM_GETADDR, AF_INET);
	dump_all(w, RTM_GETADDR, AF_INET6);
	dump_all(w, RTM_GETROUTE, AF_INET);
	dump_all(w, RTM_GETROUTE, AF_INET6);
	dump_all(w, RTM_GETRULE, AF_INET);
	dump_all(w, RTM_GETRULE, AF_INET6);
}

void
rule_begin(struct nltwin *w, uint16_t type, uint16_t flags, int family, uint8_t action,
    uint8_t table, uint32_t pref)
{
	struct fib_rule_hdr frh = { .family = (uint8_t)family, .table = table, .action = action };

	nltest_begin(&w->w_nl, type, flags, &frh, sizeof(frh));
	if (pref != 0)
		nltest_attr32(&w->w_nl, FRA_PRIORITY, pref);
}

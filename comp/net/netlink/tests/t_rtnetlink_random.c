/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_rtnetlink_random.c - rows of requests by chance, to our kernel and to the host's
 *
 * A seed makes a row of changes to addresses, routes, rules and neighbours out of a small
 * stock of values, so that they meet.  Errnos and notices must be the same all along, and
 * the tables at the end.
 */

#include <arpa/inet.h>
#include <harness.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "nltwin.h"

#define STEPS	150

static uint64_t state;

static unsigned int
pick(unsigned int n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(state >> 33) % n;
}

static uint32_t
some_link(const struct nltwin *w)
{
	return pick(8) == 0 ? 4711 : pick(2) == 0 ? w->w_v0 : w->w_v1;
}

static uint16_t
some_flags(void)
{
	static const uint16_t flags[] = { NLM_F_CREATE | NLM_F_EXCL, NLM_F_CREATE,
		NLM_F_CREATE | NLM_F_REPLACE, NLM_F_CREATE | NLM_F_APPEND, NLM_F_REPLACE, 0 };

	return flags[pick(sizeof(flags) / sizeof(flags[0]))];
}

/* A few nets, a few hosts in each. */
static void
net4(uint8_t *a, unsigned int host)
{
	a[0] = 10;
	a[1] = (uint8_t)(1 + pick(3));
	a[2] = 0;
	a[3] = (uint8_t)host;
}

static void
change_addr(struct nltwin *w)
{
	struct ifaddrmsg ifa = { .ifa_family = AF_INET,
	    .ifa_prefixlen = (uint8_t)(pick(3) == 0 ? 16 : 24), .ifa_index = some_link(w) };
	bool add = pick(3) != 0;
	uint8_t a[4];

	net4(a, 1 + pick(3));
	nltest_begin(&w->w_nl, add ? RTM_NEWADDR : RTM_DELADDR, add ? some_flags() : 0, &ifa,
	    sizeof(ifa));
	nltest_attr(&w->w_nl, IFA_LOCAL, a, 4);
	nltest_attr(&w->w_nl, IFA_ADDRESS, a, 4);
	nltwin_talk(w, add ? "new address" : "delete address");
}

static void
change_route(struct nltwin *w)
{
	static const uint8_t types[] = { RTN_UNICAST, RTN_UNICAST, RTN_UNICAST, RTN_UNICAST,
		RTN_BLACKHOLE, RTN_UNREACHABLE };
	bool add = pick(3) != 0, via = pick(2) == 0;
	struct rtmsg rtm = { .rtm_family = AF_INET, .rtm_dst_len = 24,
	    .rtm_table = pick(4) == 0 ? 77 : RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC };
	uint8_t dst[4] = { 10, (uint8_t)(50 + pick(3)), 0, 0 }, gw[4];

	rtm.rtm_type = types[pick(sizeof(types))];
	rtm.rtm_scope = rtm.rtm_type == RTN_UNICAST && !via ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	if (!add) {
		rtm.rtm_scope = RT_SCOPE_NOWHERE;
		rtm.rtm_type = pick(3) == 0 ? RTN_UNICAST : 0;
		rtm.rtm_protocol = 0;
	}
	nltest_begin(&w->w_nl, add ? RTM_NEWROUTE : RTM_DELROUTE, add ? some_flags() : 0, &rtm,
	    sizeof(rtm));
	nltest_attr(&w->w_nl, RTA_DST, dst, 4);
	net4(gw, 9 + pick(2));
	if (rtm.rtm_type == RTN_UNICAST && via)
		nltest_attr(&w->w_nl, RTA_GATEWAY, gw, 4);
	if (rtm.rtm_type == RTN_UNICAST && (!via || pick(3) == 0))
		nltest_attr32(&w->w_nl, RTA_OIF, some_link(w));
	if (pick(2) == 0)
		nltest_attr32(&w->w_nl, RTA_PRIORITY, 1 + pick(3));
	nltwin_talk(w, add ? "new route" : "delete route");
}

static void
change_rule(struct nltwin *w)
{
	bool add = pick(2) == 0;
	struct fib_rule_hdr frh = { .family = AF_INET, .action = FR_ACT_TO_TBL,
	    .table = (uint8_t)(100 + pick(2)) };
	uint8_t src[4];

	if (pick(2) == 0)
		frh.src_len = 24;
	nltest_begin(&w->w_nl, add ? RTM_NEWRULE : RTM_DELRULE, add ? NLM_F_CREATE | NLM_F_EXCL : 0,
	    &frh, sizeof(frh));
	nltest_attr32(&w->w_nl, FRA_PRIORITY, 100 + pick(3));
	net4(src, 0);
	if (frh.src_len != 0)
		nltest_attr(&w->w_nl, FRA_SRC, src, 4);
	if (pick(3) == 0)
		nltest_attr32(&w->w_nl, FRA_FWMARK, 1 + pick(2));
	nltwin_talk(w, add ? "new rule" : "delete rule");
}

static void
change_neigh(struct nltwin *w)
{
	bool add = pick(3) != 0;
	struct ndmsg ndm = { .ndm_family = AF_INET, .ndm_ifindex = (int)some_link(w),
	    .ndm_state = NUD_PERMANENT };
	uint8_t dst[4], lladdr[6] = { 2, 0, 0, 0, 0, (uint8_t)pick(3) };

	net4(dst, 100 + pick(3));
	nltest_begin(&w->w_nl, add ? RTM_NEWNEIGH : RTM_DELNEIGH, add ? some_flags() : 0, &ndm,
	    sizeof(ndm));
	nltest_attr(&w->w_nl, NDA_DST, dst, 4);
	if (add)
		nltest_attr(&w->w_nl, NDA_LLADDR, lladdr, 6);
	nltwin_talk(w, add ? "new neighbour" : "delete neighbour");
}

static void
dump(struct nltwin *w, uint16_t type)
{
	struct rtmsg rtm = { .rtm_family = AF_INET };

	nltest_begin(&w->w_nl, type, NLM_F_DUMP, &rtm,
	    type == RTM_GETADDR ? sizeof(struct ifaddrmsg) : sizeof(rtm));
	nltwin_dump(w, "dump");
}

static void	rows_of_changes(struct twin *);

TEST_WITH(rows_of_changes_do_the_same, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS, .ht_seeds = 12)
{
	twin_run(rows_of_changes);
}

static void
rows_of_changes(struct twin *tw)
{
	struct nltwin *w = nltwin_open(tw);

	state = harness_seed();
	w->w_sorted = true;
	nltwin_join(w, RTNLGRP_IPV4_IFADDR);
	nltwin_join(w, RTNLGRP_IPV4_ROUTE);
	nltwin_join(w, RTNLGRP_IPV4_RULE);
	for (unsigned int i = 0; i < STEPS; i++) {
		switch (pick(6)) {
		case 0:
		case 1:
			change_addr(w);
			break;
		case 2:
		case 3:
			change_route(w);
			break;
		case 4:
			change_rule(w);
			break;
		default:
			change_neigh(w);
			break;
		}
	}
	dump(w, RTM_GETADDR);
	dump(w, RTM_GETROUTE);
	dump(w, RTM_GETRULE);
	dump(w, RTM_GETNEIGH);
	nltwin_close(w);
}

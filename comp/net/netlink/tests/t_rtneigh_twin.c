/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_rtneigh_twin.c - requests about neighbours and rules, as t_rtnetlink_twin.c does
 * about links
 *
 * What is compared is said there.  Known to differ, and left out: rules that go to others or
 * select by port, protocol or user; Linux tells of a neighbour that goes first that it
 * failed.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <harness.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "rttwin.h"

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

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_show_neigh.c - rumpus ip: neighbours and rules
 */

#include <stdlib.h>
#include <string.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>

#include "ip_impl.h"

/* --- neighbours -------------------------------------------------------------------------------- */

static const char *
state_word(unsigned int state)
{
	static const struct { unsigned int state; const char *word; } words[] = {
		{ NUD_INCOMPLETE, "INCOMPLETE" }, { NUD_REACHABLE, "REACHABLE" },
		{ NUD_STALE, "STALE" }, { NUD_DELAY, "DELAY" }, { NUD_PROBE, "PROBE" },
		{ NUD_FAILED, "FAILED" }, { NUD_NOARP, "NOARP" }, { NUD_PERMANENT, "PERMANENT" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].state == state)
			return words[i].word;
	}
	return "NONE";
}

void
ip_neigh_message(const struct nlmsghdr *nh, void *arg)
{
	struct rtattr *tb[NDA_MAX + 1];
	const struct show *s = arg;
	char dst[64] = "", mac[100] = "";
	struct ndmsg ndm;
	json_t *o;

	memcpy(&ndm, NLMSG_DATA(nh), sizeof(ndm));
	nlc_attrs(nh, sizeof(ndm), tb, NDA_MAX + 1);
	if ((s->s_index != 0 && s->s_index != (uint32_t)ndm.ndm_ifindex) ||
	    tb[NDA_DST] == NULL || (ndm.ndm_state & NUD_NOARP) != 0)
		return;
	ip_addr_text(ndm.ndm_family, tb[NDA_DST], dst, sizeof(dst));
	if (tb[NDA_LLADDR] != NULL)
		ip_lladdr_text(tb[NDA_LLADDR], mac, sizeof(mac));
	if (want_json) {
		o = json_object();
		json_set_text(o, "dst", dst);
		json_set_text(o, "dev", nlc_ifname((uint32_t)ndm.ndm_ifindex));
		if (mac[0] != '\0')
			json_set_text(o, "lladdr", mac);
		json_set_text(o, "state", state_word(ndm.ndm_state));
		json_object_set_new(o, "router", json_boolean((ndm.ndm_flags & NTF_ROUTER) != 0));
		ip_print_json(o);
		return;
	}
	ip_print_deleted();
	printf("%s dev %s", dst, nlc_ifname((uint32_t)ndm.ndm_ifindex));
	if (mac[0] != '\0')
		printf(" lladdr %s", mac);
	printf("%s %s\n", (ndm.ndm_flags & NTF_ROUTER) != 0 ? " router" : "",
	    state_word(ndm.ndm_state));
}

int
ipshow_neigh(int argc, char **argv)
{
	struct ndmsg ndm = { .ndm_family = (uint8_t)ipctx.x_family };
	struct show s;
	int code = ip_show_words(argc, argv, &s);

	if (code != EX_DONE)
		return code;
	return ip_dump_shown(RTM_GETNEIGH, &ndm, sizeof(ndm), ip_neigh_message, &s);
}

/* --- rules ------------------------------------------------------------------------------------------ */

static const char *
action_word(unsigned int action)
{
	switch (action) {
	case FR_ACT_BLACKHOLE:
		return "blackhole";
	case FR_ACT_UNREACHABLE:
		return "unreachable";
	case FR_ACT_PROHIBIT:
		return "prohibit";
	default:
		return "lookup";
	}
}

static void
prefix_text(int family, const struct rtattr *rta, unsigned int plen, char *buf, size_t size)
{
	size_t n;

	if (rta == NULL) {
		(void)snprintf(buf, size, "all");
		return;
	}
	ip_addr_text(family, rta, buf, size);
	n = strlen(buf);
	if (plen != (family == AF_INET ? 32 : 128))
		(void)snprintf(buf + n, size - n, "/%u", plen);
}

static void
rule_json(const struct fib_rule_hdr *frh, struct rtattr **tb, const char *src, const char *dst,
    uint32_t table)
{
	json_t *o = json_object();

	json_set_number(o, "priority", nlc_u32(tb[FRA_PRIORITY]));
	json_set_text(o, "src", src);
	json_set_text(o, "dst", dst);
	if (tb[FRA_FWMARK] != NULL)
		json_set_number(o, "fwmark", nlc_u32(tb[FRA_FWMARK]));
	if (tb[FRA_IIFNAME] != NULL)
		json_set_text(o, "iif", RTA_DATA(tb[FRA_IIFNAME]));
	if (tb[FRA_OIFNAME] != NULL)
		json_set_text(o, "oif", RTA_DATA(tb[FRA_OIFNAME]));
	json_set_text(o, "action", action_word(frh->action));
	if (frh->action == FR_ACT_TO_TBL)
		json_set_text(o, "table", ip_table_name(table));
	ip_print_json(o);
}

void
ip_rule_message(const struct nlmsghdr *nh, void *arg)
{
	struct rtattr *tb[FRA_MAX + 1];
	struct fib_rule_hdr frh;
	char src[80], dst[80];
	uint32_t table;

	memcpy(&frh, NLMSG_DATA(nh), sizeof(frh));
	nlc_attrs(nh, sizeof(frh), tb, FRA_MAX + 1);
	table = tb[FRA_TABLE] != NULL ? nlc_u32(tb[FRA_TABLE]) : frh.table;
	prefix_text(frh.family, tb[FRA_SRC], frh.src_len, src, sizeof(src));
	prefix_text(frh.family, tb[FRA_DST], frh.dst_len, dst, sizeof(dst));
	if (want_json) {
		rule_json(&frh, tb, src, dst, table);
		return;
	}
	ip_print_deleted();
	printf("%u:\t%sfrom %s", nlc_u32(tb[FRA_PRIORITY]),
	    (frh.flags & FIB_RULE_INVERT) != 0 ? "not " : "", src);
	if (tb[FRA_DST] != NULL)
		printf(" to %s", dst);
	if (tb[FRA_FWMARK] != NULL)
		printf(" fwmark 0x%x/0x%x", nlc_u32(tb[FRA_FWMARK]), nlc_u32(tb[FRA_FWMASK]));
	if (tb[FRA_IIFNAME] != NULL)
		printf(" iif %s", (const char *)RTA_DATA(tb[FRA_IIFNAME]));
	if (tb[FRA_OIFNAME] != NULL)
		printf(" oif %s", (const char *)RTA_DATA(tb[FRA_OIFNAME]));
	printf(" %s", action_word(frh.action));
	if (frh.action == FR_ACT_TO_TBL)
		printf(" %s", ip_table_name(table));
	putchar('\n');
}

int
ipshow_rule(int argc, char **argv)
{
	struct fib_rule_hdr frh = { .family = (uint8_t)ip_family() };
	struct show s;
	int code = ip_show_words(argc, argv, &s);

	if (code != EX_DONE)
		return code;
	return ip_dump_shown(RTM_GETRULE, &frh, sizeof(frh), ip_rule_message, &s);
}

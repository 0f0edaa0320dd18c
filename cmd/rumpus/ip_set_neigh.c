/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_set_neigh.c - rumpus ip: changes of neighbours and rules
 */

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <rump/rump.h>

#include "ip_impl.h"

/* --- neighbours ---------------------------------------------------------------------------- */

static int
state_number(const char *text)
{
	static const struct { const char *word; int state; } words[] = {
		{ "permanent", NUD_PERMANENT }, { "reachable", NUD_REACHABLE },
		{ "stale", NUD_STALE }, { "noarp", NUD_NOARP }, { "failed", NUD_FAILED },
		{ "delay", NUD_DELAY }, { "probe", NUD_PROBE },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i].word) == 0)
			return words[i].state;
	}
	return -1;
}

int
ipset_neigh(int argc, char **argv)
{
	struct ndmsg ndm = { .ndm_state = NUD_PERMANENT };
	struct netaddr dst = { 0 };
	const char *value, *word;
	uint16_t type, flags;
	uint32_t index = 0;
	bool hasmac = false;
	int code = EX_DONE, state;
	struct nlc *c;
	uint8_t mac[6];

	for (int i = 1; i < argc; i++) {
		word = argv[i];
		if (strchr(word, '.') != NULL || strchr(word, ':') != NULL) {
			if (!ip_address(word, false, ipctx.x_family, &dst))
				return EX_USE;
			continue;
		}
		value = ip_value(argc, argv, &i);
		if (value == NULL)
			return EX_USE;
		if (strcmp(word, "dev") == 0) {
			code = ip_device(value, &index);
			if (code != EX_DONE)
				return code;
		} else if (strcmp(word, "lladdr") == 0 && ip_mac_parse(value, mac)) {
			hasmac = true;
		} else if (strcmp(word, "nud") == 0 && (state = state_number(value)) >= 0) {
			ndm.ndm_state = (uint16_t)state;
		} else {
			return usage_error("ip neighbour: '%s %s'?", word, value);
		}
	}
	if (dst.na_family == 0 || index == 0)
		return usage_error("ip neighbour %s: an address and a dev", argv[0]);
	c = ip_client_open(&code);
	if (c == NULL)
		return code;
	ip_verb_flags(argv[0], RTM_NEWNEIGH, &type, &flags);
	ndm.ndm_family = (uint8_t)dst.na_family;
	ndm.ndm_ifindex = (int)index;
	nlc_begin(c, type, flags, &ndm, sizeof(ndm));
	nlc_attr(c, NDA_DST, dst.na_addr.bytes, ip_addr_len(dst.na_family));
	if (hasmac)
		nlc_attr(c, NDA_LLADDR, mac, sizeof(mac));
	return ip_client_finish(c, "neighbour", argv[0]);
}

/* --- rules ------------------------------------------------------------------------------------ */

struct rulewords {
	struct fib_rule_hdr w_frh;
	struct netaddr	 w_from, w_to;
	unsigned long	 w_pref, w_mark, w_mask;
	uint32_t	 w_table;
	const char	*w_iif, *w_oif;
	bool		 w_hasmark;
};

static int
rule_value(struct rulewords *w, const char *word, const char *value)
{
	char *end;

	if (strcmp(word, "from") == 0 || strcmp(word, "to") == 0) {
		if (strcmp(value, "all") == 0)
			return EX_DONE;
		return ip_address(value, true, ipctx.x_family,
		    word[0] == 'f' ? &w->w_from : &w->w_to) ? EX_DONE : EX_USE;
	}
	if (strcmp(word, "pref") == 0 || strcmp(word, "priority") == 0)
		return net_number(value, ~0u, &w->w_pref) ? EX_DONE : ip_wrong_words("rule", value);
	if (strcmp(word, "table") == 0 || strcmp(word, "lookup") == 0)
		return ip_table(value, &w->w_table);
	if (strcmp(word, "fwmark") == 0) {
		w->w_hasmark = true;
		w->w_mark = strtoul(value, &end, 0);
		w->w_mask = *end == '/' ? strtoul(end + 1, &end, 0) : 0xffffffffu;
		return *end == '\0' ? EX_DONE : ip_wrong_words("rule", value);
	}
	if (strcmp(word, "iif") == 0 || strcmp(word, "oif") == 0) {
		*(word[0] == 'i' ? &w->w_iif : &w->w_oif) = value;
		return strlen(value) < IFNAMSIZ ? EX_DONE : ip_wrong_words("rule", value);
	}
	return usage_error("ip rule: '%s %s'?", word, value);
}

static int
rule_words(int argc, char **argv, struct rulewords *w)
{
	static const struct { const char *word; uint8_t action; } actions[] = {
		{ "blackhole", FR_ACT_BLACKHOLE }, { "unreachable", FR_ACT_UNREACHABLE },
		{ "prohibit", FR_ACT_PROHIBIT },
	};
	const char *value;
	int code = EX_DONE;

	memset(w, 0, sizeof(*w));
	w->w_frh.action = FR_ACT_TO_TBL;
	for (int i = 1; i < argc && code == EX_DONE; i++) {
		const char *word = argv[i];
		bool known = strcmp(word, "not") == 0;

		if (known)
			w->w_frh.flags |= FIB_RULE_INVERT;
		for (size_t a = 0; a < sizeof(actions) / sizeof(actions[0]); a++) {
			if (strcmp(word, actions[a].word) == 0) {
				w->w_frh.action = actions[a].action;
				known = true;
			}
		}
		if (known)
			continue;
		value = ip_value(argc, argv, &i);
		code = value == NULL ? EX_USE : rule_value(w, word, value);
	}
	return code;
}

int
ipset_rule(int argc, char **argv)
{
	struct rulewords w;
	uint16_t type, flags;
	struct nlc *c;
	int code = rule_words(argc, argv, &w);

	if (code != EX_DONE)
		return code;
	c = ip_client_open(&code);
	if (c == NULL)
		return code;
	ip_verb_flags(argv[0], RTM_NEWRULE, &type, &flags);
	w.w_frh.family = (uint8_t)(w.w_from.na_family != 0 ? w.w_from.na_family :
	    w.w_to.na_family != 0 ? w.w_to.na_family : ip_family());
	w.w_frh.src_len = w.w_from.na_family != 0 ? (uint8_t)w.w_from.na_plen : 0;
	w.w_frh.dst_len = w.w_to.na_family != 0 ? (uint8_t)w.w_to.na_plen : 0;
	if (type == RTM_NEWRULE && w.w_table == 0 && w.w_frh.action == FR_ACT_TO_TBL)
		w.w_table = RT_TABLE_MAIN;
	if (type == RTM_DELRULE && w.w_table == 0 && w.w_frh.action == FR_ACT_TO_TBL)
		w.w_frh.action = FR_ACT_UNSPEC;
	w.w_frh.table = w.w_table < 256 ? (uint8_t)w.w_table : RT_TABLE_COMPAT;
	nlc_begin(c, type, flags, &w.w_frh, sizeof(w.w_frh));
	if (w.w_from.na_family != 0)
		nlc_attr(c, FRA_SRC, w.w_from.na_addr.bytes, ip_addr_len(w.w_frh.family));
	if (w.w_to.na_family != 0)
		nlc_attr(c, FRA_DST, w.w_to.na_addr.bytes, ip_addr_len(w.w_frh.family));
	if (w.w_pref != 0)
		nlc_attr32(c, FRA_PRIORITY, (uint32_t)w.w_pref);
	if (w.w_table != 0)
		nlc_attr32(c, FRA_TABLE, w.w_table);
	if (w.w_hasmark) {
		nlc_attr32(c, FRA_FWMARK, (uint32_t)w.w_mark);
		nlc_attr32(c, FRA_FWMASK, (uint32_t)w.w_mask);
	}
	if (w.w_iif != NULL)
		nlc_attrtext(c, FRA_IIFNAME, w.w_iif);
	if (w.w_oif != NULL)
		nlc_attrtext(c, FRA_OIFNAME, w.w_oif);
	return ip_client_finish(c, "rule", argv[0]);
}

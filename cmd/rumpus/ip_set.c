/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_set.c - rumpus ip: changes
 *
 * Each words-to-message function goes through its words once; argv[0] is the verb,
 * which decides message type and flags.
 */

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <rump/netconfig.h>
#include <rump/rump.h>

#include "net_impl.h"

#define NEW_FLAGS	(NLM_F_CREATE | NLM_F_EXCL)

/* "add", "replace", "append", "delete" to type and flags. */
static void
verb_flags(const char *verb, uint16_t newtype, uint16_t *ret_type, uint16_t *ret_flags)
{
	*ret_type = newtype;
	*ret_flags = NEW_FLAGS;
	if (strcmp(verb, "replace") == 0)
		*ret_flags = NLM_F_CREATE | NLM_F_REPLACE;
	else if (strcmp(verb, "append") == 0)
		*ret_flags = NLM_F_CREATE | NLM_F_APPEND;
	else if (strcmp(verb, "delete") == 0) {
		*ret_type = (uint16_t)(newtype + 1);	/* rtnetlink.h: NEW, DEL, GET, SET */
		*ret_flags = 0;
	}
}

static struct nlc *
client_open(int *ret_code)
{
	struct nlc *c = malloc(sizeof(*c));
	int error = c != NULL ? nlc_open(c, NETLINK_ROUTE) : ENOMEM;

	if (error == 0)
		return c;
	free(c);
	*ret_code = complain("netlink", "open a socket", error);
	return NULL;
}

static int
client_finish(struct nlc *c, const char *what, const char *verb)
{
	int error = nlc_talk(c, NULL, NULL), code = EX_DONE;

	if (error)
		code = nlc_fail(c, what, verb, error);
	nlc_close(c);
	free(c);
	return code;
}

static void
client_abandon(struct nlc *c)
{
	nlc_close(c);
	free(c);
}

static int
wrong_words(const char *object, const char *word)
{
	return usage_error("ip %s: '%s'?", object, word);
}

static size_t
addr_len(int family)
{
	return family == AF_INET ? 4 : 16;
}

/* --- links --------------------------------------------------------------------------- */

static bool
mac_parse(const char *text, uint8_t mac[6])
{
	unsigned int v[6];
	char rest;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5],
	    &rest) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)v[i];
	return true;
}

/* Words of "set" behind the name: flags and attributes. */
static int
link_word(struct nlc *c, struct ifinfomsg *ifi, int argc, char **argv, int *i)
{
	static const struct { const char *word; unsigned int flag; } toggles[] = {
		{ "promisc", IFF_PROMISC }, { "allmulticast", IFF_ALLMULTI },
		{ "multicast", IFF_MULTICAST }, { "arp", IFF_NOARP },
	};
	const char *word = argv[*i], *value;
	unsigned long n;
	uint8_t mac[6];
	bool on;

	if (strcmp(word, "up") == 0 || strcmp(word, "down") == 0) {
		ifi->ifi_change |= IFF_UP;
		ifi->ifi_flags = strcmp(word, "up") == 0 ? ifi->ifi_flags | IFF_UP :
		    ifi->ifi_flags & ~(unsigned int)IFF_UP;
		return EX_DONE;
	}
	value = ip_value(argc, argv, i);
	if (value == NULL)
		return EX_USE;
	for (size_t t = 0; t < sizeof(toggles) / sizeof(toggles[0]); t++) {
		if (strcmp(word, toggles[t].word) != 0)
			continue;
		on = strcmp(value, "on") == 0;
		if (!on && strcmp(value, "off") != 0)
			return usage_error("%s: on or off, not '%s'", word, value);
		/* The flag says the contrary of its word. */
		if (toggles[t].flag == IFF_NOARP)
			on = !on;
		ifi->ifi_change |= toggles[t].flag;
		ifi->ifi_flags |= on ? toggles[t].flag : 0;
		return EX_DONE;
	}
	if (strcmp(word, "mtu") == 0 && net_number(value, 65535, &n))
		nlc_attr32(c, IFLA_MTU, (uint32_t)n);
	else if ((strcmp(word, "txqueuelen") == 0 || strcmp(word, "qlen") == 0) &&
	    net_number(value, 0x7fffffff, &n))
		nlc_attr32(c, IFLA_TXQLEN, (uint32_t)n);
	else if (strcmp(word, "name") == 0 && strlen(value) < IFNAMSIZ)
		nlc_attrtext(c, IFLA_IFNAME, value);
	else if (strcmp(word, "address") == 0 && mac_parse(value, mac))
		nlc_attr(c, IFLA_ADDRESS, mac, sizeof(mac));
	else
		return usage_error("ip link: '%s %s'?", word, value);
	return EX_DONE;
}

/* "add [name] NAME type KIND [peer NAME] [link STRING]". */
static int
link_add(int argc, char **argv)
{
	const char *name = NULL, *kind = NULL, *peer = NULL, *link = NULL, *value;
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	size_t info, data, nest;
	int code, error;
	struct nlc *c;

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (strcmp(word, "type") != 0 && strcmp(word, "peer") != 0 &&
		    strcmp(word, "link") != 0 && strcmp(word, "name") != 0 && name == NULL) {
			name = word;
			continue;
		}
		value = ip_value(argc, argv, &i);
		if (value == NULL)
			return EX_USE;
		*(strcmp(word, "type") == 0 ? &kind : strcmp(word, "peer") == 0 ? &peer :
		    strcmp(word, "link") == 0 ? &link : &name) = value;
	}
	if (name == NULL || kind == NULL)
		return usage_error("ip link add: a name and a type");
	c = client_open(&code);
	if (c == NULL)
		return code;
	nlc_begin(c, RTM_NEWLINK, NEW_FLAGS, &ifi, sizeof(ifi));
	nlc_attrtext(c, IFLA_IFNAME, name);
	info = nlc_nest(c, IFLA_LINKINFO);
	nlc_attrtext(c, IFLA_INFO_KIND, kind);
	if (peer != NULL) {
		data = nlc_nest(c, IFLA_INFO_DATA);
		nest = c->c_len;
		/* VETH_INFO_PEER: a header of its own, then attributes. */
		nlc_attr(c, 1, &ifi, sizeof(ifi));
		nlc_attrtext(c, IFLA_IFNAME, peer);
		nlc_nest_end(c, nest);
		nlc_nest_end(c, data);
	}
	nlc_nest_end(c, info);
	code = client_finish(c, name, "add");
	if (code == EX_DONE && link != NULL) {
		error = rump_pub_netconfig_ifsetlinkstr(name, link);
		if (error)
			code = complain(name, "connect", error);
	}
	return code;
}

int
ipset_link(int argc, char **argv)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	const char *verb = argv[0], *name;
	struct nlc *c;
	uint32_t index;
	int i = 1, code;

	if (strcmp(verb, "add") == 0)
		return link_add(argc, argv);
	if (argc > 2 && strcmp(argv[1], "dev") == 0)
		i = 2;
	if (i >= argc)
		return usage_error("ip link %s: which interface?", verb);
	name = argv[i];
	code = ip_device(name, &index);
	if (code != EX_DONE)
		return code;
	c = client_open(&code);
	if (c == NULL)
		return code;
	ifi.ifi_index = (int)index;
	nlc_begin(c, strcmp(verb, "delete") == 0 ? RTM_DELLINK : RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	for (i++; i < argc && code == EX_DONE; i++)
		code = strcmp(verb, "delete") == 0 ? wrong_words("link", argv[i]) :
		    link_word(c, &ifi, argc, argv, &i);
	if (code != EX_DONE) {
		client_abandon(c);
		return code;
	}
	memcpy(NLMSG_DATA((struct nlmsghdr *)(void *)c->c_req), &ifi, sizeof(ifi));
	return client_finish(c, name, verb);
}

/* --- addresses --------------------------------------------------------------------------- */

struct addrwords {
	struct netaddr	 w_addr, w_peer, w_brd;
	uint32_t	 w_index, w_flags;
	int		 w_scope;
	const char	*w_label;
	struct ifa_cacheinfo w_life;
	bool		 w_limited, w_autobrd;
};

static bool
lifetime(const char *text, uint32_t *ret_seconds)
{
	unsigned long n;

	if (strcmp(text, "forever") == 0)
		n = 0xffffffffu;
	else if (!net_number(text, 0xffffffffu, &n))
		return false;
	*ret_seconds = (uint32_t)n;
	return true;
}

static int
addr_word(struct addrwords *w, int argc, char **argv, int *i)
{
	const char *word = argv[*i], *value;
	bool good = true;

	if (strcmp(word, "nodad") == 0) {
		w->w_flags |= IFA_F_NODAD;
		return EX_DONE;
	}
	if (strcmp(word, "noprefixroute") == 0) {
		w->w_flags |= IFA_F_NOPREFIXROUTE;
		return EX_DONE;
	}
	if (strchr(word, '.') != NULL || strchr(word, ':') != NULL)
		return ip_address(word, true, ipctx.x_family, &w->w_addr) ? EX_DONE : EX_USE;
	value = ip_value(argc, argv, i);
	if (value == NULL)
		return EX_USE;
	if (strcmp(word, "dev") == 0)
		return ip_device(value, &w->w_index);
	if (strcmp(word, "local") == 0)
		return ip_address(value, true, ipctx.x_family, &w->w_addr) ? EX_DONE : EX_USE;
	if (strcmp(word, "peer") == 0)
		return ip_address(value, true, ipctx.x_family, &w->w_peer) ? EX_DONE : EX_USE;
	if (strcmp(word, "brd") == 0 || strcmp(word, "broadcast") == 0) {
		w->w_autobrd = strcmp(value, "+") == 0;
		good = w->w_autobrd || ip_address(value, false, AF_INET, &w->w_brd);
	} else if (strcmp(word, "scope") == 0) {
		w->w_scope = ip_scope(value);
		good = w->w_scope >= 0;
	} else if (strcmp(word, "label") == 0) {
		w->w_label = value;
		good = strlen(value) < IFNAMSIZ;
	} else if (strcmp(word, "valid_lft") == 0) {
		w->w_limited = true;
		good = lifetime(value, &w->w_life.ifa_valid);
	} else if (strcmp(word, "preferred_lft") == 0) {
		w->w_limited = true;
		good = lifetime(value, &w->w_life.ifa_prefered);
	} else {
		good = false;
	}
	return good ? EX_DONE : usage_error("ip address: '%s %s'?", word, value);
}

static int
addr_scope(const struct addrwords *w)
{
	const uint8_t *b = w->w_addr.na_addr.bytes;

	if (w->w_scope >= 0)
		return w->w_scope;
	if (w->w_addr.na_family == AF_INET)
		return b[0] == 127 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
	return b[0] == 0xfe && (b[1] & 0xc0) == 0x80 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

int
ipset_addr(int argc, char **argv)
{
	struct addrwords w = { .w_scope = -1, .w_life = { ~0u, ~0u, 0, 0 } };
	struct ifaddrmsg ifa = { 0 };
	uint16_t type, flags;
	struct nlc *c;
	int code = EX_DONE;
	size_t len;

	for (int i = 1; i < argc && code == EX_DONE; i++)
		code = addr_word(&w, argc, argv, &i);
	if (code != EX_DONE)
		return code;
	if (w.w_addr.na_family == 0 || w.w_index == 0)
		return usage_error("ip address %s: an address and a dev", argv[0]);
	c = client_open(&code);
	if (c == NULL)
		return code;
	len = addr_len(w.w_addr.na_family);
	ifa.ifa_family = (uint8_t)w.w_addr.na_family;
	ifa.ifa_prefixlen = (uint8_t)(w.w_peer.na_family != 0 ? w.w_peer.na_plen : w.w_addr.na_plen);
	ifa.ifa_scope = (uint8_t)addr_scope(&w);
	ifa.ifa_index = w.w_index;
	verb_flags(argv[0], RTM_NEWADDR, &type, &flags);
	nlc_begin(c, type, flags, &ifa, sizeof(ifa));
	nlc_attr(c, IFA_LOCAL, w.w_addr.na_addr.bytes, len);
	nlc_attr(c, IFA_ADDRESS, w.w_peer.na_family != 0 ? w.w_peer.na_addr.bytes :
	    w.w_addr.na_addr.bytes, len);
	if (w.w_autobrd && len == 4 && ifa.ifa_prefixlen < 31)
		w.w_brd = (struct netaddr){ .na_family = AF_INET, .na_addr.v4.s_addr =
		    w.w_addr.na_addr.v4.s_addr | htonl(0xffffffffu >> ifa.ifa_prefixlen) };
	if (w.w_brd.na_family != 0)
		nlc_attr(c, IFA_BROADCAST, w.w_brd.na_addr.bytes, 4);
	if (w.w_label != NULL)
		nlc_attrtext(c, IFA_LABEL, w.w_label);
	if (w.w_flags != 0)
		nlc_attr32(c, IFA_FLAGS, w.w_flags);
	if (w.w_limited)
		nlc_attr(c, IFA_CACHEINFO, &w.w_life, sizeof(w.w_life));
	return client_finish(c, "address", argv[0]);
}

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
		nlc_attr(c, RTA_GATEWAY, via->na_addr.bytes, addr_len(family));
		return;
	}
	memcpy(other, &viafamily, sizeof(viafamily));
	memcpy(other + 2, via->na_addr.bytes, addr_len(viafamily));
	nlc_attr(c, RTA_VIA, other, 2 + addr_len(viafamily));
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
	c = client_open(&code);
	if (c == NULL)
		return code;
	verb_flags(argv[0], RTM_NEWROUTE, &type, &flags);
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
		nlc_attr(c, RTA_DST, w.w_dst.na_addr.bytes, addr_len(w.w_family));
	nlc_attr32(c, RTA_TABLE, w.w_table);
	if (w.w_src.na_family != 0)
		nlc_attr(c, RTA_PREFSRC, w.w_src.na_addr.bytes, addr_len(w.w_family));
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
	return client_finish(c, "route", argv[0]);
}

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
		} else if (strcmp(word, "lladdr") == 0 && mac_parse(value, mac)) {
			hasmac = true;
		} else if (strcmp(word, "nud") == 0 && (state = state_number(value)) >= 0) {
			ndm.ndm_state = (uint16_t)state;
		} else {
			return usage_error("ip neighbour: '%s %s'?", word, value);
		}
	}
	if (dst.na_family == 0 || index == 0)
		return usage_error("ip neighbour %s: an address and a dev", argv[0]);
	c = client_open(&code);
	if (c == NULL)
		return code;
	verb_flags(argv[0], RTM_NEWNEIGH, &type, &flags);
	ndm.ndm_family = (uint8_t)dst.na_family;
	ndm.ndm_ifindex = (int)index;
	nlc_begin(c, type, flags, &ndm, sizeof(ndm));
	nlc_attr(c, NDA_DST, dst.na_addr.bytes, addr_len(dst.na_family));
	if (hasmac)
		nlc_attr(c, NDA_LLADDR, mac, sizeof(mac));
	return client_finish(c, "neighbour", argv[0]);
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
		return net_number(value, ~0u, &w->w_pref) ? EX_DONE : wrong_words("rule", value);
	if (strcmp(word, "table") == 0 || strcmp(word, "lookup") == 0)
		return ip_table(value, &w->w_table);
	if (strcmp(word, "fwmark") == 0) {
		w->w_hasmark = true;
		w->w_mark = strtoul(value, &end, 0);
		w->w_mask = *end == '/' ? strtoul(end + 1, &end, 0) : 0xffffffffu;
		return *end == '\0' ? EX_DONE : wrong_words("rule", value);
	}
	if (strcmp(word, "iif") == 0 || strcmp(word, "oif") == 0) {
		*(word[0] == 'i' ? &w->w_iif : &w->w_oif) = value;
		return strlen(value) < IFNAMSIZ ? EX_DONE : wrong_words("rule", value);
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
	c = client_open(&code);
	if (c == NULL)
		return code;
	verb_flags(argv[0], RTM_NEWRULE, &type, &flags);
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
		nlc_attr(c, FRA_SRC, w.w_from.na_addr.bytes, addr_len(w.w_frh.family));
	if (w.w_to.na_family != 0)
		nlc_attr(c, FRA_DST, w.w_to.na_addr.bytes, addr_len(w.w_frh.family));
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
	return client_finish(c, "rule", argv[0]);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_set_link.c - rumpus ip: changes of interfaces and their addresses
 */

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <rump/netconfig.h>
#include <rump/rump.h>

#include "ip_impl.h"

#define NEW_FLAGS	(NLM_F_CREATE | NLM_F_EXCL)

/* --- links --------------------------------------------------------------------------- */

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
	else if (strcmp(word, "address") == 0 && ip_mac_parse(value, mac))
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
	c = ip_client_open(&code);
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
	code = ip_client_finish(c, name, "add");
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
	c = ip_client_open(&code);
	if (c == NULL)
		return code;
	ifi.ifi_index = (int)index;
	nlc_begin(c, strcmp(verb, "delete") == 0 ? RTM_DELLINK : RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	for (i++; i < argc && code == EX_DONE; i++)
		code = strcmp(verb, "delete") == 0 ? ip_wrong_words("link", argv[i]) :
		    link_word(c, &ifi, argc, argv, &i);
	if (code != EX_DONE) {
		ip_client_abandon(c);
		return code;
	}
	memcpy(NLMSG_DATA((struct nlmsghdr *)(void *)c->c_req), &ifi, sizeof(ifi));
	return ip_client_finish(c, name, verb);
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
	c = ip_client_open(&code);
	if (c == NULL)
		return code;
	len = ip_addr_len(w.w_addr.na_family);
	ifa.ifa_family = (uint8_t)w.w_addr.na_family;
	ifa.ifa_prefixlen = (uint8_t)(w.w_peer.na_family != 0 ? w.w_peer.na_plen : w.w_addr.na_plen);
	ifa.ifa_scope = (uint8_t)addr_scope(&w);
	ifa.ifa_index = w.w_index;
	ip_verb_flags(argv[0], RTM_NEWADDR, &type, &flags);
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
	return ip_client_finish(c, "address", argv[0]);
}

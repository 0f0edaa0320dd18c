/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_show.c - rumpus ip: what there is
 *
 * The kernel dumps, we print what matches.  argv[0] is the verb.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <rump/rump.h>

#include "json_impl.h"
#include "net_impl.h"

#define FLAG_LOWER_UP	0x10000

/* What to show, and where a listing by interface keeps what it has heard. */
struct show {
	uint32_t	 s_index;	/* 0: all */
	int		 s_family;
	uint32_t	 s_table;
	bool		 s_up;
	bool		 s_addrs;
	struct nlmsghdr	**s_msgs;	/* copies, for the second walk */
	size_t		 s_nmsgs;
	unsigned long	 s_shown;
};

static void
lladdr_text(const struct rtattr *rta, char *buf, size_t size)
{
	const uint8_t *p = RTA_DATA(rta);
	size_t n = RTA_PAYLOAD(rta), at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < n && at + 4 < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%02x", i > 0 ? ":" : "", p[i]);
}

static void
addr_text(int family, const struct rtattr *rta, char *buf, size_t size)
{
	uint8_t bytes[16] = { 0 };
	size_t n = RTA_PAYLOAD(rta);

	memcpy(bytes, RTA_DATA(rta), n < sizeof(bytes) ? n : sizeof(bytes));
	netaddr_text(family, bytes, buf, size);
}

/* Words of the request that all "show"s have. */
static int
show_words(int argc, char **argv, struct show *s)
{
	const char *value;
	int code;

	memset(s, 0, sizeof(*s));
	s->s_family = ipctx.x_family;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "up") == 0) {
			s->s_up = true;
			continue;
		}
		if (strcmp(argv[i], "table") == 0) {
			value = ip_value(argc, argv, &i);
			if (value == NULL || ip_table(value, &s->s_table) != EX_DONE)
				return EX_USE;
			continue;
		}
		value = strcmp(argv[i], "dev") == 0 ? ip_value(argc, argv, &i) : argv[i];
		if (value == NULL)
			return EX_USE;
		code = ip_device(value, &s->s_index);
		if (code != EX_DONE)
			return code;
	}
	return EX_DONE;
}

/* A dump of type, each message to fn. */
static int
dump(uint16_t type, const void *hdr, size_t len, void (*fn)(const struct nlmsghdr *, void *),
    void *arg)
{
	struct nlc *c = malloc(sizeof(*c));
	int error = c != NULL ? nlc_open(c, NETLINK_ROUTE) : ENOMEM, code = EX_DONE;

	if (error) {
		free(c);
		return complain("netlink", "open a socket", error);
	}
	nlc_begin(c, type, NLM_F_DUMP, hdr, len);
	error = nlc_talk(c, fn, arg);
	if (error)
		code = nlc_fail(c, "ip", "list", error);
	nlc_close(c);
	free(c);
	return code;
}

/* --- links ---------------------------------------------------------------------------- */

static const struct { unsigned int flag; const char *word; } link_flags[] = {
	{ IFF_LOOPBACK, "LOOPBACK" }, { IFF_BROADCAST, "BROADCAST" },
	{ IFF_POINTOPOINT, "POINTOPOINT" }, { IFF_MULTICAST, "MULTICAST" },
	{ IFF_NOARP, "NOARP" }, { IFF_ALLMULTI, "ALLMULTI" }, { IFF_PROMISC, "PROMISC" },
	{ IFF_UP, "UP" }, { FLAG_LOWER_UP, "LOWER_UP" },
};

static void
link_flags_print(unsigned int flags)
{
	bool any = false;

	putchar('<');
	if ((flags & IFF_UP) != 0 && (flags & IFF_RUNNING) == 0) {
		fputs("NO-CARRIER", stdout);
		any = true;
	}
	for (size_t i = 0; i < sizeof(link_flags) / sizeof(link_flags[0]); i++) {
		if ((flags & link_flags[i].flag) != 0) {
			printf("%s%s", any ? "," : "", link_flags[i].word);
			any = true;
		}
	}
	putchar('>');
}

static const char *
operstate(const struct rtattr *rta)
{
	static const char *const words[] = { "UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN",
	    "TESTING", "DORMANT", "UP" };
	uint8_t n = 0;

	if (rta != NULL && RTA_PAYLOAD(rta) >= 1)
		memcpy(&n, RTA_DATA(rta), 1);
	return n < sizeof(words) / sizeof(words[0]) ? words[n] : "?";
}

static void
link_kind(const struct rtattr *rta, char *buf, size_t size)
{
	struct rtattr *info[IFLA_INFO_KIND + 1];

	buf[0] = '\0';
	if (rta == NULL)
		return;
	nlc_nested(rta, info, IFLA_INFO_KIND + 1);
	if (info[IFLA_INFO_KIND] != NULL)
		(void)snprintf(buf, size, "%.*s", (int)RTA_PAYLOAD(info[IFLA_INFO_KIND]),
		    (const char *)RTA_DATA(info[IFLA_INFO_KIND]));
}

static bool
link_stats(const struct rtattr *rta, struct rtnl_link_stats64 *ret_st)
{
	if (rta == NULL || RTA_PAYLOAD(rta) < sizeof(*ret_st))
		return false;
	memcpy(ret_st, RTA_DATA(rta), sizeof(*ret_st));
	return true;
}

static const char *
type_word(unsigned int type)
{
	return type == 772 ? "loopback" : type == 1 ? "ether" : "none";
}

static void
link_print(const struct ifinfomsg *ifi, struct rtattr **tb)
{
	struct rtnl_link_stats64 st;
	char mac[100] = "", brd[100] = "";

	printf("%d: %s: ", ifi->ifi_index, tb[IFLA_IFNAME] != NULL ?
	    (const char *)RTA_DATA(tb[IFLA_IFNAME]) : "?");
	link_flags_print(ifi->ifi_flags);
	printf(" mtu %u qdisc %s state %s qlen %u\n", nlc_u32(tb[IFLA_MTU]),
	    tb[IFLA_QDISC] != NULL ? (const char *)RTA_DATA(tb[IFLA_QDISC]) : "none",
	    operstate(tb[IFLA_OPERSTATE]), nlc_u32(tb[IFLA_TXQLEN]));
	if (tb[IFLA_ADDRESS] != NULL)
		lladdr_text(tb[IFLA_ADDRESS], mac, sizeof(mac));
	if (tb[IFLA_BROADCAST] != NULL)
		lladdr_text(tb[IFLA_BROADCAST], brd, sizeof(brd));
	printf("    link/%s %s brd %s\n", type_word(ifi->ifi_type), mac, brd);
	if (ipctx.x_stats && link_stats(tb[IFLA_STATS64], &st))
		printf("    RX: %llu bytes %llu packets %llu errors %llu dropped %llu multicast\n"
		    "    TX: %llu bytes %llu packets %llu errors %llu dropped\n",
		    (unsigned long long)st.rx_bytes, (unsigned long long)st.rx_packets,
		    (unsigned long long)st.rx_errors, (unsigned long long)st.rx_dropped,
		    (unsigned long long)st.multicast, (unsigned long long)st.tx_bytes,
		    (unsigned long long)st.tx_packets, (unsigned long long)st.tx_errors,
		    (unsigned long long)st.tx_dropped);
}

static json_t *
stats_json(const struct rtnl_link_stats64 *st)
{
	json_t *o = json_object(), *rx = json_object(), *tx = json_object();

	json_set_number(rx, "bytes", st->rx_bytes);
	json_set_number(rx, "packets", st->rx_packets);
	json_set_number(rx, "errors", st->rx_errors);
	json_set_number(rx, "dropped", st->rx_dropped);
	json_set_number(rx, "multicast", st->multicast);
	json_set_number(tx, "bytes", st->tx_bytes);
	json_set_number(tx, "packets", st->tx_packets);
	json_set_number(tx, "errors", st->tx_errors);
	json_set_number(tx, "dropped", st->tx_dropped);
	json_object_set_new(o, "rx", rx);
	json_object_set_new(o, "tx", tx);
	return o;
}

static json_t *
link_json(const struct ifinfomsg *ifi, struct rtattr **tb)
{
	json_t *o = json_object(), *flags = json_array();
	struct rtnl_link_stats64 st;
	char text[100];

	json_set_number(o, "ifindex", (uint64_t)ifi->ifi_index);
	json_set_text(o, "ifname", tb[IFLA_IFNAME] != NULL ?
	    (const char *)RTA_DATA(tb[IFLA_IFNAME]) : "?");
	for (size_t i = 0; i < sizeof(link_flags) / sizeof(link_flags[0]); i++) {
		if ((ifi->ifi_flags & link_flags[i].flag) != 0)
			json_array_append_new(flags, json_string(link_flags[i].word));
	}
	json_object_set_new(o, "flags", flags);
	json_set_number(o, "mtu", nlc_u32(tb[IFLA_MTU]));
	json_set_text(o, "operstate", operstate(tb[IFLA_OPERSTATE]));
	json_set_number(o, "txqlen", nlc_u32(tb[IFLA_TXQLEN]));
	json_set_text(o, "link_type", type_word(ifi->ifi_type));
	if (tb[IFLA_ADDRESS] != NULL) {
		lladdr_text(tb[IFLA_ADDRESS], text, sizeof(text));
		json_set_text(o, "address", text);
	}
	if (tb[IFLA_BROADCAST] != NULL) {
		lladdr_text(tb[IFLA_BROADCAST], text, sizeof(text));
		json_set_text(o, "broadcast", text);
	}
	link_kind(tb[IFLA_LINKINFO], text, sizeof(text));
	if (text[0] != '\0')
		json_set_text(o, "kind", text);
	if (ipctx.x_stats && link_stats(tb[IFLA_STATS64], &st))
		json_object_set_new(o, "stats64", stats_json(&st));
	return o;
}

/* --- addresses ----------------------------------------------------------------------------- */

static const struct { unsigned int flag; const char *word; } addr_flags[] = {
	{ IFA_F_SECONDARY, "secondary" }, { IFA_F_TENTATIVE, "tentative" },
	{ IFA_F_DADFAILED, "dadfailed" }, { IFA_F_DEPRECATED, "deprecated" },
	{ IFA_F_NODAD, "nodad" }, { IFA_F_MANAGETEMPADDR, "mngtmpaddr" },
	{ IFA_F_NOPREFIXROUTE, "noprefixroute" },
};

struct addrshow {
	struct ifaddrmsg a_ifa;
	struct rtattr	*a_tb[IFA_PROTO + 1];
	uint32_t	 a_flags;
	uint32_t	 a_valid, a_preferred;
	char		 a_local[64], a_peer[64], a_brd[64];
};

static void
addr_take(const struct nlmsghdr *nh, struct addrshow *a)
{
	struct ifa_cacheinfo ci = { .ifa_valid = ~0u, .ifa_prefered = ~0u };
	struct rtattr *local;

	memset(a, 0, sizeof(*a));
	memcpy(&a->a_ifa, NLMSG_DATA(nh), sizeof(a->a_ifa));
	nlc_attrs(nh, sizeof(a->a_ifa), a->a_tb, IFA_PROTO + 1);
	a->a_flags = a->a_tb[IFA_FLAGS] != NULL ? nlc_u32(a->a_tb[IFA_FLAGS]) : a->a_ifa.ifa_flags;
	local = a->a_tb[IFA_LOCAL] != NULL ? a->a_tb[IFA_LOCAL] : a->a_tb[IFA_ADDRESS];
	if (local != NULL)
		addr_text(a->a_ifa.ifa_family, local, a->a_local, sizeof(a->a_local));
	if (a->a_tb[IFA_ADDRESS] != NULL)
		addr_text(a->a_ifa.ifa_family, a->a_tb[IFA_ADDRESS], a->a_peer, sizeof(a->a_peer));
	if (strcmp(a->a_local, a->a_peer) == 0)
		a->a_peer[0] = '\0';
	if (a->a_tb[IFA_BROADCAST] != NULL)
		addr_text(a->a_ifa.ifa_family, a->a_tb[IFA_BROADCAST], a->a_brd, sizeof(a->a_brd));
	if (a->a_tb[IFA_CACHEINFO] != NULL && RTA_PAYLOAD(a->a_tb[IFA_CACHEINFO]) >= sizeof(ci))
		memcpy(&ci, RTA_DATA(a->a_tb[IFA_CACHEINFO]), sizeof(ci));
	a->a_valid = ci.ifa_valid;
	a->a_preferred = ci.ifa_prefered;
}

static void
lifetime_print(const char *word, uint32_t seconds)
{
	if (seconds == ~0u)
		printf(" %s forever", word);
	else
		printf(" %s %usec", word, seconds);
}

static void
addr_print(const struct addrshow *a)
{
	printf("    inet%s %s", a->a_ifa.ifa_family == AF_INET6 ? "6" : "", a->a_local);
	if (a->a_peer[0] != '\0')
		printf(" peer %s", a->a_peer);
	printf("/%u", a->a_ifa.ifa_prefixlen);
	if (a->a_brd[0] != '\0')
		printf(" brd %s", a->a_brd);
	printf(" scope %s", ip_scope_name(a->a_ifa.ifa_scope));
	for (size_t i = 0; i < sizeof(addr_flags) / sizeof(addr_flags[0]); i++) {
		if ((a->a_flags & addr_flags[i].flag) != 0)
			printf(" %s", addr_flags[i].word);
	}
	if (a->a_tb[IFA_LABEL] != NULL)
		printf(" %s", (const char *)RTA_DATA(a->a_tb[IFA_LABEL]));
	printf("\n      ");
	lifetime_print("valid_lft", a->a_valid);
	lifetime_print("preferred_lft", a->a_preferred);
	putchar('\n');
}

static json_t *
addr_json(const struct addrshow *a)
{
	json_t *o = json_object();

	json_set_text(o, "family", a->a_ifa.ifa_family == AF_INET6 ? "inet6" : "inet");
	json_set_text(o, "local", a->a_local);
	if (a->a_peer[0] != '\0')
		json_set_text(o, "address", a->a_peer);
	json_set_number(o, "prefixlen", a->a_ifa.ifa_prefixlen);
	if (a->a_brd[0] != '\0')
		json_set_text(o, "broadcast", a->a_brd);
	json_set_text(o, "scope", ip_scope_name(a->a_ifa.ifa_scope));
	for (size_t i = 0; i < sizeof(addr_flags) / sizeof(addr_flags[0]); i++) {
		if ((a->a_flags & addr_flags[i].flag) != 0)
			json_object_set_new(o, addr_flags[i].word, json_true());
	}
	json_set_number(o, "valid_life_time", a->a_valid);
	json_set_number(o, "preferred_life_time", a->a_preferred);
	return o;
}

static void
keep_message(const struct nlmsghdr *nh, void *arg)
{
	struct show *s = arg;
	struct nlmsghdr **grown = realloc(s->s_msgs, (s->s_nmsgs + 1) * sizeof(*grown));
	struct nlmsghdr *copy = malloc(nh->nlmsg_len);

	if (grown == NULL || copy == NULL) {
		warn_text("out of memory");
		exit(EX_IO);
	}
	memcpy(copy, nh, nh->nlmsg_len);
	s->s_msgs = grown;
	s->s_msgs[s->s_nmsgs++] = copy;
}

static void
addrs_of(const struct show *s, int ifindex, json_t *array)
{
	struct addrshow a;

	for (size_t i = 0; i < s->s_nmsgs; i++) {
		addr_take(s->s_msgs[i], &a);
		if ((int)a.a_ifa.ifa_index != ifindex)
			continue;
		if (array != NULL)
			json_array_append_new(array, addr_json(&a));
		else
			addr_print(&a);
	}
}

static void
show_link(const struct nlmsghdr *nh, void *arg)
{
	struct rtattr *tb[IFLA_STATS64 + 1];
	struct ifinfomsg ifi;
	struct show *s = arg;
	json_t *o, *addrs;

	memcpy(&ifi, NLMSG_DATA(nh), sizeof(ifi));
	nlc_attrs(nh, sizeof(ifi), tb, IFLA_STATS64 + 1);
	if ((s->s_index != 0 && s->s_index != (uint32_t)ifi.ifi_index) ||
	    (s->s_up && (ifi.ifi_flags & IFF_UP) == 0))
		return;
	s->s_shown++;
	if (want_json) {
		o = link_json(&ifi, tb);
		if (s->s_addrs) {
			addrs = json_array();
			addrs_of(s, ifi.ifi_index, addrs);
			json_object_set_new(o, "addr_info", addrs);
		}
		json_print(o);
		return;
	}
	link_print(&ifi, tb);
	if (s->s_addrs)
		addrs_of(s, ifi.ifi_index, NULL);
}

static int
show_links(struct show *s)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	int code;

	if (want_json)
		json_begin();
	code = dump(RTM_GETLINK, &ifi, sizeof(ifi), show_link, s);
	if (want_json)
		json_end();
	for (size_t i = 0; i < s->s_nmsgs; i++)
		free(s->s_msgs[i]);
	free(s->s_msgs);
	return code;
}

int
ipshow_link(int argc, char **argv)
{
	struct show s;
	int code = show_words(argc, argv, &s);

	return code != EX_DONE ? code : show_links(&s);
}

int
ipshow_addr(int argc, char **argv)
{
	struct ifaddrmsg ifa = { .ifa_family = (uint8_t)ipctx.x_family };
	struct show s;
	int code = show_words(argc, argv, &s);

	if (code != EX_DONE)
		return code;
	s.s_addrs = true;
	code = dump(RTM_GETADDR, &ifa, sizeof(ifa), keep_message, &s);
	return code != EX_DONE ? code : show_links(&s);
}

/* --- routes ------------------------------------------------------------------------------------- */

struct routeshow {
	struct rtmsg	 r_rtm;
	struct rtattr	*r_tb[RTA_VIA + 16];
	uint32_t	 r_table;
	char		 r_dst[80];
};

static void
route_take(const struct nlmsghdr *nh, struct routeshow *r)
{
	char text[64];

	memset(r, 0, sizeof(*r));
	memcpy(&r->r_rtm, NLMSG_DATA(nh), sizeof(r->r_rtm));
	nlc_attrs(nh, sizeof(r->r_rtm), r->r_tb, sizeof(r->r_tb) / sizeof(r->r_tb[0]));
	r->r_table = r->r_tb[RTA_TABLE] != NULL ? nlc_u32(r->r_tb[RTA_TABLE]) : r->r_rtm.rtm_table;
	if (r->r_tb[RTA_DST] == NULL) {
		(void)snprintf(r->r_dst, sizeof(r->r_dst), "default");
		return;
	}
	addr_text(r->r_rtm.rtm_family, r->r_tb[RTA_DST], text, sizeof(text));
	if (r->r_rtm.rtm_dst_len == (r->r_rtm.rtm_family == AF_INET ? 32 : 128))
		(void)snprintf(r->r_dst, sizeof(r->r_dst), "%s", text);
	else
		(void)snprintf(r->r_dst, sizeof(r->r_dst), "%s/%u", text, r->r_rtm.rtm_dst_len);
}

/* RTA_GATEWAY, or RTA_VIA of another family; "" if there is none. */
static void
gateway_text(int family, struct rtattr *gateway, struct rtattr *via, char *buf, size_t size)
{
	uint16_t other;
	uint8_t addr[16] = { 0 };

	buf[0] = '\0';
	if (gateway != NULL) {
		addr_text(family, gateway, buf, size);
	} else if (via != NULL && RTA_PAYLOAD(via) > sizeof(other) &&
	    RTA_PAYLOAD(via) <= sizeof(other) + sizeof(addr)) {
		memcpy(&other, RTA_DATA(via), sizeof(other));
		memcpy(addr, (const char *)RTA_DATA(via) + sizeof(other),
		    RTA_PAYLOAD(via) - sizeof(other));
		netaddr_text(other, addr, buf, size);
	}
}

static void
hop_show(int family, const struct rtnexthop *nh, json_t *array)
{
	struct rtattr *tb[RTA_VIA + 1] = { NULL }, *at = RTNH_DATA(nh);
	int left = nh->rtnh_len - (int)sizeof(*nh);
	char gateway[64];
	json_t *o;

	for (; RTA_OK(at, left); at = RTA_NEXT(at, left)) {
		if (at->rta_type <= RTA_VIA)
			tb[at->rta_type] = at;
	}
	gateway_text(family, tb[RTA_GATEWAY], tb[RTA_VIA], gateway, sizeof(gateway));
	if (array == NULL) {
		printf("\n\tnexthop");
		if (gateway[0] != '\0')
			printf(" via %s", gateway);
		printf(" dev %s weight %u", nlc_ifname((uint32_t)nh->rtnh_ifindex), nh->rtnh_hops + 1);
		return;
	}
	o = json_object();
	if (gateway[0] != '\0')
		json_set_text(o, "gateway", gateway);
	json_set_text(o, "dev", nlc_ifname((uint32_t)nh->rtnh_ifindex));
	json_set_number(o, "weight", nh->rtnh_hops + 1u);
	json_array_append_new(array, o);
}

static void
hops_show(int family, const struct rtattr *multipath, json_t *array)
{
	const struct rtnexthop *nh = RTA_DATA(multipath);
	int left = (int)RTA_PAYLOAD(multipath);

	while (left >= (int)sizeof(*nh) && RTNH_OK(nh, left)) {
		hop_show(family, nh, array);
		left -= (int)RTNH_ALIGN(nh->rtnh_len);
		nh = RTNH_NEXT(nh);
	}
}

static const struct { int attr; const char *word; } metric_words[] = {
	{ RTAX_MTU, "mtu" }, { RTAX_ADVMSS, "advmss" }, { RTAX_WINDOW, "window" },
	{ RTAX_INITCWND, "initcwnd" }, { RTAX_HOPLIMIT, "hoplimit" },
};

static void
metrics_show(const struct rtattr *metrics, json_t *o)
{
	struct rtattr *tb[RTAX_MAX + 1];

	nlc_nested(metrics, tb, RTAX_MAX + 1);
	for (size_t i = 0; i < sizeof(metric_words) / sizeof(metric_words[0]); i++) {
		if (tb[metric_words[i].attr] == NULL)
			continue;
		if (o != NULL)
			json_set_number(o, metric_words[i].word, nlc_u32(tb[metric_words[i].attr]));
		else
			printf(" %s %u", metric_words[i].word, nlc_u32(tb[metric_words[i].attr]));
	}
}

static void
route_print(const struct routeshow *r, bool table)
{
	int family = r->r_rtm.rtm_family;
	char text[64];

	if (r->r_rtm.rtm_type != RTN_UNICAST)
		printf("%s ", ip_type_name(r->r_rtm.rtm_type));
	printf("%s", r->r_dst);
	gateway_text(family, r->r_tb[RTA_GATEWAY], r->r_tb[RTA_VIA], text, sizeof(text));
	if (text[0] != '\0')
		printf(" via %s", text);
	if (r->r_tb[RTA_OIF] != NULL)
		printf(" dev %s", nlc_ifname(nlc_u32(r->r_tb[RTA_OIF])));
	if (table && r->r_table != RT_TABLE_MAIN)
		printf(" table %s", ip_table_name(r->r_table));
	if (r->r_rtm.rtm_protocol != RTPROT_UNSPEC && r->r_rtm.rtm_protocol != RTPROT_BOOT)
		printf(" proto %s", ip_protocol_name(r->r_rtm.rtm_protocol));
	if (r->r_rtm.rtm_scope != RT_SCOPE_UNIVERSE && family == AF_INET)
		printf(" scope %s", ip_scope_name(r->r_rtm.rtm_scope));
	if (r->r_tb[RTA_PREFSRC] != NULL) {
		addr_text(family, r->r_tb[RTA_PREFSRC], text, sizeof(text));
		printf(" src %s", text);
	}
	if (r->r_tb[RTA_PRIORITY] != NULL)
		printf(" metric %u", nlc_u32(r->r_tb[RTA_PRIORITY]));
	if (r->r_tb[RTA_METRICS] != NULL)
		metrics_show(r->r_tb[RTA_METRICS], NULL);
	if (r->r_tb[RTA_MULTIPATH] != NULL)
		hops_show(family, r->r_tb[RTA_MULTIPATH], NULL);
	if ((r->r_rtm.rtm_flags & RTNH_F_LINKDOWN) != 0)
		printf(" linkdown");
	putchar('\n');
}

static void
route_json(const struct routeshow *r)
{
	int family = r->r_rtm.rtm_family;
	json_t *o = json_object(), *hops;
	char text[64];

	json_set_text(o, "type", ip_type_name(r->r_rtm.rtm_type));
	json_set_text(o, "dst", r->r_dst);
	gateway_text(family, r->r_tb[RTA_GATEWAY], r->r_tb[RTA_VIA], text, sizeof(text));
	if (text[0] != '\0')
		json_set_text(o, "gateway", text);
	if (r->r_tb[RTA_OIF] != NULL)
		json_set_text(o, "dev", nlc_ifname(nlc_u32(r->r_tb[RTA_OIF])));
	json_set_text(o, "table", ip_table_name(r->r_table));
	json_set_text(o, "protocol", ip_protocol_name(r->r_rtm.rtm_protocol));
	json_set_text(o, "scope", ip_scope_name(r->r_rtm.rtm_scope));
	if (r->r_tb[RTA_PREFSRC] != NULL) {
		addr_text(family, r->r_tb[RTA_PREFSRC], text, sizeof(text));
		json_set_text(o, "prefsrc", text);
	}
	if (r->r_tb[RTA_PRIORITY] != NULL)
		json_set_number(o, "metric", nlc_u32(r->r_tb[RTA_PRIORITY]));
	if (r->r_tb[RTA_METRICS] != NULL)
		metrics_show(r->r_tb[RTA_METRICS], o);
	if (r->r_tb[RTA_MULTIPATH] != NULL) {
		hops = json_array();
		hops_show(family, r->r_tb[RTA_MULTIPATH], hops);
		json_object_set_new(o, "nexthops", hops);
	}
	json_print(o);
}

static void
show_route(const struct nlmsghdr *nh, void *arg)
{
	struct routeshow r;
	struct show *s = arg;

	route_take(nh, &r);
	if ((s->s_table != RT_TABLE_UNSPEC && r.r_table != s->s_table) ||
	    (s->s_index != 0 && nlc_u32(r.r_tb[RTA_OIF]) != s->s_index))
		return;
	if (want_json)
		route_json(&r);
	else
		route_print(&r, s->s_table == RT_TABLE_UNSPEC);
}

int
ipshow_route(int argc, char **argv)
{
	struct rtmsg rtm = { .rtm_family = (uint8_t)ip_family() };
	bool any = false;
	struct show s;
	int code = show_words(argc, argv, &s);

	if (code != EX_DONE)
		return code;
	for (int i = 1; i < argc; i++)
		any = any || strcmp(argv[i], "table") == 0;
	if (!any)
		s.s_table = RT_TABLE_MAIN;
	if (want_json)
		json_begin();
	code = dump(RTM_GETROUTE, &rtm, sizeof(rtm), show_route, &s);
	if (want_json)
		json_end();
	return code;
}

int
iproute_get(int argc, char **argv)
{
	struct show s = { .s_table = RT_TABLE_UNSPEC };
	struct rtmsg rtm = { .rtm_family = AF_INET };
	struct netaddr dst, src;
	uint32_t oif = 0, mark = 0;
	struct nlc *c;
	const char *value;
	unsigned long n;
	int error, code = EX_DONE;

	if (argc < 2 || !ip_address(argv[1], false, ipctx.x_family, &dst))
		return argc < 2 ? usage_error("the route to whom?") : EX_USE;
	src.na_family = 0;
	for (int i = 2; i < argc; i++) {
		const char *word = argv[i];

		value = ip_value(argc, argv, &i);
		if (value == NULL)
			return EX_USE;
		if (strcmp(word, "from") == 0) {
			if (!ip_address(value, false, dst.na_family, &src))
				return EX_USE;
		} else if (strcmp(word, "oif") == 0 || strcmp(word, "dev") == 0) {
			code = ip_device(value, &oif);
			if (code != EX_DONE)
				return code;
		} else if (strcmp(word, "mark") == 0 && net_number(value, ~0u, &n)) {
			mark = (uint32_t)n;
		} else {
			return usage_error("route get: '%s %s'?", word, value);
		}
	}
	c = malloc(sizeof(*c));
	error = c != NULL ? nlc_open(c, NETLINK_ROUTE) : ENOMEM;
	if (error) {
		free(c);
		return complain("netlink", "open a socket", error);
	}
	rtm.rtm_family = (uint8_t)dst.na_family;
	rtm.rtm_dst_len = (uint8_t)dst.na_plen;
	nlc_begin(c, RTM_GETROUTE, 0, &rtm, sizeof(rtm));
	nlc_attr(c, RTA_DST, dst.na_addr.bytes, dst.na_family == AF_INET ? 4 : 16);
	if (src.na_family != 0)
		nlc_attr(c, RTA_SRC, src.na_addr.bytes, src.na_family == AF_INET ? 4 : 16);
	if (oif != 0)
		nlc_attr32(c, RTA_OIF, oif);
	if (mark != 0)
		nlc_attr32(c, RTA_MARK, mark);
	if (want_json)
		json_begin();
	error = nlc_talk(c, show_route, &s);
	if (want_json)
		json_end();
	if (error)
		code = nlc_fail(c, argv[1], "find the route", error);
	nlc_close(c);
	free(c);
	return code;
}

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

static void
show_neigh(const struct nlmsghdr *nh, void *arg)
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
	addr_text(ndm.ndm_family, tb[NDA_DST], dst, sizeof(dst));
	if (tb[NDA_LLADDR] != NULL)
		lladdr_text(tb[NDA_LLADDR], mac, sizeof(mac));
	if (want_json) {
		o = json_object();
		json_set_text(o, "dst", dst);
		json_set_text(o, "dev", nlc_ifname((uint32_t)ndm.ndm_ifindex));
		if (mac[0] != '\0')
			json_set_text(o, "lladdr", mac);
		json_set_text(o, "state", state_word(ndm.ndm_state));
		json_object_set_new(o, "router", json_boolean((ndm.ndm_flags & NTF_ROUTER) != 0));
		json_print(o);
		return;
	}
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
	int code = show_words(argc, argv, &s);

	if (code != EX_DONE)
		return code;
	if (want_json)
		json_begin();
	code = dump(RTM_GETNEIGH, &ndm, sizeof(ndm), show_neigh, &s);
	if (want_json)
		json_end();
	return code;
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
	addr_text(family, rta, buf, size);
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
	json_print(o);
}

static void
show_rule(const struct nlmsghdr *nh, void *arg)
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
	int code = show_words(argc, argv, &s);

	if (code != EX_DONE)
		return code;
	if (want_json)
		json_begin();
	code = dump(RTM_GETRULE, &frh, sizeof(frh), show_rule, &s);
	if (want_json)
		json_end();
	return code;
}

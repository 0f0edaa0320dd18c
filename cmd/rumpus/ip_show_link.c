/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_show_link.c - rumpus ip: interfaces and their addresses
 */

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>

#include "ip_impl.h"

#define FLAG_LOWER_UP	0x10000

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

	ip_print_deleted();
	printf("%d: %s: ", ifi->ifi_index, tb[IFLA_IFNAME] != NULL ?
	    (const char *)RTA_DATA(tb[IFLA_IFNAME]) : "?");
	link_flags_print(ifi->ifi_flags);
	printf(" mtu %u qdisc %s state %s qlen %u\n", nlc_u32(tb[IFLA_MTU]),
	    tb[IFLA_QDISC] != NULL ? (const char *)RTA_DATA(tb[IFLA_QDISC]) : "none",
	    operstate(tb[IFLA_OPERSTATE]), nlc_u32(tb[IFLA_TXQLEN]));
	if (tb[IFLA_ADDRESS] != NULL)
		ip_lladdr_text(tb[IFLA_ADDRESS], mac, sizeof(mac));
	if (tb[IFLA_BROADCAST] != NULL)
		ip_lladdr_text(tb[IFLA_BROADCAST], brd, sizeof(brd));
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
		ip_lladdr_text(tb[IFLA_ADDRESS], text, sizeof(text));
		json_set_text(o, "address", text);
	}
	if (tb[IFLA_BROADCAST] != NULL) {
		ip_lladdr_text(tb[IFLA_BROADCAST], text, sizeof(text));
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
		ip_addr_text(a->a_ifa.ifa_family, local, a->a_local, sizeof(a->a_local));
	if (a->a_tb[IFA_ADDRESS] != NULL)
		ip_addr_text(a->a_ifa.ifa_family, a->a_tb[IFA_ADDRESS], a->a_peer, sizeof(a->a_peer));
	if (strcmp(a->a_local, a->a_peer) == 0)
		a->a_peer[0] = '\0';
	if (a->a_tb[IFA_BROADCAST] != NULL)
		ip_addr_text(a->a_ifa.ifa_family, a->a_tb[IFA_BROADCAST], a->a_brd, sizeof(a->a_brd));
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

/* By itself: the interface is named. */
void
ip_addr_message(const struct nlmsghdr *nh, void *arg)
{
	const struct show *s = arg;
	struct addrshow a;
	const char *name;
	json_t *o;

	addr_take(nh, &a);
	if (s->s_index != 0 && s->s_index != a.a_ifa.ifa_index)
		return;
	name = nlc_ifname(a.a_ifa.ifa_index);
	if (want_json) {
		o = addr_json(&a);
		json_set_number(o, "index", a.a_ifa.ifa_index);
		json_set_text(o, "dev", name);
		ip_print_json(o);
		return;
	}
	ip_print_deleted();
	printf("%u: %s", a.a_ifa.ifa_index, name);
	addr_print(&a);
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

void
ip_link_message(const struct nlmsghdr *nh, void *arg)
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
		ip_print_json(o);
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

	code = ip_dump_shown(RTM_GETLINK, &ifi, sizeof(ifi), ip_link_message, s);
	for (size_t i = 0; i < s->s_nmsgs; i++)
		free(s->s_msgs[i]);
	free(s->s_msgs);
	return code;
}

int
ipshow_link(int argc, char **argv)
{
	struct show s;
	int code = ip_show_words(argc, argv, &s);

	return code != EX_DONE ? code : show_links(&s);
}

int
ipshow_addr(int argc, char **argv)
{
	struct ifaddrmsg ifa = { .ifa_family = (uint8_t)ipctx.x_family };
	struct show s;
	int code = ip_show_words(argc, argv, &s);

	if (code != EX_DONE)
		return code;
	s.s_addrs = true;
	code = ip_dump(RTM_GETADDR, &ifa, sizeof(ifa), keep_message, &s);
	return code != EX_DONE ? code : show_links(&s);
}

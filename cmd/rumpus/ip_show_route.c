/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_show_route.c - rumpus ip: routes, and the way to somebody
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "ip_impl.h"

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
	ip_addr_text(r->r_rtm.rtm_family, r->r_tb[RTA_DST], text, sizeof(text));
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
		ip_addr_text(family, gateway, buf, size);
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

	ip_print_deleted();
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
		ip_addr_text(family, r->r_tb[RTA_PREFSRC], text, sizeof(text));
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
		ip_addr_text(family, r->r_tb[RTA_PREFSRC], text, sizeof(text));
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
	ip_print_json(o);
}

void
ip_route_message(const struct nlmsghdr *nh, void *arg)
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
	int code = ip_show_words(argc, argv, &s);

	if (code != EX_DONE)
		return code;
	for (int i = 1; i < argc; i++)
		any = any || strcmp(argv[i], "table") == 0;
	if (!any)
		s.s_table = RT_TABLE_MAIN;
	return ip_dump_shown(RTM_GETROUTE, &rtm, sizeof(rtm), ip_route_message, &s);
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
	error = nlc_talk(c, ip_route_message, &s);
	if (want_json)
		json_end();
	if (error)
		code = nlc_fail(c, argv[1], "find the route", error);
	nlc_close(c);
	free(c);
	return code;
}

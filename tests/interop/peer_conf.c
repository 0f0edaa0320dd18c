/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * peer_conf.c - verbs that set the kernel up
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/dhcp.h>
#include <rump/netconfig.h>
#include <rump/rump.h>

#include "peer.h"

/* link TEXT: a new interface to a tap; says its name */
static int
verb_link(struct job *j)
{
	int error, n;

	error = rump_pub_virtif_create(arg(j, 0), &n);
	if (error == 0)
		reply(j, "virt%d", n);
	return error;
}

static int
verb_up(struct job *j)
{
	return rump_pub_netconfig_ifup(arg(j, 0));
}

static int
verb_mtu(struct job *j)
{
	return rump_pub_netconfig_ifsetmtu(arg(j, 0), (uint32_t)arg_num(j, 1));
}

/* addr IF ADDRESS PREFIXLEN */
static int
verb_addr(struct job *j)
{
	return strchr(arg(j, 1), ':') != NULL ?
	    rump_pub_netconfig_ipv6_ifaddr(arg(j, 0), arg(j, 1), (int)arg_num(j, 2)) :
	    rump_pub_netconfig_ipv4_ifaddr_cidr(arg(j, 0), arg(j, 1), (int)arg_num(j, 2));
}

static int
verb_gateway(struct job *j)
{
	return strchr(arg(j, 0), ':') != NULL ? rump_pub_netconfig_ipv6_gw(arg(j, 0)) :
	    rump_pub_netconfig_ipv4_gw(arg(j, 0));
}

/* conditions IF TEXT */
static int
verb_conditions(struct job *j)
{
	return rump_pub_netconfig_linkcond(arg(j, 0), arg(j, 1), NULL);
}

/* capture IF FILE */
static int
verb_capture(struct job *j)
{
	const char *path = arg(j, 1);

	return rump_pub_netconfig_capture(arg(j, 0), *path != '\0' ? path : NULL, 0);
}

/* kvar NAME [VALUE] */
static int
verb_kvar(struct job *j)
{
	char text[256];
	int error;

	if (j->j_nwords > 3)
		return rump_pub_kvar_write(arg(j, 0), arg(j, 1));
	error = rump_pub_kvar_read(arg(j, 0), text, sizeof(text));
	if (error == 0)
		reply(j, "%s", text);
	return error;
}

static int
verb_auto6(struct job *j)
{
	return rump_pub_netconfig_auto_ipv6(arg(j, 0));
}

static int
verb_dhcp4(struct job *j)
{
	return rump_pub_netconfig_dhcp_ipv4_oneshot(arg(j, 0));
}

static int
verb_dhcp4_stop(struct job *j)
{
	return rump_pub_netconfig_dhcp_ipv4_stop(arg(j, 0));
}

static const char *
or_dash(const char *text)
{
	return *text != '\0' ? text : "-";
}

/* lease4 IF: name=value words */
static int
verb_lease4(struct job *j)
{
	struct rump_dhcp_lease rl;
	int error;

	error = rump_pub_netconfig_dhcp_ipv4_lease(arg(j, 0), &rl);
	if (error == 0)
		reply(j, "state=%s address=%s/%u gateway=%s server=%s dns=%s ntp=%s domain=%s "
		    "mtu=%u seconds=%lld", rl.rdl_state, or_dash(rl.rdl_address),
		    rl.rdl_prefixlen, or_dash(rl.rdl_gateway), or_dash(rl.rdl_server),
		    or_dash(rl.rdl_dns[0]), or_dash(rl.rdl_ntp[0]), or_dash(rl.rdl_domain),
		    rl.rdl_mtu, (long long)rl.rdl_seconds);
	return error;
}

static int
verb_dhcp6(struct job *j)
{
	return rump_pub_netconfig_dhcp_ipv6_oneshot(arg(j, 0));
}

static int
verb_dhcp6_stop(struct job *j)
{
	return rump_pub_netconfig_dhcp_ipv6_stop(arg(j, 0));
}

/* lease6 IF: name=value words */
static int
verb_lease6(struct job *j)
{
	struct rump_dhcp6_lease rl;
	int error;

	error = rump_pub_netconfig_dhcp_ipv6_lease(arg(j, 0), &rl);
	if (error == 0) {
		for (char *blank; (blank = strchr(rl.rd6_search, ' ')) != NULL;)
			*blank = ',';
		reply(j, "state=%s n=%u address=%s preferred=%lld valid=%lld server=%s dns=%s "
		    "ntp=%s search=%s", rl.rd6_state, rl.rd6_naddrs,
		    or_dash(rl.rd6_addr[0].rd6_address),
		    (long long)rl.rd6_addr[0].rd6_preferred,
		    (long long)rl.rd6_addr[0].rd6_valid, or_dash(rl.rd6_server),
		    or_dash(rl.rd6_dns[0]), or_dash(rl.rd6_ntp[0]), or_dash(rl.rd6_search));
	}
	return error;
}

/* resolvers IF: source=address[,address...]/domain[,domain...] words */
static int
verb_resolvers(struct job *j)
{
	struct rump_resolvers list[4];
	char text[2048] = "", *at = text;
	size_t n;
	int error;

	error = rump_pub_netconfig_resolvers(arg(j, 0), list, 4, &n);
	for (size_t i = 0; error == 0 && i < n && i < 4; i++) {
		at += sprintf(at, "%s%s=", i > 0 ? " " : "", list[i].rrv_source);
		for (uint32_t a = 0; a < list[i].rrv_naddrs && a < 3; a++)
			at += sprintf(at, "%s%s", a > 0 ? "," : "", list[i].rrv_address[a]);
		for (char *blank; (blank = strchr(list[i].rrv_search, ' ')) != NULL;)
			*blank = ',';
		at += sprintf(at, "/%s", list[i].rrv_search);
	}
	if (error == 0)
		reply(j, "%s", text);
	return error;
}

const struct verb verbs_conf[] = {
	{ "link", 1, verb_link }, { "up", 1, verb_up }, { "mtu", 2, verb_mtu },
	{ "addr", 3, verb_addr }, { "gateway", 1, verb_gateway },
	{ "conditions", 1, verb_conditions }, { "capture", 1, verb_capture },
	{ "kvar", 1, verb_kvar }, { "auto6", 1, verb_auto6 }, { "dhcp4", 1, verb_dhcp4 },
	{ "dhcp4-stop", 1, verb_dhcp4_stop }, { "lease4", 1, verb_lease4 },
	{ "dhcp6", 1, verb_dhcp6 }, { "dhcp6-stop", 1, verb_dhcp6_stop },
	{ "lease6", 1, verb_lease6 }, { "resolvers", 1, verb_resolvers },
	{ NULL, 0, NULL },
};

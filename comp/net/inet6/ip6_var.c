/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_var.c - settings and counters
 *
 * Names and meaning are Linux's net.ipv6.*.  A setting holds for all interfaces of
 * its name space ("conf.all").
 *
 * NEEDSWORK: no settings of single interfaces (net.ipv6.conf.eth0.*): that wants
 * variables that come and go with interfaces, per name space.
 */

#include "ip6_impl.h"

#define CONF "net.ipv6.conf.all."

NETVAR_DEFINE(ip6_var_forwarding, CONF "forwarding", 0, 0, 2, "forward packets, be a router");
NETVAR_DEFINE(ip6_var_disable, CONF "disable_ipv6", 0, 0, 1, "no IPv6 on interfaces");
NETVAR_DEFINE(ip6_var_hoplimit, CONF "hop_limit", 64, 1, 255, "hop limit of what we send");
NETVAR_DEFINE(ip6_var_accept_ra, CONF "accept_ra", 1, 0, 2,
    "take router advertisements; 2: even if we forward");
NETVAR_DEFINE(ip6_var_accept_ra_defrtr, CONF "accept_ra_defrtr", 1, 0, 1,
    "learn default routers from advertisements");
NETVAR_DEFINE(ip6_var_accept_ra_pinfo, CONF "accept_ra_pinfo", 1, 0, 1,
    "learn prefixes from advertisements");
NETVAR_DEFINE(ip6_var_accept_ra_rtinfo, CONF "accept_ra_rt_info_max_plen", 128, 0, 128,
    "longest prefix of a route taken from advertisements");
NETVAR_DEFINE(ip6_var_accept_ra_mtu, CONF "accept_ra_mtu", 1, 0, 1,
    "take the MTU of advertisements");
NETVAR_DEFINE(ip6_var_autoconf, CONF "autoconf", 1, 0, 1, "make addresses of prefixes");
NETVAR_DEFINE(ip6_var_accept_dad, CONF "accept_dad", 1, 0, 2,
    "detect duplicate addresses; 2: no IPv6 if the link-local one is");
NETVAR_DEFINE(ip6_var_dad_transmits, CONF "dad_transmits", 1, 0, 10,
    "probes for a duplicate address");
NETVAR_DEFINE(ip6_var_enhanced_dad, CONF "enhanced_dad", 1, 0, 1,
    "tell our own looped probes by a nonce (RFC 7527)");
NETVAR_DEFINE(ip6_var_use_tempaddr, CONF "use_tempaddr", 0, -1, 2,
    "temporary addresses; 2: and prefer them");
NETVAR_DEFINE(ip6_var_temp_valid, CONF "temp_valid_lft", 7 * 86400, 60, INT32_MAX,
    "seconds for which a temporary address is valid");
NETVAR_DEFINE(ip6_var_temp_prefered, CONF "temp_prefered_lft", 86400, 30, INT32_MAX,
    "seconds for which a temporary address is preferred");
NETVAR_DEFINE(ip6_var_addr_gen_mode, CONF "addr_gen_mode", ADDR_GEN_EUI64, 0, 2,
    "interface identifiers: 0 from the MAC, 1 no link-local address, 2 stable and opaque");
NETVAR_DEFINE(ip6_var_accept_redirects, CONF "accept_redirects", 1, 0, 1,
    "follow redirects of routers");
NETVAR_DEFINE(ip6_var_rs, CONF "router_solicitations", -1, -1, 100,
    "router solicitations to send; -1: until a router answers");
NETVAR_DEFINE(ip6_var_rs_interval, CONF "router_solicitation_interval", 4, 1, 3600,
    "seconds between the first ones");
NETVAR_DEFINE(ip6_var_mld_version, CONF "force_mld_version", 0, 0, 2,
    "speak that version of MLD only; 0: as the querier does");
NETVAR_DEFINE(ip6_var_accept_source_route, CONF "accept_source_route", 0, -1, 0,
    "routing headers with segments left: never accepted");
NETVAR_DEFINE(ip6_var_frag_high, "net.ipv6.ip6frag_high_thresh", 4 << 20, 0, 1 << 30,
    "bytes of fragments that may wait");
NETVAR_DEFINE(ip6_var_frag_time, "net.ipv6.ip6frag_time", 60, 1, 600,
    "seconds that fragments may wait");
NETVAR_DEFINE(ip6_var_icmp_ratelimit, "net.ipv6.icmp.ratelimit", 1000, 0, 60000,
    "milliseconds between errors to one destination");
NETVAR_DEFINE(ip6_var_auto_flowlabels, "net.ipv6.auto_flowlabels", 1, 0, 3,
    "label flows (RFC 6437): 0 never, 1 unless a socket says no, 2 if it says so, 3 always");

/* A short second name. */
static NETVAR_DEFINE(ip6_var_forwarding2, "net.ipv6.forwarding", 0, 0, 2,
    "the same as conf.all.forwarding");

static struct netvar *const ip6_vars[] = {
	&ip6_var_forwarding, &ip6_var_disable, &ip6_var_hoplimit, &ip6_var_accept_ra,
	&ip6_var_accept_ra_defrtr, &ip6_var_accept_ra_pinfo, &ip6_var_accept_ra_rtinfo,
	&ip6_var_accept_ra_mtu, &ip6_var_autoconf, &ip6_var_accept_dad,
	&ip6_var_dad_transmits, &ip6_var_enhanced_dad, &ip6_var_use_tempaddr,
	&ip6_var_temp_valid, &ip6_var_temp_prefered, &ip6_var_addr_gen_mode,
	&ip6_var_accept_redirects, &ip6_var_rs, &ip6_var_rs_interval, &ip6_var_mld_version,
	&ip6_var_accept_source_route, &ip6_var_frag_high, &ip6_var_frag_time,
	&ip6_var_icmp_ratelimit, &ip6_var_auto_flowlabels, &ip6_var_forwarding2,
};

#define COUNTER(name, about) \
	COUNTER_DEFINE(ip6_count_##name, "net.inet6.stats." #name, about);
IP6_COUNTERS(COUNTER)

static struct counter *const ip6_counters[] = {
#define COUNTER_POINTER(name, about) &ip6_count_##name,
	IP6_COUNTERS(COUNTER_POINTER)
};

/* Some take effect at once: forwarding, disable_ipv6. */
static int
ip6_var_set(const struct kvar *kv, const char *text)
{
	int error = netvar_kvset(kv, text);

	if (error == 0)
		ip6_kick(netns_current());
	return error;
}

void
ip6_var_attach(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ip6_vars); i++) {
		ip6_vars[i]->nv_var.kv_set = ip6_var_set;
		netvar_register(ip6_vars[i]);
	}
	ip6_var_forwarding2.nv_index = ip6_var_forwarding.nv_index;
	for (size_t i = 0; i < ARRAY_SIZE(ip6_counters); i++)
		counter_register(ip6_counters[i]);
}

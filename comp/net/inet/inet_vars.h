/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inet_vars.h - settings and counters of IPv4 and what both families share
 *
 * Settings have the names and meanings of Linux's ip-sysctl document; counters
 * those of the SNMP groups (RFC 4293, RFC 4113), under "net.snmp.".
 */

#ifndef INET_VARS_H
#define INET_VARS_H

#include <net/netns.h>
#include <sys/vcpu.h>

extern struct netvar netvar_ip_forward;
extern struct netvar netvar_ip_default_ttl;
extern struct netvar netvar_ip_nonlocal_bind;
extern struct netvar netvar_ip6_nonlocal_bind;
extern struct netvar netvar_ip_no_pmtu_disc;
extern struct netvar netvar_ip_min_pmtu;
extern struct netvar netvar_unprivileged_port_start;
extern struct netvar netvar_ipfrag_high_thresh;
extern struct netvar netvar_ipfrag_time;
extern struct netvar netvar_ipfrag_max_dist;
extern struct netvar netvar_icmp_echo_ignore_all;
extern struct netvar netvar_icmp_echo_ignore_broadcasts;
extern struct netvar netvar_icmp_ratelimit;
extern struct netvar netvar_icmp_ratemask;
extern struct netvar netvar_icmp_msgs_per_sec;
extern struct netvar netvar_icmp_msgs_burst;
extern struct netvar netvar_accept_source_route;
extern struct netvar netvar_accept_redirects;
extern struct netvar netvar_secure_redirects;
extern struct netvar netvar_send_redirects;
extern struct netvar netvar_rp_filter;
extern struct netvar netvar_route_localnet;
extern struct netvar netvar_bc_forwarding;
extern struct netvar netvar_proxy_arp;
extern struct netvar netvar_arp_ignore;
extern struct netvar netvar_arp_notify;
extern struct netvar netvar_arp_accept;
extern struct netvar netvar_igmp_max_memberships;
extern struct netvar netvar_igmp_max_msf;
extern struct netvar netvar_force_igmp_version;

/* Counters of this kernel; each vCPU adds on lines of its own. */
enum inet_stat {
	IPSTAT_INRECEIVES, IPSTAT_INHDRERRORS, IPSTAT_INADDRERRORS, IPSTAT_FORWDATAGRAMS,
	IPSTAT_INUNKNOWNPROTOS, IPSTAT_INDISCARDS, IPSTAT_INDELIVERS, IPSTAT_OUTREQUESTS,
	IPSTAT_OUTDISCARDS, IPSTAT_OUTNOROUTES, IPSTAT_REASMTIMEOUT, IPSTAT_REASMREQDS,
	IPSTAT_REASMOKS, IPSTAT_REASMFAILS, IPSTAT_FRAGOKS, IPSTAT_FRAGFAILS,
	IPSTAT_FRAGCREATES, IPSTAT_INMARTIANS, IPSTAT_INTRUNCATED, IPSTAT_REASMOVERLAPS,
	ICMPSTAT_INMSGS, ICMPSTAT_INERRORS, ICMPSTAT_INCSUMERRORS, ICMPSTAT_INDESTUNREACHS,
	ICMPSTAT_INTIMEEXCDS, ICMPSTAT_INPARMPROBS, ICMPSTAT_INREDIRECTS, ICMPSTAT_INECHOS,
	ICMPSTAT_INECHOREPS, ICMPSTAT_INTIMESTAMPS, ICMPSTAT_OUTMSGS, ICMPSTAT_OUTERRORS,
	ICMPSTAT_OUTRATELIMITED, ICMPSTAT_OUTDESTUNREACHS, ICMPSTAT_OUTTIMEEXCDS,
	ICMPSTAT_OUTREDIRECTS, ICMPSTAT_OUTECHOREPS,
	UDPSTAT_INDATAGRAMS, UDPSTAT_NOPORTS, UDPSTAT_INERRORS, UDPSTAT_OUTDATAGRAMS,
	UDPSTAT_RCVBUFERRORS, UDPSTAT_SNDBUFERRORS, UDPSTAT_INCSUMERRORS, UDPSTAT_IGNOREDMULTI,
	ARPSTAT_INREQUESTS, ARPSTAT_INREPLIES, ARPSTAT_INERRORS, ARPSTAT_CONFLICTS,
	ARPSTAT_OUTREQUESTS, ARPSTAT_OUTREPLIES,
	IGMPSTAT_INQUERIES, IGMPSTAT_INREPORTS, IGMPSTAT_INERRORS, IGMPSTAT_OUTREPORTS,
	INET_NSTATS,
};

struct inet_stats {
	uint64_t	 is_n[INET_NSTATS];
} __aligned_to(CACHE_LINE);

extern struct inet_stats inet_stats_cpu[VCPU_MAX];

/* In kernel context. */
static inline void
inet_count_n(enum inet_stat what, uint64_t n)
{
	uint64_t *c = &inet_stats_cpu[vcpu_self()->vc_index].is_n[what];

	__atomic_store_n(c, __atomic_load_n(c, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline void
inet_count(enum inet_stat what)
{
	inet_count_n(what, 1);
}

uint64_t inet_stat_read(enum inet_stat what);

#endif /* INET_VARS_H */

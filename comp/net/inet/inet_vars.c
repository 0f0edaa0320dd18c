/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inet_vars.c - settings of IPv4, and counters by their SNMP names
 */

#include "inet_vars.h"

#include <lib/string.h>
#include <linux/in.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kvar.h>

#include "inet_impl.h"
#include "inpcb_impl.h"

NETVAR_DEFINE(netvar_ip_forward, "net.ipv4.ip_forward", 0, 0, 1, "forward packets of others");
NETVAR_DEFINE(netvar_ip_default_ttl, "net.ipv4.ip_default_ttl", 64, 1, 255,
    "TTL of packets that do not say");
NETVAR_DEFINE(netvar_ip_nonlocal_bind, "net.ipv4.ip_nonlocal_bind", 0, 0, 1,
    "bind to addresses that are not ours");
NETVAR_DEFINE(netvar_ip6_nonlocal_bind, "net.ipv6.ip_nonlocal_bind", 0, 0, 1,
    "bind to addresses that are not ours");
NETVAR_DEFINE(netvar_ip_no_pmtu_disc, "net.ipv4.ip_no_pmtu_disc", 0, 0, 3,
    "1: no path MTU discovery for new sockets");
NETVAR_DEFINE(netvar_ip_min_pmtu, "net.ipv4.route.min_pmtu", 552, 68, 65535,
    "smallest path MTU believed");
NETVAR_DEFINE(netvar_unprivileged_port_start, "net.ipv4.ip_unprivileged_port_start", 1024, 0,
    65535, "first port that everybody may bind");
NETVAR_DEFINE(netvar_ipfrag_high_thresh, "net.ipv4.ipfrag_high_thresh", 4 << 20, 0, 1 << 30,
    "bytes of memory for fragments");
NETVAR_DEFINE(netvar_ipfrag_time, "net.ipv4.ipfrag_time", 30, 1, 3600,
    "seconds that fragments wait");
NETVAR_DEFINE(netvar_ipfrag_max_dist, "net.ipv4.ipfrag_max_dist", 64, 0, 65535,
    "datagrams of one source that are reassembled at once; 0: any number");
NETVAR_DEFINE(netvar_icmp_echo_ignore_all, "net.ipv4.icmp_echo_ignore_all", 0, 0, 1,
    "do not answer pings");
NETVAR_DEFINE(netvar_icmp_echo_ignore_broadcasts, "net.ipv4.icmp_echo_ignore_broadcasts", 1, 0, 1,
    "do not answer pings of broadcast addresses");
NETVAR_DEFINE(netvar_icmp_ratelimit, "net.ipv4.icmp_ratelimit", 1000, 0, 1 << 30,
    "milliseconds between ICMP errors to one host; 0: no limit");
NETVAR_DEFINE(netvar_icmp_ratemask, "net.ipv4.icmp_ratemask", 0x1818, 0, INT32_MAX,
    "types to which the limit applies");
NETVAR_DEFINE(netvar_icmp_msgs_per_sec, "net.ipv4.icmp_msgs_per_sec", 1000, 0, 1 << 30,
    "ICMP errors a second to all hosts");
NETVAR_DEFINE(netvar_icmp_msgs_burst, "net.ipv4.icmp_msgs_burst", 50, 0, 1 << 30,
    "how many of them at once");
NETVAR_DEFINE(netvar_accept_source_route, "net.ipv4.conf.all.accept_source_route", 0, 0, 1,
    "obey the options of source routing");
NETVAR_DEFINE(netvar_accept_redirects, "net.ipv4.conf.all.accept_redirects", 1, 0, 1,
    "believe ICMP redirects");
NETVAR_DEFINE(netvar_secure_redirects, "net.ipv4.conf.all.secure_redirects", 1, 0, 1,
    "... only those that lead to a gateway of ours");
NETVAR_DEFINE(netvar_send_redirects, "net.ipv4.conf.all.send_redirects", 1, 0, 1,
    "send ICMP redirects when forwarding");
NETVAR_DEFINE(netvar_rp_filter, "net.ipv4.conf.all.rp_filter", 0, 0, 2,
    "1: drop what comes by another way than answers go; 2: what no way leads back to");
NETVAR_DEFINE(netvar_route_localnet, "net.ipv4.conf.all.route_localnet", 0, 0, 1,
    "take 127/8 from outside");
NETVAR_DEFINE(netvar_bc_forwarding, "net.ipv4.conf.all.bc_forwarding", 0, 0, 1,
    "forward directed broadcasts");
NETVAR_DEFINE(netvar_proxy_arp, "net.ipv4.conf.all.proxy_arp", 0, 0, 1,
    "answer ARP for whom we route to");
NETVAR_DEFINE(netvar_arp_ignore, "net.ipv4.conf.all.arp_ignore", 0, 0, 2,
    "1: answer for the interface's own addresses only");
NETVAR_DEFINE(netvar_arp_notify, "net.ipv4.conf.all.arp_notify", 1, 0, 1,
    "announce new addresses");
NETVAR_DEFINE(netvar_arp_accept, "net.ipv4.conf.all.arp_accept", 0, 0, 1,
    "learn new neighbours from announcements");
NETVAR_DEFINE(netvar_igmp_max_memberships, "net.ipv4.igmp_max_memberships", 20, 0, 65535,
    "groups a socket may join");
NETVAR_DEFINE(netvar_igmp_max_msf, "net.ipv4.igmp_max_msf", 10, 0, 65535,
    "sources in the filter of a group");
NETVAR_DEFINE(netvar_force_igmp_version, "net.ipv4.conf.all.force_igmp_version", 0, 0, 3,
    "0: by what routers speak");

static struct netvar *const inet_netvars[] = {
	&netvar_ip_forward, &netvar_ip_default_ttl, &netvar_ip_nonlocal_bind,
	&netvar_ip6_nonlocal_bind, &netvar_ip_no_pmtu_disc, &netvar_ip_min_pmtu,
	&netvar_unprivileged_port_start, &netvar_ipfrag_high_thresh, &netvar_ipfrag_time,
	&netvar_ipfrag_max_dist, &netvar_icmp_echo_ignore_all,
	&netvar_icmp_echo_ignore_broadcasts, &netvar_icmp_ratelimit, &netvar_icmp_ratemask,
	&netvar_icmp_msgs_per_sec, &netvar_icmp_msgs_burst, &netvar_accept_source_route,
	&netvar_accept_redirects, &netvar_secure_redirects, &netvar_send_redirects,
	&netvar_rp_filter, &netvar_route_localnet, &netvar_bc_forwarding, &netvar_proxy_arp,
	&netvar_arp_ignore, &netvar_arp_notify, &netvar_arp_accept,
	&netvar_igmp_max_memberships, &netvar_igmp_max_msf, &netvar_force_igmp_version,
};

/* --- pairs of numbers ----------------------------------------------------- */

/* Settings that are not one int: of a name space, in the slot of the pcbs. */
struct inet_ranges {
	uint32_t	 ir_ports;	/* a: low << 16 | high */
	uint64_t	 ir_pinggroup;	/* a: low << 32 | high */
	struct inpcbtable *ir_pings;	/* c: identifiers of ping sockets */
};

#define PORTS_DEFAULT	(32768u << 16 | 60999u)
#define PING_EVERYBODY	(uint64_t)INT32_MAX	/* 0 to this: as distributions set it */

static struct inet_ranges *
ranges_of(const struct netns *ns)
{
	return netns_data(ns, NETNS_SLOT_INPCB);
}

struct inpcbtable *
inet_ping_table(const struct netns *ns)
{
	return ranges_of(ns)->ir_pings;
}

void
inpcb_portrange(const struct netns *ns, uint32_t *ret_low, uint32_t *ret_high)
{
	uint32_t both = atomic_load(&ranges_of(ns)->ir_ports);

	*ret_low = both >> 16;
	*ret_high = both & 0xffff;
}

int
inpcb_setportrange(const struct netns *ns, uint64_t low, uint64_t high)
{
	if (low == 0 || high > 65535 || low > high)
		return EINVAL;
	atomic_store(&ranges_of(ns)->ir_ports, (uint32_t)(low << 16 | high));
	return 0;
}

void
inet_pinggroup(const struct netns *ns, uint32_t *ret_low, uint32_t *ret_high)
{
	uint64_t both = atomic_load(&ranges_of(ns)->ir_pinggroup);

	*ret_low = (uint32_t)(both >> 32);
	*ret_high = (uint32_t)both;
}

static const char *
parse_number(const char *s, uint64_t *ret_n)
{
	uint64_t n = 0;

	while (*s == ' ' || *s == '\t')
		s++;
	if (*s < '0' || *s > '9')
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (uint64_t)(*s - '0');
		if (n > UINT32_MAX)
			return NULL;
	}
	*ret_n = n;
	return s;
}

static int
parse_pair(const char *text, uint64_t *ret_low, uint64_t *ret_high)
{
	text = parse_number(text, ret_low);
	if (text != NULL)
		text = parse_number(text, ret_high);
	if (text == NULL)
		return EINVAL;
	while (*text == ' ' || *text == '\t' || *text == '\n')
		text++;
	return *text == '\0' ? 0 : EINVAL;
}

static int
ports_get(const struct kvar *kv, char *buf, size_t size)
{
	uint32_t low, high;

	inpcb_portrange(netns_current(), &low, &high);
	return kvar_printf(buf, size, "%u\t%u", low, high);
}

static int
ports_set(const struct kvar *kv, const char *text)
{
	uint64_t low, high;
	int error;

	error = parse_pair(text, &low, &high);
	return error != 0 ? error : inpcb_setportrange(netns_current(), low, high);
}

static int
pinggroup_get(const struct kvar *kv, char *buf, size_t size)
{
	uint32_t low, high;

	inet_pinggroup(netns_current(), &low, &high);
	return kvar_printf(buf, size, "%u\t%u", low, high);
}

static int
pinggroup_set(const struct kvar *kv, const char *text)
{
	uint64_t low, high;
	int error;

	error = parse_pair(text, &low, &high);
	if (error)
		return error;
	atomic_store(&ranges_of(netns_current())->ir_pinggroup, low << 32 | high);
	return 0;
}

static struct kvar inet_pairs[] = {
	{ .kv_name = "net.ipv4.ip_local_port_range", .kv_about = "ports given to who does not ask",
	    .kv_type = KVAR_FN, .kv_get = ports_get, .kv_set = ports_set },
	{ .kv_name = "net.ipv4.ping_group_range", .kv_about = "groups that may make ping sockets",
	    .kv_type = KVAR_FN, .kv_get = pinggroup_get, .kv_set = pinggroup_set },
};

static int
ranges_init(struct netns *ns, void **ret_data)
{
	struct inet_ranges *ir = kmem_zalloc(sizeof(*ir), KM_SLEEP);
	int error;

	if (ir == NULL)
		return ENOMEM;
	error = inpcbtable_create(ns, IPPROTO_ICMP, &ir->ir_pings);
	if (error) {
		kmem_free(ir, sizeof(*ir));
		return error;
	}
	ir->ir_ports = PORTS_DEFAULT;
	ir->ir_pinggroup = PING_EVERYBODY;
	*ret_data = ir;
	return 0;
}

static void
ranges_fini(struct netns *ns, void *data)
{
	struct inet_ranges *ir = data;

	inpcbtable_destroy(ir->ir_pings);
	kmem_free(ir, sizeof(*ir));
}

static struct netns_ops ranges_ops = {
	.no_slot = NETNS_SLOT_INPCB, .no_name = "inpcb",
	.no_init = ranges_init, .no_fini = ranges_fini,
};

/* --- counters ------------------------------------------------------------- */

struct inet_stats inet_stats_cpu[VCPU_MAX];

static const char *const inet_stat_names[INET_NSTATS] = {
	[IPSTAT_INRECEIVES] = "net.snmp.Ip.InReceives",
	[IPSTAT_INHDRERRORS] = "net.snmp.Ip.InHdrErrors",
	[IPSTAT_INADDRERRORS] = "net.snmp.Ip.InAddrErrors",
	[IPSTAT_FORWDATAGRAMS] = "net.snmp.Ip.ForwDatagrams",
	[IPSTAT_INUNKNOWNPROTOS] = "net.snmp.Ip.InUnknownProtos",
	[IPSTAT_INDISCARDS] = "net.snmp.Ip.InDiscards",
	[IPSTAT_INDELIVERS] = "net.snmp.Ip.InDelivers",
	[IPSTAT_OUTREQUESTS] = "net.snmp.Ip.OutRequests",
	[IPSTAT_OUTDISCARDS] = "net.snmp.Ip.OutDiscards",
	[IPSTAT_OUTNOROUTES] = "net.snmp.Ip.OutNoRoutes",
	[IPSTAT_REASMTIMEOUT] = "net.snmp.Ip.ReasmTimeout",
	[IPSTAT_REASMREQDS] = "net.snmp.Ip.ReasmReqds",
	[IPSTAT_REASMOKS] = "net.snmp.Ip.ReasmOKs",
	[IPSTAT_REASMFAILS] = "net.snmp.Ip.ReasmFails",
	[IPSTAT_FRAGOKS] = "net.snmp.Ip.FragOKs",
	[IPSTAT_FRAGFAILS] = "net.snmp.Ip.FragFails",
	[IPSTAT_FRAGCREATES] = "net.snmp.Ip.FragCreates",
	[IPSTAT_INMARTIANS] = "net.snmp.Ip.InMartians",
	[IPSTAT_INTRUNCATED] = "net.snmp.Ip.InTruncatedPkts",
	[IPSTAT_REASMOVERLAPS] = "net.snmp.Ip.ReasmOverlaps",
	[ICMPSTAT_INMSGS] = "net.snmp.Icmp.InMsgs",
	[ICMPSTAT_INERRORS] = "net.snmp.Icmp.InErrors",
	[ICMPSTAT_INCSUMERRORS] = "net.snmp.Icmp.InCsumErrors",
	[ICMPSTAT_INDESTUNREACHS] = "net.snmp.Icmp.InDestUnreachs",
	[ICMPSTAT_INTIMEEXCDS] = "net.snmp.Icmp.InTimeExcds",
	[ICMPSTAT_INPARMPROBS] = "net.snmp.Icmp.InParmProbs",
	[ICMPSTAT_INREDIRECTS] = "net.snmp.Icmp.InRedirects",
	[ICMPSTAT_INECHOS] = "net.snmp.Icmp.InEchos",
	[ICMPSTAT_INECHOREPS] = "net.snmp.Icmp.InEchoReps",
	[ICMPSTAT_INTIMESTAMPS] = "net.snmp.Icmp.InTimestamps",
	[ICMPSTAT_OUTMSGS] = "net.snmp.Icmp.OutMsgs",
	[ICMPSTAT_OUTERRORS] = "net.snmp.Icmp.OutErrors",
	[ICMPSTAT_OUTRATELIMITED] = "net.snmp.Icmp.OutRateLimited",
	[ICMPSTAT_OUTDESTUNREACHS] = "net.snmp.Icmp.OutDestUnreachs",
	[ICMPSTAT_OUTTIMEEXCDS] = "net.snmp.Icmp.OutTimeExcds",
	[ICMPSTAT_OUTREDIRECTS] = "net.snmp.Icmp.OutRedirects",
	[ICMPSTAT_OUTECHOREPS] = "net.snmp.Icmp.OutEchoReps",
	[UDPSTAT_INDATAGRAMS] = "net.snmp.Udp.InDatagrams",
	[UDPSTAT_NOPORTS] = "net.snmp.Udp.NoPorts",
	[UDPSTAT_INERRORS] = "net.snmp.Udp.InErrors",
	[UDPSTAT_OUTDATAGRAMS] = "net.snmp.Udp.OutDatagrams",
	[UDPSTAT_RCVBUFERRORS] = "net.snmp.Udp.RcvbufErrors",
	[UDPSTAT_SNDBUFERRORS] = "net.snmp.Udp.SndbufErrors",
	[UDPSTAT_INCSUMERRORS] = "net.snmp.Udp.InCsumErrors",
	[UDPSTAT_IGNOREDMULTI] = "net.snmp.Udp.IgnoredMulti",
	[ARPSTAT_INREQUESTS] = "net.snmp.Arp.InRequests",
	[ARPSTAT_INREPLIES] = "net.snmp.Arp.InReplies",
	[ARPSTAT_INERRORS] = "net.snmp.Arp.InErrors",
	[ARPSTAT_CONFLICTS] = "net.snmp.Arp.Conflicts",
	[ARPSTAT_OUTREQUESTS] = "net.snmp.Arp.OutRequests",
	[ARPSTAT_OUTREPLIES] = "net.snmp.Arp.OutReplies",
	[IGMPSTAT_INQUERIES] = "net.snmp.Igmp.InQueries",
	[IGMPSTAT_INREPORTS] = "net.snmp.Igmp.InReports",
	[IGMPSTAT_INERRORS] = "net.snmp.Igmp.InErrors",
	[IGMPSTAT_OUTREPORTS] = "net.snmp.Igmp.OutReports",
};

static struct kvar inet_stat_kvars[INET_NSTATS];

uint64_t
inet_stat_read(enum inet_stat what)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < vcpu_count; i++)
		sum += atomic_load(&inet_stats_cpu[i].is_n[what]);
	return sum;
}

static int
stat_get(const struct kvar *kv, char *buf, size_t size)
{
	uint64_t n = inet_stat_read((enum inet_stat)(kv - inet_stat_kvars));

	return kvar_printf(buf, size, "%llu", (unsigned long long)n);
}

int
inet_vars_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(inet_netvars); i++)
		netvar_register(inet_netvars[i]);
	for (size_t i = 0; i < ARRAY_SIZE(inet_pairs); i++)
		kvar_register(&inet_pairs[i]);
	for (size_t i = 0; i < INET_NSTATS; i++) {
		struct kvar *kv = &inet_stat_kvars[i];

		kv->kv_name = inet_stat_names[i];
		kv->kv_about = "see RFC 4293 and RFC 4113";
		kv->kv_type = KVAR_FN;
		kv->kv_flags = KVAR_RDONLY;
		kv->kv_get = stat_get;
		kvar_register(kv);
	}
	return netns_register(&ranges_ops);
}

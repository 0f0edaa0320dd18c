/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_vars.c - TCP's settings and counters
 *
 * Settings have the names, units and meanings of Linux's ip-sysctl document, a
 * value per name space; counters those of its SNMP groups Tcp and TcpExt.
 */

#include "tcp_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kvar.h>

#define V(sym, name, deflt, min, max, about) \
	NETVAR_DEFINE(tcpvar_##sym, "net.ipv4." name, deflt, min, max, about)

V(timestamps, "tcp_timestamps", 1, 0, 2, "timestamps option (RFC 7323)");
V(sack, "tcp_sack", 1, 0, 1, "selective acknowledgments (RFC 2018)");
V(dsack, "tcp_dsack", 1, 0, 1, "tell of duplicates (RFC 2883)");
V(wscale, "tcp_window_scaling", 1, 0, 1, "window scaling (RFC 7323)");
V(ecn, "tcp_ecn", 2, 0, 2, "ECN (RFC 3168): 1 ask for it, 2 agree if asked");
V(syn_retries, "tcp_syn_retries", 6, 1, 127, "how often a SYN is repeated");
V(synack_retries, "tcp_synack_retries", 5, 0, 255, "how often a SYN-ACK is repeated");
V(retries1, "tcp_retries1", 3, 0, 255, "timeouts after which the route is doubted");
V(retries2, "tcp_retries2", 15, 0, 255, "timeouts after which a connection ends");
V(orphan_retries, "tcp_orphan_retries", 0, 0, 255, "the same when nobody has it open; 0: 8");
V(fin_timeout, "tcp_fin_timeout", 60, 1, 3600, "seconds in FIN-WAIT-2 with nobody there");
V(keep_time, "tcp_keepalive_time", 7200, 1, 32767, "seconds of silence before a probe");
V(keep_intvl, "tcp_keepalive_intvl", 75, 1, 32767, "seconds between probes");
V(keep_probes, "tcp_keepalive_probes", 9, 1, 127, "probes without answer that end it");
V(syncookies, "tcp_syncookies", 1, 0, 2, "SYN cookies: 1 when requests are too many, 2 always");
V(max_syn_backlog, "tcp_max_syn_backlog", 4096, 1, INT32_MAX, "requests a listener keeps");
V(fastopen, "tcp_fastopen", 1, 0, 0x7fff, "fast open (RFC 7413): 1 client, 2 server");
V(tw_reuse, "tcp_tw_reuse", 2, 0, 2, "connect over TIME-WAIT: 1 yes, 2 to ourselves only");
V(max_tw, "tcp_max_tw_buckets", 65536, 0, INT32_MAX, "connections in TIME-WAIT");
V(abort_on_overflow, "tcp_abort_on_overflow", 0, 0, 1, "reset what accept is too slow for");
V(rmem_default, "tcp_rmem.default", 131072, 4096, INT32_MAX, "receive buffer at first");
V(rmem_max, "tcp_rmem.max", 6291456, 4096, INT32_MAX, "receive buffer at most");
V(wmem_default, "tcp_wmem.default", 87040, 4096, INT32_MAX, "send buffer at first");
V(wmem_max, "tcp_wmem.max", 4194304, 4096, INT32_MAX, "send buffer at most");
V(wmem_local, "tcp_wmem.local", 524288, 4096, INT32_MAX, "... through memory of this host");
V(moderate_rcvbuf, "tcp_moderate_rcvbuf", 1, 0, 1, "receive buffers grow by themselves");
V(mtu_probing, "tcp_mtu_probing", 1, 0, 2, "try sizes of segments: 1 after a black hole, 2 always");
V(base_mss, "tcp_base_mss", 1024, 88, 65535, "... this small");
V(probe_floor, "tcp_mtu_probe_floor", 48, 48, 65535, "... and never smaller than this");
V(probe_interval, "tcp_probe_interval", 600, 1, INT32_MAX, "seconds until larger ones are tried again");
V(probe_threshold, "tcp_probe_threshold", 8, 1, 65535, "octets of doubt that end the search");
V(min_snd_mss, "tcp_min_snd_mss", 48, 48, 65535, "least segment a peer can make us send");
V(slow_start_idle, "tcp_slow_start_after_idle", 1, 0, 1, "a pause takes the window back");
V(frto, "tcp_frto", 2, 0, 2, "detect spurious timeouts (RFC 5682)");
V(early_retrans, "tcp_early_retrans", 3, 0, 4, "tail loss probes (RFC 8985); 0: none");
V(challenge_limit, "tcp_challenge_ack_limit", 1000, 0, INT32_MAX, "challenge ACKs a second");
V(notsent_lowat, "tcp_notsent_lowat", INT32_MAX, 0, INT32_MAX, "writable below so many unsent");
V(rfc1337, "tcp_rfc1337", 0, 0, 1, "RST does not end TIME-WAIT");
V(max_orphans, "tcp_max_orphans", 16384, 0, INT32_MAX, "connections that nobody has open");
V(somaxconn, "tcp_somaxconn", 4096, 1, 65535, "bound of listen's backlog");


/* The one that is a name: it is kept as a place in the table of algorithms. */
static int
cc_kvget(const struct kvar *kv, char *buf, size_t size)
{
	const struct netvar *nv = container_of(kv, struct netvar, nv_var);

	return kvar_printf(buf, size, "%s",
	    tcp_cc_at((unsigned int)netvar_get(netns_current(), nv))->co_name);
}

static int
cc_kvset(const struct kvar *kv, const char *text)
{
	const struct netvar *nv = container_of(kv, struct netvar, nv_var);

	for (unsigned int i = 0; tcp_cc_at(i) != NULL; i++) {
		if (strcmp(tcp_cc_at(i)->co_name, text) == 0)
			return netvar_set(netns_current(), nv, (int)i);
	}
	return ENOENT;
}

struct netvar tcpvar_cc = { .nv_var = { .kv_name = "net.ipv4.tcp_congestion_control",
	.kv_about = "congestion control of new sockets", .kv_type = KVAR_FN, .kv_max = INT32_MAX,
	.kv_get = cc_kvget, .kv_set = cc_kvset } };

static struct netvar *const tcp_netvars[] = {
	&tcpvar_timestamps, &tcpvar_sack, &tcpvar_dsack, &tcpvar_wscale, &tcpvar_ecn,
	&tcpvar_syn_retries, &tcpvar_synack_retries, &tcpvar_retries1, &tcpvar_retries2,
	&tcpvar_orphan_retries, &tcpvar_fin_timeout, &tcpvar_keep_time, &tcpvar_keep_intvl,
	&tcpvar_keep_probes, &tcpvar_syncookies, &tcpvar_max_syn_backlog, &tcpvar_fastopen,
	&tcpvar_tw_reuse, &tcpvar_max_tw, &tcpvar_abort_on_overflow, &tcpvar_rmem_default,
	&tcpvar_rmem_max, &tcpvar_wmem_default, &tcpvar_wmem_max, &tcpvar_wmem_local,
	&tcpvar_moderate_rcvbuf,
	&tcpvar_mtu_probing, &tcpvar_base_mss, &tcpvar_probe_floor, &tcpvar_probe_interval,
	&tcpvar_probe_threshold, &tcpvar_min_snd_mss, &tcpvar_slow_start_idle,
	&tcpvar_frto, &tcpvar_early_retrans, &tcpvar_challenge_limit, &tcpvar_notsent_lowat,
	&tcpvar_rfc1337, &tcpvar_max_orphans, &tcpvar_cc, &tcpvar_somaxconn,
};

/* --- counters --------------------------------------------------------------------- */

struct tcp_stats tcp_stats_cpu[VCPU_MAX];

uint64_t
tcp_stat_read(enum tcp_stat what)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < vcpu_count; i++)
		sum += atomic_load(&tcp_stats_cpu[i].ts_n[what]);
	return sum;
}

static int
stat_kvget(const struct kvar *kv, char *buf, size_t size)
{
	return kvar_printf(buf, size, "%llu",
	    (unsigned long long)tcp_stat_read((enum tcp_stat)kv->kv_size));
}

#define S(which, name, about) { .kv_name = "net.snmp." name, .kv_about = (about), \
	.kv_type = KVAR_FN, .kv_flags = KVAR_RDONLY, .kv_get = stat_kvget, \
	.kv_size = TCPSTAT_##which }

static struct kvar tcp_kvars[] = {
	S(ACTIVEOPENS, "Tcp.ActiveOpens", "connections that connect(2) began"),
	S(PASSIVEOPENS, "Tcp.PassiveOpens", "connections that came to listeners"),
	S(ATTEMPTFAILS, "Tcp.AttemptFails", "handshakes that failed"),
	S(ESTABRESETS, "Tcp.EstabResets", "connections that ended by RST or timeout"),
	S(INSEGS, "Tcp.InSegs", "segments received"),
	S(OUTSEGS, "Tcp.OutSegs", "segments sent"),
	S(RETRANSSEGS, "Tcp.RetransSegs", "segments sent again"),
	S(INERRS, "Tcp.InErrs", "segments that were garbage"),
	S(OUTRSTS, "Tcp.OutRsts", "RSTs sent"),
	S(INCSUMERRORS, "Tcp.InCsumErrors", "segments with a wrong checksum"),
	S(SYNCOOKIESSENT, "TcpExt.SyncookiesSent", "SYN cookies sent"),
	S(SYNCOOKIESRECV, "TcpExt.SyncookiesRecv", "SYN cookies that came back"),
	S(SYNCOOKIESFAILED, "TcpExt.SyncookiesFailed", "ACKs that were no cookies"),
	S(LISTENOVERFLOWS, "TcpExt.ListenOverflows", "accept queue was full"),
	S(LISTENDROPS, "TcpExt.ListenDrops", "SYNs and ACKs dropped by listeners"),
	S(PAWSESTAB, "TcpExt.PAWSEstab", "segments with an old timestamp"),
	S(CHALLENGEACK, "TcpExt.TCPChallengeACK", "challenge ACKs sent (RFC 5961)"),
	S(SYNCHALLENGE, "TcpExt.TCPSYNChallenge", "... for SYNs"),
	S(TIMEOUTS, "TcpExt.TCPTimeouts", "retransmission timeouts"),
	S(SPURIOUSRTOS, "TcpExt.TCPSpuriousRTOs", "... that F-RTO found spurious"),
	S(LOSSPROBES, "TcpExt.TCPLossProbes", "tail loss probes sent"),
	S(LOSSPROBERECOVERY, "TcpExt.TCPLossProbeRecovery", "... that repaired a loss"),
	S(SACKRECOVERY, "TcpExt.TCPSackRecovery", "recoveries with SACK"),
	S(RENORECOVERY, "TcpExt.TCPRenoRecovery", "recoveries without"),
	S(LOSTRETRANSMIT, "TcpExt.TCPLostRetransmit", "retransmissions that were lost"),
	S(DSACKUNDO, "TcpExt.TCPDSACKUndo", "recoveries undone by DSACK"),
	S(FULLUNDO, "TcpExt.TCPFullUndo", "recoveries undone by timestamps"),
	S(SACKRENEGING, "TcpExt.TCPSACKReneging", "peers that took SACKs back"),
	S(DSACKSENT, "TcpExt.TCPDSACKOldSent", "DSACKs sent"),
	S(DSACKRECV, "TcpExt.TCPDSACKRecv", "DSACKs received"),
	S(OFOQUEUE, "TcpExt.TCPOFOQueue", "segments that came out of order"),
	S(OFOPRUNED, "TcpExt.OfoPruned", "... dropped for lack of room"),
	S(RCVCOLLAPSED, "TcpExt.TCPRcvQDrop", "segments dropped for lack of room"),
	S(ABORTONDATA, "TcpExt.TCPAbortOnData", "closed before all was received"),
	S(ABORTONCLOSE, "TcpExt.TCPAbortOnClose", "closed before all was read"),
	S(ABORTONTIMEOUT, "TcpExt.TCPAbortOnTimeout", "ended by a timeout"),
	S(ABORTONLINGER, "TcpExt.TCPAbortOnLinger", "reset by a linger of 0"),
	S(KEEPALIVE, "TcpExt.TCPKeepAlive", "keep-alive probes sent"),
	S(TW, "TcpExt.TW", "connections that entered TIME-WAIT"),
	S(TWRECYCLED, "TcpExt.TWRecycled", "... and made room for a new one"),
	S(FASTOPENACTIVE, "TcpExt.TCPFastOpenActive", "fast opens that worked"),
	S(FASTOPENACTIVEFAIL, "TcpExt.TCPFastOpenActiveFail", "fast opens whose data went again"),
	S(FASTOPENPASSIVE, "TcpExt.TCPFastOpenPassive", "fast opens of clients"),
	S(FASTOPENPASSIVEFAIL, "TcpExt.TCPFastOpenPassiveFail", "... with a bad cookie"),
	S(FASTOPENCOOKIEREQD, "TcpExt.TCPFastOpenCookieReqd", "fast open cookies asked for"),
	S(MTUPFAIL, "TcpExt.TCPMTUPFail", "sizes of segments that did not pass"),
	S(MTUPSUCCESS, "TcpExt.TCPMTUPSuccess", "larger segments that passed when tried"),
};
_Static_assert(ARRAY_SIZE(tcp_kvars) == TCPSTAT_NSTATS, "name each counter");

void
tcp_vars_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(tcp_netvars); i++)
		netvar_register(tcp_netvars[i]);
	for (size_t i = 0; i < ARRAY_SIZE(tcp_kvars); i++)
		kvar_register(&tcp_kvars[i]);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_vars.h - settings and counters of TCP
 */

#ifndef TCP_VARS_H
#define TCP_VARS_H

#include <net/netns.h>
#include <sys/atomic.h>
#include <sys/vcpu.h>

extern struct netvar tcpvar_timestamps, tcpvar_sack, tcpvar_wscale, tcpvar_ecn,
    tcpvar_syn_retries, tcpvar_synack_retries, tcpvar_retries1, tcpvar_retries2,
    tcpvar_orphan_retries, tcpvar_fin_timeout, tcpvar_keep_time, tcpvar_keep_intvl,
    tcpvar_keep_probes, tcpvar_syncookies, tcpvar_max_syn_backlog, tcpvar_fastopen,
    tcpvar_tw_reuse, tcpvar_max_tw, tcpvar_abort_on_overflow, tcpvar_rmem_default,
    tcpvar_rmem_max, tcpvar_wmem_default, tcpvar_wmem_max, tcpvar_wmem_local,
    tcpvar_moderate_rcvbuf,
    tcpvar_mtu_probing, tcpvar_base_mss, tcpvar_probe_floor,
    tcpvar_probe_interval, tcpvar_probe_threshold, tcpvar_min_snd_mss, tcpvar_slow_start_idle,
    tcpvar_frto, tcpvar_early_retrans, tcpvar_dsack,
    tcpvar_challenge_limit, tcpvar_notsent_lowat, tcpvar_rfc1337,
    tcpvar_max_orphans, tcpvar_cc, tcpvar_somaxconn;

enum tcp_stat {
	TCPSTAT_ACTIVEOPENS, TCPSTAT_PASSIVEOPENS, TCPSTAT_ATTEMPTFAILS, TCPSTAT_ESTABRESETS,
	TCPSTAT_INSEGS, TCPSTAT_OUTSEGS, TCPSTAT_RETRANSSEGS, TCPSTAT_INERRS,
	TCPSTAT_OUTRSTS, TCPSTAT_INCSUMERRORS, TCPSTAT_SYNCOOKIESSENT,
	TCPSTAT_SYNCOOKIESRECV, TCPSTAT_SYNCOOKIESFAILED, TCPSTAT_LISTENOVERFLOWS,
	TCPSTAT_LISTENDROPS, TCPSTAT_PAWSESTAB, TCPSTAT_CHALLENGEACK, TCPSTAT_SYNCHALLENGE,
	TCPSTAT_TIMEOUTS, TCPSTAT_SPURIOUSRTOS, TCPSTAT_LOSSPROBES, TCPSTAT_LOSSPROBERECOVERY,
	TCPSTAT_SACKRECOVERY, TCPSTAT_RENORECOVERY, TCPSTAT_LOSTRETRANSMIT,
	TCPSTAT_DSACKUNDO, TCPSTAT_FULLUNDO, TCPSTAT_SACKRENEGING, TCPSTAT_DSACKSENT,
	TCPSTAT_DSACKRECV, TCPSTAT_OFOQUEUE, TCPSTAT_OFOPRUNED, TCPSTAT_RCVCOLLAPSED,
	TCPSTAT_ABORTONDATA, TCPSTAT_ABORTONCLOSE, TCPSTAT_ABORTONTIMEOUT,
	TCPSTAT_ABORTONLINGER, TCPSTAT_KEEPALIVE, TCPSTAT_TW, TCPSTAT_TWRECYCLED,
	TCPSTAT_FASTOPENACTIVE, TCPSTAT_FASTOPENACTIVEFAIL, TCPSTAT_FASTOPENPASSIVE,
	TCPSTAT_FASTOPENPASSIVEFAIL, TCPSTAT_FASTOPENCOOKIEREQD, TCPSTAT_MTUPFAIL, TCPSTAT_MTUPSUCCESS,
	TCPSTAT_NSTATS,
};

struct tcp_stats {
	uint64_t	 ts_n[TCPSTAT_NSTATS];
} __aligned_to(CACHE_LINE);
extern struct tcp_stats tcp_stats_cpu[VCPU_MAX];

static inline void
tcp_count(enum tcp_stat what)
{
	uint64_t *c = &tcp_stats_cpu[vcpu_self()->vc_index].ts_n[what];

	__atomic_store_n(c, __atomic_load_n(c, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}
uint64_t tcp_stat_read(enum tcp_stat what);
void	tcp_vars_init(void);
int	tcp_component_init(void);	/* called by inet's start */

#endif /* TCP_VARS_H */

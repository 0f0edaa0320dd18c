/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_cc.h - congestion control: how much may be in the network
 *
 * An algorithm is a table of operations on struct tcp_cc.  It is pure: what
 * happened and when it happened are arguments.  Windows are in octets.
 * Loss recovery (who calls when) is tcp_recovery.c's affair.
 */

#ifndef TCP_CC_H
#define TCP_CC_H

#include <lib/list.h>
#include <sys/types.h>

#define TCP_CA_NAME	16		/* TCP_CA_NAME_MAX of the ABI */
#define TCP_INITIAL_WINDOW 10		/* segments: RFC 6928 */
#define TCP_SSTHRESH_INF 0x7fffffffu
#define TCP_CWND_MAX	0x3fffffffu

/* RFC 9406: leaving slow start before the queue overflows. */
struct hystart {
	int64_t		 hy_last;	/* lastRoundMinRTT; 0: infinity */
	int64_t		 hy_cur;	/* currentRoundMinRTT; 0: infinity */
	int64_t		 hy_base;	/* cssBaselineMinRtt */
	uint32_t	 hy_end;	/* windowEnd */
	uint8_t		 hy_samples;	/* rttSampleCount, saturates */
	uint8_t		 hy_rounds;	/* rounds in CSS */
	bool		 hy_css;	/* in conservative slow start */
	bool		 hy_on;
	bool		 hy_begun;	/* hy_end is valid */
};

struct cubic {
	int64_t		 cu_epoch;	/* start of this growth; 0: not yet */
	int64_t		 cu_k;		/* K, ns */
	uint32_t	 cu_wmax;	/* W_max, octets */
	uint32_t	 cu_west;	/* W_est, octets */
	uint32_t	 cu_prior;	/* cwnd_prior */
	uint32_t	 cu_estfrac;	/* octets acked that did not move W_est yet */
	/* As before the last reduction, for undoing it. */
	uint32_t	 cu_oldwmax;
	int64_t		 cu_oldepoch;
};

struct tcp_cc {
	const struct tcp_ccops *cc_ops;
	uint32_t	 cc_cwnd;
	uint32_t	 cc_ssthresh;
	uint32_t	 cc_mss;
	uint32_t	 cc_acked;	/* octets acked since cwnd last grew (CA) */
	struct hystart	 cc_hystart;
	struct cubic	 cc_cubic;
};

/* One ACK that moved SND.UNA. */
struct tcp_ccack {
	int64_t		 ca_now;
	int64_t		 ca_rtt;	/* sample; 0: none */
	int64_t		 ca_srtt;
	uint32_t	 ca_acked;	/* octets */
	uint32_t	 ca_una, ca_nxt;
	bool		 ca_limited;	/* cwnd is what limits us (RFC 7661) */
};

struct tcp_ccops {
	char		 co_name[TCP_CA_NAME];
	void		(*co_init)(struct tcp_cc *);
	/* Grows cc_cwnd. */
	void		(*co_acked)(struct tcp_cc *, const struct tcp_ccack *);
	/* Congestion: the new ssthresh.  inflight: octets in the network. */
	uint32_t	(*co_reduce)(struct tcp_cc *, uint32_t inflight);
	void		(*co_undo)(struct tcp_cc *);	/* the last reduction was wrong; NULL */
};

extern const struct tcp_ccops tcp_cc_cubic, tcp_cc_newreno;

/* NULL: there is none of that name. */
const struct tcp_ccops *tcp_cc_find(const char *name, size_t len);
const struct tcp_ccops *tcp_cc_at(unsigned int i);	/* NULL: there are no more */

void	tcp_cc_init(struct tcp_cc *cc, const struct tcp_ccops *ops, uint32_t mss);
void	tcp_cc_switch(struct tcp_cc *cc, const struct tcp_ccops *ops);
void	tcp_cc_setmss(struct tcp_cc *cc, uint32_t mss);
/* Nothing was sent for idle ns: RFC 2861 and RFC 7661 section 4.4. */
void	tcp_cc_idle(struct tcp_cc *cc, int64_t idle, int64_t rto);

static inline bool
tcp_cc_slowstart(const struct tcp_cc *cc)
{
	return cc->cc_cwnd < cc->cc_ssthresh;
}

/* Slow start with HyStart++; returns octets that are left for avoidance. */
uint32_t tcp_cc_slow_start(struct tcp_cc *cc, const struct tcp_ccack *ca);
/* RFC 5681 section 3.1: one segment a window. */
void	tcp_cc_avoid(struct tcp_cc *cc, uint32_t acked, uint32_t window);

#endif /* TCP_CC_H */

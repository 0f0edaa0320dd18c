/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_rtt.h - how long a round trip takes, and how long to wait for one
 *
 * RFC 6298, in nanoseconds.  Pure: times come as arguments.
 */

#ifndef TCP_RTT_H
#define TCP_RTT_H

#include <sys/types.h>

#define TCP_RTO_INITIAL	(1 * NSEC_PER_SEC)	/* RFC 6298 (2.1) */
#define TCP_RTO_MIN	(NSEC_PER_SEC / 5)	/* as Linux; (2.4) would have a second */
#define TCP_RTO_MAX	(120 * NSEC_PER_SEC)
#define TCP_MINRTT_WINDOW (300 * NSEC_PER_SEC)

struct tcp_rtt {
	int64_t		 tr_srtt;	/* 0: no sample yet */
	int64_t		 tr_rttvar;
	int64_t		 tr_rto;	/* without backoff */
	int64_t		 tr_latest;
	int64_t		 tr_min;	/* least of the window; 0: none yet */
	int64_t		 tr_minat;	/* when it was seen */
};

void	tcp_rtt_init(struct tcp_rtt *tr);
void	tcp_rtt_sample(struct tcp_rtt *tr, int64_t rtt, int64_t now);
/* The timeout after so many in a row. */
int64_t	tcp_rtt_backoff(const struct tcp_rtt *tr, unsigned int times);

#endif /* TCP_RTT_H */

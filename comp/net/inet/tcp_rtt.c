/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_rtt.c - smoothed round trip time and retransmission timeout (RFC 6298)
 *
 * Section 2 word by word, but for the minimum: a second was right when
 * clocks ticked every half of one.  As on Linux the minimum of 200 ms applies
 * to the part for the variance, so that a path of 300 ms has 500 ms.
 *
 * The least round trip of the last five minutes is kept beside: RACK scales
 * its reordering window with it and HyStart++ compares with it.
 */

#include "tcp_rtt.h"

#include <sys/kassert.h>

static int64_t
clamp(int64_t v, int64_t lo, int64_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

void
tcp_rtt_init(struct tcp_rtt *tr)
{
	*tr = (struct tcp_rtt){ .tr_rto = TCP_RTO_INITIAL };
}

static void
sample_min(struct tcp_rtt *tr, int64_t rtt, int64_t now)
{
	if (tr->tr_min == 0 || rtt <= tr->tr_min || now - tr->tr_minat > TCP_MINRTT_WINDOW) {
		tr->tr_min = rtt;
		tr->tr_minat = now;
	}
}

void
tcp_rtt_sample(struct tcp_rtt *tr, int64_t rtt, int64_t now)
{
	int64_t off;

	/* A clock that stands still between two events still means some time. */
	rtt = clamp(rtt, 1, TCP_RTO_MAX);
	tr->tr_latest = rtt;
	sample_min(tr, rtt, now);
	if (tr->tr_srtt == 0) {				/* (2.2) */
		tr->tr_srtt = rtt;
		tr->tr_rttvar = rtt / 2;
	} else {					/* (2.3) */
		off = rtt > tr->tr_srtt ? rtt - tr->tr_srtt : tr->tr_srtt - rtt;
		tr->tr_rttvar += (off - tr->tr_rttvar) / 4;
		tr->tr_srtt += (rtt - tr->tr_srtt) / 8;
		if (tr->tr_srtt < 1)
			tr->tr_srtt = 1;
	}
	tr->tr_rto = clamp(tr->tr_srtt + clamp(4 * tr->tr_rttvar, TCP_RTO_MIN, TCP_RTO_MAX),
	    TCP_RTO_MIN, TCP_RTO_MAX);
}

int64_t
tcp_rtt_backoff(const struct tcp_rtt *tr, unsigned int times)
{
	if (times >= 10 || tr->tr_rto << times > TCP_RTO_MAX)	/* (5.5) */
		return TCP_RTO_MAX;
	return tr->tr_rto << times;
}

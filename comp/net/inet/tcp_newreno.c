/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_newreno.c - "reno": additive increase, multiplicative decrease (RFC 5681)
 *
 * The algorithm all others are compared with.  Its recovery, RFC 6582's, is
 * that of every algorithm here: see tcp_recovery.c.
 */

#include "tcp_cc.h"

static void
newreno_init(struct tcp_cc *cc __unused_arg)
{
}

static void
newreno_acked(struct tcp_cc *cc, const struct tcp_ccack *ca)
{
	uint32_t acked = ca->ca_acked;

	if (!ca->ca_limited)
		return;
	if (tcp_cc_slowstart(cc))
		acked = tcp_cc_slow_start(cc, ca);
	if (acked > 0)
		tcp_cc_avoid(cc, acked, cc->cc_cwnd);
}

/* RFC 5681 equation (4). */
static uint32_t
newreno_reduce(struct tcp_cc *cc, uint32_t inflight)
{
	uint32_t half = (inflight < cc->cc_cwnd ? inflight : cc->cc_cwnd) / 2;

	cc->cc_hystart.hy_on = false;
	return half > 2 * cc->cc_mss ? half : 2 * cc->cc_mss;
}

const struct tcp_ccops tcp_cc_newreno = {
	.co_name	= "reno",
	.co_init	= newreno_init,
	.co_acked	= newreno_acked,
	.co_reduce	= newreno_reduce,
};

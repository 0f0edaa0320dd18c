/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_cc.c - what congestion control algorithms share
 *
 * The table of algorithms; slow start (RFC 5681 section 3.1, with counting of
 * octets without the limit of RFC 3465, as ACKs here may cover 64 KiB); and
 * HyStart++ (RFC 9406), which ends slow start when the round trip grows:
 *
 *	slow start --(RTT grew)--> conservative slow start, growth / 4
 *	conservative --(RTT fell below where it began)--> slow start
 *	conservative --(5 rounds)--> congestion avoidance: ssthresh = cwnd
 */

#include "tcp_cc.h"

#include <lib/string.h>

#include "tcp_wire.h"

#define HY_MIN_THRESH	(4 * 1000000LL)		/* MIN_RTT_THRESH */
#define HY_MAX_THRESH	(16 * 1000000LL)	/* MAX_RTT_THRESH */
#define HY_DIVISOR	8			/* MIN_RTT_DIVISOR */
#define HY_SAMPLES	8			/* N_RTT_SAMPLE */
#define HY_GROWTH	4			/* CSS_GROWTH_DIVISOR */
#define HY_ROUNDS	5			/* CSS_ROUNDS */

static const struct tcp_ccops *const tcp_ccs[] = { &tcp_cc_cubic, &tcp_cc_newreno };

const struct tcp_ccops *
tcp_cc_find(const char *name, size_t len)
{
	len = strnlen(name, len);
	for (size_t i = 0; i < ARRAY_SIZE(tcp_ccs); i++) {
		if (strlen(tcp_ccs[i]->co_name) == len &&
		    memcmp(tcp_ccs[i]->co_name, name, len) == 0)
			return tcp_ccs[i];
	}
	return NULL;
}

const struct tcp_ccops *
tcp_cc_at(unsigned int i)
{
	return i < ARRAY_SIZE(tcp_ccs) ? tcp_ccs[i] : NULL;
}

void
tcp_cc_init(struct tcp_cc *cc, const struct tcp_ccops *ops, uint32_t mss)
{
	memset(cc, 0, sizeof(*cc));
	cc->cc_mss = mss;
	cc->cc_cwnd = TCP_INITIAL_WINDOW * mss;
	cc->cc_ssthresh = TCP_SSTHRESH_INF;
	cc->cc_hystart.hy_on = true;
	tcp_cc_switch(cc, ops);
}

void
tcp_cc_switch(struct tcp_cc *cc, const struct tcp_ccops *ops)
{
	cc->cc_ops = ops;
	cc->cc_acked = 0;
	ops->co_init(cc);
}

/* The windows stay what they are in segments while there is one, in octets else. */
void
tcp_cc_setmss(struct tcp_cc *cc, uint32_t mss)
{
	if (cc->cc_cwnd < mss)
		cc->cc_cwnd = mss;
	cc->cc_mss = mss;
}

void
tcp_cc_idle(struct tcp_cc *cc, int64_t idle, int64_t rto)
{
	uint32_t restart = TCP_INITIAL_WINDOW * cc->cc_mss;
	uint32_t cwnd = cc->cc_cwnd;

	if (cc->cc_ssthresh < cwnd - cwnd / 4)
		cc->cc_ssthresh = cwnd - cwnd / 4;
	for (; idle > rto && cwnd > restart; idle -= rto)
		cwnd /= 2;
	if (cwnd < restart && cc->cc_cwnd > restart)
		cwnd = restart;
	cc->cc_cwnd = cwnd;
	cc->cc_cubic.cu_epoch = 0;
}

/* --- slow start -------------------------------------------------------------- */

/* One more round trip has ended: RFC 9406 section 4.2. */
static void
hystart_round(struct tcp_cc *cc, const struct tcp_ccack *ca)
{
	struct hystart *hy = &cc->cc_hystart;

	hy->hy_last = hy->hy_cur;
	hy->hy_cur = 0;
	hy->hy_samples = 0;
	hy->hy_end = ca->ca_nxt;
	if (hy->hy_css && ++hy->hy_rounds >= HY_ROUNDS)
		cc->cc_ssthresh = cc->cc_cwnd;
}

static void
hystart_sample(struct hystart *hy, int64_t rtt)
{
	int64_t thresh;

	if (hy->hy_cur == 0 || rtt < hy->hy_cur)
		hy->hy_cur = rtt;
	if (hy->hy_samples < UINT8_MAX)
		hy->hy_samples++;
	if (hy->hy_samples < HY_SAMPLES)
		return;
	if (hy->hy_css) {
		if (hy->hy_cur < hy->hy_base) {
			hy->hy_css = false;
			hy->hy_base = 0;
		}
		return;
	}
	if (hy->hy_last == 0)
		return;
	thresh = hy->hy_last / HY_DIVISOR;
	if (thresh < HY_MIN_THRESH)
		thresh = HY_MIN_THRESH;
	if (thresh > HY_MAX_THRESH)
		thresh = HY_MAX_THRESH;
	if (hy->hy_cur >= hy->hy_last + thresh) {
		hy->hy_css = true;
		hy->hy_base = hy->hy_cur;
		hy->hy_rounds = 0;
	}
}

uint32_t
tcp_cc_slow_start(struct tcp_cc *cc, const struct tcp_ccack *ca)
{
	struct hystart *hy = &cc->cc_hystart;
	uint32_t grow = ca->ca_acked, room = cc->cc_ssthresh - cc->cc_cwnd;

	if (hy->hy_on) {
		if (!hy->hy_begun) {
			hy->hy_begun = true;
			hy->hy_end = ca->ca_nxt;
		}
		if (ca->ca_rtt > 0)
			hystart_sample(hy, ca->ca_rtt);
		if (seq_ge(ca->ca_una, hy->hy_end))
			hystart_round(cc, ca);
		if (!tcp_cc_slowstart(cc))
			return ca->ca_acked;
		if (hy->hy_css)
			grow /= HY_GROWTH;
	}
	if (grow > room) {
		cc->cc_cwnd = cc->cc_ssthresh;
		return grow - room;
	}
	cc->cc_cwnd += grow;
	if (cc->cc_cwnd > TCP_CWND_MAX)
		cc->cc_cwnd = TCP_CWND_MAX;
	return 0;
}

void
tcp_cc_avoid(struct tcp_cc *cc, uint32_t acked, uint32_t window)
{
	cc->cc_acked += acked;
	while (cc->cc_acked >= window && window > 0) {
		cc->cc_acked -= window;
		cc->cc_cwnd += cc->cc_mss;
	}
	if (cc->cc_cwnd > TCP_CWND_MAX)
		cc->cc_cwnd = TCP_CWND_MAX;
}

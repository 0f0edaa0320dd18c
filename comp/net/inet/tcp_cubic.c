/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_cubic.c - CUBIC (RFC 9438)
 *
 * After a reduction the window follows a cubic curve of the time since: steep at
 * first, flat around W_max, where the loss was, steep again beyond.
 *
 *	W_cubic(t) = C * (t - K)^3 + W_max		(figure 1)
 *	K = cbrt((W_max - cwnd_epoch) / C)		(figure 2)
 *
 * with C = 0.4, windows in segments and times in seconds.  Here windows are
 * octets and times milliseconds in the cube; intermediate results fit 64 bits
 * as the distance from K is capped at 100 s, by which time the curve is
 * 400,000 segments away.
 *
 * Where Reno would be faster (small windows, short round trips) W_est, an
 * estimate of what Reno had, is taken instead (section 4.3).
 */

#include "tcp_cc.h"

#define NSEC_PER_MSEC	1000000LL
#define CURVE_MAX	100000LL	/* ms from K */

/* beta_cubic = 0.7 */
static uint32_t
times_beta(uint32_t w)
{
	return (uint32_t)((uint64_t)w * 7 / 10);
}

static uint64_t
cube_root(uint64_t v)
{
	uint64_t r = 0;

	for (int bit = 21; bit >= 0; bit--) {
		uint64_t t = r | 1ULL << bit;

		if (t <= 2642245 && t * t * t <= v)
			r = t;
	}
	return r;
}

static void
cubic_init(struct tcp_cc *cc)
{
	cc->cc_cubic = (struct cubic){ .cu_epoch = 0 };
}

/* The first ACK after a reduction, or of congestion avoidance at all. */
static void
epoch_start(struct tcp_cc *cc, int64_t now)
{
	struct cubic *cu = &cc->cc_cubic;

	cu->cu_epoch = now;
	cu->cu_west = cc->cc_cwnd;
	cu->cu_estfrac = 0;
	if (cu->cu_prior < cc->cc_cwnd)
		cu->cu_prior = cc->cc_cwnd;
	if (cu->cu_wmax <= cc->cc_cwnd) {
		/* Section 4.8: slow start ended without loss. */
		cu->cu_wmax = cc->cc_cwnd;
		cu->cu_k = 0;
		return;
	}
	/* (octets / mss) / 0.4 in s^3 is octets * 2.5e9 / mss in ms^3. */
	cu->cu_k = (int64_t)cube_root((uint64_t)(cu->cu_wmax - cc->cc_cwnd) *
	    2500000000ULL / cc->cc_mss) * NSEC_PER_MSEC;
}

/* W_cubic at a time since the epoch's start. */
static uint32_t
curve(const struct tcp_cc *cc, int64_t t)
{
	const struct cubic *cu = &cc->cc_cubic;
	int64_t d = (t - cu->cu_k) / NSEC_PER_MSEC;
	int64_t segs1024, w;

	if (d > CURVE_MAX)
		d = CURVE_MAX;
	if (d < -CURVE_MAX)
		d = -CURVE_MAX;
	/* 0.4 / 1e9 segments a cubic ms, in units of 1/1024 segment. */
	segs1024 = d * d * d / 1000 * 4096 / 10000000;
	w = (int64_t)cu->cu_wmax + segs1024 * cc->cc_mss / 1024;
	if (w < (int64_t)cc->cc_mss)
		return cc->cc_mss;
	return w > (int64_t)TCP_CWND_MAX ? TCP_CWND_MAX : (uint32_t)w;
}

/* Section 4.3, figure 4: alpha is 9/17 until W_est reaches cwnd_prior, then 1. */
static void
grow_estimate(struct tcp_cc *cc, uint32_t acked)
{
	struct cubic *cu = &cc->cc_cubic;
	uint64_t num = cu->cu_west < cu->cu_prior ? 9 : 17;
	uint64_t step;

	cu->cu_estfrac += acked;
	step = (uint64_t)cu->cu_estfrac * cc->cc_mss * num / 17 / cc->cc_cwnd;
	if (step == 0)
		return;
	cu->cu_estfrac = 0;
	cu->cu_west = cu->cu_west + step > TCP_CWND_MAX ? TCP_CWND_MAX :
	    cu->cu_west + (uint32_t)step;
}

static void
cubic_avoid(struct tcp_cc *cc, const struct tcp_ccack *ca, uint32_t acked)
{
	struct cubic *cu = &cc->cc_cubic;
	uint32_t target, now;
	int64_t t;

	if (cu->cu_epoch == 0)
		epoch_start(cc, ca->ca_now);
	t = ca->ca_now - cu->cu_epoch;
	grow_estimate(cc, acked);
	now = curve(cc, t);
	if (now < cu->cu_west) {
		if (cu->cu_west > cc->cc_cwnd)
			cc->cc_cwnd = cu->cu_west;
		return;
	}
	/* Sections 4.4 and 4.5: reach the curve's value of one RTT ahead. */
	target = curve(cc, t + ca->ca_srtt);
	if (target > cc->cc_cwnd + cc->cc_cwnd / 2)
		target = cc->cc_cwnd + cc->cc_cwnd / 2;
	if (target > cc->cc_cwnd) {
		/* cwnd += (target - cwnd) / cwnd for each segment acked. */
		uint64_t window = (uint64_t)cc->cc_cwnd * cc->cc_mss /
		    (target - cc->cc_cwnd);

		tcp_cc_avoid(cc, acked, window > UINT32_MAX ? UINT32_MAX :
		    window < 2 ? 2 : (uint32_t)window);
	}
}

static void
cubic_acked(struct tcp_cc *cc, const struct tcp_ccack *ca)
{
	uint32_t acked = ca->ca_acked;

	if (!ca->ca_limited) {
		/* Time in which we did not use the window is not growth (section 5.8). */
		cc->cc_cubic.cu_epoch = 0;
		return;
	}
	if (tcp_cc_slowstart(cc))
		acked = tcp_cc_slow_start(cc, ca);
	if (acked > 0)
		cubic_avoid(cc, ca, acked);
}

/* Sections 4.6 and 4.7: with fast convergence. */
static uint32_t
cubic_reduce(struct tcp_cc *cc, uint32_t inflight __unused_arg)
{
	struct cubic *cu = &cc->cc_cubic;
	uint32_t ssthresh;

	cu->cu_oldwmax = cu->cu_wmax;
	cu->cu_oldepoch = cu->cu_epoch;
	if (cc->cc_cwnd < cu->cu_wmax)
		cu->cu_wmax = (uint32_t)((uint64_t)cc->cc_cwnd * 17 / 20);
	else
		cu->cu_wmax = cc->cc_cwnd;
	cu->cu_prior = cc->cc_cwnd;
	cu->cu_epoch = 0;
	cc->cc_acked = 0;
	cc->cc_hystart.hy_on = false;
	ssthresh = times_beta(cc->cc_cwnd);
	return ssthresh > 2 * cc->cc_mss ? ssthresh : 2 * cc->cc_mss;
}

/* Section 4.9.1. */
static void
cubic_undo(struct tcp_cc *cc)
{
	cc->cc_cubic.cu_wmax = cc->cc_cubic.cu_oldwmax;
	cc->cc_cubic.cu_epoch = cc->cc_cubic.cu_oldepoch;
}

const struct tcp_ccops tcp_cc_cubic = {
	.co_name	= "cubic",
	.co_init	= cubic_init,
	.co_acked	= cubic_acked,
	.co_reduce	= cubic_reduce,
	.co_undo	= cubic_undo,
};

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_cookie.c - SYN cookies: a handshake without memory (RFC 4987 section 3.6)
 *
 * The sequence number of the SYN-ACK carries what has to be known later:
 *
 *	31     27 26   24 23                                 0
 *	| minutes |  MSS | MAC over tuple, peer's ISN, minute |
 *
 * "Minutes" are 64 seconds each; a cookie is good for this one and the one
 * before.  The MSS is one of eight.  If the peer has timestamps, the last bits of
 * ours carry window scale, SACK and ECN as well; it moves back by 64 ms at most
 * for that.
 */

#include "tcp_impl.h"

#include <sys/atomic.h>

#define COOKIE_MINUTE	(64 * NSEC_PER_SEC)
#define COOKIE_LIFE	2		/* minutes */
#define TSBITS		6
#define TS_SACK		0x10
#define TS_ECN		0x20
#define TS_NOSCALE	0x0f

static const uint16_t cookie_mss[8] = { 216, 536, 1220, 1440, 1460, 4312, 8960, 65463 };

static uint32_t
cookie_mac(const struct tcpns *tn, const struct tcpmini *tm, uint32_t minute, uint32_t mss)
{
	struct {
		struct inaddr	laddr, faddr;
		uint16_t	lport, fport;
		uint32_t	irs, minute, mss;
	} in = { tm->tm_laddr, tm->tm_faddr, tm->tm_lport, tm->tm_fport, tm->tm_irs, minute,
		mss };

	return (uint32_t)siphash(tn->tn_secret, &in, sizeof(in)) & 0xffffff;
}

uint32_t
tcp_cookie_make(struct tcpns *tn, const struct tcpmini *tm, int64_t now)
{
	uint32_t minute = (uint32_t)(now / COOKIE_MINUTE), mss = 0;

	for (uint32_t i = 1; i < ARRAY_SIZE(cookie_mss); i++) {
		if (cookie_mss[i] <= tm->tm_mss)
			mss = i;
	}
	return minute << 27 | mss << 24 | cookie_mac(tn, tm, minute, mss);
}

bool
tcp_cookie_check(struct tcpns *tn, const struct inet_rx *rx, const struct tcpseg *ts,
    int64_t now, uint16_t *ret_mss)
{
	struct tcpmini tm = { .tm_laddr = rx->ir_dst, .tm_faddr = rx->ir_src,
		.tm_lport = ts->ts_dport, .tm_fport = ts->ts_sport, .tm_irs = ts->ts_seq - 1 };
	uint32_t cookie = ts->ts_ack - 1, minute = (uint32_t)(now / COOKIE_MINUTE);
	uint32_t mss = cookie >> 24 & 7;
	int64_t last = atomic_load(&tn->tn_cookieat);

	/* None is out: nobody gets to guess. */
	if (last == 0 || now - last > COOKIE_LIFE * COOKIE_MINUTE)
		return false;
	for (uint32_t age = 0; age < COOKIE_LIFE; age++) {
		if ((minute - age) % 32 == cookie >> 27 &&
		    cookie_mac(tn, &tm, minute - age, mss) == (cookie & 0xffffff)) {
			*ret_mss = cookie_mss[mss];
			return true;
		}
	}
	tcp_count(TCPSTAT_SYNCOOKIESFAILED);
	return false;
}

/* Our timestamp for the SYN-ACK, with the options in its last bits. */
uint32_t
tcp_cookie_ts(const struct tcpmini *tm, int64_t now)
{
	uint32_t now_ts = tcp_ts(now, tm->tm_tsoff), bits, ts;

	bits = (tm->tm_opts & TO_WSCALE) != 0 ? tm->tm_sndscale : TS_NOSCALE;
	bits |= (tm->tm_opts & TO_SACKOK) != 0 ? TS_SACK : 0;
	bits |= tm->tm_ecn ? TS_ECN : 0;
	ts = (now_ts & ~((1U << TSBITS) - 1)) | bits;
	return seq_gt(ts, now_ts) ? ts - (1U << TSBITS) : ts;
}

void
tcp_cookie_unts(struct tcpmini *tm, uint32_t tsecr)
{
	uint32_t scale = tsecr & 0xf;

	if (scale <= TCP_MAXWSCALE) {
		tm->tm_opts |= TO_WSCALE;
		tm->tm_sndscale = (uint8_t)scale;
	}
	if ((tsecr & TS_SACK) != 0)
		tm->tm_opts |= TO_SACKOK;
	tm->tm_ecn = (tsecr & TS_ECN) != 0;
}

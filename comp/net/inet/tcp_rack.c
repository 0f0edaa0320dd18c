/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_rack.c - recent acknowledgment (RFC 8985 sections 6.2 and 6.3)
 *
 * If something that was sent later has arrived, what was sent earlier should
 * have, give or take some reordering.  RACK remembers the transmission time
 * of the latest segment known to be delivered; whatever was sent more than a
 * reordering window before it and is still missing is lost.  As this goes by
 * time it also finds retransmissions that were lost, and as long as the network
 * was never seen to reorder the window is nothing once three segments are SACKed.
 *
 * DSACKs tell that we retransmitted needlessly: then the window grows, by a
 * quarter of the least round trip a round, and shrinks back after 16 recoveries
 * without one.
 */

#include "tcp_rack.h"

#define PERSIST_RECOVERIES	16
#define MULT_MAX		254

void
rack_init(struct tcp_rack *rk, uint32_t iss)
{
	*rk = (struct tcp_rack){ .rk_mult = 1, .rk_persist = PERSIST_RECOVERIES,
	    .rk_fack = iss, .rk_end = iss };
}

void
rack_update(struct tcp_rack *rk, const struct tcp_delivery *d)
{
	rk->rk_advanced = false;
	if (d->dl_racktime != 0) {
		rk->rk_rtt = d->dl_rackrtt;
		if (rk->rk_xmit == 0 || d->dl_racktime > rk->rk_xmit ||
		    (d->dl_racktime == rk->rk_xmit && seq_gt(d->dl_rackend, rk->rk_end))) {
			rk->rk_xmit = d->dl_racktime;
			rk->rk_end = d->dl_rackend;
			rk->rk_advanced = true;
		}
	}
	if (seq_gt(d->dl_fack, rk->rk_fack))
		rk->rk_fack = d->dl_fack;
	if (d->dl_reordered)
		rk->rk_reordseen++;
}

void
rack_dsack(struct tcp_rack *rk, bool dsack, uint32_t una, uint32_t nxt)
{
	if (rk->rk_indsack && seq_ge(una, rk->rk_dsackround))
		rk->rk_indsack = false;
	if (dsack && !rk->rk_indsack) {
		rk->rk_indsack = true;
		rk->rk_dsackround = nxt;
		if (rk->rk_mult < MULT_MAX)
			rk->rk_mult++;
		rk->rk_persist = PERSIST_RECOVERIES;
	}
}

void
rack_recovered(struct tcp_rack *rk)
{
	if (rk->rk_persist > 0 && --rk->rk_persist == 0)
		rk->rk_mult = 1;
}

int64_t
rack_reownd(const struct tcp_rack *rk, const struct tcp_board *b, uint32_t mss,
    int64_t minrtt, int64_t srtt, bool inrecovery)
{
	int64_t wnd;

	if (rk->rk_reordseen == 0 &&
	    (inrecovery || b->bd_sacked >= (RACK_DUPTHRESH - 1) * mss + 1))
		return 0;
	wnd = rk->rk_mult * (minrtt / 4);
	return wnd < srtt ? wnd : srtt;
}

uint32_t
rack_detect(const struct tcp_rack *rk, struct tcp_board *b, int64_t reownd, int64_t now,
    int64_t *ret_wait)
{
	int64_t wait = 0, due;
	uint32_t newly = 0;

	*ret_wait = 0;
	if (rk->rk_xmit == 0)
		return 0;
	for (uint32_t i = 0; i < b->bd_n; i++) {
		struct tcp_sent *se = board_at(b, i);

		if ((se->se_flags & SE_SACKED) != 0 ||
		    (se->se_flags & (SE_LOST | SE_RTX)) == SE_LOST)
			continue;
		/* Sent after the latest delivered one: too early to tell. */
		if (se->se_time > rk->rk_xmit ||
		    (se->se_time == rk->rk_xmit && seq_ge(se->se_end, rk->rk_end))) {
			if ((se->se_flags & SE_EVER) == 0 && seq_ge(se->se_seq, rk->rk_fack))
				break;
			continue;
		}
		due = se->se_time + rk->rk_rtt + reownd;
		if (due <= now) {
			newly += se->se_end - se->se_seq;
			board_lost(b, i);
		} else if (wait == 0 || due < wait)
			wait = due;
	}
	*ret_wait = wait;
	return newly;
}

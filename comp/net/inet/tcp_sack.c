/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_sack.c - the scoreboard (RFC 6675 section 4, RFC 2018, RFC 8985 section 5)
 *
 * Entries lie in a ring, so that an ACK takes from the front and a transmission
 * adds to the end in no time, look-ups halve, and only a split has to move
 * entries.  A connection that sends little keeps its one entry inline.
 *
 * An entry is in one of these states, by its flags:
 *
 *	-		in the network
 *	SACKED		at the peer
 *	LOST		to be retransmitted
 *	LOST|RTX	retransmitted, that is in the network
 *	RTX		retransmitted as a probe (TLP), both may be in the network
 *
 * Without memory for a split the entry stays whole: a SACK for a part of
 * it is ignored, which costs a needless retransmission and nothing else.
 */

#include "tcp_sack.h"

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

static uint32_t
entry_len(const struct tcp_sent *se)
{
	return se->se_end - se->se_seq;
}

void
board_init(struct tcp_board *b)
{
	*b = (struct tcp_board){ .bd_ent = b->bd_inline, .bd_size = BOARD_INLINE };
}

void
board_fini(struct tcp_board *b)
{
	if (b->bd_ent != b->bd_inline)
		kmem_free(b->bd_ent, b->bd_size * sizeof(b->bd_ent[0]));
	board_init(b);
}

static int
board_grow(struct tcp_board *b)
{
	uint32_t size = b->bd_size < 8 ? 8 : b->bd_size * 2;
	struct tcp_sent *ent;

	ent = kmem_alloc(size * sizeof(ent[0]), KM_NOSLEEP);
	if (ent == NULL)
		return ENOMEM;
	for (uint32_t i = 0; i < b->bd_n; i++)
		ent[i] = *board_at(b, i);
	if (b->bd_ent != b->bd_inline)
		kmem_free(b->bd_ent, b->bd_size * sizeof(ent[0]));
	b->bd_ent = ent;
	b->bd_size = size;
	b->bd_head = 0;
	return 0;
}

int
board_push(struct tcp_board *b, uint32_t seq, uint32_t end, int64_t now, uint32_t delivered,
    int64_t deltime)
{
	struct tcp_sent *last;

	KASSERT(seq_lt(seq, end));
	if (b->bd_n == 0)
		b->bd_hint = seq;
	b->bd_total += end - seq;
	if (b->bd_n < b->bd_size || board_grow(b) == 0) {
		*board_at(b, b->bd_n++) = (struct tcp_sent){ .se_seq = seq, .se_end = end,
		    .se_time = now, .se_delivered = delivered, .se_deltime = deltime };
		return 0;
	}
	/* The last entry takes it along, unless its marks would lie. */
	last = board_at(b, b->bd_n - 1);
	if (last->se_flags != 0) {
		b->bd_total -= end - seq;
		return ENOMEM;
	}
	last->se_end = end;
	last->se_time = now;
	return 0;
}

/* Cuts entry i at seq, inside it. */
static int
board_split(struct tcp_board *b, uint32_t i, uint32_t seq)
{
	if (b->bd_n == b->bd_size && board_grow(b) != 0)
		return ENOMEM;
	for (uint32_t k = b->bd_n++; k > i + 1; k--)
		*board_at(b, k) = *board_at(b, k - 1);
	*board_at(b, i + 1) = *board_at(b, i);
	board_at(b, i)->se_end = seq;
	board_at(b, i + 1)->se_seq = seq;
	KASSERT(entry_len(board_at(b, i)) > 0 && entry_len(board_at(b, i + 1)) > 0);
	return 0;
}

void
board_cut(struct tcp_board *b, uint32_t i, uint32_t max)
{
	struct tcp_sent *se = board_at(b, i);

	if (entry_len(se) > max)
		(void)board_split(b, i, se->se_seq + max);
}

uint32_t
board_find(const struct tcp_board *b, uint32_t seq)
{
	uint32_t lo = 0, hi = b->bd_n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (seq_le(board_at(b, mid)->se_end, seq))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < b->bd_n && seq_le(board_at(b, lo)->se_seq, seq) ? lo : b->bd_n;
}

/* --- delivery --------------------------------------------------------------- */

/* RFC 8985 section 6.2, steps 1 and 2: is it news about the latest transmission? */
static void
note_rack(const struct tcp_sent *se, struct tcp_delivery *d)
{
	int64_t rtt = d->dl_now - se->se_time;

	if ((se->se_flags & SE_EVER) != 0) {
		/* Perhaps the ACK is for an earlier transmission. */
		if (d->dl_hasts && seq_lt(d->dl_tsecr, tcp_ts(se->se_time, d->dl_tsoff)))
			return;
		if (rtt < d->dl_minrtt)
			return;
		if (d->dl_hasts)
			d->dl_rtxrtt = rtt > 0 ? rtt : 1;
	}
	if (d->dl_racktime == 0 || se->se_time > d->dl_racktime ||
	    (se->se_time == d->dl_racktime && seq_gt(se->se_end, d->dl_rackend))) {
		d->dl_racktime = se->se_time;
		d->dl_rackend = se->se_end;
		d->dl_rackrtt = rtt;
	}
}

/* Len octets of this entry have arrived that we did not know about. */
static void
note_delivered(const struct tcp_sent *se, uint32_t len, struct tcp_delivery *d)
{
	d->dl_delivered += len;
	if (d->dl_ratetime == 0 || se->se_deltime >= d->dl_ratetime) {
		d->dl_ratetime = se->se_deltime;
		d->dl_ratedel = se->se_delivered;
	}
	note_rack(se, d);
	if ((se->se_flags & SE_EVER) != 0) {
		d->dl_rtx = true;
	} else {
		d->dl_orig = true;
		if ((se->se_flags & SE_LOST) != 0)
			d->dl_spurious += len;
		if (d->dl_first == 0 || se->se_time < d->dl_first)
			d->dl_first = se->se_time;
		if (se->se_time > d->dl_last)
			d->dl_last = se->se_time;
		/* Section 6.2 step 3. */
		if (seq_lt(se->se_end, d->dl_fack) &&
		    (!d->dl_reordered || seq_lt(se->se_seq, d->dl_reordseq))) {
			d->dl_reordered = true;
			d->dl_reordseq = se->se_seq;
		}
	}
}

/* Takes len octets of an entry out of the sums of its marks. */
static void
sums_take(struct tcp_board *b, const struct tcp_sent *se, uint32_t len)
{
	if ((se->se_flags & SE_SACKED) != 0)
		b->bd_sacked -= len;
	if ((se->se_flags & SE_LOST) != 0)
		b->bd_lost -= len;
	if ((se->se_flags & SE_RTX) != 0)
		b->bd_rtx -= len;
}

void
board_ack(struct tcp_board *b, uint32_t una, struct tcp_delivery *d)
{
	struct tcp_sent *se;
	uint32_t len, fack = d->dl_fack;

	while (b->bd_n > 0) {
		se = board_at(b, 0);
		if (seq_ge(se->se_seq, una))
			break;
		len = seq_min(se->se_end, una) - se->se_seq;
		if ((se->se_flags & SE_SACKED) == 0) {
			note_delivered(se, len, d);
			fack = seq_max(fack, se->se_seq + len);
		}
		sums_take(b, se, len);
		b->bd_total -= len;
		d->dl_acked += len;
		se->se_seq += len;
		if (se->se_seq != se->se_end)
			break;
		b->bd_head = (b->bd_head + 1) & (b->bd_size - 1);
		b->bd_n--;
	}
	d->dl_fack = fack;
	if (b->bd_n == 0 && b->bd_ent != b->bd_inline)
		board_fini(b);
}

static void
mark_sacked(struct tcp_board *b, struct tcp_sent *se, struct tcp_delivery *d)
{
	uint32_t len = entry_len(se);

	note_delivered(se, len, d);
	sums_take(b, se, len);
	se->se_flags = (se->se_flags & SE_EVER) | SE_SACKED;
	b->bd_sacked += len;
	d->dl_sacked += len;
}

/*
 * The part of entry i that the block covers, in whole segments, becomes an
 * entry of its own.  False: nothing is left of it.  *ip moves to it.
 */
static bool
carve(struct tcp_board *b, uint32_t *ip, struct sackblk blk, uint32_t mss)
{
	struct tcp_sent *se = board_at(b, *ip);
	uint32_t start = seq_max(se->se_seq, blk.sb_start);
	uint32_t end = seq_min(se->se_end, blk.sb_end);
	uint32_t base = se->se_seq;

	if (start != base)
		start = base + (start - base + mss - 1) / mss * mss;
	if (end != se->se_end && seq_gt(end, base))
		end = base + (end - base) / mss * mss;
	if (seq_ge(start, end))
		return false;
	if (end != se->se_end && board_split(b, *ip, end) != 0)
		return false;
	if (start != base) {
		if (board_split(b, *ip, start) != 0)
			return false;
		(*ip)++;
	}
	return true;
}

void
board_sack(struct tcp_board *b, struct sackblk blk, uint32_t mss, struct tcp_delivery *d)
{
	uint32_t i, fack = d->dl_fack;

	if (b->bd_n == 0)
		return;
	if (seq_lt(blk.sb_start, board_at(b, 0)->se_seq))
		blk.sb_start = board_at(b, 0)->se_seq;
	for (i = board_find(b, blk.sb_start); i < b->bd_n; i++) {
		struct tcp_sent *se = board_at(b, i);

		if (seq_ge(se->se_seq, blk.sb_end))
			break;
		if ((se->se_flags & SE_SACKED) != 0 || !carve(b, &i, blk, mss))
			continue;
		mark_sacked(b, board_at(b, i), d);
		fack = seq_max(fack, board_at(b, i)->se_end);
	}
	d->dl_fack = fack;
}

/* --- loss -------------------------------------------------------------------- */

void
board_lost(struct tcp_board *b, uint32_t i)
{
	struct tcp_sent *se = board_at(b, i);
	uint32_t len = entry_len(se);

	KASSERT((se->se_flags & SE_SACKED) == 0);
	if ((se->se_flags & SE_RTX) != 0) {
		b->bd_rtx -= len;
		se->se_flags &= (uint8_t)~SE_RTX;
	}
	if ((se->se_flags & SE_LOST) == 0) {
		b->bd_lost += len;
		se->se_flags |= SE_LOST;
	}
	if (seq_lt(se->se_seq, b->bd_hint))
		b->bd_hint = se->se_seq;
}

void
board_resent(struct tcp_board *b, uint32_t i, int64_t now, uint32_t delivered, int64_t deltime)
{
	struct tcp_sent *se = board_at(b, i);

	if ((se->se_flags & SE_RTX) == 0)
		b->bd_rtx += entry_len(se);
	se->se_flags |= SE_RTX | SE_EVER;
	se->se_time = now;
	se->se_delivered = delivered;
	se->se_deltime = deltime;
	if (se->se_rtx < UINT8_MAX)
		se->se_rtx++;
}

bool
board_next(struct tcp_board *b, uint32_t *ret_i)
{
	uint32_t i;

	if (b->bd_lost == 0)
		return false;
	i = board_find(b, b->bd_hint);
	if (i == b->bd_n)
		i = 0;
	for (; i < b->bd_n; i++) {
		const struct tcp_sent *se = board_at(b, i);

		if ((se->se_flags & (SE_LOST | SE_RTX)) == SE_LOST) {
			b->bd_hint = se->se_seq;
			*ret_i = i;
			return true;
		}
	}
	b->bd_hint = board_at(b, b->bd_n - 1)->se_end;
	return false;
}

void
board_lose_all(struct tcp_board *b)
{
	for (uint32_t i = 0; i < b->bd_n; i++) {
		if ((board_at(b, i)->se_flags & SE_SACKED) == 0)
			board_lost(b, i);
	}
}

void
board_unlose(struct tcp_board *b)
{
	for (uint32_t i = 0; i < b->bd_n; i++) {
		struct tcp_sent *se = board_at(b, i);

		if ((se->se_flags & SE_LOST) != 0) {
			b->bd_lost -= entry_len(se);
			se->se_flags &= (uint8_t)~SE_LOST;
		}
	}
}

void
board_renege(struct tcp_board *b)
{
	for (uint32_t i = 0; i < b->bd_n; i++) {
		struct tcp_sent *se = board_at(b, i);

		if ((se->se_flags & SE_SACKED) != 0) {
			b->bd_sacked -= entry_len(se);
			se->se_flags &= (uint8_t)~SE_SACKED;
		}
	}
}

bool
board_ok(const struct tcp_board *b)
{
	uint32_t total = 0, sacked = 0, lost = 0, rtx = 0;

	for (uint32_t i = 0; i < b->bd_n; i++) {
		const struct tcp_sent *se = board_at(b, i);
		uint32_t len = entry_len(se);

		if (seq_ge(se->se_seq, se->se_end))
			return false;
		if (i > 0 && board_at(b, i - 1)->se_end != se->se_seq)
			return false;
		if ((se->se_flags & SE_SACKED) != 0 &&
		    (se->se_flags & (SE_LOST | SE_RTX)) != 0)
			return false;
		total += len;
		sacked += (se->se_flags & SE_SACKED) != 0 ? len : 0;
		lost += (se->se_flags & SE_LOST) != 0 ? len : 0;
		rtx += (se->se_flags & SE_RTX) != 0 ? len : 0;
	}
	return total == b->bd_total && sacked == b->bd_sacked && lost == b->bd_lost &&
	    rtx == b->bd_rtx;
}

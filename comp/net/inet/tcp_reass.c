/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_reass.c - the queue of out-of-order segments (RFC 9293 section 3.10.7.4)
 *
 * Where two segments overlap, what came first stays and the other is cut; a
 * range that a new segment covers whole is replaced by it.  So a put ends
 * with one range that holds the segment, wherever it fell.
 *
 * A peer decides how many holes there are, but each range holds a packet that
 * is charged to the receive buffer, which bounds them.
 */

#include "tcp_reass.h"

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

void
reass_init(struct tcp_reass *re)
{
	*re = (struct tcp_reass){ .re_range = NULL };
}

static void
reass_shrink(struct tcp_reass *re)
{
	if (re->re_n > 0 || re->re_range == NULL)
		return;
	kmem_free(re->re_range, re->re_size * sizeof(re->re_range[0]));
	re->re_range = NULL;
	re->re_size = 0;
}

void
reass_fini(struct tcp_reass *re)
{
	for (uint32_t i = 0; i < re->re_n; i++)
		packetq_drop(&re->re_range[i].tr_q);
	re->re_n = 0;
	re->re_mem = 0;
	reass_shrink(re);
}

/* Room for one more range. */
static int
reass_grow(struct tcp_reass *re)
{
	uint32_t size = re->re_size == 0 ? 4 : re->re_size * 2;
	struct tcp_range *r;

	if (re->re_n < re->re_size)
		return 0;
	r = kmem_alloc(size * sizeof(r[0]), KM_NOSLEEP);
	if (r == NULL)
		return ENOMEM;
	if (re->re_n > 0)
		memcpy(r, re->re_range, re->re_n * sizeof(r[0]));
	kmem_free(re->re_range, re->re_size * sizeof(r[0]));
	re->re_range = r;
	re->re_size = size;
	return 0;
}

static uint32_t
queue_mem(const struct packetq *q)
{
	uint32_t mem = 0;

	for (const struct packet *p = q->pq_head; p != NULL; p = p->p_next)
		mem += p->p_truesize;
	return mem;
}

static void
range_remove(struct tcp_reass *re, uint32_t i)
{
	re->re_n--;
	memmove(&re->re_range[i], &re->re_range[i + 1],
	    (re->re_n - i) * sizeof(re->re_range[0]));
}

static void
range_drop(struct tcp_reass *re, uint32_t i)
{
	re->re_mem -= queue_mem(&re->re_range[i].tr_q);
	packetq_drop(&re->re_range[i].tr_q);
	range_remove(re, i);
}

/* The first range that ends at seq or later: the new one may touch it. */
static uint32_t
range_find(const struct tcp_reass *re, uint32_t seq)
{
	uint32_t lo = 0, hi = re->re_n;

	/* Mostly it goes on where the last one ended. */
	if (hi > 0 && seq_ge(seq, re->re_range[hi - 1].tr_end))
		return seq == re->re_range[hi - 1].tr_end ? hi - 1 : hi;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (seq_lt(re->re_range[mid].tr_end, seq))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* What of [seq, end) was there already: only the first stretch is told. */
static void
note_dup(struct sackblk *dup, uint32_t seq, uint32_t end)
{
	if (dup->sb_start == dup->sb_end)
		*dup = (struct sackblk){ seq, end };
}

/* Ranges from i on give way to [.., *endp), or it to the last of them. */
static void
swallow(struct tcp_reass *re, uint32_t i, uint32_t *endp, struct sackblk *dup)
{
	while (i < re->re_n && seq_le(re->re_range[i].tr_end, *endp)) {
		note_dup(dup, re->re_range[i].tr_seq, re->re_range[i].tr_end);
		range_drop(re, i);
	}
	if (i < re->re_n && seq_lt(re->re_range[i].tr_seq, *endp)) {
		note_dup(dup, re->re_range[i].tr_seq, *endp);
		*endp = re->re_range[i].tr_seq;
	}
}

/* Range i + 1 begins where range i ends: make them one. */
static void
join(struct tcp_reass *re, uint32_t i)
{
	struct tcp_range *r = &re->re_range[i];

	if (i + 1 >= re->re_n || r[1].tr_seq != r->tr_end)
		return;
	packetq_join(&r->tr_q, &r[1].tr_q);
	r->tr_end = r[1].tr_end;
	range_remove(re, i + 1);
}

int
reass_put(struct tcp_reass *re, uint32_t seq, struct packet *p, struct sackblk *ret_dup,
    struct sackblk *ret_block)
{
	uint32_t end = seq + p->p_len, i = range_find(re, seq);
	struct tcp_range *r = i < re->re_n ? &re->re_range[i] : NULL;
	bool append = r != NULL && seq_le(r->tr_seq, seq);

	*ret_dup = (struct sackblk){ 0, 0 };
	if (append) {
		if (seq_gt(r->tr_end, seq))
			*ret_dup = (struct sackblk){ seq, seq_min(end, r->tr_end) };
		if (seq_le(end, r->tr_end)) {
			*ret_block = (struct sackblk){ r->tr_seq, r->tr_end };
			packet_free(p);
			return 0;
		}
		packet_skip(p, r->tr_end - seq);
		seq = r->tr_end;
	} else if (reass_grow(re) != 0) {
		packet_free(p);
		return ENOMEM;
	}
	swallow(re, append ? i + 1 : i, &end, ret_dup);
	packet_trim(p, end - seq);
	r = re->re_range + i;
	if (!append) {
		memmove(r + 1, r, (re->re_n - i) * sizeof(*r));
		re->re_n++;
		r->tr_seq = seq;
		packetq_init(&r->tr_q);
	}
	r->tr_end = end;
	re->re_mem += p->p_truesize;
	packetq_put(&r->tr_q, p);
	join(re, i);
	*ret_block = (struct sackblk){ r->tr_seq, r->tr_end };
	return 0;
}

uint32_t
reass_get(struct tcp_reass *re, uint32_t nxt, struct packetq *q)
{
	struct tcp_range *r = re->re_range;
	uint32_t got = 0;

	while (re->re_n > 0 && seq_le(r->tr_seq, nxt)) {
		/* The part before nxt came in order meanwhile. */
		while (seq_lt(r->tr_seq, nxt) && r->tr_q.pq_head != NULL) {
			struct packet *p = r->tr_q.pq_head;
			uint32_t cut = nxt - r->tr_seq;

			if (cut < p->p_len) {
				packet_skip(p, cut);
				r->tr_seq += cut;
				break;
			}
			r->tr_seq += p->p_len;
			re->re_mem -= p->p_truesize;
			packet_free(packetq_get(&r->tr_q));
		}
		if (r->tr_q.pq_head != NULL) {
			got += r->tr_end - nxt;
			nxt = r->tr_end;
			re->re_mem -= queue_mem(&r->tr_q);
			packetq_join(q, &r->tr_q);
		}
		range_remove(re, 0);
	}
	reass_shrink(re);
	return got;
}

uint32_t
reass_prune(struct tcp_reass *re)
{
	uint32_t before = re->re_mem;

	if (re->re_n > 0)
		range_drop(re, re->re_n - 1);
	reass_shrink(re);
	return before - re->re_mem;
}

bool
reass_ok(const struct tcp_reass *re)
{
	uint32_t mem = 0;

	for (uint32_t i = 0; i < re->re_n; i++) {
		const struct tcp_range *r = &re->re_range[i];
		uint32_t len = 0;

		for (const struct packet *p = r->tr_q.pq_head; p != NULL; p = p->p_next)
			len += p->p_len;
		if (len == 0 || len != r->tr_end - r->tr_seq)
			return false;
		if (i > 0 && seq_ge(r[-1].tr_end, r->tr_seq))
			return false;
		mem += queue_mem(&r->tr_q);
	}
	return mem == re->re_mem;
}

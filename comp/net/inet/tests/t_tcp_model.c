/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_model.c - the pure parts of TCP beside something simpler
 *
 * Scoreboard and reassembly queue do random operations beside an array with a
 * word for each octet.  Headers go there and back, and are read from bytes
 * that mean harm.  Round trip times and CUBIC are computed beside the formulas.
 */

#include <harness.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/kmem.h>

#include "tcp_cc.h"
#include "tcp_reass.h"
#include "tcp_rtt.h"
#include "tcp_sack.h"
#include "tcp_wire.h"

#define SPACE	20000u			/* octets a run goes through */
#define BASE	0xfffff000u		/* numbers wrap within a run */
#define STEPS	3000
#define MSS	100u

static uint64_t state;

static uint32_t
below(uint32_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33) % n;
}

/* --- scoreboard ------------------------------------------------------------------- */

#define M_START	0x80			/* an entry begins here */
#define M_FLAGS	(SE_SACKED | SE_LOST | SE_RTX | SE_EVER)

static struct {
	uint32_t	 una, nxt;	/* places */
	uint8_t		 at[SPACE + 1];
} m;
static struct tcp_board board;

/* Where the entry around a place begins and ends. */
static uint32_t
entry_start(uint32_t o)
{
	while ((m.at[o] & M_START) == 0)
		o--;
	return o;
}

static uint32_t
entry_end(uint32_t o)
{
	do
		o++;
	while (o < m.nxt && (m.at[o] & M_START) == 0);
	return o;
}

static void
entry_mark(uint32_t o, uint8_t set, uint8_t clear)
{
	uint32_t end = entry_end(o);

	for (o = entry_start(o); o < end; o++)
		m.at[o] = (uint8_t)((m.at[o] & ~clear) | set);
}

/* Boundaries lie where the mark or the entry changes; in a place that was carved. */
static void
model_sack(uint32_t start, uint32_t end)
{
	uint32_t base, top, s, e;

	for (uint32_t o = m.una; o < m.nxt; o = top) {
		base = o;
		top = entry_end(o);
		if (start >= top || end <= base || (m.at[base] & SE_SACKED) != 0)
			continue;
		s = start <= base ? base : base + (start - base + MSS - 1) / MSS * MSS;
		e = end >= top ? top : base + (end - base) / MSS * MSS;
		if (s >= e)
			continue;
		if (e < top)
			m.at[e] |= M_START;
		m.at[s] |= M_START;
		for (uint32_t i = s; i < e; i++)
			m.at[i] = (m.at[i] & (M_START | SE_EVER)) | SE_SACKED;
	}
}

static uint32_t
model_sum(uint8_t flags)
{
	uint32_t n = 0;

	for (uint32_t o = m.una; o < m.nxt; o++)
		n += (m.at[o] & flags) != 0;
	return n;
}

static bool
board_same(void)
{
	uint32_t o = m.una, i;
	bool ok = CHECK(board_ok(&board));

	for (i = 0; i < board.bd_n && ok; i++) {
		const struct tcp_sent *se = board_at(&board, i);

		ok = CHECK_EQ("begins", o, se->se_seq - BASE) &&
		    CHECK_EQ("flags", m.at[o] & M_FLAGS, se->se_flags);
		o = entry_end(o);
		ok = ok && CHECK_EQ("ends", o, se->se_end - BASE);
	}
	return ok && CHECK_EQ("all of it", m.nxt, o) &&
	    CHECK_EQ("octets", m.nxt - m.una, board.bd_total) &&
	    CHECK_EQ("sacked", model_sum(SE_SACKED), board.bd_sacked) &&
	    CHECK_EQ("lost", model_sum(SE_LOST), board.bd_lost) &&
	    CHECK_EQ("retransmitted", model_sum(SE_RTX), board.bd_rtx);
}

static void
step_push(void)
{
	uint32_t len = 1 + below(5 * MSS);

	if (m.nxt + len > SPACE)
		len = SPACE - m.nxt;
	if (len == 0)
		return;
	CHECK_EQ("push", 0, board_push(&board, BASE + m.nxt, BASE + m.nxt + len, 1, 0, 0));
	memset(m.at + m.nxt, 0, len);
	m.at[m.nxt] = M_START;
	m.nxt += len;
}

static void
step_ack(void)
{
	struct tcp_delivery d = { .dl_now = 2, .dl_fack = BASE + m.una };
	uint32_t una = m.una + below((m.nxt - m.una) / 4 + 2), sacked = 0;

	if (una > m.nxt)
		una = m.nxt;
	for (uint32_t o = m.una; o < una; o++)
		sacked += (m.at[o] & SE_SACKED) != 0;
	board_ack(&board, BASE + una, &d);
	CHECK_EQ("acknowledged", una - m.una, d.dl_acked);
	CHECK_EQ("delivered", una - m.una - sacked, d.dl_delivered);
	if (una < m.nxt)
		m.at[una] = (uint8_t)((m.at[una] & M_FLAGS) | M_START);
	m.una = una;
}

static void
step_sack(void)
{
	struct tcp_delivery d = { .dl_now = 2, .dl_fack = BASE + m.una };
	uint32_t start = m.una + below(m.nxt - m.una + 1);
	uint32_t end = start + below(m.nxt - start + 1), before = model_sum(SE_SACKED);

	board_sack(&board, (struct sackblk){ BASE + start, BASE + end }, MSS, &d);
	model_sack(start, end);
	CHECK_EQ("newly sacked", model_sum(SE_SACKED) - before, d.dl_sacked);
	CHECK_EQ("newly delivered", d.dl_sacked, d.dl_delivered);
}

static void
step_lost(void)
{
	uint32_t o = m.una + below(m.nxt - m.una);

	if ((m.at[o] & SE_SACKED) != 0)
		return;
	board_lost(&board, board_find(&board, BASE + o));
	entry_mark(o, SE_LOST, SE_RTX);
}

static void
step_resend(void)
{
	uint32_t o = m.una, i = 0;
	bool found;

	while (o < m.nxt && (m.at[o] & (SE_LOST | SE_RTX)) != SE_LOST)
		o++;
	found = board_next(&board, &i);
	if (!CHECK_EQ("something is to be sent", o < m.nxt, found) || !found)
		return;
	if (!CHECK_EQ("the first", o, board_at(&board, i)->se_seq - BASE))
		return;
	board_cut(&board, i, MSS);
	if (entry_end(o) - o > MSS)
		m.at[o + MSS] |= M_START;
	board_resent(&board, i, 2, 0, 0);
	entry_mark(o, SE_RTX | SE_EVER, 0);
}

static void
step_all(uint32_t which)
{
	for (uint32_t o = m.una; o < m.nxt; o++) {
		uint8_t *at = &m.at[o];

		if (which == 0 && (*at & SE_SACKED) == 0)
			*at = (uint8_t)((*at | SE_LOST) & ~SE_RTX);
		else if (which == 1)
			*at &= (uint8_t)~SE_LOST;
		else if (which == 2)
			*at &= (uint8_t)~SE_SACKED;
	}
	if (which == 0)
		board_lose_all(&board);
	else if (which == 1)
		board_unlose(&board);
	else
		board_renege(&board);
}

TEST_WITH(the_scoreboard_is_as_an_array, .ht_flags = HARNESS_KERNEL, .ht_seeds = 10)
{
	bool ok = true;

	state = harness_seed();
	memset(&m, 0, sizeof(m));
	board_init(&board);
	for (unsigned int i = 0; i < STEPS && ok; i++) {
		uint32_t what = below(100);

		if (what < 20 || m.una == m.nxt)
			step_push();
		else if (what < 40)
			step_sack();
		else if (what < 55)
			step_lost();
		else if (what < 85)
			step_resend();
		else if (what < 95)
			step_ack();
		else if (what < 98)
			step_all(what - 95);
		ok = board_same();
	}
	CHECK("it went a long way" && m.una > SPACE / 4);
	board_fini(&board);
}

/* --- reassembly -------------------------------------------------------------------- */

#define QSPACE	2000u

static uint8_t have[QSPACE + 1], bytes[QSPACE];

static uint8_t
octet(uint32_t at)
{
	return (uint8_t)(at * 13 + at / 256);
}

static uint32_t
run_end(uint32_t o)
{
	while (have[o] != 0)
		o++;
	return o;
}

static bool
put_one(struct tcp_reass *re, uint32_t seq, uint32_t len)
{
	struct sackblk dup, blk;
	uint32_t end = seq + len, d = seq, dend, start;
	struct packet *p;
	bool ok;

	for (uint32_t i = 0; i < len; i++)
		bytes[i] = octet(seq + i);
	p = packet_from(bytes, len, 0);
	NEED(p != NULL);
	ok = CHECK_EQ("put", 0, reass_put(re, BASE + seq, p, &dup, &blk));
	while (d < end && have[d] == 0)
		d++;
	if (d == end)
		ok = ok && CHECK_EQ("nothing twice", 0, dup.sb_end - dup.sb_start);
	else {
		dend = run_end(d) < end ? run_end(d) : end;
		ok = ok && CHECK_EQ("twice, from", d, dup.sb_start - BASE) &&
		    CHECK_EQ("twice, to", dend, dup.sb_end - BASE);
	}
	memset(have + seq, 1, len);
	for (start = seq; start > 0 && have[start - 1] != 0; start--)
		continue;
	return ok && CHECK_EQ("range, from", start, blk.sb_start - BASE) &&
	    CHECK_EQ("range, to", run_end(seq), blk.sb_end - BASE);
}

static bool
get_some(struct tcp_reass *re, uint32_t nxt)
{
	struct packetq q = PACKETQ_INITIALIZER;
	uint32_t want = run_end(nxt) - nxt, at = nxt;
	struct packet *p;
	bool ok;

	ok = CHECK_EQ("in order now", want, reass_get(re, BASE + nxt, &q));
	while ((p = packetq_get(&q)) != NULL) {
		if (!CHECK(p->p_len <= sizeof(bytes)))
			return false;
		packet_copyout(p, 0, bytes, p->p_len);
		for (uint32_t i = 0; i < p->p_len && ok; i++)
			ok = bytes[i] == octet(at + i);
		at += p->p_len;
		packet_free(p);
	}
	memset(have, 0, nxt + want);
	return CHECK("as it was sent" && ok) && CHECK_EQ("octets", want, at - nxt);
}

static bool
ranges_same(const struct tcp_reass *re)
{
	uint32_t o = 0, i = 0;

	for (; i < re->re_n; i++) {
		while (o < QSPACE && have[o] == 0)
			o++;
		if (!CHECK_EQ("range begins", o, re->re_range[i].tr_seq - BASE) ||
		    !CHECK_EQ("range ends", run_end(o), re->re_range[i].tr_end - BASE))
			return false;
		o = run_end(o);
	}
	while (o < QSPACE && have[o] == 0)
		o++;
	return CHECK_EQ("no more ranges", QSPACE, o) && CHECK(reass_ok(re));
}

static void
reassemble(uint32_t longest)
{
	struct tcp_reass re;
	uint32_t nxt = 0, seq, len;
	bool ok = true;

	memset(have, 0, sizeof(have));
	reass_init(&re);
	while (nxt < QSPACE - 1 && ok) {
		uint32_t what = below(20);

		if (what < 18) {
			seq = nxt + below(QSPACE - nxt);
			len = 1 + below(longest);
			if (seq + len > QSPACE)
				len = QSPACE - seq;
			ok = put_one(&re, seq, len);
		} else if (what == 18) {
			nxt += below(4);
			if (nxt > QSPACE)
				nxt = QSPACE;
			len = run_end(nxt) - nxt;
			ok = get_some(&re, nxt);
			nxt += len;
		} else if (re.re_n > 40) {
			seq = re.re_range[re.re_n - 1].tr_seq - BASE;
			CHECK(reass_prune(&re) > 0);
			memset(have + seq, 0, QSPACE - seq);
		}
		ok = ok && ranges_same(&re);
	}
	reass_fini(&re);
	CHECK_EQ("memory", 0, re.re_mem);
}

TEST_WITH(reassembly_is_as_an_array, .ht_flags = HARNESS_KERNEL, .ht_seeds = 10)
{
	state = harness_seed();
	reassemble(5);
	reassemble(50);
	reassemble(700);
}

/* --- headers -------------------------------------------------------------------------- */

static void
random_seg(struct tcpseg *ts)
{
	do {
		memset(ts, 0, sizeof(*ts));
		ts->ts_flags = (uint8_t)below(256);
		ts->ts_opts = (uint8_t)below(128);
		if ((ts->ts_flags & TH_SYN) == 0)
			ts->ts_opts &= TO_TIMESTAMP | TO_SACK;
		if ((ts->ts_opts & TO_FASTOPEN) != 0)
			ts->ts_opts &= (uint8_t)~TO_FASTOPENEXP;
		if ((ts->ts_opts & TO_SACK) != 0)
			ts->ts_nsack = (uint8_t)(1 + below(TCP_MAXSACK));
		if ((ts->ts_opts & (TO_FASTOPEN | TO_FASTOPENEXP)) != 0 && below(3) != 0)
			ts->ts_cookielen = (uint8_t)(TCP_COOKIE_MIN + 2 * below(7));
	} while (tcp_wire_length(ts) > TCP_MAXHDR);
	ts->ts_seq = below(UINT32_MAX) * 2 + below(2);
	ts->ts_ack = below(UINT32_MAX) * 2 + below(2);
	ts->ts_sport = (uint16_t)below(65536);
	ts->ts_dport = (uint16_t)below(65536);
	ts->ts_wnd = (uint16_t)below(65536);
	ts->ts_urp = (uint16_t)below(65536);
	if ((ts->ts_opts & TO_MSS) != 0)
		ts->ts_mss = (uint16_t)below(65536);
	if ((ts->ts_opts & TO_WSCALE) != 0)
		ts->ts_wscale = (uint8_t)below(TCP_MAXWSCALE + 1);
	if ((ts->ts_opts & TO_TIMESTAMP) != 0) {
		ts->ts_tsval = below(UINT32_MAX);
		ts->ts_tsecr = below(UINT32_MAX);
	}
	for (unsigned int i = 0; i < ts->ts_nsack; i++)
		ts->ts_sack[i] = (struct sackblk){ below(UINT32_MAX), below(UINT32_MAX) };
	for (unsigned int i = 0; i < ts->ts_cookielen; i++)
		ts->ts_cookie[i] = (uint8_t)below(256);
}

TEST_WITH(a_header_comes_back_as_it_was, .ht_flags = HARNESS_KERNEL)
{
	uint8_t b[TCP_MAXHDR];
	struct tcpseg ts, got;

	state = harness_seed();
	for (unsigned int i = 0; i < 20000; i++) {
		random_seg(&ts);
		tcp_wire_build(b, &ts);
		memset(&got, 0, sizeof(got));
		if (!CHECK_EQ("header", 0, tcp_wire_header(b, ts.ts_hdrlen, &got)))
			break;
		tcp_wire_options(b, &got);
		if (!CHECK_EQ("options", ts.ts_opts, got.ts_opts) ||
		    !CHECK_MEM("segment", &ts, &got, sizeof(ts)))
			break;
	}
}

/* In memory of just its size, so that a step beyond is seen. */
TEST_WITH(bytes_that_mean_harm, .ht_flags = HARNESS_KERNEL)
{
	static const uint8_t kinds[] = { 0, 1, 2, 3, 4, 5, 8, 34, 254, 255 };
	unsigned int read = 0;

	state = harness_seed();
	for (unsigned int i = 0; i < 50000; i++) {
		struct tcpseg ts;
		size_t len = 1 + below(TCP_MAXHDR + 4);
		uint8_t *b = kmem_alloc(len, KM_SLEEP);

		for (size_t k = 0; k < len; k++)
			b[k] = (uint8_t)(below(2) != 0 ? kinds[below(ARRAY_SIZE(kinds))] :
			    below(below(2) != 0 ? 256 : 40));
		if (len > 12 && below(4) != 0)
			b[12] = (uint8_t)(len / 4 << 4);
		memset(&ts, 0, sizeof(ts));
		if (tcp_wire_header(b, len, &ts) == 0) {
			read++;
			CHECK(ts.ts_hdrlen >= TCP_HDRLEN && ts.ts_hdrlen <= TCP_MAXHDR);
			if (ts.ts_hdrlen <= len)
				tcp_wire_options(b, &ts);
			CHECK(ts.ts_nsack <= TCP_MAXSACK && ts.ts_cookielen <= TCP_COOKIE_MAX);
			CHECK(ts.ts_wscale <= TCP_MAXWSCALE);
			CHECK((ts.ts_flags & TH_SYN) != 0 ||
			    (ts.ts_opts & ~(TO_TIMESTAMP | TO_SACK)) == 0);
		} else
			CHECK(len < TCP_HDRLEN || b[12] >> 4 < 5 || (b[12] >> 4) * 4u > len);
		kmem_free(b, len);
	}
	CHECK("some could be read" && read > 1000);
}

/* --- time ------------------------------------------------------------------------------ */

#define SEC	NSEC_PER_SEC

TEST_WITH(rto_by_the_numbers, .ht_flags = HARNESS_KERNEL)
{
	struct tcp_rtt tr;

	tcp_rtt_init(&tr);
	CHECK_EQ("at first (2.1)", SEC, tr.tr_rto);
	tcp_rtt_sample(&tr, SEC, SEC);
	CHECK_EQ("SRTT (2.2)", SEC, tr.tr_srtt);
	CHECK_EQ("RTTVAR", SEC / 2, tr.tr_rttvar);
	CHECK_EQ("RTO", 3 * SEC, tr.tr_rto);
	tcp_rtt_sample(&tr, 2 * SEC, 2 * SEC);
	CHECK_EQ("SRTT (2.3)", SEC / 8 * 9, tr.tr_srtt);
	CHECK_EQ("RTTVAR", SEC / 8 * 5, tr.tr_rttvar);
	CHECK_EQ("RTO", SEC / 8 * 29, tr.tr_rto);
	tcp_rtt_sample(&tr, SEC / 2, 3 * SEC);
	CHECK_EQ("SRTT", SEC / 64 * 67, tr.tr_srtt);
	CHECK_EQ("RTTVAR", SEC / 8 * 5, tr.tr_rttvar);
	CHECK_EQ("least", SEC / 2, tr.tr_min);
	CHECK_EQ("backed off (5.5)", 2 * tr.tr_rto, tcp_rtt_backoff(&tr, 1));
	CHECK_EQ("twice", 4 * tr.tr_rto, tcp_rtt_backoff(&tr, 2));
	for (unsigned int i = 0; i < 300; i++)
		CHECK(tcp_rtt_backoff(&tr, i) <= TCP_RTO_MAX &&
		    tcp_rtt_backoff(&tr, i + 1) >= tcp_rtt_backoff(&tr, i));
	CHECK_EQ("at most", TCP_RTO_MAX, tcp_rtt_backoff(&tr, 255));
}

TEST_WITH(rto_stays_in_its_bounds, .ht_flags = HARNESS_KERNEL)
{
	struct tcp_rtt tr;

	state = harness_seed();
	tcp_rtt_init(&tr);
	for (unsigned int i = 0; i < 20000; i++) {
		int64_t rtt = (int64_t)below(UINT32_MAX) << below(12);

		tcp_rtt_sample(&tr, below(10) == 0 ? -rtt : rtt, (int64_t)i * SEC);
		if (!CHECK(tr.tr_rto >= TCP_RTO_MIN && tr.tr_rto <= TCP_RTO_MAX) ||
		    !CHECK(tr.tr_srtt > 0 && tr.tr_rttvar >= 0 && tr.tr_min > 0))
			break;
	}
}

/* --- CUBIC -------------------------------------------------------------------------------- */

#define CMSS	1000u
#define MSEC	1000000LL

/* C * (t - K)^3 + W_max in thousandths of a segment; t, k in ms.  RFC 9438 figure 1. */
static int64_t
cubic_formula(int64_t t, int64_t k, int64_t wmax)
{
	return wmax * 1000 + (t - k) * (t - k) * (t - k) / 1000 * 4 / 10000;
}

/* From w segments down by a loss, and up again for so long; thousandths of a segment. */
static int64_t
grow(struct tcp_cc *cc, int64_t *now, int64_t rtt, int64_t until)
{
	while (*now < until) {
		uint32_t window = cc->cc_cwnd;

		for (uint32_t acked = 0; acked < window; acked += CMSS) {
			struct tcp_ccack ca = { .ca_now = *now + rtt * acked / window,
				.ca_rtt = rtt, .ca_srtt = rtt, .ca_acked = CMSS,
				.ca_limited = true };

			cc->cc_ops->co_acked(cc, &ca);
		}
		*now += rtt;
	}
	return (int64_t)cc->cc_cwnd * 1000 / CMSS;
}

static void
lose(struct tcp_cc *cc)
{
	cc->cc_ssthresh = cc->cc_ops->co_reduce(cc, cc->cc_cwnd);
	cc->cc_cwnd = cc->cc_ssthresh;
}

TEST_WITH(cubic_follows_its_curve, .ht_flags = HARNESS_KERNEL)
{
	int64_t now = SEC, rtt = 100 * MSEC, got, low, high;
	struct tcp_cc cc;

	tcp_cc_init(&cc, &tcp_cc_cubic, CMSS);
	cc.cc_cwnd = 1000 * CMSS;
	lose(&cc);
	CHECK_EQ("beta is 0.7", 700 * CMSS, cc.cc_cwnd);
	/* K = cbrt(300 / 0.4) = 9086 ms */
	for (int64_t t = 1000; t <= 15000; t += 1000) {
		got = grow(&cc, &now, rtt, SEC + t * MSEC);
		low = cubic_formula(t - 100, 9086, 1000) * 99 / 100;
		high = cubic_formula(t + 200, 9086, 1000) * 101 / 100;
		harness_note("%d ms: %d in %d to %d", (int)t, (int)got, (int)low, (int)high);
		CHECK(got >= low && got <= high);
	}
}

TEST_WITH(cubic_is_never_slower_than_reno, .ht_flags = HARNESS_KERNEL)
{
	int64_t now = SEC, got;
	struct tcp_cc cc;

	tcp_cc_init(&cc, &tcp_cc_cubic, CMSS);
	cc.cc_cwnd = 10 * CMSS;
	lose(&cc);
	/* 9/17 of a segment each round trip up to 10, which takes about 6; then one. */
	got = grow(&cc, &now, 10 * MSEC, SEC + 500 * MSEC);
	harness_note("%d", (int)got);
	CHECK(got >= 48000 && got <= 56000);
}

TEST_WITH(cubic_gives_way, .ht_flags = HARNESS_KERNEL)
{
	struct tcp_cc cc;

	tcp_cc_init(&cc, &tcp_cc_cubic, CMSS);
	cc.cc_cwnd = 1000 * CMSS;
	lose(&cc);
	CHECK_EQ("W_max", 1000 * CMSS, cc.cc_cubic.cu_wmax);
	lose(&cc);
	/* Fast convergence: 700 * (1 + 0.7) / 2. */
	CHECK_EQ("W_max below", 595 * CMSS, cc.cc_cubic.cu_wmax);
	CHECK_EQ("cwnd", 490 * CMSS, cc.cc_cwnd);
	tcp_cc_cubic.co_undo(&cc);
	CHECK_EQ("W_max again", 1000 * CMSS, cc.cc_cubic.cu_wmax);
	for (int i = 0; i < 40; i++)
		lose(&cc);
	CHECK_EQ("two segments at least", 2 * CMSS, cc.cc_cwnd);
}

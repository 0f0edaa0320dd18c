/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_script_look.c - what packet scripts look at, and many round trips at once
 */

#include "tcp_script_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>

/* --- many round trips at once ------------------------------------------------------------------- */

/* There is more to send than the window takes: the buffer is not what limits us. */
static void
fill(struct script *s)
{
	struct socket *so = script_socket(s);
	struct tcpcb *tp = tcpcb_of(so);

	mutex_enter(&so->so_lock);
	so->so_snd.sb_hiwat = 64 << 20;
	so->so_snd.sb_locked_size = true;
	mutex_exit(&so->so_lock);
	while (!s->s_failed && sndbuf_end(&tp->t_snd) - tp->t_una < 3 * tp->t_cc.cc_cwnd)
		script_run_text(s, "write 20000\n");
}

/* Looks at all that was sent, and drops it. */
static void
drain(struct script *s)
{
	struct packet *p;
	struct tcpseg ts;
	uint8_t ecn;

	while ((p = script_take_sent(s)) != NULL) {
		(void)script_read_sent(s, p, &ts, &ecn);
		packet_free(p);
	}
}

void
do_drop(struct script *s)
{
	script_at_time(s);
	drain(s);
}

static void
send_ack(struct script *s, uint32_t ack, uint32_t sack, uint32_t end)
{
	struct line_seg ls;
	struct tcpseg *ts = &ls.ls_seg;

	memset(&ls, 0, sizeof(ls));
	ts->ts_flags = TH_ACK;
	ts->ts_seq = PEER_ISN + 1;
	ts->ts_ack = ack;
	if (sack != end) {
		ts->ts_opts = TO_SACK;
		ts->ts_nsack = 1;
		ts->ts_sack[0] = (struct sackblk){ sack, end };
	}
	script_send_segment(s, &ls);
}

static void
round_trip(struct script *s, int64_t rtt, uint32_t *ret_una, uint32_t *ret_nxt)
{
	struct tcpcb *tp = tcpcb_of(script_socket(s));

	fill(s);
	s->s_plus = rtt;
	script_at_time(s);
	drain(s);
	*ret_una = tp->t_una;
	*ret_nxt = tp->t_nxt;
}

/* All that was sent arrived; every second segment is acknowledged. */
void
do_rounds(struct script *s)
{
	uint32_t mss = tcpcb_of(script_socket(s))->t_mss, n = script_arg(s, 1), una, nxt;
	int64_t rtt = script_arg(s, 2) * MS;

	for (uint32_t i = 0; i < n && !s->s_failed; i++) {
		round_trip(s, rtt, &una, &nxt);
		while (una != nxt) {
			una += nxt - una < 2 * mss ? nxt - una : 2 * mss;
			send_ack(s, una, 0, 0);
		}
	}
}

/* All but the first segment arrived; that does a round trip later. */
void
do_loss(struct script *s)
{
	uint32_t mss = tcpcb_of(script_socket(s))->t_mss, una, nxt;
	int64_t rtt = script_arg(s, 1) * MS;

	round_trip(s, rtt, &una, &nxt);
	for (uint32_t at = una + 2 * mss; at - una <= nxt - una; at += mss)
		send_ack(s, una, una + mss, at);
	round_trip(s, rtt, &una, &nxt);
	send_ack(s, nxt, 0, 0);
}

/* --- looking ---------------------------------------------------------------------------------- */

void
do_wait(struct script *s)
{
	s->s_plus = script_arg(s, 1) * MS;
	script_at_time(s);
}

void
do_none(struct script *s)
{
	struct packet *p;
	struct tcpseg ts;
	uint8_t ecn;

	script_sleep(s, s->s_last + script_arg(s, 1) * MS, true);
	p = script_take_sent(s);
	if (p != NULL) {
		if (script_read_sent(s, p, &ts, &ecn))
			script_describe(s, &ts, p->p_time);
		packet_free(p);
	}
	script_complain(s, "nothing is sent", 1, p == NULL);
	s->s_last = clock_mono();
}

static const struct { const char *name; enum tcp_stat stat; } counts[SCRIPT_NCOUNTS] = {
	{ "MTUPFAIL", TCPSTAT_MTUPFAIL }, { "MTUPSUCCESS", TCPSTAT_MTUPSUCCESS },
	{ "SACKRECOVERY", TCPSTAT_SACKRECOVERY }, { "RENORECOVERY", TCPSTAT_RENORECOVERY },
};

/* What the counters say before the script. */
void
script_count_begin(struct script *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		s->s_count[i] = tcp_stat_read(counts[i].stat);
}

void
do_count(struct script *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		if (script_is(s, 1, counts[i].name)) {
			script_complain(s, counts[i].name, (int)script_arg(s, 2),
			    (int)(tcp_stat_read(counts[i].stat) - s->s_count[i]));
			return;
		}
	}
	NEED(!"a known counter");
}

static const char *const state_name[TCPS_NSTATES] = {
	[TCPS_ESTABLISHED] = "ESTABLISHED", [TCPS_SYN_SENT] = "SYN_SENT",
	[TCPS_SYN_RECEIVED] = "SYN_RECEIVED", [TCPS_FIN_WAIT_1] = "FIN_WAIT_1",
	[TCPS_FIN_WAIT_2] = "FIN_WAIT_2", [TCPS_TIME_WAIT] = "TIME_WAIT",
	[TCPS_CLOSED] = "CLOSED", [TCPS_CLOSE_WAIT] = "CLOSE_WAIT",
	[TCPS_LAST_ACK] = "LAST_ACK", [TCPS_LISTEN] = "LISTEN", [TCPS_CLOSING] = "CLOSING",
};
static const char *const castate_name[] = {
	[TCA_OPEN] = "OPEN", [TCA_DISORDER] = "DISORDER", [TCA_CWR] = "CWR",
	[TCA_RECOVERY] = "RECOVERY", [TCA_LOSS] = "LOSS",
};

static void
check_name(struct script *s, const char *got)
{
	if (!CHECK_STR(s->s_word[0], s->s_word[1], got)) {
		harness_note("at line %u", s->s_line);
		s->s_failed = true;
	}
}

/* One number, or from one to another. */
static void
within(struct script *s, const char *what, uint32_t got)
{
	uint32_t least = script_arg(s, 1), most = s->s_nwords > 2 ? script_arg(s, 2) : least;

	script_complain(s, what, got < least ? least : got > most ? most : got, got);
}

void
do_look(struct script *s)
{
	struct socket *so = script_socket(s);
	struct tcpcb *tp = tcpcb_of(so);

	mutex_enter(&so->so_lock);
	if (script_is(s, 0, "state"))
		check_name(s, state_name[tp->t_state]);
	else if (script_is(s, 0, "castate"))
		check_name(s, castate_name[tp->t_castate]);
	else if (script_is(s, 0, "cwnd"))
		within(s, "cwnd", tp->t_cc.cc_cwnd / tp->t_mss);
	else if (script_is(s, 0, "ssthresh"))
		within(s, "ssthresh", tp->t_cc.cc_ssthresh / tp->t_mss);
	else if (script_is(s, 0, "mss"))
		within(s, "mss", tp->t_mss);
	else if (script_is(s, 0, "rto"))
		script_complain(s, "rto", script_arg(s, 1), tcp_rtt_backoff(&tp->t_rtt, tp->t_backoff) / MS);
	mutex_exit(&so->so_lock);
}

void
do_poll(struct script *s)
{
	static const struct { const char *name; uint32_t bit; } bits[] = {
		{ "in", POLLIN }, { "out", POLLOUT }, { "hup", POLLHUP }, { "pri", POLLPRI },
	};
	struct socket *so = script_socket(s);
	uint32_t want = 0, got;

	for (unsigned int w = 1; w < s->s_nwords; w++) {
		for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
			want |= script_is(s, w, bits[i].name) ? bits[i].bit : 0;
	}
	mutex_enter(&so->so_lock);
	got = tcp_sockops.so_poll(so) & (POLLIN | POLLOUT | POLLHUP | POLLPRI);
	if ((so->so_state & SS_CANTRCVMORE) != 0)
		got |= POLLIN;
	mutex_exit(&so->so_lock);
	script_complain(s, "poll", want, got);
}

/* icmp toobig MTU SEQ, icmp unreach SEQ: about a segment of ours. */
void
do_icmp(struct script *s)
{
	bool toobig = script_is(s, 1, "toobig");
	struct packet *p = packet_alloc(0);
	uint8_t b[8 + 20 + 8];
	uint16_t sum;

	script_at_time(s);
	NEED(p != NULL);
	memset(b, 0, sizeof(b));
	b[0] = 3;
	b[1] = toobig ? 4 : 1;
	if (toobig)
		be16_put(b + 6, (uint16_t)script_arg(s, 2));
	b[8] = 0x45;
	be16_put(b + 10, 1500);
	b[16] = 64;
	b[17] = IPPROTO_TCP;
	be32_put(b + 20, OURS);
	be32_put(b + 24, PEER);
	be16_put(b + 28, s->s_lport);
	be16_put(b + 30, PPORT);
	be32_put(b + 32, s->s_iss + script_arg(s, toobig ? 3 : 2));
	sum = packet_sum_fold(packet_sum_bytes(b, sizeof(b), 0));
	memcpy(b + 2, &sum, 2);
	NEED(packet_appendcopy(p, b, sizeof(b), 0) == 0);
	script_inject(s, p, IPPROTO_ICMP, 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_pmtu.c - what ICMP says about our segments
 *
 * ICMP is not authenticated.  A message must quote a sequence number that is
 * under way (RFC 5927 section 4.1); errors end a connection that is being made, as there
 * is somebody who waits to be told, and no other (section 5.2); "too big" makes segments smaller, but not
 * below what the family guarantees (section 7), and what it says was dropped is sent again.
 * Routers that say nothing are tcp_plp.c's.
 */

#include "tcp_impl.h"

#include <lib/bytes.h>
#include <sys/errno.h>

/* --- too big --------------------------------------------------------------------- */

/* What is larger than a segment may be did not get through. */
static void
lose_larger(struct tcpcb *tp)
{
	for (uint32_t i = 0; i < tp->t_board.bd_n; i++) {
		const struct tcp_sent *se = board_at(&tp->t_board, i);

		if ((se->se_flags & SE_SACKED) == 0 && se->se_end - se->se_seq > tp->t_mss)
			board_lost(&tp->t_board, i);
	}
}

static void
ctl_toobig(struct tcpcb *tp, const struct inet_ctl *ctl, int64_t now)
{
	uint32_t mtu = ctl->ic_info, least = tp->t_af->ia_minmtu, mss = tp->t_mss;
	uint8_t disc = tp->t_inp.inp_family == AF_INET ? tp->t_inp.inp_pmtudisc :
	    tp->t_inp.inp_pmtudisc6;
	bool probe;

	if (!tcp_synchronized(tp) || disc == IP_PMTUDISC_INTERFACE || disc == IP_PMTUDISC_OMIT)
		return;
	if (mtu < least)
		mtu = least;
	if (mtu >= tp->t_pmtu)
		return;
	tcp_setmss(tp, mtu);
	probe = tcp_plp_toobig(tp, now);
	if (tp->t_mss < mss)
		lose_larger(tp);
	else if (!probe)
		return;
	/* Cut anew and sent again; no sign of congestion: neither window shrinks. */
	tp->t_flags |= TF_FORCE;
	tcp_output(tp, now);
	tcp_timer_rtx(tp, now);
}

/* --- other errors ----------------------------------------------------------------------- */

static void
ctl_error(struct tcpcb *tp, const struct inet_ctl *ctl)
{
	struct socket *so = tcp_so(tp);

	inpcb_queue_error(&tp->t_inp, ctl);
	if (!tcp_synchronized(tp) && tp->t_state != TCPS_LISTEN) {
		tcp_done(tp, ctl->ic_errno);
		return;
	}
	if (tp->t_inp.inp_family == AF_INET ? tp->t_inp.inp_recverr : tp->t_inp.inp_recverr6)
		socket_seterror(so, ctl->ic_errno);
}

void
tcp_ctl(const struct inet_ctl *ctl)
    NO_THREAD_SAFETY
{
	struct tcpns *tn = netns_data(ctl->ic_ns, NETNS_SLOT_TCP);
	struct inet_rx rx = { .ir_family = ctl->ic_family, .ir_proto = IPPROTO_TCP,
		.ir_src = ctl->ic_dst, .ir_dst = ctl->ic_src, .ir_ifindex = ctl->ic_ifindex };
	struct inpcb *inp;
	struct tcpcb *tp;
	int64_t now;
	uint32_t seq;

	if (ctl->ic_l4len < 8)
		return;
	inp = inpcb_lookup(tn->tn_table, &rx, be16_get(ctl->ic_l4 + 2), be16_get(ctl->ic_l4),
	    true);
	if (inp == NULL)
		return;
	tp = container_of(inp, struct tcpcb, t_inp);
	seq = be32_get(ctl->ic_l4 + 4);
	now = clock_mono();
	mutex_enter(&inp->inp_so->so_lock);
	if (tp->t_state != TCPS_CLOSED && tp->t_state != TCPS_LISTEN &&
	    seq_ge(seq, tp->t_una) && seq_lt(seq, tp->t_nxt)) {
		if (ctl->ic_err == INET_ERR_TOOBIG)
			ctl_toobig(tp, ctl, now);
		else
			ctl_error(tp, ctl);
	}
	tcp_unlock(tp);
	socket_rele(inp->inp_so);
}

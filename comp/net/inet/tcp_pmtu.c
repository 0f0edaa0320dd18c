/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_pmtu.c - what ICMP says about our segments, and what silence says
 *
 * ICMP is not authenticated.  A message must quote a sequence number that is
 * under way (RFC 5927 section 4.1); errors end a connection that is being made, as there
 * is somebody who waits to be told, and no other (section 5.2); "too big" makes segments smaller, but not
 * below what the family guarantees (section 7), and what it says was dropped is sent again.
 *
 * Where routers drop what is too big and say nothing (RFC 2923), repeated timeouts
 * of full segments make us try smaller ones (net.ipv4.tcp_mtu_probing).
 *
 * NEEDSWORK: larger ones are never tried again (RFC 4821 section 7, tcp_mtu_probing 2).  It
 * takes one segment above t_mss now and then, when cwnd has room for ten others, whose
 * loss alone is no congestion, and the bounds of the search beside t_mtucap; these
 * must not make the control block longer, which fills its cache lines.
 */

#include "tcp_impl.h"

#include <lib/bytes.h>
#include <sys/errno.h>

/* --- too big --------------------------------------------------------------------- */

/* Full segments did not get through: cut them anew and send them again. */
static void
resend_smaller(struct tcpcb *tp, int64_t now)
{
	for (uint32_t i = 0; i < tp->t_board.bd_n; i++) {
		const struct tcp_sent *se = board_at(&tp->t_board, i);

		if ((se->se_flags & SE_SACKED) == 0 && se->se_end - se->se_seq > tp->t_mss)
			board_lost(&tp->t_board, i);
	}
	/* No sign of congestion: neither window shrinks. */
	tp->t_flags |= TF_FORCE;
	tcp_output(tp, now);
	tcp_timer_rtx(tp, now);
}

static void
ctl_toobig(struct tcpcb *tp, const struct inet_ctl *ctl, int64_t now)
{
	uint32_t mtu = ctl->ic_info, least = tp->t_af->ia_minmtu, mss = tp->t_mss;
	uint8_t disc = tp->t_inp.inp_family == AF_INET ? tp->t_inp.inp_pmtudisc :
	    tp->t_inp.inp_pmtudisc6;

	if (!tcp_synchronized(tp) || disc == IP_PMTUDISC_INTERFACE || disc == IP_PMTUDISC_OMIT)
		return;
	if (mtu < least)
		mtu = least;
	if (mtu >= tp->t_pmtu)
		return;
	tcp_setmss(tp, mtu);
	if (tp->t_mss < mss)
		resend_smaller(tp, now);
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

/* --- silence ----------------------------------------------------------------------------- */

/* Timeouts in a row: perhaps a router swallows what is too big for it. */
void
tcp_blackhole(struct tcpcb *tp)
{
	struct netns *ns = tp->t_ns->tn_ns;
	uint32_t hdr = tp->t_af->ia_hdrlen + TCP_HDRLEN;
	uint32_t base = (uint32_t)netvar_get(ns, &tcpvar_base_mss) + hdr;
	uint32_t cap = tp->t_mtucap != 0 ? tp->t_mtucap : tp->t_pmtu;

	if (netvar_get(ns, &tcpvar_mtu_probing) == 0 || cap == 0)
		return;
	cap = cap > base ? base : cap / 2;
	if (cap < tp->t_af->ia_minmtu)
		cap = tp->t_af->ia_minmtu;
	if (cap < hdr + (uint32_t)netvar_get(ns, &tcpvar_min_snd_mss) || cap == tp->t_mtucap)
		return;
	tp->t_mtucap = (uint16_t)cap;
	tcp_setmss(tp, tp->t_pmtu);
	tcp_count(TCPSTAT_MTUPFAIL);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_rcvbuf.c - the receive buffer, the window we offer, and how both grow
 *
 * The buffer's limit counts memory, so half of it is what the window promises:
 * the other half pays for packets around the text.  What was offered stays offered
 * (RFC 9293 section 3.8.6.2.2: the right edge does not move back), and it moves
 * by a segment or half the buffer at least, so that nobody is lured into
 * sending crumbs.
 *
 * Growing.  Whoever reads as fast as data comes should never be limited by the
 * buffer.  Once a round trip we look how much the application took; if that
 * was more than ever before, the buffer becomes twice that and some more, as the
 * sender's window may double in a round trip.  A receiver does not see round trips,
 * but it takes at least one until a full window has come: t_rcvrtt is the least
 * of those times.
 */

#include "tcp_impl.h"

#include <sys/atomic.h>

static uint32_t
buffer_limit(const struct socket *so)
{
	return atomic_load(&so->so_rcv.sb_hiwat) / 2;
}

uint8_t
tcp_rcvscale(const struct socket *so)
{
	uint32_t most = atomic_load(&so->so_rcv.sb_hiwat);
	uint8_t scale = 0;

	if (!atomic_load(&so->so_rcv.sb_locked_size)) {
		uint32_t may = (uint32_t)netvar_get(so->so_ns, &tcpvar_rmem_max);

		most = may > most ? may : most;
	}
	for (most /= 2; most > 65535 && scale < TCP_MAXWSCALE; most >>= 1)
		scale++;
	return scale;
}

uint32_t
tcp_rcvspace(const struct tcpcb *tp)
{
	const struct sockbuf *sb = &tcp_so(tp)->so_rcv;
	uint32_t full = buffer_limit(tcp_so(tp));
	uint32_t mem = sb->sb_mem + tp->t_reass.re_mem;
	uint32_t space = sb->sb_cc < full ? full - sb->sb_cc : 0;
	uint32_t left = mem < sb->sb_hiwat ? sb->sb_hiwat - mem : 0;

	return space < left ? space : left;
}

/* The least step by which the right edge moves. */
static uint32_t
window_step(const struct tcpcb *tp)
{
	uint32_t half = buffer_limit(tcp_so(tp)) / 2;

	return half < tp->t_rcvmss ? half : tp->t_rcvmss;
}

uint32_t
tcp_rcvwindow(struct tcpcb *tp)
{
	uint32_t cur = seq_gt(tp->t_radv, tp->t_rnxt) ? tp->t_radv - tp->t_rnxt : 0;
	uint32_t wnd = tcp_rcvspace(tp), unit = 1U << tp->t_rcvscale;

	if (tp->t_clamp != 0 && wnd > tp->t_clamp)
		wnd = tp->t_clamp;
	if (wnd > 65535U << tp->t_rcvscale)
		wnd = 65535U << tp->t_rcvscale;
	if (wnd < cur + window_step(tp))
		return (cur + unit - 1) & ~(unit - 1);
	return wnd & ~(unit - 1);
}

/* --- growing ------------------------------------------------------------------ */

/* A window of text has come: that took a round trip or more. */
void
tcp_rcvtune(struct tcpcb *tp, int64_t now)
{
	int64_t rtt = now - tp->t_drsrttat;

	if (tp->t_drsrttat != 0) {
		if (seq_lt(tp->t_rnxt, tp->t_drsrttseq))
			return;
		if (tp->t_rcvrtt == 0 || rtt < tp->t_rcvrtt)
			tp->t_rcvrtt = rtt;
		else	/* it may become slower, but not at once */
			tp->t_rcvrtt += (rtt - tp->t_rcvrtt) / 8;
	}
	tp->t_drsrttseq = tp->t_radv;
	tp->t_drsrttat = now;
}

static void
grow_buffer(struct tcpcb *tp, uint32_t copied)
{
	struct sockbuf *sb = &tcp_so(tp)->so_rcv;
	uint64_t want = 2 * ((uint64_t)copied * 2 + 16U * tp->t_rcvmss);
	uint32_t most = (uint32_t)netvar_get(tp->t_ns->tn_ns, &tcpvar_rmem_max);

	if (want > most)
		want = most;
	if (want > sb->sb_hiwat)
		sb->sb_hiwat = (uint32_t)want;
}

static void
tune_by_reading(struct tcpcb *tp, int64_t now)
{
	int64_t rtt = tp->t_rcvrtt != 0 ? tp->t_rcvrtt : tp->t_rtt.tr_srtt;
	uint32_t copied = tp->t_copied - tp->t_drsseq;

	if (rtt == 0 || now - tp->t_drsat < rtt)
		return;
	if (copied > tp->t_drsspace) {
		if (!tcp_so(tp)->so_rcv.sb_locked_size &&
		    netvar_get(tp->t_ns->tn_ns, &tcpvar_moderate_rcvbuf) != 0)
			grow_buffer(tp, copied);
		tp->t_drsspace = copied;
	}
	tp->t_drsseq = tp->t_copied;
	tp->t_drsat = now;
}

/*
 * All has been read, and the reader is none who answers, so that the ACK could ride on
 * that: the sender may wait for it with the next small segment (RFC 9293 section 3.7.4).
 */
static bool
read_in_silence(const struct tcpcb *tp)
{
	return (tp->t_flags & TF_PINGPONG) == 0 && tcp_so(tp)->so_rcv.sb_cc == 0;
}

/* After a read: is there something the sender should know? */
void
tcp_rcvread(struct tcpcb *tp, int64_t now)
{
	uint32_t cur = seq_gt(tp->t_radv, tp->t_rnxt) ? tp->t_radv - tp->t_rnxt : 0;
	uint32_t wnd;

	if (!tcp_synchronized(tp))
		return;
	tune_by_reading(tp, now);
	wnd = tcp_rcvwindow(tp);
	if (wnd >= 2 * cur && wnd - cur >= window_step(tp) && wnd > cur)
		tp->t_flags |= TF_ACKNOW;	/* it was narrow: it is wide again */
	else if ((tp->t_flags & TF_DELACK) != 0 &&
	    (tp->t_rnxt - tp->t_lastack >= tp->t_rcvmss || read_in_silence(tp)))
		tp->t_flags |= TF_ACKNOW;
}

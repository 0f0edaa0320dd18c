/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_info.c - struct tcp_info: what getsockopt(TCP_INFO) and ss(8) show
 */

#include "tcp_impl.h"

#include <lib/string.h>
#include <linux/tcp.h>

static uint32_t
usec(int64_t ns)
{
	return ns <= 0 ? 0 : ns / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 1000);
}

static uint32_t
msec_since(int64_t at, int64_t now)
{
	return at == 0 ? 0 : (uint32_t)((now - at) / 1000000);
}

/* Octets as whole segments, at least one if there are any. */
static uint32_t
segs(const struct tcpcb *tp, uint32_t octets)
{
	return (octets + tp->t_mss - 1) / tp->t_mss;
}

static void
info_path(const struct tcpcb *tp, struct tcp_info *ti)
{
	const struct tcp_cc *cc = &tp->t_cc;

	ti->tcpi_rto = usec(tcp_rtt_backoff(&tp->t_rtt, tp->t_backoff));
	ti->tcpi_rtt = usec(tp->t_rtt.tr_srtt);
	ti->tcpi_rttvar = usec(tp->t_rtt.tr_rttvar);
	ti->tcpi_min_rtt = usec(tp->t_rtt.tr_min);
	ti->tcpi_rcv_rtt = usec(tp->t_rcvrtt);
	ti->tcpi_ato = 40000;
	ti->tcpi_pmtu = tp->t_pmtu;
	ti->tcpi_snd_cwnd = cc->cc_cwnd / tp->t_mss;
	ti->tcpi_snd_ssthresh = cc->cc_ssthresh == TCP_SSTHRESH_INF ? TCP_SSTHRESH_INF :
	    cc->cc_ssthresh / tp->t_mss;
	ti->tcpi_reordering = RACK_DUPTHRESH;
	ti->tcpi_delivery_rate = tp->t_rate;
	ti->tcpi_delivery_rate_app_limited = (tp->t_flags & TF_APPLIMITED) != 0;
	if (tp->t_rtt.tr_srtt > 0)
		ti->tcpi_pacing_rate = (uint64_t)cc->cc_cwnd * NSEC_PER_SEC * 2 /
		    (uint64_t)tp->t_rtt.tr_srtt;
	ti->tcpi_max_pacing_rate = UINT64_MAX;
}

static void
info_counts(const struct tcpcb *tp, struct tcp_info *ti)
{
	const struct tcp_board *b = &tp->t_board;

	ti->tcpi_unacked = segs(tp, b->bd_total);
	ti->tcpi_sacked = segs(tp, (tp->t_flags & TF_SACK) != 0 ? b->bd_sacked : tp->t_reno);
	ti->tcpi_lost = segs(tp, b->bd_lost);
	ti->tcpi_retrans = segs(tp, b->bd_rtx);
	ti->tcpi_total_retrans = tp->t_totalrtx;
	ti->tcpi_bytes_acked = tp->t_bytesacked;
	ti->tcpi_bytes_received = tp->t_bytesrcvd;
	ti->tcpi_bytes_sent = tp->t_bytessent;
	ti->tcpi_bytes_retrans = tp->t_bytesrtx;
	ti->tcpi_segs_out = tp->t_segsout;
	ti->tcpi_segs_in = tp->t_segsin;
	ti->tcpi_data_segs_in = tp->t_datain;
	ti->tcpi_data_segs_out = tp->t_dataout;
	ti->tcpi_delivered = segs(tp, tp->t_delivered);
	ti->tcpi_delivered_ce = segs(tp, tp->t_deliveredce);
	ti->tcpi_dsack_dups = tp->t_dsackdups;
	ti->tcpi_reord_seen = tp->t_rack.rk_reordseen;
	ti->tcpi_rcv_ooopack = tp->t_ooopack;
}

/* so_lock held. */
void
tcp_getinfo(struct tcpcb *tp, struct tcp_info *ti, int64_t now)
{
	const struct socket *so = tcp_so(tp);

	memset(ti, 0, sizeof(*ti));
	ti->tcpi_state = tp->t_state;
	ti->tcpi_ca_state = tp->t_castate;
	ti->tcpi_retransmits = tp->t_backoff;
	ti->tcpi_probes = tp->t_probes;
	ti->tcpi_backoff = tp->t_backoff;
	if ((tp->t_flags & TF_TIMESTAMPS) != 0)
		ti->tcpi_options |= TCPI_OPT_TIMESTAMPS;
	if ((tp->t_flags & TF_SACK) != 0)
		ti->tcpi_options |= TCPI_OPT_SACK;
	if ((tp->t_flags & TF_ECN) != 0)
		ti->tcpi_options |= TCPI_OPT_ECN;
	if ((tp->t_flags & TF_SYNDATAACKED) != 0)
		ti->tcpi_options |= TCPI_OPT_SYN_DATA;
	if ((tp->t_flags & TF_WSCALE) != 0) {
		ti->tcpi_options |= TCPI_OPT_WSCALE;
		ti->tcpi_snd_wscale = tp->t_sndscale & 0xf;
		ti->tcpi_rcv_wscale = tp->t_rcvscale & 0xf;
	}
	ti->tcpi_snd_mss = tp->t_mss;
	ti->tcpi_rcv_mss = tp->t_rcvmss;
	ti->tcpi_advmss = tp->t_advmss;
	ti->tcpi_snd_wnd = tp->t_wnd;
	ti->tcpi_rcv_space = tp->t_drsspace;
	ti->tcpi_rcv_ssthresh = so->so_rcv.sb_hiwat / 2;
	ti->tcpi_last_data_sent = msec_since(tp->t_lastsent, now);
	ti->tcpi_last_data_recv = msec_since(tp->t_lastdata, now);
	ti->tcpi_last_ack_recv = msec_since(tp->t_lastrcvd, now);
	if (tp->t_state == TCPS_LISTEN) {
		/* As Linux: the accept queue and its limit. */
		ti->tcpi_unacked = so->so_qlen;
		ti->tcpi_sacked = so->so_backlog;
		return;
	}
	info_path(tp, ti);
	info_counts(tp, ti);
	if ((tp->t_flags & TF_FINSENT) == 0)
		ti->tcpi_notsent_bytes = sndbuf_end(&tp->t_snd) - tp->t_nxt;
}

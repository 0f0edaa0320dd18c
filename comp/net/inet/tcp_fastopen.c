/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_fastopen.c - data in the SYN (RFC 7413)
 *
 * A server gives each client a cookie, a MAC over its address; a client that
 * shows it later need not complete the handshake before its data is used, as it
 * can be reached at that address.
 *
 *	server	tfo_listen()	a SYN with a good cookie makes the child at once, in
 *				SYN-RECEIVED, and hands it to accept(2) with its data;
 *				at most t_tfoqlen of these are unconfirmed
 *	client	tfo_cache_*()	cookies of servers, a few, the oldest goes first
 *		tfo_synacked()	what came of it
 */

#include "tcp_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/kmem.h>

#define TFO_CLIENT	1	/* net.ipv4.tcp_fastopen */
#define TFO_SERVER	2
#define TFO_SERVER_NOCOOKIE 0x200
#define TFO_COOKIE	8	/* octets of ours */
#define TFO_CACHE	64

struct tcp_tfocache {
	struct {
		int		 tc_family;	/* 0: empty */
		struct inaddr	 tc_addr;
		uint16_t	 tc_mss;
		uint8_t		 tc_len;
		uint8_t		 tc_exp;	/* TO_FASTOPEN or TO_FASTOPENEXP */
		uint8_t		 tc_cookie[TCP_COOKIE_MAX];
	} tc_entry[TFO_CACHE];
	unsigned int	 tc_next;		/* the oldest */
};

/* --- server -------------------------------------------------------------------- */

void
tfo_cookie_make(struct tcpns *tn, int family, const struct inaddr *addr, uint8_t *cookie)
{
	struct {
		struct inaddr	addr;
		uint64_t	what;
	} in = { *addr, 0x7413u + (uint64_t)family };
	uint64_t mac = siphash(tn->tn_secret, &in, sizeof(in));

	memcpy(cookie, &mac, TFO_COOKIE);
}

/* The SYN's data goes to a child that exists already. */
static void
tfo_child_data(struct tcp_rx *rx, struct tcpcb *tp, const struct tcpseg *ts, struct packet *p)
{
	struct tcpseg text = *ts;

	text.ts_seq = ts->ts_seq + 1;
	if (seq_gt(text.ts_seq + text.ts_len, tp->t_radv)) {
		text.ts_len = tp->t_radv - text.ts_seq;
		packet_trim(p, text.ts_len);
	}
	if (text.ts_len > 0)
		tcp_text(tp, &text, p, rx->rx_now);
	else
		packet_free(p);
}

static bool
tfo_accept(struct tcp_rx *rx, struct socket *lso, struct tcpmini *tm, const struct tcpseg *ts,
    struct packet *p)
{
	struct tcpcb *tp;

	tm->tm_sentat = rx->rx_now;
	if (tcp_complete(rx, lso, tm) != 0)
		return false;
	tp = rx->rx_tp;
	tp->t_flags |= TF_REQUEST;
	tp->t_wnd = tp->t_maxwnd = ts->ts_wnd;
	socket_hold(lso);
	tp->t_listener = lso;
	atomic_add(&tcpcb_of(lso)->t_listen->tl_nfastopen, 1);
	tfo_child_data(rx, tp, ts, p);
	tp->t_flags &= ~(TF_ACKNOW | TF_DELACK);	/* the SYN-ACK says it */
	tp->t_retries = 0;
	(void)tcp_sendsyn(tp, rx->rx_now);
	tcp_timer_rtx(tp, rx->rx_now);
	tcp_count(TCPSTAT_FASTOPENPASSIVE);
	return true;
}

/* True: the SYN made a child, which is rx_tp, and p is gone. */
bool
tfo_listen(struct tcp_rx *rx, struct socket *lso, struct tcpmini *tm, struct tcpseg *ts,
    struct packet *p, struct tcpseg *ret_cookie)
{
	const struct tcpcb *ltp = tcpcb_of(lso);
	int mode = netvar_get(rx->rx_ns, &tcpvar_fastopen);
	uint8_t how = ts->ts_opts & (TO_FASTOPEN | TO_FASTOPENEXP);
	bool nocookie = (mode & TFO_SERVER_NOCOOKIE) != 0 ||
	    atomic_load(&ltp->t_fastopen_nocookie);
	unsigned int most = atomic_load(&ltp->t_tfoqlen);
	uint8_t good[TFO_COOKIE];

	if ((mode & TFO_SERVER) == 0 || most == 0 || (how == 0 && !nocookie))
		return false;
	tfo_cookie_make(rx->rx_tn, tm->tm_family, &tm->tm_faddr, good);
	if (how != 0 && (ts->ts_cookielen != TFO_COOKIE ||
	    memcmp(ts->ts_cookie, good, TFO_COOKIE) != 0) && !nocookie) {
		if (ts->ts_cookielen == 0)
			tcp_count(TCPSTAT_FASTOPENCOOKIEREQD);
		else
			tcp_count(TCPSTAT_FASTOPENPASSIVEFAIL);
		ret_cookie->ts_opts = how;
		ret_cookie->ts_cookielen = TFO_COOKIE;
		memcpy(ret_cookie->ts_cookie, good, TFO_COOKIE);
		return false;
	}
	if (how == 0 && ts->ts_len == 0)
		return false;
	if (atomic_load(&ltp->t_listen->tl_nfastopen) >= most)
		return false;
	return tfo_accept(rx, lso, tm, ts, p);
}

/* --- client --------------------------------------------------------------------- */

/* Cookie of the server, or the wish for one.  False: fast open is off. */
bool
tfo_cache_get(struct tcpns *tn, const struct tcpcb *tp, struct tcpseg *ts)
{
	const struct inpcb *inp = &tp->t_inp;

	if ((netvar_get(tn->tn_ns, &tcpvar_fastopen) & TFO_CLIENT) == 0)
		return false;
	ts->ts_opts = TO_FASTOPEN;
	ts->ts_cookielen = 0;
	mutex_enter(&tn->tn_lock);
	for (unsigned int i = 0; tn->tn_tfo != NULL && i < TFO_CACHE; i++) {
		if (tn->tn_tfo->tc_entry[i].tc_family != inp->inp_family ||
		    !inaddr_eq(&tn->tn_tfo->tc_entry[i].tc_addr, &inp->inp_faddr))
			continue;
		ts->ts_opts = tn->tn_tfo->tc_entry[i].tc_exp;
		ts->ts_mss = tn->tn_tfo->tc_entry[i].tc_mss;
		ts->ts_cookielen = tn->tn_tfo->tc_entry[i].tc_len;
		memcpy(ts->ts_cookie, tn->tn_tfo->tc_entry[i].tc_cookie, ts->ts_cookielen);
		break;
	}
	mutex_exit(&tn->tn_lock);
	return true;
}

void
tfo_cache_put(struct tcpns *tn, const struct tcpcb *tp, const struct tcpseg *ts)
{
	const struct inpcb *inp = &tp->t_inp;
	unsigned int i;

	mutex_enter(&tn->tn_lock);
	if (tn->tn_tfo == NULL)
		tn->tn_tfo = kmem_alloc(sizeof(*tn->tn_tfo), KM_NOSLEEP | KM_ZERO);
	if (tn->tn_tfo == NULL)
		goto out;
	for (i = 0; i < TFO_CACHE; i++) {
		if (tn->tn_tfo->tc_entry[i].tc_family == inp->inp_family &&
		    inaddr_eq(&tn->tn_tfo->tc_entry[i].tc_addr, &inp->inp_faddr))
			break;
	}
	if (i == TFO_CACHE) {
		i = tn->tn_tfo->tc_next;
		tn->tn_tfo->tc_next = (i + 1) % TFO_CACHE;
	}
	tn->tn_tfo->tc_entry[i].tc_family = inp->inp_family;
	tn->tn_tfo->tc_entry[i].tc_addr = inp->inp_faddr;
	tn->tn_tfo->tc_entry[i].tc_mss = tp->t_peermss;
	tn->tn_tfo->tc_entry[i].tc_len = ts->ts_cookielen;
	tn->tn_tfo->tc_entry[i].tc_exp = ts->ts_opts & (TO_FASTOPEN | TO_FASTOPENEXP);
	memcpy(tn->tn_tfo->tc_entry[i].tc_cookie, ts->ts_cookie, ts->ts_cookielen);
out:
	mutex_exit(&tn->tn_lock);
}

void
tfo_cache_free(struct tcpns *tn)
{
	kmem_free(tn->tn_tfo, sizeof(*tn->tn_tfo));
	tn->tn_tfo = NULL;
}

/* The SYN-ACK has come; una is still the SYN's. */
void
tfo_synacked(struct tcpcb *tp, const struct tcpseg *ts)
{
	uint32_t sent = tp->t_nxt - tp->t_iss - 1;

	if ((ts->ts_opts & (TO_FASTOPEN | TO_FASTOPENEXP)) != 0 && ts->ts_cookielen > 0)
		tfo_cache_put(tp->t_ns, tp, ts);
	if (sent > 0 && seq_gt(ts->ts_ack, tp->t_iss + 1)) {
		tp->t_flags |= TF_SYNDATAACKED;
		tcp_count(TCPSTAT_FASTOPENACTIVE);
	} else if (sent > 0) {
		/* The server took the SYN only: the data goes again, at once. */
		tcp_count(TCPSTAT_FASTOPENACTIVEFAIL);
		board_cut(&tp->t_board, 0, 1);
		if (tp->t_board.bd_n > 1)
			board_lost(&tp->t_board, 1);
	}
	kmem_free(tp->t_tfo, sizeof(*tp->t_tfo));
	tp->t_tfo = NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_cb.c - the life of a connection's control block
 *
 *	tcp_attach()	with its socket; CLOSED
 *	tcp_setup()	both addresses are known
 *	tcp_link()	in the table: from here on segments find it
 *	tcp_negotiate()	the peer's SYN is known
 *	tcp_established()
 *	tcp_done()	CLOSED again, out of the table.  The client may still hold
 *			the socket; what it has not read stays readable
 *	tcp_free()	the last reference went
 *
 * An idle connection owns no memory but its control block: buffers, scoreboard
 * and queues allocate when they have something to hold.
 */

#include "tcp_impl.h"

#include <lib/string.h>
#include <linux/tcp.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/random.h>

struct pool tcp_pool;

#define TCP_QUICKACKS	16	/* segments ACKed at once when a connection is young */

int
tcp_attach(struct socket *so, int protocol)
{
	struct netns *ns = so->so_ns;
	struct tcpns *tn = netns_data(ns, NETNS_SLOT_TCP);
	struct tcpcb *tp;

	if (protocol != 0 && protocol != IPPROTO_TCP)
		return EPROTONOSUPPORT;
	tp = pool_get(&tcp_pool, KM_ZERO);
	if (tp == NULL)
		return ENOMEM;
	inpcb_init(&tp->t_inp, so, tn->tn_table);
	tp->t_ns = tn;
	tp->t_state = TCPS_CLOSED;
	tcp_timer_init(tp);
	tcp_rtt_init(&tp->t_rtt);
	board_init(&tp->t_board);
	sndbuf_init(&tp->t_snd, 0);
	reass_init(&tp->t_reass);
	packetq_init(&tp->t_outq);
	tp->t_mss = tp->t_peermss = TCP_MSS_DEFAULT;
	tp->t_quickacks = TCP_QUICKACKS;
	tcp_cc_init(&tp->t_cc, tcp_cc_at((unsigned int)netvar_get(ns, &tcpvar_cc)),
	    TCP_MSS_DEFAULT);
	so->so_rcv.sb_hiwat = (uint32_t)netvar_get(ns, &tcpvar_rmem_default);
	so->so_snd.sb_hiwat = (uint32_t)netvar_get(ns, &tcpvar_wmem_default);
	so->so_pcb = tp;
	return 0;
}

static void
tcpcb_free(struct qsbr_head *qh)
{
	pool_put(&tcp_pool, container_of(qh, struct tcpcb, t_qsbr));
}

void
tcp_free(struct socket *so)
{
	struct tcpcb *tp = tcpcb_of(so);

	KASSERT((tp->t_flags & (TF_LINKED | TF_OUTBUSY)) == 0);
	packetq_drop(&tp->t_outq);
	inpcb_fini(&tp->t_inp);
	sndbuf_fini(&tp->t_snd);
	board_fini(&tp->t_board);
	reass_fini(&tp->t_reass);
	tcp_plp_fini(tp);
	kmem_free(tp->t_tfo, sizeof(*tp->t_tfo));
	kmem_free(tp->t_savedsyn, tp->t_savedlen);
	kmem_free(tp->t_listen, sizeof(*tp->t_listen));
	so->so_pcb = NULL;
	qsbr_call(&tp->t_qsbr, tcpcb_free);
}

/* The one place where a state changes; the socket's own view follows. */
void
tcp_setstate(struct tcpcb *tp, enum tcp_state state)
{
	struct socket *so = tcp_so(tp);
	uint32_t so_state = so->so_state & ~(SS_CONNECTING | SS_CONNECTED | SS_LISTENING);

	if (state == TCPS_CLOSED && (tp->t_state == TCPS_ESTABLISHED ||
	    tp->t_state == TCPS_CLOSE_WAIT))
		tcp_count(TCPSTAT_ESTABRESETS);
	if (state == TCPS_CLOSED && (tp->t_state == TCPS_SYN_SENT ||
	    tp->t_state == TCPS_SYN_RECEIVED))
		tcp_count(TCPSTAT_ATTEMPTFAILS);
	tp->t_state = (uint8_t)state;
	if (state == TCPS_SYN_SENT || state == TCPS_SYN_RECEIVED)
		so_state |= SS_CONNECTING;
	else if (state == TCPS_LISTEN)
		so_state |= SS_LISTENING;
	else if (state != TCPS_CLOSED)
		so_state |= SS_CONNECTED;
	atomic_store(&so->so_state, so_state);
}

/* --- being found ------------------------------------------------------------- */

void
tcp_link(struct tcpcb *tp)
{
	if ((tp->t_flags & TF_LINKED) == 0) {
		tp->t_flags |= TF_LINKED;
		socket_hold(tcp_so(tp));
	}
}

static void
tcp_unlink(struct tcpcb *tp)
{
	inpcb_release(&tp->t_inp);
	if ((tp->t_flags & TF_LINKED) != 0) {
		tp->t_flags &= ~TF_LINKED;
		/* Never the last one: who called us has another. */
		socket_rele(tcp_so(tp));
	}
}

void
tcp_done(struct tcpcb *tp, int error)
{
	struct socket *so = tcp_so(tp);

	KASSERT(mutex_owned(&so->so_lock));
	if (tp->t_state == TCPS_CLOSED)
		return;
	if ((so->so_state & SS_NOFILE) != 0 && (tp->t_flags & TF_LINKED) != 0)
		atomic_sub(&tp->t_ns->tn_orphans, 1);
	if (tp->t_listener != NULL) {
		atomic_sub(&tcpcb_of(tp->t_listener)->t_listen->tl_nfastopen, 1);
		socket_rele(tp->t_listener);
		tp->t_listener = NULL;
	}
	tcp_setstate(tp, TCPS_CLOSED);
	tcp_timer_stop(tp);
	sndbuf_fini(&tp->t_snd);
	board_fini(&tp->t_board);
	reass_fini(&tp->t_reass);
	tp->t_flags &= ~(TF_ACKNOW | TF_DELACK | TF_OUTPUT | TF_FINQ);
	tcp_unlink(tp);
	if (error != 0)
		socket_seterror(so, error);
	socket_cantsendmore(so);
	socket_cantrcvmore(so);
}

void
tcp_abort(struct tcpcb *tp, int error, int64_t now)
{
	/* Section 3.10.5: in these states the peer knows of us. */
	if (tcp_synchronized(tp) || tp->t_state == TCPS_SYN_RECEIVED)
		tcp_sendrst(tp, tp->t_nxt, now);
	tcp_done(tp, error);
}

/* --- numbers of our own --------------------------------------------------------- */

struct tcp_tuple {
	struct inaddr	 tt_laddr, tt_faddr;
	uint16_t	 tt_lport, tt_fport;
	uint32_t	 tt_what;
};

/* RFC 6528 section 3: a secret function of the connection. */
uint32_t
tcp_tuplehash(const struct tcpns *tn, const struct inaddr *laddr, const struct inaddr *faddr,
    uint16_t lport, uint16_t fport, uint32_t what)
{
	struct tcp_tuple tt = { *laddr, *faddr, lport, fport, what };

	return (uint32_t)siphash(tn->tn_secret, &tt, sizeof(tt));
}

/* --- being set up ----------------------------------------------------------------- */

uint16_t
tcp_advmss(const struct inet_af *af, const struct rtdst *rd, uint16_t usermss)
{
	uint32_t mtu, mss = TCP_MSS_DEFAULT;

	if (rd != NULL) {
		mtu = rd->rd_mtu;
		mss = rd->rd_advmss != 0 ? rd->rd_advmss :
		    mtu > af->ia_hdrlen + 60U ? mtu - af->ia_hdrlen - TCP_HDRLEN : 40;
	}
	if (usermss != 0 && usermss < mss)
		mss = usermss;
	/* The whole must fit a 16-bit length with the options of a data segment. */
	if (mss > 65535U - TCP_HDRLEN - 20)
		mss = 65535U - TCP_HDRLEN - 20;
	return (uint16_t)mss;
}

/* The largest text that fits into mtu (RFC 6691: options count against it). */
uint32_t
tcp_mtumss(const struct tcpcb *tp, uint32_t mtu)
{
	uint32_t hdr = tp->t_af->ia_hdrlen + TCP_HDRLEN, mss;
	uint32_t least = (uint32_t)netvar_get(tp->t_ns->tn_ns, &tcpvar_min_snd_mss);

	mss = mtu > hdr ? mtu - hdr : 0;
	if (mss > tp->t_peermss)
		mss = tp->t_peermss;
	if (tp->t_usermss != 0 && mss > tp->t_usermss)
		mss = tp->t_usermss;
	if (mss < least)
		mss = least;
	if ((tp->t_flags & TF_TIMESTAMPS) != 0)
		mss -= 12;
	return mss - (tp->t_inp.inp_optlen < mss / 2 ? tp->t_inp.inp_optlen : 0);
}

void
tcp_setmss(struct tcpcb *tp, uint32_t mtu)
{
	uint32_t mss;

	tp->t_pmtu = mtu;
	mss = tcp_mtumss(tp, tp->t_mtucap != 0 && tp->t_mtucap < mtu ? tp->t_mtucap : mtu);
	if (mss == tp->t_mss)
		return;
	tp->t_mss = mss;
	tcp_cc_setmss(&tp->t_cc, mss);
}

void
tcp_setup(struct tcpcb *tp)
{
	const struct netns *ns = tp->t_ns->tn_ns;
	struct rtdst *rd = tp->t_inp.inp_dst;

	tp->t_af = inet_af(tp->t_inp.inp_family);
	tp->t_tsoff = tcp_tuplehash(tp->t_ns, &tp->t_inp.inp_laddr, &tp->t_inp.inp_faddr,
	    tp->t_inp.inp_lport, tp->t_inp.inp_fport, TUPLE_TSOFF);
	tp->t_advmss = tcp_advmss(tp->t_af, rd, tp->t_usermss);
	tp->t_rcvmss = TCP_MSS_DEFAULT;
	tp->t_rcvscale = netvar_get(ns, &tcpvar_wscale) != 0 ? tcp_rcvscale(tcp_so(tp)) : 0;
	if (rd != NULL)
		tcp_setmss(tp, rtdst_mtu(rd));
}

/* Both SYNs' options are known: what of it is agreed upon. */
void
tcp_negotiate(struct tcpcb *tp, const struct tcpseg *ts, int64_t now)
{
	const struct netns *ns = tp->t_ns->tn_ns;

	tp->t_peermss = (ts->ts_opts & TO_MSS) != 0 ? ts->ts_mss : TCP_MSS_DEFAULT;
	if (tp->t_peermss < 1)
		tp->t_peermss = 1;
	tp->t_flags &= ~(TF_TIMESTAMPS | TF_SACK | TF_WSCALE);
	if ((ts->ts_opts & TO_TIMESTAMP) != 0 && netvar_get(ns, &tcpvar_timestamps) != 0) {
		tp->t_flags |= TF_TIMESTAMPS | TF_TSRECENT;
		tp->t_tsrecent = ts->ts_tsval;
		tp->t_tsrecentat = now;
	}
	if ((ts->ts_opts & TO_SACKOK) != 0 && netvar_get(ns, &tcpvar_sack) != 0)
		tp->t_flags |= TF_SACK;
	if ((ts->ts_opts & TO_WSCALE) != 0 && netvar_get(ns, &tcpvar_wscale) != 0) {
		tp->t_flags |= TF_WSCALE;
		tp->t_sndscale = ts->ts_wscale;
	} else
		tp->t_sndscale = tp->t_rcvscale = 0;
	tp->t_rcvmss = tp->t_advmss < TCP_MSS_DEFAULT ? tp->t_advmss : TCP_MSS_DEFAULT;
	tcp_setmss(tp, tp->t_pmtu != 0 ? tp->t_pmtu : 576);
	tcp_plp_negotiated(tp, now);
	tp->t_cc.cc_mss = tp->t_mss;
	tp->t_cc.cc_cwnd = TCP_INITIAL_WINDOW * tp->t_mss;
	if (tp->t_inp.inp_dst != NULL && tp->t_inp.inp_dst->rd_initcwnd != 0)
		tp->t_cc.cc_cwnd = tp->t_inp.inp_dst->rd_initcwnd * tp->t_mss;
}

void
tcp_established(struct tcpcb *tp, int64_t now)
{
	struct socket *so = tcp_so(tp);

	tcp_setstate(tp, TCPS_ESTABLISHED);
	tp->t_lastrcvd = tp->t_drsat = now;
	tp->t_drsseq = tp->t_copied = tp->t_rnxt;
	/* RFC 5681 section 3.1, RFC 6298 (5.7): a SYN that was lost is a sign. */
	if (tp->t_retries > 1 && tp->t_rtt.tr_srtt == 0) {
		tp->t_cc.cc_cwnd = tp->t_mss;
		tp->t_rtt.tr_rto = 3 * NSEC_PER_SEC;
	}
	tp->t_retries = 0;
	tp->t_backoff = 0;
	tcp_timer_keep(tp, now);
	socket_wake(so, POLLIN | POLLOUT);
}

/* --- leaving ------------------------------------------------------------------------ */

/* Octets of TOS that packets of the queue share, by what tcp_output.c put there. */
static unsigned int
ecn_of(const struct packet *p)
{
	return (unsigned int)p->p_cb[0];
}

/* The first packets of t_outq that have the same ECN bits. */
static unsigned int
outq_take(struct tcpcb *tp, struct packetq *q)
{
	unsigned int ecn = ecn_of(tp->t_outq.pq_head);

	packetq_init(q);
	if ((tp->t_flags & TF_ECN) == 0) {
		packetq_join(q, &tp->t_outq);
		return ecn;
	}
	while (tp->t_outq.pq_head != NULL && ecn_of(tp->t_outq.pq_head) == ecn)
		packetq_put(q, packetq_get(&tp->t_outq));
	return ecn;
}

/*
 * The smallest segment that we make does not fit the path: a link of 68 bytes.  Such
 * go in pieces, as on Linux.
 */
static bool
tcp_mss_forced(const struct tcpcb *tp, const struct rtdst *rd)
{
	uint32_t least = (uint32_t)netvar_get(tp->t_ns->tn_ns, &tcpvar_min_snd_mss);

	return rtdst_mtu(rd) < tp->t_af->ia_hdrlen + TCP_HDRLEN + least;
}

static void
outq_send(struct tcpcb *tp)
    NO_THREAD_SAFETY
{
	struct socket *so = tcp_so(tp);
	const struct inet_af *af = tp->t_af;
	uint8_t options[INET_OPTIONS_MAX];
	struct packetq q;
	struct inet_tx tx;
	struct rtdst *rd;
	unsigned int ecn;
	int error;

	ecn = outq_take(tp, &q);
	error = inpcb_lend(&tp->t_inp, &rd);
	if (error) {
		packetq_drop(&q);	/* no way at present: as if it were lost */
		return;
	}
	inpcb_tx(&tp->t_inp, &tx);
	inet_tx_keepoptions(&tx, options);
	tx.it_tos |= (uint8_t)ecn;
	if ((tp->t_inp.inp_family == AF_INET ? tp->t_inp.inp_pmtudisc :
	    tp->t_inp.inp_pmtudisc6) != IP_PMTUDISC_DONT && !tcp_mss_forced(tp, rd))
		tx.it_flags |= INET_TX_DF;
	mutex_exit(&so->so_lock);
	error = af->ia_output(&tx, rd, &q);
	mutex_enter(&so->so_lock);
	if (error == EMSGSIZE && tp->t_state != TCPS_CLOSED)
		tcp_setmss(tp, rtdst_mtu(rd));
	inpcb_giveback(&tp->t_inp, rd);
}

void
tcp_unlock_held(struct tcpcb *tp)
    NO_THREAD_SAFETY
{
	struct socket *so = tcp_so(tp);

	KASSERT(mutex_owned(&so->so_lock));
	if (tp->t_outq.pq_head != NULL && (tp->t_flags & TF_OUTBUSY) == 0) {
		tp->t_flags |= TF_OUTBUSY;
		do {
			outq_send(tp);
		} while (tp->t_outq.pq_head != NULL);
		tp->t_flags &= ~TF_OUTBUSY;
	}
	mutex_exit(&so->so_lock);
}

void
tcp_unlock(struct tcpcb *tp)
    NO_THREAD_SAFETY
{
	struct socket *so = tcp_so(tp);

	if (tp->t_outq.pq_head == NULL || (tp->t_flags & TF_OUTBUSY) != 0) {
		mutex_exit(&so->so_lock);
		return;
	}
	/* Who drops the lock may lose the last reference meanwhile. */
	socket_hold(so);
	tcp_unlock_held(tp);
	socket_rele(so);
}

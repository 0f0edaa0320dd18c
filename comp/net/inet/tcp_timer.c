/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_timer.c - what happens when nothing happens
 *
 * A connection has several deadlines and one callout, armed for the earliest
 * of them.  Setting a later one, or clearing one, is a store: the callout then
 * fires for nothing and arms itself for what is left.  As every ACK puts the
 * retransmission timeout off, that is what makes timers cheap.
 *
 * Each turn of the callout holds a reference of the socket from its arming to the end of
 * its function, hence it may find a connection that is over but never one that is gone.
 * The function arms the next turn before it drops the lock; what it sends then may end
 * the connection, and so the turn, while it still runs.
 */

#include "tcp_impl.h"

#include <linux/tcp.h>
#include <sys/atomic.h>
#include <sys/errno.h>

#define CORK_MAX	(NSEC_PER_SEC / 5)
#define DELACK_MAX	(NSEC_PER_SEC / 25)

static void	timer_fire(void *arg);

void
tcp_timer_init(struct tcpcb *tp)
{
	callout_init(&tp->t_callout, timer_fire, tp);
	tp->t_timerat = KTIME_NEVER;
	for (int i = 0; i < TT_N; i++)
		tp->t_deadline[i] = KTIME_NEVER;
}

static void
timer_arm(struct tcpcb *tp, int64_t at)
{
	bool was;

	if (callout_rearm(&tp->t_callout, at, &was) != 0)
		return;		/* no timer thread: tcp_attach() has made sure of one */
	/* Should it fire by now, it waits for the lock that we have. */
	if (!was)
		socket_hold(tcp_so(tp));
	tp->t_timerat = at;
}

void
tcp_timer_set(struct tcpcb *tp, enum tcp_timer which, int64_t deadline)
{
	KASSERT(mutex_owned(&tcp_so(tp)->so_lock));
	tp->t_deadline[which] = deadline;
	if (deadline < tp->t_timerat)
		timer_arm(tp, deadline);
}

/* Nothing is due any more.  If the callout runs already it finds out itself. */
void
tcp_timer_stop(struct tcpcb *tp)
{
	for (int i = 0; i < TT_N; i++)
		tp->t_deadline[i] = KTIME_NEVER;
	tp->t_timerat = KTIME_NEVER;
	/* Never the last one: who holds the lock has another. */
	if (callout_disarm(&tp->t_callout))
		socket_rele(tcp_so(tp));
}

/* --- how patient we are ------------------------------------------------------ */

int64_t
tcp_keepidle(const struct tcpcb *tp)
{
	return NSEC_PER_SEC * (tp->t_keepidle != 0 ? tp->t_keepidle :
	    netvar_get(tp->t_ns->tn_ns, &tcpvar_keep_time));
}

int64_t
tcp_keepintvl(const struct tcpcb *tp)
{
	return NSEC_PER_SEC * (tp->t_keepintvl != 0 ? tp->t_keepintvl :
	    netvar_get(tp->t_ns->tn_ns, &tcpvar_keep_intvl));
}

unsigned int
tcp_keepcnt(const struct tcpcb *tp)
{
	return tp->t_keepcnt != 0 ? tp->t_keepcnt :
	    (unsigned int)netvar_get(tp->t_ns->tn_ns, &tcpvar_keep_probes);
}

/* May it fail once more?  Counts of timeouts, or TCP_USER_TIMEOUT (RFC 5482). */
static bool
patience_over(const struct tcpcb *tp, int64_t now)
{
	const struct netns *ns = tp->t_ns->tn_ns;
	int most;

	if (!tcp_synchronized(tp))
		most = tp->t_syncnt != 0 ? tp->t_syncnt :
		    netvar_get(ns, tp->t_state == TCPS_SYN_SENT ? &tcpvar_syn_retries :
		    &tcpvar_synack_retries);
	else if ((tcp_so(tp)->so_state & SS_NOFILE) != 0) {
		most = netvar_get(ns, &tcpvar_orphan_retries);
		if (most == 0)
			most = 8;	/* as ip-sysctl documents it */
	} else
		most = netvar_get(ns, &tcpvar_retries2);
	if (tp->t_usertimeout != 0 && tp->t_stalled != 0)
		return now - tp->t_stalled >= (int64_t)tp->t_usertimeout * 1000000;
	return tp->t_backoff >= most;
}

/* --- arming ------------------------------------------------------------------- */

/* RFC 8985 section 7.2: the probe timeout; 0: no probe. */
static int64_t
tlp_timeout(const struct tcpcb *tp, int64_t now)
{
	const struct tcp_rtt *tr = &tp->t_rtt;
	int64_t pto, rto;

	if ((tp->t_flags & (TF_SACK | TF_TLPPENDING)) != TF_SACK || tr->tr_srtt == 0 ||
	    (tp->t_castate != TCA_OPEN && tp->t_castate != TCA_CWR) ||
	    tp->t_board.bd_sacked != 0 || tp->t_backoff != 0 || !tcp_synchronized(tp) ||
	    netvar_get(tp->t_ns->tn_ns, &tcpvar_early_retrans) == 0)
		return 0;
	pto = 2 * tr->tr_srtt;
	if (tp->t_board.bd_total <= tp->t_mss)
		pto += DELACK_MAX * 5;		/* WCDelAckT: the worst that is allowed */
	else
		pto += 2 * 1000000;
	rto = tp->t_rtt.tr_rto;
	return now + (pto < rto ? pto : rto);
}

/* Restarts what waits for an ACK, or stops it when nothing is under way. */
void
tcp_timer_rtx(struct tcpcb *tp, int64_t now)
{
	int64_t pto;

	if (tp->t_board.bd_n == 0) {
		tcp_timer_clear(tp, TT_RTO);
		tcp_timer_clear(tp, TT_TLP);
		tcp_timer_clear(tp, TT_REORDER);
		tp->t_stalled = 0;
		return;
	}
	tcp_timer_set(tp, TT_RTO, now + tcp_rtt_backoff(&tp->t_rtt, tp->t_backoff));
	pto = tlp_timeout(tp, now);
	if (pto != 0)
		tcp_timer_set(tp, TT_TLP, pto);
	else
		tcp_timer_clear(tp, TT_TLP);
}

/* RFC 1122 section 4.2.3.6, when the client asked for it. */
void
tcp_timer_keep(struct tcpcb *tp, int64_t now)
{
	if ((atomic_load(&tcp_so(tp)->so_options) & SOO_KEEPALIVE) != 0 && tcp_synchronized(tp))
		tcp_timer_set(tp, TT_KEEP, now + tcp_keepidle(tp));
	else if (tp->t_state != TCPS_FIN_WAIT_2)
		tcp_timer_clear(tp, TT_KEEP);
}

/* --- what is due ---------------------------------------------------------------- */

/* RFC 6298 section 5, (5.4) to (5.7). */
static void
fire_rto(struct tcpcb *tp, int64_t now)
{
	uint32_t i;

	if (tp->t_board.bd_n == 0)
		return;
	if (tp->t_stalled == 0)
		tp->t_stalled = board_at(&tp->t_board, 0)->se_time;
	if (patience_over(tp, now)) {
		tcp_count(TCPSTAT_ABORTONTIMEOUT);
		tcp_done(tp, ETIMEDOUT);
		return;
	}
	tcp_count(TCPSTAT_TIMEOUTS);
	if (tp->t_backoff < UINT8_MAX)
		tp->t_backoff++;
	if (tcp_synchronized(tp)) {
		if (tp->t_backoff >= netvar_get(tp->t_ns->tn_ns, &tcpvar_retries1)) {
			/* Perhaps the way is bad (RFC 1122 section 4.2.3.5). */
			inpcb_setdst(&tp->t_inp, NULL);
			tcp_blackhole(tp, now);
		}
		tcp_enterloss(tp, now);
		tcp_output(tp, now);
	} else {
		board_lose_all(&tp->t_board);
		if (board_next(&tp->t_board, &i))
			(void)tcp_retransmit(tp, i, now);
	}
	tcp_timer_rtx(tp, now);
}

static void
fire_tlp(struct tcpcb *tp, int64_t now)
{
	if (tp->t_board.bd_n == 0 || (tp->t_flags & TF_TLPPENDING) != 0)
		return;
	if (tcp_sendtlp(tp, now) == 0)
		tcp_count(TCPSTAT_LOSSPROBES);
	tcp_timer_set(tp, TT_RTO, now + tcp_rtt_backoff(&tp->t_rtt, tp->t_backoff));
}

/* RFC 9293 section 3.8.6.1: the window is closed, is it still? */
static void
fire_persist(struct tcpcb *tp, int64_t now)
{
	if (tp->t_board.bd_n != 0 || tp->t_snd.sb_len == 0)
		return;
	if (tp->t_stalled == 0)
		tp->t_stalled = now;
	if (tp->t_probes >= netvar_get(tp->t_ns->tn_ns, &tcpvar_retries2) ||
	    (tp->t_usertimeout != 0 &&
	    now - tp->t_stalled >= (int64_t)tp->t_usertimeout * 1000000) ||
	    ((tcp_so(tp)->so_state & SS_NOFILE) != 0 && tp->t_probes >= 8)) {
		tcp_count(TCPSTAT_ABORTONTIMEOUT);
		tcp_done(tp, ETIMEDOUT);
		return;
	}
	tp->t_probes++;
	if (tp->t_backoff < UINT8_MAX)
		tp->t_backoff++;
	tcp_sendprobe(tp, false, now);
	tcp_timer_set(tp, TT_PERSIST, now + tcp_rtt_backoff(&tp->t_rtt, tp->t_backoff));
}

static void
fire_delack(struct tcpcb *tp, int64_t now)
{
	if ((tp->t_flags & TF_DELACK) == 0)
		return;
	/* The application did not answer in time: it does not talk in turns. */
	tp->t_flags &= ~TF_PINGPONG;
	tp->t_flags |= TF_ACKNOW;
	tcp_output(tp, now);
}

/* An end to FIN_WAIT_2, and to what nobody waits for; or keep-alive. */
static void
fire_keep(struct tcpcb *tp, int64_t now)
{
	const struct socket *so = tcp_so(tp);
	int64_t idle, due;

	if ((so->so_state & SS_NOFILE) != 0 && tp->t_state == TCPS_FIN_WAIT_2) {
		tcp_done(tp, 0);
		return;
	}
	if ((atomic_load(&so->so_options) & SOO_KEEPALIVE) == 0 || !tcp_synchronized(tp))
		return;
	idle = now - tp->t_lastrcvd;
	if (tp->t_board.bd_n != 0 || tp->t_snd.sb_len != 0 || idle < tcp_keepidle(tp)) {
		/* Data on its way has timers of its own. */
		due = idle < tcp_keepidle(tp) ? tcp_keepidle(tp) - idle : tcp_keepidle(tp);
		tp->t_probes = tp->t_board.bd_n != 0 || tp->t_snd.sb_len != 0 ?
		    tp->t_probes : 0;
		tcp_timer_set(tp, TT_KEEP, now + due);
		return;
	}
	if (tp->t_usertimeout != 0 ?
	    tp->t_probes > 0 && idle >= (int64_t)tp->t_usertimeout * 1000000 :
	    tp->t_probes >= tcp_keepcnt(tp)) {
		tcp_count(TCPSTAT_ABORTONTIMEOUT);
		tcp_abort(tp, ETIMEDOUT, now);
		return;
	}
	tp->t_probes++;
	tcp_count(TCPSTAT_KEEPALIVE);
	tcp_sendprobe(tp, false, now);
	tcp_timer_set(tp, TT_KEEP, now + tcp_keepintvl(tp));
}

static void
fire_reorder(struct tcpcb *tp, int64_t now)
{
	tcp_detect(tp, now);
	tcp_output(tp, now);
}

static void
fire_cork(struct tcpcb *tp, int64_t now)
{
	tp->t_flags |= TF_FORCE;
	tcp_output(tp, now);
}

static void (*const fire[TT_N])(struct tcpcb *, int64_t) = {
	[TT_RTO] = fire_rto, [TT_TLP] = fire_tlp, [TT_REORDER] = fire_reorder,
	[TT_PERSIST] = fire_persist, [TT_DELACK] = fire_delack, [TT_KEEP] = fire_keep,
	[TT_CORK] = fire_cork,
};

/* What is left to wait for. */
static int64_t
timer_next(const struct tcpcb *tp)
{
	int64_t next = KTIME_NEVER;

	for (int i = 0; i < TT_N; i++) {
		if (tp->t_deadline[i] < next)
			next = tp->t_deadline[i];
	}
	return next;
}

static void
timer_fire(void *arg)
    NO_THREAD_SAFETY
{
	struct tcpcb *tp = arg;
	struct socket *so = tcp_so(tp);
	int64_t now = clock_mono();
	int64_t next;

	mutex_enter(&so->so_lock);
	tp->t_timerat = KTIME_NEVER;
	for (int i = 0; i < TT_N && tp->t_state != TCPS_CLOSED; i++) {
		if (tp->t_deadline[i] > now)
			continue;
		tp->t_deadline[i] = KTIME_NEVER;
		fire[i](tp, now);
	}
	next = timer_next(tp);
	if (next < tp->t_timerat)
		timer_arm(tp, next);
	tcp_unlock(tp);
	socket_rele(so);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_diag.c - what ss(8) shows of connections and no option tells, and ending them
 *
 * References: sock_diag(7).
 */

#include "tcp_impl.h"

#include <net/sockdiag.h>
#include <sys/errno.h>

/* The timer that is due first, of those that ss has a word for. */
void
tcp_diag(struct socket *so, struct sockdiag *sd)
{
	static const struct {
		enum tcp_timer	 timer;
		uint8_t		 shown;
	} timers[] = {
		{ TT_RTO, SOCKDIAG_RETRANSMIT }, { TT_TLP, SOCKDIAG_RETRANSMIT },
		{ TT_REORDER, SOCKDIAG_RETRANSMIT }, { TT_PERSIST, SOCKDIAG_PROBE },
		{ TT_KEEP, SOCKDIAG_KEEPALIVE },
	};
	struct tcpcb *tp = tcpcb_of(so);
	int64_t first = KTIME_NEVER;

	mutex_enter(&so->so_lock);
	for (size_t i = 0; i < ARRAY_SIZE(timers); i++) {
		if (tp->t_deadline[timers[i].timer] >= first)
			continue;
		first = tp->t_deadline[timers[i].timer];
		sd->sd_timer = timers[i].shown;
	}
	sd->sd_expires = first;
	sd->sd_retrans = sd->sd_timer == SOCKDIAG_RETRANSMIT ? tp->t_backoff : tp->t_probes;
	mutex_exit(&so->so_lock);
}

/* SOCK_DESTROY. */
int
tcp_destroy(struct socket *so, int error)
    NO_THREAD_SAFETY
{
	struct tcpcb *tp = tcpcb_of(so);
	bool closed;

	mutex_enter(&so->so_lock);
	if (tp->t_state == TCPS_LISTEN) {
		mutex_exit(&so->so_lock);
		return so->so_ops->so_shutdown(so, SHUT_RDWR);
	}
	closed = tp->t_state == TCPS_CLOSED;
	if (!closed)
		tcp_abort(tp, error, clock_mono());
	tcp_unlock(tp);
	return closed ? ENOENT : 0;
}

/* --- those without sockets --------------------------------------------------------- */

static void
mini_describe(const struct tcpmini *tm, struct sockdiag_mini *sm)
{
	bool request = tm->tm_kind == TCPMINI_REQUEST;

	*sm = (struct sockdiag_mini){
		.sm_diag = { .sd_timer = request ? SOCKDIAG_RETRANSMIT : SOCKDIAG_TIMEWAIT,
		    .sd_retrans = request ? tm->tm_retries : 0, .sd_expires = tm->tm_deadline },
		.sm_family = tm->tm_family, .sm_lport = tm->tm_lport, .sm_fport = tm->tm_fport,
		.sm_laddr = tm->tm_laddr, .sm_faddr = tm->tm_faddr, .sm_scope = tm->tm_scope,
		.sm_state = request ? TCPS_SYN_RECEIVED : TCPS_TIME_WAIT,
	};
}

int
tcp_minis(struct netns *ns, int family, int (*fn)(const struct sockdiag_mini *, void *), void *arg)
{
	struct tcpns *tn = netns_data(ns, NETNS_SLOT_TCP);
	struct sockdiag_mini sm;
	int result = 0;

	mutex_enter(&tn->tn_lock);
	for (uint32_t i = 0; result == 0 && i < tn->tn_hashsize; i++) {
		for (const struct tcpmini *tm = tn->tn_hash[i]; result == 0 && tm != NULL;
		    tm = tm->tm_next) {
			if (family != 0 && family != tm->tm_family)
				continue;
			mini_describe(tm, &sm);
			result = fn(&sm, arg);
		}
	}
	mutex_exit(&tn->tn_lock);
	return result;
}

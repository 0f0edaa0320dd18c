/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_sockopt.c - options of IPPROTO_TCP: tcp(7)
 *
 * Options that are a number with bounds are a table; the others have a function.
 */

#include "tcp_impl.h"

#include <lib/string.h>
#include <linux/tcp.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#define KEEP_MAX	32767		/* s */
#define KEEPCNT_MAX	127

static int
opt_int(const void *val, socklen_t len, int *ret)
{
	if (len < sizeof(int))
		return EINVAL;
	memcpy(ret, val, sizeof(int));
	return 0;
}

/* --- numbers ----------------------------------------------------------------------- */

static int
set_nodelay(struct tcpcb *tp, int v)
{
	if (v != 0) {
		tp->t_flags |= TF_NODELAY;
		tp->t_flags |= TF_FORCE;	/* what Nagle held goes now */
		tcp_output(tp, clock_mono());
	} else
		tp->t_flags &= ~TF_NODELAY;
	return 0;
}

static int
set_cork(struct tcpcb *tp, int v)
{
	if (v != 0) {
		tp->t_flags |= TF_CORK;
		return 0;
	}
	tp->t_flags &= ~TF_CORK;
	tp->t_flags |= TF_FORCE;
	tcp_output(tp, clock_mono());
	return 0;
}

static int
set_maxseg(struct tcpcb *tp, int v)
{
	if (v != 0 && (v < 88 || v > 32767))
		return EINVAL;
	atomic_store(&tp->t_usermss, (uint16_t)v);
	if (tp->t_af != NULL && tp->t_pmtu != 0)
		tcp_setmss(tp, tp->t_pmtu);
	return 0;
}

static int
set_keepidle(struct tcpcb *tp, int v)
{
	if (v < 1 || v > KEEP_MAX)
		return EINVAL;
	tp->t_keepidle = (uint16_t)v;
	if (tcp_synchronized(tp) && (atomic_load(&tcp_so(tp)->so_options) & SOO_KEEPALIVE) != 0)
		tcp_timer_set(tp, TT_KEEP, tp->t_lastrcvd + tcp_keepidle(tp));
	return 0;
}

static int
set_keepintvl(struct tcpcb *tp, int v)
{
	if (v < 1 || v > KEEP_MAX)
		return EINVAL;
	tp->t_keepintvl = (uint16_t)v;
	return 0;
}

static int
set_keepcnt(struct tcpcb *tp, int v)
{
	if (v < 1 || v > KEEPCNT_MAX)
		return EINVAL;
	tp->t_keepcnt = (uint8_t)v;
	return 0;
}

static int
set_syncnt(struct tcpcb *tp, int v)
{
	if (v < 1 || v > 127)
		return EINVAL;
	atomic_store(&tp->t_syncnt, (uint8_t)v);
	return 0;
}

static int
set_linger2(struct tcpcb *tp, int v)
{
	int most = 120;

	if (v < 0)
		tp->t_linger2 = -1;
	else if (v > most)
		tp->t_linger2 = most;
	else
		tp->t_linger2 = v;
	return 0;
}

/* Seconds become retransmissions of the SYN-ACK: 1, 3, 7, 15 ... */
static int
set_defer(struct tcpcb *tp, int v)
{
	int64_t covered = 1;
	uint8_t n = 0;

	if (v > 0) {
		n = 1;
		for (int64_t t = 1; covered < v && n < 255; n++) {
			t = t * 2 > 120 ? 120 : t * 2;
			covered += t;
		}
	}
	atomic_store(&tp->t_defer, n);
	return 0;
}

static int
get_defer(const struct tcpcb *tp)
{
	int64_t t = 1, covered = tp->t_defer > 0 ? 1 : 0;

	for (unsigned int n = 1; n < tp->t_defer; n++) {
		t = t * 2 > 120 ? 120 : t * 2;
		covered += t;
	}
	return (int)covered;
}

static int
set_clamp(struct tcpcb *tp, int v)
{
	if (v == 0) {
		if (tp->t_state != TCPS_CLOSED)
			return EINVAL;
		atomic_store(&tp->t_clamp, 0);
		return 0;
	}
	atomic_store(&tp->t_clamp, v < 1152 ? 1152 : (uint32_t)v);
	return 0;
}

static int
set_quickack(struct tcpcb *tp, int v)
{
	if (v == 0) {
		tp->t_flags |= TF_PINGPONG;
		tp->t_quickacks = 0;
		return 0;
	}
	tp->t_flags &= ~TF_PINGPONG;
	tp->t_quickacks = 16;
	if ((tp->t_flags & TF_DELACK) != 0) {
		tp->t_flags |= TF_ACKNOW;
		tcp_output(tp, clock_mono());
	}
	return 0;
}

static int
set_usertimeout(struct tcpcb *tp, int v)
{
	if (v < 0)
		return EINVAL;
	tp->t_usertimeout = (uint32_t)v;
	return 0;
}

static int
set_fastopen(struct tcpcb *tp, int v)
{
	if (v < 0 || (tp->t_state != TCPS_CLOSED && tp->t_state != TCPS_LISTEN))
		return EINVAL;
	atomic_store(&tp->t_tfoqlen, (uint16_t)(v > 4096 ? 4096 : v));
	return 0;
}

static int
set_fastopen_connect(struct tcpcb *tp, int v)
{
	if (v < 0 || v > 1)
		return EINVAL;
	if ((netvar_get(tp->t_ns->tn_ns, &tcpvar_fastopen) & 1) == 0)
		return EOPNOTSUPP;
	if (tp->t_state != TCPS_CLOSED)
		return EINVAL;
	if (v != 0)
		tp->t_flags |= TF_DEFERCONN;
	else
		tp->t_flags &= ~TF_DEFERCONN;
	return 0;
}

static int
set_fastopen_nocookie(struct tcpcb *tp, int v)
{
	if (v < 0 || v > 1 || (tp->t_state != TCPS_CLOSED && tp->t_state != TCPS_LISTEN))
		return EINVAL;
	atomic_store(&tp->t_fastopen_nocookie, v != 0);
	return 0;
}

static int
set_notsent(struct tcpcb *tp, int v)
{
	tp->t_notsentlow = (uint32_t)v;
	if (tcp_writable(tp))
		socket_wake(tcp_so(tp), POLLOUT | POLLWRNORM);
	return 0;
}

static int
set_inq(struct tcpcb *tp, int v)
{
	if (v < 0 || v > 1)
		return EINVAL;
	tp->t_inq = v != 0;
	return 0;
}

static int
set_savesyn(struct tcpcb *tp, int v)
{
	if (v < 0 || v > 2)
		return EINVAL;
	atomic_store(&tp->t_savesyn, v != 0);
	return 0;
}

static int
set_timestamp(struct tcpcb *tp, int v)
{
	return EPERM;		/* TCP_REPAIR's */
}

static int (*const tcp_set[])(struct tcpcb *, int) = {
	[TCP_NODELAY] = set_nodelay,
	[TCP_MAXSEG] = set_maxseg,
	[TCP_CORK] = set_cork,
	[TCP_KEEPIDLE] = set_keepidle,
	[TCP_KEEPINTVL] = set_keepintvl,
	[TCP_KEEPCNT] = set_keepcnt,
	[TCP_SYNCNT] = set_syncnt,
	[TCP_LINGER2] = set_linger2,
	[TCP_DEFER_ACCEPT] = set_defer,
	[TCP_WINDOW_CLAMP] = set_clamp,
	[TCP_QUICKACK] = set_quickack,
	[TCP_USER_TIMEOUT] = set_usertimeout,
	[TCP_FASTOPEN] = set_fastopen,
	[TCP_TIMESTAMP] = set_timestamp,
	[TCP_NOTSENT_LOWAT] = set_notsent,
	[TCP_SAVE_SYN] = set_savesyn,
	[TCP_FASTOPEN_CONNECT] = set_fastopen_connect,
	[TCP_FASTOPEN_NO_COOKIE] = set_fastopen_nocookie,
	[TCP_INQ] = set_inq,
};

static int
set_congestion(struct tcpcb *tp, const void *val, socklen_t len)
{
	const struct tcp_ccops *ops;

	if (len < 1)
		return EINVAL;
	ops = tcp_cc_find(val, len < TCP_CA_NAME ? len : TCP_CA_NAME - 1);
	if (ops == NULL)
		return ENOENT;
	if (ops != tp->t_cc.cc_ops)
		tcp_cc_switch(&tp->t_cc, ops);
	return 0;
}

int
tcp_setopt(struct socket *so, int level, int name, const void *val, socklen_t len)
    NO_THREAD_SAFETY
{
	struct tcpcb *tp = tcpcb_of(so);
	int v, error;

	if (level == SOL_SOCKET && name == SO_KEEPALIVE) {
		/* The flag is set; a connection that is there wants its timer. */
		mutex_enter(&so->so_lock);
		tcp_timer_keep(tp, clock_mono());
		tcp_unlock(tp);
		return 0;
	}
	if (level == SOL_SOCKET)
		return ENOPROTOOPT;
	if (level != SOL_TCP)
		return inpcb_setopt(so, level, name, val, len);
	if (name == TCP_CONGESTION) {
		mutex_enter(&so->so_lock);
		error = set_congestion(tp, val, len);
		mutex_exit(&so->so_lock);
		return error;
	}
	error = opt_int(val, len, &v);
	if (error)
		return error;
	if (name < 0 || (size_t)name >= ARRAY_SIZE(tcp_set) || tcp_set[name] == NULL)
		return ENOPROTOOPT;
	mutex_enter(&so->so_lock);
	error = tcp_set[name](tp, v);
	tcp_unlock(tp);
	return error;
}

/* --- reading ------------------------------------------------------------------------- */

static int
get_number(struct tcpcb *tp, int name, int *ret)
{
	const struct netns *ns = tp->t_ns->tn_ns;
	int v;

	switch (name) {
	case TCP_NODELAY:	v = (tp->t_flags & TF_NODELAY) != 0; break;
	case TCP_CORK:		v = (tp->t_flags & TF_CORK) != 0; break;
	case TCP_MAXSEG:
		v = (int)tp->t_mss;
		if (tp->t_usermss != 0 && (tp->t_state == TCPS_CLOSED || tp->t_state == TCPS_LISTEN))
			v = tp->t_usermss;
		break;
	case TCP_KEEPIDLE:	v = (int)(tcp_keepidle(tp) / NSEC_PER_SEC); break;
	case TCP_KEEPINTVL:	v = (int)(tcp_keepintvl(tp) / NSEC_PER_SEC); break;
	case TCP_KEEPCNT:	v = (int)tcp_keepcnt(tp); break;
	case TCP_SYNCNT:
		v = tp->t_syncnt != 0 ? tp->t_syncnt : netvar_get(ns, &tcpvar_syn_retries);
		break;
	case TCP_LINGER2:
		v = tp->t_linger2 != 0 ? tp->t_linger2 : netvar_get(ns, &tcpvar_fin_timeout);
		break;
	case TCP_DEFER_ACCEPT:	v = get_defer(tp); break;
	case TCP_WINDOW_CLAMP:	v = (int)tp->t_clamp; break;
	case TCP_QUICKACK:	v = (tp->t_flags & TF_PINGPONG) == 0; break;
	case TCP_USER_TIMEOUT:	v = (int)tp->t_usertimeout; break;
	case TCP_FASTOPEN:	v = tp->t_tfoqlen; break;
	case TCP_FASTOPEN_CONNECT: v = (tp->t_flags & TF_DEFERCONN) != 0; break;
	case TCP_FASTOPEN_NO_COOKIE: v = tp->t_fastopen_nocookie; break;
	case TCP_TIMESTAMP:	v = (int)tcp_ts(clock_mono(), tp->t_tsoff); break;
	case TCP_NOTSENT_LOWAT:	v = (int)tp->t_notsentlow; break;
	case TCP_INQ:		v = tp->t_inq; break;
	case TCP_SAVE_SYN:	v = tp->t_savesyn; break;
	default:		return ENOPROTOOPT;
	}
	*ret = v;
	return 0;
}

static void
give(void *val, socklen_t *len, const void *from, size_t size)
{
	if (*len > size)
		*len = (socklen_t)size;
	memcpy(val, from, *len);
}

/* TCP_SAVED_SYN: once; then it is forgotten. */
static int
get_savedsyn(struct tcpcb *tp, void *val, socklen_t *len)
{
	if (tp->t_savedsyn == NULL) {
		*len = 0;
		return 0;
	}
	if (*len < tp->t_savedlen) {
		*len = tp->t_savedlen;
		return EINVAL;
	}
	give(val, len, tp->t_savedsyn, tp->t_savedlen);
	kmem_free(tp->t_savedsyn, tp->t_savedlen);
	tp->t_savedsyn = NULL;
	tp->t_savedlen = 0;
	return 0;
}

int
tcp_getopt(struct socket *so, int level, int name, void *val, socklen_t *len)
{
	struct tcpcb *tp = tcpcb_of(so);
	struct tcp_info ti;
	int v, error = 0;

	if (level == SOL_SOCKET)
		return ENOPROTOOPT;
	if (level != SOL_TCP)
		return inpcb_getopt(so, level, name, val, len);
	mutex_enter(&so->so_lock);
	switch (name) {
	case TCP_INFO:
		tcp_getinfo(tp, &ti, clock_mono());
		give(val, len, &ti, sizeof(ti));
		break;
	case TCP_CONGESTION:
		give(val, len, tp->t_cc.cc_ops->co_name, TCP_CA_NAME);
		break;
	case TCP_SAVED_SYN:
		error = get_savedsyn(tp, val, len);
		break;
	default:
		error = get_number(tp, name, &v);
		if (error == 0)
			give(val, len, &v, sizeof(v));
		break;
	}
	mutex_exit(&so->so_lock);
	return error;
}

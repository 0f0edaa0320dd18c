/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inet_dgram.c - what UDP, raw and ping sockets do alike
 *
 * Sending is three steps: the client's bytes become a packet without any lock; under
 * so_lock the pcb says where it goes (dgram_route(), dgram_pmtu()); without it the
 * packet leaves.  Nothing is charged to SO_SNDBUF unless the link holds packets
 * back on purpose: all others are done with a packet before the send returns.
 *
 * References: udp(7), raw(7), ip(7).
 */

#include "inet_dgram.h"

#include <asm/ioctls.h>
#include <linux/sockios.h>
#include <lib/string.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

#include "inet_impl.h"
#include "inpcb_impl.h"

/* --- birth and death ------------------------------------------------------ */

int
dgram_attach(struct socket *so, size_t size, struct inpcbtable *t)
{
	struct dgram_pcb *dp = kmem_zalloc(size, KM_SLEEP);

	if (dp == NULL)
		return ENOMEM;
	dp->dp_size = size;
	inpcb_init(&dp->dp_inp, so, t);
	so->so_pcb = dp;
	return 0;
}

static void
dgram_reclaim(struct qsbr_head *qh)
{
	struct dgram_pcb *dp = container_of(qh, struct dgram_pcb, dp_qsbr);

	kmem_free(dp, dp->dp_size);
}

void
dgram_free(struct socket *so)
{
	struct dgram_pcb *dp = so->so_pcb;

	if (dp == NULL)
		return;
	inpcb_fini(&dp->dp_inp);
	qsbr_call(&dp->dp_qsbr, dgram_reclaim);
}

/* --- names ---------------------------------------------------------------- */

int
dgram_bind(struct socket *so, const struct sockaddr *sa, socklen_t len)
{
	int error;

	mutex_enter(&so->so_lock);
	error = inpcb_bind(so->so_pcb, sa, len);
	mutex_exit(&so->so_lock);
	return error;
}

int
dgram_connect(struct socket *so, const struct sockaddr *sa, socklen_t len, bool nonblock)
{
	struct inpcb *inp = so->so_pcb;
	int error = 0;

	if (len < sizeof(sa->sa_family))
		return EINVAL;
	mutex_enter(&so->so_lock);
	if (sa->sa_family == AF_UNSPEC) {
		inpcb_disconnect(inp);
		atomic_and(&so->so_state, ~(uint32_t)SS_CONNECTED);
	} else {
		error = inpcb_connect(inp, sa, len);
		if (!error)
			atomic_or(&so->so_state, SS_CONNECTED | SS_BOUND);
	}
	mutex_exit(&so->so_lock);
	return error;
}

int
dgram_name(struct socket *so, bool peer, struct sockaddr_storage *ret_ss, socklen_t *ret_len)
{
	struct inpcb *inp = so->so_pcb;
	int error = 0;

	mutex_enter(&so->so_lock);
	if (peer && (so->so_state & SS_CONNECTED) == 0)
		error = ENOTCONN;
	else
		inpcb_name(inp, peer, ret_ss, ret_len);
	mutex_exit(&so->so_lock);
	return error;
}

/* Without a peer it is an error, and takes effect all the same. */
int
dgram_shutdown(struct socket *so, int how)
{
	int error;

	mutex_enter(&so->so_lock);
	error = (so->so_state & SS_CONNECTED) != 0 ? 0 : ENOTCONN;
	if (how != SHUT_WR)
		socket_cantrcvmore(so);
	if (how != SHUT_RD)
		socket_cantsendmore(so);
	mutex_exit(&so->so_lock);
	return error;
}

uint32_t
dgram_poll(struct socket *so)
{
	uint32_t events = 0;

	if (so->so_rcv.sb_q.pq_head != NULL)
		events |= POLLIN | POLLRDNORM;
	if (atomic_load(&so->so_snd.sb_mem) < so->so_snd.sb_hiwat)
		events |= POLLOUT | POLLWRNORM | POLLWRBAND;
	return events;
}

int
dgram_ioctl(struct socket *so, unsigned long cmd, void *uarg, long *ret)
{
	int value;

	switch (cmd) {
	case SIOCINQ:
		mutex_enter(&so->so_lock);
		value = so->so_rcv.sb_q.pq_head != NULL ? (int)so->so_rcv.sb_q.pq_head->p_len : 0;
		mutex_exit(&so->so_lock);
		break;
	case SIOCOUTQ:
		value = (int)atomic_load(&so->so_snd.sb_mem);
		break;
	default:
		return ENOTTY;
	}
	*ret = 0;
	return copyout(&value, uarg, sizeof(value));
}

/* --- where it goes -------------------------------------------------------- */

static bool
dest_multicast(const struct inet_tx *tx)
{
	return tx->it_family == AF_INET ? in_multicast(&tx->it_dst) : tx->it_dst.ia_b[0] == 0xff;
}

/* The name, if there is one; an unconnected IPv6 socket may talk IPv4 through it. */
static int
dest_name(struct inpcb *inp, const struct sockmsg *sm, struct dgram_dest *dd, uint32_t *ret_scope)
{
	int family, error;

	if (sm->sm_name == NULL) {
		if ((inp->inp_so->so_state & SS_CONNECTED) == 0)
			return EDESTADDRREQ;
		dd->dd_dport = inp->inp_fport;
		return 0;
	}
	/* Old programs leave the family out. */
	if (inp->inp_so->so_family == AF_INET && sm->sm_namelen >= sizeof(struct sockaddr_in) &&
	    sm->sm_name->ss_family == AF_UNSPEC)
		sm->sm_name->ss_family = AF_INET;
	if (inp->inp_so->so_family == AF_INET6 && sm->sm_namelen >= sizeof(struct sockaddr_in) &&
	    ((const struct sockaddr *)sm->sm_name)->sa_family == AF_INET)
		error = inet_sockaddr_parse(AF_INET, (const struct sockaddr *)sm->sm_name,
		    sm->sm_namelen, &family, &dd->dd_tx.it_dst, &dd->dd_dport, ret_scope);
	else
		error = inet_sockaddr_parse(inp->inp_so->so_family,
		    (const struct sockaddr *)sm->sm_name, sm->sm_namelen, &family,
		    &dd->dd_tx.it_dst, &dd->dd_dport, ret_scope);
	if (error)
		return error;
	if (family == AF_INET && inp->inp_so->so_family == AF_INET6 && inp->inp_v6only)
		return ENETUNREACH;
	if (family != inp->inp_family) {
		if (!inaddr_zero(&inp->inp_laddr))
			return family == AF_INET6 ? EAFNOSUPPORT : ENETUNREACH;
		dd->dd_tx.it_family = (uint8_t)family;
		dd->dd_tx.it_tos = family == AF_INET ? inp->inp_tos : inp->inp_tclass6;
		dd->dd_tx.it_ttl = family == AF_INET ? inp->inp_ttl : inp->inp_hops6;
		dd->dd_tx.it_src = (struct inaddr){ .ia_d = { 0, 0 } };
	}
	return 0;
}

static void
dest_wildcard(struct inet_tx *tx)
{
	if (!inaddr_zero(&tx->it_dst))
		return;
	if (tx->it_family == AF_INET6)
		tx->it_dst.ia_b[15] = 1;
	else
		tx->it_dst.ia_b[0] = 127, tx->it_dst.ia_b[3] = 1;
}

/* A new route: what no cached one is good for. */
static int
dest_lookup(struct inpcb *inp, struct dgram_dest *dd, uint32_t oif, uint32_t scope)
{
	struct inet_tx *tx = &dd->dd_tx;
	struct rtkey rk;
	int error;

	if (scope != 0 && oif == 0)
		oif = scope;
	inpcb_rtkey(inp, tx->it_family, &tx->it_dst, oif, &rk);
	if (!inaddr_zero(&tx->it_src) && !inaddr_eq(&tx->it_src, &inp->inp_laddr))
		rk.rk_src = tx->it_src;		/* IP_PKTINFO's */
	rk.rk_tos = tx->it_tos;
	error = route_lookup(tx->it_ns, &rk, &dd->dd_rd);
	if (error)
		return error;
	tx->it_src = inaddr_zero(&rk.rk_src) ? dd->dd_rd->rd_src : rk.rk_src;
	return 0;
}

static int
dest_apply(struct inpcb *inp, const struct sockmsg *sm, struct dgram_dest *dd)
{
	const struct socket *so = inp->inp_so;
	struct inet_tx *tx = &dd->dd_tx;
	uint32_t oif = 0, scope = 0;
	struct inaddr local;
	int16_t ttl;
	int error;

	error = dest_name(inp, sm, dd, &scope);
	if (error)
		return error;
	local = tx->it_src;
	ttl = tx->it_ttl;
	if (sm->sm_controllen != 0) {
		error = inpcb_get_cmsgs(inp, sm, tx, &oif);
		if (error)
			return error;
	}
	dest_wildcard(tx);
	/* The connected case: everything is known. */
	if (sm->sm_name == NULL && oif == 0 && inaddr_eq(&local, &tx->it_src) &&
	    inaddr_eq(&tx->it_dst, &inp->inp_faddr)) {
		error = inpcb_route(inp, &dd->dd_rd);
		if (!error && (dest_multicast(tx) || inaddr_zero(&tx->it_src)))
			tx->it_src = dd->dd_rd->rd_src;
	} else {
		error = dest_lookup(inp, dd, oif, scope);
	}
	if (error)
		return error;
	if (dest_multicast(tx) && tx->it_ttl == ttl)
		tx->it_ttl = tx->it_family == AF_INET ? inp->inp_mcttl : inp->inp_mchops6;
	if ((dd->dd_rd->rd_flags & RTD_BROADCAST) != 0 &&
	    (atomic_load(&so->so_options) & SOO_BROADCAST) == 0)
		return EACCES;
	return 0;
}

int
dgram_route(struct inpcb *inp, const struct sockmsg *sm, struct dgram_dest *ret_dd)
{
	struct socket *so = inp->inp_so;
	int error;

	KASSERT(mutex_owned(&so->so_lock));
	memset(ret_dd, 0, offsetof(struct dgram_dest, dd_options));
	ret_dd->dd_confirm = (sm->sm_flags & MSG_CONFIRM) != 0;
	ret_dd->dd_mark = atomic_load(&so->so_mark);
	ret_dd->dd_prio = atomic_load(&so->so_priority);
	if ((so->so_state & SS_CANTSENDMORE) != 0)
		return EPIPE;
	error = socket_geterror(so);
	if (error)
		return error;
	inpcb_tx(inp, &ret_dd->dd_tx);
	inet_tx_keepoptions(&ret_dd->dd_tx, ret_dd->dd_options);
	error = dest_apply(inp, sm, ret_dd);
	if (error) {
		rtdst_rele(ret_dd->dd_rd);
		ret_dd->dd_rd = NULL;
		return error;
	}
	ret_dd->dd_ownopts = ret_dd->dd_tx.it_options == ret_dd->dd_options;
	ret_dd->dd_sport = inp->inp_lport;
	return 0;
}

void
dgram_dest_fini(struct dgram_dest *dd)
{
	rtdst_rele(dd->dd_rd);
	dd->dd_rd = NULL;
}

/*
 * IP_MTU_DISCOVER.  By default (WANT) what fits the path says so with DF, and what
 * does not is cut; DO refuses; the others do not look at the path.
 */
int
dgram_pmtu(struct inpcb *inp, struct dgram_dest *dd, size_t len)
{
	bool six = dd->dd_tx.it_family == AF_INET6;
	uint8_t disc = six ? inp->inp_pmtudisc6 : inp->inp_pmtudisc;
	uint32_t mtu;

	dd->dd_tx.it_flags &= (uint16_t) ~(INET_TX_DF | INET_TX_PROBE);
	switch (disc) {
	case IP_PMTUDISC_DONT:
		return 0;
	case IP_PMTUDISC_WANT:
		if (len <= rtdst_mtu(dd->dd_rd))
			dd->dd_tx.it_flags |= INET_TX_DF;
		return 0;
	case IP_PMTUDISC_INTERFACE:
	case IP_PMTUDISC_OMIT:
		if (len <= atomic_load(&dd->dd_rd->rd_ifp->if_mtu))
			dd->dd_tx.it_flags |= INET_TX_PROBE;
		return 0;
	case IP_PMTUDISC_PROBE:
		dd->dd_tx.it_flags |= INET_TX_DF | INET_TX_PROBE;
		mtu = atomic_load(&dd->dd_rd->rd_ifp->if_mtu);
		break;
	default:
		dd->dd_tx.it_flags |= INET_TX_DF;
		mtu = rtdst_mtu(dd->dd_rd);
		break;
	}
	if (len <= mtu)
		return 0;
	inpcb_queue_local(inp, EMSGSIZE, &dd->dd_tx.it_dst, dd->dd_dport, mtu);
	return EMSGSIZE;
}

int
dgram_output(struct dgram_dest *dd, struct packetq *q)
{
	const struct inet_af *af = inet_af(dd->dd_tx.it_family);
	struct neigh *n = atomic_load_acq(&dd->dd_rd->rd_neigh);

	if (dd->dd_ownopts)
		dd->dd_tx.it_options = dd->dd_options;	/* dd may be a copy */
	if (dd->dd_confirm && n != NULL)
		neigh_confirm(n);
	if (af == NULL) {
		packetq_drop(q);
		return ENETUNREACH;
	}
	return af->ia_output(&dd->dd_tx, dd->dd_rd, q);
}

/* --- what comes in -------------------------------------------------------- */

bool
dgram_enqueue(struct inpcb *inp, struct packet *p, size_t hdrlen)
{
	struct socket *so = inp->inp_so;
	uint32_t keep;

	KASSERT(mutex_owned(&so->so_lock));
	if (so->so_filter != NULL) {
		keep = sockfilter_run(so, p);
		if (keep == 0)
			goto drop;
		if (keep < p->p_len)
			packet_trim(p, keep < hdrlen ? hdrlen : keep);
	}
	packet_pull(p, hdrlen);
	if (sockbuf_put(&so->so_rcv, p))
		return true;
	atomic_add(&so->so_drops, 1);
drop:
	packet_free(p);
	return false;
}

void
dgram_fill(struct socket *so, struct sockmsg *sm, const struct packet *p, uint16_t sport)
{
	const struct inet_rx *rx = INET_RX(p);

	if (sm->sm_name != NULL)
		inet_sockaddr(so->so_family, rx->ir_family, &rx->ir_src, sport,
		    inet_rx_scope(rx, &rx->ir_src), sm->sm_name, &sm->sm_namelen);
	socket_put_cmsgs(so, sm, p);
	inpcb_put_cmsgs(so->so_pcb, sm, p);
}

static void
portless_fill(struct socket *so, struct sockmsg *sm, const struct packet *p)
{
	dgram_fill(so, sm, p, 0);
}

int
dgram_recv_portless(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	if ((sm->sm_flags & MSG_ERRQUEUE) != 0)
		return inpcb_recv_errqueue(so, sm, ret_done);
	return socket_recv_datagram(so, sm, ret_done, portless_fill);
}

void
dgram_error(struct inpcb *inp, const struct inet_ctl *ctl, bool connected)
{
	struct socket *so = inp->inp_so;
	bool six = ctl->ic_family == AF_INET6, hard = ctl->ic_fatal, wanted;

	mutex_enter(&so->so_lock);
	wanted = six ? inp->inp_recverr6 : inp->inp_recverr;
	/* RFC 1191: too large a packet is the sender's business if it asked for DF. */
	if (ctl->ic_err == INET_ERR_TOOBIG)
		hard = (six ? inp->inp_pmtudisc6 : inp->inp_pmtudisc) != IP_PMTUDISC_DONT;
	if (wanted)
		inpcb_queue_error(inp, ctl);
	if (wanted || (hard && connected))
		socket_seterror(so, ctl->ic_errno);
	mutex_exit(&so->so_lock);
}

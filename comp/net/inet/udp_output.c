/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * udp_output.c - datagrams that leave
 *
 * One send is one datagram, with two exceptions: UDP_SEGMENT makes a train of equal
 * ones of it, which goes down as one GSO packet, and UDP_CORK or MSG_MORE let
 * several sends grow one datagram, whose destination is the first's.
 */

#include "udp_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/uio.h>

#include "inet_impl.h"
#include "inet_vars.h"
#include "inpcb_impl.h"

#define UDP_MAXLEN	65535

void
udp_pending_drop(struct udpcb *u)
{
	packet_free(u->u_pending);
	atomic_store(&u->u_pending, NULL);
	dgram_dest_fini(&u->u_dest);
}

/* UDP_SEGMENT as control message overrides the option. */
static int
send_gso(const struct udpcb *u, const struct sockmsg *sm, uint16_t *ret_gso)
{
	struct cmsghdr *cm = NULL;
	int error;

	*ret_gso = u->u_gso;
	if (sm->sm_controllen == 0)
		return 0;
	for (;;) {
		error = cmsg_next(sm, cm, &cm);
		if (error || cm == NULL)
			return error;
		if (cm->cmsg_level != SOL_UDP)
			continue;
		if (cm->cmsg_type != UDP_SEGMENT || cmsg_datalen(cm) != sizeof(*ret_gso))
			return EINVAL;
		memcpy(ret_gso, cm + 1, sizeof(*ret_gso));
	}
}

/* --- the header ----------------------------------------------------------- */

static bool
send_checksum(const struct udpcb *u, const struct dgram_dest *dd)
{
	const struct socket *so = u->u_dgram.dp_inp.inp_so;

	if (dd->dd_tx.it_family == AF_INET6)
		return !u->u_nocheck_tx;
	return (atomic_load(&so->so_options) & SOO_NO_CHECK) == 0;
}

static void
header_build(struct packet *p, const struct dgram_dest *dd, bool checksum)
{
	uint8_t *h = packet_push(p, UDP_HDRLEN);

	p->p_l4 = packet_offset(p);
	p->p_mark = dd->dd_mark;
	p->p_prio = dd->dd_prio;
	p->p_type = PKT_OUTGOING;
	be16_put(h, dd->dd_sport);
	be16_put(h + 2, dd->dd_dport);
	be16_put(h + 4, (uint16_t)p->p_len);
	be16_put(h + 6, 0);
	if (checksum)
		inet_csum_setup(inet_af(dd->dd_tx.it_family), p, &dd->dd_tx.it_src,
		    &dd->dd_tx.it_dst, IPPROTO_UDP, 6);
}

/* How large is a segment, and may there be so many? */
static int
gso_setup(struct packet *p, const struct dgram_dest *dd, uint16_t gso, bool checksum)
{
	size_t hdrlen = inet_af(dd->dd_tx.it_family)->ia_hdrlen + (size_t)UDP_HDRLEN;

	if (gso == 0 || p->p_len <= gso)
		return 0;
	if (hdrlen + gso > rtdst_mtu(dd->dd_rd) || p->p_len > (size_t)gso * UDP_MAXSEGS)
		return EINVAL;
	if (!checksum)
		return EINVAL;
	p->p_gso = PKT_GSO_UDP;
	p->p_gso_size = gso;
	p->p_gso_segs = (uint16_t)((p->p_len + gso - 1) / gso);
	return 0;
}

/* so_lock held: everything but the way down. */
static int
send_finish(struct udpcb *u, struct packet *p, struct dgram_dest *dd, uint16_t gso)
{
	const struct inet_af *af = inet_af(dd->dd_tx.it_family);
	struct inpcb *inp = &u->u_dgram.dp_inp;
	bool checksum = send_checksum(u, dd);
	size_t len;
	int error;

	error = gso_setup(p, dd, gso, checksum);
	if (error)
		return error;
	len = p->p_gso != PKT_GSO_NONE ? p->p_gso_size : p->p_len;
	if (p->p_len + UDP_HDRLEN + af->ia_hdrlen * (size_t)(af->ia_family == AF_INET) > UDP_MAXLEN)
		return EMSGSIZE;
	error = dgram_pmtu(inp, dd, len + UDP_HDRLEN + af->ia_hdrlen + dd->dd_tx.it_optlen);
	if (error)
		return error;
	header_build(p, dd, checksum);
	return 0;
}

/* --- sending -------------------------------------------------------------- */

/* A port for who sends without having asked for one. */
static int
send_autobind(struct inpcb *inp) REQUIRES(inp->inp_so->so_lock)
    NO_THREAD_SAFETY
{
	struct inpcbtable *t = inp->inp_table;
	int error;

	if (likely(inp->inp_lport != 0))
		return 0;
	mutex_enter(&t->it_lock);
	error = inpcb_bind_any(inp);
	mutex_exit(&t->it_lock);
	if (!error)
		atomic_or(&inp->inp_so->so_state, SS_BOUND);
	return error == EADDRINUSE ? EAGAIN : error;
}

/* Only links that hold packets back keep the sender's account busy. */
static int
send_charge(struct socket *so, const struct dgram_dest *dd, struct packet *p, int flags)
    REQUIRES(so->so_lock)
{
	int64_t deadline;
	int error;

	if (likely(atomic_load(&dd->dd_rd->rd_ifp->if_cond) == NULL))
		return 0;
	deadline = socket_deadline(&so->so_snd);
	while (!socket_charge_send(so, p)) {
		if ((flags & MSG_DONTWAIT) != 0)
			return EAGAIN;
		error = socket_wait_space(so, deadline);
		if (error)
			return error;
	}
	return 0;
}

/* Shares the blocks of more; the caller frees it. */
static int
pending_append(struct packet *p, const struct packet *more)
{
	int error = 0;

	if (p->p_len + more->p_len > UDP_MAXLEN - UDP_HDRLEN)
		return EMSGSIZE;
	if (packet_linear(more) > 0)
		error = packet_appendcopy(p, more->p_data, packet_linear(more), KM_SLEEP);
	for (unsigned int i = 0; !error && i < more->p_nfrags; i++) {
		const struct pktfrag *pf = &more->p_frag[i];

		pktbuf_hold(pf->pf_buf);
		error = packet_addfrag(p, pf->pf_buf, pf->pf_off, pf->pf_len);
		if (error)
			pktbuf_rele(pf->pf_buf);
	}
	return error == ENOBUFS ? EMSGSIZE : error;
}

/* More bytes for what is pending.  so_lock is held meanwhile: others must not send it. */
static int
send_append(struct udpcb *u, struct sockmsg *sm, size_t len)
{
	struct packet *more = packet_alloc(KM_SLEEP);
	int error;

	if (more == NULL)
		return ENOBUFS;
	error = packet_appenduio(more, sm->sm_uio, len, KM_SLEEP);
	if (!error)
		error = pending_append(u->u_pending, more);
	packet_free(more);
	return error;
}

/* so_lock held and dropped.  Takes over p. */
static int
send_corked(struct socket *so, struct udpcb *u, struct packet *p, struct dgram_dest *dd,
    uint16_t gso)
    NO_THREAD_SAFETY
{
	int error = 0;

	/* Another thread was first: then this is a part of its datagram. */
	if (u->u_pending != NULL) {
		error = pending_append(u->u_pending, p);
		mutex_exit(&so->so_lock);
		dgram_dest_fini(dd);
		packet_free(p);
		return error;
	}
	u->u_dest = *dd;
	u->u_pending_gso = gso;
	atomic_store(&u->u_pending, p);
	/* Options of the first send may lie in its control data, which is gone by then. */
	if (!u->u_dest.dd_ownopts) {
		u->u_dest.dd_tx.it_options = NULL;
		u->u_dest.dd_tx.it_optlen = 0;
	}
	mutex_exit(&so->so_lock);
	return 0;
}

int
udp_push(struct socket *so)
{
	struct udpcb *u = so->so_pcb;
	struct packetq q = PACKETQ_INITIALIZER;
	struct dgram_dest dd;
	struct packet *p;
	int error;

	mutex_enter(&so->so_lock);
	p = u->u_pending;
	if (p == NULL) {
		mutex_exit(&so->so_lock);
		return 0;
	}
	dd = u->u_dest;
	atomic_store(&u->u_pending, NULL);
	u->u_dest.dd_rd = NULL;
	error = send_finish(u, p, &dd, u->u_pending_gso);
	mutex_exit(&so->so_lock);
	if (error) {
		packet_free(p);
	} else {
		inet_count(UDPSTAT_OUTDATAGRAMS);
		packetq_put(&q, p);
		error = dgram_output(&dd, &q);
	}
	dgram_dest_fini(&dd);
	return error;
}

/* There is something pending: this send is a part of it. */
static int
send_more(struct socket *so, struct udpcb *u, struct sockmsg *sm, size_t len, bool more)
    NO_THREAD_SAFETY
{
	int error = send_append(u, sm, len);

	if (error)
		udp_pending_drop(u);
	mutex_exit(&so->so_lock);
	return error || more ? error : udp_push(so);
}

/* --- rows of messages -------------------------------------------------------- */

/* In sx_priv: where the packets of the batch go. */
_Static_assert(sizeof(struct dgram_dest) <= sizeof(((struct sockbatch *)0)->sx_priv),
    "fits the batch");

static struct dgram_dest *
batch_dest(struct sockbatch *sx)
{
	return (struct dgram_dest *)(void *)sx->sx_priv;
}

static bool
batch_same(const struct dgram_dest *a, const struct dgram_dest *b)
{
	const struct inet_tx *x = &a->dd_tx, *y = &b->dd_tx;

	return a->dd_rd == b->dd_rd && a->dd_confirm == b->dd_confirm &&
	    x->it_family == y->it_family && x->it_tos == y->it_tos && x->it_ttl == y->it_ttl &&
	    x->it_flowinfo == y->it_flowinfo && x->it_flags == y->it_flags &&
	    inaddr_eq(&x->it_src, &y->it_src) && inaddr_eq(&x->it_dst, &y->it_dst);
}

void
udp_flush(struct socket *so, struct sockbatch *sx)
{
	struct dgram_dest *dd = batch_dest(sx);

	/* It was sent as far as the program knows: as on a wire. */
	(void)dgram_output(dd, &sx->sx_q);
	packetq_init(&sx->sx_q);
	dgram_dest_fini(dd);
}

/* Takes over p and what dd refers to. */
static int
batch_put(struct socket *so, struct sockbatch *sx, struct packet *p, struct dgram_dest *dd)
{
	if (sx->sx_q.pq_head != NULL) {
		if (sx->sx_q.pq_n < SOCKBATCH_MAX && batch_same(batch_dest(sx), dd)) {
			packetq_put(&sx->sx_q, p);
			dgram_dest_fini(dd);
			return 0;
		}
		udp_flush(so, sx);
	}
	*batch_dest(sx) = *dd;
	packetq_put(&sx->sx_q, p);
	return 0;
}

static int
send_one(struct socket *so, struct udpcb *u, struct sockmsg *sm, struct packet *p)
    NO_THREAD_SAFETY
{
	struct packetq q = PACKETQ_INITIALIZER;
	struct inpcb *inp = &u->u_dgram.dp_inp;
	struct dgram_dest dd;
	uint16_t gso = 0;
	int error;

	mutex_enter(&so->so_lock);
	error = dgram_route(inp, sm, &dd);
	if (!error && sm->sm_name != NULL && dd.dd_dport == 0)
		error = EINVAL;
	if (!error)
		error = send_gso(u, sm, &gso);
	if (!error)
		error = send_autobind(inp);
	if (error)
		goto fail;
	dd.dd_sport = inp->inp_lport;
	if (unlikely(u->u_cork || (sm->sm_flags & MSG_MORE) != 0))
		return send_corked(so, u, p, &dd, gso);
	error = send_finish(u, p, &dd, gso);
	if (!error)
		error = send_charge(so, &dd, p, sm->sm_flags);
	if (error)
		goto fail;
	mutex_exit(&so->so_lock);
	inet_count_n(UDPSTAT_OUTDATAGRAMS, p->p_gso_segs > 1 ? p->p_gso_segs : 1);
	/* Options and extension headers may lie in the message's control data. */
	if (sm->sm_batch != NULL && dd.dd_tx.it_optlen == 0 && p->p_destroy == NULL)
		return batch_put(so, sm->sm_batch, p, &dd);
	packetq_put(&q, p);
	error = dgram_output(&dd, &q);
	dgram_dest_fini(&dd);
	return error;
fail:
	mutex_exit(&so->so_lock);
	dgram_dest_fini(&dd);
	packet_free(p);
	return error;
}

int
udp_send(struct socket *so, struct sockmsg *sm, size_t *ret_done)
    NO_THREAD_SAFETY
{
	size_t len = sm->sm_uio->uio_resid;
	struct udpcb *u = so->so_pcb;
	struct packet *p;
	int error;

	if (len > UDP_MAXLEN)
		return EMSGSIZE;
	if ((sm->sm_flags & MSG_OOB) != 0)
		return EOPNOTSUPP;
	if (unlikely(atomic_load(&u->u_pending) != NULL)) {
		mutex_enter(&so->so_lock);
		if (u->u_pending != NULL) {
			*ret_done = len;
			return send_more(so, u, sm, len,
			    u->u_cork || (sm->sm_flags & MSG_MORE) != 0);
		}
		mutex_exit(&so->so_lock);
	}
	error = packet_fromuio(sm->sm_uio, len, &p);
	if (error)
		return error;
	*ret_done = len;
	return send_one(so, u, sm, p);
}

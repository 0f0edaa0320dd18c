/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * afpacket_io.c - sending frames, and handing what was heard to the client
 */

#include "afpacket_impl.h"

#include <lib/bytes.h>
#include <lib/string.h>
#include <linux/if_ether.h>
#include <net/vnethdr.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/uio.h>

/* Linear bytes of a frame: headers of all layers, for who looks into them. */
#define LINEAR_MAX	(PKT_ROOM - PKT_HEADROOM)

/* --- sending ------------------------------------------------------------------------ */

struct outgoing {
	struct ifnet	*o_ifp;		/* referenced */
	uint16_t	 o_protocol;	/* host order */
	uint8_t		 o_addr[IF_LLADDR];
};

/* Where to, from the message's address or the binding. */
static int
outgoing_find(struct pksock *pk, const struct sockmsg *sm, struct outgoing *o)
{
	struct sockaddr_ll ll = { .sll_ifindex = __atomic_load_n(&pk->pk_ifindex, __ATOMIC_RELAXED) };

	memset(o, 0, sizeof(*o));
	o->o_protocol = __atomic_load_n(&pk->pk_protocol, __ATOMIC_RELAXED);
	if (sm->sm_name != NULL) {
		if (sm->sm_namelen < offsetof(struct sockaddr_ll, sll_addr))
			return EINVAL;
		memcpy(&ll, sm->sm_name, sm->sm_namelen < sizeof(ll) ? sm->sm_namelen : sizeof(ll));
		if (ll.sll_family != AF_PACKET)
			return EINVAL;
		o->o_protocol = __builtin_bswap16(ll.sll_protocol);
		if (ll.sll_halen > sizeof(ll.sll_addr))
			return EINVAL;
		memcpy(o->o_addr, ll.sll_addr, sizeof(ll.sll_addr));
	}
	if (ll.sll_ifindex <= 0)
		return ENXIO;
	o->o_ifp = if_byindex(pk->pk_so->so_ns, (uint32_t)ll.sll_ifindex);
	if (o->o_ifp == NULL)
		return ENXIO;
	if_hold(o->o_ifp);
	if ((o->o_ifp->if_flags & IFF_UP) == 0) {
		if_rele(o->o_ifp);
		return ENETDOWN;
	}
	return 0;
}

static int
frame_fill(struct packet *p, struct uio *uio, size_t len)
{
	size_t linear = len < LINEAR_MAX ? len : LINEAR_MAX;
	void *at = packet_append(p, linear);
	int error;

	if (at == NULL)
		return ENOBUFS;
	error = uio_move(at, linear, uio);
	if (error == 0 && len > linear)
		error = packet_appenduio(p, uio, len - linear, KM_SLEEP);
	return error;
}

/* The frame is complete: find what the layers below want to know. */
static int
frame_parse(const struct outgoing *o, struct packet *p)
{
	uint16_t type;

	if (packet_linear(p) < o->o_ifp->if_hdrlen)
		return EINVAL;
	p->p_l2 = packet_offset(p);
	p->p_l3 = (uint16_t)(packet_offset(p) + o->o_ifp->if_hdrlen);
	p->p_ethertype = o->o_protocol;
	if (o->o_ifp->if_hdrlen == ETH_HLEN) {
		type = be16_get(p->p_data + 2 * ETH_ALEN);
		if (type >= ETH_P_802_3_MIN)
			p->p_ethertype = type;
	}
	return 0;
}

static int
frame_build(struct pksock *pk, const struct outgoing *o, struct sockmsg *sm, size_t len,
    struct packet *p)
{
	bool vnet = pksock_flag(pk, PKF_VNET), cooked = pk->pk_so->so_type == SOCK_DGRAM;
	size_t most = o->o_ifp->if_mtu + (cooked ? 0u : o->o_ifp->if_hdrlen + 4u);
	struct virtio_net_hdr vh = { .gso_type = VIRTIO_NET_HDR_GSO_NONE };
	int error;

	if (vnet) {
		if (len < sizeof(vh))
			return EINVAL;
		error = uio_move(&vh, sizeof(vh), sm->sm_uio);
		if (error)
			return error;
		len -= sizeof(vh);
		if (vh.gso_type != VIRTIO_NET_HDR_GSO_NONE)
			most = PKT_MAXLEN;
	}
	if (len > most)
		return EMSGSIZE;
	error = frame_fill(p, sm->sm_uio, len);
	if (error)
		return error;
	if (cooked) {
		p->p_l3 = packet_offset(p);
		p->p_ethertype = o->o_protocol;
		if_l2header(o->o_ifp, p, o->o_protocol, o->o_addr);
		return 0;
	}
	error = frame_parse(o, p);
	return error == 0 && vnet ? vnethdr_apply(p, &vh) : error;
}

int
afpacket_send(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	struct pksock *pk = so->so_pcb;
	size_t len = sm->sm_uio->uio_resid;
	struct packetq q;
	struct outgoing o;
	struct packet *p;
	int error;

	error = outgoing_find(pk, sm, &o);
	if (error)
		return error;
	p = packet_alloc(KM_SLEEP);
	error = p == NULL ? ENOBUFS : frame_build(pk, &o, sm, len, p);
	if (error == 0) {
		p->p_flags |= PKT_F_INJECTED;
		p->p_mark = atomic_load(&so->so_mark);
		p->p_prio = atomic_load(&so->so_priority);
		packetq_init(&q);
		packetq_put(&q, p);
		if_transmit(o.o_ifp, &q);
		*ret_done = len;
	} else {
		packet_free(p);
	}
	if_rele(o.o_ifp);
	return error;
}

/* --- receiving ------------------------------------------------------------------------ */

static uint32_t
status_of(const struct packet *p)
{
	uint32_t status = TP_STATUS_USER;

	if (p->p_csum == PKT_CSUM_PARTIAL)
		status |= TP_STATUS_CSUMNOTREADY;
	else if (p->p_csum == PKT_CSUM_GOOD)
		status |= TP_STATUS_CSUM_VALID;
	if ((p->p_flags & PKT_F_VLAN) != 0)
		status |= TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID;
	return status;
}

static void
auxdata_put(struct sockmsg *sm, const struct packet *p)
{
	const struct pkcb *pc = pkcb_ofconst(p);
	struct tpacket_auxdata aux = {
		.tp_status = status_of(p), .tp_len = pc->pc_len, .tp_snaplen = p->p_len,
		.tp_mac = pc->pc_mac, .tp_net = pc->pc_net,
	};

	if ((p->p_flags & PKT_F_VLAN) != 0) {
		aux.tp_vlan_tci = p->p_vlan;
		aux.tp_vlan_tpid = ETH_P_8021Q;
	}
	cmsg_put(sm, SOL_PACKET, PACKET_AUXDATA, &aux, sizeof(aux));
}

static void
afpacket_fill(struct socket *so, struct sockmsg *sm, const struct packet *p)
{
	const struct pkcb *pc = pkcb_ofconst(p);
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = __builtin_bswap16(pc->pc_protocol),
		.sll_ifindex = (int)pc->pc_ifindex, .sll_hatype = pc->pc_hatype,
		.sll_pkttype = pc->pc_type, .sll_halen = pc->pc_halen,
	};

	if (sm->sm_name != NULL) {
		memcpy(ll.sll_addr, pc->pc_addr, sizeof(ll.sll_addr));
		memcpy(sm->sm_name, &ll, sizeof(ll));
		sm->sm_namelen = sizeof(ll);
	}
	if (pksock_flag(so->so_pcb, PKF_AUXDATA))
		auxdata_put(sm, p);
	socket_put_cmsgs(so, sm, p);
}

/*
 * With PACKET_VNET_HDR its ten bytes come first, which the usual receive knows
 * nothing of: the datagram is looked at first, and then taken.
 *
 * NEEDSWORK: two threads that read one such socket may see headers and frames of
 * different packets.
 */
static int
vnet_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	int64_t deadline = socket_deadline(&so->so_rcv);
	struct virtio_net_hdr vh;
	struct packet *first;
	int error;

	if (sm->sm_uio->uio_resid < sizeof(vh))
		return EINVAL;
	mutex_enter(&so->so_lock);
	while ((first = so->so_rcv.sb_q.pq_head) == NULL) {
		error = socket_geterror(so);
		if (error == 0)
			error = (sm->sm_flags & MSG_DONTWAIT) != 0 ? EAGAIN :
			    socket_wait(so, &so->so_rcv, deadline);
		if (error) {
			mutex_exit(&so->so_lock);
			return error;
		}
	}
	vnethdr_make(first, &vh);
	mutex_exit(&so->so_lock);
	error = uio_move(&vh, sizeof(vh), sm->sm_uio);
	if (error == 0)
		error = socket_recv_datagram(so, sm, ret_done, afpacket_fill);
	if (error == 0)
		*ret_done += sizeof(vh);
	return error;
}

int
afpacket_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	if ((sm->sm_flags & MSG_ERRQUEUE) != 0)
		return socket_recv_errqueue(so, sm, ret_done, NULL);
	if (pksock_flag(so->so_pcb, PKF_VNET))
		return vnet_recv(so, sm, ret_done);
	return socket_recv_datagram(so, sm, ret_done, afpacket_fill);
}

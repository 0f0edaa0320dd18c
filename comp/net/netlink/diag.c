/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * diag.c - NETLINK_SOCK_DIAG: requests, and the families that are quickly told
 *
 * References: sock_diag(7).
 */

#include "diag_impl.h"

#include <lib/string.h>
#include <net/sockdiag.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <linux/un.h>
#include <linux/unix_diag.h>
#include <sys/cred.h>
#include <sys/errno.h>

#define STATE_ESTABLISHED	1
#define STATE_CLOSE		7
#define STATE_LISTEN		10

static uint8_t
plain_state(const struct socket *so)
{
	uint32_t flags = __atomic_load_n(&so->so_state, __ATOMIC_RELAXED);

	if ((flags & SS_LISTENING) != 0)
		return STATE_LISTEN;
	return (flags & SS_CONNECTED) != 0 ? STATE_ESTABLISHED : STATE_CLOSE;
}

/* A walk over the sockets of one family for a dump. */
struct diagwalk {
	struct nldump	*w_d;
	struct nlbuf	*w_nb;
};

static int
dump_family(struct nldump *d, struct nlbuf *nb, int family,
    int (*one)(struct socket *, void *))
{
	struct diagwalk w = { d, nb };

	return socket_iterate(d->d_ns, family, one, &w);
}

/* --- AF_UNIX --------------------------------------------------------------------------- */

static void
unix_name_put(struct nlbuf *nb, struct socket *so)
{
	struct sockaddr_storage ss;
	struct sockaddr_un sun;
	socklen_t len = 0;

	memset(&ss, 0, sizeof(ss));
	if (so->so_ops->so_name(so, false, &ss, &len) != 0 ||
	    len <= offsetof(struct sockaddr_un, sun_path) || len > sizeof(sun))
		return;
	memcpy(&sun, &ss, sizeof(sun));
	nlbuf_attr(nb, UNIX_DIAG_NAME, sun.sun_path, len - offsetof(struct sockaddr_un, sun_path));
}

static void
unix_peer_put(struct nlbuf *nb, struct socket *so)
{
	struct sockdiag sd = { .sd_peer = 0 };

	if (so->so_ops->so_diag != NULL)
		so->so_ops->so_diag(so, &sd);
	if (sd.sd_peer != 0)
		nlbuf_u32(nb, UNIX_DIAG_PEER, (uint32_t)sd.sd_peer);
}

static int
unix_one(struct socket *so, void *arg)
{
	struct diagwalk *w = arg;
	const struct unix_diag_req *req = (const void *)w->w_d->d_arg;
	struct unix_diag_rqlen rq;
	struct unix_diag_msg msg = {
		.udiag_family = AF_UNIX, .udiag_type = (uint8_t)so->so_type,
		.udiag_state = plain_state(so), .udiag_ino = (uint32_t)so->so_inode,
	};

	if (!nldump_due(w->w_d))
		return 0;
	/* One whose peer is there still is not shown when it was closed. */
	if ((__atomic_load_n(&so->so_state, __ATOMIC_RELAXED) & SS_NOFILE) != 0) {
		nldump_skip(w->w_d);
		return 0;
	}
	if ((req->udiag_states >> msg.udiag_state & 1) == 0 ||
	    (req->udiag_ino != 0 && req->udiag_ino != msg.udiag_ino)) {
		nldump_skip(w->w_d);
		return 0;
	}
	diag_cookie(so, msg.udiag_cookie);
	nlbuf_begin(w->w_nb, &w->w_d->d_head);
	nlbuf_bytes(w->w_nb, &msg, sizeof(msg));
	if ((req->udiag_show & UDIAG_SHOW_NAME) != 0)
		unix_name_put(w->w_nb, so);
	if ((req->udiag_show & UDIAG_SHOW_PEER) != 0)
		unix_peer_put(w->w_nb, so);
	nlbuf_u8(w->w_nb, UNIX_DIAG_SHUTDOWN, diag_shutdown(so));
	if ((req->udiag_show & UDIAG_SHOW_RQLEN) != 0) {
		mutex_enter(&so->so_lock);
		rq.udiag_rqueue = msg.udiag_state == STATE_LISTEN ? so->so_qlen : so->so_rcv.sb_cc;
		rq.udiag_wqueue = msg.udiag_state == STATE_LISTEN ? so->so_backlog :
		    so->so_snd.sb_cc;
		mutex_exit(&so->so_lock);
		nlbuf_attr(w->w_nb, UNIX_DIAG_RQLEN, &rq, sizeof(rq));
	}
	if ((req->udiag_show & UDIAG_SHOW_MEMINFO) != 0)
		diag_meminfo_put(w->w_nb, UNIX_DIAG_MEMINFO, so);
	if ((req->udiag_show & UDIAG_SHOW_UID) != 0)
		nlbuf_u32(w->w_nb, UNIX_DIAG_UID, so->so_cred->cr_euid);
	return nldump_put(w->w_d, w->w_nb);
}

static int
unix_next(struct nldump *d, struct nlbuf *nb)
{
	return dump_family(d, nb, AF_UNIX, unix_one);
}

int
diag_unix(struct nlreq *nr)
{
	struct unix_diag_req req;

	if (nr->nr_len < sizeof(req))
		return EINVAL;
	memcpy(&req, nr->nr_data, sizeof(req));
	if ((nr->nr_hdr.nlmsg_flags & NLM_F_DUMP) == 0)
		return EOPNOTSUPP;
	return nlreq_dump(nr, SOCK_DIAG_BY_FAMILY, unix_next, &req, sizeof(req));
}

/* --- AF_NETLINK -------------------------------------------------------------------------- */

static uint32_t
netlink_flags(const struct nlsock *nk)
{
	uint32_t flags = __atomic_load_n(&nk->nk_flags, __ATOMIC_RELAXED);

	return ((flags & NKF_PKTINFO) != 0 ? NDIAG_FLAG_PKTINFO : 0) |
	    ((flags & NKF_BCAST_ERROR) != 0 ? NDIAG_FLAG_BROADCAST_ERROR : 0) |
	    ((flags & NKF_NO_ENOBUFS) != 0 ? NDIAG_FLAG_NO_ENOBUFS : 0) |
	    ((flags & NKF_ALL_NSID) != 0 ? NDIAG_FLAG_LISTEN_ALL_NSID : 0) |
	    ((flags & NKF_CAP_ACK) != 0 ? NDIAG_FLAG_CAP_ACK : 0);
}

/* nn_lock held. */
static int
netlink_one(struct nlsock *nk, void *arg)
{
	struct diagwalk *w = arg;
	const struct netlink_diag_req *req = (const void *)w->w_d->d_arg;
	struct socket *so = nk->nk_so;
	struct netlink_diag_msg msg = {
		.ndiag_family = AF_NETLINK, .ndiag_type = (uint8_t)so->so_type,
		.ndiag_protocol = (uint8_t)so->so_protocol, .ndiag_state = STATE_CLOSE,
		.ndiag_portid = nk->nk_portid, .ndiag_ino = (uint32_t)so->so_inode,
	};

	if (!nldump_due(w->w_d))
		return 0;
	if (req->sdiag_protocol != NDIAG_PROTO_ALL && req->sdiag_protocol != so->so_protocol) {
		nldump_skip(w->w_d);
		return 0;
	}
	mutex_enter(&so->so_lock);
	msg.ndiag_dst_portid = nk->nk_dstport;
	msg.ndiag_dst_group = nk->nk_dstgroup;
	mutex_exit(&so->so_lock);
	diag_cookie(so, msg.ndiag_cookie);
	nlbuf_begin(w->w_nb, &w->w_d->d_head);
	nlbuf_bytes(w->w_nb, &msg, sizeof(msg));
	if ((req->ndiag_show & NDIAG_SHOW_GROUPS) != 0)
		nlbuf_attr(w->w_nb, NETLINK_DIAG_GROUPS, &nk->nk_groups, sizeof(nk->nk_groups));
	if ((req->ndiag_show & NDIAG_SHOW_MEMINFO) != 0)
		diag_meminfo_put(w->w_nb, NETLINK_DIAG_MEMINFO, so);
	if ((req->ndiag_show & NDIAG_SHOW_FLAGS) != 0)
		nlbuf_u32(w->w_nb, NETLINK_DIAG_FLAGS, netlink_flags(nk));
	return nldump_put(w->w_d, w->w_nb);
}

static int
netlink_next(struct nldump *d, struct nlbuf *nb)
{
	struct diagwalk w = { d, nb };

	return nltable_iterate(netlink_ns(d->d_ns), netlink_one, &w);
}

int
diag_netlink(struct nlreq *nr)
{
	struct netlink_diag_req req;

	if (nr->nr_len < sizeof(req))
		return EINVAL;
	memcpy(&req, nr->nr_data, sizeof(req));
	if ((nr->nr_hdr.nlmsg_flags & NLM_F_DUMP) == 0)
		return EOPNOTSUPP;
	return nlreq_dump(nr, SOCK_DIAG_BY_FAMILY, netlink_next, &req, sizeof(req));
}

/* --- AF_PACKET ----------------------------------------------------------------------------- */

/* struct sockaddr_ll up to what is used here; <linux/if_packet.h> has the whole. */
struct packet_name {
	uint16_t	 pn_family;
	uint16_t	 pn_protocol;
	int32_t		 pn_ifindex;
};

static int
packet_one(struct socket *so, void *arg)
{
	struct diagwalk *w = arg;
	const struct packet_diag_req *req = (const void *)w->w_d->d_arg;
	struct packet_diag_msg msg = {
		.pdiag_family = AF_PACKET, .pdiag_type = (uint8_t)so->so_type,
		.pdiag_ino = (uint32_t)so->so_inode,
	};
	struct packet_diag_info info = { 0 };
	struct sockaddr_storage ss;
	struct packet_name pn = { 0 };
	socklen_t len = 0;

	if (!nldump_due(w->w_d))
		return 0;
	memset(&ss, 0, sizeof(ss));
	if (so->so_ops->so_name(so, false, &ss, &len) == 0)
		memcpy(&pn, &ss, sizeof(pn));
	msg.pdiag_num = __builtin_bswap16(pn.pn_protocol);
	info.pdi_index = (uint32_t)pn.pn_ifindex;
	info.pdi_flags = PDI_RUNNING;
	diag_cookie(so, msg.pdiag_cookie);
	nlbuf_begin(w->w_nb, &w->w_d->d_head);
	nlbuf_bytes(w->w_nb, &msg, sizeof(msg));
	if ((req->pdiag_show & PACKET_SHOW_INFO) != 0) {
		nlbuf_attr(w->w_nb, PACKET_DIAG_INFO, &info, sizeof(info));
		nlbuf_u32(w->w_nb, PACKET_DIAG_UID, so->so_cred->cr_euid);
	}
	if ((req->pdiag_show & PACKET_SHOW_MEMINFO) != 0)
		diag_meminfo_put(w->w_nb, PACKET_DIAG_MEMINFO, so);
	return nldump_put(w->w_d, w->w_nb);
}

static int
packet_next(struct nldump *d, struct nlbuf *nb)
{
	return dump_family(d, nb, AF_PACKET, packet_one);
}

int
diag_packet(struct nlreq *nr)
{
	struct packet_diag_req req;

	if (nr->nr_len < sizeof(req))
		return EINVAL;
	memcpy(&req, nr->nr_data, sizeof(req));
	if (req.sdiag_protocol != 0)
		return EINVAL;
	if ((nr->nr_hdr.nlmsg_flags & NLM_F_DUMP) == 0)
		return EOPNOTSUPP;
	return nlreq_dump(nr, SOCK_DIAG_BY_FAMILY, packet_next, &req, sizeof(req));
}

/* --- requests -------------------------------------------------------------------------------- */

static int
diag_request(struct nlreq *nr)
{
	struct sock_diag_req req;

	if (nr->nr_hdr.nlmsg_type == TCPDIAG_GETSOCK)
		return diag_inet_old(nr);
	if ((nr->nr_hdr.nlmsg_type != SOCK_DIAG_BY_FAMILY &&
	    nr->nr_hdr.nlmsg_type != SOCK_DESTROY) || nr->nr_len < sizeof(req))
		return EINVAL;
	memcpy(&req, nr->nr_data, sizeof(req));
	if (nr->nr_hdr.nlmsg_type == SOCK_DESTROY) {
		if (req.sdiag_family != AF_INET && req.sdiag_family != AF_INET6)
			return EOPNOTSUPP;
		return nlreq_mayconfigure(nr) ? diag_inet_destroy(nr) : EPERM;
	}
	switch (req.sdiag_family) {
	case AF_INET:
	case AF_INET6:
		return diag_inet(nr);
	case AF_UNIX:
		return diag_unix(nr);
	case AF_NETLINK:
		return diag_netlink(nr);
	case AF_PACKET:
		return diag_packet(nr);
	default:
		return ENOENT;
	}
}

static const struct nlfamily diag_family = {
	.nf_protocol	= NETLINK_SOCK_DIAG,
	.nf_name	= "sock_diag",
	.nf_ngroups	= SKNLGRP_MAX,
	.nf_request	= diag_request,
};

void
diag_init(void)
{
	netlink_family_register(&diag_family);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netlink_socket.c - the socket itself: addresses, sending, receiving
 *
 * Messages to port 0 are requests to the kernel's family; others go to the socket
 * of that port, which may be any program's.  A queue that is full loses messages: the next
 * receive says ENOBUFS once, and until the queue was empty nothing more is put into it,
 * so that the reader finds one gap and not many (netlink(7)).
 */

#include "netlink_impl.h"

#include <lib/string.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/uio.h>

static struct nlsock *
nlsock_of(const struct socket *so)
{
	return so->so_pcb;
}

static int
netlink_attach(struct socket *so, int protocol)
{
	const struct nlfamily *nf = netlink_family(protocol);
	struct nlsock *nk;

	if (protocol < 0 || protocol >= NL_MAXPROTO ||
	    (nf == NULL && protocol != NETLINK_USERSOCK))
		return EPROTONOSUPPORT;
	nk = kmem_zalloc(sizeof(*nk), KM_SLEEP);
	if (nk == NULL)
		return ENOMEM;
	nk->nk_so = so;
	nk->nk_nn = netlink_ns(so->so_ns);
	nk->nk_family = nf;
	mutex_init(&nk->nk_lock, "netlink_request");
	so->so_pcb = nk;
	nltable_insert(nk);
	return 0;
}

static void
netlink_close(struct socket *so)
{
	struct nlsock *nk = nlsock_of(so);

	nltable_remove(nk);
	netlink_abandon(nk);
	mutex_enter(&so->so_lock);
	sockbuf_drop(&so->so_rcv);
	mutex_exit(&so->so_lock);
}

static void
netlink_free(struct socket *so)
{
	struct nlsock *nk = nlsock_of(so);

	if (nk == NULL)
		return;
	KASSERT(nk->nk_dump == NULL);
	mutex_destroy(&nk->nk_lock);
	kmem_free(nk, sizeof(*nk));
}

/* --- addresses -------------------------------------------------------------------- */

static int
address_parse(const struct sockaddr *sa, socklen_t len, struct sockaddr_nl *ret_nl)
{
	if (len < sizeof(*ret_nl))
		return EINVAL;
	memcpy(ret_nl, sa, sizeof(*ret_nl));
	return ret_nl->nl_family == AF_NETLINK ? 0 : EINVAL;
}

static uint32_t
first_group(uint32_t mask)
{
	return mask != 0 ? (uint32_t)__builtin_ctz(mask) + 1 : 0;
}

static bool
may_listen(void)
{
	return cred_capable(curcred(), CAP_NET_ADMIN);
}

static int
netlink_bind(struct socket *so, const struct sockaddr *sa, socklen_t len)
{
	struct nlsock *nk = nlsock_of(so);
	struct sockaddr_nl nl;
	int error;

	error = address_parse(sa, len, &nl);
	if (error)
		return error;
	/* What a plain program may hear is the family's choice; others are for admins. */
	if (nl.nl_groups != 0 && nk->nk_family == NULL && !may_listen())
		return EPERM;
	error = nltable_bind(nk, nl.nl_pid);
	if (error == 0)
		error = nltable_setgroups(nk, nl.nl_groups, UINT32_MAX);
	return error;
}

static int
netlink_connect(struct socket *so, const struct sockaddr *sa, socklen_t len, bool nonblock)
{
	struct nlsock *nk = nlsock_of(so);
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };
	bool away = len >= sizeof(sa_family_t) && sa->sa_family == AF_UNSPEC;
	int error = away ? 0 : address_parse(sa, len, &nl);

	if (error == 0 && !away && (nl.nl_groups != 0 || nl.nl_pid != 0) && !may_listen() &&
	    nk->nk_family != NULL)
		error = EPERM;
	if (error == 0 && !away)
		error = nltable_bind(nk, 0);
	if (error)
		return error;
	mutex_enter(&so->so_lock);
	if (away)
		so->so_state &= ~(uint32_t)SS_CONNECTED;
	else
		so->so_state |= SS_CONNECTED;
	nk->nk_dstport = nl.nl_pid;
	nk->nk_dstgroup = first_group(nl.nl_groups);
	mutex_exit(&so->so_lock);
	return 0;
}

static int
netlink_name(struct socket *so, bool peer, struct sockaddr_storage *ret_ss, socklen_t *ret_len)
{
	struct nlsock *nk = nlsock_of(so);
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };

	if (peer) {
		mutex_enter(&so->so_lock);
		nl.nl_pid = nk->nk_dstport;
		nl.nl_groups = nk->nk_dstgroup != 0 && nk->nk_dstgroup <= 32 ?
		    1u << (nk->nk_dstgroup - 1) : 0;
		mutex_exit(&so->so_lock);
	} else {
		mutex_enter(&nk->nk_nn->nn_lock);
		nl.nl_pid = nk->nk_portid;
		nl.nl_groups = (uint32_t)nk->nk_groups;
		mutex_exit(&nk->nk_nn->nn_lock);
	}
	memcpy(ret_ss, &nl, sizeof(nl));
	*ret_len = sizeof(nl);
	return 0;
}

/* --- queues --------------------------------------------------------------------------- */

struct packet *
nlpacket_from(const void *data, size_t len, uint32_t portid, uint32_t group)
{
	struct packet *p = packet_alloc(KM_NOSLEEP);
	struct pktbuf *pb;

	if (p == NULL)
		return NULL;
	pb = pktbuf_alloc(len, KM_NOSLEEP);
	if (pb == NULL || packet_addfrag(p, pb, 0, (uint32_t)len) != 0) {
		if (pb != NULL)
			pktbuf_rele(pb);
		packet_free(p);
		return NULL;
	}
	memcpy(pb->pb_data, data, len);
	memset(nlcb_of(p), 0, sizeof(*nlcb_of(p)));
	nlcb_of(p)->nc_portid = portid;
	nlcb_of(p)->nc_group = group;
	return p;
}

static void
overrun_locked(struct nlsock *nk) REQUIRES(nk->nk_so->so_lock)
{
	atomic_add(&nk->nk_so->so_drops, 1);
	nk->nk_congested = true;
	if (!nlsock_flag(nk, NKF_NO_ENOBUFS))
		socket_seterror(nk->nk_so, ENOBUFS);
}

int
nlsock_put(struct nlsock *nk, struct packet *p)
    NO_THREAD_SAFETY
{
	struct socket *so = nk->nk_so;
	int error = 0;

	mutex_enter(&so->so_lock);
	if (nk->nk_congested && so->so_rcv.sb_q.pq_n == 0)
		nk->nk_congested = false;
	if (p == NULL || nk->nk_congested || !sockbuf_put(&so->so_rcv, p)) {
		if (!nk->nk_congested)
			overrun_locked(nk);
		packet_free(p);
		error = ENOBUFS;
	} else {
		socket_wake(so, POLLIN);
	}
	mutex_exit(&so->so_lock);
	return error;
}

/* --- sending --------------------------------------------------------------------------- */

struct target {
	uint32_t	 t_port, t_group;
};

static int
target_of(struct nlsock *nk, const struct sockmsg *sm, struct target *ret_to)
{
	struct sockaddr_nl nl;
	int error;

	if (sm->sm_name == NULL) {
		mutex_enter(&nk->nk_so->so_lock);
		ret_to->t_port = nk->nk_dstport;
		ret_to->t_group = nk->nk_dstgroup;
		mutex_exit(&nk->nk_so->so_lock);
		return 0;
	}
	error = address_parse((const struct sockaddr *)sm->sm_name, sm->sm_namelen, &nl);
	if (error)
		return error;
	ret_to->t_port = nl.nl_pid;
	ret_to->t_group = first_group(nl.nl_groups);
	if ((ret_to->t_port != 0 || ret_to->t_group != 0) && nk->nk_family != NULL &&
	    !cred_capable(curcred(), CAP_NET_ADMIN))
		return EPERM;
	return 0;
}

static struct packet *
message_make(struct nlsock *nk, const uint8_t *data, size_t len, uint32_t group)
{
	const struct cred *cr = nk->nk_so->so_cred;
	struct packet *p = nlpacket_from(data, len, nk->nk_portid, group);

	if (p != NULL)
		nlcb_of(p)->nc_cred = (struct ucred){ curproc()->p_pid, cr->cr_euid, cr->cr_egid };
	return p;
}

static int
send_port(struct nlsock *nk, const uint8_t *data, size_t len, uint32_t port)
{
	struct nlsock *to = nltable_find(nk->nk_nn, nk->nk_so->so_protocol, port);
	struct packet *p;
	int error = ENOMEM;

	if (to == NULL)
		return ECONNREFUSED;
	p = message_make(nk, data, len, 0);
	if (p != NULL)
		error = nlsock_put(to, p) == 0 ? 0 : EAGAIN;
	socket_rele(to->nk_so);
	return error;
}

static int
send_group(struct nlsock *nk, const uint8_t *data, size_t len, uint32_t group)
{
	struct packet *p = message_make(nk, data, len, group);

	if (p == NULL)
		return ENOMEM;
	netlink_multicast(nk->nk_nn, nk->nk_so->so_protocol, p, nk->nk_portid);
	return 0;
}

static int
message_send(struct nlsock *nk, const uint8_t *data, size_t len, const struct target *to)
{
	int error;

	if (to->t_group != 0) {
		error = send_group(nk, data, len, to->t_group);
		if (error)
			return error;
	}
	if (to->t_port != 0)
		return send_port(nk, data, len, to->t_port);
	if (nk->nk_family == NULL)
		return to->t_group != 0 ? 0 : ECONNREFUSED;
	netlink_request(nk, data, len);
	return 0;
}

static int
netlink_send(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	struct nlsock *nk = nlsock_of(so);
	size_t len = sm->sm_uio->uio_resid;
	struct target to;
	uint8_t *data;
	int error;

	if ((sm->sm_flags & MSG_OOB) != 0)
		return EOPNOTSUPP;
	if (len == 0)
		return ENODATA;
	if (len > so->so_snd.sb_hiwat || len > PKTBUF_MAX)
		return EMSGSIZE;
	error = target_of(nk, sm, &to);
	if (error == 0)
		error = nltable_bind(nk, 0);
	if (error)
		return error;
	data = kmem_alloc(len, KM_SLEEP);
	if (data == NULL)
		return ENOBUFS;
	error = uio_move(data, len, sm->sm_uio);
	if (error == 0)
		error = message_send(nk, data, len, &to);
	kmem_free(data, len);
	if (error == 0)
		*ret_done = len;
	return error;
}

/* --- receiving --------------------------------------------------------------------------- */

static void
netlink_fill(struct socket *so, struct sockmsg *sm, const struct packet *p)
{
	const struct nlcb *nc = nlcb_ofconst(p);
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_pid = nc->nc_portid };

	if (nc->nc_group != 0 && nc->nc_group <= 32)
		nl.nl_groups = 1u << (nc->nc_group - 1);
	if (sm->sm_name != NULL) {
		memcpy(sm->sm_name, &nl, sizeof(nl));
		sm->sm_namelen = sizeof(nl);
	}
	if (nlsock_flag(nlsock_of(so), NKF_PKTINFO)) {
		struct nl_pktinfo info = { nc->nc_group };

		cmsg_put(sm, SOL_NETLINK, NETLINK_PKTINFO, &info, sizeof(info));
	}
	if ((so->so_options & SOO_PASSCRED) != 0)
		cmsg_put(sm, SOL_SOCKET, SCM_CREDENTIALS, &nc->nc_cred, sizeof(nc->nc_cred));
}

static int
netlink_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	struct nlsock *nk = nlsock_of(so);
	size_t room = sm->sm_uio->uio_resid;
	int error;

	if ((sm->sm_flags & MSG_OOB) != 0)
		return EOPNOTSUPP;
	if (room > NL_CHUNK_MAX)
		room = NL_CHUNK_MAX;
	if (room > __atomic_load_n(&nk->nk_maxrecv, __ATOMIC_RELAXED))
		__atomic_store_n(&nk->nk_maxrecv, (uint32_t)room, __ATOMIC_RELAXED);
	error = socket_recv_datagram(so, sm, ret_done, netlink_fill);
	if (error == 0 && (sm->sm_flags & MSG_PEEK) == 0)
		netlink_pump(nk);
	return error;
}

static uint32_t
netlink_poll(struct socket *so)
{
	return POLLOUT | POLLWRNORM |
	    (so->so_rcv.sb_q.pq_n > 0 ? POLLIN | POLLRDNORM : 0);
}

const struct sockops netlink_sockops = {
	.so_attach	= netlink_attach,
	.so_close	= netlink_close,
	.so_free	= netlink_free,
	.so_bind	= netlink_bind,
	.so_connect	= netlink_connect,
	.so_name	= netlink_name,
	.so_send	= netlink_send,
	.so_recv	= netlink_recv,
	.so_setopt	= netlink_setopt,
	.so_getopt	= netlink_getopt,
	.so_poll	= netlink_poll,
};

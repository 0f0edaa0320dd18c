/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * afpacket_socket.c - the socket itself: what it listens to
 *
 * A new socket with a protocol hears it on all interfaces at once; bind(2) narrows that
 * down to one.  When that goes down the next call says ENETDOWN, when it goes away the
 * socket hears nothing any more until it is bound again.
 *
 * References: packet(7).
 */

#include "afpacket_impl.h"

#include <asm/ioctls.h>
#include <lib/string.h>
#include <linux/capability.h>
#include <linux/sockios.h>
#include <net/netevent.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>

static struct pkns *
pkns_of(const struct netns *ns)
{
	return netns_data(ns, NETNS_SLOT_PACKET);
}

/* --- binding ------------------------------------------------------------------------- */

/* ns_lock held.  The socket listens to nothing. */
static int
listen_to(struct pksock *pk, int ifindex, uint16_t protocol)
{
	struct ifnet *ifp = NULL;
	int error = 0;

	if (ifindex != 0) {
		ifp = if_byindex(pk->pk_so->so_ns, (uint32_t)ifindex);
		if (ifp == NULL)
			return ENODEV;
	}
	__atomic_store_n(&pk->pk_ifindex, ifindex, __ATOMIC_RELAXED);
	__atomic_store_n(&pk->pk_protocol, protocol, __ATOMIC_RELAXED);
	if (protocol == 0)
		return 0;
	error = ifp != NULL ? pktap_attach(pk, ifp) : pktap_attach_all(pk);
	if (error)
		__atomic_store_n(&pk->pk_protocol, 0, __ATOMIC_RELAXED);
	return error;
}

static int
afpacket_attach(struct socket *so, int protocol)
{
	struct pksock *pk;
	int error;

	if (!cred_capable(so->so_cred, CAP_NET_RAW))
		return EPERM;
	pk = kmem_zalloc(sizeof(*pk), KM_SLEEP);
	if (pk == NULL)
		return ENOBUFS;
	pk->pk_so = so;
	list_init(&pk->pk_taps);
	list_init(&pk->pk_members);
	so->so_pcb = pk;
	mutex_enter(&so->so_ns->ns_lock);
	error = listen_to(pk, 0, __builtin_bswap16((uint16_t)protocol));
	if (error == 0)
		list_insert_tail(&pkns_of(so->so_ns)->pn_socks, &pk->pk_link);
	mutex_exit(&so->so_ns->ns_lock);
	if (error) {
		so->so_pcb = NULL;
		kmem_free(pk, sizeof(*pk));
	}
	return error;
}

static void
afpacket_close(struct socket *so)
{
	struct pksock *pk = so->so_pcb;

	mutex_enter(&so->so_ns->ns_lock);
	list_remove(&pk->pk_link);
	pktap_detach_all(pk);
	pkmember_drop_all(pk, NULL);
	mutex_exit(&so->so_ns->ns_lock);
	mutex_enter(&so->so_lock);
	sockbuf_drop(&so->so_rcv);
	mutex_exit(&so->so_lock);
}

static void
afpacket_free(struct socket *so)
{
	if (so->so_pcb != NULL)
		kmem_free(so->so_pcb, sizeof(struct pksock));
}

static int
afpacket_bind(struct socket *so, const struct sockaddr *sa, socklen_t len)
{
	struct pksock *pk = so->so_pcb;
	struct sockaddr_ll ll;
	uint16_t protocol;
	struct ifnet *ifp;
	int error;

	if (len < sizeof(ll))
		return EINVAL;
	memcpy(&ll, sa, sizeof(ll));
	if (ll.sll_family != AF_PACKET)
		return EINVAL;
	protocol = ll.sll_protocol != 0 ? __builtin_bswap16(ll.sll_protocol) :
	    __atomic_load_n(&pk->pk_protocol, __ATOMIC_RELAXED);
	mutex_enter(&so->so_ns->ns_lock);
	ifp = ll.sll_ifindex > 0 ? if_byindex(so->so_ns, (uint32_t)ll.sll_ifindex) : NULL;
	if (ll.sll_ifindex != 0 && ifp == NULL) {
		error = ENODEV;
	} else {
		pktap_detach_all(pk);
		error = listen_to(pk, ll.sll_ifindex, protocol);
	}
	if (error == 0 && ifp != NULL && (ifp->if_flags & IFF_UP) == 0) {
		mutex_enter(&so->so_lock);
		socket_seterror(so, ENETDOWN);
		mutex_exit(&so->so_lock);
	}
	mutex_exit(&so->so_ns->ns_lock);
	return error;
}

static int
afpacket_name(struct socket *so, bool peer, struct sockaddr_storage *ret_ss, socklen_t *ret_len)
{
	struct pksock *pk = so->so_pcb;
	struct sockaddr_ll ll = { .sll_family = AF_PACKET };
	struct ifnet *ifp;

	if (peer)
		return EOPNOTSUPP;
	mutex_enter(&so->so_ns->ns_lock);
	ll.sll_ifindex = pk->pk_ifindex;
	ll.sll_protocol = __builtin_bswap16(pk->pk_protocol);
	ifp = pk->pk_ifindex > 0 ? if_byindex(so->so_ns, (uint32_t)pk->pk_ifindex) : NULL;
	if (ifp != NULL) {
		ll.sll_hatype = ifp->if_type;
		ll.sll_halen = ifp->if_addrlen < sizeof(ll.sll_addr) ? ifp->if_addrlen :
		    sizeof(ll.sll_addr);
		memcpy(ll.sll_addr, ifp->if_lladdr, ll.sll_halen);
	}
	mutex_exit(&so->so_ns->ns_lock);
	memcpy(ret_ss, &ll, sizeof(ll));
	*ret_len = (socklen_t)(offsetof(struct sockaddr_ll, sll_addr) +
	    (ll.sll_halen > 8 ? ll.sll_halen : 8));
	return 0;
}

static int
afpacket_ioctl(struct socket *so, unsigned long cmd, void *uarg, long *ret)
{
	int value = 0;

	if (cmd != SIOCINQ && cmd != SIOCOUTQ)
		return ENOTTY;
	mutex_enter(&so->so_lock);
	if (cmd == SIOCOUTQ)
		value = (int)so->so_snd.sb_mem;
	else if (so->so_rcv.sb_q.pq_head != NULL)
		value = (int)so->so_rcv.sb_q.pq_head->p_len;
	mutex_exit(&so->so_lock);
	return copyout(&value, uarg, sizeof(value));
}

static uint32_t
afpacket_poll(struct socket *so)
{
	return POLLOUT | POLLWRNORM | (so->so_rcv.sb_q.pq_n > 0 ? POLLIN | POLLRDNORM : 0);
}

const struct sockops afpacket_sockops = {
	.so_attach	= afpacket_attach,
	.so_close	= afpacket_close,
	.so_free	= afpacket_free,
	.so_bind	= afpacket_bind,
	.so_name	= afpacket_name,
	.so_send	= afpacket_send,
	.so_recv	= afpacket_recv,
	.so_setopt	= afpacket_setopt,
	.so_getopt	= afpacket_getopt,
	.so_ioctl	= afpacket_ioctl,
	.so_poll	= afpacket_poll,
};

/* --- interfaces come and go ------------------------------------------------------------- */

static void
fail(struct pksock *pk, int error)
{
	mutex_enter(&pk->pk_so->so_lock);
	socket_seterror(pk->pk_so, error);
	mutex_exit(&pk->pk_so->so_lock);
}

static void
link_gone(struct pksock *pk, struct ifnet *ifp)
{
	struct list_node *n, *next;
	struct pktap *pt;

	LIST_FOREACH_SAFE(n, next, &pk->pk_taps) {
		pt = container_of(n, struct pktap, pt_link);
		if (pt->pt_ifp == ifp)
			pktap_detach(pt);
	}
	pkmember_drop_all(pk, ifp);
	if (pk->pk_ifindex == (int)ifp->if_index) {
		__atomic_store_n(&pk->pk_ifindex, -1, __ATOMIC_RELAXED);
		fail(pk, ENETDOWN);
	}
}

static bool
tapped(const struct pksock *pk, const struct ifnet *ifp)
{
	struct list_node *n;

	LIST_FOREACH(n, &pk->pk_taps) {
		if (container_of(n, struct pktap, pt_link)->pt_ifp == ifp)
			return true;
	}
	return false;
}

static void
link_changed(struct pksock *pk, const struct netevent_info *ne)
{
	struct ifnet *ifp = ne->ne_ifp;

	if (pk->pk_ifindex == 0 && pk->pk_protocol != 0 && !tapped(pk, ifp)) {
		if (pktap_attach(pk, ifp) != 0)
			fail(pk, ENOBUFS);	/* it stays unheard */
	}
	if (pk->pk_ifindex == (int)ifp->if_index && (ne->ne_change & IFF_UP) != 0 &&
	    (ifp->if_flags & IFF_UP) == 0)
		fail(pk, ENETDOWN);
}

static void
afpacket_event(enum netevent ev, const struct netevent_info *ne)
{
	struct list_node *n;
	struct pkns *pn;

	/* Carrier changes come without ns_lock, and are nothing to us. */
	if ((ev != NETEVENT_LINK_NEW && ev != NETEVENT_LINK_DEL) ||
	    !mutex_owned(&ne->ne_ns->ns_lock))
		return;
	pn = pkns_of(ne->ne_ns);
	if (pn == NULL)
		return;
	LIST_FOREACH(n, &pn->pn_socks) {
		struct pksock *pk = container_of(n, struct pksock, pk_link);

		if (ev == NETEVENT_LINK_DEL)
			link_gone(pk, ne->ne_ifp);
		else
			link_changed(pk, ne);
	}
}

/* --- start ---------------------------------------------------------------------------------- */

static int
pkns_init(struct netns *ns, void **ret_data)
{
	struct pkns *pn = kmem_zalloc(sizeof(*pn), KM_SLEEP);

	if (pn == NULL)
		return ENOMEM;
	list_init(&pn->pn_socks);
	*ret_data = pn;
	return 0;
}

static void
pkns_fini(struct netns *ns, void *data)
{
	kmem_free(data, sizeof(struct pkns));
}

static struct netns_ops pkns_ops = {
	.no_slot	= NETNS_SLOT_PACKET,
	.no_name	= "packet",
	.no_init	= pkns_init,
	.no_fini	= pkns_fini,
};

static struct netevent_listener listener = { .nl_event = afpacket_event };

int
afpacket_init(void)
{
	int error = netns_register(&pkns_ops);

	if (error == 0)
		netevent_listen(&listener);
	return error;
}

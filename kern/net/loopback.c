/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * loopback.c - lo, the interface that leads back
 *
 * What is sent is received: the same packet, with the same blocks, goes to
 * if_input() at once.  Nothing is summed or cut, since nothing can happen to
 * it on the way.  It has an Ethernet header of zeroes, as Linux's, for the sake
 * of those who capture.
 *
 * Life cycle: one a name space, made when that is and gone with it.
 */

#include <net/ifnet.h>

#include <linux/if_arp.h>
#include <linux/if_ether.h>

#include "net_impl.h"

#define LO_MTU		65536

/*
 * The sender's account is credited here, or a socket could wait for
 * itself: what lies in a receive queue counts there.
 */
static void
lo_turn(struct packet *p)
{
	if (p->p_destroy != NULL) {
		p->p_destroy(p);
		p->p_destroy = NULL;
		p->p_owner = NULL;
	}
	p->p_mark = 0;
	p->p_prio = 0;
}

static void
lo_xmit(struct ifnet *ifp, struct packetq *q)
{
	for (struct packet *p = q->pq_head; p != NULL; p = p->p_next)
		lo_turn(p);
	if_input(ifp, q);
}

static const struct if_ops lo_ops = {
	.ifo_xmit	= lo_xmit,
	.ifo_kind	= "loopback",
};

int
if_loopback_create(struct netns *ns, struct ifnet **ret_ifp)
{
	struct ifnet *ifp;
	int error;

	error = if_alloc("lo", &lo_ops, NULL, &ifp);
	if (error)
		return error;
	ifp->if_type = ARPHRD_LOOPBACK;
	ifp->if_hdrlen = ETH_HLEN;
	ifp->if_addrlen = ETH_ALEN;
	ifp->if_mtu = LO_MTU;
	ifp->if_flags = IFF_LOOPBACK;
	ifp->if_hwcaps = ifp->if_caps = IFCAP_TXCSUM | IFCAP_RXCSUM | IFCAP_GSO |
	    IFCAP_FRAGS | IFCAP_LOCAL;
	error = if_attach(ns, ifp);
	if (error) {
		if_rele(ifp);
		return error;
	}
	*ret_ifp = ifp;
	return 0;
}

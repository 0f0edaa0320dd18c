/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * udp_impl.h - UDP, shared by its files
 */

#ifndef UDP_IMPL_H
#define UDP_IMPL_H

#include <linux/udp.h>
#include <net/inet.h>
#include <net/netns.h>

#include "inet_dgram.h"

#define UDP_HDRLEN	8
#define UDP_MAXSEGS	128		/* datagrams of one UDP_SEGMENT send */

/* Field key: s so_lock */
struct udpcb {
	struct dgram_pcb u_dgram;	/* first */
	/* A datagram that grows by UDP_CORK or MSG_MORE. */
	struct packet	*u_pending;	/* s */
	struct dgram_dest u_dest;	/* s: of u_pending */
	uint16_t	 u_pending_gso;	/* s */
	bool		 u_cork;	/* s */
	bool		 u_gro;		/* s */
	bool		 u_nocheck_tx, u_nocheck_rx;	/* s: IPv6 without checksums, RFC 6936 */
	uint16_t	 u_gso;		/* s: UDP_SEGMENT; 0: off */
};

/* In p_cb of queued datagrams. */
struct udp_cb {
	struct inet_rx	 uc_rx;
	uint16_t	 uc_sport;
	uint16_t	 uc_gso;	/* of a merged train: size of each */
};
_Static_assert(sizeof(struct udp_cb) <= PKT_CB, "fits the packet's scratch");
#define UDP_CB(p)	((struct udp_cb *)(uintptr_t)(p)->p_cb)

static inline struct inpcbtable *
udp_table(const struct netns *ns)
{
	return netns_data(ns, NETNS_SLOT_UDP);
}

int	udp_init(void);
int	udp_send(struct socket *so, struct sockmsg *sm, size_t *ret_done);
void	udp_flush(struct socket *so, struct sockbatch *sx);
/* Sends what UDP_CORK held back.  so_lock not held. */
int	udp_push(struct socket *so);
void	udp_pending_drop(struct udpcb *u);
extern const struct inet_proto udp_proto;

#endif /* UDP_IMPL_H */

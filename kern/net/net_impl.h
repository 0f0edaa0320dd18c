/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_impl.h - what the files of the net faction tell each other
 */

#ifndef NET_IMPL_H
#define NET_IMPL_H

#include <net/ifnet.h>
#include <net/netns.h>
#include <net/packet.h>

/* packet.c, pktbuf.c: packets can be made afterwards. */
int	packet_boot(void);
void	pktbuf_boot(void);

/* Did pktbuf_alloc() make it? */
bool	pktbuf_isown(const struct pktbuf *pb);

/*
 * The one's complement sum of len bytes, as of words in the machine's own
 * order, folded to 16 bits (RFC 1071 section 2 (B)).
 */
uint32_t sum_bytes(const void *data, size_t len);

/* socket.c: sockets can be made, and protocols register. */
int	socket_boot(void);

/* netns.c: netns0 exists afterwards. */
int	netns_boot(void);

/*
 * ifdrive.c: for if_attach() and if_detach() of interfaces with ifo_poll.
 * Detaching comes after ifo_down and waits until nobody drives it.
 */
int	ifdrive_attach(struct ifnet *ifp);	/* ns_lock held; ENOMEM, EAGAIN, ENOSPC */
void	ifdrive_detach(struct ifnet *ifp);	/* ns_lock not held; may sleep */
void	ifdrive_netns_free(struct netns *ns);
void	ifdrive_boot(void);

#endif /* NET_IMPL_H */

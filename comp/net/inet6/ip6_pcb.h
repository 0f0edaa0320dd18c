/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_pcb.h - what IPv6 keeps of a socket beyond struct inpcb's fields
 */

#ifndef INET6_IP6_PCB_H
#define INET6_IP6_PCB_H

#include "ip6_impl.h"

#include <linux/ipv6.h>

enum { STICKY_HOP, STICKY_DST1, STICKY_ROUTING, STICKY_DST, STICKY_N };

/* Bytes of headers in front of each packet: what there is room for. */
#define IP6_STICKY_MAX	INET_OPTIONS_MAX

/* Headers to put in front of each packet, as they go: immutable, freed by qsbr. */
struct ip6_block {
	uint16_t	 b_len;
	uint8_t		 b_first;	/* type of the first header */
	uint16_t	 b_part[STICKY_N];	/* length of each; 0: not there */
	struct qsbr_head b_qsbr;
	uint8_t		 b_data[IP6_STICKY_MAX];
};

/* inp_options6.  All of it: so_lock; p_block is read lock-free by packets on their way. */
struct ip6_pcb {
	struct ip6_block *p_block;
	uint32_t	 p_prefs;	/* IPV6_PREFER_SRC_* */
	uint32_t	 p_mtu;		/* IPV6_MTU; 0: the path's */
	uint32_t	 p_oif;		/* sticky IPV6_PKTINFO */
	struct inaddr	 p_src;
	uint8_t		 p_dontfrag, p_mcall, p_autolabel, p_sendflow;
	struct qsbr_head p_qsbr;
};

/* so_lock held.  NULL: no memory. */
struct ip6_pcb *ip6_pcb_get(struct inpcb *inp);

/* so_lock held. */
int	ip6_sticky_set(struct inpcb *inp, int name, const void *val, socklen_t len);
int	ip6_sticky_get(struct inpcb *inp, int name, void *val, socklen_t *len);

void	ip6_pcb_free(struct inpcb *inp);

#endif /* INET6_IP6_PCB_H */

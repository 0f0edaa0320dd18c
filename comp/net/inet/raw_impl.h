/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * raw_impl.h - raw and ping sockets
 */

#ifndef RAW_IMPL_H
#define RAW_IMPL_H

#include <net/inet.h>

#include "inet_dgram.h"

#define ICMP_FILTER_WORDS 8

/* Field key: s so_lock, l rn_lock to change and read lock-free, c constant */
struct rawcb {
	struct dgram_pcb r_dgram;	/* first */
	struct rawcb	*r_next;	/* l */
	bool		 r_listed;	/* l */
	bool		 r_bound;	/* s: to an address, which connect(2) leaves alone */
	uint32_t	 r_filter[ICMP_FILTER_WORDS];	/* a: ICMP types to drop: a bit each */
	int		 r_csumoff;	/* s: IPV6_CHECKSUM; -1: off */
};

struct raw_ns {
	kmutex_t	 rn_lock;
	struct rawcb	*rn_first;	/* l */
};

static inline struct raw_ns *
raw_of(const struct netns *ns)
{
	return netns_data(ns, NETNS_SLOT_RAW);
}

int	inet_raw_init(void);
int	ping_init(void);

/* raw_input.c */

#endif /* RAW_IMPL_H */

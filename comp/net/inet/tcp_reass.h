/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_reass.h - segments that came before their turn
 *
 * The queue is an array of ranges, disjoint and in order, none touching the
 * next; each is a chain of packets whose payload is contiguous.  p_data of a
 * packet stands at its payload.
 *
 * Pure but for the memory of the array.
 */

#ifndef TCP_REASS_H
#define TCP_REASS_H

#include <net/packet.h>

#include "tcp_wire.h"

struct tcp_range {
	uint32_t	 tr_seq, tr_end;
	struct packetq	 tr_q;
};

struct tcp_reass {
	struct tcp_range *re_range;	/* NULL while there is nothing */
	uint32_t	 re_n, re_size;
	uint32_t	 re_mem;	/* sum of p_truesize */
};

void	reass_init(struct tcp_reass *re);
void	reass_fini(struct tcp_reass *re);	/* drops what is there */
/*
 * Takes over p, whose payload begins at seq and is not empty.  *ret_dup: the
 * first stretch of it that we had already (RFC 2883); empty if none.
 * *ret_block: the range it is in now.  ENOMEM: it was dropped.
 */
int	reass_put(struct tcp_reass *re, uint32_t seq, struct packet *p,
	    struct sackblk *ret_dup, struct sackblk *ret_block);
/*
 * All that is in order behind nxt, appended to q: returns its octets.
 */
uint32_t reass_get(struct tcp_reass *re, uint32_t nxt, struct packetq *q);
/* Drops the range farthest ahead; returns the memory that held. */
uint32_t reass_prune(struct tcp_reass *re);
bool	reass_ok(const struct tcp_reass *re);

static inline bool
reass_empty(const struct tcp_reass *re)
{
	return re->re_n == 0;
}

#endif /* TCP_REASS_H */

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * if_gro.c - trains of segments become one on the way up
 *
 * What a peer sent as one large segment, and a link carried as many frames, is
 * joined again before it goes through the stack.  The protocol says
 * whether a packet continues the one before; here it is only offered.  A
 * packet is offered to the last one before it alone, so that nothing
 * overtakes anything.
 */

#include <net/ifnet.h>

#include "net_impl.h"

void
gro_merge(const struct l3proto *l3, struct packetq *q)
{
	struct packetq out = PACKETQ_INITIALIZER;
	struct packet *p;

	while ((p = packetq_get(q)) != NULL) {
		if (out.pq_tail == NULL || !l3->l3_merge(out.pq_tail, p))
			packetq_put(&out, p);
	}
	*q = out;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * neigh_output.c - sending to a neighbour
 *
 * The header is ready-made, two words that are read without a lock: a counter
 * says whether they changed meanwhile.  Whether they may be used at all
 * is one more word; if not, the states decide (neigh_state.c).
 */

#include "neigh_impl.h"

#include <linux/if_ether.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/atomic.h>

void
neigh_hdr_read(struct neigh *n, uint64_t hdr[2])
{
	uint32_t seq;

	do {
		while (unlikely(((seq = atomic_load_acq(&n->n_seq)) & 1) != 0))
			cpu_relax();
		hdr[0] = atomic_load_acq(&n->n_hdr[0]);
		hdr[1] = atomic_load_acq(&n->n_hdr[1]);
	} while (unlikely(atomic_load(&n->n_seq) != seq));
}

static void __noinline
no_room(struct neigh *n, struct packet *p)
{
	struct if_counters *ic = if_counters_self(n->n_ifp);

	atomic_store(&ic->ic_tx_dropped, ic->ic_tx_dropped + 1);
	packet_free(p);
}

/* The version of IP says the type: IPv4 may go to a neighbour of IPv6 (RFC 5549). */
bool
neigh_header(struct neigh *n, struct packet *p, const uint64_t hdr[2])
{
	uint16_t type = p->p_data[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
	uint8_t *h;

	p->p_ethertype = type;
	if (n->n_ifp->if_hdrlen == 0)
		return true;
	if (unlikely(packet_headroom(p) < ETH_HLEN)) {
		no_room(n, p);
		return false;
	}
	h = packet_push(p, ETH_HLEN);
	memcpy(h, hdr, 2 * ETH_ALEN);
	be16_put(h + 2 * ETH_ALEN, type);
	return true;
}

static void __noinline
output_slow(struct neigh *n, struct packetq *q)
{
	struct neigh_todo nt;
	struct packet *p;

	neigh_todo_init(&nt);
	mutex_enter(&n->n_lock);
	while ((p = packetq_get(q)) != NULL)
		neigh_want_locked(n, p, &nt);
	mutex_exit(&n->n_lock);
	neigh_todo_run(n, &nt);
}

void
neigh_output(struct neigh *n, struct packetq *q)
{
	struct packetq out = PACKETQ_INITIALIZER;
	struct packet *p;
	uint64_t hdr[2];

	if (atomic_load(&n->n_touched) == 0)
		atomic_store(&n->n_touched, 1);
	if (unlikely(atomic_load_acq(&n->n_ready) == 0)) {
		output_slow(n, q);
		return;
	}
	neigh_hdr_read(n, hdr);
	while ((p = packetq_get(q)) != NULL) {
		if (likely(neigh_header(n, p, hdr)))
			packetq_put(&out, p);
	}
	if (out.pq_head != NULL)
		if_transmit(n->n_ifp, &out);
}

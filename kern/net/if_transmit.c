/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * if_transmit.c - the way down from the stack to a driver
 *
 *	if_transmit()		taps see it
 *	  link conditions	lose, delay, reorder it, if there are any
 *	if_transmit_past()	what the driver cannot do is done here: tags,
 *				segments, checksums, one piece
 *	ifo_xmit()
 *
 * A queue in which the driver can do everything, the common case, is only
 * looked through.  Counters are added up for the queue, then once for the
 * seat.
 */

#include <net/ifnet.h>

#include <sys/atomic.h>
#include <sys/errno.h>

#include "net_impl.h"

/* --- what the driver lacks ------------------------------------------------------- */

static const uint32_t gso_caps[] = {
	[PKT_GSO_NONE] = 0, [PKT_GSO_TCP4] = IFCAP_TSO4,
	[PKT_GSO_TCP6] = IFCAP_TSO6, [PKT_GSO_UDP] = IFCAP_USO,
};

/* What the driver must be able to do for p. */
static uint32_t
packet_caps(const struct packet *p)
{
	uint32_t need = gso_caps[p->p_gso];

	if (p->p_csum == PKT_CSUM_PARTIAL)
		need |= IFCAP_TXCSUM;
	if (p->p_nfrags > 0)
		need |= IFCAP_FRAGS;
	return need;
}

/* Makes a packet that is not to be cut (any more) what caps can take. */
static int
packet_fit(struct packet *p, uint32_t caps)
{
	uint32_t lack = packet_caps(p) & ~caps;
	int error = 0;

	if ((lack & IFCAP_TXCSUM) != 0)
		error = packet_csum_fill(p);
	if (error == 0 && (lack & IFCAP_FRAGS) != 0)
		error = packet_pullup(p, p->p_len);
	return error;
}

static void
queue_fit(struct packetq *from, struct packetq *to, uint32_t caps, unsigned int *drops)
{
	struct packet *p;

	while ((p = packetq_get(from)) != NULL) {
		if (packet_fit(p, caps) == 0) {
			packetq_put(to, p);
		} else {
			packet_free(p);
			(*drops)++;
		}
	}
}

/* One packet, consumed; what becomes of it is appended to to. */
static void
packet_prepare(struct packet *p, uint32_t caps, struct packetq *to, unsigned int *drops)
{
	struct packetq pieces = PACKETQ_INITIALIZER;

	if ((p->p_flags & PKT_F_VLAN) != 0 && ether_tag(p) != 0) {
		packet_free(p);
		(*drops)++;
		return;
	}
	if ((gso_caps[p->p_gso] & ~caps) != 0) {
		if (packet_segment(p, &pieces) != 0)
			(*drops)++;
	} else {
		packetq_put(&pieces, p);
	}
	queue_fit(&pieces, to, caps, drops);
}

static bool
queue_fits(const struct packetq *q, uint32_t caps)
{
	for (const struct packet *p = q->pq_head; p != NULL; p = p->p_next) {
		if ((packet_caps(p) & ~caps) != 0 || (p->p_flags & PKT_F_VLAN) != 0)
			return false;
	}
	return true;
}

/* --- the way ----------------------------------------------------------------------- */

static void
count_out(struct ifnet *ifp, const struct packetq *q, unsigned int drops)
{
	struct if_counters *ic = if_counters_self(ifp);
	uint64_t packets = 0, bytes = 0;

	for (const struct packet *p = q->pq_head; p != NULL; p = p->p_next) {
		packets += p->p_gso_segs > 1 ? p->p_gso_segs : 1;
		bytes += p->p_len;
	}
	atomic_store(&ic->ic_tx_packets, ic->ic_tx_packets + packets);
	atomic_store(&ic->ic_tx_bytes, ic->ic_tx_bytes + bytes);
	if (drops > 0)
		atomic_store(&ic->ic_tx_dropped, ic->ic_tx_dropped + drops);
}

void
if_transmit_past(struct ifnet *ifp, struct packetq *q)
{
	uint32_t caps = atomic_load(&ifp->if_caps);
	struct packetq ready = PACKETQ_INITIALIZER;
	unsigned int drops = 0;
	struct packet *p;

	if (unlikely(!if_running(ifp))) {
		drops = q->pq_n;
		packetq_drop(q);
	}
	if (unlikely(!queue_fits(q, caps))) {
		while ((p = packetq_get(q)) != NULL)
			packet_prepare(p, caps, &ready, &drops);
		packetq_join(q, &ready);
	}
	count_out(ifp, q, drops);
	if (q->pq_head != NULL)
		ifp->if_ops->ifo_xmit(ifp, q);
}

/* Somebody listens, or the link has conditions. */
static void __noinline
transmit_guarded(struct ifnet *ifp, struct packetq *q)
{
	unsigned int which = ifguard_enter(ifp, IFGUARD_TAPS);
	struct linkcond *lc = atomic_load_acq(&ifp->if_cond);

	if (if_running(ifp)) {
		for (const struct packet *p = q->pq_head; p != NULL; p = p->p_next)
			iftap_show(ifp, p, true);
	}
	if (lc != NULL)
		lc->lc_transmit(lc, ifp, q);
	ifguard_exit(ifp, IFGUARD_TAPS, which);
	if (lc == NULL)
		if_transmit_past(ifp, q);
}

void
if_transmit(struct ifnet *ifp, struct packetq *q)
{
	for (struct packet *p = q->pq_head; p != NULL; p = p->p_next)
		p->p_l2 = packet_offset(p);
	if (unlikely(atomic_load(&ifp->if_taps) != NULL ||
	    atomic_load(&ifp->if_cond) != NULL))
		transmit_guarded(ifp, q);
	else
		if_transmit_past(ifp, q);
}

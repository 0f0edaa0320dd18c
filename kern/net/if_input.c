/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * if_input.c - the way up from a driver to the protocols
 *
 * A batch of frames of one interface loses its L2 headers, is cut into runs
 * of one ethertype, merged (if_gro.c), and handed to the protocol.
 *
 * The stack runs to completion on the thread that found the frames, and may
 * transmit meanwhile; on lo and wire that leads here again.  Such frames
 * only join a queue that the outermost call works off, so that the depth of the
 * stack does not depend on what the peer sends.
 *
 * An interface that is detached waits for input that is under way.
 *
 * Who calls if_input() keeps its interface alive.  Frames that are queued for
 * later hold it: one reference for each run of frames of the same interface.
 */

#include <net/ifnet.h>

#include <linux/if_ether.h>
#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/kassert.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include "net_impl.h"

#define PROTOS_MAX	16
#define VLAN_VID(tag)	((tag) & 0xfff)

static struct l3proto *protos[PROTOS_MAX];	/* read lock-free */
static unsigned int nprotos;			/* a */
static kmutex_t protos_lock = { .m_name = "l3proto" };

void
l3proto_register(struct l3proto *l3)
{
	mutex_enter(&protos_lock);
	KASSERT(nprotos < PROTOS_MAX);
	protos[nprotos] = l3;
	atomic_store_rel(&nprotos, nprotos + 1);
	mutex_exit(&protos_lock);
}

const struct l3proto *
l3proto_find(uint16_t ethertype)
{
	unsigned int n = atomic_load_acq(&nprotos);

	for (unsigned int i = 0; i < n; i++) {
		if (protos[i]->l3_ethertype == ethertype)
			return protos[i];
	}
	return NULL;
}

/* --- L2 -------------------------------------------------------------------------- */

static uint8_t
ether_type(const struct ifnet *ifp, const uint8_t *dst)
{
	if ((dst[0] & 1) != 0)
		return memcmp(dst, ifp->if_broadcast, ETH_ALEN) == 0 ?
		    PKT_BROADCAST : PKT_MULTICAST;
	return memcmp(dst, ifp->if_lladdr, ETH_ALEN) == 0 ? PKT_HOST :
	    PKT_OTHERHOST;
}

/* Looks at the header and leaves it where it is.  False: it is none. */
static bool
l2_parse(const struct ifnet *ifp, struct packet *p)
{
	p->p_l2 = packet_offset(p);
	if (ifp->if_hdrlen != ETH_HLEN) {
		/* Without a header the version of IP says it. */
		if (packet_pullup(p, 1) != 0)
			return false;
		p->p_type = PKT_HOST;
		p->p_ethertype = p->p_data[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
		return true;
	}
	if (packet_pullup(p, ETH_HLEN) != 0)
		return false;
	p->p_l2 = packet_offset(p);
	p->p_type = ether_type(ifp, p->p_data);
	p->p_ethertype = be16_get(p->p_data + 2 * ETH_ALEN);
	if (unlikely((p->p_ethertype == ETH_P_8021Q || p->p_ethertype == ETH_P_8021AD) &&
	    (p->p_flags & PKT_F_VLAN) == 0))
		return ether_untag(p) == 0;
	return true;
}

/* Taps and the hook; true: the hook took it. */
static bool __noinline
show_and_hook(struct ifnet *ifp, struct packet *p)
{
	unsigned int which = ifguard_enter(ifp, IFGUARD_TAPS);
	bool (*hook)(struct ifnet *, struct packet *);
	bool taken;

	iftap_show(ifp, p, false);
	hook = atomic_load_acq(&ifp->if_rxhook);
	taken = hook != NULL && hook(ifp, p);
	ifguard_exit(ifp, IFGUARD_TAPS, which);
	return taken;
}

/*
 * For us?  Frames to others are seen by taps only, frames of a VLAN by its own
 * interface; priority tags (VLAN 0) mean nothing to us.
 */
static bool
l2_wanted(const struct packet *p)
{
	return p->p_type != PKT_OTHERHOST &&
	    ((p->p_flags & PKT_F_VLAN) == 0 || VLAN_VID(p->p_vlan) == 0);
}

/* What became of a batch, to be counted at its end. */
struct tally {
	uint64_t	 ta_packets, ta_bytes, ta_errors, ta_dropped, ta_multicast;
};

/* Consumes p unless it returns true: then p_data is at L3. */
static bool
frame_input(struct ifnet *ifp, struct packet *p, struct tally *ta)
{
	p->p_ifp = ifp;
	p->p_ifindex = ifp->if_index;
	ta->ta_packets += p->p_gso_segs > 1 ? p->p_gso_segs : 1;
	ta->ta_bytes += p->p_len;
	if (!l2_parse(ifp, p)) {
		ta->ta_errors++;
		packet_free(p);
		return false;
	}
	ta->ta_multicast += p->p_type == PKT_MULTICAST;
	if (unlikely(atomic_load(&ifp->if_taps) != NULL ||
	    atomic_load(&ifp->if_rxhook) != NULL) && show_and_hook(ifp, p))
		return false;
	if (unlikely(!l2_wanted(p))) {
		packet_free(p);
		return false;
	}
	(void)packet_pull(p, ifp->if_hdrlen);
	p->p_l3 = packet_offset(p);
	return true;
}

/* --- batches ----------------------------------------------------------------------- */

static void
run_deliver(struct ifnet *ifp, struct packetq *run, struct tally *ta)
{
	const struct l3proto *l3 = l3proto_find(run->pq_head->p_ethertype);

	if (l3 == NULL) {
		ta->ta_dropped += run->pq_n;
		packetq_drop(run);
		return;
	}
	if (run->pq_n > 1 && l3->l3_merge != NULL)
		gro_merge(l3, run);
	l3->l3_input(ifp, run);
	packetq_init(run);
}

static void
tally_count(struct ifnet *ifp, const struct tally *ta)
{
	struct if_counters *ic = if_counters_self(ifp);

	atomic_store(&ic->ic_rx_packets, ic->ic_rx_packets + ta->ta_packets);
	atomic_store(&ic->ic_rx_bytes, ic->ic_rx_bytes + ta->ta_bytes);
	if (unlikely((ta->ta_errors | ta->ta_dropped | ta->ta_multicast) != 0)) {
		atomic_store(&ic->ic_rx_errors, ic->ic_rx_errors + ta->ta_errors);
		atomic_store(&ic->ic_rx_dropped, ic->ic_rx_dropped + ta->ta_dropped);
		atomic_store(&ic->ic_multicast, ic->ic_multicast + ta->ta_multicast);
	}
}

/* All frames of q are ifp's. */
static void
batch_input(struct ifnet *ifp, struct packetq *q)
{
	struct packetq run = PACKETQ_INITIALIZER;
	unsigned int which = ifguard_enter(ifp, IFGUARD_INPUT);
	struct tally ta = { 0 };
	struct packet *p;

	if (unlikely(!if_running(ifp))) {
		ta.ta_dropped = q->pq_n;
		packetq_drop(q);
	}
	while ((p = packetq_get(q)) != NULL) {
		if (!frame_input(ifp, p, &ta))
			continue;
		if (run.pq_head != NULL && run.pq_head->p_ethertype != p->p_ethertype)
			run_deliver(ifp, &run, &ta);
		packetq_put(&run, p);
	}
	if (run.pq_head != NULL)
		run_deliver(ifp, &run, &ta);
	tally_count(ifp, &ta);
	ifguard_exit(ifp, IFGUARD_INPUT, which);
}

/* --- never deeper ------------------------------------------------------------------ */

/* What waits for the outermost call of a thread. */
struct inputq {
	struct packetq	 iq_q;		/* p_ifp says whose */
};

static void
inputq_add(struct inputq *iq, struct ifnet *ifp, struct packetq *q)
{
	if (q->pq_head == NULL)
		return;
	for (struct packet *p = q->pq_head; p != NULL; p = p->p_next)
		p->p_ifp = ifp;
	if (iq->iq_q.pq_head == NULL || iq->iq_q.pq_tail->p_ifp != ifp)
		if_hold(ifp);
	packetq_join(&iq->iq_q, q);
}

/* The frames in front that are of one interface, with its reference. */
static struct ifnet *
inputq_take(struct inputq *iq, struct packetq *batch)
{
	struct ifnet *ifp = iq->iq_q.pq_head->p_ifp;

	packetq_init(batch);
	while (iq->iq_q.pq_head != NULL && iq->iq_q.pq_head->p_ifp == ifp)
		packetq_put(batch, packetq_get(&iq->iq_q));
	return ifp;
}

static void
inputq_run(struct inputq *iq)
{
	struct packetq batch;

	while (iq->iq_q.pq_head != NULL) {
		struct ifnet *ifp = inputq_take(iq, &batch);

		batch_input(ifp, &batch);
		if_rele(ifp);
		if (unlikely(vcpu_wanted()))
			vcpu_yield();
	}
}

void
if_input(struct ifnet *ifp, struct packetq *q)
{
	struct lwp *l = curlwp();
	struct inputq iq = { PACKETQ_INITIALIZER };

	if (l->l_netinput != NULL) {
		inputq_add(l->l_netinput, ifp, q);
		return;
	}
	l->l_netinput = &iq;
	batch_input(ifp, q);
	inputq_run(&iq);
	l->l_netinput = NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * neigh_state.c - what is believed about a neighbour's address
 *
 *	NONE		made, nobody wants it yet
 *	INCOMPLETE	asked by multicast or broadcast; packets wait
 *	REACHABLE	confirmed less than ReachableTime ago
 *	STALE		not known to be wrong; the next packet starts a check
 *	DELAY		that packet has gone; what comes above may confirm
 *	PROBE		asked by unicast
 *	FAILED		nobody answered; the next packet asks again
 *	NOARP, PERMANENT	never asked
 *
 * One timer an entry, armed in INCOMPLETE, REACHABLE, DELAY and PROBE.  Traffic
 * leaves two marks (n_touched, n_confirm) without a lock; they are looked at
 * when the timer comes.
 *
 * Nothing is sent and nobody is told under n_lock: what has to be done is
 * collected in a struct neigh_todo and done afterwards.
 *
 * The timer holds a reference while it is armed.  It may come just when it is
 * armed again; then that time counts, and the reference stays with it.
 *
 * References: RFC 4861 sections 7.2.2, 7.2.5, 7.3.3 and 10; the same for ARP,
 * where RFC 826 leaves the question open.
 */

#include "neigh_impl.h"

#include <lib/string.h>
#include <linux/if_ether.h>
#include <sys/atomic.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/random.h>

#define MSEC		1000000LL
#define DELAY_TIME	(5 * NSEC_PER_SEC)	/* DELAY_FIRST_PROBE_TIME */
#define PROBES_MAX	3		/* MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT */
#define QUEUE_MAX	64		/* packets that wait */

/* --- times ----------------------------------------------------------------------- */

static int64_t
time_of(const struct neigh *n, unsigned int which, const struct netvar *deflt)
{
	unsigned int f = family_index(n->n_family);
	uint32_t ms = atomic_load(&n->n_ifp->if_ndtimes[f][which]);

	if (ms == 0)
		ms = (uint32_t)netvar_get(n->n_ifp->if_ns, &deflt[f]);
	return ms * MSEC;
}

/* Between half and one and a half of the base (RFC 4861 section 6.3.2). */
static int64_t
reachable_time(const struct neigh *n)
{
	int64_t base = time_of(n, 0, neigh_reachable);

	return base / 2 + base * random_below(1024) / 1024;
}

static int64_t
retrans_time(const struct neigh *n)
{
	return time_of(n, 1, neigh_retrans);
}

/* --- the timer ------------------------------------------------------------------- */

static void
timer_arm_locked(struct neigh *n, int64_t after) REQUIRES(n->n_lock)
{
	if (n->n_dead)
		return;
	if (!n->n_armed)
		neigh_hold(n);
	n->n_armed = true;
	if (callout_schedule(&n->n_callout, ktime_deadline(after)) != 0) {
		/* No timer thread could be started: the next packet tries again. */
		n->n_armed = false;
		neigh_rele(n);
	}
}

/* If it is just coming it finds that nothing is to be done. */
static void
timer_stop_locked(struct neigh *n) REQUIRES(n->n_lock)
{
	if (n->n_armed && callout_stop(&n->n_callout)) {
		n->n_armed = false;
		neigh_rele(n);
	}
}

/* --- what is to be done ---------------------------------------------------------- */

void
neigh_todo_init(struct neigh_todo *nt)
{
	nt->nt_solicit = nt->nt_unicast = nt->nt_told = false;
	packetq_init(&nt->nt_send);
	packetq_init(&nt->nt_fail);
}

void
neigh_info_locked(const struct neigh *n, struct neigh_info *ni)
{
	*ni = (struct neigh_info){
		.ni_family = n->n_family, .ni_ifindex = n->n_ifp->if_index,
		.ni_addr = n->n_addr, .ni_addrlen = n->n_addrlen,
		.ni_state = n->n_state, .ni_flags = n->n_flags,
		.ni_probes = n->n_probes, .ni_confirmed = n->n_confirmed,
		.ni_used = n->n_used, .ni_updated = n->n_updated,
	};
	memcpy(ni->ni_lladdr, n->n_lladdr, sizeof(ni->ni_lladdr));
}

static void
tell_locked(struct neigh *n, struct neigh_todo *nt) REQUIRES(n->n_lock)
{
	nt->nt_told = true;
	nt->nt_event = n->n_dead ? NETEVENT_NEIGH_DEL : NETEVENT_NEIGH_NEW;
	neigh_info_locked(n, &nt->nt_info);
}

/* The source of the packet that waits first: ARP and ND may ask in its name. */
static void
source_of(const struct neigh *n, struct inaddr *src)
{
	const struct packet *p = n->n_q.pq_head;
	size_t off = n->n_family == AF_INET6 ? 8 : 12;
	size_t len = family_bits(n->n_family) / 8;

	memset(src, 0, sizeof(*src));
	if (p != NULL && packet_linear(p) >= off + len &&
	    (p->p_data[0] >> 4 == 6) == (n->n_family == AF_INET6))
		memcpy(src, p->p_data + off, len);
}

static void
solicit_locked(struct neigh *n, bool unicast, struct neigh_todo *nt) REQUIRES(n->n_lock)
{
	n->n_probes++;
	nt->nt_solicit = true;
	nt->nt_unicast = unicast;
	source_of(n, &nt->nt_src);
	memcpy(nt->nt_lladdr, n->n_lladdr, sizeof(nt->nt_lladdr));
	timer_arm_locked(n, retrans_time(n));
}

static void
fail_all(struct neigh *n, struct packetq *q)
{
	struct packet *p;

	while ((p = packetq_get(q)) != NULL) {
		if (n->n_nf->nf_unreachable != NULL)
			n->n_nf->nf_unreachable(n->n_ifp, p);
		else
			packet_free(p);
	}
}

void
neigh_todo_run(struct neigh *n, struct neigh_todo *nt)
{
	struct netevent_info ne = {
		.ne_ns = n->n_ifp->if_ns, .ne_ifp = n->n_ifp, .ne_neigh = &nt->nt_info,
	};

	if (nt->nt_told)
		netevent_tell(nt->nt_event, &ne);
	if (nt->nt_solicit && n->n_nf->nf_solicit != NULL)
		n->n_nf->nf_solicit(n->n_ifp, &n->n_addr,
		    nt->nt_unicast ? nt->nt_lladdr : NULL,
		    inaddr_zero(&nt->nt_src) ? NULL : &nt->nt_src);
	if (nt->nt_send.pq_head != NULL)
		if_transmit(n->n_ifp, &nt->nt_send);
	fail_all(n, &nt->nt_fail);
}

/* --- states ---------------------------------------------------------------------- */

void
neigh_setstate_locked(struct neigh *n, uint16_t state, struct neigh_todo *nt)
{
	uint16_t was = n->n_state;
	int64_t now = clock_mono();

	KASSERT((state & NUD_VALID) == 0 || n->n_addrlen != 0 || state == NUD_NOARP);
	n->n_probes = 0;
	n->n_updated = now;
	if ((state & (NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP)) != 0)
		n->n_confirmed = now;
	atomic_store(&n->n_state, state);
	atomic_store(&n->n_confirm, 0);
	/* Only in STALE does sending change anything. */
	atomic_store_rel(&n->n_ready, (state & NUD_VALID & ~NUD_STALE) != 0);
	if (state == NUD_REACHABLE)
		timer_arm_locked(n, reachable_time(n));
	else if (state == NUD_DELAY)
		timer_arm_locked(n, DELAY_TIME);
	else if ((state & (NUD_INCOMPLETE | NUD_PROBE)) == 0)
		timer_stop_locked(n);
	if (was != state)
		tell_locked(n, nt);
}

static void
hdr_write_locked(struct neigh *n) REQUIRES(n->n_lock)
{
	union { uint8_t b[16]; uint64_t w[2]; } h = { { 0 } };
	uint32_t seq = n->n_seq;

	memcpy(h.b, n->n_lladdr, ETH_ALEN);
	memcpy(h.b + ETH_ALEN, n->n_ifp->if_lladdr, ETH_ALEN);
	atomic_store(&n->n_seq, seq + 1);
	atomic_fence_rel();
	atomic_store_rel(&n->n_hdr[0], h.w[0]);
	atomic_store_rel(&n->n_hdr[1], h.w[1]);
	atomic_store_rel(&n->n_seq, seq + 2);
}

void
neigh_setlladdr_locked(struct neigh *n, const uint8_t *lladdr, struct neigh_todo *nt)
{
	uint8_t len = n->n_ifp->if_addrlen;

	memcpy(n->n_lladdr, lladdr, len);
	n->n_addrlen = len;
	hdr_write_locked(n);
	tell_locked(n, nt);
}

/* Oldest first, when too many or too large ones wait (RFC 4861 section 7.2.2). */
static void
queue_put_locked(struct neigh *n, struct packet *p) REQUIRES(n->n_lock)
{
	size_t most = (size_t)netvar_get(n->n_ifp->if_ns,
	    &neigh_qbytes[family_index(n->n_family)]);

	if (packet_own(p, KM_NOSLEEP) != 0) {
		packet_free(p);
		return;
	}
	packetq_put(&n->n_q, p);
	n->n_qbytes += p->p_truesize;
	while (n->n_q.pq_n > 1 && (n->n_q.pq_n > QUEUE_MAX || n->n_qbytes > most)) {
		struct packet *old = packetq_get(&n->n_q);

		n->n_qbytes -= old->p_truesize;
		packet_free(old);
	}
}

void
neigh_want_locked(struct neigh *n, struct packet *p, struct neigh_todo *nt)
{
	if (n->n_dead) {
		packetq_put(&nt->nt_fail, p);
		return;
	}
	if ((n->n_state & NUD_VALID) != 0) {
		uint64_t hdr[2];

		if (n->n_state == NUD_STALE)
			neigh_setstate_locked(n, NUD_DELAY, nt);
		neigh_hdr_read(n, hdr);
		if (neigh_header(n, p, hdr))
			packetq_put(&nt->nt_send, p);
		return;
	}
	queue_put_locked(n, p);
	if (n->n_state != NUD_INCOMPLETE) {
		neigh_setstate_locked(n, NUD_INCOMPLETE, nt);
		solicit_locked(n, false, nt);
	}
}

void
neigh_release_locked(struct neigh *n, struct neigh_todo *nt)
{
	struct packet *p;
	uint64_t hdr[2];

	neigh_hdr_read(n, hdr);
	while ((p = packetq_get(&n->n_q)) != NULL) {
		if (neigh_header(n, p, hdr))
			packetq_put(&nt->nt_send, p);
	}
	n->n_qbytes = 0;
}

static void
fail_locked(struct neigh *n, struct neigh_todo *nt) REQUIRES(n->n_lock)
{
	packetq_join(&nt->nt_fail, &n->n_q);
	n->n_qbytes = 0;
	neigh_setstate_locked(n, NUD_FAILED, nt);
}

/* --- time passes ----------------------------------------------------------------- */

/* Sent to since the last look: somebody still cares. */
static void
touched_note_locked(struct neigh *n) REQUIRES(n->n_lock)
{
	if (__atomic_exchange_n(&n->n_touched, 0, __ATOMIC_RELAXED) != 0)
		n->n_used = clock_mono();
}

static void
expire_locked(struct neigh *n, struct neigh_todo *nt) REQUIRES(n->n_lock)
{
	bool confirmed = atomic_load(&n->n_confirm) != 0;

	switch (n->n_state) {
	case NUD_INCOMPLETE:
		if (n->n_probes < PROBES_MAX)
			solicit_locked(n, false, nt);
		else
			fail_locked(n, nt);
		break;
	case NUD_REACHABLE:
		neigh_setstate_locked(n, confirmed ? NUD_REACHABLE : NUD_STALE, nt);
		break;
	case NUD_DELAY:
		neigh_setstate_locked(n, confirmed ? NUD_REACHABLE : NUD_PROBE, nt);
		if (!confirmed)
			solicit_locked(n, true, nt);
		break;
	case NUD_PROBE:
		if (confirmed)
			neigh_setstate_locked(n, NUD_REACHABLE, nt);
		else if (n->n_probes < PROBES_MAX)
			solicit_locked(n, true, nt);
		else
			fail_locked(n, nt);
		break;
	default:
		break;
	}
}

void
neigh_timer(void *arg)
{
	struct neigh *n = arg;
	struct neigh_todo nt;

	neigh_todo_init(&nt);
	mutex_enter(&n->n_lock);
	if (atomic_load_acq(&n->n_callout.c_pending) != 0) {
		/* Armed again meanwhile, and the reference is that one's. */
		mutex_exit(&n->n_lock);
		return;
	}
	n->n_armed = false;
	if (!n->n_dead) {
		touched_note_locked(n);
		expire_locked(n, &nt);
	}
	mutex_exit(&n->n_lock);
	neigh_todo_run(n, &nt);
	neigh_rele(n);
}

void
neigh_kill(struct neigh *n)
{
	struct neigh_todo nt;

	neigh_todo_init(&nt);
	mutex_enter(&n->n_lock);
	n->n_dead = true;
	atomic_store(&n->n_ready, 0);
	timer_stop_locked(n);
	packetq_drop(&n->n_q);
	n->n_qbytes = 0;
	atomic_store(&n->n_state, NUD_FAILED);
	tell_locked(n, &nt);
	mutex_exit(&n->n_lock);
	neigh_todo_run(n, &nt);
	neigh_rele(n);
}

/* --- evidence -------------------------------------------------------------------- */

void
neigh_confirm(struct neigh *n)
{
	struct neigh_todo nt;
	uint16_t state = atomic_load(&n->n_state);

	if (atomic_load(&n->n_confirm) == 0)
		atomic_store(&n->n_confirm, 1);
	if (likely((state & (NUD_STALE | NUD_DELAY | NUD_PROBE)) == 0))
		return;
	neigh_todo_init(&nt);
	mutex_enter(&n->n_lock);
	if (!n->n_dead && (n->n_state & (NUD_STALE | NUD_DELAY | NUD_PROBE)) != 0)
		neigh_setstate_locked(n, NUD_REACHABLE, &nt);
	mutex_exit(&n->n_lock);
	neigh_todo_run(n, &nt);
}

static void
learn_router_locked(struct neigh *n, unsigned int flags) REQUIRES(n->n_lock)
{
	if ((flags & NEIGH_ROUTER) != 0)
		n->n_flags |= NTF_ROUTER;
	if ((flags & NEIGH_NOTROUTER) != 0)
		n->n_flags &= (uint8_t)~NTF_ROUTER;
}

/* RFC 4861 section 7.2.5, for an entry whose address is known. */
static void
learn_known_locked(struct neigh *n, const uint8_t *lladdr, unsigned int flags,
    struct neigh_todo *nt) REQUIRES(n->n_lock)
{
	bool differs = lladdr != NULL && memcmp(lladdr, n->n_lladdr, n->n_addrlen) != 0;

	if (differs && (flags & NEIGH_OVERRIDE) == 0) {
		if (n->n_state == NUD_REACHABLE)
			neigh_setstate_locked(n, NUD_STALE, nt);
		return;
	}
	if (differs)
		neigh_setlladdr_locked(n, lladdr, nt);
	if ((flags & NEIGH_REACHABLE) != 0)
		neigh_setstate_locked(n, NUD_REACHABLE, nt);
	else if (differs)
		neigh_setstate_locked(n, NUD_STALE, nt);
}

static void
learn_locked(struct neigh *n, const uint8_t *lladdr, unsigned int flags,
    struct neigh_todo *nt) REQUIRES(n->n_lock)
{
	if (n->n_dead || (n->n_state & (NUD_PERMANENT | NUD_NOARP)) != 0)
		return;
	if ((n->n_state & NUD_VALID) != 0) {
		learn_router_locked(n, flags);
		learn_known_locked(n, lladdr, flags, nt);
	} else if (lladdr != NULL) {
		learn_router_locked(n, flags);
		neigh_setlladdr_locked(n, lladdr, nt);
		neigh_setstate_locked(n, (flags & NEIGH_REACHABLE) != 0 ?
		    NUD_REACHABLE : NUD_STALE, nt);
		/* Who waited makes it DELAY, as any packet would. */
		if (n->n_state == NUD_STALE && n->n_q.pq_head != NULL)
			neigh_setstate_locked(n, NUD_DELAY, nt);
		neigh_release_locked(n, nt);
	}
}

void
neigh_learn(struct ifnet *ifp, int family, const struct inaddr *addr,
    const uint8_t *lladdr, unsigned int flags)
{
	struct neigh_todo nt;
	struct neigh *n;

	n = (flags & NEIGH_CREATE) != 0 && lladdr != NULL ?
	    neigh_get(ifp, family, addr) : neigh_find(ifp, family, addr);
	if (n == NULL)
		return;
	neigh_todo_init(&nt);
	mutex_enter(&n->n_lock);
	learn_locked(n, lladdr, flags, &nt);
	mutex_exit(&n->n_lock);
	neigh_todo_run(n, &nt);
	neigh_rele(n);
}

/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmif_io.c - packets to and from the bus, and sleeping on it
 *
 * Out: pieces of a packet are copied into a buffer of ours.  Without a buffer
 * packets wait in the backlog, in order: the one who drives the interface is
 * woken when a buffer comes back.  So a fast sender waits for its receiver
 * instead of losing frames to it.
 *
 * NEEDSWORK: packets for others wait behind those for a receiver that reads slowly
 * but does read; a queue a receiver would be needed.
 *
 * In: headers and small frames are copied, once, because their sender may
 * write over them while they are looked at.  Of large frames the rest stays
 * where it is, in a block that goes back to the sender when the packet is
 * freed, except if he runs short of buffers: then it is copied.
 */

#include <lib/string.h>
#include <net/vnethdr.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>

#include "host/shmbus_host.h"
#include "shmif_impl.h"

/* Frames of less are copied: that is quicker than giving the buffer back later. */
#define HOLD_MIN	4096

/* Times that a packet may be refused though there was room. */
#define REFUSED_MAX	8

static void
count(uint64_t *counter)
{
	atomic_store(counter, *counter + 1);
}

/* --- out ------------------------------------------------------------------- */

static void
meta_make(const struct packet *p, struct shmbus_meta *sm)
{
	struct virtio_net_hdr vh;

	vnethdr_make(p, &vh);
	sm->sm_len = p->p_len;
	sm->sm_flags = vh.flags;
	sm->sm_gso_type = vh.gso_type;
	sm->sm_hdr_len = vh.hdr_len;
	sm->sm_gso_size = vh.gso_size;
	sm->sm_csum_start = vh.csum_start;
	sm->sm_csum_offset = vh.csum_offset;
}

/* The packet stays the caller's. */
static int
send_packet(struct shmif_port *sp, const struct packet *p)
{
	struct shmbus_iov iov[1 + PKT_MAXFRAGS];
	struct shmbus_meta sm;

	meta_make(p, &sm);
	iov[0].si_base = p->p_data;
	iov[0].si_len = packet_linear(p);
	for (unsigned int i = 0; i < p->p_nfrags; i++) {
		iov[1 + i].si_base = p->p_frag[i].pf_buf->pb_data +
		    p->p_frag[i].pf_off;
		iov[1 + i].si_len = p->p_frag[i].pf_len;
	}
	return shmbus_send(sp->sp_port, &sm, iov, 1 + (size_t)p->p_nfrags);
}

/*
 * As much of the backlog as there are buffers for.  Packets that are done with
 * go to done: freeing them may take locks of others.
 */
static void
backlog_drain_locked(struct shmif *sc, struct shmif_port *sp,
    struct packetq *done) REQUIRES(sc->sc_txlock)
{
	unsigned int refused = 0;
	struct packet *p;

	KASSERT(mutex_owned(&sc->sc_txlock));
	while ((p = sc->sc_backlog.pq_head) != NULL) {
		if (!shmbus_room(sp->sp_port, p->p_len))
			break;
		/* Then shmbus_room() knows who it was for; but others write, too. */
		if (send_packet(sp, p) == ENOBUFS) {
			if (refused++ == REFUSED_MAX)
				break;
			continue;
		}
		packetq_put(done, packetq_get(&sc->sc_backlog));
	}
	atomic_store(&sc->sc_waiting, sc->sc_backlog.pq_head != NULL);
}

static void
xmit_locked(struct shmif *sc, struct shmif_port *sp, struct packet *p,
    struct packetq *done) REQUIRES(sc->sc_txlock)
{
	int error = ENOBUFS;

	if (sp == NULL)
		error = ENETDOWN;
	else if (sc->sc_backlog.pq_head == NULL)
		error = send_packet(sp, p);
	if (error == ENOBUFS && sc->sc_backlog.pq_n < SHMIF_BACKLOG) {
		packetq_put(&sc->sc_backlog, p);
		return;
	}
	if (error != 0)
		count(&if_counters_self(sc->sc_ifp)->ic_tx_dropped);
	packetq_put(done, p);
}

void
shmif_xmit(struct ifnet *ifp, struct packetq *q)
{
	struct packetq done = PACKETQ_INITIALIZER;
	struct shmif *sc = ifp->if_softc;
	struct shmif_port *sp;
	struct packet *p;

	mutex_enter(&sc->sc_txlock);
	sp = atomic_load_acq(&sc->sc_port);
	while ((p = packetq_get(q)) != NULL)
		xmit_locked(sc, sp, p, &done);
	if (sp != NULL) {
		if (sc->sc_backlog.pq_head != NULL)
			backlog_drain_locked(sc, sp, &done);
		shmbus_flush(sp->sp_port);
	}
	mutex_exit(&sc->sc_txlock);
	packetq_drop(&done);
}

/* --- in -------------------------------------------------------------------- */

static void
meta_vnethdr(const struct shmbus_meta *sm, struct virtio_net_hdr *vh)
{
	*vh = (struct virtio_net_hdr){
		.flags = sm->sm_flags, .gso_type = sm->sm_gso_type,
		.hdr_len = sm->sm_hdr_len, .gso_size = sm->sm_gso_size,
		.csum_start = sm->sm_csum_start,
		.csum_offset = sm->sm_csum_offset,
	};
}

/*
 * What follows the linear part: in place or copied.  Takes the frame off the
 * ring either way.
 */
static int
recv_rest(struct shmif_port *sp, const struct shmbus_rx *rx, struct packet *p,
    size_t linear)
{
	size_t rest = rx->sr_meta.sm_len - linear;
	struct pktbuf *pb = NULL;
	int error = 0;

	if (rx->sr_meta.sm_len >= HOLD_MIN && !shmbus_wanted(sp->sp_port, rx))
		pb = shmif_port_block(sp, rx);
	if (pb != NULL) {
		if (!shmbus_hold(sp->sp_port, rx)) {
			shmif_port_unblock(pb);
			return ECONNABORTED;
		}
		return packet_addfrag(p, pb, (uint32_t)linear, (uint32_t)rest);
	}
	if (rest > 0)
		error = packet_appendcopy(p, rx->sr_data + linear, rest, KM_NOSLEEP);
	if (!shmbus_take(sp->sp_port, rx))
		error = ECONNABORTED;
	return error;
}

/* The frame as a packet; NULL if it was dropped and counted. */
static struct packet *
recv_packet(struct shmif *sc, struct shmif_port *sp, const struct shmbus_rx *rx)
{
	struct packet *p = packet_alloc(KM_NOSLEEP);
	struct virtio_net_hdr vh;
	size_t linear;
	int error;

	if (p == NULL) {
		(void)shmbus_take(sp->sp_port, rx);
		count(&if_counters_self(sc->sc_ifp)->ic_rx_dropped);
		return NULL;
	}
	meta_vnethdr(&rx->sr_meta, &vh);
	linear = vnethdr_linear(&vh, rx->sr_meta.sm_len);
	p->p_data = p->p_tail = p->p_room + VNETHDR_HEADROOM;
	memcpy(packet_append(p, linear), rx->sr_data, linear);
	error = recv_rest(sp, rx, p, linear);
	if (error == 0)
		error = vnethdr_apply(p, &vh);
	if (error != 0) {
		count(&if_counters_self(sc->sc_ifp)->ic_rx_errors);
		packet_free(p);
		return NULL;
	}
	return p;
}

/* What the driver holds follows what the interface has. */
static struct shmif_port *
drive_port(struct shmif *sc)
{
	struct shmif_port *sp = atomic_load_acq(&sc->sc_port);

	if (likely(sp == sc->sc_drive))
		return sp;
	if (sc->sc_drive != NULL)
		shmif_port_rele(sc->sc_drive);
	if (sp != NULL)
		shmif_port_hold(sp);
	sc->sc_drive = sp;
	return sp;
}

static void
poll_backlog(struct shmif *sc, struct shmif_port *sp)
{
	struct packetq done = PACKETQ_INITIALIZER;

	/* Who has the lock sends, and looks at the backlog himself. */
	if (!mutex_tryenter(&sc->sc_txlock))
		return;
	if (atomic_load(&sc->sc_port) == sp) {
		backlog_drain_locked(sc, sp, &done);
		shmbus_flush(sp->sp_port);
	}
	mutex_exit(&sc->sc_txlock);
	packetq_drop(&done);
}

unsigned int
shmif_poll(struct ifnet *ifp, unsigned int budget, struct packetq *q)
{
	struct shmif *sc = ifp->if_softc;
	struct shmif_port *sp = drive_port(sc);
	struct shmbus_rx rx;
	struct packet *p;
	unsigned int n = 0;

	if (sp == NULL)
		return 0;
	if (unlikely(atomic_load(&sc->sc_waiting)))
		poll_backlog(sc, sp);
	for (; n < budget && shmbus_peek(sp->sp_port, &rx); n++) {
		p = recv_packet(sc, sp, &rx);
		if (p != NULL)
			packetq_put(q, p);
	}
	return n;
}

/* --- sleeping ---------------------------------------------------------------- */

/* After the bell was armed: who changes one of these rings afterwards. */
static bool
sleep_needless(struct shmif *sc, const uint32_t *word, uint32_t expected)
{
	return atomic_swap_ar(&sc->sc_kicked, 0) != 0 ||
	    (word != NULL && atomic_load_acq(word) != expected);
}

/* Down: there is nothing to wait for but a kick. */
static int
sleep_alone(struct shmif *sc, bool intr, int64_t deadline)
{
	int error;

	error = rumpuser_park(&sc->sc_kicked, 0, intr ? RUMPUSER_PARK_INTR : 0,
	    deadline);
	return error == EAGAIN ? 0 : error;
}

/*
 * Who sleeps has no vCPU, so what sc_port points to is out of bounds; sc_drive is
 * ours.  If they differ the interface has gone down, and nobody would ring there.
 */
int
shmif_sleep(struct ifnet *ifp, const uint32_t *word, uint32_t expected,
    bool intr, int64_t deadline)
{
	struct shmif *sc = ifp->if_softc;
	struct shmif_port *sp = sc->sc_drive;
	int64_t until = KTIME_NEVER;
	int error = 0;

	if (sp == NULL || atomic_load(&sc->sc_port) != sp ||
	    rumpcomp_shmbus_lost(sp->sp_bus.sb_base)) {
		if (sleep_needless(sc, word, expected))
			return 0;
		return sleep_alone(sc, intr, deadline);
	}
	if (!shmbus_arm(sp->sp_port))
		return 0;
	/* What waits is looked at again though nobody rings. */
	if (atomic_load(&sc->sc_waiting))
		until = clock_mono() + SHMBUS_PATIENCE;
	/* A buffer that came back before the bell was armed rang for nobody. */
	if (!sleep_needless(sc, word, expected) && atomic_load(&sc->sc_port) == sp &&
	    (!atomic_load(&sc->sc_waiting) || shmbus_hungry(sp->sp_port)))
		error = shmbus_sleep(sp->sp_port, intr, until < deadline ? until : deadline);
	shmbus_disarm(sp->sp_port);
	if (error == ETIMEDOUT && until < deadline)
		error = 0;
	return error == EAGAIN ? 0 : error;
}

void
shmif_kick(struct ifnet *ifp)
{
	struct shmif *sc = ifp->if_softc;
	struct shmif_port *sp = atomic_load_acq(&sc->sc_port);

	atomic_store(&sc->sc_kicked, 1);
	atomic_fence_seq();
	(void)rumpuser_unpark(&sc->sc_kicked, UINT32_MAX, 0);
	if (sp != NULL)
		shmbus_ring(&sp->sp_bus, sp->sp_port->sp_index);
}
